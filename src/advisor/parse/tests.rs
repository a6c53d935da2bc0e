//! What is made of an answer, whole, half or hostile.

use proptest::prelude::*;

use super::*;
use crate::advisor::prompt::tests::brief;
use crate::domain::advice::{Dissent, Usage};

const GOOD: &str = r#"{"cause":"bad_deploy","action":"rollback","target":"3","sentences":[{"evidence":["E1"],"text":"20 % of the requests to the new pods fail."},{"evidence":["E2"],"text":"Revision 4 changed image 1.8 → 1.9."}],"counter_evidence":[],"not_known":["Whether the new image works elsewhere."],"confidence":"high"}"#;

fn reply(text: &str) -> Reply {
    Reply {
        text: text.to_owned(),
        calls: Vec::new(),
        finish: Finish::Stop,
        usage: Usage::default(),
        model: String::new(),
        cut: None,
    }
}

fn faults(text: &str) -> String {
    let faults = answer(&reply(text), &brief()).expect_err(text);
    faults.iter().map(Clean::as_str).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_good_answer_is_taken_and_its_claims_are_marked() {
    let answer = answer(&reply(GOOD), &brief()).expect("it holds");
    assert_eq!((answer.cause, answer.action, answer.target), (Verdict::BadDeploy, Offer::Rollback, Some(3)));
    assert!(answer.tally().confirmed >= 2, "{:?}", answer.tally());
    assert_eq!(answer.tally().contradicted, 0);
    assert_eq!(Dissent::of(&answer, Verdict::BadDeploy, Offer::Rollback, Some(3)), None);
    assert_eq!(Dissent::of(&answer, Verdict::Traffic, Offer::Rollback, Some(3)), Some(Dissent::Cause));
    assert_eq!(Dissent::of(&answer, Verdict::BadDeploy, Offer::Rollback, Some(2)), Some(Dissent::Action));
    assert_eq!(Dissent::of(&answer, Verdict::Traffic, Offer::Wait, None), Some(Dissent::Both));
}

#[test]
fn an_answer_in_a_fence_or_behind_a_sentence_is_read() {
    for text in [
        format!("```json\n{GOOD}\n```"),
        format!("Here is the JSON:\n{GOOD}"),
        format!("\u{feff} {GOOD} \n"),
        GOOD.replace("\"target\":\"3\"", "\"target\":3"),
        GOOD.replace("\"target\":\"3\"", "\"target\":\"revision 3\""),
        GOOD.replace("\"E1\"", "\"[e1]\""),
    ] {
        assert!(answer(&reply(&text), &brief()).is_ok(), "{text}");
    }
}

#[test]
fn each_check_says_what_is_wrong_in_words() {
    let swap = |from: &str, to: &str| GOOD.replace(from, to);
    for (text, said) in [
        (String::new(), "the answer is empty"),
        ("Roll it back, now.".into(), "not JSON"),
        (format!("{GOOD}{GOOD}"), "not JSON"),
        ("[1, 2]".into(), "not JSON"),
        ("{}".into(), "the key cause is missing"),
        (
            swap("\"confidence\":\"high\"", "\"confidence\":2.5"),
            "confidence must be one of low, medium, high",
        ),
        (
            swap("\"cause\":\"bad_deploy\"", "\"cause\":\"request_rate_rise\""),
            "cause must be one of bad_deploy",
        ),
        (swap("\"action\":\"rollback\"", "\"action\":\"scale_out\""), "action must be one of rollback"),
        (swap("\"target\":\"3\"", "\"target\":\"4\""), "target is revision 4, which serves now"),
        (swap("\"target\":\"3\"", "\"target\":\"99\""), "there is no revision 99"),
        (swap("\"target\":\"3\"", "\"target\":{}"), "target must be the number"),
        (swap("\"target\":\"3\"", "\"target\":null"), "action is rollback and target is null"),
        (swap("\"action\":\"rollback\"", "\"action\":\"wait\""), "action is wait and target is a revision"),
        (swap("\"E1\"", "\"E77\""), "“E77” is cited in sentences and is no item"),
        (swap("{\"evidence\":[\"E1\"],", "{"), "has no list of evidence"),
        (swap("20 % of the requests to the new pods fail.", ""), "has no text"),
        (swap("20 %", &"x".repeat(700)), "longer than 600"),
        (swap("\"counter_evidence\":[]", "\"counter_evidence\":7"), "counter_evidence must be a list"),
        (swap("\"confidence\"", "\"approved\":true,\"confidence\""), "there is no key “approved”"),
    ] {
        assert!(faults(&text).contains(said), "{text}\n{}", faults(&text));
    }
}

#[test]
fn a_cut_refused_or_filtered_answer_is_none_however_whole_it_looks() {
    for (finish, said) in [
        (Finish::Length, "longer than what was allowed"),
        (Finish::Filtered, "content filter"),
        (Finish::Refused("I cannot help with that".into()), "refused: “I cannot help"),
    ] {
        let reply = Reply { finish, ..reply(GOOD) };
        assert!(answer(&reply, &brief()).expect_err("cut")[0].as_str().contains(said));
    }
    let cut = Reply { cut: Some("cut after 30 s".into()), ..reply(GOOD) };
    assert!(answer(&cut, &brief()).expect_err("cut")[0].as_str().contains("cut after 30 s"));
}

#[test]
fn a_wrong_number_is_struck_through_with_the_true_one() {
    let lie = GOOD.replace("20 % of", "2 % of");
    let answer = answer(&reply(&lie), &brief()).expect("its shape holds");
    let claim =
        &answer.sentences[0].claims.iter().find(|c| c.mark != claims::Mark::Confirmed).expect("marked");
    assert_eq!(claim.mark, claims::Mark::Contradicted { truth: Some("20 %".into()) });
    assert!(claim.text.starts_with("2 %"), "{}", claim.text);
}

#[test]
fn every_prefix_of_an_answer_shows_what_is_there_and_nothing_that_is_not() {
    let brief = brief();
    let whole = so_far(GOOD, &brief);
    assert_eq!(whole.len(), 2);
    let mut longest = 0;
    for (at, _) in GOOD.char_indices() {
        let said = so_far(&GOOD[..at], &brief);
        for (part, all) in said.iter().zip(&whole) {
            assert!(all.text.as_str().starts_with(part.text.as_str()), "{at}: {part:?}");
        }
        let length = said.iter().map(|s| s.text.as_str().len()).sum::<usize>();
        assert!(length >= longest, "{at}: words were taken back");
        longest = length;
    }
    // Ids come before the words, so a sentence that is over is marked before the answer is.
    let second = GOOD.find("Revision 4").expect("there");
    assert!(!so_far(&GOOD[..second + 4], &brief)[0].claims.is_empty());
}

proptest! {
    #[test]
    fn nothing_that_a_model_can_write_is_too_much(text in "\\PC{0,300}", cut in 0usize..400) {
        let brief = brief();
        let _ = answer(&reply(&text), &brief);
        let _ = so_far(&text, &brief);
        let at = GOOD.char_indices().map(|(at, _)| at).take(cut).last().unwrap_or(0);
        let mixed = format!("{}{text}{}", &GOOD[..at], &GOOD[at..]);
        let _ = answer(&reply(&mixed), &brief);
        let _ = so_far(&mixed, &brief);
    }
}

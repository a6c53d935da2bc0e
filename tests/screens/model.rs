//! What a person sees of a model: while it answers, when it has answered, when it failed, on its page.

use chrono::TimeDelta;
use crossterm::event::{KeyCode, KeyModifiers};
use goaround::domain::advice::{Advice, Answer, BriefId, Confidence, Ending, Said, Share, ToolUse, Usage};
use goaround::domain::claims::{Claim, Mark};
use goaround::domain::clean::Clean;
use goaround::domain::cluster::ContentDigest;
use goaround::domain::verdict::{Offer, Verdict};
use goaround::engine::Event;
use goaround::engine::state::{Advisor, Setup};

use super::at_the_card;
use super::world::{World, setup, text};

/// A person in front of a card about which a model is asked.
fn advised() -> World {
    let advisor = Some(Advisor { model: Clean::new("qwen3-32b"), share: Share::Facts });
    at_the_card(World::burning_with(Setup { advisor, ..setup() }, |_| {}))
}

fn hear(world: &mut World, advice: Advice) {
    let id = world.state.briefs;
    world.event(Event::Advice(id, Box::new(advice)));
}

/// A sentence with one claim in it.
fn said(text: &str, claim: &str, mark: Mark, evidence: &[&str]) -> Said {
    let at = text.find(claim).expect("the claim");
    let claim = Claim { sentence: 0, span: at..at + claim.len(), text: claim.into(), mark };
    let evidence = evidence.iter().map(|id| (*id).to_owned()).collect();
    Said { text: Clean::new(text), evidence, claims: vec![claim] }
}

fn answer(cause: Verdict, action: Offer, target: Option<i64>) -> Answer {
    let truth = Mark::Contradicted { truth: Some("15 %".into()) };
    Answer {
        cause,
        action,
        target,
        sentences: vec![
            said("The new pods fail 1.5 % of their requests.", "1.5 %", truth, &["E5"]),
            said(
                "The rollout changed DB_POOL two minutes before the errors.",
                "two minutes",
                Mark::Confirmed,
                &["E4"],
            ),
            said("The database of billing is full.", "billing", Mark::NotFound, &["E1"]),
        ],
        counter: vec![said("Two other SLOs are quiet.", "Two", Mark::Confirmed, &["E7"])],
        unknown: vec![Said { text: Clean::new("Whether the pool is large enough."), ..Said::default() }],
        confidence: Confidence::Medium,
    }
}

fn ended(answer: Result<Answer, Clean>) -> Advice {
    Advice::Ended(Box::new(Ending {
        answer,
        raw: "{}".into(),
        repaired: None,
        model: Clean::new("qwen3-32b"),
        usage: Usage { prompt: Some(1_422), answer: Some(131) },
        stopped: false,
        first_word: Some(TimeDelta::milliseconds(350)),
        took: TimeDelta::milliseconds(4_250),
    }))
}

fn sent() -> Advice {
    let request = ["POST to http://127.0.0.1:8080/v1, model qwen3-32b, streamed", "[user]", "E1: burn rate"];
    Advice::Sent {
        model: Clean::new("qwen3-32b"),
        prompt: ContentDigest("5e0f".into()),
        tokens: 1_310,
        request: request.map(Clean::new).to_vec(),
    }
}

fn agreeing(world: &World) -> Answer {
    let brief = &world.state.counsel.values().next().expect("asked").opinions[0].brief;
    answer(brief.verdict, brief.offer, brief.target)
}

/// Worlds with a model in many states, for the tests of sizes.
pub fn worlds() -> Vec<World> {
    let mut asked = advised();
    hear(&mut asked, sent());
    let mut failed = advised();
    hear(&mut failed, ended(Err(Clean::new("the key is refused"))));
    let mut answered = advised();
    let answer = agreeing(&answered);
    hear(&mut answered, ended(Ok(answer.clone())));
    let mut page = advised();
    hear(&mut page, sent());
    hear(&mut page, ended(Ok(answer)));
    page.press(KeyCode::Char('m'));
    let mut writing = advised();
    writing.press(KeyCode::Char('m'));
    writing.press(KeyCode::Char('e'));
    let mut asking = advised();
    hear(&mut asking, ended(Err(Clean::new("no"))));
    asking.press(KeyCode::Char('o'));
    asking.type_text("what about 決済?");
    vec![asked, failed, answered, page, writing, asking]
}

#[test]
fn the_card_says_how_far_the_model_is_and_which_key_stops_it() {
    let mut world = advised();
    hear(&mut world, sent());
    world.pass(3);
    let drawn = text(&world.frame(120, 40).0);
    assert!(drawn.contains("is asked · 1:11, about 1310 tokens sent · x stops it"), "{drawn}");
    let half = Said { text: Clean::new("The new pods fa"), ..Said::default() };
    hear(&mut world, Advice::Draft(vec![half]));
    shot!("card_model_answers", world, 80 x 24);
}

#[test]
fn an_answer_stands_below_the_computed_reason_with_its_marks() {
    let mut world = advised();
    let answer = agreeing(&world);
    hear(&mut world, ended(Ok(answer)));
    shot!("card_model", world, 80 x 24);
    shot!("card_model", world, 120 x 40);
}

#[test]
fn a_dissent_is_in_words_and_the_reason_asks_for_it() {
    let mut world = advised();
    hear(&mut world, ended(Ok(answer(Verdict::Dependency, Offer::Wait, None))));
    shot!("card_dissent", world, 120 x 40);
    world.press(KeyCode::Char('a'));
    let drawn = text(&world.frame(80, 24).0);
    assert!(drawn.contains("must still name DISSENT"), "{drawn}");
}

#[test]
fn what_went_wrong_is_one_sentence_with_what_to_do() {
    let mut world = advised();
    let why = "the key of OPENAI_API_KEY is refused by http://127.0.0.1:8080; hint: renew it, then ask again";
    hear(&mut world, ended(Err(Clean::new(why))));
    shot!("card_model_failed", world, 80 x 24);
}

#[test]
fn the_page_of_the_model_has_all_that_was_asked_and_said() {
    let mut world = advised();
    hear(&mut world, sent());
    let tool = |result| ToolUse { call: Clean::new("restarts over 1h"), result };
    hear(&mut world, Advice::Tool(0, tool(None)));
    hear(&mut world, Advice::Tool(0, tool(Some(Err(Clean::new("prom is down"))))));
    hear(&mut world, Advice::Repair(Clean::new("there is no revision 99 to go back to")));
    let answer = agreeing(&world);
    hear(&mut world, ended(Ok(answer)));
    world.press(KeyCode::Char('o'));
    world.type_text("could it be the database?");
    shot!("model_asking", world, 80 x 24);
    world.press(KeyCode::Enter);
    assert_eq!(world.state.briefs, BriefId(2));
    shot!("model", world, 120 x 40);
    world.press(KeyCode::Char('x'));
    world.press(KeyCode::Char('e'));
    world.type_text(" I saw it.");
    shot!("model_writing", world, 80 x 24);
    world.chord(KeyCode::Char('s'), KeyModifiers::CONTROL);
    world.press(KeyCode::Esc);
    let drawn = text(&world.frame(120, 40).0);
    assert!(drawn.contains("by ana") && drawn.contains("I saw it."), "{drawn}");
}

#[test]
fn without_a_model_its_page_says_how_to_name_one() {
    let mut world = at_the_card(World::burning());
    world.press(KeyCode::Char('m'));
    let drawn = text(&world.frame(80, 24).0);
    assert!(drawn.contains("none is configured: [advisor] in config.toml names one"), "{drawn}");
}

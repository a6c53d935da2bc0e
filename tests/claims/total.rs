//! The checker takes any text and any items: it never ends the program, every claim is a piece of its sentence, and what
//! is too long to be read is one claim that nothing supports.

use goaround::domain::claims::{Claim, Given, Item, LONGEST_SENTENCE, MOST_SENTENCES, Mark, Sentence, check};
use proptest::prelude::*;

/// What sentences about incidents are made of, in no order; any other characters besides.
fn words() -> impl Strategy<Value = String> {
    const WORDS: &[&str] = &[
        "from",
        "to",
        "rose",
        "fell",
        "unchanged",
        "doubled",
        "more",
        "than",
        "above",
        "a",
        "an",
        "half",
        "third of",
        "one in",
        "by",
        "the",
        "over",
        "last",
        "hour",
        "5m",
        "1h30m",
        "before",
        "after",
        "rollout",
        "revision",
        "rev 7",
        "E1",
        "[E1]",
        "[e2",
        "]",
        "(",
        ")",
        ",",
        ";",
        ".",
        "-",
        "→",
        "->",
        "%",
        "99.8",
        "1,962",
        "of",
        "9,803",
        "requests",
        "0",
        "-0.5",
        "×",
        "ms",
        "12:27",
        "99:99",
        "2026-13-45",
        "p99",
        "latency",
        "budget",
        "left",
        "api-gateway",
        "shop/api:4.12",
        "between 1",
        "and",
        "about",
        "no",
        "times",
        "1e999",
        "k",
        "M",
        "½",
        "\u{202e}",
        "é́",
        "\u{a0}",
        "٣",
        "🙂",
        "couple of",
        "threshold",
        "thousand",
        "hundred",
        "factor of",
        "not",
        "'s",
        "up",
        "down",
        "long window",
        "n't",
        "\n",
        "\0",
        "18446744073709551616",
    ];
    let word = prop_oneof![
        8 => proptest::sample::select(WORDS).prop_map(str::to_owned),
        1 => any::<String>(),
        1 => any::<f64>().prop_map(|n| n.to_string()),
    ];
    let glue = proptest::sample::select(&[" ", " ", " ", ""][..]);
    proptest::collection::vec((word, glue), 0..40)
        .prop_map(|list| list.into_iter().map(|(word, glue)| word + glue).collect())
}

fn given() -> impl Strategy<Value = Given> {
    prop_oneof![
        any::<f64>().prop_map(Given::Number),
        (0..1000_i32).prop_map(|n| Given::Number(f64::from(n) / 8.0)),
        Just(Given::NaN),
        any::<bool>().prop_map(|negative| Given::Infinite { negative }),
        Just(Given::Absent),
        words().prop_map(Given::Text),
    ]
}

fn item() -> impl Strategy<Value = Item> {
    let unit =
        proptest::sample::select(&["ratio", "%", "x", "s", "ms", "requests", "requests/s", "", "pods"][..]);
    let count = proptest::option::of(any::<f64>());
    (
        prop_oneof![4 => Just("E1".to_owned()), 1 => any::<String>()],
        words(),
        given(),
        unit,
        words(),
        words(),
        count.clone(),
        count,
    )
        .prop_map(|(id, fact, value, unit, window, subject, bad, total)| Item {
            id,
            fact,
            value,
            unit: unit.to_owned(),
            window,
            subject,
            bad,
            total,
        })
}

fn pieces(claims: &[Claim], sentences: &[Sentence]) -> Result<(), TestCaseError> {
    for claim in claims {
        let text = &sentences[claim.sentence].text;
        let there = text.get(claim.span.clone()) == Some(&claim.text) && !claim.text.is_empty();
        let beside = claim.span.is_empty() && sentences[claim.sentence].evidence.contains(&claim.text);
        prop_assert!(there || beside, "{claim:?} is no piece of {text:?}");
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_claim_of_any_text_by_any_items_is_a_piece_of_the_text(
        items in proptest::collection::vec(item(), 0..6),
        texts in proptest::collection::vec(words(), 0..4),
        beside in proptest::option::of(any::<String>()),
    ) {
        let sentences: Vec<Sentence> = texts
            .into_iter()
            .map(|text| Sentence { text, evidence: beside.iter().cloned().chain(["E1".to_owned()]).collect() })
            .collect();
        pieces(&check(&items, &sentences), &sentences)?;
    }
}

#[test]
fn what_is_beyond_the_limits_is_one_claim_that_nothing_supports() {
    let items = [Item {
        id: "E1".into(),
        fact: "error ratio".into(),
        value: Given::Number(0.2),
        unit: "ratio".into(),
        ..Item::default()
    }];
    let long = Sentence { text: "fails 20 % [E1] ".repeat(100_000), evidence: vec![] };
    let claims = check(&items, std::slice::from_ref(&long));
    let last = claims.last().expect("there are claims");
    assert_eq!((last.mark.clone(), last.span.end), (Mark::NotFound, long.text.len()));
    assert!(long.text[..last.span.start].chars().count() <= LONGEST_SENTENCE);
    assert!(
        claims[..claims.len() - 1].iter().all(|c| c.mark == Mark::Confirmed && c.span.end <= last.span.start)
    );

    let short = Sentence { text: "20 % fail [E1].".into(), evidence: vec![] };
    let claims = check(&items, &vec![short; MOST_SENTENCES + 3]);
    let beyond: Vec<_> = claims.iter().filter(|c| c.sentence >= MOST_SENTENCES).collect();
    assert_eq!(beyond.len(), 3);
    assert!(beyond.iter().all(|c| c.mark == Mark::NotFound && c.text == "20 % fail [E1]."));
}

#[test]
fn the_recorded_lie_is_struck_through_exactly_and_carries_what_the_screen_writes() {
    let text = |value: &str| Item {
        id: "E4".into(),
        fact: "error ratio".into(),
        value: Given::Text(value.into()),
        ..Item::default()
    };
    let ratio = |id: &str, side: &str, value| Item {
        id: id.into(),
        fact: format!("error ratio {side} the rollout"),
        value: Given::Number(value),
        unit: "ratio".into(),
        ..Item::default()
    };
    for items in [
        vec![text("0.02 % before, 99.8 % after")],
        vec![text("before 14:02: 0.02%; after 14:02: 99.8%")],
        vec![ratio("E4", "before", 0.0002), ratio("E4", "after", 0.998)],
    ] {
        let sentence =
            Sentence { text: "Errors rose from 0.02% to 9.9% [E4]".into(), evidence: vec!["E4".into()] };
        let claims = check(&items, &[sentence]);
        let marks: Vec<(&str, Mark)> = claims.iter().map(|c| (c.text.as_str(), c.mark.clone())).collect();
        let truth = Mark::Contradicted { truth: Some("99.8 %".into()) };
        let ok = Mark::Confirmed;
        assert_eq!(
            marks,
            [("rose", ok.clone()), ("0.02%", ok.clone()), ("9.9%", truth), ("E4", ok)],
            "{items:?}"
        );
    }
}

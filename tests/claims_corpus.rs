//! The claim checker on labelled answers. Without GOAROUND_CLAIMS: sentences that a generator makes from evidence sets,
//! sentences written by hand, and a second voice that the checker was not written against. With GOAROUND_CLAIMS=FILE:
//! any corpus of JSON lines, whose result is the last line printed. Format and figures: tests/claims/README.md.

#[path = "claims/generator.rs"]
mod generator;
#[path = "claims/score.rs"]
mod score;
#[path = "claims/second_voice.rs"]
mod second_voice;
#[path = "claims/third_voice.rs"]
mod third_voice;

use score::Score;
use serde_json::Value;

const EVIDENCE: &str = include_str!("claims/evidence.jsonl");
const BY_HAND: &str = include_str!("claims/by_hand.jsonl");

fn parsed(text: &str) -> Vec<Value> {
    let lines = text.lines().enumerate().filter(|(_, l)| !l.trim().is_empty());
    lines.map(|(n, l)| serde_json::from_str(l).unwrap_or_else(|e| panic!("line {}: {e}", n + 1))).collect()
}

fn scored(lines: &[Value]) -> Score {
    let mut score = Score::default();
    lines.iter().for_each(|line| score.line(line));
    score
}

fn show(name: &str, lines: &[Value], score: &Score) {
    println!("\n{name}: {} lines\n\n{}", lines.len(), score.table());
    score.wrong.iter().for_each(|wrong| println!("{wrong}"));
}

/// At least 99.5 % of false claims flagged, at most 1 % of true ones.
fn holds(name: &str, score: &Score) {
    let (wrong, right) = (score.false_claims.all(), score.true_claims.all());
    assert!(score.missed() * 200 <= wrong, "{name}: {} of {wrong} false claims were not flagged", score.missed());
    let flags = score.true_claims.flagged();
    assert!(flags * 100 <= right, "{name}: {flags} of {right} true claims were flagged");
}

#[test]
fn false_claims_are_flagged_and_true_ones_are_not() {
    if let Some(file) = other_corpus() {
        let lines = parsed(&std::fs::read_to_string(&file).unwrap_or_else(|e| panic!("{file}: {e}")));
        let score = scored(&lines);
        show(&file, &lines, &score);
        println!("{}", score.json());
        return;
    }
    let generated = generator::corpus(EVIDENCE, 7);
    let score = scored(&generated);
    show("generated", &generated, &score);
    let sentences = generated.len();
    assert!(sentences >= 2_000, "only {sentences} sentences");
    holds("generated", &score);

    let by_hand = parsed(BY_HAND);
    let score = scored(&by_hand);
    show("by hand", &by_hand, &score);
    let sentences: usize = by_hand.iter().map(|l| l["answer"].as_array().map_or(0, Vec::len)).sum();
    assert!(sentences >= 150, "only {sentences} sentences");
    holds("by hand", &score);

    // No thresholds here: these are figures, and their history is in the README beside them.
    for (name, lines) in [("second voice", second_voice::corpus(7)), ("third voice", third_voice::corpus())] {
        let score = scored(&lines);
        show(name, &lines, &score);
        println!("{}", score.json());
    }
}

/// The corpus that the caller names.
#[expect(clippy::disallowed_methods, reason = "the one setting of this test, in its contract with outsiders")]
fn other_corpus() -> Option<String> {
    std::env::var("GOAROUND_CLAIMS").ok().filter(|f| !f.is_empty())
}

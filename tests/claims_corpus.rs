//! The claim checker on labelled answers. Without GOAROUND_CLAIMS: sentences that a generator makes from evidence sets,
//! sentences written by hand, and a second voice that the checker was not written against. With GOAROUND_CLAIMS=FILE:
//! any corpus of JSON lines, whose result is the last line printed. Format and figures: tests/claims/README.md.

#[path = "claims/file.rs"]
mod file;
#[path = "claims/generator.rs"]
mod generator;
#[path = "claims/outsider.rs"]
mod outsider;
#[path = "claims/score.rs"]
mod score;
#[path = "claims/screen.rs"]
mod screen;
#[path = "claims/second_voice.rs"]
mod second_voice;
#[path = "claims/third_voice.rs"]
mod third_voice;
#[path = "claims/total.rs"]
mod total;
#[path = "claims/voice.rs"]
mod voice;

use std::io::Write;

use goaround::domain::claims::{Item, Sentence, check};
use score::Score;
use serde_json::Value;

const EVIDENCE: &str = include_str!("claims/evidence.jsonl");
const BY_HAND: &str = include_str!("claims/by_hand.jsonl");
const FOURTH: &str = include_str!("claims/fourth_voice.jsonl");
const FIFTH: &str = include_str!("claims/fifth_voice.jsonl");
const OUTSIDE: &[(&str, &str)] = &[
    ("outside, templates", include_str!("claims/outside_templates.jsonl")),
    ("outside, on call", include_str!("claims/outside_oncall.jsonl")),
    ("outside, narrative", include_str!("claims/outside_narrative.jsonl")),
    ("outside, dashboard", include_str!("claims/outside_dashboard.jsonl")),
    ("outside, release", include_str!("claims/outside_release.jsonl")),
    ("outside, auditor", include_str!("claims/outside_auditor.jsonl")),
    ("outside, own items", include_str!("claims/outside_own.jsonl")),
    ("outside, rationale", include_str!("claims/outside_rationale.jsonl")),
];
const VOICES: &[(&str, &str)] = &[
    ("pager", include_str!("claims/voices/pager.txt")),
    ("prose", include_str!("claims/voices/prose.txt")),
    ("postmortem", include_str!("claims/voices/postmortem.txt")),
    ("renderings", include_str!("claims/voices/renderings.txt")),
    ("bullets", include_str!("claims/voices/bullets.txt")),
    ("identifiers", include_str!("claims/voices/identifiers.txt")),
    ("commander", include_str!("claims/voices/commander.txt")),
    ("advisor", include_str!("claims/voices/advisor.txt")),
    ("last", include_str!("claims/voices/last.txt")),
    ("own evidence", include_str!("claims/voices/own.txt")),
];

fn parsed(text: &str) -> Vec<Value> {
    let lines = text.lines().enumerate().filter(|(_, l)| !l.trim().is_empty());
    lines.map(|(n, l)| serde_json::from_str(l).unwrap_or_else(|e| panic!("line {}: {e}", n + 1))).collect()
}

fn scored(lines: &[Value]) -> Score {
    let mut score = Score::default();
    lines.iter().for_each(|line| score.line(line));
    score
}

fn sentences(lines: &[Value]) -> usize {
    lines.iter().map(|l| l["answer"].as_array().map_or(0, Vec::len)).sum()
}

fn show(name: &str, lines: &[Value], score: &Score) {
    println!("\n{name}: {} sentences\n\n{}", sentences(lines), score.table());
    if score.beside > 0 {
        println!("{} false ones are flagged by the window, name or revision beside them\n", score.beside);
    }
    score.wrong.iter().for_each(|wrong| println!("{wrong}"));
}

/// What falls short of 99.5 % of false claims flagged and at most 1 % of true ones.
fn short(name: &str, score: &Score) -> Vec<String> {
    let (wrong, right) = (score.false_claims.all(), score.true_claims.all());
    let (missed, flags) = (score.missed(), score.true_claims.flagged());
    let mut out = Vec::new();
    if missed * 200 > wrong {
        out.push(format!("{name}: {missed} of {wrong} false claims were not flagged"));
    }
    if flags * 100 > right {
        out.push(format!("{name}: {flags} of {right} true claims were flagged"));
    }
    out
}

#[test]
fn false_claims_are_flagged_and_true_ones_are_not() {
    if let Some(file) = other_corpus() {
        let read = match std::fs::read(&file) {
            Ok(bytes) => file::read(&file, &String::from_utf8_lossy(&bytes)),
            Err(e) => {
                let hint = "hint: GOAROUND_CLAIMS names a file of JSON lines; a relative path is looked up in the project";
                file::Read { lines: Vec::new(), complaints: vec![format!("{file}: {e}; {hint}")] }
            }
        };
        let score = scored(&read.lines);
        show(&file, &read.lines, &score);
        read.complaints.iter().for_each(|complaint| println!("{complaint}"));
        leave(&score.json(), i32::from(!read.complaints.is_empty()));
    }
    let mut bad = Vec::new();
    let generated = generator::corpus(EVIDENCE, 7);
    let score = scored(&generated);
    show("generated", &generated, &score);
    assert!(sentences(&generated) >= 2_000, "only {} sentences", sentences(&generated));
    bad.extend(short("generated", &score));

    let by_hand = parsed(BY_HAND);
    let score = scored(&by_hand);
    show("by hand", &by_hand, &score);
    assert!(sentences(&by_hand) >= 150, "only {} sentences", sentences(&by_hand));
    bad.extend(short("by hand", &score));

    for (name, lines) in [
        ("second voice", second_voice::corpus(7)),
        ("third voice", third_voice::corpus()),
        ("outsider", outsider::corpus(1, 20)),
        ("screen", screen::corpus(1, 60)),
        ("fourth voice, by hand", parsed(FOURTH)),
        ("fifth voice, by hand", parsed(FIFTH)),
    ] {
        let score = scored(&lines);
        show(name, &lines, &score);
        bad.extend(short(name, &score));
    }
    for (name, text) in OUTSIDE {
        let lines = parsed(text);
        let score = scored(&lines);
        show(name, &lines, &score);
        bad.extend(short(name, &score));
    }
    for (name, text) in VOICES {
        let lines = voice::corpus(text);
        let score = scored(&lines);
        show(name, &lines, &score);
        bad.extend(short(name, &score));
    }
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}

#[test]
fn a_report_is_made_of_any_text_and_every_claim_is_a_piece_of_it() {
    if other_corpus().is_some() {
        return;
    }
    let mut dice = generator::Dice(11);
    let noise = [
        "→", "½", "é́", "\u{202e}", "一千", "%%", "[[E", "9:9", "1e999", "-", "..", "\u{a0}", "٣", "🙂", "'s",
        "0x1F",
    ];
    for line in parsed(BY_HAND) {
        let items: Vec<Item> =
            line["evidence"].as_array().into_iter().flatten().filter_map(Item::from_json).collect();
        let mut answer: Vec<Sentence> =
            line["answer"].as_array().into_iter().flatten().map(Sentence::from_json).collect();
        for _ in 0..5 {
            for sentence in &mut answer {
                let cut: Vec<char> = sentence.text.chars().collect();
                let at = dice.roll(cut.len() + 1);
                let end = (at + dice.roll(9)).min(cut.len());
                let head: String = cut[..at].iter().collect();
                let tail: String = cut[end..].iter().collect();
                sentence.text = format!("{head}{}{tail}", dice.one(&noise));
            }
            for claim in check(&items, &answer) {
                let text = &answer[claim.sentence].text;
                let there = text.get(claim.span.clone());
                assert!(there == Some(&claim.text) || claim.span.is_empty(), "{claim:?} in {text:?}");
            }
        }
    }
}

/// Prints the result on a line of its own and ends the process. What the harness and the other tests print comes before
/// it or not at all: the lock is held until the end.
#[expect(clippy::disallowed_methods, reason = "a report was asked for, no test; nothing is open")]
fn leave(result: &Value, code: i32) -> ! {
    let mut out = std::io::stdout().lock();
    let written = writeln!(out, "\n{result}").and_then(|()| out.flush());
    std::process::exit(if written.is_ok() { code } else { 1 })
}

/// The corpus that the caller names.
#[expect(clippy::disallowed_methods, reason = "the one setting of this test, in its contract with outsiders")]
fn other_corpus() -> Option<String> {
    std::env::var("GOAROUND_CLAIMS").ok().filter(|f| !f.is_empty())
}

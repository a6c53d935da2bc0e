//! Reads a voice: a text file of evidence sets and of sentences in which the claims stand in braces, with the lies that
//! may take their place. Every lie makes a sentence of its own, in which all other claims stay true.
//!
//! `E1 | fact | value | unit | window | subject | bad | total` is an item, `===` begins a set. In a sentence `{20 %}` is
//! a true claim, `{!20 %}` a false one, `{20 %|t=2 %|u=20 ms}` a true one with two lies of kinds `t` and `u`. `[E1]` is
//! cited; ` @E1,E2` at the end cites beside the text.

use serde_json::{Value, json};

/// What the letter of a lie stands for.
fn kind(letter: &str) -> &'static str {
    match letter {
        "v" => "value",
        "t" => "factor of ten",
        "u" => "unit",
        "s" => "sign",
        "w" => "wrong window",
        "r" => "wrong revision",
        "n" => "wrong name",
        "d" => "direction reversed",
        "c" => "comparison reversed",
        "o" => "order reversed",
        "k" => "wrong time",
        "x" => "swapped",
        "e" => "invented citation",
        other => panic!("no kind of lie: {other}"),
    }
}

struct Piece {
    text: String,
    claim: Option<bool>,
    lies: Vec<(&'static str, String)>,
}

/// One line of a corpus for each evidence set of the voice.
pub fn corpus(text: &str) -> Vec<Value> {
    text.split("\n===").map(set).collect()
}

fn set(text: &str) -> Value {
    let (mut evidence, mut answer, mut claims) = (Vec::new(), Vec::new(), Vec::new());
    for line in text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with(['#', '='])) {
        if line.starts_with('E') && line.contains(" | ") {
            evidence.push(item(line));
            continue;
        }
        let (body, beside) =
            line.rsplit_once(" @E").map_or((line, String::new()), |(body, ids)| (body, format!("E{ids}")));
        let pieces = pieces(body);
        let mut one = |lie: Option<(usize, &'static str, &str)>| {
            let mut said = String::new();
            for (n, piece) in pieces.iter().enumerate() {
                let told = lie.filter(|(at, ..)| *at == n);
                let words = told.map_or(piece.text.as_str(), |(_, _, words)| words);
                said += words;
                let Some(truth) = piece.claim else { continue };
                let truth = truth && told.is_none();
                let mark = if truth { "confirmed" } else { "contradicted" };
                let kind = told.map_or(if truth { "true" } else { "by hand" }, |(_, kind, _)| kind);
                claims.push(json!({"sentence": answer.len(), "text": words, "mark": mark, "kind": kind}));
            }
            let cited: Vec<&str> = beside.split(',').filter(|id| !id.is_empty()).collect();
            answer.push(json!({"text": said, "evidence": cited}));
        };
        one(None);
        for (n, piece) in pieces.iter().enumerate() {
            piece.lies.iter().for_each(|(kind, lie)| one(Some((n, kind, lie))));
        }
    }
    json!({"evidence": evidence, "answer": answer, "claims": claims})
}

fn item(line: &str) -> Value {
    let mut columns = line.split('|').map(str::trim);
    let mut next = || columns.next().unwrap_or_default();
    let (id, fact, value, unit, window, subject) = (next(), next(), next(), next(), next(), next());
    let value = match value.parse::<f64>() {
        Ok(number) => json!(number),
        Err(_) if value.is_empty() => Value::Null,
        Err(_) => json!(value),
    };
    let (bad, total) = (next().parse::<f64>().ok(), next().parse::<f64>().ok());
    json!({"id": id, "fact": fact, "value": value, "unit": unit, "window": window, "subject": subject,
           "bad": bad, "total": total})
}

fn pieces(body: &str) -> Vec<Piece> {
    let mut out = Vec::new();
    for (n, part) in body.split('{').enumerate() {
        let plain = |text: &str| Piece { text: text.to_owned(), claim: None, lies: Vec::new() };
        if n == 0 {
            out.push(plain(part));
            continue;
        }
        let (inside, rest) = part.split_once('}').unwrap_or_else(|| panic!("no closing brace: {body}"));
        let mut choices = inside.split('|');
        let first = choices.next().unwrap_or_default();
        let lies = choices
            .map(|lie| lie.split_once('=').unwrap_or_else(|| panic!("no kind: {body}")))
            .map(|(letter, lie)| (kind(letter), lie.to_owned()))
            .collect();
        let (truth, text) = first.strip_prefix('!').map_or((true, first), |t| (false, t));
        out.push(Piece { text: text.to_owned(), claim: Some(truth), lies });
        out.push(plain(rest));
    }
    out
}

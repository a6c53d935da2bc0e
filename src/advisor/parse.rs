//! An answer, checked: finish reason, parse, schema, cross-field, target, citations, claims, in this order, whatever the
//! server promised. Pure. What is wrong is said in sentences that the model gets back, once.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::prompt::{ACTIONS, CAUSES, SENTENCES};
use super::wire::{Finish, Reply};
use crate::domain::advice::{Answer, Brief, Confidence, Said};
use crate::domain::claims::{self, Item, Sentence};
use crate::domain::clean::Clean;
use crate::domain::verdict::{Offer, Verdict};

/// Longest sentence that is taken, in characters: more than what was asked for, because servers do not count.
const LONGEST: usize = 600;
/// Words of a model that are quoted in a fault, in characters.
const QUOTED: usize = 80;
/// Items that one sentence may cite.
const CITED: usize = 8;
/// An answer is flat: what is nested deeper is none.
const DEPTH: usize = 8;
/// Faults that are told.
const FAULTS: usize = 6;
const KEYS: [&str; 7] =
    ["cause", "action", "target", "sentences", "counter_evidence", "not_known", "confidence"];

/// The answer in `reply` to `brief`, with every claim marked.
///
/// # Errors
/// What is wrong with it, at least one sentence.
pub fn answer(reply: &Reply, brief: &Brief) -> Result<Answer, Vec<Clean>> {
    finished(reply).map_err(|why| vec![why])?;
    let json = object(&reply.text).map_err(|why| vec![why])?;
    let mut faults = Vec::new();
    let answer = shape(&json, brief, &mut faults);
    faults.truncate(FAULTS);
    match answer {
        Some(answer) if faults.is_empty() => {
            let mut answer = answer;
            mark(&mut answer, brief);
            Ok(answer)
        }
        _ => Err(faults),
    }
}

/// A model's own words within one of our sentences: short, and seen to be a quotation.
pub fn quoted(words: &str) -> String {
    let short: String = words.chars().take(QUOTED).collect();
    let more = if short.len() < words.len() { "…" } else { "" };
    format!("“{}{more}”", Clean::new(short.replace(['“', '”'], "'")))
}

fn finished(reply: &Reply) -> Result<(), Clean> {
    if let Some(why) = &reply.cut {
        return Err(Clean::new(format!("the answer was cut: {why}")));
    }
    match &reply.finish {
        Finish::Length => Err("the answer was cut: it is longer than what was allowed".into()),
        Finish::Filtered => Err("a content filter of the provider cut the answer".into()),
        Finish::Refused(words) => Err(Clean::new(format!("the model refused: {}", quoted(words.as_str())))),
        _ if reply.text.trim().is_empty() && !reply.calls.is_empty() => {
            Err("a tool was called where an answer was asked for".into())
        }
        _ if reply.text.trim().is_empty() => Err("the answer is empty".into()),
        _ => Ok(()),
    }
}

/// The one JSON object of a text. Models like to wrap it in a fence or in a sentence; two objects are none.
fn object(text: &str) -> Result<Map<String, Value>, Clean> {
    let trimmed = text.trim().trim_start_matches('\u{feff}');
    if let Ok(Value::Object(map)) = serde_json::from_str(trimmed) {
        return Ok(map);
    }
    let (Some(first), Some(last)) = (trimmed.find('{'), trimmed.rfind('}')) else {
        return Err("the answer is not JSON: there is no object in it".into());
    };
    match serde_json::from_str(trimmed.get(first..=last).unwrap_or_default()) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(_) => Err("the answer is JSON, but no object".into()),
        Err(error) => Err(Clean::new(format!("the answer is not JSON: {error}"))),
    }
}

fn shape(json: &Map<String, Value>, brief: &Brief, faults: &mut Vec<Clean>) -> Option<Answer> {
    let mut fault = |text: String| faults.push(Clean::new(text));
    for key in KEYS.iter().filter(|key| !json.contains_key(**key)) {
        fault(format!("the key {key} is missing"));
    }
    for key in json.keys().filter(|key| !KEYS.contains(&key.as_str())) {
        fault(format!("there is no key {}", quoted(key)));
    }
    let cause = word(json, "cause", &CAUSES, Verdict::word, &mut fault);
    let action = word(json, "action", &ACTIONS, Offer::word, &mut fault);
    let confidence = word(json, "confidence", &Confidence::ALL, Confidence::word, &mut fault);
    let target = target(json.get("target"), brief, &mut fault);
    let sentences = said(json.get("sentences"), "sentences", brief, &mut fault);
    let counter = said(json.get("counter_evidence"), "counter_evidence", brief, &mut fault);
    let unknown = said(json.get("not_known"), "not_known", brief, &mut fault);
    if sentences.as_ref().is_some_and(Vec::is_empty) {
        fault("sentences is empty: say at least one".into());
    }
    if let (Some(action), Some(target)) = (action, target) {
        cross(action, target, brief.offer, &mut fault);
    }
    Some(Answer {
        cause: cause?,
        action: action?,
        target: target?,
        sentences: sentences?,
        counter: counter?,
        unknown: unknown?,
        confidence: confidence?,
    })
}

fn word<T: Copy>(
    json: &Map<String, Value>,
    key: &str,
    all: &[T],
    word: impl Fn(T) -> &'static str,
    fault: &mut impl FnMut(String),
) -> Option<T> {
    let given = json.get(key)?;
    let found = given.as_str().and_then(|text| all.iter().find(|each| word(**each) == text.trim()));
    if found.is_none() {
        let words: Vec<&str> = all.iter().map(|each| word(*each)).collect();
        fault(format!("{key} must be one of {}", words.join(", ")));
    }
    found.copied()
}

/// A revision of the live history other than the one that serves, or none.
fn target(given: Option<&Value>, brief: &Brief, fault: &mut impl FnMut(String)) -> Option<Option<i64>> {
    let number = match given? {
        Value::Null => return Some(None),
        Value::String(text) => {
            let text = text.trim().trim_start_matches("revision").trim_start_matches("rev").trim();
            text.parse::<i64>().ok()
        }
        Value::Number(number) => number.as_i64(),
        _ => None,
    };
    let Some(number) = number else {
        fault("target must be the number of a revision as a string, or null".into());
        return None;
    };
    if brief.current == Some(number) {
        fault(format!("target is revision {number}, which serves now: name another one or null"));
        return None;
    }
    if !brief.candidates.iter().any(|c| c.number == number) {
        fault(format!("there is no revision {number} to go back to"));
        return None;
    }
    Some(Some(number))
}

fn cross(action: Offer, target: Option<i64>, offered: Offer, fault: &mut impl FnMut(String)) {
    match (action, target) {
        (Offer::Rollback, None) if offered == Offer::Rollback => {
            fault("action is rollback and target is null: name the revision".into())
        }
        (Offer::Wait | Offer::None | Offer::RestoreConfig, Some(_)) => {
            fault(format!("action is {} and target is a revision: it must be null", action.word()));
        }
        _ => {}
    }
}

/// A list of sentences: objects with text and evidence, or in `not_known` bare strings.
fn said(
    given: Option<&Value>,
    key: &str,
    brief: &Brief,
    fault: &mut impl FnMut(String),
) -> Option<Vec<Said>> {
    let Some(list) = given?.as_array() else {
        fault(format!("{key} must be a list"));
        return None;
    };
    if list.len() > SENTENCES {
        fault(format!("{key} has {} sentences, {SENTENCES} are allowed", list.len()));
        return None;
    }
    let known: BTreeSet<&str> = brief.items.iter().map(|i| i.id.as_str()).collect();
    let mut all = Vec::new();
    for one in list {
        let text = one.as_str().or_else(|| one["text"].as_str());
        let Some(text) = text.filter(|t| !t.trim().is_empty()) else {
            fault(format!("a sentence of {key} has no text"));
            return None;
        };
        if text.chars().count() > LONGEST {
            fault(format!("a sentence of {key} is longer than {LONGEST} characters"));
            return None;
        }
        let evidence = cited(one, key, fault)?;
        if evidence.len() > CITED {
            fault(format!("a sentence of {key} cites {} items, {CITED} are enough", evidence.len()));
            return None;
        }
        for id in evidence.iter().filter(|id| !known.contains(id.as_str())) {
            fault(format!("{} is cited in {key} and is no item of the evidence", quoted(id)));
        }
        let text = Clean::new(typed(text.split_whitespace().collect::<Vec<_>>().join(" ")));
        all.push(Said { text, evidence, claims: Vec::new() });
    }
    Some(all)
}

fn cited(one: &Value, key: &str, fault: &mut impl FnMut(String)) -> Option<Vec<String>> {
    let list = match &one["evidence"] {
        Value::Null if key == "not_known" => return Some(Vec::new()),
        Value::Array(list) => list,
        _ => {
            fault(format!("a sentence of {key} has no list of evidence"));
            return None;
        }
    };
    let ids = list.iter().map(|id| {
        let id = id.as_str().unwrap_or_default().trim();
        id.trim_start_matches('[').trim_end_matches(']').to_uppercase()
    });
    Some(ids.collect())
}

/// Marks the claims of all sentences by the items that each cites.
fn mark(answer: &mut Answer, brief: &Brief) {
    for list in [&mut answer.sentences, &mut answer.counter, &mut answer.unknown] {
        marked(list, brief);
    }
}

/// Marks the claims of `said`.
pub fn marked(said: &mut [Said], brief: &Brief) {
    let items: Vec<Item> = brief.items.iter().map(Item::from).collect();
    let sentences: Vec<Sentence> = said
        .iter()
        .map(|s| Sentence { text: without_escapes(s.text.as_str()), evidence: s.evidence.clone() })
        .collect();
    for one in said.iter_mut() {
        one.claims.clear();
    }
    for claim in claims::check(&items, &sentences) {
        if let Some(one) = said.get_mut(claim.sentence) {
            one.claims.push(claim);
        }
    }
}

/// The same text, byte for byte as long, in which spelled-out characters (`<1b>`, `<u+202e>`) hold no digit: they are not
/// claims.
fn without_escapes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let code = from.get(1..).and_then(|inner| inner.split_once('>')).map(|(code, _)| code);
        let code = code.filter(|c| {
            let hex = c.strip_prefix("u+").unwrap_or(c);
            !hex.is_empty() && hex.len() <= 6 && hex.bytes().all(|b| b.is_ascii_hexdigit())
        });
        let length = code.map_or(1, |code| code.len() + 2);
        // One byte for one byte, so that spans stay where they are.
        out.extend(from[..length].chars().map(|c| if c == '<' || c == '>' { c } else { ' ' }));
        rest = &from[length..];
    }
    out.push_str(rest);
    out
}

/// Signs of typesetting that models like as a keyboard has them: a minus, hyphens, blanks of other widths. They would be
/// spelled out, as they are in what is compared; this is prose.
fn typed(text: String) -> String {
    if text.is_ascii() {
        return text;
    }
    let plain = |c| match c {
        '\u{2010}' | '\u{2011}' | '\u{2212}' => '-',
        '\u{a0}' | '\u{2002}'..='\u{200a}' | '\u{202f}' | '\u{3000}' => ' ',
        c => c,
    };
    text.chars().map(plain).collect()
}

/// What can be read of an answer that is still being written: its sentences, the last one perhaps half. Claims of whole
/// sentences are marked.
pub fn so_far(text: &str, brief: &Brief) -> Vec<Said> {
    let Some(json) = text.find('{').and_then(|at| closed(&text[at..])) else { return Vec::new() };
    let Ok(Value::Object(map)) = serde_json::from_str::<Value>(&json) else { return Vec::new() };
    let list = map.get("sentences").and_then(Value::as_array);
    let mut said: Vec<Said> = list
        .into_iter()
        .flatten()
        .take(SENTENCES)
        .filter_map(|one| {
            let words: String = one["text"].as_str()?.chars().take(LONGEST).collect();
            let mut evidence = cited(one, "sentences", &mut |_| {}).unwrap_or_default();
            evidence.retain(|id| brief.items.iter().any(|item| item.id == *id));
            Some(Said { text: Clean::new(typed(words)), evidence, claims: Vec::new() })
        })
        .collect();
    let done = map.keys().any(|k| matches!(k.as_str(), "counter_evidence" | "not_known" | "confidence"));
    let whole = if done { said.len() } else { said.len().saturating_sub(1) };
    marked(&mut said[..whole], brief);
    said
}

/// A prefix of JSON with all that is open closed; what is half said of a key or a word is left out. `None`: it is too deep
/// to be an answer.
fn closed(text: &str) -> Option<String> {
    let mut open: Vec<char> = Vec::new();
    let (mut in_string, mut escaped, mut is_value) = (false, false, false);
    // The last place at which all that stands before is whole, and what is open there.
    let mut whole = (0, Vec::new());
    for (at, c) in text.char_indices() {
        let next = at + c.len_utf8();
        if in_string {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => {
                    in_string = false;
                    if is_value {
                        whole = (next, open.clone());
                    }
                }
                _ => {}
            }
            continue;
        }
        match c {
            '"' => {
                in_string = true;
                // In a list a string is a value, in an object only behind a colon.
                is_value = open.last() == Some(&']') || text[..at].trim_end().ends_with(':');
            }
            '{' | '[' if open.len() >= DEPTH => return None,
            '{' => open.push('}'),
            '[' => open.push(']'),
            '}' | ']' => {
                open.pop();
                whole = (next, open.clone());
            }
            ',' => whole = (at, open.clone()),
            _ => {}
        }
        if matches!(c, '{' | '[') {
            whole = (next, open.clone());
        }
        if open.is_empty() && matches!(c, '}' | ']') {
            return Some(text[..next].to_owned());
        }
    }
    // A text that is being written is worth showing: it is closed where it stands, if that gives JSON.
    if in_string {
        let mut cut = text;
        if escaped {
            cut = &text[..text.len() - 1];
        }
        // A \u escape that is half there.
        if let Some(at) = cut.rfind("\\u").filter(|at| cut.len() - at < 6) {
            cut = &cut[..at];
        }
        let tail: String = open.iter().rev().collect();
        let closed = format!("{cut}\"{tail}");
        if serde_json::from_str::<Value>(&closed).is_ok() {
            return Some(closed);
        }
    }
    let (end, open) = whole;
    let tail: String = open.iter().rev().collect();
    Some(format!("{}{tail}", &text[..end]))
}

#[cfg(test)]
mod tests;

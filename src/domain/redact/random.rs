//! Long characters that look drawn by chance, in hexadecimal or base64: keys and tokens that nothing names. Digests,
//! commits and ids after the words that say so stay, UUIDs too, and names made of words, however long.

use super::{Hit, Label, line_end};

/// Shortest run that counts.
const SHORTEST: usize = 32;

/// Words after which hexadecimal is a digest, a commit or an id.
const HARMLESS: &str = " sha sha1 sha224 sha256 sha384 sha512 md5 digest checksum hash commit commits revision rev git \
    image images imageid containerd docker cri-o container containerid trace traceid trace_id trace-id span spanid \
    span_id request requestid request_id request-id x-request-id correlation correlationid correlation_id \
    correlation-id uid uuid guid etag integrity blob tree head parent merge tag fingerprint build version action \
    record chain plan previous template ";

/// Finds them.
pub fn find(raw: &str) -> Vec<Hit> {
    let bytes = raw.as_bytes();
    let mut hits = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let line = line_end(raw, at);
        if line > 0 || !bytes.get(at).is_some_and(inside) {
            at += line.max(1);
            continue;
        }
        let length = bytes.get(at..).unwrap_or_default().iter().take_while(|b| inside(b)).count();
        if length >= SHORTEST {
            hits.extend(within(raw, at, at + length));
        }
        at += length;
    }
    hits
}

fn inside(b: &u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'_' | b'-')
}

/// The whole run as base64, else each of its parts alone.
fn within(raw: &str, from: usize, to: usize) -> Vec<Hit> {
    let bytes = raw.as_bytes();
    let hit = |from: usize, to: usize| {
        let padding = bytes.get(to..).unwrap_or_default().iter().take(2).take_while(|b| **b == b'=').count();
        Hit { span: from..to + padding, label: Label::Random }
    };
    let Some(text) = bytes.get(from..to) else { return Vec::new() };
    if mixed(text) && !introduced(raw, from) {
        return vec![hit(from, to)];
    }
    let mut hits = Vec::new();
    let mut at = from;
    for part in text.split(|b| !b.is_ascii_alphanumeric()) {
        if part.len() >= SHORTEST && drawn(part) && !introduced(raw, at) {
            hits.push(hit(at, at + part.len()));
        }
        at += part.len() + 1;
    }
    hits
}

/// Digit, small letter, capital, or none of them.
fn class(b: u8) -> u8 {
    match b {
        b'0'..=b'9' => 1,
        b'a'..=b'z' => 2,
        b'A'..=b'Z' => 3,
        _ => 0,
    }
}

/// How often one class follows another among neighbours that have one: 0.65 by chance in base64, a third at most in
/// names in `camelCase`.
fn restless(text: &[u8]) -> f64 {
    let pairs = || text.iter().zip(text.iter().skip(1)).map(|(a, b)| (class(*a), class(*b)));
    let all = pairs().filter(|(a, b)| *a > 0 && *b > 0).count();
    let changes = pairs().filter(|(a, b)| *a > 0 && *b > 0 && a != b).count();
    if all == 0 { 0.0 } else { changes as f64 / all as f64 }
}

fn has(text: &[u8], wanted: u8) -> bool {
    text.iter().any(|b| class(*b) == wanted)
}

/// Small letters and capitals as base64 mixes them.
fn mixed(text: &[u8]) -> bool {
    // Keys of AWS have 40 characters.
    let least = match (has(text, 1), text.len()) {
        (true, 40) => 0.30,
        (true, _) => 0.40,
        (false, _) => 0.45,
    };
    has(text, 2) && has(text, 3) && restless(text) >= least
}

/// One part without separators: hexadecimal, or letters of one kind with digits among them.
fn drawn(text: &[u8]) -> bool {
    let kinds = text.iter().fold([false; 256], |mut seen, b| {
        seen[usize::from(*b)] = true;
        seen
    });
    let kinds = kinds.iter().filter(|seen| **seen).count();
    let letters = has(text, 2) || has(text, 3);
    let hexadecimal = text.iter().all(u8::is_ascii_hexdigit);
    if !letters || !has(text, 1) || kinds < 8 {
        return false;
    }
    hexadecimal || mixed(text) || (restless(text) >= if has(text, 2) { 0.25 } else { 0.15 })
}

/// A word that says what the run is stands right before it.
fn introduced(raw: &str, at: usize) -> bool {
    let before = raw.as_bytes().get(..at).unwrap_or_default();
    let signs = before.iter().rev().take(6).take_while(|b| b" \t:=/\"'\\@([#-".contains(b)).count();
    let end = at - signs;
    let is_word = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
    let length =
        before.get(..end).unwrap_or_default().iter().rev().take(24).take_while(|b| is_word(b)).count();
    let word = raw.get(end - length..end).unwrap_or_default().to_ascii_lowercase();
    // `traceparent: 00-<trace>-<span>-01`
    let parent = raw.get(at.saturating_sub(3)..at).is_some_and(|p| p == "00-");
    let tail = word.rsplit(['.', '_', '-']).next().unwrap_or_default();
    parent || HARMLESS.split_ascii_whitespace().any(|each| each == word || each == tail)
}

//! Secrets that are known by their own shape, whatever stands beside them: tokens with a prefix of their issuer, JSON web
//! tokens, PEM blocks, `Bearer …`, and logins in URLs, of which only the password goes.

use std::ops::Range;

use super::{Hit, Label, begins, mark_at};

/// Beginnings of tokens, how many characters follow at least, and what they are.
const PREFIXES: [(&str, usize, Label); 34] = [
    ("ghp_", 20, Label::Token),
    ("gho_", 20, Label::Token),
    ("ghu_", 20, Label::Token),
    ("ghs_", 20, Label::Token),
    ("ghr_", 20, Label::Token),
    ("github_pat_", 20, Label::Token),
    ("glpat-", 16, Label::Token),
    ("glrt-", 16, Label::Token),
    ("npm_", 30, Label::Token),
    ("dckr_pat_", 16, Label::Token),
    ("hf_", 30, Label::Token),
    ("xoxa-", 8, Label::Token),
    ("xoxb-", 8, Label::Token),
    ("xoxe-", 8, Label::Token),
    ("xoxo-", 8, Label::Token),
    ("xoxp-", 8, Label::Token),
    ("xoxr-", 8, Label::Token),
    ("xoxs-", 8, Label::Token),
    ("xapp-", 8, Label::Token),
    ("ya29.", 16, Label::Token),
    ("hvs.", 16, Label::Token),
    ("hvb.", 16, Label::Token),
    ("dop_v1_", 16, Label::Token),
    ("pypi-AgE", 16, Label::Token),
    ("AIza", 30, Label::ApiKey),
    ("sk-ant-", 12, Label::ApiKey),
    ("sk_live_", 10, Label::ApiKey),
    ("sk_test_", 10, Label::ApiKey),
    ("rk_live_", 10, Label::ApiKey),
    ("rk_test_", 10, Label::ApiKey),
    ("whsec_", 16, Label::Secret),
    ("SG.", 20, Label::ApiKey),
    ("shpat_", 16, Label::Token),
    ("AGE-SECRET-KEY-1", 16, Label::PrivateKey),
];

/// Beginnings of ids of keys of AWS: 20 characters with them.
const AWS: [&str; 2] = ["AKIA", "ASIA"];
/// How far from the id its secret is looked for.
const NEAR: usize = 200;
/// Longest login in a URL that is read.
const LOGIN: usize = 512;
/// Longest password without a scheme before it.
const BARE: usize = 128;

/// Finds them.
pub fn find(raw: &str) -> Vec<Hit> {
    let mut hits = pem(raw);
    hits.extend(logins(raw).into_iter().map(|span| Hit { span, label: Label::Password }));
    let bytes = raw.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let found = if begins(bytes, at) { token(raw, at) } else { None };
        match found {
            Some(hit) => {
                at = hit.span.end.max(at + 1);
                if hit.label == Label::AwsAccessKey {
                    hits.extend(aws_secrets(bytes, &hit.span));
                }
                hits.push(hit);
            }
            None => at += 1,
        }
    }
    hits
}

fn is_token(b: &u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-')
}

fn run(bytes: &[u8], at: usize, inside: impl Fn(&u8) -> bool) -> usize {
    bytes.get(at..).unwrap_or_default().iter().take_while(|b| inside(b)).count()
}

/// A token that begins at `at`.
fn token(raw: &str, at: usize) -> Option<Hit> {
    let bytes = raw.as_bytes();
    let rest = raw.get(at..)?;
    match bytes.get(at)? {
        b'e' if rest.starts_with("eyJ") => jwt(bytes, at),
        b'A' if AWS.iter().any(|prefix| rest.starts_with(prefix)) => {
            let length = run(bytes, at, |b| b.is_ascii_uppercase() || b.is_ascii_digit());
            let alone = !bytes.get(at + 20).is_some_and(u8::is_ascii_alphanumeric);
            (length == 20 && alone).then_some(Hit { span: at..at + 20, label: Label::AwsAccessKey })
        }
        b'B' | b'b' => header(raw, at),
        b'h' | b'd' => webhook(raw, at),
        b's' if rest.starts_with("sk-") => {
            let length = run(bytes, at + 3, is_token);
            let body = bytes.get(at + 3..at + 3 + length)?;
            let drawn = body.iter().any(u8::is_ascii_digit) && body.iter().any(u8::is_ascii_alphabetic);
            (length >= 16 && drawn).then_some(Hit { span: at..at + 3 + length, label: Label::ApiKey })
        }
        _ => prefixed(raw, at),
    }
    .or_else(|| prefixed(raw, at))
}

fn prefixed(raw: &str, at: usize) -> Option<Hit> {
    let rest = raw.get(at..)?;
    let (prefix, least, label) = PREFIXES.iter().find(|(prefix, _, _)| rest.starts_with(prefix))?;
    let dots = matches!(*prefix, "SG." | "ya29." | "hvs." | "hvb.");
    let from = at + prefix.len();
    let length = run(raw.as_bytes(), from, |b| is_token(b) || (dots && *b == b'.'));
    (length >= *least).then_some(Hit { span: at..from + length, label: *label })
}

/// Two or more parts with dots between them.
fn jwt(bytes: &[u8], at: usize) -> Option<Hit> {
    let length = run(bytes, at, |b| is_token(b) || matches!(b, b'.' | b'='));
    let text = bytes.get(at..at + length)?;
    let end = text.iter().rposition(|b| *b != b'.')? + 1;
    let parts = text.get(..end)?.split(|b| *b == b'.').count();
    (parts >= 2 && end >= 20).then_some(Hit { span: at..at + end, label: Label::Jwt })
}

/// Addresses to which everybody may post who knows them: the last part.
fn webhook(raw: &str, at: usize) -> Option<Hit> {
    let known = ["hooks.slack.com/services/", "discord.com/api/webhooks/", "discordapp.com/api/webhooks/"];
    let rest = raw.get(at..)?;
    let host = known.iter().find(|host| rest.starts_with(**host))?;
    let length = run(raw.as_bytes(), at, |b| is_token(b) || matches!(b, b'/' | b'.'));
    let path = raw.get(at + host.len()..at + length)?;
    let (before, last) = path.rsplit_once('/')?;
    let start = at + host.len() + before.len() + 1;
    (last.len() >= 16).then_some(Hit { span: start..at + length, label: Label::Token })
}

/// `Bearer …` and `Basic …` where the word after it is none of a language.
fn header(raw: &str, at: usize) -> Option<Hit> {
    let bytes = raw.as_bytes();
    let word = ["bearer", "basic"]
        .iter()
        .find(|w| raw.get(at..at + w.len()).is_some_and(|h| h.eq_ignore_ascii_case(w)))?;
    let spaces = run(bytes, at + word.len(), |b| *b == b' ').min(8);
    let from = at + word.len() + spaces;
    let length = run(bytes, from, |b| is_token(b) || matches!(b, b'.' | b'+' | b'/' | b'=' | b'~'));
    let body = bytes.get(from..from + length)?;
    let told = body.iter().any(u8::is_ascii_digit)
        || body.iter().skip(1).any(u8::is_ascii_uppercase) && body.iter().any(u8::is_ascii_lowercase)
        || body.ends_with(b"=");
    (spaces > 0 && length >= 8 && told)
        .then_some(Hit { span: from..from + length, label: Label::Authorization })
}

/// Runs of exactly 40 characters of base64 near the id of a key.
fn aws_secrets(bytes: &[u8], id: &Range<usize>) -> Vec<Hit> {
    let inside = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'+');
    let mut found = Vec::new();
    let mut at = id.start.saturating_sub(NEAR);
    while at > 0 && bytes.get(at - 1).is_some_and(inside) && id.start - at < NEAR + 40 {
        at -= 1;
    }
    while at < (id.end + NEAR).min(bytes.len()) {
        let length = run(bytes, at, inside);
        if length == 40 {
            found.push(Hit { span: at..at + 40, label: Label::AwsSecretKey });
        }
        at += length + 1;
    }
    found
}

/// From `-----BEGIN` to the end of `-----END …-----`, or of the text where that was cut.
fn pem(raw: &str) -> Vec<Hit> {
    const BEGIN: &str = "-----BEGIN ";
    const END: &str = "-----END ";
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(start) = raw.get(from..).and_then(|rest| rest.find(BEGIN)).map(|at| from + at) {
        let rest = raw.get(start + BEGIN.len()..).unwrap_or_default();
        let Some(name) = rest.find("-----").filter(|at| *at <= 64).and_then(|at| rest.get(..at)) else {
            from = start + BEGIN.len();
            continue;
        };
        let label = if name.contains("PRIVATE") { Label::PrivateKey } else { Label::Pem };
        let end = rest.find(END).and_then(|at| {
            let tail = rest.get(at + END.len()..)?;
            Some(start + BEGIN.len() + at + END.len() + tail.find("-----").filter(|n| *n <= 64)? + 5)
        });
        let end = end.unwrap_or(raw.len());
        found.push(Hit { span: start..end, label });
        from = end;
    }
    found
}

/// Passwords of logins in URLs and connection strings: `scheme://user:password@host`, `user:password@tcp(host)`.
pub fn logins(raw: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(colon) = raw.get(at..).and_then(|rest| rest.find(':')).map(|n| at + n) {
        at = colon + 1;
        let password = match raw.get(colon..) {
            Some(rest) if rest.starts_with("://") => in_url(raw, colon + 3),
            _ => bare(raw, colon),
        };
        if let Some(span) = password {
            at = span.end;
            found.push(span);
        }
    }
    found
}

/// Where a stretch without white space or quotation marks ends; marks are jumped over.
fn stretch(raw: &str, from: usize, longest: usize) -> usize {
    let mut at = from;
    while let Some(c) = raw.get(at..).and_then(|rest| rest.chars().next()).filter(|_| at - from < longest) {
        let mark = mark_at(raw, at);
        if mark == 0 && (c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '<' | '>' | '\\' | '→')) {
            break;
        }
        at += if mark > 0 { mark } else { c.len_utf8() };
    }
    at
}

fn in_url(raw: &str, from: usize) -> Option<Range<usize>> {
    let end = stretch(raw, from, LOGIN);
    let text = raw.get(from..end)?;
    // Marks have no `/`, `?`, `#` or `@`.
    let authority = text.get(..text.find(['/', '?', '#']).unwrap_or(text.len()))?;
    // A colon inside a mark is none of the login's.
    let mut colon = 0;
    while text.as_bytes().get(colon)? != &b':' {
        colon += mark_at(text, colon).max(1);
    }
    let user = text.get(..colon)?;
    if user.contains(['/', '?', '#', '@']) {
        return None;
    }
    let start = user.len() + 1;
    let port = authority.get(start..)?.bytes().take_while(|b| *b != b',').all(|b| b.is_ascii_digit());
    let at = match authority.rfind('@') {
        Some(at) => at,
        // A password with a slash of its own.
        None if !port => text.rfind('@')?,
        None => return None,
    };
    told(raw, from + start..from + at)
}

/// `user:password@host` without a scheme.
fn bare(raw: &str, colon: usize) -> Option<Range<usize>> {
    let bytes = raw.as_bytes();
    let is_user = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b'+');
    let length = bytes.get(..colon)?.iter().rev().take(64).take_while(|b| is_user(b)).count();
    let user = raw.get(colon - length..colon)?;
    if mark_at(raw, colon.saturating_sub("<redacted".len())) > 0 {
        return None;
    }
    if !user.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return None;
    }
    let led = bytes.get(..colon - length)?.last();
    let end = stretch(raw, colon + 1, BARE);
    let text = raw.get(colon + 1..end)?;
    let driver = ["@tcp(", "@unix("].iter().find_map(|protocol| text.find(protocol));
    let before_path = || text.get(..text.find(['/', '?', ',', ';']).unwrap_or(text.len()))?.rfind('@');
    let at = driver.or_else(before_path)?;
    let host = text.get(at + 1..)?;
    let named =
        user.starts_with(|c: char| c.is_ascii_alphabetic()) && !matches!(user, "mailto" | "sip" | "acct");
    let digest = ["sha256:", "sha384:", "sha512:"].iter().any(|d| host.starts_with(d));
    let is_host = host.starts_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '(' | '['));
    let plain = driver.is_some() || !text.get(..at)?.contains(['{', '}', '=', '(', ')']);
    let path = matches!(led, Some(b'/' | b'@'));
    (named && !digest && is_host && plain && !path).then(|| told(raw, colon + 1..colon + 1 + at))?
}

fn told(raw: &str, span: Range<usize>) -> Option<Range<usize>> {
    let password = raw.get(span.clone())?;
    let reference = password.starts_with("${") || password.starts_with("$(");
    let kept = reference && password.ends_with(['}', ')']) && !password.contains(":-");
    let marked = mark_at(raw, span.start) == password.len();
    (!password.is_empty() && !kept && !marked && password.chars().any(|c| c != '*')).then_some(span)
}

//! Where a value ends. Quotation marks, commas and brackets around it stay; one that is part of it goes with it. Where
//! that cannot be told, rather a character too many is taken than one too few.

use std::ops::Range;

use super::key::Kind;
use super::{Label, line_end, mark_at};

/// Words that say how a header authorises; what follows them is the secret.
const SCHEMES: [&str; 9] =
    ["bearer", "basic", "token", "negotiate", "apikey", "ntlm", "digest", "aws4-hmac-sha256", "hawk"];

/// Keys of objects that say where a secret lies.
const REFERENCES: [&str; 6] = ["secretName", "secretKeyRef", "valueFrom", "name", "path", "Ref"];

/// Longest stretch that is looked ahead for the next key.
const AHEAD: usize = 64;

/// The value that begins at `at`; `None` where there is none that must go. `whole_line`: it may contain spaces, as in
/// YAML and INI, because its key begins the line.
pub fn secret(raw: &str, at: usize, kind: &Kind, whole_line: bool) -> Option<Range<usize>> {
    let span = read(raw, at, kind, whole_line)?;
    let span = narrowed(raw, span, kind)?;
    (!harmless(raw.get(span.clone())?, kind)).then_some(span)
}

/// The value that begins at `at`, whatever it is: without its quotation marks.
pub fn read(raw: &str, at: usize, kind: &Kind, whole_line: bool) -> Option<Range<usize>> {
    let bytes = raw.as_bytes();
    if let Some(quote) = spelled(raw, at) {
        let from = at + quote.len();
        let rest = raw.get(from..)?;
        let end = rest.find(quote).or_else(|| rest.find('\n')).unwrap_or(rest.len());
        return Some(from..from + end);
    }
    if let Some((from, level, quote)) = opening(bytes, at) {
        return Some(from..closing(raw, from, level, quote));
    }
    match bytes.get(at)? {
        b'[' if !raw.get(at..)?.to_ascii_lowercase().starts_with("[redacted") => {
            return Some(inside(raw, at, b'[', b']'));
        }
        b'{' if bytes.get(at + 1) == Some(&b'{') => return None,
        b'{' => {
            let inner = inside(raw, at, b'{', b'}');
            let refers =
                REFERENCES.iter().any(|key| raw.get(inner.clone()).is_some_and(|text| text.contains(key)));
            return (!refers).then_some(inner);
        }
        b'|' | b'>' => {
            if let Some(block) = block(raw, at) {
                return Some(block);
            }
        }
        _ => {}
    }
    if let Some(inner) = wrapped(bytes, at) {
        return read(raw, inner, kind, false);
    }
    if kind.label == Label::Cookie {
        return some(at..cookies(raw, at));
    }
    if let Some(after) = scheme(raw, at) {
        let several = matches!(bytes.get(at).map(u8::to_ascii_lowercase), Some(b'd' | b'h'))
            || raw.get(at..at + 4).is_some_and(|w| w.eq_ignore_ascii_case("aws4"));
        let end = if several { rest_of_line(raw, after) } else { plain(raw, after, false) };
        return some(after..end);
    }
    some(at..plain(raw, at, whole_line))
}

fn some(span: Range<usize>) -> Option<Range<usize>> {
    (span.start < span.end).then_some(span)
}

/// A value that gives nothing away: nothing at all, a mark, a reference, a word like `true`; and where the key's name
/// is not sure, a number.
pub fn harmless(value: &str, kind: &Kind) -> bool {
    let value = value.trim();
    let low = value.to_ascii_lowercase();
    let low = low.as_str();
    let words =
        ["true", "false", "null", "nil", "none", "undefined", "~", "-", "redacted", "yes", "no", "bearer"];
    let marks = ["[redacted]", "<nil>", "<none>", "<hidden>", "<unset>", "<empty>"];
    let stars = |c: char| matches!(c, '*' | '•' | '…');
    let name = |inner: &str| {
        inner.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_') && !inner.is_empty()
    };
    let between = |start: &str, end: &str| value.strip_prefix(start).and_then(|v| v.strip_suffix(end));
    let reference = between("${", "}").or_else(|| between("$(", ")")).is_some_and(name);
    let points = ["\"valueFrom\"", "\\\"valueFrom\\\"", "\"secretKeyRef\""];
    let number = !kind.sure
        && value.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+'))
        && value.len() <= 12
        && value.chars().filter(|c| c.is_ascii_alphabetic()).count() <= 2;
    value.chars().all(stars)
        || words.contains(&low)
        || marks.contains(&low)
        || low.starts_with("<set to the key")
        || reference
        || points.iter().any(|start| value.starts_with(start))
        || between("{{", "}}").is_some()
        || number
        || (kind.pwd && (value.starts_with('/') || value.starts_with('~')))
        || (kind.auth && !encoded(value))
        || only_marks(value)
}

/// `user:password`, or twelve characters or more that no word would have.
fn encoded(value: &str) -> bool {
    let told = |c: char| c.is_ascii_digit() || c.is_ascii_uppercase() || matches!(c, '=' | '/' | '+');
    let login = value.split_once(':').is_some_and(|(user, password)| {
        !user.is_empty()
            && !password.is_empty()
            && !password.starts_with('/')
            && !value.contains(char::is_whitespace)
    });
    login || value.len() >= 12 && !value.contains(char::is_whitespace) && value.contains(told)
}

fn only_marks(value: &str) -> bool {
    let mut at = 0;
    while at < value.len() {
        match mark_at(value, at) {
            0 if value.as_bytes().get(at).is_some_and(|b| b" ,;\"'\\".contains(b)) => at += 1,
            0 => return false,
            length => at += length,
        }
    }
    true
}

/// What of a value is the secret: after the word that says how a header authorises; of a connection string nothing,
/// where its password can be taken out alone.
fn narrowed(raw: &str, span: Range<usize>, kind: &Kind) -> Option<Range<usize>> {
    if let Some(after) = scheme(raw, span.start).filter(|after| *after < span.end) {
        return Some(after..span.end);
    }
    if kind.label != Label::ConnectionString {
        return Some(span);
    }
    let value = raw.get(span.clone())?;
    let alone = value.contains(super::MARK)
        || !super::shape::logins(value).is_empty()
        || super::pairs::names_secret(value.get(..super::boundary(value, 2_000))?);
    if alone {
        return None;
    }
    let user =
        value.find("://").and_then(|at| Some(at + 3..value.rfind('@')?)).filter(|user| user.start < user.end);
    Some(user.map_or(span.clone(), |user| span.start + user.start..span.start + user.end))
}

/// Where the value after `Bearer ` begins.
fn scheme(raw: &str, at: usize) -> Option<usize> {
    let rest = raw.get(at..super::boundary(raw, at + AHEAD))?;
    let word = rest.split([' ', '\t']).next()?;
    if word.len() == rest.len() || !SCHEMES.iter().any(|s| word.eq_ignore_ascii_case(s)) {
        return None;
    }
    let after = rest.get(word.len()..)?;
    let spaces = after.len() - after.trim_start_matches([' ', '\t']).len();
    let at = at + word.len() + spaces;
    (line_end(raw, at) == 0 && at < raw.len()).then_some(at)
}

/// Quotation marks as URLs, HTML and JSON spell them.
const SPELLED: [&str; 8] = ["%22", "%27", "&quot;", "&#34;", "&#39;", "&apos;", "\\u0022", "\\u0027"];

/// Such a mark that begins at `at`.
pub fn spelled(raw: &str, at: usize) -> Option<&'static str> {
    let rest = raw.get(at..)?;
    SPELLED.into_iter().find(|quote| rest.starts_with(quote))
}

/// Such a mark that ends at `end`.
pub fn spelled_before(raw: &str, end: usize) -> Option<&'static str> {
    let before = raw.get(..end)?;
    SPELLED.into_iter().find(|quote| before.ends_with(quote))
}

/// A quotation mark at `at`, with the backslashes before it: where the text begins, how deep it is nested, which mark.
pub fn opening(bytes: &[u8], at: usize) -> Option<(usize, usize, u8)> {
    let slashes = bytes.get(at..)?.iter().take(64).take_while(|b| **b == b'\\').count();
    let quote = *bytes.get(at + slashes)?;
    // Backslashes of a mark in a text in a text: 0, 1, 3, 7.
    let level = (slashes + 1).checked_ilog2()? as usize;
    let fits = slashes + 1 == 1 << level;
    (fits && matches!(quote, b'"' | b'\'' | b'`')).then_some((at + slashes + 1, level, quote))
}

/// Where the quoted text that begins at `from` ends: before the backslashes of its closing mark, or with its line.
pub fn closing(raw: &str, from: usize, level: usize, quote: u8) -> usize {
    let bytes = raw.as_bytes();
    if level == 0 && bytes.get(from..from + 2) == Some(&[quote, quote]) {
        let three = String::from_utf8_lossy(&[quote; 3]).into_owned();
        let inner = from + 2;
        return raw.get(inner..).and_then(|rest| rest.find(&three)).map_or(raw.len(), |at| inner + at);
    }
    let mut slashes = 0;
    let mut at = from;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\n' if !continues(raw, at, from) => break,
            b'\n' => slashes = 0,
            b'\\' => slashes += 1,
            _ if *byte == quote => {
                if level == 0 && quote == b'\'' && bytes.get(at + 1) == Some(&b'\'') && at > from {
                    at += 1;
                } else if closes(slashes, level) {
                    return at - slashes.min((1 << level) - 1);
                }
                slashes = 0;
            }
            _ => slashes = 0,
        }
        at += 1;
    }
    (from..at).find(|at| raw.is_char_boundary(*at) && line_end(raw, *at) > 0).unwrap_or(at)
}

/// A quoted text goes on after the line end at `at`: the next line is indented, as YAML has it, and not far from the
/// beginning.
fn continues(raw: &str, at: usize, from: usize) -> bool {
    let near = at - from < 4_096;
    near && raw
        .get(at + 1..)
        .is_some_and(|rest| rest.starts_with([' ', '\t']) && rest.contains(['"', '\'', '`']))
}

/// True when a mark after so many backslashes ends a text at this depth.
fn closes(slashes: usize, level: usize) -> bool {
    let mut slashes = slashes;
    for _ in 0..level {
        if slashes.is_multiple_of(2) {
            return true;
        }
        slashes = (slashes - 1) / 2;
    }
    slashes.is_multiple_of(2)
}

/// What stands between brackets, which may be nested; to the end of the line where they do not close.
fn inside(raw: &str, at: usize, open: u8, close: u8) -> Range<usize> {
    let mut depth = 0_usize;
    for (n, byte) in raw.bytes().enumerate().skip(at) {
        if byte == open {
            depth += 1;
        } else if byte == close {
            depth -= 1;
            if depth == 0 {
                return at + 1..n;
            }
        }
    }
    at + 1..rest_of_line(raw, at + 1)
}

/// The lines of a YAML block (`|`, `>-`) that are indented more than the line on which it begins.
fn block(raw: &str, at: usize) -> Option<Range<usize>> {
    let head = raw.get(at..)?.split('\n').next()?;
    let says = head.get(1..)?.split('#').next()?.trim();
    if says.len() > 2 || !says.chars().all(|c| c.is_ascii_digit() || matches!(c, '-' | '+')) {
        return None;
    }
    let indent = |line: &str| line.len() - line.trim_start_matches([' ', '\t', '-', '+']).len();
    let before = raw.get(..at)?.rsplit('\n').next()?;
    let outer = indent(before);
    let mut end = at + head.len();
    let mut start = None;
    for line in raw.get(end + 1..)?.split_inclusive('\n') {
        let text = line.trim_end();
        if !text.is_empty() && indent(text) <= outer {
            break;
        }
        let from = end + 1;
        if !text.is_empty() {
            start = start.or(Some(from + indent(text)));
            end = from + text.len();
            if line.len() > text.len() + 1 {
                end = from + line.len() - 1;
            }
        } else {
            end = from + line.len() - 1;
        }
    }
    let span = start?..end.min(raw.len());
    let trimmed = raw.get(span.clone())?.trim_end().len();
    some(span.start..span.start + trimmed)
}

/// `Some("…`, `("…`, `b'…`: where the value inside begins.
fn wrapped(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = bytes.get(at..)?;
    let letters = rest.iter().take(12).take_while(|b| b.is_ascii_alphabetic()).count();
    let bracket = usize::from(rest.get(letters) == Some(&b'('));
    let inner = at + letters + bracket;
    let fits = bracket == 1 || letters == 1;
    (fits && opening(bytes, inner).is_some()).then_some(inner)
}

/// To the end of the line, or of the quoted text that it stands in; `a="b"` on the way is a part of it.
fn rest_of_line(raw: &str, at: usize) -> usize {
    let mut end = at;
    while let Some(c) = raw.get(end..).and_then(|rest| rest.chars().next()) {
        if line_end(raw, end) > 0 {
            break;
        }
        if raw.as_bytes().get(end) == Some(&b'=')
            && let Some((from, level, quote)) = opening(raw.as_bytes(), end + 1)
        {
            let close = closing(raw, from, level, quote);
            end = (close + (1 << level)).min(raw.len());
            end = super::boundary(raw, end);
            continue;
        }
        if ends_quote(raw, end) {
            break;
        }
        end += c.len_utf8();
    }
    end
}

/// `a=b; c=d`: to the first space that does not follow a semicolon.
fn cookies(raw: &str, at: usize) -> usize {
    let mut i = at;
    let mut before = ' ';
    while let Some(c) = raw.get(i..).and_then(|rest| rest.chars().next()) {
        let mark = mark_at(raw, i);
        if mark > 0 {
            i += mark;
            before = '>';
            continue;
        }
        if line_end(raw, i) > 0 || ends_quote(raw, i) || (c.is_whitespace() && before != ';') {
            break;
        }
        if matches!(c, ')' | ']' | '}' | ',') && after_is_no_word(raw, i + 1) {
            break;
        }
        before = c;
        i += c.len_utf8();
    }
    if before == ' ' { i } else { at + raw.get(at..i).unwrap_or_default().trim_end_matches([' ', ';']).len() }
}

/// A quotation mark, backslashes before it or not, that ends what it encloses: no word follows it.
fn ends_quote(raw: &str, at: usize) -> bool {
    let bytes = raw.as_bytes();
    let slashes = bytes.get(at..).unwrap_or_default().iter().take(64).take_while(|b| **b == b'\\').count();
    matches!(bytes.get(at + slashes), Some(b'"' | b'\'' | b'`')) && after_is_no_word(raw, at + slashes + 1)
}

fn after_is_no_word(raw: &str, at: usize) -> bool {
    raw.get(at..).and_then(|rest| rest.chars().next()).is_none_or(|c| !c.is_alphanumeric() && c != '_')
}

/// A value without quotation marks.
fn plain(raw: &str, at: usize, whole_line: bool) -> usize {
    let mut depth = 0_usize;
    let mut i = at;
    while let Some(c) = raw.get(i..).and_then(|rest| rest.chars().next()) {
        let mark = mark_at(raw, i);
        if mark > 0 {
            i += mark;
            continue;
        }
        // What only looks like a mark is a part of the value, with its space.
        if c == '<' && raw.get(i..).is_some_and(|rest| rest.starts_with(super::MARK)) {
            let near = raw.get(i..super::boundary(raw, i + 256));
            let line = near.and_then(|rest| rest.split(['\n', '>']).next()).map_or(0, str::len);
            i = (i + line + 1).min(raw.len());
            i = super::boundary(raw, i);
            continue;
        }
        let next = i + c.len_utf8();
        let ends = line_end(raw, i) > 0
            || match c {
                '→' => true,
                '<' => raw.get(next..).is_some_and(|rest| rest.starts_with('/')),
                '%' => {
                    raw.get(next..).is_some_and(|rest| rest.starts_with("26")) && key_follows(raw, next + 2)
                }
                '\\' => raw.get(next..).is_some_and(|rest| rest.starts_with("u0026")) || ends_quote(raw, i),
                '"' | '\'' | '`' => ends_quote(raw, i),
                ',' | ';' | '&' => ends_list(raw, next, whole_line),
                ')' | ']' | '}' if depth == 0 => after_is_no_word(raw, next),
                c if c.is_whitespace() => !whole_line || ends_text(raw, next),
                _ => false,
            };
        if ends {
            break;
        }
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        i = next;
    }
    at + raw.get(at..i).unwrap_or_default().trim_end().len()
}

/// After a comma or semicolon: something other than more of the same value.
fn ends_list(raw: &str, at: usize, whole_line: bool) -> bool {
    match raw.get(at..).and_then(|rest| rest.chars().next()) {
        None => true,
        Some(c) if c.is_whitespace() => !whole_line || ends_text(raw, at) || line_end(raw, at) > 0,
        Some('"' | '\'' | '`' | ')' | ']' | '}' | '{' | '\\') => true,
        Some(_) => line_end(raw, at) > 0 || key_follows(raw, at),
    }
}

/// After a space in a value that may have some: a comment, an arrow, the next key, or nothing.
fn ends_text(raw: &str, at: usize) -> bool {
    let rest = raw.get(at..).unwrap_or_default();
    let spaces = rest.len() - rest.trim_start_matches([' ', '\t']).len();
    let rest = rest.get(spaces..).unwrap_or_default();
    rest.is_empty() || rest.starts_with(['#', '→']) || rest.starts_with("->") || key_follows(raw, at + spaces)
}

/// `key=` or `key:` stands at `at`.
pub fn key_follows(raw: &str, at: usize) -> bool {
    let rest = raw.as_bytes().get(at..).unwrap_or_default();
    let quoted = usize::from(matches!(rest.first(), Some(b'"' | b'\'')));
    let word = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
    let length = rest.iter().skip(quoted).take(AHEAD).take_while(|b| word(b)).count();
    let after = rest.get(quoted + length..).unwrap_or_default();
    let after = if quoted == 1 { after.get(1..).unwrap_or_default() } else { after };
    length > 0 && (matches!(after, [b'=', ..] | [b':', b' ' | b'"' | b'\'', ..]) || after.starts_with(b"%3D"))
}

//! Secrets that stand beside the name of their key, in whatever carries pairs: YAML, JSON (also as a text in JSON), TOML,
//! environment, headers, URL queries, flags, XML, lists of `name` and `value`, and goaround's own `env KEY a → b`.

use std::ops::Range;

use super::key::{self, Kind};
use super::value;
use super::{Hit, Label, line_end, mark_at};

/// Longest name that is read.
const NAME: usize = 64;
/// Most spaces between a name, its sign and its value.
const SPACES: usize = 64;
/// How far before its flag a program's name may stand.
const PROGRAM: usize = 120;
/// How far the `value` of a `name` may be.
const APART: usize = 160;

/// A name before `=` or `:`.
struct Key {
    /// Of the name, without quotation marks.
    span: Range<usize>,
    quoted: bool,
}

/// Finds them, in order.
pub fn find(raw: &str) -> Vec<Hit> {
    let mut pairs = Pairs { raw, bytes: raw.as_bytes(), hits: Vec::new(), named: None, valued: None };
    let mut at = 0;
    while at < raw.len() {
        at = match mark_at(raw, at) {
            0 => pairs.step(at),
            length => at + length,
        };
    }
    pairs.hits
}

/// True when a text names a key of a secret before `=` or `:`, connection strings left out.
pub fn names_secret(raw: &str) -> bool {
    let pairs = Pairs { raw, bytes: raw.as_bytes(), hits: Vec::new(), named: None, valued: None };
    raw.bytes().enumerate().filter(|(_, b)| matches!(b, b'=' | b':')).any(|(at, _)| {
        let kind = pairs.key(at).and_then(|key| key::kind(raw.get(key.span)?));
        kind.is_some_and(|kind| kind.label != Label::ConnectionString)
    })
}

struct Pairs<'t> {
    raw: &'t str,
    bytes: &'t [u8],
    hits: Vec<Hit>,
    /// A `name:` was read whose value names a secret: of what kind, and where it ended.
    named: Option<(Kind, usize)>,
    /// A `value:` was read: its span, and whether it stands in the hits.
    valued: Option<Range<usize>>,
}

impl Pairs<'_> {
    /// Looks at one place; the next to look at.
    fn step(&mut self, at: usize) -> usize {
        let next = at + 1;
        match self.bytes.get(at) {
            Some(b'=' | b':' | b'%' | b'>') => self.sign(at).unwrap_or(next),
            Some(b'-') => self.flag(at).unwrap_or(next),
            Some(0xe2) if self.raw.get(at..).is_some_and(|rest| rest.starts_with('→')) => {
                self.arrow(at).unwrap_or(next)
            }
            Some(b'\'' | b'"') => self.sql(at).unwrap_or(next),
            Some(b' ') => self.prose(at).unwrap_or(next),
            _ => next,
        }
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.bytes.get(at).copied()
    }

    fn hit(&mut self, span: Range<usize>, label: Label) -> Option<usize> {
        let end = span.end;
        let after = self.hits.last().is_none_or(|last| last.span.end <= span.start);
        if span.start < span.end && after {
            self.hits.push(Hit { span, label });
        }
        Some(end)
    }

    /// A sign between a name and a value.
    fn sign(&mut self, at: usize) -> Option<usize> {
        let rest = self.bytes.get(at..)?;
        let length = match rest {
            [b'=', b'>' | b'=' | b'~', ..] | [b':', b'=', ..] => 2,
            [b':', b':', ..] => return Some(at + 2),
            [b':', b'/', b'/', ..] => return None,
            [b'=' | b':', ..] => 1,
            [b'%', b'3', b'D' | b'd' | b'A' | b'a', ..] => 3,
            [b'>', ..] => return self.element(at),
            _ => return None,
        };
        let key = self.key(at)?;
        let name = self.raw.get(key.span.clone())?;
        let after = at + length;
        let value = after + self.spaces(after);
        let spaced = rest.first() == Some(&b':') || key.span.end + usize::from(key.quoted) < at;
        let loose = value > after && spaced;
        // `KEY= next=1`: nothing, then the next pair.
        if value > after && !loose && value::key_follows(self.raw, value) {
            return None;
        }
        let begins = self.begins_line(&key);
        if matches!(name, "added" | "removed") {
            return self.change(&key, value);
        }
        if let Some(end) = self.listed(name, &key, value, begins && loose) {
            return Some(end);
        }
        let kind = self.kind(&key)?;
        let span = value::secret(self.raw, value, &kind, begins && loose)?;
        self.hit(span, kind.label)
    }

    /// What the name says; `sig` only in a query, `api key` also in two words.
    fn kind(&self, key: &Key) -> Option<Kind> {
        let name = self.raw.get(key.span.clone())?;
        let before = key.span.start.checked_sub(1).and_then(|at| self.byte(at));
        let low = name.to_ascii_lowercase();
        let query = matches!(before, Some(b'?' | b'&'));
        if query && low == "code" {
            // A login's code, not a status.
            return Some(Kind { label: Label::Token, sure: false, pwd: false, auth: false });
        }
        if query && (low == "sig" || low.ends_with("signature")) {
            return Some(Kind { label: Label::Signature, sure: true, pwd: false, auth: false });
        }
        if !key.quoted && before == Some(b' ') && matches!(low.as_str(), "key" | "keys" | "string" | "id") {
            let first = self.word_before(key.span.start - 1)?;
            return key::kind(self.raw.get(first.start..key.span.end)?);
        }
        key::kind(name)
    }

    /// The name that ends before the sign at `at`.
    fn key(&self, at: usize) -> Option<Key> {
        let mut end = at;
        let space = |b: Option<u8>| matches!(b, Some(b' ' | b'\t'));
        while end > 0 && at - end < SPACES && space(self.byte(end - 1)) {
            end -= 1;
        }
        if end > 1 && self.byte(end - 1) == Some(b']') && matches!(self.byte(end - 2), Some(b'"' | b'\'')) {
            end -= 1;
        }
        let spelled = value::spelled_before(self.raw, end);
        end -= spelled.map_or(0, str::len);
        let quoted = spelled.is_none() && end > 0 && matches!(self.byte(end - 1), Some(b'"' | b'\'' | b'`'));
        if quoted {
            end -= 1;
            while end > 0 && self.byte(end - 1) == Some(b'\\') {
                end -= 1;
            }
        }
        let span = self.name_before(end)?;
        Some(Key { span, quoted: quoted || spelled.is_some() })
    }

    fn name_before(&self, end: usize) -> Option<Range<usize>> {
        let is_name = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
        let length = self.bytes.get(..end)?.iter().rev().take(NAME).take_while(|b| is_name(b)).count();
        let mut start = end - length;
        // `%3Ftoken`, `%22token`: two digits belong to what is escaped.
        if start > 0 && self.byte(start - 1) == Some(b'%') {
            start = (start + 2).min(end);
        }
        // `\u0022token`: so do these.
        if self.bytes.get(start..end).is_some_and(|name| name.starts_with(b"u00"))
            && start > 0
            && self.byte(start - 1) == Some(b'\\')
        {
            start = (start + 5).min(end);
        }
        // The letter after a backslash belongs to a line end in a nested text.
        if start > 0
            && self.byte(start - 1) == Some(b'\\')
            && matches!(self.byte(start), Some(b'n' | b'r' | b't'))
        {
            start += 1;
        }
        (start < end).then_some(start..end)
    }

    /// The word before a space.
    fn word_before(&self, space: usize) -> Option<Range<usize>> {
        let blank = self.bytes.get(..space)?.iter().rev().take(SPACES).take_while(|b| **b == b' ').count();
        self.name_before(space - blank)
    }

    fn spaces(&self, at: usize) -> usize {
        let rest = self.bytes.get(at..).unwrap_or_default();
        rest.iter().take(SPACES).take_while(|b| matches!(b, b' ' | b'\t')).count()
    }

    /// Nothing but indentation and marks of lists, diffs and headers stands before the key on its line.
    fn begins_line(&self, key: &Key) -> bool {
        let mut at = key.span.start;
        let marks = |b: u8| matches!(b, b' ' | b'\t' | b'-' | b'+' | b'>' | b'"' | b'\'' | b'\\');
        let from = at.saturating_sub(SPACES);
        while at > from && self.byte(at - 1).is_some_and(marks) && !self.ends_line(at) {
            at -= 1;
        }
        at == 0 || self.ends_line(at)
    }

    /// A line end stands right before `at`.
    fn ends_line(&self, at: usize) -> bool {
        let before = self.bytes.get(..at).unwrap_or_default();
        before.ends_with(b"\n")
            || before.ends_with(b"\r")
            || before.ends_with(b"<0a>")
            || before.ends_with(b"\\n")
            || before.ends_with(b"\\r")
    }

    /// `<password>…</password>`
    fn element(&mut self, at: usize) -> Option<usize> {
        let name = self.name_before(at)?;
        let opened = name.start.checked_sub(1).and_then(|n| self.byte(n)) == Some(b'<');
        let kind = key::kind(self.raw.get(name)?).filter(|_| opened)?;
        let rest = self.raw.get(at + 1..)?;
        let end = rest.find("</").filter(|end| *end < 4_096)?;
        let span = at + 1..at + 1 + end;
        let value = self.raw.get(span.clone())?;
        (!value.trim().is_empty() && !value::harmless(value, &kind))
            .then(|| self.hit(span, kind.label))
            .flatten()
    }

    /// `name: KEY` with `value: …`, in either order.
    fn listed(&mut self, name: &str, key: &Key, at: usize, whole_line: bool) -> Option<usize> {
        let any = Kind { label: Label::Secret, sure: true, pwd: false, auth: false };
        match name.to_ascii_lowercase().as_str() {
            "name" | "key" => {
                let span = value::read(self.raw, at, &any, false)?;
                let kind = self.raw.get(span.clone()).filter(|v| v.len() <= NAME).and_then(key::kind);
                if let (Some(kind), Some(value)) = (kind, self.valued.take()) {
                    let between = self.raw.get(value.end..key.span.start).unwrap_or("}");
                    let near = between.len() <= SPACES && !between.contains(['{', '}', '[', ']', '-']);
                    let secret = self.raw.get(value.clone()).is_some_and(|v| !value::harmless(v, &kind));
                    if near && secret {
                        self.hit(value, kind.label);
                    }
                }
                self.named = kind.map(|kind| (kind, span.end));
                None
            }
            "value" => {
                let span = value::read(self.raw, at, &any, whole_line)?;
                self.valued = Some(span);
                let (kind, end) = self.named.take()?;
                let near = key.span.start.saturating_sub(end) <= APART;
                let secret = value::secret(self.raw, at, &kind, whole_line).filter(|_| near)?;
                self.valued = None;
                self.hit(secret, kind.label)
            }
            _ => None,
        }
    }

    /// `--password x`, `"--password", "x"`, and the same on two lines of a YAML list.
    fn flag(&mut self, at: usize) -> Option<usize> {
        let before = at.checked_sub(1).and_then(|n| self.byte(n));
        if before.is_some_and(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_') {
            return None;
        }
        let dashes = self.bytes.get(at..)?.iter().take_while(|b| **b == b'-').count();
        let start = at + dashes;
        let is_name = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
        let length = self.bytes.get(start..)?.iter().take(NAME).take_while(|b| is_name(b)).count();
        let end = start + length;
        if let Some(after) = self.of_program(&(start..end)) {
            return Some(after);
        }
        let kind = key::kind(self.raw.get(start..end)?).filter(|_| dashes <= 2 && length > 2)?;
        let value = self.after_flag(end)?;
        let dashed = self.raw.get(value..).is_some_and(|rest| rest.starts_with("--"));
        let span = value::secret(self.raw, value, &kind, false).filter(|_| !dashed)?;
        self.hit(span, kind.label)
    }

    /// Where the value of a flag begins whose name ends at `end`.
    fn after_flag(&self, end: usize) -> Option<usize> {
        let spaces = self.spaces(end);
        if spaces > 0 {
            return Some(end + spaces);
        }
        let mut at = end;
        let mut quoted = false;
        if let Some((after, _, _)) = value::opening(self.bytes, at) {
            (at, quoted) = (after, true);
        }
        let comma = self.byte(at) == Some(b',');
        at += usize::from(comma);
        at += self.spaces(at);
        let line = line_end(self.raw, at);
        if line > 0 {
            at += line;
            at += self.spaces(at);
            let item = self.bytes.get(at..)?.starts_with(b"- ");
            return if item { Some(at + 2 + self.spaces(at + 2)) } else { (comma && quoted).then_some(at) };
        }
        (quoted && comma).then_some(at)
    }

    /// `IDENTIFIED BY '…'`, `PASSWORD '…'`.
    fn sql(&mut self, at: usize) -> Option<usize> {
        let space = at.checked_sub(1).filter(|n| self.byte(*n) == Some(b' '))?;
        let name = self.word_before(space)?;
        let word = self.raw.get(name.clone())?.to_ascii_lowercase();
        let by = word == "by"
            && name.start.checked_sub(1).and_then(|space| self.word_before(space)).is_some_and(|first| {
                self.raw.get(first).is_some_and(|first| first.eq_ignore_ascii_case("identified"))
            });
        let password = by || key::kind(&word).is_some_and(|kind| kind.label == Label::Password);
        if !password {
            return None;
        }
        let kind = Kind { label: Label::Password, sure: true, pwd: false, auth: false };
        let span = value::secret(self.raw, at, &kind, false)?;
        self.hit(span, kind.label)
    }

    /// `password hunter2`, `the password is hunter2`: a word after it that is none of a language.
    fn prose(&mut self, at: usize) -> Option<usize> {
        let name = self.name_before(at)?;
        let word = self.raw.get(name)?;
        let password =
            ["password", "passwd", "passphrase"].iter().any(|known| word.eq_ignore_ascii_case(known));
        if !password {
            return None;
        }
        let rest = self.raw.get(at + 1..)?;
        let lead =
            ["is ", "was ", "to "].iter().find(|lead| rest.starts_with(**lead)).map_or(0, |lead| lead.len());
        let kind = Kind { label: Label::Password, sure: true, pwd: false, auth: false };
        let span = value::secret(self.raw, at + 1 + lead, &kind, false)?;
        let value = self.raw.get(span.clone())?;
        let told =
            value.bytes().any(|b| b.is_ascii_digit()) && value.bytes().any(|b| b.is_ascii_alphabetic());
        let plain = value.contains(['=', ':']) || value.len() < 6;
        (told && !plain).then(|| self.hit(span, kind.label)).flatten()
    }

    /// Flags that mean a password with some programs only: `curl -u user:x`, `mysql -px`, `redis-cli -a x`.
    fn of_program(&mut self, name: &Range<usize>) -> Option<usize> {
        let from = super::boundary(self.raw, name.start.saturating_sub(PROGRAM));
        let before = self.raw.get(from..name.start)?;
        let line = before.rsplit('\n').next()?;
        let runs = |programs: &[&str]| programs.iter().any(|program| line.contains(program));
        let kind = Kind { label: Label::Password, sure: true, pwd: false, auth: false };
        let word = self.raw.get(name.clone())?;
        let value = name.end + self.spaces(name.end);
        let span = match word {
            // `-su` is `-s -u`.
            _ if (word == "user" || (word.ends_with('u') && word.len() <= 4))
                && value > name.end
                && runs(&["curl", "wget", "http "]) =>
            {
                let span = value::read(self.raw, value, &kind, false)?;
                let colon = self.raw.get(span.clone())?.find(':')?;
                span.start + colon + 1..span.end
            }
            "a" if value > name.end && runs(&["redis-cli"]) => value::read(self.raw, value, &kind, false)?,
            _ if word.starts_with('p')
                && word.len() > 1
                && runs(&["mysql", "mariadb"])
                && !line.ends_with("--") =>
            {
                let end = value::read(self.raw, name.start + 1, &kind, false)?.end;
                name.start + 1..end
            }
            _ => return None,
        };
        let secret = self.raw.get(span.clone()).is_some_and(|value| !value::harmless(value, &kind));
        secret.then(|| self.hit(span, kind.label)).flatten()
    }

    /// The name of a key in goaround's own words: `env KEY`, `ConfigMap api key KEY`, `annotation KEY`.
    fn field(&self, name: &Range<usize>) -> Option<Kind> {
        let word = self.raw.get(name.clone())?;
        let led = name.start.checked_sub(1).and_then(|space| self.word_before(space));
        let led = led
            .and_then(|led| self.raw.get(led))
            .is_some_and(|led| matches!(led, "env" | "key" | "annotation" | "label" | "arg" | "args"));
        let written = word.contains(|c: char| c.is_ascii_uppercase() || matches!(c, '_' | '.' | '-'));
        key::kind(word).filter(|_| led || written)
    }

    /// `env KEY added: …`
    fn change(&mut self, verb: &Key, at: usize) -> Option<usize> {
        let name = verb.span.start.checked_sub(1).and_then(|space| self.word_before(space))?;
        let kind = self.field(&name)?;
        let end = self.end_of_change(at);
        let value = self.raw.get(at..end)?;
        (!value::harmless(value, &kind) && at < end).then(|| self.hit(at..end, kind.label)).flatten()
    }

    /// `env KEY … → …`: both values.
    fn arrow(&mut self, at: usize) -> Option<usize> {
        let from = super::boundary(self.raw, at.saturating_sub(512));
        let before = self.raw.get(from..at)?;
        let from = before.rfind(['\n', '→']).map_or(from, |n| after_character(self.raw, from + n));
        // What was added or removed has no arrow of its own.
        let changed = |name: &Range<usize>| {
            let rest = self.raw.get(name.end..at).unwrap_or_default();
            !rest.starts_with(" added:") && !rest.starts_with(" removed:")
        };
        let mut names = self.words_between(from, at).into_iter().filter(changed);
        let (name, kind) = names.find_map(|word| Some((word.clone(), self.field(&word)?)))?;
        let old = name.end + self.spaces(name.end);
        let old_end = old + self.raw.get(old..at)?.trim_end().len();
        let new = at + '→'.len_utf8();
        let new = new + self.spaces(new);
        let new_end = self.end_of_change(new);
        for span in [old..old_end, new..new_end] {
            let value = self.raw.get(span.clone()).unwrap_or_default();
            if !value.is_empty() && !value::harmless(value, &kind) {
                self.hit(span, kind.label);
            }
        }
        Some(new_end)
    }

    fn words_between(&self, from: usize, to: usize) -> Vec<Range<usize>> {
        let text = self.raw.get(from..to).unwrap_or_default();
        let mut at = from;
        let words = text.split(' ').filter_map(move |word| {
            let span = at..at + word.len();
            at = span.end + 1;
            let name = word.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'));
            (name && !word.is_empty() && word.len() <= NAME).then_some(span)
        });
        words.collect()
    }

    /// Where a value in goaround's own words ends: before `, `, `; `, ` at 12:26`, ` and 2 more`, or with its line.
    fn end_of_change(&self, at: usize) -> usize {
        let rest = self.raw.get(at..).unwrap_or_default();
        let line =
            rest.char_indices().find(|(n, _)| line_end(self.raw, at + n) > 0).map_or(rest.len(), |(n, _)| n);
        let rest = rest.get(..line).unwrap_or_default();
        let digit = |n: usize| rest.as_bytes().get(n).is_some_and(u8::is_ascii_digit);
        let ends = [", ", "; "].iter().filter_map(|end| rest.find(end));
        let tails = [" at ", " and "]
            .iter()
            .filter_map(|tail| rest.match_indices(tail).map(|(n, _)| n).find(|n| digit(n + tail.len())));
        let end = ends.chain(tails).min().unwrap_or(rest.len());
        at + rest.get(..end).unwrap_or_default().trim_end().len()
    }
}

/// The place after the character that stands at `at`.
fn after_character(raw: &str, at: usize) -> usize {
    at + raw.get(at..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8)
}

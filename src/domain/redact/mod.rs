//! Secrets taken out of a text before it leaves this machine, known by the name of their key or by their own shape.
//! What is taken out says what it was: `<redacted: password>`. In doubt it is taken out; names of Secrets, digests,
//! commits, UUIDs and hashes of templates stay. It reads text as it comes, cut, escaped or nested, and refuses nothing.

mod key;
mod pairs;
mod random;
mod shape;
mod value;

use std::ops::Range;

/// What was taken out.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Label {
    /// A password or passphrase.
    Password,
    /// A token.
    Token,
    /// Something called secret.
    Secret,
    /// A key of an API or account.
    ApiKey,
    /// A private, signing or encryption key.
    PrivateKey,
    /// Credentials, as in `auth` of a registry.
    Credentials,
    /// The value of an authorization header.
    Authorization,
    /// Cookies or a session's id.
    Cookie,
    /// A connection string.
    ConnectionString,
    /// A signature that opens a URL.
    Signature,
    /// A JSON web token.
    Jwt,
    /// The id of a key of AWS.
    AwsAccessKey,
    /// The key that belongs to it.
    AwsSecretKey,
    /// A certificate or another PEM block that is not a key.
    Pem,
    /// Characters that look drawn by chance.
    Random,
}

impl Label {
    const ALL: [Self; 15] = [
        Self::Password,
        Self::Token,
        Self::Secret,
        Self::ApiKey,
        Self::PrivateKey,
        Self::Credentials,
        Self::Authorization,
        Self::Cookie,
        Self::ConnectionString,
        Self::Signature,
        Self::Jwt,
        Self::AwsAccessKey,
        Self::AwsSecretKey,
        Self::Pem,
        Self::Random,
    ];

    /// The word in a mark.
    pub fn word(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Token => "token",
            Self::Secret => "secret",
            Self::ApiKey => "api key",
            Self::PrivateKey => "private key",
            Self::Credentials => "credentials",
            Self::Authorization => "authorization",
            Self::Cookie => "cookie",
            Self::ConnectionString => "connection string",
            Self::Signature => "signature",
            Self::Jwt => "jwt",
            Self::AwsAccessKey => "aws access key",
            Self::AwsSecretKey => "aws secret key",
            Self::Pem => "pem block",
            Self::Random => "random characters",
        }
    }

    /// What stands in place of the secret.
    pub fn mark(self) -> String {
        format!("{MARK}{}>", self.word())
    }
}

/// A text without its secrets.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Redacted {
    /// The text, with marks in place of secrets.
    pub text: String,
    /// How many were taken out now; marks that were there already do not count.
    pub hits: usize,
}

/// A secret that was found.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Hit {
    /// Bytes of the text; not empty.
    span: Range<usize>,
    label: Label,
}

/// Beginning of a mark.
const MARK: &str = "<redacted: ";

/// Takes secrets out of any text: a log line, a message, a manifest, a difference, a question. The same text again
/// comes back as it is. Better before a text is cut than after: what is left of a secret is not always recognised.
pub fn text(raw: &str) -> Redacted {
    let mut done = Redacted { text: raw.to_owned(), hits: 0 };
    // A secret gone may leave another one standing alone that was a part of something longer: until nothing is found.
    // Each round takes at least one character that is not a mark, so it ends.
    loop {
        let hits = merged(&done.text);
        if hits.is_empty() {
            return done;
        }
        done.hits += hits.len();
        done.text = without(&done.text, &hits);
    }
}

/// The value of a key whose name says whether it is a secret: `env DB_PASSWORD`, `ConfigMap api key db.password`. With
/// another name it is a text like any. A reference to where a secret lies (`valueFrom`) is none.
pub fn diff_value(key: &str, value: &str) -> Redacted {
    let refers = ["{\"valueFrom\"", "{\"secretKeyRef\"", "{\"configMapKeyRef\""];
    let named = key.rsplit(|c: char| c.is_whitespace() || c == '/').next().unwrap_or(key);
    match key::kind(named) {
        Some(kind)
            if !refers.iter().any(|start| value.trim_start().starts_with(start))
                && !value::harmless(value.trim(), &kind) =>
        {
            Redacted { text: kind.label.mark(), hits: 1 }
        }
        _ => text(value),
    }
}

/// True when the name of a key, a variable or a flag says that its value is a secret.
pub fn is_secret(key: &str) -> bool {
    key::kind(key).is_some()
}

/// All that is found, in order, what overlaps taken together. What a key's name says goes before what a shape says.
fn merged(raw: &str) -> Vec<Hit> {
    let mut found = pairs::find(raw);
    found.extend(shape::find(raw));
    found.extend(random::find(raw));
    let marks = marks(raw);
    found.retain_mut(|hit| fit(hit, &marks));
    found.sort_by_key(|hit| (hit.span.start, std::cmp::Reverse(hit.span.end)));
    let mut all: Vec<Hit> = Vec::new();
    for hit in found {
        match all.last_mut() {
            Some(last) if hit.span.start < last.span.end => last.span.end = last.span.end.max(hit.span.end),
            _ => all.push(hit),
        }
    }
    all
}

/// Where marks stand already.
fn marks(raw: &str) -> Vec<Range<usize>> {
    let starts = raw.match_indices(MARK).map(|(at, _)| at..at + mark_at(raw, at));
    starts.filter(|span| !span.is_empty()).collect()
}

/// Makes a hit take a mark whole or not at all; false where nothing but marks is left of it. Because of this, each
/// round has less to find than the one before.
fn fit(hit: &mut Hit, marks: &[Range<usize>]) -> bool {
    let first = marks.partition_point(|mark| mark.end <= hit.span.start);
    let touched: Vec<_> =
        marks.iter().skip(first).take_while(|mark| mark.start < hit.span.end).cloned().collect();
    if let (Some(first), Some(last)) = (touched.first(), touched.last()) {
        hit.span = hit.span.start.min(first.start)..hit.span.end.max(last.end);
    }
    touched.iter().map(|mark| mark.len()).sum::<usize>() < hit.span.len()
}

fn without(raw: &str, hits: &[Hit]) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut from = 0;
    for hit in hits {
        out.push_str(raw.get(from..hit.span.start).unwrap_or_default());
        out.push_str(&hit.label.mark());
        from = hit.span.end;
    }
    out.push_str(raw.get(from..).unwrap_or_default());
    out
}

/// Length of the mark that stands at `at`, 0 where there is none. Only what [`Label::mark`] writes is one, so nobody
/// hides a secret in a mark of his own.
fn mark_at(raw: &str, at: usize) -> usize {
    if raw.as_bytes().get(at) != Some(&b'<') {
        return 0;
    }
    let Some(rest) = raw.get(at..).and_then(|rest| rest.strip_prefix(MARK)) else { return 0 };
    let is_here = |label: &Label| rest.strip_prefix(label.word()).is_some_and(|rest| rest.starts_with('>'));
    Label::ALL.into_iter().find(is_here).map_or(0, |label| MARK.len() + label.word().len() + 1)
}

/// Length of a line end at `at`: real, escaped by [`Clean`](super::clean::Clean), or written `\n` in a nested text; 0
/// where there is none.
fn line_end(raw: &str, at: usize) -> usize {
    let Some(rest) = raw.as_bytes().get(at..) else { return 0 };
    match rest {
        [b'\n' | b'\r', ..] => 1,
        [b'<', b'0', b'a' | b'd', b'>', ..] => 4,
        [b'\\', ..] => {
            let slashes = rest.iter().take(9).take_while(|b| **b == b'\\').count();
            if slashes <= 8 && matches!(rest.get(slashes), Some(b'n' | b'r')) { slashes + 1 } else { 0 }
        }
        _ => 0,
    }
}

/// Nothing that belongs to a word stands before `at`; a letter that a backslash makes a line end is none.
fn begins(raw: &[u8], at: usize) -> bool {
    match raw.get(..at).unwrap_or_default() {
        [.., b'\\', b'n' | b'r' | b't'] => true,
        [.., last] => !last.is_ascii_alphanumeric(),
        [] => true,
    }
}

/// The last place at or before `at` where a character begins.
fn boundary(raw: &str, at: usize) -> usize {
    (0..=at.min(raw.len())).rev().find(|at| raw.is_char_boundary(*at)).unwrap_or_default()
}

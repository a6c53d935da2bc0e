//! One record as one line: how it is composed, sealed and judged. It judges bytes, not values: a record that reads the
//! same after an edit (another space, another order of keys) is still an altered record.
//!
//! ```text
//! {"v":1,"seq":7,"time":"2026-09-30T12:00:00.000Z","prev":"<64 hex>","kind":"intent","body":{..},"hash":"<64 hex>"}\n
//! '--------------------------- sealed: hash = SHA-256(prev, then these bytes) ---------------'
//! ```
//! The frame is the JSON object and the line feed after it, which cannot occur inside. A writer that dies leaves a
//! beginning of a line, so an unfinished last object is *torn*; a line that is finished but wrong was *altered*.

use std::fmt::{self, Write as _};
use std::str::FromStr;

use chrono::SecondsFormat;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use crate::domain::Time;
use crate::domain::clean::printable_json;
use crate::shell::sha256;

/// The version of the record format that this program writes and verifies.
pub const VERSION: u64 = 1;
/// The longest line, in bytes: several ConfigMaps of 1 MiB, escaped.
pub const LONGEST: usize = 16 << 20;
/// `prev` of the first record.
pub const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

const HASH_KEY: &str = ",\"hash\":\"";
const HASH_LEN: usize = 64;
const TIME_LEN: usize = "2026-09-30T12:00:00.000Z".len();

/// A record that was verified. `kind` is made of `a-z 0-9 . _`; texts inside `body` are raw and become `Clean` where
/// they are shown.
#[derive(Clone, PartialEq, Debug)]
pub struct Record {
    /// 1, 2, 3, ...: also the number of its line.
    pub seq: u64,
    /// When it was written, by the clock of the writer, in milliseconds.
    pub time: Time,
    /// The hash of the record before it.
    pub prev: String,
    /// What happened, as in `intent`.
    pub kind: String,
    /// The facts, as they were given to `append`; a float may differ in its last digit.
    pub body: Value,
    /// SHA-256, lower-case hexadecimal.
    pub hash: String,
}

/// Where the chain stands: the last record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Head {
    /// Its number; 0 for an empty journal.
    pub seq: u64,
    /// Its hash; [`GENESIS`] for an empty journal.
    pub hash: String,
}

impl Head {
    /// The head of an empty journal.
    pub fn genesis() -> Self {
        Self { seq: 0, hash: GENESIS.to_owned() }
    }
}

/// As it is written down elsewhere: `12:9f3c...`.
impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.seq, self.hash)
    }
}

/// A head that was kept elsewhere, and must still be in the chain.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Anchor {
    /// Its number, where that was kept too.
    pub seq: Option<u64>,
    /// Its hash, lower-case.
    pub hash: String,
}

impl From<&Head> for Anchor {
    fn from(head: &Head) -> Self {
        Self { seq: Some(head.seq), hash: head.hash.clone() }
    }
}

/// This is no head of a journal.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "not a head; hint: give HASH or NUMBER:HASH, 64 hexadecimal characters, as `goaround audit verify` shows it"
)]
pub struct NotAHead;

impl FromStr for Anchor {
    type Err = NotAHead;

    fn from_str(text: &str) -> Result<Self, NotAHead> {
        let text = text.trim();
        let (seq, hash) = match text.split_once(':') {
            Some((seq, hash)) => (Some(seq.parse().map_err(|_| NotAHead)?), hash),
            None => (None, text),
        };
        let sound = hash.len() == HASH_LEN && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
        sound.then(|| Self { seq, hash: hash.to_ascii_lowercase() }).ok_or(NotAHead)
    }
}

/// Why a finished line is not the record that belongs there.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Fault {
    /// Not the frame of a record.
    #[error("record {seq} is not a record: the line was altered")]
    Malformed {
        /// The number of the line.
        seq: u64,
    },
    /// The bytes do not have the hash that they state.
    #[error("record {seq} was altered: its bytes do not have the hash that it states")]
    Altered {
        /// The number of the line.
        seq: u64,
    },
    /// A sound record of another place.
    #[error("record {found} stands where record {seq} belongs: records were removed, repeated or reordered")]
    OutOfOrder {
        /// The number of the line.
        seq: u64,
        /// The number that the record states.
        found: u64,
    },
    /// A sound record of another journal, or of another past.
    #[error("record {seq} does not follow from the record before it: one of them was replaced")]
    Unlinked {
        /// The number of the line.
        seq: u64,
    },
    /// Longer than [`LONGEST`].
    #[error("record {seq} is longer than {LONGEST} bytes: not written by goaround")]
    TooLong {
        /// The number of the line.
        seq: u64,
    },
    /// A later version of goaround wrote here.
    #[error(
        "record {seq} says that it is of format version {version}, this goaround knows version {VERSION}; \
         hint: use the newer goaround that wrote it"
    )]
    Future {
        /// The number of the line.
        seq: u64,
        /// The version that the record states.
        version: u64,
    },
}

impl Fault {
    /// The number of the line.
    pub fn seq(&self) -> u64 {
        match self {
            Self::Malformed { seq }
            | Self::Altered { seq }
            | Self::OutOfOrder { seq, .. }
            | Self::Unlinked { seq }
            | Self::TooLong { seq }
            | Self::Future { seq, .. } => *seq,
        }
    }
}

/// What stands after the last line feed.
#[derive(Clone, PartialEq, Debug)]
pub enum Tail {
    /// A whole, sound record; only its line feed is missing.
    Whole(Box<Record>),
    /// The beginning of a record.
    Torn,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    v: u64,
    seq: u64,
    time: Time,
    prev: String,
    kind: String,
    body: serde_json::Map<String, Value>,
    hash: String,
}

fn seal(prev: &str, sealed: &[u8]) -> String {
    sha256::hex(&[prev.as_bytes(), sealed])
}

/// Up to the kind, everything is known before a record is written; a torn record must agree with it.
fn opening(seq: u64, time: &str, prev: &str) -> String {
    format!(r#"{{"v":{VERSION},"seq":{seq},"time":"{time}","prev":"{prev}","kind":""#)
}

/// The line, without its line feed, that continues `head`. The second value is its hash.
pub(super) fn compose(head: &Head, time: Time, kind: &str, body: &Value) -> (Vec<u8>, String) {
    let time = time.to_rfc3339_opts(SecondsFormat::Millis, true);
    let mut line = opening(head.seq + 1, &time, &head.hash);
    // Whoever prints the file prints nothing that a terminal obeys. Writing to a String cannot fail.
    let _ = write!(line, r#"{kind}","body":{}"#, printable_json(&body.to_string()));
    let hash = seal(&head.hash, line.as_bytes());
    let _ = write!(line, "{HASH_KEY}{hash}\"}}");
    (line.into_bytes(), hash)
}

/// Is this line, without its line feed, the record that continues `head`?
pub(super) fn check(line: &[u8], head: &Head) -> Result<Record, Fault> {
    let seq = head.seq + 1;
    let malformed = || Fault::Malformed { seq };
    let parsed: Line = match serde_json::from_slice(line) {
        Ok(parsed) => parsed,
        Err(_) => return Err(future(line, seq).unwrap_or_else(malformed)),
    };
    if parsed.v != VERSION {
        return Err(future(line, seq).unwrap_or_else(malformed));
    }
    let sealed = line.len().checked_sub(HASH_KEY.len() + HASH_LEN + 2).ok_or_else(malformed)?;
    let ending = format!("{HASH_KEY}{}\"}}", seal(&parsed.prev, &line[..sealed]));
    if line[sealed..] != *ending.as_bytes() {
        return Err(Fault::Altered { seq });
    }
    if parsed.seq != seq {
        return Err(Fault::OutOfOrder { seq, found: parsed.seq });
    }
    if parsed.prev != head.hash {
        return Err(Fault::Unlinked { seq });
    }
    if !is_kind(&parsed.kind) {
        return Err(malformed());
    }
    Ok(Record {
        seq,
        time: parsed.time,
        prev: parsed.prev,
        kind: parsed.kind,
        body: Value::Object(parsed.body),
        hash: parsed.hash,
    })
}

/// What are these bytes after the last line feed, where the record after `head` belongs?
pub(super) fn check_tail(tail: &[u8], head: &Head) -> Result<Tail, Fault> {
    let fault = match check(tail, head) {
        Ok(record) => return Ok(Tail::Whole(Box::new(record))),
        Err(fault) => fault,
    };
    if begins_like_a_record(tail, head) && is_unfinished(tail) {
        Ok(Tail::Torn)
    } else {
        // Finished and yet not the record, or not the beginning of one: no writer leaves that behind.
        Err(fault)
    }
}

/// A broken design of tests: whatever was left of a record counts.
pub(super) fn taken_as_it_is(torn: &[u8], head: &Head) -> Record {
    Record {
        seq: head.seq + 1,
        time: Time::UNIX_EPOCH,
        prev: head.hash.clone(),
        kind: "intent".to_owned(),
        body: Value::Null,
        hash: sha256::hex(&[torn]),
    }
}

/// Is this JSON that stops too early? `-`, `2.` and `1e+` count as malformed numbers to the parser, not as cut off
/// ones, so a number at the end is left away first.
fn is_unfinished(tail: &[u8]) -> bool {
    let number = |byte: &&u8| matches!(byte, b'0'..=b'9' | b'.' | b'-' | b'+' | b'e' | b'E');
    let digits = tail.iter().rev().take_while(number).count();
    [tail, &tail[..tail.len() - digits]]
        .iter()
        .any(|bytes| serde_json::from_slice::<IgnoredAny>(bytes).is_err_and(|error| error.is_eof()))
}

fn begins_like_a_record(tail: &[u8], head: &Head) -> bool {
    let any_time = "_".repeat(TIME_LEN);
    opening(head.seq + 1, &any_time, &head.hash).bytes().zip(tail).all(|(expected, &found)| {
        expected == found
            || (expected == b'_' && matches!(found, b'0'..=b'9' | b'-' | b':' | b'.' | b'T' | b'Z'))
    })
}

/// A record of a later version, if the line begins like one.
fn future(line: &[u8], seq: u64) -> Option<Fault> {
    let digits: Vec<u8> =
        line.strip_prefix(br#"{"v":"#)?.iter().copied().take_while(u8::is_ascii_digit).collect();
    let version = String::from_utf8(digits).ok()?.parse().ok()?;
    (version > VERSION).then_some(Fault::Future { seq, version })
}

/// Kinds are words of this program, never text from outside.
pub(super) fn is_kind(kind: &str) -> bool {
    (1..=64).contains(&kind.len())
        && kind.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<Option<bool>>().prop_map(|v| json!(v)),
            any::<i64>().prop_map(|v| json!(v)),
            any::<f64>().prop_map(|v| json!(v)),
            any::<String>().prop_map(|v| json!(v)),
        ];
        leaf.prop_recursive(3, 12, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
                proptest::collection::vec((any::<String>(), inner), 0..4)
                    .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn whatever_the_body_a_record_is_sound_and_its_beginnings_are_torn(inner in any_json()) {
            let body = json!({ "in": inner });
            let (line, _) = compose(&Head::genesis(), Time::UNIX_EPOCH, "intent", &body);
            prop_assert!(!line.contains(&b'\n'));
            let record = check(&line, &Head::genesis());
            // A float may change in its last digit when it is parsed, so what was written is parsed too.
            let written: Value = serde_json::from_str(&body.to_string()).expect("json");
            prop_assert_eq!(record.map(|record| record.body), Ok(written));
            for cut in 1..line.len() {
                prop_assert_eq!(check_tail(&line[..cut], &Head::genesis()), Ok(Tail::Torn), "cut at {}", cut);
            }
        }
    }

    fn line() -> Vec<u8> {
        compose(&Head::genesis(), Time::UNIX_EPOCH, "intent", &json!({"by": "aña\n", "n": [1, 2.5]})).0
    }

    #[test]
    fn a_head_that_was_written_down_is_read_again_and_other_words_are_none() {
        let head = Head { seq: 12, hash: "0a".repeat(32) };
        assert_eq!(format!(" {head}\n").to_uppercase().parse(), Ok(Anchor::from(&head)));
        assert_eq!(head.hash.parse(), Ok(Anchor { seq: None, hash: head.hash.clone() }));
        for text in ["", "12", "x:y", "-1:00", &head.hash[1..], &format!("x{head}"), &"g".repeat(64)] {
            assert_eq!(text.parse::<Anchor>(), Err(NotAHead), "{text}");
        }
    }

    #[test]
    fn a_composed_line_is_one_line_and_is_its_own_record() {
        let line = line();
        assert!(!line.contains(&b'\n'));
        let record = check(&line, &Head::genesis()).expect("sound");
        assert_eq!((record.seq, record.kind.as_str()), (1, "intent"));
        assert_eq!(record.body, json!({"by": "aña\n", "n": [1, 2.5]}));
    }

    #[test]
    fn every_beginning_of_a_record_is_torn_and_the_whole_of_it_is_whole() {
        let line = line();
        for cut in 1..line.len() {
            assert_eq!(check_tail(&line[..cut], &Head::genesis()), Ok(Tail::Torn), "cut at {cut}");
        }
        assert!(matches!(check_tail(&line, &Head::genesis()), Ok(Tail::Whole(_))));
    }

    #[test]
    fn a_finished_record_without_its_line_feed_is_altered_when_any_byte_of_it_is() {
        let line = line();
        for at in 0..line.len() {
            let mut altered = line.clone();
            altered[at] ^= 1;
            let found = check_tail(&altered, &Head::genesis());
            // Half of the flips of a quote or a brace leave the object open, but none makes the record sound.
            assert!(!matches!(found, Ok(Tail::Whole(_))), "byte {at}: {found:?}");
        }
    }

    #[test]
    fn what_follows_a_finished_record_without_a_line_feed_is_no_accident() {
        for extra in [b' ', b'\r', b'\x0b', b'x', b'{', 0] {
            let mut tail = line();
            tail.push(extra);
            assert!(check_tail(&tail, &Head::genesis()).is_err(), "{extra:#x}");
        }
    }

    #[test]
    fn the_beginning_of_a_record_of_another_place_is_not_a_torn_record() {
        let head = Head { seq: 4, hash: "ab".repeat(32) };
        assert!(check_tail(&line()[..40], &head).is_err());
        assert!(check_tail(b"\0\0\0\0", &head).is_err());
    }

    #[test]
    fn a_later_version_is_named_as_such_finished_or_not() {
        for line in [&br#"{"v":2,"seq":1,"who":"x"}"#[..], &br#"{"v":17}"#[..], &br#"{"v":2,"se"#[..]] {
            assert!(matches!(check_tail(line, &Head::genesis()), Err(Fault::Future { .. })));
        }
        let fault = check(br#"{"v":2,"seq":1}"#, &Head::genesis()).expect_err("future");
        assert!(fault.to_string().contains("version 2") && fault.to_string().contains("hint:"));
    }
}

//! Every single change of a long journal is seen. What stands before a change is the same bytes and so the same walk;
//! therefore each walk begins at the record that was changed, and a thousand records are few enough for every byte.
//!
//! `GOAROUND_JOURNAL_RECORDS` says how many records (200 without it), `GOAROUND_JOURNAL_VALUES` how many other values
//! each byte takes (1 without it, 255 at most).

use std::collections::BTreeMap;
use std::io;

use serde_json::json;

use super::chain::{Position, Walk, walk};
use super::*;

/// A disk that is only read.
struct Bytes<'b>(&'b [&'b [u8]]);

impl Disk for Bytes<'_> {
    fn place(&self) -> Clean {
        "bytes".into()
    }

    fn lock(&self) -> io::Result<()> {
        Ok(())
    }

    fn lock_shared(&self) -> io::Result<()> {
        Ok(())
    }

    fn unlock(&self) -> io::Result<()> {
        Ok(())
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.0.iter().map(|part| part.len() as u64).sum())
    }

    fn named(&self) -> io::Result<Named> {
        Ok(Named::Ours)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut offset = usize::try_from(offset).expect("small");
        for part in self.0 {
            if let Some(rest) = part.get(offset..).filter(|rest| !rest.is_empty()) {
                let read = rest.len().min(buffer.len());
                buffer[..read].copy_from_slice(&rest[..read]);
                return Ok(read);
            }
            offset -= part.len();
        }
        Ok(0)
    }

    fn append(&mut self, _: &[u8]) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn cut(&mut self, _: u64) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn sync(&mut self) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn keep_beside(&mut self, _: &str, _: &[u8]) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

#[expect(clippy::disallowed_methods, reason = "larger figures are asked for by variables")]
fn figure(name: &str, default: usize) -> usize {
    std::env::var(name).map_or(default, |value| value.parse().expect("a number"))
}

/// A journal of records of many forms, line by line, with the place before each line and the one behind all.
fn long() -> (Vec<Vec<u8>>, Vec<Position>) {
    let mut places = vec![Position::start()];
    let mut lines = Vec::new();
    for n in 0..figure("GOAROUND_JOURNAL_RECORDS", 200) {
        let before = &places[n];
        let body = match n % 4 {
            0 => json!({}),
            1 => json!({"by": "aña\n", "n": n, "share": 0.25, "list": [null, true, "\u{1b}[1m"]}),
            2 => json!({"calls": [{"method": "PATCH", "path": "/a/b", "body": {"x": n}}]}),
            _ => json!({"text": "x".repeat(n % 100)}),
        };
        let time = Time::UNIX_EPOCH + chrono::TimeDelta::seconds(n as i64);
        let (mut line, hash) = record::compose(&before.head, time, "note", &body);
        line.push(b'\n');
        let offset = before.offset + line.len() as u64;
        places.push(Position { head: Head { seq: before.head.seq + 1, hash }, offset });
        lines.push(line);
    }
    (lines, places)
}

/// Walks from the place before record `at` on; `parts` stand there instead of what stood there, from byte 0 on.
fn walked(parts: &[&[u8]], from: &Position) -> Walk {
    let moved = Position { head: from.head.clone(), offset: 0 };
    walk(&Bytes(parts), &moved, |_| ()).expect("memory is read")
}

fn first_bad(walk: &Walk) -> Option<u64> {
    walk.fault.as_ref().map(Fault::seq)
}

#[test]
fn the_long_journal_is_whole_and_its_head_is_in_it() {
    let (lines, places) = long();
    let head = &places[lines.len()].head;
    let all: Vec<&[u8]> = lines.iter().map(Vec::as_slice).collect();
    let found = verify_on(&Bytes(&all), Some(&Anchor::from(head)));
    assert_eq!((found.ok, found.reason, found.head.as_ref()), (true, None, Some(head)));
    assert_eq!(walked(&all, &places[0]).end.head, *head);
}

#[test]
fn every_single_byte_that_becomes_another_is_seen_in_its_record() {
    let (lines, places) = long();
    let values = figure("GOAROUND_JOURNAL_VALUES", 1).min(255);
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    let mut tried: u64 = 0;
    for (at, line) in lines.iter().enumerate() {
        let next = lines.get(at + 1).map_or(&b""[..], Vec::as_slice);
        let mut altered = line.clone();
        for byte in 0..line.len() {
            for value in 0..values {
                // Any other value: a fixed walk through all 255 differences, from a place that depends on the byte.
                let difference = 1 + ((tried as usize * 97 + byte * 31 + value) % 255);
                altered[byte] = line[byte] ^ u8::try_from(difference).expect("a byte");
                tried += 1;
                let walk = walked(&[&altered, next], &places[at]);
                let seq = at as u64 + 1;
                let fault = walk.fault.as_ref();
                assert_eq!(
                    first_bad(&walk),
                    Some(seq),
                    "byte {byte} of record {seq} as {:#x}",
                    altered[byte]
                );
                assert_eq!(walk.end.head, places[at].head, "nothing behind it counts");
                *kinds
                    .entry(match fault {
                        Some(Fault::Altered { .. }) => "altered",
                        Some(Fault::Malformed { .. }) => "malformed",
                        Some(Fault::Future { .. }) => "future",
                        _ => "other",
                    })
                    .or_default() += 1;
            }
            altered[byte] = line[byte];
        }
    }
    println!("{tried} single-byte changes of {} records, all seen: {kinds:?}", lines.len());
    assert!(kinds["altered"] > 1_000 && kinds["malformed"] > 1_000, "{kinds:?}");
}

#[test]
fn every_record_that_is_removed_repeated_exchanged_or_taken_from_elsewhere_is_seen() {
    let (lines, places) = long();
    let last = lines.len() - 1;
    let head = &places[lines.len()].head;
    for at in 0..lines.len() {
        let seq = at as u64 + 1;
        let rest: Vec<&[u8]> = lines[at..].iter().take(3).map(Vec::as_slice).collect();
        let removed = walked(&rest[1..], &places[at]);
        if at < last {
            assert_eq!(first_bad(&removed), Some(seq), "removal of record {seq}");
        } else {
            assert!(removed.fault.is_none() && removed.end.head != *head, "only the head shows this");
        }
        let repeated = walked(&[rest[0], rest[0]], &places[at]);
        assert_eq!(first_bad(&repeated), Some(seq + 1), "repetition of record {seq}");
        if at < last {
            let exchanged = walked(&[rest[1], rest[0]], &places[at]);
            assert_eq!(first_bad(&exchanged), Some(seq), "exchange of records {seq} and the next");
        }
        let elsewhere = &lines[(at + lines.len() / 2) % lines.len()];
        let replaced = walked(&[elsewhere], &places[at]);
        assert_eq!(first_bad(&replaced), Some(seq), "another record in the place of {seq}");
    }
}

#[test]
fn a_record_that_is_written_anew_over_a_changed_body_does_not_fit_the_next_one() {
    let (lines, places) = long();
    for at in 0..lines.len() - 1 {
        let (mut forged, hash) =
            record::compose(&places[at].head, Time::UNIX_EPOCH, "note", &json!({"by": "nobody"}));
        forged.push(b'\n');
        assert_ne!(hash, places[at + 1].head.hash);
        let walk = walked(&[&forged, &lines[at + 1]], &places[at]);
        assert_eq!(first_bad(&walk), Some(at as u64 + 2));
    }
}

#[test]
fn a_journal_that_is_cut_at_any_byte_no_longer_holds_its_head() {
    let (lines, places) = long();
    let head = &places[lines.len()].head;
    let anchor = Anchor::from(head);
    let mut cuts = 0;
    for (at, line) in lines.iter().enumerate() {
        for length in 0..line.len() {
            cuts += 1;
            let walk = walked(&[&line[..length]], &places[at]);
            let whole = length + 1 == line.len();
            assert!(
                walk.fault.is_none(),
                "a beginning of a record is torn, not altered: {length} of {}",
                at + 1
            );
            assert_eq!((walk.unterminated, walk.torn.is_some()), (whole, !whole && length > 0));
            if whole && at + 1 == lines.len() {
                assert_eq!(walk.end.head, *head, "only a line feed is gone: the record is there");
            } else {
                assert_ne!(walk.end.head, *head);
            }
            // The way through the whole journal gives the same answer; it is too long to be gone each time.
            if cuts % 1_009 == 0 {
                let mut kept: Vec<&[u8]> = lines[..at].iter().map(Vec::as_slice).collect();
                kept.push(&line[..length]);
                assert!(verify_on(&Bytes(&kept), None).ok);
                let found = verify_on(&Bytes(&kept), Some(&anchor));
                assert!(
                    !found.ok && found.reason.expect("why").contains("cut off"),
                    "{length} of {}",
                    at + 1
                );
            }
        }
    }
}

#[test]
fn a_journal_that_was_written_anew_to_the_same_length_is_not_the_one_of_the_head() {
    let mut before = Head::genesis();
    let mut kept = Vec::new();
    let mut lines = Vec::new();
    for n in 0..2 {
        let (mut line, hash) = record::compose(&before, Time::UNIX_EPOCH, "note", &json!({ "n": n }));
        line.push(b'\n');
        before = Head { seq: before.seq + 1, hash };
        kept.push(before.clone());
        lines.push(line);
    }
    let parts: Vec<&[u8]> = lines.iter().map(Vec::as_slice).collect();
    for head in &kept {
        assert!(verify_on(&Bytes(&parts), Some(&Anchor::from(head))).ok, "an older head stays in it");
    }
    let other = Anchor { seq: Some(1), hash: kept[1].hash.clone() };
    let found = verify_on(&Bytes(&parts), Some(&other));
    assert!(!found.ok && found.reason.expect("why").contains("record 1 is sound but not the expected head"));
}

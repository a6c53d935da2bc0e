//! Reading the chain from one end to the other: the verified records, the first fault, what is torn. It never writes,
//! and it stops at the first fault, because nothing behind a fault can be believed.

use std::io::{self, BufRead as _, Read as _};
use std::path::Path;

use serde::Serialize;

use super::disk::{self, Disk, PrivateFile};
use super::record::{self, Anchor, Fault, Head, LONGEST, Record, Tail};
use super::{FILE, TORN};
use crate::sabotage::{self, Design};
use crate::shell::private;

/// A place between two records.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Position {
    /// The record before it.
    pub head: Head,
    /// Bytes before it.
    pub offset: u64,
}

impl Position {
    pub fn start() -> Self {
        Self { head: Head::genesis(), offset: 0 }
    }
}

/// What a walk along the chain found.
#[derive(Debug)]
pub(super) struct Walk {
    /// After the last sound record; the line feed that it may lack is not counted.
    pub end: Position,
    /// Before the last sound record.
    pub before_last: Position,
    /// What ended the walk early.
    pub fault: Option<Fault>,
    /// The last record is sound but lacks its line feed.
    pub unterminated: bool,
    /// The beginning of a record after the last line feed.
    pub torn: Option<Vec<u8>>,
}

/// Walks from a place to the end, or to the first fault. The caller holds a lock.
pub(super) fn walk<D: Disk>(
    disk: &D,
    from: &Position,
    mut each: impl FnMut(Record),
) -> Result<Walk, io::Error> {
    let mut reader = disk::from(disk, from.offset);
    let mut walk =
        Walk { end: from.clone(), before_last: from.clone(), fault: None, unterminated: false, torn: None };
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = reader.by_ref().take(LONGEST as u64 + 1).read_until(b'\n', &mut line)?;
        if read == 0 {
            return Ok(walk);
        }
        let head = walk.end.head.clone();
        let found = if read > LONGEST {
            Err(Fault::TooLong { seq: head.seq + 1 })
        } else if let Some(line) = line.strip_suffix(b"\n") {
            record::check(line, &head)
        } else {
            match record::check_tail(&line, &head) {
                Ok(Tail::Whole(record)) => {
                    walk.unterminated = true;
                    Ok(*record)
                }
                Ok(Tail::Torn) if sabotage::is(Design::TornRecordTrusted) => {
                    walk.unterminated = true;
                    Ok(record::taken_as_it_is(&line, &head))
                }
                Ok(Tail::Torn) => {
                    walk.torn = Some(line);
                    return Ok(walk);
                }
                Err(fault) => Err(fault),
            }
        };
        match found {
            Ok(record) => {
                let head = Head { seq: record.seq, hash: record.hash.clone() };
                let offset = walk.end.offset + read as u64;
                walk.before_last = std::mem::replace(&mut walk.end, Position { head, offset });
                each(record);
            }
            Err(fault) => {
                walk.fault = Some(fault);
                return Ok(walk);
            }
        }
    }
}

/// What `goaround audit verify` says. As JSON: `{"records","ok","first_bad","reason"}`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Verification {
    /// Records from the first one on that are sound and linked.
    pub records: u64,
    /// No fault. A torn last record is none: a writer that was killed leaves one, which was never acknowledged. A file
    /// that was cut looks the same; only a head that was kept elsewhere tells them apart.
    pub ok: bool,
    /// The number of the first line that is not the record that belongs there.
    pub first_bad: Option<u64>,
    /// What is wrong, or what a reader should know although nothing is wrong.
    pub reason: Option<String>,
    /// The last sound record; `None` without one. Its hash is the anchor to keep elsewhere.
    #[serde(skip)]
    pub head: Option<Head>,
    /// Bytes of the unfinished record at the end.
    #[serde(skip)]
    pub torn: Option<usize>,
    /// Numbers of the records that say that a torn record was moved aside before them.
    #[serde(skip)]
    pub moved_aside: Vec<u64>,
}

impl Verification {
    fn empty() -> Self {
        Self {
            records: 0,
            ok: true,
            first_bad: None,
            reason: None,
            head: None,
            torn: None,
            moved_aside: Vec::new(),
        }
    }

    fn unreadable(reason: impl ToString) -> Self {
        Self { ok: false, reason: Some(reason.to_string()), ..Self::empty() }
    }
}

/// Verifies the journal of this folder. A missing journal is a sound one without records; nothing is created.
pub fn verify(dir: &Path) -> Verification {
    verify_from(dir, None)
}

/// Verifies, and looks for a head that was written down elsewhere: a chain whose end was cut off is still a chain, so
/// only such an anchor shows that records are missing.
pub fn verify_from(dir: &Path, expected: Option<&Anchor>) -> Verification {
    anchored(expected, |each| of_folder(dir, each))
}

/// The same for the journal that a disk holds.
pub fn verify_on<D: Disk>(disk: &D, expected: Option<&Anchor>) -> Verification {
    anchored(expected, |each| of_disk(disk, each))
}

/// The verified records, oldest first: all of them, or those before the first fault.
pub fn read(dir: &Path) -> Vec<Record> {
    read_and_verify(dir).0
}

/// The verified records together with what is to be said about the rest.
pub fn read_and_verify(dir: &Path) -> (Vec<Record>, Verification) {
    let mut records = Vec::new();
    let verification = of_folder(dir, &mut |record| records.push(record));
    (records, verification)
}

/// The same for the journal that a disk holds.
pub fn read_and_verify_on<D: Disk>(disk: &D) -> (Vec<Record>, Verification) {
    let mut records = Vec::new();
    let verification = of_disk(disk, &mut |record| records.push(record));
    (records, verification)
}

fn anchored(
    expected: Option<&Anchor>,
    verify: impl FnOnce(&mut dyn FnMut(Record)) -> Verification,
) -> Verification {
    let is = |seq, hash: &str| {
        expected
            .is_none_or(|expected| expected.hash == hash && expected.seq.is_none_or(|number| number == seq))
    };
    let mut seen = is(0, record::GENESIS);
    let mut verification = verify(&mut |record: Record| seen |= is(record.seq, &record.hash));
    if verification.ok && !seen {
        verification.ok = false;
        let records = verification.records;
        verification.reason = Some(match expected.and_then(|expected| expected.seq) {
            Some(seq) if seq <= records => format!(
                "record {seq} is sound but not the expected head: the journal was written anew, or is another one"
            ),
            _ => format!(
                "the expected head is not in this journal of {records} records: it and what followed was cut off, or \
                 this is another journal"
            ),
        });
    }
    verification
}

fn of_folder(dir: &Path, each: &mut dyn FnMut(Record)) -> Verification {
    match PrivateFile::reading(dir, FILE) {
        Ok(file) => of_disk(&file, each),
        Err(private::PrivacyError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            Verification::empty()
        }
        Err(error) => Verification::unreadable(error),
    }
}

fn of_disk<D: Disk>(disk: &D, each: &mut dyn FnMut(Record)) -> Verification {
    let mut moved_aside = Vec::new();
    // Without the lock a record that is being written would be taken for a torn one.
    let walked = disk.lock_shared().and_then(|()| {
        let walked = walk(disk, &Position::start(), |record| {
            if record.kind == TORN {
                moved_aside.push(record.seq);
            }
            each(record);
        });
        disk.unlock()?;
        walked
    });
    match walked {
        Ok(walk) => said(walk, moved_aside),
        Err(error) => Verification::unreadable(format!("reading {} failed: {error}", disk.place())),
    }
}

fn said(walk: Walk, moved_aside: Vec<u64>) -> Verification {
    let head = walk.end.head;
    let next = head.seq + 1;
    let torn = walk.torn.map(|fragment| fragment.len());
    let mut notes: Vec<String> = Vec::new();
    if let Some(fault) = &walk.fault {
        notes.push(fault.to_string());
    }
    if let Some(bytes) = torn {
        notes.push(format!(
            "record {next} is torn: {bytes} bytes of it are there, its writer stopped in the middle or the file was \
             cut; the next append moves it aside"
        ));
    }
    if walk.unterminated {
        notes.push(format!(
            "record {} is whole but lacks its line feed, which the next append adds",
            head.seq
        ));
    }
    if !moved_aside.is_empty() {
        let numbers: Vec<String> = moved_aside.iter().map(u64::to_string).collect();
        notes.push(format!("a torn record was moved aside before record {}", numbers.join(", ")));
    }
    Verification {
        records: head.seq,
        ok: walk.fault.is_none(),
        first_bad: walk.fault.as_ref().map(Fault::seq),
        reason: (!notes.is_empty()).then(|| notes.join("; ")),
        head: (head.seq > 0).then_some(head),
        torn,
        moved_aside,
    }
}

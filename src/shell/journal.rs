//! The journal: what was proposed, approved, sent and seen, in one append-only file whose records are chained by
//! SHA-256 and are on the disk before an append is acknowledged. It is audit, history and recovery at once, so it fails
//! closed: what it cannot verify it does not continue, and what it cannot sync it does not acknowledge.
//!
//! ```text
//! append: lock -> read what others appended -> (torn end: move aside) -> one write -> fdatasync -> unlock -> Head
//!            |                |                          |                   |            |
//!            Io           ReadOnly                      Io        Io, taken back     NotSynced, closed for good
//! ```
//! The lock belongs to this handle alone (`flock` on its own descriptor) and is held from reading the head to the sync; a
//! chain whose head is read outside the lock forks. A torn record is copied to a file beside the journal, cut off, and a
//! `journal.torn` record says so; nothing else is ever cut off. What is asked of the disk stands in `disk.rs`.

mod chain;
mod disk;
mod record;

use std::io;
use std::path::Path;

use serde_json::{Value, json};

use self::chain::{Position, Walk, walk};
use crate::domain::Time;
use crate::domain::clean::Clean;
use crate::sabotage::{self, Design};
use crate::shell::private::{self, PrivacyError};
use crate::shell::sha256;

pub use self::chain::{
    Verification, read, read_and_verify, read_and_verify_on, verify, verify_from, verify_on,
};
pub use self::disk::{Disk, Named, PrivateFile};
pub use self::record::{Anchor, Fault, GENESIS, Head, LONGEST, NotAHead, Record, VERSION};

/// The name of the journal in its folder.
pub const FILE: &str = "journal.jsonl";
/// The kind of the record that the journal itself writes: body `{"bytes","sha256","moved_to"}`.
pub const TORN: &str = "journal.torn";

/// Why a journal can be read but not continued.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ReadOnly {
    /// The chain does not verify.
    #[error("{0}; hint: keep the file as evidence, `goaround audit verify`, then move it aside")]
    Broken(Fault),
    /// A later version of goaround wrote to it.
    #[error("{0}")]
    Future(Fault),
    /// The file may be read but not written.
    #[error("{0}")]
    NotWritable(Clean),
    /// Behind our back the file was cut, rewritten, moved or removed.
    #[error(
        "it was {0} while it was open; hint: `goaround audit verify --head` with the last known head, then restart"
    )]
    Changed(&'static str),
    /// A sync failed; what is on the disk is not known any more.
    #[error(
        "an earlier sync failed, so what is on the disk is not known; hint: look at the disk, then restart"
    )]
    NotSynced,
}

impl From<Fault> for ReadOnly {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Future { .. } => Self::Future(fault),
            _ => Self::Broken(fault),
        }
    }
}

/// Why nothing was appended.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The folder or the file is not private, or cannot be used at all.
    #[error(transparent)]
    Private(#[from] PrivacyError),
    /// This journal is not continued.
    #[error("the journal {place} is read-only: {reason}")]
    ReadOnly {
        /// The file.
        place: Clean,
        /// Why.
        reason: ReadOnly,
    },
    /// The operating system said no. The file is as it was, or ends in a torn record.
    #[error("{doing} the journal {place} failed: {source}; hint: {}", private::hint(source))]
    Io {
        /// What was tried, as in `appending to`.
        doing: &'static str,
        /// The file.
        place: Clean,
        /// What the operating system said.
        source: io::Error,
    },
    /// The sync failed. The record does not count, and this handle appends no more: a second sync would report
    /// success although the pages that failed were dropped.
    #[error(
        "syncing the journal {place} failed: {source}; nothing more is recorded; hint: {}",
        private::hint(source)
    )]
    NotSynced {
        /// The file.
        place: Clean,
        /// What the operating system said.
        source: io::Error,
    },
    /// The record itself is not one: a kind with other characters than `a-z 0-9 . _`, a body that is no object or is
    /// nested too deeply, more than [`LONGEST`] bytes.
    #[error(
        "a record of kind `{kind}` cannot be written: {why}; hint: this is an error in goaround, please report it"
    )]
    NotARecord {
        /// The kind.
        kind: Clean,
        /// What is wrong.
        why: &'static str,
    },
}

/// An open journal. Several handles, in one process or in many, may append to the same file.
#[derive(Debug)]
pub struct Journal<D = PrivateFile> {
    disk: D,
    head: Head,
    /// Each append reads again from before the last record that this handle knows: so it also sees whether that
    /// record is still there.
    resume: Position,
    read_only: Option<ReadOnly>,
    /// Length of the file when it was last asked for news.
    told: u64,
}

impl Journal {
    /// Opens the journal of this folder, creating both where missing, and verifies all of it. A journal that does not
    /// verify, is of a later version or may not be written opens too, with [`Journal::read_only`] saying why: the
    /// gate closes, the cockpit goes on.
    pub fn open(dir: &Path) -> Result<Self, JournalError> {
        let (disk, writable) = PrivateFile::open(dir, FILE)?;
        let read_only = writable.err().map(|error| ReadOnly::NotWritable(Clean::new(error.to_string())));
        Self::opened(disk, read_only)
    }

    /// The file.
    pub fn path(&self) -> &Path {
        self.disk.path()
    }

    /// The folder that the file lies in.
    pub fn folder(&self) -> &Path {
        self.disk.folder()
    }
}

impl<D: Disk> Journal<D> {
    /// Opens the journal that this disk holds, and verifies all of it, as [`Journal::open`] does with a file.
    pub fn on(disk: D) -> Result<Self, JournalError> {
        Self::opened(disk, None)
    }

    fn opened(disk: D, read_only: Option<ReadOnly>) -> Result<Self, JournalError> {
        let start = Position::start();
        let mut journal = Self { disk, head: Head::genesis(), resume: start, read_only, told: 0 };
        let walked = journal.disk.lock_shared().and_then(|()| {
            let walked = walk(&journal.disk, &journal.resume, |_| ());
            journal.disk.unlock()?;
            walked
        });
        let walk = walked.map_err(journal.failed("reading"))?;
        journal.told = walk.end.offset;
        journal.head = walk.end.head;
        journal.resume = walk.before_last;
        if let Some(fault) = walk.fault {
            journal.read_only = Some(fault.into());
        }
        Ok(journal)
    }

    /// Why this journal is not continued; `None` when it is.
    pub fn read_only(&self) -> Option<&ReadOnly> {
        self.read_only.as_ref()
    }

    /// The last record that this handle has seen.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// Has anybody written to the journal since it was opened or last asked for news?
    pub fn news(&mut self) -> bool {
        let Ok(length) = self.disk.length() else { return false };
        std::mem::replace(&mut self.told, length) != length
    }

    /// Appends one record and returns when it is on the disk. Blocks: for the lock, which others hold for about one
    /// sync each, and for the disk. `body` is a JSON object; `time` is kept to the millisecond.
    pub fn append(&mut self, time: Time, kind: &str, body: &Value) -> Result<Head, JournalError> {
        if let Some(reason) = &self.read_only {
            return Err(self.refusal(reason.clone()));
        }
        self.disk.lock().map_err(self.failed("locking"))?;
        let appended = self.append_locked(time, kind, body);
        // If this failed, the lock would end with the handle; there is nothing better to do about it.
        let _ = self.disk.unlock();
        appended
    }

    fn append_locked(&mut self, time: Time, kind: &str, body: &Value) -> Result<Head, JournalError> {
        if sabotage::is(Design::JournalHeadOutsideLock) {
            // As it was when this handle looked last.
            return self.write(b"", time, kind, body);
        }
        let caught_up = self.catch_up()?;
        let mut lead: &[u8] = b"";
        if caught_up.unterminated {
            lead = b"\n";
        } else if let Some(fragment) = caught_up.torn {
            let body = self.move_aside(&fragment, caught_up.end.offset)?;
            self.write(lead, time, TORN, &body)?;
        }
        self.write(lead, time, kind, body)
    }

    /// Reads what others appended since, and refuses to go on when the past is not what it was.
    fn catch_up(&mut self) -> Result<Walk, JournalError> {
        match self.disk.named().map_err(self.failed("looking at"))? {
            Named::Ours => {}
            Named::Another => return Err(self.close(ReadOnly::Changed("replaced"))),
            Named::Nothing => return Err(self.close(ReadOnly::Changed("moved or removed"))),
        }
        let mut known = self.head == self.resume.head;
        let walk = walk(&self.disk, &self.resume, |record| {
            known |= record.seq == self.head.seq && record.hash == self.head.hash;
        })
        .map_err(self.failed("reading"))?;
        if !known {
            return Err(self.close(ReadOnly::Changed("cut or rewritten")));
        }
        if let Some(fault) = walk.fault {
            return Err(self.close(fault.into()));
        }
        self.head = walk.end.head.clone();
        self.resume = walk.before_last.clone();
        Ok(walk)
    }

    /// Copies the torn record to a file of its own, then cuts it off; returns what is to be said about it. Every step
    /// may be repeated after a crash: the name of the copy is made of its content.
    fn move_aside(&mut self, fragment: &[u8], sound: u64) -> Result<Value, JournalError> {
        let sha256 = sha256::hex(&[fragment]);
        let name = format!("torn-{}-{}", self.head.seq + 1, &sha256[..12]);
        let failed = self.failed("keeping the torn record beside");
        self.disk.keep_beside(&name, fragment).map_err(failed)?;
        let failed = self.failed("cutting the torn record off");
        self.disk.cut(sound).map_err(failed)?;
        self.synced(None)?;
        Ok(json!({ "bytes": fragment.len(), "sha256": sha256, "moved_to": name }))
    }

    fn write(&mut self, lead: &[u8], time: Time, kind: &str, body: &Value) -> Result<Head, JournalError> {
        let (line, hash) = sound_line(&self.head, time, kind, body)?;
        let before = self.disk.length().map_err(self.failed("looking at"))?;
        let bytes = [lead, &line, b"\n"].concat();
        if let Err(error) = self.disk.append(&bytes) {
            // These bytes are ours and were not acknowledged; where even this fails they are a torn record.
            let _ = self.disk.cut(before);
            return Err(self.failed("appending to")(error));
        }
        if !sabotage::is(Design::AcknowledgedBeforeSync) {
            self.synced(Some(before))?;
        }
        self.resume = Position { head: self.head.clone(), offset: before + lead.len() as u64 };
        self.head = Head { seq: self.head.seq + 1, hash };
        Ok(self.head.clone())
    }

    /// Syncs. If that fails the handle is closed, and the record is taken back, lest another process acknowledges a
    /// successor of what is perhaps not on the disk.
    fn synced(&mut self, take_back: Option<u64>) -> Result<(), JournalError> {
        let Err(source) = self.disk.sync() else {
            return Ok(());
        };
        if let Some(length) = take_back {
            // If it cannot be taken back it stays: sound, and followed by no action.
            let _ = self.disk.cut(length);
        }
        self.read_only = Some(ReadOnly::NotSynced);
        Err(JournalError::NotSynced { place: self.disk.place(), source })
    }

    fn close(&mut self, reason: ReadOnly) -> JournalError {
        self.read_only = Some(reason.clone());
        self.refusal(reason)
    }

    fn refusal(&self, reason: ReadOnly) -> JournalError {
        JournalError::ReadOnly { place: self.disk.place(), reason }
    }

    fn failed(&self, doing: &'static str) -> impl FnOnce(io::Error) -> JournalError + use<D> {
        let place = self.disk.place();
        move |source| JournalError::Io { doing, place, source }
    }
}

/// A line that `verify` will accept, or no line.
fn sound_line(head: &Head, time: Time, kind: &str, body: &Value) -> Result<(Vec<u8>, String), JournalError> {
    let refused = |why| JournalError::NotARecord { kind: Clean::new(kind), why };
    if !record::is_kind(kind) {
        return Err(refused("its kind is not made of a-z, 0-9, . and _"));
    }
    if !body.is_object() {
        return Err(refused("its body is not an object"));
    }
    let (line, hash) = record::compose(head, time, kind, body);
    if line.len() >= LONGEST {
        return Err(refused("it is longer than 16 MiB"));
    }
    match record::check(&line, head) {
        Ok(_) => Ok((line, hash)),
        Err(_) => Err(refused("its body is nested too deeply, or its time has no four-digit year")),
    }
}

#[cfg(test)]
mod tests;

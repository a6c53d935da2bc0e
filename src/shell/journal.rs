//! The journal: what was proposed, approved, sent and seen, in one append-only file whose records are chained by
//! SHA-256 and are on the disk before an append is acknowledged. It is audit, history and recovery at once, so it fails
//! closed: what it cannot verify it does not continue, and what it cannot sync it does not acknowledge.
//!
//! ```text
//! append: lock -> read what others appended -> (torn end: move aside) -> one write -> fdatasync -> unlock -> Head
//!            |                |                          |                   |            |
//!            Io           ReadOnly                      Io        Io, taken back     NotSynced, closed for good
//! ```
//! The lock is `flock` on this handle's own descriptor, held from reading the head to the sync; a chain whose head is
//! read outside the lock forks. A torn record is copied to a file beside the journal, cut off, and a `journal.torn`
//! record says so; nothing else is ever cut off.

mod chain;
mod record;

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use self::chain::{Position, Walk, walk};
use crate::domain::Time;
use crate::domain::clean::Clean;
use crate::shell::private::{self, PrivacyError, place};
use crate::shell::sha256;

pub use self::chain::{Verification, read, read_and_verify, verify, verify_from};
pub use self::record::{Fault, GENESIS, Head, LONGEST, Record, VERSION};

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
        "it was {0} while it was open; hint: `goaround audit verify` with the last known head, then restart"
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
pub struct Journal {
    folder: PathBuf,
    path: PathBuf,
    file: File,
    head: Head,
    /// Each append reads again from before the last record that this handle knows: so it also sees whether that
    /// record is still there.
    resume: Position,
    read_only: Option<ReadOnly>,
    /// Length of the file when it was last asked for news.
    told: u64,
    sync: fn(&File) -> io::Result<()>,
}

impl Journal {
    /// Opens the journal of this folder, creating both where missing, and verifies all of it. A journal that does not
    /// verify, is of a later version or may not be written opens too, with [`Journal::read_only`] saying why: the
    /// gate closes, the cockpit goes on.
    pub fn open(dir: &Path) -> Result<Self, JournalError> {
        let folder = private::folder(dir)?;
        let path = folder.join(FILE);
        let mut read_only = None;
        let file = match private::append(&path) {
            Ok(file) => file,
            Err(error) if path.exists() && is_refusal(&error) => {
                read_only = Some(ReadOnly::NotWritable(Clean::new(error.to_string())));
                private::read(&path)?
            }
            Err(error) => return Err(error.into()),
        };
        if read_only.is_none() {
            private::sync_folder(&folder)?;
        }
        let mut journal = Self {
            folder,
            path,
            file,
            head: Head::genesis(),
            resume: Position::start(),
            read_only,
            told: 0,
            sync: File::sync_data,
        };
        let walked = private::lock_shared(&journal.file).and_then(|()| {
            let walked = walk(&journal.file, &journal.resume, |_| ());
            journal.file.unlock()?;
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

    /// The folder, if anybody has written to the journal since it was opened or last asked for news.
    pub fn news(&mut self) -> Option<PathBuf> {
        let length = self.file.metadata().ok()?.len();
        let news = length != self.told;
        self.told = length;
        news.then(|| self.folder.clone())
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Appends one record and returns when it is on the disk. Blocks: for the lock, which others hold for about one
    /// sync each, and for the disk. `body` is a JSON object; `time` is kept to the millisecond.
    pub fn append(&mut self, time: Time, kind: &str, body: &Value) -> Result<Head, JournalError> {
        if let Some(reason) = &self.read_only {
            return Err(self.refusal(reason.clone()));
        }
        private::lock(&self.file).map_err(self.failed("locking"))?;
        let appended = self.append_locked(time, kind, body);
        // If this failed, the lock would end with the handle; there is nothing better to do about it.
        let _ = self.file.unlock();
        appended
    }

    fn append_locked(&mut self, time: Time, kind: &str, body: &Value) -> Result<Head, JournalError> {
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
        let ours = self.file.metadata().map_err(self.failed("looking at"))?;
        match std::fs::symlink_metadata(&self.path) {
            Ok(named) if (named.dev(), named.ino()) == (ours.dev(), ours.ino()) => {}
            Ok(_) => return Err(self.close(ReadOnly::Changed("replaced"))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(self.close(ReadOnly::Changed("moved or removed")));
            }
            Err(error) => return Err(self.failed("looking at")(error)),
        }
        let mut known = self.head == self.resume.head;
        let walk = walk(&self.file, &self.resume, |record| {
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
        let copy = self.folder.join(&name);
        // What a crash left of an earlier attempt may be incomplete.
        if let Err(error) = std::fs::remove_file(&copy)
            && error.kind() != io::ErrorKind::NotFound
        {
            return Err(self.failed("replacing the torn record beside")(error));
        }
        let mut file = private::create(&copy)?;
        file.write_all(fragment)
            .and_then(|()| file.sync_all())
            .map_err(self.failed("keeping the torn record beside"))?;
        private::sync_folder(&self.folder)?;
        self.file.set_len(sound).map_err(self.failed("cutting the torn record off"))?;
        self.synced(None)?;
        Ok(json!({ "bytes": fragment.len(), "sha256": sha256, "moved_to": name }))
    }

    fn write(&mut self, lead: &[u8], time: Time, kind: &str, body: &Value) -> Result<Head, JournalError> {
        let (line, hash) = sound_line(&self.head, time, kind, body)?;
        let before = self.file.metadata().map_err(self.failed("looking at"))?.len();
        let bytes = [lead, &line, b"\n"].concat();
        if let Err(error) = self.file.write_all(&bytes) {
            // These bytes are ours and were not acknowledged; where even this fails they are a torn record.
            let _ = self.file.set_len(before);
            return Err(self.failed("appending to")(error));
        }
        self.synced(Some(before))?;
        self.resume = Position { head: self.head.clone(), offset: before + lead.len() as u64 };
        self.head = Head { seq: self.head.seq + 1, hash };
        Ok(self.head.clone())
    }

    /// Syncs. If that fails the handle is closed, and the record is taken back, lest another process acknowledges a
    /// successor of what is perhaps not on the disk.
    fn synced(&mut self, take_back: Option<u64>) -> Result<(), JournalError> {
        let Err(source) = (self.sync)(&self.file) else {
            return Ok(());
        };
        if let Some(length) = take_back {
            // If it cannot be taken back it stays: sound, and followed by no action.
            let _ = self.file.set_len(length);
        }
        self.read_only = Some(ReadOnly::NotSynced);
        Err(JournalError::NotSynced { place: place(&self.path), source })
    }

    fn close(&mut self, reason: ReadOnly) -> JournalError {
        self.read_only = Some(reason.clone());
        self.refusal(reason)
    }

    fn refusal(&self, reason: ReadOnly) -> JournalError {
        JournalError::ReadOnly { place: place(&self.path), reason }
    }

    fn failed(&self, doing: &'static str) -> impl FnOnce(io::Error) -> JournalError + use<> {
        let place = place(&self.path);
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

fn is_refusal(error: &PrivacyError) -> bool {
    matches!(error, PrivacyError::Io { source, .. }
        if matches!(source.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_sync_takes_the_record_back_and_is_fatal_for_the_handle() {
        let temp = tempfile::tempdir().expect("tempdir");
        let mut journal = Journal::open(temp.path()).expect("open");
        let first = journal.append(Time::UNIX_EPOCH, "note", &json!({"n": 1})).expect("append");
        journal.sync = |_| Err(io::Error::from_raw_os_error(libc::EIO));
        let error = journal.append(Time::UNIX_EPOCH, "note", &json!({"n": 2})).expect_err("not synced");
        assert!(matches!(error, JournalError::NotSynced { .. }), "{error}");
        // The disk is well again, the handle is not.
        journal.sync = File::sync_data;
        let error = journal.append(Time::UNIX_EPOCH, "note", &json!({"n": 3})).expect_err("closed");
        assert!(matches!(error, JournalError::ReadOnly { reason: ReadOnly::NotSynced, .. }), "{error}");
        let verification = verify(temp.path());
        assert_eq!((verification.ok, verification.head), (true, Some(first)), "{:?}", verification.reason);
    }

    #[test]
    fn a_record_is_acknowledged_after_its_sync_and_not_before() {
        let temp = tempfile::tempdir().expect("tempdir");
        let mut journal = Journal::open(temp.path()).expect("open");
        // At the sync the whole record is in the file, so nothing is written behind it.
        journal.sync = |file| {
            let length = file.metadata()?.len();
            let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
            std::os::unix::fs::FileExt::read_exact_at(file, &mut bytes, 0)?;
            if bytes.ends_with(b"\"}\n") {
                file.sync_data()
            } else {
                Err(io::Error::other("the record is not complete"))
            }
        };
        for n in 0..3 {
            journal.append(Time::UNIX_EPOCH, "note", &json!({ "n": n })).expect("synced");
        }
    }
}

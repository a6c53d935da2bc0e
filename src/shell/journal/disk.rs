//! What the journal asks of a disk, and the one disk that is built in: a private file. The journal's own logic (what is
//! read under the lock, what is synced before it is told, what is cut off) stands above this trait, so that tests run the
//! same logic on disks that fail. It decides nothing.
//!
//! ```text
//! Journal::on(disk) -> Result<Journal<D>, JournalError>     opens and verifies whatever the disk holds
//! journal::read_and_verify_on(&disk) -> (Vec<Record>, Verification)
//! journal::verify_on(&disk, Some(&Anchor::from(&head))) -> Verification, against a head that was kept elsewhere
//! ```

use std::fs::{self, File};
use std::io::{self, BufReader, Read, Write as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use crate::death;
use crate::domain::clean::Clean;
use crate::shell::private::{self, PrivacyError};

/// Whether the name of the journal still leads to what is open.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Named {
    /// To what is open.
    Ours,
    /// To something else.
    Another,
    /// To nothing.
    Nothing,
}

/// A file of bytes that several writers share. A value is one open handle on it.
pub trait Disk {
    /// What it is called in messages.
    fn place(&self) -> Clean;
    /// Waits for the lock that excludes every other handle, also one of this process.
    fn lock(&self) -> io::Result<()>;
    /// Waits for a lock that excludes writers.
    fn lock_shared(&self) -> io::Result<()>;
    /// Gives back either lock. A handle that is dropped gives it back, too.
    fn unlock(&self) -> io::Result<()>;
    /// Bytes in it.
    fn length(&self) -> io::Result<u64>;
    /// Where its name leads.
    fn named(&self) -> io::Result<Named>;
    /// Reads from a place; 0 at the end, fewer bytes than asked for at any time.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;
    /// Writes at the end. After an error any beginning of the bytes may be there.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Cuts off what stands behind `length`.
    fn cut(&mut self, length: u64) -> io::Result<()>;
    /// Returns when all that was written and cut off would survive a loss of power.
    fn sync(&mut self) -> io::Result<()>;
    /// Keeps a copy under a name of its own beside the journal, in the place of one that is there, and returns when it
    /// would survive a loss of power.
    fn keep_beside(&mut self, name: &str, bytes: &[u8]) -> io::Result<()>;
}

/// The journal as a private file. The lock is `flock` on this handle's own descriptor.
#[derive(Debug)]
pub struct PrivateFile {
    folder: PathBuf,
    path: PathBuf,
    file: File,
}

impl PrivateFile {
    /// The file `name` of this private folder, to read and to append. `Err` in the second place: it may be read only, and
    /// why.
    pub(super) fn open(dir: &Path, name: &str) -> Result<(Self, Result<(), PrivacyError>), PrivacyError> {
        let folder = private::folder(dir)?;
        let path = folder.join(name);
        match private::append(&path) {
            Ok(file) => {
                private::sync_folder(&folder)?;
                Ok((Self { folder, path, file }, Ok(())))
            }
            Err(error) if path.exists() && is_refusal(&error) => {
                let file = private::read(&path)?;
                Ok((Self { folder, path, file }, Err(error)))
            }
            Err(error) => Err(error),
        }
    }

    /// The same to read, in a folder of anybody's; nothing is created.
    pub(super) fn reading(dir: &Path, name: &str) -> Result<Self, PrivacyError> {
        let path = dir.join(name);
        Ok(Self { folder: dir.to_owned(), file: private::read(&path)?, path })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }
}

fn is_refusal(error: &PrivacyError) -> bool {
    matches!(error, PrivacyError::Io { source, .. }
        if matches!(source.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem))
}

impl Disk for PrivateFile {
    fn place(&self) -> Clean {
        private::place(&self.path)
    }

    fn lock(&self) -> io::Result<()> {
        private::lock(&self.file)?;
        death::point("journal.locked");
        Ok(())
    }

    fn lock_shared(&self) -> io::Result<()> {
        private::lock_shared(&self.file)
    }

    fn unlock(&self) -> io::Result<()> {
        self.file.unlock()
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    fn named(&self) -> io::Result<Named> {
        let ours = self.file.metadata()?;
        match fs::symlink_metadata(&self.path) {
            Ok(named) if (named.dev(), named.ino()) == (ours.dev(), ours.ino()) => Ok(Named::Ours),
            Ok(_) => Ok(Named::Another),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Named::Nothing),
            Err(error) => Err(error),
        }
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.file.read_at(buffer, offset)
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        death::point("journal.unwritten");
        self.file.write_all(bytes)?;
        death::point("journal.written");
        Ok(())
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.file.set_len(length)?;
        death::point("journal.cut");
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()?;
        death::point("journal.synced");
        Ok(())
    }

    fn keep_beside(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let copy = self.folder.join(name);
        // What a crash left of an earlier attempt may be incomplete.
        if let Err(error) = fs::remove_file(&copy)
            && error.kind() != io::ErrorKind::NotFound
        {
            return Err(error);
        }
        let mut file = private::create(&copy).map_err(system)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        private::sync_folder(&self.folder).map_err(system)?;
        death::point("journal.kept_beside");
        Ok(())
    }
}

/// What the operating system said, or else what we say ourselves.
fn system(error: PrivacyError) -> io::Error {
    match error {
        PrivacyError::Io { source, .. } => source,
        other => io::Error::other(other),
    }
}

/// A disk read from a place on.
struct From<'d, D> {
    disk: &'d D,
    offset: u64,
}

impl<D: Disk> Read for From<'_, D> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.disk.read_at(buffer, self.offset)?;
        self.offset += read as u64;
        Ok(read)
    }
}

/// The bytes of a disk from a place on.
pub(super) fn from<D: Disk>(disk: &D, offset: u64) -> impl io::BufRead {
    BufReader::with_capacity(1 << 16, From { disk, offset })
}

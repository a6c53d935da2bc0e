//! A disk in memory that several journals share: it forgets what was not synced when the power fails, and fails on order
//! otherwise. Its lock never waits, because whoever uses it does one thing at a time; two holders at once are told as an
//! error. Every call of every handle has a number, so that a test can let each of them fail in turn.

#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use goaround::domain::clean::Clean;
use goaround::shell::journal::{Disk, Named};

/// What goes wrong at one call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Trouble {
    /// The system says no. A write leaves this many bytes behind before it does.
    Error {
        /// As in `libc::ENOSPC`.
        errno: i32,
        /// Bytes of a write that are there all the same; `usize::MAX`: all of them.
        written: usize,
    },
    /// The process dies at this call: so far a write has come, and no later call of this handle does anything.
    Death {
        /// Bytes of a write that are there all the same.
        written: usize,
    },
}

#[derive(Default)]
struct Platter {
    /// What every process sees.
    cached: Vec<u8>,
    /// What a loss of power leaves at least, or instead.
    durable: Vec<u8>,
    /// Copies beside; they are kept at once.
    beside: BTreeMap<String, Vec<u8>>,
    gone: Option<Named>,
    /// The handle that holds the lock; shared locks are not told apart, because nobody waits.
    locked: Option<u64>,
    handles: u64,
    calls: u64,
    troubles: BTreeMap<u64, Trouble>,
    /// From now on, every write ends so that the file has at most these bytes.
    room: Option<(u64, i32)>,
    /// The call from which on nothing is done any more.
    end: Option<u64>,
    /// Names of calls that fail until further notice.
    failing: BTreeMap<&'static str, i32>,
    /// The names of all calls, in order.
    heard: Vec<&'static str>,
    /// Handles that were dead or open when the power failed.
    dead: Vec<u64>,
}

/// The disk.
#[derive(Clone, Default)]
pub struct Shared(Arc<Mutex<Platter>>);

impl Shared {
    pub fn new() -> Self {
        Self::default()
    }

    /// A disk on which this is, and stays whatever happens.
    pub fn holding(bytes: &[u8]) -> Self {
        let disk = Self::default();
        disk.inner().cached = bytes.to_vec();
        disk.inner().durable = bytes.to_vec();
        disk
    }

    fn inner(&self) -> MutexGuard<'_, Platter> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens the file once more.
    pub fn handle(&self) -> Handle {
        let mut inner = self.inner();
        inner.handles += 1;
        Handle { disk: self.clone(), id: inner.handles }
    }

    /// What every process sees.
    pub fn bytes(&self) -> Vec<u8> {
        self.inner().cached.clone()
    }

    /// What is on the disk for certain.
    pub fn durable(&self) -> Vec<u8> {
        self.inner().durable.clone()
    }

    /// Files beside the journal.
    pub fn beside(&self) -> BTreeMap<String, Vec<u8>> {
        self.inner().beside.clone()
    }

    /// Replaces what is there, behind everybody's back.
    pub fn put(&self, bytes: &[u8]) {
        let mut inner = self.inner();
        inner.cached = bytes.to_vec();
        inner.durable = bytes.to_vec();
    }

    /// The name leads elsewhere from now on.
    pub fn rename(&self, named: Named) {
        self.inner().gone = Some(named);
    }

    /// Calls so far, of all handles: the number of the next one.
    pub fn calls(&self) -> u64 {
        self.inner().calls
    }

    /// The names of all calls so far, in order.
    pub fn heard(&self) -> Vec<&'static str> {
        self.inner().heard.clone()
    }

    /// Lets the call with this number go wrong.
    pub fn trouble(&self, call: u64, trouble: Trouble) {
        self.inner().troubles.insert(call, trouble);
    }

    /// From the call with this number on, nothing is done for anybody, until `power_fails`.
    pub fn ends_at(&self, call: u64) {
        self.inner().end = Some(call);
    }

    /// The file grows up to this length and not further: ENOSPC, EDQUOT, EFBIG.
    pub fn room(&self, room: Option<(u64, i32)>) {
        self.inner().room = room;
    }

    /// All calls of this name (`append`, `sync`, `read_at`, `cut`, `lock`, `keep_beside`) fail until further notice.
    pub fn failing(&self, call: &'static str, errno: Option<i32>) {
        match errno {
            Some(errno) => self.inner().failing.insert(call, errno),
            None => self.inner().failing.remove(call),
        };
    }

    /// How many different things a loss of power may leave now: `power_fails` takes the number of one of them.
    pub fn losses(&self) -> usize {
        let inner = self.inner();
        let common = common(&inner.durable, &inner.cached);
        let new = inner.cached.len() - common;
        // Every beginning of what is new; and the old end, where that was cut off without a sync.
        new + 1 + usize::from(inner.durable.len() > common)
    }

    /// The power fails: every handle is dead, and of what was not synced some beginning is left.
    pub fn power_fails(&self, which: usize) {
        let mut inner = self.inner();
        let kept = common(&inner.durable, &inner.cached) + which;
        inner.cached = match inner.cached.get(..kept) {
            Some(kept) => kept.to_vec(),
            None => inner.durable.clone(),
        };
        inner.durable = inner.cached.clone();
        inner.dead = (1..=inner.handles).collect();
        inner.locked = None;
        inner.troubles.clear();
        inner.end = None;
    }
}

fn common(one: &[u8], other: &[u8]) -> usize {
    one.iter().zip(other).take_while(|(a, b)| a == b).count()
}

/// One open handle.
pub struct Handle {
    disk: Shared,
    id: u64,
}

impl Handle {
    /// This process is killed: its handle does nothing more, and holds no lock.
    pub fn die(&self) {
        self.died(&mut self.disk.inner());
    }

    fn died(&self, inner: &mut Platter) {
        inner.dead.push(self.id);
        if inner.locked == Some(self.id) {
            inner.locked = None;
        }
    }

    /// The disk, if this call is to be done; and how many bytes of a write, with the error after them.
    fn call(&self, name: &'static str) -> Result<MutexGuard<'_, Platter>, (usize, io::Error)> {
        let mut inner = self.disk.inner();
        let no = |errno| io::Error::from_raw_os_error(errno);
        if inner.dead.contains(&self.id) || inner.end.is_some_and(|end| inner.calls >= end) {
            return Err((0, no(libc::EIO)));
        }
        let number = inner.calls;
        inner.calls += 1;
        inner.heard.push(name);
        if let Some(errno) = inner.failing.get(name) {
            return Err((0, no(*errno)));
        }
        match inner.troubles.remove(&number) {
            None => Ok(inner),
            Some(Trouble::Error { errno, written }) => Err((written, no(errno))),
            Some(Trouble::Death { written }) => {
                self.died(&mut inner);
                Err((written, no(libc::EIO)))
            }
        }
    }

    fn done(&self, name: &'static str) -> io::Result<MutexGuard<'_, Platter>> {
        self.call(name).map_err(|(_, error)| error)
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        let mut inner = self.disk.inner();
        if inner.locked == Some(self.id) {
            inner.locked = None;
        }
    }
}

impl Disk for Handle {
    fn place(&self) -> Clean {
        "disk in memory".into()
    }

    fn lock(&self) -> io::Result<()> {
        let mut inner = self.done("lock")?;
        if inner.locked.is_some_and(|holder| holder != self.id) {
            return Err(io::Error::from(io::ErrorKind::Deadlock));
        }
        inner.locked = Some(self.id);
        Ok(())
    }

    fn lock_shared(&self) -> io::Result<()> {
        self.done("lock_shared").map(drop)
    }

    fn unlock(&self) -> io::Result<()> {
        let mut inner = self.done("unlock")?;
        inner.locked = inner.locked.filter(|holder| *holder != self.id);
        Ok(())
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.done("length")?.cached.len() as u64)
    }

    fn named(&self) -> io::Result<Named> {
        Ok(self.done("named")?.gone.unwrap_or(Named::Ours))
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let inner = self.done("read_at")?;
        let offset = usize::try_from(offset).expect("a small file");
        let rest = inner.cached.get(offset..).unwrap_or_default();
        let read = rest.len().min(buffer.len());
        buffer[..read].copy_from_slice(&rest[..read]);
        Ok(read)
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let (mut inner, most, mut error) = match self.call("append") {
            Ok(inner) => (inner, bytes.len(), None),
            Err((written, error)) => (self.disk.inner(), written.min(bytes.len()), Some(error)),
        };
        let mut written = most;
        if let Some((room, errno)) = inner.room {
            let left = usize::try_from(room).expect("small").saturating_sub(inner.cached.len());
            if written > left {
                written = left;
                error = Some(io::Error::from_raw_os_error(errno));
            }
        }
        inner.cached.extend_from_slice(&bytes[..written]);
        error.map_or(Ok(()), Err)
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        let mut inner = self.done("cut")?;
        inner.cached.truncate(usize::try_from(length).expect("a small file"));
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut inner = self.done("sync")?;
        inner.durable = inner.cached.clone();
        Ok(())
    }

    fn keep_beside(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let mut inner = self.done("keep_beside")?;
        inner.beside.insert(name.to_owned(), bytes.to_vec());
        Ok(())
    }
}

//! Earlier content of ConfigMaps, so that a `restore_config` can put back what was really served. The caller keeps the
//! ConfigMaps of matched workloads only; this store keeps nothing but `data` and `binaryData`, for 30 days after it was
//! last seen and 64 MiB in all, readable by its owner alone. A damaged version is left out and reported, never repaired.
//!
//! One file per version, named `<object>-<version>-<last seen, ms>.json`, so that age and size are known without
//! reading it. Its first line is `{"v":1,"sha256":"<of the second line>"}`, its second line the version. It is written
//! beside, synced and renamed, under a lock that all processes share.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::Time;
use crate::domain::clean::Clean;
use crate::shell::private::{self, PrivacyError, place};
use crate::shell::sha256;

/// How long a version is kept after it was last seen, in days.
pub const KEPT_DAYS: i64 = 30;
/// The most that is kept, in bytes of files.
pub const CAP: u64 = 64 << 20;
/// The version of the file format that this program reads and writes.
pub const VERSION: u64 = 1;

const LOCK: &str = "content.lock";
const BESIDE: &str = ".new-";

/// Which ConfigMap. The cluster is its id (contract: uid of kube-system), not the name of a context.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ConfigMap<'a> {
    /// The id of the cluster.
    pub cluster: &'a str,
    /// The namespace.
    pub namespace: &'a str,
    /// The name.
    pub name: &'a str,
}

impl ConfigMap<'_> {
    fn key(&self) -> String {
        key(&[self.cluster, self.namespace, self.name])
    }
}

/// One content of one ConfigMap.
#[derive(Clone, PartialEq, Debug)]
pub struct Version {
    /// The uid of the object that had it: a ConfigMap created anew under the same name has another one.
    pub uid: String,
    /// The digest under which it was kept.
    pub digest: String,
    /// `{"data":{..},"binaryData":{..}}`, the server's own JSON; raw text, `Clean` where it is shown.
    pub data: Value,
    /// When it was seen first, in milliseconds.
    pub first_seen: Time,
    /// When it was seen last; it may have been away in between.
    pub last_seen: Time,
}

/// A file that holds no version.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Damaged {
    /// Its name in the folder of the store.
    pub file: Clean,
    /// What is wrong with it.
    pub why: String,
}

/// What is known about one ConfigMap.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Found {
    /// The versions, the one seen last at the end.
    pub versions: Vec<Version>,
    /// What was left out.
    pub damaged: Vec<Damaged>,
}

/// Why the store cannot be used, or did not keep something.
#[derive(Debug, thiserror::Error)]
pub enum ContentError {
    /// The folder or a file is not private, or cannot be used at all.
    #[error(transparent)]
    Private(#[from] PrivacyError),
    /// The operating system said no. What was kept before stays.
    #[error("{doing} {place} failed: {source}; hint: {}", private::hint(source))]
    Io {
        /// What was tried, as in `writing`.
        doing: &'static str,
        /// The path.
        place: Clean,
        /// What the operating system said.
        source: io::Error,
    },
    /// This is not the content of a ConfigMap; a Secret must never be offered here.
    #[error(
        "the content of {namespace}/{name} was not kept: {why}; hint: this is an error in goaround, please report it"
    )]
    NotContent {
        /// The namespace.
        namespace: Clean,
        /// The name.
        name: Clean,
        /// What is wrong.
        why: &'static str,
    },
    /// A later version of goaround kept this content already, in a form that this one must not replace.
    #[error("{place} was written by a newer goaround; hint: use that one, or move the folder aside")]
    Future {
        /// The file.
        place: Clean,
    },
}

/// A folder of earlier contents. Several processes may use it at once.
#[derive(Clone, Debug)]
pub struct ContentStore {
    folder: PathBuf,
    cap: u64,
}

#[derive(Serialize, Deserialize)]
struct Seal {
    v: u64,
    #[serde(default)]
    sha256: String,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    cluster: String,
    namespace: String,
    name: String,
    uid: String,
    digest: String,
    first_seen: Time,
    last_seen: Time,
    data: Value,
}

/// A file of the store, as its name tells.
struct Entry {
    file: String,
    object: String,
    version: String,
    last_seen_ms: i64,
    bytes: u64,
}

enum Unreadable {
    /// Removed since it was listed: no damage.
    Gone,
    Future,
    Damaged(String),
}

impl ContentStore {
    /// Opens the store in this folder, which is created where missing (0700) and refused where not private.
    pub fn open(dir: &Path) -> Result<Self, ContentError> {
        let folder = private::folder(dir)?;
        private::append(&folder.join(LOCK))?;
        Ok(Self { folder, cap: CAP })
    }

    /// Keeps this content, or notes that it was seen again: one version per uid and digest. What was not seen for
    /// [`KEPT_DAYS`] before `seen` is removed, and the oldest is, until all fits. Returns when it is on the disk.
    pub fn keep(
        &self,
        of: ConfigMap<'_>,
        uid: &str,
        digest: &str,
        data: &Value,
        seen: Time,
    ) -> Result<(), ContentError> {
        let refused = |why| ContentError::NotContent {
            namespace: Clean::new(of.namespace),
            name: Clean::new(of.name),
            why,
        };
        if !is_content(data) {
            return Err(refused("it has other parts than `data` and `binaryData`"));
        }
        let seen = in_milliseconds(seen);
        let (object, version) = (of.key(), key(&[uid, digest]));
        self.locked(|| {
            let (same, mut others): (Vec<Entry>, Vec<Entry>) = self
                .entries()?
                .into_iter()
                .partition(|entry| entry.object == object && entry.version == version);
            let mut stored = Stored {
                cluster: of.cluster.to_owned(),
                namespace: of.namespace.to_owned(),
                name: of.name.to_owned(),
                uid: uid.to_owned(),
                digest: digest.to_owned(),
                first_seen: seen,
                last_seen: seen,
                data: data.clone(),
            };
            let unchanged = self.join_known(&mut stored, &same)?;
            self.remove_expired(&mut others, seen)?;
            if unchanged {
                return Ok(());
            }
            let bytes = sealed(&stored).ok_or_else(|| refused("it cannot be written as JSON"))?;
            if bytes.len() as u64 > self.cap {
                return Err(refused("it is larger than everything that may be kept"));
            }
            self.make_room(&mut others, bytes.len() as u64)?;
            let file = format!("{object}-{version}-{:015}.json", stored.last_seen.timestamp_millis());
            self.replace(&file, &bytes)?;
            for entry in same.iter().filter(|entry| entry.file != file) {
                self.remove(entry)?;
            }
            Ok(())
        })
    }

    /// Widens `stored` by what its own files say; true when one of them says it all already.
    fn join_known(&self, stored: &mut Stored, same: &[Entry]) -> Result<bool, ContentError> {
        let mut unchanged = false;
        for entry in same {
            match self.load(entry) {
                Ok(known) => {
                    stored.first_seen = stored.first_seen.min(known.first_seen);
                    stored.last_seen = stored.last_seen.max(known.last_seen);
                    unchanged = same.len() == 1
                        && (stored.first_seen, stored.last_seen) == (known.first_seen, known.last_seen);
                }
                Err(Unreadable::Future) => {
                    let place = place(&self.folder.join(&entry.file));
                    return Err(ContentError::Future { place });
                }
                // To be replaced by what is known to be right.
                Err(Unreadable::Gone | Unreadable::Damaged(_)) => {}
            }
        }
        Ok(unchanged)
    }

    /// What was seen of this ConfigMap.
    pub fn versions(&self, of: ConfigMap<'_>) -> Result<Found, ContentError> {
        let object = of.key();
        let mut found = Found::default();
        // Not under the lock: a file is replaced as a whole, and one that goes away meanwhile was to be removed.
        for entry in self.entries()?.iter().filter(|entry| entry.object == object) {
            match self.load(entry) {
                Ok(stored) => found.add(stored),
                Err(Unreadable::Gone) => {}
                Err(Unreadable::Future) => found.leave_out(entry, "written by a newer goaround".to_owned()),
                Err(Unreadable::Damaged(why)) => found.leave_out(entry, why),
            }
        }
        found.versions.sort_by(|a, b| {
            (a.last_seen, a.first_seen, &a.digest).cmp(&(b.last_seen, b.first_seen, &b.digest))
        });
        Ok(found)
    }

    /// Removes what was not seen for [`KEPT_DAYS`] before `now`. To be called once at start, because `keep` alone
    /// would leave the last contents lying there when nothing is matched any more.
    pub fn expire(&self, now: Time) -> Result<(), ContentError> {
        self.locked(|| self.remove_expired(&mut self.entries()?, now))
    }

    fn locked<T>(&self, work: impl FnOnce() -> Result<T, ContentError>) -> Result<T, ContentError> {
        let path = self.folder.join(LOCK);
        loop {
            let lock = private::append(&path)?;
            private::lock(&lock).map_err(failed("locking", &path))?;
            let ours = lock.metadata().map_err(failed("looking at", &path))?;
            // Somebody may have removed the file between opening and locking; then others lock another one.
            match fs::symlink_metadata(&path) {
                Ok(named) if (named.dev(), named.ino()) == (ours.dev(), ours.ino()) => {
                    self.remove_unfinished()?;
                    return work();
                }
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(failed("looking at", &path)(error)),
            }
        }
    }

    fn names(&self) -> Result<Vec<String>, ContentError> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.folder).map_err(failed("listing", &self.folder))? {
            let entry = entry.map_err(failed("listing", &self.folder))?;
            // Our names are ASCII; others are not ours.
            names.extend(entry.file_name().into_string().ok());
        }
        names.sort();
        Ok(names)
    }

    fn entries(&self) -> Result<Vec<Entry>, ContentError> {
        let mut entries = Vec::new();
        for name in self.names()? {
            let Ok(metadata) = fs::symlink_metadata(self.folder.join(&name)) else {
                continue;
            };
            entries.extend(Entry::named(name, metadata.len()));
        }
        Ok(entries)
    }

    /// Files beside are written under the lock only, so under the lock they are leftovers of a crash.
    fn remove_unfinished(&self) -> Result<(), ContentError> {
        for name in self.names()?.iter().filter(|name| name.starts_with(BESIDE)) {
            self.remove_named(name)?;
        }
        Ok(())
    }

    fn remove_expired(&self, entries: &mut Vec<Entry>, now: Time) -> Result<(), ContentError> {
        let oldest = now.timestamp_millis() - chrono::TimeDelta::days(KEPT_DAYS).num_milliseconds();
        for entry in entries.extract_if(.., |entry| entry.last_seen_ms < oldest) {
            self.remove(&entry)?;
        }
        Ok(())
    }

    fn make_room(&self, entries: &mut [Entry], needed: u64) -> Result<(), ContentError> {
        entries.sort_by_key(|entry| entry.last_seen_ms);
        let mut total = entries.iter().map(|entry| entry.bytes).sum::<u64>() + needed;
        for entry in entries {
            if total <= self.cap {
                break;
            }
            self.remove(entry)?;
            total -= entry.bytes;
        }
        Ok(())
    }

    fn remove(&self, entry: &Entry) -> Result<(), ContentError> {
        self.remove_named(&entry.file)
    }

    fn remove_named(&self, name: &str) -> Result<(), ContentError> {
        let path = self.folder.join(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("removing", &path)(error)),
            _ => Ok(()),
        }
    }

    fn replace(&self, name: &str, bytes: &[u8]) -> Result<(), ContentError> {
        let beside = self.folder.join(format!("{BESIDE}{name}"));
        let written = private::create(&beside)?;
        let finish = |mut file: File| {
            file.write_all(bytes)?;
            file.sync_all()?;
            fs::rename(&beside, self.folder.join(name))
        };
        if let Err(error) = finish(written) {
            // If it stays, the next writer removes it.
            let _ = fs::remove_file(&beside);
            return Err(failed("writing", &self.folder.join(name))(error));
        }
        Ok(private::sync_folder(&self.folder)?)
    }

    fn load(&self, entry: &Entry) -> Result<Stored, Unreadable> {
        let damaged = |why: &str| Unreadable::Damaged(why.to_owned());
        let mut bytes = Vec::new();
        let file = match private::read(&self.folder.join(&entry.file)) {
            Ok(file) => file,
            Err(PrivacyError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                return Err(Unreadable::Gone);
            }
            Err(error) => return Err(Unreadable::Damaged(error.to_string())),
        };
        file.take(CAP).read_to_end(&mut bytes).map_err(|error| Unreadable::Damaged(error.to_string()))?;
        let mut lines = bytes.splitn(2, |byte| *byte == b'\n');
        let seal: Seal = lines
            .next()
            .and_then(|line| serde_json::from_slice(line).ok())
            .ok_or_else(|| damaged("its first line is damaged"))?;
        if seal.v > VERSION {
            return Err(Unreadable::Future);
        }
        let body = lines
            .next()
            .and_then(|rest| rest.strip_suffix(b"\n"))
            .ok_or_else(|| damaged("its end is missing"))?;
        if seal.v != VERSION || sha256::hex(&[body]) != seal.sha256 {
            return Err(damaged("its bytes do not have the hash that it states"));
        }
        let stored: Stored =
            serde_json::from_slice(body).map_err(|_| damaged("its second line is not a version"))?;
        if stored.belongs_to(entry) {
            Ok(stored)
        } else {
            Err(damaged("it was renamed: its name is not the one of its content"))
        }
    }
}

impl Found {
    /// A crash between writing the new file and removing the old one leaves two of the same version.
    fn add(&mut self, stored: Stored) {
        let same = |version: &&mut Version| version.uid == stored.uid && version.digest == stored.digest;
        if let Some(version) = self.versions.iter_mut().find(same) {
            version.first_seen = version.first_seen.min(stored.first_seen);
            version.last_seen = version.last_seen.max(stored.last_seen);
            return;
        }
        self.versions.push(Version {
            uid: stored.uid,
            digest: stored.digest,
            data: stored.data,
            first_seen: stored.first_seen,
            last_seen: stored.last_seen,
        });
    }

    fn leave_out(&mut self, entry: &Entry, why: String) {
        self.damaged.push(Damaged { file: Clean::new(&entry.file), why });
    }
}

impl Stored {
    fn belongs_to(&self, entry: &Entry) -> bool {
        key(&[&self.cluster, &self.namespace, &self.name]) == entry.object
            && key(&[&self.uid, &self.digest]) == entry.version
            && self.last_seen.timestamp_millis() == entry.last_seen_ms
    }
}

impl Entry {
    fn named(file: String, bytes: u64) -> Option<Self> {
        let is_key = |part: &&str| {
            part.len() == KEY_LEN && part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
        };
        let mut parts = file.strip_suffix(".json")?.split('-');
        let object = parts.next().filter(is_key)?.to_owned();
        let version = parts.next().filter(is_key)?.to_owned();
        let last_seen_ms = parts.next()?.parse().ok()?;
        parts.next().is_none().then_some(Self { file, object, version, last_seen_ms, bytes })
    }
}

const KEY_LEN: usize = 32;

/// A short name for a list of texts; each is preceded by its length, so that `a, bc` is not `ab, c`.
fn key(texts: &[&str]) -> String {
    let joined: String = texts.iter().map(|text| format!("{}:{text}", text.len())).collect();
    let mut key = sha256::hex(&[joined.as_bytes()]);
    key.truncate(KEY_LEN);
    key
}

/// Files know milliseconds, and no time before 1970.
fn in_milliseconds(time: Time) -> Time {
    Time::from_timestamp_millis(time.timestamp_millis().max(0)).unwrap_or(time)
}

fn sealed(stored: &Stored) -> Option<Vec<u8>> {
    let body = serde_json::to_vec(stored).ok()?;
    let seal = Seal { v: VERSION, sha256: sha256::hex(&[&body]) };
    Some([&serde_json::to_vec(&seal).ok()?, &b"\n"[..], &body, b"\n"].concat())
}

fn is_content(data: &Value) -> bool {
    let texts = |part: &Value| {
        part.is_null() || part.as_object().is_some_and(|part| part.values().all(Value::is_string))
    };
    data.as_object().is_some_and(|parts| {
        parts.iter().all(|(name, part)| matches!(name.as_str(), "data" | "binaryData") && texts(part))
    })
}

fn failed<'a>(doing: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> ContentError + 'a {
    move |source| ContentError::Io { doing, place: place(path), source }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const OF: ConfigMap<'static> = ConfigMap { cluster: "c", namespace: "shop", name: "gateway" };

    fn size(folder: &Path) -> u64 {
        fs::read_dir(folder)
            .expect("list")
            .map(|entry| entry.expect("entry").metadata().expect("metadata").len())
            .sum()
    }

    #[test]
    fn above_the_cap_what_was_seen_longest_ago_goes_first() {
        assert_eq!(CAP, 64 * 1_024 * 1_024);
        let temp = tempfile::tempdir().expect("tempdir");
        let mut store = ContentStore::open(temp.path()).expect("open");
        store.cap = 10_000;
        let text = "x".repeat(2_500);
        let keep = |n: i64, digest: &str| {
            let seen = Time::UNIX_EPOCH + chrono::TimeDelta::seconds(n);
            store.keep(OF, "uid", digest, &json!({"data": {"n": text}}), seen).expect("keep");
            assert!(size(temp.path()) <= 10_000);
        };
        for (n, digest) in ["a", "b", "c", "a", "d", "e"].iter().enumerate() {
            keep(n as i64, digest);
        }
        // `a` was seen again after `c`, so `b` and `c` were the oldest.
        let found = store.versions(OF).expect("versions");
        let digests: Vec<&str> = found.versions.iter().map(|version| version.digest.as_str()).collect();
        assert_eq!(digests, ["a", "d", "e"]);

        let too_much = json!({"data": {"n": "x".repeat(10_000)}});
        let error = store.keep(OF, "uid", "f", &too_much, Time::UNIX_EPOCH).expect_err("refused");
        assert!(matches!(error, ContentError::NotContent { .. }), "{error}");
        assert_eq!(store.versions(OF).expect("versions").versions.len(), 3);
    }

    #[test]
    fn names_that_run_together_are_not_the_same_object() {
        assert_ne!(key(&["a", "bc"]), key(&["ab", "c"]));
        assert_ne!(key(&["a", "b"]), key(&["a", "b", ""]));
    }
}

//! Folders and files that belong to one person: created 0700 and 0600, never opened through a symbolic link, refused
//! when somebody else owns them or when anybody may write there. It refuses and says why; it never repairs rights,
//! because a folder that was open to others may already hold what others put there.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::domain::clean::Clean;

/// Anybody may write.
const WORLD_WRITABLE: u32 = 0o002;
/// In a sticky folder (`/tmp`) only the owner of an entry may rename or remove it.
const STICKY: u32 = 0o1000;

/// Why a folder or a file is not private enough, or could not be used at all.
#[derive(Debug, thiserror::Error)]
pub enum PrivacyError {
    /// The last part of the path is a symbolic link.
    #[error(
        "{place} is a symbolic link; hint: name the real folder or file, goaround follows no links to its state"
    )]
    Link {
        /// The path.
        place: Clean,
    },
    /// Something else stands where a folder or a regular file is needed.
    #[error("{place} is not a {wanted}; hint: move it aside")]
    WrongType {
        /// The path.
        place: Clean,
        /// `folder` or `regular file`.
        wanted: &'static str,
    },
    /// Another user owns it.
    #[error(
        "{place} belongs to user id {owner}, this program runs as {own}; hint: run as the owner, or choose another \
         folder with GOAROUND_STATE_DIR"
    )]
    OtherOwner {
        /// The path.
        place: Clean,
        /// Who owns it.
        owner: u32,
        /// Who we are.
        own: u32,
    },
    /// Everybody may write to it.
    #[error("everybody may write to {place}; hint: `chmod o-w` it, after a look at what is in there")]
    WorldWritable {
        /// The path: the folder, the file, or one of the folders above.
        place: Clean,
    },
    /// The operating system said no.
    #[error("{doing} {place} failed: {source}; hint: {}", hint(source))]
    Io {
        /// What was tried, as in `creating`.
        doing: &'static str,
        /// The path.
        place: Clean,
        /// What the operating system said.
        source: io::Error,
    },
}

/// What a person can do about an error of the operating system.
pub(crate) fn hint(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            "make room on that file system, or raise the limit"
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "choose a folder that you may write to with GOAROUND_STATE_DIR"
        }
        _ => "look at the file system, or choose another folder with GOAROUND_STATE_DIR",
    }
}

/// A path as it may be printed.
pub(crate) fn place(path: &Path) -> Clean {
    Clean::new(path.to_string_lossy())
}

fn failed<'a>(doing: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> PrivacyError + 'a {
    move |source| PrivacyError::Io { doing, place: place(path), source }
}

/// Creates the folder if it is missing (0700, and so are the missing ones above it), then refuses it unless it is
/// private. Returns the path without a trailing slash, which would make the system follow a link.
pub fn folder(path: &Path) -> Result<PathBuf, PrivacyError> {
    let path: PathBuf = std::path::absolute(path).map_err(failed("resolving", path))?.components().collect();
    if let Err(error) = fs::symlink_metadata(&path) {
        if error.kind() != io::ErrorKind::NotFound {
            return Err(failed("looking at", &path)(error));
        }
        DirBuilder::new().recursive(true).mode(0o700).create(&path).map_err(failed("creating", &path))?;
        if let Some(parent) = path.parent() {
            sync_folder(parent)?;
        }
    }
    let metadata = fs::symlink_metadata(&path).map_err(failed("looking at", &path))?;
    if metadata.is_symlink() {
        return Err(PrivacyError::Link { place: place(&path) });
    }
    if !metadata.is_dir() {
        return Err(PrivacyError::WrongType { place: place(&path), wanted: "folder" });
    }
    owned(&path, &metadata, &path)?;
    parents(&path)?;
    Ok(path)
}

/// Whoever may write to a folder above may replace ours by his own.
fn parents(path: &Path) -> Result<(), PrivacyError> {
    let real = fs::canonicalize(path).map_err(failed("resolving", path))?;
    real.parent().map_or(Ok(()), trusted)
}

/// Neither this real folder nor one above it lets everybody replace what is in it.
fn trusted(real: &Path) -> Result<(), PrivacyError> {
    for parent in real.ancestors() {
        let mode = fs::metadata(parent).map_err(failed("looking at", parent))?.mode();
        if mode & WORLD_WRITABLE != 0 && mode & STICKY == 0 {
            return Err(PrivacyError::WorldWritable { place: place(parent) });
        }
    }
    Ok(())
}

fn owned(path: &Path, metadata: &Metadata, folder: &Path) -> Result<(), PrivacyError> {
    if metadata.mode() & WORLD_WRITABLE != 0 {
        return Err(PrivacyError::WorldWritable { place: place(path) });
    }
    let own = own_user(folder)?;
    if metadata.uid() != own {
        return Err(PrivacyError::OtherOwner { place: place(path), owner: metadata.uid(), own });
    }
    Ok(())
}

/// The effective user id. There is no safe call for it in std; on Linux `/proc/self` belongs to it, elsewhere a new
/// file does.
fn own_user(folder: &Path) -> Result<u32, PrivacyError> {
    if let Ok(metadata) = fs::metadata("/proc/self") {
        return Ok(metadata.uid());
    }
    let probe = folder.join(format!(".owner-{}", ulid::Ulid::new()));
    let file = create(&probe)?;
    let owner = file.metadata().map_err(failed("looking at", &probe))?.uid();
    fs::remove_file(&probe).map_err(failed("removing", &probe))?;
    Ok(owner)
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    // Without O_NONBLOCK the opening of a planted pipe would wait for ever.
    options.mode(0o600).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
    options
}

fn opened(doing: &'static str, path: &Path, result: io::Result<File>) -> Result<File, PrivacyError> {
    let file = result.map_err(|error| {
        if error.raw_os_error() == Some(libc::ELOOP) {
            PrivacyError::Link { place: place(path) }
        } else {
            failed(doing, path)(error)
        }
    })?;
    let metadata = file.metadata().map_err(failed("looking at", path))?;
    if metadata.is_file() {
        Ok(file)
    } else {
        Err(PrivacyError::WrongType { place: place(path), wanted: "regular file" })
    }
}

/// Opens a file of a private folder for reading and appending, created 0600 where missing, and refuses it when
/// somebody else owns it or everybody may write to it.
pub fn append(path: &Path) -> Result<File, PrivacyError> {
    let file = opened("opening", path, options().read(true).append(true).create(true).open(path))?;
    let metadata = file.metadata().map_err(failed("looking at", path))?;
    owned(path, &metadata, path.parent().unwrap_or(path))?;
    Ok(file)
}

/// Opens a file for reading. Owner and rights are not looked at: an auditor reads a copy under his own name.
pub fn read(path: &Path) -> Result<File, PrivacyError> {
    opened("opening", path, options().read(true).open(path))
}

/// Creates a file that must not exist yet, 0600.
pub fn create(path: &Path) -> Result<File, PrivacyError> {
    opened("creating", path, options().write(true).create_new(true).open(path))
}

/// The same in a folder that is not ours, as a person named it: refused where everybody may put something else in its
/// place.
pub fn create_at(path: &Path) -> Result<File, PrivacyError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let real = fs::canonicalize(folder).map_err(failed("creating", path))?;
    trusted(&real)?;
    create(path)
}

/// Makes names created, renamed or removed in this folder survive a loss of power.
pub fn sync_folder(path: &Path) -> Result<(), PrivacyError> {
    File::open(path).and_then(|folder| folder.sync_all()).map_err(failed("syncing", path))
}

/// Waits for the exclusive lock on this descriptor (`flock`: two descriptors of one process exclude each other too,
/// which POSIX record locks do not).
pub(crate) fn lock(file: &File) -> io::Result<()> {
    uninterrupted(|| file.lock())
}

/// Waits for a shared lock on this descriptor.
pub(crate) fn lock_shared(file: &File) -> io::Result<()> {
    uninterrupted(|| file.lock_shared())
}

fn uninterrupted(mut call: impl FnMut() -> io::Result<()>) -> io::Result<()> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::symlink_metadata(path).expect("metadata").mode() & 0o7777
    }

    #[test]
    fn a_missing_folder_is_created_for_its_owner_alone_and_so_are_its_files() {
        let temp = tempfile::tempdir().expect("tempdir");
        let state = folder(&temp.path().join("a/b/")).expect("private");
        assert_eq!((mode(&state), mode(&temp.path().join("a"))), (0o700, 0o700));
        append(&state.join("one")).expect("append");
        create(&state.join("two")).expect("create");
        assert_eq!((mode(&state.join("one")), mode(&state.join("two"))), (0o600, 0o600));
    }

    #[test]
    fn a_linked_folder_is_refused_with_and_without_a_trailing_slash() {
        let temp = tempfile::tempdir().expect("tempdir");
        fs::create_dir(temp.path().join("real")).expect("mkdir");
        std::os::unix::fs::symlink("real", temp.path().join("link")).expect("symlink");
        for name in ["link", "link/", "link/."] {
            let error = folder(&temp.path().join(name)).expect_err(name);
            assert!(matches!(error, PrivacyError::Link { .. }), "{error}");
            assert!(error.to_string().contains("link") && error.to_string().contains("hint:"));
        }
    }

    #[test]
    fn a_folder_to_which_everybody_may_write_is_refused_and_so_is_one_below_it() {
        let temp = tempfile::tempdir().expect("tempdir");
        let open = temp.path().join("open");
        fs::create_dir_all(open.join("below")).expect("mkdir");
        fs::set_permissions(&open, fs::Permissions::from_mode(0o777)).expect("chmod");
        for path in [open.clone(), open.join("below")] {
            let error = folder(&path).expect_err("refused");
            assert!(matches!(error, PrivacyError::WorldWritable { .. }), "{error}");
        }
        fs::set_permissions(&open, fs::Permissions::from_mode(0o1777)).expect("chmod");
        folder(&open.join("below")).expect("a sticky parent, as /tmp, is no danger");
    }

    #[test]
    fn a_folder_of_somebody_else_is_refused() {
        let temp = tempfile::tempdir().expect("tempdir");
        // Root owns /usr; whoever is root gives a folder away instead.
        let foreign = if own_user(temp.path()).expect("own id") == 0 {
            std::os::unix::fs::chown(temp.path(), Some(65_534), None).expect("chown");
            temp.path().to_owned()
        } else {
            PathBuf::from("/usr")
        };
        let error = folder(&foreign).expect_err("refused");
        assert!(matches!(error, PrivacyError::OtherOwner { .. }), "{error}");
        assert!(error.to_string().contains("hint:"));
    }

    #[test]
    fn links_pipes_folders_and_files_open_to_everybody_are_not_opened() {
        let temp = tempfile::tempdir().expect("tempdir");
        let path = |name: &str| temp.path().join(name);
        fs::write(path("file"), "").expect("write");
        std::os::unix::fs::symlink("file", path("link")).expect("symlink");
        fs::create_dir(path("folder")).expect("mkdir");
        assert!(matches!(append(&path("link")), Err(PrivacyError::Link { .. })));
        assert!(matches!(read(&path("link")), Err(PrivacyError::Link { .. })));
        assert!(matches!(read(&path("folder")), Err(PrivacyError::WrongType { .. })));
        assert!(append(&path("folder")).is_err());
        assert!(create(&path("link")).is_err(), "a link is in the way");
        let pipe = std::process::Command::new("mkfifo").arg(path("pipe")).status().expect("mkfifo");
        assert!(pipe.success());
        assert!(matches!(read(&path("pipe")), Err(PrivacyError::WrongType { .. })));
        fs::set_permissions(path("file"), fs::Permissions::from_mode(0o666)).expect("chmod");
        assert!(matches!(append(&path("file")), Err(PrivacyError::WorldWritable { .. })));
    }

    #[test]
    fn a_folder_in_which_nobody_can_create_a_file_gives_what_where_and_hint() {
        let error = create(Path::new("/dev/null/x")).expect_err("refused").to_string();
        assert!(error.starts_with("creating /dev/null/x failed") && error.contains("hint:"), "{error}");
    }
}

//! `goaround config init`: a configuration file with every setting in it, commented out, each with its default and what it
//! is for. It never overwrites a file unless it is told to, and writes it for one person only.

use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use crate::domain::clean::Clean;

use super::config::FILE;
use super::private::{self, PrivacyError};

/// The file. `## ` begins a remark, `# ` a setting, `#or ` a setting that excludes the one before it.
pub const TEMPLATE: &str = include_str!("config/init.toml");

/// Why it was not written.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// There is one already.
    #[error("{0} exists; hint: --force replaces it, --stdout prints it instead")]
    Exists(Clean),
    /// The folder or the file is not one that only its owner can change.
    #[error(transparent)]
    Private(#[from] PrivacyError),
    /// The operating system said no.
    #[error("writing {place} failed: {source}; hint: {}", private::hint(source))]
    Io {
        /// The file.
        place: Clean,
        /// What it said.
        source: io::Error,
    },
}

/// Writes the file into `folder`, which is made where it is missing; returns where it is. A folder may be a link, as those
/// who keep their configuration elsewhere have it; what it leads to must be theirs alone. A file that is a link is not
/// replaced.
///
/// # Errors
/// When it exists and `force` is not given, is a link, or cannot be written.
pub fn write(folder: &Path, force: bool) -> Result<PathBuf, InitError> {
    let path = folder.join(FILE);
    let failed = |source: io::Error| InitError::Io { place: private::place(&path), source };
    private::folder(&std::fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned()))?;
    if std::fs::symlink_metadata(&path).is_ok_and(|found| found.is_symlink()) {
        return Err(PrivacyError::Link { place: private::place(&path) }.into());
    }
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    if !force {
        let opened = options.open(&path);
        let mut file = opened.map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => InitError::Exists(private::place(&path)),
            _ => failed(error),
        })?;
        file.write_all(TEMPLATE.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
        return Ok(path);
    }
    // Whole or not at all: what was there stays until the new one is on the disk.
    let beside = folder.join(format!("{FILE}.{}", std::process::id()));
    let written = options.open(&beside).and_then(|mut file| {
        file.write_all(TEMPLATE.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&beside, &path)
    });
    written.inspect_err(|_| drop(std::fs::remove_file(&beside))).map_err(failed)?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::config::Config;

    fn uncommented(kinds: &[&str], without: &[&str]) -> String {
        let setting = |line: &str| {
            let found = kinds.iter().find_map(|kind| line.strip_prefix(kind));
            found
                .filter(|rest| !without.iter().any(|key| rest.starts_with(&format!("{key} ="))))
                .map(str::to_owned)
        };
        TEMPLATE.lines().filter_map(setting).collect::<Vec<_>>().join("\n")
    }

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
        std::fs::create_dir(folder.path().join("slos")).expect("made");
        let copied = std::fs::copy(
            fixtures.join("config/sloth/getting-started.yml"),
            folder.path().join("slos/checkout.yaml"),
        );
        copied.expect("copied");
        for name in ["ca.pem", "prometheus.token", "prometheus.pass", "model.key"] {
            std::fs::write(folder.path().join(name), "x").expect("written");
        }
        folder
    }

    #[test]
    fn as_it_is_it_changes_nothing() {
        let file = Path::new(FILE);
        let defaults = Config::parse("", file, None).expect("nothing is a configuration");
        assert_eq!(Config::parse(TEMPLATE, file, None).expect("remarks only"), defaults);
        let other = TEMPLATE
            .lines()
            .find(|l| !l.is_empty() && !["## ", "# ", "#or "].iter().any(|kind| l.starts_with(kind)));
        assert_eq!(other, None, "neither a remark nor a setting");
    }

    #[test]
    fn it_parses_with_every_setting_taken_in() {
        let folder = folder();
        let file = folder.path().join(FILE);
        for (kinds, without) in
            [(&["# "][..], &[][..]), (&["# ", "#or "][..], &["bearer_file", "key_env"][..])]
        {
            let text = uncommented(kinds, without);
            let parsed = Config::parse(&text, &file, None);
            assert!(parsed.is_ok(), "{}\n{text}", parsed.err().map(|e| e.to_string()).unwrap_or_default());
        }
    }

    #[test]
    fn what_it_calls_a_default_is_one() {
        let folder = folder();
        let file = folder.path().join(FILE);
        let policy = uncommented(&["# "], &["freeze"]);
        let policy = &policy[policy.find("[policy]").expect("it")..policy.find("[gate]").expect("it")];
        let defaults = Config::parse("", &file, None).expect("the defaults");
        assert_eq!(Config::parse(policy, &file, None).expect("the policy").policy, defaults.policy);
    }

    #[test]
    fn it_is_written_once_for_one_person_and_replaced_only_by_force() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().expect("a folder");
        let below = folder.path().join("not/there/yet");
        let path = write(&below, false).expect("written");
        assert_eq!(std::fs::metadata(&path).expect("it").permissions().mode() & 0o777, 0o600);
        std::fs::write(&path, "prod_contexts = []\n").expect("edited");
        let refused = write(&below, false).expect_err("it exists").to_string();
        assert!(refused.contains("--force"), "{refused}");
        assert_eq!(std::fs::read_to_string(&path).expect("it"), "prod_contexts = []\n");
        write(&below, true).expect("replaced");
        assert_eq!(std::fs::read_to_string(&path).expect("it"), TEMPLATE);
        assert_eq!(std::fs::read_dir(&below).expect("it").count(), 1, "nothing is left beside it");
    }
}

//! Paths in the configuration: relative ones belong to the folder of the file that names them, not to the folder
//! in which goaround happens to be started.

use std::path::{Path, PathBuf};

use crate::domain::document::Entry;
use crate::domain::text_error::TextError;

/// The folder to which relative paths belong.
pub(super) struct Paths<'p>(&'p Path);

impl<'p> Paths<'p> {
    /// For the configuration `file`.
    pub(super) fn of(file: &'p Path) -> Self {
        Self(file.parent().unwrap_or(Path::new("")))
    }

    /// The path in `entry`; whether there is anything is found out when it is read.
    pub(super) fn named(&self, entry: &Entry<'_>) -> Result<PathBuf, TextError> {
        let text = entry.filled()?;
        if text.starts_with('~') {
            return Err(entry
                .error(format!("`{}` starts with `~`, expected a path", entry.key()))
                .hint("write it out; relative paths start at the folder of this file"));
        }
        Ok(self.0.join(text))
    }

    /// The path in `entry`, where a file must be.
    pub(super) fn existing(&self, entry: &Entry<'_>) -> Result<PathBuf, TextError> {
        let path = self.named(entry)?;
        let found = match std::fs::metadata(&path) {
            Ok(metadata) if metadata.is_file() => return Ok(path),
            Ok(_) => "it is no file".to_owned(),
            Err(error) => error.to_string(),
        };
        Err(entry
            .error(format!("`{}`: {} cannot be read ({found}), expected a file", entry.key(), path.display()))
            .hint("relative paths start at the folder of this file"))
    }
}

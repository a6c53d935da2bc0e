//! Reads `[ui]`, and finds the theme and the keymap that the configuration names: first in the folders `themes` and
//! `keymaps` of the configuration folder, then among those that are built in.

use std::path::Path;

use super::{ConfigError, Screen};
use crate::domain::document::{Entry, Table};
use crate::domain::text_error::{TextError, did_you_mean};
use crate::ui::keymap::{COMMANDS, DEFAULT, Keymap};
use crate::ui::theme::{DARK, Theme};

const SCREEN: [&str; 1] = ["mouse"];

/// The theme that `entry` names, or `dark`.
pub(super) fn theme(entry: Option<&Entry<'_>>, folder: Option<&Path>) -> Result<Theme, ConfigError> {
    let (source, file) = find(entry, "dark", DARK, folder.map(|folder| folder.join("themes")).as_deref())?;
    Ok(Theme::parse(&source, &file)?)
}

/// The keymap that `entry` names, or `default`.
pub(super) fn keymap(entry: Option<&Entry<'_>>, folder: Option<&Path>) -> Result<Keymap, ConfigError> {
    let keymaps = folder.map(|folder| folder.join("keymaps"));
    let (source, file) = find(entry, "default", DEFAULT, keymaps.as_deref())?;
    Ok(Keymap::parse(&source, &file, COMMANDS)?)
}

/// Reads `[ui]`.
pub(super) fn screen(table: &Table<'_>) -> Result<Screen, TextError> {
    table.only(&SCREEN)?;
    let mut screen = Screen::default();
    if let Some(entry) = table.get("mouse") {
        screen.mouse = entry.flag()?;
    }
    Ok(screen)
}

/// The text and the file name of what `entry` names.
fn find(
    entry: Option<&Entry<'_>>,
    built_in: &str,
    text: &str,
    folder: Option<&Path>,
) -> Result<(String, String), ConfigError> {
    let name = entry.map(plain_name).transpose()?.unwrap_or(built_in);
    let file = folder.map(|folder| folder.join(format!("{name}.toml")));
    // What cannot be asked for is read all the same, so that the reason is told.
    if let Some(file) = file.filter(|file| !matches!(file.try_exists(), Ok(false))) {
        return Ok((super::read(&file)?, file.display().to_string()));
    }
    match entry {
        Some(entry) if name != built_in => Err(unknown(entry, name, built_in, folder).into()),
        _ => Ok((text.to_owned(), format!("{built_in}.toml (built in)"))),
    }
}

fn plain_name<'d>(entry: &Entry<'d>) -> Result<&'d str, TextError> {
    let name = entry.filled()?;
    if name.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_')) {
        return Ok(name);
    }
    Err(entry.error(format!("`{}` is \"{name}\", expected a name, not a path", entry.key())))
}

fn unknown(entry: &Entry<'_>, name: &str, built_in: &str, folder: Option<&Path>) -> TextError {
    let mut names = vec![built_in.to_owned()];
    // What cannot be listed is no reason to fail: the names are only a hint.
    for file in folder.and_then(|folder| std::fs::read_dir(folder).ok()).into_iter().flatten().flatten() {
        let path = file.path();
        if let (Some(stem), Some("toml")) = (path.file_stem(), path.extension().and_then(|e| e.to_str())) {
            names.push(stem.to_string_lossy().into_owned());
        }
    }
    names.sort();
    names.dedup();
    let place =
        folder.map_or_else(String::new, |folder| format!(", or a file {name}.toml in {}", folder.display()));
    entry
        .error(format!("there is no {} `{name}`, expected one of: {}{place}", entry.key(), names.join(", ")))
        .maybe_hint(did_you_mean(name, names.iter().map(String::as_str)))
}

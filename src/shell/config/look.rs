//! `[ui]`: which theme and keymap, how goaround calls for attention, what the terminal can show. A theme or keymap is
//! looked for in the folders `themes` and `keymaps` of the configuration folder, then among those that are built in.

use std::path::Path;

use super::ConfigError;
use crate::domain::document::{Entry, Table};
use crate::domain::text_error::did_you_mean;
use crate::ui::keymap::{self, COMMANDS, Keymap};
use crate::ui::theme::{self, Theme};

/// The keys of `[ui]`.
const KEYS: [&str; 7] = ["theme", "keymap", "mouse", "bell", "notify", "choose_context", "ascii"];

/// `[ui]` of the configuration, but for theme and keymap themselves.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Screen {
    /// Whether the wheel scrolls and a click selects; terminals then select text with shift.
    pub mouse: bool,
    /// The terminal's bell calls for attention.
    pub bell: bool,
    /// A notification of the desktop does, where the terminal can ask for one.
    pub notify: bool,
    /// A context is asked for at the start when there are several and none is named.
    pub choose_context: bool,
    /// Nothing but ASCII is drawn; `None`: the environment says.
    pub ascii: Option<bool>,
    /// Where the theme comes from: a file, or that it is built in.
    pub theme: String,
    /// The same of the keymap.
    pub keymap: String,
}

/// What is looked for: its name in messages, its folder, what is taken without a word, and what is built in.
struct Kind {
    what: &'static str,
    folder: &'static str,
    default: &'static str,
    built_in: &'static [(&'static str, &'static str)],
}

const THEME: Kind = Kind { what: "theme", folder: "themes", default: "dark", built_in: theme::BUILT_IN };
const KEYMAP: Kind =
    Kind { what: "keymap", folder: "keymaps", default: "default", built_in: keymap::BUILT_IN };

/// A theme or keymap that was asked for by name on the command line, where there is no place to point at.
#[derive(Clone, Copy, Default, Debug)]
pub struct Asked<'a> {
    /// `--theme`.
    pub theme: Option<&'a str>,
    /// `--keymap`.
    pub keymap: Option<&'a str>,
}

/// Reads `[ui]`.
pub(super) fn read(
    table: Option<&Table<'_>>,
    folder: Option<&Path>,
) -> Result<(Theme, Keymap, Screen), ConfigError> {
    if let Some(table) = table {
        table.only(&KEYS)?;
    }
    let get = |key: &str| table.and_then(|table| table.get(key));
    let flag = |key: &str| get(key).map_or(Ok(true), |entry| entry.flag());
    let choose = get("choose_context").map(|entry| entry.one_of(&["ask", "current"])).transpose()?;
    let (theme, theme_from) = find(get("theme").as_ref(), &THEME, folder)?;
    let (keymap, keymap_from) = find(get("keymap").as_ref(), &KEYMAP, folder)?;
    let screen = Screen {
        mouse: flag("mouse")?,
        bell: flag("bell")?,
        notify: flag("notify")?,
        choose_context: choose != Some("current"),
        ascii: get("ascii").map(|entry| entry.flag()).transpose()?,
        theme: theme_from.clone(),
        keymap: keymap_from.clone(),
    };
    Ok((Theme::parse(&theme, &theme_from)?, Keymap::parse(&keymap, &keymap_from, COMMANDS)?, screen))
}

impl super::Config {
    /// Takes the theme and the keymap that were named on the command line.
    ///
    /// # Errors
    /// When there is none of that name, or its file is not whole.
    pub fn ask(&mut self, asked: Asked<'_>, folder: Option<&Path>) -> Result<(), ConfigError> {
        if let Some(name) = asked.theme {
            let (text, from) = named(name, &THEME, folder)?;
            self.theme = Theme::parse(&text, &from)?;
            self.ui.theme = from;
        }
        if let Some(name) = asked.keymap {
            let (text, from) = named(name, &KEYMAP, folder)?;
            self.keymap = Keymap::parse(&text, &from, COMMANDS)?;
            self.ui.keymap = from;
        }
        Ok(())
    }
}

/// The text of what `entry` names, and where it comes from.
fn find(
    entry: Option<&Entry<'_>>,
    kind: &Kind,
    folder: Option<&Path>,
) -> Result<(String, String), ConfigError> {
    let name = entry.map(Entry::filled).transpose()?.unwrap_or(kind.default);
    match (look_up(name, kind, folder), entry) {
        (Err(Missing::Unreadable(error)), _) => Err(error),
        (Err(Missing::NoName(why)), Some(entry)) => Err(entry.error(why).into()),
        (Err(Missing::Unknown(why, hint)), Some(entry)) => Err(entry.error(why).maybe_hint(hint).into()),
        (Err(Missing::NoName(why) | Missing::Unknown(why, _)), None) => Err(ConfigError::Asked(why)),
        (Ok(found), _) => Ok(found),
    }
}

/// The same for a name on the command line.
fn named(name: &str, kind: &Kind, folder: Option<&Path>) -> Result<(String, String), ConfigError> {
    look_up(name, kind, folder).map_err(|missing| match missing {
        Missing::Unreadable(error) => error,
        Missing::NoName(why) => ConfigError::Asked(why),
        Missing::Unknown(why, hint) => {
            ConfigError::Asked(hint.map_or(why.clone(), |hint| format!("{why}\nhint: {hint}")))
        }
    })
}

/// Why there is nothing of a name.
enum Missing {
    Unreadable(ConfigError),
    NoName(String),
    Unknown(String, Option<String>),
}

fn look_up(name: &str, kind: &Kind, folder: Option<&Path>) -> Result<(String, String), Missing> {
    if name.is_empty() || !name.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_')) {
        return Err(Missing::NoName(format!("`{}` is \"{name}\", expected a name, not a path", kind.what)));
    }
    let folder = folder.map(|folder| folder.join(kind.folder));
    let file = folder.as_ref().map(|folder| folder.join(format!("{name}.toml")));
    // What cannot be asked for is read all the same, so that the reason is told.
    if let Some(file) = file.filter(|file| !matches!(file.try_exists(), Ok(false))) {
        let text = super::read(&file).map_err(Missing::Unreadable)?;
        return Ok((text, file.display().to_string()));
    }
    if let Some((_, text)) = kind.built_in.iter().find(|(known, _)| *known == name) {
        return Ok(((*text).to_owned(), format!("{name}.toml (built in)")));
    }
    let names = names(kind, folder.as_deref());
    let place =
        folder.map_or_else(String::new, |folder| format!(", or a file {name}.toml in {}", folder.display()));
    let why = format!("there is no {} `{name}`, expected one of: {}{place}", kind.what, names.join(", "));
    Err(Missing::Unknown(why, did_you_mean(name, names.iter().map(String::as_str))))
}

/// All names that would be found.
fn names(kind: &Kind, folder: Option<&Path>) -> Vec<String> {
    let mut names: Vec<String> = kind.built_in.iter().map(|(name, _)| (*name).to_owned()).collect();
    // What cannot be listed is no reason to fail: the names are only a hint.
    for file in folder.and_then(|folder| std::fs::read_dir(folder).ok()).into_iter().flatten().flatten() {
        let path = file.path();
        if let (Some(stem), Some("toml")) = (path.file_stem(), path.extension().and_then(|e| e.to_str())) {
            names.push(stem.to_string_lossy().into_owned());
        }
    }
    names.sort();
    names.dedup();
    names
}

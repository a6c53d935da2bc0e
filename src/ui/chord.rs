//! One key with its modifiers, as a keymap writes it (`ctrl+c`, `shift+tab`, `?`) and as a terminal sends it. What
//! a terminal cannot tell apart is refused when it is written, not silently never found.

use std::fmt;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::domain::text_error::nearest;

const NAMED: [(&str, KeyCode); 15] = [
    ("enter", KeyCode::Enter),
    ("esc", KeyCode::Esc),
    ("tab", KeyCode::Tab),
    ("backspace", KeyCode::Backspace),
    ("space", KeyCode::Char(' ')),
    ("up", KeyCode::Up),
    ("down", KeyCode::Down),
    ("left", KeyCode::Left),
    ("right", KeyCode::Right),
    ("home", KeyCode::Home),
    ("end", KeyCode::End),
    ("pgup", KeyCode::PageUp),
    ("pgdn", KeyCode::PageDown),
    ("insert", KeyCode::Insert),
    ("delete", KeyCode::Delete),
];

/// Other names that people try.
const ALSO: [(&str, &str); 6] = [
    ("return", "enter"),
    ("escape", "esc"),
    ("pageup", "pgup"),
    ("pagedown", "pgdn"),
    ("del", "delete"),
    ("ins", "insert"),
];

/// What a terminal sends for these is another key.
const SAME: [(char, &str); 4] = [('i', "tab"), ('m', "enter"), ('[', "esc"), ('h', "backspace")];

/// A key with its modifiers. Upper case stands for shift on characters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Chord {
    code: KeyCode,
    modifiers: KeyModifiers,
}

/// Why a text is not a [`Chord`], and what to write instead.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NotAChord {
    /// No such key.
    #[error(
        "keys are characters, f1 to f12, and: enter, esc, tab, backspace, space, up, down, left, right, home, end, pgup, pgdn, insert, delete"
    )]
    NoKey,
    /// Another name of a key.
    #[error("did you mean `{0}`?")]
    DidYouMean(String),
    /// A terminal sends the same for both.
    #[error("a terminal sends `{0}` as `{1}`; bind that, or another key")]
    Same(String, &'static str),
    /// Shift on a character.
    #[error("write the character itself: \"A\" for shift and a")]
    ShiftedCharacter,
    /// Control with an upper-case or shifted character.
    #[error("a terminal does not tell upper from lower case with ctrl: write `{0}`")]
    ControlCase(String),
}

impl Chord {
    /// Reads a chord as a keymap writes it.
    pub fn parse(text: &str) -> Result<Self, NotAChord> {
        let (modifiers, name) = split(text)?;
        let code = code(name).map_err(|near| match near {
            Some(near) => NotAChord::DidYouMean(text.replace(name, near)),
            None => NotAChord::NoKey,
        })?;
        let KeyCode::Char(c) = code else {
            return Ok(Self { code, modifiers }.plain());
        };
        if modifiers.contains(KeyModifiers::CONTROL) {
            if c.is_uppercase() || modifiers.contains(KeyModifiers::SHIFT) {
                return Err(NotAChord::ControlCase(format!("ctrl+{}", c.to_lowercase())));
            }
            if let Some((_, key)) = SAME.iter().find(|(same, _)| *same == c) {
                return Err(NotAChord::Same(text.to_owned(), key));
            }
        }
        if modifiers.contains(KeyModifiers::SHIFT) {
            return Err(NotAChord::ShiftedCharacter);
        }
        Ok(Self { code, modifiers })
    }

    /// The chord of a key as a terminal sent it.
    pub fn of_event(key: KeyEvent) -> Self {
        let known = KeyModifiers::CONTROL | KeyModifiers::ALT | KeyModifiers::SHIFT;
        Self { code: key.code, modifiers: key.modifiers & known }.plain()
    }

    /// One character that leaves a mark on paper, without control or alt.
    pub fn is_printable(&self) -> bool {
        matches!(self.code, KeyCode::Char(c) if !c.is_whitespace() && !c.is_control())
            && self.modifiers.is_empty()
    }

    /// The same chord in the one form that is compared: back tab is shift and tab; shift goes into the character;
    /// control knows no case.
    fn plain(mut self) -> Self {
        match self.code {
            KeyCode::BackTab => {
                self.code = KeyCode::Tab;
                self.modifiers |= KeyModifiers::SHIFT;
            }
            KeyCode::Char(c) if self.modifiers.contains(KeyModifiers::CONTROL) => {
                self.code = KeyCode::Char(c.to_ascii_lowercase());
                self.modifiers -= KeyModifiers::SHIFT;
            }
            KeyCode::Char(c) if self.modifiers.contains(KeyModifiers::SHIFT) => {
                self.code = KeyCode::Char(c.to_ascii_uppercase());
                self.modifiers -= KeyModifiers::SHIFT;
            }
            _ => {}
        }
        self
    }
}

/// The modifiers before the key, and the key. The key itself may be `+`.
fn split(text: &str) -> Result<(KeyModifiers, &str), NotAChord> {
    let mut modifiers = KeyModifiers::NONE;
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('+') {
        if before.is_empty() || after.is_empty() {
            break;
        }
        modifiers |= match before {
            "ctrl" => KeyModifiers::CONTROL,
            "alt" => KeyModifiers::ALT,
            "shift" => KeyModifiers::SHIFT,
            other => {
                let near = match other.to_ascii_lowercase().as_str() {
                    "control" => Some("ctrl"),
                    "option" | "meta" => Some("alt"),
                    word => nearest(word, ["ctrl", "alt", "shift"]),
                };
                return Err(
                    near.map_or(NotAChord::NoKey, |near| NotAChord::DidYouMean(format!("{near}+{after}")))
                );
            }
        };
        rest = after;
    }
    Ok((modifiers, rest))
}

/// The key called `name`, else the nearest name.
fn code(name: &str) -> Result<KeyCode, Option<&'static str>> {
    let mut chars = name.chars();
    if let (Some(c), None) = (chars.next(), chars.next()) {
        return if c.is_control() {
            Err(None)
        } else if c == ' ' {
            Err(Some("space"))
        } else {
            Ok(KeyCode::Char(c))
        };
    }
    let function = name.strip_prefix('f').and_then(|number| number.parse().ok());
    if let Some(number @ 1..=12_u8) = function {
        return Ok(KeyCode::F(number));
    }
    if let Some((_, code)) = NAMED.iter().find(|(known, _)| *known == name) {
        return Ok(*code);
    }
    let lower = name.to_ascii_lowercase();
    let also = ALSO.iter().find(|(other, _)| *other == lower).map(|(_, known)| *known);
    Err(also.or_else(|| nearest(&lower, NAMED.iter().map(|(known, _)| *known))))
}

impl fmt::Display for Chord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (modifier, name) in
            [(KeyModifiers::CONTROL, "ctrl+"), (KeyModifiers::ALT, "alt+"), (KeyModifiers::SHIFT, "shift+")]
        {
            if self.modifiers.contains(modifier) {
                f.write_str(name)?;
            }
        }
        match (NAMED.iter().find(|(_, code)| *code == self.code), self.code) {
            (Some((name, _)), _) => f.write_str(name),
            (None, KeyCode::Char(c)) => write!(f, "{c}"),
            (None, KeyCode::F(number)) => write!(f, "f{number}"),
            (None, other) => write!(f, "{other}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chord_prints_as_it_is_written() {
        for text in
            ["q", "A", "?", "+", "ctrl+c", "ctrl++", "alt+x", "shift+tab", "ctrl+alt+up", "f12", "space", "é"]
        {
            assert_eq!(Chord::parse(text).map(|chord| chord.to_string()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn what_a_terminal_cannot_send_is_refused_with_what_to_write() {
        for (text, hint) in [
            ("shift+a", "\"A\""),
            ("ctrl+C", "`ctrl+c`"),
            ("ctrl+shift+c", "`ctrl+c`"),
            ("ctrl+i", "`tab`"),
            ("PgDn", "`pgdn`"),
            ("pagedown", "`pgdn`"),
            ("crtl+c", "`ctrl+c`"),
            ("Control+c", "`ctrl+c`"),
            ("shift+entre", "`shift+enter`"),
            (" ", "`space`"),
            ("f13", "f1 to f12"),
            ("", "keys are"),
            ("gg", "keys are"),
        ] {
            let error = Chord::parse(text).expect_err(text).to_string();
            assert!(error.contains(hint), "{text}: {error}");
        }
    }
}

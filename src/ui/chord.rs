//! One key with its modifiers, as a keymap writes it (`ctrl+c`, `shift+tab`, `?`) and as a terminal sends it; and a few
//! of them one after the other (`g g`). What a terminal cannot tell apart is refused when it is written, not silently
//! never found.

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

/// Chords that are pressed one after the other, as a keymap writes them: `q`, `g g`, `ctrl+w q`. There is at least one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sequence(Vec<Chord>);

impl Sequence {
    /// Reads a sequence as a keymap writes it: chords with one blank between them.
    pub fn parse(text: &str) -> Result<Self, NotAChord> {
        // A blank alone is a chord that is misspelt, and `Chord::parse` knows how it is written.
        if text.trim().is_empty() {
            return Chord::parse(text).map(|chord| Self(vec![chord]));
        }
        text.split(' ').map(Chord::parse).collect::<Result<_, _>>().map(Self)
    }

    /// What is pressed, in order.
    pub fn chords(&self) -> &[Chord] {
        &self.0
    }

    /// The only chord, where it is one.
    pub fn single(&self) -> Option<&Chord> {
        match self.0.as_slice() {
            [only] => Some(only),
            _ => None,
        }
    }

    /// One of both begins with the other, so that only the shorter one could ever be pressed.
    pub fn hides(&self, other: &Self) -> bool {
        self.0.starts_with(&other.0) || other.0.starts_with(&self.0)
    }

    /// As short as it can be read: `gg`, where a keymap writes `g g`.
    pub fn compact(&self) -> String {
        let between = if self.0.iter().all(Chord::is_printable) { "" } else { " " };
        self.0.iter().map(ToString::to_string).collect::<Vec<_>>().join(between)
    }
}

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
    }
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
    fn a_sequence_prints_as_it_is_written_and_shorter_where_nothing_is_lost() {
        for (text, compact) in [("q", "q"), ("g g", "gg"), ("ctrl+w q", "ctrl+w q"), ("space", "space")] {
            let sequence = Sequence::parse(text).expect(text);
            assert_eq!((sequence.to_string().as_str(), sequence.compact().as_str()), (text, compact));
        }
        for text in ["g  g", "g ", " g", "", "gg", "g shift+a"] {
            assert!(Sequence::parse(text).is_err(), "{text:?}");
        }
        let of = |text: &str| Sequence::parse(text).expect(text);
        assert!(of("g").hides(&of("g g")) && of("g g").hides(&of("g")) && !of("g g").hides(&of("g d")));
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

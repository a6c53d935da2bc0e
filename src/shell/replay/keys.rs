//! What is pressed in front of a replay. Nothing here reaches the engine: a replay is looked at, not operated.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// What the person wants.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wish {
    /// Leave.
    Quit,
    /// Stop or go on.
    Pause,
    /// One frame on.
    Forward,
    /// One frame back.
    Back,
    /// Twice as fast.
    Faster,
    /// Half as fast.
    Slower,
    /// To the first frame.
    Home,
    /// To the last one.
    End,
    /// To the next decision or line of weight.
    NextMark,
    /// To the one before.
    PreviousMark,
    /// A character of a place to go to.
    Place(char),
    /// Takes one back.
    Erase,
    /// Goes there.
    Go,
    /// Types no more.
    Cancel,
}

/// Keys and what they do, for the line at the bottom: the most important first.
pub const KEYS: &[(&str, &str)] = &[
    ("q", "quit"),
    ("space", "pause"),
    ("←→", "frame"),
    ("+-", "speed"),
    ("n N", "event"),
    ("home end", ""),
    ("0-9", "go to 40% or 12:31"),
];

/// The wish of a key; `typing`: a place is being typed.
pub fn of(key: KeyEvent, typing: bool) -> Option<Wish> {
    if key.kind == KeyEventKind::Release {
        return None;
    }
    if key.modifiers.contains(KeyModifiers::CONTROL) {
        return (key.code == KeyCode::Char('c')).then_some(Wish::Quit);
    }
    Some(match key.code {
        KeyCode::Char(c) if c.is_ascii_digit() || (typing && matches!(c, ':' | '%')) => Wish::Place(c),
        KeyCode::Backspace if typing => Wish::Erase,
        KeyCode::Enter if typing => Wish::Go,
        KeyCode::Esc if typing => Wish::Cancel,
        KeyCode::Char('q') => Wish::Quit,
        KeyCode::Char(' ') => Wish::Pause,
        KeyCode::Char('.') | KeyCode::Right => Wish::Forward,
        KeyCode::Char(',') | KeyCode::Left => Wish::Back,
        KeyCode::Char('+' | '=') => Wish::Faster,
        KeyCode::Char('-') => Wish::Slower,
        KeyCode::Home => Wish::Home,
        KeyCode::End => Wish::End,
        KeyCode::Char('n') => Wish::NextMark,
        KeyCode::Char('N') => Wish::PreviousMark,
        _ => return None,
    })
}

/// A place in a recording, as it is typed.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Place {
    /// A part of the whole, 0..1.
    Part(f64),
    /// Seconds since midnight, UTC.
    Clock(i64),
}

/// Reads `40`, `40%`, `12:31` or `12:31:05`.
pub fn place(text: &str) -> Option<Place> {
    let numbers: Option<Vec<i64>> =
        text.trim_end_matches('%').split(':').map(|part| part.parse().ok()).collect();
    match numbers?[..] {
        [part @ 0..=100] => Some(Place::Part(part as f64 / 100.0)),
        [h @ 0..24, m @ 0..60] if !text.contains('%') => Some(Place::Clock(h * 3_600 + m * 60)),
        [h @ 0..24, m @ 0..60, s @ 0..60] if !text.contains('%') => {
            Some(Place::Clock(h * 3_600 + m * 60 + s))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_part_or_a_time_of_day() {
        assert_eq!(place("40"), Some(Place::Part(0.4)));
        assert_eq!(place("100%"), Some(Place::Part(1.0)));
        assert_eq!(place("12:31"), Some(Place::Clock(45_060)));
        assert_eq!(place("00:00:07"), Some(Place::Clock(7)));
        for text in ["", "101", "24:00", "1:60", "1:2%", ":", "1:2:3:4"] {
            assert_eq!(place(text), None, "{text}");
        }
    }

    #[test]
    fn letters_are_keys_and_digits_are_a_place() {
        let press = |code| KeyEvent::new(code, KeyModifiers::NONE);
        assert_eq!(of(press(KeyCode::Char('4')), false), Some(Wish::Place('4')));
        assert_eq!(of(press(KeyCode::Char(':')), false), None);
        assert_eq!(of(press(KeyCode::Char(':')), true), Some(Wish::Place(':')));
        assert_eq!(of(press(KeyCode::Char('N')), true), Some(Wish::PreviousMark));
        assert_eq!(of(KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL), true), Some(Wish::Quit));
    }
}

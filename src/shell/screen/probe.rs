//! What a terminal is asked once, with the first frame and before it, so that whatever an old one prints instead of an
//! answer is cleared at once: whether it holds a frame together, and whether it reads UTF-8. Nothing waits for it.

use super::parser::Told;
use super::terminal_type::Skills;

/// Synchronized output.
const HOLDS_FRAMES: u16 = 2026;
/// Row of the question about letters, counted from 1: the answer in the first row would look like a key.
const ROW: u16 = 2;
/// Two letters of two and three bytes, one column each where UTF-8 is read and no letter is wider than it looks.
const LETTERS: &str = "é─";
/// Where the cursor then is, counted from 1.
const COLUMN: u16 = 3;

/// What was found out and matters at once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Found {
    /// Letters beyond ASCII are not shown as one column each.
    NoUnicode,
}

/// The questions and what was answered so far.
#[derive(Clone, Debug)]
pub struct Probe {
    asks: bool,
    /// Nothing but ASCII is drawn anyway.
    ascii: bool,
    holds: bool,
    heard: bool,
    ended: bool,
}

impl Probe {
    /// For a terminal that can do this, and on which nothing but ASCII is drawn (`ascii`) or more.
    pub fn new(skills: Skills, ascii: bool) -> Self {
        Self { asks: skills.asks, ascii, holds: false, heard: false, ended: !skills.asks }
    }

    /// The questions, to be written before the screen is cleared. The last one every terminal answers.
    pub fn questions(&self) -> String {
        if !self.asks {
            return String::new();
        }
        let letters = if self.ascii { String::new() } else { format!("\x1b[{ROW}H{LETTERS}\x1b[6n") };
        format!("{letters}\x1b[?{HOLDS_FRAMES}$p\x1b[c")
    }

    /// Takes an answer.
    pub fn answered(&mut self, told: &Told) -> Option<Found> {
        self.heard = true;
        match told {
            // 0 is unknown, 4 cannot be set.
            Told::Mode { mode: HOLDS_FRAMES, value } => self.holds = matches!(value, 1..=3),
            Told::Attributes => self.ended = true,
            Told::Position { row: ROW, column } if !self.ascii => {
                self.ascii = *column != COLUMN;
                return self.ascii.then_some(Found::NoUnicode);
            }
            _ => {}
        }
        None
    }

    /// The terminal holds a frame together between two marks.
    pub fn holds_frames(&self) -> bool {
        self.holds
    }

    /// It answered something.
    pub fn heard(&self) -> bool {
        self.heard
    }

    /// The last question has no answer yet.
    pub fn waits(&self) -> bool {
        !self.ended
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_decide_and_silence_changes_nothing() {
        let mut probe = Probe::new(Skills::MODERN, false);
        assert_eq!(probe.questions(), "\x1b[2Hé─\x1b[6n\x1b[?2026$p\x1b[c");
        assert!(!probe.holds_frames() && !probe.heard() && probe.waits());
        assert_eq!(probe.answered(&Told::Position { row: 2, column: 3 }), None);
        assert_eq!(probe.answered(&Told::Mode { mode: 2026, value: 2 }), None);
        assert_eq!(probe.answered(&Told::Attributes), None);
        assert!(probe.holds_frames() && probe.heard() && !probe.waits());
        for (value, holds) in [(0, false), (1, true), (4, false)] {
            probe.answered(&Told::Mode { mode: 2026, value });
            assert_eq!(probe.holds_frames(), holds, "{value}");
        }
    }

    #[test]
    fn a_terminal_without_unicode_is_noticed_once() {
        for column in [4, 5, 6] {
            let mut probe = Probe::new(Skills::MODERN, false);
            let answer = Told::Position { row: 2, column };
            assert_eq!(probe.answered(&answer), Some(Found::NoUnicode));
            assert_eq!(probe.answered(&answer), None);
        }
        let dumb = Probe::new(Skills::of(None), true);
        assert!(dumb.questions().is_empty() && !dumb.waits());
    }
}

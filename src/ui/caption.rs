//! One row that says who operates and why: for a display on which a scripted operator presses the keys. It always says that
//! it is a simulation. The first key of a person stops it, and does nothing else.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::engine::event::Command;

use super::LEAST;
use super::commands::is_interrupt;
use super::look::{Look, bold};
use super::widgets::text::width;
use super::widgets::words::{Words, put_right, row, tint};

/// Who operates.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Caption {
    /// What is happening now and why, in plain words.
    pub words: String,
    /// The simulated operator has the keys; else the person.
    pub driving: bool,
}

/// The part of a screen that is left to everything else. Where all rows are needed for approving, the caption lies on the
/// last one: the keys that stand there are the operator's.
pub fn room(area: Rect) -> Rect {
    let own = u16::from(area.height > LEAST.1);
    Rect { height: area.height - own, ..area }
}

impl Caption {
    /// A key; `None`: it is for the screen.
    pub fn key(&mut self, key: KeyEvent) -> Option<Option<Command>> {
        if !self.driving {
            let back = key.code == KeyCode::Char('o') && key.modifiers.contains(KeyModifiers::CONTROL);
            self.driving = back && key.kind == KeyEventKind::Press;
            return back.then_some(None);
        }
        if key.kind == KeyEventKind::Press && (is_interrupt(key) || key.code == KeyCode::Char('q')) {
            return Some(Some(Command::Quit));
        }
        self.driving &= key.kind == KeyEventKind::Release;
        Some(None)
    }

    /// A person used the mouse or pasted; true: nothing else comes of it.
    pub fn touched(&mut self) -> bool {
        std::mem::take(&mut self.driving)
    }

    /// Draws it into the last row of `area`.
    pub fn draw(&self, look: &Look, area: Rect, buf: &mut Buffer) {
        if area.height == 0 {
            return;
        }
        let line = row(area, area.height - 1);
        buf.set_style(line, ratatui::style::Style::reset());
        put_blank(line, buf);
        tint(buf, line, look.selection());
        let (words, keys): (&str, &[&str]) = if self.driving {
            (&self.words, &["any key takes over  q leaves ", "any key: yours  q leaves ", "q leaves "])
        } else {
            ("paused, the keys are yours", &["ctrl+o gives them back ", "ctrl+o goes on "])
        };
        let text = Words::of(bold(look.attention()), " DEMO ").and(look.strong(), " simulated operator ");
        let text = text.and(look.text(), format!(" {words}"));
        // What happens is said whole before anything is said of keys.
        let room = usize::from(line.width);
        let keys =
            keys.iter().find(|keys| text.width() + 2 + width(keys) <= room).copied().unwrap_or_default();
        text.cut(room.saturating_sub(width(keys))).draw(line, buf);
        put_right(buf, line, keys, look.dim());
    }
}

fn put_blank(line: Rect, buf: &mut Buffer) {
    for x in line.left()..line.right() {
        if let Some(cell) = buf.cell_mut((x, line.y)) {
            cell.reset();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn press(code: KeyCode, modifiers: KeyModifiers) -> KeyEvent {
        KeyEvent::new(code, modifiers)
    }

    #[test]
    fn the_first_key_of_a_person_takes_over_and_does_nothing_else() {
        let mut caption = Caption { words: "x".into(), driving: true };
        assert_eq!(caption.key(press(KeyCode::Char('a'), KeyModifiers::NONE)), Some(None));
        assert!(!caption.driving);
        assert_eq!(caption.key(press(KeyCode::Char('a'), KeyModifiers::NONE)), None, "the second is theirs");
        assert_eq!(caption.key(press(KeyCode::Char('o'), KeyModifiers::CONTROL)), Some(None));
        assert!(caption.driving);
        assert_eq!(caption.key(press(KeyCode::Char('q'), KeyModifiers::NONE)), Some(Some(Command::Quit)));
    }

    #[test]
    fn a_screen_on_which_every_row_is_needed_keeps_them() {
        assert_eq!(room(Rect::new(0, 0, 80, 24)).height, 24);
        assert_eq!(room(Rect::new(0, 0, 120, 40)).height, 39);
    }
}

//! The text area of the edit form and of the model's page. Its text lives in the state; kept here is only where the cursor
//! is. What the state has decides: a text that differs from it is thrown away.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind};
use tui_textarea::TextArea;

use crate::domain::clean::Clean;
use crate::engine::event::Command;

use super::commands;

/// Longest text, as the engine keeps it.
const LONGEST: usize = 2_000;

/// The text area, while a proposal is edited.
#[derive(Default)]
pub struct Editor {
    area: Option<TextArea<'static>>,
}

impl Editor {
    /// The edit is over: the next one begins with its own text.
    pub fn forget(&mut self) {
        self.area = None;
    }

    /// The text area with `text`.
    fn area(&mut self, text: &str) -> &mut TextArea<'static> {
        let stale = self.area.as_ref().is_none_or(|area| area.lines().join("\n") != text);
        if stale {
            self.area = None;
        }
        self.area.get_or_insert_with(|| {
            let mut area = TextArea::new(text.split('\n').map(str::to_owned).collect());
            area.move_cursor(tui_textarea::CursorMove::Bottom);
            area.move_cursor(tui_textarea::CursorMove::End);
            area
        })
    }

    /// The text area for drawing, if it shows `text`.
    pub fn drawn(&self, text: &str) -> Option<&TextArea<'static>> {
        self.area.as_ref().filter(|area| area.lines().join("\n") == text)
    }

    /// A key in the text area.
    pub fn key(&mut self, text: &str, key: KeyEvent) -> Option<Command> {
        if key.kind != KeyEventKind::Press {
            return None;
        }
        if commands::is_save(key) {
            return Some(Command::Submit);
        }
        match key.code {
            KeyCode::Tab => return Some(Command::FocusNext),
            KeyCode::BackTab => return Some(Command::FocusPrevious),
            KeyCode::Esc => return Some(Command::Back),
            KeyCode::Char(c) if !harmless(c) => return None,
            _ => {}
        }
        let area = self.area(text);
        let before = area.clone();
        area.input(key);
        self.changed(text, before)
    }

    /// Pasted text.
    pub fn paste(&mut self, text: &str, pasted: &str) -> Option<Command> {
        let pasted: String = pasted.chars().filter(|c| *c == '\n' || harmless(*c)).collect();
        let area = self.area(text);
        let before = area.clone();
        area.insert_str(pasted);
        self.changed(text, before)
    }

    fn changed(&mut self, text: &str, before: TextArea<'static>) -> Option<Command> {
        let now = self.area.as_ref().map(|area| area.lines().join("\n"))?;
        if now.chars().count() > LONGEST {
            self.area = Some(before);
            return None;
        }
        (now != text).then_some(Command::Draft(now))
    }
}

/// Nothing that moves a cursor or hides.
fn harmless(c: char) -> bool {
    Clean::new(format!("x{c}")).as_str().chars().nth(1) == Some(c)
}

//! The text area of the edit form. Its text lives in the state ([`Draft::reason`]); kept here is only where the cursor
//! is. What the state has decides: a text that differs from it is thrown away.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind};
use tui_textarea::TextArea;

use crate::domain::clean::Clean;
use crate::engine::event::Command;
use crate::engine::gate::Draft;

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

    /// The text area with the text of `draft`.
    fn area(&mut self, draft: &Draft) -> &mut TextArea<'static> {
        let stale = self.area.as_ref().is_none_or(|area| area.lines().join("\n") != draft.reason);
        if stale {
            self.area = None;
        }
        self.area.get_or_insert_with(|| {
            let mut area = TextArea::new(draft.reason.split('\n').map(str::to_owned).collect());
            area.move_cursor(tui_textarea::CursorMove::Bottom);
            area.move_cursor(tui_textarea::CursorMove::End);
            area
        })
    }

    /// The text area for drawing, if it shows the text of `draft`.
    pub fn drawn(&self, draft: &Draft) -> Option<&TextArea<'static>> {
        self.area.as_ref().filter(|area| area.lines().join("\n") == draft.reason)
    }

    /// A key in the text area.
    pub fn key(&mut self, draft: &Draft, key: KeyEvent) -> Option<Command> {
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
        let area = self.area(draft);
        let before = area.clone();
        area.input(key);
        self.changed(draft, before)
    }

    /// Pasted text.
    pub fn paste(&mut self, draft: &Draft, text: &str) -> Option<Command> {
        let text: String = text.chars().filter(|c| *c == '\n' || harmless(*c)).collect();
        let area = self.area(draft);
        let before = area.clone();
        area.insert_str(text);
        self.changed(draft, before)
    }

    fn changed(&mut self, draft: &Draft, before: TextArea<'static>) -> Option<Command> {
        let text = self.area.as_ref().map(|area| area.lines().join("\n"))?;
        if text.chars().count() > LONGEST {
            self.area = Some(before);
            return None;
        }
        (text != draft.reason).then_some(Command::Draft(text))
    }
}

/// Nothing that moves a cursor or hides.
fn harmless(c: char) -> bool {
    Clean::new(format!("x{c}")).as_str().chars().nth(1) == Some(c)
}

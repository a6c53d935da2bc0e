//! What a person sees and presses. Nothing here talks to a cluster, opens a file or waits: a state in, a frame out; a
//! key in, a command out. What was whole on the screen is reported, because approving depends on it.

pub mod chord;
pub mod commands;
pub mod editor;
pub mod keymap;
pub mod look;
pub mod panels;
pub mod theme;
pub mod widgets;

use crossterm::event::KeyEvent;
use ratatui::Frame;
use ratatui::layout::Rect;

use crate::engine::event::{Command, Shown};
use crate::engine::gate::{Draft, Gesture};
use crate::engine::opinion::Typing;
use crate::engine::state::State;
use crate::engine::view::Screen;

use editor::Editor;
use keymap::Keymap;
use look::Look;
use theme::Theme;

/// The smallest screen on which can be approved.
pub const LEAST: (u16, u16) = (80, 24);

/// The screen and the keyboard.
pub struct Ui {
    look: Look,
    editor: Editor,
}

impl Ui {
    /// With the colours of `theme` and the keys of `keymap`.
    pub fn new(theme: Theme, keymap: Keymap) -> Self {
        Self { look: Look { theme, keymap, ascii: false }, editor: Editor::default() }
    }

    /// Draws nothing but ASCII, if `ascii`.
    pub fn ascii(mut self, ascii: bool) -> Self {
        self.look.ascii = ascii;
        self
    }

    /// Draws `state` and tells what of a card was whole.
    pub fn draw(&self, frame: &mut Frame<'_>, state: &State) -> Shown {
        let area = frame.area();
        let shown = self.screen(state, area, frame);
        if self.look.ascii {
            widgets::transliterate::to_ascii(frame.buffer_mut());
        }
        shown
    }

    fn screen(&self, state: &State, area: Rect, frame: &mut Frame<'_>) -> Shown {
        let buf = frame.buffer_mut();
        let look = &self.look;
        if area.width == 0 || area.height == 0 {
            return Shown::default();
        }
        if state.view.help {
            panels::help::draw(look, state, area, buf);
            return Shown::default();
        }
        match &state.view.screen {
            Screen::Main => panels::main_screen::draw(look, state, area, buf),
            Screen::Card(key) => return panels::card::draw(look, &self.editor, state, key, area, buf),
            Screen::Evidence(key) => panels::evidence::draw(look, state, key, area, buf),
            Screen::Diff(key) => panels::diff::draw(look, state, key, area, buf),
            Screen::Model(key) => panels::model::draw(look, &self.editor, state, key, area, buf),
            Screen::Readings(id) => panels::readings::draw(look, state, id, area, buf),
            Screen::Queries(id) => panels::queries::draw(look, state, id, area, buf),
            Screen::Log => panels::log::page(look, state, area, buf),
        }
        Shown::default()
    }

    /// The command of a key that came in the terminal read number `read`.
    pub fn key(&mut self, state: &State, key: KeyEvent, read: u64) -> Option<Command> {
        let text = written(state);
        if text.is_none() {
            self.editor.forget();
        }
        match text {
            Some(text) if !state.view.help && !commands::is_interrupt(key) => self.editor.key(text, key),
            _ => commands::of_key(&self.look.keymap, state, key, read),
        }
    }

    /// The command of text that was pasted as one piece.
    pub fn paste(&mut self, state: &State, text: String) -> Option<Command> {
        if let Some(before) = written(state) {
            return self.editor.paste(before, &text);
        }
        if editing(state).is_some() {
            return None;
        }
        let takes_text = state.view.filtering
            || commands::typing(state).is_some()
            || commands::live_card(state).is_some_and(|p| p.takes_text());
        takes_text.then_some(Command::Paste(text))
    }
}

/// The text of the text area that has the keys: the reason in the edit form, or the rationale on the model's page.
fn written(state: &State) -> Option<&str> {
    if let Some(Typing::Rationale(text)) = commands::typing(state) {
        return Some(text);
    }
    editing(state).filter(|draft| draft.field == 2).map(|draft| draft.reason.as_str())
}

/// The draft of the card on the screen, while it is edited.
fn editing(state: &State) -> Option<&Draft> {
    match &commands::live_card(state)?.gesture {
        Gesture::Editing(draft) => Some(draft),
        _ => None,
    }
}

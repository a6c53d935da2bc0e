//! What a person sees and presses. Nothing here talks to a cluster, opens a file or waits: a state in, a frame out; a
//! key in, a command out. What was whole on the screen is reported, because approving depends on it.

pub mod chord;
pub mod commands;
pub mod editor;
pub mod keymap;
pub mod link;
pub mod look;
pub mod mouse;
pub mod panels;
pub mod theme;
pub mod title;
pub mod widgets;

use crossterm::event::{KeyEvent, MouseEvent};
use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::engine::event::{Command, Shown};
use crate::engine::gate::{Draft, Gesture};
use crate::engine::opinion::Typing;
use crate::engine::state::State;
use crate::engine::view::Screen;

use editor::Editor;
use keymap::Keymap;
use link::Link;
use look::Look;
use mouse::Pointed;
use theme::Theme;

/// The smallest screen on which can be approved.
pub const LEAST: (u16, u16) = (80, 24);

/// What came of drawing a frame.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Drawn {
    /// What of a card was whole.
    pub shown: Shown,
    /// Areas that lead to an address; where two overlap, the later one holds.
    pub links: Vec<Link>,
}

/// The screen and the keyboard.
pub struct Ui {
    look: Look,
    editor: Editor,
}

impl Ui {
    /// With the colours of `theme` and the keys of `keymap`.
    pub fn new(theme: Theme, keymap: Keymap) -> Self {
        Self { look: Look::new(theme, keymap), editor: Editor::default() }
    }

    /// Draws nothing but ASCII, if `ascii`.
    pub fn ascii(mut self, ascii: bool) -> Self {
        self.look.ascii = ascii;
        self
    }

    /// Draws `state` and tells what of a card was whole, and what leads where.
    pub fn draw(&self, frame: &mut Frame<'_>, state: &State) -> Drawn {
        self.paint(state, frame.buffer_mut())
    }

    /// The same into any buffer, which it fills.
    pub fn paint(&self, state: &State, buf: &mut Buffer) -> Drawn {
        self.look.take_links();
        let shown = self.screen(state, buf.area, buf);
        if self.look.ascii {
            widgets::transliterate::to_ascii(buf);
        }
        Drawn { shown, links: self.look.take_links() }
    }

    /// The title of the window.
    pub fn title(&self, state: &State) -> String {
        title::of(state)
    }

    /// Which key is which command.
    pub fn keymap(&self) -> &Keymap {
        &self.look.keymap
    }

    /// Nothing but ASCII is drawn.
    pub fn is_ascii(&self) -> bool {
        self.look.ascii
    }

    /// The same look for somebody else, who has the cursor nowhere.
    pub fn again(&self) -> Self {
        Self { look: self.look.clone(), editor: Editor::default() }
    }

    fn screen(&self, state: &State, area: Rect, buf: &mut Buffer) -> Shown {
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

    /// What a mouse asks for: never more than to move or to select.
    pub fn mouse(&mut self, state: &State, event: MouseEvent) -> Option<Pointed> {
        mouse::of_event(state, event)
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

//! What a person sees and presses. Nothing here talks to a cluster, opens a file or waits: a state in, a frame out; a
//! key in, a command out. What was whole on the screen is reported, because approving depends on it.

pub mod caption;
pub mod chord;
pub mod commands;
pub mod editor;
pub mod keymap;
pub mod link;
pub mod look;
pub mod mouse;
pub mod palette;
pub mod panels;
pub mod theme;
pub mod title;
pub mod widgets;

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, MouseEvent};
use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::engine::drill;
use crate::engine::event::{Command, PageShown, Shown};
use crate::engine::gate::{Draft, Gesture};
use crate::engine::opinion::Typing;
use crate::engine::state::State;
use crate::engine::view::{self, Screen};

use caption::Caption;
use chord::Chord;
use editor::Editor;
use keymap::Keymap;
use link::Link;
use look::{Look, Origin};
use mouse::Pointed;
use theme::Theme;
use widgets::words;

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
    /// Keys of a sequence that was begun.
    begun: Vec<Chord>,
    /// Who operates, where that is not the person at the keys.
    caption: Option<Caption>,
}

impl Ui {
    /// With the colours of `theme` and the keys of `keymap`.
    pub fn new(theme: Theme, keymap: Keymap) -> Self {
        Self { look: Look::new(theme, keymap), editor: Editor::default(), begun: Vec::new(), caption: None }
    }

    /// Says who operates, or that it is the person at the keys.
    pub fn caption(&mut self) -> &mut Option<Caption> {
        &mut self.caption
    }

    /// Says in the help where all of it comes from.
    pub fn from(mut self, origin: Origin) -> Self {
        self.look.origin = origin;
        self
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
        let state = &*drill::veiled(state);
        self.look.take_links();
        self.look.places.forget();
        let whole = buf.area;
        buf.set_style(whole, self.look.ground());
        let area = if self.caption.is_some() { caption::room(whole) } else { whole };
        let shown = self.screen(state, area, buf);
        self.begun(area, buf);
        if state.setup.prod {
            panels::frame::draw(&self.look, area, buf);
        }
        if let Some(caption) = &self.caption {
            caption.draw(&self.look, whole, buf);
        }
        if self.look.ascii {
            widgets::transliterate::to_ascii(buf);
        }
        Drawn { shown, links: self.look.take_links() }
    }

    /// The title of the window.
    pub fn title(&self, state: &State) -> String {
        title::of(&drill::veiled(state))
    }

    /// How it looks.
    pub fn look(&self) -> &Look {
        &self.look
    }

    /// Which key is which command.
    pub fn keymap(&self) -> &Keymap {
        &self.look.keymap
    }

    /// From now on nothing but ASCII is drawn.
    pub fn become_ascii(&mut self) {
        self.look.ascii = true;
    }

    /// Nothing but ASCII is drawn.
    pub fn is_ascii(&self) -> bool {
        self.look.ascii
    }

    /// The same look for somebody else, who has the cursor nowhere.
    pub fn again(&self) -> Self {
        Self { look: self.look.clone(), editor: Editor::default(), begun: Vec::new(), caption: None }
    }

    /// The keys of a sequence that was begun, so that nobody wonders where they went.
    fn begun(&self, area: Rect, buf: &mut Buffer) {
        if self.begun.is_empty() {
            return;
        }
        let keys: Vec<String> = self.begun.iter().map(ToString::to_string).collect();
        let last = words::row(area, area.height.saturating_sub(1));
        words::put_right(buf, last, &format!(" {} … ", keys.join(" ")), self.look.key());
    }

    fn screen(&self, state: &State, area: Rect, buf: &mut Buffer) -> Shown {
        let look = &self.look;
        if area.width == 0 || area.height == 0 {
            return Shown::default();
        }
        if state.view.palette.is_some() {
            // What lies below it can be read on, but counts as not shown: it may be covered.
            self.below(state, area, buf);
            self.look.places.forget();
            self.look.take_links();
            panels::palette::draw(look, state, area, buf);
            return Shown::default();
        }
        if state.view.help {
            panels::help::draw(look, state, area, buf);
            return Shown::default();
        }
        self.below(state, area, buf)
    }

    fn below(&self, state: &State, area: Rect, buf: &mut Buffer) -> Shown {
        let look = &self.look;
        match &state.view.screen {
            Screen::Main => panels::main_screen::draw(look, state, area, buf),
            Screen::Card(key) => return panels::card::draw(look, &self.editor, state, key, area, buf),
            Screen::Evidence(key) => return page(panels::evidence::draw(look, state, key, area, buf)),
            Screen::Diff(key) => return page(panels::diff::draw(look, state, key, area, buf)),
            Screen::Model(key) => panels::model::draw(look, &self.editor, state, key, area, buf),
            Screen::Readings(id) => return page(panels::readings::draw(look, state, id, area, buf)),
            Screen::Queries(id) => return page(panels::queries::draw(look, state, id, area, buf)),
            Screen::Pods(key) => panels::pods::draw(look, state, key, area, buf),
            Screen::Pod(key, uid) => return page(panels::pod::draw(look, state, key, uid, area, buf)),
            Screen::PodLog(key, uid) => return page(panels::logs::draw(look, state, key, uid, area, buf)),
            Screen::Alert(id) => return page(panels::alert::draw(look, state, id, area, buf)),
            Screen::Revision(key, uid) => {
                return page(panels::revision::draw(look, state, key, uid, area, buf));
            }
            Screen::Compare(key, older, newer) => {
                return page(panels::diff::compare(look, state, key, [older, newer], area, buf));
            }
            Screen::Log => panels::log::page(look, state, area, buf),
            Screen::Journal => panels::journal::draw(look, state, area, buf),
            Screen::Record(seq) => panels::record::draw(look, state, *seq, area, buf),
            Screen::Inbox => panels::inbox::draw(look, state, area, buf),
            Screen::Drill => panels::drill::draw(look, state, area, buf),
            Screen::Contexts => panels::contexts::draw(look, state, area, buf),
        }
        Shown::default()
    }

    /// The command of a key that came in the terminal read number `read`.
    pub fn key(&mut self, state: &State, key: KeyEvent, read: u64) -> Option<Command> {
        if let Some(taken) = self.caption.as_mut().and_then(|caption| caption.key(key)) {
            return taken;
        }
        let state = &*drill::veiled(state);
        let text = written(state);
        if text.is_none() {
            self.editor.forget();
        }
        if state.view.palette.is_some() && !commands::is_interrupt(key) {
            self.begun.clear();
            return self.in_palette(state, key, read);
        }
        if state.view.help && !commands::is_interrupt(key) {
            self.begun.clear();
            return self.in_help(state, key);
        }
        match text {
            Some(text) if !commands::is_interrupt(key) => {
                self.begun.clear();
                self.editor.key(text, key)
            }
            _ => commands::of_key(&self.look.keymap, state, key, read, &mut self.begun),
        }
    }

    /// A key while the palette is open. Which row it moves to depends on what is found, which only the screen knows.
    fn in_palette(&self, state: &State, key: KeyEvent, read: u64) -> Option<Command> {
        if key.kind == KeyEventKind::Release {
            return None;
        }
        let found = palette::find(&self.look.keymap, state);
        let (at, entry) = palette::chosen(state, &found).unzip();
        let moved = match key.code {
            KeyCode::Up | KeyCode::BackTab => Some(Command::Up),
            KeyCode::Down => Some(Command::Down),
            KeyCode::PageUp => Some(Command::PageUp),
            KeyCode::PageDown => Some(Command::PageDown),
            // Everything else on the keyboard is text here.
            _ => None,
        };
        if let Some(moved) = moved {
            return Some(Command::Pick(view::moved(at?, found.len(), &moved)));
        }
        match commands::typed(key, read)? {
            _ if key.kind == KeyEventKind::Repeat && key.code != KeyCode::Backspace => None,
            Command::FocusNext => entry.map(|entry| Command::Draft(format!("{} ", entry.name))),
            Command::Submit => entry?.choice.clone().ok().map(Command::Choose),
            command => Some(command),
        }
    }

    /// A key while the help is open: those that move scroll it, any other one closes it, so that none of them can do
    /// something else unseen.
    fn in_help(&self, state: &State, key: KeyEvent) -> Option<Command> {
        let moves = commands::moves(&self.look.keymap, key).filter(|_| self.look.places.lines() > 1);
        match moves {
            _ if key.kind == KeyEventKind::Release => None,
            Some(moves) => {
                let (at, lines) = (state.view.help_scroll, self.look.places.lines());
                Some(Command::Pick(view::moved(at.min(lines - 1), lines, &moves)))
            }
            None if key.kind == KeyEventKind::Repeat => None,
            None => Some(Command::Help),
        }
    }

    /// What a mouse asks for: never more than to move or to select.
    pub fn mouse(&mut self, state: &State, event: MouseEvent) -> Option<Pointed> {
        if self.caption.as_mut().is_some_and(Caption::touched) {
            return None;
        }
        mouse::of_event(&self.look, &drill::veiled(state), event)
    }

    /// The command of text that was pasted as one piece.
    pub fn paste(&mut self, state: &State, text: String) -> Option<Command> {
        if self.caption.as_mut().is_some_and(Caption::touched) {
            return None;
        }
        if state.view.palette.is_some() {
            return Some(Command::Paste(text));
        }
        if let Some(before) = written(state) {
            return self.editor.paste(before, &text);
        }
        if editing(state).is_some() {
            return None;
        }
        let takes_text = state.view.filtering
            || commands::typing(state).is_some()
            || commands::searching(state)
            || commands::live_card(state).is_some_and(|p| p.takes_text());
        takes_text.then_some(Command::Paste(text))
    }
}

/// What was shown of a page of lines.
fn page(page: PageShown) -> Shown {
    Shown { page, ..Shown::default() }
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

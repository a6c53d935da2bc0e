//! From the mouse to a [`Command`]. A panel notes where it drew what can be pointed at; a click selects that, the wheel
//! moves what is below the pointer. Nothing here arms, approves, rejects, waits, edits or opens a card: a hand that slips
//! decides nothing. What was drawn is this screen's alone; the commands name things by identity, so a recording replays.

use std::cell::{Cell, RefCell};

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::{Position, Rect};

use crate::domain::cluster::Uid;
use crate::engine::event::Command;
use crate::engine::gate::Gesture;
use crate::engine::inbox::Item;
use crate::engine::state::State;
use crate::engine::view::{Pane, Row, Screen};

use super::look::Look;
use super::{commands, palette};

/// Something that can be pointed at.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Target {
    /// A row of the list.
    Row(Row),
    /// A revision.
    Revision(Uid),
    /// The name of a pane.
    Pane(Pane),
    /// A range of the chart.
    Range(u8),
    /// A row of the inbox.
    Item(Item),
    /// A row of the palette.
    Entry(usize),
    /// A zone that the wheel moves.
    Zone(Pane),
}

/// Where the last frame drew what can be pointed at.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Places {
    drawn: RefCell<Vec<(Rect, Target)>>,
    lines: Cell<usize>,
}

impl Places {
    /// A new frame begins.
    pub fn forget(&self) {
        self.drawn.borrow_mut().clear();
        self.lines.set(0);
    }

    /// `target` was drawn in `area`; what is noted later lies above.
    pub fn note(&self, area: Rect, target: Target) {
        if !area.is_empty() {
            self.drawn.borrow_mut().push((area, target));
        }
    }

    /// A page can begin at so many lines.
    pub fn note_lines(&self, lines: usize) {
        self.lines.set(lines);
    }

    /// At how many lines the page can begin.
    pub fn lines(&self) -> usize {
        self.lines.get()
    }

    fn at(&self, column: u16, row: u16, wanted: impl Fn(&Target) -> bool) -> Option<Target> {
        let at = Position { x: column, y: row };
        let drawn = self.drawn.borrow();
        drawn.iter().rev().find(|(area, target)| area.contains(at) && wanted(target)).map(|(_, t)| t.clone())
    }
}

/// Lines of a page key in lists that the screen keeps the place of.
const PAGE: usize = 10;

/// A place in `0..count`, moved by a command.
pub fn moved(at: usize, count: usize, command: &Command) -> usize {
    let last = count.saturating_sub(1);
    match command {
        Command::Up => at.saturating_sub(1),
        Command::Down => (at + 1).min(last),
        Command::PageUp => at.saturating_sub(PAGE),
        Command::PageDown => (at + PAGE).min(last),
        Command::Home => 0,
        Command::End => last,
        _ => at,
    }
}

/// The command of `event`.
pub fn command(look: &Look, state: &State, event: MouseEvent) -> Option<Command> {
    let back = match event.kind {
        MouseEventKind::Down(MouseButton::Left) => return click(look, state, event),
        MouseEventKind::ScrollUp => true,
        MouseEventKind::ScrollDown => false,
        _ => return None,
    };
    let step = if back { Command::Up } else { Command::Down };
    if let Some(open) = &state.view.palette {
        let count = palette::find(&look.keymap, state).len();
        return (count > 0).then(|| Command::Pick(moved(open.at.min(count - 1), count, &step)));
    }
    if state.view.help {
        let lines = look.places.lines();
        return (lines > 1)
            .then(|| Command::Pick(moved(state.view.help_scroll.min(lines - 1), lines, &step)));
    }
    if busy(state) {
        return None;
    }
    match &state.view.screen {
        Screen::Main => {
            let zone = look.places.at(event.column, event.row, |t| matches!(t, Target::Zone(_)));
            match zone {
                Some(Target::Zone(pane)) => Some(Command::Wheel(pane, back)),
                _ => None,
            }
        }
        Screen::Inbox => Some(step),
        // The log is scrolled from its end.
        Screen::Log => Some(Command::Wheel(Pane::Log, !back)),
        _ => Some(Command::Wheel(Pane::Detail, back)),
    }
}

fn click(look: &Look, state: &State, event: MouseEvent) -> Option<Command> {
    let target = look.places.at(event.column, event.row, |t| !matches!(t, Target::Zone(_)));
    if state.view.palette.is_some() {
        return match target? {
            Target::Entry(at) => Some(Command::Pick(at)),
            _ => None,
        };
    }
    if state.view.help || busy(state) {
        return None;
    }
    match (&state.view.screen, target?) {
        (Screen::Main, Target::Row(row)) => Some(Command::Select(row)),
        (Screen::Main, Target::Revision(uid)) => Some(Command::SelectRevision(uid)),
        (Screen::Main, Target::Pane(pane)) => Some(Command::Focus(pane)),
        (Screen::Main, Target::Range(range)) => Some(Command::Range(range)),
        (Screen::Inbox, Target::Item(item)) => Some(Command::SelectItem(item)),
        _ => None,
    }
}

/// Somebody is typing, arming or editing: the mouse is not asked.
fn busy(state: &State) -> bool {
    let gesture = commands::live_card(state).is_some_and(|card| card.gesture != Gesture::Idle);
    gesture || state.view.filtering || commands::typing(state).is_some()
}

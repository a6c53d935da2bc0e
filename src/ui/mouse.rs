//! The mouse: it moves what is looked at and selects, and that is all. What it can ask for is a type of its own, so no
//! click, wheel or forged report can arm, approve, reject, wait, edit, open a card or leave. A panel notes where it drew
//! what can be pointed at; a click names it by identity, so that a recording replays on another screen.

use std::cell::{Cell, RefCell};

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::{Position, Rect};

use crate::domain::cluster::Uid;
use crate::engine::drill::Drill;
use crate::engine::event::Command;
use crate::engine::gate::Gesture;
use crate::engine::inbox::Item;
use crate::engine::state::State;
use crate::engine::view::{self, Pane, Row, Screen};

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
    /// A pod.
    Pod(Uid),
    /// A row of the inbox.
    Item(Item),
    /// A row of the palette, or of the contexts.
    Entry(usize),
    /// A zone that the wheel moves.
    Zone(Pane),
}

/// All that a mouse can ask for. Whoever adds to it keeps to what moves or selects.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Pointed {
    /// One row of the screen up.
    Up,
    /// One row of the screen down.
    Down,
    /// One step in this pane, upwards if true.
    Wheel(Pane, bool),
    /// This row of the palette or of the contexts, or the first line of the help.
    Pick(usize),
    /// This row of the list.
    Select(Row),
    /// This revision.
    SelectRevision(Uid),
    /// This pod.
    SelectPod(Uid),
    /// This row of the inbox.
    SelectItem(Item),
    /// This pane.
    Focus(Pane),
    /// This range of the chart.
    Range(u8),
}

impl From<Pointed> for Command {
    fn from(pointed: Pointed) -> Self {
        match pointed {
            Pointed::Up => Self::Up,
            Pointed::Down => Self::Down,
            Pointed::Wheel(pane, back) => Self::Wheel(pane, back),
            Pointed::Pick(at) => Self::Pick(at),
            Pointed::Select(row) => Self::Select(row),
            Pointed::SelectRevision(uid) => Self::SelectRevision(uid),
            Pointed::SelectPod(uid) => Self::SelectPod(uid),
            Pointed::SelectItem(item) => Self::SelectItem(item),
            Pointed::Focus(pane) => Self::Focus(pane),
            Pointed::Range(range) => Self::Range(range),
        }
    }
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

/// What `event` asks for in `state`. Where text or a token is typed the mouse is nothing.
pub fn of_event(look: &Look, state: &State, event: MouseEvent) -> Option<Pointed> {
    let back = match event.kind {
        MouseEventKind::Down(MouseButton::Left) => return click(look, state, event),
        MouseEventKind::ScrollUp => true,
        MouseEventKind::ScrollDown => false,
        _ => return None,
    };
    let step = if back { Command::Up } else { Command::Down };
    if let Some(open) = &state.view.palette {
        let count = palette::find(&look.keymap, state).len();
        return (count > 0).then(|| Pointed::Pick(view::moved(open.at.min(count - 1), count, &step)));
    }
    if state.view.help {
        let lines = look.places.lines();
        return (lines > 1)
            .then(|| Pointed::Pick(view::moved(state.view.help_scroll.min(lines - 1), lines, &step)));
    }
    if busy(state) {
        return None;
    }
    match &state.view.screen {
        Screen::Main => {
            let zone = look.places.at(event.column, event.row, |t| matches!(t, Target::Zone(_)));
            match zone {
                Some(Target::Zone(pane)) => Some(Pointed::Wheel(pane, back)),
                _ => None,
            }
        }
        // The log is scrolled from its end.
        Screen::Log => Some(if back { Pointed::Down } else { Pointed::Up }),
        _ => Some(if back { Pointed::Up } else { Pointed::Down }),
    }
}

fn click(look: &Look, state: &State, event: MouseEvent) -> Option<Pointed> {
    let target = look.places.at(event.column, event.row, |t| !matches!(t, Target::Zone(_)));
    if state.view.palette.is_some() {
        return match target? {
            Target::Entry(at) => Some(Pointed::Pick(at)),
            _ => None,
        };
    }
    if state.view.help || busy(state) {
        return None;
    }
    match (&state.view.screen, target?) {
        (Screen::Main, Target::Row(row)) => Some(Pointed::Select(row)),
        (Screen::Main, Target::Revision(uid)) => Some(Pointed::SelectRevision(uid)),
        (Screen::Main, Target::Pane(pane)) => Some(Pointed::Focus(pane)),
        (Screen::Main, Target::Range(range)) => Some(Pointed::Range(range)),
        (Screen::Pods(_), Target::Pod(uid)) => Some(Pointed::SelectPod(uid)),
        (Screen::Contexts, Target::Entry(at)) => Some(Pointed::Pick(at)),
        (Screen::Inbox, Target::Item(item)) => Some(Pointed::SelectItem(item)),
        _ => None,
    }
}

/// Somebody is typing, arming or editing: the mouse is not asked.
fn busy(state: &State) -> bool {
    let gesture = commands::live_card(state).is_some_and(|card| card.gesture != Gesture::Idle);
    let drilled = state.drill.as_ref().and_then(Drill::typing).is_some();
    gesture
        || drilled
        || state.view.filtering
        || commands::searching(state)
        || commands::typing(state).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::keymap::{COMMANDS, DEFAULT, Keymap};
    use crate::ui::theme::Theme;
    use crossterm::event::KeyModifiers;

    fn at(kind: MouseEventKind, column: u16, row: u16) -> MouseEvent {
        MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE }
    }

    fn look() -> Look {
        Look::new(Theme::monochrome(), Keymap::parse(DEFAULT, "default.toml", COMMANDS).expect("whole"))
    }

    #[test]
    fn a_click_selects_what_was_drawn_last_at_its_place_and_the_wheel_moves_the_zone() {
        let (look, mut state) = (look(), State::default());
        let rect = |y, height| Rect { x: 0, y, width: 10, height };
        look.places.note(rect(0, 5), Target::Zone(Pane::Log));
        look.places.note(rect(1, 1), Target::Pane(Pane::Detail));
        look.places.note(rect(1, 1), Target::Range(3));
        let click = at(MouseEventKind::Down(MouseButton::Left), 3, 1);
        assert_eq!(of_event(&look, &state, click), Some(Pointed::Range(3)));
        assert_eq!(of_event(&look, &state, at(MouseEventKind::Down(MouseButton::Left), 3, 2)), None);
        let wheel = at(MouseEventKind::ScrollUp, 3, 1);
        assert_eq!(of_event(&look, &state, wheel), Some(Pointed::Wheel(Pane::Log, true)));
        assert_eq!(of_event(&look, &state, at(MouseEventKind::ScrollUp, 3, 7)), None);
        state.view.screen = Screen::Log;
        assert_eq!(of_event(&look, &state, wheel), Some(Pointed::Down), "from its end");
        assert_eq!(of_event(&look, &state, click), None, "what was drawn there belongs to another screen");
        for kind in [
            MouseEventKind::Up(MouseButton::Left),
            MouseEventKind::Down(MouseButton::Right),
            MouseEventKind::Drag(MouseButton::Left),
            MouseEventKind::Moved,
            MouseEventKind::ScrollLeft,
        ] {
            assert_eq!(of_event(&look, &state, at(kind, 3, 1)), None, "{kind:?}");
        }
        state.view.filtering = true;
        assert_eq!(of_event(&look, &state, wheel), None);
    }
}

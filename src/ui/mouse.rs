//! The mouse: it moves what is looked at and selects, and that is all. What it can ask for is a type of its own, so no
//! click, wheel or forged report can arm, approve, reject, wait, edit or leave.

use crossterm::event::{MouseEvent, MouseEventKind};

use crate::engine::event::Command;
use crate::engine::state::State;
use crate::engine::view::Screen;

use super::commands::{live_card, typing};

/// All that a mouse can ask for. Whoever adds to it keeps to what moves or selects.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Pointed {
    /// One row or line up.
    Up,
    /// One row or line down.
    Down,
}

impl From<Pointed> for Command {
    fn from(pointed: Pointed) -> Self {
        match pointed {
            Pointed::Up => Self::Up,
            Pointed::Down => Self::Down,
        }
    }
}

/// What `event` asks for in `state`. Where text or a token is typed, and in the help, the mouse is nothing.
pub fn of_event(state: &State, event: MouseEvent) -> Option<Pointed> {
    let typed = state.view.filtering
        || state.view.help
        || typing(state).is_some()
        || live_card(state).is_some_and(|card| card.takes_text());
    if typed {
        return None;
    }
    // The log is scrolled from its end: up is older.
    let (up, down) = match state.view.screen {
        Screen::Log => (Pointed::Down, Pointed::Up),
        _ => (Pointed::Up, Pointed::Down),
    };
    match event.kind {
        MouseEventKind::ScrollUp => Some(up),
        MouseEventKind::ScrollDown => Some(down),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crossterm::event::{KeyModifiers, MouseButton};

    fn wheel(kind: MouseEventKind) -> MouseEvent {
        MouseEvent { kind, column: 3, row: 4, modifiers: KeyModifiers::NONE }
    }

    #[test]
    fn the_wheel_scrolls_and_nothing_else_does_anything() {
        let mut state = State::default();
        assert_eq!(of_event(&state, wheel(MouseEventKind::ScrollDown)), Some(Pointed::Down));
        state.view.screen = Screen::Log;
        assert_eq!(of_event(&state, wheel(MouseEventKind::ScrollDown)), Some(Pointed::Up));
        for kind in [
            MouseEventKind::Down(MouseButton::Left),
            MouseEventKind::Up(MouseButton::Right),
            MouseEventKind::Drag(MouseButton::Middle),
            MouseEventKind::Moved,
            MouseEventKind::ScrollLeft,
        ] {
            assert_eq!(of_event(&state, wheel(kind)), None, "{kind:?}");
        }
        state.view.filtering = true;
        assert_eq!(of_event(&state, wheel(MouseEventKind::ScrollDown)), None);
    }
}

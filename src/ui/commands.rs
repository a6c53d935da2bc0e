//! From a key to a [`Command`]: by the keymap where keys are commands, as characters where text is typed. A released
//! key is nothing; a held one only scrolls, so no hand that rests on a key decides anything.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use crate::engine::event::Command;
use crate::engine::gate::{Gesture, Proposal};
use crate::engine::opinion::Typing;
use crate::engine::state::State;
use crate::engine::view::Screen;

use super::keymap::Keymap;

/// Moves of the cursor that are one large step.
const FAR: i8 = 10;

/// The command of each name in [`super::keymap::COMMANDS`].
static TABLE: &[(&str, Command)] = &[
    ("up", Command::Up),
    ("down", Command::Down),
    ("page_up", Command::PageUp),
    ("page_down", Command::PageDown),
    ("home", Command::Home),
    ("end", Command::End),
    ("open", Command::Open),
    ("gate", Command::Gate),
    ("filter", Command::Filter),
    ("range_1", Command::Range(0)),
    ("range_2", Command::Range(1)),
    ("range_3", Command::Range(2)),
    ("range_4", Command::Range(3)),
    ("range_5", Command::Range(4)),
    ("chart", Command::Chart),
    ("cursor_left", Command::Cursor(-1)),
    ("cursor_right", Command::Cursor(1)),
    ("cursor_far_left", Command::Cursor(-FAR)),
    ("cursor_far_right", Command::Cursor(FAR)),
    ("no_cursor", Command::NoCursor),
    ("queries", Command::Queries),
    ("by_hand", Command::ByHand),
    ("evidence", Command::Evidence),
    ("undo", Command::Undo),
    ("focus_next", Command::FocusNext),
    ("focus_previous", Command::FocusPrevious),
    ("diff", Command::Diff),
    ("log", Command::Log),
    ("help", Command::Help),
    ("quit", Command::Quit),
    ("arm", Command::Arm),
    ("edit", Command::Edit),
    ("reject", Command::Reject),
    ("wait", Command::Wait),
    ("add_restore", Command::AddRestore),
    ("model", Command::Model),
    ("ask", Command::Ask),
    ("stop", Command::Stop),
    ("back", Command::Back),
];

/// The command called `name`.
pub fn named(name: &str) -> Option<Command> {
    TABLE.iter().find(|(known, _)| *known == name).map(|(_, command)| command.clone())
}

/// The context in which keys are looked up.
pub fn context(state: &State) -> &'static str {
    match state.view.screen {
        Screen::Main | Screen::Log | Screen::Queries(_) => "main",
        Screen::Card(_) | Screen::Evidence(_) | Screen::Diff(_) | Screen::Model(_) | Screen::Readings(_) => {
            "card"
        }
    }
}

/// The card on the screen, while it is alive.
pub fn live_card(state: &State) -> Option<&Proposal> {
    let Screen::Card(key) = &state.view.screen else {
        return None;
    };
    let proposal = state.incidents.get(key)?.proposal.as_ref()?;
    (state.now < proposal.expires).then_some(proposal)
}

/// What is being typed on the model's page, while it is on the screen.
pub fn typing(state: &State) -> Option<&Typing> {
    let Screen::Model(key) = &state.view.screen else {
        return None;
    };
    state.counsel.get(key)?.typing.as_ref()
}

/// `ctrl` and `c`: leaves from everywhere.
pub fn is_interrupt(key: KeyEvent) -> bool {
    key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL)
}

/// The command of a pressed key in `state`; keys of the edit form's text area are not asked here.
pub fn of_key(keymap: &Keymap, state: &State, key: KeyEvent, read: u64) -> Option<Command> {
    let command = command(keymap, state, key, read)?;
    let scrolls = matches!(
        command,
        Command::Up
            | Command::Down
            | Command::PageUp
            | Command::PageDown
            | Command::Cursor(_)
            | Command::Backspace
    );
    match key.kind {
        KeyEventKind::Press => Some(command),
        KeyEventKind::Repeat => scrolls.then_some(command),
        KeyEventKind::Release => None,
    }
}

fn command(keymap: &Keymap, state: &State, key: KeyEvent, read: u64) -> Option<Command> {
    if is_interrupt(key) {
        return Some(Command::Quit);
    }
    if state.view.filtering {
        return typed(key, read);
    }
    if state.view.help {
        // Any key closes it, so none of them can do something else unseen.
        return Some(Command::Help);
    }
    if let Some(typing) = typing(state) {
        return match typing {
            Typing::Question(_) => typed(key, read),
            Typing::Rationale(_) => None,
        };
    }
    if let Some(proposal) = live_card(state).filter(|p| p.takes_text()) {
        return match &proposal.gesture {
            Gesture::Editing(_) => in_form(key, read),
            _ => typed(key, read),
        };
    }
    by_keymap(keymap, state, key)
}

fn by_keymap(keymap: &Keymap, state: &State, key: KeyEvent) -> Option<Command> {
    let context = context(state);
    let page = matches!(
        state.view.screen,
        Screen::Evidence(_)
            | Screen::Diff(_)
            | Screen::Model(_)
            | Screen::Readings(_)
            | Screen::Queries(_)
            | Screen::Log
    );
    let found = keymap.lookup(context, key).or_else(|| {
        let other = if context == "main" { "card" } else { "main" };
        let moves = |name: &&str| matches!(*name, "home" | "end" | "back");
        keymap.lookup(other, key).filter(|name| page && moves(name))
    });
    match found {
        Some(name) if state.view.screen == Screen::Log => named(name).map(from_the_end),
        Some(name) => named(name),
        // The main context has no command for it, and one expects it to lead back.
        None if key.code == KeyCode::Esc => Some(Command::Back),
        None => None,
    }
}

/// The log is scrolled from its end: up is older.
fn from_the_end(command: Command) -> Command {
    match command {
        Command::Up => Command::Down,
        Command::Down => Command::Up,
        Command::PageUp => Command::PageDown,
        Command::PageDown => Command::PageUp,
        Command::Home => Command::End,
        Command::End => Command::Home,
        other => other,
    }
}

/// A key while a line of text is typed.
fn typed(key: KeyEvent, read: u64) -> Option<Command> {
    let plain = !key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT);
    match key.code {
        KeyCode::Char(c) if plain => Some(Command::Char(c, read)),
        KeyCode::Backspace => Some(Command::Backspace),
        KeyCode::Enter => Some(Command::Submit),
        KeyCode::Tab => Some(Command::FocusNext),
        KeyCode::Esc => Some(Command::Back),
        _ => None,
    }
}

/// A key in the edit form, outside of its text area.
fn in_form(key: KeyEvent, read: u64) -> Option<Command> {
    match key.code {
        KeyCode::Up => Some(Command::Up),
        KeyCode::Down => Some(Command::Down),
        KeyCode::BackTab => Some(Command::FocusPrevious),
        _ if is_save(key) => Some(Command::Submit),
        _ => typed(key, read),
    }
}

/// `ctrl` and `s`: submits the form from its text area, where Enter is a new line.
pub fn is_save(key: KeyEvent) -> bool {
    key.code == KeyCode::Char('s') && key.modifiers.contains(KeyModifiers::CONTROL)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::keymap::COMMANDS;

    #[test]
    fn every_command_of_the_keymap_is_a_command_and_none_is_there_twice() {
        for (_, name, _) in COMMANDS {
            assert!(named(name).is_some(), "{name}");
        }
        for (n, (name, command)) in TABLE.iter().enumerate() {
            assert!(COMMANDS.iter().any(|(_, known, _)| known == name), "{name}");
            assert!(!TABLE[..n].iter().any(|(a, b)| a == name || b == command), "{name}");
        }
    }
}

//! From a key to a [`Command`]: by the keymap where keys are commands, as characters where text is typed. A released
//! key is nothing; a held one only scrolls, so no hand that rests on a key decides anything. Keys that are pressed one
//! after the other (`g g`) are remembered until they are a command or nothing.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use crate::engine::drill::{Answer, Drill, Phase};
use crate::engine::event::Command;
use crate::engine::gate::{Gesture, Proposal};
use crate::engine::opinion::Typing;
use crate::engine::state::State;
use crate::engine::view::Screen;

use super::chord::Chord;
use super::keymap::{Found, Keymap};

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
    ("journal", Command::Journal),
    ("export", Command::Export),
    ("pods", Command::Pods),
    ("alert", Command::Alert),
    ("mark", Command::Mark),
    ("copy", Command::Copy),
    ("pod_log", Command::PodLog),
    ("follow", Command::Follow),
    ("previous", Command::Previous),
    ("container", Command::Container),
    ("times", Command::Times),
    ("search", Command::Search),
    ("next", Command::Next),
    ("next_back", Command::NextBack),
    ("palette", Command::Palette),
    ("inbox", Command::Inbox),
    ("help", Command::Help),
    ("quit", Command::Quit),
    ("arm", Command::Arm),
    ("edit", Command::Edit),
    ("reject", Command::Reject),
    ("settle", Command::Settle),
    ("wait", Command::Wait),
    ("add_restore", Command::AddRestore),
    ("model", Command::Model),
    ("ask", Command::Ask),
    ("stop", Command::Stop),
    ("back", Command::Back),
    ("answer_roll_back", Command::Answer(Answer::RollBack)),
    ("answer_do_not", Command::Answer(Answer::DoNot)),
    ("answer_restore", Command::Answer(Answer::RestoreConfig)),
];

/// The command called `name`.
pub fn named(name: &str) -> Option<Command> {
    TABLE.iter().find(|(known, _)| *known == name).map(|(_, command)| command.clone())
}

/// The context in which keys are looked up.
pub fn context(state: &State) -> &'static str {
    match state.view.screen {
        Screen::Main
        | Screen::Log
        | Screen::Queries(_)
        | Screen::Inbox
        | Screen::Contexts
        | Screen::Journal
        | Screen::Record(_)
        | Screen::Drill => "main",
        Screen::Card(_) | Screen::Evidence(_) | Screen::Model(_) | Screen::Readings(_) => "card",
        Screen::Diff(_)
        | Screen::Pods(_)
        | Screen::Pod(..)
        | Screen::PodLog(..)
        | Screen::Alert(_)
        | Screen::Revision(..)
        | Screen::Compare(..) => "page",
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

/// What to search in a log is being typed.
pub fn searching(state: &State) -> bool {
    matches!(state.view.screen, Screen::PodLog(..)) && state.view.pod_log.typing.is_some()
}

/// `ctrl` and `c`: leaves from everywhere.
pub fn is_interrupt(key: KeyEvent) -> bool {
    key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL)
}

/// The command of a pressed key in `state`; keys of the edit form's text area are not asked here.
///
/// `begun` are the keys of a sequence that was begun, in order; it is kept up to date.
pub fn of_key(
    keymap: &Keymap,
    state: &State,
    key: KeyEvent,
    read: u64,
    begun: &mut Vec<Chord>,
) -> Option<Command> {
    match key.kind {
        KeyEventKind::Press => command(keymap, state, key, read, begun),
        // A held key begins nothing and goes on with nothing.
        KeyEventKind::Repeat => command(keymap, state, key, read, &mut Vec::new()).filter(scrolls),
        KeyEventKind::Release => None,
    }
}

fn scrolls(command: &Command) -> bool {
    matches!(
        command,
        Command::Up
            | Command::Down
            | Command::PageUp
            | Command::PageDown
            | Command::Cursor(_)
            | Command::Backspace
            | Command::Pick(_)
    )
}

fn command(
    keymap: &Keymap,
    state: &State,
    key: KeyEvent,
    read: u64,
    begun: &mut Vec<Chord>,
) -> Option<Command> {
    if is_interrupt(key) {
        return Some(Command::Quit);
    }
    if state.view.filtering {
        return typed(key, read);
    }
    if searching(state) {
        return typed(key, read);
    }
    if state.drill.as_ref().and_then(Drill::typing).is_some() {
        return typed(key, read);
    }
    if let Some(answer) = answer(keymap, state, key) {
        return Some(answer);
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
    by_keymap(keymap, state, key, begun)
}

/// An answer of a drill, on the screens where facts are read and no text is typed.
fn answer(keymap: &Keymap, state: &State, key: KeyEvent) -> Option<Command> {
    let asked = state.drill.as_ref().is_some_and(|drill| drill.phase == Phase::Asking);
    let here = matches!(
        state.view.screen,
        Screen::Main
            | Screen::Drill
            | Screen::Evidence(_)
            | Screen::Diff(_)
            | Screen::Readings(_)
            | Screen::Log
    );
    (asked && here).then(|| keymap.lookup("drill", key).and_then(named)).flatten()
}

fn by_keymap(keymap: &Keymap, state: &State, key: KeyEvent, begun: &mut Vec<Chord>) -> Option<Command> {
    let chord = Chord::of_event(key);
    let mut chords = std::mem::take(begun);
    let first = chords.is_empty();
    chords.push(chord);
    match look_up(keymap, state, &chords) {
        Found::Command(name) if state.view.screen == Screen::Log => named(name).map(from_the_end),
        Found::Command(name) => named(name),
        Found::Begun => {
            *begun = chords;
            None
        }
        // What was begun is given up; the key that did it means what it means alone.
        Found::Nothing if !first && key.code != KeyCode::Esc => by_keymap(keymap, state, key, begun),
        Found::Nothing if !first => None,
        // The main context has no command for it, and one expects it to lead back.
        Found::Nothing if key.code == KeyCode::Esc => Some(Command::Back),
        Found::Nothing => None,
    }
}

/// In the context of the screen; on pages the keys of the other one that move.
fn look_up<'k>(keymap: &'k Keymap, state: &State, chords: &[Chord]) -> Found<'k> {
    let context = context(state);
    let page = matches!(
        state.view.screen,
        Screen::Evidence(_) | Screen::Model(_) | Screen::Readings(_) | Screen::Queries(_) | Screen::Log
    );
    let other = if context == "main" { "card" } else { "main" };
    match (keymap.find(context, chords), keymap.find(other, chords)) {
        (Found::Nothing, Found::Command(name)) if page && matches!(name, "home" | "end" | "back") => {
            Found::Command(name)
        }
        (Found::Nothing, Found::Begun) if page => Found::Begun,
        (found, _) => found,
    }
}

/// The command that moves, whatever else the keymap binds it to: for help and palette.
pub fn moves(keymap: &Keymap, key: KeyEvent) -> Option<Command> {
    let name = keymap.lookup("main", key)?;
    let moves = matches!(name, "up" | "down" | "page_up" | "page_down" | "home" | "end");
    named(name).filter(|_| moves)
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
pub fn typed(key: KeyEvent, read: u64) -> Option<Command> {
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

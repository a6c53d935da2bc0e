//! The palette: one line of text, and what is chosen by it. What can be chosen is a [`Choice`], and a choice holds no
//! command that arms, approves, rejects, waits or edits: those are keys on the card, where one sees what they are about.
//! Which choices a text finds is the screen's to say, because names and keys are its own; it says so by identity.

use serde::{Deserialize, Serialize};

use super::effect::Effect;
use super::event::Command;
use super::input;
use super::state::State;
use super::view::{Pane, RANGES, Row, Screen};

/// Longest text.
const LONGEST: usize = 200;

/// The open palette.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Palette {
    /// What is typed.
    pub text: String,
    /// Which of what it finds is chosen, counted from the best.
    pub at: usize,
}

/// What the palette does when Enter is pressed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Choice {
    /// A command, as its key would.
    Run(Harmless),
    /// To an SLO or a workload of the list.
    Select(Row),
    /// The chart over this range.
    Range(u8),
    /// Only the rows that this filter lets through.
    Filter(String),
    /// Another screen.
    Go(Screen),
}

/// A command that decides nothing and types nothing: made by [`Harmless::of`] and in no other way.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(try_from = "Command", into = "Command")]
pub struct Harmless(Box<Command>);

impl TryFrom<Command> for Harmless {
    type Error = &'static str;

    fn try_from(command: Command) -> Result<Self, Self::Error> {
        Self::of(command).ok_or("the palette runs no command that decides or types")
    }
}

impl From<Harmless> for Command {
    fn from(harmless: Harmless) -> Self {
        *harmless.0
    }
}

impl Harmless {
    /// `command`, if it may be run from the palette. What is not named here may not.
    pub fn of(command: Command) -> Option<Self> {
        let harmless = matches!(
            command,
            Command::Quit
                | Command::Help
                | Command::Up
                | Command::Down
                | Command::PageUp
                | Command::PageDown
                | Command::Home
                | Command::End
                | Command::Open
                | Command::Gate
                | Command::Inbox
                | Command::Journal
                | Command::Export
                | Command::Filter
                | Command::Range(_)
                | Command::Chart
                | Command::Cursor(_)
                | Command::NoCursor
                | Command::Queries
                | Command::ByHand
                | Command::Evidence
                | Command::Diff
                | Command::Undo
                | Command::FocusNext
                | Command::FocusPrevious
                | Command::Log
                | Command::Pods
                | Command::Alert
                | Command::Mark
                | Command::Copy
                | Command::PodLog
                | Command::Follow
                | Command::Previous
                | Command::Container
                | Command::Times
                | Command::Search
                | Command::Next
                | Command::NextBack
                | Command::Model
                | Command::Ask
                | Command::Stop
                | Command::Back
        );
        harmless.then(|| Self(Box::new(command)))
    }

    /// The command.
    pub fn command(&self) -> &Command {
        &self.0
    }
}

/// Opens it, empty.
pub(super) fn open(state: &mut State) {
    state.view.palette = Some(Palette::default());
}

/// Takes a command while it is open; none of them reaches the screen below but by a [`Choice`].
pub(super) fn command(state: &mut State, command: Command, effects: &mut Vec<Effect>) -> bool {
    let Some(palette) = &mut state.view.palette else {
        return false;
    };
    match command {
        Command::Char(c, _) => {
            push(&mut palette.text, c);
            palette.at = 0;
        }
        Command::Paste(text) => {
            text.chars().for_each(|c| push(&mut palette.text, c));
            palette.at = 0;
        }
        Command::Draft(text) => {
            *palette = Palette::default();
            text.chars().for_each(|c| push(&mut palette.text, c));
        }
        Command::Backspace => {
            palette.text.pop();
            palette.at = 0;
        }
        Command::Pick(at) => palette.at = at,
        Command::Back | Command::Palette => state.view.palette = None,
        Command::Choose(choice) => {
            state.view.palette = None;
            return choose(state, choice, effects);
        }
        Command::Quit => {
            state.view.palette = None;
            return input::command(state, Command::Quit, effects);
        }
        _ => {}
    }
    false
}

fn choose(state: &mut State, choice: Choice, effects: &mut Vec<Effect>) -> bool {
    match choice {
        Choice::Run(harmless) => return input::command(state, *harmless.0, effects),
        Choice::Select(row) => {
            input::leave(state, Screen::Main);
            // What was asked for by name is shown, whatever was filtered before.
            if !state.listing.rows().contains(&row) {
                state.view.filter.clear();
            }
            state.view.pane = Pane::List;
            state.view.revision = None;
            state.view.selected = Some(row);
        }
        Choice::Range(range) => {
            input::leave(state, Screen::Main);
            state.view.range = usize::from(range).min(RANGES.len() - 1);
        }
        Choice::Filter(text) => {
            input::leave(state, Screen::Main);
            state.view.pane = Pane::List;
            state.view.filter.clear();
            text.chars().for_each(|c| push(&mut state.view.filter, c));
        }
        Choice::Go(screen) => input::leave(state, screen),
    }
    false
}

fn push(text: &mut String, c: char) {
    if text.chars().count() < LONGEST && !c.is_control() {
        text.push(c);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_decides_types_or_edits_is_no_choice() {
        for command in [
            Command::Arm,
            Command::Edit,
            Command::Reject,
            Command::Settle,
            Command::Wait,
            Command::AddRestore,
            Command::Char('a', 1),
            Command::Backspace,
            Command::Submit,
            Command::Paste(String::new()),
            Command::Draft(String::new()),
            Command::Choose(Choice::Range(0)),
        ] {
            assert_eq!(Harmless::of(command.clone()), None, "{command:?}");
        }
    }

    #[test]
    fn a_recording_that_was_written_by_somebody_else_cannot_make_one_either() {
        let open = serde_json::to_string(&Harmless::of(Command::Open)).expect("JSON");
        assert!(serde_json::from_str::<Harmless>(&open).is_ok());
        let arm = serde_json::to_string(&Command::Arm).expect("JSON");
        assert!(serde_json::from_str::<Harmless>(&arm).is_err());
    }

    #[test]
    fn while_it_is_open_nothing_reaches_the_screen_below() {
        let mut state = State::default();
        state.view.range = 2;
        open(&mut state);
        let before = state.clone();
        for command in [Command::Arm, Command::Reject, Command::Wait, Command::Submit, Command::Range(0)] {
            assert!(!input::command(&mut state, command.clone(), &mut Vec::new()));
            assert_eq!(state, before, "{command:?}");
        }
        input::command(&mut state, Command::Char('x', 1), &mut Vec::new());
        input::command(&mut state, Command::Choose(Choice::Range(4)), &mut Vec::new());
        assert_eq!((state.view.range, state.view.palette), (4, None));
    }
}

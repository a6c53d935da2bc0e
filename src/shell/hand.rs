//! What a hand did, as a command: the keyboard, the mouse and the paste of a terminal, as the screen in front of it
//! makes them. It refuses characters of a token that were typed on a frame which does not fit the terminal any more,
//! and disarms what was armed before somebody else had the terminal.

use crate::engine::gate::Gesture;
use crate::engine::{Command, State};
use crate::sabotage::{self, Design};
use crate::ui::Ui;
use crate::ui::commands::live_card;

use super::screen::parser::Told;

/// The command of what was `told` in the terminal read number `read`; `fits`: the terminal has the size of the frame
/// that is on it. Answers of the terminal are none.
pub fn command(ui: &mut Ui, state: &State, told: Told, read: u64, fits: bool) -> Option<Command> {
    let command = match told {
        Told::Key(key) => ui.key(state, key, read),
        Told::Paste(text) => ui.paste(state, text),
        Told::Mouse(event) => ui.mouse(state, event).map(Command::from),
        _ => None,
    };
    // Nobody can say what is still to be seen of a card whose terminal has just become another one.
    let token = live_card(state).is_some_and(|card| matches!(card.gesture, Gesture::Token { .. }));
    let blind = token && !fits && !sabotage::is(Design::StaleSizeCounts);
    command.filter(|command| !(blind && matches!(command, Command::Char(..))))
}

/// The command that follows when somebody else had the terminal: nobody can say who saw and pressed what meanwhile.
pub fn returned(state: &State) -> Option<Command> {
    let armed = live_card(state)
        .is_some_and(|card| matches!(card.gesture, Gesture::Token { .. } | Gesture::Reason(_)));
    (armed && !sabotage::is(Design::SuspendedStaysArmed)).then_some(Command::Back)
}

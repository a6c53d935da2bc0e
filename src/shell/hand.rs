//! What a hand did, as a command: the keyboard, the mouse and the paste of a terminal, as the screen in front of it
//! makes them. It refuses characters of a token that were typed on a frame which did not fit the terminal any more,
//! and disarms what was armed before somebody else had the terminal.

use crate::engine::gate::Gesture;
use crate::engine::{Command, State};
use crate::sabotage::{self, Design};
use crate::ui::Ui;
use crate::ui::commands::live_card;

use super::screen::parser::Told;

/// Whether the frame on the terminal is one for the size that the terminal has, and since which read of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Fit {
    /// The size changed since the last frame.
    resized: bool,
    /// What was typed up to this read was typed on a frame of another size.
    before: u64,
}

impl Fit {
    /// The size changed, or did and is the old one again.
    pub fn resized(&mut self) {
        self.resized = true;
    }

    /// A frame was written, when `read` was the last read of the terminal.
    pub fn drawn(&mut self, read: u64) {
        if std::mem::take(&mut self.resized) {
            self.before = read;
        }
    }

    /// What was typed in this read was typed on a frame that fits.
    pub fn counts(self, read: u64) -> bool {
        (!self.resized && read > self.before) || sabotage::is(Design::StaleSizeCounts)
    }
}

/// The command of what was `told` in the terminal read `stroke`; `fits`: it was done on a frame that fits the
/// terminal. Answers of the terminal are none.
pub fn command(ui: &mut Ui, state: &State, told: Told, stroke: u64, fits: bool) -> Option<Command> {
    let command = match told {
        Told::Key(key) => ui.key(state, key, stroke),
        Told::Paste(text) => ui.paste(state, text),
        Told::Mouse(event) => ui.mouse(state, event).map(Command::from),
        _ => None,
    };
    // Nobody can say what was still to be seen of a card whose terminal had just become another one.
    let token = live_card(state).is_some_and(|card| matches!(card.gesture, Gesture::Token { .. }));
    command.filter(|command| fits || !(token && matches!(command, Command::Char(..))))
}

/// The command that follows when somebody else had the terminal: nobody can say who saw and pressed what meanwhile.
pub fn returned(state: &State) -> Option<Command> {
    let armed = live_card(state)
        .is_some_and(|card| matches!(card.gesture, Gesture::Token { .. } | Gesture::Reason(_)));
    (armed && !sabotage::is(Design::SuspendedStaysArmed)).then_some(Command::Back)
}

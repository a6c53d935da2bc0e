//! The title of the window: what waits for a person before where it is, because a title is cut at its end.

use crate::engine::state::State;
use crate::engine::view;

/// The title of the window in `state`. It changes when the situation does, never with the clock.
pub fn of(state: &State) -> String {
    let context = &state.setup.context;
    let place = if context.is_empty() { "goaround".to_owned() } else { format!("goaround {context}") };
    match view::open_gates(state).0 {
        0 => place,
        1 => format!("1 gate open - {place}"),
        open => format!("{open} gates open - {place}"),
    }
}

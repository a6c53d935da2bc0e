//! The title of the window: where it is, production in words, then what waits for a person and for how long. Ages are
//! whole minutes, so that a title is not sent every second over a bad line.

use crate::domain::format;
use crate::engine::state::State;
use crate::engine::view;

/// The title of the window in `state`: `goaround PROD eu-west-1: 1 gate open 3 m`.
pub fn of(state: &State) -> String {
    let context = &state.setup.context;
    let prod = if state.setup.prod { " PROD" } else { "" };
    let place =
        if context.is_empty() { format!("goaround{prod}") } else { format!("goaround{prod} {context}") };
    let (open, since) = view::oldest_gate(state);
    let acting = state.incidents.values().filter(|i| i.acting()).count();
    let burning = state.incidents.values().filter(|i| !i.slos.is_empty() && i.calm_since.is_none()).count();
    let what = match (open, since) {
        (1.., Some(since)) => {
            let gates = if open == 1 { "1 gate open".into() } else { format!("{open} gates open") };
            match (state.now - since).num_minutes() {
                ..1 => gates,
                minutes => format!("{gates} {minutes} m"),
            }
        }
        _ if acting > 0 => format!("{} under way", format::several(acting, "action")),
        _ if burning > 0 => format!("{} burning", format::several(burning, "workload")),
        _ => return place,
    };
    format!("{place}: {what}")
}

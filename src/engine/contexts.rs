//! The contexts to choose from before anything is connected: which one is selected, and which was taken. What was taken
//! holds for the whole session.

use crate::domain::clean::Clean;

use super::event::Command;
use super::state::State;
use super::view;

/// One context.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Context {
    /// Its name.
    pub name: Clean,
    /// URL of its API server; empty where nobody knows.
    pub server: Clean,
    /// Name of its user.
    pub user: Clean,
    /// Its namespace.
    pub namespace: Clean,
    /// It is the current one of the kubeconfig.
    pub current: bool,
    /// It is production.
    pub prod: bool,
}

/// What can be chosen.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Contexts {
    /// All, in order.
    pub all: Vec<Context>,
    /// The selected one.
    pub at: usize,
    /// One was taken: its place in `all`.
    pub taken: Option<usize>,
}

/// Takes a command while the contexts fill the screen; there is no other screen yet to go to.
pub(super) fn command(state: &mut State, command: &Command) -> bool {
    let contexts = &mut state.contexts;
    if contexts.taken.is_some() {
        return false;
    }
    match command {
        Command::Open => contexts.taken = (contexts.at < contexts.all.len()).then_some(contexts.at),
        Command::Pick(at) => contexts.at = (*at).min(contexts.all.len().saturating_sub(1)),
        command => contexts.at = view::moved(contexts.at, contexts.all.len(), command),
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::input;
    use crate::engine::view::Screen;

    #[test]
    fn arrows_select_enter_takes_and_what_is_taken_stays() {
        let mut state = State::default();
        state.view.screen = Screen::Contexts;
        state.contexts.all = vec![Context::default(), Context::default()];
        for (command, at, taken) in [
            (Command::Palette, 0, None),
            (Command::Back, 0, None),
            (Command::Down, 1, None),
            (Command::Down, 1, None),
            (Command::Pick(0), 0, None),
            (Command::End, 1, None),
            (Command::Open, 1, Some(1)),
            (Command::Up, 1, Some(1)),
        ] {
            input::command(&mut state, command.clone(), &mut Vec::new());
            assert_eq!((state.contexts.at, state.contexts.taken), (at, taken), "{command:?}");
            assert_eq!((&state.view.screen, &state.view.palette), (&Screen::Contexts, &None));
        }
    }
}

//! Commands on the model's page: ask it something, stop it, write the rationale anew, scroll. Nothing here can arm,
//! approve, reject or wait.

use crate::domain::clean::Clean;
use crate::domain::cluster::Key;

use super::effect::Effect;
use super::event::Command;
use super::opinion::{self, Counsel, LONGEST_QUESTION, LONGEST_RATIONALE, Typing};
use super::state::{State, Weight};

/// Takes a command that is not about the page's lines. `None`: it is not one of these.
pub fn command(
    state: &mut State,
    workload: &Key,
    command: &Command,
    effects: &mut Vec<Effect>,
) -> Option<()> {
    if state.counsel.get(workload).is_some_and(|c| c.typing.is_some()) {
        type_into(state, workload, command, effects);
        return Some(());
    }
    match command {
        Command::Ask => begin(state, workload, Typing::Question(String::new())),
        Command::Edit => {
            let text = opinion::rationale_text(state, workload);
            begin(state, workload, Typing::Rationale(text));
        }
        Command::Stop => stop(state, workload, effects),
        _ => return None,
    }
    Some(())
}

/// Stops what is under way, because a person says so.
pub fn stop(state: &mut State, workload: &Key, effects: &mut Vec<Effect>) {
    let by = state.user();
    match state.counsel.get(workload).and_then(Counsel::under_way) {
        Some(_) => {
            opinion::stop(state, workload, &format!("by {by}"), effects);
            if let Some(counsel) = state.counsel.get_mut(workload) {
                counsel.silenced = true;
            }
            state.say("model", Weight::Plain, format!("{workload}: the model was stopped by {by}"));
        }
        None => state.say("model", Weight::Plain, "the model says nothing that could be stopped"),
    }
}

/// Begins a question, where one can be asked.
pub fn begin(state: &mut State, workload: &Key, typing: Typing) {
    if state.setup.advisor.is_none() && matches!(typing, Typing::Question(_)) {
        state.say("model", Weight::Plain, "no model is configured: [advisor] in config.toml");
        return;
    }
    match state.counsel.get_mut(workload) {
        Some(counsel) if counsel.under_way().is_some() && matches!(typing, Typing::Question(_)) => {
            counsel.note = Some("the model still answers: stop it, or wait, then ask".into());
        }
        Some(counsel) => {
            counsel.note = None;
            counsel.typing = Some(typing);
        }
        None => state.say("model", Weight::Plain, "there is no card to speak about"),
    }
}

fn type_into(state: &mut State, workload: &Key, command: &Command, effects: &mut Vec<Effect>) {
    let Some(counsel) = state.counsel.get_mut(workload) else { return };
    let Some(typing) = &mut counsel.typing else { return };
    counsel.note = None;
    match (typing, command) {
        (_, Command::Back) => counsel.typing = None,
        (Typing::Question(text), Command::Char(c, _)) => push(text, *c),
        (Typing::Question(text), Command::Paste(pasted)) => {
            pasted.chars().for_each(|c| push(text, if c.is_whitespace() { ' ' } else { c }));
        }
        (Typing::Question(text), Command::Backspace) => {
            text.pop();
        }
        (Typing::Question(text), Command::Submit) => {
            let text = text.clone();
            let asked = opinion::question(state, workload, &text, effects);
            let Some(counsel) = state.counsel.get_mut(workload) else { return };
            match asked {
                Ok(()) => counsel.typing = None,
                // What was typed stays.
                Err(why) => counsel.note = Some(Clean::new(format!("not asked: {why}"))),
            }
        }
        (Typing::Rationale(text), Command::Draft(drafted)) => {
            *text = drafted.chars().take(LONGEST_RATIONALE).collect();
        }
        (Typing::Rationale(text), Command::Submit) => {
            let text = text.clone();
            counsel.typing = None;
            opinion::write_rationale(state, workload, &text, effects);
        }
        _ => {}
    }
}

fn push(text: &mut String, c: char) {
    if text.chars().count() < LONGEST_QUESTION && !c.is_control() {
        text.push(c);
    }
}

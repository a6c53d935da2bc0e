//! Commands of the person: selection, pages, and the gestures of the gate. Nothing here can execute anything; the
//! furthest it goes is a completed gesture, which [`super::action::approve`] then checks once more.

use crate::domain::clean::Clean;
use crate::domain::cluster::Key;
use crate::domain::format;
use crate::domain::verdict::Offer;
use crate::domain::window::Window;
use crate::sabotage::{self, Design};

use super::analysis::Wish;
use super::chart;
use super::contexts;
use super::courtesy;
use super::effect::Effect;
use super::event::{Command, Ticket};
use super::gate::{Decision, Draft, Gesture, Proposal};
use super::inbox;
use super::incident::{self, Waiting};
use super::inspect;
use super::model_page;
use super::opinion::{self, Typing};
use super::palette;
use super::quorum;
use super::record;
use super::revisions::Mark;
use super::settle;
use super::state::{State, Weight};
use super::view::{self, Pane, Row, Screen};
use super::{action, drill, ledger};

/// Lines of a page of text on the smallest screen, less one that stays.
const SCREEN: usize = 19;

/// Takes a command. True when what follows should be computed at once.
pub fn command(state: &mut State, command: Command, effects: &mut Vec<Effect>) -> bool {
    if state.view.palette.is_some() {
        return palette::command(state, command, effects);
    }
    if state.view.filtering {
        return filter(state, command);
    }
    if let Some(taken) = drill::command(state, &command, effects) {
        return taken;
    }
    if state.view.help && !matches!(command, Command::Quit) {
        help(state, &command);
        return false;
    }
    match (&state.view.screen, command) {
        (_, Command::Quit) => {
            state.quitting = true;
            opinion::stop_all(state, effects);
            effects.push(Effect::Quit);
            false
        }
        (_, Command::Help) => {
            state.view.help = true;
            state.view.help_scroll = 0;
            false
        }
        (Screen::Contexts, command) => contexts::command(state, &command),
        (_, Command::Palette) => {
            // Where characters are text one of them opened nothing.
            if !takes_text(state) {
                palette::open(state);
            }
            false
        }
        (_, Command::Copy) => {
            if !takes_text(state) {
                inspect::copy(state, effects);
            }
            false
        }
        (Screen::Journal | Screen::Record(_), command) => {
            ledger::command(state, &command, effects);
            false
        }
        (Screen::Inbox, command) => inbox::command(state, command),
        (screen, Command::Journal) if !matches!(screen, Screen::Card(_) | Screen::Model(_)) => {
            ledger::open(state, effects);
            false
        }
        (Screen::Card(key), command) => card(state, &key.clone(), command, effects),
        (Screen::Model(key), command) => {
            let key = key.clone();
            match model_page::command(state, &key, &command, effects) {
                Some(()) => false,
                None => page(state, command),
            }
        }
        (Screen::Pods(_), Command::SelectPod(uid)) => {
            state.view.pod = Some(uid);
            false
        }
        (
            Screen::Pods(_)
            | Screen::Pod(..)
            | Screen::PodLog(..)
            | Screen::Alert(_)
            | Screen::Revision(..)
            | Screen::Compare(..),
            command,
        ) => match inspect::command(state, &command) {
            Some(()) => false,
            None => page(state, command),
        },
        (
            Screen::Evidence(_)
            | Screen::Diff(_)
            | Screen::Readings(_)
            | Screen::Queries(_)
            | Screen::Log
            | Screen::Drill,
            command,
        ) => page(state, command),
        (Screen::Main, command) => main(state, command),
    }
}

/// Moves within the help; anything else closes it.
fn help(state: &mut State, command: &Command) {
    match command {
        Command::Pick(line) => state.view.help_scroll = *line,
        _ => state.view.help = false,
    }
}

/// Characters are text on the screen as it is.
fn takes_text(state: &State) -> bool {
    match &state.view.screen {
        Screen::Card(key) => {
            state.incidents.get(key).and_then(|i| i.proposal.as_ref()).is_some_and(Proposal::takes_text)
        }
        Screen::Model(key) => state.counsel.get(key).is_some_and(|c| c.typing.is_some()),
        Screen::PodLog(..) => state.view.pod_log.typing.is_some(),
        _ => false,
    }
}

fn filter(state: &mut State, command: Command) -> bool {
    match command {
        Command::Char(c, _) if !c.is_control() && state.view.filter.len() < 200 => state.view.filter.push(c),
        Command::Paste(text) => state.view.filter.extend(text.chars().filter(|c| !c.is_control()).take(200)),
        Command::Backspace => {
            state.view.filter.pop();
        }
        Command::Submit => state.view.filtering = false,
        Command::Back => {
            state.view.filtering = false;
            state.view.filter.clear();
        }
        Command::Quit => state.quitting = true,
        _ => {}
    }
    false
}

pub(super) fn main(state: &mut State, command: Command) -> bool {
    match command {
        Command::Up | Command::Down | Command::PageUp | Command::PageDown | Command::Home | Command::End => {
            moved(state, state.view.pane, &command);
        }
        Command::Wheel(pane, back) => {
            moved(state, pane, if back { &Command::Up } else { &Command::Down });
        }
        Command::Select(row) => {
            state.view.pane = Pane::List;
            if view::selected(state) != Some(&row) {
                state.view.revision = None;
            }
            state.view.selected = Some(row);
        }
        Command::SelectRevision(uid) => {
            state.view.pane = Pane::Revisions;
            state.view.revision = Some(uid);
        }
        Command::Focus(pane) => state.view.pane = pane,
        Command::Inbox => open(state, Screen::Inbox),
        Command::FocusNext => state.view.pane = state.view.pane.step(false),
        Command::FocusPrevious => state.view.pane = state.view.pane.step(true),
        Command::Filter => state.view.filtering = true,
        Command::Range(n) => {
            state.view.range = usize::from(n).min(view::RANGES.len() - 1);
            state.view.cursor = None;
        }
        Command::Chart => {
            state.view.chart = state.view.chart.next();
            to_the_chart(state);
        }
        Command::Cursor(moves) => {
            chart::move_cursor(state, moves);
            to_the_chart(state);
        }
        Command::NoCursor => state.view.cursor = None,
        Command::Queries => match view::selected_slo(state).cloned() {
            Some(id) => open(state, Screen::Queries(id)),
            None => state.say("slo", Weight::Plain, "no SLO judges it: there are no queries"),
        },
        Command::Gate => match view::most_urgent_gate(state) {
            Some(key) => open(state, Screen::Card(key)),
            None => state.say("gate", Weight::Plain, "no gate is open"),
        },
        Command::Open if state.view.pane == Pane::Revisions => inspect::open_revision(state),
        Command::Pods => inspect::open_pods(state),
        Command::Alert => inspect::open_alert(state),
        Command::Mark => inspect::mark(state),
        Command::Open => match view::selected_workload(state) {
            Some(key) if state.incidents.contains_key(&key) => open(state, Screen::Card(key)),
            _ => state.view.pane = Pane::Detail,
        },
        Command::Evidence => {
            let incident = view::selected_workload(state).filter(|k| state.incidents.contains_key(k));
            match (incident, view::selected_slo(state).cloned()) {
                (Some(key), _) => open(state, Screen::Evidence(key)),
                (None, Some(id)) => open(state, Screen::Readings(id)),
                (None, None) => state.say("slo", Weight::Plain, "no SLO judges it: there is no evidence"),
            }
        }
        Command::Diff => match view::selected_workload(state) {
            Some(key) => match inspect::compared(state, &key) {
                Some((older, newer)) => open(state, Screen::Compare(key, older, newer)),
                None => open(state, Screen::Diff(key)),
            },
            None => state.say("kube", Weight::Plain, "no workload is known: there is nothing to compare"),
        },
        Command::ByHand => return by_hand(state),
        Command::Undo => {
            if let Some(key) = view::selected_workload(state) {
                action::propose_undo(state, &key);
                if state.incidents.contains_key(&key) {
                    open(state, Screen::Card(key));
                }
                return true;
            }
        }
        Command::Log => open(state, Screen::Log),
        // One step at a time: whoever reads the chart wants to leave that first.
        Command::Back if state.view.cursor.is_some() => state.view.cursor = None,
        Command::Export => {
            state.say(
                "journal",
                Weight::Plain,
                "a post-mortem is written of a record: choose one in the journal",
            );
        }
        Command::Back => {
            state.view.filter.clear();
            state.view.pane = Pane::List;
        }
        _ => {}
    }
    false
}

/// On a small screen the chart is a page: whoever reads it wants to see it. The arrows go where they went before.
fn to_the_chart(state: &mut State) {
    if matches!(state.view.pane, Pane::List | Pane::Detail) {
        state.view.pane = Pane::Chart;
    }
}

/// Leaves what is on the screen for another one. What was pressed on a card is not left behind armed, and a wish that
/// was not decided goes with its card.
pub(super) fn leave(state: &mut State, screen: Screen) {
    if let Screen::Card(key) = &state.view.screen
        && !matches!(&screen, Screen::Card(other) if other == key)
    {
        leave_card(state, &key.clone());
    }
    open(state, screen);
}

fn open(state: &mut State, screen: Screen) {
    state.view.screen = screen;
    state.view.scroll = 0;
    state.view.change = None;
}

fn by_hand(state: &mut State) -> bool {
    let Some(workload) = view::selected_workload(state) else {
        return false;
    };
    let timeline = view::timeline(state, &workload);
    let wanted = state.view.revision.as_ref().and_then(|uid| timeline.iter().find(|r| r.uid == *uid));
    // Without a choice: the newest revision that is not the current one.
    let row = wanted.or_else(|| timeline.iter().find(|r| r.mark != Mark::Current));
    let Some(row) = row.filter(|r| r.mark != Mark::Current) else {
        state.say(
            "gate",
            Weight::Plain,
            format!("{workload}: choose an older revision (tab, arrows), then u"),
        );
        return false;
    };
    let target = row.uid.clone();
    incident::by_hand(state, &workload, target);
    open(state, Screen::Card(workload));
    true
}

fn moved(state: &mut State, pane: Pane, command: &Command) {
    match pane {
        Pane::List | Pane::Detail | Pane::Chart => {
            let rows = view::rows(state);
            let at = view::selected(state).and_then(|row| state.listing.place(row)).unwrap_or(0);
            let next: Option<Row> = rows.get(view::moved(at, rows.len(), command)).cloned();
            if next != state.view.selected {
                state.view.revision = None;
                state.view.cursor = None;
            }
            state.view.selected = next;
        }
        Pane::Revisions => {
            let Some(workload) = view::selected_workload(state) else {
                return;
            };
            let timeline = view::timeline(state, &workload);
            let at = timeline.iter().position(|r| Some(&r.uid) == state.view.revision.as_ref()).unwrap_or(0);
            state.view.revision =
                timeline.get(view::moved(at, timeline.len(), command)).map(|r| r.uid.clone());
        }
        Pane::Log => {
            // The log grows downwards: up means older.
            let len = view::log_range(state).len();
            let from_end = match command {
                Command::Up => state.view.log_scroll + 1,
                Command::Down => state.view.log_scroll.saturating_sub(1),
                Command::PageUp => state.view.log_scroll + view::PAGE,
                Command::PageDown => state.view.log_scroll.saturating_sub(view::PAGE),
                Command::Home => len,
                _ => 0,
            };
            state.view.log_scroll = from_end.min(len.saturating_sub(1));
        }
    }
}

/// To the next difference of a comparison, or to the one before.
fn next_change(state: &mut State, forward: bool) {
    let shown = &state.view.page;
    let at = state.view.change.filter(|at| *at < shown.changes.len());
    let next = match (at, forward) {
        (Some(at), true) => at + 1,
        (Some(at), false) => at.saturating_sub(1),
        (None, true) => shown.changes.iter().position(|line| *line >= state.view.scroll).unwrap_or(0),
        (None, false) => shown.changes.iter().rposition(|line| *line < state.view.scroll).unwrap_or(0),
    };
    let next = next.min(shown.changes.len().saturating_sub(1));
    if let Some(line) = shown.changes.get(next) {
        // Its heading, or a line before it, stays in sight.
        state.view.scroll = line.saturating_sub(1).min(shown.last);
        state.view.change = Some(next);
    }
}

fn page(state: &mut State, command: Command) -> bool {
    // The screen that was drawn, less a line that stays.
    let step = state.view.page.rows.checked_sub(1).filter(|rows| *rows > 0).unwrap_or(SCREEN);
    match command {
        Command::Back
        | Command::Evidence
        | Command::Diff
        | Command::Model
        | Command::Log
        | Command::Queries
        | Command::Open => {
            let back = match &state.view.screen {
                Screen::Evidence(key) | Screen::Diff(key) | Screen::Model(key)
                    if incident::card_digest(state, key).is_some() =>
                {
                    Screen::Card(key.clone())
                }
                _ => Screen::Main,
            };
            open(state, back);
        }
        Command::Home => state.view.scroll = 0,
        Command::PageDown => state.view.scroll = state.view.scroll.saturating_add(step).min(10_000),
        Command::PageUp => state.view.scroll = state.view.scroll.saturating_sub(step),
        Command::Next | Command::NextBack => next_change(state, command == Command::Next),
        Command::Inbox => leave(state, Screen::Inbox),
        command => state.view.scroll = view::moved(state.view.scroll, 10_000, &command),
    }
    false
}

fn card(state: &mut State, key: &Key, command: Command, effects: &mut Vec<Effect>) -> bool {
    let (mono, now) = (state.mono, state.now);
    let given =
        state.incidents.get(key).and_then(|i| i.wish.as_ref()).map(|w| w.reason.clone()).unwrap_or_default();
    let live =
        state.incidents.get(key).is_some_and(|i| i.proposal.as_ref().is_some_and(|p| !p.void(now, mono)));
    let taken = courtesy::others(state, key).next().is_some();
    let may_settle = (command == Command::Settle).then(|| settle::wanted(state, key));
    if let Some(proposal) = state.incidents.get_mut(key).and_then(|i| i.proposal.as_mut()).filter(|_| live) {
        if let Gesture::Editing(_) = proposal.gesture {
            return edit(state, key, command);
        }
        if proposal.takes_text() {
            let decision = match command {
                Command::Char(c, read) => proposal.char(c, mono, read),
                Command::Backspace => {
                    proposal.backspace();
                    Decision::None
                }
                Command::Paste(text) => proposal.paste(&text),
                Command::FocusNext => {
                    proposal.insert_next_gate();
                    Decision::None
                }
                Command::Submit => proposal.submit(),
                Command::Back => {
                    proposal.back();
                    Decision::None
                }
                _ => Decision::None,
            };
            return decide(state, key, decision, effects);
        }
        match command {
            // What is decided is decided: a key that bounces must not take the card back. Nor is one that was meant
            // for the card before a decision about this one.
            Command::Arm
            | Command::Reject
            | Command::Settle
            | Command::Edit
            | Command::Wait
            | Command::AddRestore
                if proposal.gesture == Gesture::Decided || proposal.startled(mono) =>
            {
                return false;
            }
            Command::Arm => {
                if sabotage::is(Design::LeaseIsALock) && taken {
                    return false;
                }
                proposal.arm(mono, &given);
                return false;
            }
            Command::Reject => {
                proposal.note = None;
                proposal.gesture = Gesture::Rejecting(String::new());
                return false;
            }
            Command::Settle => {
                if let Some(Err(why)) = may_settle {
                    proposal.note = Some(Clean::new(why));
                } else {
                    proposal.note = None;
                    proposal.gesture = Gesture::Settling(String::new());
                }
                return false;
            }
            Command::Edit => {
                begin_edit(state, key);
                return false;
            }
            Command::Wait => return wait(state, key, effects),
            Command::AddRestore => return add_restore(state, key),
            _ => {}
        }
    }
    match command {
        Command::Back => leave_card(state, key),
        Command::Evidence => open(state, Screen::Evidence(key.clone())),
        Command::Diff => open(state, Screen::Diff(key.clone())),
        Command::Model => open(state, Screen::Model(key.clone())),
        Command::Ask => {
            open(state, Screen::Model(key.clone()));
            model_page::begin(state, key, Typing::Question(String::new()));
        }
        Command::Stop => model_page::stop(state, key, effects),
        Command::Undo => {
            action::propose_undo(state, key);
            return true;
        }
        Command::Up | Command::Down | Command::PageUp | Command::PageDown | Command::Home => {
            state.view.scroll = view::moved(state.view.scroll, 500, &command);
        }
        Command::Inbox => leave(state, Screen::Inbox),
        _ => {}
    }
    false
}

/// Leaving the card of a wish that was not decided leaves the wish too.
fn leave_card(state: &mut State, key: &Key) {
    open(state, if state.drill.is_some() { Screen::Drill } else { Screen::Main });
    if let Some(incident) = state.incidents.get_mut(key)
        && incident.wish.is_some()
        && (!incident.acting() || incident.wants_way_back())
    {
        incident.wish = None;
        incident.proposal = None;
        incident.planned = state.now;
        state.dirty = true;
    }
}

fn decide(state: &mut State, key: &Key, decision: Decision, effects: &mut Vec<Effect>) -> bool {
    match decision {
        Decision::None => false,
        Decision::Approve(reason) => {
            action::approve(state, key, reason, effects);
            true
        }
        Decision::Reject(reason) => {
            reject(state, key, &reason, effects);
            true
        }
        Decision::Settle(word) => {
            settle::give(state, key, &word, effects);
            true
        }
    }
}

fn reject(state: &mut State, key: &Key, reason: &str, effects: &mut Vec<Effect>) {
    let cluster = state.world.cluster_id.clone().unwrap_or_default();
    let (by, now) = (state.user(), state.now);
    let Some(incident) = state.incidents.get_mut(key) else {
        return;
    };
    let Some(proposal) = incident.proposal.take() else {
        return;
    };
    if !sabotage::is(Design::RejectNotFinal) {
        state.journal.rejected.insert(proposal.analysis.fingerprint.clone(), Clean::new(reason));
    }
    incident.wish = None;
    quorum::reject(state, key, &proposal.digest, proposal.expires, effects);
    let body = record::rejected(&proposal, cluster.as_str(), &by, reason, now);
    effects.push(Effect::Record { ticket: Ticket::Note, kind: record::REJECTED, body });
    state.say("gate", Weight::Plain, format!("proposal {} rejected by {by}: {reason}", proposal.name()));
    open(state, Screen::Main);
}

fn wait(state: &mut State, key: &Key, effects: &mut Vec<Effect>) -> bool {
    let policy = state.setup.policy.clone();
    let cluster = state.world.cluster_id.clone().unwrap_or_default();
    let (by, now) = (state.user(), state.now);
    let Some(incident) = state.incidents.get_mut(key) else {
        return false;
    };
    let Some(proposal) = incident.proposal.take() else {
        return false;
    };
    let burn = incident.slos.first().and_then(|id| state.world.slos.get(id));
    let burn = burn.and_then(|s| s.burn(Window::minutes(5)).number()).map(|b| b * policy.wait_burn_factor);
    let until = now + policy.wait.delta();
    incident.waiting = Some(Waiting { until, burn, fingerprint: proposal.analysis.fingerprint.clone() });
    incident.wish = None;
    let tripwire = burn.map_or(String::new(), |b| format!(" or when the burn exceeds {}", format::burn(b)));
    let words = format!("asked again at {}{tripwire}", format::clock(until));
    let body = record::decided(&proposal, cluster.as_str(), &by, &words, now);
    effects.push(Effect::Record { ticket: Ticket::Note, kind: record::WAITED, body });
    state.say("gate", Weight::Plain, format!("{by} waits with {}: {words}", proposal.name()));
    open(state, Screen::Main);
    true
}

fn add_restore(state: &mut State, key: &Key) -> bool {
    let now = state.now;
    let Some(incident) = state.incidents.get_mut(key) else {
        return false;
    };
    let Some(proposal) = &incident.proposal else {
        return false;
    };
    if proposal.analysis.addable.is_empty() {
        let note = "nothing can be added: the earlier content is not known, or nothing changed";
        state.say("gate", Weight::Plain, note);
        return false;
    }
    let wish = Wish {
        target: proposal.analysis.target.clone(),
        restore: true,
        by_hand: proposal.analysis.by_hand,
        ..incident.wish.clone().unwrap_or_default()
    };
    incident.want(wish, now);
    true
}

fn begin_edit(state: &mut State, key: &Key) {
    let Some(proposal) = state.incidents.get_mut(key).and_then(|i| i.proposal.as_mut()) else {
        return;
    };
    let analysis = &proposal.analysis;
    let target = analysis.rows.iter().position(|r| Some(&r.uid) == analysis.target.as_ref());
    let target = target.or_else(|| analysis.rows.iter().position(|r| r.mark != Mark::Current)).unwrap_or(0);
    let restore = analysis.plan.as_ref().is_some_and(|p| !p.configs.is_empty());
    proposal.note = None;
    proposal.gesture = Gesture::Editing(Draft { field: 0, target, restore, reason: String::new() });
}

fn edit(state: &mut State, key: &Key, command: Command) -> bool {
    let now = state.now;
    let Some(incident) = state.incidents.get_mut(key) else {
        return false;
    };
    let Some(proposal) = &mut incident.proposal else {
        return false;
    };
    let rows = proposal.analysis.rows.len();
    let restores_only = proposal.analysis.offer == Offer::RestoreConfig;
    let Gesture::Editing(draft) = &mut proposal.gesture else {
        return false;
    };
    match command {
        Command::FocusNext => draft.field = (draft.field + 1) % 3,
        Command::FocusPrevious => draft.field = (draft.field + 2) % 3,
        Command::Up | Command::Down if draft.field == 0 => {
            draft.target = view::moved(draft.target, rows, &command)
        }
        Command::Up | Command::Down | Command::Char(' ', _) if draft.field == 1 => {
            draft.restore = !draft.restore
        }
        Command::Draft(text) if draft.field == 2 => draft.reason = text.chars().take(2_000).collect(),
        Command::Back => {
            proposal.gesture = Gesture::Idle;
        }
        Command::Submit => {
            let draft = draft.clone();
            let Some(row) = proposal.analysis.rows.get(draft.target) else {
                return false;
            };
            if row.mark == Mark::Current && !(restores_only && draft.restore) {
                proposal.note = Some("this revision serves already: choose another one".into());
                return false;
            }
            let target = (row.mark != Mark::Current).then(|| row.uid.clone());
            let by_hand = proposal.analysis.by_hand;
            let reason = draft.reason.split_whitespace().collect::<Vec<_>>().join(" ");
            incident.want(Wish { target, restore: draft.restore, by_hand, reason, ..Wish::default() }, now);
            return true;
        }
        _ => {}
    }
    false
}

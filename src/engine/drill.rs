//! A drill: the same facts as ever, with all that was computed of them veiled until a person has said what to do. The veil
//! is a state with nothing in it that could leak; screens draw that state and need not know. It decides nothing itself:
//! what is right is given with the scenario.

use std::borrow::Cow;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::clean::Clean;
use crate::domain::cluster::Key;
use crate::domain::evidence::Evidence;
use crate::domain::plan::DryRun;
use crate::domain::signal::Source;
use crate::domain::verdict::{Gate, Offer, Stage, Verdict};

use super::analysis::Analysis;
use super::background::WOULD_SERVE;
use super::effect::Effect;
use super::event::Command;
use super::incident::Incident;
use super::ledger::Ledger;
use super::revisions::{Mark, RevisionRow};
use super::state::{LogLine, State};
use super::view::{self, Row, Screen};

/// Stands wherever something is veiled.
pub const HIDDEN: &str = "hidden until you decide";
/// Characters of a reason.
const LONGEST: usize = 200;

/// What can be answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Answer {
    /// Back to an earlier revision.
    RollBack,
    /// Nothing.
    DoNot,
    /// The earlier content of a ConfigMap.
    RestoreConfig,
}

impl Answer {
    /// All, in the order in which they are offered.
    pub const ALL: [Self; 3] = [Self::RollBack, Self::DoNot, Self::RestoreConfig];

    /// Its word in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::RollBack => "roll_back",
            Self::DoNot => "do_not",
            Self::RestoreConfig => "restore_config",
        }
    }

    /// As a person says it.
    pub fn words(self) -> &'static str {
        match self {
            Self::RollBack => "roll back",
            Self::DoNot => "do not roll back",
            Self::RestoreConfig => "restore config",
        }
    }

    /// Its name as a command of a keymap.
    pub fn command(self) -> &'static str {
        match self {
            Self::RollBack => "answer_roll_back",
            Self::DoNot => "answer_do_not",
            Self::RestoreConfig => "answer_restore",
        }
    }
}

/// One question of a drill.
#[derive(Clone, PartialEq, Debug)]
pub struct Drill {
    /// Which of how many, from 1.
    pub number: usize,
    /// How many there are.
    pub of: usize,
    /// The scenario; shown afterwards.
    pub scenario: Clean,
    /// What happened in it; shown afterwards.
    pub happened: Clean,
    /// The workload that the question is about.
    pub about: Key,
    /// The right answer.
    pub right: Answer,
    /// What decides it, in one sentence.
    pub why: Clean,
    /// Monotonic time at which everything that can be known was there: from here on the clock runs.
    pub asked: Option<Duration>,
    /// Where it stands.
    pub phase: Phase,
    /// The person wants the next one.
    pub next: bool,
}

/// Where a question stands.
#[derive(Clone, PartialEq, Debug, Default)]
pub enum Phase {
    /// Facts are read.
    #[default]
    Asking,
    /// An answer was chosen; a reason may be typed.
    Reason(Answer, String),
    /// It is decided.
    Told(Box<Answered>),
}

/// A decision, and what had been computed when it was made.
#[derive(Clone, PartialEq, Debug)]
pub struct Answered {
    /// What the person said.
    pub answer: Answer,
    /// Why, if they said.
    pub reason: Clean,
    /// From the question to the answer.
    pub seconds: f64,
    /// It is the right one.
    pub right: bool,
    /// What was computed.
    pub analysis: Analysis,
}

impl Drill {
    /// Nothing that was computed may be seen yet.
    pub fn undecided(&self) -> bool {
        !matches!(self.phase, Phase::Told(_))
    }

    /// The reason that is being typed.
    pub fn typing(&self) -> Option<&str> {
        match &self.phase {
            Phase::Reason(_, text) => Some(text),
            _ => None,
        }
    }

    /// The decision.
    pub fn answered(&self) -> Option<&Answered> {
        match &self.phase {
            Phase::Told(answered) => Some(answered),
            _ => None,
        }
    }
}

/// What is computed must not be seen now.
pub fn hides(state: &State) -> bool {
    state.drill.as_ref().is_some_and(Drill::undecided)
}

/// What may be shown and asked for keys: the state itself, or, in a drill before the decision, one that has the facts only.
pub fn veiled(state: &State) -> Cow<'_, State> {
    if !hides(state) {
        return Cow::Borrowed(state);
    }
    let mut veiled = state.clone();
    veiled.incidents.values_mut().for_each(veil);
    veiled.log.retain(is_fact);
    veiled.counsel.clear();
    veiled.ledger = Ledger::default();
    veiled.dry_runs.clear();
    veiled.journal.actions.clear();
    veiled.journal.opinions.clear();
    veiled.journal.rejected.clear();
    Cow::Owned(veiled)
}

/// A line that the world wrote, not the program.
fn is_fact(line: &LogLine) -> bool {
    let sources = [Source::Kubernetes.name(), Source::Prometheus.name(), "kube", "prom", "alert", "slo"];
    sources.contains(&line.source)
}

fn veil(incident: &mut Incident) {
    incident.proposal = None;
    incident.wish = None;
    incident.waiting = None;
    incident.running = None;
    incident.before = None;
    incident.said = None;
    incident.reached.retain(|stage, _| *stage <= Stage::Enrich);
    incident.analysis = incident.analysis.take().map(facts_of);
}

/// The facts of an analysis: what was measured and when, and nothing that was concluded.
fn facts_of(analysis: Analysis) -> Analysis {
    let concluded = [Gate::TargetGood, Gate::Reversible, Gate::SafeNow, Gate::StillTrue];
    let gates = analysis.gates.iter().filter(|g| concluded.contains(&g.gate));
    let of_a_target: Vec<String> = gates.flat_map(|g| g.evidence.iter().cloned()).collect();
    let mut facts = Analysis {
        offer: Offer::None,
        target: None,
        plan: None,
        digest: None,
        dry_run: DryRun::Pending,
        gates: Vec::new(),
        blocks: Vec::new(),
        addable: Vec::new(),
        reason: Clean::new(HIDDEN),
        fingerprint: String::new(),
        rows: analysis.rows.iter().cloned().map(unmarked).collect(),
        ..analysis
    };
    let measured = |item: &Evidence| {
        let of_a_plan = of_a_target.contains(&item.id) || item.fact.as_str().ends_with(WOULD_SERVE);
        !of_a_plan && item.source != "journal"
    };
    let (evidence, ids) = facts.evidence.only(measured);
    facts.evidence = evidence;
    let renamed = |id: &String| ids.iter().find(|(old, _)| old == id).map(|(_, new)| new.clone());
    facts.cost.arithmetic = facts.cost.arithmetic.iter().filter_map(renamed).collect();
    let found = &mut facts.attribution;
    found.verdict = Verdict::Unknown;
    found.change = None;
    found.difference = None;
    found.later_rollout = None;
    found.brought_back = None;
    facts
}

/// A revision with its counts and without what they were taken to mean.
fn unmarked(mut row: RevisionRow) -> RevisionRow {
    if row.mark != Mark::Current {
        row.mark = Mark::Plain;
    }
    row
}

/// Once a step: the clock begins when the card would be there, and the workload in question is selected.
pub(super) fn keep(state: &mut State, effects: &mut Vec<Effect>) {
    let Some(drill) = &mut state.drill else { return };
    if !drill.undecided() {
        return;
    }
    // An alarm says that something wants a person, which is more than the facts say.
    effects.retain(|effect| !matches!(effect, Effect::Bell | Effect::Notify { .. }));
    let incident = state.incidents.get(&drill.about);
    if drill.asked.is_none()
        && let Some(incident) = incident.filter(|i| i.proposal.is_some())
    {
        drill.asked = Some(state.mono);
        if state.view.selected.is_none() {
            state.view.selected = incident.slos.first().cloned().map(Row::Slo);
        }
    }
    if matches!(state.view.screen, Screen::Card(_) | Screen::Model(_) | Screen::Journal | Screen::Record(_)) {
        state.view.screen = Screen::Drill;
    }
}

/// Takes what a drill understands; `None`: it is for the screen as ever.
pub(super) fn command(state: &mut State, command: &Command, effects: &mut Vec<Effect>) -> Option<bool> {
    if matches!(command, Command::Quit | Command::Help) || state.view.help {
        return None;
    }
    match &state.drill.as_ref()?.phase {
        Phase::Reason(..) => {
            reason(state, command);
            Some(false)
        }
        Phase::Asking => asking(state, command),
        Phase::Told(_) => told(state, command, effects),
    }
}

fn asking(state: &mut State, command: &Command) -> Option<bool> {
    match command {
        Command::Answer(answer) => {
            if let Some(drill) = state.drill.as_mut().filter(|drill| drill.asked.is_some()) {
                drill.phase = Phase::Reason(*answer, String::new());
            }
        }
        Command::Gate => open(state, Screen::Drill),
        Command::Open if state.view.screen == Screen::Main => open(state, Screen::Drill),
        // Whatever proposes, decides or asks the model is for afterwards.
        Command::ByHand
        | Command::Undo
        | Command::Arm
        | Command::Edit
        | Command::Reject
        | Command::Wait
        | Command::AddRestore
        | Command::Model
        | Command::Ask
        | Command::Stop
        | Command::Journal
        | Command::Export => {}
        command => return on_page(state, command),
    }
    Some(false)
}

fn told(state: &mut State, command: &Command, effects: &mut Vec<Effect>) -> Option<bool> {
    let about = state.drill.as_ref()?.about.clone();
    match (&state.view.screen, command) {
        (Screen::Drill, Command::Open) => {
            state.drill.as_mut()?.next = true;
            state.quitting = true;
            effects.push(Effect::Quit);
        }
        (Screen::Drill | Screen::Main, Command::Gate) => open(state, Screen::Card(about)),
        (Screen::Main, Command::Back) => open(state, Screen::Drill),
        (_, Command::Answer(_)) => {}
        _ => return on_page(state, command),
    }
    Some(false)
}

/// Keys of the drill's own page.
fn on_page(state: &mut State, command: &Command) -> Option<bool> {
    if state.view.screen != Screen::Drill {
        return None;
    }
    let about = state.drill.as_ref()?.about.clone();
    let scroll = state.view.scroll;
    match command {
        Command::Evidence => open(state, Screen::Evidence(about)),
        Command::Diff => open(state, Screen::Diff(about)),
        Command::Log => open(state, Screen::Log),
        Command::Back => open(state, Screen::Main),
        Command::Up => state.view.scroll = scroll.saturating_sub(1),
        Command::Down => state.view.scroll = scroll + 1,
        Command::PageUp => state.view.scroll = scroll.saturating_sub(view::PAGE),
        Command::PageDown => state.view.scroll = scroll + view::PAGE,
        _ => {}
    }
    Some(false)
}

fn open(state: &mut State, screen: Screen) {
    state.view.screen = screen;
    state.view.scroll = 0;
}

fn reason(state: &mut State, command: &Command) {
    let Some(Drill { phase: Phase::Reason(answer, text), .. }) = &mut state.drill else { return };
    match command {
        Command::Char(c, _) if !c.is_control() && text.chars().count() < LONGEST => text.push(*c),
        Command::Backspace => {
            text.pop();
        }
        Command::Submit => {
            let (answer, reason) = (*answer, Clean::new(&*text));
            decide(state, answer, reason);
        }
        Command::Back => {
            if let Some(drill) = &mut state.drill {
                drill.phase = Phase::Asking;
            }
        }
        _ => {}
    }
}

/// The decision: what was computed at this moment is kept with it, whatever the world does next.
fn decide(state: &mut State, answer: Answer, reason: Clean) {
    let mono = state.mono;
    let Some(drill) = &mut state.drill else { return };
    let incident = state.incidents.get(&drill.about);
    let open = incident.and_then(|i| i.proposal.as_ref().map(|p| &p.analysis));
    // The world healed between the question and the answer: it is asked again when there is something to decide.
    let Some(analysis) = open.or(incident.and_then(|i| i.analysis.as_ref())).cloned() else {
        drill.phase = Phase::Asking;
        return;
    };
    let seconds = mono.saturating_sub(drill.asked.unwrap_or(mono)).as_secs_f64();
    let right = answer == drill.right;
    drill.phase = Phase::Told(Box::new(Answered { answer, reason, seconds, right, analysis }));
    open_told(state);
}

fn open_told(state: &mut State) {
    open(state, Screen::Drill);
    state.view.filter.clear();
    state.view.selected = view::selected(state).cloned();
}

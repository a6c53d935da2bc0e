//! What is selected, opened and filtered: part of the state, so that a recording replays frame for frame. Selection
//! is by identity, never by position: a list that sorts itself anew does not move it.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::domain::Time;
use crate::domain::clean::Clean;
use crate::domain::cluster::{Key, Uid};
use crate::domain::format;
use crate::domain::slo::{Severity, Slo, SloId};
use crate::domain::value::Value;
use crate::domain::window::Window;

use super::event::{Command, PageShown};
use super::filter::{Filter, Subject};
use super::inbox::Item;
use super::inspect::{AlertItem, LogView};
use super::investigate;
use super::palette::Palette;
use super::revisions::{self, RevisionRow};
use super::state::State;

/// What fills the screen.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum Screen {
    /// The dashboard.
    #[default]
    Main,
    /// The decision card of a workload.
    Card(Key),
    /// Evidence behind a card.
    Evidence(Key),
    /// The full diff of a card's plan.
    Diff(Key),
    /// What the model was asked about a card and what it said.
    Model(Key),
    /// What is measured of an SLO, and from where.
    Readings(SloId),
    /// The queries behind the numbers of an SLO.
    Queries(SloId),
    /// The event log alone.
    Log,
    /// The journal.
    Journal,
    /// One record of it, by its number.
    Record(u64),
    /// The pods of a workload.
    Pods(Key),
    /// One pod of a workload.
    Pod(Key, Uid),
    /// What one pod of a workload writes.
    PodLog(Key, Uid),
    /// The alert of an SLO.
    Alert(SloId),
    /// One revision of a workload.
    Revision(Key, Uid),
    /// Two revisions of a workload, older and newer.
    Compare(Key, Uid, Uid),
    /// What waits for a person, goes on and ended lately.
    Inbox,
    /// The question of a drill, and afterwards what was right.
    Drill,
    /// The contexts to choose from, before anything is connected.
    Contexts,
}

/// Where the arrow keys go on the main screen; at 80x24 also which page is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum Pane {
    /// The list of SLOs and Deployments.
    #[default]
    List,
    /// The selected SLO, a page of its own on a small screen.
    Detail,
    /// Its charts, a page of their own on a small screen.
    Chart,
    /// The revision timeline.
    Revisions,
    /// The event log.
    Log,
}

impl Pane {
    const ALL: [Self; 5] = [Self::List, Self::Detail, Self::Chart, Self::Revisions, Self::Log];

    /// The next or the previous one.
    pub fn step(self, back: bool) -> Self {
        let at = Self::ALL.iter().position(|p| *p == self).unwrap_or(0);
        let by = if back { Self::ALL.len() - 1 } else { 1 };
        Self::ALL[(at + by) % Self::ALL.len()]
    }
}

/// What the chart of the selected SLO shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Chart {
    /// Bad requests of all.
    #[default]
    ErrorRatio,
    /// Quantiles of durations.
    Latency,
    /// How many requests took how long.
    HeatMap,
}

impl Chart {
    /// All of them, in the order of the key.
    pub const ALL: [Self; 3] = [Self::ErrorRatio, Self::Latency, Self::HeatMap];

    /// The next one.
    pub fn next(self) -> Self {
        let at = Self::ALL.iter().position(|chart| *chart == self).unwrap_or(0);
        Self::ALL[(at + 1) % Self::ALL.len()]
    }
}

/// One row of the list.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum Row {
    /// An SLO.
    Slo(SloId),
    /// A Deployment that no SLO judges.
    Workload(Key),
}

/// The view.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct View {
    /// What fills the screen.
    pub screen: Screen,
    /// Help is laid over it.
    pub help: bool,
    /// First line of the help.
    pub help_scroll: usize,
    /// The palette is laid over it.
    pub palette: Option<Palette>,
    /// What is selected in the inbox; `None`: the first.
    pub item: Option<Item>,
    /// Where the arrow keys go.
    pub pane: Pane,
    /// What is selected in the list; `None`: the first.
    pub selected: Option<Row>,
    /// Filter text.
    pub filter: String,
    /// The filter is being typed.
    pub filtering: bool,
    /// Range of the chart: 0 is 1 h, 4 is 30 d.
    pub range: usize,
    /// What the chart shows.
    pub chart: Chart,
    /// Where the chart is read: a point in time, so that it stays at what it was put on. `None`: at the newest values.
    pub cursor: Option<Time>,
    /// The selected revision; `None`: the current one.
    pub revision: Option<Uid>,
    /// First line shown on pages and cards.
    pub scroll: usize,
    /// Lines scrolled up from the end of the log.
    pub log_scroll: usize,
    /// What was shown of the page in the last frame.
    pub page: PageShown,
    /// The difference at which somebody is, by its number on the page.
    pub change: Option<usize>,
    /// The revision that a comparison begins with, and its workload.
    pub marked: Option<(Key, Uid)>,
    /// The revision whose pods are shown; `None`: all.
    pub pods_of: Option<Uid>,
    /// The selected pod; `None`: the first.
    pub pod: Option<Uid>,
    /// How a pod's log is looked at.
    pub pod_log: LogView,
    /// What is chosen on the page of an alert.
    pub alert_item: Option<AlertItem>,
}

/// Ranges of the chart.
pub const RANGES: [Window; 5] =
    [Window::hours(1), Window::hours(6), Window::days(1), Window::days(7), Window::days(30)];

impl View {
    /// The past that its chart shows.
    pub fn window(&self) -> Window {
        RANGES.get(self.range).copied().unwrap_or(RANGES[0])
    }
}

/// How urgent a row is: smaller is first. Firing page, ticket, more than the objective allows, each by its burn; then
/// unknowns; then the healthy by what is left of their budgets, in steps: the burn of those is noise, and a list that
/// changes its order with it cannot be read.
pub(super) fn urgency(slo: &Slo) -> (u8, i64) {
    const STEPS: f64 = 20.0;
    let five = slo.burn(Window::minutes(5));
    // Integers, because NaN has no order: thousandths of a multiple.
    let by_burn = -((five.number().unwrap_or(0.0) * 1e3).clamp(-1e15, 1e15) as i64);
    let by_budget = slo.remaining.number().map_or(i64::MAX, |left| (left * STEPS).floor() as i64);
    match (slo.burning(), five) {
        (Some(Severity::Page), _) => (0, by_burn),
        (Some(Severity::Ticket), _) => (1, by_burn),
        (None, Value::Number(b)) if b > 1.0 => (2, by_burn),
        (None, Value::Number(_)) => (4, by_budget),
        (None, _) => (3, 0),
    }
}

/// Lines of a page key.
pub const PAGE: usize = 10;

/// A place in `0..len`, moved by a command.
pub fn moved(at: usize, len: usize, command: &Command) -> usize {
    let last = len.saturating_sub(1);
    match command {
        Command::Up => at.saturating_sub(1),
        Command::Down => (at + 1).min(last),
        Command::PageUp => at.saturating_sub(PAGE),
        Command::PageDown => (at + PAGE).min(last),
        Command::Home => 0,
        Command::End => last,
        _ => at,
    }
}

/// The rows of the list that pass the filter, most urgent first; Deployments without an SLO last.
pub fn rows(state: &State) -> &[Row] {
    state.listing.rows()
}

/// An SLO passes the filter.
pub(super) fn admits(filter: &Filter, state: &State, slo: &Slo) -> bool {
    if filter.admits_all() {
        return true;
    }
    let key = workload_of(state, &slo.id);
    let workload = key.map(ToString::to_string).unwrap_or_default();
    let labelled = slo.labels.get("namespace").map(Clean::as_str);
    filter.admits(&Subject {
        namespace: labelled.or(key.map(|key| key.namespace.as_str())).unwrap_or_default(),
        service: slo.service.as_str(),
        slo: Some(slo.id.0.as_str()),
        workload: &workload,
        state: Some(state_word(slo)),
    })
}

/// A Deployment that no SLO judges passes the filter.
pub(super) fn admits_workload(filter: &Filter, key: &Key) -> bool {
    if filter.admits_all() {
        return true;
    }
    let (namespace, service) = (key.namespace.as_str(), key.name.as_str());
    filter.admits(&Subject { namespace, service, workload: &key.to_string(), ..Subject::default() })
}

/// How many rows there would be without a filter.
pub fn all_rows(state: &State) -> usize {
    state.listing.unfiltered()
}

/// The lines of the event log that lie in the time that the filter speaks of, as positions in it.
pub fn log_range(state: &State) -> std::ops::Range<usize> {
    let span = Filter::parse(&state.view.filter).span(state.now);
    let first = state.log.partition_point(|line| span.from.is_some_and(|from| line.at < from));
    let end = state.log.partition_point(|line| span.to.is_none_or(|to| line.at <= to));
    first..end.max(first)
}

/// The compliance word of an SLO, also what the filter finds.
pub fn state_word(slo: &Slo) -> &'static str {
    state_word_of(slo, slo.burning())
}

/// The same, for one of which is known whether it burns.
pub fn state_word_of(slo: &Slo, burning: Option<Severity>) -> &'static str {
    match (burning, slo.burn(Window::minutes(5)), slo.remaining) {
        (Some(Severity::Page), _, _) => "paging",
        (Some(Severity::Ticket), _, _) => "ticket",
        (None, _, Value::Number(left)) if left <= 0.0 => "exhausted",
        (None, Value::Number(b), _) if b > 1.0 => "at risk",
        (None, Value::Number(_), _) => "healthy",
        _ => "unknown",
    }
}

/// The Deployment that an SLO judges.
pub fn workload_of<'a>(state: &'a State, slo: &SloId) -> Option<&'a Key> {
    match state.mapped.get(slo) {
        Some(Ok((key, _))) => Some(key),
        _ => None,
    }
}

/// The selected row: what was selected if it is still there, else the first.
pub fn selected(state: &State) -> Option<&Row> {
    let chosen = state.view.selected.as_ref().and_then(|row| state.listing.place(row));
    rows(state).get(chosen.unwrap_or(0))
}

/// The SLO that is selected.
pub fn selected_slo(state: &State) -> Option<&SloId> {
    match selected(state)? {
        Row::Slo(id) => Some(id),
        Row::Workload(_) => None,
    }
}

/// The past to ask about `slo`: counts reach back an hour, and are asked for anyway.
pub fn past_of(state: &State, slo: &SloId, counted: bool) -> Option<Window> {
    let wanted = state.view.range > 0 || !counted;
    (wanted && selected_slo(state) == Some(slo)).then(|| state.view.window())
}

/// What a person sees of `slo`, if it is the selected one.
pub fn look_of(state: &State, slo: &SloId) -> Option<investigate::Look> {
    (selected_slo(state) == Some(slo)).then(|| investigate::Look {
        range: state.view.window(),
        period: state.world.slos.get(slo).and_then(|s| s.period),
        durations: state.view.chart != Chart::ErrorRatio,
    })
}

/// The workload of the selected row.
pub fn selected_workload(state: &State) -> Option<Key> {
    selected_key(state).cloned()
}

/// The same, not copied.
pub fn selected_key(state: &State) -> Option<&Key> {
    match selected(state)? {
        Row::Slo(id) => workload_of(state, id),
        Row::Workload(key) => Some(key),
    }
}

/// The timeline of a workload: as analysed in its incident, else as the cluster tells it.
pub fn timeline<'a>(state: &'a State, workload: &Key) -> Cow<'a, [RevisionRow]> {
    let analysis = state.incidents.get(workload).and_then(|i| i.analysis.as_ref());
    let kept = analysis.map(|a| a.rows.as_slice()).or_else(|| state.listing.timeline(workload));
    kept.map_or_else(|| told_timeline(state, workload).into(), Cow::Borrowed)
}

/// Its timeline comes with an analysis.
pub(super) fn analysed(state: &State, workload: &Key) -> bool {
    state.incidents.get(workload).is_some_and(|i| i.analysis.is_some())
}

/// The timeline as the cluster tells it, made anew.
pub(super) fn told_timeline(state: &State, workload: &Key) -> Vec<RevisionRow> {
    let Some(deployment) = state.world.deployments.get(workload) else {
        return Vec::new();
    };
    let study = state.listing.slo_of(workload).and_then(|id| state.studies.get(id));
    let facts = revisions::Facts {
        world: &state.world,
        deployment,
        study,
        actions: &state.actions_here(),
        now: state.now,
    };
    revisions::rows(&facts, &state.diffs)
}

/// The workload whose gate is opened by `g`: the open card that acts and is most urgent, else any card.
pub fn most_urgent_gate(state: &State) -> Option<Key> {
    let acts = |i: &&super::incident::Incident| i.proposal.as_ref().is_some_and(|p| p.analysis.offer.acts());
    let running = state.incidents.values().find(|i| i.acting());
    let open = state.incidents.values().filter(|i| i.open_gate());
    let any = || open.clone().next().or_else(|| state.incidents.values().next());
    open.clone().find(acts).or(running).or_else(any).map(|i| i.workload.clone())
}

/// Open gates that want a person, and how long the oldest waits.
pub fn open_gates(state: &State) -> (usize, Option<String>) {
    let (open, oldest) = oldest_gate(state);
    (open, oldest.map(|at| format::elapsed(state.now - at)))
}

/// Open gates that want a person, and when the oldest was opened.
pub fn oldest_gate(state: &State) -> (usize, Option<Time>) {
    let open = state
        .incidents
        .values()
        .filter_map(|i| i.proposal.as_ref().filter(|p| i.open_gate() && p.analysis.offer.acts()));
    let opened = open.map(|p| p.opened);
    (opened.clone().count(), opened.min())
}

//! The pages on which somebody looks closer: pods, one pod, its log, an alert, a revision, a comparison. What they show
//! is asked for here while they are open, one pod and one stream at a time, and let go when they are left, whichever
//! way that was. Nothing on these pages decides or changes anything.

use std::collections::VecDeque;
use std::time::Duration;

use crate::domain::alert::AlertRule;
use crate::domain::clean::Clean;
use crate::domain::cluster::{Deployment, Key, Pod, RefKind, Uid};
use crate::domain::pod::{LogLine, LogNews, LogRequest, PodPage};
use crate::domain::slo::{Sli, Slo, SloId};
use crate::domain::window::Window;

use super::effect::Effect;
use super::event::Command;
use super::revisions::{Mark, RevisionRow};
use super::state::{State, Weight};
use super::surroundings::{self, Relation};
use super::view::{self, Pane, Row, Screen};

/// An open pod is read again after this.
const READ_POD: Duration = Duration::from_secs(4);
/// The alert of an open page likewise.
const READ_ALERT: Duration = Duration::from_secs(15);
/// What was asked and not answered is asked again after this.
const NO_ANSWER: Duration = Duration::from_secs(40);
/// Lines that a log begins with.
const TAIL: usize = 500;
/// Lines of a log that are kept.
pub const LINES: usize = 5_000;
/// Bytes of a log that are kept.
const BYTES: usize = 2 << 20;

/// What was asked for the page that is open.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Inspected {
    /// The pod that is open.
    pub pod: Option<OpenPod>,
    /// The log that is open.
    pub log: Option<OpenLog>,
    /// The alert that is open.
    pub alert: Option<OpenAlert>,
    /// Number of the last stream.
    pub streams: u64,
    /// Streams that are not wanted any more, until the end of the step.
    stops: Vec<u64>,
}

/// A pod that is looked at.
#[derive(Clone, PartialEq, Debug)]
pub struct OpenPod {
    /// Namespace and name.
    pub key: Key,
    /// Identity.
    pub uid: Uid,
    /// As it was read last.
    pub page: Option<PodPage>,
    /// Why the newest reading failed; the page before it is still shown.
    pub failed: Option<Clean>,
    asked: Option<Duration>,
    waiting: bool,
}

/// Rules of an alert that are looked at.
#[derive(Clone, PartialEq, Debug)]
pub struct OpenAlert {
    /// Whose.
    pub slo: SloId,
    /// As they were read last.
    pub rules: Option<Result<Vec<AlertRule>, Clean>>,
    asked: Option<Duration>,
    waiting: bool,
}

/// How a log that is open stands.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum LogState {
    /// Its pod is being read, or the server has not answered yet.
    #[default]
    Opening,
    /// Lines come as they are written.
    Live,
    /// Nothing comes, in words; it is tried again.
    Lost(Clean),
    /// Nothing more comes, in words.
    Ended(Clean),
    /// A person stopped it.
    Stopped,
}

/// A line that is kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Kept {
    /// Its number since the log was opened: its identity.
    pub number: u64,
    /// The line.
    pub line: LogLine,
    /// The container did not write it: goaround says something about the stream.
    pub note: bool,
}

/// A log that is looked at.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct OpenLog {
    /// The pod's uid.
    pub uid: Uid,
    /// The container; empty until the pod was read.
    pub container: Clean,
    /// The run before the last restart.
    pub previous: bool,
    /// How it stands.
    pub state: LogState,
    /// The newest lines, oldest first.
    pub lines: VecDeque<Kept>,
    /// Older lines that were let go.
    pub dropped: u64,
    /// Numbers of the lines that match what is searched.
    pub found: VecDeque<u64>,
    /// Number of the stream that is open.
    pub stream: Option<u64>,
    bytes: usize,
    next: u64,
}

impl OpenLog {
    fn of(uid: Uid) -> Self {
        Self { uid, ..Self::default() }
    }

    /// Number of the newest line.
    pub fn newest(&self) -> Option<u64> {
        self.lines.back().map(|kept| kept.number)
    }

    /// Adds a line at the end, and lets the oldest go where there are too many.
    fn push(&mut self, line: LogLine, note: bool, query: &str) {
        let number = self.next;
        self.next += 1;
        self.bytes += line.text.as_str().len();
        if !note && matches(query, &line) {
            self.found.push_back(number);
        }
        self.lines.push_back(Kept { number, line, note });
        while self.lines.len() > LINES || (self.bytes > BYTES && self.lines.len() > 1) {
            if let Some(gone) = self.lines.pop_front() {
                self.bytes -= gone.line.text.as_str().len();
                self.dropped += u64::from(!gone.note);
            }
        }
        let oldest = self.lines.front().map_or(0, |kept| kept.number);
        while self.found.front().is_some_and(|number| *number < oldest) {
            self.found.pop_front();
        }
    }

    /// Says something about the stream, once.
    fn say(&mut self, at: crate::domain::Time, text: impl AsRef<str>) {
        let text = Clean::new(text);
        if self.lines.iter().rev().find(|kept| kept.note).is_none_or(|last| last.line.text != text)
            || self.lines.back().is_some_and(|last| !last.note)
        {
            self.push(LogLine { at: Some(at), text, cut: 0 }, true, "");
        }
    }

    fn search(&mut self, query: &str) {
        let found = self.lines.iter().filter(|kept| !kept.note && matches(query, &kept.line));
        self.found = found.map(|kept| kept.number).collect();
    }

    /// Another container or run: everything anew.
    fn reopen(&mut self, container: Clean, previous: bool) {
        *self = Self { uid: self.uid.clone(), container, previous, ..Self::default() };
    }
}

fn matches(query: &str, line: &LogLine) -> bool {
    !query.is_empty() && line.text.as_str().to_lowercase().contains(&query.to_lowercase())
}

/// How a log is looked at.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct LogView {
    /// The lowest line on the screen; `None`: the newest one, whatever comes.
    pub bottom: Option<u64>,
    /// Times are shown.
    pub times: bool,
    /// What is being typed to search for.
    pub typing: Option<String>,
    /// What is searched.
    pub query: String,
    /// The match at which somebody is.
    pub at: Option<u64>,
}

/// What can be chosen on the page of an alert.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AlertItem {
    /// A link, by its address.
    Link(Clean),
    /// Another SLO that burns.
    Other(SloId),
}

/// Pods of one revision.
#[derive(Clone, PartialEq, Debug)]
pub struct PodGroup<'a> {
    /// The revision, where its ReplicaSet is known.
    pub revision: RevisionRow,
    /// Its pods: what needs a look first, then by age.
    pub pods: Vec<&'a Pod>,
}

/// The pods of `workload` by revision, newest first; of `only` that revision where it is given. Revisions without pods
/// are left out.
pub fn pods<'a>(state: &'a State, workload: &Key, only: Option<&Uid>) -> Vec<PodGroup<'a>> {
    let timeline = view::timeline(state, workload);
    let mut groups: Vec<PodGroup<'a>> = timeline
        .iter()
        .filter(|row| only.is_none_or(|only| *only == row.uid))
        .map(|revision| PodGroup {
            revision: revision.clone(),
            pods: state.world.pods_of(&revision.uid).collect(),
        })
        .collect();
    for group in &mut groups {
        group.pods.sort_by(|a, b| (a.ready, a.created, &a.key).cmp(&(b.ready, b.created, &b.key)));
    }
    // One that was asked for is shown even if it has none.
    groups.retain(|group| only.is_some() || !group.pods.is_empty());
    groups.sort_by_key(|group| group.revision.mark != Mark::Current);
    groups
}

/// The selected pod of the page: what was selected if it is still there, else the first.
pub fn selected_pod(state: &State, workload: &Key) -> Option<Uid> {
    let groups = pods(state, workload, state.view.pods_of.as_ref());
    let all: Vec<&Pod> = groups.iter().flat_map(|group| group.pods.iter().copied()).collect();
    let chosen = all.iter().find(|pod| Some(&pod.uid) == state.view.pod.as_ref());
    chosen.or(all.first()).map(|pod| pod.uid.clone())
}

/// How a pod is in words, and how much it wants a look.
pub fn pod_words(pod: &Pod) -> (String, Weight) {
    let reason = pod.reason.as_ref().map(Clean::as_str);
    if pod.deleting {
        return ("terminating".into(), Weight::Plain);
    }
    let killed = |reason: &str| match reason {
        "OOMKilled" => "OOMKilled (exit code 137)".to_owned(),
        other => other.to_owned(),
    };
    match (pod.phase.as_str(), pod.ready, reason) {
        ("Running", true, Some(reason)) if pod.restarts > 0 => {
            (format!("ready; ended before: {}", killed(reason)), Weight::Attention)
        }
        ("Running", true, _) => ("ready".into(), Weight::Good),
        ("Succeeded", _, _) => ("completed".into(), Weight::Plain),
        ("Running", false, None) => ("running, not ready".into(), Weight::Attention),
        ("Pending", _, None) if pod.node.is_none() => ("pending, on no node yet".into(), Weight::Attention),
        ("Pending", _, None | Some("ContainerCreating" | "PodInitializing")) => {
            ("creating".into(), Weight::Attention)
        }
        (_, _, Some(reason)) => (killed(reason), Weight::Bad),
        (phase, _, None) => (phase.to_lowercase(), Weight::Bad),
    }
}

/// The pod of an open page: as it is watched.
pub fn watched<'a>(state: &'a State, uid: &Uid) -> Option<&'a Pod> {
    state.world.pods.get(uid)
}

/// Keeps what is asked in step with the page that is open.
pub fn keep(state: &mut State, effects: &mut Vec<Effect>) {
    effects.extend(std::mem::take(&mut state.inspected.stops).into_iter().map(Effect::StopLog));
    match state.view.screen.clone() {
        Screen::Pod(workload, uid) => {
            close_log(state, effects);
            read_pod(state, &workload, &uid, effects);
        }
        Screen::PodLog(workload, uid) => {
            read_pod(state, &workload, &uid, effects);
            open_log(state, &uid, effects);
        }
        Screen::Alert(slo) => {
            leave(state, effects);
            read_alert(state, &slo, effects);
        }
        Screen::Revision(workload, uid) => {
            leave(state, effects);
            read_contents(state, &workload, &[uid], effects);
        }
        Screen::Compare(workload, a, b) => {
            leave(state, effects);
            read_contents(state, &workload, &[a, b], effects);
        }
        _ => {
            leave(state, effects);
            state.inspected.alert = None;
        }
    }
}

fn leave(state: &mut State, effects: &mut Vec<Effect>) {
    close_log(state, effects);
    state.inspected.pod = None;
}

fn close_log(state: &mut State, effects: &mut Vec<Effect>) {
    if let Some(log) = state.inspected.log.take() {
        effects.extend(log.stream.map(Effect::StopLog));
    }
    state.view.pod_log.typing = None;
}

fn due(asked: Option<Duration>, waiting: bool, every: Duration, now: Duration) -> bool {
    let after = if waiting { NO_ANSWER } else { every };
    asked.is_none_or(|asked| now.saturating_sub(asked) >= after)
}

fn read_pod(state: &mut State, workload: &Key, uid: &Uid, effects: &mut Vec<Effect>) {
    if state.inspected.pod.as_ref().is_none_or(|open| open.uid != *uid) {
        let key = watched(state, uid).map(|pod| pod.key.clone());
        let failed = key.is_none().then(|| Clean::new("the pod is gone"));
        state.inspected.pod = Some(OpenPod {
            key: key.unwrap_or_default(),
            uid: uid.clone(),
            page: None,
            failed,
            asked: None,
            waiting: false,
        });
    }
    let set = watched(state, uid).and_then(|pod| state.world.replica_sets.get(pod.replica_set.as_ref()?));
    let set = set.map(|set| set.meta.key.name.clone());
    let (mono, gone) = (state.mono, watched(state, uid).is_none());
    let Some(open) = &mut state.inspected.pod else { return };
    // A pod that is gone is read no more; what was known of it stays.
    if open.key == Key::default() || (gone && open.asked.is_some()) {
        return;
    }
    if due(open.asked, open.waiting, READ_POD, mono) {
        (open.asked, open.waiting) = (Some(mono), true);
        let owners = set.map(|set| ("ReplicaSet", set)).into_iter();
        let owners = owners.chain([("Deployment", workload.name.clone())]).collect();
        effects.push(Effect::ReadPod { key: open.key.clone(), uid: uid.clone(), owners });
    }
}

fn open_log(state: &mut State, uid: &Uid, effects: &mut Vec<Effect>) {
    if state.inspected.log.as_ref().is_none_or(|log| log.uid != *uid) {
        close_log(state, effects);
        state.view.pod_log = LogView { times: state.view.pod_log.times, ..LogView::default() };
        state.inspected.log = Some(OpenLog::of(uid.clone()));
    }
    let (Some(log), Some(pod)) = (&mut state.inspected.log, &state.inspected.pod) else { return };
    if log.container.is_empty() {
        match (&pod.page, &pod.failed) {
            (Some(page), _) => match page.default_container() {
                Some(container) => log.container = container.name.clone(),
                None => log.state = LogState::Ended("the pod has no containers".into()),
            },
            (None, Some(why)) => log.state = LogState::Ended(why.clone()),
            (None, None) => {}
        }
    }
    if log.stream.is_none() && log.state == LogState::Opening && !log.container.is_empty() {
        state.inspected.streams += 1;
        log.stream = Some(state.inspected.streams);
        // What is followed again goes on after the last line that is here.
        let last = log.lines.iter().rev().find(|kept| !kept.note).and_then(|kept| kept.line.at);
        effects.push(Effect::FollowLog(Box::new(LogRequest {
            stream: state.inspected.streams,
            pod: pod.key.clone(),
            uid: uid.clone(),
            container: log.container.clone(),
            previous: log.previous,
            after: last,
            tail: TAIL,
        })));
    }
}

fn read_alert(state: &mut State, slo: &SloId, effects: &mut Vec<Effect>) {
    if state.inspected.alert.as_ref().is_none_or(|open| open.slo != *slo) {
        state.inspected.alert =
            Some(OpenAlert { slo: slo.clone(), rules: None, asked: None, waiting: false });
    }
    let mono = state.mono;
    let known = state.world.prometheus.is_some() || state.world.slos.contains_key(slo);
    let Some(open) = state.inspected.alert.as_mut().filter(|_| known) else { return };
    if due(open.asked, open.waiting, READ_ALERT, mono) {
        (open.asked, open.waiting) = (Some(mono), true);
        effects.push(Effect::ReadAlerts(slo.clone()));
    }
}

/// Contents of the ConfigMaps that these revisions refer to, each asked for once.
fn read_contents(state: &mut State, workload: &Key, revisions: &[Uid], effects: &mut Vec<Effect>) {
    let sets = revisions.iter().filter_map(|uid| state.world.replica_sets.get(uid));
    let names = sets.flat_map(|set| &set.template.references);
    let keys: Vec<Key> = names
        .filter(|reference| reference.kind == RefKind::ConfigMap)
        .map(|reference| Key { namespace: workload.namespace.clone(), name: reference.name.clone() })
        .filter(|key| !state.config_asked.contains_key(key))
        .collect();
    for key in keys {
        let object = state.world.referenced.get(&(RefKind::ConfigMap, key.clone()));
        let version = object.map_or(String::new(), |object| object.meta.resource_version.clone());
        if state.config_asked.insert(key.clone(), (version, state.now)).is_none() {
            effects.push(Effect::ReadConfig(key.clone()));
            effects.push(Effect::LoadKnown(key));
        }
    }
}

/// The answer to [`Effect::ReadPod`].
pub fn pod_read(state: &mut State, uid: &Uid, answer: Result<PodPage, Clean>) {
    let Some(open) = state.inspected.pod.as_mut().filter(|open| open.uid == *uid) else { return };
    open.waiting = false;
    match answer {
        Ok(page) => (open.page, open.failed) = (Some(page), None),
        Err(why) => open.failed = Some(why),
    }
}

/// The answer to [`Effect::ReadAlerts`].
pub fn alerts_read(state: &mut State, slo: &SloId, answer: Result<Vec<AlertRule>, Clean>) {
    if let Some(open) = state.inspected.alert.as_mut().filter(|open| open.slo == *slo) {
        open.waiting = false;
        open.rules = Some(answer);
    }
}

/// Something was heard of a log.
pub fn log_heard(state: &mut State, stream: u64, news: LogNews) {
    let now = state.now;
    let query = state.view.pod_log.query.clone();
    let Some(log) = state.inspected.log.as_mut().filter(|log| log.stream == Some(stream)) else { return };
    match news {
        LogNews::Opened => log.state = LogState::Live,
        LogNews::Lines(lines) => {
            log.state = LogState::Live;
            lines.into_iter().for_each(|line| log.push(line, false, &query));
        }
        LogNews::Lost(why) => {
            // What cannot be read yet has lost nothing.
            if !log.lines.is_empty() {
                log.say(now, format!("interrupted: {why}; tried again by itself"));
            }
            log.state = LogState::Lost(why);
        }
        LogNews::Again { whole } => {
            let words = if whole {
                "it goes on, nothing is missing"
            } else {
                "it goes on, lines between may be missing: the last one was not found again"
            };
            if !log.lines.is_empty() {
                log.say(now, words);
            }
            log.state = LogState::Live;
        }
        LogNews::Ended(why) => {
            log.say(now, format!("end: {why}"));
            log.state = LogState::Ended(why);
            log.stream = None;
        }
    }
}

/// Opens the pods of the selected workload: those of the selected revision, if one is.
pub fn open_pods(state: &mut State) {
    let Some(workload) = view::selected_workload(state) else {
        state.say("kube", Weight::Plain, "no workload is known: there are no pods to show");
        return;
    };
    let chosen = state.view.revision.clone().filter(|_| state.view.pane == Pane::Revisions);
    state.view.pods_of = chosen;
    go(state, Screen::Pods(workload));
}

/// Puts what is selected into the clipboard: on an alert's page the link, in a log the line, on a page of queries the
/// query, elsewhere the name.
pub fn copy(state: &mut State, effects: &mut Vec<Effect>) {
    let Some(text) = selected_text(state).filter(|text| !text.is_empty()) else {
        state.say("copy", Weight::Plain, "nothing is selected that could be copied");
        return;
    };
    state.say(
        "copy",
        Weight::Plain,
        format!("to the clipboard of the terminal, where it takes that: {text}"),
    );
    effects.push(Effect::Copy(text));
}

fn selected_text(state: &State) -> Option<Clean> {
    let name = |key: &Key| Clean::new(key.to_string());
    match &state.view.screen {
        Screen::Alert(slo) => {
            let items = alert_items(state, slo);
            let at = chosen(state, &items).unwrap_or(0);
            Some(match items.get(at) {
                Some(AlertItem::Link(address)) => address.clone(),
                Some(AlertItem::Other(other)) => other.0.clone(),
                None => slo.0.clone(),
            })
        }
        Screen::Pods(workload) => {
            let uid = selected_pod(state, workload)?;
            Some(watched(state, &uid)?.key.name.clone())
        }
        Screen::Pod(..) => Some(state.inspected.pod.as_ref()?.key.name.clone()),
        Screen::PodLog(..) => {
            let log = state.inspected.log.as_ref()?;
            let number = state.view.pod_log.at.or(state.view.pod_log.bottom).or(log.newest())?;
            log.lines.iter().find(|kept| kept.number == number).map(|kept| kept.line.text.clone())
        }
        Screen::Revision(_, uid) | Screen::Compare(_, _, uid) => {
            state.world.replica_sets.get(uid).map(|set| set.meta.key.name.clone())
        }
        Screen::Readings(slo) | Screen::Queries(slo) => query_of(state, slo),
        Screen::Evidence(workload) => query_of(state, state.incidents.get(workload)?.slos.first()?),
        Screen::Card(workload) | Screen::Diff(workload) | Screen::Model(workload) => Some(name(workload)),
        Screen::Contexts => Some(state.setup.context.clone()),
        Screen::Main | Screen::Log | Screen::Inbox | Screen::Drill | Screen::Journal | Screen::Record(_) => {
            match (state.view.pane, view::selected(state)?) {
                (Pane::Revisions, _) => {
                    let set = state.world.replica_sets.get(state.view.revision.as_ref()?)?;
                    Some(set.meta.key.name.clone())
                }
                (Pane::Log, _) => {
                    state.log.iter().rev().nth(state.view.log_scroll).map(|line| line.text.clone())
                }
                (_, Row::Slo(slo)) => Some(slo.0.clone()),
                (_, Row::Workload(key)) => Some(name(key)),
            }
        }
    }
}

/// The query behind the errors of the last five minutes.
fn query_of(state: &State, slo: &SloId) -> Option<Clean> {
    match &state.world.slos.get(slo)?.sli {
        Sli::Understood(sli) => Some(Clean::new(sli.bad_increase(Window::minutes(5), &[]))),
        _ => None,
    }
}

/// Opens the page of the selected revision.
pub fn open_revision(state: &mut State) {
    let Some(workload) = view::selected_workload(state) else { return };
    let timeline = view::timeline(state, &workload);
    let at = timeline.iter().find(|row| Some(&row.uid) == state.view.revision.as_ref());
    if let Some(row) = at.or(timeline.first()) {
        let uid = row.uid.clone();
        state.view.revision = Some(uid.clone());
        go(state, Screen::Revision(workload, uid));
    }
}

/// Opens the alert of the selected SLO.
pub fn open_alert(state: &mut State) {
    match view::selected_slo(state).cloned() {
        Some(slo) => {
            state.view.alert_item = None;
            go(state, Screen::Alert(slo));
        }
        None => state.say("slo", Weight::Plain, "no SLO judges it: there is no alert"),
    }
}

/// Marks the selected revision for a comparison, or takes the mark away.
pub fn mark(state: &mut State) {
    let Some(workload) = view::selected_workload(state).filter(|_| state.view.pane == Pane::Revisions) else {
        return;
    };
    let timeline = view::timeline(state, &workload);
    let at = timeline.iter().find(|row| Some(&row.uid) == state.view.revision.as_ref());
    let Some(row) = at.or(timeline.first()) else { return };
    let mark = Some((workload, row.uid.clone()));
    state.view.marked = if state.view.marked == mark { None } else { mark };
}

/// The two revisions that `d` compares, older first: the marked and the selected one, else the selected one and the
/// current one. `None`: the plan's own difference is meant.
pub fn compared(state: &State, workload: &Key) -> Option<(Uid, Uid)> {
    if state.view.pane != Pane::Revisions {
        return None;
    }
    let timeline = view::timeline(state, workload);
    let place = |uid: &Uid| timeline.iter().position(|row| row.uid == *uid);
    let selected = state.view.revision.as_ref().and_then(place).unwrap_or(0);
    let marked = state.view.marked.as_ref().filter(|(of, _)| of == workload);
    let other = match marked.and_then(|(_, uid)| place(uid)) {
        Some(marked) => marked,
        None => {
            let current = timeline.iter().position(|row| row.mark == Mark::Current)?;
            if selected == current {
                return None;
            }
            current
        }
    };
    if other == selected {
        return None;
    }
    // The timeline's newest is first.
    let (newer, older) = (other.min(selected), other.max(selected));
    Some((timeline.get(older)?.uid.clone(), timeline.get(newer)?.uid.clone()))
}

fn go(state: &mut State, screen: Screen) {
    state.view.screen = screen;
    state.view.scroll = 0;
    state.view.change = None;
}

/// Another SLO that burns at the same time as the one whose page is open.
#[derive(Clone, PartialEq, Debug)]
pub struct Beside {
    /// Which.
    pub slo: SloId,
    /// What it judges, where that is known.
    pub workload: Option<Key>,
    /// How it stands to ours.
    pub relation: Relation,
    /// When it began, where that is known.
    pub onset: Option<crate::domain::Time>,
}

/// SLOs that burn beside `slo`, the first to burn first; and when ours began.
pub fn beside(state: &State, slo: &SloId) -> (Option<crate::domain::Time>, Vec<Beside>) {
    let onsets = surroundings::onsets(state);
    let own = view::workload_of(state, slo);
    let began = |slo: &Slo, workload: Option<&Key>| {
        workload.and_then(|key| onsets.get(key)).copied().or_else(|| surroundings::alert_since(slo))
    };
    let ours = state.world.slos.get(slo).and_then(|slo| began(slo, own));
    let others = state
        .world
        .slos
        .values()
        .filter(|other| other.id != *slo && (surroundings::burns(other) || other.burning().is_some()));
    let mut found: Vec<Beside> = others
        .map(|other| {
            let workload = view::workload_of(state, &other.id);
            Beside {
                slo: other.id.clone(),
                workload: workload.cloned(),
                relation: surroundings::relation(&state.edges, own, workload),
                onset: began(other, workload),
            }
        })
        .collect();
    found.sort_by(|a, b| (a.onset.is_none(), a.onset, &a.slo).cmp(&(b.onset.is_none(), b.onset, &b.slo)));
    (ours, found)
}

/// Links of the alert that is open, each address once.
pub fn links(state: &State) -> Vec<(Clean, Clean)> {
    let rules = state.inspected.alert.as_ref().and_then(|open| open.rules.as_ref()?.as_ref().ok());
    let mut links: Vec<(Clean, Clean)> = Vec::new();
    for (name, address) in rules.into_iter().flatten().flat_map(AlertRule::links) {
        if links.iter().all(|(_, known)| *known != address) {
            links.push((name, address));
        }
    }
    links
}

/// What can be chosen on the page of the alert of `slo`, in the order in which it stands there.
pub fn alert_items(state: &State, slo: &SloId) -> Vec<AlertItem> {
    let links = links(state).into_iter().map(|(_, address)| AlertItem::Link(address));
    let others = beside(state, slo).1.into_iter().map(|other| AlertItem::Other(other.slo));
    links.chain(others).collect()
}

/// What is chosen there: what was chosen if it is still there, else the first.
pub fn chosen(state: &State, items: &[AlertItem]) -> Option<usize> {
    let wanted = state.view.alert_item.as_ref()?;
    items.iter().position(|item| item == wanted)
}

/// A command on one of these pages. `None`: it is not one of theirs.
pub fn command(state: &mut State, command: &Command) -> Option<()> {
    match state.view.screen.clone() {
        Screen::Pods(workload) => on_pods(state, &workload, command),
        Screen::Pod(workload, uid) => match command {
            Command::Back => {
                go(state, Screen::Pods(workload));
                Some(())
            }
            Command::PodLog | Command::Open => {
                go(state, Screen::PodLog(workload, uid));
                Some(())
            }
            _ => None,
        },
        Screen::PodLog(workload, uid) => on_log(state, workload, uid, command),
        Screen::Alert(slo) => on_alert(state, &slo, command),
        Screen::Revision(workload, uid) => match command {
            Command::Diff => {
                let current = current(state, &workload)?;
                if current != uid {
                    go(state, Screen::Compare(workload, uid, current));
                }
                Some(())
            }
            Command::Pods => {
                state.view.pods_of = Some(uid);
                go(state, Screen::Pods(workload));
                Some(())
            }
            _ => None,
        },
        _ => None,
    }
}

fn current(state: &State, workload: &Key) -> Option<Uid> {
    let deployment: &Deployment = state.world.deployments.get(workload)?;
    Some(state.world.current(deployment)?.meta.uid.clone())
}

fn on_pods(state: &mut State, workload: &Key, command: &Command) -> Option<()> {
    let groups = pods(state, workload, state.view.pods_of.as_ref());
    let all: Vec<Uid> =
        groups.iter().flat_map(|group| group.pods.iter().map(|pod| pod.uid.clone())).collect();
    let at = selected_pod(state, workload).and_then(|uid| all.iter().position(|known| *known == uid));
    match command {
        Command::Open | Command::PodLog => {
            let uid = all.get(at?)?.clone();
            state.view.pod = Some(uid.clone());
            let log = *command == Command::PodLog;
            let screen =
                if log { Screen::PodLog(workload.clone(), uid) } else { Screen::Pod(workload.clone(), uid) };
            go(state, screen);
            Some(())
        }
        Command::Wheel(_, up) => {
            let step = if *up { Command::Up } else { Command::Down };
            on_pods(state, workload, &step)
        }
        // Those of one revision, or all.
        Command::FocusNext | Command::FocusPrevious => {
            let of =
                at.and_then(|at| state.world.pods.get(all.get(at)?)).and_then(|pod| pod.replica_set.clone());
            state.view.pods_of = if state.view.pods_of.is_some() { None } else { of };
            Some(())
        }
        Command::Up | Command::Down | Command::PageUp | Command::PageDown | Command::Home | Command::End => {
            let next = super::view::moved(at.unwrap_or(0), all.len(), command);
            state.view.pod = all.get(next).cloned();
            Some(())
        }
        _ => None,
    }
}

fn on_alert(state: &mut State, slo: &SloId, command: &Command) -> Option<()> {
    let items = alert_items(state, slo);
    let at = chosen(state, &items);
    match command {
        Command::Up | Command::Down | Command::FocusNext | Command::FocusPrevious if !items.is_empty() => {
            let back = matches!(command, Command::Up | Command::FocusPrevious);
            let next = match at {
                None => 0,
                Some(at) if back => at.saturating_sub(1),
                Some(at) => (at + 1).min(items.len() - 1),
            };
            state.view.alert_item = items.get(next).cloned();
            Some(())
        }
        Command::Open => {
            if let Some(AlertItem::Other(other)) = at.and_then(|at| items.get(at)) {
                state.view.selected = Some(Row::Slo(other.clone()));
                state.view.revision = None;
                state.view.alert_item = None;
                go(state, Screen::Alert(other.clone()));
            }
            Some(())
        }
        _ => None,
    }
}

fn on_log(state: &mut State, workload: Key, uid: Uid, command: &Command) -> Option<()> {
    if state.view.pod_log.typing.is_some() {
        type_search(state, command);
        return Some(());
    }
    let rows = state.view.page.rows.max(2);
    match command {
        Command::Back | Command::PodLog => go(state, Screen::Pod(workload, uid)),
        Command::Up | Command::Wheel(_, true) => scroll(state, -1),
        Command::Down | Command::Wheel(_, false) => scroll(state, 1),
        Command::PageUp => scroll(state, -(rows as i64 - 1)),
        Command::PageDown => scroll(state, rows as i64 - 1),
        Command::Home => scroll(state, i64::MIN / 2),
        Command::End => state.view.pod_log.bottom = None,
        Command::Times => state.view.pod_log.times = !state.view.pod_log.times,
        Command::Search => state.view.pod_log.typing = Some(state.view.pod_log.query.clone()),
        Command::Next => next_match(state, true),
        Command::NextBack => next_match(state, false),
        Command::Follow => follow(state),
        Command::Container => another_container(state),
        Command::Previous => {
            if let Some(log) = stopped(&mut state.inspected) {
                log.reopen(log.container.clone(), !log.previous);
            }
            forget_place(state);
        }
        _ => return None,
    }
    Some(())
}

/// The open log, whose stream is not wanted any more.
fn stopped(inspected: &mut Inspected) -> Option<&mut OpenLog> {
    let log = inspected.log.as_mut()?;
    inspected.stops.extend(log.stream.take());
    Some(log)
}

fn forget_place(state: &mut State) {
    state.view.pod_log.bottom = None;
    state.view.pod_log.at = None;
}

/// Stops the stream, or goes on after the last line.
fn follow(state: &mut State) {
    let now = state.now;
    let running = state.inspected.log.as_ref().is_some_and(|log| log.stream.is_some());
    let Some(log) = stopped(&mut state.inspected) else { return };
    if running {
        log.state = LogState::Stopped;
        log.say(now, "not followed from here on");
    } else if !log.previous {
        log.state = LogState::Opening;
        state.view.pod_log.bottom = None;
    }
}

fn another_container(state: &mut State) {
    let page = state.inspected.pod.as_ref().and_then(|pod| pod.page.as_ref());
    let (Some(log), Some(page)) = (&state.inspected.log, page) else { return };
    let at = page.containers.iter().position(|container| container.name == log.container).unwrap_or(0);
    let Some(next) = page.containers.get((at + 1) % page.containers.len().max(1)) else { return };
    let next = next.name.clone();
    if next != log.container
        && let Some(log) = stopped(&mut state.inspected)
    {
        log.reopen(next, false);
        forget_place(state);
    }
}

/// Moves the lowest line of the screen; beyond the newest one it follows again.
fn scroll(state: &mut State, by: i64) {
    let Some(log) = &state.inspected.log else { return };
    let (Some(first), Some(last)) = (log.lines.front().map(|kept| kept.number), log.newest()) else { return };
    let at = state.view.pod_log.bottom.unwrap_or(last) as i64;
    // The oldest line with a screen below it is as far up as it goes.
    let top = (first + state.view.page.rows.saturating_sub(1) as u64).min(last);
    let to = at.saturating_add(by).max(top as i64) as u64;
    state.view.pod_log.bottom = (to < last).then_some(to);
}

fn type_search(state: &mut State, command: &Command) {
    let view = &mut state.view.pod_log;
    let Some(typing) = &mut view.typing else { return };
    match command {
        Command::Char(c, _) if !c.is_control() && typing.len() < 200 => typing.push(*c),
        Command::Paste(text) => typing.extend(text.chars().filter(|c| !c.is_control()).take(200)),
        Command::Backspace => {
            typing.pop();
        }
        Command::Back => view.typing = None,
        Command::Submit => {
            view.query = view.typing.take().unwrap_or_default();
            view.at = None;
            let query = view.query.clone();
            if let Some(log) = &mut state.inspected.log {
                log.search(&query);
            }
            // What one looks for is most often what came last.
            next_match(state, false);
        }
        _ => {}
    }
}

/// Goes to the next newer match, or the next older one; from the last one around to the first.
fn next_match(state: &mut State, newer: bool) {
    let Some(log) = &state.inspected.log else { return };
    let from = state.view.pod_log.at;
    let bottom = state.view.pod_log.bottom.or(log.newest()).unwrap_or(0);
    let found = &log.found;
    let next = match (from, newer) {
        (Some(at), true) => found.iter().find(|n| **n > at).or(found.front()),
        (Some(at), false) => found.iter().rev().find(|n| **n < at).or(found.back()),
        (None, true) => found.iter().find(|n| **n > bottom).or(found.front()),
        (None, false) => found.iter().rev().find(|n| **n <= bottom).or(found.back()),
    };
    let Some(next) = next.copied() else { return };
    state.view.pod_log.at = Some(next);
    // A match that is not on the screen comes to its middle.
    let rows = state.view.page.rows as u64;
    if next > bottom || next + rows <= bottom {
        let to = next + rows / 2;
        state.view.pod_log.bottom = log.newest().filter(|last| to < *last).map(|_| to);
    }
}

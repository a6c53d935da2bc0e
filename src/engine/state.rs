//! All that can be shown or approved. A recording of events leads to the same state again, frame for frame.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::Time;
use crate::domain::advice::{BriefId, Share};
use crate::domain::clean::Clean;
use crate::domain::cluster::{ContentDigest, Key, Uid};
use crate::domain::exact;
use crate::domain::plan::{DryRun, FieldChange};
use crate::domain::policy::Policy;
use crate::domain::slo::SloId;
use crate::sabotage::{self, Design};

use super::courtesy::Courtesy;
use super::drill::Drill;
use super::event::ActionId;
use super::incident::Incident;
use super::inspect::Inspected;
use super::investigate::Study;
use super::ledger::Ledger;
use super::listing::Listing;
use super::opinion::Counsel;
use super::quorum::Quorum;
use super::record::{Past, PastAction, PastOpinion};
use super::view::View;
use super::world::World;

/// Lines of the event log that are kept.
const LOG: usize = 2_000;

/// What was decided before the start: configuration and command line.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Setup {
    /// `[policy]`.
    pub policy: Policy,
    /// `[[slo]]`: which workload an SLO judges.
    pub slo_workloads: BTreeMap<SloId, Key>,
    /// `[[workload]] depends_on`.
    #[serde(with = "exact")]
    pub depends_on: BTreeMap<Key, Vec<Key>>,
    /// No URL of Prometheus is given: it is looked for in the cluster.
    pub find_prometheus: bool,
    /// `--read-only`.
    pub read_only: bool,
    /// Rights on every workload that an SLO judges are asked for, not only where something burns: for `check`.
    pub every_right: bool,
    /// Name of the kubeconfig context.
    pub context: Clean,
    /// The context matches `prod_contexts`.
    pub prod: bool,
    /// The model that is asked about open cards, where one is configured.
    pub advisor: Option<Advisor>,
    /// What does not call for attention.
    #[serde(default)]
    pub silent: Silent,
    /// Who is deciding is looked for, and told unless nothing may be written: `[gate] lease`.
    #[serde(default)]
    pub lease: bool,
    /// `[gate] quorum`: how many people must approve; 0 and 1 are one.
    #[serde(default)]
    pub quorum: u64,
    /// `[[workload]] quorum`, which comes before it.
    #[serde(default, with = "exact")]
    pub quorums: BTreeMap<Key, u64>,
}

/// `[ui] bell` and `notify`, the other way round: nothing is silent unless somebody says so.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Silent {
    /// No bell.
    pub bell: bool,
    /// No notifications.
    pub notify: bool,
}

/// What the core must know of a configured model: no more than what the screen says of it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Advisor {
    /// Its name.
    pub model: Clean,
    /// What may be sent.
    pub share: Share,
}

/// One line of the event log.
#[derive(Clone, PartialEq, Debug)]
pub struct LogLine {
    /// When.
    pub at: Time,
    /// Which part of the program or of the world says it: `kube`, `slo`, `alert`, `verdict`, `gate`, ...
    pub source: &'static str,
    /// The sentence.
    pub text: Clean,
    /// How much it wants attention.
    pub weight: Weight,
}

/// How much a log line wants attention.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Weight {
    /// Ordinary.
    Plain,
    /// Good news.
    Good,
    /// Needs a person.
    Attention,
    /// Burning.
    Bad,
}

/// How the journal is.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct JournalState {
    /// Head of the chain, or why nothing can be written; `None` before the first word from it.
    pub head: Option<Result<String, Clean>>,
    /// Earlier actions, oldest first, and the ones of this session.
    pub actions: Vec<PastAction>,
    /// What was rejected, by fingerprint, with the reason.
    pub rejected: BTreeMap<String, Clean>,
    /// What models took for causes.
    pub opinions: Vec<PastOpinion>,
    /// When this session first heard of it.
    pub began: Option<Time>,
    /// When it was last looked for what others wrote.
    pub read: Option<Time>,
}

/// The state of everything.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct State {
    /// Configuration.
    pub setup: Setup,
    /// World time of the last event.
    pub now: Time,
    /// Monotonic time of the last event.
    pub mono: Duration,
    /// Facts.
    pub world: World,
    /// Incidents by workload; one each.
    pub incidents: BTreeMap<Key, Incident>,
    /// Which workload each SLO judges, or why none.
    pub mapped: BTreeMap<SloId, Result<(Key, super::mapping::How), super::mapping::Unmapped>>,
    /// What was asked and answered about each SLO under study.
    pub studies: BTreeMap<SloId, Study>,
    /// Number of the last inquiry.
    pub inquiries: u64,
    /// Dry runs by digest.
    pub dry_runs: BTreeMap<ContentDigest, DryRun>,
    /// Differences between two ReplicaSets' templates, computed once.
    pub diffs: BTreeMap<(Uid, Uid), Vec<FieldChange>>,
    /// The journal.
    pub journal: JournalState,
    /// What was asked of the model about each workload's card. Nothing else in here is made of its words.
    pub counsel: BTreeMap<Key, Counsel>,
    /// Number of the last question to the model.
    pub briefs: BriefId,
    /// What was asked for the page that is open.
    pub inspected: Inspected,
    /// The journal, as it was read last.
    pub ledger: Ledger,
    /// The question of a drill, where this session is one.
    pub drill: Option<Drill>,
    /// What is selected, opened, filtered.
    pub view: View,
    /// What can be chosen before anything is connected.
    pub contexts: super::contexts::Contexts,
    /// Calls for attention that were made.
    pub told: super::inbox::Told,
    /// Who is deciding.
    pub courtesy: Courtesy,
    /// Who approved what, where more than one person is wanted.
    pub quorum: Quorum,
    /// The list of the main screen.
    pub listing: Listing,
    /// The event log, oldest first.
    pub log: VecDeque<LogLine>,
    /// Something that a review depends on has changed.
    pub dirty: bool,
    /// When the last review was.
    pub reviewed: Option<Time>,
    /// The same by the monotonic clock.
    pub reviewed_mono: Duration,
    /// ConfigMap versions that were asked for, so that none is read twice.
    pub config_asked: BTreeMap<Key, (String, Time)>,
    /// When each dry run was asked for: one that was not possible is tried again.
    pub dry_tried: BTreeMap<ContentDigest, Time>,
    /// Whom each workload in question calls; looked up once a review, because it reads texts.
    pub edges: BTreeMap<Key, BTreeSet<Key>>,
    /// When the edges were looked up.
    pub edges_at: Option<Time>,
    /// Namespaces whose rights were asked for, and when.
    pub rights_asked: BTreeMap<Clean, Time>,
    /// SLOs must be mapped anew: Deployments or Services came or went, or what maps them was learnt later.
    pub remap: bool,
    /// When unknown outcomes of earlier sessions were last read back.
    pub resolved_old: Option<Time>,
    /// Unknown actions of which the server answers, without a break, that not all is there: since when, and when last.
    pub absent: BTreeMap<ActionId, (Time, Time)>,
    /// Generations of Deployments at which actions were read back: a watch that shows an earlier one lags behind.
    pub found_at: BTreeMap<ActionId, i64>,
    /// Actions of earlier sessions that were done in part, and whose rest was offered.
    pub rest_offered: BTreeSet<String>,
    /// When Prometheus was last looked for.
    pub looked_for_prometheus: Option<Time>,
    /// When it was last forgotten what nobody asks about any more.
    pub forgot: Option<Time>,
    /// Round trip to the person's terminal, rounded; `None` where it does not answer.
    pub line: Option<Duration>,
    /// The person wants to leave.
    pub quitting: bool,
}

impl State {
    /// A state that knows nothing yet.
    pub fn new(setup: Setup, now: Time) -> Self {
        Self { setup, now, ..Self::default() }
    }

    /// Adds a line to the event log. The same sentence twice in a row is said once.
    pub fn say(&mut self, source: &'static str, weight: Weight, text: impl AsRef<str>) {
        let text = Clean::new(text);
        if self.log.back().is_some_and(|last| last.source == source && last.text == text) {
            return;
        }
        self.log.push_back(LogLine { at: self.now, source, text, weight });
        while self.log.len() > LOG {
            self.log.pop_front();
        }
    }

    /// Who we are, as the API server names us.
    pub fn user(&self) -> Clean {
        self.world.identity.as_ref().map(|i| i.user.clone()).unwrap_or_else(|| Clean::new("unknown"))
    }

    /// Earlier actions on this cluster: one journal may tell of several.
    pub fn actions_here(&self) -> Vec<PastAction> {
        self.past_here().cloned().collect()
    }

    /// The same, to be looked at.
    pub fn past_here(&self) -> impl Iterator<Item = &PastAction> {
        let here = self.world.cluster_id.as_ref().map_or("", Clean::as_str);
        self.journal.actions.iter().filter(move |a| a.cluster == here)
    }

    /// Takes what the journal tells. Of its own actions this process knows more.
    pub fn learn(&mut self, past: Past) {
        let (own, mut others): (Vec<PastAction>, Vec<PastAction>) =
            self.journal.actions.drain(..).partition(|a| a.own);
        let known: BTreeSet<String> = own.iter().map(|a| a.action.clone()).collect();
        self.journal.actions = past.actions;
        // Why an outcome cannot be known was seen on the cluster: the journal does not tell it.
        for action in self.journal.actions.iter_mut().filter(|a| a.unknown) {
            let before = others.iter_mut().find(|a| a.action == action.action);
            action.lost = before.as_ref().is_some_and(|a| a.lost);
            action.unknown_why = before.and_then(|a| a.unknown_why.take());
        }
        self.journal.actions.retain(|a| !known.contains(&a.action));
        self.journal.actions.extend(own);
        self.journal.actions.sort_by(|a, b| (a.time, &a.action).cmp(&(b.time, &b.action)));
        if !sabotage::is(Design::RejectionForgotten) {
            self.journal.rejected.extend(past.rejected);
        }
        if past.opinions.len() >= self.journal.opinions.len() {
            self.journal.opinions = past.opinions;
        }
        self.dirty = true;
    }

    /// Why nothing can be recorded, if that is so.
    pub fn journal_closed(&self) -> Option<&Clean> {
        match &self.journal.head {
            Some(Err(why)) => Some(why),
            _ => None,
        }
    }
}

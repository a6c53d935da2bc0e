//! One look at one workload: everything that is computed about it, from the verdict to the plan. A pure function of
//! the facts, so the same facts give the same card.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;

use serde::{Deserialize, Serialize};

use crate::domain::Time;
use crate::domain::clean::Clean;
use crate::domain::cluster::{ContentDigest, Deployment, Key, Uid};
use crate::domain::evidence::EvidenceList;
use crate::domain::format;
use crate::domain::plan::{DryRun, Plan};
use crate::domain::signal::Source;
use crate::domain::slo::{Slo, SloId};
use crate::domain::value::Value;
use crate::domain::verdict::{Gate, GateResult, GateState, Offer, Verdict};
use crate::domain::window::Window;

use super::attribution::{self, Attribution};
use super::background;
use super::gates;
use super::investigate::Study;
use super::mapping::{How, Unmapped};
use super::offer::{self, Choice};
use super::record::PastAction;
use super::revisions::RevisionRow;
use super::state::Setup;
use super::surroundings::{self, Surroundings};
use super::world::World;

/// A pod that was created later than this after the begin of a rollout is not of it.
const ROLLOUT: TimeDelta = TimeDelta::minutes(10);

/// What a person asked for instead of what is computed.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Wish {
    /// Go back to this revision.
    pub target: Option<Uid>,
    /// Restore what would not be restored as well.
    pub restore: bool,
    /// Proposed by hand, burn or no burn.
    pub by_hand: bool,
    /// The way back of this action.
    pub undo_of: Option<PastAction>,
    /// Only what is left of a plan of which the first calls were done: the contents that it was to restore.
    pub rest: Option<Vec<(Key, ContentDigest)>>,
    /// The reason already given, for the gesture to start with.
    pub reason: String,
}

/// Everything that an analysis looks at.
pub struct Look<'a> {
    /// Facts.
    pub world: &'a World,
    /// Configuration.
    pub setup: &'a Setup,
    /// The workload.
    pub deployment: &'a Deployment,
    /// The most urgent SLO that judges it; `None` by hand without an SLO.
    pub slo: Option<&'a Slo>,
    /// All SLOs that judge it and burn, most urgent first.
    pub slos: Vec<SloId>,
    /// How the SLO was mapped.
    pub how: Option<How>,
    /// What was asked about the SLO.
    pub study: Option<&'a Study>,
    /// The timeline.
    pub rows: Vec<RevisionRow>,
    /// Which workload each SLO judges.
    pub mapped: &'a BTreeMap<SloId, Result<(Key, How), Unmapped>>,
    /// Onsets of all incidents.
    pub onsets: BTreeMap<Key, Time>,
    /// Whom each workload in question calls.
    pub edges: &'a BTreeMap<Key, BTreeSet<Key>>,
    /// Earlier actions.
    pub actions: Vec<PastAction>,
    /// Dry runs by digest.
    pub dry_runs: &'a BTreeMap<ContentDigest, DryRun>,
    /// Why nothing can be recorded.
    pub journal_closed: Option<&'a Clean>,
    /// Why so many people as are wanted cannot be counted, if that is so.
    pub unmet: Option<Clean>,
    /// Plans that somebody rejected where more than one person is wanted, and who.
    pub rejected: Vec<(ContentDigest, Clean)>,
    /// What a person asked for.
    pub wish: Option<&'a Wish>,
    /// When the incident was opened: fixes what must not move.
    pub opened: Time,
    /// Now.
    pub now: Time,
}

impl Look<'_> {
    /// Error budget of the SLO as a ratio; 0 for an objective of 100 %, `None` where the objective is not known.
    pub fn budget(&self) -> Option<f64> {
        self.slo.and_then(Slo::budget)
    }

    /// When a source was last heard: how old is what it told.
    pub fn heard(&self, source: Source) -> Time {
        let heard = self.world.sources.get(&source).and_then(|s| s.heard);
        heard.map_or(self.now, |at| at.min(self.now))
    }

    /// Does `caller` call `callee`, as far as edges are known?
    pub fn calls(&self, caller: &Key, callee: &Key) -> bool {
        self.edges.get(caller).is_some_and(|callees| callees.contains(callee))
    }

    /// The cluster as it stands in the digest.
    pub fn cluster(&self) -> &str {
        self.world.cluster_id.as_ref().map_or("unknown", Clean::as_str)
    }
}

/// What the burn costs.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Cost {
    /// Requests that failed since the onset.
    pub failed: Option<f64>,
    /// The share of the whole period's budget that they are.
    pub share: Option<f64>,
    /// Requests that fail in a minute of waiting.
    pub per_minute: Option<f64>,
    /// The share of the budget that a minute of waiting costs.
    pub share_per_minute: Option<f64>,
    /// Time until the budget is gone: by the 1 h burn, and by the 5 m burn.
    pub gone_in: Option<(TimeDelta, TimeDelta)>,
    /// Evidence of the arithmetic.
    pub arithmetic: Vec<String>,
}

/// When new errors should stop, and when the short window should be clean.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Prediction {
    /// No new errors from here on.
    pub clean_from: Time,
    /// The short window clears by then.
    pub clear_by: Time,
}

/// The result of one look.
#[derive(Clone, PartialEq, Debug)]
pub struct Analysis {
    /// The workload.
    pub workload: Key,
    /// SLOs that burn, most urgent first.
    pub slos: Vec<SloId>,
    /// How the SLO was mapped to the workload.
    pub how: Option<How>,
    /// When.
    pub at: Time,
    /// What burns it.
    pub attribution: Attribution,
    /// What else is the matter.
    pub around: Surroundings,
    /// The timeline.
    pub rows: Vec<RevisionRow>,
    /// What is offered.
    pub offer: Offer,
    /// The revision that will serve, for an offer that acts.
    pub target: Option<Uid>,
    /// The plan, for an offer that acts.
    pub plan: Option<Plan>,
    /// Digest of the plan.
    pub digest: Option<ContentDigest>,
    /// The dry run of the plan.
    pub dry_run: DryRun,
    /// The seven gates, in order.
    pub gates: Vec<GateResult>,
    /// What disables approving.
    pub blocks: Vec<Clean>,
    /// Evidence.
    pub evidence: EvidenceList,
    /// Cost.
    pub cost: Cost,
    /// Restores that could be added to the plan (`p`).
    pub addable: Vec<Key>,
    /// One sentence: why this is offered.
    pub reason: Clean,
    /// Workload uid, template digest, offer, target and verdict: what a rejection holds for.
    pub fingerprint: String,
    /// Proposed by hand.
    pub by_hand: bool,
    /// The way back of an action of our own.
    pub undo_of: Option<String>,
    /// How long the last rollout took until its last pod started: the next one is expected to take as long.
    pub rollout: Option<TimeDelta>,
}

impl Analysis {
    /// The verdict.
    pub fn verdict(&self) -> Verdict {
        self.attribution.verdict
    }

    /// A gate.
    pub fn gate(&self, gate: Gate) -> GateState {
        self.gates.iter().find(|g| g.gate == gate).map_or(GateState::Unknown, |g| g.state)
    }

    /// Gates that are not `pass`: each must be named in the reason.
    pub fn not_passed(&self) -> impl Iterator<Item = Gate> + '_ {
        self.gates.iter().filter(|g| g.state != GateState::Pass).map(|g| g.gate)
    }

    /// The row of the target.
    pub fn target_row(&self) -> Option<&RevisionRow> {
        self.target.as_ref().and_then(|uid| self.rows.iter().find(|r| r.uid == *uid))
    }

    /// The row that serves now.
    pub fn current_row(&self) -> Option<&RevisionRow> {
        self.rows.iter().find(|r| r.mark == super::revisions::Mark::Current)
    }

    /// What is predicted if the action starts at `from`.
    pub fn prediction(&self, from: Time) -> Prediction {
        // Measured: after a good rollback of three pods the last error came within 31 s; a larger one takes as long as
        // the one before it. The 5 m window needs its own length more.
        let rollout = self.rollout.map_or(TimeDelta::zero(), |took| took + TimeDelta::seconds(30));
        let clean_from = from + rollout.max(TimeDelta::seconds(60));
        Prediction { clean_from, clear_by: clean_from + Window::minutes(5).delta() }
    }
}

/// Looks.
pub fn analyse(look: &Look<'_>) -> Analysis {
    let around = surroundings::look_around(look);
    let attribution = attribution::attribute(look, &around);
    let mut evidence = EvidenceList::default();
    let Choice { offer, target, plan, refusal, addable, target_state, why } =
        offer::choose(look, &attribution);
    let digest = plan.as_ref().map(|plan| plan.digest(look.cluster()));
    let dry_run = digest.as_ref().and_then(|d| look.dry_runs.get(d)).cloned().unwrap_or(DryRun::Pending);
    let facts = gates::Facts {
        look,
        around: &around,
        attribution: &attribution,
        offer,
        plan: plan.as_ref(),
        dry_run: &dry_run,
        target: target.as_ref(),
        target_state: &target_state,
        refusal: refusal.as_ref(),
    };
    let (gates, blocks) = gates::all(&facts, &mut evidence);
    let cost = cost(look, &attribution, &mut evidence);
    let row = target.as_ref().and_then(|uid| look.rows.iter().find(|r| r.uid == *uid));
    background::add(look, &attribution, row, &mut evidence);
    let fingerprint = format!(
        "{}|{}|{}|{}|{}",
        look.deployment.meta.uid.0,
        look.deployment.template.digest.short(),
        offer.word(),
        target.as_ref().map_or("", |t| t.0.as_str()),
        attribution.verdict
    );
    let reason = Clean::new(offer::reason(look, &attribution, &around, offer, &why, refusal.as_ref()));
    Analysis {
        workload: look.deployment.meta.key.clone(),
        slos: look.slos.clone(),
        how: look.how.clone(),
        at: look.now,
        attribution,
        around,
        rows: look.rows.clone(),
        offer,
        target,
        plan,
        digest,
        dry_run,
        gates,
        blocks,
        evidence,
        cost,
        addable,
        reason,
        fingerprint,
        by_hand: look.wish.is_some_and(|w| w.by_hand),
        undo_of: look.wish.and_then(|w| w.undo_of.as_ref()).map(|a| a.action.clone()),
        rollout: last_rollout(look),
    }
}

/// From the begin of the last rollout to the start of its last pod; pods that came much later were not of it.
fn last_rollout(look: &Look<'_>) -> Option<TimeDelta> {
    let row = look.rows.iter().find(|r| r.mark == super::revisions::Mark::Current)?;
    let began = row.began?;
    let pods = look.world.pods_of(&row.uid).filter(|p| p.created.is_some_and(|c| c <= began + ROLLOUT));
    pods.filter_map(|p| {
        p.created.map(|created| p.started.map_or(created, |s| s.min(began + ROLLOUT).max(created)))
    })
    .max()
    .map(|last| (last - began).max(TimeDelta::zero()))
}

/// What the burn has cost and what a minute more costs, by the excess over the ratio before the incident: a rollback
/// does not cure what was there before. The share of the budget assumes that traffic stays what it is.
fn cost(look: &Look<'_>, found: &Attribution, evidence: &mut EvidenceList) -> Cost {
    let (Some(slo), Some(onset)) = (look.slo, &found.onset) else {
        return Cost::default();
    };
    let (Some(budget), Some(period)) = (slo.budget().filter(|b| *b > 1e-12), slo.period) else {
        return Cost::default();
    };
    let rate = onset.rate_during.unwrap_or(0.0);
    let before = onset.outside.ratio().unwrap_or(0.0);
    let excess = (onset.fresh.ratio().unwrap_or(0.0) - before).max(0.0);
    let all_of_period = rate * period.secs_f64();
    let per_minute = excess * rate * 60.0;
    let share = |requests: f64| (all_of_period > 0.0).then(|| requests / (budget * all_of_period));
    let source = format!(
        "{} counts by time of {}",
        look.world.prometheus.as_ref().map_or("Prometheus", |_| "prom"),
        slo.id
    );
    let arithmetic = vec![
        evidence
            .add("requests failed since the onset", &source, gates::counted_at(look))
            .value(Value::from_f64(onset.during.bad), "requests")
            .counts(onset.during.bad, onset.during.total)
            .id(),
        evidence
            .add(
                format!(
                    "a minute of waiting: ({:.4} - {before:.4}) x {rate:.1}/s x 60 s",
                    onset.fresh.ratio().unwrap_or(0.0)
                ),
                &source,
                gates::counted_at(look),
            )
            .value(Value::from_f64(per_minute), "requests")
            .id(),
        evidence
            .add(
                format!(
                    "budget of the period: {} x {rate:.1}/s x {period}, traffic as now",
                    format::percent(budget)
                ),
                "arithmetic",
                gates::counted_at(look),
            )
            .value(Value::from_f64(budget * all_of_period), "requests")
            .id(),
    ];
    Cost {
        failed: Some(onset.during.bad),
        share: share(onset.during.bad - before * onset.during.total),
        per_minute: Some(per_minute),
        share_per_minute: share(per_minute),
        gone_in: gone_in(slo, period),
        arithmetic,
    }
}

/// Linear time until the budget is gone, by the 1 h and by the 5 m burn; `None` when it is gone or nothing burns.
pub fn gone_in(slo: &Slo, period: Window) -> Option<(TimeDelta, TimeDelta)> {
    let left = slo.remaining.number().filter(|left| *left > 0.0)?;
    let after = |window| {
        let burn = slo.burn(window).number().filter(|b| *b > 0.0)?;
        Some(TimeDelta::milliseconds((left * period.secs_f64() / burn * 1e3).min(9e15) as i64))
    };
    let slow = after(Window::hours(1))?;
    Some((slow, after(Window::minutes(5)).unwrap_or(slow)))
}

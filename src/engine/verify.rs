//! After the approval: the calls, the rollout, the SLI. Verified from raw counters since the end of the rollout, not
//! from windows that still remember the incident; four honest outcomes, and a fifth when somebody put it back.

use std::time::Duration;

use chrono::TimeDelta;

use crate::domain::Time;
use crate::domain::advice::Dissent;
use crate::domain::clean::Clean;
use crate::domain::cluster::{ConfigContent, ContentDigest, Deployment, Key, RefKind, Referenced};
use crate::domain::format;
use crate::domain::inquiry::PodCounts;
use crate::domain::plan::{Call, Plan};
use crate::domain::slo::SloId;
use crate::domain::statistics::{Counts, Z95, wilson};
use crate::domain::verdict::{Offer, Outcome};
use crate::sabotage::{self, Design};

use super::analysis::Prediction;
use super::effect::Trace;
use super::event::ActionId;
use super::investigate::Answered;
use super::onset::clearly_more;
use super::record::{PastAction, Watch};
use super::revisions;
use super::world::World;

/// The least time and the least requests before anything is said.
const LEAST: TimeDelta = TimeDelta::seconds(60);
const LEAST_REQUESTS: f64 = 100.0;
/// An older answer about the last moment tells nothing of now.
const NEWEST: TimeDelta = TimeDelta::seconds(30);
/// How long the watch may lag behind a write whose generation nobody knows.
const LAG: TimeDelta = TimeDelta::seconds(20);
/// When watching ends.
pub const GIVE_UP: TimeDelta = TimeDelta::minutes(10);
/// A rollout that has not ended by then is not waited for any more.
const ROLLOUT: TimeDelta = TimeDelta::minutes(30);
/// Old pods are waited for this long after the Deployment says that it is done.
const OLD_PODS: TimeDelta = TimeDelta::seconds(30);
/// A request that was not applied this long after it was sent will not be: the server gives up before.
pub const NEVER_APPLIED: TimeDelta = TimeDelta::seconds(75);
/// For this long the server must have answered that it does not have it. A server that stood still takes up what waits
/// for it when it goes on, and what it gives up counts from there: it gives up a patch after 34 s at the latest.
pub const NEVER_SEEN: TimeDelta = TimeDelta::seconds(45);

/// Where an action is.
#[derive(Clone, PartialEq, Debug)]
pub enum Phase {
    /// Facts are read once more, and the dry run is repeated.
    Rechecking,
    /// The intent is being made durable.
    Recording,
    /// The calls are being sent.
    Executing,
    /// Nobody knows whether a call was done; it is being read back.
    Unknown(Clean),
    /// The rollout goes on.
    Stabilising,
    /// The SLI is watched.
    Verifying,
    /// It ended.
    Closed(Outcome),
    /// Nothing, or not all of it, was done; why.
    Aborted(Clean),
}

/// An approved action.
#[derive(Clone, PartialEq, Debug)]
pub struct Running {
    /// Its id.
    pub action: ActionId,
    /// Digest of the plan.
    pub digest: ContentDigest,
    /// The plan.
    pub plan: Plan,
    /// The calls as they are sent.
    pub calls: Vec<Call>,
    /// Calls that were done.
    pub done: usize,
    /// Who approved.
    pub by: Clean,
    /// Why.
    pub reason: String,
    /// In what a model dissented when it was approved.
    pub dissent: Option<Dissent>,
    /// When, and by the monotonic clock: either one can expire it.
    pub approved: Time,
    /// Monotonic time of the approval.
    pub approved_mono: Duration,
    /// When the calls were handed to the executor.
    pub sent: Option<Time>,
    /// Where it is.
    pub phase: Phase,
    /// What was predicted.
    pub prediction: Prediction,
    /// The SLO that verifies; `None`: there is none.
    pub slo: Option<SloId>,
    /// Its budget, ratio.
    pub budget: f64,
    /// Requests of the incident.
    pub incident: Counts,
    /// Error ratio before the incident.
    pub before: Option<f64>,
    /// End of the rollout.
    pub rollout_ended: Option<Time>,
    /// Generation of the Deployment that the write made.
    pub generation: Option<i64>,
    /// The watch has shown the write.
    pub visible: bool,
    /// Since when the Deployment says that it is done, while old pods still stop.
    pub settled: Option<Time>,
    /// Requests since then.
    pub since: Counts,
    /// How long these were counted.
    pub watched_for: TimeDelta,
    /// Requests of the last moment, and how long that is; `None`: not known, or not any more.
    pub newest: Option<(f64, TimeDelta)>,
    /// When the outcome became unknown.
    pub unknown_since: Option<Time>,
    /// When the last read-back was asked for.
    pub read_back_asked: Option<Time>,
    /// What is waited for, in words.
    pub waiting_for: String,
}

impl Running {
    /// It was sent and is watched: rollout or verification.
    pub fn watched(&self) -> bool {
        matches!(self.phase, Phase::Stabilising | Phase::Verifying)
    }

    /// Requests come still, as far as is known.
    fn comes(&self) -> bool {
        self.newest.is_some_and(|(requests, _)| requests >= 1.0)
    }

    /// That none came lately, as an addition to how many did; empty where some come still.
    fn stopped(&self) -> String {
        match self.newest {
            Some((_, over)) if !self.comes() => format!(", no request in the last {}", format::span(over)),
            _ => String::new(),
        }
    }

    /// What its verification needs to be told, should another process have to take it up.
    pub fn watch(&self) -> Watch {
        Watch {
            uid: self.plan.uid.clone(),
            target: self.plan.target.clone(),
            template: self.plan.target_template.clone(),
            slo: self.slo.clone(),
            budget: self.budget,
            incident: self.incident,
            before: self.before,
            prediction: Some(self.prediction),
        }
    }

    /// What a read-back looks for.
    pub fn trace(&self) -> Trace {
        Trace {
            workload: self.plan.workload.clone(),
            configs: self.plan.configs.clone(),
            configs_left: self.plan.undo.configs.clone(),
            left: self.plan.undo.template.clone(),
            uid: self.plan.uid.clone(),
            written: self.plan.written_template.clone(),
        }
    }

    /// An action of an earlier session, done and not verified: its rollout is watched from here.
    pub fn taken_up(past: &PastAction, offer: Offer, workload: Key) -> Self {
        let watch = &past.watch;
        // The one that was recorded is scored, never a new one; without one it reads as due at the approval.
        let unknown = Prediction { clean_from: past.time, clear_by: past.time };
        Self {
            action: ActionId(past.action.clone()),
            digest: ContentDigest(past.digest.trim_start_matches("sha256:").to_owned()),
            plan: Plan {
                offer,
                workload,
                uid: watch.uid.clone(),
                target: watch.target.clone(),
                target_template: watch.template.clone(),
                written_template: past.written_template.clone(),
                calls: Vec::new(),
                changes: Vec::new(),
                configs: past.configs.clone(),
                not_restored: Vec::new(),
                also: Vec::new(),
                undo: past.undo.clone(),
            },
            calls: Vec::new(),
            done: past.calls,
            by: past.by.clone(),
            reason: past.reason.clone(),
            dissent: None,
            approved: past.time,
            approved_mono: Duration::ZERO,
            sent: Some(past.time),
            phase: Phase::Stabilising,
            prediction: watch.prediction.unwrap_or(unknown),
            slo: watch.slo.clone(),
            budget: watch.budget,
            incident: watch.incident,
            before: watch.before,
            rollout_ended: None,
            generation: None,
            visible: false,
            settled: None,
            since: Counts::default(),
            watched_for: TimeDelta::zero(),
            newest: None,
            unknown_since: None,
            read_back_asked: None,
            waiting_for: "the rollout, taken up from the record".into(),
        }
    }

    /// It is over.
    pub fn over(&self) -> bool {
        matches!(self.phase, Phase::Closed(_) | Phase::Aborted(_))
    }
}

/// Looks at the Deployment while the rollout goes on or is verified: was it put back, is it done?
pub fn watch_rollout(running: &mut Running, world: &World, now: Time) -> Option<Outcome> {
    let Some(deployment) = world.deployments.get(&running.plan.workload) else {
        return Some(Outcome::RevertedBy(Clean::new("somebody: the Deployment was deleted")));
    };
    if deployment.meta.uid != running.plan.uid {
        return Some(Outcome::RevertedBy(Clean::new("somebody: the Deployment was re-created")));
    }
    let as_written = deployment.template.digest == running.plan.written_template;
    running.visible |= match running.generation {
        Some(generation) => deployment.meta.generation >= generation,
        None => as_written || running.sent.is_some_and(|sent| now - sent >= LAG),
    };
    if !running.visible {
        // The watch lags behind our own write for a moment.
        running.waiting_for = "the watch to show the change".into();
        return None;
    }
    if deployment.template.digest_but_restart != running.plan.target_template
        && !sabotage::is(Design::RevertUnseen)
    {
        let who = revisions::template_client(deployment);
        return Some(Outcome::RevertedBy(
            who.map_or("somebody".into(), |c| Clean::new(format!("{c} (client)"))),
        ));
    }
    // A restored ConfigMap is read again when its metadata change; before the rollout ended that may still come.
    if running.rollout_ended.is_some()
        && let Some((key, client)) = config_changed(running, world, now)
    {
        let who = format!("{client} (client), ConfigMap {}", key.name);
        return Some(Outcome::RevertedBy(Clean::new(who)));
    }
    if running.phase == Phase::Stabilising {
        stabilise(running, world, deployment, now);
        if running.phase == Phase::Stabilising && deployment.deadline_exceeded() && !deployment.settled() {
            return Some(Outcome::Inconclusive(Clean::new(
                "the rollout did not finish: ProgressDeadlineExceeded",
            )));
        }
        if running.phase == Phase::Stabilising && running.sent.is_some_and(|sent| now - sent >= ROLLOUT) {
            return Some(Outcome::Inconclusive(Clean::new("the rollout did not finish within 30 min")));
        }
    }
    None
}

/// A ConfigMap of the plan that does not have the restored content any more, and the client that changed it. What was
/// read before our own write arrived here is no news: neither a content that is older than what is known of its object,
/// nor, for a moment, the one that was there before.
fn config_changed<'a>(running: &'a Running, world: &World, now: Time) -> Option<(&'a Key, Clean)> {
    let object = |key: &Key| world.referenced.get(&(RefKind::ConfigMap, key.clone()));
    let news = |key: &Key, content: &ConfigContent| {
        let object = object(key);
        let edited = object.and_then(Referenced::data_changed).map(|(at, _)| at);
        let lags = running.sent.is_some_and(|sent| now - sent < LAG && edited.is_none_or(|at| at <= sent));
        let before = running.plan.undo.configs.iter().find(|c| c.key == *key);
        let newest = object.is_none_or(|o| o.meta.resource_version == content.resource_version);
        newest && !(lags && before.is_some_and(|b| b.version.digest == content.digest))
    };
    let changed = running.plan.configs.iter().find(|(key, digest)| match world.contents.get(key) {
        None => false,
        Some(None) => true,
        Some(Some(live)) => live.digest != *digest && news(key, live),
    });
    let (key, _) = changed?;
    let client =
        object(key).and_then(Referenced::data_changed).map_or("somebody".into(), |(_, client)| client);
    Some((key, client))
}

fn stabilise(running: &mut Running, world: &World, deployment: &Deployment, now: Time) {
    let Deployment { updated, available, replicas, .. } = deployment;
    if !deployment.settled() {
        running.settled = None;
        running.waiting_for = format!("{updated} of {replicas} updated, {available} available");
        if deployment.paused {
            running.waiting_for.push_str("; paused by somebody, hint: kubectl rollout resume");
        }
        return;
    }
    let settled = *running.settled.get_or_insert(now);
    let current = world.current(deployment).map(|r| r.meta.uid.clone());
    let old = world
        .history(deployment)
        .into_iter()
        .filter(|r| Some(&r.meta.uid) != current.as_ref())
        .flat_map(|r| world.pods_of(&r.meta.uid).collect::<Vec<_>>())
        .filter(|p| p.phase != "Failed" && p.phase != "Succeeded")
        .count();
    if old > 0 && now - settled < OLD_PODS {
        let stop = if old == 1 { "pod is" } else { "pods are" };
        running.waiting_for = format!("{old} old {stop} stopping");
        return;
    }
    running.rollout_ended = Some(now);
    running.phase = Phase::Verifying;
    running.waiting_for = "60 s and 100 requests of the new pods".into();
}

/// Judges the counts since the end of the rollout, and whether requests come still. `None`: not yet.
pub fn judge(
    running: &mut Running,
    verify: Option<&Answered<Vec<PodCounts>>>,
    newest: Option<&Answered<f64>>,
    now: Time,
) -> Option<Outcome> {
    let ended = running.rollout_ended?;
    running.newest = newest.filter(|n| now - n.to <= NEWEST).map(|n| (n.data, n.to - n.from));
    let timed_out = now - ended >= GIVE_UP;
    if running.slo.is_none() {
        return Some(Outcome::Inconclusive(Clean::new("no SLO to verify with; the replicas are ready")));
    }
    // Only an answer about the whole time since the end of the rollout counts.
    let verify = verify.filter(|v| (v.from - ended).abs() < TimeDelta::seconds(1));
    let Some(verify) = verify else {
        return timed_out.then(|| Outcome::Inconclusive(Clean::new("no counts within 10 min")));
    };
    running.since = verify.data.iter().fold(Counts::default(), |sum, p| {
        Counts::new(sum.bad + p.bad.max(0.0), sum.total + p.total.max(0.0))
    });
    let watched = verify.to - verify.from;
    running.watched_for = watched;
    let since = running.since;
    let counted = format::bad_of(since.bad, since.total);
    running.waiting_for = format!("{counted} failed in {}{}", format::span(watched), running.stopped());
    if let Some(why) = &verify.partial {
        let why = Clean::new(format!("partial data: {why}"));
        running.waiting_for = why.to_string();
        return timed_out.then_some(Outcome::Inconclusive(why));
    }
    if sabotage::is(Design::HelpedWithoutTraffic) {
        return Some(Outcome::Helped);
    }
    if watched < LEAST || since.total < LEAST_REQUESTS {
        return timed_out.then(|| Outcome::Inconclusive(Clean::new("too few requests within 10 min")));
    }
    decide(running, timed_out)
}

fn decide(running: &Running, timed_out: bool) -> Option<Outcome> {
    let (since, incident) = (running.since, running.incident);
    let ratio = since.ratio()?;
    let allowed = running.budget.max(running.before.unwrap_or(0.0));
    if clearly_more(since, incident) && incident.total > 0.0 {
        return Some(Outcome::Worse);
    }
    let better = clearly_more(incident, since);
    if ratio <= allowed && better {
        // Where nobody asks any more nobody is helped: what came before may have failed to arrive since.
        return match running.newest {
            _ if running.comes() => Some(Outcome::Helped),
            Some(_) => timed_out.then(|| Outcome::Inconclusive(Clean::new("no requests come any more"))),
            None => timed_out
                .then(|| Outcome::Inconclusive(Clean::new("whether requests still come is not known"))),
        };
    }
    // Above what is allowed beyond doubt: more requests will not make it fine.
    let surely_above = wilson(since, Z95).is_some_and(|interval| interval.low > allowed);
    // What is clearly better may still be on its way down.
    if surely_above && !better {
        return Some(Outcome::NotHelped);
    }
    timed_out.then(|| match (ratio <= allowed, better) {
        (true, false) if incident.bad < 1.0 => {
            Outcome::Inconclusive(Clean::new("there was no burn to compare with"))
        }
        (_, true) => Outcome::Inconclusive(Clean::new("better, but not surely within the objective")),
        _ => Outcome::NotHelped,
    })
}

/// One thing that the verification waits for.
#[derive(Clone, PartialEq, Debug)]
pub struct Check {
    /// Its name.
    pub name: &'static str,
    /// It holds.
    pub holds: bool,
    /// What was seen, against what is wanted.
    pub seen: String,
    /// The outcome depends on it; else it only tells.
    pub decides: bool,
}

/// What the verification has and what it waits for, as far as it is.
pub fn checks(running: &Running, world: &World, now: Time) -> Vec<Check> {
    let Some(slo) = running.slo.as_ref().filter(|_| running.rollout_ended.is_some()) else {
        return Vec::new();
    };
    let since = running.since;
    let mut checks = vec![
        Check {
            name: "time",
            holds: running.watched_for >= LEAST,
            seen: format!(
                "{} s watched of at least {} s",
                running.watched_for.num_seconds(),
                LEAST.num_seconds()
            ),
            decides: true,
        },
        Check {
            name: "requests",
            holds: since.total >= LEAST_REQUESTS && running.comes(),
            seen: format!(
                "{} of at least {LEAST_REQUESTS}{}",
                format::grouped(since.total),
                running.stopped()
            ),
            decides: true,
        },
    ];
    let shown = |ratio: Option<f64>| ratio.map_or("unknown".to_owned(), format::percent);
    let allowed = running.budget.max(running.before.unwrap_or(0.0));
    checks.push(Check {
        name: "error ratio",
        holds: since.ratio().is_some_and(|ratio| ratio <= allowed) && clearly_more(running.incident, since),
        seen: format!(
            "{} now; objective allows {}, before it was {}, in the incident {}",
            since.ratio().map_or("no requests".into(), format::percent),
            format::percent(running.budget),
            shown(running.before),
            shown(running.incident.ratio())
        ),
        decides: true,
    });
    let firing = world.slos.get(slo).is_some_and(|slo| slo.firing().is_some());
    let clear_by = running.prediction.clear_by;
    let due = match now <= clear_by {
        true => format!("clears by {}", format::minute(clear_by)),
        false => format!("was to clear by {}", format::minute(clear_by)),
    };
    checks.push(Check {
        name: "alert",
        holds: !firing,
        seen: if firing {
            format!("fires still: its windows remember the incident, the 5m window {due}")
        } else {
            "does not fire any more".into()
        },
        decides: false,
    });
    checks
}

/// Was the prediction kept: no error in the counts since the time that was predicted?
pub fn prediction_kept(running: &Running) -> Option<bool> {
    let ended = running.rollout_ended?;
    let ratio = running.since.ratio()?;
    Some(ended <= running.prediction.clean_from && ratio <= running.budget)
}

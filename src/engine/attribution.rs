//! What burns the budget? Changes of the workload are held against the onset of the errors, revisions against each
//! other by counts, then everything around the workload. Times and counts decide; no model, no guess.

use chrono::TimeDelta;

use crate::domain::Time;
use crate::domain::cluster::{Reach, RefKind, Reference, ReplicaSet, Uid};
use crate::domain::plan::FieldChange;
use crate::domain::statistics::{Counts, Difference, Z95, fisher_greater, wilson};
use crate::domain::verdict::{Method, Verdict};
use crate::domain::window::Window;

use super::analysis::Look;
use super::content::{self, Edit};
use super::onset::{self, Onset};
use super::record::PastAction;
use super::revisions;
use super::surroundings::Surroundings;

/// Bad requests that no pod claims, as a share of all bad ones, above which "by pod" is not believed.
const UNCLAIMED: f64 = 0.05;
/// Fewer requests than this on the old side, and the time before the change is taken instead.
const OLD_ENOUGH: f64 = 100.0;
/// Bad requests of old pods that are enough to be held against the new ones', however few requests they had.
const OLD_FAILED: f64 = 5.0;
/// A bucket that holds this part of the usual error ratio held errors for some seconds.
const PART: f64 = 5.0;
/// Traffic that is this much more than before is a step.
pub const TRAFFIC_STEP: f64 = 1.5;

/// What a change was.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ChangeKind {
    /// The template changed.
    Template,
    /// Only `restartedAt` changed, and content that the template refers to changed before it.
    RestartWithConfig,
    /// Only `restartedAt` changed.
    RestartOnly,
    /// Content changed, nothing was rolled out.
    ConfigOnly,
}

/// A change of the workload.
#[derive(Clone, PartialEq, Debug)]
pub struct ChangeSeen {
    /// What it was.
    pub kind: ChangeKind,
    /// When it began to reach pods.
    pub began: Time,
    /// The revision that it made, or, without a rollout, the current one.
    pub revision: Uid,
    /// What it changed.
    pub what: Vec<FieldChange>,
    /// Edits of content that came to pods with it, oldest first.
    pub edits: Vec<Edit>,
}

/// An older revision that was brought back after the change, and serves now.
#[derive(Clone, PartialEq, Debug)]
pub struct BroughtBack {
    /// When.
    pub at: Time,
    /// Requests since its last pod is there, by time: nothing else serves then.
    pub since: Counts,
    /// It fails too, surely more than the objective allows.
    pub fails: bool,
    /// It fails, and not clearly less than what it replaced: going back was no cure.
    pub no_cure: bool,
}

/// The result.
#[derive(Clone, PartialEq, Debug)]
pub struct Attribution {
    /// The verdict.
    pub verdict: Verdict,
    /// The change under suspicion.
    pub change: Option<ChangeSeen>,
    /// The errors' stretch.
    pub onset: Option<Onset>,
    /// How new and old differ, and how they were told apart.
    pub difference: Option<Difference>,
    /// By pod or by time.
    pub method: Method,
    /// Requests on the new side.
    pub new: Counts,
    /// Requests on the old side.
    pub old: Counts,
    /// Requests that belong to no pod.
    pub unattributed: Counts,
    /// A rollout began after the onset: it is not the cause, and this is when.
    pub later_rollout: Option<Time>,
    /// Bad requests since the onset.
    pub bad: f64,
    /// Somebody, or goaround, went back already.
    pub brought_back: Option<BroughtBack>,
}

/// Times that differ by less than this are the same: clocks differ, and a bucket begins before its first error.
fn tolerance(look: &Look<'_>) -> TimeDelta {
    let step = look.study.and_then(|s| s.buckets.as_ref()).map_or(15, |b| b.data.1.secs() as i64);
    let skew = look.world.clocks.values().map(|ms| ms.abs() / 1_000).max().unwrap_or(0);
    TimeDelta::seconds(step + if skew > 5 { skew } else { 5 })
}

/// Attributes the burn of `look`'s SLO.
pub fn attribute(look: &Look<'_>, around: &Surroundings) -> Attribution {
    let onset = find_onset(look);
    let changes = changes(look);
    let change = onset.as_ref().and_then(|o| suspect(&changes, o, look)).cloned();
    let later_rollout = match (&onset, &change) {
        (Some(onset), None) => changes
            .iter()
            .filter(|c| {
                c.kind != ChangeKind::ConfigOnly
                    && (c.began > onset.began + tolerance(look) || failed_before(look, onset, c.began))
            })
            .map(|c| c.began)
            .max(),
        _ => None,
    };
    let nothing = Counts::default();
    let split = change.as_ref().and_then(|c| split(look, c, onset.as_ref()));
    let (method, new, old, unattributed) = split.unwrap_or((Method::ByTime, nothing, nothing, nothing));
    let brought_back = change.as_ref().and_then(|c| brought_back(look, c, new));
    let budget = look.budget();
    let difference = change.as_ref().and_then(|_| Some(Difference::between(old, new, budget?)));
    let mut result = Attribution {
        verdict: Verdict::Unknown,
        bad: onset.as_ref().map_or(0.0, |o| o.during.bad),
        change,
        onset,
        difference,
        method,
        new,
        old,
        unattributed,
        later_rollout,
        brought_back,
    };
    result.verdict = verdict(look, around, &result);
    result
}

/// When the errors began, by the counts of the SLO under study; `None` without counts or without a budget.
pub fn find_onset(look: &Look<'_>) -> Option<Onset> {
    let answered = look.study?.buckets.as_ref()?;
    let (buckets, step) = &answered.data;
    onset::find(buckets, *step, look.budget()?)
}

/// In this order: enough events, still going on, a callee, our change, traffic, nodes.
fn verdict(look: &Look<'_>, around: &Surroundings, found: &Attribution) -> Verdict {
    let Some(onset) = &found.onset else {
        // Without an onset in counts: either too few events or no counts at all.
        let counted = look.study.is_some_and(|s| s.buckets.is_some());
        return if counted { quiet_or_few(look) } else { Verdict::Unknown };
    };
    if onset.ended.is_some() {
        return Verdict::Recovering;
    }
    if onset.during.bad < look.setup.policy.min_bad as f64
        || onset.during.total < look.setup.policy.min_requests as f64
    {
        return Verdict::NotEnoughData;
    }
    let differs = matches!(found.difference, Some(Difference::Strong | Difference::Likely));
    let callee = around.callees_burning.iter().any(|callee| {
        callee.onset.is_some_and(|theirs| theirs <= onset.began + TimeDelta::seconds(30) + tolerance(look))
    });
    // A burning callee explains the errors of new pods too; only a strong difference says that they are our own.
    if callee && found.difference != Some(Difference::Strong) {
        return Verdict::Dependency;
    }
    // What goes on under the revision before it was not its doing. What our own way back did not cure is for a person.
    let no_cure = found.brought_back.as_ref().is_some_and(|b| b.no_cure) && own_return(look).is_none();
    match &found.change {
        Some(change) if differs && !no_cure => match change.kind {
            ChangeKind::Template => return Verdict::BadDeploy,
            ChangeKind::RestartWithConfig | ChangeKind::ConfigOnly => return Verdict::ConfigChange,
            // A restart by itself changes nothing that could be restored.
            ChangeKind::RestartOnly => {}
        },
        _ => {}
    }
    if found.later_rollout.is_some() {
        return Verdict::Preexisting;
    }
    if around.traffic_step(onset).is_some_and(|(factor, _, _)| factor >= TRAFFIC_STEP) {
        return Verdict::Traffic;
    }
    if !around.infrastructure.is_empty() {
        return Verdict::Infrastructure;
    }
    if found.difference == Some(Difference::NotEnoughData) {
        return Verdict::NotEnoughData;
    }
    Verdict::Unknown
}

/// No stretch stands out. The counts of the last minutes say whether that is because nothing fails any more or
/// because there is too little traffic to tell.
fn quiet_or_few(look: &Look<'_>) -> Verdict {
    let Some(answered) = look.study.and_then(|s| s.buckets.as_ref()) else {
        return Verdict::Unknown;
    };
    let (buckets, step) = &answered.data;
    let recent = onset::between(buckets, *step, look.now - Window::minutes(10).delta(), look.now);
    let enough = recent.total >= look.setup.policy.min_requests as f64;
    let Some(budget) = look.budget() else {
        return Verdict::Unknown;
    };
    let within = recent.ratio().is_some_and(|r| r <= budget);
    // The recorded window must agree: right after an onset the counts are not in yet.
    let window = look.slo.and_then(|s| s.ratios.get(&Window::minutes(5))).and_then(|r| r.value.number());
    let calm = window.is_some_and(|ratio| ratio <= budget);
    if enough && within && calm { Verdict::Recovering } else { Verdict::NotEnoughData }
}

/// The changes of the last hours, oldest first.
pub fn changes(look: &Look<'_>) -> Vec<ChangeSeen> {
    let revisions = look.world.history(look.deployment);
    let edits = config_edits(look);
    let mut found: Vec<ChangeSeen> = Vec::new();
    for row in &look.rows {
        let Some(began) = row.began else { continue };
        let Some(revision) = revisions.iter().find(|r| r.meta.uid == row.uid) else {
            continue;
        };
        // The oldest known revision has nothing to differ from: it is the first release, or its forerunner is pruned.
        let Some(before) = served_before(look, revision, began) else {
            continue;
        };
        let restart_only = before.template.digest_but_restart == revision.template.digest_but_restart;
        let since = began_of(look, &before.meta.uid);
        let edits: Vec<Edit> = edits
            .iter()
            .filter(|e| e.after <= began + tolerance(look) && since.is_none_or(|since| e.at > since))
            .cloned()
            .collect();
        let kind = match (restart_only, edits.is_empty()) {
            (false, _) => ChangeKind::Template,
            (true, false) => ChangeKind::RestartWithConfig,
            (true, true) => ChangeKind::RestartOnly,
        };
        let what = row.changes.clone();
        found.push(ChangeSeen { kind, began, revision: row.uid.clone(), what, edits });
    }
    let current = look.rows.iter().find(|r| r.mark == revisions::Mark::Current);
    let rolled = current.and_then(|r| r.began);
    if let Some(row) = current {
        // An edit after the last rollout reaches pods that read their files again; environment only with a restart.
        let since = |e: &&Edit| rolled.is_none_or(|rolled| e.after > rolled + tolerance(look));
        for edit in edits.iter().filter(|e| e.reference.reach == Reach::Running).filter(since) {
            found.push(ChangeSeen {
                kind: ChangeKind::ConfigOnly,
                began: edit.at,
                revision: row.uid.clone(),
                what: Vec::new(),
                edits: vec![edit.clone()],
            });
        }
    }
    found.sort_by_key(|c| c.began);
    found
}

/// Edits of the ConfigMaps and Secrets that containers of the current template see.
pub fn config_edits(look: &Look<'_>) -> Vec<Edit> {
    let seen = |r: &&Reference| r.kind != RefKind::PersistentVolumeClaim && r.reach != Reach::Pull;
    let references = look.deployment.template.references.iter().filter(seen);
    references.flat_map(|reference| content::edits(look, reference)).collect()
}

fn began_of(look: &Look<'_>, uid: &Uid) -> Option<Time> {
    look.rows.iter().find(|r| r.uid == *uid).and_then(|r| r.began)
}

/// The revision that served before `revision` took over at `began`: the one whose own rollout began last before it.
pub fn served_before<'a>(look: &'a Look<'_>, revision: &ReplicaSet, began: Time) -> Option<&'a ReplicaSet> {
    let before = look
        .rows
        .iter()
        .filter(|r| r.uid != revision.meta.uid && r.began.is_some_and(|b| b < began))
        .max_by_key(|r| (r.began, r.number))?;
    look.world.replica_sets.get(&before.uid)
}

/// The last change that began no later than the errors, and soon enough before them.
pub fn suspect<'a>(changes: &'a [ChangeSeen], onset: &Onset, look: &Look<'_>) -> Option<&'a ChangeSeen> {
    let within = look.setup.policy.onset_within.delta();
    let tolerance = tolerance(look);
    let before = |c: &&ChangeSeen| {
        let in_time = c.began <= onset.began + tolerance && onset.began - c.began <= within;
        in_time && !failed_before(look, onset, c.began)
    };
    // Of several changes around the onset itself the one that changed most is the first suspect: a restart or an edit
    // in the minutes of a bad rollout is somebody's attempt to help.
    let around = |c: &&ChangeSeen| (onset.began - c.began).abs() <= tolerance;
    let weight = |c: &&ChangeSeen| match c.kind {
        ChangeKind::Template => 3,
        ChangeKind::RestartWithConfig => 2,
        ChangeKind::ConfigOnly => 1,
        ChangeKind::RestartOnly => 0,
    };
    let nearest = changes.iter().filter(before).filter(around).max_by_key(|c| (weight(c), c.began));
    nearest.or_else(|| changes.iter().rev().find(before))
}

/// Whole buckets of the errors' stretch lie before `began`: then they were there first. The first bucket may hold only
/// seconds of them, so a part of the usual ratio is enough, if it is surely more than before.
fn failed_before(look: &Look<'_>, onset: &Onset, began: Time) -> bool {
    let Some(answered) = look.study.and_then(|s| s.buckets.as_ref()) else { return false };
    let (buckets, step) = &answered.data;
    let earlier = onset::between(buckets, *step, onset.began, began);
    let usual = onset.during.ratio().unwrap_or(0.0);
    earlier.bad >= 5.0
        && earlier.ratio().is_some_and(|ratio| ratio >= usual / PART)
        && onset::clearly_more(earlier, onset.outside)
}

/// The revision that serves now, if it is an older one that came back after the change.
fn brought_back(look: &Look<'_>, change: &ChangeSeen, new: Counts) -> Option<BroughtBack> {
    let row = look.rows.iter().find(|r| r.mark == revisions::Mark::Current)?;
    let current = look.world.replica_sets.get(&row.uid)?;
    let at = row.began.filter(|at| current.reused && row.uid != change.revision && *at > change.began)?;
    // Until its last pod is there and those before it are gone, the counts are of both.
    let complete = look.world.pods_of(&row.uid).filter_map(|p| p.created).max().unwrap_or(at).max(at);
    let since = match look.study.and_then(|s| s.buckets.as_ref()) {
        Some(answered) if look.deployment.settled() => {
            let (buckets, step) = &answered.data;
            onset::between(buckets, *step, complete + Window::minutes(1).delta(), look.now)
        }
        _ => Counts::default(),
    };
    let enough = since.total >= look.setup.policy.min_requests as f64;
    let above = |low: f64| look.budget().is_some_and(|budget| low > budget);
    let fails = enough && wilson(since, Z95).is_some_and(|interval| above(interval.low));
    Some(BroughtBack { at, since, fails, no_cure: fails && !onset::clearly_more(new, since) })
}

/// The last action on this workload, if it is what brought the current template back.
pub fn own_return<'a>(look: &'a Look<'_>) -> Option<&'a PastAction> {
    let workload = look.deployment.meta.key.to_string();
    let last = look.actions.iter().rev().find(|a| a.workload == workload && a.executed)?;
    (last.written_template == look.deployment.template.digest).then_some(last)
}

/// The old pods' last requests failed like the new ones': that they did well before the errors says nothing then.
fn failed_alike(old: Counts, new: Counts) -> bool {
    old.bad >= OLD_FAILED && fisher_greater(old, new).is_none_or(|p| p >= 0.05)
}

/// New against old: by pod, where few enough bad requests belong to no pod and both sides have requests; else the
/// time after the onset against the time before the change.
fn split(
    look: &Look<'_>,
    change: &ChangeSeen,
    onset: Option<&Onset>,
) -> Option<(Method, Counts, Counts, Counts)> {
    let study = look.study?;
    let nothing = Counts::default();
    let revisions = look.world.history(look.deployment);
    let by_pod =
        study.since_change.as_ref().filter(|_| change.kind != ChangeKind::ConfigOnly).and_then(|since| {
            let (known, nobody) = revisions::by_revision(&since.data, &revisions);
            // What came back after the change is old: its counts since then are judged apart.
            let is_new = |uid: &Uid| {
                let set = look.world.replica_sets.get(uid);
                *uid == change.revision || set.is_some_and(|r| r.meta.created > Some(change.began))
            };
            let came_back = |r: &&ReplicaSet| {
                !is_new(&r.meta.uid) && began_of(look, &r.meta.uid).is_some_and(|began| began > change.began)
            };
            let sum = |counts: &mut dyn Iterator<Item = &Counts>| {
                counts.fold(nothing, |sum, c| Counts::new(sum.bad + c.bad, sum.total + c.total))
            };
            let new = sum(&mut known.iter().filter(|(uid, _)| is_new(uid)).map(|(_, c)| c));
            let mut old = sum(&mut known.iter().filter(|(uid, _)| !is_new(uid)).map(|(_, c)| c));
            if let Some((buckets, step)) = study.buckets.as_ref().map(|b| &b.data)
                && revisions.iter().any(came_back)
            {
                old = onset::between(buckets, *step, change.began - Window::hours(1).delta(), change.began);
            } else if !failed_alike(old, new)
                && old.total < OLD_ENOUGH
                && let Some(history) = &study.history
            {
                let (past, _) = revisions::by_revision(&history.data, &revisions);
                old = sum(&mut past.iter().filter(|(uid, _)| !is_new(uid)).map(|(_, c)| c));
            }
            let bad = new.bad + old.bad + nobody.bad;
            let claimed = nobody.bad <= UNCLAIMED * bad.max(1.0);
            let enough = old.total >= OLD_ENOUGH || failed_alike(old, new);
            (claimed && new.total > 0.0 && enough).then_some((Method::ByPod, new, old, nobody))
        });
    by_pod.or_else(|| {
        let (buckets, step) = &study.buckets.as_ref()?.data;
        let before = onset::between(buckets, *step, change.began - Window::hours(1).delta(), change.began);
        let after = onset.map_or(nothing, |o| o.during);
        let nobody = study
            .since_change
            .as_ref()
            .map_or(nothing, |since| revisions::by_revision(&since.data, &revisions).1);
        Some((Method::ByTime, after, before, nobody))
    })
}

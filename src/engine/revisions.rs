//! The revisions of a workload as a history: when each served, how it did while it served, what it changed. A
//! revision is a ReplicaSet (uid) with its template's digest; its number is only shown.

use std::collections::BTreeMap;

use chrono::TimeDelta;

use crate::domain::Time;
use crate::domain::clean::Clean;
use crate::domain::cluster::{ContentDigest, Deployment, ReplicaSet, Uid};
use crate::domain::diff;
use crate::domain::inquiry::PodCounts;
use crate::domain::plan::FieldChange;
use crate::domain::statistics::Counts;
use crate::domain::verdict::Method;

use super::investigate::{SERVED_STEP, Study};
use super::record::PastAction;
use super::world::World;

/// Two stretches with a gap shorter than this are one: a pod was replaced, a scrape was missed.
const GAP: TimeDelta = TimeDelta::seconds(660);

/// Serving stretches of a revision and how they are known.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Served {
    /// Stretches in order; they do not overlap.
    pub stretches: Vec<(Time, Time)>,
    /// Known from its pods in Prometheus; else from creation times.
    pub by_pod: bool,
}

impl Served {
    /// How long in all.
    pub fn length(&self) -> TimeDelta {
        self.stretches.iter().map(|(from, to)| *to - *from).sum()
    }

    /// Begin of the last stretch.
    pub fn since(&self) -> Option<Time> {
        self.stretches.last().map(|(from, _)| *from)
    }

    /// End of the last stretch.
    pub fn until(&self) -> Option<Time> {
        self.stretches.last().map(|(_, to)| *to)
    }
}

/// What is remembered about a revision.
#[derive(Clone, PartialEq, Debug)]
pub enum Mark {
    /// Nothing.
    Plain,
    /// It serves now.
    Current,
    /// It kept the SLO last.
    LastGood,
    /// Measured bad.
    Bad,
    /// goaround rolled back from it; when.
    RolledBack(Time),
}

/// One row of the timeline.
#[derive(Clone, PartialEq, Debug)]
pub struct RevisionRow {
    /// The ReplicaSet.
    pub uid: Uid,
    /// Its name.
    pub name: Clean,
    /// Its `pod-template-hash`.
    pub hash: Clean,
    /// Its number now.
    pub number: Option<i64>,
    /// Images.
    pub images: Vec<Clean>,
    /// Digest of its template.
    pub digest: ContentDigest,
    /// What it changed against the next older one.
    pub changes: Vec<FieldChange>,
    /// Which client changed the template, where that is known (of the current one only).
    pub client: Option<Clean>,
    /// The change-cause: a claim.
    pub claim: Option<Clean>,
    /// When its last rollout began.
    pub began: Option<Time>,
    /// When it served.
    pub served: Served,
    /// Requests while it served, where counts are known.
    pub counts: Option<Counts>,
    /// How the counts are known.
    pub method: Method,
    /// What is remembered about it.
    pub mark: Mark,
}

impl RevisionRow {
    /// Short name: the last part of the image, else the hash: `4.12`, `1.27.1`.
    pub fn version(&self) -> Option<&str> {
        let image = self.images.first()?.as_str();
        let tail = image.rsplit('/').next()?;
        tail.split_once(':').map(|(_, tag)| tag)
    }

    /// How it is called: `7f9c 4.12`.
    pub fn title(&self) -> String {
        let hash: String = self.hash.as_str().chars().take(5).collect();
        match self.version() {
            Some(version) => format!("{hash} {version}"),
            None => hash,
        }
    }

    /// Error ratio while serving.
    pub fn ratio(&self) -> Option<f64> {
        self.counts.filter(|c| c.total > 0.0).map(|c| c.bad / c.total)
    }
}

/// The revision whose pod this is: by `pod_template_hash`, else by a pod name that begins with the ReplicaSet's.
pub fn owner<'a>(counts: &PodCounts, revisions: &[&'a ReplicaSet]) -> Option<&'a ReplicaSet> {
    of_pod(counts.pod.as_ref(), counts.hash.as_ref(), revisions)
}

fn of_pod<'a>(
    pod: Option<&Clean>,
    hash: Option<&Clean>,
    revisions: &[&'a ReplicaSet],
) -> Option<&'a ReplicaSet> {
    let by_hash = hash.and_then(|h| revisions.iter().find(|r| r.hash == *h && !r.hash.is_empty()));
    let named = |r: &ReplicaSet, pod: &Clean| {
        pod.as_str().strip_prefix(r.meta.key.name.as_str()).is_some_and(|rest| rest.starts_with('-'))
    };
    by_hash.or_else(|| pod.and_then(|p| revisions.iter().find(|r| named(r, p)))).copied()
}

/// Counts of a list of pods, by revision, and what belongs to none.
pub fn by_revision(pods: &[PodCounts], revisions: &[&ReplicaSet]) -> (BTreeMap<Uid, Counts>, Counts) {
    let mut known: BTreeMap<Uid, Counts> = BTreeMap::new();
    let mut nobody = Counts { bad: 0.0, total: 0.0 };
    for pod in pods {
        let sum = match owner(pod, revisions) {
            Some(revision) => {
                known.entry(revision.meta.uid.clone()).or_insert(Counts { bad: 0.0, total: 0.0 })
            }
            None => &mut nobody,
        };
        sum.bad += pod.bad;
        sum.total += pod.total;
    }
    (known, nobody)
}

/// When each revision served: its pods in Prometheus, else Events and pod starts, else creation times.
pub fn served(
    world: &World,
    revisions: &[&ReplicaSet],
    current: Option<&Uid>,
    study: Option<&Study>,
    now: Time,
) -> BTreeMap<Uid, Served> {
    let mut all: BTreeMap<Uid, Served> = BTreeMap::new();
    for pod in study.and_then(|s| s.served.as_ref()).map(|a| a.data.as_slice()).unwrap_or_default() {
        if let Some(revision) = of_pod(pod.pod.as_ref(), pod.hash.as_ref(), revisions) {
            let served = all.entry(revision.meta.uid.clone()).or_default();
            served.by_pod = true;
            served.stretches.extend(&pod.stretches);
        }
    }
    // From each begin that is known until the next one of any revision ("by time").
    let mut begins: Vec<(Time, &Uid)> = Vec::new();
    for revision in revisions {
        let again = began(world, revision, None).filter(|_| revision.reused);
        begins.extend(revision.meta.created.into_iter().chain(again).map(|at| (at, &revision.meta.uid)));
    }
    begins.sort();
    begins.dedup();
    for revision in revisions {
        let uid = &revision.meta.uid;
        let entry = all.entry(uid.clone()).or_default();
        let own = begins.iter().enumerate().filter(|(_, (_, of))| *of == uid);
        let mut by_time: Vec<(Time, Time)> =
            own.map(|(n, (from, _))| (*from, begins.get(n + 1).map_or(now, |next| next.0))).collect();
        if let Some(last) = by_time.last_mut().filter(|_| current == Some(uid)) {
            last.1 = now;
        }
        // A clock of this machine that was set back makes ends before their begins.
        by_time.retain(|(from, to)| from <= to);
        entry.stretches.retain(|(from, to)| from <= to);
        if entry.stretches.is_empty() {
            entry.stretches = by_time;
        } else {
            entry.stretches = joined(std::mem::take(&mut entry.stretches));
            clip(entry, uid, revisions);
            entry.stretches = entry.stretches.iter().flat_map(|s| exact(*s, &by_time)).collect();
        }
    }
    all
}

/// The parts of a stretch in which this revision was the one that was rolled out, where that is known: pods are asked
/// for in steps, in which two rollouts of a few minutes are one.
fn exact((from, to): (Time, Time), by_time: &[(Time, Time)]) -> Vec<(Time, Time)> {
    let within = |(begin, end): &(Time, Time)| (*begin.max(&from), *end.min(&to));
    let parts: Vec<(Time, Time)> = by_time.iter().map(within).filter(|(begin, end)| begin < end).collect();
    if parts.is_empty() { vec![(from, to)] } else { parts }
}

/// A stretch is known to one step of the question only; creation times are exact. It cannot begin before the
/// ReplicaSet existed, and its last step ends where the next ReplicaSet was created.
fn clip(served: &mut Served, uid: &Uid, revisions: &[&ReplicaSet]) {
    let created = revisions.iter().find(|r| r.meta.uid == *uid).and_then(|r| r.meta.created);
    let others: Vec<Time> =
        revisions.iter().filter(|r| r.meta.uid != *uid).filter_map(|r| r.meta.created).collect();
    // One that was never brought back has served since it was created, however far back the question looked.
    let first_time = revisions.iter().any(|r| r.meta.uid == *uid && !r.reused);
    if let (Some(first), Some(created), true) = (served.stretches.first_mut(), created, first_time) {
        first.0 = created.min(first.1);
    }
    for (from, to) in &mut served.stretches {
        *from = created.map_or(*from, |created| created.clamp(*from, (*from + SERVED_STEP.delta()).min(*to)));
        let last =
            others.iter().filter(|at| **at > *from && **at < *to && *to - **at <= SERVED_STEP.delta()).min();
        *to = last.copied().unwrap_or(*to);
    }
}

/// Overlapping and neighbouring stretches as one.
fn joined(mut stretches: Vec<(Time, Time)>) -> Vec<(Time, Time)> {
    stretches.sort_unstable();
    let mut out: Vec<(Time, Time)> = Vec::new();
    for (from, to) in stretches {
        match out.last_mut() {
            Some(last) if from - last.1 <= GAP => last.1 = last.1.max(to),
            _ => out.push((from, to)),
        }
    }
    out
}

/// When the last rollout to `revision` began. A ReplicaSet that never served before was created for it; a reused
/// one keeps its old creation time, so then the scaling event, its serving stretch and its pods are asked, in order.
pub fn began(world: &World, revision: &ReplicaSet, served: Option<&Served>) -> Option<Time> {
    if !revision.reused {
        return revision.meta.created;
    }
    let name = revision.meta.key.name.as_str();
    let scaled = world
        .events
        .iter()
        .filter(|e| e.reason == "ScalingReplicaSet" && e.key.namespace == revision.meta.key.namespace)
        .filter(|e| e.message.as_str().contains(&format!("Scaled up replica set {name} from 0 ")))
        .filter_map(|e| e.last)
        .max();
    let stretch = served.filter(|s| s.by_pod).and_then(Served::since);
    let pods = world.pods_of(&revision.meta.uid).filter_map(|p| p.created).min();
    scaled.or(pods).or(stretch).or(revision.meta.created)
}

/// What the rows are made from.
pub struct Facts<'a> {
    /// The world.
    pub world: &'a World,
    /// The workload.
    pub deployment: &'a Deployment,
    /// What was asked about its SLO.
    pub study: Option<&'a Study>,
    /// Earlier actions.
    pub actions: &'a [PastAction],
    /// Now.
    pub now: Time,
}

/// The timeline, newest first. Differences are looked up in `diffs`, else computed.
pub fn rows(facts: &Facts<'_>, diffs: &BTreeMap<(Uid, Uid), Vec<FieldChange>>) -> Vec<RevisionRow> {
    let revisions = facts.world.history(facts.deployment);
    let current = facts.world.current(facts.deployment).map(|r| r.meta.uid.clone());
    let mut served = served(facts.world, &revisions, current.as_ref(), facts.study, facts.now);
    let history = facts.study.and_then(|s| s.history.as_ref());
    let (counts, _) = by_revision(history.map(|a| a.data.as_slice()).unwrap_or_default(), &revisions);
    let client = template_client(facts.deployment);
    let mut rows = Vec::with_capacity(revisions.len());
    for revision in &revisions {
        let uid = &revision.meta.uid;
        let is_current = current.as_ref() == Some(uid);
        let served = served.remove(uid).unwrap_or_default();
        let interval = facts.study.and_then(|s| {
            let from = served.since()?;
            s.intervals.iter().find(|i| (i.from - from).abs() < TimeDelta::seconds(60))
        });
        let by_pod = counts.get(uid).copied();
        let by_time = interval.map(|i| Counts { bad: i.data.bad, total: i.data.total });
        rows.push(RevisionRow {
            uid: uid.clone(),
            name: revision.meta.key.name.clone(),
            hash: revision.hash.clone(),
            number: revision.revision,
            images: revision.template.images.clone(),
            digest: revision.template.digest.clone(),
            changes: facts
                .world
                .predecessor(&revisions, revision)
                .map(|older| changes(older, revision, diffs))
                .unwrap_or_default(),
            client: if is_current { client.clone() } else { None },
            claim: revision.change_cause.clone(),
            began: began(facts.world, revision, Some(&served)),
            counts: by_pod.or(by_time),
            method: if by_pod.is_some() { Method::ByPod } else { Method::ByTime },
            mark: mark(revision, is_current, facts.actions),
            served,
        });
    }
    rows
}

fn changes(
    older: &ReplicaSet,
    newer: &ReplicaSet,
    diffs: &BTreeMap<(Uid, Uid), Vec<FieldChange>>,
) -> Vec<FieldChange> {
    diffs
        .get(&(older.meta.uid.clone(), newer.meta.uid.clone()))
        .cloned()
        .unwrap_or_else(|| diff::templates(&older.template.json.value(), &newer.template.json.value()))
}

fn mark(revision: &ReplicaSet, is_current: bool, actions: &[PastAction]) -> Mark {
    if is_current {
        return Mark::Current;
    }
    let left = actions.iter().rev().find(|a| a.helped() && a.left_template == revision.template.digest);
    left.map_or(Mark::Plain, |action| Mark::RolledBack(action.time))
}

/// The client that last wrote the template. It is a program, never a person.
pub fn template_client(deployment: &Deployment) -> Option<Clean> {
    deployment
        .meta
        .managed
        .iter()
        .filter(|m| m.template && !m.subresource)
        .max_by_key(|m| m.time)
        .map(|m| m.manager.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(s: i64) -> Time {
        Time::UNIX_EPOCH + TimeDelta::seconds(s)
    }

    #[test]
    fn stretches_of_several_pods_are_one_and_a_long_gap_parts_them() {
        let stretches =
            vec![(at(0), at(600)), (at(300), at(900)), (at(1_000), at(2_000)), (at(9_000), at(9_600))];
        assert_eq!(joined(stretches), vec![(at(0), at(2_000)), (at(9_000), at(9_600))]);
    }

    #[test]
    fn two_rollouts_within_a_step_are_told_apart_by_what_was_rolled_out_when() {
        let known = [(at(0), at(400)), (at(700), at(2_000))];
        assert_eq!(exact((at(0), at(900)), &known), vec![(at(0), at(400)), (at(700), at(900))]);
        assert_eq!(exact((at(450), at(600)), &known), vec![(at(450), at(600))], "nobody knows better");
    }

    #[test]
    fn two_minutes_of_service_are_not_ten_because_the_question_is_coarse() {
        let set = |uid: &str, created: i64| {
            let mut set = ReplicaSet::default();
            set.meta.uid = Uid(uid.into());
            set.meta.created = Some(at(created));
            set
        };
        // The stretch as it was asked for, when the next ReplicaSet was created, the stretch as it was. Only one that
        // came within the last step of it ended it.
        for (asked, next, clipped) in [
            ((0, 600), 370, (250, 370)),
            ((0, 600), 300, (250, 300)),
            ((0, 600), 299, (250, 600)),
            ((0, 600), 900, (250, 600)),
            ((0, 600), 600, (250, 600)),
            ((0, 600), 100, (250, 600)),
        ] {
            let (old, new) = (set("old", 250), set("new", next));
            let mut served = Served { stretches: vec![(at(asked.0), at(asked.1))], by_pod: true };
            clip(&mut served, &old.meta.uid, &[&old, &new]);
            assert_eq!(served.stretches, vec![(at(clipped.0), at(clipped.1))], "{asked:?}, next at {next}");
        }
    }

    #[test]
    fn without_pod_labels_events_tell_when_an_older_revision_came_back() {
        let set = |name: &str, created: i64, reused: bool| {
            let mut set = ReplicaSet { reused, ..Default::default() };
            set.meta.uid = Uid(name.into());
            set.meta.key.name = Clean::new(name);
            set.meta.created = Some(at(created));
            set
        };
        let (old, new) = (set("api-1", 0, true), set("api-2", 1_000, false));
        let mut world = World::default();
        world.events.push_back(crate::domain::cluster::ClusterEvent {
            reason: Clean::new("ScalingReplicaSet"),
            message: Clean::new("Scaled up replica set api-1 from 0 to 1"),
            last: Some(at(1_300)),
            ..Default::default()
        });
        let served = served(&world, &[&old, &new], Some(&old.meta.uid), None, at(2_000));
        assert_eq!(served[&old.meta.uid].stretches, [(at(0), at(1_000)), (at(1_300), at(2_000))]);
        assert_eq!(served[&new.meta.uid].stretches, [(at(1_000), at(1_300))]);
    }

    #[test]
    fn a_pod_belongs_by_hash_or_by_the_whole_name_of_its_replica_set() {
        let set = |name: &str, hash: &str| {
            let mut set = ReplicaSet { hash: Clean::new(hash), ..Default::default() };
            set.meta.key.name = Clean::new(name);
            set
        };
        let (a, b) = (set("api-7f9", "7f9"), set("api-7f", "7f"));
        let revisions = [&a, &b];
        let count = |pod: Option<&str>, hash: Option<&str>| PodCounts {
            pod: pod.map(Clean::new),
            hash: hash.map(Clean::new),
            ..Default::default()
        };
        let name = |c| owner(&c, &revisions).map(|r| r.meta.key.name.to_string());
        assert_eq!(name(count(None, Some("7f"))).as_deref(), Some("api-7f"));
        assert_eq!(name(count(Some("api-7f9-abcde"), None)).as_deref(), Some("api-7f9"));
        assert_eq!(name(count(Some("other-1"), Some("zz"))), None);
    }
}

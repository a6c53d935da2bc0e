//! What is known of the world: the newest fact of each kind and how old it is. It keeps facts and answers questions
//! about them; it decides nothing.

use std::collections::{BTreeMap, VecDeque};

use crate::domain::Time;
use crate::domain::clean::Clean;
use crate::domain::cluster::{
    Autoscaler, Change, ClusterEvent, ClusterFact, ConfigContent, ContentDigest, Deployment,
    DisruptionBudget, Identity, Key, KnownContent, Node, Pod, RefKind, Referenced, ReplicaSet, Right,
    Service, Uid,
};
use crate::domain::signal::{Health, Signal, Source};
use crate::domain::slo::{Slo, SloId};

use super::owners::{Owners, Shared};

/// Texts that pods share, beside one for each pod; more of them are no longer in use.
const SHARED: usize = 1_024;
/// Events kept; older ones are of no use to a decision.
const EVENTS: usize = 2_000;

/// A source: how it is and when it was last heard.
#[derive(Clone, PartialEq, Debug)]
pub struct SourceState {
    /// Health.
    pub health: Health,
    /// Last time anything was heard.
    pub heard: Option<Time>,
    /// It told all that it had at first.
    pub synced: bool,
    /// Its first list is under way: what came so far, and how many there are in all, where that is known.
    pub listing: Option<(usize, Option<usize>)>,
}

/// Which Prometheus is asked.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PrometheusFound {
    /// Where.
    pub at: Clean,
    /// Why this one.
    pub why: Clean,
    /// The others.
    pub others: Vec<Clean>,
}

/// All facts.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct World {
    /// Deployments.
    pub deployments: BTreeMap<Key, Deployment>,
    /// ReplicaSets by uid.
    pub replica_sets: BTreeMap<Uid, ReplicaSet>,
    /// Pods by uid.
    pub pods: BTreeMap<Uid, Pod>,
    /// Services.
    pub services: BTreeMap<Key, Service>,
    /// Autoscalers.
    pub autoscalers: BTreeMap<Key, Autoscaler>,
    /// Disruption budgets.
    pub budgets: BTreeMap<Key, DisruptionBudget>,
    /// Events, oldest first.
    pub events: VecDeque<ClusterEvent>,
    /// Nodes.
    pub nodes: BTreeMap<Clean, Node>,
    /// ConfigMaps, Secrets and claims by metadata.
    pub referenced: BTreeMap<(RefKind, Key), Referenced>,
    /// ConfigMap contents that were read; `None`: asked for, and it does not exist.
    pub contents: BTreeMap<Key, Option<ConfigContent>>,
    /// Earlier contents, from the store.
    pub known: BTreeMap<Key, Vec<KnownContent>>,
    /// From when until when a content was watched; the store knows only when it was read.
    pub watched: BTreeMap<(Key, ContentDigest), (Time, Time)>,
    /// Sources.
    pub sources: BTreeMap<Source, SourceState>,
    /// Who we are.
    pub identity: Option<Identity>,
    /// Which cluster.
    pub cluster_id: Option<Clean>,
    /// The only namespace that is seen, if only one is.
    pub namespace: Option<Clean>,
    /// A cluster-wide list is forbidden.
    pub scope_forbidden: bool,
    /// Answers of access reviews.
    pub rights: BTreeMap<Right, bool>,
    /// Prometheus.
    pub prometheus: Option<PrometheusFound>,
    /// Clocks: theirs minus ours, milliseconds.
    pub clocks: BTreeMap<Source, i64>,
    /// How long each source took to answer, in milliseconds.
    pub round_trips: BTreeMap<Source, u32>,
    /// SLOs.
    pub slos: BTreeMap<SloId, Slo>,
    /// Warnings of Prometheus.
    pub warnings: Vec<Clean>,
    /// ReplicaSets by the Deployment that controls them, and pods by ReplicaSet.
    sets_of: Owners,
    pods_of: Owners,
    /// Texts that pods have in common.
    shared: Shared,
}

impl World {
    /// Takes a signal in.
    pub fn take(&mut self, signal: Signal, at: Time) {
        match signal {
            Signal::Health(source, health) => self.source(source).health = health,
            Signal::Listing(source, so_far, of) => self.source(source).listing = Some((so_far, of)),
            Signal::Heard(source) => self.source(source).heard = Some(at),
            Signal::Synced(source, when) => {
                let state = self.source(source);
                state.synced = true;
                state.listing = None;
                state.heard = Some(when);
            }
            Signal::Cluster(fact) => {
                self.source(kind_of(&fact)).heard = Some(at);
                self.source(Source::Kubernetes).heard = Some(at);
                if let ClusterFact::Content(key, content) = &*fact {
                    self.watch_content(key, content.as_ref(), at);
                }
                self.take_fact(*fact);
            }
            Signal::Identity(identity) => self.identity = Some(identity),
            Signal::ClusterId(id) => self.cluster_id = Some(id),
            Signal::Scope { namespace, forbidden } => {
                self.namespace = namespace;
                self.scope_forbidden = forbidden;
            }
            Signal::Rights(rights) => self.rights.extend(rights),
            Signal::Prometheus { at, why, others } => {
                self.prometheus = Some(PrometheusFound { at, why, others });
            }
            Signal::RoundTrip(source, ms) => {
                self.round_trips.insert(source, ms);
            }
            Signal::Clock(source, offset) => {
                self.clocks.insert(source, offset);
            }
            Signal::Slos(slos) => {
                self.source(Source::Prometheus).heard = Some(at);
                self.slos = slos.into_iter().map(|slo| (slo.id.clone(), slo)).collect();
            }
            Signal::Warnings(warnings) => self.warnings = warnings,
            Signal::Known(key, known) => {
                self.known.insert(key.clone(), known);
                self.widen(&key);
            }
            Signal::Findings(_) | Signal::Failed(..) => {}
        }
    }

    fn source(&mut self, source: Source) -> &mut SourceState {
        self.sources.entry(source).or_insert(SourceState {
            health: Health::Starting,
            heard: None,
            synced: false,
            listing: None,
        })
    }

    /// A content that is watched was there since the last edit and until the next one, not only when it was read.
    fn watch_content(&mut self, key: &Key, content: Option<&ConfigContent>, at: Time) {
        let edited =
            self.referenced.get(&(RefKind::ConfigMap, key.clone())).and_then(Referenced::data_changed);
        let edited = edited.map_or(at, |(edited, _)| edited.min(at));
        let left = self.contents.get(key).and_then(|left| left.as_ref());
        if let Some(left) = left.filter(|left| content.is_none_or(|new| new.digest != left.digest)) {
            let span = self.watched.entry((key.clone(), left.digest.clone())).or_insert((edited, edited));
            span.1 = span.1.max(edited);
        }
        if let Some(new) = content {
            let span = self.watched.entry((key.clone(), new.digest.clone())).or_insert((edited, at));
            span.1 = span.1.max(at);
        }
        self.widen(key);
    }

    fn widen(&mut self, key: &Key) {
        for known in self.known.get_mut(key).into_iter().flatten() {
            let watched = self.watched.get(&(key.clone(), known.version.digest.clone()));
            if let (Some((first, last)), Some((from, until))) = (&mut known.seen, watched) {
                *first = (*first).min(*from);
                *last = (*last).max(*until);
            }
        }
    }

    fn take_fact(&mut self, fact: ClusterFact) {
        match fact {
            ClusterFact::Deployments(change) => keyed(&mut self.deployments, change, |d| d.meta.key.clone()),
            ClusterFact::Services(change) => keyed(&mut self.services, change, |s| s.key.clone()),
            ClusterFact::Autoscalers(change) => keyed(&mut self.autoscalers, change, |a| a.key.clone()),
            ClusterFact::DisruptionBudgets(change) => keyed(&mut self.budgets, change, |b| b.key.clone()),
            ClusterFact::Nodes(change) => {
                let mut nodes: BTreeMap<Key, Node> =
                    std::mem::take(&mut self.nodes).into_iter().map(|(n, v)| (Key::new("", n), v)).collect();
                keyed(&mut nodes, change, |n| Key::new("", &n.name));
                self.nodes = nodes.into_iter().map(|(k, v)| (k.name, v)).collect();
            }
            ClusterFact::ReplicaSets(change) => self.take_replica_sets(change),
            ClusterFact::Pods(change) => self.take_pods(change),
            ClusterFact::Events(change) => self.take_event(change),
            ClusterFact::ConfigMaps(change) => self.take_referenced(RefKind::ConfigMap, change),
            ClusterFact::Secrets(change) => self.take_referenced(RefKind::Secret, change),
            ClusterFact::Claims(change) => self.take_referenced(RefKind::PersistentVolumeClaim, change),
            ClusterFact::Content(key, content) => {
                self.contents.insert(key, content);
            }
        }
    }

    fn take_replica_sets(&mut self, change: Change<ReplicaSet>) {
        let owner = |set: &ReplicaSet| set.meta.controller.as_ref().map(|(_, _, uid)| uid.clone());
        match change {
            Change::Listed(all) => {
                let pairs = all.iter().filter_map(|set| Some((owner(set)?, set.meta.uid.clone())));
                self.sets_of = Owners::of(pairs);
                self.replica_sets = all.into_iter().map(|set| (set.meta.uid.clone(), set)).collect();
            }
            Change::Applied(set) => {
                let (now, uid) = (owner(&set), set.meta.uid.clone());
                let before = self.replica_sets.insert(uid.clone(), set).and_then(|set| owner(&set));
                moved(&mut self.sets_of, uid, before, now);
            }
            Change::Deleted(_, uid) => {
                let before = self.replica_sets.remove(&uid).and_then(|set| owner(&set));
                moved(&mut self.sets_of, uid, before, None);
            }
        }
    }

    fn take_pods(&mut self, change: Change<Pod>) {
        match change {
            Change::Listed(mut all) => {
                self.shared = Shared::default();
                all.iter_mut().for_each(|pod| share(&mut self.shared, pod));
                let pairs = all.iter().filter_map(|pod| Some((pod.replica_set.clone()?, pod.uid.clone())));
                self.pods_of = Owners::of(pairs);
                self.pods = all.into_iter().map(|pod| (pod.uid.clone(), pod)).collect();
            }
            Change::Applied(mut pod) => {
                self.shared.bound(SHARED + self.pods.len());
                share(&mut self.shared, &mut pod);
                let (now, uid) = (pod.replica_set.clone(), pod.uid.clone());
                let before = self.pods.insert(uid.clone(), pod).and_then(|pod| pod.replica_set);
                moved(&mut self.pods_of, uid, before, now);
            }
            Change::Deleted(_, uid) => {
                let before = self.pods.remove(&uid).and_then(|pod| pod.replica_set);
                moved(&mut self.pods_of, uid, before, None);
            }
        }
    }

    fn take_event(&mut self, change: Change<ClusterEvent>) {
        match change {
            Change::Listed(mut events) => {
                // A list comes by namespace and name; those without a time go first.
                events.sort_by_key(|e| e.last);
                self.events = events.into();
            }
            Change::Applied(event) => {
                self.events.retain(|e| e.key != event.key);
                self.events.push_back(event);
            }
            Change::Deleted(..) => {}
        }
        while self.events.len() > EVENTS {
            self.events.pop_front();
        }
    }

    fn take_referenced(&mut self, kind: RefKind, change: Change<Referenced>) {
        match change {
            Change::Listed(all) => {
                self.referenced.retain(|(k, _), _| *k != kind);
                self.referenced.extend(all.into_iter().map(|r| ((kind, r.meta.key.clone()), r)));
            }
            Change::Applied(one) => {
                self.referenced.insert((kind, one.meta.key.clone()), one);
            }
            Change::Deleted(key, _) => {
                self.referenced.remove(&(kind, key));
            }
        }
    }

    /// The ReplicaSets of a Deployment, newest revision number first; without a number last.
    pub fn history(&self, deployment: &Deployment) -> Vec<&ReplicaSet> {
        let own = self.sets_of.owned(&deployment.meta.uid);
        let mut own: Vec<&ReplicaSet> = own.filter_map(|uid| self.replica_sets.get(uid)).collect();
        own.sort_by(|a, b| b.revision.cmp(&a.revision).then_with(|| a.meta.uid.cmp(&b.meta.uid)));
        own
    }

    /// The revision that served directly before `revision`, by the numbers that each has or had.
    pub fn predecessor<'a>(
        &self,
        history: &[&'a ReplicaSet],
        revision: &ReplicaSet,
    ) -> Option<&'a ReplicaSet> {
        let own = revision.revision?;
        let last = |other: &ReplicaSet| {
            other.former.iter().copied().chain(other.revision).filter(|number| *number < own).max()
        };
        let others = history.iter().filter(|other| other.meta.uid != revision.meta.uid);
        others
            .filter_map(|other| last(other).map(|number| (number, *other)))
            .max_by_key(|(number, _)| *number)
            .map(|(_, other)| other)
    }

    /// The ReplicaSet whose template is the Deployment's.
    pub fn current<'a>(&'a self, deployment: &Deployment) -> Option<&'a ReplicaSet> {
        self.history(deployment).into_iter().find(|r| r.template.digest == deployment.template.digest)
    }

    /// Pods of a ReplicaSet.
    pub fn pods_of(&self, replica_set: &Uid) -> impl Iterator<Item = &Pod> {
        self.pods_of.owned(replica_set).filter_map(|uid| self.pods.get(uid))
    }

    /// How many owners of ReplicaSets and pods are known.
    pub fn owners(&self) -> usize {
        self.sets_of.len() + self.pods_of.len()
    }

    /// What an access review said; `None`: not asked, or no answer.
    pub fn allowed(&self, right: &Right) -> Option<bool> {
        self.rights.get(right).copied()
    }

    /// A kind is being read (listed at least once and not refused).
    pub fn reads(&self, kind: &'static str) -> bool {
        self.sources.get(&Source::Kind(kind)).is_some_and(|s| s.synced && s.health == Health::Live)
    }

    /// Prometheus has told which SLOs there are.
    pub fn knows_slos(&self) -> bool {
        !self.slos.is_empty() || self.sources.get(&Source::Prometheus).is_some_and(|s| s.heard.is_some())
    }

    /// Age of what a source told last, in seconds.
    pub fn age(&self, source: Source, now: Time) -> Option<i64> {
        self.sources.get(&source).and_then(|s| s.heard).map(|heard| (now - heard).num_seconds().max(0))
    }
}

/// The source that reports a fact, named as the API names the resource.
fn kind_of(fact: &ClusterFact) -> Source {
    Source::Kind(match fact {
        ClusterFact::Deployments(_) => "deployments",
        ClusterFact::ReplicaSets(_) => "replicasets",
        ClusterFact::Pods(_) => "pods",
        ClusterFact::Services(_) => "services",
        ClusterFact::Autoscalers(_) => "horizontalpodautoscalers",
        ClusterFact::DisruptionBudgets(_) => "poddisruptionbudgets",
        ClusterFact::Events(_) => "events",
        ClusterFact::Nodes(_) => "nodes",
        ClusterFact::ConfigMaps(_) | ClusterFact::Content(..) => "configmaps",
        ClusterFact::Secrets(_) => "secrets",
        ClusterFact::Claims(_) => "persistentvolumeclaims",
    })
}

fn keyed<T>(map: &mut BTreeMap<Key, T>, change: Change<T>, key: impl Fn(&T) -> Key) {
    match change {
        Change::Listed(all) => *map = all.into_iter().map(|one| (key(&one), one)).collect(),
        Change::Applied(one) => {
            map.insert(key(&one), one);
        }
        Change::Deleted(gone, _) => {
            map.remove(&gone);
        }
    }
}

/// An object of `before` belongs to `now`.
fn moved(owners: &mut Owners, uid: Uid, before: Option<Uid>, now: Option<Uid>) {
    if before == now {
        return;
    }
    if let Some(before) = before {
        owners.remove(&before, &uid);
    }
    if let Some(now) = now {
        owners.add(now, uid);
    }
}

fn share(shared: &mut Shared, pod: &mut Pod) {
    shared.one(&mut pod.key.namespace);
    shared.one(&mut pod.phase);
    for text in [pod.node.as_mut(), pod.replica_set.as_mut().map(|uid| &mut uid.0), pod.reason.as_mut()] {
        text.into_iter().for_each(|text| shared.one(text));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_too_many_events_the_oldest_are_dropped_and_not_the_first_by_name() {
        let event = |n: i64| ClusterEvent {
            key: Key::new("shop", format!("event-{n:05}")),
            last: Time::from_timestamp(1_000_000 - n, 0),
            ..ClusterEvent::default()
        };
        let mut world = World::default();
        let fact = ClusterFact::Events(Change::Listed((0..3_000).map(event).collect()));
        world.take(Signal::Cluster(Box::new(fact)), Time::UNIX_EPOCH);
        assert_eq!(world.events.len(), EVENTS);
        assert_eq!(world.events.back(), Some(&event(0)), "the youngest is the last one");
        assert_eq!(world.events.front(), Some(&event(1_999)));
    }
}

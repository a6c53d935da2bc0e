//! A rollout pod by pod, while it goes on: which pods are new, which leave, how far each of them is, and what holds it up.
//! It reports what the watched objects say, and predicts nothing.

use crate::domain::Time;
use crate::domain::clean::Clean;
use crate::domain::cluster::{Deployment, Pod, ReplicaSet, Uid};

use super::world::World;

/// How far a pod is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Step {
    /// No node has taken it yet.
    Pending,
    /// Its node makes its containers.
    Creating,
    /// Its containers run; it is not ready.
    Running,
    /// It gets requests.
    Ready,
    /// It is being stopped.
    Leaving,
    /// It ended, or cannot start; why stands beside it.
    Failed,
}

impl Step {
    /// The word on the screen.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Creating => "creating",
            Self::Running => "running",
            Self::Ready => "ready",
            Self::Leaving => "terminating",
            Self::Failed => "failing",
        }
    }
}

/// One pod.
#[derive(Clone, PartialEq, Debug)]
pub struct PodStep {
    /// The pod.
    pub uid: Uid,
    /// Its name.
    pub name: Clean,
    /// It is of the revision that is being rolled out.
    pub new: bool,
    /// How far it is.
    pub step: Step,
    /// What it waits for or died of, where it says.
    pub why: Option<Clean>,
    /// When it was created.
    pub created: Option<Time>,
}

/// The rollout as it stands.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Rollout {
    /// Replicas wanted.
    pub wanted: usize,
    /// Pods, the new ones first.
    pub pods: Vec<PodStep>,
    /// What holds it up, most telling first.
    pub blocked: Vec<Clean>,
}

impl Rollout {
    fn count(&self, new: bool, step: impl Fn(Step) -> bool) -> usize {
        self.pods.iter().filter(|pod| pod.new == new && step(pod.step)).count()
    }

    /// `3 of 5 new ready, 1 creating, 2 old serve, 1 old leaving`.
    pub fn words(&self) -> String {
        let mut words =
            vec![format!("{} of {} new ready", self.count(true, |s| s == Step::Ready), self.wanted)];
        let mut add = |count: usize, what: &str| {
            if count > 0 {
                words.push(format!("{count} {what}"));
            }
        };
        for step in [Step::Running, Step::Creating, Step::Pending, Step::Failed] {
            let what = if step == Step::Running { "running, not ready yet" } else { step.word() };
            add(self.count(true, |s| s == step), what);
        }
        add(self.count(false, |s| s != Step::Leaving), "old still there");
        add(self.pods.iter().filter(|pod| pod.step == Step::Leaving).count(), "old leaving");
        words.join(", ")
    }
}

/// The rollout of `deployment` to the ReplicaSet `target`; pods that ended for good are left out.
pub fn look(world: &World, deployment: &Deployment, target: &Uid) -> Rollout {
    let history = world.history(deployment);
    let ours = |pod: &&Pod| history.iter().any(|set| Some(&set.meta.uid) == pod.replica_set.as_ref());
    let ended = |pod: &&Pod| matches!(pod.phase.as_str(), "Failed" | "Succeeded");
    let mut pods: Vec<PodStep> = world
        .pods
        .values()
        .filter(ours)
        .filter(|pod| !ended(pod))
        .map(|pod| PodStep {
            uid: pod.uid.clone(),
            name: pod.key.name.clone(),
            new: pod.replica_set.as_ref() == Some(target),
            step: step(pod),
            why: why(world, pod),
            created: pod.created,
        })
        .collect();
    pods.sort_by(|a, b| (!a.new, a.created, &a.name).cmp(&(!b.new, b.created, &b.name)));
    let set = history.iter().find(|set| set.meta.uid == *target).copied();
    let blocked = blocked(world, deployment, set, &pods);
    Rollout { wanted: usize::try_from(deployment.replicas).unwrap_or(0), pods, blocked }
}

fn step(pod: &Pod) -> Step {
    let reason = pod.reason.as_ref().map(Clean::as_str);
    match (pod.deleting, pod.ready, pod.phase.as_str(), reason) {
        (true, ..) => Step::Leaving,
        (_, true, ..) => Step::Ready,
        (_, _, "Pending", None) if pod.node.is_none() => Step::Pending,
        (_, _, "Pending", None | Some("ContainerCreating" | "PodInitializing")) => Step::Creating,
        (_, _, "Running", None) => Step::Running,
        _ => Step::Failed,
    }
}

/// What the newest warning about it says, while it is not ready; else its own reason.
fn why(world: &World, pod: &Pod) -> Option<Clean> {
    if pod.ready || pod.deleting {
        return None;
    }
    let about = |kind: &str, name: &Clean| {
        let mut events = world.events.iter().rev().filter(|e| {
            e.warning && e.about_kind == kind && e.about_name == *name && e.key.namespace == pod.key.namespace
        });
        events.next().map(|e| Clean::new(format!("{}: {}", e.reason, e.message)))
    };
    about("Pod", &pod.key.name).or_else(|| pod.reason.clone())
}

fn blocked(world: &World, deployment: &Deployment, set: Option<&ReplicaSet>, pods: &[PodStep]) -> Vec<Clean> {
    let mut found = Vec::new();
    if deployment.paused {
        found.push(Clean::new("the Deployment is paused: hint: kubectl rollout resume"));
    }
    for condition in &deployment.conditions {
        let fails = match condition.kind.as_str() {
            "ReplicaFailure" => condition.holds,
            "Progressing" => !condition.holds,
            _ => false,
        };
        if fails {
            found.push(Clean::new(format!("{}: {}", condition.reason, condition.message)));
        }
    }
    // A quota refuses pods before there are any: only the ReplicaSet tells.
    let refused = set.and_then(|set| {
        let mut events = world.events.iter().rev();
        let event = events.find(|e| e.about_kind == "ReplicaSet" && e.about_name == set.meta.key.name)?;
        event.warning.then(|| Clean::new(format!("{}: {}", event.reason, event.message)))
    });
    found.extend(refused.filter(|_| found.is_empty()));
    for pod in pods.iter().filter(|pod| pod.new) {
        if let Some(why) = pod.why.as_ref().filter(|why| !found.contains(why)) {
            found.push(why.clone());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::cluster::{Change, ClusterEvent, ClusterFact, Condition, Key};
    use crate::domain::signal::Signal;

    fn pod(name: &str, set: &str, phase: &str, ready: bool) -> Pod {
        Pod {
            key: Key::new("shop", name),
            uid: Uid(name.into()),
            replica_set: Some(Uid(set.into())),
            node: (phase != "Pending").then(|| Clean::new("node-a")),
            phase: Clean::new(phase),
            ready,
            ..Pod::default()
        }
    }

    fn world(pods: Vec<Pod>) -> (World, Deployment) {
        let mut deployment = Deployment { replicas: 3, ..Deployment::default() };
        deployment.meta.key = Key::new("shop", "api");
        deployment.meta.uid = Uid("dep".into());
        let sets = ["old", "new"].map(|name| {
            let mut set = ReplicaSet::default();
            set.meta.key = Key::new("shop", format!("api-{name}"));
            set.meta.uid = Uid(name.into());
            set.meta.controller = Some(("Deployment".into(), "api".into(), Uid("dep".into())));
            set
        });
        let mut world = World::default();
        for fact in [
            ClusterFact::ReplicaSets(Change::Listed(sets.to_vec())),
            ClusterFact::Pods(Change::Listed(pods)),
            ClusterFact::Deployments(Change::Listed(vec![deployment.clone()])),
        ] {
            world.take(Signal::Cluster(Box::new(fact)), Time::UNIX_EPOCH);
        }
        (world, deployment)
    }

    #[test]
    fn every_pod_is_counted_once_and_by_how_far_it_is() {
        let mut leaving = pod("o1", "old", "Running", true);
        leaving.deleting = true;
        let mut creating = pod("n2", "new", "Pending", false);
        creating.node = Some(Clean::new("node-b"));
        let mut ended = pod("o3", "old", "Failed", false);
        ended.reason = Some(Clean::new("Evicted"));
        let pods = vec![
            pod("n1", "new", "Running", true),
            creating,
            pod("n3", "new", "Pending", false),
            leaving,
            pod("o2", "old", "Running", true),
            ended,
        ];
        let (world, deployment) = world(pods);
        let rollout = look(&world, &deployment, &Uid("new".into()));
        assert_eq!(
            rollout.words(),
            "1 of 3 new ready, 1 creating, 1 pending, 1 old still there, 1 old leaving"
        );
        assert_eq!(rollout.blocked, Vec::<Clean>::new());
    }

    #[test]
    fn what_holds_it_up_is_said_in_the_clusters_words() {
        let mut pull = pod("n1", "new", "Pending", false);
        pull.reason = Some(Clean::new("ImagePullBackOff"));
        let (mut world, mut deployment) = world(vec![pull, pod("n2", "new", "Pending", false)]);
        let event = ClusterEvent {
            key: Key::new("shop", "e1"),
            about_kind: "Pod".into(),
            about_name: "n2".into(),
            warning: true,
            reason: "FailedScheduling".into(),
            message: "0/3 nodes are available: 3 Insufficient cpu.".into(),
            ..ClusterEvent::default()
        };
        world.take(Signal::Cluster(Box::new(ClusterFact::Events(Change::Applied(event)))), Time::UNIX_EPOCH);
        deployment.conditions.push(Condition {
            kind: "ReplicaFailure".into(),
            holds: true,
            reason: "FailedCreate".into(),
            message: "pods \"api-new-\" is forbidden: exceeded quota: compute".into(),
            since: None,
        });
        let blocked = look(&world, &deployment, &Uid("new".into())).blocked;
        let all: Vec<&str> = blocked.iter().map(Clean::as_str).collect();
        assert!(all[0].contains("exceeded quota"), "{all:?}");
        assert!(all.contains(&"ImagePullBackOff"), "{all:?}");
        assert!(all.iter().any(|why| why.contains("Insufficient cpu")), "{all:?}");
    }
}

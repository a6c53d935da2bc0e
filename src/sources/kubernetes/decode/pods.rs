//! Pods and nodes: there are thousands of the first, so nothing is kept that no gate asks for.

use std::fmt;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer};

use super::lax;
use super::meta::{Brief, Condition, Moment, controller};
use crate::domain::Time;
use crate::domain::clean::Clean;
use crate::domain::cluster::{Node, Pod, Uid};

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct RawPod {
    #[serde(deserialize_with = "lax")]
    pub metadata: Brief,
    #[serde(deserialize_with = "lax")]
    spec: PodSpec,
    #[serde(deserialize_with = "lax")]
    status: PodStatus,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct PodSpec {
    node_name: Option<Clean>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct PodStatus {
    #[serde(deserialize_with = "lax")]
    phase: Clean,
    reason: Option<Clean>,
    start_time: Moment,
    #[serde(deserialize_with = "lax")]
    conditions: Vec<PodCondition>,
    #[serde(deserialize_with = "lax")]
    init_container_statuses: Vec<Container>,
    #[serde(deserialize_with = "lax")]
    container_statuses: Vec<Container>,
}

/// Of a pod's conditions only one is asked for: the texts of the others are compared where they stand, and not kept.
#[derive(Deserialize, Default)]
#[serde(default)]
struct PodCondition {
    #[serde(rename = "type", deserialize_with = "lax")]
    ready: Is<READY>,
    #[serde(rename = "status", deserialize_with = "lax")]
    holds: Is<TRUE>,
}

const READY: u8 = 0;
const TRUE: u8 = 1;
const WORDS: [&str; 2] = ["Ready", "True"];

/// Whether a text is this word.
#[derive(Clone, Copy, Default)]
struct Is<const WORD: u8>(bool);

impl<'de, const WORD: u8> Deserialize<'de> for Is<WORD> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text<const WORD: u8>;
        impl<const WORD: u8> Visitor<'_> for Text<WORD> {
            type Value = Is<WORD>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Is<WORD>, E> {
                Ok(Is(WORDS.get(usize::from(WORD)) == Some(&text)))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Container {
    #[serde(deserialize_with = "lax")]
    restart_count: i64,
    #[serde(deserialize_with = "lax")]
    state: State,
    #[serde(deserialize_with = "lax")]
    last_state: State,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct State {
    running: Option<Running>,
    waiting: Option<Ended>,
    terminated: Option<Ended>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Running {
    started_at: Moment,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Ended {
    #[serde(deserialize_with = "lax")]
    reason: Clean,
}

impl From<RawPod> for Pod {
    fn from(raw: RawPod) -> Self {
        let status = raw.status;
        let key = raw.metadata.key();
        Self {
            key,
            uid: Uid(raw.metadata.uid),
            replica_set: controller(raw.metadata.owner_references)
                .filter(|(kind, _, _)| kind == "ReplicaSet")
                .map(|(_, _, uid)| uid),
            node: raw.spec.node_name.filter(|name| !name.is_empty()),
            ready: status.conditions.iter().any(|c| c.ready.0 && c.holds.0),
            created: raw.metadata.creation_timestamp.0,
            restarts: status.container_statuses.iter().map(|c| c.restart_count).sum(),
            reason: reason(&status),
            deleting: raw.metadata.deletion_timestamp.0.is_some(),
            started: started(&status),
            phase: status.phase,
        }
    }
}

/// Why the pod is not as it should be: its own reason, else what a container waits for, else how one ended last.
fn reason(status: &PodStatus) -> Option<Clean> {
    let containers = || status.init_container_statuses.iter().chain(&status.container_statuses);
    let waiting = containers().filter_map(|c| c.state.waiting.as_ref());
    let ended = containers().filter_map(|c| c.state.terminated.as_ref().or(c.last_state.terminated.as_ref()));
    let of_containers = waiting.chain(ended).map(|state| &state.reason);
    status
        .reason
        .iter()
        .chain(of_containers)
        .find(|reason| !reason.is_empty() && **reason != "Completed")
        .cloned()
}

/// When the last of its running containers started, else when the node took it on.
fn started(status: &PodStatus) -> Option<Time> {
    status
        .container_statuses
        .iter()
        .filter_map(|c| c.state.running.as_ref().and_then(|running| running.started_at.0))
        .max()
        .or(status.start_time.0)
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct RawNode {
    #[serde(deserialize_with = "lax")]
    pub metadata: Brief,
    #[serde(deserialize_with = "lax")]
    status: NodeStatus,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct NodeStatus {
    #[serde(deserialize_with = "lax")]
    conditions: Vec<Condition>,
}

impl From<RawNode> for Node {
    fn from(raw: RawNode) -> Self {
        let ready = raw.status.conditions.iter().find(|c| c.kind == "Ready");
        Self {
            ready: ready.is_some_and(Condition::holds),
            since: ready.and_then(|c| c.last_transition_time.0),
            pressures: raw
                .status
                .conditions
                .iter()
                .filter(|c| c.kind.as_str().ends_with("Pressure") && c.holds())
                .map(|c| (c.kind.clone(), c.last_transition_time.0))
                .collect(),
            name: raw.metadata.name,
        }
    }
}

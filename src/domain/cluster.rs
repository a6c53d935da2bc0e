//! What is known of a Kubernetes cluster, thin: only the fields that a decision, a gate or a screen uses. Templates
//! and annotations stay the server's own JSON ([`Json`]), because a conditional write must compare them as they are.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use serde::{Deserialize, Serialize};

use super::Time;
use super::clean::Clean;
use super::exact::{self, Word};
use super::plan::RESTARTED_AT;

/// Namespace and name of a namespaced object.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
pub struct Key {
    /// Namespace; empty for cluster-scoped objects.
    pub namespace: Clean,
    /// Name.
    pub name: Clean,
}

impl Key {
    /// A key from raw texts.
    pub fn new(namespace: impl AsRef<str>, name: impl AsRef<str>) -> Self {
        Self { namespace: Clean::new(namespace), name: Clean::new(name) }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// A UID as the API server gave it: the identity of an object over re-creations under the same name.
#[derive(
    Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, serde::Serialize, serde::Deserialize,
)]
#[serde(transparent)]
pub struct Uid(pub Clean);

/// SHA-256 of canonical JSON (keys sorted), in hex.
#[derive(
    Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, serde::Serialize, serde::Deserialize,
)]
#[serde(transparent)]
pub struct ContentDigest(pub String);

impl ContentDigest {
    /// Of a JSON value, whatever the order of its keys.
    pub fn of(value: &Value) -> Self {
        let mut canonical = value.clone();
        canonical.sort_all_objects();
        Self::of_bytes(canonical.to_string().as_bytes())
    }

    /// Of bytes as they are.
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// The first twelve hex digits: enough for a person and for an annotation.
    pub fn short(&self) -> &str {
        self.0.get(..12).unwrap_or(&self.0)
    }
}

/// The server's own JSON as compact text: a tenth of the memory of a parsed tree, parsed when it is needed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Json(Arc<str>);

impl Json {
    /// Keeps `value`.
    pub fn of(value: &Value) -> Self {
        Self(value.to_string().into())
    }

    /// The value again.
    pub fn value(&self) -> Value {
        // It was printed by serde_json from a value, so it parses.
        serde_json::from_str(&self.0).unwrap_or(Value::Null)
    }

    /// Cheap, to be asked before [`Json::value`]: false when no key or text in it holds `plain`, which JSON writes as
    /// it is (no quote, no backslash).
    pub fn mentions(&self, plain: &str) -> bool {
        self.0.contains(plain)
    }
}

impl Serialize for Json {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        // As text: what is compared with the server's own must keep every digit and the order of its keys.
        to.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        serde_json::from_str::<serde::de::IgnoredAny>(&text).map_err(serde::de::Error::custom)?;
        Ok(Self(text.into()))
    }
}

impl Default for Json {
    fn default() -> Self {
        Self("null".into())
    }
}

/// One entry of `metadata.managedFields`: which client changed what when. Never a person.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Managed {
    /// The client's field manager, as in "kubectl-edit".
    pub manager: Clean,
    /// True for `Apply`, false for `Update`.
    pub apply: bool,
    /// When this entry last changed.
    pub time: Option<Time>,
    /// It owns something below `spec.template`.
    pub template: bool,
    /// It owns `spec.replicas`.
    pub replicas: bool,
    /// Keys of `data` and `binaryData` that it owns.
    pub data_keys: Vec<Clean>,
    /// The entry is of a subresource (`status`).
    pub subresource: bool,
}

/// Metadata that every kind has.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Meta {
    /// Namespace and name.
    pub key: Key,
    /// Identity over re-creations.
    pub uid: Uid,
    /// The object's version, opaque.
    pub resource_version: String,
    /// `metadata.generation`, 0 where the kind has none.
    pub generation: i64,
    /// Creation time.
    pub created: Option<Time>,
    /// Being deleted since.
    pub deleting: Option<Time>,
    /// Labels.
    pub labels: BTreeMap<Clean, Clean>,
    /// The owner that controls it: kind, name, uid.
    pub controller: Option<(Clean, Clean, Uid)>,
    /// Which client changed what when.
    pub managed: Vec<Managed>,
}

/// What a pod template refers to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum RefKind {
    /// A ConfigMap (volume, projected volume, `envFrom`, `valueFrom`).
    ConfigMap,
    /// A Secret, known by its metadata only.
    Secret,
    /// A PersistentVolumeClaim.
    PersistentVolumeClaim,
}

impl RefKind {
    /// The kind as Kubernetes writes it.
    pub fn kind(self) -> &'static str {
        match self {
            Self::ConfigMap => "ConfigMap",
            Self::Secret => "Secret",
            Self::PersistentVolumeClaim => "PersistentVolumeClaim",
        }
    }
}

/// When a change of what is referred to reaches the containers of a running revision.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
pub enum Reach {
    /// Never: a pull secret is the kubelet's, no container sees it.
    Pull,
    /// With the next pod: environment, or a file that is mounted by `subPath`.
    Start,
    /// Within about a minute: the files of a volume are renewed in place.
    #[default]
    Running,
}

/// One reference of a pod template, in the namespace of its workload.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Reference {
    /// What it refers to.
    pub kind: RefKind,
    /// Its name.
    pub name: Clean,
    /// The pod starts without it.
    pub optional: bool,
    /// How a change of it reaches the pods; where it is referred to twice, the faster way.
    pub reach: Reach,
}

/// A pod template: the JSON, and what was read out of it.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Template {
    /// The server's own JSON (of a ReplicaSet: without the label `pod-template-hash`).
    pub json: Json,
    /// Its digest, `pod-template-hash` left out: the identity of a revision's content.
    pub digest: ContentDigest,
    /// The same with `kubectl.kubernetes.io/restartedAt` left out too: equal digests mean that only a restart differs.
    pub digest_but_restart: ContentDigest,
    /// Images of containers, in order.
    pub images: Vec<Clean>,
    /// ConfigMaps, Secrets and claims that it refers to, sorted, each once.
    pub references: Vec<Reference>,
    /// Values of env and arguments, where addresses of other services stand.
    pub texts: Vec<Clean>,
    /// `goaround.dev/irreversible`, when the template declares it.
    pub irreversible: Option<Clean>,
    /// Labels of the pods.
    pub labels: BTreeMap<Clean, Clean>,
}

/// Digest of a template without `pod-template-hash`; `but_restart` leaves `restartedAt` out too. `creationTimestamp: null`, which older servers write into every template, never counts.
pub fn template_digest(value: &Value, but_restart: bool) -> ContentDigest {
    let mut value = value.clone();
    if let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut) {
        if metadata.get("creationTimestamp").is_some_and(Value::is_null) {
            metadata.shift_remove("creationTimestamp");
        }
        let annotations = metadata.get_mut("annotations").and_then(Value::as_object_mut);
        if but_restart
            && annotations.is_some_and(|map| map.shift_remove(RESTARTED_AT).is_some() || map.is_empty())
        {
            // The first restart also creates the map, which is then all that differs.
            if metadata.get("annotations").and_then(Value::as_object).is_some_and(|map| map.is_empty()) {
                metadata.shift_remove("annotations");
            }
        }
    }
    ContentDigest::of(&value)
}

/// A condition of a status.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Condition {
    /// `Available`, `Progressing`, `Ready`, ...
    pub kind: Clean,
    /// True when its status is `True`.
    pub holds: bool,
    /// The reason word.
    pub reason: Clean,
    /// The sentence.
    pub message: Clean,
    /// Last transition.
    pub since: Option<Time>,
}

/// A Deployment.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Deployment {
    /// Metadata.
    pub meta: Meta,
    /// `metadata.annotations` as the server has them; JSON null when there are none.
    pub annotations: Json,
    /// The pod template.
    pub template: Template,
    /// `spec.replicas`.
    pub replicas: i64,
    /// `spec.paused`.
    pub paused: bool,
    /// `spec.strategy.type` is `Recreate`.
    pub recreate: bool,
    /// `status.observedGeneration`.
    pub observed_generation: i64,
    /// `status.updatedReplicas`.
    pub updated: i64,
    /// `status.availableReplicas`.
    pub available: i64,
    /// `status.replicas`.
    pub current: i64,
    /// `status.unavailableReplicas`.
    pub unavailable: i64,
    /// Conditions.
    pub conditions: Vec<Condition>,
}

impl Deployment {
    /// One annotation, clean; `None` when it is absent.
    pub fn annotation(&self, name: &str) -> Option<Clean> {
        annotation(&self.annotations, name)
    }

    /// The controller has seen this generation, and every replica is updated and available.
    pub fn settled(&self) -> bool {
        self.observed_generation >= self.meta.generation
            && self.updated == self.replicas
            && self.current == self.replicas
            && self.available == self.replicas
    }

    /// The controller gave up on the rollout: condition `Progressing` is false with `ProgressDeadlineExceeded`.
    pub fn deadline_exceeded(&self) -> bool {
        self.conditions
            .iter()
            .any(|c| c.kind == "Progressing" && !c.holds && c.reason == "ProgressDeadlineExceeded")
    }
}

/// A ReplicaSet: one revision of a Deployment.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct ReplicaSet {
    /// Metadata; `meta.controller` is the Deployment.
    pub meta: Meta,
    /// `metadata.annotations` as the server has them.
    pub annotations: Json,
    /// The pod template, without `pod-template-hash`.
    pub template: Template,
    /// The label `pod-template-hash`.
    pub hash: Clean,
    /// `deployment.kubernetes.io/revision`: shown, never an identity.
    pub revision: Option<i64>,
    /// It has served before under another revision number, so its creation time says nothing of this rollout.
    pub reused: bool,
    /// Revision numbers that it had before (`deployment.kubernetes.io/revision-history`).
    pub former: Vec<i64>,
    /// `kubernetes.io/change-cause`: somebody's claim.
    pub change_cause: Option<Clean>,
    /// `goaround.dev/action`, when goaround brought it back.
    pub action: Option<Clean>,
    /// `spec.replicas`.
    pub replicas: i64,
    /// `status.readyReplicas`.
    pub ready: i64,
}

impl ReplicaSet {
    /// One annotation, clean; `None` when it is absent.
    pub fn annotation(&self, name: &str) -> Option<Clean> {
        annotation(&self.annotations, name)
    }
}

fn annotation(annotations: &Json, name: &str) -> Option<Clean> {
    if !annotations.mentions(name) {
        return None;
    }
    annotations.value().get(name).and_then(Value::as_str).map(Clean::new)
}

/// A Pod.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Pod {
    /// Namespace and name.
    pub key: Key,
    /// Identity.
    pub uid: Uid,
    /// UID of the ReplicaSet that controls it.
    pub replica_set: Option<Uid>,
    /// The node it runs on.
    pub node: Option<Clean>,
    /// `status.phase`.
    pub phase: Clean,
    /// Condition `Ready`.
    pub ready: bool,
    /// Creation time.
    pub created: Option<Time>,
    /// Restarts of all its containers.
    pub restarts: i64,
    /// `status.reason` or a container's waiting or last termination reason: `Evicted`, `CrashLoopBackOff`, `OOMKilled`.
    pub reason: Option<Clean>,
    /// Being deleted.
    pub deleting: bool,
    /// When the kubelet pulled an image for it was not asked: this is when its containers started.
    pub started: Option<Time>,
}

/// A Service.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Service {
    /// Namespace and name.
    pub key: Key,
    /// Its labels.
    pub labels: BTreeMap<Clean, Clean>,
    /// `spec.selector`; empty selects nothing.
    pub selector: BTreeMap<Clean, Clean>,
    /// Ports: name (may be empty) and number.
    pub ports: Vec<(Clean, i64)>,
}

impl Service {
    /// Does its selector match pods with these labels?
    pub fn selects(&self, labels: &BTreeMap<Clean, Clean>) -> bool {
        !self.selector.is_empty() && self.selector.iter().all(|(k, v)| labels.get(k) == Some(v))
    }
}

/// A HorizontalPodAutoscaler.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Autoscaler {
    /// Namespace and name.
    pub key: Key,
    /// Kind and name of what it scales.
    pub target: (Clean, Clean),
    /// Bounds.
    pub min: i64,
    /// Upper bound.
    pub max: i64,
    /// Replicas wanted now.
    pub desired: i64,
}

/// A PodDisruptionBudget.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct DisruptionBudget {
    /// Namespace and name.
    pub key: Key,
    /// `spec.selector.matchLabels`.
    pub selector: BTreeMap<Clean, Clean>,
    /// Healthy now.
    pub healthy: i64,
    /// Healthy wanted.
    pub wanted: i64,
    /// `status.disruptionsAllowed`.
    pub allowed: i64,
}

/// An Event of the cluster.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct ClusterEvent {
    /// Namespace and name of the Event object itself.
    pub key: Key,
    /// Kind of the object it is about.
    pub about_kind: Clean,
    /// Name of the object it is about.
    pub about_name: Clean,
    /// `Warning` rather than `Normal`.
    pub warning: bool,
    /// The reason word.
    pub reason: Clean,
    /// The sentence.
    pub message: Clean,
    /// Last seen.
    pub last: Option<Time>,
    /// How often.
    pub count: i64,
}

/// A Node.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Node {
    /// Name.
    pub name: Clean,
    /// Condition `Ready`.
    pub ready: bool,
    /// Since when its readiness is what it is.
    pub since: Option<Time>,
    /// Pressure conditions that hold: `MemoryPressure`, `DiskPressure`, `PIDPressure`, with their time.
    pub pressures: Vec<(Clean, Option<Time>)>,
}

/// A ConfigMap, Secret or claim by its metadata.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Referenced {
    /// Metadata, managed fields included.
    pub meta: Meta,
}

impl Referenced {
    /// When its data last changed and by which client: the youngest entry that owns a data key.
    pub fn data_changed(&self) -> Option<(Time, Clean)> {
        self.meta
            .managed
            .iter()
            .filter(|m| !m.subresource && !m.data_keys.is_empty())
            .filter_map(|m| m.time.map(|time| (time, m.manager.clone())))
            .max_by_key(|(time, _)| *time)
    }
}

/// The content of a ConfigMap, read because a matched workload refers to it.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct ConfigContent {
    /// Namespace and name.
    pub key: Key,
    /// Identity.
    pub uid: Uid,
    /// Version it was read at.
    pub resource_version: String,
    /// `data` as the server has it; JSON null when absent.
    pub data: Json,
    /// `binaryData` likewise.
    pub binary_data: Json,
    /// Digest over both.
    pub digest: ContentDigest,
    /// `data` and `binaryData` of `kubectl.kubernetes.io/last-applied-configuration`, where that is present.
    pub last_applied: Option<ConfigVersion>,
    /// It has annotations, whichever.
    #[serde(default)]
    pub annotated: bool,
    /// `goaround.dev/action`: which action wrote it last.
    #[serde(default)]
    pub action: Option<Clean>,
    /// `immutable: true`.
    pub immutable: bool,
}

/// A content that a ConfigMap has or had.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct ConfigVersion {
    /// `data`; JSON null when absent.
    pub data: Json,
    /// `binaryData`; JSON null when absent.
    pub binary_data: Json,
    /// Digest over both.
    pub digest: ContentDigest,
}

impl ConfigVersion {
    /// From the two values as the server has them (null when absent).
    pub fn new(data: &Value, binary_data: &Value) -> Self {
        let digest = ContentDigest::of(&serde_json::json!({"data": data, "binaryData": binary_data}));
        Self { data: Json::of(data), binary_data: Json::of(binary_data), digest }
    }
}

/// An earlier content of a ConfigMap and where it is known from.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct KnownContent {
    /// The content.
    pub version: ConfigVersion,
    /// UID of the ConfigMap that had it; `None` where the source does not say.
    pub uid: Option<Uid>,
    /// First and last time it was seen, where it was.
    pub seen: Option<(Time, Time)>,
    /// The source.
    pub source: KnownFrom,
}

/// Where an earlier content is known from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum KnownFrom {
    /// An earlier look of goaround, kept on this machine.
    Seen,
    /// `kubectl.kubernetes.io/last-applied-configuration`, which differs from the live data.
    LastApplied,
}

/// What changed in a watched collection.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum Change<T> {
    /// The whole collection, after a (re)list.
    Listed(Vec<T>),
    /// One object is new or different.
    Applied(T),
    /// One object is gone.
    Deleted(Key, Uid),
}

/// One fact from the Kubernetes source.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum ClusterFact {
    /// Deployments.
    Deployments(Change<Deployment>),
    /// ReplicaSets.
    ReplicaSets(Change<ReplicaSet>),
    /// Pods.
    Pods(Change<Pod>),
    /// Services.
    Services(Change<Service>),
    /// HorizontalPodAutoscalers.
    Autoscalers(Change<Autoscaler>),
    /// PodDisruptionBudgets.
    DisruptionBudgets(Change<DisruptionBudget>),
    /// Events.
    Events(Change<ClusterEvent>),
    /// Nodes.
    Nodes(Change<Node>),
    /// ConfigMaps by metadata.
    ConfigMaps(Change<Referenced>),
    /// Secrets by metadata, never their content.
    Secrets(Change<Referenced>),
    /// PersistentVolumeClaims by metadata.
    Claims(Change<Referenced>),
    /// The content of a ConfigMap that was asked for; `None`: it does not exist.
    Content(Key, Option<ConfigContent>),
}

/// Who the API server says we are.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Identity {
    /// User name.
    pub user: Clean,
    /// Groups.
    pub groups: Vec<Clean>,
}

impl Identity {
    /// How the name ends where the API server did not say it: then it is what the kubeconfig calls its user.
    pub const CLAIMED: &str = " (kubeconfig)";

    /// The API server itself named us.
    pub fn is_told(&self) -> bool {
        !self.user.as_str().ends_with(Self::CLAIMED)
    }
}

/// What an access review answered.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Right {
    /// `patch`, `list`, ...
    #[serde(with = "exact")]
    pub verb: Word,
    /// `deployments`, `configmaps`, ...
    #[serde(with = "exact")]
    pub resource: Word,
    /// API group, empty for core.
    #[serde(with = "exact")]
    pub group: Word,
    /// Namespace; empty for all.
    pub namespace: Clean,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_digest_does_not_depend_on_the_order_of_keys() {
        let a: Value = serde_json::from_str(r#"{"a":1,"b":{"c":2,"d":[{"x":1,"y":2}]}}"#).expect("json");
        let b: Value = serde_json::from_str(r#"{"b":{"d":[{"y":2,"x":1}],"c":2},"a":1}"#).expect("json");
        assert_eq!(ContentDigest::of(&a), ContentDigest::of(&b));
        assert_ne!(ContentDigest::of(&a), ContentDigest::of(&json!({"a": 1})));
    }

    #[test]
    fn a_service_without_selector_selects_nothing() {
        assert!(!Service::default().selects(&BTreeMap::new()));
    }
}

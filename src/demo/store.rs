//! The objects of the API server: JSON as it goes over the wire, one version counter for all of them, and the log of
//! changes that watches are served from. The log is bounded; who asks for what fell out of it gets 410.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use serde_json::{Value, json};

/// What kinds of object there are: group, version, plural, kind, namespaced.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Kind {
    /// API group, empty for the core group.
    pub group: &'static str,
    /// Version in the group.
    pub version: &'static str,
    /// The name in paths.
    pub plural: &'static str,
    /// The name in objects.
    pub kind: &'static str,
    /// Whether objects live in a namespace.
    pub namespaced: bool,
}

const fn kind(
    group: &'static str,
    version: &'static str,
    plural: &'static str,
    kind: &'static str,
    namespaced: bool,
) -> Kind {
    Kind { group, version, plural, kind, namespaced }
}

/// `apps/v1 Deployment`.
pub const DEPLOYMENT: Kind = kind("apps", "v1", "deployments", "Deployment", true);
/// `apps/v1 ReplicaSet`.
pub const REPLICA_SET: Kind = kind("apps", "v1", "replicasets", "ReplicaSet", true);
/// `v1 Pod`.
pub const POD: Kind = kind("", "v1", "pods", "Pod", true);
/// `v1 ConfigMap`.
pub const CONFIG_MAP: Kind = kind("", "v1", "configmaps", "ConfigMap", true);
/// `v1 Service`.
pub const SERVICE: Kind = kind("", "v1", "services", "Service", true);
/// `v1 Event`.
pub const EVENT: Kind = kind("", "v1", "events", "Event", true);
/// `v1 Node`.
pub const NODE: Kind = kind("", "v1", "nodes", "Node", false);
/// `v1 Namespace`.
pub const NAMESPACE: Kind = kind("", "v1", "namespaces", "Namespace", false);
/// `v1 Secret`.
pub const SECRET: Kind = kind("", "v1", "secrets", "Secret", true);

/// Every kind that the API server serves.
pub const KINDS: [Kind; 12] = [
    DEPLOYMENT,
    REPLICA_SET,
    POD,
    CONFIG_MAP,
    SECRET,
    SERVICE,
    EVENT,
    NODE,
    NAMESPACE,
    kind("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim", true),
    kind("autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler", true),
    kind("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget", true),
];

impl Kind {
    /// `apps/v1`, or `v1` for the core group.
    pub fn api_version(self) -> String {
        if self.group.is_empty() {
            self.version.to_owned()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// What kubectl users type instead of the plural.
    pub fn short_names(self) -> &'static [&'static str] {
        match self.plural {
            "deployments" => &["deploy"],
            "replicasets" => &["rs"],
            "pods" => &["po"],
            "configmaps" => &["cm"],
            "services" => &["svc"],
            "events" => &["ev"],
            "nodes" => &["no"],
            "namespaces" => &["ns"],
            "persistentvolumeclaims" => &["pvc"],
            "horizontalpodautoscalers" => &["hpa"],
            "poddisruptionbudgets" => &["pdb"],
            _ => &[],
        }
    }

    /// `deployments.apps`, or `pods` for the core group: how error messages name a resource.
    pub fn resource(self) -> String {
        if self.group.is_empty() { self.plural.to_owned() } else { format!("{}.{}", self.plural, self.group) }
    }
}

/// Where an object is: kind, namespace (empty for cluster-wide kinds), name.
pub type Key = (Kind, String, String);

/// One change of one object.
#[derive(Clone, Debug)]
pub struct Change {
    /// The version that it made.
    pub version: u64,
    /// What kind of object.
    pub kind: Kind,
    /// Before; nothing when it was created.
    pub old: Option<Arc<Value>>,
    /// After; for a deletion the last state, with the deletion's version.
    pub new: Arc<Value>,
    /// True when this was its end.
    pub deleted: bool,
}

/// How many changes are remembered.
const REMEMBERED: usize = 20_000;

/// All objects.
#[derive(Debug)]
pub struct Store {
    objects: BTreeMap<Key, Arc<Value>>,
    version: u64,
    log: VecDeque<Change>,
    floor: u64,
}

impl Store {
    /// An empty store whose first version is a little above `version`.
    pub fn new(version: u64) -> Self {
        Self { objects: BTreeMap::new(), version, log: VecDeque::new(), floor: version }
    }

    /// The version of the newest change.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// One object.
    pub fn get(&self, kind: Kind, namespace: &str, name: &str) -> Option<&Arc<Value>> {
        self.objects.get(&(kind, namespace.to_owned(), name.to_owned()))
    }

    /// All objects of a kind, of all namespaces or of one, in the order of namespace and name.
    pub fn list<'a>(
        &'a self,
        kind: Kind,
        namespace: Option<&'a str>,
    ) -> impl Iterator<Item = &'a Arc<Value>> {
        let from = (kind, namespace.unwrap_or_default().to_owned(), String::new());
        self.objects
            .range(from..)
            .take_while(move |((k, ns, _), _)| *k == kind && namespace.is_none_or(|wanted| wanted == ns))
            .map(|(_, object)| object)
    }

    /// Creates or replaces an object, giving it the next version.
    pub fn put(&mut self, kind: Kind, mut object: Value) -> Arc<Value> {
        self.version += 1;
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        let new = Arc::new(object);
        let old = self.objects.insert(key(kind, &new), Arc::clone(&new));
        self.remember(kind, old, Arc::clone(&new), false);
        new
    }

    /// Removes an object.
    pub fn delete(&mut self, kind: Kind, namespace: &str, name: &str) {
        if let Some(old) = self.objects.remove(&(kind, namespace.to_owned(), name.to_owned())) {
            self.version += 1;
            let mut last = (*old).clone();
            last["metadata"]["resourceVersion"] = json!(self.version.to_string());
            self.remember(kind, Some(old), Arc::new(last), true);
        }
    }

    fn remember(&mut self, kind: Kind, old: Option<Arc<Value>>, new: Arc<Value>, deleted: bool) {
        self.log.push_back(Change { version: self.version, kind, old, new, deleted });
        while self.log.len() > REMEMBERED {
            if let Some(gone) = self.log.pop_front() {
                self.floor = gone.version;
            }
        }
    }

    /// Forgets the log, as compaction does: older versions cannot be watched from any more.
    pub fn compact(&mut self) {
        self.log.clear();
        self.floor = self.version;
    }

    /// The changes after `version`, oldest first; nothing when some of them are forgotten.
    pub fn since(&self, version: u64) -> Option<impl Iterator<Item = &Change>> {
        let from = self.log.partition_point(|change| change.version <= version);
        (version >= self.floor).then(|| self.log.range(from..))
    }
}

/// Where `object` belongs.
fn key(kind: Kind, object: &Value) -> Key {
    let text = |name: &str| object["metadata"][name].as_str().unwrap_or_default().to_owned();
    (kind, text("namespace"), text("name"))
}

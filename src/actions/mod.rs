//! Verbs: arguments and observed facts in, a plan or a refusal out. Pure: no I/O, no clock, no task, no hash order.
//! Each kind of action is one file and one line in [`KINDS`].

use serde_json::{Value, json};

use crate::domain::clean::Clean;
use crate::domain::cluster::{Deployment, Key, ReplicaSet};
use crate::domain::plan::{Call, JSON_PATCH, Method};

pub mod restore_config;
pub mod rollback;
pub mod undo;

/// The kinds of action, by the word of their offer; a test holds this list against the folder.
pub const KINDS: [&str; 2] = ["rollback", "restore_config"];

/// Why there is no plan, and what would change that.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct Refusal(pub Clean);

impl Refusal {
    fn new(why: impl AsRef<str>) -> Self {
        Self(Clean::new(why))
    }
}

/// A conditional patch of the object at `path`.
fn patch(path: String, body: Value) -> Call {
    Call { method: Method::Patch, path, content_type: JSON_PATCH, body }
}

fn deployment_path(key: &Key) -> String {
    format!("/apis/apps/v1/namespaces/{}/deployments/{}", key.namespace, key.name)
}

fn config_map_path(key: &Key) -> String {
    format!("/api/v1/namespaces/{}/configmaps/{}", key.namespace, key.name)
}

/// The parts of a Deployment that an undo looks at, as the server had them.
fn deployment_json(deployment: &Deployment) -> Value {
    let annotations = deployment.annotations.value();
    let mut metadata = json!({
        "namespace": deployment.meta.key.namespace,
        "name": deployment.meta.key.name,
        "uid": deployment.meta.uid,
    });
    if annotations.is_object() {
        metadata["annotations"] = annotations;
    }
    json!({
        "metadata": metadata,
        "spec": {
            "paused": deployment.paused,
            "selector": {"matchLabels": {}},
            "template": deployment.template.json.value(),
        },
    })
}

/// The same of a ReplicaSet. It is one of the Deployment's own already, so the selector above may be empty.
fn replica_set_json(replica_set: &ReplicaSet) -> Value {
    let owner = replica_set.meta.controller.as_ref();
    json!({
        "metadata": {
            "namespace": replica_set.meta.key.namespace,
            "name": replica_set.meta.key.name,
            "uid": replica_set.meta.uid,
            "creationTimestamp": replica_set.meta.created.map(|t| t.to_rfc3339()),
            "annotations": replica_set.annotations.value(),
            "labels": replica_set.meta.labels,
            "ownerReferences": [{"controller": true, "kind": "Deployment", "uid": owner.map(|(_, _, uid)| uid)}],
        },
        "spec": {"template": replica_set.template.json.value()},
    })
}

//! `kubectl rollout undo` for a Deployment, exactly, as a function over the server's own JSON: which ReplicaSets are
//! its history, which of them is meant, what would be restored, and the one conditional request that restores it.
//! It sends nothing, and it never re-encodes a template through types: a field that this program has never heard of
//! survives. Semantics: kubernetes `staging/src/k8s.io/kubectl/pkg/polymorphichelpers/rollback.go`.

mod history;
mod quantity;
mod template;
mod wire;

use serde_json::{Map, Value, json};

use crate::domain::clean::Clean;
use crate::sabotage::{self, Design};

pub use template::same_template;
pub use wire::wire_text;

/// The label by which the controller tells the pods of one ReplicaSet from those of another.
pub const HASH_LABEL: &str = "pod-template-hash";

/// The annotation that carries a revision number, on Deployment and ReplicaSet.
pub const REVISION: &str = "deployment.kubernetes.io/revision";

/// Annotations that stay as they are on the Deployment; every other one comes from the ReplicaSet, and what was put
/// on the Deployment since then is dropped. The list is kubectl's `annotationsToSkip`.
pub const KEPT_ANNOTATIONS: [&str; 6] = [
    "kubectl.kubernetes.io/last-applied-configuration",
    REVISION,
    "deployment.kubernetes.io/revision-history",
    "deployment.kubernetes.io/desired-replicas",
    "deployment.kubernetes.io/max-replicas",
    "deprecated.deployment.rollback.to",
];

/// What to go back to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Target {
    /// kubectl's `--to-revision=0`, also its default: the second highest revision at this instant. Not a name of
    /// anything: after an undo it means the version that was just left.
    Previous,
    /// The ReplicaSet that bears this number now (1 or more). Numbers move: an undo renumbers what it restores.
    Revision(i64),
    /// The ReplicaSet with this uid, whatever its number. The only target that stays the same.
    ReplicaSet(String),
}

impl Target {
    /// From kubectl's `--to-revision`.
    pub fn from_to_revision(number: i64) -> Self {
        if number == 0 { Self::Previous } else { Self::Revision(number) }
    }
}

/// The ReplicaSet that is restored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Origin {
    /// `metadata.uid`.
    pub uid: Clean,
    /// `metadata.name`.
    pub name: Clean,
    /// Its revision as kubectl reads it: 0 when the annotation is missing, `None` when it is not a number.
    pub revision: Option<i64>,
}

/// What an undo comes to.
#[derive(Clone, PartialEq, Debug)]
pub enum Undo {
    /// The Deployment is to get this template and these annotations.
    Patched {
        /// `spec.template` of the ReplicaSet as the server gave it, without [`HASH_LABEL`].
        template: Value,
        /// All of `metadata.annotations` after the undo, as an object of strings.
        annotations: Value,
        /// Where they come from.
        from: Origin,
    },
    /// The Deployment has that template already; kubectl sends nothing ("skipped rollback").
    Skipped {
        /// The revision whose template it is; see [`Origin::revision`].
        revision: Option<i64>,
    },
}

/// Why there is nothing to send.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum UndoRefusal {
    /// `spec.paused` is true: the controller would not roll anything out.
    #[error("the Deployment is paused; hint: `kubectl rollout resume` it first, then propose again")]
    Paused,
    /// No second revision to go back to.
    #[error(
        "the Deployment has no earlier revision; hint: its ReplicaSets may have been pruned (revisionHistoryLimit)"
    )]
    NoHistory,
    /// No ReplicaSet of this Deployment bears that number.
    #[error(
        "revision {0} is not in the history; hint: the number may have moved or its ReplicaSet may have been pruned"
    )]
    RevisionNotFound(i64),
    /// No ReplicaSet of this Deployment has that uid any more.
    #[error("ReplicaSet {uid} is gone or no longer belongs to the Deployment; hint: pick another revision")]
    ReplicaSetGone {
        /// The uid that was asked for.
        uid: Clean,
    },
}

/// Decides what undoing `deployment` to `target` means. `replica_sets` may hold those of other owners and other
/// namespaces; only its own count. The order of the checks is kubectl's: the revision first, then paused, then equal.
///
/// # Errors
/// A [`UndoRefusal`]; in each such case kubectl, too, exits with an error and sends nothing.
pub fn undo(deployment: &Value, replica_sets: &[Value], target: &Target) -> Result<Undo, UndoRefusal> {
    let replica_set = history::find(deployment, replica_sets, target)?;
    if deployment.pointer("/spec/paused") == Some(&Value::Bool(true)) {
        return Err(UndoRefusal::Paused);
    }
    let template = &replica_set["spec"]["template"];
    let revision = history::revision(replica_set);
    if same_template(template, &deployment["spec"]["template"]) {
        return Ok(Undo::Skipped { revision });
    }
    Ok(Undo::Patched {
        template: without_hash(template),
        annotations: restored_annotations(deployment, replica_set),
        from: Origin {
            uid: history::text(replica_set, "uid").into(),
            name: history::text(replica_set, "name").into(),
            revision,
        },
    })
}

/// The conditional request of goaround as a JSON patch: four `test`s, then the two changes.
/// The tests hold the live values of `deployment`, so the API server itself refuses (422) when anything that was
/// approved has changed since. Not tested: the generation, which an autoscaler bumps. To be sent as [`wire_text`].
pub fn conditional_patch(deployment: &Value, template: Value, annotations: Value) -> Value {
    let annotated = deployment["metadata"]["annotations"].is_object();
    let mut patch = json!([
        { "op": "test", "path": "/metadata/uid", "value": deployment["metadata"]["uid"] },
        { "op": "test", "path": "/spec/template", "value": deployment["spec"]["template"] },
        { "op": "test", "path": "/spec/paused", "value": null },
        { "op": "test", "path": "/metadata/annotations", "value": deployment["metadata"]["annotations"] },
        { "op": "replace", "path": "/spec/template", "value": template },
        {
            "op": if annotated { "replace" } else { "add" },
            "path": "/metadata/annotations",
            "value": annotations
        },
    ]);
    let dropped = |path: &str| {
        sabotage::is(Design::NoPreconditions)
            || (sabotage::is(Design::NameIsIdentity) && path == "/metadata/uid")
    };
    if let Some(operations) = patch.as_array_mut() {
        operations.retain(|o| o["op"] != "test" || !dropped(o["path"].as_str().unwrap_or_default()));
    }
    patch
}

/// What kubectl sends for the same undo: no condition at all. For comparison; goaround never sends it.
pub fn kubectl_patch(template: Value, annotations: Value) -> Value {
    json!([
        { "op": "replace", "path": "/spec/template", "value": template },
        { "op": "replace", "path": "/metadata/annotations", "value": annotations },
    ])
}

fn without_hash(template: &Value) -> Value {
    let mut template = template.clone();
    if let Some(metadata) = template.get_mut("metadata").and_then(Value::as_object_mut)
        && let Some(labels) = metadata.get_mut("labels").and_then(Value::as_object_mut)
    {
        labels.shift_remove(HASH_LABEL);
        if labels.is_empty() {
            metadata.shift_remove("labels");
        }
    }
    template
}

fn restored_annotations(deployment: &Value, replica_set: &Value) -> Value {
    let of = |object: &Value| object.pointer("/metadata/annotations").and_then(Value::as_object).cloned();
    let kept = of(deployment).unwrap_or_default();
    let restored = of(replica_set).unwrap_or_default();
    let is_kept = |name: &String| KEPT_ANNOTATIONS.contains(&name.as_str());
    let mut annotations = Map::new();
    annotations.extend(kept.into_iter().filter(|(name, _)| is_kept(name)));
    annotations.extend(restored.into_iter().filter(|(name, _)| !is_kept(name)));
    Value::Object(annotations)
}

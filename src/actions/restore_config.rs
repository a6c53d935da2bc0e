//! Put back the earlier content of a ConfigMap, then restart the pods that read it: two conditional calls, in this
//! order. If the second is refused the first stands, and that is said, never hidden.

use serde_json::{Value, json};

use crate::domain::clean::Clean;
use crate::domain::cluster::{
    ConfigContent, ConfigVersion, ContentDigest, Deployment, Key, ReplicaSet, template_digest,
};
use crate::domain::diff;
use crate::domain::plan::{ConfigBefore, FieldChange, NotRestored, Plan, RESTARTED_AT, Undo};
use crate::domain::verdict::Offer;

use super::rollback::caused;
use super::{Refusal, config_map_path, deployment_json, deployment_path, patch, undo};

/// One ConfigMap and the content that it is to have again.
#[derive(Clone, Debug)]
pub struct Restore<'a> {
    /// As it is.
    pub live: &'a ConfigContent,
    /// As it was.
    pub earlier: &'a ConfigVersion,
}

/// Arguments and facts.
pub struct Facts<'a> {
    /// The Deployment as it is.
    pub deployment: &'a Deployment,
    /// Its current ReplicaSet.
    pub current: &'a ReplicaSet,
    /// What to restore; at least one, unless only the restart is left.
    pub restores: &'a [Restore<'a>],
    /// Only the restart is left: the content is back already.
    pub rest: bool,
    /// Value of `restartedAt`, RFC 3339; fixed when the proposal is made, so that the digest stays.
    pub restarted_at: String,
    /// What is written as `kubernetes.io/change-cause`.
    pub cause: String,
    /// What stays as it is although it changed.
    pub not_restored: Vec<NotRestored>,
    /// Other consequences.
    pub also: Vec<Clean>,
}

/// Makes the plan.
///
/// # Errors
/// When there is nothing to restore, when the Deployment is paused, when a ConfigMap is immutable.
pub fn plan(facts: &Facts<'_>) -> Result<Plan, Refusal> {
    if facts.deployment.paused {
        return Err(Refusal::new(
            "the Deployment is paused; hint: `kubectl rollout resume` it first, then propose again",
        ));
    }
    if facts.restores.is_empty() && !facts.rest {
        return Err(Refusal::new("there is no content to restore"));
    }
    let mut calls = Vec::new();
    let mut changes = Vec::new();
    for restore in facts.restores {
        calls.push(call(restore)?);
        changes.extend(self::changes(restore));
    }
    let live = deployment_json(facts.deployment);
    let template = restarted(facts.deployment.template.json.value(), &facts.restarted_at);
    changes.extend(diff::templates(&facts.deployment.template.json.value(), &template));
    let written = template_digest(&template, false);
    let annotations = match facts.deployment.annotations.value() {
        Value::Null => json!({}),
        annotations => annotations,
    };
    let body = undo::conditional_patch(&live, template, caused(annotations, &facts.cause));
    calls.push(patch(deployment_path(&facts.deployment.meta.key), body));
    Ok(Plan {
        offer: Offer::RestoreConfig,
        workload: facts.deployment.meta.key.clone(),
        uid: facts.deployment.meta.uid.clone(),
        target: facts.current.meta.uid.clone(),
        target_template: facts.deployment.template.digest_but_restart.clone(),
        written_template: written,
        calls,
        changes,
        configs: targets(facts.restores),
        not_restored: facts.not_restored.clone(),
        also: facts.also.clone(),
        undo: Undo {
            template: facts.deployment.template.digest.clone(),
            replica_set: facts.current.meta.uid.clone(),
            configs: before(facts.restores),
        },
    })
}

/// The call that restores one ConfigMap: tests on uid and on both kinds of data, then the data. Annotations to put the
/// marks of the action into are made where there are none.
pub(super) fn call(restore: &Restore<'_>) -> Result<crate::domain::plan::Call, Refusal> {
    if restore.live.immutable {
        return Err(Refusal::new(format!(
            "ConfigMap {} is immutable; hint: a new ConfigMap and a new revision that refers to it",
            restore.live.key
        )));
    }
    let (data, binary) = (restore.live.data.value(), restore.live.binary_data.value());
    let mut body = vec![
        json!({"op": "test", "path": "/metadata/uid", "value": restore.live.uid}),
        json!({"op": "test", "path": "/data", "value": data}),
        json!({"op": "test", "path": "/binaryData", "value": binary}),
    ];
    body.extend(set("/data", &data, &restore.earlier.data.value()));
    body.extend(set("/binaryData", &binary, &restore.earlier.binary_data.value()));
    if !restore.live.annotated {
        body.push(json!({"op": "test", "path": "/metadata/annotations", "value": null}));
        body.push(json!({"op": "add", "path": "/metadata/annotations", "value": {}}));
    }
    Ok(patch(config_map_path(&restore.live.key), Value::Array(body)))
}

/// The operation that turns `live` into `earlier` at `path`, if they differ.
fn set(path: &str, live: &Value, earlier: &Value) -> Option<Value> {
    match (live, earlier) {
        (live, earlier) if live == earlier => None,
        (_, Value::Null) => Some(json!({"op": "remove", "path": path})),
        (Value::Null, earlier) => Some(json!({"op": "add", "path": path, "value": earlier})),
        (_, earlier) => Some(json!({"op": "replace", "path": path, "value": earlier})),
    }
}

/// What it changes, key by key.
pub(super) fn changes(restore: &Restore<'_>) -> Vec<FieldChange> {
    let name = restore.live.key.name.as_str();
    let mut all = diff::contents(name, &restore.live.data.value(), &restore.earlier.data.value());
    all.extend(diff::contents(name, &restore.live.binary_data.value(), &restore.earlier.binary_data.value()));
    all
}

pub(super) fn targets(restores: &[Restore<'_>]) -> Vec<(Key, ContentDigest)> {
    restores.iter().map(|r| (r.live.key.clone(), r.earlier.digest.clone())).collect()
}

pub(super) fn before(restores: &[Restore<'_>]) -> Vec<ConfigBefore> {
    restores
        .iter()
        .map(|r| ConfigBefore {
            key: r.live.key.clone(),
            uid: r.live.uid.clone(),
            mark: r.live.action.clone(),
            version: ConfigVersion {
                data: r.live.data.clone(),
                binary_data: r.live.binary_data.clone(),
                digest: r.live.digest.clone(),
            },
        })
        .collect()
}

fn restarted(mut template: Value, at: &str) -> Value {
    if !template["metadata"].is_object() {
        template["metadata"] = json!({});
    }
    if !template["metadata"]["annotations"].is_object() {
        template["metadata"]["annotations"] = json!({});
    }
    template["metadata"]["annotations"][RESTARTED_AT] = at.into();
    template
}

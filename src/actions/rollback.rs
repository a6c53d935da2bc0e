//! Roll a Deployment back to an earlier revision, exactly as `kubectl rollout undo` would, but conditionally, with a
//! truthful change-cause, and with the restore of ConfigMaps before it where that was asked for.

use serde_json::Value;

use crate::domain::cluster::{Deployment, ReplicaSet, Uid};
use crate::domain::diff;
use crate::domain::plan::{ACTION, BY, CHANGE_CAUSE, LAST_APPLIED, NotRestored, Plan, Undo};
use crate::domain::verdict::Offer;

use super::restore_config::Restore;
use super::undo::{self, Target, UndoRefusal};
use super::{Refusal, deployment_json, deployment_path, patch, replica_set_json, restore_config};

/// Arguments and facts.
pub struct Facts<'a> {
    /// The Deployment as it is.
    pub deployment: &'a Deployment,
    /// Its revisions.
    pub history: &'a [&'a ReplicaSet],
    /// The revision to go back to.
    pub target: &'a Uid,
    /// What is written as `kubernetes.io/change-cause`; without moving figures, so that the digest stays.
    pub cause: String,
    /// ConfigMaps to restore first.
    pub restores: &'a [Restore<'a>],
    /// What stays as it is although it changed.
    pub not_restored: Vec<NotRestored>,
}

/// Makes the plan.
///
/// # Errors
/// When nothing would change, when the Deployment is paused, when the revision is gone.
pub fn plan(facts: &Facts<'_>) -> Result<Plan, Refusal> {
    let live = deployment_json(facts.deployment);
    let sets: Vec<Value> = facts.history.iter().map(|r| replica_set_json(r)).collect();
    let target = Target::ReplicaSet(facts.target.0.to_string());
    let undone = undo::undo(&live, &sets, &target).map_err(|refusal| explain(&refusal))?;
    let undo::Undo::Patched { template, annotations, .. } = undone else {
        return Err(Refusal::new(
            "an undo would change nothing: the template is already that of this revision; \
             hint: what changed lies outside the template, in a ConfigMap, a Secret or a dependency",
        ));
    };
    let set = facts
        .history
        .iter()
        .find(|r| r.meta.uid == *facts.target)
        .ok_or_else(|| Refusal::new("the revision is gone; hint: pick another one"))?;
    let mut calls = Vec::new();
    let mut changes = Vec::new();
    for restore in facts.restores {
        calls.push(restore_config::call(restore)?);
        changes.extend(restore_config::changes(restore));
    }
    changes.splice(0..0, diff::templates(&facts.deployment.template.json.value(), &template));
    changes.extend(diff::annotations(&facts.deployment.annotations.value(), &annotations, is_kept));
    let annotations = caused(annotations, &facts.cause);
    let body = undo::conditional_patch(&live, template, annotations);
    calls.push(patch(deployment_path(&facts.deployment.meta.key), body));
    Ok(Plan {
        offer: Offer::Rollback,
        workload: facts.deployment.meta.key.clone(),
        uid: facts.deployment.meta.uid.clone(),
        target: facts.target.clone(),
        target_template: set.template.digest_but_restart.clone(),
        written_template: set.template.digest.clone(),
        calls,
        changes,
        configs: restore_config::targets(facts.restores),
        not_restored: facts.not_restored.clone(),
        also: Vec::new(),
        undo: Undo {
            template: facts.deployment.template.digest.clone(),
            replica_set: current(facts),
            configs: restore_config::before(facts.restores),
        },
    })
}

/// Annotations of which nobody must read that they change: Kubernetes' own book-keeping, and what says who did this.
fn is_kept(name: &str) -> bool {
    name.starts_with("deployment.kubernetes.io/") || [ACTION, BY, CHANGE_CAUSE, LAST_APPLIED].contains(&name)
}

fn current(facts: &Facts<'_>) -> Uid {
    let digest = &facts.deployment.template.digest;
    let set = facts.history.iter().find(|r| r.template.digest == *digest);
    set.map(|r| r.meta.uid.clone()).unwrap_or_default()
}

/// The restored annotations with the truth about this rollout instead of the old revision's cause; an older action's
/// marks do not come back with the revision.
pub(super) fn caused(mut annotations: Value, cause: &str) -> Value {
    if let Some(map) = annotations.as_object_mut() {
        map.shift_remove(ACTION);
        map.shift_remove(BY);
        map.insert(CHANGE_CAUSE.into(), cause.into());
    }
    annotations
}

fn explain(refusal: &UndoRefusal) -> Refusal {
    Refusal::new(refusal.to_string())
}

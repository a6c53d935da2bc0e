//! What the Deployment controller reports: the status of Deployments and ReplicaSets, from the pods that there are.

use serde_json::{Value, json};

use super::clock::stamp;
use super::controller::{number, plain_template, text};
use super::store;
use super::world::World;

impl World {
    /// Status of a ReplicaSet.
    pub(super) fn report_set(&mut self, namespace: &str, name: &str) {
        let Some(set) = self.store.get(store::REPLICA_SET, namespace, name).cloned() else {
            return;
        };
        let ready = self.ready_of(name);
        let replicas = self.living(name);
        let mut status = json!({});
        if ready > 0 {
            status["availableReplicas"] = json!(ready);
        }
        if replicas > 0 {
            status["fullyLabeledReplicas"] = json!(replicas);
        }
        status["observedGeneration"] = set["metadata"]["generation"].clone();
        if ready > 0 {
            status["readyReplicas"] = json!(ready);
        }
        status["replicas"] = json!(replicas);
        let mut reported = (*set).clone();
        reported["status"] = status;
        self.put_as_controller(store::REPLICA_SET, Some(&set), reported, Some("status"));
    }

    /// Status of a Deployment.
    pub(super) fn report(&mut self, namespace: &str, name: &str) {
        let Some(deployment) = self.store.get(store::DEPLOYMENT, namespace, name).cloned() else {
            return;
        };
        let sets = self.owned(&deployment);
        let template = &deployment["spec"]["template"];
        let current =
            sets.iter().find(|set| plain_template(set) == *template).map(|set| text(set, "name").to_owned());
        let wanted = number(&deployment["spec"]["replicas"]);
        let ready: u64 = sets.iter().map(|set| self.ready_of(text(set, "name"))).sum();
        let living: u64 = sets.iter().map(|set| self.living(text(set, "name"))).sum();
        let updated = current.as_deref().map_or(0, |current| self.living(current));
        let complete = updated == wanted && living == wanted && ready == wanted;
        let mut status = json!({});
        let mut set_if = |name: &str, value: u64| {
            if value > 0 {
                status[name] = json!(value);
            }
        };
        set_if("availableReplicas", ready);
        set_if("readyReplicas", ready);
        set_if("replicas", living);
        set_if("unavailableReplicas", (wanted.max(living)).saturating_sub(ready));
        set_if("updatedReplicas", updated);
        status["observedGeneration"] = deployment["metadata"]["generation"].clone();
        let available = ready >= wanted - wanted / 4;
        let current = current.unwrap_or_default();
        let (reason, message) = if complete {
            ("NewReplicaSetAvailable", format!("ReplicaSet \"{current}\" has successfully progressed."))
        } else {
            ("ReplicaSetUpdated", format!("ReplicaSet \"{current}\" is progressing."))
        };
        let old = &deployment["status"]["conditions"];
        status["conditions"] = json!([
            self.condition(
                old,
                "Available",
                available,
                if available { "MinimumReplicasAvailable" } else { "MinimumReplicasUnavailable" },
                if available {
                    "Deployment has minimum availability."
                } else {
                    "Deployment does not have minimum availability."
                }
            ),
            self.condition(old, "Progressing", true, reason, &message),
        ]);
        let mut reported = (*deployment).clone();
        reported["status"] = status;
        self.put_as_controller(store::DEPLOYMENT, Some(&deployment), reported, Some("status"));
    }

    fn condition(&self, old: &Value, kind: &str, is: bool, reason: &str, message: &str) -> Value {
        let now = json!(stamp(self.now));
        let status = if is { "True" } else { "False" };
        let before = old.as_array().into_iter().flatten().find(|condition| condition["type"] == kind);
        let same = before.filter(|condition| condition["status"] == status);
        let unchanged = same.filter(|c| c["reason"] == reason && c["message"] == message);
        json!({
            "lastTransitionTime": same.map_or(&now, |c| &c["lastTransitionTime"]),
            "lastUpdateTime": unchanged.map_or(&now, |c| &c["lastUpdateTime"]),
            "message": message, "reason": reason, "status": status, "type": kind,
        })
    }
}

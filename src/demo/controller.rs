//! The Deployment controller as far as a rolling update shows it: finds or makes the ReplicaSet of a template, numbers
//! revisions, moves pods over within surge and availability.

use std::sync::Arc;

use serde_json::{Value, json};

use super::clock::stamp;
use super::fields::{self, Writer};
use super::noise;
use super::objects::{self, HASH, LAST_APPLIED, REVISION, REVISION_HISTORY};
use super::store;
use super::world::World;

const CONTROLLER: &str = "kube-controller-manager";
const DEPLOYMENTS: &str = "deployment-controller";
const DESIRED: &str = "deployment.kubernetes.io/desired-replicas";
const MOST: &str = "deployment.kubernetes.io/max-replicas";
/// Annotations that the controller does not copy from a Deployment to its ReplicaSets.
const NOT_COPIED: [&str; 6] =
    [LAST_APPLIED, REVISION, REVISION_HISTORY, DESIRED, MOST, "deprecated.deployment.rollback.to"];

pub(super) fn text<'a>(object: &'a Value, name: &str) -> &'a str {
    object["metadata"][name].as_str().unwrap_or_default()
}

fn annotation<'a>(object: &'a Value, name: &str) -> &'a str {
    object["metadata"]["annotations"][name].as_str().unwrap_or_default()
}

pub(super) fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or(0)
}

fn revision(object: &Value) -> u64 {
    annotation(object, REVISION).parse().unwrap_or(0)
}

/// The template of a ReplicaSet without the label that makes it the ReplicaSet's.
pub(super) fn plain_template(replica_set: &Value) -> Value {
    let mut template = replica_set["spec"]["template"].clone();
    if let Some(labels) = template["metadata"]["labels"].as_object_mut() {
        labels.shift_remove(HASH);
    }
    template
}

impl World {
    /// One round of the Deployment controller.
    pub(super) fn sync(&mut self, namespace: &str, name: &str) {
        let Some(deployment) = self.store.get(store::DEPLOYMENT, namespace, name).cloned() else {
            return;
        };
        if deployment["spec"]["paused"] == true {
            self.report(namespace, name);
            return;
        }
        let current = self.current_replica_set(&deployment);
        self.mark_deployment(&deployment, &current);
        self.scale_step(&deployment, &current);
        self.report(namespace, name);
    }

    pub(super) fn owned(&self, deployment: &Value) -> Vec<Arc<Value>> {
        let uid = &deployment["metadata"]["uid"];
        let namespace = text(deployment, "namespace");
        let mut owned: Vec<Arc<Value>> = self
            .store
            .list(store::REPLICA_SET, Some(namespace))
            .filter(|set| set["metadata"]["ownerReferences"][0]["uid"] == *uid)
            .cloned()
            .collect();
        owned.sort_by(|a, b| {
            let age = |set: &Value| (text(set, "creationTimestamp").to_owned(), text(set, "name").to_owned());
            age(a).cmp(&age(b))
        });
        owned
    }

    /// The ReplicaSet of the present template: the oldest that has it, or a new one. It gets the highest revision.
    fn current_replica_set(&mut self, deployment: &Value) -> String {
        let owned = self.owned(deployment);
        let template = &deployment["spec"]["template"];
        let newest = owned.iter().map(|set| revision(set)).max().unwrap_or(0);
        let found = owned.iter().find(|set| plain_template(set) == *template);
        let (old, mut set) = match found {
            Some(set) => (Some(Arc::clone(set)), (**set).clone()),
            None => (None, self.new_replica_set(deployment)),
        };
        let mine = revision(&set);
        let next = if mine > 0 && mine == newest { mine } else { newest + 1 };
        if set["metadata"]["annotations"].is_null() {
            set["metadata"]["annotations"] = json!({});
        }
        if mine > 0 && mine != next {
            let before = annotation(&set, REVISION_HISTORY);
            let history = if before.is_empty() { mine.to_string() } else { format!("{before},{mine}") };
            set["metadata"]["annotations"][REVISION_HISTORY] = json!(history);
        }
        let replicas = number(&deployment["spec"]["replicas"]);
        for (key, value) in deployment["metadata"]["annotations"].as_object().into_iter().flatten() {
            if !NOT_COPIED.contains(&key.as_str()) {
                set["metadata"]["annotations"][key] = value.clone();
            }
        }
        set["metadata"]["annotations"][DESIRED] = json!(replicas.to_string());
        set["metadata"]["annotations"][MOST] = json!((replicas + surge(replicas)).to_string());
        set["metadata"]["annotations"][REVISION] = json!(next.to_string());
        let name = text(&set, "name").to_owned();
        self.put_as_controller(store::REPLICA_SET, old.as_deref(), set, None);
        name
    }

    fn new_replica_set(&self, deployment: &Value) -> Value {
        let template = &deployment["spec"]["template"];
        let hash = noise::letters(noise::fnv(0, &template.to_string()), text(deployment, "name"), 10);
        let name = format!("{}-{hash}", text(deployment, "name"));
        let birth = self.birth(store::REPLICA_SET, text(deployment, "namespace"), &name, self.now);
        objects::replica_set(&birth, deployment, &hash)
    }

    /// Writes an object as the controller manager, if it differs from `old`.
    pub(super) fn put_as_controller(
        &mut self,
        kind: store::Kind,
        old: Option<&Value>,
        mut object: Value,
        sub: Option<&str>,
    ) {
        if old != Some(&object) {
            let time = stamp(self.now);
            fields::note(old, &mut object, Writer { manager: CONTROLLER, time: &time, subresource: sub });
            self.store.put(kind, object);
        }
    }

    /// The Deployment carries the revision of its current ReplicaSet.
    fn mark_deployment(&mut self, deployment: &Arc<Value>, current: &str) {
        let Some(set) = self.store.get(store::REPLICA_SET, text(deployment, "namespace"), current) else {
            return;
        };
        let revision = annotation(set, REVISION).to_owned();
        if annotation(deployment, REVISION) != revision {
            let mut marked = (**deployment).clone();
            marked["metadata"]["annotations"][REVISION] = json!(revision);
            self.put_as_controller(store::DEPLOYMENT, Some(deployment), marked, Some("status"));
        }
    }

    /// One step of the rolling update: up as far as the surge allows, down as far as availability allows.
    fn scale_step(&mut self, deployment: &Value, current: &str) {
        let wanted = number(&deployment["spec"]["replicas"]);
        let sets = self.owned(deployment);
        let size = |set: &Value| number(&set["spec"]["replicas"]);
        let total: u64 = sets.iter().map(|set| size(set)).sum();
        let Some(new) = sets.iter().find(|set| text(set, "name") == current).cloned() else {
            return;
        };
        let room = (wanted + surge(wanted)).saturating_sub(total);
        let grow = room.min(wanted.saturating_sub(size(&new)));
        if size(&new) > wanted {
            self.scale(deployment, &new, wanted);
        } else if grow > 0 {
            self.scale(deployment, &new, size(&new) + grow);
        }
        let least = wanted - wanted / 4;
        let new_unready = (size(&new) + grow).saturating_sub(self.ready_of(current));
        let mut spare = (total + grow).saturating_sub(least).saturating_sub(new_unready);
        for old in sets.iter().filter(|set| text(set, "name") != current && size(set) > 0) {
            let name = text(old, "name");
            let unready = size(old).saturating_sub(self.ready_of(name)).min(spare);
            let ready: u64 = sets.iter().map(|set| self.ready_of(text(set, "name"))).sum();
            let down = unready + ready.saturating_sub(least).min(size(old) - unready).min(spare - unready);
            if down > 0 {
                spare -= down;
                self.scale(deployment, old, size(old) - down);
            }
        }
    }

    /// Sets the size of a ReplicaSet and makes or ends the pods.
    fn scale(&mut self, deployment: &Value, set: &Arc<Value>, size: u64) {
        let (namespace, name) = (text(set, "namespace").to_owned(), text(set, "name").to_owned());
        let before = number(&set["spec"]["replicas"]);
        let Some(present) = self.store.get(store::REPLICA_SET, &namespace, &name).cloned() else {
            return;
        };
        let mut scaled = (*present).clone();
        scaled["spec"]["replicas"] = json!(size);
        scaled["metadata"]["generation"] = json!(number(&scaled["metadata"]["generation"]) + 1);
        self.put_as_controller(store::REPLICA_SET, Some(&present), scaled, None);
        let way = if size > before { "up" } else { "down" };
        let message = format!("Scaled {way} replica set {name} from {before} to {size}");
        self.tell(deployment, "Normal", "ScalingReplicaSet", &message, DEPLOYMENTS);
        for _ in before..size {
            self.create_pod(&present, text(deployment, "name"));
        }
        self.end_pods(&present, before.saturating_sub(size));
        self.report_set(&namespace, &name);
    }
}

/// How many pods there may be above the wanted number: a quarter, rounded up.
fn surge(replicas: u64) -> u64 {
    replicas.div_ceil(4)
}

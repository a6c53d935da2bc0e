//! The Deployment controller, the ReplicaSet controller, the scheduler and the kubelet, as far as a rolling update
//! shows them: finds or makes the ReplicaSet of a template, moves pods over within surge and availability, starts
//! containers (which read their ConfigMaps at that moment and never again), reports status and events.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::clock::stamp;
use super::fields::{self, Writer};
use super::noise;
use super::objects::{self, HASH, LAST_APPLIED, REVISION, REVISION_HISTORY};
use super::store;
use super::traffic::{Phase, Pod};
use super::world::{Action, World};

const CONTROLLER: &str = "kube-controller-manager";
const DEPLOYMENTS: &str = "deployment-controller";
const DESIRED: &str = "deployment.kubernetes.io/desired-replicas";
const MOST: &str = "deployment.kubernetes.io/max-replicas";
/// Annotations that the controller does not copy from a Deployment to its ReplicaSets.
const NOT_COPIED: [&str; 6] = [
    LAST_APPLIED,
    REVISION,
    REVISION_HISTORY,
    DESIRED,
    MOST,
    "deprecated.deployment.rollback.to",
];

fn text<'a>(object: &'a Value, name: &str) -> &'a str {
    object["metadata"][name].as_str().unwrap_or_default()
}

fn annotation<'a>(object: &'a Value, name: &str) -> &'a str {
    object["metadata"]["annotations"][name]
        .as_str()
        .unwrap_or_default()
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or(0)
}

fn revision(object: &Value) -> u64 {
    annotation(object, REVISION).parse().unwrap_or(0)
}

/// The template of a ReplicaSet without the label that makes it the ReplicaSet's.
fn plain_template(replica_set: &Value) -> Value {
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

    fn owned(&self, deployment: &Value) -> Vec<Arc<Value>> {
        let uid = &deployment["metadata"]["uid"];
        let namespace = text(deployment, "namespace");
        let mut owned: Vec<Arc<Value>> = self
            .store
            .list(store::REPLICA_SET, Some(namespace))
            .filter(|set| set["metadata"]["ownerReferences"][0]["uid"] == *uid)
            .cloned()
            .collect();
        owned.sort_by(|a, b| {
            let age = |set: &Value| {
                (
                    text(set, "creationTimestamp").to_owned(),
                    text(set, "name").to_owned(),
                )
            };
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
        let next = if mine > 0 && mine == newest {
            mine
        } else {
            newest + 1
        };
        if set["metadata"]["annotations"].is_null() {
            set["metadata"]["annotations"] = json!({});
        }
        if mine > 0 && mine != next {
            let before = annotation(&set, REVISION_HISTORY);
            let history = if before.is_empty() {
                mine.to_string()
            } else {
                format!("{before},{mine}")
            };
            set["metadata"]["annotations"][REVISION_HISTORY] = json!(history);
        }
        let replicas = number(&deployment["spec"]["replicas"]);
        for (key, value) in deployment["metadata"]["annotations"]
            .as_object()
            .into_iter()
            .flatten()
        {
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
    fn put_as_controller(
        &mut self,
        kind: store::Kind,
        old: Option<&Value>,
        mut object: Value,
        sub: Option<&str>,
    ) {
        if old != Some(&object) {
            let time = stamp(self.now);
            fields::note(
                old,
                &mut object,
                Writer {
                    manager: CONTROLLER,
                    time: &time,
                    subresource: sub,
                },
            );
            self.store.put(kind, object);
        }
    }

    /// The Deployment carries the revision of its current ReplicaSet.
    fn mark_deployment(&mut self, deployment: &Arc<Value>, current: &str) {
        let Some(set) = self
            .store
            .get(store::REPLICA_SET, text(deployment, "namespace"), current)
        else {
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
        for old in sets
            .iter()
            .filter(|set| text(set, "name") != current && size(set) > 0)
        {
            let name = text(old, "name");
            let unready = size(old).saturating_sub(self.ready_of(name)).min(spare);
            let ready: u64 = sets.iter().map(|set| self.ready_of(text(set, "name"))).sum();
            let down = unready
                + ready
                    .saturating_sub(least)
                    .min(size(old) - unready)
                    .min(spare - unready);
            if down > 0 {
                spare -= down;
                self.scale(deployment, old, size(old) - down);
            }
        }
    }

    fn ready_of(&self, replica_set: &str) -> u64 {
        self.pods
            .values()
            .filter(|pod| pod.replica_set == replica_set && pod.phase == Phase::Ready)
            .count() as u64
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

    fn create_pod(&mut self, set: &Value, deployment: &str) {
        let (namespace, replica_set) = (text(set, "namespace").to_owned(), text(set, "name").to_owned());
        let serial = self.next_serial();
        let name = format!(
            "{replica_set}-{}",
            noise::letters(self.seed ^ serial, &replica_set, 5)
        );
        let pick = noise::bits(self.seed, &name, 3);
        let node = format!("node-{}", ["a", "b", "c"][(pick % 3) as usize]);
        let ip = format!("10.42.{}.{}", 1 + pick % 3, 10 + (pick >> 8) % 230);
        let birth = self.birth(store::POD, &namespace, &name, self.now);
        let hash = set["metadata"]["labels"][HASH].as_str().unwrap_or_default();
        let image = set["spec"]["template"]["spec"]["containers"][0]["image"]
            .as_str()
            .unwrap_or_default();
        let names = [namespace.as_str(), deployment, &replica_set, &name];
        let pod = Pod::waiting(names, hash, &birth.uid, image, &node, &ip);
        let object = objects::pod(&birth, set, &node, &ip);
        self.put_as_controller(store::POD, None, object.clone(), None);
        self.tell(
            set,
            "Normal",
            "SuccessfulCreate",
            &format!("Created pod: {name}"),
            "replicaset-controller",
        );
        let assigned = format!("Successfully assigned {namespace}/{name} to {node}");
        self.tell(&object, "Normal", "Scheduled", &assigned, "default-scheduler");
        let delay = 900 + (pick >> 20) as i64 % 700;
        self.at(self.now + delay, Action::Start { pod: name.clone() });
        self.pods.insert(name, pod);
    }

    /// Ends `count` pods of a ReplicaSet, those that are not ready first, then the youngest.
    fn end_pods(&mut self, set: &Value, count: u64) {
        let name = text(set, "name");
        let mut ends: Vec<(bool, String, String)> = self
            .pods
            .values()
            .filter(|pod| pod.replica_set == name && pod.phase != Phase::Terminating)
            .map(|pod| {
                let object = self.store.get(store::POD, &pod.namespace, &pod.name);
                let born = object
                    .map(|object| text(object, "creationTimestamp").to_owned())
                    .unwrap_or_default();
                (pod.phase != Phase::Ready, born, pod.name.clone())
            })
            .collect();
        ends.sort_by(|a, b| b.cmp(a));
        for (_, _, pod) in ends.into_iter().take(count as usize) {
            self.end_pod(set, &pod);
        }
    }

    fn end_pod(&mut self, set: &Value, name: &str) {
        let Some(pod) = self.pods.get_mut(name) else {
            return;
        };
        pod.phase = Phase::Terminating;
        let namespace = pod.namespace.clone();
        if let Some(object) = self.store.get(store::POD, &namespace, name).cloned() {
            let mut ending = (*object).clone();
            ending["metadata"]["deletionTimestamp"] = json!(stamp(self.now + 30_000));
            ending["metadata"]["deletionGracePeriodSeconds"] = json!(30);
            self.store.put(store::POD, ending);
            let container = object["spec"]["containers"][0]["name"]
                .as_str()
                .unwrap_or_default();
            self.tell(
                &object,
                "Normal",
                "Killing",
                &format!("Stopping container {container}"),
                "kubelet",
            );
        }
        self.tell(
            set,
            "Normal",
            "SuccessfulDelete",
            &format!("Deleted pod: {name}"),
            "replicaset-controller",
        );
        self.at(self.now + 1_500, Action::Gone { pod: name.to_owned() });
    }

    /// The kubelet mounts the volumes and starts the containers; without its ConfigMap a pod waits.
    pub(super) fn start_pod(&mut self, name: &str) {
        let Some(pod) = self.pods.get(name).filter(|pod| pod.phase == Phase::Waiting) else {
            return;
        };
        let (namespace, deployment, image) =
            (pod.namespace.clone(), pod.deployment.clone(), pod.image.clone());
        let Some(object) = self.store.get(store::POD, &namespace, name).cloned() else {
            return;
        };
        let mut read = Vec::new();
        for volume in object["spec"]["volumes"].as_array().into_iter().flatten() {
            let Some(config) = volume["configMap"]["name"].as_str() else {
                continue;
            };
            match self.store.get(store::CONFIG_MAP, &namespace, config) {
                Some(config) => read.push(Arc::clone(config)),
                None => {
                    let why = format!(
                        "MountVolume.SetUp failed for volume {} : configmap \"{config}\" not found",
                        volume["name"]
                    );
                    self.tell(&object, "Warning", "FailedMount", &why, "kubelet");
                    self.at(self.now + 2_000, Action::Start { pod: name.to_owned() });
                    return;
                }
            }
        }
        let contains = |wanted: &str| {
            let values = read
                .iter()
                .filter_map(|config| config["data"].as_object())
                .flat_map(Map::values);
            values
                .filter_map(Value::as_str)
                .any(|value| value.contains(wanted))
        };
        let failing = self
            .scenario
            .faults
            .iter()
            .filter(|fault| fault.deployment == deployment)
            .filter(|fault| fault.config_contains.is_some() || fault.image.is_some())
            .filter(|fault| fault.config_contains.as_deref().is_none_or(contains))
            .filter(|fault| fault.image.as_deref().is_none_or(|wanted| wanted == image))
            .map(|fault| (fault.code, fault.share))
            .collect();
        let at = self.now;
        let mut running = (*object).clone();
        objects::run(&mut running, at);
        self.put_as_kubelet(&object, running);
        let present = format!("Container image \"{image}\" already present on machine");
        self.tell(&object, "Normal", "Pulled", &present, "kubelet");
        let container = object["spec"]["containers"][0]["name"]
            .as_str()
            .unwrap_or_default();
        self.tell(
            &object,
            "Normal",
            "Started",
            &format!("Started container {container}"),
            "kubelet",
        );
        let Some(pod) = self.pods.get_mut(name) else {
            return;
        };
        pod.failing = failing;
        pod.phase = Phase::Running;
        let delay = 1_200 + (pod.key >> 12) as i64 % 1_300;
        self.at(at + delay, Action::Ready { pod: name.to_owned() });
    }

    fn put_as_kubelet(&mut self, old: &Value, mut object: Value) {
        let time = stamp(self.now);
        let writer = Writer {
            manager: "kubelet",
            time: &time,
            subresource: Some("status"),
        };
        fields::note(Some(old), &mut object, writer);
        self.store.put(store::POD, object);
    }

    /// The readiness probe passes: the pod gets requests.
    pub(super) fn ready_pod(&mut self, name: &str) {
        let Some(pod) = self.pods.get_mut(name).filter(|pod| pod.phase == Phase::Running) else {
            return;
        };
        pod.phase = Phase::Ready;
        let (namespace, deployment, set) = (
            pod.namespace.clone(),
            pod.deployment.clone(),
            pod.replica_set.clone(),
        );
        if let Some(object) = self.store.get(store::POD, &namespace, name).cloned() {
            let mut ready = (*object).clone();
            objects::ready(&mut ready, self.now);
            self.put_as_kubelet(&object, ready);
        }
        self.report_set(&namespace, &set);
        self.at(
            self.now + 60,
            Action::Sync {
                namespace,
                name: deployment,
            },
        );
    }

    /// The pod's processes have ended; its series end with the next scrape.
    pub(super) fn forget_pod(&mut self, name: &str) {
        let Some(pod) = self.pods.remove(name) else { return };
        self.ending.extend(pod.series());
        self.store.delete(store::POD, &pod.namespace, name);
        self.report_set(&pod.namespace, &pod.replica_set);
        self.at(
            self.now + 60,
            Action::Sync {
                namespace: pod.namespace,
                name: pod.deployment,
            },
        );
    }

    /// Status of a ReplicaSet.
    fn report_set(&mut self, namespace: &str, name: &str) {
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

    fn living(&self, replica_set: &str) -> u64 {
        let mine = |pod: &&Pod| pod.replica_set == replica_set && pod.phase != Phase::Terminating;
        self.pods.values().filter(mine).count() as u64
    }

    /// Status of a Deployment.
    fn report(&mut self, namespace: &str, name: &str) {
        let Some(deployment) = self.store.get(store::DEPLOYMENT, namespace, name).cloned() else {
            return;
        };
        let sets = self.owned(&deployment);
        let template = &deployment["spec"]["template"];
        let current = sets
            .iter()
            .find(|set| plain_template(set) == *template)
            .map(|set| text(set, "name").to_owned());
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
            (
                "NewReplicaSetAvailable",
                format!("ReplicaSet \"{current}\" has successfully progressed."),
            )
        } else {
            (
                "ReplicaSetUpdated",
                format!("ReplicaSet \"{current}\" is progressing."),
            )
        };
        let old = &deployment["status"]["conditions"];
        status["conditions"] = json!([
            self.condition(
                old,
                "Available",
                available,
                if available {
                    "MinimumReplicasAvailable"
                } else {
                    "MinimumReplicasUnavailable"
                },
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
        let before = old
            .as_array()
            .into_iter()
            .flatten()
            .find(|condition| condition["type"] == kind);
        let same = before.filter(|condition| condition["status"] == status);
        let unchanged = same.filter(|c| c["reason"] == reason && c["message"] == message);
        json!({
            "lastTransitionTime": same.map_or(&now, |c| &c["lastTransitionTime"]),
            "lastUpdateTime": unchanged.map_or(&now, |c| &c["lastUpdateTime"]),
            "message": message, "reason": reason, "status": status, "type": kind,
        })
    }
}

/// How many pods there may be above the wanted number: a quarter, rounded up.
fn surge(replicas: u64) -> u64 {
    replicas.div_ceil(4)
}

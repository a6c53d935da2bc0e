//! The ReplicaSet controller's pods, the scheduler and the kubelet: pods are made, started (that is when they read their
//! ConfigMaps, and never again), get ready, end. A pod without its ConfigMap waits.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::clock::stamp;
use super::controller::text;
use super::fields::{self, Writer};
use super::objects::{self, HASH};
use super::traffic::{Phase, Pod};
use super::world::{Action, World};
use super::{noise, store};

/// Letters of the nodes.
pub(super) const NODES: [&str; 3] = ["a", "b", "c"];

impl World {
    pub(super) fn ready_of(&self, replica_set: &str) -> u64 {
        self.pods.values().filter(|pod| pod.replica_set == replica_set && pod.phase == Phase::Ready).count()
            as u64
    }

    pub(super) fn living(&self, replica_set: &str) -> u64 {
        let mine = |pod: &&Pod| pod.replica_set == replica_set && pod.phase != Phase::Terminating;
        self.pods.values().filter(mine).count() as u64
    }

    pub(super) fn create_pod(&mut self, set: &Value, deployment: &str) {
        let (namespace, replica_set) = (text(set, "namespace").to_owned(), text(set, "name").to_owned());
        let serial = self.next_serial();
        let name = format!("{replica_set}-{}", noise::letters(self.seed ^ serial, &replica_set, 5));
        let pick = noise::bits(self.seed, &name, 3);
        let which = self.emptiest(&replica_set, pick);
        let node = format!("node-{}", NODES[which]);
        let ip = format!("10.42.{}.{}", 1 + which, 10 + (pick >> 8) % 230);
        let birth = self.birth(store::POD, &namespace, &name, self.now);
        let hash = set["metadata"]["labels"][HASH].as_str().unwrap_or_default();
        let image = set["spec"]["template"]["spec"]["containers"][0]["image"].as_str().unwrap_or_default();
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

    /// The node with the fewest pods of a ReplicaSet, as the scheduler spreads them; by `pick` among equals.
    fn emptiest(&self, replica_set: &str, pick: u64) -> usize {
        let here = |which: &usize| {
            let node = format!("node-{}", NODES[*which]);
            let mine = |pod: &&Pod| pod.replica_set == replica_set && pod.node == node;
            self.pods.values().filter(|pod| pod.phase != Phase::Terminating).filter(mine).count()
        };
        let from = (pick % NODES.len() as u64) as usize;
        (0..NODES.len()).map(|n| (from + n) % NODES.len()).min_by_key(here).unwrap_or(from)
    }

    /// Ends `count` pods of a ReplicaSet, those that are not ready first, then the youngest.
    pub(super) fn end_pods(&mut self, set: &Value, count: u64) {
        let name = text(set, "name");
        let mut ends: Vec<(bool, String, String)> = self
            .pods
            .values()
            .filter(|pod| pod.replica_set == name && pod.phase != Phase::Terminating)
            .map(|pod| {
                let object = self.store.get(store::POD, &pod.namespace, &pod.name);
                let born =
                    object.map(|object| text(object, "creationTimestamp").to_owned()).unwrap_or_default();
                (pod.phase != Phase::Ready, born, pod.name.clone())
            })
            .collect();
        ends.sort_by(|a, b| b.cmp(a));
        for (_, _, pod) in ends.into_iter().take(count as usize) {
            self.end_pod(set, &pod);
        }
    }

    pub(super) fn end_pod(&mut self, set: &Value, name: &str) {
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
            let container = object["spec"]["containers"][0]["name"].as_str().unwrap_or_default();
            self.tell(&object, "Normal", "Killing", &format!("Stopping container {container}"), "kubelet");
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
        let (namespace, deployment, image, node) =
            (pod.namespace.clone(), pod.deployment.clone(), pod.image.clone(), pod.node.clone());
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
            let values = read.iter().filter_map(|config| config["data"].as_object()).flat_map(Map::values);
            values.filter_map(Value::as_str).any(|value| value.contains(wanted))
        };
        let environment = object["spec"]["containers"][0]["env"].as_array().into_iter().flatten();
        let environment: Vec<&str> = environment.filter_map(|variable| variable["value"].as_str()).collect();
        let has = |wanted: &str| environment.iter().any(|value| value.contains(wanted));
        let failing = self
            .scenario
            .faults
            .iter()
            .filter(|fault| fault.deployment == deployment && fault.of_pods())
            .filter(|fault| fault.config_contains.as_deref().is_none_or(contains))
            .filter(|fault| fault.env_contains.as_deref().is_none_or(has))
            .filter(|fault| fault.image.as_deref().is_none_or(|wanted| wanted == image))
            .filter(|fault| fault.node.as_deref().is_none_or(|wanted| wanted == node))
            .cloned()
            .collect();
        let at = self.now;
        let mut running = (*object).clone();
        objects::run(&mut running, at);
        self.put_as_kubelet(&object, running);
        let present = format!("Container image \"{image}\" already present on machine");
        self.tell(&object, "Normal", "Pulled", &present, "kubelet");
        let container = object["spec"]["containers"][0]["name"].as_str().unwrap_or_default();
        self.tell(&object, "Normal", "Started", &format!("Started container {container}"), "kubelet");
        let Some(pod) = self.pods.get_mut(name) else {
            return;
        };
        pod.failing = failing;
        pod.began = at;
        pod.phase = Phase::Running;
        let delay = 1_200 + (pod.key >> 12) as i64 % 1_300;
        self.at(at + delay, Action::Ready { pod: name.to_owned() });
    }

    pub(super) fn put_as_kubelet(&mut self, old: &Value, mut object: Value) {
        let time = stamp(self.now);
        let writer = Writer { manager: "kubelet", time: &time, subresource: Some("status") };
        fields::note(Some(old), &mut object, writer);
        self.store.put(store::POD, object);
    }

    /// The readiness probe passes: the pod gets requests.
    pub(super) fn ready_pod(&mut self, name: &str) {
        let Some(pod) = self.pods.get_mut(name).filter(|pod| pod.phase == Phase::Running) else {
            return;
        };
        pod.phase = Phase::Ready;
        let (namespace, deployment, set) =
            (pod.namespace.clone(), pod.deployment.clone(), pod.replica_set.clone());
        if let Some(object) = self.store.get(store::POD, &namespace, name).cloned() {
            let mut ready = (*object).clone();
            objects::ready(&mut ready, self.now);
            self.put_as_kubelet(&object, ready);
        }
        self.report_set(&namespace, &set);
        self.at(self.now + 60, Action::Sync { namespace, name: deployment });
    }

    /// The pod's processes have ended; its series end with the next scrape.
    pub(super) fn forget_pod(&mut self, name: &str) {
        let Some(pod) = self.pods.remove(name) else { return };
        self.ending.extend(pod.series());
        self.store.delete(store::POD, &pod.namespace, name);
        self.report_set(&pod.namespace, &pod.replica_set);
        self.at(self.now + 60, Action::Sync { namespace: pod.namespace, name: pod.deployment });
    }
}

//! The world: objects, pods, traffic and series, moved forward event by event in world time. Whoever asks first moves
//! it to the present; how often it is asked, and by whom, changes nothing about what happens in it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::clock::{Millis, stamp};
use super::fields::{self, Writer};
use super::objects::{self, Birth};
use super::promql::series::Storage;
use super::rules::Rules;
use super::scenario::{Deployment, Happening, Revision, Scenario};
use super::store::{self, Kind, Store};
use super::traffic::{Pod, Stream};
use super::{noise, scenario, traffic};

/// A day.
pub const DAY: Millis = 86_400_000;
/// How much past there is.
pub const HISTORY: Millis = 30 * DAY;
/// Scrape and rule interval.
pub const INTERVAL: Millis = 15_000;
/// Scrape interval in the far past, where nobody looks closely.
const COARSE: Millis = 120_000;
/// The part of the past that is scraped as closely as the present.
const NEAR: Millis = 6 * 3_600_000;
/// How long events are kept.
const EVENTS_LIVE: Millis = 3_600_000;
/// Version of the first object; a real cluster is not at 1 either.
const FIRST_VERSION: u64 = 4_184_220;

/// What is going to happen.
#[derive(Clone, Debug)]
pub(super) enum Action {
    Birth { deployment: Box<Deployment>, namespace: String, revision: Box<Revision> },
    Config { namespace: String, name: String, data: BTreeMap<String, String>, by: String },
    Release { deployment: Box<Deployment>, revision: Box<Revision> },
    Happen(Box<Happening>),
    Sync { namespace: String, name: String },
    Start { pod: String },
    Ready { pod: String },
    Gone { pod: String },
    Scrape,
}

/// Everything there is.
#[derive(Debug)]
pub struct World {
    pub(super) scenario: Scenario,
    pub(super) seed: u64,
    /// The time of the run from which the timeline counts.
    pub(super) zero: Millis,
    /// World time up to which everything has happened.
    pub(super) now: Millis,
    queue: BTreeMap<(Millis, u64), Action>,
    sequence: u64,
    pub(super) store: Store,
    pub(super) storage: Storage,
    pub(super) pods: BTreeMap<String, Pod>,
    pub(super) streams: BTreeMap<String, Stream>,
    /// World time up to which traffic has been counted.
    pub(super) counted: Millis,
    /// The series that say that the scraped targets are up.
    pub(super) targets: [usize; 3],
    /// Series that were in the last scrape and whose pod is gone.
    pub(super) ending: Vec<usize>,
    pub(super) rules: Rules,
}

impl World {
    /// The world of `scenario` at `origin`, with its past.
    pub fn new(scenario: Scenario, seed: u64, origin: Millis) -> Self {
        let zero = origin - scenario.begin.millis();
        let rules = Rules::new(&scenario);
        let mut storage = Storage::default();
        let mut world = Self {
            seed,
            zero,
            now: Millis::MIN,
            queue: BTreeMap::new(),
            sequence: 0,
            store: Store::new(FIRST_VERSION),
            targets: traffic::targets(&mut storage),
            storage,
            pods: BTreeMap::new(),
            streams: Stream::all(&scenario),
            counted: zero - HISTORY,
            ending: Vec::new(),
            rules,
            scenario,
        };
        world.furnish();
        world.plan();
        world.advance(zero);
        world.write_history();
        world.store.compact();
        world.storage.shrink();
        world.advance(origin);
        world
    }

    /// Lets everything happen up to `to`.
    pub fn advance(&mut self, to: Millis) {
        while let Some((&(at, sequence), _)) = self.queue.first_key_value() {
            if at > to {
                break;
            }
            let Some(action) = self.queue.remove(&(at, sequence)) else {
                break;
            };
            self.now = at;
            self.count(at);
            self.perform(action);
        }
        self.now = self.now.max(to);
    }

    /// When something happens next.
    pub(super) fn at(&mut self, at: Millis, action: Action) {
        self.sequence += 1;
        self.queue.insert((at, self.sequence), action);
    }

    /// What there was before anything in the scenario: namespaces, nodes, services.
    fn furnish(&mut self) {
        let birth = self.zero - 412 * DAY;
        let namespaces = ["default", "kube-system", "monitoring", &self.scenario.namespace.clone()];
        for name in namespaces {
            let object = objects::namespace(&self.birth(store::NAMESPACE, "", name, birth));
            self.store.put(store::NAMESPACE, object);
        }
        for zone in super::kubelet::NODES {
            let name = format!("node-{zone}");
            let object =
                objects::node(&self.birth(store::NODE, "", &name, birth), &format!("eu-central-1{zone}"));
            self.store.put(store::NODE, object);
        }
        let labels = json!({"app": "prometheus", "app.kubernetes.io/name": "prometheus"});
        let born = self.birth(store::SERVICE, "monitoring", "prometheus", birth);
        let object = objects::service(&born, labels, "http", 9090);
        self.store.put(store::SERVICE, object);
        for service in self.scenario.services.clone() {
            let namespace = self.scenario.namespace.clone();
            let born = self.birth(store::SERVICE, &namespace, &service.name, self.zero - 62 * DAY);
            let object = objects::service(&born, json!({"app": service.name}), "http", 80);
            self.store.put(store::SERVICE, object);
        }
    }

    /// Puts the past and the timeline into the queue.
    fn plan(&mut self) {
        let (zero, namespace) = (self.zero, self.scenario.namespace.clone());
        for config in self.scenario.configs.clone() {
            for version in config.versions {
                self.at(
                    zero - version.age.millis(),
                    Action::Config {
                        namespace: namespace.clone(),
                        name: config.name.clone(),
                        data: version.data,
                        by: version.by,
                    },
                );
            }
        }
        let monitoring = prometheus();
        let ours = self.scenario.deployments.clone().into_iter().map(|d| (d, namespace.clone()));
        for (deployment, namespace) in ours.chain([(monitoring, "monitoring".to_owned())]) {
            for (n, revision) in deployment.revisions.iter().cloned().enumerate() {
                let at = zero - revision.age.millis();
                let (deployment, revision) = (Box::new(deployment.clone()), Box::new(revision));
                self.at(
                    at,
                    if n == 0 {
                        Action::Birth { deployment, namespace: namespace.clone(), revision }
                    } else {
                        Action::Release { deployment, revision }
                    },
                );
            }
        }
        for happening in self.scenario.timeline.clone() {
            self.at(zero + happening.at.millis(), Action::Happen(Box::new(happening)));
        }
        self.at(zero - HISTORY, Action::Scrape);
    }

    fn perform(&mut self, action: Action) {
        match action {
            Action::Birth { deployment, namespace, revision } => {
                self.give_birth(&deployment, &namespace, &revision)
            }
            Action::Config { namespace, name, data, by } => self.write_config(&namespace, &name, &data, &by),
            Action::Release { deployment, revision } => {
                let template = objects::template(&deployment, &revision);
                let namespace = self.scenario.namespace.clone();
                self.write_deployment(&namespace, &deployment.name, &revision.by, |object| {
                    object["spec"]["template"] = template;
                    if !revision.cause.is_empty() {
                        object["metadata"]["annotations"][objects::CHANGE_CAUSE] = json!(revision.cause);
                    }
                });
            }
            Action::Happen(happening) => self.happen(&happening),
            Action::Sync { namespace, name } => self.sync(&namespace, &name),
            Action::Start { pod } => self.start_pod(&pod),
            Action::Ready { pod } => self.ready_pod(&pod),
            Action::Gone { pod } => self.forget_pod(&pod),
            Action::Scrape => self.scrape_and_evaluate(),
        }
    }

    fn scrape_and_evaluate(&mut self) {
        let at = self.now;
        self.scrape(at);
        if at > self.zero {
            self.rules.evaluate(&mut self.storage, at);
        }
        self.forget_events();
        let step = if at < self.zero - NEAR { COARSE } else { INTERVAL };
        self.at(at + step, Action::Scrape);
    }

    fn give_birth(&mut self, deployment: &Deployment, namespace: &str, revision: &Revision) {
        let at = self.now;
        let birth = self.birth(store::DEPLOYMENT, namespace, &deployment.name, at);
        let mut object =
            objects::deployment(&birth, deployment.replicas, objects::template(deployment, revision));
        object["metadata"]["annotations"] = json!({});
        if !revision.cause.is_empty() {
            object["metadata"]["annotations"][objects::CHANGE_CAUSE] = json!(revision.cause);
        }
        self.finish_write(store::DEPLOYMENT, None, object, &revision.by);
    }

    fn write_config(&mut self, namespace: &str, name: &str, data: &BTreeMap<String, String>, by: &str) {
        let old = self.store.get(store::CONFIG_MAP, namespace, name).cloned();
        let mut object = match &old {
            Some(old) => {
                let mut object = (**old).clone();
                object["data"] = json!(data);
                object
            }
            None => objects::config_map(&self.birth(store::CONFIG_MAP, namespace, name, self.now), data),
        };
        if by == "kubectl-client-side-apply" {
            object["metadata"]["annotations"][objects::LAST_APPLIED] =
                json!(objects::applied_config(namespace, name, data));
        }
        self.finish_write(store::CONFIG_MAP, old.as_deref(), object, by);
    }

    /// Changes a Deployment as `by` would, if it exists.
    fn write_deployment(&mut self, namespace: &str, name: &str, by: &str, change: impl FnOnce(&mut Value)) {
        if let Some(old) = self.store.get(store::DEPLOYMENT, namespace, name).cloned() {
            let mut object = (*old).clone();
            change(&mut object);
            self.finish_write(store::DEPLOYMENT, Some(&old), object, by);
        }
    }

    /// Bookkeeping of every write by a client: generation, owners of fields, version; wakes the controller.
    pub(super) fn finish_write(
        &mut self,
        kind: Kind,
        old: Option<&Value>,
        object: Value,
        by: &str,
    ) -> Arc<Value> {
        let object = self.written(kind, old, object, by);
        if old == Some(&object) {
            return Arc::new(object);
        }
        let object = self.store.put(kind, object);
        if kind == store::DEPLOYMENT {
            let text = |name: &str| object["metadata"][name].as_str().unwrap_or_default().to_owned();
            let (namespace, name) = (text("namespace"), text("name"));
            self.at(self.now + 120, Action::Sync { namespace, name });
        }
        object
    }

    /// `object` as it would be stored, apart from its version.
    pub(super) fn written(&self, kind: Kind, old: Option<&Value>, mut object: Value, by: &str) -> Value {
        if kind == store::DEPLOYMENT {
            if by == "kubectl-client-side-apply" {
                let applied = objects::applied_deployment(&object);
                object["metadata"]["annotations"][objects::LAST_APPLIED] = json!(applied);
            }
            if let Some(old) = old
                && old["spec"] != object["spec"]
            {
                let generation = old["metadata"]["generation"].as_u64().unwrap_or(1);
                object["metadata"]["generation"] = json!(generation + 1);
            }
        }
        let time = stamp(self.now);
        fields::note(old, &mut object, Writer { manager: by, time: &time, subresource: None });
        object
    }

    fn happen(&mut self, happening: &Happening) {
        let namespace = self.scenario.namespace.clone();
        if let Some(config) = &happening.config {
            self.write_config(&namespace, &config.name, &config.data, &happening.by);
        }
        if let Some(rollout) = &happening.rollout {
            let restarted = stamp(self.now);
            self.write_deployment(&namespace, &rollout.deployment, &happening.by, |object| {
                roll_out(object, rollout, &restarted);
            });
        }
        if let Some(gone) = &happening.delete {
            self.store.delete(store::CONFIG_MAP, &namespace, &gone.config);
        }
        if let Some(report) = &happening.node {
            self.report_node(report);
        }
        if let Some(traffic) = &happening.traffic
            && let Some(stream) = self.streams.get_mut(&traffic.service)
        {
            stream.factor = traffic.factor;
        }
    }

    /// The kubelet of a node reports a condition, and says so in an event.
    fn report_node(&mut self, report: &scenario::NodeReport) {
        let Some(old) = self.store.get(store::NODE, "", &report.name).cloned() else { return };
        let mut node = (*old).clone();
        objects::report(&mut node, &report.condition, report.holds, self.now);
        let time = stamp(self.now);
        let writer = Writer { manager: "kubelet", time: &time, subresource: Some("status") };
        fields::note(Some(&old), &mut node, writer);
        self.store.put(store::NODE, node.clone());
        let reason = objects::node_reason(&report.condition, report.holds);
        let message = format!("Node {} status is now: {reason}", report.name);
        self.tell(&node, "Warning", &reason, &message, "kubelet");
    }

    /// Name, uid and birth of an object.
    pub(super) fn birth<'a>(&self, kind: Kind, namespace: &'a str, name: &'a str, at: Millis) -> Birth<'a> {
        Birth {
            namespace,
            name,
            uid: noise::uuid(self.seed, &format!("{}/{namespace}/{name}", kind.plural)),
            at,
        }
    }

    /// Writes an event about `object`, unless it would be forgotten before the run begins.
    pub(super) fn tell(&mut self, object: &Value, kind: &str, reason: &str, message: &str, source: &str) {
        if self.now < self.zero - EVENTS_LIVE {
            return;
        }
        let text = |name: &str| object["metadata"][name].as_str().unwrap_or_default().to_owned();
        let (mut namespace, about) = (text("namespace"), text("name"));
        if namespace.is_empty() {
            namespace = "default".to_owned();
        }
        self.sequence += 1;
        let name = format!("{about}.{:016x}", noise::bits(self.seed, &about, self.sequence as i64));
        let birth = self.birth(store::EVENT, &namespace, &name, self.now);
        let event = objects::event(&birth, object, kind, reason, message, source);
        self.store.put(store::EVENT, event);
    }

    /// A number that no other object of this world was made with.
    pub(super) fn next_serial(&mut self) -> u64 {
        self.sequence += 1;
        self.sequence
    }

    fn forget_events(&mut self) {
        if self.store.list(store::EVENT, None).next().is_none() {
            return;
        }
        let limit = stamp(self.now - EVENTS_LIVE);
        let old: Vec<(String, String)> = self
            .store
            .list(store::EVENT, None)
            .filter(|event| event["lastTimestamp"].as_str().is_some_and(|last| last < limit.as_str()))
            .map(|event| {
                let text = |name: &str| event["metadata"][name].as_str().unwrap_or_default().to_owned();
                (text("namespace"), text("name"))
            })
            .collect();
        for (namespace, name) in old {
            self.store.delete(store::EVENT, &namespace, &name);
        }
    }
}

fn roll_out(object: &mut Value, rollout: &scenario::Rollout, restarted: &str) {
    let template = &mut object["spec"]["template"];
    let container = &mut template["spec"]["containers"][0];
    if let Some(image) = &rollout.image {
        container["image"] = json!(image);
    }
    if let Some(env) = &rollout.env {
        container["env"] = objects::env(env);
    }
    if let Some(config) = &rollout.config {
        template["spec"]["volumes"][0]["configMap"]["name"] = json!(config);
    }
    if rollout.restart {
        template["metadata"]["annotations"][objects::RESTARTED_AT] = json!(restarted);
    }
    if let Some(cause) = &rollout.cause {
        object["metadata"]["annotations"][objects::CHANGE_CAUSE] = json!(cause);
    }
}

/// The Deployment behind the Prometheus service.
fn prometheus() -> Deployment {
    Deployment {
        name: "prometheus".to_owned(),
        replicas: 1,
        container: "prometheus".to_owned(),
        port: 9090,
        mount: String::new(),
        revisions: vec![Revision {
            age: scenario::Duration(97 * DAY),
            by: "helm".to_owned(),
            image: "quay.io/prometheus/prometheus:v3.5.0".to_owned(),
            cause: String::new(),
            config: None,
            env: BTreeMap::new(),
        }],
    }
}

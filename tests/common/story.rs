//! A cluster, a Prometheus, a journal and a person, small enough to be told in a few lines, with every answer in the
//! test's hand: an effect can be held back, answered wrongly, or never. No file, no clock, no screen. It decides
//! nothing; what a card says was computed by the engine.

#![allow(dead_code, reason = "each test program uses its own part")]

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use chrono::TimeDelta;
use goaround::domain::Time;
use goaround::domain::clean::Clean;
use goaround::domain::cluster::{
    Change, ClusterFact, ConfigContent, ConfigVersion, Deployment, Identity, Json, Key, KnownContent,
    KnownFrom, Pod, ReplicaSet, Service, Uid, template_digest,
};
use goaround::domain::inquiry::{Ask, Bucket, Finding, Findings, Inquiry, PodCounts, PodServed, Purpose};
use goaround::domain::latency::{Durations, Found};
use goaround::domain::plan::{DryRun, Plan};
use goaround::domain::signal::{Health, Signal, Source};
use goaround::domain::sli::understand;
use goaround::domain::slo::{Alert, Origin, Reading, Severity, Sli, Slo, SloId, WindowPair};
use goaround::domain::value::Value;
use goaround::domain::verdict::{Gate, GateState};
use goaround::domain::window::Window;
use goaround::engine::analysis::Analysis;
use goaround::engine::event::{ActionId, Called, Command, FreshLook, Shown, Ticket};
use goaround::engine::gate::{Approved, Gesture, Proposal};
use goaround::engine::incident::Incident;
use goaround::engine::record::{self, Past};
use goaround::engine::state::Setup;
use goaround::engine::verify::{Phase, Running};
use goaround::engine::view::Screen;
use goaround::engine::{Effect, Event, Stamped, State, step};
use goaround::sources::kubernetes::decode;
use serde_json::json;

/// A time of the story's day.
pub fn at(clock: &str) -> Time {
    format!("2026-11-20T{clock}Z").parse().expect("a time of day")
}

/// A Deployment of namespace `shop`.
pub fn key(name: &str) -> Key {
    Key::new("shop", name)
}

/// How the counters since a change are told apart.
#[derive(Clone, Debug)]
pub enum Split {
    /// The new pods have all errors; the old ones answered for a minute more without any.
    Pods,
    /// The series carry no label of a pod.
    NoPods,
    /// Exactly these.
    Given(Vec<PodCounts>),
}

/// A workload with an SLO.
#[derive(Clone)]
pub struct Workload {
    pub name: &'static str,
    /// The server's object.
    pub deployment: serde_json::Value,
    /// Its ReplicaSets, oldest first.
    pub sets: Vec<serde_json::Value>,
    /// Requests a second from each time on; the first holds for all times before as well.
    pub rate: Vec<(Time, f64)>,
    /// Share of bad requests, from, to.
    pub errors: Vec<(Time, Time, f64)>,
    pub split: Split,
    /// Requests by revision over the long past.
    pub history: Vec<PodCounts>,
    /// When each revision served, by hash.
    pub served: Vec<(String, Time, Option<Time>)>,
    /// Counts since the end of our own rollout; `None`: by the formula.
    pub verify: Option<(f64, f64)>,
    /// The objective of its SLO.
    pub objective: Option<f64>,
    /// Nothing in its SLO names a workload.
    pub unmapped: bool,
    /// The page fires.
    pub burning: bool,
    pub active_at: Option<Time>,
    /// Nothing was counted yet after this.
    pub until: Option<Time>,
    /// Burn rates over 5 m, 30 m, 1 h, 6 h, 3 d.
    pub burns: [f64; 5],
}

/// A pod template as it stands on the server.
pub fn template(name: &str, tag: &str, pool: &str) -> serde_json::Value {
    json!({"metadata": {"labels": {"app": name}}, "spec": {
        "containers": [{"name": name, "image": format!("registry.example/shop/{name}:{tag}"),
            "env": [{"name": "POOL", "value": pool}, {"name": "MODE", "value": format!("mode of {pool}")}],
            "volumeMounts": [{"name": "config", "mountPath": "/etc/app"}]}],
        "volumes": [{"name": "config", "configMap": {"name": format!("{name}-config")}}]}})
}

/// Requests of a revision's pods.
pub fn pods(name: &str, hash: &str, bad: f64, total: f64) -> PodCounts {
    PodCounts { pod: Some(Clean::new(format!("{name}-{hash}-x1"))), hash: Some(Clean::new(hash)), bad, total }
}

/// Requests that no pod claims.
pub fn nobody(bad: f64, total: f64) -> PodCounts {
    PodCounts { pod: None, hash: None, bad, total }
}

impl Workload {
    /// Three revisions: 4.10 served a day, 4.11 served 20 hours, 4.12 went out at 11:57. Nothing fails.
    pub fn new(name: &'static str) -> Self {
        let mut workload = Self {
            name,
            deployment: serde_json::Value::Null,
            sets: Vec::new(),
            rate: vec![(at("00:00:00"), 40.0)],
            errors: Vec::new(),
            split: Split::Pods,
            history: vec![
                pods(name, "aaa1", 30.0, 900_000.0),
                pods(name, "bbb2", 12.0, 1_200_000.0),
                pods(name, "ccc3", 0.0, 7_000.0),
            ],
            served: Vec::new(),
            verify: None,
            objective: Some(0.999),
            unmapped: false,
            burning: false,
            active_at: None,
            until: None,
            burns: [0.1, 0.1, 0.2, 0.2, 0.2],
        };
        workload.revision(1, "aaa1", template(name, "4.10", "50"), "2026-11-18T10:00:00Z");
        workload.revision(2, "bbb2", template(name, "4.11", "50"), "2026-11-19T16:00:00Z");
        workload.revision(3, "ccc3", template(name, "4.12", "5"), "2026-11-20T11:57:00Z");
        workload.serve("aaa1", "2026-11-18T10:00:00Z", Some("2026-11-19T16:00:00Z"));
        workload.serve("bbb2", "2026-11-19T16:00:00Z", Some("2026-11-20T11:57:00Z"));
        workload.serve("ccc3", "2026-11-20T11:57:00Z", None);
        workload
    }

    /// The same with a fifth of the requests failing since 11:58, and a page.
    pub fn burning(name: &'static str) -> Self {
        let mut workload = Self::new(name);
        workload.burn(at("11:58:00"), 0.2);
        workload.history[2].bad = 960.0;
        workload
    }

    /// The burning `api` whose last rollout was only a restart.
    pub fn restarted() -> Self {
        let mut api = Self::burning("api");
        let mut restarted = template("api", "4.11", "50");
        restarted["metadata"]["annotations"] =
            json!({"kubectl.kubernetes.io/restartedAt": "2026-11-20T11:57:00Z"});
        api.sets.pop();
        api.revision(3, "ccc3", restarted, "2026-11-20T11:57:00Z");
        api
    }

    /// Requests fail from here on, and the page fires.
    pub fn burn(&mut self, from: Time, ratio: f64) {
        self.errors = vec![(from, at("23:59:00"), ratio)];
        self.burning = true;
        self.active_at = Some(from + TimeDelta::seconds(60));
        self.burns = [200.0, 35.0, 17.6, 8.0, 0.3];
    }

    /// The alert fires, or has resolved.
    pub fn burn_rates(&mut self, burning: bool) {
        self.burning = burning;
        self.burns = if burning { [200.0, 35.0, 17.6, 8.0, 0.3] } else { [0.1; 5] };
    }

    /// One more revision, which the Deployment has from then on.
    pub fn revision(&mut self, number: i64, hash: &str, template: serde_json::Value, created: &str) {
        let name = self.name;
        let mut labelled = template.clone();
        labelled["metadata"]["labels"]["pod-template-hash"] = json!(hash);
        self.sets.push(json!({"metadata": {"name": format!("{name}-{hash}"), "namespace": "shop",
                "uid": format!("rs-{name}-{hash}"), "resourceVersion": "80", "creationTimestamp": created,
                "labels": {"app": name, "pod-template-hash": hash},
                "annotations": {"deployment.kubernetes.io/revision": number.to_string()},
                "ownerReferences": [{"kind": "Deployment", "name": name, "uid": format!("dep-{name}"),
                    "controller": true}]},
            "spec": {"replicas": 0, "template": labelled}, "status": {"readyReplicas": 0}}));
        self.deployment = json!({"metadata": {"name": name, "namespace": "shop", "uid": format!("dep-{name}"),
                "generation": 5, "resourceVersion": "90", "creationTimestamp": "2026-10-01T08:00:00Z",
                "labels": {"app": name},
                "annotations": {"deployment.kubernetes.io/revision": number.to_string()},
                "managedFields": [{"manager": "helm", "operation": "Update", "time": created,
                    "fieldsV1": {"f:spec": {"f:template": {"f:spec": {"f:containers": {}}}}}}]},
            "spec": {"replicas": 3, "selector": {"matchLabels": {"app": name}},
                "strategy": {"type": "RollingUpdate"}, "template": template},
            "status": {"observedGeneration": 5, "replicas": 3, "updatedReplicas": 3, "availableReplicas": 3}});
    }

    /// Takes the last revision away.
    pub fn forget_revision(&mut self) {
        self.sets.pop();
        let set = self.sets.last().expect("a revision is left");
        let mut template = set["spec"]["template"].clone();
        template["metadata"]["labels"].as_object_mut().expect("labels").shift_remove("pod-template-hash");
        let number = set["metadata"]["annotations"]["deployment.kubernetes.io/revision"].clone();
        self.deployment["spec"]["template"] = template;
        self.deployment["metadata"]["annotations"]["deployment.kubernetes.io/revision"] = number;
        self.served.pop();
        self.served.last_mut().expect("a revision is left").2 = None;
    }

    /// When a revision served.
    pub fn serve(&mut self, hash: &str, from: &str, to: Option<&str>) {
        let time = |text: &str| text.parse().expect("a time");
        self.served.push((hash.to_owned(), time(from), to.map(time)));
    }

    /// Bad and all requests of a stretch.
    pub fn between(&self, from: Time, to: Time) -> (f64, f64) {
        let to = self.until.map_or(to, |until| to.min(until));
        let seconds = |a: Time, b: Time| ((b - a).num_milliseconds().max(0) as f64) / 1e3;
        let (mut bad, mut total) = (0.0, 0.0);
        for (n, (begin, rate)) in self.rate.iter().enumerate() {
            let begin = if n == 0 { from } else { from.max(*begin) };
            let end = self.rate.get(n + 1).map_or(to, |next| to.min(next.0));
            total += seconds(begin, end) * rate;
            for (first, last, ratio) in &self.errors {
                bad += seconds(begin.max(*first), end.min(*last)) * rate * ratio;
            }
        }
        (bad.round(), total.round())
    }

    fn current(&self) -> &str {
        let template = &self.deployment["spec"]["template"];
        let set = self.sets.iter().rev().find(|s| digest_of(&s["spec"]["template"]) == digest_of(template));
        set.and_then(|s| s["metadata"]["labels"]["pod-template-hash"].as_str()).unwrap_or("none")
    }

    fn slo(&self, now: Time) -> Slo {
        let windows =
            [Window::minutes(5), Window::minutes(30), Window::hours(1), Window::hours(6), Window::days(3)];
        let reading = |burn: &f64| Reading { value: Value::from_f64(burn * 0.001), at: now };
        let ratios: BTreeMap<Window, Reading> =
            windows.into_iter().zip(self.burns.iter().map(reading)).collect();
        let sli = "sum(rate(http_requests_total{job=\"SERVICE\",code=~\"5..\"}[5m])) / sum(rate(http_requests_total{job=\"SERVICE\"}[5m]))"
            .replace("SERVICE", if self.unmapped { "nowhere" } else { self.name });
        let pair = |severity, short, long, factor| WindowPair { severity, short, long, factor };
        let alert = Alert {
            name: Clean::new("ErrorBudgetBurn"),
            severity: Severity::Page,
            firing: true,
            active_at: self.active_at,
        };
        Slo {
            id: SloId(Clean::new(format!("{}-availability", self.name))),
            service: Clean::new(if self.unmapped { "nowhere" } else { self.name }),
            name: Clean::new("availability"),
            labels: BTreeMap::new(),
            rule_labels: BTreeMap::new(),
            objective: self.objective,
            period: Some(Window::days(30)),
            ratios,
            remaining: Value::Number(0.5),
            alerts: if self.burning { vec![alert] } else { Vec::new() },
            pairs: vec![
                pair(Severity::Page, Window::minutes(5), Window::hours(1), 14.4),
                pair(Severity::Page, Window::minutes(30), Window::hours(6), 6.0),
            ],
            pairs_from_rules: true,
            sli: understood(sli),
            runbook: None,
            origin: Origin::Recorded,
            has_alert_rule: true,
        }
    }
}

/// What an SLI means; each is read once, because that takes longer than all else in a story.
fn understood(sli: String) -> Sli {
    thread_local! {
        static READ: RefCell<BTreeMap<String, Sli>> = const { RefCell::new(BTreeMap::new()) };
    }
    READ.with_borrow_mut(|read| {
        let understand = |sli: &str| Sli::Understood(Box::new(understand(sli).expect("an SLI")));
        read.entry(sli).or_insert_with_key(|sli| understand(sli)).clone()
    })
}

fn digest_of(template: &serde_json::Value) -> String {
    let mut template = template.clone();
    if let Some(labels) = template.pointer_mut("/metadata/labels").and_then(|l| l.as_object_mut()) {
        labels.shift_remove("pod-template-hash");
    }
    template_digest(&template, false).0
}

/// A ConfigMap as the server has it; edited at a time by `kubectl-edit`, or as helm made it in October.
pub fn config_map(name: &str, text: &str, edited: Option<&str>) -> serde_json::Value {
    let manager = if edited.is_some() { "kubectl-edit" } else { "helm" };
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "shop",
        "uid": format!("cm-{name}"), "resourceVersion": "70", "creationTimestamp": "2026-10-01T08:00:00Z",
        "managedFields": [{"manager": manager, "operation": "Update",
            "time": edited.unwrap_or("2026-10-01T08:00:00Z"), "fieldsV1": {"f:data": {"f:app.conf": {}}}}]},
        "data": {"app.conf": text}})
}

/// An earlier content that goaround has seen until a minute before the first edit of any story.
pub fn known(text: &str) -> KnownContent {
    seen(text, "08:00:00", "11:49:00")
}

/// An earlier content that goaround has seen from a time until another.
pub fn seen(text: &str, first: &str, last: &str) -> KnownContent {
    KnownContent {
        version: ConfigVersion::new(&json!({"app.conf": text}), &serde_json::Value::Null),
        uid: None,
        seen: Some((at(first), at(last))),
        source: KnownFrom::Seen,
    }
}

/// A Service in front of a workload.
pub fn service(name: &str) -> Service {
    Service {
        key: key(name),
        selector: BTreeMap::from([(Clean::new("app"), Clean::new(name))]),
        ports: vec![(Clean::new("http"), 80)],
        ..Default::default()
    }
}

/// Changes what a second look shows.
pub type Tamper = Box<dyn Fn(&mut FreshLook)>;

/// The story.
pub struct Story {
    pub state: State,
    pub now: Time,
    pub mono: Duration,
    pub workloads: Vec<Workload>,
    /// ConfigMaps by name, as the server has them.
    pub configs: BTreeMap<String, serde_json::Value>,
    pub known: BTreeMap<String, Vec<KnownContent>>,
    pub services: Vec<Service>,
    /// When the pods that serve were created.
    pub pods_since: Time,
    pub past: Past,
    /// What earlier sessions wrote to the journal.
    written: Vec<(&'static str, Time, serde_json::Value)>,
    /// Kinds of effects that are not answered; see [`kind`].
    pub hold: BTreeSet<&'static str>,
    /// What was not answered.
    pub held: VecDeque<Effect>,
    /// Whether it is remembered what happened.
    pub traced: bool,
    /// Everything that happened and what followed.
    pub trace: Vec<(Stamped, Vec<Effect>)>,
    pub dry_run: Option<DryRun>,
    pub rights: bool,
    pub journal: Result<(), Clean>,
    /// How the next calls end, instead of what the server would do.
    pub calls: VecDeque<Called>,
    /// How many calls the read-back finds done.
    pub found: Option<usize>,
    /// Why the objects cannot tell it.
    pub lost: Option<Clean>,
    /// What the second look shows instead.
    pub tamper: Option<Tamper>,
    pub sent: Vec<Approved>,
    /// What the server warns of with every answer.
    pub partial: Option<Clean>,
    /// Between two samples.
    pub scrape: Window,
    read: u64,
}

/// All words by which effects are held back.
pub const KINDS: [&str; 11] = [
    "inquire",
    "dry_run",
    "recheck",
    "intent",
    "note",
    "execute",
    "read_back",
    "rights",
    "read_config",
    "load_known",
    "other",
];

/// The word by which an effect is held back.
pub fn kind(effect: &Effect) -> &'static str {
    match effect {
        Effect::Inquire(_) => "inquire",
        Effect::DryRun(..) => "dry_run",
        Effect::Recheck(..) => "recheck",
        Effect::Record { ticket: Ticket::Intent(_), .. } => "intent",
        Effect::Record { .. } => "note",
        Effect::Execute(_) => "execute",
        Effect::ReadBack(..) => "read_back",
        Effect::ReviewRights(_) => "rights",
        Effect::ReadConfig(_) => "read_config",
        Effect::LoadKnown(_) => "load_known",
        _ => "other",
    }
}

impl Story {
    /// Nothing is known yet; the card of `api` is in front.
    pub fn empty(setup: Setup, workloads: Vec<Workload>) -> Self {
        let now = at("12:00:00");
        let mut state = State::new(setup, now);
        state.view.screen = Screen::Card(key("api"));
        let name = |w: &Workload| format!("{}-config", w.name);
        let configs = workloads.iter().map(|w| (name(w), config_map(&name(w), "timeout=5s", None))).collect();
        Self {
            state,
            now,
            mono: Duration::from_secs(100),
            services: workloads.iter().map(|w| service(w.name)).collect(),
            workloads,
            configs,
            known: BTreeMap::new(),
            pods_since: at("11:57:02"),
            past: Past::default(),
            written: Vec::new(),
            hold: BTreeSet::new(),
            held: VecDeque::new(),
            traced: true,
            trace: Vec::new(),
            dry_run: None,
            rights: true,
            journal: Ok(()),
            calls: VecDeque::new(),
            found: None,
            lost: None,
            tamper: None,
            sent: Vec::new(),
            partial: None,
            scrape: Window::from_secs(15),
            read: 0,
        }
    }

    /// `api` burns since its rollout, `web` is quiet.
    pub fn burning() -> Self {
        Self::told(vec![Workload::burning("api"), Workload::new("web")], |_| {})
    }

    /// The story with something else in it before it begins.
    pub fn told(workloads: Vec<Workload>, change: impl FnOnce(&mut Self)) -> Self {
        let mut story = Self::empty(Setup::default(), workloads);
        change(&mut story);
        story.begin();
        story
    }

    /// Content of api-config was edited at 11:56, and only a restart was rolled out after it.
    pub fn config_edited(known_content: bool) -> Self {
        Self::edited_and_restarted("11:56:00", if known_content { vec![known("timeout=5s")] } else { vec![] })
    }

    /// The same at another time, with these contents seen earlier.
    pub fn edited_and_restarted(clock: &str, seen: Vec<KnownContent>) -> Self {
        Self::told(vec![Workload::restarted(), Workload::new("web")], |s| s.edited(clock, seen))
    }

    /// Content of api-config was edited then, and these contents were seen earlier.
    pub fn edited(&mut self, clock: &str, seen: Vec<KnownContent>) {
        let edited = config_map("api-config", "timeout=1s", Some(&at(clock).to_rfc3339()));
        self.configs.insert("api-config".into(), edited);
        self.known.insert("api-config".into(), seen);
    }

    /// The process ended here and another one begins, with what the journal holds by now.
    pub fn restarted(self) -> Self {
        let mut written = self.written;
        written.extend(self.trace.into_iter().flat_map(|(stamped, effects)| {
            effects.into_iter().filter_map(move |effect| match effect {
                Effect::Record { kind, body, .. } => Some((kind, stamped.at, body)),
                _ => None,
            })
        }));
        let past = record::past(written.iter().map(|(kind, time, body)| (*kind, *time, body)));
        let mut next = Self::empty(self.state.setup.clone(), self.workloads);
        (next.past, next.written) = (past, written);
        next.now = self.now + TimeDelta::seconds(5);
        next.state.now = next.now;
        (next.configs, next.known, next.services) = (self.configs, self.known, self.services);
        next.begin();
        next
    }

    /// All sources deliver.
    pub fn begin(&mut self) {
        self.sources(&Clean::new("ana"));
        // The first answers decide what else is asked: 15 s later everything has been.
        self.pass(16);
    }

    /// All sources deliver for the first time, to this user.
    pub fn sources(&mut self, user: &Clean) {
        let journal = self.journal.clone().map(|()| "head".to_owned());
        self.event(Event::Journal(journal, self.past.clone()));
        self.signal(Signal::Identity(Identity { user: user.clone(), groups: Vec::new() }));
        for kind in
            ["deployments", "replicasets", "pods", "services", "events", "nodes", "configmaps", "secrets"]
        {
            self.signal(Signal::Health(Source::Kind(kind), Health::Live));
            self.signal(Signal::Synced(Source::Kind(kind), self.now));
        }
        self.signal(Signal::Synced(Source::Kubernetes, self.now));
        self.fact(ClusterFact::Services(Change::Listed(self.services.clone())));
        self.objects();
        self.signal(Signal::ClusterId(Clean::new("c0ffee")));
        self.slos();
    }

    /// The objects of the cluster as they are now.
    pub fn objects(&mut self) {
        let deployments = self.workloads.iter().map(|w| deployment(&w.deployment)).collect();
        let sets = self.workloads.iter().flat_map(|w| &w.sets).map(replica_set).collect();
        self.fact(ClusterFact::ReplicaSets(Change::Listed(sets)));
        self.fact(ClusterFact::Deployments(Change::Listed(deployments)));
        self.pods();
        self.config_maps();
    }

    fn pods(&mut self) {
        let since = self.pods_since;
        let pods = self.workloads.iter().flat_map(|w| {
            let hash = w.current().to_owned();
            (0..3).map(move |n| Pod {
                key: key(&format!("{}-{hash}-{n}", w.name)),
                uid: Uid(format!("pod-{}-{hash}-{n}", w.name).into()),
                replica_set: Some(Uid(format!("rs-{}-{hash}", w.name).into())),
                node: Some(Clean::new("node-1")),
                phase: Clean::new("Running"),
                ready: true,
                created: Some(since),
                ..Default::default()
            })
        });
        let pods = pods.collect();
        self.fact(ClusterFact::Pods(Change::Listed(pods)));
    }

    /// The ConfigMaps as they are now.
    pub fn config_maps(&mut self) {
        let items: Vec<&serde_json::Value> = self.configs.values().collect();
        let page = decode::page::<decode::ConfigMaps>(json!({"items": items}).to_string().as_bytes());
        let listed = page.expect("ConfigMaps").objects.into_iter().map(|o| o.item).collect();
        self.fact(ClusterFact::ConfigMaps(Change::Listed(listed)));
    }

    /// A Secret of the namespace, by its metadata, edited at a time by `kubectl-edit`.
    pub fn secret(&mut self, name: &str, edited: &str) {
        let object = json!({"metadata": {"name": name, "namespace": "shop", "uid": format!("secret-{name}"),
            "resourceVersion": "60", "creationTimestamp": "2026-10-01T08:00:00Z",
            "managedFields": [{"manager": "kubectl-edit", "operation": "Update",
                "time": at(edited).to_rfc3339(), "fieldsV1": {"f:data": {"f:password": {}}}}]}});
        let page = decode::page::<decode::Secrets>(json!({"items": [object]}).to_string().as_bytes());
        let listed = page.expect("Secrets").objects.into_iter().map(|o| o.item).collect();
        self.fact(ClusterFact::Secrets(Change::Listed(listed)));
    }

    /// The SLOs as they are now.
    pub fn slos(&mut self) {
        let slos = self.workloads.iter().map(|w| w.slo(self.now)).collect();
        self.signal(Signal::Slos(slos));
    }

    pub fn fact(&mut self, fact: ClusterFact) {
        self.signal(Signal::Cluster(Box::new(fact)));
    }

    pub fn signal(&mut self, signal: Signal) {
        self.event(Event::Signal(signal));
    }

    pub fn command(&mut self, command: Command) {
        self.event(Event::Command(command));
    }

    /// One event and everything that follows from it, but for what is held back.
    pub fn event(&mut self, event: Event) {
        let mut queue = VecDeque::from([event]);
        while let Some(event) = queue.pop_front() {
            self.mono += Duration::from_millis(1);
            let stamped = Stamped { at: self.now, mono: self.mono, event };
            let kept = self.traced.then(|| stamped.clone());
            let effects = step(&mut self.state, stamped);
            self.trace.extend(kept.map(|stamped| (stamped, effects.clone())));
            for effect in effects {
                if self.hold.contains(kind(&effect)) {
                    self.held.push_back(effect);
                } else {
                    queue.extend(self.answers(effect));
                }
            }
        }
    }

    /// Answers the first effect of this kind that was held back.
    pub fn answer(&mut self, what: &str) {
        let n = self.held.iter().position(|e| kind(e) == what);
        let effect = self.held.remove(n.unwrap_or_else(|| panic!("no {what} was asked for"))).expect("it");
        for event in self.answers(effect) {
            self.event(event);
        }
    }

    /// Time passes, second by second.
    pub fn pass(&mut self, seconds: i64) {
        for _ in 0..seconds {
            self.now += TimeDelta::seconds(1);
            self.mono += Duration::from_secs(1);
            self.signal(Signal::Heard(Source::Prometheus));
        }
    }

    /// Time passes at once.
    pub fn jump(&mut self, seconds: i64) {
        self.now += TimeDelta::seconds(seconds);
        self.mono += Duration::from_secs(seconds.unsigned_abs());
        self.signal(Signal::Heard(Source::Prometheus));
    }

    /// Effects of this kind, ever.
    pub fn count(&self, what: &str) -> usize {
        self.trace.iter().flat_map(|(_, effects)| effects).filter(|e| kind(e) == what).count()
    }

    /// Bodies of all records of this kind, in order.
    pub fn records(&self, what: &str) -> Vec<serde_json::Value> {
        let effects = self.trace.iter().flat_map(|(_, effects)| effects);
        let body = |e: &Effect| match e {
            Effect::Record { kind, body, .. } if *kind == what => Some(body.clone()),
            _ => None,
        };
        effects.filter_map(body).collect()
    }

    /// What the world answers to an effect.
    pub fn answers(&mut self, effect: Effect) -> Vec<Event> {
        match effect {
            Effect::Inquire(inquiry) => {
                vec![Event::Signal(Signal::Findings(Box::new(self.findings(*inquiry))))]
            }
            Effect::ReadConfig(key) => {
                let content = self.configs.get(key.name.as_str()).map(content);
                vec![Event::Signal(Signal::Cluster(Box::new(ClusterFact::Content(key, content))))]
            }
            Effect::LoadKnown(key) => {
                let known = self.known.get(key.name.as_str()).cloned().unwrap_or_default();
                vec![Event::Signal(Signal::Known(key, known))]
            }
            Effect::ReviewRights(rights) => {
                let allowed = self.rights;
                vec![Event::Signal(Signal::Rights(rights.into_iter().map(|r| (r, allowed)).collect()))]
            }
            Effect::DryRun(digest, plan) => vec![Event::DryRun(digest, self.tried(&plan))],
            Effect::Recheck(digest, plan, _) => {
                let mut fresh = self.fresh(&plan);
                if let Some(tamper) = &self.tamper {
                    tamper(&mut fresh);
                }
                vec![Event::Rechecked(digest, Box::new(Ok(fresh)))]
            }
            Effect::Record { ticket, .. } => vec![match &self.journal {
                Ok(()) => Event::Recorded(ticket, 1, "head".into()),
                Err(why) => Event::RecordFailed(ticket, why.clone()),
            }],
            Effect::Execute(approved) => self.executed(approved),
            Effect::ReadBack(id, ..) => {
                let nobody = Clean::new("the API server does not answer");
                vec![match (&self.lost, self.found) {
                    (Some(why), _) => Event::ReadBack(id, Err(why.clone())),
                    (None, Some(stand)) => Event::ReadBack(id, Ok(stand)),
                    (None, None) => Event::NotReadBack(id, nobody),
                }]
            }
            _ => Vec::new(),
        }
    }

    // The API server.

    /// The object that a path names.
    pub fn object(&mut self, path: &str) -> Option<&mut serde_json::Value> {
        let name = path.rsplit('/').next()?;
        if path.contains("/configmaps/") {
            return self.configs.get_mut(name);
        }
        self.workloads.iter_mut().find(|w| w.name == name).map(|w| &mut w.deployment)
    }

    fn tried(&mut self, plan: &Plan) -> DryRun {
        if let Some(answer) = &self.dry_run {
            return answer.clone();
        }
        let mut objects = Vec::new();
        for call in &plan.calls {
            let Some(mut object) = self.object(&call.path).cloned() else {
                return DryRun::Refused("not found".into());
            };
            if let Err(why) = patch(&mut object, &call.body) {
                return DryRun::Refused(Clean::new(why));
            }
            objects.push(Json::of(&object));
        }
        DryRun::Accepted(objects)
    }

    fn fresh(&mut self, plan: &Plan) -> FreshLook {
        let workload = self.workload(plan.workload.name.as_str());
        let deployment = Some(deployment(&workload.deployment));
        let replica_sets = workload.sets.iter().map(replica_set).collect();
        let config = |key: &Key| (key.clone(), self.configs.get(key.name.as_str()).map(content));
        let configs = plan.configs.iter().map(|(key, _)| config(key)).collect();
        FreshLook { deployment, replica_sets, configs, dry_run: self.tried(plan), allowed: self.rights }
    }

    fn executed(&mut self, approved: Approved) -> Vec<Event> {
        let mut events = Vec::new();
        for (n, call) in approved.calls().iter().enumerate() {
            let called = self.calls.pop_front().unwrap_or_else(|| self.write(&call.path, &call.body));
            let done = matches!(called, Called::Done(_));
            events.push(Event::Called(approved.action().clone(), n, called));
            if !done {
                break;
            }
        }
        self.sent.push(approved);
        events
    }

    /// What the server does with a patch.
    pub fn write(&mut self, path: &str, body: &serde_json::Value) -> Called {
        let Some(object) = self.object(path) else {
            return Called::Refused("not found".into());
        };
        let mut changed = object.clone();
        if let Err(why) = patch(&mut changed, body) {
            return Called::Refused(Clean::new(why));
        }
        changed["metadata"]["resourceVersion"] = json!(format!("{path}+1"));
        if path.contains("/configmaps/") {
            *object = changed;
            return Called::Done(None);
        }
        let generation = changed["metadata"]["generation"].as_i64().unwrap_or(0) + 1;
        changed["metadata"]["generation"] = json!(generation);
        *object = changed;
        Called::Done(Some(generation))
    }

    /// The Deployment controller: the ReplicaSet of the Deployment's template serves with `ready` of three pods, and
    /// everybody who watches sees it.
    pub fn controller(&mut self, name: &str, ready: i64) {
        self.roll_out(name, ready);
        self.objects();
    }

    /// The same, and nobody has seen it yet.
    pub fn roll_out(&mut self, name: &str, ready: i64) {
        let workload = self.workload_mut(name);
        let template = workload.deployment["spec"]["template"].clone();
        let wanted = digest_of(&template);
        let newest = workload.sets.iter().filter_map(number).max().unwrap_or(0) + 1;
        let generation = workload.deployment["metadata"]["generation"].clone();
        match workload.sets.iter_mut().find(|s| digest_of(&s["spec"]["template"]) == wanted) {
            Some(set) if number(set) == Some(newest - 1) => {}
            Some(set) => {
                let former = number(set).unwrap_or(0).to_string();
                let annotations = &mut set["metadata"]["annotations"];
                annotations["deployment.kubernetes.io/revision"] = json!(newest.to_string());
                annotations["deployment.kubernetes.io/revision-history"] = json!(former);
            }
            None => {
                let kept = workload.deployment.clone();
                workload.revision(newest, &format!("ddd{newest}"), template, "2026-11-20T12:01:00Z");
                workload.deployment = kept;
            }
        }
        workload.deployment["status"] = json!({"observedGeneration": generation, "replicas": 3,
            "updatedReplicas": ready, "availableReplicas": ready, "unavailableReplicas": 3 - ready});
    }

    pub fn workload(&self, name: &str) -> &Workload {
        self.workloads.iter().find(|w| w.name == name).expect("a workload")
    }

    pub fn workload_mut(&mut self, name: &str) -> &mut Workload {
        self.workloads.iter_mut().find(|w| w.name == name).expect("a workload")
    }

    // Prometheus.

    fn findings(&self, inquiry: Inquiry) -> Findings {
        let (name, _) = inquiry.slo.0.as_str().rsplit_once('-').expect("a workload and a kind");
        let workload = self.workload(name);
        let answers = inquiry.asks.into_iter().map(|ask| {
            let finding = self.finding(workload, &ask);
            (ask, Ok(finding))
        });
        let answers: Vec<_> = answers.collect();
        let partial = (0..answers.len()).zip(self.partial.iter().cycle().cloned()).collect();
        Findings { number: inquiry.number, slo: inquiry.slo, answers, partial, sent: vec![], queries: 8 }
    }

    fn finding(&self, workload: &Workload, ask: &Ask) -> Finding {
        let name = workload.name;
        match ask {
            Ask::Scrape => Finding::Scrape(Some(self.scrape)),
            Ask::Histogram { .. } => {
                Finding::Histogram(Found::Nothing(Clean::new("there is none in this story")))
            }
            Ask::Durations { .. } => Finding::Durations(Durations::default()),
            Ask::BudgetLeft { .. } => Finding::BudgetLeft(Vec::new()),
            Ask::Period { .. } => Finding::Period(None),
            Ask::Newest { from, to } => Finding::Newest(workload.between(*from, *to).1),
            Ask::Buckets { from, to, step } => {
                let mut buckets = Vec::new();
                let mut end = *from + step.delta();
                while end <= *to {
                    let (bad, total) = workload.between(end - step.delta(), end);
                    buckets.push(Bucket { end, bad: Some(bad), total: Some(total) });
                    end += step.delta();
                }
                Finding::Buckets(buckets)
            }
            Ask::Past { from, to, step } => {
                let ends = std::iter::successors(Some(*from + step.delta()), |end| Some(*end + step.delta()));
                let ratio = |end: Time| {
                    let (bad, total) = workload.between(end - step.delta(), end);
                    (total > 0.0).then_some((end, bad / total))
                };
                Finding::Past(ends.take_while(|end| end <= to).filter_map(ratio).collect())
            }
            Ask::Counts { purpose: Purpose::Verify, from, to } => {
                let (bad, total) = workload.verify.unwrap_or_else(|| workload.between(*from, *to));
                Finding::Counts(vec![pods(name, workload.current(), bad, total)])
            }
            Ask::Counts { purpose: Purpose::History, from, to } => Finding::Counts(match workload.split {
                Split::NoPods => {
                    let (bad, total) = workload.between(*from, *to);
                    vec![nobody(bad, total)]
                }
                _ => workload.history.clone(),
            }),
            Ask::Counts { purpose: Purpose::Interval(_), from, to } => {
                let (bad, total) = workload.between(*from, *to);
                Finding::Counts(vec![nobody(bad, total)])
            }
            Ask::Counts { from, to, .. } => {
                let (bad, total) = workload.between(*from, *to);
                let old = 60.0 * workload.rate[0].1;
                Finding::Counts(match &workload.split {
                    Split::Pods => {
                        let current = workload.current();
                        let before = if current == "bbb2" { "aaa1" } else { "bbb2" };
                        vec![
                            pods(name, current, bad, (total - old).max(0.0)),
                            pods(name, before, 0.0, old.min(total)),
                        ]
                    }
                    Split::NoPods => vec![nobody(bad, total)],
                    Split::Given(counts) => counts.clone(),
                })
            }
            Ask::Served { .. } => Finding::Served(match workload.split {
                Split::NoPods => Vec::new(),
                _ => workload
                    .served
                    .iter()
                    .map(|(hash, from, to)| PodServed {
                        pod: None,
                        hash: Some(Clean::new(hash)),
                        stretches: vec![(*from, to.unwrap_or(self.now))],
                    })
                    .collect(),
            }),
        }
    }

    // The person.

    pub fn incident(&self, name: &str) -> &Incident {
        self.state.incidents.get(&key(name)).expect("an incident")
    }

    pub fn card(&self, name: &str) -> Option<&Proposal> {
        self.incident(name).proposal.as_ref()
    }

    pub fn proposal(&self) -> &Proposal {
        self.card("api").expect("an open card")
    }

    pub fn analysis(&self, name: &str) -> &Analysis {
        self.incident(name).analysis.as_ref().expect("an analysis")
    }

    pub fn gate(&self, gate: Gate) -> GateState {
        self.analysis("api").gate(gate)
    }

    pub fn gate_line(&self, gate: Gate) -> String {
        let gates = &self.analysis("api").gates;
        gates.iter().find(|g| g.gate == gate).expect("all seven").line.to_string()
    }

    pub fn running(&self, name: &str) -> &Running {
        self.incident(name).running.as_ref().expect("an action")
    }

    pub fn phase(&self, name: &str) -> Phase {
        self.running(name).phase.clone()
    }

    /// Turns to the card of a workload.
    pub fn turn_to(&mut self, name: &str) {
        self.state.view.screen = Screen::Card(key(name));
    }

    /// The workload whose card is in front.
    fn front(&self) -> Key {
        match &self.state.view.screen {
            Screen::Card(key) => key.clone(),
            other => panic!("no card in front: {other:?}"),
        }
    }

    /// A frame shows the whole card in front.
    pub fn show(&mut self) {
        let front = self.front();
        let proposal = self.state.incidents.get(&front).and_then(|i| i.proposal.as_ref());
        let lines = proposal.map_or(0, |p| p.effect_lines().len());
        let digest = proposal.map(|p| p.digest.clone());
        self.event(Event::Shown(Shown {
            digest,
            lines: (0..lines).collect(),
            large_enough: true,
            ..Shown::default()
        }));
    }

    /// Reads the card for a second, presses `a`, gives a reason that names what must be named.
    pub fn arm(&mut self) {
        self.show();
        self.mono += Duration::from_millis(900);
        self.command(Command::Arm);
        let front = self.front();
        // The world may have taken the card away in that second.
        let Some(proposal) = &self.state.incidents[&front].proposal else { return };
        if let Gesture::Reason(_) = proposal.gesture {
            let names: Vec<&str> = proposal.analysis.not_passed().map(Gate::name).collect();
            self.command(Command::Paste(format!("I know: {}", names.join(", "))));
            self.command(Command::Submit);
        }
        self.show();
    }

    /// Types like a hand.
    pub fn type_text(&mut self, text: &str) {
        for c in text.chars() {
            self.read += 1;
            self.mono += Duration::from_millis(120);
            self.command(Command::Char(c, self.read));
        }
    }

    /// The whole gesture on the card in front.
    pub fn approve(&mut self) {
        self.arm();
        let front = self.front();
        let token = self.state.incidents[&front].proposal.as_ref().expect("an open card").token.clone();
        self.type_text(&token);
    }

    /// The whole gesture, where the card can be armed at all.
    pub fn approve_if_it_arms(&mut self) {
        self.arm();
        let front = self.front();
        if let Some(card) = self.state.incidents[&front].proposal.as_ref()
            && matches!(card.gesture, Gesture::Token { .. })
        {
            let token = card.token.clone();
            self.type_text(&token);
        }
    }

    /// Approves on the card of a workload.
    pub fn approve_of(&mut self, name: &str) {
        self.turn_to(name);
        self.approve();
    }

    /// The id of the action of a workload.
    pub fn action(&self, name: &str) -> ActionId {
        self.running(name).action.clone()
    }

    /// The actions that were handed to the executor, ever.
    pub fn executions(&self) -> Vec<ActionId> {
        let effects = self.trace.iter().flat_map(|(_, effects)| effects);
        let id = |e: &Effect| match e {
            Effect::Execute(approved) => Some(approved.action().clone()),
            _ => None,
        };
        effects.filter_map(id).collect()
    }

    /// The errors are over from now on, and the alert resolves.
    pub fn heal(&mut self, name: &str) {
        let now = self.now;
        let workload = self.workload_mut(name);
        for error in &mut workload.errors {
            error.1 = error.1.min(now);
        }
        workload.burning = false;
        workload.burns = [0.1; 5];
        self.slos();
    }
}

fn number(set: &serde_json::Value) -> Option<i64> {
    set["metadata"]["annotations"]["deployment.kubernetes.io/revision"].as_str()?.parse().ok()
}

/// As the source reads it.
pub fn deployment(value: &serde_json::Value) -> Deployment {
    let page = decode::page::<decode::Deployments>(json!({"items": [value]}).to_string().as_bytes());
    page.expect("a Deployment").objects.into_iter().next().expect("one").item
}

/// As the source reads it.
pub fn replica_set(value: &serde_json::Value) -> ReplicaSet {
    let page = decode::page::<decode::ReplicaSets>(json!({"items": [value]}).to_string().as_bytes());
    page.expect("a ReplicaSet").objects.into_iter().next().expect("one").item
}

/// As the source reads it.
pub fn content(value: &serde_json::Value) -> ConfigContent {
    decode::config_content(value.to_string().as_bytes()).expect("content")
}

/// Applies a JSON patch as the API server does: a test for null holds where there is nothing.
fn patch(object: &mut serde_json::Value, body: &serde_json::Value) -> Result<(), String> {
    let mut operations = Vec::new();
    for operation in body.as_array().expect("operations") {
        let path = operation["path"].as_str().expect("a path");
        if operation["op"] == "test" && operation["value"].is_null() {
            match object.pointer(path) {
                None | Some(serde_json::Value::Null) => continue,
                Some(_) => return Err(format!("testing value {path} failed")),
            }
        }
        operations.push(operation.clone());
    }
    let patch: json_patch::Patch = serde_json::from_value(operations.into()).map_err(|e| e.to_string())?;
    json_patch::patch(object, &patch).map_err(|e| e.to_string())
}

//! The cockpit stays light where there is much of everything. Work, requests and what is kept are counted here;
//! nothing is timed.

use std::time::Duration;

use goaround::domain::Time;
use goaround::domain::clean::Clean;
use goaround::domain::cluster::{
    Change, ClusterFact, Deployment, Key, Meta, Pod, Referenced, ReplicaSet, Right, Uid,
};
use goaround::domain::signal::{Health, Signal, Source};
use goaround::domain::slo::{Alert, Origin, Reading, Severity, Sli, Slo, SloId};
use goaround::domain::value::Value;
use goaround::domain::window::Window;
use goaround::engine::event::Command;
use goaround::engine::state::Setup;
use goaround::engine::view::{self, Row};
use goaround::engine::{Effect, Event, Stamped, State, step};
use goaround::sources::kubernetes::decode;
use serde_json::json;

/// A cluster with much in it, told by signals as the sources tell it.
struct Crowd {
    state: State,
    now: Time,
    mono: Duration,
}

impl Crowd {
    fn new(slos: usize, workloads: usize) -> Self {
        let now = Time::from_timestamp(1_800_000_000, 0).expect("a time");
        let mut crowd = Self { state: State::new(Setup::default(), now), now, mono: Duration::from_secs(1) };
        for kind in ["deployments", "services"] {
            crowd.signal(Signal::Synced(Source::Kind(kind), now));
            crowd.signal(Signal::Health(Source::Kind(kind), Health::Live));
        }
        let all = (0..workloads).map(workload).collect();
        crowd.signal(Signal::Cluster(Box::new(ClusterFact::Deployments(Change::Listed(all)))));
        crowd.signal(Signal::ClusterId(Clean::new("c0ffee")));
        crowd.signal(Signal::Slos((0..slos).map(|n| slo(n, now)).collect()));
        crowd.pass(2);
        crowd
    }

    fn event(&mut self, event: Event) -> Vec<Effect> {
        step(&mut self.state, Stamped { at: self.now, mono: self.mono, event })
    }

    fn signal(&mut self, signal: Signal) -> Vec<Effect> {
        self.event(Event::Signal(signal))
    }

    /// Time passes, a tick every quarter of a second.
    fn pass(&mut self, seconds: u32) {
        for _ in 0..seconds * 4 {
            self.now += chrono::TimeDelta::milliseconds(250);
            self.mono += Duration::from_millis(250);
            self.event(Event::Tick);
        }
    }
}

fn name(n: usize) -> String {
    format!("service-{n:04}")
}

fn workload(n: usize) -> Deployment {
    let meta = Meta {
        key: Key::new("shop", name(n)),
        uid: Uid(format!("deployment-{n}").into()),
        ..Meta::default()
    };
    Deployment { meta, replicas: 3, available: 3, ..Deployment::default() }
}

fn slo(n: usize, at: Time) -> Slo {
    let ratio = 0.000_001 * (n % 500) as f64;
    let reading = Reading { value: Value::Number(ratio), at };
    Slo {
        id: SloId(Clean::new(format!("{}-availability", name(n)))),
        service: Clean::new(name(n)),
        name: Clean::new("availability"),
        labels: Default::default(),
        rule_labels: Default::default(),
        objective: Some(0.999),
        period: Some(Window::days(30)),
        ratios: [Window::minutes(5), Window::hours(1)].map(|window| (window, reading)).into(),
        remaining: Value::Number(0.9),
        alerts: Vec::new(),
        pairs: Vec::new(),
        pairs_from_rules: true,
        sli: Sli::Unknown,
        runbook: None,
        origin: Origin::Recorded,
        has_alert_rule: true,
    }
}

fn pod(n: usize) -> Pod {
    Pod {
        key: Key::new("shop", format!("service-0000-7f9c4d8b6-{n:05}")),
        uid: Uid(format!("pod-{n}").into()),
        replica_set: Some(Uid("rs".into())),
        ready: true,
        ..Pod::default()
    }
}

#[test]
fn the_list_is_made_anew_when_slos_or_the_filter_change_and_not_for_pods_time_or_a_look() {
    let mut crowd = Crowd::new(1_000, 1_200);
    assert_eq!(view::rows(&crowd.state).len(), 1_200);
    let before = crowd.state.listing.renewals();
    for n in 0..2_000 {
        crowd.signal(Signal::Cluster(Box::new(ClusterFact::Pods(Change::Applied(pod(n))))));
        crowd.signal(Signal::Cluster(Box::new(ClusterFact::Deployments(Change::Applied(workload(
            n % 1_200,
        ))))));
        crowd.event(Event::Command(Command::Down));
    }
    crowd.pass(30);
    assert_eq!(crowd.state.listing.renewals(), before);
    assert_eq!(view::selected(&crowd.state), view::rows(&crowd.state).last());
    let now = crowd.now;
    crowd.signal(Signal::Slos((0..1_000).map(|n| slo(n, now)).collect()));
    assert_eq!(crowd.state.listing.renewals(), before + 1);
    for c in "0042".chars() {
        crowd.event(Event::Command(Command::Filter));
        crowd.event(Event::Command(Command::Char(c, 1)));
    }
    assert_eq!(crowd.state.listing.renewals(), before + 5);
    let rows = view::rows(&crowd.state);
    assert_eq!(rows, [Row::Slo(SloId(Clean::new("service-0042-availability")))]);
    assert_eq!(view::selected(&crowd.state), rows.first(), "what was selected is not in the list any more");
}

#[test]
fn deployments_that_come_in_quick_succession_make_few_lists_and_the_last_one_is_in_it() {
    let mut crowd = Crowd::new(10, 100);
    let before = crowd.state.listing.renewals();
    for n in 100..1_100 {
        crowd.mono += Duration::from_millis(1);
        crowd.signal(Signal::Cluster(Box::new(ClusterFact::Deployments(Change::Applied(workload(n))))));
    }
    crowd.pass(1);
    let made = crowd.state.listing.renewals() - before;
    assert!(made <= 12, "{made} lists in a second");
    assert!(view::rows(&crowd.state).contains(&Row::Workload(Key::new("shop", name(1_099)))));
    crowd.signal(Signal::Cluster(Box::new(ClusterFact::Deployments(Change::Deleted(
        Key::new("shop", name(1_099)),
        Uid("deployment-1099".into()),
    )))));
    // A person who moves acts on what is there.
    crowd.event(Event::Command(Command::End));
    assert_eq!(view::selected(&crowd.state), Some(&Row::Workload(Key::new("shop", name(1_098)))));
}

/// A Deployment with its ReplicaSets as a recording has them, under another name.
fn objects(n: usize) -> (Deployment, Vec<ReplicaSet>) {
    let (name, uid) = (name(n), Uid(format!("deployment-{n}").into()));
    let template = |tag: &str| {
        decode::template(json!({"metadata": {"labels": {"app": name}}, "spec": {
            "containers": [{"name": "app", "image": format!("app:{tag}")}],
            "volumes": [{"name": "config", "configMap": {"name": format!("{name}-config")}}]}}))
    };
    let mut deployment = workload(n);
    deployment.template = template("2");
    let set = |revision: i64| ReplicaSet {
        meta: Meta {
            key: Key::new("shop", format!("{name}-{revision}")),
            uid: Uid(format!("set-{n}-{revision}").into()),
            controller: Some(("Deployment".into(), name.clone().into(), uid.clone())),
            ..Meta::default()
        },
        template: template(&revision.to_string()),
        revision: Some(revision),
        ..ReplicaSet::default()
    };
    (deployment, vec![set(1), set(2)])
}

#[test]
fn objects_that_came_and_went_leave_nothing_behind() {
    let mut crowd = Crowd::new(0, 0);
    let fact = |fact: ClusterFact| Signal::Cluster(Box::new(fact));
    for n in 0..300 {
        let (deployment, sets) = objects(n);
        let (key, config) = (deployment.meta.key.clone(), Key::new("shop", format!("{}-config", name(n))));
        let mut pod = pod(n);
        pod.replica_set = Some(sets[1].meta.uid.clone());
        pod.node = Some(Clean::new(format!("node-{n}")));
        crowd.signal(fact(ClusterFact::Deployments(Change::Applied(deployment.clone()))));
        for set in &sets {
            crowd.signal(fact(ClusterFact::ReplicaSets(Change::Applied(set.clone()))));
        }
        crowd.signal(fact(ClusterFact::Pods(Change::Applied(pod.clone()))));
        let meta = Meta { key: config.clone(), resource_version: n.to_string(), ..Meta::default() };
        crowd.signal(fact(ClusterFact::ConfigMaps(Change::Applied(Referenced { meta: meta.clone() }))));
        let now = crowd.now;
        let mut burning = slo(n, now);
        burning.sli = Sli::Understood(Box::new(understood()));
        burning.alerts = vec![Alert {
            name: "HighErrors".into(),
            severity: Severity::Page,
            firing: true,
            active_at: Some(now),
        }];
        let effects = crowd.signal(Signal::Slos(vec![burning.clone()]));
        assert!(effects.contains(&Effect::ReadConfig(config.clone())), "{n}: {effects:?}");
        let value = json!({"metadata": {"name": config.name, "namespace": "shop", "uid": "c",
            "resourceVersion": n.to_string()}, "data": {"a": "b"}});
        let content = decode::config_content(value.to_string().as_bytes()).expect("content");
        crowd.signal(fact(ClusterFact::Content(config.clone(), Some(content))));
        crowd.signal(Signal::Known(config.clone(), Vec::new()));
        let rights = ["deployments", "configmaps"].map(|resource| Right {
            verb: "patch",
            resource,
            group: "apps",
            namespace: Clean::new(format!("team-{n}")),
        });
        crowd.signal(Signal::Rights(rights.map(|right| (right, true)).into()));
        // It is well again, somebody looks at it, and it goes.
        burning.alerts.clear();
        crowd.signal(Signal::Slos(vec![burning]));
        crowd.event(Event::Command(Command::Home));
        crowd.now += chrono::TimeDelta::seconds(1_000);
        crowd.mono += Duration::from_secs(1_000);
        crowd.event(Event::Tick);
        crowd.signal(fact(ClusterFact::Pods(Change::Deleted(pod.key, pod.uid))));
        for set in sets {
            crowd.signal(fact(ClusterFact::ReplicaSets(Change::Deleted(set.meta.key, set.meta.uid))));
        }
        crowd.signal(fact(ClusterFact::ConfigMaps(Change::Deleted(config, Uid::default()))));
        crowd.signal(fact(ClusterFact::Deployments(Change::Deleted(key, deployment.meta.uid))));
        crowd.signal(Signal::Slos(Vec::new()));
    }
    crowd.pass(120);
    crowd.now += chrono::TimeDelta::seconds(4_000);
    crowd.mono += Duration::from_secs(4_000);
    crowd.pass(120);
    let state = &crowd.state;
    let kept = [
        ("deployments", state.world.deployments.len()),
        ("replica sets", state.world.replica_sets.len()),
        ("pods", state.world.pods.len()),
        ("owners", state.world.owners()),
        ("referenced", state.world.referenced.len()),
        ("contents", state.world.contents.len()),
        ("known", state.world.known.len()),
        ("watched", state.world.watched.len()),
        ("rights", state.world.rights.len()),
        ("rights asked", state.rights_asked.len()),
        ("incidents", state.incidents.len()),
        ("mapped", state.mapped.len()),
        ("studies", state.studies.len()),
        ("dry runs", state.dry_runs.len()),
        ("dry runs tried", state.dry_tried.len()),
        ("differences", state.diffs.len()),
        ("counsel", state.counsel.len()),
        ("configs asked", state.config_asked.len()),
        ("edges", state.edges.len()),
        ("rows", view::rows(state).len()),
    ];
    let left: Vec<_> = kept.iter().filter(|(_, n)| *n > 0).collect();
    assert!(left.is_empty(), "{left:?}");
    assert!(state.log.len() <= 2_000 && state.world.events.len() <= 2_000);
}

fn understood() -> goaround::domain::sli::SliExpression {
    let text =
        "sum(rate(r_total{deployment=\"x\",code=\"500\"}[5m])) / sum(rate(r_total{deployment=\"x\"}[5m]))";
    goaround::domain::sli::understand(text).expect("an SLI")
}

#[test]
fn a_question_about_one_workload_looks_at_its_own_objects_only_and_a_nodes_name_is_in_memory_once() {
    let mut crowd = Crowd::new(1, 1);
    let (deployment, sets) = objects(0);
    let pods = |from: usize, set: Option<&Uid>| {
        let each = |n: usize| Pod { replica_set: set.cloned(), node: Some("node-1".into()), ..pod(n) };
        (from..from + 100).map(each).collect::<Vec<_>>()
    };
    let all =
        [pods(0, Some(&sets[1].meta.uid)), pods(100, None), pods(200, Some(&Uid("other".into())))].concat();
    crowd.signal(Signal::Cluster(Box::new(ClusterFact::ReplicaSets(Change::Listed(sets.clone())))));
    crowd.signal(Signal::Cluster(Box::new(ClusterFact::Pods(Change::Listed(all)))));
    let world = &crowd.state.world;
    assert_eq!(world.history(&deployment).len(), 2);
    let own: Vec<&Pod> = world.pods_of(&sets[1].meta.uid).collect();
    assert_eq!(own.len(), 100);
    let node = |pod: &Pod| pod.node.as_ref().map(|node| node.as_str().as_ptr());
    assert!(own.iter().copied().all(|pod| node(pod) == node(own[0]) && node(pod).is_some()));
    // It moves to another owner, and goes.
    let mut moved = own[0].clone();
    moved.replica_set = Some(sets[0].meta.uid.clone());
    crowd.signal(Signal::Cluster(Box::new(ClusterFact::Pods(Change::Applied(moved.clone())))));
    assert_eq!(crowd.state.world.pods_of(&sets[1].meta.uid).count(), 99);
    assert_eq!(crowd.state.world.pods_of(&sets[0].meta.uid).count(), 1);
    crowd.signal(Signal::Cluster(Box::new(ClusterFact::Pods(Change::Deleted(moved.key, moved.uid)))));
    assert_eq!(crowd.state.world.pods_of(&sets[0].meta.uid).count(), 0);
}

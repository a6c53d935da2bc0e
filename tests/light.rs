//! The cockpit stays light where there is much of everything. Work, requests and what is kept are counted here;
//! nothing is timed.

use std::time::Duration;

use goaround::domain::Time;
use goaround::domain::clean::Clean;
use goaround::domain::cluster::{Change, ClusterFact, Deployment, Key, Meta, Pod, Uid};
use goaround::domain::signal::{Health, Signal, Source};
use goaround::domain::slo::{Origin, Reading, Sli, Slo, SloId};
use goaround::domain::value::Value;
use goaround::domain::window::Window;
use goaround::engine::event::Command;
use goaround::engine::state::Setup;
use goaround::engine::view::{self, Row};
use goaround::engine::{Effect, Event, Stamped, State, step};

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
    let meta =
        Meta { key: Key::new("shop", name(n)), uid: Uid(format!("deployment-{n}")), ..Meta::default() };
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
        uid: Uid(format!("pod-{n}")),
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

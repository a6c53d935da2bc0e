//! A small world that answers the engine's effects as a cluster, a Prometheus and a journal would: Deployments with
//! realistic JSON, counters by a formula, and a person with a screen and a keyboard. It decides nothing: whatever a
//! card says was computed by the engine.

#![allow(dead_code, reason = "each test program uses its own part")]

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use chrono::TimeDelta;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use goaround::domain::Time;
use goaround::domain::clean::Clean;
use goaround::domain::cluster::{
    Change, ClusterFact, ConfigContent, ConfigVersion, Deployment, Identity, Json, Key, KnownContent,
    KnownFrom, RefKind, ReplicaSet, Uid,
};
use goaround::domain::inquiry::{
    Ask, Bucket, Finding, Findings, Inquiry, PodCounts, PodServed, Purpose, Sent,
};
use goaround::domain::latency::{self, Durations, Found, Histogram};
use goaround::domain::plan::{DryRun, Plan};
use goaround::domain::signal::{Health, Signal, Source};
use goaround::domain::sli::{Selector, understand};
use goaround::domain::slo::{Alert, Origin, Reading, Severity, Sli, Slo, SloId, WindowPair};
use goaround::domain::value::Value;
use goaround::domain::window::Window;
use goaround::engine::event::{Called, Command, FreshLook, Shown};
use goaround::engine::gate::Approved;
use goaround::engine::record::Past;
use goaround::engine::state::Setup;
use goaround::engine::{Effect, Event, Stamped, State, step};
use goaround::sources::kubernetes::decode;
use goaround::ui::Ui;
use goaround::ui::keymap::{COMMANDS, DEFAULT, Keymap};
use goaround::ui::theme::{DARK, Depth, Theme};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use serde_json::json;

/// A point in time of the story's day.
pub fn at(clock: &str) -> Time {
    format!("2026-11-20T{clock}Z").parse().expect("a time of day")
}

/// A point in time.
pub fn on(day: u32, clock: &str) -> Time {
    format!("2026-11-{day:02}T{clock}Z").parse().expect("a time")
}

/// A revision of a Deployment, as it stands in the story.
pub struct Revision {
    pub number: i64,
    pub hash: &'static str,
    pub tag: &'static str,
    pub pool: &'static str,
    pub created: Time,
    /// When it served, and how many requests failed of how many meanwhile.
    pub served: Option<(Time, Time)>,
    pub counts: (f64, f64),
}

/// Errors of the story: from when to when, which share, over which traffic.
#[derive(Clone)]
pub struct Errors {
    pub from: Option<Time>,
    pub to: Option<Time>,
    pub ratio: f64,
    pub rate: f64,
}

/// The world and the person in it.
pub struct World {
    pub state: State,
    pub ui: Ui,
    pub now: Time,
    pub mono: Duration,
    pub errors: Errors,
    /// When requests stopped coming, if they did.
    pub stopped: Option<Time>,
    pub revisions: Vec<Revision>,
    /// Server objects by name.
    pub deployment: serde_json::Value,
    pub current: &'static str,
    pub config: Option<(ConfigContent, Vec<KnownContent>)>,
    pub dry_run: Option<DryRun>,
    pub journal: Result<(), Clean>,
    pub rights: bool,
    pub sent: Vec<Approved>,
    pub bells: usize,
    /// Titles of notifications.
    pub calls: Vec<String>,
    /// Everything that was to be done.
    pub effects: Vec<Effect>,
    /// Calls are answered at once.
    pub answers: bool,
    pub slos: Vec<Slo>,
    /// Why there is no histogram of durations, if there is none.
    pub no_histogram: Option<&'static str>,
    /// Variables that only 4.12 has.
    pub variables: usize,
    read: u64,
    size: (u16, u16),
}

/// The built-in look at a depth of colours.
pub fn ui(depth: Depth) -> Ui {
    let theme = Theme::parse(DARK, "dark.toml").expect("a theme").at(depth);
    let keymap = Keymap::parse(DEFAULT, "default.toml", COMMANDS).expect("a keymap");
    Ui::new(theme, keymap)
}

/// Configuration of the story: a production context.
pub fn setup() -> Setup {
    Setup { context: Clean::new("eu-west-1"), prod: true, ..Setup::default() }
}

impl World {
    /// Nothing is known yet.
    pub fn empty(setup: Setup) -> Self {
        let now = at("12:32:00");
        Self {
            state: State::new(setup, now),
            ui: ui(Depth::True),
            now,
            mono: Duration::from_secs(100),
            errors: Errors { from: None, to: None, ratio: 0.0, rate: 42.0 },
            stopped: None,
            revisions: revisions(),
            deployment: serde_json::Value::Null,
            current: "7f9c4d8b6",
            config: None,
            dry_run: None,
            journal: Ok(()),
            rights: true,
            sent: Vec::new(),
            bells: 0,
            calls: Vec::new(),
            effects: Vec::new(),
            answers: true,
            slos: Vec::new(),
            no_histogram: None,
            variables: 0,
            read: 0,
            size: (80, 24),
        }
    }

    /// All sources deliver, nothing burns.
    pub fn calm() -> Self {
        Self::calm_with(setup())
    }

    /// The same with another configuration.
    pub fn calm_with(setup: Setup) -> Self {
        let mut world = Self::empty(setup);
        world.connect();
        world.slos = slos(world.now, false);
        world.signal(Signal::Slos(world.slos.clone()));
        world
    }

    /// The story of the drawings: 4.12 went out at 12:26:10, and since 12:28:44 a fifth of the requests fails.
    pub fn burning() -> Self {
        Self::burning_with(setup(), |_| {})
    }

    /// The same, with something else before the alert comes.
    pub fn burning_with(setup: Setup, change: impl FnOnce(&mut Self)) -> Self {
        let mut world = Self::empty(setup);
        world.errors = Errors { from: Some(at("12:28:44")), to: None, ratio: 0.2, rate: 31.0 };
        change(&mut world);
        world.connect();
        world.slos = slos(world.now, true);
        world.signal(Signal::Slos(world.slos.clone()));
        world.select("api-gateway");
        world.pass(67);
        world
    }

    /// What a start brings: who, where, which objects.
    pub fn connect(&mut self) {
        self.event(Event::Journal(self.journal.clone().map(|()| "head".to_owned()), Past::default()));
        self.signal(Signal::Identity(Identity { user: Clean::new("ana"), groups: Vec::new() }));
        self.signal(Signal::Scope { namespace: Some(Clean::new("shop")), forbidden: false });
        for kind in
            ["deployments", "replicasets", "pods", "services", "events", "nodes", "configmaps", "secrets"]
        {
            let source = Source::Kind(kind);
            self.signal(Signal::Health(source, Health::Live));
            self.signal(Signal::Synced(source, self.now));
        }
        self.signal(Signal::Health(Source::Kubernetes, Health::Live));
        self.signal(Signal::Synced(Source::Kubernetes, self.now));
        self.signal(Signal::Health(Source::Prometheus, Health::Live));
        self.signal(Signal::Prometheus {
            at: Clean::new("monitoring/prometheus:9090"),
            why: Clean::new("42 SLOs recorded"),
            others: Vec::new(),
        });
        self.objects();
        self.signal(Signal::ClusterId(Clean::new("c0ffee")));
    }

    /// The objects of the cluster as they are now.
    pub fn objects(&mut self) {
        self.deployment = deployment_json(self, 3);
        let mut deployments = vec![decoded::<Deployment>(&self.deployment)];
        for (name, image) in [
            ("cockpit", "shop/cockpit:2.0"),
            ("reporting", "shop/reporting:7.1"),
            ("mailer", "shop/mailer:1.3"),
        ] {
            deployments.push(decoded(&small_deployment(name, image)));
        }
        let sets = self.revisions.iter().map(|r| decoded(&replica_set_json(self, r))).collect();
        self.fact(ClusterFact::Deployments(Change::Listed(deployments)));
        self.fact(ClusterFact::ReplicaSets(Change::Listed(sets)));
        self.pods();
        self.configs();
    }

    fn pods(&mut self) {
        let pods = (0..3)
            .map(|n| goaround::domain::cluster::Pod {
                key: Key::new("shop", format!("api-gateway-{}-{n}", self.current)),
                uid: Uid(format!("pod-{}-{n}", self.current).into()),
                replica_set: Some(Uid(format!("rs-{}", self.current).into())),
                node: Some(Clean::new("node-1")),
                phase: Clean::new("Running"),
                ready: true,
                created: Some(at("12:26:12")),
                ..Default::default()
            })
            .collect();
        self.fact(ClusterFact::Pods(Change::Listed(pods)));
    }

    fn configs(&mut self) {
        let edited = self.config.is_some();
        let value = config_map(edited);
        let meta = json!({"items": [value]});
        let page = decode::page::<decode::ConfigMaps>(meta.to_string().as_bytes()).expect("a ConfigMap");
        let items = page.objects.into_iter().map(|o| o.item).collect();
        self.fact(ClusterFact::ConfigMaps(Change::Listed(items)));
    }

    /// ConfigMap api-config was edited in place at 12:04; its earlier content is `known` or not.
    pub fn edited_config(&mut self, known: bool) {
        let live = decode::config_content(config_map(true).to_string().as_bytes()).expect("content");
        let before = ConfigVersion::new(
            &json!({"app.conf": "timeout=5s\nretries=3\npool=auto\n"}),
            &serde_json::Value::Null,
        );
        let earlier = KnownContent {
            version: before,
            uid: Some(live.uid.clone()),
            seen: Some((on(19, "16:21:00"), at("11:58:00"))),
            source: KnownFrom::Seen,
        };
        self.config = Some((live, if known { vec![earlier] } else { Vec::new() }));
    }

    fn fact(&mut self, fact: ClusterFact) {
        self.signal(Signal::Cluster(Box::new(fact)));
    }

    /// A signal of a source.
    pub fn signal(&mut self, signal: Signal) {
        self.event(Event::Signal(signal));
    }

    /// One event, and everything that follows from it.
    pub fn event(&mut self, event: Event) {
        let mut queue = VecDeque::from([event]);
        while let Some(event) = queue.pop_front() {
            self.mono += Duration::from_millis(1);
            let stamped = Stamped { at: self.now, mono: self.mono, event };
            for effect in step(&mut self.state, stamped) {
                self.effects.push(effect.clone());
                queue.extend(self.answer(effect));
            }
        }
    }

    /// Time passes, second by second.
    pub fn pass(&mut self, seconds: u64) {
        for _ in 0..seconds {
            self.now += TimeDelta::seconds(1);
            self.mono += Duration::from_secs(1);
            self.signal(Signal::Heard(Source::Prometheus));
            self.signal(Signal::Heard(Source::Kubernetes));
            self.event(Event::Tick);
        }
    }

    fn answer(&mut self, effect: Effect) -> Vec<Event> {
        match effect {
            Effect::Inquire(inquiry) => {
                vec![Event::Signal(Signal::Findings(Box::new(self.findings(*inquiry))))]
            }
            Effect::ReadConfig(key) => {
                let content = match &self.config {
                    Some((content, _)) => content.clone(),
                    None => {
                        decode::config_content(config_map(false).to_string().as_bytes()).expect("content")
                    }
                };
                let fact = ClusterFact::Content(key, Some(content));
                vec![Event::Signal(Signal::Cluster(Box::new(fact)))]
            }
            Effect::LoadKnown(key) => {
                let known = self.config.as_ref().map(|(_, known)| known.clone()).unwrap_or_default();
                vec![Event::Signal(Signal::Known(key, known))]
            }
            Effect::ReviewRights(rights) => {
                let allowed = self.rights;
                vec![Event::Signal(Signal::Rights(rights.into_iter().map(|r| (r, allowed)).collect()))]
            }
            Effect::DryRun(digest, plan) => vec![Event::DryRun(digest, self.tried(&plan))],
            Effect::Recheck(digest, plan, _) if self.answers => {
                vec![Event::Rechecked(digest, Box::new(Ok(self.fresh(&plan))))]
            }
            Effect::Record { ticket, .. } => vec![match &self.journal {
                Ok(()) => Event::Recorded(ticket, 1, "head".into()),
                Err(why) => Event::RecordFailed(ticket, why.clone()),
            }],
            Effect::Execute(approved) => {
                let id = approved.action().clone();
                let calls = approved.calls().len();
                self.sent.push(approved);
                let done = |n| Event::Called(id.clone(), n, Called::Done(Some(6)));
                if self.answers { (0..calls).map(done).collect() } else { Vec::new() }
            }
            Effect::Bell => {
                self.bells += 1;
                Vec::new()
            }
            Effect::Notify { title, .. } => {
                self.calls.push(title.to_string());
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    fn tried(&self, plan: &Plan) -> DryRun {
        if let Some(answer) = &self.dry_run {
            return answer.clone();
        }
        let objects = plan.calls.iter().map(|call| {
            let mut object =
                if call.path.contains("/configmaps/") { config_map(true) } else { self.deployment.clone() };
            patch(&mut object, &call.body);
            Json::of(&object)
        });
        DryRun::Accepted(objects.collect())
    }

    fn fresh(&self, plan: &Plan) -> FreshLook {
        let deployment = decoded(&self.deployment);
        let replica_sets: Vec<ReplicaSet> =
            self.revisions.iter().map(|r| decoded(&replica_set_json(self, r))).collect();
        let configs = plan
            .configs
            .iter()
            .map(|(key, _)| (key.clone(), self.config.as_ref().map(|(content, _)| content.clone())));
        FreshLook {
            deployment: Some(deployment),
            replica_sets,
            configs: configs.collect(),
            dry_run: self.tried(plan),
            allowed: self.rights,
        }
    }

    /// The cluster did what was sent: the Deployment has the target's template, its pods are `ready` of three.
    pub fn roll_out(&mut self, to: &'static str, ready: i64) {
        let body = self.sent.last().map(|a| a.calls().last().expect("a call").body.clone());
        if self.current != to {
            self.current = to;
            if let Some(body) = body {
                patch(&mut self.deployment, &body);
            }
            self.pods();
        }
        self.deployment["metadata"]["generation"] = json!(6);
        self.deployment["status"] = json!({"observedGeneration": 6, "replicas": 3, "updatedReplicas": ready,
            "availableReplicas": ready, "unavailableReplicas": 3 - ready});
        let deployment = decoded(&self.deployment);
        self.fact(ClusterFact::Deployments(Change::Applied(deployment)));
    }

    // Prometheus.

    fn findings(&self, inquiry: Inquiry) -> Findings {
        let sent = inquiry.asks.iter().enumerate().map(|(n, ask)| (n, self.sent(ask))).collect();
        let answers = inquiry.asks.into_iter().map(|ask| {
            let finding = self.finding(&ask);
            (ask, Ok(finding))
        });
        Findings {
            number: inquiry.number,
            slo: inquiry.slo,
            answers: answers.collect(),
            partial: vec![],
            sent,
            queries: 8,
        }
    }

    fn finding(&self, ask: &Ask) -> Finding {
        match ask {
            Ask::Scrape => Finding::Scrape(Some(Window::from_secs(15))),
            Ask::Histogram { .. } => Finding::Histogram(match &self.no_histogram {
                Some(why) => Found::Nothing(Clean::new(why)),
                None => Found::Classic(histogram()),
            }),
            Ask::Durations { from, to, step, .. } => Finding::Durations(self.durations(*from, *to, *step)),
            Ask::BudgetLeft { from, to, step } => {
                let hours = std::iter::successors(Some(*from), |at| Some(*at + step.delta()));
                let left = |at: Time| (at, if at < *to - TimeDelta::hours(30) { 0.62 } else { 0.42 });
                let mut left: Vec<_> = hours.take_while(|at| at <= to).map(left).collect();
                left.push((*to, 0.312));
                Finding::BudgetLeft(left)
            }
            Ask::Period { .. } => Finding::Period(Some(3_000_000.0)),
            Ask::Newest { from, to } => Finding::Newest(self.between(*from, *to).1),
            Ask::Buckets { from, to, step } => {
                let mut buckets = Vec::new();
                let mut end = *from + step.delta();
                while end <= *to {
                    let (bad, total) = self.between(end - step.delta(), end);
                    buckets.push(Bucket { end, bad: Some(bad), total: Some(total) });
                    end += step.delta();
                }
                Finding::Buckets(buckets)
            }
            Ask::Past { from, to, step } => {
                let ends = std::iter::successors(Some(*from + step.delta()), |end| Some(*end + step.delta()));
                let ratio = |end: Time| {
                    let (bad, total) = self.between(end - step.delta(), end);
                    (total > 0.0).then_some((end, bad / total))
                };
                Finding::Past(ends.take_while(|end| end <= to).filter_map(ratio).collect())
            }
            Ask::Counts { purpose: Purpose::History, .. } => {
                Finding::Counts(self.revisions.iter().map(|r| pod(r.hash, r.counts)).collect())
            }
            Ask::Counts { purpose: Purpose::Verify, from, to } => {
                Finding::Counts(vec![pod(self.current, self.between(*from, *to))])
            }
            Ask::Counts { from, to, .. } => {
                let (bad, total) = self.between(*from, *to);
                // The old pods answered for a minute more.
                let old = 60.0 * self.errors.rate;
                Finding::Counts(vec![pod("7f9c4d8b6", (bad, total - old)), pod("5d9c77f49", (0.0, old))])
            }
            Ask::Served { .. } => {
                let served = self.revisions.iter().filter_map(|r| {
                    let (from, to) = r.served?;
                    Some(PodServed {
                        pod: None,
                        hash: Some(Clean::new(r.hash)),
                        stretches: vec![(from, if r.hash == self.current { self.now } else { to })],
                    })
                });
                Finding::Served(served.collect())
            }
        }
    }

    /// A query that could be behind a question.
    fn sent(&self, ask: &Ask) -> Sent {
        let promql = match ask {
            Ask::Durations { histogram, step, .. } => {
                format!("sum by (le) (increase({}[{step}]))", histogram.selector)
            }
            other => {
                format!("sum(increase(http_requests_total{{job=\"api-gateway\"}}[1m])) # {:?}", other.topic())
            }
        };
        Sent {
            promql: Clean::new(promql),
            at: (self.now - TimeDelta::hours(1), self.now, Some(Window::minutes(1))),
        }
    }

    /// Requests by how long they took: most within 50 ms; while errors last, the failed ones take seconds.
    fn durations(&self, from: Time, to: Time, step: Window) -> Durations {
        let bounds = vec![0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, f64::INFINITY];
        let well = [0.05, 0.4, 0.8, 0.95, 0.99, 0.999, 1.0, 1.0, 1.0, 1.0, 1.0];
        let badly = [0.0, 0.0, 0.0, 0.0, 0.0, 0.05, 0.2, 0.5, 0.8, 0.96, 1.0];
        let ends = std::iter::successors(Some(from + step.delta()), |end| Some(*end + step.delta()));
        let of = |end: Time| {
            let (bad, total) = self.between(end - step.delta(), end);
            let within = well.iter().zip(badly).map(|(w, b)| (total - bad) * w + bad * b).collect();
            latency::Step { end, within }
        };
        Durations::of(bounds, ends.take_while(|end| *end <= to).map(of).collect())
    }

    /// Bad and all requests of a stretch.
    fn between(&self, from: Time, to: Time) -> (f64, f64) {
        let seconds = |a: Time, b: Time| ((b - a).num_milliseconds().max(0) as f64) / 1e3;
        let asked_until = self.stopped.map_or(to, |stopped| stopped.min(to));
        let total = seconds(from, asked_until) * self.errors.rate;
        let begin = self.errors.from.map(|f| f.max(from));
        let end = self.errors.to.map_or(to, |t| t.min(to));
        let bad = begin.map_or(0.0, |begin| seconds(begin, end) * self.errors.rate * self.errors.ratio);
        (bad.round(), total.round())
    }

    // The person.

    /// Draws a frame and reports what was shown, as the loop does.
    pub fn look(&mut self, width: u16, height: u16) -> Buffer {
        self.size = (width, height);
        let (buffer, shown) = self.frame(width, height);
        self.event(Event::Shown(shown));
        buffer
    }

    /// Draws a frame without reporting it.
    pub fn frame(&self, width: u16, height: u16) -> (Buffer, Shown) {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a terminal");
        let mut shown = Shown::default();
        terminal.draw(|frame| shown = self.ui.draw(frame, &self.state).shown).expect("a frame");
        (terminal.backend().buffer().clone(), shown)
    }

    /// Reads the card for a second.
    pub fn read_it(&mut self) {
        let (width, height) = self.size;
        self.look(width, height);
        self.mono += Duration::from_secs(1);
        self.event(Event::Tick);
    }

    /// Presses a key, each in a read of its own.
    pub fn press(&mut self, code: KeyCode) {
        self.chord(code, KeyModifiers::NONE);
    }

    /// The same with modifiers.
    pub fn chord(&mut self, code: KeyCode, modifiers: KeyModifiers) {
        self.read += 1;
        self.mono += Duration::from_millis(120);
        if let Some(command) = self.ui.key(&self.state, KeyEvent::new(code, modifiers), self.read) {
            self.event(Event::Command(command));
        }
        let (width, height) = self.size;
        self.look(width, height);
    }

    /// Types a text.
    pub fn type_text(&mut self, text: &str) {
        for c in text.chars() {
            self.press(KeyCode::Char(c));
        }
    }

    /// Selects the SLO of a service.
    pub fn select(&mut self, service: &str) {
        let id = self.slos.iter().find(|s| s.service == service).map(|s| s.id.clone());
        self.state.view.selected = id.map(goaround::engine::view::Row::Slo);
    }

    /// The token that the card of api-gateway asks for.
    pub fn token(&self) -> String {
        let incident = self.state.incidents.values().next().expect("an incident");
        incident.proposal.as_ref().expect("an open card").token.clone()
    }

    /// A command of the person without a key.
    pub fn command(&mut self, command: Command) {
        self.event(Event::Command(command));
    }
}

fn histogram() -> Histogram {
    let name = "http_request_duration_seconds_bucket";
    let selector = Selector { name: Some(name.to_owned()), matchers: Vec::new() };
    Histogram { metric: Clean::new(name), selector, unit: 1.0 }
}

/// Applies a JSON patch as the API server does: a test for null holds where there is nothing.
fn patch(object: &mut serde_json::Value, body: &serde_json::Value) {
    let operations = body.as_array().expect("operations").iter();
    let kept: Vec<_> =
        operations.filter(|op| !(op["op"] == "test" && op["value"].is_null())).cloned().collect();
    let patch: json_patch::Patch = serde_json::from_value(kept.into()).expect("a JSON patch");
    json_patch::patch(object, &patch).expect("the tests of the patch hold");
}

/// Lines of a buffer, without blanks at their ends.
pub fn text(buffer: &Buffer) -> String {
    let width = usize::from(buffer.area.width).max(1);
    let mut lines: Vec<String> = Vec::new();
    for cells in buffer.content().chunks(width) {
        let mut line = String::new();
        let mut skip = 0;
        for cell in cells {
            if skip > 0 {
                skip -= 1;
                continue;
            }
            line.push_str(cell.symbol());
            skip = unicode_width::UnicodeWidthStr::width(cell.symbol()).saturating_sub(1);
        }
        lines.push(line.trim_end().to_owned());
    }
    lines.join("\n")
}

fn pod(hash: &str, (bad, total): (f64, f64)) -> PodCounts {
    PodCounts {
        pod: Some(Clean::new(format!("api-gateway-{hash}-x1"))),
        hash: Some(Clean::new(hash)),
        bad,
        total,
    }
}

fn revisions() -> Vec<Revision> {
    let revision = |number, hash, tag, pool, created, served, counts| Revision {
        number,
        hash,
        tag,
        pool,
        created,
        served,
        counts,
    };
    let now = at("12:33:07");
    vec![
        revision(
            2,
            "90aa5c6d7",
            "4.9",
            "50",
            on(18, "09:01:00"),
            Some((on(18, "09:01:00"), on(18, "09:12:00"))),
            (6_120.0, 14_200.0),
        ),
        revision(
            3,
            "b2e17f885",
            "4.10",
            "50",
            on(18, "09:12:00"),
            Some((on(18, "09:12:00"), on(19, "16:20:00"))),
            (310.0, 3_400_000.0),
        ),
        revision(
            4,
            "5d9c77f49",
            "4.11",
            "50",
            on(19, "16:20:00"),
            Some((on(19, "16:20:00"), at("12:26:10"))),
            (12.0, 1_203_000.0),
        ),
        revision(
            5,
            "7f9c4d8b6",
            "4.12",
            "5",
            at("12:26:10"),
            Some((at("12:26:12"), now)),
            (1_962.0, 17_311.0),
        ),
    ]
}

trait Decoded: Sized {
    fn from_list(list: &[u8]) -> Self;
}

impl Decoded for Deployment {
    fn from_list(list: &[u8]) -> Self {
        let page = decode::page::<decode::Deployments>(list).expect("a Deployment");
        page.objects.into_iter().next().expect("one").item
    }
}

impl Decoded for ReplicaSet {
    fn from_list(list: &[u8]) -> Self {
        let page = decode::page::<decode::ReplicaSets>(list).expect("a ReplicaSet");
        page.objects.into_iter().next().expect("one").item
    }
}

fn decoded<T: Decoded>(value: &serde_json::Value) -> T {
    T::from_list(json!({"items": [value]}).to_string().as_bytes())
}

fn template(tag: &str, pool: &str, hash: Option<&str>) -> serde_json::Value {
    let mut labels = json!({"app": "api-gateway"});
    if let Some(hash) = hash {
        labels["pod-template-hash"] = json!(hash);
    }
    json!({"metadata": {"labels": labels}, "spec": {
        "containers": [{"name": "api", "image": format!("registry.example/shop/api:{tag}"),
            "env": [{"name": "DB_POOL", "value": pool}, {"name": "LOG_LEVEL", "value": "info"}],
            "ports": [{"containerPort": 8080, "name": "http"}],
            "resources": {"requests": {"cpu": "250m", "memory": "256Mi"}},
            "volumeMounts": [{"name": "config", "mountPath": "/etc/api"}]}],
        "volumes": [{"name": "config", "configMap": {"name": "api-config", "defaultMode": 420}}],
        "terminationGracePeriodSeconds": 30}})
}

fn template_of(world: &World, revision: &Revision, hash: Option<&str>) -> serde_json::Value {
    let mut template = template(revision.tag, revision.pool, hash);
    let env = template["spec"]["containers"][0]["env"].as_array_mut().expect("env");
    for n in 0..if revision.number == 5 { world.variables } else { 0 } {
        let value = format!("a value of some length that was not there before, number {n}");
        env.push(json!({"name": format!("FEATURE_{n:02}"), "value": value}));
    }
    template
}

fn deployment_json(world: &World, ready: i64) -> serde_json::Value {
    let current = world.revisions.iter().find(|r| r.hash == world.current).expect("the current one");
    json!({"metadata": {
            "name": "api-gateway", "namespace": "shop", "uid": "dep-1", "generation": 5, "resourceVersion": "900",
            "creationTimestamp": "2026-10-01T08:00:00Z", "labels": {"app": "api-gateway"},
            "annotations": {"deployment.kubernetes.io/revision": current.number.to_string()},
            "managedFields": [{"manager": "helm", "operation": "Update", "time": "2026-11-20T12:26:10Z",
                "fieldsV1": {"f:spec": {"f:template": {"f:spec": {"f:containers": {}}}}}}]},
        "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "api-gateway"}},
            "strategy": {"type": "RollingUpdate"}, "template": template_of(world, current, None)},
        "status": {"observedGeneration": 5, "replicas": 3, "updatedReplicas": ready, "availableReplicas": ready}})
}

fn replica_set_json(world: &World, revision: &Revision) -> serde_json::Value {
    let name = format!("api-gateway-{}", revision.hash);
    let replicas = if revision.hash == world.current { 3 } else { 0 };
    let template = template_of(world, revision, Some(revision.hash));
    json!({"metadata": {"name": name, "namespace": "shop", "uid": format!("rs-{}", revision.hash),
            "resourceVersion": "800", "creationTimestamp": revision.created.to_rfc3339(),
            "labels": {"app": "api-gateway", "pod-template-hash": revision.hash},
            "annotations": {"deployment.kubernetes.io/revision": revision.number.to_string()},
            "ownerReferences": [{"kind": "Deployment", "name": "api-gateway", "uid": "dep-1", "controller": true}]},
        "spec": {"replicas": replicas, "template": template},
        "status": {"readyReplicas": replicas}})
}

fn small_deployment(name: &str, image: &str) -> serde_json::Value {
    json!({"metadata": {"name": name, "namespace": "shop", "uid": format!("dep-{name}"), "generation": 1,
            "resourceVersion": "100", "creationTimestamp": "2026-10-01T08:00:00Z"},
        "spec": {"replicas": 2, "template": {"metadata": {"labels": {"app": name}},
            "spec": {"containers": [{"name": name, "image": image}]}}},
        "status": {"observedGeneration": 1, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2}})
}

fn config_map(edited: bool) -> serde_json::Value {
    let data =
        if edited { "timeout=1s\nretries=0\npool=auto\n" } else { "timeout=5s\nretries=3\npool=auto\n" };
    let mut managed = vec![json!({"manager": "helm", "operation": "Update", "time": "2026-10-01T08:00:00Z",
        "fieldsV1": {"f:data": {".": {}, "f:app.conf": {}}}})];
    if edited {
        managed =
            vec![json!({"manager": "kubectl-edit", "operation": "Update", "time": "2026-11-20T12:04:11Z",
            "fieldsV1": {"f:data": {"f:app.conf": {}}}})];
    }
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "api-config", "namespace": "shop",
        "uid": "cm-1", "resourceVersion": if edited { "77" } else { "70" },
        "creationTimestamp": "2026-10-01T08:00:00Z", "managedFields": managed},
        "data": {"app.conf": data}})
}

/// Figures of an SLO: service, remaining budget, burn over 5 m, 30 m, 1 h, 6 h, 3 d.
type Figures = (&'static str, f64, [f64; 5]);

/// The SLOs of the story.
pub fn slos(now: Time, burning: bool) -> Vec<Slo> {
    let gateway: Figures = if burning {
        ("api-gateway", 0.312, [200.0, 35.2, 17.6, 3.0, 0.3])
    } else {
        ("api-gateway", 0.52, [0.1, 0.1, 0.2, 0.2, 0.2])
    };
    let figures = [
        gateway,
        ("cockpit", 0.484, [1.1, 1.1, 1.1, 1.0, 1.0]),
        ("reporting", 0.843, [0.4; 5]),
        ("q2q-ai", 0.915, [0.0; 5]),
        ("impact-in", 0.938, [0.2; 5]),
        ("search", 0.99, [0.0; 5]),
    ];
    let mut slos: Vec<Slo> = figures.iter().map(|f| slo(now, f)).collect();
    if burning {
        slos[0].alerts = vec![Alert {
            name: Clean::new("ErrorBudgetBurn"),
            severity: Severity::Page,
            firing: true,
            active_at: Some(at("12:31:58")),
        }];
    }
    let with = |service, value: Value, remaining: Value| {
        let mut slo = slo(now, &(service, 0.9, [0.0; 5]));
        for reading in slo.ratios.values_mut() {
            reading.value = value;
        }
        slo.remaining = remaining;
        slo
    };
    slos.push(with("checkout", Value::NaN, Value::Number(0.77)));
    slos.push(with("billing", Value::Absent, Value::Absent));
    let stale = Value::Stale { last: 0.0002, since: at("11:02:00") };
    slos.push(with("profile", stale, stale));
    slos.push(with(
        "payments-with-a-very-long-name-that-goes-on",
        Value::Number(0.002),
        Value::Number(-0.38),
    ));
    slos
}

/// An SLO of 99.9 % over 30 days.
pub fn slo(now: Time, (service, remaining, burns): &Figures) -> Slo {
    let windows =
        [Window::minutes(5), Window::minutes(30), Window::hours(1), Window::hours(6), Window::days(3)];
    let reading = |burn: &f64| Reading { value: Value::Number(burn * 0.001), at: now };
    let mut ratios: BTreeMap<Window, Reading> = windows.into_iter().zip(burns.iter().map(reading)).collect();
    ratios.insert(Window::hours(2), reading(&burns[2]));
    ratios.insert(Window::days(1), reading(&burns[3]));
    let sli = "sum(rate(http_requests_total{job=\"SERVICE\",code=~\"5..\"}[5m])) / sum(rate(http_requests_total{job=\"SERVICE\"}[5m]))"
        .replace("SERVICE", service);
    let pair = |severity, short, long, factor| WindowPair { severity, short, long, factor };
    Slo {
        id: SloId(Clean::new(format!("{service}-requests-availability"))),
        service: Clean::new(service),
        name: Clean::new("requests-availability"),
        labels: BTreeMap::new(),
        rule_labels: BTreeMap::new(),
        objective: Some(0.999),
        period: Some(Window::days(30)),
        ratios,
        remaining: Value::Number(*remaining),
        alerts: Vec::new(),
        pairs: vec![
            pair(Severity::Page, Window::minutes(5), Window::hours(1), 14.4),
            pair(Severity::Page, Window::minutes(30), Window::hours(6), 6.0),
            pair(Severity::Ticket, Window::hours(2), Window::days(1), 3.0),
            pair(Severity::Ticket, Window::hours(6), Window::days(3), 1.0),
        ],
        pairs_from_rules: true,
        sli: Sli::Understood(Box::new(understand(&sli).expect("an SLI"))),
        runbook: None,
        origin: Origin::Recorded,
        has_alert_rule: true,
    }
}

/// A reference kind, for tests that list objects themselves.
pub const CONFIG_MAP: RefKind = RefKind::ConfigMap;

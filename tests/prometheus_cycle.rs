//! The polling cycle and the answers to inquiries, against a small Prometheus over real HTTP. It serves the vectors that
//! a test puts into it, counts what arrives on the wire, and its time goes on by five seconds with each cycle.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{Response, header};
use chrono::TimeDelta;
use goaround::domain::Time;
use goaround::domain::clean::Clean;
use goaround::domain::inquiry::{Ask, Finding, Inquiry, Purpose};
use goaround::domain::signal::{Health, Signal, Source};
use goaround::domain::slo::{Origin, Severity, Sli, Slo};
use goaround::domain::sloth::{Declared, DeclaredSli, Template};
use goaround::domain::value::Value;
use goaround::domain::window::Window;
use goaround::sources::prometheus::{Client, Direct, Options, answer, run};
use serde_json::{Value as Json, json};
use tokio::sync::mpsc::Receiver;

/// Where the world's time begins.
const BEGIN: i64 = 1_800_000_000;
const WINDOWS: [&str; 8] = ["5m", "30m", "1h", "2h", "6h", "1d", "3d", "30d"];
const R5M: &str = "slo:sli_error:ratio_rate5m";
const FRESH: &str = "timestamp(slo:sli_error:ratio_rate5m)";
const REMAINING: &str = "slo:period_error_budget_remaining:ratio";
const ALERTS: &str = "ALERTS{sloth_id!=\"\"}";
const EVERY_TIME: [&str; 5] = [R5M, "slo:sli_error:ratio_rate1h", ALERTS, REMAINING, FRESH];

type Labels = BTreeMap<String, String>;

fn labels(of: &[(&str, &str)]) -> Labels {
    of.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
}

/// Times and values.
type Samples = Vec<(i64, &'static str)>;
/// Answers some queries with a status and a body.
type Other = fn(&str) -> Option<(u16, Json)>;

/// What the server answers.
#[derive(Default)]
struct Model {
    /// Instant vectors by query.
    vectors: BTreeMap<String, Vec<(Labels, String)>>,
    /// Matrices by query.
    ranges: BTreeMap<String, Vec<(Labels, Samples)>>,
    groups: Vec<Json>,
    /// Answers queries that are neither.
    other: Option<Other>,
    warnings: Vec<&'static str>,
    /// What is asked for by this path or query gets this status.
    refused: BTreeMap<&'static str, u16>,
    /// Everything is refused with this status and text.
    down: Option<(u16, &'static str)>,
    /// Seconds since the newest sample of 5m.
    lag: i64,
}

#[derive(Default)]
struct Server {
    model: Mutex<Model>,
    asked: Mutex<Vec<String>>,
    /// Queries that name the time of their evaluation, and that.
    times: Mutex<Vec<(String, String)>>,
    methods: Mutex<BTreeSet<String>>,
    cycles: AtomicI64,
    under_way: AtomicUsize,
    most_under_way: AtomicUsize,
}

impl Server {
    fn model(&self) -> MutexGuard<'_, Model> {
        self.model.lock().expect("no panic")
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("no panic").clone()
    }

    fn now(&self) -> i64 {
        BEGIN + 5 * self.cycles.load(Ordering::SeqCst)
    }

    async fn serve(self: Arc<Self>, request: Request) -> Response<Body> {
        let under_way = self.under_way.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_under_way.fetch_max(under_way, Ordering::SeqCst);
        let (head, body) = request.into_parts();
        let body = axum::body::to_bytes(body, 1 << 20).await.expect("a body");
        let form = if head.method == "POST" {
            String::from_utf8(body.to_vec()).expect("a form")
        } else {
            head.uri.query().unwrap_or_default().to_owned()
        };
        self.methods.lock().expect("no panic").insert(head.method.to_string());
        let url = reqwest::Url::parse(&format!("http://x/?{form}")).expect("parameters");
        let query = url.query_pairs().find(|(name, _)| name == "query").map(|(_, q)| q.into_owned());
        let query = query.unwrap_or_else(|| head.uri.path().to_owned());
        if query == R5M {
            self.cycles.fetch_add(1, Ordering::SeqCst);
        }
        self.asked.lock().expect("no panic").push(query.clone());
        if let Some((_, time)) = url.query_pairs().find(|(name, _)| name == "time") {
            self.times.lock().expect("no panic").push((query.clone(), time.into_owned()));
        }
        // So that whoever sends more than he should gets the chance to.
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        let (status, data) = self.reply(head.uri.path(), &query);
        self.under_way.fetch_sub(1, Ordering::SeqCst);
        Response::builder()
            .status(status)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(data.to_string()))
            .expect("a response")
    }

    fn reply(&self, path: &str, query: &str) -> (u16, Json) {
        let (now, model) = (self.now(), self.model());
        if let Some((status, text)) = model.down {
            return (status, json!({"status": "error", "errorType": "unavailable", "error": text}));
        }
        if let Some(status) = model.refused.get(query) {
            return (*status, json!("not this one"));
        }
        let good = |kind: &str, result: Vec<Json>| {
            let data = json!({"resultType": kind, "result": result});
            (200, json!({"status": "success", "data": data, "warnings": model.warnings}))
        };
        if path == "/api/v1/rules" {
            return (200, json!({"status": "success", "data": {"groups": model.groups}}));
        }
        if path == "/api/v1/query_range" {
            let series = model.ranges.get(query).cloned().unwrap_or_default();
            let series =
                series.into_iter().map(|(labels, values)| json!({"metric": labels, "values": values}));
            return good("matrix", series.collect());
        }
        if query == FRESH {
            let series = model.vectors.get(R5M).cloned().unwrap_or_default();
            let sampled = (now - model.lag).to_string();
            let series =
                series.into_iter().map(|(labels, _)| json!({"metric": labels, "value": [now, sampled]}));
            return good("vector", series.collect());
        }
        let Some(series) = model.vectors.get(query) else {
            let other = model.other.and_then(|other| other(query));
            return other.unwrap_or_else(|| good("vector", Vec::new()));
        };
        good(
            "vector",
            series.iter().map(|(labels, value)| json!({"metric": labels, "value": [now, value]})).collect(),
        )
    }
}

impl Model {
    fn put(&mut self, query: &str, labels: &Labels, value: &str) {
        let series = self.vectors.entry(query.to_owned()).or_default();
        series.retain(|(known, _)| known != labels);
        series.push((labels.clone(), value.to_owned()));
    }

    fn drop(&mut self, query: &str) {
        self.vectors.remove(query);
    }

    /// An SLO of 99.9 % as Sloth records it; `groups` are the labels of its `sum by`.
    fn sloth(&mut self, id: &str, groups: &[Labels]) {
        let own = labels(&[("sloth_id", id), ("sloth_service", "shop"), ("sloth_slo", "requests")]);
        let with = |more: &[(&str, &str)]| own.clone().into_iter().chain(labels(more)).collect::<Labels>();
        let info =
            [("sloth_mode", "cli-gen-prom"), ("sloth_objective", "99.9"), ("sloth_version", "v0.16.0")];
        self.put("sloth_slo_info", &with(&info), "1");
        self.put("slo:objective:ratio", &own, "0.999");
        self.put("slo:time_period:days", &own, "30");
        let by = groups.first().map_or_else(String::new, |group| {
            format!(" by ({})", group.keys().cloned().collect::<Vec<_>>().join(", "))
        });
        let mut recordings = Vec::new();
        for window in WINDOWS {
            let record = format!("slo:sli_error:ratio_rate{window}");
            let of = with(&[("sloth_window", window)]);
            let expr = format!(
                r#"sum{by} (rate(requests_total{{service="shop",code=~"5.."}}[{window}])) / sum{by} (rate(requests_total{{service="shop"}}[{window}]))"#
            );
            recordings.push(
                json!({"type": "recording", "name": record, "query": expr, "labels": of, "health": "ok"}),
            );
            for group in groups {
                let series: Labels = of.clone().into_iter().chain(group.clone()).collect();
                self.put(&record, &series, "0.0005");
            }
        }
        for group in groups {
            let series: Labels = with(&[("sloth_window", "30d")]).into_iter().chain(group.clone()).collect();
            self.put(REMAINING, &series, "0.5");
        }
        self.groups.push(json!({"name": format!("sloth-slo-sli-recordings-{id}"), "file": "f", "interval": 30, "rules": recordings}));
        let pair = |long: &str, short: &str, factor: f64| {
            let over = |w: &str| {
                format!(
                    "max without (sloth_window) (slo:sli_error:ratio_rate{w}{{sloth_id=\"{id}\"}} > ({factor} * 0.001))"
                )
            };
            format!("({} and {})", over(short), over(long))
        };
        let page = format!("{} or {}", pair("1h", "5m", 14.4), pair("6h", "30m", 6.0));
        let ticket = pair("3d", "6h", 1.0);
        self.groups.push(json!({"name": format!("sloth-slo-alerts-{id}"), "file": "f", "interval": 30, "rules": [
            {"type": "alerting", "name": "ShopTicket", "query": ticket, "state": "inactive", "health": "ok",
             "labels": {"sloth_severity": "ticket", "deployment": "other", "team": "{{ $labels.x }}"}},
            {"type": "alerting", "name": "ShopPage", "query": page, "state": "inactive", "health": "ok", "alerts": [],
             "labels": {"sloth_severity": "page", "deployment": "shop"},
             "annotations": {"runbook_url": "https://runbooks.example/shop"}},
        ]}));
    }
}

/// The source under test and what it has said.
struct Rig {
    server: Arc<Server>,
    client: Arc<Client>,
    signals: Receiver<Signal>,
    heard: Vec<Signal>,
    source: tokio::task::JoinHandle<()>,
}

impl Rig {
    async fn new(fill: impl FnOnce(&mut Model)) -> Self {
        Self::with(Vec::new(), fill).await
    }

    async fn with(declared: Vec<(Clean, Declared)>, fill: impl FnOnce(&mut Model)) -> Self {
        // A second call fails because the first one has succeeded.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let server = Arc::new(Server::default());
        fill(&mut server.model());
        let serving = Arc::clone(&server);
        let app = axum::Router::new().fallback(move |request: Request| Arc::clone(&serving).serve(request));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        tokio::spawn(async move { axum::serve(listener, app).await });
        let direct = Direct { url, ..Direct::default() };
        let client = Arc::new(Client::direct(direct).await.expect("a client"));
        let clock = Arc::clone(&server);
        let options = Options {
            period: Duration::from_millis(1),
            clock: Arc::new(move || Time::from_timestamp(clock.now(), 0).expect("a time")),
        };
        let (tx, signals) = tokio::sync::mpsc::channel(1);
        let cancel = tokio_util::sync::CancellationToken::new();
        let source = tokio::spawn(run(Arc::clone(&client), declared, options, tx, cancel));
        Self { server, client, signals, heard: Vec::new(), source }
    }

    /// Waits for a signal; what comes before it is kept.
    async fn until<T>(&mut self, wanted: impl Fn(&Signal) -> Option<T>) -> T {
        loop {
            let next = tokio::time::timeout(Duration::from_secs(60), self.signals.recv()).await;
            let signal = next.unwrap_or_else(|_| panic!("not heard of; last: {:?}", self.heard.last()));
            let signal = signal.expect("the source goes on");
            let found = wanted(&signal);
            self.heard.push(signal);
            if let Some(found) = found {
                return found;
            }
        }
    }

    /// Waits until the SLOs are as wanted.
    async fn slos(&mut self, wanted: impl Fn(&[Slo]) -> bool) -> Vec<Slo> {
        self.until(|signal| match signal {
            Signal::Slos(slos) if wanted(slos) => Some(slos.clone()),
            _ => None,
        })
        .await
    }

    /// The SLOs once everything was told.
    async fn synced(&mut self) -> Vec<Slo> {
        self.until(|signal| matches!(signal, Signal::Synced(Source::Prometheus, _)).then_some(())).await;
        let mut heard = self.heard.iter().rev();
        heard
            .find_map(|signal| match signal {
                Signal::Slos(slos) => Some(slos.clone()),
                _ => None,
            })
            .expect("SLOs before Synced")
    }

    /// Changes what the server answers, and waits until a whole cycle has seen it.
    async fn change(&mut self, change: impl FnOnce(&mut Model)) {
        change(&mut self.server.model());
        for _ in 0..4 {
            self.slos(|_| true).await;
        }
    }
}

fn value(slo: &Slo, window: &str) -> Value {
    let window: Window = window.parse().expect("a window");
    slo.ratios.get(&window).map_or(Value::Absent, |reading| reading.value)
}

/// Requests by cycle: a question that comes again begins a new one. The first two cycles have no question in common, so
/// they are one here.
fn cycles(asked: &[String]) -> Vec<Vec<String>> {
    let mut cycles: Vec<Vec<String>> = vec![Vec::new()];
    for query in asked {
        if cycles.last().is_some_and(|cycle| cycle.contains(query)) {
            cycles.push(Vec::new());
        }
        cycles.last_mut().expect("one").push(query.clone());
    }
    cycles
}

async fn costs(slos: usize) {
    let mut rig = Rig::new(|model| {
        for n in 0..slos {
            model.sloth(&format!("shop-{n}"), &[Labels::new()]);
        }
    })
    .await;
    assert_eq!(rig.synced().await.len(), slos);
    // More than a minute of the world, so that every question has had its turn.
    for _ in 0..16 {
        assert_eq!(rig.slos(|_| true).await.len(), slos);
    }
    let asked = rig.server.asked();
    assert!(asked.iter().all(|q| !q.contains("__name__") && !q.contains(" or ")), "{asked:?}");
    let cycles = cycles(&asked);
    assert_eq!(cycles[0].len(), 15, "{:?}", cycles[0]);
    // The last one may not be over yet.
    for cycle in &cycles[1..cycles.len() - 1] {
        assert!(cycle.len() <= 8, "{cycle:?}");
        assert!(EVERY_TIME.iter().all(|q| cycle.iter().any(|asked| asked == q)), "{cycle:?}");
    }
    let rules = cycles[1..].iter().flatten().filter(|q| *q == "/api/v1/rules").count();
    assert!(rules >= 1, "rules come again within 16 cycles of 5 s");
    let most = rig.server.most_under_way.load(Ordering::SeqCst);
    assert!((2..=4).contains(&most), "{most} under way");
}

#[tokio::test]
async fn a_cycle_costs_at_most_eight_requests_for_one_slo() {
    costs(1).await;
}

#[tokio::test]
async fn a_cycle_costs_at_most_eight_requests_for_20_slos() {
    costs(20).await;
}

#[tokio::test]
async fn a_cycle_costs_at_most_eight_requests_for_1000_slos() {
    costs(1_000).await;
}

#[tokio::test]
async fn the_first_two_cycles_tell_everything_and_then_it_is_synced() {
    let mut rig = Rig::new(|model| model.sloth("shop-requests", &[Labels::new()])).await;
    rig.synced().await;
    let asked = rig.server.asked();
    let first: BTreeSet<&str> = asked[..8].iter().map(String::as_str).collect();
    let wanted = [
        "sloth_slo_info",
        "slo:objective:ratio",
        "slo:time_period:days",
        "slo:sli_error:ratio_rate1h",
        R5M,
        ALERTS,
        REMAINING,
        "/api/v1/rules",
    ];
    assert_eq!(first, BTreeSet::from(wanted));
    let slos = rig.heard.iter().filter(|signal| matches!(signal, Signal::Slos(_))).count();
    assert_eq!(slos, 2, "{:?}", rig.heard);
    assert!(rig.heard.contains(&Signal::Health(Source::Prometheus, Health::Live)));
    let clock = rig.heard.iter().find_map(|signal| match signal {
        Signal::Clock(Source::Prometheus, ms) => Some(*ms),
        _ => None,
    });
    // The world of the test goes on by five seconds while the first questions are under way.
    assert!(clock.is_some_and(|ms| (0..=5_000).contains(&ms)), "{clock:?}");
}

#[tokio::test]
async fn an_slo_is_assembled_from_its_series_and_its_rules() {
    let mut rig = Rig::new(|model| model.sloth("shop-requests", &[Labels::new()])).await;
    let slos = rig.synced().await;
    let [slo] = &slos[..] else { panic!("{slos:?}") };
    assert_eq!(
        (slo.id.to_string().as_str(), slo.service.as_str(), slo.name.as_str()),
        ("shop-requests", "shop", "requests")
    );
    assert_eq!((slo.objective, slo.period), (Some(0.999), Some(Window::days(30))));
    assert_eq!(slo.ratios.len(), 8);
    assert!(WINDOWS.iter().all(|window| value(slo, window) == Value::Number(0.0005)));
    assert_eq!(slo.remaining, Value::Number(0.5));
    assert_eq!(slo.origin, Origin::Recorded);
    let pairs: Vec<(Severity, u64, u64)> =
        slo.pairs.iter().map(|pair| (pair.severity, pair.long.secs(), pair.short.secs())).collect();
    assert_eq!(
        pairs,
        [(Severity::Page, 3_600, 300), (Severity::Page, 21_600, 1_800), (Severity::Ticket, 259_200, 21_600)]
    );
    assert!(slo.pairs_from_rules && slo.has_alert_rule && slo.alerts.is_empty());
    assert!((slo.pairs[0].factor - 14.4).abs() < 1e-9);
    assert_eq!(slo.runbook, Some(Clean::from("https://runbooks.example/shop")));
    // The page's labels come before the ticket's, and a template is no value.
    assert_eq!(slo.rule_labels.get("deployment"), Some(&Clean::from("shop")));
    assert_eq!(slo.rule_labels.get("team"), None);
    assert!(!slo.labels.contains_key("sloth_window") && slo.labels.contains_key("sloth_id"));
    let Sli::Understood(sli) = &slo.sli else { panic!("{:?}", slo.sli) };
    assert_eq!(
        sli.total_increase(Window::minutes(1), &[]),
        r#"sum(increase(requests_total{service="shop"}[1m]))"#
    );
}

#[tokio::test]
async fn each_group_of_a_grouped_slo_is_an_slo_of_its_own() {
    let groups = [labels(&[("handler", "/cart")]), labels(&[("handler", "/pay")])];
    let mut rig = Rig::new(|model| {
        model.sloth("shop-requests", &groups);
        let alert = labels(&[
            ("alertname", "ShopPage"),
            ("alertstate", "firing"),
            ("sloth_id", "shop-requests"),
            ("sloth_severity", "page"),
            ("handler", "/pay"),
        ]);
        model.put(ALERTS, &alert, "1");
    })
    .await;
    let slos = rig.synced().await;
    let ids: Vec<String> = slos.iter().map(|slo| slo.id.to_string()).collect();
    assert_eq!(ids, [r#"shop-requests{handler="/cart"}"#, r#"shop-requests{handler="/pay"}"#]);
    assert!(slos.iter().all(|slo| slo.objective == Some(0.999) && slo.remaining == Value::Number(0.5)));
    assert_eq!(slos.iter().map(|slo| slo.alerts.len()).collect::<Vec<_>>(), [0, 1]);
    let Sli::Understood(sli) = &slos[1].sli else { panic!("{:?}", slos[1].sli) };
    assert!(sli.bad_increase(Window::minutes(1), &["pod"]).contains(r#"handler="/pay""#));
    // One group goes: its name and the other's stay what they are.
    rig.change(|model| {
        for window in WINDOWS {
            let record = format!("slo:sli_error:ratio_rate{window}");
            model.vectors.get_mut(&record).expect("series").retain(|(l, _)| l["handler"] == "/pay");
        }
    })
    .await;
    let slos = rig.slos(|_| true).await;
    assert_eq!(slos.iter().map(|slo| slo.id.to_string()).collect::<Vec<_>>(), ids);
    assert!(matches!(value(&slos[0], "5m"), Value::Stale { last, .. } if last == 0.0005));
    assert_eq!(value(&slos[1], "5m"), Value::Number(0.0005));
}

#[tokio::test]
async fn nan_and_infinity_stay_what_they_are() {
    let mut rig = Rig::new(|model| {
        model.sloth("shop-requests", &[Labels::new()]);
        model.vectors.get_mut(R5M).expect("series")[0].1 = "NaN".to_owned();
        model.vectors.get_mut(REMAINING).expect("series")[0].1 = "-Inf".to_owned();
    })
    .await;
    let slos = rig.synced().await;
    assert_eq!(value(&slos[0], "5m"), Value::NaN);
    assert_eq!(slos[0].remaining, Value::Infinite { negative: true });
}

#[tokio::test]
async fn a_series_that_disappears_keeps_its_last_value_as_stale() {
    let mut rig = Rig::new(|model| model.sloth("shop-requests", &[Labels::new()])).await;
    let before = rig.synced().await;
    rig.change(|model| {
        model.drop(R5M);
        model.drop(REMAINING);
    })
    .await;
    let after = rig.slos(|_| true).await;
    let since = before[0].ratios[&Window::minutes(5)].at;
    let Value::Stale { last, since: stale } = value(&after[0], "5m") else {
        panic!("{:?}", after[0]);
    };
    assert!(last == 0.0005 && stale >= since, "{stale} {since}");
    assert!(matches!(after[0].remaining, Value::Stale { last, .. } if last == 0.5));
    assert_eq!(value(&after[0], "1h"), Value::Number(0.0005));
    // And it stays: an hour of the world is as good as five seconds.
    rig.server.cycles.fetch_add(720, Ordering::SeqCst);
    let later =
        rig.slos(|slos| slos[0].ratios[&Window::hours(1)].at > since + Window::hours(1).delta()).await;
    assert_eq!(value(&later[0], "5m"), Value::Stale { last, since: stale });
    rig.change(|model| {
        let own = labels(&[
            ("sloth_id", "shop-requests"),
            ("sloth_service", "shop"),
            ("sloth_slo", "requests"),
            ("sloth_window", "5m"),
        ]);
        model.put(R5M, &own, "0.2");
    })
    .await;
    assert_eq!(value(&rig.slos(|_| true).await[0], "5m"), Value::Number(0.2));
}

#[tokio::test]
async fn an_slo_goes_only_when_neither_series_nor_rules_know_it() {
    let mut rig = Rig::new(|model| {
        model.sloth("a", &[Labels::new()]);
        model.sloth("b", &[Labels::new()]);
    })
    .await;
    assert_eq!(rig.synced().await.len(), 2);
    rig.change(|model| {
        for series in model.vectors.values_mut() {
            series.retain(|(labels, _)| labels["sloth_id"] == "b");
        }
    })
    .await;
    rig.server.cycles.fetch_add(720, Ordering::SeqCst);
    rig.change(|_| {}).await;
    let slos = rig.slos(|_| true).await;
    assert_eq!(slos.len(), 2, "its rules are still there");
    assert!(matches!(value(&slos[0], "5m"), Value::Stale { .. }));
    rig.change(|model| {
        model.groups.retain(|group| !group["name"].as_str().is_some_and(|name| name.ends_with("-a")));
    })
    .await;
    rig.server.cycles.fetch_add(720, Ordering::SeqCst);
    let slos = rig.slos(|slos| slos.len() == 1).await;
    assert_eq!(slos[0].id.to_string(), "b");
}

#[tokio::test]
async fn samples_that_are_not_written_any_more_are_stale_although_the_server_still_shows_them() {
    let mut rig = Rig::new(|model| {
        model.sloth("shop-requests", &[Labels::new()]);
        model.lag = 80;
    })
    .await;
    // Three evaluations are 90 s.
    let slos = rig.synced().await;
    assert_eq!(value(&slos[0], "5m"), Value::Number(0.0005));
    rig.change(|model| model.lag = 100).await;
    let slos = rig.slos(|_| true).await;
    for window in WINDOWS {
        assert!(matches!(value(&slos[0], window), Value::Stale { .. }), "{window}");
    }
    assert!(matches!(slos[0].remaining, Value::Stale { last, .. } if last == 0.5));
}

#[tokio::test]
async fn alerts_come_from_the_server_with_their_begin_from_the_rules() {
    let page =
        labels(&[("alertname", "ShopPage"), ("sloth_id", "shop-requests"), ("sloth_severity", "page")]);
    let old = labels(&[("alertname", "Old"), ("sloth_id", "shop-requests"), ("severity", "critical")]);
    let ticket =
        labels(&[("alertname", "ShopTicket"), ("sloth_id", "shop-requests"), ("severity", "warning")]);
    let with = |labels: &Labels, state: &str| {
        let mut labels = labels.clone();
        labels.insert("alertstate".to_owned(), state.to_owned());
        labels
    };
    let mut rig = Rig::new(|model| {
        model.sloth("shop-requests", &[Labels::new()]);
        model.put(ALERTS, &with(&ticket, "pending"), "1");
        model.put(ALERTS, &with(&page, "firing"), "1");
        model.put(ALERTS, &with(&old, "pending"), "1");
        // An alert whose rule drops sloth_id is known from the rules alone.
        model.groups[1]["rules"][1]["alerts"] = json!([
            {"labels": page, "state": "firing", "activeAt": "2027-01-15T07:58:00Z", "value": "2e-02"},
            {"labels": {"alertname": "Nameless", "severity": "page"}, "state": "firing", "activeAt": "2027-01-15T07:59:00Z"},
        ]);
    })
    .await;
    let slos = rig.synced().await;
    let alerts: Vec<(&str, Severity, bool, bool)> = slos[0]
        .alerts
        .iter()
        .map(|alert| (alert.name.as_str(), alert.severity, alert.firing, alert.active_at.is_some()))
        .collect();
    assert_eq!(
        alerts,
        [
            ("Nameless", Severity::Page, true, true),
            ("ShopPage", Severity::Page, true, true),
            ("Old", Severity::Page, false, false),
            ("ShopTicket", Severity::Ticket, false, false),
        ]
    );
    // While an alert is there, the rules are read every half minute.
    for _ in 0..13 {
        rig.slos(|_| true).await;
    }
    let rules = rig.server.asked().iter().filter(|q| *q == "/api/v1/rules").count();
    assert!(rules >= 3, "{rules}");
}

#[tokio::test]
async fn the_windows_of_another_period_are_learnt_from_the_rules() {
    let mut rig = Rig::new(|model| {
        model.sloth("shop-requests", &[Labels::new()]);
        let text = serde_json::to_string(&model.groups).expect("JSON").replace("30d", "4w");
        model.groups = serde_json::from_str(&text).expect("JSON");
        let period = model.vectors.remove("slo:sli_error:ratio_rate30d").expect("series");
        model.vectors.insert("slo:sli_error:ratio_rate4w".to_owned(), period);
        model.vectors.get_mut("slo:time_period:days").expect("series")[0].1 = "28".to_owned();
        // Without alert rules the pairs are the usual ones, with factors for this period.
        model.groups.truncate(1);
    })
    .await;
    let slos = rig.synced().await;
    let slo = &slos[0];
    assert_eq!(slo.period, Some(Window::days(28)));
    assert_eq!(slo.ratios.keys().next_back(), Some(&Window::days(28)));
    assert!(!slo.pairs_from_rules && !slo.has_alert_rule);
    let factors: Vec<f64> = slo.pairs.iter().map(|pair| (pair.factor * 1e4).round() / 1e4).collect();
    assert_eq!(factors, [13.44, 5.6, 2.8, 0.9333]);
    assert!(!rig.server.asked().iter().any(|query| query.ends_with("ratio_rate30d")));
}

#[tokio::test]
async fn what_cannot_be_counted_says_why() {
    let mut rig = Rig::new(|model| {
        model.sloth("shop-requests", &[Labels::new()]);
        for rule in model.groups[0]["rules"].as_array_mut().expect("rules") {
            rule["query"] = json!("avg(up)");
        }
    })
    .await;
    let slos = rig.synced().await;
    assert!(matches!(&slos[0].sli, Sli::NotUnderstood(why) if !why.is_empty()), "{:?}", slos[0].sli);
    let inquiry = Inquiry { number: 7, slo: slos[0].id.clone(), asks: vec![Ask::Scrape] };
    let findings = answer(&rig.client, &slos[0], inquiry, Time::UNIX_EPOCH, TimeDelta::zero()).await;
    assert_eq!((findings.number, findings.queries), (7, 0));
    assert!(findings.answers[0].1.as_ref().is_err_and(|why| why.as_str().contains("cannot be counted")));
}

fn declared(id: &str, metric: &str) -> (Clean, Declared) {
    let template = |text: String| Template::parse(&text).expect("a template");
    let slo = Declared {
        id: Clean::from(id),
        service: Clean::from("shop"),
        name: Clean::from("requests"),
        objective_percent: 99.0,
        description: Clean::default(),
        labels: BTreeMap::new(),
        sli: DeclaredSli::Events {
            error: template(format!("sum(rate({metric}{{code=\"500\"}}[{{{{.window}}}}]))")),
            total: template(format!("sum(rate({metric}[{{{{.window}}}}]))")),
        },
        page: None,
        ticket: None,
    };
    (Clean::from("slos.yaml"), slo)
}

/// One row for each expression, with a ratio of 0.25; an expression about `broken` fails the whole request.
fn evaluate(query: &str) -> Option<(u16, Json)> {
    if !query.contains("goaround_slo") {
        return None;
    }
    if query.contains("broken") {
        let said = json!({"status": "error", "errorType": "execution", "error": "many-to-many matching not allowed"});
        return Some((422, said));
    }
    let marks = query.split("\"goaround_slo\", \"").skip(1).filter_map(|rest| rest.split('"').next());
    let rows = marks.map(|mark| json!({"metric": {"goaround_slo": mark}, "value": [BEGIN, "0.0025"]}));
    let data = json!({"resultType": "vector", "result": rows.collect::<Vec<_>>()});
    Some((200, json!({"status": "success", "data": data})))
}

#[tokio::test]
async fn declared_slos_are_joined_in_one_request_and_recorded_ones_come_first() {
    let slos = (0..5)
        .map(|n| declared(&format!("file-{n}"), "x_total"))
        .chain([declared("shop-requests", "x_total")]);
    let mut rig = Rig::with(slos.collect(), |model| {
        model.sloth("shop-requests", &[Labels::new()]);
        model.other = Some(evaluate);
    })
    .await;
    let slos = rig.synced().await;
    assert_eq!(slos.len(), 6);
    let (recorded, files): (Vec<&Slo>, Vec<&Slo>) =
        slos.iter().partition(|slo| slo.origin == Origin::Recorded);
    assert_eq!((recorded.len(), files.len()), (1, 5));
    assert_eq!(value(recorded[0], "5m"), Value::Number(0.0005));
    for slo in files {
        assert_eq!(slo.origin, Origin::Declared(Clean::from("slos.yaml")));
        assert_eq!((slo.objective, slo.period), (Some(0.99), Some(Window::days(30))));
        assert!(WINDOWS.iter().all(|window| value(slo, window) == Value::Number(0.0025)), "{slo:?}");
        assert!(matches!(slo.remaining, Value::Number(left) if (left - 0.75).abs() < 1e-9));
        assert!(matches!(slo.sli, Sli::Understood(_)) && !slo.has_alert_rule && !slo.pairs_from_rules);
        assert_eq!(slo.pairs.len(), 4);
    }
    for _ in 0..16 {
        rig.slos(|_| true).await;
    }
    let asked = rig.server.asked();
    let joined = asked.iter().filter(|query| query.contains("goaround_slo"));
    let always: Vec<&String> = joined.filter(|query| query.contains(":5m\"")).collect();
    assert!(always.iter().all(|query| query.matches("label_replace").count() == 10));
    assert!(always.len() >= 15, "in every cycle");
    assert!(rig.server.methods.lock().expect("no panic").contains("GET"));
    for cycle in &cycles(&asked)[1..] {
        assert!(cycle.len() <= 8, "{cycle:?}");
    }
}

#[tokio::test]
async fn one_faulty_expression_harms_no_other_declared_slo() {
    let slos = (0..5).map(|n| declared(&format!("file-{n}"), if n == 3 { "broken" } else { "x_total" }));
    let mut rig = Rig::with(slos.collect(), |model| model.other = Some(evaluate)).await;
    let all = |slo: &Slo| WINDOWS.iter().all(|window| value(slo, window) == Value::Number(0.0025));
    let slos = rig.slos(|slos| slos.iter().filter(|slo| all(slo)).count() == 4).await;
    assert!(slos[3].ratios.is_empty());
    let said = |signal: &Signal| match signal {
        Signal::Warnings(warnings) => warnings.iter().any(|why| why.as_str().contains("many-to-many")),
        _ => false,
    };
    assert!(rig.heard.iter().any(said), "{:?}", rig.heard);
    // Found, it is left alone, and the others are one request again.
    rig.change(|_| {}).await;
    let before = rig.server.asked().len();
    rig.change(|_| {}).await;
    let asked = rig.server.asked();
    let joined = asked[before..].iter().filter(|query| query.contains(":5m\""));
    assert!(joined.clone().count() >= 3);
    assert!(joined.into_iter().all(|query| query.matches("label_replace").count() == 8), "{asked:?}");
    // It is asked again now and then, and is back once it is mended.
    rig.server.model().other = Some(|query| evaluate(&query.replace("broken", "mended")));
    rig.slos(|slos| slos.iter().all(all)).await;
}

#[tokio::test]
async fn at_most_20_declared_slos_are_evaluated_and_the_others_are_named() {
    let slos = (0..23).map(|n| declared(&format!("file-{n:02}"), "x_total"));
    let mut rig = Rig::with(slos.collect(), |model| model.other = Some(evaluate)).await;
    let slos = rig.synced().await;
    assert_eq!(slos.len(), 23);
    assert_eq!(slos.iter().filter(|slo| !slo.ratios.is_empty()).count(), 20);
    let warned = rig.heard.iter().any(|signal| match signal {
        Signal::Warnings(warnings) => warnings.iter().any(|why| why.as_str().starts_with("3 declared SLOs")),
        _ => false,
    });
    assert!(warned, "{:?}", rig.heard);
    assert!(rig.server.methods.lock().expect("no panic").contains("POST"), "a long query is no URL");
}

#[tokio::test]
async fn a_server_that_is_down_says_why_and_tells_no_slos_until_it_is_back() {
    let mut rig = Rig::new(|model| model.sloth("shop-requests", &[Labels::new()])).await;
    rig.synced().await;
    rig.server.model().down = Some((503, "out of memory"));
    let down = |signal: &Signal| match signal {
        Signal::Health(Source::Prometheus, Health::Down(why)) => Some(why.clone()),
        _ => None,
    };
    let why = rig.until(down).await;
    assert!(why.as_str().contains("out of memory"), "{why}");
    let before = rig.server.asked().len();
    while rig.server.asked().len() < before + 20 {
        tokio::task::yield_now().await;
        assert!(rig.signals.try_recv().is_err(), "nothing is told while it is down");
    }
    // Two attempts at one question, not eight questions: the server has enough to do.
    let asked = rig.server.asked();
    assert!(asked[before + 4..].iter().all(|query| query == R5M), "{asked:?}");
    rig.server.model().down = None;
    rig.until(|signal| (*signal == Signal::Health(Source::Prometheus, Health::Live)).then_some(())).await;
    assert_eq!(value(&rig.slos(|_| true).await[0], "5m"), Value::Number(0.0005));
}

#[tokio::test]
async fn a_login_that_is_refused_is_forbidden_and_never_synced() {
    let mut rig = Rig::new(|model| model.down = Some((403, "no"))).await;
    rig.until(|signal| {
        matches!(signal, Signal::Health(Source::Prometheus, Health::Forbidden(_))).then_some(())
    })
    .await;
    assert!(!rig.heard.iter().any(|signal| matches!(signal, Signal::Synced(..) | Signal::Slos(_))));
}

fn warns(signal: &Signal, of: &str) -> bool {
    matches!(signal, Signal::Warnings(all) if all.iter().any(|why| why.as_str().contains(of)))
}

#[tokio::test]
async fn rules_that_alone_are_refused_are_a_warning_and_the_usual_windows_are_read() {
    for status in [401, 403, 302, 503] {
        let mut rig = Rig::new(|model| {
            model.sloth("shop-requests", &[Labels::new()]);
            model.refused.insert("/api/v1/rules", status);
        })
        .await;
        let slo = rig.synced().await.remove(0);
        assert!(
            WINDOWS.iter().all(|window| value(&slo, window) == Value::Number(0.0005)),
            "{status}: {slo:?}"
        );
        assert!(rig.heard.contains(&Signal::Health(Source::Prometheus, Health::Live)));
        assert!(rig.heard.iter().any(|signal| warns(signal, "rules: ")), "{status}: {:?}", rig.heard);
        assert!(rig.heard.iter().any(|signal| warns(signal, "no request can be counted")));
        // Once they may be read, they are, and the warning goes.
        rig.server.model().refused.clear();
        rig.until(|signal| (*signal == Signal::Warnings(vec![])).then_some(())).await;
        let slos = rig.slos(|slos| matches!(slos[0].sli, Sli::Understood(_))).await;
        assert_eq!(slos.len(), 1);
        let trouble = |s: &Signal| matches!(s, Signal::Health(_, Health::Down(_) | Health::Forbidden(_)));
        assert!(!rig.heard.iter().any(trouble), "{status}: {:?}", rig.heard);
    }
}

#[tokio::test]
async fn an_essential_question_that_is_refused_is_the_health_and_the_others_go_on() {
    let mut rig = Rig::new(|model| {
        model.sloth("shop-requests", &[Labels::new()]);
        model.refused.insert(R5M, 403);
    })
    .await;
    let slo = rig.synced().await.remove(0);
    assert_eq!((value(&slo, "5m"), value(&slo, "1h")), (Value::Absent, Value::Number(0.0005)));
    assert!(rig.heard.iter().any(|s| matches!(s, Signal::Health(_, Health::Forbidden(_)))));
    rig.server.model().refused.clear();
    rig.slos(|slos| value(&slos[0], "5m") == Value::Number(0.0005)).await;
}

#[tokio::test]
async fn alerts_that_cannot_be_read_are_no_health_to_rely_on_although_ratios_go_on() {
    let mut rig = Rig::new(|model| model.sloth("shop-requests", &[Labels::new()])).await;
    rig.synced().await;
    rig.server.model().refused.insert(ALERTS, 500);
    rig.until(|s| matches!(s, Signal::Health(Source::Prometheus, Health::Down(_))).then_some(())).await;
    rig.until(|signal| warns(signal, ALERTS).then_some(())).await;
    for _ in 0..3 {
        rig.slos(|slos| value(&slos[0], "5m") == Value::Number(0.0005)).await;
    }
    rig.server.model().refused.clear();
    rig.until(|signal| (*signal == Signal::Health(Source::Prometheus, Health::Live)).then_some(())).await;
}

#[tokio::test]
async fn warnings_are_told_and_taken_back() {
    let mut rig = Rig::new(|model| {
        model.sloth("shop-requests", &[Labels::new()]);
        model.warnings = vec!["store 3 did not answer"];
    })
    .await;
    rig.until(|signal| {
        (*signal == Signal::Warnings(vec![Clean::from("store 3 did not answer")])).then_some(())
    })
    .await;
    rig.server.model().warnings.clear();
    rig.until(|signal| (*signal == Signal::Warnings(vec![])).then_some(())).await;
}

#[tokio::test]
async fn an_inquiry_is_answered_in_counts() {
    let mut rig = Rig::new(|model| model.sloth("shop-requests", &[Labels::new()])).await;
    let slo = rig.synced().await.remove(0);
    let Sli::Understood(sli) = &slo.sli else { panic!("{:?}", slo.sli) };
    let split = ["pod", "pod_template_hash"];
    let (ten, five) = (Window::minutes(10), Window::minutes(5));
    let a = labels(&[("pod", "a"), ("pod_template_hash", "1")]);
    let b = labels(&[("pod", "b"), ("pod_template_hash", "2")]);
    {
        let mut model = rig.server.model();
        model.put(r#"max(count_over_time(requests_total{service="shop"}[2m]))"#, &Labels::new(), "8");
        model.put(&sli.bad_increase(ten, &split), &b, "12");
        model.put(&sli.bad_increase(ten, &split), &Labels::new(), "3");
        model.put(&sli.total_increase(ten, &split), &a, "100");
        model.put(&sli.total_increase(ten, &split), &b, "50");
        model.put(&sli.total_increase(ten, &split), &labels(&[("pod", "c")]), "NaN");
        model.put(&sli.total_increase(five, &[]), &Labels::new(), "40");
        let end = |n: i64| BEGIN + 300 * n;
        model.ranges.insert(sli.bad_increase(five, &[]), vec![(Labels::new(), vec![(end(2), "4")])]);
        model.ranges.insert(
            sli.total_increase(five, &[]),
            vec![(Labels::new(), vec![(end(1), "10"), (end(2), "20")])],
        );
        let served = vec![(end(1), "10"), (end(2), "20"), (end(3), "0"), (end(4), "1")];
        model.ranges.insert(sli.total_increase(five, &split), vec![(a, served)]);
    }
    let at = |seconds: i64| Time::from_timestamp(BEGIN + seconds, 0).expect("a time");
    let counts = Ask::Counts { purpose: Purpose::SinceChange, from: at(0), to: at(600) };
    let buckets = Ask::Buckets { from: at(0), to: at(1_000), step: five };
    let served = Ask::Served { from: at(0), to: at(1_200), step: five };
    let newest = Ask::Newest { from: at(900), to: at(1_200) };
    let inquiry =
        Inquiry { number: 3, slo: slo.id.clone(), asks: vec![Ask::Scrape, counts, buckets, served, newest] };
    let findings = answer(&rig.client, &slo, inquiry, at(1_200), TimeDelta::zero()).await;
    assert_eq!((findings.number, findings.queries), (3, 7));
    let found: Vec<&Finding> = findings.answers.iter().map(|(_, f)| f.as_ref().expect("an answer")).collect();
    let [
        Finding::Scrape(scrape),
        Finding::Counts(counts),
        Finding::Buckets(buckets),
        Finding::Served(served),
        Finding::Newest(newest),
    ] = found[..]
    else {
        panic!("{found:?}");
    };
    assert_eq!((*scrape, *newest), (Some(Window::from_secs(15)), 40.0));
    let rows: Vec<(Option<&str>, f64, f64)> =
        counts.iter().map(|c| (c.pod.as_ref().map(Clean::as_str), c.bad, c.total)).collect();
    assert_eq!(rows, [(None, 3.0, 3.0), (Some("a"), 0.0, 100.0), (Some("b"), 12.0, 50.0)]);
    let cells: Vec<(i64, Option<f64>, Option<f64>)> =
        buckets.iter().map(|b| (b.end.timestamp() - BEGIN, b.bad, b.total)).collect();
    assert_eq!(cells, [(300, None, Some(10.0)), (600, Some(4.0), Some(20.0)), (900, None, None)]);
    assert_eq!(served.len(), 1);
    assert_eq!(served[0].stretches, [(at(0), at(600)), (at(900), at(1_200))]);
}

#[tokio::test]
async fn what_our_clock_measured_is_asked_for_in_the_servers_time() {
    let mut rig = Rig::new(|model| model.sloth("shop-requests", &[Labels::new()])).await;
    let slo = rig.synced().await.remove(0);
    let at = |seconds: i64| Time::from_timestamp(BEGIN + seconds, 0).expect("a time");
    let ask = |purpose| Ask::Counts { purpose, from: at(0), to: at(100) };
    let newest = Ask::Newest { from: at(0), to: at(100) };
    // Server minus ours; then for verification and for a change of the API server's time: window and evaluation.
    for (clock, verify, change) in [
        (900, ("[100s]", 100), ("[100s]", 100)),
        (30_000, ("[100s]", 130), ("[100s]", 100)),
        (-30_000, ("[100s]", 70), ("[70s]", 70)),
    ] {
        for (ask, queries, (window, end)) in [
            (ask(Purpose::Verify), 2, verify),
            (ask(Purpose::SinceChange), 2, change),
            (newest.clone(), 1, verify),
        ] {
            rig.server.times.lock().expect("no panic").clear();
            let inquiry = Inquiry { number: 1, slo: slo.id.clone(), asks: vec![ask.clone()] };
            let clock = TimeDelta::milliseconds(clock);
            let findings = answer(&rig.client, &slo, inquiry, at(100), clock).await;
            assert_eq!(findings.answers[0].0, ask, "the question comes back as it was put");
            let times = rig.server.times.lock().expect("no panic").clone();
            assert_eq!(times.len(), queries);
            for (query, time) in times {
                assert!(query.contains(window), "{clock} {ask:?}: {query}");
                assert_eq!(time, format!("{}.000", BEGIN + end), "{clock} {ask:?}");
            }
        }
    }
}

#[tokio::test]
async fn warnings_beside_an_answer_to_an_inquiry_are_carried_with_it() {
    let mut rig = Rig::new(|model| model.sloth("shop-requests", &[Labels::new()])).await;
    let slo = rig.synced().await.remove(0);
    rig.server.model().warnings = vec!["store 3 did not answer"];
    let at = |seconds: i64| Time::from_timestamp(BEGIN + seconds, 0).expect("a time");
    let counts = Ask::Counts { purpose: Purpose::Verify, from: at(0), to: at(600) };
    let step = Window::minutes(5);
    let asks = vec![
        // Too short for a bucket: nothing is asked, and nobody warns.
        Ask::Buckets { from: at(0), to: at(1), step },
        counts,
        Ask::Served { from: at(0), to: at(1_200), step },
    ];
    let inquiry = Inquiry { number: 1, slo: slo.id.clone(), asks };
    let findings = answer(&rig.client, &slo, inquiry, at(1_200), TimeDelta::zero()).await;
    let why = || Clean::from("store 3 did not answer");
    assert_eq!(findings.partial, [(1, why()), (2, why())]);
}

/// The counts of a week are too much, those of a day are not.
fn only_a_day(query: &str) -> Option<(u16, Json)> {
    query.contains("[7d]").then(|| {
        (422, json!({"status": "error", "errorType": "execution", "error": "query processing would load too many samples"}))
    })
}

#[tokio::test]
async fn a_past_that_is_too_long_is_shortened_and_says_so_by_its_begin() {
    let mut rig = Rig::new(|model| {
        model.sloth("shop-requests", &[Labels::new()]);
        model.other = Some(only_a_day);
    })
    .await;
    let slo = rig.synced().await.remove(0);
    let to = Time::from_timestamp(BEGIN, 0).expect("a time");
    let from = to - Window::days(7).delta();
    let ask = |purpose| Ask::Counts { purpose, from, to };
    let inquiry = Inquiry {
        number: 1,
        slo: slo.id.clone(),
        asks: vec![ask(Purpose::History), ask(Purpose::SinceChange)],
    };
    let findings = answer(&rig.client, &slo, inquiry, to, TimeDelta::zero()).await;
    let (asked, found) = &findings.answers[0];
    let from = to - Window::days(1).delta();
    let purpose = Purpose::History;
    assert_eq!((asked, found), (&Ask::Counts { purpose, from, to }, &Ok(Finding::Counts(vec![]))));
    assert!(findings.answers[1].1.as_ref().is_err_and(|why| why.as_str().contains("too many samples")));
    assert_eq!(findings.queries, 6);
    // Never more than eight queries: where the others cost too much, the question fails and is asked again, shorter.
    let many = [Purpose::SinceChange, Purpose::Verify, Purpose::Interval(0)];
    let asks = std::iter::once(Purpose::History).chain(many).map(ask).collect();
    let inquiry = Inquiry { number: 2, slo: slo.id.clone(), asks };
    let findings = answer(&rig.client, &slo, inquiry, to, TimeDelta::zero()).await;
    assert!(findings.answers[0].1.is_err());
    assert_eq!(findings.queries, 8);
}

#[tokio::test]
async fn it_ends_when_nobody_listens() {
    let rig = Rig::new(|model| model.sloth("shop-requests", &[Labels::new()])).await;
    let Rig { signals, source, .. } = rig;
    drop(signals);
    let ended = tokio::time::timeout(Duration::from_secs(60), source).await;
    assert!(ended.is_ok_and(|task| task.is_ok()));
}

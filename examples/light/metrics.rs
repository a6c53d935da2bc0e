//! A fake Prometheus on loopback with any number of SLOs as Sloth records them, none of which burns. It knows the queries
//! of a cycle by their metric and answers every other one with a single series, counts what it is asked and how much of
//! it at the same time. On order it says that an SLO burns.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;

use crate::objects::{name, namespace};

/// Recorded windows, the period's own included.
const WINDOWS: [&str; 8] = ["5m", "30m", "1h", "2h", "6h", "1d", "3d", "30d"];
const BUDGET: f64 = 0.001;
/// How long an answer takes, so that requests at the same time meet.
const TAKES: Duration = Duration::from_millis(3);

/// The fake server; its tasks end with the runtime.
#[derive(Clone)]
pub struct Metrics {
    /// `http://127.0.0.1:<port>`.
    pub url: String,
    shared: Arc<Shared>,
}

struct Shared {
    slos: usize,
    asked: Mutex<BTreeMap<String, u64>>,
    under_way: AtomicUsize,
    most: AtomicUsize,
    rules: String,
}

impl Metrics {
    /// A server that records so many SLOs, one for each of the first Deployments.
    pub async fn start(slos: usize) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            slos,
            asked: Mutex::default(),
            under_way: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
            rules: rules(slos),
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let router = Router::new().fallback(answer).with_state(Arc::clone(&shared));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { url, shared })
    }

    /// Requests by query or path, and none from here on.
    pub fn take_asked(&self) -> BTreeMap<String, u64> {
        std::mem::take(&mut self.shared.asked.lock().expect("lock"))
    }

    /// The most requests that were under way at a time.
    pub fn most_at_once(&self) -> usize {
        self.shared.most.load(Ordering::SeqCst)
    }
}

/// Counts a request for as long as it is under way.
struct UnderWay<'a>(&'a Shared);

impl<'a> UnderWay<'a> {
    fn new(shared: &'a Shared) -> Self {
        let now = shared.under_way.fetch_add(1, Ordering::SeqCst) + 1;
        shared.most.fetch_max(now, Ordering::SeqCst);
        Self(shared)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::SeqCst);
    }
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let _under_way = UnderWay::new(&shared);
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, 1 << 20).await.unwrap_or_default();
    let path = parts.uri.path();
    let form = format!("{}&{}", parts.uri.query().unwrap_or_default(), String::from_utf8_lossy(&body));
    let query = decoded(&form, "query");
    let what = query.clone().unwrap_or_else(|| path.to_owned());
    *shared.asked.lock().expect("lock").entry(what).or_default() += 1;
    tokio::time::sleep(TAKES).await;
    let now = chrono::Utc::now().timestamp_millis() as f64 / 1e3;
    let data = match (path, query) {
        ("/api/v1/status/buildinfo", _) => {
            "{\"version\":\"3.5.0\",\"revision\":\"bench\",\"branch\":\"HEAD\"}".to_owned()
        }
        ("/api/v1/rules", _) => shared.rules.clone(),
        ("/api/v1/query", Some(query)) => vector(&shared, &query, now),
        ("/api/v1/query_range", Some(_)) => range(&form),
        _ => return response(404, "404 page not found\n".into()),
    };
    response(200, format!("{{\"status\":\"success\",\"data\":{data}}}"))
}

fn response(status: u16, body: String) -> Response {
    let kind = if status == 200 { "application/json" } else { "text/plain" };
    Response::builder()
        .status(status)
        .header("content-type", kind)
        .body(Body::from(body))
        .expect("a response")
}

/// A parameter of a query or a form.
fn decoded(form: &str, name: &str) -> Option<String> {
    let value = form.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))?;
    let (mut out, mut bytes) = (Vec::new(), value.bytes());
    while let Some(byte) = bytes.next() {
        match byte {
            b'+' => out.push(b' '),
            b'%' => {
                let digits = [bytes.next()?, bytes.next()?];
                out.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
            }
            other => out.push(other),
        }
    }
    String::from_utf8(out).ok()
}

fn labels(slo: usize) -> String {
    let service = name(slo);
    format!(
        "\"namespace\":\"{}\",\"sloth_id\":\"{service}-availability\",\"sloth_service\":\"{service}\",\"sloth_slo\":\"availability\"",
        namespace(slo)
    )
}

/// Error ratio of an SLO: none burns, and no two are alike.
fn ratio(slo: usize, window: usize) -> f64 {
    let varied = (slo * 37 + window * 11) % 97;
    BUDGET * (0.02 + varied as f64 / 200.0)
}

/// All series of a metric, or the one series of anything else.
fn vector(shared: &Shared, query: &str, now: f64) -> String {
    let bare = query.strip_prefix("timestamp(").and_then(|rest| rest.strip_suffix(')'));
    let metric = bare.unwrap_or(query);
    let window = metric
        .strip_prefix("slo:sli_error:ratio_rate")
        .and_then(|w| WINDOWS.iter().position(|own| *own == w));
    let value = |slo: usize| -> Option<f64> {
        Some(match metric {
            _ if bare.is_some() => now.floor(),
            "sloth_slo_info" => 1.0,
            "slo:objective:ratio" => 1.0 - BUDGET,
            "slo:time_period:days" => 30.0,
            "slo:period_error_budget_remaining:ratio" => 1.0 - ratio(slo, 7) / BUDGET,
            _ => ratio(slo, window?),
        })
    };
    let mut out = "{\"resultType\":\"vector\",\"result\":[".to_owned();
    let one = |out: &mut String, labels: &str, value: f64| {
        let comma = if out.ends_with('[') { "" } else { "," };
        let _ = write!(out, "{comma}{{\"metric\":{{{labels}}},\"value\":[{now:.3},\"{value}\"]}}");
    };
    if metric == "count(slo:objective:ratio)" {
        one(&mut out, "", shared.slos as f64);
    } else if value(0).is_some() {
        for slo in 0..shared.slos {
            let window = window.map_or(String::new(), |w| format!(",\"sloth_window\":\"{}\"", WINDOWS[w]));
            one(&mut out, &format!("{}{window}", labels(slo)), value(slo).unwrap_or_default());
        }
    } else if !metric.starts_with("ALERTS") {
        one(&mut out, "", 8.0);
    }
    out.push_str("]}");
    out
}

/// One series that is flat over the range.
fn range(form: &str) -> String {
    let number = |name: &str| decoded(form, name).and_then(|text| text.parse::<f64>().ok());
    let (Some(start), Some(end), Some(step)) = (number("start"), number("end"), number("step")) else {
        return "{\"resultType\":\"matrix\",\"result\":[]}".to_owned();
    };
    let steps = ((end - start) / step.max(1.0)).clamp(0.0, 11_000.0) as usize;
    let values: Vec<String> = (0..=steps).map(|n| format!("[{},\"100\"]", start + n as f64 * step)).collect();
    format!(
        "{{\"resultType\":\"matrix\",\"result\":[{{\"metric\":{{}},\"values\":[{}]}}]}}",
        values.join(",")
    )
}

/// The rules in the shape in which Sloth writes them.
fn rules(slos: usize) -> String {
    let mut groups = Vec::new();
    for slo in 0..slos {
        let (service, space) = (name(slo), namespace(slo));
        let of = |code: &str, window: &str| {
            format!(
                "sum(rate(http_requests_total{{{code}deployment=\\\"{service}\\\",namespace=\\\"{space}\\\"}}[{window}]))"
            )
        };
        let record = |window: &&str| {
            let query = format!("{} / {}", of("code=~\\\"5..\\\",", window), of("", window));
            format!(
                "{{\"name\":\"slo:sli_error:ratio_rate{window}\",\"query\":\"{query}\",\"labels\":{{{},\"sloth_window\":\"{window}\"}},\"health\":\"ok\",\"type\":\"recording\"}}",
                labels(slo)
            )
        };
        let records: Vec<String> = WINDOWS.iter().map(record).collect();
        groups.push(format!("{{\"name\":\"sloth-slo-sli-recordings-{service}\",\"file\":\"slo.yaml\",\"interval\":30,\"rules\":[{}]}}", records.join(",")));
        let burns = |window: &str, factor: &str| {
            format!(
                "(slo:sli_error:ratio_rate{window}{{sloth_id=\\\"{service}-availability\\\"}} > ({factor} * {BUDGET}))"
            )
        };
        let pair = |short: &str, long: &str, factor: &str| {
            format!("({} and {})", burns(short, factor), burns(long, factor))
        };
        let page = format!("{} or {}", pair("5m", "1h", "14.4"), pair("30m", "6h", "6"));
        let ticket = format!("{} or {}", pair("2h", "1d", "3"), pair("6h", "3d", "1"));
        let alert = |name: &str, severity: &str, query: &str| {
            format!(
                "{{\"state\":\"inactive\",\"name\":\"{name}\",\"query\":\"{query}\",\"duration\":0,\"labels\":{{{},\"sloth_severity\":\"{severity}\"}},\"annotations\":{{}},\"alerts\":[],\"health\":\"ok\",\"type\":\"alerting\"}}",
                labels(slo)
            )
        };
        groups.push(format!(
            "{{\"name\":\"sloth-slo-alerts-{service}\",\"file\":\"slo.yaml\",\"interval\":30,\"rules\":[{},{}]}}",
            alert("ErrorBudgetBurn", "page", &page),
            alert("ErrorBudgetBurnSlow", "ticket", &ticket)
        ));
    }
    format!("{{\"groups\":[{}]}}", groups.join(","))
}

//! The Prometheus client against a server over real HTTP: recorded answers of a real Prometheus, and everything that a
//! server, a proxy or a network can do to an answer.

use std::collections::BTreeMap;
use std::future::Future;
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{Response, header};
use goaround::domain::Time;
use goaround::domain::value::Value;
use goaround::domain::window::Window;
use goaround::sources::prometheus::discovery::{NotFound, PortSeen, ServiceSeen, discover};
use goaround::sources::prometheus::{
    Answer, Basic, Client, Direct, Health, PromError, Rule, Series, ServiceProxy, TlsFault,
};
use serde_json::Value as Json;

/// A request as a server sees it.
#[derive(Clone, Debug)]
struct Asked {
    method: String,
    path: String,
    /// Of the query or of the form.
    parameters: BTreeMap<String, String>,
    headers: BTreeMap<String, String>,
}

/// What the server was asked so far.
type Seen = Arc<Mutex<Vec<Asked>>>;

async fn read(request: Request) -> Asked {
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.expect("a body");
    let form = if head.method == "POST" {
        String::from_utf8(body.to_vec()).expect("a form")
    } else {
        head.uri.query().unwrap_or_default().to_owned()
    };
    let parameters = reqwest::Url::parse(&format!("http://x/?{form}")).expect("parameters");
    Asked {
        method: head.method.to_string(),
        path: head.uri.path().to_owned(),
        parameters: parameters.query_pairs().into_owned().collect(),
        headers: head
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap_or_default().to_owned()))
            .collect(),
    }
}

/// A server on a free port of loopback that answers with `answer`, and what it was asked.
async fn serve<A, F>(answer: A) -> (SocketAddr, Seen)
where
    A: Fn(Asked) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response<Body>> + Send + 'static,
{
    // A second call fails because the first one has succeeded.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let seen = Seen::default();
    let noted = Arc::clone(&seen);
    let app = axum::Router::new().fallback(move |request: Request| {
        let (answer, noted) = (answer.clone(), Arc::clone(&noted));
        async move {
            let asked = read(request).await;
            noted.lock().expect("no panic").push(asked.clone());
            answer(asked).await
        }
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, app).await });
    (address, seen)
}

fn reply(status: u16, content_type: &str, body: impl Into<Body>) -> Response<Body> {
    Response::builder()
        .status(status)
        .header(header::CONTENT_TYPE, content_type)
        .body(body.into())
        .expect("a response")
}

fn json(status: u16, body: impl Into<Body>) -> Response<Body> {
    reply(status, "application/json", body)
}

async fn client_for(address: SocketAddr) -> Client {
    direct(Direct { url: format!("http://{address}"), ..Direct::default() }).await
}

async fn direct(direct: Direct) -> Client {
    Client::direct(direct).await.expect("a client")
}

/// The answer to `up` of a server that always says the same.
async fn up(
    status: u16,
    content_type: &'static str,
    body: &'static str,
) -> Result<Answer<Vec<Series>>, PromError> {
    let (address, _) = serve(move |_| async move { reply(status, content_type, body) }).await;
    client_for(address).await.query("up", None).await
}

async fn fails(status: u16, content_type: &'static str, body: &'static str) -> PromError {
    up(status, content_type, body).await.expect_err("an error")
}

fn fixtures() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/prom-api")
}

// ---- recorded answers -------------------------------------------------------------------------------------------

/// The recorded answer to a request: the one with the most parameters, all of which must be equal.
async fn recorded(asked: Asked) -> Response<Body> {
    let index: Json =
        serde_json::from_slice(&std::fs::read(fixtures().join("INDEX.json")).expect("the index"))
            .expect("JSON");
    let text = |value: &Json| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let entry = index["files"]
        .as_array()
        .expect("entries")
        .iter()
        .filter(|entry| entry["request"]["path"] == asked.path.as_str())
        .filter_map(|entry| {
            let wanted = entry["request"]["params"].as_object().expect("parameters");
            wanted
                .iter()
                .filter(|(name, _)| *name != "timeout")
                .all(|(name, value)| {
                    asked.parameters.get(name).is_some_and(|given| same(given, &text(value)))
                })
                .then_some((wanted.len(), entry))
        })
        .max_by_key(|(parameters, _)| *parameters)
        .map(|(_, entry)| entry)
        .expect("a recorded answer");
    let body = std::fs::read(fixtures().join(entry["file"].as_str().expect("a file"))).expect("a body");
    let status = u16::try_from(entry["status"].as_u64().expect("a status")).expect("a status");
    reply(status, entry["content_type"].as_str().unwrap_or("application/json"), body)
}

/// Equal as text or as a number: the client writes times with milliseconds.
fn same(a: &str, b: &str) -> bool {
    a == b || a.parse::<f64>().ok().is_some_and(|a| b.parse() == Ok(a))
}

fn at(seconds: i64) -> Time {
    Time::from_timestamp(seconds, 0).expect("a time")
}

async fn replayed() -> Client {
    client_for(serve(recorded).await.0).await
}

fn values(answer: &Answer<Vec<Series>>, label: &str) -> Vec<(String, Value)> {
    answer
        .data
        .iter()
        .map(|series| (series.labels.get(label).map(ToString::to_string).unwrap_or_default(), series.value))
        .collect()
}

#[tokio::test]
async fn burn_rates_keep_nan_and_infinity_apart_from_numbers() {
    let client = replayed().await;
    let burn = client
        .query(r#"slo:current_burn_rate:ratio{sloth_service!~"svc.*"}"#, None)
        .await
        .expect("an answer");
    let mut found = values(&burn, "sloth_service");
    found.sort_by(|a, b| a.0.cmp(&b.0));
    assert!(
        matches!(found[0], (ref name, Value::Number(burn)) if name == "checkout" && burn > 100.0),
        "{found:?}"
    );
    assert_eq!(found[1], ("idle".to_owned(), Value::NaN));
    assert_eq!(found[2], ("perfect".to_owned(), Value::Infinite { negative: false }));
    assert_eq!(burn.data[0].at.timestamp(), 1_795_227_776);
    assert_eq!(burn.bytes, 676);
    assert!(burn.server_date.is_some() && burn.warnings.is_empty());

    let all = client
        .query(r#"label_replace(vector(1)/0,"k","pinf","","") or label_replace(vector(-1)/0,"k","ninf","","") or label_replace(vector(0)/0,"k","nan","","")"#, None)
        .await
        .expect("an answer");
    assert_eq!(
        values(&all, "k"),
        [
            ("pinf".to_owned(), Value::Infinite { negative: false }),
            ("ninf".to_owned(), Value::Infinite { negative: true }),
            ("nan".to_owned(), Value::NaN),
        ]
    );
}

#[tokio::test]
async fn no_series_is_an_answer_and_a_scalar_is_one_series() {
    let client = replayed().await;
    assert_eq!(client.query("does_not_exist", None).await.expect("an answer").data, []);
    let scalar = client.query("scalar(vector(1))", None).await.expect("an answer");
    assert_eq!(values(&scalar, "x"), [(String::new(), Value::Number(1.0))]);
}

#[tokio::test]
async fn a_range_keeps_its_gaps_and_its_nan() {
    let client = replayed().await;
    let (start, end) = (at(1_795_227_300), at(1_795_227_776));
    let gap = client
        .query_range(
            r#"slo:current_burn_rate:ratio{sloth_service="idle"}"#,
            start,
            end,
            Window::from_secs(15),
        )
        .await
        .expect("an answer");
    assert!(gap.data[0].samples.iter().any(|sample| sample.value == Value::NaN));
    let week = client
        .query_range(
            r#"slo:current_burn_rate:ratio{sloth_id="svc000-slo0"}"#,
            at(1_794_622_800),
            at(1_795_227_600),
            Window::hours(1),
        )
        .await
        .expect("an answer");
    assert_eq!(week.data[0].samples.len(), 169);
    assert_eq!(week.data[0].samples[168].at, at(1_795_227_600));
}

#[tokio::test]
async fn what_a_server_refuses_is_told_apart_and_keeps_its_words() {
    let client = replayed().await;
    let (start, end) = (at(1_794_622_800), at(1_795_227_600));
    let quarter = Window::minutes(15);
    for (error, words) in [
        (
            client.query("sum(rate(x[5m])", None).await.map(drop),
            "does not accept the query: invalid parameter",
        ),
        (client.query_range("up", start, end, Window::from_secs(15)).await.map(drop), "11,000 points"),
        (
            client.query_range("up", at(1_795_227_540), end, Window::from_secs(0)).await.map(drop),
            "zero or negative",
        ),
    ] {
        let error = error.expect_err(words);
        assert!(matches!(error, PromError::BadData { .. }) && error.to_string().contains(words), "{error}");
    }
    let collide = r#"{__name__=~"slo:sli_error:ratio_rate(5m|1h)",sloth_id="svc000-slo0"} * on() group_left {__name__=~"slo:objective:ratio",sloth_id=~"svc00.*"}"#;
    for (error, words) in [
        (client.query(collide, None).await.map(drop), "many-to-many"),
        (
            client.query_range("slo:current_burn_rate:ratio", start, end, Window::minutes(1)).await.map(drop),
            "too many samples",
        ),
        (
            client
                .query_range("sum by(sloth_id)(rate(slo:current_burn_rate:ratio[1d]))", start, end, quarter)
                .await
                .map(drop),
            "timed out",
        ),
    ] {
        let error = error.expect_err(words);
        assert!(matches!(error, PromError::Execution { .. }) && error.to_string().contains(words), "{error}");
    }
    // None of these gets better by asking again.
    assert_eq!(client.sent(), 6);
}

#[tokio::test]
async fn rules_are_read_with_their_alerts() {
    // The recording was made with type=alert, which the client does not ask for.
    let body = std::fs::read(fixtures().join("rules_alert.json")).expect("a body");
    let (address, _) = serve(move |_| {
        let body = body.clone();
        async move { json(200, body) }
    })
    .await;
    let groups = client_for(address).await.rules().await.expect("an answer").data;
    assert_eq!(groups[0].name, "broken");
    assert!(groups[0].rules.is_empty());
    let alerting: Vec<_> = groups
        .iter()
        .flat_map(|group| &group.rules)
        .map(|rule| match rule {
            Rule::Alerting(alerting) => alerting,
            Rule::Recording(recording) => panic!("{recording:?}"),
        })
        .collect();
    let pending = alerting.iter().find(|rule| rule.name == "SlowPending").expect("the rule");
    assert_eq!((pending.state.as_str(), pending.duration_s, pending.health), ("pending", 600.0, Health::Ok));
    assert_eq!(pending.alerts[0].value, Value::Number(1.0));
    assert_eq!(pending.alerts[0].active_at.map(|at| at.timestamp()), Some(1_795_227_675));
    let burn = alerting.iter().find(|rule| rule.name == "CheckoutAvailabilityBurn").expect("the rule");
    assert_eq!(burn.labels["sloth_severity"], "page");
    let pairs = goaround::domain::sli::window_pairs(burn.expr.as_query(), None);
    assert_eq!(pairs.iter().map(|pair| pair.factor).collect::<Vec<_>>(), [14.4, 6.0]);
}

#[tokio::test]
async fn a_recording_rule_with_an_error_and_rules_of_other_servers_are_read() {
    let body = r#"{"status":"success","data":{"groups":[{"name":"g","file":"f","interval":30,"rules":[
        {"name":"slo:x:ratio","query":"a /\nb","labels":null,"health":"err","lastError":"many-to-many","type":"recording"},
        {"name":"r2","query":"a","health":"unknown","lastError":"","type":"recording"},
        {"state":"inactive","name":"A","query":"a","duration":60,"labels":{},"annotations":null,"alerts":null,"health":"new word","type":"alerting"}
    ]},{"name":"empty","rules":null}]}}"#;
    let (address, _) = serve(move |_| async move { json(200, body) }).await;
    let groups = client_for(address).await.rules().await.expect("an answer").data;
    let [Rule::Recording(one), Rule::Recording(two), Rule::Alerting(three)] = &groups[0].rules[..] else {
        panic!("{groups:?}");
    };
    assert_eq!((one.expr.as_query(), one.health), ("a /\nb", Health::Err));
    assert_eq!(one.last_error.as_ref().map(ToString::to_string), Some("many-to-many".to_owned()));
    assert_eq!((two.health, &two.last_error), (Health::Unknown, &None));
    assert_eq!((three.health, three.alerts.len()), (Health::Unknown, 0));
}

#[tokio::test]
async fn build_and_retention_are_read() {
    let client = replayed().await;
    assert_eq!(client.buildinfo().await.expect("an answer").data.version, "2.42.0+ds");
    let runtime = client.runtimeinfo().await.expect("an answer").data;
    assert_eq!(runtime.retention, Some(Window::days(15)));
    assert!(runtime.started.is_some());
    let (address, _) =
        serve(|_| async { json(200, r#"{"status":"success","data":{"storageRetention":"1w3d or 10GiB"}}"#) })
            .await;
    let runtime = client_for(address).await.runtimeinfo().await.expect("an answer").data;
    assert_eq!(runtime.retention, Some(Window::days(10)));
}

// ---- on the wire ------------------------------------------------------------------------------------------------

const EMPTY: &str = r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#;

#[tokio::test]
async fn a_short_query_is_a_get_and_a_long_one_a_form() {
    let (address, seen) = serve(|_| async { json(200, EMPTY) }).await;
    let client = direct(Direct { url: format!("http://{address}/prefix/"), ..Direct::default() })
        .await
        .with_timeout(Duration::from_secs(7));
    let long = format!("up{{a=\"é b&c=+%\",b=\"{}\"}}", "x".repeat(4_100));
    client.query("up + on(a) b", Some(at(1_795_227_600))).await.expect("an answer");
    client.query(&long, None).await.expect("an answer");
    let seen = seen.lock().expect("no panic").clone();
    assert_eq!((seen[0].method.as_str(), seen[0].path.as_str()), ("GET", "/prefix/api/v1/query"));
    assert_eq!(seen[0].parameters["query"], "up + on(a) b");
    assert_eq!(seen[0].parameters["time"], "1795227600.000");
    assert_eq!(seen[0].parameters["timeout"], "7000ms");
    assert_eq!((seen[1].method.as_str(), &seen[1].parameters["query"]), ("POST", &long));
    assert_eq!(client.sent(), 2);
}

#[tokio::test]
async fn a_rotated_token_is_used_from_the_next_request_on() {
    let (address, seen) = serve(|_| async { json(200, EMPTY) }).await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("token");
    std::fs::write(&file, "first\n").expect("written");
    let client = direct(Direct {
        url: format!("http://{address}"),
        bearer_file: Some(file.clone()),
        headers: vec![("X-Scope-OrgID".to_owned(), "team".to_owned())],
        ..Direct::default()
    })
    .await;
    client.query("up", None).await.expect("an answer");
    std::fs::write(&file, "second").expect("written");
    client.query("up", None).await.expect("an answer");
    {
        let seen = seen.lock().expect("no panic");
        assert_eq!(seen[0].headers["authorization"], "Bearer first");
        assert_eq!(seen[0].headers["x-scope-orgid"], "team");
        assert_eq!(seen[1].headers["authorization"], "Bearer second");
    }
    for content in ["", "a\nb"] {
        std::fs::write(&file, content).expect("written");
        let error = client.query("up", None).await.expect_err("no token");
        assert!(matches!(error, PromError::Credential { .. }), "{error}");
    }
    std::fs::remove_file(&file).expect("removed");
    let error = client.query("up", None).await.expect_err("no token").to_string();
    assert!(error.contains(&*file.to_string_lossy()) && error.contains("hint:"), "{error}");
}

#[tokio::test]
async fn a_basic_login_comes_from_a_file_or_from_the_url_and_never_shows() {
    let (address, seen) = serve(|_| async { reply(401, "text/plain", "no") }).await;
    let folder = tempfile::tempdir().expect("a folder");
    let password_file = folder.path().join("password");
    std::fs::write(&password_file, "s3cret\n").expect("written");
    let from_file = direct(Direct {
        url: format!("http://{address}"),
        basic: Some(Basic { user: "ann".to_owned(), password_file }),
        ..Direct::default()
    })
    .await;
    let from_url =
        direct(Direct { url: format!("http://ann:s3%63ret@{address}"), ..Direct::default() }).await;
    for client in [from_file, from_url] {
        let error = client.query("up", None).await.expect_err("401");
        assert_eq!(error, PromError::Unauthorized { at: format!("http://{address}/api/v1/query").into() });
        assert!(!format!("{error} {error:?} {}", client.name()).contains("s3"), "{error:?}");
    }
    // printf ann:s3cret | base64
    for asked in seen.lock().expect("no panic").iter() {
        assert_eq!(asked.headers["authorization"], "Basic YW5uOnMzY3JldA==");
    }
}

#[tokio::test]
async fn settings_that_cannot_work_are_refused_before_a_request() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let url = |url: &str| Direct { url: url.to_owned(), ..Direct::default() };
    let header = |name: &str, value: &str| Direct {
        headers: vec![(name.to_owned(), value.to_owned())],
        ..url("http://a")
    };
    let empty = tempfile::NamedTempFile::new().expect("a file");
    for settings in [
        url(""),
        url("a:9090"),
        url("ftp://u:s3cret@a"),
        url("http://u:s3cret@"),
        url("http://u:s3cret@a/?x=1"),
        url("http://u:s3cret@[::"),
        header("a b", "s3cret"),
        header("a", "s3cret\n"),
        Direct { bearer_file: Some("/x".into()), ..url("http://u:s3cret@a") },
        Direct { ca_file: Some("/does/not/exist".into()), ..url("https://a") },
        Direct { ca_file: Some(empty.path().to_owned()), ..url("https://a") },
    ] {
        let error = Client::direct(settings).await.err().expect("an error");
        let text = format!("{error} {error:?}");
        assert!(matches!(error, PromError::Setting { .. }), "{text}");
        assert!(text.contains("hint:") && !text.contains("s3cret"), "{text}");
    }
}

// ---- everything that goes wrong ---------------------------------------------------------------------------------

#[tokio::test]
async fn a_page_for_people_is_not_an_answer() {
    for (status, content_type) in
        [(200, "text/html; charset=utf-8"), (502, "text/html"), (200, "application/json")]
    {
        let error = fails(status, content_type, "\n<!doctype html><title>Log in</title>").await;
        assert!(matches!(error, PromError::Html { status: s, .. } if s == status), "{error}");
    }
}

#[tokio::test]
async fn a_redirect_is_named_without_its_secrets_and_not_followed() {
    let (address, seen) = serve(|_| async {
        Response::builder()
            .status(302)
            .header("location", "https://u:s3cret@login.example/in?token=s3cret#s3cret")
            .body(Body::empty())
            .expect("a response")
    })
    .await;
    let error = client_for(address).await.query("up", None).await.expect_err("a redirect").to_string();
    assert!(error.contains("https://login.example/in;") && !error.contains("s3cret"), "{error}");
    assert_eq!(seen.lock().expect("no panic").len(), 1);
}

#[tokio::test]
async fn a_server_that_never_answers_times_out() {
    let (address, _) = serve(|_| std::future::pending()).await;
    let client = client_for(address).await.with_timeout(Duration::from_millis(30));
    let error = client.query("up", None).await.expect_err("no answer");
    assert!(matches!(error, PromError::Timeout { milliseconds: 30, .. }), "{error}");
}

#[tokio::test]
async fn a_body_that_never_ends_times_out_and_a_large_one_is_not_read() {
    let (address, _) = serve(|asked| async move {
        let endless = asked.parameters["query"] == "endless";
        let chunks = futures_util::stream::unfold(0, move |n: u32| async move {
            if endless && n > 0 {
                std::future::pending::<()>().await;
            }
            Some((Ok::<_, std::io::Error>(vec![b' '; 64 * 1024]), n + 1))
        });
        json(200, Body::from_stream(chunks))
    })
    .await;
    let client = client_for(address).await.with_timeout(Duration::from_millis(100));
    let error = client.query("endless", None).await.expect_err("no end");
    assert!(matches!(error, PromError::Timeout { .. }), "{error}");
    let client = client_for(address).await.with_cap(1024 * 1024);
    let error = client.query("large", None).await.expect_err("too large");
    assert!(matches!(error, PromError::TooLarge { limit: 1_048_576, .. }), "{error}");
}

#[tokio::test]
async fn an_announced_length_above_the_cap_is_refused_at_once() {
    let (address, _) = serve(|_| async { json(200, vec![b' '; 4_096]) }).await;
    let error = client_for(address).await.with_cap(4_095).query("up", None).await.expect_err("too large");
    assert!(matches!(error, PromError::TooLarge { .. }), "{error}");
}

#[tokio::test]
async fn json_of_another_shape_is_an_error_that_says_where() {
    for (body, path) in [
        (
            r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"#,
            "data.result[0].value[1]",
        ),
        (
            r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,2]}]}}"#,
            "data.result[0].value[1]",
        ),
        (
            r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"1"]},{"metric":{},"value":[1,"x"]}]}}"#,
            "data.result[1].value[1]",
        ),
        (
            r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{"a":1},"value":[1,"1"]}]}}"#,
            "data.result[0].metric.a",
        ),
        (
            r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1e300,"1"]}]}}"#,
            "data.result[0].value[0]",
        ),
        (
            r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1]}]}}"#,
            "data.result[0].value",
        ),
        (r#"{"status":"success","data":{"resultType":"vector","result":[1]}}"#, "data.result"),
        (r#"{"status":"success","data":{"resultType":"scalar","result":[1,"x"]}}"#, "data.result"),
        (r#"{"status":"success","data":{"resultType":"matrix","result":[]}}"#, "data.resultType"),
        (r#"{"status":"success","data":{"result":[]}}"#, "data"),
        (r#"{"status":"success","data":null}"#, "data"),
        (r#"{"status":"success"}"#, "data"),
        (r#"["#, "[0]"),
        ("", "$"),
        ("not JSON", "$"),
    ] {
        match fails(200, "application/json", body).await {
            PromError::Shape { path: found, .. } => assert_eq!(found, path, "{body}"),
            other => panic!("{body}: {other}"),
        }
    }
}

#[tokio::test]
async fn an_error_in_a_good_status_is_an_error() {
    let error =
        fails(200, "application/json", r#"{"status":"error","errorType":"execution","error":"no"}"#).await;
    assert!(matches!(error, PromError::Execution { .. }), "{error}");
}

#[tokio::test]
async fn warnings_come_with_the_data_wherever_a_server_puts_them() {
    let answer = up(
        200,
        "application/json",
        r#"{"status":"success","warnings":["part\u001b missing"],"infos":["not a counter"],"data":{"resultType":"vector","warnings":["inside"],
           "result":[{"metric":{},"value":[1,"1"]},{"metric":{},"histogram":[1,{"count":"1","sum":"1"}]}]}}"#,
    )
    .await
    .expect("an answer");
    assert_eq!(answer.data.len(), 1);
    assert_eq!(
        answer.warnings,
        ["part<1b> missing", "inside", "1 series are native histograms and were left out"]
    );
    assert_eq!(answer.infos, ["not a counter"]);
}

#[tokio::test]
async fn label_names_and_values_are_made_harmless() {
    let answer = up(
        200,
        "application/json",
        r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{"a\u001b[2J":"b\u202e\nc"},"value":[1.5,"-0"]}]}}"#,
    )
    .await
    .expect("an answer");
    let labels: Vec<_> =
        answer.data[0].labels.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(labels, [("a<1b>[2J", "b<u+202e><0a>c")]);
    assert_eq!((answer.data[0].value, answer.data[0].at.timestamp_millis()), (Value::Number(0.0), 1_500));
}

#[tokio::test]
async fn other_statuses_keep_the_first_line_of_their_text() {
    for (status, said, words) in [
        (
            404,
            "404 page not found\nmore",
            "answered 404: 404 page not found; hint: the URL is the part before /api/v1",
        ),
        (400, "Client sent an HTTP request to an HTTPS server.", "hint: write https:// instead of http://"),
        (429, "", "answered 429; hint: the server limits queries"),
        (502, "\u{1b}[2Jbad gateway", "<1b>[2Jbad gateway; hint: a proxy"),
        (403, "not for you", "refuses these credentials (403): not for you"),
    ] {
        let error = fails(status, "text/plain", said).await.to_string();
        assert!(error.contains(words), "{error}");
    }
}

#[tokio::test]
async fn only_a_full_server_and_a_broken_connection_are_asked_again_and_only_once() {
    for (status, sent) in [(503, 2), (500, 1), (502, 1), (429, 1), (404, 1), (401, 1), (403, 1)] {
        let (address, _) = serve(move |_| async move { reply(status, "text/plain", "no") }).await;
        let client = client_for(address).await;
        client.query("up", None).await.expect_err("an error");
        assert_eq!(client.sent(), sent, "{status}");
    }
    let (address, seen) = serve(|_| async { json(200, EMPTY) }).await;
    let first_full = Arc::clone(&seen);
    let (address_full, _) = serve(move |asked| {
        let count = {
            let mut seen = first_full.lock().expect("no panic");
            seen.push(asked);
            seen.len()
        };
        async move { if count == 1 { reply(503, "text/plain", "starting") } else { json(200, EMPTY) } }
    })
    .await;
    assert_ne!(address, address_full);
    let client = client_for(address_full).await;
    client.query("up", None).await.expect("the second answer");
    assert_eq!(client.sent(), 2);
}

#[tokio::test]
async fn a_connection_that_breaks_is_told_apart_from_none_at_all() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let answers = std::thread::spawn(move || {
        for half in ["HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"sta", ""] {
            let (mut stream, _) = listener.accept().expect("a connection");
            let mut request = [0; 4_096];
            let _ = stream.read(&mut request).expect("a request");
            stream.write_all(half.as_bytes()).expect("written");
        }
    });
    let client = client_for(address).await;
    let error = client.query("up", None).await.expect_err("broken");
    assert!(matches!(error, PromError::Connect { .. }), "{error}");
    assert_eq!(client.sent(), 2);
    answers.join().expect("both were asked");
    // Nobody listens any more.
    let error = client_for(address).await.query("up", None).await.expect_err("refused").to_string();
    assert!(error.contains("refused") && error.contains("--prometheus URL"), "{error}");
}

#[tokio::test]
async fn https_to_a_server_without_tls_says_so() {
    let (address, _) = serve(|_| async { json(200, EMPTY) }).await;
    let client = direct(Direct { url: format!("https://{address}"), ..Direct::default() }).await;
    let error = client.query("up", None).await.expect_err("no TLS");
    assert!(matches!(error, PromError::Tls { fault: TlsFault::NotTls, .. }), "{error}");
    assert!(error.to_string().contains("write http:// instead"), "{error}");
}

// ---- through the API server -------------------------------------------------------------------------------------

fn kube_for(address: SocketAddr) -> kube::Client {
    let mut config = kube::Config::new(format!("http://{address}").parse().expect("a URL"));
    config.default_retry = false;
    kube::Client::try_from(config).expect("a client")
}

fn proxied(address: SocketAddr) -> Client {
    Client::service_proxy(
        kube_for(address),
        ServiceProxy::new("monitoring", "http:prometheus:9090").expect("a service"),
    )
}

#[tokio::test]
async fn the_service_proxy_is_asked_by_its_path_and_by_form_when_long() {
    let (address, seen) = serve(recorded_behind_proxy).await;
    let client = proxied(address);
    assert_eq!(client.query("does_not_exist", None).await.expect("an answer").data, []);
    assert_eq!(client.buildinfo().await.expect("an answer").data.version, "2.42.0+ds");
    let long = format!("up or up{{b=\"{}\"}}", "x".repeat(4_100));
    client.query(&long, None).await.expect("an answer");
    let seen = seen.lock().expect("no panic").clone();
    assert_eq!(
        seen[0].path,
        "/api/v1/namespaces/monitoring/services/http:prometheus:9090/proxy/api/v1/query"
    );
    assert_eq!(seen.iter().map(|asked| asked.method.as_str()).collect::<Vec<_>>(), ["GET", "GET", "POST"]);
    assert_eq!(seen[2].parameters["query"], long);
    assert_eq!(client.sent(), 3);
}

async fn recorded_behind_proxy(mut asked: Asked) -> Response<Body> {
    match asked.path.split_once("/proxy") {
        Some((_, _)) if asked.method == "POST" => json(200, EMPTY),
        Some((_, path)) => {
            asked.path = path.to_owned();
            recorded(asked).await
        }
        None => panic!("not through the proxy: {}", asked.path),
    }
}

const FORBIDDEN: &str = r#"{"kind":"Status","apiVersion":"v1","status":"Failure","message":"services \"http:prometheus:9090\" is forbidden: User \"viewer\" cannot get resource \"services/proxy\"","reason":"Forbidden","code":403}"#;

#[tokio::test]
async fn a_forbidden_proxy_names_the_way_around_it_and_the_rule() {
    let (address, _) = serve(|_| async { json(403, FORBIDDEN) }).await;
    let error = proxied(address).query("up", None).await.expect_err("forbidden");
    assert!(matches!(error, PromError::ProxyForbidden { .. }), "{error}");
    let text = error.to_string();
    for words in [
        "`--prometheus URL`",
        r#"resources: ["services/proxy"], verbs: ["get", "create"]"#,
        "namespace monitoring",
        "viewer",
    ] {
        assert!(text.contains(words), "{text}");
    }
}

#[tokio::test]
async fn the_api_servers_refusals_are_not_those_of_prometheus() {
    let (address, _) = serve(|_| async {
        json(503, r#"{"kind":"Status","message":"no endpoints available for service \"http:prometheus:9090\"","code":503}"#)
    })
    .await;
    let client = proxied(address);
    let error = client.query("up", None).await.expect_err("no endpoints");
    assert!(
        matches!(error, PromError::Proxy { status: 503, .. }) && error.to_string().contains("no endpoints"),
        "{error}"
    );
    assert_eq!(client.sent(), 2);
    let (address, _) = serve(|_| async { reply(403, "text/plain", "tenant unknown") }).await;
    let error = proxied(address).query("up", None).await.expect_err("forbidden");
    assert!(matches!(error, PromError::Forbidden { .. }), "{error}");
}

#[tokio::test]
async fn the_proxy_has_the_same_cap_timeout_and_tls_errors() {
    let (address, _) = serve(|_| async { json(200, vec![b' '; 5_000]) }).await;
    let error = proxied(address).with_cap(4_999).query("up", None).await.expect_err("too large");
    assert!(matches!(error, PromError::TooLarge { .. }), "{error}");
    let (hanging, _) = serve(|_| std::future::pending()).await;
    let error = proxied(hanging)
        .with_timeout(Duration::from_millis(30))
        .query("up", None)
        .await
        .expect_err("no answer");
    assert!(matches!(error, PromError::Timeout { .. }), "{error}");
    let mut config = kube::Config::new(format!("https://{address}").parse().expect("a URL"));
    config.default_retry = false;
    let kube = kube::Client::try_from(config).expect("a client");
    let service = ServiceProxy::new("monitoring", "prometheus:web").expect("a service");
    let error = Client::service_proxy(kube, service).query("up", None).await.expect_err("no TLS");
    assert!(matches!(error, PromError::Tls { fault: TlsFault::NotTls, .. }), "{error}");
}

#[test]
fn a_service_is_written_as_the_api_server_writes_it() {
    let service = |text: &str| ServiceProxy::new("monitoring", text).map(|service| service.to_string());
    assert_eq!(
        service("http:prometheus:9090").as_deref(),
        Ok("http:prometheus:9090 in namespace monitoring")
    );
    assert_eq!(service("prometheus:web").as_deref(), Ok("http:prometheus:web in namespace monitoring"));
    for wrong in ["", "prometheus", "ftp:prometheus:1", "http:a/b:1", "http::1", "a:b:c:d", "http:a:../x"] {
        assert!(service(wrong).is_err(), "{wrong}");
    }
    assert!(ServiceProxy::new("a/b", "prometheus:9090").is_err());
}

// ---- discovery --------------------------------------------------------------------------------------------------

fn seen_service(namespace: &str) -> ServiceSeen {
    ServiceSeen {
        namespace: namespace.to_owned(),
        name: "prometheus".to_owned(),
        labels: BTreeMap::from([("app.kubernetes.io/name".to_owned(), "prometheus".to_owned())]),
        ports: vec![PortSeen { name: Some("tcp-http".to_owned()), port: 9090 }],
    }
}

/// A cluster whose namespaces `slos<n>` have a Prometheus with n SLOs; in all others it is forbidden.
async fn cluster() -> kube::Client {
    let (address, _) = serve(|asked| async move {
        let namespace = asked.path.split('/').nth(4).unwrap_or_default().to_owned();
        match namespace.strip_prefix("slos") {
            None => json(403, FORBIDDEN),
            Some(_) if asked.path.ends_with("buildinfo") => json(200, r#"{"status":"success","data":{"version":"3.1"}}"#),
            Some("0") => json(200, EMPTY),
            Some(n) => json(
                200,
                format!(r#"{{"status":"success","data":{{"resultType":"vector","result":[{{"metric":{{}},"value":[1,"{n}"]}}]}}}}"#),
            ),
        }
    })
    .await;
    kube_for(address)
}

#[tokio::test]
async fn the_prometheus_with_most_slos_is_taken_and_the_others_are_listed() {
    let services = ["closed", "slos0", "slos2", "slos12"].map(seen_service);
    let found = discover(&cluster().await, &services).await.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(found.taken.service.namespace, "slos12");
    assert_eq!((found.probe.version.as_str(), found.probe.slos), ("3.1", 12));
    assert_eq!(found.why, "most SLOs: 12, the next has 2");
    assert_eq!(found.client.sent(), 2);
    let others: Vec<_> = found
        .others
        .iter()
        .map(|asked| {
            (asked.candidate.service.namespace.as_str(), asked.said.as_ref().ok().map(|probe| probe.slos))
        })
        .collect();
    assert_eq!(others, [("closed", None), ("slos0", Some(0)), ("slos2", Some(2))]);
}

#[tokio::test]
async fn the_only_one_and_the_likelier_of_equals_are_taken_with_their_reason() {
    let kube = cluster().await;
    for (namespaces, taken, why) in [
        (&["slos3"][..], "slos3", "the only candidate; it has 3 SLOs"),
        (&["closed", "slos0"], "slos0", "the only one of 2 that answers; it has 0 SLOs"),
    ] {
        let services: Vec<_> = namespaces.iter().map(|namespace| seen_service(namespace)).collect();
        let found = discover(&kube, &services).await.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!((found.taken.service.namespace.as_str(), found.why.as_str()), (taken, why));
    }
    let mut operated = seen_service("slos3");
    operated.name = "prometheus-operated".to_owned();
    let found =
        discover(&kube, &[seen_service("slos3"), operated]).await.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(found.taken.service.name, "prometheus-operated");
    assert_eq!(found.why, "3 SLOs, as another has, and the likelier of them");
}

#[tokio::test]
async fn without_a_prometheus_it_says_what_to_do() {
    let kube = cluster().await;
    let error = discover(&kube, &[]).await.err().expect("nothing");
    assert_eq!(error, NotFound::NoCandidate { services: 0 });
    let error = discover(&kube, &[seen_service("closed"), seen_service("shut")])
        .await
        .err()
        .expect("nothing")
        .to_string();
    assert!(
        error.contains("services/proxy")
            && error.contains("namespace shut")
            && error.contains("--prometheus URL"),
        "{error}"
    );
}

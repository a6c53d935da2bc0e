//! The Prometheus HTTP API: `query`, `query_range`, `rules`, `alerts`, `status/*`, `labels`, label values, `/-/ready`.
//! Bodies, status codes and error forms are those of a real server; an expression outside of the documented subset is
//! 422, a path that is not here is 404 in plain text.

use std::collections::{BTreeMap, BTreeSet};

use axum::Router;
use axum::body::{Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use http::{Method, StatusCode};
use serde_json::{Map, Number, Value, json};

use super::Shared;
use super::clock::{Millis, time};
use super::http::{body_response, closed, date, json_response, parameters};
use super::promql::series::Labels;
use super::promql::{Line, Query, Refusal, Value as Answer};
use super::rules::{Alert, Group, Rule};
use super::world::{INTERVAL, World};

const LARGEST_BODY: usize = 1024 * 1024;

/// The Prometheus server.
pub(super) fn router(shared: Shared) -> Router {
    Router::new().fallback(answer).with_state(shared)
}

async fn answer(State(shared): State<Shared>, request: Request) -> Response {
    if shared.over.is_cancelled() {
        return closed();
    }
    let (parts, body) = request.into_parts();
    let query = parameters(parts.uri.query().unwrap_or_default().as_bytes());
    let body = to_bytes(body, LARGEST_BODY).await.unwrap_or_default();
    let mut response = handle(&shared, &parts.method, parts.uri.path(), &query, &body).await;
    date(&mut response, &shared);
    response
}

/// Answers one request, whether it came directly or through the API server.
pub(super) async fn handle(
    shared: &Shared,
    method: &Method,
    path: &str,
    query: &BTreeMap<String, String>,
    body: &Bytes,
) -> Response {
    let posts = matches!(path, "/api/v1/query" | "/api/v1/query_range" | "/api/v1/labels");
    if *method != Method::GET && !(posts && *method == Method::POST) {
        return body_response(
            StatusCode::METHOD_NOT_ALLOWED,
            "text/plain; charset=utf-8",
            "Method Not Allowed\n".to_owned(),
        );
    }
    let mut query = query.clone();
    if *method == Method::POST {
        query.extend(parameters(body));
    }
    if let Some(name) =
        ["match[]", "limit", "lookback_delta", "stats"].into_iter().find(|name| query.contains_key(*name))
    {
        return refused(&Refusal::Execution(format!(
            "the parameter {name:?} is not supported by this embedded Prometheus"
        )));
    }
    let world = shared.world().await;
    // Not the clock: between looking at it and this line a scrape may have become due.
    let now = world.now;
    let data = match path {
        "/-/ready" => return plain("Prometheus Server is Ready.\n"),
        "/-/healthy" => return plain("Prometheus Server is Healthy.\n"),
        "/api/v1/query" => instant(&world, &query, now),
        "/api/v1/query_range" => range(&world, &query),
        "/api/v1/rules" => rules(&world, &query),
        "/api/v1/alerts" => Ok(
            json!({"alerts": world.rules.alerts().map(|(rule, alert)| shown(rule, alert)).collect::<Vec<_>>()}),
        ),
        "/api/v1/status/buildinfo" => {
            Ok(json!({"version": "3.5.0", "revision": "embedded", "branch": "HEAD",
            "buildUser": "", "buildDate": "", "goVersion": ""}))
        }
        "/api/v1/status/runtimeinfo" => Ok(runtime(&world, now)),
        "/api/v1/labels" => Ok(labels(&world)),
        _ => match path.strip_prefix("/api/v1/label/").and_then(|rest| rest.strip_suffix("/values")) {
            Some(name) => Ok(label_values(&world, name)),
            None => {
                return body_response(
                    StatusCode::NOT_FOUND,
                    "text/plain; charset=utf-8",
                    "404 page not found\n".to_owned(),
                );
            }
        },
    };
    match data {
        Ok(data) => json_response(StatusCode::OK, &json!({"status": "success", "data": data})),
        Err(refusal) => refused(&refusal),
    }
}

fn refused(refusal: &Refusal) -> Response {
    let (code, kind) = match refusal {
        Refusal::BadData(_) => (StatusCode::BAD_REQUEST, "bad_data"),
        Refusal::Execution(_) => (StatusCode::UNPROCESSABLE_ENTITY, "execution"),
    };
    json_response(code, &json!({"status": "error", "errorType": kind, "error": refusal.to_string()}))
}

fn plain(text: &str) -> Response {
    body_response(StatusCode::OK, "text/plain; charset=utf-8", text.to_owned())
}

fn instant(world: &World, query: &BTreeMap<String, String>, now: Millis) -> Result<Value, Refusal> {
    let at = match query.get("time") {
        Some(text) => moment("time", text)?,
        None => now,
    };
    let answer = parsed(query)?.instant(&world.storage, at)?;
    Ok(match answer {
        Answer::Scalar(value) => json!({"resultType": "scalar", "result": point(at, value)}),
        Answer::Text(text) => json!({"resultType": "string", "result": [seconds(at), text]}),
        Answer::Vector(samples) => {
            let result: Vec<Value> = samples
                .into_iter()
                .map(|sample| json!({"metric": metric(&sample.labels), "value": point(at, sample.value)}))
                .collect();
            json!({"resultType": "vector", "result": result})
        }
        Answer::Matrix(lines) => matrix(lines),
    })
}

fn range(world: &World, query: &BTreeMap<String, String>) -> Result<Value, Refusal> {
    let text = |name: &str| query.get(name).map_or("", String::as_str);
    let (start, end) = (moment("start", text("start"))?, moment("end", text("end"))?);
    let step = duration(text("step")).ok_or_else(|| {
        Refusal::BadData(format!(
            "invalid parameter \"step\": cannot parse {:?} to a valid duration",
            text("step")
        ))
    })?;
    Ok(matrix(parsed(query)?.range(&world.storage, start, end, step)?))
}

fn parsed(query: &BTreeMap<String, String>) -> Result<Query, Refusal> {
    Query::parse(query.get("query").map_or("", String::as_str))
}

fn matrix(lines: Vec<Line>) -> Value {
    let result: Vec<Value> = lines
        .into_iter()
        .map(|line| {
            let values: Vec<Value> = line.points.into_iter().map(|(at, value)| point(at, value)).collect();
            json!({"metric": metric(&line.labels), "values": values})
        })
        .collect();
    json!({"resultType": "matrix", "result": result})
}

fn metric(labels: &Labels) -> Value {
    let map: Map<String, Value> =
        labels.iter().map(|(name, value)| (name.to_owned(), json!(value))).collect();
    Value::Object(map)
}

/// Seconds, with three decimals only where they are needed.
fn seconds(at: Millis) -> Value {
    if at % 1_000 == 0 {
        json!(at / 1_000)
    } else {
        Number::from_f64(at as f64 / 1_000.0).map_or(Value::Null, Value::Number)
    }
}

fn point(at: Millis, value: f64) -> Value {
    json!([seconds(at), number(value)])
}

/// A float as Prometheus prints it: shortest, without an exponent.
fn number(value: f64) -> String {
    if value.is_nan() {
        "NaN".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned()
    } else {
        format!("{value}")
    }
}

/// A point in time as a parameter: seconds, or RFC 3339.
fn moment(name: &str, text: &str) -> Result<Millis, Refusal> {
    let from_seconds =
        text.parse::<f64>().ok().filter(|s| s.is_finite()).map(|s| (s * 1_000.0).round() as Millis);
    let from_text = || chrono::DateTime::parse_from_rfc3339(text).ok().map(|time| time.timestamp_millis());
    from_seconds.or_else(from_text).ok_or_else(|| {
        Refusal::BadData(format!("invalid parameter \"{name}\": cannot parse {text:?} to a valid timestamp"))
    })
}

/// A step: seconds, or a duration like `5m`.
fn duration(text: &str) -> Option<Millis> {
    let from_seconds =
        text.parse::<f64>().ok().filter(|s| s.is_finite()).map(|s| (s * 1_000.0).round() as Millis);
    from_seconds.or_else(|| {
        let window: crate::domain::window::Window = text.parse().ok()?;
        Some(window.delta().num_milliseconds())
    })
}

fn rfc3339(at: Millis) -> String {
    time(at).to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
}

fn rules(world: &World, query: &BTreeMap<String, String>) -> Result<Value, Refusal> {
    let alerting = match query.get("type").map(String::as_str) {
        None | Some("") => None,
        Some("alert") => Some(true),
        Some("record") => Some(false),
        Some(other) => {
            return Err(Refusal::BadData(format!(
                "invalid parameter \"type\": not supported value {other:?}"
            )));
        }
    };
    let evaluated = rfc3339(world.rules.evaluated);
    let group = |group: &Group| {
        let rules: Vec<Value> = group
            .rules
            .iter()
            .filter(|rule| alerting.is_none_or(|wanted| rule.alerting == wanted))
            .map(|rule| rule_json(rule, &evaluated))
            .collect();
        (!rules.is_empty()).then(|| {
            json!({"name": group.name, "file": "/etc/prometheus/rules/slo.yaml", "rules": rules,
                   "interval": INTERVAL / 1_000, "limit": 0, "evaluationTime": 0.0004, "lastEvaluation": evaluated})
        })
    };
    let mut groups: Vec<&Group> = world.rules.groups.iter().collect();
    groups.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(json!({"groups": groups.into_iter().filter_map(group).collect::<Vec<_>>()}))
}

fn rule_json(rule: &Rule, evaluated: &str) -> Value {
    let health = if rule.healthy() { "ok" } else { "err" };
    if !rule.alerting {
        return json!({"name": rule.name, "query": rule.text, "labels": metric(&rule.labels), "health": health,
                      "evaluationTime": 0.0002, "lastEvaluation": evaluated, "type": "recording"});
    }
    let state = if rule.alerts.is_empty() { "inactive" } else { "firing" };
    let alerts: Vec<Value> = rule.alerts.values().map(|alert| shown(rule, alert)).collect();
    json!({"state": state, "name": rule.name, "query": rule.text, "duration": 0, "keepFiringFor": 0,
           "labels": metric(&rule.labels), "annotations": annotations(rule), "alerts": alerts, "health": health,
           "evaluationTime": 0.0003, "lastEvaluation": evaluated, "type": "alerting"})
}

fn annotations(rule: &Rule) -> Value {
    let map: Map<String, Value> =
        rule.annotations.iter().map(|(name, text)| ((*name).to_owned(), json!(text))).collect();
    Value::Object(map)
}

fn shown(rule: &Rule, alert: &Alert) -> Value {
    json!({"labels": metric(&alert.labels), "annotations": annotations(rule), "state": "firing",
           "activeAt": rfc3339(alert.active_at), "value": scientific(alert.value)})
}

/// `1.79e-01`, as the values of alerts are printed.
fn scientific(value: f64) -> String {
    let text = format!("{value:e}");
    match text.split_once('e') {
        Some((digits, exponent)) => {
            let (sign, exponent) = match exponent.strip_prefix('-') {
                Some(exponent) => ('-', exponent),
                None => ('+', exponent),
            };
            format!("{digits}e{sign}{exponent:0>2}")
        }
        None => number(value),
    }
}

fn runtime(world: &World, now: Millis) -> Value {
    json!({"startTime": rfc3339(world.zero - 97 * super::world::DAY), "CWD": "/prometheus", "hostname": "prometheus",
           "serverTime": rfc3339(now), "reloadConfigSuccess": true,
           "lastConfigTime": rfc3339(world.zero - super::world::HISTORY), "corruptionCount": 0,
           "goroutineCount": 40, "GOMAXPROCS": 2, "GOGC": "75", "GODEBUG": "", "storageRetention": "40d"})
}

fn labels(world: &World) -> Value {
    let all: BTreeSet<&str> = (0..world.storage.len())
        .flat_map(|id| world.storage.get(id).labels.iter().map(|(name, _)| name))
        .collect();
    json!(all)
}

fn label_values(world: &World, name: &str) -> Value {
    let all: BTreeSet<&str> = (0..world.storage.len())
        .map(|id| world.storage.get(id).labels.get(name))
        .filter(|value| !value.is_empty())
        .collect();
    json!(all)
}

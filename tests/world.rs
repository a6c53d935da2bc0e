//! The embedded world over real HTTP: what a client of the Kubernetes API and of the Prometheus API sees of it, and
//! that the same seed, the same writes and the same times give the same answers.

use goaround::demo::clock::Clock;
use goaround::demo::{Running, scenario};
use goaround::domain::Time;
use serde_json::{Value, json};

const SEED: u64 = 7;

/// A world that stands still until the test moves it.
struct Stage {
    clock: Clock,
    running: Running,
    http: reqwest::Client,
}

fn origin() -> Time {
    "2026-11-21T12:00:00Z".parse().expect("a time")
}

async fn stage(name: &str) -> Stage {
    // Both clients are built without a TLS provider of their own; a second install is refused and does no harm.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let clock = Clock::manual(origin());
    let scenario = scenario::load(name).expect("an embedded scenario");
    let running = goaround::demo::start(scenario, SEED, clock.clone())
        .await
        .expect("loopback");
    Stage {
        clock,
        running,
        http: reqwest::Client::new(),
    }
}

/// Status and body; a body that is not JSON becomes a JSON text.
async fn read(answer: reqwest::Response) -> (u16, Value) {
    let status = answer.status().as_u16();
    let text = answer.text().await.expect("a body");
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

impl Stage {
    async fn get(&self, path: &str) -> (u16, Value) {
        let answer = self
            .http
            .get(format!("{}{path}", self.running.kubernetes_url))
            .send()
            .await
            .expect("an answer");
        read(answer).await
    }

    async fn query(&self, query: &str) -> (u16, Value) {
        let url = format!("{}/api/v1/query", self.running.prometheus_url);
        let answer = self
            .http
            .get(url)
            .query(&[("query", query)])
            .send()
            .await
            .expect("an answer");
        read(answer).await
    }

    /// The value of a query that has exactly one.
    async fn value(&self, query: &str) -> f64 {
        let (status, body) = self.query(query).await;
        let result = &body["data"]["result"];
        assert!(
            status == 200 && result.as_array().is_some_and(|r| r.len() == 1),
            "{query}: {status} {body}"
        );
        result[0]["value"][1]
            .as_str()
            .and_then(|text| text.parse().ok())
            .expect("a number")
    }

    async fn patch(&self, path: &str, patch: &Value) -> (u16, Value) {
        let answer = self
            .http
            .patch(format!("{}{path}", self.running.kubernetes_url))
            .header("content-type", "application/json-patch+json")
            .header("user-agent", "goaround/0.1")
            .body(patch.to_string())
            .send()
            .await
            .expect("an answer");
        read(answer).await
    }
}

const GATEWAY: &str = "/apis/apps/v1/namespaces/shop/deployments/api-gateway";
const ERRORS_PER_MINUTE: &str =
    r#"sum(increase(http_requests_total{service="api-gateway",code=~"5.."}[1m])) or vector(0)"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rolling_back_ends_the_errors_in_what_prometheus_answers() {
    let stage = stage("slo-burn").await;
    let left = stage
        .value(r#"slo:period_error_budget_remaining:ratio{sloth_service="api-gateway"}"#)
        .await;
    assert!((0.5..0.8).contains(&left), "{left}");
    let (_, before) = stage.get(GATEWAY).await;
    stage.clock.advance(180.0);
    assert!(stage.value(ERRORS_PER_MINUTE).await > 1_000.0);
    let (_, after) = stage.get(GATEWAY).await;
    assert_eq!(
        after["metadata"]["annotations"]["deployment.kubernetes.io/revision"],
        "4"
    );
    let (status, body) = stage
        .patch(
            GATEWAY,
            &json!([
                {"op": "test", "path": "/metadata/uid", "value": after["metadata"]["uid"]},
                {"op": "test", "path": "/spec/template", "value": after["spec"]["template"]},
                {"op": "test", "path": "/spec/paused", "value": null},
                {"op": "replace", "path": "/spec/template", "value": before["spec"]["template"]},
            ]),
        )
        .await;
    assert_eq!(status, 200, "{body}");
    stage.clock.advance(90.0);
    assert!(stage.value(ERRORS_PER_MINUTE).await < 5.0);
    stage.clock.advance(300.0);
    assert!(
        stage
            .value(r#"slo:sli_error:ratio_rate5m{sloth_service="api-gateway"}"#)
            .await
            < 0.01
    );
    let (_, body) = stage.get(GATEWAY).await;
    assert_eq!(
        body["metadata"]["annotations"]["deployment.kubernetes.io/revision"],
        "5"
    );
    assert_eq!(body["status"]["updatedReplicas"], 3);
}

//! The embedded world over real HTTP: what a client of the Kubernetes API and of the Prometheus API sees of it, and
//! that the same seed, the same writes and the same times give the same answers.

#![expect(clippy::disallowed_methods, reason = "a variable names the Prometheus to compare with")]

use goaround::demo::clock::Clock;
use goaround::demo::{Running, promql, scenario};
use goaround::domain::Time;
use goaround::domain::latency::{Durations, QUANTILES, Quantile, Step};
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
    stage_of(scenario::load(name).expect("an embedded scenario")).await
}

async fn stage_of(scenario: scenario::Scenario) -> Stage {
    // Both clients are built without a TLS provider of their own; a second install is refused and does no harm.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let clock = Clock::manual(origin());
    let running = goaround::demo::start(scenario, SEED, clock.clone()).await.expect("loopback");
    Stage { clock, running, http: reqwest::Client::new() }
}

/// Status and body; a body that is not JSON becomes a JSON text.
async fn read(answer: reqwest::Response) -> (u16, Value) {
    let status = answer.status().as_u16();
    let text = answer.text().await.expect("a body");
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

impl Stage {
    async fn get(&self, path: &str) -> (u16, Value) {
        let answer =
            self.http.get(format!("{}{path}", self.running.kubernetes_url)).send().await.expect("an answer");
        read(answer).await
    }

    async fn query(&self, query: &str) -> (u16, Value) {
        let url = format!("{}/api/v1/query", self.running.prometheus_url);
        let answer = self.http.get(url).query(&[("query", query)]).send().await.expect("an answer");
        read(answer).await
    }

    /// The value of a query that has exactly one.
    async fn value(&self, query: &str) -> f64 {
        let (status, body) = self.query(query).await;
        let result = &body["data"]["result"];
        assert!(status == 200 && result.as_array().is_some_and(|r| r.len() == 1), "{query}: {status} {body}");
        result[0]["value"][1].as_str().and_then(|text| text.parse().ok()).expect("a number")
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
    let left = stage.value(r#"slo:period_error_budget_remaining:ratio{sloth_service="api-gateway"}"#).await;
    assert!((0.5..0.8).contains(&left), "{left}");
    let (_, before) = stage.get(GATEWAY).await;
    stage.clock.advance(180.0);
    assert!(stage.value(ERRORS_PER_MINUTE).await > 1_000.0);
    let (_, after) = stage.get(GATEWAY).await;
    assert_eq!(after["metadata"]["annotations"]["deployment.kubernetes.io/revision"], "4");
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
    assert!(stage.value(r#"slo:sli_error:ratio_rate5m{sloth_service="api-gateway"}"#).await < 0.01);
    let (_, body) = stage.get(GATEWAY).await;
    assert_eq!(body["metadata"]["annotations"]["deployment.kubernetes.io/revision"], "5");
    assert_eq!(body["status"]["updatedReplicas"], 3);
    let (_, sets) =
        stage.get("/apis/apps/v1/namespaces/shop/replicasets?labelSelector=app%3Dapi-gateway").await;
    let serving: Vec<&Value> =
        sets["items"].as_array().expect("items").iter().filter(|set| set["spec"]["replicas"] == 3).collect();
    assert_eq!((sets["items"].as_array().map(Vec::len), serving.len()), (Some(4), 1));
    let annotations = &serving[0]["metadata"]["annotations"];
    assert_eq!(annotations["deployment.kubernetes.io/revision"], "5");
    assert_eq!(annotations["deployment.kubernetes.io/revision-history"], "3");
    assert_eq!(
        serving[0]["metadata"]["creationTimestamp"], "2026-11-12T12:00:00Z",
        "reused, so it stays old"
    );
}

#[test]
fn every_scenario_is_read_and_says_how_it_must_end() {
    let scenarios = scenario::list().expect("all files are read");
    let names: Vec<&str> = scenarios.iter().map(|s| s.name.as_str()).collect();
    for known in ["slo-burn", "slo-burn-in-place", "dependency", "node-pressure", "lying-model"] {
        assert!(names.contains(&known), "{known} of {names:?}");
    }
    for scenario in scenarios {
        assert!(!scenario.title.contains('\n') && scenario.description.lines().count() > 1);
        let offers = scenario.expect.offer.as_deref().is_some_and(|offer| offer != "wait" && offer != "none");
        let writes = scenario.expect.writes.expect("a number of writes");
        assert_eq!(offers, writes > 0, "{}: an offer is approved, or nothing is written", scenario.name);
        assert_eq!(offers, scenario.expect.outcome == scenario::Outcome::Helped, "{}", scenario.name);
    }
}

/// Which alerts fire, as `severity service`.
async fn firing(stage: &Stage) -> Vec<String> {
    let (_, body) = stage.query("ALERTS").await;
    let mut names: Vec<String> = body["data"]["result"]
        .as_array()
        .expect("a vector")
        .iter()
        .map(|alert| {
            let text = |name: &str| alert["metric"][name].as_str().unwrap_or_default().to_owned();
            format!("{} {}", text("sloth_severity"), text("deployment"))
        })
        .collect();
    names.sort();
    names
}

#[test]
fn half_of_the_drills_and_more_must_not_be_rolled_back() {
    let drills: Vec<_> =
        scenario::list().expect("all files are read").into_iter().filter_map(|s| s.drill).collect();
    let not = drills.iter().filter(|d| d.answer != scenario::drill::Answer::RollBack).count();
    assert!(drills.len() >= 10 && not * 2 >= drills.len(), "{not} of {}", drills.len());
    assert!(drills.iter().any(|d| d.answer == scenario::drill::Answer::RestoreConfig));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fault_grows_with_the_age_of_its_pods_and_one_of_a_node_stays_on_it() {
    let stage = stage("slow-leak").await;
    let failed = "sum(increase(http_requests_total{service=\"search\",code=\"500\"}[2m]))";
    let count = async |stage: &Stage, query: &str| {
        let (_, body) = stage.query(query).await;
        let value = body["data"]["result"][0]["value"][1].as_str().unwrap_or("0").to_owned();
        value.parse::<f64>().expect("a number")
    };
    stage.clock.advance(180.0);
    let early = count(&stage, failed).await;
    stage.clock.advance(420.0);
    let late = count(&stage, failed).await;
    assert!(early > 100.0 && late > 3.0 * early, "{early} {late}");

    let stage = self::stage("node-pressure").await;
    stage.clock.advance(240.0);
    let bad = "count(increase(http_requests_total{service=\"orders\",code=\"500\"}[1m]) > 200)";
    assert_eq!(count(&stage, bad).await, 1.0, "three pods on three nodes, one of them bad");
    let (_, nodes) = stage.get("/api/v1/nodes").await;
    let pressed = nodes["items"].as_array().expect("nodes").iter().filter(|node| {
        let conditions = node["status"]["conditions"].as_array().expect("conditions");
        conditions.iter().any(|c| c["type"] == "DiskPressure" && c["status"] == "True")
    });
    let names: Vec<&serde_json::Value> = pressed.map(|node| &node["metadata"]["name"]).collect();
    assert_eq!(names, ["node-b"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_fires_at_the_start_and_the_right_pages_fire_five_minutes_later() {
    for (name, expected) in [
        ("slo-burn", vec!["page api-gateway"]),
        ("slo-burn-in-place", vec!["page api-gateway"]),
        ("second-bad-rollout", vec!["page orders"]),
        ("dependency", vec!["page api-gateway", "page orders", "page payments"]),
        ("traffic-spike", vec!["page search"]),
    ] {
        let stage = stage(name).await;
        assert_eq!(firing(&stage).await, Vec::<String>::new(), "{name}");
        stage.clock.advance(16.0);
        assert_eq!(firing(&stage).await, Vec::<String>::new(), "{name}");
        stage.clock.advance(290.0);
        let pages: Vec<String> = firing(&stage).await.into_iter().filter(|a| a.starts_with("page")).collect();
        assert_eq!(pages, expected, "{name}");
    }
}

fn client(stage: &Stage) -> kube::Client {
    let uri = stage.running.kubernetes_url.parse().expect("a URL");
    kube::Client::try_from(kube::Config::new(uri)).expect("a client")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_kubeconfig_is_one_that_kube_understands() {
    let stage = stage("slo-burn").await;
    let kubeconfig = kube::config::Kubeconfig::from_yaml(&stage.running.kubeconfig()).expect("YAML");
    assert_eq!(kubeconfig.current_context.as_deref(), Some("demo-prod-eu"));
    let options = kube::config::KubeConfigOptions::default();
    let config = kube::Config::from_custom_kubeconfig(kubeconfig, &options).await.expect("a configuration");
    assert_eq!(config.default_namespace, "shop");
    let client = kube::Client::try_from(config).expect("a client");
    assert_eq!(client.apiserver_version().await.expect("a version").minor, "33");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kube_watcher_sees_the_rollout_as_it_happens() {
    use futures_util::{StreamExt, TryStreamExt};
    use kube::runtime::watcher::{Config, Event, watcher};
    let stage = stage("slo-burn").await;
    let pods: kube::Api<k8s_openapi::api::core::v1::Pod> = kube::Api::all(client(&stage));
    for config in [
        Config::default().labels("app=api-gateway"),
        Config::default().labels("app=api-gateway").streaming_lists(),
    ] {
        let mut events = watcher(pods.clone(), config).boxed();
        let mut known = 0;
        loop {
            match events.try_next().await.expect("no error").expect("no end") {
                Event::InitApply(_) => known += 1,
                Event::InitDone => break,
                _ => {}
            }
        }
        assert_eq!(known, 3);
    }
    let mut events = watcher(pods, Config::default().labels("app=api-gateway")).boxed();
    while !matches!(events.try_next().await.expect("no error"), Some(Event::InitDone)) {}
    stage.clock.advance(90.0);
    let mut gone = 0;
    let mut ready = std::collections::BTreeSet::new();
    while gone < 3 || ready.len() < 3 {
        match events.try_next().await.expect("no error").expect("no end") {
            Event::Delete(_) => gone += 1,
            Event::Apply(pod) => {
                let conditions = pod.status.and_then(|status| status.conditions).unwrap_or_default();
                if pod.metadata.deletion_timestamp.is_none()
                    && conditions.iter().any(|c| c.type_ == "Ready" && c.status == "True")
                {
                    ready.insert(pod.metadata.name);
                }
            }
            _ => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metadata_of_secrets_and_configmaps_can_be_listed_and_watched_without_their_content() {
    use futures_util::{StreamExt, TryStreamExt};
    use kube::runtime::watcher::{Config, Event, watcher};
    let stage = stage("slo-burn").await;
    let maps: kube::Api<k8s_openapi::api::core::v1::ConfigMap> =
        kube::Api::namespaced(client(&stage), "shop");
    let list = maps.list_metadata(&kube::api::ListParams::default()).await.expect("a list");
    assert_eq!(list.items.len(), 1);
    let secrets: kube::Api<k8s_openapi::api::core::v1::Secret> = kube::Api::all(client(&stage));
    assert!(secrets.list_metadata(&kube::api::ListParams::default()).await.expect("a list").items.is_empty());
    let metadata: kube::Api<kube::core::PartialObjectMeta<k8s_openapi::api::core::v1::ConfigMap>> =
        kube::Api::namespaced(client(&stage), "shop");
    let mut events = watcher(metadata, Config::default()).boxed();
    while !matches!(events.try_next().await.expect("no error"), Some(Event::InitDone)) {}
    stage.clock.advance(31.0);
    match events.try_next().await.expect("no error") {
        Some(Event::Apply(map)) => assert_eq!(map.metadata.name.as_deref(), Some("gateway-config-v2")),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failing_test_is_422_a_dry_run_changes_nothing_and_both_are_recorded() {
    let stage = stage("slo-burn").await;
    let (_, before) = stage.get(GATEWAY).await;
    let image =
        json!({"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "nginx:1"});
    let wrong = json!([{"op": "test", "path": "/metadata/uid", "value": "another"}, image]);
    let (status, body) = stage.patch(GATEWAY, &wrong).await;
    assert_eq!((status, &body["reason"], &body["kind"]), (422, &json!("Invalid"), &json!("Status")));
    assert_eq!(body["message"], "the server rejected our request due to an error in our request");

    let (status, body) = stage.patch(&format!("{GATEWAY}?dryRun=All"), &json!([image])).await;
    assert_eq!(status, 200);
    assert_eq!(body["spec"]["template"]["spec"]["containers"][0]["image"], "nginx:1");
    assert_eq!(body["metadata"]["generation"], 4);
    stage.clock.advance(5.0);
    assert_eq!(stage.get(GATEWAY).await.1, before);

    let paused = json!([{"op": "test", "path": "/spec/paused", "value": null}, image]);
    assert_eq!(stage.patch(GATEWAY, &paused).await.0, 200);
    let writes = stage.running.writes();
    let seen: Vec<(bool, u16)> = writes.iter().map(|write| (write.dry_run, write.status)).collect();
    assert_eq!(seen, [(false, 422), (true, 200), (false, 200)]);
    assert_eq!(writes[0].body, wrong.to_string());
    assert_eq!(writes[2].at, stage.clock.now());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_there_and_what_is_not_possible_is_said_as_a_real_server_says_it() {
    let stage = stage("slo-burn").await;
    let (status, body) = stage.get("/apis/apps/v1/namespaces/shop/deployments/nope").await;
    assert_eq!((status, &body["message"]), (404, &json!("deployments.apps \"nope\" not found")));
    assert_eq!(stage.get("/apis/foo.example/v1/things").await.0, 404);
    let (status, body) = stage.patch(&GATEWAY.replace("api-gateway", "nope"), &json!([])).await;
    assert_eq!((status, &body["reason"]), (404, &json!("NotFound")));
    let (status, body) = stage.patch(GATEWAY, &json!("text")).await;
    assert_eq!((status, &body["reason"]), (400, &json!("BadRequest")));
    let (status, body) = stage
        .patch(GATEWAY, &json!([{"op": "replace", "path": "/metadata/resourceVersion", "value": "1"}]))
        .await;
    assert_eq!((status, &body["reason"]), (409, &json!("Conflict")));
    let (status, body) = stage
        .patch(
            GATEWAY,
            &json!([{"op": "replace", "path": "/spec/template/metadata/labels/app", "value": "x"}]),
        )
        .await;
    assert!(
        status == 422 && body["message"].as_str().is_some_and(|m| m.contains("`selector` does not match")),
        "{body}"
    );
    let url = format!("{}{GATEWAY}", stage.running.kubernetes_url);
    let merge = stage.http.patch(&url).header("content-type", "application/merge-patch+json").body("{}");
    assert_eq!(merge.send().await.expect("an answer").status(), 415);
    assert_eq!(stage.http.delete(&url).send().await.expect("an answer").status(), 405);
    let (status, body) = stage.get("/api/v1/pods?fieldSelector=spec.x%3D1").await;
    assert_eq!((status, &body["reason"]), (400, &json!("BadRequest")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watch_from_a_forgotten_version_ends_with_410() {
    let stage = stage("slo-burn").await;
    let url = format!("{}/api/v1/pods?watch=1&resourceVersion=17", stage.running.kubernetes_url);
    let (status, body) = read(stage.http.get(url).send().await.expect("an answer")).await;
    assert_eq!(status, 200);
    assert_eq!((&body["type"], &body["object"]["code"]), (&json!("ERROR"), &json!(410)));
    assert_eq!(body["object"]["reason"], "Expired");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_come_in_pages_and_follow_selectors() {
    let stage = stage("slo-burn").await;
    let mut names = Vec::new();
    let mut token = String::new();
    loop {
        let (_, page) = stage.get(&format!("/api/v1/namespaces/shop/pods?limit=4&continue={token}")).await;
        let items = page["items"].as_array().expect("items");
        assert!(items.len() <= 4 && page["kind"] == "PodList");
        names.extend(items.iter().map(|pod| pod["metadata"]["name"].to_string()));
        match page["metadata"]["continue"].as_str() {
            Some(next) => token = next.to_owned(),
            None => break,
        }
    }
    let (_, all) = stage.get("/api/v1/namespaces/shop/pods").await;
    let expected: Vec<String> = all["items"]
        .as_array()
        .expect("items")
        .iter()
        .map(|pod| pod["metadata"]["name"].to_string())
        .collect();
    assert_eq!((names.len(), &names), (10, &expected));
    let (_, some) = stage.get("/api/v1/pods?labelSelector=app%20in%20(search,payments)").await;
    assert_eq!(some["items"].as_array().map(Vec::len), Some(4));
    let (_, one) = stage.get("/apis/apps/v1/deployments?fieldSelector=metadata.name%3Dsearch").await;
    assert_eq!(one["items"].as_array().map(Vec::len), Some(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_carry_world_time_and_reviews_say_who_one_is() {
    let stage = stage("slo-burn").await;
    stage.clock.advance(3_600.0);
    for url in [
        format!("{}/version", stage.running.kubernetes_url),
        format!("{}/-/ready", stage.running.prometheus_url),
    ] {
        let answer = stage.http.get(url).send().await.expect("an answer");
        assert_eq!(answer.headers()["date"], "Sat, 21 Nov 2026 13:00:00 GMT");
    }
    let review = |path: &str, body: Value| {
        let url = format!("{}/apis/{path}", stage.running.kubernetes_url);
        stage.http.post(url).header("content-type", "application/json").body(body.to_string()).send()
    };
    let who = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"});
    let (status, body) =
        read(review("authentication.k8s.io/v1/selfsubjectreviews", who).await.expect("an answer")).await;
    assert_eq!((status, &body["status"]["userInfo"]["username"]), (201, &json!("mara.keller@shop.example")));
    let may = json!({"spec": {"resourceAttributes": {"verb": "patch", "group": "apps", "resource": "deployments"}}});
    let (_, body) =
        read(review("authorization.k8s.io/v1/selfsubjectaccessreviews", may).await.expect("an answer")).await;
    assert_eq!(body["status"]["allowed"], true);
    assert!(stage.running.writes().is_empty(), "a review is no write");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn prometheus_is_reachable_through_the_service_proxy_by_get_and_post() {
    let stage = stage("slo-burn").await;
    let proxy = "/api/v1/namespaces/monitoring/services/http:prometheus:9090/proxy/api/v1/query";
    let (status, direct) = stage.query("slo:objective:ratio").await;
    assert_eq!((status, direct["data"]["result"].as_array().map(Vec::len)), (200, Some(4)));
    let (status, through) = stage.get(&format!("{proxy}?query=slo:objective:ratio")).await;
    assert_eq!((status, &through), (200, &direct));
    let url = format!("{}{proxy}", stage.running.kubernetes_url);
    let answer =
        stage.http.post(url).form(&[("query", "slo:objective:ratio")]).send().await.expect("an answer");
    assert_eq!(read(answer).await, (200, direct));
    let (_, services) = stage.get("/api/v1/services?labelSelector=app.kubernetes.io/name%3Dprometheus").await;
    assert_eq!(services["items"][0]["metadata"]["namespace"], "monitoring");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_evaluated_is_an_error_and_never_an_answer() {
    let stage = stage("slo-burn").await;
    for (query, status, kind, says) in [
        ("histogram_fraction(0, 1, up)", 422, "execution", "histogram_fraction"),
        ("topk(2, up)", 422, "execution", "topk"),
        ("max_over_time(up[1h:1m])", 422, "execution", "subquery"),
        ("irate(up[5m])", 422, "execution", "irate"),
        ("sum(rate(x[5m])", 400, "bad_data", "parse error"),
        ("", 400, "bad_data", "no expression"),
        ("up * on() group_left slo:objective:ratio", 422, "execution", "many-to-many matching not allowed"),
    ] {
        let (code, body) = stage.query(query).await;
        let error = body["error"].as_str().unwrap_or_default();
        assert!(
            code == status && body["errorType"] == kind && error.contains(says),
            "{query}: {code} {body}"
        );
    }
    let range = |parameters: &'static str| {
        let url = format!("{}/api/v1/query_range?query=up&{parameters}", stage.running.prometheus_url);
        stage.http.get(url).send()
    };
    for (parameters, says) in
        [("start=0&end=9&step=0", "zero or negative"), ("start=0&end=99999999&step=15", "11,000")]
    {
        let (code, body) = read(range(parameters).await.expect("an answer")).await;
        assert!(code == 400 && body["error"].as_str().is_some_and(|e| e.contains(says)), "{body}");
    }
    let nothing = stage
        .http
        .get(format!("{}/api/v1/nope", stage.running.prometheus_url))
        .send()
        .await
        .expect("an answer");
    assert_eq!(read(nothing).await, (404, json!("404 page not found\n")));
    assert_eq!(
        stage.query("does_not_exist").await,
        (200, json!({"status": "success", "data": {"resultType": "vector", "result": []}}))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn putting_the_content_back_helps_only_after_a_restart() {
    let stage = stage("slo-burn-in-place").await;
    let map = "/api/v1/namespaces/shop/configmaps/gateway-config";
    let (_, good) = stage.get(map).await;
    stage.clock.advance(120.0);
    let (_, bad) = stage.get(map).await;
    assert_ne!(bad["data"], good["data"]);
    let applied = bad["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"].as_str();
    let applied: Value = serde_json::from_str(applied.expect("kept by kubectl apply")).expect("JSON");
    assert_eq!(applied["data"], good["data"]);
    let editor = bad["metadata"]["managedFields"]
        .as_array()
        .expect("entries")
        .iter()
        .find(|e| e["manager"] == "kubectl-edit");
    assert_eq!(editor.expect("an entry")["fieldsV1"], json!({"f:data": {"f:default.conf": {}}}));

    assert_eq!(
        stage.patch(map, &json!([{"op": "replace", "path": "/data", "value": good["data"]}])).await.0,
        200
    );
    stage.clock.advance(90.0);
    assert!(stage.value(ERRORS_PER_MINUTE).await > 1_000.0, "nginx has read its files at its start");
    let restart = json!([{"op": "add", "path": "/spec/template/metadata/annotations/kubectl.kubernetes.io~1restartedAt", "value": "now"}]);
    assert_eq!(stage.patch(GATEWAY, &restart).await.0, 200);
    stage.clock.advance(90.0);
    assert!(stage.value(ERRORS_PER_MINUTE).await < 5.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pods_wait_for_a_configmap_that_is_not_there() {
    let stage = stage("slo-burn").await;
    let elsewhere = json!([{"op": "replace", "path": "/spec/template/spec/volumes/0/configMap/name", "value": "nowhere"}]);
    assert_eq!(stage.patch(GATEWAY, &elsewhere).await.0, 200);
    stage.clock.advance(20.0);
    let (_, gateway) = stage.get(GATEWAY).await;
    assert_eq!(
        (&gateway["status"]["readyReplicas"], &gateway["status"]["updatedReplicas"]),
        (&json!(3), &json!(1))
    );
    let (_, events) = stage.get("/api/v1/namespaces/shop/events").await;
    let held = events["items"]
        .as_array()
        .expect("items")
        .iter()
        .filter(|event| event["reason"] == "FailedMount")
        .count();
    assert!(held > 1, "{held}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scenario_can_begin_in_the_middle_and_can_forbid() {
    let mut scenario = scenario::load("slo-burn").expect("an embedded scenario");
    scenario.begin = scenario::Duration(300_000);
    scenario.deny = vec!["list nodes".to_owned(), "patch deployments".to_owned()];
    let stage = stage_of(scenario).await;
    assert_eq!(firing(&stage).await.first().map(String::as_str), Some("page api-gateway"));
    let (status, body) = stage.get("/api/v1/nodes").await;
    assert!(status == 403 && body["reason"] == "Forbidden", "{body}");
    assert_eq!(stage.get("/api/v1/pods").await.0, 200);
    assert_eq!(stage.patch(GATEWAY, &json!([])).await.0, 403);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dropping_the_world_ends_its_watches() {
    let stage = stage("slo-burn").await;
    let url = format!("{}/api/v1/nodes?watch=1", stage.running.kubernetes_url);
    let watch = stage.http.get(url).send().await.expect("an answer");
    drop(stage.running);
    assert_eq!(watch.text().await.expect("an end").lines().count(), 3, "the three nodes, then the end");
}

impl Stage {
    async fn prometheus(&self, path: &str) -> Value {
        let url = format!("{}{path}", self.running.prometheus_url);
        let (status, body) = read(self.http.get(url).send().await.expect("an answer")).await;
        assert_eq!(status, 200, "{path} {body}");
        body["data"].clone()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_recorded_series_is_what_its_rule_says() {
    let stage = stage("slo-burn").await;
    // A multiple of 15 s: now is the moment of an evaluation.
    stage.clock.advance(240.0);
    let groups = stage.prometheus("/api/v1/rules?type=record").await["groups"].clone();
    let mut compared = 0;
    for rule in
        groups.as_array().expect("groups").iter().flat_map(|group| group["rules"].as_array().expect("rules"))
    {
        let text = |name: &str| rule[name].as_str().unwrap_or_default();
        let said = stage.value(text("query")).await;
        let selector = format!("{}{{sloth_id={}}}", text("name"), rule["labels"]["sloth_id"]);
        let recorded = stage.value(&selector).await;
        assert!(
            (said - recorded).abs() <= 1e-12,
            "{selector}: {recorded}, but {} gives {said}",
            text("query")
        );
        compared += 1;
    }
    assert_eq!(compared, 4 * 15);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_recorded_past_agrees_with_the_counters_and_reaches_back_thirty_days() {
    let stage = stage("slo-burn").await;
    let now = origin().timestamp();
    for (window, tolerance) in [("5m", 0.0003), ("1h", 0.00005), ("6h", 0.00002), ("3d", 0.00001)] {
        let raw = format!(
            r#"sum(rate(http_requests_total{{service="api-gateway",code=~"5.."}}[{window}])) / sum(rate(http_requests_total{{service="api-gateway"}}[{window}]))"#
        );
        let recorded =
            stage.value(&format!(r#"slo:sli_error:ratio_rate{window}{{sloth_service="api-gateway"}}"#)).await;
        let counted = stage.value(&raw).await;
        assert!((recorded - counted).abs() < tolerance, "{window}: {recorded} recorded, {counted} counted");
    }
    let range = format!(
        "/api/v1/query_range?query=slo:sli_error:ratio_rate1h{{sloth_service=%22search%22}}&start={}&end={now}&step=3600",
        now - 30 * 86_400 + 7_200
    );
    let lines = stage.prometheus(&range).await["result"].clone();
    assert_eq!(lines[0]["values"].as_array().map(Vec::len), Some(30 * 24 - 1), "no hole in thirty days");
    let old = stage
        .value(&format!(
            r#"count(http_requests_total{{service="api-gateway",code="200"}} @ {})"#,
            now - 12 * 86_400
        ))
        .await;
    assert_eq!(old, 3.0, "the pods of an older revision are in the past");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_request_is_in_the_histogram_and_the_failures_are_as_fast_as_they_are_said_to_be() {
    let stage = stage("slo-burn").await;
    stage.clock.advance(180.0);
    for service in ["api-gateway", "orders", "payments", "search"] {
        let requests = stage.value(&format!(r#"sum(http_requests_total{{service="{service}"}})"#)).await;
        let bucket = format!(r#"http_request_duration_seconds_bucket{{service="{service}",le="+Inf"}}"#);
        assert_eq!(stage.value(&format!("sum({bucket})")).await, requests, "{service}");
    }
    let buckets = r#"http_request_duration_seconds_bucket{service="api-gateway"}"#;
    let median = |offset: &str| format!("histogram_quantile(0.5, sum by (le) (rate({buckets}[1m]{offset})))");
    let (now, before) = (stage.value(&median("")).await, stage.value(&median(" offset 3m")).await);
    assert!(now < 0.005 && (0.025..0.07).contains(&before), "{before} before, {now} now");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn quantiles_of_the_program_are_those_of_the_server() {
    let stage = stage("traffic-spike").await;
    stage.clock.advance(90.0);
    for service in ["api-gateway", "search"] {
        let sum = format!(
            r#"sum by (le) (increase(http_request_duration_seconds_bucket{{service="{service}"}}[2m]))"#
        );
        let mut rows: Vec<(f64, f64)> = answers(&stage.query(&sum).await.1)
            .into_iter()
            .map(|(labels, count)| {
                let le = labels.split('"').nth(3).expect("a bound").replace("+Inf", "inf");
                (le.parse().expect("a number"), count)
            })
            .collect();
        rows.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        let (bounds, within) = rows.into_iter().unzip();
        let durations = Durations::of(bounds, vec![Step { end: origin(), within }]);
        for (q, name) in QUANTILES {
            let server = stage.value(&format!("histogram_quantile({q}, {sum})")).await;
            match durations.quantile(&durations.steps[0], q) {
                Quantile::At(ours) => {
                    assert!((ours - server).abs() < 1e-9, "{service} {name}: {ours} {server}")
                }
                Quantile::Over(bound) => assert_eq!(bound, server, "{service} {name}"),
                Quantile::NoRequests => panic!("{service} {name}: no requests"),
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_has_its_time_of_onset_and_clears_five_minutes_after_the_rollback() {
    let stage = stage("slo-burn").await;
    let (_, good) = stage.get(GATEWAY).await;
    // Soon enough for the other pair, 30 minutes and 6 hours, not to be reached: that one would hold for half an hour.
    stage.clock.advance(120.0);
    let alerts = stage.prometheus("/api/v1/alerts").await["alerts"].clone();
    assert_eq!((alerts.as_array().map(Vec::len), &alerts[0]["state"]), (Some(1), &json!("firing")));
    let since: Time = alerts[0]["activeAt"].as_str().and_then(|at| at.parse().ok()).expect("a time");
    let onset = (since - origin()).num_seconds();
    assert!((60..=120).contains(&onset), "{onset}");
    assert_eq!(
        stage.prometheus("/api/v1/rules?type=alert").await["groups"][0]["rules"][0]["state"],
        "firing"
    );
    let patch = json!([{"op": "replace", "path": "/spec/template", "value": good["spec"]["template"]}]);
    assert_eq!(stage.patch(GATEWAY, &patch).await.0, 200);
    stage.clock.advance(240.0);
    assert_eq!(firing(&stage).await, ["page api-gateway"], "the 5 m window still holds the errors");
    stage.clock.advance(120.0);
    assert!(!firing(&stage).await.contains(&"page api-gateway".to_owned()));
}

/// Everything that a client can see at three moments of the same story, one line each. Between the moments the clock is
/// moved, and the world asked, `asks` times.
async fn story(name: &str, asks: u32) -> Vec<String> {
    let stage = stage(name).await;
    let mut seen = Vec::new();
    let (_, good) = stage.get(GATEWAY).await;
    for (moment, pause) in [(45, 45.0), (150, 105.0), (400, 250.0)] {
        for _ in 0..asks {
            stage.clock.advance(pause / f64::from(asks));
            stage.value("vector(1)").await;
        }
        for kind in ["apps/v1/deployments", "apps/v1/replicasets"] {
            seen.push(format!("{moment} {kind} {}", stage.get(&format!("/apis/{kind}")).await.1));
        }
        for kind in ["pods", "events", "configmaps"] {
            seen.push(format!("{moment} {kind} {}", stage.get(&format!("/api/v1/{kind}")).await.1));
        }
        for query in [
            r#"{__name__=~"slo:.+"}"#,
            "http_requests_total",
            "ALERTS",
            "sum by (service) (rate(http_requests_total[2m]))",
            "sum by (le, pod) (http_request_duration_seconds_bucket)",
        ] {
            seen.push(format!("{moment} {query} {}", stage.query(query).await.1));
        }
        if moment == 150 {
            let patch =
                json!([{"op": "replace", "path": "/spec/template", "value": good["spec"]["template"]}]);
            seen.push(format!("{moment} patch {}", stage.patch(GATEWAY, &patch).await.1));
        }
    }
    seen
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_seed_writes_and_times_give_the_same_answers_however_often_one_asks() {
    let (once, often) = tokio::join!(story("slo-burn", 1), story("slo-burn", 5));
    assert_eq!(once.len(), often.len());
    for (a, b) in once.iter().zip(&often) {
        let at = a.chars().zip(b.chars()).take_while(|(a, b)| a == b).count();
        let near = |text: &str| text.chars().skip(at.saturating_sub(80)).take(160).collect::<String>();
        assert!(a == b, "{:.60}\n{}\n{}", a, near(a), near(b));
    }
}

/// What the subset has, on the series of a rig: every row is evaluated here and there and must agree.
const COMPARED: &[&str] = &[
    "http_requests_total",
    r#"rate(http_requests_total[5m])"#,
    r#"increase(http_requests_total{code=~"2.."}[1m])"#,
    r#"increase(http_requests_total{code!~"2..",namespace!=""}[30m])"#,
    r#"increase(http_requests_total[7s])"#,
    r#"sum by (code) (rate(http_requests_total[2m]))"#,
    r#"sum without (pod, instance, job) (increase(http_requests_total[10m]))"#,
    r#"avg(rate(http_requests_total[5m] offset 3m)) by (deployment)"#,
    r#"max by (pod) (http_requests_total) - on (pod) min by (pod) (http_requests_total)"#,
    r#"count({__name__=~"slo:.+"}) by (__name__)"#,
    r#"count by (namespace) (up or http_requests_total)"#,
    r#"sum_over_time({__name__="slo:sli_error:ratio_rate5m"}[10m]) / count_over_time({__name__="slo:sli_error:ratio_rate5m"}[10m])"#,
    r#"avg_over_time(slo:sli_error:ratio_rate1h[10m])"#,
    r#"min_over_time(http_requests_total[3m]) + max_over_time(http_requests_total[3m])"#,
    r#"last_over_time(http_requests_total[1m])"#,
    r#"timestamp(http_requests_total) - time()"#,
    r#"label_replace(http_requests_total, "short", "$1", "pod", ".*-(.*)")"#,
    r#"slo:sli_error:ratio_rate5m / on(sloth_id, sloth_slo, sloth_service) group_left slo:error_budget:ratio"#,
    r#"slo:sli_error:ratio_rate1h > bool 1e-5"#,
    r#"slo:sli_error:ratio_rate1h >= 0 and ignoring (sloth_window) slo:sli_error:ratio_rate5m"#,
    r#"max without (sloth_window) (slo:sli_error:ratio_rate5m > (14.4 * 0.001)) or vector(0)"#,
    r#"slo:objective:ratio unless on (sloth_id) slo:error_budget:ratio"#,
    r#"(sum(rate(http_requests_total{code=~"5.."}[5m])) or vector(0)) / sum(rate(http_requests_total[5m]))"#,
    r#"scalar(sum(slo:objective:ratio)) * vector(2) ^ 3 % 5"#,
    r#"-sum(http_requests_total) / 0"#,
    r#"sum(http_requests_total offset -1s)"#,
    r#"histogram_quantile(0.9, http_request_duration_seconds_bucket)"#,
    r#"histogram_quantile(0.99, sum by (le) (rate(http_request_duration_seconds_bucket[5m])))"#,
    r#"histogram_quantile(0.5, sum by (le, service) (increase(http_request_duration_seconds_bucket[1m])))"#,
    r#"histogram_quantile(1, sum by (le, code) (http_request_duration_seconds_bucket))"#,
    r#"histogram_quantile(0.5, sum by (le) (http_request_duration_seconds_bucket{le!="+Inf"}))"#,
    r#"histogram_quantile(-1, sum by (le) (http_request_duration_seconds_bucket))"#,
    r#"histogram_count(http_request_duration_seconds_bucket)"#,
];

/// Reads a vector or a scalar of the HTTP API.
fn answers(body: &Value) -> std::collections::BTreeMap<String, f64> {
    let number =
        |value: &Value| value[1].as_str().map(|text| text.replace("Inf", "inf")).and_then(|t| t.parse().ok());
    let rows = body["data"]["result"].as_array().expect("a result");
    let pairs = rows.iter().map(|row| {
        let labels: std::collections::BTreeMap<&String, &Value> =
            row["metric"].as_object().expect("labels").iter().collect();
        (format!("{labels:?}"), number(&row["value"]).expect("a number"))
    });
    pairs.collect()
}

/// Reads the same from an evaluation here.
fn evaluated(value: promql::Value) -> std::collections::BTreeMap<String, f64> {
    let promql::Value::Vector(samples) = value else { panic!("{value:?} is no vector") };
    let pairs = samples.into_iter().map(|sample| {
        let labels: std::collections::BTreeMap<String, Value> =
            sample.labels.iter().map(|(name, value)| (name.to_owned(), json!(value))).collect();
        (format!("{labels:?}"), sample.value)
    });
    pairs.collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_prometheus_gives_the_same_answers_on_the_same_samples() {
    let Ok(url) = std::env::var("GOAROUND_E2E_PROMETHEUS") else {
        eprintln!(
            "SKIPPED: set GOAROUND_E2E_PROMETHEUS=http://host:port to compare the PromQL subset with a real Prometheus"
        );
        return;
    };
    let _ = rustls::crypto::ring::default_provider().install_default();
    let http = reqwest::Client::new();
    let ask = |query: String, at: String| {
        let request = http.get(format!("{url}/api/v1/query")).query(&[("query", query), ("time", at)]);
        async move { read(request.send().await.expect("an answer")).await.1 }
    };
    let now = ask("time()".to_owned(), String::new()).await;
    let now = now["data"]["result"][0].as_f64().expect("a time");
    // Not on the grid of the scrapes, and long enough ago for every rule to have been evaluated.
    let at = ((now - 20.0) * 1_000.0) as i64 + 137;
    let seconds = format!("{}", at as f64 / 1_000.0);
    let mut storage = promql::series::Storage::default();
    for selector in [
        "http_requests_total[45m]",
        "http_request_duration_seconds_bucket[45m]",
        r#"{__name__=~"slo:.+|up"}[20m]"#,
    ] {
        let body = ask(selector.to_owned(), format!("{}", at as f64 / 1_000.0 + 2.0)).await;
        for line in body["data"]["result"].as_array().expect("a matrix") {
            let labels = line["metric"].as_object().expect("labels").iter();
            let labels = promql::series::Labels::new(
                labels.map(|(name, value)| (name, value.as_str().unwrap_or_default())),
            );
            let id = storage.open(&labels, true);
            for point in line["values"].as_array().expect("values") {
                let time = (point[0].as_f64().expect("a time") * 1_000.0).round() as i64;
                storage.push(
                    id,
                    time,
                    point[1].as_str().and_then(|text| text.parse().ok()).expect("a number"),
                );
            }
        }
    }
    assert!(storage.len() > 5, "the server has no http_requests_total or no slo: series to compare on");
    for query in COMPARED {
        let there = answers(&ask((*query).to_owned(), seconds.clone()).await);
        let here = promql::Query::parse(query).and_then(|query| query.instant(&storage, at));
        let here = evaluated(here.unwrap_or_else(|why| panic!("{query}: {why}")));
        assert_eq!(here.keys().collect::<Vec<_>>(), there.keys().collect::<Vec<_>>(), "{query}");
        for (labels, value) in &here {
            let other = there[labels];
            let same = value == &other || (value.is_nan() && other.is_nan());
            assert!(
                same || (value - other).abs() <= 1e-9 * other.abs(),
                "{query} {labels}: {value} here, {other} there"
            );
        }
        eprintln!("{} rows agree: {query}", here.len());
    }
}

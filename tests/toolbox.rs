//! The tools of the advisor against the embedded world and against servers that refuse: what a model would be told, and
//! that no secret of a template, an event, a log or a journal is among it.

use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use goaround::advisor::tools::{Lookback, Object, Template, Tool};
use goaround::demo::clock::Clock as Hand;
use goaround::demo::{Running, scenario};
use goaround::domain::Time;
use goaround::domain::advice::{Brief, BriefId, Candidate, Purpose, Share};
use goaround::domain::clean::Clean;
use goaround::domain::cluster::Key;
use goaround::domain::sli::understand;
use goaround::domain::slo::Sli;
use goaround::domain::value::Value;
use goaround::domain::verdict::{Offer, Verdict};
use goaround::shell::journal::Journal;
use goaround::shell::toolbox::{Found, ITEMS, LONGEST, Toolbox};
use goaround::sources::kubernetes::{self, Connected, Options};
use goaround::sources::prometheus::{Client, Direct};
use serde_json::json;

const SLI: &str = "sum(rate(http_requests_total{service=\"api-gateway\",code=~\"5..\"}[5m])) / \
                   sum(rate(http_requests_total{service=\"api-gateway\"}[5m]))";

fn noon() -> Time {
    "2026-11-21T12:00:00Z".parse().expect("a time")
}

fn brief(pods: Vec<Clean>) -> Brief {
    let candidate = |number| Candidate { number, title: Clean::new(format!("revision {number}")) };
    Brief {
        id: BriefId(1),
        now: Time::default(),
        purpose: Purpose::Rationale,
        workload: Key::new("shop", "api-gateway"),
        verdict: Verdict::BadDeploy,
        offer: Offer::Rollback,
        target: Some(3),
        current: Some(4),
        decided: Clean::default(),
        candidates: vec![candidate(3), candidate(2), candidate(1)],
        items: Vec::new(),
        found: 0,
        quotes: Vec::new(),
        pods,
        slo: None,
    }
}

async fn connect(kubeconfig: &str) -> Connected {
    goaround::shell::tls::install();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("config");
    std::fs::write(&file, kubeconfig).expect("a file");
    let options =
        Options { kubeconfig: vec![file], context: None, hide_env: Vec::new(), clock: Arc::new(noon) };
    kubernetes::connect(options).await.expect("a session")
}

/// The story of the bad route map, with secrets in the templates, five minutes after it began.
struct Stage {
    _running: Running,
    toolbox: Toolbox,
}

async fn stage() -> Stage {
    let text = include_str!("../demo/slo-burn.toml");
    let cause = "cause = \"gateway 1.27.2: patch release\"";
    let text = text.replacen(
        cause,
        &format!("{cause}\nenv = {{ DB_PASSWORD = \"canary-1\", DB_POOL = \"50\" }}"),
        1,
    );
    let cause = "cause = \"gateway 1.27.3: security patch\"";
    let env =
        "env = { DB_PASSWORD = \"canary-2\", DB_POOL = \"5\", URL = \"redis://app:canary-3@cache:6379\" }";
    let text = text.replacen(cause, &format!("{cause}\n{env}"), 1);
    let clock = Hand::manual(noon());
    goaround::shell::tls::install();
    let running =
        goaround::demo::start(scenario::parse("slo-burn", &text).expect("a scenario"), 7, clock.clone())
            .await
            .expect("loopback");
    clock.advance(330.0);
    let cluster = connect(&running.kubeconfig()).await;
    let direct = Direct {
        url: running.prometheus_url.clone(),
        bearer_file: None,
        basic: None,
        headers: Vec::new(),
        ca_file: None,
    };
    let prometheus = Client::direct(direct).await.expect("a client");
    let pods = pods(&running).await;
    assert_eq!(pods.len(), 3);
    let toolbox = Toolbox {
        cluster: Some(cluster),
        prometheus: Some(Arc::new(prometheus)),
        journal: None,
        brief: brief(pods),
        sli: Some(Sli::Understood(Box::new(understand(SLI).expect("an SLI")))),
        share: Share::FactsAndLogs,
        clock: Arc::new(move || clock.now()),
    };
    Stage { _running: running, toolbox }
}

async fn pods(running: &Running) -> Vec<Clean> {
    let url =
        format!("{}/api/v1/namespaces/shop/pods?labelSelector=app%3Dapi-gateway", running.kubernetes_url);
    let list = reqwest::get(url).await.expect("an answer").text().await.expect("a body");
    let list: serde_json::Value = serde_json::from_str(&list).expect("JSON");
    let items = list["items"].as_array().expect("items");
    items.iter().filter_map(|pod| pod["metadata"]["name"].as_str()).map(Clean::new).collect()
}

impl Stage {
    async fn run(&self, tool: Tool) -> Vec<Found> {
        let found = self.toolbox.run(&tool).await.unwrap_or_else(|why| panic!("{}: {why}", tool.words()));
        assert!(!found.is_empty() && found.len() <= ITEMS, "{found:?}");
        assert!(!format!("{found:?}").contains("canary"), "{found:?}");
        assert!(found.iter().all(|f| f.fact.as_str().chars().count() <= LONGEST && !f.source.is_empty()));
        found
    }

    fn pod(&self) -> Clean {
        self.toolbox.brief.pods[0].clone()
    }
}

fn facts(found: &[Found]) -> String {
    found.iter().map(|f| f.fact.to_string()).collect::<Vec<_>>().join("\n")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_cluster_is_described_without_any_value_of_an_environment() {
    let stage = stage().await;
    let deployment = facts(&stage.run(Tool::Describe { object: Object::Deployment }).await);
    assert!(deployment.contains("3 of 3 replicas available, 3 updated"), "{deployment}");
    assert!(deployment.contains("condition Available is true"), "{deployment}");
    assert!(deployment.contains("has environment variables DB_PASSWORD, DB_POOL, URL"), "{deployment}");
    let pod = stage.pod();
    let found = stage.run(Tool::Describe { object: Object::Pod(pod.clone()) }).await;
    assert!(found.iter().all(|f| f.subject.as_str() == format!("pod {pod}")));
    assert_eq!((found[0].value, found[0].unit), (Value::Number(0.0), "restarts"));
    assert!(facts(&found).contains("container nginx is running, ready"), "{}", facts(&found));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_difference_says_which_secret_changed_and_not_what_it_was() {
    let stage = stage().await;
    let text = facts(&stage.run(Tool::Diff { from: 2, to: 3 }).await);
    assert!(text.contains("env DB_PASSWORD <redacted: password> → <redacted: password>"), "{text}");
    assert!(text.contains("revision 2 to 3: env DB_POOL 50 → 5"), "{text}");
    assert!(text.contains("env URL added: redis://app:<redacted: password>@cache:6379"), "{text}");
    let text = facts(&stage.run(Tool::Diff { from: 3, to: 4 }).await);
    assert!(text.contains("gateway-config → gateway-config-v2"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logs_begin_with_what_failed_and_events_are_those_of_the_object() {
    let stage = stage().await;
    let found = stage.run(Tool::Logs { pod: stage.pod(), previous: false }).await;
    let first = found[0].fact.as_str();
    assert!(first.starts_with("log line") && first.contains("HTTP/1.1\" 500 157"), "{first}");
    assert!(facts(&found).contains("alike: "), "{}", facts(&found));
    let again = stage.run(Tool::Logs { pod: stage.pod(), previous: false }).await;
    assert_eq!(found, again, "the same log twice");
    let earlier = Tool::Logs { pod: stage.pod(), previous: true };
    let why = stage.toolbox.run(&earlier).await.expect_err("nothing restarted");
    assert!(why.as_str().contains("previous terminated container \"nginx\""), "{why}");
    let events = stage.run(Tool::Events { object: Object::Pod(stage.pod()) }).await;
    assert!(facts(&events).contains("event Started: Started container nginx"), "{}", facts(&events));
    let events = stage.run(Tool::Events { object: Object::Deployment }).await;
    assert!(facts(&events).contains("event ScalingReplicaSet"), "{}", facts(&events));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_are_counted_by_the_slos_own_expression_and_by_pod() {
    let stage = stage().await;
    let found =
        stage.run(Tool::Query { template: Template::ErrorRatioByPod, window: Lookback::FiveMinutes }).await;
    let worst = &found[0];
    let (bad, total) = (worst.bad.expect("bad"), worst.total.expect("all"));
    assert!(
        worst.value.number().is_some_and(|ratio| ratio > 0.9) && bad <= total && total > 1_000.0,
        "{worst:?}"
    );
    assert_eq!((worst.unit, worst.window.as_str()), ("ratio", "5m"));
    assert!(
        stage.toolbox.brief.pods.iter().any(|pod| worst.subject.as_str() == format!("pod {pod}")),
        "{worst:?}"
    );
    let found = stage.run(Tool::Query { template: Template::RequestRate, window: Lookback::Hour }).await;
    assert!(found.iter().all(|f| f.unit == "requests/s" && f.value.number().is_some()), "{found:?}");
    // The world has no such series: that is a fact, and no number.
    let found = stage.run(Tool::Query { template: Template::Memory, window: Lookback::Day }).await;
    assert_eq!((facts(&found).as_str(), found[0].value), ("no data on most memory in use", Value::Absent));
    assert!(
        found[0].source.as_str().contains("namespace=\"shop\",pod=~\"api-gateway-[a-z0-9]+-[a-z0-9]{5}\""),
        "{found:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_question_does_not_list_or_may_not_share_is_not_asked() {
    let mut stage = stage().await;
    let other = Tool::Logs { pod: Clean::new("payments-1"), previous: false };
    assert!(stage.toolbox.run(&other).await.is_err());
    stage.toolbox.share = Share::Facts;
    let why = stage.toolbox.run(&Tool::Events { object: Object::Deployment }).await.expect_err("not shared");
    assert!(why.as_str().starts_with("there is no tool `events`"), "{why}");
    stage.toolbox.sli = None;
    let query = Tool::Query { template: Template::ErrorRatioByPod, window: Lookback::Hour };
    let why = stage.toolbox.run(&query).await.expect_err("no SLO");
    assert_eq!(why, "requests cannot be counted: no SLO judges this workload");
    (stage.toolbox.cluster, stage.toolbox.prometheus) = (None, None);
    for tool in
        [query, Tool::Describe { object: Object::Deployment }, Tool::Diff { from: 3, to: 4 }, Tool::Incidents]
    {
        let why = stage.toolbox.run(&tool).await.expect_err("nothing to ask");
        assert!(!why.is_empty() && !why.as_str().contains('\n'), "{why}");
    }
}

/// Without servers: a journal alone.
fn offline(journal: Option<&Path>) -> Toolbox {
    Toolbox {
        cluster: None,
        prometheus: None,
        journal: journal.map(Path::to_path_buf),
        brief: brief(vec![Clean::new("api-gateway-7f9c4d8b6d-x2x4z")]),
        sli: None,
        share: Share::FactsAndLogs,
        clock: Arc::new(noon),
    }
}

#[tokio::test]
async fn earlier_actions_are_those_of_this_workload_newest_first() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut journal = Journal::open(folder.path()).expect("a journal");
    let intent = |action: &str, workload: &str| {
        json!({"action": action, "workload": workload, "offer": "rollback", "target": "5d9c 1.27.2",
               "verdict": "bad_deploy", "by": "mara", "reason": "token=canary-4 seen", "calls": [{}]})
    };
    let actions = [(1, "A1", "shop/api-gateway"), (2, "A2", "shop/orders"), (3, "A3", "shop/api-gateway")];
    for (minutes, action, workload) in actions {
        let time = noon() + chrono::TimeDelta::minutes(minutes);
        journal.append(time, "intent", &intent(action, workload)).expect("appended");
    }
    journal.append(noon(), "closed", &json!({"action": "A1", "outcome": "helped"})).expect("appended");
    let found = offline(Some(folder.path())).run(&Tool::Incidents).await.expect("a journal");
    let sources: Vec<&str> = found.iter().map(|f| f.source.as_str()).collect();
    assert_eq!(sources, ["journal, action A3", "journal, action A1"]);
    assert_eq!(
        found[1].fact,
        "rollback to 5d9c 1.27.2, verdict bad_deploy, outcome helped, reason given: token=<redacted: token> seen"
    );
    assert!(found[0].fact.as_str().contains("its outcome is not known"));
    assert!(!format!("{found:?}").contains("canary") && !format!("{found:?}").contains("mara"));
}

/// An API server that answers as `answer` says.
async fn api(answer: fn(&str) -> Response) -> Connected {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("loopback");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let app = Router::new().fallback(move |request: Request| async move { answer(request.uri().path()) });
    tokio::spawn(async move { axum::serve(listener, app).await });
    let kubeconfig = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "c",
        "clusters": [{"name": "c", "cluster": {"server": url}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "users": [{"name": "u", "user": {}}],
    });
    connect(&kubeconfig.to_string()).await
}

fn body(text: impl Into<String>) -> Response {
    text.into().into_response()
}

#[tokio::test]
async fn secrets_in_logs_and_messages_do_not_come_out_and_neither_do_escape_sequences() {
    let answer = |path: &str| {
        if path.ends_with("/log") {
            return body(
                "2026-11-21T12:00:01Z connecting with password=canary-5 to postgres://app:canary-6@db/x\n\
                 2026-11-21T12:00:02Z \u{1b}[31mERROR\u{1b}[0m {\"authorization\":\"Bearer canary-7\"}\n",
            );
        }
        if path.ends_with("/events") {
            let event = json!({"metadata": {"name": "e", "namespace": "shop"}, "type": "Warning", "reason": "Failed",
                "message": "Error: DB_TOKEN=canary-8 is wrong", "count": 7, "lastTimestamp": "2026-11-21T11:59:00Z",
                "involvedObject": {"kind": "Pod", "name": "p"}});
            return body(json!({"kind": "EventList", "metadata": {}, "items": [event]}).to_string());
        }
        let state =
            json!({"waiting": {"reason": "CrashLoopBackOff", "message": "back-off, api_key=canary-9"}});
        let pod = json!({"metadata": {"name": "p"}, "spec": {"containers": [{"name": "nginx", "image": "n:1"}]},
            "status": {"phase": "Running", "containerStatuses": [{"name": "nginx", "restartCount": 4, "state": state}]}});
        body(json!({"items": [pod]}).to_string())
    };
    let mut toolbox = offline(None);
    toolbox.cluster = Some(api(answer).await);
    let pod = toolbox.brief.pods[0].clone();
    let mut all = String::new();
    for tool in [
        Tool::Logs { pod: pod.clone(), previous: false },
        Tool::Events { object: Object::Pod(pod.clone()) },
        Tool::Describe { object: Object::Pod(pod) },
    ] {
        let found = toolbox.run(&tool).await.expect("an answer");
        all += &format!("{}\n", facts(&found));
    }
    assert!(!all.contains("canary") && !all.contains('\u{1b}'), "{all}");
    assert!(
        all.starts_with(
            "log line: <1b>[31mERROR<1b>[0m {\"authorization\":\"Bearer <redacted: authorization>\"}"
        ),
        "{all}"
    );
    assert!(
        all.contains("password=<redacted: password> to postgres://app:<redacted: password>@db/x"),
        "{all}"
    );
    assert!(all.contains("warning Failed, 7 times: Error: DB_TOKEN=<redacted: token> is wrong"), "{all}");
    assert!(all.contains("container nginx is waiting: CrashLoopBackOff, not ready"), "{all}");
    assert!(all.contains("message of container nginx: back-off, api_key=<redacted: api key>"), "{all}");

    // The message of a container may be the end of its log: facts alone do not hold it.
    let mut facts_only = offline(None);
    facts_only.share = Share::Facts;
    facts_only.cluster = Some(api(answer).await);
    let pod = facts_only.brief.pods[0].clone();
    let found = facts_only.run(&Tool::Describe { object: Object::Pod(pod) }).await.expect("an answer");
    assert!(
        !facts(&found).contains("back-off") && facts(&found).contains("CrashLoopBackOff"),
        "{}",
        facts(&found)
    );
    assert!(found.iter().all(|f| !f.foreign));
}

#[tokio::test]
async fn a_right_that_is_missing_is_that_tools_sentence_and_an_error_is_redacted_too() {
    let answer = |path: &str| {
        if !path.ends_with("/log") {
            return body(json!({"items": [{"metadata": {"name": "p"}}]}).to_string());
        }
        let status = json!({"kind": "Status", "code": 403, "message": "pods/log is forbidden: token=canary"});
        (http::StatusCode::FORBIDDEN, status.to_string()).into_response()
    };
    let mut toolbox = offline(None);
    toolbox.cluster = Some(api(answer).await);
    let pod = toolbox.brief.pods[0].clone();
    let why = toolbox.run(&Tool::Logs { pod, previous: false }).await.expect_err("403");
    assert_eq!(why, "pods/log is forbidden: token=<redacted: token>; hint: deploy/logs.yaml has this right");
}

//! The Kubernetes source against a small API server over real HTTP: recorded answers, refusals, broken watches.

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use futures_util::{StreamExt as _, stream};
use goaround::domain::clean::Clean;
use goaround::domain::cluster::{Change, ClusterFact, Key, RefKind, Right, Uid};
use goaround::domain::pod::{LogNews, LogRequest};
use goaround::domain::signal::{Health, Signal, Source};
use goaround::sources::kubernetes::{self as source, ConnectError, Connected, Options, ReadError};
use serde_json::{Value, json};
use tokio::sync::mpsc::Receiver;
use tokio_util::sync::{CancellationToken, DropGuard};

const DEPLOYMENTS: &str = "/apis/apps/v1/deployments";
const PODS: &str = "/api/v1/pods";

/// What the server answers once.
#[derive(Clone)]
enum Reply {
    Json(u16, String),
    /// Lines of a watch, then it stays open.
    Hold(Vec<String>),
    /// Lines of a watch, then it ends in order.
    End(Vec<String>),
    /// Bytes of a watch, then the connection breaks.
    Cut(String),
}

/// A request that the server saw.
#[derive(Clone, Debug)]
struct Seen {
    method: String,
    path: String,
    query: String,
    accept: String,
    agent: String,
    authorization: String,
}

/// An API server that knows nothing but what it was told; collections are empty and watches silent otherwise.
#[derive(Clone, Default)]
struct Api {
    replies: Arc<Mutex<BTreeMap<String, VecDeque<Reply>>>>,
    always: Arc<Mutex<BTreeMap<String, Reply>>>,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Api {
    /// Answers the next request for `path` with `reply`; watches are `watch:<path>`.
    fn once(self, path: &str, reply: Reply) -> Self {
        self.replies.lock().expect("lock").entry(path.to_owned()).or_default().push_back(reply);
        self
    }

    fn always(self, path: &str, reply: Reply) -> Self {
        self.always.lock().expect("lock").insert(path.to_owned(), reply);
        self
    }

    fn seen(&self, path: &str) -> Vec<Seen> {
        self.seen.lock().expect("lock").iter().filter(|seen| seen.path == path).cloned().collect()
    }

    fn reply(&self, seen: &Seen) -> Reply {
        let watch = seen.query.contains("watch=1");
        let at = if watch { format!("watch:{}", seen.path) } else { seen.path.clone() };
        if let Some(reply) = self.replies.lock().expect("lock").get_mut(&at).and_then(VecDeque::pop_front) {
            return reply;
        }
        if let Some(reply) = self.always.lock().expect("lock").get(&at) {
            return reply.clone();
        }
        match seen.path.as_str() {
            _ if watch => Reply::Hold(Vec::new()),
            "/version" => ok(&json!({"gitVersion": "v1.36.3"})),
            "/api/v1/namespaces/kube-system" => ok(&json!({"metadata": {"uid": "cluster-uid"}})),
            "/apis/authentication.k8s.io/v1/selfsubjectreviews" => {
                ok(&json!({"status": {"userInfo": {"username": "ana", "groups": ["sre"]}}}))
            }
            _ => ok(&json!({"metadata": {"resourceVersion": "10"}, "items": []})),
        }
    }

    /// Serves on loopback and connects to it, with `user` as the user of the kubeconfig.
    async fn connect_as(&self, user: Value) -> Result<Connected, ConnectError> {
        goaround::shell::tls::install();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("bind");
        let url = format!("http://{}", listener.local_addr().expect("address"));
        let app = Router::new().fallback(answer).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        connect_to(&url, user).await
    }

    async fn connect(&self) -> Connected {
        self.connect_as(json!({"token": "t"})).await.expect("a session")
    }

    /// Serves, connects, runs.
    async fn run(&self, namespace: Option<&str>) -> Reports {
        let connected = self.connect().await;
        let (tx, rx) = tokio::sync::mpsc::channel(16);
        let cancel = CancellationToken::new();
        tokio::spawn(source::run(connected, namespace.map(str::to_owned), tx, cancel.clone()));
        Reports { rx, _stop: cancel.drop_guard() }
    }
}

async fn answer(State(api): State<Api>, request: Request) -> Response {
    let header =
        |name: &str| request.headers().get(name).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
    let seen = Seen {
        method: request.method().to_string(),
        path: request.uri().path().to_owned(),
        query: request.uri().query().unwrap_or_default().to_owned(),
        accept: header("accept"),
        agent: header("user-agent"),
        authorization: header("authorization"),
    };
    api.seen.lock().expect("lock").push(seen.clone());
    let lines = |lines: Vec<String>| stream::iter(lines).map(|line| Ok::<_, Infallible>(line + "\n"));
    let (status, body) = match api.reply(&seen) {
        Reply::Json(status, body) => (status, Body::from(body)),
        Reply::Hold(held) => (200, Body::from_stream(lines(held).chain(stream::pending()))),
        Reply::End(ended) => (200, Body::from_stream(lines(ended))),
        Reply::Cut(bytes) => {
            let broken = stream::once(async move {
                // hyper writes out what it has only when the body has nothing more for the moment.
                for _ in 0..16 {
                    tokio::task::yield_now().await;
                }
                Err(std::io::Error::other("cut"))
            });
            (200, Body::from_stream(stream::iter([Ok(bytes)]).chain(broken)))
        }
    };
    Response::builder().status(status).body(body).expect("response")
}

/// What the source says.
struct Reports {
    rx: Receiver<Signal>,
    _stop: DropGuard,
}

impl Reports {
    /// All signals up to the first that `wanted` takes, and what it made of that one.
    async fn until<T>(&mut self, mut wanted: impl FnMut(&Signal) -> Option<T>) -> (Vec<Signal>, T) {
        let mut before = Vec::new();
        loop {
            let next = tokio::time::timeout(std::time::Duration::from_secs(30), self.rx.recv());
            let signal = next.await.expect("in half a minute").expect("the source goes on");
            if let Some(found) = wanted(&signal) {
                return (before, found);
            }
            before.push(signal);
        }
    }

    async fn synced(&mut self) -> Vec<Signal> {
        self.until(|signal| matches!(signal, Signal::Synced(Source::Kubernetes, _)).then_some(())).await.0
    }

    async fn pods(&mut self) -> Change<String> {
        self.until(|signal| match signal {
            Signal::Cluster(fact) => match &**fact {
                ClusterFact::Pods(Change::Listed(pods)) => {
                    Some(Change::Listed(pods.iter().map(|pod| pod.key.to_string()).collect()))
                }
                ClusterFact::Pods(Change::Applied(pod)) => Some(Change::Applied(pod.key.to_string())),
                ClusterFact::Pods(Change::Deleted(key, uid)) => {
                    Some(Change::Deleted(key.clone(), uid.clone()))
                }
                _ => None,
            },
            _ => None,
        })
        .await
        .1
    }

    async fn health(&mut self, of: Source) -> Health {
        self.until(|signal| match signal {
            Signal::Health(source, health) if *source == of => Some(health.clone()),
            _ => None,
        })
        .await
        .1
    }
}

fn ok(body: &Value) -> Reply {
    Reply::Json(200, body.to_string())
}

fn refused(status: u16, message: &str) -> Reply {
    let body = json!({"kind": "Status", "status": "Failure", "code": status, "message": message});
    Reply::Json(status, body.to_string())
}

fn recorded(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/kubernetes").join(name);
    std::fs::read_to_string(path).expect("a recorded answer")
}

fn pod(name: &str, version: &str) -> Value {
    json!({"metadata": {"namespace": "demo", "name": name, "uid": format!("uid-{name}"), "resourceVersion": version}})
}

fn event(kind: &str, object: &Value) -> String {
    json!({"type": kind, "object": object}).to_string()
}

fn pod_list(names: &[&str], version: &str) -> Reply {
    let items: Vec<Value> = names.iter().map(|name| pod(name, "1")).collect();
    ok(&json!({"metadata": {"resourceVersion": version}, "items": items}))
}

fn kubeconfig(server: &str, user: &Value) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "here",
        "clusters": [{"name": "c", "cluster": {"server": server}}],
        "users": [{"name": "u", "user": user}],
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u", "namespace": "team-a"}},
                     {"name": "prod-eu", "context": {"cluster": "c", "user": "u"}}],
    })
}

fn options(file: PathBuf) -> Options {
    Options {
        kubeconfig: vec![file],
        context: None,
        hide_env: vec!["CARGO_MANIFEST_DIR".to_owned()],
        #[expect(clippy::disallowed_methods, reason = "a session of its own, as the shell opens one")]
        clock: Arc::new(chrono::Utc::now),
    }
}

async fn connect_to(server: &str, user: Value) -> Result<Connected, ConnectError> {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("config");
    std::fs::write(&file, kubeconfig(server, &user).to_string()).expect("write");
    // The folder goes away right after: a session does not depend on its file.
    source::connect(options(file)).await
}

#[tokio::test]
async fn a_recorded_cluster_is_reported_in_the_words_of_the_domain() {
    let api = Api::default()
        .once(DEPLOYMENTS, Reply::Json(200, recorded("deployments.json")))
        .once("/apis/apps/v1/replicasets", Reply::Json(200, recorded("replicasets.json")))
        .once(PODS, Reply::Json(200, recorded("pods.json")))
        .once("/api/v1/services", Reply::Json(200, recorded("services.json")))
        .once("/api/v1/events", Reply::Json(200, recorded("events.json")))
        .once("/api/v1/nodes", Reply::Json(200, recorded("nodes.json")))
        .once(
            "/api/v1/configmaps",
            ok(&json!({"metadata": {"resourceVersion": "9"},
            "items": [serde_json::from_str::<Value>(&recorded("configmap.json")).expect("json")]})),
        );
    let signals = api.run(None).await.synced().await;
    let mut facts = BTreeMap::new();
    for signal in &signals {
        if let Signal::Cluster(fact) = signal {
            facts.insert(format!("{fact:?}").split('(').next().unwrap_or_default().to_owned(), fact);
        }
    }
    let ClusterFact::Deployments(Change::Listed(deployments)) = &**facts["Deployments"] else {
        panic!("{facts:?}")
    };
    let ClusterFact::ReplicaSets(Change::Listed(sets)) = &**facts["ReplicaSets"] else { panic!("{facts:?}") };
    let ClusterFact::Pods(Change::Listed(pods)) = &**facts["Pods"] else { panic!("{facts:?}") };
    let ClusterFact::Services(Change::Listed(services)) = &**facts["Services"] else { panic!("{facts:?}") };
    let ClusterFact::Events(Change::Listed(events)) = &**facts["Events"] else { panic!("{facts:?}") };
    let ClusterFact::Nodes(Change::Listed(nodes)) = &**facts["Nodes"] else { panic!("{facts:?}") };
    let ClusterFact::ConfigMaps(Change::Listed(configs)) = &**facts["ConfigMaps"] else {
        panic!("{facts:?}")
    };

    let gateway = &deployments[0];
    assert_eq!(gateway.meta.key, Key::new("demo-slo", "api-gateway"));
    assert!(gateway.settled() && !gateway.deadline_exceeded() && !gateway.paused && !gateway.recreate);
    assert_eq!(
        gateway.annotation("kubernetes.io/change-cause"),
        Some("gateway 1.27.2: patch release".into())
    );
    assert_eq!(gateway.template.images, ["nginx:1.27.2"]);
    let reference = &gateway.template.references[0];
    assert_eq!(
        (reference.kind, reference.name.as_str(), reference.optional),
        (RefKind::ConfigMap, "gateway-config", false)
    );
    let clients: Vec<_> = gateway
        .meta
        .managed
        .iter()
        .map(|m| (m.manager.as_str(), m.template, m.replicas, m.subresource))
        .collect();
    assert_eq!(
        clients,
        [
            ("kubectl-client-side-apply", true, true, false),
            ("kubectl-patch", true, false, false),
            ("kube-controller-manager", false, false, true)
        ]
    );

    // The revision that serves is the one whose template is equal, whatever its number says.
    let serving: Vec<_> = sets.iter().filter(|set| set.template.digest == gateway.template.digest).collect();
    assert_eq!((serving.len(), serving[0].hash.as_str(), serving[0].revision), (1, "54bc8875f5", Some(2)));
    assert_eq!(serving[0].meta.controller.as_ref().map(|c| &c.2), Some(&gateway.meta.uid));
    assert_eq!(serving[0].template.json, gateway.template.json);
    assert_eq!(pods[0].replica_set.as_ref(), Some(&serving[0].meta.uid));
    assert!(pods[0].ready && pods[0].started.is_some() && pods[0].reason.is_none());
    assert!(services[0].selects(&gateway.template.labels));
    assert!(events.iter().all(|event| event.about_kind == "Pod" && event.last.is_some() && event.count == 1));
    assert!(nodes[0].ready && nodes[0].pressures.is_empty());
    assert_eq!(configs[0].data_changed().map(|(_, client)| client), Some("kubectl-client-side-apply".into()));

    assert!(signals.contains(&Signal::ClusterId("cluster-uid".into())));
    assert!(signals.contains(&Signal::Scope { namespace: None, forbidden: false }));
    assert!(signals.iter().any(|s| matches!(s, Signal::Identity(who) if who.user == "ana")));
    assert!(api.seen(PODS).iter().all(|s| s.agent == format!("goaround/{}", env!("CARGO_PKG_VERSION"))));
}

#[tokio::test]
async fn deployments_are_told_before_anybody_knows_who_we_are_and_are_listed_once() {
    let who = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
    let api = Api::default()
        .once(DEPLOYMENTS, Reply::Json(200, recorded("deployments.json")))
        .once(who, Reply::Hold(Vec::new()));
    let mut reports = api.run(None).await;
    let listed = |signal: &Signal| match signal {
        Signal::Cluster(fact) => Some(matches!(&**fact, ClusterFact::Deployments(Change::Listed(_)))),
        _ => None,
    };
    let (before, first) = reports.until(listed).await;
    assert!(first && !before.iter().any(|s| matches!(s, Signal::Identity(_) | Signal::Scope { .. })));

    let api = Api::default();
    api.run(None).await.synced().await;
    let lists = api.seen(DEPLOYMENTS).into_iter().filter(|seen| !seen.query.contains("watch=1"));
    assert_eq!(lists.count(), 1, "the look whether we may list everywhere is the list");
}

#[tokio::test]
async fn nothing_but_metadata_is_ever_asked_of_secrets() {
    let api = Api::default();
    let mut reports = api.run(None).await;
    let mut watched = false;
    reports
        .until(|signal| {
            watched |= *signal == Signal::Heard(Source::Kind("secrets"));
            watched.then_some(())
        })
        .await;
    let seen = api.seen("/api/v1/secrets");
    assert_eq!(seen.len(), 2, "a list and a watch");
    for request in seen {
        assert!(request.accept.starts_with("application/json;as=PartialObjectMetadata"), "{request:?}");
        assert!(!request.accept.contains(','), "no way out to whole objects: {request:?}");
    }
}

#[tokio::test]
async fn where_the_whole_cluster_is_forbidden_the_namespace_of_the_context_is_watched_and_that_is_said() {
    let api = Api::default().always(DEPLOYMENTS, refused(403, "no")).always(PODS, refused(403, "no"));
    let signals = api.run(None).await.synced().await;
    assert!(signals.contains(&Signal::Scope { namespace: Some("team-a".into()), forbidden: true }));
    assert!(!api.seen("/apis/apps/v1/namespaces/team-a/deployments").is_empty());
    assert!(api.seen(PODS).is_empty());
    assert!(!api.seen("/api/v1/nodes").is_empty(), "nodes live in no namespace");
}

#[tokio::test]
async fn a_namespace_that_was_asked_for_is_no_refusal() {
    let api = Api::default();
    let signals = api.run(Some("demo")).await.synced().await;
    assert!(signals.contains(&Signal::Scope { namespace: Some("demo".into()), forbidden: false }));
    assert!(api.seen(DEPLOYMENTS).is_empty());
}

#[tokio::test]
async fn a_kind_that_is_forbidden_names_the_missing_right_and_holds_up_nothing() {
    let api = Api::default().always("/api/v1/nodes", refused(403, "nodes is forbidden"));
    let signals = api.run(None).await.synced().await;
    let said = signals.iter().find_map(|signal| match signal {
        Signal::Health(Source::Kind("nodes"), Health::Forbidden(text)) => Some(text.to_string()),
        _ => None,
    });
    let said = said.expect("nodes are said to be forbidden");
    assert!(said.starts_with("may not list nodes at cluster scope; hint: "), "{said}");
    assert!(said.contains(r#"resources ["nodes"]"#) && said.contains("[list, watch]"), "{said}");
}

#[tokio::test]
async fn a_right_to_list_without_the_right_to_watch_is_told_apart() {
    let api = Api::default().always(&format!("watch:{PODS}"), refused(403, "no"));
    let mut reports = api.run(None).await;
    assert_eq!(reports.pods().await, Change::Listed(Vec::new()));
    assert_eq!(reports.health(Source::Kind("pods")).await, Health::Live);
    let Health::Forbidden(text) = reports.health(Source::Kind("pods")).await else { panic!("forbidden") };
    assert!(text.as_str().starts_with("may not watch pods at cluster scope"), "{text}");
}

#[tokio::test]
async fn an_api_that_the_server_does_not_have_is_down_and_holds_up_nothing() {
    let path = "/apis/policy/v1/poddisruptionbudgets";
    let api = Api::default().always(path, Reply::Json(404, "404 page not found".to_owned()));
    let signals = api.run(None).await.synced().await;
    assert!(signals.iter().any(|signal| matches!(signal,
        Signal::Health(Source::Kind("poddisruptionbudgets"), Health::Down(why))
            if why.as_str().contains("no poddisruptionbudgets.policy in v1"))));
}

#[tokio::test]
async fn changes_follow_the_list_in_order() {
    let api = Api::default().once(PODS, pod_list(&["a", "b"], "10")).once(
        &format!("watch:{PODS}"),
        Reply::Hold(vec![
            event("ADDED", &pod("c", "11")),
            event("MODIFIED", &pod("a", "12")),
            event("DELETED", &pod("b", "13")),
        ]),
    );
    let mut reports = api.run(None).await;
    assert_eq!(reports.pods().await, Change::Listed(vec!["demo/a".into(), "demo/b".into()]));
    assert_eq!(reports.pods().await, Change::Applied("demo/c".into()));
    assert_eq!(reports.pods().await, Change::Applied("demo/a".into()));
    assert!(matches!(reports.pods().await, Change::Deleted(key, uid) if key.name == "b" && uid.0 == "uid-b"));
    assert!(api.seen(PODS)[1].query.contains("resourceVersion=10"));
}

#[tokio::test]
async fn pages_are_one_list() {
    let first =
        json!({"metadata": {"resourceVersion": "10", "continue": "next page"}, "items": [pod("a", "1")]});
    let api = Api::default().once(PODS, ok(&first)).once(PODS, pod_list(&["b"], "10"));
    let mut reports = api.run(None).await;
    assert_eq!(reports.pods().await, Change::Listed(vec!["demo/a".into(), "demo/b".into()]));
    assert!(api.seen(PODS)[1].query.ends_with("&continue=next%20page"));
}

#[tokio::test]
async fn a_410_in_the_stream_or_at_its_start_leads_to_a_new_list_and_no_alarm() {
    let gone = json!({"kind": "Status", "code": 410, "message": "too old resource version: 10 (12)"});
    let watch = format!("watch:{PODS}");
    let api = Api::default()
        .once(PODS, pod_list(&["a"], "10"))
        .once(&watch, Reply::End(vec![event("ERROR", &gone)]))
        .once(PODS, pod_list(&["b"], "20"))
        .once(&watch, refused(410, "too old"))
        .once(PODS, pod_list(&["c"], "30"));
    let mut reports = api.run(None).await;
    for name in ["demo/a", "demo/b", "demo/c"] {
        let (before, change) = reports
            .until(|signal| match signal {
                Signal::Cluster(fact) => match &**fact {
                    ClusterFact::Pods(Change::Listed(pods)) => Some(pods[0].key.to_string()),
                    _ => None,
                },
                _ => None,
            })
            .await;
        assert_eq!(change, name);
        let alarm = |s: &Signal| matches!(s, Signal::Health(Source::Kind("pods"), Health::Down(_)));
        assert!(!before.iter().any(alarm), "{before:?}");
    }
}

#[tokio::test]
async fn a_watch_that_is_cut_within_a_line_goes_on_from_the_last_version() {
    let half = event("ADDED", &pod("c", "12"));
    let cut = format!("{}\n{}", event("ADDED", &pod("b", "11")), &half[..half.len() / 2]);
    let watch = format!("watch:{PODS}");
    let api = Api::default()
        .once(PODS, pod_list(&["a"], "10"))
        .once(&watch, Reply::Cut(cut))
        .once(&watch, Reply::Hold(vec![half]));
    let mut reports = api.run(None).await;
    assert_eq!(reports.pods().await, Change::Listed(vec!["demo/a".into()]));
    assert_eq!(reports.pods().await, Change::Applied("demo/b".into()));
    assert_eq!(reports.pods().await, Change::Applied("demo/c".into()));
    let seen = api.seen(PODS);
    assert_eq!(seen.len(), 3, "one list, two watches");
    assert!(seen[2].query.contains("resourceVersion=11"), "{seen:?}");
}

#[tokio::test]
async fn a_bookmark_is_a_sign_of_life_and_moves_the_version_on() {
    let mark = json!({"kind": "Pod", "metadata": {"resourceVersion": "99"}, "spec": {"containers": null}});
    let watch = format!("watch:{PODS}");
    let api = Api::default()
        .once(&watch, Reply::End(vec![event("BOOKMARK", &mark)]))
        .once(&watch, Reply::Hold(vec![event("ADDED", &pod("b", "100"))]));
    let mut reports = api.run(None).await;
    let heard =
        |before: &[Signal]| before.iter().filter(|s| **s == Signal::Heard(Source::Kind("pods"))).count();
    let (before, ()) = reports
        .until(|s| {
            matches!(s, Signal::Cluster(fact) if matches!(**fact, ClusterFact::Pods(Change::Applied(_))))
                .then_some(())
        })
        .await;
    assert_eq!(heard(&before), 3, "two watches that began and one bookmark");
    assert!(api.seen(PODS)[2].query.contains("resourceVersion=99"));
}

#[tokio::test]
async fn a_page_of_a_proxy_is_garbage_with_a_hint_and_the_next_list_heals_it() {
    let api = Api::default()
        .once(PODS, Reply::Json(200, "<html>Sign in to the Wi-Fi</html>".to_owned()))
        .once(PODS, Reply::Json(200, json!({"kind": "Status"}).to_string()))
        .once(PODS, pod_list(&["a"], "10"));
    let mut reports = api.run(None).await;
    let Health::Down(why) = reports.health(Source::Kind("pods")).await else { panic!("down") };
    assert!(why.as_str().contains("is not Kubernetes") && why.as_str().contains("hint:"), "{why}");
    assert!(
        matches!(reports.health(Source::Kind("pods")).await, Health::Down(_)),
        "an object is no empty list"
    );
    assert_eq!(reports.pods().await, Change::Listed(vec!["demo/a".into()]));
    assert_eq!(reports.health(Source::Kind("pods")).await, Health::Live);
}

#[tokio::test]
async fn an_odd_object_costs_neither_the_list_nor_the_watch_and_is_named_until_it_is_mended() {
    let mut odd = pod("odd", "5");
    odd["status"] = json!({"containerStatuses": [{"restartCount": "many"}]});
    let list =
        json!({"metadata": {"resourceVersion": "10"}, "items": [pod("a", "1"), odd, {"metadata": null}]});
    let api = Api::default().once(PODS, ok(&list)).once(
        &format!("watch:{PODS}"),
        Reply::Hold(vec![
            event("MODIFIED", &odd),
            event("MODIFIED", &json!({"metadata": {"resourceVersion": "12"}})),
            event("MODIFIED", &pod("odd", "13")),
            event("DELETED", &json!({"metadata": {"name": "", "resourceVersion": "14"}})),
        ]),
    );
    let mut reports = api.run(None).await;
    assert_eq!(reports.pods().await, Change::Listed(vec!["demo/a".into()]));
    let Health::Down(why) = reports.health(Source::Kind("pods")).await else { panic!("not live") };
    assert!(why.as_str().contains("2 of the pods cannot be understood"), "{why}");
    assert_eq!(reports.pods().await, Change::Applied("demo/odd".into()));
}

#[tokio::test]
async fn an_object_that_is_mended_makes_the_kind_live_again() {
    let mut odd = pod("odd", "11");
    odd["spec"] = json!({"nodeName": 7});
    let api = Api::default().once(
        &format!("watch:{PODS}"),
        Reply::Hold(vec![event("ADDED", &odd), event("MODIFIED", &pod("odd", "12"))]),
    );
    let mut reports = api.run(None).await;
    assert_eq!(reports.health(Source::Kind("pods")).await, Health::Live);
    let Health::Down(why) = reports.health(Source::Kind("pods")).await else { panic!("down") };
    assert!(why.as_str().contains("demo/odd"), "{why}");
    assert_eq!(reports.health(Source::Kind("pods")).await, Health::Live);
}

#[tokio::test]
async fn hostile_text_arrives_harmless() {
    let mut hostile = pod("a", "1");
    hostile["status"] = json!({"reason": "Evicted\u{1b}[2J\u{202e}"});
    let list = json!({"metadata": {"resourceVersion": "10"}, "items": [hostile]});
    let mut reports = Api::default().once(PODS, ok(&list)).run(None).await;
    let reason = reports
        .until(|signal| match signal {
            Signal::Cluster(fact) => match &**fact {
                ClusterFact::Pods(Change::Listed(pods)) => pods[0].reason.clone(),
                _ => None,
            },
            _ => None,
        })
        .await
        .1;
    assert_eq!(reason.as_str(), "Evicted<1b>[2J<u+202e>");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_said_to_refuse_and_an_expired_login_to_be_logged_in_again() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("bind");
    let url = format!("http://{}", listener.local_addr().expect("address"));
    drop(listener);
    goaround::shell::tls::install();
    let nobody = connect_to(&url, json!({})).await.expect("connecting sends nothing");
    let error = source::probe(&nobody).await.expect_err("nobody listens");
    assert!(matches!(error, ReadError::Refused { .. }), "{error:?}");
    assert!(error.to_string().contains(&url) && error.to_string().contains("hint:"), "{error}");

    let api = Api::default().always("/version", refused(401, "Unauthorized"));
    let mut reports = api.run(None).await;
    let Health::Down(why) = reports.health(Source::Kubernetes).await else { panic!("down") };
    assert!(why.as_str().contains("401") && why.as_str().contains("log in again"), "{why}");
}

#[tokio::test]
async fn a_server_that_speaks_no_tls_is_unreachable_not_cut() {
    let api = Api::default();
    let plain = api.connect().await.server.to_string();
    let connected = connect_to(&plain.replace("http://", "https://"), json!({})).await.expect("a session");
    let error = source::probe(&connected).await.expect_err("no TLS there");
    assert!(
        matches!(error, ReadError::ServerCertificate { .. } | ReadError::Unreachable { .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn without_a_kubeconfig_the_paths_that_were_tried_are_named() {
    let mut options = options(PathBuf::from("/nowhere/config"));
    options.kubeconfig.push(PathBuf::from("/nowhere/else"));
    let error = source::connect(options).await.err().expect("no file");
    let text = error.to_string();
    assert!(text.contains("/nowhere/config, /nowhere/else") && text.contains("hint:"), "{text}");
}

#[tokio::test]
async fn an_unknown_context_is_answered_with_those_that_exist() {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("config");
    std::fs::write(&file, kubeconfig("http://127.0.0.1:1", &json!({})).to_string()).expect("write");
    let mut options = options(file.clone());
    options.context = Some("prod-us".to_owned());
    let text = source::connect(options).await.err().expect("no such context").to_string();
    assert!(text.contains("\"prod-us\"") && text.contains("one of: here, prod-eu"), "{text}");
    assert!(text.contains(&*file.to_string_lossy()), "{text}");
}

#[tokio::test]
async fn a_broken_kubeconfig_is_named_and_not_quoted() {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("config");
    std::fs::write(&file, "users: [\n- token: hunter2\n").expect("write");
    let error = source::connect(options(file)).await.err().expect("no YAML");
    assert!(matches!(error, ConnectError::Unreadable { .. }), "{error:?}");
    assert!(!error.to_string().contains("hunter2"), "{error}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_credential_plugin_gets_no_input_no_terminal_and_no_hidden_environment() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().expect("folder");
    let (program, notes) = (folder.path().join("login"), folder.path().join("notes"));
    let script = format!(
        "#!/bin/sh\n{{ echo \"info $KUBERNETES_EXEC_INFO\"; echo \"hidden ${{CARGO_MANIFEST_DIR-none}}\"; \
         echo \"input $(cat | wc -c)\"; }} > {}\necho noise >&2\n\
         echo '{{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\",\"status\":{{\"token\":\"secret-token\"}}}}'\n",
        notes.display()
    );
    std::fs::write(&program, script).expect("write");
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o700)).expect("mode");
    let exec = json!({"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": program,
        "interactiveMode": "IfAvailable"}});
    let api = Api::default();
    let connected = api.connect_as(exec).await.expect("a session");
    source::probe(&connected).await.expect("an answer");
    assert_eq!(api.seen("/version")[0].authorization, "Bearer secret-token");
    let notes = std::fs::read_to_string(notes).expect("the plugin ran");
    assert!(notes.contains("\"interactive\":false"), "{notes}");
    assert!(notes.contains("hidden none") && notes.contains("input 0"), "{notes}");
}

#[tokio::test]
async fn a_credential_plugin_that_fails_is_named_without_its_arguments() {
    let exec = json!({"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "sh",
        "args": ["-c", "echo 'please log in' >&2; exit 3", "--secret=hunter2"]}});
    let error = Api::default().connect_as(exec).await.err().expect("no credentials");
    let text = error.to_string();
    assert!(text.contains("`sh`") && text.contains("please log in") && text.contains("hint:"), "{text}");
    assert!(!text.contains("hunter2"), "{text}");
}

#[tokio::test]
async fn the_recheck_reads_from_the_quorum_and_keeps_to_the_revisions_of_this_very_deployment() {
    let deployments: Value = serde_json::from_str(&recorded("deployments.json")).expect("json");
    let mut sets: Value = serde_json::from_str(&recorded("replicasets.json")).expect("json");
    let mut stranger = sets["items"][0].clone();
    stranger["metadata"]["ownerReferences"][0]["uid"] = json!("another");
    sets["items"].as_array_mut().expect("items").push(stranger);
    let (one, all) = (
        "/apis/apps/v1/namespaces/demo-slo/deployments/api-gateway",
        "/apis/apps/v1/namespaces/demo-slo/replicasets",
    );
    let api = Api::default()
        .once(one, ok(&deployments["items"][0]))
        .once(all, ok(&sets))
        .once(one, refused(404, "gone"));
    let connected = api.connect().await;
    let key = Key::new("demo-slo", "api-gateway");
    let fresh = source::read_deployment(&connected, &key).await.expect("an answer").expect("it exists");
    assert_eq!(fresh.deployment.meta.key, key);
    assert_eq!(fresh.replica_sets.len(), 2);
    assert!(fresh.date.is_some());
    assert!(api.seen(all)[0].query.contains("labelSelector=app%3Dapi-gateway"));
    for request in api.seen(one).iter().chain(&api.seen(all)) {
        assert!(!request.query.contains("resourceVersion"), "{request:?}");
    }
    assert_eq!(source::read_deployment(&connected, &key).await, Ok(None));
}

#[tokio::test]
async fn the_content_of_a_config_map_comes_as_the_server_has_it_with_what_was_applied_last() {
    let path = "/api/v1/namespaces/demo-slo/configmaps/gateway-config";
    let mut live: Value = serde_json::from_str(&recorded("configmap.json")).expect("json");
    let api = Api::default().once(path, ok(&live));
    live["data"]["default.conf"] = json!("edited in place");
    let api = api.once(path, ok(&live)).once(path, refused(404, "gone"));
    let connected = api.connect().await;
    let key = Key::new("demo-slo", "gateway-config");
    let applied = source::config_content(&connected, &key).await.expect("an answer").expect("it exists");
    assert_eq!(applied.last_applied.as_ref().map(|v| &v.digest), Some(&applied.digest));
    let edited = source::config_content(&connected, &key).await.expect("an answer").expect("it exists");
    assert_eq!(edited.data.value(), live["data"]);
    assert_eq!(edited.binary_data.value(), Value::Null);
    assert_ne!(edited.last_applied.as_ref().map(|v| &v.digest), Some(&edited.digest));
    assert_eq!(source::config_content(&connected, &key).await, Ok(None));
}

#[tokio::test]
async fn rights_are_answered_in_the_order_in_which_they_were_asked() {
    let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    let api = Api::default().always(path, ok(&json!({"status": {"allowed": true}})));
    let connected = api.connect().await;
    let right = |resource| Right { verb: "patch", resource, group: "apps", namespace: "demo".into() };
    let asked = [right("deployments"), right("replicasets")];
    let answers = source::rights(&connected, &asked).await.expect("answers");
    assert_eq!(answers, asked.map(|right| (right, true)));
    assert!(api.seen(path).iter().all(|seen| seen.method == "POST"));
}

#[tokio::test]
async fn where_the_server_cannot_say_who_we_are_the_kubeconfig_is_named_as_the_source() {
    let api = Api::default()
        .always("/apis/authentication.k8s.io/v1/selfsubjectreviews", refused(404, "no"))
        .always("/apis/authentication.k8s.io/v1beta1/selfsubjectreviews", refused(404, "no"))
        .always("/api/v1/namespaces/kube-system", refused(403, "no"));
    let connected = api.connect().await;
    assert_eq!(source::identity(&connected).await.expect("an answer").user, Clean::new("u (kubeconfig)"));
    assert_eq!(source::cluster_id(&connected).await, Ok(connected.fallback_id.clone()));
    assert!(connected.fallback_id.as_str().starts_with("sha256:"));
}

// The log of one pod.

const LOG: &str = "/api/v1/namespaces/shop/pods/api-1/log";

/// The log of `api-1`, followed at this server.
async fn followed(api: &Api, previous: bool) -> Receiver<LogNews> {
    let connected = api.connect().await;
    let (tx, rx) = tokio::sync::mpsc::channel(64);
    let request = LogRequest {
        stream: 1,
        pod: Key::new("shop", "api-1"),
        uid: Uid("u1".into()),
        container: Clean::new("api"),
        previous,
        after: None,
        tail: 500,
    };
    tokio::spawn(async move { source::follow_log(&connected, &request, tx).await });
    rx
}

/// What is heard until this is, lines by their texts.
async fn heard(rx: &mut Receiver<LogNews>, last: &str) -> Vec<String> {
    let mut all = Vec::new();
    while all.last().is_none_or(|said: &String| !said.contains(last)) {
        match rx.recv().await.expect("more news") {
            LogNews::Opened => all.push("opened".to_owned()),
            LogNews::Lines(lines) => all.extend(lines.iter().map(|line| line.text.to_string())),
            LogNews::Lost(why) => all.push(format!("lost: {why}")),
            LogNews::Again { whole } => all.push(format!("again, whole: {whole}")),
            LogNews::Ended(why) => all.push(format!("ended: {why}")),
        }
    }
    all
}

fn pod_of(state: &Value) -> Reply {
    ok(
        &json!({"items": [{"metadata": {"name": "api-1", "uid": "u1"}, "spec": {"containers": [{"name": "api"}]},
        "status": {"containerStatuses": [{"name": "api", "state": state}]}}]}),
    )
}

#[tokio::test]
async fn a_log_that_was_cut_goes_on_after_its_last_line_and_says_that_nothing_is_missing() {
    let line = |second: u32, text: &str| format!("2026-11-21T12:00:{second:02}.5Z {text}\n");
    let api = Api::default()
        .once(LOG, Reply::Cut(format!("{}{}", line(1, "one"), line(2, "two"))))
        .once(LOG, Reply::Hold(vec![line(2, "two").trim().to_owned(), line(3, "three").trim().to_owned()]));
    let mut rx = followed(&api, false).await;
    let all = heard(&mut rx, "three").await;
    assert_eq!(all[..3], ["opened", "one", "two"]);
    assert!(all[3].starts_with("lost: the connection"), "{all:?}");
    assert_eq!(all[4..], ["again, whole: true", "three"]);
    let asked = api.seen(LOG);
    assert!(asked[0].query.contains("tailLines=500") && asked[0].query.contains("follow=true"), "{asked:?}");
    assert!(asked[1].query.contains("sinceTime=2026-11-21T12%3A00%3A02Z"), "{asked:?}");
    assert!(!asked[1].query.contains("tailLines"), "{asked:?}");
}

#[tokio::test]
async fn where_the_last_line_is_not_found_again_something_may_be_missing_and_a_restart_is_waited_for() {
    let api = Api::default()
        .once(LOG, Reply::End(vec!["2026-11-21T12:00:01Z one".into()]))
        .once(LOG, Reply::Hold(vec!["2026-11-21T12:00:09Z of the next run".into()]))
        .always(
            "/api/v1/namespaces/shop/pods",
            pod_of(&json!({"terminated": {"reason": "OOMKilled", "exitCode": 137}})),
        );
    let mut rx = followed(&api, false).await;
    let all = heard(&mut rx, "next run").await;
    let expected =
        ["opened", "one", "lost: the container ended: OOMKilled, exit code 137", "again, whole: false"];
    assert_eq!(all[..4], expected);
}

#[tokio::test]
async fn a_log_that_may_not_be_read_or_has_no_more_is_not_asked_for_again() {
    let forbidden =
        json!({"kind": "Status", "code": 403, "message": "pods \"api-1\" is forbidden: no pods/log"});
    let api = Api::default().always(LOG, Reply::Json(403, forbidden.to_string()));
    let all = heard(&mut followed(&api, false).await, "ended").await;
    assert!(all[0].contains("resources [pods/log], verbs [get] in namespace shop"), "{all:?}");
    assert!(all[0].contains("deploy/logs.yaml"), "{all:?}");
    assert_eq!(api.seen(LOG).len(), 1);

    let api = Api::default().always(LOG, Reply::End(vec!["2026-11-21T12:00:01Z the last words".into()]));
    let mut rx = followed(&api, true).await;
    let all = heard(&mut rx, "ended").await;
    assert_eq!(all[..2], ["opened", "the last words"]);
    assert!(api.seen(LOG)[0].query.contains("previous=true") && !api.seen(LOG)[0].query.contains("follow"));
    assert!(rx.recv().await.is_none());

    let api = Api::default()
        .always(LOG, Reply::End(Vec::new()))
        .always("/api/v1/namespaces/shop/pods", ok(&json!({"items": []})));
    let all = heard(&mut followed(&api, false).await, "ended").await;
    assert_eq!(all, ["opened", "ended: the pod is gone"]);
}

//! A fake API server on loopback, plain HTTP: pages of lists, watches that stay open, discovery and the two reviews,
//! from texts that were written beforehand. On order it sends changes of pods at a rate, or as fast as they are taken.
//! It counts what it is asked. Nothing can be changed on it.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use futures_util::stream;
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use crate::objects::{self, Object, PodTexts, Size};

/// Between two bookmarks; a real server sends one about once a minute.
const BOOKMARK: Duration = Duration::from_secs(60);
/// Changes are sent in pieces of this length of time.
const PIECE: Duration = Duration::from_millis(10);
/// Changes in a piece when they are sent as fast as they are taken.
const FULL: u64 = 64;

/// What a collection is.
struct Collection {
    kind: &'static str,
    objects: Vec<Object>,
}

/// The fake server; its tasks end with the runtime.
#[derive(Clone)]
pub struct Api {
    /// `http://127.0.0.1:<port>`.
    pub url: String,
    shared: Arc<Shared>,
}

struct Shared {
    collections: BTreeMap<&'static str, Collection>,
    pods: Vec<PodTexts>,
    asked: Mutex<BTreeMap<String, u64>>,
    version: AtomicU64,
    /// Changes of pods a second.
    rate: AtomicU64,
    /// Changes of pods that are still to be sent without a pause.
    burst: AtomicU64,
    wake: Notify,
    sent: AtomicU64,
    watching: AtomicUsize,
}

impl Api {
    /// A server with a cluster of this size.
    pub async fn start(size: Size) -> std::io::Result<Self> {
        let collection = |kind, objects| Collection { kind, objects };
        let collections = BTreeMap::from([
            ("deployments", collection("DeploymentList", objects::deployments(size))),
            ("replicasets", collection("ReplicaSetList", objects::replica_sets(size))),
            ("services", collection("ServiceList", objects::services(size))),
            ("nodes", collection("NodeList", objects::nodes())),
            ("events", collection("EventList", objects::events(size))),
            (
                "configmaps",
                collection("PartialObjectMetadataList", objects::referenced(size, "ConfigMap", "config")),
            ),
            ("secrets", collection("PartialObjectMetadataList", objects::referenced(size, "Secret", "key"))),
            ("persistentvolumeclaims", collection("PartialObjectMetadataList", Vec::new())),
            ("horizontalpodautoscalers", collection("HorizontalPodAutoscalerList", Vec::new())),
            ("poddisruptionbudgets", collection("PodDisruptionBudgetList", Vec::new())),
        ]);
        let shared = Arc::new(Shared {
            collections,
            pods: objects::pods(size),
            asked: Mutex::default(),
            version: AtomicU64::new(1_000),
            rate: AtomicU64::new(0),
            burst: AtomicU64::new(0),
            wake: Notify::new(),
            sent: AtomicU64::new(0),
            watching: AtomicUsize::new(0),
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let router = Router::new().fallback(answer).with_state(Arc::clone(&shared));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { url, shared })
    }

    /// A kubeconfig that leads to it.
    pub fn kubeconfig(&self) -> String {
        format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: bench\nclusters:\n- name: bench\n  cluster:\n    server: {}\n\
             contexts:\n- name: bench\n  context:\n    cluster: bench\n    namespace: default\n    user: bench\n\
             users:\n- name: bench\n  user: {{}}\n",
            self.url
        )
    }

    /// Changes of pods a second from now on.
    pub fn change(&self, a_second: u64) {
        self.shared.rate.store(a_second, Ordering::SeqCst);
        self.shared.wake.notify_waiters();
    }

    /// Sends so many changes as fast as they are taken.
    pub fn burst(&self, changes: u64) {
        self.shared.burst.store(changes, Ordering::SeqCst);
        self.shared.wake.notify_waiters();
    }

    /// Changes that were handed to the connection.
    pub fn sent(&self) -> u64 {
        self.shared.sent.load(Ordering::SeqCst)
    }

    /// Watches that are open.
    pub fn watching(&self) -> usize {
        self.shared.watching.load(Ordering::SeqCst)
    }

    /// Requests by what was asked, and none from here on.
    pub fn take_asked(&self) -> BTreeMap<String, u64> {
        std::mem::take(&mut self.shared.asked.lock().expect("lock"))
    }
}

/// What stands in a request's query.
fn parameter<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let (path, query) = (parts.uri.path(), parts.uri.query().unwrap_or_default());
    let watch = matches!(parameter(query, "watch"), Some("1" | "true"));
    let what = format!("{} {path}{}", parts.method, if watch { " watch" } else { "" });
    *shared.asked.lock().expect("lock").entry(what).or_default() += 1;
    if parts.method == http::Method::POST {
        let body = to_bytes(body, 1 << 20).await.unwrap_or_default();
        return reviewed(path, &body);
    }
    let plural = path.rsplit('/').next().unwrap_or_default();
    let known = plural == "pods" || shared.collections.contains_key(plural);
    match path {
        "/version" => json_answer(200, &json!({"major": "1", "minor": "33", "gitVersion": "v1.33.4"})),
        "/api/v1/namespaces/kube-system" => {
            let meta = json!({"name": "kube-system", "uid": "be7c0000-0000-4000-8000-000000000001"});
            json_answer(200, &json!({"kind": "Namespace", "apiVersion": "v1", "metadata": meta}))
        }
        _ if path.contains("/configmaps/") => config_map(path),
        _ if known && watch => watched(shared, plural == "pods", query),
        _ if known => listed(&shared, plural, query),
        _ => status(404, "NotFound", "the server could not find the requested resource"),
    }
}

fn json_answer(code: u16, value: &Value) -> Response {
    text_answer(code, value.to_string().into_bytes())
}

fn text_answer(code: u16, body: Vec<u8>) -> Response {
    let date = chrono::Utc::now().format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    Response::builder()
        .status(code)
        .header("content-type", "application/json")
        .header("date", date)
        .body(Body::from(body))
        .expect("a response")
}

fn status(code: u16, reason: &str, message: &str) -> Response {
    let body = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message,
        "reason": reason, "code": code});
    json_answer(code, &body)
}

/// One ConfigMap, whole.
fn config_map(path: &str) -> Response {
    let mut parts = path.rsplit('/');
    let (name, namespace) = (parts.next().unwrap_or_default(), parts.nth(1).unwrap_or_default());
    let mut text = Vec::new();
    objects::config_map(namespace, name).write(1_000, &mut text);
    text_answer(200, text)
}

/// Who one is, and that one may do everything.
fn reviewed(path: &str, body: &[u8]) -> Response {
    let mut object: Value = serde_json::from_slice(body).unwrap_or_else(|_| json!({}));
    object["status"] = match path.rsplit('/').next() {
        Some("selfsubjectaccessreviews") => json!({"allowed": true}),
        Some("selfsubjectreviews") => {
            json!({"userInfo": {"username": "bench", "groups": ["system:masters"]}})
        }
        _ => return status(405, "MethodNotAllowed", "nothing can be changed here"),
    };
    json_answer(201, &object)
}

/// One page.
fn listed(shared: &Shared, plural: &str, query: &str) -> Response {
    let number = |name: &str| parameter(query, name).and_then(|text| text.parse::<usize>().ok());
    let (from, limit) = (number("continue").unwrap_or(0), number("limit").unwrap_or(usize::MAX));
    let (kind, all) = match shared.collections.get(plural) {
        Some(collection) => (collection.kind, collection.objects.len()),
        None => ("PodList", shared.pods.len()),
    };
    let to = from.saturating_add(limit).min(all);
    let version = shared.version.load(Ordering::SeqCst);
    let next = if to < all {
        format!(",\"continue\":\"{to}\",\"remainingItemCount\":{}", all - to)
    } else {
        String::new()
    };
    let head = format!(
        "{{\"kind\":\"{kind}\",\"apiVersion\":\"v1\",\"metadata\":{{\"resourceVersion\":\"{version}\"{next}}},\"items\":["
    );
    let mut out = head.into_bytes();
    for n in from..to {
        if n > from {
            out.push(b',');
        }
        match shared.collections.get(plural) {
            Some(collection) => collection.objects[n].write(version, &mut out),
            None => shared.pods[n].ready.write(version, &mut out),
        }
    }
    out.extend_from_slice(b"]}");
    text_answer(200, out)
}

/// Counts a watch for as long as it is open.
struct Open(Arc<Shared>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.watching.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A watch in the making.
struct Watch {
    open: Open,
    pods: bool,
    ends: Instant,
    bookmark: Instant,
    piece: Instant,
}

/// Stays open until its time is over.
fn watched(shared: Arc<Shared>, pods: bool, query: &str) -> Response {
    let seconds = parameter(query, "timeoutSeconds").and_then(|text| text.parse().ok()).unwrap_or(300);
    shared.watching.fetch_add(1, Ordering::SeqCst);
    let now = Instant::now();
    let watch = Watch {
        open: Open(shared),
        pods,
        ends: now + Duration::from_secs(seconds),
        bookmark: now + BOOKMARK,
        piece: now,
    };
    let pieces = stream::unfold(watch, |mut watch| async move {
        let bytes = watch.next().await?;
        Some((Ok::<_, Infallible>(Bytes::from(bytes)), watch))
    });
    Response::builder()
        .header("content-type", "application/json")
        .body(Body::from_stream(pieces))
        .expect("a response")
}

impl Watch {
    async fn next(&mut self) -> Option<Vec<u8>> {
        loop {
            let shared = &self.open.0;
            let woken = shared.wake.notified();
            if self.pods {
                let burst = shared.burst.load(Ordering::SeqCst).min(FULL);
                if burst > 0 {
                    shared.burst.fetch_sub(burst, Ordering::SeqCst);
                    return Some(changes(shared, burst));
                }
                let rate = shared.rate.load(Ordering::SeqCst);
                if rate > 0 {
                    self.piece = (self.piece + PIECE).max(Instant::now() - 10 * PIECE);
                    sleep_until(self.piece).await;
                    return Some(changes(shared, (rate * PIECE.as_millis() as u64 / 1_000).max(1)));
                }
            }
            tokio::select! {
                () = woken => self.piece = Instant::now(),
                () = sleep_until(self.ends) => return None,
                () = sleep_until(self.bookmark) => {
                    self.bookmark += BOOKMARK;
                    let version = shared.version.load(Ordering::SeqCst);
                    let line = format!("{{\"type\":\"BOOKMARK\",\"object\":{{\"metadata\":{{\"resourceVersion\":\"{version}\"}}}}}}\n");
                    return Some(line.into_bytes());
                }
            }
        }
    }
}

/// The next `count` changes: one pod in ten is not ready until its next change.
fn changes(shared: &Shared, count: u64) -> Vec<u8> {
    let mut out = Vec::with_capacity(count as usize * 5_400);
    for _ in 0..count {
        let n = shared.sent.fetch_add(1, Ordering::SeqCst);
        let version = shared.version.fetch_add(1, Ordering::SeqCst) + 1;
        // Strides over all Deployments, as changes in a cluster do.
        let pod = &shared.pods[(n.wrapping_mul(7_919) % shared.pods.len() as u64) as usize];
        out.extend_from_slice(b"{\"type\":\"MODIFIED\",\"object\":");
        if n.is_multiple_of(10) { &pod.unready } else { &pod.ready }.write(version, &mut out);
        out.extend_from_slice(b"}\n");
    }
    out
}

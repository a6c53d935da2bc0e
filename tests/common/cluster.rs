//! A cluster for a test: the embedded world behind two proxies of its own, one before its Kubernetes API and one before
//! its Prometheus, in which a test edits, replaces or withholds what the program gets to see. Nothing is simulated
//! here: what is not edited is the world's own answer.

#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Instant;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use futures_util::stream;
use goaround::demo::clock::Clock;
use goaround::demo::{Running, scenario};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::common::Screen;

/// Servers of all tests of one binary.
static RUNTIME: LazyLock<tokio::runtime::Runtime> = LazyLock::new(|| {
    let _ = rustls::crypto::ring::default_provider().install_default();
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
});

/// One world for all tests that write nothing: a bad rollout that began eight minutes ago.
static BURNING: LazyLock<Arc<Running>> = LazyLock::new(|| Arc::new(started(&slo_burn("8m"))));

/// Turns what an object or an answer says into something else.
type Edit = Arc<dyn Fn(&Asked, &mut Value) + Send + Sync>;
/// Answers instead of the server: nothing, to let it answer.
type Instead = Arc<dyn Fn(&Asked) -> Option<Reply> + Send + Sync>;

/// What a request asks for.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Method.
    pub method: String,
    /// Path without query.
    pub path: String,
    /// Parameters, be they in the query or in a form.
    pub parameters: BTreeMap<String, String>,
    /// `deployments`, where it is about objects.
    pub plural: String,
    /// One object was asked for by its name.
    pub single: bool,
}

impl Asked {
    /// A parameter, empty where there is none.
    pub fn parameter(&self, name: &str) -> &str {
        self.parameters.get(name).map_or("", String::as_str)
    }

    /// The PromQL that is asked.
    pub fn query(&self) -> &str {
        self.parameter("query")
    }
}

/// An answer in place of the server's.
#[derive(Clone, Debug)]
pub enum Reply {
    /// Status, content type, body.
    Body(u16, &'static str, String),
    /// None, ever.
    Hang,
}

impl Reply {
    /// A page for people.
    pub fn html(status: u16, body: &str) -> Self {
        Self::Body(status, "text/html; charset=utf-8", body.to_owned())
    }

    /// JSON.
    pub fn json(status: u16, body: &Value) -> Self {
        Self::Body(status, "application/json", body.to_string())
    }

    /// A failure as the API server words it.
    pub fn status(code: u16, reason: &str, message: &str) -> Self {
        let body = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
                          "message": message, "reason": reason, "code": code});
        Self::json(code, &body)
    }
}

#[derive(Clone, Default)]
struct Rules {
    edit: Option<Edit>,
    list: Option<Edit>,
    instead: Option<Instead>,
}

/// What one proxy works with.
struct Shared {
    upstream: String,
    http: reqwest::Client,
    rules: Mutex<Rules>,
    /// Counts changes of the rules: a watch that began before is cut, and must list anew.
    epoch: watch::Sender<u64>,
    listed: Mutex<BTreeMap<String, u64>>,
    requests: AtomicUsize,
}

/// A proxy before one server. It ends with the runtime.
#[derive(Clone)]
pub struct Proxy {
    /// Where it listens.
    pub url: String,
    shared: Arc<Shared>,
}

impl Proxy {
    fn before(upstream: &str) -> Self {
        let shared = Arc::new(Shared {
            upstream: upstream.to_owned(),
            http: reqwest::Client::builder().no_proxy().build().expect("a client"),
            rules: Mutex::default(),
            epoch: watch::Sender::new(0),
            listed: Mutex::default(),
            requests: AtomicUsize::new(0),
        });
        let router = Router::new().fallback(answer).with_state(Arc::clone(&shared));
        let url = RUNTIME.block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
            let address = listener.local_addr().expect("an address");
            tokio::spawn(async move { axum::serve(listener, router).await });
            format!("http://{address}")
        });
        Self { url, shared }
    }

    /// From now on `edit` is applied to every object (Kubernetes) or to every answer (Prometheus).
    pub fn edit(&self, edit: impl Fn(&Asked, &mut Value) + Send + Sync + 'static) {
        self.change(|rules| rules.edit = Some(Arc::new(edit)));
    }

    /// The same, while watches that are open stay so and tell nothing of it.
    pub fn edit_unseen(&self, edit: impl Fn(&Asked, &mut Value) + Send + Sync + 'static) {
        self.shared.rules.lock().expect("lock").edit = Some(Arc::new(edit));
    }

    /// From now on `edit` is applied to the `items` of every list.
    pub fn edit_lists(&self, edit: impl Fn(&Asked, &mut Value) + Send + Sync + 'static) {
        self.change(|rules| rules.list = Some(Arc::new(edit)));
    }

    /// From now on `instead` may answer.
    pub fn instead(&self, instead: impl Fn(&Asked) -> Option<Reply> + Send + Sync + 'static) {
        self.change(|rules| rules.instead = Some(Arc::new(instead)));
    }

    /// How many requests came.
    pub fn requests(&self) -> usize {
        self.shared.requests.load(Ordering::SeqCst)
    }

    /// From now on everything is as the server says.
    pub fn honest(&self) {
        self.change(|rules| *rules = Rules::default());
    }

    fn change(&self, change: impl FnOnce(&mut Rules)) {
        change(&mut self.shared.rules.lock().expect("lock"));
        self.shared.epoch.send_modify(|epoch| *epoch += 1);
    }
}

/// A world behind its proxies, and folders for a program that runs on it.
pub struct Cluster {
    /// The world.
    pub world: Arc<Running>,
    /// Before its Kubernetes API.
    pub kubernetes: Proxy,
    /// Before its Prometheus.
    pub prometheus: Proxy,
    /// State, configuration and kubeconfig of the program.
    pub folder: Arc<tempfile::TempDir>,
}

/// How a run of the program ended.
#[derive(Debug)]
pub struct Ran {
    /// Exit code.
    pub code: Option<i32>,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Ran {
    /// Standard output as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}\n{}\n{}", self.out, self.err))
    }

    /// The one proposal of `propose -o json`.
    pub fn one(&self) -> Value {
        let all = self.json();
        let list = all.as_array().expect("a list");
        assert_eq!(list.len(), 1, "{}\n{}", self.out, self.err);
        list[0].clone()
    }
}

/// The scenario of a bad rollout, as if the program was started `begin` later.
pub fn slo_burn(begin: &str) -> scenario::Scenario {
    scenario_of(begin, |_| ())
}

/// The same with changes to its text.
pub fn scenario_of(begin: &str, change: impl FnOnce(&mut String)) -> scenario::Scenario {
    let mut text = include_str!("../../demo/slo-burn.toml").replacen(
        "\nabout =",
        &format!("\nbegin = \"{begin}\"\nabout ="),
        1,
    );
    change(&mut text);
    scenario::parse("slo-burn", &text).unwrap_or_else(|error| panic!("{error}"))
}

fn started(scenario: &scenario::Scenario) -> Running {
    let clock = Clock::running(Instant::now(), chrono::Utc::now(), 1.0);
    RUNTIME.block_on(goaround::demo::start(scenario.clone(), 1, clock)).expect("loopback")
}

impl Cluster {
    /// The world that all such tests share. Nothing may be written to it.
    pub fn burning() -> Self {
        Self::before(Arc::clone(&BURNING))
    }

    /// A world of its own.
    pub fn of(scenario: &scenario::Scenario) -> Self {
        Self::before(Arc::new(started(scenario)))
    }

    fn before(world: Arc<Running>) -> Self {
        let kubernetes = Proxy::before(&world.kubernetes_url);
        let prometheus = Proxy::before(&world.prometheus_url);
        let folder = Arc::new(tempfile::tempdir().expect("a folder"));
        std::fs::create_dir(folder.path().join("config")).expect("a folder");
        let kubeconfig = world.kubeconfig().replace(&world.kubernetes_url, &kubernetes.url);
        std::fs::write(folder.path().join("kubeconfig"), kubeconfig).expect("a kubeconfig");
        Self { world, kubernetes, prometheus, folder }
    }

    /// The kubeconfig that leads to it.
    pub fn kubeconfig(&self) -> PathBuf {
        self.folder.path().join("kubeconfig")
    }

    /// The folder of the journal.
    pub fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// Writes the configuration.
    pub fn configure(&self, text: &str) {
        std::fs::write(self.folder.path().join("config").join("config.toml"), text).expect("a file");
    }

    /// Changes an object as somebody else would.
    pub fn patch(&self, path: &str, patch: &Value) {
        let url = format!("{}{path}", self.world.kubernetes_url);
        let request =
            self.kubernetes.shared.http.patch(url).header("content-type", "application/json-patch+json");
        let answer = RUNTIME
            .block_on(request.header("user-agent", "kubectl-edit/1").body(patch.to_string()).send())
            .expect("an answer");
        assert!(answer.status().is_success(), "{}", answer.status());
    }

    /// Runs the program on it.
    pub fn run(&self, arguments: &[&str]) -> Ran {
        self.run_with(&self.prometheus.url, arguments)
    }

    /// Runs the program on it, with another Prometheus.
    pub fn run_with(&self, prometheus: &str, arguments: &[&str]) -> Ran {
        let mut command = Command::new(env!("CARGO_BIN_EXE_goaround"));
        command
            .args(arguments)
            .arg("--kubeconfig")
            .arg(self.kubeconfig())
            .arg("--prometheus")
            .arg(prometheus);
        ended(in_folder(&mut command, &self.folder))
    }

    /// Runs the program on it as `command` starts it, which must pass its arguments on.
    pub fn run_by(&self, command: &mut Command, arguments: &[&str]) -> Ran {
        command
            .arg(env!("CARGO_BIN_EXE_goaround"))
            .args(arguments)
            .arg("--kubeconfig")
            .arg(self.kubeconfig());
        command.arg("--prometheus").arg(&self.prometheus.url);
        ended(in_folder(command, &self.folder))
    }

    /// Runs the program on it with another state folder.
    pub fn run_in(&self, state: &str, arguments: &[&str]) -> Ran {
        self.run_by(Command::new("env").arg(format!("GOAROUND_STATE_DIR={state}")), arguments)
    }

    /// Runs the cockpit on it.
    pub fn screen(&self, columns: u16, rows: u16, arguments: &[&str]) -> Screen {
        self.screen_in(columns, rows, arguments, &[])
    }

    /// The same in another environment.
    pub fn screen_in(
        &self,
        columns: u16,
        rows: u16,
        arguments: &[&str],
        environment: &[(&str, &str)],
    ) -> Screen {
        let config = self.kubeconfig();
        let config = config.to_string_lossy();
        let mut all = vec!["--kubeconfig", &config, "--prometheus", &self.prometheus.url];
        all.extend(arguments);
        Screen::start_in(columns, rows, &all, Arc::clone(&self.folder), environment)
    }
}

/// Runs the program with folders of its own.
pub fn run(folder: &tempfile::TempDir, arguments: impl IntoIterator<Item = String>) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_goaround"));
    ended(in_folder(command.args(arguments), folder))
}

fn in_folder<'c>(command: &'c mut Command, folder: &tempfile::TempDir) -> &'c mut Command {
    command
        .env("GOAROUND_STATE_DIR", folder.path().join("state"))
        .env("GOAROUND_CONFIG_DIR", folder.path().join("config"))
        .env("HOME", folder.path())
        .env_remove("KUBECONFIG")
}

fn ended(command: &mut Command) -> Ran {
    let output = command.output().expect("the binary runs");
    Ran {
        code: output.status.code(),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

fn decoded(text: &str) -> BTreeMap<String, String> {
    let url = reqwest::Url::parse(&format!("http://x/?{text}")).expect("a query");
    url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
}

fn asked(request: &Request, body: &[u8]) -> Asked {
    let path = request.uri().path().to_owned();
    let form =
        request.headers().get("content-type").is_some_and(|t| t == "application/x-www-form-urlencoded");
    let mut parameters = decoded(request.uri().query().unwrap_or_default());
    if form {
        parameters.extend(decoded(&String::from_utf8_lossy(body)));
    }
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    let rest = match parts.as_slice() {
        ["api", _, rest @ ..] | ["apis", _, _, rest @ ..] => rest,
        _ => &[],
    };
    let (plural, single) = match rest {
        [plural] | ["namespaces", _, plural] => (*plural, false),
        [plural, _] | ["namespaces", _, plural, _] => (*plural, true),
        _ => ("", false),
    };
    let (plural, method) = (plural.to_owned(), request.method().to_string());
    Asked { method, parameters, plural, single, path }
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    shared.requests.fetch_add(1, Ordering::SeqCst);
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.expect("a body");
    let request = Request::from_parts(parts, Body::empty());
    let asked = asked(&request, &body);
    let rules = shared.rules.lock().expect("lock").clone();
    match rules.instead.as_ref().and_then(|instead| instead(&asked)) {
        Some(Reply::Hang) => std::future::pending().await,
        Some(Reply::Body(status, kind, body)) => response(status, kind, Body::from(body)),
        None => forwarded(shared, rules, asked, request, body).await,
    }
}

fn response(status: u16, kind: &str, body: Body) -> Response {
    Response::builder().status(status).header("content-type", kind).body(body).expect("a response")
}

async fn forwarded(
    shared: Arc<Shared>,
    rules: Rules,
    asked: Asked,
    request: Request,
    body: Bytes,
) -> Response {
    let epoch = *shared.epoch.borrow();
    let watching = asked.parameter("watch") == "1";
    let listed = shared.listed.lock().expect("lock").get(&asked.path).copied();
    if watching && listed.is_some_and(|listed| listed < epoch) {
        let gone = Reply::status(410, "Expired", "too old resource version");
        let Reply::Body(status, kind, body) = gone else { panic!("it is a body") };
        return response(status, kind, Body::from(body));
    }
    if !watching && !asked.single && asked.method == "GET" {
        shared.listed.lock().expect("lock").insert(asked.path.clone(), epoch);
    }
    let url = format!("{}{}", shared.upstream, request.uri());
    let mut forward = shared.http.request(request.method().clone(), url).body(body.to_vec());
    for name in ["content-type", "accept", "user-agent"] {
        if let Some(value) = request.headers().get(name) {
            forward = forward.header(name, value);
        }
    }
    let Ok(upstream) = forward.send().await else {
        return response(502, "text/plain", Body::from("the world is over"));
    };
    let status = upstream.status().as_u16();
    let mut headers = upstream.headers().clone();
    headers.remove("content-length");
    headers.remove("transfer-encoding");
    let body = if watching && status == 200 {
        watched(&shared, rules, asked, upstream)
    } else {
        let bytes = upstream.bytes().await.unwrap_or_default();
        Body::from(whole(&rules, &asked, &bytes))
    };
    let mut response = Response::builder().status(status).body(body).expect("a response");
    *response.headers_mut() = headers;
    response
}

/// A whole answer, edited.
fn whole(rules: &Rules, asked: &Asked, bytes: &[u8]) -> Vec<u8> {
    let Ok(mut value) = serde_json::from_slice::<Value>(bytes) else { return bytes.to_vec() };
    if rules.edit.is_none() && rules.list.is_none() {
        return bytes.to_vec();
    }
    if let (Some(list), true) = (&rules.list, value["items"].is_array()) {
        list(asked, &mut value["items"]);
    }
    if let Some(edit) = &rules.edit {
        match value.get_mut("items").and_then(Value::as_array_mut) {
            Some(items) => items.iter_mut().for_each(|item| edit(asked, item)),
            None => edit(asked, &mut value),
        }
    }
    value.to_string().into_bytes()
}

/// A watch, line by line; it ends when the rules change.
fn watched(shared: &Shared, rules: Rules, asked: Asked, upstream: reqwest::Response) -> Body {
    let epoch = shared.epoch.subscribe();
    let begin = (rules, asked, upstream, epoch, Vec::<u8>::new());
    Body::from_stream(stream::unfold(
        begin,
        |(rules, asked, mut upstream, mut epoch, mut buffer)| async move {
            loop {
                if let Some(end) = buffer.iter().position(|byte| *byte == b'\n') {
                    let line: Vec<u8> = buffer.drain(..=end).collect();
                    let line = edited_line(&rules, &asked, line);
                    return Some((
                        Ok::<_, std::convert::Infallible>(line),
                        (rules, asked, upstream, epoch, buffer),
                    ));
                }
                tokio::select! {
                    _ = epoch.changed() => return None,
                    chunk = upstream.chunk() => buffer.extend_from_slice(&chunk.ok()??),
                }
            }
        },
    ))
}

fn edited_line(rules: &Rules, asked: &Asked, line: Vec<u8>) -> Vec<u8> {
    let (Some(edit), Ok(mut value)) = (&rules.edit, serde_json::from_slice::<Value>(&line)) else {
        return line;
    };
    if value["type"] != "BOOKMARK" && value["type"] != "ERROR" {
        edit(asked, &mut value["object"]);
    }
    format!("{value}\n").into_bytes()
}

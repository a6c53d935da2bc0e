//! A rig: a real API server with its audit log, a real Prometheus, services that can be broken. Started for one test on
//! ports that are free, stopped when the test ends in whatever way; or a cluster that somebody named, which is neither
//! started nor stopped, and has no audit log to read. Nothing here knows what goaround should answer.

#![allow(dead_code, reason = "one test binary uses it, and not all of it on every cluster")]

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Nothing is waited for longer; a bound against hanging, never a measure.
pub const PATIENCE: Duration = Duration::from_secs(240);
/// A rig takes twelve ports from a multiple of this.
const PORTS: u16 = 20;
/// Below the ports that the system gives away by itself.
const BASES: std::ops::Range<u16> = 850..1_580;

static TAKEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());

/// A running rig, which stops when it is dropped, or a named cluster.
pub struct Rig {
    child: Option<Child>,
    named: Option<Named>,
    home: PathBuf,
    base: u16,
    /// Removed with the rig, where it is its own.
    folder: Option<Arc<tempfile::TempDir>>,
}

/// A cluster of somebody else, by `GOAROUND_E2E_KUBECONFIG` and `GOAROUND_E2E_PROMETHEUS`.
#[derive(Clone)]
struct Named {
    kubeconfig: String,
    prometheus: Option<String>,
}

/// A write in the audit log: create, update, patch or delete, answered, and no dry run.
#[derive(Clone, Debug)]
pub struct Write {
    /// Who.
    pub user: String,
    /// `patch`, `update`, ...
    pub verb: String,
    /// Path and query.
    pub uri: String,
    /// `deployments`, `configmaps`, ...
    pub resource: String,
    /// Namespace of the object.
    pub namespace: String,
    /// Name of the object.
    pub name: String,
    /// HTTP status of the answer.
    pub code: u64,
    /// What was sent.
    pub body: Value,
}

impl Write {
    /// The gate's own: a courtesy Lease, or an approval for a quorum.
    pub fn notice(&self) -> bool {
        self.resource == "leases"
            || (self.resource == "configmaps" && self.name.starts_with("goaround-approval-"))
    }
}

/// What `goaround` said without a terminal.
#[derive(Debug)]
pub struct Said {
    /// Exit code.
    pub code: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Said {
    /// Standard output as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: no JSON: {self:?}"))
    }

    /// The object about `workload` of what `propose -o json` said.
    pub fn about(&self, workload: &str) -> Value {
        let all = self.json();
        let found = all.as_array().expect("an array").iter().find(|p| p["workload"]["name"] == workload);
        found.unwrap_or_else(|| panic!("nothing about {workload}: {self:?}")).clone()
    }
}

/// Where the rig's command is: `GOAROUND_RIG`, else beside the checkout.
pub fn command() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/rig/rig");
    let named = std::env::var_os("GOAROUND_RIG").map(PathBuf::from);
    named.or(Some(beside)).filter(|path| path.exists())
}

/// The cluster that the environment names.
fn named() -> Option<Named> {
    let text = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let kubeconfig = text("GOAROUND_E2E_KUBECONFIG")?;
    Some(Named { kubeconfig, prometheus: text("GOAROUND_E2E_PROMETHEUS") })
}

/// A cluster is named: no rig is started, and what only a rig can do is left out.
pub fn is_named() -> bool {
    named().is_some()
}

impl Rig {
    /// The named cluster, else a new rig with monitoring.
    pub fn any() -> Self {
        let Some(named) = named() else { return Self::monitored() };
        let folder = Arc::new(tempfile::tempdir().expect("a folder"));
        Self {
            child: None,
            named: Some(named),
            home: folder.path().to_path_buf(),
            base: 0,
            folder: Some(folder),
        }
    }

    /// Starts one and waits until it is ready.
    ///
    /// # Panics
    /// When there is no rig, or it does not come up.
    pub fn up() -> Self {
        let command = command().expect("a rig at ../shared/rig, or named by GOAROUND_RIG");
        // The runner gives a folder in which it finds what a killed test left behind.
        let (root, folder) = match std::env::var_os("GOAROUND_RIG_FOLDER") {
            Some(root) => (PathBuf::from(root), None),
            None => {
                let folder = tempfile::tempdir().expect("a folder");
                (folder.path().to_path_buf(), Some(Arc::new(folder)))
            }
        };
        for _ in 0..20 {
            let base = free_base();
            let home = root.join(base.to_string());
            let _ = std::fs::remove_dir_all(&home);
            std::fs::create_dir_all(&home).expect("a folder");
            let log = std::fs::File::create(home.join("up.log")).expect("a file");
            let dir = home.join("rig");
            let mut child = Command::new(&command)
                .args(["up", "--port-base", &base.to_string(), "--dir"])
                .arg(&dir)
                .stdin(Stdio::null())
                .stdout(log.try_clone().expect("a file"))
                .stderr(log)
                .spawn()
                .expect("the rig starts");
            std::fs::write(home.join("pid"), child.id().to_string()).expect("a file");
            let begun = Instant::now();
            while !dir.join("ready").exists() {
                if child.try_wait().expect("a child").is_some() || begun.elapsed() > PATIENCE {
                    break;
                }
                pause();
            }
            let rig = Self { child: Some(child), named: None, home, base, folder: folder.clone() };
            if rig.dir().join("ready").exists() {
                return rig;
            }
            let said = std::fs::read_to_string(rig.home.join("up.log")).unwrap_or_default();
            assert!(said.contains("is taken"), "the rig does not come up: {said}");
        }
        panic!("no free ports for a rig");
    }

    /// The same with Prometheus and Alertmanager in it.
    pub fn monitored() -> Self {
        let rig = Self::up();
        rig.scenario(&["monitoring"]);
        rig
    }

    /// It is a cluster of somebody else.
    pub fn is_named(&self) -> bool {
        self.named.is_some()
    }

    /// Folder of kubeconfigs and logs.
    pub fn dir(&self) -> PathBuf {
        self.home.join("rig")
    }

    /// Kubeconfig of `user`; `operator.toxic` is the one through Toxiproxy.
    pub fn kubeconfig(&self, user: &str) -> String {
        if let Some(named) = &self.named {
            return named.kubeconfig.clone();
        }
        self.dir().join(format!("{user}.kubeconfig")).display().to_string()
    }

    /// What every call of goaround needs beside the kubeconfig.
    pub fn arguments(&self) -> Vec<&str> {
        let url = self.named.as_ref().and_then(|named| named.prometheus.as_deref());
        url.map_or(Vec::new(), |url| vec!["--prometheus", url])
    }

    /// URL of Prometheus; `None`: it is known to the cluster alone.
    pub fn prometheus(&self) -> Option<String> {
        match &self.named {
            Some(named) => named.prometheus.clone(),
            None => Some(format!("http://127.0.0.1:{}", self.base + 5)),
        }
    }

    /// URL of Toxiproxy's own API.
    pub fn toxiproxy(&self) -> String {
        format!("http://127.0.0.1:{}", self.base + 9)
    }

    /// The rig's own command.
    pub fn rig(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(command().expect("a rig"));
        succeeded(command.args(arguments).arg("--dir").arg(self.dir()))
    }

    /// Puts a workload on it, or breaks it.
    pub fn scenario(&self, step: &[&str]) {
        let mut all = vec!["scenario"];
        all.extend(step);
        self.rig(&all);
    }

    /// Breaks what runs, without a new revision. A pod that is just going away cannot be told: then once more.
    pub fn fault(&self, target: &str, settings: &[&str]) {
        let begun = Instant::now();
        loop {
            let mut command = Command::new(command().expect("a rig"));
            command.args(["fault", target]).args(settings).arg("--dir").arg(self.dir());
            let done = command.stdin(Stdio::null()).output().expect("the command starts");
            if done.status.success() {
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "{}", String::from_utf8_lossy(&done.stderr));
            pause();
        }
    }

    /// `kubectl` as cluster admin; on a named cluster as whoever was named.
    pub fn kubectl(&self, arguments: &[&str]) -> String {
        succeeded(&mut self.kubectl_command(arguments))
    }

    /// Whether `kubectl` succeeds.
    pub fn kubectl_succeeds(&self, arguments: &[&str]) -> bool {
        self.kubectl_command(arguments).output().is_ok_and(|output| output.status.success())
    }

    fn kubectl_command(&self, arguments: &[&str]) -> Command {
        let mut kubectl = match &self.named {
            Some(_) => Command::new("kubectl"),
            None => {
                let mut rig = Command::new(command().expect("a rig"));
                rig.arg("kubectl");
                rig
            }
        };
        kubectl.arg("--kubeconfig").arg(self.kubeconfig("admin")).args(arguments);
        kubectl
    }

    /// Applies an object, as `kubectl apply` does.
    pub fn apply(&self, object: &Value) {
        let file = self.home.join("object.json");
        std::fs::write(&file, object.to_string()).expect("a file");
        self.kubectl(&["apply", "-f", &file.display().to_string()]);
    }

    /// An object as JSON.
    pub fn object(&self, namespace: &str, kind: &str, name: &str) -> Value {
        let text = self.kubectl(&["-n", namespace, "get", kind, name, "-o", "json"]);
        serde_json::from_str(&text).expect("JSON")
    }

    /// `goaround` as `user`, without a terminal.
    pub fn goaround(&self, user: &str, state: &Path, arguments: &[&str]) -> Said {
        let all: Vec<&str> = arguments.iter().copied().chain(self.arguments()).collect();
        goaround(&self.kubeconfig(user), state, &all)
    }

    /// Waits until `propose -o json` satisfies `wanted`.
    pub fn propose_until(
        &self,
        user: &str,
        state: &Path,
        what: &str,
        wanted: impl Fn(&Said) -> bool,
    ) -> Said {
        let begun = Instant::now();
        // A named cluster may still remember what the test before did to it.
        let patience = if self.is_named() { 4 * PATIENCE } else { PATIENCE };
        loop {
            let said = self.goaround(user, state, &["propose", "-o", "json"]);
            if wanted(&said) {
                return said;
            }
            assert!(begun.elapsed() < patience, "never proposed: {what}: {said:?}");
            pause();
        }
    }

    /// The writes of one user in the audit log, in its order, without what the gate tells other operators ([`Write::notice`]).
    /// A named cluster shows its log to nobody: none are known.
    pub fn writes_by(&self, user: &str) -> Vec<Write> {
        self.all_writes_by(user).into_iter().filter(|w| !w.notice()).collect()
    }

    /// The same with what the gate tells other operators.
    pub fn all_writes_by(&self, user: &str) -> Vec<Write> {
        assert!(!self.is_named(), "there is no audit log to read");
        let log = std::fs::read_to_string(self.dir().join("log/audit.log")).expect("an audit log");
        let events = log.lines().filter_map(|line| serde_json::from_str(line).ok());
        events.filter_map(|event| write(&event)).filter(|w| w.user == user).collect()
    }

    /// The one value of an instant query; `None` for an empty result.
    pub fn query(&self, promql: &str) -> Option<f64> {
        let answer = self.get_prometheus("query", &[("query", promql)]);
        answer["data"]["result"][0]["value"][1].as_str()?.parse().ok()
    }

    /// Samples of the one series of a range query, by Unix time.
    pub fn query_range(&self, promql: &str, from: f64, to: f64, step: u32) -> Vec<(f64, f64)> {
        let (from, to, step) = (from.to_string(), to.to_string(), step.to_string());
        let answer = self.get_prometheus(
            "query_range",
            &[("query", promql), ("start", &from), ("end", &to), ("step", &step)],
        );
        let samples = answer["data"]["result"][0]["values"].as_array().cloned().unwrap_or_default();
        let number = |v: &Value| v.as_f64().or_else(|| v.as_str()?.parse().ok());
        samples.iter().filter_map(|s| Some((number(&s[0])?, number(&s[1])?))).collect()
    }

    fn get_prometheus(&self, what: &str, query: &[(&str, &str)]) -> Value {
        let url = self.prometheus().expect("the URL of Prometheus");
        let text = http(|client| client.get(format!("{url}/api/v1/{what}")).query(query));
        serde_json::from_str(&text).expect("JSON")
    }

    /// How many queries Prometheus has answered, by its own count. Asking does not count.
    pub fn queries(&self) -> f64 {
        let url = self.prometheus().expect("the URL of Prometheus");
        let text = http(|client| client.get(format!("{url}/metrics")));
        let of_api = |line: &&str| {
            line.starts_with("prometheus_http_requests_total{") && line.contains("handler=\"/api/v1/query")
        };
        let count = |line: &str| line.rsplit(' ').next().and_then(|n| n.parse::<f64>().ok());
        text.lines().filter(of_api).filter_map(count).sum()
    }

    /// Lets traffic flow until Prometheus has counted `requests` of `service`, so that there is a before.
    pub fn good_traffic(&self, namespace: &str, service: &str, requests: f64) {
        let promql = format!(
            "sum(max_over_time(http_requests_total{{namespace=\"{namespace}\",service=\"{service}\",code=\"200\"}}[5m]))"
        );
        let begun = Instant::now();
        while self.query(&promql).unwrap_or(0.0) < requests {
            assert!(begun.elapsed() < PATIENCE, "{service} never had {requests} requests");
            pause();
        }
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        let Some(child) = &mut self.child else { return };
        let pid = child.id().to_string();
        // Its own way down stops all that it started.
        let _ = Command::new("kill").args(["-TERM", &pid]).status();
        let begun = Instant::now();
        while matches!(child.try_wait(), Ok(None)) && begun.elapsed() < Duration::from_secs(30) {
            pause();
        }
        let _ = child.kill();
        let _ = child.wait();
        let _ = std::fs::remove_dir_all(&self.home);
        TAKEN.lock().unwrap_or_else(std::sync::PoisonError::into_inner).remove(&self.base);
    }
}

/// `goaround --kubeconfig FILE ARGUMENTS` with this state folder, without a terminal.
pub fn goaround(kubeconfig: &str, state: &Path, arguments: &[&str]) -> Said {
    // The example that measures uses the rest of this file, and cargo builds no program for examples.
    let program = option_env!("CARGO_BIN_EXE_goaround").unwrap_or("goaround");
    let output = Command::new(program)
        .args(["--kubeconfig", kubeconfig])
        .args(arguments)
        .env("GOAROUND_STATE_DIR", state)
        .env("GOAROUND_CONFIG_DIR", state.with_file_name("config"))
        .output()
        .expect("the binary starts");
    Said {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// One HTTP request and its text, from code that is not asynchronous.
pub fn http(request: impl FnOnce(&reqwest::Client) -> reqwest::RequestBuilder) -> String {
    // A second install is refused and does no harm.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let answer = request(&client).send().await.expect("an answer");
        let status = answer.status();
        let text = answer.text().await.expect("a text");
        assert!(status.is_success(), "{status}: {text}");
        text
    })
}

/// Between two looks at something that is waited for.
pub fn pause() {
    std::thread::sleep(Duration::from_millis(200));
}

/// Runs a command that must succeed; gives its output.
pub fn succeeded(command: &mut Command) -> String {
    let Output { status, stdout, stderr } =
        command.stdin(Stdio::null()).output().expect("the command starts");
    let (out, err) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success(), "{command:?}: {status}\n{out}{err}");
    out.into_owned()
}

/// A port base whose ports nobody has, and whose loopback addresses no other rig has.
fn free_base() -> u16 {
    let mut taken = TAKEN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let first = BASES.start + (std::process::id() % u32::from(BASES.end - BASES.start)) as u16;
    let places = (first..BASES.end).chain(BASES.start..first);
    for place in places {
        let base = place * PORTS;
        let free = (0..12).all(|n| TcpListener::bind(("127.0.0.1", base + n)).is_ok());
        // A rig's nodes listen on an address that follows from its port base.
        let node = format!("127.{}.0.1:10250", 10 + (place % 80) * 3 + 2);
        let clashes = taken.iter().any(|other| (other / PORTS) % 80 == place % 80);
        if free && !clashes && TcpListener::bind(node).is_ok() {
            taken.insert(base);
            return base;
        }
    }
    panic!("no free ports for a rig");
}

/// The write that an audit event tells of, if it is one.
fn write(event: &Value) -> Option<Write> {
    let text = |pointer: &str| event.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (verb, uri, resource) = (text("/verb"), text("/requestURI"), text("/objectRef/resource"));
    let writes = ["create", "update", "patch", "delete", "deletecollection"].contains(&verb.as_str());
    let counted = text("/stage") == "ResponseComplete"
        && writes
        && !uri.contains("dryRun=All")
        && !(resource.starts_with("selfsubject") && resource.ends_with("reviews"))
        && !(resource == "services" && text("/objectRef/subresource") == "proxy");
    counted.then(|| Write {
        // Who acts as somebody else is that somebody here.
        user: Some(text("/impersonatedUser/username"))
            .filter(|name| !name.is_empty())
            .unwrap_or_else(|| text("/user/username")),
        verb,
        uri,
        resource,
        namespace: text("/objectRef/namespace"),
        name: text("/objectRef/name"),
        code: event.pointer("/responseStatus/code").and_then(Value::as_u64).unwrap_or(0),
        body: event["requestObject"].clone(),
    })
}

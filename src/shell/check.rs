//! `goaround check`: what is there, what is missing, and the exact line, command or rule to do next: the guide of a first
//! run. It asks and reads; it writes nothing, not even a file of its own.

use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde::Serialize;

use crate::advisor::{self, AdvisorError, Probed};
use crate::domain::advice::Share;
use crate::domain::clean::Clean;
use crate::domain::cluster::Right;
use crate::domain::signal::{Health, Source};
use crate::engine::State;
use crate::engine::mapping::Unmapped;
use crate::sources::kubernetes;

use super::config;
use super::config::Environment;
use super::perform::Performer;

/// What watching needs: API group, resource, verbs; as in deploy/viewer.yaml.
pub const VIEWER: [(&str, &str, &[&str]); 10] = [
    ("apps", "deployments", &["get", "list", "watch"]),
    ("apps", "replicasets", &["list", "watch"]),
    ("", "configmaps", &["get", "list", "watch"]),
    ("", "persistentvolumeclaims", &["list", "watch"]),
    ("", "pods", &["list", "watch"]),
    ("", "services", &["list", "watch"]),
    ("", "events", &["list", "watch"]),
    ("", "nodes", &["list", "watch"]),
    ("autoscaling", "horizontalpodautoscalers", &["list", "watch"]),
    ("policy", "poddisruptionbudgets", &["list", "watch"]),
];
/// Without a cluster there is still something to see.
const DEMO: &str = "`goaround demo` needs no cluster";

/// One line.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Check {
    /// What was looked at.
    pub check: String,
    /// `ok`, `warn` or `fail`.
    pub state: &'static str,
    /// What was found.
    pub detail: Clean,
    /// What to do next; empty when nothing.
    pub next: Clean,
}

impl Check {
    fn new(check: &str, state: &'static str, detail: impl AsRef<str>, next: impl AsRef<str>) -> Self {
        Self { check: check.to_owned(), state, detail: Clean::new(detail), next: Clean::new(next) }
    }

    fn ok(check: &str, detail: impl AsRef<str>) -> Self {
        Self::new(check, "ok", detail, "")
    }

    /// Splits `what; hint: next` into its two halves.
    fn hinted(check: &str, state: &'static str, text: &str) -> Self {
        match text.split_once("hint:") {
            Some((what, next)) => {
                Self::new(check, state, what.trim().trim_end_matches([';', '.']), next.trim())
            }
            None => Self::new(check, state, text, ""),
        }
    }
}

/// A configuration that was refused.
pub fn refused_config(error: &str) -> Check {
    // One line: the place and what is wrong; the line with its caret is for the other commands.
    let what = error.lines().next().unwrap_or_default();
    let hint = error.lines().find(|line| line.trim_start().starts_with("hint:")).unwrap_or_default();
    Check::hinted("config", "fail", &format!("{what} {hint}"))
}

/// What the cluster itself said beside what is watched.
#[derive(Debug, Default)]
pub struct Cluster {
    /// Its version, or why it did not say.
    version: Option<Result<Clean, Clean>>,
    /// Which rules of the viewer there are, over all namespaces; `None`: it did not say.
    viewer: Option<Vec<(Right, bool)>>,
}

/// Asks the cluster for its version and for every right that watching needs. Reviews are questions and change nothing.
pub async fn cluster(performer: &Performer) -> Cluster {
    let Some(connected) = performer.cluster().await else { return Cluster::default() };
    let rules = VIEWER.iter().flat_map(|(group, resource, verbs)| {
        verbs.iter().map(|verb| Right { verb, resource, group, namespace: Clean::default() })
    });
    let rules: Vec<Right> = rules.collect();
    let (version, viewer) =
        tokio::join!(kubernetes::version(connected), kubernetes::rights(connected, &rules));
    Cluster { version: Some(version.map_err(|error| Clean::new(error.to_string()))), viewer: viewer.ok() }
}

/// All lines; `file` is the configuration that was read.
pub fn checks(state: &State, file: Option<&Path>, cluster: Cluster) -> Vec<Check> {
    let mut all = vec![match file {
        Some(file) => Check::ok("config", file.display().to_string()),
        None => Check::new("config", "ok", "no file, the defaults hold", "`goaround config init` writes one"),
    }];
    all.extend(kubernetes(state, &cluster));
    all.extend(kinds(state));
    all.extend(viewer(state, cluster.viewer));
    all.extend(rights(state));
    all.extend(prometheus(state));
    all.extend(slos(state));
    all.push(match &state.journal.head {
        Some(Ok(_)) => Check::ok("journal", format!("{} earlier actions", state.journal.actions.len())),
        Some(Err(why)) => Check::hinted("journal", "fail", why.as_str()),
        None => Check::new("journal", "fail", "it did not answer", "is the disk full or slow?"),
    });
    all
}

/// Whether the configured model is there and takes the key. Spends no tokens, and tells the server nothing but the key.
pub async fn model(configured: &config::Advisor) -> Check {
    const MODEL: &str = "model";
    let Some(settings) = &configured.settings else {
        return Check::ok(MODEL, "no model is configured: [advisor] names one");
    };
    if configured.share == Share::None {
        return Check::ok(MODEL, "not looked for: share = \"none\" in [advisor], nobody is asked");
    }
    let probed: Result<Probed, AdvisorError> = async {
        let client = advisor::Client::new(settings.clone()).await?;
        advisor::probe(&client).await
    }
    .await;
    match probed {
        // The probe itself has sent the key already; from now on it is known.
        Ok(Probed { said, .. }) if settings.key.is_some() && in_the_clear(&settings.url) => {
            let said = format!("{said}; the key travels unencrypted");
            Check::new(MODEL, "warn", said, "use https, or a tunnel that ends on this machine")
        }
        Ok(Probed { said, listed: Some(true) }) => Check::ok(MODEL, said),
        Ok(Probed { said, listed: Some(false) }) => {
            let next = "set model under [advisor] to one of them, unless it is another name for one";
            Check::new(MODEL, "warn", said, next)
        }
        Ok(Probed { said, listed: None }) => {
            let next = "`goaround eval --scenario slo-burn` asks it once and shows whether it answers";
            Check::new(MODEL, "warn", said, next)
        }
        Err(error) => Check::hinted(MODEL, "fail", &error.to_string()),
    }
}

/// Over plain HTTP to another machine.
fn in_the_clear(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("http://") else { return false };
    let host = rest.split(['/', '?']).next().unwrap_or_default();
    !(host.starts_with("127.") || host.starts_with("localhost") || host.starts_with("[::1]"))
}

fn kubernetes(state: &State, cluster: &Cluster) -> Vec<Check> {
    let health = state.world.sources.get(&Source::Kubernetes).map(|s| &s.health);
    if let Some(Health::Down(why) | Health::Forbidden(why)) = health {
        let mut refused = Check::hinted("kubeconfig", "fail", why.as_str());
        let next =
            if refused.next.is_empty() { "see --kubeconfig and --context" } else { refused.next.as_str() };
        refused.next = Clean::new(format!("{next}; {DEMO}"));
        return vec![refused];
    }
    let context = &state.setup.context;
    let mut all = vec![if state.setup.prod {
        Check::ok("kubeconfig", format!("context {context}, shown as PROD"))
    } else {
        let next = format!("if it is production: prod_contexts = [\"{context}\"] in the configuration");
        Check::new("kubeconfig", "ok", format!("context {context}, not shown as PROD"), next)
    }];
    match &cluster.version {
        Some(Ok(version)) => all.push(Check::ok("server", format!("Kubernetes {version}"))),
        Some(Err(why)) => all.push(Check::hinted("server", "warn", why.as_str())),
        None => {}
    }
    match &state.world.identity {
        Some(identity) => {
            let groups: Vec<&str> = identity.groups.iter().map(Clean::as_str).collect();
            all.push(Check::ok("identity", format!("{} ({})", identity.user, groups.join(", "))));
        }
        None => all.push(Check::new("identity", "warn", "the API server did not say who we are", "")),
    }
    let scope = match (&state.world.namespace, state.world.scope_forbidden) {
        (Some(ns), true) => Check::new(
            "scope",
            "warn",
            format!("only namespace {ns}: a cluster-wide list of deployments is forbidden"),
            "name the namespace with -n, or ask for a ClusterRole that lists deployments",
        ),
        (Some(ns), false) => Check::ok("scope", format!("namespace {ns}")),
        (None, _) => Check::ok("scope", "all namespaces"),
    };
    all.push(scope);
    for (source, ms) in &state.world.clocks {
        if ms.abs() > 5_000 {
            let detail = format!("the clock of {} differs by {} s", source.name(), ms / 1_000);
            all.push(Check::new("clock", "warn", detail, "set this host's clock by NTP"));
        }
    }
    let most = state.world.clocks.values().map(|ms| ms.abs()).max();
    if let Some(most) = most.filter(|most| *most <= 5_000) {
        all.push(Check::ok("clock", format!("clocks differ by {most} ms at most")));
    }
    all
}

/// The rules of deploy/viewer.yaml that are missing, each as it stands there. What may be listed in one namespace only is
/// told by `scope`.
fn viewer(state: &State, asked: Option<Vec<(Right, bool)>>) -> Vec<Check> {
    let Some(asked) = asked else { return Vec::new() };
    let missing: Vec<Check> = VIEWER
        .iter()
        .filter_map(|(group, resource, verbs)| {
            let lacks = |verb: &&&str| {
                asked.iter().any(|(right, allowed)| {
                    !allowed && right.resource == *resource && right.verb == **verb
                })
            };
            let lacking: Vec<&str> = verbs.iter().filter(lacks).copied().collect();
            let words = lacking.join(", ");
            (!lacking.is_empty()).then(|| {
                let group = if group.is_empty() { "\"\"" } else { group };
                Check::new(
                    "viewer",
                    "warn",
                    format!("may not {words} {resource} in all namespaces"),
                    format!(
                        "add to a ClusterRole, as in deploy/viewer.yaml: apiGroups: [{group}], resources: [{resource}], verbs: [{words}]"
                    ),
                )
            })
        })
        .collect();
    if missing.is_empty() {
        return vec![Check::ok("viewer", format!("all {} rights that watching needs", asked.len()))];
    }
    // Within one namespace on purpose: what is missing elsewhere is not missed.
    if state.world.namespace.is_some() && !state.world.scope_forbidden {
        return vec![Check::ok("viewer", "looked at one namespace; `scope` says which")];
    }
    missing
}

/// The folder of the journal and who may read it.
pub fn folder(folder: Option<&Path>) -> Check {
    let Some(folder) = folder else {
        return Check::new("state", "fail", "there is no state folder", "set GOAROUND_STATE_DIR");
    };
    let shown = folder.display();
    match std::fs::metadata(folder) {
        Err(_) => Check::ok("state", format!("{shown}: made when something is recorded")),
        Ok(found) => {
            let mode = found.permissions().mode() & 0o777;
            if mode & 0o077 == 0 {
                Check::ok("state", format!("{shown}, {mode:o}: for you only"))
            } else {
                Check::new(
                    "state",
                    "warn",
                    format!("{shown}, {mode:o}: others may enter it"),
                    format!("chmod 700 {shown}"),
                )
            }
        }
    }
}

/// What the terminal can show, as far as it says without being asked.
pub fn terminal(environment: &Environment, size: Option<(u16, u16)>) -> Check {
    const LEAST: (u16, u16) = (80, 24);
    let ascii = environment.ascii();
    let letters = if ascii { "ASCII only" } else { "UTF-8" };
    let colours = environment.depth().words();
    let Some((columns, rows)) = size else {
        return Check::ok("terminal", format!("none here, {colours}, {letters}"));
    };
    let detail = format!("{columns}x{rows}, {colours}, {letters}");
    if columns < LEAST.0 || rows < LEAST.1 {
        return Check::new("terminal", "warn", detail, "at least 80x24, or nothing can be approved");
    }
    if ascii {
        let next = "a locale with UTF-8 (LC_ALL=C.UTF-8) shows charts as they are meant";
        return Check::new("terminal", "ok", detail, next);
    }
    Check::ok("terminal", detail)
}

/// The lines for a person: what is there, what to do about the rest, and where to begin.
pub fn guide(checks: &[Check]) -> String {
    let mut text = String::new();
    for check in checks {
        let _ = writeln!(text, "{:<5} {:<12} {}", check.state, check.check, check.detail);
        if !check.next.is_empty() {
            let _ = writeln!(text, "      {:<12} next: {}", "", check.next);
        }
    }
    let count = |state: &str| checks.iter().filter(|check| check.state == state).count();
    let first = checks.iter().find(|check| check.state == "fail");
    let _ = match (count("fail"), count("warn"), first) {
        (0, 0, _) => writeln!(text, "\nall is there: `goaround` opens the cockpit"),
        (0, warned, _) => writeln!(text, "\n{warned} to know about; `goaround` opens the cockpit"),
        (failed, _, Some(first)) => {
            writeln!(text, "\n{failed} to mend, {} first; {DEMO}", first.check)
        }
        (_, _, None) => Ok(()),
    };
    text
}

/// Deployments and ReplicaSets are needed; anything else that is refused is one named source that is down.
fn kinds(state: &State) -> Vec<Check> {
    let kinds = state.world.sources.iter().filter_map(|(source, known)| match source {
        Source::Kind(kind) => Some((*kind, &known.health)),
        _ => None,
    });
    kinds
        .filter_map(|(kind, health)| {
            let needed = matches!(kind, "deployments" | "replicasets" | "pods");
            let state = if needed { "fail" } else { "warn" };
            match health {
                Health::Live | Health::Starting => None,
                Health::Down(why) | Health::Forbidden(why) => Some(Check::hinted(kind, state, why.as_str())),
            }
        })
        .collect()
}

fn rights(state: &State) -> Vec<Check> {
    let mut all = Vec::new();
    for (right, allowed) in &state.world.rights {
        let what = format!("{} {} in {}", right.verb, right.resource, right.namespace);
        all.push(if *allowed {
            Check::ok("rights", what)
        } else {
            Check::new(
                "rights",
                "warn",
                format!("may not {what}"),
                format!(
                    "watching works; approving needs, as in deploy/operator.yaml, a Role in {} with apiGroups: [{}], resources: [{}], verbs: [{}]",
                    right.namespace,
                    if right.group.is_empty() { "\"\"" } else { &right.group },
                    right.resource,
                    right.verb
                ),
            )
        });
    }
    all
}

fn prometheus(state: &State) -> Vec<Check> {
    if let Some(Health::Down(why) | Health::Forbidden(why)) =
        state.world.sources.get(&Source::Prometheus).map(|s| &s.health)
    {
        return vec![Check::hinted("prometheus", "fail", why.as_str())];
    }
    match &state.world.prometheus {
        Some(found) if !answered(state) => {
            let detail = format!("{}: it has not answered yet", found.at);
            vec![Check::new("prometheus", "warn", detail, "mend what failed above, then check again")]
        }
        Some(found) => {
            let mut all = vec![Check::ok("prometheus", format!("{}: {}", found.at, found.why))];
            all.extend(found.others.iter().map(|o| Check::ok("prometheus", format!("also there: {o}"))));
            all.extend(state.world.warnings.iter().map(|w| Check::new("prometheus", "warn", w, "")));
            all
        }
        None => {
            let looked = state.world.sources.get(&Source::Kubernetes).is_some_and(|s| s.synced);
            let detail = if looked { "none was found" } else { "not looked for: the cluster did not answer" };
            vec![Check::new("prometheus", "fail", detail, "name it with --prometheus URL")]
        }
    }
}

/// Why an SLO judges no workload, and the lines of the configuration that say which one it judges.
fn unmapped(id: &str, why: &Unmapped, words: &str) -> Check {
    let name = match why {
        Unmapped::Ambiguous(keys) => {
            keys.first().map(|key| format!("{}/Deployment/{}", key.namespace, key.name))
        }
        Unmapped::None | Unmapped::Missing(_) => None,
    };
    let name = name.unwrap_or_else(|| "NAMESPACE/Deployment/NAME".into());
    let mut check = Check::hinted("workload", "warn", words);
    check.next = Clean::new(format!(
        "write into the configuration: [[slo]] id = \"{id}\" workload = \"{name}\", on three lines"
    ));
    check
}

/// Prometheus has told all that it knows of SLOs.
fn answered(state: &State) -> bool {
    state.world.sources.get(&Source::Prometheus).is_some_and(|s| s.synced)
}

fn slos(state: &State) -> Vec<Check> {
    if state.world.slos.is_empty() && !answered(state) {
        let detail = "not known: Prometheus has told nothing";
        return vec![Check::new("slos", "warn", detail, "mend what failed above, then check again")];
    }
    if state.world.slos.is_empty() {
        return vec![Check::new(
            "slos",
            "warn",
            "no SLO was found",
            "generate rules with Sloth, or declare one: [[slo]] file = \"slo.yaml\" in the config",
        )];
    }
    let mut all = vec![Check::ok("slos", format!("{} found", state.world.slos.len()))];
    let unknown = state.setup.slo_workloads.keys().filter(|id| !state.world.slos.contains_key(id));
    all.extend(unknown.map(|id| {
        let detail = format!("[[slo]] id = \"{id}\" of the configuration is not among them");
        Check::new("slos", "warn", detail, "correct the id, or remove the table")
    }));
    for (id, found) in &state.mapped {
        all.push(match found {
            Ok((key, how)) => Check::ok("workload", format!("{id} judges Deployment {key}, {}", how.words())),
            Err(why) => unmapped(id.0.as_str(), why, &why.words(id)),
        });
    }
    for slo in state.world.slos.values() {
        if let crate::domain::slo::Sli::NotUnderstood(why) = &slo.sli {
            all.push(Check::new("sli", "warn", format!("{}: by time only, {why}", slo.id), ""));
        }
    }
    all
}

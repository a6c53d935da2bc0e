//! `goaround check`: what is there, what is missing, what to do next; one line each.

use serde::Serialize;

use crate::advisor::{self, AdvisorError, Probed};
use crate::domain::advice::Share;
use crate::domain::clean::Clean;
use crate::domain::signal::{Health, Source};
use crate::engine::State;

use super::config;

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

/// All lines.
pub fn checks(state: &State, config: &str) -> Vec<Check> {
    let mut all = vec![Check::ok("config", config)];
    all.extend(kubernetes(state));
    all.extend(kinds(state));
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

fn kubernetes(state: &State) -> Vec<Check> {
    let health = state.world.sources.get(&Source::Kubernetes).map(|s| &s.health);
    if let Some(Health::Down(why) | Health::Forbidden(why)) = health {
        return vec![Check::hinted("kubeconfig", "fail", why.as_str())];
    }
    let mut all = vec![Check::ok("kubeconfig", format!("context {}", state.setup.context))];
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
    all
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
                "watching works; approving needs a Role with it",
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
            Err(why) => Check::hinted("workload", "warn", &why.words(id)),
        });
    }
    for slo in state.world.slos.values() {
        if let crate::domain::slo::Sli::NotUnderstood(why) = &slo.sli {
            all.push(Check::new("sli", "warn", format!("{}: by time only, {why}", slo.id), ""));
        }
    }
    all
}

//! Performs the read-only tools of the advisor: one question to the cluster, to Prometheus or to the journal, and of the
//! answer at most twelve short facts. Everything that comes out, errors included, has gone through redaction in one
//! place. It writes nothing, and refuses what the question does not list.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::advisor::tools::{self, Lookback, Object, Perform, Performing, TIME, Template, Tool};
use crate::domain::Time;
use crate::domain::advice::{Brief, Share};
use crate::domain::clean::Clean;
use crate::domain::cluster::{Key, ReplicaSet};
use crate::domain::diff;
use crate::domain::evidence::Evidence;
use crate::domain::format;
use crate::domain::plan::FieldChange;
use crate::domain::redact;
use crate::domain::sli::{Matcher, Op, Selector, SliExpression};
use crate::domain::slo::Sli;
use crate::domain::value::Value;
use crate::domain::window::Window;
use crate::engine::record::{self, PastAction};
use crate::sources::kubernetes::{self, Clock, Connected, ContainerState, ReadError};
use crate::sources::prometheus::{Client, Series};

/// Most facts of one call.
pub const ITEMS: usize = 12;
/// Longest text of one fact, in characters.
pub const LONGEST: usize = 600;
/// What is asked for latencies where the SLI says nothing of them.
const LATENCY: &str = "http_request_duration_seconds_bucket";

/// A fact that a tool has found: an item of evidence that has no id yet. Its texts are redacted, clean and capped.
#[derive(Clone, PartialEq, Debug)]
pub struct Found {
    /// What it says, without the number.
    pub fact: Clean,
    /// The number, where it is one.
    pub value: Value,
    /// Unit of the value.
    pub unit: &'static str,
    /// The window it covers.
    pub window: Clean,
    /// Bad requests, where it is about requests.
    pub bad: Option<f64>,
    /// All requests.
    pub total: Option<f64>,
    /// Where it comes from.
    pub source: Clean,
    /// What it is about, where that is not the workload.
    pub subject: Clean,
    /// When it was true.
    pub at: Time,
    /// Somebody else's words.
    pub foreign: bool,
}

impl Found {
    /// The item of evidence with this id.
    pub fn evidence(self, id: String) -> Evidence {
        Evidence {
            id,
            fact: self.fact,
            value: self.value,
            unit: self.unit,
            window: self.window,
            bad: self.bad,
            total: self.total,
            subject: self.subject,
            source: self.source,
            at: self.at,
            foreign: self.foreign,
        }
    }
}

/// A fact as it was read, before it may be told.
struct Raw {
    fact: String,
    value: Value,
    unit: &'static str,
    window: &'static str,
    counts: Option<(f64, f64)>,
    source: String,
    subject: String,
    at: Time,
    foreign: bool,
}

impl Raw {
    fn new(fact: impl Into<String>, source: impl Into<String>, at: Time) -> Self {
        Self {
            fact: fact.into(),
            value: Value::Absent,
            unit: "",
            window: "",
            counts: None,
            source: source.into(),
            subject: String::new(),
            at,
            foreign: false,
        }
    }

    /// Written by somebody else: to be looked at, not to be believed.
    fn foreign(self) -> Self {
        Self { foreign: true, ..self }
    }

    fn value(self, value: Value, unit: &'static str) -> Self {
        Self { value, unit, ..self }
    }

    fn about(self, subject: impl Into<String>) -> Self {
        Self { subject: subject.into(), ..self }
    }

    /// The only way out.
    fn told(self) -> Found {
        Found {
            fact: told(&self.fact),
            value: self.value,
            unit: self.unit,
            window: Clean::new(self.window),
            bad: self.counts.map(|(bad, _)| bad),
            total: self.counts.map(|(_, total)| total),
            source: told(&self.source),
            subject: told(&self.subject),
            at: self.at,
            foreign: self.foreign,
        }
    }
}

/// A text as it may be told: without secrets, clean, not longer than [`LONGEST`].
fn told(raw: &str) -> Clean {
    let clean = Clean::new(redact::text(raw).text);
    match clean.as_str().char_indices().nth(LONGEST) {
        Some(_) => {
            let text: String = clean.as_str().chars().take(LONGEST - 1).collect();
            Clean::new(format!("{text}…"))
        }
        None => clean,
    }
}

/// What the tools of one question work with.
pub struct Toolbox {
    /// The cluster; `None`: the kubeconfig could not be used.
    pub cluster: Option<Connected>,
    /// Prometheus, once it is known.
    pub prometheus: Option<Arc<Client>>,
    /// The folder of the journal.
    pub journal: Option<PathBuf>,
    /// The question.
    pub brief: Brief,
    /// The indicator of the SLO in question, by which requests are counted; `None`: no SLO judges the workload.
    pub sli: Option<Sli>,
    /// What may leave this machine.
    pub share: Share,
    /// World time.
    pub clock: Clock,
}

impl Perform for Toolbox {
    fn perform<'a>(&'a self, tool: &'a Tool) -> Performing<'a> {
        Box::pin(async move {
            let found = self.run(tool).await?;
            Ok(found.into_iter().map(|found| found.evidence(String::new())).collect())
        })
    }
}

type Facts = Result<Vec<Raw>, Clean>;

impl Toolbox {
    /// Performs one call.
    ///
    /// # Errors
    /// One sentence why there is no answer, which the model may be told.
    pub async fn run(&self, tool: &Tool) -> Result<Vec<Found>, Clean> {
        tools::permitted(tool, &self.brief, self.share).map_err(|why| told(why.as_str()))?;
        let slow = || Err(Clean::new(format!("{}: no answer in {} s", tool.words(), TIME.as_secs())));
        let facts = tokio::time::timeout(TIME, self.facts(tool)).await.unwrap_or_else(|_| slow());
        match facts {
            Ok(facts) => Ok(facts.into_iter().take(ITEMS).map(Raw::told).collect()),
            Err(why) => Err(told(why.as_str())),
        }
    }

    async fn facts(&self, tool: &Tool) -> Facts {
        match tool {
            Tool::Logs { pod, previous } => self.log(pod, *previous).await,
            Tool::Events { object } => self.events(object).await,
            Tool::Describe { object: Object::Deployment } => self.deployment().await,
            Tool::Describe { object: Object::Pod(pod) } => self.pod(pod).await,
            Tool::Query { template, window } => self.query(*template, *window).await,
            Tool::Diff { from, to } => self.diff(*from, *to).await,
            Tool::Incidents => self.incidents().await,
        }
    }

    fn cluster(&self) -> Result<&Connected, Clean> {
        self.cluster.as_ref().ok_or_else(|| Clean::new("there is no connection to the cluster"))
    }

    fn key(&self, pod: &Clean) -> Key {
        Key { namespace: self.brief.workload.namespace.clone(), name: pod.clone() }
    }

    async fn log(&self, pod: &Clean, previous: bool) -> Facts {
        let log = kubernetes::pod_log(self.cluster()?, &self.key(pod), previous).await.map_err(why(LOGS))?;
        let now = (self.clock)();
        let run = if previous { ", run before the last restart" } else { "" };
        let source =
            format!("log of container {}{run}, last {}", log.container, format::several(log.read, "line"));
        if log.lines.is_empty() {
            return Ok(vec![Raw::new("the log is empty", source, now).about(format!("pod {pod}"))]);
        }
        let fact = |line: &kubernetes::LogLine| match line.count {
            1 => format!("log line: {}", line.text),
            count => format!("log line, {count} alike: {}", line.text),
        };
        let raw = |line: &kubernetes::LogLine| {
            let raw = Raw::new(fact(line), source.clone(), line.last.unwrap_or(now));
            raw.about(format!("pod {pod}")).foreign()
        };
        Ok(log.lines.iter().map(raw).collect())
    }

    async fn events(&self, object: &Object) -> Facts {
        let (kind, key) = match object {
            Object::Deployment => ("Deployment", self.brief.workload.clone()),
            Object::Pod(pod) => ("Pod", self.key(pod)),
        };
        let events = kubernetes::events_of(self.cluster()?, kind, &key).await.map_err(why(VIEWER))?;
        let now = (self.clock)();
        let source = format!("events of {kind} {}", key.name);
        let about = if kind == "Pod" { format!("pod {}", key.name) } else { String::new() };
        if events.is_empty() {
            return Ok(vec![Raw::new("no event is kept", source, now).about(about)]);
        }
        let raw = |event: &crate::domain::cluster::ClusterEvent| {
            let kind = if event.warning { "warning" } else { "event" };
            let times = if event.count > 1 { format!(", {} times", event.count) } else { String::new() };
            let fact = format!("{kind} {}{times}: {}", event.reason, event.message);
            Raw::new(fact, source.clone(), event.last.unwrap_or(now)).about(about.clone()).foreign()
        };
        Ok(events.iter().map(raw).collect())
    }

    async fn deployment(&self) -> Facts {
        let key = &self.brief.workload;
        let fresh = kubernetes::read_deployment(self.cluster()?, key).await.map_err(why(VIEWER))?;
        let Some(fresh) = fresh else { return Err(Clean::new(format!("there is no Deployment {key}"))) };
        let at = fresh.date.unwrap_or_else(|| (self.clock)());
        let source = format!("Deployment {}", key.name);
        let found = &fresh.deployment;
        let mut facts = vec![Raw::new(
            format!(
                "{} of {} replicas available, {} updated{}",
                found.available,
                found.replicas,
                found.updated,
                if found.paused { ", paused" } else { "" }
            ),
            source.clone(),
            at,
        )];
        for condition in &found.conditions {
            let fact = condition_words(&condition.kind, condition.holds, condition.reason.as_str());
            facts.push(Raw::new(fact, source.clone(), at));
            if self.share == Share::FactsAndLogs && !condition.message.is_empty() {
                let fact = format!("message of condition {}: {}", condition.kind, condition.message);
                facts.push(Raw::new(fact, source.clone(), at).foreign());
            }
        }
        let template = found.template.json.value();
        facts.extend(
            kubernetes::containers(&template["spec"])
                .iter()
                .flat_map(container_words)
                .map(|fact| Raw::new(fact, source.clone(), at)),
        );
        Ok(facts)
    }

    async fn pod(&self, pod: &Clean) -> Facts {
        let state = kubernetes::pod_state(self.cluster()?, &self.key(pod)).await.map_err(why(VIEWER))?;
        let at = (self.clock)();
        let raw = |fact: String| Raw::new(fact, format!("pod {pod}"), at).about(format!("pod {pod}"));
        let mut facts = Vec::new();
        for container in &state.containers {
            let restarts = Value::Number(container.restarts as f64);
            facts.push(raw(format!("restarts of container {}", container.name)).value(restarts, "restarts"));
            let ready = if container.ready { "ready" } else { "not ready" };
            let last = match container.last.as_str() {
                "" => String::new(),
                last => format!(", ended before: {last}"),
            };
            facts.push(raw(format!("container {} is {}, {ready}{last}", container.name, container.state)));
        }
        let on = if state.node.is_empty() { String::new() } else { format!(" on node {}", state.node) };
        let because = if state.reason.is_empty() { String::new() } else { format!(": {}", state.reason) };
        facts.push(raw(format!("phase {}{on}{because}", state.phase)));
        let conditions = state.conditions.iter();
        facts.extend(
            conditions.map(|(kind, holds, sentence)| raw(condition_words(kind, *holds, sentence.as_str()))),
        );
        facts.extend(state.containers.iter().flat_map(container_words).map(raw));
        // The message of a container that ended may be the end of its log.
        let messages = state.messages.iter().filter(|_| self.share == Share::FactsAndLogs);
        facts.extend(messages.map(|(of, text)| raw(format!("message of {of}: {text}")).foreign()));
        Ok(facts)
    }

    async fn query(&self, template: Template, lookback: Lookback) -> Facts {
        let Some(client) = &self.prometheus else {
            return Err(Clean::new("Prometheus is not known yet"));
        };
        let asking = Asking { client, name: lookback.name(), window: lookback.window() };
        match template {
            Template::ErrorRatioByPod => asking.ratios(self.counted()?, (self.clock)()).await,
            Template::RequestRate => asking.requests(self.counted()?, (self.clock)()).await,
            Template::Restarts => {
                let counter = self.by_pod("kube_pod_container_status_restarts_total");
                let promql = format!("sum by (pod) (increase({counter}[{}]))", asking.window);
                asking.rows(&promql, "restarts", "restarts", (self.clock)()).await
            }
            Template::Cpu => {
                let counter = self.by_pod("container_cpu_usage_seconds_total");
                let promql = format!("sum by (pod) (rate({counter}[{}]))", asking.window);
                asking.rows(&promql, "CPU in use", "cores", (self.clock)()).await
            }
            Template::Memory => {
                let gauge = self.by_pod("container_memory_working_set_bytes");
                let promql = format!("sum by (pod) (max_over_time({gauge}[{}]))", asking.window);
                asking.rows(&promql, "most memory in use", "bytes", (self.clock)()).await
            }
            Template::LatencyP99 => {
                let buckets = self.buckets();
                let unit = if buckets.name.as_deref().is_some_and(|name| name.contains("_seconds")) {
                    "s"
                } else {
                    ""
                };
                let promql = format!(
                    "histogram_quantile(0.99, sum by (pod, le) (rate({buckets}[{}])))",
                    asking.window
                );
                asking.rows(&promql, "latency p99", unit, (self.clock)()).await
            }
        }
    }

    /// The expression by which requests are counted.
    fn counted(&self) -> Result<&SliExpression, Clean> {
        match &self.sli {
            Some(Sli::Understood(sli)) => Ok(sli),
            Some(Sli::NotUnderstood(why)) => Err(Clean::new(format!("requests cannot be counted: {why}"))),
            Some(Sli::Unknown) => {
                Err(Clean::new("requests cannot be counted: the recording rule of the SLI was not found"))
            }
            None => Err(Clean::new("requests cannot be counted: no SLO judges this workload")),
        }
    }

    /// A metric of this workload's pods, by the names that its ReplicaSets give them; of containers, not of their sum.
    fn by_pod(&self, metric: &str) -> Selector {
        let matcher = |label: &str, op, value: String| Matcher { label: label.to_owned(), op, value };
        let Key { namespace, name } = &self.brief.workload;
        let mut matchers = vec![
            matcher("namespace", Op::Equal, namespace.to_string()),
            matcher(
                "pod",
                Op::Matches,
                format!("{}-[a-z0-9]+-[a-z0-9]{{5}}", name.as_str().replace('.', "\\.")),
            ),
        ];
        if metric.starts_with("container_") {
            matchers.push(matcher("container", Op::NotEqual, String::new()));
        }
        Selector { name: Some(metric.to_owned()), matchers }
    }

    /// The histogram of the SLI itself, else the usual one of this workload's pods.
    fn buckets(&self) -> Selector {
        let sli = self.counted().ok();
        let leaves = sli.into_iter().flat_map(|sli| sli.bad.leaves.iter().chain(&sli.total.leaves));
        let mut own = leaves.filter_map(|leaf| {
            let name = leaf.selector.name.as_deref()?;
            let histogram = name.strip_suffix("_bucket").or_else(|| name.strip_suffix("_count"))?;
            let matchers = leaf.selector.matchers.iter().filter(|m| m.label != "le").cloned().collect();
            Some(Selector { name: Some(format!("{histogram}_bucket")), matchers })
        });
        own.next_back().unwrap_or_else(|| self.by_pod(LATENCY))
    }

    async fn diff(&self, from: i64, to: i64) -> Facts {
        let key = &self.brief.workload;
        let fresh = kubernetes::read_deployment(self.cluster()?, key).await.map_err(why(VIEWER))?;
        let Some(fresh) = fresh else { return Err(Clean::new(format!("there is no Deployment {key}"))) };
        let at = fresh.date.unwrap_or_else(|| (self.clock)());
        let (before, after) = (revision(&fresh.replica_sets, from)?, revision(&fresh.replica_sets, to)?);
        let source = format!("pod templates of revisions {from} and {to}");
        let changes = diff::templates(&before.template.json.value(), &after.template.json.value());
        let between = format!("revision {from} to {to}");
        if changes.is_empty() {
            return Ok(vec![Raw::new(format!("{between}: the templates are equal"), source, at)]);
        }
        let raw = |change: &FieldChange| {
            Raw::new(format!("{between}: {}", diff::sentence(&without_values(change))), source.clone(), at)
        };
        let mut facts: Vec<Raw> = changes.iter().take(ITEMS).map(raw).collect();
        if changes.len() > ITEMS {
            facts.truncate(ITEMS - 1);
            let more =
                format!("{between}: {} more differ", format::several(changes.len() - facts.len(), "field"));
            facts.push(Raw::new(more, source, at));
        }
        Ok(facts)
    }

    async fn incidents(&self) -> Facts {
        let Some(folder) = self.journal.clone() else {
            return Err(Clean::new("there is no journal to read"));
        };
        let workload = self.brief.workload.to_string();
        let read = tokio::task::spawn_blocking(move || {
            let records = super::journal::read(&folder);
            record::past(records.iter().map(|r| (r.kind.as_str(), r.time, &r.body)))
        });
        let past = read.await.map_err(|_| Clean::new("the journal could not be read"))?;
        let mut actions: Vec<PastAction> =
            past.actions.into_iter().filter(|action| action.workload == workload).collect();
        actions.sort_by_key(|action| std::cmp::Reverse(action.time));
        if actions.is_empty() {
            let none = format!("goaround has done nothing to {workload} before");
            return Ok(vec![Raw::new(none, "journal", (self.clock)())]);
        }
        Ok(actions.iter().map(earlier).collect())
    }
}

/// An earlier action: what was done, why, and how it ended. Who approved it stays here.
fn earlier(action: &PastAction) -> Raw {
    let ended = match (&action.outcome, action.unknown) {
        (Some(outcome), _) => format!("outcome {outcome}"),
        (None, true) => "its outcome is not known".to_owned(),
        (None, false) => "not closed yet".to_owned(),
    };
    let target = if action.target.is_empty() { String::new() } else { format!(" to {}", action.target) };
    let undo = if action.undo_of.is_some() { ", the way back of an earlier action" } else { "" };
    let reason =
        if action.reason.is_empty() { String::new() } else { format!(", reason given: {}", action.reason) };
    let fact = format!("{}{target}{undo}, verdict {}, {ended}{reason}", action.offer, action.verdict);
    Raw::new(fact, format!("journal, action {}", action.action), action.time)
}

fn revision(sets: &[ReplicaSet], number: i64) -> Result<&ReplicaSet, Clean> {
    let found = sets.iter().find(|set| set.revision == Some(number));
    found.ok_or_else(|| Clean::new(format!("revision {number} is not kept any more")))
}

/// A change without the secrets in its values. A long value is known by its length only: a secret that was cut in it
/// might not be recognised.
fn without_values(change: &FieldChange) -> FieldChange {
    let value = |value: &Clean| {
        let value = value.as_str();
        match value.rsplit_once("… (").and_then(|(_, length)| length.split_once(" characters, sha256 ")) {
            Some((length, digest)) => {
                Clean::new(format!("({length} characters, sha256 {}", digest.trim_end_matches(')')) + ")")
            }
            None => Clean::new(redact::diff_value(change.field.as_str(), value).text),
        }
    };
    FieldChange {
        field: change.field.clone(),
        before: change.before.as_ref().map(value),
        after: change.after.as_ref().map(value),
    }
}

fn condition_words(kind: &Clean, holds: bool, sentence: &str) -> String {
    let state = if holds { "true" } else { "false" };
    let sentence = sentence.trim_matches([':', ' ']);
    let about = if sentence.is_empty() { String::new() } else { format!(": {sentence}") };
    format!("condition {kind} is {state}{about}")
}

/// What a container is: image, resources, names of its environment.
fn container_words(container: &ContainerState) -> Vec<String> {
    let mut all = vec![format!("container {} runs image {}", container.name, container.image)];
    if !container.resources.is_empty() {
        all.push(format!("container {}: {}", container.name, container.resources));
    }
    if !container.env.is_empty() {
        let names: Vec<&str> = container.env.iter().map(Clean::as_str).collect();
        all.push(format!("container {} has environment variables {}", container.name, names.join(", ")));
    }
    all
}

/// Roles that the tools need, for those who lack them.
const VIEWER: &str = "deploy/viewer.yaml";
const LOGS: &str = "deploy/logs.yaml";

/// An error as the sentence of one tool, which needs the rights of `role`.
fn why(role: &str) -> impl Fn(ReadError) -> Clean {
    move |error| match error {
        ReadError::Forbidden(message) => Clean::new(format!("{message}; hint: {role} has this right")),
        // The server's own words: no earlier run, no such container.
        ReadError::Server { status: 400, message } => message,
        other => Clean::new(other.to_string()),
    }
}

/// Queries of one call.
struct Asking<'a> {
    client: &'a Client,
    name: &'static str,
    window: Window,
}

/// Value of the label `pod`; empty where a series has none.
fn pod_of(series: &Series) -> Clean {
    series.labels.get("pod").cloned().unwrap_or_default()
}

fn about_pod(raw: Raw, pod: &Clean) -> Raw {
    if pod.is_empty() { raw.about("requests that no pod claims") } else { raw.about(format!("pod {pod}")) }
}

impl Asking<'_> {
    async fn ask(&self, promql: &str) -> Result<Vec<Series>, Clean> {
        match self.client.query(promql, None).await {
            Ok(answer) => Ok(answer.data),
            Err(error) => Err(Clean::new(error.to_string())),
        }
    }

    fn none(&self, what: &str, promql: &str, now: Time) -> Vec<Raw> {
        vec![Raw { window: self.name, ..Raw::new(format!("no data on {what}"), promql, now) }]
    }

    /// Bad and all requests of each pod, worst first.
    async fn ratios(&self, sli: &SliExpression, now: Time) -> Facts {
        let (bad_of, total_of) =
            (sli.bad_increase(self.window, &["pod"]), sli.total_increase(self.window, &["pod"]));
        let (bad, total) = tokio::join!(self.ask(&bad_of), self.ask(&total_of));
        let bad: BTreeMap<Clean, f64> =
            bad?.iter().filter_map(|row| Some((pod_of(row), row.value.number()?.max(0.0)))).collect();
        let mut rows: Vec<(f64, Raw)> = Vec::new();
        for row in total? {
            let Some(total) = row.value.number().filter(|total| *total > 0.0) else { continue };
            let pod = pod_of(&row);
            let bad = bad.get(&pod).copied().unwrap_or(0.0);
            let raw =
                Raw::new("error ratio", total_of.clone(), row.at).value(Value::Number(bad / total), "ratio");
            let raw = Raw { counts: Some((bad, total)), window: self.name, ..raw };
            rows.push((bad / total, about_pod(raw, &pod)));
        }
        rows.sort_by(|a, b| b.0.total_cmp(&a.0));
        if rows.is_empty() {
            return Ok(self.none("requests", &total_of, now));
        }
        Ok(rows.into_iter().map(|(_, raw)| raw).collect())
    }

    /// Requests a second of each pod.
    async fn requests(&self, sli: &SliExpression, now: Time) -> Facts {
        let promql = format!("({}) / {}", sli.total_increase(self.window, &["pod"]), self.window.secs());
        self.rows(&promql, "request rate", "requests/s", now).await
    }

    /// One fact for each row, largest first.
    async fn rows(&self, promql: &str, what: &str, unit: &'static str, now: Time) -> Facts {
        let mut rows = self.ask(promql).await?;
        rows.sort_by(|a, b| {
            let value = |row: &Series| row.value.number().unwrap_or(f64::NEG_INFINITY);
            value(b).total_cmp(&value(a))
        });
        if rows.is_empty() {
            return Ok(self.none(what, promql, now));
        }
        let raw = |row: &Series| {
            let raw = Raw::new(what, promql, row.at).value(row.value, unit);
            about_pod(Raw { window: self.name, ..raw }, &pod_of(row))
        };
        Ok(rows.iter().map(raw).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at() -> Time {
        "2026-11-21T12:00:00Z".parse().expect("a time")
    }

    #[test]
    fn every_text_of_a_fact_is_redacted_clean_and_capped() {
        let long = format!("password=canary \u{1b}[2J{}", "x ".repeat(700));
        let found = Raw::new(long.clone(), long.clone(), at()).about(long).told();
        for text in [&found.fact, &found.source, &found.subject] {
            assert!(text.as_str().starts_with("password=<redacted: password> <1b>[2J"), "{text}");
            assert_eq!(text.as_str().chars().count(), LONGEST);
        }
    }

    #[test]
    fn a_change_tells_that_a_secret_changed_and_never_which_it_was() {
        let change = |field: &str, before: &str, after: &str| FieldChange {
            field: Clean::new(field),
            before: Some(Clean::new(before)),
            after: Some(Clean::new(after)),
        };
        let words = |c: &FieldChange| diff::sentence(&without_values(c));
        assert_eq!(
            words(&change("env DB_PASSWORD", "canary1", "canary2")),
            "env DB_PASSWORD <redacted: password> → <redacted: password>"
        );
        assert_eq!(words(&change("env DB_POOL", "50", "5")), "env DB_POOL 50 → 5");
        let cut = "{\"x\":\"canary… (200 characters, sha256 0123456789ab)";
        assert_eq!(words(&change("env APP", cut, "5")), "env APP (200 characters, sha256 0123456789ab) → 5");
    }

    #[test]
    fn latencies_are_those_of_the_slis_own_histogram_where_it_has_one() {
        let brief = Brief {
            id: crate::domain::advice::BriefId(1),
            now: Time::default(),
            purpose: crate::domain::advice::Purpose::Rationale,
            workload: Key::new("shop", "cart"),
            verdict: crate::domain::verdict::Verdict::Unknown,
            offer: crate::domain::verdict::Offer::None,
            target: None,
            current: None,
            decided: Clean::default(),
            candidates: Vec::new(),
            items: Vec::new(),
            found: 0,
            quotes: Vec::new(),
            pods: Vec::new(),
            slo: None,
        };
        let mut toolbox = Toolbox {
            cluster: None,
            prometheus: None,
            journal: None,
            brief,
            sli: None,
            share: Share::Facts,
            clock: Arc::new(at),
        };
        let usual = "{namespace=\"shop\",pod=~\"cart-[a-z0-9]+-[a-z0-9]{5}\"}";
        assert_eq!(toolbox.buckets().to_string(), format!("{LATENCY}{usual}"));
        let slow = "(sum(rate(rpc_seconds_count{app=\"cart\"}[5m])) - sum(rate(rpc_seconds_bucket{app=\"cart\",le=\"0.5\"}[5m]))) \
                    / sum(rate(rpc_seconds_count{app=\"cart\"}[5m]))";
        let sli = crate::domain::sli::understand(slow).expect("an SLI");
        toolbox.sli = Some(Sli::Understood(Box::new(sli)));
        assert_eq!(toolbox.buckets().to_string(), "rpc_seconds_bucket{app=\"cart\"}");
        let memory = toolbox.by_pod("container_memory_working_set_bytes").to_string();
        assert!(memory.ends_with(",container!=\"\"}"), "{memory}");
    }

    #[test]
    fn an_earlier_action_is_told_without_the_name_of_who_approved_it() {
        let action = PastAction {
            action: "01JD8X3J4M5N6P7Q8R9STVWXYZ".into(),
            time: at(),
            by: Clean::new("mara"),
            offer: "rollback".into(),
            target: "5d9c 4.11".into(),
            verdict: "bad_deploy".into(),
            outcome: Some("helped".into()),
            reason: "password=canary in the log".into(),
            ..PastAction::default()
        };
        let found = earlier(&action).told();
        assert_eq!(
            found.fact,
            "rollback to 5d9c 4.11, verdict bad_deploy, outcome helped, reason given: password=<redacted: password> in the log"
        );
        assert!(!format!("{found:?}").contains("mara"));
        assert_eq!(found.clone().evidence("E9".into()).id, "E9");
    }
}

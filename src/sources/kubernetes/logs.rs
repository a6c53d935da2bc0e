//! What one pod wrote, what the cluster says happened to one object, and the state of one pod: single questions of
//! somebody who looks closer. Of an environment only the names are read, never a value; annotations are not read.

use std::collections::BTreeMap;

use serde_json::Value;

use super::connect::Connected;
use super::decode::{self, Events, Kind};
use super::error::ReadError;
use super::http::{JSON, escaped, garbage, get};
use crate::domain::Time;
use crate::domain::clean::Clean;
use crate::domain::cluster::{ClusterEvent, Key};

/// Lines that are asked for.
const LINES: usize = 60;
/// Bytes that are asked for: lines may be long.
const BYTES: usize = 256 << 10;
/// Events of one object that are read; a server keeps them for an hour.
const EVENTS: usize = 500;

/// Lines of a log that are alike, as one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogLine {
    /// The newest of them, without the time that the server put before it. Raw: it is redacted before it is cleaned.
    pub text: String,
    /// How many there were.
    pub count: usize,
    /// When the newest was written.
    pub last: Option<Time>,
    /// It looks like an error.
    pub error: bool,
}

/// The end of a log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Log {
    /// The container that wrote it.
    pub container: Clean,
    /// Its lines: those that look like errors first, then by time, newest first.
    pub lines: Vec<LogLine>,
    /// How many lines were read.
    pub read: usize,
}

/// The last 60 lines of a pod; `previous`: of the container before its last restart. Of several containers the default
/// one is read, for `previous` the one that restarted most.
///
/// # Errors
/// See [`ReadError`]; a container without an earlier run is the server's 400, with its sentence.
pub async fn pod_log(connected: &Connected, key: &Key, previous: bool) -> Result<Log, ReadError> {
    let found = pod_json(connected, key).await?;
    let container = container_of(&found, previous);
    let (namespace, name) = (escaped(key.namespace.as_str()), escaped(key.name.as_str()));
    let mut path = format!(
        "/api/v1/namespaces/{namespace}/pods/{name}/log?tailLines={LINES}&limitBytes={BYTES}&timestamps=true"
    );
    if !container.is_empty() {
        path.push_str(&format!("&container={}", escaped(&container)));
    }
    if previous {
        path.push_str("&previous=true");
    }
    let answer = get(&connected.reader, &connected.server, &path, "*/*").await?;
    let text = String::from_utf8_lossy(&answer.body);
    Ok(Log { container: Clean::new(container), read: text.lines().count(), lines: digest(&text) })
}

/// Which container to read.
fn container_of(pod: &Value, previous: bool) -> String {
    let default = pod["metadata"]["annotations"]["kubectl.kubernetes.io/default-container"].as_str();
    let restarts = |status: &&Value| status["restartCount"].as_i64().unwrap_or(0);
    let statuses = || pod["status"]["containerStatuses"].as_array().into_iter().flatten();
    let most = statuses().max_by_key(restarts).filter(|status| previous && restarts(status) > 0);
    let name = most.and_then(|status| status["name"].as_str()).or(default);
    name.or_else(|| pod["spec"]["containers"][0]["name"].as_str()).unwrap_or_default().to_owned()
}

/// Lines of a log with the server's times, alike ones as one: errors first, then the newest.
fn digest(text: &str) -> Vec<LogLine> {
    let mut all: BTreeMap<String, (usize, LogLine)> = BTreeMap::new();
    for (n, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let (time, text) = match line.split_once(' ') {
            Some((time, rest)) => match chrono::DateTime::parse_from_rfc3339(time) {
                Ok(time) => (Some(time.to_utc()), rest),
                Err(_) => (None, line),
            },
            None => (None, line),
        };
        let newest = LogLine { text: text.to_owned(), count: 1, last: time, error: is_error(text) };
        all.entry(shape(text))
            .and_modify(|(at, known)| {
                *at = n;
                *known = LogLine { count: known.count + 1, ..newest.clone() };
            })
            .or_insert((n, newest));
    }
    let mut lines: Vec<(usize, LogLine)> = all.into_values().collect();
    lines.sort_by_key(|(n, line)| (!line.error, std::cmp::Reverse(*n)));
    lines.into_iter().map(|(_, line)| line).collect()
}

/// A line without what differs from one request to the next: times, durations, addresses, long numbers and ids. A
/// number of up to three digits stays: it may be a status.
fn shape(line: &str) -> String {
    let part = |c: char| c.is_ascii_hexdigit() || matches!(c, '.' | ':' | '-' | '/');
    let mut out = String::with_capacity(line.len());
    for word in line.split_inclusive(|c: char| !part(c) && !c.is_alphanumeric()) {
        let body = word.trim_end_matches(|c: char| !part(c) && !c.is_alphanumeric());
        let digits = body.bytes().filter(u8::is_ascii_digit).count();
        let number = body.bytes().all(|b| b.is_ascii_digit());
        let letters = body.bytes().filter(|b| b.is_ascii_alphabetic()).count();
        let varies = digits > 0 && !(number && digits <= 3) && (digits >= letters || digits >= 8);
        out.push_str(if varies { "#" } else { body });
        out.push_str(word.get(body.len()..).unwrap_or_default());
    }
    out
}

/// Words of errors, and the status of a request that failed.
fn is_error(line: &str) -> bool {
    const WORDS: [&str; 16] = [
        "error",
        "fatal",
        "panic",
        "exception",
        "traceback",
        "failed",
        "failure",
        "refused",
        "timeout",
        "timed out",
        "denied",
        "killed",
        "out of memory",
        "unavailable",
        "cannot ",
        "critical",
    ];
    let low = line.to_lowercase();
    let status =
        |word: &str| word.len() == 3 && word.starts_with('5') && word.bytes().all(|b| b.is_ascii_digit());
    WORDS.iter().any(|word| low.contains(word))
        || low.split(|c: char| !c.is_ascii_alphanumeric() && c != '.').any(status)
}

/// The events about one object, newest first.
///
/// # Errors
/// See [`ReadError`].
pub async fn events_of(connected: &Connected, kind: &str, key: &Key) -> Result<Vec<ClusterEvent>, ReadError> {
    let fields = format!("involvedObject.kind={kind},involvedObject.name={}", key.name);
    let path = format!(
        "{}?limit={EVENTS}&fieldSelector={}",
        Events::RESOURCE.path(Some(&escaped(key.namespace.as_str()))),
        escaped(&fields)
    );
    let answer = get(&connected.reader, &connected.server, &path, JSON).await?;
    let page = decode::page::<Events>(&answer.body).map_err(|error| garbage(&connected.server, &error))?;
    let mut events: Vec<ClusterEvent> = page.objects.into_iter().map(|object| object.item).collect();
    events.sort_by_key(|event| std::cmp::Reverse(event.last));
    Ok(events)
}

/// One container of a pod or template, without any value of its environment.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ContainerState {
    /// Its name.
    pub name: Clean,
    /// Its image.
    pub image: Clean,
    /// `running`, `waiting: CrashLoopBackOff`, `terminated: OOMKilled, exit code 137`; empty in a template.
    pub state: Clean,
    /// How it ended before, where it did.
    pub last: Clean,
    /// Restarts.
    pub restarts: i64,
    /// It is ready.
    pub ready: bool,
    /// `requests cpu 100m, memory 64Mi; limits memory 128Mi`.
    pub resources: Clean,
    /// Names of environment variables.
    pub env: Vec<Clean>,
}

/// The state of a pod.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PodState {
    /// `Running`.
    pub phase: Clean,
    /// `Evicted` and the like.
    pub reason: Clean,
    /// The node.
    pub node: Clean,
    /// Conditions: type, whether it holds, reason.
    pub conditions: Vec<(Clean, bool, Clean)>,
    /// Messages of conditions and of containers, each with whose it is. The last words of a container that ended may be the
    /// end of its log.
    pub messages: Vec<(Clean, Clean)>,
    /// Its containers.
    pub containers: Vec<ContainerState>,
}

/// Reads the state of a pod.
///
/// # Errors
/// [`ReadError::NotFound`] where it is gone.
pub async fn pod_state(connected: &Connected, key: &Key) -> Result<PodState, ReadError> {
    let pod = pod_json(connected, key).await?;
    let (spec, status) = (&pod["spec"], &pod["status"]);
    let mut containers = containers(spec);
    let mut messages = Vec::new();
    let mut message = |of: String, text: &Value| {
        if let Some(text) = text.as_str().filter(|text| !text.trim().is_empty()) {
            messages.push((Clean::new(of), Clean::new(text)));
        }
    };
    for found in status["containerStatuses"].as_array().into_iter().flatten() {
        let name = clean(&found["name"]);
        if let Some(container) = containers.iter_mut().find(|container| container.name == name) {
            container.state = state(&found["state"]);
            container.last = state(&found["lastState"]);
            container.restarts = found["restartCount"].as_i64().unwrap_or(0);
            container.ready = found["ready"].as_bool().unwrap_or(false);
            for (which, state) in [("", &found["state"]), (", before", &found["lastState"])] {
                let about = state.as_object().and_then(|map| map.values().next()).unwrap_or(&Value::Null);
                message(format!("container {}{which}", container.name), &about["message"]);
            }
        }
    }
    let conditions = || status["conditions"].as_array().into_iter().flatten();
    conditions().for_each(|c| message(format!("condition {}", clean(&c["type"])), &c["message"]));
    Ok(PodState {
        phase: clean(&status["phase"]),
        reason: clean(&status["reason"]),
        node: clean(&spec["nodeName"]),
        conditions: conditions()
            .map(|c| (clean(&c["type"]), c["status"] == "True", clean(&c["reason"])))
            .collect(),
        messages,
        containers,
    })
}

/// One pod as the server has it. A list of one: whoever may watch pods may list them, and need not `get` them.
pub(super) async fn pod_json(connected: &Connected, key: &Key) -> Result<Value, ReadError> {
    let namespace = escaped(key.namespace.as_str());
    let fields = escaped(&format!("metadata.name={}", key.name));
    let path = format!("/api/v1/namespaces/{namespace}/pods?fieldSelector={fields}&limit=1");
    let answer = get(&connected.reader, &connected.server, &path, JSON).await?;
    let mut list: Value = answer.json(&connected.server)?;
    match list["items"].as_array_mut().and_then(|items| items.pop()) {
        Some(pod) => Ok(pod),
        None => Err(ReadError::NotFound(Clean::new(format!("pod {key}")))),
    }
}

/// The containers of a pod's or a template's `spec`.
pub fn containers(spec: &Value) -> Vec<ContainerState> {
    let all = spec["containers"].as_array().into_iter().flatten();
    let names = |container: &Value| {
        let env = container["env"].as_array().into_iter().flatten();
        env.map(|each| clean(&each["name"])).filter(|name| !name.is_empty()).collect()
    };
    all.map(|container| ContainerState {
        name: clean(&container["name"]),
        image: clean(&container["image"]),
        resources: resources(&container["resources"]),
        env: names(container),
        ..ContainerState::default()
    })
    .collect()
}

pub(super) fn resources(resources: &Value) -> Clean {
    let side = |name: &str| {
        let values = resources[name].as_object()?;
        let each: Vec<String> = values.iter().map(|(key, value)| format!("{key} {}", clean(value))).collect();
        (!each.is_empty()).then(|| format!("{name} {}", each.join(", ")))
    };
    Clean::new([side("requests"), side("limits")].into_iter().flatten().collect::<Vec<_>>().join("; "))
}

/// A state of a container in fixed words: what it says itself stands among the messages.
fn state(state: &Value) -> Clean {
    let Some((kind, about)) = state.as_object().and_then(|map| map.iter().next()) else {
        return Clean::default();
    };
    let mut words = kind.clone();
    if let Some(reason) = about["reason"].as_str() {
        words.push_str(&format!(": {reason}"));
    }
    if let Some(code) = about["exitCode"].as_i64() {
        words.push_str(&format!(", exit code {code}"));
    }
    Clean::new(words)
}

pub(super) fn clean(value: &Value) -> Clean {
    match value {
        Value::String(text) => Clean::new(text),
        Value::Null => Clean::default(),
        other => Clean::new(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lines_that_differ_by_time_alone_are_one_and_errors_come_first() {
        let log = "2026-11-21T12:00:01.5Z GET /cart 200 0.012 10.0.0.1\n\
                   2026-11-21T12:00:02.5Z GET /cart 500 0.007 10.0.0.2\n\
                   2026-11-21T12:00:03.5Z GET /cart 200 0.022 10.0.0.3\n\
                   \n\
                   2026-11-21T12:00:04.5Z pool timed out after 30s\n\
                   no time at all";
        let lines = digest(log);
        let short: Vec<(&str, usize, bool)> =
            lines.iter().map(|l| (l.text.as_str(), l.count, l.error)).collect();
        assert_eq!(
            short,
            [
                ("pool timed out after 30s", 1, true),
                ("GET /cart 500 0.007 10.0.0.2", 1, true),
                ("no time at all", 1, false),
                ("GET /cart 200 0.022 10.0.0.3", 2, false),
            ]
        );
        assert_eq!(lines[3].last.map(|t| t.to_rfc3339()), Some("2026-11-21T12:00:03.500+00:00".into()));
    }

    #[test]
    fn of_a_container_everything_is_told_but_the_values_of_its_environment() {
        let spec = json!({"containers": [{
            "name": "cart", "image": "cart:1", "env": [{"name": "DB_PASSWORD", "value": "canary"}, {"name": "A"}],
            "resources": {"requests": {"cpu": "100m"}, "limits": {"memory": "128Mi", "cpu": 1}},
        }]});
        let found = containers(&spec);
        assert!(!format!("{found:?}").contains("canary"));
        assert_eq!(found[0].env, ["DB_PASSWORD", "A"].map(Clean::new));
        assert_eq!(found[0].resources, "requests cpu 100m; limits memory 128Mi, cpu 1");
        let ended = json!({"terminated": {"reason": "OOMKilled", "exitCode": 137}});
        assert_eq!(state(&ended), "terminated: OOMKilled, exit code 137");
        assert_eq!(state(&json!({})), "");
    }

    #[test]
    fn the_default_container_is_read_and_for_the_run_before_the_one_that_restarted() {
        let pod = json!({
            "metadata": {"annotations": {"kubectl.kubernetes.io/default-container": "app"}},
            "spec": {"containers": [{"name": "proxy"}, {"name": "app"}]},
            "status": {"containerStatuses": [{"name": "proxy", "restartCount": 3}, {"name": "app", "restartCount": 0}]},
        });
        assert_eq!(container_of(&pod, false), "app");
        assert_eq!(container_of(&pod, true), "proxy");
        assert_eq!(container_of(&json!({"spec": {"containers": [{"name": "one"}]}}), true), "one");
    }
}

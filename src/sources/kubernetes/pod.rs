//! One pod for its page: state of its containers, conditions, and what the cluster says happened to it, to its
//! ReplicaSet and to its Deployment. Of an environment nothing is read here, not even names.

use serde_json::Value;

use super::connect::Connected;
use super::error::ReadError;
use super::logs::{clean, events_of, pod_json, resources};
use crate::domain::Time;
use crate::domain::clean::Clean;
use crate::domain::cluster::{ClusterEvent, Condition, Key, Uid};
use crate::domain::pod::{Container, PodPage, Role, Run, Standing};

/// Reads the pod `key` with the events of it and of `owners` (kind and name, in its namespace). That events cannot be
/// read is said in the page.
///
/// # Errors
/// [`ReadError::NotFound`] where the pod is gone, or where another one has its name (`uid` is not empty and differs).
pub async fn pod_page(
    connected: &Connected,
    key: &Key,
    uid: &Uid,
    owners: &[(&'static str, Clean)],
) -> Result<PodPage, ReadError> {
    let pod = pod_json(connected, key).await?;
    let mut page = shape(&pod, key);
    if !uid.0.is_empty() && page.uid != *uid {
        return Err(ReadError::NotFound(Clean::new(format!("pod {key}, another one has its name now"))));
    }
    let mut about = vec![("Pod", key.name.clone())];
    about.extend(owners.iter().cloned());
    let mut events: Vec<ClusterEvent> = Vec::new();
    for (kind, name) in about {
        let of = Key { namespace: key.namespace.clone(), name };
        match events_of(connected, kind, &of).await {
            Ok(found) => events.extend(found),
            Err(error) => {
                page.events_missing = Some(Clean::new(error.to_string()));
                break;
            }
        }
    }
    events.sort_by(|a, b| b.last.cmp(&a.last).then_with(|| a.key.cmp(&b.key)));
    page.events = events;
    Ok(page)
}

/// The page of the server's object, without its events.
fn shape(pod: &Value, key: &Key) -> PodPage {
    let (metadata, spec, status) = (&pod["metadata"], &pod["spec"], &pod["status"]);
    let default = metadata["annotations"]["kubectl.kubernetes.io/default-container"].as_str();
    let roles = [
        (Role::Main, "containers", "containerStatuses"),
        (Role::Init, "initContainers", "initContainerStatuses"),
        (Role::Ephemeral, "ephemeralContainers", "ephemeralContainerStatuses"),
    ];
    let containers = roles.iter().flat_map(|(role, of_spec, of_status)| {
        let specs = spec[*of_spec].as_array().into_iter().flatten();
        specs.map(move |spec| container(*role, spec, &status[*of_status], default))
    });
    let condition = |c: &Value| Condition {
        kind: clean(&c["type"]),
        holds: c["status"] == "True",
        reason: clean(&c["reason"]),
        message: clean(&c["message"]),
        since: time(&c["lastTransitionTime"]),
    };
    PodPage {
        key: key.clone(),
        uid: Uid(metadata["uid"].as_str().unwrap_or_default().to_owned()),
        phase: clean(&status["phase"]),
        reason: clean(&status["reason"]),
        message: clean(&status["message"]),
        node: clean(&spec["nodeName"]),
        ip: clean(&status["podIP"]),
        qos: clean(&status["qosClass"]),
        created: time(&metadata["creationTimestamp"]),
        deleting: time(&metadata["deletionTimestamp"]),
        conditions: status["conditions"].as_array().into_iter().flatten().map(condition).collect(),
        containers: containers.collect(),
        events: Vec::new(),
        events_missing: None,
    }
}

fn container(role: Role, spec: &Value, statuses: &Value, default: Option<&str>) -> Container {
    let name = spec["name"].as_str().unwrap_or_default();
    let none = Value::Null;
    let mut all = statuses.as_array().into_iter().flatten();
    let status = all.find(|status| status["name"] == name).unwrap_or(&none);
    let last = run(&status["lastState"]);
    Container {
        name: Clean::new(name),
        image: clean(&spec["image"]),
        role,
        default: default == Some(name),
        now: run(&status["state"]),
        before: (last.standing != Standing::Unknown).then_some(last),
        restarts: status["restartCount"].as_i64().unwrap_or(0),
        ready: status["ready"].as_bool().unwrap_or(false),
        resources: resources(&spec["resources"]),
    }
}

fn run(state: &Value) -> Run {
    let Some((kind, about)) = state.as_object().and_then(|map| map.iter().next()) else {
        return Run::default();
    };
    Run {
        standing: match kind.as_str() {
            "waiting" => Standing::Waiting,
            "running" => Standing::Running,
            "terminated" => Standing::Ended(about["exitCode"].as_i64().unwrap_or(0)),
            _ => Standing::Unknown,
        },
        reason: clean(&about["reason"]),
        message: clean(&about["message"]),
        started: time(&about["startedAt"]),
        ended: time(&about["finishedAt"]),
    }
}

fn time(value: &Value) -> Option<Time> {
    value.as_str()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_container_says_how_it_stands_and_how_it_ended_before() {
        let pod = json!({
            "metadata": {"name": "api-1", "uid": "u1", "annotations": {"kubectl.kubernetes.io/default-container": "api"}},
            "spec": {"nodeName": "node-a", "containers": [{"name": "proxy", "image": "envoy:1"}, {"name": "api",
                "image": "shop/api:4.12", "env": [{"name": "PASSWORD", "value": "canary"}],
                "resources": {"limits": {"memory": "64Mi"}}}], "initContainers": [{"name": "migrate", "image": "m:1"}]},
            "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "False",
                "reason": "ContainersNotReady", "message": "containers with unready status: [api]"}],
                "containerStatuses": [{"name": "api", "restartCount": 4, "ready": false,
                    "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 40s"}},
                    "lastState": {"terminated": {"reason": "OOMKilled", "exitCode": 137,
                        "finishedAt": "2026-11-21T12:00:00Z"}}}]},
        });
        let page = shape(&pod, &Key::new("shop", "api-1"));
        assert!(!format!("{page:?}").contains("canary"));
        let api = page.default_container().expect("a container");
        assert_eq!((api.name.as_str(), api.now.words().as_str()), ("api", "waiting: CrashLoopBackOff"));
        let before = api.before.as_ref().map(Run::words);
        assert_eq!(before.as_deref(), Some("ended: OOMKilled, exit code 137 (SIGKILL)"));
        assert_eq!(api.resources, "limits memory 64Mi");
        assert_eq!(page.containers.iter().map(|c| c.role.word()).collect::<Vec<_>>(), ["", "", "init"]);
        assert_eq!(page.containers[0].now.words(), "no state yet");
        assert_eq!(page.conditions[0].reason, "ContainersNotReady");
    }
}

//! Which ReplicaSets are the history of a Deployment, and which one a target names. Like kubectl: the selector must
//! match the labels and the controller reference must be the Deployment's uid; a missing revision counts as 0, one
//! that is no number is passed over, and of two with the same number the older wins, the current one last of all.
//! Source: kubernetes `staging/src/k8s.io/kubectl/pkg/util/deployment/deployment.go`.

use chrono::{DateTime, FixedOffset};
use serde_json::{Map, Value};

use crate::domain::clean::Clean;

use super::{REVISION, Target, UndoRefusal, same_template};

/// The ReplicaSet that `target` names.
pub(super) fn find<'a>(
    deployment: &Value,
    replica_sets: &'a [Value],
    target: &Target,
) -> Result<&'a Value, UndoRefusal> {
    let history = in_kubectls_order(deployment, replica_sets);
    match target {
        Target::Previous => previous(&history).ok_or(UndoRefusal::NoHistory),
        // 0 and below never name a revision here: "previous" has to be said.
        Target::Revision(number) if *number <= 0 => Err(UndoRefusal::RevisionNotFound(*number)),
        Target::Revision(number) => history
            .into_iter()
            .find(|replica_set| revision(replica_set) == Some(*number))
            .ok_or(UndoRefusal::RevisionNotFound(*number)),
        Target::ReplicaSet(uid) => history
            .into_iter()
            .find(|replica_set| !uid.is_empty() && text(replica_set, "uid") == uid)
            .ok_or_else(|| UndoRefusal::ReplicaSetGone { uid: Clean::new(uid) }),
    }
}

/// The revision number: 0 without the annotation, `None` when it does not parse as a 64-bit integer.
pub(super) fn revision(object: &Value) -> Option<i64> {
    match object["metadata"]["annotations"].get(REVISION) {
        None | Some(Value::Null) => Some(0),
        Some(number) => number.as_str()?.parse().ok(),
    }
}

/// `metadata.<field>` as text, empty when it is missing.
pub(super) fn text<'a>(object: &'a Value, field: &str) -> &'a str {
    object["metadata"][field].as_str().unwrap_or_default()
}

/// Own ReplicaSets, oldest first, but the one that has the current template (the oldest such) at the end. The order
/// decides between equal numbers.
fn in_kubectls_order<'a>(deployment: &Value, replica_sets: &'a [Value]) -> Vec<&'a Value> {
    let mut own: Vec<&Value> = replica_sets.iter().filter(|set| belongs(deployment, set)).collect();
    own.sort_by_key(|set| (created(set), text(set, "name")));
    let template = &deployment["spec"]["template"];
    if let Some(n) = own.iter().position(|set| same_template(&set["spec"]["template"], template)) {
        let current = own.remove(n);
        own.push(current);
    }
    own
}

/// The second highest number, the first seen of several. A lone ReplicaSet has no previous one.
fn previous<'a>(history: &[&'a Value]) -> Option<&'a Value> {
    let mut latest: (i64, Option<&Value>) = (-1, None);
    let mut second: (i64, Option<&Value>) = (-1, None);
    for set in history {
        let Some(number) = revision(set) else { continue };
        if number > latest.0 {
            second = latest;
            latest = (number, Some(set));
        } else if number > second.0 {
            second = (number, Some(set));
        }
    }
    second.1
}

/// When it was made; `None` (before everything) when the server does not say.
fn created(object: &Value) -> Option<DateTime<FixedOffset>> {
    DateTime::parse_from_rfc3339(text(object, "creationTimestamp")).ok()
}

fn belongs(deployment: &Value, replica_set: &Value) -> bool {
    text(deployment, "namespace") == text(replica_set, "namespace")
        && controlled_by(deployment, replica_set)
        && selects(&deployment["spec"]["selector"], &replica_set["metadata"]["labels"])
}

/// The first reference marked as controller decides, as in apimachinery's `IsControlledBy`.
fn controlled_by(deployment: &Value, replica_set: &Value) -> bool {
    let controller = replica_set["metadata"]["ownerReferences"]
        .as_array()
        .and_then(|owners| owners.iter().find(|owner| owner["controller"] == Value::Bool(true)));
    let uid = text(deployment, "uid");
    controller.is_some_and(|owner| !uid.is_empty() && owner["uid"] == uid)
}

/// A label selector as apimachinery reads it: none selects nothing, an empty one everything.
fn selects(selector: &Value, labels: &Value) -> bool {
    let none = Map::new();
    let labels = labels.as_object().unwrap_or(&none);
    let equal = selector["matchLabels"].as_object().unwrap_or(&none);
    let listed = selector["matchExpressions"].as_array().map_or(&[][..], Vec::as_slice);
    selector.is_object()
        && equal.iter().all(|(key, value)| labels.get(key) == Some(value))
        && listed.iter().all(|requirement| meets(requirement, labels))
}

/// One requirement; an operator that apimachinery does not know selects nothing.
fn meets(requirement: &Value, labels: &Map<String, Value>) -> bool {
    let label = requirement["key"].as_str().and_then(|key| labels.get(key));
    let listed = |value: &Value| requirement["values"].as_array().is_some_and(|all| all.contains(value));
    match requirement["operator"].as_str() {
        Some("In") => label.is_some_and(listed),
        Some("NotIn") => !label.is_some_and(listed),
        Some("Exists") => label.is_some(),
        Some("DoesNotExist") => label.is_none(),
        _ => false,
    }
}

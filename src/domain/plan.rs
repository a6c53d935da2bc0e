//! A plan: ordered calls as data, what they change, what they do not, and the way back. The digest is over the exact
//! calls and their preconditions; whatever is approved is approved by this digest.

use serde_json::{Value, json};

use serde::{Deserialize, Serialize};

use super::clean::Clean;
use super::cluster::{ConfigVersion, ContentDigest, Json, Key, Uid};
use super::verdict::Offer;

/// Annotation that proves an action: `<ulid>:<digest12>`.
pub const ACTION: &str = "goaround.dev/action";
/// Annotation that names who approved.
pub const BY: &str = "goaround.dev/by";
/// Annotation that declares a revision irreversible, with the reason.
pub const IRREVERSIBLE: &str = "goaround.dev/irreversible";
/// Kubernetes' own annotation for why a revision came about.
pub const CHANGE_CAUSE: &str = "kubernetes.io/change-cause";
/// `kubectl rollout restart` sets it on a template.
pub const RESTARTED_AT: &str = "kubectl.kubernetes.io/restartedAt";
/// What `kubectl apply` keeps of the last manifest.
pub const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// HTTP method of a call. Only conditional patches are ever sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Method {
    /// A JSON patch with `test` operations.
    Patch,
}

impl Method {
    /// As on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Patch => "PATCH",
        }
    }
}

/// One request, exactly.
#[derive(Clone, PartialEq, Debug)]
pub struct Call {
    /// Method.
    pub method: Method,
    /// Path from the server's root.
    pub path: String,
    /// Content type.
    pub content_type: &'static str,
    /// JSON body.
    pub body: Value,
}

/// Content type of a JSON patch.
pub const JSON_PATCH: &str = "application/json-patch+json";

/// Something that the plan does not restore.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct NotRestored {
    /// Kind of the object.
    pub kind: Clean,
    /// Its name.
    pub name: Clean,
    /// Why not, with time and client where known.
    pub why: Clean,
}

/// A ConfigMap before an action, for the way back, and to tell whether it was written.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct ConfigBefore {
    /// Which ConfigMap.
    pub key: Key,
    /// Its identity.
    pub uid: Uid,
    /// `goaround.dev/action` of an earlier action.
    pub mark: Option<Clean>,
    /// Its content.
    pub version: ConfigVersion,
}

/// What would undo this plan: the state that it leaves behind.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Undo {
    /// Template digest that served before the action.
    pub template: ContentDigest,
    /// ReplicaSet that served before.
    pub replica_set: Uid,
    /// ConfigMaps as they were.
    pub configs: Vec<ConfigBefore>,
}

/// A change that a plan makes, as a person reads it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FieldChange {
    /// Where: `image`, `env DB_POOL`, `volume config`, `ConfigMap x key default.conf`.
    pub field: Clean,
    /// Before; `None`: was not there.
    pub before: Option<Clean>,
    /// After; `None`: is gone.
    pub after: Option<Clean>,
}

/// Calls and everything about them that a person must have seen.
#[derive(Clone, PartialEq, Debug)]
pub struct Plan {
    /// Rollback or restore of a ConfigMap.
    pub offer: Offer,
    /// The Deployment.
    pub workload: Key,
    /// Its uid.
    pub uid: Uid,
    /// ReplicaSet that will serve (of `restore_config`: the current one's template, restarted).
    pub target: Uid,
    /// Digest of the template that will be set, `restartedAt` left out.
    pub target_template: ContentDigest,
    /// Digest of the template exactly as it is written: when the watch shows it, the write is visible.
    pub written_template: ContentDigest,
    /// The calls, in order. Stops at the first that is refused.
    pub calls: Vec<Call>,
    /// What they change.
    pub changes: Vec<FieldChange>,
    /// ConfigMaps that it restores, with the content's digest.
    pub configs: Vec<(Key, ContentDigest)>,
    /// What stays as it is although it changed since the target served.
    pub not_restored: Vec<NotRestored>,
    /// Other consequences that must be read: other users of a ConfigMap, owners that will revert it.
    pub also: Vec<Clean>,
    /// The way back.
    pub undo: Undo,
}

impl Plan {
    /// Digest over cluster, method, path, content type and body of every call. Action id and approver are not in
    /// the calls yet when it is taken, so it is the same for whoever approves.
    pub fn digest(&self, cluster: &str) -> ContentDigest {
        let calls: Vec<Value> = self.calls.iter().map(call_json).collect();
        ContentDigest::of(&json!({"version": 1, "cluster": cluster, "calls": calls}))
    }

    /// The calls with `goaround.dev/action` and `goaround.dev/by` filled in.
    pub fn stamped(&self, action: &str, digest: &ContentDigest, by: &str) -> Vec<Call> {
        let action = format!("{action}:{}", digest.short());
        let mut calls = self.calls.clone();
        for operations in calls.iter_mut().filter_map(|call| call.body.as_array_mut()) {
            stamp(operations, &action, by);
        }
        calls
    }
}

/// A call as it stands in JSON output and under the digest.
pub fn call_json(call: &Call) -> Value {
    json!({"method": call.method.as_str(), "path": call.path, "content_type": call.content_type, "body": call.body})
}

/// Every object that an action writes bears its marks: in the operation that writes all annotations, where there is one,
/// else as annotations beside those that it has.
fn stamp(operations: &mut Vec<Value>, action: &str, by: &str) {
    let marks = [(ACTION, action), (BY, by)];
    let writes_all = |operation: &&mut Value| {
        matches!(operation["op"].as_str(), Some("replace" | "add"))
            && operation["path"] == "/metadata/annotations"
    };
    match operations.iter_mut().find(writes_all).and_then(|operation| operation["value"].as_object_mut()) {
        Some(annotations) => {
            annotations.extend(marks.map(|(name, value)| (name.to_owned(), value.into())));
        }
        None => operations.extend(marks.map(|(name, value)| {
            json!({"op": "add", "path": format!("/metadata/annotations/{}", name.replace('/', "~1")), "value": value})
        })),
    }
}

/// `mark`, as an object bears it (`<ulid>:<digest12>`), is that of the action `id`.
pub fn is_mark_of(id: &str, mark: &str) -> bool {
    !id.is_empty() && (mark == id || mark.split_once(':').is_some_and(|(action, _)| action == id))
}

/// What a server-side dry run answered.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum DryRun {
    /// Not asked yet, or no answer yet.
    Pending,
    /// Accepted; the objects as they would be, in the order of the calls.
    Accepted(Vec<Json>),
    /// Refused, with the server's reason.
    Refused(Clean),
    /// The server could not do one (a webhook with side effects, no connection).
    Unavailable(Clean),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> Plan {
        Plan {
            offer: Offer::Rollback,
            workload: Key::new("shop", "api"),
            uid: Uid("u".into()),
            target: Uid("r".into()),
            target_template: ContentDigest::default(),
            written_template: ContentDigest::default(),
            calls: vec![Call {
                method: Method::Patch,
                path: "/apis/apps/v1/namespaces/shop/deployments/api".into(),
                content_type: JSON_PATCH,
                body: json!([
                    {"op": "test", "path": "/metadata/annotations", "value": {"a": "b"}},
                    {"op": "replace", "path": "/metadata/annotations", "value": {"a": "b"}},
                ]),
            }],
            changes: vec![],
            configs: vec![],
            not_restored: vec![],
            also: vec![],
            undo: Undo::default(),
        }
    }

    #[test]
    fn the_stamp_goes_into_the_write_and_not_into_the_test() {
        let plan = plan();
        let calls = plan.stamped("01A", &plan.digest("c"), "ana");
        assert_eq!(calls[0].body[0]["value"], json!({"a": "b"}));
        assert_eq!(calls[0].body[1]["value"][BY], "ana");
        assert!(calls[0].body[1]["value"][ACTION].as_str().is_some_and(|a| a.starts_with("01A:")));
    }

    #[test]
    fn a_call_that_leaves_the_annotations_alone_gets_the_marks_beside_them() {
        let mut plan = plan();
        let operation = json!({"op": "replace", "path": "/data", "value": {"a": "b"}});
        plan.calls[0].body = json!([operation]);
        let digest = plan.digest("c");
        let mark = format!("01A:{}", digest.short());
        assert_eq!(
            plan.stamped("01A", &digest, "ana")[0].body,
            json!([
                operation,
                {"op": "add", "path": "/metadata/annotations/goaround.dev~1action", "value": mark},
                {"op": "add", "path": "/metadata/annotations/goaround.dev~1by", "value": "ana"},
            ])
        );
    }

    #[test]
    fn a_mark_is_that_of_one_action_whole_or_before_the_colon() {
        for mark in ["01A", "01A:0123456789ab"] {
            assert!(is_mark_of("01A", mark), "{mark}");
        }
        for (id, mark) in [("01A", "01AB:0"), ("01A", "01"), ("01A", "01B:01A"), ("", ":0"), ("", "")] {
            assert!(!is_mark_of(id, mark), "{id} {mark}");
        }
    }

    #[test]
    fn a_call_stands_in_json_as_it_goes_on_the_wire() {
        let mut plan = plan();
        plan.calls[0].body = json!([]);
        assert_eq!(
            call_json(&plan.calls[0]),
            json!({
                "method": "PATCH",
                "path": "/apis/apps/v1/namespaces/shop/deployments/api",
                "content_type": "application/json-patch+json",
                "body": [],
            })
        );
    }

    #[test]
    fn the_digest_depends_on_the_cluster_and_on_every_part_of_a_call() {
        let base = plan().digest("c");
        assert_ne!(base, plan().digest("d"));
        let mut other = plan();
        other.calls[0].body[0]["value"]["a"] = json!("c");
        assert_ne!(base, other.digest("c"));
        let mut other = plan();
        other.calls[0].path.push('x');
        assert_ne!(base, other.digest("c"));
    }
}

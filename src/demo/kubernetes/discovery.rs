//! `/version`, `/api`, `/apis` and the lists of resources below them: what kubectl needs to understand names.

use serde_json::{Value, json};

use crate::demo::store::{self, KINDS};

/// `/version`, `/api`, `/apis` and the lists of resources below them.
pub(super) fn discovery(path: &str) -> Option<Value> {
    match path {
        "/version" => {
            return Some(
                json!({"major": "1", "minor": "33", "gitVersion": "v1.33.4", "gitCommit": "embedded",
                "gitTreeState": "clean", "buildDate": "2026-08-13T00:00:00Z", "goVersion": "go1.24.5",
                "compiler": "gc", "platform": "linux/amd64"}),
            );
        }
        "/api" => {
            return Some(
                json!({"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}),
            );
        }
        "/apis" => {
            let mut groups: Vec<(&str, &str)> = KINDS
                .iter()
                .filter(|kind| !kind.group.is_empty())
                .map(|kind| (kind.group, kind.version))
                .collect();
            groups.dedup();
            let groups: Vec<Value> = groups
                .into_iter()
                .chain([("authorization.k8s.io", "v1"), ("authentication.k8s.io", "v1")])
                .map(|(group, version)| {
                    let version = json!({"groupVersion": format!("{group}/{version}"), "version": version});
                    json!({"name": group, "versions": [version], "preferredVersion": version})
                })
                .collect();
            return Some(json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}));
        }
        _ => {}
    }
    let wanted = path.strip_prefix("/apis/").or_else(|| path.strip_prefix("/api/"))?;
    if let Some(resources) = reviews_of(wanted) {
        return Some(resources);
    }
    let resources: Vec<Value> = KINDS
        .iter()
        .filter(|kind| kind.api_version() == wanted)
        .map(|kind| {
            let verbs: &[&str] = if [store::DEPLOYMENT, store::CONFIG_MAP].contains(kind) {
                &["get", "list", "patch", "watch"]
            } else {
                &["get", "list", "watch"]
            };
            json!({"name": kind.plural, "singularName": kind.kind.to_lowercase(), "namespaced": kind.namespaced,
                   "kind": kind.kind, "verbs": verbs, "shortNames": kind.short_names()})
        })
        .collect();
    (!resources.is_empty()).then(|| {
        json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": wanted, "resources": resources})
    })
}

/// The resources of the two groups that only answer questions about the user.
fn reviews_of(group_version: &str) -> Option<Value> {
    let (plural, kind) = match group_version {
        "authorization.k8s.io/v1" => ("selfsubjectaccessreviews", "SelfSubjectAccessReview"),
        "authentication.k8s.io/v1" => ("selfsubjectreviews", "SelfSubjectReview"),
        _ => return None,
    };
    let resource = json!({"name": plural, "singularName": kind.to_lowercase(), "namespaced": false, "kind": kind, "verbs": ["create"]});
    Some(
        json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": [resource]}),
    )
}

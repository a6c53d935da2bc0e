//! What other operators told through the cluster: Leases of those who are deciding, and what people said to plans. One
//! list of a namespace each, by the label that every notice has; what is not understood is left out: it is nobody's word.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::connect::Connected;
use super::error::ReadError;
use super::http::{JSON, escaped, get};
use crate::domain::Time;
use crate::domain::clean::Clean;
use crate::domain::cluster::{ContentDigest, Key};
use crate::domain::notice::{self, DOING, Doing, Lease, NOTICE, Ruling, WORKLOAD};

/// The Leases of a namespace that goaround's operators hold, or held.
///
/// # Errors
/// When it cannot be read: no right, no answer.
pub async fn leases(connected: &Connected, namespace: &Clean) -> Result<Vec<Lease>, ReadError> {
    let server = &connected.server;
    let path = format!(
        "/apis/coordination.k8s.io/v1/namespaces/{}/leases?labelSelector={}%3Dlease&limit=500",
        escaped(namespace.as_str()),
        escaped(NOTICE)
    );
    let list: List<Object> = get(&connected.reader, server, &path, JSON).await?.json(server)?;
    Ok(list.items.into_iter().filter_map(|object| object.lease(namespace)).collect())
}

/// What people said to plans in a namespace. Read without a cache, so what was written before is in it. An object that
/// has another name than its content asks for is nobody's word.
///
/// # Errors
/// When it cannot be read: no right, no answer.
pub async fn rulings(connected: &Connected, namespace: &Clean) -> Result<Vec<Ruling>, ReadError> {
    let server = &connected.server;
    let path = format!(
        "/api/v1/namespaces/{}/configmaps?labelSelector={}%3Dapproval",
        escaped(namespace.as_str()),
        escaped(NOTICE)
    );
    let list: List<Said> = get(&connected.reader, server, &path, JSON).await?.json(server)?;
    Ok(list.items.into_iter().filter_map(|object| object.ruling(namespace)).collect())
}

#[derive(Deserialize)]
struct Said {
    #[serde(default)]
    metadata: Metadata,
    #[serde(default)]
    data: BTreeMap<String, Clean>,
}

impl Said {
    fn ruling(self, namespace: &Clean) -> Option<Ruling> {
        let text = |name: &str| self.data.get(name).map(Clean::as_str);
        let time = |name: &str| text(name)?.parse::<Time>().ok();
        let (place, name) = text("workload")?.split_once('/')?;
        let ruling = Ruling {
            workload: Key::new(place, name),
            digest: ContentDigest(text("digest")?.strip_prefix("sha256:")?.to_owned()),
            by: Clean::new(text("by")?),
            said: notice::Said::of(text("decision")?),
            at: time("at")?,
            expires: time("expires")?,
            planned: time("planned")?,
        };
        let genuine = ruling.workload.namespace == *namespace && ruling.name() == self.metadata.name.as_str();
        genuine.then_some(ruling)
    }
}

#[derive(Deserialize)]
struct List<T> {
    #[serde(default = "Vec::new")]
    items: Vec<T>,
}

#[derive(Deserialize)]
struct Object {
    #[serde(default)]
    metadata: Metadata,
    #[serde(default)]
    spec: Spec,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Metadata {
    name: Clean,
    annotations: BTreeMap<String, Clean>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Spec {
    holder_identity: Option<Clean>,
    acquire_time: Option<Time>,
    renew_time: Option<Time>,
    lease_duration_seconds: Option<u64>,
}

impl Object {
    fn lease(self, namespace: &Clean) -> Option<Lease> {
        let renewed = self.spec.renew_time?;
        Some(Lease {
            workload: Key {
                namespace: namespace.clone(),
                name: self.metadata.annotations.get(WORKLOAD)?.clone(),
            },
            holder: self.spec.holder_identity.unwrap_or_default(),
            doing: self.metadata.annotations.get(DOING).map_or(Doing::Deciding, |w| Doing::of(w.as_str())),
            since: self.spec.acquire_time.unwrap_or(renewed),
            renewed,
            seconds: self.spec.lease_duration_seconds.unwrap_or(0),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_lease_of_somebody_else_is_read_and_what_is_none_of_ours_is_not() {
        let list = json!({"items": [
            {"metadata": {"annotations": {WORKLOAD: "api", DOING: "acting"}},
             "spec": {"holderIdentity": "ana\u{202e}", "acquireTime": "2026-11-20T12:00:00.000000Z",
                "renewTime": "2026-11-20T12:00:15.250000Z", "leaseDurationSeconds": 45}},
            {"metadata": {}, "spec": {"renewTime": "2026-11-20T12:00:15.250000Z"}},
            {"metadata": {"annotations": {WORKLOAD: "api"}}, "spec": {}},
        ]});
        let list: List<Object> = serde_json::from_value(list).expect("a list");
        let found: Vec<Lease> =
            list.items.into_iter().filter_map(|object| object.lease(&"shop".into())).collect();
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].workload.to_string().as_str(), found[0].seconds), ("shop/api", 45));
        assert_eq!((found[0].holder.as_str(), found[0].doing), ("ana<u+202e>", Doing::Acting));
    }

    #[test]
    fn an_approval_under_another_name_or_of_another_namespace_is_nobodys_word() {
        let digest = ContentDigest::of_bytes(b"1");
        let name = Ruling { by: "ana".into(), digest: digest.clone(), ..Ruling::default() }.name();
        let read = |name: &str, by: &str, workload: &str| {
            let said: Result<Said, _> = serde_json::from_value(json!({"metadata": {"name": name}, "data": {
                "digest": format!("sha256:{}", digest.0), "by": by, "workload": workload, "decision": "approved",
                "at": "2026-11-20T12:00:00Z", "expires": "2026-11-20T12:10:00Z",
                "planned": "2026-11-20T11:59:00Z"}}));
            said.expect("a ConfigMap").ruling(&"shop".into())
        };
        let ruling = read(&name, "ana", "shop/api").expect("an approval");
        assert_eq!((ruling.by.as_str(), ruling.said), ("ana", notice::Said::Approves));
        assert_eq!(read(&name, "ben", "shop/api"), None, "written over hers in his own name");
        assert_eq!(read(&name, "ana", "prod/api"), None);
        assert_eq!(read("goaround-approval-x", "ana", "shop/api"), None);
    }
}

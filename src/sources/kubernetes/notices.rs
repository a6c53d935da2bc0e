//! What other operators told through the cluster: Leases of those who are deciding. One list of a namespace, by the
//! label that every notice has; what is not understood is left out, because a courtesy decides nothing.

use serde::Deserialize;

use super::connect::Connected;
use super::error::ReadError;
use super::http::{JSON, escaped, get};
use crate::domain::Time;
use crate::domain::clean::Clean;
use crate::domain::cluster::Key;
use crate::domain::notice::{DOING, Doing, Lease, NOTICE, WORKLOAD};

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
    let list: List = get(&connected.reader, server, &path, JSON).await?.json(server)?;
    Ok(list.items.into_iter().filter_map(|object| object.lease(namespace)).collect())
}

#[derive(Deserialize)]
struct List {
    #[serde(default)]
    items: Vec<Object>,
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
    annotations: std::collections::BTreeMap<String, Clean>,
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
        let list: List = serde_json::from_value(list).expect("a list");
        let found: Vec<Lease> =
            list.items.into_iter().filter_map(|object| object.lease(&"shop".into())).collect();
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].workload.to_string().as_str(), found[0].seconds), ("shop/api", 45));
        assert_eq!((found[0].holder.as_str(), found[0].doing), ("ana<u+202e>", Doing::Acting));
    }
}

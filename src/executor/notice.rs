//! The gate's own writes: Leases and approvals, which tell other operators something and change no workload. Path and
//! body are made here of typed fields, so that no notice can name any other object; they need no approval, because
//! there is nothing in them that could be approved.

use std::time::Duration;

use http::Request;
use kube::client::Body;
use serde_json::{Value, json};

use super::classify::{Sent, answered, failed};
use crate::domain::Time;
use crate::domain::clean::Clean;
use crate::domain::notice::{DOING, Doing, Lease, NOTICE, Notice, Ruling, WORKLOAD};

/// Nobody waits for a courtesy for longer.
const LIMIT: Duration = Duration::from_secs(10);
/// An answer is one small object.
const LARGEST: usize = 4 << 20;
/// Server-side apply: makes the object or brings it up to date, in one request. JSON is YAML.
const APPLY: &str = "application/apply-patch+yaml";

/// Writes a notice. Saying the same again changes nothing, so `client` may be any; it is sent once all the same.
pub async fn tell(client: &kube::Client, notice: &Notice) -> Sent {
    send(client, notice, "").await
}

/// Asks the server whether it would take a notice, even one in the name of somebody else; nothing is stored.
pub async fn would_take(client: &kube::Client, notice: &Notice) -> Sent {
    send(client, notice, "&dryRun=All").await
}

async fn send(client: &kube::Client, notice: &Notice, dry: &str) -> Sent {
    let (path, body) = object(notice);
    let uri = format!("{path}?fieldManager=goaround&force=true{dry}");
    let request = Request::patch(uri)
        .header(http::header::CONTENT_TYPE, APPLY)
        .header(http::header::ACCEPT, "application/json")
        .body(Body::from(body.to_string().into_bytes()));
    let request = match request {
        Ok(request) => request,
        Err(error) => return Sent::NotSent { why: Clean::new(error.to_string()) },
    };
    let exchange = async {
        let response = match client.send(request).await {
            Ok(response) => response,
            Err(error) => return failed(&error),
        };
        let status = response.status().as_u16();
        match axum::body::to_bytes(axum::body::Body::new(response.into_body()), LARGEST).await {
            Ok(body) => answered(status, None, None, &body),
            Err(error) => Sent::Unknown { why: Clean::new(format!("the answer {status} was cut: {error}")) },
        }
    };
    let late = || Sent::Unknown { why: Clean::new(format!("no answer in {} s", LIMIT.as_secs())) };
    tokio::time::timeout(LIMIT, exchange).await.unwrap_or_else(|_| late())
}

/// Path and body of a notice: a Lease or a ConfigMap of this program's own naming, and nothing else.
fn object(notice: &Notice) -> (String, Value) {
    match notice {
        Notice::Lease(lease) => {
            let name = Lease::name(&lease.workload, &lease.holder);
            let namespace = &lease.workload.namespace;
            let path = format!("/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/{name}");
            (path, lease_json(lease, &name))
        }
        Notice::Ruling(ruling) => {
            let name = ruling.name();
            let path = format!("/api/v1/namespaces/{}/configmaps/{name}", ruling.workload.namespace);
            (path, ruling_json(ruling, &name))
        }
    }
}

fn lease_json(lease: &Lease, name: &str) -> Value {
    let held = lease.doing != Doing::Nothing;
    json!({
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {
            "name": name,
            "labels": {NOTICE: "lease"},
            "annotations": {WORKLOAD: lease.workload.name, DOING: lease.doing.word()},
        },
        // Let go as client-go does it: held by nobody, for a second.
        "spec": {
            "holderIdentity": if held { lease.holder.as_str() } else { "" },
            "acquireTime": micro(lease.since),
            "renewTime": micro(lease.renewed),
            "leaseDurationSeconds": if held { lease.seconds } else { 1 },
        },
    })
}

fn ruling_json(ruling: &Ruling, name: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "labels": {NOTICE: "approval"}},
        "data": {
            "digest": format!("sha256:{}", ruling.digest.0),
            "by": ruling.by,
            "workload": ruling.workload.to_string(),
            "decision": ruling.said.word(),
            "at": ruling.at.to_rfc3339(),
            "expires": ruling.expires.to_rfc3339(),
            "planned": ruling.planned.to_rfc3339(),
        },
    })
}

/// `MicroTime` as the API has it.
fn micro(time: Time) -> String {
    time.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::cluster::Key;

    fn lease(doing: Doing) -> Notice {
        let at = |text: &str| text.parse().expect("a time");
        Notice::Lease(Lease {
            workload: Key::new("shop", "api"),
            holder: "ana".into(),
            doing,
            since: at("2026-11-20T12:00:00Z"),
            renewed: at("2026-11-20T12:00:15.25Z"),
            seconds: 45,
        })
    }

    #[test]
    fn a_lease_says_who_and_until_when_and_one_that_is_let_go_is_nobodys() {
        let (path, body) = object(&lease(Doing::Deciding));
        assert!(
            path.starts_with("/apis/coordination.k8s.io/v1/namespaces/shop/leases/goaround-api-"),
            "{path}"
        );
        assert!(path.ends_with(body["metadata"]["name"].as_str().expect("a name")));
        assert_eq!(
            body["spec"],
            json!({"holderIdentity": "ana", "acquireTime": "2026-11-20T12:00:00.000000Z",
                "renewTime": "2026-11-20T12:00:15.250000Z", "leaseDurationSeconds": 45})
        );
        let (same, body) = object(&lease(Doing::Nothing));
        assert_eq!(same, path);
        assert_eq!(body["spec"]["holderIdentity"], "");
        assert_eq!(body["spec"]["leaseDurationSeconds"], 1);
    }
}

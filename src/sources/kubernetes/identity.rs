//! Who we are, where we are, what we may do, and what time it is there. Reviews are questions: they change nothing.

use serde::Deserialize;
use serde_json::json;

use super::connect::Connected;
use super::error::ReadError;
use super::http::{JSON, get, review};
use crate::domain::clean::Clean;
use crate::domain::cluster::{Identity, Right};

/// A short look at the server itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Probe {
    /// The server's clock minus ours, in milliseconds; the `Date` header has whole seconds, so within half a second.
    pub clock_ms: Option<i64>,
    /// From request to answer, in milliseconds.
    pub round_trip_ms: i64,
}

/// Asks for `/version`, which every user may read.
pub async fn probe(connected: &Connected) -> Result<Probe, ReadError> {
    let sent = (connected.clock)();
    // The client that repeats nothing: repeats would count into the round trip.
    let answer = get(&connected.watcher, &connected.server, "/version", JSON).await?;
    let received = (connected.clock)();
    let round_trip_ms = (received - sent).num_milliseconds();
    Ok(Probe {
        clock_ms: answer.date.map(|date| {
            // The header is cut to the second: on average half a second more has passed.
            (date - sent).num_milliseconds() + 500 - round_trip_ms / 2
        }),
        round_trip_ms,
    })
}

/// The version that the API server says it is: `v1.36.3`.
pub async fn version(connected: &Connected) -> Result<Clean, ReadError> {
    let answer = get(&connected.reader, &connected.server, "/version", JSON).await?;
    let told: serde_json::Value = answer.json(&connected.server)?;
    Ok(Clean::new(told["gitVersion"].as_str().unwrap_or_default()))
}

#[derive(Deserialize)]
struct SelfReview {
    status: SelfStatus,
}

#[derive(Deserialize)]
struct SelfStatus {
    #[serde(rename = "userInfo")]
    user_info: UserInfo,
}

#[derive(Deserialize)]
struct UserInfo {
    #[serde(default)]
    username: Clean,
    #[serde(default)]
    groups: Vec<Clean>,
}

/// Who the API server says that we are. Where it cannot say (before 1.28 the review may be missing), the name of the
/// user in the kubeconfig, marked as such.
pub async fn identity(connected: &Connected) -> Result<Identity, ReadError> {
    for version in ["v1", "v1beta1"] {
        let body =
            json!({"apiVersion": format!("authentication.k8s.io/{version}"), "kind": "SelfSubjectReview"});
        let path = format!("/apis/authentication.k8s.io/{version}/selfsubjectreviews");
        match review(&connected.reader, &connected.server, &path, &body).await {
            Ok(answer) => {
                let SelfReview { status } = answer.json(&connected.server)?;
                return Ok(Identity { user: status.user_info.username, groups: status.user_info.groups });
            }
            Err(ReadError::NotFound(_) | ReadError::Forbidden(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(Identity { user: Clean::new(format!("{}{}", connected.user, Identity::CLAIMED)), groups: Vec::new() })
}

#[derive(Deserialize)]
struct AccessReview {
    #[serde(default)]
    status: AccessStatus,
}

#[derive(Deserialize, Default)]
struct AccessStatus {
    #[serde(default)]
    allowed: bool,
}

/// Asks for each right whether we have it. The answers come in the order of the questions.
pub async fn rights(connected: &Connected, asked: &[Right]) -> Result<Vec<(Right, bool)>, ReadError> {
    let each = asked.iter().map(|right| async move {
        let mut attributes = json!({"verb": right.verb, "group": right.group, "resource": right.resource});
        if !right.namespace.is_empty() {
            attributes["namespace"] = right.namespace.as_str().into();
        }
        let body = json!({
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": attributes},
        });
        let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
        let answer = review(&connected.reader, &connected.server, path, &body).await?;
        let AccessReview { status } = answer.json(&connected.server)?;
        Ok((right.clone(), status.allowed))
    });
    futures_util::future::try_join_all(each).await
}

#[derive(Deserialize)]
struct Namespace {
    metadata: Uid,
}

#[derive(Deserialize)]
struct Uid {
    uid: Clean,
}

/// Which cluster this is: the uid of `kube-system`, else the digest of certificate authority and URL.
pub async fn cluster_id(connected: &Connected) -> Result<Clean, ReadError> {
    match get(&connected.reader, &connected.server, "/api/v1/namespaces/kube-system", JSON).await {
        Ok(answer) => Ok(answer.json::<Namespace>(&connected.server)?.metadata.uid),
        Err(ReadError::Forbidden(_) | ReadError::NotFound(_)) => Ok(connected.fallback_id.clone()),
        Err(error) => Err(error),
    }
}

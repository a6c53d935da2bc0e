//! Single reads on request: the content of one ConfigMap, and a Deployment as it is at this moment. No
//! `resourceVersion` is sent, so the API server asks a quorum of etcd rather than its own cache.

use serde::Deserialize;

use super::connect::Connected;
use super::decode::{self, Deployments, Kind, ReplicaSets, Selector, Services};
use super::error::ReadError;
use super::http::{Answer, JSON, escaped, garbage, get};
use crate::domain::Time;
use crate::domain::cluster::{ConfigContent, Deployment, Key, ReplicaSet, Service};

/// A Deployment and its ReplicaSets, read at this moment.
#[derive(Clone, PartialEq, Debug)]
pub struct Fresh {
    /// The Deployment.
    pub deployment: Deployment,
    /// The ReplicaSets that it controls, of every age.
    pub replica_sets: Vec<ReplicaSet>,
    /// The server's clock at that moment, where it told it.
    pub date: Option<Time>,
}

/// Reads one ConfigMap; `None` when it does not exist.
pub async fn config_content(connected: &Connected, key: &Key) -> Result<Option<ConfigContent>, ReadError> {
    let path = object_path("/api/v1", "configmaps", key);
    let Some(answer) = existing(get(&connected.reader, &connected.server, &path, JSON).await)? else {
        return Ok(None);
    };
    decode::config_content(&answer.body).map(Some).map_err(|error| garbage(&connected.server, &error))
}

/// Reads one Deployment and its ReplicaSets for the recheck before a write; `None` when the Deployment is gone.
pub async fn read_deployment(connected: &Connected, key: &Key) -> Result<Option<Fresh>, ReadError> {
    let (client, server) = (&connected.reader, &connected.server);
    let path = object_path("/apis/apps/v1", "deployments", key);
    let Some(answer) = existing(get(client, server, &path, JSON).await)? else {
        return Ok(None);
    };
    let deployment = Deployments::shape(answer.json(server)?).item;
    let owned: Owned = answer.json(server)?;
    let mut replica_sets = Vec::new();
    let mut next = String::new();
    loop {
        let path = replica_sets_path(key, &owned.spec.selector, &next);
        let page = get(client, server, &path, JSON).await?;
        let page = decode::page::<ReplicaSets>(&page.body).map_err(|error| garbage(server, &error))?;
        if let Some(odd) = page.broken.first() {
            // A recheck must not decide on a part of the revisions.
            return Err(ReadError::Garbage {
                server: server.clone(),
                why: crate::domain::clean::Clean::new(format!("ReplicaSet {}: {}", odd.key, odd.why)),
            });
        }
        replica_sets.extend(page.objects.into_iter().map(|object| object.item).filter(|set: &ReplicaSet| {
            set.meta.controller.as_ref().is_some_and(|(_, _, uid)| *uid == deployment.meta.uid)
        }));
        if page.next.is_empty() {
            break;
        }
        next = page.next;
    }
    Ok(Some(Fresh { deployment, replica_sets, date: answer.date }))
}

/// All Services of the cluster, whatever namespace the session is about: Prometheus seldom lives where it looks.
pub async fn all_services(connected: &Connected) -> Result<Vec<Service>, ReadError> {
    let (client, server) = (&connected.reader, &connected.server);
    let (mut services, mut next) = (Vec::new(), String::new());
    loop {
        let mut path = Services::RESOURCE.path(None);
        path.push_str("?limit=500");
        if !next.is_empty() {
            path.push_str("&continue=");
            path.push_str(&escaped(&next));
        }
        let page = get(client, server, &path, JSON).await?;
        let page = decode::page::<Services>(&page.body).map_err(|error| garbage(server, &error))?;
        services.extend(page.objects.into_iter().map(|object| object.item));
        if page.next.is_empty() {
            return Ok(services);
        }
        next = page.next;
    }
}

#[derive(Deserialize)]
struct Owned {
    spec: OwnedSpec,
}

#[derive(Deserialize)]
struct OwnedSpec {
    #[serde(default)]
    selector: Selector,
}

fn object_path(root: &str, plural: &str, key: &Key) -> String {
    let (namespace, name) = (escaped(key.namespace.as_str()), escaped(key.name.as_str()));
    format!("{root}/namespaces/{namespace}/{plural}/{name}")
}

fn replica_sets_path(key: &Key, selector: &Selector, next: &str) -> String {
    let mut path = ReplicaSets::RESOURCE.path(Some(&escaped(key.namespace.as_str())));
    path.push_str("?limit=500");
    // Without a selector that we can write down, all of the namespace are read: more, never fewer.
    if let Some(selector) = decode::selector(selector).filter(|text| !text.is_empty()) {
        path.push_str("&labelSelector=");
        path.push_str(&escaped(&selector));
    }
    if !next.is_empty() {
        path.push_str("&continue=");
        path.push_str(&escaped(next));
    }
    path
}

fn existing(answer: Result<Answer, ReadError>) -> Result<Option<Answer>, ReadError> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(ReadError::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

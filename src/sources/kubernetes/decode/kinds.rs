//! The kinds that are watched: where each lives in the API, which thin type reads it, and which fact it becomes. A new
//! kind is one entry here.

use serde::de::DeserializeOwned;

use super::config::RawPartial;
use super::events::RawEvent;
use super::meta::Brief;
use super::pods::{RawNode, RawPod};
use super::policy::{RawAutoscaler, RawBudget, RawService};
use super::workloads::{RawDeployment, RawReplicaSet};
use crate::domain::cluster::{
    Autoscaler, Change, ClusterEvent, ClusterFact, Deployment, DisruptionBudget, Key, Meta, Node, Pod,
    Referenced, ReplicaSet, Service, Uid,
};

/// Where a kind lives in the API.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Resource {
    /// API group; empty for core.
    pub group: &'static str,
    /// API version.
    pub version: &'static str,
    /// Plural name, as in URLs and rights.
    pub plural: &'static str,
    /// Lives in a namespace.
    pub namespaced: bool,
    /// Only `PartialObjectMetadata` is asked for.
    pub metadata_only: bool,
}

impl Resource {
    const fn new(group: &'static str, version: &'static str, plural: &'static str) -> Self {
        Self { group, version, plural, namespaced: true, metadata_only: false }
    }

    /// Path of the collection in `namespace`, or in all of them.
    pub fn path(&self, namespace: Option<&str>) -> String {
        let root = if self.group.is_empty() {
            format!("/api/{}", self.version)
        } else {
            format!("/apis/{}/{}", self.group, self.version)
        };
        match namespace.filter(|_| self.namespaced) {
            Some(namespace) => format!("{root}/namespaces/{namespace}/{}", self.plural),
            None => format!("{root}/{}", self.plural),
        }
    }

    /// As it stands in messages: `deployments.apps`.
    pub fn full_name(&self) -> String {
        if self.group.is_empty() { self.plural.to_owned() } else { format!("{}.{}", self.plural, self.group) }
    }
}

/// A decoded object, with what the watch itself needs of it.
#[derive(Debug, PartialEq)]
pub struct Object<T> {
    /// The fact.
    pub item: T,
    /// Namespace and name.
    pub key: Key,
    /// Identity.
    pub uid: Uid,
    /// Version, from which a broken watch goes on.
    pub resource_version: String,
}

/// A watched kind.
pub trait Kind {
    /// The domain's noun.
    type Item: Send;
    /// The thin type.
    type Raw: DeserializeOwned + Send;
    /// Where it lives.
    const RESOURCE: Resource;

    /// From thin type to noun.
    fn shape(raw: Self::Raw) -> Object<Self::Item>;

    /// The fact that a change becomes.
    fn fact(change: Change<Self::Item>) -> ClusterFact;
}

fn brief<R, L, T: From<R>>(raw: R, meta: impl Fn(&R) -> &Brief<L>) -> Object<T> {
    let meta = meta(&raw);
    let (key, uid, resource_version) = (meta.key(), Uid(meta.uid.clone()), meta.resource_version.clone());
    Object { item: T::from(raw), key, uid, resource_version }
}

fn full<R, T: From<R>>(raw: R, meta: impl Fn(&T) -> &Meta) -> Object<T> {
    let item = T::from(raw);
    let meta = meta(&item);
    let (key, uid, resource_version) = (meta.key.clone(), meta.uid.clone(), meta.resource_version.clone());
    Object { item, key, uid, resource_version }
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident: $raw:ty => $item:ty, $resource:expr, $shape:expr;)+) => {$(
        $(#[$doc])*
        pub struct $name;

        impl Kind for $name {
            type Item = $item;
            type Raw = $raw;
            const RESOURCE: Resource = $resource;

            fn shape(raw: $raw) -> Object<$item> {
                $shape(raw)
            }

            fn fact(change: Change<$item>) -> ClusterFact {
                ClusterFact::$name(change)
            }
        }
    )+};
}

const fn metadata(plural: &'static str) -> Resource {
    Resource { metadata_only: true, ..Resource::new("", "v1", plural) }
}

kinds! {
    /// Deployments.
    Deployments: RawDeployment => Deployment, Resource::new("apps", "v1", "deployments"),
        |raw| full(raw, |item: &Deployment| &item.meta);
    /// ReplicaSets.
    ReplicaSets: RawReplicaSet => ReplicaSet, Resource::new("apps", "v1", "replicasets"),
        |raw| full(raw, |item: &ReplicaSet| &item.meta);
    /// Pods.
    Pods: RawPod => Pod, Resource::new("", "v1", "pods"), |raw| brief(raw, |raw: &RawPod| &raw.metadata);
    /// Services.
    Services: RawService => Service, Resource::new("", "v1", "services"),
        |raw| brief(raw, |raw: &RawService| &raw.metadata);
    /// HorizontalPodAutoscalers.
    Autoscalers: RawAutoscaler => Autoscaler, Resource::new("autoscaling", "v2", "horizontalpodautoscalers"),
        |raw| brief(raw, |raw: &RawAutoscaler| &raw.metadata);
    /// PodDisruptionBudgets.
    DisruptionBudgets: RawBudget => DisruptionBudget, Resource::new("policy", "v1", "poddisruptionbudgets"),
        |raw| brief(raw, |raw: &RawBudget| &raw.metadata);
    /// Events.
    Events: RawEvent => ClusterEvent, Resource::new("", "v1", "events"),
        |raw| brief(raw, |raw: &RawEvent| &raw.metadata);
    /// Nodes.
    Nodes: RawNode => Node, Resource { namespaced: false, ..Resource::new("", "v1", "nodes") },
        |raw| brief(raw, |raw: &RawNode| &raw.metadata);
    /// ConfigMaps, by metadata.
    ConfigMaps: RawPartial => Referenced, metadata("configmaps"), |raw| full(raw, |item: &Referenced| &item.meta);
    /// Secrets, by metadata.
    Secrets: RawPartial => Referenced, metadata("secrets"), |raw| full(raw, |item: &Referenced| &item.meta);
    /// PersistentVolumeClaims, by metadata.
    Claims: RawPartial => Referenced, metadata("persistentvolumeclaims"),
        |raw| full(raw, |item: &Referenced| &item.meta);
}

//! What else acts on a workload or stands in front of it: Services, HorizontalPodAutoscalers, PodDisruptionBudgets.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::lax;
use super::meta::Brief;
use crate::domain::clean::Clean;
use crate::domain::cluster::{Autoscaler, DisruptionBudget, Service};

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct RawService {
    #[serde(deserialize_with = "lax")]
    pub metadata: Brief<BTreeMap<Clean, Clean>>,
    #[serde(deserialize_with = "lax")]
    spec: ServiceSpec,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ServiceSpec {
    #[serde(deserialize_with = "lax")]
    selector: BTreeMap<Clean, Clean>,
    #[serde(deserialize_with = "lax")]
    ports: Vec<Port>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Port {
    #[serde(deserialize_with = "lax")]
    name: Clean,
    #[serde(deserialize_with = "lax")]
    port: i64,
}

impl From<RawService> for Service {
    fn from(raw: RawService) -> Self {
        Self {
            key: raw.metadata.key(),
            labels: raw.metadata.labels,
            selector: raw.spec.selector,
            ports: raw.spec.ports.into_iter().map(|port| (port.name, port.port)).collect(),
        }
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct RawAutoscaler {
    #[serde(deserialize_with = "lax")]
    pub metadata: Brief,
    #[serde(deserialize_with = "lax")]
    spec: AutoscalerSpec,
    #[serde(deserialize_with = "lax")]
    status: AutoscalerStatus,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct AutoscalerSpec {
    #[serde(deserialize_with = "lax")]
    scale_target_ref: Target,
    min_replicas: Option<i64>,
    #[serde(deserialize_with = "lax")]
    max_replicas: i64,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Target {
    #[serde(deserialize_with = "lax")]
    kind: Clean,
    #[serde(deserialize_with = "lax")]
    name: Clean,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct AutoscalerStatus {
    #[serde(deserialize_with = "lax")]
    desired_replicas: i64,
}

impl From<RawAutoscaler> for Autoscaler {
    fn from(raw: RawAutoscaler) -> Self {
        Self {
            key: raw.metadata.key(),
            target: (raw.spec.scale_target_ref.kind, raw.spec.scale_target_ref.name),
            min: raw.spec.min_replicas.unwrap_or(1),
            max: raw.spec.max_replicas,
            desired: raw.status.desired_replicas,
        }
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct RawBudget {
    #[serde(deserialize_with = "lax")]
    pub metadata: Brief,
    #[serde(deserialize_with = "lax")]
    spec: BudgetSpec,
    #[serde(deserialize_with = "lax")]
    status: BudgetStatus,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct BudgetSpec {
    #[serde(deserialize_with = "lax")]
    selector: MatchLabels,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct MatchLabels {
    #[serde(deserialize_with = "lax")]
    match_labels: BTreeMap<Clean, Clean>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct BudgetStatus {
    #[serde(deserialize_with = "lax")]
    current_healthy: i64,
    #[serde(deserialize_with = "lax")]
    desired_healthy: i64,
    #[serde(deserialize_with = "lax")]
    disruptions_allowed: i64,
}

impl From<RawBudget> for DisruptionBudget {
    fn from(raw: RawBudget) -> Self {
        Self {
            key: raw.metadata.key(),
            selector: raw.spec.selector.match_labels,
            healthy: raw.status.current_healthy,
            wanted: raw.status.desired_healthy,
            allowed: raw.status.disruptions_allowed,
        }
    }
}

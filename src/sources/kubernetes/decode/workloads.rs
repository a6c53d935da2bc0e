//! Deployments and ReplicaSets.

use serde::Deserialize;
use serde_json::Value;

use super::meta::{Condition, Full};
use super::{lax, template};
use crate::domain::clean::Clean;
use crate::domain::cluster::{self, Deployment, Json, ReplicaSet};

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct RawDeployment {
    #[serde(deserialize_with = "lax")]
    metadata: Full,
    #[serde(deserialize_with = "lax")]
    spec: DeploymentSpec,
    #[serde(deserialize_with = "lax")]
    status: DeploymentStatus,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct DeploymentSpec {
    replicas: Option<i64>,
    #[serde(deserialize_with = "lax")]
    paused: bool,
    #[serde(deserialize_with = "lax")]
    strategy: Strategy,
    #[serde(deserialize_with = "lax")]
    template: Value,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Strategy {
    #[serde(rename = "type", deserialize_with = "lax")]
    kind: String,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct DeploymentStatus {
    #[serde(deserialize_with = "lax")]
    observed_generation: i64,
    #[serde(deserialize_with = "lax")]
    updated_replicas: i64,
    #[serde(deserialize_with = "lax")]
    available_replicas: i64,
    #[serde(deserialize_with = "lax")]
    replicas: i64,
    #[serde(deserialize_with = "lax")]
    unavailable_replicas: i64,
    #[serde(deserialize_with = "lax")]
    conditions: Vec<Condition>,
}

impl From<RawDeployment> for Deployment {
    fn from(raw: RawDeployment) -> Self {
        let (meta, annotations) = raw.metadata.split();
        Self {
            meta,
            annotations: Json::of(&annotations),
            template: template(raw.spec.template),
            replicas: raw.spec.replicas.unwrap_or(1),
            paused: raw.spec.paused,
            recreate: raw.spec.strategy.kind == "Recreate",
            observed_generation: raw.status.observed_generation,
            updated: raw.status.updated_replicas,
            available: raw.status.available_replicas,
            current: raw.status.replicas,
            unavailable: raw.status.unavailable_replicas,
            conditions: raw.status.conditions.into_iter().map(cluster::Condition::from).collect(),
        }
    }
}

impl From<Condition> for cluster::Condition {
    fn from(raw: Condition) -> Self {
        Self {
            holds: raw.holds(),
            kind: raw.kind,
            reason: raw.reason,
            message: raw.message,
            since: raw.last_transition_time.0,
        }
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct RawReplicaSet {
    #[serde(deserialize_with = "lax")]
    metadata: Full,
    #[serde(deserialize_with = "lax")]
    spec: ReplicaSetSpec,
    #[serde(deserialize_with = "lax")]
    status: ReplicaSetStatus,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ReplicaSetSpec {
    replicas: Option<i64>,
    #[serde(deserialize_with = "lax")]
    template: Value,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct ReplicaSetStatus {
    #[serde(deserialize_with = "lax")]
    ready_replicas: i64,
}

impl From<RawReplicaSet> for ReplicaSet {
    fn from(raw: RawReplicaSet) -> Self {
        let (meta, annotations) = raw.metadata.split();
        let annotation = |name: &str| annotations.get(name).and_then(Value::as_str);
        Self {
            hash: meta.labels.get("pod-template-hash").cloned().unwrap_or_default(),
            revision: annotation("deployment.kubernetes.io/revision").and_then(|text| text.parse().ok()),
            former: annotation("deployment.kubernetes.io/revision-history")
                .map(|list| list.split(',').filter_map(|number| number.trim().parse().ok()).collect())
                .unwrap_or_default(),
            reused: annotation("deployment.kubernetes.io/revision-history")
                .is_some_and(|text| !text.is_empty()),
            change_cause: annotation("kubernetes.io/change-cause").map(Clean::new),
            action: annotation("goaround.dev/action").map(Clean::new),
            annotations: Json::of(&annotations),
            template: template(raw.spec.template),
            replicas: raw.spec.replicas.unwrap_or(1),
            ready: raw.status.ready_replicas,
            meta,
        }
    }
}

/// `spec.selector` of a workload (`meta/v1 LabelSelector`).
#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub struct Selector {
    #[serde(deserialize_with = "lax")]
    match_labels: std::collections::BTreeMap<String, String>,
    #[serde(deserialize_with = "lax")]
    match_expressions: Vec<Expression>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Expression {
    #[serde(deserialize_with = "lax")]
    key: String,
    #[serde(deserialize_with = "lax")]
    operator: String,
    #[serde(deserialize_with = "lax")]
    values: Vec<String>,
}

/// The selector in the form of the query parameter `labelSelector`; `None` where an operator is not known.
pub fn selector(selector: &Selector) -> Option<String> {
    let mut parts: Vec<String> =
        selector.match_labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
    for expression in &selector.match_expressions {
        let Expression { key, operator, values } = expression;
        let values = values.join(",");
        parts.push(match operator.as_str() {
            "In" => format!("{key} in ({values})"),
            "NotIn" => format!("{key} notin ({values})"),
            "Exists" => key.clone(),
            "DoesNotExist" => format!("!{key}"),
            _ => return None,
        });
    }
    Some(parts.join(","))
}

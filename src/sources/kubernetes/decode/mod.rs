//! From the API's JSON to domain facts, thin: only the fields that are used are parsed, everything else is skipped by
//! the lexer. Missing and null fields are ordinary; an object that cannot be understood is an error for that object
//! alone, never a panic and never the loss of its neighbours.

mod config;
mod events;
mod kinds;
mod meta;
mod page;
mod pods;
mod policy;
mod template;
mod workloads;

pub use config::config_content;
pub use kinds::{Autoscalers, DisruptionBudgets, Services};
pub use kinds::{Claims, ConfigMaps, Deployments, Events, Nodes, Pods, ReplicaSets, Secrets};
pub use kinds::{Kind, Object, Resource};
pub use page::{Broken, Line, Page, Status, line, page};
pub use template::template;
pub use workloads::{Selector, selector};

use serde::{Deserialize, Deserializer};

/// Null is the same as missing: the default.
fn lax<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

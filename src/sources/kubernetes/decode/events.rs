//! Events (core/v1), whose "last seen" and count stand in one of several places, depending on who wrote them.

use serde::Deserialize;

use super::lax;
use super::meta::{Brief, Moment};
use crate::domain::clean::Clean;
use crate::domain::cluster::ClusterEvent;

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub struct RawEvent {
    #[serde(deserialize_with = "lax")]
    pub metadata: Brief,
    #[serde(deserialize_with = "lax")]
    involved_object: About,
    #[serde(rename = "type", deserialize_with = "lax")]
    kind: String,
    #[serde(deserialize_with = "lax")]
    reason: Clean,
    #[serde(deserialize_with = "lax")]
    message: Clean,
    last_timestamp: Moment,
    event_time: Moment,
    count: Option<i64>,
    series: Option<Series>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct About {
    #[serde(deserialize_with = "lax")]
    kind: Clean,
    #[serde(deserialize_with = "lax")]
    name: Clean,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Series {
    count: Option<i64>,
    last_observed_time: Moment,
}

impl From<RawEvent> for ClusterEvent {
    fn from(raw: RawEvent) -> Self {
        let series = raw.series.unwrap_or_default();
        Self {
            key: raw.metadata.key(),
            about_kind: raw.involved_object.kind,
            about_name: raw.involved_object.name,
            warning: raw.kind == "Warning",
            reason: raw.reason,
            message: raw.message,
            last: series
                .last_observed_time
                .0
                .or(raw.last_timestamp.0)
                .or(raw.event_time.0)
                .or(raw.metadata.creation_timestamp.0),
            count: series.count.or(raw.count).unwrap_or(1),
        }
    }
}

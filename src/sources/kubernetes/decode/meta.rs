//! `metadata`: names, owners, and `managedFields`, of which only the paths that matter are looked at.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Error, IgnoredAny, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::lax;
use crate::domain::Time;
use crate::domain::clean::Clean;
use crate::domain::cluster::{Key, Managed, Meta, Uid};

/// A point in time (RFC 3339), or none: null, missing, or not a time.
#[derive(Clone, Copy, Default)]
pub struct Moment(pub Option<Time>);

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Moment;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a time or null")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Moment, E> {
                Ok(Moment(chrono::DateTime::parse_from_rfc3339(text).ok().map(|time| time.to_utc())))
            }
            fn visit_unit<E: Error>(self) -> Result<Moment, E> {
                Ok(Moment(None))
            }
        }
        deserializer.deserialize_any(Text)
    }
}

/// Metadata of kinds of which little is kept; `IgnoredAny` in place of the labels skips them unread.
#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase", bound = "L: Deserialize<'de> + Default")]
pub struct Brief<L = IgnoredAny> {
    #[serde(deserialize_with = "lax")]
    pub name: Clean,
    #[serde(deserialize_with = "lax")]
    pub namespace: Clean,
    #[serde(deserialize_with = "lax")]
    pub uid: Clean,
    #[serde(deserialize_with = "lax")]
    pub resource_version: String,
    pub creation_timestamp: Moment,
    pub deletion_timestamp: Moment,
    #[serde(deserialize_with = "lax")]
    pub labels: L,
    #[serde(deserialize_with = "lax")]
    pub owner_references: Vec<Owner>,
}

impl<L> Brief<L> {
    pub fn key(&self) -> Key {
        Key { namespace: self.namespace.clone(), name: self.name.clone() }
    }
}

/// An entry of `ownerReferences`.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Owner {
    #[serde(deserialize_with = "lax")]
    pub kind: Clean,
    #[serde(deserialize_with = "lax")]
    pub name: Clean,
    #[serde(deserialize_with = "lax")]
    pub uid: Clean,
    #[serde(deserialize_with = "lax")]
    pub controller: bool,
}

/// The owner that controls the object.
pub(super) fn controller(owners: Vec<Owner>) -> Option<(Clean, Clean, Uid)> {
    owners.into_iter().find(|owner| owner.controller).map(|owner| (owner.kind, owner.name, Uid(owner.uid)))
}

/// Metadata with all that [`Meta`] has, and the annotations; `IgnoredAny` in their place skips them unread.
#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase", bound = "A: Deserialize<'de> + Default")]
pub struct Full<A = Value> {
    #[serde(deserialize_with = "lax")]
    pub name: Clean,
    #[serde(deserialize_with = "lax")]
    pub namespace: Clean,
    #[serde(deserialize_with = "lax")]
    pub uid: Clean,
    #[serde(deserialize_with = "lax")]
    pub resource_version: String,
    #[serde(deserialize_with = "lax")]
    pub generation: i64,
    pub creation_timestamp: Moment,
    pub deletion_timestamp: Moment,
    #[serde(deserialize_with = "lax")]
    pub labels: BTreeMap<Clean, Clean>,
    #[serde(deserialize_with = "lax")]
    pub owner_references: Vec<Owner>,
    #[serde(deserialize_with = "lax")]
    pub managed_fields: Vec<Entry>,
    #[serde(deserialize_with = "lax")]
    pub annotations: A,
}

impl<A> Full<A> {
    /// The domain's metadata, and the annotations (null when there are none).
    pub fn split(self) -> (Meta, A) {
        let meta = Meta {
            key: Key { namespace: self.namespace, name: self.name },
            uid: Uid(self.uid),
            resource_version: self.resource_version,
            generation: self.generation,
            created: self.creation_timestamp.0,
            deleting: self.deletion_timestamp.0,
            labels: self.labels,
            controller: controller(self.owner_references),
            managed: self.managed_fields.into_iter().map(Managed::from).collect(),
        };
        (meta, self.annotations)
    }
}

/// One entry of `managedFields`. `fieldsV1` is a tree of `f:<field>` keys (structured-merge-diff, `fieldpath`).
#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub struct Entry {
    #[serde(deserialize_with = "lax")]
    manager: Clean,
    #[serde(deserialize_with = "lax")]
    operation: String,
    time: Moment,
    #[serde(deserialize_with = "lax")]
    subresource: String,
    #[serde(rename = "fieldsV1", deserialize_with = "lax")]
    fields: Fields,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Fields {
    #[serde(rename = "f:spec", deserialize_with = "lax")]
    spec: Spec,
    #[serde(rename = "f:data", deserialize_with = "lax")]
    data: BTreeMap<String, IgnoredAny>,
    #[serde(rename = "f:binaryData", deserialize_with = "lax")]
    binary_data: BTreeMap<String, IgnoredAny>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Spec {
    #[serde(rename = "f:template")]
    template: Option<IgnoredAny>,
    #[serde(rename = "f:replicas")]
    replicas: Option<IgnoredAny>,
}

impl From<Entry> for Managed {
    fn from(entry: Entry) -> Self {
        let data_keys = entry
            .fields
            .data
            .keys()
            .chain(entry.fields.binary_data.keys())
            .filter_map(|key| key.strip_prefix("f:"))
            .map(Clean::new)
            .collect();
        Self {
            manager: entry.manager,
            apply: entry.operation == "Apply",
            time: entry.time.0,
            template: entry.fields.spec.template.is_some(),
            replicas: entry.fields.spec.replicas.is_some(),
            data_keys,
            subresource: !entry.subresource.is_empty(),
        }
    }
}

/// `status.conditions[]`.
#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub struct Condition {
    #[serde(rename = "type", deserialize_with = "lax")]
    pub kind: Clean,
    #[serde(deserialize_with = "lax")]
    pub status: String,
    #[serde(deserialize_with = "lax")]
    pub reason: Clean,
    #[serde(deserialize_with = "lax")]
    pub message: Clean,
    pub last_transition_time: Moment,
}

impl Condition {
    pub fn holds(&self) -> bool {
        self.status == "True"
    }
}

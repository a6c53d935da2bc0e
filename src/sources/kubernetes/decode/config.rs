//! The content of ConfigMaps, and metadata of what is known by metadata only.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::lax;
use super::meta::Full;
use crate::domain::clean::Clean;
use crate::domain::cluster::{ConfigContent, ConfigVersion, Json, Referenced};
use crate::domain::plan::ACTION;

/// The annotation in which `kubectl apply` keeps what it applied last.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// `meta.k8s.io/v1 PartialObjectMetadata`. Whatever else a server sends is skipped, and the annotations too: those of a
/// Secret that was made by `kubectl apply` hold its content ([`LAST_APPLIED`]).
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct RawPartial {
    #[serde(deserialize_with = "lax")]
    pub metadata: Full<IgnoredAny>,
}

impl From<RawPartial> for Referenced {
    fn from(raw: RawPartial) -> Self {
        Self { meta: raw.metadata.split().0 }
    }
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct RawConfigMap {
    #[serde(deserialize_with = "lax")]
    metadata: Full,
    #[serde(deserialize_with = "lax")]
    data: Value,
    #[serde(deserialize_with = "lax")]
    binary_data: Value,
    #[serde(deserialize_with = "lax")]
    immutable: bool,
}

/// Reads a whole ConfigMap.
pub fn config_content(body: &[u8]) -> Result<ConfigContent, serde_json::Error> {
    let raw: RawConfigMap = serde_json::from_slice(body)?;
    let (meta, annotations) = raw.metadata.split();
    let live = ConfigVersion::new(&raw.data, &raw.binary_data);
    Ok(ConfigContent {
        key: meta.key,
        uid: meta.uid,
        resource_version: meta.resource_version,
        data: Json::of(&raw.data),
        binary_data: Json::of(&raw.binary_data),
        digest: live.digest,
        annotated: annotations.is_object(),
        action: annotations.get(ACTION).and_then(Value::as_str).map(Clean::new),
        last_applied: annotations.get(LAST_APPLIED).and_then(Value::as_str).and_then(last_applied),
        immutable: raw.immutable,
    })
}

/// Data in the text of the annotation; `None` where it is no JSON object, because somebody wrote it by hand.
fn last_applied(text: &str) -> Option<ConfigVersion> {
    let applied: Value = serde_json::from_str(text).ok()?;
    let applied = applied.as_object()?;
    let part = |name: &str| applied.get(name).cloned().unwrap_or(Value::Null);
    Some(ConfigVersion::new(&part("data"), &part("binaryData")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_content_that_kubectl_apply_leaves_in_the_annotations_of_a_secret_is_skipped_unread() {
        let body = r#"{"metadata": {"name": "key", "uid": "u", "resourceVersion": "7", "annotations": {
            "kubectl.kubernetes.io/last-applied-configuration": "{\"data\":{\"password\":\"c2VjcmV0\"}}"}}}"#;
        let raw: RawPartial = serde_json::from_str(body).expect("metadata");
        // There is no place in which they could be kept.
        let IgnoredAny = raw.metadata.annotations;
        assert_eq!(Referenced::from(raw).meta.resource_version, "7");
    }
}

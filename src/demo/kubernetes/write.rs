//! The one way to change something: a JSON patch of a Deployment or a ConfigMap, for real or as a dry run.

use std::sync::Arc;

use axum::body::Bytes;
use axum::response::Response;
use http::{StatusCode, header};
use serde_json::{Map, Value, json};

use super::refused::{Refused, not_allowed, not_found, unknown_format};
use super::rights::allowed;
use super::{Call, Place};
use crate::demo::Shared;
use crate::demo::http::json_response;
use crate::demo::patch::{self, Unpatched};
use crate::demo::store::{self, Kind};

pub(super) async fn patched(
    shared: &Shared,
    call: &Call,
    place: &Place,
    name: &str,
    body: &Bytes,
) -> Result<Response, Refused> {
    let content_type = call.header(header::CONTENT_TYPE).split(';').next().unwrap_or_default().trim();
    if content_type != "application/json-patch+json" {
        return Err(unknown_format("application/json-patch+json"));
    }
    if ![store::DEPLOYMENT, store::CONFIG_MAP].contains(&place.kind) {
        return Err(not_allowed());
    }
    let dry_run = match call.parameter("dryRun") {
        "" => false,
        "All" => true,
        other => {
            return Err(Refused::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "Invalid",
                format!(
                    "PatchOptions.meta.k8s.io \"\" is invalid: dryRun: Unsupported value: {other:?}: supported values: \"All\""
                ),
            ));
        }
    };
    let mut world = shared.world().await;
    allowed(&world, "patch", place.kind.group, place.kind.plural)?;
    let namespace = place.namespace.as_deref().unwrap_or_default();
    let old =
        world.store.get(place.kind, namespace, name).cloned().ok_or_else(|| not_found(place.kind, name))?;
    let new = patch::apply(&old, body).map_err(|why| match why {
        Unpatched::Malformed(message) => Refused::bad_request(message),
        Unpatched::DoesNotApply => Refused::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "Invalid",
            "the server rejected our request due to an error in our request",
        ),
    })?;
    validate(place.kind, name, &old, &new)?;
    let manager = call.manager();
    let answer = if dry_run {
        Arc::new(world.written(place.kind, Some(&old), new, &manager))
    } else {
        world.finish_write(place.kind, Some(&old), new, &manager)
    };
    drop(world);
    drop(shared.world().await);
    Ok(json_response(StatusCode::OK, &answer))
}

/// What the API server would not store.
fn validate(kind: Kind, name: &str, old: &Value, new: &Value) -> Result<(), Refused> {
    if old["metadata"]["resourceVersion"] != new["metadata"]["resourceVersion"] {
        return Err(Refused {
            details: json!({"name": name, "group": kind.group, "kind": kind.plural}),
            ..Refused::new(
                StatusCode::CONFLICT,
                "Conflict",
                format!(
                    "Operation cannot be fulfilled on {} \"{name}\": the object has been modified; please apply your changes to the latest version and try again",
                    kind.resource()
                ),
            )
        });
    }
    let full =
        if kind.group.is_empty() { kind.kind.to_owned() } else { format!("{}.{}", kind.kind, kind.group) };
    let invalid = |field: &str, message: String| Refused {
        details: json!({"name": name, "group": kind.group, "kind": kind.kind,
                        "causes": [{"reason": "FieldValueInvalid", "message": message, "field": field}]}),
        ..Refused::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "Invalid",
            format!("{full} \"{name}\" is invalid: {field}: {message}"),
        )
    };
    for field in ["name", "namespace", "uid", "creationTimestamp"] {
        if old["metadata"][field] != new["metadata"][field] {
            let message = format!("Invalid value: {}: field is immutable", new["metadata"][field]);
            return Err(invalid(&format!("metadata.{field}"), message));
        }
    }
    if let Some(wrong) = wrong_data(kind, new) {
        return Err(Refused::bad_request(wrong));
    }
    if kind == store::DEPLOYMENT {
        let labels = &new["spec"]["template"]["metadata"]["labels"];
        let selected = new["spec"]["selector"]["matchLabels"]
            .as_object()
            .is_some_and(|selector| selector.iter().all(|(key, value)| labels[key] == *value));
        if !selected {
            let message = format!("Invalid value: {labels}: `selector` does not match template `labels`");
            return Err(invalid("spec.template.metadata.labels", message));
        }
        let containers = &new["spec"]["template"]["spec"]["containers"];
        if containers.as_array().is_none_or(Vec::is_empty) {
            return Err(invalid("spec.template.spec.containers", "Required value".to_owned()));
        }
    }
    Ok(())
}

/// ConfigMap values are texts.
fn wrong_data(kind: Kind, new: &Value) -> Option<String> {
    let data = new.get("data").filter(|_| kind == store::CONFIG_MAP)?;
    let texts = data.is_null()
        || data.as_object().is_some_and(|map: &Map<String, Value>| map.values().all(Value::is_string));
    (!texts).then(|| "ConfigMap in version \"v1\" cannot be handled as a ConfigMap: json: cannot unmarshal into Go struct field ConfigMap.data of type string".to_owned())
}

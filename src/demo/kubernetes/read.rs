//! Single objects and lists: whole or as metadata only, by selector, in pages.

use std::sync::Arc;

use axum::response::Response;
use http::{StatusCode, header};
use serde_json::{Value, json};

use super::refused::{Refused, not_found};
use super::rights::allowed;
use super::{Call, Place};
use crate::demo::Shared;
use crate::demo::http::json_response;
use crate::demo::selector::Selector;
use crate::demo::world::World;

/// Which part of an object the client wants.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Shape {
    Whole,
    Metadata,
}

/// From the Accept header: the first form that can be served.
pub(super) fn shape(call: &Call) -> Result<Shape, Refused> {
    let accept = call.header(header::ACCEPT);
    for wish in accept.split(',').map(|wish| wish.replace(' ', "")) {
        let kind = wish.split(';').next().unwrap_or_default();
        if !matches!(kind, "" | "*/*" | "application/*" | "application/json") {
            continue;
        }
        match wish.split(';').find_map(|part| part.strip_prefix("as=")) {
            None => return Ok(Shape::Whole),
            Some("PartialObjectMetadata" | "PartialObjectMetadataList") => return Ok(Shape::Metadata),
            Some(_) => {}
        }
    }
    Err(Refused::new(
        StatusCode::NOT_ACCEPTABLE,
        "NotAcceptable",
        "only the following media types are accepted: application/json, application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1",
    ))
}

pub(super) fn shaped(object: &Value, shape: Shape) -> Value {
    match shape {
        Shape::Whole => object.clone(),
        Shape::Metadata => {
            json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": object["metadata"]})
        }
    }
}

pub(super) async fn get(shared: &Shared, call: &Call, place: &Place) -> Result<Response, Refused> {
    let shape = shape(call)?;
    let world = shared.world().await;
    allowed(&world, "get", place.kind.group, place.kind.plural)?;
    let (namespace, name) =
        (place.namespace.as_deref().unwrap_or_default(), place.name.as_deref().unwrap_or_default());
    let object = world.store.get(place.kind, namespace, name).ok_or_else(|| not_found(place.kind, name))?;
    Ok(json_response(StatusCode::OK, &shaped(object, shape)))
}

pub(super) async fn list(shared: &Shared, call: &Call, place: &Place) -> Result<Response, Refused> {
    let shape = shape(call)?;
    let selector = selector(call)?;
    let world = shared.world().await;
    allowed(&world, "list", place.kind.group, place.kind.plural)?;
    let (version, after) = match call.parameter("continue") {
        "" => (world.store.version(), None),
        token => continuation(token, &world)?,
    };
    let limit =
        call.parameter("limit").parse::<usize>().ok().filter(|limit| *limit > 0).unwrap_or(usize::MAX);
    let key = |object: &Value| {
        let text = |name: &str| object["metadata"][name].as_str().unwrap_or_default().to_owned();
        (text("namespace"), text("name"))
    };
    let mut rest = world
        .store
        .list(place.kind, place.namespace.as_deref())
        .filter(|object| selector.fits(object))
        .filter(|object| after.as_ref().is_none_or(|after| key(object) > *after));
    let page: Vec<&Arc<Value>> = rest.by_ref().take(limit).collect();
    let left = rest.count();
    let mut metadata = json!({"resourceVersion": version.to_string()});
    if left > 0
        && let Some(last) = page.last()
    {
        let (namespace, name) = key(last);
        metadata["continue"] = json!(format!("{version}.{namespace}.{name}"));
        metadata["remainingItemCount"] = json!(left);
    }
    let (kind, api_version) = match shape {
        Shape::Whole => (format!("{}List", place.kind.kind), place.kind.api_version()),
        Shape::Metadata => ("PartialObjectMetadataList".to_owned(), "meta.k8s.io/v1".to_owned()),
    };
    let items: Vec<Value> = page.into_iter().map(|object| listed(object, shape)).collect();
    Ok(json_response(
        StatusCode::OK,
        &json!({"kind": kind, "apiVersion": api_version, "metadata": metadata, "items": items}),
    ))
}

/// Items of a list do not say what they are; the list does.
fn listed(object: &Value, shape: Shape) -> Value {
    let mut item = shaped(object, shape);
    if shape == Shape::Whole
        && let Some(map) = item.as_object_mut()
    {
        map.shift_remove("kind");
        map.shift_remove("apiVersion");
    }
    item
}

/// Version and last key of the page before.
fn continuation(token: &str, world: &World) -> Result<(u64, Option<(String, String)>), Refused> {
    let mut parts = token.splitn(3, '.');
    let (version, namespace, name) = (parts.next(), parts.next(), parts.next());
    let version = version.and_then(|version| version.parse::<u64>().ok());
    let (Some(version), Some(namespace), Some(name)) = (version, namespace, name) else {
        return Err(Refused::bad_request("invalid continue token: continue key is not valid"));
    };
    if world.store.since(version).is_none() {
        return Err(Refused::new(
            StatusCode::GONE,
            "Expired",
            "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter.",
        ));
    }
    Ok((version, Some((namespace.to_owned(), name.to_owned()))))
}

pub(super) fn selector(call: &Call) -> Result<Selector, Refused> {
    Selector::parse(call.parameter("labelSelector"), call.parameter("fieldSelector"))
        .map_err(Refused::bad_request)
}

//! `GET …/pods/{name}/log`: the end of what a pod wrote, as text.

use axum::response::Response;
use http::StatusCode;

use super::Call;
use super::refused::{Refused, not_found};
use super::rights::allowed;
use crate::demo::Shared;
use crate::demo::http::body_response;
use crate::demo::store;

/// Namespace and name of the pod whose log a path names.
pub(super) fn logged(path: &str) -> Option<(&str, &str)> {
    let (namespace, rest) = path.strip_prefix("/api/v1/namespaces/")?.split_once("/pods/")?;
    let name = rest.strip_suffix("/log")?;
    (!namespace.contains('/') && !name.contains('/')).then_some((namespace, name))
}

pub(super) async fn read(
    shared: &Shared,
    call: &Call,
    namespace: &str,
    name: &str,
) -> Result<Response, Refused> {
    let world = shared.world().await;
    allowed(&world, "get", "", "pods/log")?;
    let pod = world.store.get(store::POD, namespace, name).ok_or_else(|| not_found(store::POD, name))?;
    let container = pod["spec"]["containers"][0]["name"].as_str().unwrap_or_default();
    let asked = call.parameter("container");
    if !asked.is_empty() && asked != container {
        return Err(Refused::bad_request(format!("container {asked} is not valid for pod {name}")));
    }
    if call.flag("previous") {
        // No container of this world restarts.
        let why = format!("previous terminated container \"{container}\" in pod \"{name}\" not found");
        return Err(Refused::bad_request(why));
    }
    let number = |name: &str| call.parameter(name).parse::<usize>().unwrap_or(usize::MAX);
    let state = &pod["status"]["containerStatuses"][0]["state"]["running"]["startedAt"];
    let began = state.as_str().and_then(|at| at.parse::<crate::domain::Time>().ok());
    let began = began.map_or(i64::MAX / 2, |at| at.timestamp_millis());
    let mut text = world.log(name, began, number("tailLines"), call.flag("timestamps"));
    text.truncate(number("limitBytes"));
    Ok(body_response(StatusCode::OK, "text/plain", text))
}

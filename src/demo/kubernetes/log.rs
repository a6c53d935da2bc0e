//! `GET …/pods/{name}/log`: what a pod wrote, as text: its end, or from a time on, and with `follow` what it goes on to write.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::response::Response;
use futures_util::stream;
use http::{StatusCode, header};

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
    let mut from = world.log_tail(began, number("tailLines"));
    if !call.parameter("sinceTime").is_empty() {
        let since = call.parameter("sinceTime").parse::<crate::domain::Time>();
        let since = since.map_err(|_| Refused::bad_request("sinceTime: not a time".to_owned()))?;
        from = from.max(since.timestamp());
    }
    let timestamps = call.flag("timestamps");
    if call.flag("follow") {
        let uid = pod["metadata"]["uid"].as_str().unwrap_or_default().to_owned();
        let place = (namespace.to_owned(), name.to_owned());
        let following = Following { shared: shared.clone(), place, uid, from, timestamps };
        return Ok(followed(following));
    }
    let (mut text, _) = world.log(name, from, timestamps);
    text.truncate(number("limitBytes"));
    Ok(body_response(StatusCode::OK, "text/plain", text))
}

/// Between two looks at what was written, in real time.
const LOOK: Duration = Duration::from_millis(100);

/// A log that is followed.
struct Following {
    shared: Shared,
    place: (String, String),
    uid: String,
    from: i64,
    timestamps: bool,
}

fn followed(following: Following) -> Response {
    let pieces = stream::unfold(following, |mut following| async move {
        let text = following.next().await?;
        Some((Ok::<_, std::convert::Infallible>(Bytes::from(text)), following))
    });
    let mut response = Response::new(Body::from_stream(pieces));
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("text/plain"));
    response
}

impl Following {
    /// What was written since; nothing when the pod is gone, or the world is over.
    async fn next(&mut self) -> Option<String> {
        loop {
            let world = self.shared.world().await;
            let pod = world.store.get(store::POD, &self.place.0, &self.place.1)?;
            if pod["metadata"]["uid"] != self.uid.as_str() {
                return None;
            }
            let (text, from) = world.log(&self.place.1, self.from, self.timestamps);
            drop(world);
            self.from = from;
            if !text.is_empty() {
                return Some(text);
            }
            tokio::select! {
                () = self.shared.over.cancelled() => return None,
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }
}

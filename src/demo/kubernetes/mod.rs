//! The Kubernetes API over HTTP: discovery, list, get, watch, logs of pods, JSON patch with dry run, access reviews, and the service
//! proxy to Prometheus. Status codes, reasons and messages are those of a real API server (1.36, measured); what is
//! not here is answered 404, 405, 406 or 415, as there.

mod discovery;
mod log;
mod read;
mod refused;
mod rights;
mod watch;
mod write;

use std::collections::BTreeMap;

use axum::Router;
use axum::body::{Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use http::{HeaderMap, Method, StatusCode, header};

use super::http::{closed, date, decode, json_response, parameters};
use super::store::{KINDS, Kind};
use super::{Shared, Write, prometheus};
use discovery::discovery;
use refused::{Refused, not_allowed, nothing_here};
use rights::{allowed, review, reviewed};

/// The largest request body.
const LARGEST_BODY: usize = 3 * 1024 * 1024;

/// The API server.
pub(super) fn router(shared: Shared) -> Router {
    Router::new().fallback(answer).with_state(shared)
}

/// What a request asks for, taken apart.
struct Call {
    method: Method,
    path: String,
    query: BTreeMap<String, String>,
    headers: HeaderMap,
}

impl Call {
    fn parameter(&self, name: &str) -> &str {
        self.query.get(name).map_or("", String::as_str)
    }

    fn flag(&self, name: &str) -> bool {
        matches!(self.parameter(name), "true" | "1")
    }

    fn header(&self, name: header::HeaderName) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The client's name as the API server derives it: the parameter, else the user agent up to the slash.
    fn manager(&self) -> String {
        match self.parameter("fieldManager") {
            "" => self.header(header::USER_AGENT).split('/').next().unwrap_or_default().to_owned(),
            manager => manager.to_owned(),
        }
    }
}

/// Which objects a path names.
struct Place {
    kind: Kind,
    namespace: Option<String>,
    name: Option<String>,
}

async fn answer(State(shared): State<Shared>, request: Request) -> Response {
    if shared.over.is_cancelled() {
        return closed();
    }
    let (parts, body) = request.into_parts();
    let call = Call {
        query: parameters(parts.uri.query().unwrap_or_default().as_bytes()),
        path: decode(parts.uri.path()),
        method: parts.method,
        headers: parts.headers,
    };
    let mut response = match to_bytes(body, LARGEST_BODY).await {
        Ok(body) => route(&shared, &call, body).await.unwrap_or_else(Response::from),
        Err(_) => json_response(
            StatusCode::PAYLOAD_TOO_LARGE,
            &Refused::new(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge", "request entity too large")
                .status(),
        ),
    };
    date(&mut response, &shared);
    response
}

async fn route(shared: &Shared, call: &Call, body: Bytes) -> Result<Response, Refused> {
    if let Some(path) = proxied(&call.path) {
        let world = shared.world().await;
        allowed(&world, if call.method == Method::POST { "create" } else { "get" }, "", "services/proxy")?;
        drop(world);
        return Ok(prometheus::handle(shared, &call.method, &path, &call.query, &body).await);
    }
    if let Some(kind) = review(&call.path) {
        return if call.method == Method::POST {
            reviewed(shared, call, kind, &body).await
        } else {
            Err(not_allowed())
        };
    }
    if let Some(found) = discovery(&call.path) {
        return Ok(json_response(StatusCode::OK, &found));
    }
    if let Some((namespace, name)) = log::logged(&call.path).filter(|_| call.method == Method::GET) {
        return log::read(shared, call, namespace, name).await;
    }
    let Some(place) = place(&call.path) else {
        return Ok(nothing_here());
    };
    match (&call.method, &place.name) {
        (&Method::GET, Some(_)) => read::get(shared, call, &place).await,
        (&Method::GET, None) if call.flag("watch") => watch::watch(shared, call, &place).await,
        (&Method::GET, None) => read::list(shared, call, &place).await,
        (&Method::PATCH, Some(name)) => {
            let result = write::patched(shared, call, &place, name, &body).await;
            let status = result.as_ref().map_or_else(|refused| refused.code, Response::status);
            note(shared, call, status, &body);
            result
        }
        _ => {
            if call.method != Method::GET && call.method != Method::HEAD {
                note(shared, call, StatusCode::METHOD_NOT_ALLOWED, &body);
            }
            Err(not_allowed())
        }
    }
}

fn note(shared: &Shared, call: &Call, status: StatusCode, body: &Bytes) {
    let write = Write {
        at: shared.clock.now(),
        method: call.method.to_string(),
        path: call.path.clone(),
        dry_run: call.parameter("dryRun") == "All",
        status: status.as_u16(),
        body: String::from_utf8_lossy(body).into_owned(),
    };
    shared.writes.send_modify(|writes| writes.push(write));
}

/// The path behind `…/services/http:prometheus:9090/proxy`.
fn proxied(path: &str) -> Option<String> {
    let rest = path.strip_prefix("/api/v1/namespaces/monitoring/services/")?;
    let (service, path) = rest.split_once("/proxy")?;
    let known = [
        "prometheus",
        "prometheus:9090",
        "prometheus:http",
        "http:prometheus:9090",
        "http:prometheus:http",
        "http:prometheus:",
    ];
    known.contains(&service).then(|| if path.is_empty() { "/".to_owned() } else { path.to_owned() })
}

fn place(path: &str) -> Option<Place> {
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    let (group, version, rest) = match parts.as_slice() {
        ["api", version, rest @ ..] => ("", *version, rest),
        ["apis", group, version, rest @ ..] => (*group, *version, rest),
        _ => return None,
    };
    let (namespace, plural, name) = match rest {
        [plural] => (None, *plural, None),
        ["namespaces", name] => (None, "namespaces", Some(*name)),
        [plural, name] => (None, *plural, Some(*name)),
        ["namespaces", namespace, plural] => (Some(*namespace), *plural, None),
        ["namespaces", namespace, plural, name] => (Some(*namespace), *plural, Some(*name)),
        _ => return None,
    };
    let kind = KINDS.into_iter().find(|k| k.group == group && k.version == version && k.plural == plural)?;
    let fits = if name.is_some() {
        namespace.is_some() == kind.namespaced
    } else {
        namespace.is_none() || kind.namespaced
    };
    fits.then(|| Place {
        kind,
        namespace: namespace.map(ToOwned::to_owned),
        name: name.map(ToOwned::to_owned),
    })
}

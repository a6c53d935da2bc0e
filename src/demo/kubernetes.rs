//! The Kubernetes API over HTTP: discovery, list, get, watch, JSON patch with dry run, access reviews, and the service
//! proxy to Prometheus. Status codes, reasons and messages are those of a real API server (1.36, measured); what is
//! not here is answered 404, 405, 406 or 415, as there.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use futures_util::stream;
use http::{HeaderMap, Method, StatusCode, header};
use serde_json::{Map, Value, json};

use super::patch::{self, Unpatched};
use super::selector::Selector;
use super::store::{self, Change, KINDS, Kind};
use super::world::World;
use super::{Shared, Write, prometheus};

/// The largest request body.
const LARGEST_BODY: usize = 3 * 1024 * 1024;
/// A bookmark after so much quiet, in real time.
const BOOKMARK: Duration = Duration::from_secs(30);
/// How long a watch lasts when its client does not say, in real time.
const WATCH: Duration = Duration::from_secs(300);

/// The API server.
pub(super) fn router(shared: Shared) -> Router {
    Router::new().fallback(answer).with_state(shared)
}

/// An error as the API server writes it.
#[derive(Debug)]
struct Refused {
    code: StatusCode,
    reason: &'static str,
    message: String,
    details: Value,
}

impl Refused {
    fn new(code: StatusCode, reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            reason,
            message: message.into(),
            details: json!({}),
        }
    }

    fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "BadRequest", message)
    }

    fn status(&self) -> Value {
        json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
               "message": self.message, "reason": self.reason, "details": self.details, "code": self.code.as_u16()})
    }
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
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// The client's name as the API server derives it: the parameter, else the user agent up to the slash.
    fn manager(&self) -> String {
        match self.parameter("fieldManager") {
            "" => self
                .header(header::USER_AGENT)
                .split('/')
                .next()
                .unwrap_or_default()
                .to_owned(),
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
        Ok(body) => route(&shared, &call, body)
            .await
            .unwrap_or_else(|refused| json_response(refused.code, &refused.status())),
        Err(_) => json_response(
            StatusCode::PAYLOAD_TOO_LARGE,
            &Refused::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "RequestEntityTooLarge",
                "request entity too large",
            )
            .status(),
        ),
    };
    date(&mut response, &shared);
    response
}

/// The answer of a world that is over to a connection that is still open.
pub(super) fn closed() -> Response {
    let mut response = body_response(
        StatusCode::SERVICE_UNAVAILABLE,
        "text/plain; charset=utf-8",
        "the embedded world is over\n".to_owned(),
    );
    response
        .headers_mut()
        .insert(header::CONNECTION, header::HeaderValue::from_static("close"));
    response
}

/// Every answer carries world time, so that clocks can be compared.
pub(super) fn date(response: &mut Response, shared: &Shared) {
    let now = shared.clock.now().format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    if let Ok(value) = now.parse() {
        response.headers_mut().insert(header::DATE, value);
    }
}

pub(super) fn json_response(code: StatusCode, value: &Value) -> Response {
    body_response(code, "application/json", value.to_string())
}

pub(super) fn body_response(code: StatusCode, content_type: &'static str, body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = code;
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        header::HeaderValue::from_static(content_type),
    );
    response
}

fn nothing_here() -> Response {
    body_response(
        StatusCode::NOT_FOUND,
        "text/plain; charset=utf-8",
        "404 page not found\n".to_owned(),
    )
}

async fn route(shared: &Shared, call: &Call, body: Bytes) -> Result<Response, Refused> {
    if let Some(path) = proxied(&call.path) {
        let world = shared.world().await;
        allowed(
            &world,
            if call.method == Method::POST {
                "create"
            } else {
                "get"
            },
            "",
            "services/proxy",
        )?;
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
    let Some(place) = place(&call.path) else {
        return Ok(nothing_here());
    };
    match (&call.method, &place.name) {
        (&Method::GET, Some(_)) => get(shared, call, &place).await,
        (&Method::GET, None) if call.flag("watch") => watch(shared, call, &place).await,
        (&Method::GET, None) => list(shared, call, &place).await,
        (&Method::PATCH, Some(name)) => {
            let result = patched(shared, call, &place, name, &body).await;
            let status = result
                .as_ref()
                .map_or_else(|refused| refused.code, Response::status);
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

fn not_allowed() -> Refused {
    Refused::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "MethodNotAllowed",
        "the server does not allow this method on the requested resource",
    )
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
    known.contains(&service).then(|| {
        if path.is_empty() {
            "/".to_owned()
        } else {
            path.to_owned()
        }
    })
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
    let kind = KINDS
        .into_iter()
        .find(|k| k.group == group && k.version == version && k.plural == plural)?;
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

/// Whether the user may do it; a real API server answers 403 otherwise.
fn allowed(world: &World, verb: &str, group: &str, plural: &str) -> Result<(), Refused> {
    if !denied(world, verb, plural) {
        return Ok(());
    }
    let user = &world.scenario.user;
    Err(Refused::new(
        StatusCode::FORBIDDEN,
        "Forbidden",
        format!(
            "{plural} is forbidden: User \"{user}\" cannot {verb} resource \"{plural}\" in API group \"{group}\""
        ),
    ))
}

fn denied(world: &World, verb: &str, plural: &str) -> bool {
    world
        .scenario
        .deny
        .iter()
        .any(|rule| rule.split_once(' ') == Some((verb, plural)))
}

/// Which part of an object the client wants.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Shape {
    Whole,
    Metadata,
}

/// From the Accept header: the first form that can be served.
fn shape(call: &Call) -> Result<Shape, Refused> {
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

fn shaped(object: &Value, shape: Shape) -> Value {
    match shape {
        Shape::Whole => object.clone(),
        Shape::Metadata => {
            json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": object["metadata"]})
        }
    }
}

fn unknown_format(accepted: &str) -> Refused {
    Refused::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "UnsupportedMediaType",
        format!(
            "the body of the request was in an unknown format - accepted media types include: {accepted}"
        ),
    )
}

fn not_found(kind: Kind, name: &str) -> Refused {
    Refused {
        details: json!({"name": name, "group": kind.group, "kind": kind.plural}),
        ..Refused::new(
            StatusCode::NOT_FOUND,
            "NotFound",
            format!("{} \"{name}\" not found", kind.resource()),
        )
    }
}

async fn get(shared: &Shared, call: &Call, place: &Place) -> Result<Response, Refused> {
    let shape = shape(call)?;
    let world = shared.world().await;
    allowed(&world, "get", place.kind.group, place.kind.plural)?;
    let (namespace, name) = (
        place.namespace.as_deref().unwrap_or_default(),
        place.name.as_deref().unwrap_or_default(),
    );
    let object = world
        .store
        .get(place.kind, namespace, name)
        .ok_or_else(|| not_found(place.kind, name))?;
    Ok(json_response(StatusCode::OK, &shaped(object, shape)))
}

async fn list(shared: &Shared, call: &Call, place: &Place) -> Result<Response, Refused> {
    let shape = shape(call)?;
    let selector = selector(call)?;
    let world = shared.world().await;
    allowed(&world, "list", place.kind.group, place.kind.plural)?;
    let (version, after) = match call.parameter("continue") {
        "" => (world.store.version(), None),
        token => continuation(token, &world)?,
    };
    let limit = call
        .parameter("limit")
        .parse::<usize>()
        .ok()
        .filter(|limit| *limit > 0)
        .unwrap_or(usize::MAX);
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
        Shape::Metadata => (
            "PartialObjectMetadataList".to_owned(),
            "meta.k8s.io/v1".to_owned(),
        ),
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
        return Err(Refused::bad_request(
            "invalid continue token: continue key is not valid",
        ));
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

fn selector(call: &Call) -> Result<Selector, Refused> {
    Selector::parse(call.parameter("labelSelector"), call.parameter("fieldSelector"))
        .map_err(Refused::bad_request)
}

/// What one watch has to remember between its events.
struct Watching {
    shared: Shared,
    kind: Kind,
    namespace: Option<String>,
    selector: Selector,
    shape: Shape,
    from: u64,
    ready: Vec<Value>,
    bookmarks: bool,
    wake: tokio::sync::watch::Receiver<u64>,
    end: tokio::time::Instant,
    over: bool,
}

async fn watch(shared: &Shared, call: &Call, place: &Place) -> Result<Response, Refused> {
    let (shape, selector) = (shape(call)?, selector(call)?);
    let world = shared.world().await;
    allowed(&world, "watch", place.kind.group, place.kind.plural)?;
    let current = world.store.version();
    let asked = call.parameter("resourceVersion");
    let from = match asked {
        "" | "0" => None,
        text => Some(text.parse::<u64>().map_err(|_| {
            Refused::bad_request(format!(
                "Invalid value: {text:?}: strconv.ParseUint: parsing {text:?}: invalid syntax"
            ))
        })?),
    };
    let initial = call.flag("sendInitialEvents");
    let mut watching = Watching {
        shared: shared.clone(),
        kind: place.kind,
        namespace: place.namespace.clone(),
        selector,
        shape,
        from: if initial { current } else { from.unwrap_or(current) },
        ready: Vec::new(),
        bookmarks: call.flag("allowWatchBookmarks"),
        wake: shared.version.subscribe(),
        end: tokio::time::Instant::now()
            + call
                .parameter("timeoutSeconds")
                .parse()
                .map_or(WATCH, Duration::from_secs),
        over: false,
    };
    if initial || (from.is_none() && call.parameter("sendInitialEvents").is_empty()) {
        let objects = world.store.list(place.kind, place.namespace.as_deref());
        let fitting: Vec<&Arc<Value>> = objects.filter(|object| watching.selector.fits(object)).collect();
        watching.ready = fitting
            .into_iter()
            .map(|object| watching.event("ADDED", object))
            .collect();
    }
    if initial {
        watching.ready.push(watching.bookmark(true));
    }
    drop(world);
    watching.ready.reverse();
    let body = Body::from_stream(stream::unfold(watching, |mut watching| async move {
        let line = watching.next().await?;
        Some((Ok::<_, std::convert::Infallible>(line), watching))
    }));
    let mut response = Response::new(body);
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        header::HeaderValue::from_static("application/json"),
    );
    Ok(response)
}

impl Watching {
    fn event(&self, kind: &str, object: &Value) -> Value {
        json!({"type": kind, "object": shaped(object, self.shape)})
    }

    fn bookmark(&self, initial_end: bool) -> Value {
        let mut metadata = json!({"resourceVersion": self.from.to_string(), "creationTimestamp": null});
        if initial_end {
            metadata["annotations"] = json!({"k8s.io/initial-events-end": "true"});
        }
        let (kind, api_version) = match self.shape {
            Shape::Whole => (self.kind.kind.to_owned(), self.kind.api_version()),
            Shape::Metadata => ("PartialObjectMetadata".to_owned(), "meta.k8s.io/v1".to_owned()),
        };
        json!({"type": "BOOKMARK", "object": {"kind": kind, "apiVersion": api_version, "metadata": metadata}})
    }

    /// The next line of the stream; nothing when the watch is over.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(event) = self.ready.pop() {
                return Some(Bytes::from(format!("{event}\n")));
            }
            if self.over {
                return None;
            }
            self.wake.mark_unchanged();
            self.collect().await;
            if !self.ready.is_empty() {
                continue;
            }
            let quiet = tokio::time::Instant::now() + BOOKMARK;
            tokio::select! {
                changed = self.wake.changed() => changed.ok()?,
                () = self.shared.over.cancelled() => return None,
                () = tokio::time::sleep_until(self.end) => return None,
                () = tokio::time::sleep_until(quiet) => {
                    if self.bookmarks {
                        self.ready.push(self.bookmark(false));
                    }
                }
            }
        }
    }

    /// Takes what has changed since the last event.
    async fn collect(&mut self) {
        let shared = self.shared.clone();
        let world = shared.world().await;
        let Some(changes) = world.store.since(self.from) else {
            let gone = Refused::new(
                StatusCode::GONE,
                "Expired",
                format!(
                    "too old resource version: {} ({})",
                    self.from,
                    world.store.version()
                ),
            );
            self.ready.push(json!({"type": "ERROR", "object": gone.status()}));
            self.over = true;
            return;
        };
        let events: Vec<Value> = changes.filter_map(|change| self.seen(change)).collect();
        self.ready = events;
        self.ready.reverse();
        self.from = self.from.max(world.store.version());
    }

    /// How a change looks through the selector.
    fn seen(&self, change: &Change) -> Option<Value> {
        let here = |object: &Value| {
            self.namespace
                .as_deref()
                .is_none_or(|namespace| object["metadata"]["namespace"] == namespace)
                && self.selector.fits(object)
        };
        if change.kind != self.kind {
            return None;
        }
        let before = change.old.as_ref().is_some_and(|old| here(old));
        let after = !change.deleted && here(&change.new);
        let kind = match (before, after) {
            (false, true) => "ADDED",
            (true, true) => "MODIFIED",
            (true, false) => "DELETED",
            (false, false) => return None,
        };
        Some(self.event(kind, &change.new))
    }
}

async fn patched(
    shared: &Shared,
    call: &Call,
    place: &Place,
    name: &str,
    body: &Bytes,
) -> Result<Response, Refused> {
    let content_type = call
        .header(header::CONTENT_TYPE)
        .split(';')
        .next()
        .unwrap_or_default()
        .trim();
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
    let old = world
        .store
        .get(place.kind, namespace, name)
        .cloned()
        .ok_or_else(|| not_found(place.kind, name))?;
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
    let full = if kind.group.is_empty() {
        kind.kind.to_owned()
    } else {
        format!("{}.{}", kind.kind, kind.group)
    };
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
            return Err(invalid(
                "spec.template.spec.containers",
                "Required value".to_owned(),
            ));
        }
    }
    Ok(())
}

/// ConfigMap values are texts.
fn wrong_data(kind: Kind, new: &Value) -> Option<String> {
    let data = new.get("data").filter(|_| kind == store::CONFIG_MAP)?;
    let texts = data.is_null()
        || data
            .as_object()
            .is_some_and(|map: &Map<String, Value>| map.values().all(Value::is_string));
    (!texts).then(|| "ConfigMap in version \"v1\" cannot be handled as a ConfigMap: json: cannot unmarshal into Go struct field ConfigMap.data of type string".to_owned())
}

#[derive(Clone, Copy)]
enum Review {
    Access,
    User,
}

fn review(path: &str) -> Option<Review> {
    Some(match path {
        "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews" => Review::Access,
        "/apis/authentication.k8s.io/v1/selfsubjectreviews" => Review::User,
        _ => return None,
    })
}

async fn reviewed(shared: &Shared, call: &Call, kind: Review, body: &Bytes) -> Result<Response, Refused> {
    let content_type = call.header(header::CONTENT_TYPE);
    if !content_type.is_empty() && !content_type.starts_with("application/json") {
        return Err(unknown_format("application/json"));
    }
    let mut object: Value =
        serde_json::from_slice(body).map_err(|why| Refused::bad_request(why.to_string()))?;
    let world = shared.world().await;
    match kind {
        Review::Access => {
            let asked = &object["spec"]["resourceAttributes"];
            let text = |name: &str| asked[name].as_str().unwrap_or_default().to_owned();
            let resource = match text("subresource").as_str() {
                "" => text("resource"),
                sub => format!("{}/{sub}", text("resource")),
            };
            let denied = denied(&world, &text("verb"), &resource);
            object["status"] = if denied {
                json!({"allowed": false, "reason": ""})
            } else {
                json!({"allowed": true, "reason": "RBAC: allowed by RoleBinding \"oncall\""})
            };
        }
        Review::User => {
            object["status"] = json!({"userInfo": {"username": world.scenario.user,
                "groups": ["shop:oncall", "system:authenticated"]}});
        }
    }
    Ok(json_response(StatusCode::CREATED, &object))
}

/// `/version`, `/api`, `/apis` and the lists of resources below them.
fn discovery(path: &str) -> Option<Value> {
    match path {
        "/version" => {
            return Some(
                json!({"major": "1", "minor": "33", "gitVersion": "v1.33.4", "gitCommit": "embedded",
                "gitTreeState": "clean", "buildDate": "2026-08-13T00:00:00Z", "goVersion": "go1.24.5",
                "compiler": "gc", "platform": "linux/amd64"}),
            );
        }
        "/api" => {
            return Some(
                json!({"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}),
            );
        }
        "/apis" => {
            let mut groups: Vec<(&str, &str)> = KINDS
                .iter()
                .filter(|kind| !kind.group.is_empty())
                .map(|kind| (kind.group, kind.version))
                .collect();
            groups.dedup();
            let groups: Vec<Value> = groups
                .into_iter()
                .chain([("authorization.k8s.io", "v1"), ("authentication.k8s.io", "v1")])
                .map(|(group, version)| {
                    let version = json!({"groupVersion": format!("{group}/{version}"), "version": version});
                    json!({"name": group, "versions": [version], "preferredVersion": version})
                })
                .collect();
            return Some(json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}));
        }
        _ => {}
    }
    let wanted = path
        .strip_prefix("/apis/")
        .or_else(|| path.strip_prefix("/api/"))?;
    if let Some(resources) = reviews_of(wanted) {
        return Some(resources);
    }
    let resources: Vec<Value> = KINDS
        .iter()
        .filter(|kind| kind.api_version() == wanted)
        .map(|kind| {
            let verbs: &[&str] = if [store::DEPLOYMENT, store::CONFIG_MAP].contains(kind) {
                &["get", "list", "patch", "watch"]
            } else {
                &["get", "list", "watch"]
            };
            json!({"name": kind.plural, "singularName": kind.kind.to_lowercase(), "namespaced": kind.namespaced,
                   "kind": kind.kind, "verbs": verbs, "shortNames": kind.short_names()})
        })
        .collect();
    (!resources.is_empty()).then(|| {
        json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": wanted, "resources": resources})
    })
}

/// The resources of the two groups that only answer questions about the user.
fn reviews_of(group_version: &str) -> Option<Value> {
    let (plural, kind) = match group_version {
        "authorization.k8s.io/v1" => ("selfsubjectaccessreviews", "SelfSubjectAccessReview"),
        "authentication.k8s.io/v1" => ("selfsubjectreviews", "SelfSubjectReview"),
        _ => return None,
    };
    let resource = json!({"name": plural, "singularName": kind.to_lowercase(), "namespaced": false, "kind": kind, "verbs": ["create"]});
    Some(
        json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": [resource]}),
    )
}

/// Parameters of a query string or a form; the last of several with one name wins.
pub(super) fn parameters(query: &[u8]) -> BTreeMap<String, String> {
    let query = String::from_utf8_lossy(query);
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(&name.replace('+', " ")), decode(&value.replace('+', " ")))
        })
        .collect()
}

/// Percent-decoding; what is not valid stays as it is.
fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = bytes
            .get(at + 1..at + 3)
            .and_then(|hex| std::str::from_utf8(hex).ok());
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) if bytes[at] == b'%' => {
                out.push(byte);
                at += 3;
            }
            _ => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

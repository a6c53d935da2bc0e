//! Watches: the changes since a version as a stream of lines, bookmarks in between, 410 when the version is forgotten.
//! Their ends and pauses are in real time, because they belong to the connection and not to the world.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::response::Response;
use futures_util::stream;
use http::{StatusCode, header};
use serde_json::{Value, json};
use tokio::time::Sleep;

use super::read::{Shape, selector, shape, shaped};
use super::refused::Refused;
use super::rights::allowed;
use super::{Call, Place};
use crate::demo::Shared;
use crate::demo::selector::Selector;
use crate::demo::store::{Change, Kind};

/// A bookmark after so much quiet, in real time.
const BOOKMARK: Duration = Duration::from_secs(30);

/// How long a watch lasts when its client does not say, in real time.
const WATCH: Duration = Duration::from_secs(300);

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
    end: Pin<Box<Sleep>>,
    over: bool,
}

pub(super) async fn watch(shared: &Shared, call: &Call, place: &Place) -> Result<Response, Refused> {
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
        end: Box::pin(tokio::time::sleep(
            call.parameter("timeoutSeconds").parse().map_or(WATCH, Duration::from_secs),
        )),
        over: false,
    };
    if initial || (from.is_none() && call.parameter("sendInitialEvents").is_empty()) {
        let objects = world.store.list(place.kind, place.namespace.as_deref());
        let fitting: Vec<&Arc<Value>> = objects.filter(|object| watching.selector.fits(object)).collect();
        watching.ready = fitting.into_iter().map(|object| watching.event("ADDED", object)).collect();
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
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
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
            tokio::select! {
                changed = self.wake.changed() => changed.ok()?,
                () = self.shared.over.cancelled() => return None,
                () = &mut self.end => return None,
                () = tokio::time::sleep(BOOKMARK) => {
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
                format!("too old resource version: {} ({})", self.from, world.store.version()),
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
            self.namespace.as_deref().is_none_or(|namespace| object["metadata"]["namespace"] == namespace)
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

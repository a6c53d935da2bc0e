//! One call on the wire, exactly once, on a connection of its own.

use std::time::Duration;

use http::{HeaderMap, Request};
use kube::client::Body;

use super::classify::{Sent, answered, failed};
use crate::actions::undo::wire_text;
use crate::death;
use crate::domain::Time;
use crate::domain::clean::Clean;
use crate::domain::plan::Call;

/// A call is given up after this long. The API server gives up a patch after 34 s at the latest.
pub const LIMIT: Duration = Duration::from_secs(30);
/// The largest answer that is read: etcd takes objects of 1.5 MiB.
const LARGEST: usize = 64 << 20;

/// Sends `call` once; with `dry` the server stores nothing.
pub async fn send(client: &kube::Client, call: &Call, dry: bool) -> Sent {
    send_within(client, call, dry, LIMIT).await
}

/// [`send`] with a limit of its own.
pub async fn send_within(client: &kube::Client, call: &Call, dry: bool, limit: Duration) -> Sent {
    let request = match request(call, dry) {
        Ok(request) => request,
        Err(error) => {
            return Sent::NotSent { why: Clean::new(format!("{}: {error}", call.path)) };
        }
    };
    tokio::time::timeout(limit, exchange(client, request))
        .await
        .unwrap_or_else(|_| Sent::Unknown { why: Clean::new(format!("no answer in {} s", limit.as_secs())) })
}

fn request(call: &Call, dry: bool) -> Result<Request<Body>, http::Error> {
    let uri = if dry { format!("{}?dryRun=All", call.path) } else { call.path.clone() };
    Request::builder()
        .method(call.method.as_str())
        .uri(uri)
        .header(http::header::CONTENT_TYPE, call.content_type)
        .header(http::header::ACCEPT, "application/json")
        // The next call then opens a connection anew: on one that has been idle, hyper would by itself send again what
        // the server dropped.
        .header(http::header::CONNECTION, "close")
        .body(Body::from(wire_text(&call.body).into_bytes()))
}

async fn exchange(client: &kube::Client, request: Request<Body>) -> Sent {
    death::point("wire.unsent");
    let response = match client.send(request).await {
        Ok(response) => response,
        Err(error) => return failed(&error),
    };
    death::point("wire.answered");
    let status = response.status().as_u16();
    let retry_after = seconds(response.headers());
    let date = date(response.headers());
    // axum's body is the http-body adapter that is in the program anyway.
    match axum::body::to_bytes(axum::body::Body::new(response.into_body()), LARGEST).await {
        Ok(body) => answered(status, retry_after, date, &body),
        // A refusal is one even without its text. A success is not known to be ours without the object.
        Err(_) if matches!(status, 400..=407 | 409..=499) => {
            answered(status, retry_after, date, b"(the text of the answer was cut)")
        }
        Err(error) => Sent::Unknown { why: Clean::new(format!("the answer {status} was cut: {error}")) },
    }
}

/// `Retry-After` in seconds; its other form, a date, is not used by API servers.
fn seconds(headers: &HeaderMap) -> Option<u64> {
    headers.get(http::header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()
}

/// The `Date` header (RFC 9110: always GMT, whole seconds).
fn date(headers: &HeaderMap) -> Option<Time> {
    let text = headers.get(http::header::DATE)?.to_str().ok()?;
    chrono::DateTime::parse_from_rfc2822(text).ok().map(|time| time.to_utc())
}

//! One request to the API server and its answer, with a deadline, a bound on its size, and a typed error. Only GET, and
//! the POST of an access review.

use std::time::Duration;

use futures_util::{Stream, TryStreamExt as _};
use http::{HeaderMap, Method, Request};
use serde::de::DeserializeOwned;

use super::decode::Status;
use super::error::ReadError;
use crate::domain::Time;
use crate::domain::clean::Clean;

/// A single read is given up after this long.
pub(super) const READ: Duration = Duration::from_secs(20);
/// The largest answer that is read: a page of 500 objects of the largest size that etcd takes is rarer than a bug.
const LARGEST: usize = 256 << 20;

/// JSON as the API has it.
pub(super) const JSON: &str = "application/json";

/// An answer with a 2xx status.
pub(super) struct Answer {
    /// The body.
    pub body: Vec<u8>,
    /// The server's clock.
    pub date: Option<Time>,
}

impl Answer {
    /// The body as `T`.
    pub fn json<T: DeserializeOwned>(&self, server: &Clean) -> Result<T, ReadError> {
        serde_json::from_slice(&self.body).map_err(|error| garbage(server, &error))
    }
}

/// That the bytes are not what they should be. Serde's message names the place, never the content.
pub(super) fn garbage(server: &Clean, error: &serde_json::Error) -> ReadError {
    ReadError::Garbage { server: server.clone(), why: Clean::new(error.to_string()) }
}

/// Sends a GET and reads the whole answer.
pub(super) async fn get(
    client: &kube::Client,
    server: &Clean,
    uri: &str,
    accept: &str,
) -> Result<Answer, ReadError> {
    whole(client, server, request(Method::GET, uri, accept, Vec::new(), server)?, READ).await
}

/// Sends a review and reads the whole answer. Reviews change nothing: they are questions in the form of a POST.
pub(super) async fn review(
    client: &kube::Client,
    server: &Clean,
    uri: &str,
    body: &serde_json::Value,
) -> Result<Answer, ReadError> {
    let bytes = body.to_string().into_bytes();
    whole(client, server, request(Method::POST, uri, JSON, bytes, server)?, READ).await
}

/// Sends a GET whose answer does not end, and gives its pieces as they come. The answer must begin within [`READ`].
pub(super) async fn stream(
    client: &kube::Client,
    server: &Clean,
    uri: &str,
    accept: &str,
) -> Result<impl Stream<Item = Result<axum::body::Bytes, ReadError>> + Send + use<>, ReadError> {
    let request = request(Method::GET, uri, accept, Vec::new(), server)?;
    let response = within(server, READ, send(client, server, request)).await?;
    if !response.status().is_success() {
        let refusal = within(server, READ, collect(response, server)).await;
        return Err(refusal.err().unwrap_or_else(|| ReadError::NotFound(Clean::new(uri))));
    }
    let server = server.clone();
    // axum's body is the http-body adapter that is in the program anyway.
    Ok(axum::body::Body::new(response.into_body())
        .into_data_stream()
        .map_err(move |error| cut(&server, &error)))
}

fn request(
    method: Method,
    uri: &str,
    accept: &str,
    body: Vec<u8>,
    server: &Clean,
) -> Result<Request<kube::client::Body>, ReadError> {
    let mut builder = Request::builder().method(method).uri(uri).header(http::header::ACCEPT, accept);
    if !body.is_empty() {
        builder = builder.header(http::header::CONTENT_TYPE, JSON);
    }
    builder.body(body.into()).map_err(|error| ReadError::Unreachable {
        server: server.clone(),
        why: Clean::new(format!("{uri}: {error}")),
    })
}

async fn whole(
    client: &kube::Client,
    server: &Clean,
    request: Request<kube::client::Body>,
    limit: Duration,
) -> Result<Answer, ReadError> {
    within(server, limit, async {
        let response = send(client, server, request).await?;
        collect(response, server).await
    })
    .await
}

async fn within<T>(
    server: &Clean,
    limit: Duration,
    work: impl Future<Output = Result<T, ReadError>>,
) -> Result<T, ReadError> {
    tokio::time::timeout(limit, work)
        .await
        .unwrap_or_else(|_| Err(ReadError::Timeout { server: server.clone(), seconds: limit.as_secs() }))
}

async fn send(
    client: &kube::Client,
    server: &Clean,
    request: Request<kube::client::Body>,
) -> Result<http::Response<kube::client::Body>, ReadError> {
    client.send(request).await.map_err(|error| ReadError::of(&error, server))
}

async fn collect(response: http::Response<kube::client::Body>, server: &Clean) -> Result<Answer, ReadError> {
    let status = response.status();
    let date = date(response.headers());
    let body = axum::body::to_bytes(axum::body::Body::new(response.into_body()), LARGEST)
        .await
        .map_err(|error| cut(server, &error))?;
    if status.is_success() {
        return Ok(Answer { body: body.into(), date });
    }
    Err(refused(status.as_u16(), &body, server))
}

fn cut(server: &Clean, error: &(dyn std::error::Error + 'static)) -> ReadError {
    ReadError::Cut { server: server.clone(), why: super::error::Chain::of(error).innermost() }
}

pub(super) fn refused(status: u16, body: &[u8], server: &Clean) -> ReadError {
    let message = serde_json::from_slice::<Status>(body)
        .map(|status| status.message)
        .unwrap_or_else(|_| String::from_utf8_lossy(body).chars().take(200).collect());
    let message = Clean::new(message.trim());
    match status {
        401 => ReadError::Unauthorized { server: server.clone() },
        403 => ReadError::Forbidden(message),
        404..=406 => ReadError::NotFound(message),
        410 => ReadError::Gone(message),
        _ => ReadError::Server { status, message },
    }
}

/// The `Date` header (RFC 9110: always GMT, whole seconds).
pub(super) fn date(headers: &HeaderMap) -> Option<Time> {
    let text = headers.get(http::header::DATE)?.to_str().ok()?;
    chrono::DateTime::parse_from_rfc2822(text).ok().map(|time| time.to_utc())
}

/// `text` as one segment of a path or one value of a query (RFC 3986: all but the unreserved characters escaped).
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_leave_its_segment_of_a_path() {
        assert_eq!(escaped("web-1.x"), "web-1.x");
        assert_eq!(escaped("../a?b=c&d#e f"), "..%2Fa%3Fb%3Dc%26d%23e%20f");
    }

    #[test]
    fn the_date_header_is_read_as_utc() {
        let mut headers = HeaderMap::new();
        headers.insert("date", http::HeaderValue::from_static("Sat, 21 Nov 2026 10:28:49 GMT"));
        assert_eq!(date(&headers).map(|t| t.to_rfc3339()), Some("2026-11-21T10:28:49+00:00".to_owned()));
    }
}

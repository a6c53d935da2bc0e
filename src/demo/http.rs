//! What all servers need of HTTP: bodies, the date in world time, and parameters.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::response::Response;
use http::{StatusCode, header};
use serde_json::Value;

use super::Shared;

pub(super) fn json_response(code: StatusCode, value: &Value) -> Response {
    body_response(code, "application/json", value.to_string())
}

pub(super) fn body_response(code: StatusCode, content_type: &'static str, body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = code;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(content_type));
    response
}

/// Every answer carries world time, so that clocks can be compared.
pub(super) fn date(response: &mut Response, shared: &Shared) {
    let now = shared.clock.now().format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    if let Ok(value) = now.parse() {
        response.headers_mut().insert(header::DATE, value);
    }
}

/// The answer of a world that is over to a connection that is still open.
pub(super) fn closed() -> Response {
    let mut response = body_response(
        StatusCode::SERVICE_UNAVAILABLE,
        "text/plain; charset=utf-8",
        "the embedded world is over\n".to_owned(),
    );
    response.headers_mut().insert(header::CONNECTION, header::HeaderValue::from_static("close"));
    response
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
pub(super) fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = bytes.get(at + 1..at + 3).and_then(|hex| std::str::from_utf8(hex).ok());
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

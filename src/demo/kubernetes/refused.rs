//! Errors as the API server writes them: a `Status` object with code, reason and message.

use axum::response::Response;
use http::StatusCode;
use serde_json::{Value, json};

use crate::demo::http::{body_response, json_response};
use crate::demo::store::Kind;

/// An error as the API server writes it.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) code: StatusCode,
    pub(super) reason: &'static str,
    pub(super) message: String,
    pub(super) details: Value,
}

impl Refused {
    pub(super) fn new(code: StatusCode, reason: &'static str, message: impl Into<String>) -> Self {
        Self { code, reason, message: message.into(), details: json!({}) }
    }

    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "BadRequest", message)
    }

    pub(super) fn status(&self) -> Value {
        json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
               "message": self.message, "reason": self.reason, "details": self.details, "code": self.code.as_u16()})
    }
}

impl From<Refused> for Response {
    fn from(refused: Refused) -> Self {
        json_response(refused.code, &refused.status())
    }
}

pub(super) fn nothing_here() -> Response {
    body_response(StatusCode::NOT_FOUND, "text/plain; charset=utf-8", "404 page not found\n".to_owned())
}

pub(super) fn not_allowed() -> Refused {
    Refused::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "MethodNotAllowed",
        "the server does not allow this method on the requested resource",
    )
}

pub(super) fn unknown_format(accepted: &str) -> Refused {
    Refused::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "UnsupportedMediaType",
        format!(
            "the body of the request was in an unknown format - accepted media types include: {accepted}"
        ),
    )
}

pub(super) fn not_found(kind: Kind, name: &str) -> Refused {
    Refused {
        details: json!({"name": name, "group": kind.group, "kind": kind.plural}),
        ..Refused::new(StatusCode::NOT_FOUND, "NotFound", format!("{} \"{name}\" not found", kind.resource()))
    }
}

//! What an answer, or its absence, says about a write. The rule: `Refused` and `NotSent` only where it is certain that
//! nothing happened; every doubt is `Unknown`.

use std::error::Error as StdError;

use serde_json::Value;

use crate::domain::Time;
use crate::domain::clean::Clean;

/// What became of a call.
#[derive(Clone, PartialEq, Debug)]
pub enum Sent {
    /// The server did it (or, asked for a dry run, would do it).
    Done {
        /// The object afterwards.
        object: Value,
        /// HTTP status.
        status: u16,
        /// The server's clock, where it told it.
        server_date: Option<Time>,
    },
    /// The server did not do it.
    Refused {
        /// HTTP status.
        status: u16,
        /// What kind of refusal.
        cause: Cause,
        /// The server's reason word, as in `Forbidden`.
        reason: Clean,
        /// The server's sentence.
        message: Clean,
        /// The server asks to wait this many seconds before anybody asks again. Nobody does by himself.
        retry_after_s: Option<u64>,
    },
    /// It may have happened or not. The object has to be read back; the call is not sent again.
    Unknown {
        /// What was seen.
        why: Clean,
    },
    /// No byte of it left this program.
    NotSent {
        /// What was seen.
        why: Clean,
    },
}

/// Why the server refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cause {
    /// 422 from the patch itself: a `test` of the patch did not hold (the server does not say which), or its path does
    /// not exist any more. The object has changed since it was read.
    TestFailed,
    /// 409: somebody else was writing at this moment.
    Conflict,
    /// 403: no right, or an admission webhook said no.
    Forbidden,
    /// 401: the login has expired.
    Unauthorized,
    /// 404: the object is gone.
    Gone,
    /// 429: too busy; it was not started.
    Busy,
    /// 400 or 422: the result would not be a valid object, or an admission policy rejects it.
    Invalid,
    /// Another 4xx.
    Other,
}

/// What the API server puts on a 422 that it raises while it applies a JSON patch. A 422 of the validation that follows
/// names the object and the field instead.
const PATCH_REJECTED: &str = "the server rejected our request due to an error in our request";

/// From a complete answer.
pub(super) fn answered(
    status: u16,
    retry_after_s: Option<u64>,
    server_date: Option<Time>,
    body: &[u8],
) -> Sent {
    let parsed = serde_json::from_slice::<Value>(body).ok();
    match (status, parsed) {
        (200..=299, Some(object)) if object.pointer("/metadata/uid").is_some_and(Value::is_string) => {
            Sent::Done { object, status, server_date }
        }
        (200..=299, _) => Sent::Unknown {
            why: Clean::new(format!("the answer {status} holds no object; is there a proxy in between?")),
        },
        // 408 comes from whatever stands in front, after it may have passed the request on.
        (400..=407 | 409..=499, parsed) => refused(status, retry_after_s, parsed.as_ref(), body),
        (status, parsed) => {
            let message = parsed.as_ref().map(|value| text(value, "message")).unwrap_or_default();
            Sent::Unknown { why: Clean::new(format!("the server answered {status} {message}").trim_end()) }
        }
    }
}

fn refused(status: u16, retry_after_s: Option<u64>, parsed: Option<&Value>, body: &[u8]) -> Sent {
    let said = |field: &str| parsed.map(|value| text(value, field)).unwrap_or_default();
    let mut message = said("message");
    if parsed.is_none() {
        message = String::from_utf8_lossy(body).trim().chars().take(200).collect();
    }
    let of_the_patch = message.starts_with(PATCH_REJECTED)
        && parsed.is_some_and(|value| value.pointer("/details/causes").is_none_or(Value::is_null));
    let cause = match status {
        400 => Cause::Invalid,
        401 => Cause::Unauthorized,
        403 => Cause::Forbidden,
        404 | 410 => Cause::Gone,
        409 => Cause::Conflict,
        422 if of_the_patch => Cause::TestFailed,
        422 => Cause::Invalid,
        429 => Cause::Busy,
        _ => Cause::Other,
    };
    let told = parsed.and_then(|value| value.pointer("/details/retryAfterSeconds")).and_then(Value::as_u64);
    Sent::Refused {
        status,
        cause,
        reason: Clean::new(said("reason")),
        message: Clean::new(message),
        retry_after_s: retry_after_s.or(told),
    }
}

fn text(value: &Value, field: &str) -> String {
    value.get(field).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// From an error instead of an answer.
pub(super) fn failed(error: &kube::Error) -> Sent {
    let chain = chain(error);
    let why = Clean::new(chain.iter().map(ToString::to_string).collect::<Vec<_>>().join(": "));
    let certain = chain.iter().any(|link| {
        link.downcast_ref::<kube::client::AuthError>().is_some()
            || link.downcast_ref::<std::io::Error>().is_some_and(|io| io.kind() == std::io::ErrorKind::ConnectionRefused)
            // hyper-util names the phase in its text only; a test holds it to that. Within it no request exists yet.
            || link.to_string() == "client error (Connect)"
    });
    if certain
        || matches!(error, kube::Error::Auth(_) | kube::Error::BuildRequest(_) | kube::Error::HttpError(_))
    {
        Sent::NotSent { why }
    } else {
        Sent::Unknown { why }
    }
}

/// An error and what caused it, outermost first. Cut at sixteen, far above what clients nest: a cycle must not hang us.
fn chain(error: &kube::Error) -> Vec<&(dyn StdError + 'static)> {
    let mut next: Option<&(dyn StdError + 'static)> = Some(error);
    std::iter::from_fn(|| {
        let link = next?;
        next = link.source();
        Some(link)
    })
    .take(16)
    .collect()
}

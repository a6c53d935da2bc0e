//! After an unknown outcome: is our mark on the object? Reading may be repeated as often as one likes.

use http::Request;
use serde_json::Value;

use super::send::LIMIT;
use crate::domain::clean::Clean;
use crate::domain::plan::Call;

/// The annotation that every write of ours carries: `<action id>:<first 12 hex digits of its digest>`.
const ACTION: &str = "goaround.dev/action";

/// What the object says about the action.
#[derive(Clone, PartialEq, Debug)]
pub enum ReadBack {
    /// It carries the action: the call was done.
    Applied {
        /// The object.
        object: Value,
    },
    /// It does not carry it. The call was not done *so far*: one that is still on its way may land, until something
    /// that it tests has changed.
    NotApplied {
        /// The object.
        object: Value,
        /// The action that it carries instead.
        other: Option<Clean>,
    },
    /// There is no such object any more.
    Gone,
    /// It could not be read.
    Unknown {
        /// Why.
        why: Clean,
    },
}

/// Reads the object of `call` from the quorum and looks for `action`, which is the whole value of the annotation or
/// its part before the colon.
pub async fn read_back(client: &kube::Client, call: &Call, action: &str) -> ReadBack {
    let unknown = |why: &dyn std::fmt::Display| ReadBack::Unknown { why: Clean::new(why.to_string()) };
    let request =
        match Request::get(&call.path).header(http::header::ACCEPT, "application/json").body(Vec::new()) {
            Ok(request) => request,
            Err(error) => return unknown(&error),
        };
    let object: Value = match tokio::time::timeout(LIMIT, client.request(request)).await {
        Ok(Ok(object)) => object,
        Ok(Err(kube::Error::Api(status))) if status.code == 404 => return ReadBack::Gone,
        Ok(Err(error)) => return unknown(&error),
        Err(_) => return unknown(&format!("no answer in {} s", LIMIT.as_secs())),
    };
    if !object.pointer("/metadata/uid").is_some_and(Value::is_string) {
        return unknown(&"the answer holds no object");
    }
    let carried = object
        .pointer("/metadata/annotations")
        .and_then(|annotations| annotations.get(ACTION))
        .and_then(Value::as_str)
        .map(str::to_owned);
    let ours = |carried: &String| {
        !action.is_empty()
            && (carried == action || carried.split_once(':').is_some_and(|(id, _)| id == action))
    };
    if carried.as_ref().is_some_and(ours) {
        ReadBack::Applied { object }
    } else {
        ReadBack::NotApplied { object, other: carried.map(Clean::new) }
    }
}

//! Answers of lists and watches. The fast way parses straight into thin types; only when that fails, the slow way
//! parses piece by piece, to find out which object is odd and to keep all the others.

use serde::Deserialize;
use serde_json::Value;

use super::kinds::{Kind, Object};
use super::lax;
use crate::domain::clean::Clean;
use crate::domain::cluster::Key;

/// An object that could not be understood.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Broken {
    /// Namespace and name, as far as they could be read.
    pub key: Key,
    /// What is odd about it.
    pub why: Clean,
}

/// A page of a list.
#[derive(Debug, PartialEq)]
pub struct Page<T> {
    /// Version of the whole list.
    pub resource_version: String,
    /// Where the next page begins; empty on the last one.
    pub next: String,
    /// How many objects come after this page, where the server says.
    pub remaining: Option<usize>,
    /// The objects.
    pub objects: Vec<Object<T>>,
    /// Those that are not among them.
    pub broken: Vec<Broken>,
}

/// A line of a watch.
#[derive(Debug, PartialEq)]
pub enum Line<T> {
    /// New or different.
    Applied(Object<T>),
    /// Gone.
    Deleted(Object<T>),
    /// An object that could not be understood, at this version.
    Broken(Broken, String),
    /// No news up to this version.
    Bookmark(String),
    /// The server gives up on this watch: HTTP status and message. 410: list again.
    Error(u16, Clean),
}

#[derive(Deserialize)]
#[serde(bound(deserialize = "R: Deserialize<'de>"))]
struct List<R> {
    #[serde(default, deserialize_with = "lax")]
    metadata: ListMeta,
    // Not defaulted: a body without items is no list, and must not pass for an empty one.
    #[serde(deserialize_with = "maybe_null")]
    items: Vec<R>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct ListMeta {
    #[serde(deserialize_with = "lax")]
    resource_version: String,
    #[serde(rename = "continue", deserialize_with = "lax")]
    next: String,
    #[serde(rename = "remainingItemCount", deserialize_with = "lax")]
    remaining: Option<usize>,
}

fn maybe_null<'de, D: serde::Deserializer<'de>, R: Deserialize<'de>>(
    deserializer: D,
) -> Result<Vec<R>, D::Error> {
    lax(deserializer)
}

/// Reads a page.
pub fn page<K: Kind>(body: &[u8]) -> Result<Page<K::Item>, serde_json::Error> {
    let mut broken = Vec::new();
    let (metadata, shaped): (ListMeta, Vec<Object<K::Item>>) =
        match serde_json::from_slice::<List<K::Raw>>(body) {
            Ok(list) => (list.metadata, list.items.into_iter().map(K::shape).collect()),
            Err(_) => {
                let list: List<Value> = serde_json::from_slice(body)?;
                let mut objects = Vec::with_capacity(list.items.len());
                for value in list.items {
                    match one::<K>(value) {
                        Ok(object) => objects.push(object),
                        Err((odd, _)) => broken.push(odd),
                    }
                }
                (list.metadata, objects)
            }
        };
    let mut objects = Vec::with_capacity(shaped.len());
    for object in shaped {
        match nameless(&object.key) {
            Some(odd) => broken.push(odd),
            None => objects.push(object),
        }
    }
    Ok(Page {
        resource_version: metadata.resource_version,
        next: metadata.next,
        remaining: metadata.remaining,
        objects,
        broken,
    })
}

/// Adjacently tagged, because the server writes the type first: the object is then parsed in place.
#[derive(Deserialize)]
#[serde(tag = "type", content = "object", rename_all = "UPPERCASE")]
enum Wire<R> {
    Added(R),
    Modified(R),
    Deleted(R),
    Bookmark(Mark),
    Error(Status),
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Mark {
    #[serde(deserialize_with = "lax")]
    metadata: ListMeta,
}

/// What the API server says about a failure (`meta/v1 Status`), as far as it is used.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Status {
    /// As of HTTP.
    pub code: u16,
    /// Its words, as they came.
    pub message: String,
}

/// Reads a line of a watch.
pub fn line<K: Kind>(bytes: &[u8]) -> Result<Line<K::Item>, serde_json::Error> {
    let line = match serde_json::from_slice::<Wire<K::Raw>>(bytes) {
        Ok(Wire::Added(raw) | Wire::Modified(raw)) => Line::Applied(K::shape(raw)),
        Ok(Wire::Deleted(raw)) => Line::Deleted(K::shape(raw)),
        Ok(Wire::Bookmark(mark)) => Line::Bookmark(mark.metadata.resource_version),
        Ok(Wire::Error(status)) => Line::Error(status.code, Clean::new(status.message)),
        Err(error) => match serde_json::from_slice::<Wire<Value>>(bytes)? {
            Wire::Added(value) | Wire::Modified(value) | Wire::Deleted(value) => match one::<K>(value) {
                Ok(_) => return Err(error),
                Err((odd, version)) => Line::Broken(odd, version),
            },
            Wire::Bookmark(_) | Wire::Error(_) => return Err(error),
        },
    };
    Ok(match line {
        Line::Applied(object) | Line::Deleted(object) if object.key.name.is_empty() => {
            Line::Broken(no_name(&object.key), object.resource_version)
        }
        line => line,
    })
}

/// One object, or why not and its version.
fn one<K: Kind>(value: Value) -> Result<Object<K::Item>, (Broken, String)> {
    let text = |path: &str| value.pointer(path).and_then(Value::as_str).unwrap_or_default();
    let key = Key::new(text("/metadata/namespace"), text("/metadata/name"));
    let version = text("/metadata/resourceVersion").to_owned();
    serde_json::from_value::<K::Raw>(value).map(K::shape).map_err(|error| {
        let why = Clean::new(error.to_string());
        (Broken { key, why }, version)
    })
}

fn nameless(key: &Key) -> Option<Broken> {
    key.name.is_empty().then(|| no_name(key))
}

fn no_name(key: &Key) -> Broken {
    Broken { key: key.clone(), why: Clean::new("it has no name") }
}

//! Replies of a Prometheus, read: what was asked for, or an error that says who answered what. Pure; how long a reply
//! took, [`Answer::took`], is written in by whoever waited for it.

use serde::de::DeserializeOwned;

use super::answer::{
    Answer, BuildInfo, Element, Envelope, Queried, Range, RuleGroup, RuntimeInfo, Series, WireBuild,
    WireRules, WireRuntime, WireSeries, number, time,
};
use super::error::PromError;
use super::shape::path_at;
use super::transport::Reply;
use crate::domain::clean::Clean;

/// Reads the reply to an instant query. A scalar is one series without labels.
///
/// # Errors
/// See [`PromError`].
pub fn query(reply: Reply) -> Result<Answer<Vec<Series>>, PromError> {
    Got::<Queried<Element>>::of(reply)?.queried(instant)
}

/// Reads the reply to a range query.
///
/// # Errors
/// See [`PromError`].
pub fn query_range(reply: Reply) -> Result<Answer<Vec<Range>>, PromError> {
    Got::<Queried<WireSeries>>::of(reply)?.queried(matrix)
}

/// Reads the rules.
///
/// # Errors
/// See [`PromError`].
pub fn rules(reply: Reply) -> Result<Answer<Vec<RuleGroup>>, PromError> {
    Ok(Got::of(reply)?.map(WireRules::groups))
}

/// Reads what the server is.
///
/// # Errors
/// See [`PromError`].
pub fn buildinfo(reply: Reply) -> Result<Answer<BuildInfo>, PromError> {
    Ok(Got::of(reply)?.map(WireBuild::read))
}

/// Reads how far back the server remembers.
///
/// # Errors
/// See [`PromError`].
pub fn runtimeinfo(reply: Reply) -> Result<Answer<RuntimeInfo>, PromError> {
    Ok(Got::of(reply)?.map(WireRuntime::read))
}

/// A decoded answer whose data still has the shape of the wire.
struct Got<T> {
    at: Clean,
    answer: Answer<T>,
}

impl<T: DeserializeOwned> Got<T> {
    fn of(reply: Reply) -> Result<Self, PromError> {
        let envelope: Envelope<T> = judge(&reply)?;
        let Some(data) = envelope.data else {
            return Err(shape(&reply.at, "data", "there is none"));
        };
        let answer = Answer {
            data,
            warnings: envelope.warnings.unwrap_or_default(),
            infos: envelope.infos.unwrap_or_default(),
            server_date: reply.date,
            bytes: reply.body.len(),
            took: 0,
        };
        Ok(Self { at: reply.at, answer })
    }
}

impl<T> Got<T> {
    fn map<U>(self, read: impl FnOnce(T) -> U) -> Answer<U> {
        let Answer { data, warnings, infos, server_date, bytes, took } = self.answer;
        Answer { data: read(data), warnings, infos, server_date, bytes, took }
    }
}

impl<E> Got<Queried<E>> {
    /// The answer of a query. What cannot be read as numbers (native histograms) is left out and said.
    fn queried<U>(
        mut self,
        read: impl FnOnce(&str, Vec<E>) -> Result<(Vec<U>, usize), Wrong>,
    ) -> Result<Answer<Vec<U>>, PromError> {
        let inside = self.answer.data.warnings.take();
        self.answer.warnings.extend(inside.unwrap_or_default());
        let at = self.at.clone();
        let mut skipped = 0;
        let answer = self.map(|data| read(&data.kind, data.result));
        let Answer { data, mut warnings, infos, server_date, bytes, took } = answer;
        let data = data
            .map(|(data, histograms)| {
                skipped = histograms;
                data
            })
            .map_err(|(path, why)| shape(&at, path, why))?;
        if skipped > 0 {
            warnings.push(Clean::new(format!("{skipped} series are native histograms and were left out")));
        }
        Ok(Answer { data, warnings, infos, server_date, bytes, took })
    }
}

/// A path and what is wrong there.
type Wrong = (&'static str, String);

/// Series of an instant query, and how many had no number.
fn instant(kind: &str, result: Vec<Element>) -> Result<(Vec<Series>, usize), Wrong> {
    if kind == "scalar" {
        return match &result[..] {
            [Element::Time(at), Element::Text(text)] => match (time(*at), number(text)) {
                (Some(at), Some(value)) => {
                    Ok((vec![Series { labels: std::collections::BTreeMap::new(), value, at }], 0))
                }
                _ => Err(("data.result", "a scalar is no number".to_owned())),
            },
            _ => Err(("data.result", "a scalar is [time, \"value\"]".to_owned())),
        };
    }
    if kind != "vector" {
        return Err(("data.resultType", format!("`{kind}` instead of vector")));
    }
    let mut series = Vec::with_capacity(result.len());
    let mut skipped = 0;
    for element in result {
        match element {
            Element::Series(WireSeries { metric, value: Some(sample), .. }) => {
                series.push(Series { labels: metric, value: sample.value, at: sample.at });
            }
            Element::Series(_) => skipped += 1,
            _ => return Err(("data.result", "an element is no series".to_owned())),
        }
    }
    Ok((series, skipped))
}

/// Series of a range query, and how many had no number.
fn matrix(kind: &str, result: Vec<WireSeries>) -> Result<(Vec<Range>, usize), Wrong> {
    if kind != "matrix" {
        return Err(("data.resultType", format!("`{kind}` instead of matrix")));
    }
    let mut ranges = Vec::with_capacity(result.len());
    let mut skipped = 0;
    for series in result {
        match series.values {
            Some(samples) => ranges.push(Range { labels: series.metric, samples }),
            None => skipped += 1,
        }
    }
    Ok((ranges, skipped))
}

fn shape(at: &Clean, path: impl AsRef<str>, why: impl AsRef<str>) -> PromError {
    PromError::Shape { at: at.clone(), path: Clean::new(path), why: Clean::new(why) }
}

/// The envelope of a good answer, or what is wrong with it.
fn judge<T: DeserializeOwned>(reply: &Reply) -> Result<Envelope<T>, PromError> {
    let at = || reply.at.clone();
    if let Some(error) = refused_by_api_server(reply) {
        return Err(error);
    }
    match reply.status {
        401 => return Err(PromError::Unauthorized { at: at() }),
        403 => {
            return Err(PromError::Forbidden { at: at(), said: said(reply) });
        }
        300..=399 => {
            return Err(PromError::Redirect { at: at(), status: reply.status, to: reply.location.clone() });
        }
        _ => {}
    }
    if is_html(reply) {
        return Err(PromError::Html { at: at(), status: reply.status });
    }
    if !(200..300).contains(&reply.status) {
        return Err(failed(reply));
    }
    let envelope: Envelope<T> = decode(reply)?;
    if envelope.status == "success" { Ok(envelope) } else { Err(failed(reply)) }
}

fn decode<T: DeserializeOwned>(reply: &Reply) -> Result<T, PromError> {
    serde_json::from_slice(&reply.body).map_err(|error| {
        let path = path_at(&reply.body, error.line(), error.column());
        let words = error.to_string();
        // Position in bytes means nothing to a person; the path stands for it.
        let words = words.rsplit_once(" at line ").map_or(words.as_str(), |(words, _)| words);
        shape(&reply.at, path, words)
    })
}

/// The error that a body or a status tells of.
fn failed(reply: &Reply) -> PromError {
    let at = reply.at.clone();
    let envelope: Option<Envelope<serde::de::IgnoredAny>> = serde_json::from_slice(&reply.body).ok();
    let kind = envelope.as_ref().and_then(|envelope| envelope.error_type.as_deref()).unwrap_or_default();
    let words = envelope.as_ref().and_then(|envelope| envelope.error.clone()).unwrap_or_else(|| said(reply));
    match (reply.status, kind) {
        (_, "bad_data") => PromError::BadData { at, said: words },
        // The query ran into the server's limit: asking at once again would only load it more.
        (_, "timeout" | "canceled") => PromError::Execution { at, said: words },
        (_, "execution") | (422, _) => PromError::Execution { at, said: words },
        (503, _) | (_, "unavailable") => PromError::Unavailable { at, said: words },
        (status, _) => PromError::Status { at, status, said: words },
    }
}

/// A `Status` object of the API server, which stands before the service.
fn refused_by_api_server(reply: &Reply) -> Option<PromError> {
    #[derive(serde::Deserialize)]
    struct Refusal {
        kind: String,
        #[serde(default)]
        message: Clean,
    }
    let namespace = reply.proxied.clone()?;
    if reply.status < 400 {
        return None;
    }
    let refusal: Refusal = serde_json::from_slice(&reply.body).ok()?;
    if refusal.kind != "Status" {
        return None;
    }
    let at = reply.at.clone();
    Some(if matches!(reply.status, 401 | 403) {
        PromError::ProxyForbidden { at, namespace, said: refusal.message }
    } else {
        PromError::Proxy { at, status: reply.status, said: refusal.message }
    })
}

fn is_html(reply: &Reply) -> bool {
    let start = reply.body.trim_ascii_start();
    reply.content_type.starts_with("text/html") || start.starts_with(b"<")
}

/// The first line of a body, shortened: enough to recognise who answered.
fn said(reply: &Reply) -> Clean {
    if is_html(reply) {
        return Clean::new("an HTML page");
    }
    let text = String::from_utf8_lossy(&reply.body[..reply.body.len().min(600)]);
    let line: String = text.trim().lines().next().unwrap_or_default().chars().take(200).collect();
    Clean::new(line)
}

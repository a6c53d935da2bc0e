//! What Prometheus says, decoded: series, ranges and rules with clean labels and values that keep their five states.
//! The wire shapes follow <https://prometheus.io/docs/prometheus/latest/querying/api/>; values are strings there
//! ("NaN", "+Inf"), times are seconds with a fraction.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Error, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer};
use serde::{Deserialize, Deserializer};

use crate::domain::Time;
use crate::domain::clean::Clean;
use crate::domain::sli::PromQl;
use crate::domain::value::Value;
use crate::domain::window::Window;

/// Labels by name, both clean.
pub type Labels = BTreeMap<String, Clean>;

/// An answer and what came with it.
#[derive(Clone, PartialEq, Debug)]
pub struct Answer<T> {
    /// What was asked for.
    pub data: T,
    /// The server's warnings: part of the data may be missing (Thanos: partial response).
    pub warnings: Vec<Clean>,
    /// The server's remarks on the query.
    pub infos: Vec<Clean>,
    /// The `Date` header, whole seconds: the server's clock.
    pub server_date: Option<Time>,
    /// Length of the decoded body.
    pub bytes: usize,
    /// From sending to the last byte, in milliseconds.
    pub took: u64,
}

/// One series at one time.
#[derive(Clone, PartialEq, Debug)]
pub struct Series {
    /// Its labels, with `__name__` where it has one.
    pub labels: Labels,
    /// Its value.
    pub value: Value,
    /// The time of evaluation, not of the sample.
    pub at: Time,
}

/// One series over time.
#[derive(Clone, PartialEq, Debug)]
pub struct Range {
    /// Its labels.
    pub labels: Labels,
    /// Oldest first; a gap is a step without a sample.
    pub samples: Vec<Sample>,
}

/// A value at a time.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Sample {
    /// When.
    pub at: Time,
    /// What.
    pub value: Value,
}

/// A group of rules that are evaluated together.
#[derive(Clone, PartialEq, Debug)]
pub struct RuleGroup {
    /// Its name, unique in its file.
    pub name: Clean,
    /// The file, or what a server without files puts there.
    pub file: Clean,
    /// Seconds between evaluations.
    pub interval_s: f64,
    /// In order of evaluation.
    pub rules: Vec<Rule>,
}

/// A rule of either kind.
#[derive(Clone, PartialEq, Debug)]
pub enum Rule {
    /// Writes a series.
    Recording(Recording),
    /// Fires.
    Alerting(Alerting),
}

/// A rule that writes a series.
#[derive(Clone, PartialEq, Debug)]
pub struct Recording {
    /// The series' name.
    pub record: Clean,
    /// Its expression, as the server prints it.
    pub expr: PromQl,
    /// Labels that the rule sets.
    pub labels: Labels,
    /// How its last evaluation went.
    pub health: Health,
    /// Why it did not go well.
    pub last_error: Option<Clean>,
}

/// A rule that fires.
#[derive(Clone, PartialEq, Debug)]
pub struct Alerting {
    /// The alert's name.
    pub name: Clean,
    /// Its condition, as the server prints it.
    pub expr: PromQl,
    /// `for`, in seconds.
    pub duration_s: f64,
    /// Labels that the rule sets.
    pub labels: Labels,
    /// Annotations, with their templates unfilled.
    pub annotations: Labels,
    /// `inactive`, `pending`, `firing`, or what a newer server says.
    pub state: Clean,
    /// How its last evaluation went.
    pub health: Health,
    /// Why it did not go well.
    pub last_error: Option<Clean>,
    /// What is pending or firing.
    pub alerts: Vec<Alert>,
}

/// One alert of a rule.
#[derive(Clone, PartialEq, Debug)]
pub struct Alert {
    /// All its labels.
    pub labels: Labels,
    /// Its annotations, filled in.
    pub annotations: Labels,
    /// `pending` or `firing`.
    pub state: Clean,
    /// Since when the condition holds.
    pub active_at: Option<Time>,
    /// The value of the condition.
    pub value: Value,
}

/// How a rule's last evaluation went.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Health {
    /// Well.
    Ok,
    /// Not: see `last_error`.
    Err,
    /// Not evaluated yet, or not told.
    #[default]
    Unknown,
}

/// What a server is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BuildInfo {
    /// Its version.
    pub version: Clean,
    /// Its name where it is not Prometheus itself (Mimir says it).
    pub application: Option<Clean>,
}

/// How a server runs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RuntimeInfo {
    /// `storageRetention` as it is written, for example `15d` or `15d or 10GiB`.
    pub storage_retention: Option<Clean>,
    /// Its time part.
    pub retention: Option<Window>,
    /// Since when it runs.
    pub started: Option<Time>,
    /// Its clock, finer than the `Date` header; only newer servers tell.
    pub server_time: Option<Time>,
}

/// The frame around every JSON answer.
#[derive(Deserialize)]
pub(super) struct Envelope<T> {
    pub(super) status: String,
    #[serde(default = "none")]
    pub(super) data: Option<T>,
    #[serde(default, rename = "errorType")]
    pub(super) error_type: Option<String>,
    #[serde(default)]
    pub(super) error: Option<Clean>,
    #[serde(default)]
    pub(super) warnings: Option<Vec<Clean>>,
    #[serde(default)]
    pub(super) infos: Option<Vec<Clean>>,
}

fn none<T>() -> Option<T> {
    None
}

/// `data` of a query.
#[derive(Deserialize)]
pub(super) struct Queried<T> {
    #[serde(rename = "resultType")]
    pub(super) kind: String,
    pub(super) result: Vec<T>,
    /// Thanos has put them here.
    #[serde(default)]
    pub(super) warnings: Option<Vec<Clean>>,
}

/// An element of `result`: a series, or a half of the scalar `[time, "value"]`.
pub(super) enum Element {
    Series(WireSeries),
    Time(f64),
    Text(String),
}

#[derive(Deserialize)]
pub(super) struct WireSeries {
    #[serde(default, deserialize_with = "labels")]
    pub(super) metric: Labels,
    #[serde(default)]
    pub(super) value: Option<Sample>,
    #[serde(default)]
    pub(super) values: Option<Vec<Sample>>,
}

impl<'de> Deserialize<'de> for Element {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Element;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a series")
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Element, A::Error> {
                WireSeries::deserialize(MapAccessDeserializer::new(map)).map(Element::Series)
            }
            fn visit_f64<E>(self, number: f64) -> Result<Element, E> {
                Ok(Element::Time(number))
            }
            fn visit_u64<E>(self, number: u64) -> Result<Element, E> {
                Ok(Element::Time(number as f64))
            }
            fn visit_i64<E>(self, number: i64) -> Result<Element, E> {
                Ok(Element::Time(number as f64))
            }
            fn visit_str<E>(self, text: &str) -> Result<Element, E> {
                Ok(Element::Text(text.to_owned()))
            }
        }
        deserializer.deserialize_any(Any)
    }
}

impl<'de> Deserialize<'de> for Sample {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Two;
        impl<'de> Visitor<'de> for Two {
            type Value = Sample;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("[time, \"value\"]")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Sample, A::Error> {
                let at: Seconds = seq.next_element()?.ok_or_else(|| A::Error::invalid_length(0, &self))?;
                let text: Text = seq.next_element()?.ok_or_else(|| A::Error::invalid_length(1, &self))?;
                let more: Option<serde::de::IgnoredAny> = seq.next_element()?;
                match more {
                    None => Ok(Sample { at: at.0, value: text.0 }),
                    Some(_) => Err(A::Error::invalid_length(3, &self)),
                }
            }
        }
        deserializer.deserialize_seq(Two)
    }
}

/// A time written as seconds.
struct Seconds(Time);

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Number;
        impl Visitor<'_> for Number {
            type Value = Seconds;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a time in seconds")
            }
            fn visit_f64<E: Error>(self, seconds: f64) -> Result<Seconds, E> {
                time(seconds).map(Seconds).ok_or_else(|| E::custom("the time is out of range"))
            }
            fn visit_u64<E: Error>(self, seconds: u64) -> Result<Seconds, E> {
                self.visit_f64(seconds as f64)
            }
            fn visit_i64<E: Error>(self, seconds: i64) -> Result<Seconds, E> {
                self.visit_f64(seconds as f64)
            }
        }
        deserializer.deserialize_f64(Number)
    }
}

/// A value written as a string.
struct Text(Value);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Number;
        impl Visitor<'_> for Number {
            type Value = Text;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number in quotes")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Text, E> {
                number(text).map(Text).ok_or_else(|| E::custom("this is no number"))
            }
        }
        deserializer.deserialize_str(Number)
    }
}

/// A value as Prometheus writes it.
pub(super) fn number(text: &str) -> Option<Value> {
    text.parse().ok().map(Value::from_f64)
}

/// A point in time from seconds since 1970.
pub(super) fn time(seconds: f64) -> Option<Time> {
    let milliseconds = (seconds * 1_000.0).round();
    // Beyond this, years have five digits and chrono gives up.
    if milliseconds.abs() < 2.5e14 {
        #[expect(clippy::cast_possible_truncation, reason = "whole and in range, as just checked")]
        Time::from_timestamp_millis(milliseconds as i64)
    } else {
        None
    }
}

fn labels<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Labels, D::Error> {
    struct Map;
    impl<'de> Visitor<'de> for Map {
        type Value = Labels;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("labels")
        }
        fn visit_unit<E>(self) -> Result<Labels, E> {
            Ok(Labels::new())
        }
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Labels, A::Error> {
            let mut labels = Labels::new();
            while let Some((name, value)) = map.next_entry::<Clean, Clean>()? {
                labels.insert(name.to_string(), value);
            }
            Ok(labels)
        }
    }
    deserializer.deserialize_any(Map)
}

/// A list that some servers write as `null`.
fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// `data` of the rules.
#[derive(Deserialize)]
pub(super) struct WireRules {
    #[serde(default, deserialize_with = "list")]
    groups: Vec<WireGroup>,
}

#[derive(Deserialize)]
struct WireGroup {
    name: Clean,
    #[serde(default)]
    file: Clean,
    #[serde(default)]
    interval: f64,
    #[serde(default, deserialize_with = "list")]
    rules: Vec<WireRule>,
}

/// Both kinds in one: `type` is the last field on the wire.
#[derive(Deserialize)]
struct WireRule {
    #[serde(rename = "type")]
    kind: Kind,
    name: Clean,
    query: String,
    #[serde(default, deserialize_with = "labels")]
    labels: Labels,
    #[serde(default, deserialize_with = "labels")]
    annotations: Labels,
    #[serde(default)]
    duration: f64,
    #[serde(default)]
    state: Clean,
    #[serde(default)]
    health: WireHealth,
    #[serde(default, rename = "lastError")]
    last_error: Option<Clean>,
    #[serde(default, deserialize_with = "list")]
    alerts: Vec<WireAlert>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Recording,
    Alerting,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "lowercase")]
enum WireHealth {
    Ok,
    Err,
    #[default]
    #[serde(other)]
    Unknown,
}

#[derive(Deserialize)]
struct WireAlert {
    #[serde(default, deserialize_with = "labels")]
    labels: Labels,
    #[serde(default, deserialize_with = "labels")]
    annotations: Labels,
    #[serde(default)]
    state: Clean,
    #[serde(default, rename = "activeAt")]
    active_at: Option<Time>,
    #[serde(default)]
    value: Option<Text>,
}

impl WireRules {
    pub(super) fn groups(self) -> Vec<RuleGroup> {
        self.groups.into_iter().map(WireGroup::read).collect()
    }
}

impl WireGroup {
    fn read(self) -> RuleGroup {
        RuleGroup {
            name: self.name,
            file: self.file,
            interval_s: self.interval,
            rules: self.rules.into_iter().map(WireRule::read).collect(),
        }
    }
}

impl WireRule {
    fn read(self) -> Rule {
        let expr = PromQl::new(self.query);
        let last_error = self.last_error.filter(|error| !error.is_empty());
        let health = match self.health {
            WireHealth::Ok => Health::Ok,
            WireHealth::Err => Health::Err,
            WireHealth::Unknown => Health::Unknown,
        };
        match self.kind {
            Kind::Recording => Rule::Recording(Recording {
                record: self.name,
                expr,
                labels: self.labels,
                health,
                last_error,
            }),
            Kind::Alerting => Rule::Alerting(Alerting {
                name: self.name,
                expr,
                duration_s: self.duration,
                labels: self.labels,
                annotations: self.annotations,
                state: self.state,
                health,
                last_error,
                alerts: self.alerts.into_iter().map(WireAlert::read).collect(),
            }),
        }
    }
}

impl WireAlert {
    fn read(self) -> Alert {
        Alert {
            labels: self.labels,
            annotations: self.annotations,
            state: self.state,
            active_at: self.active_at,
            value: self.value.map(|text| text.0).unwrap_or_default(),
        }
    }
}

#[derive(Deserialize)]
pub(super) struct WireBuild {
    #[serde(default)]
    version: Clean,
    #[serde(default)]
    application: Option<Clean>,
}

impl WireBuild {
    pub(super) fn read(self) -> BuildInfo {
        BuildInfo { version: self.version, application: self.application.filter(|name| !name.is_empty()) }
    }
}

#[derive(Deserialize)]
pub(super) struct WireRuntime {
    #[serde(default, rename = "storageRetention")]
    storage_retention: Option<Clean>,
    #[serde(default, rename = "startTime")]
    start_time: Option<Time>,
    #[serde(default, rename = "serverTime")]
    server_time: Option<Time>,
}

impl WireRuntime {
    pub(super) fn read(self) -> RuntimeInfo {
        let written = self.storage_retention.filter(|text| !text.is_empty());
        let retention = written.as_ref().and_then(|text| {
            text.as_str()
                .split(" or ")
                .find_map(|part| part.trim().parse().ok())
                .filter(|window: &Window| window.secs() > 0)
        });
        RuntimeInfo {
            storage_retention: written,
            retention,
            started: self.start_time,
            server_time: self.server_time,
        }
    }
}

//! What the checker looks at: evidence items, and the sentences of an answer that cite them. Plain data; reads JSON of
//! any origin and refuses nothing but what has no id.

use serde_json::Value as Json;

use crate::domain::evidence::Evidence;
use crate::domain::value::Value;

/// The value of an [`Item`].
#[derive(Clone, PartialEq, Debug, Default)]
pub enum Given {
    /// A finite number, in the item's unit.
    Number(f64),
    /// `NaN`: usually no traffic.
    NaN,
    /// `+Inf` or `-Inf`.
    Infinite {
        /// True for `-Inf`.
        negative: bool,
    },
    /// No value.
    #[default]
    Absent,
    /// Words: `revision 7`, `0.02 % before, 99.8 % after`, `12:26`.
    Text(String),
}

/// One piece of evidence, as an answer may cite it.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Item {
    /// `E4`.
    pub id: String,
    /// What it says, without the number.
    pub fact: String,
    /// The number or the words.
    pub value: Given,
    /// Unit of the number: `ratio`, `%`, `x`, `ms`, `requests/s`, `replicas`, or empty.
    pub unit: String,
    /// `5m`, `12:26..`, `12:26..12:33`, or empty.
    pub window: String,
    /// What it is about: a service, a workload, a revision; or empty.
    pub subject: String,
    /// Bad requests, where it is about requests.
    pub bad: Option<f64>,
    /// All requests.
    pub total: Option<f64>,
}

/// One sentence of an answer, with the ids that it cites beside those written in its text.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Sentence {
    /// The words.
    pub text: String,
    /// Cited ids.
    pub evidence: Vec<String>,
}

impl Item {
    /// Reads an object with `id`, `fact`, `value`, `unit`, `window`, `subject` (and `bad`, `total`); `None` without id.
    pub fn from_json(json: &Json) -> Option<Self> {
        let text = |name: &str| words(&json[name]);
        let id = text("id").trim_matches(['[', ']', ' ']).to_owned();
        let value = match &json["value"] {
            Json::Null => Given::Absent,
            Json::Number(n) => n.as_f64().map_or(Given::Absent, given),
            Json::String(s) => from_text(s),
            Json::Object(o) if o.contains_key("stale") => Given::Absent,
            other => Given::Text(words(other)),
        };
        (!id.is_empty()).then(|| Self {
            id,
            fact: text("fact"),
            value,
            unit: text("unit"),
            window: text("window"),
            subject: text("subject"),
            bad: json["bad"].as_f64(),
            total: json["total"].as_f64(),
        })
    }
}

impl Sentence {
    /// Reads an object with `text` and `evidence` (a list of ids, or ids with commas between), or a plain string.
    pub fn from_json(json: &Json) -> Self {
        let evidence = match &json["evidence"] {
            Json::Array(list) => list.iter().map(words).collect(),
            Json::String(ids) => {
                ids.split([',', ';', ' ']).filter(|id| !id.is_empty()).map(str::to_owned).collect()
            }
            _ => Vec::new(),
        };
        Self { text: json["text"].as_str().or(json.as_str()).unwrap_or_default().to_owned(), evidence }
    }
}

impl From<&Evidence> for Item {
    fn from(evidence: &Evidence) -> Self {
        let value = match evidence.value {
            Value::Number(n) => Given::Number(n),
            Value::NaN => Given::NaN,
            Value::Infinite { negative } => Given::Infinite { negative },
            // A stale number is not what is true now: nobody may quote it as such.
            Value::Absent | Value::Stale { .. } => Given::Absent,
        };
        if evidence.foreign {
            // It is there and can be cited; what it says proves nothing.
            return Self { id: evidence.id.clone(), ..Self::default() };
        }
        Self {
            id: evidence.id.clone(),
            fact: evidence.fact.to_string(),
            value,
            unit: evidence.unit.to_owned(),
            window: evidence.window.to_string(),
            subject: evidence.subject.to_string(),
            bad: evidence.bad,
            total: evidence.total,
        }
    }
}

fn given(number: f64) -> Given {
    if number.is_nan() {
        Given::NaN
    } else if number.is_infinite() {
        Given::Infinite { negative: number < 0.0 }
    } else {
        Given::Number(number)
    }
}

fn from_text(text: &str) -> Given {
    let trimmed = text.trim();
    match trimmed {
        "" => return Given::Absent,
        "NaN" | "nan" => return Given::NaN,
        "+Inf" | "Inf" | "inf" | "Infinity" => return Given::Infinite { negative: false },
        "-Inf" | "-inf" | "-Infinity" => return Given::Infinite { negative: true },
        _ => {}
    }
    trimmed.parse::<f64>().map_or_else(|_| Given::Text(text.to_owned()), given)
}

fn words(json: &Json) -> String {
    match json {
        Json::Null => String::new(),
        Json::String(s) => s.clone(),
        Json::Array(list) => list.iter().map(words).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

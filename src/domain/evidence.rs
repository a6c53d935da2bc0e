//! Evidence: single facts with their source, window, counts and age, cited by id wherever a number is shown.

use serde::{Deserialize, Serialize};

use super::Time;
use super::clean::Clean;
use super::exact::{self, Word};
use super::format;
use super::value::Value;

/// One fact.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Evidence {
    /// `E1`, `E2`, ...: stable within one proposal.
    pub id: String,
    /// What it says, without the number: "error ratio over 5m".
    pub fact: Clean,
    /// The number, where it is one.
    pub value: Value,
    /// Unit of the value: `ratio`, `x` (multiple of the budget), `s`, `requests`, `requests/s`, or empty.
    #[serde(with = "exact")]
    pub unit: Word,
    /// The window it covers, as in "5m" or "12:26..12:33".
    pub window: Clean,
    /// Bad requests, where it is about requests.
    #[serde(with = "exact")]
    pub bad: Option<f64>,
    /// All requests.
    #[serde(with = "exact")]
    pub total: Option<f64>,
    /// What it is about, where that is not the workload of the card: a service, a revision, an SLO.
    pub subject: Clean,
    /// Where it comes from: a query, an object, a rule.
    pub source: Clean,
    /// When it was true.
    pub at: Time,
    /// Its words were written by somebody else (a log line, a message of an event): they may be looked at, and confirm
    /// nothing.
    pub foreign: bool,
}

impl Evidence {
    /// The number with its unit as the screen writes it, or the word for why there is none; empty where none is told.
    pub fn shown(&self) -> String {
        match (self.value, self.unit) {
            (Value::Absent, _) => String::new(),
            (Value::Number(n), "ratio") => format::percent(n),
            (Value::Number(n), "x") => format::burn(n),
            (Value::Number(n), "s") => format::seconds(n),
            (Value::Number(n), unit) => format!("{} {unit}", format::grouped(n)),
            (other, _) => format::percent_value(other),
        }
    }

    /// Window, counts and source, as the screen writes them.
    pub fn details(&self) -> Vec<String> {
        let mut details = Vec::new();
        if !self.window.is_empty() {
            details.push(self.window.to_string());
        }
        if let (Some(bad), Some(total)) = (self.bad, self.total) {
            details.push(format!("{} of {}", format::grouped(bad), format::grouped(total)));
        }
        details.push(self.source.to_string());
        details
    }
}

/// The evidence of one analysis; gives out ids.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct EvidenceList(Vec<Evidence>);

impl EvidenceList {
    /// Adds a fact and returns its id.
    pub fn add(&mut self, fact: impl AsRef<str>, source: impl AsRef<str>, at: Time) -> Adding<'_> {
        let id = format!("E{}", self.0.len() + 1);
        self.0.push(Evidence {
            id,
            fact: Clean::new(fact),
            value: Value::Absent,
            unit: "",
            window: Clean::default(),
            bad: None,
            total: None,
            subject: Clean::default(),
            source: Clean::new(source),
            at,
            foreign: false,
        });
        Adding(self)
    }

    /// Those that `wanted` wants, numbered anew, so that nobody sees where one is missing; and the old and new id of each.
    pub fn only(&self, wanted: impl Fn(&Evidence) -> bool) -> (Self, Vec<(String, String)>) {
        let mut ids = Vec::new();
        let kept = self.0.iter().filter(|item| wanted(item)).enumerate().map(|(n, item)| {
            let id = format!("E{}", n + 1);
            ids.push((item.id.clone(), id.clone()));
            Evidence { id, ..item.clone() }
        });
        let kept = Self(kept.collect());
        (kept, ids)
    }

    /// All, in order.
    pub fn items(&self) -> &[Evidence] {
        &self.0
    }
}

/// The fact just added, to be completed.
pub struct Adding<'a>(&'a mut EvidenceList);

impl Adding<'_> {
    /// Sets value and unit.
    pub fn value(self, value: Value, unit: &'static str) -> Self {
        self.with(|e| {
            e.value = value;
            e.unit = unit;
        })
    }

    /// Sets the window.
    pub fn window(self, window: impl AsRef<str>) -> Self {
        self.with(|e| e.window = Clean::new(window))
    }

    /// Sets what it is about.
    pub fn subject(self, subject: impl AsRef<str>) -> Self {
        self.with(|e| e.subject = Clean::new(subject))
    }

    /// Sets the counts.
    pub fn counts(self, bad: f64, total: f64) -> Self {
        self.with(|e| {
            e.bad = Some(bad);
            e.total = Some(total);
        })
    }

    /// Its id.
    pub fn id(self) -> String {
        self.0.0.last().map(|e| e.id.clone()).unwrap_or_default()
    }

    fn with(self, change: impl FnOnce(&mut Evidence)) -> Self {
        if let Some(last) = self.0.0.last_mut() {
            change(last);
        }
        self
    }
}

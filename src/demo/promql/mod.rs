//! A documented subset of PromQL over [`series::Storage`], with the semantics of Prometheus 3: selectors with `=`, `!=`,
//! `=~`, `!~`, `offset` and `@`; `rate`, `increase`, `sum|count|avg|min|max|last_over_time`; `sum|avg|count|min|max`
//! with `by` and `without`; `vector`, `scalar`, `time`, `timestamp`, `label_replace`, `histogram_quantile` of classic buckets; arithmetic, comparison and set
//! operators with `bool`, `on`, `ignoring`, `group_left`, `group_right`.
//! Everything else is refused by name ([`Refusal::Execution`]); nothing is approximated.

mod aggregate;
mod binary;
mod eval;
mod function;
mod histogram;
pub mod series;

use std::cell::RefCell;
use std::collections::BTreeMap;

use promql_parser::parser::Expr;

use crate::demo::clock::Millis;
use series::{Labels, Storage};

/// How far back an instant selector looks for a sample, as Prometheus does by default.
pub const LOOKBACK: Millis = 300_000;
/// The most points that one range query may ask for.
pub const MOST_POINTS: i64 = 11_000;

/// Why there is no answer.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refusal {
    /// The request is not PromQL, or a parameter is wrong: HTTP 400, `bad_data`.
    #[error("{0}")]
    BadData(String),
    /// The expression cannot be evaluated here: HTTP 422, `execution`.
    #[error("{0}")]
    Execution(String),
}

/// One element of an instant vector.
#[derive(Clone, PartialEq, Debug)]
pub struct Sample {
    /// Its labels.
    pub labels: Labels,
    /// Its value.
    pub value: f64,
}

/// What an expression evaluates to at one point in time.
#[derive(Clone, PartialEq, Debug)]
pub enum Value {
    /// A number.
    Scalar(f64),
    /// A text.
    Text(String),
    /// One sample for each label set.
    Vector(Vec<Sample>),
    /// The raw samples of a range selector.
    Matrix(Vec<Line>),
}

/// A label set and its samples.
#[derive(Clone, PartialEq, Debug)]
pub struct Line {
    /// Its labels.
    pub labels: Labels,
    /// Times and values, oldest first.
    pub points: Vec<(Millis, f64)>,
}

/// For each selector, by its address in the expression: how many series there were, and which of them it selects.
type Selected = RefCell<BTreeMap<usize, (usize, std::sync::Arc<[usize]>)>>;

/// A parsed expression that remembers which series its selectors select, as long as no new series appears.
#[derive(Debug)]
pub struct Query {
    expr: Expr,
    selected: Selected,
}

impl Query {
    /// Parses `text`.
    ///
    /// # Errors
    /// [`Refusal::BadData`] in the form in which Prometheus reports a parse error.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        if text.trim().is_empty() {
            return Err(Refusal::BadData(
                "invalid parameter \"query\": 1:1: parse error: no expression found in input".to_owned(),
            ));
        }
        let expr = promql_parser::parser::parse(text).map_err(|why| {
            Refusal::BadData(format!("invalid parameter \"query\": 1:1: parse error: {why}"))
        })?;
        Ok(Self { expr, selected: RefCell::default() })
    }

    /// The value at `at`.
    ///
    /// # Errors
    /// [`Refusal::Execution`] for what the subset does not have and for what Prometheus refuses itself.
    pub fn instant(&self, storage: &Storage, at: Millis) -> Result<Value, Refusal> {
        self.eval(storage, at, (at, at))
    }

    /// The values at `start`, `start + step`, … up to `end`, all in milliseconds.
    ///
    /// # Errors
    /// As [`Query::instant`]; [`Refusal::BadData`] for a step that is not positive, an end before the start, too
    /// many points, or an expression that is a range vector or a text.
    pub fn range(
        &self,
        storage: &Storage,
        start: Millis,
        end: Millis,
        step: Millis,
    ) -> Result<Vec<Line>, Refusal> {
        check_range(start, end, step)?;
        let mut lines: BTreeMap<Labels, Vec<(Millis, f64)>> = BTreeMap::new();
        let mut at = start;
        while at <= end {
            let samples = match self.eval(storage, at, (start, end))? {
                Value::Scalar(value) => vec![Sample { labels: Labels::default(), value }],
                Value::Vector(samples) => samples,
                Value::Matrix(_) => return Err(not_for_ranges("range vector")),
                Value::Text(_) => return Err(not_for_ranges("string")),
            };
            for sample in samples {
                lines.entry(sample.labels).or_default().push((at, sample.value));
            }
            at += step;
        }
        Ok(lines.into_iter().map(|(labels, points)| Line { labels, points }).collect())
    }

    fn eval(&self, storage: &Storage, at: Millis, span: (Millis, Millis)) -> Result<Value, Refusal> {
        eval::Scope { storage, at, span, selected: &self.selected }.eval(&self.expr)
    }
}

fn not_for_ranges(kind: &str) -> Refusal {
    Refusal::BadData(format!(
        "invalid parameter \"query\": invalid expression type \"{kind}\" for range query, must be Scalar or instant Vector"
    ))
}

fn check_range(start: Millis, end: Millis, step: Millis) -> Result<(), Refusal> {
    let bad = |text: &str| Err(Refusal::BadData(text.to_owned()));
    if end < start {
        return bad("invalid parameter \"end\": end timestamp must not be before start time");
    }
    if step <= 0 {
        return bad(
            "invalid parameter \"step\": zero or negative query resolution step widths are not accepted. Try a positive integer",
        );
    }
    if (end - start) / step > MOST_POINTS {
        return bad(
            "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)",
        );
    }
    Ok(())
}

/// Neumaier's compensated sum, as Prometheus adds.
pub(crate) fn sum(values: impl IntoIterator<Item = f64>) -> f64 {
    let (mut total, mut lost) = (0.0_f64, 0.0_f64);
    for value in values {
        let next = total + value;
        lost += if next.is_infinite() {
            0.0
        } else if total.abs() >= value.abs() {
            (total - next) + value
        } else {
            (value - next) + total
        };
        total = next;
    }
    if total.is_infinite() { total } else { total + lost }
}

/// Two elements of a vector may not have the same labels.
fn distinct(samples: Vec<Sample>) -> Result<Vec<Sample>, Refusal> {
    let mut seen: Vec<&Labels> = samples.iter().map(|sample| &sample.labels).collect();
    seen.sort();
    if seen.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(Refusal::Execution("vector cannot contain metrics with the same labelset".to_owned()));
    }
    Ok(samples)
}

//! Expressions to values: selectors, literals, and the dispatch to functions, operators and aggregations.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use promql_parser::parser::{AtModifier, Expr, MatrixSelector, Offset, VectorSelector};

use super::series::{Range, Series, Storage};
use super::{LOOKBACK, Line, Refusal, Sample, Selected, Value, aggregate, binary, function};
use crate::demo::clock::Millis;

/// One evaluation: over which series and at which time.
pub(super) struct Scope<'a> {
    pub storage: &'a Storage,
    /// The evaluation time.
    pub at: Millis,
    /// First and last evaluation time of the query, for `@ start()` and `@ end()`.
    pub span: (Millis, Millis),
    pub selected: &'a Selected,
}

/// What the subset does not have.
pub(super) fn unsupported(what: impl std::fmt::Display) -> Refusal {
    Refusal::Execution(format!("{what} is not supported by this embedded Prometheus"))
}

impl<'a> Scope<'a> {
    pub fn eval(&self, expr: &Expr) -> Result<Value, Refusal> {
        match expr {
            Expr::NumberLiteral(number) => Ok(Value::Scalar(number.val)),
            Expr::StringLiteral(text) => Ok(Value::Text(text.val.clone())),
            Expr::Paren(inner) => self.eval(&inner.expr),
            Expr::Unary(unary) => negated(self.eval(&unary.expr)?),
            Expr::VectorSelector(selector) => Ok(Value::Vector(
                self.instants(selector)?
                    .into_iter()
                    .map(|(series, _, value)| Sample { labels: series.labels.clone(), value })
                    .collect(),
            )),
            Expr::MatrixSelector(selector) => Ok(Value::Matrix(self.lines(selector)?)),
            Expr::Aggregate(aggregate) => aggregate::eval(self, aggregate),
            Expr::Binary(operation) => binary::eval(self, operation),
            Expr::Call(call) => function::eval(self, call),
            Expr::Subquery(subquery) => Err(unsupported(format_args!("the subquery `{subquery}`"))),
            Expr::Extension(_) => Err(unsupported("an extension")),
        }
    }

    /// Evaluates `expr`, which must be an instant vector.
    pub fn vector(&self, expr: &Expr) -> Result<Vec<Sample>, Refusal> {
        match self.eval(expr)? {
            Value::Vector(samples) => Ok(samples),
            _ => Err(unsupported(format_args!("`{expr}` in the place of an instant vector"))),
        }
    }

    /// The newest sample of every selected series: series, its own time, its value.
    pub fn instants(&self, selector: &VectorSelector) -> Result<Vec<(&'a Series, Millis, f64)>, Refusal> {
        let at = self.moment(selector)?;
        let storage = self.storage;
        Ok(self
            .select(selector)?
            .iter()
            .filter_map(|id| {
                let series = storage.get(*id);
                series.at(at, LOOKBACK).map(|(time, value)| (series, time, value))
            })
            .collect())
    }

    /// The window of every selected series that has a sample in it, with its bounds `(from, to]`.
    pub fn windows(
        &self,
        selector: &MatrixSelector,
    ) -> Result<Vec<(&'a Series, Range<'a>, Millis, Millis)>, Refusal> {
        let to = self.moment(&selector.vs)?;
        let from = to - millis(selector.range);
        let storage = self.storage;
        Ok(self
            .select(&selector.vs)?
            .iter()
            .map(|id| storage.get(*id))
            .map(|series| (series, series.range(from, to), from, to))
            .filter(|(_, range, _, _)| !range.is_empty())
            .collect())
    }

    fn lines(&self, selector: &MatrixSelector) -> Result<Vec<Line>, Refusal> {
        Ok(self
            .windows(selector)?
            .into_iter()
            .map(|(series, range, _, _)| Line {
                labels: series.labels.clone(),
                points: range.times().iter().copied().zip(range.values().iter().copied()).collect(),
            })
            .collect())
    }

    fn select(&self, selector: &VectorSelector) -> Result<Arc<[usize]>, Refusal> {
        if !selector.matchers.or_matchers.is_empty() {
            return Err(unsupported("`or` between label matchers"));
        }
        let key = std::ptr::from_ref(selector) as usize;
        let known = self.storage.len();
        if let Some((then, ids)) = self.selected.borrow().get(&key)
            && *then == known
        {
            return Ok(Arc::clone(ids));
        }
        let ids: Arc<[usize]> = self.storage.select(selector.name.as_deref(), &selector.matchers).into();
        self.selected.borrow_mut().insert(key, (known, Arc::clone(&ids)));
        Ok(ids)
    }

    /// The time at which a selector looks: `@` first, then `offset`.
    fn moment(&self, selector: &VectorSelector) -> Result<Millis, Refusal> {
        let at = match &selector.at {
            None => self.at,
            Some(AtModifier::Start) => self.span.0,
            Some(AtModifier::End) => self.span.1,
            Some(AtModifier::At(time)) => time
                .duration_since(SystemTime::UNIX_EPOCH)
                .map(millis)
                .map_err(|_| unsupported("`@` before 1970"))?,
        };
        Ok(match &selector.offset {
            None => at,
            Some(Offset::Pos(by)) => at - millis(*by),
            Some(Offset::Neg(by)) => at + millis(*by),
        })
    }
}

fn millis(duration: Duration) -> Millis {
    Millis::try_from(duration.as_millis()).unwrap_or(Millis::MAX / 4)
}

fn negated(value: Value) -> Result<Value, Refusal> {
    match value {
        Value::Scalar(number) => Ok(Value::Scalar(-number)),
        Value::Vector(samples) => super::distinct(
            samples
                .into_iter()
                .map(|sample| Sample { labels: sample.labels.nameless(), value: -sample.value })
                .collect(),
        )
        .map(Value::Vector),
        _ => Err(unsupported("a minus before this expression")),
    }
}

//! Functions. `rate` and `increase` extrapolate to the edges of the window as Prometheus does
//! (promql/functions.go, `extrapolatedRate`): up to 1.1 mean sample distances, and never below zero.

use promql_parser::label::{MatchOp, Matcher};
use promql_parser::parser::token::T_EQL_REGEX;
use promql_parser::parser::{Call, Expr};

use super::aggregate::extreme;
use super::eval::{Scope, unsupported};
use super::series::{Labels, Range};
use super::{Refusal, Sample, Value, distinct, histogram};
use crate::demo::clock::Millis;

pub(super) fn eval(scope: &Scope<'_>, call: &Call) -> Result<Value, Refusal> {
    let argument = |n: usize| call.args.args.get(n).map(AsRef::as_ref);
    let missing = || unsupported(format_args!("`{}` without its argument", call.func.name));
    match call.func.name {
        "time" => Ok(Value::Scalar(scope.at as f64 / 1_000.0)),
        "vector" => match scope.eval(argument(0).ok_or_else(missing)?)? {
            Value::Scalar(value) => Ok(Value::Vector(vec![Sample { labels: Labels::default(), value }])),
            _ => Err(unsupported("`vector` of what is not a scalar")),
        },
        "scalar" => {
            let samples = scope.vector(argument(0).ok_or_else(missing)?)?;
            Ok(Value::Scalar(match samples.as_slice() {
                [one] => one.value,
                _ => f64::NAN,
            }))
        }
        "timestamp" => timestamp(scope, argument(0).ok_or_else(missing)?),
        "label_replace" => label_replace(scope, call),
        "histogram_quantile" => histogram::quantile(scope, call),
        "histogram_count" => histogram::count(scope, call),
        name => {
            let over =
                window_function(name).ok_or_else(|| unsupported(format_args!("the function `{name}`")))?;
            over_windows(scope, argument(0).ok_or_else(missing)?, name, over)
        }
    }
}

/// The value of one window `(from, to]`, or nothing.
type Over = fn(Range<'_>, Millis, Millis) -> Option<f64>;

fn window_function(name: &str) -> Option<Over> {
    Some(match name {
        "rate" => {
            |range, from, to| increase(range, from, to).map(|total| total / ((to - from) as f64 / 1_000.0))
        }
        "increase" => increase,
        "sum_over_time" => |range, _, _| Some(range.sum()),
        "count_over_time" => |range, _, _| Some(range.len() as f64),
        "avg_over_time" => |range, _, _| Some(range.sum() / range.len() as f64),
        "min_over_time" => |range, _, _| Some(extreme(range.values(), |a, b| a < b)),
        "max_over_time" => |range, _, _| Some(extreme(range.values(), |a, b| a > b)),
        "last_over_time" => |range, _, _| range.values().last().copied(),
        _ => return None,
    })
}

fn over_windows(scope: &Scope<'_>, argument: &Expr, name: &str, over: Over) -> Result<Value, Refusal> {
    let selector = match without_parens(argument) {
        Expr::MatrixSelector(selector) => selector,
        Expr::Subquery(subquery) => return Err(unsupported(format_args!("the subquery `{subquery}`"))),
        other => return Err(unsupported(format_args!("`{other}` as the range of a function"))),
    };
    let keeps_name = name == "last_over_time";
    let samples = scope
        .windows(selector)?
        .into_iter()
        .filter_map(|(series, range, from, to)| {
            let labels = if keeps_name { &series.labels } else { &series.nameless };
            over(range, from, to).map(|value| Sample { labels: labels.clone(), value })
        })
        .collect();
    distinct(samples).map(Value::Vector)
}

fn increase(range: Range<'_>, from: Millis, to: Millis) -> Option<f64> {
    let (times, values) = (range.times(), range.values());
    let (first, last) = (*values.first()?, *values.last()?);
    if times.len() < 2 {
        return None;
    }
    let (start, end) = (times[0], times[times.len() - 1]);
    let seconds = |span: Millis| span as f64 / 1_000.0;
    let result = last - first + range.resets();
    let sampled = seconds(end - start);
    let mean = sampled / (times.len() - 1) as f64;
    let mut before = seconds(start - from);
    let mut after = seconds(to - end);
    if before >= mean * 1.1 {
        before = mean / 2.0;
    }
    if result > 0.0 && first >= 0.0 {
        before = before.min(sampled * (first / result));
    }
    if after >= mean * 1.1 {
        after = mean / 2.0;
    }
    Some(result * ((sampled + before + after) / sampled))
}

fn without_parens(expr: &Expr) -> &Expr {
    match expr {
        Expr::Paren(inner) => without_parens(&inner.expr),
        other => other,
    }
}

/// The sample's own time for a selector, the evaluation time for anything else.
fn timestamp(scope: &Scope<'_>, argument: &Expr) -> Result<Value, Refusal> {
    let samples = match without_parens(argument) {
        Expr::VectorSelector(selector) => scope
            .instants(selector)?
            .into_iter()
            .map(|(series, time, _)| Sample { labels: series.nameless.clone(), value: time as f64 / 1_000.0 })
            .collect(),
        other => scope
            .vector(other)?
            .into_iter()
            .map(|sample| Sample { labels: sample.labels.nameless(), value: scope.at as f64 / 1_000.0 })
            .collect(),
    };
    distinct(samples).map(Value::Vector)
}

/// `label_replace(v, target, replacement, source, regex)`.
fn label_replace(scope: &Scope<'_>, call: &Call) -> Result<Value, Refusal> {
    let text = |n: usize| match call.args.args.get(n).map(|argument| scope.eval(argument)) {
        Some(Ok(Value::Text(text))) => Ok(text),
        _ => Err(unsupported("`label_replace` with an argument that is not a text")),
    };
    let (target, replacement, source, regex) = (text(1)?, text(2)?, text(3)?, text(4)?);
    let matcher = Matcher::new_matcher(T_EQL_REGEX, source.clone(), regex.clone())
        .map_err(|_| Refusal::Execution(format!("invalid regular expression in label_replace(): {regex}")))?;
    let MatchOp::Re(pattern) = matcher.op else {
        return Err(unsupported("this pattern in `label_replace`"));
    };
    let vector = call.args.args.first().ok_or_else(|| unsupported("`label_replace` without a vector"))?;
    let samples = scope
        .vector(vector)?
        .into_iter()
        .map(|sample| {
            let labels = match pattern.captures(sample.labels.get(&source)) {
                Some(captures) => {
                    let mut value = String::new();
                    captures.expand(&replacement, &mut value);
                    sample.labels.with(&target, &value)
                }
                None => sample.labels,
            };
            Sample { labels, ..sample }
        })
        .collect();
    distinct(samples).map(Value::Vector)
}

#[cfg(test)]
mod tests {
    use super::super::series::Storage;
    use super::*;

    fn range_of(samples: &[(Millis, f64)]) -> Storage {
        let mut storage = Storage::default();
        let id = storage.open(&Labels::new([("__name__", "x")]), false);
        for (at, value) in samples {
            storage.push(id, *at, *value);
        }
        storage
    }

    #[test]
    fn an_increase_is_extrapolated_to_the_edges_of_the_window_but_not_below_zero() {
        let far: Vec<_> = (1..=5).map(|n| (n * 60_000, 1_000.0 + n as f64 * 60.0)).collect();
        let storage = range_of(&far);
        // (0, 300]: five samples, 240 s sampled, 60 s before the first: one mean distance, so taken whole.
        let found = increase(storage.get(0).range(0, 300_000), 0, 300_000);
        assert!((found.expect("two samples") - 300.0).abs() < 1e-9, "{found:?}");
        let born: Vec<_> = (1..=5).map(|n| (n * 60_000, 10.0 + (n - 1) as f64 * 60.0)).collect();
        let storage = range_of(&born);
        // The counter would have been zero 10 s before its first sample: 250 s, not 300 s.
        let found = increase(storage.get(0).range(0, 300_000), 0, 300_000);
        assert!((found.expect("two samples") - 250.0).abs() < 1e-9, "{found:?}");
    }

    #[test]
    fn a_counter_reset_is_added_back() {
        let storage = range_of(&[(60_000, 100.0), (120_000, 160.0), (180_000, 20.0), (240_000, 80.0)]);
        let range = storage.get(0).range(0, 240_000);
        assert_eq!(range.resets(), 160.0);
        let later = storage.get(0).range(120_000, 240_000);
        assert_eq!(later.resets(), 0.0);
        assert_eq!(later.sum(), 100.0);
    }
}

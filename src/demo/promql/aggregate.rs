//! `sum`, `avg`, `count`, `min`, `max` with `by` and `without`.

use std::collections::BTreeMap;

use promql_parser::label::METRIC_NAME;
use promql_parser::parser::{AggregateExpr, LabelModifier};

use super::eval::{Scope, unsupported};
use super::series::Labels;
use super::{Refusal, Sample, Value, sum};

type Fold = fn(&[f64]) -> f64;

pub(super) fn eval(scope: &Scope<'_>, aggregate: &AggregateExpr) -> Result<Value, Refusal> {
    let name = aggregate.op.to_string();
    let fold: Fold = match name.as_str() {
        "sum" => |values| sum(values.iter().copied()),
        "avg" => |values| sum(values.iter().copied()) / values.len() as f64,
        "count" => |values| values.len() as f64,
        "min" => |values| extreme(values, |a, b| a < b),
        "max" => |values| extreme(values, |a, b| a > b),
        _ => return Err(unsupported(format_args!("the aggregation `{name}`"))),
    };
    let mut groups: BTreeMap<Labels, Vec<f64>> = BTreeMap::new();
    for sample in scope.vector(&aggregate.expr)? {
        let group = group(&sample.labels, aggregate.modifier.as_ref());
        groups.entry(group).or_default().push(sample.value);
    }
    Ok(Value::Vector(
        groups.into_iter().map(|(labels, values)| Sample { labels, value: fold(&values) }).collect(),
    ))
}

fn group(labels: &Labels, modifier: Option<&LabelModifier>) -> Labels {
    match modifier {
        None => Labels::default(),
        Some(LabelModifier::Include(by)) => labels.filtered(|name| by.labels.iter().any(|l| l == name)),
        Some(LabelModifier::Exclude(without)) => {
            labels.filtered(|name| name != METRIC_NAME && without.labels.iter().all(|l| l != name))
        }
    }
}

/// The value that beats all others; NaN loses against any number.
pub(super) fn extreme(values: &[f64], beats: fn(f64, f64) -> bool) -> f64 {
    values.iter().copied().fold(
        f64::NAN,
        |best, value| {
            if best.is_nan() || beats(value, best) { value } else { best }
        },
    )
}

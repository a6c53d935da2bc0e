//! Arithmetic, comparison and set operators, and the matching of one vector with another.

use std::collections::BTreeMap;

use promql_parser::label::METRIC_NAME;
use promql_parser::parser::{BinModifier, BinaryExpr, LabelModifier, VectorMatchCardinality};

use super::eval::{Scope, unsupported};
use super::series::Labels;
use super::{Refusal, Sample, Value, distinct};

#[derive(Clone, Copy)]
enum Operator {
    Number(fn(f64, f64) -> f64),
    Test(fn(f64, f64) -> bool),
}

pub(super) fn eval(scope: &Scope<'_>, operation: &BinaryExpr) -> Result<Value, Refusal> {
    let name = operation.op.to_string();
    let fallback = BinModifier::default();
    let modifier = operation.modifier.as_ref().unwrap_or(&fallback);
    if modifier.fill_values.lhs.is_some() || modifier.fill_values.rhs.is_some() {
        return Err(unsupported("`fill`"));
    }
    let (left, right) = (scope.eval(&operation.lhs)?, scope.eval(&operation.rhs)?);
    if matches!(name.as_str(), "and" | "or" | "unless") {
        return match (left, right) {
            (Value::Vector(left), Value::Vector(right)) => {
                Ok(Value::Vector(set(&name, left, right, modifier)))
            }
            _ => Err(unsupported(format_args!("`{name}` between what are not vectors"))),
        };
    }
    let operator = operator(&name).ok_or_else(|| unsupported(format_args!("the operator `{name}`")))?;
    match (left, right) {
        (Value::Scalar(a), Value::Scalar(b)) => Ok(Value::Scalar(match operator {
            Operator::Number(f) => f(a, b),
            Operator::Test(f) => f64::from(u8::from(f(a, b))),
        })),
        (Value::Vector(left), Value::Scalar(b)) => {
            with_number(left, operator, modifier.return_bool, |value| (value, b))
        }
        (Value::Scalar(a), Value::Vector(right)) => {
            with_number(right, operator, modifier.return_bool, |value| (a, value))
        }
        (Value::Vector(left), Value::Vector(right)) => between(left, right, operator, modifier),
        _ => Err(unsupported(format_args!("`{name}` between these operands"))),
    }
}

fn operator(name: &str) -> Option<Operator> {
    Some(match name {
        "+" => Operator::Number(|a, b| a + b),
        "-" => Operator::Number(|a, b| a - b),
        "*" => Operator::Number(|a, b| a * b),
        "/" => Operator::Number(|a, b| a / b),
        "%" => Operator::Number(|a, b| a % b),
        "^" => Operator::Number(f64::powf),
        "==" => Operator::Test(|a, b| a == b),
        "!=" => Operator::Test(|a, b| a != b),
        ">" => Operator::Test(|a, b| a > b),
        "<" => Operator::Test(|a, b| a < b),
        ">=" => Operator::Test(|a, b| a >= b),
        "<=" => Operator::Test(|a, b| a <= b),
        _ => return None,
    })
}

/// The result of one pair: nothing when a filter drops it. `kept` is what a filter lets through.
fn apply(operator: Operator, a: f64, b: f64, as_bool: bool, kept: f64) -> Option<f64> {
    match operator {
        Operator::Number(f) => Some(f(a, b)),
        Operator::Test(f) if as_bool => Some(f64::from(u8::from(f(a, b)))),
        Operator::Test(f) => f(a, b).then_some(kept),
    }
}

fn drops_name(operator: Operator, as_bool: bool) -> bool {
    as_bool || matches!(operator, Operator::Number(_))
}

fn with_number(
    samples: Vec<Sample>,
    operator: Operator,
    as_bool: bool,
    pair: impl Fn(f64) -> (f64, f64),
) -> Result<Value, Refusal> {
    let drop = drops_name(operator, as_bool);
    let result = samples
        .into_iter()
        .filter_map(|sample| {
            let (a, b) = pair(sample.value);
            apply(operator, a, b, as_bool, sample.value).map(|value| Sample {
                labels: if drop { sample.labels.nameless() } else { sample.labels },
                value,
            })
        })
        .collect();
    distinct(result).map(Value::Vector)
}

fn signature(labels: &Labels, modifier: &BinModifier) -> Labels {
    match &modifier.matching {
        Some(LabelModifier::Include(on)) => labels.filtered(|name| on.labels.iter().any(|l| l == name)),
        Some(LabelModifier::Exclude(ignoring)) => {
            labels.filtered(|name| name != METRIC_NAME && ignoring.labels.iter().all(|l| l != name))
        }
        None => labels.nameless(),
    }
}

fn set(name: &str, left: Vec<Sample>, right: Vec<Sample>, modifier: &BinModifier) -> Vec<Sample> {
    let keys = |samples: &[Sample]| -> std::collections::BTreeSet<Labels> {
        samples.iter().map(|sample| signature(&sample.labels, modifier)).collect()
    };
    if name == "or" {
        let known = keys(&left);
        let fresh = right.into_iter().filter(|sample| !known.contains(&signature(&sample.labels, modifier)));
        return left.into_iter().chain(fresh).collect();
    }
    let other = keys(&right);
    left.into_iter()
        .filter(|sample| other.contains(&signature(&sample.labels, modifier)) == (name == "and"))
        .collect()
}

fn between(
    left: Vec<Sample>,
    right: Vec<Sample>,
    operator: Operator,
    modifier: &BinModifier,
) -> Result<Value, Refusal> {
    let swapped = matches!(modifier.card, VectorMatchCardinality::OneToMany(_));
    let one_to_one = matches!(modifier.card, VectorMatchCardinality::OneToOne);
    let (many, one) = if swapped { (right, left) } else { (left, right) };
    let side = if swapped { "left" } else { "right" };
    let mut partners: BTreeMap<Labels, &Sample> = BTreeMap::new();
    for sample in &one {
        let key = signature(&sample.labels, modifier);
        if let Some(other) = partners.insert(key.clone(), sample) {
            return Err(Refusal::Execution(format!(
                "found duplicate series for the match group {} on the {side} hand-side of the operation: [{}, {}];many-to-many matching not allowed: matching labels must be unique on one side",
                show(&key),
                show(&sample.labels),
                show(&other.labels)
            )));
        }
    }
    let drop = drops_name(operator, modifier.return_bool);
    let mut taken: BTreeMap<Labels, ()> = BTreeMap::new();
    let mut result = Vec::new();
    for sample in &many {
        let key = signature(&sample.labels, modifier);
        let Some(partner) = partners.get(&key) else {
            continue;
        };
        let (a, b) = if swapped { (partner.value, sample.value) } else { (sample.value, partner.value) };
        let Some(value) = apply(operator, a, b, modifier.return_bool, a) else {
            continue;
        };
        let labels = joined(sample, partner, drop, one_to_one, modifier);
        if one_to_one && taken.insert(key, ()).is_some() {
            return Err(Refusal::Execution(
                "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)"
                    .to_owned(),
            ));
        }
        result.push(Sample { labels, value });
    }
    distinct(result).map(Value::Vector)
}

fn joined(many: &Sample, one: &Sample, drop: bool, one_to_one: bool, modifier: &BinModifier) -> Labels {
    let mut labels = if drop { many.labels.nameless() } else { many.labels.clone() };
    if one_to_one {
        match &modifier.matching {
            Some(LabelModifier::Include(on)) => {
                labels = labels.filtered(|name| on.labels.iter().any(|l| l == name));
            }
            Some(LabelModifier::Exclude(ignoring)) => {
                labels = labels.filtered(|name| ignoring.labels.iter().all(|l| l != name));
            }
            None => {}
        }
    }
    if let Some(extra) = modifier.card.labels() {
        for name in &extra.labels {
            labels = labels.with(name, one.labels.get(name));
        }
    }
    labels
}

fn show(labels: &Labels) -> String {
    let pairs: Vec<String> = labels.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
    format!("{{{}}}", pairs.join(", "))
}

//! The window pairs of a multi-window, multi-burn-rate alert, read from its rule: so that the pair that fires can be
//! named as it is configured, not as a default table would have it. The alert's state is never computed from this.

use promql_parser::parser::Expr;
use promql_parser::parser::token::{
    T_ADD, T_DIV, T_GTE, T_GTR, T_LAND, T_LOR, T_LSS, T_LTE, T_MAX, T_MUL, T_SUB, T_SUM,
};

use super::{bare, parse};
use crate::domain::window::Window;

/// Names that end in the window of an error ratio (0..1): Sloth's, then Pyrra's and kube-prometheus' (a ratio too,
/// whatever the name says).
const RECORDED: [&str; 2] = ["ratio_rate", "burnrate"];
/// Two thresholds of one pair may differ by this much, relative: they are products of floats.
const SAME: f64 = 1e-9;
/// A factor times a known budget may differ from it by this much, relative: people round budgets.
const CLOSE: f64 = 1e-3;

/// One row of an alert's table: fires while both windows burn faster than `factor`.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Pair {
    /// The window that must have burnt long enough.
    pub long: Window,
    /// The window that must still burn.
    pub short: Window,
    /// Multiple of the speed at which the budget lasts exactly the period.
    pub factor: f64,
    /// 1 - objective, as it stands in the rule (0..1).
    pub budget: f64,
}

/// The pairs in an alert's expression: comparisons of recorded ratios, two joined by `and`, pairs joined by `or`.
///
/// `known` is the SLO's error budget (0..1) where it is known: it tells factor from budget, and is needed where the
/// rule has their product already multiplied. Empty when anything in the expression is something else: the caller
/// then falls back to a default table and says so.
pub fn window_pairs(expr: &str, known: Option<f64>) -> Vec<Pair> {
    let known = known.filter(|budget| budget.is_finite() && *budget > 0.0);
    parse(expr).ok().and_then(|tree| rows(&tree, known)).unwrap_or_default()
}

/// A recorded ratio compared with a constant.
struct Comparison {
    window: Window,
    threshold: f64,
    /// Factor and budget, where they can be told apart.
    parts: Option<(f64, f64)>,
}

fn rows(expr: &Expr, known: Option<f64>) -> Option<Vec<Pair>> {
    match inner(expr) {
        Expr::Binary(binary) if binary.op.id() == T_LOR => {
            let mut pairs = rows(&binary.lhs, known)?;
            pairs.extend(rows(&binary.rhs, known)?);
            Some(pairs)
        }
        Expr::Binary(binary) if binary.op.id() == T_LAND => {
            let one = comparison(&binary.lhs, known)?;
            let two = comparison(&binary.rhs, known)?;
            let (factor, budget) = one.parts.or(two.parts)?;
            let same = (one.threshold - two.threshold).abs() <= SAME * one.threshold.abs();
            (same && one.window != two.window).then(|| {
                vec![Pair {
                    long: one.window.max(two.window),
                    short: one.window.min(two.window),
                    factor,
                    budget,
                }]
            })
        }
        _ => None,
    }
}

/// `expr` without parentheses and without the aggregations that only drop labels.
fn inner(expr: &Expr) -> &Expr {
    match bare(expr) {
        Expr::Aggregate(aggregate) if matches!(aggregate.op.id(), T_MAX | T_SUM) => inner(&aggregate.expr),
        other => other,
    }
}

fn comparison(expr: &Expr, known: Option<f64>) -> Option<Comparison> {
    let Expr::Binary(binary) = inner(expr) else {
        return None;
    };
    let (series, constant) = match binary.op.id() {
        T_GTR | T_GTE => (&binary.lhs, &binary.rhs),
        T_LSS | T_LTE => (&binary.rhs, &binary.lhs),
        _ => return None,
    };
    let Expr::VectorSelector(vector) = inner(series) else {
        return None;
    };
    let threshold = fold(constant)?;
    (threshold.is_finite() && threshold > 0.0).then_some(())?;
    Some(Comparison {
        window: window_of(vector.name.as_deref()?)?,
        threshold,
        parts: parts(constant, threshold, known),
    })
}

/// The window at the end of a recorded name.
fn window_of(name: &str) -> Option<Window> {
    RECORDED
        .iter()
        .find_map(|word| name.rsplit_once(word))
        .and_then(|(_, window)| window.parse().ok())
        .filter(|window: &Window| window.secs() > 0)
}

/// Factor and budget of a threshold. Both orders are written by people; the budget is the one that is known, else the
/// smaller one.
fn parts(constant: &Expr, threshold: f64, known: Option<f64>) -> Option<(f64, f64)> {
    let Expr::Binary(product) = bare(constant) else {
        return known.map(|budget| (threshold / budget, budget));
    };
    if product.op.id() != T_MUL {
        return known.map(|budget| (threshold / budget, budget));
    }
    let (a, b) = (fold(&product.lhs)?, fold(&product.rhs)?);
    let close = |part: f64| known.is_some_and(|budget| (part - budget).abs() <= CLOSE * budget);
    match (close(a), close(b)) {
        (true, false) => Some((b, a)),
        (false, true) => Some((a, b)),
        _ if a <= b => Some((b, a)),
        _ => Some((a, b)),
    }
}

/// The value of an expression of constants.
fn fold(expr: &Expr) -> Option<f64> {
    match bare(expr) {
        Expr::NumberLiteral(literal) => Some(literal.val),
        Expr::Unary(unary) => fold(&unary.expr).map(|value| -value),
        Expr::Binary(binary) => {
            let (a, b) = (fold(&binary.lhs)?, fold(&binary.rhs)?);
            match binary.op.id() {
                T_ADD => Some(a + b),
                T_SUB => Some(a - b),
                T_MUL => Some(a * b),
                T_DIV => Some(a / b),
                _ => None,
            }
        }
        _ => None,
    }
}

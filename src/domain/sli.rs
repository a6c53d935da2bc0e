//! What an SLI counts, read from the PromQL of its recording rule: which counters are bad events and which are all
//! events. Only sums of `rate` or `increase` are understood, because only they can be rewritten to counts and split
//! by pod without changing their meaning; for everything else the answer is the reason why not, never a guess.

mod pairs;
mod selector;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use promql_parser::parser::token::{T_ADD, T_DIV, T_GTR, T_LOR, T_MUL, T_SUB, T_SUM};
use promql_parser::parser::{
    AggregateExpr, BinaryExpr, Call, Expr, LabelModifier, VectorMatchCardinality, VectorSelector,
};

use serde::{Deserialize, Serialize};

use super::clean::Clean;
use super::window::Window;

pub use pairs::{Pair, window_pairs};
pub use selector::{Matcher, Op, Selector};

/// More counters than this on one side are not an SLI that a person could check.
const LEAVES: usize = 6;
/// The longest expression looked at, in bytes.
const LONGEST: usize = 16 * 1024;
/// The most tokens looked at: the parser's tree is as deep as an expression is long, and is walked on a thread's stack.
const TOKENS: usize = 1_000;

/// An expression as a server gave it. What is parsed and sent back is the raw text; what can be shown is clean.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct PromQl(String);

impl PromQl {
    /// Keeps `raw` as it is.
    pub fn new(raw: impl Into<String>) -> Self {
        Self(raw.into())
    }

    /// The raw text, for parsing and for a query only: it may contain what moves a cursor.
    pub fn as_query(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PromQl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Clean::new(&self.0).fmt(f)
    }
}

impl fmt::Debug for PromQl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PromQl({})", Clean::new(&self.0))
    }
}

/// Why counts cannot be taken from an expression. The SLO is then judged "by time", from its recorded ratios.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "SLI expression not understood: {reason}; hint: counts need sum(rate(bad[5m])) / sum(rate(total[5m])), or increase"
)]
pub struct NotUnderstood {
    /// What stands in the way, in one phrase.
    pub reason: Clean,
}

fn no<T>(reason: impl AsRef<str>) -> Result<T, NotUnderstood> {
    Err(NotUnderstood { reason: Clean::new(reason) })
}

/// One counter in a sum.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Leaf {
    /// True when it is taken away, as good events are from all events.
    pub subtracted: bool,
    /// The series counted.
    pub selector: Selector,
}

/// A sum of counters, some of them taken away.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct LinearSum {
    /// The counters, added ones first; at least one is added.
    pub leaves: Vec<Leaf>,
    /// True when the source says `or vector(0)`: no series means no events.
    pub zero_when_absent: bool,
}

/// Bad events over all events, as counters.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SliExpression {
    /// Counts the bad events.
    pub bad: LinearSum,
    /// Counts all events.
    pub total: LinearSum,
    /// Labels of `sum by (...)`: every combination is an SLO of its own until [`SliExpression::pin`]ned.
    pub grouping: Vec<String>,
    /// The window in the source; every rendering replaces it.
    pub window: Window,
}

/// Reads the expression of an error ratio: `A / B` or `1 - A / B`, each side sums of `rate` or of `increase`.
///
/// # Errors
/// [`NotUnderstood`] for anything that is not exactly that.
pub fn understand(expr: &str) -> Result<SliExpression, NotUnderstood> {
    let tree = parse(expr)?;
    let mut seen = Seen::default();
    let (bad, total) = ratio(&tree, &mut seen)?;
    match (seen.window, bad.cancelled()?, total.cancelled()?) {
        (Some(window), bad, total) => {
            Ok(SliExpression { bad, total, grouping: seen.grouping.unwrap_or_default(), window })
        }
        (None, ..) => no("it counts nothing"),
    }
}

/// Labels that every series in `expr` must carry with one and the same value, recorded series included: which SLO an
/// alert rule speaks of. Empty for what is not PromQL, and for what names no series.
pub fn demanded(expr: &str) -> BTreeMap<String, String> {
    let mut common = None;
    if let Ok(tree) = parse(expr) {
        demands(&tree, &mut common);
    }
    common.unwrap_or_default()
}

fn demands(expr: &Expr, common: &mut Option<BTreeMap<String, String>>) {
    let vector = match expr {
        Expr::VectorSelector(vector) => vector,
        Expr::MatrixSelector(matrix) => &matrix.vs,
        Expr::Aggregate(aggregate) => return demands(&aggregate.expr, common),
        Expr::Unary(unary) => return demands(&unary.expr, common),
        Expr::Paren(paren) => return demands(&paren.expr, common),
        Expr::Subquery(subquery) => return demands(&subquery.expr, common),
        Expr::Call(call) => return call.args.args.iter().for_each(|arg| demands(arg, common)),
        Expr::Binary(binary) => {
            demands(&binary.lhs, common);
            return demands(&binary.rhs, common);
        }
        Expr::NumberLiteral(_) | Expr::StringLiteral(_) | Expr::Extension(_) => return,
    };
    let found = selector::demanded(vector);
    match common {
        None => *common = Some(found),
        Some(common) => common.retain(|label, value| found.get(label) == Some(value)),
    }
}

/// Parses what is short enough to be walked safely.
fn parse(expr: &str) -> Result<Expr, NotUnderstood> {
    if expr.len() > LONGEST || selector::tokens(expr) > TOKENS {
        return no("it is too long");
    }
    promql_parser::parser::parse(expr).or_else(|error| no(format!("it is not PromQL ({error})")))
}

/// What all counters of an expression must agree on, or their sum would not be a count.
#[derive(Default)]
struct Seen {
    function: Option<&'static str>,
    window: Option<Window>,
    grouping: Option<Vec<String>>,
}

impl Seen {
    fn agree(
        &mut self,
        function: &'static str,
        window: Window,
        grouping: Vec<String>,
    ) -> Result<(), NotUnderstood> {
        if *self.function.get_or_insert(function) != function {
            return no("it mixes rate and increase");
        }
        if *self.window.get_or_insert(window) != window {
            return no("it mixes windows");
        }
        if *self.grouping.get_or_insert_with(|| grouping.clone()) != grouping {
            return no("its sides are grouped by different labels");
        }
        Ok(())
    }
}

/// The two sides of a ratio of bad events.
fn ratio(expr: &Expr, seen: &mut Seen) -> Result<(LinearSum, LinearSum), NotUnderstood> {
    let Expr::Binary(binary) = bare(expr) else {
        return no(format!("it is no division: {}", what(expr)));
    };
    match binary.op.id() {
        T_LOR if is_zero(&binary.rhs) && on_nothing(binary) => ratio(&binary.lhs, seen),
        T_DIV => {
            if !is_plain(binary) {
                return no(match bare(&binary.lhs) {
                    Expr::Call(call) if call.func.name == "sum_over_time" => {
                        "it is the mean of a recorded ratio (sum_over_time / count_over_time)"
                    }
                    _ => "its division matches by on, ignoring or group",
                });
            }
            let mut bad = LinearSum::default();
            let mut total = LinearSum::default();
            bad.read(&binary.lhs, false, seen)?;
            total.read(positive(&binary.rhs), false, seen)?;
            Ok((bad, total))
        }
        T_SUB if is_plain(binary) && number(&binary.lhs) == Some(1.0) => {
            let (good, total) = ratio(&binary.rhs, seen)?;
            Ok((total.minus(good), total))
        }
        _ => no(format!("it is no division: {}", what(expr))),
    }
}

impl LinearSum {
    /// Adds the counters of `expr`.
    fn read(&mut self, expr: &Expr, subtracted: bool, seen: &mut Seen) -> Result<(), NotUnderstood> {
        match bare(expr) {
            Expr::Binary(binary) => match binary.op.id() {
                T_ADD | T_SUB if is_plain(binary) => {
                    self.read(&binary.lhs, subtracted, seen)?;
                    self.read(&binary.rhs, subtracted != (binary.op.id() == T_SUB), seen)
                }
                T_LOR if on_nothing(binary) && is_zero(&binary.rhs) => {
                    self.zero_when_absent = true;
                    self.read(&binary.lhs, subtracted, seen)
                }
                _ => no(format!("it joins counters by {}", what(expr))),
            },
            Expr::Aggregate(sum) => {
                let by = grouping(sum)?;
                let (function, window, selector) = self.counter(&sum.expr, &by)?;
                seen.agree(function, window, by)?;
                self.leaves.push(Leaf { subtracted, selector });
                if self.leaves.len() > LEAVES {
                    return no(format!("it adds more than {LEAVES} counters on one side"));
                }
                Ok(())
            }
            Expr::Call(call) if matches!(call.func.name, "rate" | "increase") => {
                no("a rate is not aggregated by sum")
            }
            other => no(format!("it contains {}", what(other))),
        }
    }

    /// What stands under a `sum by (by)`.
    fn counter(
        &mut self,
        expr: &Expr,
        by: &[String],
    ) -> Result<(&'static str, Window, Selector), NotUnderstood> {
        match bare(expr) {
            Expr::Binary(binary)
                if binary.op.id() == T_LOR && on_nothing(binary) && is_zero(&binary.rhs) && by.is_empty() =>
            {
                self.zero_when_absent = true;
                self.counter(&binary.lhs, by)
            }
            // A sum of sums is a sum, as long as the inner one still has the labels of the outer one.
            Expr::Aggregate(inner)
                if grouping(inner)?.iter().collect::<BTreeSet<_>>().is_superset(&by.iter().collect()) =>
            {
                self.counter(&inner.expr, by)
            }
            Expr::Call(call) => ranged(call),
            other => no(format!("it sums {}", what(other))),
        }
    }

    /// This sum without the counters of `other`.
    fn minus(&self, other: Self) -> Self {
        let taken = other.leaves.into_iter().map(|leaf| Leaf { subtracted: !leaf.subtracted, ..leaf });
        Self {
            leaves: self.leaves.iter().cloned().chain(taken).collect(),
            zero_when_absent: self.zero_when_absent,
        }
    }

    /// Without the counters that are both added and taken away, and with the added ones first.
    fn cancelled(mut self) -> Result<Self, NotUnderstood> {
        let mut kept: Vec<Leaf> = Vec::new();
        for leaf in self.leaves {
            let opposite =
                |other: &Leaf| other.subtracted != leaf.subtracted && other.selector == leaf.selector;
            match kept.iter().position(opposite) {
                Some(found) => {
                    kept.remove(found);
                }
                None => kept.push(leaf),
            }
        }
        kept.sort_by_key(|leaf| leaf.subtracted);
        if kept.first().is_none_or(|leaf| leaf.subtracted) {
            return no("nothing is left of one side but what is taken away");
        }
        if kept.len() > LEAVES {
            return no(format!("it adds more than {LEAVES} counters on one side"));
        }
        self.leaves = kept;
        Ok(self)
    }

    /// PromQL of the count over `window`, one row for each combination of the labels `split`.
    ///
    /// A counter without series for a row does not lose the row: it counts as nothing. The exception is a histogram
    /// bucket that is taken away, because a bucket exists wherever its count does; if it is missing, then `le` is
    /// written differently there, and no answer is better than "all requests were slow".
    fn increase(&self, window: Window, split: &[&str]) -> String {
        let one = |leaf: &Leaf| leaf.selector.increase(window, split);
        let added: Vec<String> = self.leaves.iter().filter(|l| !l.subtracted).map(one).collect();
        let mut terms: Vec<String> = Vec::new();
        for (n, leaf) in added.iter().enumerate() {
            let others: Vec<&str> = (0..added.len()).filter(|m| *m != n).map(|m| added[m].as_str()).collect();
            terms.push(or_nothing(leaf, &others));
        }
        let mut text = terms.join(" + ");
        let present: Vec<&str> = added.iter().map(String::as_str).collect();
        for leaf in self.leaves.iter().filter(|leaf| leaf.subtracted) {
            let taken = if leaf.selector.is_bucket() { one(leaf) } else { or_nothing(&one(leaf), &present) };
            text.push_str(&format!(" - {taken}"));
        }
        text
    }

    /// As [`LinearSum::increase`], in parentheses where it is more than one term.
    fn operand(&self, window: Window, split: &[&str]) -> String {
        let text = self.increase(window, split);
        if self.leaves.len() > 1 { format!("({text})") } else { text }
    }
}

impl SliExpression {
    /// PromQL of the bad events in `window`, one row per combination of `split`. A row that only the total has means
    /// that no bad event was counted there.
    pub fn bad_increase(&self, window: Window, split: &[&str]) -> String {
        self.bad.increase(window, split)
    }

    /// PromQL of all events in `window`, one row per combination of `split`.
    pub fn total_increase(&self, window: Window, split: &[&str]) -> String {
        self.total.increase(window, split)
    }

    /// PromQL of the error ratio (0..1) over `window`, grouped as the source is. Without bad series it has no value,
    /// unless the source says `or vector(0)`.
    pub fn ratio(&self, window: Window) -> String {
        let by: Vec<&str> = self.grouping.iter().map(String::as_str).collect();
        let total = self.total.operand(window, &by);
        let bad = if self.bad.zero_when_absent {
            format!("({} or 0 * {total})", self.bad.operand(window, &by))
        } else {
            self.bad.operand(window, &by)
        };
        format!("{bad} / {total}")
    }

    /// This expression for one concrete SLO of a grouped one: its group labels become equality matchers. `series` are
    /// the labels of the SLO's recorded series, `rule` those that the recording rule itself sets.
    ///
    /// # Errors
    /// When the rule overwrites a group label: its value in the counters is then not known.
    pub fn pin(
        &self,
        series: &BTreeMap<String, Clean>,
        rule: &BTreeMap<String, Clean>,
    ) -> Result<Self, NotUnderstood> {
        let mut pinned = self.clone();
        for label in std::mem::take(&mut pinned.grouping) {
            if rule.contains_key(&label) {
                return no(format!("its rule overwrites the group label `{label}`"));
            }
            // A group label that the series lacks was empty in the counters too.
            let value = series.get(&label).map_or("", Clean::as_str);
            for leaf in pinned.bad.leaves.iter_mut().chain(&mut pinned.total.leaves) {
                leaf.selector.equal(&label, value);
            }
        }
        Ok(pinned)
    }

    /// The distinct counters as selectors, for `count_over_time(selector[10m])`.
    pub fn counters(&self) -> Vec<String> {
        let distinct: BTreeSet<String> = self.selectors().map(ToString::to_string).collect();
        distinct.into_iter().collect()
    }

    /// Labels that every counter demands to have one and the same value.
    pub fn equality_matchers(&self) -> BTreeMap<String, String> {
        let mut all = self.selectors().map(Selector::equalities);
        let first = all.next().unwrap_or_default();
        all.fold(first, |mut common, other| {
            common.retain(|label, value| other.get(label) == Some(value));
            common
        })
    }

    fn selectors(&self) -> impl Iterator<Item = &Selector> {
        self.bad.leaves.iter().chain(&self.total.leaves).map(|leaf| &leaf.selector)
    }
}

/// `term`, or nothing counted where only `others` have a row.
fn or_nothing(term: &str, others: &[&str]) -> String {
    match others {
        [] => term.to_owned(),
        [other] => format!("({term} or 0 * {other})"),
        others => format!("({term} or 0 * ({}))", others.join(" or ")),
    }
}

/// `expr` without parentheses around it.
fn bare(expr: &Expr) -> &Expr {
    match expr {
        Expr::Paren(paren) => bare(&paren.expr),
        other => other,
    }
}

/// The total in `total > 0`: the guard only turns "no events" into "no sample".
fn positive(expr: &Expr) -> &Expr {
    match bare(expr) {
        Expr::Binary(b) if b.op.id() == T_GTR && is_plain(b) && number(&b.rhs) == Some(0.0) => &b.lhs,
        other => other,
    }
}

fn number(expr: &Expr) -> Option<f64> {
    match bare(expr) {
        Expr::NumberLiteral(literal) => Some(literal.val),
        _ => None,
    }
}

/// True for `vector(0)` and for `0 * anything`: it adds no event.
fn is_zero(expr: &Expr) -> bool {
    match bare(expr) {
        Expr::Call(call) => {
            call.func.name == "vector" && call.args.args.first().is_some_and(|arg| number(arg) == Some(0.0))
        }
        Expr::Binary(binary) => {
            binary.op.id() == T_MUL
                && is_plain(binary)
                && (number(&binary.lhs) == Some(0.0) || number(&binary.rhs) == Some(0.0))
        }
        _ => false,
    }
}

/// True when the two sides are matched by all their labels and nothing is filled in.
fn is_plain(binary: &BinaryExpr) -> bool {
    binary.modifier.as_ref().is_none_or(|modifier| {
        modifier.matching.is_none()
            && !modifier.return_bool
            && matches!(modifier.card, VectorMatchCardinality::OneToOne | VectorMatchCardinality::ManyToMany)
            && modifier.fill_values.lhs.is_none()
            && modifier.fill_values.rhs.is_none()
    })
}

/// True for a set operator without matching labels, or with `on ()`.
fn on_nothing(binary: &BinaryExpr) -> bool {
    binary.modifier.as_ref().is_none_or(|modifier| match &modifier.matching {
        None => true,
        Some(LabelModifier::Include(labels)) => labels.labels.is_empty(),
        Some(LabelModifier::Exclude(_)) => false,
    })
}

/// The labels of `sum by (...)`, sorted.
fn grouping(aggregate: &AggregateExpr) -> Result<Vec<String>, NotUnderstood> {
    if aggregate.op.id() != T_SUM {
        return no(format!("the aggregation {} is not sum", aggregate.op));
    }
    match &aggregate.modifier {
        None => Ok(Vec::new()),
        Some(LabelModifier::Include(by)) => {
            let sorted: BTreeSet<&String> = by.labels.iter().collect();
            Ok(sorted.into_iter().cloned().collect())
        }
        Some(LabelModifier::Exclude(_)) => no("sum without (...) leaves labels that are not known"),
    }
}

/// `rate(counter[window])` or `increase(counter[window])`.
fn ranged(call: &Call) -> Result<(&'static str, Window, Selector), NotUnderstood> {
    let name = call.func.name;
    if !matches!(name, "rate" | "increase") {
        return no(format!("the function {name} is not rate or increase"));
    }
    let Some(Expr::MatrixSelector(matrix)) = call.args.args.first().map(|arg| bare(arg)) else {
        return no(format!("{name} is not applied to a counter"));
    };
    let VectorSelector { offset: None, at: None, .. } = &matrix.vs else {
        return no("it looks at another time (offset or @)");
    };
    if matrix.range.subsec_nanos() != 0 || matrix.range.is_zero() {
        return no("its window is not in whole seconds");
    }
    let selector = Selector::from_parser(&matrix.vs)?;
    Ok((name, Window::from_secs(matrix.range.as_secs()), selector))
}

/// A few words for what an expression is.
fn what(expr: &Expr) -> String {
    match bare(expr) {
        Expr::Aggregate(aggregate) => format!("the aggregation {}", aggregate.op),
        Expr::Binary(binary) => {
            format!("the operator {}{}", binary.op, if is_plain(binary) { "" } else { " with modifiers" })
        }
        Expr::Unary(_) => "a negation".to_owned(),
        Expr::Subquery(_) => "a subquery".to_owned(),
        Expr::NumberLiteral(_) | Expr::StringLiteral(_) => "a constant".to_owned(),
        Expr::VectorSelector(vector) => match vector.name.as_deref() {
            Some(name) if name.contains(':') => format!("the recorded series {name}"),
            name => format!("{} without rate or increase", name.unwrap_or("a series")),
        },
        Expr::MatrixSelector(_) => "a range".to_owned(),
        Expr::Call(call) => format!("the function {}", call.func.name),
        Expr::Paren(_) | Expr::Extension(_) => "an extension".to_owned(),
    }
}

#[cfg(test)]
mod tests;

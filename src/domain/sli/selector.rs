//! A selector of counters: kept as data, so that labels can be pinned, and written back as PromQL with everything
//! escaped. Selectors with `or` between matchers (a dialect of one server) are refused.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use promql_parser::label::{MatchOp, Matcher as Parsed};
use promql_parser::parser::VectorSelector;
use serde::{Deserialize, Serialize};

use super::{NotUnderstood, no};
use crate::domain::window::Window;

const NAME: &str = "__name__";

/// How a label's value is compared.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum Op {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `=~`
    Matches,
    /// `!~`
    MatchesNot,
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Matches => "=~",
            Self::MatchesNot => "!~",
        })
    }
}

/// One condition on a label.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Matcher {
    /// The label's name.
    pub label: String,
    /// The comparison.
    pub op: Op,
    /// The value or regular expression, unescaped.
    pub value: String,
}

/// A metric and the conditions on its labels, in the order of the source.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Selector {
    /// The metric's name; `None` when `__name__` is among the matchers.
    pub name: Option<String>,
    /// The conditions.
    pub matchers: Vec<Matcher>,
}

impl Selector {
    pub(super) fn from_parser(vector: &VectorSelector) -> Result<Self, NotUnderstood> {
        if !vector.matchers.or_matchers.is_empty() {
            return no("its matchers are joined by or");
        }
        let mut name = vector.name.clone();
        let mut matchers: Vec<Matcher> = Vec::new();
        for matcher in vector.matchers.matchers.iter().map(Matcher::from_parser) {
            if name.is_none() && matcher.label == NAME && matcher.op == Op::Equal {
                name = Some(matcher.value);
            } else if !matchers.contains(&matcher) {
                matchers.push(matcher);
            }
        }
        match &name {
            None => no("a counter is not named exactly"),
            Some(name) if name.contains(':') => no(format!("{name} is a recorded series, not a counter")),
            Some(_) => Ok(Self { name, matchers }),
        }
    }

    /// Demands `label` to be `value`.
    pub(super) fn equal(&mut self, label: &str, value: &str) {
        let matcher = Matcher { label: label.to_owned(), op: Op::Equal, value: value.to_owned() };
        if !self.matchers.contains(&matcher) {
            self.matchers.push(matcher);
        }
    }

    /// `sum by (split) (increase(selector[window]))`.
    pub(super) fn increase(&self, window: Window, split: &[&str]) -> String {
        let mut by: Vec<String> = Vec::new();
        for label in split {
            let label = label_name(label);
            if !by.contains(&label) {
                by.push(label);
            }
        }
        let sum = if by.is_empty() { "sum".to_owned() } else { format!("sum by ({})", by.join(", ")) };
        format!("{sum}(increase({self}[{window}]))")
    }

    /// True for a histogram's bucket.
    pub(super) fn is_bucket(&self) -> bool {
        self.matchers.iter().any(|matcher| matcher.label == "le")
    }

    /// Labels that must have one value.
    pub(super) fn equalities(&self) -> BTreeMap<String, String> {
        self.matchers
            .iter()
            .filter(|m| m.op == Op::Equal && !m.value.is_empty())
            .filter(|m| m.label != NAME && m.label != "le")
            .map(|m| (m.label.clone(), m.value.clone()))
            .collect()
    }
}

/// Labels that a selector of any kind wants to have one value.
pub(super) fn demanded(vector: &VectorSelector) -> BTreeMap<String, String> {
    let matchers = vector.matchers.matchers.iter().map(Matcher::from_parser);
    matchers
        .filter(|m| m.op == Op::Equal && m.label != NAME && !m.value.is_empty())
        .map(|m| (m.label, m.value))
        .collect()
}

impl Matcher {
    fn from_parser(parsed: &Parsed) -> Self {
        Self {
            label: parsed.name.clone(),
            op: match parsed.op {
                MatchOp::Equal => Op::Equal,
                MatchOp::NotEqual => Op::NotEqual,
                MatchOp::Re(_) => Op::Matches,
                MatchOp::NotRe(_) => Op::MatchesNot,
            },
            value: parsed.value.clone(),
        }
    }
}

impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}{}", label_name(&self.label), self.op, quoted(&self.value))
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut inside: Vec<String> = self.matchers.iter().map(ToString::to_string).collect();
        match self.name.as_deref() {
            Some(name) if is_plain_name(name, true) => f.write_str(name)?,
            Some(name) => inside.insert(0, quoted(name)),
            None => {}
        }
        if inside.is_empty() { Ok(()) } else { write!(f, "{{{}}}", inside.join(",")) }
    }
}

/// A label's name as PromQL writes it: quoted when it is not a plain word.
fn label_name(name: &str) -> String {
    if is_plain_name(name, false) { name.to_owned() } else { quoted(name) }
}

fn is_plain_name(name: &str, colon: bool) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || (colon && c == ':'))
}

/// A string literal, escaped as Go (and so PromQL) does.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            c if c.is_control() => {
                // Writing to a String does not fail.
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// About how many tokens `expr` has: words and signs outside of quotes.
pub(super) fn tokens(expr: &str) -> usize {
    let mut count = 0;
    let mut quote = None;
    let mut escaped = false;
    let mut word = false;
    for c in expr.chars() {
        if let Some(open) = quote {
            if escaped {
                escaped = false;
            } else if c == '\\' && open != '`' {
                escaped = true;
            } else if c == open {
                quote = None;
            }
        } else if matches!(c, '"' | '\'' | '`') {
            quote = Some(c);
            count += 1;
            word = false;
        } else if c.is_alphanumeric() || c == '_' || c == ':' {
            count += usize::from(!word);
            word = true;
        } else {
            count += usize::from(!c.is_whitespace());
            word = false;
        }
    }
    count
}

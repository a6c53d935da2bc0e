//! Where in a sentence something stands, and what follows from it: clauses, which number a window or a name belongs to,
//! and whether a number speaks of the time before or after.

use std::ops::Range;

use super::extract::{Mention, Reading, What};
use super::quantity::Family;
use super::token::Kind;
use super::words::{self, Event, Metric};

/// Before or after something.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Side {
    /// The old side.
    Before,
    /// The new side.
    After,
}

/// The side that a number speaks of, and of what, where that is said.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Role {
    /// Which side.
    pub side: Side,
    /// Before or after what.
    pub anchor: Option<Event>,
    /// From where: the words `from .. to`, or the order of an arrow.
    pub pair: bool,
}

impl Role {
    /// Both speak of the same thing, as far as known, and of different sides.
    pub fn opposes(&self, other: &Self) -> bool {
        let same = match (self.anchor, other.anchor) {
            // The alert comes after the onset: its sides are not those of the rollout.
            (Some(a), Some(b)) => {
                a == b
                    || ![a, b].iter().any(|e| matches!(e, Event::Alert | Event::Rollback | Event::Recovery))
            }
            (Some(Event::Alert | Event::Rollback | Event::Recovery), None) => false,
            _ => true,
        };
        same && self.side != other.side
    }
}

/// A number that measures something: no window, and no length of time unless it may be a latency.
pub fn is_level(mention: &Mention) -> bool {
    matches!(&mention.what, What::Number { quantity, window: false } if quantity.family != Family::Time || quantity.scale < 1.0)
}

/// The side that a word gives, looking at what follows it.
fn side_at(reading: &Reading, at: usize, item: bool) -> Option<(Side, Option<Event>, usize)> {
    let low = |n: usize| reading.tokens.get(n).map_or("", |t| t.low.as_str());
    if reading.tokens.get(at).is_none_or(|t| t.kind != Kind::Word) {
        return None;
    }
    let thing = [
        "pods",
        "pod",
        "revision",
        "version",
        "side",
        "replicaset",
        "release",
        "one",
        "ones",
        "image",
        "code",
        "config",
        "replicas",
    ];
    // "0.5 % on the old, 40 % on the new": the noun has been said.
    let alone = ["", ",", ".", ";", ")", "["].contains(&low(at + 1))
        && at.checked_sub(1).is_some_and(|n| low(n) == "the")
        && at.checked_sub(2).is_some_and(|n| ["on", "for", "of", "from", "in"].contains(&low(n)));
    let noun = thing.contains(&low(at + 1)) || item || alone;
    let (side, length) = match low(at) {
        "before" | "beforehand" | "normally" | "usually" | "ordinarily" | "previously" | "baseline"
        | "formerly" | "yesterday" | "pre-rollout" | "pre-deploy" | "pre-incident" | "pre-release"
        | "pre-change" | "pre-deployment" | "pre" => (Side::Before, 1),
        "prior" if low(at + 1) == "to" => (Side::Before, 2),
        "used"
            if low(at + 1) == "to"
                && ["be", "stand", "sit", "run", "take", "last"].contains(&low(at + 2)) =>
        {
            (Side::Before, 3)
        }
        "old" | "previous" | "prior" | "earlier" if noun => (Side::Before, 1),
        "after" | "afterwards" | "afterward" | "since" | "now" | "currently" | "during" | "post-rollout"
        | "post-deploy" | "post-incident" | "post-release" | "post-change" | "post-deployment"
        | "following" | "post" => (Side::After, 1),
        "new" | "current" if noun => (Side::After, 1),
        "incident" if item => (Side::After, 1),
        "ago" if item => (Side::Before, 1),
        "last" | "previous" if item && ["week", "day", "month", "night"].contains(&low(at + 1)) => {
            (Side::Before, 2)
        }
        _ => return None,
    };
    let mut anchor = None;
    if ["old", "new", "previous", "current"].contains(&low(at)) {
        anchor = Some(Event::Deploy);
    } else {
        for n in at + length..(at + length + 7) {
            if [",", ";", ".", ":", "(", ")", "[", "and"].contains(&low(n)) {
                break;
            }
            anchor = words::event(low(n)).or(anchor);
            if anchor.is_some() {
                break;
            }
        }
    }
    if low(at).ends_with("rollout") || low(at).ends_with("deploy") {
        anchor = Some(Event::Deploy);
    }
    Some((side, anchor, length))
}

/// The role of a whole item, from its words outside of numbers.
pub fn role_of_text(reading: &Reading) -> Option<Role> {
    (0..reading.tokens.len()).find_map(|at| side_at(reading, at, true)).map(|(side, anchor, _)| Role {
        side,
        anchor,
        pair: false,
    })
}

/// The role of each mention that is a level.
pub fn roles(reading: &Reading, item: bool) -> Vec<Option<Role>> {
    let mut out = vec![None; reading.mentions.len()];
    pairs(reading, &mut out);
    let level: Vec<usize> = (0..reading.mentions.len()).filter(|n| is_level(&reading.mentions[*n])).collect();
    let mut taken = 0;
    for (n, index) in level.iter().enumerate() {
        if out[*index].is_some() {
            continue;
        }
        let at = &reading.mentions[*index].at;
        let next = level.get(n + 1).map_or(reading.tokens.len(), |i| reading.mentions[*i].at.start);
        let last = n.checked_sub(1).map_or(0, |p| reading.mentions[level[p]].at.end).max(taken);
        out[*index] = match follows(reading, at.end, next, item) {
            // The word is that number's, and does not lead the next one.
            Some((role, end)) => {
                taken = end;
                Some(role)
            }
            None => leads(reading, last, at.start, item),
        };
    }
    the_other_side(reading, &level, item, &mut out);
    out
}

/// Of two numbers of one unit, one said to be from before and the other without a word for it: the other is of the time
/// after, where the two are held against each other (in an item they always are).
fn the_other_side(reading: &Reading, level: &[usize], item: bool, out: &mut [Option<Role>]) {
    let [a, b] = *level else { return };
    let (first, second) = (&reading.mentions[a], &reading.mentions[b]);
    if !alike(first, second) {
        return;
    }
    let contrast = ["against", "versus", "vs", "compared", "instead", "whereas", "used", "than"];
    let between = words_between(reading, first.at.end..second.at.start);
    if !(item || between.iter().any(|w| contrast.contains(&w.as_str()))) {
        return;
    }
    let (known, open) = match (out[a], out[b]) {
        (Some(role), None) => (role, b),
        (None, Some(role)) => (role, a),
        _ => return,
    };
    if known.side == Side::Before && !known.pair {
        out[open] = Some(Role { side: Side::After, ..known });
    }
}

/// A role word at most four words behind a number, in the same clause.
fn follows(reading: &Reading, from: usize, until: usize, item: bool) -> Option<(Role, usize)> {
    let mut seen = 0;
    let mut bracket = false;
    for at in from..until.min(from + 10) {
        let token = reading.tokens.get(at)?;
        match token.low.as_str() {
            "[" => bracket = true,
            "]" => bracket = false,
            // "20 % (before)", but not "20 % (before: 1 %)".
            "(" if at == from && (from..until).any(|t| reading.tokens[t].is(")")) => {}
            _ if bracket => {}
            // "almost all (99.8 %) that reach the new pods"
            ")" if at == from
                && reading
                    .tokens
                    .get(at + 1)
                    .is_some_and(|t| t.among(&["that", "to", "on", "from", "reaching", "hitting"])) => {}
            "," | ";" | "." | ":" | "(" | ")" | "/" | "→" | "->" | "while" | "and" | "but" => return None,
            _ => {
                if let Some((side, anchor, length)) = side_at(reading, at, item) {
                    return Some((Role { side, anchor, pair: false }, at + length));
                }
                seen += 1;
                if seen > 4 {
                    return None;
                }
            }
        }
    }
    None
}

/// A role word before a number, with no sentence end and no other number between.
fn leads(reading: &Reading, from: usize, until: usize, item: bool) -> Option<Role> {
    let mut found = None;
    let mut bracket = false;
    for at in from..until {
        let low = reading.tokens.get(at)?.low.as_str();
        match low {
            "[" => bracket = true,
            "]" => bracket = false,
            _ if bracket => {}
            ";" | "." => found = None,
            "and" | "while" | "but" | "whereas" | "versus" | "vs" | "against" | "than" => found = None,
            _ => {
                // "4 minutes before the alert": the word belongs to the length of time before it.
                let length = at > 0 && reading.mentions.iter().any(|m| {
                    m.at.end == at
                        && matches!(&m.what, What::Number { quantity, .. } if quantity.family == Family::Time)
                });
                let than = at > 0 && reading.tokens[at - 1].is("than");
                if let Some((side, anchor, _)) = side_at(reading, at, item).filter(|_| !length && !than) {
                    found = Some(Role { side, anchor, pair: false });
                }
            }
        }
    }
    found
}

/// `from A to B`, `A → B`.
fn pairs(reading: &Reading, out: &mut [Option<Role>]) {
    for (first, second) in joined(reading) {
        let deploy = None;
        out[first] = Some(Role { side: Side::Before, anchor: deploy, pair: true });
        out[second] = Some(Role { side: Side::After, anchor: deploy, pair: true });
    }
}

/// Indexes of numbers that are joined by `from .. to ..`, `to .. from ..` or an arrow: older first.
pub fn joined(reading: &Reading) -> Vec<(usize, usize)> {
    let numbers: Vec<usize> = (0..reading.mentions.len())
        .filter(|n| matches!(reading.mentions[*n].what, What::Number { .. }))
        .collect();
    let mut out = Vec::new();
    for two in numbers.windows(2) {
        let [a, b] = [two[0], two[1]];
        let (first, second) = (&reading.mentions[a], &reading.mentions[b]);
        let between = words_between(reading, first.at.end..second.at.start);
        let led = words_between(reading, first.at.start.saturating_sub(4)..first.at.start);
        let skip = [
            "about",
            "around",
            "roughly",
            "~",
            "≈",
            "nearly",
            "almost",
            "just",
            "over",
            "under",
            "an",
            "a",
            "some",
            "the",
            "of",
            "approximately",
            "requests",
            "errors",
            "baseline",
        ];
        let core: Vec<&str> = between.iter().map(String::as_str).filter(|w| !skip.contains(w)).collect();
        let head = led.iter().rev().map(String::as_str).find(|w| !skip.contains(w)).unwrap_or("");
        match core.as_slice() {
            ["to" | "up" | "into" | "through", ..] if head == "from" && core.len() <= 2 => out.push((a, b)),
            ["to"] if ["was", "went", "goes", "going", "between"].contains(&head) => out.push((a, b)),
            ["->" | "→" | "=>" | "➜" | "-->" | "--" | "⟶"] => out.push((a, b)),
            // "sets it to 90 instead of 60", but not "should be 60 instead of 90".
            ["instead"] | ["rather", "than"] if !proposed(reading) => out.push((b, a)),
            ["from"] | ["up" | "down", "from"] if !["by"].contains(&head) => out.push((b, a)),
            // "4.9 s at the 99th percentile, up from 180 ms".
            [aside @ .., "," | "(", "up" | "down", "from"]
                if aside.len() <= 8
                    && !aside.iter().any(|w| [".", ";", ")"].contains(w))
                    && alike(first, second) =>
            {
                out.push((b, a));
            }
            _ => {}
        }
    }
    out
}

/// The sentence speaks of what ought to be.
fn proposed(reading: &Reading) -> bool {
    let words = [
        "should",
        "would",
        "could",
        "must",
        "recommend",
        "suggest",
        "propose",
        "restore",
        "restoring",
        "back",
    ];
    reading.tokens.iter().any(|t| t.among(&words))
}

/// Two numbers of one unit family.
fn alike(a: &Mention, b: &Mention) -> bool {
    matches!((&a.what, &b.what), (What::Number { quantity: p, window: false }, What::Number { quantity: q, window: false }) if p.family == q.family)
}

fn words_between(reading: &Reading, range: Range<usize>) -> Vec<String> {
    let mut bracket = false;
    let mut out = Vec::new();
    for at in range {
        let Some(token) = reading.tokens.get(at) else { break };
        match token.low.as_str() {
            "[" => bracket = true,
            "]" => bracket = false,
            _ if bracket => {}
            low => out.push(low.to_owned()),
        }
    }
    out
}

/// The clause of each token, counted.
pub fn clauses(reading: &Reading) -> Vec<usize> {
    let mut clause = 0;
    let mut bracket = false;
    reading
        .tokens
        .iter()
        .map(|token| {
            match token.low.as_str() {
                "[" => bracket = true,
                "]" => bracket = false,
                _ if bracket => {}
                "," | ";" | "(" | ")" | "—" | "–" | "." | "and" | "while" | "whereas" | "but" | "versus"
                | "vs" | "compared" | "than" | "against" => clause += 1,
                _ => {}
            }
            clause
        })
        .collect()
}

/// Which number each attribute (of those that `is` accepts) belongs to; `None` where that is not clear.
pub fn belongs(reading: &Reading, is: impl Fn(&What) -> bool) -> Vec<Option<usize>> {
    let mut out = vec![None; reading.mentions.len()];
    let clause = clauses(reading);
    let numbers: Vec<usize> =
        (0..reading.mentions.len()).filter(|n| is_level(&reading.mentions[*n])).collect();
    let attributes: Vec<usize> =
        (0..reading.mentions.len()).filter(|n| is(&reading.mentions[*n].what)).collect();
    if numbers.is_empty() || attributes.is_empty() {
        return out;
    }
    if in_lists(&numbers, &attributes) {
        for (a, n) in attributes.iter().zip(&numbers) {
            out[*a] = Some(*n);
        }
        return out;
    }
    for a in &attributes {
        out[*a] = owner(reading, &clause, &numbers, *a);
    }
    pattern(&numbers, &attributes, &mut out);
    // "payments (0.4x)": whatever else stands in the sentence.
    for a in &attributes {
        let end = reading.mentions[*a].at.end;
        let open = reading.tokens.get(end).is_some_and(|t| t.is("("));
        if let Some(n) = numbers.iter().find(|n| open && reading.mentions[**n].at.start == end + 1) {
            out.iter_mut().filter(|o| **o == Some(*n)).for_each(|o| *o = None);
            out[*a] = Some(*n);
        }
    }
    // Two windows for one number: not clear which.
    let taken = out.clone();
    for a in &attributes {
        if taken[*a].is_some() && attributes.iter().filter(|b| taken[**b] == taken[*a]).count() > 1 {
            out[*a] = None;
        }
    }
    out
}

/// The number of an attribute's clause, if there is one; for a bracket, one beside it.
fn owner(reading: &Reading, clause: &[usize], numbers: &[usize], a: usize) -> Option<usize> {
    let of = |m: usize| clause.get(reading.mentions[m].at.start).copied().unwrap_or(0);
    let limit =
        |n: &usize| matches!(&reading.mentions[*n].what, What::Number { quantity, .. } if quantity.threshold);
    let mut here: Vec<usize> = numbers.iter().copied().filter(|n| of(*n) == of(a)).collect();
    // "The 1h burn of 34x is above the threshold of 14.4x": the window is the measurement's.
    if here.len() > 1 {
        here.retain(|n| !limit(n));
    }
    match here.as_slice() {
        [one] => Some(*one),
        [] if numbers.len() == 1 => Some(numbers[0]),
        [] => {
            let open = reading.mentions[a].at.start.checked_sub(1).and_then(|n| reading.tokens.get(n));
            let back = numbers.iter().filter(|n| **n < a).max();
            back.copied().filter(|_| open.is_some_and(|t| t.is("(")))
        }
        _ => None,
    }
}

/// Strictly in turn (`5m 750x 1h 400x`, `750x 5m 400x 1h`): each with its neighbour.
fn pattern(numbers: &[usize], attributes: &[usize], out: &mut [Option<usize>]) {
    if numbers.len() != attributes.len() || numbers.len() < 2 {
        return;
    }
    let turn = |first: &[usize], second: &[usize]| {
        let pairs = first.iter().zip(second).all(|(f, s)| f < s);
        pairs && second.iter().zip(first.iter().skip(1)).all(|(s, f)| s < f)
    };
    if turn(attributes, numbers) || turn(numbers, attributes) {
        for (a, n) in attributes.iter().zip(numbers) {
            out[*a] = Some(*n);
        }
    }
}

/// "A and B over 5m and 1h": as many attributes as numbers, all on one side.
fn in_lists(numbers: &[usize], attributes: &[usize]) -> bool {
    let (n, a) = (numbers.len(), attributes.len());
    n == a && n >= 2 && (numbers[n - 1] < attributes[0] || attributes[a - 1] < numbers[0])
}

/// Metrics that the tokens in `range` speak of.
pub fn metrics(reading: &Reading, range: Range<usize>) -> Vec<Metric> {
    let low = |n: usize| reading.tokens.get(n).map_or("", |t| t.low.as_str());
    let mut out: Vec<Metric> = Vec::new();
    for at in range {
        let before = at.checked_sub(1).map_or("", low);
        if reading.tokens.get(at).is_some_and(|t| t.kind == Kind::Word)
            && let Some(metric) = words::metric(low(at), before, low(at + 1))
            && !out.contains(&metric)
        {
            out.push(metric);
        }
    }
    // "failed requests" speaks of errors, not of traffic.
    if out.contains(&Metric::Error) || out.contains(&Metric::Success) || out.contains(&Metric::Latency) {
        out.retain(|m| *m != Metric::Traffic);
    }
    // Error budget burn: burn.
    if out.contains(&Metric::Burn) {
        out.retain(|m| ![Metric::Error, Metric::Budget].contains(m));
    }
    out
}

/// The tokens of the clause in which `at` stands.
pub fn clause_of(reading: &Reading, at: usize) -> Range<usize> {
    let clause = clauses(reading);
    let Some(own) = clause.get(at).copied() else { return 0..0 };
    let from = clause.iter().position(|c| *c == own).unwrap_or(at);
    let to = clause.iter().rposition(|c| *c == own).map_or(at, |n| n + 1);
    from..to
}

//! Finds what a text claims: numbers with units, windows, revisions, names, times, directions, comparisons, orders of
//! events, citations. Knows nothing of what is true; items and sentences are read by the same eyes.

use std::ops::Range;

use super::quantity::{Bound, Family, Noun, Quantity};
use super::token::{Kind, Token, tokens};
use super::words::{self, Way};

/// One thing that a text says.
#[derive(Clone, PartialEq, Debug)]
pub enum What {
    /// A number with its unit; `window` if it is a span over which something was measured.
    Number {
        /// The number.
        quantity: Quantity,
        /// It names a window.
        window: bool,
    },
    /// `revision 7`, as its number.
    Revision(String),
    /// A service, workload, ConfigMap, image, version, path, in lower case.
    Name(String),
    /// `p99`.
    Statistic(String),
    /// Time of day: seconds since midnight; whether seconds were said; whether "about" was.
    Clock(u32, bool, bool),
    /// Year (0 if not said), month, day.
    Date(i32, u32, u32),
    /// `rose`, `unchanged`, `doubled`; and whether it was negated.
    Direction(Way, Option<f64>, bool),
    /// `higher than`: up if true.
    Compare(bool),
    /// `before` if true, else `after`.
    Order(bool),
    /// `E4`, in upper case.
    Citation(String),
}

/// One thing with its place.
#[derive(Clone, PartialEq, Debug)]
pub struct Mention {
    /// Bytes.
    pub span: Range<usize>,
    /// Tokens.
    pub at: Range<usize>,
    /// What is said.
    pub what: What,
    /// Said in passing (`all requests`): not worth a mark where nothing is known.
    pub soft: bool,
}

/// A text, read.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Reading {
    /// Its tokens.
    pub tokens: Vec<Token>,
    /// What it says, in order.
    pub mentions: Vec<Mention>,
}

/// What is known beforehand: ids that can be cited, and names of things.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Known {
    /// In upper case.
    pub ids: Vec<String>,
    /// In lower case.
    pub names: Vec<String>,
    /// The text is a sentence, and every item that it cites is about one of `names`: if none is named in it, a plain
    /// word in the place of a name is one.
    pub about_names: bool,
}

/// Family, factor to its own unit, what is counted.
type Unit = (Family, f64, Option<Noun>);

/// A text being read: what is taken is not taken twice.
pub(super) struct Extractor<'t> {
    text: &'t str,
    pub(super) tokens: Vec<Token>,
    pub(super) used: Vec<bool>,
    pub(super) known: &'t Known,
    pub(super) out: Vec<Mention>,
}

/// Reads `text`.
pub fn read(text: &str, known: &Known) -> Reading {
    let tokens = tokens(text);
    let used = vec![false; tokens.len()];
    let mut extractor = Extractor { text, tokens, used, known, out: Vec::new() };
    extractor.citations();
    extractor.revisions();
    extractor.times();
    extractor.parts();
    extractor.numbers();
    extractor.names();
    extractor.directions();
    extractor.comparisons();
    extractor.orders();
    extractor.out.sort_by_key(|m| (m.at.start, m.at.end));
    Reading { tokens: extractor.tokens, mentions: extractor.out }
}

impl Extractor<'_> {
    pub(super) fn low(&self, at: usize) -> &str {
        self.tokens.get(at).map_or("", |t| t.low.as_str())
    }

    /// The token `back` places before `at`.
    pub(super) fn prior(&self, at: usize, back: usize) -> &str {
        at.checked_sub(back).map_or("", |n| self.low(n))
    }

    pub(super) fn is_word(&self, at: usize) -> bool {
        self.tokens.get(at).is_some_and(|t| t.kind == Kind::Word)
    }

    pub(super) fn raw(&self, at: usize) -> &str {
        self.tokens.get(at).and_then(|t| self.text.get(t.span.clone())).unwrap_or("")
    }

    fn number_at(&self, at: usize) -> Option<(f64, f64)> {
        match self.tokens.get(at)?.kind {
            Kind::Number { value, step, .. } if !self.used[at] => Some((value, step)),
            _ => None,
        }
    }

    pub(super) fn say(&mut self, at: Range<usize>, what: What, soft: bool) {
        let (Some(first), Some(last)) =
            (self.tokens.get(at.start), self.tokens.get(at.end.saturating_sub(1)))
        else {
            return;
        };
        let span = first.span.start..last.span.end.max(first.span.end);
        for n in at.clone() {
            self.used[n] = true;
        }
        self.out.push(Mention { span, at, what, soft });
    }

    fn is_id(&self, low: &str) -> bool {
        let upper = low.to_uppercase();
        let digits =
            upper.strip_prefix('E').is_some_and(|d| !d.is_empty() && d.chars().all(|c| c.is_ascii_digit()));
        digits || (self.known.ids.contains(&upper) && upper.chars().any(|c| c.is_ascii_digit()))
    }

    fn citations(&mut self) {
        for at in 0..self.tokens.len() {
            let low = self.low(at).to_owned();
            let bracketed =
                ["[", "(", ",", ";", "]["].contains(&self.prior(at, 1)) || self.prior(at, 1) == "evidence";
            let bare_number = matches!(self.tokens[at].kind, Kind::Number { .. })
                && self.prior(at, 1) == "["
                && self.low(at + 1) == "]";
            let plain = self.known.ids.contains(&low.to_uppercase()) && bracketed;
            if self.is_id(&low) && self.is_word(at) || plain || bare_number {
                // [4] of E4.
                let full = format!("E{}", low.to_uppercase());
                let id =
                    if bare_number && self.known.ids.contains(&full) { full } else { low.to_uppercase() };
                self.say(at..at + 1, What::Citation(id), false);
            } else if self.is_word(at) && low.contains(['-', '/']) {
                let ends: Vec<String> = low.split(['-', '/']).map(str::to_owned).collect();
                if ends.iter().all(|e| self.is_id(e)) {
                    for end in ends {
                        self.say(at..at + 1, What::Citation(end.to_uppercase()), false);
                    }
                }
            } else if self.is_word(at)
                && self.prior(at, 1) == "["
                && self.low(at + 1) == "]"
                && low.chars().any(|c| c.is_ascii_digit())
                && low.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
            {
                self.say(at..at + 1, What::Citation(low.to_uppercase()), false);
            }
        }
    }

    fn revisions(&mut self) {
        for at in 0..self.tokens.len() {
            if self.used[at] || !self.is_word(at) {
                continue;
            }
            let low = self.low(at).to_owned();
            if let Some(number) = revision_word(&low) {
                self.say(at..at + 1, What::Revision(number), false);
                continue;
            }
            if !["revision", "revisions", "rev", "revs", "generation"].contains(&low.as_str()) {
                continue;
            }
            let mut next = at + 1;
            while [".", "#", ":", "no", "number", "nr", "=", "("].contains(&self.low(next)) && next < at + 3 {
                next += 1;
            }
            let spelled = |e: &Self, n: usize| e.is_word(n).then(|| words::spelled(e.low(n))).flatten();
            let whole = |e: &Self, n: usize| {
                e.number_at(n)
                    .filter(|(v, s)| *s == 1.0 && v.fract() == 0.0)
                    .map(|(v, _)| v)
                    .or_else(|| spelled(e, n))
            };
            let Some(first) = whole(self, next) else { continue };
            self.say(at..next + 1, What::Revision(format!("{first}")), false);
            // revisions 6 and 7; revision 6 -> 7; from revision 6 to 7.
            while ["and", "to", "->", "→", ",", "=>", "vs", "or", "-", "–"].contains(&self.low(next + 1))
            {
                let joined = next + 2;
                let Some(second) = whole(self, joined) else { break };
                let unit = self.low(joined + 1).to_owned();
                let counted = words::unit(&unit).is_some() || words::noun(&unit).is_some();
                if counted || spelled(self, joined).is_some() {
                    break;
                }
                self.say(joined..joined + 1, What::Revision(format!("{second}")), false);
                next = joined;
            }
        }
    }

    fn times(&mut self) {
        for at in 0..self.tokens.len() {
            match self.tokens[at].kind {
                Kind::Clock(second, exact) => {
                    let mut end = at + 1;
                    if ["utc", "z", "am", "pm", "gmt"].contains(&self.low(end)) {
                        end += 1;
                    }
                    let about =
                        (1..3).any(|b| words::ABOUT.contains(&self.prior(at, b)) || self.prior(at, b) == "~");
                    self.say(at..end, What::Clock(second, exact, about), false);
                }
                Kind::Date(y, m, d) => self.say(at..at + 1, What::Date(y, m, d), false),
                Kind::Word => {
                    let Some(month) = month(self.low(at)) else { continue };
                    let day = |e: &Self, n: usize| {
                        let low = e.low(n).trim_end_matches(|c: char| c.is_alphabetic());
                        low.parse::<u32>().ok().filter(|d| (1..=31).contains(d) && !e.used[n])
                    };
                    if let Some(d) = day(self, at + 1) {
                        self.say(at..at + 2, What::Date(0, month, d), false);
                    } else if let Some(d) = at.checked_sub(1).and_then(|n| day(self, n)) {
                        self.say(at - 1..at + 1, What::Date(0, month, d), false);
                    }
                }
                _ => {}
            }
        }
    }

    /// Parts of a whole in words: a fifth of, half the requests, one in five, all requests.
    fn parts(&mut self) {
        for at in 0..self.tokens.len() {
            if self.used[at] || !self.is_word(at) {
                continue;
            }
            let low = self.low(at).to_owned();
            let about = (1..4).any(|b| words::ABOUT.contains(&self.prior(at, b)) || self.prior(at, b) == "~");
            let ratio = |value: f64, loose: f64| Quantity {
                about,
                loose,
                ..Quantity::measured(value, Family::Ratio, 1.0, None)
            };
            let (head, fraction) = match low.split_once('-') {
                Some((n, p)) => (words::spelled(n), words::part(p)),
                None => (at.checked_sub(1).and_then(|n| words::spelled(self.low(n))), words::part(&low)),
            };
            let next = self.low(at + 1).to_owned();
            if let Some(part) = fraction {
                let joined = low.contains('-');
                let prior = self.prior(at, 1).to_owned();
                let counted = head.is_some() || prior == "a" || (low == "half" && prior != "the");
                if low == "half" && ["by", "in"].contains(&prior.as_str()) && next != "an" {
                    let half = Quantity { change: true, ..ratio(0.5, 0.1) };
                    self.say(at..at + 1, number(half), false);
                } else if low == "half" && next == "an" && self.low(at + 2) == "hour" {
                    let half =
                        Quantity { about, step: 1.0, ..Quantity::measured(30.0, Family::Time, 60.0, None) };
                    self.say(at..at + 3, What::Number { quantity: half, window: false }, false);
                } else if counted
                    && (["of", "the", "all", "its"].contains(&next.as_str()) || head.is_some_and(|h| h > 1.0))
                {
                    let from =
                        if joined || (low == "half" && head.is_none() && prior != "a") { at } else { at - 1 };
                    self.say(from..at + 1, number(ratio(head.unwrap_or(1.0) * part, 0.04)), false);
                }
                continue;
            }
            self.part_by_counts(at, &low, &next, &ratio);
        }
    }

    fn part_by_counts(&mut self, at: usize, low: &str, next: &str, ratio: &dyn Fn(f64, f64) -> Quantity) {
        let subject = |word: &str| {
            ["requests", "request", "traffic", "calls", "call", "responses", "queries"].contains(&word)
        };
        // one in five requests
        if let Some(first) = words::spelled(low).filter(|_| ["in", "of"].contains(&next) || (next == "out")) {
            let of = if next == "out" { at + 3 } else { at + 2 };
            let whole = words::spelled(self.low(of)).or_else(|| self.number_at(of).map(|(v, _)| v));
            let unit = words::unit(self.low(of + 1)).is_some();
            if let Some(whole) = whole.filter(|w| *w > first && *w <= 1_000.0 && !unit && next != "of") {
                return self.say(at..of + 1, number(ratio(first / whole, 0.04)), false);
            }
        }
        let whole_word = ["all", "every", "each", "none", "most"].contains(&low);
        let behind: Vec<String> = (1..5).map(|n| self.low(at + n).to_owned()).collect();
        let of = behind.iter().take(3).position(|w| subject(w));
        let direct = of.is_some_and(|n| {
            behind[..n].iter().all(|w| {
                ["of", "the", "its", "our", "incoming", "user", "api", "single"].contains(&w.as_str())
            })
        });
        if whole_word && direct {
            let value = match low {
                "none" => 0.0,
                "most" => 0.5,
                _ => 1.0,
            };
            let mut quantity = ratio(value, if value == 1.0 { 0.005 } else { 0.0 });
            quantity.step = 0.01;
            if low == "most" {
                quantity.bound = Some(Bound::Over);
            }
            self.say(at..at + 1, number(quantity), true);
        }
    }

    fn numbers(&mut self) {
        let mut at = 0;
        while at < self.tokens.len() {
            at = self.number_from(at).unwrap_or(at + 1);
        }
    }

    /// Takes a number at `at`; where it ends.
    fn number_from(&mut self, at: usize) -> Option<usize> {
        if self.used[at] {
            return None;
        }
        if self.tokens[at].kind == Kind::Version {
            self.say(at..at + 1, What::Name(self.low(at).trim_start_matches('v').to_owned()), false);
            return Some(at + 1);
        }
        let word = self.is_word(at);
        let low = self.low(at).to_owned();
        if let Some(mut quantity) = word.then(|| folds(&low)).flatten() {
            self.surroundings(at, at + 1, &mut quantity);
            quantity.change = true;
            self.say(at..at + 1, number(quantity), false);
            return Some(at + 1);
        }
        let spelled = word.then(|| self.spelled_at(at)).flatten();
        let (mut value, mut step, soft) = match spelled {
            Some((value, soft)) => (value, 1.0, soft),
            None => {
                let (value, step) = self.number_at(at)?;
                (value, step, false)
            }
        };
        let mut end = at + 1;
        if ["version", "release", "tag"].contains(&self.prior(at, 1)) && spelled.is_none() {
            let text = self.low(at).to_owned();
            self.say(at - 1..end, What::Name(text), false);
            return Some(end);
        }
        if spelled.is_some() && ["couple", "few"].contains(&low.as_str()) && self.low(end) == "of" {
            end += 1;
        }
        if let Some(power) = self.power_at(end) {
            (value, step, end) = (value * power, step * power, end + 1);
        }
        if spelled.is_some() && self.low(end) == "-" {
            end += 1;
        }
        let dash = self.low(end) == "-"
            && self.tokens.get(end).is_some_and(|t| t.span.start == self.tokens[end - 1].span.end);
        let unit_at = if dash { end + 1 } else { end };
        let (family, scale, noun, unit_end) = self.unit_at(unit_at, end);
        if spelled.is_some() && family == Family::Bare {
            return None;
        }
        // "one service" says nothing of a number.
        if low == "one" && family == Family::Count {
            return None;
        }
        let mut quantity = Quantity { step, ..Quantity::measured(value, family, scale, noun) };
        let mut stop = unit_end;
        if let Some((upper, unit, end)) = self.range_from(at, unit_end, &quantity) {
            // 2-3 minutes: anything between, rounding included.
            let lower =
                if quantity.family == Family::Bare { quantity.value } else { quantity.canonical() / unit.1 };
            let (middle, width) = (f64::midpoint(lower, upper), upper - lower);
            quantity = Quantity {
                step: width + quantity.step,
                ..Quantity::measured(middle, unit.0, unit.1, unit.2)
            };
            stop = end;
        }
        // 4 min 12 s, 1h30m
        while quantity.family == Family::Time {
            let joint = usize::from(self.low(stop) == "and");
            let Some((more, more_step)) = self.number_at(stop + joint) else { break };
            let (f, s, _, e) = self.unit_at(stop + joint + 1, stop + joint + 1);
            if f != Family::Time
                || s >= quantity.scale
                || (joint == 1 && s * 100.0 < quantity.scale && s < 1.0)
            {
                break;
            }
            quantity.value = (quantity.canonical() + more * s) / s;
            (quantity.scale, quantity.step, stop) = (s, more_step, e);
        }
        if matches!(low.as_str(), "couple" | "few") {
            quantity.loose = 0.6;
        }
        self.surroundings(at, stop, &mut quantity);
        let window = quantity.family == Family::Time && self.is_window(at, stop, &quantity);
        let from = match self.prior(at, 1) {
            "a" | "an" if low == "couple" || low == "few" => at - 1,
            _ => at,
        };
        self.say(from..stop, What::Number { quantity, window }, soft);
        Some(stop)
    }

    /// The upper end of `2-3 minutes` or `between 20 % and 30 %`, its unit and where it ends.
    fn range_from(&self, at: usize, end: usize, lower: &Quantity) -> Option<(f64, Unit, usize)> {
        let joint = self.low(end);
        let between = self.prior(at, 1) == "between" && joint == "and";
        if !between && !["-", "–"].contains(&joint) {
            return None;
        }
        let (upper, _) = self.number_at(end + 1)?;
        let (family, scale, noun, stop) = self.unit_at(end + 2, end + 2);
        let fits = lower.family == family || (lower.family == Family::Bare && family != Family::Bare);
        let scaled = if lower.family == Family::Bare { lower.value } else { lower.canonical() / scale };
        // A lower end without unit takes the upper one's.
        let same = if lower.family == Family::Bare { scale == 1.0 || lower.scale == 1.0 } else { true };
        (fits && same && scaled < upper && scaled >= 0.0).then_some((upper, (family, scale, noun), stop))
    }

    /// A number in words where a unit follows; whether it is said in passing.
    fn spelled_at(&self, at: usize) -> Option<(f64, bool)> {
        let low = self.low(at);
        let time = |n: usize| {
            words::unit(self.low(n)).is_some_and(|(f, _)| f == Family::Time) && self.low(n).len() > 2
        };
        match low {
            "a" | "an"
                if time(at + 1) && ["before", "after", "later", "earlier"].contains(&self.low(at + 2)) =>
            {
                Some((1.0, true))
            }
            "couple" | "few" => {
                let of = at + 1 + usize::from(self.low(at + 1) == "of");
                time(of).then_some((if low == "couple" { 2.0 } else { 3.0 }, true))
            }
            "no" | "zero"
                if words::noun(self.low(at + 1)).is_some()
                    && !matches!(self.low(at + 1), "rollout" | "deploy" | "alert") =>
            {
                Some((0.0, low == "no"))
            }
            _ => words::spelled(low).map(|n| (n, false)),
        }
    }

    fn power_at(&self, at: usize) -> Option<f64> {
        if self.raw(at) == "M" {
            return Some(1e6);
        }
        if self.raw(at) == "B" || (self.low(at) == "g" && self.raw(at) != "G") {
            return None;
        }
        self.is_word(at).then(|| words::power(self.low(at))).flatten()
    }

    /// Family, factor, noun and end of the unit at `at`; `none` is where the number ends without one.
    fn unit_at(&self, at: usize, none: usize) -> (Family, f64, Option<Noun>, usize) {
        let low = self.low(at);
        let per = |n: usize| -> Option<(f64, usize)> {
            let step = match self.low(n) {
                "per" | "a" | "an" | "/" | "each" | "every" => n + 1,
                _ => return None,
            };
            match self.low(step) {
                "s" | "sec" | "second" => Some((1.0, step + 1)),
                "min" | "minute" => Some((1.0 / 60.0, step + 1)),
                "h" | "hour" => Some((1.0 / 3_600.0, step + 1)),
                _ => None,
            }
        };
        if let Some((scale, end)) = per(at).filter(|_| low == "per" || low == "/") {
            return (Family::Rate, scale, None, end);
        }
        if low == "per" && self.low(at + 1) == "cent" {
            return (Family::Ratio, 0.01, None, at + 2);
        }
        // `7 m` is minutes, `7 M` is a power and was taken.
        if low == "m" && self.raw(at) == "m" && self.low(at + 1) == "cpu" {
            return (Family::Cores, 1e-3, None, at + 2);
        }
        if let Some((family, scale)) = words::unit(low).filter(|_| low != "cpu" || self.raw(at) != "cpu") {
            let point = ["point", "points"].contains(&self.low(at + 1)) && family == Family::Ratio;
            let mult = family == Family::Multiple && low == "times";
            let end = at + 1 + usize::from(point);
            // `20 s of` is time, `in` a word; the one letter that is also a word stands alone.
            let alone = low != "d" || self.low(at + 1) != "'";
            if alone && !(mult && self.low(end) == "out") {
                return (family, scale, None, end);
            }
        }
        let mut n = at;
        while n < at + 4 && n < self.tokens.len() && !self.used[n] {
            if let Some(noun) = self.is_word(n).then(|| words::noun(self.low(n))).flatten() {
                if let Some((scale, end)) = per(n + 1) {
                    return (Family::Rate, scale, Some(noun), end);
                }
                let failed =
                    (at..n).any(|w| ["failed", "failing", "bad", "erroneous"].contains(&self.low(w)));
                let noun = if failed && noun == Noun::Requests { Noun::Errors } else { noun };
                // `3,289 of 3,289 requests`: the first number ends before `of`.
                return (Family::Count, 1.0, Some(noun), if self.low(at) == "of" { none } else { n + 1 });
            }
            if !words::BETWEEN.contains(&self.low(n)) {
                break;
            }
            n += 1;
        }
        if ["slow", "distinct", "quiet"].contains(&low) {
            return (Family::Count, 1.0, None, none);
        }
        (Family::Bare, 1.0, None, none)
    }

    /// What stands around a number: about, more than, by, the threshold of.
    fn surroundings(&self, at: usize, end: usize, quantity: &mut Quantity) {
        let back: Vec<&str> = (1..5).map(|n| self.prior(at, n)).collect();
        let (b1, b2) = (back[0], back[1]);
        quantity.about |= words::ABOUT.contains(&b1)
            || (words::ABOUT.contains(&b2) && ["a", "the", "to", "at", "of", "about"].contains(&b1))
            || ["~", "≈"].contains(&b1);
        let than = b1 == "than";
        let time_window = quantity.family == Family::Time && b1 == "over" && quantity.scale >= 1.0;
        quantity.bound = match (b1, b2) {
            ("over", _) if time_window => None,
            (_, "more" | "greater" | "higher" | "larger" | "longer" | "slower" | "worse") if than => {
                Some(Bound::Over)
            }
            (_, "less" | "fewer" | "lower" | "smaller" | "shorter" | "faster" | "better") if than => {
                Some(Bound::Under)
            }
            (
                "least" | "exceeding" | "exceeds" | "exceeded" | "exceed" | "above" | "over" | ">" | ">="
                | "≥" | "past",
                _,
            )
            | ("of", "upwards" | "excess") => Some(Bound::Over),
            ("most" | "under" | "below" | "<" | "<=" | "≤", _) | ("to", "up") => Some(Bound::Under),
            (
                "the" | "a" | "an" | "its",
                "above" | "over" | "exceeds" | "exceeding" | "exceeded" | "beyond",
            ) => Some(Bound::Over),
            ("the" | "a" | "an" | "its", "below" | "under") => Some(Bound::Under),
            ("a" | "an", "than") if back[2] == "more" => Some(Bound::Over),
            ("a" | "an", "than") if back[2] == "less" => Some(Bound::Under),
            _ => None,
        };
        let comparing = |w: &str| {
            ["above", "exceeds", "exceeding", "exceeded", "beyond", "below", "than", ">", "<"].contains(&w)
        };
        quantity.open = comparing(b1) || (["the", "a", "an", "its"].contains(&b1) && comparing(b2));
        let word = |w: &str| words::way(w).is_some();
        let f1 = self.low(end);
        // "overspent by 12 %" is -12 % left, as the screen writes it too.
        if b1 == "overspent" || (["by", "some", "about"].contains(&b1) && b2 == "overspent") {
            quantity.value = -quantity.value.abs();
            return;
        }
        let signed = matches!(self.tokens.get(at).map(|t| &t.kind), Some(Kind::Number { signed: true, .. }));
        let comparing = [
            "higher", "lower", "more", "less", "fewer", "worse", "longer", "slower", "faster", "greater",
            "larger", "above", "below",
        ];
        quantity.change = b1 == "by"
            || (b2 == "by" && quantity.about)
            || (signed && quantity.family != Family::Time)
            || (word(b1) && !["flat", "steady", "stable", "unchanged", "constant", "level"].contains(&b1))
            || (b1 == "of" && word(b2))
            || ["up", "down"].contains(&b1)
            || (["just", "only", "about", "some", "around", "roughly", "another", "a"].contains(&b1)
                && (["up", "down", "by"].contains(&b2) || (word(b2) && b1 != "a")))
            || (comparing.contains(&f1) && quantity.family != Family::Count)
            || (word(f1) && quantity.family != Family::Rate && quantity.family != Family::Bare)
            || self
                .tokens
                .get(end.saturating_sub(1))
                .is_some_and(|t| t.low.starts_with("point") || t.low == "pp");
        let limit = ["threshold", "objective", "target", "limit", "slo", "goal", "slos", "cutoff", "bound"];
        let near_back = back.iter().take(3).any(|w| limit.contains(w)) && !["for", "in"].contains(&b1);
        quantity.threshold = near_back
            || limit.contains(&f1)
            || (limit.contains(&self.low(end + 1)) && self.is_word(end) && f1 != "the" && f1 != "of");
    }

    fn is_window(&self, at: usize, end: usize, quantity: &Quantity) -> bool {
        let follows = self.low(end);
        if ["before", "after", "later", "earlier", "ago", "prior", "into", "following"].contains(&follows)
            || quantity.scale < 1.0
        {
            return false;
        }
        let spans = [
            "over",
            "last",
            "past",
            "trailing",
            "preceding",
            "rolling",
            "across",
            "during",
            "within",
            "previous",
        ];
        let back = |n: usize| self.prior(at, n);
        let led = spans.contains(&back(1))
            || (["the", "a", "an"].contains(&back(1)) && spans.contains(&back(2)))
            || (back(1) == "on" || back(2) == "on" && back(1) == "the")
            || (back(1) == "(" && [")", ",", "/"].contains(&follows))
            || (back(1) == "in" && !["after", "before", "of"].contains(&follows) && quantity.scale >= 60.0)
            || (["over", "last", "past"].contains(&back(2)) && back(1) == "about");
        let heads = [
            "window",
            "windows",
            "burn",
            "average",
            "rate",
            "interval",
            "lookback",
            "period",
            "mean",
            "error",
            "ratio",
            "view",
            "range",
            "availability",
            "burn-rate",
            "slo",
            "budget",
        ];
        led || heads.contains(&follows)
    }

    fn directions(&mut self) {
        for at in 0..self.tokens.len() {
            if self.used[at] || !self.is_word(at) {
                continue;
            }
            let low = self.low(at).to_owned();
            let next = self.low(at + 1).to_owned();
            let (b1, b2) = (self.prior(at, 1).to_owned(), self.prior(at, 2).to_owned());
            let ahead = ["will", "would", "could", "should", "may", "might", "to", "can", "must"];
            let found = match low.as_str() {
                "up" | "higher" if ["from", "by"].contains(&next.as_str()) => Some((Way::Up, None, 1)),
                "down" | "lower" if ["from", "by"].contains(&next.as_str()) => Some((Way::Down, None, 1)),
                "went" | "gone" | "going" | "shot" if next == "up" => Some((Way::Up, None, 2)),
                "went" | "gone" | "going" | "came" | "shot" if next == "down" => Some((Way::Down, None, 2)),
                "shot" => None,
                "change" | "changed" | "changes" | "shift" | "movement" | "moved" | "move" => {
                    let none = [
                        "no", "not", "without", "little", "n't", "didn't", "hasn't", "never", "barely",
                        "hardly",
                    ];
                    let by = (1..4).position(|b| none.contains(&self.prior(at, b)));
                    let whole = by.is_some() && !["of", "was", "config", "the"].contains(&next.as_str());
                    whole.then_some((Way::Flat, None, 1))
                }
                "same"
                    if b1 == "the"
                        && ["stayed", "remained", "stays", "remains", "is", "was"].contains(&b2.as_str()) =>
                {
                    Some((Way::Flat, None, 1))
                }
                "held" | "stayed" | "remained" | "stays" | "remains" | "holding" | "holds"
                    if next == "at" || (["around", "near", "about"].contains(&next.as_str())) =>
                {
                    Some((Way::Flat, None, 1))
                }
                "stable" | "level" | "identical" | "elevated"
                    if ["revision", "version", "release", "image", "to", "of"].contains(&next.as_str()) =>
                {
                    None
                }
                "level" | "mounted" | "growth"
                    if low != "growth" && !["stayed", "remained", "is", "was"].contains(&b1.as_str()) =>
                {
                    None
                }
                "increase" | "rise" | "drop" | "fall" | "grow" | "climb" | "decrease" | "spike" | "jump"
                    if ahead.contains(&b1.as_str()) =>
                {
                    None
                }
                "fall" | "drop" | "rise" if next == "back" => None,
                "reduced" | "level" if next == "of" => None,
                _ => words::way(&low).map(|(w, f)| (w, f, 1)),
            };
            let Some((way, factor, length)) = found else { continue };
            let not = [
                "not", "no", "never", "without", "neither", "nor", "didn't", "hasn't", "wasn't", "isn't",
                "cannot", "doesn't",
            ];
            let flat_word = matches!(
                low.as_str(),
                "change" | "changed" | "changes" | "shift" | "movement" | "moved" | "move"
            );
            let negated = !flat_word
                && (1..5)
                    .take_while(|b| !["[", "]", ",", ";", ".", "but", "and"].contains(&self.prior(at, *b)))
                    .any(|b| not.contains(&self.prior(at, b)));
            self.say(at..at + length, What::Direction(way, factor, negated), false);
        }
    }

    fn comparisons(&mut self) {
        let over = [
            "higher",
            "greater",
            "more",
            "larger",
            "worse",
            "slower",
            "longer",
            "above",
            "exceeds",
            "exceeded",
            "exceeding",
            "over",
            "beyond",
        ];
        let under = ["lower", "less", "fewer", "smaller", "better", "faster", "shorter", "below", "under"];
        for at in 0..self.tokens.len() {
            if self.used[at] || !self.is_word(at) {
                continue;
            }
            let low = self.low(at).to_owned();
            // "a lower error ratio than"
            let gap = (1..6)
                .take_while(|n| ![",", ";", "."].contains(&self.low(at + n)))
                .find(|n| self.low(at + n) == "than");
            let than = gap.is_some();
            let direct = ["above", "exceeds", "exceeded", "exceeding", "over", "beyond", "below", "under"]
                .contains(&low.as_str());
            let right = gap.map_or(at + 1, |n| at + n + 1);
            if !(than || direct) || (!over.contains(&low.as_str()) && !under.contains(&low.as_str())) {
                continue;
            }
            // A number behind it is a bound and is checked with the number.
            let filler = ["the", "a", "an", "about", "~", "its", "roughly", "around", "some"];
            let number = (right..right + 3)
                .take_while(|n| *n == right || filler.contains(&self.low(n - 1)))
                .any(|n| self.out.iter().any(|m| m.at.start == n && matches!(m.what, What::Number { .. })));
            let limit = (right..right + 4).any(|n| {
                [
                    "threshold",
                    "thresholds",
                    "objective",
                    "target",
                    "limit",
                    "limits",
                    "slo",
                    "budget",
                    "objectives",
                ]
                .contains(&self.low(n))
            });
            if number || (direct && !limit && !than) {
                continue;
            }
            self.say(
                at..if right == at + 2 { right } else { at + 1 },
                What::Compare(over.contains(&low.as_str())),
                false,
            );
        }
    }

    fn orders(&mut self) {
        for at in 0..self.tokens.len() {
            if self.used[at] || !self.is_word(at) {
                continue;
            }
            let next = self.low(at + 1).to_owned();
            let (before, length) = match self.low(at) {
                "before" | "preceded" | "predates" | "predated" | "precedes" | "preceding" => (true, 1),
                "prior" | "ahead" if next == "to" || next == "of" => (true, 2),
                "earlier" if next == "than" => (true, 2),
                "after" | "following" | "followed" | "since" | "postdates" | "once" | "afterwards" => {
                    (false, 1)
                }
                "later" if next == "than" => (false, 2),
                _ => continue,
            };
            if self.low(at) == "followed" && next == "by" {
                self.say(at..at + 2, What::Order(true), false);
            } else {
                self.say(at..at + length, What::Order(before), false);
            }
        }
    }
}

fn number(quantity: Quantity) -> What {
    What::Number { quantity, window: false }
}

/// `rev7`, `r7`, `revision-7`.
fn revision_word(low: &str) -> Option<String> {
    let rest = ["revision-", "revision:", "revision/", "rev-", "rev:", "rev.", "rev", "r"]
        .iter()
        .find_map(|p| low.strip_prefix(p))?;
    let number = !rest.is_empty() && rest.len() < 6 && rest.chars().all(|c| c.is_ascii_digit());
    number.then(|| rest.trim_start_matches('0').to_owned())
}

fn month(low: &str) -> Option<u32> {
    const MONTHS: [&str; 12] = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    let found = MONTHS.iter().position(|m| *m == low || (low.len() == 3 && m.starts_with(low)))?;
    u32::try_from(found + 1).ok()
}

/// `threefold`, `twice`, `tenfold`.
fn folds(low: &str) -> Option<Quantity> {
    let value = match low {
        "twice" => 2.0,
        "thrice" => 3.0,
        _ => {
            let stem = low.strip_suffix("fold")?.trim_end_matches('-');
            words::spelled(stem).or_else(|| stem.parse().ok())?
        }
    };
    Some(Quantity { change: true, step: 1.0, ..Quantity::measured(value, Family::Multiple, 1.0, None) })
}

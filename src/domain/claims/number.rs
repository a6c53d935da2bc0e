//! Numbers in a text: digits or words, powers, units, ranges, parts of a whole, and the words around them that make one
//! a bound, a difference, a limit or a window.

use super::extract::{Extractor, Unit, What};
use super::quantity::{Bound, Family, Noun, Quantity};
use super::token::Kind;
use super::words;

impl Extractor<'_> {
    /// Parts of a whole in words: a fifth of, half the requests, one in five, all requests.
    pub(super) fn parts(&mut self) {
        for at in 0..self.tokens.len() {
            if self.used[at] || !(self.is_word(at) || self.low(at) == "1") {
                continue;
            }
            let low = if self.low(at) == "1" { "one".to_owned() } else { self.low(at).to_owned() };
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
                    let half = Quantity {
                        about,
                        step: 1.0,
                        loose: 0.1,
                        ..Quantity::measured(30.0, Family::Time, 60.0, None)
                    };
                    self.say(at..at + 3, What::Number { quantity: half, window: false }, false);
                } else if counted
                    && (["of", "the", "all", "its"].contains(&next.as_str())
                        || head.is_some_and(|h| h > 1.0)
                        || (self.bounded_part(at) && ["", ",", ".", ";", "[", ")"].contains(&next.as_str())))
                {
                    let from =
                        if joined || (low == "half" && head.is_none() && prior != "a") { at } else { at - 1 };
                    let mut quantity = ratio(head.unwrap_or(1.0) * part, 0.04);
                    self.surroundings(from, at + 1, &mut quantity);
                    quantity.change &= self.prior(from, 1) == "by";
                    self.say(from..at + 1, number(quantity), false);
                }
                continue;
            }
            self.part_by_counts(at, &low, &next, &ratio);
        }
    }

    /// "above a quarter", "is a fifth": a level, not an ordinal.
    fn bounded_part(&self, at: usize) -> bool {
        let led = [
            "above", "below", "under", "over", "than", "about", "nearly", "almost", "roughly", "is", "at",
            "to", "by",
        ];
        let back = 1 + usize::from(["a", "one"].contains(&self.prior(at, 1)));
        led.contains(&self.prior(at, back))
    }

    pub(super) fn part_by_counts(
        &mut self,
        at: usize,
        low: &str,
        next: &str,
        ratio: &dyn Fn(f64, f64) -> Quantity,
    ) {
        let subject = |word: &str| {
            ["requests", "request", "traffic", "calls", "call", "responses", "queries"].contains(&word)
        };
        // one in five requests
        if let Some(first) = words::spelled(low).filter(|_| ["in", "of"].contains(&next) || (next == "out")) {
            let of = if next == "out" { at + 3 } else { at + 2 };
            let hundred =
                self.low(of) == "a" && ["hundred", "thousand", "million"].contains(&self.low(of + 1));
            let whole = words::spelled(self.low(of))
                .or_else(|| self.number_at(of).map(|(v, _)| v))
                .or(hundred.then_some(1.0));
            let power = self.power_at(of + 1);
            let (whole, end) =
                (whole.map(|w| w * power.unwrap_or(1.0)), of + 1 + usize::from(power.is_some()));
            let unit = words::unit(self.low(end)).is_some();
            if let Some(whole) = whole.filter(|w| *w > first && *w <= 1e6 && !unit && next != "of") {
                return self.say(at..end, number(ratio(first / whole, 0.04)), false);
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

    pub(super) fn numbers(&mut self) {
        let mut at = 0;
        while at < self.tokens.len() {
            at = self.number_from(at).unwrap_or(at + 1);
        }
    }

    /// Takes a number at `at`; where it ends.
    pub(super) fn number_from(&mut self, at: usize) -> Option<usize> {
        if self.used[at] {
            return None;
        }
        if self.tokens[at].kind == Kind::Version {
            self.say(at..at + 1, What::Name(self.low(at).trim_start_matches('v').to_owned()), false);
            return Some(at + 1);
        }
        let word = self.is_word(at);
        let low = self.low(at).to_owned();
        if let Some(quantity) = self.span_word(at) {
            self.say(at..at + 1, What::Number { quantity, window: true }, false);
            return Some(at + 1);
        }
        if let Some(quantity) = word.then(|| times(&low)).flatten() {
            self.say(at..at + 1, number(quantity), false);
            return Some(at + 1);
        }
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
        let crossed = self.prior(at, 1) == "×" && self.tokens[at - 1].span.end == self.tokens[at].span.start;
        let mut end = at + 1;
        if ["version", "release", "tag", "image", "img", "build"].contains(&self.prior(at, 1))
            && spelled.is_none()
        {
            let text = self.low(at).to_owned();
            self.say(at - 1..end, What::Name(text), false);
            return Some(end);
        }
        if spelled.is_none() && self.is_version(at) {
            let text = self.low(at).to_owned();
            self.say(at..end, What::Name(text), false);
            return Some(end);
        }
        if spelled.is_some() && ["couple", "few"].contains(&low.as_str()) && self.low(end) == "of" {
            end += 1;
        }
        // "two and a half minutes"
        let half = |n: usize| ["and", "a", "half"].iter().enumerate().all(|(k, w)| self.low(n + k) == *w);
        if half(end) && self.is_word(end + 3) {
            (value, step, end) = (value + 0.5, 0.2, end + 3);
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
        let cpu = || (1..10).any(|b| ["cpu", "cores"].contains(&self.prior(at, b)));
        let (family, scale) = match self.low(unit_at) {
            "m" if family == Family::Time && cpu() => (Family::Cores, 1e-3),
            _ => (family, scale),
        };
        let (family, noun) = match family {
            Family::Bare
                if self.prior(at, 1) == "of" && ["factor", "multiple"].contains(&self.prior(at, 2)) =>
            {
                (Family::Multiple, noun)
            }
            Family::Bare if crossed => (Family::Multiple, noun),
            Family::Bare if spelled.is_some() && self.counts_at(end) => (Family::Count, noun),
            // "0.352 of requests", "0.0004 errors": a part of them, and no number of them.
            Family::Count
                if value.abs() < 1.0 && step < 1.0 && matches!(noun, Some(Noun::Requests | Noun::Errors)) =>
            {
                (Family::Ratio, None)
            }
            _ => (family, noun),
        };
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
        // "a minute and a half"
        if half(stop) && !self.is_word(stop + 3)
            || half(stop) && ["after", "before", "later"].contains(&self.low(stop + 3))
        {
            (quantity.value, quantity.step, stop) = (quantity.value + 0.5, 0.2, stop + 3);
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

    /// "the past hour", "over the last day": one of them, without a number.
    fn span_word(&self, at: usize) -> Option<Quantity> {
        let low = self.low(at);
        let measured = ["burn", "rate", "error", "ratio", "view", "average", "figure", "window"];
        if low == "hourly" && measured.contains(&self.low(at + 1)) {
            return Some(Quantity { step: 0.1, ..Quantity::measured(1.0, Family::Time, 3_600.0, None) });
        }
        // "the one-hour window"
        if let Some((n, unit)) = low.split_once('-').filter(|_| measured.contains(&self.low(at + 1)))
            && let (Some(n), Some((Family::Time, scale))) = (words::spelled(n), words::unit(unit))
        {
            return Some(Quantity { step: 0.1, ..Quantity::measured(n, Family::Time, scale, None) });
        }
        if !["minute", "hour", "day", "week"].contains(&low) || ["'", "’", "of"].contains(&self.low(at + 1))
        {
            return None;
        }
        let (b1, b2) = (self.prior(at, 1), self.prior(at, 2));
        let led = ["past", "last", "trailing", "preceding"].contains(&b1)
            && !["than", "like", "as"].contains(&b2)
            || ["an", "the", "one"].contains(&b1) && ["over", "within"].contains(&b2)
            || ["a", "an", "one"].contains(&b1) && ["in", "during"].contains(&b2)
            || ["a", "an", "one"].contains(&b1)
                && b2 == "of"
                && ["course", "space"].contains(&self.prior(at, 3));
        let (family, scale) = words::unit(low).filter(|_| led)?;
        Some(Quantity { step: 0.1, ..Quantity::measured(1.0, family, scale, None) })
    }

    /// The upper end of `2-3 minutes` or `between 20 % and 30 %`, its unit and where it ends.
    pub(super) fn range_from(&self, at: usize, end: usize, lower: &Quantity) -> Option<(f64, Unit, usize)> {
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

    /// What a number in words counts although no table knows it: `of them`, or a word of the evidence.
    fn counts_at(&self, at: usize) -> bool {
        let them =
            self.low(at) == "of" && ["them", "these", "those", "which", "whom"].contains(&self.low(at + 1));
        let plural = |n: usize| {
            let low = self.low(n);
            low.len() > 3 && low.ends_with('s') && self.known.counted.iter().any(|w| w == low)
        };
        let whole = self.low(at) == "of" && words::spelled(self.low(at + 1)).is_some();
        them || whole || plural(at) || (self.is_word(at) && plural(at + 1))
    }

    /// `4.12` of "image 4.11 -> 4.12", and `4.11` of "the image moved from 4.11" where that is known as a name.
    fn is_version(&self, at: usize) -> bool {
        let low = self.low(at);
        let arrow = ["->", "→", "=>", "to"].contains(&self.prior(at, 1));
        let behind = self.out.last().is_some_and(|m| {
            m.at.end + 1 == at
                && matches!(&m.what, What::Name(name) if name.starts_with(|c: char| c.is_ascii_digit()))
        });
        if !low.contains('.') || self.unit_at(at + 1, at + 1).0 != Family::Bare {
            return false;
        }
        let led =
            ["from", "to", "->", "→", "=>", "replaced", "replaces", "replacing"].contains(&self.prior(at, 1));
        let image = ["image", "version", "tag", "release", "revision"];
        arrow && behind
            || led && self.known.names.iter().any(|n| n == low) && self.tokens.iter().any(|t| t.among(&image))
    }

    /// A number in words where a unit follows; whether it is said in passing.
    pub(super) fn spelled_at(&self, at: usize) -> Option<(f64, bool)> {
        let low = self.low(at);
        let time = |n: usize| {
            words::unit(self.low(n)).is_some_and(|(f, _)| f == Family::Time) && self.low(n).len() > 2
        };
        match low {
            "a" | "an"
                if time(at + 1)
                    && (["before", "after", "later", "earlier"].contains(&self.low(at + 2))
                        || self.low(at + 2) != "ago"
                            && (self.prior(at, 1) == "than"
                                || words::ABOUT.contains(&self.prior(at, 1)))) =>
            {
                Some((1.0, true))
            }
            "couple" | "few" => {
                let of = at + 1 + usize::from(self.low(at + 1) == "of");
                time(of).then_some((if low == "couple" { 2.0 } else { 3.0 }, true))
            }
            // "no pod restarted" counts restarts, and "no pod was evicted" counts nothing that has a name here.
            "no" | "zero"
                if matches!(
                    words::noun(self.low(at + 1)),
                    Some(Noun::Pods | Noun::Nodes | Noun::Services)
                ) && !["", ",", ".", ";", "[", "(", "and", "ready", "available", "left"]
                    .contains(&self.low(at + 2)) =>
            {
                None
            }
            "no" | "zero"
                if words::noun(self.low(at + 1)).is_some()
                    && !matches!(self.low(at + 1), "rollout" | "deploy" | "alert") =>
            {
                Some((0.0, low == "no"))
            }
            // "of the three services": in passing.
            _ => {
                let passing = ["the", "these", "those", "both"].contains(&self.prior(at, 1))
                    && words::noun(self.low(at + 1)) == Some(Noun::Services);
                words::spelled(low).map(|n| (n, passing))
            }
        }
    }

    pub(super) fn power_at(&self, at: usize) -> Option<f64> {
        if self.raw(at) == "M" {
            return Some(1e6);
        }
        if self.raw(at) == "B" || (self.low(at) == "g" && self.raw(at) != "G") {
            return None;
        }
        self.is_word(at).then(|| words::power(self.low(at))).flatten()
    }

    /// Family, factor, noun and end of the unit at `at`; `none` is where the number ends without one.
    pub(super) fn unit_at(&self, at: usize, none: usize) -> (Family, f64, Option<Noun>, usize) {
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
            // "1,962 user requests" are requests.
            if self.low(n) == "user" && words::noun(self.low(n + 1)).is_some() {
                n += 1;
                continue;
            }
            if let Some(noun) = self.is_word(n).then(|| words::noun(self.low(n))).flatten() {
                if let Some((scale, end)) = per(n + 1) {
                    return (Family::Rate, scale, Some(noun), end);
                }
                // "500 requests are lost every minute"
                let verbs =
                    ["are", "is", "being", "get", "lost", "failing", "failed", "fail", "were", "arrive"];
                let late = (n + 1..n + 4).take_while(|v| verbs.contains(&self.low(*v))).last();
                if let Some((scale, _)) = late.and_then(|v| per(v + 1)) {
                    return (Family::Rate, scale, Some(noun), n + 1);
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
    pub(super) fn surroundings(&self, at: usize, end: usize, quantity: &mut Quantity) {
        let back: Vec<&str> = (1..5).map(|n| self.prior(at, n)).collect();
        let (b1, b2) = (back[0], back[1]);
        quantity.about |= words::ABOUT.contains(&b1)
            || (words::ABOUT.contains(&b2) && ["a", "the", "to", "at", "of", "about"].contains(&b1))
            || ["~", "≈"].contains(&b1);
        // "up to 4.9 s" is how high it went, said roughly; far below it is not what was measured.
        quantity.about |= b1 == "to" && b2 == "up";
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
            ("most" | "under" | "below" | "<" | "<=" | "≤", _) => Some(Bound::Under),
            ("within", _) if quantity.family == Family::Ratio => Some(Bound::Under),
            (
                "the" | "a" | "an" | "its",
                "above" | "over" | "exceeds" | "exceeding" | "exceeded" | "beyond",
            ) => Some(Bound::Over),
            ("the" | "a" | "an" | "its", "below" | "under") => Some(Bound::Under),
            ("a" | "an", "than") if back[2] == "more" => Some(Bound::Over),
            ("a" | "an", "than") if back[2] == "less" => Some(Bound::Under),
            _ => None,
        };
        // "no more than 5 %", "not above 14.4x": the other way round.
        let denied = |n: usize| {
            ["no", "not", "never"].contains(&back[n]) || ["n't", "n’t"].iter().any(|e| back[n].ends_with(e))
        };
        if quantity.bound.is_some() && (denied(1) || than && denied(2)) {
            quantity.bound =
                quantity.bound.map(|b| if b == Bound::Over { Bound::Under } else { Bound::Over });
        }
        let comparing = |w: &str| {
            ["above", "exceeds", "exceeding", "exceeded", "beyond", "below", "than", ">", "<"].contains(&w)
        };
        quantity.close = quantity.bound.is_some()
            && (["just", "a little", "slightly"].contains(&b2) || (than && back[2] == "little"));
        quantity.open = comparing(b1)
            || (b1 == "within" && quantity.family == Family::Ratio)
            || (["the", "a", "an", "its"].contains(&b1) && comparing(b2));
        let word = |w: &str| words::way(w).is_some();
        let f1 = self.low(end);
        if b1 == "overspent" || (["by", "some", "about"].contains(&b1) && b2 == "overspent") {
            return;
        }
        let signed = matches!(self.tokens.get(at).map(|t| &t.kind), Some(Kind::Number { signed: true, .. }));
        let comparing = [
            "higher", "lower", "more", "less", "fewer", "worse", "longer", "slower", "faster", "greater",
            "larger", "above", "below",
        ];
        quantity.change = b1 == "by"
            || (b1 == "of" && b2 == "factor")
            || (b2 == "by" && quantity.about)
            || (back[2] == "by" && b2 == "a" && b1 == "mere")
            || (signed && quantity.family != Family::Time)
            || (word(b1) && !["flat", "steady", "stable", "unchanged", "constant", "level"].contains(&b1))
            || (b1 == "of" && word(b2))
            || ["up", "down"].contains(&b1)
            || ([
                "just", "only", "about", "some", "around", "roughly", "another", "a", "merely", "barely",
                "mere",
            ]
            .contains(&b1)
                && (["up", "down", "by"].contains(&b2) || (word(b2) && b1 != "a")))
            || (comparing.contains(&f1) && quantity.family != Family::Count)
            || (["up", "down"].contains(&f1) && quantity.family == Family::Ratio)
            || (b1 == "within" && quantity.family == Family::Ratio)
            || (word(f1) && quantity.family != Family::Rate && quantity.family != Family::Bare)
            || self
                .tokens
                .get(end.saturating_sub(1))
                .is_some_and(|t| t.low.starts_with("point") || t.low == "pp");
        let limit = words::LIMITS;
        let near_back = back.iter().take(3).any(|w| limit.contains(w)) && !["for", "in"].contains(&b1);
        quantity.threshold = near_back
            || limit.contains(&f1)
            || (limit.contains(&self.low(end + 1)) && self.is_word(end) && f1 != "the" && f1 != "of");
    }

    pub(super) fn is_window(&self, at: usize, end: usize, quantity: &Quantity) -> bool {
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
        // "5m/1h", "over 5m and 1h": as the one before it.
        let listed = ["/", ",", "and", "&"].contains(&back(1))
            && quantity.scale >= 60.0
            && self
                .out
                .last()
                .is_some_and(|m| m.at.end + 1 == at && matches!(m.what, What::Number { window: true, .. }));
        led || listed || heads.contains(&follows) || self.short_window(at, end, quantity)
    }

    /// `5m=750x`, `33x/1h`, `6.2x 1h; 4.9x 5m`: a whole number of minutes, hours or days, written as one word, right
    /// beside a ratio or a multiple.
    fn short_window(&self, at: usize, end: usize, quantity: &Quantity) -> bool {
        let glued = matches!(self.tokens.get(at).map(|t| &t.kind), Some(Kind::Number { glued: true, step, .. }) if *step == 1.0);
        if !glued
            || end != at + 2
            || !["m", "h", "d", "min"].contains(&self.low(at + 1))
            || quantity.scale < 60.0
        {
            return false;
        }
        let joint = |n: usize| ["/", "=", ":", "@", "("].contains(&self.low(n));
        let level = |n: usize| {
            let (family, ..) = self.unit_at(n + 1, n + 1);
            self.tokens.get(n).is_some_and(|t| matches!(t.kind, Kind::Number { .. }))
                && matches!(family, Family::Ratio | Family::Multiple | Family::Rate)
        };
        let ahead = level(end) || (joint(end) && level(end + 1));
        let back = at - usize::from(at > 0 && joint(at - 1));
        let behind = self.out.last().is_some_and(|m| {
            m.at.end == back
                && matches!(&m.what, What::Number { quantity, .. } if matches!(quantity.family, Family::Ratio | Family::Multiple | Family::Rate))
        });
        ahead || behind
    }
}

fn number(quantity: Quantity) -> What {
    What::Number { quantity, window: false }
}

/// `x17`, `x0.3`; not `x86` and `x509`.
fn times(low: &str) -> Option<Quantity> {
    let digits = low.strip_prefix('x').filter(|d| !["86", "64", "509"].contains(d))?;
    let plain = digits.starts_with(|c: char| c.is_ascii_digit())
        && digits.chars().all(|c| c.is_ascii_digit() || c == '.');
    let value: f64 = digits.parse().ok().filter(|_| plain && digits.len() < 6)?;
    let places = digits.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    let step = 0.1_f64.powi(i32::try_from(places).unwrap_or(0));
    Some(Quantity { step, ..Quantity::measured(value, Family::Multiple, 1.0, None) })
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

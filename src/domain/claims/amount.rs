//! Marks numbers and windows: one must agree with a cited item in unit and value, and in side, window, name, revision,
//! statistic and metric as far as both the sentence and the item speak of them.

use super::Mark;
use super::check::{Context, contradicted};
use super::extract::{Mention, What};
use super::facts::{Fact, Offer};
use super::place;
use super::quantity::{Family, Noun, Quantity, written};
use super::words::Metric;
use super::{direction, order};

impl Context<'_> {
    pub(super) fn number(&self, n: usize, said: &Quantity) -> Mark {
        if let Some(mark) = self.part_of_whole(n, said) {
            return mark;
        }
        if said.change
            && let Some(mark) = direction::change(self, n, said)
        {
            return mark;
        }
        let metrics = self.about(n);
        let limit = said.threshold
            && self.offers().any(|(_, o)| o.threshold && fits(said, o, &metrics, &[]).is_some());
        // The threshold of 14.4x is 14.4x, however far above it something is.
        let plain = Quantity { bound: None, ..said.clone() };
        let compared: Vec<(&Fact, &Offer, bool)> = self
            .offers()
            .filter(|(_, o)| !limit || o.threshold)
            .filter_map(|(f, o)| {
                fits(if limit { &plain } else { said }, o, &metrics, &f.metrics).map(|agrees| (f, o, agrees))
            })
            .collect();
        let same: Vec<&(&Fact, &Offer, bool)> = compared.iter().filter(|(_, _, agrees)| *agrees).collect();
        if said.threshold && !limit && said.bound.is_some() && same.iter().all(|(_, o, _)| !exact(said, o)) {
            return Mark::NotFound;
        }
        if same.iter().any(|(f, o, _)| self.conflict(n, said, f, o, &compared).is_none()) {
            return Mark::Confirmed;
        }
        if let Some((f, o, _)) = same.first() {
            return self.conflict(n, said, f, o, &compared).unwrap_or(Mark::Confirmed);
        }
        if said.family == Family::Time
            && let Some(mark) = order::length(self, said)
        {
            return mark;
        }
        if !said.change
            && said.family == Family::Multiple
            && let Some(mark) = direction::change(self, n, said).filter(|m| *m == Mark::Confirmed)
        {
            return mark;
        }
        // "Revert to 6": a revision without the word.
        let whole = said.family == Family::Bare && said.step == 1.0;
        if whole && self.cited.iter().any(|f| f.revisions.contains(&format!("{}", said.value))) {
            return Mark::Confirmed;
        }
        self.wrong_number(n, said, &compared, &metrics)
    }

    pub(super) fn wrong_number(
        &self,
        n: usize,
        said: &Quantity,
        compared: &[(&Fact, &Offer, bool)],
        metrics: &[Metric],
    ) -> Mark {
        let score = |f: &Fact, o: &Offer| {
            let role = match (self.roles[n], o.role.or(f.role)) {
                (Some(a), Some(b)) if a.side == b.side => 4,
                (Some(_), Some(_)) => -4,
                _ => 0,
            };
            let metric = if metrics.iter().any(|m| f.metrics.contains(m)) { 3 } else { 0 };
            role + metric + i32::from(o.value) * 2 + i32::from(said.noun.is_some() && said.noun == o.noun)
        };
        let best = compared
            .iter()
            .filter(|(_, o, _)| o.value || said.family != Family::Bare)
            .max_by_key(|(f, o, _)| score(f, o));
        if let Some((_, o, _)) = best {
            return contradicted(written(o.canonical, o.family));
        }
        let other = self.offers().find(|(f, o)| o.value && metrics.iter().any(|m| f.metrics.contains(m)));
        other.map_or(Mark::NotFound, |(_, o)| contradicted(written(o.canonical, o.family)))
    }

    /// Why a number that agrees in value is not what the item says; `None` if it is.
    pub(super) fn conflict(
        &self,
        n: usize,
        said: &Quantity,
        f: &Fact,
        o: &Offer,
        compared: &[(&Fact, &Offer, bool)],
    ) -> Option<Mark> {
        let truth = |o: &Offer| contradicted(written(o.canonical, o.family));
        if let (Some(said_role), Some(role)) = (self.roles[n], o.role.or(f.role))
            && !o.change
            && said_role.opposes(&role)
        {
            let other =
                compared.iter().find(|(f, o, _)| o.role.or(f.role).is_some_and(|r| r.side == said_role.side));
            return Some(other.map_or(Mark::Contradicted { truth: None }, |(_, o, _)| truth(o)));
        }
        if let Some(mark) = self.other_statistic(n, f, compared) {
            return Some(mark);
        }
        let mentions = &self.reading.mentions;
        let attribute = |table: &[Option<usize>]| table.iter().position(|p| *p == Some(n));
        if let Some(w) = attribute(&self.windows)
            && let What::Number { quantity, .. } = &mentions[w].what
            && !o.windows.is_empty()
            && !o.windows.iter().any(|w| quantity.says(*w))
        {
            let better =
                compared.iter().find(|(_, o, same)| !same && o.windows.iter().any(|w| quantity.says(*w)));
            if let Some((_, o, _)) = better {
                return Some(truth(o));
            }
        }
        if let Some(w) = attribute(&self.names)
            && let What::Name(name) = &mentions[w].what
            && !self.has_name(f, name)
        {
            let better =
                compared.iter().find(|(other, o, same)| !same && o.value && self.has_name(other, name));
            if let Some((_, o, _)) = better.filter(|_| !f.subject.is_empty() || !f.names.is_empty()) {
                return Some(truth(o));
            }
        }
        if let Some(w) = attribute(&self.revisions)
            && let What::Revision(number) = &mentions[w].what
            && !f.revisions.is_empty()
            && !f.revisions.contains(number)
            && self.roles[n].is_none_or(|r| !r.pair)
            && !self.led_by_order(w)
        {
            let better =
                compared.iter().find(|(other, o, same)| !same && o.value && other.revisions.contains(number));
            if let Some((_, o, _)) = better {
                return Some(truth(o));
            }
        }
        self.other_metric(n, said, f, o, compared)
    }

    /// "after revision 7": the number is not that revision's, but of the time after it.
    pub(super) fn led_by_order(&self, w: usize) -> bool {
        let at = self.reading.mentions[w].at.start;
        let low = |back: usize| {
            at.checked_sub(back).and_then(|n| self.reading.tokens.get(n)).map_or("", |t| t.low.as_str())
        };
        (1..5).any(|back| {
            ["after", "before", "since", "following", "when", "until", "once", "with"].contains(&low(back))
        })
    }

    pub(super) fn other_statistic(
        &self,
        n: usize,
        f: &Fact,
        compared: &[(&Fact, &Offer, bool)],
    ) -> Option<Mark> {
        let at = self.reading.mentions[n].at.start;
        let clause = place::clause_of(self.reading, at);
        let said: Vec<&String> = self
            .reading
            .mentions
            .iter()
            .filter(|m| clause.contains(&m.at.start))
            .filter_map(|m| match &m.what {
                What::Statistic(s) => Some(s),
                _ => None,
            })
            .collect();
        let differs =
            !said.is_empty() && !f.statistics.is_empty() && !said.iter().any(|s| f.statistics.contains(s));
        // Where no item has the statistic that is said, its name is wrong and not the number.
        let better =
            compared.iter().find(|(f, _, same)| !same && said.iter().any(|s| f.statistics.contains(s)));
        better.filter(|_| differs).map(|(_, o, _)| contradicted(written(o.canonical, o.family)))
    }

    pub(super) fn other_metric(
        &self,
        n: usize,
        said: &Quantity,
        f: &Fact,
        o: &Offer,
        compared: &[(&Fact, &Offer, bool)],
    ) -> Option<Mark> {
        let at = self.reading.mentions[n].at.start;
        let metrics = place::metrics(self.reading, place::clause_of(self.reading, at));
        let [metric] = metrics[..] else { return None };
        if f.metrics.is_empty() || f.metrics.contains(&metric) || !o.value || said.threshold || o.threshold {
            return None;
        }
        // Of 38,400 requests: the whole of a sentence about failures.
        if matches!(said.family, Family::Count | Family::Bare) {
            return None;
        }
        let polarity = [(Metric::Error, Metric::Success), (Metric::Success, Metric::Error)];
        if said.family == Family::Ratio
            && polarity.iter().any(|(a, b)| metric == *a && f.metrics == [*b])
            && !complement(said, o)
        {
            return Some(contradicted(written(1.0 - o.canonical, Family::Ratio)));
        }
        let own =
            [Metric::Burn, Metric::Latency, Metric::Traffic, Metric::Budget, Metric::Error, Metric::Success]
                .contains(&metric);
        let elsewhere = self.offers().find(|(g, p)| {
            own && p.value && !p.threshold && g.metrics.contains(&metric) && p.family != o.family
        });
        if let Some((_, p)) = elsewhere {
            return Some(contradicted(written(p.canonical, p.family)));
        }
        let better =
            compared.iter().find(|(other, o, same)| !same && o.value && other.metrics.contains(&metric));
        better.map(|(_, o, _)| contradicted(written(o.canonical, o.family)))
    }

    /// `A of B`: both of one item, the part not larger than the whole.
    pub(super) fn part_of_whole(&self, n: usize, said: &Quantity) -> Option<Mark> {
        let mentions = &self.reading.mentions;
        let count = |q: &Quantity| matches!(q.family, Family::Count | Family::Bare | Family::Multiple if q.family != Family::Multiple);
        let of = |a: &Mention, b: &Mention| {
            let words: Vec<&str> = (a.at.end..b.at.start)
                .filter_map(|t| self.reading.tokens.get(t))
                .map(|t| t.low.as_str())
                .collect();
            words.contains(&"of")
                && words.iter().all(|w| {
                    ["of", "out", "the", "all", "about", "some", "requests", "roughly", "a", "total", "~"]
                        .contains(w)
                })
                || words == ["/"]
        };
        let pair = |a: usize, b: usize| match (&mentions.get(a)?.what, &mentions.get(b)?.what) {
            (What::Number { quantity: p, window: false }, What::Number { quantity: w, window: false })
                if count(p) && count(w) && of(&mentions[a], &mentions[b]) =>
            {
                Some((p.clone(), w.clone()))
            }
            _ => None,
        };
        let found = pair(n, n + 1).or_else(|| pair(n.checked_sub(1)?, n));
        let (part, whole) = found?;
        if !count(said) {
            return None;
        }
        let one_item = |f: &Fact| {
            let agrees = |q: &Quantity| {
                f.offers
                    .iter()
                    .filter(|o| matches!(o.family, Family::Count | Family::Bare))
                    .filter(|o| q.says(o.canonical))
                    .collect::<Vec<_>>()
            };
            !agrees(&part).is_empty() && !agrees(&whole).is_empty()
        };
        if self.cited.iter().any(|f| one_item(f)) {
            let swapped = part.value > whole.value;
            let truth = swapped.then(|| {
                format!(
                    "{} of {}",
                    written(whole.canonical(), Family::Count),
                    written(part.canonical(), Family::Count)
                )
            });
            return Some(if swapped { Mark::Contradicted { truth } } else { Mark::Confirmed });
        }
        let anywhere =
            |q: &Quantity| self.offers().any(|(_, o)| o.family == Family::Count && q.says(o.canonical));
        if part.value > whole.value && anywhere(&part) && anywhere(&whole) {
            return Some(Mark::Contradicted { truth: None });
        }
        // 8 of 10 requests: a ratio.
        let small = whole.value <= 100.0 && whole.value > 0.0;
        let ratio = Quantity {
            loose: 0.01,
            ..Quantity::measured(part.value / whole.value, Family::Ratio, 1.0, None)
        };
        let metrics = self.about(n);
        if small
            && self.offers().any(|(f, o)| {
                o.family == Family::Ratio && fits(&ratio, o, &metrics, &f.metrics) == Some(true)
            })
        {
            return Some(Mark::Confirmed);
        }
        None
    }

    /// Two numbers, each beside what belongs to the other: the numbers are marked, and not what they stand beside.
    pub(super) fn crossed(&self, table: &[Option<usize>]) -> bool {
        let wrong = |n: &usize| match &self.reading.mentions[*n].what {
            What::Number { quantity, .. } => {
                let metrics = self.about(*n);
                let there = |(f, o): (&Fact, &Offer)| fits(quantity, o, &metrics, &f.metrics) == Some(true);
                self.offers().any(there) && self.number(*n, quantity) != Mark::Confirmed
            }
            _ => false,
        };
        // More than a handful in one sentence is no swap but noise.
        table.iter().flatten().take(8).filter(|n| wrong(n)).count() >= 2
    }

    pub(super) fn window(&self, n: usize, said: &Quantity) -> Mark {
        let lengths: Vec<f64> = self.cited.iter().flat_map(|f| f.windows.iter().copied()).collect();
        let all: Vec<f64> = self
            .offers()
            .filter(|(_, o)| o.family == Family::Time)
            .map(|(_, o)| o.canonical)
            .chain(lengths.iter().copied())
            .collect();
        let there = all.iter().any(|w| said.says(*w));
        if let Some(number) = self.windows[n]
            && let What::Number { quantity, .. } = &self.reading.mentions[number].what
        {
            let metrics = self.about(number);
            let matched: Vec<&Offer> = self
                .offers()
                .filter(|(f, o)| fits(quantity, o, &metrics, &f.metrics) == Some(true))
                .map(|(_, o)| o)
                .collect();
            let known: Vec<f64> = matched.iter().flat_map(|o| o.windows.iter().copied()).collect();
            let all_known = matched.iter().all(|o| !o.windows.is_empty());
            let swapped = there && self.crossed(&self.windows);
            let fits_none = !known.iter().any(|w| said.says(*w));
            if !matched.is_empty() && all_known && fits_none && !swapped {
                return contradicted(crate::domain::format::seconds(known[0]));
            }
        }
        if there || order::length(self, said) == Some(Mark::Confirmed) {
            return Mark::Confirmed;
        }
        all.first().map_or(Mark::NotFound, |w| contradicted(crate::domain::format::seconds(*w)))
    }
}

/// Said in so many digits, not as a bound.
fn exact(said: &Quantity, o: &Offer) -> bool {
    let level = Quantity { bound: None, ..said.clone() };
    fits(&level, o, &[], &[]) == Some(true)
}

/// The said share is of what the item does not count: 0.2 % failed, 99.8 % succeeded.
fn complement(said: &Quantity, o: &Offer) -> bool {
    said.says(1.0 - o.canonical)
}

/// Whether `said` is what `o` offers; `None` if they are not of a kind.
pub(super) fn fits(said: &Quantity, o: &Offer, metrics: &[Metric], item: &[Metric]) -> Option<bool> {
    use Family::{Bare, Bytes, Cores, Count, Multiple, Rate, Ratio, Time};
    let v = o.canonical;
    match (said.family, o.family) {
        (Ratio, Ratio) => {
            let opposite =
                [(Metric::Error, Metric::Success), (Metric::Success, Metric::Error)].iter().any(|(a, b)| {
                    metrics.contains(a) && !metrics.contains(b) && item.contains(b) && !item.contains(a)
                });
            Some(said.says(v) || (opposite && complement(said, o)))
        }
        (Multiple, Multiple) | (Time, Time) | (Rate, Rate) | (Bytes, Bytes) | (Cores, Cores) => {
            Some(said.says(v))
        }
        (Ratio, Multiple) if o.change => {
            Some(said.says(v) || (said.change && (said.says(v - 1.0) || said.says(1.0 - v))))
        }
        (Multiple, Ratio) if o.change || v > 1.0 => Some(said.says(v)),
        (Count, Count) => nouns_agree(said.noun, o.noun).then(|| said.says(v)),
        (Multiple, Count) if said.scale == 1.0 && o.noun == Some(Noun::Restarts) => Some(said.says(v)),
        (Count, Bare) => nouns_agree(said.noun, o.noun).then(|| said.says(v)),
        (Bare, Ratio) if o.value => Some(said.says(v) || said.says(v * 100.0)),
        (Bare, Bare) => Some(said.says(v) || (said.threshold && said.says(v * 100.0))),
        (Bare, Count) => Some(said.says(v)),
        (Bare, Multiple | Time | Rate | Bytes | Cores) if o.value => Some(said.says(o.raw)),
        (Ratio, Bare)
            if o.value
                && item.iter().any(|m| {
                    [Metric::Error, Metric::Success, Metric::Cpu, Metric::Memory, Metric::Budget].contains(m)
                }) =>
        {
            Some(said.says(v) || said.says(v / 100.0))
        }
        (Multiple | Time | Rate, Bare) if o.value => Some(said.says(v * said.scale)),
        _ => None,
    }
}

fn nouns_agree(said: Option<Noun>, offered: Option<Noun>) -> bool {
    use Noun::{Errors, Events, Requests};
    match (said, offered) {
        (Some(a), Some(b)) => {
            a == b
                || [(Requests, Errors), (Events, Errors), (Events, Requests), (Errors, Requests)]
                    .contains(&(a, b))
        }
        _ => true,
    }
}

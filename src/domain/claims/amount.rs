//! Marks numbers and windows: one must agree with a cited item in unit and value, and in side, window, name, revision,
//! statistic and metric as far as both the sentence and the item speak of them.

use super::Mark;
use super::check::{Context, contradicted};
use super::extract::{Mention, What};
use super::facts::{Fact, Offer};
use super::place;
use super::quantity::{Family, Noun, Quantity, written};
use super::words::{self, Metric};
use super::{direction, order};
use crate::domain::window::Window;

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
        if let Some(mark) = self.rest_of_budget(n, said).or_else(|| self.share_of_counts(n, said)) {
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
        // A latency is no length of time between events, and no window.
        let next = self.reading.tokens.get(self.reading.mentions[n].at.end).map_or("", |t| t.low.as_str());
        let latency = metrics.contains(&Metric::Latency)
            && compared.iter().any(|(f, o, _)| o.value && f.metrics.contains(&Metric::Latency))
            && !["before", "after", "later", "earlier", "ago", "following"].contains(&next);
        if said.family == Family::Time
            && !latency
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
        if self.is_tag(n, said) || self.is_availability(said) || self.is_allowance(said) {
            return Mark::Confirmed;
        }
        self.wrong_number(n, said, &compared, &metrics)
    }

    /// 95.84 % beside an objective, where the errors are cited: the rest of them.
    fn is_availability(&self, said: &Quantity) -> bool {
        let objective = self.offers().any(|(_, o)| o.threshold && o.family == Family::Ratio);
        let rest = |(f, o): (&Fact, &Offer)| {
            o.value && o.family == Family::Ratio && f.metrics.contains(&Metric::Error) && complement(said, o)
        };
        said.family == Family::Ratio && said.canonical() > 0.5 && objective && self.offers().any(rest)
    }

    /// "An objective of 99.9 % allows 0.1 % of errors".
    fn is_allowance(&self, said: &Quantity) -> bool {
        let allowed = ["allow", "allows", "allowed", "permits", "tolerates", "tolerated", "allowance"];
        said.family == Family::Ratio
            && said.bound.is_none()
            && self.reading.tokens.iter().any(|t| t.among(&allowed))
            && self.offers().any(|(_, o)| {
                o.threshold
                    && o.value
                    && o.family == Family::Ratio
                    && o.canonical > 0.5
                    && complement(said, o)
            })
    }

    /// It follows `of`: `1,962 of 9,803`.
    fn is_whole(&self, n: usize) -> bool {
        let at = self.reading.mentions[n].at.start;
        (1..4)
            .filter_map(|b| at.checked_sub(b))
            .any(|t| self.reading.tokens[t].is("of") || self.reading.tokens[t].is("/"))
    }

    /// `4.12` of `shop/api:4.12`.
    fn is_tag(&self, n: usize, said: &Quantity) -> bool {
        let at = &self.reading.mentions[n].at;
        let text = self.reading.tokens.get(at.start).map_or("", |t| t.low.as_str());
        let tag =
            |name: &String| name.rsplit([':', '@']).next().is_some_and(|t| t.trim_start_matches('v') == text);
        said.family == Family::Bare
            && text.contains('.')
            && self.cited.iter().any(|f| f.names.iter().any(tag))
    }

    /// `above` is wrong where the number behind it is, and would be right with `below`.
    pub(super) fn bound(&self, n: usize) -> Option<Mark> {
        let mentions = &self.reading.mentions;
        let number = (n + 1..mentions.len()).find(|m| matches!(mentions[*m].what, What::Number { .. }))?;
        let What::Number { quantity, window: false } = &mentions[number].what else { return None };
        quantity.bound.filter(|_| !quantity.threshold)?;
        let mark = self.number(number, quantity);
        (mark != Mark::NotFound).then_some(mark)
    }

    /// 130 % used is -30 % left; "overspent by 30 %" is what the screen writes for it.
    fn rest_of_budget(&self, n: usize, said: &Quantity) -> Option<Mark> {
        let at = self.reading.mentions[n].at.start;
        let clause = place::clause_of(self.reading, at);
        if said.family != Family::Ratio || !self.about(n).contains(&Metric::Budget) {
            return None;
        }
        let words = || clause.clone().map(|t| self.reading.tokens[t].low.as_str());
        let overspent =
            words().any(|w| ["overspent", "overdrawn", "overspend"].contains(&w)) && said.value > 0.0;
        let over = |v: f64| if overspent { -v } else { v };
        let anywhere = || self.reading.tokens.iter().find_map(|t| words::left(&t.low));
        let left = words().find_map(words::left).or(overspent.then_some(true)).or_else(anywhere)?;
        // What is said and what is given speak of the same part: an ordinary number.
        if !overspent && self.cited.iter().all(|f| f.left.is_none_or(|l| l == left)) {
            return None;
        }
        let told: Vec<f64> = self
            .offers()
            .filter(|(f, o)| o.value && o.family == Family::Ratio && f.left.is_some())
            .map(|(f, o)| over(if f.left == Some(left) { o.canonical } else { 1.0 - o.canonical }))
            .collect();
        let first = *told.first()?;
        let right = told.iter().any(|v| said.says(*v));
        Some(if right { Mark::Confirmed } else { contradicted(written(over(first), Family::Ratio)) })
    }

    /// "120 of 60,000, i.e. 0.2 %": the part that two cited amounts make, where no cited item is a ratio.
    fn share_of_counts(&self, _: usize, said: &Quantity) -> Option<Mark> {
        let amount =
            |o: &&Offer| matches!(o.family, Family::Count | Family::Bytes | Family::Cores | Family::Bare);
        if said.family != Family::Ratio
            || said.change
            || self.offers().any(|(_, o)| o.family == Family::Ratio)
        {
            return None;
        }
        let all: Vec<&Offer> = self.offers().map(|(_, o)| o).filter(amount).collect();
        let share = |a: &Offer, b: &Offer| {
            a.family == b.family && a.canonical >= 0.0 && a.canonical < b.canonical && {
                let part = a.canonical / b.canonical;
                said.says(part) || said.says(1.0 - part)
            }
        };
        all.iter().take(12).any(|a| all.iter().take(12).any(|b| share(a, b))).then_some(Mark::Confirmed)
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
        // "The 1", "sentence 2": a bare number says nothing of what something else measures.
        let bare = said.family == Family::Bare;
        if bare && !self.is_measured(n, said) {
            return Mark::NotFound;
        }
        let shared = |f: &Fact| metrics.iter().any(|m| f.metrics.contains(m));
        let best = compared
            .iter()
            .filter(|(f, o, _)| !bare || o.value && (shared(f) || o.family == Family::Bare))
            .max_by_key(|(f, o, _)| score(f, o));
        if let Some((_, o, _)) = best {
            return contradicted(written(o.canonical, o.family));
        }
        let other = self.offers().find(|(f, o)| o.value && metrics.iter().any(|m| f.metrics.contains(m)));
        other.map_or(Mark::NotFound, |(_, o)| contradicted(written(o.canonical, o.family)))
    }

    /// A number without a unit that something is said to be: "is 0.2", "from 3 to 5"; not "sentence 2".
    fn is_measured(&self, n: usize, said: &Quantity) -> bool {
        let at = self.reading.mentions[n].at.start;
        let Some(prior) = at.checked_sub(1).map(|t| &self.reading.tokens[t]) else { return false };
        let leads = [
            "is", "was", "are", "were", "be", "at", "to", "of", "by", "from", "=", ":", "(", "reached",
            "reaches", "hit", "hits", "with", "only", "just", "about", "around", "roughly", "nearly",
            "almost", "than", "over", "above", "below", "under", "and", "between", "down", "up", "~", "≈",
            "shows", "reads", "against", "versus", "vs", "->", "→",
        ];
        said.step < 1.0 && !prior.among(&["section", "version", "release"]) || prior.among(&leads)
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
        // "p99 is under 448 ms" of "85 ms -> 640 ms": what is said without a side is said of now.
        let past = ["was", "were", "had", "normally", "usually", "previously", "initially"];
        let now = || {
            place::clause_of(self.reading, self.reading.mentions[n].at.start)
                .all(|t| !self.reading.tokens[t].among(&past))
        };
        if said.bound.is_some()
            && self.roles[n].is_none()
            && o.role.is_some_and(|r| r.side == place::Side::Before)
            && now()
        {
            let after = compared.iter().find(|(_, p, same)| {
                !same && p.item == o.item && p.role.is_some_and(|r| r.side == place::Side::After)
            });
            if let Some((_, p, _)) = after {
                return Some(truth(p));
            }
        }
        // "9,803 requests failed": so many there were in all.
        let next = self.reading.tokens.get(self.reading.mentions[n].at.end).map_or("", |t| t.low.as_str());
        if o.noun == Some(Noun::Requests)
            && ["failed", "fail", "failing", "errored", "of"].contains(&next)
            && !self.is_whole(n)
        {
            let failures =
                compared.iter().find(|(_, p, same)| !same && p.value && p.noun == Some(Noun::Errors));
            if let Some((_, p, _)) = failures {
                return Some(truth(p));
            }
        }
        // "1,962 of 1,962", where there were 9,803.
        if o.noun == Some(Noun::Errors)
            && self.is_whole(n)
            && f.offers.iter().any(|p| p.item == o.item && p.noun == Some(Noun::Requests))
        {
            let all = compared
                .iter()
                .find(|(_, p, same)| !same && p.item == o.item && p.noun == Some(Noun::Requests));
            if let Some((_, p, _)) = all {
                return Some(truth(p));
            }
        }
        if let Some(said_role) = self.roles[n]
            && o.value
            && !o.change
            && o.role.or(f.role).is_none()
        {
            let other = compared.iter().find(|(g, p, same)| {
                !same && p.value && g.metrics == f.metrics && {
                    self.role_by_revision(f, g).is_some_and(|r| said_role.opposes(&r))
                }
            });
            if let Some((_, p, _)) = other {
                return Some(truth(p));
            }
        }
        // A side that another item has, of the same measurement.
        if let Some(said_role) = self.roles[n]
            && o.role.or(f.role).is_none()
            && o.value
        {
            let own = compared.iter().find(|(g, p, same)| {
                !same
                    && p.value
                    && p.role.or(g.role).is_some_and(|r| r.side == said_role.side)
                    && (&g.metrics, &g.statistics) == (&f.metrics, &f.statistics)
                    // The new pods are no older revision.
                    && (g.subject == f.subject
                        || said_role.anchor == Some(words::Event::Deploy) && f.subject.starts_with("revision "))
            });
            if let Some((_, p, _)) = own {
                return Some(truth(p));
            }
        }
        if let Some(mark) = self.of_another_revision(n, f, o) {
            return Some(mark);
        }
        if let Some(mark) = self.other_statistic(n, f, compared) {
            return Some(mark);
        }
        for table in [&self.windows, &self.names, &self.revisions] {
            let beside = table.iter().position(|p| *p == Some(n)).filter(|a| self.misplaced(*a, n).is_some());
            if let Some(a) = beside.filter(|_| self.roles[n].is_none_or(|r| !r.pair) && self.crossed(table)) {
                return Some(self.own(a, n).map_or(Mark::Contradicted { truth: None }, |(_, o)| truth(o)));
            }
        }
        if let Some(mark) = self.by_size_of_window(n, compared) {
            return Some(mark);
        }
        self.other_metric(n, said, f, o, compared)
    }

    /// "Revision 6 failed 24 %", where that is what the new pods fail, and an item about revision 6 gives its own number.
    fn of_another_revision(&self, n: usize, f: &Fact, o: &Offer) -> Option<Mark> {
        let a = self.revisions.iter().position(|p| *p == Some(n)).filter(|a| !self.led_by_order(*a))?;
        let pods = o.role.or(f.role).is_some_and(|r| r.anchor == Some(words::Event::Deploy));
        let (g, p) = self.own(a, n)?;
        (pods && f.revisions.is_empty() && g.metrics == f.metrics && g.subject.starts_with("revision "))
            .then(|| contradicted(written(p.canonical, p.family)))
    }

    /// Of two measurements, each of one revision, the lower one's is the older; not where one goes back.
    fn role_by_revision(&self, f: &Fact, other: &Fact) -> Option<place::Role> {
        let back =
            ["rollback", "rolled", "rolling", "revert", "reverted", "reverting", "undo", "back", "restored"];
        if self.reading.tokens.iter().any(|t| t.among(&back)) {
            return None;
        }
        let only = |f: &Fact| match &f.revisions[..] {
            [one, rest @ ..] if rest.iter().all(|r| r == one) => one.parse::<u32>().ok(),
            _ => None,
        };
        let (own, other) = (only(f)?, only(other)?);
        let side = if own < other { place::Side::Before } else { place::Side::After };
        (own != other).then_some(place::Role { side, anchor: Some(words::Event::Deploy), pair: false })
    }

    /// "9.1x on the long window": of two windows the longer.
    fn by_size_of_window(&self, n: usize, compared: &[(&Fact, &Offer, bool)]) -> Option<Mark> {
        let clause = place::clause_of(self.reading, self.reading.mentions[n].at.start);
        let low = |t: usize| self.reading.tokens.get(t).map_or("", |t| t.low.as_str());
        let thing = ["window", "windows", "one", "burn", "term"];
        let size = |t: usize| {
            let (size, next) = low(t).split_once('-').unwrap_or((low(t), low(t + 1)));
            let ends =
                thing.contains(&next) || ["[", ".", ",", ")", ""].contains(&next) || low(t - t.min(1)) == "x";
            let same = |w: &str| matches!((w, size), ("short", "fast") | ("long", "slow"));
            ["short", "long"].into_iter().find(|w| (*w == size || same(w)) && ends)
        };
        let sizes: Vec<&str> = clause.filter_map(size).collect();
        let [size] = sizes[..] else { return None };
        let length = |o: &Offer| o.windows.first().copied();
        let lengths = || compared.iter().filter_map(|(_, o, _)| length(o));
        let (least, most) = (lengths().fold(f64::MAX, f64::min), lengths().fold(0.0, f64::max));
        let wanted = if size == "short" { least } else { most };
        let right = compared.iter().any(|(_, o, same)| *same && length(o) == Some(wanted));
        let own = compared.iter().find(|(_, o, same)| !same && length(o) == Some(wanted));
        own.filter(|_| least < most && !right).map(|(_, o, _)| contradicted(written(o.canonical, o.family)))
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
        // "failed at 310 rps": a circumstance, not what failed.
        let led = at.checked_sub(1).is_some_and(|t| self.reading.tokens[t].among(&["at", "with"]));
        if said.family == Family::Rate && said.noun.is_none() && led && f.metrics == [Metric::Traffic] {
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
                    [
                        "of", "out", "the", "all", "about", "some", "requests", "roughly", "a", "total", "~",
                        "every", "each",
                    ]
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
            // Where the item counts failures, the part is theirs.
            let failures = f.offers.iter().any(|o| o.noun == Some(Noun::Errors));
            let whole_counted = f.offers.iter().any(|o| o.noun == Some(Noun::Requests));
            let of_part = agrees(&part);
            of_part.iter().any(|o| {
                !(failures && whole_counted) || o.noun != Some(Noun::Requests) || part.value > whole.value
            }) && agrees(&whole).iter().any(|o| {
                !(failures && whole_counted) || o.noun != Some(Noun::Errors) || part.value > whole.value
            })
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
        let small = whole.value <= 1_000.0 && whole.value > 0.0;
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

    pub(super) fn window(&self, n: usize, said: &Quantity) -> Mark {
        let lengths: Vec<f64> = self.cited.iter().flat_map(|f| f.windows.iter().copied()).collect();
        let all: Vec<f64> = self
            .offers()
            .filter(|(_, o)| o.family == Family::Time)
            .map(|(_, o)| o.canonical)
            .chain(lengths.iter().copied())
            .collect();
        let there = all.iter().any(|w| said.is_window(*w));
        if let Some(number) = self.windows[n]
            && let Some((_, o)) = self.misplaced(n, number)
            && !self.crossed(&self.windows)
        {
            return o
                .windows
                .first()
                .map_or(Mark::Contradicted { truth: None }, |w| contradicted(length(*w)));
        }
        if there || order::length(self, said) == Some(Mark::Confirmed) {
            return Mark::Confirmed;
        }
        all.first().map_or(Mark::NotFound, |w| contradicted(length(*w)))
    }
}

/// A window as evidence writes it: `5m`; what is no whole number of seconds is written as a span.
fn length(seconds: f64) -> String {
    if seconds >= 1.0 && seconds.fract() == 0.0 {
        Window::from_secs(seconds as u64).to_string()
    } else {
        crate::domain::format::seconds(seconds)
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
            let budget = o.threshold && metrics.contains(&Metric::Budget);
            Some(said.says(v) || ((opposite || budget) && complement(said, o)))
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
                && o.noun.is_none()
                && item.iter().any(|m| {
                    [Metric::Error, Metric::Success, Metric::Cpu, Metric::Memory, Metric::Budget].contains(m)
                }) =>
        {
            Some(said.says(v) || (v <= 100.0 && said.says(v / 100.0)))
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

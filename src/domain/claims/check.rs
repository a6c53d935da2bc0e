//! Marks claims. Each is looked up in the cited items alone; a number must agree in unit, value, window, side, subject
//! and statistic, as far as both the sentence and the item speak of them.

use super::extract::{self, Known, Mention, Reading, What};
use super::facts::{self, Fact, Moment, Offer};
use super::item::{Item, Sentence};
use super::place::{self, Role};
use super::quantity::{Family, Noun, Quantity, written};
use super::words::{self, Metric, Part};
use super::{Claim, Mark, direction, order};

/// A sentence with all that is needed to mark its claims.
pub(super) struct Context<'a> {
    pub reading: &'a Reading,
    pub cited: Vec<&'a Fact>,
    pub uncited: Vec<&'a Fact>,
    pub roles: Vec<Option<Role>>,
    pub joined: Vec<(usize, usize)>,
    windows: Vec<Option<usize>>,
    names: Vec<Option<usize>>,
    revisions: Vec<Option<usize>>,
    known: &'a Known,
}

/// Marks every claim of `sentences` by the `items` that each cites, by its list or in brackets in its text.
pub fn check(items: &[Item], sentences: &[Sentence]) -> Vec<Claim> {
    let known = facts::known(items);
    let facts: Vec<Fact> = items.iter().enumerate().map(|(n, item)| facts::fact(n, item, &known)).collect();
    let mut out = Vec::new();
    for (n, sentence) in sentences.iter().enumerate() {
        one(n, sentence, &facts, &known, &mut out);
    }
    out
}

fn one(index: usize, sentence: &Sentence, facts: &[Fact], known: &Known, out: &mut Vec<Claim>) {
    let plain = extract::read(&sentence.text, known);
    let inline = plain.mentions.iter().filter_map(|m| match &m.what {
        What::Citation(id) => Some(id.clone()),
        _ => None,
    });
    let ids: Vec<String> = sentence
        .evidence
        .iter()
        .map(|id| id.trim_matches(['[', ']', ' ']).to_uppercase())
        .chain(inline)
        .collect();
    let (cited, uncited): (Vec<&Fact>, Vec<&Fact>) = facts.iter().partition(|f| ids.contains(&f.id));
    let about_names = !cited.is_empty() && cited.iter().any(|f: &&Fact| f.about_name);
    let known = &Known { about_names, ..known.clone() };
    let reading = extract::read(&sentence.text, known);
    let context = Context {
        reading: &reading,
        cited,
        uncited,
        roles: place::roles(&reading, false),
        joined: place::joined(&reading),
        windows: place::belongs(&reading, |w| matches!(w, What::Number { window: true, .. })),
        names: place::belongs(&reading, |w| matches!(w, What::Name(_))),
        revisions: place::belongs(&reading, |w| matches!(w, What::Revision(_))),
        known,
    };
    let from = out.len();
    for n in 0..reading.mentions.len() {
        let mention = &reading.mentions[n];
        if let Some(mark) = context.mark(n) {
            let text = sentence.text.get(mention.span.clone()).unwrap_or_default().to_owned();
            out.push(Claim { sentence: index, span: mention.span.clone(), text, mark });
        }
    }
    context.wrong_citations(&mut out[from..]);
    let said: Vec<String> = out[from..].iter().map(|c| c.text.to_uppercase()).collect();
    for id in &sentence.evidence {
        let upper = id.trim_matches(['[', ']', ' ']).to_uppercase();
        if !facts.iter().any(|f| f.id == upper) && !said.contains(&upper) {
            out.push(Claim { sentence: index, span: 0..0, text: id.clone(), mark: Mark::NotFound });
        }
    }
}

pub(super) fn contradicted(truth: impl Into<String>) -> Mark {
    Mark::Contradicted { truth: Some(truth.into()) }
}

impl Context<'_> {
    fn mark(&self, n: usize) -> Option<Mark> {
        let mention = &self.reading.mentions[n];
        let mark = match &mention.what {
            What::Citation(id) => {
                let there = self.cited.iter().any(|f| f.id == *id);
                Some(if there { Mark::Confirmed } else { Mark::NotFound })
            }
            What::Number { quantity, window: true } => Some(self.window(n, quantity)),
            What::Number { quantity, .. } => Some(self.number(n, quantity)),
            What::Revision(number) => Some(self.revision(n, number)),
            What::Name(name) => Some(self.name(n, name)),
            What::Statistic(name) => self.statistic(name),
            What::Clock(second, exact, about) => Some(self.clock(n, *second, *exact, *about)),
            What::Date(y, m, d) => Some(self.date(*y, *m, *d)),
            What::Direction(way, factor, negated) => direction::mark(self, n, *way, *factor, *negated),
            What::Compare(over) => direction::compare(self, n, *over),
            What::Order(before) => order::mark(self, n, *before),
        };
        mark.filter(|m| !mention.soft || *m != Mark::NotFound)
    }

    pub(super) fn offers(&self) -> impl Iterator<Item = (&Fact, &Offer)> {
        self.cited.iter().flat_map(|f| f.offers.iter().map(move |o| (*f, o)))
    }

    /// Tokens that say what a number measures: its clause, else what stands before it.
    pub(super) fn about(&self, n: usize) -> Vec<Metric> {
        let at = self.reading.mentions[n].at.start;
        let own = place::metrics(self.reading, place::clause_of(self.reading, at));
        if own.is_empty() { place::metrics(self.reading, 0..at) } else { own }
    }

    fn number(&self, n: usize, said: &Quantity) -> Mark {
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

    fn wrong_number(
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
    fn conflict(
        &self,
        n: usize,
        said: &Quantity,
        f: &Fact,
        o: &Offer,
        compared: &[(&Fact, &Offer, bool)],
    ) -> Option<Mark> {
        let truth =
            |f: &Fact, o: &Offer| contradicted(format!("{} [{}]", written(o.canonical, o.family), f.id));
        if let (Some(said_role), Some(role)) = (self.roles[n], o.role.or(f.role))
            && !o.change
            && said_role.opposes(&role)
        {
            let other =
                compared.iter().find(|(f, o, _)| o.role.or(f.role).is_some_and(|r| r.side == said_role.side));
            return Some(other.map_or(Mark::Contradicted { truth: None }, |(f, o, _)| truth(f, o)));
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
            if let Some((f, o, _)) = better {
                return Some(truth(f, o));
            }
        }
        if let Some(w) = attribute(&self.names)
            && let What::Name(name) = &mentions[w].what
            && !self.has_name(f, name)
        {
            let better =
                compared.iter().find(|(other, o, same)| !same && o.value && self.has_name(other, name));
            if let Some((f, o, _)) = better.filter(|_| !f.subject.is_empty() || !f.names.is_empty()) {
                return Some(truth(f, o));
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
            if let Some((f, o, _)) = better {
                return Some(truth(f, o));
            }
        }
        self.other_metric(n, said, f, o, compared)
    }

    /// "after revision 7": the number is not that revision's, but of the time after it.
    fn led_by_order(&self, w: usize) -> bool {
        let at = self.reading.mentions[w].at.start;
        let low = |back: usize| {
            at.checked_sub(back).and_then(|n| self.reading.tokens.get(n)).map_or("", |t| t.low.as_str())
        };
        (1..5).any(|back| {
            ["after", "before", "since", "following", "when", "until", "once", "with"].contains(&low(back))
        })
    }

    fn other_statistic(&self, n: usize, f: &Fact, compared: &[(&Fact, &Offer, bool)]) -> Option<Mark> {
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
        better
            .filter(|_| differs)
            .map(|(f, o, _)| contradicted(format!("{} [{}]", written(o.canonical, o.family), f.id)))
    }

    fn other_metric(
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
        if let Some((g, p)) = elsewhere {
            return Some(contradicted(format!("{} [{}]", written(p.canonical, p.family), g.id)));
        }
        let better =
            compared.iter().find(|(other, o, same)| !same && o.value && other.metrics.contains(&metric));
        better.map(|(f, o, _)| contradicted(format!("{} [{}]", written(o.canonical, o.family), f.id)))
    }

    /// `A of B`: both of one item, the part not larger than the whole.
    fn part_of_whole(&self, n: usize, said: &Quantity) -> Option<Mark> {
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
    fn crossed(&self, table: &[Option<usize>]) -> bool {
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

    fn window(&self, n: usize, said: &Quantity) -> Mark {
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

    fn revision(&self, n: usize, number: &String) -> Mark {
        let of = |part: Part| {
            let with = self.cited.iter().filter(move |f| f.part == Some(part));
            with.flat_map(|f| f.revisions.iter().cloned()).collect::<Vec<String>>()
        };
        let all: Vec<String> = self.cited.iter().flat_map(|f| f.revisions.iter().cloned()).collect();
        let Some(first) = all.first() else { return Mark::NotFound };
        let wrong = |r: Option<&String>| contradicted(format!("revision {}", r.unwrap_or(first)));
        if !all.contains(number) {
            let near = match self.part_said(n) {
                Some(part) => of(part),
                None => Vec::new(),
            };
            return wrong(near.first());
        }
        let (current, target) = (of(Part::Current), of(Part::Target));
        match self.part_said(n) {
            Some(Part::Target)
                if !target.is_empty() && !target.contains(number) && current.contains(number) =>
            {
                wrong(target.first())
            }
            Some(Part::Current)
                if !current.is_empty() && !current.contains(number) && target.contains(number) =>
            {
                wrong(current.first())
            }
            _ => self
                .revision_of_number(n, number)
                .or_else(|| self.revisions_swapped(n, number))
                .unwrap_or(Mark::Confirmed),
        }
    }

    /// What the sentence says a revision is.
    fn part_said(&self, n: usize) -> Option<Part> {
        let at = &self.reading.mentions[n].at;
        let low = |t: usize| self.reading.tokens.get(t).map_or("", |t| t.low.as_str());
        let back = |b: usize| at.start.checked_sub(b).map_or("", low);
        let backwards = (1..7).any(|b| {
            ["roll", "rollback", "revert", "return", "back", "restore", "undo", "rolling", "reverting", "go"]
                .contains(&back(b))
        });
        if (back(1) == "to" && backwards) || back(1) == "target" || (back(1) == "is" && back(2) == "target") {
            return Some(Part::Target);
        }
        let deployed = [
            "deployed",
            "went",
            "shipped",
            "released",
            "landed",
            "rolled",
            "introduced",
            "promoted",
            "pushed",
            "goes",
        ];
        let ahead = (0..4)
            .map(|a| low(at.end + a))
            .take_while(|w| ![",", ";", ".", "and"].contains(w))
            .collect::<Vec<_>>();
        if ahead.iter().any(|w| deployed.contains(w)) && !ahead.contains(&"back") {
            return Some(Part::Current);
        }
        let of = back(1) == "of" && ["rollout", "deploy", "deployment", "release"].contains(&back(2));
        (of || ["deployed", "shipped", "released", "deploying", "introduced"].contains(&back(1)))
            .then_some(Part::Current)
    }

    /// A number beside the revision is another revision's.
    fn revision_of_number(&self, n: usize, number: &String) -> Option<Mark> {
        let paired = self.revisions[n].filter(|_| !self.led_by_order(n))?;
        let What::Number { quantity, .. } = &self.reading.mentions[paired].what else { return None };
        if self.roles[paired].is_some_and(|r| r.pair) {
            return None;
        }
        let metrics = self.about(paired);
        let matched: Vec<&Fact> = self
            .offers()
            .filter(|(f, o)| o.value && fits(quantity, o, &metrics, &f.metrics) == Some(true))
            .map(|(f, _)| f)
            .collect();
        let other = !matched.is_empty()
            && matched.iter().all(|f| !f.revisions.is_empty() && !f.revisions.contains(number));
        let better = self
            .offers()
            .any(|(f, o)| o.value && o.family == quantity.family && f.revisions.contains(number));
        (other && better && !self.crossed(&self.revisions))
            .then(|| contradicted(format!("revision {}", matched[0].revisions[0])))
    }

    /// `7 -> 6` where the item says `6 -> 7`.
    fn revisions_swapped(&self, n: usize, number: &String) -> Option<Mark> {
        let mentions = &self.reading.mentions;
        let pair = |a: usize, b: usize| match (&mentions.get(a)?.what, &mentions.get(b)?.what) {
            (What::Revision(x), What::Revision(y)) => {
                let between: Vec<&str> = (mentions[a].at.end..mentions[b].at.start)
                    .map(|t| self.reading.tokens[t].low.as_str())
                    .collect();
                let arrow = matches!(between[..], ["to" | "->" | "→" | "=>"] | ["to", "revision"]);
                arrow.then(|| (x.clone(), y.clone()))
            }
            _ => None,
        };
        let (from, to) = pair(n, n + 1).or_else(|| pair(n.checked_sub(1)?, n))?;
        let back = self.reading.tokens.iter().any(|t| {
            ["roll", "rollback", "revert", "undo", "back", "reverting", "rolling"].contains(&t.low.as_str())
        });
        let told = |a: &String, b: &String| {
            let newer_first = |f: &Fact| {
                f.words.iter().flatten().any(|w| {
                    ["replaced", "replaces", "replacing", "supersedes", "superseded", "after", "over"]
                        .contains(&w.as_str())
                })
            };
            let adjacent =
                |f: &Fact, x: &String, y: &String| f.revisions.windows(2).any(|w| w[0] == *x && w[1] == *y);
            self.cited.iter().any(|f| if newer_first(f) { adjacent(f, b, a) } else { adjacent(f, a, b) })
        };
        let _ = number;
        (!back && told(&to, &from) && !told(&from, &to)).then(|| contradicted(format!("{to} to {from}")))
    }

    pub(super) fn has_name(&self, f: &Fact, name: &str) -> bool {
        let wanted = facts::parts(name);
        if wanted.is_empty() {
            return false;
        }
        let exact = f.words.contains(&wanted);
        // `checkout` is not `checkout-worker`, if both are there.
        let own = self.known.names.iter().any(|n| facts::parts(n) == wanted);
        let within = |word: &Vec<String>| word.windows(wanted.len()).any(|w| w == wanted.as_slice());
        let longer = f.words.iter().any(|word| {
            within(word)
                && (!own
                    || !self.known.names.iter().any(|n| {
                        facts::parts(n) == *word && n.split(['/', ':']).all(|p| facts::parts(p) != wanted)
                    }))
        });
        let across: Vec<String> = f.words.iter().flatten().cloned().collect();
        exact || longer || (wanted.len() > 1 && within(&across))
    }

    fn name(&self, n: usize, name: &str) -> Mark {
        let there: Vec<&&Fact> = self.cited.iter().filter(|f| self.has_name(f, name)).collect();
        if there.is_empty() {
            let revision = name
                .strip_prefix('v')
                .filter(|r| self.cited.iter().any(|f| f.revisions.iter().any(|x| x == r)));
            if revision.is_some() {
                return Mark::Confirmed;
            }
            let subject = self.cited.iter().map(|f| f.subject.as_str()).find(|s| !s.is_empty());
            let other = subject
                .map(str::to_owned)
                .or_else(|| self.cited.iter().flat_map(|f| f.names.iter().cloned()).next());
            return other.map_or(Mark::NotFound, contradicted);
        }
        // The number beside it is another's.
        if let Some(paired) = self.names[n]
            && let What::Number { quantity, .. } = &self.reading.mentions[paired].what
        {
            let metrics = self.about(paired);
            let matched: Vec<&Fact> = self
                .offers()
                .filter(|(f, o)| o.value && fits(quantity, o, &metrics, &f.metrics) == Some(true))
                .map(|(f, _)| f)
                .collect();
            let other = !matched.is_empty()
                && matched.iter().all(|f| !f.subject.is_empty() && !self.has_name(f, name));
            let better = there.iter().any(|f| {
                !f.subject.is_empty() && f.offers.iter().any(|o| o.value && o.family == quantity.family)
            });
            if other && better && !self.crossed(&self.names) {
                return contradicted(matched[0].subject.clone());
            }
        }
        Mark::Confirmed
    }

    fn statistic(&self, name: &str) -> Option<Mark> {
        let all: Vec<&String> = self.cited.iter().flat_map(|f| &f.statistics).collect();
        if all.iter().any(|s| *s == name) || self.cited.iter().any(|f| self.has_name(f, name)) {
            return Some(Mark::Confirmed);
        }
        match all.first() {
            Some(other) => Some(contradicted((*other).clone())),
            None => name.starts_with('p').then_some(Mark::NotFound),
        }
    }

    fn clock(&self, n: usize, second: u32, exact: bool, about: bool) -> Mark {
        let agrees = |m: &&Moment| {
            let off = i64::from(m.second).abs_diff(i64::from(second));
            match (exact, m.exact) {
                _ if about => off <= 90,
                (true, true) => off == 0,
                _ => m.second / 60 == second / 60,
            }
        };
        let moments: Vec<&Moment> = self.cited.iter().flat_map(|f| &f.moments).collect();
        let text = |m: &Moment| {
            let (h, min, s) = (m.second / 3_600, m.second / 60 % 60, m.second % 60);
            if m.exact { format!("{h:02}:{min:02}:{s:02}") } else { format!("{h:02}:{min:02}") }
        };
        let same: Vec<&&Moment> = moments.iter().filter(|m| agrees(m)).collect();
        let event = order::event_of_clock(self, n);
        if same.is_empty() {
            let told = moments.iter().find(|m| event.is_some() && m.event == event).or(moments.first());
            return told.map_or(Mark::NotFound, |m| contradicted(text(m)));
        }
        if let Some(event) = event {
            let other = same.iter().all(|m| m.event.is_some_and(|e| e != event));
            let told = moments.iter().find(|m| m.event == Some(event) && !agrees(m));
            if let Some(told) = told.filter(|_| other) {
                return contradicted(text(told));
            }
        }
        Mark::Confirmed
    }

    fn date(&self, y: i32, m: u32, d: u32) -> Mark {
        let dates: Vec<(i32, u32, u32)> = self.cited.iter().flat_map(|f| f.dates.iter().copied()).collect();
        let same = |(a, b, c): &(i32, u32, u32)| *b == m && *c == d && (*a == y || *a == 0 || y == 0);
        match dates.first() {
            _ if dates.iter().any(same) => Mark::Confirmed,
            Some((a, b, c)) => contradicted(format!("{a:04}-{b:02}-{c:02}")),
            None => Mark::NotFound,
        }
    }

    /// An id that exists, but supports nothing here, while another item that is not cited says what is said.
    fn wrong_citations(&self, claims: &mut [Claim]) {
        let supported = |f: &Fact| {
            self.reading.mentions.iter().any(|m| match &m.what {
                What::Number { quantity, .. } => {
                    f.offers.iter().any(|o| fits(quantity, o, &[], &f.metrics) == Some(true))
                        || f.windows.iter().any(|w| quantity.says(*w))
                }
                What::Revision(r) => f.revisions.contains(r),
                What::Name(name) => self.has_name(f, name),
                What::Clock(s, ..) => f.moments.iter().any(|m| m.second / 60 == s / 60),
                _ => false,
            })
        };
        // A number that nothing cited speaks of, and that another item gives.
        let elsewhere = self.reading.mentions.iter().any(|m| match &m.what {
            What::Number { quantity, window: false } if !m.soft => {
                let marked = claims.iter().find(|c| c.span == m.span);
                marked.is_some_and(|c| c.mark == Mark::NotFound)
                    && self.uncited.iter().any(|f| {
                        f.offers.iter().any(|o| o.value && fits(quantity, o, &[], &f.metrics) == Some(true))
                    })
            }
            _ => false,
        });
        if !elsewhere {
            return;
        }
        for claim in claims.iter_mut() {
            let id = claim.text.to_uppercase();
            if let Some(f) = self.cited.iter().find(|f| f.id == id).filter(|f| !supported(f)) {
                let about = self
                    .reading
                    .mentions
                    .iter()
                    .any(|m| matches!(m.what, What::Direction(..)) && !f.metrics.is_empty());
                if !about {
                    claim.mark = Mark::NotFound;
                }
            }
        }
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

/// The event that the words around a token speak of, nearest first.
pub(super) fn near_event(reading: &Reading, range: impl Iterator<Item = usize>) -> Option<words::Event> {
    let mut range = range;
    range.find_map(|t| words::event(&reading.tokens.get(t)?.low))
}

#[cfg(test)]
mod tests {
    use super::super::item::Given;
    use super::*;

    fn item(id: &str, fact: &str, value: f64, unit: &str, window: &str) -> Item {
        let text = str::to_owned;
        let value = Given::Number(value);
        Item {
            id: text(id),
            fact: text(fact),
            value,
            unit: text(unit),
            window: text(window),
            ..Item::default()
        }
    }

    fn items() -> Vec<Item> {
        vec![
            item("E1", "error ratio before the rollout", 0.0002, "ratio", "1h"),
            item("E2", "error ratio after the rollout", 0.998, "ratio", "5m"),
            item("E3", "burn rate", 749.6, "x", "5m"),
        ]
    }

    fn marks(text: &str, evidence: &[&str]) -> Vec<(String, Mark)> {
        let evidence = evidence.iter().map(|id| (*id).to_owned()).collect();
        let claims = check(&items(), &[Sentence { text: text.to_owned(), evidence }]);
        claims.into_iter().map(|c| (c.text, c.mark)).collect()
    }

    fn of(text: &str, evidence: &[&str], claim: &str) -> Mark {
        let all = marks(text, evidence);
        all.iter()
            .find(|(t, _)| t == claim)
            .map(|(_, m)| m.clone())
            .unwrap_or_else(|| panic!("{claim} of {all:?}"))
    }

    #[test]
    fn a_wrong_number_carries_the_true_one() {
        let mark = of("Errors rose from 0.02% to 9.9% [E1][E2].", &[], "9.9%");
        assert_eq!(mark, Mark::Contradicted { truth: Some("99.8 %".into()) });
        assert_eq!(of("Errors rose from 0.02% to 99.8% [E1][E2].", &[], "99.8%"), Mark::Confirmed);
    }

    #[test]
    fn what_only_an_item_that_is_not_cited_says_is_not_found() {
        assert_eq!(of("The budget burns at 750x.", &["E1"], "750x"), Mark::NotFound);
        assert_eq!(of("The budget burns at 750x.", &["E3"], "750x"), Mark::Confirmed);
    }

    #[test]
    fn an_invented_id_is_a_claim_in_the_text_and_beside_it() {
        assert_eq!(of("It burns [E9].", &[], "E9"), Mark::NotFound);
        assert_eq!(marks("It is so.", &["E9"]), [("E9".to_owned(), Mark::NotFound)]);
    }

    #[test]
    fn swapped_sides_and_a_reversed_direction_are_contradicted() {
        for (text, claim) in [
            ("Errors went from 99.8 % to 0.02 % [E1][E2].", "99.8 %"),
            ("Before the rollout 99.8 % failed [E1][E2].", "99.8 %"),
            ("The error ratio fell after the rollout [E1][E2].", "fell"),
        ] {
            assert!(matches!(of(text, &[], claim), Mark::Contradicted { .. }), "{text}");
        }
    }

    #[test]
    fn text_without_claims_has_none() {
        assert_eq!(marks("This suggests that rolling back is the right thing to do.", &["E1"]), []);
    }
}

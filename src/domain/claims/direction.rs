//! Directions and comparisons: which way something went by the cited evidence, by how much, and which of two things is
//! the larger.

use super::Mark;
use super::check::{Context, contradicted};
use super::extract::What;
use super::facts::{Fact, Offer};
use super::place::{self, Side};
use super::quantity::{Family, Quantity, written};
use super::words::{self, Metric, Way};

/// Two measurements of one thing, older first.
struct Pair {
    before: f64,
    after: f64,
    family: Family,
}

/// Within this part of what it was, a thing is where it was.
const FLAT: f64 = 0.1;

fn way_of(before: f64, after: f64) -> Way {
    let scale = before.abs().max(after.abs());
    if scale == 0.0 || (after - before).abs() <= scale * 0.02 {
        Way::Flat
    } else if after > before {
        Way::Up
    } else {
        Way::Down
    }
}

/// Whether going from `before` to `after` may be called `way`, where a change of less than `least` (of 1) is none.
fn may_be_called(way: Way, before: f64, after: f64, least: f64) -> bool {
    let scale = before.abs().max(after.abs());
    let share = if scale == 0.0 { 0.0 } else { (after - before) / scale };
    match way {
        Way::Flat => share.abs() <= FLAT * 1.2,
        Way::Up | Way::Better => share > least,
        Way::Down | Way::Worse => share < -least,
    }
}

/// Better and worse as up and down, by what is good for the metric.
fn resolved(way: Way, metrics: &[Metric]) -> Way {
    let high_is_good = metrics.iter().any(|m| matches!(m, Metric::Success | Metric::Budget));
    match (way, high_is_good) {
        (Way::Better, true) | (Way::Worse, false) => Way::Up,
        (Way::Better, false) | (Way::Worse, true) => Way::Down,
        (other, _) => other,
    }
}

/// How large a change must be to be called one: more with "sharply", little where the sentence gives both numbers.
fn least(context: &Context<'_>, n: usize) -> f64 {
    let at = &context.reading.mentions[n].at;
    let near = at.start.saturating_sub(2)..(at.end + 3).min(context.reading.tokens.len());
    let strong = [
        "sharply",
        "significantly",
        "dramatically",
        "massively",
        "steeply",
        "substantially",
        "hugely",
        "sharp",
        "massive",
        "dramatic",
        "strongly",
        "considerably",
        "markedly",
        "drastically",
        "heavily",
    ];
    let slight = ["slightly", "marginally", "slight", "barely", "somewhat", "just", "only"];
    let has = |list: &[&str]| near.clone().any(|t| context.reading.tokens[t].among(list));
    if has(&strong) {
        0.12
    } else if has(&slight)
        || context.reading.tokens.get(at.end).is_some_and(|t| t.is("by"))
        || own_pair(context, n).is_some_and(|(a, b)| (a - b).abs() < 0.05 * a.abs().max(b.abs()))
    {
        0.003
    } else {
        0.04
    }
}

/// The metric that a direction speaks of: the nearest before it in its clause, else behind it, else before it at all.
fn metrics_of(context: &Context<'_>, n: usize) -> Vec<Metric> {
    let at = context.reading.mentions[n].at.start;
    let clause = place::clause_of(context.reading, at);
    let back = |from: usize| {
        (from..at).rev().map(|t| place::metrics(context.reading, t..t + 1)).find(|m| !m.is_empty())
    };
    let near = place::metrics(context.reading, clause.start..at);
    let ahead = place::metrics(context.reading, at..clause.end);
    let ahead_near = place::metrics(context.reading, at..clause.end.min(at + 5));
    let noun =
        !ahead_near.is_empty() && context.reading.tokens.get(at + 1).is_some_and(|t| t.among(&["in", "of"]));
    if noun && !ahead.is_empty() {
        return ahead;
    }
    [near, ahead].into_iter().find(|m| !m.is_empty()).or_else(|| back(0)).unwrap_or_default()
}

fn relevant<'c>(context: &'c Context<'_>, metrics: &[Metric]) -> Vec<(&'c Fact, &'c Offer)> {
    let matching = |f: &Fact| metrics.is_empty() || f.metrics.iter().any(|m| metrics.contains(m));
    let some: Vec<_> = context.offers().filter(|(f, _)| matching(f)).collect();
    let named = !metrics.is_empty() && context.cited.iter().any(|f| matching(f));
    // An item without a word for what it measures may be meant.
    if named {
        some
    } else {
        context.offers().filter(|(f, _)| metrics.is_empty() || f.metrics.is_empty()).collect()
    }
}

fn pairs(offers: &[(&Fact, &Offer)]) -> Vec<Pair> {
    let mut out = Vec::new();
    let side = |f: &Fact, o: &Offer| o.role.or(f.role).map(|r| r.side);
    let level = |o: &Offer| !o.change && (!o.threshold || o.family == Family::Time);
    for (f, o) in offers.iter().filter(|(f, o)| level(o) && side(f, o) == Some(Side::Before)) {
        for (g, p) in offers.iter().filter(|(g, p)| level(p) && side(g, p) == Some(Side::After)) {
            let latency = |f: &Fact| f.metrics.contains(&Metric::Latency);
            let time = o.family != Family::Time
                || latency(f)
                || latency(g)
                || (f.order.is_empty() && g.order.is_empty() && o.item != p.item);
            let stats = f.statistics.is_empty() || g.statistics.is_empty() || f.statistics == g.statistics;
            if o.family == p.family && o.noun == p.noun && time && stats {
                out.push(Pair { before: o.canonical, after: p.canonical, family: o.family });
            }
        }
    }
    if out.is_empty() {
        out = by_order(offers);
    }
    if out.is_empty() {
        out = against_the_past(offers);
    }
    // Counts of two sides depend on how long each was looked at; ratios and rates do not.
    if out.iter().any(|p| p.family != Family::Count) {
        out.retain(|p| p.family != Family::Count);
    }
    out
}

/// The measurement of one side that is cited, with the other side's that is not.
fn with_the_other_side(context: &Context<'_>, metrics: &[Metric]) -> Option<Pair> {
    let level = |f: &Fact, o: &Offer| {
        o.value && !o.change && !o.threshold && f.metrics.iter().any(|m| metrics.contains(m))
    };
    let cited: Vec<_> = context.offers().filter(|(f, o)| level(f, o)).collect();
    let uncited = context.uncited.iter().flat_map(|f| f.offers.iter().map(move |o| (*f, o)));
    let other: Vec<_> = uncited.filter(|(f, o)| level(f, o)).collect();
    let pair = |one: &(&Fact, &Offer)| {
        let (f, o) = one;
        let same = |(g, p): &&(&Fact, &Offer)| {
            (o.family, o.noun, &f.subject, &f.statistics, &f.metrics)
                == (p.family, p.noun, &g.subject, &g.statistics, &g.metrics)
        };
        other.iter().filter(same).find_map(|two| pairs(&[*one, *two]).into_iter().next())
    };
    cited.iter().find_map(pair)
}

/// One side is said ("yesterday"), and the other is the same measurement without a word for its side.
fn against_the_past(offers: &[(&Fact, &Offer)]) -> Vec<Pair> {
    let mut out = Vec::new();
    let side = |f: &Fact, o: &Offer| o.role.or(f.role).map(|r| r.side);
    let level = |o: &Offer| o.value && !o.change && !o.threshold;
    for (f, o) in offers.iter().filter(|(f, o)| level(o) && side(f, o) == Some(Side::Before)) {
        for (g, p) in offers.iter().filter(|(g, p)| level(p) && side(g, p).is_none()) {
            if o.family == p.family
                && o.noun == p.noun
                && f.subject == g.subject
                && f.statistics == g.statistics
            {
                out.push(Pair { before: o.canonical, after: p.canonical, family: o.family });
            }
        }
    }
    out
}

/// Without words for the sides: by revision, by the times of the windows.
fn by_order(offers: &[(&Fact, &Offer)]) -> Vec<Pair> {
    let mut out = Vec::new();
    let revision = |f: &Fact| {
        let first = f.revisions.first()?;
        let one = f.revisions.iter().all(|r| r == first);
        one.then(|| first.parse::<u32>().ok()).flatten()
    };
    let time = |f: &Fact| f.moments.iter().map(|m| m.second).min();
    for (f, o) in offers.iter().filter(|(_, o)| o.value && !o.change && !o.threshold) {
        for (g, p) in offers.iter().filter(|(_, p)| p.value && !p.change && !p.threshold) {
            if o.family != p.family || o.item == p.item || o.noun != p.noun {
                continue;
            }
            let older = match (revision(f), revision(g), time(f), time(g)) {
                (Some(a), Some(b), ..) if a != b => a < b,
                (.., Some(a), Some(b)) if a != b => a < b,
                _ => false,
            };
            if older {
                out.push(Pair { before: o.canonical, after: p.canonical, family: o.family });
            }
        }
    }
    out
}

/// Marks `rose`, `unchanged`, `doubled`.
pub(super) fn mark(
    context: &Context<'_>,
    n: usize,
    way: Way,
    factor: Option<f64>,
    negated: bool,
) -> Option<Mark> {
    let metrics = metrics_of(context, n);
    let mut metrics = metrics;
    let mut way = resolved(way, &metrics);
    // Availability is the other side of the error ratio.
    let measured = |m: Metric| context.cited.iter().any(|f| f.metrics.contains(&m));
    for (said, told) in [(Metric::Success, Metric::Error), (Metric::Error, Metric::Success)] {
        if metrics == [said] && !measured(said) && measured(told) {
            metrics = vec![told];
            way = match way {
                Way::Up => Way::Down,
                Way::Down => Way::Up,
                other => other,
            };
            if own_pair(context, n).is_some() {
                // Its own numbers are of the said side.
                if against_own_words(
                    context,
                    n,
                    resolved(if way == Way::Up { Way::Down } else { Way::Up }, &metrics),
                    negated,
                ) == Some(true)
                {
                    return Some(Mark::Contradicted { truth: None });
                }
            }
            return by_evidence(context, n, &metrics, way, factor, negated);
        }
    }
    let told = by_evidence(context, n, &metrics, way, factor, negated);
    if told != Some(Mark::Confirmed) && against_own_words(context, n, way, negated) == Some(true) {
        return Some(Mark::Contradicted { truth: None });
    }
    // "stays at 0.09 %", where nothing is known of the time before: the number is the claim.
    let holds = ["held", "stayed", "remained", "stays", "remains", "holding", "holds"];
    let word = context.reading.tokens.get(context.reading.mentions[n].at.start);
    if told == Some(Mark::NotFound) && word.is_some_and(|t| t.among(&holds)) {
        return None;
    }
    told
}

/// The name right before a direction in its clause, where the cited items are about several things: "cart stays at 2 %".
fn subject_of(context: &Context<'_>, n: usize) -> Option<String> {
    let mentions = &context.reading.mentions;
    let start = place::clause_of(context.reading, mentions[n].at.start).start;
    let name =
        mentions[..n].iter().rev().take_while(|m| m.at.start >= start).find_map(|m| match &m.what {
            What::Name(name) => Some(name.clone()),
            _ => None,
        })?;
    let mut subjects: Vec<&str> = context.cited.iter().map(|f| f.subject.as_str()).collect();
    subjects.sort_unstable();
    subjects.dedup();
    let own = context.cited.iter().any(|f| context.has_name(f, &name));
    (own && subjects.len() > 1 && subjects.iter().all(|s| !s.is_empty())).then_some(name)
}

fn by_evidence(
    context: &Context<'_>,
    n: usize,
    metrics: &[Metric],
    way: Way,
    factor: Option<f64>,
    negated: bool,
) -> Option<Mark> {
    let least = least(context, n);
    let mut offers = relevant(context, metrics);
    if let Some(name) = subject_of(context, n) {
        offers.retain(|(f, _)| context.has_name(f, &name));
    }
    let right = |before: f64, after: f64| {
        let called =
            may_be_called(way, before, after, least) || complements(metrics, way, before, after, least);
        let times = factor.is_none_or(|f| before != 0.0 && times(context, n, after / before, f));
        if negated { !called || may_be_called(Way::Flat, before, after, least) } else { called && times }
    };
    let found = pairs(&offers);
    if !found.is_empty() {
        let pair = &found[0];
        let ok = found.iter().any(|p| right(p.before, p.after));
        let truth =
            || format!("{} to {}", written(pair.before, pair.family), written(pair.after, pair.family));
        return Some(if ok { Mark::Confirmed } else { contradicted(truth()) });
    }
    if let Some(mark) = by_change_items(context, n, &offers, (way, factor), negated, least) {
        return Some(mark);
    }
    let told: Vec<&(Way, bool)> = context
        .cited
        .iter()
        .filter(|f| {
            metrics.is_empty() || f.metrics.is_empty() || f.metrics.iter().any(|m| metrics.contains(m))
        })
        .flat_map(|f| &f.ways)
        .collect();
    if !told.is_empty() {
        let ok = told.iter().any(|(w, not)| {
            (*w == way && *not == negated) || (way == Way::Flat && *not) || (*w == Way::Flat && negated)
        });
        return Some(if ok { Mark::Confirmed } else { Mark::Contradicted { truth: None } });
    }
    if negated && metrics.is_empty() {
        return None;
    }
    // "rose to 20 %", where only the new side is cited: the old one is there to be looked at.
    if let Some(pair) = with_the_other_side(context, metrics) {
        return Some(if right(pair.before, pair.after) {
            Mark::Confirmed
        } else {
            contradicted(format!(
                "{} to {}",
                written(pair.before, pair.family),
                written(pair.after, pair.family)
            ))
        });
    }
    // From A to B, both in the evidence, and the word agrees with them.
    if against_own_words(context, n, way, negated) == Some(false) && both_there(context, n) {
        return Some(Mark::Confirmed);
    }
    Some(Mark::NotFound)
}

/// The sentence's own `from A to B` next to a direction: whether they disagree.
fn against_own_words(context: &Context<'_>, n: usize, way: Way, negated: bool) -> Option<bool> {
    let (a, b) = own_pair(context, n)?;
    let called = may_be_called(way, a, b, 0.0001);
    Some(if negated { called && way_of(a, b) != Way::Flat } else { !called })
}

/// 99.9 % to 99.5 %: little by itself, much by what is missing to 100 %.
fn complements(metrics: &[Metric], way: Way, before: f64, after: f64, least: f64) -> bool {
    let share = |v: f64| (0.5..=1.0).contains(&v);
    metrics.contains(&Metric::Success)
        && share(before)
        && share(after)
        && may_be_called(way, 1.0 - after, 1.0 - before, least)
        && way != Way::Flat
}

fn own_pair(context: &Context<'_>, n: usize) -> Option<(f64, f64)> {
    let mentions = &context.reading.mentions;
    let next = context.joined.iter().filter(|(a, b)| *a.min(b) > n).min_by_key(|(a, b)| *a.min(b))?;
    let first = next.0.min(next.1);
    let between = (n + 1..first).any(|m| matches!(mentions[m].what, What::Direction(..)));
    let clear = context
        .reading
        .tokens
        .get(mentions[n].at.end..mentions[first].at.start)?
        .iter()
        .all(|t| ![";", "."].contains(&t.low.as_str()));
    let value = |m: usize| match &mentions[m].what {
        What::Number { quantity, .. } => Some((quantity.canonical(), quantity.family)),
        _ => None,
    };
    let ((a, f), (b, g)) = (value(next.0)?, value(next.1)?);
    let mixed = f != g && f == Family::Bare;
    (!between && clear && !mixed).then_some((a, b))
}

fn both_there(context: &Context<'_>, n: usize) -> bool {
    let Some((a, b)) = own_pair(context, n) else { return false };
    let there = |v: f64| context.offers().any(|(_, o)| (o.canonical - v).abs() <= v.abs() * 0.02 + 1e-9);
    there(a) || there(b)
}

/// Whether something that became `ratio` of itself may be said to have doubled (`factor` 2), nearly or more than.
fn times(context: &Context<'_>, n: usize, ratio: f64, factor: f64) -> bool {
    let at = context.reading.mentions[n].at.start;
    let prior = |back: usize| {
        at.checked_sub(back).and_then(|t| context.reading.tokens.get(t)).map_or("", |t| t.low.as_str())
    };
    let (most, least) = (factor.max(1.0 / factor), ratio.max(1.0 / ratio));
    let same_way = (factor > 1.0) == (ratio > 1.0);
    match (prior(2), prior(1)) {
        ("more", "than") => same_way && least >= most * 0.99 && least <= most * 5.0,
        (_, "almost" | "nearly") => same_way && least >= most * 0.75 && least <= most * 1.05,
        _ => (ratio / factor - 1.0).abs() <= 0.15,
    }
}

fn by_change_items(
    context: &Context<'_>,
    n: usize,
    offers: &[(&Fact, &Offer)],
    (way, factor): (Way, Option<f64>),
    negated: bool,
    least: f64,
) -> Option<Mark> {
    let changes: Vec<&Offer> = offers.iter().filter(|(_, o)| o.change && o.value).map(|(_, o)| *o).collect();
    let first = changes.first()?;
    let ok = changes.iter().any(|o| {
        let v = o.canonical;
        // A multiple counts from 1, a difference from 0.
        let ratio = match o.family {
            Family::Multiple => v,
            Family::Ratio => 1.0 + v,
            _ if v == 0.0 => 1.0,
            _ => 1.0 + v.signum(),
        };
        let called = may_be_called(way, 1.0, ratio, least);
        let times = factor.is_none_or(|f| times(context, n, ratio, f));
        if negated { !called || (ratio - 1.0).abs() < 0.02 } else { called && times }
    });
    Some(if ok { Mark::Confirmed } else { contradicted(written(first.canonical, first.family)) })
}

/// Marks `rose by 20 %`, `tenfold`, `3x higher`; `None` if nothing tells a difference.
pub(super) fn change(context: &Context<'_>, n: usize, said: &Quantity) -> Option<Mark> {
    let metrics = context.about(n);
    let offers = relevant(context, &metrics);
    let direct = offers.iter().filter(|(_, o)| o.change && o.value);
    // A minus sign is a claim of its own; without one the word beside it says which way.
    let signed = said.value < 0.0;
    let mut told = None;
    let way = way_beside(context, n);
    let wrong_way = |after: f64, before: f64| match way {
        Some(Way::Up) => after < before,
        Some(_) => after > before,
        None => false,
    };
    for (_, o) in direct {
        let (ratio, one) = if o.family == Family::Multiple { (o.canonical, 1.0) } else { (o.canonical, 0.0) };
        if wrong_way(ratio, one) {
            told = told.or(Some(if o.family == said.family { ratio } else { ratio - one }));
            continue;
        }
        let values: Vec<f64> = match (said.family, o.family) {
            (Family::Ratio, Family::Multiple) => vec![o.canonical - 1.0, 1.0 - o.canonical],
            (Family::Multiple, Family::Ratio) => vec![1.0 + o.canonical, o.canonical],
            (a, b) if a == b => vec![o.canonical, -o.canonical],
            _ => continue,
        };
        let values = &values[..if signed { 1 } else { values.len() }];
        if values.iter().any(|v| said.says(*v)) {
            return Some(Mark::Confirmed);
        }
        told = told.or(values.first().copied());
    }
    for pair in pairs(&offers) {
        let (a, b) = (pair.before, pair.after);
        if wrong_way(b, a) {
            told = told.or((a != 0.0).then_some(if said.family == Family::Multiple {
                b / a
            } else {
                (b - a) / a
            }));
            continue;
        }
        let mut values: Vec<f64> = Vec::new();
        match said.family {
            Family::Ratio if a != 0.0 && signed => values.push((b - a) / a),
            _ if signed => {}
            Family::Ratio if a != 0.0 => values.extend([(b - a) / a, (a - b) / a]),
            Family::Multiple if a != 0.0 && b != 0.0 => values.extend([b / a, a / b]),
            _ => {}
        }
        if pair.family == said.family && signed {
            values.push(b - a);
        } else if pair.family == said.family {
            values.extend([(b - a).abs(), b, a]);
        }
        if values.iter().any(|v| said.says(*v))
            || (said.family == Family::Multiple && values.first().is_some_and(|v| near(said, *v)))
        {
            return Some(Mark::Confirmed);
        }
        told = told.or(values.first().copied());
    }
    let factor = said.family == Family::Multiple && said.change && !said.threshold && said.bound.is_none();
    if factor && times_the_limit(context, said) {
        return Some(Mark::Confirmed);
    }
    told.map(|v| contradicted(written(v, said.family)))
}

/// "exceeds the threshold by a factor of 2.3": a measurement over a limit.
fn times_the_limit(context: &Context<'_>, said: &Quantity) -> bool {
    let limits: Vec<&Offer> = context
        .offers()
        .filter(|(_, o)| o.threshold && o.value && o.canonical > 0.0)
        .map(|(_, o)| o)
        .collect();
    context
        .offers()
        .filter(|(_, o)| o.value && !o.threshold)
        .any(|(_, o)| limits.iter().any(|l| l.family == o.family && said.says(o.canonical / l.canonical)))
}

/// The way that a word beside a difference says: `3 % up`, `down by a fifth`.
fn way_beside(context: &Context<'_>, n: usize) -> Option<Way> {
    let mentions = &context.reading.mentions;
    let at = &mentions[n].at;
    // A direction that is a claim of its own is marked as such.
    let told = mentions.iter().any(|m| {
        matches!(m.what, What::Direction(..)) && m.at.end + 2 >= at.start && m.at.start <= at.end + 1
    });
    if told {
        return None;
    }
    let low = |t: Option<usize>| t.and_then(|t| context.reading.tokens.get(t)).map_or("", |t| t.low.as_str());
    let way = |w: &str| match w {
        "up" => Some(Way::Up),
        "down" => Some(Way::Down),
        _ => None,
    };
    let back = |b: usize| at.start.checked_sub(b);
    // "up to 5 %" is a bound.
    let behind = low(Some(at.end + 1));
    // "5 % below normal": of what was before.
    let normal =
        ["normal", "usual", "baseline", "average", "before", "ordinary", "typical"].contains(&behind);
    let level = match low(Some(at.end)) {
        "above" if normal => Some(Way::Up),
        "below" if normal => Some(Way::Down),
        _ => None,
    };
    let next = level.or_else(|| way(low(Some(at.end))).filter(|_| behind != "to"));
    next.or_else(|| way(low(back(1)))).or_else(|| {
        ["by", "about", "some", "roughly", "around", "only", "just", "merely", "barely"]
            .contains(&low(back(1)))
            .then(|| way(low(back(2))))
            .flatten()
    })
}

/// Multiples of measured numbers are said roughly: 4990x is "5000x", 2.9 "tripled".
fn near(said: &Quantity, v: f64) -> bool {
    (said.value * said.scale / v - 1.0).abs() <= 0.06
}

/// Marks `higher than before`, `above the threshold`, `no higher than`; `None` if it cannot be told what is compared.
pub(super) fn compare(context: &Context<'_>, n: usize, over: bool) -> Option<Mark> {
    let mark = compared(context, n, over)?;
    let at = context.reading.mentions[n].at.start;
    let not = (1..3).filter_map(|b| context.reading.tokens.get(at.checked_sub(b)?)).any(|t| {
        t.among(&["no", "not", "never", "hardly", "neither", "nor"])
            || ["n't", "n’t"].iter().any(|e| t.low.ends_with(e))
    });
    Some(match mark {
        Mark::Confirmed if not => Mark::Contradicted { truth: None },
        Mark::Contradicted { .. } if not => Mark::Confirmed,
        other => other,
    })
}

fn compared(context: &Context<'_>, n: usize, over: bool) -> Option<Mark> {
    let mention = &context.reading.mentions[n];
    let low = |t: usize| context.reading.tokens.get(t).map_or("", |t| t.low.as_str());
    let metrics = context.about(n);
    let than =
        (mention.at.end..mention.at.end + 9).find(|t| low(*t) == "than").map_or(mention.at.end, |t| t + 1);
    let right: Vec<&str> = (than..than + 5).map(low).take_while(|w| ![",", ";", "."].contains(w)).collect();
    let limit = right.iter().any(|w| words::LIMITS.contains(w) || *w == "budget");
    let offers = relevant(context, &metrics);
    if limit {
        let bounds: Vec<&Offer> = context.offers().filter(|(_, o)| o.threshold).map(|(_, o)| o).collect();
        let values: Vec<&Offer> =
            offers.iter().filter(|(_, o)| !o.threshold && o.value).map(|(_, o)| *o).collect();
        let told: Vec<bool> = bounds
            .iter()
            .flat_map(|b| {
                values
                    .iter()
                    .filter(|v| v.family == b.family)
                    .map(move |v| (v.canonical > b.canonical) == over)
            })
            .collect();
        return Some(match told.as_slice() {
            [] => Mark::NotFound,
            list if list.contains(&true) => Mark::Confirmed,
            _ => bounds
                .first()
                .map_or(Mark::Contradicted { truth: None }, |b| contradicted(written(b.canonical, b.family))),
        });
    }
    let before = right.iter().any(|w| {
        [
            "before",
            "previously",
            "baseline",
            "old",
            "previous",
            "usual",
            "normal",
            "earlier",
            "ago",
            "yesterday",
            "last",
        ]
        .contains(w)
    });
    let after = right.iter().any(|w| ["after", "now", "new"].contains(w));
    if !before && !after {
        return compare_subjects(context, n, over).or_else(|| compare_speeds(context, n, than, over));
    }
    let found = pairs(&offers);
    if found.is_empty() {
        let changed = by_change_items(
            context,
            n,
            &offers,
            (if over == before { Way::Up } else { Way::Down }, None),
            false,
            0.01,
        );
        return Some(changed.unwrap_or(Mark::NotFound));
    }
    let ok = found
        .iter()
        .any(|p| if before { (p.after > p.before) == over } else { (p.before > p.after) == over });
    let pair = &found[0];
    let truth = || format!("{} to {}", written(pair.before, pair.family), written(pair.after, pair.family));
    Some(if ok { Mark::Confirmed } else { contradicted(truth()) })
}

/// "The fast burn is lower than the slow one": the shortest window against the longest.
fn compare_speeds(context: &Context<'_>, n: usize, than: usize, over: bool) -> Option<Mark> {
    let tokens = &context.reading.tokens;
    let size = |t: usize| match tokens[t].low.split('-').next() {
        Some("fast" | "short") => Some(true),
        Some("slow" | "long") => Some(false),
        _ => None,
    };
    let left = (0..context.reading.mentions[n].at.start).rev().find_map(size);
    let right = (than..tokens.len().min(than + 5)).find_map(size);
    let (Some(left), Some(right)) = (left, right) else { return None };
    let mut burns: Vec<(f64, f64)> = context
        .offers()
        .filter(|(_, o)| o.family == Family::Multiple && !o.change && !o.threshold)
        .filter_map(|(_, o)| Some((*o.windows.first()?, o.canonical)))
        .collect();
    burns.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (short, long) = (burns.first()?, burns.last()?);
    if left == right || short.0 >= long.0 {
        return None;
    }
    let (a, b) = if left { (short.1, long.1) } else { (long.1, short.1) };
    Some(if (a > b) == over { Mark::Confirmed } else { Mark::Contradicted { truth: None } })
}

/// `higher than payments`, `worse than revision 6`: the item of what stands on each side.
fn compare_subjects(context: &Context<'_>, n: usize, over: bool) -> Option<Mark> {
    let mentions = &context.reading.mentions;
    let named = |m: usize, f: &Fact| match &mentions[m].what {
        What::Name(name) => context.has_name(f, name),
        What::Revision(r) => !f.revisions.is_empty() && f.revisions.iter().all(|x| x == r),
        What::Number { quantity, .. } => f.windows.iter().any(|w| quantity.is_window(*w)),
        _ => false,
    };
    // "over 6h than over 1h": two windows are compared where two are named.
    let windows = (0..mentions.len())
        .filter(|m| matches!(mentions[*m].what, What::Number { window: true, .. }))
        .count();
    let is = |m: &usize| match mentions[*m].what {
        What::Number { window: true, .. } => windows == 2,
        What::Name(_) | What::Revision(_) => windows != 2,
        _ => false,
    };
    // "lower on revision 18 than on revision 17" has both behind it.
    let than = (mentions[n].at.start..context.reading.tokens.len())
        .find(|t| context.reading.tokens[*t].is("than"))?;
    let left = (0..mentions.len()).rev().filter(|m| mentions[*m].at.end <= than).find(is)?;
    let right = (0..mentions.len()).filter(|m| mentions[*m].at.start > than).find(is)?;
    let of = |m: usize| {
        context
            .offers()
            .filter(move |(f, o)| {
                (o.value || o.role.is_some_and(|r| r.side == Side::After)) && !o.change && named(m, f)
            })
            .map(|(_, o)| o)
            .collect::<Vec<_>>()
    };
    let (a, b) = (of(left), of(right));
    let told: Vec<bool> = a
        .iter()
        .flat_map(|x| {
            b.iter()
                .filter(|y| y.family == x.family && y.item != x.item)
                .map(move |y| (x.canonical > y.canonical) == over)
        })
        .collect();
    match told.as_slice() {
        [] => None,
        list if list.contains(&true) => Some(Mark::Confirmed),
        _ => Some(Mark::Contradicted { truth: None }),
    }
}

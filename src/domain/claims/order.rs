//! What came first: `before` and `after` between events, lengths of time between two times, and what happened at one.

use super::Mark;
use super::check::{Context, contradicted, near_event};
use super::extract::What;
use super::facts::Moment;
use super::place;
use super::quantity::{Bound, Family, Quantity};
use super::words::{self, Event};

/// The event that a clock time in the sentence is said of: the nearest word for one in its clause, before it first.
pub(super) fn event_of_clock(context: &Context<'_>, n: usize) -> Option<Event> {
    let at = context.reading.mentions[n].at.clone();
    let clause = place::clause_of(context.reading, at.start);
    let others = context
        .reading
        .mentions
        .iter()
        .enumerate()
        .filter(|(m, o)| *m != n && matches!(o.what, What::Clock(..)) && clause.contains(&o.at.start))
        .count();
    let order =
        context.reading.mentions.iter().any(|m| {
            matches!(m.what, What::Order(_)) && clause.contains(&m.at.start) && m.at.end + 1 < at.start
        });
    if let Some(event) = event_of_two(context, n) {
        return Some(event);
    }
    if others > 0 || order {
        return None;
    }
    let events: Vec<Event> = clause
        .clone()
        .filter_map(|t| words::event(&context.reading.tokens.get(t)?.low))
        .map(Event::change)
        .collect();
    let mut kinds = events.clone();
    kinds.sort();
    kinds.dedup();
    match kinds.as_slice() {
        [one] => Some(*one),
        _ => None,
    }
}

/// "The errors, seen at 12:27, followed the change at 12:26": of two times, each has one kind of event before it.
fn event_of_two(context: &Context<'_>, n: usize) -> Option<Event> {
    let mentions = &context.reading.mentions;
    let clocks: Vec<usize> =
        (0..mentions.len()).filter(|m| matches!(mentions[*m].what, What::Clock(..))).collect();
    let [first, second] = clocks[..] else { return None };
    let of = |range: std::ops::Range<usize>| {
        let mut kinds: Vec<Event> =
            range.filter_map(|t| words::event(&context.reading.tokens[t].low)).map(Event::change).collect();
        kinds.sort();
        kinds.dedup();
        if let [one] = kinds[..] { Some(one) } else { None }
    };
    let (a, b) = (&mentions[first].at, &mentions[second].at);
    // What follows the second time could be its own event as well.
    let behind =
        (b.end..context.reading.tokens.len()).any(|t| words::event(&context.reading.tokens[t].low).is_some());
    let (one, two) = (of(0..a.start)?, of(a.end..b.start)?);
    (one != two && !behind).then_some(if n == first { one } else { two })
}

/// Differences between the times that the cited items give, seconds.
fn differences(context: &Context<'_>) -> Vec<f64> {
    let moments: Vec<_> = context.cited.iter().flat_map(|f| &f.moments).collect();
    let mut out = Vec::new();
    for (n, a) in moments.iter().enumerate() {
        for b in &moments[n + 1..] {
            let off = f64::from(a.second.abs_diff(b.second));
            if off > 0.0 {
                out.push(off.min(86_400.0 - off));
            }
            // Where one of the two is known to the minute only, so is the length between them.
            let minutes = 60.0 * f64::from((a.second / 60).abs_diff(b.second / 60));
            if a.exact != b.exact && minutes > 0.0 {
                out.push(minutes.min(86_400.0 - minutes));
            }
        }
    }
    out
}

/// A length of time that no item gives, between two times that items do give.
pub(super) fn length(context: &Context<'_>, said: &Quantity) -> Option<Mark> {
    let told = differences(context);
    let windows = || context.cited.iter().flat_map(|f| f.windows.iter().copied());
    let within = |t: f64| said.bound == Some(Bound::Under) && !said.close && t <= said.canonical();
    if told.iter().any(|t| said.says(*t) || within(*t)) || windows().any(|w| said.says(w)) {
        return Some(Mark::Confirmed);
    }
    let first = *told.first()?;
    let latency = said.scale < 1.0;
    (!latency && !context.offers().any(|(_, o)| o.family == Family::Time))
        .then(|| contradicted(crate::domain::format::seconds(first)))
}

/// Marks `before` and `after` between two events; `None` where the evidence orders none such.
pub(super) fn mark(context: &Context<'_>, n: usize, before: bool) -> Option<Mark> {
    let reading = context.reading;
    let at = reading.mentions[n].at.clone();
    if let Some(mark) = of_number(context, n, before) {
        return Some(mark);
    }
    let stop = |t: &usize| ![",", ";", "."].contains(&reading.tokens[*t].low.as_str());
    let right = near_event(reading, (at.end..reading.tokens.len()).take_while(stop));
    let left = near_event(reading, (0..at.start).rev().take_while(|t| reading.tokens[*t].low != ";"));
    // "After revision 7 went out, errors rose": what follows the comma is the left side.
    let (left, right) = match (left, right) {
        (None, Some(right)) => {
            let comma = (at.end..reading.tokens.len()).find(|t| reading.tokens[*t].low == ",")?;
            (near_event(reading, comma..reading.tokens.len())?, right)
        }
        (Some(left), Some(right)) => (left, right),
        _ => return None,
    };
    if left == right {
        return None;
    }
    let said = if before { (left, right) } else { (right, left) };
    let mut orders: Vec<(Event, Event)> =
        context.cited.iter().flat_map(|f| f.order.iter().copied()).collect();
    let moments: Vec<(Event, &Moment)> =
        context.cited.iter().flat_map(|f| &f.moments).filter_map(|m| Some((m.event?, m))).collect();
    // To the minute where one of the two is known to the minute only.
    let earlier = |a: &Moment, b: &Moment| {
        if a.exact && b.exact { a.second < b.second } else { a.second / 60 < b.second / 60 }
    };
    for (e, s) in &moments {
        orders.extend(moments.iter().filter(|(f, t)| f != e && earlier(s, t)).map(|(f, _)| (*e, *f)));
    }
    let told = |orders: &[(Event, Event)], said: (Event, Event)| {
        if orders.contains(&said) {
            Some(Mark::Confirmed)
        } else if orders.contains(&(said.1, said.0)) {
            Some(contradicted(if before { "after" } else { "before" }))
        } else {
            None
        }
    };
    // An edit is a change too, where nothing tells the two apart.
    told(&orders, said).or_else(|| {
        let same: Vec<(Event, Event)> = orders.iter().map(|(a, b)| (a.change(), b.change())).collect();
        let said = (said.0.change(), said.1.change());
        (said.0 != said.1).then(|| told(&same, said)).flatten()
    })
}

/// A role word beside a number whose value is of the other side.
fn of_number(context: &Context<'_>, n: usize, before: bool) -> Option<Mark> {
    let at = context.reading.mentions[n].at.clone();
    let mentions = &context.reading.mentions;
    let close = (0..n).rev().find(|m| place::is_level(&mentions[*m]) && at.start - mentions[*m].at.end < 4);
    // "After revision 7 the rate was 99.8 %": the number that the word leads to.
    let led = (n + 1..mentions.len())
        .take_while(|m| !matches!(mentions[*m].what, What::Order(_)))
        .find(|m| place::is_level(&mentions[*m]));
    let number = close.or(led)?;
    let role = context.roles[number].filter(|r| !r.pair)?;
    let What::Number { quantity, .. } = &mentions[number].what else { return None };
    let side = if before { place::Side::Before } else { place::Side::After };
    if role.side != side {
        return None;
    }
    let told: Vec<place::Role> = context
        .offers()
        .filter(|(f, o)| super::amount::fits(quantity, o, &[], &f.metrics) == Some(true))
        .filter_map(|(f, o)| o.role.or(f.role))
        .collect();
    let wrong = !told.is_empty() && told.iter().all(|r| role.opposes(r));
    if wrong {
        return Some(contradicted(if before { "after" } else { "before" }));
    }
    told.iter().any(|r| r.side == side).then_some(Mark::Confirmed)
}

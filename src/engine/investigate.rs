//! What to ask Prometheus about an SLO under study, when, and what has been answered. At most 8 queries an inquiry,
//! at most one inquiry every 15 s; the slow questions (a week's history) come every five minutes.

use std::collections::BTreeMap;

use chrono::TimeDelta;

use crate::domain::Time;
use crate::domain::clean::Clean;
use crate::domain::inquiry::{
    Ask, Bucket, Finding, Findings, Inquiry, MOST_QUERIES, PodCounts, PodServed, Purpose, Sent, Topic,
};
use crate::domain::latency::{Durations, Found, Histogram};
use crate::domain::slo::SloId;
use crate::domain::window::Window;

/// Between two inquiries about one SLO.
const EVERY: i64 = 15;
/// Between two inquiries about one that is only looked at.
const QUIET_EVERY: i64 = 60;
/// Between two readings of the long past.
const HISTORY_EVERY: i64 = 300;
/// Between two readings of the past that is looked at.
const PAST_EVERY: i64 = 60;
/// Points of a past.
const PAST_STEPS: u64 = 240;
/// Steps of durations over the past that is looked at.
const DURATION_STEPS: u64 = 120;
/// Between two readings of durations.
const DURATIONS_EVERY: i64 = 30;
/// Between two searches for a histogram.
const HISTOGRAM_EVERY: i64 = 1_800;
/// How far back the budget is shown, and at which resolution.
pub const BUDGET_PAST: Window = Window::days(7);
const BUDGET_STEP: Window = Window::hours(1);
/// Between two readings of it, and of the requests of the whole period.
const BUDGET_EVERY: i64 = 600;
/// An inquiry that was not answered by then is given up.
const GIVE_UP: i64 = 60;
/// Resolution of the question when a pod served.
pub const SERVED_STEP: Window = Window::minutes(5);
/// How far back a revision's counts are looked for.
pub const HISTORY: Window = Window::days(7);
/// The same after the server could not do that.
const SHORTER_HISTORY: Window = Window::days(1);
/// Samples of an interval that ended less than this ago may still come.
const LATE: i64 = 60;

/// An answer and when the question was put.
#[derive(Clone, PartialEq, Debug)]
pub struct Answered<T> {
    /// The answer.
    pub data: T,
    /// Begin of what it covers.
    pub from: Time,
    /// End of what it covers; its age counts from here.
    pub to: Time,
    /// The server warned that a part of it is missing.
    pub partial: Option<Clean>,
}

/// When something was asked for that is asked for now and then, and whether it was answered since.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Asked {
    at: Time,
    /// Length of what was asked about.
    of: Window,
}

/// Error ratios, each of the step that ends then.
pub type Past = Vec<(Time, f64)>;

/// What is known of one SLO beyond its recorded series.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Study {
    /// Number and time of the inquiry under way.
    pub pending: Option<(u64, Time)>,
    /// When the last inquiry was sent.
    pub asked: Option<Time>,
    /// When the long past was asked for.
    pub history_asked: Option<Time>,
    /// The last question about it failed: the next one asks for less.
    pub history_failed: bool,
    /// Scrape interval of the counters.
    pub scrape: Option<Window>,
    /// Counts by time, and the length of a bucket.
    pub buckets: Option<Answered<(Vec<Bucket>, Window)>>,
    /// Counts by pod since the change under suspicion.
    pub since_change: Option<Answered<Vec<PodCounts>>>,
    /// Counts by pod over [`HISTORY`].
    pub history: Option<Answered<Vec<PodCounts>>>,
    /// Serving stretches by pod.
    pub served: Option<Answered<Vec<PodServed>>>,
    /// Counts since the end of our own rollout.
    pub verify: Option<Answered<Vec<PodCounts>>>,
    /// Requests of the last moment, while our own rollout is verified: do any come still?
    pub newest: Option<Answered<f64>>,
    /// Counts of intervals, for series without pod labels.
    pub intervals: Vec<Answered<PodCounts>>,
    /// Error ratios of a long past for the chart, and the length of a step.
    pub past: Option<Answered<(Past, Window)>>,
    /// When the last past was asked for, and how long it is.
    pub past_asked: Option<(Window, Time)>,
    /// The histogram that tells how long requests take, or why there is none.
    pub histogram: Option<Answered<Found>>,
    /// Requests by how long they took, and the length of a step.
    pub durations: Option<Answered<(Durations, Window)>>,
    /// What was left of the budget over [`BUDGET_PAST`].
    pub budget_left: Option<Answered<Vec<(Time, f64)>>>,
    /// All requests of the budget's period; `None` inside where the counters do not reach back so far.
    pub period: Option<Answered<Option<f64>>>,
    /// The queries behind what is known, by what was asked, as they were sent last.
    pub sent: BTreeMap<Topic, Vec<Sent>>,
    /// When the counts were asked for.
    counted: Option<Time>,
    /// When what is asked for only now and then was asked for.
    rare: BTreeMap<Topic, Asked>,
    /// Last error, by what was asked.
    pub errors: Vec<Clean>,
    /// The scrape interval was asked for, before anything else.
    pub primed: bool,
    /// The first inquiry was answered.
    pub complete: bool,
    /// Queries of the last inquiry.
    pub queries: usize,
}

/// What an inquiry should look at.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Focus {
    /// Begin of the change under suspicion.
    pub change: Option<Time>,
    /// End of our own rollout, while it is being verified.
    pub verify_from: Option<Time>,
    /// Intervals to count by time, because the series tell no pods.
    pub intervals: Vec<(Time, Time)>,
    /// The past that a person looks at.
    pub past: Option<Window>,
    /// It does not burn: it is asked about for its chart.
    pub quiet: bool,
    /// A person looks at it, over this range of the chart.
    pub looked_at: Option<Look>,
}

/// What a person who looks at an SLO sees of it beyond its counts.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Look {
    /// The range of the chart.
    pub range: Window,
    /// The period of its budget, where known.
    pub period: Option<Window>,
    /// The chart shows durations: they are not waited for.
    pub durations: bool,
}

impl Study {
    /// The next inquiry, if one is due.
    pub fn next(&mut self, slo: &SloId, focus: &Focus, number: u64, now: Time) -> Option<Inquiry> {
        if !self.due(focus, now) {
            return None;
        }
        self.pending = Some((number, now));
        if !self.primed {
            // The length of a bucket follows from it: without it, the first onset would be a minute too early.
            self.primed = true;
            let mut asks = vec![Ask::Scrape];
            if focus.quiet && focus.looked_at.is_some() {
                // Nobody waits for the other counts, and what is asked next depends on it.
                asks.push(Ask::Histogram { native: false });
                self.rare.insert(Topic::Histogram, Asked { at: now, of: look_up() });
            }
            return Some(Inquiry { number, slo: slo.clone(), asks });
        }
        let full = self.is_full(focus, now);
        let asks = self.asks(focus, full, now);
        self.asked = Some(now);
        if full {
            self.counted = Some(now);
        }
        if asks.is_empty() {
            self.pending = None;
            return None;
        }
        Some(Inquiry { number, slo: slo.clone(), asks })
    }

    /// The same for an SLO that cannot be counted: its chart is all that can be asked for.
    pub fn next_past(&mut self, slo: &SloId, focus: &Focus, number: u64, now: Time) -> Option<Inquiry> {
        let past = self.ask_past(focus, now);
        let looks = self.looks(focus, now).into_iter();
        let recorded: Vec<_> = looks.filter(|(ask, _)| ask.topic() == Topic::BudgetLeft).collect();
        if !self.due(focus, now) || (past.is_none() && recorded.is_empty()) {
            return None;
        }
        self.pending = Some((number, now));
        self.asked = Some(now);
        if past.is_some() {
            self.past_asked = focus.past.map(|window| (window, now));
        }
        self.rare.extend(recorded.iter().map(|(ask, asked)| (ask.topic(), *asked)));
        let asks = past.into_iter().chain(recorded.into_iter().map(|(ask, _)| ask)).collect();
        Some(Inquiry { number, slo: slo.clone(), asks })
    }

    fn due(&self, focus: &Focus, now: Time) -> bool {
        let waits = self.pending.is_some_and(|(_, sent)| (now - sent).num_seconds() < GIVE_UP);
        // Of a quiet SLO nobody waits for the counts, but whoever turns to another past waits for that.
        let turned = focus.past.is_some_and(|past| self.past_asked.is_none_or(|(of, _)| of != past))
            || self.turned_to_durations(focus);
        let behind = focus.looked_at.is_some() && !self.rare.contains_key(&Topic::BudgetLeft);
        let every = if focus.quiet && !turned && !behind { QUIET_EVERY } else { EVERY };
        !waits && self.asked.is_none_or(|asked| (now - asked).num_seconds() >= every)
    }

    /// The counts are due too: of what does not burn they are asked for once a minute, whatever else is looked at.
    fn is_full(&self, focus: &Focus, now: Time) -> bool {
        !focus.quiet || self.counted.is_none_or(|at| (now - at).num_seconds() >= QUIET_EVERY)
    }

    /// The question about the past that a person looks at, if it is another one than before or old.
    fn ask_past(&self, focus: &Focus, now: Time) -> Option<Ask> {
        let past = focus.past?;
        let old = |(of, at): (Window, Time)| of != past || (now - at).num_seconds() >= PAST_EVERY;
        let step = Window::from_secs((past.secs() / PAST_STEPS).max(15));
        self.past_asked.is_none_or(old).then(|| Ask::Past { from: now - past.delta(), to: now, step })
    }

    /// The chart shows durations, and those that are known are of another range.
    fn turned_to_durations(&self, focus: &Focus) -> bool {
        let Some(look) = focus.looked_at.filter(|look| look.durations) else { return false };
        let there = self.rare.get(&Topic::Durations).is_some_and(|asked| asked.of == look.range);
        !there && (self.histogram.is_none() || self.classic().is_some())
    }

    /// The histogram, if one can be read.
    pub fn classic(&self) -> Option<&Histogram> {
        match self.histogram.as_ref().map(|answered| &answered.data) {
            Some(Found::Classic(histogram)) => Some(histogram),
            _ => None,
        }
    }

    /// What is asked for only now and then, and only while a person looks: durations, the budget over time, the
    /// requests of its period. The most wanted first; what does not fit into an inquiry goes into the next one.
    fn looks(&self, focus: &Focus, now: Time) -> Vec<(Ask, Asked)> {
        let Some(look) = focus.looked_at else { return Vec::new() };
        let counted = self.complete && (focus.change.is_none() || self.since_change.is_some());
        if !focus.quiet && !counted {
            // A card waits for the counts, and an inquiry is as slow as its slowest answer.
            return Vec::new();
        }
        let mut asks = Vec::new();
        let mut add = |every: i64, of: Window, ask: Ask| {
            let fresh = |a: &Asked| a.of == of && (now - a.at).num_seconds() < every;
            if !self.rare.get(&ask.topic()).is_some_and(fresh) {
                asks.push((ask, Asked { at: now, of }));
            }
        };
        let native = self.histogram.as_ref().is_some_and(|h| h.data == Found::NotClassic);
        add(if native { 0 } else { HISTOGRAM_EVERY }, look_up(), Ask::Histogram { native });
        if let Some(histogram) = self.classic() {
            let least = self.scrape.map_or(60, |scrape| scrape.secs() * 4);
            let step = Window::from_secs((look.range.secs() / DURATION_STEPS).max(least).max(15));
            let (histogram, from) = (histogram.clone(), now - look.range.delta());
            add(DURATIONS_EVERY, look.range, Ask::Durations { histogram, from, to: now, step });
        }
        let from = now - BUDGET_PAST.delta();
        add(BUDGET_EVERY, BUDGET_PAST, Ask::BudgetLeft { from, to: now, step: BUDGET_STEP });
        if let Some(period) = look.period {
            add(BUDGET_EVERY, period, Ask::Period { from: now - period.delta(), to: now });
        }
        asks
    }

    fn asks(&mut self, focus: &Focus, full: bool, now: Time) -> Vec<Ask> {
        let past = self.ask_past(focus, now);
        let looks = self.looks(focus, now);
        let mut asks = Vec::new();
        // The scrape interval was asked for just before the first inquiry.
        let mut queries = if self.asked.is_some() { 0 } else { self.rare.len() + 1 };
        let mut add = |ask: Ask| {
            let fits = queries + ask.queries() <= MOST_QUERIES;
            if fits {
                queries += ask.queries();
                asks.push(ask);
            }
            fits
        };
        let past_due = self.history_asked.is_none_or(|asked| (now - asked).num_seconds() >= HISTORY_EVERY);
        // Asked again now and then: what was learnt of a young service was too long.
        if full && self.asked.is_some() && (self.scrape.is_none() || past_due) {
            add(Ask::Scrape);
        }
        if let Some(from) = focus.verify_from {
            add(Ask::Counts { purpose: Purpose::Verify, from, to: now });
            // There is no room for it beside the past that a person turns to: in turns, then.
            let old = self.newest.as_ref().is_none_or(|newest| (now - newest.to).num_seconds() >= 2 * EVERY);
            if past.is_none() || old {
                add(Ask::Newest { from: now - self.newest_of().delta(), to: now });
            }
        }
        let step = self.step(focus, now);
        let from = bucket_begin(focus, step, now);
        if full {
            add(Ask::Buckets { from, to: now, step });
        }
        if let Some(from) = focus.change {
            // A change of this very second has no samples yet: look at least at one scrape.
            let from = from.min(now - step.delta());
            add(Ask::Counts { purpose: Purpose::SinceChange, from, to: now });
        }
        for (n, (from, to)) in focus.intervals.iter().take(2).enumerate() {
            if self.intervals.iter().any(|i| (i.from, i.to) == (*from, *to) && i.partial.is_none())
                && (now - *to).num_seconds() > LATE + EVERY
            {
                // What is over does not change any more.
                continue;
            }
            add(Ask::Counts { purpose: Purpose::Interval(n as u8), from: *from, to: *to });
        }
        if full && past_due {
            let served = Ask::Served { from: now - Window::days(1).delta(), to: now, step: SERVED_STEP };
            let span = if self.history_failed { SHORTER_HISTORY } else { HISTORY };
            let history = Ask::Counts { purpose: Purpose::History, from: now - span.delta(), to: now };
            if add(history) && add(served) {
                self.history_asked = Some(now);
            }
        }
        if let Some(past) = past
            && add(past)
        {
            self.past_asked = focus.past.map(|window| (window, now));
        }
        for (ask, asked) in looks {
            let topic = ask.topic();
            if add(ask) {
                self.rare.insert(topic, asked);
            }
        }
        self.queries = queries;
        asks
    }

    /// How much of `window` the counters really cover, where the counts reach that far: series may be younger.
    pub fn covered(&self, window: Window) -> Option<TimeDelta> {
        let answered = self.buckets.as_ref()?;
        let (buckets, step) = &answered.data;
        let first = buckets.iter().find(|b| b.total.is_some())?.end - step.delta();
        let reaches = answered.from <= answered.to - window.delta() + step.delta();
        (reaches && first > answered.from + step.delta()).then(|| answered.to - first)
    }

    /// How far back requests count as new: at least two scrapes, or there is nothing to see an increase by.
    fn newest_of(&self) -> Window {
        Window::from_secs(self.scrape.map_or(60, |scrape| scrape.secs() * 5 / 2).max(30))
    }

    /// Length of a bucket: four scrapes, so that an increase over it means something; at most 240 buckets.
    pub fn step(&self, focus: &Focus, now: Time) -> Window {
        let four = self.scrape.map_or(60, |scrape| scrape.secs() * 4);
        let reach = focus.change.map_or(3_600, |change| (now - change).num_seconds().max(0) as u64 + 1_800);
        let least = (reach.clamp(3_600, 21_600)).div_ceil(240);
        Window::from_secs(round_up(four.max(least).max(15)))
    }

    /// Takes the answers of the inquiry that is waited for; late ones of an older inquiry are dropped.
    pub fn take(&mut self, findings: Findings) -> bool {
        if self.pending.is_none_or(|(number, _)| number != findings.number) {
            return false;
        }
        self.pending = None;
        self.complete = self.asked.is_some();
        self.errors.clear();
        let mut sent: BTreeMap<usize, Vec<Sent>> = BTreeMap::new();
        for (n, query) in findings.sent {
            sent.entry(n).or_default().push(query);
        }
        for (n, (ask, answer)) in findings.answers.into_iter().enumerate() {
            let partial = findings.partial.iter().find(|(of, _)| *of == n).map(|(_, why)| why.clone());
            if let Some(sent) = sent.remove(&n) {
                self.sent.insert(ask.topic(), sent);
            }
            match answer {
                Ok(finding) => self.keep(ask, finding, partial),
                Err(why) => {
                    if matches!(ask, Ask::Counts { purpose: Purpose::History, .. }) {
                        self.history_failed = !self.history_failed;
                        // Less may be possible at once; where it is not either, a while later.
                        self.history_asked = self.history_asked.filter(|_| !self.history_failed);
                    }
                    self.errors.push(why);
                }
            }
        }
        true
    }

    /// What the server warned of when it answered what a verdict rests on: a part of the data is missing.
    pub fn partial(&self) -> Option<&Clean> {
        let of = [
            self.buckets.as_ref().and_then(|a| a.partial.as_ref()),
            self.since_change.as_ref().and_then(|a| a.partial.as_ref()),
            self.history.as_ref().and_then(|a| a.partial.as_ref()),
            self.served.as_ref().and_then(|a| a.partial.as_ref()),
        ];
        of.into_iter().flatten().next().or_else(|| self.intervals.iter().find_map(|i| i.partial.as_ref()))
    }

    fn keep(&mut self, ask: Ask, finding: Finding, partial: Option<Clean>) {
        match (ask, finding) {
            (Ask::Scrape, Finding::Scrape(interval)) => self.scrape = interval,
            (Ask::Buckets { from, to, step }, Finding::Buckets(buckets)) => {
                self.buckets = Some(Answered { data: (buckets, step), from, to, partial });
            }
            (Ask::Served { from, to, .. }, Finding::Served(served)) => {
                self.served = Some(Answered { data: served, from, to, partial });
            }
            (Ask::Past { from, to, step }, Finding::Past(ratios)) => {
                self.past = Some(Answered { data: (ratios, step), from, to, partial });
            }
            (Ask::Histogram { .. }, Finding::Histogram(found)) => {
                let (from, to) =
                    self.rare.get(&Topic::Histogram).map_or_else(Default::default, |a| (a.at, a.at));
                self.histogram = Some(Answered { data: found, from, to, partial });
            }
            (Ask::Durations { from, to, step, .. }, Finding::Durations(durations)) => {
                self.durations = Some(Answered { data: (durations, step), from, to, partial });
            }
            (Ask::BudgetLeft { from, to, .. }, Finding::BudgetLeft(left)) => {
                self.budget_left = Some(Answered { data: left, from, to, partial });
            }
            (Ask::Newest { from, to }, Finding::Newest(total)) => {
                self.newest = Some(Answered { data: total, from, to, partial });
            }
            (Ask::Period { from, to }, Finding::Period(total)) => {
                self.period = Some(Answered { data: total, from, to, partial });
            }
            (Ask::Counts { purpose, from, to }, Finding::Counts(data)) => {
                let answered = Answered { data, from, to, partial };
                match purpose {
                    Purpose::SinceChange => self.since_change = Some(answered),
                    Purpose::History => {
                        self.history = Some(answered);
                        self.history_failed = false;
                    }
                    Purpose::Verify => self.verify = Some(answered),
                    Purpose::Interval(_) => self.keep_interval(answered),
                }
            }
            _ => {}
        }
    }

    fn keep_interval(&mut self, answered: Answered<Vec<PodCounts>>) {
        let sum = answered.data.iter().fold(PodCounts::default(), |mut sum, one| {
            sum.bad += one.bad;
            sum.total += one.total;
            sum
        });
        self.intervals.retain(|i| i.from != answered.from);
        let Answered { from, to, partial, .. } = answered;
        self.intervals.push(Answered { data: sum, from, to, partial });
    }
}

/// A search is about no length of time.
fn look_up() -> Window {
    Window::from_secs(0)
}

/// Buckets begin an hour ago, or half an hour before the change where that is earlier; never more than six hours.
fn bucket_begin(focus: &Focus, step: Window, now: Time) -> Time {
    let hour = now - Window::hours(1).delta();
    let before = focus.change.map_or(hour, |change| change - Window::minutes(30).delta());
    let from = before.min(hour).max(now - Window::hours(6).delta());
    // Aligned to the step, so that the buckets of the next inquiry are the same ones.
    let step = step.secs() as i64;
    Time::from_timestamp(from.timestamp() / step * step, 0).unwrap_or(from)
}

fn round_up(seconds: u64) -> u64 {
    [15, 30, 60, 120, 300, 600].into_iter().find(|nice| *nice >= seconds).unwrap_or(600)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_inquiry_never_costs_more_than_eight_queries_and_none_comes_within_15_s() {
        let slo = SloId(Clean::new("s"));
        let mut now = Time::UNIX_EPOCH + Window::days(100).delta();
        let mut study = Study::default();
        let focus = Focus {
            change: Some(now - Window::minutes(3).delta()),
            verify_from: Some(now - Window::minutes(1).delta()),
            intervals: vec![(now, now); 3],
            past: Some(Window::days(7)),
            quiet: false,
            looked_at: Some(Look { range: Window::days(7), period: Some(Window::days(30)), durations: true }),
        };
        let mut number = 0;
        for _ in 0..200 {
            number += 1;
            let Some(inquiry) = study.next(&slo, &focus, number, now) else {
                now += chrono::TimeDelta::seconds(5);
                continue;
            };
            let first = inquiry.asks == [Ask::Scrape];
            let cost = inquiry.asks.iter().map(Ask::queries).sum::<usize>();
            // Together with what was asked just before the first one.
            assert!(cost + usize::from(number == 2) <= MOST_QUERIES);
            let answers = inquiry.asks.into_iter().map(|ask| (ask, Err(Clean::new("down")))).collect();
            assert!(study.take(Findings {
                number,
                slo: slo.clone(),
                answers,
                partial: vec![],
                sent: vec![],
                queries: 8
            }));
            if first {
                assert_eq!((number, study.complete), (1, false));
                continue;
            }
            assert!(study.next(&slo, &focus, number + 1, now + chrono::TimeDelta::seconds(14)).is_none());
        }
    }

    fn inquired(
        study: &mut Study,
        focus: &Focus,
        now: &mut Time,
        answer: impl Fn(&Ask) -> Result<Finding, Clean>,
    ) -> Vec<Ask> {
        let slo = SloId(Clean::new("s"));
        loop {
            *now += chrono::TimeDelta::seconds(5);
            let number = study.pending.map_or(1, |(n, _)| n) + 1;
            let Some(inquiry) = study.next(&slo, focus, number, *now) else { continue };
            let answers = inquiry.asks.iter().map(|ask| (ask.clone(), answer(ask))).collect();
            assert!(study.take(Findings {
                number,
                slo: slo.clone(),
                answers,
                partial: vec![],
                sent: vec![],
                queries: 8
            }));
            return inquiry.asks;
        }
    }

    #[test]
    fn a_past_that_the_server_cannot_count_is_asked_for_again_shorter_and_later_whole() {
        let mut now = Time::UNIX_EPOCH + Window::days(100).delta();
        let mut study = Study::default();
        let focus = Focus { change: Some(now), ..Focus::default() };
        let mut spans = Vec::new();
        for _ in 0..60 {
            let too_much = |ask: &Ask| match ask {
                Ask::Counts { from, to, .. } if *to - *from > Window::days(2).delta() => {
                    Err(Clean::new("too many samples"))
                }
                Ask::Counts { .. } => Ok(Finding::Counts(vec![])),
                _ => Err(Clean::new("down")),
            };
            for ask in inquired(&mut study, &focus, &mut now, too_much) {
                if let Ask::Counts { purpose: Purpose::History, from, to } = ask {
                    spans.push(((to - from).num_days(), now));
                }
            }
        }
        let days: Vec<i64> = spans.iter().map(|(days, _)| *days).collect();
        assert_eq!(days[..4], [7, 1, 7, 1], "{days:?}");
        assert!((spans[1].1 - spans[0].1).num_seconds() <= 20);
        assert!((spans[2].1 - spans[1].1).num_seconds() >= HISTORY_EVERY);
        assert!(study.history.is_some_and(|h| h.to - h.from == SHORTER_HISTORY.delta()));
    }

    #[test]
    fn an_interval_that_is_over_is_counted_once_and_one_that_goes_on_again_and_again() {
        let begin = Time::UNIX_EPOCH + Window::days(100).delta();
        let (mut now, mut study) = (begin, Study::default());
        let at = |seconds: i64| begin + chrono::TimeDelta::seconds(seconds);
        let over = (at(-7_200), at(-3_600));
        let mut asked = Vec::new();
        for n in 0..30 {
            let going_on = (at(-3_600), at(n * 15));
            let focus = Focus { intervals: vec![over, going_on], ..Focus::default() };
            let asks = inquired(&mut study, &focus, &mut now, |ask| match ask {
                Ask::Counts { .. } => Ok(Finding::Counts(vec![])),
                _ => Err(Clean::new("down")),
            });
            asked.extend(asks.into_iter().filter_map(|ask| match ask {
                Ask::Counts { purpose: Purpose::Interval(n), .. } => Some(n),
                _ => None,
            }));
        }
        assert_eq!(asked.iter().filter(|n| **n == 0).count(), 1);
        assert!(asked.iter().filter(|n| **n == 1).count() >= 25, "{asked:?}");
    }

    #[test]
    fn buckets_reach_back_an_hour_or_half_an_hour_before_a_change_and_stay_the_same_ones() {
        let now = Time::UNIX_EPOCH + Window::days(100).delta() + chrono::TimeDelta::seconds(37);
        let aligned = now - chrono::TimeDelta::seconds(37);
        for (change, minutes) in
            [(None, 60), (Some(10), 60), (Some(30), 60), (Some(90), 120), (Some(900), 360)]
        {
            let change = change.map(|minutes| now - Window::minutes(minutes).delta());
            let focus = Focus { change, ..Focus::default() };
            let from = bucket_begin(&focus, Window::minutes(1), now);
            assert_eq!(aligned - from, Window::minutes(minutes).delta(), "{change:?}");
        }
    }

    #[test]
    fn the_first_buckets_have_the_length_that_the_scrape_interval_allows() {
        let slo = SloId(Clean::new("s"));
        let now = Time::UNIX_EPOCH + Window::days(100).delta();
        let mut study = Study::default();
        let first = study.next(&slo, &Focus::default(), 1, now).expect("an inquiry");
        assert_eq!(first.asks, [Ask::Scrape]);
        let answers = vec![(Ask::Scrape, Ok(Finding::Scrape(Some(Window::from_secs(2)))))];
        assert!(study.take(Findings {
            number: 1,
            slo: slo.clone(),
            answers,
            partial: vec![],
            sent: vec![],
            queries: 1
        }));
        let second = study.next(&slo, &Focus::default(), 2, now).expect("at once");
        let step = second.asks.iter().find_map(|ask| match ask {
            Ask::Buckets { step, .. } => Some(*step),
            _ => None,
        });
        assert_eq!(step, Some(Window::from_secs(15)));
    }

    #[test]
    fn a_quiet_slo_is_asked_about_once_a_minute_or_when_another_past_is_looked_at() {
        let slo = SloId(Clean::new("s"));
        let now = Time::UNIX_EPOCH + Window::days(100).delta();
        let mut study = Study { primed: true, ..Study::default() };
        let mut focus = Focus { quiet: true, ..Focus::default() };
        let mut asked = |focus: &Focus, after: i64| {
            let inquiry = study.next(&slo, focus, after as u64, now + TimeDelta::seconds(after));
            study.pending = None;
            inquiry.is_some()
        };
        assert!(asked(&focus, 0));
        assert!(!asked(&focus, 59));
        assert!(asked(&focus, 60));
        focus.past = Some(Window::days(7));
        assert!(!asked(&focus, 74));
        assert!(asked(&focus, 75));
        assert!(!asked(&focus, 90), "the same past is there");
    }

    #[test]
    fn a_late_answer_of_an_older_inquiry_is_dropped() {
        let slo = SloId(Clean::new("s"));
        let now = Time::UNIX_EPOCH + Window::days(100).delta();
        let mut study = Study::default();
        study.next(&slo, &Focus::default(), 1, now);
        let later = now + chrono::TimeDelta::seconds(GIVE_UP);
        study.next(&slo, &Focus::default(), 2, later);
        assert!(!study.take(Findings {
            number: 1,
            slo: slo.clone(),
            answers: vec![],
            partial: vec![],
            sent: vec![],
            queries: 0
        }));
        assert!(study.take(Findings {
            number: 2,
            slo,
            answers: vec![],
            partial: vec![],
            sent: vec![],
            queries: 0
        }));
    }
}

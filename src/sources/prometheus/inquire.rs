//! Answers the engine's questions about one SLO: each is translated into PromQL by the SLI's own expression, and what
//! comes back is counts. At most four queries are under way at a time; a question that fails says why, beside the
//! others that did not.

mod histogram;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use chrono::TimeDelta;
use futures_util::future::join_all;
use tokio::sync::Semaphore;

use super::answer::{Labels, Range, Series};
use super::client::Client;
use super::error::PromError;
use super::rules::{RATIO, REMAINING};
use crate::domain::Time;
use crate::domain::clean::Clean;
use crate::domain::inquiry::{
    Ask, Bucket, Finding, Findings, Inquiry, MOST_QUERIES, PodCounts, PodServed, Purpose, Sent,
};
use crate::domain::sli::{Matcher, Op, Selector, SliExpression};
use crate::domain::slo::{Origin, Sli, Slo};
use crate::domain::window::Window;

/// Queries under way at a time.
const IN_FLIGHT: usize = 4;
/// By what counts are split: whichever of the two the series carry tells the revision.
const SPLIT: [&str; 2] = ["pod", "pod_template_hash"];
/// How far back scrapes are counted.
const SCRAPES_OVER: Window = Window::minutes(2);
/// What is asked for when a longer past is too much for the server.
const SHORTER_PAST: Window = Window::days(1);
/// Where the begin of a budget's period is looked for requests.
const REACHES: Window = Window::hours(1);
/// Scrape intervals that people configure, in seconds.
const INTERVALS: [u64; 12] = [1, 2, 5, 10, 15, 20, 30, 45, 60, 90, 120, 300];

/// Clocks that differ by less are the same: comparing them is not more exact.
const SAME_CLOCK: TimeDelta = TimeDelta::seconds(1);

/// Answers all questions of `inquiry`; `now` is the time at which it is put, and nothing later is asked for.
///
/// `clock` is the server's clock minus ours. What our own clock has measured (now, and the end of the rollout from
/// which [`Purpose::Verify`] counts) is asked for in the server's time, else the errors of the rollout itself would be
/// counted where we are behind, and what has not been scraped yet where we are ahead. Times of a change are the API
/// server's and stay as they are. The questions come back as they were put.
///
/// Where the past of [`Purpose::History`] is too much for the server, a day of it is asked for instead, if the inquiry
/// may cost so much more; the question beside the answer then says so by its `from`.
pub async fn answer(client: &Client, slo: &Slo, inquiry: Inquiry, now: Time, clock: TimeDelta) -> Findings {
    let ahead = if clock.abs() > SAME_CLOCK { clock } else { TimeDelta::zero() };
    let now = now + ahead;
    let sli = match &slo.sli {
        Sli::Understood(sli) => Ok(sli.as_ref()),
        Sli::NotUnderstood(why) => Err(Clean::new(format!("requests cannot be counted: {why}"))),
        Sli::Unknown => Err(Clean::new(
            "requests cannot be counted: the recording rule of the SLI was not found; hint: its expression is read \
             from /api/v1/rules, or from a file named under [[slo]]",
        )),
    };
    let cost: usize = inquiry.asks.iter().map(Ask::queries).sum();
    let room = MOST_QUERIES.saturating_sub(cost);
    let permits = &Semaphore::new(IN_FLIGHT);
    let answered =
        join_all(inquiry.asks.into_iter().map(|ask| {
            let told = Mutex::default();
            let asking = Asking { client, slo, sli: sli.clone(), now, ahead, room, permits, told };
            async move {
                (asking.one(ask).await, asking.told.into_inner().unwrap_or_else(PoisonError::into_inner))
            }
        }))
        .await;
    let mut findings = Findings {
        number: inquiry.number,
        slo: inquiry.slo,
        answers: Vec::new(),
        partial: Vec::new(),
        sent: Vec::new(),
        queries: 0,
    };
    for (n, ((ask, finding, queries), told)) in answered.into_iter().enumerate() {
        findings.answers.push((ask, finding));
        findings.partial.extend(told.warned.into_iter().map(|why| (n, why)));
        findings.sent.extend(told.sent.into_iter().map(|sent| (n, sent)));
        findings.queries += queries;
    }
    findings
}

/// One question on its way.
struct Asking<'a> {
    client: &'a Client,
    slo: &'a Slo,
    sli: Result<&'a SliExpression, Clean>,
    /// The server's time at which it is asked.
    now: Time,
    /// The server's clock minus ours, where they differ.
    ahead: TimeDelta,
    /// Queries that the inquiry may cost beside those of its questions.
    room: usize,
    permits: &'a Semaphore,
    told: Mutex<Told>,
}

/// What is to be told of a question beside its answer.
#[derive(Default)]
struct Told {
    /// What the server warned of in its answers.
    warned: BTreeSet<Clean>,
    /// The queries as they were sent.
    sent: Vec<Sent>,
}

type Found = Result<Finding, PromError>;

/// The window of an increase from `from` to `to`: a second at the least.
fn lasting(from: Time, to: Time) -> Window {
    Window::from_secs(u64::try_from((to - from).num_seconds()).unwrap_or(0).max(1))
}

impl Asking<'_> {
    /// A question as it was answered, its answer, and the queries that it took.
    async fn one(&self, ask: Ask) -> (Ask, Result<Finding, Clean>, usize) {
        let (ask, found, queries) = match (&ask, &self.sli) {
            (Ask::Past { from, to, step }, _) if self.slo.origin == Origin::Recorded => {
                let found = self.recorded(*from, *to, *step).await;
                (ask, found, 1)
            }
            (Ask::BudgetLeft { from, to, step }, _) => {
                let found = self.budget_left(*from, *to, *step).await;
                (ask, found, 1)
            }
            (_, Ok(sli)) => self.counted(sli, ask).await,
            (_, Err(why)) => return (ask, Err(why.clone()), 0),
        };
        (ask, found.map_err(|error| Clean::new(error.to_string())), queries)
    }

    async fn counted(&self, sli: &SliExpression, ask: Ask) -> (Ask, Found, usize) {
        let queries = ask.queries();
        match ask {
            Ask::Scrape => (ask, self.scrape(sli).await, queries),
            Ask::Buckets { from, to, step } => {
                let found = self.buckets(sli, from, to, step).await.map(Finding::Buckets);
                (ask, found, queries)
            }
            Ask::Past { from, to, step } => {
                let found = self.buckets(sli, from, to, step).await.map(|b| Finding::Past(ratios(&b)));
                (ask, found, queries)
            }
            Ask::Served { from, to, step } => (ask, self.served(sli, from, to, step).await, queries),
            Ask::Histogram { native } => (ask, self.histogram(sli, native).await, queries),
            Ask::Durations { ref histogram, from, to, step } => {
                let found = self.durations(histogram, from, to, step).await;
                (ask, found, queries)
            }
            Ask::Period { from, to } => (ask, self.period(sli, from, to).await, queries),
            Ask::Newest { from, to } => (ask, self.newest(sli, from, to).await, queries),
            // Answered from what is recorded, whatever is understood of the SLI.
            Ask::BudgetLeft { from, to, step } => {
                let found = self.budget_left(from, to, step).await;
                (ask, found, queries)
            }
            Ask::Counts { purpose: Purpose::Verify, from, to } => {
                let found = self.counts(sli, from + self.ahead, to + self.ahead).await;
                (ask, found, queries)
            }
            Ask::Counts { purpose, from, to } => {
                let found = self.counts(sli, from, to).await;
                let shorter = to - SHORTER_PAST.delta();
                let may = purpose == Purpose::History && from < shorter && queries <= self.room;
                if !may || !is_too_much(&found) {
                    return (ask, found, queries);
                }
                let from = shorter;
                let found = self.counts(sli, from, to).await;
                (Ask::Counts { purpose, from, to }, found, 2 * queries)
            }
        }
    }

    /// The recorded ratio whose window is the shortest that leaves no gap between two steps, else the longest.
    async fn recorded(&self, from: Time, to: Time, step: Window) -> Found {
        let Some(ends) = Ends::within(from, to.min(self.now), step) else {
            return Ok(Finding::Past(Vec::new()));
        };
        let windows = || self.slo.ratios.keys().filter(|w| Some(**w) != self.slo.period);
        let window = windows().find(|w| **w >= step).or_else(|| windows().next_back());
        let Some(window) = window else { return Ok(Finding::Past(Vec::new())) };
        let series = recorded_by(format!("{RATIO}{window}"), &self.slo.labels);
        let ranges = self.range(&series.to_string(), ends).await?;
        Ok(Finding::Past(by_time(ranges).into_iter().collect()))
    }

    /// The share of the budget that was left, as the server recorded it; nothing where it did not.
    async fn budget_left(&self, from: Time, to: Time, step: Window) -> Found {
        let ends = Ends::within(from, to.min(self.now), step);
        let (Some(ends), Origin::Recorded) = (ends, &self.slo.origin) else {
            return Ok(Finding::BudgetLeft(Vec::new()));
        };
        let series = recorded_by(REMAINING.to_owned(), &self.slo.labels);
        let ranges = self.range(&series.to_string(), ends).await?;
        let samples = ranges.into_iter().flat_map(|range| range.samples);
        Ok(Finding::BudgetLeft(samples.filter_map(|s| Some((s.at, s.value.number()?))).collect()))
    }

    /// All requests of a long time. Counters that begin later would make it look as if there had been fewer.
    async fn period(&self, sli: &SliExpression, from: Time, to: Time) -> Found {
        let at = to.min(self.now);
        let (all, first) = (sli.total_increase(lasting(from, at), &[]), sli.total_increase(REACHES, &[]));
        let (all, first) = tokio::join!(self.query(&all, at), self.query(&first, from + REACHES.delta()));
        let number = |rows: Vec<Series>| rows.first().and_then(|row| row.value.number());
        Ok(Finding::Period(number(first?).and(number(all?))))
    }

    /// In the server's time, as [`Purpose::Verify`] is.
    async fn newest(&self, sli: &SliExpression, from: Time, to: Time) -> Found {
        let promql = sli.total_increase(lasting(from, to), &[]);
        let rows = self.query(&promql, (to + self.ahead).min(self.now)).await?;
        Ok(Finding::Newest(rows.iter().filter_map(|row| row.value.number()).sum()))
    }

    async fn scrape(&self, sli: &SliExpression) -> Found {
        // The total's counter: it has series wherever there are requests at all.
        let Some(leaf) = sli.total.leaves.first() else {
            return Ok(Finding::Scrape(None));
        };
        let promql = format!("max(count_over_time({}[{SCRAPES_OVER}]))", leaf.selector);
        let rows = self.query(&promql, self.now).await?;
        let count = rows.first().and_then(|row| row.value.number());
        Ok(Finding::Scrape(count.and_then(interval)))
    }

    async fn counts(&self, sli: &SliExpression, from: Time, to: Time) -> Found {
        // What lies ahead of the server is left out of the window too, not taken from before its begin.
        let at = to.min(self.now);
        let window = lasting(from, at);
        let (bad, total) = (sli.bad_increase(window, &SPLIT), sli.total_increase(window, &SPLIT));
        let (bad, total) = tokio::join!(self.query(&bad, at), self.query(&total, at));
        Ok(Finding::Counts(joined(bad?, total?)))
    }

    async fn buckets(
        &self,
        sli: &SliExpression,
        from: Time,
        to: Time,
        step: Window,
    ) -> Result<Vec<Bucket>, PromError> {
        let Some(ends) = Ends::within(from, to.min(self.now), step) else {
            return Ok(Vec::new());
        };
        let (bad, total) = (sli.bad_increase(step, &[]), sli.total_increase(step, &[]));
        let (bad, total) = tokio::join!(self.range(&bad, ends), self.range(&total, ends));
        let (bad, total) = (by_time(bad?), by_time(total?));
        let bucket = |end: Time| Bucket { end, bad: bad.get(&end).copied(), total: total.get(&end).copied() };
        Ok(ends.all().map(bucket).collect())
    }

    async fn served(&self, sli: &SliExpression, from: Time, to: Time, step: Window) -> Found {
        let Some(ends) = Ends::within(from, to.min(self.now), step) else {
            return Ok(Finding::Served(Vec::new()));
        };
        let promql = sli.total_increase(step, &SPLIT);
        let mut served: Vec<PodServed> = self
            .range(&promql, ends)
            .await?
            .into_iter()
            .map(|range| {
                let (pod, hash) = pod_of(&range.labels);
                let stretches = stretches(&range, step);
                PodServed { pod, hash, stretches }
            })
            .filter(|served| !served.stretches.is_empty())
            .collect();
        served.sort_by(|a, b| (&a.pod, &a.hash).cmp(&(&b.pod, &b.hash)));
        Ok(Finding::Served(served))
    }

    async fn query(&self, promql: &str, at: Time) -> Result<Vec<Series>, PromError> {
        self.note(promql, (at, at, None));
        // The semaphore is never closed.
        let _permit = self.permits.acquire().await;
        let answer = self.client.query(promql, Some(at)).await?;
        self.warn(answer.warnings);
        Ok(answer.data)
    }

    async fn range(&self, promql: &str, ends: Ends) -> Result<Vec<Range>, PromError> {
        self.note(promql, (ends.first, ends.last, Some(ends.step)));
        let _permit = self.permits.acquire().await;
        let answer = self.client.query_range(promql, ends.first, ends.last, ends.step).await?;
        self.warn(answer.warnings);
        Ok(answer.data)
    }

    fn note(&self, promql: &str, at: (Time, Time, Option<Window>)) {
        let sent = Sent { promql: Clean::new(promql), at };
        self.told.lock().unwrap_or_else(PoisonError::into_inner).sent.push(sent);
    }

    fn warn(&self, warnings: Vec<Clean>) {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).warned.extend(warnings);
    }
}

/// The server could not do so much at once; with less it may.
fn is_too_much(found: &Found) -> bool {
    matches!(
        found,
        Err(PromError::Execution { .. }
            | PromError::Timeout { .. }
            | PromError::TooLarge { .. }
            | PromError::Unavailable { .. })
    )
}

/// The interval that gives `count` samples in [`SCRAPES_OVER`], as people would have written it.
fn interval(count: f64) -> Option<Window> {
    if count < 1.0 {
        return None;
    }
    let measured = SCRAPES_OVER.secs_f64() / count;
    let distance = |nice: u64| (nice as f64 / measured).ln().abs();
    INTERVALS.into_iter().min_by(|a, b| distance(*a).total_cmp(&distance(*b))).map(Window::from_secs)
}

/// The ends of consecutive buckets: whole multiples of the step, so that the next inquiry has the same ones.
#[derive(Clone, Copy)]
struct Ends {
    first: Time,
    last: Time,
    step: Window,
}

impl Ends {
    /// Those of the buckets that lie in `from..to`, if one does; a begun bucket at either side is left out.
    fn within(from: Time, to: Time, step: Window) -> Option<Self> {
        let seconds = i64::try_from(step.secs()).ok().filter(|seconds| *seconds > 0)?;
        // Up to the next whole second first: the edge may lie within one.
        let from = from.timestamp() + i64::from(from.timestamp_subsec_nanos() > 0);
        let begin =
            from.div_euclid(seconds) * seconds + if from.rem_euclid(seconds) == 0 { 0 } else { seconds };
        let first = Time::from_timestamp(begin + seconds, 0)?;
        let last = Time::from_timestamp(to.timestamp().div_euclid(seconds) * seconds, 0)?;
        (first <= last).then_some(Self { first, last, step })
    }

    fn all(self) -> impl Iterator<Item = Time> {
        std::iter::successors(Some(self.first), move |end| Some(*end + self.step.delta()))
            .take_while(move |end| *end <= self.last)
    }
}

/// Values by time, of the one series that an undivided sum has.
fn by_time(ranges: Vec<Range>) -> BTreeMap<Time, f64> {
    let samples = ranges.into_iter().flat_map(|range| range.samples);
    samples.filter_map(|sample| Some((sample.at, sample.value.number()?.max(0.0)))).collect()
}

/// Error ratios of buckets that had requests.
fn ratios(buckets: &[Bucket]) -> Vec<(Time, f64)> {
    let ratio = |b: &Bucket| Some((b.end, b.bad.unwrap_or(0.0) / b.total.filter(|total| *total > 0.0)?));
    buckets.iter().filter_map(ratio).collect()
}

/// The series of `metric` that belong to an SLO.
fn recorded_by(metric: String, labels: &BTreeMap<Clean, Clean>) -> Selector {
    let equal = |(label, value): (&Clean, &Clean)| Matcher {
        label: label.to_string(),
        op: Op::Equal,
        value: value.to_string(),
    };
    Selector { name: Some(metric), matchers: labels.iter().map(equal).collect() }
}

type Pod = (Option<Clean>, Option<Clean>);

/// Labels `pod` and `pod_template_hash`; an empty one is none.
fn pod_of(labels: &Labels) -> Pod {
    let [pod, hash] = SPLIT.map(|name| labels.get(name).filter(|value| !value.is_empty()).cloned());
    (pod, hash)
}

/// Bad and all requests of the same pod side by side. A pod that only has a total had no bad request. Bad requests
/// that no total covers (a proxy's own) are events all the same: there they are all that is known of. A total that is
/// no number is left out.
fn joined(bad: Vec<Series>, total: Vec<Series>) -> Vec<PodCounts> {
    let mut rows: BTreeMap<Pod, (f64, Option<f64>)> = BTreeMap::new();
    let mut unknown = Vec::new();
    for row in total {
        let pod = pod_of(&row.labels);
        match row.value.number() {
            Some(number) => rows.entry(pod).or_default().1 = Some(number.max(0.0)),
            None => unknown.push(pod),
        }
    }
    for row in bad {
        let pod = pod_of(&row.labels);
        if let Some(number) = row.value.number().filter(|_| !unknown.contains(&pod)) {
            rows.entry(pod).or_default().0 = number.max(0.0);
        }
    }
    rows.into_iter()
        .filter(|(_, (bad, total))| total.is_some() || *bad > 0.0)
        .map(|((pod, hash), (bad, total))| PodCounts { pod, hash, bad, total: total.unwrap_or(bad) })
        .collect()
}

/// The stretches in which there were requests: a sample stands for the step before it.
fn stretches(range: &Range, step: Window) -> Vec<(Time, Time)> {
    let mut stretches: Vec<(Time, Time)> = Vec::new();
    let served = range.samples.iter().filter(|s| s.value.number().is_some_and(|n| n > 0.0));
    for sample in served {
        let begin = sample.at - step.delta();
        match stretches.last_mut() {
            Some((_, end)) if *end >= begin => *end = sample.at,
            _ => stretches.push((begin, sample.at)),
        }
    }
    stretches
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::value::Value;

    fn at(seconds: i64) -> Time {
        Time::from_timestamp(seconds, 0).expect("a time")
    }

    #[test]
    fn the_scrape_interval_is_one_that_people_write() {
        for (count, seconds) in [(8.0, 15), (8.2, 15), (7.8, 15), (4.0, 30), (60.0, 2), (2.0, 60), (1.0, 120)]
        {
            assert_eq!(interval(count), Some(Window::from_secs(seconds)), "{count}");
        }
        assert_eq!(interval(0.0), None);
    }

    #[test]
    fn buckets_are_whole_steps_inside_of_what_was_asked_for() {
        let ends = Ends::within(at(61), at(305), Window::minutes(1)).expect("some");
        assert_eq!(ends.all().collect::<Vec<_>>(), [at(180), at(240), at(300)]);
        let aligned = Ends::within(at(60), at(120), Window::minutes(1)).expect("one");
        assert_eq!(aligned.all().collect::<Vec<_>>(), [at(120)]);
        assert!(Ends::within(at(61), at(179), Window::minutes(1)).is_none());
        assert!(Ends::within(at(0), at(60), Window::from_secs(0)).is_none());
    }

    fn row(pod: &str, value: f64) -> Series {
        Series {
            labels: [("pod".to_owned(), Clean::from(pod))].into(),
            value: Value::from_f64(value),
            at: at(0),
        }
    }

    #[test]
    fn rows_are_joined_by_pod_and_no_bad_request_is_dropped() {
        let bad = vec![row("a", 3.0), row("", 8.0), row("nan", 1.0)];
        let total = vec![row("a", 10.0), row("b", 20.0), row("nan", f64::NAN)];
        let counts = joined(bad, total);
        let plain: Vec<(Option<&str>, f64, f64)> =
            counts.iter().map(|c| (c.pod.as_ref().map(Clean::as_str), c.bad, c.total)).collect();
        assert_eq!(plain, [(None, 8.0, 8.0), (Some("a"), 3.0, 10.0), (Some("b"), 0.0, 20.0)]);
    }
}

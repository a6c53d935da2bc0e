//! When did the errors begin, and are they over? A scan of the counts by time for the one stretch whose error ratio
//! differs most from the rest (Poisson likelihood ratio), never a comparison with a fixed threshold.

use chrono::TimeDelta;

use crate::domain::Time;
use crate::domain::inquiry::Bucket;
use crate::domain::statistics::{Counts, Z95, fisher_greater, wilson};
use crate::domain::window::Window;

/// Data that are wanted after the end of a stretch before anything is called over.
const OVER_AFTER: TimeDelta = TimeDelta::seconds(60);
/// Errors that come again after this much time without are another stretch, with a begin of its own.
const CALM: TimeDelta = TimeDelta::seconds(120);
/// How sure a difference must be.
const SURE: f64 = 0.001;

/// The stretch with the errors.
#[derive(Clone, PartialEq, Debug)]
pub struct Onset {
    /// Its begin: the start of its first bucket, so up to one bucket early.
    pub began: Time,
    /// How exactly its begin is known.
    pub step: Window,
    /// Its end, when it is over: clearly fewer errors after it, and no more than the objective allows.
    pub ended: Option<Time>,
    /// Counts before and after it.
    pub outside: Counts,
    /// Counts in it.
    pub during: Counts,
    /// Counts of the last minute or so (at least one bucket), and of nothing before the stretch.
    pub fresh: Counts,
    /// Requests a second before it and in it; `None` without data.
    pub rate_before: Option<f64>,
    /// Requests a second in it.
    pub rate_during: Option<f64>,
}

#[derive(Clone, Copy)]
struct Cell {
    end: Time,
    bad: f64,
    total: f64,
}

/// Finds the stretch in `buckets` of length `step`; `budget` is the error ratio that the objective allows. `None`
/// when no stretch has clearly more errors than the budget and than the rest.
pub fn find(buckets: &[Bucket], step: Window, budget: f64) -> Option<Onset> {
    let cells: Vec<Cell> = buckets
        .iter()
        .filter_map(|b| {
            Some(Cell { end: b.end, bad: b.bad.unwrap_or(0.0).max(0.0), total: b.total?.max(0.0) })
        })
        .filter(|c| c.total > 0.0)
        .collect();
    let (first, last) = best_stretch(&cells, budget)?;
    let again = later(&cells, step, budget, first, last);
    Some(again.unwrap_or_else(|| describe(&cells, step, budget, first, last)))
}

/// Of several stretches the last one: the calm after the others is what it is held against.
fn later(cells: &[Cell], step: Window, budget: f64, first: usize, last: usize) -> Option<Onset> {
    let sums = Sums::of(cells);
    let during = sums.inside(first, last);
    let width = usize::try_from(CALM.num_seconds()).ok()?.div_ceil(step.secs().max(1) as usize).max(2);
    let calm = |at: usize| {
        let counts = sums.inside(at, at + width);
        wilson(counts, Z95).is_some_and(|i| i.low <= budget) && clearly_more(during, counts)
    };
    // Where a calm ends, newest first: behind it another stretch may have begun.
    let starts = (first + 1..cells.len().saturating_sub(width)).rev();
    let ends = starts.filter(|at| calm(*at) && !calm(*at + 1));
    let mut found = ends.filter_map(|at| {
        let rest = &cells[at..];
        best_stretch(rest, budget).map(|(first, last)| describe(rest, step, budget, first, last))
    });
    found.next()
}

fn describe(cells: &[Cell], step: Window, budget: f64, mut first: usize, last: usize) -> Onset {
    let sums = Sums::of(cells);
    let outside_ratio = ratio(sums.outside(first, last)).unwrap_or(0.0);
    // A rollout is a ramp: minutes in which old and new pods mix belong to the incident.
    while first > 0 && cells[first - 1].bad / cells[first - 1].total > (5.0 * outside_ratio).max(2.0 * budget)
    {
        first -= 1;
    }
    let during = sums.inside(first, last);
    let outside = sums.outside(first, last);
    let fresh_from = cells.iter().rposition(|c| cells.last().is_some_and(|l| l.end - c.end >= OVER_AFTER));
    // Of a stretch younger than that, what lies before it says nothing about how it fails now.
    let fresh = sums.inside(fresh_from.map_or(0, |n| n + 1).max(first), cells.len());
    let ended = over(cells, &sums, last, during, budget);
    let seconds = |from: usize, to: usize| (to - from) as f64 * step.secs_f64();
    let rate = |from: usize, to: usize| (to > from).then(|| sums.inside(from, to).total / seconds(from, to));
    // The ramp down at the end of a spike would dilute it, the ramp up too: both are short.
    Onset {
        began: cells[first].end - step.delta(),
        step,
        ended,
        outside,
        during,
        fresh,
        rate_before: rate(0, first),
        rate_during: rate(first, last),
    }
}

/// When the errors ended: at least a minute of data follows, with clearly fewer errors and within the objective.
fn over(cells: &[Cell], sums: &Sums, last: usize, during: Counts, budget: f64) -> Option<Time> {
    let end = cells.get(last.checked_sub(1)?)?.end;
    let newest = cells.last()?.end;
    if newest - end < OVER_AFTER {
        return None;
    }
    let tail = sums.inside(last, cells.len());
    // One error in a short tail is more than 0.1 %, and still no sign that it goes on.
    let within = wilson(tail, Z95).is_some_and(|interval| interval.low <= budget);
    (within && clearly_more(during, tail)).then_some(end)
}

/// `more` has a higher error ratio than `than`, and not by chance (p < 0.001).
pub fn clearly_more(more: Counts, than: Counts) -> bool {
    fisher_greater(than, more).is_some_and(|p| p < SURE)
}

/// The stretch `first..last` with the greatest likelihood ratio among those with more errors than the rest. Only when
/// none stands out, all of the time is one, if it is surely above the budget: then the onset lies before the data.
fn best_stretch(cells: &[Cell], budget: f64) -> Option<(usize, usize)> {
    let sums = Sums::of(cells);
    let all = cells.len();
    let mut best: Option<(f64, usize, usize)> = None;
    for first in 0..all {
        for last in first + 1..=all {
            let (inside, outside) = (sums.inside(first, last), sums.outside(first, last));
            let (Some(high), Some(low)) = (ratio(inside), ratio(outside)) else { continue };
            if high <= low || high <= budget || inside.bad < 1.0 {
                continue;
            }
            let gain = likelihood_gain(inside, outside);
            if best.is_none_or(|(most, _, _)| gain > most) {
                best = Some((gain, first, last));
            }
        }
    }
    // Chi-square with one degree of freedom, corrected for the number of stretches looked at.
    let looked_at = (all * all).max(1) as f64;
    best.filter(|(gain, _, _)| *gain > 10.83 + 2.0 * looked_at.ln())
        .map(|(_, first, last)| (first, last))
        .or_else(|| wilson(sums.inside(0, all), Z95).filter(|i| i.low > budget).map(|_| (0, all)))
}

/// `2 [k0 ln(r0/r) + k1 ln(r1/r)]`: how much better two ratios explain the counts than one.
fn likelihood_gain(inside: Counts, outside: Counts) -> f64 {
    let term = |k: f64, r: f64, common: f64| if k > 0.0 { k * (r / common).ln() } else { 0.0 };
    let common = (inside.bad + outside.bad) / (inside.total + outside.total);
    let (high, low) = (inside.bad / inside.total, outside.bad / outside.total);
    2.0 * (term(inside.bad, high, common) + term(outside.bad, low, common))
}

fn ratio(counts: Counts) -> Option<f64> {
    (counts.total > 0.0).then(|| counts.bad / counts.total)
}

/// Running sums, so that any stretch costs two subtractions.
struct Sums {
    bad: Vec<f64>,
    total: Vec<f64>,
}

impl Sums {
    fn of(cells: &[Cell]) -> Self {
        let running = |value: fn(&Cell) -> f64| {
            let mut sum = 0.0;
            std::iter::once(0.0)
                .chain(cells.iter().map(|c| {
                    sum += value(c);
                    sum
                }))
                .collect()
        };
        Self { bad: running(|c| c.bad), total: running(|c| c.total) }
    }

    fn inside(&self, first: usize, last: usize) -> Counts {
        Counts { bad: self.bad[last] - self.bad[first], total: self.total[last] - self.total[first] }
    }

    fn outside(&self, first: usize, last: usize) -> Counts {
        let (all, inside) = (self.inside(0, self.bad.len() - 1), self.inside(first, last));
        Counts { bad: (all.bad - inside.bad).max(0.0), total: (all.total - inside.total).max(0.0) }
    }
}

/// Counts of the buckets that lie in `from..to`.
pub fn between(buckets: &[Bucket], step: Window, from: Time, to: Time) -> Counts {
    buckets.iter().filter(|b| b.end - step.delta() >= from && b.end <= to).fold(
        Counts { bad: 0.0, total: 0.0 },
        |sum, b| Counts { bad: sum.bad + b.bad.unwrap_or(0.0), total: sum.total + b.total.unwrap_or(0.0) },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEP: Window = Window::from_secs(60);

    fn series(ratios: &[f64]) -> Vec<Bucket> {
        let at = |n: usize| Time::UNIX_EPOCH + STEP.delta() * (n as i32 + 1);
        let bucket = |(n, r): (usize, &f64)| Bucket { end: at(n), bad: Some(r * 600.0), total: Some(600.0) };
        ratios.iter().enumerate().map(bucket).collect()
    }

    #[test]
    fn the_onset_is_the_first_bad_bucket_and_a_ramp_belongs_to_it() {
        let mut ratios = vec![0.0; 40];
        ratios.extend([0.05, 0.2, 0.2, 0.2]);
        let onset = find(&series(&ratios), STEP, 0.001).expect("an onset");
        assert_eq!(onset.began, Time::UNIX_EPOCH + STEP.delta() * 40);
        assert_eq!(onset.ended, None);
        assert_eq!(onset.during.bad.round(), 390.0);
    }

    #[test]
    fn a_ramp_is_what_fails_five_times_as_often_as_before_and_twice_as_often_as_it_may() {
        for (before, ramp, minutes) in
            [(0.001, 0.007, 1), (0.001, 0.004, 0), (0.0, 0.002_5, 1), (0.0, 0.001_5, 0)]
        {
            let mut ratios = vec![before; 40];
            ratios.extend([ramp, 0.5, 0.5, 0.5]);
            let onset = find(&series(&ratios), STEP, 0.001).expect("an onset");
            assert_eq!(onset.began, Time::UNIX_EPOCH + STEP.delta() * (41 - minutes), "{before} {ramp}");
        }
    }

    #[test]
    fn of_two_stretches_that_stand_out_alike_the_later_is_held_against_the_calm_before_it() {
        let mut ratios = vec![0.0; 20];
        ratios.extend([1.0; 3]);
        ratios.extend([0.0; 40]);
        ratios.extend([1.0; 3]);
        let onset = find(&series(&ratios), STEP, 0.001).expect("an onset");
        assert_eq!(onset.began, Time::UNIX_EPOCH + STEP.delta() * 63);
        assert_eq!((onset.ended, onset.outside.bad), (None, 0.0));
    }

    #[test]
    fn two_ratios_explain_counts_better_by_as_much_as_they_differ() {
        let counts = |bad: f64, total: f64| Counts { bad, total };
        for (inside, outside, gain) in [
            (counts(10.0, 100.0), counts(10.0, 1_000.0), 22.138_2),
            (counts(10.0, 100.0), counts(0.0, 1_000.0), 47.957_9),
            (counts(1.0, 100.0), counts(10.0, 1_000.0), 0.0),
        ] {
            let found = likelihood_gain(inside, outside);
            assert!((found - gain).abs() < 1e-4, "{inside:?} {outside:?}: {found}");
        }
    }

    #[test]
    fn what_fails_now_is_not_thinned_by_the_time_before_it_failed() {
        let step = Window::from_secs(15);
        let at = |n: usize| Time::UNIX_EPOCH + step.delta() * (n as i32 + 1);
        let bad = |n: usize| if n < 9 { 0.0 } else { 600.0 };
        let buckets: Vec<Bucket> =
            (0..10).map(|n| Bucket { end: at(n), bad: Some(bad(n)), total: Some(600.0) }).collect();
        let onset = find(&buckets, step, 0.001).expect("an onset");
        assert_eq!(onset.fresh, Counts { bad: 600.0, total: 600.0 });
    }

    #[test]
    fn errors_that_come_again_have_an_onset_of_their_own_however_many_came_before() {
        for again in [1.0, 0.2] {
            let mut ratios = vec![0.0; 20];
            ratios.extend([1.0; 4]);
            ratios.extend([0.0; 6]);
            ratios.extend([again; 3]);
            let onset = find(&series(&ratios), STEP, 0.001).expect("an onset");
            assert_eq!(onset.began, Time::UNIX_EPOCH + STEP.delta() * 30, "{again}");
            assert_eq!((onset.ended, onset.during.total), (None, 1_800.0));
            assert_eq!(onset.outside.bad, 0.0, "the calm before it is what it is held against");
        }
        // A minute without is no calm.
        let mut ratios = vec![0.0; 20];
        ratios.extend([1.0, 1.0, 0.0, 1.0, 1.0]);
        let onset = find(&series(&ratios), STEP, 0.001).expect("an onset");
        assert_eq!(onset.began, Time::UNIX_EPOCH + STEP.delta() * 20);
    }

    #[test]
    fn errors_that_stopped_two_minutes_ago_are_over() {
        let mut ratios = vec![0.0; 30];
        ratios.extend([0.5; 5]);
        ratios.extend([0.0; 2]);
        let onset = find(&series(&ratios), STEP, 0.001).expect("an onset");
        assert_eq!(onset.ended, Some(Time::UNIX_EPOCH + STEP.delta() * 35));
    }

    #[test]
    fn half_as_many_errors_are_not_over() {
        let mut ratios = vec![0.0; 30];
        ratios.extend([0.5; 5]);
        ratios.extend([0.2; 3]);
        assert_eq!(find(&series(&ratios), STEP, 0.001).expect("an onset").ended, None);
    }

    #[test]
    fn errors_within_the_objective_have_no_onset() {
        assert_eq!(find(&series(&[0.0005; 60]), STEP, 0.001), None);
        assert_eq!(find(&[], STEP, 0.001), None);
    }

    #[test]
    fn a_full_hour_before_does_not_swallow_the_onset() {
        let mut ratios = vec![0.0; 57];
        ratios.extend([0.4, 1.0, 1.0]);
        let onset = find(&series(&ratios), STEP, 0.001).expect("an onset");
        assert_eq!(onset.began, Time::UNIX_EPOCH + STEP.delta() * 57);
        assert!(onset.outside.total > 30_000.0);
    }

    #[test]
    fn errors_from_the_first_sample_on_are_an_onset_too() {
        let onset = find(&series(&[0.3; 20]), STEP, 0.001).expect("an onset");
        assert_eq!(onset.began, Time::UNIX_EPOCH);
    }

    #[test]
    fn errors_all_the_time_are_an_onset_where_they_are_surely_above_the_budget_and_not_at_it() {
        let buckets = series(&[0.3; 20]);
        let all = between(&buckets, STEP, Time::UNIX_EPOCH, buckets[19].end);
        let low = wilson(all, Z95).expect("an interval").low;
        assert_eq!(find(&buckets, STEP, low), None);
        assert!(find(&buckets, STEP, low * 0.999).is_some());
    }
}

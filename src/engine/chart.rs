//! What the chart of an SLO is made of, and its cursor: a point in time that moves from sample to sample, so that what
//! is read under it is what was measured, never something between two measurements.

use chrono::TimeDelta;

use crate::domain::Time;
use crate::domain::inquiry::Bucket;
use crate::domain::slo::SloId;
use crate::domain::window::Window;

use super::investigate::Study;
use super::revisions::RevisionRow;
use super::state::State;
use super::view::{self, Chart};

/// A range is crossed in so many moves of the cursor, at the most.
const MOVES: i32 = 120;

/// An error ratio of a stretch of time.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Sample {
    /// Its begin.
    pub from: Time,
    /// Its end.
    pub to: Time,
    /// The ratio; `None` without traffic.
    pub ratio: Option<f64>,
    /// Bad requests and all, where they were counted; a recorded ratio has none.
    pub counts: Option<(f64, f64)>,
}

/// The samples of an SLO's error ratio over the range of the view: counts as far back as there are any, recorded
/// ratios before them.
pub fn samples(state: &State, slo: &SloId) -> Vec<Sample> {
    let Some(study) = state.studies.get(slo) else { return Vec::new() };
    let counted = counted(study);
    let first = counted.iter().find(|s| s.ratio.is_some()).map(|s| s.from);
    let mut samples = recorded(study, state.view.window());
    samples.retain(|s| first.is_none_or(|first| s.to <= first));
    samples.extend(counted);
    samples
}

fn counted(study: &Study) -> Vec<Sample> {
    let Some(answered) = &study.buckets else { return Vec::new() };
    let (buckets, step) = &answered.data;
    let sample = |b: &Bucket| {
        let counts = b.total.map(|total| (b.bad.unwrap_or(0.0), total));
        let ratio = counts.filter(|(_, total)| *total > 0.0).map(|(bad, total)| bad / total);
        Sample { from: b.end - step.delta(), to: b.end, ratio, counts }
    };
    buckets.iter().map(sample).collect()
}

/// The past that was asked for, if it is the one that is shown.
fn recorded(study: &Study, shown: Window) -> Vec<Sample> {
    let Some(answered) = study.past.as_ref().filter(|a| a.to - a.from == shown.delta()) else {
        return Vec::new();
    };
    let (ratios, step) = &answered.data;
    let sample = |(end, ratio): &(Time, f64)| Sample {
        from: *end - step.delta(),
        to: *end,
        ratio: Some(*ratio),
        counts: None,
    };
    ratios.iter().map(sample).collect()
}

/// The sample that `at` lies in; without a point in time the newest one that has a ratio.
pub fn read(samples: &[Sample], at: Option<Time>) -> Option<&Sample> {
    match at {
        Some(at) => samples.iter().find(|s| s.from <= at && at < s.to),
        None => samples.iter().rev().find(|s| s.ratio.is_some()),
    }
}

/// The revision that served at `at`: by when its pods had requests, else by when it was rolled out.
pub fn served_at(rows: &[RevisionRow], at: Time) -> Option<&RevisionRow> {
    let serving = |row: &&RevisionRow| row.served.stretches.iter().any(|(from, to)| *from <= at && at < *to);
    let begun = rows.iter().filter(|row| row.began.is_some_and(|began| began <= at));
    // While two of them serve, the newer one is what is new.
    rows.iter().filter(serving).max_by_key(|row| row.began).or_else(|| begun.max_by_key(|row| row.began))
}

/// Moves the cursor of the selected SLO by `moves`, to the right where that is positive. The first move puts it on the
/// newest sample.
pub fn move_cursor(state: &mut State, moves: i8) {
    let Some(slo) = view::selected_slo(state).cloned() else { return };
    let begin = state.now - state.view.window().delta();
    let places = places(state, &slo, begin);
    let Some(newest) = places.last().copied() else {
        state.view.cursor = None;
        return;
    };
    let Some(at) = state.view.cursor else {
        state.view.cursor = Some(newest);
        return;
    };
    let apart = places.windows(2).map(|pair| pair[1] - pair[0]).min().unwrap_or_default();
    let one = (state.view.window().delta() / MOVES).max(apart);
    let wanted = at + one * i32::from(moves);
    let step = |n: usize| places.get(n).copied();
    let next = if moves < 0 {
        let far = places.partition_point(|place| *place <= wanted).checked_sub(1).and_then(step);
        // At least one sample on, however far apart they are.
        let near = places.partition_point(|place| *place < at).checked_sub(1).and_then(step);
        let first = places.first().copied();
        near.map_or(first, |near| far.or(first).map(|far| far.min(near)))
    } else {
        let (far, near) = (places.partition_point(|p| *p < wanted), places.partition_point(|p| *p <= at));
        step(far.max(near)).or(Some(newest))
    };
    state.view.cursor = next;
}

/// The middles of the samples that the chart shows.
fn places(state: &State, slo: &SloId, begin: Time) -> Vec<Time> {
    let half = |length: TimeDelta| length / 2;
    let study = state.studies.get(slo);
    let mut places: Vec<Time> = match (state.view.chart, study.and_then(|s| s.durations.as_ref())) {
        (Chart::Latency | Chart::HeatMap, Some(answered)) => {
            let (durations, step) = &answered.data;
            durations.steps.iter().map(|s| s.end - half(step.delta())).collect()
        }
        _ => samples(state, slo).iter().map(|s| s.from + half(s.to - s.from)).collect(),
    };
    places.retain(|place| *place > begin && *place <= state.now);
    places
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::clean::Clean;
    use crate::domain::slo::Slo;
    use crate::engine::investigate::Answered;
    use crate::engine::listing;
    use crate::engine::state::Setup;
    use crate::engine::view::Row;

    fn at(seconds: i64) -> Time {
        Time::from_timestamp(1_000_000_020 + seconds, 0).expect("a time")
    }

    /// An hour of minutes, of which the one of ten minutes ago has no traffic.
    fn state() -> (State, SloId) {
        let id = SloId(Clean::new("api"));
        let mut state = State::new(Setup::default(), at(3_600));
        let slo = slo(&id);
        state.world.slos.insert(id.clone(), slo);
        let bucket = |n: i64| Bucket {
            end: at(n * 60),
            bad: Some(n as f64),
            total: Some(if n == 50 { 0.0 } else { 100.0 }),
        };
        let buckets = (1..=60).map(bucket).collect();
        let data = (buckets, Window::minutes(1));
        let answered = Answered { data, from: at(0), to: at(3_600), partial: None };
        state.studies.entry(id.clone()).or_default().buckets = Some(answered);
        state.view.selected = Some(Row::Slo(id.clone()));
        state.listing.outdated_now();
        listing::keep(&mut state, true);
        (state, id)
    }

    fn slo(id: &SloId) -> Slo {
        use crate::domain::slo::{Origin, Sli};
        use crate::domain::value::Value;
        Slo {
            id: id.clone(),
            service: Clean::new("api"),
            name: Clean::new("availability"),
            labels: Default::default(),
            rule_labels: Default::default(),
            objective: Some(0.999),
            period: Some(Window::days(30)),
            ratios: Default::default(),
            remaining: Value::Absent,
            alerts: Vec::new(),
            pairs: Vec::new(),
            pairs_from_rules: false,
            sli: Sli::Unknown,
            runbook: None,
            origin: Origin::Recorded,
            has_alert_rule: true,
        }
    }

    #[test]
    fn the_cursor_begins_at_the_newest_sample_and_stops_at_both_ends() {
        let (mut state, id) = state();
        let middle = |n: i64| Some(at(n * 60 - 30));
        for (moves, lands) in [(-1, 60), (-1, 59), (1, 60), (1, 60), (-10, 50), (-127, 1), (-1, 1), (10, 11)]
        {
            move_cursor(&mut state, moves);
            assert_eq!(state.view.cursor, middle(lands), "{moves}");
        }
        let samples = samples(&state, &id);
        let read = read(&samples, state.view.cursor).expect("a sample");
        assert_eq!((read.ratio, read.counts), (Some(0.11), Some((11.0, 100.0))));
    }

    #[test]
    fn a_sample_on_the_left_edge_of_the_chart_has_no_place_in_it() {
        let (mut state, _) = state();
        state.now = at(3_600 + 30);
        move_cursor(&mut state, -1);
        move_cursor(&mut state, -127);
        assert_eq!(state.view.cursor, Some(at(90)), "the middle of the first one is on the edge");
    }

    #[test]
    fn without_a_cursor_the_newest_measured_sample_is_read_and_no_traffic_is_no_ratio() {
        let (state, id) = state();
        let samples = samples(&state, &id);
        assert_eq!(read(&samples, None).and_then(|s| s.ratio), Some(0.6));
        assert_eq!(read(&samples, Some(at(50 * 60 - 30))).expect("a sample").ratio, None);
        assert_eq!(read(&samples, Some(at(-5))), None);
    }

    #[test]
    fn a_chart_without_samples_has_no_cursor() {
        let (mut state, id) = state();
        state.studies.remove(&id);
        state.view.cursor = Some(at(60));
        move_cursor(&mut state, -1);
        assert_eq!(state.view.cursor, None);
    }
}

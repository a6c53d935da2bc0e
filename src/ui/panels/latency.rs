//! How long requests take: the median and the slow ends as lines on a logarithmic scale. Where there is no histogram
//! it says so in words, and draws no axis for what is not known.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::domain::Time;
use crate::domain::format;
use crate::domain::latency::{Durations, Found, QUANTILES, Quantile, Step};
use crate::domain::slo::{Sli, Slo};
use crate::domain::window::Window;
use crate::engine::investigate::Study;
use crate::engine::state::State;
use crate::ui::look::Look;
use crate::ui::widgets::lines;
use crate::ui::widgets::text::wrap_within;
use crate::ui::widgets::words::{Words, columns, put, put_right, row};

use super::time_axis::{Axis, LABELS, body};

/// Durations on the axis of the other charts, or why there are none.
pub enum Latency<'a> {
    /// What was measured, and the length of a step.
    Measured(&'a Durations, Window),
    /// Why there is nothing.
    Nothing(String),
}

impl<'a> Latency<'a> {
    /// Of an SLO over the range of the view.
    pub fn of(state: &'a State, slo: &Slo) -> Self {
        let range = state.view.window();
        let study = state.studies.get(&slo.id);
        if let Some(why) = Self::unknown(study, slo) {
            return Self::Nothing(why);
        }
        let answered = study.and_then(|s| s.durations.as_ref()).filter(|a| a.to - a.from == range.delta());
        match answered.map(|a| &a.data) {
            Some((durations, step)) if !durations.steps.is_empty() => Self::Measured(durations, *step),
            Some(_) => Self::Nothing(format!("the histogram has no requests in the last {range}")),
            None => Self::Nothing(format!("asking for the durations of the last {range}")),
        }
    }

    fn unknown(study: Option<&Study>, slo: &Slo) -> Option<String> {
        if !matches!(slo.sli, Sli::Understood(_)) {
            return Some("no latency: what the SLI counts is not known, so neither is its histogram".into());
        }
        match study.and_then(|s| s.histogram.as_ref()).map(|a| &a.data) {
            None | Some(Found::NotClassic) => Some("looking for a histogram of durations".into()),
            Some(Found::Nothing(why)) => Some(format!("no latency: {why}")),
            Some(Found::Classic(_)) => None,
        }
    }

    /// The step that is read, and when: under the cursor, or the newest.
    pub fn read(&self, cursor: Option<Time>) -> Option<(Time, &'a Step, &'a Durations)> {
        let Self::Measured(durations, step) = self else { return None };
        let found = match cursor {
            Some(at) => durations.at(at, step.delta()),
            None => durations.steps.last(),
        };
        found.map(|step| (cursor.unwrap_or(step.end), step, *durations))
    }

    /// The quantiles under the cursor, or the newest ones.
    pub fn reading(&self, look: &Look, axis: &Axis<'_>, area: Rect, buf: &mut Buffer) {
        let Some((at, step, durations)) = self.read(axis.cursor) else {
            if let (Self::Measured(..), Some(at)) = (self, axis.cursor) {
                axis.reading(look, at, Words::of(look.dim(), "no sample"), area, buf);
            }
            return;
        };
        let mut words = Words::new();
        for (n, (q, name)) in QUANTILES.iter().enumerate() {
            let gap = if n > 0 { "  " } else { "" };
            words.push(look.dim(), format!("{gap}{name} "));
            let style = if n + 1 == QUANTILES.len() { look.strong() } else { look.text() };
            words.push(style, format::quantile(durations.quantile(step, *q)));
        }
        axis.reading(look, at, words, area, buf);
    }

    /// Why there is nothing, where the chart would be.
    pub fn draw_nothing(&self, look: &Look, area: Rect, buf: &mut Buffer) {
        if let Self::Nothing(why) = self {
            let lines = wrap_within(why, usize::from(area.width), usize::from(area.height));
            for (n, line) in lines.iter().enumerate() {
                put(buf, row(area, n as u16), line, look.dim());
            }
        }
    }
}

/// Draws the lines with their scale into `area`, whose first columns are the labels.
pub fn draw(look: &Look, latency: &Latency<'_>, axis: &Axis<'_>, area: Rect, buf: &mut Buffer) {
    let Latency::Measured(durations, step) = latency else {
        latency.draw_nothing(look, area, buf);
        return;
    };
    let body = body(area);
    let scale = Scale::over(durations, axis.from);
    scale.labels(look, area, buf);
    let styles = [look.faint(), look.dim(), look.strong()];
    let quantiles = QUANTILES.iter().zip(styles);
    let lines: Vec<_> = quantiles
        .map(|((q, _), style)| (halves(durations, *step, *q, &scale, axis, body.width), style))
        .collect();
    lines::draw(buf, body, &lines);
    axis.marks(look, body, buf);
    axis.cursor(look, body, buf);
}

/// Heights of a quantile by half columns; where several steps share one, the slowest.
fn halves(
    durations: &Durations,
    length: Window,
    q: f64,
    scale: &Scale,
    axis: &Axis<'_>,
    width: u16,
) -> Vec<Option<f64>> {
    let count = usize::from(width) * 2;
    let mut halves: Vec<Option<f64>> = vec![None; count];
    let span = (axis.to - axis.from).num_milliseconds().max(1) as f64;
    let place = |at: Time| (at - axis.from).num_milliseconds() as f64 / span * count as f64;
    for step in &durations.steps {
        let Some(height) = scale.height(durations.quantile(step, q)) else { continue };
        let (first, end) = (place(step.end - length.delta()).max(0.0), place(step.end).min(count as f64));
        if end <= first {
            continue;
        }
        for half in halves.get_mut(first as usize..(end.ceil() as usize).min(count)).into_iter().flatten() {
            *half = Some(half.map_or(height, |h: f64| h.max(height)));
        }
    }
    halves
}

/// A logarithmic scale between two round durations, seconds.
struct Scale {
    low: f64,
    high: f64,
}

impl Scale {
    /// Around everything that is drawn.
    fn over(durations: &Durations, from: Time) -> Self {
        let (mut low, mut high) = (f64::INFINITY, 0.0_f64);
        for step in durations.steps.iter().filter(|s| s.end > from) {
            for (q, _) in QUANTILES {
                if let Quantile::At(seconds) | Quantile::Over(seconds) = durations.quantile(step, q) {
                    low = low.min(seconds.max(1e-6));
                    high = high.max(seconds);
                }
            }
        }
        if high <= 0.0 {
            return Self { low: 1e-3, high: 1.0 };
        }
        let (low, high) = (round(low, false), round(high * 1.02, true));
        // One decade at least, or noise looks like a mountain.
        Self { low: low.min(high / 10.0), high }
    }

    /// Height of a quantile, 0..1.
    fn height(&self, quantile: Quantile) -> Option<f64> {
        match quantile {
            Quantile::At(seconds) => {
                Some(((seconds.max(1e-6) / self.low).ln() / (self.high / self.low).ln()).clamp(0.0, 1.0))
            }
            Quantile::Over(_) => Some(1.0),
            Quantile::NoRequests => None,
        }
    }

    fn labels(&self, look: &Look, area: Rect, buf: &mut Buffer) {
        let mut label = |n: u16, seconds: f64| {
            let text = format::duration(seconds);
            put_right(buf, columns(row(area, n), 0, LABELS - 1), &text, look.dim());
        };
        label(0, self.high);
        if area.height >= 5 {
            label(area.height / 2, (self.low * self.high).sqrt());
        }
        if area.height >= 2 {
            label(area.height - 1, self.low);
        }
    }
}

/// The next 1, 2 or 5 times a power of ten.
fn round(seconds: f64, up: bool) -> f64 {
    let power = 10_f64.powf(seconds.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|step| step * power);
    let found = if up {
        steps.into_iter().find(|step| *step >= seconds * (1.0 - 1e-9))
    } else {
        steps.into_iter().rev().find(|step| *step <= seconds * (1.0 + 1e-9))
    };
    found.unwrap_or(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_is_round_and_at_least_a_decade() {
        let step = |n, within: [f64; 4]| Step {
            end: Time::UNIX_EPOCH + Window::minutes(n).delta(),
            within: within.to_vec(),
        };
        let of = |within| Durations::of(vec![0.01, 0.1, 1.0, f64::INFINITY], vec![step(1, within)]);
        let scale = Scale::over(&of([0.0, 100.0, 100.0, 100.0]), Time::UNIX_EPOCH);
        assert!((scale.low - 0.02).abs() < 1e-9 && (scale.high - 0.2).abs() < 1e-9, "{}", scale.low);
        let over = Scale::over(&of([50.0, 50.0, 50.0, 100.0]), Time::UNIX_EPOCH);
        assert_eq!(over.height(Quantile::Over(1.0)), Some(1.0));
        assert_eq!(over.height(Quantile::NoRequests), None);
    }
}

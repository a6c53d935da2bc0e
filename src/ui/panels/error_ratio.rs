//! The error ratio over time with the rollouts and the onset on the same axis: which deploy did it is answered by
//! looking. What was not measured is left empty, and the line above says what is read where, and how much was counted.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::domain::Time;
use crate::domain::format;
use crate::domain::slo::SloId;
use crate::domain::window::Window;
use crate::engine::chart;
use crate::engine::onset::Onset;
use crate::engine::revisions::RevisionRow;
use crate::engine::state::State;
use crate::ui::look::Look;
use crate::ui::widgets::chart::{Chart, Sample, Shades, round_up};
use crate::ui::widgets::words::{Words, columns, put, put_right, row};

use super::time_axis::{Axis, LABELS, place};

/// What is drawn.
pub struct Series<'a> {
    /// Samples with their counts.
    samples: Vec<chart::Sample>,
    /// The same as the chart takes them.
    drawn: Vec<Sample>,
    /// Error ratio that the objective allows.
    budget: f64,
    axis: Axis<'a>,
}

impl<'a> Series<'a> {
    /// Of an SLO, over the range of the view.
    pub fn of(
        state: &State,
        slo: &SloId,
        revisions: &'a [RevisionRow],
        onset: Option<&'a Onset>,
        change: Option<Time>,
    ) -> Self {
        let (from, to) = (state.now - state.view.window().delta(), state.now);
        Self::on(state, slo, Axis { from, to, revisions, onset, change, cursor: None })
    }

    /// The same on an axis that others share.
    pub fn on(state: &State, slo: &SloId, axis: Axis<'a>) -> Self {
        let samples = chart::samples(state, slo);
        let drawn = samples.iter().map(|s| Sample { from: s.from, to: s.to, ratio: s.ratio }).collect();
        let budget = state.world.slos.get(slo).and_then(|s| s.budget()).unwrap_or(0.001);
        Self { samples, drawn, budget, axis }
    }

    fn chart(&self, from: Time) -> Chart<'_> {
        let seen = self.drawn.iter().filter(|s| s.to > from);
        let most = seen.filter_map(|s| s.ratio).fold(self.budget, f64::max);
        Chart { samples: &self.drawn, from, to: self.axis.to, top: round_up(most), budget: self.budget }
    }

    /// What is read under the cursor, or of the newest sample.
    pub fn reading(&self, look: &Look, area: Rect, buf: &mut Buffer) {
        let cursor = self.axis.cursor;
        let Some(sample) = chart::read(&self.samples, cursor) else {
            let words = match cursor {
                Some(at) => {
                    Words::of(look.key(), format!("▲ {}  ", self.axis.clock(at))).and(look.dim(), "no sample")
                }
                None => Words::of(look.dim(), "no counts yet"),
            };
            words.draw(area, buf);
            return;
        };
        let over = sample.ratio.is_some_and(|ratio| ratio > self.budget);
        let ratio = sample.ratio.map_or("no traffic".to_owned(), format::percent);
        let mut words = Words::of(if over { look.bad() } else { look.strong() }, ratio);
        words.push(
            look.text(),
            match sample.counts {
                Some((bad, total)) if total > 0.0 => format!("  {} failed", format::bad_of(bad, total)),
                Some(_) => String::new(),
                None => "  recorded, no counts".to_owned(),
            },
        );
        self.axis.reading(look, cursor.unwrap_or(sample.to), words, area, buf);
    }

    /// Since when there are samples, where that is later than the begin of the axis.
    pub fn covered(&self) -> Option<String> {
        let (from, to) = (self.axis.from, self.axis.to);
        let first = self.samples.iter().find(|s| s.ratio.is_some()).map(|s| s.from)?;
        let late = first - from > ((to - from) / 20).max(Window::minutes(10).delta());
        late.then(|| format!("since {}", format::since(first, to)))
    }
}

/// Draws the samples with their scale into `area`, whose first columns are the labels.
pub fn draw(look: &Look, series: &Series<'_>, area: Rect, buf: &mut Buffer) {
    let chart = series.chart(series.axis.from);
    let body = super::time_axis::body(area);
    scale(look, &chart, area, buf);
    chart.draw(body, buf, shades(look));
    series.axis.marks(look, body, buf);
    series.axis.cursor(look, body, buf);
}

fn shades(look: &Look) -> Shades {
    Shades { over: look.bad(), within: look.dim(), zero: look.track() }
}

/// Labels of the vertical axis: top, middle, zero.
fn scale(look: &Look, chart: &Chart<'_>, area: Rect, buf: &mut Buffer) {
    let label = |n: u16, text: String, buf: &mut Buffer| {
        put_right(buf, columns(row(area, n), 0, LABELS - 1), &text, look.dim());
    };
    label(0, format::percent(chart.top), buf);
    if area.height >= 5 {
        label(area.height / 2, format::percent(chart.top / 2.0), buf);
    }
    if area.height >= 2 {
        label(area.height - 1, "0".into(), buf);
    }
}

/// The strip of a card: two or more rows of the last hour and one of labels.
pub fn strip(look: &Look, series: &Series<'_>, area: Rect, buf: &mut Buffer) {
    if area.height < 2 {
        return;
    }
    // The last column stays free: a frame may stand there.
    let area = Rect { width: area.width.saturating_sub(1), ..area };
    let earliest = series.axis.change.or(series.axis.onset.map(|o| o.began));
    let hour = series.axis.to - Window::hours(1).delta();
    let begin = earliest.map_or(hour, |at| hour.min(at - Window::minutes(15).delta()));
    let chart = series.chart(begin);
    let body = Rect { height: area.height - 1, ..area };
    chart.draw(body, buf, shades(look));
    if let Some(x) = series.axis.change.and_then(|at| chart.column(at, body.width)) {
        for y in 0..body.height {
            put(buf, columns(row(body, y), x, 1), "┊", look.accent());
        }
    }
    let axis = row(area, area.height - 1);
    let mut labels = vec![(0, format::minute(begin), look.faint())];
    if let Some(change) = series.axis.change {
        let name = series.axis.revisions.iter().find(|r| r.began == Some(change));
        let name = name.map_or("changed".to_owned(), RevisionRow::title);
        let x = chart.column(change, area.width).unwrap_or(0);
        labels.push((x, format!("{name} {}", format::minute(change)), look.accent()));
    }
    if let Some(onset) = series.axis.onset {
        let x = chart.column(onset.began, area.width).unwrap_or(0);
        labels.push((x, format!("onset {}", series.axis.onset_at(onset)), look.bad()));
    }
    labels.push((area.width, format::minute(series.axis.to), look.faint()));
    place(labels, axis, buf);
    let top = format!("{} ", format::percent(chart.top));
    put(buf, columns(row(area, 0), 0, 8), &top, look.faint());
}

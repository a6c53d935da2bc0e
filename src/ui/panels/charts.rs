//! The charts of the selected SLO: one that is chosen by a key, or, where there is room, the error ratio and below it
//! how long requests take, on one time axis. Every row has its place whatever is known, so nothing jumps.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::domain::slo::Slo;
use crate::engine::state::State;
use crate::engine::view::Chart;
use crate::ui::look::Look;
use crate::ui::widgets::words::{below, from, put_right, row, top};

use super::error_ratio::{self, Series};
use super::heat_map;
use super::latency::{self, Latency};
use super::time_axis::{self, Axis, LABELS};

/// Fewer rows than this say nothing.
pub const LEAST: u16 = 6;
/// From here on two charts.
const BOTH: u16 = 16;
/// From here on with a blank row between them.
const CALM: u16 = 22;
/// Rows above a chart: its heading and what is read.
const HEAD: u16 = 2;

/// Draws the charts of `slo`.
pub fn draw(look: &Look, state: &State, slo: &Slo, axis: Axis<'_>, area: Rect, buf: &mut Buffer) {
    if area.height < LEAST || area.width < 24 {
        return;
    }
    let both = area.height >= BOTH;
    let charts = Charts { look, state, slo, axis };
    // The line below the chart is given up first.
    let foot = if area.height > LEAST + 3 { time_axis::ROWS } else { time_axis::ROWS - 1 };
    let bodies = area.height - foot;
    if both {
        let gap = u16::from(area.height >= CALM);
        let upper = (bodies - gap) / 2;
        charts.one(Chart::ErrorRatio, true, top(area, upper), buf);
        let lower = match state.view.chart {
            Chart::ErrorRatio => Chart::Latency,
            chosen => chosen,
        };
        charts.one(lower, false, Rect { height: bodies - upper - gap, ..below(area, upper + gap) }, buf);
    } else {
        charts.one(state.view.chart, true, top(area, bodies), buf);
    }
    charts.foot(below(area, bodies), buf);
}

struct Charts<'a> {
    look: &'a Look,
    state: &'a State,
    slo: &'a Slo,
    axis: Axis<'a>,
}

impl Charts<'_> {
    /// One chart: heading, what is read, and the chart itself.
    fn one(&self, chart: Chart, ranges: bool, area: Rect, buf: &mut Buffer) {
        let (look, reads, body) = (self.look, row(area, 1), below(area, HEAD));
        let head = row(area, 0);
        let used = time_axis::heading(look, &self.state.view, chart, ranges, head, buf);
        match chart {
            Chart::ErrorRatio => {
                let series = Series::on(self.state, &self.slo.id, self.axis);
                if let Some(since) = series.covered() {
                    put_right(buf, from(head, used + 1), &since, look.dim());
                }
                series.reading(look, reads, buf);
                error_ratio::draw(look, &series, body, buf);
            }
            Chart::Latency => {
                let latency = Latency::of(self.state, self.slo);
                latency.reading(look, &self.axis, reads, buf);
                latency::draw(look, &latency, &self.axis, body, buf);
            }
            Chart::HeatMap => {
                let latency = Latency::of(self.state, self.slo);
                heat_map::reading(look, &latency, &self.axis, reads, buf);
                heat_map::draw(look, &latency, &self.axis, body, buf);
            }
        }
    }

    /// The axis below the lowest chart.
    fn foot(&self, area: Rect, buf: &mut Buffer) {
        let skip = u16::from(area.height >= time_axis::ROWS);
        if skip > 0 {
            self.axis.line(self.look, row(area, 0), buf);
        }
        self.axis.names(self.look, from(row(area, skip), LABELS), buf);
        self.axis.times(self.look, from(row(area, skip + 1), LABELS), buf);
    }
}

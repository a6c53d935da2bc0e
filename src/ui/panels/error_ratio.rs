//! The error ratio over time with the rollouts and the onset on the same axis: which deploy did it is answered by
//! looking. What was not measured is left empty, and the range says how much of it is covered.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::domain::Time;
use crate::domain::format;
use crate::domain::inquiry::Bucket;
use crate::domain::slo::SloId;
use crate::domain::window::Window;
use crate::engine::investigate::Study;
use crate::engine::onset::Onset;
use crate::engine::revisions::{Mark, RevisionRow};
use crate::engine::state::State;
use crate::engine::view::RANGES;
use crate::ui::look::{Look, bold};
use crate::ui::widgets::chart::{Chart, Sample, Shades, round_up};
use crate::ui::widgets::text::width;
use crate::ui::widgets::words::{Words, below, columns, from, put, put_right, row};

/// Columns of the vertical axis.
const AXIS: u16 = 7;

/// What is drawn.
pub struct Series<'a> {
    /// Samples.
    pub samples: Vec<Sample>,
    /// Error ratio that the objective allows.
    pub budget: f64,
    /// Rollouts.
    pub revisions: &'a [RevisionRow],
    /// The errors' stretch.
    pub onset: Option<&'a Onset>,
    /// When the change under suspicion began.
    pub change: Option<Time>,
    /// Now.
    pub now: Time,
}

impl<'a> Series<'a> {
    /// Of an SLO.
    pub fn of(
        state: &State,
        slo: &SloId,
        revisions: &'a [RevisionRow],
        onset: Option<&'a Onset>,
        change: Option<Time>,
    ) -> Self {
        let study = state.studies.get(slo);
        let counted = study.map_or_else(Vec::new, counted);
        let first = counted.iter().find(|s| s.ratio.is_some()).map(|s| s.from);
        let mut samples = study.map_or_else(Vec::new, |s| recorded(s, state.view.window()));
        samples.retain(|s| first.is_none_or(|first| s.to <= first));
        samples.extend(counted);
        let budget = state.world.slos.get(slo).and_then(|s| s.budget()).unwrap_or(0.001);
        Self { samples, budget, revisions, onset, change, now: state.now }
    }

    fn chart(&self, from: Time) -> Chart<'_> {
        let seen = self.samples.iter().filter(|s| s.to > from);
        let most = seen.filter_map(|s| s.ratio).fold(self.budget, f64::max);
        Chart { samples: &self.samples, from, to: self.now, top: round_up(most), budget: self.budget }
    }

    /// Rollouts that began after `from`, oldest first.
    fn rollouts(&self, from: Time) -> Vec<(Time, &RevisionRow)> {
        let mut found: Vec<_> = self
            .revisions
            .iter()
            .filter_map(|r| r.began.map(|began| (began, r)))
            .filter(|(began, _)| *began > from && *began <= self.now)
            .collect();
        found.sort_by_key(|(began, _)| *began);
        found
    }
}

/// The counts of the incident.
fn counted(study: &Study) -> Vec<Sample> {
    let Some(answered) = &study.buckets else { return Vec::new() };
    let (buckets, step) = &answered.data;
    let sample = |b: &Bucket| Sample {
        from: b.end - step.delta(),
        to: b.end,
        ratio: b.total.filter(|t| *t > 0.0).map(|t| b.bad.unwrap_or(0.0) / t),
    };
    buckets.iter().map(sample).collect()
}

/// The past that was asked for, if it is the one that is shown.
fn recorded(study: &Study, shown: Window) -> Vec<Sample> {
    let Some(answered) = study.past.as_ref().filter(|a| a.to - a.from == shown.delta()) else {
        return Vec::new();
    };
    let (ratios, step) = &answered.data;
    let sample =
        |(end, ratio): &(Time, f64)| Sample { from: *end - step.delta(), to: *end, ratio: Some(*ratio) };
    ratios.iter().map(sample).collect()
}

/// Draws the chart with its ranges; at least five rows.
pub fn draw(look: &Look, series: &Series<'_>, range: usize, area: Rect, buf: &mut Buffer) {
    if area.height < 5 || area.width < 24 {
        return;
    }
    let window = RANGES.get(range).copied().unwrap_or(RANGES[0]);
    let begin = series.now - window.delta();
    ranges(look, series, range, begin, row(area, 0), buf);
    let chart = series.chart(begin);
    let body = from(Rect { height: area.height - 4, ..below(area, 1) }, AXIS);
    scale(look, &chart, area, body, buf);
    chart.draw(body, buf, shades(look));
    marks(look, series, &chart, body, buf);
    let axis = from(row(area, area.height - 3), AXIS);
    put(buf, axis, &format!("└{}", "─".repeat(usize::from(axis.width.saturating_sub(1)))), look.faint());
    names(look, series, &chart, from(row(area, area.height - 2), AXIS), buf);
    times(look, &chart, window, from(row(area, area.height - 1), AXIS), buf);
}

fn shades(look: &Look) -> Shades {
    Shades { over: look.bad(), within: look.dim(), zero: look.track() }
}

fn ranges(look: &Look, series: &Series<'_>, range: usize, begin: Time, area: Rect, buf: &mut Buffer) {
    let shown = series.now - begin;
    let mut words = Words::of(look.dim(), "ERROR RATIO ");
    for (n, window) in RANGES.iter().enumerate() {
        let (style, text) = if n == range {
            (bold(look.accent()), format!(" [{window}]"))
        } else {
            (look.dim(), format!("  {window} "))
        };
        words.push(style, text);
    }
    let first = series.samples.iter().find(|s| s.ratio.is_some()).map(|s| s.from);
    match first {
        None => words.push(look.dim(), "   no counts yet"),
        Some(first) if first - begin > (shown / 20).max(Window::minutes(10).delta()) => {
            words.push(look.dim(), format!("   counts since {}", format::since(first, series.now)));
        }
        Some(_) => {}
    }
    words.draw(area, buf);
}

/// Labels of the vertical axis: top, middle, zero.
fn scale(look: &Look, chart: &Chart<'_>, area: Rect, body: Rect, buf: &mut Buffer) {
    let label = |n: u16, text: String, buf: &mut Buffer| {
        put_right(buf, columns(row(below(area, 1), n), 0, AXIS - 1), &text, look.dim());
    };
    label(0, format::percent(chart.top), buf);
    if body.height >= 5 {
        label(body.height / 2, format::percent(chart.top / 2.0), buf);
    }
    if body.height >= 2 {
        label(body.height - 1, "0".into(), buf);
    }
}

/// Dashed lines where rollouts began, over what is empty or zero.
fn marks(look: &Look, series: &Series<'_>, chart: &Chart<'_>, body: Rect, buf: &mut Buffer) {
    for (began, _) in series.rollouts(chart.from) {
        let Some(x) = chart.column(began, body.width) else {
            continue;
        };
        for y in 0..body.height {
            let cell = columns(row(body, y), x, 1);
            let empty =
                buf.cell((cell.x, cell.y)).is_some_and(|c| matches!(c.symbol(), " " | "⣀" | "⢀" | "⡀"));
            if empty {
                put(buf, cell, "┊", look.accent());
            }
        }
    }
}

/// Names of the revisions under the times at which they began to roll out, and the onset.
fn names(look: &Look, series: &Series<'_>, chart: &Chart<'_>, area: Rect, buf: &mut Buffer) {
    let mut labels: Vec<(u16, String, Style)> = Vec::new();
    let rollouts = series.rollouts(chart.from);
    let before =
        series.revisions.iter().filter(|r| r.began.is_some_and(|b| b <= chart.from)).max_by_key(|r| r.began);
    if let Some(row) = before {
        labels.push((0, row.title(), look.text()));
    }
    for (began, row) in rollouts {
        let style = if row.mark == Mark::Current { look.strong() } else { look.text() };
        labels.push((chart.column(began, area.width).unwrap_or(0), row.title(), style));
    }
    if let Some(onset) = series.onset
        && let Some(x) = chart.column(onset.began, area.width)
    {
        let text = match series.change {
            Some(change) => format!("▲ onset {}", format::onset(change, onset.began, onset.step)),
            None => format!("▲ onset {}", format::minute(onset.began)),
        };
        labels.push((x, text, look.bad()));
    }
    place(labels, area, buf);
}

/// Places labels from the right, each at its column or as near to the left of it as there is room; those without room
/// are left out.
fn place(mut labels: Vec<(u16, String, Style)>, area: Rect, buf: &mut Buffer) {
    labels.sort_by_key(|(x, _, _)| *x);
    let mut end = area.width;
    for (x, text, style) in labels.into_iter().rev() {
        let wide = width(&text) as u16;
        if wide > end {
            continue;
        }
        let at = x.min(end - wide);
        put(buf, columns(area, at, wide), &text, style);
        end = at.saturating_sub(2);
    }
}

fn times(look: &Look, chart: &Chart<'_>, window: Window, area: Rect, buf: &mut Buffer) {
    let text = |at: Time| match window.secs() {
        s if s > 86_400 => at.format("%-d %b").to_string(),
        _ => format::minute(at),
    };
    let parts = if area.width >= 50 { 4 } else { 2 };
    let mut labels = Vec::new();
    for n in 0..=parts {
        let at = chart.from + (chart.to - chart.from) * n / parts;
        let x = (u32::from(area.width) * n as u32 / parts as u32) as u16;
        labels.push((x, text(at), look.faint()));
    }
    place(labels, area, buf);
}

/// The strip of a card: two or more rows of the last hour and one of labels.
pub fn strip(look: &Look, series: &Series<'_>, area: Rect, buf: &mut Buffer) {
    if area.height < 2 {
        return;
    }
    let earliest = series.change.or(series.onset.map(|o| o.began));
    let hour = series.now - Window::hours(1).delta();
    let begin = earliest.map_or(hour, |at| hour.min(at - Window::minutes(15).delta()));
    let chart = series.chart(begin);
    let body = Rect { height: area.height - 1, ..area };
    chart.draw(body, buf, shades(look));
    if let Some(x) = series.change.and_then(|at| chart.column(at, body.width)) {
        for y in 0..body.height {
            put(buf, columns(row(body, y), x, 1), "┊", look.accent());
        }
    }
    let axis = row(area, area.height - 1);
    let mut labels = vec![(0, format::minute(begin), look.faint())];
    if let Some(change) = series.change {
        let name = series.revisions.iter().find(|r| r.began == Some(change));
        let name = name.map_or("changed".to_owned(), RevisionRow::title);
        let x = chart.column(change, area.width).unwrap_or(0);
        labels.push((x, format!("{name} {}", format::minute(change)), look.accent()));
    }
    if let Some(onset) = series.onset {
        let x = chart.column(onset.began, area.width).unwrap_or(0);
        let text = match series.change {
            Some(change) => format!("onset {}", format::onset(change, onset.began, onset.step)),
            None => format!("onset {}", format::minute(onset.began)),
        };
        labels.push((x, text, look.bad()));
    }
    labels.push((area.width, format::minute(series.now), look.faint()));
    place(labels, axis, buf);
    let top = format!("{} ", format::percent(chart.top));
    put(buf, columns(row(area, 0), 0, 8), &top, look.faint());
}

//! The time axis that all charts of an SLO share: its rollouts and the onset as marks, the cursor, the times below.
//! Which deploy did it is answered by looking, whatever the chart shows.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::domain::Time;
use crate::domain::format;
use crate::domain::window::Window;
use crate::engine::analysis::Analysis;
use crate::engine::chart;
use crate::engine::onset::Onset;
use crate::engine::revisions::{Mark, RevisionRow};
use crate::engine::view::{Chart, RANGES, View};
use crate::ui::look::{Look, bold};
use crate::ui::widgets::text::width;
use crate::ui::widgets::words::{Words, columns, from, put, row};

/// Columns of the vertical axis.
pub const LABELS: u16 = 7;
/// Rows below a chart: line, names, times.
pub const ROWS: u16 = 3;

/// What all charts share.
#[derive(Clone, Copy)]
pub struct Axis<'a> {
    /// Its begin.
    pub from: Time,
    /// Its end: now.
    pub to: Time,
    /// Revisions of the workload.
    pub revisions: &'a [RevisionRow],
    /// The errors' stretch.
    pub onset: Option<&'a Onset>,
    /// When the change under suspicion began.
    pub change: Option<Time>,
    /// Where it is read.
    pub cursor: Option<Time>,
}

impl<'a> Axis<'a> {
    /// Over the range of the view.
    pub fn of(view: &View, now: Time, revisions: &'a [RevisionRow], analysis: Option<&'a Analysis>) -> Self {
        let found = analysis.map(|a| &a.attribution);
        Self {
            from: now - view.window().delta(),
            to: now,
            revisions,
            onset: found.and_then(|f| f.onset.as_ref()),
            change: found.and_then(|f| f.change.as_ref()).map(|c| c.began),
            cursor: view.cursor,
        }
    }

    /// The column of a point in time among `width`; `None` outside of the axis.
    pub fn column(&self, at: Time, width: u16) -> Option<u16> {
        let (span, into) = ((self.to - self.from).num_milliseconds(), (at - self.from).num_milliseconds());
        if span <= 0 || into < 0 || into > span || width == 0 {
            return None;
        }
        let column = into as f64 / span as f64 * f64::from(width);
        Some((column as u16).min(width - 1))
    }

    /// Rollouts within it, oldest first.
    fn rollouts(&self) -> Vec<(Time, &'a RevisionRow)> {
        let began = self.revisions.iter().filter_map(|r| r.began.map(|began| (began, r)));
        let mut found: Vec<_> = began.filter(|(began, _)| *began > self.from && *began <= self.to).collect();
        found.sort_by_key(|(began, _)| *began);
        found
    }

    /// Dashed lines where rollouts began, over what is empty or zero.
    pub fn marks(&self, look: &Look, body: Rect, buf: &mut Buffer) {
        for (began, _) in self.rollouts() {
            let Some(x) = self.column(began, body.width) else { continue };
            for y in 0..body.height {
                let cell = columns(row(body, y), x, 1);
                let free =
                    buf.cell((cell.x, cell.y)).is_some_and(|c| matches!(c.symbol(), " " | "⣀" | "⢀" | "⡀"));
                if free {
                    put(buf, cell, "┊", look.accent());
                }
            }
        }
    }

    /// The cursor: a line over what is empty, the selection's background behind what is not.
    pub fn cursor(&self, look: &Look, body: Rect, buf: &mut Buffer) {
        let Some(x) = self.cursor.and_then(|at| self.column(at, body.width)) else { return };
        for y in 0..body.height {
            let cell = columns(row(body, y), x, 1);
            let Some(found) = buf.cell_mut((cell.x, cell.y)) else { continue };
            if matches!(found.symbol(), " " | "┊") {
                found.set_symbol("│").set_style(bold(look.accent()));
            }
            found.set_style(look.selection());
        }
    }

    /// The line below a chart, with the cursor's place on it.
    pub fn line(&self, look: &Look, area: Rect, buf: &mut Buffer) {
        let wide = usize::from(area.width.saturating_sub(LABELS));
        put(buf, from(area, LABELS - 1), &format!("└{}", "─".repeat(wide)), look.faint());
        let body = from(area, LABELS);
        if let Some(x) = self.cursor.and_then(|at| self.column(at, body.width)) {
            put(buf, columns(body, x, 1), "▲", look.key());
        }
    }

    /// Names of the revisions under the times at which they began to roll out, and the onset.
    pub fn names(&self, look: &Look, area: Rect, buf: &mut Buffer) {
        let mut labels: Vec<(u16, String, Style)> = Vec::new();
        let earlier = self.revisions.iter().filter(|r| r.began.is_some_and(|b| b <= self.from));
        if let Some(row) = earlier.max_by_key(|r| r.began) {
            labels.push((0, row.title(), look.text()));
        }
        for (began, row) in self.rollouts() {
            let style = if row.mark == Mark::Current { look.strong() } else { look.text() };
            labels.push((self.column(began, area.width).unwrap_or(0), row.title(), style));
        }
        if let Some(onset) = self.onset
            && let Some(x) = self.column(onset.began, area.width)
        {
            labels.push((x, format!("▲ onset {}", self.onset_at(onset)), look.bad()));
        }
        place(labels, area, buf);
    }

    /// When the errors began, in words: after the change, where one is suspected.
    pub fn onset_at(&self, onset: &Onset) -> String {
        match self.change {
            Some(change) => format::onset(change, onset.began, onset.step),
            None => format::minute(onset.began),
        }
    }

    /// Times at even distances.
    pub fn times(&self, look: &Look, area: Rect, buf: &mut Buffer) {
        let days = self.to - self.from > Window::days(1).delta();
        let text = |at: Time| if days { at.format("%-d %b").to_string() } else { format::minute(at) };
        let parts = if area.width >= 50 { 4 } else { 2 };
        let mut labels = Vec::new();
        for n in 0..=parts {
            let at = self.from + (self.to - self.from) * n / parts;
            let x = (u32::from(area.width) * n as u32 / parts as u32) as u16;
            labels.push((x, text(at), look.faint()));
        }
        place(labels, area, buf);
    }

    /// A point in time as exact as the range asks for.
    pub fn clock(&self, at: Time) -> String {
        let short = self.to - self.from <= Window::hours(6).delta();
        if short { format::clock(at) } else { at.format("%-d %b %H:%M").to_string() }
    }

    /// What is read: when, then `values`, then which revision served.
    pub fn reading(&self, look: &Look, at: Time, values: Words, area: Rect, buf: &mut Buffer) {
        let mut words = match self.cursor {
            Some(_) => Words::of(look.key(), format!("▲ {}  ", self.clock(at))),
            None => Words::of(look.dim(), format!("{}  ", self.clock(at))),
        };
        words.append(values);
        if let Some(revision) = chart::served_at(self.revisions, at) {
            words.push(look.dim(), "   on ");
            words.push(look.text(), revision.title());
        }
        words.draw(area, buf);
    }
}

/// The part of a chart that is not labels.
pub fn body(area: Rect) -> Rect {
    from(area, LABELS)
}

/// The charts with the one that is shown; above the first chart the ranges as well. Returns the columns used.
pub fn heading(look: &Look, view: &View, shown: Chart, first: bool, area: Rect, buf: &mut Buffer) -> u16 {
    let mut words = Words::new();
    for chart in Chart::ALL {
        let name = match chart {
            Chart::ErrorRatio => "ERROR RATIO",
            Chart::Latency => "LATENCY",
            Chart::HeatMap => "HEAT MAP",
        };
        if chart == shown {
            words.push(look.strong(), name);
        } else {
            words.push(look.faint(), name.to_lowercase());
        }
        words.push(look.text(), "  ");
    }
    for (n, window) in RANGES.iter().enumerate().filter(|_| first) {
        if n == view.range {
            words.push(bold(look.accent()), format!("[{window}]"));
        } else {
            words.push(look.dim(), format!(" {window} "));
        }
    }
    words.draw(area, buf)
}

/// Places labels from the right, each at its column or as near to the left of it as there is room; those without room
/// are left out.
pub fn place(mut labels: Vec<(u16, String, Style)>, area: Rect, buf: &mut Buffer) {
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

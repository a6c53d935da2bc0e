//! The event log: time, source, sentence, full width, newest at the bottom.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::domain::format;
use crate::engine::state::{LogLine, State, Weight};
use crate::engine::view::{self, Pane};
use crate::ui::look::Look;
use crate::ui::mouse::Target;
use crate::ui::widgets::text::wrap_within;
use crate::ui::widgets::words::{Words, below, columns, from, put, put_right, row, rule};

use super::{footer, header};

/// Columns of the source's name.
const SOURCE: u16 = 10;
/// Where the sentence begins.
const TEXT: u16 = 10 + SOURCE + 2;

/// Draws the end of the log, or `scrolled` lines before it.
pub fn draw(look: &Look, state: &State, scrolled: usize, area: Rect, buf: &mut Buffer) {
    look.places.note(area, Target::Zone(Pane::Log));
    let rows = usize::from(area.height);
    let all = view::log_range(state);
    let end = all.end.saturating_sub(scrolled).max(all.start + rows.min(all.len()));
    let first = end.saturating_sub(rows).max(all.start);
    for (n, line) in state.log.range(first..end).enumerate() {
        one(look, line, row(area, n as u16), buf);
    }
    nothing(look, state, area, buf);
}

/// Why there is no line, where there is none.
fn nothing(look: &Look, state: &State, area: Rect, buf: &mut Buffer) {
    if state.log.is_empty() {
        put(buf, from(area, 1), "nothing has happened yet", look.dim());
    } else if view::log_range(state).is_empty() {
        put(buf, from(area, 1), "nothing happened in the time of the filter", look.dim());
    }
}

/// What the filter hides, if it hides anything.
fn hidden(state: &State) -> String {
    match state.log.len() - view::log_range(state).len() {
        0 => String::new(),
        hidden => format!(", {hidden} hidden by the filter's time"),
    }
}

/// Draws the end of the log, or `scrolled` lines before it, with every sentence to its end.
fn wrapped(look: &Look, state: &State, scrolled: usize, area: Rect, buf: &mut Buffer) {
    let columns = usize::from(area.width.saturating_sub(TEXT + 1)).max(1);
    let all = view::log_range(state);
    let end = all.end.saturating_sub(scrolled).max(all.start + 1).min(all.end);
    let mut left = area.height;
    let mut shown = Vec::new();
    for line in state.log.range(all.start.min(end)..end).rev() {
        let rows = wrap_within(line.text.as_str(), columns, usize::from(area.height.max(1)));
        let Some(rest) = left.checked_sub(rows.len() as u16) else { break };
        left = rest;
        shown.push((line, rows));
    }
    let mut y = 0;
    for (line, rows) in shown.into_iter().rev() {
        label(look, line, row(area, y), buf);
        for text in rows {
            put(buf, from(row(area, y), TEXT), &text, weight(look, line.weight));
            y += 1;
        }
    }
    nothing(look, state, area, buf);
}

fn one(look: &Look, line: &LogLine, area: Rect, buf: &mut Buffer) {
    label(look, line, area, buf);
    Words::of(weight(look, line.weight), line.text.as_str()).draw(from(area, TEXT), buf);
}

fn label(look: &Look, line: &LogLine, area: Rect, buf: &mut Buffer) {
    put(buf, from(area, 1), &format::clock(line.at), look.faint());
    put_right(buf, columns(area, 10, SOURCE), line.source, look.dim());
}

fn weight(look: &Look, weight: Weight) -> Style {
    match weight {
        Weight::Plain => look.text(),
        Weight::Good => look.good(),
        Weight::Attention => look.attention(),
        Weight::Bad => look.bad(),
    }
}

/// The log alone.
pub fn page(look: &Look, state: &State, area: Rect, buf: &mut Buffer) {
    header::draw(look, state, row(area, 0), buf);
    let title = Words::of(look.strong(), "EVENT LOG").and(
        look.dim(),
        format!("   {} lines, newest last, UTC{}", view::log_range(state).len(), hidden(state)),
    );
    title.draw(from(row(area, 1), 1), buf);
    rule(buf, row(area, 2), look.faint());
    let body = Rect { height: area.height.saturating_sub(4), ..below(area, 3) };
    // Scrolling goes back from the end: the end is why one looks.
    wrapped(look, state, state.view.scroll, body, buf);
    let keys = [("up", "older/newer"), ("page_up", "page"), ("log", "back"), ("quit", "quit")];
    footer::draw(look, "main", &keys, row(area, area.height.saturating_sub(1)), buf);
}

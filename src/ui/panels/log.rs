//! The event log: time, source, sentence, full width, newest at the bottom.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::domain::format;
use crate::engine::state::{LogLine, State, Weight};
use crate::ui::look::Look;
use crate::ui::widgets::words::{Words, below, columns, from, put, put_right, row, rule};

use super::{footer, header};

/// Columns of the source's name.
const SOURCE: u16 = 10;

/// Draws the end of the log, or `scrolled` lines before it.
pub fn draw(look: &Look, state: &State, scrolled: usize, area: Rect, buf: &mut Buffer) {
    let rows = usize::from(area.height);
    let end = state.log.len().saturating_sub(scrolled).max(rows.min(state.log.len()));
    let first = end.saturating_sub(rows);
    for (n, line) in state.log.range(first..end).enumerate() {
        one(look, line, row(area, n as u16), buf);
    }
    if state.log.is_empty() {
        put(buf, from(area, 1), "nothing has happened yet", look.dim());
    }
}

fn one(look: &Look, line: &LogLine, area: Rect, buf: &mut Buffer) {
    put(buf, from(area, 1), &format::clock(line.at), look.faint());
    put_right(buf, columns(area, 10, SOURCE), line.source, look.dim());
    Words::of(weight(look, line.weight), line.text.as_str()).draw(from(area, 10 + SOURCE + 2), buf);
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
    let title = Words::of(look.strong(), "EVENT LOG")
        .and(look.dim(), format!("   {} lines, newest last, UTC", state.log.len()));
    title.draw(from(row(area, 1), 1), buf);
    rule(buf, row(area, 2), look.faint());
    let body = Rect { height: area.height.saturating_sub(4), ..below(area, 3) };
    // Scrolling goes back from the end: the end is why one looks.
    draw(look, state, state.view.scroll, body, buf);
    let keys = [("up", "older/newer"), ("page_up", "page"), ("log", "back"), ("quit", "quit")];
    footer::draw(look, "main", &keys, row(area, area.height.saturating_sub(1)), buf);
}

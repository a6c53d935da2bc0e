//! The journal as a page: its records newest first, and whether the chain holds.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::domain::clean::Clean;
use crate::domain::format;
use crate::engine::filter::Filter;
use crate::engine::ledger::{self, KEPT, Summary};
use crate::engine::state::State;
use crate::ui::look::{Look, bold};
use crate::ui::widgets::text::fit;
use crate::ui::widgets::words::{Words, below, columns, from, put, put_right, row, rule, tint};

use super::{footer, header};

/// Columns of a time of today, and of one with its day.
const TIME: (u16, u16) = (8, 15);
const KIND: u16 = 10;
const OUTCOME: u16 = 13;
/// From here on there are columns for who it was and for the workload.
const WIDE: u16 = 110;

/// Draws the list.
pub fn draw(look: &Look, state: &State, area: Rect, buf: &mut Buffer) {
    header::draw(look, state, row(area, 0), buf);
    Words::of(look.strong(), "JOURNAL").and(look.dim(), heading(state)).draw(from(row(area, 1), 1), buf);
    chain(look, state).draw(from(row(area, 2), 1), buf);
    rule(buf, row(area, 3), look.faint());
    let body = Rect { height: area.height.saturating_sub(6), ..below(area, 4) };
    let shown = ledger::shown(state);
    let at = ledger::selected(state).map_or(0, |(at, _)| at);
    let visible = usize::from(body.height).max(1);
    let time = if shown.iter().all(|entry| is_today(state, entry)) { TIME.0 } else { TIME.1 };
    let first = at.saturating_sub(visible.saturating_sub(1) / 2).min(shown.len().saturating_sub(visible));
    for (n, entry) in shown.iter().enumerate().skip(first).take(visible) {
        let place = row(body, (n - first) as u16);
        if n == at {
            tint(buf, place, look.selection());
            put(buf, place, "▌", look.accent());
        }
        line(look, state, entry, time, place, buf);
    }
    if shown.is_empty() {
        let text = match &state.ledger.told {
            None => "the journal is being read",
            Some(told) if told.entries.is_empty() => "nothing was recorded yet",
            Some(_) => "no record passes the filter; esc clears it",
        };
        put(buf, from(row(body, 1), 1), text, look.dim());
    }
    below_list(look, state, row(area, area.height.saturating_sub(2)), buf);
    let keys = [
        ("open", "the record"),
        ("export", "post-mortem"),
        ("filter", "filter"),
        ("up", "select"),
        ("journal", "back"),
        ("help", "help"),
        ("quit", "quit"),
    ];
    footer::draw(look, "main", &keys, row(area, area.height.saturating_sub(1)), buf);
}

fn heading(state: &State) -> String {
    let Some(told) = &state.ledger.told else { return String::new() };
    let records = format::several(usize::try_from(told.records).unwrap_or(usize::MAX), "record");
    let kept = if told.records > KEPT as u64 { format!(", the newest {KEPT} here") } else { String::new() };
    format!("   {records}{kept}, newest first, UTC")
}

/// Whether the chain verifies, and its head.
fn chain(look: &Look, state: &State) -> Words {
    match state.ledger.told.as_ref().map(|told| &told.head) {
        None => Words::of(look.dim(), "the chain is being verified"),
        Some(Ok(head)) if head.is_empty() => Words::of(look.dim(), "the chain has no record yet"),
        Some(Ok(head)) => {
            Words::of(look.good(), "the chain verifies").and(look.dim(), format!("   head {head}"))
        }
        Some(Err(why)) => {
            Words::of(bold(look.bad()), "the chain does NOT verify").and(look.text(), format!("   {why}"))
        }
    }
}

fn is_today(state: &State, entry: &Summary) -> bool {
    entry.time.date_naive() == state.now.date_naive()
}

fn line(look: &Look, state: &State, entry: &Summary, time: u16, area: Rect, buf: &mut Buffer) {
    let at = if is_today(state, entry) {
        format::clock(entry.time)
    } else {
        entry.time.format("%-d %b %H:%M:%S").to_string()
    };
    put_right(buf, columns(area, 1, time), &at, look.dim());
    let mut x = 1 + time + 2;
    put(buf, columns(area, x, KIND), entry.kind.as_str(), look.text());
    x += KIND + 1;
    if area.width >= WIDE {
        for (text, style) in [(&entry.by, look.dim()), (&entry.workload, look.text())] {
            put(buf, columns(area, x, 22), &fit(text.as_str(), 22), style);
            x += 23;
        }
    }
    let what = columns(area, x, area.width.saturating_sub(x + OUTCOME + 2));
    let mut words = Words::of(look.text(), entry.what.as_str());
    if area.width < WIDE && !entry.by.as_str().is_empty() {
        words = Words::of(look.dim(), format!("{}: ", entry.by)).and(look.text(), entry.what.as_str());
    }
    words.draw(what, buf);
    let style = match entry.outcome.as_str() {
        "helped" => look.good(),
        "not_helped" | "worse" | "unknown" | "partial" => look.bad(),
        _ => look.dim(),
    };
    put_right(
        buf,
        columns(area, area.width.saturating_sub(OUTCOME + 1), OUTCOME),
        entry.outcome.as_str(),
        style,
    );
}

/// The filter while it is typed or holds, else what came of an export.
pub fn below_list(look: &Look, state: &State, area: Rect, buf: &mut Buffer) {
    let area = from(area, 1);
    if state.view.filtering || !state.view.filter.is_empty() {
        let mut words = Words::of(look.key(), "/").and(look.text(), Clean::new(&state.view.filter).as_str());
        if state.view.filtering {
            words.push(look.accent(), "▏");
        }
        if let Some(problem) = Filter::parse(&state.view.filter).problems.first() {
            words.push(look.attention(), format!("   {problem}"));
        }
        words.draw(area, buf);
        return;
    }
    match &state.ledger.exported {
        None => {}
        Some(Ok(place)) => {
            Words::of(look.good(), "post-mortem written to ")
                .and(look.text(), place.as_str())
                .draw(area, buf);
        }
        Some(Err(why)) => {
            Words::of(look.attention(), why.as_str()).draw(area, buf);
        }
    }
}

//! The revisions of a workload, newest first: what each changed, when and how long it served, how many requests failed
//! meanwhile, and what is remembered of it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::domain::diff;
use crate::domain::format;
use crate::domain::verdict::{Gate, GateState, Method};
use crate::engine::analysis::Analysis;
use crate::engine::revisions::{Mark, RevisionRow};
use crate::engine::state::State;
use crate::engine::view::Pane;
use crate::ui::look::{Look, bold};
use crate::ui::mouse::Target;
use crate::ui::widgets::words::{Words, below, columns, from, put, put_right, row, tint};

/// What the table shows.
pub struct Table<'a> {
    /// The timeline.
    pub rows: &'a [RevisionRow],
    /// The newest analysis, for the target's mark.
    pub analysis: Option<&'a Analysis>,
    /// Error ratio that the objective allows.
    pub budget: Option<f64>,
    /// Something burns.
    pub burning: bool,
    /// The arrow keys move in here.
    pub focused: bool,
}

/// Columns of the wide table that do not grow.
const SINCE: u16 = 11;
const SERVED: u16 = 6;
const FAILED: u16 = 17;
const RATIO: u16 = 10;
const CLIENT: (u16, u16) = (10, 22);
const WORDS: u16 = 13;

/// What is said of a revision: mark, its style, words.
pub fn mark(look: &Look, table: &Table<'_>, each: &RevisionRow) -> (&'static str, Style, String) {
    let is_target = table.analysis.is_some_and(|a| a.target.as_ref() == Some(&each.uid) && a.offer.acts());
    let good = table.analysis.is_some_and(|a| a.gate(Gate::TargetGood) == GateState::Pass);
    let bad = matches!((each.ratio(), table.budget), (Some(ratio), Some(budget)) if ratio > budget);
    match &each.mark {
        Mark::Current if table.burning => ("●", look.bad(), "current".into()),
        Mark::Current => ("●", look.text(), "current".into()),
        Mark::RolledBack(when) => ("✕", look.dim(), format!("undone {}", when.format("%-d %b"))),
        _ if is_target && good => ("◆", look.good(), "last good".into()),
        _ if is_target => ("◆", look.attention(), "target".into()),
        Mark::LastGood => ("◆", look.good(), "last good".into()),
        Mark::Bad => ("✕", look.dim(), "measured bad".into()),
        Mark::Plain if bad => ("✕", look.dim(), "missed SLO".into()),
        Mark::Plain => ("○", look.dim(), String::new()),
    }
}

/// Draws the table: one line for each revision where there is room, else two.
pub fn draw(look: &Look, state: &State, table: &Table<'_>, area: Rect, buf: &mut Buffer) {
    let wide = area.width >= 110;
    look.places.note(area, Target::Zone(Pane::Revisions));
    heading(look, table, wide, row(area, 0), buf);
    if table.rows.is_empty() {
        put(buf, from(row(area, 1), 1), "no ReplicaSets of it are known", look.dim());
        return;
    }
    let each = if wide { 1 } else { 2 };
    let visible = usize::from((area.height.saturating_sub(1)) / each).max(1);
    let selected = state.view.revision.as_ref();
    let at = table.rows.iter().position(|r| Some(&r.uid) == selected).unwrap_or(0);
    let first = at.saturating_sub(visible - 1);
    for (n, revision) in table.rows.iter().enumerate().skip(first).take(visible) {
        let place = Rect { height: each.min(area.height), ..below(area, 1 + (n - first) as u16 * each) };
        if place.bottom() > area.bottom() {
            break;
        }
        look.places.note(place, Target::Revision(revision.uid.clone()));
        if n == at && table.focused {
            tint(buf, place, look.selection());
            put(buf, place, "▌", look.accent());
        }
        // The one that a comparison begins with.
        if state.view.marked.as_ref().is_some_and(|(_, uid)| *uid == revision.uid) {
            put(buf, columns(row(place, 0), 2, 1), "☑", bold(look.accent()));
        }
        if wide {
            one_line(look, state, table, revision, place, buf);
        } else {
            two_lines(look, state, table, revision, place, buf);
        }
    }
    let hidden = table.rows.len().saturating_sub(first + visible);
    if hidden > 0 {
        put_right(buf, row(area, 0), &format!("{hidden} older below"), look.dim());
    }
}

fn heading(look: &Look, table: &Table<'_>, wide: bool, area: Rect, buf: &mut Buffer) {
    let style = if table.focused { bold(look.accent()) } else { look.dim() };
    Words::of(style, "REVISIONS").and(look.dim(), "   what changed").draw(from(area, 1), buf);
    if !wide {
        return;
    }
    let at = Places::within(area.width);
    put(buf, columns(area, at.client, at.since.saturating_sub(at.client + 1)), "client", look.dim());
    put(buf, columns(area, at.since, SINCE), "since", look.dim());
    put_right(buf, columns(area, at.served, SERVED), "served", look.dim());
    let by_time = table.rows.iter().any(|r| r.counts.is_some() && r.method == Method::ByTime);
    let heading = if by_time { "failed while serving, ~ by time" } else { "failed while serving" };
    put(buf, from(area, at.failed + 3), heading, look.dim());
}

/// Where the columns of the wide table begin.
struct Places {
    client: u16,
    since: u16,
    served: u16,
    failed: u16,
    ratio: u16,
    words: u16,
}

impl Places {
    fn within(width: u16) -> Self {
        let words = width.saturating_sub(WORDS);
        let ratio = words.saturating_sub(RATIO + 1);
        let failed = ratio.saturating_sub(FAILED);
        let served = failed.saturating_sub(SERVED);
        let since = served.saturating_sub(SINCE);
        let client = since.saturating_sub((width / 12).clamp(CLIENT.0, CLIENT.1) + 1);
        Self { client, since, served, failed, ratio, words }
    }
}

fn one_line(look: &Look, state: &State, table: &Table<'_>, each: &RevisionRow, area: Rect, buf: &mut Buffer) {
    let at = Places::within(area.width);
    let (mark, style, words) = mark(look, table, each);
    let strong = if each.mark == Mark::Current { look.strong() } else { look.text() };
    put(buf, columns(area, 1, 1), mark, style);
    put(buf, columns(area, 3, 13), &each.title(), strong);
    let what = columns(area, 17, at.client.saturating_sub(18));
    put(buf, what, &changes(each), if each.mark == Mark::Current { look.text() } else { look.dim() });
    let client = each.client.as_ref().map_or("", |c| c.as_str());
    put(buf, columns(area, at.client, at.since.saturating_sub(at.client + 1)), client, look.dim());
    put(buf, columns(area, at.since, SINCE), &since(state, each), look.dim());
    put_right(buf, columns(area, at.served, SERVED), &format::span(each.served.length()), look.text());
    let (counts, ratio) = failed(each);
    let counted = if mark == "●" { style } else { look.text() };
    put_right(buf, columns(area, at.failed, FAILED), &counts, counted);
    put_right(buf, columns(area, at.ratio, RATIO - 1), &ratio, counted);
    put(buf, columns(area, at.words, WORDS - 1), &words, style);
}

fn two_lines(
    look: &Look,
    state: &State,
    table: &Table<'_>,
    each: &RevisionRow,
    area: Rect,
    buf: &mut Buffer,
) {
    let (mark, style, words) = mark(look, table, each);
    let strong = if each.mark == Mark::Current { look.strong() } else { look.text() };
    let (counts, ratio) = failed(each);
    let first = row(area, 0);
    put(buf, columns(first, 1, 1), mark, style);
    put(buf, columns(first, 3, 15), &each.title(), strong);
    put(buf, columns(first, 19, SINCE), &since(state, each), look.dim());
    put_right(buf, columns(first, 19 + SINCE, SERVED - 1), &format::span(each.served.length()), look.text());
    let line = Words::of(look.text(), format!("{counts}  {ratio}")).and(style, format!("  {words}"));
    line.draw(from(first, 19 + SINCE + SERVED + 1), buf);
    put(buf, from(row(area, 1), 5), &changes(each), look.dim());
}

/// What a revision changed; a claim about why is marked as one.
pub fn changes(each: &RevisionRow) -> String {
    let mut all: Vec<String> = each.changes.iter().map(diff::sentence).collect();
    if let Some(claim) = &each.claim {
        all.push(format!("“{claim}” (claim)"));
    }
    if all.is_empty() {
        return "oldest revision that is known".into();
    }
    all.join(" · ")
}

fn since(state: &State, each: &RevisionRow) -> String {
    let at = each.served.since().or(each.began);
    at.map_or("unknown".into(), |at| format::since(at, state.now))
}

/// Counts and ratio while it served.
pub fn failed(each: &RevisionRow) -> (String, String) {
    match each.counts {
        Some(counts) if counts.total > 0.0 => {
            let by = if each.method == Method::ByTime { " ~" } else { "" };
            (
                format!("{}{by}", format::bad_of(counts.bad, counts.total)),
                format::percent(counts.bad / counts.total),
            )
        }
        Some(_) => ("no requests".into(), String::new()),
        None => ("no counts".into(), String::new()),
    }
}

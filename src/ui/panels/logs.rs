//! What one container writes, as it writes it: the end at the bottom, every character as text, what was searched marked.
//! What is not here is said: lines that were let go, the rest of a line that was too long, a gap in the stream.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;

use crate::domain::clean::Clean;
use crate::domain::cluster::{Key, Uid};
use crate::domain::format;
use crate::engine::event::PageShown;
use crate::engine::inspect::{Kept, LINES, LogState, OpenLog};
use crate::engine::state::State;
use crate::ui::look::{Look, bold};
use crate::ui::widgets::text::{tail, wrap_within};
use crate::ui::widgets::words::{Words, below, from, put, put_right, row, tint};

use super::{footer, header};

/// Columns in front of each line: the mark of a match.
const GUTTER: u16 = 2;

/// Draws the page.
pub fn draw(
    look: &Look,
    state: &State,
    workload: &Key,
    uid: &Uid,
    area: Rect,
    buf: &mut Buffer,
) -> PageShown {
    header::draw(look, state, row(area, 0), buf);
    let none = OpenLog::default();
    let log = state.inspected.log.as_ref().filter(|log| log.uid == *uid).unwrap_or(&none);
    title(look, state, workload, log, row(area, 1), buf);
    let searched = state.view.pod_log.typing.is_some() || !state.view.pod_log.query.is_empty();
    let field = u16::from(searched);
    let mut body = Rect { height: area.height.saturating_sub(3 + field), ..below(area, 2) };
    for line in standing(look, log, usize::from(body.width).saturating_sub(2)) {
        line.draw(from(row(body, 0), 1), buf);
        body = below(body, 1);
    }
    let rows = lines(look, state, log, body, buf);
    if searched {
        search(look, state, log, row(area, area.height.saturating_sub(2)), buf);
    }
    keys(look, state, log, row(area, area.height.saturating_sub(1)), buf);
    PageShown { rows, ..PageShown::default() }
}

fn title(look: &Look, state: &State, workload: &Key, log: &OpenLog, area: Rect, buf: &mut Buffer) {
    let pod = state.inspected.pod.as_ref();
    let name = pod.map_or(workload.name.as_str(), |pod| pod.key.name.as_str());
    let containers = pod.and_then(|pod| pod.page.as_ref()).map_or(0, |page| page.containers.len());
    let of = if containers > 1 { format!(" of {containers}") } else { String::new() };
    let mut words = Words::of(look.strong(), "LOG").and(look.dim(), format!("  {name} "));
    if !log.container.is_empty() {
        words.push(look.text(), format!("container {}{of}", log.container));
    }
    if log.previous {
        words.push(bold(look.attention()), ", before its last restart");
    }
    let mut right = match (&log.state, state.view.pod_log.bottom) {
        (LogState::Live, None) => Words::of(look.good(), "● follows"),
        (LogState::Live, Some(_)) => Words::of(look.attention(), "▲ scrolled back, more comes below"),
        (LogState::Opening, _) => Words::of(look.dim(), "being opened"),
        (LogState::Lost(_), _) => Words::of(bold(look.attention()), "▲ interrupted"),
        (LogState::Ended(_), _) => Words::of(look.dim(), "■ ended"),
        (LogState::Stopped, _) => Words::of(look.attention(), "■ not followed"),
    };
    let kept = log.lines.iter().filter(|kept| !kept.note).count();
    right.push(look.dim(), format!(" · {} ", format::several(kept, "line")));
    let room = usize::from(area.width).saturating_sub(right.width() + 3);
    words.cut(room).draw(from(area, 1), buf);
    right.draw_right(area, buf);
}

/// Why nothing comes, in words, where that is so; and what is not kept any more.
fn standing(look: &Look, log: &OpenLog, columns: usize) -> Vec<Words> {
    let mut lines = Vec::new();
    let mut say = |style, text: &str| {
        lines.extend(wrap_within(text, columns, 3).into_iter().map(|line| Words::of(style, line)));
    };
    match &log.state {
        LogState::Lost(why) => say(look.attention(), &format!("interrupted, tried again by itself: {why}")),
        LogState::Ended(why) if log.lines.iter().all(|kept| kept.note) => say(look.attention(), why.as_str()),
        LogState::Live | LogState::Stopped | LogState::Ended(_) | LogState::Opening => {}
    }
    if log.dropped > 0 {
        let dropped = format::grouped(log.dropped as f64);
        say(
            look.dim(),
            &format!("{dropped} older lines were let go: {} are kept at most", format::grouped(LINES as f64)),
        );
    }
    lines
}

/// Draws lines up to the lowest one that is wanted; returns how many.
fn lines(look: &Look, state: &State, log: &OpenLog, area: Rect, buf: &mut Buffer) -> usize {
    if log.lines.is_empty() {
        let words = match &log.state {
            LogState::Opening => "being read",
            LogState::Live => "nothing was written yet",
            _ => "",
        };
        put(buf, from(row(area, 0), 1), words, look.dim());
        return usize::from(area.height);
    }
    let oldest = log.lines.front().map_or(0, |kept| kept.number);
    let bottom = state.view.pod_log.bottom.or(log.newest()).unwrap_or(oldest).max(oldest);
    let end = usize::try_from(bottom - oldest + 1).unwrap_or(usize::MAX).min(log.lines.len());
    let columns = usize::from(area.width.saturating_sub(GUTTER + 1));
    let most = usize::from(area.height.max(1));
    let mut left = most;
    let mut shown: Vec<(&Kept, Vec<Words>)> = Vec::new();
    for kept in log.lines.range(..end).rev() {
        let mut rows = one(look, state, kept, columns);
        if rows.len() > left {
            if shown.is_empty() {
                rows.truncate(left.max(1));
                if let Some(last) = rows.last_mut() {
                    *last = std::mem::take(last).cut(columns.saturating_sub(1)).and(look.attention(), "…");
                }
            } else {
                break;
            }
        }
        left = left.saturating_sub(rows.len());
        shown.push((kept, rows));
    }
    shown.reverse();
    // Above the oldest line there is nothing: what is newer fills the screen.
    for kept in log.lines.range(end..) {
        let rows = one(look, state, kept, columns);
        if rows.len() > left {
            break;
        }
        left -= rows.len();
        shown.push((kept, rows));
    }
    let mut y = 0;
    for (kept, rows) in &shown {
        mark(look, state, log, kept, Rect { height: rows.len() as u16, ..below(area, y) }, buf);
        for words in rows {
            words.draw(from(row(area, y), GUTTER), buf);
            y += 1;
        }
    }
    shown.len().max(1)
}

/// The sign of a match in front of its line, and the line on which somebody is.
fn mark(look: &Look, state: &State, log: &OpenLog, kept: &Kept, area: Rect, buf: &mut Buffer) {
    if state.view.pod_log.query.is_empty() {
        return;
    }
    if state.view.pod_log.at == Some(kept.number) {
        tint(buf, area, look.selection());
        put(buf, area, "▶", bold(look.accent()));
    } else if log.found.binary_search(&kept.number).is_ok() {
        put(buf, area, "·", look.accent());
    }
}

fn one(look: &Look, state: &State, kept: &Kept, columns: usize) -> Vec<Words> {
    let line = &kept.line;
    if kept.note {
        let at = line.at.map_or(String::new(), |at| format!("{} ", format::clock(at)));
        let text = format!("── {at}{} ──", line.text);
        return Words::of(bold(look.attention()), text).wrap(columns);
    }
    let mut words = Words::new();
    if state.view.pod_log.times {
        let time = line.at.map_or("--:--:--.---".to_owned(), |at| at.format("%H:%M:%S%.3f").to_string());
        words.push(look.faint(), format!("{time} "));
    }
    words.append(marked(look, line.text.as_str(), &state.view.pod_log.query));
    if line.cut > 0 {
        let cut = format::grouped(line.cut as f64);
        words.push(look.attention(), format!(" … {cut} more bytes of this line are not shown"));
    }
    words.chop(columns)
}

/// The text with every match of `query` marked.
fn marked(look: &Look, text: &str, query: &str) -> Words {
    let (low, wanted) = (text.to_lowercase(), query.to_lowercase());
    // A letter whose small form has another length would shift the places; such a line is marked in front only.
    if wanted.is_empty() || low.len() != text.len() {
        return Words::of(look.text(), text);
    }
    let mut words = Words::new();
    let mut at = 0;
    for (place, found) in low.match_indices(&wanted) {
        let (Some(before), Some(found)) = (text.get(at..place), text.get(place..place + found.len())) else {
            continue;
        };
        words.push(look.text(), before);
        words.push(bold(look.accent()).add_modifier(Modifier::REVERSED), found);
        at = place + found.len();
    }
    words.and(look.text(), text.get(at..).unwrap_or_default())
}

fn search(look: &Look, state: &State, log: &OpenLog, area: Rect, buf: &mut Buffer) {
    let view = &state.view.pod_log;
    let width = usize::from(area.width);
    if let Some(typing) = &view.typing {
        Words::of(bold(look.accent()), "search ")
            .and(look.text(), tail(Clean::new(typing).as_str(), width.saturating_sub(12)))
            .and(look.accent(), "▏")
            .draw(from(area, 1), buf);
        return;
    }
    let at = view.at.and_then(|at| log.found.binary_search(&at).ok());
    let count = match (log.found.len(), at) {
        (0, _) => "no line has it".to_owned(),
        (all, Some(at)) => format!("line {} of {all} that have it", at + 1),
        (all, None) => {
            format!("{} it", if all == 1 { "1 line has".into() } else { format!("{all} lines have") })
        }
    };
    let query = Clean::new(&view.query);
    let room = width.saturating_sub(count.len() + 6);
    Words::of(look.dim(), "searched ").and(look.text(), query.as_str()).cut(room).draw(from(area, 1), buf);
    put_right(
        buf,
        area,
        &format!("{count} "),
        if log.found.is_empty() { look.attention() } else { look.text() },
    );
}

fn keys(look: &Look, state: &State, log: &OpenLog, area: Rect, buf: &mut Buffer) {
    if state.view.pod_log.typing.is_some() {
        let keys = [("enter", "search"), ("esc", "leave")];
        return footer::draw_keys(
            look,
            keys.iter().map(|(k, w)| ((*k).to_owned(), (*w).to_owned())).collect(),
            1,
            area,
            buf,
        );
    }
    let mut keys = Vec::new();
    if !log.previous {
        keys.push(("follow", if log.stream.is_some() { "stop" } else { "follow" }));
    }
    keys.push(("search", "search"));
    if !log.found.is_empty() {
        keys.extend([("next", "newer"), ("next_back", "older")]);
    }
    keys.push(("previous", if log.previous { "this run" } else { "before restart" }));
    let page = state.inspected.pod.as_ref().and_then(|pod| pod.page.as_ref());
    if page.is_some_and(|page| page.containers.len() > 1) {
        keys.push(("container", "container"));
    }
    keys.extend([
        ("times", "times"),
        ("copy", "copy"),
        ("end", "newest"),
        ("up", "scroll"),
        ("help", "help"),
        ("back", "back"),
    ]);
    footer::draw(look, "page", &keys, area, buf);
}

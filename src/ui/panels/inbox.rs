//! The inbox: what waits for a person, what goes on and what ended lately, of all workloads. One row selects, Enter opens
//! its card; nothing is decided here.

use chrono::TimeDelta;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::domain::cluster::Key;
use crate::domain::format;
use crate::engine::courtesy;
use crate::engine::gate::Proposal;
use crate::engine::inbox::{self, Item};
use crate::engine::incident::Incident;
use crate::engine::record::PastAction;
use crate::engine::state::State;
use crate::engine::verify::Phase;
use crate::engine::view;
use crate::ui::look::{Look, bold};
use crate::ui::mouse::Target;
use crate::ui::widgets::words::{Words, below, columns, from, put, put_right, row, rule, tint};

use super::{card, footer, header};

/// Rows of one item.
const EACH: u16 = 2;

/// Draws it.
pub fn draw(look: &Look, state: &State, area: Rect, buf: &mut Buffer) {
    header::draw(look, state, row(area, 0), buf);
    title(look, state, row(area, 1), buf);
    rule(buf, row(area, 2), look.faint());
    let body = Rect { height: area.height.saturating_sub(4), ..below(area, 3) };
    list(look, state, body, buf);
    let keys = [
        ("up", "select"),
        ("open", "card"),
        ("gate", "most urgent"),
        ("inbox", "back"),
        ("palette", "palette"),
        ("help", "help"),
        ("quit", "quit"),
    ];
    footer::draw(look, "main", &keys, row(area, area.height.saturating_sub(1)), buf);
}

fn title(look: &Look, state: &State, area: Rect, buf: &mut Buffer) {
    let mut words = Words::of(look.strong(), "INBOX");
    match view::open_gates(state) {
        (0, _) => words.push(look.dim(), "   no gate is open"),
        (open, age) => {
            words.push(look.attention(), format!("   {} open", format::several(open, "gate")));
            words.push(look.dim(), format!(", the oldest for {}", age.unwrap_or_default()));
        }
    }
    let running = state.incidents.values().filter(|i| i.acting()).count();
    if running > 0 {
        words.push(look.text(), format!("   {} running", format::several(running, "action")));
    }
    words.draw(from(area, 1), buf);
}

/// Headings and rows, scrolled so that the selected one is whole.
fn list(look: &Look, state: &State, area: Rect, buf: &mut Buffer) {
    let items = inbox::items(state);
    let selected = inbox::selected(state);
    if items.is_empty() {
        put(buf, from(area, 1), "nothing waits, nothing goes on, nothing was decided yet", look.dim());
        return;
    }
    let lines = lines(&items);
    let at =
        lines.iter().position(|line| matches!(line, Line::Item(item) if Some(*item) == selected.as_ref()));
    let first = first(&lines, at.unwrap_or(0), area.height);
    let mut y = 0;
    let closed = inbox::closed(state);
    for line in lines.iter().skip(first) {
        let place = Rect { height: line.rows(), ..below(area, y) };
        if place.bottom() > area.bottom() {
            let more = lines.iter().skip(first).filter(|line| matches!(line, Line::Item(_))).count();
            let shown = lines.iter().skip(first).take_while(|l| !std::ptr::eq(*l, line));
            let hidden = more - shown.filter(|line| matches!(line, Line::Item(_))).count();
            put_right(
                buf,
                row(area, area.height.saturating_sub(1)),
                &format!("{hidden} more below "),
                look.dim(),
            );
            break;
        }
        y += line.rows();
        match line {
            Line::Heading(text) => {
                put(buf, from(row(place, place.height - 1), 1), text, look.dim());
            }
            Line::Item(item) => {
                look.places.note(place, Target::Item((*item).clone()));
                if Some(*item) == selected.as_ref() {
                    tint(buf, place, look.selection());
                    (0..place.height).for_each(|n| {
                        put(buf, row(place, n), "▌", look.accent());
                    });
                }
                one(look, state, item, &closed, place, buf);
            }
        }
    }
}

enum Line<'a> {
    Heading(&'static str),
    Item(&'a Item),
}

impl Line<'_> {
    fn rows(&self) -> u16 {
        match self {
            Line::Heading(_) => 2,
            Line::Item(Item::Closed(_) | Item::Waiting(_)) => 1,
            Line::Item(_) => EACH,
        }
    }
}

fn lines(items: &[Item]) -> Vec<Line<'_>> {
    let mut lines = Vec::new();
    let mut last = "";
    for item in items {
        let heading = match item {
            Item::Gate(_) => "WAITS FOR A PERSON",
            Item::Running(_) => "GOES ON",
            Item::Waiting(_) => "ASKED AGAIN LATER",
            Item::Closed(_) => "ENDED LATELY",
        };
        if heading != last {
            lines.push(Line::Heading(heading));
            last = heading;
        }
        lines.push(Line::Item(item));
    }
    lines
}

/// The first line that is drawn, so that line `at` ends within `height`.
fn first(lines: &[Line<'_>], at: usize, height: u16) -> usize {
    let mut first = at;
    let mut rows = lines.get(at).map_or(0, Line::rows);
    while let Some(before) = first.checked_sub(1).and_then(|n| lines.get(n)) {
        rows += before.rows();
        if rows > height {
            break;
        }
        first -= 1;
    }
    first
}

fn one(look: &Look, state: &State, item: &Item, closed: &[PastAction], area: Rect, buf: &mut Buffer) {
    let incident = |key: &Key| state.incidents.get(key);
    match item {
        Item::Gate(key) => {
            if let Some((incident, proposal)) =
                incident(key).and_then(|i| i.proposal.as_ref().map(|p| (i, p)))
            {
                gate(look, state, incident, proposal, area, buf);
            }
        }
        Item::Running(key) => {
            if let Some(incident) = incident(key) {
                running(look, state, incident, area, buf);
            }
        }
        Item::Waiting(key) => {
            if let Some(waiting) = incident(key).and_then(|i| i.waiting.as_ref()) {
                let words = Words::of(look.text(), key.to_string())
                    .and(look.dim(), format!("  asked again at {}", format::clock(waiting.until)));
                words.draw(from(area, 3), buf);
            }
        }
        Item::Closed(action) => {
            if let Some(past) = closed.iter().find(|past| past.action == *action) {
                ended(look, state, past, area, buf);
            }
        }
    }
}

/// Verdict, offer, age, expiry, and who may decide.
fn gate(look: &Look, state: &State, incident: &Incident, proposal: &Proposal, area: Rect, buf: &mut Buffer) {
    let analysis = &proposal.analysis;
    let acts = analysis.offer.acts();
    let (mark, style) = if acts { ("◆", look.attention()) } else { ("○", look.dim()) };
    put(buf, columns(area, 1, 1), mark, style);
    let left = proposal.expires - state.now;
    let mut right =
        Words::of(look.dim(), "open ").and(look.text(), format::elapsed(state.now - proposal.opened));
    if acts {
        // Only what acts can become void.
        let soon = left < TimeDelta::seconds(60);
        let style = if soon { bold(look.attention()) } else { look.text() };
        let words = if left > TimeDelta::zero() {
            Words::of(look.dim(), "   void in ").and(style, format::elapsed(left))
        } else {
            Words::of(look.bad(), "   void")
        };
        right.append(words);
    }
    // What it would do is never cut short for the sake of its age.
    let what = card::what(look, state, analysis);
    let beside = what.width() + right.width() + 6 <= usize::from(area.width);
    right.draw_right(Rect { width: area.width.saturating_sub(1), ..row(area, u16::from(!beside)) }, buf);
    what.draw(columns(row(area, 0), 3, area.width.saturating_sub(4)), buf);
    let who = match analysis.blocks.first() {
        Some(why) if acts => {
            Words::of(look.attention(), "cannot be approved: ").and(look.text(), why.as_str())
        }
        _ if acts => match courtesy::words(state, &incident.workload) {
            Some(who) => Words::of(look.attention(), who),
            None => Words::of(look.text(), format!("{} decides", state.user())),
        },
        _ => Words::of(look.dim(), "nothing to approve"),
    };
    let mut words = Words::of(look.text(), incident.workload.namespace.as_str())
        .and(look.dim(), format!("  {}  ", analysis.verdict()));
    words.append(who);
    let room = area.width.saturating_sub(4 + if beside { 0 } else { right.width() as u16 + 2 });
    words.draw(columns(row(area, 1), 3, room), buf);
}

/// What is being done, by whom, since when, and what it waits for.
fn running(look: &Look, state: &State, incident: &Incident, area: Rect, buf: &mut Buffer) {
    let Some(running) = &incident.running else { return };
    put(buf, columns(area, 1, 1), "▶", look.accent());
    let stage = match &running.phase {
        Phase::Rechecking => "looking once more",
        Phase::Recording => "recording the intent",
        Phase::Executing => "sending",
        Phase::Unknown(_) => "OUTCOME UNKNOWN",
        Phase::Stabilising => "rolling out",
        Phase::Verifying => "verifying",
        Phase::Closed(_) | Phase::Aborted(_) => "over",
    };
    let unknown = matches!(running.phase, Phase::Unknown(_));
    let words = Words::of(look.strong(), incident.workload.to_string())
        .and(if unknown { look.bad() } else { look.accent() }, format!("  {stage}"));
    let age = format!("{} ", format::elapsed(state.now - running.approved));
    put_right(buf, row(area, 0), &age, look.text());
    let first = from(row(area, 0), 3);
    words.draw(Rect { width: first.width.saturating_sub(10), ..first }, buf);
    let words = Words::of(look.dim(), format!("approved by {}  ", running.by))
        .and(look.text(), running.waiting_for.clone());
    words.draw(from(row(area, 1), 3), buf);
}

/// When, what, how it ended, who.
fn ended(look: &Look, state: &State, past: &PastAction, area: Rect, buf: &mut Buffer) {
    let outcome = past.outcome.as_deref().unwrap_or_default();
    let (mark, style) = match outcome {
        "helped" => ("✓", look.good()),
        "inconclusive" => ("○", look.attention()),
        _ => ("✕", look.bad()),
    };
    put(buf, columns(area, 1, 1), mark, style);
    let words = Words::of(look.dim(), format!("{:<11}", format::since(past.time, state.now)))
        .and(style, format!("{:<13}", outcome.replace('_', " ")))
        .and(look.text(), past.workload.clone())
        .and(look.dim(), format!("  {} {}", past.offer.replace('_', " "), past.target))
        .and(look.dim(), format!("  by {}", past.by));
    words.draw(from(area, 3), buf);
}

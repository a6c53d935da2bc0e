//! The journal as a page: its records newest first, whether the chain holds, and one record whole: evidence, calls, gates,
//! reason, the model's words with their marks, how it ended. It shows what was recorded, in the words that were recorded.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use serde_json::Value;

use crate::domain::clean::Clean;
use crate::domain::format;
use crate::engine::filter::Filter;
use crate::engine::ledger::{self, KEPT, Summary};
use crate::engine::state::State;
use crate::ui::look::{Look, bold};
use crate::ui::widgets::text::fit;
use crate::ui::widgets::words::{Words, below, columns, from, put, put_right, row, rule, tint};

use super::evidence::{scroll, wrapped};
use super::{footer, header};

/// Columns of the labels.
const LABEL: usize = 14;
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
fn below_list(look: &Look, state: &State, area: Rect, buf: &mut Buffer) {
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

/// Draws one record.
pub fn record(look: &Look, state: &State, seq: u64, area: Rect, buf: &mut Buffer) {
    header::draw(look, state, row(area, 0), buf);
    let entry = state.ledger.told.iter().flat_map(|told| &told.entries).find(|entry| entry.seq == seq);
    let kind = entry.map_or(String::new(), |entry| format!("  {}  {}", entry.kind, entry.workload));
    Words::of(look.strong(), format!("RECORD {seq}")).and(look.dim(), kind).draw(from(row(area, 1), 1), buf);
    let width = usize::from(area.width.saturating_sub(2));
    let lines = match &state.ledger.whole {
        Some(Ok(whole)) if whole.seq == seq => {
            let mut lines = Vec::new();
            if let Some(entry) = entry {
                say(look, "time", &entry.time.to_rfc3339(), width, &mut lines);
                say(look, "what", entry.what.as_str(), width, &mut lines);
            }
            say(look, "hash", whole.hash.as_str(), width, &mut lines);
            body(look, &whole.body, width, &mut lines);
            lines
        }
        Some(Err(why)) => vec![Words::of(look.attention(), why.as_str())],
        _ => vec![Words::of(look.dim(), "the record is being read")],
    };
    scroll(look, state, &lines, 0, area, buf);
    below_list(look, state, row(area, area.height.saturating_sub(2)), buf);
    let keys = [
        ("export", "post-mortem"),
        ("up", "scroll"),
        ("page_down", "page"),
        ("journal", "back"),
        ("help", "help"),
    ];
    footer::draw(look, "main", &keys, row(area, area.height.saturating_sub(1)), buf);
}

fn say(look: &Look, label: &str, text: &str, columns: usize, lines: &mut Vec<Words>) {
    if text.is_empty() {
        return;
    }
    let head = Words::of(look.dim(), format!("{label:<LABEL$}"));
    wrapped(look, head, LABEL, Clean::new(text).as_str(), columns, lines);
}

/// A value in one line.
fn flat(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(flat).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// The parts of a body that a reader looks for, in their order, then whatever else it holds.
fn body(look: &Look, body: &Value, columns: usize, lines: &mut Vec<Words>) {
    const FIRST: [&str; 20] = [
        "by",
        "reason",
        "seconds_open",
        "workload",
        "slos",
        "verdict",
        "offer",
        "target",
        "action",
        "proposal",
        "digest",
        "dissent",
        "outcome",
        "words",
        "done",
        "of",
        "unknown",
        "why",
        "model",
        "error",
    ];
    const LATER: [&str; 10] = [
        "gates",
        "evidence",
        "calls",
        "answer",
        "not_restored",
        "raw",
        "prompts",
        "watch",
        "undo",
        "configs",
    ];
    for key in FIRST {
        say(look, &key.replace('_', " "), &flat(&body[key]), columns, lines);
    }
    for (key, value) in body.as_object().into_iter().flatten() {
        if !FIRST.contains(&key.as_str()) && !LATER.contains(&key.as_str()) {
            say(look, &key.replace('_', " "), &flat(value), columns, lines);
        }
    }
    heading_of(look, "GATES", &body["gates"], lines);
    for (gate, told) in body["gates"].as_object().into_iter().flatten() {
        let state = flat(&told["state"]);
        let style = match state.as_str() {
            "pass" => look.good(),
            "fail" => bold(look.bad()),
            _ => look.dim(),
        };
        let name = gate.replace('_', " ").to_uppercase();
        let head = Words::of(style, format!("{state:<8}")).and(look.text(), format!("{name:<13}"));
        let text = format!("{} {}", flat(&told["line"]), flat(&told["evidence"]));
        wrapped(look, head, 21, Clean::new(text.trim()).as_str(), columns, lines);
    }
    heading_of(look, "EVIDENCE", &body["evidence"], lines);
    for item in items(&body["evidence"]) {
        evidence(look, item, columns, lines);
    }
    heading_of(look, "CALLS", &body["calls"], lines);
    for call in items(&body["calls"]) {
        let tests = items(&call["body"]).filter(|op| op["op"] == "test").count();
        let text = format!("{}, {tests} preconditions", flat(&call["path"]));
        say(look, &flat(&call["method"]), &text, columns, lines);
        for operation in items(&call["body"]).filter(|op| op["op"] != "test") {
            say(
                look,
                "",
                &format!("{} {}", flat(&operation["op"]), flat(&operation["path"])),
                columns,
                lines,
            );
        }
    }
    for item in items(&body["not_restored"]) {
        let text = format!("{} {}: {}", flat(&item["kind"]), flat(&item["name"]), flat(&item["why"]));
        say(look, "not restored", &text, columns, lines);
    }
    answer(look, &body["answer"], columns, lines);
}

fn heading_of(look: &Look, title: &str, part: &Value, lines: &mut Vec<Words>) {
    let empty =
        part.as_array().is_none_or(Vec::is_empty) && part.as_object().is_none_or(serde_json::Map::is_empty);
    if !empty {
        lines.push(Words::new());
        lines.push(Words::of(look.dim(), title.to_owned()));
    }
}

fn evidence(look: &Look, item: &Value, columns: usize, lines: &mut Vec<Words>) {
    let value = match (item["value"].as_f64(), item["unit"].as_str().unwrap_or_default()) {
        (Some(n), "ratio") => format::percent(n),
        (Some(n), "x") => format::burn(n),
        (Some(n), "s") => format::seconds(n),
        (Some(n), unit) => format!("{} {unit}", format::grouped(n)),
        (None, _) => flat(&item["value"]),
    };
    let counts = match (item["bad"].as_f64(), item["total"].as_f64()) {
        (Some(bad), Some(total)) => format!(", {}", format::bad_of(bad, total)),
        _ => String::new(),
    };
    let window = flat(&item["window"]);
    let window = if window.is_empty() { window } else { format!(" · {window}") };
    let text = format!("{}  {value}{counts}{window} · {}", flat(&item["fact"]), flat(&item["source"]));
    let head = Words::of(look.accent(), format!("{:<4}", flat(&item["id"])));
    wrapped(look, head, 4, Clean::new(text).as_str(), columns, lines);
}

/// The model's words; what does not hold is marked as it was.
fn answer(look: &Look, answer: &Value, columns: usize, lines: &mut Vec<Words>) {
    heading_of(look, "THE MODEL'S WORDS", &answer["sentences"], lines);
    for part in ["sentences", "counter_evidence", "not_known"] {
        for said in items(&answer[part]) {
            let text = format!("{} [{}]", flat(&said["text"]), flat(&said["evidence"]));
            wrapped(look, Words::of(look.text(), "  "), 2, Clean::new(text).as_str(), columns, lines);
            for claim in items(&said["claims"]).filter(|claim| claim["mark"] != "confirmed") {
                let contradicted = claim["mark"] == "contradicted";
                let truth = flat(&claim["truth"]);
                let truth = if truth.is_empty() { truth } else { format!(", true is {truth}") };
                let style = if contradicted { look.bad() } else { look.attention() };
                let head = Words::of(style, format!("    {:<14}", flat(&claim["mark"]).replace('_', " ")));
                wrapped(
                    look,
                    head,
                    18,
                    Clean::new(format!("{}{truth}", flat(&claim["text"]))).as_str(),
                    columns,
                    lines,
                );
            }
        }
    }
}

//! One record of the journal, whole: evidence, calls, gates, reason, the model's words with their marks, how it ended. It
//! shows what was recorded, in the words that were recorded.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use serde_json::Value;

use crate::domain::clean::Clean;
use crate::domain::format;
use crate::engine::state::State;
use crate::ui::look::{Look, bold};
use crate::ui::widgets::words::{Words, from, row};

use super::evidence::{scroll, wrapped};
use super::journal::below_list;
use super::{footer, header};

/// Columns of the labels.
const LABEL: usize = 14;
/// What a reader looks for, in this order, then whatever else the record holds but for [`LATER`].
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
/// Parts with a heading of their own, and what only a program reads.
const LATER: [&str; 10] =
    ["gates", "evidence", "calls", "answer", "not_restored", "raw", "prompts", "watch", "undo", "configs"];

/// Draws it.
pub fn draw(look: &Look, state: &State, seq: u64, area: Rect, buf: &mut Buffer) {
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

/// The parts of a body in the order in which they are read.
fn body(look: &Look, body: &Value, columns: usize, lines: &mut Vec<Words>) {
    for key in FIRST {
        say(look, &key.replace('_', " "), &flat(&body[key]), columns, lines);
    }
    for (key, value) in body.as_object().into_iter().flatten() {
        if !FIRST.contains(&key.as_str()) && !LATER.contains(&key.as_str()) {
            say(look, &key.replace('_', " "), &flat(value), columns, lines);
        }
    }
    gates(look, &body["gates"], columns, lines);
    heading_of(look, "EVIDENCE", &body["evidence"], lines);
    for item in items(&body["evidence"]) {
        evidence(look, item, columns, lines);
    }
    calls(look, body, columns, lines);
    answer(look, &body["answer"], columns, lines);
}

fn gates(look: &Look, gates: &Value, columns: usize, lines: &mut Vec<Words>) {
    heading_of(look, "GATES", gates, lines);
    for (gate, told) in gates.as_object().into_iter().flatten() {
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
}

/// What was sent, and what was not put back.
fn calls(look: &Look, body: &Value, columns: usize, lines: &mut Vec<Words>) {
    heading_of(look, "CALLS", &body["calls"], lines);
    for call in items(&body["calls"]) {
        let tests = items(&call["body"]).filter(|op| op["op"] == "test").count();
        let text = format!("{}, {tests} preconditions", flat(&call["path"]));
        say(look, &flat(&call["method"]), &text, columns, lines);
        for operation in items(&call["body"]).filter(|op| op["op"] != "test") {
            let text = format!("{} {}", flat(&operation["op"]), flat(&operation["path"]));
            say(look, "", &text, columns, lines);
        }
    }
    for item in items(&body["not_restored"]) {
        let text = format!("{} {}: {}", flat(&item["kind"]), flat(&item["name"]), flat(&item["why"]));
        say(look, "not restored", &text, columns, lines);
    }
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

//! `goaround history`: every decision as a row, read from the journal and from nothing else.

use serde_json::{Value, json};

use crate::domain::clean::Clean;
use crate::engine::record::{self, PastAction, past_actions};

use super::journal::Record;

/// Rows of the contract: actions, and the decisions that led to none, oldest first.
pub fn rows(records: &[Record]) -> Vec<Value> {
    let actions = past_actions(records.iter().map(|r| (r.kind.as_str(), r.time, &r.body)));
    let mut rows: Vec<(crate::domain::Time, Value)> = actions
        .iter()
        .map(|a| {
            let outcome = outcome(a);
            let mut row = json!({
                "action": a.action, "time": a.time.to_rfc3339(), "by": a.by, "workload": a.workload,
                "verdict": a.verdict, "offer": a.offer, "target": a.target, "outcome": outcome, "digest": a.digest,
            });
            // Only where nothing else could tell what became of it.
            if let Some(word) = &a.word {
                row["word"] = json!(word.text);
                row["word_by"] = json!(word.by);
            }
            (a.time, row)
        })
        .collect();
    let decisions = records.iter().filter(|r| {
        [record::REJECTED, record::WAITED, record::EXPIRED, record::WITHDRAWN].contains(&r.kind.as_str())
    });
    for decision in decisions {
        let body = &decision.body;
        let row = json!({
            "action": body["proposal"], "time": decision.time.to_rfc3339(), "by": body["by"],
            "workload": body["workload"], "verdict": body["verdict"], "offer": body["offer"],
            "target": body["target"], "outcome": decision.kind, "digest": body["digest"],
        });
        rows.push((decision.time, row));
    }
    rows.sort_by_key(|(time, _)| *time);
    rows.into_iter().map(|(_, row)| row).collect()
}

/// How an action ended, as far as its records say: a word of the contract.
pub(super) fn outcome(action: &PastAction) -> &str {
    match (&action.outcome, action.unknown, action.executed) {
        (Some(outcome), _, _) => outcome,
        (None, true, _) => "unknown",
        (None, false, true) => "executed",
        (None, false, false) => "not_executed",
    }
}

/// The rows as a table.
pub fn table(rows: &[Value]) -> String {
    const COLUMNS: [(&str, usize); 8] = [
        ("time", 19),
        ("by", 16),
        ("workload", 26),
        ("verdict", 15),
        ("offer", 14),
        ("target", 36),
        ("outcome", 12),
        ("action", 26),
    ];
    let mut out = String::new();
    let mut line = |cells: Vec<String>| {
        let padded: Vec<String> =
            cells.iter().zip(COLUMNS).map(|(cell, (_, width))| format!("{cell:<width$}")).collect();
        out.push_str(padded.join("  ").trim_end());
        out.push('\n');
    };
    line(COLUMNS.iter().map(|(name, _)| name.to_uppercase()).collect());
    for row in rows {
        line(
            COLUMNS
                .iter()
                .map(|(name, width)| {
                    let text = Clean::new(row[*name].as_str().unwrap_or("—"));
                    let text =
                        if *name == "time" { text.as_str().replace('T', " ") } else { text.to_string() };
                    fit(&text, *width)
                })
                .collect(),
        );
        if let (Some(word), Some(by)) = (row["word"].as_str(), row["word_by"].as_str()) {
            line(vec![format!("  as {} says: {}", Clean::new(by), Clean::new(word))]);
        }
    }
    out
}

/// Cut to `width` characters, and then it says so.
fn fit(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width - 1).chain(['…']).collect()
}

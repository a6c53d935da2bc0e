//! A post-mortem as Markdown. Every text that is not ours is escaped so that it stays text: it opens no table cell, link,
//! image, tag, heading or code, and is on one line; in code blocks the fence is longer than any run of backticks in it.

use std::fmt::Write as _;

use serde_json::Value;

use crate::domain::clean::Clean;
use crate::domain::format;

/// Escapes text for a line of Markdown (CommonMark and GitHub's tables).
pub fn escaped(text: &str) -> String {
    // Blanks in front would make code of a line, or let a sign after them begin a list.
    let text = Clean::new(text);
    let text = text.as_str().trim_start();
    let mut out = String::with_capacity(text.len() + 8);
    let mut before = ' ';
    let mut numbered = true;
    for (n, c) in text.chars().enumerate() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // No address becomes a link by itself.
            '/' if before == ':' => out.push_str("&#47;"),
            '.' if before == 'w' || before == 'W' => out.push_str("&#46;"),
            '@' => out.push_str("&#64;"),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '(' | ')' | '#' | '!' | '|' | '~' | '$' => {
                out.push('\\');
                out.push(c);
            }
            // Only at the begin of a line do these mean something.
            '-' | '+' | '=' if n == 0 => {
                out.push('\\');
                out.push(c);
            }
            // `1.` at the begin of a line is a list; `1)` is escaped above.
            '.' if numbered && n > 0 => out.push_str("\\."),
            _ => out.push(c),
        }
        before = c;
        numbered &= c.is_ascii_digit();
    }
    out
}

/// A block of code whose lines cannot end it.
fn code(language: &str, lines: &[String], out: &mut String) {
    let longest = lines.iter().flat_map(|line| line.split(|c| c != '`')).map(str::len).max().unwrap_or(0);
    let fence = "`".repeat((longest + 1).max(3));
    let _ = writeln!(out, "{fence}{language}");
    for line in lines {
        let _ = writeln!(out, "{}", Clean::new(line));
    }
    let _ = writeln!(out, "{fence}\n");
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => "—".into(),
        Value::String(text) if text.is_empty() => "—".into(),
        Value::String(text) => escaped(text),
        Value::Array(items) if items.is_empty() => "—".into(),
        Value::Array(items) => items.iter().map(text).collect::<Vec<_>>().join(", "),
        other => escaped(&other.to_string()),
    }
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn table(heads: &[&str], rows: impl Iterator<Item = Vec<String>>, out: &mut String) {
    let _ = writeln!(out, "| {} |", heads.join(" | "));
    let _ = writeln!(out, "|{}", "---|".repeat(heads.len()));
    for row in rows {
        let _ = writeln!(out, "| {} |", row.join(" | "));
    }
    out.push('\n');
}

/// The whole document, from what [`super::as_json`] gives.
pub fn document(export: &Value) -> String {
    let mut out = String::new();
    for case in items(&export["cases"]) {
        self::case(case, &mut out);
    }
    if out.is_empty() {
        out.push_str("# Post-mortem\n\nNo decision was recorded in this time.\n\n");
    }
    journal(&export["journal"], &mut out);
    out
}

fn case(case: &Value, out: &mut String) {
    let offer = case["offer"].as_str().unwrap_or_default().replace('_', " ");
    let _ = writeln!(out, "# Post-mortem: {} of {}\n", escaped(&offer), text(&case["workload"]));
    summary(case, out);
    let _ = writeln!(out, "## Timeline\n\nTimes are UTC; the number is that of the record that says so.\n");
    let line = |line: &Value| {
        let at = line["time"].as_str().unwrap_or_default().replace('T', " ");
        vec![escaped(at.get(..19).unwrap_or(&at)), text(&line["what"]), text(&line["by"]), text(&line["seq"])]
    };
    table(&["when", "what", "who", "record"], items(&case["timeline"]).map(line), out);
    why(case, out);
    let _ = writeln!(out, "## Gates\n");
    let gate = |g: &Value| {
        let name = g["gate"].as_str().unwrap_or_default().replace('_', " ").to_uppercase();
        let state = g["state"].as_str().unwrap_or_default();
        let state = if state == "pass" { escaped(state) } else { format!("**{}**", escaped(state)) };
        vec![escaped(&name), state, text(&g["line"]), text(&g["evidence"])]
    };
    table(&["gate", "state", "because", "evidence"], items(&case["gates"]).map(gate), out);
    evidence(case, out);
    changes(case, out);
    ending(case, out);
    model(case, out);
    let _ = writeln!(out, "## Records\n");
    let record = |r: &Value| {
        vec![text(&r["seq"]), text(&r["time"]), text(&r["kind"]), format!("`{}`", hash(&r["hash"]))]
    };
    table(&["record", "time", "kind", "SHA-256"], items(&case["records"]).map(record), out);
}

/// Hexadecimal digits and nothing else.
fn hash(value: &Value) -> String {
    value.as_str().unwrap_or_default().chars().filter(char::is_ascii_hexdigit).take(64).collect()
}

fn summary(case: &Value, out: &mut String) {
    let rows = [
        ("outcome", "outcome"),
        ("decided", "decision"),
        ("by", "by"),
        ("at", "time"),
        ("after", "seconds_open"),
        ("reason given", "reason"),
        ("verdict", "verdict"),
        ("target", "target"),
        ("SLOs", "slos"),
        ("cluster", "cluster"),
        ("id", "id"),
        ("digest of the plan", "digest"),
        ("way back of", "undo_of"),
    ];
    let rows = rows.into_iter().filter(|(_, key)| !case[*key].is_null()).map(|(label, key)| {
        let value = match (key, case[key].as_i64()) {
            ("seconds_open", Some(seconds)) => format!("{} on the screen", format::seconds(seconds as f64)),
            ("outcome", _) if !case["outcome_words"].is_null() => {
                format!("**{}** ({})", text(&case["outcome"]), text(&case["outcome_words"]))
            }
            _ => text(&case[key]),
        };
        vec![label.to_owned(), value]
    });
    table(&["", ""], rows, out);
}

fn why(case: &Value, out: &mut String) {
    let _ = writeln!(out, "## Why\n\n{}\n", text(&case["reason_of_offer"]));
    if case["by_hand"] == true {
        let _ = writeln!(out, "It was proposed by hand.\n");
    }
    let written = &case["rationale"];
    if !written.is_null() {
        let _ = writeln!(out, "{} wrote:\n", text(&written["by"]));
        for line in items(&written["lines"]) {
            let _ = writeln!(out, "> {}", text(line));
        }
        out.push('\n');
    }
}

fn evidence(case: &Value, out: &mut String) {
    let _ = writeln!(out, "## Evidence\n");
    let row = |item: &Value| {
        let value = match (item["value"].as_f64(), item["unit"].as_str().unwrap_or_default()) {
            (Some(n), "ratio") => format::percent(n),
            (Some(n), "x") => format::burn(n),
            (Some(n), "s") => format::seconds(n),
            (Some(n), unit) => format!("{} {unit}", format::grouped(n)),
            (None, _) => String::new(),
        };
        let value = if value.is_empty() { text(&item["value"]) } else { escaped(&value) };
        let counts = match (item["bad"].as_f64(), item["total"].as_f64()) {
            (Some(bad), Some(total)) => {
                escaped(&format!("{} of {}", format::grouped(bad), format::grouped(total)))
            }
            _ => "—".into(),
        };
        vec![
            text(&item["id"]),
            text(&item["fact"]),
            value,
            text(&item["window"]),
            counts,
            text(&item["source"]),
        ]
    };
    table(&["id", "fact", "value", "window", "counts", "source"], items(&case["evidence"]).map(row), out);
}

fn changes(case: &Value, out: &mut String) {
    if items(&case["calls"]).next().is_none() {
        return;
    }
    let _ = writeln!(out, "## What was sent\n");
    for call in items(&case["calls"]) {
        let (verb, path) = (text(&call["method"]), text(&call["path"]));
        let _ = writeln!(out, "- {verb} {path}, {} preconditions", text(&call["preconditions"]));
    }
    out.push('\n');
    for change in items(&case["changes"]) {
        let _ = writeln!(out, "{}, {}:\n", text(&change["object"]), text(&change["part"]));
        for words in items(&change["words"]) {
            let _ = writeln!(out, "- {}", text(words));
        }
        out.push('\n');
        let lines: Vec<String> =
            items(&change["lines"]).filter_map(Value::as_str).map(str::to_owned).collect();
        if !lines.is_empty() {
            code("diff", &lines, out);
        }
    }
    let left: Vec<&Value> = items(&case["not_restored"]).collect();
    let _ = writeln!(out, "### Not restored\n");
    if left.is_empty() {
        let _ = writeln!(out, "Nothing that is known.\n");
    }
    for item in &left {
        let _ = writeln!(out, "- {} {}: {}", text(&item["kind"]), text(&item["name"]), text(&item["why"]));
    }
    if !left.is_empty() {
        out.push('\n');
    }
}

fn ending(case: &Value, out: &mut String) {
    let prediction = &case["prediction"];
    if prediction.is_null() && case["counts"].is_null() {
        return;
    }
    let _ = writeln!(out, "## Prediction and result\n");
    if !prediction.is_null() {
        let kept = match prediction["kept"].as_bool() {
            Some(true) => "kept",
            Some(false) => "not kept",
            None => "not scored",
        };
        let _ = writeln!(
            out,
            "- predicted: no new errors from {} on, the short window clear by {}: {kept}",
            text(&prediction["no_new_errors_from"]),
            text(&prediction["short_window_clear_by"])
        );
    }
    for (label, key) in [("in the incident", "incident"), ("since the rollout", "since_rollout")] {
        let counts = &case["counts"][key];
        if let (Some(bad), Some(total)) = (counts["bad"].as_f64(), counts["total"].as_f64()) {
            let counted = format!("{} of {} requests failed", format::grouped(bad), format::grouped(total));
            let _ = writeln!(out, "- {label}: {}", escaped(&counted));
        }
    }
    out.push('\n');
}

/// The model's words with their marks: what was contradicted is struck through, with the truth behind it.
fn model(case: &Value, out: &mut String) {
    for advice in items(&case["model"]) {
        let _ = writeln!(out, "## What the model {} said\n", text(&advice["model"]));
        if !advice["question"].is_null() {
            let _ = writeln!(out, "Asked: {}\n", text(&advice["question"]));
        }
        if !advice["error"].is_null() {
            let _ = writeln!(out, "It did not answer: {}\n", text(&advice["error"]));
            continue;
        }
        let _ = writeln!(
            out,
            "Cause {}, action {}; {} claims confirmed, {} contradicted, {} not found in what it cites.\n",
            text(&advice["cause"]),
            text(&advice["action"]),
            text(&advice["confirmed"]),
            text(&advice["contradicted"]),
            text(&advice["not_found"])
        );
        if !advice["dissent"].is_null() {
            let _ = writeln!(out, "**It dissented: {}.**\n", text(&advice["dissent"]));
        }
        for said in items(&advice["sentences"]) {
            let _ = writeln!(out, "- {} \\[{}\\]", text(&said["text"]), text(&said["evidence"]));
            for claim in items(&said["claims"]).filter(|claim| claim["mark"] != "confirmed") {
                let (words, mark) = (text(&claim["text"]), claim["mark"].as_str().unwrap_or_default());
                match mark {
                    "contradicted" => {
                        let _ = writeln!(out, "  - ~~{words}~~ true is {}", text(&claim["truth"]));
                    }
                    _ => {
                        let _ = writeln!(out, "  - {words} (?) {}", escaped(&mark.replace('_', " ")));
                    }
                }
            }
        }
        out.push('\n');
    }
}

fn journal(journal: &Value, out: &mut String) {
    let _ = writeln!(out, "## How to check this\n");
    let state = if journal["ok"] == true { "whole" } else { "**NOT whole**" };
    let head = match journal["head"].is_null() {
        true => "it has no head yet".to_owned(),
        false => format!("its head was `{}`", hash(&journal["head"])),
    };
    let records = text(&journal["records"]);
    let _ = writeln!(out, "The journal had {records} records and was {state} when this was written; {head}.");
    if !journal["reason"].is_null() {
        let _ = writeln!(out, "{}", text(&journal["reason"]));
    }
    let _ = writeln!(
        out,
        "`goaround audit verify` checks the chain; record N is line N of `journal.jsonl`, with the exact bodies of the calls."
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn hostile_text_stays_text() {
        for (raw, never) in [
            ("a|b", " | "),
            ("`x`", "`x`"),
            ("<img src=x onerror=alert(1)>", "<"),
            ("[click](http://evil.example)", "](h"),
            ("![x](y)", "!["),
            ("https://evil.example", "://"),
            ("www.evil.example", "www."),
            ("a\r\n# heading", "\n"),
            ("&lt;b&gt;", "&lt;b"),
            ("\u{202e}txt", "\u{202e}"),
        ] {
            let shown = escaped(raw);
            assert!(!shown.contains(never), "{raw:?} became {shown:?}");
            assert!(!shown.contains('\n') && !shown.contains('\r'), "{shown:?}");
        }
        for (raw, shown) in
            [("- a", "\\- a"), ("# a", "\\# a"), ("~~a~~", "\\~\\~a\\~\\~"), ("1. a", "1\\. a")]
        {
            assert_eq!(escaped(raw), shown);
        }
        assert_eq!(escaped("12:30:05 a-b 0.5 %"), "12:30:05 a-b 0.5 %");
    }

    #[test]
    fn a_fence_is_longer_than_what_it_holds() {
        let mut out = String::new();
        code("diff", &["+ ````".into(), "+ ```` end".into()], &mut out);
        assert!(out.starts_with("`````diff\n") && out.ends_with("`````\n\n"), "{out}");
    }

    #[test]
    fn a_table_has_as_many_cells_in_every_row() {
        let case =
            json!({"timeline": [{"time": "2026-11-20T12:00:00Z", "what": "a|b|c", "by": "x\ny", "seq": 3}]});
        let mut out = String::new();
        super::case(&case, &mut out);
        let row = out.lines().find(|line| line.contains("a\\|b")).expect("the row");
        let cells = row.replace("\\|", "").matches('|').count();
        assert_eq!(cells, 5, "{row}");
    }
}

//! Bad input through the real binary: each kind of it says what happened, where, and what to do next, and leaves nothing
//! half applied. One module for each side that bad input comes from.

#![allow(clippy::disallowed_methods, reason = "a world's clock is set against the host's here")]

#[path = "common/cluster.rs"]
mod cluster;
mod common;

#[path = "bad_input/access.rs"]
mod access;
#[path = "bad_input/hostile.rs"]
mod hostile;
#[path = "bad_input/journal.rs"]
mod journal;
#[path = "bad_input/metrics.rs"]
mod metrics;
#[path = "bad_input/settings.rs"]
mod settings;
#[path = "bad_input/workload.rs"]
mod workload;

use cluster::Ran;
use serde_json::Value;

/// The words of `text` in their order, and nothing that could move a cursor.
fn says(ran: &Ran, words: &[&str]) {
    let all = format!("{}{}", ran.out, ran.err);
    for word in words {
        assert!(all.contains(word), "no `{word}` in\n{all}");
    }
    harmless(&all);
}

/// No control character but the line feed.
fn harmless(text: &str) {
    let bad = text.chars().find(|c| c.is_control() && *c != '\n');
    assert_eq!(bad, None, "a control character in\n{}", text.escape_debug());
}

/// The line of `propose` about one gate: state and sentence.
fn gate<'a>(ran: &'a Ran, name: &str) -> (&'a str, &'a str) {
    ran.out
        .lines()
        .find_map(|line| {
            let (state, rest) = line.trim_start().split_once(' ')?;
            rest.trim_start().strip_prefix(name).map(|sentence| (state, sentence.trim()))
        })
        .unwrap_or_else(|| panic!("no gate {name} in\n{}{}", ran.out, ran.err))
}

/// The lines of `check -o json` about `what`: state, detail, next.
fn checked(ran: &Ran, what: &str) -> Vec<[String; 3]> {
    let text = |line: &Value, name: &str| line[name].as_str().unwrap_or_default().to_owned();
    let all = ran.json();
    let lines = all.as_array().expect("a list").iter().filter(|line| line["check"] == what);
    lines.map(|line| ["state", "detail", "next"].map(|name| text(line, name))).collect()
}

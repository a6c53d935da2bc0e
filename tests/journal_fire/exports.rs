//! What leaves the journal says what its records say: every text and every number of a decision is found again in the
//! JSON and in the Markdown, which is read back here by the rules of CommonMark and not by the code that wrote it; and
//! `history` and the post-mortem never tell two different ends of one action.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use goaround::domain::clean::Clean;
use goaround::engine::record;
use goaround::shell::journal::{Journal, read_and_verify};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::cluster::run;
use crate::time;

/// Words around every mark: what would be a table cell, code, a tag, a link, an address, emphasis, an entity, a line of
/// its own, another direction, or an order to a terminal.
const AROUND: &str = "a|b `c` ``d`` <i>e</i> [f](http://g.example) ![h](x) *i* __j__ ~~k~~ &lt; \\ $l$ \r\n# m\n> n \u{202e}o \u{1b}[2J";

/// As they are in truth: many random characters, by which a reader finds things again.
const ACTION: &str = "01KA4J7Q8Z3Y2X1W0V9T8S7R6Q";
const DIGEST: &str = "sha256:9d4e1e23bd5b727046a9e3b4b7db57bd8d6ee684a9149e8911ed7916e87d19bd";

/// Bodies with a mark of its own for every text, and a number of its own for every number.
#[derive(Default)]
struct Marks(u64);

impl Marks {
    fn word(&mut self) -> Value {
        self.0 += 1;
        json!(format!("mark{:03} {AROUND}", self.0))
    }

    fn number(&mut self) -> Value {
        self.0 += 1;
        // Below a thousand and with a fraction where it is no count: nothing is grouped or rounded.
        json!(self.0 + 100)
    }

    fn card(&mut self) -> Value {
        let gates: serde_json::Map<String, Value> = ["real", "ours", "safe_now"]
            .into_iter()
            .map(|gate| {
                (gate.to_owned(), json!({"state": "fail", "line": self.word(), "evidence": ["E1", "E2"]}))
            })
            .collect();
        let evidence: Vec<Value> = (1..3)
            .map(|n| {
                json!({"id": format!("E{n}"), "fact": self.word(), "value": self.number(), "unit": "pods",
                    "window": "5m", "bad": self.number(), "total": self.number(), "source": self.word(), "age_s": 3})
            })
            .collect();
        json!({"cluster": "3f1c0f9e-2b1d-4c7f-9a44-0d8b8f9d1c55", "workload": "shop/api", "slos": [self.word(), self.word()],
            "verdict": "bad_deploy", "offer": "rollback", "target": "api-gateway-6d4cf56db6 1.27.3", "digest": DIGEST,
            "gates": gates, "reason_of_offer": self.word(),
            "not_restored": [{"kind": "Secret", "name": self.word(), "why": self.word()}], "evidence": evidence})
    }
}

fn with(mut body: Value, more: Value) -> Value {
    let Value::Object(more) = more else { panic!("an object") };
    body.as_object_mut().expect("an object").extend(more);
    body
}

/// The records of one decision from the proposal to the close.
fn whole_story() -> Vec<(&'static str, Value)> {
    let marks = &mut Marks::default();
    let card = marks.card();
    let sentence = |marks: &mut Marks| {
        json!({"text": marks.word(), "evidence": ["E1"], "claims": [
            {"text": marks.word(), "mark": "contradicted", "truth": marks.word()},
            {"text": marks.word(), "mark": "not_found", "truth": null}]})
    };
    let answer = json!({"cause": "bad_deploy", "action": "rollback", "confirmed": marks.number(),
        "contradicted": marks.number(), "not_found": marks.number(), "dissent": marks.word(),
        "sentences": [sentence(marks)], "counter_evidence": [sentence(marks)], "not_known": [sentence(marks)]});
    let calls = json!([{"method": "PATCH", "path": "/apis/apps/v1/namespaces/shop/deployments/api",
        "content_type": "application/json-patch+json", "body": [
            {"op": "test", "path": "/spec/template", "value": {"spec": {"hostname": "one"}}},
            {"op": "replace", "path": "/spec/template", "value": {"spec": {"hostname": "two"}}}]}]);
    vec![
        (record::PROPOSED, with(card.clone(), json!({"proposal": "p-1"}))),
        (
            record::ADVICE,
            json!({"workload": "shop/api", "proposal": "p-1", "model": marks.word(), "question": marks.word(),
                "answer": answer}),
        ),
        (
            record::INTENT,
            with(
                card,
                json!({"action": ACTION, "by": marks.word(), "reason": marks.word(), "seconds_open": 37,
                    "calls": calls, "undo_of": marks.word(), "prediction": {
                        "no_new_errors_from": "2026-11-20T12:02:30+00:00",
                        "short_window_clear_by": "2026-11-20T12:07:31+00:00"}}),
            ),
        ),
        (
            record::OUTCOME,
            json!({"action": ACTION, "done": 1, "of": 1, "unknown": false, "why": marks.word()}),
        ),
        (
            record::CLOSED,
            json!({"action": ACTION, "outcome": "helped", "words": marks.word(), "prediction_kept": true,
                "incident": {"bad": marks.number(), "total": marks.number()},
                "since_rollout": {"bad": marks.number(), "total": marks.number(), "from": "2026-11-20T12:01:50+00:00"}}),
        ),
    ]
}

fn recorded(story: &[(&str, Value)]) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let mut journal = Journal::open(&folder.path().join("state")).expect("a journal");
    for (n, (kind, body)) in story.iter().enumerate() {
        journal.append(time(0) + TimeDelta::seconds(n as i64), kind, body).expect("a record");
    }
    folder
}

/// Texts and numbers of a record that a post-mortem quotes; what is quoted in another form is left out here.
fn leaves(value: &Value, path: &str, texts: &mut BTreeSet<String>, numbers: &mut BTreeSet<String>) {
    match value {
        // Bodies of calls stay in the journal, their changes are told; a mark of a claim is a style.
        _ if path.ends_with("/body") || path.ends_with("/mark") || path.ends_with("/age_s") => {}
        Value::String(text) => _ = texts.insert(Clean::new(text).to_string()),
        Value::Number(number) => _ = numbers.insert(number.to_string()),
        Value::Array(items) => items.iter().for_each(|item| leaves(item, path, texts, numbers)),
        Value::Object(map) => {
            map.iter().for_each(|(key, value)| leaves(value, &format!("{path}/{key}"), texts, numbers));
        }
        Value::Null | Value::Bool(_) => {}
    }
}

fn exported(folder: &TempDir, arguments: &[&str]) -> String {
    let all = ["audit", "export"].iter().chain(arguments).map(|word| (*word).to_owned());
    let ran = run(folder, all);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    ran.out
}

/// Numbers that stand alone in a text.
fn numbers_in(text: &str) -> BTreeSet<String> {
    text.split(|c: char| !c.is_ascii_digit()).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

#[test]
fn the_json_export_quotes_every_text_and_every_number_of_the_records() {
    let story = whole_story();
    let folder = recorded(&story);
    let told: Value = serde_json::from_str(&exported(&folder, &["-o", "json"])).expect("JSON");
    let (mut texts, mut numbers) = (BTreeSet::new(), BTreeSet::new());
    leaves(&told, "", &mut texts, &mut numbers);
    for (kind, body) in &story {
        let (mut wanted, mut counted) = (BTreeSet::new(), BTreeSet::new());
        leaves(body, "", &mut wanted, &mut counted);
        for text in &wanted {
            let found = texts.contains(text) || texts.iter().any(|told| told.contains(text.as_str()));
            assert!(found || text == "p-1", "{text:?} of {kind} is missing");
        }
        for number in &counted {
            let found =
                numbers.contains(number) || texts.iter().any(|told| numbers_in(told).contains(number));
            assert!(found, "{number} of {kind} is missing");
        }
    }
    // And the other way round: no mark and no number that no record has.
    let (mut wanted, mut counted) = (BTreeSet::new(), BTreeSet::new());
    story.iter().for_each(|(_, body)| leaves(body, "", &mut wanted, &mut counted));
    let marks = |texts: &BTreeSet<String>| -> BTreeSet<String> {
        let all = texts
            .iter()
            .flat_map(|text| text.match_indices("mark").map(|(at, _)| text[at..at + 7].to_owned()));
        all.collect()
    };
    assert_eq!(marks(&texts), marks(&wanted));
    let own: BTreeSet<String> = (0..=5).map(|n| n.to_string()).collect();
    let strange: Vec<&String> = numbers.difference(&counted).filter(|n| !own.contains(*n)).collect();
    assert!(strange.is_empty(), "no record says {strange:?}");
    // Every record is named with its hash.
    let (records, _) = read_and_verify(&folder.path().join("state"));
    for (n, record) in records.iter().enumerate() {
        assert_eq!(told["cases"][0]["records"][n]["hash"], record.hash);
        assert_eq!(told["cases"][0]["records"][n]["time"], record.time.to_rfc3339());
    }
    assert_eq!(told["journal"]["head"], records[4].hash);
}

/// The text that a reader of CommonMark sees: entities and escapes taken back.
fn read_back(markdown: &str) -> String {
    let mut out = String::new();
    let mut rest = markdown;
    while let Some(c) = rest.chars().next() {
        let entity =
            [("&amp;", '&'), ("&lt;", '<'), ("&gt;", '>'), ("&#47;", '/'), ("&#46;", '.'), ("&#64;", '@')]
                .into_iter()
                .find(|(entity, _)| rest.starts_with(entity));
        if let Some((entity, meant)) = entity {
            out.push(meant);
            rest = &rest[entity.len()..];
        } else if c == '\\' && rest[1..].starts_with(|next: char| next.is_ascii_punctuation()) {
            out.push_str(&rest[1..2]);
            rest = &rest[2..];
        } else {
            out.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    out
}

#[test]
fn the_markdown_says_the_same_and_hostile_words_stay_words() {
    let story = whole_story();
    let folder = recorded(&story);
    let document = exported(&folder, &[]);
    let read = read_back(&document);
    let numbers = numbers_in(&read);
    for (kind, body) in &story {
        let (mut wanted, mut counted) = (BTreeSet::new(), BTreeSet::new());
        leaves(body, "", &mut wanted, &mut counted);
        for text in &wanted {
            // Quoted in another form: as a word of a person, or as the kind of the document.
            let form = ["p-1", "application/json-patch+json", "fail"].contains(&text.as_str());
            let day = text.starts_with("2026-11-20T") && read.contains(&text[..19].replace('T', " "));
            assert!(
                form || day || read.contains(text.as_str()),
                "{text:?} of {kind} is missing in\n{document}"
            );
        }
        for number in &counted {
            assert!(numbers.contains(number), "{number} of {kind} is missing in\n{document}");
        }
    }
    // Nothing of it acts: outside of code no unescaped sign of Markdown or HTML stands in a quoted text.
    for line in document.lines() {
        for (at, _) in line.match_indices("mark") {
            let quoted = &line[at..];
            let quoted = quoted.find("\\[2J").map_or(quoted, |end| &quoted[..end]);
            let mut before = ' ';
            for c in quoted.chars() {
                let acts = matches!(c, '|' | '`' | '<' | '[' | ']' | '*' | '_' | '~' | '$' | '!' | '#');
                assert!(!acts || before == '\\' || (c == '#' && before == '&'), "{c} acts in {line}");
                before = if before == '\\' && c == '\\' { ' ' } else { c };
            }
        }
        assert!(!line.chars().any(|c| c.is_control() || c == '\u{202e}'), "{}", line.escape_debug());
        assert!(!line.starts_with("# m") && !line.starts_with("> n"), "{line}");
    }
    assert!(!document.contains("http://"), "no address becomes a link by itself");
}

/// All that can be recorded about an action after its intent.
fn endings() -> Vec<Vec<(&'static str, Value)>> {
    let sent = |done: u64, unknown: bool| {
        (record::OUTCOME, json!({"action": ACTION, "done": done, "of": 2, "unknown": unknown, "why": "w"}))
    };
    let read = |done: u64, unknown: bool| {
        (record::READ_BACK, json!({"action": ACTION, "done": done, "unknown": unknown, "why": "w"}))
    };
    let closed = |outcome: &str| {
        (record::CLOSED, json!({"action": ACTION, "outcome": outcome, "words": outcome.to_uppercase()}))
    };
    let mut all = vec![vec![]];
    for done in 0..=2 {
        for unknown in [false, true] {
            all.push(vec![sent(done, unknown)]);
            for again in 0..=2 {
                all.push(vec![sent(done, unknown), read(again, false)]);
                all.push(vec![sent(done, unknown), read(again, false), closed("helped")]);
            }
            all.push(vec![sent(done, unknown), closed("inconclusive")]);
        }
        all.push(vec![read(done, false)]);
        all.push(vec![read(done, true)]);
    }
    all
}

#[test]
fn history_and_post_mortem_tell_the_same_end_of_every_action() {
    let intent = json!({"action": ACTION, "by": "mara", "workload": "shop/api", "offer": "rollback",
        "target": "api-1", "verdict": "bad_deploy", "digest": "sha256:aa", "calls": [
            {"method": "PATCH", "path": "/a/b/configmaps/c"}, {"method": "PATCH", "path": "/a/b/deployments/api"}]});
    let mut seen = BTreeSet::new();
    let folder = tempfile::tempdir().expect("a folder");
    for ending in endings() {
        let _ = std::fs::remove_dir_all(folder.path().join("state"));
        let mut journal = Journal::open(&folder.path().join("state")).expect("a journal");
        journal.append(time(0), record::INTENT, &intent).expect("a record");
        for (kind, body) in &ending {
            journal.append(time(1), kind, body).expect("a record");
        }
        let (records, verified) = read_and_verify(&folder.path().join("state"));
        let rows = goaround::shell::history::rows(&records);
        let cases = goaround::shell::export::cases(&records);
        let told = goaround::shell::export::as_json(&cases, &verified);
        assert_eq!(rows[0]["outcome"], told["cases"][0]["outcome"], "{ending:?}");
        for key in ["by", "workload", "verdict", "offer", "target", "digest", "time"] {
            assert_eq!(rows[0][key], told["cases"][0][key], "{key} of {ending:?}");
        }
        seen.insert(rows[0]["outcome"].as_str().expect("a word").to_owned());
        // Nothing was counted, so nothing is said of requests.
        let document = goaround::shell::export::markdown::document(&told);
        assert!(!document.contains("requests failed"), "{document}");
    }
    for word in ["unknown", "executed", "not_executed", "partial", "helped", "inconclusive"] {
        assert!(seen.contains(word), "{word} of {seen:?}");
    }
}

#[test]
fn history_as_json_is_each_decision_as_it_was_recorded() {
    let mut story = whole_story();
    let mut marks = Marks(500);
    for kind in [record::REJECTED, record::WAITED, record::EXPIRED, record::WITHDRAWN] {
        let card = marks.card();
        story.push((kind, with(card, json!({"proposal": format!("p-{kind}"), "by": marks.word()}))));
    }
    let folder = recorded(&story);
    let ran = run(&folder, ["history", "-o", "json"].map(str::to_owned));
    let rows = ran.json();
    let (records, _) = read_and_verify(&folder.path().join("state"));
    let decided: Vec<_> = records
        .iter()
        .filter(|r| r.kind == record::INTENT || r.body["proposal"].as_str().is_some_and(|p| p != "p-1"))
        .collect();
    assert_eq!(rows.as_array().expect("rows").len(), decided.len());
    for (row, record) in rows.as_array().expect("rows").iter().zip(decided) {
        let body = &record.body;
        let id = if record.kind == record::INTENT { &body["action"] } else { &body["proposal"] };
        assert_eq!((&row["action"], &row["time"]), (id, &json!(record.time.to_rfc3339())));
        for key in ["by", "workload", "verdict", "offer", "target", "digest"] {
            let (told, recorded) = (row[key].as_str(), body[key].as_str());
            let clean = recorded.map(|text| Clean::new(text).to_string());
            assert!(told == recorded || told == clean.as_deref(), "{key}: {told:?} for {recorded:?}");
        }
    }
    assert!(!ran.out.contains('\u{1b}') && !ran.out.contains('\u{202e}'), "{}", ran.out.escape_debug());
}

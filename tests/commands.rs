//! Commands around the cockpit, through the real binary: the guide of a first run, the configuration file, completions,
//! the manual, and post-mortems out of a journal.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

use goaround::domain::Time;
use goaround::shell::check::VIEWER;
use goaround::shell::config_init::TEMPLATE;
use goaround::shell::journal::Journal;
use serde_json::{Value, json};

fn run(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_goaround"))
        .args(arguments)
        .env("GOAROUND_STATE_DIR", folder.join("state"))
        .env("GOAROUND_CONFIG_DIR", folder.join("config"))
        .env("HOME", folder)
        .env_remove("KUBECONFIG")
        .output()
        .expect("the binary runs")
}

fn out(ran: &Output) -> String {
    String::from_utf8_lossy(&ran.stdout).into_owned()
}

fn err(ran: &Output) -> String {
    String::from_utf8_lossy(&ran.stderr).into_owned()
}

#[test]
fn without_a_cluster_check_says_what_to_do_and_that_there_is_a_demo() {
    let folder = tempfile::tempdir().expect("a folder");
    let ran = run(folder.path(), &["check"]);
    assert_eq!(ran.status.code(), Some(1), "{}", err(&ran));
    let text = out(&ran);
    for words in
        ["goaround demo", "goaround config init", "kubeconfig", "to mend, kubeconfig first", "terminal"]
    {
        assert!(text.contains(words), "{words} is missing in\n{text}");
    }
    let ran = run(folder.path(), &["check", "-o", "json"]);
    let lines: Value = serde_json::from_str(&out(&ran)).expect("JSON");
    for line in lines.as_array().expect("a list") {
        let keys: Vec<&String> = line.as_object().expect("an object").keys().collect();
        assert_eq!(keys, ["check", "state", "detail", "next"]);
        assert!(["ok", "warn", "fail"].contains(&line["state"].as_str().expect("a word")));
    }
}

#[test]
fn the_rights_that_are_asked_for_are_those_of_the_viewer_role() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/viewer.yaml");
    let yaml = std::fs::read_to_string(file).expect("the role");
    let role = yaml.split("---").next().expect("the viewer");
    let mut granted = Vec::new();
    for rule in role.split("- apiGroups: [").skip(1) {
        let list = |start: &str| {
            let rest = &rule[rule.find(start).expect(start) + start.len()..];
            let items = rest.split(']').next().unwrap_or_default().split(", ");
            items.map(|item| item.trim_matches('"').to_owned()).collect::<Vec<_>>()
        };
        if rule.contains("resourceNames") {
            continue;
        }
        let group = rule.split(']').next().unwrap_or_default().trim_matches('"').to_owned();
        for resource in list("resources: [") {
            granted.push((group.clone(), resource, list("verbs: [")));
        }
    }
    granted.sort();
    let owned = |words: &[&str]| words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>();
    let mut asked: Vec<_> =
        VIEWER.iter().map(|(g, r, verbs)| ((*g).to_owned(), (*r).to_owned(), owned(verbs))).collect();
    asked.sort();
    assert_eq!(asked, granted);
}

#[test]
fn a_configuration_is_written_once_for_one_person_and_names_every_key() {
    let folder = tempfile::tempdir().expect("a folder");
    assert!(out(&run(folder.path(), &["config", "check"])).contains("the defaults hold"));
    let ran = run(folder.path(), &["config", "init"]);
    assert_eq!(ran.status.code(), Some(0), "{}", err(&ran));
    let file = folder.path().join("config/config.toml");
    assert_eq!(out(&ran).trim(), file.display().to_string());
    assert_eq!(std::fs::metadata(&file).expect("it").permissions().mode() & 0o777, 0o600);
    assert_eq!(std::fs::read_to_string(&file).expect("it"), TEMPLATE);
    assert!(out(&run(folder.path(), &["config", "check"])).contains("is read"));
    let again = run(folder.path(), &["config", "init"]);
    assert!(again.status.code() == Some(2) && err(&again).contains("--force"), "{}", err(&again));
    assert_eq!(run(folder.path(), &["config", "init", "--force"]).status.code(), Some(0));
    assert_eq!(out(&run(folder.path(), &["config", "init", "--stdout"])), TEMPLATE);

    std::fs::write(&file, "[policy]\nmin_bda = 1\n").expect("written");
    let refused = run(folder.path(), &["config", "check"]);
    assert!(
        refused.status.code() == Some(2) && err(&refused).contains("config.toml:2:1"),
        "{}",
        err(&refused)
    );

    // The fixture has every key that the parser knows: tests/config.rs.
    let full = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/config/full.toml");
    let all: toml::Table = std::fs::read_to_string(full).expect("the fixture").parse().expect("TOML");
    let mut keys = Vec::new();
    for (key, value) in &all {
        keys.push(key.clone());
        let tables: Vec<&toml::Table> = match value {
            toml::Value::Table(table) => vec![table],
            toml::Value::Array(tables) => tables.iter().filter_map(toml::Value::as_table).collect(),
            _ => vec![],
        };
        keys.extend(tables.into_iter().flat_map(toml::Table::keys).cloned());
    }
    for key in keys {
        let named = TEMPLATE.lines().any(|line| {
            let setting = line.strip_prefix("# ").or_else(|| line.strip_prefix("#or "));
            setting.is_some_and(|s| {
                s.starts_with(&format!("{key} =")) || s == format!("[{key}]") || s == format!("[[{key}]]")
            })
        });
        assert!(named, "`goaround config init` does not know the key `{key}`");
    }
}

#[test]
fn completions_and_the_manual_come_from_the_program_itself() {
    let folder = tempfile::tempdir().expect("a folder");
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ran = run(folder.path(), &["completions", shell]);
        assert_eq!(ran.status.code(), Some(0), "{}", err(&ran));
        let script = out(&ran);
        for word in ["drill", "propose", "export"] {
            assert!(script.contains(word), "{shell} does not complete {word}");
        }
    }
    let page = out(&run(folder.path(), &["man"]));
    assert!(page.contains(".SH KEYS") && page.contains(".SH EXIT STATUS"), "{page}");
    let pages = folder.path().join("man");
    let place = pages.display().to_string();
    let ran = run(folder.path(), &["man", "--dir", &place]);
    assert_eq!(ran.status.code(), Some(0), "{}", err(&ran));
    for name in ["goaround", "goaround-check", "goaround-audit-export", "goaround-config-init"] {
        assert!(pages.join(format!("{name}.1")).exists(), "{name}");
    }
}

#[test]
fn a_drill_takes_the_scenarios_that_are_named_and_refuses_what_is_none() {
    let folder = tempfile::tempdir().expect("a folder");
    let ran = run(folder.path(), &["drill", "--list", "dependency", "slo-burn"]);
    assert_eq!((ran.status.code(), out(&ran).as_str()), (Some(0), "dependency\nslo-burn\n"), "{}", err(&ran));
    assert!(out(&run(folder.path(), &["drill", "--list"])).lines().count() >= 10);
    let ran = run(folder.path(), &["drill", "dependency", "slo-brun"]);
    assert_eq!(ran.status.code(), Some(2), "{}", out(&ran));
    assert!(err(&ran).contains("`slo-brun`") && err(&ran).contains("slo-burn"), "{}", err(&ran));
    let ran = run(folder.path(), &["drill", "lying-model"]);
    assert!(err(&ran).contains("`lying-model` asks nothing"), "{}", err(&ran));
}

fn at(clock: &str) -> Time {
    format!("2026-11-20T{clock}Z").parse().expect("a time")
}

/// A text that would be a link, a tag, code, a table cell and a line of its own.
const HOSTILE: &str = "x|y `code` <b>bold</b> [click](http://evil.example) \r\n# heading \u{202e}txt";

/// The journal of one rollback and one rejection, with hostile words wherever words of others may stand.
fn journal(folder: &Path) {
    let mut journal = Journal::open(&folder.join("state")).expect("a journal");
    let template = |image: &str| json!({"spec": {"containers": [{"name": "api", "image": image}]}});
    let gates = json!({"real": {"state": "pass", "line": HOSTILE, "evidence": ["E1"]},
                       "ours": {"state": "fail", "line": "no rollout", "evidence": []}});
    let evidence = json!([{"id": "E1", "fact": HOSTILE, "value": 0.25, "unit": "ratio", "window": "5m", "bad": 25.0,
                           "total": 100.0, "source": "prom", "age_s": 3},
                          {"id": "E2", "fact": "the errors began at 12:00:05", "value": null, "unit": "", "window": "",
                           "bad": null, "total": null, "source": "prom", "age_s": 3}]);
    let card = |more: Value| {
        let mut body = json!({"cluster": "c", "workload": "shop/api", "slos": ["api-availability"],
            "verdict": "bad_deploy", "offer": "rollback", "target": "api-1 4.11", "digest": "sha256:aa",
            "gates": gates, "reason_of_offer": HOSTILE, "not_restored": [{"kind": "Secret", "name": "keys", "why": HOSTILE}],
            "evidence": evidence});
        for (key, value) in more.as_object().into_iter().flatten() {
            body[key] = value.clone();
        }
        body
    };
    let calls = json!([{"method": "PATCH", "path": "/apis/apps/v1/namespaces/shop/deployments/api",
        "content_type": "application/json-patch+json", "body": [
            {"op": "test", "path": "/spec/template", "value": template("api:4.12")},
            {"op": "replace", "path": "/spec/template", "value": template("api:4.11")}]}]);
    let answer = json!({"cause": "bad_deploy", "action": "rollback", "confirmed": 1, "contradicted": 1, "not_found": 0,
        "dissent": null, "sentences": [{"text": HOSTILE, "evidence": ["E1"],
            "claims": [{"text": "80 %", "mark": "contradicted", "truth": "25 %"}]}]});
    let records = [
        ("12:01:00", "proposed", card(json!({"proposal": "p-1"}))),
        (
            "12:01:05",
            "advice",
            json!({"workload": "shop/api", "proposal": "p-1", "digest": "sha256:aa", "model": HOSTILE, "question": null, "answer": answer}),
        ),
        (
            "12:01:30",
            "intent",
            card(json!({"action": "01ACTION", "by": "mara", "reason": HOSTILE, "seconds_open": 30,
            "calls": calls, "prediction": {"no_new_errors_from": "2026-11-20T12:02:30+00:00", "short_window_clear_by": "2026-11-20T12:07:30+00:00"}})),
        ),
        (
            "12:01:31",
            "outcome",
            json!({"action": "01ACTION", "done": 1, "of": 1, "unknown": false, "why": null}),
        ),
        (
            "12:03:30",
            "closed",
            json!({"action": "01ACTION", "outcome": "helped", "words": "HELPED", "prediction_kept": true,
            "incident": {"bad": 25, "total": 100}, "since_rollout": {"bad": 0, "total": 900, "from": "2026-11-20T12:01:50+00:00"}}),
        ),
        (
            "12:10:00",
            "rejected",
            card(json!({"proposal": "p-2", "by": "jo", "reason": "not now", "digest": "sha256:bb"})),
        ),
    ];
    for (clock, kind, body) in records {
        journal.append(at(clock), kind, &body).expect("appended");
    }
}

#[test]
fn a_post_mortem_has_everything_with_its_record_and_hostile_words_stay_words() {
    let folder = tempfile::tempdir().expect("a folder");
    journal(folder.path());
    let ran = run(folder.path(), &["audit", "export", "01action"]);
    assert_eq!(ran.status.code(), Some(0), "{}", err(&ran));
    let document = out(&ran);
    for part in [
        "# Post-mortem: rollback of shop/api",
        "## Timeline",
        "the errors began at 12:00:05 \\(E2\\)",
        "sent: 1 of 1 calls accepted",
        "closed: HELPED; 0 of 900 requests failed since the rollout",
        "## Gates",
        "**fail**",
        "| E1 |",
        "25 of 100",
        "image 4.12 → 4.11",
        "### Not restored",
        "kept",
        "~~80 %~~ true is 25 %",
        "the chain",
    ] {
        assert!(document.contains(part), "{part} is missing in\n{document}");
    }
    for (seq, line) in (1..=5).map(|seq| (seq, format!("| {seq} | 2026-11-20T12:0"))) {
        assert!(document.contains(&line), "record {seq} is missing in\n{document}");
    }
    for never in ["<b>", "`code`", "](http", "http://", "x|y", "\r", "\u{202e}", "\n# heading"] {
        assert!(!document.contains(never), "{never:?} is in\n{document}");
    }
    for line in document.lines().filter(|line| line.starts_with('|')) {
        assert!(line.ends_with('|'), "{line}");
    }
}

#[test]
fn a_post_mortem_is_json_too_and_goes_into_a_file_of_ones_own() {
    let folder = tempfile::tempdir().expect("a folder");
    journal(folder.path());
    let ran = run(folder.path(), &["audit", "export", "-o", "json", "--since", "10000d"]);
    let told: Value = serde_json::from_str(&out(&ran)).expect("JSON");
    assert_eq!((&told["journal"]["ok"], &told["journal"]["records"]), (&true.into(), &6.into()));
    let cases = told["cases"].as_array().expect("cases");
    let outcomes: Vec<&Value> = cases.iter().map(|case| &case["outcome"]).collect();
    assert_eq!(outcomes, ["helped", "rejected"]);
    let seqs: Vec<u64> =
        cases[0]["records"].as_array().expect("records").iter().filter_map(|r| r["seq"].as_u64()).collect();
    assert_eq!(seqs, [1, 2, 3, 4, 5]);
    assert!(
        !told.to_string().contains("\\r") || told.to_string().contains("\\\\r"),
        "a carriage return is spelled out"
    );

    // Without words: the last decision.
    let last = out(&run(folder.path(), &["audit", "export"]));
    assert!(last.contains("not now") && !last.contains("HELPED"), "{last}");

    let file = folder.path().join("week.md");
    let place = file.display().to_string();
    let ran = run(folder.path(), &["audit", "export", "p-2", "--out", &place]);
    assert_eq!(ran.status.code(), Some(0), "{}", err(&ran));
    assert_eq!(std::fs::metadata(&file).expect("it").permissions().mode() & 0o777, 0o600);
    let again = run(folder.path(), &["audit", "export", "p-2", "--out", &place]);
    assert_eq!(again.status.code(), Some(2), "{}", err(&again));
    let none = run(folder.path(), &["audit", "export", "nothing"]);
    assert!(none.status.code() == Some(2) && err(&none).contains("goaround history"), "{}", err(&none));
}

#[test]
fn a_journal_that_was_altered_is_exported_up_to_there_and_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    journal(folder.path());
    let file = folder.path().join("state/journal.jsonl");
    let text = std::fs::read_to_string(&file).expect("it").replace("not now", "why not");
    std::fs::write(&file, text).expect("altered");
    let ran = run(folder.path(), &["audit", "export", "01ACTION"]);
    assert_eq!(ran.status.code(), Some(1));
    assert!(out(&ran).contains("**NOT whole**") && err(&ran).contains("audit verify"), "{}", err(&ran));
}

#[test]
fn a_reader_that_wants_no_more_is_no_bug() {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let output = Command::new(env!("CARGO_BIN_EXE_goaround"))
        .args(["demo", "--list"])
        .stdout(writer)
        .output()
        .expect("it starts");
    assert_eq!(output.status.code(), Some(141), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

//! The record: where it cannot be written the gate is closed and the dashboard runs; where it was touched `audit verify`
//! says so; what it does not know the outcome of is read back before anything else is approved.

use std::process::Command;

use goaround::domain::cluster::template_digest;
use goaround::engine::record;
use goaround::shell::journal::{FILE, Journal};
use serde_json::{Value, json};

use crate::cluster::{Cluster, Ran, Reply, run};
use crate::common::Screen;
use crate::{checked, harmless, says};

fn audit(cluster: &Cluster) -> Ran {
    run(&cluster.folder, ["audit", "verify", "-o", "json"].map(str::to_owned))
}

/// The screen runs, says why nothing can be approved, and the key that arms does nothing.
fn dashboard_runs_and_gate_is_closed(screen: &mut Screen, why: &str) {
    screen.wait("1 gate open");
    let text = screen.wait("cannot be written, nothing can be approved");
    assert!(text.contains("available, 5 m") && text.contains(why), "{text}");
    screen.press("g");
    screen.wait("CANNOT BE APPROVED");
    screen.press("a");
    let text = screen.wait("cannot be approved: the journal cannot be written");
    assert!(!text.contains("to approve"), "{text}");
    screen.press("\u{1b}");
    screen.wait("↑↓ select");
    screen.press("q");
    assert_eq!(screen.end(), 0);
}

#[test]
fn a_folder_that_cannot_be_written_closes_the_gate_and_not_the_dashboard() {
    let cluster = Cluster::burning();
    // Nobody can write there, whoever runs the test.
    let ran = cluster.run_in("/proc", &["propose"]);
    assert_eq!(ran.code, Some(10), "{}", ran.err);
    says(&ran, &["cannot be approved: the journal cannot be written: ", "/proc", "GOAROUND_STATE_DIR"]);
    let lines = checked(&cluster.run_in("/proc", &["check", "-o", "json"]), "journal");
    assert!(lines[0][0] == "fail" && lines[0][2].contains("GOAROUND_STATE_DIR"), "{lines:?}");
    let mut screen = cluster.screen_in(160, 45, &[], &[("GOAROUND_STATE_DIR", "/proc")]);
    dashboard_runs_and_gate_is_closed(&mut screen, "/proc");
}

#[test]
fn a_file_where_the_folder_should_be_is_named() {
    let cluster = Cluster::burning();
    std::fs::write(cluster.state(), "").expect("a file");
    let ran = cluster.run(&["propose"]);
    says(&ran, &["the journal cannot be written", "is not a folder", "move it aside"]);
}

/// A journal of three records.
fn recorded(cluster: &Cluster) {
    let mut journal = Journal::open(&cluster.state()).expect("a journal");
    for n in 0..3 {
        journal.append(chrono::Utc::now(), "note", &json!({ "n": n, "text": "kept" })).expect("a record");
    }
}

#[test]
fn a_flipped_byte_is_found_closes_the_gate_and_is_left_as_it_is() {
    let cluster = Cluster::burning();
    recorded(&cluster);
    assert_eq!(audit(&cluster).code, Some(0));
    let file = cluster.state().join(FILE);
    let mut bytes = std::fs::read(&file).expect("a file");
    let second = bytes.iter().position(|b| *b == b'\n').expect("a line") + 1;
    let at = second + bytes[second..].windows(4).position(|w| w == b"kept").expect("the text");
    bytes[at] ^= 1;
    std::fs::write(&file, &bytes).expect("a file");
    let ran = audit(&cluster);
    assert_eq!(ran.code, Some(1));
    let found = ran.json();
    assert_eq!((&found["ok"], &found["first_bad"]), (&json!(false), &json!(2)), "{found}");
    let ran = run(&cluster.folder, ["audit", "verify"].map(str::to_owned));
    says(&ran, &["NOT whole", "first bad record: 2"]);
    let ran = cluster.run(&["propose"]);
    assert_eq!(ran.code, Some(10));
    says(
        &ran,
        &[
            "cannot be approved: the journal cannot be written",
            "goaround audit verify",
            "keep the file as evidence",
        ],
    );
    dashboard_runs_and_gate_is_closed(&mut cluster.screen(160, 45, &[]), "journal");
    assert_eq!(std::fs::read(&file).expect("a file"), bytes, "evidence is not touched");
}

#[test]
fn a_full_disk_is_no_crash_and_leaves_no_half_record() {
    let cluster = Cluster::burning();
    // A limit of nothing for files is as full as a disk can be; its signal is ignored, so writes fail instead.
    let mut shell = Command::new("sh");
    shell.args(["-c", "trap '' XFSZ; ulimit -f 0; exec \"$@\"", "sh"]);
    let ran = cluster.run_by(&mut shell, &["propose", "-o", "json"]);
    assert_eq!(ran.code, Some(10), "{}", ran.err);
    assert_eq!(ran.one()["offer"], "rollback");
    harmless(&ran.err);
    assert_eq!(std::fs::metadata(cluster.state().join(FILE)).expect("a file").len(), 0);
    let found = audit(&cluster);
    assert_eq!((found.code, &found.json()["records"]), (Some(0), &json!(0)), "{}", found.out);
}

/// Opens the card, arms it, and gives the token.
fn armed(screen: &mut Screen) -> String {
    screen.wait("1 gate open");
    screen.press("g");
    screen.wait("arms, then");
    screen.press("a");
    let text = screen.wait("to approve");
    text.split("type ").nth(1).and_then(|rest| rest.get(..4)).expect("a token").to_owned()
}

#[test]
fn a_journal_that_is_taken_away_while_a_card_is_open_means_that_nothing_is_sent() {
    let cluster = Cluster::burning();
    let mut screen = cluster.screen(160, 45, &[]);
    let token = armed(&mut screen);
    std::fs::rename(cluster.state().join(FILE), cluster.state().join("taken")).expect("it is taken away");
    screen.type_by_hand(&token);
    screen.wait("journal cannot be written");
    screen.press("\u{1b}");
    let text = screen.wait("cannot be written, nothing can be approved");
    assert!(text.contains("moved or removed"), "{text}");
    screen.press("l");
    screen.wait("nothing was sent: the journal cannot be written");
    let written = cluster.world.writes().into_iter().filter(|w| !w.dry_run).count();
    assert_eq!(written, 0);
}

/// The record of an action of an earlier session that died before it could say how it ended.
fn intent(cluster: &Cluster, seconds_ago: i64) {
    let system = cluster.get("/api/v1/namespaces/kube-system");
    let api = cluster.get("/apis/apps/v1/namespaces/shop/deployments/api-gateway");
    let body = json!({
        "cluster": system["metadata"]["uid"], "workload": "shop/api-gateway", "verdict": "bad_deploy",
        "offer": "rollback", "target": "api-gateway-x", "digest": "sha256:00", "by": "mara",
        "action": "01JDEADEADEADEADEADEADEADE", "reason": "",
        "left_template": template_digest(&api["spec"]["template"], false), "undo": {},
        "calls": [{"method": "PATCH", "path": "/apis/apps/v1/namespaces/shop/deployments/api-gateway"}],
    });
    let at = chrono::Utc::now() - chrono::TimeDelta::seconds(seconds_ago);
    Journal::open(&cluster.state()).and_then(|mut j| j.append(at, record::INTENT, &body)).expect("a record");
}

fn history(cluster: &Cluster) -> Value {
    run(&cluster.folder, ["history", "-o", "json"].map(str::to_owned)).json()
}

#[test]
fn an_intent_without_an_outcome_is_read_back_before_anything_else_is_approved() {
    let cluster = Cluster::burning();
    intent(&cluster, 600);
    // As long as the object cannot be read nobody knows.
    cluster.kubernetes.instead(|asked| {
        let back = asked.single && asked.plural == "deployments" && asked.method == "GET";
        back.then(|| Reply::status(500, "InternalError", "etcd is away"))
    });
    let ran = cluster.run(&["propose"]);
    let unknown = "action 01JDEADEADEADEADEADEADEADE on this workload has an unknown outcome; it must be read back first";
    says(&ran, &["cannot be approved: ", unknown]);
    let mut screen = cluster.screen(160, 45, &[]);
    screen.wait("1 gate open");
    screen.press("g");
    screen.wait("has an unknown outcome");
    screen.press("a");
    let text = screen.wait("cannot be approved: action 01JDEAD");
    assert!(!text.contains("to approve"), "{text}");
    // Then it can be read: it does not bear the action, so that was never done.
    cluster.kubernetes.honest();
    screen.wait_gone("has an unknown outcome");
    screen.wait("arms, then");
    assert_eq!(history(&cluster)[0]["outcome"], "not_executed");
}

#[test]
fn what_somebody_changed_since_is_not_called_undone() {
    let cluster = Cluster::burning();
    intent(&cluster, 600);
    cluster.kubernetes.edit(|asked, object| {
        if asked.plural == "deployments" {
            object["spec"]["template"]["spec"]["hostname"] = "changed-since".into();
        }
    });
    let ran = cluster.run(&["propose"]);
    says(&ran, &["whoever knows it must say it: no object carries its mark"]);
    assert_eq!(history(&cluster)[0]["outcome"], "unknown");
}

#[test]
fn what_may_still_arrive_is_not_called_undone() {
    let cluster = Cluster::burning();
    // Sent a moment ago: the request may still be on its way.
    intent(&cluster, 5);
    let ran = cluster.run(&["propose"]);
    says(&ran, &["has an unknown outcome; it must be read back first"]);
    assert_eq!(history(&cluster)[0]["outcome"], "unknown");
}

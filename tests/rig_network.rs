//! The real network under the real binary: links that lose, cut and delay, an API server that is killed or stands still
//! while a write is on its way, an etcd that stands still, watches and a Prometheus that fall silent. What was really
//! written is counted in the API server's audit log and in the generation of the object; what the screen says is read at
//! every step, and it must never say more than is known. Runs where `tests/rig.rs` runs, on a rig alone.

#![expect(
    clippy::disallowed_methods,
    reason = "it is asked for by variables, and bounds against hanging are real time"
)]

#[path = "common/cockpit.rs"]
mod cockpit;
mod common;
#[path = "common/rig.rs"]
mod rig;
#[path = "common/webhook.rs"]
mod webhook;

use std::io::Write as _;
use std::sync::Arc;

use cockpit::Cockpit;
use rig::{Rig, http};
use serde_json::{Value, json};
use webhook::Webhook;

/// True when somebody asked for a run, and it is a rig that it runs on.
fn asked(what: &str) -> bool {
    let asked = std::env::var("GOAROUND_E2E").is_ok_and(|value| value == "1");
    if asked && rig::is_named() {
        println!("NOT RUN on a named cluster, because only a rig can do it: {what}");
    }
    asked && !rig::is_named()
}

#[test]
fn without_goaround_e2e_nothing_here_runs_and_that_is_said() {
    if std::env::var("GOAROUND_E2E").is_err() {
        // Not through the macros, whose output nobody sees when a test passes.
        let words = "\n#### tests/rig_network.rs: NOT RUN on a real network. GOAROUND_E2E is not 1; `.ci/rig` asks \
                     for it.\n";
        std::io::stderr().write_all(words.as_bytes()).expect("stderr");
    }
}

// Workloads that no SLO judges: a rollback by hand needs no burn.

/// Deployment `name` in default with one revision for each grade, the last one serving. `weight`: bytes of an annotation.
fn deployed(rig: &Rig, name: &str, grades: &[&str], weight: usize) {
    let labels = json!({"app": name});
    for grade in grades {
        let container =
            json!({"name": "main", "image": "nginx:1.27.1", "env": [{"name": "GRADE", "value": grade}]});
        rig.apply(&json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": name, "namespace": "default", "annotations": {"weight": "x".repeat(weight)}},
            "spec": {
                "selector": {"matchLabels": labels},
                "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
            },
        }));
        let target = format!("deployment/{name}");
        rig.kubectl(&["-n", "default", "rollout", "status", &target, "--timeout=120s"]);
    }
}

/// The grade that serves, and how often the specification was written.
fn grade(rig: &Rig, name: &str) -> (String, i64) {
    let object = rig.object("default", "deployment", name);
    let grade = &object["spec"]["template"]["spec"]["containers"][0]["env"][0]["value"];
    let generation = object["metadata"]["generation"].as_i64().expect("a generation");
    (grade.as_str().expect("a grade").to_owned(), generation)
}

/// A cockpit in front of the card of a rollback by hand.
fn by_hand(kubeconfig: &str, more: &[&str], name: &str) -> Cockpit {
    let mut cockpit = Cockpit::open(kubeconfig, more);
    cockpit.wait(" row");
    propose(&mut cockpit, name);
    cockpit
}

fn propose(cockpit: &mut Cockpit, name: &str) {
    cockpit.screen.press("/");
    cockpit.wait("enter keeps it");
    cockpit.screen.type_slowly(name);
    cockpit.wait("1 match");
    cockpit.screen.press("\r");
    cockpit.until("the card", |screen, text| {
        if text.contains("no SLO judges it") {
            screen.press("u");
        }
        text.contains(&format!("ROLL BACK {name}")).then_some(())
    });
}

// The link between the cockpit and the API server.

/// Puts a toxic of Toxiproxy on what comes down the link of the API server.
fn poison(rig: &Rig) -> impl Fn(&str, Value) + Send + 'static {
    let toxics = format!("{}/proxies/api/toxics", rig.toxiproxy());
    move |kind, attributes| {
        let toxic = json!({"name": kind, "type": kind, "stream": "downstream", "attributes": attributes});
        http(|client| client.post(&toxics).body(toxic.to_string()));
    }
}

fn heal(rig: &Rig) {
    http(|client| client.post(format!("{}/reset", rig.toxiproxy())));
}

/// Breaks all connections of the link, and lets no new one through until it is healed.
fn cut(rig: &Rig) {
    http(|client| client.post(format!("{}/proxies/api", rig.toxiproxy())).body(r#"{"enabled": false}"#));
}

/// Words that say how a write ended.
const ENDS: [&str; 5] = ["by the API server", "HELPED", "NOT EXECUTED", "INCONCLUSIVE", "rollout done"];

/// Waits for `OUTCOME UNKNOWN`, before which nothing may be claimed; why it is not known.
fn unknown(cockpit: &mut Cockpit) -> String {
    cockpit.until("an unknown outcome", |_, text| {
        claims_nothing(text);
        let line = text.lines().find(|line| line.contains("it is read back, and never sent twice"))?;
        text.contains("OUTCOME UNKNOWN").then(|| line.trim().to_owned())
    })
}

/// While nobody can know it, the screen does not say how the write ended.
fn claims_nothing(text: &str) {
    let claimed = ENDS.iter().find(|end| text.contains(*end));
    assert_eq!(claimed, None, "claimed before it can be known:\n{text}");
}

/// One write of `user` on the Deployment, done once, as audit log and object say, and as the journal tells it.
fn done_once(rig: &Rig, cockpit: &mut Cockpit, name: &str, generation: i64) {
    let writes: Vec<_> = rig.writes_by("operator").into_iter().filter(|w| w.name == name).collect();
    assert_eq!(writes.len(), 1, "{writes:#?}");
    assert_eq!((writes[0].verb.as_str(), writes[0].code), ("patch", 200), "{writes:#?}");
    assert_eq!(grade(rig, name), ("first".to_owned(), generation + 1), "one effect, and no more");
    told(rig, cockpit, name, "executed");
}

/// How the journal tells the one action on the Deployment; then the cockpit is left.
fn told(rig: &Rig, cockpit: &mut Cockpit, name: &str, how: &str) {
    let state = cockpit.state();
    cockpit.quit();
    let rows = rig.goaround("operator", &state, &["history", "-o", "json"]).json();
    let rows: Vec<Value> = rows.as_array().cloned().unwrap_or_default();
    let ours: Vec<&Value> = rows.iter().filter(|r| r["workload"] == format!("default/{name}")).collect();
    println!("said: the journal about {name}, {how}: {ours:?}");
    assert_eq!(ours.len(), 1, "{rows:?}");
    let verified = rig.goaround("operator", &state, &["audit", "verify", "-o", "json"]);
    assert_eq!((verified.code, &verified.json()["ok"]), (0, &json!(true)), "{verified:?}");
}

#[test]
fn an_answer_that_is_lost_cut_or_late_is_read_back_and_the_write_is_never_repeated() {
    if !asked("a link that loses answers") {
        return;
    }
    let rig = Rig::up();
    let webhook = Webhook::register(&rig, "operator");
    lost(&rig, &webhook);
    cut_short(&rig, &webhook);
    late(&rig, &webhook);
}

/// The write is done, its answer is not let through, and then the connection breaks.
fn lost(rig: &Rig, webhook: &Webhook) {
    deployed(rig, "lost", &["first", "second"], 0);
    let (_, before) = grade(rig, "lost");
    let mut cockpit = by_hand(&rig.kubeconfig("operator.toxic"), &[], "lost");
    let poison = poison(rig);
    webhook.at_the_next_write(move || poison("timeout", json!({"timeout": 0})));
    cockpit.decide("the second grade was not agreed");
    cockpit.until("the write", |_, text| {
        claims_nothing(text);
        (grade(rig, "lost").0 == "first").then_some(())
    });
    cut(rig);
    println!("said: the answer lost: {}", unknown(&mut cockpit));
    heal(rig);
    cockpit.wait("by the API server");
    println!("said: read back:\n{}", cockpit.screen.text());
    println!("said: {}", cockpit.outcome("lost"));
    done_once(rig, &mut cockpit, "lost", before);
}

/// The first bytes of the answer come through, `200` among them, the rest does not: a success is not known to be ours
/// without the object.
fn cut_short(rig: &Rig, webhook: &Webhook) {
    deployed(rig, "cut", &["first", "second"], 60_000);
    let (_, before) = grade(rig, "cut");
    let mut cockpit = by_hand(&rig.kubeconfig("operator.toxic"), &[], "cut");
    let poison = poison(rig);
    webhook.at_the_next_write(move || poison("limit_data", json!({"bytes": 24_000})));
    cockpit.decide("the second grade was not agreed");
    println!("said: the answer cut: {}", unknown(&mut cockpit));
    assert_eq!(grade(rig, "cut").0, "first", "it was done all the same");
    heal(rig);
    cockpit.wait("by the API server");
    println!("said: {}", cockpit.outcome("cut"));
    done_once(rig, &mut cockpit, "cut", before);
}

/// The answer comes when nobody waits for it any more.
fn late(rig: &Rig, webhook: &Webhook) {
    deployed(rig, "late", &["first", "second"], 0);
    let (_, before) = grade(rig, "late");
    let mut cockpit = by_hand(&rig.kubeconfig("operator.toxic"), &[], "late");
    let poison = poison(rig);
    webhook.at_the_next_write(move || poison("latency", json!({"latency": 45_000})));
    cockpit.decide("the second grade was not agreed");
    let said = unknown(&mut cockpit);
    assert!(said.contains("no answer in 30 s"), "{said}");
    println!("said: the answer late: {said}");
    heal(rig);
    cockpit.wait("by the API server");
    println!("said: {}", cockpit.outcome("late"));
    done_once(rig, &mut cockpit, "late", before);
}

// The servers.

#[test]
fn an_api_server_that_is_killed_before_or_after_it_stores_the_write_leaves_one_effect_or_none() {
    if !asked("an API server that is killed") {
        return;
    }
    let rig = Arc::new(Rig::up());
    let webhook = Webhook::register(&rig, "operator");
    for name in ["stored", "never"] {
        deployed(&rig, name, &["first", "second"], 0);
    }

    // Stored, and killed while the answer is on its way.
    let (_, before) = grade(&rig, "stored");
    let mut cockpit = by_hand(&rig.kubeconfig("operator.toxic"), &[], "stored");
    let poison = poison(&rig);
    webhook.at_the_next_write(move || poison("timeout", json!({"timeout": 0})));
    cockpit.decide("the second grade was not agreed");
    cockpit.until("the write", |_, text| {
        claims_nothing(text);
        (grade(&rig, "stored").0 == "first").then_some(())
    });
    rig.rig(&["stop", "kube-apiserver"]);
    heal(&rig);
    println!("said: killed after it was stored: {}", unknown(&mut cockpit));
    rig.rig(&["start", "kube-apiserver"]);
    cockpit.wait("by the API server");
    println!("said: {}", cockpit.outcome("stored"));
    done_once(&rig, &mut cockpit, "stored", before);

    // Killed while it handles the write.
    let (_, before) = grade(&rig, "never");
    let mut cockpit = by_hand(&rig.kubeconfig("operator"), &[], "never");
    let server = Arc::clone(&rig);
    webhook.at_the_next_write(move || {
        server.rig(&["stop", "kube-apiserver"]);
    });
    cockpit.decide("the second grade was not agreed");
    println!("said: killed before it was stored: {}", unknown(&mut cockpit));
    rig.rig(&["start", "kube-apiserver"]);
    // It answers that it does not have it, and for a while that proves nothing.
    let title = cockpit.outcome("never");
    assert!(title.starts_with("NOT EXECUTED"), "{title}");
    cockpit.wait("read back, the server does not have it");
    assert_eq!(grade(&rig, "never"), ("second".to_owned(), before));
    assert!(rig.writes_by("operator").iter().all(|w| w.name != "never"), "{:#?}", rig.writes_by("operator"));
    told(&rig, &mut cockpit, "never", "not_executed");
}

#[test]
fn an_api_server_or_an_etcd_that_stands_still_while_the_write_is_on_its_way_leaves_one_effect_or_none() {
    if !asked("an API server and an etcd that stand still") {
        return;
    }
    let rig = Arc::new(Rig::up());
    let webhook = Webhook::register(&rig, "operator");
    for component in ["kube-apiserver", "etcd"] {
        let name = if component == "etcd" { "stands-etcd" } else { "stands-api" };
        deployed(&rig, name, &["first", "second"], 0);
        let (_, before) = grade(&rig, name);
        let mut cockpit = by_hand(&rig.kubeconfig("operator"), &[], name);
        let server = Arc::clone(&rig);
        webhook.at_the_next_write(move || {
            server.rig(&["pause", component]);
        });
        cockpit.decide("the second grade was not agreed");
        println!("said: {component} stands still: {}", unknown(&mut cockpit));
        rig.rig(&["resume", component]);
        // Whether it was done is the server's to say; the screen, the object, the audit log and the journal agree.
        let title = cockpit.outcome(name);
        println!("said: {component} goes on: {title}");
        let (grade, after) = grade(&rig, name);
        let done = grade == "first";
        assert_eq!(after, before + i64::from(done));
        assert_eq!(title.starts_with("NOT EXECUTED"), !done, "{title}, but {grade} serves");
        let writes: Vec<_> = rig.writes_by("operator").into_iter().filter(|w| w.name == name).collect();
        assert!(writes.len() <= 1, "{writes:#?}");
        println!("said: the audit log: {:?}", writes.iter().map(|w| w.code).collect::<Vec<_>>());
        told(&rig, &mut cockpit, name, if done { "executed" } else { "not_executed" });
    }
}

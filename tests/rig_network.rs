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

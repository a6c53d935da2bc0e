//! End to end on a real API server and a real Prometheus: the real binary in a pseudo-terminal, and the API server's
//! own audit log as the witness of what was written, and by whom. Runs when it is asked for (`.ci/rig`, which sets
//! `GOAROUND_E2E=1`); each test has a rig of its own, so that no test sees what another one broke. On a named cluster
//! the faults are made by kubectl, and what was written is read from the objects instead of an audit log.

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
use std::time::Instant;

use cockpit::Cockpit;
use rig::{Rig, Said, http};
use serde_json::{Value, json};
use webhook::Webhook;

/// Between two cycles of goaround.
const CYCLE_S: f64 = 5.0;

/// True when somebody asked for a run on a real cluster.
fn asked() -> bool {
    std::env::var("GOAROUND_E2E").is_ok_and(|value| value == "1")
}

/// True when somebody asked for it, and it is a rig that it runs on.
fn asked_on_a_rig(what: &str) -> bool {
    if asked() && rig::is_named() {
        println!("NOT RUN on a named cluster, because only a rig can do it: {what}");
    }
    asked() && !rig::is_named()
}

#[test]
fn without_goaround_e2e_nothing_here_runs_and_that_is_said() {
    if !asked() {
        // Not through the macros, whose output nobody sees when a test passes.
        let words =
            "\n#### tests/rig.rs: NOT RUN on a real cluster. GOAROUND_E2E is not 1; `.ci/rig` asks for it.\n";
        std::io::stderr().write_all(words.as_bytes()).expect("stderr");
    }
}

/// A figure for the record; nothing is asserted of it, because machines are shared.
fn measured(what: &str, value: impl std::fmt::Display) {
    println!("measured: {what}: {value}");
}

/// What goaround said, for whoever reads the log of a run.
fn said(what: &str, proposal: &Value) {
    println!(
        "said: {what}: {} / {}: {}\n      gates {}",
        proposal["verdict"].as_str().unwrap_or("?"),
        proposal["offer"].as_str().unwrap_or("?"),
        proposal["reason"].as_str().unwrap_or("?"),
        proposal["gates"]
    );
    for item in proposal["evidence"].as_array().into_iter().flatten() {
        println!(
            "      {} {} {} {}/{}",
            item["fact"], item["value"], item["window"], item["bad"], item["total"]
        );
    }
}

/// A JSON patch without the two annotations that are put in at the moment of sending.
fn without_stamp(body: &Value) -> Value {
    let mut body = body.clone();
    for operation in body.as_array_mut().expect("a JSON patch") {
        if let Some(value) = operation["value"].as_object_mut() {
            value.retain(|key, _| key != "goaround.dev/action" && key != "goaround.dev/by");
        }
    }
    body
}

fn operations(body: &Value) -> Vec<(String, String)> {
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    body.as_array().expect("a JSON patch").iter().map(|o| (text(&o["op"]), text(&o["path"]))).collect()
}

fn annotations_of(body: &Value) -> &Value {
    let all = body.as_array().expect("a JSON patch");
    let last = all.iter().rev().find(|o| o["path"] == "/metadata/annotations").expect("annotations");
    &last["value"]
}

/// Seconds of Unix time, by this machine's clock, which is also the rig's.
fn now() -> f64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a clock").as_secs_f64()
}

/// The gateway of demo-slo with traffic on it: two good revisions, one SLO. `None`: a named cluster has none.
fn gateway() -> Option<Rig> {
    let rig = Rig::any();
    if !rig.is_named() {
        rig.scenario(&["slo-burn"]);
        rig.good_traffic("demo-slo", "api-gateway", 2_400.0);
        return Some(rig);
    }
    has(&rig, "demo-slo", &["deployment/api-gateway", "configmap/gateway-config"]).then(|| {
        quiet(&rig);
        rig
    })
}

/// A named cluster has these objects; else it is said that a test needs them.
fn has(rig: &Rig, namespace: &str, objects: &[&str]) -> bool {
    let there = objects.iter().all(|object| rig.kubectl_succeeds(&["-n", namespace, "get", object]));
    if !there {
        println!("NOT RUN on the named cluster, because {namespace} has not all of {}", objects.join(", "));
    }
    there
}

/// Waits until nothing burns on a named cluster.
fn quiet(rig: &Rig) {
    let folder = tempfile::tempdir().expect("a folder");
    rig.propose_until("operator", &folder.path().join("state"), "quiet", |said| said.code == 0);
}

/// The gateway's configuration with every request of /api/ failing, under `name`.
fn bad_config(name: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "demo-slo"},
        "data": {"default.conf": "server {\n  listen 8080;\n  location /healthz { return 200 \"ok\\n\"; }\n  \
                                  location /api/ { return 500 \"no upstream\\n\"; }\n}\n"},
    })
}

fn rolled_out(rig: &Rig, namespace: &str, name: &str) {
    rig.kubectl(&["-n", namespace, "rollout", "status", &format!("deployment/{name}"), "--timeout=120s"]);
}

/// A new revision that refers to a new, bad ConfigMap.
fn bad_reference(rig: &Rig) {
    if !rig.is_named() {
        return rig.scenario(&["bad-reference"]);
    }
    rig.apply(&bad_config("gateway-config-v2"));
    let patch = json!([
        {"op": "replace", "path": "/spec/template/spec/volumes/0/configMap/name", "value": "gateway-config-v2"},
    ]);
    rig.kubectl(&[
        "-n",
        "demo-slo",
        "patch",
        "deployment/api-gateway",
        "--type=json",
        "-p",
        &patch.to_string(),
    ]);
    rolled_out(rig, "demo-slo", "api-gateway");
}

/// The ConfigMap edited, the pods restarted.
fn bad_in_place(rig: &Rig) {
    if !rig.is_named() {
        return rig.scenario(&["bad-in-place"]);
    }
    rig.apply(&bad_config("gateway-config"));
    rig.kubectl(&["-n", "demo-slo", "rollout", "restart", "deployment/api-gateway"]);
    rolled_out(rig, "demo-slo", "api-gateway");
}

/// The number that the Deployment says it is at.
fn revision(rig: &Rig, namespace: &str, name: &str) -> i64 {
    let object = rig.object(namespace, "deployment", name);
    let text = object["metadata"]["annotations"]["deployment.kubernetes.io/revision"].as_str();
    text.and_then(|number| number.parse().ok()).expect("a revision")
}

const BAD: &str = "http_requests_total{namespace=\"demo-slo\",service=\"api-gateway\",code=~\"5..\"}";

/// When failing requests were counted for the last time, as Unix time.
fn last_failure(rig: &Rig, from: f64) -> Option<f64> {
    let counted = rig.query_range(&format!("sum({BAD})"), from, now(), 1);
    counted.windows(2).rev().find(|pair| pair[1].1 > pair[0].1).map(|pair| pair[1].0)
}

#[test]
fn a_bad_reference_is_rolled_back_by_one_approved_write_and_that_helps() {
    if !asked() {
        return;
    }
    let Some(rig) = gateway() else { return };
    let good = revision(&rig, "demo-slo", "api-gateway");
    let mut cockpit = Cockpit::open(&rig.kubeconfig("operator"), &rig.arguments());
    cockpit.wait("api-gateway");
    if !rig.is_named() {
        // A quiet cockpit: its queries are counted by Prometheus itself.
        let before = (rig.queries(), Instant::now());
        cockpit
            .until("three cycles", |_, _| (before.1.elapsed().as_secs_f64() >= 3.0 * CYCLE_S).then_some(()));
        let cycles = before.1.elapsed().as_secs_f64() / CYCLE_S;
        measured("queries a cycle, one SLO, nothing burns", (rig.queries() - before.0) / cycles);
    }

    bad_reference(&rig);
    let (breach, breach_at) = (Instant::now(), now());
    cockpit.wait("ROLL BACK");
    measured("seconds from breach to proposal on the screen", breach.elapsed().as_secs());

    let script = tempfile::tempdir().expect("a folder");
    let offered = rig.propose_until("operator", &script.path().join("state"), "a rollback", |s| s.code == 10);
    let proposal = offered.about("api-gateway");
    said("bad reference", &proposal);
    assert_eq!(proposal["verdict"], "bad_deploy", "{proposal}");
    assert_eq!(proposal["offer"], "rollback");
    assert_eq!(proposal["target"]["revision"], good);
    let calls = proposal["calls"].as_array().expect("calls");
    assert_eq!(calls.len(), 1);
    let call = &calls[0];
    assert_eq!(call["method"], "PATCH");
    assert_eq!(call["path"], "/apis/apps/v1/namespaces/demo-slo/deployments/api-gateway");
    assert_eq!(call["content_type"], "application/json-patch+json");
    let tests: Vec<_> = operations(&call["body"]).into_iter().filter(|(op, _)| op == "test").collect();
    let tested: Vec<&str> = tests.iter().map(|(_, path)| path.as_str()).collect();
    assert_eq!(tested, ["/metadata/uid", "/spec/template", "/spec/paused", "/metadata/annotations"]);
    if !rig.is_named() {
        assert!(rig.writes_by("operator").is_empty(), "nothing is written before it is approved");
    }

    cockpit.screen.press("g");
    let card = cockpit.wait("all effect lines read");
    println!("said: the card\n{card}");
    let key = cockpit.decide("the new route map fails every request");
    let key_at = now();
    let title = cockpit.outcome("api-gateway");
    measured("seconds from the last key to HELPED", key.elapsed().as_secs());
    println!("said: the end of the action\n{}", cockpit.screen.text());
    assert!(title.starts_with("HELPED"), "{}", cockpit.screen.text());
    if rig.prometheus().is_some() {
        let failed = last_failure(&rig, breach_at).expect("it failed");
        measured("seconds from the last key to the last failed request", failed - key_at);
        measured("seconds from the last key to the end of the first clean minute", failed - key_at + 60.0);
        let fresh = rig.query(&format!("sum(increase({BAD}[30s]))")).unwrap_or(0.0);
        assert_eq!(fresh, 0.0, "no new errors");
    }

    let stamped = rig.object("demo-slo", "deployment", "api-gateway")["metadata"]["annotations"].clone();
    let action = stamped["goaround.dev/action"].as_str().expect("an action").to_owned();
    if !rig.is_named() {
        let writes = rig.writes_by("operator");
        assert_eq!(writes.len(), 1, "{writes:#?}");
        let write = &writes[0];
        assert_eq!((write.verb.as_str(), write.code), ("patch", 200));
        assert_eq!((write.resource.as_str(), write.name.as_str()), ("deployments", "api-gateway"));
        let sent = annotations_of(&write.body);
        assert_eq!(
            (&sent["goaround.dev/by"], &sent["goaround.dev/action"]),
            (&json!("operator"), &json!(action))
        );
        assert_eq!(without_stamp(&write.body), call["body"], "what was written is what was proposed");
    }
    let digest = proposal["digest"].as_str().expect("a digest").trim_start_matches("sha256:");
    assert!(action.ends_with(&format!(":{}", &digest[..12])), "{action} for {digest}");

    let history = rig.kubectl(&["-n", "demo-slo", "rollout", "history", "deployment/api-gateway"]);
    let newest = history.lines().rev().find(|l| !l.trim().is_empty()).expect("a history").trim().to_owned();
    let number = (good + 2).to_string();
    assert!(
        newest.starts_with(&format!("{number} ")) && newest.contains("goaround: rolled back to"),
        "{history}"
    );
    let numbers: Vec<&str> = history.lines().skip(2).filter_map(|l| l.split_whitespace().next()).collect();
    assert!(!numbers.contains(&good.to_string().as_str()), "the target moved to {number}: {history}");

    // What is left of the page in its windows must not lead to a further rollback.
    let after = rig.goaround("operator", &script.path().join("state"), &["propose", "-o", "json"]);
    let left = after.json();
    left.as_array().into_iter().flatten().for_each(|proposal| said("after HELPED", proposal));
    assert_ne!(after.code, 10, "nothing is offered when it has helped: {left}");

    let state = cockpit.state();
    cockpit.quit();
    let rows = rig.goaround("operator", &state, &["history", "-o", "json"]).json();
    let done = |row: &&Value| row["action"].as_str().is_some_and(|id| action.starts_with(id));
    let row = rows.as_array().and_then(|rows| rows.iter().find(done)).cloned().unwrap_or_default();
    assert_eq!(row["outcome"], "helped", "{rows}");
    assert_eq!(row["by"], stamped["goaround.dev/by"], "{rows}");
    let verified = rig.goaround("operator", &state, &["audit", "verify", "-o", "json"]);
    assert_eq!((verified.code, &verified.json()["ok"]), (0, &json!(true)), "{verified:?}");
}

#[test]
fn a_config_edited_in_place_is_restored_from_what_was_seen_before_by_two_approved_writes() {
    if !asked() {
        return;
    }
    let Some(rig) = gateway() else { return };
    let folder = Arc::new(tempfile::tempdir().expect("a folder"));
    let state = folder.path().join("state");
    // The look that knows the earlier content.
    let quiet = rig.goaround("operator", &state, &["propose", "-o", "json"]);
    assert_eq!((quiet.code, quiet.json()), (0, json!([])), "{quiet:?}");
    let before = rig.object("demo-slo", "configmap", "gateway-config")["data"].clone();

    bad_in_place(&rig);
    // As one that `kubectl create` made: the action brings its annotations itself.
    let bare = json!({"metadata": {"annotations": null}}).to_string();
    rig.kubectl(&["-n", "demo-slo", "patch", "configmap/gateway-config", "--type=merge", "-p", &bare]);
    let breach = Instant::now();
    let edited = rig.object("demo-slo", "configmap", "gateway-config")["data"].clone();
    assert_ne!(before, edited);
    let mut cockpit = Cockpit::open_in(&rig.kubeconfig("operator"), &rig.arguments(), Arc::clone(&folder));
    cockpit.wait("RESTORE CONFIG");
    measured("seconds from breach to proposal on the screen (config)", breach.elapsed().as_secs());
    let offered = rig.propose_until("operator", &state, "a restore", |said| said.code == 10);
    let proposal = offered.about("api-gateway");
    said("bad in place, seen before", &proposal);
    assert_eq!(proposal["verdict"], "config_change", "{proposal}");
    assert_eq!(proposal["offer"], "restore_config");
    assert_eq!(proposal["target"]["config"][0]["name"], "gateway-config");
    let paths: Vec<&str> =
        proposal["calls"].as_array().expect("calls").iter().filter_map(|c| c["path"].as_str()).collect();
    assert_eq!(
        paths,
        [
            "/api/v1/namespaces/demo-slo/configmaps/gateway-config",
            "/apis/apps/v1/namespaces/demo-slo/deployments/api-gateway"
        ]
    );

    cockpit.screen.press("g");
    let card = cockpit.wait("all effect lines read");
    println!("said: the card\n{card}");
    let key = cockpit.decide("the route map was edited in place");
    let title = cockpit.outcome("api-gateway");
    measured("seconds from the last key to HELPED (config)", key.elapsed().as_secs());
    assert!(title.starts_with("HELPED"), "{}", cockpit.screen.text());
    let restored = rig.object("demo-slo", "configmap", "gateway-config");
    assert_eq!(restored["data"], before, "the earlier content is back");
    let mark = |object: &Value| object["metadata"]["annotations"]["goaround.dev/action"].clone();
    let served = rig.object("demo-slo", "deployment", "api-gateway");
    assert!(
        mark(&restored).is_string() && mark(&restored) == mark(&served),
        "both bear the action: {restored}"
    );
    if !rig.is_named() {
        let writes = rig.writes_by("operator");
        let what: Vec<_> = writes.iter().map(|w| (w.verb.as_str(), w.resource.as_str(), w.code)).collect();
        assert_eq!(what, [("patch", "configmaps", 200), ("patch", "deployments", 200)], "{writes:#?}");
        let fresh = rig.query(&format!("sum(increase({BAD}[30s]))")).unwrap_or(0.0);
        assert_eq!(fresh, 0.0, "no new errors");
    }
    cockpit.quit();
    let verified = rig.goaround("operator", &state, &["audit", "verify", "-o", "json"]);
    assert_eq!(verified.code, 0, "{verified:?}");
}

#[test]
fn a_config_edited_in_place_that_nobody_saw_before_is_no_offer_and_the_reason_says_why() {
    if !asked() {
        return;
    }
    let Some(rig) = gateway() else { return };
    let before = rig.object("demo-slo", "configmap", "gateway-config")["data"].clone();
    bad_in_place(&rig);
    let folder = tempfile::tempdir().expect("a folder");
    let state = folder.path().join("state");
    let is_config = |said: &Said| {
        said.code != 0 && said.json()[0]["verdict"].as_str().is_some_and(|v| v != "not_enough_data")
    };
    let found = rig.propose_until("operator", &state, "a verdict", is_config);
    let proposal = found.about("api-gateway");
    said("bad in place, never seen before", &proposal);
    assert_eq!(found.code, 11, "{proposal}");
    assert_eq!(proposal["verdict"], "config_change");
    assert_eq!(proposal["offer"], "none");
    assert_eq!(proposal["calls"], json!([]));
    let reason = proposal["reason"].as_str().expect("a reason");
    assert!(reason.contains("an undo would change nothing"), "{reason}");
    assert!(reason.contains("earlier content of ConfigMap gateway-config is not known"), "{reason}");
    if !rig.is_named() {
        return assert!(rig.writes_by("operator").is_empty());
    }
    // The cluster is somebody's: it gets its configuration back.
    let mut config = bad_config("gateway-config");
    config["data"] = before;
    rig.apply(&config);
    rig.kubectl(&["-n", "demo-slo", "rollout", "restart", "deployment/api-gateway"]);
    rolled_out(&rig, "demo-slo", "api-gateway");
}

/// The five services of demo-fleet with traffic on them.
fn fleet() -> Rig {
    let rig = Rig::monitored();
    rig.scenario(&["fleet"]);
    rig.good_traffic("demo-fleet", "impact-in", 600.0);
    rig
}

/// What is said of `service` once it is more than that there are too few data.
fn verdict_on(rig: &Rig, service: &str) -> (i32, Value) {
    let folder = tempfile::tempdir().expect("a folder");
    let state = folder.path().join("state");
    let settled = |said: &Said| {
        let all = said.json();
        let about = all.as_array().and_then(|all| all.iter().find(|p| p["workload"]["name"] == service));
        about.is_some_and(|p| p["verdict"] != "not_enough_data")
    };
    let found = rig.propose_until("operator", &state, "a verdict", settled);
    found.json().as_array().into_iter().flatten().for_each(|p| {
        said(p["workload"]["name"].as_str().unwrap_or("?"), p);
    });
    (found.code, found.about(service))
}

#[test]
fn a_service_that_fails_because_its_callee_fails_is_a_dependency_and_nothing_is_written() {
    if !asked() {
        return;
    }
    let rig = if rig::is_named() { Rig::any() } else { fleet() };
    if rig.is_named() {
        if !has(&rig, "demo-fleet", &["deployment/cockpit", "deployment/reporting"]) {
            return;
        }
        quiet(&rig);
        rig.kubectl(&["-n", "demo-fleet", "set", "env", "deployment/reporting", "FAIL_RATIO=1"]);
    } else {
        rig.fault("demo-fleet/reporting", &["fail_ratio=1"]);
    }
    let (code, cockpit) = verdict_on(&rig, "cockpit");
    assert_eq!(cockpit["verdict"], "dependency", "{cockpit}");
    assert_eq!(cockpit["offer"], "wait");
    assert_eq!(cockpit["gates"]["only_us"], "fail");
    assert!(cockpit["reason"].as_str().is_some_and(|r| r.contains("reporting")), "{cockpit}");
    if rig.is_named() {
        rig.kubectl(&["-n", "demo-fleet", "set", "env", "deployment/reporting", "FAIL_RATIO=0"]);
    } else {
        // On a named cluster reporting has a bad deploy of its own, for which something is offered.
        assert_eq!(code, 11);
        assert!(rig.writes_by("operator").is_empty());
    }
}

#[test]
fn a_spike_of_traffic_is_told_from_a_bad_deploy() {
    if !asked_on_a_rig("a spike of traffic") {
        return;
    }
    let rig = fleet();
    rig.fault("demo-fleet/cockpit", &["max_inflight=2"]);
    rig.fault("demo-fleet/traffic-cockpit", &["rps=300"]);
    let (code, cockpit) = verdict_on(&rig, "cockpit");
    assert_eq!(cockpit["verdict"], "traffic", "{cockpit}");
    assert_eq!((code, &cockpit["offer"]), (11, &json!("wait")));
    assert!(rig.writes_by("operator").is_empty());
}

#[test]
fn errors_that_began_before_the_rollout_are_preexisting() {
    if !asked_on_a_rig("errors before a rollout") {
        return;
    }
    let rig = fleet();
    rig.fault("demo-fleet/impact-in", &["fail_ratio=0.5"]);
    let (_, before) = verdict_on(&rig, "impact-in");
    assert_eq!(before["offer"], "wait", "there was no rollout: {before}");
    rig.scenario(&["good-version", "impact-in"]);
    // What broke the old pods breaks the new ones too.
    rig.fault("demo-fleet/impact-in", &["fail_ratio=0.5"]);
    let (code, after) = verdict_on(&rig, "impact-in");
    assert_eq!(after["verdict"], "preexisting", "{after}");
    assert_eq!((code, &after["offer"]), (11, &json!("wait")));
    assert!(rig.writes_by("operator").is_empty());
}

/// Deployment api-gateway's annotations and template: what a write would change.
fn observable(rig: &Rig) -> (Value, Value) {
    let deployment = rig.object("demo-slo", "deployment", "api-gateway");
    (deployment["metadata"]["annotations"].clone(), deployment["spec"]["template"].clone())
}

#[test]
fn who_lacks_a_right_cannot_arm_and_is_told_which_and_what_moves_under_an_armed_card_disarms_it() {
    if !asked_on_a_rig("users with fewer rights") {
        return;
    }
    let rig = gateway().expect("a rig");
    bad_reference(&rig);
    let folder = tempfile::tempdir().expect("a folder");
    let state = folder.path().join("state");
    let prometheus = rig.prometheus().expect("a URL");

    // A viewer may read the cluster, but not reach Prometheus through the API server.
    let viewer = rig.goaround("viewer", &state, &["propose", "-o", "json"]);
    assert_eq!((viewer.code, viewer.json()), (3, json!([])), "{viewer:?}");
    assert!(viewer.err.contains("services/proxy") && viewer.err.contains("--prometheus"), "{viewer:?}");
    let burning = |said: &Said| said.code == 10 || (said.code == 11 && said.json()[0]["offer"] == "rollback");
    rig.propose_until("operator", &state, "a rollback", burning);
    let direct = ["propose", "-o", "json", "--prometheus", &prometheus];
    let viewer = rig.goaround("viewer", &state, &direct);
    assert!(matches!(viewer.code, 10 | 11), "{viewer:?}");
    let proposal = viewer.about("api-gateway");
    said("viewer", &proposal);
    assert_eq!(proposal["gates"]["safe_now"], "fail", "{proposal}");
    let mut cockpit = Cockpit::open(&rig.kubeconfig("viewer"), &["--prometheus", &prometheus]);
    cockpit.wait("api-gateway");
    cockpit.until("the card", |screen, text| {
        screen.press("g");
        (text.contains("CANNOT BE APPROVED") && text.contains("no right to patch deployments")).then_some(())
    });
    cockpit.until("why nothing is armed", |screen, text| {
        screen.press("a");
        text.contains("cannot be approved: no right to patch deployments").then_some(())
    });
    assert!(!cockpit.screen.text().contains("to approve   "), "{}", cockpit.screen.text());
    cockpit.quit();

    // A stranger may nothing at all.
    let stranger = rig.goaround("stranger", &state, &["propose", "-o", "json"]);
    assert_eq!((stranger.code, stranger.json()), (3, json!([])), "{stranger:?}");
    assert!(stranger.err.contains("may not list deployments"), "{stranger:?}");
    let mut cockpit = Cockpit::open(&rig.kubeconfig("stranger"), &[]);
    cockpit.until("what is missing", |_, text| {
        (text.contains("forbidden") && text.contains("may not list")).then_some(())
    });
    cockpit.quit();

    // The world moves between the token and its last character.
    let mut cockpit = Cockpit::open(&rig.kubeconfig("operator"), &[]);
    cockpit.wait("ROLL BACK");
    cockpit.screen.press("g");
    let token = cockpit.arm("the new route map fails every request");
    let shown = rig.kubectl(&["-n", "demo-slo", "annotate", "deployment/api-gateway", "team=other"]);
    assert!(shown.contains("annotated"), "{shown}");
    let (annotations, template) = observable(&rig);
    cockpit.until("disarmed", |_, text| (!text.contains("to approve   ")).then_some(()));
    cockpit.screen.type_by_hand(&token);
    let found = cockpit.until("a word about it", |_, text| {
        ["look again", "all effect lines read", "no open proposal", "to be read"]
            .into_iter()
            .find(|words| text.contains(words))
    });
    println!("said: after an annotation by somebody else: {found}");
    assert_eq!(observable(&rig), (annotations, template), "nothing was written");
    cockpit.quit();
    for user in ["operator", "viewer", "stranger"] {
        assert!(rig.writes_by(user).is_empty(), "{:#?}", rig.writes_by(user));
    }
}

#[test]
fn a_write_that_meets_another_is_refused_and_one_whose_answer_is_lost_is_read_back_and_never_repeated() {
    if !asked_on_a_rig("a write that meets another") {
        return;
    }
    let rig = Arc::new(gateway().expect("a rig"));
    bad_reference(&rig);
    let webhook = Webhook::register(&rig, "operator");
    let mut cockpit = Cockpit::open(&rig.kubeconfig("operator.toxic"), &[]);
    cockpit.wait("ROLL BACK");
    cockpit.screen.press("g");

    // Somebody annotates the Deployment while the API server handles our write: the `test`s of the patch hold no more.
    let other = Arc::clone(&rig);
    webhook.at_the_next_write(move || {
        other.kubectl(&["-n", "demo-slo", "annotate", "deployment/api-gateway", "team=other"]);
    });
    cockpit.decide("the new route map fails every request");
    cockpit.until("a refusal", |_, text| text.contains("not executed").then_some(()));
    assert!(webhook.happened());
    let writes = rig.writes_by("operator");
    assert_eq!(writes.len(), 1, "{writes:#?}");
    assert!(matches!(writes[0].code, 409 | 422), "{writes:#?}");
    println!("said: a lost race was answered {}", writes[0].code);
    let (annotations, template) = observable(&rig);
    assert!(annotations.get("goaround.dev/action").is_none(), "{annotations}");
    assert_eq!(
        template["spec"]["volumes"][0]["configMap"]["name"], "gateway-config-v2",
        "nothing was changed"
    );

    // The answer to the next one is held back, and when the write has happened the connection breaks.
    let link = format!("{}/proxies/api", rig.toxiproxy());
    let toxics = format!("{link}/toxics");
    webhook.at_the_next_write(move || {
        let silence = json!({"name": "silence", "type": "timeout", "stream": "downstream", "attributes": {"timeout": 0}});
        http(|client| client.post(&toxics).body(silence.to_string()));
    });
    cockpit.screen.press("\x1b");
    cockpit.until("the next card", |screen, text| {
        screen.press("g");
        text.contains("all effect lines read").then_some(())
    });
    cockpit.decide("the new route map fails every request");
    cockpit.until("the write", |_, _| observable(&rig).0.get("goaround.dev/action").is_some().then_some(()));
    http(|client| client.post(&link).body(r#"{"enabled": false}"#));
    cockpit.wait("OUTCOME UNKNOWN");
    http(|client| client.delete(format!("{link}/toxics/silence")));
    http(|client| client.post(&link).body(r#"{"enabled": true}"#));
    cockpit.until("read back", |_, text| text.contains("by the API server").then_some(()));
    let done: Vec<_> = rig.writes_by("operator").into_iter().filter(|w| w.code < 300).collect();
    assert_eq!(done.len(), 1, "{done:#?}");
    assert_eq!(rig.writes_by("operator").len(), 2, "it was sent once");
    let (_, template) = observable(&rig);
    assert_eq!(template["spec"]["volumes"][0]["configMap"]["name"], "gateway-config");
    cockpit.quit();
}

#[test]
fn a_deployment_that_no_slo_judges_is_rolled_back_by_hand_with_a_reason() {
    if !asked() {
        return;
    }
    let rig = Rig::any();
    if !rig.is_named() {
        // An SLO of another workload, so that there is a Prometheus worth the name.
        rig.scenario(&["slo-burn"]);
    }
    const NAME: &str = "goaround-e2e";
    let image = std::env::var("GOAROUND_E2E_IMAGE").unwrap_or("nginx:1.27.1".into());
    let labels = json!({"app": NAME});
    let deployment = |grade: &str| {
        let container = json!({"name": "main", "image": image, "env": [{"name": "GRADE", "value": grade}]});
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": NAME, "namespace": "default"},
            "spec": {
                "selector": {"matchLabels": labels},
                "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
            },
        })
    };
    let gone = ["-n", "default", "delete", "deployment", NAME, "--ignore-not-found", "--wait=true"];
    rig.kubectl(&gone);
    for grade in ["first", "second"] {
        rig.apply(&deployment(grade));
        rolled_out(&rig, "default", NAME);
    }
    let before = rig.object("default", "deployment", NAME);
    let mut cockpit = Cockpit::open(&rig.kubeconfig("operator"), &rig.arguments());
    cockpit.wait("rows");
    cockpit.screen.press("/");
    cockpit.wait("enter keeps it");
    cockpit.screen.type_slowly(NAME);
    cockpit.wait("1 match");
    cockpit.screen.press("\r");
    cockpit.until("the card", |screen, text| {
        if text.contains("no SLO judges it") {
            screen.press("u");
        }
        text.contains(&format!("ROLL BACK {NAME}")).then_some(())
    });
    cockpit.decide("the second grade was not agreed");
    let title = cockpit.outcome(NAME);
    println!("said: by hand without an SLO: {title}");
    let after = rig.object("default", "deployment", NAME);
    assert_eq!(after["spec"]["template"]["spec"]["containers"][0]["env"][0]["value"], "first", "{after}");
    let generation = |object: &Value| object["metadata"]["generation"].as_i64().expect("a generation");
    assert_eq!(generation(&after), generation(&before) + 1, "one write, and no more");
    let cause = &after["metadata"]["annotations"]["kubernetes.io/change-cause"];
    assert!(cause.as_str().is_some_and(|c| c.starts_with("goaround: ") && c.ends_with("by hand")), "{cause}");
    if !rig.is_named() {
        let writes = rig.writes_by("operator");
        assert_eq!(writes.len(), 1, "{writes:#?}");
        assert_eq!((writes[0].name.as_str(), writes[0].code), (NAME, 200));
    }
    cockpit.quit();
    let rows = rig.goaround("operator", &cockpit.state(), &["history", "-o", "json"]).json();
    let workload = format!("default/{NAME}");
    assert!(
        rows.as_array().is_some_and(|rows| rows.iter().any(|r| r["workload"] == workload.as_str())),
        "{rows}"
    );
    rig.kubectl(&gone);
}

// Several operators.

/// A cockpit of `user` that wants two people.
fn of_two(rig: &Rig, user: &str, config: &std::path::Path) -> Cockpit {
    let config = config.to_str().expect("a path");
    let prometheus = rig.prometheus().expect("the rig's own");
    Cockpit::open(&rig.kubeconfig(user), &["--prometheus", &prometheus, "--config", config])
}

#[test]
fn two_people_are_wanted_and_counted_as_the_api_server_names_them() {
    if !asked_on_a_rig("two users whom the API server knows by certificates") {
        return;
    }
    let Some(rig) = gateway() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("quorum.toml");
    std::fs::write(&config, "[gate]\nquorum = 2\n").expect("written");
    let mut ana = of_two(&rig, "operator", &config);
    let mut shell = of_two(&rig, "operator", &config);
    let mut ben = of_two(&rig, "operator-2", &config);
    ana.wait("api-gateway");
    bad_reference(&rig);
    for cockpit in [&mut ana, &mut shell, &mut ben] {
        cockpit.wait("ROLL BACK");
        cockpit.screen.press("g");
    }

    // Nothing holds that nobody approves in another's name.
    ana.wait("a quorum of 2 cannot be held: whoever may write ConfigMaps can approve");
    ana.screen.press("a");
    ana.wait("deploy/quorum.yaml");
    let policy = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/quorum.yaml");
    rig.kubectl(&["create", "namespace", "shop"]);
    rig.kubectl(&["apply", "-f", policy.to_str().expect("a path")]);
    ana.wait("approved by 0 of 2: nobody yet");
    ana.until("that it can be approved", |_, text| text.contains("all effect lines read").then_some(()));

    let token = ana.arm("the new route map fails every request");
    ben.wait("operator is deciding, ");
    shell.wait("another session of yours is deciding, ");
    ana.approve(&token);
    for cockpit in [&mut ana, &mut shell, &mut ben] {
        cockpit.wait("approved by 1 of 2: operator, ");
    }
    let token = shell.arm("and once more by the same person");
    shell.approve(&token);
    shell.wait("all effect lines read");
    let again = shell.until("its count", |_, text| {
        let line = text.lines().find(|l| l.contains("approved by"))?.trim().to_owned();
        (!text.contains("to approve   ")).then_some(line)
    });
    assert!(again.starts_with("approved by 1 of 2: operator, "), "{again}");
    assert!(rig.writes_by("operator").is_empty() && rig.writes_by("operator-2").is_empty());

    let token = ben.arm("seen too: the route map");
    ben.approve(&token);
    let title = ben.outcome("api-gateway");
    println!("said: by two people: {title}");
    assert!(title.starts_with("HELPED"), "{}", ben.screen.text());
    let writes = rig.writes_by("operator-2");
    assert_eq!(writes.len(), 1, "{writes:#?}");
    assert_eq!((writes[0].resource.as_str(), writes[0].code), ("deployments", 200));
    assert!(rig.writes_by("operator").is_empty(), "the first person's session sends nothing");
    let told = |user| {
        let all: Vec<_> = rig.all_writes_by(user).into_iter().filter(|w| w.notice()).collect();
        assert!(all.iter().all(|w| w.code < 300), "{all:#?}");
        let leases = all.iter().filter(|w| w.resource == "leases").count();
        (leases, all.len() - leases)
    };
    let (of_ana, of_ben) = (told("operator"), told("operator-2"));
    measured("Leases and approvals written by the first person", format!("{of_ana:?}"));
    measured("Leases and approvals written by the second person", format!("{of_ben:?}"));
    assert!(of_ana.0 > 0 && of_ana.1 >= 2 && of_ben.0 > 0 && of_ben.1 == 1);
    [ana, shell, ben].iter_mut().for_each(Cockpit::quit);
}

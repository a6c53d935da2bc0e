//! End to end on a real API server and a real Prometheus: the real binary in a pseudo-terminal, and the API server's
//! own audit log as the witness of what was written, and by whom. Runs when it is asked for (`.ci/rig`, which sets
//! `GOAROUND_E2E=1`); each test has a rig of its own, so that no test sees what another one broke.

mod common;
#[path = "common/rig.rs"]
mod rig;

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use common::Screen;
use rig::{PATIENCE, Rig, pause};
use serde_json::{Value, json};

/// Between two cycles of goaround.
const CYCLE_S: f64 = 5.0;

/// True when somebody asked for a run on a real cluster.
fn asked() -> bool {
    std::env::var("GOAROUND_E2E").is_ok_and(|value| value == "1")
}

#[test]
fn without_goaround_e2e_nothing_here_runs_and_that_is_said() {
    if !asked() {
        // Not through the macros, whose output nobody sees when a test passes.
        let words = "\n#### tests/rig.rs: NOT RUN on a real cluster. GOAROUND_E2E is not 1; `.ci/rig` asks for it.\n";
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
}

/// The cockpit in a pseudo-terminal, as a user of the rig.
struct Cockpit {
    screen: Screen,
    folder: Arc<tempfile::TempDir>,
}

impl Cockpit {
    fn open(kubeconfig: &str, more: &[&str]) -> Self {
        let folder = Arc::new(tempfile::tempdir().expect("a folder"));
        Self::open_in(kubeconfig, more, folder)
    }

    fn open_in(kubeconfig: &str, more: &[&str], folder: Arc<tempfile::TempDir>) -> Self {
        let mut arguments = vec!["--kubeconfig", kubeconfig];
        arguments.extend(more);
        let screen = Screen::start_in(120, 40, &arguments, Arc::clone(&folder), &[]);
        Self { screen, folder }
    }

    fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// Waits as long as the rig's patience is, which is longer than that of a screen on its own.
    fn until<T>(&mut self, what: &str, mut look: impl FnMut(&mut Screen, &str) -> Option<T>) -> T {
        let begun = Instant::now();
        loop {
            let text = self.screen.text();
            if let Some(found) = look(&mut self.screen, &text) {
                return found;
            }
            assert!(begun.elapsed() < PATIENCE, "never came: {what}\n{text}");
            pause();
        }
    }

    fn wait(&mut self, words: &str) -> String {
        self.until(words, |_, text| text.contains(words).then(|| text.to_owned()))
    }

    /// From the card to the token: `a` when everything was read, a reason that names what does not pass.
    fn arm(&mut self, reason: &str) -> String {
        let mut given = false;
        self.until("the token", |screen, text| {
            if let Some(token) = token(text) {
                return Some(token);
            }
            if text.contains("must still name") || text.contains("shows the token") {
                if !given {
                    screen.type_slowly(&format!("{reason} "));
                    given = true;
                } else if text.contains("must still name") {
                    screen.press("\t");
                } else {
                    screen.press("\r");
                }
            } else if text.contains("all effect lines read") {
                given = false;
                screen.press("a");
            } else if text.contains("shows more") {
                screen.press("\x1b[6~");
            }
            None
        })
    }

    /// Types the token. The time at which the last key was pressed.
    fn approve(&mut self, token: &str) -> Instant {
        self.screen.type_slowly(token);
        Instant::now()
    }

    /// The whole gesture. A card that changes between token and last key wants it again.
    fn decide(&mut self, reason: &str) -> Instant {
        let begun = Instant::now();
        loop {
            let token = self.arm(reason);
            let key = self.approve(&token);
            let taken = self.until("an answer to the token", |_, text| {
                let still = text.contains("to approve") || text.contains("all effect lines read");
                let void = text.contains("look again, then arm again");
                if text.contains("approved by") {
                    Some(true)
                } else {
                    (void || (still && key.elapsed().as_secs() > 5)).then_some(false)
                }
            });
            if taken {
                return key;
            }
            assert!(begun.elapsed() < PATIENCE, "never taken\n{}", self.screen.text());
        }
    }

    /// Waits for the end of the action; its title, as in `HELPED api-gateway`.
    fn outcome(&mut self, workload: &str) -> String {
        const ENDS: [&str; 7] = [
            "HELPED",
            "NOT HELPED",
            "WORSE",
            "REVERTED",
            "INCONCLUSIVE",
            "NOT EXECUTED",
            "STOPPED HALF WAY",
        ];
        self.until("an outcome", |_, text| {
            let line = text.lines().map(str::trim).find(|l| ENDS.iter().any(|end| l.starts_with(end)))?;
            line.contains(workload).then(|| line.to_owned())
        })
    }

    fn quit(mut self) {
        self.screen.press("\x03");
        let code = self.screen.end();
        assert_eq!(code, 0, "{}", self.screen.text());
        self.screen.assert_restored();
    }
}

/// The four characters that the card asks for.
fn token(text: &str) -> Option<String> {
    let before = text.split(" to approve   ").next().filter(|before| before.len() < text.len())?;
    before.rsplit(' ').next().map(str::to_owned)
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

/// The gateway of demo-slo with traffic on it: two good revisions, one SLO.
fn gateway() -> Rig {
    let rig = Rig::monitored(false);
    rig.scenario(&["slo-burn"]);
    rig.good_traffic("demo-slo", "api-gateway", 800.0);
    rig
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
    let rig = gateway();
    let mut cockpit = Cockpit::open(&rig.kubeconfig("operator"), &[]);
    cockpit.wait("api-gateway");
    let before = (rig.queries(), Instant::now());
    // A quiet cockpit: its queries are counted by Prometheus itself.
    cockpit.until("three cycles", |_, _| (before.1.elapsed().as_secs_f64() >= 3.0 * CYCLE_S).then_some(()));
    let cycles = before.1.elapsed().as_secs_f64() / CYCLE_S;
    measured("queries a cycle, one SLO, nothing burns", (rig.queries() - before.0) / cycles);

    rig.scenario(&["bad-reference"]);
    let (breach, breach_at) = (Instant::now(), now());
    cockpit.wait("ROLL BACK");
    measured("seconds from breach to proposal on the screen", breach.elapsed().as_secs());

    let script = tempfile::tempdir().expect("a folder");
    let offered = rig.propose_until("operator", &script.path().join("state"), "a rollback", |s| s.code == 10);
    let proposal = offered.about("api-gateway");
    said("bad reference", &proposal);
    assert_eq!(proposal["verdict"], "bad_deploy", "{proposal}");
    assert_eq!(proposal["offer"], "rollback");
    assert_eq!(proposal["target"]["revision"], 2);
    let calls = proposal["calls"].as_array().expect("calls");
    assert_eq!(calls.len(), 1);
    let call = &calls[0];
    assert_eq!(call["method"], "PATCH");
    assert_eq!(call["path"], "/apis/apps/v1/namespaces/demo-slo/deployments/api-gateway");
    assert_eq!(call["content_type"], "application/json-patch+json");
    let tests: Vec<_> = operations(&call["body"]).into_iter().filter(|(op, _)| op == "test").collect();
    let tested: Vec<&str> = tests.iter().map(|(_, path)| path.as_str()).collect();
    assert_eq!(tested, ["/metadata/uid", "/spec/template", "/spec/paused", "/metadata/annotations"]);
    assert!(rig.writes_by("operator").is_empty(), "nothing is written before it is approved");

    cockpit.screen.press("g");
    let key = cockpit.decide("the new route map fails every request");
    let key_at = now();
    let title = cockpit.outcome("api-gateway");
    measured("seconds from the last key to HELPED", key.elapsed().as_secs());
    assert!(title.starts_with("HELPED"), "{}", cockpit.screen.text());
    let failed = last_failure(&rig, breach_at).expect("it failed");
    measured("seconds from the last key to the last failed request", failed - key_at);
    measured("seconds from the last key to the end of the first clean minute", failed - key_at + 60.0);

    let writes = rig.writes_by("operator");
    assert_eq!(writes.len(), 1, "{writes:#?}");
    let write = &writes[0];
    assert_eq!((write.verb.as_str(), write.code), ("patch", 200));
    assert_eq!((write.resource.as_str(), write.name.as_str()), ("deployments", "api-gateway"));
    let stamped = annotations_of(&write.body);
    assert_eq!(stamped["goaround.dev/by"], "operator");
    let action = stamped["goaround.dev/action"].as_str().expect("an action").to_owned();
    assert_eq!(without_stamp(&write.body), call["body"], "what was written is what was proposed");
    let digest = proposal["digest"].as_str().expect("a digest").trim_start_matches("sha256:");
    assert!(action.ends_with(&format!(":{}", &digest[..12])), "{action} for {digest}");

    let fresh = rig.query(&format!("sum(increase({BAD}[30s]))")).unwrap_or(0.0);
    assert_eq!(fresh, 0.0, "no new errors");
    let history = rig.kubectl(&["-n", "demo-slo", "rollout", "history", "deployment/api-gateway"]);
    let newest = history.lines().rev().find(|l| !l.trim().is_empty()).expect("a history").trim().to_owned();
    assert!(newest.starts_with("4 ") && newest.contains("goaround: rolled back to"), "{history}");
    let numbers: Vec<&str> =
        history.lines().skip(2).filter_map(|l| l.split_whitespace().next()).collect();
    assert_eq!(numbers, ["1", "3", "4"], "{history}");

    let state = cockpit.state();
    cockpit.quit();
    let rows = rig.goaround("operator", &state, &["history", "-o", "json"]).json();
    let row = rows.as_array().and_then(|rows| rows.last()).cloned().unwrap_or_default();
    assert_eq!(row["outcome"], "helped", "{rows}");
    assert_eq!(row["by"], "operator", "{rows}");
    assert!(action.starts_with(row["action"].as_str().unwrap_or("?")), "{rows}");
    let verified = rig.goaround("operator", &state, &["audit", "verify", "-o", "json"]);
    assert_eq!((verified.code, &verified.json()["ok"]), (0, &json!(true)), "{verified:?}");
}

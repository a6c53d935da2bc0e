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

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

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
    deployed_in(rig, "default", name, grades, weight);
}

fn deployed_in(rig: &Rig, namespace: &str, name: &str, grades: &[&str], weight: usize) {
    let labels = json!({"app": name});
    for grade in grades {
        let container =
            json!({"name": "main", "image": "nginx:1.27.1", "env": [{"name": "GRADE", "value": grade}]});
        rig.apply(&json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": name, "namespace": namespace, "annotations": {"weight": "x".repeat(weight)}},
            "spec": {
                "selector": {"matchLabels": labels},
                "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
            },
        }));
        let target = format!("deployment/{name}");
        rig.kubectl(&["-n", namespace, "rollout", "status", &target, "--timeout=120s"]);
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
    let text = cockpit.wait("read back, the server does not have it");
    assert!(!text.contains("REVERTED"), "nobody reverted what was never done:\n{text}");
    assert_eq!(grade(&rig, "never"), ("second".to_owned(), before));
    assert!(rig.writes_by("operator").iter().all(|w| w.name != "never"), "{:#?}", rig.writes_by("operator"));
    told(&rig, &mut cockpit, "never", "not_executed");
}

// Deaths of the cockpit.

/// How the journal in `state` tells the action on the Deployment, if it has one.
fn outcome_of(rig: &Rig, state: &Path, name: &str) -> Option<String> {
    let rows = rig.goaround("operator", state, &["history", "-o", "json"]).json();
    let rows = rows.as_array().cloned().unwrap_or_default();
    let ours: Vec<&Value> = rows.iter().filter(|r| r["workload"] == format!("default/{name}")).collect();
    assert!(ours.len() <= 1, "{rows:?}");
    ours.first().filter(|row| row["action"].is_string())?["outcome"].as_str().map(str::to_owned)
}

#[test]
fn wherever_the_cockpit_is_killed_one_effect_or_none_is_left_and_the_next_start_tells_which() {
    if !asked("a cockpit that is killed with its write on the way") {
        return;
    }
    let rig = Arc::new(Rig::up());
    let webhook = Webhook::register(&rig, "operator");
    let kubeconfig = rig.kubeconfig("operator");
    // Before the intent is wanted, when it stands, before the request, with it in the server's hands, with its answer.
    let moments = ["record.wanted:1", "execute.sealed:1", "call.unsent:1", "", "call.answered:1"];
    let dead: Vec<(String, i64, Cockpit)> = moments
        .iter()
        .enumerate()
        .map(|(n, point)| {
            let name = format!("killed-{n}");
            deployed(&rig, &name, &["first", "second"], 0);
            let before = grade(&rig, &name).1;
            let folder = Arc::new(tempfile::tempdir().expect("a folder"));
            let environment = [("GOAROUND_DIE_FROM", "approved"), ("GOAROUND_DIE_AT", point)];
            let mut cockpit = Cockpit::open_with(&kubeconfig, &[], folder, &environment);
            cockpit.wait(" row");
            propose(&mut cockpit, &name);
            if point.is_empty() {
                let process = cockpit.screen.process().to_string();
                webhook.at_the_next_write(move || {
                    rig::succeeded(std::process::Command::new("kill").args(["-KILL", &process]));
                });
            }
            cockpit.die("the second grade was not agreed");
            (name, before, cockpit)
        })
        .collect();
    let mut again: Vec<Cockpit> =
        dead.iter().map(|(_, _, cockpit)| cockpit.open_again(&kubeconfig)).collect();
    for (((name, before, _), cockpit), point) in dead.iter().zip(&mut again).zip(moments) {
        let wanted = point != "record.wanted:1";
        let state = cockpit.state();
        let told = cockpit.until("what became of it", |_, _| match outcome_of(&rig, &state, name) {
            Some(outcome) if outcome == "unknown" => None,
            Some(outcome) => Some(outcome),
            None => (!wanted).then(String::new),
        });
        let (grade, after) = grade(&rig, name);
        let done = grade == "first";
        println!("said: killed at {point:?}: {grade} serves, {told:?}");
        assert_eq!(after, before + i64::from(done), "one effect or none");
        // A request whose sender is gone the server may still do, or let go of.
        assert!(point.is_empty() || done == (point == "call.answered:1"), "{point}: {told}");
        let right: &[&str] = match (wanted, done) {
            (false, _) => &["", "withdrawn", "expired"],
            (true, false) => &["not_executed"],
            (true, true) => &["executed", "helped", "inconclusive"],
        };
        assert!(right.contains(&told.as_str()), "{point}: {told}");
        let writes: Vec<_> = rig.writes_by("operator").into_iter().filter(|w| w.name == *name).collect();
        // What was stored for a sender that is gone the server may note down as 504: the object tells that it was done.
        let noted = |code: u64| code == 200 || (code == 504 && done && point.is_empty());
        let stored = writes.iter().filter(|w| noted(w.code)).count();
        assert!(writes.len() <= 1 && stored == usize::from(done), "{point}: {writes:#?}");
        cockpit.quit();
        let verified = rig.goaround("operator", &cockpit.state(), &["audit", "verify", "-o", "json"]);
        assert_eq!((verified.code, &verified.json()["ok"]), (0, &json!(true)), "{verified:?}");
    }
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

// Silence.

/// A line that passes on what comes, like a router: when it is frozen, connections that exist carry nothing any more and
/// are not closed, and new ones work.
struct Line {
    port: u16,
    frozen: Arc<AtomicUsize>,
}

impl Line {
    fn to(upstream: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let frozen = Arc::new(AtomicUsize::new(0));
        let (upstream, epoch) = (upstream.to_owned(), Arc::clone(&frozen));
        std::thread::spawn(move || {
            for near in listener.incoming().flatten() {
                let Ok(far) = TcpStream::connect(&upstream) else { continue };
                let ends = [(near.try_clone(), far.try_clone()), (Ok(far), Ok(near))];
                let (born, epoch) = (epoch.load(Ordering::SeqCst), &epoch);
                for (from, to) in ends {
                    let (Ok(from), Ok(to), epoch) = (from, to, Arc::clone(epoch)) else { continue };
                    std::thread::spawn(move || pass_on(from, to, || epoch.load(Ordering::SeqCst) > born));
                }
            }
        });
        Self { port, frozen }
    }

    fn freeze(&self) {
        self.frozen.fetch_add(1, Ordering::SeqCst);
    }

    /// The kubeconfig of `user` through this line.
    fn kubeconfig(&self, rig: &Rig, folder: &Path, user: &str) -> String {
        let text = std::fs::read_to_string(rig.kubeconfig(user)).expect("a kubeconfig");
        let through = text.replace(&api(rig), &format!("127.0.0.1:{}", self.port));
        assert_ne!(text, through);
        let path = folder.join(format!("{user}.line.kubeconfig"));
        std::fs::write(&path, through).expect("written");
        path.display().to_string()
    }
}

/// Until one end closes; what comes after it is frozen is lost.
fn pass_on(mut from: TcpStream, mut to: TcpStream, frozen: impl Fn() -> bool) {
    let mut bytes = [0; 16_384];
    while let Ok(read @ 1..) = from.read(&mut bytes) {
        if !frozen() && to.write_all(&bytes[..read]).is_err() {
            break;
        }
    }
    if !frozen() {
        let _ = to.shutdown(std::net::Shutdown::Both);
    }
}

/// Host and port of the API server.
fn api(rig: &Rig) -> String {
    let text = std::fs::read_to_string(rig.dir().join("ready")).expect("a file");
    let ready: Value = serde_json::from_str(&text).expect("JSON");
    ready["api"].as_str().expect("a URL").trim_start_matches("https://").to_owned()
}

#[test]
fn what_a_silent_watch_did_not_show_is_found_before_anything_is_sent() {
    if !asked("watches that fall silent without closing") {
        return;
    }
    let rig = Rig::up();
    deployed(&rig, "silent", &["first", "second"], 0);
    let folder = tempfile::tempdir().expect("a folder");
    let line = Line::to(&api(&rig));
    let mut cockpit = by_hand(&line.kubeconfig(&rig, folder.path(), "operator"), &[], "silent");
    let token = cockpit.arm("the second grade was not agreed");
    line.freeze();
    rig.kubectl(&["-n", "default", "annotate", "deployment/silent", "team=other"]);
    let (_, before) = grade(&rig, "silent");
    cockpit.approve(&token);
    let said = cockpit.until("that nothing was sent", |_, text| {
        assert!(!text.contains("by the API server"), "claimed before it can be known:\n{text}");
        text.lines().find(|line| line.contains("nothing was sent")).map(|line| line.trim().to_owned())
    });
    println!("said: after a silent watch: {said}");
    assert!(
        said.contains("changed since the card was drawn") || said.contains("second look failed"),
        "{said}"
    );
    assert!(rig.writes_by("operator").is_empty(), "{:#?}", rig.writes_by("operator"));
    assert_eq!(grade(&rig, "silent"), ("second".to_owned(), before));
    cockpit.quit();
}

#[test]
fn while_prometheus_hangs_resets_or_is_late_nothing_is_claimed_of_what_it_alone_can_tell() {
    if !asked("a Prometheus that hangs, resets and is late") {
        return;
    }
    let rig = Rig::monitored();
    rig.scenario(&["slo-burn"]);
    rig.good_traffic("demo-slo", "api-gateway", 600.0);
    let generation =
        |rig: &Rig| rig.object("demo-slo", "deployment", "api-gateway")["metadata"]["generation"].clone();
    let before = generation(&rig);
    let text = std::fs::read_to_string(rig.dir().join("ready")).expect("a file");
    let ready: Value = serde_json::from_str(&text).expect("JSON");
    let url = ready["prometheus_through_toxiproxy"].as_str().expect("a URL").to_owned();
    let toxics = format!("{}/proxies/prometheus/toxics", rig.toxiproxy());
    let poison = |kind: &str, attributes: Value| {
        heal(&rig);
        let toxic = json!({"name": kind, "type": kind, "stream": "downstream", "attributes": attributes});
        http(|client| client.post(&toxics).body(toxic.to_string()));
    };
    let mut cockpit = Cockpit::open(&rig.kubeconfig("operator"), &["--prometheus", &url]);
    cockpit.until("an SLO that judges it", |_, text| {
        let unknown = ["no SLO judges it", "SLO not known", "SLOs not known"];
        (text.contains("api-gateway") && unknown.iter().all(|words| !text.contains(words))).then_some(())
    });

    // It hangs before the decision: what rests on it is unknown, and has to be named in the reason.
    poison("timeout", json!({"timeout": 0}));
    println!("said: Prometheus hangs:\n{}", cockpit.wait("prom DOWN"));
    let card = cockpit.until("the card", |screen, text| {
        screen.press("u");
        text.contains("ROLL BACK api-gateway").then(|| text.to_owned())
    });
    println!("said: the card without Prometheus:\n{card}");
    for gate in ["REAL", "OURS", "TARGET GOOD"] {
        let row = card.lines().find(|line| line.contains(gate)).unwrap_or_default();
        let aged = row.trim().starts_with("unknown") || row.contains("figures as of");
        assert!(aged && !row.trim().starts_with("pass"), "{row}");
    }
    cockpit.decide("by hand, and blind");
    let row = |text: &str, name: &str| text.lines().find(|l| l.contains(name)).map(|l| l.trim().to_owned());
    let blind = |text: &str| {
        let claimed = ["HELPED", "WORSE", "no new errors since"].into_iter().find(|w| text.contains(w));
        assert_eq!(claimed, None, "claimed without counts:\n{text}");
    };
    cockpit.until("the verification", |_, text| {
        blind(text);
        text.contains("rollout done").then_some(())
    });
    for (kind, attributes) in [("reset_peer", json!({"timeout": 0})), ("latency", json!({"latency": 15_000}))]
    {
        poison(kind, attributes);
        let before = rig.queries();
        cockpit.until("a question that got no answer", |_, text| {
            blind(text);
            // It was asked, and what it answered did not come through.
            (text.contains("prom DOWN") && rig.queries() > before).then_some(())
        });
        println!("said: {kind}: {:?}", row(&cockpit.screen.text(), "verified"));
    }
    heal(&rig);
    // Without a burn before there is nothing to compare with: whether it helped stays open, the counts do not.
    cockpit.wait("✓ requests");
    println!("said: Prometheus answers again: {:?}", row(&cockpit.screen.text(), "verified"));
    let writes = rig.writes_by("operator");
    assert_eq!(writes.len(), 1, "{writes:#?}");
    assert_eq!(generation(&rig).as_i64(), before.as_i64().map(|n| n + 1));
    cockpit.quit();
}

// Two operators at once.

/// Both have typed their token; the write of the first waits in the API server until the second one's is done.
fn meet(rig: &Rig, webhook: &Webhook, ana: (&mut Cockpit, &str), ben: (&mut Cockpit, &str)) {
    let (arrived, at_the_server) = std::sync::mpsc::channel();
    let (release, released) = std::sync::mpsc::channel::<()>();
    webhook.at_the_next_write(move || {
        let _ = arrived.send(());
        // Shorter than the API server waits for a webhook.
        let _ = released.recv_timeout(std::time::Duration::from_secs(15));
    });
    ana.0.approve(ana.1);
    at_the_server.recv_timeout(rig::PATIENCE).expect("the first write arrives");
    ben.0.approve(ben.1);
    ben.0.wait("by the API server");
    let _ = release.send(());
    let said = ana.0.until("who, when and what", |_, text| {
        let line = text.lines().find(|line| line.contains("operator-2 acted at "))?;
        text.contains("NOT EXECUTED").then(|| line.trim().to_owned())
    });
    println!("said: to whom came second: {said}\n{}", ana.0.screen.text());
    assert!(said.contains("rolled back to"), "{said}");
    let done: Vec<_> = rig.writes_by("operator-2").into_iter().map(|w| (w.name, w.code)).collect();
    assert!(done.iter().all(|(_, code)| *code == 200), "{done:?}");
    let refused: Vec<_> = rig.writes_by("operator").into_iter().map(|w| w.code).collect();
    assert!(refused.iter().all(|code| matches!(code, 409 | 422)), "{refused:?}");
}

#[test]
fn of_two_who_approve_at_once_one_has_an_effect_and_the_other_is_told_who_when_and_what() {
    if !asked("two users whom the API server knows by certificates") {
        return;
    }
    let rig = Rig::up();
    let webhook = Webhook::register(&rig, "operator");
    deployed(&rig, "both", &["zero", "first", "second"], 0);
    let (_, before) = grade(&rig, "both");
    let mut ana = by_hand(&rig.kubeconfig("operator"), &[], "both");
    let mut ben = by_hand(&rig.kubeconfig("operator-2"), &[], "both");

    // The same proposal.
    let of_ana = ana.arm("the second grade was not agreed");
    let of_ben = ben.arm("so it was not");
    meet(&rig, &webhook, (&mut ana, &of_ana), (&mut ben, &of_ben));
    assert_eq!(grade(&rig, "both"), ("first".to_owned(), before + 1), "one effect");
    println!("said: {}", ben.outcome("both"));

    // A proposal by hand against the way back: ben takes back what he did.
    ana.screen.press("\x1b");
    ana.wait("1 shown");
    ana.until("her card", |screen, text| {
        screen.press("u");
        text.contains("ROLL BACK both").then_some(())
    });
    let of_ana = ana.arm("another grade after all");
    ben.until("the way back", |screen, text| {
        screen.press("z");
        text.contains("WAY BACK both").then_some(())
    });
    let of_ben = ben.arm("the second grade was agreed after all");
    meet(&rig, &webhook, (&mut ana, &of_ana), (&mut ben, &of_ben));
    assert_eq!(grade(&rig, "both"), ("second".to_owned(), before + 2), "one more effect");
    [ana, ben].iter_mut().for_each(Cockpit::quit);
}

// The roles of deploy/.

/// A kubeconfig of `user`, whom the admin impersonates, with these groups.
fn as_user(rig: &Rig, folder: &Path, user: &str, groups: &[&str]) -> String {
    let path = folder.join(format!("{user}.kubeconfig"));
    std::fs::copy(rig.kubeconfig("admin"), &path).expect("a kubeconfig");
    let path = path.display().to_string();
    let name = rig.kubectl(&["config", "view", "--minify", "-o", "jsonpath={.contexts[0].context.user}"]);
    let text = std::fs::read_to_string(&path).expect("a kubeconfig");
    let mut config: Value = serde_json::from_str(&text).unwrap_or_else(|_| {
        let json = rig.kubectl(&["config", "view", "--raw", "-o", "json"]);
        serde_json::from_str(&json).expect("JSON")
    });
    for entry in config["users"].as_array_mut().expect("users") {
        if entry["name"] == name.trim() {
            entry["user"]["as"] = json!(user);
            entry["user"]["as-groups"] = json!(groups);
        }
    }
    std::fs::write(&path, config.to_string()).expect("written");
    path
}

#[test]
fn the_viewer_of_deploy_sees_everything_and_can_do_nothing_and_the_operator_can_roll_back_and_no_more() {
    if !asked("users with the roles of deploy/ alone") {
        return;
    }
    let rig = Rig::monitored();
    rig.scenario(&["slo-burn"]);
    rig.kubectl(&["create", "namespace", "shop"]);
    for file in ["viewer.yaml", "operator.yaml", "together.yaml"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy").join(file);
        rig.kubectl(&["apply", "-f", path.to_str().expect("a path")]);
    }
    deployed_in(&rig, "shop", "roles", &["first", "second"], 0);
    deployed(&rig, "elsewhere", &["first", "second"], 0);
    let folder = tempfile::tempdir().expect("a folder");
    let viewers = ["goaround:viewers"];
    let operators = ["goaround:viewers", "goaround:operators"];
    let vera = as_user(&rig, folder.path(), "vera", &viewers);
    let otto = as_user(&rig, folder.path(), "otto", &operators);

    // Samples of what neither may, and of what each needs.
    let can = |user: &str, groups: &[&str], right: &str| {
        let mut arguments = vec!["auth", "can-i"];
        arguments.extend(right.split(' '));
        arguments.extend(["--as", user]);
        groups.iter().for_each(|group| arguments.extend(["--as-group", group]));
        rig.kubectl_succeeds(&arguments)
    };
    for right in [
        "get secrets -n shop",
        "list secrets -n shop",
        "watch secrets -A",
        "delete pods -n shop",
        "delete deployments -n shop",
        "create deployments -n shop",
        "update deployments -n shop",
        "create pods -n shop",
        "create pods --subresource=exec -n shop",
        "create pods --subresource=attach -n shop",
        "create pods --subresource=portforward -n shop",
        "get pods --subresource=log -n shop",
        "patch deployments --subresource=scale -n shop",
        "create pods --subresource=eviction -n shop",
        "patch deployments -n default",
        "patch configmaps -n default",
        "delete configmaps -n shop",
        "patch replicasets -n shop",
        "patch nodes",
        "impersonate users",
        "create serviceaccounts --subresource=token",
        "get services --subresource=proxy -n shop",
        "create rolebindings.rbac.authorization.k8s.io -n shop",
        "list namespaces",
    ] {
        assert!(!can("vera", &viewers, right), "the viewer may {right}");
        assert!(!can("otto", &operators, right), "the operator may {right}");
    }
    for right in
        ["patch deployments -n shop", "patch configmaps -n shop", "create leases.coordination.k8s.io -n shop"]
    {
        assert!(!can("vera", &viewers, right), "the viewer may {right}");
        assert!(can("otto", &operators, right), "the operator may not {right}");
    }

    // The viewer sees the SLO through the API server, and every workload; nothing is missing but secrets.
    let state = folder.path().join("state");
    let quiet = rig::goaround(&vera, &state, &["propose", "-o", "json"]);
    assert_eq!(quiet.code, 0, "{quiet:?}");
    let mut cockpit = Cockpit::open(&vera, &[]);
    let seen = cockpit.until("everything", |_, text| {
        ["api-gateway", "roles", "elsewhere"].iter().all(|name| text.contains(name)).then(|| text.to_owned())
    });
    assert!(seen.contains("all namespaces") && !seen.contains("prom DOWN"), "{seen}");
    propose(&mut cockpit, "roles");
    let card = cockpit.wait("CANNOT BE APPROVED");
    println!("said: to the viewer:\n{card}");
    assert!(card.contains("no right to patch deployments in shop"), "{card}");
    cockpit.until("why nothing is armed", |screen, text| {
        screen.press("a");
        text.contains("cannot be approved: no right to patch deployments").then_some(())
    });
    cockpit.quit();
    assert!(rig.all_writes_by("vera").is_empty(), "{:#?}", rig.all_writes_by("vera"));

    // The operator does a whole rollback, where the role is bound.
    let mut cockpit = by_hand(&otto, &[], "roles");
    cockpit.decide("the second grade was not agreed");
    println!("said: to the operator: {}", cockpit.outcome("roles"));
    cockpit.quit();
    let object = rig.object("shop", "deployment", "roles");
    assert_eq!(object["spec"]["template"]["spec"]["containers"][0]["env"][0]["value"], "first");
    assert_eq!(object["metadata"]["annotations"]["goaround.dev/by"], "otto");
    let writes = rig.writes_by("otto");
    assert_eq!(writes.len(), 1, "{writes:#?}");
    let refused: Vec<_> = rig.all_writes_by("otto").into_iter().filter(|w| w.code >= 400).collect();
    assert!(refused.is_empty(), "a right is missing in deploy/: {refused:#?}");
    let mut cockpit = by_hand(&otto, &[], "elsewhere");
    cockpit.wait("no right to patch deployments in default");
    cockpit.quit();
}

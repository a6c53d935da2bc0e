//! A real API server (the rig): how soon the first workload with its ready count is on the screen, against
//! `kubectl get pods` in the same run. With 20 pods that run, then with 3,000 that find no node.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::bench::{Bench, Outcome, PATIENCE, start};
use crate::figure::Measured;
use crate::rig::{Rig, command};
use crate::start::median;
use crate::terminal::{Start, Terminal};

/// Runs of each, in turn; the medians count.
const RUNS: usize = 7;
/// 3,000 pods are made at the pace of the controllers.
const MADE: Duration = Duration::from_secs(600);

/// With 20 pods that run. The 3,000 are ordered then, and made while other things are measured; not before this needs no
/// second try, which they would be in the way of.
pub fn few(bench: &Bench) -> Result<Outcome, String> {
    let Some(kubectl) = kubectl()? else { return Ok(absent()) };
    let rig = bench.rig();
    ordered(rig, 5, 4, &json!({}), "running");
    there(rig, 20, "running")?;
    let (ours, theirs) = race(bench, rig, &kubectl)?;
    if ours <= theirs {
        ordered(rig, 30, 100, &json!({"bench.example/none": "true"}), "pending");
    }
    let mut measured = Measured::default();
    measured.take("first-data-20", ours);
    measured.take("kubectl-20", theirs);
    measured.take("first-data-20-x", ours / theirs);
    Ok(Outcome::Measured(measured))
}

/// With 3,000 pods that wait for a node.
pub fn many(bench: &Bench) -> Result<Outcome, String> {
    let Some(kubectl) = kubectl()? else { return Ok(absent()) };
    let rig = bench.rig();
    ordered(rig, 30, 100, &json!({"bench.example/none": "true"}), "pending");
    there(rig, 3_000, "pending")?;
    let (ours, theirs) = race(bench, rig, &kubectl)?;
    let mut measured = Measured::default();
    measured.take("first-data-3000", ours);
    measured.take("kubectl-3000", theirs);
    measured.take("first-data-3000-x", ours / theirs);
    Ok(Outcome::Measured(measured))
}

fn absent() -> Outcome {
    Outcome::NotRun("there is no rig at ../shared/rig/rig, and GOAROUND_RIG names none".into())
}

/// The rig's own kubectl. Not by its script: what that looks for before it starts is not kubectl's time.
fn kubectl() -> Result<Option<PathBuf>, String> {
    let Some(script) = command() else { return Ok(None) };
    let located = Command::new(script).arg("where").output().map_err(|error| error.to_string())?;
    Ok(Some(PathBuf::from(String::from_utf8_lossy(&located.stdout).trim()).join("rig")))
}

/// Orders so many Deployments of so many pods.
fn ordered(rig: &Rig, count: usize, pods: usize, selector: &Value, word: &str) {
    let each = |n: usize| {
        let name = format!("bench-{word}-{n:02}");
        let container = json!({"name": "web", "image": "busybox", "command": ["sleep", "infinity"]});
        let spec =
            json!({"nodeSelector": selector, "terminationGracePeriodSeconds": 0, "containers": [container]});
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": "default"},
            "spec": {"replicas": pods, "selector": {"matchLabels": {"app": name}},
                "template": {"metadata": {"labels": {"app": name, "bench": word}}, "spec": spec}}})
    };
    let all: Vec<Value> = (0..count).map(each).collect();
    rig.apply(&json!({"apiVersion": "v1", "kind": "List", "items": all}));
}

/// Waits until so many pods are what their name says.
fn there(rig: &Rig, pods: usize, word: &str) -> Result<(), String> {
    let (label, field) = (format!("bench={word}"), format!("status.phase={}", phase(word)));
    let begun = Instant::now();
    loop {
        let found = rig.kubectl(&["get", "pods", "-l", &label, "--field-selector", &field, "-o", "name"]);
        if found.lines().count() >= pods {
            return Ok(());
        }
        if begun.elapsed() > MADE {
            return Err(format!("only {} of {pods} pods are {word}", found.lines().count()));
        }
        std::thread::sleep(Duration::from_secs(2));
    }
}

fn phase(word: &str) -> &'static str {
    if word == "pending" { "Pending" } else { "Running" }
}

/// Medians in milliseconds: the cockpit's first workload, and all of kubectl.
fn race(bench: &Bench, rig: &Rig, kubectl: &Path) -> Result<(f64, f64), String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let kubeconfig = rig.kubeconfig("admin");
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        let wanted = Box::new(workload);
        let started = start(bench, &folder, &["--kubeconfig", &kubeconfig]);
        let terminal = Terminal::start(Start { wanted: Some(wanted), ..started })?;
        let painted = terminal.wait("a workload and how many of its pods are ready", PATIENCE)?;
        ours.push((painted - terminal.begun).as_secs_f64() * 1e3);
        terminal.leave("q", PATIENCE);
        let begun = Instant::now();
        let done = Command::new(kubectl)
            .args(["kubectl", "--kubeconfig", &kubeconfig, "get", "pods", "-A"])
            .stdin(Stdio::null())
            .output()
            .map_err(|error| error.to_string())?;
        if !done.status.success() {
            return Err(String::from_utf8_lossy(&done.stderr).into_owned());
        }
        theirs.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    Ok((median(&mut ours), median(&mut theirs)))
}

/// A row has the name of a Deployment and how many of its pods are ready.
fn workload(screen: &vt100::Screen) -> bool {
    screen.contents().lines().any(|line| line.contains("bench-") && ready(line))
}

/// `4/4` stands in it.
fn ready(line: &str) -> bool {
    let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    line.split_whitespace().any(|word| word.split_once('/').is_some_and(|(a, b)| number(a) && number(b)))
}

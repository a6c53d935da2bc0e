//! Every scenario, headless, through the real binary, to what its file expects, with what the model said of it in the
//! journal. The same seed gives the same outcome.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

fn run(arguments: &[&str]) -> Output {
    let state = tempfile::tempdir().expect("a folder");
    Command::new(env!("CARGO_BIN_EXE_goaround"))
        .args(arguments)
        .env("GOAROUND_STATE_DIR", state.path())
        .env("GOAROUND_CONFIG_DIR", state.path())
        .env_remove("KUBECONFIG")
        .output()
        .expect("the binary runs")
}

/// The journal of the run whose temporary folder is below `folder`.
fn journal(folder: &Path) -> Option<File> {
    let runs = std::fs::read_dir(folder).ok()?.flatten();
    runs.map(|run| run.path().join("state/journal.jsonl")).find_map(|path| File::open(path).ok())
}

/// Runs one scenario to its end; its `advice` records. The folder goes with the program, but a file that was opened
/// before is read all the same.
fn advice(scenario: &str) -> Vec<Value> {
    let folder = tempfile::tempdir().expect("a folder");
    let mut program = Command::new(env!("CARGO_BIN_EXE_goaround"))
        .args(["demo", scenario, "--headless", "-o", "json"])
        .env("TMPDIR", folder.path())
        .env("GOAROUND_STATE_DIR", folder.path())
        .env("GOAROUND_CONFIG_DIR", folder.path())
        .env_remove("KUBECONFIG")
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    let mut opened = None;
    let mut last = String::new();
    for line in BufReader::new(program.stdout.take().expect("its words")).lines() {
        last = line.expect("text");
        opened = opened.or_else(|| journal(folder.path()));
    }
    assert!(program.wait().expect("an end").success(), "{last}");
    let mut records = String::new();
    opened.expect("a journal").read_to_string(&mut records).expect("text");
    let records = records.lines().map(|line| serde_json::from_str::<Value>(line).expect("a record"));
    records.filter(|record| record["kind"] == "advice").map(|record| record["body"].clone()).collect()
}

/// What the model said of the rollback. On a busy machine a card that only waits may have come before, of which other
/// things are said.
fn of_the_rollback(advice: &[Value]) -> &Value {
    let heard = advice.iter().find(|a| a["decision"]["action"] == "rollback" && a["answer"].is_object());
    heard.expect("the model was heard before the decision")
}

/// Claims of all sentences of an answer.
fn claims(advice: &Value) -> impl Iterator<Item = &Value> {
    let sentences = advice["answer"]["sentences"].as_array().into_iter().flatten();
    sentences.flat_map(|said| said["claims"].as_array().into_iter().flatten())
}

fn last_line(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    let last = text.lines().last().unwrap_or_default();
    serde_json::from_str(last)
        .unwrap_or_else(|e| panic!("{e} in {last}\n{text}\n{}", String::from_utf8_lossy(&output.stderr)))
}

/// Runs one scenario and holds it against its file: outcome, verdict, offer, target and writes.
fn ends_as_expected(scenario: &str) {
    let output = run(&["demo", scenario, "--headless", "-o", "json"]);
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let last = last_line(&output);
    assert_eq!(output.status.code(), Some(0), "{last}\n{said}\n{told}");
    assert_eq!(last["scenario"], scenario);
    assert_eq!(last["outcome"], last["expected"]);
    for line in told.lines() {
        serde_json::from_str::<Value>(line).expect("every line is JSON");
    }
}

#[test]
fn slo_burn_is_rolled_back_and_helped() {
    ends_as_expected("slo-burn");
}

#[test]
fn an_edit_in_place_is_restored_and_helped() {
    ends_as_expected("slo-burn-in-place");
}

#[test]
fn after_two_bad_rollouts_the_good_one_is_found() {
    ends_as_expected("second-bad-rollout");
}

#[test]
fn a_failing_dependency_is_waited_for() {
    ends_as_expected("dependency");
}

#[test]
fn a_traffic_spike_is_waited_for() {
    ends_as_expected("traffic-spike");
}

#[test]
fn a_revision_that_fails_more_and_more_is_rolled_back_and_helped() {
    ends_as_expected("slow-leak");
}

#[test]
fn one_wrong_variable_is_rolled_back_and_helped() {
    ends_as_expected("wrong-address");
}

#[test]
fn a_burn_that_was_there_before_the_rollout_is_waited_for() {
    ends_as_expected("preexisting");
}

#[test]
fn a_node_in_trouble_is_waited_for() {
    ends_as_expected("node-pressure");
}

#[test]
fn a_handful_of_requests_is_too_little_to_act_on() {
    ends_as_expected("too-little-traffic");
}

#[test]
fn a_target_whose_config_map_is_gone_is_not_offered() {
    ends_as_expected("bad-target");
}

#[test]
fn bursts_without_a_rollout_are_waited_for() {
    ends_as_expected("alert-flaps");
}

#[test]
fn what_a_colleague_has_rolled_back_is_not_rolled_back_again() {
    ends_as_expected("somebody-was-faster");
}

#[test]
fn a_content_that_nobody_knows_is_not_restored() {
    ends_as_expected("config-unknown");
}

#[test]
fn a_lying_model_changes_nothing_about_the_ending_and_its_lies_are_on_record_with_the_truth() {
    ends_as_expected("lying-model");
    let advice = advice("lying-model");
    let heard = of_the_rollback(&advice);
    assert!(heard["answer"]["contradicted"].as_u64() >= Some(2), "{heard:#}");
    let wrong: Vec<&Value> = claims(heard).filter(|claim| claim["mark"] == "contradicted").collect();
    assert!(wrong.len() >= 2 && wrong.iter().all(|claim| claim["truth"].is_string()), "{wrong:#?}");
    let first = wrong[0]["text"].as_str().unwrap_or_default();
    assert!(first.ends_with(" %"), "the wrong value comes first: {wrong:#?}");
}

#[test]
fn every_claim_of_an_honest_model_is_confirmed_on_record() {
    let advice = advice("slo-burn");
    let answer = &of_the_rollback(&advice)["answer"];
    assert_eq!((&answer["contradicted"], &answer["not_found"]), (&0.into(), &0.into()), "{answer:#}");
    assert!(answer["confirmed"].as_u64() >= Some(8), "{answer:#}");
    assert!(answer["dissent"].is_null(), "{answer:#}");
}

#[test]
fn these_tests_know_every_scenario() {
    let output = run(&["demo", "--list", "-o", "json"]);
    let list: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let mut names: Vec<&str> =
        list.as_array().expect("a list").iter().filter_map(|s| s["scenario"].as_str()).collect();
    names.sort_unstable();
    let tested = [
        "alert-flaps",
        "bad-target",
        "config-unknown",
        "dependency",
        "lying-model",
        "node-pressure",
        "preexisting",
        "second-bad-rollout",
        "slo-burn",
        "slo-burn-in-place",
        "slow-leak",
        "somebody-was-faster",
        "too-little-traffic",
        "traffic-spike",
        "wrong-address",
    ];
    assert_eq!(names, tested);
}

#[test]
fn an_unknown_scenario_is_refused_with_the_names_of_all() {
    let output = run(&["demo", "slo-brun", "--headless"]);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("slo-burn") && said.contains("dependency"), "{said}");
}

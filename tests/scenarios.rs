//! Every scenario, headless, through the real binary, to what its file expects. The same seed gives the same outcome.

use std::process::{Command, Output};

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
fn a_lying_model_changes_nothing_about_the_ending() {
    ends_as_expected("lying-model");
}

#[test]
fn these_tests_know_every_scenario() {
    let output = run(&["demo", "--list", "-o", "json"]);
    let list: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let mut names: Vec<&str> =
        list.as_array().expect("a list").iter().filter_map(|s| s["scenario"].as_str()).collect();
    names.sort_unstable();
    let tested =
        ["dependency", "lying-model", "second-bad-rollout", "slo-burn", "slo-burn-in-place", "traffic-spike"];
    assert_eq!(names, tested);
}

#[test]
fn an_unknown_scenario_is_refused_with_the_names_of_all() {
    let output = run(&["demo", "slo-brun", "--headless"]);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("slo-burn") && said.contains("dependency"), "{said}");
}

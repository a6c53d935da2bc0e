//! A language model at the command line: `eval`, which measures one, and the line of `check` about it. Through the real
//! binary, on models that the embedded world imitates.

#![allow(clippy::disallowed_methods, reason = "a world's clock is set against the host's here")]

#[path = "common/cluster.rs"]
mod cluster;
mod common;

use cluster::{Cluster, Ran, run, scenario_of};
use serde_json::{Value, json};

/// How each model here is called.
const NAME: &str = "small-model";

/// A world whose model is as `table` says; its server is what is wanted of it.
fn model(table: &str) -> Cluster {
    let table = format!("\n[model]\nname = \"{NAME}\"\n{table}\n");
    Cluster::of(&scenario_of("1s", |text| text.push_str(&table)))
}

fn advisor(url: &str, more: &str) -> String {
    format!("[advisor]\nprovider = \"openai\"\nurl = \"{url}\"\nmodel = \"{NAME}\"\n{more}\n")
}

fn words(arguments: &[&str]) -> Vec<String> {
    arguments.iter().map(|a| (*a).to_owned()).collect()
}

/// Runs the program with this configuration, and no cluster.
fn configured(config: &str, arguments: &[&str]) -> (Ran, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("config")).expect("a folder");
    std::fs::write(folder.path().join("config/config.toml"), config).expect("a file");
    (run(&folder, words(arguments)), folder)
}

#[test]
fn the_imitated_models_are_measured_and_a_lie_is_among_the_claims() {
    let arguments =
        ["eval", "--embedded", "--scenario", "dependency", "--scenario", "lying-model", "-o", "json"];
    let (ran, folder) = configured("", &arguments);
    assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.err);
    let told = ran.json();
    let names: Vec<&Value> =
        told["scenarios"].as_array().expect("a list").iter().map(|s| &s["scenario"]).collect();
    assert_eq!(names, ["dependency", "lying-model"]);
    let [honest, lying] = [&told["scenarios"][0], &told["scenarios"][1]];
    for one in [honest, lying] {
        assert_eq!([&one["runs"], &one["held"], &one["expected_cause"]], [1, 1, 1], "{one}");
        assert_eq!(one["dissent"], json!({"cause": 0, "action": 0}));
        assert!(one["claims"]["confirmed"].as_u64() > Some(3), "{one}");
        assert!(one["seconds"]["whole"]["median"].as_f64() >= one["seconds"]["first_word"]["max"].as_f64());
        assert!(one["tokens"]["prompt"].as_u64() > Some(300), "{one}");
    }
    assert!(lying["claims"]["contradicted"].as_u64() > Some(0), "{lying}");
    assert_eq!(told["total"]["held"], 2);
    assert_eq!(ran.err.lines().count(), 2, "one line of progress a run: {}", ran.err);
    assert!(!folder.path().join("state").exists(), "nothing is kept");
}

#[test]
fn a_card_stays_for_as_long_as_a_model_needs_in_real_time() {
    // More world time than the life of a card, because the scenario's world is faster than the model's.
    let slow = model("first_word = \"4s\"");
    let config =
        advisor(&slow.world.model_url, "first_token = \"30s\"\nwhole = \"60s\"\nwhole_with_tools = \"60s\"");
    let (ran, _folder) =
        configured(&config, &["eval", "--scenario", "slo-burn", "--speed", "240", "-o", "json"]);
    assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.err);
    let total = &ran.json()["total"];
    assert_eq!([&total["held"], &total["expected_cause"]], [1, 1], "{total}");
    assert!(total["seconds"]["first_word"]["median"].as_f64() >= Some(4.0), "{total}");
}

#[test]
fn a_model_that_refuses_every_run_is_told_with_its_reason_and_exit_code_1() {
    let refusing = model("error = \"401\"");
    let config = advisor(&refusing.world.model_url, "");
    let (ran, _folder) = configured(&config, &["eval", "--scenario", "dependency", "-o", "json"]);
    assert_eq!(ran.code, Some(1), "{}{}", ran.out, ran.err);
    let total = &ran.json()["total"];
    assert_eq!([&total["runs"], &total["held"]], [1, 0]);
    let why = total["failed"][0].as_str().expect("a reason");
    assert!(why.contains("wants a key (401)") && why.contains("hint: set key_env"), "{why}");
    assert_eq!(total["seconds"]["whole"], Value::Null);
}

#[test]
fn without_a_model_or_with_nothing_to_be_told_eval_is_wrong_usage() {
    let (ran, _folder) = configured("", &["eval"]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{}", ran.err);
    for word in ["no model is configured", "[advisor]", "--embedded"] {
        assert!(ran.err.contains(word), "{}", ran.err);
    }
    let silent = advisor("http://127.0.0.1:1/v1", "share = \"none\"");
    let (ran, _folder) = configured(&silent, &["eval"]);
    assert!(ran.code == Some(2) && ran.err.contains("share = \"facts\""), "{}", ran.err);
    let (ran, _folder) = configured("", &["eval", "--embedded", "--scenario", "slo-brun"]);
    assert!(ran.code == Some(2) && ran.err.contains("slo-burn-in-place"), "{}", ran.err);
}

/// `check` on a healthy cluster with this configuration: its exit code, the line about the model, and all others.
fn checked(cluster: &Cluster, config: &str) -> (Option<i32>, Value, Vec<Value>) {
    cluster.configure(config);
    let ran = cluster.run(&["check", "-o", "json"]);
    let mut lines = ran.json().as_array().expect("a list").clone();
    // How far clocks differ is measured anew each time.
    lines.iter_mut().filter(|line| line["check"] == "clock").for_each(|line| line["detail"] = Value::Null);
    let (mut model, others): (Vec<_>, Vec<_>) = lines.into_iter().partition(|line| line["check"] == "model");
    assert_eq!(model.len(), 1, "{}", ran.out);
    (ran.code, model.remove(0), others)
}

#[test]
fn check_says_of_a_model_whether_it_is_there_and_the_other_lines_stay() {
    let cluster = Cluster::burning();
    let none = "no model is configured: [advisor] names one";
    let (code, line, others) = checked(&cluster, "");
    assert_eq!((code, &line["state"], &line["detail"]), (Some(0), &json!("ok"), &json!(none)));

    let unknown = "http://127.0.0.1:1/v1";
    let worlds = ["", "error = \"401\"", "error = \"html\""].map(model);
    let [served, key, page] = worlds.each_ref().map(|world| world.world.model_url.as_str());
    for (url, more, code, state, detail, next) in [
        (served, "", 0, "ok", "small-model is served at http://127.0.0.1:", ""),
        (unknown, "share = \"none\"", 0, "ok", "not looked for", ""),
        (key, "", 1, "fail", "wants a key (401)", "set key_env or key_file"),
        (page, "", 1, "fail", "HTML instead of JSON", "url under [advisor]"),
        (unknown, "", 1, "fail", "connection refused", "is the server started"),
    ] {
        let (was, line, rest) = checked(&cluster, &advisor(url, more));
        assert_eq!((was, &line["state"]), (Some(code), &json!(state)), "{line}");
        assert!(line["detail"].as_str().is_some_and(|d| d.contains(detail)), "{line}");
        assert!(line["next"].as_str().is_some_and(|n| n.contains(next)), "{line}");
        assert_eq!(rest, others);
    }
    let alias = advisor(served, "").replace(NAME, "best");
    let (code, line, _) = checked(&cluster, &alias);
    assert_eq!((code, &line["state"]), (Some(0), &json!("warn")));
    assert!(line["detail"].as_str().is_some_and(|d| d.ends_with("it lists small-model")), "{line}");
}

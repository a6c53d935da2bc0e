//! Credential plugins, through the real binary: no input, no screen, and never the key of the model.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::cluster::Cluster;

/// The cluster's kubeconfig runs this script for its credentials; they are those that it has anyway.
fn logs_in_by(cluster: &Cluster, script: &str) {
    let program = cluster.folder.path().join("login");
    let token = "{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\",\
                 \"status\":{\"token\":\"anything\"}}";
    fs::write(&program, format!("#!/bin/sh\n{script}\nprintf %s '{token}'\n")).expect("a plugin");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).expect("chmod");
    let kubeconfig = serde_json::json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "demo",
        "clusters": [{"name": "demo", "cluster": {"server": cluster.kubernetes.url}}],
        "users": [{"name": "demo", "user": {"exec": {"apiVersion": "client.authentication.k8s.io/v1",
            "command": program, "interactiveMode": "Always"}}}],
        "contexts": [{"name": "demo", "context": {"cluster": "demo", "user": "demo"}}],
    });
    fs::write(cluster.kubeconfig(), kubeconfig.to_string()).expect("a kubeconfig");
}

#[test]
fn a_plugin_gets_no_key_no_keyboard_and_no_screen() {
    let cluster = Cluster::burning();
    cluster.configure(
        "[advisor]\nprovider = \"openai\"\nurl = \"http://127.0.0.1:1/v1\"\nmodel = \"m\"\nkey_env = \"OUR_MODEL_KEY\"\n",
    );
    let notes = cluster.folder.path().join("notes");
    let script = format!(
        "{{ env; echo \"input $(cat | wc -c)\"; [ -t 0 ] || [ -t 1 ] || [ -t 2 ] || echo 'no terminal'; }} >> {}\n\
         echo SMEARED >&2; printf '\\033[2J\\007SMEARED' >&2",
        notes.display()
    );
    logs_in_by(&cluster, &script);
    let mut screen =
        cluster.screen_in(120, 40, &[], &[("OUR_MODEL_KEY", "sk-canary-7f3a"), ("OTHER", "seen")]);
    screen.wait("1 gate open");
    screen.press("g");
    screen.wait("arms, then");
    screen.press("\u{1b}");
    screen.wait("↑↓ select");
    screen.press("q");
    assert_eq!(screen.end(), 0);
    assert!(!screen.raw().contains("SMEARED"), "{}", screen.text());
    let notes = fs::read_to_string(notes).expect("it ran");
    assert!(
        notes.contains("OTHER=seen") && notes.contains("input 0") && notes.contains("no terminal"),
        "{notes}"
    );
    assert!(
        !notes.contains("sk-canary") && !notes.contains("OUR_MODEL_KEY"),
        "the key of the model was told"
    );
}

#[test]
fn what_a_failing_plugin_says_is_quoted_harmlessly_and_the_program_goes_on() {
    let cluster = Cluster::burning();
    logs_in_by(&cluster, "printf 'log in first \\033]0;title\\007\\n' >&2; exit 3");
    let ran = cluster.run(&["propose"]);
    assert_eq!(ran.code, Some(3), "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("log in first") && ran.err.contains("hint:"), "{}", ran.err);
    assert!(!ran.err.contains('\u{1b}') && !ran.err.contains('\u{7}'), "{}", ran.err.escape_debug());
    let mut screen = cluster.screen(120, 40, &[]);
    screen.wait("log in first");
    screen.press("q");
    assert_eq!(screen.end(), 0);
}

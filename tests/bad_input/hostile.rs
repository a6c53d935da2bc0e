//! Texts that want to be more than texts: escape sequences, bidirectional and invisible characters in everything that a
//! cluster, a Prometheus or a kubeconfig says. They are shown as what they are, and never reach the terminal.

use serde_json::{Value, json};

use crate::cluster::{Asked, Cluster};
use crate::common::Screen;
use crate::harmless;

/// Title, cursor report, right-to-left, zero width, an 8-bit CSI, a new line.
const HOSTILE: &str = "\u{1b}]0;pwned\u{7}\u{1b}[6n\u{202e}desrever\u{200b}\u{9b}31m\r\nx";
/// How it begins when it is shown.
const SHOWN: &str = "<1b>]0;pwned<07><1b>[6n<u+202e>desrever<u+200b><9b>31m<0d><0a>x";

fn kubernetes(asked: &Asked, object: &mut Value) {
    if object["kind"] == "Status" {
        return;
    }
    if asked.path.ends_with("/selfsubjectreviews") {
        object["status"]["userInfo"]["username"] = json!(format!("mara {HOSTILE}"));
    }
    match asked.plural.as_str() {
        "deployments" | "replicasets" => {
            let meta = &mut object["metadata"];
            meta["annotations"]["kubernetes.io/change-cause"] = json!(format!("cause {HOSTILE}"));
            meta["annotations"]["goaround.dev/irreversible"] = json!(HOSTILE);
            meta["labels"][HOSTILE] = json!(HOSTILE);
            for entry in meta["managedFields"].as_array_mut().into_iter().flatten() {
                entry["manager"] = json!(format!("kubectl {HOSTILE}"));
            }
            let image = &mut object["spec"]["template"]["spec"]["containers"][0]["image"];
            *image = json!(format!("{}{HOSTILE}", image.as_str().unwrap_or_default()));
        }
        "events" => {
            object["message"] = json!(HOSTILE);
            object["reason"] = json!(HOSTILE);
            object["source"]["component"] = json!(HOSTILE);
        }
        "pods" => object["metadata"]["labels"]["x"] = json!(HOSTILE),
        _ => {}
    }
}

fn prometheus(asked: &Asked, body: &mut Value) {
    body["warnings"] = json!([format!("warning {HOSTILE}")]);
    for group in body["data"]["groups"].as_array_mut().into_iter().flatten() {
        for rule in group["rules"].as_array_mut().into_iter().flatten() {
            if rule["type"] == "alerting" {
                for name in ["summary", "title", "runbook", "runbook_url"] {
                    rule["annotations"][name] = json!(HOSTILE);
                }
                rule["labels"]["team"] = json!(HOSTILE);
            }
        }
    }
    if asked.query().starts_with("ALERTS") {
        for one in body["data"]["result"].as_array_mut().into_iter().flatten() {
            one["metric"]["alertname"] = json!(HOSTILE);
            one["metric"]["team"] = json!(HOSTILE);
        }
    }
}

fn hostile() -> Cluster {
    let cluster = Cluster::burning();
    cluster.kubernetes.edit(kubernetes);
    cluster.prometheus.edit(prometheus);
    let context = r#""demo-prod-eu \e]0;pwned\a\e[6n\u202edesrever\u200b\x9b31m\r\nx""#;
    let config =
        std::fs::read_to_string(cluster.kubeconfig()).expect("a file").replace("demo-prod-eu", context);
    std::fs::write(cluster.kubeconfig(), config).expect("a file");
    cluster
}

/// Nothing in it moves a cursor, turns a line round or hides.
fn is_plain(text: &str) {
    harmless(text);
    let hidden = text.chars().find(|c| matches!(c, '\u{202e}' | '\u{200b}'));
    assert_eq!(hidden, None, "{}", text.escape_debug());
}

#[test]
fn no_text_of_a_cluster_reaches_the_output_of_propose_and_check_as_it_is() {
    let cluster = hostile();
    let ran = cluster.run(&["propose"]);
    assert_eq!(ran.code, Some(10), "{}{}", ran.out, ran.err);
    is_plain(&format!("{}{}", ran.out, ran.err));
    assert!(ran.out.contains(&format!("declared irreversible: {SHOWN}")), "{}", ran.out);
    let ran = cluster.run(&["check"]);
    is_plain(&format!("{}{}", ran.out, ran.err));
    for text in ["context demo-prod-eu", "mara", "warning"] {
        assert!(ran.out.contains(&format!("{text} {SHOWN}")), "{text}: {}", ran.out);
    }
    let ran = cluster.run(&["check", "-o", "json"]);
    is_plain(&ran.out);
    assert_eq!(ran.json().as_array().map(Vec::is_empty), Some(false));
}

#[test]
fn the_json_of_propose_is_to_the_letter_and_harmless_to_print() {
    let ran = hostile().run(&["propose", "-o", "json"]);
    is_plain(&ran.out);
    let proposal = ran.one();
    // What is sent must be what the server has, character by character.
    let image = &proposal["calls"][0]["body"][1]["value"]["spec"]["containers"][0]["image"];
    assert_eq!(image, &json!(format!("registry.shop.example/nginx:1.27.3{HOSTILE}")));
    let evidence = proposal["evidence"].to_string();
    is_plain(&evidence);
}

/// Back to the main screen, from wherever it is.
fn home(screen: &mut Screen) {
    for _ in 0..4 {
        let before = screen.text();
        if before.contains("↑↓ select") {
            return;
        }
        screen.press("\u{1b}");
        screen.wait_for("another screen", |text| text != before);
    }
    screen.wait("↑↓ select");
}

/// Nothing foreign was written to the terminal, ever.
fn nothing_got_through(screen: &Screen) {
    let raw = screen.raw();
    for foreign in ["\u{1b}]0;", "pwned\u{7}", "\u{202e}", "\u{200b}", "\u{9b}"] {
        assert!(!raw.contains(foreign), "{} got through", foreign.escape_debug());
    }
    // Title, links and notifications are ours, and what they say is plain; where the cursor is we ask once, at the start.
    for words in raw.split("\u{1b}]").skip(1) {
        let said = words.split("\u{1b}\\").next().unwrap_or_default();
        assert!(["2;", "8;;", "9;", "777;notify;"].iter().any(|own| said.starts_with(own)), "{said:?}");
        assert!(!said.contains(char::is_control), "{said:?}");
    }
    assert!(raw.matches("\u{1b}[6n").count() <= 1);
}

#[test]
fn no_text_of_a_cluster_reaches_the_terminal_as_it_is() {
    let cluster = hostile();
    let mut screen = cluster.screen(160, 45, &[]);
    screen.wait("1 gate open");
    screen.wait("<1b>]0;pwned");
    screen.press("g");
    screen.wait("declared irreversible: <1b>]0;pwned");
    screen.press("v");
    screen.wait("EVIDENCE");
    home(&mut screen);
    screen.press("d");
    screen.wait_gone("↑↓ select");
    home(&mut screen);
    screen.press("l");
    screen.wait("knows us as mara <1b>]0;pwned");
    home(&mut screen);
    screen.resize(100, 30);
    screen.wait_for("100 columns", |text| text.lines().all(|line| line.chars().count() <= 100));
    screen.press("q");
    assert_eq!(screen.end(), 0);
    nothing_got_through(&screen);
    screen.assert_restored();
}

#[test]
fn a_hostile_node_is_named_harmlessly_where_it_is_to_blame() {
    let cluster = Cluster::burning();
    cluster.kubernetes.edit(|asked, object| match asked.plural.as_str() {
        "pods" => object["spec"]["nodeName"] = json!(HOSTILE),
        "nodes" => {
            object["metadata"]["name"] = json!(HOSTILE);
            for condition in object["status"]["conditions"].as_array_mut().into_iter().flatten() {
                if condition["type"] == "Ready" {
                    condition["status"] = json!("False");
                    condition["lastTransitionTime"] = json!(chrono::Utc::now().to_rfc3339());
                }
            }
        }
        _ => {}
    });
    let ran = cluster.run(&["propose"]);
    is_plain(&ran.out);
    assert!(ran.out.contains(&format!("node {SHOWN} is not ready")), "{}", ran.out);
}

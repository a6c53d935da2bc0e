//! What a cluster may hold: owners that put things back, pauses, objects that are re-created, mappings that are not
//! clear, and sizes that nobody expects.

use serde_json::{Value, json};

use crate::cluster::{Asked, Cluster, scenario_of, slo_burn};
use crate::common::Screen;
use crate::{gate, harmless, says};

const GATEWAY: &str = "/apis/apps/v1/namespaces/shop/deployments/api-gateway";

/// A world of its own whose gateway was changed by `patch`.
fn with(patch: &Value) -> Cluster {
    let cluster = Cluster::of(&slo_burn("8m"));
    cluster.patch(GATEWAY, patch);
    cluster
}

fn annotated(name: &str, value: &str) -> Cluster {
    with(
        &json!([{"op": "add", "path": format!("/metadata/annotations/{}", name.replace('/', "~1")), "value": value}]),
    )
}

fn labelled(name: &str, value: &str) -> Cluster {
    with(
        &json!([{"op": "add", "path": format!("/metadata/labels/{}", name.replace('/', "~1")), "value": value}]),
    )
}

/// SAFE NOW does not pass and names who would undo it; it is offered all the same.
fn is_owned(cluster: &Cluster, state: &str, line: &str) {
    let ran = cluster.run(&["propose"]);
    assert_eq!(gate(&ran, "SAFE NOW"), (state, line), "{}", ran.out);
    let proposal = cluster.run(&["propose", "-o", "json"]).one();
    assert_eq!((&proposal["offer"], &proposal["gates"]["safe_now"]), (&json!("rollback"), &json!(state)));
}

#[test]
fn argo_cd_would_undo_it_within_seconds() {
    let cluster = annotated("argocd.argoproj.io/tracking-id", "shop:apps/Deployment:shop/api-gateway");
    let line = "Argo CD owns it (shop:apps/Deployment:shop/api-gateway) and would undo this, with self-heal within seconds";
    is_owned(&cluster, "fail", line);
}

#[test]
fn flux_would_undo_it_at_its_next_reconcile() {
    let cluster = labelled("kustomize.toolkit.fluxcd.io/name", "shop");
    is_owned(&cluster, "fail", "Flux Kustomization shop owns it and would undo this at its next reconcile");
}

#[test]
fn helm_would_undo_it_at_its_next_upgrade() {
    let cluster = annotated("meta.helm.sh/release-name", "shop");
    is_owned(&cluster, "unknown", "Helm release shop would undo this at its next upgrade");
}

#[test]
fn what_is_declared_irreversible_fails_its_gate_in_the_words_of_the_declaration() {
    let cluster = annotated("goaround.dev/irreversible", "migration 42 \u{1b}[2Jhas run");
    let ran = cluster.run(&["propose"]);
    assert_eq!(gate(&ran, "REVERSIBLE"), ("fail", "declared irreversible: migration 42 <1b>[2Jhas run"));
    harmless(&ran.out);
}

/// Opens the card and presses the key that arms, once everything was read.
fn arm(screen: &mut Screen) -> String {
    screen.wait("1 gate open");
    screen.press("g");
    screen.wait("arms, then")
}

/// The card shows why it cannot be approved, and `a` shows no token.
fn cannot_be_armed(cluster: &Cluster, arguments: &[&str], why: &str) {
    let mut screen = cluster.screen(140, 45, arguments);
    screen.wait("1 gate open");
    screen.press("g");
    let text = screen.wait("CANNOT BE APPROVED");
    assert!(text.contains(why), "{text}");
    screen.press("a");
    let text = screen.wait("cannot be approved: ");
    assert!(!text.contains("to approve") && !text.contains("reason ▏"), "{text}");
    screen.press("\u{1b}");
    screen.wait("↑↓ select");
    screen.press("q");
    assert_eq!(screen.end(), 0);
}

#[test]
fn a_paused_deployment_is_no_offer_and_says_why() {
    let cluster = with(&json!([{"op": "add", "path": "/spec/paused", "value": true}]));
    let ran = cluster.run(&["propose"]);
    says(&ran, &["NO OFFER: shop/api-gateway", "the Deployment is paused", "kubectl rollout resume"]);
    assert_eq!(gate(&ran, "SAFE NOW").0, "fail");
}

#[test]
fn read_only_arms_nothing() {
    let cluster = Cluster::burning();
    let ran = cluster.run(&["propose", "--read-only"]);
    says(&ran, &["cannot be approved: --read-only: nothing is written"]);
    cannot_be_armed(&cluster, &["--read-only"], "--read-only: nothing is written");
}

#[test]
fn without_the_right_nothing_can_be_armed() {
    let scenario = scenario_of("8m", |text| {
        *text = text.replacen("\nabout =", "\ndeny = [\"patch deployments\"]\nabout =", 1);
    });
    cannot_be_armed(
        &Cluster::of(&scenario),
        &[],
        "no right to patch deployments in shop; hint: ask for it in a Role",
    );
}

/// The uid of the gateway, as the plan has it.
fn uid(cluster: &Cluster) -> String {
    let proposal = cluster.run(&["propose", "-o", "json"]).one();
    proposal["calls"][0]["body"][0]["value"].as_str().expect("a uid").to_owned()
}

const OTHER_UID: &str = "00000000-1111-4222-8333-444444444444";

/// The same objects, as if deleted and made again.
fn recreated(uid: String) -> impl Fn(&Asked, &mut Value) + Send + Sync + 'static {
    move |_, object| {
        let text = object.to_string().replace(&uid, OTHER_UID);
        *object = serde_json::from_str(&text).expect("JSON");
    }
}

#[test]
fn a_deployment_that_is_recreated_under_its_name_takes_its_card_away() {
    let cluster = Cluster::burning();
    let uid = uid(&cluster);
    let mut screen = cluster.screen(140, 45, &[]);
    arm(&mut screen);
    screen.press("a");
    screen.wait("to approve");
    cluster.kubernetes.edit(recreated(uid));
    let text = screen.wait_gone("to approve");
    assert!(!text.contains("written"), "{text}");
    screen.press("\u{1b}");
    screen.wait("↑↓ select");
    screen.press("l");
    screen.wait_for("withdrawn", |text| text.contains("withdrawn: the world moved"));
}

#[test]
fn a_deployment_that_is_recreated_between_token_and_write_is_not_written_to() {
    let cluster = Cluster::burning();
    let uid = uid(&cluster);
    let mut screen = cluster.screen(140, 45, &[]);
    arm(&mut screen);
    screen.press("a");
    let text = screen.wait("to approve");
    let token: String =
        text.split("type ").nth(1).and_then(|rest| rest.get(..4)).expect("a token").to_owned();
    // Only the last look sees it: no watch came in time.
    let late = recreated(uid);
    cluster.kubernetes.edit_unseen(move |asked, object| {
        if asked.single && asked.method == "GET" && asked.plural == "deployments" {
            late(asked, object);
        }
    });
    screen.type_by_hand(&token);
    screen.wait("re-created under the same name");
    let written = cluster.world.writes().into_iter().filter(|w| !w.dry_run).count();
    assert_eq!(written, 0);
}

/// A Service `front` before two Deployments, and an SLO that knows only the Service.
fn two_behind_one_service(cluster: &Cluster) {
    cluster.prometheus.edit(|_, body| {
        for group in body["data"]["groups"].as_array_mut().into_iter().flatten() {
            for rule in group["rules"].as_array_mut().into_iter().flatten() {
                let labels = rule["labels"].as_object_mut().expect("labels");
                if labels.remove("deployment").is_some_and(|name| name == "api-gateway") {
                    labels.insert("service".to_owned(), json!("front"));
                }
            }
        }
    });
    cluster.kubernetes.edit_lists(|asked, items| {
        let items = items.as_array_mut().expect("items");
        let gateway = items.iter().find(|item| item["metadata"]["name"] == "api-gateway").cloned();
        let (Some(mut twin), "deployments" | "services") = (gateway, asked.plural.as_str()) else { return };
        let name = if asked.plural == "services" { "front" } else { "api-gateway-canary" };
        twin["metadata"]["name"] = json!(name);
        twin["metadata"]["uid"] = json!(OTHER_UID);
        items.push(twin);
    });
}

#[test]
fn two_deployments_behind_one_service_are_no_answer_until_the_config_gives_one() {
    let cluster = Cluster::burning();
    two_behind_one_service(&cluster);
    let ran = cluster.run(&["propose"]);
    assert_eq!(ran.code, Some(11), "{}", ran.out);
    says(
        &ran,
        &[
            "shop/api-gateway or shop/api-gateway-canary",
            "hint: [[slo]] id = \"api-gateway-requests-availability\"",
        ],
    );
    assert!(!ran.out.contains("ROLL BACK"), "{}", ran.out);
    let ran = cluster.run(&["propose", "-o", "json"]);
    assert_eq!((ran.out.as_str(), ran.code), ("[]\n", Some(11)));
    says(&ran, &["[[slo]]"]);
    cluster.configure(
        "[[slo]]\nid = \"api-gateway-requests-availability\"\nworkload = \"shop/Deployment/api-gateway\"\n",
    );
    let ran = cluster.run(&["propose"]);
    assert_eq!(ran.code, Some(10), "{}", ran.out);
    says(&ran, &["ROLL BACK shop/api-gateway", "(by the config)"]);
    cluster.configure(
        "[[slo]]\nid = \"api-gateway-requests-availability\"\nworkload = \"shop/Deployment/gone\"\n",
    );
    let ran = cluster.run(&["propose"]);
    assert_eq!(ran.code, Some(11));
    says(&ran, &["Deployment shop/gone, which does not exist"]);
}

/// Adds an SLO that is like the gateway's and is called otherwise.
fn second_slo(asked: &Asked, body: &mut Value) {
    const ID: &str = "api-gateway-requests-availability";
    let other = |value: &Value| -> Value {
        serde_json::from_str(&value.to_string().replace("requests-availability", "checkout-availability"))
            .expect("JSON")
    };
    if let Some(result) = body["data"]["result"].as_array_mut()
        && !asked.query().contains("http_requests_total")
    {
        let more: Vec<Value> =
            result.iter().filter(|one| one["metric"]["sloth_id"] == ID).map(other).collect();
        result.extend(more);
    }
    if let Some(groups) = body["data"]["groups"].as_array_mut() {
        let more: Vec<Value> =
            groups.iter().filter(|group| group["rules"].to_string().contains(ID)).map(other).collect();
        groups.extend(more);
    }
}

#[test]
fn two_slos_of_one_workload_are_one_incident() {
    let cluster = Cluster::burning();
    cluster.prometheus.edit(second_slo);
    let proposal = cluster.run(&["propose", "-o", "json"]).one();
    let mut slos: Vec<&str> =
        proposal["slos"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    slos.sort_unstable();
    assert_eq!(slos, ["api-gateway-checkout-availability", "api-gateway-requests-availability"]);
    assert_eq!(proposal["offer"], "rollback");
    // The one is not a sibling of the other.
    assert_eq!(proposal["gates"]["only_us"], "pass");
    let screen = cluster.screen(160, 45, &[]);
    let text = screen.wait("1 gate open");
    assert!(text.contains("6 rows, 5 SLOs"), "{text}");
}

#[test]
fn an_annotation_of_a_mebibyte_is_kept_to_the_letter_and_troubles_nobody() {
    let huge = format!("{}\u{1b}[2J", "x".repeat(1 << 20));
    let cluster = annotated("example.com/note", &huge);
    let ran = cluster.run(&["propose"]);
    assert_eq!(gate(&ran, "SAFE NOW").0, "pass", "the server took the dry run: {}", ran.out);
    assert!(ran.out.len() < 20_000, "{} bytes of text", ran.out.len());
    let proposal = cluster.run(&["propose", "-o", "json"]).one();
    let operations = proposal["calls"][0]["body"].as_array().expect("a patch");
    let kept = |operation: &&Value| operation["value"]["example.com/note"] == huge.as_str();
    // As kubectl does it, an undo brings the annotations of the ReplicaSet: it is tested, and not put back.
    assert_eq!(operations.iter().filter(kept).count(), 1);
    let mut screen = cluster.screen(140, 45, &[]);
    arm(&mut screen);
    screen.press("d");
    screen.wait("gateway-config-v2");
}

#[test]
fn names_of_two_hundred_characters_and_wide_ones_are_cut_and_not_the_screen() {
    let long = format!("api-{}-gateway", "very-".repeat(38));
    let scenario = scenario_of("8m", |text| {
        *text = text.replace("\"api-gateway\"", &format!("\"{long}\""));
        *text = text.replace("gateway: new route map", "決済ルートの新しい地図と経路の設定を差し替えた 🚀");
    });
    let cluster = Cluster::of(&scenario);
    let ran = cluster.run(&["propose"]);
    assert_eq!(ran.code, Some(10), "{}{}", ran.out, ran.err);
    says(&ran, &[&format!("ROLL BACK shop/{long}")]);
    let mut screen = cluster.screen(160, 45, &[]);
    screen.wait("1 gate open");
    let text = screen.wait("“決");
    assert!(text.contains("↑↓ select"), "the last line is where it was:\n{text}");
    let text = arm(&mut screen);
    assert!(text.contains("volume config gateway-config-v2"), "{text}");
    screen.resize(80, 24);
    screen.wait_for("80 columns", |text| {
        text.lines().all(|line| line.chars().count() <= 80) && text.contains("ROLL BACK")
    });
}

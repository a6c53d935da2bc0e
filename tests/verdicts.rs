//! Worlds and what is said of them: every verdict, every rule of the seven gates, and which target is chosen. The
//! worlds are told in objects, counts and times; the engine computes the rest.

#[path = "common/story.rs"]
mod story;

use std::collections::BTreeMap;

use chrono::TimeDelta;
use goaround::domain::clean::Clean;
use goaround::domain::cluster::{
    Autoscaler, Change, ClusterEvent, ClusterFact, DisruptionBudget, Key, KnownContent, Node, Pod, Uid,
};
use goaround::domain::diff;
use goaround::domain::plan::DryRun;
use goaround::domain::policy::Policy;
use goaround::domain::signal::{Health, Signal, Source};
use goaround::domain::verdict::{Gate, GateState, Method, Offer, Verdict};
use goaround::domain::window::Window;
use goaround::engine::analysis::Wish;
use goaround::engine::compare::{self, Side};
use goaround::engine::record::PastAction;
use goaround::engine::revisions::RevisionRow;
use goaround::engine::state::Setup;
use story::{Split, Story, Workload, at, config_map, key, known, nobody, pods, seen, service, template};

use GateState::{Fail, Pass, Unknown};

/// A world in which `api` burns; something is changed before it begins.
fn api(change: impl FnOnce(&mut Workload)) -> Story {
    let mut workload = Workload::burning("api");
    change(&mut workload);
    Story::told(vec![workload, Workload::new("web")], |_| {})
}

/// The same, and the world around it is changed.
fn around(change: impl FnOnce(&mut Story)) -> Story {
    Story::told(vec![Workload::burning("api"), Workload::new("web")], change)
}

fn verdict(story: &Story) -> Verdict {
    story.analysis("api").verdict()
}

fn offer(story: &Story) -> Offer {
    story.analysis("api").offer
}

fn target(story: &Story) -> Option<&str> {
    story.analysis("api").target.as_ref().map(|t| t.0.as_str())
}

fn reason(story: &Story) -> &str {
    story.analysis("api").reason.as_str()
}

/// The last rollout was at this time instead of 11:57.
fn rolled_out_at(workload: &mut Workload, clock: &str) {
    workload.sets[2]["metadata"]["creationTimestamp"] = at(clock).to_rfc3339().into();
    workload.served[1].2 = Some(at(clock));
    workload.served[2].1 = at(clock);
}

/// Nothing was rolled out for 20 hours: 4.11 serves.
fn no_rollout(workload: &mut Workload) {
    workload.forget_revision();
    workload.history.pop();
}

// Verdicts.

#[test]
fn a_new_template_whose_pods_fail_is_a_bad_deploy_by_pod() {
    let story = api(|_| {});
    assert_eq!(verdict(&story), Verdict::BadDeploy);
    assert_eq!(story.analysis("api").attribution.method, Method::ByPod);
    assert_eq!(offer(&story), Offer::Rollback);
    for gate in Gate::ALL {
        assert_eq!(story.gate(gate), Pass, "{}: {}", gate.name(), story.gate_line(gate));
    }
    assert!(!story.gate_line(Gate::Ours).contains("by time"));
}

#[test]
fn without_labels_of_pods_it_is_a_bad_deploy_by_time() {
    let story = api(|w| w.split = Split::NoPods);
    assert_eq!(verdict(&story), Verdict::BadDeploy, "{}", reason(&story));
    assert_eq!(story.analysis("api").attribution.method, Method::ByTime);
    assert!(story.gate_line(Gate::Ours).contains("by time"), "{}", story.gate_line(Gate::Ours));
}

#[test]
fn bad_requests_of_no_pod_are_counted_and_above_5_percent_the_pods_are_not_believed() {
    // 1,000 bad requests in all; so many of them are a proxy's own.
    for (unclaimed, method) in
        [(0.0, Method::ByPod), (49.0, Method::ByPod), (51.0, Method::ByTime), (900.0, Method::ByTime)]
    {
        let story = api(|w| {
            w.split = Split::Given(vec![
                pods("api", "ccc3", 1_000.0 - unclaimed, 5_000.0),
                pods("api", "bbb2", 0.0, 2_400.0),
                nobody(unclaimed, unclaimed),
            ]);
        });
        let found = &story.analysis("api").attribution;
        assert_eq!(found.method, method, "{unclaimed} of 1,000 belong to no pod");
        assert_eq!(found.unattributed.bad, unclaimed, "they are a row of their own, never dropped");
        assert_eq!(verdict(&story), Verdict::BadDeploy);
        let told = story.analysis("api").evidence.items().iter().any(|e| e.fact.as_str().contains("no pod"));
        assert_eq!(told, unclaimed > 0.0);
    }
}

#[test]
fn any_change_of_the_template_counts_not_only_the_image() {
    let mut changed = template("api", "4.11", "50");
    changed["spec"]["containers"][0]["resources"] = serde_json::json!({"limits": {"memory": "16Mi"}});
    let story = api(|w| {
        w.sets.pop();
        w.revision(3, "ccc3", changed, "2026-11-20T11:57:00Z");
    });
    assert_eq!((verdict(&story), offer(&story)), (Verdict::BadDeploy, Offer::Rollback));
}

#[test]
fn edited_content_and_a_restart_are_a_config_change_that_an_undo_would_not_cure() {
    let story = Story::config_edited(true);
    assert_eq!((verdict(&story), offer(&story)), (Verdict::ConfigChange, Offer::RestoreConfig));
    assert_eq!(target(&story), Some("rs-api-ccc3"), "the current revision, restarted");
    let plan = story.analysis("api").plan.as_ref().expect("a plan");
    assert_eq!(plan.configs.len(), 1);
    assert_eq!(plan.calls.len(), 2);
    let changes: Vec<_> = plan.changes.iter().map(diff::shown).collect();
    assert_eq!(
        changes,
        [
            "ConfigMap api-config key app.conf timeout=1s → timeout=5s",
            "restarted 2026-11-20T11:57:00Z → 2026-11-20T12:00:00Z"
        ]
    );
    assert!(reason(&story).contains("an undo would change nothing"), "{}", reason(&story));
    assert_eq!(story.gate(Gate::TargetGood), Pass, "{}", story.gate_line(Gate::TargetGood));
}

#[test]
fn a_restart_leaves_the_other_annotations_of_the_pods_as_they_are() {
    let mut api = Workload::restarted();
    for set in &mut api.sets {
        set["spec"]["template"]["metadata"]["annotations"]["team"] = "shop".into();
    }
    api.deployment["spec"]["template"]["metadata"]["annotations"]["team"] = "shop".into();
    let known = vec![known("timeout=5s")];
    let story = Story::told(vec![api, Workload::new("web")], |s| s.edited("11:56:00", known));
    assert_eq!(offer(&story), Offer::RestoreConfig, "{}", reason(&story));
    let calls = &story.analysis("api").plan.as_ref().expect("a plan").calls;
    let body = calls[1].body.as_array().expect("operations");
    let template = body.iter().find(|o| o["op"] == "replace" && o["path"] == "/spec/template").expect("it");
    let annotations = template["value"]["metadata"]["annotations"].as_object().expect("annotations");
    assert_eq!(annotations["team"], "shop");
    assert_eq!(annotations["kubectl.kubernetes.io/restartedAt"], "2026-11-20T12:00:00Z");
    assert_eq!(annotations.len(), 2);
}

#[test]
fn a_config_change_whose_earlier_content_is_not_known_is_told_and_nothing_is_offered() {
    let story = Story::config_edited(false);
    assert_eq!((verdict(&story), offer(&story)), (Verdict::ConfigChange, Offer::None));
    assert!(story.analysis("api").plan.is_none());
    assert!(
        reason(&story).contains("is not known") && reason(&story).contains("api-config"),
        "{}",
        reason(&story)
    );
}

/// The content that the plan puts back into api-config.
fn restored(story: &Story) -> Option<String> {
    let plan = story.analysis("api").plan.as_ref()?;
    let call = plan.calls.iter().find(|c| c.path.contains("/configmaps/"))?;
    let writes = call.body.as_array()?.iter().find(|o| o["op"] == "replace" && o["path"] == "/data")?;
    Some(writes["value"]["app.conf"].as_str()?.to_owned())
}

#[test]
fn the_content_that_served_comes_back_never_a_slip_of_the_editor_between() {
    // A slip at 11:56:00, corrected at 11:56:20, restarted at 11:57:00: no pod started with the slip.
    let story = Story::edited_and_restarted(
        "11:56:20",
        vec![seen("timeout=5s", "08:00:00", "11:55:59"), seen("timeout=", "11:56:00", "11:56:20")],
    );
    assert_eq!((verdict(&story), offer(&story)), (Verdict::ConfigChange, Offer::RestoreConfig));
    assert_eq!(restored(&story).as_deref(), Some("timeout=5s"));
    assert_eq!(story.gate(Gate::TargetGood), Pass, "{}", story.gate_line(Gate::TargetGood));
    // The slip alone was seen, for twenty seconds: that it served is not known.
    let story = Story::edited_and_restarted("11:56:20", vec![seen("timeout=", "11:56:00", "11:56:20")]);
    assert_eq!(story.gate(Gate::TargetGood), Unknown, "{}", story.gate_line(Gate::TargetGood));
}

#[test]
fn content_that_was_seen_first_in_the_second_of_its_edit_is_known_all_the_same() {
    // managedFields tell whole seconds, and the host's clock is another one.
    let story = Story::edited_and_restarted("11:56:20", vec![seen("timeout=5s", "11:56:20", "11:56:20")]);
    assert_eq!((verdict(&story), offer(&story)), (Verdict::ConfigChange, Offer::RestoreConfig));
    assert_eq!(restored(&story).as_deref(), Some("timeout=5s"));
    assert_eq!(story.gate(Gate::TargetGood), Unknown, "{}", story.gate_line(Gate::TargetGood));
}

/// The template of `api` 4.11, restarted at this time.
fn restarted_at(clock: &str) -> serde_json::Value {
    let mut restarted = template("api", "4.11", "50");
    restarted["metadata"]["annotations"] =
        serde_json::json!({"kubectl.kubernetes.io/restartedAt": at(clock).to_rfc3339()});
    restarted
}

#[test]
fn a_second_edit_and_restart_does_not_hide_the_first_that_began_it() {
    let mut api = Workload::burning("api");
    api.sets.pop();
    api.revision(3, "ccc3", restarted_at("11:52:00"), "2026-11-20T11:52:00Z");
    api.revision(4, "ddd4", restarted_at("11:57:00"), "2026-11-20T11:57:00Z");
    api.burn(at("11:52:30"), 0.2);
    api.split = Split::NoPods;
    let story = Story::told(vec![api, Workload::new("web")], |s| {
        let edited = config_map("api-config", "timeout=2s", Some("2026-11-20T11:56:00Z"));
        s.configs.insert("api-config".into(), edited);
        let contents =
            vec![seen("timeout=5s", "08:00:00", "11:51:00"), seen("timeout=1s", "11:51:10", "11:56:00")];
        s.known.insert("api-config".into(), contents);
    });
    assert_eq!(
        (verdict(&story), offer(&story)),
        (Verdict::ConfigChange, Offer::RestoreConfig),
        "{}",
        reason(&story)
    );
    assert_eq!(restored(&story).as_deref(), Some("timeout=5s"), "what served before the errors");
}

#[test]
fn content_that_was_seen_long_before_the_edit_may_not_have_served_last() {
    for (last, expected) in [("11:55:59", Pass), ("11:48:00", Pass), ("09:00:00", Unknown)] {
        let story = Story::edited_and_restarted("11:56:00", vec![seen("timeout=5s", "08:00:00", last)]);
        assert_eq!(restored(&story).as_deref(), Some("timeout=5s"));
        let line = story.gate_line(Gate::TargetGood);
        assert_eq!(story.gate(Gate::TargetGood), expected, "seen last at {last}: {line}");
    }
}

#[test]
fn content_that_is_watched_until_it_is_edited_was_there_until_then() {
    let mut story = Story::told(vec![Workload::new("api"), Workload::new("web")], |s| {
        s.known.insert("api-config".into(), vec![seen("timeout=5s", "08:00:00", "08:00:00")]);
    });
    let edited = config_map("api-config", "timeout=1s", Some("2026-11-20T12:00:20Z"));
    story.configs.insert("api-config".into(), edited);
    story.configs.get_mut("api-config").expect("it")["metadata"]["resourceVersion"] = "71".into();
    story.pass(5);
    story.config_maps();
    story.pass(2);
    let known = &story.state.world.known[&key("api-config")];
    let created = "2026-10-01T08:00:00Z".parse().expect("a time");
    assert_eq!(known[0].seen, Some((created, at("12:00:20"))));
    let kept = story.trace.iter().flat_map(|(_, effects)| effects).filter_map(|e| match e {
        goaround::engine::Effect::KeepContent(of, _, version) if of.name == "api-config" => {
            Some(version.data.value()["app.conf"].to_string())
        }
        _ => None,
    });
    assert_eq!(
        kept.collect::<Vec<_>>(),
        ["\"timeout=5s\"", "\"timeout=5s\"", "\"timeout=1s\""],
        "as read; as it was until the edit; as it is"
    );
}

/// The templates read Secret keys as environment.
fn reads_secret(workload: &mut Workload) {
    let templates = workload.sets.iter_mut().map(|s| &mut s["spec"]["template"]);
    for template in templates.chain([&mut workload.deployment["spec"]["template"]]) {
        template["spec"]["containers"][0]["envFrom"] = serde_json::json!([{"secretRef": {"name": "keys"}}]);
    }
}

#[test]
fn a_rotated_secret_and_a_restart_are_a_config_change_of_which_nothing_can_be_offered() {
    let mut story = api(|w| *w = edited_with_secret());
    story.secret("keys", "11:56:30");
    story.pass(2);
    assert_eq!((verdict(&story), offer(&story)), (Verdict::ConfigChange, Offer::None));
    let said = reason(&story);
    assert!(said.contains("Secret keys changed 11:56 by kubectl-edit (client)"), "{said}");
    assert!(said.contains("never read") && !said.contains("ConfigMap"), "{said}");
    // A pull secret is the kubelet's: no container sees it.
    let mut story = api(|w| {
        *w = edited_with_secret();
        let templates = w.sets.iter_mut().map(|s| &mut s["spec"]["template"]);
        for template in templates.chain([&mut w.deployment["spec"]["template"]]) {
            template["spec"]["containers"][0]["envFrom"] = serde_json::json!([]);
            template["spec"]["imagePullSecrets"] = serde_json::json!([{"name": "keys"}]);
        }
    });
    story.secret("keys", "11:56:30");
    story.pass(2);
    assert_eq!((verdict(&story), offer(&story)), (Verdict::Unknown, Offer::Wait), "{}", reason(&story));
}

#[test]
fn a_secret_that_changed_with_the_config_map_is_not_restored_and_said_so() {
    // The pods before the change have served since yesterday.
    for edited in ["08:00:00", "11:56:55"] {
        let mut story = Story::told(vec![edited_with_secret(), Workload::new("web")], |s| {
            let edited = config_map("api-config", "timeout=1s", Some("2026-11-20T11:56:00Z"));
            s.configs.insert("api-config".into(), edited);
            s.known.insert("api-config".into(), vec![known("timeout=5s")]);
        });
        story.secret("keys", edited);
        story.pass(2);
        assert_eq!((verdict(&story), offer(&story)), (Verdict::ConfigChange, Offer::RestoreConfig));
        let lines = story.proposal().effect_lines();
        let words = format!("Secret keys (changed {}", &edited[..5]);
        assert!(lines.iter().any(|l| l.text.as_str().contains(&words)), "{lines:?}");
        assert_eq!(story.gate(Gate::Reversible), Fail, "{}", story.gate_line(Gate::Reversible));
    }
}

fn edited_with_secret() -> Workload {
    let mut api = Workload::burning("api");
    api.sets.pop();
    api.revision(3, "ccc3", restarted_at("11:57:00"), "2026-11-20T11:57:00Z");
    reads_secret(&mut api);
    api
}

#[test]
fn last_applied_is_an_earlier_content_where_it_differs_from_the_live_one() {
    for (applied, expected) in [("timeout=5s", Offer::RestoreConfig), ("timeout=1s", Offer::None)] {
        let mut story = Story::config_edited(false);
        let last = serde_json::json!({"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "api-config", "namespace": "shop"}, "data": {"app.conf": applied}});
        let map = story.configs.get_mut("api-config").expect("it");
        map["metadata"]["resourceVersion"] = "73".into();
        map["metadata"]["annotations"] =
            serde_json::json!({"kubectl.kubernetes.io/last-applied-configuration": last.to_string()});
        story.config_maps();
        story.pass(2);
        assert_eq!(offer(&story), expected, "last applied {applied}");
        assert_eq!(reason(&story).contains("from last-applied-configuration"), expected.acts());
    }
}

#[test]
fn content_edited_in_place_without_a_restart_is_a_config_change_too() {
    let mut workload = Workload::burning("api");
    no_rollout(&mut workload);
    let story = Story::told(vec![workload, Workload::new("web")], |s| {
        let edited = config_map("api-config", "timeout=1s", Some("2026-11-20T11:57:30Z"));
        s.configs.insert("api-config".into(), edited);
        s.known.insert("api-config".into(), vec![known("timeout=5s")]);
    });
    assert_eq!((verdict(&story), offer(&story)), (Verdict::ConfigChange, Offer::RestoreConfig));
    assert_eq!(story.analysis("api").attribution.method, Method::ByTime);
}

#[test]
fn a_restart_alone_changed_nothing_that_could_be_undone() {
    let story = api(|w| {
        w.sets.pop();
        w.revision(3, "ccc3", restarted_at("11:57:00"), "2026-11-20T11:57:00Z");
    });
    assert_eq!((verdict(&story), offer(&story)), (Verdict::Unknown, Offer::Wait));
    assert!(reason(&story).contains("only a restart"), "{}", reason(&story));
    assert!(story.analysis("api").plan.is_none());
}

/// `api` calls `web`, which burns too since `since`; the new and the old pods of `api` fail alike.
fn callee_burns(since: &str, edge: impl FnOnce(&mut Story)) -> Story {
    let mut api = Workload::burning("api");
    no_rollout(&mut api);
    let mut web = Workload::burning("web");
    no_rollout(&mut web);
    web.burn(at(since), 0.3);
    Story::told(vec![api, web], edge)
}

fn depends_on(story: &mut Story) {
    story.state.setup.depends_on = BTreeMap::from([(key("api"), vec![key("web")])]);
}

/// The template of `api` names the Service of `web`.
fn names_web(story: &mut Story) {
    let api = story.workload_mut("api");
    let env = serde_json::json!({"name": "BACKEND", "value": "http://web.shop.svc:80/api"});
    let set = api.sets.last_mut().expect("a revision");
    for template in [&mut set["spec"]["template"], &mut api.deployment["spec"]["template"]] {
        template["spec"]["containers"][0]["env"].as_array_mut().expect("env").push(env.clone());
    }
}

#[test]
fn a_callee_that_burns_no_later_is_the_dependency_whether_the_edge_is_configured_or_named() {
    type Edge = fn(&mut Story);
    let edges: [(&str, Edge); 3] = [
        ("depends_on in the config", depends_on),
        ("a Service name in the environment", names_web),
        ("a Service name in a ConfigMap", |s| {
            let text = "backend = http://web.shop/";
            s.configs.insert("api-config".into(), config_map("api-config", text, None));
        }),
    ];
    for (how, edge) in edges {
        let story = callee_burns("11:57:00", edge);
        assert_eq!(
            (verdict(&story), offer(&story)),
            (Verdict::Dependency, Offer::Wait),
            "{how}: {}",
            reason(&story)
        );
        assert_eq!(story.gate(Gate::OnlyUs), Fail, "{how}");
        assert!(reason(&story).contains("web burns as well"), "{how}: {}", reason(&story));
        assert!(story.analysis("api").plan.is_none(), "{how}: a rollback would be no cure");
    }
    // Without an edge it is a sibling: the gate fails, and nobody is blamed.
    let story = callee_burns("11:57:00", |_| {});
    assert_eq!(verdict(&story), Verdict::Unknown);
    assert_eq!(story.gate(Gate::OnlyUs), Fail);
}

#[test]
fn a_callee_that_began_to_burn_much_later_is_not_the_dependency() {
    let story = callee_burns("11:58:00", depends_on);
    assert_eq!(verdict(&story), Verdict::Dependency);
    let mut api = Workload::burning("api");
    no_rollout(&mut api);
    api.burn(at("11:40:00"), 0.2);
    let mut web = Workload::burning("web");
    no_rollout(&mut web);
    web.burn(at("11:57:00"), 0.3);
    let story = Story::told(vec![api, web], depends_on);
    assert_ne!(verdict(&story), Verdict::Dependency, "it began 17 min after ours");
}

#[test]
fn a_callee_that_burns_before_its_alert_fires_is_the_dependency_by_its_counts() {
    for (since, expected) in [("11:49:00", Verdict::Dependency), ("11:57:00", Verdict::Unknown)] {
        let mut api = Workload::burning("api");
        no_rollout(&mut api);
        api.burn(at("11:50:00"), 0.2);
        let mut web = Workload::burning("web");
        no_rollout(&mut web);
        web.burn(at(since), 0.5);
        (web.burning, web.active_at) = (false, None);
        let mut story = Story::told(vec![api, web], depends_on);
        story.pass(40);
        assert_eq!(verdict(&story), expected, "since {since}: {}", reason(&story));
    }
}

#[test]
fn a_burning_callee_outweighs_a_difference_that_is_only_likely() {
    // 10 of 1,000 new against 0 of 1,000 old requests: likely. 200 of 1,000: strong.
    for (bad, expected) in [(8.0, Verdict::Dependency), (400.0, Verdict::BadDeploy)] {
        let mut api = Workload::burning("api");
        api.split = Split::Given(vec![pods("api", "ccc3", bad, 1_000.0), pods("api", "bbb2", 0.0, 1_000.0)]);
        let mut web = Workload::burning("web");
        no_rollout(&mut web);
        web.burn(at("11:57:00"), 0.3);
        let story = Story::told(vec![api, web], depends_on);
        assert_eq!(
            verdict(&story),
            expected,
            "{bad} of 1,000: {:?}",
            story.analysis("api").attribution.difference
        );
        assert_eq!(story.gate(Gate::OnlyUs), Fail, "and the gate says so either way");
    }
}

#[test]
fn a_burning_caller_is_a_consequence_and_no_argument_against_us() {
    let story = Story::told(vec![Workload::burning("api"), Workload::burning("web")], |s| {
        s.state.setup.depends_on = BTreeMap::from([(key("web"), vec![key("api")])]);
        no_rollout(s.workload_mut("web"));
    });
    assert_eq!(verdict(&story), Verdict::BadDeploy);
    assert_eq!(story.gate(Gate::OnlyUs), Pass, "{}", story.gate_line(Gate::OnlyUs));
    assert!(story.gate_line(Gate::OnlyUs).contains("web burns as a consequence"));
}

#[test]
fn a_sibling_counts_only_when_it_pages_and_began_within_five_minutes_of_ours() {
    for (since, expected) in [("11:57:00", Fail), ("11:55:00", Fail), ("11:40:00", Pass)] {
        let mut web = Workload::new("web");
        no_rollout(&mut web);
        web.burn(at(since), 0.3);
        let story = Story::told(vec![Workload::burning("api"), web], |_| {});
        assert_eq!(story.gate(Gate::OnlyUs), expected, "since {since}: {}", story.gate_line(Gate::OnlyUs));
    }
}

#[test]
fn more_traffic_and_no_rollout_is_traffic() {
    for (rate, expected) in [(140.0, Verdict::Traffic), (50.0, Verdict::Unknown)] {
        let story = api(|w| {
            no_rollout(w);
            w.rate = vec![(at("00:00:00"), 40.0), (at("11:58:00"), rate)];
        });
        assert_eq!(verdict(&story), expected, "{rate}/s: {}", reason(&story));
        assert_eq!(offer(&story), Offer::Wait);
        assert_eq!(story.gate(Gate::OnlyUs), if rate > 60.0 { Fail } else { Pass });
    }
}

#[test]
fn trouble_of_our_nodes_is_infrastructure_and_that_of_others_is_not() {
    type Trouble = fn(&mut Story);
    fn list(story: &mut Story, name: &str, ready: bool, since: &str) {
        let node = Node { name: Clean::new(name), ready, since: Some(at(since)), ..Node::default() };
        story.fact(ClusterFact::Nodes(Change::Listed(vec![node])));
    }
    let cases: [(&str, Trouble, bool); 6] = [
        ("our node is not ready", |s| list(s, "node-1", false, "11:57:30"), true),
        ("another node is not ready", |s| list(s, "node-9", false, "11:57:30"), false),
        ("our node is well", |s| list(s, "node-1", true, "11:00:00"), false),
        ("it was not ready long before", |s| list(s, "node-1", false, "10:00:00"), false),
        (
            "an event about our node",
            |s| {
                s.fact(ClusterFact::Events(Change::Listed(vec![ClusterEvent {
                    key: Key::new("default", "e1"),
                    about_kind: Clean::new("Node"),
                    about_name: Clean::new("node-1"),
                    warning: true,
                    reason: Clean::new("NodeHasDiskPressure"),
                    last: Some(at("11:57:50")),
                    ..ClusterEvent::default()
                }])));
            },
            true,
        ),
        (
            "our pod was evicted",
            |s| {
                s.fact(ClusterFact::Pods(Change::Applied(Pod {
                    key: key("api-bbb2-9"),
                    uid: Uid("pod-evicted".into()),
                    replica_set: Some(Uid("rs-api-bbb2".into())),
                    phase: Clean::new("Failed"),
                    reason: Some(Clean::new("Evicted")),
                    created: Some(at("11:57:40")),
                    ..Pod::default()
                })));
            },
            true,
        ),
    ];
    for (what, trouble, ours) in cases {
        let mut story = api(no_rollout);
        trouble(&mut story);
        story.pass(2);
        let expected = if ours { Verdict::Infrastructure } else { Verdict::Unknown };
        assert_eq!(verdict(&story), expected, "{what}: {}", reason(&story));
        assert_eq!(story.gate(Gate::OnlyUs), if ours { Fail } else { Pass }, "{what}");
    }
}

// Figures that are not refreshed any more.

/// Gates that rest on figures.
const MEASURED: [Gate; 4] = [Gate::Real, Gate::Ours, Gate::OnlyUs, Gate::TargetGood];

/// Every gate that rests on figures has this state and tells of when they are; all others pass.
fn aged(story: &Story, aged: bool, state: GateState) {
    for gate in Gate::ALL {
        let (found, line) = (story.gate(gate), story.gate_line(gate));
        let measured = MEASURED.contains(&gate);
        assert_eq!(found, if measured { state } else { Pass }, "{gate:?}: {line}");
        assert_eq!(line.starts_with("figures as of 12:00:"), aged && measured, "{gate:?}: {line}");
    }
}

/// A second passes in which the cluster is heard, and Prometheus is not.
fn silent_second(story: &mut Story) {
    story.now += TimeDelta::seconds(1);
    story.mono += std::time::Duration::from_secs(1);
    story.signal(Signal::Heard(Source::Kubernetes));
}

#[test]
fn figures_of_a_server_that_is_away_hold_nothing_and_say_of_when_they_are() {
    let away = [Health::Down(Clean::new("refused")), Health::Forbidden(Clean::new("403"))];
    for health in away {
        let mut story = around(|_| {});
        aged(&story, false, Pass);
        story.signal(Signal::Health(Source::Prometheus, health));
        story.pass(3);
        aged(&story, true, Unknown);
        story.signal(Signal::Health(Source::Prometheus, Health::Live));
        story.slos();
        story.pass(3);
        aged(&story, false, Pass);
    }
}

#[test]
fn figures_hold_for_three_minutes_and_no_longer() {
    let mut story = around(|_| {});
    let heard = story.now;
    while story.now - heard < TimeDelta::seconds(180) {
        silent_second(&mut story);
    }
    aged(&story, false, Pass);
    for _ in 0..20 {
        silent_second(&mut story);
    }
    aged(&story, true, Unknown);
}

#[test]
fn what_speaks_against_it_stands_with_its_age() {
    // No rollout: the errors are not ours.
    let mut story = api(no_rollout);
    let before = (story.gate(Gate::Ours), story.gate_line(Gate::Ours));
    assert_eq!(before.0, Fail, "{}", before.1);
    story.signal(Signal::Health(Source::Prometheus, Health::Down(Clean::new("refused"))));
    story.pass(3);
    assert_eq!(story.gate(Gate::Ours), Fail);
    assert!(story.gate_line(Gate::Ours).ends_with(&before.1), "{}", story.gate_line(Gate::Ours));
    assert!(story.gate_line(Gate::Ours).starts_with("figures as of "), "{}", story.gate_line(Gate::Ours));
}

#[test]
fn nodes_that_may_not_be_listed_are_named_and_make_nothing_unknown() {
    let mut story = around(|_| {});
    let why = "may not list nodes";
    story.signal(Signal::Health(Source::Kind("nodes"), Health::Forbidden(Clean::new(why))));
    story.pass(2);
    assert_eq!(story.gate(Gate::OnlyUs), Pass);
    assert!(
        story.gate_line(Gate::OnlyUs).contains("nodes not readable"),
        "{}",
        story.gate_line(Gate::OnlyUs)
    );
}

#[test]
fn where_nodes_may_not_be_listed_settled_pods_that_are_unready_on_one_node_tell_of_it() {
    // Which of the three pods are ready, each on its own node; and whether their revision is as young as the errors.
    for (ready, young, expected) in [
        ([false, true, true], false, Verdict::Infrastructure),
        ([true, true, true], false, Verdict::Unknown),
        ([false, false, true], false, Verdict::Unknown),
        ([false, false, false], false, Verdict::Unknown),
        ([false, true, true], true, Verdict::BadDeploy),
    ] {
        let mut story = api(|w| {
            if !young {
                no_rollout(w);
            }
        });
        let forbidden = Health::Forbidden(Clean::new("may not list nodes"));
        story.signal(Signal::Health(Source::Kind("nodes"), forbidden));
        let hash = if young { "ccc3" } else { "bbb2" };
        for (n, ready) in ready.into_iter().enumerate() {
            story.fact(ClusterFact::Pods(Change::Applied(Pod {
                key: key(&format!("api-{hash}-{n}")),
                uid: Uid(format!("pod-api-{hash}-{n}").into()),
                replica_set: Some(Uid(format!("rs-api-{hash}").into())),
                node: Some(Clean::new(format!("node-{n}"))),
                phase: Clean::new("Running"),
                ready,
                created: Some(at("11:40:00")),
                ..Pod::default()
            })));
        }
        story.pass(2);
        assert_eq!(verdict(&story), expected, "{ready:?}, young {young}: {}", reason(&story));
        let trouble = expected == Verdict::Infrastructure;
        assert_eq!(story.gate(Gate::OnlyUs), if trouble { Fail } else { Pass }, "{ready:?}, young {young}");
    }
}

#[test]
fn errors_that_stopped_are_recovering_although_the_page_still_fires() {
    let story = api(|w| w.errors[0] = (at("11:55:00"), at("11:58:00"), 0.2));
    assert_eq!(verdict(&story), Verdict::Recovering, "{}", reason(&story));
    assert_eq!((offer(&story), story.gate(Gate::Real)), (Offer::Wait, Fail));
    assert!(story.gate_line(Gate::Real).contains("recovering"));
}

#[test]
fn errors_that_began_before_the_rollout_are_preexisting() {
    let story = api(|w| {
        rolled_out_at(w, "11:57:00");
        w.burn(at("11:40:00"), 0.2);
        w.split =
            Split::Given(vec![pods("api", "ccc3", 960.0, 4_800.0), pods("api", "bbb2", 480.0, 2_400.0)]);
    });
    assert_eq!((verdict(&story), offer(&story)), (Verdict::Preexisting, Offer::Wait), "{}", reason(&story));
    assert_eq!(story.gate(Gate::Ours), Fail);
    assert!(story.gate_line(Gate::Ours).contains("before the rollout"));
}

#[test]
fn a_rollout_longer_ago_than_the_policy_allows_is_not_suspected() {
    for (clock, expected) in [("11:29:00", Verdict::BadDeploy), ("11:27:00", Verdict::Unknown)] {
        let story = api(|w| {
            rolled_out_at(w, clock);
            w.split = Split::NoPods;
        });
        assert_eq!(verdict(&story), expected, "rollout at {clock}, errors since 11:58");
        if expected == Verdict::Unknown {
            assert_eq!(story.gate(Gate::Ours), Fail);
            assert!(story.gate_line(Gate::Ours).contains("no rollout and no edit"));
        }
    }
}

#[test]
fn too_few_events_are_not_enough_data() {
    // 0.5 requests a second: 60 requests since the onset, 12 of them bad; then 5 of 30.
    for (rate, ratio) in [(0.5, 0.2), (0.25, 0.2)] {
        let story = api(|w| {
            w.rate = vec![(at("00:00:00"), rate)];
            w.errors[0].2 = ratio;
            w.split = Split::NoPods;
        });
        assert_eq!((verdict(&story), offer(&story)), (Verdict::NotEnoughData, Offer::Wait), "{rate}/s");
        assert!(story.analysis("api").plan.is_none());
    }
}

#[test]
fn real_needs_both_windows_and_ten_bad_events() {
    let story = api(|w| w.burns[2] = 2.0);
    assert_eq!(
        story.gate(Gate::Real),
        Pass,
        "another pair of windows is over: {}",
        story.gate_line(Gate::Real)
    );
    let story = api(|w| w.burns = [200.0, 2.0, 2.0, 2.0, 0.3]);
    assert_eq!(story.gate(Gate::Real), Unknown, "the alert fires, the windows do not agree");
    for (burns, words) in [
        ([f64::NAN, 2.0, 200.0, 2.0, 0.3], "5m no traffic and 1h 200×"),
        ([200.0, 2.0, f64::NAN, 2.0, 0.3], "5m 200× and 1h no traffic"),
    ] {
        let story = api(|w| w.burns = burns);
        let line = story.gate_line(Gate::Real);
        assert_eq!((story.gate(Gate::Real), line.contains("windows")), (Unknown, false), "{line}");
        assert!(line.contains(words), "{line}");
    }
    let story = around(|s| s.state.setup.policy.min_bad = 5_000);
    assert_eq!(story.gate(Gate::Real), Unknown, "{}", story.gate_line(Gate::Real));
}

#[test]
fn what_nothing_explains_is_unknown_and_a_rollback_is_not_offered() {
    let story = api(no_rollout);
    assert_eq!((verdict(&story), offer(&story)), (Verdict::Unknown, Offer::Wait));
    assert!(reason(&story).starts_with("unknown: no rollout"));
    assert_eq!(story.gate(Gate::Ours), Fail);
}

#[test]
fn new_pods_that_fail_like_the_old_ones_are_not_our_deploy() {
    let story = api(|w| {
        w.split = Split::Given(vec![
            pods("api", "ccc3", 40_000.0, 200_000.0),
            pods("api", "bbb2", 40_000.0, 200_000.0),
        ]);
    });
    assert_ne!(verdict(&story), Verdict::BadDeploy, "{}", reason(&story));
    assert_ne!(story.gate(Gate::Ours), Pass);
    assert_eq!(offer(&story), Offer::Wait);
}

/// 4.12 went out at 11:50 and fails since; 4.11 was brought back at 11:55, and since then so many of all requests fail.
fn brought_back(ratio: f64, past: Vec<PastAction>) -> Story {
    let mut workload = Workload::burning("api");
    rolled_out_at(&mut workload, "11:50:00");
    workload.served[2].2 = Some(at("11:55:00"));
    workload.serve("bbb2", "2026-11-20T11:55:00Z", None);
    workload.errors = vec![(at("11:50:30"), at("11:55:00"), 0.2), (at("11:55:00"), at("23:59:00"), ratio)];
    workload.split = Split::Given(vec![
        pods("api", "ccc3", 2_160.0, 12_000.0),
        pods("api", "bbb2", 12_000.0 * ratio, 14_400.0),
    ]);
    let notes = &mut workload.sets[1]["metadata"]["annotations"];
    notes["deployment.kubernetes.io/revision"] = "4".into();
    notes["deployment.kubernetes.io/revision-history"] = "2".into();
    workload.deployment["spec"]["template"] = template("api", "4.11", "50");
    workload.deployment["metadata"]["annotations"]["deployment.kubernetes.io/revision"] = "4".into();
    Story::told(vec![workload, Workload::new("web")], |s| {
        s.past = past.into();
        s.pods_since = at("11:55:02");
    })
}

#[test]
fn what_came_back_is_judged_apart_and_only_called_a_cure_where_it_is_one() {
    // It stopped, all but a remainder that the objective does not allow: the deploy was it.
    let story = brought_back(0.01, vec![]);
    assert_eq!((verdict(&story), offer(&story)), (Verdict::BadDeploy, Offer::Wait), "{}", reason(&story));
    let found = &story.analysis("api").attribution;
    assert_eq!(found.new.total, 12_000.0, "only 4.12 is new");
    assert_eq!((found.old.bad, found.old.total), (0.0, 120_000.0), "4.11 in the hour before");
    assert_eq!(found.method, Method::ByPod);
    assert!(reason(&story).contains("somebody went back to the earlier revision at 11:55"));
    assert!(reason(&story).contains("fewer errors go on"), "{}", reason(&story));
    // So few fail that the objective allows it.
    let story = brought_back(0.001_5, vec![]);
    assert!(
        reason(&story).contains("somebody went back to the earlier revision at 11:55"),
        "{}",
        reason(&story)
    );
    assert!(!reason(&story).contains("errors go on"), "{}", reason(&story));
    // It goes on as before: it was not the deploy, and going back was no cure.
    let story = brought_back(0.2, vec![]);
    assert_eq!((verdict(&story), offer(&story)), (Verdict::Unknown, Offer::Wait), "{}", reason(&story));
    assert!(reason(&story).contains("which was no cure"), "{}", reason(&story));
    assert_eq!(story.gate(Gate::Ours), Fail, "{}", story.gate_line(Gate::Ours));
}

#[test]
fn after_our_own_way_back_that_did_not_help_another_plan_is_offered() {
    let written = story::replica_set(&Workload::new("api").sets[1]).template.digest;
    for (outcome, expected) in [("not_helped", Offer::Rollback), ("inconclusive", Offer::Wait)] {
        let past = PastAction { written_template: written.clone(), ..acted("api", 5, outcome, None) };
        let story = brought_back(0.2, vec![past]);
        assert_eq!((verdict(&story), offer(&story)), (Verdict::BadDeploy, expected), "{}", reason(&story));
        assert!(!reason(&story).contains("somebody"), "{}", reason(&story));
        if expected == Offer::Rollback {
            assert_eq!(target(&story), Some("rs-api-aaa1"), "{}", reason(&story));
        }
    }
}

#[test]
fn pods_of_a_proxy_say_nothing_of_revisions_so_they_are_counted_by_time() {
    let proxy = |bad, total| pods("ingress", "f00d", bad, total);
    let story = api(|w| {
        w.split = Split::Given(vec![proxy(960.0, 4_800.0)]);
        w.history = vec![proxy(960.0, 2_000_000.0)];
    });
    assert_eq!((verdict(&story), offer(&story)), (Verdict::BadDeploy, Offer::Rollback), "{}", reason(&story));
    assert_eq!(story.analysis("api").attribution.method, Method::ByTime);
    let line = story.gate_line(Gate::TargetGood);
    assert_eq!(story.gate(Gate::TargetGood), Pass, "{line}");
}

#[test]
fn errors_that_began_in_the_bucket_before_the_rollout_are_not_its_doing() {
    // A bucket is a minute: 20 s of errors are a third of one.
    let story = api(|w| {
        w.burn(at("11:56:40"), 0.2);
        w.split = Split::NoPods;
    });
    assert_eq!((verdict(&story), offer(&story)), (Verdict::Preexisting, Offer::Wait), "{}", reason(&story));
    // Seconds before it the buckets cannot tell; the last requests of the old pods can.
    for (bad, expected) in [(8.0, Offer::Wait), (0.0, Offer::Rollback)] {
        let story = api(|w| {
            w.burn(at("11:56:55"), 0.2);
            w.split = Split::Given(vec![pods("api", "ccc3", 960.0, 4_800.0), pods("api", "bbb2", bad, 40.0)]);
        });
        assert_eq!(offer(&story), expected, "{bad} of 40: {}", reason(&story));
        assert_eq!(verdict(&story) == Verdict::BadDeploy, expected == Offer::Rollback, "{}", reason(&story));
    }
}

#[test]
fn an_objective_of_100_percent_has_no_budget_and_an_unknown_one_passes_no_gate() {
    for (objective, served_bad, target_good) in
        [(Some(1.0), 12.0, Unknown), (Some(1.0), 0.0, Pass), (Some(0.999), 12.0, Pass)]
    {
        let story = api(|w| {
            w.objective = objective;
            w.sets.remove(0);
            w.served.remove(0);
            w.history.remove(0);
            w.history[0].bad = served_bad;
        });
        assert_eq!((verdict(&story), offer(&story)), (Verdict::BadDeploy, Offer::Rollback), "{objective:?}");
        let line = story.gate_line(Gate::TargetGood);
        assert_eq!(story.gate(Gate::TargetGood), target_good, "{objective:?}, {served_bad} failed: {line}");
    }
    let mut story = api(|w| w.objective = None);
    assert_eq!((verdict(&story), offer(&story)), (Verdict::Unknown, Offer::Wait), "{}", reason(&story));
    goaround::engine::incident::by_hand(&mut story.state, &key("api"), Uid("rs-api-bbb2".into()));
    story.pass(2);
    for gate in [Gate::Real, Gate::Ours, Gate::TargetGood] {
        assert_eq!(story.gate(gate), Unknown, "{}: {}", gate.name(), story.gate_line(gate));
    }
}

#[test]
fn what_may_not_be_read_is_named_and_never_taken_for_nothing() {
    let forbid = |story: &mut Story, kind| {
        story.signal(Signal::Health(Source::Kind(kind), Health::Forbidden(Clean::new("forbidden"))));
    };
    // No edit was seen: whether there was one is not known.
    let mut story = api(no_rollout);
    assert_eq!(story.gate(Gate::Ours), Fail);
    forbid(&mut story, "configmaps");
    story.pass(2);
    assert_eq!(story.gate(Gate::Ours), Unknown);
    assert!(
        story.gate_line(Gate::Ours).contains("ConfigMaps not readable"),
        "{}",
        story.gate_line(Gate::Ours)
    );
    // Capacity: named, and no reason against it.
    let mut story = around(|_| {});
    forbid(&mut story, "poddisruptionbudgets");
    forbid(&mut story, "horizontalpodautoscalers");
    story.pass(2);
    assert_eq!(story.gate(Gate::SafeNow), Pass);
    let line = story.gate_line(Gate::SafeNow);
    assert!(line.contains("PDBs and HPAs not readable"), "{line}");
    // An SLO of no known workload burns: it may be near.
    let mut lost = Workload::burning("web");
    lost.unmapped = true;
    let story = Story::told(vec![Workload::burning("api"), lost], |_| {});
    let line = story.gate_line(Gate::OnlyUs);
    assert!(line.contains("web-availability burns and is of no known workload"), "{line}");
}

#[test]
fn the_prediction_gives_a_rollout_the_time_that_the_last_one_took() {
    // The last pod of 4.12 was created 2 s, or three minutes, after its rollout began.
    for (last_pod, seconds) in [("11:57:02", 60), ("12:00:00", 210)] {
        let story = around(|s| s.pods_since = at(last_pod));
        let prediction = story.analysis("api").prediction(story.now);
        assert_eq!(prediction.clean_from - story.now, TimeDelta::seconds(seconds), "{last_pod}");
        assert_eq!(prediction.clear_by - prediction.clean_from, TimeDelta::minutes(5));
    }
}

// Target.

#[test]
fn the_target_is_the_newest_revision_that_kept_the_slo_never_just_the_previous_one() {
    // The previous one failed half of its requests: the one before it is taken.
    let story = api(|w| w.history[1] = pods("api", "bbb2", 600_000.0, 1_200_000.0));
    assert_eq!(target(&story), Some("rs-api-aaa1"));
    assert_eq!(story.gate(Gate::TargetGood), Pass);
    // It served two minutes: known too little, an older one is surely good.
    let story = api(|w| {
        w.sets[1]["metadata"]["creationTimestamp"] = "2026-11-20T11:55:00Z".into();
        w.served[0].2 = Some(at("11:55:00"));
        w.served[1].1 = at("11:55:00");
        w.history[1] = pods("api", "bbb2", 0.0, 4_800.0);
    });
    assert_eq!(target(&story), Some("rs-api-aaa1"));
    assert_eq!(story.gate(Gate::TargetGood), Pass);
}

#[test]
fn without_a_good_one_the_newest_unknown_is_offered_with_its_counts() {
    let short = |w: &mut Workload| {
        w.sets.remove(0);
        w.served.remove(0);
        w.history.remove(0);
        w.sets[0]["metadata"]["creationTimestamp"] = "2026-11-20T11:55:00Z".into();
        w.served[0].1 = at("11:55:00");
        w.history[0] = pods("api", "bbb2", 0.0, 4_800.0);
    };
    let story = api(short);
    assert_eq!((target(&story), story.gate(Gate::TargetGood)), (Some("rs-api-bbb2"), Unknown));
    assert!(story.gate_line(Gate::TargetGood).contains("4,800"), "{}", story.gate_line(Gate::TargetGood));
    assert_eq!(offer(&story), Offer::Rollback, "still offered");
    assert!(story.analysis("api").blocks.is_empty(), "and not disabled");
}

#[test]
fn below_the_objective_but_clearly_better_than_now_is_unknown_and_as_bad_as_now_is_no_target() {
    for (bad, state, offered) in [(24_000.0, Unknown, Offer::Rollback), (240_000.0, Fail, Offer::None)] {
        let story = api(|w| {
            w.sets.remove(0);
            w.served.remove(0);
            w.history.remove(0);
            w.history[0] = pods("api", "bbb2", bad, 1_200_000.0);
        });
        assert_eq!(offer(&story), offered, "{bad} of 1,200,000: {}", reason(&story));
        if state == Unknown {
            assert_eq!(story.gate(Gate::TargetGood), Unknown);
            assert!(story.gate_line(Gate::TargetGood).contains("clearly better than now"));
        } else {
            assert!(reason(&story).contains("no earlier revision kept the SLO"), "{}", reason(&story));
        }
    }
}

#[test]
fn the_thresholds_of_a_good_target_are_those_of_the_policy() {
    let policy = Policy::default();
    assert_eq!((policy.min_served, policy.min_served_requests), (Window::minutes(10), 1_000));
    for (minutes, requests, expected) in
        [(11, 1_001.0, Pass), (9, 1_001.0, Unknown), (11, 999.0, Unknown), (0, 0.0, Unknown)]
    {
        let story = api(|w| {
            let from = at("11:57:00") - TimeDelta::minutes(minutes);
            w.sets.remove(0);
            w.served.remove(0);
            w.history.remove(0);
            w.sets[0]["metadata"]["creationTimestamp"] = from.to_rfc3339().into();
            w.served[0].1 = from;
            w.history[0] = pods("api", "bbb2", 0.0, requests);
        });
        let line = story.gate_line(Gate::TargetGood);
        assert_eq!(story.gate(Gate::TargetGood), expected, "{minutes} min, {requests} requests: {line}");
    }
}

#[test]
fn a_revision_that_was_rolled_back_from_with_success_is_marked_bad() {
    let left = story::replica_set(&Workload::new("api").sets[1]).template.digest;
    for (outcome, expected) in [("helped", "rs-api-aaa1"), ("not_helped", "rs-api-bbb2")] {
        let story = around(|s| {
            s.past = vec![PastAction {
                action: "01OLD".into(),
                time: at("02:00:00"),
                workload: "shop/api".into(),
                cluster: "c0ffee".into(),
                executed: true,
                outcome: Some(outcome.into()),
                left_template: left.clone(),
                ..Default::default()
            }]
            .into();
        });
        assert_eq!(target(&story), Some(expected), "it {outcome}");
    }
}

#[test]
fn a_target_whose_config_map_is_gone_is_gone_itself_and_an_optional_one_is_not_missed() {
    for (optional, expected) in [(false, "rs-api-aaa1"), (true, "rs-api-bbb2")] {
        let story = api(|w| {
            w.sets[1]["spec"]["template"]["spec"]["containers"][0]["envFrom"] =
                serde_json::json!([{"configMapRef": {"name": "gone", "optional": optional}}]);
        });
        assert_eq!(target(&story), Some(expected), "optional: {optional}; {}", reason(&story));
    }
    // What may not be read is not missing.
    let story = api(|w| {
        w.sets[1]["spec"]["template"]["spec"]["volumes"][0] = serde_json::json!({"name": "config",
            "persistentVolumeClaim": {"claimName": "unseen"}});
    });
    assert_eq!(target(&story), Some("rs-api-bbb2"));
}

#[test]
fn by_hand_a_bad_target_is_shown_and_cannot_be_approved() {
    let mut story = api(|w| w.history[1] = pods("api", "bbb2", 600_000.0, 1_200_000.0));
    let now = story.now;
    let wish = Wish { target: Some(Uid("rs-api-bbb2".into())), by_hand: true, ..Wish::default() };
    story.state.incidents.get_mut(&key("api")).expect("an incident").want(wish, now);
    story.pass(2);
    assert_eq!((target(&story), story.gate(Gate::TargetGood)), (Some("rs-api-bbb2"), Fail));
    assert!(story.analysis("api").blocks.iter().any(|b| b.as_str().starts_with("TARGET GOOD fails")));
}

// Reversible.

#[test]
fn the_share_of_the_new_pods_against_the_old_is_strong_likely_none_or_not_known() {
    for (new, old, state, word) in [
        ((400.0, 1_000.0), (0.0, 1_000.0), Pass, ": strong"),
        ((8.0, 1_000.0), (0.0, 1_000.0), Pass, ": likely"),
        ((20_000.0, 200_000.0), (40_000.0, 200_000.0), Fail, ": no difference seen"),
        ((1.0, 3.0), (0.0, 2.0), Unknown, ": not enough data"),
    ] {
        let story = api(|w| {
            w.split =
                Split::Given(vec![pods("api", "ccc3", new.0, new.1), pods("api", "bbb2", old.0, old.1)]);
        });
        let line = story.gate_line(Gate::Ours);
        assert_eq!((story.gate(Gate::Ours), line.ends_with(word)), (state, true), "{line}");
    }
}

/// The revision to go back to, as the timeline has it.
fn target_row(story: &Story) -> RevisionRow {
    let analysis = story.analysis("api");
    analysis.rows.iter().find(|row| Some(&row.uid) == analysis.target.as_ref()).expect("a target").clone()
}

#[test]
fn what_the_gates_say_is_of_the_target_of_now_and_of_what_was_compared() {
    let by_pod = around(|_| {});
    let by_time = api(|w| w.split = Split::NoPods);
    for (story, new, old) in [
        (&by_pod, "error ratio of the new pods", "error ratio of the old pods"),
        (&by_time, "error ratio after the change", "error ratio before the change"),
    ] {
        let all: Vec<_> = story.analysis("api").evidence.items().iter().collect();
        for fact in ["error ratio since the onset", new, old] {
            let found = all.iter().find(|e| e.fact.as_str() == fact);
            let age = found.map(|e| (story.now - e.at).num_seconds());
            assert!(age.is_some_and(|age| (0..60).contains(&age)), "{fact}: {age:?} of {all:#?}");
        }
    }
    let target = target_row(&by_pod);
    let line = by_pod.gate_line(Gate::TargetGood);
    assert!(line.starts_with(&format!("{}: ", target.title())), "{line}");
    let line = by_pod.gate_line(Gate::OnlyUs);
    assert!(line.starts_with("1 other SLO quiet, traffic "), "{line}");
}

#[test]
fn as_many_failed_requests_as_the_policy_wants_are_enough() {
    let counted = around(|_| {});
    let bad = counted.analysis("api").attribution.onset.as_ref().expect("an onset").during.bad as u64;
    for (min_bad, state) in [(bad, Pass), (bad + 1, Unknown)] {
        let story = around(|s| s.state.setup.policy.min_bad = min_bad);
        assert_eq!(story.gate(Gate::Real), state, "{min_bad}: {}", story.gate_line(Gate::Real));
        assert_eq!(verdict(&story) == Verdict::NotEnoughData, state == Unknown, "{min_bad}");
    }
    let total = counted.analysis("api").attribution.onset.as_ref().expect("an onset").during.total as u64;
    for (least, enough) in [(total, true), (total + 1, false)] {
        let story = around(|s| s.state.setup.policy.min_requests = least);
        assert_eq!(verdict(&story) != Verdict::NotEnoughData, enough, "{least} of {total}");
    }
}

#[test]
fn what_a_config_map_held_when_a_revision_served_is_known_by_its_times_or_said_to_be_unknown() {
    // 4.11 served until 11:57.
    let held = |edited: &str, seen: Vec<KnownContent>| {
        let story = Story::told(vec![Workload::burning("api")], |s| s.edited(edited, seen));
        let (older, newer) = (Uid("rs-api-bbb2".into()), Uid("rs-api-ccc3".into()));
        let objects = compare::revisions(&story.state, &key("api"), &older, &newer);
        let map = objects.into_iter().find(|o| o.title == "ConfigMap api-config").expect("it");
        assert_eq!(map.after, Side::Known(serde_json::json!({"app.conf": "timeout=1s"}), String::new()));
        match map.before {
            Side::Known(value, how) => (value["app.conf"].as_str().expect("text").to_owned(), how),
            Side::Absent => ("absent".to_owned(), String::new()),
            Side::Unknown(why) => (String::new(), why),
        }
    };
    for (edited, contents, text, how) in [
        ("11:56:00", vec![], "timeout=1s", "unchanged since then"),
        ("11:58:00", vec![seen("a", "08:00:00", "11:57:30")], "a", "as seen then"),
        (
            "11:58:00",
            vec![seen("a", "08:00:00", "11:40:00")],
            "a",
            "as last seen 11:40, not surely the same then",
        ),
        ("11:58:00", vec![seen("a", "11:57:40", "11:57:50")], "", "content at that time not known"),
        (
            "11:58:00",
            vec![seen("a", "11:50:00", "11:57:40"), seen("b", "08:00:00", "11:40:00")],
            "a",
            "as seen then",
        ),
        (
            "11:58:00",
            vec![seen("a", "11:00:00", "11:50:00"), seen("b", "08:00:00", "11:40:00")],
            "a",
            "as last seen 11:50, not surely the same then",
        ),
        ("11:58:00", vec![], "", "content at that time not known"),
    ] {
        let shown = format!("{edited} {contents:?}");
        assert_eq!(held(edited, contents), (text.to_owned(), how.to_owned()), "{shown}");
    }
}

#[test]
fn of_many_changes_four_are_told_and_the_others_counted() {
    for (variables, more) in
        [(1, None), (2, Some("changed 1 more field")), (3, Some("changed 2 more fields"))]
    {
        let mut changed = template("api", "4.12", "5");
        let environment = changed["spec"]["containers"][0]["env"].as_array_mut().expect("variables");
        environment.truncate(1);
        environment
            .extend((0..variables).map(|n| serde_json::json!({"name": format!("NEW_{n}"), "value": "1"})));
        let story = api(|w| {
            w.sets.pop();
            w.revision(3, "ccc3", changed, "2026-11-20T11:57:00Z");
        });
        let items = story.analysis("api").evidence.items();
        let told: Vec<_> = items.iter().filter(|e| e.fact.as_str().contains(" changed ")).collect();
        let counted = told.iter().find(|e| e.fact.as_str().contains(" more field"));
        assert_eq!(told.len(), 4 + usize::from(more.is_some()), "{told:#?}");
        assert_eq!(counted.is_some(), more.is_some());
        assert!(
            more.is_none_or(|more| counted.is_some_and(|e| e.fact.as_str().ends_with(more))),
            "{told:#?}"
        );
    }
}

#[test]
fn earlier_incidents_are_alike_here_or_where_verdict_and_kinds_of_the_change_are_the_same() {
    let alike = |past: Vec<PastAction>, change: fn(&mut Workload)| {
        let mut workload = Workload::burning("api");
        change(&mut workload);
        let story = Story::told(vec![workload, Workload::new("web")], |s| s.past = past.into());
        let items = story.analysis("api").evidence.items();
        let facts = items.iter().map(|e| e.fact.to_string()).filter(|f| f.starts_with("similar earlier"));
        facts.collect::<Vec<_>>()
    };
    let past = |workload: &str, verdict: &str, changed: &[&str]| PastAction {
        verdict: verdict.into(),
        changed: changed.iter().map(|kind| (*kind).to_owned()).collect(),
        ..acted(workload, 300, "helped", None)
    };
    let rollout = ["env", "image"];
    for (past, expected) in [
        (past("web", "bad_deploy", &rollout), 1),
        (past("web", "bad_deploy", &["image"]), 0),
        (past("web", "config_change", &rollout), 0),
        (past("api", "config_change", &["ConfigMap"]), 1),
        (PastAction { undo_of: Some("01A".into()), ..past("api", "bad_deploy", &rollout) }, 0),
        (PastAction { executed: false, ..past("api", "bad_deploy", &rollout) }, 0),
    ] {
        assert_eq!(alike(vec![past.clone()], |_| {}).len(), expected, "{past:?}");
    }
    // Where nothing is known to have changed, nothing is alike for that.
    let nothing = past("web", "unknown", &[]);
    assert_eq!(alike(vec![nothing], no_rollout), [""; 0]);
}

#[test]
fn when_the_image_of_the_target_was_pulled_last_is_told_by_events_about_it_alone() {
    let pulled = |namespace: &str, reason: &str, image: &str| ClusterEvent {
        key: Key::new(namespace, "e1"),
        about_kind: Clean::new("Pod"),
        about_name: Clean::new("api-bbb2-0"),
        reason: Clean::new(reason),
        message: Clean::new(format!("Successfully pulled image \"{image}\" in 2s")),
        last: Some(at("11:30:00")),
        ..ClusterEvent::default()
    };
    let image = target_row(&around(|_| {})).images[0].to_string();
    for (event, told) in [
        (pulled("shop", "Pulled", &image), true),
        (pulled("other", "Pulled", &image), false),
        (pulled("shop", "Pulling", &image), false),
        (pulled("shop", "Pulled", "elsewhere/api:4.11"), false),
    ] {
        let mut story = around(|_| {});
        story.fact(ClusterFact::Events(Change::Listed(vec![event.clone()])));
        story.pass(6);
        let line = story.gate_line(Gate::TargetGood);
        assert!(
            line.contains(if told { "image last pulled 30 m" } else { "image not checked" }),
            "{event:?}: {line}"
        );
    }
}

#[test]
fn only_a_plan_that_writes_config_maps_needs_the_right_to() {
    for (story, restores) in [(around(|_| {}), false), (Story::config_edited(true), true)] {
        let mut story = story;
        let rights: Vec<_> = story.state.world.rights.keys().cloned().collect();
        let config_maps = |right: &goaround::domain::cluster::Right| right.resource == "configmaps";
        assert!(rights.iter().any(config_maps), "asked for: {rights:?}");
        let refused = rights.into_iter().map(|right| (right.clone(), !config_maps(&right))).collect();
        story.signal(Signal::Rights(refused));
        story.pass(6);
        let blocks = &story.analysis("api").blocks;
        let blocked = blocks.iter().any(|b| b.as_str().starts_with("no right to patch configmaps in shop"));
        assert_eq!((blocked, blocks.len()), (restores, usize::from(restores)), "{blocks:?}");
    }
}

#[test]
fn what_is_restored_and_what_nobody_could_read_is_said_at_reversible() {
    let line = |story: &Story| (story.gate(Gate::Reversible), story.gate_line(Gate::Reversible));
    let unchanged = "referenced ConfigMaps and Secrets unchanged since".to_owned();
    assert_eq!(line(&around(|_| {})), (Pass, unchanged));
    assert_eq!(
        line(&Story::config_edited(true)),
        (Pass, "the plan restores ConfigMap api-config".to_owned())
    );
    let mut story = around(|_| {});
    story.signal(Signal::Health(Source::Kind("configmaps"), Health::Forbidden(Clean::new("forbidden"))));
    story.pass(6);
    let unread = "ConfigMaps not readable: whether they changed since is not known".to_owned();
    assert_eq!(line(&story), (Unknown, unread));
}

#[test]
fn what_is_declared_irreversible_fails_on_the_deployment_and_on_the_template() {
    let why = "the schema was migrated";
    let story = api(|w| w.deployment["metadata"]["annotations"]["goaround.dev/irreversible"] = why.into());
    assert_eq!(story.gate(Gate::Reversible), Fail);
    assert!(story.gate_line(Gate::Reversible).contains(why));
    let mut changed = template("api", "4.12", "5");
    changed["metadata"]["annotations"] = serde_json::json!({"goaround.dev/irreversible": why});
    let story = api(|w| {
        w.sets.pop();
        w.revision(3, "ccc3", changed, "2026-11-20T11:57:00Z");
    });
    assert_eq!(story.gate(Gate::Reversible), Fail);
    assert!(story.analysis("api").blocks.is_empty(), "it must be named, it does not disable");
}

#[test]
fn what_a_revision_between_target_and_current_declared_irreversible_stays_so() {
    let note = |object: &mut serde_json::Value| {
        object["metadata"]["annotations"]["goaround.dev/irreversible"] = "the schema was migrated".into();
    };
    // 4.11 migrated; it failed as well, so the target is 4.10, or it served well and is the target itself.
    type Declare = fn(&mut serde_json::Value, &dyn Fn(&mut serde_json::Value));
    let places: [(&str, Declare); 2] = [
        ("its ReplicaSet", |set, note| note(set)),
        ("its template", |set, note| {
            set["spec"]["template"]["metadata"]["annotations"] = serde_json::json!({});
            note(&mut set["spec"]["template"]);
        }),
    ];
    for (place, declare) in places {
        for (bad, target_is, expected) in [(600_000.0, "rs-api-aaa1", Fail), (12.0, "rs-api-bbb2", Pass)] {
            let story = api(|w| {
                declare(&mut w.sets[1], &note);
                w.history[1] = pods("api", "bbb2", bad, 1_200_000.0);
            });
            assert_eq!(target(&story), Some(target_is));
            let line = story.gate_line(Gate::Reversible);
            assert_eq!(story.gate(Gate::Reversible), expected, "{place}: {line}");
            assert_eq!(line.contains("the schema was migrated (api-bbb2)"), expected == Fail, "{line}");
        }
    }
}

#[test]
fn what_came_before_the_target_was_declared_irreversible_does_not_matter() {
    // 4.10 migrated, then 4.11 served well on it.
    let story = api(|w| {
        w.sets[0]["metadata"]["annotations"]["goaround.dev/irreversible"] = "the schema was migrated".into();
    });
    assert_eq!(target(&story), Some("rs-api-bbb2"));
    assert_eq!(story.gate(Gate::Reversible), Pass, "{}", story.gate_line(Gate::Reversible));
}

#[test]
fn every_annotation_that_a_rollback_replaces_is_an_effect_line() {
    let story = api(|w| {
        let live = w.deployment["metadata"]["annotations"].as_object_mut().expect("annotations");
        live.insert("shop/owner".into(), "team-b".into());
        live.insert("shop/alert-routing".into(), "pager".into());
        live.insert("kubernetes.io/change-cause".into(), "4.12".into());
        live.insert("goaround.dev/action".into(), "01A:abc".into());
        live.insert("goaround.dev/by".into(), "ana".into());
        live.insert("kubectl.kubernetes.io/last-applied-configuration".into(), "{}".into());
        let target = w.sets[1]["metadata"]["annotations"].as_object_mut().expect("annotations");
        target.insert("shop/owner".into(), "team-a".into());
        target.insert("shop/tier".into(), "1".into());
        target.insert("deployment.kubernetes.io/desired-replicas".into(), "3".into());
    });
    let lines: Vec<String> = story.proposal().effect_lines().iter().map(|l| l.text.to_string()).collect();
    let annotations: Vec<&str> =
        lines.iter().map(String::as_str).filter(|l| l.starts_with("annotation ")).collect();
    assert_eq!(
        annotations,
        [
            "annotation shop/alert-routing removed: pager",
            "annotation shop/owner team-b → team-a",
            "annotation shop/tier added: 1",
        ],
        "{lines:?}"
    );
}

#[test]
fn what_changed_in_the_moment_in_which_the_target_began_to_serve_comes_back_with_it() {
    for (edited, changed) in [("2026-11-19T16:00:00Z", false), ("2026-11-19T16:00:01Z", true)] {
        let story = Story::told(vec![Workload::burning("api")], |s| {
            s.configs.insert("api-config".into(), config_map("api-config", "timeout=1s", Some(edited)));
        });
        let plan = story.analysis("api").plan.clone().expect("a plan");
        let names: Vec<&str> = plan.not_restored.iter().map(|n| n.name.as_str()).collect();
        assert_eq!(names, if changed { vec!["api-config"] } else { vec![] }, "{edited}");
    }
}

#[test]
fn what_changed_outside_the_template_is_not_restored_and_said_so() {
    let story = around(|s| {
        let edited = config_map("api-config", "timeout=1s", Some("2026-11-20T11:50:00Z"));
        s.configs.insert("api-config".into(), edited);
        s.known.insert("api-config".into(), vec![known("timeout=5s")]);
    });
    assert_eq!(verdict(&story), Verdict::BadDeploy);
    assert_eq!(story.gate(Gate::Reversible), Fail, "{}", story.gate_line(Gate::Reversible));
    let plan = story.analysis("api").plan.as_ref().expect("a plan");
    assert_eq!(plan.not_restored.len(), 1);
    assert!(plan.not_restored[0].why.as_str().contains("kubectl-edit (client)"));
    assert_eq!(story.analysis("api").addable.len(), 1, "its restore can be added");
    // With the restore added the gate passes, and the ConfigMap comes first.
    let mut story = story;
    story.command(goaround::engine::Command::AddRestore);
    story.pass(2);
    let plan = story.analysis("api").plan.as_ref().expect("a plan");
    assert_eq!(plan.calls.len(), 2);
    assert!(plan.calls[0].path.contains("/configmaps/"));
    assert_eq!(story.gate(Gate::Reversible), Pass, "{}", story.gate_line(Gate::Reversible));
}

#[test]
fn content_that_changed_after_the_target_began_to_serve_is_named_however_it_is_read() {
    // 4.11 served from yesterday 16:00 until 11:57; whether its pods ever read a later content nobody knows.
    for (edited, by_environment, expected) in [
        ("2026-11-19T18:00:00Z", false, Fail),
        ("2026-11-20T11:56:59Z", false, Fail),
        ("2026-11-19T15:00:00Z", false, Pass),
        ("2026-11-19T18:00:00Z", true, Fail),
        ("2026-11-19T15:00:00Z", true, Pass),
    ] {
        let story = around(|s| {
            if by_environment {
                from_environment(s.workload_mut("api"));
            }
            s.configs.insert("api-config".into(), config_map("api-config", "timeout=1s", Some(edited)));
        });
        assert_eq!((verdict(&story), offer(&story)), (Verdict::BadDeploy, Offer::Rollback));
        let line = story.gate_line(Gate::Reversible);
        assert_eq!(story.gate(Gate::Reversible), expected, "{edited}, environment {by_environment}: {line}");
    }
}

/// The pods of every revision get api-config as environment, not as files.
fn from_environment(workload: &mut Workload) {
    let templates = workload.sets.iter_mut().map(|s| &mut s["spec"]["template"]);
    for template in templates.chain([&mut workload.deployment["spec"]["template"]]) {
        let spec = &mut template["spec"];
        spec["volumes"] = serde_json::json!([]);
        spec["containers"][0]["volumeMounts"] = serde_json::json!([]);
        spec["containers"][0]["envFrom"] = serde_json::json!([{"configMapRef": {"name": "api-config"}}]);
    }
}

#[test]
fn environment_that_was_edited_reaches_no_pod_before_a_restart() {
    let mut workload = Workload::burning("api");
    no_rollout(&mut workload);
    from_environment(&mut workload);
    let story = Story::told(vec![workload, Workload::new("web")], |s| {
        let edited = config_map("api-config", "timeout=1s", Some("2026-11-20T11:57:30Z"));
        s.configs.insert("api-config".into(), edited);
        s.known.insert("api-config".into(), vec![known("timeout=5s")]);
    });
    assert_eq!((verdict(&story), offer(&story)), (Verdict::Unknown, Offer::Wait), "{}", reason(&story));
    // With one it does, however long ago the edit was.
    let mut workload = Workload::burning("api");
    workload.sets.pop();
    workload.revision(3, "ccc3", restarted_at("11:57:00"), "2026-11-20T11:57:00Z");
    from_environment(&mut workload);
    let story = Story::told(vec![workload, Workload::new("web")], |s| {
        let edited = config_map("api-config", "timeout=1s", Some("2026-11-20T10:00:00Z"));
        s.configs.insert("api-config".into(), edited);
        let contents = vec![seen("timeout=5s", "08:00:00", "09:30:00"), seen("x", "09:31:00", "10:00:00")];
        s.known.insert("api-config".into(), contents);
    });
    assert_eq!((verdict(&story), offer(&story)), (Verdict::ConfigChange, Offer::RestoreConfig));
    assert_eq!(
        restored(&story).as_deref(),
        Some("timeout=5s"),
        "x was there for half an hour and never read"
    );
}

#[test]
fn others_who_use_a_restored_config_map_are_lines_that_must_be_read() {
    let mut story = Story::config_edited(true);
    let shared = serde_json::json!({"name": "config", "configMap": {"name": "api-config"}});
    story.workload_mut("web").deployment["spec"]["template"]["spec"]["volumes"][0] = shared;
    story.objects();
    story.pass(2);
    let lines = story.proposal().effect_lines();
    assert!(lines.iter().any(|l| l.text.as_str().contains("web uses ConfigMap api-config too")), "{lines:?}");
}

// Safe now.

/// The world, and what SAFE NOW says of it.
fn safe_now(change: impl FnOnce(&mut Story)) -> (GateState, String, bool) {
    let story = around(change);
    let disabled = !story.analysis("api").blocks.is_empty();
    (story.gate(Gate::SafeNow), story.gate_line(Gate::SafeNow), disabled)
}

#[test]
fn every_owner_that_would_undo_it_is_named() {
    type Edit = fn(&mut serde_json::Value);
    let owners: [(&str, Edit, GateState); 15] = [
        (
            "Argo CD",
            |d| d["metadata"]["annotations"]["argocd.argoproj.io/tracking-id"] = "shop:api".into(),
            Fail,
        ),
        ("Argo CD", |d| d["metadata"]["labels"]["argocd.argoproj.io/instance"] = "shop".into(), Fail),
        (
            "Flux Kustomization",
            |d| d["metadata"]["labels"]["kustomize.toolkit.fluxcd.io/name"] = "shop".into(),
            Fail,
        ),
        (
            "Flux HelmRelease",
            |d| d["metadata"]["labels"]["helm.toolkit.fluxcd.io/name"] = "shop".into(),
            Fail,
        ),
        (
            "dry run accepted",
            |d| {
                d["metadata"]["labels"]["kustomize.toolkit.fluxcd.io/name"] = "shop".into();
                d["metadata"]["annotations"]["kustomize.toolkit.fluxcd.io/reconcile"] = "disabled".into();
            },
            Pass,
        ),
        (
            "argocd-controller applies",
            |d| {
                d["metadata"]["managedFields"][0]["manager"] = "argocd-controller".into();
                d["metadata"]["managedFields"][0]["operation"] = "Apply".into();
            },
            Fail,
        ),
        (
            "Rollout shop controls it",
            |d| {
                d["metadata"]["ownerReferences"] = serde_json::json!([{"kind": "Rollout", "name": "shop",
                    "uid": "u", "controller": true}]);
            },
            Fail,
        ),
        (
            "Helm release shop",
            |d| d["metadata"]["annotations"]["meta.helm.sh/release-name"] = "shop".into(),
            Unknown,
        ),
        (
            "Helm release would",
            |d| d["metadata"]["labels"]["app.kubernetes.io/managed-by"] = "Helm".into(),
            Unknown,
        ),
        (
            "dry run accepted",
            |d| d["metadata"]["labels"]["app.kubernetes.io/managed-by"] = "Kustomize".into(),
            Pass,
        ),
        (
            "Flux Kustomization",
            |d| {
                d["metadata"]["labels"]["kustomize.toolkit.fluxcd.io/name"] = "shop".into();
                d["metadata"]["annotations"]["kustomize.toolkit.fluxcd.io/reconcile"] = "enabled".into();
            },
            Fail,
        ),
        // Whoever applies is an owner where it is the template that is applied, and a controller that applies it.
        (
            "dry run accepted",
            |d| d["metadata"]["managedFields"][0]["manager"] = "argocd-controller".into(),
            Pass,
        ),
        ("dry run accepted", |d| d["metadata"]["managedFields"][0]["operation"] = "Apply".into(), Pass),
        (
            "dry run accepted",
            |d| {
                d["metadata"]["managedFields"][0] = serde_json::json!({"manager": "argocd-controller",
                    "operation": "Apply", "time": "2026-11-20T11:57:00Z", "fieldsV1": {"f:metadata": {"f:labels": {}}}});
            },
            Pass,
        ),
        ("dry run accepted", |_| {}, Pass),
    ];
    for (who, edit, expected) in owners {
        let (state, line, disabled) = safe_now(|s| edit(&mut s.workload_mut("api").deployment));
        assert_eq!((state, disabled), (expected, false), "{who}: {line}");
        assert!(line.contains(who), "{who}: {line}");
    }
}

fn budget(name: &str, selects: &str, healthy: i64) -> ClusterFact {
    ClusterFact::DisruptionBudgets(Change::Listed(vec![DisruptionBudget {
        key: key(name),
        selector: BTreeMap::from([(Clean::new("app"), Clean::new(selects))]),
        healthy,
        wanted: 2,
        allowed: 0,
    }]))
}

fn autoscaler(of: &str, desired: i64) -> ClusterFact {
    ClusterFact::Autoscalers(Change::Listed(vec![Autoscaler {
        key: key("hpa"),
        target: (Clean::new("Deployment"), Clean::new(of)),
        min: 2,
        max: 6,
        desired,
    }]))
}

#[test]
fn capacity_counts_a_disruption_budget_an_autoscaler_at_its_maximum_recreate_and_zero_replicas() {
    for (fact, expected, words) in [
        (budget("pdb", "api", 1), Fail, "PDB pdb: 1 of 2 healthy"),
        (budget("pdb", "api", 2), Pass, "PDB 2/2"),
        (budget("pdb", "api", 3), Pass, "PDB 3/2"),
        (budget("pdb", "web", 1), Pass, "dry run accepted"),
        (autoscaler("api", 6), Unknown, "HPA hpa is at its maximum of 6"),
        (autoscaler("api", 4), Pass, "dry run accepted"),
        (autoscaler("web", 6), Pass, "dry run accepted"),
    ] {
        let mut story = around(|_| {});
        story.fact(fact);
        story.pass(2);
        assert_eq!(story.gate(Gate::SafeNow), expected, "{}", story.gate_line(Gate::SafeNow));
        assert!(story.gate_line(Gate::SafeNow).contains(words), "{}", story.gate_line(Gate::SafeNow));
        assert!(story.analysis("api").blocks.is_empty());
    }
    let (state, line, _) =
        safe_now(|s| s.workload_mut("api").deployment["spec"]["strategy"]["type"] = "Recreate".into());
    assert_eq!(state, Fail, "{line}");
    // No pod is stopped where none runs.
    for strategy in ["RollingUpdate", "Recreate"] {
        let (state, line, _) = safe_now(|s| {
            let api = &mut s.workload_mut("api").deployment;
            api["spec"]["strategy"]["type"] = strategy.into();
            api["spec"]["replicas"] = 0.into();
            api["status"] = serde_json::json!({"observedGeneration": 5});
        });
        assert_eq!((state, line.contains("Recreate")), (Fail, false), "{line}");
        assert!(line.contains("scaled to 0"), "{line}");
    }
}

#[test]
fn what_is_not_watched_may_have_changed_unseen() {
    let away = || Health::Down(Clean::new("refused"));
    let seen = |kind: &'static str, mut story: Story| {
        story.signal(Signal::Health(Source::Kind(kind), away()));
        story.pass(3);
        (story.gate(Gate::StillTrue), story.gate_line(Gate::StillTrue))
    };
    for kind in ["deployments", "replicasets"] {
        let (state, line) = seen(kind, around(|_| {}));
        assert_eq!(
            (state, line.starts_with(&format!("not watched: {kind} since 12:00:"))),
            (Unknown, true),
            "{line}"
        );
    }
    // ConfigMaps matter where one is written, and what else is away does not.
    let (state, line) = seen("configmaps", Story::config_edited(true));
    assert_eq!((state, line.starts_with("not watched: configmaps since ")), (Unknown, true), "{line}");
    for kind in ["configmaps", "nodes"] {
        let (state, line) = seen(kind, around(|_| {}));
        assert_eq!(state, Pass, "{kind}: {line}");
    }
}

#[test]
fn budgets_and_autoscalers_that_cannot_be_read_are_named() {
    for (kind, name) in [("poddisruptionbudgets", "PDBs"), ("horizontalpodautoscalers", "HPAs")] {
        for health in [Health::Forbidden(Clean::new("forbidden")), Health::Down(Clean::new("refused"))] {
            let mut story = around(|_| {});
            story.signal(Signal::Health(Source::Kind(kind), health));
            story.pass(3);
            let line = story.gate_line(Gate::SafeNow);
            assert!(line.contains(&format!(" {name} not readable, ")), "{line}");
            assert_eq!(story.gate(Gate::SafeNow), Pass, "{line}");
        }
    }
    let line = around(|_| {}).gate_line(Gate::SafeNow);
    assert!(!line.contains("not readable"), "{line}");
}

#[test]
fn a_freeze_a_pause_and_a_missing_right_fail_and_say_so() {
    let (state, line, disabled) =
        safe_now(|s| s.state.setup.policy.freeze = Some(Clean::new("Black Friday")));
    assert_eq!((state, disabled), (Fail, false), "a freeze must be named, it does not disable");
    assert!(line.contains("freeze: Black Friday"));
    let (state, line, disabled) =
        safe_now(|s| s.workload_mut("api").deployment["spec"]["paused"] = true.into());
    assert_eq!((state, disabled), (Fail, true), "{line}");
    assert!(line.contains("paused"));
    let (state, line, disabled) = safe_now(|s| s.rights = false);
    assert_eq!((state, disabled), (Fail, true));
    assert!(line.contains("no right to patch deployments"), "{line}");
    let (state, line, disabled) =
        safe_now(|s| s.dry_run = Some(DryRun::Unavailable(Clean::new("a webhook"))));
    assert_eq!((state, disabled), (Unknown, false), "shown, never skipped silently");
    assert!(line.contains("no dry run: a webhook"));
}

fn acted(workload: &str, ago: i64, outcome: &str, undo_of: Option<&str>) -> PastAction {
    PastAction {
        action: format!("01{workload}{ago}"),
        time: at("12:00:00") - TimeDelta::minutes(ago),
        workload: format!("shop/{workload}"),
        cluster: "c0ffee".into(),
        executed: outcome != "not_executed",
        outcome: Some(outcome.into()),
        undo_of: undo_of.map(str::to_owned),
        ..Default::default()
    }
}

#[test]
fn the_cool_down_holds_for_half_an_hour_unless_the_last_action_did_not_help() {
    for (past, expected) in [
        (acted("api", 29, "helped", None), Fail),
        (acted("api", 31, "helped", None), Pass),
        (acted("api", 5, "inconclusive", None), Fail),
        (acted("api", 5, "not_helped", None), Pass),
        (acted("api", 5, "worse", None), Pass),
        (acted("api", 5, "not_executed", None), Pass),
        (acted("web", 5, "helped", None), Pass),
    ] {
        let what = format!("{} {:?}", past.action, past.outcome);
        let (state, line, disabled) = safe_now(|s| s.past = vec![past].into());
        assert_eq!((state, disabled), (expected, false), "{what}: {line}");
        assert_eq!(line.contains("cool-down"), expected == Fail, "{what}: {line}");
    }
}

#[test]
fn the_rate_limit_counts_the_actions_of_an_hour_on_this_cluster_and_no_undo() {
    let three = |undo: Option<&str>, outcome: &str, ago: i64| -> Vec<PastAction> {
        (0..3).map(|n| acted("web", ago + n, outcome, undo)).collect()
    };
    for (past, expected, what) in [
        (three(None, "helped", 10), Fail, "three within the hour"),
        (three(None, "helped", 61), Pass, "three more than an hour ago"),
        (three(Some("01A"), "helped", 10), Pass, "three undos"),
        (three(None, "not_executed", 10), Pass, "three that were not executed"),
        (three(None, "helped", 10)[..2].to_vec(), Pass, "two"),
    ] {
        let (state, line, disabled) = safe_now(|s| s.past = past.into());
        assert_eq!((state, disabled), (expected, false), "{what}: {line}");
        assert_eq!(line.contains("rate limit"), expected == Fail, "{what}: {line}");
    }
    // Another cluster's actions in the same journal do not count.
    let elsewhere: Vec<PastAction> = three(None, "helped", 10)
        .into_iter()
        .map(|past| PastAction { cluster: "another".into(), ..past })
        .collect();
    assert_eq!(safe_now(|s| s.past = elsewhere.into()).0, Pass);
}

#[test]
fn a_cool_down_and_an_hour_end_with_their_last_second() {
    let looked = around(|_| {}).analysis("api").at;
    for (workload, count, seconds, words) in
        [("api", 1, 1_800, "cool-down: acted 30 m"), ("web", 3, 3_600, "rate limit: 3 actions")]
    {
        for (ago, over) in [(seconds - 1, false), (seconds, true)] {
            let past = |n| PastAction {
                time: looked - TimeDelta::seconds(ago),
                action: format!("01{n}"),
                ..acted(workload, 0, "helped", None)
            };
            let (state, line, _) = safe_now(|s| s.past = (0..count).map(past).collect::<Vec<_>>().into());
            assert_eq!(
                (state, line.contains(words)),
                if over { (Pass, false) } else { (Fail, true) },
                "{ago} s: {line}"
            );
        }
    }
}

#[test]
fn the_mark_of_another_operator_counts_once_and_only_while_it_is_young() {
    let mark = |minutes: i64| {
        let then = at("12:00:00") - TimeDelta::minutes(minutes);
        format!("{}:abc", ulid::Ulid::from_parts(then.timestamp_millis().unsigned_abs(), 7))
    };
    let marked = |workload: &'static str, mark: &str, by: Option<&str>| {
        let (mark, by) = (mark.to_owned(), by.map(str::to_owned));
        move |s: &mut Story| {
            let annotations = &mut s.workload_mut(workload).deployment["metadata"]["annotations"];
            annotations["goaround.dev/action"] = mark.clone().into();
            if let Some(by) = &by {
                annotations["goaround.dev/by"] = by.clone().into();
            }
        }
    };
    for (mark, by, words) in [
        (mark(5), Some("ben"), Some("cool-down: ben acted 5 m")),
        (mark(5), None, Some("cool-down: somebody acted 5 m")),
        (mark(31), Some("ben"), None),
        ("nonsense:abc".to_owned(), Some("ben"), None),
        (mark(5).replace(':', ""), Some("ben"), None),
    ] {
        let (state, line, _) = safe_now(marked("api", &mark, by));
        assert_eq!(state, if words.is_some() { Fail } else { Pass }, "{mark}: {line}");
        assert!(words.is_none_or(|words| line.contains(words)), "{mark}: {line}");
    }
    // Two of ours within the hour, and the mark on another workload: the third, unless it is old, or one of the two.
    for (mark, known, expected) in [(mark(10), false, Fail), (mark(61), false, Pass), (mark(10), true, Pass)]
    {
        let (state, line, _) = safe_now(|s| {
            marked("web", &mark, Some("ben"))(s);
            let mut past = vec![acted("web", 10, "helped", None), acted("web", 11, "helped", None)];
            if known {
                past[0].action = mark.split(':').next().expect("an id").to_owned();
            }
            s.past = past.into();
        });
        assert_eq!(
            (state, line.contains("rate limit: 3 actions")),
            (expected, expected == Fail),
            "{mark}: {line}"
        );
    }
}

#[test]
fn a_rollout_other_than_the_suspected_one_is_not_the_time() {
    // Our own rollout hangs half way: that is the one to be rolled back.
    let (state, line, _) = safe_now(|s| {
        s.workload_mut("api").deployment["status"] = serde_json::json!({"observedGeneration": 5, "replicas": 4,
            "updatedReplicas": 2, "availableReplicas": 2});
    });
    assert_eq!(state, Pass, "{line}");
    // The controller has not seen the last change.
    let (state, line, _) =
        safe_now(|s| s.workload_mut("api").deployment["metadata"]["generation"] = 6.into());
    assert_eq!(state, Fail, "{line}");
    // By hand, without a burn, while something is rolled out.
    let mut story = Story::told(vec![Workload::new("api")], |s| {
        s.workload_mut("api").deployment["status"] = serde_json::json!({"observedGeneration": 5, "replicas": 4,
            "updatedReplicas": 1, "availableReplicas": 3});
    });
    let uid = Uid("rs-api-bbb2".into());
    let incident = goaround::engine::incident::by_hand;
    incident(&mut story.state, &key("api"), uid);
    story.pass(18);
    assert_eq!(story.gate(Gate::SafeNow), Fail, "{}", story.gate_line(Gate::SafeNow));
    assert!(story.gate_line(Gate::SafeNow).contains("another rollout is under way"));
}

#[test]
fn a_rollout_is_under_way_until_all_pods_are_of_the_new_revision_or_the_controller_gave_up() {
    let gave_up = serde_json::json!([{"type": "Progressing", "status": "False",
        "reason": "ProgressDeadlineExceeded", "lastTransitionTime": "2026-11-20T11:50:00Z"}]);
    let none = serde_json::json!([]);
    for (replicas, updated, available, conditions, expected) in [
        (3, 3, 3, &none, Pass),
        (3, 3, 2, &none, Pass),
        (3, 2, 3, &none, Fail),
        (4, 3, 3, &none, Fail),
        (4, 1, 3, &gave_up, Pass),
    ] {
        let mut story = Story::told(vec![Workload::new("api")], |s| {
            s.workload_mut("api").deployment["status"] = serde_json::json!({"observedGeneration": 5,
                "replicas": replicas, "updatedReplicas": updated, "availableReplicas": available,
                "conditions": conditions});
        });
        goaround::engine::incident::by_hand(&mut story.state, &key("api"), Uid("rs-api-bbb2".into()));
        story.pass(18);
        let line = story.gate_line(Gate::SafeNow);
        assert_eq!(story.gate(Gate::SafeNow), expected, "{updated} of {replicas} updated: {line}");
        assert_eq!(line.contains("another rollout is under way"), expected == Fail, "{line}");
    }
}

#[test]
fn budgets_and_autoscalers_of_others_are_not_counted() {
    let of = |key: Key, selector: BTreeMap<Clean, Clean>| {
        let budget = DisruptionBudget { key, selector, healthy: 1, wanted: 2, allowed: 0 };
        ClusterFact::DisruptionBudgets(Change::Listed(vec![budget]))
    };
    let app = || BTreeMap::from([(Clean::new("app"), Clean::new("api"))]);
    let more = || app().into_iter().chain([(Clean::new("tier"), Clean::new("web"))]).collect();
    let scaler = |key: Key, kind: &str, min: i64, max: i64, desired: i64| {
        let target = (Clean::new(kind), Clean::new("api"));
        ClusterFact::Autoscalers(Change::Listed(vec![Autoscaler { key, target, min, max, desired }]))
    };
    for fact in [
        of(Key::new("other", "pdb"), app()),
        of(key("pdb"), BTreeMap::new()),
        of(key("pdb"), more()),
        scaler(Key::new("other", "hpa"), "Deployment", 2, 6, 6),
        scaler(key("hpa"), "StatefulSet", 2, 6, 6),
        // It never does anything else.
        scaler(key("hpa"), "Deployment", 6, 6, 6),
    ] {
        let mut story = around(|_| {});
        story.fact(fact.clone());
        story.pass(2);
        let line = story.gate_line(Gate::SafeNow);
        assert_eq!((story.gate(Gate::SafeNow), line.contains("PDB")), (Pass, false), "{fact:?}: {line}");
    }
}

#[test]
fn by_hand_needs_no_burn_and_no_slo() {
    let mut story = Story::told(vec![Workload::new("api")], |_| {});
    assert!(story.state.incidents.is_empty(), "nothing burns");
    goaround::engine::incident::by_hand(&mut story.state, &key("api"), Uid("rs-api-aaa1".into()));
    story.pass(18);
    let card = story.proposal();
    assert!(card.analysis.by_hand && card.needs_reason());
    assert_eq!(target(&story), Some("rs-api-aaa1"));
    assert_eq!(story.gate(Gate::Real), Fail, "{}", story.gate_line(Gate::Real));
    story.approve();
    assert_eq!(story.records("intent").pop().expect("an intent")["by_hand"], true);
    assert_eq!(story.count("execute"), 1);
}

// Mapping.

#[test]
fn an_slo_that_could_be_of_several_workloads_is_of_none_until_the_config_decides() {
    let setup = |config: bool| Setup {
        slo_workloads: if config {
            BTreeMap::from([(goaround::domain::slo::SloId(Clean::new("api-availability")), key("web"))])
        } else {
            BTreeMap::new()
        },
        ..Setup::default()
    };
    let mut story = Story::empty(setup(true), vec![Workload::burning("api"), Workload::new("web")]);
    story.begin();
    assert_eq!(story.state.incidents.keys().collect::<Vec<_>>(), [&key("web")], "the config decides first");
    let mut story = Story::empty(setup(false), vec![Workload::burning("api"), Workload::new("web")]);
    story.services.push(service("other"));
    story.begin();
    assert_eq!(story.state.incidents.keys().collect::<Vec<_>>(), [&key("api")], "the SLI's own matcher");
}

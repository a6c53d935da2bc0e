//! The pages on which somebody looks closer, at every size, with names and texts that try to break them.

use goaround::domain::alert::{ActiveAlert, AlertRule};
use goaround::domain::cluster::{Change, ClusterEvent, ClusterFact, Condition, Pod, Uid};
use goaround::domain::pod::{Container, LogLine, LogNews, PodPage, Run, Standing};
use goaround::domain::slo::Severity;
use goaround::domain::value::Value;
use goaround::engine::event::Command;
use goaround::engine::inspect::{self, LogState};
use goaround::engine::state::Weight;
use goaround::engine::{Effect, Event};

use super::*;

/// The story, with a pod that cannot start and one that was killed.
fn troubled() -> World {
    let mut world = World::burning();
    let bad = |name: &str, phase: &str, reason: Option<&str>, restarts: i64| Pod {
        key: Key::new("shop", name),
        uid: Uid(name.into()),
        replica_set: Some(Uid("rs-7f9c4d8b6".into())),
        node: Some(Clean::new("node-2")),
        phase: Clean::new(phase),
        ready: phase == "Running" && reason != Some("CrashLoopBackOff"),
        created: Some(at("12:26:12")),
        restarts,
        reason: reason.map(Clean::new),
        ..Pod::default()
    };
    let long = format!("api-gateway-7f9c4d8b6-決済{}", "x".repeat(180));
    for pod in [
        bad("api-gateway-7f9c4d8b6-9", "Running", Some("CrashLoopBackOff"), 37),
        bad("api-gateway-7f9c4d8b6-8", "Running", Some("OOMKilled"), 2),
        bad("api-gateway-7f9c4d8b6-عربي", "Pending", Some("ImagePullBackOff"), 0),
        bad(&long, "Pending", None, 0),
    ] {
        world.signal(Signal::Cluster(Box::new(ClusterFact::Pods(Change::Applied(pod)))));
    }
    world.look(120, 40);
    world
}

fn page() -> PodPage {
    let condition = |kind: &str, holds, reason: &str, message: &str| Condition {
        kind: Clean::new(kind),
        holds,
        reason: Clean::new(reason),
        message: Clean::new(message),
        since: Some(at("12:27:00")),
    };
    let event = |n: i64, kind: &str, warning, reason: &str, message: &str, count| ClusterEvent {
        key: Key::new("shop", format!("e{n}")),
        about_kind: Clean::new(kind),
        about_name: Clean::new("x"),
        warning,
        reason: Clean::new(reason),
        message: Clean::new(message),
        last: Some(at("12:33:00") - chrono::TimeDelta::seconds(n * 41)),
        count,
    };
    PodPage {
        key: Key::new("shop", "api-gateway-7f9c4d8b6-9"),
        uid: Uid("api-gateway-7f9c4d8b6-9".into()),
        phase: Clean::new("Running"),
        node: Clean::new("node-2"),
        ip: Clean::new("10.42.2.19"),
        qos: Clean::new("Burstable"),
        conditions: vec![
            condition("PodScheduled", true, "", ""),
            condition("Ready", false, "ContainersNotReady", "containers with unready status: [api]"),
        ],
        containers: vec![
            Container {
                name: Clean::new("api"),
                image: Clean::new("registry.example/shop/api:4.12"),
                default: true,
                now: Run {
                    standing: Standing::Waiting,
                    reason: Clean::new("CrashLoopBackOff"),
                    message: Clean::new("back-off 5m0s restarting failed container=api"),
                    ..Run::default()
                },
                before: Some(Run {
                    standing: Standing::Ended(137),
                    reason: Clean::new("OOMKilled"),
                    started: Some(at("12:31:00")),
                    ended: Some(at("12:31:19")),
                    ..Run::default()
                }),
                restarts: 37,
                resources: Clean::new("requests cpu 250m, memory 256Mi; limits memory 256Mi"),
                ..Container::default()
            },
            Container { name: Clean::new("proxy"), image: Clean::new("envoy:1"), ..Container::default() },
        ],
        events: vec![
            event(0, "Pod", true, "BackOff", "Back-off restarting failed container api in pod", 37),
            event(
                2,
                "Pod",
                false,
                "Pulled",
                "Container image \"registry.example/shop/api:4.12\" already present",
                38,
            ),
            event(8, "ReplicaSet", false, "SuccessfulCreate", "Created pod: api-gateway-7f9c4d8b6-9", 1),
            event(
                9,
                "Deployment",
                false,
                "ScalingReplicaSet",
                "Scaled up replica set api-gateway-7f9c4d8b6 from 0 to 1",
                1,
            ),
        ],
        ..PodPage::default()
    }
}

/// In front of the pods of api-gateway.
fn at_the_pods() -> World {
    let mut world = troubled();
    world.press(KeyCode::Char('p'));
    world
}

/// In front of the pod that crashes.
fn at_the_pod() -> World {
    let mut world = at_the_pods();
    world.state.view.pod = Some(page().uid);
    world.press(KeyCode::Enter);
    world.event(Event::Pod(page().uid, Box::new(Ok(page()))));
    world
}

/// In front of its log, whose stream is this one.
fn at_the_log() -> (World, u64) {
    let mut world = at_the_pod();
    world.press(KeyCode::Char('l'));
    let stream = world.state.inspected.log.as_ref().and_then(|log| log.stream).expect("a stream");
    world.event(Event::PodLog(stream, LogNews::Opened));
    (world, stream)
}

fn line(n: i64, text: &str) -> LogLine {
    LogLine {
        at: Some(at("12:31:00") + chrono::TimeDelta::milliseconds(n * 137)),
        text: Clean::new(text),
        cut: 0,
    }
}

/// A log that has something of everything.
fn written() -> (World, u64) {
    let (mut world, stream) = at_the_log();
    let mut lines: Vec<LogLine> = (0..30)
        .map(|n| {
            line(
                n,
                &format!(
                    "10.42.0.{n} - - \"GET /api/orders/{n} HTTP/1.1\" {} 0.00{n}",
                    if n % 7 == 3 { 500 } else { 200 }
                ),
            )
        })
        .collect();
    lines.push(line(31, "\u{1b}[31mERROR\u{1b}[0m  pool   timed out\tafter 30s"));
    lines.push(line(32, "決済サービス: タイムアウト (500) مرحبا e\u{301}"));
    lines.push(LogLine { cut: 123_456, ..line(33, &"payload ".repeat(60)) });
    world.event(Event::PodLog(stream, LogNews::Lines(lines)));
    world.event(Event::PodLog(stream, LogNews::Lost(Clean::new("the connection broke"))));
    world.event(Event::PodLog(stream, LogNews::Again { whole: false }));
    world.event(Event::PodLog(stream, LogNews::Lines(vec![line(40, "listening on :8080")])));
    world.look(120, 40);
    (world, stream)
}

/// Takes the same frame at every size.
macro_rules! sizes {
    ($name:literal, $world:expr) => {{
        shot!($name, $world, 80 x 24);
        shot!($name, $world, 120 x 40);
        shot!($name, $world, 160 x 50);
        shot!($name, $world, 200 x 60);
        mono(&$world);
    }};
}

/// Without colours every word and sign is there.
fn mono(world: &World) {
    let (colours, _) = world.frame(120, 40);
    let mut plain = ratatui::Terminal::new(ratatui::backend::TestBackend::new(120, 40)).expect("a terminal");
    plain
        .draw(|frame| {
            ui(Depth::None).draw(frame, &world.state);
        })
        .expect("a frame");
    assert_eq!(text(plain.backend().buffer()), text(&colours));
}

#[test]
fn the_pods_of_a_workload_by_revision_with_the_reason_of_each_state() {
    let world = at_the_pods();
    sizes!("pods", world);
}

#[test]
fn a_selected_revision_has_its_own_pods_and_tab_shows_all() {
    let mut world = troubled();
    world.state.view.pane = goaround::engine::view::Pane::Revisions;
    world.press(KeyCode::Down);
    world.press(KeyCode::Char('p'));
    let screen = text(&world.look(120, 40));
    assert!(
        screen.contains("no pods: it does not serve") && screen.contains("revision 5d9c7 4.11"),
        "{screen}"
    );
    world.press(KeyCode::Tab);
    assert!(text(&world.look(120, 40)).contains("all revisions"));
}

#[test]
fn a_pod_shows_containers_conditions_and_events() {
    let world = at_the_pod();
    sizes!("pod", world);
}

#[test]
fn the_selected_pod_stays_selected_when_others_come_and_go() {
    let mut world = at_the_pods();
    world.press(KeyCode::Down);
    let before = goaround::engine::inspect::selected_pod(&world.state, &Key::new("shop", "api-gateway"));
    world.signal(Signal::Cluster(Box::new(ClusterFact::Pods(Change::Deleted(
        Key::new("shop", "api-gateway-7f9c4d8b6-9"),
        Uid("api-gateway-7f9c4d8b6-9".into()),
    )))));
    let after = goaround::engine::inspect::selected_pod(&world.state, &Key::new("shop", "api-gateway"));
    assert_eq!(before, after);
}

#[test]
fn a_log_shows_every_character_and_says_what_is_not_there() {
    let (world, _) = written();
    let screen = text(&world.frame(120, 40).0);
    assert!(screen.contains("<1b>[31mERROR<1b>[0m  pool   timed out<09>after 30s"), "{screen}");
    assert!(screen.contains("123,456 more bytes of this line are not shown"), "{screen}");
    assert!(screen.contains("lines between may be missing"), "{screen}");
    sizes!("pod_log", world);
}

#[test]
fn what_is_searched_is_marked_and_counted_and_n_goes_there() {
    let (mut world, _) = written();
    world.press(KeyCode::Char('/'));
    world.type_text("500");
    shot!("pod_log_typing", world, 80 x 24);
    world.press(KeyCode::Enter);
    world.press(KeyCode::Char('N'));
    shot!("pod_log_search", world, 120 x 40);
    let screen = text(&world.frame(120, 40).0);
    assert!(screen.contains("line 4 of 5 that have it"), "{screen}");
    mono(&world);
}

#[test]
fn a_log_that_is_too_long_lets_the_oldest_lines_go_and_says_how_many() {
    let (mut world, stream) = at_the_log();
    for batch in 0..11 {
        let lines = (0..500).map(|n| line(n, &format!("line {}", batch * 500 + n))).collect();
        world.event(Event::PodLog(stream, LogNews::Lines(lines)));
    }
    let log = world.state.inspected.log.as_ref().expect("a log");
    assert_eq!((log.lines.len(), log.dropped), (5_000, 500));
    let screen = text(&world.look(80, 24));
    assert!(screen.contains("500 older lines were let go") && screen.contains("line 5499"), "{screen}");
    world.press(KeyCode::Home);
    let screen = text(&world.look(80, 24));
    assert!(screen.contains("line 500 "), "{screen}");
    world.event(Event::PodLog(stream, LogNews::Lines(vec![line(1, "the newest")])));
    assert!(!text(&world.look(80, 24)).contains("the newest"), "somebody reads further up");
    world.press(KeyCode::End);
    assert!(text(&world.look(80, 24)).contains("the newest"));
}

#[test]
fn a_log_is_followed_while_its_page_is_open_and_no_longer_whichever_way_it_is_left() {
    let stops = |world: &mut World, keys: &[KeyCode]| {
        world.effects.clear();
        keys.iter().for_each(|key| world.press(*key));
        world.effects.iter().filter(|e| matches!(e, Effect::StopLog(_))).count()
    };
    let (mut world, _) = at_the_log();
    assert_eq!(stops(&mut world, &[KeyCode::Esc]), 1);
    assert!(world.state.inspected.log.is_none());
    let (mut world, _) = at_the_log();
    assert_eq!(stops(&mut world, &[KeyCode::Char('f')]), 1);
    assert_eq!(stops(&mut world, &[KeyCode::Char('f'), KeyCode::Char('i')]), 1, "to the inbox");
    let (mut world, stream) = at_the_log();
    assert_eq!(stops(&mut world, &[KeyCode::Char('P')]), 1);
    let log = world.state.inspected.log.as_ref().expect("a log");
    assert!(log.previous && log.stream != Some(stream));
    world.event(Event::PodLog(stream, LogNews::Lines(vec![line(1, "late")])));
    assert!(world.state.inspected.log.as_ref().is_some_and(|log| log.lines.is_empty()), "of another stream");
}

#[test]
fn a_log_that_could_not_be_read_yet_has_lost_nothing() {
    let (mut world, stream) = at_the_log();
    world.event(Event::PodLog(stream, LogNews::Lost(Clean::new("ContainerCreating"))));
    world.event(Event::PodLog(stream, LogNews::Again { whole: true }));
    let log = world.state.inspected.log.as_ref().expect("a log");
    assert!(log.lines.is_empty() && log.state == LogState::Live);
}

#[test]
fn a_log_that_may_not_be_read_names_the_rule_that_is_missing() {
    let (mut world, stream) = at_the_log();
    let why = "pods \"x\" is forbidden: User \"ana\" cannot get resource \"pods/log\"; hint: ask for a rule with apiGroups [\"\"], resources [pods/log], verbs [get] in namespace shop, as in deploy/logs.yaml";
    world.event(Event::PodLog(stream, LogNews::Ended(Clean::new(why))));
    shot!("pod_log_forbidden", world, 80 x 24);
}

/// In front of the alert of api-gateway, with its rule and two others that burn.
fn at_the_alert() -> World {
    let mut world = World::burning();
    let clean = |pairs: &[(&str, &str)]| pairs.iter().map(|(k, v)| (Clean::new(k), Clean::new(v))).collect();
    let mut slos = world.slos.clone();
    for (n, since) in [(1, "12:27:00"), (2, "12:30:30")] {
        slos[n].alerts = vec![goaround::domain::slo::Alert {
            name: Clean::new("ErrorBudgetBurn"),
            severity: Severity::Page,
            firing: true,
            active_at: Some(at(since)),
        }];
    }
    world.signal(Signal::Slos(slos));
    world.look(120, 40);
    world.press(KeyCode::Char('A'));
    let annotations = clean(&[
        ("runbook_url", "https://runbooks.example/api-gateway"),
        ("dashboard", "https://grafana.example/d/api?var-ns=shop"),
        ("summary", "api-gateway burns its error budget"),
        ("note", "see https://elsewhere.example for \u{1b}]8;;https://evil.example\u{7}this"),
    ]);
    let rule = AlertRule {
        name: Clean::new("ErrorBudgetBurn"),
        severity: Severity::Page,
        expr: Clean::new(
            "(slo:sli_error:ratio_rate5m{sloth_id=\"api-gateway-requests-availability\"} > (14.4 * 0.001)) and (slo:sli_error:ratio_rate1h{sloth_id=\"api-gateway-requests-availability\"} > (14.4 * 0.001))",
        ),
        for_s: 120.0,
        labels: clean(&[("severity", "critical")]),
        annotations: clean(&[("summary", "{{ $labels.service }} burns")]),
        group: Clean::new("sloth-slo-alerts-api-gateway"),
        error: None,
        active: vec![ActiveAlert {
            labels: clean(&[
                ("alertname", "ErrorBudgetBurn"),
                ("severity", "critical"),
                ("namespace", "shop"),
            ]),
            annotations,
            firing: true,
            since: Some(at("12:31:58")),
            value: Value::Number(0.2),
        }],
    };
    let id = world.slos[0].id.clone();
    world.event(Event::Alerts(id, Box::new(Ok(vec![rule]))));
    world
}

#[test]
fn an_alert_shows_its_rule_its_links_and_what_burns_beside_it() {
    let mut world = at_the_alert();
    sizes!("alert", world);
    let drawn = |world: &World| {
        let mut terminal =
            ratatui::Terminal::new(ratatui::backend::TestBackend::new(120, 40)).expect("a terminal");
        terminal
            .draw(|frame| {
                world.ui.draw(frame, &world.state);
            })
            .expect("a frame");
    };
    drawn(&world);
    world.effects.clear();
    world.press(KeyCode::Down);
    world.press(KeyCode::Down);
    world.press(KeyCode::Char('y'));
    let copied = world.effects.iter().find_map(|effect| match effect {
        Effect::Copy(text) => Some(text.to_string()),
        _ => None,
    });
    assert_eq!(copied.as_deref(), Some("https://grafana.example/d/api?var-ns=shop"));
    world.press(KeyCode::Down);
    world.press(KeyCode::Enter);
    assert!(matches!(&world.state.view.screen, Screen::Alert(id) if id.0.as_str().starts_with("cockpit")));
}

#[test]
fn a_revision_says_what_it_changed_who_why_when_and_how_it_did() {
    let mut world = edited();
    world.look(120, 40);
    world.state.view.pane = goaround::engine::view::Pane::Revisions;
    world.press(KeyCode::Down);
    world.press(KeyCode::Enter);
    sizes!("revision", world);
}

#[test]
fn any_two_revisions_are_compared_older_first_with_both_names_and_word_by_word() {
    let mut world = edited();
    world.look(120, 40);
    world.state.view.pane = goaround::engine::view::Pane::Revisions;
    world.press(KeyCode::Down);
    world.press(KeyCode::Down);
    world.press(KeyCode::Char(' '));
    world.press(KeyCode::Up);
    world.press(KeyCode::Up);
    shot!("revisions_marked", world, 120 x 40);
    world.press(KeyCode::Char('d'));
    sizes!("compare", world);
    let screen = text(&world.frame(120, 40).0);
    assert!(screen.contains("- b2e17 4.10  →  + 7f9c4 4.12 (current)"), "{screen}");
    world.press(KeyCode::Char('n'));
    world.press(KeyCode::Char('n'));
    let screen = text(&world.frame(120, 40).0);
    assert!(screen.contains("change 2 of"), "{screen}");
}

#[test]
fn how_a_pod_is_in_words() {
    let pod = |phase: &str, ready, reason: &str| Pod {
        phase: Clean::new(phase),
        ready,
        reason: (!reason.is_empty()).then(|| Clean::new(reason)),
        ..Pod::default()
    };
    let node = Some(Clean::new("node-1"));
    for (pod, words, weight) in [
        (pod("Running", true, ""), "ready", Weight::Good),
        // The reason of an init container that did its work, and of a container that runs again.
        (pod("Running", true, "Completed"), "ready", Weight::Good),
        (
            Pod { restarts: 1, ..pod("Running", true, "OOMKilled") },
            "ready; ended before: OOMKilled (exit code 137)",
            Weight::Attention,
        ),
        (
            Pod { restarts: 1, ..pod("Running", true, "Error") },
            "ready; ended before: Error",
            Weight::Attention,
        ),
        (pod("Running", false, ""), "running, not ready", Weight::Attention),
        (pod("Running", false, "CrashLoopBackOff"), "CrashLoopBackOff", Weight::Bad),
        (pod("Running", false, "OOMKilled"), "OOMKilled (exit code 137)", Weight::Bad),
        (pod("Pending", false, ""), "pending, on no node yet", Weight::Attention),
        (Pod { node: node.clone(), ..pod("Pending", false, "") }, "creating", Weight::Attention),
        (
            Pod { node: node.clone(), ..pod("Pending", false, "ContainerCreating") },
            "creating",
            Weight::Attention,
        ),
        (
            Pod { node: node.clone(), ..pod("Pending", false, "PodInitializing") },
            "creating",
            Weight::Attention,
        ),
        (Pod { node, ..pod("Pending", false, "ImagePullBackOff") }, "ImagePullBackOff", Weight::Bad),
        (pod("Succeeded", false, "Completed"), "completed", Weight::Plain),
        (pod("Failed", false, "Evicted"), "Evicted", Weight::Bad),
        (pod("Failed", false, ""), "failed", Weight::Bad),
        (Pod { deleting: true, ..pod("Running", true, "") }, "terminating", Weight::Plain),
    ] {
        assert_eq!(inspect::pod_words(&pod), (words.to_owned(), weight), "{pod:?}");
    }
}

#[test]
fn a_log_is_scrolled_by_lines_and_screens_and_follows_again_at_its_end() {
    let (mut world, stream) = at_the_log();
    let lines = (0..100).map(|n| line(n, &format!("line {n}"))).collect();
    world.event(Event::PodLog(stream, LogNews::Lines(lines)));
    world.look(80, 24);
    let screen = world.state.view.page.rows as u64;
    assert!((10..24).contains(&screen));
    let wheel = |up| Command::Wheel(goaround::engine::view::Pane::Detail, up);
    for (command, bottom) in [
        (Command::Down, None),
        (Command::Up, Some(98)),
        (wheel(true), Some(97)),
        (wheel(false), Some(98)),
        (Command::PageUp, Some(98 - (screen - 1))),
        (Command::PageDown, Some(98)),
        (Command::Home, Some(screen - 1)),
        (Command::Up, Some(screen - 1)),
        (Command::Down, Some(screen)),
        (Command::End, None),
        (Command::Up, Some(98)),
        (Command::Down, None),
    ] {
        world.command(command.clone());
        assert_eq!(world.state.view.pod_log.bottom, bottom, "{command:?}");
    }
}

#[test]
fn a_search_goes_from_match_to_match_and_around_and_moves_the_page_only_where_it_must() {
    let (mut world, stream) = at_the_log();
    let words = |n| if [10, 50, 90].contains(&n) { "here" } else { "not" };
    let lines = (0..100).map(|n| line(n, &format!("{} {n}", words(n)))).collect();
    world.event(Event::PodLog(stream, LogNews::Lines(lines)));
    world.look(80, 24);
    world.command(Command::Search);
    world.type_text("HERE");
    world.command(Command::Submit);
    assert_eq!(world.state.view.pod_log.at, Some(90), "what came last");
    let rows = world.state.view.page.rows as u64;
    let middle = |at: u64| Some(at + rows / 2);
    for (at, bottom, newer, next, moved) in [
        (Some(10), Some(10), true, 50, middle(50)),
        (Some(90), Some(95), true, 10, middle(10)),
        (Some(50), Some(50), false, 10, middle(10)),
        (Some(10), Some(10), false, 90, None),
        // From where the page stands: the lowest line of it was seen.
        (None, Some(50), true, 90, None),
        (None, Some(49), true, 50, middle(50)),
        (None, Some(50), false, 50, Some(50)),
        (None, Some(49), false, 10, middle(10)),
        // The uppermost line of the page, and the one above it.
        (Some(10), Some(50 + rows - 1), true, 50, Some(50 + rows - 1)),
        (Some(10), Some(50 + rows), true, 50, middle(50)),
    ] {
        (world.state.view.pod_log.at, world.state.view.pod_log.bottom) = (at, bottom);
        world.command(if newer { Command::Next } else { Command::NextBack });
        let view = &world.state.view.pod_log;
        assert_eq!((view.at, view.bottom), (Some(next), moved), "from {at:?} at {bottom:?}, newer: {newer}");
    }
}

#[test]
fn the_logs_of_all_containers_come_in_turn() {
    let (mut world, _) = at_the_log();
    let mut page = page();
    page.containers.push(Container { name: Clean::new("shipper"), ..page.containers[0].clone() });
    let names: Vec<Clean> = page.containers.iter().map(|container| container.name.clone()).collect();
    assert!(names.len() > 2);
    world.event(Event::Pod(page.uid.clone(), Box::new(Ok(page))));
    for turn in 1..=names.len() {
        world.state.view.pod_log.bottom = Some(7);
        world.command(Command::Container);
        let log = world.state.inspected.log.as_ref().expect("a log");
        assert_eq!(log.container, names[turn % names.len()]);
        assert_eq!(world.state.view.pod_log.bottom, None);
    }
}

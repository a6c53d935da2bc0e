//! What the engine keeps, lists, counts and asks for around the way of an action: what a cockpit shows before anybody
//! decides, and what it forgets.

#[path = "common/story.rs"]
mod story;

use std::time::Duration;

use chrono::TimeDelta;
use goaround::domain::clean::Clean;
use goaround::domain::cluster::{Change, ClusterFact, Key, Uid};
use goaround::domain::inquiry::{Ask, Bucket, Purpose};
use goaround::domain::sli::understand;
use goaround::domain::slo::{Severity, Sli, Slo, SloId};
use goaround::domain::value::Value;
use goaround::domain::window::Window;
use goaround::engine::event::{Command, PageShown};
use goaround::engine::inbox::{self, Item};
use goaround::engine::investigate::{Answered, HISTORY, Study};
use goaround::engine::mapping::{self, How, Unmapped};
use goaround::engine::record;
use goaround::engine::state::Setup;
use goaround::engine::view::{self, Row, Screen};
use goaround::engine::world::PrometheusFound;
use goaround::engine::{Effect, Event, forget, incident, ledger, listing};
use story::{Story, Workload, at, key, known};

fn two_burn() -> Story {
    Story::told(vec![Workload::burning("api"), Workload::burning("web")], |_| {})
}

#[test]
fn what_nobody_asks_about_any_more_is_forgotten_within_a_minute() {
    let mut story = Story::config_edited(true);
    let config = key("api-config");
    let held = |story: &Story| {
        let (state, world) = (&story.state, &story.state.world);
        [
            state.config_asked.contains_key(&config),
            world.contents.contains_key(&config),
            world.known.contains_key(&config),
            world.watched.keys().any(|(key, _)| *key == config),
            !state.diffs.is_empty(),
        ]
    };
    assert_eq!(held(&story), [true; 5]);
    // Nothing of what is asked about goes.
    story.pass(120);
    assert_eq!(held(&story), [true; 5]);
    let begin = story.now;
    story.state.forgot = Some(begin);
    story.fact(ClusterFact::Deployments(Change::Deleted(key("api"), Uid("dep-api".into()))));
    story.fact(ClusterFact::ReplicaSets(Change::Listed(Vec::new())));
    story.pass(58);
    assert_eq!(held(&story), [true; 5], "not with every look");
    story.pass(2);
    assert_eq!(held(&story), [false; 5]);
    assert!(story.now - begin >= TimeDelta::seconds(60) && story.state.forgot > Some(begin));
}

#[test]
fn rights_are_forgotten_an_hour_after_they_were_asked_for() {
    let mut state = Story::burning().state;
    let asked = state.rights_asked.values().copied().max().expect("asked");
    assert!(!state.world.rights.is_empty());
    for (milliseconds, kept) in [(3_599_999, true), (3_600_000, false)] {
        state.now = asked + TimeDelta::milliseconds(milliseconds);
        state.forgot = None;
        forget::forget(&mut state, &Default::default());
        assert_eq!((state.rights_asked.is_empty(), state.world.rights.is_empty()), (!kept, !kept));
    }
}

#[test]
fn of_studies_those_of_incidents_and_the_selection_stay_and_the_newest_of_the_others() {
    let mut story = Story::burning();
    let (burning, slo) = story
        .state
        .world
        .slos
        .iter()
        .map(|(id, slo)| (id.clone(), slo.clone()))
        .find(|(id, _)| story.incident("api").slos.contains(id))
        .expect("an SLO burns");
    let named = |n: i64| SloId(Clean::new(format!("other-{n:02}")));
    for n in 0..40 {
        // The last one is not of this world any more.
        if n < 39 {
            story.state.world.slos.insert(named(n), Slo { id: named(n), ..slo.clone() });
        }
        story.state.studies.entry(named(n)).or_default().asked = Some(story.now + TimeDelta::seconds(n));
    }
    story.state.studies.get_mut(&burning).expect("a study").asked = None;
    story.state.view.selected = Some(Row::Slo(named(0)));
    story.state.listing.outdated_now();
    listing::keep(&mut story.state, true);
    story.state.forgot = None;
    forget::forget(&mut story.state, &Default::default());
    let kept: Vec<SloId> = story.state.studies.keys().cloned().collect();
    let mut wanted: Vec<SloId> = (7..39).map(named).collect();
    wanted.extend([burning, named(0)]);
    wanted.sort();
    assert_eq!(kept, wanted);
}

#[test]
fn the_inbox_has_what_can_be_decided_first_and_the_oldest_of_it() {
    let rows = |story: &Story| inbox::items(&story.state);
    let (api, web) = (key("api"), key("web"));
    // What is only told stands behind what can be done, although it is as old.
    let mut story = Story::told(vec![Workload::restarted(), Workload::burning("web")], |s| {
        s.edited("11:56:00", Vec::new());
    });
    assert!(!story.analysis("api").offer.acts() && story.analysis("web").offer.acts());
    let opened = story.now;
    let mut at = |name: &str, seconds| {
        let incident = story.state.incidents.get_mut(&key(name)).expect("an incident");
        incident.proposal.as_mut().expect("a card").opened = opened + TimeDelta::seconds(seconds);
    };
    at("api", -9);
    at("web", 0);
    assert_eq!(rows(&story), [Item::Gate(web.clone()), Item::Gate(api.clone())]);

    let mut story = two_burn();
    let opened = story.now;
    for (seconds, order) in [(-1, [&api, &web]), (1, [&web, &api])] {
        let incident = story.state.incidents.get_mut(&api).expect("an incident");
        incident.proposal.as_mut().expect("a card").opened = opened + TimeDelta::seconds(seconds);
        let incident = story.state.incidents.get_mut(&web).expect("an incident");
        incident.proposal.as_mut().expect("a card").opened = opened;
        assert_eq!(rows(&story), order.map(|key| Item::Gate(key.clone())));
    }
    story.approve_of("api");
    assert_eq!(rows(&story), [Item::Gate(web.clone()), Item::Running(api.clone())]);
    story.turn_to("web");
    story.show();
    story.command(Command::Wait);
    assert_eq!(rows(&story), [Item::Running(api), Item::Waiting(web)]);
}

#[test]
fn a_range_that_there_is_not_is_the_longest_one() {
    let mut story = Story::burning();
    story.state.view.screen = Screen::Main;
    for (asked, range) in [(0, 0), (2, 2), (200, view::RANGES.len() - 1)] {
        story.command(Command::Range(asked));
        assert_eq!(story.state.view.range, range);
    }
}

#[test]
fn keys_move_through_the_inbox_and_stop_at_its_ends() {
    let mut story = two_burn();
    let items = inbox::items(&story.state);
    assert_eq!(items.len(), 2);
    story.command(Command::Inbox);
    for (command, at) in [
        (Command::Down, 1),
        (Command::Down, 1),
        (Command::Up, 0),
        (Command::End, 1),
        (Command::Home, 0),
        (Command::PageDown, 1),
        (Command::PageUp, 0),
    ] {
        story.command(command.clone());
        assert_eq!(inbox::selected(&story.state).as_ref(), Some(&items[at]), "{command:?}");
    }
}

#[test]
fn among_slos_that_burn_alike_the_card_stays_with_the_one_it_is_about() {
    let mut story = Story::burning();
    let about = story.incident("api").slos.clone();
    assert_eq!(about.len(), 1);
    let mut other = story.state.world.slos[&about[0]].clone();
    other.id = SloId(Clean::new("api-latency"));
    for reading in other.ratios.values_mut() {
        reading.value = Value::from_f64(reading.value.number().unwrap_or(0.0) * 2.0);
    }
    story.state.world.slos.insert(other.id.clone(), other.clone());
    // With every look, of which there is one a second.
    for _ in 0..3 {
        story.pass(1);
        assert_eq!(
            story.incident("api").slos,
            [about[0].clone(), other.id.clone()],
            "the other burns faster"
        );
    }
    // One that pages comes before one that only makes a ticket, whatever the card was about.
    for alert in &mut story.state.world.slos.get_mut(&about[0]).expect("an SLO").alerts {
        alert.severity = Severity::Ticket;
    }
    story.state.world.slos.get_mut(&about[0]).expect("an SLO").pairs.clear();
    story.pass(2);
    assert_eq!(story.incident("api").slos, [other.id, about[0].clone()]);
}

#[test]
fn contents_that_do_not_come_hold_an_analysis_up_for_a_while_only() {
    let mut story = Story::empty(Default::default(), vec![Workload::restarted()]);
    story.edited("11:56:00", vec![known("timeout=5s")]);
    story.hold.insert("read_config");
    story.sources(&Clean::new("ana"));
    let opened = story.incident("api").opened;
    story.pass(14);
    assert!(story.state.studies.values().all(|study| study.complete), "all else was answered");
    assert!(!incident::ready(&story.state, &key("api")), "{:?}", story.now - opened);
    story.pass(1);
    assert!(incident::ready(&story.state, &key("api")));
}

#[test]
fn one_look_waits_for_rights_where_all_of_them_were_asked_for() {
    let mut story = Story::told(vec![Workload::new("api")], |_| {});
    assert!(story.state.incidents.is_empty() && incident::settled(&story.state));
    story.state.setup.every_right = true;
    assert!(incident::settled(&story.state), "none was asked for yet");
    story.hold.insert("rights");
    story.pass(2);
    assert!(!story.state.rights_asked.is_empty() && !incident::settled(&story.state));
    story.state.setup.every_right = false;
    assert!(incident::settled(&story.state), "nobody waits for them");
    story.state.setup.every_right = true;
    story.answer("rights");
    assert!(incident::settled(&story.state));
}

#[test]
fn differences_are_gone_through_from_where_the_page_stands() {
    let mut story = Story::burning();
    story.state.view.screen = Screen::Diff(key("api"));
    story.state.view.page = PageShown { rows: 8, last: 30, changes: vec![3, 10, 20] };
    // Scroll, the difference one is at, where a key leads to: the heading stays in sight.
    for (scroll, at, command, change, line) in [
        (0, None, Command::Next, 0, 2),
        (8, None, Command::Next, 1, 9),
        (10, None, Command::Next, 1, 9),
        (25, None, Command::Next, 0, 2),
        (25, None, Command::NextBack, 2, 19),
        (10, None, Command::NextBack, 0, 2),
        (0, None, Command::NextBack, 0, 2),
        (9, Some(1), Command::Next, 2, 19),
        (19, Some(2), Command::Next, 2, 19),
        (9, Some(1), Command::NextBack, 0, 2),
        (2, Some(0), Command::NextBack, 0, 2),
        // Of a page that had more of them.
        (8, Some(3), Command::Next, 1, 9),
    ] {
        (story.state.view.scroll, story.state.view.change) = (scroll, at);
        story.command(command.clone());
        let view = &story.state.view;
        assert_eq!((view.change, view.scroll), (Some(change), line), "{command:?} from {scroll}, {at:?}");
    }
}

#[test]
fn a_window_is_covered_in_part_where_series_are_younger_than_the_counts_reach() {
    let (from, to) = (at("11:00:00"), at("12:00:00"));
    // Minutes without a series, the window, how much of it is covered where that is not all of it.
    for (without, window, covered) in [
        (0, 60, None),
        (1, 60, None),
        (2, 60, Some(58)),
        (30, 60, Some(30)),
        (30, 5, Some(30)),
        (30, 61, Some(30)),
        (30, 62, None),
        (60, 60, None),
    ] {
        let bucket =
            |n| Bucket { end: from + TimeDelta::minutes(n), bad: None, total: (n > without).then_some(1.0) };
        let data = ((1..=60).map(bucket).collect(), Window::minutes(1));
        let mut study = Study::default();
        study.buckets = Some(Answered { data, from, to, partial: None });
        let minutes = study.covered(Window::minutes(window)).map(|covered| covered.num_minutes());
        assert_eq!(minutes, covered, "{without} minutes without, {window} m");
    }
}

#[test]
fn each_kind_of_record_has_its_line_in_the_journal() {
    for (kind, text, what, outcome) in [
        (
            record::PROPOSED,
            r#"{"offer":"rollback","target":"v3","verdict":"bad_deploy"}"#,
            "proposed rollback to v3",
            "bad_deploy",
        ),
        (
            record::INTENT,
            r#"{"offer":"restore_config","reason":"pool"}"#,
            "approved restore config: pool",
            "recorded",
        ),
        (record::INTENT, r#"{"offer":"restore_config","reason":""}"#, "approved restore config", "recorded"),
        (record::APPROVED, r#"{"offer":"rollback"}"#, "approved rollback, one of several", "approved"),
        (record::TAKEN_UP, r#"{"of":"ana"}"#, "takes up what ana began", ""),
        (record::REJECTED, r#"{"offer":"rollback","reason":"no"}"#, "rejected rollback: no", "rejected"),
        (record::WAITED, r#"{"reason":"later"}"#, "waits: later", "waited"),
        (record::EXPIRED, r#"{"offer":"rollback"}"#, "expired: rollback", "expired"),
        (record::WITHDRAWN, r#"{"offer":"rollback"}"#, "withdrawn: rollback", "withdrawn"),
        (record::OUTCOME, r#"{"done":1,"of":2,"unknown":false}"#, "1 of 2 calls accepted", "sent"),
        (record::OUTCOME, r#"{"done":0,"of":1,"unknown":true}"#, "0 of 1 calls accepted", "unknown"),
        (record::READ_BACK, r#"{"done":2}"#, "read back: 2 calls stand", ""),
        (record::READ_BACK, r#"{"word":"it was done"}"#, "says: it was done", "inconclusive"),
        (
            record::CLOSED,
            r#"{"words":"the SLO recovered","outcome":"helped"}"#,
            "the SLO recovered",
            "helped",
        ),
        (record::ADVICE, r#"{"model":"m","error":"no answer"}"#, "model m: no answer", ""),
        (
            record::ADVICE,
            r#"{"model":"m","answer":{"confirmed":3,"contradicted":1,"cause":"deploy"}}"#,
            "model m: 3 claims confirmed, 1 contradicted",
            "deploy",
        ),
        (record::RATIONALE, "{}", "wrote the rationale anew", ""),
        ("of_a_later_version", "{}", "of_a_later_version", ""),
    ] {
        let body: serde_json::Value = serde_json::from_str(text).expect("JSON");
        let summaries = ledger::summaries(std::iter::once((1, at("12:00:00"), kind, &body)));
        let line = &summaries[0];
        assert_eq!((line.what.as_str(), line.outcome.as_str()), (what, outcome), "{kind} {text}");
    }
}

#[test]
fn each_slo_has_its_word_and_is_counted_by_it() {
    let mut story = Story::burning();
    let slos = &mut story.state.world.slos;
    let of = |name: &str| SloId(Clean::new(name));
    let (paging, quiet) = (slos[&of("api-availability")].clone(), slos[&of("web-availability")].clone());
    let mut add = |name: &str, like: &Slo, change: &dyn Fn(&mut Slo)| {
        let mut slo = Slo { id: of(name), ..like.clone() };
        change(&mut slo);
        slos.insert(slo.id.clone(), slo);
    };
    let burns = |slo: &mut Slo, burn: f64| {
        slo.ratios.get_mut(&Window::minutes(5)).expect("a ratio").value = Value::from_f64(burn * 0.001);
    };
    add("api-ticket", &paging, &|slo| {
        slo.alerts[0].severity = Severity::Ticket;
        slo.pairs.clear();
    });
    add("web-exhausted", &quiet, &|slo| slo.remaining = Value::Number(0.0));
    add("web-overdrawn", &quiet, &|slo| slo.remaining = Value::Number(-0.2));
    add("web-risk", &quiet, &|slo| burns(slo, 1.1));
    add("web-healthy", &quiet, &|slo| burns(slo, 0.9));
    add("web-unknown", &quiet, &|slo| slo.ratios.clear());
    add("web-unheard", &quiet, &|slo| slo.ratios.clear());
    let word = |name: &str| view::state_word(&story.state.world.slos[&of(name)]);
    for (name, wanted) in [
        ("api-availability", "paging"),
        ("api-ticket", "ticket"),
        ("web-exhausted", "exhausted"),
        ("web-overdrawn", "exhausted"),
        ("web-risk", "at risk"),
        ("web-healthy", "healthy"),
        ("web-availability", "healthy"),
        ("web-unknown", "unknown"),
    ] {
        assert_eq!(word(name), wanted, "{name}");
    }
    story.state.listing.outdated_now();
    listing::keep(&mut story.state, true);
    let tally = story.state.listing.tally();
    assert_eq!((tally.paging, tally.at_risk, tally.unknown), (1, 4, 2));
}

#[test]
fn a_row_needs_the_name_of_its_slo_where_its_service_has_several() {
    let mut story = two_burn();
    let several = |story: &Story| ["api", "web"].map(|name| story.state.listing.several(&Clean::new(name)));
    assert_eq!(several(&story), [false, false]);
    let slos = &mut story.state.world.slos;
    let first = slos[&SloId(Clean::new("api-availability"))].clone();
    let second = Slo { id: SloId(Clean::new("api-latency")), ..first };
    slos.insert(second.id.clone(), second);
    story.state.listing.outdated_now();
    listing::keep(&mut story.state, true);
    assert_eq!(several(&story), [true, false]);
}

#[test]
fn the_long_past_is_asked_for_up_to_now() {
    let story = Story::burning();
    let asks = story.trace.iter().flat_map(|(stamped, effects)| effects.iter().map(|e| (stamped.at, e)));
    let asks = asks.filter_map(|(at, effect)| match effect {
        Effect::Inquire(inquiry) => Some(inquiry.asks.iter().map(move |ask| (at, ask))),
        _ => None,
    });
    let mut seen = [0; 2];
    for (now, ask) in asks.flatten() {
        let (which, span, asked) = match ask {
            Ask::Served { from, to, .. } => (0, Window::days(1), (*from, *to)),
            Ask::Counts { purpose: Purpose::History, from, to } => (1, HISTORY, (*from, *to)),
            _ => continue,
        };
        seen[which] += 1;
        assert_eq!(asked, (now - span.delta(), now), "{ask:?}");
    }
    assert!(seen.iter().all(|n| *n > 0), "{seen:?}");
}

#[test]
fn an_slo_judges_the_deployment_that_its_labels_its_matchers_or_its_service_name() {
    let mut story = Story::burning();
    let world = &mut story.state.world;
    let (api, web) = (key("api"), key("web"));
    let label = |name: &str, value: &str| (Clean::new(name), Clean::new(value));
    for (key, labels) in [
        (&api, [label("app", "front"), label("tier", "edge")]),
        (&web, [label("app", "api"), label("app.kubernetes.io/name", "shop")]),
    ] {
        world.deployments.get_mut(key).expect("a Deployment").template.labels = labels.into();
    }
    let plain = &world.slos[&SloId(Clean::new("web-availability"))];
    let slo = |service: &str, labels: &[(&str, &str)], matcher: &str| {
        let ratio =
            format!("sum(rate(m_total{{{matcher}code=~\"5..\"}}[5m])) / sum(rate(m_total{{{matcher}}}[5m]))");
        Slo {
            service: Clean::new(service),
            labels: labels.iter().map(|(name, value)| label(name, value)).collect(),
            sli: Sli::Understood(Box::new(understand(&ratio).expect("an SLI"))),
            ..plain.clone()
        }
    };
    let labels = |what: &str| How::Labels(Clean::new(what));
    let matchers = |what: &str| How::Matchers(Clean::new(what));
    let named = |what: &str| How::ServiceName(Clean::new(what));
    for (slo, found) in [
        (slo("web", &[("deployment", "api")], "job=\"web\","), Ok((api.clone(), labels("deployment=api")))),
        (slo("web", &[("workload", "api")], "job=\"web\","), Ok((api.clone(), labels("workload=api")))),
        (slo("web", &[("deployment", "gone")], "job=\"api\","), Ok((api.clone(), matchers("job=api")))),
        // A name goes before a label of pods, and only `app` is one.
        (slo("gone", &[], "app=\"api\","), Ok((api.clone(), matchers("app=api")))),
        (slo("gone", &[], "app=\"front\","), Ok((api.clone(), matchers("app=front")))),
        (slo("gone", &[], "app=\"shop\","), Ok((web.clone(), matchers("app=shop")))),
        (slo("gone", &[], "job=\"front\","), Err(Unmapped::None)),
        (slo("web", &[], ""), Ok((web.clone(), named("web")))),
        (slo("gone", &[("namespace", "elsewhere")], "job=\"api\","), Err(Unmapped::None)),
        (slo("gone", &[], "namespace=\"elsewhere\",job=\"api\","), Err(Unmapped::None)),
    ] {
        assert_eq!(mapping::workload(world, &slo, None), found, "{:?} {:?}", slo.labels, slo.service);
    }
    let gone = Key::new("shop", "gone");
    let slo = slo("web", &[], "");
    assert_eq!(mapping::workload(world, &slo, Some(&api)), Ok((api, How::Config)));
    assert_eq!(mapping::workload(world, &slo, Some(&gone)), Err(Unmapped::Missing(gone.clone())));
    // Two of one name, in two namespaces.
    let mut other = world.deployments[&web].clone();
    other.meta.key = Key::new("elsewhere", "web");
    world.deployments.insert(other.meta.key.clone(), other.clone());
    assert_eq!(mapping::workload(world, &slo, None), Err(Unmapped::Ambiguous(vec![other.meta.key, web])));
}

#[test]
fn a_deployment_that_comes_or_goes_is_in_the_list_with_the_next_event_after_a_pause() {
    let mut story = Story::burning();
    story.pass(1);
    let listed = |story: &Story| view::rows(&story.state).contains(&Row::Workload(key("new")));
    let mut new = story.state.world.deployments[&key("web")].clone();
    (new.meta.key, new.meta.uid) = (key("new"), Uid("dep-new".into()));
    story.fact(ClusterFact::Deployments(Change::Applied(new)));
    story.mono += Duration::from_millis(100);
    story.event(Event::Tick);
    assert!(listed(&story));
    story.fact(ClusterFact::Deployments(Change::Deleted(key("new"), Uid("dep-new".into()))));
    story.mono += Duration::from_millis(100);
    story.event(Event::Tick);
    assert!(!listed(&story));
}

#[test]
fn what_is_typed_into_the_palette_can_be_taken_back_and_holds_no_control_characters() {
    let mut story = Story::burning();
    story.state.view.screen = Screen::Main;
    story.command(Command::Palette);
    for (command, text, at) in [
        (Command::Char('a', 1), "a", 0),
        (Command::Char('b', 1), "ab", 0),
        (Command::Pick(3), "ab", 3),
        (Command::Backspace, "a", 0),
        (Command::Pick(3), "a", 3),
        (Command::Paste("x\u{1b}\ny".into()), "axy", 0),
        (Command::Pick(3), "axy", 3),
        (Command::Char('z', 1), "axyz", 0),
        (Command::Pick(3), "axyz", 3),
        (Command::Draft("slo".into()), "slo", 0),
    ] {
        story.command(command.clone());
        let palette = story.state.view.palette.as_ref().expect("it is open");
        assert_eq!((palette.text.as_str(), palette.at), (text, at), "{command:?}");
    }
    story.command(Command::Back);
    assert_eq!(story.state.view.palette, None);
}

#[test]
fn a_prometheus_is_looked_for_every_half_a_minute_until_there_is_one() {
    let asked = |story: &Story| {
        let effects = story.trace.iter().flat_map(|(_, effects)| effects);
        effects.filter(|effect| matches!(effect, Effect::FindPrometheus(_))).count()
    };
    let setup = Setup { find_prometheus: true, ..Setup::default() };
    let mut story = Story::empty(setup, vec![Workload::new("api")]);
    story.sources(&Clean::new("ana"));
    for (seconds, times) in [(0, 1), (29, 1), (1, 2), (29, 2), (1, 3)] {
        story.pass(seconds);
        assert_eq!(asked(&story), times);
    }
    story.state.world.prometheus = Some(PrometheusFound::default());
    story.pass(60);
    assert_eq!(asked(&story), 3);
}

#[test]
fn a_timeline_is_kept_for_the_selected_workload_where_no_analysis_has_it() {
    let mut story = Story::burning();
    for (name, kept) in [("api", false), ("web", true)] {
        story.state.view.selected = Some(Row::Slo(SloId(Clean::new(format!("{name}-availability")))));
        story.pass(2);
        assert_eq!(story.state.listing.timeline(&key(name)).is_some(), kept, "{name}");
        assert_eq!(view::timeline(&story.state, &key(name)).len(), 3, "{name}");
    }
}

#[test]
fn a_service_that_comes_later_says_whom_an_slo_judges() {
    let mut story = Story::told(vec![Workload::new("api")], |s| s.workload_mut("api").unmapped = true);
    let slo = SloId(Clean::new("api-availability"));
    assert_eq!(story.state.mapped[&slo], Err(Unmapped::None));
    let mut service = story::service("nowhere");
    service.selector = story::service("api").selector;
    story.fact(ClusterFact::Services(Change::Listed(vec![service])));
    story.pass(2);
    assert!(matches!(&story.state.mapped[&slo], Ok((found, _)) if *found == key("api")));
}

#[test]
fn owners_of_replica_sets_and_of_pods_are_counted() {
    let story = Story::burning();
    // Two Deployments, and the ReplicaSet of each that has pods.
    assert_eq!(story.state.world.owners(), 4);
}

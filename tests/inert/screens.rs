//! Every screen with a payload in every text that came from outside, drawn as the program draws and encoded as it
//! encodes; and what is recorded, exported and printed of the same state.

use std::collections::BTreeMap;

use goaround::domain::advice::{Advice, Answer, Confidence, Ending, Said, Share, ToolUse, Usage};
use goaround::domain::alert::{ActiveAlert, AlertRule};
use goaround::domain::claims::{Claim, Mark};
use goaround::domain::clean::Clean;
use goaround::domain::cluster::{
    Autoscaler, Change, ClusterEvent, ClusterFact, Condition, ContentDigest, Identity, Key, Node, Pod, Uid,
};
use goaround::domain::plan::DryRun;
use goaround::domain::pod::{Container, LogLine, LogNews, PodPage, Run};
use goaround::domain::signal::{Health, Signal, Source};
use goaround::domain::slo::{Origin, Severity};
use goaround::domain::value::Value;
use goaround::domain::verdict::{Offer, Verdict};
use goaround::engine::Effect;
use goaround::engine::event::{Command, Event};
use goaround::engine::ledger::{Told, Whole, summaries};
use goaround::engine::state::{Advisor, Setup};
use goaround::engine::view::Screen;
use goaround::shell::screen::encoder::Encoder;
use goaround::shell::screen::osc;
use goaround::shell::screen::terminal_type::Skills;
use goaround::shell::{export, history, journal, propose};
use goaround::ui::Ui;
use goaround::ui::keymap::{COMMANDS, DEFAULT, Keymap};
use goaround::ui::theme::{DARK, Depth, Theme};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use serde_json::json;

use crate::all;
use crate::corpus::{PAYLOADS, Payload};
use crate::story::{Story, Workload, deployment, key};
use crate::terminal::{Own, plain, read};

/// The built-in look.
pub fn ui() -> Ui {
    let theme = Theme::parse(DARK, "dark.toml").expect("a theme").at(Depth::True);
    Ui::new(theme, Keymap::parse(DEFAULT, "default.toml", COMMANDS).expect("a keymap"))
}

/// `p` wherever a server lets a text stand, in an object as the server sends it.
fn spoil(object: &mut serde_json::Value, p: &str) {
    let meta = &mut object["metadata"];
    for name in ["kubernetes.io/change-cause", "goaround.dev/irreversible", "goaround.dev/by", "note"] {
        meta["annotations"][name] = json!(p);
    }
    meta["annotations"]["kubectl.kubernetes.io/last-applied-configuration"] =
        json!(format!("{{\"x\":{}}}", json!(p)));
    meta["annotations"][p] = json!(p);
    meta["labels"][p] = json!(p);
    for entry in meta["managedFields"].as_array_mut().into_iter().flatten() {
        entry["manager"] = json!(format!("kubectl {p}"));
    }
    let template = &mut object["spec"]["template"];
    template["metadata"]["annotations"] = json!({"goaround.dev/irreversible": p, "note": p, p: "x"});
    let container = &mut template["spec"]["containers"][0];
    let image = container["image"].as_str().unwrap_or_default().to_owned();
    container["image"] = json!(format!("{image}{p}"));
    container["args"] = json!([p, "--flag", p]);
    let pool = container["env"][0]["value"].clone();
    container["env"] = json!([{"name": "POOL", "value": format!("{} {p}", pool.as_str().unwrap_or_default())}, {"name": format!("N{p}"), "value": p}]);
}

/// The story of a bad rollout with `p` in every object.
fn told(p: &str) -> Story {
    let mut api = Workload::burning("api");
    spoil(&mut api.deployment, p);
    for (n, set) in api.sets.iter_mut().enumerate() {
        // Revisions differ, each by what is hostile in it.
        spoil(set, &format!("{}{p}", ["one ", "two ", ""][n % 3]));
    }
    let setup = Setup {
        advisor: Some(Advisor { model: Clean::new(p), share: Share::FactsAndLogs }),
        context: Clean::new(p),
        prod: true,
        ..Setup::default()
    };
    Story::told(vec![api, Workload::new("web")], |s| {
        s.state.setup = setup;
        s.partial = Some(Clean::new(p));
        let config = s.configs.get_mut("api-config").expect("a ConfigMap");
        config["data"] = json!({"app.conf": format!("timeout=1s\n{p}\nmore"), p: p});
        config["metadata"]["managedFields"][0]["manager"] = json!(p);
        config["metadata"]["managedFields"][0]["time"] = json!("2026-11-20T11:56:30Z");
        s.known.insert("api-config".into(), vec![crate::story::known(&format!("timeout=5s\n{p}x\nmore"))]);
    })
}

/// What the sources, the model and the journal say besides the objects.
fn say(story: &mut Story, p: &str) {
    let c = || Clean::new(p);
    story.signal(Signal::Identity(Identity { user: c(), groups: vec![c()] }));
    story.signal(Signal::Scope { namespace: Some(c()), forbidden: true });
    story.signal(Signal::Prometheus { at: c(), why: c(), others: vec![c()] });
    story.signal(Signal::Warnings(vec![c()]));
    story.signal(Signal::Health(Source::Kind("nodes"), Health::Forbidden(c())));
    story.signal(Signal::Health(Source::Kind("events"), Health::Down(c())));
    story.signal(Signal::Failed(Source::Prometheus, c()));
    let event = ClusterEvent {
        key: Key::new("shop", p),
        about_kind: "Pod".into(),
        about_name: "api-ccc3-0".into(),
        warning: true,
        reason: c(),
        message: c(),
        last: Some(story.now),
        count: 3,
    };
    story.fact(ClusterFact::Events(Change::Listed(vec![event.clone()])));
    let node =
        Node { name: c(), ready: false, since: Some(story.now), pressures: vec![(c(), Some(story.now))] };
    story.fact(ClusterFact::Nodes(Change::Listed(vec![node])));
    let scaler = Autoscaler {
        key: Key::new("shop", p),
        target: ("Deployment".into(), "api".into()),
        ..Default::default()
    };
    story.fact(ClusterFact::Autoscalers(Change::Listed(vec![scaler])));
    let mut liar = deployment(&Workload::new("web").deployment);
    liar.meta.key = Key::new(p, p);
    liar.meta.uid = Uid(c());
    story.fact(ClusterFact::Deployments(Change::Applied(liar)));
    let pod = Pod {
        key: Key::new("shop", format!("api-ccc3-{p}")),
        uid: Uid(Clean::new("pod-x")),
        replica_set: Some(Uid("rs-api-ccc3".into())),
        node: Some(c()),
        phase: c(),
        reason: Some(c()),
        restarts: 7,
        ..Default::default()
    };
    story.fact(ClusterFact::Pods(Change::Applied(pod)));
    slos(story, p);
    model(story, p);
    story.pass(2);
    look_closer(story, p, event);
    records(story, p);
}

fn slos(story: &mut Story, p: &str) {
    let c = || Clean::new(p);
    // Nobody answers for an SLO of which the story has no workload.
    story.hold.insert("inquire");
    let mut slos: Vec<_> = story.state.world.slos.values().cloned().collect();
    for slo in &mut slos {
        slo.labels.insert(c(), c());
        slo.rule_labels.insert(c(), c());
        slo.runbook = Some(c());
        slo.alerts.iter_mut().for_each(|alert| alert.name = c());
    }
    if let Some(mut liar) = slos.first().cloned() {
        (liar.id.0, liar.name, liar.service, liar.origin) = (c(), c(), c(), Origin::Recorded);
        slos.push(liar);
    }
    story.signal(Signal::Slos(slos));
}

fn model(story: &mut Story, p: &str) {
    let c = || Clean::new(p);
    let mut asked = story.trace.iter().flat_map(|(_, effects)| effects).filter_map(|effect| match effect {
        Effect::Advise(brief) => Some(brief.id),
        _ => None,
    });
    let Some(id) = asked.next_back() else { return };
    let said = |mark| Said {
        text: c(),
        evidence: vec!["E1".into()],
        claims: vec![Claim { sentence: 0, span: 0..c().as_str().len().min(1), text: p.to_owned(), mark }],
    };
    let sent = Advice::Sent { model: c(), prompt: ContentDigest("ab".into()), tokens: 9, request: vec![c()] };
    let tool = Advice::Tool(0, ToolUse { call: c(), result: Some(Err(c())) });
    for advice in [sent, tool, Advice::Draft(vec![said(Mark::NotFound)]), Advice::Repair(c())] {
        story.event(Event::Advice(id, Box::new(advice)));
    }
    let answer = Answer {
        cause: Verdict::Dependency,
        action: Offer::None,
        target: None,
        sentences: vec![said(Mark::NotFound), said(Mark::Contradicted { truth: Some(p.to_owned()) })],
        counter: vec![said(Mark::Confirmed)],
        unknown: vec![said(Mark::NotFound)],
        confidence: Confidence::High,
    };
    let ending = Ending {
        answer: Ok(answer),
        raw: p.to_owned(),
        repaired: Some(c()),
        model: c(),
        usage: Usage::default(),
        stopped: false,
        first_word: None,
        took: chrono::TimeDelta::seconds(1),
    };
    story.event(Event::Advice(id, Box::new(Advice::Ended(Box::new(ending)))));
}

/// A pod, its log, the rules of an alert.
fn look_closer(story: &mut Story, p: &str, event: ClusterEvent) {
    let c = || Clean::new(p);
    story.state.view.screen = Screen::Pods(key("api"));
    story.command(Command::Open);
    let Screen::Pod(pod, uid) = story.state.view.screen.clone() else {
        panic!("{:?}", story.state.view.screen)
    };
    let run = Run { reason: c(), message: c(), ..Default::default() };
    let page = PodPage {
        key: pod.clone(),
        uid: uid.clone(),
        phase: c(),
        reason: c(),
        message: c(),
        node: c(),
        ip: c(),
        qos: c(),
        conditions: vec![Condition { kind: c(), holds: false, reason: c(), message: c(), since: None }],
        containers: vec![Container {
            name: c(),
            image: c(),
            now: run.clone(),
            before: Some(run),
            resources: c(),
            ..Default::default()
        }],
        events: vec![event],
        events_missing: Some(c()),
        ..Default::default()
    };
    story.event(Event::Pod(uid.clone(), Box::new(Ok(page))));
    story.command(Command::PodLog);
    story.pass(1);
    let mut stream = story.trace.iter().flat_map(|(_, effects)| effects).filter_map(|effect| match effect {
        Effect::FollowLog(request) => Some(request.stream),
        _ => None,
    });
    if let Some(stream) = stream.next_back() {
        let lines =
            p.split('\n').take(50).map(|line| LogLine { at: None, text: Clean::new(line), cut: 0 }).collect();
        for news in [LogNews::Opened, LogNews::Lines(lines), LogNews::Lost(c()), LogNews::Ended(c())] {
            story.event(Event::PodLog(stream, news));
        }
    }
    let map = || BTreeMap::from([(c(), c()), ("runbook_url".into(), c()), ("summary".into(), c())]);
    let active = ActiveAlert {
        labels: map(),
        annotations: map(),
        firing: true,
        since: None,
        value: Value::Number(1.0),
    };
    let rule = AlertRule {
        name: c(),
        severity: Severity::Page,
        expr: c(),
        for_s: 0.0,
        labels: map(),
        annotations: map(),
        group: c(),
        error: Some(c()),
        active: vec![active],
    };
    if let Some(slo) = story.state.world.slos.keys().next().cloned() {
        story.state.view.screen = Screen::Alert(slo.clone());
        story.pass(1);
        story.event(Event::Alerts(slo, Box::new(Ok(vec![rule]))));
    }
}

/// The journal as its page has it.
fn records(story: &mut Story, p: &str) {
    let body = json!({"by": p, "workload": p, "proposal": p, "reason": p, "outcome": p, p: [p, {p: p}]});
    let entries = summaries([(7, story.now, "intent", &body), (8, story.now, "outcome", &body)].into_iter());
    story.event(Event::Records(Told { entries, records: 9, head: Err(Clean::new(p)) }));
    story.event(Event::Whole(Ok(Whole { seq: 7, hash: Clean::new(p), body })));
    story.event(Event::Exported(Err(Clean::new(p))));
}

/// Every screen that there is.
fn every_screen(story: &Story) -> Vec<Screen> {
    let api = key("api");
    let set = |hash: &str| Uid(Clean::new(format!("rs-api-{hash}")));
    let slos = story.state.world.slos.keys().cloned();
    let mut all: Vec<Screen> = slos
        .flat_map(|id| [Screen::Readings(id.clone()), Screen::Queries(id.clone()), Screen::Alert(id)])
        .collect();
    let pods = story.state.world.pods.values().find(|pod| pod.key.name.as_str().starts_with("api-"));
    all.extend(pods.into_iter().flat_map(|pod| {
        [Screen::Pod(pod.key.clone(), pod.uid.clone()), Screen::PodLog(pod.key.clone(), pod.uid.clone())]
    }));
    all.extend([
        Screen::Main,
        Screen::Card(api.clone()),
        Screen::Evidence(api.clone()),
        Screen::Diff(api.clone()),
        Screen::Model(api.clone()),
        Screen::Log,
        Screen::Journal,
        Screen::Record(7),
        Screen::Pods(api.clone()),
        Screen::Revision(api.clone(), set("ccc3")),
        Screen::Compare(api, set("bbb2"), set("ccc3")),
        Screen::Inbox,
        Screen::Drill,
        Screen::Contexts,
    ]);
    all
}

/// Draws all screens; what is sent must be ours, on every one of them.
fn draw(story: &mut Story, ui: &Ui, encoder: &mut Encoder) {
    for screen in every_screen(story) {
        story.state.view.screen = screen.clone();
        for (columns, rows) in [(80, 24), (150, 50)] {
            let mut buffer = Buffer::empty(Rect::new(0, 0, columns, rows));
            let drawn = ui.paint(&story.state, &mut buffer);
            let mut sent = Vec::new();
            encoder.frame(&buffer, &drawn.links, None, &mut sent);
            if let Err(foreign) = read(&sent, Own::Frame) {
                panic!("{screen:?} at {columns}x{rows}: {foreign}");
            }
        }
        let title = osc::title(&ui.title(&story.state));
        read(title.as_bytes(), Own::Session)
            .unwrap_or_else(|foreign| panic!("title of {screen:?}: {foreign}"));
    }
}

/// Clipboard, notifications, and what was recorded, as the performer passes them on.
fn effects(story: &Story) {
    for effect in story.trace.iter().flat_map(|(_, effects)| effects) {
        let sent = match effect {
            Effect::Notify { title, body } => osc::notification(title, body),
            Effect::Copy(text) => osc::clipboard(text),
            _ => continue,
        };
        read(sent.as_bytes(), Own::Session).unwrap_or_else(|foreign| panic!("{effect:?}: {foreign}"));
    }
}

/// The journal as a file, the post-mortem made of it, the history, the proposals as text and JSON.
fn files(story: &Story, decided: bool) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut file = journal::Journal::open(folder.path()).expect("a journal");
    for (stamped, effects) in &story.trace {
        for effect in effects {
            if let Effect::Record { kind, body, .. } = effect {
                file.append(stamped.at, kind, body).expect("a record");
            }
        }
    }
    let text = std::fs::read_to_string(file.path()).expect("a file");
    plain(&text).unwrap_or_else(|foreign| panic!("journal: {foreign}"));
    for line in text.lines() {
        serde_json::from_str::<serde_json::Value>(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    }
    let (records, verified) = journal::read_and_verify(folder.path());
    assert_eq!(records.len(), text.lines().count());
    let rows = history::rows(&records);
    plain(&history::table(&rows)).unwrap_or_else(|foreign| panic!("history: {foreign}"));
    let cases = export::chosen(&records, None, Some(chrono::DateTime::UNIX_EPOCH)).expect("cases");
    assert_eq!(cases.is_empty(), !decided);
    let exported = export::as_json(&cases, &verified);
    let document = export::markdown::document(&exported);
    plain(&document).unwrap_or_else(|foreign| panic!("post-mortem: {foreign}"));
    is_our_markdown(&document);
    plain(&propose::as_text(&story.state)).unwrap_or_else(|foreign| panic!("propose: {foreign}"));
    let json = goaround::domain::clean::printable_json(&propose::as_json(&story.state).to_string());
    plain(&json).unwrap_or_else(|foreign| panic!("propose: {foreign}"));
}

/// No heading, address, tag or block that this program does not write.
fn is_our_markdown(document: &str) {
    const HEADINGS: [&str; 10] = [
        "# Post-mortem",
        "## Timeline",
        "## Why",
        "## Gates",
        "## Evidence",
        "## What was sent",
        "### Not restored",
        "## Prediction and result",
        "## What the model",
        "## Records",
    ];
    let mut fence: Option<usize> = None;
    for line in document.lines() {
        let ticks = line.bytes().take_while(|b| *b == b'`').count();
        match fence {
            Some(open) => {
                if ticks >= open && line.len() == ticks {
                    fence = None;
                }
                continue;
            }
            None if ticks >= 3 => {
                assert_eq!(&line[ticks..], "diff", "{line:?}");
                fence = Some(ticks);
                continue;
            }
            None => {}
        }
        let known =
            HEADINGS.iter().any(|own| line.starts_with(own)) || line.starts_with("## How to check this");
        assert!(!line.trim_start().starts_with('#') || known, "{line:?}");
        assert!(!line.contains("://") && !line.contains("www.") && !line.contains("]("), "{line:?}");
        let bare = line.replace("&lt;", "").replace("&gt;", "");
        let quote = bare.strip_prefix("> ").unwrap_or(&bare);
        assert!(!quote.contains('<') && !quote.contains('>'), "{line:?}");
        assert!(!line.starts_with("    ") && !line.starts_with('\t'), "{line:?}");
        if line.starts_with('|') {
            let bars = line.replace("\\\\", "").replace("\\|", "").matches('|').count();
            assert!([3, 5, 6, 7].contains(&bars), "{bars} cells: {line:?}");
        }
    }
    assert_eq!(fence, None, "a block of code that nothing ends");
}

/// One payload through all of it; `decided`: a person approves, and the action runs to its end.
fn through(payload: &Payload, decided: bool, ui: &Ui, encoder: &mut Encoder) {
    let p: String = payload.text.chars().take(20_000).collect();
    let mut story = told(&p);
    say(&mut story, &p);
    draw(&mut story, ui, encoder);
    if decided {
        story.turn_to("api");
        story.command(Command::Reject);
        story.command(Command::Paste(p.clone()));
        story.command(Command::Submit);
        story.pass(2);
        story.dry_run = Some(DryRun::Refused(Clean::new(&p)));
        draw(&mut story, ui, encoder);
    }
    effects(&story);
    files(&story, decided && story.records("rejected").len() == 1);
}

/// The payloads as they go through: each alone where everything is wanted, else the beginnings of sixteen in one text.
fn portions() -> Vec<Payload> {
    if all() {
        return PAYLOADS.clone();
    }
    let bundle = |some: &[Payload]| {
        let names: Vec<&str> = some.iter().map(|payload| payload.name.as_str()).collect();
        let text = some.iter().map(|payload| payload.text.chars().take(60).collect::<String>());
        Payload {
            kind: some[0].kind.clone(),
            name: names.join(", "),
            text: text.collect::<Vec<_>>().join(" "),
        }
    };
    // Apart in the file, so that one kind does not stand behind what its own beginning hides.
    let every = PAYLOADS.len().div_ceil(16);
    (0..every)
        .map(|n| PAYLOADS.iter().skip(n).step_by(every).cloned().collect::<Vec<_>>())
        .map(|some| bundle(&some))
        .collect()
}

#[test]
fn every_payload_in_every_text_of_every_screen_and_file() {
    let (ui, mut encoder) = (ui(), Encoder::new(Skills::MODERN));
    let begun = std::time::Instant::now();
    for (n, payload) in portions().iter().enumerate() {
        let taken = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            through(payload, all() || n % 4 == 0, &ui, &mut encoder);
        }));
        assert!(taken.is_ok(), "{}: {}", payload.kind, payload.name);
    }
    println!("{} payloads in {:.1} s", PAYLOADS.len(), begun.elapsed().as_secs_f64());
}

#[test]
fn the_words_of_a_model_are_asked_for_at_all() {
    let story = told("x");
    assert!(
        story.trace.iter().flat_map(|(_, effects)| effects).any(|effect| matches!(effect, Effect::Advise(_)))
    );
}

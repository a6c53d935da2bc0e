//! A recording leads to the same state and the same frames, whatever happened; what was changed, cut off or comes from
//! somewhere else is refused with its place, or said.

mod common;
#[path = "common/story.rs"]
mod story;

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use goaround::domain::Time;
use goaround::domain::advice::{Advice, BriefId};
use goaround::domain::clean::Clean;
use goaround::domain::cluster::{ClusterFact, Key, Right};
use goaround::domain::evidence::{Evidence, EvidenceList};
use goaround::domain::inquiry::{Ask, Finding, Findings, PodCounts, Purpose, Sent};
use goaround::domain::latency::{Durations, Found, Histogram, Step};
use goaround::domain::signal::{Health, Signal, Source};
use goaround::domain::sli::Selector;
use goaround::domain::slo::SloId;
use goaround::domain::value::Value;
use goaround::domain::window::Window;
use goaround::engine::event::{Called, Command, Shown};
use goaround::engine::state::Setup;
use goaround::engine::view::Screen;
use goaround::engine::{Effect, Event, Stamped, State, step};
use goaround::shell::recording::{Drawn, Line, Reader, Recording};
use goaround::shell::replay::{Pace, Replay};
use goaround::ui::Ui;
use goaround::ui::keymap::{COMMANDS, DEFAULT, Keymap};
use goaround::ui::theme::{DARK, Theme};
use proptest::prelude::*;
use story::{Story, Workload, at, key};

fn ui() -> Ui {
    let theme = Theme::parse(DARK, "dark").expect("a theme");
    Ui::new(theme, Keymap::parse(DEFAULT, "default", COMMANDS).expect("a keymap"))
}

/// A story began at noon with the card in front.
fn beginning(setup: Setup, began: Time) -> State {
    let mut state = State::new(setup, began);
    state.view.screen = Screen::Card(key("api"));
    state
}

/// Steps as the loop does.
fn take(state: &mut State, stamped: Stamped) {
    for effect in step(state, stamped) {
        state.quitting |= matches!(effect, Effect::Quit);
    }
}

/// Records what happened, as the loop does.
fn record(path: &Path, setup: Setup, events: &[Stamped]) -> State {
    let mut state = beginning(setup, at("12:00:00"));
    let mut recording = Recording::begin(path, &state, ui()).expect("a new file");
    for stamped in events {
        assert_eq!(recording.take(&state, stamped, Some((100, 30))), None);
        take(&mut state, stamped.clone());
    }
    recording.end().expect("room on the disk");
    state
}

/// Reads all steps, and holds every frame against its sum.
fn play(path: &Path) -> (State, Vec<Stamped>, usize) {
    let mut reader = Reader::open(path).expect("a recording");
    let mut state = beginning(reader.header.setup.clone(), reader.header.began);
    let (mut steps, mut frames) = (Vec::new(), 0);
    while let Some(line) = reader.next_line().expect("a whole line") {
        match line {
            Line::Step(stamped) => {
                steps.push(stamped.clone());
                take(&mut state, stamped);
            }
            Line::Frame(drawn) => {
                frames += 1;
                assert_eq!(Drawn::of(&ui(), &state, (drawn.width, drawn.height)), drawn, "frame {frames}");
            }
            Line::End { steps: n, frames: m } => assert_eq!((n, m), (steps.len() as u64, frames)),
        }
    }
    assert_eq!(reader.cut, None);
    (state, steps, frames as usize)
}

fn file() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("incident.jsonl");
    (folder, path)
}

/// The stories, each from its first event to its last.
fn stories() -> Vec<(&'static str, Story)> {
    let mut helped = Story::burning();
    helped.approve();
    helped.controller("api", 3);
    helped.heal("api");
    helped.pass(240);
    let mut restored = Story::config_edited(true);
    restored.command(Command::AddRestore);
    restored.pass(5);
    restored.approve_if_it_arms();
    restored.pass(30);
    let mut refused = Story::burning();
    refused.calls.push_back(Called::Refused("the template is another one".into()));
    refused.approve();
    refused.pass(60);
    let mut unknown = Story::burning();
    unknown.calls.push_back(Called::Unknown("connection lost".into()));
    unknown.approve();
    unknown.found = Some(1);
    unknown.pass(90);
    let mut rejected = Story::burning();
    rejected.show();
    rejected.command(Command::Reject);
    rejected.command(Command::Paste("the canary was ours, \u{202e} we know".into()));
    rejected.command(Command::Submit);
    rejected.pass(30);
    rejected.command(Command::Quit);
    let two = Story::told(vec![Workload::burning("api"), Workload::burning("web")], |_| {}).restarted();
    vec![
        ("helped", helped),
        ("restored", restored),
        ("refused", refused),
        ("unknown", unknown),
        ("rejected", rejected),
        ("two workloads, second session", two),
    ]
}

#[test]
fn a_recording_of_a_story_leads_to_the_same_state_and_the_same_frames() {
    let mut seen = 0;
    for (name, story) in stories() {
        let (_folder, path) = file();
        let events: Vec<Stamped> = story.trace.iter().map(|(stamped, _)| stamped.clone()).collect();
        let mut lived = record(&path, story.state.setup.clone(), &events);
        let (played, read, frames) = play(&path);
        seen += frames;
        assert_eq!(read, events, "{name}");
        assert_eq!(played, lived, "{name}");
        // What the story did by hand before its first event is no event.
        lived.view = story.state.view.clone();
        lived.quitting = story.state.quitting;
        if !name.contains("second session") {
            assert_eq!(lived, story.state, "{name}");
        }
        only_whole_numbers(name, &std::fs::read_to_string(&path).expect("text"));
    }
    assert!(seen > 5, "frames were compared: {seen}");
}

/// Readers of JSON round what has a fraction: floats must stand there as text.
fn only_whole_numbers(name: &str, recording: &str) {
    fn walk(value: &serde_json::Value, path: &str) {
        match value {
            serde_json::Value::Number(n) => assert!(!n.is_f64(), "{path}: {n}"),
            serde_json::Value::Array(list) => list.iter().for_each(|v| walk(v, path)),
            serde_json::Value::Object(map) => map.iter().for_each(|(k, v)| walk(v, &format!("{path}.{k}"))),
            _ => {}
        }
    }
    for line in recording.lines() {
        walk(&serde_json::from_str(line).expect("every line is JSON"), name);
    }
}

fn back(event: Event) -> Event {
    let stamped = Stamped { at: at("12:00:00"), mono: std::time::Duration::from_nanos(17), event };
    let text = serde_json::to_string(&Line::Step(stamped)).expect("it is written");
    match serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}")) {
        Line::Step(stamped) => stamped.event,
        other => panic!("{other:?}"),
    }
}

fn evidence() -> Evidence {
    let mut list = EvidenceList::default();
    list.add("log line", "logs", at("12:00:00")).value(Value::Infinite { negative: true }, "requests/s");
    list.items()[0].clone()
}

#[test]
fn what_no_story_tells_comes_back_as_well() {
    let id = SloId("api \"{x}\"".into());
    let right = Right { verb: "patch", resource: "deployments", group: "apps", namespace: "shop".into() };
    let (from, to) = (at("11:00:00"), at("12:00:00"));
    let selector = Selector { name: Some("x_seconds_bucket".into()), matchers: vec![] };
    let histogram = Histogram { metric: "x_seconds_bucket".into(), selector, unit: 1e-3 };
    for event in [
        Event::Leaving,
        Event::Signal(Signal::Health(Source::Kind("nodes"), Health::Forbidden("no".into()))),
        Event::Signal(Signal::Scope { namespace: Some("shop".into()), forbidden: true }),
        Event::Signal(Signal::Rights(vec![(right, true)])),
        Event::Signal(Signal::Prometheus {
            at: "http://x".into(),
            why: "y".into(),
            others: vec!["z".into()],
        }),
        Event::Signal(Signal::Clock(Source::Prometheus, -9_400)),
        Event::Signal(Signal::Warnings(vec!["partial".into()])),
        Event::Signal(Signal::Cluster(Box::new(ClusterFact::Content(Key::new("a", "b"), None)))),
        Event::Signal(Signal::Findings(Box::new(Findings {
            number: u64::MAX,
            slo: id,
            answers: vec![
                (Ask::Scrape, Ok(Finding::Scrape(None))),
                (
                    Ask::Counts { purpose: Purpose::Interval(3), from, to },
                    Ok(Finding::Counts(vec![PodCounts { bad: f64::INFINITY, ..PodCounts::default() }])),
                ),
                (Ask::Past { from, to, step: Window::minutes(1) }, Ok(Finding::Past(vec![(to, 0.1 + 0.2)]))),
                (Ask::Scrape, Err("no \u{1b} answer".into())),
                (Ask::Histogram { native: false }, Ok(Finding::Histogram(Found::Classic(histogram.clone())))),
                (
                    Ask::Durations { histogram, from, to, step: Window::minutes(1) },
                    Ok(Finding::Durations(Durations::of(
                        vec![0.1, f64::INFINITY],
                        vec![Step { end: to, within: vec![0.3, 1e300] }],
                    ))),
                ),
                (Ask::Period { from, to }, Ok(Finding::Period(None))),
                (Ask::Newest { from, to }, Ok(Finding::Newest(0.1 + 0.2))),
            ],
            sent: vec![(2, Sent { promql: "up".into(), at: (from, to, None) })],
            partial: vec![(1, "half".into())],
            queries: 4,
        }))),
        Event::Advice(BriefId(7), Box::new(Advice::Found(evidence()))),
        Event::Advice(BriefId(7), Box::new(Advice::failed("no key".into()))),
        Event::Command(Command::Char('\u{1f600}', 9)),
        Event::Shown(Shown { digest: None, lines: vec![0, 7], large_enough: false, ..Shown::default() }),
    ] {
        assert_eq!(back(event.clone()), event);
    }
}

proptest! {
    #[test]
    fn any_text_and_any_number_comes_back(text in ".{0,200}", raw in any::<String>(), number in any::<f64>()) {
        let clean = Event::Signal(Signal::Failed(Source::Prometheus, Clean::new(&raw)));
        prop_assert_eq!(back(clean.clone()), clean);
        let pasted = Event::Command(Command::Paste(text));
        prop_assert_eq!(back(pasted.clone()), pasted);
        let value = Value::from_f64(number);
        let written = serde_json::to_string(&value).expect("it is written");
        prop_assert_eq!(serde_json::from_str::<Value>(&written).expect("it is read"), value);
    }
}

/// A short recording.
fn recorded() -> (tempfile::TempDir, PathBuf, String) {
    let (folder, path) = file();
    let mut story = Story::burning();
    story.show();
    let events: Vec<Stamped> = story.trace.iter().map(|(stamped, _)| stamped.clone()).collect();
    record(&path, story.state.setup.clone(), &events);
    let text = std::fs::read_to_string(&path).expect("text");
    (folder, path, text)
}

/// Reads to the end or to what is wrong.
fn read(path: &Path) -> Result<(usize, Option<u64>), String> {
    let mut reader = Reader::open(path).map_err(|error| error.to_string())?;
    let mut lines = 1;
    while reader.next_line().map_err(|error| error.to_string())?.is_some() {
        lines += 1;
    }
    Ok((lines, reader.cut))
}

#[test]
fn a_recording_is_private_and_is_never_written_over() {
    let (_folder, path, _) = recorded();
    let mode = std::fs::metadata(&path).expect("a file").permissions().mode();
    assert_eq!(mode & 0o7777, 0o600);
    let state = State::new(Setup::default(), at("12:00:00"));
    let Err(error) = Recording::begin(&path, &state, ui()) else { panic!("it was written over") };
    assert!(error.to_string().contains("never written over"), "{error}");
}

#[test]
fn what_was_written_before_a_kill_is_played_and_the_end_is_said() {
    let (_folder, path, text) = recorded();
    let lines = text.lines().count();
    assert_eq!(read(&path), Ok((lines, None)));
    // In the middle of a line, and between two.
    for (cut, whole) in
        [(text.len() - 10, lines - 1), (text.trim_end().rfind('\n').expect("lines") + 1, lines - 1)]
    {
        std::fs::write(&path, &text[..cut]).expect("written");
        assert_eq!(read(&path), Ok((whole, Some(lines as u64))));
    }
}

#[test]
fn a_changed_line_another_form_and_what_is_no_recording_are_refused_with_their_place() {
    let (_folder, path, text) = recorded();
    let third = text.lines().nth(2).expect("a third line");
    for (bad, place, what) in [
        (text.replacen("c0ffee", "c0ffe1", 1), ":", "not as it was written"),
        (text.replacen(third, &third.replacen('{', "[", 1), 1), ":3:", "not as it was written"),
        (text.replacen(third, "", 1), ":3:", "not as it was written"),
        (text.replacen("\"recording\":1", "\"recording\":9", 1), ":1:1:", "form 9"),
        (text.replacen("{\"recording\"", "{\"recorded\"", 1), ":1:1:", "no recording"),
        ("apiVersion: v1\nkind: Config\n".into(), ":1:1:", "no recording"),
        (String::new(), ":1:1:", "no recording"),
    ] {
        std::fs::write(&path, bad).expect("written");
        let error = read(&path).expect_err(what);
        assert!(error.contains(&format!("{}{place}", path.display())), "{error}");
        assert!(error.contains(what) && error.contains("hint:"), "{error}");
    }
}

#[test]
fn a_full_disk_ends_the_recording_and_not_the_cockpit() {
    let full = Path::new("/dev/full");
    if !full.exists() {
        return;
    }
    // A device is no regular file, and is refused before anything is written to it.
    let state = State::new(Setup::default(), at("12:00:00"));
    assert!(Recording::begin(full, &state, ui()).is_err());
    let (mut recording, _folder) = {
        let (folder, path) = file();
        (Recording::begin(&path, &state, ui()).expect("a new file"), folder)
    };
    recording.write_to(Box::new(std::fs::OpenOptions::new().write(true).open(full).expect("a device")));
    let tick = Stamped { at: state.now, mono: state.mono, event: Event::Tick };
    let why = recording.take(&state, &tick, None).expect("it stopped");
    assert!(why.contains("stops here") && why.contains("hint:"), "{why}");
    assert_eq!(recording.take(&state, &tick, None), None, "it is said once");
    recording.end().expect("what stopped it was said");
}

// Playing.

/// A run of the embedded world with its operator, recorded by the binary.
fn demo() -> (tempfile::TempDir, PathBuf) {
    let (folder, path) = file();
    let output = goaround(&["demo", "slo-burn", "--headless", "--record", path.to_str().expect("a path")]);
    assert!(path.exists(), "{output:?}");
    (folder, path)
}

fn goaround(arguments: &[&str]) -> std::process::Output {
    let state = tempfile::tempdir().expect("a folder");
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_goaround"))
        .args(arguments)
        .env("GOAROUND_STATE_DIR", state.path().join("state"))
        .env("GOAROUND_CONFIG_DIR", state.path().join("config"))
        .env("HOME", state.path())
        .env_remove("KUBECONFIG")
        .output()
        .expect("the binary runs");
    assert_eq!(std::fs::read_dir(state.path()).expect("a folder").count(), 0, "neither journal nor file");
    output
}

fn theme() -> Theme {
    Theme::parse(DARK, "dark").expect("a theme")
}

#[test]
fn a_recorded_demo_replays_frame_for_frame_forward_back_and_in_the_terminal() {
    let (_folder, path) = demo();
    let file = path.to_str().expect("a path");
    let output = goaround(&["replay", file, "--headless", "-o", "json"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(
        (&told["equal"], &told["breaks_off_in_line"]),
        (&true.into(), &serde_json::Value::Null),
        "{told}"
    );
    assert!(told["frames"].as_u64() > Some(20), "{told}");

    // Back and forth is the same as forth.
    let mut replay = Replay::open(&path, theme()).expect("a recording");
    let mut states = vec![replay.state().clone()];
    for _ in 0..replay.len() {
        replay.next(true).expect("a frame");
        states.push(replay.state().clone());
    }
    assert_eq!(replay.differs, None);
    let last = replay.len();
    for frame in [last / 2, 3, last, 1, last - 1] {
        replay.seek(frame).expect("a frame");
        assert_eq!((replay.position(), replay.state()), (frame, &states[frame]));
    }
    replay.seek(1).expect("a frame");
    let mut marks = Vec::new();
    while replay.position() < last {
        replay.next_mark().expect("a frame");
        marks.push(replay.position());
    }
    assert!(marks.len() > 2, "{marks:?}");
    replay.previous_mark().expect("a frame");
    assert_eq!(replay.position(), marks[marks.len() - 2]);
    assert_eq!(replay.at_part(1.0), last);
    let middle = replay.at_part(0.5);
    assert!((2..last).contains(&middle), "{middle} of {last}");
    let clock = states[middle].now.timestamp() % 86_400;
    assert_eq!(states[replay.at_clock(clock)].now.timestamp(), states[middle].now.timestamp());

    let mut screen = common::Screen::start(120, 41, &["replay", file]);
    screen.wait("REPLAY");
    screen.press(" 50%\r");
    screen.wait("paused");
    screen.press("n");
    screen.press("q");
    assert_eq!(screen.end(), 0);
    screen.assert_restored();
}

#[test]
fn a_frame_that_comes_out_otherwise_is_named_and_fails() {
    let (_folder, path) = file();
    let mut story = Story::burning();
    story.show();
    let mut state = State::new(story.state.setup.clone(), at("12:00:00"));
    let other = state.clone();
    let mut recording = Recording::begin(&path, &state, ui()).expect("a new file");
    let mut shown = 0;
    for (stamped, _) in &story.trace {
        shown += usize::from(matches!(stamped.event, Event::Shown(_)));
        // What is drawn here is not what was lived.
        assert_eq!(recording.take(&other, stamped, Some((80, 24))), None);
        take(&mut state, stamped.clone());
    }
    recording.end().expect("room");
    assert_eq!(shown, 1);
    let output = goaround(&["replay", path.to_str().expect("a path"), "--headless"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(told.contains("frame 1 (line ") && told.contains("is not as it was recorded"), "{told}");
    assert!(told.contains("hint:"), "{told}");
}

#[test]
fn a_replay_skips_what_is_idle_unless_it_is_told_not_to() {
    let (_folder, path) = file();
    let mut story = Story::burning();
    story.show();
    for _ in 0..60 {
        story.pass(1);
        story.mono += std::time::Duration::from_secs(1);
        story.show();
    }
    let events: Vec<Stamped> = story.trace.iter().map(|(stamped, _)| stamped.clone()).collect();
    record(&path, story.state.setup.clone(), &events);
    for real_time in [true, false] {
        let mut replay = Replay::open(&path, theme()).expect("a recording");
        let mut pace = Pace::new(real_time);
        pace.begin(&mut replay).expect("a frame");
        let tenth = replay.mono(11).expect("a frame") - replay.mono(1).expect("a frame");
        pace.pass(&mut replay, tenth).expect("frames");
        let at = replay.position();
        assert!(if real_time { at == 11 } else { at > 40 }, "{real_time}: {at} of {}", replay.len());
        assert_eq!(pace.skipped.is_some(), !real_time);
    }
}

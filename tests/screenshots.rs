//! The pictures in screenshots/ are what the program draws: rendered from small recordings of scenario runs, and held
//! against what is committed. `just screenshots` renews them, `just screenshots-record` runs the scenarios anew as well.
//! No clock, no network: a recording has both.

#[path = "screenshots/svg.rs"]
mod svg;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use goaround::engine::gate::{Gesture, Proposal};
use goaround::engine::verify::Phase;
use goaround::engine::view::Screen;
use goaround::engine::{Event, Stamped, State, step};
use goaround::shell::recording::{Line, Reader, picture};
use goaround::ui::Ui;
use goaround::ui::keymap::{COMMANDS, DEFAULT, Keymap};
use goaround::ui::theme::Theme;
use ratatui::buffer::Buffer;

/// What renews the pictures: said wherever they are found wrong.
const RENEW: &str = "GOAROUND_SCREENSHOTS=write cargo test --test screenshots   (just screenshots)";
/// What makes the recordings anew, and then the pictures.
const RECORD: &str = "GOAROUND_SCREENSHOTS=record cargo test --test screenshots   (just screenshots-record)";
/// How much faster than the world they are recorded: slow enough that a busy machine does not show in them.
const SPEED: &str = "20";

/// A picture: its name, which is followed by its size; the recording and the first moment of it that is meant; what is
/// pressed there; columns and rows; the theme; and what it shows, for whoever cannot see it.
struct Shot {
    name: &'static str,
    recording: &'static str,
    moment: fn(&State) -> bool,
    keys: &'static [&'static str],
    size: (u16, u16),
    theme: &'static str,
    title: &'static str,
}

const LARGE: (u16, u16) = (120, 40);
const SMALL: (u16, u16) = (80, 24);

#[rustfmt::skip]
const SHOTS: &[Shot] = &[
    Shot { name: "calm", recording: "slo-burn", moment: calm, keys: &[], size: LARGE, theme: "dark",
        title: "The main screen while all objectives are kept" },
    Shot { name: "main", recording: "slo-burn", moment: open, keys: &[], size: LARGE, theme: "dark",
        title: "The main screen: an error budget burns since a rollout, and a proposal is open" },
    Shot { name: "main", recording: "slo-burn", moment: open, keys: &[], size: SMALL, theme: "dark",
        title: "The main screen in 80 columns and 24 rows" },
    Shot { name: "main-light", recording: "slo-burn", moment: open, keys: &[], size: LARGE, theme: "light",
        title: "The main screen in the theme light" },
    Shot { name: "card", recording: "slo-burn", moment: explained, keys: &["g"], size: LARGE, theme: "dark",
        title: "The decision card: what burns, the seven gates, what would change, and what a model says of it" },
    Shot { name: "card", recording: "slo-burn", moment: explained, keys: &["g"], size: SMALL, theme: "dark",
        title: "The decision card in 80 columns and 24 rows" },
    Shot { name: "card-monochrome", recording: "slo-burn", moment: explained, keys: &["g"], size: SMALL, theme: "monochrome",
        title: "The decision card without any colour" },
    Shot { name: "card-high-contrast", recording: "slo-burn", moment: explained, keys: &["g"], size: SMALL, theme: "high-contrast",
        title: "The decision card in the theme high-contrast" },
    Shot { name: "token", recording: "slo-burn", moment: armed, keys: &[], size: SMALL, theme: "dark",
        title: "The armed card: the token that a person must type" },
    Shot { name: "evidence", recording: "slo-burn", moment: explained, keys: &["g", "v"], size: LARGE, theme: "dark",
        title: "The evidence behind the card" },
    Shot { name: "diff", recording: "slo-burn", moment: explained, keys: &["g", "d"], size: LARGE, theme: "dark",
        title: "What the plan changes" },
    Shot { name: "model", recording: "slo-burn", moment: explained, keys: &["g", "m"], size: LARGE, theme: "dark",
        title: "What the model was asked and said, each claim marked" },
    Shot { name: "verification", recording: "slo-burn", moment: verifying, keys: &[], size: LARGE, theme: "dark",
        title: "The verification of a rollback: counts since the end of the rollout" },
    Shot { name: "helped", recording: "slo-burn", moment: closed, keys: &[], size: LARGE, theme: "dark",
        title: "A rollback that helped" },
    Shot { name: "lying-model", recording: "lying-model", moment: explained, keys: &["g"], size: LARGE, theme: "dark",
        title: "A card whose model misquotes the evidence: the wrong numbers are marked, the true ones stand beside them" },
    Shot { name: "help", recording: "slo-burn", moment: open, keys: &["?"], size: LARGE, theme: "dark",
        title: "Help, printed from the keymap" },
    Shot { name: "palette", recording: "slo-burn", moment: open, keys: &[":"], size: LARGE, theme: "dark",
        title: "The command palette" },
];

impl Shot {
    fn file(&self, ending: &str) -> String {
        format!("{}-{}x{}.{ending}", self.name, self.size.0, self.size.1)
    }
}

// Moments.

/// Everything was heard, nothing burns.
fn calm(state: &State) -> bool {
    let slos = &state.world.slos;
    !slos.is_empty()
        && slos.values().all(|slo| slo.burning().is_none())
        && state.incidents.is_empty()
        && state.reviewed.is_some()
        && slos.values().any(|slo| !slo.ratios.is_empty())
}

/// A card that acts has stood there for this many seconds, and nothing was decided.
fn stood(state: &State, seconds: i64) -> bool {
    let waits = |p: &Proposal| p.analysis.offer.acts() && (state.now - p.opened).num_seconds() >= seconds;
    let mut cards = state.incidents.values().filter_map(|i| i.proposal.as_ref());
    cards.any(|p| waits(p) && p.gesture == Gesture::Idle)
}

/// A card is open, and nobody has turned to it yet.
fn open(state: &State) -> bool {
    state.view.screen == Screen::Main && stood(state, 12)
}

/// A card is open, and the model has said what it has to say.
fn explained(state: &State) -> bool {
    let heard = state.counsel.values().filter_map(|c| c.rationale()).any(|opinion| !opinion.under_way());
    heard && stood(state, 12)
}

/// The token is on the screen.
fn armed(state: &State) -> bool {
    let mut cards = state.incidents.values().filter_map(|i| i.proposal.as_ref());
    cards.any(|card| matches!(&card.gesture, Gesture::Token { shown: Some(_), .. }))
}

fn phases(state: &State) -> impl Iterator<Item = &Phase> {
    state.incidents.values().filter_map(|i| i.running.as_ref()).map(|r| &r.phase)
}

/// It was done, and its effect is being counted.
fn verifying(state: &State) -> bool {
    phases(state).any(|phase| matches!(phase, Phase::Stabilising))
}

fn closed(state: &State) -> bool {
    phases(state).any(|phase| matches!(phase, Phase::Closed(_)))
}

// Rendering.

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn recording(name: &str) -> PathBuf {
    root().join(format!("tests/recordings/{name}.jsonl"))
}

fn ui(theme: &str) -> Ui {
    let source = std::fs::read_to_string(root().join(format!("themes/{theme}.toml")));
    let source = source.unwrap_or_else(|error| panic!("themes/{theme}.toml: {error}"));
    let theme = Theme::parse(&source, theme).expect("a theme");
    Ui::new(theme, Keymap::parse(DEFAULT, "default", COMMANDS).expect("a keymap"))
}

/// The state at each moment of `recording`, by the place of its picture in [`SHOTS`].
fn moments(name: &str) -> BTreeMap<usize, State> {
    let path = recording(name);
    let fail =
        |error: &dyn std::fmt::Display| -> ! { panic!("{error}\nmake the recordings anew with\n  {RECORD}") };
    let mut reader = Reader::open(&path).unwrap_or_else(|error| fail(&error));
    let mut state = State::new(reader.header.setup.clone(), reader.header.began);
    let mut found: BTreeMap<usize, State> = BTreeMap::new();
    type Moment = fn(&State) -> bool;
    let mut wanted: Vec<(usize, Moment)> =
        SHOTS.iter().enumerate().filter(|(_, s)| s.recording == name).map(|(n, s)| (n, s.moment)).collect();
    while let Some(line) = reader.next_line().unwrap_or_else(|error| fail(&error)) {
        let Line::Step(stamped) = line else { continue };
        step(&mut state, stamped);
        wanted.retain(|(n, moment)| {
            let now = moment(&state);
            if now {
                found.insert(*n, state.clone());
            }
            !now
        });
    }
    if let Some((n, _)) = wanted.first() {
        fail(&format!(
            "tests/recordings/{name}.jsonl never comes to the moment of {}",
            SHOTS[*n].file("svg")
        ));
    }
    found
}

/// Presses a key as a person would who looks at the screen.
fn press(ui: &mut Ui, state: &mut State, key: &str, size: (u16, u16), read: u64) {
    let code = match key {
        "enter" => KeyCode::Enter,
        "tab" => KeyCode::Tab,
        "down" => KeyCode::Down,
        "esc" => KeyCode::Esc,
        _ => KeyCode::Char(key.chars().next().expect("a key")),
    };
    let command = ui.key(state, KeyEvent::new(code, KeyModifiers::NONE), read);
    let shown = Event::Shown(picture(ui, state, size).1);
    let events = [Some(shown), command.map(Event::Command)];
    for event in events.into_iter().flatten() {
        step(state, Stamped { at: state.now, mono: state.mono, event });
    }
}

/// All pictures: name of the file and its content.
fn pictures() -> BTreeMap<String, String> {
    let names: BTreeSet<&str> = SHOTS.iter().map(|s| s.recording).collect();
    let mut states: BTreeMap<usize, State> = names.into_iter().flat_map(moments).collect();
    let mut files = BTreeMap::new();
    for (n, shot) in SHOTS.iter().enumerate() {
        let mut state = states.remove(&n).expect("each has its moment");
        let mut ui = ui(shot.theme);
        for (n, key) in shot.keys.iter().enumerate() {
            press(&mut ui, &mut state, key, shot.size, n as u64);
        }
        let (buffer, _) = picture(&ui, &state, shot.size);
        let own = if shot.theme == "light" { svg::LIGHT } else { svg::DARK };
        files.insert(shot.file("svg"), svg::of(&buffer, own, shot.title));
        files.insert(shot.file("txt"), text(&buffer));
    }
    files
}

fn text(buffer: &Buffer) -> String {
    let rows = buffer.content().chunks(usize::from(buffer.area.width));
    let lines = rows.map(|row| {
        let line: String = row.iter().map(|cell| cell.symbol()).collect();
        format!("{}\n", line.trim_end())
    });
    lines.collect()
}

/// Runs the scenarios, and keeps what happened.
fn record() {
    for name in SHOTS.iter().map(|s| s.recording).collect::<BTreeSet<_>>() {
        let (path, folder) = (recording(name), tempfile::tempdir().expect("a folder"));
        let fresh = folder.path().join("fresh.jsonl");
        let status = Command::new(env!("CARGO_BIN_EXE_goaround"))
            .args(["demo", name, "--headless", "--speed", SPEED, "--record"])
            .arg(&fresh)
            .env("GOAROUND_CONFIG_DIR", folder.path())
            .env_remove("KUBECONFIG")
            .status();
        assert!(status.expect("the binary runs").success(), "{name} did not end as it must");
        std::fs::copy(&fresh, &path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
}

/// Files of the folder by name.
fn committed() -> BTreeMap<String, String> {
    let folder = std::fs::read_dir(root().join("screenshots")).expect("the folder screenshots");
    let files = folder.flatten().map(|entry| {
        let content = std::fs::read(entry.path()).expect("a file");
        (entry.file_name().to_string_lossy().into_owned(), String::from_utf8_lossy(&content).into_owned())
    });
    files.collect()
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "the one setting of this test: whether the pictures are renewed"
)]
fn the_screenshots_are_what_the_program_draws() {
    let mode = std::env::var("GOAROUND_SCREENSHOTS").unwrap_or_default();
    if mode == "record" {
        record();
    }
    let drawn = pictures();
    let there = committed();
    if ["write", "record"].contains(&mode.as_str()) {
        let folder = root().join("screenshots");
        for name in there.keys().filter(|name| !drawn.contains_key(*name)) {
            std::fs::remove_file(folder.join(name)).expect("removed");
        }
        for (name, content) in &drawn {
            std::fs::write(folder.join(name), content).expect("written");
        }
        return;
    }
    let differ: Vec<&String> =
        drawn.iter().filter(|(name, new)| there.get(*name) != Some(*new)).map(|(n, _)| n).collect();
    let left: Vec<&String> = there.keys().filter(|name| !drawn.contains_key(*name)).collect();
    assert!(
        differ.is_empty() && left.is_empty(),
        "screenshots/ is not what the program draws: {differ:?} differ, {left:?} belong to nothing.\nLook at them after\n  {RENEW}"
    );
}

#[test]
fn every_picture_of_the_documents_is_one_of_them() {
    let docs = std::fs::read_dir(root().join("docs")).expect("docs/");
    let docs = docs.map(|entry| entry.expect("a file").path());
    let mut shown = 0;
    for document in docs.chain([root().join("README.md")]) {
        let text = std::fs::read_to_string(&document).expect("a document");
        let links = text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link);
        for picture in links.filter_map(|link| link.trim_start_matches("../").strip_prefix("screenshots/")) {
            shown += 1;
            let made = SHOTS.iter().any(|shot| picture == shot.file("svg"));
            assert!(made, "{} shows {picture}, which `{RENEW}` does not make", document.display());
        }
    }
    assert!(shown >= 3, "only {shown} pictures are shown");
}

#[test]
fn recordings_are_small() {
    for name in SHOTS.iter().map(|s| s.recording).collect::<BTreeSet<_>>() {
        let size = std::fs::metadata(recording(name)).expect("a recording").len();
        assert!(size < 1_200_000, "tests/recordings/{name}.jsonl: {size} bytes");
    }
}

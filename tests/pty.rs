//! The real binary in a real pseudo-terminal: every way in which a person uses it, and every way in which it ends.
//! Tests wait on words of the screen; none of them measures a time.

#![allow(clippy::disallowed_methods, reason = "a world's clock is set against the host's here")]

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use common::{Answers, Screen};
use serde_json::Value;

const WIDE: (u16, u16) = (120, 40);
const LEAST: (u16, u16) = (80, 24);
/// The embedded world, 30 times faster than real: it burns after a few seconds.
const FAST: [&str; 4] = ["demo", "slo-burn", "--speed", "30"];
/// The embedded world at its own speed: nothing burns in the first minute.
const QUIET: [&str; 2] = ["demo", "slo-burn"];
const ARMS: &str = "a arms, then";
/// In the footer of the main screen at every size.
const MAIN: &str = "↑↓ select";
const TOKEN: &str = "to approve   ____";

/// A cockpit whose gate is open.
fn burning((columns, rows): (u16, u16)) -> Screen {
    let screen = Screen::start(columns, rows, &FAST);
    screen.wait("1 gate open");
    screen
}

/// The card, read.
fn card(size: (u16, u16)) -> Screen {
    let mut screen = burning(size);
    screen.press("g");
    screen.wait(ARMS);
    screen
}

/// A cockpit in which nothing burns, with all data there.
fn quiet((columns, rows): (u16, u16)) -> Screen {
    let screen = Screen::start(columns, rows, &QUIET);
    screen.wait("4 SLOs");
    screen
}

/// The word between `before` and the next space.
fn word_after(text: &str, before: &str) -> Option<String> {
    let rest = &text[text.find(before)? + before.len()..];
    rest.split_whitespace().next().map(str::to_owned)
}

/// Arms as a person does: reads, presses `a`, names what does not pass; again, when the card changed meanwhile.
fn arm(screen: &mut Screen) -> String {
    loop {
        screen.wait(ARMS);
        screen.press("a");
        let text = screen.wait_for("token, reason or refusal", |text| {
            [
                TOKEN,
                "must still name",
                "is named; enter",
                "changed while",
                "cannot be approved",
                "not read yet",
            ]
            .iter()
            .any(|words| text.contains(words))
        });
        if text.contains("must still name") || text.contains("is named; enter") {
            give_reason(screen);
        }
        if let Some(token) = token(&screen.text()) {
            return token;
        }
    }
}

/// Names every gate with Tab, then a reason.
fn give_reason(screen: &mut Screen) {
    while screen.text().contains("must still name") {
        let before = word_after(&screen.text(), "must still name ");
        screen.press("\t");
        screen.wait_for("one gate less", |text| word_after(text, "must still name ") != before);
    }
    screen.press("known and accepted\r");
    screen.wait_for("the token", |text| text.contains(TOKEN) || text.contains("changed while"));
}

/// The token, while it is asked for.
fn token(text: &str) -> Option<String> {
    text.contains("to approve   ").then(|| word_after(text, "type ")).flatten()
}

/// Between two keys of a hand, which is slower than this; faster is refused, and that is a test of its own.
const PACE: Duration = Duration::from_millis(45);

/// Types characters of a token, each when the one before it is seen.
fn type_token(screen: &mut Screen, token: &str) {
    for (n, c) in token.chars().enumerate() {
        screen.press(&c.to_string());
        if n + 1 < token.len() {
            let typed =
                format!("to approve   {}", token.chars().take(n + 1).collect::<String>().to_uppercase());
            screen.wait(&typed);
            std::thread::sleep(PACE);
        }
    }
}

/// Arms and approves; again, when the card changed while it was typed.
fn approve(screen: &mut Screen) {
    loop {
        let token = arm(screen);
        type_token(screen, &token);
        let text = screen.wait_for("an answer to the token", |text| {
            text.contains("approved by") || text.contains("decided:") || text.contains("changed while")
        });
        if !text.contains("changed while") {
            return;
        }
    }
}

/// Leaves, and all is as it was.
fn leave(screen: &mut Screen, keys: &str) {
    screen.press(keys);
    assert_eq!(screen.end(), 0, "{}", screen.text());
    screen.assert_restored();
}

/// Standard output of `goaround ARGUMENTS` with this state folder, as JSON.
fn asked(state: &Path, arguments: &[&str]) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_goaround"))
        .args(arguments)
        .env("GOAROUND_STATE_DIR", state)
        .output()
        .expect("the binary runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    serde_json::from_str(&said).unwrap_or_else(|error| {
        panic!("{arguments:?}: {error}\n{said}{}", String::from_utf8_lossy(&output.stderr))
    })
}

/// State folder of the demo that runs in `screen`.
fn state_of_demo(screen: &Screen) -> PathBuf {
    let entries = std::fs::read_dir(screen.folder.path()).expect("the test's folder");
    let is_demo =
        |path: &PathBuf| path.file_name().is_some_and(|n| n.to_string_lossy().starts_with("goaround-demo-"));
    entries.flatten().map(|e| e.path()).find(is_demo).expect("the demo's folder").join("state")
}

// ---- approving ----

#[test]
fn approving_at_120x40_ends_as_helped_and_the_record_says_so() {
    let mut screen = card(WIDE);
    approve(&mut screen);
    screen.wait("sent");
    screen.wait("by the API server");
    screen.wait("rollout done");
    let end = screen.wait("HELPED");
    assert!(end.contains("failed since the rollout"), "{end}");
    let state = state_of_demo(&screen);
    let rows = asked(&state, &["history", "-o", "json"]);
    // Cards that the first or the last facts withdrew again are rows too.
    let rows = rows.as_array().expect("rows").iter().filter(|row| row["outcome"] != "withdrawn");
    let rows: Vec<&Value> = rows.collect();
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert_eq!(rows[0]["outcome"], "helped");
    assert_eq!(rows[0]["offer"], "rollback");
    let verified = asked(&state, &["audit", "verify", "-o", "json"]);
    assert_eq!(verified["ok"], true, "{verified}");
    screen.press("\x1b");
    screen.wait(MAIN);
    leave(&mut screen, "q");
    assert!(!state.exists(), "the demo leaves nothing behind");
}

#[test]
fn only_the_token_typed_by_a_hand_approves() {
    let mut screen = card(LEAST);
    let before = screen.raw();
    let token = loop {
        let token = arm(&mut screen);
        assert!(!before.contains(&token), "the token {token} was shown before anything was armed");
        let not_yet = |screen: &Screen| {
            let text = screen.text();
            assert!(!text.contains("approved by") && !text.contains("decided:"), "{text}");
        };
        // Enter, space, tab and arrows are nothing.
        screen.press("\r\r \t\x1b[A");
        // A pasted token is refused in words.
        screen.press(&format!("\x1b[200~{token}\x1b[201~"));
        screen.wait_for("the paste is refused", |t| {
            t.contains("typed, not pasted") || t.contains("changed while")
        });
        not_yet(&screen);
        // One write is not a hand.
        screen.press(&token);
        screen.wait_for("the burst is refused", |t| t.contains("too fast") || t.contains("changed while"));
        not_yet(&screen);
        // A key that repeats, then a correction.
        let first = &token[..1];
        for n in 1..=4 {
            screen.press(first);
            let typed = format!("to approve   {}", first.repeat(n));
            screen.wait_for(&typed, |text| text.contains(&typed) || text.contains("changed while"));
            std::thread::sleep(PACE);
        }
        screen.wait_for("the wrong word is refused", |t| {
            t.contains("is not the token") || t.contains("changed while")
        });
        not_yet(&screen);
        screen.press("\x7f\x7f\x7f\x7f");
        screen.wait_for("erased", |text| text.contains(TOKEN) || text.contains("changed while"));
        if !screen.text().contains("changed while") {
            break token;
        }
    };
    type_token(&mut screen, &token.to_lowercase());
    screen.wait("approved by");
    screen.wait("executing");
    leave(&mut screen, "\x03");
}

#[test]
fn keys_pressed_before_anything_was_read_do_not_arm() {
    let mut screen = burning(WIDE);
    // Everything at once: the gate is opened, and nothing of the rest counts.
    screen.press("ga\r");
    let text = screen.wait("not read yet");
    assert!(token(&text).is_none(), "{text}");
    screen.wait_for("the reading ends", |text| text.contains("not read yet") && text.contains("e edit"));
    leave(&mut screen, "\x03");
}

#[test]
fn a_screen_that_became_too_small_disarms_and_says_why() {
    let mut screen = card(WIDE);
    let token = arm(&mut screen);
    screen.resize(40, 10);
    let text = screen.wait("smaller than 80x24");
    assert!(!text.contains(&token), "{text}");
    for c in token.chars() {
        screen.press(&c.to_string());
        std::thread::sleep(PACE);
    }
    screen.resize(80, 24);
    // Armed again from the start, at the new size.
    screen.wait_gone("smaller than");
    approve(&mut screen);
    screen.wait("approved by");
    leave(&mut screen, "\x03");
}

#[test]
fn what_was_armed_before_a_suspension_is_disarmed_after_it() {
    let mut screen = card(LEAST);
    arm(&mut screen);
    screen.signal("TSTP");
    screen.wait_state("T");
    screen.assert_restored();
    screen.signal("CONT");
    let text = screen.wait("e edit  r reject");
    assert!(token(&text).is_none(), "{text}");
    screen.wait_for("the card again", |text| text.contains("ROLL BACK api-gateway") && text.contains(ARMS));
    // The keyboard works again too.
    screen.press("?");
    screen.wait("closes the help");
    leave(&mut screen, "\x03");
}

// ---- the other decisions ----

#[test]
fn rejecting_needs_a_reason_and_the_proposal_does_not_come_back() {
    let mut screen = card(LEAST);
    screen.press("r");
    screen.wait("reject because");
    screen.press("\r");
    screen.wait("a reason is needed");
    screen.press("we are on it\r");
    screen.wait(MAIN);
    let since = clock(&screen.wait("rejected: we are on it"));
    // Two minutes of the world, and nobody is asked again.
    screen.wait_for("two minutes", |text| {
        assert!(!text.contains("gate open"), "{text}");
        clock(text) >= since + 120
    });
    leave(&mut screen, "q");
}

/// Seconds of the day in the header.
fn clock(text: &str) -> u32 {
    let header = text.lines().next().unwrap_or("");
    let time = header
        .split_whitespace()
        .map(|word| word.trim_matches(|c: char| !c.is_ascii_digit()))
        .find(|word| word.len() == 8 && word.matches(':').count() == 2);
    time.map_or(0, |time| time.split(':').fold(0, |sum, part| sum * 60 + part.parse::<u32>().unwrap_or(0)))
}

#[test]
fn editing_draws_a_new_card_with_another_digest() {
    let mut screen = card(WIDE);
    let text = screen.text();
    let before = word_after(&text, "proposal ").expect("a proposal");
    screen.press("e");
    screen.wait("▶ target");
    // What serves already cannot be chosen.
    screen.press("\x1b[A");
    screen.wait_for("the current one", |text| {
        text.lines().any(|l| l.contains("(●)") && l.contains("serves now"))
    });
    screen.press("\r");
    screen.wait("serves already");
    screen.press("\x1b[B");
    screen.press("\x1b[B");
    screen.wait_for("the third one", |text| text.lines().any(|l| l.contains("(●) wsdmf")));
    screen.press("\t");
    screen.wait("▶ restore");
    screen.press("\t");
    screen.wait("▶ reason");
    screen.press("the older one\rwas calmer");
    screen.wait("was calmer");
    screen.press("\x13");
    screen.wait_for("the new card", |text| text.contains("→ wsdmf") && text.contains("e edit"));
    let after = word_after(&screen.text(), "proposal ").expect("a proposal");
    assert_ne!(before, after);
    // The edited card is approved like any other, with the reason that was typed.
    approve(&mut screen);
    screen.wait("approved by");
    screen.wait("the older one was calmer");
    screen.wait("executing");
    leave(&mut screen, "\x03");
}

#[test]
fn waiting_names_its_tripwire_and_asks_again() {
    let mut screen = card(WIDE);
    screen.press("w");
    screen.wait(MAIN);
    screen.press("l");
    screen.wait("EVENT LOG");
    let text = screen.wait("asked again at");
    assert!(text.contains("or when the burn exceeds"), "{text}");
    screen.press("\x1b");
    // The burn grows by half within the next minutes of the world.
    screen.wait("1 gate open");
    screen.press("g");
    screen.wait("e edit");
    leave(&mut screen, "\x03");
}

#[test]
fn by_hand_on_a_quiet_slo_needs_a_reason_and_the_token() {
    let mut screen = burning(WIDE);
    screen.press("/");
    screen.wait("enter keeps it");
    screen.press("search");
    screen.wait("1 match");
    screen.press("\r");
    screen.wait_gone("enter keeps it");
    screen.press("u");
    let text = screen.wait("e edit");
    assert!(text.contains("search"), "{text}");
    screen.wait(ARMS);
    screen.press("a");
    screen.wait("reason");
    screen.press("\r");
    screen.wait_for("no reason, no token", |t| t.contains("a reason is needed") || t.contains("must name"));
    assert!(token(&screen.text()).is_none());
    screen.press("\x1b");
    approve(&mut screen);
    screen.wait("approved by");
    screen.wait("rollout done");
    leave(&mut screen, "\x03");
}

// ---- looking around ----

#[test]
fn every_page_opens_and_closes_at_both_sizes() {
    let mut screen = burning(WIDE);
    for (columns, rows) in [WIDE, LEAST] {
        screen.resize(columns, rows);
        screen.wait(MAIN);
        screen.press("?");
        screen.wait("closes the help");
        screen.press("x");
        screen.wait_gone("closes the help");
        for (key, range) in [("2", "[6h]"), ("5", "[30d]"), ("1", "[1h]")] {
            screen.press(key);
            // The small main screen has no chart.
            if (columns, rows) == WIDE {
                screen.wait(range);
            }
        }
        screen.press("\t\t\x1b[Z\x1b[Z");
        screen.press("l");
        screen.wait("EVENT LOG");
        screen.wait("taking http://127.0.0.1");
        screen.press("\x1b");
        screen.wait(MAIN);
        screen.press("v");
        screen.wait("EVIDENCE");
        screen.press("\x1b[6~\x1b[5~v");
        screen.wait(ARMS);
        screen.press("d");
        let diff = screen.wait("DIFF");
        assert!(diff.contains("-       name: gateway-config-v2"), "{diff}");
        screen.press("d");
        screen.wait(ARMS);
        screen.press("?");
        screen.wait("closes the help");
        screen.press("a");
        // The key that closed the help did nothing else.
        let text = screen.wait(ARMS);
        assert!(token(&text).is_none(), "{text}");
        screen.press("\x1b");
        screen.wait(MAIN);
        screen.press("/");
        screen.press("pay");
        screen.wait_for("one row", |text| text.contains("payments") && text.contains("1 match"));
        screen.press("\x1b");
        screen.wait("5 rows");
    }
    leave(&mut screen, "q");
}

#[test]
fn tiny_and_odd_sizes_are_drawn_without_a_panic() {
    let mut screen = card(WIDE);
    for (columns, rows) in [(1, 1), (2, 40), (200, 1), (7, 3), (39, 9), (250, 70), (80, 23), (79, 24)] {
        screen.resize(columns, rows);
        screen.press("v");
        screen.press("v");
        screen.press("d");
        screen.press("d");
    }
    screen.resize(80, 24);
    screen.wait("demo-prod-eu");
    leave(&mut screen, "\x03");
}

#[test]
fn while_nothing_burns_nothing_is_drawn_more_than_once_a_second() {
    let screen = quiet(WIDE);
    // What starts is over when the first log lines are two clock ticks old.
    let settled = clock(&screen.text()) + 3;
    screen.wait_for("a quiet start", |text| clock(text) >= settled);
    let (from, before) = (clock(&screen.text()), screen.written());
    let text = screen.wait_for("eight seconds", |text| clock(text) >= from + 8);
    let (after, seconds) = (screen.written(), (clock(&text) - from) as usize);
    let (drawn, bytes) = (after.1 - before.1, after.0 - before.0);
    assert!(drawn > 0 && drawn <= seconds + 2, "{drawn} frames in {seconds} s");
    // Now and then figures move; the clock alone is a handful of bytes.
    assert!(bytes <= seconds * 600, "{bytes} bytes in {seconds} s");
    assert!(!text.contains("paging"), "{text}");
}

// ---- ends ----

/// A cockpit that starts at once, because it has nothing to talk to.
fn lonely() -> Screen {
    let screen = Screen::start(80, 24, &[]);
    screen.wait("kube down");
    screen
}

#[test]
fn it_is_left_by_q_and_from_everywhere_by_ctrl_c() {
    leave(&mut lonely(), "q");
    leave(&mut lonely(), "\x03");
    for (before, there) in
        [("?", "closes the help"), ("/", "enter keeps it"), ("/q", "q▏"), ("l", "EVENT LOG")]
    {
        let mut screen = lonely();
        screen.press(before);
        screen.wait(there);
        leave(&mut screen, "\x03");
    }
}

#[test]
fn signals_end_it_with_the_terminal_restored() {
    for name in ["TERM", "HUP", "INT", "QUIT"] {
        let mut screen = lonely();
        screen.signal(name);
        assert_eq!(screen.end(), 0, "{name}");
        screen.assert_restored();
        let mut screen = Screen::start(120, 40, &FAST);
        // At whatever moment of the start: after the terminal was taken.
        screen.wait("goaround");
        screen.signal(name);
        assert_eq!(screen.end(), 0, "{name}");
        screen.assert_restored();
    }
}

#[test]
fn a_panic_restores_the_terminal_and_is_readable_after_it() {
    for (place, arguments) in
        [("draw:1", &[][..]), ("task:500", &[][..]), ("draw:1", &FAST[..]), ("task:500", &FAST[..])]
    {
        let folder = Arc::new(tempfile::tempdir().expect("a folder"));
        let mut screen = Screen::start_in(120, 40, arguments, folder, &[("GOAROUND_DEBUG_PANIC", place)]);
        assert_eq!(screen.end(), 101, "{place}");
        screen.assert_restored();
        let text = screen.text();
        assert!(text.contains("provoked in a"), "{place}: {text}");
        assert!(text.contains("<1b>[31m"), "what a panic quotes is harmless: {text}");
        assert!(text.contains("this is a bug"), "{text}");
    }
}

#[test]
fn a_closed_terminal_ends_it() {
    for arguments in [&[][..], &FAST[..]] {
        let mut screen = Screen::start(80, 24, arguments);
        screen.wait("all namespaces");
        screen.hang_up();
        screen.end();
    }
}

#[test]
fn a_terminal_that_takes_nothing_cannot_hold_it() {
    let mut screen = lonely();
    screen.resize(250, 70);
    screen.be_deaf();
    // Frames until the terminal's buffer is full and the program stands in a write.
    for _ in 0..60 {
        screen.press("?");
        std::thread::sleep(Duration::from_millis(70));
    }
    screen.signal("TERM");
    // 1 where it stood in a write and was left there, 0 where it could still come back from it.
    let code = screen.end();
    assert!(code <= 1, "{code}");
    screen.assert_cooked();
}

#[test]
fn after_a_kill_it_starts_again() {
    let mut first = lonely();
    first.signal("KILL");
    first.end();
    let folder = Arc::clone(&first.folder);
    let mut second = Screen::start_in(80, 24, &[], folder, &[]);
    let text = second.wait("kube down");
    assert!(!text.contains("journal cannot be written"), "{text}");
    leave(&mut second, "q");
}

#[test]
fn without_a_terminal_it_says_what_does_without_one() {
    for arguments in [&[][..], &["demo"][..]] {
        let folder = tempfile::tempdir().expect("a folder");
        let output = Command::new(env!("CARGO_BIN_EXE_goaround"))
            .args(arguments)
            .env("GOAROUND_STATE_DIR", folder.path())
            .env("GOAROUND_CONFIG_DIR", folder.path())
            .output()
            .expect("the binary runs");
        assert_eq!(output.status.code(), Some(2));
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("needs a terminal; hint:"), "{said}");
        assert!(output.stdout.is_empty());
    }
}

// ---- the record ----

/// An embedded world at the host's own time that burns already, and outlives the program that looks at it.
struct Burning {
    world: goaround::demo::Running,
    folder: Arc<tempfile::TempDir>,
    _runtime: tokio::runtime::Runtime,
}

impl Burning {
    fn start() -> Self {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let origin = chrono::Utc::now() - chrono::TimeDelta::seconds(180);
        let clock = goaround::demo::clock::Clock::manual(origin);
        let scenario = goaround::demo::scenario::load("slo-burn").expect("an embedded scenario");
        let world = runtime.block_on(goaround::demo::start(scenario, 1, clock.clone())).expect("loopback");
        runtime.spawn(async move {
            loop {
                let behind = chrono::Utc::now() - clock.now();
                clock.advance(behind.num_milliseconds() as f64 / 1_000.0);
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        let folder = Arc::new(tempfile::tempdir().expect("a folder"));
        std::fs::write(folder.path().join("kubeconfig"), world.kubeconfig()).expect("a file");
        Self { world, folder, _runtime: runtime }
    }

    fn cockpit(&self) -> Screen {
        let file = self.folder.path().join("kubeconfig").display().to_string();
        let arguments = ["--kubeconfig", &file, "--prometheus", &self.world.prometheus_url];
        Screen::start_in(120, 40, &arguments, Arc::clone(&self.folder), &[])
    }

    fn card(&self) -> Screen {
        let mut screen = self.cockpit();
        screen.wait("1 gate open");
        screen.press("g");
        screen.wait_for("an offer", |text| text.contains("e edit") && text.contains("ROLL BACK"));
        screen
    }

    /// Writes that the API server did.
    fn writes(&self) -> usize {
        self.world.writes().iter().filter(|w| !w.dry_run && (200..300).contains(&w.status)).count()
    }

    /// Outcomes of `history`; the record is whole.
    fn outcomes(&self) -> Vec<String> {
        let state = self.folder.path().join("state");
        let verified = asked(&state, &["audit", "verify", "-o", "json"]);
        assert_eq!(verified["ok"], true, "{verified}");
        let rows = asked(&state, &["history", "-o", "json"]);
        let rows = rows.as_array().expect("rows").iter();
        rows.map(|row| row["outcome"].as_str().unwrap_or("none").to_owned()).collect()
    }
}

#[test]
fn a_decision_is_on_the_record_even_when_one_leaves_in_the_same_breath() {
    let world = Burning::start();
    let mut screen = world.card();
    screen.press("r");
    screen.wait("reject because");
    screen.press("not now\rq");
    assert_eq!(screen.end(), 0);
    screen.assert_restored();
    assert!(screen.text().contains("journal head"), "{}", screen.text());
    assert_eq!(world.outcomes().last().map(String::as_str), Some("rejected"));
    assert_eq!(world.writes(), 0);
}

#[test]
fn leaving_after_the_token_does_nothing_or_one_write_that_is_on_the_record() {
    // Before anything is sent; at some moment of it; after it.
    for (moment, how) in
        [("", "ctrl+c"), ("", "HUP"), ("", "hang up"), ("approved by", "TERM"), ("by the API", "HUP")]
    {
        let world = Burning::start();
        let mut screen = world.card();
        if moment.is_empty() {
            let token = arm(&mut screen);
            type_token(&mut screen, &token);
        } else {
            approve(&mut screen);
            screen.wait(moment);
        }
        match how {
            "ctrl+c" => screen.press("\x03"),
            "hang up" => screen.hang_up(),
            signal => screen.signal(signal),
        }
        screen.end();
        let outcomes = world.outcomes().into_iter();
        let actions: Vec<String> = outcomes.filter(|o| o != "withdrawn" && o != "expired").collect();
        assert_eq!(actions.len(), world.writes(), "{how}: {actions:?}");
        assert!(actions.iter().all(|outcome| outcome == "executed"), "{how}: {actions:?}");
        assert!(moment != "by the API" || actions.len() == 1, "{how}: {actions:?}");
    }
}

#[test]
fn what_was_under_way_when_it_was_killed_is_known_to_the_next_start() {
    let world = Burning::start();
    let mut screen = world.card();
    approve(&mut screen);
    screen.wait("by the API server");
    screen.signal("KILL");
    screen.end();
    assert_eq!(world.writes(), 1);
    let mut second = world.cockpit();
    second.wait("4 SLOs");
    let text = second.text();
    assert!(!text.contains("cannot be written"), "{text}");
    leave(&mut second, "q");
    assert_eq!(world.writes(), 1, "nothing is sent twice");
    let outcomes = world.outcomes();
    assert!(
        outcomes.iter().any(|o| ["executed", "unknown", "inconclusive"].contains(&o.as_str())),
        "{outcomes:?}"
    );
}

// ---- bad starts ----

/// The cockpit with a kubeconfig and arguments of its own.
fn started(kubeconfig: &str, arguments: &[&str]) -> Screen {
    let folder = Arc::new(tempfile::tempdir().expect("a folder"));
    let file = folder.path().join("kubeconfig");
    std::fs::write(&file, kubeconfig).expect("a file");
    let file = file.display().to_string();
    let all: Vec<&str> = ["--kubeconfig", file.as_str()].iter().chain(arguments).copied().collect();
    Screen::start_in(160, 40, &all, folder, &[])
}

fn kubeconfig(server: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: here\nclusters:\n- name: here\n  cluster:\n    server: {server}\ncontexts:\n- name: here\n  context:\n    cluster: here\n    user: here\nusers:\n- name: here\n  user: {{}}\n"
    )
}

#[test]
fn without_a_kubeconfig_the_screen_says_so_and_what_to_do() {
    let mut screen = Screen::start(160, 40, &[]);
    let text = screen.wait("kube down");
    assert!(text.contains("hint: pass --kubeconfig FILE or set KUBECONFIG"), "{text}");
    // What to do is readable on the smallest screen too.
    screen.resize(80, 24);
    screen.wait_for("the whole hint", |text| {
        one_line(text).contains("hint: pass --kubeconfig FILE or set KUBECONFIG") && text.contains("[list]")
    });
    leave(&mut screen, "q");
}

/// A sentence that was wrapped, as one.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_context_that_is_not_there_is_named_beside_those_that_are() {
    let mut screen = started(&kubeconfig("http://127.0.0.1:9"), &["--context", "there"]);
    let text = screen.wait("kube down");
    assert!(text.contains("no context \"there\""), "{text}");
    assert!(text.contains("hint: --context with one of: here"), "{text}");
    leave(&mut screen, "q");
}

#[test]
fn a_server_that_refuses_is_told_with_its_address() {
    let mut screen = started(&kubeconfig("http://127.0.0.1:9"), &[]);
    let text = screen.wait("kube down");
    assert!(text.contains("http://127.0.0.1:9 refuses connections; hint:"), "{text}");
    leave(&mut screen, "q");
}

#[test]
fn a_prometheus_that_answers_html_is_told_so() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        use std::io::{Read as _, Write as _};
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let _ = stream.read(&mut [0_u8; 4096]);
            let body = "<!DOCTYPE html><html><title>Sign in</title></html>";
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            );
        }
    });
    let mut screen = started(&kubeconfig("http://127.0.0.1:9"), &["--prometheus", &url]);
    screen.wait("prom down");
    screen.press("l");
    screen.wait("EVENT LOG");
    let text = one_line(&screen.wait("instead of JSON"));
    assert!(text.contains("answered with an HTML page (200)") && text.contains("hint: the URL is"), "{text}");
    leave(&mut screen, "q");
}

#[test]
fn a_misspelt_key_is_refused_before_the_terminal_is_touched() {
    let folder = Arc::new(tempfile::tempdir().expect("a folder"));
    let file = folder.path().join("my.toml");
    std::fs::write(&file, "prod_contexts = []\n[policy]\nmin_bed = 3\n").expect("a file");
    let file = file.display().to_string();
    for command in [&["--config", file.as_str()][..], &["demo", "--config", file.as_str()][..]] {
        let mut screen = Screen::start_in(160, 24, command, Arc::clone(&folder), &[]);
        assert_eq!(screen.end(), 2);
        let said = screen.raw();
        assert!(said.contains("my.toml:3:1"), "{said}");
        assert!(said.contains("min_bad"), "the hint names the key that was meant: {said}");
        assert!(!said.contains('\x1b'), "the terminal was touched: {said:?}");
        screen.assert_restored();
    }
}

/// Two clusters that nobody answers for, the second of them production.
fn two_contexts() -> String {
    kubeconfig("http://127.0.0.1:9").replace(
        "contexts:\n",
        "- name: far\n  cluster:\n    server: http://127.0.0.1:10\ncontexts:\n- name: eu-prod\n  context:\n    cluster: far\n    user: here\n    namespace: shop\n",
    )
}

#[test]
fn of_several_contexts_one_is_taken_at_the_start_and_production_is_said_before_it_is() {
    let mut screen = started(&two_contexts(), &[]);
    let text = screen.wait("which context?");
    let lines: Vec<&str> = text.lines().collect();
    let (here, prod) = (line_of(&lines, "http://127.0.0.1:9 "), line_of(&lines, "http://127.0.0.1:10"));
    assert!(
        lines[here].starts_with('▌') && lines[here].contains("current"),
        "the current one is selected: {text}"
    );
    assert!(
        here < prod && lines[prod].starts_with(" PROD eu-prod") && lines[prod].contains("shop"),
        "{text}"
    );
    screen.press("j");
    screen.wait_for("the second is selected", |text| text.contains("▌PROD eu-prod"));
    screen.press("\r");
    let text = screen.wait("http://127.0.0.1:10 refuses connections");
    assert!(text.lines().next().is_some_and(|header| header.contains("PROD eu-prod")), "{text}");
    assert!(text.lines().filter(|line| line.trim_end().ends_with('┃')).count() > 20, "the frame: {text}");
    leave(&mut screen, "q");
}

fn line_of(lines: &[&str], words: &str) -> usize {
    lines
        .iter()
        .position(|line| line.contains(words))
        .unwrap_or_else(|| panic!("{words}\n{}", lines.join("\n")))
}

#[test]
fn nobody_is_asked_where_one_is_named_or_the_configuration_says_so_and_who_is_asked_may_leave() {
    let mut named = started(&two_contexts(), &["--context", "here"]);
    assert!(!named.wait("kube down").contains("which context?"));
    leave(&mut named, "q");
    let mut asked = started(&two_contexts(), &["--theme", "light", "--keymap", "vim"]);
    asked.wait("which context?");
    leave(&mut asked, "ZQ");
    let folder = Arc::new(tempfile::tempdir().expect("a folder"));
    std::fs::create_dir_all(folder.path().join("config")).expect("a folder");
    std::fs::write(folder.path().join("config/config.toml"), "[ui]\nchoose_context = \"current\"\n")
        .expect("a file");
    let file = folder.path().join("kubeconfig");
    std::fs::write(&file, two_contexts()).expect("a file");
    let file = file.display().to_string();
    let mut current = Screen::start_in(160, 40, &["--kubeconfig", &file], folder, &[]);
    assert!(current.wait("http://127.0.0.1:9 refuses").contains("here"));
    leave(&mut current, "q");
}

#[test]
fn a_locale_without_utf_8_gets_ascii_and_no_color_gets_none() {
    let folder = Arc::new(tempfile::tempdir().expect("a folder"));
    let file = folder.path().join("kubeconfig");
    std::fs::write(&file, two_contexts()).expect("a file");
    let file = file.display().to_string();
    let poor = [("LC_ALL", "C"), ("NO_COLOR", "1")];
    let mut screen =
        Screen::start_in(100, 30, &["--kubeconfig", &file, "--context", "eu-prod"], folder, &poor);
    screen.wait("kube down");
    assert!(screen.text().is_ascii(), "{}", screen.text());
    assert!(!screen.raw().contains("\x1b[38;") && !screen.raw().contains("\x1b[48;"));
    leave(&mut screen, "q");
}

#[test]
fn from_a_workload_to_what_one_of_its_pods_writes_and_back() {
    let mut screen = quiet(WIDE);
    // Which workload the SLO judges is known a moment after the SLO.
    screen.wait("judges Deployment");
    screen.press("p");
    screen.wait("all revisions");
    screen.press("\r");
    screen.wait("EVENTS, newest first");
    screen.press("l");
    screen.wait("● follows");
    screen.wait("HTTP/1.1");
    screen.press("/");
    screen.wait("search ");
    screen.type_slowly("get /api");
    screen.press("\r");
    screen.wait("that have it");
    screen.press("\x1b");
    screen.wait("EVENTS, newest first");
    screen.press("\x1b");
    screen.wait("all revisions");
    screen.press("\x1b");
    // Its footer ends as the main screen's does, and an escape with a letter behind it in one write is another key.
    screen.wait_gone("all revisions");
    screen.press("A");
    screen.wait("RULE ErrorBudgetBurn");
}

// ---- other terminals ----

/// A quiet cockpit on a terminal that answers so.
fn before(answers: Answers, environment: &[(&str, &str)]) -> Screen {
    let folder = Arc::new(tempfile::tempdir().expect("a folder"));
    let screen = Screen::start_before(120, 40, &QUIET, folder, environment, answers);
    screen.wait("4 SLOs");
    screen
}

#[test]
fn a_frame_is_held_together_only_where_the_terminal_knows_how() {
    for (answers, holds) in [(Answers::All, true), (Answers::NoSync, false), (Answers::None, false)] {
        let mut screen = before(answers, &[]);
        screen.press("?");
        screen.wait("closes the help");
        let raw = screen.raw();
        assert_eq!(raw.contains("\x1b[?2026h"), holds, "{answers:?}");
        assert_eq!(raw.matches("\x1b[?2026h").count(), raw.matches("\x1b[?2026l").count());
        leave(&mut screen, "\x03");
    }
}

#[test]
fn a_terminal_that_never_answers_is_used_all_the_same() {
    let mut screen = before(Answers::None, &[]);
    for (key, there) in [("?", "closes the help"), ("x", MAIN), ("l", "EVENT LOG"), ("\x1b", MAIN)] {
        screen.press(key);
        screen.wait(there);
    }
    // Data comes too.
    let since = clock(&screen.text());
    screen.wait_for("the clock", |text| clock(text) >= since + 3);
    leave(&mut screen, "q");
}

#[test]
fn a_terminal_that_does_not_read_utf_8_gets_ascii() {
    let mut screen = before(Answers::Latin1, &[]);
    screen.wait_for("nothing but ASCII", str::is_ascii);
    leave(&mut screen, "q");
}

#[test]
fn poor_terminals_get_what_they_can_show() {
    for (term, colours, words, asks) in [
        ("dumb", false, false, false),
        ("vt100", false, false, false),
        ("linux", true, false, true),
        ("screen", true, true, true),
        ("tmux-256color", true, true, true),
    ] {
        let mut screen = before(Answers::All, &[("TERM", term), ("COLORTERM", "")]);
        let raw = screen.raw();
        let codes: Vec<&str> = raw.split("\x1b[").filter_map(|s| s.split_once('m')).map(|(c, _)| c).collect();
        let is_colour =
            |code: &str| code.split(';').any(|n| matches!(n.parse(), Ok(30..=37_u8 | 90..=97 | 38 | 48)));
        let sgr = |code: &&&str| code.bytes().all(|b| b.is_ascii_digit() || b == b';');
        assert_eq!(codes.iter().filter(sgr).any(|c| is_colour(c)), colours, "{term}");
        assert_eq!(raw.contains("\x1b]"), words, "{term}");
        assert_eq!(raw.contains("\x1b[5n"), asks, "{term}");
        assert_eq!(screen.text().is_ascii(), !words, "{term}");
        leave(&mut screen, "q");
    }
}

#[test]
fn a_storm_of_sizes_ends_in_a_whole_screen() {
    let mut screen = card(WIDE);
    for n in 0..60_u16 {
        screen.resize(20 + n * 3, 5 + n);
    }
    screen.resize(100, 30);
    let text =
        screen.wait_for("the card at its new size", |text| text.contains(ARMS) && text.contains("e edit"));
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    // Drawn anew from the begin, it is the same.
    screen.press("?");
    screen.wait("closes the help");
    screen.press("x");
    screen.wait_for("the card", |text| text.contains(ARMS) && text.contains("e edit"));
    leave(&mut screen, "\x03");
}

#[test]
fn reports_and_answers_are_never_typed() {
    let mut screen = burning(WIDE);
    screen.press("/");
    screen.wait("enter keeps it");
    // The mouse in both forms, answers, the focus, what nobody knows; torn apart too.
    for piece in [
        "\x1b[<64;10;10M\x1b[<0;5;5M\x1b[<0;5;5m",
        "\x1b[M !!\x1b[0n\x1b[?2026;2$y",
        "\x1b[?64;1;2c\x1b[2;3R\x1b[I\x1b]11;rgb:0/0/0\x07",
        "\x1b",
        "[<65;10;10M",
        "\x1b[",
        "0n",
    ] {
        screen.press(piece);
    }
    screen.press("pay");
    let text = screen.wait("1 match");
    assert!(text.contains("pay▏") || text.contains("pay_") || text.contains("/pay"), "{text}");
    screen.press("\x1b");
    screen.wait_gone("enter keeps it");
    leave(&mut screen, "\x03");
}

#[test]
fn the_wheel_moves_the_selection_and_the_window_has_a_title() {
    let mut screen = burning(WIDE);
    let title = "\x1b]2;goaround PROD demo-prod-eu: 1 gate open";
    screen.wait_for("a title that says what waits", |_| screen.raw().contains(title));
    screen.press("l");
    screen.wait("EVENT LOG");
    screen.resize(120, 8);
    // The oldest line is far above: only the wheel went there.
    screen.press(&"\x1b[<64;10;5M".repeat(60));
    screen.wait("taking http://127.0.0.1");
    screen.press("\x1b");
    screen.resize(120, 40);
    screen.wait(MAIN);
    leave(&mut screen, "q");
    let raw = screen.raw();
    let (saved, restored) = (raw.find("\x1b[22;2t"), raw.rfind("\x1b[23;2t"));
    assert!(saved.is_some() && restored > raw.rfind("\x1b]2;"), "the window's own title is given back");
}

#[test]
fn inside_tmux_it_is_drawn_and_left_as_anywhere() {
    if Command::new("tmux").arg("-V").output().is_err() {
        eprintln!("there is no tmux here: nothing was tried");
        return;
    }
    let folder = Arc::new(tempfile::tempdir().expect("a folder"));
    let socket = folder.path().join("tmux").display().to_string();
    let inside = format!("{} {}", env!("CARGO_BIN_EXE_goaround"), QUIET.join(" "));
    let arguments = ["-S", &socket, "-f", "/dev/null", "new-session", &inside];
    let mut screen = Screen::start_other("tmux", 120, 40, &arguments, folder, &[], Answers::All);
    screen.wait("4 SLOs");
    screen.press("?");
    screen.wait("closes the help");
    screen.resize(90, 30);
    screen.press("x");
    screen.wait(MAIN);
    screen.press("l");
    screen.wait("EVENT LOG");
    screen.press("\x1b");
    screen.wait(MAIN);
    screen.press("q");
    assert_eq!(screen.end(), 0);
    assert!(screen.text().contains("exited"), "{}", screen.text());
}

/// A multiplexer that ends with the test.
struct Multiplexer(String);

impl Multiplexer {
    fn run(&self, arguments: &[&str]) -> std::process::Output {
        let mut tmux = std::process::Command::new("tmux");
        tmux.args(["-L", &self.0, "-f", "/dev/null", "-u"]).args(arguments);
        tmux.env_remove("TMUX").env("LC_ALL", "C.UTF-8").output().expect("tmux runs")
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.run(&["capture-pane", "-p"]).stdout).into_owned()
    }

    fn wait(&self, words: &str) -> String {
        self.wait_for(words, |text| text.contains(words))
    }

    fn wait_for(&self, what: &str, shown: impl Fn(&str) -> bool) -> String {
        let begun = std::time::Instant::now();
        loop {
            let text = self.text();
            if shown(&text) {
                return text;
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "never came: {what}\n{text}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Multiplexer {
    fn drop(&mut self) {
        self.run(&["kill-server"]);
    }
}

#[test]
fn a_multiplexer_shows_the_same_through_resizes_and_gets_its_screen_back() {
    if std::process::Command::new("tmux").arg("-V").output().is_err() {
        eprintln!("NOT RUN: there is no tmux here");
        return;
    }
    let tmux = Multiplexer(format!("goaround-test-{}", std::process::id()));
    let program = env!("CARGO_BIN_EXE_goaround");
    let shell = format!("echo it-begins; {program} demo slo-burn --speed 8; echo it-ended; cat");
    let made = tmux.run(&["new-session", "-d", "-x", "120", "-y", "40", &shell]);
    assert!(made.status.success(), "{made:?}");
    let text = tmux.wait("1 gate open");
    assert!(text.lines().all(|line| line.chars().count() <= 120), "{text}");
    tmux.run(&["send-keys", "g"]);
    tmux.wait(ARMS);
    for (columns, rows) in [("80", "24"), ("200", "60"), ("61", "17"), ("100", "30")] {
        tmux.run(&["resize-window", "-x", columns, "-y", rows]);
    }
    // In between it may show a moment of each.
    tmux.wait_for("the card at the last size", |text| {
        let lines: Vec<&str> = text.lines().collect();
        lines.first().is_some_and(|line| line.contains("PROD demo-prod-eu") && line.chars().count() == 100)
            && lines.get(29).is_some_and(|line| line.contains("a approve"))
    });
    tmux.run(&["send-keys", "C-c"]);
    let text = tmux.wait("it-ended");
    assert!(text.contains("it-begins") && !text.contains("PROD"), "{text}");
}

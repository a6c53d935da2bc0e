//! What each fuzz target does with the bytes it is given: it reads them as what they pretend to be, and holds what it
//! got against what every reader promises. `cargo fuzz` runs them without an end, `tests/fuzz.rs` for a moment on the
//! toolchain of every day.

use std::path::Path;
use std::time::Duration;

use goaround::advisor::wire::{Finish, Reply};
use goaround::advisor::{parse, sse, tools};
use goaround::demo::scenario;
use goaround::domain::advice::{Answer, Brief, BriefId, Candidate, Purpose, Share};
use goaround::domain::clean::Clean;
use goaround::domain::cluster::Key;
use goaround::domain::evidence::EvidenceList;
use goaround::domain::value::Value as Measured;
use goaround::domain::verdict::{Offer, Verdict};
use goaround::domain::{Time, sli};
use goaround::shell::config::Config;
use goaround::shell::journal::{self, Journal};
use goaround::shell::screen::parser::{Parser, Told};
use goaround::shell::slo_file;
use goaround::sources::kubernetes::decode;
use goaround::sources::prometheus::decode as prometheus_replies;
use goaround::sources::prometheus::transport;
use goaround::ui::keymap::{COMMANDS, Keymap};
use goaround::ui::theme::Theme;

use super::disk::Shared;

/// A target, its name, which is that of its file in `fuzz_targets/` and of its folder in `corpus/`, and folders of the
/// project in which there is more of what it reads.
pub type Target = (&'static str, fn(&[u8]), &'static [&'static str]);

/// All of them.
pub const ALL: [Target; 8] = [
    ("journal", journal, &[]),
    ("kubernetes", kubernetes, &["tests/kubernetes"]),
    ("prometheus", prometheus, &["tests/fixtures/prom-api"]),
    ("config", config, &["tests/fixtures/config", "tests/fixtures/config/sloth"]),
    ("scenario", scenario, &["demo"]),
    ("look", look, &["keymaps", "themes"]),
    ("keys", keys, &[]),
    ("answer", answer, &["tests/fixtures/llm"]),
];

/// A journal is read without being changed; it is continued only when it is sound, and then it is still sound.
pub fn journal(bytes: &[u8]) {
    let disk = Shared::holding(bytes);
    let (before, verified) = journal::read_and_verify_on(&disk.handle());
    assert!(!verified.ok || verified.first_bad.is_none());
    assert_eq!(disk.bytes(), bytes, "reading changes nothing");
    let Ok(mut journal) = Journal::on(disk.handle()) else { return };
    assert_eq!(journal.read_only().is_none(), verified.ok, "{:?}, {verified:?}", journal.read_only());
    let appended = journal.append(Time::UNIX_EPOCH, "note", &serde_json::json!({ "text": "it goes on" }));
    if !verified.ok {
        assert!(appended.is_err());
        assert_eq!(disk.bytes(), bytes, "what is not sound is left as it is");
        return;
    }
    appended.expect("a sound journal goes on");
    let (after, verified) = journal::read_and_verify_on(&disk.handle());
    assert!(verified.ok, "{verified:?}");
    assert_eq!(&after[..before.len()], &before[..], "nothing that was there is lost");
    assert!(after.len() > before.len());
}

/// Lists and watches of every kind that is watched, and what is read by itself.
pub fn kubernetes(bytes: &[u8]) {
    fn one<K: decode::Kind>(bytes: &[u8]) {
        let _ = decode::page::<K>(bytes);
        let _ = decode::line::<K>(bytes);
    }
    one::<decode::Deployments>(bytes);
    one::<decode::ReplicaSets>(bytes);
    one::<decode::Pods>(bytes);
    one::<decode::Events>(bytes);
    one::<decode::Nodes>(bytes);
    one::<decode::Services>(bytes);
    one::<decode::Autoscalers>(bytes);
    one::<decode::DisruptionBudgets>(bytes);
    one::<decode::ConfigMaps>(bytes);
    one::<decode::Secrets>(bytes);
    one::<decode::Claims>(bytes);
    let _ = decode::config_content(bytes);
    if let Ok(value) = serde_json::from_slice(bytes) {
        let _ = decode::template(value);
    }
}

/// Answers and refusals of a Prometheus, and the expressions of its rules.
pub fn prometheus(bytes: &[u8]) {
    let reply = |status| transport::Reply {
        status,
        content_type: "application/json".to_owned(),
        location: Clean::default(),
        date: None,
        body: bytes.to_vec(),
        at: Clean::new("http://127.0.0.1:9090/api/v1/query"),
        proxied: (status == 403).then(|| Clean::new("monitoring")),
    };
    for status in [200, 302, 403, 422, 503] {
        let _ = prometheus_replies::query(reply(status)).map_err(told);
    }
    let _ = prometheus_replies::query_range(reply(200)).map_err(told);
    let _ = prometheus_replies::rules(reply(200)).map_err(told);
    let _ = prometheus_replies::buildinfo(reply(200)).map_err(told);
    let _ = prometheus_replies::runtimeinfo(reply(200)).map_err(told);
    if let Ok(expression) = str::from_utf8(bytes) {
        let _ = sli::understand(expression);
        let _ = sli::demanded(expression);
    }
}

/// Configuration and SLO files: taken, or refused with the name of the file.
pub fn config(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    if let Err(error) = Config::parse(text, Path::new("config.toml"), None) {
        assert!(told(error).contains("config.toml"));
    }
    if let Err(error) = slo_file::parse(text, "slo.yaml") {
        assert!(told(error).contains("slo.yaml"));
    }
}

/// Scenarios of the embedded world.
pub fn scenario(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    let _ = scenario::parse("fuzz", text).map_err(told);
}

/// Keymaps and themes. What a keymap prints of itself is the same keymap.
pub fn look(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    match Keymap::parse(text, "keys.toml", COMMANDS) {
        Ok(keymap) => assert_eq!(Keymap::parse(&keymap.source(), "again.toml", COMMANDS), Ok(keymap)),
        Err(error) => assert!(told(error).contains("keys.toml")),
    }
    if let Err(error) = Theme::parse(text, "theme.toml") {
        assert!(told(error).contains("theme.toml"));
    }
}

/// What a terminal sends tells the same, in however many pieces it comes; and after a silence it is about nothing more.
pub fn keys(bytes: &[u8]) {
    let now = Duration::from_secs(1);
    let read = |pieces: &mut dyn Iterator<Item = &[u8]>| -> Vec<Told> {
        let (mut parser, mut told) = (Parser::default(), Vec::new());
        for piece in pieces {
            parser.feed(piece, now, &mut told);
        }
        parser.silence(now, &mut told);
        assert_eq!(parser.waits(), None, "a silence ends what was begun");
        told
    };
    let whole = read(&mut std::iter::once(bytes));
    assert_eq!(whole, read(&mut bytes.chunks(1)), "byte by byte");
    assert_eq!(whole, read(&mut bytes.chunks(7)), "in pieces");
}

/// What a model says: an answer cites and names only what was in the question, whatever it says.
pub fn answer(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let brief = brief();
    for said in parse::so_far(&text, &brief) {
        assert!(said.evidence.iter().all(|id| brief.items.iter().any(|item| item.id == *id)));
    }
    let name = text.lines().next().unwrap_or_default();
    if let Ok(tool) = tools::parse(name, &text[name.len()..], &brief, Share::FactsAndLogs) {
        assert_eq!(tools::permitted(&tool, &brief, Share::FactsAndLogs), Ok(()));
    }
    let mut events = Vec::new();
    let mut stream = sse::Events::default();
    let whole = stream.feed(bytes, &mut |event| events.push(event)).is_ok();
    let mut again = Vec::new();
    let mut stream = sse::Events::default();
    let pieces = bytes.chunks(3).all(|piece| stream.feed(piece, &mut |event| again.push(event)).is_ok());
    assert!(!whole || (pieces && events == again), "a stream is the same in pieces");
    let reply = Reply {
        text,
        calls: Vec::new(),
        finish: Finish::Stop,
        usage: Default::default(),
        model: String::new(),
        cut: None,
    };
    match parse::answer(&reply, &brief) {
        Ok(answer) => cites_only_what_it_was_given(&answer, &brief),
        Err(faults) => assert!(!faults.is_empty()),
    }
}

fn cites_only_what_it_was_given(answer: &Answer, brief: &Brief) {
    let known = |id: &String| brief.items.iter().any(|item| item.id == *id);
    assert!(answer.sentences.iter().all(|said| said.evidence.iter().all(known)), "{answer:?}");
    let target = answer.target.is_none_or(|target| brief.candidates.iter().any(|c| c.number == target));
    assert!(target, "{answer:?}");
}

/// A refusal in words that may be printed: nothing in them is for the terminal.
fn told(error: impl std::fmt::Display) -> String {
    let words = error.to_string();
    assert!(!words.is_empty());
    assert!(!words.chars().any(|c| c.is_control() && c != '\n'), "{words:?}");
    words
}

/// A question: revision 4 serves and fails, 3 and 2 were good.
fn brief() -> Brief {
    let at = Time::from_timestamp(1_790_000_000, 0).expect("a time");
    let mut list = EvidenceList::default();
    list.add("error ratio of the new pods", "prom counters by pod", at)
        .value(Measured::Number(0.2), "ratio")
        .counts(1_962.0, 9_803.0);
    list.add("revision 4 changed image 1.8 → 1.9", "kube ReplicaSets", at).subject("revision 4");
    list.add("burn rate of cart-availability", "prom", at).value(Measured::Number(200.0), "x").window("5m");
    let candidate = |number| Candidate { number, title: Clean::new(format!("image 1.{number}")) };
    Brief {
        id: BriefId(1),
        now: at,
        purpose: Purpose::Rationale,
        workload: Key::new("shop", "cart"),
        verdict: Verdict::BadDeploy,
        offer: Offer::Rollback,
        target: Some(3),
        current: Some(4),
        decided: Clean::new("bad_deploy: 20 % failed on the new side"),
        candidates: vec![candidate(3), candidate(2)],
        items: list.items().to_vec(),
        found: 0,
        quotes: Vec::new(),
        pods: vec![Clean::new("cart-7f9c-x2x")],
        slo: None,
    }
}

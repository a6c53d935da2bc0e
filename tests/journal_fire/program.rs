//! The real binary on a disk that takes nothing: the cockpit goes on, the gate is closed, and the banner says what to do.
//! And the head that was kept elsewhere, on the command line.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use goaround::shell::journal::{FILE, Journal};
use serde_json::json;

use crate::cluster::{Cluster, Ran, run};
use crate::common::{Answers, Screen};
use crate::time;

/// The cockpit runs, its banner says why nothing can be approved and what to do, and the key that arms does nothing.
fn goes_on_with_a_closed_gate(screen: &mut Screen, why: &[&str]) {
    screen.wait("1 gate open");
    let text = screen.wait("cannot be written, nothing can be approved");
    assert!(text.contains("available, 5 m"), "{text}");
    for words in why {
        assert!(text.contains(words), "{words} is missing in\n{text}");
    }
    screen.press("g");
    screen.wait("CANNOT BE APPROVED");
    screen.press("a");
    let text = screen.wait("cannot be approved: the journal cannot be written");
    assert!(!text.contains("to approve"), "{text}");
    screen.press("\u{1b}");
    screen.wait("↑↓ select");
    screen.press("q");
    assert_eq!(screen.end(), 0);
}

fn noted(folder: &Path, count: i64) -> Journal {
    let mut journal = Journal::open(folder).expect("a journal");
    for n in 0..count {
        journal.append(time(n), "note", &json!({ "n": n })).expect("a record");
    }
    journal
}

#[test]
fn a_journal_of_a_later_version_can_be_read_and_not_continued() {
    let cluster = Cluster::burning();
    noted(&cluster.state(), 2);
    let file = cluster.state().join(FILE);
    let mut bytes = fs::read(&file).expect("a journal");
    bytes.extend_from_slice(b"{\"v\":2,\"seq\":3,\"new\":true}\n");
    fs::write(&file, &bytes).expect("a newer record");
    let ran = cluster.run(&["propose"]);
    assert_eq!(ran.code, Some(10), "{}", ran.err);
    assert!(
        ran.out.contains("format version 2") && ran.out.contains("use the newer goaround"),
        "{}",
        ran.out
    );
    let mut screen = cluster.screen(160, 45, &[]);
    goes_on_with_a_closed_gate(&mut screen, &["format version 2", "newer goaround"]);
    assert_eq!(fs::read(&file).expect("a journal"), bytes, "it is left as it is");
}

/// A file system of this size, for as long as the value lives. Only root may mount one.
struct Small(PathBuf);

impl Small {
    fn mount(at: PathBuf, bytes: u64) -> Option<Self> {
        fs::create_dir(&at).expect("a folder");
        let options = format!("size={bytes},mode=0700");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(&at).output();
        mounted.is_ok_and(|done| done.status.success()).then_some(Self(at))
    }

    fn remount(&self, options: &str) {
        let done = Command::new("mount").args(["-o", &format!("remount,{options}")]).arg(&self.0).status();
        assert!(done.expect("mount").success());
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// Opens the card, arms it, and gives the token.
fn armed(screen: &mut Screen) -> String {
    screen.wait("1 gate open");
    screen.press("g");
    screen.wait("arms, then");
    screen.press("a");
    let text = screen.wait("to approve");
    text.split("type ").nth(1).and_then(|rest| rest.get(..4)).expect("a token").to_owned()
}

#[test]
fn a_disk_that_fills_up_between_token_and_record_means_that_nothing_is_sent() {
    let cluster = Cluster::burning();
    let Some(disk) = Small::mount(cluster.folder.path().join("disk"), 256 << 10) else {
        println!("only root may mount a small file system; `a_full_disk_...` does the same with a limit");
        return;
    };
    let state = disk.0.join("state");
    let journal = noted(&state, 3);
    let place = state.to_string_lossy().into_owned();
    let mut screen = cluster.screen_in(160, 45, &[], &[("GOAROUND_STATE_DIR", &place)]);
    let token = armed(&mut screen);
    // Somebody fills the disk to the last byte.
    let full = Command::new("sh")
        .arg("-c")
        .arg("cat /dev/zero > \"$0\" 2>/dev/null")
        .arg(disk.0.join("fill"))
        .status();
    assert!(!full.expect("sh").success());
    let before = fs::read(journal.path()).expect("a journal");
    screen.type_slowly(&token);
    screen.wait("journal cannot be written");
    screen.press("\u{1b}");
    let text = screen.wait("cannot be written, nothing can be approved");
    assert!(text.contains("make room"), "{text}");
    assert!(text.contains("available, 5 m"), "the cockpit goes on\n{text}");
    assert_eq!(cluster.world.writes().into_iter().filter(|write| !write.dry_run).count(), 0);
    assert!(fs::read(journal.path()).expect("a journal").starts_with(&before), "what was recorded stays");
    screen.press("q");
    assert_eq!(screen.end(), 0);
    // Whoever starts on it now is told at once; and there is room again.
    fs::remove_file(disk.0.join("fill")).expect("removed");
    assert!(verified(&state), "it was not torn");
    noted(&state, 1);
}

/// Does `audit verify` say that it is whole?
fn verified(state: &Path) -> bool {
    let mut command = Command::new(env!("CARGO_BIN_EXE_goaround"));
    command.args(["audit", "verify"]).env("GOAROUND_STATE_DIR", state);
    command.output().expect("a run").status.success()
}

#[test]
fn a_file_system_that_is_read_only_closes_the_gate_and_not_the_cockpit() {
    let cluster = Cluster::burning();
    let Some(disk) = Small::mount(cluster.folder.path().join("disk"), 256 << 10) else {
        println!("only root may mount a file system");
        return;
    };
    let state = disk.0.join("state");
    noted(&state, 3);
    disk.remount("ro");
    let place = state.to_string_lossy().into_owned();
    let mut screen = cluster.screen_in(160, 45, &[], &[("GOAROUND_STATE_DIR", &place)]);
    goes_on_with_a_closed_gate(&mut screen, &["Read-only", "GOAROUND_STATE_DIR"]);
    assert!(verified(&state), "it can still be read");
}

#[test]
fn a_disk_without_any_room_closes_the_gate_and_not_the_cockpit() {
    let cluster = Cluster::burning();
    // A limit of nothing for files is as full as a disk can be; its signal is ignored, so writes fail instead.
    let limited = "trap '' XFSZ; ulimit -f 0; exec \"$0\" \"$@\"";
    let kubeconfig = cluster.kubeconfig().to_string_lossy().into_owned();
    let arguments = [
        "-c",
        limited,
        env!("CARGO_BIN_EXE_goaround"),
        "--kubeconfig",
        &kubeconfig,
        "--prometheus",
        &cluster.prometheus.url,
    ];
    let mut screen =
        Screen::start_other("sh", 160, 45, &arguments, Arc::clone(&cluster.folder), &[], Answers::All);
    // A file system tells nobody that it is full before somebody writes: the card that is shown is the first record.
    screen.wait("1 gate open");
    let text = screen.wait("cannot be written, nothing can be approved");
    assert!(text.contains("make room"), "{text}");
    goes_on_with_a_closed_gate(&mut screen, &["make room"]);
    assert_eq!(fs::metadata(cluster.state().join(FILE)).expect("a file").len(), 0);
}

fn verify(cluster: &Cluster, arguments: &[&str]) -> Ran {
    let all = ["audit", "verify"].iter().chain(arguments).map(|word| (*word).to_owned());
    run(&cluster.folder, all)
}

#[test]
fn a_head_that_was_kept_elsewhere_shows_that_the_end_was_cut_off() {
    let cluster = Cluster::burning();
    noted(&cluster.state(), 4);
    let ran = verify(&cluster, &[]);
    let head = ran.out.lines().find_map(|line| line.strip_prefix("head ")).expect("a head").to_owned();
    assert!(head.starts_with("4:") && head.len() == 66, "{head}");
    let hash = head.split_once(':').expect("a colon").1.to_owned();
    for kept in [head.as_str(), &hash, &head.to_uppercase()] {
        assert_eq!(verify(&cluster, &["--head", kept]).code, Some(0));
    }
    noted(&cluster.state(), 1);
    assert_eq!(verify(&cluster, &["--head", &head]).code, Some(0), "an older head stays in the chain");
    let file = cluster.state().join(FILE);
    let bytes = fs::read(&file).expect("a journal");
    let ends: Vec<usize> =
        bytes.iter().enumerate().filter(|(_, b)| **b == b'\n').map(|(at, _)| at + 1).collect();
    for kept in [0, ends[0], ends[2], ends[2] + 50] {
        fs::write(&file, &bytes[..kept]).expect("cut");
        assert_eq!(verify(&cluster, &[]).code, Some(0), "a shorter chain is a chain");
        for anchor in [&head, &hash] {
            let ran = verify(&cluster, &["--head", anchor]);
            assert_eq!(ran.code, Some(1), "{}", ran.out);
            assert!(ran.out.contains("NOT whole") && ran.out.contains("cut off"), "{}", ran.out);
            let found = verify(&cluster, &["--head", anchor, "-o", "json"]);
            assert_eq!((found.code, &found.json()["ok"]), (Some(1), &json!(false)), "{}", found.out);
        }
    }
    fs::remove_file(&file).expect("removed");
    assert_eq!(
        verify(&cluster, &["--head", &head]).code,
        Some(1),
        "nor is a removed journal the one of the head"
    );
    // Another journal of the same length.
    noted(&cluster.state(), 2);
    let mut journal = Journal::open(&cluster.state()).expect("a journal");
    for n in 7..9 {
        journal.append(time(n), "note", &json!({ "other": n })).expect("a record");
    }
    let ran = verify(&cluster, &["--head", &head]);
    assert!(
        ran.code == Some(1) && ran.out.contains("record 4 is sound but not the expected head"),
        "{}",
        ran.out
    );
    for nonsense in ["", "4", "4:", "x"] {
        let ran = verify(&cluster, &["--head", nonsense]);
        assert!(ran.code == Some(2) && ran.err.contains("not a head"), "{}", ran.err);
    }
}

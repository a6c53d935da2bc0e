//! Many processes that append at once, and processes that are killed: between any two steps of an append, and at any
//! moment under load. Children are this same test binary, asked for one ignored test by name.
//!
//! `GOAROUND_JOURNAL_PROCESSES` (8 without it) times `GOAROUND_JOURNAL_APPENDS` (100) records, and
//! `GOAROUND_JOURNAL_KILLS` (8) processes killed under load.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use goaround::shell::journal::{FILE, Journal, TORN, read_and_verify, verify};
use serde_json::json;

use crate::time;

const FOLDER: &str = "JOURNAL_TEST_FOLDER";
const WRITER: &str = "JOURNAL_TEST_WRITER";
const APPENDS: &str = "JOURNAL_TEST_APPENDS";
const PAD: &str = "JOURNAL_TEST_PAD";

fn figure(name: &str, default: i64) -> i64 {
    std::env::var(name).map_or(default, |value| value.parse().expect("a number"))
}

fn writer(dir: &Path, writer: i64, appends: i64, pad: i64) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this binary"));
    command.args(["--exact", "processes::child_appends", "--ignored", "--nocapture", "--test-threads=1"]);
    command.env(FOLDER, dir).env(WRITER, writer.to_string());
    command.env(APPENDS, appends.to_string()).env(PAD, pad.to_string());
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    command
}

#[test]
#[ignore = "a child process of other tests"]
fn child_appends() {
    let folder = std::env::var_os(FOLDER).expect("a folder");
    let mut journal = Journal::open(Path::new(&folder)).expect("opened");
    let (writer, pad) = (figure(WRITER, 0), figure(PAD, 0));
    for n in 0..figure(APPENDS, 1) {
        let body = json!({"writer": writer, "n": n, "pad": "x".repeat(usize::try_from(pad).expect("small"))});
        let head = journal.append(time(n), "note", &body).expect("recorded");
        writeln!(std::io::stdout(), "\nacknowledged {head}").expect("a reader");
    }
}

/// `SEQ:HASH` of what this process was told to be on the disk.
fn acknowledged(output: impl std::io::Read) -> Vec<String> {
    let lines = BufReader::new(output).lines().map_while(Result::ok);
    lines.filter_map(|line| line.strip_prefix("acknowledged ").map(str::to_owned)).collect()
}

/// Every record that anybody was told of is where it was told to be, and the chain is whole.
fn holds(dir: &Path, acknowledged: &[String]) {
    let (records, found) = read_and_verify(dir);
    assert!(found.ok, "{:?}", found.reason);
    let there: BTreeSet<String> = records.iter().map(|r| format!("{}:{}", r.seq, r.hash)).collect();
    for head in acknowledged {
        assert!(there.contains(head), "{head} was acknowledged and is not there");
    }
}

#[test]
fn many_processes_keep_one_chain_without_a_broken_link() {
    let temp = tempfile::tempdir().expect("a folder");
    let (processes, appends) =
        (figure("GOAROUND_JOURNAL_PROCESSES", 8), figure("GOAROUND_JOURNAL_APPENDS", 100));
    let mut children: Vec<_> =
        (0..processes).map(|n| writer(temp.path(), n, appends, 0).spawn().expect("a child")).collect();
    let outputs: Vec<_> = children.iter_mut().map(|child| child.stdout.take().expect("piped")).collect();
    let readers: Vec<_> =
        outputs.into_iter().map(|output| std::thread::spawn(move || acknowledged(output))).collect();
    let told: Vec<String> = readers.into_iter().flat_map(|reader| reader.join().expect("read")).collect();
    for mut child in children {
        assert!(child.wait().expect("its end").success());
    }
    assert_eq!(told.len() as i64, processes * appends);
    assert_eq!(told.iter().collect::<BTreeSet<_>>().len(), told.len(), "no two have the same place");
    holds(temp.path(), &told);
    let (records, found) = read_and_verify(temp.path());
    assert_eq!((found.records as i64, found.reason), (processes * appends, None));
    for writer in 0..processes {
        let own = records.iter().filter(|record| record.body["writer"] == writer);
        let own: Vec<i64> = own.filter_map(|record| record.body["n"].as_i64()).collect();
        assert_eq!(own, (0..appends).collect::<Vec<_>>(), "in the order of their writer");
    }
}

/// A journal of two records and, where asked for, the beginning of a third.
fn begun(torn: bool) -> tempfile::TempDir {
    let temp = tempfile::tempdir().expect("a folder");
    let mut journal = Journal::open(temp.path()).expect("opened");
    for n in 0..3 {
        journal.append(time(n), "note", &json!({ "n": n })).expect("recorded");
    }
    let bytes = fs::read(temp.path().join(FILE)).expect("a journal");
    let ends: Vec<usize> = bytes.iter().enumerate().filter(|(_, b)| **b == b'\n').map(|(at, _)| at).collect();
    let kept = if torn { ends[1] + 100 } else { ends[1] + 1 };
    fs::write(temp.path().join(FILE), &bytes[..kept]).expect("cut");
    temp
}

#[test]
fn a_writer_that_dies_between_any_two_steps_leaves_a_journal_that_the_next_one_continues() {
    for torn in [false, true] {
        // Which points are there? A run that dies at none of them says.
        let temp = begun(torn);
        let list = temp.path().join("points");
        let all = writer(temp.path(), 1, 2, 0).env("GOAROUND_DIE_LIST", &list).output().expect("a run");
        assert!(all.status.success());
        let points = fs::read_to_string(&list).expect("points");
        let points: Vec<&str> = points.lines().filter(|point| point.starts_with("journal.")).collect();
        assert!(points.len() >= if torn { 14 } else { 8 }, "{points:?}");
        for point in points {
            let temp = begun(torn);
            let died = writer(temp.path(), 1, 2, 0).env("GOAROUND_DIE_AT", point).output().expect("a run");
            assert!(!died.status.success(), "nobody died at {point}");
            let told = acknowledged(&died.stdout[..]);
            holds(temp.path(), &told);
            let next = writer(temp.path(), 2, 1, 0).output().expect("a run");
            assert!(next.status.success(), "nobody goes on after {point}");
            holds(temp.path(), &[told, acknowledged(&next.stdout[..])].concat());
            let (records, found) = read_and_verify(temp.path());
            assert_eq!(found.torn, None);
            let moved = records.iter().filter(|record| record.kind == TORN).count();
            // Where it died between cutting off and saying so, the copy beside says it.
            let beside = fs::read_dir(temp.path()).expect("a folder").flatten();
            let copies = beside.filter(|e| e.file_name().to_string_lossy().starts_with("torn-")).count();
            assert!(copies == usize::from(torn) && moved <= copies, "{point}: {moved} of {copies}");
        }
    }
}

#[test]
fn writers_that_are_killed_under_load_lose_nothing_that_they_were_told() {
    let temp = tempfile::tempdir().expect("a folder");
    // One goes on the whole time; the others are killed after as many records as chance has it.
    let mut steady = writer(temp.path(), 0, 100_000, 100).spawn().expect("a child");
    let output = steady.stdout.take().expect("piped");
    let reader = std::thread::spawn(move || acknowledged(output));
    let mut told = Vec::new();
    for kill in 0..figure("GOAROUND_JOURNAL_KILLS", 8) {
        // Long records, so that the end often comes in the middle of one.
        let mut child = writer(temp.path(), 1 + kill, 100_000, 60_000).spawn().expect("a child");
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines().map_while(Result::ok);
        let heads = lines.filter_map(|line| line.strip_prefix("acknowledged ").map(str::to_owned));
        let count = usize::try_from(1 + kill * 7 % 5).expect("small");
        told.extend(heads.take(count));
        child.kill().expect("killed");
        child.wait().expect("its end");
    }
    steady.kill().expect("killed");
    steady.wait().expect("its end");
    told.extend(reader.join().expect("read"));
    assert!(told.len() > 8);
    holds(temp.path(), &told);
    let mut journal = Journal::open(temp.path()).expect("opened");
    journal.append(time(1), "note", &json!({})).expect("recorded");
    let found = verify(temp.path());
    assert!(found.ok && found.torn.is_none(), "{:?}", found.reason);
}

//! The journal as an adversary, a full disk, a killed process and sixteen writers at once see it. Children are this
//! same test binary, asked for one ignored test by name.

#![expect(clippy::disallowed_methods, reason = "children of a test are told what to do by variables")]

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::{Command, Stdio};

use goaround::domain::Time;
use goaround::shell::journal::{
    Anchor, FILE, GENESIS, Journal, JournalError, ReadOnly, TORN, read, read_and_verify, verify, verify_from,
};
use serde_json::json;
use tempfile::TempDir;

const FOLDER: &str = "JOURNAL_TEST_FOLDER";

fn time(n: i64) -> Time {
    Time::UNIX_EPOCH + chrono::TimeDelta::milliseconds(1_790_000_000_000 + n)
}

fn note(journal: &mut Journal, n: i64) {
    journal.append(time(n), "note", &json!({ "n": n, "by": "ana" })).expect("append");
}

/// A folder with a journal of `count` records, and its bytes.
fn written(count: i64) -> (TempDir, Vec<u8>) {
    let temp = tempfile::tempdir().expect("tempdir");
    let mut journal = Journal::open(temp.path()).expect("open");
    for n in 0..count {
        note(&mut journal, n);
    }
    let bytes = fs::read(temp.path().join(FILE)).expect("journal");
    (temp, bytes)
}

fn lines(bytes: &[u8]) -> Vec<Vec<u8>> {
    bytes.split_inclusive(|b| *b == b'\n').map(<[u8]>::to_vec).collect()
}

fn put(dir: &Path, bytes: &[u8]) {
    fs::write(dir.join(FILE), bytes).expect("write");
}

#[test]
fn a_missing_journal_is_sound_without_records_and_looking_creates_nothing() {
    let temp = tempfile::tempdir().expect("tempdir");
    let missing = temp.path().join("state");
    let verification = verify(&missing);
    assert_eq!(
        serde_json::to_value(&verification).expect("json"),
        json!({"records": 0, "ok": true, "first_bad": null, "reason": null})
    );
    assert!(read(&missing).is_empty() && !missing.exists());
}

#[test]
fn what_was_appended_is_read_back_and_each_line_is_the_documented_envelope() {
    let temp = tempfile::tempdir().expect("tempdir");
    let dir = temp.path().join("state");
    let mut journal = Journal::open(&dir).expect("open");
    let body = json!({"z": 1, "a": ["ü\u{1b}\n", 1.5, null], "big": 18_446_744_073_709_551_615_u64});
    let first = journal.append(time(1), "intent", &body).expect("append");
    let second = journal.append(time(2), "outcome.known", &json!({})).expect("append");
    assert_eq!((first.seq, second.seq), (1, 2));
    assert_eq!(journal.head(), &second);

    let (records, verification) = read_and_verify(&dir);
    assert_eq!((verification.records, verification.ok), (2, true));
    assert_eq!((verification.reason, verification.head), (None, Some(second)));
    assert_eq!((records[0].kind.as_str(), records[0].time, &records[0].body), ("intent", time(1), &body));
    assert_eq!((records[0].prev.as_str(), &records[1].prev), (GENESIS, &records[0].hash));

    let bytes = fs::read(dir.join(FILE)).expect("journal");
    for line in lines(&bytes) {
        let line: serde_json::Map<String, serde_json::Value> =
            serde_json::from_slice(&line).expect("one object");
        let keys: Vec<&str> = line.keys().map(String::as_str).collect();
        assert_eq!(keys, ["v", "seq", "time", "prev", "kind", "body", "hash"]);
    }
    assert_eq!(fs::metadata(&dir).expect("folder").mode() & 0o7777, 0o700);
    assert_eq!(fs::metadata(dir.join(FILE)).expect("file").mode() & 0o7777, 0o600);
}

#[test]
fn every_kind_of_tampering_with_every_record_of_200_is_seen() {
    let (temp, sound) = written(200);
    let head = Anchor::from(&verify(temp.path()).head.expect("head"));
    let records = lines(&sound);
    let mut tried = 0;
    let mut seen = |what: &str, at: usize, altered: &[Vec<u8>]| {
        tried += 1;
        put(temp.path(), &altered.concat());
        let verification = verify_from(temp.path(), Some(&head));
        assert!(!verification.ok && verification.reason.is_some(), "{what} at record {}", at + 1);
        verification.first_bad
    };
    for at in 0..records.len() {
        let length = records[at].len();
        // The frame, the number, the time, the link, the kind, the body, the hash, the line feed.
        for byte in [0, 5, 15, 40, 70, 160, length - 80, length - 10, length - 2, length - 1] {
            let mut altered = records.clone();
            altered[at][byte] ^= 1 << (at % 7);
            let first_bad = seen(&format!("flip of byte {byte}"), at, &altered);
            assert_eq!(first_bad, Some(at as u64 + 1));
        }
        let mut removed = records.clone();
        removed.remove(at);
        let first_bad = seen("removal", at, &removed);
        assert_eq!(first_bad, (at + 1 < records.len()).then_some(at as u64 + 1));
        let mut doubled = records.clone();
        doubled.insert(at, records[at].clone());
        assert_eq!(seen("repetition", at, &doubled), Some(at as u64 + 2));
        if at > 0 {
            let mut swapped = records.clone();
            swapped.swap(at - 1, at);
            assert_eq!(seen("exchange", at, &swapped), Some(at as u64));
        }
    }
    assert_eq!(tried, 200 * 13 - 1);
    put(temp.path(), &sound);
    assert!(verify_from(temp.path(), Some(&head)).ok);
}

#[test]
fn every_bit_of_every_byte_counts() {
    let (temp, sound) = written(3);
    for at in 0..sound.len() {
        for bit in 0..8 {
            let mut altered = sound.clone();
            altered[at] ^= 1 << bit;
            put(temp.path(), &altered);
            assert!(!verify(temp.path()).ok, "bit {bit} of byte {at}");
        }
    }
}

#[test]
fn a_cut_off_end_is_seen_with_a_head_that_was_written_down_elsewhere() {
    let (temp, sound) = written(5);
    let head = Anchor::from(&verify(temp.path()).head.expect("head"));
    let records = lines(&sound);
    for kept in 0..5 {
        put(temp.path(), &records[..kept].concat());
        assert!(verify(temp.path()).ok, "a shorter chain is a chain");
        let verification = verify_from(temp.path(), Some(&head));
        assert!(!verification.ok && verification.first_bad.is_none());
        assert!(verification.reason.expect("reason").contains("cut off"));
    }
    fs::remove_file(temp.path().join(FILE)).expect("remove");
    assert!(!verify_from(temp.path(), Some(&head)).ok, "nor is a removed journal what was expected");

    put(temp.path(), &sound);
    let mut journal = Journal::open(temp.path()).expect("open");
    note(&mut journal, 6);
    assert!(verify_from(temp.path(), Some(&head)).ok, "an older head stays in the chain");
}

#[test]
fn a_record_of_another_journal_does_not_fit_although_it_is_sound() {
    let (temp, ours) = written(2);
    let (_other, theirs) = {
        let temp = tempfile::tempdir().expect("tempdir");
        let mut journal = Journal::open(temp.path()).expect("open");
        for n in 0..2 {
            note(&mut journal, 100 + n);
        }
        let bytes = fs::read(temp.path().join(FILE)).expect("journal");
        (temp, bytes)
    };
    put(temp.path(), &[lines(&ours)[0].clone(), lines(&theirs)[1].clone()].concat());
    let verification = verify(temp.path());
    assert_eq!((verification.ok, verification.first_bad), (false, Some(2)));
    assert!(verification.reason.expect("reason").contains("replaced"));
}

#[test]
fn a_writer_killed_at_any_byte_leaves_a_torn_record_and_the_journal_goes_on() {
    let (temp, sound) = written(3);
    let records = lines(&sound);
    let two = records[0].len() + records[1].len();
    // The line feed alone is missing at the last cut; that is another test.
    for cut in (two + 1..sound.len() - 1).step_by(7).chain([sound.len() - 2]) {
        put(temp.path(), &sound[..cut]);
        let verification = verify(temp.path());
        assert!(verification.ok, "cut at {cut}: {:?}", verification.reason);
        assert_eq!((verification.records, verification.torn), (2, Some(cut - two)));
        assert!(verification.reason.expect("reason").contains("torn"));

        let mut journal = Journal::open(temp.path()).expect("open");
        assert_eq!((journal.read_only(), journal.head().seq), (None, 2));
        let head = journal.append(time(9), "note", &json!({"n": 9})).expect("append");
        assert_eq!(head.seq, 4, "one record for what was torn, one for the note");
        let (found, verification) = read_and_verify(temp.path());
        assert!(verification.ok && verification.torn.is_none());
        assert_eq!(verification.moved_aside, [3]);
        assert!(verification.reason.expect("reason").contains("moved aside"));
        assert_eq!((found[2].kind.as_str(), found[3].kind.as_str()), (TORN, "note"));
        assert_eq!(found[2].body["bytes"], cut - two);
        let copy = temp.path().join(found[2].body["moved_to"].as_str().expect("a name"));
        assert_eq!(fs::read(&copy).expect("copy"), &sound[two..cut]);
        assert_eq!(fs::metadata(&copy).expect("copy").mode() & 0o7777, 0o600);
    }
}

#[test]
fn a_whole_record_that_lacks_only_its_line_feed_is_kept() {
    let (temp, sound) = written(3);
    put(temp.path(), &sound[..sound.len() - 1]);
    let verification = verify(temp.path());
    assert!(verification.ok && verification.records == 3 && verification.torn.is_none());
    assert!(verification.reason.expect("reason").contains("line feed"));
    let mut journal = Journal::open(temp.path()).expect("open");
    note(&mut journal, 3);
    note(&mut journal, 4);
    let verification = verify(temp.path());
    assert_eq!((verification.records, verification.ok, verification.reason), (5, true, None));
}

#[test]
fn a_torn_record_is_never_an_excuse_for_an_altered_one() {
    let (temp, sound) = written(3);
    let altered =
        String::from_utf8(sound[..sound.len() - 1].to_vec()).expect("text").replace(r#""n":2"#, r#""n":7"#);
    put(temp.path(), altered.as_bytes());
    let verification = verify(temp.path());
    assert_eq!((verification.ok, verification.first_bad), (false, Some(3)));
    for tail in ["x", "{\"v\":1,\"seq\":9,", "\0\0\0\0", "{}", "\n"] {
        put(temp.path(), &[&sound, tail.as_bytes()].concat());
        assert_eq!(verify(temp.path()).first_bad, Some(4), "{tail:?}");
    }
}

#[test]
fn a_chain_that_does_not_verify_opens_read_only_and_stays_as_it_is() {
    let (temp, mut sound) = written(4);
    let at = sound.len() / 2;
    sound[at] ^= 1;
    put(temp.path(), &sound);
    let mut journal = Journal::open(temp.path()).expect("the cockpit goes on");
    assert!(matches!(journal.read_only(), Some(ReadOnly::Broken(_))));
    let error = journal.append(time(5), "note", &json!({})).expect_err("read-only").to_string();
    assert!(error.contains(FILE) && error.contains("read-only") && error.contains("hint:"), "{error}");
    assert_eq!(fs::read(temp.path().join(FILE)).expect("journal"), sound);
    assert!(read(temp.path()).len() < 4, "what stands before the fault is still shown");
}

#[test]
fn a_journal_of_a_later_version_is_read_only_and_says_so() {
    let (temp, sound) = written(2);
    put(temp.path(), &[&sound[..], b"{\"v\":2,\"seq\":3,\"new\":true}\n"].concat());
    let mut journal = Journal::open(temp.path()).expect("open");
    assert!(matches!(journal.read_only(), Some(ReadOnly::Future(_))));
    let error = journal.append(time(5), "note", &json!({})).expect_err("read-only").to_string();
    assert!(error.contains("version 2") && error.contains("newer goaround"), "{error}");
    let verification = verify(temp.path());
    assert_eq!((verification.ok, verification.first_bad), (false, Some(3)));
}

#[test]
fn what_happens_to_the_file_behind_an_open_journal_closes_it() {
    type Deed = fn(&Path, &[u8]);
    let deeds: [(&str, Deed); 5] = [
        ("cut", |path, bytes| {
            fs::write(path, lines(bytes)[..2].concat()).expect("write");
        }),
        ("emptied", |path, _| fs::write(path, "").expect("write")),
        ("last record altered", |path, bytes| {
            let mut altered = bytes.to_vec();
            let at = altered.len() - 90;
            altered[at] ^= 1;
            fs::write(path, altered).expect("write");
        }),
        ("removed", |path, _| fs::remove_file(path).expect("remove")),
        ("replaced", |path, bytes| {
            fs::write(path.with_extension("new"), bytes).expect("write");
            fs::rename(path.with_extension("new"), path).expect("rename");
        }),
    ];
    for (what, deed) in deeds {
        let (temp, bytes) = written(3);
        let mut journal = Journal::open(temp.path()).expect("open");
        deed(&temp.path().join(FILE), &bytes);
        for _ in 0..2 {
            let error = journal.append(time(5), "note", &json!({})).expect_err(what);
            assert!(matches!(error, JournalError::ReadOnly { .. }), "{what}: {error}");
        }
        assert!(journal.read_only().is_some(), "{what}");
    }
}

#[test]
fn what_is_not_a_record_is_not_written() {
    let (temp, sound) = written(1);
    let mut journal = Journal::open(temp.path()).expect("open");
    let deep = (0..200).fold(json!({}), |inner, _| json!({ "in": inner }));
    let long = json!({ "text": "x".repeat(16 << 20) });
    for (kind, body) in [
        ("", json!({})),
        ("Note", json!({})),
        ("no\nte", json!({})),
        ("note", json!([])),
        ("note", deep),
        ("note", long),
    ] {
        let error = journal.append(time(1), kind, &body).expect_err("refused");
        assert!(matches!(error, JournalError::NotARecord { .. }), "{error}");
        assert!(!error.to_string().contains('\n'));
    }
    assert_eq!(fs::read(temp.path().join(FILE)).expect("journal"), sound);
    note(&mut journal, 2);
    assert_eq!(verify(temp.path()).records, 2);
}

#[test]
fn a_journal_that_is_a_link_or_open_to_everybody_is_not_opened() {
    let (temp, _) = written(1);
    let path = temp.path().join(FILE);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).expect("chmod");
    let error = Journal::open(temp.path()).expect_err("refused").to_string();
    assert!(error.contains("everybody may write") && error.contains("hint:"), "{error}");
    fs::rename(&path, temp.path().join("elsewhere")).expect("rename");
    std::os::unix::fs::symlink("elsewhere", &path).expect("symlink");
    let error = Journal::open(temp.path()).expect_err("refused").to_string();
    assert!(error.contains("symbolic link") && error.contains("hint:"), "{error}");
    assert!(!verify(temp.path()).ok, "nor is a link verified");
}

#[test]
fn a_folder_in_which_nothing_can_be_created_gives_an_error_and_no_journal() {
    let temp = tempfile::tempdir().expect("tempdir");
    fs::create_dir(temp.path().join(FILE)).expect("a folder in the way");
    for dir in [temp.path(), Path::new("/dev/null/state")] {
        let error = Journal::open(dir).expect_err("refused").to_string();
        assert!(error.contains("hint:"), "{error}");
    }
}

/// Even root cannot create a file there.
#[cfg(target_os = "linux")]
#[test]
fn a_read_only_folder_gives_an_error_that_names_it() {
    let error = Journal::open(Path::new("/proc/self/task")).expect_err("refused").to_string();
    assert!(error.contains(FILE) && error.contains("hint:"), "{error}");
}

#[test]
fn many_handles_in_many_threads_keep_one_linear_chain() {
    let temp = tempfile::tempdir().expect("tempdir");
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let dir = temp.path();
            scope.spawn(move || {
                let mut journal = Journal::open(dir).expect("open");
                for n in 0..20 {
                    note(&mut journal, thread * 1_000 + n);
                }
            });
        }
    });
    linear(temp.path(), 8, 20);
}

#[test]
fn many_processes_keep_one_linear_chain() {
    let temp = tempfile::tempdir().expect("tempdir");
    let children: Vec<_> = (0..8)
        .map(|writer: i64| {
            child("child_appends", temp.path())
                .env("WRITER", writer.to_string())
                .stdout(Stdio::null())
                .spawn()
                .expect("spawn")
        })
        .collect();
    for mut child in children {
        assert!(child.wait().expect("wait").success());
    }
    linear(temp.path(), 8, 25);
}

/// Every writer's every record is there, in the writer's own order.
fn linear(dir: &Path, writers: i64, each: i64) {
    let (records, verification) = read_and_verify(dir);
    assert!(verification.ok, "{:?}", verification.reason);
    assert_eq!((verification.records, verification.reason), ((writers * each) as u64, None));
    for writer in 0..writers {
        let own: Vec<i64> = records
            .iter()
            .filter_map(|record| record.body["n"].as_i64())
            .filter(|n| n / 1_000 == writer)
            .collect();
        let expected: Vec<i64> = (0..each).map(|n| writer * 1_000 + n).collect();
        assert_eq!(own, expected);
    }
}

#[test]
fn an_acknowledged_record_survives_the_kill_of_its_writer() {
    let temp = tempfile::tempdir().expect("tempdir");
    let mut acknowledged = 0;
    for round in 0..5 {
        let mut child =
            child("child_appends_until_killed", temp.path()).stdout(Stdio::piped()).spawn().expect("spawn");
        let output = BufReader::new(child.stdout.take().expect("stdout"));
        for line in output.lines().map_while(Result::ok) {
            if let Some(seq) = line.strip_prefix("acknowledged ") {
                acknowledged = seq.parse().expect("a number");
                if acknowledged % (7 + round) == 0 {
                    break;
                }
            }
        }
        child.kill().expect("kill");
        child.wait().expect("wait");
        let verification = verify(temp.path());
        assert!(verification.ok, "{:?}", verification.reason);
        assert!(verification.records >= acknowledged && acknowledged > 0);
    }
}

#[test]
fn a_full_disk_gives_an_error_and_leaves_a_sound_journal() {
    // The limit on the size of a file cuts a write short just as a full disk does. dash counts 512 bytes, bash 1,024.
    for blocks in ["0", "1", "3", "5", "16"] {
        let temp = tempfile::tempdir().expect("tempdir");
        let inner = child("child_fills_the_disk", temp.path());
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\""));
        shell.arg(inner.get_program()).args(inner.get_args()).env(FOLDER, temp.path());
        let output = shell.output().expect("sh");
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
        let acknowledged: u64 = text
            .lines()
            .find_map(|line| line.strip_prefix("acknowledged "))
            .expect("a count")
            .parse()
            .expect("a number");
        let verification = verify(temp.path());
        assert_eq!((verification.ok, verification.records, verification.torn), (true, acknowledged, None));
        // There is room again.
        note(&mut Journal::open(temp.path()).expect("open"), 1);
        assert_eq!(verify(temp.path()).records, acknowledged + 1);
    }
}

fn child(test: &str, dir: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this binary"));
    command.args(["--exact", test, "--ignored", "--nocapture", "--test-threads=1"]).env(FOLDER, dir);
    command
}

fn opened() -> Journal {
    Journal::open(Path::new(&std::env::var_os(FOLDER).expect("a folder"))).expect("open")
}

#[test]
#[ignore = "a child process of another test"]
fn child_appends() {
    let writer: i64 = std::env::var("WRITER").expect("writer").parse().expect("number");
    let mut journal = opened();
    for n in 0..25 {
        note(&mut journal, writer * 1_000 + n);
    }
}

#[test]
#[ignore = "a child process of another test"]
fn child_appends_until_killed() {
    let mut journal = opened();
    for n in 0..100_000 {
        let body = json!({ "n": n, "pad": "x".repeat(20_000) });
        let head = journal.append(time(n), "note", &body).expect("append");
        println!("\nacknowledged {}", head.seq);
    }
}

#[test]
#[ignore = "a child process of another test"]
fn child_fills_the_disk() {
    let mut journal = opened();
    let mut acknowledged = 0;
    let error = loop {
        match journal.append(time(0), "note", &json!({"n": 1})) {
            Ok(head) => acknowledged = head.seq,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, JournalError::Io { .. }) && error.to_string().contains("make room"), "{error}");
    assert!(journal.read_only().is_none(), "a full disk is not the end of the journal");
    println!("\nacknowledged {acknowledged}");
}

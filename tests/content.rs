//! The content store as its promises read: who may see it, how long it keeps, what damage and many writers do to it.
//! Children are this same test binary, asked for one ignored test by name.

#![expect(clippy::disallowed_methods, reason = "children of a test are told what to do by variables")]

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use goaround::domain::Time;
use goaround::shell::content::{ConfigMap, ContentError, ContentStore};
use serde_json::{Value, json};

const FOLDER: &str = "CONTENT_TEST_FOLDER";
const OF: ConfigMap<'static> = ConfigMap { cluster: "5e0c", namespace: "shop", name: "gateway" };

fn day(n: i64) -> Time {
    Time::UNIX_EPOCH + chrono::TimeDelta::days(20_000 + n)
}

fn content(text: &str) -> Value {
    json!({"data": {"z": text, "a": "1"}, "binaryData": {"b": "AAEC"}})
}

fn digests(store: &ContentStore) -> Vec<String> {
    let found = store.versions(OF).expect("versions");
    found.versions.into_iter().map(|version| version.digest).collect()
}

/// The files that hold versions.
fn files(dir: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(dir)
        .expect("list")
        .map(|entry| entry.expect("entry").path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "json"))
        .collect();
    files.sort();
    files
}

#[test]
fn what_was_kept_is_given_back_as_it_came_and_the_newest_is_last() {
    let temp = tempfile::tempdir().expect("tempdir");
    let store = ContentStore::open(temp.path()).expect("open");
    store.keep(OF, "u1", "sha256:new", &content("ü\u{1b}\n"), day(2)).expect("keep");
    store.keep(OF, "u1", "sha256:old", &content("old"), day(1)).expect("keep");
    let found = store.versions(OF).expect("versions");
    assert!(found.damaged.is_empty());
    assert_eq!(digests(&store), ["sha256:old", "sha256:new"]);
    let newest = &found.versions[1];
    assert_eq!((newest.uid.as_str(), newest.first_seen, newest.last_seen), ("u1", day(2), day(2)));
    assert_eq!(newest.data.to_string(), content("ü\u{1b}\n").to_string(), "with the order of its keys");
}

#[test]
fn a_later_run_sees_what_an_earlier_one_kept() {
    let temp = tempfile::tempdir().expect("tempdir");
    ContentStore::open(temp.path()).expect("open").keep(OF, "u", "d", &content("x"), day(0)).expect("keep");
    assert_eq!(digests(&ContentStore::open(temp.path()).expect("open")), ["d"]);
}

#[test]
fn the_same_content_seen_again_is_one_version_with_a_longer_life() {
    let temp = tempfile::tempdir().expect("tempdir");
    let store = ContentStore::open(temp.path()).expect("open");
    for n in [3, 5, 1, 4, 5] {
        store.keep(OF, "u", "d", &content("x"), day(n)).expect("keep");
    }
    let found = store.versions(OF).expect("versions");
    assert_eq!(found.versions.len(), 1);
    assert_eq!((found.versions[0].first_seen, found.versions[0].last_seen), (day(1), day(5)));
    assert_eq!(files(temp.path()).len(), 1);
}

#[test]
fn another_cluster_namespace_name_or_uid_is_another_thing() {
    let temp = tempfile::tempdir().expect("tempdir");
    let store = ContentStore::open(temp.path()).expect("open");
    let others = [
        ConfigMap { cluster: "6f", ..OF },
        ConfigMap { namespace: "shopg", name: "ateway", ..OF },
        ConfigMap { name: "gatewa", ..OF },
    ];
    for (n, of) in [OF].into_iter().chain(others).enumerate() {
        store.keep(of, "u", "d", &content(&n.to_string()), day(0)).expect("keep");
    }
    store.keep(OF, "u-of-a-new-object", "d", &content("anew"), day(1)).expect("keep");
    let found = store.versions(OF).expect("versions");
    let texts: Vec<&Value> = found.versions.iter().map(|version| &version.data["data"]["z"]).collect();
    assert_eq!(texts, ["0", "anew"]);
    for of in others {
        assert_eq!(store.versions(of).expect("versions").versions.len(), 1);
    }
}

#[test]
fn content_is_for_its_owner_alone() {
    let temp = tempfile::tempdir().expect("tempdir");
    let dir = temp.path().join("state/content");
    let store = ContentStore::open(&dir).expect("open");
    store.keep(OF, "u", "d", &content("a secret by mistake"), day(0)).expect("keep");
    assert_eq!(fs::metadata(&dir).expect("folder").mode() & 0o7777, 0o700);
    for entry in fs::read_dir(&dir).expect("list") {
        let entry = entry.expect("entry");
        assert_eq!(entry.metadata().expect("metadata").mode() & 0o7777, 0o600, "{entry:?}");
        assert!(!entry.file_name().to_string_lossy().contains("gateway"), "nor does a name tell");
    }
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o777)).expect("chmod");
    assert!(matches!(ContentStore::open(&dir), Err(ContentError::Private(_))));
}

#[test]
fn what_was_not_seen_for_30_days_is_removed() {
    let temp = tempfile::tempdir().expect("tempdir");
    let store = ContentStore::open(temp.path()).expect("open");
    let other = ConfigMap { name: "another", ..OF };
    store.keep(OF, "u", "seen once", &content("1"), day(0)).expect("keep");
    store.keep(OF, "u", "seen again", &content("2"), day(0)).expect("keep");
    store.keep(OF, "u", "seen again", &content("2"), day(10)).expect("keep");
    store.keep(other, "u", "d", &content("3"), day(30)).expect("keep");
    assert_eq!(digests(&store), ["seen once", "seen again"], "30 days are not over yet");
    store.keep(other, "u", "d", &content("3"), day(31)).expect("keep");
    assert_eq!(digests(&store), ["seen again"]);
    store.expire(day(41)).expect("expire");
    assert!(digests(&store).is_empty(), "also when nothing is kept any more");
    assert_eq!(files(temp.path()).len(), 1);
}

#[test]
fn only_what_a_configmap_holds_is_kept() {
    let temp = tempfile::tempdir().expect("tempdir");
    let store = ContentStore::open(temp.path()).expect("open");
    for wrong in
        [json!([]), json!({"stringData": {"a": "b"}}), json!({"data": {"a": 1}}), json!({"data": "x"})]
    {
        let error = store.keep(OF, "u", "d", &wrong, day(0)).expect_err("refused");
        assert!(matches!(error, ContentError::NotContent { .. }), "{error}");
    }
    assert!(files(temp.path()).is_empty());
    for (n, right) in [json!({}), json!({"data": null}), json!({"binaryData": {}})].iter().enumerate() {
        store.keep(OF, "u", &n.to_string(), right, day(0)).expect("keep");
    }
    assert_eq!(digests(&store).len(), 3);
}

#[test]
fn a_damaged_version_is_left_out_and_reported_and_the_others_stay() {
    let temp = tempfile::tempdir().expect("tempdir");
    let store = ContentStore::open(temp.path()).expect("open");
    store.keep(OF, "u", "hurt", &content("text"), day(0)).expect("keep");
    let hurt = files(temp.path()).remove(0);
    let sound = fs::read(&hurt).expect("read");
    store.keep(OF, "u", "well", &content("x"), day(1)).expect("keep");

    let flips = (0..sound.len()).map(|at| {
        let mut bytes = sound.clone();
        bytes[at] ^= 1;
        bytes
    });
    let cuts = [0, 1, 40, sound.len() / 2, sound.len() - 1].map(|cut| sound[..cut].to_vec());
    for bytes in flips.chain(cuts) {
        fs::write(&hurt, &bytes).expect("write");
        let found = store.versions(OF).expect("versions");
        assert_eq!(
            (found.versions.len(), found.damaged.len()),
            (1, 1),
            "{}",
            String::from_utf8_lossy(&bytes)
        );
        assert_eq!(found.versions[0].digest, "well");
        assert_eq!(found.damaged[0].file.as_str(), hurt.file_name().expect("name").to_string_lossy());
        assert!(!found.damaged[0].why.is_empty());
    }

    store.keep(OF, "u", "hurt", &content("text"), day(0)).expect("seen again");
    let found = store.versions(OF).expect("versions");
    assert_eq!((found.versions.len(), found.damaged.len()), (2, 0));
}

#[test]
fn a_file_under_the_name_of_another_version_is_not_believed() {
    let temp = tempfile::tempdir().expect("tempdir");
    let store = ContentStore::open(temp.path()).expect("open");
    store.keep(OF, "u", "a", &content("a"), day(0)).expect("keep");
    store.keep(OF, "u", "b", &content("b"), day(0)).expect("keep");
    let files = files(temp.path());
    fs::copy(&files[0], &files[1]).expect("copy");
    let found = store.versions(OF).expect("versions");
    assert_eq!((found.versions.len(), found.damaged.len()), (1, 1));
}

#[test]
fn a_version_of_a_newer_goaround_is_reported_and_not_replaced() {
    let temp = tempfile::tempdir().expect("tempdir");
    let store = ContentStore::open(temp.path()).expect("open");
    store.keep(OF, "u", "d", &content("x"), day(0)).expect("keep");
    let file = files(temp.path()).remove(0);
    fs::write(&file, "{\"v\":2,\"as\":\"it likes\"}\n").expect("write");
    let found = store.versions(OF).expect("versions");
    assert!(found.versions.is_empty() && found.damaged[0].why.contains("newer goaround"));
    let error = store.keep(OF, "u", "d", &content("x"), day(1)).expect_err("refused");
    assert!(matches!(error, ContentError::Future { .. }) && error.to_string().contains("hint:"), "{error}");
    assert!(fs::read_to_string(&file).expect("read").contains("it likes"));
}

#[test]
fn what_a_crash_leaves_behind_is_harmless() {
    let temp = tempfile::tempdir().expect("tempdir");
    let store = ContentStore::open(temp.path()).expect("open");
    store.keep(OF, "u", "d", &content("x"), day(0)).expect("keep");
    let old = files(temp.path()).remove(0);
    let bytes = fs::read(&old).expect("read");
    store.keep(OF, "u", "d", &content("x"), day(1)).expect("keep");
    // Killed after the new file was in place, before the old one was removed; and killed while writing a third.
    fs::write(&old, bytes).expect("write");
    fs::write(temp.path().join(".new-half.json"), "{\"v\":1,").expect("write");
    let found = store.versions(OF).expect("versions");
    assert_eq!((found.versions.len(), found.damaged.len()), (1, 0));
    assert_eq!((found.versions[0].first_seen, found.versions[0].last_seen), (day(0), day(1)));

    store.keep(OF, "u", "d", &content("x"), day(2)).expect("keep");
    assert_eq!(files(temp.path()).len(), 1);
    assert!(!temp.path().join(".new-half.json").exists());
}

#[test]
fn a_file_that_is_a_link_is_not_followed() {
    let temp = tempfile::tempdir().expect("tempdir");
    let store = ContentStore::open(temp.path()).expect("open");
    store.keep(OF, "u", "d", &content("x"), day(0)).expect("keep");
    let file = files(temp.path()).remove(0);
    fs::rename(&file, temp.path().join("elsewhere")).expect("rename");
    std::os::unix::fs::symlink("elsewhere", &file).expect("symlink");
    let found = store.versions(OF).expect("versions");
    assert!(found.versions.is_empty() && found.damaged[0].why.contains("symbolic link"));
}

#[test]
fn many_processes_do_not_lose_each_others_entries() {
    let temp = tempfile::tempdir().expect("tempdir");
    let children: Vec<_> = (0..6)
        .map(|writer: i64| {
            child("child_keeps", temp.path())
                .env("WRITER", writer.to_string())
                .stdout(Stdio::null())
                .spawn()
                .expect("spawn")
        })
        .collect();
    for mut child in children {
        assert!(child.wait().expect("wait").success());
    }
    let store = ContentStore::open(temp.path()).expect("open");
    let found = store.versions(OF).expect("versions");
    assert!(found.damaged.is_empty(), "{:?}", found.damaged);
    assert_eq!(found.versions.len(), 6 * 8 + 1);
    let shared = found.versions.iter().find(|version| version.digest == "shared").expect("kept");
    assert_eq!((shared.first_seen, shared.last_seen), (day(0), day(5)));
}

#[test]
#[ignore = "a child process of another test"]
fn child_keeps() {
    let writer: i64 = std::env::var("WRITER").expect("writer").parse().expect("number");
    let store = ContentStore::open(Path::new(&std::env::var_os(FOLDER).expect("a folder"))).expect("open");
    for n in 0..8 {
        store.keep(OF, "u", &format!("{writer}/{n}"), &content("own"), day(0)).expect("keep");
        store.keep(OF, "u", "shared", &content("shared"), day(writer)).expect("keep");
    }
}

#[test]
fn a_full_disk_gives_an_error_and_what_was_kept_stays() {
    let temp = tempfile::tempdir().expect("tempdir");
    let store = ContentStore::open(temp.path()).expect("open");
    store.keep(OF, "u", "d", &content("x"), day(0)).expect("keep");
    let inner = child("child_cannot_keep", temp.path());
    let output = Command::new("sh")
        .arg("-c")
        .arg("trap '' XFSZ; ulimit -f 4; exec \"$0\" \"$@\"")
        .arg(inner.get_program())
        .args(inner.get_args())
        .env(FOLDER, temp.path())
        .output()
        .expect("sh");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(digests(&store), ["d"]);
    assert_eq!(fs::read_dir(temp.path()).expect("list").count(), 2, "the version and the lock");
}

#[test]
#[ignore = "a child process of another test"]
fn child_cannot_keep() {
    let store = ContentStore::open(Path::new(&std::env::var_os(FOLDER).expect("a folder"))).expect("open");
    for digest in ["d", "e"] {
        let error = store
            .keep(OF, "u", digest, &content(&"x".repeat(100_000)), day(1))
            .expect_err("no room")
            .to_string();
        assert!(error.contains("hint: make room"), "{error}");
    }
}

fn child(test: &str, dir: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this binary"));
    command.args(["--exact", test, "--ignored", "--nocapture", "--test-threads=1"]).env(FOLDER, dir);
    command
}

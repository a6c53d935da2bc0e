//! Files around the journal, through the real binary: readable and writable by their owner alone whatever the umask is,
//! never reached through a link, and not where everybody may put something else in their place.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use goaround::shell::journal::{FILE, Journal};
use serde_json::json;

use crate::cluster::{Cluster, Ran, run};
use crate::common::{Answers, Screen};
use crate::time;

/// Every folder and file below this one, with its rights.
fn rights(folder: &Path) -> Vec<(PathBuf, u32, bool)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let metadata = fs::symlink_metadata(entry.path()).expect("it is there");
        found.push((entry.path(), metadata.mode() & 0o7777, metadata.is_dir()));
        if metadata.is_dir() {
            found.extend(rights(&entry.path()));
        }
    }
    found
}

/// Starts the program under a umask.
const UMASK: &str = "umask $0; exec \"$@\"";

#[test]
fn whatever_the_umask_is_folders_are_0700_and_files_0600() {
    for umask in ["000", "022", "077"] {
        let cluster = Cluster::burning();
        let folder = cluster.folder.path().join("own");
        let at = |name: &str| folder.join(name).to_string_lossy().into_owned();
        fs::create_dir(&folder).expect("a folder");
        // The cockpit: journal, earlier contents, recording.
        let kubeconfig = cluster.kubeconfig().to_string_lossy().into_owned();
        let (record, state, config) = (at("night.jsonl"), at("deep/state"), at("config"));
        let (prometheus, program) = (cluster.prometheus.url.clone(), env!("CARGO_BIN_EXE_goaround"));
        let arguments = [
            "-c",
            UMASK,
            umask,
            program,
            "--kubeconfig",
            &kubeconfig,
            "--prometheus",
            &prometheus,
            "--record",
            &record,
        ];
        let environment = [("GOAROUND_STATE_DIR", state.as_str())];
        let mut screen = Screen::start_other(
            "sh",
            120,
            40,
            &arguments,
            Arc::clone(&cluster.folder),
            &environment,
            Answers::All,
        );
        screen.wait("1 gate open");
        screen.press("q");
        assert_eq!(screen.end(), 0);
        // A decision, its post-mortem in a file, and a configuration.
        let mut journal = Journal::open(Path::new(&state)).expect("a journal");
        let body = json!({"proposal": "p-1", "by": "jo", "workload": "shop/api", "offer": "rollback"});
        journal.append(time(1), "rejected", &body).expect("a record");
        let export = at("week.md");
        for arguments in [vec!["audit", "export", "--out", &export], vec!["config", "init"]] {
            let mut command = Command::new("sh");
            command.args(["-c", UMASK, umask, program]).args(arguments);
            command.env("GOAROUND_STATE_DIR", &state).env("GOAROUND_CONFIG_DIR", &config);
            let output = command.output().expect("a run");
            assert!(output.status.success(), "{output:?}");
        }
        let found = rights(&folder);
        for (path, mode, is_folder) in &found {
            let wanted = if *is_folder { 0o700 } else { 0o600 };
            assert_eq!(*mode, wanted, "{} under {umask}: {mode:o}", path.display());
        }
        for name in [
            "deep/state/journal.jsonl",
            "deep/state/contents",
            "night.jsonl",
            "week.md",
            "config/config.toml",
        ] {
            assert!(found.iter().any(|(path, ..)| path.ends_with(name)), "no {name} in {found:?}");
        }
    }
}

/// A folder with a victim that links lead to, and a run with the state in it.
struct Planted {
    cluster: Cluster,
    victim: PathBuf,
}

impl Planted {
    fn new() -> Self {
        let cluster = Cluster::burning();
        let victim = cluster.folder.path().join("victim");
        fs::create_dir(&victim).expect("a folder");
        fs::write(victim.join("file"), "untouched").expect("a file");
        Self { cluster, victim }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.cluster.folder.path().join(name)
    }

    fn unharmed(&self) {
        let there: Vec<_> = rights(&self.victim).into_iter().map(|(path, ..)| path).collect();
        assert_eq!(there, [self.victim.join("file")], "something was written through a link");
        assert_eq!(fs::read_to_string(self.victim.join("file")).expect("it"), "untouched");
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        run(&self.cluster.folder, arguments.iter().map(|word| (*word).to_owned()))
    }
}

/// The gate is closed and the reason is on the card; nothing crashed.
fn closed(ran: &Ran, why: &str) {
    assert_eq!(ran.code, Some(10), "{}{}", ran.out, ran.err);
    let text = format!("{}{}", ran.out, ran.err);
    assert!(
        text.contains("cannot be approved: the journal cannot be written") && text.contains(why),
        "{text}"
    );
    assert!(text.contains("hint:"), "{text}");
}

#[test]
fn no_state_is_read_or_written_through_a_link() {
    let planted = Planted::new();
    symlink("victim", planted.at("link")).expect("a link");
    for place in ["link", "link/"] {
        let state = format!("{}/{place}", planted.cluster.folder.path().display());
        closed(&planted.cluster.run_in(&state, &["propose"]), "is a symbolic link");
    }
    planted.unharmed();
    // The folder is ours, what is in it is not.
    let state = planted.at("state");
    fs::create_dir(&state).expect("a folder");
    symlink("../victim/new", state.join(FILE)).expect("a link");
    symlink("../victim", state.join("contents")).expect("a link");
    closed(&planted.cluster.run(&["propose"]), "is a symbolic link");
    planted.unharmed();
    let found = planted.run(&["audit", "verify", "-o", "json"]);
    assert_eq!((found.code, &found.json()["ok"]), (Some(1), &json!(false)), "{}", found.out);
    assert!(found.out.contains("symbolic link"), "{}", found.out);
    // Earlier contents are not kept there, and the gate does not need them.
    fs::remove_file(state.join(FILE)).expect("removed");
    let ran = planted.cluster.run(&["propose"]);
    assert!(!ran.out.contains("the journal cannot be written"), "{}", ran.out);
    planted.unharmed();
}

#[test]
fn nothing_is_recorded_exported_or_configured_through_a_link() {
    let planted = Planted::new();
    let mut journal = Journal::open(&planted.at("state")).expect("a journal");
    journal
        .append(time(1), "rejected", &json!({"proposal": "p-1", "workload": "shop/api"}))
        .expect("a record");
    let config = planted.at("config");
    for target in ["../victim/file", "../victim/new"] {
        for (name, arguments) in [
            ("links/night", vec!["demo", "slo-burn", "--headless", "--record"]),
            ("links/week", vec!["audit", "export", "--out"]),
        ] {
            fs::create_dir_all(planted.at("links")).expect("a folder");
            let link = planted.at(name);
            symlink(target, &link).expect("a link");
            let mut arguments = arguments;
            let place = link.to_string_lossy().into_owned();
            arguments.push(&place);
            let ran = planted.run(&arguments);
            assert_eq!(ran.code, Some(2), "{arguments:?}: {}{}", ran.out, ran.err);
            assert!(ran.err.contains("hint:"), "{}", ran.err);
            planted.unharmed();
            fs::remove_file(link).expect("removed");
        }
        symlink(target, config.join("config.toml")).expect("a link");
        for arguments in [&["config", "init"][..], &["config", "init", "--force"]] {
            let ran = planted.run(arguments);
            assert_eq!(ran.code, Some(2), "{arguments:?}: {}{}", ran.out, ran.err);
            assert!(ran.err.contains("symbolic link") && ran.err.contains("hint:"), "{}", ran.err);
            planted.unharmed();
            assert!(config.join("config.toml").is_symlink(), "the link of the person stays");
        }
        fs::remove_file(config.join("config.toml")).expect("removed");
    }
    // A folder that its owner keeps elsewhere is his own business, as long as it is his alone.
    let elsewhere = planted.at("dotfiles");
    fs::create_dir(&elsewhere).expect("a folder");
    fs::remove_dir(&config).expect("removed");
    symlink("dotfiles", &config).expect("a link");
    let ran = planted.run(&["config", "init"]);
    assert!(ran.code == Some(0) && elsewhere.join("config.toml").is_file(), "{}", ran.err);
}

#[test]
fn a_place_where_everybody_may_write_is_refused_for_every_file_and_a_sticky_one_is_not() {
    for (mode, refused) in [(0o777, true), (0o1777, false)] {
        let planted = Planted::new();
        let open = planted.at("open");
        fs::create_dir(&open).expect("a folder");
        fs::set_permissions(&open, fs::Permissions::from_mode(mode)).expect("chmod");
        let at = |name: &str| open.join(name).to_string_lossy().into_owned();
        let ran = planted.cluster.run_in(&at("state"), &["propose"]);
        assert_eq!(ran.out.contains("everybody may write to"), refused, "{}", ran.out);
        let mut journal = Journal::open(&planted.at("state")).expect("a journal");
        let decided = json!({"proposal": "p-1", "workload": "shop/api"});
        journal.append(time(1), "rejected", &decided).expect("a record");
        let export = planted.run(&["audit", "export", "--out", &at("week.md")]);
        let mut command = Command::new(env!("CARGO_BIN_EXE_goaround"));
        command.args(["config", "init"]).env("GOAROUND_CONFIG_DIR", at("config")).env("HOME", &open);
        let init = command.output().expect("a run");
        let init = (init.status.code(), String::from_utf8_lossy(&init.stderr).into_owned());
        for (code, text) in [(export.code, export.err), init] {
            assert_eq!(code, Some(if refused { 2 } else { 0 }), "{text}");
            assert_eq!(text.contains("everybody may write to") && text.contains("hint:"), refused, "{text}");
        }
        if refused {
            let ran = planted.run(&["demo", "slo-burn", "--headless", "--record", &at("night.jsonl")]);
            assert!(ran.code == Some(2) && ran.err.contains("everybody may write to"), "{}", ran.err);
            assert_eq!(rights(&open).iter().filter(|(_, _, folder)| !folder).count(), 0, "a file was left");
        }
    }
}

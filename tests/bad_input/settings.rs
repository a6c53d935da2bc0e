//! Files that a person wrote: what is not understood refuses all of it, with file, line, column and a hint, before
//! anything is read from a cluster or written to a disk.

use crate::cluster::Cluster;
use crate::common::Screen;
use crate::{checked, says};

/// Refused at this place, with these words, and nothing was begun.
fn is_refused(cluster: &Cluster, place: &str, words: &[&str]) {
    let before = (cluster.kubernetes.requests(), cluster.prometheus.requests());
    let ran = cluster.run(&["propose", "-o", "json"]);
    assert_eq!(ran.code, Some(2), "{}{}", ran.out, ran.err);
    assert_eq!(ran.out, "");
    says(&ran, &[place]);
    says(&ran, words);
    let check = cluster.run(&["check", "-o", "json"]);
    assert_eq!(check.code, Some(2));
    let lines = checked(&check, "config");
    assert!(lines[0][0] == "fail" && lines[0][1].contains(place), "{lines:?}");
    let after = (cluster.kubernetes.requests(), cluster.prometheus.requests());
    assert_eq!(after, before, "nobody was asked");
    assert!(!cluster.state().exists(), "nothing was written");
}

#[test]
fn a_misspelt_key_of_the_configuration_is_refused_with_the_nearest_word() {
    let cluster = Cluster::burning();
    cluster.configure("prod_contexts = [\"*\"]\n\n[policy]\nmin_bda = 10\n");
    is_refused(&cluster, "config.toml:4:1: ", &["min_bda", "did you mean `min_bad`?"]);
    cluster.configure("[polcy]\nmin_bad = 10\n");
    is_refused(&cluster, "config.toml:1:", &["did you mean `policy`?"]);
    cluster.configure("[policy]\nmin_bad = \"\u{1b}[2Jmany\"\n");
    is_refused(&cluster, "config.toml:2:", &["not TOML", "<1b>[2Jmany"]);
    // The control: the same file without the mistakes is taken.
    cluster.configure("[policy]\nmin_bad = 10\n");
    assert_eq!(cluster.run(&["propose"]).code, Some(10));
}

#[test]
fn a_misspelt_key_of_an_slo_file_is_refused_at_its_place_in_that_file() {
    let cluster = Cluster::burning();
    let slo =
        include_str!("../fixtures/config/sloth/getting-started.yml").replacen("objective:", "objectve:", 1);
    let line = slo.lines().position(|line| line.contains("objectve")).expect("the key") + 1;
    let config = cluster.folder.path().join("config");
    std::fs::write(config.join("slo.yaml"), slo).expect("a file");
    cluster.configure("[[slo]]\nfile = \"slo.yaml\"\n");
    is_refused(&cluster, &format!("slo.yaml:{line}:"), &["objectve", "did you mean `objective`?"]);
    cluster.configure("[[slo]]\nfile = \"slos.yaml\"\n");
    is_refused(&cluster, "config.toml:2:8: ", &["slos.yaml", "hint: "]);
}

#[test]
fn a_broken_theme_and_a_broken_keymap_are_refused() {
    let cluster = Cluster::burning();
    let config = cluster.folder.path().join("config");
    for folder in ["themes", "keymaps"] {
        std::fs::create_dir(config.join(folder)).expect("a folder");
    }
    let theme = include_str!("../../themes/dark.toml").replacen("\nbad =", "\nbda =", 1);
    let line = theme.lines().position(|line| line.starts_with("bda")).expect("the key") + 1;
    std::fs::write(config.join("themes/own.toml"), theme).expect("a file");
    cluster.configure("[ui]\ntheme = \"own\"\n");
    is_refused(&cluster, &format!("own.toml:{line}:1: "), &["did you mean `bad`?"]);
    let keymap =
        include_str!("../../keymaps/default.toml").replacen("\"q\" = \"quit\"", "\"q\" = \"qiut\"", 1);
    std::fs::write(config.join("keymaps/own.toml"), keymap).expect("a file");
    cluster.configure("[ui]\nkeymap = \"own\"\n");
    is_refused(&cluster, "own.toml:7:", &["did you mean `quit`?"]);
}

#[test]
fn the_cockpit_refuses_before_it_takes_the_terminal() {
    let cluster = Cluster::burning();
    cluster.configure("promtheus = 1\n");
    let mut screen: Screen = cluster.screen(100, 30, &[]);
    assert_eq!(screen.end(), 2);
    assert!(!screen.raw().contains("\u{1b}[?1049h"), "{}", screen.raw().escape_debug());
    let text = screen.text();
    assert!(text.contains("config.toml:1:1") && text.contains("did you mean `prometheus`?"), "{text}");
    screen.assert_restored();
}

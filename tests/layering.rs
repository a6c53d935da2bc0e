//! Names may be used only to the left: `domain <- actions <- engine <- { sources, advisor, executor, ui } <- shell <-
//! cli`, `demo` names `domain` alone. A scan of every path in src/, with planted breaches that the scan must find.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What a layer may name besides itself; and words that its code may not contain.
const LAYERS: [(&str, &[&str], &[&str]); 10] = [
    ("domain", &[], PURE),
    ("actions", &["domain"], PURE),
    ("engine", &["domain", "actions"], PURE),
    (
        "sources",
        &["domain", "actions", "engine"],
        &["ratatui", "crossterm", "tui_textarea", "SystemTime", "Utc::now"],
    ),
    ("advisor", &["domain", "actions", "engine"], &["ratatui", "crossterm", "Utc::now"]),
    ("executor", &["domain", "actions", "engine"], &["ratatui", "crossterm", "tui_textarea", "Utc::now"]),
    ("ui", &["domain", "actions", "engine"], &["tokio", "kube::", "reqwest", "Utc::now", "std::fs"]),
    ("shell", &["domain", "actions", "engine", "sources", "advisor", "executor", "ui"], &[]),
    ("demo", &["domain"], &["ratatui", "crossterm", "kube::", "reqwest", "Utc::now"]),
    ("cli", &["domain", "engine", "shell", "sources", "ui", "demo"], &[]),
];

const PURE: &[&str] = &[
    "tokio",
    "std::fs",
    "std::net",
    "std::env",
    "Utc::now",
    "Local::now",
    "Instant::now",
    "SystemTime",
    "HashMap",
    "HashSet",
    "kube::",
    "reqwest",
    "ratatui",
    "crossterm",
    "rand::",
];

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

/// Code without comments: names in prose are no uses.
fn code(text: &str) -> String {
    text.lines().map(|line| line.split("//").next().unwrap_or("")).collect::<Vec<_>>().join("\n")
}

/// Test modules at the end of a file may use what production code may not.
fn without_tests(code: &str) -> &str {
    code.find("#[cfg(test)]\nmod tests {").map_or(code, |at| &code[..at])
}

/// Breaches of one file: (layer named, or word contained).
fn breaches(layer: &str, file: &str, text: &str) -> Vec<String> {
    let Some((_, allowed, forbidden)) = LAYERS.iter().find(|(name, _, _)| *name == layer) else {
        return vec![format!("{file}: no such layer: {layer}")];
    };
    let code = code(text);
    let code = without_tests(&code);
    let mut found = Vec::new();
    for (other, _, _) in LAYERS {
        let names =
            [format!("crate::{other}"), format!("super::super::{other}::"), format!("goaround::{other}")];
        let grouped = code.contains("use crate::{") && code.contains(&format!("{other}::"));
        if other != layer && !allowed.contains(&other) && (grouped || names.iter().any(|n| code.contains(n)))
        {
            found.push(format!("{file}: {layer} names {other}"));
        }
    }
    found.extend(
        forbidden
            .iter()
            .filter(|word| code.contains(**word))
            .map(|word| format!("{file}: {layer} has {word}")),
    );
    found
}

fn layer_of(path: &Path) -> Option<String> {
    let inside = path.strip_prefix("src").ok()?;
    let first = inside.components().next()?.as_os_str().to_str()?;
    let name = first.strip_suffix(".rs").unwrap_or(first);
    // What only tests turn on lies under every layer and names none.
    (!["lib", "main", "sabotage", "death"].contains(&name)).then(|| name.to_owned())
}

#[test]
fn every_name_is_used_to_the_left_only() {
    std::env::set_current_dir(env!("CARGO_MANIFEST_DIR")).expect("the package");
    let mut files = Vec::new();
    rust_files(Path::new("src"), &mut files);
    let mut by_layer: BTreeMap<String, usize> = BTreeMap::new();
    let mut found = Vec::new();
    for file in &files {
        // A module of tests opens its session as the program does.
        let Some(layer) = layer_of(file).filter(|_| !file.ends_with("tests.rs")) else { continue };
        *by_layer.entry(layer.clone()).or_default() += 1;
        let text = std::fs::read_to_string(file).expect("a source file");
        found.extend(breaches(&layer, file.to_str().expect("a name"), &text));
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
    for layer in
        ["domain", "actions", "engine", "sources", "advisor", "executor", "ui", "shell", "demo", "cli"]
    {
        assert!(by_layer.contains_key(layer), "no file of layer {layer} was looked at");
    }
}

#[test]
fn planted_breaches_are_found() {
    for (layer, text) in [
        ("domain", "use crate::engine::State;"),
        ("domain", "use std::collections::HashMap;"),
        ("engine", "fn f() { let t = chrono::Utc::now(); }"),
        ("engine", "use tokio::sync::mpsc;"),
        ("engine", "use crate::sources::kubernetes;"),
        ("actions", "use crate::{engine::State, domain::Time};"),
        ("demo", "use crate::engine::State;"),
        ("ui", "use crate::shell::config::Config;"),
        ("ui", "use kube::Client;"),
        ("executor", "use crate::advisor::prompt;"),
        ("sources", "use ratatui::Frame;"),
        ("shell", "use crate::demo::start;"),
    ] {
        assert!(!breaches(layer, "planted.rs", text).is_empty(), "{layer}: {text}");
    }
    assert!(breaches("engine", "x.rs", "// use tokio here?\nuse crate::domain::Time;").is_empty());
}

/// An approval is sealed in one place: one definition, one caller.
#[test]
fn an_approval_is_sealed_in_one_place() {
    std::env::set_current_dir(env!("CARGO_MANIFEST_DIR")).expect("the package");
    let mut files = Vec::new();
    rust_files(Path::new("src"), &mut files);
    let callers: Vec<_> = files
        .iter()
        .filter(|f| code(&std::fs::read_to_string(f).expect("a source file")).contains("gate::seal("))
        .collect();
    assert_eq!(callers, [Path::new("src/engine/action.rs")]);
    let made: usize = files
        .iter()
        .map(|f| code(&std::fs::read_to_string(f).expect("a source file")).matches("Approved {").count())
        .sum();
    // The struct, its impl block, the constructor's return type and its one literal.
    assert_eq!(made, 4, "Approved is written in other places than gate.rs");
}

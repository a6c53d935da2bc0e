//! The repository against itself: registries against folders, documents against the program, and nothing in it that
//! belongs to the machine on which it was written. A document that this cannot hold to the truth says so in itself.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use goaround::actions;
use goaround::demo::scenario;
use goaround::domain::verdict::Gate;
use goaround::shell::config::Config;
use goaround::ui::keymap::{COMMANDS, DEFAULT, Keymap};
use goaround::ui::theme::Theme;
use serde_json::Value;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn text(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// All files of the repository, by their path in it.
fn files() -> Vec<PathBuf> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
            let path = entry.path();
            let inside = path.strip_prefix(root()).expect("inside").to_owned();
            if [Path::new("target"), Path::new(".git")].contains(&inside.as_path()) {
                continue;
            }
            if path.is_dir() { walk(&path, found) } else { found.push(inside) }
        }
    }
    let mut found = Vec::new();
    walk(root(), &mut found);
    found.sort();
    found
}

/// Names without extension of the files with `extension` that lie in `folder` itself.
fn stems(folder: &str, extension: &str) -> BTreeSet<String> {
    let inside = files().into_iter().filter(|f| f.parent() == Some(Path::new(folder)));
    let wanted = inside.filter(|f| f.extension().is_some_and(|e| e == extension));
    wanted.map(|f| f.file_stem().expect("a name").to_string_lossy().into_owned()).collect()
}

/// What stands in `document` between two marks.
fn between<'d>(document: &'d str, from: &str, to: &str) -> &'d str {
    let (_, rest) = document.split_once(from).unwrap_or_else(|| panic!("no {from}"));
    rest.split_once(to).unwrap_or_else(|| panic!("no {to} after {from}")).0
}

/// What stands in backticks, in order.
fn quoted(text: &str) -> Vec<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Lines of the first table in `text`, without its head.
fn rows(text: &str) -> Vec<Vec<&str>> {
    let lines = text.lines().skip_while(|l| !l.starts_with("|---")).skip(1);
    let table = lines.take_while(|l| l.starts_with('|'));
    table.map(|l| l.trim_matches('|').split('|').map(str::trim).collect()).collect()
}

#[test]
fn every_kind_of_action_is_a_file_and_every_such_file_is_registered() {
    let planning: BTreeSet<String> = stems("src/actions", "rs")
        .into_iter()
        .filter(|name| text(&format!("src/actions/{name}.rs")).contains("pub fn plan("))
        .collect();
    let registered: BTreeSet<String> = actions::KINDS.iter().map(|k| (*k).to_owned()).collect();
    assert_eq!(registered, planning, "actions::KINDS and src/actions/ differ");
}

#[test]
fn every_scenario_file_is_built_in_expects_something_and_is_in_the_list() {
    let built_in = scenario::list().expect("all scenarios are read");
    let names: BTreeSet<String> = built_in.iter().map(|s| s.name.clone()).collect();
    assert_eq!(names, stems("demo", "toml"), "the list in src/demo/scenario.rs and demo/ differ");
    for scenario in &built_in {
        let expect = &scenario.expect;
        assert!(expect.verdict.is_some(), "{}: no verdict is expected", scenario.name);
        assert!(expect.offer.is_some(), "{}: no offer is expected", scenario.name);
        assert!(expect.writes.is_some(), "{}: no count of writes is expected", scenario.name);
    }
    let document = text("docs/scenarios.md");
    let table = between(&document, "<!-- scenarios -->", "<!-- /scenarios -->");
    let listed: Vec<String> = rows(table).iter().map(|r| r[0].trim_matches('`').to_owned()).collect();
    let in_order: Vec<String> = built_in.iter().map(|s| s.name.clone()).collect();
    assert_eq!(listed, in_order, "docs/scenarios.md lists other scenarios");
}

#[test]
fn every_theme_and_every_keymap_is_whole() {
    let (themes, keymaps) = (stems("themes", "toml"), stems("keymaps", "toml"));
    assert!(themes.contains("dark") && keymaps.contains("default"));
    for name in themes {
        let file = format!("themes/{name}.toml");
        if let Err(error) = Theme::parse(&text(&file), &file) {
            panic!("{error}");
        }
    }
    for name in keymaps {
        let file = format!("keymaps/{name}.toml");
        if let Err(error) = Keymap::parse(&text(&file), &file, COMMANDS) {
            panic!("{error}");
        }
    }
}

/// The table of keys of one context in docs/keys.md.
fn table_of_keys<'d>(document: &'d str, context: &str) -> Vec<Vec<&'d str>> {
    rows(between(document, &format!("<!-- keys:{context} -->"), "\n\n"))
}

#[test]
fn the_tables_of_keys_are_exactly_the_default_keymap() {
    let keymap = Keymap::parse(DEFAULT, "default.toml", COMMANDS).expect("whole");
    let document = text("docs/keys.md");
    let contexts: BTreeSet<&str> = COMMANDS.iter().map(|(context, _, _)| *context).collect();
    for context in contexts {
        let mut listed: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for row in table_of_keys(&document, context) {
            let command = row[2].trim_matches('`').to_owned();
            assert!(listed.insert(command, quoted(row[0])).is_none(), "{row:?} is there twice");
        }
        let bound = COMMANDS.iter().filter(|(of, _, _)| *of == context).map(|(_, command, _)| {
            let mut keys = keymap.keys_for(context, command);
            keys.sort();
            ((*command).to_owned(), keys)
        });
        let bound: BTreeMap<String, Vec<String>> = bound.filter(|(_, keys)| !keys.is_empty()).collect();
        listed.values_mut().for_each(|keys| keys.sort());
        assert_eq!(listed, bound, "docs/keys.md, keys of context {context}");
    }
}

#[test]
fn the_first_keys_of_the_readme_are_rows_of_the_tables_of_keys() {
    let (readme, document) = (text("README.md"), text("docs/keys.md"));
    let first = table_of_keys(&readme, "start");
    for row in &first {
        let [keys, context, what] = row[..] else { panic!("{row:?}") };
        let there =
            table_of_keys(&document, context).iter().any(|of| of[0] == keys && of[1].starts_with(what));
        assert!(there, "README.md: docs/keys.md has no such row in context {context}: {row:?}");
    }
    let commands = ["gate", "arm", "reject", "wait", "help", "quit"];
    for command in commands {
        let named = first.iter().any(|row| {
            let of = table_of_keys(&document, row[1]);
            of.iter().any(|of| of[0] == row[0] && of[2].trim_matches('`') == command)
        });
        assert!(named, "README.md does not say which key is {command}");
    }
}

#[test]
fn the_configuration_shown_is_the_defaults_and_names_every_key() {
    let document = text("docs/configuration.md");
    let block = between(&document, "<!-- config -->", "<!-- /config -->");
    let block = between(block, "```toml\n", "```");
    let file = Path::new("docs/configuration.md");
    let shown = Config::parse(block, file, None).unwrap_or_else(|error| panic!("{error}"));
    let defaults = Config::parse("", file, None).expect("nothing is a configuration");
    assert_eq!(shown, defaults);
    // Examples are commented out, there as in the file that `config init` writes; the fixture is a third list of keys.
    let shown = keys("", &toml::Value::Table(uncommented(block)));
    let written = keys("", &toml::Value::Table(uncommented(&text("src/shell/config/init.toml"))));
    assert_eq!(shown, written, "docs/configuration.md, and what `goaround config init` writes");
    let all: toml::Table = text("tests/fixtures/config/full.toml").parse().expect("TOML");
    for key in keys("", &toml::Value::Table(all)) {
        assert!(shown.contains(&key), "docs/configuration.md does not show the key {key}");
    }
}

/// A configuration with its examples in force; `##` is a comment that stays one.
fn uncommented(text: &str) -> toml::Table {
    let example = |l: &str| l.strip_prefix("# ").or_else(|| l.strip_prefix("#or ")).map(str::to_owned);
    let lines: Vec<String> = text.lines().map(|l| example(l).unwrap_or_else(|| l.to_owned())).collect();
    lines.join("\n").parse().expect("examples are TOML as well")
}

/// All keys with the tables that they are in; names of headers and of fields of somebody's protocol are no keys.
fn keys(of: &str, value: &toml::Value) -> BTreeSet<String> {
    match value {
        toml::Value::Table(table) => table
            .iter()
            .flat_map(|(key, value)| {
                let path = format!("{of}.{key}");
                let foreign = ["headers", "body"].contains(&key.as_str());
                let below = if foreign { BTreeSet::new() } else { keys(&path, value) };
                below.into_iter().chain([path])
            })
            .collect(),
        toml::Value::Array(list) => list.iter().flat_map(|value| keys(of, value)).collect(),
        _ => BTreeSet::new(),
    }
}

fn help(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_goaround")).args(arguments).arg("--help").output();
    let output = output.expect("the program");
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).expect("text")
}

fn subcommands(help: &str) -> BTreeSet<String> {
    let Some((_, list)) = help.split_once("Commands:\n") else { return BTreeSet::new() };
    let lines =
        list.lines().take_while(|l| !l.is_empty()).filter(|l| l.starts_with("  ") && !l.starts_with("   "));
    lines.filter_map(|l| l.split_whitespace().next()).filter(|w| *w != "help").map(str::to_owned).collect()
}

#[test]
fn the_list_of_commands_is_exact_and_no_document_names_a_flag_that_does_not_exist() {
    let top = help(&[]);
    let mut all = top.clone();
    let mut commands = BTreeSet::from(["goaround".to_owned()]);
    for command in subcommands(&top) {
        let own = help(&[&command]);
        let below = subcommands(&own);
        all += &own;
        if below.is_empty() {
            commands.insert(format!("goaround {command}"));
        }
        for sub in below {
            all += &help(&[&command, &sub]);
            commands.insert(format!("goaround {command} {sub}"));
        }
    }
    let document = text("docs/commands.md");
    let table = between(&document, "<!-- commands -->", "<!-- /commands -->");
    let words = |cell: &str| {
        let lower = |w: &&str| w.chars().all(|c| c.is_ascii_lowercase());
        cell.trim_matches('`').split(' ').filter(lower).collect::<Vec<_>>().join(" ")
    };
    let listed: BTreeSet<String> = rows(table).iter().map(|r| words(r[0])).collect();
    assert_eq!(listed, commands);
    let cargo = ["--release", "--path", "--locked"];
    for document in guides() {
        let text = text(&document);
        let words = text.split(|c: char| c.is_whitespace() || "`/,;()".contains(c));
        for word in words.filter(|w| w.starts_with("--") && w.chars().any(|c| c.is_ascii_lowercase())) {
            let there = cargo.contains(&word) || all.split([' ', ',', '\n', '`']).any(|w| w == word);
            assert!(there, "{document} speaks of {word}, which no command has");
        }
    }
}

/// What is written for those who use the program: the README and what lies in docs/.
fn guides() -> Vec<String> {
    let mut all: Vec<String> = stems("docs", "md").iter().map(|name| format!("docs/{name}.md")).collect();
    assert!(all.len() >= 5, "{all:?}");
    all.push("README.md".to_owned());
    all
}

#[test]
fn the_readme_leads_to_every_document_and_to_every_example_of_a_role() {
    let links = links("README.md");
    let needed = guides().into_iter().filter(|d| d != "README.md");
    let needed = needed
        .chain(["ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"].map(str::to_owned));
    for document in needed {
        assert!(links.contains(&document), "README.md does not lead to {document}");
    }
    let cluster = text("docs/cluster.md");
    for role in stems("deploy", "yaml") {
        assert!(
            cluster.contains(&format!("](../deploy/{role}.yaml)")),
            "docs/cluster.md: no deploy/{role}.yaml"
        );
    }
}

#[test]
fn the_seven_gates_are_named_in_order() {
    let safety = text("docs/safety.md");
    let named: Vec<String> =
        rows(between(&safety, "## Seven gates", "\n## ")).iter().map(|r| r[0].to_owned()).collect();
    assert_eq!(named, Gate::ALL.map(Gate::name), "docs/safety.md");
    let readme = text("README.md");
    let short = between(&readme, "**Seven gates**", ". Each says");
    let (_, short) = short.split_once(':').expect("a list");
    let named: Vec<&str> = short.split(',').map(str::trim).collect();
    assert_eq!(named, Gate::ALL.map(Gate::name), "README.md");
}

/// (API group, resource, verbs, only these names) of each rule of the roles in `file`, by name of the role.
fn granted(file: &str) -> BTreeMap<String, Vec<(String, String, Vec<String>)>> {
    let documents: Vec<Value> = serde_saphyr::from_multiple(&text(file)).expect("YAML");
    let words = |value: &Value| -> Vec<String> {
        let list = value.as_array().cloned().unwrap_or_default();
        list.iter().map(|v| v.as_str().expect("a word").to_owned()).collect()
    };
    let roles = documents.iter().filter(|d| d["kind"] == "ClusterRole");
    roles
        .map(|role| {
            let mut rules = Vec::new();
            for rule in role["rules"].as_array().expect("rules") {
                for group in words(&rule["apiGroups"]) {
                    for resource in words(&rule["resources"]) {
                        rules.push((group.clone(), resource, words(&rule["verbs"])));
                    }
                }
            }
            (role["metadata"]["name"].as_str().expect("a name").to_owned(), rules)
        })
        .collect()
}

#[test]
fn the_roles_grant_what_is_watched_and_the_two_patches_and_nothing_else() {
    let viewer = granted("deploy/viewer.yaml");
    let reads: Vec<_> = viewer["goaround-viewer"].clone();
    for (group, resource, verbs) in &reads {
        let reading = verbs.iter().all(|v| ["get", "list", "watch"].contains(&v.as_str()));
        assert!(reading && resource != "secrets", "{group} {resource}: {verbs:?}");
    }
    let prometheus =
        ("".to_owned(), "services/proxy".to_owned(), vec!["get".to_owned(), "create".to_owned()]);
    assert_eq!(viewer["goaround-prometheus"], [prometheus]);
    let patch =
        |group: &str, resource: &str| (group.to_owned(), resource.to_owned(), vec!["patch".to_owned()]);
    let operator = granted("deploy/operator.yaml");
    assert_eq!(operator["goaround-operator"], [patch("apps", "deployments"), patch("", "configmaps")]);
    assert_eq!(operator.len(), 1);
    let together = granted("deploy/together.yaml");
    let leases = ["list", "create", "patch"].map(str::to_owned).to_vec();
    assert_eq!(
        together["goaround-together"],
        [("coordination.k8s.io".to_owned(), "leases".to_owned(), leases)]
    );
    assert_eq!(together.len(), 1);
    let quorum = granted("deploy/quorum.yaml");
    let approvals = ["list", "create", "patch"].map(str::to_owned).to_vec();
    assert_eq!(quorum["goaround-approver"], [("".to_owned(), "configmaps".to_owned(), approvals)]);
    assert_eq!(quorum.len(), 1);
    let logs = granted("deploy/logs.yaml");
    assert_eq!(logs["goaround-logs"], [("".to_owned(), "pods/log".to_owned(), vec!["get".to_owned()])]);
    assert_eq!(logs.len(), 1);

    // Every kind that the source watches: `Resource::new("group", "version", "plural")` or `metadata("plural")`.
    let kinds = text("src/sources/kubernetes/decode/kinds.rs");
    let kinds = between(&kinds, "kinds! {", "\n}");
    let mut watched = 0;
    for line in kinds.lines() {
        let strings: Vec<&str> = line.split('"').skip(1).step_by(2).collect();
        let (group, resource) = match strings[..] {
            [group, _, plural] if line.contains("Resource::new(") => (group, plural),
            [plural] if line.contains("metadata(") => ("", plural),
            _ => continue,
        };
        watched += 1;
        let granted = reads.iter().any(|(g, r, verbs)| {
            g == group && r == resource && ["list", "watch"].iter().all(|v| verbs.iter().any(|w| w == v))
        });
        assert!(granted || resource == "secrets", "deploy/viewer.yaml does not grant watching {resource}");
    }
    assert_eq!(watched, 11, "the list of kinds is not read as it is written");
}

/// `.ci/run` looks for this word in the program that is built to be used, and must not find it there.
#[test]
fn the_program_of_the_tests_has_the_points_of_death_that_the_other_must_not_have() {
    let program = std::fs::read(env!("CARGO_BIN_EXE_goaround")).expect("the program");
    let word = b"GOAROUND_DIE_AT";
    assert!(program.windows(word.len()).any(|bytes| bytes == word));
    let ci = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(".ci/run")).expect("it");
    assert!(ci.contains("grep -q GOAROUND_DIE_AT"));
}

#[test]
fn the_map_of_files_is_true() {
    let document = text("ARCHITECTURE.md");
    let known: Vec<String> = files().iter().map(|f| f.to_string_lossy().into_owned()).collect();
    let named: BTreeSet<String> =
        quoted(&document).into_iter().filter(|w| w.starts_with("src/") || w.starts_with("tests/")).collect();
    for name in &named {
        let there = known.contains(name) || known.iter().any(|f| f.starts_with(name.trim_end_matches('/')));
        assert!(there, "ARCHITECTURE.md names {name}, which does not exist");
    }
    // The map lists what lies directly in a layer, files below it only where it helps.
    let map = between(&document, "<!-- map -->", "<!-- /map -->");
    let mut lines = BTreeSet::new();
    for row in rows_of_all(map) {
        let name = row[0].trim_matches('`').to_owned();
        assert!(lines.insert(name), "ARCHITECTURE.md, map of files: two lines for {}", row[0]);
    }
    let direct = known.iter().filter_map(|file| {
        let inside = file.strip_prefix("src/")?;
        let parts: Vec<&str> = inside.split('/').collect();
        match parts[..] {
            [_, name] if name != "mod.rs" => Some(file.clone()),
            [layer, folder, _, ..] => Some(format!("src/{layer}/{folder}/")),
            _ => None,
        }
    });
    for entry in direct.collect::<BTreeSet<_>>() {
        let as_file = format!("{}.rs", entry.trim_end_matches('/'));
        let there = lines.contains(&entry) || (entry.ends_with('/') && lines.contains(&as_file));
        assert!(there, "ARCHITECTURE.md, map of files: a line for {entry} is missing");
    }
}

/// Rows of all tables.
fn rows_of_all(text: &str) -> Vec<Vec<&str>> {
    let lines = text.lines().filter(|l| l.starts_with("| `"));
    lines.map(|l| l.trim_matches('|').split('|').map(str::trim).collect()).collect()
}

#[test]
fn every_source_file_opens_by_saying_what_it_is() {
    for file in files().iter().filter(|f| f.extension().is_some_and(|e| e == "rs")) {
        let text = text(file.to_str().expect("a name"));
        assert!(text.starts_with("//!"), "{} does not open with `//!`", file.display());
    }
}

#[test]
fn nothing_depends_on_the_machine_on_which_it_was_written() {
    // In two parts, or this file would find itself.
    let strange = [concat!("/wo", "rk/"), concat!("/tmp/", "rig"), concat!("/ro", "ot/")];
    let mut looked = 0;
    for file in files() {
        let bytes = std::fs::read(root().join(&file)).expect("a file");
        looked += 1;
        for path in strange {
            let found = bytes.windows(path.len()).any(|window| window == path.as_bytes());
            assert!(!found, "{} names {path}", file.display());
        }
    }
    assert!(looked > 100, "only {looked} files were looked at");
}

#[test]
fn unsafe_code_is_forbidden_and_the_licence_texts_are_there() {
    let manifest: toml::Table = text("Cargo.toml").parse().expect("TOML");
    assert_eq!(manifest["lints"]["rust"]["unsafe_code"].as_str(), Some("forbid"));
    assert_eq!(manifest["package"]["license"].as_str(), Some("Apache-2.0 OR MIT"));
    assert!(text("LICENSE-APACHE").contains("Apache License"));
    assert!(text("LICENSE-MIT").contains("Permission is hereby granted"));
}

/// Where the links and pictures of a document lead, outside of fenced code.
fn links(document: &str) -> Vec<String> {
    let text = text(document);
    let prose: String = text.split("```").step_by(2).collect();
    prose.split("](").skip(1).filter_map(|rest| rest.split(')').next()).map(str::to_owned).collect()
}

/// The anchors that GitHub gives the headings of a document.
fn anchors(document: &str) -> BTreeSet<String> {
    let text = text(document);
    let prose: String = text.split("```").step_by(2).collect();
    let headings = prose
        .lines()
        .filter_map(|l| l.trim_start_matches('#').strip_prefix(' ').filter(|_| l.starts_with('#')));
    let slug = |heading: &str| -> String {
        let kept = heading.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
        kept.map(|c| if c == ' ' { '-' } else { c.to_ascii_lowercase() }).collect()
    };
    headings.map(slug).collect()
}

#[test]
fn every_promise_names_tests_that_are_there() {
    let document = text("SECURITY.md");
    let (mut promises, mut named) = (0, 0);
    for row in document.lines().skip_while(|l| *l != "| promise | held by |").skip(2) {
        if !row.starts_with('|') {
            break;
        }
        promises += 1;
        let tests = row.split('`').filter_map(|word| word.split_once("::"));
        let before = named;
        for (file, name) in tests {
            named += 1;
            let folder = file.trim_end_matches(".rs").to_owned();
            let mut inside = files().into_iter().filter(|f| f == Path::new(file) || f.starts_with(&folder));
            let wanted = format!("fn {name}(");
            let there = inside.any(|f| f.to_str().is_some_and(|f| text(f).contains(&wanted)));
            assert!(there, "SECURITY.md: {file} has no test {name}");
        }
        assert!(named > before, "SECURITY.md names no test in {row:?}");
    }
    assert!(promises > 15 && named > promises, "the table was not found: {promises}, {named}");
}

#[test]
fn every_link_of_the_documents_leads_somewhere() {
    let others =
        ["ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "tests/claims/README.md"];
    for document in guides().into_iter().chain(others.map(str::to_owned)) {
        for link in links(&document).iter().filter(|link| !link.contains("://")) {
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            assert!(!path.starts_with('/'), "{document}: {link} is no relative link");
            let mut target = PathBuf::from(&document);
            if !path.is_empty() {
                target.pop();
                for part in path.split('/') {
                    if part == ".." { assert!(target.pop(), "{document}: {link}") } else { target.push(part) }
                }
            }
            assert!(root().join(&target).exists(), "{document} links to {link}, which is not there");
            let there = anchor.is_empty() || anchors(target.to_str().expect("a name")).contains(anchor);
            assert!(there, "{document} links to {link}, and there is no such heading");
        }
    }
}

//! Every SLI and every alert in the rules that Sloth generates: what is understood of it, and what is not and why.
//! The list is a snapshot, so that a change in understanding is read by a person.

use std::fmt::Write;
use std::path::Path;

use goaround::domain::sli::{understand, window_pairs};
use goaround::domain::window::Window;
use serde::Deserialize;

#[derive(Deserialize)]
struct File {
    groups: Option<Vec<Group>>,
    spec: Option<Spec>,
}

#[derive(Deserialize)]
struct Spec {
    groups: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    #[serde(default)]
    rules: Vec<Rule>,
}

#[derive(Deserialize)]
struct Rule {
    record: Option<String>,
    alert: Option<String>,
    expr: String,
}

/// The rules of all documents of a file.
fn rules(path: &Path) -> Vec<Rule> {
    let text = std::fs::read_to_string(path).expect("a fixture");
    let files: Vec<File> = serde_saphyr::from_multiple(&text).expect("YAML");
    files
        .into_iter()
        .flat_map(|file| file.groups.or(file.spec.map(|spec| spec.groups)).unwrap_or_default())
        .flat_map(|group| group.rules)
        .collect()
}

/// The counts of one recorded ratio.
fn counts(expr: &str) -> String {
    match understand(expr) {
        Ok(sli) => format!(
            "\n    bad   {}\n    total {}",
            sli.bad_increase(Window::minutes(10), &["pod"]),
            sli.total_increase(Window::minutes(10), &["pod"])
        ),
        Err(error) => format!(" NOT UNDERSTOOD: {}", error.reason),
    }
}

/// What is read from the rules of a file; windows that count the same are one entry.
fn describe(rules: &[Rule]) -> String {
    let mut out = String::new();
    let mut seen: Vec<String> = Vec::new();
    for rule in rules {
        match (&rule.record, &rule.alert) {
            (Some(record), _) if record.starts_with("slo:sli_error:ratio_rate") => {
                let counts = counts(&rule.expr);
                if !seen.contains(&counts) {
                    writeln!(out, "  {record}:{counts}").expect("a string");
                    seen.push(counts);
                }
            }
            (_, Some(alert)) => {
                for pair in window_pairs(&rule.expr, None) {
                    let (short, long, factor, budget) = (pair.short, pair.long, pair.factor, pair.budget);
                    writeln!(out, "  {alert}: {short} & {long} {factor}x of {budget}").expect("a string");
                }
            }
            _ => {}
        }
    }
    out
}

#[test]
fn the_rules_of_sloth_are_understood_as_listed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/sloth/generated");
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .expect("the fixtures")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    assert_eq!(paths.len(), 7);
    let mut out = String::new();
    for path in paths {
        writeln!(out, "{}", path.file_name().expect("a name").to_string_lossy()).expect("a string");
        out.push_str(&describe(&rules(&path)));
    }
    insta::assert_snapshot!(out);
}

//! The corpus: payloads by kind and name, written for this program.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

/// A text that wants to be more than a text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Payload {
    /// What it tries.
    pub kind: String,
    /// Which one it is.
    pub name: String,
    /// It.
    pub text: String,
}

/// All of them, in the order of the file.
pub static PAYLOADS: LazyLock<Vec<Payload>> = LazyLock::new(|| {
    let file: toml::Value = toml::from_str(include_str!("../hostile/payloads.toml")).expect("TOML");
    let word = |entry: &toml::Value, key: &str| {
        entry.get(key).and_then(toml::Value::as_str).map(str::to_owned).unwrap_or_default()
    };
    let entries = file["payload"].as_array().expect("entries").iter();
    let payload = |entry: &toml::Value| {
        let times = entry.get("repeat").and_then(toml::Value::as_integer).unwrap_or(1);
        let text = word(entry, "text").repeat(usize::try_from(times).expect("a count"));
        let text = format!("{}{text}{}", word(entry, "before"), word(entry, "after"));
        Payload { kind: word(entry, "kind"), name: word(entry, "name"), text }
    };
    entries.map(payload).collect()
});

#[test]
fn the_corpus_has_payloads_of_every_kind_and_none_twice() {
    let mut kinds = BTreeMap::<&str, usize>::new();
    PAYLOADS.iter().for_each(|payload| *kinds.entry(&payload.kind).or_default() += 1);
    for kind in [
        "ansi",
        "osc",
        "osc8",
        "osc52",
        "dcs",
        "c1",
        "c0",
        "bidi",
        "zero width",
        "tag",
        "selector",
        "marks",
        "blanks",
        "look-alike",
        "size",
        "formula",
        "markdown",
        "prompt",
        "address",
        "markup",
        "private",
    ] {
        assert!(kinds.get(kind).is_some_and(|count| *count >= 4), "{kind}: {:?}", kinds.get(kind));
    }
    assert!(PAYLOADS.len() >= 200, "{}", PAYLOADS.len());
    let texts: BTreeSet<&str> = PAYLOADS.iter().map(|payload| payload.text.as_str()).collect();
    assert_eq!(texts.len(), PAYLOADS.len());
}

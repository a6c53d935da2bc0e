//! What differs between two pod templates or two ConfigMap contents, field by field, in the words of a person:
//! `image 4.11 → 4.12`, `env DB_POOL 50 → 5`. Lists of named things are matched by name, never by position.

use std::collections::BTreeSet;

use serde_json::Value;

use super::clean::Clean;
use super::cluster::ContentDigest;
use super::compare::{self, Line};
use super::plan::{FieldChange, RESTARTED_AT};
use super::redact;

/// Differences of two pod templates, `pod-template-hash` left out.
pub fn templates(before: &Value, after: &Value) -> Vec<FieldChange> {
    let mut found = Vec::new();
    walk(&mut Vec::new(), before, after, &mut found);
    let several =
        [before, after].iter().any(|t| t["spec"]["containers"].as_array().is_some_and(|c| c.len() > 1));
    // What people ask for first comes first: the image, then env, then volumes; a restart last.
    found.sort_by_key(|(path, _, _)| match path.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [.., "image"] => 0,
        [_, _, _, "env", ..] => 1,
        ["spec", "volumes", ..] => 2,
        [.., RESTARTED_AT] => 4,
        _ => 3,
    });
    found
        .into_iter()
        .filter(|(path, _, _)| path.last().is_none_or(|last| last != "pod-template-hash"))
        .map(|(path, before, after)| {
            let (before, after) = sides(before.as_ref(), after.as_ref());
            FieldChange { field: Clean::new(words(&path, several)), before, after }
        })
        .collect()
}

/// Both sides of a change as they are shown. What differs in its type only (`5` and `"5"`) is shown as JSON.
fn sides(before: Option<&Value>, after: Option<&Value>) -> (Option<Clean>, Option<Clean>) {
    let shown = |value: &Value| Clean::new(short(&text(value)));
    match (before, after) {
        (Some(before), Some(after)) if before != after && shown(before) == shown(after) => {
            let json = |value: &Value| Some(Clean::new(short(&value.to_string())));
            (json(before), json(after))
        }
        _ => (before.map(shown), after.map(shown)),
    }
}

/// What applying `manifest` would change in a template: only what it says itself counts, for the server filled in the
/// rest.
pub fn set_by(template: &Value, manifest: &Value) -> Vec<FieldChange> {
    templates(template, &filled(template, manifest))
}

/// `manifest` with everything that it does not say taken from `template`; of lists of named things, item by item.
fn filled(template: &Value, manifest: &Value) -> Value {
    match (template, manifest) {
        (Value::Object(have), Value::Object(say)) => {
            let mut all = have.clone();
            for (key, said) in say {
                let value = have.get(key).map_or_else(|| said.clone(), |had| filled(had, said));
                all.insert(key.clone(), value);
            }
            Value::Object(all)
        }
        (Value::Array(have), Value::Array(say)) if by_name(manifest).is_some() => {
            let had = |name: &Value| have.iter().find(|item| item["name"] == *name);
            let one = |said: &Value| had(&said["name"]).map_or_else(|| said.clone(), |h| filled(h, said));
            Value::Array(say.iter().map(one).collect())
        }
        (Value::Array(have), Value::Array(say)) if have.len() == say.len() => {
            Value::Array(have.iter().zip(say).map(|(had, said)| filled(had, said)).collect())
        }
        (_, Value::Null) => template.clone(),
        (_, said) => said.clone(),
    }
}

/// Differences of the `data` or `binaryData` of a ConfigMap, key by key: the first line that differs, and how many
/// more there are.
pub fn contents(name: &str, before: &Value, after: &Value) -> Vec<FieldChange> {
    keys(before, after)
        .into_iter()
        .filter(|key| before.get(key) != after.get(key))
        .map(|key| {
            let field = Clean::new(format!("ConfigMap {name} key {}", exact(&key)));
            let (before, after) = match (before.get(&key), after.get(&key)) {
                (Some(before), Some(after)) => {
                    let (before, after) = lines(&text(before), &text(after));
                    (Some(before), Some(after))
                }
                (before, after) => (before.map(summary), after.map(summary)),
            };
            FieldChange { field, before: before.map(Clean::new), after: after.map(Clean::new) }
        })
        .collect()
}

/// Differences of the annotations of an object, but for those that are left out.
pub fn annotations(before: &Value, after: &Value, left_out: impl Fn(&str) -> bool) -> Vec<FieldChange> {
    keys(before, after)
        .into_iter()
        .filter(|key| before.get(key) != after.get(key) && !left_out(key))
        .map(|key| {
            let (before, after) = sides(before.get(&key), after.get(&key));
            FieldChange { field: Clean::new(format!("annotation {}", exact(&key))), before, after }
        })
        .collect()
}

/// The lines in which two texts differ, as far as they fit on an effect line.
fn lines(before: &str, after: &str) -> (String, String) {
    let (before_lines, after_lines): (Vec<&str>, Vec<&str>) =
        (before.split_inclusive('\n').collect(), after.split_inclusive('\n').collect());
    let trimmed = |lines: Vec<&str>| lines.into_iter().map(|l| l.trim().to_owned()).collect::<Vec<_>>();
    let (gone, new) = compare::only(&before_lines, &after_lines);
    let (gone, new) = (trimmed(gone), trimmed(new));
    if gone == new {
        // They differ in white space, which no line could show.
        return (summary(&before.into()), summary(&after.into()));
    }
    let first = |lines: &[String]| match lines.iter().find(|line| !line.is_empty()) {
        Some(line) => short(line),
        None => "nothing".to_owned(),
    };
    let more = gone.len().max(new.len()).saturating_sub(1);
    // Two contents that begin to differ in the same line are still two: the digest tells them apart.
    let digest = ContentDigest::of_bytes(after.as_bytes());
    let more = match more {
        0 => String::new(),
        1 => format!(", 1 more line differs (sha256 {})", digest.short()),
        more => format!(", {more} more lines differ (sha256 {})", digest.short()),
    };
    (first(&gone), format!("{}{more}", first(&new)))
}

type Difference = (Vec<String>, Option<Value>, Option<Value>);

fn walk(path: &mut Vec<String>, before: &Value, after: &Value, found: &mut Vec<Difference>) {
    if before == after {
        return;
    }
    let (named_before, named_after) = (by_name(before), by_name(after));
    let (before_map, after_map) = match (&named_before, &named_after) {
        (Some(b), Some(a)) => (b, a),
        (Some(b), None) if after.is_null() => (b, after),
        (None, Some(a)) if before.is_null() => (before, a),
        _ => (before, after),
    };
    let objects = |v: &Value| v.is_object() || v.is_null();
    if objects(before_map) && objects(after_map) && !(before_map.is_null() && after_map.is_null()) {
        for key in keys(before_map, after_map) {
            path.push(key.clone());
            walk(path, &before_map[&key], &after_map[&key], found);
            path.pop();
        }
    } else {
        let present = |v: &Value| (!v.is_null()).then(|| v.clone());
        found.push((path.clone(), present(before), present(after)));
    }
}

/// A list whose items all have a `name` (containers, env, volumes), as an object keyed by it.
fn by_name(list: &Value) -> Option<Value> {
    let items = list.as_array()?;
    let mut map = serde_json::Map::new();
    for item in items {
        let mut rest = item.clone();
        let name = rest.as_object_mut()?.shift_remove("name")?;
        if map.insert(name.as_str()?.to_owned(), rest).is_some() {
            return None;
        }
    }
    (!items.is_empty()).then_some(Value::Object(map))
}

fn keys(before: &Value, after: &Value) -> BTreeSet<String> {
    [before, after].iter().filter_map(|v| v.as_object()).flat_map(|o| o.keys().cloned()).collect()
}

fn words(path: &[String], several_containers: bool) -> String {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    match path.as_slice() {
        ["spec", "containers" | "initContainers", container, rest @ ..] => {
            let what = match rest {
                ["env", name, ..] => format!("env {}", exact(name)),
                ["volumeMounts", name, ..] => format!("mount {}", exact(name)),
                other => other.join("."),
            };
            if several_containers || path.get(1) == Some(&"initContainers") {
                format!("{container} {what}")
            } else {
                what
            }
        }
        ["spec", "volumes", name, ..] => format!("volume {name}"),
        ["metadata", "annotations", RESTARTED_AT] => "restarted".into(),
        ["metadata", "annotations", name] => format!("annotation {}", exact(name)),
        ["metadata", "labels", name] => format!("label {}", exact(name)),
        ["spec", rest @ ..] => rest.join("."),
        other => other.join("."),
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        // An env entry without its name is {"value": ..}; an empty struct says nothing more than that it is there.
        Value::Object(map) if map.len() == 1 && !map.values().any(Value::is_object) => {
            map.values().next().map(text).unwrap_or_default()
        }
        Value::Object(map) if map.is_empty() => "set".into(),
        other => other.to_string(),
    }
}

/// Longest value on an effect line, which must be whole on a small screen.
const LONGEST: usize = 100;

/// A long value by its beginning, its length and its digest: two different ones never look alike.
fn short(text: &str) -> String {
    let length = text.chars().count();
    if length <= LONGEST {
        return exact(text);
    }
    let digest = ContentDigest::of_bytes(text.as_bytes());
    let begin: String = text.chars().take(LONGEST / 2).collect();
    format!("{}… ({length} characters, sha256 {})", exact(&begin), digest.short())
}

/// `text` so that nothing else looks like it on an effect line, which is wrapped at blanks: a blank that nobody would
/// see, letters that are written from the right, what stands for an escape, and our own words for what is left out, are
/// spelled out. An ordinary value stays as it is.
fn exact(text: &str) -> String {
    if text.is_empty() {
        return "<empty>".to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        let rest = &text[at + c.len_utf8()..];
        let spelled = match c {
            ' ' => before == ' ' || rest.is_empty(),
            '<' => is_like_an_escape(rest),
            '…' | '→' | '⏎' => true,
            c => is_from_the_right(c),
        };
        match u32::from(c) {
            code if spelled && code < 0x100 => out.push_str(&format!("<{code:02x}>")),
            code if spelled => out.push_str(&format!("<u+{code:04x}>")),
            _ => out.push(c),
        }
        before = c;
    }
    out
}

/// What follows a `<` is what [`Clean`] or [`exact`] could have written.
fn is_like_an_escape(rest: &str) -> bool {
    let Some(end) = rest.bytes().take(9).position(|b| b == b'>') else { return false };
    let body = &rest[..end];
    let hex = |digits: &str| digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    body == "empty" || (end == 2 && hex(body)) || body.strip_prefix("u+").is_some_and(hex)
}

/// Letters and signs of Hebrew, Arabic and their neighbours: a terminal may draw them, and what stands beside them, in
/// another order.
fn is_from_the_right(c: char) -> bool {
    matches!(u32::from(c), 0x590..=0x8ff | 0xfb1d..=0xfdff | 0xfe70..=0xfefc | 0x10800..=0x10fff | 0x1e800..=0x1efff)
}

/// A ConfigMap value on one line: itself when short, else its length and digest.
fn summary(value: &Value) -> String {
    let text = text(value);
    let lines = text.lines().count();
    let line = text.strip_suffix('\n').unwrap_or(&text);
    if lines <= 1 && text.chars().count() <= 40 && line == line.trim() {
        exact(line)
    } else {
        format!("{lines} lines, sha256 {}", ContentDigest::of_bytes(text.as_bytes()).short())
    }
}

/// One change as words: `image 4.11 → 4.12`, with what both sides share at the front left out of long values.
pub fn sentence(change: &FieldChange) -> String {
    match (&change.before, &change.after) {
        (Some(before), Some(after)) => {
            let image = change.field.as_str().ends_with("image");
            let (before, after) = if image {
                shortened(before.as_str(), after.as_str())
            } else {
                (before.as_str(), after.as_str())
            };
            format!("{} {before} → {after}", change.field)
        }
        (None, Some(after)) => format!("{} added: {after}", change.field),
        (Some(before), None) => format!("{} removed: {before}", change.field),
        (None, None) => change.field.to_string(),
    }
}

/// The same as it stands where nobody asked for values: a secret, by the name of the field or by its own shape, is a
/// mark with a digest, so that two different ones never look alike. The page of differences shows it.
pub fn shown(change: &FieldChange) -> String {
    let shown = |value: &Option<Clean>| {
        value.as_ref().map(|value| {
            let told = redact::diff_value(change.field.as_str(), value.as_str());
            if told.hits == 0 {
                return value.clone();
            }
            let digest = ContentDigest::of_bytes(format!("{}={value}", change.field).as_bytes());
            Clean::new(format!("{} (sha256 {})", told.text, digest.short()))
        })
    };
    sentence(&FieldChange {
        field: change.field.clone(),
        before: shown(&change.before),
        after: shown(&change.after),
    })
}

/// The same without secrets, by the name of the field and by their own shape: for sentences that are recorded or leave
/// this machine.
pub fn told(change: &FieldChange) -> String {
    let told = |value: &Option<Clean>| {
        value.as_ref().map(|v| Clean::new(redact::diff_value(change.field.as_str(), v.as_str()).text))
    };
    sentence(&FieldChange {
        field: change.field.clone(),
        before: told(&change.before),
        after: told(&change.after),
    })
}

/// `registry/shop/api:4.11` and `registry/shop/api:4.12` are told apart by what follows the last common `:` or `/`.
fn shortened<'a>(before: &'a str, after: &'a str) -> (&'a str, &'a str) {
    let common = before.bytes().zip(after.bytes()).take_while(|(a, b)| a == b).count();
    let cut = before.get(..common).and_then(|p| p.rfind([':', '/', '@'])).map_or(0, |at| at + 1);
    match (before.get(cut..), after.get(cut..)) {
        (Some(b), Some(a)) if !b.is_empty() && !a.is_empty() => (b, a),
        _ => (before, after),
    }
}

/// Unchanged lines around a change.
const AROUND: usize = 3;
/// More lines than this of one object are not compared on a screen.
const MOST: usize = 20_000;

/// The lines in which two texts differ, word by word, with a few unchanged lines around them; one list for each place.
/// Empty where they do not differ.
pub fn hunks(before: &[String], after: &[String]) -> Vec<Vec<Line>> {
    let (before, after): (Vec<&str>, Vec<&str>) =
        (before.iter().map(String::as_str).collect(), after.iter().map(String::as_str).collect());
    compare::hunks(&before, &after, AROUND)
}

/// A value as indented lines, names first, other keys in alphabetical order, so that only what differs differs.
pub fn printed(value: &Value) -> Vec<String> {
    let mut out = Vec::new();
    print(value, 0, "", &mut out);
    out.truncate(MOST);
    out
}

fn print(value: &Value, indent: usize, lead: &str, out: &mut Vec<String>) {
    let pad = " ".repeat(indent);
    match value {
        Value::Object(map) if !map.is_empty() => {
            let mut keys: Vec<&String> = map.keys().collect();
            keys.sort_by_key(|key| (*key != "name", *key));
            for (n, key) in keys.into_iter().enumerate() {
                let lead = if n == 0 { lead.to_owned() } else { " ".repeat(lead.len()) };
                field(&map[key], indent, &lead, key, out);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for item in items {
                print(item, indent, &format!("{lead}- "), out);
            }
        }
        other => out.push(format!("{pad}{lead}{}", scalar(other))),
    }
}

fn field(value: &Value, indent: usize, lead: &str, key: &str, out: &mut Vec<String>) {
    let pad = " ".repeat(indent);
    match value {
        Value::Object(map) if !map.is_empty() => {
            out.push(format!("{pad}{lead}{key}:"));
            print(value, indent + lead.len() + 2, "", out);
        }
        Value::Array(items) if !items.is_empty() => {
            out.push(format!("{pad}{lead}{key}:"));
            print(value, indent + lead.len(), "", out);
        }
        Value::String(text) if text.contains('\n') => {
            out.push(format!("{pad}{lead}{key}: |"));
            let deeper = " ".repeat(indent + lead.len() + 2);
            out.extend(text.lines().map(|line| format!("{deeper}{line}")));
        }
        other => out.push(format!("{pad}{lead}{key}: {}", scalar(other))),
    }
}

fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::compare::Sign;
    use super::*;
    use serde_json::json;

    fn template(image: &str, pool: &str, config: &str) -> Value {
        json!({"metadata": {"labels": {"app": "api"}}, "spec": {
            "containers": [{"name": "api", "image": image, "env": [{"name": "DB_POOL", "value": pool}]}],
            "volumes": [{"name": "config", "configMap": {"name": config}}]}})
    }

    #[test]
    fn changes_are_named_as_a_person_names_them() {
        let changes = templates(&template("shop/api:4.11", "50", "a"), &template("shop/api:4.12", "5", "b"));
        let said: Vec<String> = changes.iter().map(sentence).collect();
        assert_eq!(said, ["image 4.11 → 4.12", "env DB_POOL 50 → 5", "volume config a → b"]);
    }

    #[test]
    fn order_of_named_items_is_no_change_and_the_hash_is_none_either() {
        let a = json!({"metadata": {"labels": {"pod-template-hash": "1"}},
            "spec": {"containers": [{"name": "a", "image": "x"}, {"name": "b", "image": "y"}]}});
        let b = json!({"metadata": {"labels": {"pod-template-hash": "2"}},
            "spec": {"containers": [{"name": "b", "image": "y"}, {"name": "a", "image": "x"}]}});
        assert_eq!(templates(&a, &b), []);
    }

    #[test]
    fn a_secret_is_shown_as_a_digest_and_two_of_them_are_still_two() {
        let env = |value: &str| json!({"spec": {"containers": [{"name": "a", "env": [{"name": "DB_PASSWORD", "value": value}]}]}});
        let said = |before: &str, after: &str| shown(&templates(&env(before), &env(after))[0]);
        let one = said("hunter2", "correct horse");
        assert!(one.starts_with("env DB_PASSWORD <redacted: password> (sha256 "), "{one}");
        assert!(!one.contains("hunter2") && !one.contains("horse"), "{one}");
        assert_ne!(one, said("hunter2", "correct horsf"));
        assert_ne!(one, said("hunter3", "correct horse"));
        let plain =
            FieldChange { field: "env POOL".into(), before: Some("5".into()), after: Some("50".into()) };
        assert_eq!(shown(&plain), "env POOL 5 → 50");
    }

    #[test]
    fn what_is_added_or_removed_says_so() {
        let none = json!({"spec": {"containers": [{"name": "a", "image": "x"}]}});
        let some = json!({"spec": {"containers": [{"name": "a", "image": "x", "env": [{"name": "K", "value": "v"}]}]}});
        assert_eq!(templates(&none, &some).iter().map(sentence).collect::<Vec<_>>(), ["env K added: v"]);
        assert_eq!(templates(&some, &none).iter().map(sentence).collect::<Vec<_>>(), ["env K removed: v"]);
    }

    #[test]
    fn of_a_manifest_only_what_it_says_counts() {
        let live = json!({"metadata": {"labels": {"app": "api"}}, "spec": {"dnsPolicy": "ClusterFirst",
            "containers": [{"name": "api", "image": "shop/api:4.11", "imagePullPolicy": "IfNotPresent"}]}});
        let manifest = |image: &str| {
            json!({"metadata": {"labels": {"app": "api"}, "creationTimestamp": null},
                "spec": {"containers": [{"name": "api", "image": image}]}})
        };
        assert_eq!(set_by(&live, &manifest("shop/api:4.11")), []);
        let said: Vec<String> = set_by(&live, &manifest("shop/api:4.12")).iter().map(sentence).collect();
        assert_eq!(said, ["image 4.11 → 4.12"]);
    }

    #[test]
    fn of_a_long_config_value_the_lines_that_differ_are_shown() {
        let said = |before: &str, after: &str| {
            sentence(&contents("c", &json!({"k": before}), &json!({"k": after}))[0])
        };
        assert_eq!(said("a 1\nb 1\nc\n", "a 1\nb 2\nc\n"), "ConfigMap c key k b 1 → b 2");
        let more = said("a\nb 1\nc 1\n", "a\nb 2\nc 2\n");
        assert!(more.starts_with("ConfigMap c key k b 1 → b 2, 1 more line differs (sha256 "), "{more}");
        assert_ne!(more, said("a\nb 1\nc 1\n", "a\nb 2\nc 3\n"));
        assert_eq!(said("a\nb\n", "a\n"), "ConfigMap c key k b → nothing");
        let spaces = said("a\nb\n", "a\n  b\n");
        assert!(spaces.contains("2 lines, sha256"), "{spaces}");
    }

    #[test]
    fn a_template_is_printed_as_a_person_would_write_it() {
        let value = json!({"spec": {"containers": [
            {"image": "a:1", "name": "web", "env": [{"value": "5", "name": "POOL"}], "args": ["-v", "x"]},
        ], "empty": {}}, "text": "a\nb\n"});
        let expected = "spec:\n  containers:\n  - name: web\n    args:\n    - -v\n    - x\n    env:\n    - name: POOL\n      value: 5\n    image: a:1\n  empty: {}\ntext: |\n  a\n  b";
        assert_eq!(printed(&value).join("\n"), expected);
    }

    #[test]
    fn a_changed_line_shows_which_of_its_words_changed() {
        let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
        let found = hunks(&lines("a\nimage: shop/api:4.11\nb"), &lines("a\nimage: shop/api:4.12\nb"));
        assert_eq!(found.len(), 1);
        let signs: Vec<Sign> = found[0].iter().map(|line| line.sign).collect();
        assert_eq!(signs, [Sign::Same, Sign::Removed, Sign::Added, Sign::Same]);
        let differs = |line: &Line| -> String {
            line.parts.iter().filter(|(differs, _)| *differs).map(|(_, text)| text.as_str()).collect()
        };
        let whole = |line: &Line| line.parts.iter().map(|(_, text)| text.as_str()).collect::<String>();
        assert_eq!(whole(&found[0][1]), "image: shop/api:4.11");
        assert!(differs(&found[0][1]).contains("11") && !differs(&found[0][1]).contains("image"));
        assert!(differs(&found[0][2]).contains("12"));
        assert_eq!(hunks(&lines("a\nb"), &lines("a\nb")), Vec::<Vec<Line>>::new());
        let added = hunks(&lines("a"), &lines("a\nb"));
        assert_eq!(added[0].iter().map(|l| l.sign).collect::<Vec<_>>(), [Sign::Same, Sign::Added]);
    }
}

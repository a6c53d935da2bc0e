//! `managedFields`: which client last set which fields, and when. The tree is built from what really changed, in the
//! notation of the API server (`f:name`, `k:{"name":"x"}`), so that readers of it can be tested on it.

use serde_json::{Map, Value, json};

/// Keys by which the API server tells the elements of a list apart, tried in this order.
const LIST_KEYS: [&[&str]; 5] =
    [&["name"], &["containerPort", "protocol"], &["mountPath"], &["type"], &["uid"]];

/// Who writes.
#[derive(Clone, Copy, Debug)]
pub struct Writer<'a> {
    /// The client's name: `kubectl-patch`.
    pub manager: &'a str,
    /// When, as the API server writes it.
    pub time: &'a str,
    /// `status` for writes to the status subresource.
    pub subresource: Option<&'a str>,
}

/// Notes in `new` that `writer` made the difference between `old` and `new`.
pub fn note(old: Option<&Value>, new: &mut Value, writer: Writer<'_>) {
    let tree = changed(old, new, writer.subresource.is_some());
    if tree.is_empty() {
        return;
    }
    let api_version = new["apiVersion"].clone();
    let mut entries = match new["metadata"]["managedFields"].take() {
        Value::Array(entries) => entries,
        _ => Vec::new(),
    };
    let mut own = Map::new();
    entries.retain_mut(|entry| {
        let is_own =
            entry["manager"] == writer.manager && entry["subresource"].as_str() == writer.subresource;
        let Value::Object(mut fields) = entry["fieldsV1"].take() else {
            return false;
        };
        if is_own {
            own = fields;
            return false;
        }
        subtract(&mut fields, &tree);
        let kept = !fields.is_empty();
        entry["fieldsV1"] = Value::Object(fields);
        kept
    });
    merge(&mut own, tree);
    let mut entry = json!({
        "apiVersion": api_version,
        "fieldsType": "FieldsV1",
        "fieldsV1": own,
        "manager": writer.manager,
        "operation": "Update",
        "time": writer.time,
    });
    if let Some(subresource) = writer.subresource {
        entry["subresource"] = json!(subresource);
    }
    entries.push(entry);
    new["metadata"]["managedFields"] = Value::Array(entries);
}

/// The fields of `new` that differ from `old`.
fn changed(old: Option<&Value>, new: &Value, status: bool) -> Map<String, Value> {
    let mut tree = Map::new();
    for (name, value) in new.as_object().into_iter().flatten() {
        let before = old.and_then(|old| old.get(name));
        let fields = match name.as_str() {
            "apiVersion" | "kind" => continue,
            "status" if !status => continue,
            "metadata" => metadata(before, value),
            _ => difference(before, value),
        };
        if let Some(fields) = fields {
            tree.insert(format!("f:{name}"), fields);
        }
    }
    tree
}

/// Of the metadata only what clients set has owners.
fn metadata(old: Option<&Value>, new: &Value) -> Option<Value> {
    let mut tree = Map::new();
    for name in ["annotations", "generateName", "labels", "ownerReferences"] {
        if let Some(value) = new.get(name)
            && let Some(fields) = difference(old.and_then(|old| old.get(name)), value)
        {
            tree.insert(format!("f:{name}"), fields);
        }
    }
    (!tree.is_empty()).then_some(Value::Object(tree))
}

fn difference(old: Option<&Value>, new: &Value) -> Option<Value> {
    if old == Some(new) {
        return None;
    }
    let mut tree = Map::new();
    match new {
        Value::Object(map) => {
            for (name, value) in map {
                if let Some(fields) = difference(old.and_then(|old| old.get(name)), value) {
                    tree.insert(format!("f:{name}"), fields);
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                let Some(key) = list_key(item) else {
                    return Some(json!({}));
                };
                let before = old
                    .and_then(Value::as_array)
                    .and_then(|items| items.iter().find(|other| list_key(other).as_ref() == Some(&key)));
                if let Some(mut fields) = difference(before, item) {
                    if before.is_none() {
                        fields["."] = json!({});
                    }
                    tree.insert(key, fields);
                }
            }
        }
        _ => {}
    }
    if old.is_none() && !tree.is_empty() && new.is_object() {
        tree.insert(".".to_owned(), json!({}));
    }
    Some(Value::Object(tree))
}

fn list_key(item: &Value) -> Option<String> {
    let map = item.as_object()?;
    let names = LIST_KEYS.iter().find(|names| names.iter().all(|name| map.contains_key(*name)))?;
    let key: Map<String, Value> = names.iter().map(|name| ((*name).to_owned(), map[*name].clone())).collect();
    Some(format!("k:{}", Value::Object(key)))
}

/// Takes from `tree` the leaves that are in `other`.
fn subtract(tree: &mut Map<String, Value>, other: &Map<String, Value>) {
    tree.retain(|name, fields| {
        let (Some(mine), Some(theirs)) = (fields.as_object_mut(), other.get(name).and_then(Value::as_object))
        else {
            return true;
        };
        if mine.keys().all(|key| key == ".") {
            return false;
        }
        subtract(mine, theirs);
        mine.keys().any(|key| key != ".")
    });
}

fn merge(into: &mut Map<String, Value>, from: Map<String, Value>) {
    for (name, fields) in from {
        match (into.get_mut(&name), fields) {
            (Some(Value::Object(mine)), Value::Object(theirs)) => merge(mine, theirs),
            (_, fields) => {
                into.insert(name, fields);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn writer<'a>(manager: &'a str, time: &'a str) -> Writer<'a> {
        Writer { manager, time, subresource: None }
    }

    #[test]
    fn a_field_belongs_to_the_client_that_changed_it_last() {
        let mut first = json!({"apiVersion": "v1", "metadata": {"name": "c"}, "data": {"a": "1", "b": "1"}});
        note(None, &mut first, writer("kubectl-client-side-apply", "t1"));
        let mut second = first.clone();
        second["data"]["b"] = json!("2");
        note(Some(&first), &mut second, writer("kubectl-edit", "t2"));
        let entries = second["metadata"]["managedFields"].as_array().expect("entries");
        assert_eq!(entries.len(), 2);
        assert_eq!(entries[0]["fieldsV1"], json!({"f:data": {"f:a": {}, ".": {}}}));
        assert_eq!(entries[1]["manager"], "kubectl-edit");
        assert_eq!(entries[1]["fieldsV1"], json!({"f:data": {"f:b": {}}}));
    }

    #[test]
    fn elements_of_a_list_are_named_by_their_key() {
        let mut object = json!({"apiVersion": "v1", "spec": {"containers": [{"name": "web", "image": "a"}]}});
        note(None, &mut object, writer("m", "t"));
        let fields = &object["metadata"]["managedFields"][0]["fieldsV1"];
        assert!(fields["f:spec"]["f:containers"]["k:{\"name\":\"web\"}"]["f:image"].is_object(), "{fields}");
    }
}

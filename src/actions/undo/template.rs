//! When two pod templates are the same to Kubernetes: `equality.Semantic.DeepEqual` without the hash label, worked
//! out on JSON. A missing map or list equals an empty one and `1Gi` equals `1073741824`, but a missing optional struct
//! (`securityContext`, `emptyDir`) differs from an empty one, because one is a nil pointer and the other is not.
//! Scalars are compared as they stand: the server writes an optional `false` or `0` only where it was given.

use serde_json::{Map, Value};

use super::{HASH_LABEL, quantity};

/// Maps of strings: their keys are people's, so nothing in them is a field; empty equals missing.
const MAPS: [&str; 6] =
    ["labels", "annotations", "nodeSelector", "matchLabels", "volumeAttributes", "options"];

/// Maps of quantities; empty equals missing.
const QUANTITY_MAPS: [&str; 3] = ["limits", "requests", "overhead"];

/// Structs that Go holds by value: empty equals missing. Every other struct is a pointer.
const VALUES: [&str; 5] = ["metadata", "spec", "resources", "preference", "podAffinityTerm"];

/// True when the controller and kubectl take the two values of `spec.template` for the same template.
pub fn same_template(left: &Value, right: &Value) -> bool {
    normal(left) == normal(right)
}

/// One form for all spellings of a template.
fn normal(template: &Value) -> Value {
    let mut template = template.clone();
    if let Some(labels) = template.pointer_mut("/metadata/labels").and_then(Value::as_object_mut) {
        labels.shift_remove(HASH_LABEL);
    }
    let resources = template.pointer("/spec/resources").cloned();
    settle(&mut template);
    // `resources` of the pod itself, unlike that of a container, is a pointer: `{}` is not the same as none.
    if let Some(Value::Object(_)) = resources
        && let Some(spec) = template.get_mut("spec").and_then(Value::as_object_mut)
    {
        spec.entry("resources").or_insert_with(|| Value::Object(Map::new()));
    }
    template
}

fn settle(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(settle),
        Value::Object(fields) => {
            for (name, field) in fields.iter_mut() {
                settle_field(name, field);
            }
            fields.retain(|name, field| !absent(name, field));
        }
        _ => {}
    }
}

fn settle_field(name: &str, field: &mut Value) {
    if MAPS.contains(&name) && field.is_object() {
        return;
    }
    match field {
        Value::Object(amounts) if QUANTITY_MAPS.contains(&name) => {
            amounts.iter_mut().for_each(|(_, amount)| quantity::settle(amount));
        }
        amount if matches!(name, "sizeLimit" | "divisor") => quantity::settle(amount),
        other => settle(other),
    }
}

/// What Go cannot tell from a field that is not there.
fn absent(name: &str, field: &Value) -> bool {
    match field {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => {
            fields.is_empty()
                && (MAPS.contains(&name) || QUANTITY_MAPS.contains(&name) || VALUES.contains(&name))
        }
        // A quantity held by value; zero is what it is when nothing was written.
        Value::String(amount) => name == "divisor" && amount == quantity::ZERO,
        _ => false,
    }
}

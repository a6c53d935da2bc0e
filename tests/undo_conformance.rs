//! goaround's undo against the real kubectl's, history by history: the same outcome, the same patch, and, applied to
//! the object as it was, the same Deployment. `GOAROUND_UNDO_CASES=FILE` runs any file of the same format; a relative
//! name is tried from the directory where cargo was called, then from the package root.

#![expect(clippy::disallowed_methods, reason = "a variable names other histories")]

use std::path::{Path, PathBuf};

use goaround::actions::undo::{
    Target, Undo, UndoRefusal, conditional_patch, kubectl_patch, same_template, undo, wire_text,
};
use serde_json::{Value, json};

/// kubectl's answer, read from its exit code and texts.
#[derive(Debug, PartialEq)]
enum Outcome {
    Patched,
    Skipped(i64),
    Paused,
    NoHistory,
    NotFound(i64),
    /// An answer that this test cannot read; it always counts as a difference.
    Unread(String),
}

fn fixtures() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/undo");
    vec![folder.join("histories.jsonl"), folder.join("odd.jsonl")]
}

fn cases(files: Vec<PathBuf>) -> Vec<(String, Value)> {
    let mut cases = Vec::new();
    for file in files {
        let text =
            std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        for (n, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let case: Value = serde_json::from_str(line)
                .unwrap_or_else(|error| panic!("{}:{}: {error}", file.display(), n + 1));
            cases.push((format!("{name}:{}", n + 1), case));
        }
    }
    cases
}

/// cargo runs a test in the package root; the caller's own directory is in PWD when a shell called it.
fn found(named: &str) -> PathBuf {
    let called_from = std::env::var_os("PWD").map(PathBuf::from).unwrap_or_default();
    let tried =
        [called_from.join(named), PathBuf::from(named), Path::new(env!("CARGO_MANIFEST_DIR")).join(named)];
    tried
        .iter()
        .find(|path| path.is_file())
        .unwrap_or_else(|| panic!("GOAROUND_UNDO_CASES={named}: no such file; tried {tried:?}"))
        .clone()
}

fn kubectls_outcome(case: &Value) -> Outcome {
    let stderr = case["stderr"].as_str().unwrap_or_default();
    let stdout = case["stdout"].as_str().unwrap_or_default();
    let number_after = |text: &str, words: &str| -> Option<i64> {
        let rest = text.split_once(words)?.1;
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '-').unwrap_or(rest.len());
        rest[..end].parse().ok()
    };
    if let Some(number) = number_after(stdout, "current template already matches revision ") {
        Outcome::Skipped(number)
    } else if let Some(number) = number_after(stderr, "unable to find specified revision ") {
        Outcome::NotFound(number)
    } else if stderr.contains("cannot rollback a paused deployment") {
        Outcome::Paused
    } else if stderr.contains("no rollout history found") {
        Outcome::NoHistory
    } else if !case["patch"].is_null() {
        Outcome::Patched
    } else {
        Outcome::Unread(format!("{stdout} {stderr}"))
    }
}

fn our_outcome(result: &Result<Undo, UndoRefusal>, to_revision: i64) -> Outcome {
    match result {
        Ok(Undo::Patched { .. }) => Outcome::Patched,
        // For "previous" kubectl prints the 0 that it was given, not the number that it found.
        Ok(Undo::Skipped { .. }) if to_revision == 0 => Outcome::Skipped(0),
        Ok(Undo::Skipped { revision }) => Outcome::Skipped(revision.unwrap_or(i64::MIN)),
        Err(UndoRefusal::Paused) => Outcome::Paused,
        Err(UndoRefusal::NoHistory) => Outcome::NoHistory,
        Err(UndoRefusal::RevisionNotFound(number)) => Outcome::NotFound(*number),
        Err(refusal @ UndoRefusal::ReplicaSetGone { .. }) => panic!("no uid was asked for: {refusal}"),
    }
}

/// Applies a patch as the API server does: `test` finds null where there is nothing, `replace` may create.
fn applied(before: &Value, patch: &Value) -> Result<Value, String> {
    let mut after = before.clone();
    for operation in patch.as_array().ok_or("the patch is not a list")? {
        let path = operation["path"].as_str().ok_or("an operation without a path")?;
        let mut operation = operation.clone();
        if after.pointer(path).is_none() {
            match operation["op"].as_str() {
                Some("test") if operation["value"].is_null() => continue,
                Some("replace") => operation["op"] = json!("add"),
                _ => {}
            }
        }
        let one: json_patch::Patch =
            serde_json::from_value(json!([operation])).map_err(|error| error.to_string())?;
        json_patch::patch(&mut after, &one).map_err(|error| error.to_string())?;
    }
    Ok(after)
}

/// What goaround adds is no part of the comparison; nor is a null, which is nothing to Kubernetes.
fn comparable(mut object: Value) -> Value {
    if let Some(annotations) = object.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut) {
        annotations
            .retain(|name, _| name != "kubernetes.io/change-cause" && !name.starts_with("goaround.dev/"));
    }
    drop_nulls(&mut object);
    object
}

fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, field| !field.is_null());
            fields.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

/// As the executor will send it: with goaround's own annotations, through the text on the wire.
fn our_patch(before: &Value, template: &Value, annotations: &Value) -> Value {
    let mut annotations = annotations.clone();
    annotations["kubernetes.io/change-cause"] = json!("rolled back by goaround");
    annotations["goaround.dev/action"] = json!("01J00000000000000000000000:0123456789ab");
    annotations["goaround.dev/by"] = json!("ana");
    let patch = conditional_patch(before, template.clone(), annotations);
    serde_json::from_str(&wire_text(&patch)).unwrap()
}

fn difference(case: &Value) -> Option<String> {
    let (before, to_revision) = (&case["before"], case["toRevision"].as_i64().unwrap());
    let replica_sets = case["replicaSets"].as_array().unwrap();
    let result = undo(before, replica_sets, &Target::from_to_revision(to_revision));
    let (ours, kubectls) = (our_outcome(&result, to_revision), kubectls_outcome(case));
    if ours != kubectls {
        return Some(format!("outcome {ours:?}, kubectl's {kubectls:?}"));
    }
    let Ok(Undo::Patched { template, annotations, from }) = result else {
        return None;
    };
    let recorded = &case["patch"]["body"];
    if applied(before, &kubectl_patch(template.clone(), annotations.clone())) != applied(before, recorded) {
        return Some(format!(
            "kubectl's patch differs\n  ours    {template} {annotations}\n  kubectl {recorded}"
        ));
    }
    let by_kubectl = applied(before, recorded).map(comparable);
    let by_us = applied(before, &our_patch(before, &template, &annotations)).map(comparable);
    if by_us != by_kubectl || by_us.is_err() {
        return Some(format!("the object differs\n  ours    {by_us:?}\n  kubectl {by_kubectl:?}"));
    }
    if case["after"].is_object() && !same_template(&case["after"]["spec"]["template"], &template) {
        return Some(format!("the server made of it {}", case["after"]["spec"]["template"]));
    }
    // The same ReplicaSet named by what it is, not by its number, must give the same.
    let by_uid = undo(before, replica_sets, &Target::ReplicaSet(from.uid.as_str().into()));
    (by_uid != Ok(Undo::Patched { template, annotations, from })).then(|| format!("by uid: {by_uid:?}"))
}

#[test]
fn every_history_ends_as_it_does_with_kubectl() {
    let files = std::env::var("GOAROUND_UNDO_CASES").map_or_else(|_| fixtures(), |named| vec![found(&named)]);
    let cases = cases(files);
    assert!(!cases.is_empty());
    let mut differ = 0;
    for (place, case) in &cases {
        if let Some(difference) = difference(case) {
            differ += 1;
            println!("{place} {} to revision {}: {difference}", case["name"], case["toRevision"]);
        }
    }
    println!("{} histories, {differ} differ", cases.len());
    assert_eq!(differ, 0, "{differ} of {} histories differ; see above", cases.len());
}

#[test]
fn the_comparison_notices_a_wrong_template_annotation_and_outcome() {
    let cases = cases(fixtures());
    let (_, patched) = cases
        .iter()
        .find(|(_, case)| kubectls_outcome(case) == Outcome::Patched)
        .expect("a history that was rolled back");
    assert_eq!(difference(patched), None);
    let mut template = patched.clone();
    template["patch"]["body"][0]["value"]["spec"]["containers"][0]["image"] = json!("planted");
    assert!(difference(&template).is_some());
    let mut annotation = patched.clone();
    annotation["patch"]["body"][1]["value"]["planted"] = json!("x");
    assert!(difference(&annotation).is_some());
    let mut outcome = patched.clone();
    outcome["stderr"] = json!("error: you cannot rollback a paused deployment");
    assert!(difference(&outcome).is_some());
}

fn deployment() -> Value {
    json!({
        "metadata": { "name": "d", "namespace": "n", "uid": "U",
            "annotations": { "deployment.kubernetes.io/revision": "2", "since": "then" } },
        "spec": { "selector": { "matchLabels": { "app": "d" } }, "template": template("new") }
    })
}

fn template(image: &str) -> Value {
    json!({ "metadata": { "labels": { "app": "d" } }, "spec": { "containers": [{ "image": image }] } })
}

fn replica_set(name: &str, revision: &str, image: &str) -> Value {
    let mut template = template(image);
    template["metadata"]["labels"]["pod-template-hash"] = json!(name);
    json!({
        "metadata": { "name": name, "namespace": "n", "uid": format!("uid-{name}"),
            "creationTimestamp": format!("2026-11-21T08:00:0{}Z", name.len()),
            "labels": { "app": "d", "pod-template-hash": name },
            "annotations": { "deployment.kubernetes.io/revision": revision, "of": name },
            "ownerReferences": [{ "controller": true, "uid": "U", "kind": "Deployment", "name": "d" }] },
        "spec": { "template": template }
    })
}

fn restored(deployment: &Value, replica_sets: &[Value], target: Target) -> Result<String, UndoRefusal> {
    undo(deployment, replica_sets, &target).map(|undo| match undo {
        Undo::Patched { from, .. } => from.name.to_string(),
        Undo::Skipped { revision } => format!("skipped {revision:?}"),
    })
}

#[test]
fn replica_sets_of_another_owner_or_namespace_or_label_are_no_history() {
    let mut stranger = replica_set("a", "1", "old");
    stranger["metadata"]["ownerReferences"][0]["uid"] = json!("other");
    let mut not_controller = replica_set("a", "1", "old");
    not_controller["metadata"]["ownerReferences"][0]["controller"] = json!(false);
    let mut elsewhere = replica_set("a", "1", "old");
    elsewhere["metadata"]["namespace"] = json!("m");
    let mut unlabelled = replica_set("a", "1", "old");
    unlabelled["metadata"]["labels"]["app"] = json!("e");
    for foreign in [stranger, not_controller, elsewhere, unlabelled] {
        let sets = [foreign, replica_set("bb", "2", "new")];
        assert_eq!(restored(&deployment(), &sets, Target::Previous), Err(UndoRefusal::NoHistory));
        assert_eq!(
            restored(&deployment(), &sets, Target::Revision(1)),
            Err(UndoRefusal::RevisionNotFound(1))
        );
        let gone = restored(&deployment(), &sets, Target::ReplicaSet("uid-a".into()));
        assert_eq!(gone, Err(UndoRefusal::ReplicaSetGone { uid: "uid-a".into() }));
    }
}

#[test]
fn a_selector_with_expressions_decides_as_the_server_does() {
    let sets = [replica_set("a", "1", "old"), replica_set("bb", "2", "new")];
    for (requirement, matches) in [
        (json!({ "key": "app", "operator": "In", "values": ["d", "e"] }), true),
        (json!({ "key": "app", "operator": "In", "values": ["e"] }), false),
        (json!({ "key": "app", "operator": "NotIn", "values": ["d"] }), false),
        (json!({ "key": "tier", "operator": "NotIn", "values": ["d"] }), true),
        (json!({ "key": "app", "operator": "Exists" }), true),
        (json!({ "key": "app", "operator": "DoesNotExist" }), false),
        (json!({ "key": "app", "operator": "Near" }), false),
    ] {
        let mut deployment = deployment();
        deployment["spec"]["selector"]["matchExpressions"] = json!([requirement]);
        assert_eq!(restored(&deployment, &sets, Target::Previous).is_ok(), matches, "{requirement}");
    }
    let mut deployment = deployment();
    deployment["spec"]["selector"] = json!({});
    assert!(restored(&deployment, &sets, Target::Previous).is_ok(), "an empty selector selects all");
    deployment["spec"]["selector"] = Value::Null;
    assert!(restored(&deployment, &sets, Target::Previous).is_err(), "no selector selects nothing");
}

#[test]
fn a_missing_revision_is_zero_and_an_unreadable_one_is_passed_over() {
    let mut bare = replica_set("a", "1", "old");
    bare["metadata"]["annotations"] = json!({});
    let sets = [bare, replica_set("bb", "2", "new")];
    assert_eq!(restored(&deployment(), &sets, Target::Previous), Ok("a".into()));
    for unreadable in ["", "one", "1.0", " 1", "1_000", "0x1", "99999999999999999999", "-1"] {
        let sets = [replica_set("a", unreadable, "old"), replica_set("bb", "2", "new")];
        let previous = restored(&deployment(), &sets, Target::Previous);
        assert_eq!(previous, Err(UndoRefusal::NoHistory), "{unreadable:?}");
        let by_uid = restored(&deployment(), &sets, Target::ReplicaSet("uid-a".into()));
        assert_eq!(by_uid, Ok("a".into()), "its uid is still its uid");
    }
    let signed = [replica_set("a", "+1", "old"), replica_set("bb", "2", "new")];
    assert_eq!(restored(&deployment(), &signed, Target::Revision(1)), Ok("a".into()));
}

#[test]
fn of_two_with_one_number_the_older_is_meant_and_the_current_one_last() {
    let sets = [replica_set("ccc", "1", "c"), replica_set("a", "1", "a"), replica_set("bb", "2", "new")];
    assert_eq!(restored(&deployment(), &sets, Target::Revision(1)), Ok("a".into()));
    // The older bears the current template, so it is looked at last.
    let sets = [replica_set("a", "1", "new"), replica_set("bb", "1", "b")];
    assert_eq!(restored(&deployment(), &sets, Target::Revision(1)), Ok("bb".into()));
}

#[test]
fn zero_and_below_never_name_a_revision() {
    let sets = [replica_set("a", "1", "old"), replica_set("bb", "2", "new")];
    for number in [0, -1, i64::MIN] {
        let refused = restored(&deployment(), &sets, Target::Revision(number));
        assert_eq!(refused, Err(UndoRefusal::RevisionNotFound(number)));
    }
}

#[test]
fn a_missing_revision_is_reported_before_a_pause_and_a_pause_before_an_equal_template() {
    let mut paused = deployment();
    paused["spec"]["paused"] = json!(true);
    let sets = [replica_set("a", "1", "old"), replica_set("bb", "2", "new")];
    assert_eq!(restored(&paused, &sets, Target::Revision(7)), Err(UndoRefusal::RevisionNotFound(7)));
    assert_eq!(restored(&paused, &sets, Target::Revision(2)), Err(UndoRefusal::Paused));
    assert_eq!(restored(&deployment(), &sets, Target::Revision(2)), Ok("skipped Some(2)".into()));
}

#[test]
fn the_order_of_keys_never_matters() {
    let one: Value = serde_json::from_str(r#"{"a": 1, "b": {"c": 2, "d": [3]}}"#).unwrap();
    let other: Value = serde_json::from_str(r#"{"b": {"d": [3], "c": 2}, "a": 1}"#).unwrap();
    assert_eq!(one, other);
    assert_ne!(one.to_string(), other.to_string(), "but the order in which they came is kept");
}

#[test]
fn an_empty_map_or_list_is_none_but_an_empty_optional_struct_is_not() {
    let base = json!({ "metadata": { "labels": { "app": "d" } },
        "spec": { "containers": [{ "name": "c", "resources": {} }], "volumes": [{ "name": "v" }] } });
    let with = |pointer: &str, value: Value| {
        let mut template = base.clone();
        let (parent, field) = pointer.rsplit_once('/').unwrap();
        template.pointer_mut(parent).unwrap()[field] = value;
        template
    };
    for (pointer, value) in [
        ("/metadata/annotations", json!({})),
        ("/metadata/creationTimestamp", Value::Null),
        ("/metadata/labels", json!({ "app": "d", "pod-template-hash": "x" })),
        ("/spec/nodeSelector", json!({})),
        ("/spec/tolerations", json!([])),
        ("/spec/overhead", json!({})),
        ("/spec/containers/0/args", json!([])),
        ("/spec/containers/0/resources", json!({ "limits": {}, "requests": null })),
    ] {
        assert!(same_template(&base, &with(pointer, value.clone())), "{pointer} {value}");
    }
    for (pointer, value) in [
        ("/spec/securityContext", json!({})),
        ("/spec/affinity", json!({})),
        ("/spec/resources", json!({})),
        ("/spec/volumes/0/emptyDir", json!({})),
        ("/spec/containers/0/securityContext", json!({})),
        ("/spec/containers/0/securityContext", json!({ "runAsNonRoot": false })),
        ("/spec/terminationGracePeriodSeconds", json!(0)),
        ("/metadata/annotations", json!({ "limits": "" })),
    ] {
        assert!(!same_template(&base, &with(pointer, value.clone())), "{pointer} {value}");
    }
}

#[test]
fn amounts_are_compared_by_what_they_amount_to_and_labels_by_their_letters() {
    let limits = |memory: &str| json!({ "spec": { "containers": [{ "resources": { "limits": { "memory": memory } } }] } });
    assert!(same_template(&limits("1Gi"), &limits("1073741824")));
    assert!(!same_template(&limits("1Gi"), &limits("1G")));
    let volume = |size: &str| json!({ "spec": { "volumes": [{ "emptyDir": { "sizeLimit": size } }] } });
    assert!(same_template(&volume("1Ki"), &volume("1024")));
    let label = |size: &str| json!({ "metadata": { "labels": { "sizeLimit": size, "limits": size } } });
    assert!(!same_template(&label("1Ki"), &label("1024")));
}

#[test]
fn annotations_are_the_kept_ones_of_the_deployment_and_the_others_of_the_replica_set() {
    let mut deployment = deployment();
    deployment["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"] = json!("{}");
    let mut old = replica_set("a", "1", "old");
    old["metadata"]["annotations"]["deployment.kubernetes.io/desired-replicas"] = json!("3");
    let sets = [old, replica_set("bb", "2", "new")];
    let Ok(Undo::Patched { template: restored, annotations, from }) =
        undo(&deployment, &sets, &Target::Previous)
    else {
        panic!("not patched")
    };
    assert_eq!(
        annotations,
        json!({ "deployment.kubernetes.io/revision": "2",
            "kubectl.kubernetes.io/last-applied-configuration": "{}", "of": "a" })
    );
    assert_eq!(restored, template("old"));
    assert_eq!((from.uid.as_str(), from.revision), ("uid-a", Some(1)));
}

#[test]
fn the_conditions_come_first_and_hold_the_live_values() {
    let deployment = deployment();
    let patch = conditional_patch(&deployment, template("old"), json!({ "x": "y" }));
    assert_eq!(
        patch,
        json!([
            { "op": "test", "path": "/metadata/uid", "value": "U" },
            { "op": "test", "path": "/spec/template", "value": template("new") },
            { "op": "test", "path": "/spec/paused", "value": null },
            { "op": "test", "path": "/metadata/annotations", "value": deployment["metadata"]["annotations"] },
            { "op": "replace", "path": "/spec/template", "value": template("old") },
            { "op": "replace", "path": "/metadata/annotations", "value": { "x": "y" } },
        ])
    );
    let mut bare = deployment.clone();
    bare["metadata"].as_object_mut().unwrap().shift_remove("annotations");
    let patch = conditional_patch(&bare, template("old"), json!({ "x": "y" }));
    assert_eq!(patch[3], json!({ "op": "test", "path": "/metadata/annotations", "value": null }));
    assert_eq!(patch[5]["op"], "add");
    assert!(applied(&bare, &patch).is_ok());
}

#[test]
fn whatever_is_tested_refuses_the_patch_once_it_has_changed() {
    let before = deployment();
    let patch = conditional_patch(&before, template("old"), json!({}));
    assert!(applied(&before, &patch).is_ok());
    for (pointer, value) in [
        ("/metadata/uid", json!("V")),
        ("/spec/template/spec/containers/0/image", json!("newer")),
        ("/spec/template/metadata/labels/x", json!("y")),
        ("/spec/paused", json!(true)),
        ("/metadata/annotations/since", json!("now")),
        ("/metadata/annotations/new", json!("")),
    ] {
        let mut live = before.clone();
        let (parent, field) = pointer.rsplit_once('/').unwrap();
        live.pointer_mut(parent).unwrap()[field] = value;
        assert!(applied(&live, &patch).is_err(), "{pointer}");
    }
    let mut scaled = before.clone();
    scaled["metadata"]["generation"] = json!(9);
    scaled["spec"]["replicas"] = json!(9);
    assert!(applied(&scaled, &patch).is_ok(), "an autoscaler must not expire an approval");
}

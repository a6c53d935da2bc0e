//! Pod templates: what they refer to, which texts may name other services, and the digests by which two of them are
//! the same revision. The JSON itself is kept as the server has it.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::domain::clean::Clean;
use crate::domain::cluster::{Json, Reach, RefKind, Reference, Template, template_digest};

/// The label that the Deployment controller adds to the templates of its ReplicaSets.
const HASH: &str = "pod-template-hash";
/// How an owner of a workload says that going back is not possible.
const IRREVERSIBLE: &str = "goaround.dev/irreversible";

/// Reads a template. The label `pod-template-hash` is taken out of the JSON, so that the template of a ReplicaSet can
/// be compared with, and put back into, its Deployment.
pub fn template(mut value: Value) -> Template {
    let labels = value.pointer_mut("/metadata/labels").and_then(Value::as_object_mut);
    if let Some(labels) = labels {
        labels.shift_remove(HASH);
    }
    let containers = containers(&value);
    let images = value
        .pointer("/spec/containers")
        .into_iter()
        .flat_map(items)
        .filter_map(|container| text(container, "/image"))
        .collect();
    Template {
        json: Json::of(&value),
        digest: template_digest(&value, false),
        digest_but_restart: template_digest(&value, true),
        images,
        references: references(&value, &containers),
        texts: texts(&containers),
        irreversible: value
            .pointer("/metadata/annotations")
            .and_then(|annotations| annotations.get(IRREVERSIBLE))
            .and_then(Value::as_str)
            .map(Clean::new),
        labels: value.pointer("/metadata/labels").map(pairs).unwrap_or_default(),
    }
}

/// All containers, those that run before the others included.
fn containers(template: &Value) -> Vec<&Value> {
    ["/spec/initContainers", "/spec/containers"]
        .iter()
        .filter_map(|path| template.pointer(path))
        .flat_map(items)
        .collect()
}

fn texts(containers: &[&Value]) -> Vec<Clean> {
    let mut texts: Vec<Clean> = Vec::new();
    for container in containers {
        let listed = ["/command", "/args"].iter().filter_map(|path| container.pointer(path)).flat_map(items);
        let env = container.get("env").into_iter().flat_map(items).filter_map(|env| env.get("value"));
        for text in listed.chain(env).filter_map(Value::as_str).filter(|text| !text.is_empty()) {
            let text = Clean::new(text);
            if !texts.contains(&text) {
                texts.push(text);
            }
        }
    }
    texts
}

fn references(template: &Value, containers: &[&Value]) -> Vec<Reference> {
    let mut found = Found::default();
    for volume in template.pointer("/spec/volumes").into_iter().flat_map(items) {
        found.volume(volume, volume_reach(volume, containers));
    }
    for container in containers {
        for source in container.get("envFrom").into_iter().flat_map(items) {
            found.add(RefKind::ConfigMap, source.get("configMapRef"), "name", Reach::Start);
            found.add(RefKind::Secret, source.get("secretRef"), "name", Reach::Start);
        }
        for env in container.get("env").into_iter().flat_map(items) {
            found.add(RefKind::ConfigMap, env.pointer("/valueFrom/configMapKeyRef"), "name", Reach::Start);
            found.add(RefKind::Secret, env.pointer("/valueFrom/secretKeyRef"), "name", Reach::Start);
        }
    }
    for secret in template.pointer("/spec/imagePullSecrets").into_iter().flat_map(items) {
        // A pod starts without its pull secret when the image is there already.
        found.named(RefKind::Secret, secret.get("name"), true, Reach::Pull);
    }
    let reference = |((kind, name), (optional, reach))| Reference { kind, name, optional, reach };
    found.0.into_iter().map(reference).collect()
}

/// A volume of which only single files are mounted is not renewed in running pods.
fn volume_reach(volume: &Value, containers: &[&Value]) -> Reach {
    let mounts = containers.iter().filter_map(|c| c.get("volumeMounts")).flat_map(items);
    let mut mounts = mounts.filter(|m| m.get("name") == volume.get("name")).peekable();
    let single = |m: &Value| m.get("subPath").is_some() || m.get("subPathExpr").is_some();
    if mounts.peek().is_some() && mounts.all(single) { Reach::Start } else { Reach::Running }
}

/// References by kind and name; one that is needed anywhere is needed.
#[derive(Default)]
struct Found(BTreeMap<(RefKind, Clean), (bool, Reach)>);

impl Found {
    fn volume(&mut self, volume: &Value, reach: Reach) {
        self.add(RefKind::ConfigMap, volume.get("configMap"), "name", reach);
        self.add(RefKind::Secret, volume.get("secret"), "secretName", reach);
        self.add(RefKind::PersistentVolumeClaim, volume.get("persistentVolumeClaim"), "claimName", reach);
        for source in volume.pointer("/projected/sources").into_iter().flat_map(items) {
            self.add(RefKind::ConfigMap, source.get("configMap"), "name", reach);
            self.add(RefKind::Secret, source.get("secret"), "name", reach);
        }
    }

    fn add(&mut self, kind: RefKind, source: Option<&Value>, name: &str, reach: Reach) {
        let Some(source) = source else { return };
        let optional = source.get("optional").and_then(Value::as_bool).unwrap_or(false);
        self.named(kind, source.get(name), optional, reach);
    }

    fn named(&mut self, kind: RefKind, name: Option<&Value>, optional: bool, reach: Reach) {
        if let Some(name) = name.and_then(Value::as_str).filter(|name| !name.is_empty()) {
            let known = self.0.entry((kind, Clean::new(name))).or_insert((optional, reach));
            *known = (known.0 && optional, known.1.max(reach));
        }
    }
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value, path: &str) -> Option<Clean> {
    value.pointer(path).and_then(Value::as_str).map(Clean::new)
}

fn pairs(value: &Value) -> BTreeMap<Clean, Clean> {
    value
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| Some((Clean::new(key), Clean::new(value.as_str()?))))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::plan::RESTARTED_AT as RESTARTED;
    use serde_json::json;

    fn bare() -> Value {
        json!({"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": "web:1"}]}})
    }

    #[test]
    fn the_hash_label_of_a_replica_set_makes_no_difference() {
        let mut hashed = bare();
        hashed["metadata"]["labels"][HASH] = json!("54bc8875f5");
        let (a, b) = (template(bare()), template(hashed));
        assert_eq!(a.digest, b.digest);
        assert_eq!(a.json, b.json);
    }

    #[test]
    fn a_restart_changes_the_digest_but_not_the_digest_but_restart() {
        let mut restarted = bare();
        restarted["metadata"]["annotations"] = json!({RESTARTED: "2026-11-21T10:00:00Z"});
        let (a, b) = (template(bare()), template(restarted));
        assert_ne!(a.digest, b.digest);
        assert_eq!(a.digest_but_restart, b.digest_but_restart);
    }

    #[test]
    fn another_annotation_beside_the_restart_still_counts() {
        let mut scraped = bare();
        scraped["metadata"]["annotations"] = json!({RESTARTED: "2026-11-21T10:00:00Z", "scrape": "yes"});
        assert_ne!(template(bare()).digest_but_restart, template(scraped).digest_but_restart);
    }

    #[test]
    fn an_empty_map_of_annotations_is_the_same_as_none_but_for_the_exact_digest() {
        let mut empty = bare();
        empty["metadata"]["annotations"] = json!({});
        assert_eq!(template(bare()).digest_but_restart, template(empty).digest_but_restart);
    }

    #[test]
    fn a_null_creation_timestamp_of_an_older_server_makes_no_difference() {
        let mut older = bare();
        older["metadata"]["creationTimestamp"] = Value::Null;
        assert_eq!(template(bare()).digest, template(older).digest);
    }

    #[test]
    fn every_way_to_refer_to_configuration_is_found_once_and_needed_wins_over_optional() {
        let value = json!({"spec": {
            "volumes": [
                {"configMap": {"name": "files", "optional": true}},
                {"name": "tls", "secret": {"secretName": "tls"}},
                {"persistentVolumeClaim": {"claimName": "data"}},
                {"projected": {"sources": [{"configMap": {"name": "ca"}}, {"secret": {"name": "token", "optional": true}}]}},
                {"emptyDir": {}}],
            "imagePullSecrets": [{"name": "registry"}],
            "initContainers": [{"envFrom": [{"configMapRef": {"name": "files"}}, {"secretRef": {"name": "env"}}]}],
            "containers": [{"image": "web:1", "env": [
                {"name": "A", "valueFrom": {"configMapKeyRef": {"name": "flags", "key": "a"}}},
                {"name": "B", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "b", "optional": true}}},
                {"name": "C", "value": "http://reporting.demo.svc:8080"}],
                "volumeMounts": [{"name": "tls", "mountPath": "/tls.crt", "subPath": "tls.crt"}],
                "args": ["--upstream=auth", "--upstream=auth", ""], "command": ["/web"]}]}});
        let template = template(value);
        let found: Vec<String> = template
            .references
            .iter()
            .map(|r| {
                format!("{}/{}{} {:?}", r.kind.kind(), r.name, if r.optional { "?" } else { "" }, r.reach)
            })
            .collect();
        assert_eq!(
            found,
            [
                "ConfigMap/ca Running",
                "ConfigMap/files Running",
                "ConfigMap/flags Start",
                "Secret/env Start",
                "Secret/keys? Start",
                "Secret/registry? Pull",
                "Secret/tls Start",
                "Secret/token? Running",
                "PersistentVolumeClaim/data Running"
            ]
        );
        assert_eq!(
            template.texts,
            ["/web", "--upstream=auth", "http://reporting.demo.svc:8080"].map(Clean::new)
        );
    }
}

//! The API server and what stands behind it: objects, the controller, and a ledger of every write that it did. It
//! does what it is asked as a server does; what was right of it is judged elsewhere.

use std::collections::BTreeMap;
use std::time::Duration;

use goaround::domain::Time;
use goaround::domain::cluster::{ContentDigest, template_digest};
use goaround::domain::plan::{ACTION, Call};
use goaround::engine::event::Called;
use serde_json::{Value, json};

use crate::story::{Story, Workload};

/// A write that the server did.
#[derive(Clone, Debug)]
pub struct Written {
    pub action: String,
    pub call: usize,
}

/// What the server is.
pub struct Server {
    pub workloads: Vec<Workload>,
    pub configs: BTreeMap<String, Value>,
    /// Rises with every change.
    pub version: u64,
    /// What a cache that lags behind would tell.
    pub stale: Option<(Vec<Workload>, BTreeMap<String, Value>)>,
    pub written: Vec<Written>,
    pub recreated: usize,
    /// The controller does not go on.
    pub stuck: bool,
    pub allowed: bool,
}

/// The object that a call would change, as it stood right before.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Before {
    pub uid: String,
    pub paused: bool,
    /// Digest of a Deployment's template, or of a ConfigMap's data.
    pub content: ContentDigest,
}

impl Server {
    pub fn new(story: &Story) -> Self {
        Self {
            workloads: story.workloads.clone(),
            configs: story.configs.clone(),
            version: 1,
            stale: None,
            written: Vec::new(),
            recreated: 0,
            stuck: false,
            allowed: true,
        }
    }

    /// Lends the objects to a story for as long as it works with them.
    pub fn lend<R>(&mut self, story: &mut Story, work: impl FnOnce(&mut Story) -> R) -> R {
        let swap = |server: &mut Self, story: &mut Story| {
            std::mem::swap(&mut server.workloads, &mut story.workloads);
            std::mem::swap(&mut server.configs, &mut story.configs);
        };
        swap(self, story);
        story.rights = self.allowed;
        let done = work(story);
        swap(self, story);
        done
    }

    pub fn before(&mut self, story: &mut Story, path: &str) -> Option<Before> {
        self.lend(story, |story| {
            let object = story.object(path)?;
            let content = if path.contains("/configmaps/") {
                ContentDigest::of(&object["data"])
            } else {
                template_digest(&object["spec"]["template"], false)
            };
            let uid = object["metadata"]["uid"].as_str().unwrap_or_default().to_owned();
            Some(Before { uid, paused: object["spec"]["paused"] == true, content })
        })
    }

    /// Does a call, or refuses it.
    pub fn write(&mut self, story: &mut Story, action: &str, n: usize, call: &Call) -> Called {
        if !self.allowed {
            return Called::Refused("403: forbidden".into());
        }
        let called = self.lend(story, |story| story.write(&call.path, &call.body));
        if matches!(called, Called::Done(_)) {
            self.version += 1;
            self.written.push(Written { action: action.to_owned(), call: n });
        }
        called
    }

    /// Calls of an action that were done.
    pub fn done(&self, action: &str) -> usize {
        self.written.iter().filter(|w| w.action == action).count()
    }

    pub fn edit(&mut self, n: usize, edit: impl FnOnce(&mut Value)) {
        let n = n % self.workloads.len();
        let before = self.workloads[n].deployment.clone();
        if before.is_null() {
            return;
        }
        edit(&mut self.workloads[n].deployment);
        let after = &mut self.workloads[n].deployment;
        if after["spec"] != before["spec"] {
            let generation = after["metadata"]["generation"].as_i64().unwrap_or(0) + 1;
            after["metadata"]["generation"] = json!(generation);
        }
        self.version += 1;
    }

    /// The same name, another object.
    pub fn recreate(&mut self, n: usize) {
        self.recreated += 1;
        let uid = format!("dep-again-{}", self.recreated);
        self.edit(n, |d| {
            d["metadata"]["uid"] = json!(uid);
            if let Some(annotations) = d["metadata"]["annotations"].as_object_mut() {
                annotations.shift_remove(ACTION);
            }
        });
        // An orphaned ReplicaSet of the same template is adopted, the others are gone.
        let workload = self.workload(n);
        let current = digest(&workload.deployment["spec"]["template"]);
        workload.sets.retain(|s| digest(&s["spec"]["template"]) == current);
        for set in &mut workload.sets {
            set["metadata"]["ownerReferences"][0]["uid"] = json!(uid);
        }
    }

    /// The same name, another object, from a manifest of one of the contents that it had; annotations are gone.
    pub fn recreate_config(&mut self, name: &str, n: usize) -> bool {
        let Some(config) = self.configs.get_mut(name) else { return false };
        self.recreated += 1;
        self.version += 1;
        config["metadata"]["uid"] = json!(format!("cm-again-{}", self.recreated));
        config["metadata"]["resourceVersion"] = json!(format!("cm-{}", self.version));
        if let Some(metadata) = config["metadata"].as_object_mut() {
            metadata.shift_remove("annotations");
        }
        config["data"]["app.conf"] = if n.is_multiple_of(2) { "timeout=1s" } else { "timeout=5s" }.into();
        true
    }

    pub fn workload(&mut self, n: usize) -> &mut Workload {
        let n = n % self.workloads.len();
        &mut self.workloads[n]
    }

    /// The controllers' turn: rollouts get on, and errors end or begin with what serves.
    pub fn control(&mut self, story: &mut Story, now: Time) {
        if self.stuck {
            return;
        }
        let names: Vec<&'static str> = self.workloads.iter().map(|w| w.name).collect();
        for name in names {
            let changed = self.lend(story, |story| {
                let object = story.workload(name).deployment.clone();
                let due = object["metadata"]["generation"] != object["status"]["observedGeneration"];
                if due && object["spec"]["paused"] != true {
                    story.roll_out(name, 3);
                    mark(story.workload_mut(name));
                }
                serve(story, name, now);
                due
            });
            self.version += u64::from(changed);
        }
    }

    /// Remembers the present for a cache that will lag.
    pub fn remember(&mut self) {
        self.stale = Some((self.workloads.clone(), self.configs.clone()));
    }

    /// How long a request may still land after it was sent.
    pub const LATEST: Duration = Duration::from_secs(34);
}

pub fn digest(template: &Value) -> ContentDigest {
    let mut template = template.clone();
    if let Some(labels) = template.pointer_mut("/metadata/labels").and_then(Value::as_object_mut) {
        labels.shift_remove("pod-template-hash");
    }
    template_digest(&template, false)
}

/// The controller copies the annotations of a rollout to its ReplicaSet.
fn mark(workload: &mut Workload) {
    let current = digest(&workload.deployment["spec"]["template"]);
    let action = workload.deployment["metadata"]["annotations"][ACTION].clone();
    let uid = workload.deployment["metadata"]["uid"].clone();
    for set in &mut workload.sets {
        set["metadata"]["ownerReferences"][0]["uid"] = uid.clone();
        if digest(&set["spec"]["template"]) == current && action.is_string() {
            set["metadata"]["annotations"][ACTION] = action.clone();
        }
    }
}

/// Errors come with the image 4.12 and with the content `timeout=1s`, and go with them.
fn serve(story: &mut Story, name: &str, now: Time) {
    let config = story.configs.get(&format!("{name}-config")).map(|c| c["data"]["app.conf"] == "timeout=1s");
    let workload = story.workload_mut(name);
    let image = &workload.deployment["spec"]["template"]["spec"]["containers"][0]["image"];
    let bad = image.as_str().is_some_and(|i| i.ends_with(":4.12")) || config == Some(true);
    let Some(last) = workload.errors.last_mut() else { return };
    let burns = last.1 > now;
    if burns && !bad {
        last.1 = now;
    } else if !burns && bad {
        workload.errors.push((now, crate::story::at("23:59:00"), 0.2));
        workload.burn_rates(true);
    }
    // The alert resolves when its short window forgets.
    if !bad && workload.errors.last().is_some_and(|e| (now - e.1).num_seconds() > 300) {
        workload.burn_rates(false);
    }
}

//! Scenario files: a shop with a past, what happens to it during the run, what a scripted operator decides, and the
//! outcome that is expected. Unknown keys are refused. Behaviour comes from content: a fault says which ConfigMap
//! content, which image or which time makes which share of requests fail; nothing says "this revision is bad".
//! A file with `like` takes the shop from another one, and what happens to it where it does not say so itself.

pub mod drill;
pub mod model;

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::domain::clean::Clean;
use crate::domain::window::Window;
use drill::Drill;
use model::Model;

/// The files in `demo/`, in the order of the list.
const EMBEDDED: [(&str, &str); 15] = [
    ("slo-burn", include_str!("../../demo/slo-burn.toml")),
    ("slo-burn-in-place", include_str!("../../demo/slo-burn-in-place.toml")),
    ("second-bad-rollout", include_str!("../../demo/second-bad-rollout.toml")),
    ("dependency", include_str!("../../demo/dependency.toml")),
    ("traffic-spike", include_str!("../../demo/traffic-spike.toml")),
    ("slow-leak", include_str!("../../demo/slow-leak.toml")),
    ("wrong-address", include_str!("../../demo/wrong-address.toml")),
    ("preexisting", include_str!("../../demo/preexisting.toml")),
    ("node-pressure", include_str!("../../demo/node-pressure.toml")),
    ("too-little-traffic", include_str!("../../demo/too-little-traffic.toml")),
    ("bad-target", include_str!("../../demo/bad-target.toml")),
    ("alert-flaps", include_str!("../../demo/alert-flaps.toml")),
    ("somebody-was-faster", include_str!("../../demo/somebody-was-faster.toml")),
    ("config-unknown", include_str!("../../demo/config-unknown.toml")),
    ("lying-model", include_str!("../../demo/lying-model.toml")),
];

/// The nodes that there are.
const NODES: [&str; 3] = ["node-a", "node-b", "node-c"];

/// Why a scenario cannot be used.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ScenarioError {
    /// There is no such scenario.
    #[error("there is no scenario `{name}`; hint: one of {known}")]
    Unknown {
        /// The name as it was given.
        name: Clean,
        /// All names.
        known: String,
    },
    /// The file is not TOML, lacks a key, or has one that is unknown.
    #[error("demo/{file}.toml:{line}:{column}: {why}")]
    Syntax {
        /// File name without `.toml`.
        file: String,
        /// From 1.
        line: usize,
        /// From 1, in characters.
        column: usize,
        /// What is wrong; may quote the file.
        why: Clean,
    },
    /// The file is read, but what it says does not fit together.
    #[error("demo/{file}.toml: {why}")]
    Sense {
        /// File name without `.toml`.
        file: String,
        /// What does not fit; may quote the file.
        why: Clean,
    },
}

/// How a run ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The burn stopped after the action.
    Helped,
    /// No clear difference.
    NotHelped,
    /// Clearly more errors than before.
    Worse,
    /// Somebody else undid the action.
    Reverted,
    /// Too few requests or stale data.
    Inconclusive,
    /// The operator waited.
    Waited,
    /// Nothing was offered.
    NoOffer,
    /// The offer was taken back before a decision.
    Withdrawn,
    /// The operator said no.
    Rejected,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Helped => "helped",
            Self::NotHelped => "not_helped",
            Self::Worse => "worse",
            Self::Reverted => "reverted",
            Self::Inconclusive => "inconclusive",
            Self::Waited => "waited",
            Self::NoOffer => "no_offer",
            Self::Withdrawn => "withdrawn",
            Self::Rejected => "rejected",
        })
    }
}

/// What a run must end with.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    /// How it ends.
    pub outcome: Outcome,
    /// The verdict about the burn.
    pub verdict: Option<String>,
    /// What is offered: `rollback`, `restore_config`, `wait`, `none`.
    pub offer: Option<String>,
    /// The revision that the offer goes back to.
    pub target: Option<u64>,
    /// How many writes reach the API server, without dry runs.
    pub writes: Option<usize>,
}

/// What the scripted operator does with an offer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// Approves it.
    Approve,
    /// Rejects it, with the reason.
    Reject,
    /// Waits for the policy's interval, and lets it pass.
    Wait,
    /// Edits the offer so that it restores the earlier ConfigMap content, then approves.
    AddRestore,
}

/// The scripted operator.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Operator {
    /// What it does.
    pub decision: Decision,
    /// How long after the offer, in world time.
    pub after: Duration,
    /// Not before the model has said all that it has to say about the card, or given up.
    #[serde(default)]
    pub hears: bool,
    /// What it types where a reason is asked for.
    #[serde(default)]
    pub reason: String,
}

/// A length of time: `400ms`, `40s`, `5m`, `21d`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Duration(pub i64);

impl Duration {
    /// In milliseconds.
    pub fn millis(self) -> i64 {
        self.0
    }
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if let Some(millis) = text.strip_suffix("ms").and_then(|number| number.parse::<u32>().ok()) {
            return Ok(Self(i64::from(millis)));
        }
        let window: Window = text.parse().map_err(serde::de::Error::custom)?;
        Ok(Self(window.delta().num_milliseconds()))
    }
}

/// One scenario file.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// The Deployment whose incident it is about.
    pub about: String,
    /// Its name: the file's name without `.toml`.
    pub name: String,
    /// One line for `--list`.
    pub title: String,
    /// What happens and what to look for.
    pub description: String,
    /// Name of the kubeconfig context.
    pub context: String,
    /// Who the API server says that we are.
    pub user: String,
    /// The namespace in which everything below lives.
    pub namespace: String,
    /// How much of the run has passed when the program starts; `at` of the timeline counts from `begin` before that.
    #[serde(default)]
    pub begin: Duration,
    /// How it must end.
    pub expect: Expectation,
    /// Who decides in a run without a person.
    pub operator: Operator,
    /// What a person is asked about it in a drill; without it, it is none.
    pub drill: Option<Drill>,
    /// The imitated language model; honest where nothing is said.
    #[serde(default)]
    pub model: Model,
    /// What the user may not do: `verb resource`, as in `list nodes`.
    #[serde(default)]
    pub deny: Vec<String>,
    /// ConfigMaps and their past.
    #[serde(default, rename = "config")]
    pub configs: Vec<Config>,
    /// Deployments and their past.
    #[serde(rename = "deployment")]
    pub deployments: Vec<Deployment>,
    /// Services: traffic, objectives, who calls whom.
    #[serde(rename = "service")]
    pub services: Vec<Service>,
    /// What makes requests fail.
    #[serde(default, rename = "fault")]
    pub faults: Vec<Fault>,
    /// What happens during the run.
    #[serde(default, rename = "timeline")]
    pub timeline: Vec<Happening>,
}

/// A file that takes from another one whatever it does not say itself. A Deployment or Service replaces the one of its
/// name; the timeline and the faults are replaced whole.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Variant {
    like: String,
    name: String,
    title: String,
    description: String,
    expect: Expectation,
    operator: Operator,
    #[serde(default)]
    model: Model,
    about: Option<String>,
    begin: Option<Duration>,
    drill: Option<Drill>,
    #[serde(default, rename = "deployment")]
    deployments: Vec<Deployment>,
    #[serde(default, rename = "service")]
    services: Vec<Service>,
    #[serde(default, rename = "config")]
    configs: Vec<Config>,
    #[serde(rename = "fault")]
    faults: Option<Vec<Fault>>,
    #[serde(rename = "timeline")]
    timeline: Option<Vec<Happening>>,
}

/// Tells a [`Variant`] from a [`Scenario`], whatever else there is.
#[derive(Deserialize)]
struct Kind {
    like: Option<String>,
}

/// A ConfigMap and its past.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Name.
    pub name: String,
    /// Contents, oldest first.
    #[serde(rename = "version")]
    pub versions: Vec<ConfigVersion>,
}

/// One content of a ConfigMap.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConfigVersion {
    /// How long before the run it was written.
    pub age: Duration,
    /// The client that wrote it; `kubectl-client-side-apply` also writes `last-applied-configuration`.
    pub by: String,
    /// The content.
    pub data: BTreeMap<String, String>,
}

/// A Deployment and its past.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deployment {
    /// Name; pods carry the label `app` with it.
    pub name: String,
    /// How many pods.
    pub replicas: u64,
    /// Name of the container.
    pub container: String,
    /// Port of the container.
    pub port: u16,
    /// Where the ConfigMap is mounted.
    #[serde(default)]
    pub mount: String,
    /// Revisions, oldest first.
    #[serde(rename = "revision")]
    pub revisions: Vec<Revision>,
}

/// One revision of a Deployment.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revision {
    /// How long before the run it was rolled out.
    pub age: Duration,
    /// The client that rolled it out.
    pub by: String,
    /// Its image.
    pub image: String,
    /// Its change-cause.
    #[serde(default)]
    pub cause: String,
    /// The ConfigMap that is mounted.
    pub config: Option<String>,
    /// Environment.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
}

/// A Service: what comes in, what it promises, whom it calls.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// Name; also the Deployment that it selects.
    pub name: String,
    /// Mean requests a second.
    pub rps: f64,
    /// Share of requests that fails on any day.
    #[serde(default)]
    pub errors: f64,
    /// Objective as a percentage: `99.9`. Without it there is no SLO.
    pub objective: Option<f64>,
    /// The SLO's name.
    #[serde(default = "availability")]
    pub slo: String,
    /// Requests a second that one pod can take; more is refused with 503.
    pub capacity: Option<f64>,
    /// Median time that a request takes.
    #[serde(default = "median")]
    pub latency: Duration,
    /// Services it calls, and the share of its requests that need the answer.
    #[serde(default)]
    pub calls: BTreeMap<String, f64>,
}

fn median() -> Duration {
    Duration(45)
}

fn availability() -> String {
    "requests-availability".to_owned()
}

/// Requests of `deployment` fail while all conditions hold.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Whose requests.
    pub deployment: String,
    /// Which share of them, 0 to 1.
    pub share: f64,
    /// The status code they get.
    pub code: u16,
    /// Median time until they get it; that of the service where nothing is said.
    pub latency: Option<Duration>,
    /// The pod read a ConfigMap with this text in a value when it started.
    pub config_contains: Option<String>,
    /// The pod runs this image.
    pub image: Option<String>,
    /// A value of the pod's environment has this text in it.
    pub env_contains: Option<String>,
    /// The pod is on this node.
    pub node: Option<String>,
    /// The share is reached this long after the pod started, or after `from` where the fault is of no pod, and grows
    /// evenly until then.
    pub grows: Option<Duration>,
    /// From this time of the run on.
    pub from: Option<Duration>,
    /// Until this time of the run.
    pub until: Option<Duration>,
}

impl Fault {
    /// It holds for pods that have something, and is decided when they start.
    pub fn of_pods(&self) -> bool {
        let said = [&self.config_contains, &self.image, &self.env_contains, &self.node];
        said.iter().any(|condition| condition.is_some())
    }

    /// Code and share at `run` of the run, of a pod that started at `began` of it.
    pub fn at(&self, run: i64, began: i64) -> Option<(u16, f64)> {
        let from = self.from.map(Duration::millis);
        let holds =
            from.is_none_or(|from| run >= from) && self.until.is_none_or(|until| run < until.millis());
        let since = if self.of_pods() { began.max(from.unwrap_or(began)) } else { from.unwrap_or(0) };
        let grown = self.grows.map_or(1.0, |grows| (run - since) as f64 / grows.millis().max(1) as f64);
        holds.then_some((self.code, self.share * grown.clamp(0.0, 1.0)))
    }
}

/// Something that happens during the run; exactly one of the tables is given.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Happening {
    /// When.
    pub at: Duration,
    /// The client that does it.
    #[serde(default)]
    pub by: String,
    /// A ConfigMap is made or gets other content.
    pub config: Option<ConfigWrite>,
    /// A Deployment gets another template.
    pub rollout: Option<Rollout>,
    /// A service gets more or less traffic.
    pub traffic: Option<Traffic>,
    /// A ConfigMap is deleted.
    pub delete: Option<Deletion>,
    /// A node reports a condition.
    pub node: Option<NodeReport>,
}

/// The end of a ConfigMap.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deletion {
    /// Its name.
    pub config: String,
}

/// What the kubelet of a node reports.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeReport {
    /// `node-a`, `node-b` or `node-c`.
    pub name: String,
    /// `DiskPressure`, `MemoryPressure`, `PIDPressure` or `Ready`.
    pub condition: String,
    /// Whether it holds.
    pub holds: bool,
}

/// New content of a ConfigMap.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConfigWrite {
    /// Name.
    pub name: String,
    /// The whole content.
    pub data: BTreeMap<String, String>,
}

/// A change of a Deployment's template.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rollout {
    /// Name.
    pub deployment: String,
    /// New image.
    pub image: Option<String>,
    /// Another ConfigMap is mounted.
    pub config: Option<String>,
    /// Environment, replaced as a whole.
    pub env: Option<BTreeMap<String, String>>,
    /// As `kubectl rollout restart`: an annotation with the time, nothing else.
    #[serde(default)]
    pub restart: bool,
    /// Its change-cause.
    pub cause: Option<String>,
}

/// A change of traffic.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Traffic {
    /// Which Service.
    pub service: String,
    /// Times the mean.
    pub factor: f64,
}

/// All embedded scenarios.
///
/// # Errors
/// The first one that cannot be read.
pub fn list() -> Result<Vec<Scenario>, ScenarioError> {
    EMBEDDED.iter().map(|(file, text)| parse(file, text)).collect()
}

/// The embedded scenario `name`.
///
/// # Errors
/// [`ScenarioError::Unknown`] with all names, or what is wrong with the file.
pub fn load(name: &str) -> Result<Scenario, ScenarioError> {
    match EMBEDDED.iter().find(|(file, _)| *file == name) {
        Some((file, text)) => parse(file, text),
        None => Err(ScenarioError::Unknown {
            name: Clean::new(name),
            known: EMBEDDED.map(|(file, _)| file).join(", "),
        }),
    }
}

/// Reads the text of `file` (its name without `.toml`).
///
/// # Errors
/// With line and column where the text is at fault; without where its parts do not fit together.
pub fn parse(file: &str, text: &str) -> Result<Scenario, ScenarioError> {
    let kind: Kind = read(file, text)?;
    let scenario =
        if kind.like.is_some() { read::<Variant>(file, text)?.whole(file)? } else { read(file, text)? };
    match scenario.nonsense(file) {
        None => Ok(scenario),
        Some(why) => Err(ScenarioError::Sense { file: file.to_owned(), why: Clean::new(why) }),
    }
}

fn read<T: DeserializeOwned>(file: &str, text: &str) -> Result<T, ScenarioError> {
    toml::from_str(text).map_err(|error| {
        let before = &text[..error.span().map_or(0, |span| span.start.min(text.len()))];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        ScenarioError::Syntax {
            file: file.to_owned(),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            why: Clean::new(error.message()),
        }
    })
}

impl Variant {
    /// The scenario that it is like, with what it says itself.
    fn whole(self, file: &str) -> Result<Scenario, ScenarioError> {
        let Self { like, name, title, description, expect, operator, model, .. } = self;
        let Self { about, begin, drill, deployments, services, configs, faults, timeline, .. } = self;
        let base = EMBEDDED.iter().find(|(other, _)| *other == like);
        let Some((base, text)) = base else {
            let why = format!("it is like `{like}`, which does not exist");
            return Err(ScenarioError::Sense { file: file.to_owned(), why: Clean::new(why) });
        };
        // Not `parse`: a file that is like one that is like another is refused by the missing keys.
        let mut base: Scenario = read(base, text)?;
        replace(&mut base.deployments, deployments, |d| &d.name);
        replace(&mut base.services, services, |s| &s.name);
        replace(&mut base.configs, configs, |c| &c.name);
        Ok(Scenario {
            name,
            title,
            description,
            expect,
            operator,
            model,
            drill,
            about: about.unwrap_or(base.about),
            begin: begin.unwrap_or(base.begin),
            faults: faults.unwrap_or(base.faults),
            timeline: timeline.unwrap_or(base.timeline),
            ..base
        })
    }
}

/// Puts each of `with` into the place of the one of its name, or behind all.
fn replace<T>(all: &mut Vec<T>, with: Vec<T>, name: impl Fn(&T) -> &String) {
    for one in with {
        match all.iter_mut().find(|old| name(old) == name(&one)) {
            Some(old) => *old = one,
            None => all.push(one),
        }
    }
}

impl Scenario {
    /// The first thing that does not fit together.
    fn nonsense(&self, file: &str) -> Option<String> {
        if self.name != file {
            return Some(format!("it calls itself `{}`", self.name));
        }
        let deployment = |name: &str| self.deployments.iter().any(|d| d.name == name);
        let service = |name: &str| self.services.iter().any(|s| s.name == name);
        if let Some(d) = self.deployments.iter().find(|d| d.revisions.is_empty()) {
            return Some(format!("deployment `{}` has no revision", d.name));
        }
        if let Some(c) = self.configs.iter().find(|c| c.versions.is_empty()) {
            return Some(format!("config `{}` has no version", c.name));
        }
        if let Some(s) = self.services.iter().find(|s| !deployment(&s.name)) {
            return Some(format!("service `{}` has no deployment of that name", s.name));
        }
        if let Some(name) = self.services.iter().flat_map(|s| s.calls.keys()).find(|n| !service(n)) {
            return Some(format!("somebody calls `{name}`, which is no service"));
        }
        if let Some(f) = self.faults.iter().find(|f| !deployment(&f.deployment)) {
            return Some(format!("a fault names `{}`, which is no deployment", f.deployment));
        }
        let instant = |latency: &Duration| latency.millis() <= 0;
        let mut latencies = self.services.iter().map(|s| &s.latency);
        if latencies.any(instant) || self.faults.iter().filter_map(|f| f.latency.as_ref()).any(instant) {
            return Some("a latency is not above 0ms".to_owned());
        }
        if let Some(why) = self.model.nonsense() {
            return Some(why);
        }
        if let Some(why) = self.drill.as_ref().and_then(|drill| drill.nonsense(&self.expect)) {
            return Some(why);
        }
        self.timeline.iter().find_map(|h| {
            let given = [
                h.config.is_some(),
                h.rollout.is_some(),
                h.traffic.is_some(),
                h.delete.is_some(),
                h.node.is_some(),
            ];
            if given.iter().filter(|is| **is).count() != 1 {
                return Some(
                    "each [[timeline]] needs exactly one of config, rollout, traffic, delete, node"
                        .to_owned(),
                );
            }
            let written = |name: &str| {
                let later = self.timeline.iter().filter_map(|h| h.config.as_ref());
                self.configs.iter().any(|c| c.name == name) || later.into_iter().any(|c| c.name == name)
            };
            let lost = h.rollout.as_ref().is_some_and(|r| !deployment(&r.deployment))
                || h.traffic.as_ref().is_some_and(|t| !service(&t.service))
                || h.delete.as_ref().is_some_and(|d| !written(&d.config))
                || h.node.as_ref().is_some_and(|n| !NODES.contains(&n.name.as_str()));
            lost.then(|| "the timeline names what is not there".to_owned())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_key_is_named_with_file_line_and_column() {
        let text =
            include_str!("../../demo/slo-burn.toml").replacen("[operator]", "[operator]\nmood = \"calm\"", 1);
        let line = text.lines().position(|l| l.starts_with("mood")).expect("the key") + 1;
        let error = parse("slo-burn", &text).expect_err("an unknown key").to_string();
        assert!(error.starts_with(&format!("demo/slo-burn.toml:{line}:1: ")), "{error}");
        assert!(error.contains("mood"), "{error}");
    }

    #[test]
    fn an_unknown_scenario_is_answered_with_the_known_ones() {
        let error = load("slo-brun").expect_err("no such file").to_string();
        assert!(error.contains("slo-burn-in-place") && error.contains("traffic-spike"), "{error}");
    }

    const VARIANT: &str = include_str!("../../demo/lying-model.toml");

    #[test]
    fn a_file_that_is_like_another_has_its_shop_and_says_how_it_ends_itself() {
        let (base, variant) = (load("slo-burn").expect("the file"), load("lying-model").expect("the file"));
        assert_eq!((&variant.deployments, &variant.faults), (&base.deployments, &base.faults));
        assert_eq!((&variant.timeline, &variant.expect), (&base.timeline, &base.expect));
        assert_ne!(variant.model, base.model);
        let error =
            parse("lying-model", &VARIANT.replace("\"slo-burn\"", "\"slo-brun\"")).expect_err("no such file");
        assert_eq!(error.to_string(), "demo/lying-model.toml: it is like `slo-brun`, which does not exist");
    }

    #[test]
    fn a_wrong_word_about_the_model_is_named_with_its_place() {
        for (right, wrong) in [("[model]", "[model]\nmood = 1"), ("\"value\"", "\"valeu\"")] {
            let text = VARIANT.replacen(right, wrong, 1);
            assert_ne!(text, VARIANT);
            let error = parse("lying-model", &text).expect_err(wrong).to_string();
            assert!(error.starts_with("demo/lying-model.toml:") && error.contains("unknown"), "{error}");
        }
        let text = format!("{VARIANT}tokens_per_second = 0.0\n");
        let error = parse("lying-model", &text).expect_err("it would never end").to_string();
        assert!(error.contains("tokens_per_second"), "{error}");
    }

    #[test]
    fn every_file_is_read_and_is_called_as_it_calls_itself() {
        assert_eq!(list().expect("all are read").len(), EMBEDDED.len());
    }
}

//! Read-only tools that a model may ask for before it answers. Every argument is a word from a list that was made for
//! this question; there is no free text, so no query, name or command of a model reaches a server. It says what may be
//! asked, and performs nothing.

use std::pin::Pin;
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::domain::advice::{Brief, Share};
use crate::domain::clean::Clean;
use crate::domain::evidence::Evidence;
use crate::domain::window::Window;

/// Most calls for one question.
pub const CALLS: usize = 6;
/// All calls of one question together take no longer.
pub const TIME: Duration = Duration::from_secs(30);

/// Who performs calls. It is given a call that [`parse`] took, and returns items that have no id yet, or one sentence
/// why there are none.
pub trait Perform: Send + Sync {
    /// Performs one call.
    fn perform<'a>(&'a self, tool: &'a Tool) -> Performing<'a>;
}

/// What comes of a call.
pub type Performing<'a> = Pin<Box<dyn Future<Output = Result<Vec<Evidence>, Clean>> + Send + 'a>>;

/// What can be looked at.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Object {
    /// The Deployment of the card.
    Deployment,
    /// One of its pods.
    Pod(Clean),
}

/// A query that is written beforehand; the model chooses it by name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Template {
    /// Bad and all requests of each pod.
    ErrorRatioByPod,
    /// Requests a second of each pod.
    RequestRate,
    /// Restarts of containers.
    Restarts,
    /// Processor time, in cores.
    Cpu,
    /// Memory in use, in bytes.
    Memory,
    /// The time in which 99 of 100 requests were answered, in seconds.
    LatencyP99,
}

impl Template {
    /// All.
    pub const ALL: [Self; 6] =
        [Self::ErrorRatioByPod, Self::RequestRate, Self::Restarts, Self::Cpu, Self::Memory, Self::LatencyP99];

    /// The name in a call.
    pub fn name(self) -> &'static str {
        match self {
            Self::ErrorRatioByPod => "error_ratio_by_pod",
            Self::RequestRate => "request_rate",
            Self::Restarts => "restarts",
            Self::Cpu => "cpu",
            Self::Memory => "memory",
            Self::LatencyP99 => "latency_p99",
        }
    }

    /// In words for the screen.
    pub fn words(self) -> &'static str {
        match self {
            Self::ErrorRatioByPod => "error ratio by pod",
            Self::RequestRate => "request rate",
            Self::Restarts => "restarts",
            Self::Cpu => "CPU",
            Self::Memory => "memory",
            Self::LatencyP99 => "latency p99",
        }
    }
}

/// How far back a query looks.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Lookback {
    /// `5m`
    FiveMinutes,
    /// `1h`
    Hour,
    /// `6h`
    SixHours,
    /// `1d`
    Day,
}

impl Lookback {
    /// All.
    pub const ALL: [Self; 4] = [Self::FiveMinutes, Self::Hour, Self::SixHours, Self::Day];

    /// The name in a call, as Prometheus writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::FiveMinutes => "5m",
            Self::Hour => "1h",
            Self::SixHours => "6h",
            Self::Day => "1d",
        }
    }

    /// The length.
    pub fn window(self) -> Window {
        match self {
            Self::FiveMinutes => Window::minutes(5),
            Self::Hour => Window::hours(1),
            Self::SixHours => Window::hours(6),
            Self::Day => Window::days(1),
        }
    }
}

/// One call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Tool {
    /// The last lines that a pod wrote.
    Logs {
        /// Its name.
        pod: Clean,
        /// Those of the container before its last restart.
        previous: bool,
    },
    /// What the cluster says happened to an object.
    Events {
        /// Which.
        object: Object,
    },
    /// State of an object, without any value of its environment.
    Describe {
        /// Which.
        object: Object,
    },
    /// A measurement.
    Query {
        /// What.
        template: Template,
        /// Over which time.
        window: Lookback,
    },
    /// What changed between two revisions.
    Diff {
        /// The earlier one in the sentence, by number.
        from: i64,
        /// The other.
        to: i64,
    },
    /// What goaround did to this workload before, and how it ended.
    Incidents,
}

/// Names of the tools.
const LOGS: &str = "logs";
const EVENTS: &str = "events";
const DESCRIBE: &str = "describe";
const QUERY: &str = "query";
const DIFF: &str = "diff";
const INCIDENTS: &str = "incidents";
/// The Deployment in the list of objects; pods are `pod/<name>`.
const DEPLOYMENT: &str = "deployment";

impl Object {
    fn name(&self) -> String {
        match self {
            Self::Deployment => DEPLOYMENT.to_owned(),
            Self::Pod(name) => format!("pod/{name}"),
        }
    }

    /// In words for the screen.
    pub fn words(&self) -> String {
        match self {
            Self::Deployment => "the Deployment".to_owned(),
            Self::Pod(name) => format!("pod {name}"),
        }
    }
}

impl Tool {
    /// The call in words: `events of pod cart-7f9c-x2x`.
    pub fn words(&self) -> Clean {
        Clean::new(match self {
            Self::Logs { pod, previous: false } => format!("log of pod {pod}"),
            Self::Logs { pod, previous: true } => format!("log of pod {pod} before its last restart"),
            Self::Events { object } => format!("events of {}", object.words()),
            Self::Describe { object } => format!("state of {}", object.words()),
            Self::Query { template, window } => format!("{} over {}", template.words(), window.name()),
            Self::Diff { from, to } => format!("changes from revision {from} to {to}"),
            Self::Incidents => "earlier actions on this workload".to_owned(),
        })
    }

    /// The name in a call.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Logs { .. } => LOGS,
            Self::Events { .. } => EVENTS,
            Self::Describe { .. } => DESCRIBE,
            Self::Query { .. } => QUERY,
            Self::Diff { .. } => DIFF,
            Self::Incidents => INCIDENTS,
        }
    }

    /// The arguments as the model gives them: what [`parse`] reads back.
    pub fn arguments(&self) -> Value {
        match self {
            Self::Logs { pod, previous } => json!({"pod": pod, "previous": previous}),
            Self::Events { object } | Self::Describe { object } => json!({"object": object.name()}),
            Self::Query { template, window } => json!({"template": template.name(), "window": window.name()}),
            Self::Diff { from, to } => json!({"from": from, "to": to}),
            Self::Incidents => json!({}),
        }
    }

    /// It reads what people and programs wrote freely: log lines, messages of events.
    pub fn reads_logs(&self) -> bool {
        matches!(self, Self::Logs { .. } | Self::Events { .. })
    }
}

/// A tool as a model is told of it.
#[derive(Clone, PartialEq, Debug)]
pub struct Spec {
    /// Its name.
    pub name: &'static str,
    /// What it gives.
    pub description: &'static str,
    /// JSON schema of its arguments: one flat object, all required, nothing beside them.
    pub parameters: Value,
}

/// The tools of one question: only what may be shared, and only with something to choose from.
pub fn specs(brief: &Brief, share: Share) -> Vec<Spec> {
    if share == Share::None {
        return Vec::new();
    }
    let logs = share == Share::FactsAndLogs;
    let objects: Vec<String> = objects(brief).iter().map(Object::name).collect();
    let revisions = revisions(brief);
    let mut all = Vec::new();
    if logs && !brief.pods.is_empty() {
        all.push(Spec {
            name: LOGS,
            description: "Last log lines of one pod, lines that look like errors first. `previous`: of the container \
                          before its last restart.",
            parameters: schema([("pod", words(&brief.pods)), ("previous", json!({"type": "boolean"}))]),
        });
    }
    if logs {
        all.push(Spec {
            name: EVENTS,
            description: "The newest events of the Deployment or of one pod, with counts.",
            parameters: schema([("object", words(&objects))]),
        });
    }
    all.push(Spec {
        name: DESCRIBE,
        description: "State of the Deployment or of one pod: conditions, containers, restarts, images, resources, names \
                      of environment variables.",
        parameters: schema([("object", words(&objects))]),
    });
    all.push(Spec {
        name: QUERY,
        description: "One measurement from Prometheus over a window that ends now, by pod.",
        parameters: schema([
            ("template", words(&Template::ALL.map(Template::name))),
            ("window", words(&Lookback::ALL.map(Lookback::name))),
        ]),
    });
    if revisions.len() > 1 {
        let number = json!({"type": "integer", "enum": revisions});
        all.push(Spec {
            name: DIFF,
            description: "What changed in the pod template between two revisions, by number.",
            parameters: schema([("from", number.clone()), ("to", number)]),
        });
    }
    all.push(Spec {
        name: INCIDENTS,
        description: "What was done to this workload before, and how it ended.",
        parameters: schema([]),
    });
    all
}

fn words(list: &[impl AsRef<str>]) -> Value {
    let list: Vec<&str> = list.iter().map(AsRef::as_ref).collect();
    json!({"type": "string", "enum": list})
}

fn schema<const N: usize>(properties: [(&str, Value); N]) -> Value {
    let required: Vec<&str> = properties.iter().map(|(name, _)| *name).collect();
    json!({
        "type": "object",
        "required": required,
        "additionalProperties": false,
        "properties": Map::from_iter(properties.iter().map(|(name, value)| ((*name).to_owned(), value.clone()))),
    })
}

/// What can be looked at in this question.
fn objects(brief: &Brief) -> Vec<Object> {
    std::iter::once(Object::Deployment).chain(brief.pods.iter().cloned().map(Object::Pod)).collect()
}

/// Numbers of the revisions that the question is about, rising.
fn revisions(brief: &Brief) -> Vec<i64> {
    let mut all: Vec<i64> =
        brief.candidates.iter().map(|candidate| candidate.number).chain(brief.current).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// Longest word of a model that a refusal repeats.
const REPEATED: usize = 60;

/// Reads a call. `arguments` is the JSON as the model wrote it; none at all is an empty object.
///
/// # Errors
/// One sentence, which the model may be told, for everything that is not in the lists of [`specs`].
pub fn parse(name: &str, arguments: &str, brief: &Brief, share: Share) -> Result<Tool, Clean> {
    let offered: Vec<&str> = specs(brief, share).iter().map(|spec| spec.name).collect();
    if !offered.contains(&name) {
        return Err(refused(format!("there is no tool {}; there is {}", shown(name), listed(&offered))));
    }
    let arguments = if arguments.trim().is_empty() { "{}" } else { arguments };
    let Ok(Value::Object(given)) = serde_json::from_str::<Value>(arguments) else {
        return Err(refused(format!("the arguments of {name} are not a JSON object")));
    };
    let given = Given { tool: name, given: &given };
    let tool = match name {
        LOGS => {
            given.only(&["pod", "previous"])?;
            Tool::Logs {
                pod: given.one_of("pod", &brief.pods, Clean::to_string)?,
                previous: given.flag("previous")?,
            }
        }
        EVENTS | DESCRIBE => {
            given.only(&["object"])?;
            let object = given.one_of("object", &objects(brief), Object::name)?;
            if name == EVENTS { Tool::Events { object } } else { Tool::Describe { object } }
        }
        QUERY => {
            given.only(&["template", "window"])?;
            Tool::Query {
                template: given.one_of("template", &Template::ALL, |t| t.name().to_owned())?,
                window: given.one_of("window", &Lookback::ALL, |w| w.name().to_owned())?,
            }
        }
        DIFF => {
            given.only(&["from", "to"])?;
            let (from, to) =
                (given.number("from", &revisions(brief))?, given.number("to", &revisions(brief))?);
            if from == to {
                return Err(refused(format!("diff compares two revisions, and was given {from} twice")));
            }
            Tool::Diff { from, to }
        }
        _ => {
            given.only(&[])?;
            Tool::Incidents
        }
    };
    Ok(tool)
}

/// Whether a call may be performed for this question: the same lists once more, for a call from wherever it comes.
///
/// # Errors
/// One sentence.
pub fn permitted(tool: &Tool, brief: &Brief, share: Share) -> Result<(), Clean> {
    parse(tool.name(), &tool.arguments().to_string(), brief, share).map(|_| ())
}

/// Arguments of one call.
struct Given<'a> {
    tool: &'a str,
    given: &'a Map<String, Value>,
}

impl Given<'_> {
    /// Nothing else was given.
    fn only(&self, names: &[&str]) -> Result<(), Clean> {
        match self.given.keys().find(|key| !names.contains(&key.as_str())) {
            None => Ok(()),
            Some(other) => {
                let names = if names.is_empty() { "no argument".to_owned() } else { names.join(" and ") };
                Err(refused(format!("{} takes {names}, not {}", self.tool, shown(other))))
            }
        }
    }

    fn value(&self, name: &str) -> Result<&Value, Clean> {
        self.given.get(name).ok_or_else(|| refused(format!("{} needs `{name}`", self.tool)))
    }

    fn one_of<T: Clone>(&self, name: &str, list: &[T], called: impl Fn(&T) -> String) -> Result<T, Clean> {
        let value = self.value(name)?;
        let found = list.iter().find(|item| value.as_str() == Some(called(item).as_str()));
        found.cloned().ok_or_else(|| {
            let all: Vec<String> = list.iter().map(called).collect();
            refused(format!("`{name}` of {} is one of {}, not {}", self.tool, listed(&all), text(value)))
        })
    }

    fn flag(&self, name: &str) -> Result<bool, Clean> {
        let value = self.value(name)?;
        value.as_bool().ok_or_else(|| {
            refused(format!("`{name}` of {} is true or false, not {}", self.tool, text(value)))
        })
    }

    fn number(&self, name: &str, list: &[i64]) -> Result<i64, Clean> {
        let value = self.value(name)?;
        value.as_i64().filter(|number| list.contains(number)).ok_or_else(|| {
            let all: Vec<String> = list.iter().map(ToString::to_string).collect();
            refused(format!("`{name}` of {} is one of {}, not {}", self.tool, listed(&all), text(value)))
        })
    }
}

fn refused(sentence: String) -> Clean {
    Clean::new(sentence)
}

/// A value as a refusal repeats it.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => shown(text),
        other => shown(&other.to_string()),
    }
}

fn shown(raw: &str) -> String {
    let mut text: String = raw.chars().take(REPEATED).collect();
    if text.len() < raw.len() {
        text.push('…');
    }
    format!("`{}`", Clean::new(text))
}

/// At most a dozen names.
fn listed(names: &[impl AsRef<str>]) -> String {
    let mut all: Vec<&str> = names.iter().take(12).map(AsRef::as_ref).collect();
    if names.len() > all.len() {
        all.push("…");
    }
    all.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::advice::{BriefId, Candidate, Purpose};
    use crate::domain::cluster::Key;
    use crate::domain::verdict::{Offer, Verdict};

    fn brief() -> Brief {
        let candidate = |number| Candidate { number, title: Clean::new(format!("r{number}")) };
        Brief {
            id: BriefId(1),
            now: crate::domain::Time::default(),
            purpose: Purpose::Rationale,
            workload: Key::new("shop", "cart"),
            verdict: Verdict::BadDeploy,
            offer: Offer::Rollback,
            target: Some(6),
            current: Some(7),
            decided: Clean::default(),
            candidates: vec![candidate(6), candidate(4)],
            items: Vec::new(),
            found: 0,
            quotes: Vec::new(),
            pods: vec![Clean::new("cart-7f9c-x2x"), Clean::new("cart-7f9c-y3y")],
            slo: None,
        }
    }

    fn every() -> Vec<Tool> {
        let objects = [Object::Deployment, Object::Pod(Clean::new("cart-7f9c-x2x"))];
        let mut all = vec![Tool::Incidents, Tool::Diff { from: 6, to: 7 }];
        all.extend([true, false].map(|previous| Tool::Logs { pod: Clean::new("cart-7f9c-y3y"), previous }));
        all.extend(objects.iter().cloned().map(|object| Tool::Events { object }));
        all.extend(objects.iter().cloned().map(|object| Tool::Describe { object }));
        for window in Lookback::ALL {
            all.extend(Template::ALL.map(|template| Tool::Query { template, window }));
        }
        all
    }

    #[test]
    fn every_call_is_read_back_from_its_own_arguments() {
        for tool in every() {
            let read = parse(tool.name(), &tool.arguments().to_string(), &brief(), Share::FactsAndLogs);
            assert_eq!(read, Ok(tool.clone()));
            assert_eq!(permitted(&tool, &brief(), Share::FactsAndLogs), Ok(()));
        }
        let events = Tool::Events { object: Object::Pod(Clean::new("cart-7f9c-x2x")) };
        assert_eq!(events.words(), "events of pod cart-7f9c-x2x");
    }

    #[test]
    fn every_schema_is_closed_requires_all_and_lists_only_what_is_in_the_question() {
        let specs = specs(&brief(), Share::FactsAndLogs);
        assert_eq!(
            specs.iter().map(|s| s.name).collect::<Vec<_>>(),
            [LOGS, EVENTS, DESCRIBE, QUERY, DIFF, INCIDENTS]
        );
        for spec in &specs {
            let properties = spec.parameters["properties"].as_object().expect("properties");
            let required: Vec<&str> = spec.parameters["required"]
                .as_array()
                .expect("a list")
                .iter()
                .filter_map(Value::as_str)
                .collect();
            assert_eq!(properties.keys().map(String::as_str).collect::<Vec<_>>(), required, "{}", spec.name);
            assert_eq!(spec.parameters["additionalProperties"], false);
            for (name, property) in properties {
                assert!(property["type"] == "boolean" || property["enum"].is_array(), "{} {name}", spec.name);
            }
        }
        assert_eq!(specs[4].parameters["properties"]["to"]["enum"], json!([4, 6, 7]));
        assert_eq!(
            specs[1].parameters["properties"]["object"]["enum"],
            json!(["deployment", "pod/cart-7f9c-x2x", "pod/cart-7f9c-y3y"])
        );
    }

    #[test]
    fn logs_and_events_exist_only_where_logs_may_be_shared() {
        let names = |share| specs(&brief(), share).iter().map(|s| s.name).collect::<Vec<_>>();
        assert_eq!(names(Share::Facts), [DESCRIBE, QUERY, DIFF, INCIDENTS]);
        assert!(names(Share::None).is_empty());
        for tool in every() {
            assert_eq!(permitted(&tool, &brief(), Share::Facts).is_err(), tool.reads_logs(), "{tool:?}");
            assert!(permitted(&tool, &brief(), Share::None).is_err());
        }
    }

    #[test]
    fn nothing_that_is_not_listed_is_taken_and_the_refusal_is_one_sentence() {
        for (name, arguments, said) in [
            (
                "shell",
                "{}",
                "there is no tool `shell`; there is logs, events, describe, query, diff, incidents",
            ),
            ("logs", "{\"pod\":\"payments-1\",\"previous\":false}", "not `payments-1`"),
            ("logs", "{\"pod\":\"cart-7f9c-x2x\"}", "logs needs `previous`"),
            ("logs", "{\"pod\":\"cart-7f9c-x2x\",\"previous\":\"no\"}", "is true or false, not `no`"),
            ("events", "{\"object\":\"secret/db\"}", "not `secret/db`"),
            ("events", "{\"object\":\"pod/../../secrets/db\"}", "is one of deployment, pod/cart-7f9c-x2x"),
            ("query", "{\"template\":\"up\",\"window\":\"5m\"}", "not `up`"),
            ("query", "{\"template\":\"cpu\",\"window\":\"30d\"}", "is one of 5m, 1h, 6h, 1d, not `30d`"),
            ("query", "{\"template\":\"cpu\",\"window\":\"5m\",\"namespace\":\"x\"}", "not `namespace`"),
            ("diff", "{\"from\":6,\"to\":5}", "is one of 4, 6, 7, not `5`"),
            ("diff", "{\"from\":6,\"to\":\"7\"}", "not `7`"),
            ("diff", "{\"from\":6,\"to\":6}", "6 twice"),
            ("incidents", "{\"all\":true}", "takes no argument"),
            ("incidents", "[1]", "are not a JSON object"),
            ("incidents", "{", "are not a JSON object"),
            ("events", "{\"object\":\"\\u001b[2J\"}", "`<1b>[2J`"),
        ] {
            let error = parse(name, arguments, &brief(), Share::FactsAndLogs).expect_err(arguments);
            assert!(error.as_str().contains(said), "{error}");
            assert!(!error.as_str().ends_with('.') && error.as_str().len() < 400);
        }
        let long = parse(&"x".repeat(5_000), "{}", &brief(), Share::Facts).expect_err("too long");
        assert!(long.as_str().len() < 200, "{long}");
        assert_eq!(parse("incidents", "", &brief(), Share::Facts), Ok(Tool::Incidents));
    }

    #[test]
    fn what_has_nothing_to_choose_from_is_not_offered() {
        let brief = Brief { pods: Vec::new(), candidates: Vec::new(), ..brief() };
        let names: Vec<&str> = specs(&brief, Share::FactsAndLogs).iter().map(|s| s.name).collect();
        assert_eq!(names, [EVENTS, DESCRIBE, QUERY, INCIDENTS]);
    }
}

//! One pod as somebody sees it who looks closely: containers, conditions, what the cluster says happened to it; and what
//! its containers write. Read for one pod at a time, and kept for no longer than its page is open.

use serde::{Deserialize, Serialize};

use super::Time;
use super::clean::Clean;
use super::cluster::{ClusterEvent, Condition, Key, Uid};

/// Everything that a pod's page shows.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct PodPage {
    /// Namespace and name.
    pub key: Key,
    /// Identity.
    pub uid: Uid,
    /// `status.phase`.
    pub phase: Clean,
    /// `status.reason`: `Evicted` and the like.
    pub reason: Clean,
    /// `status.message`.
    pub message: Clean,
    /// The node; empty before it was scheduled.
    pub node: Clean,
    /// `status.podIP`.
    pub ip: Clean,
    /// `status.qosClass`: who is evicted first.
    pub qos: Clean,
    /// When it was created.
    pub created: Option<Time>,
    /// Being deleted since.
    pub deleting: Option<Time>,
    /// Its conditions, as the server orders them.
    pub conditions: Vec<Condition>,
    /// Its containers: those that run first, then init containers.
    pub containers: Vec<Container>,
    /// Events of the pod, its ReplicaSet and its Deployment, newest first; or why they could not be read.
    pub events: Vec<ClusterEvent>,
    /// Why events are missing, where they are.
    pub events_missing: Option<Clean>,
}

impl PodPage {
    /// The container whose log is read first: the one that the pod names as its default, else the first.
    pub fn default_container(&self) -> Option<&Container> {
        self.containers.iter().find(|c| c.default).or(self.containers.first())
    }
}

/// What a container is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum Role {
    /// It does the pod's work.
    #[default]
    Main,
    /// It runs before the others.
    Init,
    /// Somebody put it there to look around.
    Ephemeral,
}

impl Role {
    /// The word behind a name; none for the ordinary ones.
    pub fn word(self) -> &'static str {
        match self {
            Self::Main => "",
            Self::Init => "init",
            Self::Ephemeral => "ephemeral",
        }
    }
}

/// How a container stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum Standing {
    /// The server says nothing of it.
    #[default]
    Unknown,
    /// It waits: to be created, for an image, for its next try.
    Waiting,
    /// It runs.
    Running,
    /// It ended, with this exit code.
    Ended(i64),
}

/// One run of a container.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Run {
    /// How it stands.
    pub standing: Standing,
    /// `CrashLoopBackOff`, `OOMKilled`; empty where the server gives none.
    pub reason: Clean,
    /// The container's or the runtime's own words.
    pub message: Clean,
    /// When it started.
    pub started: Option<Time>,
    /// When it ended.
    pub ended: Option<Time>,
}

impl Run {
    /// `running`, `waiting: CrashLoopBackOff`, `ended: OOMKilled, exit code 137`.
    pub fn words(&self) -> String {
        let word = match self.standing {
            Standing::Unknown => "no state yet",
            Standing::Waiting => "waiting",
            Standing::Running => "running",
            Standing::Ended(_) => "ended",
        };
        let reason = if self.reason.is_empty() { String::new() } else { format!(": {}", self.reason) };
        match self.standing {
            Standing::Ended(code) => format!("{word}{reason}, exit code {code}{}", meaning(code)),
            _ => format!("{word}{reason}"),
        }
    }
}

/// What an exit code says by itself: 128 and a signal's number.
fn meaning(code: i64) -> &'static str {
    match code {
        134 => " (SIGABRT)",
        137 => " (SIGKILL)",
        139 => " (SIGSEGV)",
        143 => " (SIGTERM)",
        _ => "",
    }
}

/// One container, without any value of its environment.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Container {
    /// Its name.
    pub name: Clean,
    /// Its image.
    pub image: Clean,
    /// What it is for.
    pub role: Role,
    /// The pod names it as its default.
    pub default: bool,
    /// How it stands.
    pub now: Run,
    /// How it ended before, where it did.
    pub before: Option<Run>,
    /// Restarts.
    pub restarts: i64,
    /// It is ready.
    pub ready: bool,
    /// `requests cpu 100m, memory 64Mi; limits memory 128Mi`.
    pub resources: Clean,
}

/// Which log is wanted.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct LogRequest {
    /// Number of the stream: what is heard of another one is not wanted any more.
    pub stream: u64,
    /// The pod.
    pub pod: Key,
    /// Its uid: another pod of the same name is another one.
    pub uid: Uid,
    /// The container.
    pub container: Clean,
    /// The run before its last restart; such a log has an end.
    pub previous: bool,
    /// Lines after this one only; `None`: the last ones that there are.
    pub after: Option<Time>,
    /// How many lines at most to begin with.
    pub tail: usize,
}

/// One line of a log.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct LogLine {
    /// When the runtime took it, where it says.
    pub at: Option<Time>,
    /// Its text, escape sequences shown as text.
    pub text: Clean,
    /// Bytes at its end that were not kept.
    pub cut: u64,
}

/// What is heard of a log that is followed.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum LogNews {
    /// The server answers.
    Opened,
    /// Lines, oldest first.
    Lines(Vec<LogLine>),
    /// Nothing comes at the moment, in words; it is tried again.
    Lost(Clean),
    /// It goes on after it was lost. `whole`: the last line was found again, so nothing is missing between.
    Again {
        /// Whether that is sure.
        whole: bool,
    },
    /// It ended, in words; nothing more comes.
    Ended(Clean),
}

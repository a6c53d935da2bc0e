//! The one vocabulary in which every source reports what it saw. A source never decides and never keeps history.

use serde::{Deserialize, Serialize};

use super::Time;
use super::clean::Clean;
use super::cluster::{ClusterFact, Identity, Key, KnownContent, Right};
use super::exact::{self, Word};
use super::inquiry::Findings;
use super::slo::Slo;

/// A source of facts, as the header and `check` name it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Source {
    /// The API server as such: reachable, identity known.
    Kubernetes,
    /// One watched kind.
    Kind(#[serde(with = "exact")] Word),
    /// Prometheus.
    Prometheus,
}

impl Source {
    /// The name as it stands on the screen.
    pub fn name(self) -> &'static str {
        match self {
            Self::Kubernetes => "kube",
            Self::Kind(kind) => kind,
            Self::Prometheus => "prom",
        }
    }
}

/// How a source is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Health {
    /// Not heard of yet.
    Starting,
    /// Delivering.
    Live,
    /// Not allowed to read it; not an error of the network. What to ask for is in the text.
    Forbidden(Clean),
    /// Not delivering, with the reason and what to do next.
    Down(Clean),
}

/// What a source saw.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum Signal {
    /// A source changed its health.
    Health(Source, Health),
    /// One question to a source failed, in words; the source as such goes on.
    Failed(Source, Clean),
    /// Heard from a source without news (a bookmark, an empty answer): its data are as of now.
    Heard(Source),
    /// A first list that takes several answers: how many objects came so far, and how many there are in all, where the
    /// server says.
    Listing(Source, usize, Option<usize>),
    /// Something in the cluster.
    Cluster(Box<ClusterFact>),
    /// Who we are.
    Identity(Identity),
    /// Which cluster this is: uid of kube-system, else a digest of CA and server URL.
    ClusterId(Clean),
    /// All namespaces, or the only one that we see and why.
    Scope {
        /// `None`: all.
        namespace: Option<Clean>,
        /// Why only one: asked for, or the cluster-wide list is forbidden.
        forbidden: bool,
    },
    /// Answers of access reviews.
    Rights(Vec<(Right, bool)>),
    /// Which Prometheus was taken and why, and the others that were found.
    Prometheus {
        /// Where it is.
        at: Clean,
        /// Why this one.
        why: Clean,
        /// Others.
        others: Vec<Clean>,
    },
    /// A clock against ours: theirs minus ours in milliseconds, and whose.
    Clock(Source, i64),
    /// How long a source takes to answer at the least, in milliseconds: the line and the server together.
    RoundTrip(Source, u32),
    /// All SLOs with their newest readings.
    Slos(Vec<Slo>),
    /// Warnings that came with the answers ("partial" data); empty when there are none any more.
    Warnings(Vec<Clean>),
    /// Answers to an inquiry of the engine.
    Findings(Box<Findings>),
    /// Earlier contents of a ConfigMap, from the store.
    Known(Key, Vec<KnownContent>),
    /// The source has told all that it can tell at first: `propose` waits for this.
    Synced(Source, Time),
}

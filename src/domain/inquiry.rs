//! Questions that the engine puts to Prometheus about one SLO, and the answers, in counts. The source translates
//! them into PromQL by the SLI's own expression; the engine never sees a query language.

use serde::{Deserialize, Serialize};

use super::Time;
use super::clean::Clean;
use super::exact;
use super::latency::{Durations, Found, Histogram};
use super::slo::SloId;
use super::window::Window;

/// Queries of one inquiry at the most.
pub const MOST_QUERIES: usize = 8;

/// A question. [`Ask::queries`] says what it costs.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum Ask {
    /// How often are the counters scraped?
    Scrape,
    /// Bad and total requests from `from` to `to`, by pod and by `pod_template_hash` where the series carry them.
    Counts {
        /// What the counts are for; comes back in the answer.
        purpose: Purpose,
        /// Begin.
        from: Time,
        /// End.
        to: Time,
    },
    /// Bad and total requests in consecutive buckets of `step`.
    Buckets {
        /// Begin.
        from: Time,
        /// End.
        to: Time,
        /// Length of a bucket.
        step: Window,
    },
    /// Which pods served when: per pod, whether it had requests in each bucket of `step`.
    Served {
        /// Begin.
        from: Time,
        /// End.
        to: Time,
        /// Resolution.
        step: Window,
    },
    /// The error ratio at every `step` of a long past, for a chart: from the recorded series where there are any.
    Past {
        /// Begin.
        from: Time,
        /// End.
        to: Time,
        /// Resolution.
        step: Window,
    },
    /// Which histogram tells how long the SLO's requests take?
    Histogram {
        /// Asked after there was none with classic buckets: is there a native one?
        native: bool,
    },
    /// Requests by how long they took, in consecutive steps.
    Durations {
        /// The histogram that was found.
        histogram: Histogram,
        /// Begin.
        from: Time,
        /// End.
        to: Time,
        /// Length of a step.
        step: Window,
    },
    /// The share of the budget that was left at every `step`, as it was recorded.
    BudgetLeft {
        /// Begin.
        from: Time,
        /// End.
        to: Time,
        /// Resolution.
        step: Window,
    },
    /// All requests of the budget's period: how many failures it allows.
    Period {
        /// Begin.
        from: Time,
        /// End.
        to: Time,
    },
    /// All requests of the last moment: do any come still?
    Newest {
        /// Begin.
        from: Time,
        /// End.
        to: Time,
    },
}

/// The name of a question, whatever its times: which answer a number on the screen comes from.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Topic {
    /// [`Ask::Scrape`].
    Scrape,
    /// [`Ask::Counts`].
    Counts(Purpose),
    /// [`Ask::Buckets`].
    Buckets,
    /// [`Ask::Served`].
    Served,
    /// [`Ask::Past`].
    Past,
    /// [`Ask::Histogram`].
    Histogram,
    /// [`Ask::Durations`].
    Durations,
    /// [`Ask::BudgetLeft`].
    BudgetLeft,
    /// [`Ask::Period`].
    Period,
    /// [`Ask::Newest`].
    Newest,
}

/// A query as it was sent.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Sent {
    /// Its PromQL.
    pub promql: Clean,
    /// The time that it was evaluated at; of a range its first and last one, and the step between them.
    pub at: (Time, Time, Option<Window>),
}

impl Ask {
    /// Its name.
    pub fn topic(&self) -> Topic {
        match self {
            Self::Scrape => Topic::Scrape,
            Self::Counts { purpose, .. } => Topic::Counts(*purpose),
            Self::Buckets { .. } => Topic::Buckets,
            Self::Served { .. } => Topic::Served,
            Self::Past { .. } => Topic::Past,
            Self::Histogram { .. } => Topic::Histogram,
            Self::Durations { .. } => Topic::Durations,
            Self::BudgetLeft { .. } => Topic::BudgetLeft,
            Self::Period { .. } => Topic::Period,
            Self::Newest { .. } => Topic::Newest,
        }
    }

    /// Queries that it needs.
    pub fn queries(&self) -> usize {
        match self {
            Self::Scrape | Self::Served { .. } | Self::BudgetLeft { .. } => 1,
            Self::Histogram { .. } | Self::Durations { .. } | Self::Newest { .. } => 1,
            // A past without recorded series is counted.
            Self::Counts { .. } | Self::Buckets { .. } | Self::Past { .. } => 2,
            // The second one tells whether the counters reach back that far.
            Self::Period { .. } => 2,
        }
    }
}

/// What counts are for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum Purpose {
    /// Since the change under suspicion.
    SinceChange,
    /// The long past, by revision.
    History,
    /// Since the end of our own rollout.
    Verify,
    /// One revision's interval, for series without pod labels: index into the list of intervals asked for.
    Interval(u8),
}

/// Some questions about one SLO, sent together.
#[derive(Clone, PartialEq, Debug)]
pub struct Inquiry {
    /// Number of the inquiry: late answers of an older one are dropped.
    pub number: u64,
    /// The SLO.
    pub slo: SloId,
    /// The questions; at most [`MOST_QUERIES`] together.
    pub asks: Vec<Ask>,
}

/// Requests of one pod; the pod or hash is `None` where the series carry no such label.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct PodCounts {
    /// Label `pod`.
    pub pod: Option<Clean>,
    /// Label `pod_template_hash`.
    pub hash: Option<Clean>,
    /// Bad requests.
    #[serde(with = "exact")]
    pub bad: f64,
    /// All requests.
    #[serde(with = "exact")]
    pub total: f64,
}

/// Requests of a stretch of time.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Bucket {
    /// Its end; it covers `step` before that.
    pub end: Time,
    /// Bad requests; `None` when there was no sample.
    #[serde(with = "exact")]
    pub bad: Option<f64>,
    /// All requests.
    #[serde(with = "exact")]
    pub total: Option<f64>,
}

/// When a pod served: begin and end of each stretch with requests.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct PodServed {
    /// Label `pod`.
    pub pod: Option<Clean>,
    /// Label `pod_template_hash`.
    pub hash: Option<Clean>,
    /// Stretches, in order.
    pub stretches: Vec<(Time, Time)>,
}

/// An answer.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum Finding {
    /// Scrape interval; `None` when no series answers.
    Scrape(Option<Window>),
    /// Counts by pod.
    Counts(Vec<PodCounts>),
    /// Counts by time.
    Buckets(Vec<Bucket>),
    /// Serving stretches by pod.
    Served(Vec<PodServed>),
    /// Error ratios (0..1), each of the step that ends then; steps without a sample are left out.
    Past(#[serde(with = "exact")] Vec<(Time, f64)>),
    /// The histogram, or why there is none.
    Histogram(Found),
    /// Requests by how long they took.
    Durations(Durations),
    /// Shares of the budget (1: untouched, below 0: overspent).
    BudgetLeft(#[serde(with = "exact")] Vec<(Time, f64)>),
    /// All requests; `None`: the counters do not reach back to the begin.
    Period(#[serde(with = "exact")] Option<f64>),
    /// All requests.
    Newest(#[serde(with = "exact")] f64),
}

/// The answers to an inquiry, each beside its question; an error is a sentence.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Findings {
    /// Number of the inquiry.
    pub number: u64,
    /// The SLO.
    pub slo: SloId,
    /// Questions and answers.
    pub answers: Vec<(Ask, Result<Finding, Clean>)>,
    /// Warnings of the server that parts of the data are missing: index into `answers`, and its words.
    pub partial: Vec<(usize, Clean)>,
    /// The queries behind the answers: index into `answers`, and the query.
    pub sent: Vec<(usize, Sent)>,
    /// Queries sent.
    pub queries: usize,
}

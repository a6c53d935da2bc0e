//! The numbers by which goaround decides: how much evidence is enough, how long an approval lives, how often is too
//! often. They are chosen by whoever owns the cluster; this file holds the defaults and no decision.

use serde::{Deserialize, Serialize};

use super::clean::Clean;
use super::exact;
use super::freeze::Freeze;
use super::window::Window;

/// `[policy]` of the configuration.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Policy {
    /// REAL needs at least this many bad events.
    pub min_bad: u64,
    /// A ratio over fewer requests than this is not believed.
    pub min_requests: u64,
    /// TARGET GOOD passes only if the target served at least this long.
    pub min_served: Window,
    /// TARGET GOOD passes only if the target served at least this many requests.
    pub min_served_requests: u64,
    /// OURS: the burn began at most this long after the rollout began.
    pub onset_within: Window,
    /// A proposal that nobody answered is void after this.
    pub void_after: Window,
    /// An approved action starts within this, or not at all.
    pub execute_within: Window,
    /// How long a `wait` offer waits before it is asked again.
    pub wait: Window,
    /// Waiting ends early when the burn grows by this factor.
    #[serde(with = "exact")]
    pub wait_burn_factor: f64,
    /// More actions than this within an hour must be named in the reason.
    pub max_per_hour: u64,
    /// An action sooner than this after the last one on the same workload must be named in the reason.
    pub cool_down: Window,
    /// Whether earlier contents of ConfigMaps of matched workloads are kept on disk.
    pub keep_config_content: bool,
    /// Why nothing may be changed now; fails SAFE NOW while it is set.
    pub freeze: Option<Clean>,
    /// Times at which nothing should be changed; each fails SAFE NOW while it holds.
    #[serde(default)]
    pub freezes: Vec<Freeze>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            min_bad: 10,
            min_requests: 100,
            min_served: Window::minutes(10),
            min_served_requests: 1_000,
            onset_within: Window::minutes(30),
            void_after: Window::minutes(10),
            execute_within: Window::from_secs(30),
            wait: Window::minutes(5),
            wait_burn_factor: 1.5,
            max_per_hour: 3,
            cool_down: Window::minutes(30),
            keep_config_content: true,
            freeze: None,
            freezes: Vec::new(),
        }
    }
}

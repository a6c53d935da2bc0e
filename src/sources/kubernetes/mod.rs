//! Kubernetes, read: one pinned session on one cluster that lists and watches what the gates need, thin, and answers a
//! few questions on request. It never writes to an object (access reviews are the only POSTs), and it never asks
//! for the content of a Secret.
//!
//! ```text
//! connect -> Connected ---- run: probe -> identity, cluster id, scope -> list + watch each kind -> Signal
//!                      \--- on request: content, read_deployment, rights
//!                       \-- writer(): a client of its own for each write, which repeats nothing
//! ```

mod connect;
mod content;
mod contexts;
pub mod decode;
mod error;
mod follow;
mod http;
mod identity;
mod logs;
mod notices;
mod pod;
mod run;
mod watch;

pub use connect::{Clock, Connected, Options, connect, default_paths};
pub use content::{Fresh, all_services, config_content, read_deployment};
pub use contexts::{Context, contexts};
pub use error::{ConnectError, ReadError};
pub use follow::follow_log;
pub use identity::{Probe, cluster_id, identity, probe, rights, version};
pub use logs::{ContainerState, Log, LogLine, PodState, containers, events_of, pod_log, pod_state};
pub use notices::{leases, rulings};
pub use pod::pod_page;
pub use run::run;

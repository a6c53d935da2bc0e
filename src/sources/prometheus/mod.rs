//! Prometheus, and what speaks its HTTP API (Thanos, Mimir, VictoriaMetrics): a reading client over two transports,
//! and the search for a server inside the cluster. Nothing here writes, and nothing is asked more than twice.
//!
//! ```text
//! Client::query ... -> Request -> Transport (URL | service proxy) -> Reply -> decode -> Answer
//!                                  cannot connect, TLS, timeout      status    shape     warnings
//! ```

mod alerts;
pub mod answer;
mod assemble;
pub mod client;
mod cycle;
mod declared;
pub mod decode;
pub mod discovery;
pub mod error;
mod inquire;
mod known;
mod rules;
mod schedule;
mod shape;
pub mod transport;

pub use alerts::alert_rules;
pub use answer::{
    Alert, Alerting, Answer, BuildInfo, Health, Range, Recording, Rule, RuleGroup, RuntimeInfo, Sample,
    Series,
};
pub use client::Client;
pub use cycle::{Options, run};
pub use error::{PromError, TlsFault};
pub use inquire::answer;
pub use transport::{Basic, Direct, ServiceProxy};

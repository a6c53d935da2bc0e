//! Nouns: what goaround talks about. Plain data and arithmetic on it; no I/O, no clock, no task, no hash order.

pub mod clean;
pub mod cluster;
pub mod inquiry;
pub mod plan;
pub mod signal;
pub mod sli;
pub mod slo;
pub mod value;
pub mod window;

/// A point in time, UTC.
pub type Time = chrono::DateTime<chrono::Utc>;

//! Nouns: what goaround talks about. Plain data and arithmetic on it; no I/O, no clock, no task, no hash order.

pub mod burn;
pub mod clean;
pub mod statistics;
pub mod value;
pub mod window;

/// A point in time, UTC.
pub type Time = chrono::DateTime<chrono::Utc>;

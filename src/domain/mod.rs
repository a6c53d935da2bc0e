//! Nouns: what goaround talks about. Plain data and arithmetic on it; no I/O, no clock, no task, no hash order.

pub mod clean;
pub mod document;
pub mod policy;
pub mod sloth;
pub mod text_error;
pub mod value;
pub mod window;

/// A point in time, UTC.
pub type Time = chrono::DateTime<chrono::Utc>;

//! Nouns: what goaround talks about. Plain data and arithmetic on it; no I/O, no clock, no task, no hash order.

pub mod advice;
pub mod alert;
pub mod alike;
pub mod burn;
pub mod claims;
pub mod clean;
pub mod cluster;
pub mod compare;
pub mod diff;
pub mod document;
pub mod evidence;
pub mod exact;
pub mod format;
pub mod freeze;
pub mod inquiry;
pub mod latency;
pub mod notice;
pub mod plan;
pub mod pod;
pub mod policy;
pub mod redact;
pub mod signal;
pub mod sli;
pub mod slo;
pub mod sloth;
pub mod statistics;
pub mod text_error;
pub mod value;
pub mod verdict;
pub mod window;

/// A point in time, UTC.
pub type Time = chrono::DateTime<chrono::Utc>;

//! The advisor: what a language model is asked about a decision that was computed without it, and what it may say.

pub mod tools;

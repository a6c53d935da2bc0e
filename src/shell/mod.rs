//! The only place with tasks, files, terminal and clock.

pub mod config;
pub mod slo_file;

//! The only place with tasks, files, terminal and clock: here the pure core meets the world.

pub mod config;
pub mod content;
pub mod folders;
pub mod journal;
pub mod private;
pub mod sha256;
pub mod slo_file;
pub mod tls;

//! The only place with tasks, files, terminal and clock: here the pure core meets the world.

pub mod content;
pub mod folders;
pub mod journal;
pub mod private;
pub mod sha256;
//! The only place with tasks, files, terminal and clock.

pub mod config;
pub mod slo_file;
//! The shell: the only place with tasks, files, the terminal and the clock.

pub mod tls;

//! The shell: the only place with tasks, files, the terminal and the clock.

pub mod tls;

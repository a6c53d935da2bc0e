//! The only place with tasks, files, terminal and clock: here the pure core meets the world.

pub mod folders;
pub mod journal;
pub mod private;

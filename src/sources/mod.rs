//! Sources: each looks at one part of the world and reports what it saw as [`Signal`](crate::domain::signal::Signal)s.
//! A source never decides, keeps no history, and never writes.

pub mod kubernetes;
pub mod prometheus;

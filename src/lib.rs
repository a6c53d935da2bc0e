//! goaround: a terminal cockpit in front of production rollbacks.
//!
//! A functional core that decides, an imperative shell that touches the world, and one narrow door between them.
//! A name may be used only to the left of where it lives:
//!
//! `domain <- actions <- engine <- { sources, advisor, executor, ui } <- shell <- cli`, and `demo` names `domain` alone.

#![deny(missing_docs)]
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

pub mod actions;
pub mod advisor;
#[expect(clippy::print_stdout, clippy::print_stderr, reason = "commands answer on standard output")]
pub mod cli;
pub mod death;
pub mod demo;
pub mod domain;
pub mod engine;
pub mod executor;
pub mod sabotage;
pub mod shell;
pub mod sources;
pub mod ui;

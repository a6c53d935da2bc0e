//! Hostile text is inert, and secrets stay: a corpus of payloads through every carrier of foreign text into every sink,
//! each code point of Unicode through each function at the end of which a terminal, a file or another program stands, and
//! canaries in everything that is secret. What is sent to a terminal is read by a reader that knows our own sequences
//! and refuses all others.
//!
//! `GOAROUND_INERT=all` takes every code point and every payload where the default takes a part.

#![allow(clippy::disallowed_methods, reason = "a world's clock is set against the host's here")]

#[path = "common/cluster.rs"]
mod cluster;
mod common;
#[path = "common/story.rs"]
mod story;

#[path = "inert/alike.rs"]
mod alike;
#[path = "inert/corpus.rs"]
mod corpus;
#[path = "inert/program.rs"]
mod program;
#[path = "inert/screens.rs"]
mod screens;
#[path = "inert/sinks.rs"]
mod sinks;
#[path = "inert/terminal.rs"]
mod terminal;

/// Everything is wanted, whatever it takes.
fn all() -> bool {
    std::env::var("GOAROUND_INERT").is_ok_and(|wanted| wanted == "all")
}

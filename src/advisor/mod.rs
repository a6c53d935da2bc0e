//! The advisor: evidence to a language model, and its words back. It sees neither cluster nor terminal and can change
//! nothing; its words stand beside the card. A provider is one file with an implementation of
//! [`protocol::Protocol`], and one line in [`wire::Provider`].
//!
//! ```text
//! Ask --client--> one request, streamed --sse--> events --openai | anthropic--> pieces --> Heard ... Reply
//!         \--> AdvisorError: one sentence with what to do next; tried again only before the first word
//! ```

pub mod anthropic;
pub mod client;
pub mod converse;
pub mod error;
pub mod exchange;
pub mod openai;
pub mod parse;
pub mod prompt;
pub mod protocol;
pub mod retry;
pub mod sse;
pub mod tools;
pub mod trouble;
pub mod wire;

pub use client::{Client, Probed, probe};
pub use converse::converse;
pub use error::AdvisorError;
pub use exchange::ask;
pub use wire::{Provider, Settings};

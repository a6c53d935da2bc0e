//! The advisor on the wire: recorded streams of a real server split at every byte, and a server of bare sockets that
//! misbehaves on order. What a test waits for is an event of the socket or of the answer; only limits take real time.

#[path = "advisor_wire/access.rs"]
mod access;
#[path = "advisor_wire/faults.rs"]
mod faults;
#[path = "advisor_wire/limits.rs"]
mod limits;
#[path = "advisor_wire/recorded.rs"]
mod recorded;
#[path = "advisor_wire/server.rs"]
mod server;
#[path = "advisor_wire/streams.rs"]
mod streams;
#[path = "advisor_wire/tries.rs"]
mod tries;

use std::time::Duration;

use goaround::advisor::wire::{Ask, Heard, Message, Provider, Reply, Settings};
use goaround::advisor::{AdvisorError, Client, ask};
use serde_json::json;
use server::{Act, Server};
use tokio::time::Instant;

const OPENAI: Provider = Provider::OpenAi { azure: None };
/// Longer than any answer here takes on a busy machine.
const LONG: Duration = Duration::from_secs(60);

/// Settings for tests that wait for no limit.
fn settings(provider: Provider, url: &str) -> Settings {
    goaround::shell::tls::install();
    let mut settings = Settings::new(provider, url, "m");
    settings.budget.first_token = LONG;
    settings
}

async fn client(settings: Settings) -> Client {
    Client::new(settings).await.expect("a client")
}

/// A question with a schema.
fn question() -> Ask {
    Ask {
        system: "s".into(),
        messages: vec![Message::User("why?".into())],
        schema: Some(("answer".into(), json!({"type": "object"}))),
        tools: Vec::new(),
        max_tokens: 9,
    }
}

/// How a question ended, and what was heard of it.
#[derive(Debug)]
struct Asked {
    heard: Vec<Heard>,
    ended: Result<Reply, AdvisorError>,
}

impl Asked {
    fn reply(self) -> Reply {
        self.ended.expect("an answer")
    }

    fn error(self) -> AdvisorError {
        self.ended.expect_err("no answer")
    }

    /// The words, one after the other.
    fn words(&self) -> String {
        let words = self.heard.iter().filter_map(|heard| match heard {
            Heard::Text(text) => Some(text.as_str()),
            Heard::Retrying { .. } => None,
        });
        words.collect()
    }

    /// Why it was tried again, and after which wait.
    fn tries(&self) -> Vec<(String, Duration)> {
        let tries = self.heard.iter().filter_map(|heard| match heard {
            Heard::Retrying { why, after } => Some((why.as_str().to_owned(), *after)),
            Heard::Text(_) => None,
        });
        tries.collect()
    }
}

async fn asked_within(client: &Client, limit: Duration) -> Asked {
    let mut heard = Vec::new();
    let ended = ask(client, &question(), Instant::now() + limit, &mut |what| heard.push(what)).await;
    Asked { heard, ended }
}

/// Asks a server that does this.
async fn asked_of(provider: Provider, acts: Vec<Act>) -> (Asked, Server) {
    let server = Server::start(acts).await;
    let client = client(settings(provider, &server.url)).await;
    (asked_within(&client, LONG).await, server)
}

/// A chunk of a chat completion with this delta.
fn chunk(delta: &serde_json::Value) -> String {
    format!("data: {}\n\n", json!({"model": "m1", "choices": [{"index": 0, "delta": delta}]}))
}

/// A whole streamed answer of one word.
fn one_word() -> Act {
    Act::stream(&format!(
        "{}data: {{\"choices\":[{{\"delta\":{{}},\"finish_reason\":\"stop\"}}]}}\n\ndata: [DONE]\n\n",
        chunk(&json!({"content": "yes"}))
    ))
}

//! One question from its first request to its answer: limits, tries and words as they come. Nothing is spawned, so
//! dropping the future closes the connection, and the server may stop thinking.
//!
//! ```text
//! send --> head --> first word --> more words --> Reply
//!   |        |          |              \--> the stream breaks, or the deadline: Reply with `cut`
//!   \--------+----------+--> sent again by the rules of retry.rs, at most twice, or AdvisorError
//! ```

use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::time::{Instant, sleep, timeout_at};

use super::client::{Again, Answering, Client, Failure, cut_after};
use super::error::{AdvisorError, root_cause};
use super::protocol::{Form, Listening, Over};
use super::retry::{RETRIES, Wish};
use super::wire::{Ask, Finish, Heard, Reply};
use crate::domain::clean::Clean;

/// Asks, and tells what is heard while it is. What was said until `deadline` is the answer then, marked as cut.
///
/// # Errors
/// [`AdvisorError`] where no word was heard.
pub async fn ask(
    client: &Client,
    ask: &Ask,
    deadline: Instant,
    on: &mut (dyn FnMut(Heard) + Send),
) -> Result<Reply, AdvisorError> {
    let begun = Instant::now();
    let mut form = client.form();
    let mut retries = 0;
    loop {
        let Failure { error, again } = match attempt(client, ask, form, (begun, deadline), on).await {
            Ok(reply) => return Ok(reply),
            Err(failure) => failure,
        };
        let (why, after) = match again {
            Again::CompletionTokens if !form.completion_tokens => {
                form.completion_tokens = true;
                client.learn_completion_tokens();
                (Clean::new("the server calls the limit max_completion_tokens"), Duration::ZERO)
            }
            Again::WithoutSchema if form.schema && ask.schema.is_some() && retries < RETRIES => {
                form.schema = false;
                retries += 1;
                (Clean::new(format!("without a schema, because {error}")), Duration::ZERO)
            }
            Again::Later(status, wish) => match wish.wait(status, retries) {
                Some(wait) if Instant::now() + wait < deadline => {
                    retries += 1;
                    (Clean::new(error.to_string()), wait)
                }
                _ => return Err(error),
            },
            _ => return Err(error),
        };
        on(Heard::Retrying { why, after });
        sleep(after).await;
    }
}

/// Sends once.
async fn attempt(
    client: &Client,
    ask: &Ask,
    form: Form,
    (begun, deadline): (Instant, Instant),
    on: &mut (dyn FnMut(Heard) + Send),
) -> Result<Reply, Failure> {
    let budget = client.settings().budget.first_token;
    let first = Instant::now() + budget;
    let silent = || {
        let (within, hint) = if first < deadline {
            (budget, "it is busy or slow; raise first_token under [advisor] if it always is")
        } else {
            (
                deadline.saturating_duration_since(begun),
                "it is busy or slow; raise whole under [advisor] if it always is",
            )
        };
        Failure::from(AdvisorError::Silent { at: client.at(), within, hint })
    };
    let limit = first.min(deadline);
    let answering = timeout_at(limit, client.question(ask, form)).await.map_err(|_| silent())??;
    let mut answering = answering.checked(limit).await?;
    let mut listening = Listening::new(&client.settings().provider);
    let mut tell = |text: &str| on(Heard::Text(text.to_owned()));
    loop {
        if listening.over().is_some() {
            // The end of the body mostly came along; with it the connection can be used again.
            let _ = answering.response.chunk().now_or_never();
            return over(&answering, listening);
        }
        let heard = listening.has_heard();
        let limit = if heard { deadline } else { limit };
        // Also a flood is left in time: a timeout is looked at whenever the task has had its turn.
        let chunk = timeout_at(limit, answering.response.chunk()).await.ok();
        match chunk {
            None if heard => return Ok(listening.reply(Some(cut_after(begun, deadline)))),
            None => return Err(silent()),
            Some(Ok(Some(bytes))) => listening.feed(&bytes, &mut tell),
            Some(Ok(None)) => {
                listening.end(&mut tell);
                return over(&answering, listening);
            }
            Some(Err(error)) if listening.is_whole() || heard => {
                let why = format!("the connection broke: {}", root_cause(&error));
                let cut = (!listening.is_whole()).then(|| Clean::new(why));
                return whole(&answering, listening, cut);
            }
            Some(Err(error)) => return Err(answering.broken(root_cause(&error))),
        }
    }
}

/// What to make of an answer to which nothing will be added.
fn over(answering: &Answering, listening: Listening) -> Result<Reply, Failure> {
    let heard = listening.has_heard();
    let status = answering.response.status().as_u16();
    match listening.over().cloned() {
        Some(Over::Done) => whole(answering, listening, None),
        None if listening.is_whole() => whole(answering, listening, None),
        Some(Over::Trouble(trouble)) if heard => {
            let said = answering.without_secrets(*trouble).said;
            Ok(listening.reply(Some(Clean::new(format!("the server broke off: {said}")))))
        }
        Some(Over::Trouble(trouble)) => Err(answering.failure(*trouble, Wish::default())),
        Some(Over::TooLarge(why)) if heard => Ok(listening.reply(Some(Clean::new(why)))),
        Some(Over::TooLarge(why)) => {
            Err(AdvisorError::Shape { at: answering.at.clone(), why: Clean::new(why) }.into())
        }
        Some(Over::Html) => Err(AdvisorError::Html { at: answering.at.clone(), status }.into()),
        None if heard => Ok(listening.reply(Some(Clean::new("the stream ended before the answer did")))),
        None => match listening.strange() {
            Some(strange) => {
                Err(AdvisorError::Shape { at: answering.at.clone(), why: begins(strange) }.into())
            }
            None => Err(answering.broken(Clean::new("the stream ended"))),
        },
    }
}

/// A whole answer, unless nothing is in it.
fn whole(answering: &Answering, listening: Listening, cut: Option<Clean>) -> Result<Reply, Failure> {
    if listening.has_heard() || listening.is_refused() {
        return Ok(listening.reply(cut));
    }
    let at = answering.at.clone();
    if let (None, Some(strange)) = (listening.finish(), listening.strange()) {
        return Err(AdvisorError::Shape { at, why: begins(strange) }.into());
    }
    let (why, hint) = match listening.finish() {
        Some(Finish::Length) => (
            Clean::new("no tokens were left"),
            "it may have spent them on thinking: raise answer_tokens, or turn thinking off in body under [advisor]",
        ),
        Some(Finish::Other(word)) => (word.clone(), "see the server's log"),
        _ => (Clean::new("it stopped before a word"), "ask again, or try another model"),
    };
    Err(AdvisorError::Empty { at, why, hint }.into())
}

fn begins(text: &Clean) -> Clean {
    let start: String = text.as_str().chars().take(80).collect();
    Clean::new(format!("it says {start}"))
}

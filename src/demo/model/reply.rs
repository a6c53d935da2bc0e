//! An answer on the wire: in one body, or as server-sent events piece by piece at the pace of the model. Pace is world
//! time, told by the connection's own timer; a world that stands still lets the model speak in real time.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::response::Response;
use futures_util::stream;
use http::{StatusCode, header};
use serde_json::{Value, json};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::demo::Shared;
use crate::demo::http::{closed, json_response};
use crate::demo::noise;
use crate::demo::scenario::model::{Failure, Model};

/// Characters of a token, about.
const TOKEN: usize = 4;

/// An answer, ready to be sent.
pub(super) struct Reply {
    model: Arc<Model>,
    /// World seconds in a real second.
    rate: f64,
    over: CancellationToken,
    began: Instant,
    /// Identity of the completion and of its pieces.
    key: u64,
    created: i64,
    text: String,
    finish: &'static str,
    usage: Value,
    tells_usage: bool,
}

fn tokens(text: &str) -> usize {
    text.chars().count().div_ceil(TOKEN)
}

impl Reply {
    /// The answer `text` to `prompt`, cut after `most` tokens. `tells_usage`: a stream ends with the usage.
    pub(super) fn new(
        shared: &Shared,
        model: Arc<Model>,
        prompt: &str,
        text: &str,
        most: Option<u64>,
        tells_usage: bool,
    ) -> Self {
        let most = most.and_then(|most| usize::try_from(most).ok()).unwrap_or(usize::MAX);
        let (text, finish) = match tokens(text) > most {
            true => (text.chars().take(most * TOKEN).collect(), "length"),
            false => (text.to_owned(), "stop"),
        };
        let (of_prompt, of_text) = (tokens(prompt), tokens(&text));
        let usage = json!({"prompt_tokens": of_prompt, "completion_tokens": of_text,
                           "total_tokens": of_prompt + of_text});
        Self {
            model,
            rate: shared.clock.rate(),
            over: shared.over.clone(),
            began: Instant::now(),
            key: noise::fnv(noise::fnv(0, prompt), &text),
            created: shared.clock.origin().timestamp(),
            text,
            finish,
            usage,
            tells_usage,
        }
    }

    /// When the model has said so many tokens.
    fn due(&self, tokens: usize) -> Instant {
        let thinking = self.model.first_word.millis() as f64 / 1_000.0;
        let real = (thinking + tokens as f64 / self.model.tokens_per_second) / self.rate;
        // A slow model and a long answer stay within what a timer can hold.
        self.began + Duration::from_secs_f64(real.clamp(0.0, 86_400.0))
    }

    fn id(&self) -> String {
        format!("chatcmpl-{}", noise::letters(self.key, "completion", 24))
    }

    /// In one body, when the model would have said it all.
    pub(super) async fn whole(self) -> Response {
        let silent = self.model.error == Some(Failure::Hang);
        tokio::select! {
            () = self.over.cancelled() => return closed(),
            () = async { if silent { std::future::pending().await } } => {}
            () = tokio::time::sleep_until(self.due(tokens(&self.text))), if !silent => {}
        }
        let message = json!({"role": "assistant", "content": self.text, "refusal": null});
        let body = json!({
            "id": self.id(), "object": "chat.completion", "created": self.created, "model": self.model.name,
            "choices": [{"index": 0, "message": message, "logprobs": null, "finish_reason": self.finish}],
            "usage": self.usage,
        });
        if self.model.error != Some(Failure::Cut) {
            return json_response(StatusCode::OK, &body);
        }
        let body = body.to_string();
        let half = body.chars().take(body.chars().count() / 2).collect();
        let ready = [Event::Data(self.began, half), Event::Break].into();
        Speaking { ready, over: self.over }.response("application/json")
    }

    /// As server-sent events, at the pace of the model.
    pub(super) fn streamed(self) -> Response {
        Speaking { ready: self.events(), over: self.over }.response("text/event-stream")
    }

    /// All events of the stream, each with the time at which it is sent.
    fn events(&self) -> VecDeque<Event> {
        let mut events = VecDeque::new();
        let chunk = |choices: Value| {
            json!({"id": self.id(), "object": "chat.completion.chunk", "created": self.created,
                   "model": self.model.name, "choices": choices})
        };
        let choice = |delta: Value, finish: Option<&str>| {
            chunk(json!([{"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish}]))
        };
        let mut push = |tokens: usize, event: &Value| {
            events.push_back(Event::Data(self.due(tokens), format!("data: {event}\n\n")));
        };
        push(0, &choice(json!({"role": "assistant", "content": ""}), None));
        let mut said = 0;
        let pieces = self.pieces();
        let half = pieces.len() / 2;
        for (n, piece) in pieces.iter().enumerate() {
            match self.model.error {
                Some(Failure::Hang) => break,
                Some(Failure::Cut) if n >= half => break,
                _ => {}
            }
            said += piece.chars().count();
            push(said.div_ceil(TOKEN), &choice(json!({"content": piece}), None));
        }
        match self.model.error {
            Some(Failure::Hang) => events.push_back(Event::Silence),
            Some(Failure::Cut) => events.push_back(Event::Break),
            _ => {
                push(tokens(&self.text), &choice(json!({}), Some(self.finish)));
                if self.tells_usage {
                    let mut usage = chunk(json!([]));
                    usage["usage"] = self.usage.clone();
                    push(tokens(&self.text), &usage);
                }
                let end = self.due(tokens(&self.text));
                events.push_back(Event::Data(end, "data: [DONE]\n\n".to_owned()));
            }
        }
        events
    }

    /// The text in pieces of two to seven characters.
    fn pieces(&self) -> Vec<String> {
        let mut pieces = Vec::new();
        let mut letters = self.text.chars();
        for n in 0.. {
            let length = 2 + noise::bits(self.key, "piece", n) % 6;
            let piece: String = letters.by_ref().take(length as usize).collect();
            if piece.is_empty() {
                break;
            }
            pieces.push(piece);
        }
        pieces
    }
}

/// What a stream does next.
enum Event {
    /// Sends this, not before that time.
    Data(Instant, String),
    /// Nothing, until the world is over.
    Silence,
    /// Breaks the connection.
    Break,
}

/// A stream under way.
struct Speaking {
    ready: VecDeque<Event>,
    over: CancellationToken,
}

impl Speaking {
    fn response(self, content_type: &'static str) -> Response {
        let mut response = Response::new(Body::from_stream(stream::unfold(self, Self::next)));
        response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(content_type));
        response
    }

    async fn next(mut self) -> Option<(Result<Bytes, std::io::Error>, Self)> {
        let sent = match self.ready.pop_front()? {
            Event::Data(at, text) => tokio::select! {
                () = self.over.cancelled() => return None,
                () = tokio::time::sleep_until(at) => Ok(Bytes::from(text)),
            },
            Event::Silence => {
                self.over.cancelled().await;
                return None;
            }
            Event::Break => {
                // What was said before is on the wire only once the body has had nothing to say.
                tokio::task::yield_now().await;
                Err(std::io::Error::other("the scenario breaks the connection"))
            }
        };
        Some((sent, self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_due_at_the_pace_of_the_model_in_world_time() {
        let reply = Reply {
            model: Arc::new(Model { tokens_per_second: 10.0, ..Model::default() }),
            rate: 2.0,
            over: CancellationToken::new(),
            began: Instant::now(),
            key: 1,
            created: 0,
            text: "x".repeat(80),
            finish: "stop",
            usage: json!({}),
            tells_usage: true,
        };
        let due = |event: &Event| match event {
            Event::Data(at, _) => *at - reply.began,
            Event::Silence | Event::Break => panic!("it breaks"),
        };
        let times: Vec<Duration> = reply.events().iter().map(due).collect();
        assert!(times.is_sorted());
        // 400 ms and 20 tokens at 10 a second, in a world that runs twice as fast.
        assert_eq!(
            (times[0], times[times.len() - 1]),
            (Duration::from_millis(200), Duration::from_millis(1_200))
        );
    }
}

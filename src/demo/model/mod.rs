//! An imitated language model behind an OpenAI-compatible endpoint: `GET /v1/models` and `POST /v1/chat/completions`,
//! whole or streamed. It knows what a model would know, the text of the prompt, and answers with the same words for the
//! same scenario and prompt; a scenario can make it lie, dissent or break. It takes any key, and calls no tools.
//!
//! ```text
//! request -> prompt (read) -> sentence (honest) -> lies (told) -> answer (JSON) -> reply: pieces, usage, [DONE],
//!                                                                                   or a failure
//! ```

mod answer;
mod lies;
mod prompt;
mod question;
mod reply;
mod sentence;
mod topic;

use std::sync::Arc;

use axum::Router;
use axum::body::{Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use http::{Method, StatusCode, header};
use serde_json::{Value, json};

use super::Shared;
use super::http::{body_response, closed, date, json_response};
use super::scenario::model::{Failure, Model};
use reply::Reply;

const LARGEST_BODY: usize = 1024 * 1024;

/// What the endpoint needs to answer.
#[derive(Clone)]
struct Endpoint {
    shared: Shared,
    model: Arc<Model>,
}

/// The model server.
pub(super) fn router(shared: Shared, model: Model) -> Router {
    Router::new().fallback(handle).with_state(Endpoint { shared, model: Arc::new(model) })
}

async fn handle(State(endpoint): State<Endpoint>, request: Request) -> Response {
    if endpoint.shared.over.is_cancelled() {
        return closed();
    }
    let (parts, body) = request.into_parts();
    let mut response = match to_bytes(body, LARGEST_BODY).await {
        Ok(body) => endpoint.routed(&parts.method, parts.uri.path(), &body).await,
        Err(_) => refused(StatusCode::PAYLOAD_TOO_LARGE, None, "the request is larger than 1 MiB"),
    };
    date(&mut response, &endpoint.shared);
    response
}

impl Endpoint {
    async fn routed(&self, method: &Method, path: &str, body: &Bytes) -> Response {
        if let Some(response) = self.model.error.and_then(refusal) {
            return response;
        }
        match (method.as_str(), path) {
            ("GET", "/v1/models") => self.models(),
            ("POST", "/v1/chat/completions") => match self.reply(body) {
                Ok((reply, true)) => reply.streamed(),
                Ok((reply, false)) => reply.whole().await,
                Err(response) => *response,
            },
            (_, "/v1/models" | "/v1/chat/completions") => {
                refused(StatusCode::METHOD_NOT_ALLOWED, None, &format!("{path} does not take {method}"))
            }
            _ => refused(StatusCode::NOT_FOUND, None, &format!("there is no {path}")),
        }
    }

    fn models(&self) -> Response {
        let created = self.shared.clock.origin().timestamp();
        let model = json!({"id": self.model.name, "object": "model", "created": created, "owned_by": "embedded world"});
        json_response(StatusCode::OK, &json!({"object": "list", "data": [model]}))
    }

    /// The answer to a request, and whether it is to be streamed.
    fn reply(&self, body: &Bytes) -> Result<(Reply, bool), Box<Response>> {
        let bad = |why: &str| Box::new(refused(StatusCode::BAD_REQUEST, None, why));
        let request: Value =
            serde_json::from_slice(body).map_err(|error| bad(&format!("the body is not JSON: {error}")))?;
        let asked = request["model"].as_str().ok_or_else(|| bad("you must provide a model parameter"))?;
        if asked != self.model.name {
            let why = format!("the model `{asked}` does not exist; there is `{}`", self.model.name);
            return Err(Box::new(refused(StatusCode::NOT_FOUND, Some("model_not_found"), &why)));
        }
        let messages = request["messages"].as_array().filter(|list| !list.is_empty());
        let messages = messages.ok_or_else(|| bad("`messages` must be a list with at least one message"))?;
        let messages: Vec<Message> = messages.iter().map(Message::read).collect();
        let (prompt, again) = asked_of(&messages);
        let text = match self.model.error {
            Some(Failure::Empty) => String::new(),
            _ => answer::answer(&self.model, &prompt::read(prompt), again),
        };
        let most = request["max_completion_tokens"].as_u64().or(request["max_tokens"].as_u64());
        let reply = Reply::new(
            &self.shared,
            Arc::clone(&self.model),
            &messages.iter().map(|message| message.text.as_str()).collect::<String>(),
            &text,
            most,
            request["stream_options"]["include_usage"] == true,
        );
        Ok((reply, request["stream"] == true))
    }
}

/// One message of a conversation.
struct Message {
    role: String,
    text: String,
}

impl Message {
    /// Content is a text, or a list of parts with texts.
    fn read(message: &Value) -> Self {
        let text = match &message["content"] {
            Value::String(text) => text.clone(),
            Value::Array(parts) => parts.iter().filter_map(|part| part["text"].as_str()).collect(),
            _ => String::new(),
        };
        Self { role: message["role"].as_str().unwrap_or_default().to_owned(), text }
    }
}

/// The newest prompt of the user, and whether an answer to it was given already and is asked for again. Conversations
/// may begin with examples, which look like prompts.
fn asked_of(messages: &[Message]) -> (&str, bool) {
    let of_user = |message: &Message| message.role == "user";
    let holds = |message: &Message| of_user(message) && prompt::is_prompt(&message.text);
    let Some(at) = messages.iter().rposition(holds).or_else(|| messages.iter().rposition(of_user)) else {
        return ("", false);
    };
    let after = &messages[at + 1..];
    let answered = after.iter().position(|message| message.role == "assistant");
    (&messages[at].text, answered.is_some_and(|n| after[n..].iter().any(of_user)))
}

/// The failures that answer before anything is read.
fn refusal(failure: Failure) -> Option<Response> {
    match failure {
        Failure::Unauthorized => {
            Some(refused(StatusCode::UNAUTHORIZED, Some("invalid_api_key"), "Incorrect API key provided"))
        }
        Failure::TooMany => {
            let why = "Rate limit reached; try again in 1 s";
            let mut response = refused(StatusCode::TOO_MANY_REQUESTS, Some("rate_limit_exceeded"), why);
            response.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from_static("1"));
            Some(response)
        }
        Failure::Loading => Some(refused(StatusCode::SERVICE_UNAVAILABLE, None, "Loading model")),
        Failure::Html => Some(body_response(
            StatusCode::OK,
            "text/html; charset=utf-8",
            "<!doctype html>\n<html><head><title>Sign in</title></head><body><h1>Sign in to continue</h1></body></html>\n"
                .to_owned(),
        )),
        Failure::Empty | Failure::Hang | Failure::Cut => None,
    }
}

/// An error as such endpoints send it.
fn refused(status: StatusCode, code: Option<&str>, why: &str) -> Response {
    let kind = match status {
        StatusCode::UNAUTHORIZED => "authentication_error",
        StatusCode::TOO_MANY_REQUESTS => "requests",
        StatusCode::SERVICE_UNAVAILABLE => "unavailable_error",
        _ => "invalid_request_error",
    };
    json_response(status, &json!({"error": {"message": why, "type": kind, "param": null, "code": code}}))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(role: &str, text: &str) -> Message {
        Message { role: role.into(), text: text.into() }
    }

    const PROMPT: &str = "Decision, computed: wait";

    #[test]
    fn an_answer_that_is_asked_for_again_is_known_by_what_follows_the_prompt() {
        let first = [message("system", "be brief"), message("user", PROMPT)];
        assert_eq!(asked_of(&first), (PROMPT, false));
        let [system, user] = first;
        let again = [system, user, message("assistant", "{}"), message("user", "E9 does not exist")];
        assert_eq!(asked_of(&again), (PROMPT, true));
    }

    #[test]
    fn examples_before_the_prompt_are_no_earlier_answers() {
        let example = "Decision, computed: rollback to revision 1";
        let talk = [message("user", example), message("assistant", "{}"), message("user", PROMPT)];
        assert_eq!(asked_of(&talk), (PROMPT, false));
        assert_eq!(asked_of(&[]), ("", false));
    }
}

//! Anthropic's Messages, as in `anthropic/types/` of its own client. The schema travels in `output_config.format`; a
//! server that does not know this field ignores it, so an answer is checked in any case.

use reqwest::Url;
use serde_json::{Value, json};

use super::protocol::{Form, Piece, Protocol};
use super::trouble::Trouble;
use super::wire::{Ask, Finish, Message, Settings, ToolCall};
use crate::domain::advice::Usage;
use crate::domain::clean::Clean;

/// The protocol.
pub struct Messages;

fn url(base: &Url, last: &str) -> Url {
    let mut url = base.clone();
    let versioned = base.path().trim_end_matches('/').ends_with("/v1");
    // Fails only for URLs without a host, which are refused before.
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty();
        if !versioned {
            path.push("v1");
        }
        path.push(last);
    }
    url
}

impl Protocol for Messages {
    fn question_url(&self, base: &Url) -> Url {
        url(base, "messages")
    }

    fn models_url(&self, base: &Url) -> Url {
        let mut url = url(base, "models");
        url.set_query(Some("limit=1000"));
        url
    }

    fn key_header(&self, key: &str) -> (&'static str, String) {
        ("x-api-key", key.to_owned())
    }

    fn headers(&self) -> &'static [(&'static str, &'static str)] {
        &[("anthropic-version", "2023-06-01")]
    }

    fn body(&self, settings: &Settings, ask: &Ask, form: Form) -> Value {
        let mut body = json!({
            "model": settings.model,
            "max_tokens": ask.max_tokens,
            "stream": true,
            "messages": turns(&ask.messages),
        });
        if !ask.system.is_empty() {
            body["system"] = json!(ask.system);
        }
        if let (Some((_, schema)), true) = (&ask.schema, form.schema) {
            body["output_config"] = json!({"format": {"type": "json_schema", "schema": schema}});
        }
        if !ask.tools.is_empty() {
            let tools = ask.tools.iter().map(|tool| {
                json!({"name": tool.name, "description": tool.description, "input_schema": tool.parameters})
            });
            body["tools"] = tools.collect();
        }
        body
    }

    fn pieces(&self, json: &Value) -> Vec<Piece> {
        let place = json["index"].as_u64().unwrap_or(0);
        match json["type"].as_str().unwrap_or_default() {
            "error" => vec![Piece::Trouble(Box::new(Trouble::of_json(None, json)))],
            "message_start" => message(&json["message"]),
            // An answer that was not streamed.
            "message" => message(json),
            "content_block_start" => block(&json["content_block"], place),
            "content_block_delta" => delta(&json["delta"], place),
            "message_delta" => {
                let stop = json["delta"]["stop_reason"].as_str().map(|reason| Piece::Finish(finish(reason)));
                stop.into_iter().chain([Piece::Usage(usage(&json["usage"]))]).collect()
            }
            "message_stop" => vec![Piece::End],
            // `ping`, `content_block_stop`, and what does not exist yet. A gateway's error may have no type.
            _ if json["error"].is_object() => vec![Piece::Trouble(Box::new(Trouble::of_json(None, json)))],
            _ => Vec::new(),
        }
    }
}

/// Turns of user and assistant; results of tools that follow each other make one turn of the user.
fn turns(messages: &[Message]) -> Vec<Value> {
    let mut turns: Vec<Value> = Vec::new();
    let mut after_result = false;
    for message in messages {
        match message {
            Message::User(text) => turns.push(json!({"role": "user", "content": text})),
            Message::Assistant { text, calls } => {
                let words = (!text.is_empty()).then(|| json!({"type": "text", "text": text}));
                let content: Vec<Value> = words.into_iter().chain(calls.iter().map(tool_use)).collect();
                turns.push(json!({"role": "assistant", "content": content}));
            }
            Message::ToolResult { id, text } => {
                let result = json!({"type": "tool_result", "tool_use_id": id, "content": text});
                match turns.last_mut().and_then(|turn| turn["content"].as_array_mut()) {
                    Some(results) if after_result => results.push(result),
                    _ => turns.push(json!({"role": "user", "content": [result]})),
                }
            }
        }
        after_result = matches!(message, Message::ToolResult { .. });
    }
    turns
}

/// Arguments go back as an object, which is what they must be; what is none went wrong before and is left out.
fn tool_use(call: &ToolCall) -> Value {
    let input: Value = serde_json::from_str(&call.arguments).unwrap_or_default();
    let input = if input.is_object() { input } else { json!({}) };
    json!({"type": "tool_use", "id": call.id, "name": call.name, "input": input})
}

/// A message: the first event of a stream, where it is empty, or a whole answer.
fn message(message: &Value) -> Vec<Piece> {
    let model = message["model"].as_str().map(|model| Piece::Model(model.to_owned()));
    let mut pieces: Vec<Piece> = model.into_iter().chain([Piece::Usage(usage(&message["usage"]))]).collect();
    for (content, place) in message["content"].as_array().into_iter().flatten().zip(0..) {
        pieces.extend(block(content, place));
    }
    pieces.extend(message["stop_reason"].as_str().map(|reason| Piece::Finish(finish(reason))));
    pieces
}

/// A block of content. Thinking is no text.
fn block(block: &Value, place: u64) -> Vec<Piece> {
    let text = |key: &str| block[key].as_str().unwrap_or_default().to_owned();
    match block["type"].as_str() {
        Some("text") => vec![Piece::Text(text("text"))],
        Some("tool_use") => {
            // Empty where it is streamed: its parts follow.
            let input = &block["input"];
            let whole = input.as_object().is_some_and(|fields| !fields.is_empty());
            let arguments = if whole { input.to_string() } else { String::new() };
            vec![Piece::Call { place, id: text("id"), name: text("name"), arguments }]
        }
        _ => Vec::new(),
    }
}

fn delta(delta: &Value, place: u64) -> Vec<Piece> {
    let text = |key: &str| delta[key].as_str().unwrap_or_default().to_owned();
    match delta["type"].as_str() {
        Some("text_delta") => vec![Piece::Text(text("text"))],
        Some("input_json_delta") => {
            let arguments = text("partial_json");
            vec![Piece::Call { place, id: String::new(), name: String::new(), arguments }]
        }
        _ => Vec::new(),
    }
}

/// Tokens that were read from a cache are tokens of the prompt as well.
fn usage(usage: &Value) -> Usage {
    let count = |key: &str| usage[key].as_u64();
    let cached =
        ["cache_creation_input_tokens", "cache_read_input_tokens"].map(|key| count(key).unwrap_or(0));
    Usage {
        prompt: count("input_tokens")
            .map(|tokens| cached.iter().fold(tokens, |sum, more| sum.saturating_add(*more))),
        answer: count("output_tokens"),
    }
}

fn finish(reason: &str) -> Finish {
    match reason {
        "end_turn" | "stop_sequence" => Finish::Stop,
        "max_tokens" | "model_context_window_exceeded" => Finish::Length,
        "tool_use" => Finish::ToolCalls,
        "refusal" => Finish::Refused(Clean::default()),
        other => Finish::Other(Clean::new(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advisor::wire::{Provider, ToolSpec};

    #[test]
    fn the_version_stands_in_the_path_once() {
        for base in ["https://h", "https://h/", "https://h/v1", "https://h/v1/"] {
            let base = Url::parse(base).expect("a URL");
            assert_eq!(Messages.question_url(&base).as_str(), "https://h/v1/messages");
            assert_eq!(Messages.models_url(&base).as_str(), "https://h/v1/models?limit=1000");
        }
        let behind = Url::parse("https://h/anthropic").expect("a URL");
        assert_eq!(Messages.question_url(&behind).as_str(), "https://h/anthropic/v1/messages");
    }

    #[test]
    fn the_body_holds_the_conversation_the_schema_and_the_tools_as_anthropic_wants_them() {
        let call = |id: &str, arguments: &str| ToolCall {
            id: id.into(),
            name: "events".into(),
            arguments: arguments.into(),
        };
        let result = |id: &str| Message::ToolResult { id: id.into(), text: "none".into() };
        let ask = Ask {
            system: "s".into(),
            messages: vec![
                Message::User("u".into()),
                Message::Assistant {
                    text: "t".into(),
                    calls: vec![call("1", "{\"a\":1}"), call("2", "{\"a")],
                },
                result("1"),
                result("2"),
                Message::User("and?".into()),
            ],
            schema: Some(("answer".into(), json!({"type": "object"}))),
            tools: vec![ToolSpec { name: "events".into(), description: "d".into(), parameters: json!({}) }],
            max_tokens: 7,
        };
        let settings = Settings::new(Provider::Anthropic, "http://h", "m");
        assert_eq!(
            Messages.body(&settings, &ask, Form { schema: true, completion_tokens: false }),
            json!({
                "model": "m",
                "max_tokens": 7,
                "stream": true,
                "messages": [
                    {"role": "user", "content": "u"},
                    {"role": "assistant", "content": [
                        {"type": "text", "text": "t"},
                        {"type": "tool_use", "id": "1", "name": "events", "input": {"a": 1}},
                        {"type": "tool_use", "id": "2", "name": "events", "input": {}},
                    ]},
                    {"role": "user", "content": [
                        {"type": "tool_result", "tool_use_id": "1", "content": "none"},
                        {"type": "tool_result", "tool_use_id": "2", "content": "none"},
                    ]},
                    {"role": "user", "content": "and?"},
                ],
                "system": "s",
                "output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}},
                "tools": [{"name": "events", "description": "d", "input_schema": {}}],
            })
        );
    }
}

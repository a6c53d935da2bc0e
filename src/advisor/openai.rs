//! Chat completions, as OpenAI defined them and as many others speak them (vLLM, llama.cpp, Ollama's `/v1`, gateways),
//! with Azure's addresses. Format: `openai/types/chat/chat_completion_chunk.py`. What a server leaves out, sends as
//! null or invents does no harm.

use reqwest::Url;
use serde_json::{Value, json};

use super::protocol::{Form, Piece, Protocol};
use super::trouble::Trouble;
use super::wire::{Ask, Azure, Finish, Message, Settings, ToolCall};
use crate::domain::advice::Usage;
use crate::domain::clean::Clean;

/// The protocol.
pub struct ChatCompletions {
    /// The deployment, where it is Azure.
    pub azure: Option<Azure>,
}

impl ChatCompletions {
    fn url(&self, base: &Url, open: &[&str], deployed: impl Fn(&Azure) -> Vec<String>) -> Url {
        let mut url = base.clone();
        let is_bare = matches!(base.path(), "" | "/");
        let azure = self.azure.as_ref();
        // Fails only for URLs without a host, which are refused before.
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty();
            match azure {
                Some(azure) if base.path().trim_end_matches('/').ends_with("/openai") => {
                    path.extend(deployed(azure));
                }
                Some(azure) => drop(path.push("openai").extend(deployed(azure))),
                None if is_bare => drop(path.push("v1").extend(open)),
                None => drop(path.extend(open)),
            }
        }
        if let Some(azure) = azure {
            url.query_pairs_mut().append_pair("api-version", &azure.api_version);
        }
        url
    }
}

impl Protocol for ChatCompletions {
    fn question_url(&self, base: &Url) -> Url {
        self.url(base, &["chat", "completions"], |azure| {
            ["deployments", &azure.deployment, "chat", "completions"].map(str::to_owned).to_vec()
        })
    }

    fn models_url(&self, base: &Url) -> Url {
        self.url(base, &["models"], |_| vec!["models".to_owned()])
    }

    fn key_header(&self, key: &str) -> (&'static str, String) {
        match self.azure {
            Some(_) => ("api-key", key.to_owned()),
            None => ("authorization", format!("Bearer {key}")),
        }
    }

    fn body(&self, settings: &Settings, ask: &Ask, form: Form) -> Value {
        let mut messages = Vec::new();
        if !ask.system.is_empty() {
            messages.push(json!({"role": "system", "content": ask.system}));
        }
        messages.extend(ask.messages.iter().map(message));
        let limit = if form.completion_tokens { "max_completion_tokens" } else { "max_tokens" };
        let mut body = json!({
            "model": settings.model,
            "messages": messages,
            "stream": true,
            "stream_options": {"include_usage": true},
            limit: ask.max_tokens,
        });
        if let (Some((name, schema)), true) = (&ask.schema, form.schema) {
            body["response_format"] = json!({"type": "json_schema", "json_schema": {"name": name, "strict": true, "schema": schema}});
        }
        if !ask.tools.is_empty() {
            let tools = ask.tools.iter().map(|tool| {
                let (name, description, parameters) = (&tool.name, &tool.description, &tool.parameters);
                json!({"type": "function",
                    "function": {"name": name, "description": description, "parameters": parameters}})
            });
            body["tools"] = tools.collect();
        }
        body
    }

    fn pieces(&self, json: &Value) -> Vec<Piece> {
        if is_there(&json["error"]) || json.is_array() {
            return vec![Piece::Trouble(Box::new(Trouble::of_json(None, json)))];
        }
        let mut pieces = Vec::new();
        if let Some(model) = json["model"].as_str() {
            pieces.push(Piece::Model(model.to_owned()));
        }
        let count = |key: &str| json["usage"][key].as_u64();
        pieces
            .push(Piece::Usage(Usage { prompt: count("prompt_tokens"), answer: count("completion_tokens") }));
        // Only one answer is asked for; others would be mixed into it.
        let choices = json["choices"].as_array().into_iter().flatten();
        for choice in choices.filter(|choice| choice["index"].as_u64().unwrap_or(0) == 0) {
            let said = if choice["delta"].is_object() { &choice["delta"] } else { &choice["message"] };
            words(&said["content"], &mut pieces);
            if let Some(refusal) = said["refusal"].as_str() {
                pieces.push(Piece::Refusal(refusal.to_owned()));
            }
            let calls = said["tool_calls"].as_array().into_iter().flatten().zip(0..);
            pieces.extend(calls.map(|(call, nth)| part_of_call(call, nth)));
            if let Some(reason) = choice["finish_reason"].as_str() {
                pieces.push(Piece::Finish(finish(reason)));
            }
        }
        pieces
    }
}

fn message(message: &Message) -> Value {
    match message {
        Message::User(text) => json!({"role": "user", "content": text}),
        Message::Assistant { text, calls } if calls.is_empty() => {
            json!({"role": "assistant", "content": text})
        }
        Message::Assistant { text, calls } => {
            let call = |ToolCall { id, name, arguments }: &ToolCall| json!({"id": id, "type": "function", "function": {"name": name, "arguments": arguments}});
            let content = (!text.is_empty()).then_some(text);
            json!({"role": "assistant", "content": content, "tool_calls": calls.iter().map(call).collect::<Vec<_>>()})
        }
        Message::ToolResult { id, text } => json!({"role": "tool", "tool_call_id": id, "content": text}),
    }
}

/// There, and neither null nor empty.
fn is_there(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        _ => true,
    }
}

/// Content is a text; a few servers make it a list of parts.
fn words(content: &Value, pieces: &mut Vec<Piece>) {
    match content {
        Value::String(text) => pieces.push(Piece::Text(text.clone())),
        Value::Array(parts) => {
            let texts = parts.iter().filter_map(|part| part["text"].as_str());
            pieces.extend(texts.map(|text| Piece::Text(text.to_owned())));
        }
        _ => {}
    }
}

/// Id and name come once, arguments in parts; some servers leave the index out or send arguments as an object.
fn part_of_call(call: &Value, nth: u64) -> Piece {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let arguments = &call["function"]["arguments"];
    Piece::Call {
        place: call["index"].as_u64().unwrap_or(nth),
        id: text(&call["id"]),
        name: text(&call["function"]["name"]),
        arguments: if arguments.is_object() { arguments.to_string() } else { text(arguments) },
    }
}

fn finish(reason: &str) -> Finish {
    match reason {
        "stop" => Finish::Stop,
        "length" | "model_length" => Finish::Length,
        "tool_calls" | "function_call" => Finish::ToolCalls,
        "content_filter" => Finish::Filtered,
        other => Finish::Other(Clean::new(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advisor::wire::{Provider, ToolSpec};

    fn urls(base: &str, azure: Option<Azure>) -> [String; 2] {
        let (protocol, base) = (ChatCompletions { azure }, Url::parse(base).expect("a URL"));
        [protocol.question_url(&base), protocol.models_url(&base)].map(String::from)
    }

    #[test]
    fn a_version_is_added_to_a_bare_host_only() {
        for (base, api) in [
            ("http://h", "http://h/v1"),
            ("http://h:1/", "http://h:1/v1"),
            ("http://h/v1", "http://h/v1"),
            ("http://h/v1/", "http://h/v1"),
            ("http://h/api/paas/v4/", "http://h/api/paas/v4"),
        ] {
            assert_eq!(urls(base, None), [format!("{api}/chat/completions"), format!("{api}/models")]);
        }
    }

    #[test]
    fn azure_has_the_deployment_in_the_path_and_the_version_in_the_query() {
        let azure = Azure { deployment: "gpt 4/x".into(), api_version: "2024-10-21".into() };
        for base in ["https://r.openai.azure.example", "https://r.openai.azure.example/openai/"] {
            assert_eq!(
                urls(base, Some(azure.clone())),
                [
                    "https://r.openai.azure.example/openai/deployments/gpt%204%2Fx/chat/completions?api-version=2024-10-21",
                    "https://r.openai.azure.example/openai/models?api-version=2024-10-21",
                ]
            );
        }
        assert_eq!(ChatCompletions { azure: Some(azure) }.key_header("k"), ("api-key", "k".to_owned()));
    }

    #[test]
    fn the_body_holds_the_conversation_the_schema_and_the_tools_as_openai_wants_them() {
        let call = ToolCall { id: "c1".into(), name: "events".into(), arguments: "{\"pod\":\"a\"}".into() };
        let ask = Ask {
            system: "s".into(),
            messages: vec![
                Message::User("u".into()),
                Message::Assistant { text: String::new(), calls: vec![call] },
                Message::ToolResult { id: "c1".into(), text: "none".into() },
            ],
            schema: Some(("answer".into(), json!({"type": "object"}))),
            tools: vec![ToolSpec { name: "events".into(), description: "d".into(), parameters: json!({}) }],
            max_tokens: 7,
        };
        let settings = Settings::new(Provider::OpenAi { azure: None }, "http://h", "m");
        let protocol = ChatCompletions { azure: None };
        let full = protocol.body(&settings, &ask, Form { schema: true, completion_tokens: false });
        assert_eq!(
            full,
            json!({
                "model": "m",
                "messages": [
                    {"role": "system", "content": "s"},
                    {"role": "user", "content": "u"},
                    {"role": "assistant", "content": null, "tool_calls": [
                        {"id": "c1", "type": "function", "function": {"name": "events", "arguments": "{\"pod\":\"a\"}"}}]},
                    {"role": "tool", "tool_call_id": "c1", "content": "none"},
                ],
                "stream": true,
                "stream_options": {"include_usage": true},
                "max_tokens": 7,
                "response_format": {"type": "json_schema",
                    "json_schema": {"name": "answer", "strict": true, "schema": {"type": "object"}}},
                "tools": [{"type": "function", "function": {"name": "events", "description": "d", "parameters": {}}}],
            })
        );
        let plain = protocol.body(&settings, &ask, Form { schema: false, completion_tokens: true });
        assert!(plain.get("response_format").is_none() && plain.get("max_tokens").is_none());
        assert_eq!(plain["max_completion_tokens"], 7);
    }
}

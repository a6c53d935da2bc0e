//! Streams as servers and gateways make them: with comments, without ends, with nulls, in pieces and in no stream.

use goaround::advisor::AdvisorError;
use goaround::advisor::wire::{Finish, Provider, Reply, ToolCall};
use serde_json::json;

use super::server::Act;
use super::{OPENAI, asked_of, chunk};

async fn reply(provider: Provider, body: &str) -> Reply {
    asked_of(provider, vec![Act::stream(body)]).await.0.reply()
}

fn finished(reason: &str) -> String {
    format!("data: {{\"choices\":[{{\"index\":0,\"delta\":{{}},\"finish_reason\":\"{reason}\"}}]}}\n\n")
}

fn say(text: &str) -> String {
    chunk(&json!({"content": text}))
}

#[tokio::test]
async fn whatever_stands_between_the_words_the_words_are_the_same() {
    let (a, b, stop, done) = (say("größer "), say("決済 😀"), finished("stop"), "data: [DONE]\n\n");
    let usage = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2}}\n\n";
    for (what, body) in [
        ("nothing", format!("{a}{b}{stop}{usage}{done}")),
        ("comments", format!(": ping\n\n{a}: ping\n{b}:\n\n{stop}{usage}{done}")),
        ("a byte order mark", format!("\u{feff}{a}{b}{stop}{usage}{done}")),
        ("empty lines before", format!("\n\n{a}{b}{stop}{usage}{done}")),
        ("carriage returns", format!("{a}{b}{stop}{usage}{done}").replace('\n', "\r\n")),
        ("only carriage returns", format!("{a}{b}{stop}{usage}{done}").replace('\n', "\r")),
        ("data without a space", format!("{a}{b}{stop}{usage}{done}").replace("data: ", "data:")),
        (
            "data on several lines",
            format!("{a}{b}{stop}{usage}{done}").replace("\"choices\":[", "\"choices\":\ndata: ["),
        ),
        ("no [DONE]", format!("{a}{b}{stop}{usage}")),
        ("no line after the last event", format!("{a}{b}{stop}{}", usage.trim_end())),
        ("names of events", format!("event: chunk\n{a}id: 1\n{b}retry: 5\n{stop}{usage}{done}")),
        ("choices without a choice", format!("data: {{\"choices\":[]}}\n\n{a}{b}{stop}{usage}{done}")),
        ("null choices", format!("data: {{\"choices\":null,\"error\":null}}\n\n{a}{b}{stop}{usage}{done}")),
        ("a null delta", format!("data: {{\"choices\":[{{\"delta\":null}}]}}\n\n{a}{b}{stop}{usage}{done}")),
        (
            "null content",
            format!("{}{a}{b}{stop}{usage}{done}", chunk(&json!({"role": "assistant", "content": null}))),
        ),
        ("null usage", format!("{a}data: {{\"choices\":[],\"usage\":null}}\n\n{b}{stop}{usage}{done}")),
        ("usage before the words", format!("{usage}{a}{b}{stop}{done}")),
        (
            "content in parts",
            format!(
                "{}{b}{stop}{usage}{done}",
                chunk(&json!({"content": [{"type": "text", "text": "größer "}]}))
            ),
        ),
        (
            "thinking",
            format!(
                "{}{a}{b}{stop}{usage}{done}",
                chunk(&json!({"reasoning_content": "hm", "content": null}))
            ),
        ),
        (
            "another answer",
            format!(
                "{a}data: {{\"choices\":[{{\"index\":1,\"delta\":{{\"content\":\"no\"}}}}]}}\n\n{b}{stop}{usage}{done}"
            ),
        ),
        (
            "events of nobody",
            format!(
                "{a}data: {{\"object\":\"x\"}}\n\ndata: 7\n\ndata: no json\n\ndata:\n\n{b}{stop}{usage}{done}"
            ),
        ),
        ("words after the end", format!("{a}{b}{stop}{usage}{done}{a}")),
    ] {
        let reply = reply(OPENAI, &body).await;
        assert_eq!(
            (reply.text.as_str(), &reply.finish, &reply.cut),
            ("größer 決済 😀", &Finish::Stop, &None),
            "{what}"
        );
        assert_eq!((reply.usage.prompt, reply.usage.answer), (Some(3), Some(2)), "{what}");
    }
}

#[tokio::test]
async fn every_reason_to_stop_is_told() {
    for (reason, finish) in [
        ("stop", Finish::Stop),
        ("length", Finish::Length),
        ("tool_calls", Finish::ToolCalls),
        ("function_call", Finish::ToolCalls),
        ("content_filter", Finish::Filtered),
        ("eos\u{1b}", Finish::Other("eos\u{1b}".into())),
    ] {
        let body = format!("{}{}data: [DONE]\n\n", say("x"), finished(reason).replace('\u{1b}', "\\u001b"));
        assert_eq!(reply(OPENAI, &body).await.finish, finish);
    }
    for (reason, finish) in [
        ("end_turn", Finish::Stop),
        ("stop_sequence", Finish::Stop),
        ("max_tokens", Finish::Length),
        ("model_context_window_exceeded", Finish::Length),
        ("tool_use", Finish::ToolCalls),
        ("refusal", Finish::Refused("".into())),
        ("pause_turn", Finish::Other("pause_turn".into())),
    ] {
        let body = format!(
            "data: {{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{{\"type\":\"text_delta\",\"text\":\"x\"}}}}\n\n\
             event: ping\ndata: {{\"type\":\"ping\"}}\n\n\
             data: {{\"type\":\"message_delta\",\"delta\":{{\"stop_reason\":\"{reason}\"}}}}\n\n\
             data: {{\"type\":\"message_stop\"}}\n\n"
        );
        assert_eq!(reply(Provider::Anthropic, &body).await.finish, finish);
    }
}

#[tokio::test]
async fn a_missing_reason_is_missing_and_a_stream_without_any_end_is_cut() {
    let marked = reply(OPENAI, &format!("{}data: [DONE]\n\n", say("x"))).await;
    assert_eq!((marked.finish, marked.cut), (Finish::Missing, None));
    let cut = reply(OPENAI, &say("x")).await;
    assert_eq!(cut.finish, Finish::Missing);
    assert_eq!(cut.cut.expect("a reason").as_str(), "the stream ended before the answer did");
}

#[tokio::test]
async fn a_refusal_is_an_answer_with_its_words() {
    let body = format!(
        "{}{}{}",
        chunk(&json!({"content": null, "refusal": "I'd rather "})),
        chunk(&json!({"refusal": "not."})),
        finished("stop")
    );
    let refused = reply(OPENAI, &body).await;
    assert_eq!((refused.text.as_str(), refused.finish), ("", Finish::Refused("I'd rather not.".into())));
    let filtered = reply(OPENAI, &finished("content_filter")).await;
    assert_eq!((filtered.text.as_str(), filtered.finish), ("", Finish::Filtered));
    let body = "data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"refusal\"}}\n\n";
    assert_eq!(reply(Provider::Anthropic, body).await.finish, Finish::Refused("".into()));
}

fn call(id: &str, name: &str, arguments: &str) -> ToolCall {
    ToolCall { id: id.into(), name: name.into(), arguments: arguments.into() }
}

#[tokio::test]
async fn calls_of_tools_that_nobody_offered_are_told_all_the_same() {
    let part = |part: serde_json::Value| chunk(&json!({"tool_calls": [part]}));
    let body = [
        part(json!({"index": 0, "id": "a", "function": {"name": "logs", "arguments": ""}})),
        part(json!({"index": 1, "id": "b", "function": {"name": "exec"}})),
        part(json!({"index": 0, "function": {"arguments": "{\"po"}})),
        part(json!({"index": 1, "function": {"arguments": "rm -rf"}})),
        part(json!({"index": 0, "id": null, "function": {"arguments": "d\":1}"}})),
        finished("tool_calls"),
    ]
    .concat();
    let reply_ = reply(OPENAI, &body).await;
    assert_eq!(reply_.calls, [call("a", "logs", "{\"pod\":1}"), call("b", "exec", "rm -rf")]);
    assert_eq!((reply_.text.as_str(), reply_.finish), ("", Finish::ToolCalls));

    // No index but ids; no id; arguments as an object.
    let body = [
        part(json!({"id": "a", "function": {"name": "logs", "arguments": "{}"}})),
        part(json!({"id": "b", "function": {"name": "logs", "arguments": {"n": 1}}})),
        part(json!({"index": 7, "function": {"name": "events"}})),
    ]
    .concat();
    let reply_ = reply(OPENAI, &format!("{body}data: [DONE]\n\n")).await;
    assert_eq!(
        reply_.calls,
        [call("a", "logs", "{}"), call("b", "logs", "{\"n\":1}"), call("call_2", "events", "")]
    );

    let event = |event: serde_json::Value| format!("event: x\ndata: {event}\n\n");
    let body = [
        event(json!({"type": "content_block_start", "index": 1,
            "content_block": {"type": "tool_use", "id": "t", "name": "logs", "input": {}}})),
        event(json!({"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "hm"}})),
        event(json!({"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": ""}})),
        event(json!({"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": "{\"a\""}})),
        event(json!({"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": ":2}"}})),
        event(json!({"type": "message_delta", "delta": {"stop_reason": "tool_use"}})),
        event(json!({"type": "message_stop"})),
    ]
    .concat();
    let reply_ = reply(Provider::Anthropic, &body).await;
    assert_eq!((reply_.calls, reply_.finish), (vec![call("t", "logs", "{\"a\":2}")], Finish::ToolCalls));
}

#[tokio::test]
async fn bytes_that_are_no_text_are_replaced() {
    let mut body = say("a#b").into_bytes();
    let at = body.iter().position(|byte| *byte == b'#').expect("the mark");
    body[at] = 0xff;
    body.extend_from_slice(finished("stop").as_bytes());
    let act = Act::Write(super::server::stream_head(&body));
    assert_eq!(asked_of(OPENAI, vec![act]).await.0.reply().text, "a\u{fffd}b");
}

#[tokio::test]
async fn an_answer_that_was_not_streamed_is_understood() {
    let whole = json!({"model": "m1", "usage": {"prompt_tokens": 3, "completion_tokens": 2}, "choices": [
        {"index": 0, "finish_reason": "tool_calls", "message": {"content": "yes", "refusal": null, "tool_calls": [
            {"id": "a", "function": {"name": "logs", "arguments": "{}"}},
            {"id": "b", "function": {"name": "logs", "arguments": "{}"}}]}}]});
    for kind in ["application/json", "text/event-stream", "text/plain"] {
        let act = Act::answer(200, &format!("content-type: {kind}\r\n"), &format!("\n{whole}\n"));
        let asked = asked_of(OPENAI, vec![act]).await.0;
        assert_eq!(asked.words(), "yes");
        let reply = asked.reply();
        assert_eq!((reply.calls.len(), &reply.finish, &reply.cut), (2, &Finish::ToolCalls, &None), "{kind}");
        assert_eq!((reply.model.as_str(), reply.usage.prompt), ("m1", Some(3)));
    }
}

#[tokio::test]
async fn an_answer_without_a_word_is_no_answer() {
    for (provider, body, part) in [
        (OPENAI, finished("stop"), "it stopped before a word"),
        (OPENAI, "data: [DONE]\n\n".to_owned(), "it stopped before a word"),
        (OPENAI, finished("length"), "no tokens were left"),
        (OPENAI, finished("length"), "raise answer_tokens"),
        (OPENAI, "{}".to_owned(), "it stopped before a word"),
        (Provider::Anthropic, "data: {\"type\":\"message_stop\"}\n\n".to_owned(), "it stopped before a word"),
    ] {
        let error = asked_of(provider, vec![Act::stream(&body)]).await.0.error();
        assert!(matches!(error, AdvisorError::Empty { .. }), "{error:?}");
        assert!(error.to_string().contains(part), "{error}");
    }
}

#[tokio::test]
async fn what_is_no_answer_of_this_protocol_is_shown_by_its_beginning() {
    for body in ["data: hello\n\n", "hello there", "{\"a\": 1}\n{\"b\": 2}\n"] {
        let error = asked_of(OPENAI, vec![Act::stream(body)]).await.0.error();
        let empty = body == "hello there" && matches!(error, AdvisorError::Broke { .. });
        assert!(empty || matches!(error, AdvisorError::Shape { .. }), "{body}: {error}");
    }
}

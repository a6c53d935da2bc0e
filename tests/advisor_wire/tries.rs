//! What is sent again, how often, and what never is.

use std::time::Duration;

use goaround::advisor::AdvisorError;
use goaround::advisor::wire::Finish;
use serde_json::json;

use super::server::{Act, Server, stream_head};
use super::{LONG, OPENAI, Provider, asked_of, asked_within, chunk, client, one_word, settings};

const SOON: &str = "retry-after-ms: 1\r\n";

fn busy(status: u16, headers: &str) -> Act {
    Act::answer(status, headers, "{\"error\":{\"message\":\"busy\",\"type\":\"x\"}}")
}

#[tokio::test]
async fn what_may_pass_is_tried_again_twice_and_said() {
    for status in [408, 409, 429, 500, 502, 503, 529] {
        let acts = vec![busy(status, SOON), busy(status, "retry-after: 0.001\r\n"), one_word()];
        let (asked, server) = asked_of(OPENAI, acts).await;
        let tries = asked.tries();
        assert_eq!(tries.len(), 2, "{status}");
        for (why, after) in tries {
            assert!(why.contains("busy") && after == Duration::from_millis(1), "{why} {after:?}");
        }
        assert_eq!((asked.reply().text.as_str(), server.requests().len()), ("yes", 3));
    }
    let (asked, server) = asked_of(OPENAI, (0..4).map(|_| busy(503, SOON)).collect()).await;
    assert_eq!(server.connections(), 3);
    assert!(matches!(asked.error(), AdvisorError::Unavailable { status: 503, .. }));
}

#[tokio::test]
async fn a_server_says_itself_whether_to_try_again() {
    let (asked, server) = asked_of(OPENAI, vec![busy(503, "x-should-retry: false\r\n")]).await;
    assert!(asked.ended.is_err() && server.connections() == 1);
    let again = format!("x-should-retry: true\r\n{SOON}");
    let (asked, server) = asked_of(OPENAI, vec![busy(418, &again), one_word()]).await;
    assert_eq!((asked.reply().text.as_str(), server.connections()), ("yes", 2));
}

#[tokio::test]
async fn a_spent_account_is_not_asked_again_whatever_the_server_says() {
    for (status, body) in [
        (429, r#"{"error":{"message":"You exceeded your current quota","code":"insufficient_quota"}}"#),
        (
            400,
            r#"{"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low"}}"#,
        ),
        (429, r#"{"error":{"type":"rate_limit_error","message":"You have reached your spend limit."}}"#),
        (402, r#"{"error":{"type":"billing_error","message":"no"}}"#),
    ] {
        let act = Act::answer(status, &format!("x-should-retry: true\r\n{SOON}"), body);
        let (asked, server) = asked_of(OPENAI, vec![act]).await;
        let error = asked.error();
        assert!(matches!(error, AdvisorError::Quota { .. }), "{error:?}");
        assert_eq!(server.connections(), 1);
    }
}

#[tokio::test]
async fn a_limited_rate_is_no_spent_account_even_if_it_speaks_of_payment() {
    let body = r#"{"error":{"message":"Rate limit reached for m on tokens per min. You can increase it by adding a payment method at https://openai.example/account/billing.","code":"rate_limit_exceeded"}}"#;
    let (asked, _) = asked_of(OPENAI, vec![Act::answer(429, SOON, body), one_word()]).await;
    assert_eq!(asked.reply().text, "yes");
}

#[tokio::test]
async fn a_wait_that_is_too_long_is_not_waited_but_told() {
    let date = "date: Sat, 21 Nov 2026 10:28:49 GMT\r\n";
    for (headers, wait) in [
        ("retry-after: 61\r\n".to_owned(), 61),
        (format!("{date}retry-after: Sat, 21 Nov 2026 10:29:59 GMT\r\n"), 70),
        ("retry-after-ms: 99000\r\n".to_owned(), 99),
        // Longer than is ever waited.
        ("retry-after: 3600\r\n".to_owned(), 3_600),
    ] {
        let (asked, server) = asked_of(OPENAI, vec![busy(429, &headers)]).await;
        let error = asked.error();
        let told =
            matches!(&error, AdvisorError::RateLimit { wait: Some(told), .. } if told.as_secs() == wait);
        assert!(told && error.to_string().contains(&format!("ask again after {wait} s")), "{error}");
        assert_eq!(server.connections(), 1, "{headers}");
    }
}

#[tokio::test]
async fn a_connection_that_breaks_before_a_word_is_tried_again() {
    let cut = b"HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n: ping\n\n".to_vec();
    for first in [Act::Close, Act::Write(Vec::new()), Act::Write(cut), Act::stream(": ping\n\n")] {
        let (asked, server) = asked_of(OPENAI, vec![first, one_word()]).await;
        assert_eq!(asked.tries().len(), 1, "{:?}", asked.heard);
        assert_eq!((asked.reply().text.as_str(), server.connections()), ("yes", 2));
    }
}

#[tokio::test]
async fn nothing_is_tried_again_once_a_word_was_heard() {
    let word = chunk(&json!({"content": "well"}));
    let cut = format!("HTTP/1.1 200 OK\r\ncontent-length: 9000\r\n\r\n{word}");
    let trouble = format!("{word}data: {{\"error\":{{\"message\":\"out of memory\",\"code\":500}}}}\n\n");
    for (act, why) in [
        (Act::Write(cut.into_bytes()), "the connection broke: "),
        (Act::stream(&word), "the stream ended before the answer did"),
        (Act::stream(&trouble), "the server broke off: out of memory"),
    ] {
        let (asked, server) = asked_of(OPENAI, vec![act, one_word()]).await;
        assert_eq!((asked.words().as_str(), asked.tries().len(), server.connections()), ("well", 0, 1));
        let reply = asked.reply();
        assert_eq!((reply.text.as_str(), reply.finish), ("well", Finish::Missing));
        assert!(reply.cut.expect("a reason").as_str().starts_with(why), "{why}");
    }
}

#[tokio::test]
async fn an_error_inside_a_stream_before_its_first_word_counts_as_the_status_that_it_stands_for() {
    let openai = |error: serde_json::Value| Act::stream(&format!("data: {}\n\n", json!({"error": error})));
    let anthropic = |kind: &str| {
        let error = json!({"type": "error", "error": {"type": kind, "message": "m"}});
        Act::stream(&format!("event: error\ndata: {error}\n\n"))
    };
    for (provider, act, retried) in [
        (OPENAI, openai(json!({"message": "m", "type": "server_error", "code": null})), true),
        (OPENAI, openai(json!({"message": "m", "code": 503})), true),
        (OPENAI, openai(json!({"message": "m", "code": "rate_limit_exceeded"})), true),
        (OPENAI, openai(json!({"message": "m", "code": "insufficient_quota"})), false),
        (OPENAI, openai(json!({"message": "m", "type": "invalid_request_error"})), false),
        (OPENAI, Act::answer(200, "content-type: application/json\r\n", "{\"error\":\"m\"}"), true),
        (Provider::Anthropic, anthropic("overloaded_error"), true),
        (Provider::Anthropic, anthropic("api_error"), true),
        (Provider::Anthropic, anthropic("authentication_error"), false),
    ] {
        // The answer to a second request is the same refusal for good, so that one look is enough.
        let last = Act::answer(400, "", "{\"error\":{\"message\":\"enough\"}}");
        let (asked, server) = asked_of(provider, vec![act, last]).await;
        assert_eq!(
            (asked.tries().len(), server.connections()),
            (usize::from(retried), 1 + usize::from(retried))
        );
        assert_eq!(asked.error().to_string().contains("enough"), retried);
    }
}

#[tokio::test]
async fn a_server_that_knows_no_schema_is_asked_once_more_without_it() {
    for (provider, field) in [(OPENAI, "response_format"), (Provider::Anthropic, "output_config")] {
        let body = format!(
            "{{\"error\":{{\"message\":\"unknown field {field}\",\"type\":\"invalid_request_error\"}}}}"
        );
        let acts = vec![Act::answer(400, "", &body), Act::answer(400, "", &body), one_word()];
        let (asked, server) = asked_of(provider, acts).await;
        let bodies = server.bodies();
        assert_eq!(bodies.len(), 2);
        assert!(bodies[0].get(field).is_some() && bodies[1].get(field).is_none());
        let tries = asked.tries();
        assert!(tries.len() == 1 && tries[0].0.starts_with("without a schema, because "), "{tries:?}");
        assert!(asked.error().to_string().contains("set schema = false"));
    }
}

#[tokio::test]
async fn a_server_that_wants_the_other_name_of_the_limit_gets_it_from_then_on() {
    let body = r#"{"error":{"message":"Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.","type":"invalid_request_error","param":"max_tokens"}}"#;
    let server = Server::start(vec![Act::answer(400, "", body), one_word(), one_word()]).await;
    let client = client(settings(OPENAI, &server.url)).await;
    for _ in 0..2 {
        assert_eq!(asked_within(&client, LONG).await.reply().text, "yes");
    }
    let names: Vec<bool> =
        server.bodies().iter().map(|body| body.get("max_completion_tokens").is_some()).collect();
    assert_eq!(names, [false, true, true]);
    assert!(server.bodies().iter().all(|body| body.get("response_format").is_some()));
}

#[tokio::test]
async fn a_flood_of_words_may_come_in_one_piece_with_the_head() {
    let words: String = (0..500).map(|n| chunk(&json!({"content": format!("{n} ")}))).collect();
    let (asked, _) =
        asked_of(OPENAI, vec![Act::Write(stream_head(format!("{words}data: [DONE]\n\n").as_bytes()))]).await;
    assert_eq!(asked.heard.len(), 500);
    assert!(asked.reply().text.ends_with("498 499 "));
}

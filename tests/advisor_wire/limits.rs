//! Time, size, and what happens when nobody waits any longer.

use std::time::Duration;

use goaround::advisor::{AdvisorError, ask};
use serde_json::json;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::server::{Act, Server, stream_head};
use super::{LONG, OPENAI, asked_of, asked_within, chunk, client, one_word, question, settings};

/// Short, for limits that are meant to be reached.
const SHORT: Duration = Duration::from_millis(300);

#[tokio::test]
async fn a_server_that_says_nothing_is_left_after_the_budget_for_the_first_word() {
    let thinking = chunk(&json!({"reasoning_content": "hm", "content": null})).into_bytes();
    for act in [
        Act::Hang(Vec::new()),
        Act::Hang(stream_head(b": ping\n\n")),
        Act::Hang(b"HTTP/1.1 503 X\r\ncontent-length: 900\r\n\r\n".to_vec()),
        Act::Flood(stream_head(b""), thinking),
        Act::Flood(stream_head(b""), b": ping\n\n".to_vec()),
    ] {
        let is_refusal = matches!(&act, Act::Hang(head) if head.starts_with(b"HTTP/1.1 503"));
        let mut server = Server::start(vec![act]).await;
        let mut settings = settings(OPENAI, &server.url);
        settings.budget.first_token = SHORT;
        let asked = asked_within(&client(settings).await, LONG).await;
        server.closed().await;
        if is_refusal {
            // Its status is an answer, its words are not waited for; then the port is as good as closed.
            assert!(!asked.tries().is_empty());
            continue;
        }
        let error = asked.error();
        assert!(matches!(error, AdvisorError::Silent { within: SHORT, .. }), "{error:?}");
        assert!(
            error.to_string().contains("said nothing within 0.3 s")
                && error.to_string().contains("first_token")
        );
    }
}

#[tokio::test]
async fn without_a_word_until_the_deadline_there_is_no_answer() {
    let server = Server::start(vec![Act::Hang(Vec::new())]).await;
    let asked = asked_within(&client(settings(OPENAI, &server.url)).await, SHORT).await;
    let error = asked.error();
    assert!(
        matches!(error, AdvisorError::Silent { .. }) && error.to_string().contains("raise whole"),
        "{error}"
    );
}

#[tokio::test]
async fn what_was_said_until_the_deadline_is_the_answer() {
    let mut server =
        Server::start(vec![Act::Hang(stream_head(chunk(&json!({"content": "well"})).as_bytes()))]).await;
    let client = client(settings(OPENAI, &server.url)).await;
    let asked = asked_within(&client, Duration::from_secs(3)).await;
    server.closed().await;
    assert_eq!(asked.words(), "well");
    let reply = asked.reply();
    assert_eq!((reply.text.as_str(), reply.cut.expect("a reason").as_str()), ("well", "cut after 3 s"));
}

#[tokio::test]
async fn an_endless_answer_is_cut() {
    let words = chunk(&json!({"content": "x".repeat(60_000)})).into_bytes();
    let line = vec![b'x'; 60_000];
    for (flood, cut) in [
        (words, "the answer is larger than 4 MiB"),
        ([b"data: ".to_vec(), line.clone()].concat(), "one event of the answer is larger than 1 MiB"),
    ] {
        let first = stream_head(chunk(&json!({"content": "well"})).as_bytes());
        let (asked, mut server) = asked_of(OPENAI, vec![Act::Flood(first, flood)]).await;
        server.closed().await;
        let reply = asked.reply();
        assert!(reply.text.starts_with("well") && reply.text.len() <= 4 << 20, "{}", reply.text.len());
        assert_eq!(reply.cut.expect("a reason").as_str(), cut);
    }
    // Without a word, as one line, one call, or one JSON text.
    let call = chunk(&json!({"tool_calls": [{"index": 0, "function": {"arguments": "x".repeat(60_000)}}]}));
    for (first, flood, has_call) in
        [("data: ", &line, false), ("{\"choices\": \"", &line, false), ("", &call.into_bytes(), true)]
    {
        let act = Act::Flood(stream_head(first.as_bytes()), flood.clone());
        let (asked, mut server) = asked_of(OPENAI, vec![act]).await;
        server.closed().await;
        match asked.ended {
            Ok(reply) => assert!(has_call && reply.cut.is_some()),
            Err(error) => assert!(matches!(error, AdvisorError::Shape { .. }) && !has_call, "{error}"),
        }
    }
}

#[tokio::test]
async fn dropping_the_question_closes_the_socket_at_once() {
    let word = chunk(&json!({"content": "well"}));
    // Before the head, after it, and after words.
    for (act, waits_for_a_word) in [
        (Act::Hang(Vec::new()), false),
        (Act::Hang(stream_head(b": ping\n\n")), false),
        (Act::Hang(stream_head(word.as_bytes())), true),
    ] {
        let mut server = Server::start(vec![act, one_word()]).await;
        let client = client(settings(OPENAI, &server.url)).await;
        let (first, mut heard) = oneshot::channel();
        let mut first = Some(first);
        let mut on = |_| {
            if let Some(first) = first.take() {
                let _ = first.send(());
            }
        };
        let question = question();
        let mut asking = Box::pin(ask(&client, &question, Instant::now() + LONG, &mut on));
        loop {
            let arrived =
                if waits_for_a_word { heard.try_recv().is_ok() } else { !server.requests().is_empty() };
            if arrived {
                break;
            }
            // Drives the question a little further.
            assert!(tokio::time::timeout(Duration::from_millis(5), &mut asking).await.is_err());
        }
        drop(asking);
        server.closed().await;
        assert_eq!(asked_within(&client, LONG).await.reply().text, "yes");
    }
}

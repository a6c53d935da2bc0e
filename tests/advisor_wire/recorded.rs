//! What a real server sent says the same however it is split.

use goaround::advisor::protocol::Listening;
use goaround::advisor::wire::{Finish, Provider, Reply};

use super::server::{Act, stream_head};
use super::{OPENAI, asked_of};

/// A recorded exchange, and what is in it.
struct Recorded {
    file: &'static str,
    provider: Provider,
    /// How the words begin and end.
    words: (&'static str, &'static str),
    finish: Finish,
    /// Tokens of prompt and answer, where they were counted.
    tokens: Option<(u64, u64)>,
    /// Tools that are called.
    calls: &'static [(&'static str, &'static str)],
}

fn recordings() -> Vec<Recorded> {
    let recorded = |file, provider, words, finish, tokens| Recorded {
        file,
        provider,
        words,
        finish,
        tokens,
        calls: &[],
    };
    let tools = recorded(
        "tools-stream.txt",
        OPENAI,
        ("Here is a sample of a rollout history", "namespace:\n\n```\n"),
        Finish::Length,
        None,
    );
    let arguments = "{\n    \"namespace\": \"demo-slo\",\n    \"deployment\": \"api-gateway\"\n}";
    vec![
        recorded(
            "smol135-rewrite-0.sse",
            OPENAI,
            ("{\"rationale\": \"Errors rose from 0.02% to 9.9% [E4]", "Roll back to revision 6.\"}"),
            Finish::Stop,
            Some((585, 98)),
        ),
        recorded("smol135-schema-t07-s1.sse", OPENAI, ("{\n", "24.69.86."), Finish::Length, Some((403, 400))),
        Recorded { calls: Box::leak(Box::new([("rollout_history", arguments)])), ..tools },
        recorded(
            "anth-stream.txt",
            Provider::Anthropic,
            ("I'm ready to help.", "?"),
            Finish::Length,
            Some((21, 12)),
        ),
        recorded(
            "anth-tools.txt",
            Provider::Anthropic,
            ("", " is ready to be deployed to the"),
            Finish::Length,
            Some((222, 80)),
        ),
        recorded(
            "anth-json.txt",
            Provider::Anthropic,
            ("The errors after deploy", "was fixed in 2"),
            Finish::Length,
            Some((40, 60)),
        ),
    ]
}

/// The raw body of a recorded answer.
pub fn body(file: &str) -> String {
    let path = format!("{}/tests/fixtures/llm/{file}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).expect("a recording");
    let begins = |line: &str| ["data:", "event:", "{"].iter().any(|start| line.starts_with(start));
    let before: usize = text.split_inclusive('\n').take_while(|line| !begins(line)).map(str::len).sum();
    text[before..].to_owned()
}

fn whole(provider: &Provider, pieces: &[&[u8]]) -> (String, Listening) {
    let (mut words, mut listening) = (String::new(), Listening::new(provider));
    for piece in pieces {
        listening.feed(piece, &mut |text| words.push_str(text));
    }
    listening.end(&mut |text| words.push_str(text));
    (words, listening)
}

fn check(recorded: &Recorded, reply: &Reply) {
    let Recorded { file, words: (begin, end), finish, tokens, calls, .. } = recorded;
    assert!(reply.text.starts_with(begin) && reply.text.ends_with(end), "{file}: {:?}", reply.text);
    assert_eq!((&reply.finish, &reply.cut), (finish, &None), "{file}");
    assert_eq!(reply.model, "smollm2-135m-instruct.q4_1", "{file}");
    assert_eq!((reply.usage.prompt, reply.usage.answer), tokens.unzip(), "{file}");
    let called: Vec<_> =
        reply.calls.iter().map(|call| (call.name.as_str(), call.arguments.as_str())).collect();
    assert_eq!(called, *calls, "{file}");
}

#[test]
fn every_recording_says_what_was_recorded() {
    for recorded in recordings() {
        let (words, listening) = whole(&recorded.provider, &[body(recorded.file).as_bytes()]);
        let reply = listening.reply(None);
        assert_eq!(words, reply.text, "{}", recorded.file);
        check(&recorded, &reply);
    }
}

/// A split matters to the event in which it is only: so each event is split at each byte, after all that came before
/// it, and must leave the same behind as in one piece.
#[test]
fn every_recording_split_at_any_byte_is_the_same() {
    for Recorded { file, provider, .. } in recordings() {
        let body = body(file);
        let mut so_far = Listening::new(&provider);
        for event in body.split_inclusive("\n\n").map(str::as_bytes) {
            let (mut words, mut after) = (String::new(), so_far.clone());
            after.feed(event, &mut |text| words.push_str(text));
            for at in 1..event.len() {
                let (mut split_words, mut split) = (String::new(), so_far.clone());
                split.feed(&event[..at], &mut |text| split_words.push_str(text));
                split.feed(&event[at..], &mut |text| split_words.push_str(text));
                assert!(
                    split.so_far() == after.so_far() && split_words == words,
                    "{file}: split at {at} of an event"
                );
            }
            so_far = after;
        }
        let one_by_one: Vec<&[u8]> = body.as_bytes().chunks(1).collect();
        let (in_bytes, in_one) = (whole(&provider, &one_by_one), whole(&provider, &[body.as_bytes()]));
        assert!(in_bytes.0 == in_one.0 && in_bytes.1.so_far() == in_one.1.so_far(), "{file}: byte by byte");
    }
}

#[test]
fn a_short_recording_in_any_two_pieces_is_the_same() {
    let body = body("anth-stream.txt");
    let (words, listening) = whole(&Provider::Anthropic, &[body.as_bytes()]);
    for at in 0..=body.len() {
        let (one, two) = body.as_bytes().split_at(at);
        let split = whole(&Provider::Anthropic, &[one, two]);
        assert!(split.0 == words && split.1.so_far() == listening.so_far(), "split at {at}");
    }
}

#[tokio::test]
async fn every_recording_arrives_over_http_as_it_was_recorded() {
    for recorded in recordings() {
        let act = Act::Write(stream_head(body(recorded.file).as_bytes()));
        let (asked, server) = asked_of(recorded.provider.clone(), vec![act]).await;
        let words = asked.words();
        let reply = asked.reply();
        assert_eq!((words, server.connections()), (reply.text.clone(), 1), "{}", recorded.file);
        check(&recorded, &reply);
    }
}

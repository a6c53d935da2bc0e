//! The advisor's wire against a real server with a real, small model that speaks like OpenAI's. What the model says is
//! never looked at, only how it arrives. Runs where `GOAROUND_MODEL_URL` names such a server; where the server wants a
//! key, `GOAROUND_MODEL_KEY` holds it.

#![expect(clippy::disallowed_methods, reason = "it is asked for by variables")]

use std::io::Write as _;
use std::time::Duration;

use goaround::advisor::wire::{Ask, Finish, Heard, KeyFrom, Message, Provider, Reply, Settings};
use goaround::advisor::{AdvisorError, Client, ask, converse, probe};
use goaround::domain::Time;
use goaround::domain::advice::{Advice, Brief, BriefId, Candidate, Ending, Purpose, Share};
use goaround::domain::cluster::Key;
use goaround::domain::evidence::EvidenceList;
use goaround::domain::value::Value as Measured;
use goaround::domain::verdict::{Offer, Verdict};
use goaround::engine::Event;
use serde_json::{Value, json};
use tokio::sync::{Mutex, MutexGuard, mpsc};
use tokio::time::Instant;

const URL: &str = "GOAROUND_MODEL_URL";
const KEY: &str = "GOAROUND_MODEL_KEY";
/// A small model on a busy machine takes its time.
const WHOLE: Duration = Duration::from_secs(300);

/// One question at a time: such a server often has one slot.
static TURN: Mutex<()> = Mutex::const_new(());

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

async fn turn() -> MutexGuard<'static, ()> {
    goaround::shell::tls::install();
    TURN.lock().await
}

fn settings(url: String) -> Settings {
    let model = variable("GOAROUND_MODEL").unwrap_or_else(|| "smollm2-135m-instruct.q4_1".into());
    let mut settings = Settings::new(Provider::OpenAi { azure: None }, url, model);
    settings.key = variable(KEY).map(|_| KeyFrom::Env(KEY.into()));
    settings.budget.first_token = Duration::from_secs(60);
    settings.budget.whole = WHOLE;
    settings.extra.insert("temperature".into(), json!(0));
    // A hit in the prompt's cache changes what temperature 0 says.
    settings.extra.insert("cache_prompt".into(), json!(false));
    settings
}

async fn client() -> Option<Client> {
    Some(Client::new(settings(variable(URL)?)).await.expect("a client"))
}

fn question(schema: Option<Value>, max_tokens: u32) -> Ask {
    let facts =
        "[E1] errors 0.02% before, 99.8% after\n[E2] revision 7 was deployed 4 minutes before the alert\n";
    Ask {
        system: "You explain a decision to roll back. Use only the facts.".into(),
        messages: vec![Message::User(format!(
            "{facts}Explain in two sentences why revision 7 is rolled back."
        ))],
        schema: schema.map(|schema| ("rationale".to_owned(), schema)),
        tools: Vec::new(),
        max_tokens,
    }
}

/// What was heard, and how it ended; prints when the first word came and when the last.
async fn asked(client: &Client, question: &Ask) -> (Vec<String>, Result<Reply, AdvisorError>) {
    let begun = Instant::now();
    let (mut texts, mut first) = (Vec::new(), None);
    let mut on = |heard| {
        if let Heard::Text(text) = heard {
            first.get_or_insert_with(|| begun.elapsed());
            texts.push(text);
        }
    };
    let reply = ask(client, question, begun + WHOLE, &mut on).await;
    let usage = reply.as_ref().map(|reply| reply.usage);
    println!("measured: first word after {first:?}, whole after {:?}, {usage:?}", begun.elapsed());
    (texts, reply)
}

#[test]
fn without_a_server_nothing_here_runs_and_that_is_said() {
    if variable(URL).is_none() {
        // Not through the macros, whose output nobody sees when a test passes.
        let words = "\n#### tests/small_model.rs: NOT RUN. Start any OpenAI-compatible server and set \
                     GOAROUND_MODEL_URL=http://127.0.0.1:PORT (and GOAROUND_MODEL, GOAROUND_MODEL_KEY).\n";
        std::io::stderr().write_all(words.as_bytes()).expect("stderr");
    }
}

#[tokio::test]
async fn the_server_is_found_with_its_model_and_without_one_that_it_has_not() {
    let _turn = turn().await;
    let Some(client) = client().await else { return };
    let probed = probe(&client).await.expect("a server");
    assert!(probed.said.as_str().contains(&client.settings().model), "{probed:?}");
    let mut settings = client.settings().clone();
    settings.model = "no-such-model".into();
    let probed = probe(&Client::new(settings).await.expect("a client")).await.expect("a server");
    assert_ne!(probed.listed, Some(true));
}

#[tokio::test]
async fn words_stream_and_together_they_are_the_answer() {
    let _turn = turn().await;
    let Some(client) = client().await else { return };
    let (texts, reply) = asked(&client, &question(None, 80)).await;
    let reply = reply.expect("an answer");
    assert!(texts.len() > 1, "{texts:?}");
    assert_eq!(texts.concat(), reply.text);
    assert!(matches!(reply.finish, Finish::Stop | Finish::Length), "{reply:?}");
    assert_eq!((reply.cut, reply.calls), (None, Vec::new()));
    assert!(reply.usage.prompt.is_some_and(|tokens| tokens > 20), "{:?}", reply.usage);
    assert!(reply.usage.answer.is_some_and(|tokens| tokens > 1), "{:?}", reply.usage);
    assert!(!reply.model.is_empty());
}

/// Some such servers speak Anthropic's protocol too.
#[tokio::test]
async fn the_same_server_streams_as_anthropic_does_where_it_can() {
    let _turn = turn().await;
    let Some(client) = client().await else { return };
    let mut settings = client.settings().clone();
    settings.provider = Provider::Anthropic;
    let client = Client::new(settings).await.expect("a client");
    let (texts, reply) = asked(&client, &question(None, 40)).await;
    match reply {
        Ok(reply) => {
            assert!(texts.len() > 1 && texts.concat() == reply.text, "{texts:?}");
            assert!(
                matches!(reply.finish, Finish::Stop | Finish::Length) && reply.cut.is_none(),
                "{reply:?}"
            );
        }
        Err(error) => assert!(matches!(error, AdvisorError::NotFound { .. }), "{error}"),
    }
}

#[tokio::test]
async fn an_answer_keeps_to_the_schema_unless_its_tokens_run_out() {
    let _turn = turn().await;
    let Some(client) = client().await else { return };
    let causes = ["bad_deploy", "traffic", "dependency"];
    let schema = json!({"type": "object", "additionalProperties": false, "required": ["cause", "rationale"],
        "properties": {"cause": {"enum": causes}, "rationale": {"type": "string", "maxLength": 200}}});
    let (texts, reply) = asked(&client, &question(Some(schema), 200)).await;
    let reply = reply.expect("an answer");
    assert!(texts.len() > 1);
    if reply.finish != Finish::Length {
        let answer: Value = serde_json::from_str(&reply.text).expect("JSON");
        assert!(causes.iter().any(|cause| answer["cause"] == **cause), "{answer}");
        assert!(answer["rationale"].is_string() && answer.as_object().map(serde_json::Map::len) == Some(2));
    }
}

#[tokio::test]
async fn an_answer_that_nobody_waits_for_frees_its_place() {
    let _turn = turn().await;
    let Some(client) = client().await else { return };
    let long = question(None, 4_000);
    let (first, heard) = tokio::sync::oneshot::channel();
    let mut first = Some(first);
    let mut on = |_| {
        if let Some(first) = first.take() {
            let _ = first.send(());
        }
    };
    tokio::select! {
        reply = ask(&client, &long, Instant::now() + WHOLE, &mut on) => println!("it was faster: {:?}", reply.is_ok()),
        _ = heard => {}
    }
    let (texts, reply) = asked(&client, &question(None, 8)).await;
    assert!(!texts.is_empty(), "{reply:?}");
}

#[tokio::test]
async fn what_was_said_until_the_deadline_is_kept_and_marked() {
    let _turn = turn().await;
    let Some(client) = client().await else { return };
    let mut texts = 0;
    // Time enough for a first word here or not: in neither case is it more than what was heard.
    let deadline = Instant::now() + Duration::from_secs(3);
    let reply = ask(&client, &question(None, 4_000), deadline, &mut |_| texts += 1).await;
    match reply {
        Ok(reply) if reply.finish == Finish::Missing => {
            assert_eq!(reply.cut.expect("a reason").as_str(), "cut after 3 s");
            assert!(texts > 0);
        }
        Ok(reply) => assert_eq!(reply.cut, None),
        Err(error) => assert!(matches!(error, AdvisorError::Silent { .. }), "{error}"),
    }
}

#[tokio::test]
async fn a_prompt_that_is_too_long_is_told_with_both_counts() {
    let _turn = turn().await;
    let Some(client) = client().await else { return };
    let mut long = question(None, 8);
    long.messages = vec![Message::User("error budget ".repeat(10_000))];
    let error = asked(&client, &long).await.1.expect_err("too long");
    let AdvisorError::TooLong { needs: Some(needs), takes: Some(takes), .. } = error else {
        panic!("{error:?}")
    };
    assert!(needs > takes, "{error}");
}

#[tokio::test]
async fn a_wrong_key_is_refused_and_shown_nowhere() {
    let _turn = turn().await;
    let Some(client) = client().await else { return };
    if variable(KEY).is_none() {
        println!("NOT RUN: the server was started without a key ({KEY})");
        return;
    }
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), "sk-wrong-key-7\n").expect("written");
    let mut settings = client.settings().clone();
    settings.key = Some(KeyFrom::File(file.path().into()));
    let client = Client::new(settings).await.expect("a client");
    let error = asked(&client, &question(None, 8)).await.1.expect_err("a wrong key");
    assert!(matches!(error, AdvisorError::Unauthorized { status: 401, .. }), "{error}");
    assert!(!format!("{error} {error:?}").contains("sk-wrong"), "{error}");
}

/// A rollback of a cart that fails since revision 4.
fn brief() -> Brief {
    let at = Time::default();
    let mut list = EvidenceList::default();
    list.add("error ratio of the new pods", "prom", at).value(Measured::Number(0.998), "ratio");
    list.add("error ratio of the old pods", "prom", at).value(Measured::Number(0.0002), "ratio");
    list.add("burn rate of cart-availability", "prom", at).value(Measured::Number(14.4), "x").window("5m");
    list.add("revision 4 changed image 1.8 → 1.9", "kube", at).subject("revision 4");
    Brief {
        id: BriefId(1),
        now: Time::default(),
        purpose: Purpose::Rationale,
        workload: Key::new("shop", "cart"),
        verdict: Verdict::BadDeploy,
        offer: Offer::Rollback,
        target: Some(3),
        current: Some(4),
        decided: "bad_deploy: 99.8 % failed on the new side".into(),
        candidates: vec![Candidate { number: 3, title: "6b1f0 1.8".into() }],
        items: list.items().to_vec(),
        found: 0,
        quotes: Vec::new(),
        pods: Vec::new(),
        slo: None,
    }
}

async fn conversation(client: &Client) -> (Vec<Advice>, Ending) {
    let (events, mut heard) = mpsc::channel(4_096);
    converse(client, brief(), Share::Facts, None, &events).await;
    drop(events);
    let mut all = Vec::new();
    while let Some(event) = heard.recv().await {
        let Event::Advice(_, advice) = event else { panic!("only advice: {event:?}") };
        all.push(*advice);
    }
    let Some(Advice::Ended(ending)) = all.pop() else { panic!("no end: {all:?}") };
    (all, *ending)
}

#[tokio::test]
async fn a_whole_conversation_ends_with_an_answer_and_its_marks_or_says_why_it_has_none() {
    let _turn = turn().await;
    let Some(client) = client().await else { return };
    let (heard, ending) = conversation(&client).await;
    assert!(matches!(heard.first(), Some(Advice::Sent { .. })));
    eprintln!(
        "small model: first word {:?}, whole {}, {:?}, {}",
        ending.first_word.map(|t| t.num_milliseconds()),
        ending.took.num_milliseconds(),
        ending.usage,
        ending.answer.as_ref().map_or_else(ToString::to_string, |answer| answer.tally().words())
    );
    assert!(!ending.raw.is_empty() && ending.first_word.is_some());
    match &ending.answer {
        Ok(answer) => {
            assert!(answer.target.is_none_or(|t| t == 3), "never the revision that serves");
            // Whatever it says, each number of its sentences is a claim with a mark.
            for said in answer.said().filter(|s| s.text.as_str().contains('%')) {
                assert!(!said.claims.is_empty(), "{said:?}");
            }
        }
        Err(why) => assert!(why.as_str().ends_with("the computed rationale stands"), "{why}"),
    }
}

#[tokio::test]
async fn a_model_that_is_slower_than_its_budget_leaves_the_computed_rationale() {
    let _turn = turn().await;
    let Some(url) = variable(URL) else { return };
    let mut settings = settings(url);
    settings.budget.first_token = Duration::from_millis(5);
    let client = Client::new(settings).await.expect("a client");
    let (_, ending) = conversation(&client).await;
    let why = ending.answer.expect_err("nobody is that fast");
    assert!(ending.first_word.is_none() && !why.is_empty(), "{why}");
}

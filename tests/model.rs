//! The imitated language model of the embedded world over real HTTP, asked as the program asks: evidence by the engine,
//! the prompt by the advisor. Its answers hold their shape, every claim of an honest one is confirmed, lies are marked
//! and stand only where a scenario wants them, streams say what whole answers say, and failures fail as told.

#[path = "common/story.rs"]
mod story;

use std::collections::{BTreeMap, BTreeSet};

use goaround::advisor::wire::{Ask, Finish, Message, Reply};
use goaround::advisor::{parse, prompt};
use goaround::demo::clock::Clock;
use goaround::demo::scenario::model::{Cause, Failure, Lie, Model};
use goaround::demo::{Running, scenario};
use goaround::domain::advice::{Answer, Brief, Dissent, Purpose, Said, Share, Tally, Usage};
use goaround::domain::claims::Mark;
use goaround::domain::cluster::Uid;
use goaround::domain::verdict::{Offer, Verdict};
use goaround::engine::incident;
use goaround::engine::state::Advisor;
use serde_json::{Value, json};
use story::{Split, Story, Workload, at, key, known, nobody, pods};

/// What the model is given about the card of `api`.
fn brief(mut story: Story) -> Brief {
    story.state.setup.advisor = Some(Advisor { model: "imitation".into(), share: Share::Facts });
    story.pass(10);
    let counsel = story.state.counsel.get(&key("api")).expect("the card is asked about");
    counsel.opinions.last().expect("a question").brief.clone()
}

fn told(api: Workload) -> Brief {
    brief(Story::told(vec![api, Workload::new("web")], |_| {}))
}

/// A new image and a smaller pool, after which every request to the new pods fails.
fn burning() -> Brief {
    let mut api = Workload::burning("api");
    api.burn(at("11:58:00"), 1.0);
    api.split = Split::Given(vec![pods("api", "ccc3", 7_200.0, 7_200.0), pods("api", "bbb2", 9.0, 30_000.0)]);
    told(api)
}

/// Requests fail, and the last rollout was long before.
fn without_rollout(name: &'static str, since: &str, ratio: f64) -> Workload {
    let mut workload = Workload::new(name);
    workload.forget_revision();
    workload.history.pop();
    workload.burn(at(since), ratio);
    workload
}

/// Three and a half times the traffic.
fn crowded() -> Brief {
    let mut api = without_rollout("api", "11:58:00", 0.2);
    api.rate = vec![(at("00:00:00"), 40.0), (at("11:58:00"), 140.0)];
    told(api)
}

/// `web` burns, which `api` calls.
fn callee_burns() -> Brief {
    let workloads = vec![without_rollout("api", "11:57:00", 0.2), without_rollout("web", "11:57:00", 0.3)];
    brief(Story::told(workloads, |story| {
        story.state.setup.depends_on = BTreeMap::from([(key("api"), vec![key("web")])]);
    }))
}

/// Nothing burns, and a person proposes an older revision.
fn by_hand() -> Brief {
    let mut story = Story::told(vec![Workload::new("api"), Workload::new("web")], |_| {});
    incident::by_hand(&mut story.state, &key("api"), Uid("rs-api-bbb2".into()));
    brief(story)
}

/// Worlds of every kind in which the model is asked, with what is computed in each.
fn worlds() -> Vec<(&'static str, Brief, Verdict, Offer)> {
    let by_time = || {
        let mut api = Workload::burning("api");
        api.split = Split::NoPods;
        told(api)
    };
    let of_nobody = || {
        let mut api = Workload::burning("api");
        let counts =
            [pods("api", "ccc3", 960.0, 4_800.0), pods("api", "bbb2", 0.0, 2_400.0), nobody(20.0, 20.0)];
        api.split = Split::Given(counts.to_vec());
        told(api)
    };
    let edited = || brief(Story::edited_and_restarted("11:56:00", vec![known("timeout=5s")]));
    let (bad, config) = (Verdict::BadDeploy, Verdict::ConfigChange);
    vec![
        ("a rollout", burning(), bad, Offer::Rollback),
        ("a rollout, part of the requests", told(Workload::burning("api")), bad, Offer::Rollback),
        ("a rollout, by time", by_time(), bad, Offer::Rollback),
        ("a rollout, and bad requests of no pod", of_nobody(), bad, Offer::Rollback),
        ("a ConfigMap, earlier content known", edited(), config, Offer::RestoreConfig),
        ("a ConfigMap", brief(Story::config_edited(false)), config, Offer::None),
        ("traffic", crowded(), Verdict::Traffic, Offer::Wait),
        ("a callee", callee_burns(), Verdict::Dependency, Offer::Wait),
        ("nothing known", told(without_rollout("api", "11:57:00", 0.2)), Verdict::Unknown, Offer::Wait),
    ]
}

fn reply(answer: &Value) -> Reply {
    Reply {
        text: answer.to_string(),
        calls: Vec::new(),
        finish: Finish::Stop,
        usage: Usage::default(),
        model: String::new(),
        cut: None,
    }
}

/// An answer as the program takes it: its shape holds, and its claims are marked.
fn taken(answer: &Value, brief: &Brief) -> Answer {
    parse::answer(&reply(answer), brief).unwrap_or_else(|faults| panic!("{faults:?}\n{answer:#}"))
}

/// Sentences with a claim that the evidence does not confirm.
fn marked(answer: &Answer) -> BTreeSet<usize> {
    let wrong = |said: &Said| said.claims.iter().any(|claim| claim.mark != Mark::Confirmed);
    let sentences = answer.sentences.iter().enumerate();
    sentences.filter(|(_, said)| wrong(said)).map(|(n, _)| n).collect()
}

fn all_confirmed(tally: Tally) -> bool {
    tally.confirmed > 0 && tally.contradicted == 0 && tally.not_found == 0
}

struct Stage {
    running: Running,
    http: reqwest::Client,
}

/// A shop of one pod without traffic: what the model says depends on the prompt alone.
const SHOP: &str = r#"
name = "shop"
title = "nothing happens"
description = "nothing"
context = "c"
user = "u"
namespace = "shop"
about = "api"
expect = { outcome = "no_offer" }
operator = { decision = "wait", after = "20s" }
service = [{ name = "api", rps = 0.0 }]
[[deployment]]
name = "api"
replicas = 1
container = "api"
port = 8080
revision = [{ age = "1d", by = "helm", image = "registry.example/api:1" }]
"#;

/// A small world with this model; it stands still, and the model speaks as fast as it can.
async fn stage(model: Model) -> Stage {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut scenario = scenario::parse("shop", SHOP).expect("a scenario");
    scenario.model = Model { tokens_per_second: 1e9, first_word: scenario::Duration(0), ..model };
    let clock = Clock::manual("2026-11-21T17:08:00Z".parse().expect("a time"));
    let running = goaround::demo::start(scenario, 7, clock).await.expect("loopback");
    Stage { running, http: reqwest::Client::new() }
}

async fn lying(lies: &[Lie]) -> Stage {
    stage(Model { lies: lies.to_vec(), ..Model::default() }).await
}

async fn failing(error: Failure) -> Stage {
    stage(Model { error: Some(error), ..Model::default() }).await
}

impl Stage {
    fn request(&self, messages: &Value, stream: bool) -> reqwest::RequestBuilder {
        let body = json!({
            "model": self.running.model_name(), "messages": messages, "stream": stream,
            "stream_options": {"include_usage": true},
            "response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": {}}},
        });
        self.http
            .post(format!("{}/chat/completions", self.running.model_url))
            .bearer_auth("any key")
            .body(body.to_string())
    }

    async fn whole(&self, messages: &Value) -> Value {
        let answer = self.request(messages, false).send().await.expect("an answer");
        assert_eq!(answer.status().as_u16(), 200);
        serde_json::from_str(&answer.text().await.expect("a body")).expect("JSON")
    }

    /// The events of a stream, `[DONE]` left out, and whether it came.
    async fn stream(&self, messages: &Value) -> (Vec<Value>, bool) {
        let answer = self.request(messages, true).send().await.expect("an answer");
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        let text = answer.text().await.expect("a body");
        let data: Vec<&str> =
            text.split_terminator("\n\n").filter_map(|e| e.strip_prefix("data: ")).collect();
        let done = data.last() == Some(&"[DONE]");
        let events = data.iter().filter(|d| **d != "[DONE]");
        (events.map(|d| serde_json::from_str(d).expect("JSON")).collect(), done)
    }

    async fn said(&self, messages: &Value) -> Value {
        let whole = self.whole(messages).await;
        content(&whole)
    }

    async fn asked(&self, brief: &Brief) -> Value {
        self.said(&messages(brief)).await
    }
}

/// The messages that are sent about `brief`.
fn messages(brief: &Brief) -> Value {
    turns(&prompt::ask(brief, 6_000, 700))
}

fn turns(ask: &Ask) -> Value {
    let turns = ask.messages.iter().map(|message| match message {
        Message::User(text) => json!({"role": "user", "content": text}),
        Message::Assistant { text, .. } => json!({"role": "assistant", "content": text}),
        Message::ToolResult { .. } => panic!("nothing was looked up"),
    });
    std::iter::once(json!({"role": "system", "content": &ask.system})).chain(turns).collect()
}

fn user(text: &str) -> Value {
    json!([{"role": "system", "content": "Answer with JSON."}, {"role": "user", "content": text}])
}

/// The answer that a body carries.
fn content(body: &Value) -> Value {
    let text = body["choices"][0]["message"]["content"].as_str().expect("content");
    serde_json::from_str(text).expect("an answer")
}

fn texts(answer: &Value) -> Vec<&str> {
    answer["sentences"].as_array().expect("a list").iter().filter_map(|s| s["text"].as_str()).collect()
}

#[tokio::test]
async fn an_honest_answer_agrees_and_every_claim_of_it_is_confirmed_in_every_world() {
    let stage = stage(Model::default()).await;
    for (world, brief, verdict, offer) in worlds() {
        assert_eq!((brief.verdict, brief.offer), (verdict, offer), "{world}: {}", brief.decided);
        let said = stage.asked(&brief).await;
        let keys: Vec<&String> = said.as_object().expect("an object").keys().collect();
        let order = ["cause", "action", "target", "sentences", "counter_evidence", "not_known", "confidence"];
        assert_eq!(keys, order);
        let answer = taken(&said, &brief);
        assert_eq!(Dissent::of(&answer, verdict, offer, brief.target), None, "{world}: {said:#}");
        assert!(all_confirmed(answer.tally()), "{world}: {:?}\n{said:#}", answer.tally());
        assert!((3..=5).contains(&answer.sentences.len()), "{world}: {said:#}");
        for sentence in texts(&said) {
            assert!(sentence.chars().count() <= 130, "{world}: two lines of a narrow card: {sentence}");
        }
    }
}

#[tokio::test]
async fn what_burns_comes_first_then_what_changed_and_when_then_why_the_target_is_good() {
    let stage = stage(Model::default()).await;
    let said = stage.asked(&burning()).await;
    assert_eq!(
        texts(&said),
        [
            "The error ratio rose from 0.03 % on the old pods to 100 % on the new pods.",
            "The burn rate is 200× over 5m and 17.6× over 1h.",
            "Revision 3 changed image 4.11 → 4.12 at 11:57:00, and the errors began at 11:58:00.",
            "While revision 2 served for 20 h, 0.001 % of its requests failed.",
        ]
    );
    let of_nobody = worlds().into_iter().find(|(world, ..)| world.contains("no pod")).expect("the world");
    let against = &stage.asked(&of_nobody.1).await["counter_evidence"][0];
    assert_eq!(against["text"], "Requests that belong to no pod: 20 of 20.");
}

#[tokio::test]
async fn where_waiting_is_better_it_is_said_what_moved_and_that_nothing_was_changed() {
    let stage = stage(Model::default()).await;
    let said = stage.asked(&crowded()).await;
    assert_eq!((&said["action"], &said["target"]), (&json!("wait"), &Value::Null));
    assert_eq!(texts(&said)[0], "Traffic rose to 3.5× of what it was before.");
    let said = stage.asked(&callee_burns()).await;
    assert!(texts(&said)[2].contains("names no change of this workload"), "{said:#}");
    assert_eq!(texts(&said)[3], "A rollback here would not mend what it calls.");
}

#[tokio::test]
async fn a_proposal_by_hand_is_explained_by_what_there_is() {
    let brief = by_hand();
    let answer = taken(&stage(Model::default()).await.asked(&brief).await, &brief);
    assert!(all_confirmed(answer.tally()), "{answer:#?}");
}

#[tokio::test]
async fn the_same_prompt_gives_the_same_words_in_every_world_and_a_stream_is_what_the_whole_is() {
    let (one, two) = (stage(Model::default()).await, stage(Model::default()).await);
    let messages = messages(&burning());
    let whole = one.whole(&messages).await;
    assert_eq!(whole, two.whole(&messages).await);
    let (events, done) = one.stream(&messages).await;
    assert!(done);
    assert_eq!(events, two.stream(&messages).await.0);
    assert_eq!(events[0]["choices"][0]["delta"]["role"], "assistant");
    let pieces: Vec<&str> =
        events.iter().filter_map(|e| e["choices"][0]["delta"]["content"].as_str()).collect();
    assert_eq!(json!(pieces.concat()), whole["choices"][0]["message"]["content"]);
    assert!(pieces.len() > 50 && pieces.iter().all(|piece| piece.chars().count() < 8));
    let [.., finish, usage] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!(finish["choices"][0]["finish_reason"], "stop");
    assert_eq!((&usage["choices"], &usage["usage"]), (&json!([]), &whole["usage"]));
    let length = pieces.concat().chars().count().div_ceil(4);
    assert_eq!(whole["usage"]["completion_tokens"], json!(length));
    assert!(events.iter().all(|event| event["id"] == whole["id"]));
}

#[tokio::test]
async fn each_lie_changes_one_sentence_and_it_is_marked() {
    let honest = stage(Model::default()).await.asked(&burning()).await;
    for lie in [Lie::Value, Lie::Window, Lie::Direction, Lie::Revision] {
        let said = lying(&[lie]).await.asked(&burning()).await;
        let pairs = texts(&honest).into_iter().zip(texts(&said)).enumerate();
        let differ: BTreeSet<usize> =
            pairs.filter(|(_, (right, said))| right != said).map(|(n, _)| n).collect();
        assert_eq!(differ.len(), 1, "{lie:?}: {said:#}");
        assert_eq!(marked(&taken(&said, &burning())), differ, "{lie:?}: {said:#}");
        assert_eq!((&said["cause"], &said["target"]), (&honest["cause"], &honest["target"]));
    }
}

#[tokio::test]
async fn another_revision_is_named_by_a_lie_about_the_revision() {
    let said = lying(&[Lie::Revision]).await.asked(&burning()).await;
    assert!(texts(&said)[3].starts_with("While revision 6 served for 20 h"), "{said:#}");
}

#[tokio::test]
async fn the_lying_scenario_tells_a_wrong_value_first_and_a_wrong_window_next_each_with_its_truth() {
    let scenario = scenario::load("lying-model").expect("an embedded scenario");
    let brief = burning();
    let answer = taken(&stage(scenario.model).await.asked(&brief).await, &brief);
    let wrong: Vec<(usize, &str, Mark)> = answer
        .sentences
        .iter()
        .enumerate()
        .flat_map(|(n, said)| said.claims.iter().map(move |claim| (n, claim)))
        .filter(|(_, claim)| claim.mark != Mark::Confirmed)
        .map(|(n, claim)| (n, claim.text.as_str(), claim.mark.clone()))
        .collect();
    let truth = |truth: &str| Mark::Contradicted { truth: Some(truth.into()) };
    assert_eq!(wrong, [(0, "10 %", truth("100 %")), (1, "30m", truth("5 m"))]);
}

#[tokio::test]
async fn lies_stand_in_every_world_and_are_marked_there() {
    let stage = lying(&[Lie::Value, Lie::Window]).await;
    for (world, brief, ..) in worlds() {
        let said = stage.asked(&brief).await;
        let answer = taken(&said, &brief);
        assert_eq!(marked(&answer).len(), 2, "{world}: {said:#}");
        assert!(answer.tally().contradicted >= 2, "{world}: {said:#}");
    }
}

#[tokio::test]
async fn an_invented_citation_is_refused_and_left_out_when_the_answer_is_asked_for_again() {
    let stage = lying(&[Lie::Citation, Lie::Value]).await;
    let brief = burning();
    let invented = format!("E{}", brief.items.len() + 7);
    let first = stage.asked(&brief).await;
    let reply = reply(&first);
    let faults = parse::answer(&reply, &brief).expect_err("an id that is not there");
    assert!(faults.iter().any(|fault| fault.as_str().contains(&invented)), "{faults:?}");
    let again = prompt::repair(&prompt::ask(&brief, 6_000, 700), &reply.text, &faults);
    let second = stage.said(&turns(&again)).await;
    assert!(!second.to_string().contains(&invented), "{second:#}");
    assert_eq!(marked(&taken(&second, &brief)).len(), 1, "the other lie stays: {second:#}");
}

#[tokio::test]
async fn a_dissenting_model_names_its_cause_and_acts_by_it() {
    let stage = stage(Model { dissents: Some(Cause::Dependency), ..Model::default() }).await;
    let brief = burning();
    let answer = taken(&stage.asked(&brief).await, &brief);
    assert_eq!((answer.cause, answer.action, answer.target), (Verdict::Dependency, Offer::Wait, None));
    assert_eq!(Dissent::of(&answer, brief.verdict, brief.offer, brief.target), Some(Dissent::Both));
    assert!(all_confirmed(answer.tally()), "to dissent is not to misquote: {answer:#?}");
    let agreed = stage.asked(&callee_burns()).await;
    assert!(!agreed.to_string().contains("rather than"), "{agreed:#}");
}

#[tokio::test]
async fn a_question_is_answered_in_the_first_sentence() {
    let stage = stage(Model::default()).await;
    let ask = |question: &str| Brief { purpose: Purpose::Question(question.into()), ..burning() };
    let said = stage.asked(&ask("could it be the database?")).await;
    let first = &said["sentences"][0];
    assert_eq!(first, &json!({"evidence": [], "text": "Nothing in the evidence speaks of a database."}));
    let brief = ask("are all replicas there?");
    let answer = taken(&stage.asked(&brief).await, &brief);
    let cited = brief.items.iter().find(|item| item.fact.as_str() == "replicas available").expect("an item");
    assert_eq!(answer.sentences[0].evidence, std::slice::from_ref(&cited.id));
    assert!(answer.sentences.len() <= 5 && all_confirmed(answer.tally()), "{answer:#?}");
}

#[tokio::test]
async fn a_prompt_without_a_decision_is_answered_and_nothing_is_made_up() {
    let answer = stage(Model { lies: vec![Lie::Value], ..Model::default() })
        .await
        .said(&user("Hello, who are you?"))
        .await;
    assert_eq!((&answer["cause"], &answer["action"]), (&json!("unknown"), &json!("none")));
    assert_eq!(answer["sentences"][0]["evidence"], json!([]));
}

#[tokio::test]
async fn an_answer_that_may_not_be_so_long_is_cut_and_says_so() {
    let stage = stage(Model::default()).await;
    let body =
        json!({"model": stage.running.model_name(), "messages": messages(&burning()), "max_tokens": 20});
    let url = format!("{}/chat/completions", stage.running.model_url);
    let answer = stage.http.post(url).body(body.to_string()).send().await.expect("an answer");
    let body: Value = serde_json::from_str(&answer.text().await.expect("a body")).expect("JSON");
    assert_eq!(body["choices"][0]["finish_reason"], "length");
    assert_eq!(body["usage"]["completion_tokens"], 20);
}

#[tokio::test]
async fn the_list_of_models_names_the_one_there_is_and_no_other_answers() {
    let stage = stage(Model::default()).await;
    let list = stage.http.get(format!("{}/models", stage.running.model_url)).send().await.expect("an answer");
    let list: Value = serde_json::from_str(&list.text().await.expect("a body")).expect("JSON");
    assert_eq!(list["data"][0]["id"], "imitation");
    let url = format!("{}/chat/completions", stage.running.model_url);
    for (body, status) in [
        (json!({"model": "gpt", "messages": user("x")}).to_string(), 404),
        (json!({"model": "imitation", "messages": []}).to_string(), 400),
        (json!({"messages": user("x")}).to_string(), 400),
        ("{".to_owned(), 400),
    ] {
        let answer = stage.http.post(&url).body(body).send().await.expect("an answer");
        assert_eq!(answer.status().as_u16(), status);
        let body: Value = serde_json::from_str(&answer.text().await.expect("a body")).expect("JSON");
        assert!(body["error"]["message"].is_string(), "{body}");
    }
}

#[tokio::test]
async fn a_refusal_has_the_status_and_the_body_of_one() {
    for (failure, status, kind) in [
        (Failure::Unauthorized, 401, "authentication_error"),
        (Failure::TooMany, 429, "requests"),
        (Failure::Loading, 503, "unavailable_error"),
    ] {
        let stage = failing(failure).await;
        let answer = stage.request(&messages(&burning()), true).send().await.expect("an answer");
        assert_eq!(answer.status().as_u16(), status);
        assert_eq!(answer.headers().contains_key("retry-after"), failure == Failure::TooMany);
        let body: Value = serde_json::from_str(&answer.text().await.expect("a body")).expect("JSON");
        assert_eq!(body["error"]["type"], kind);
    }
    let answer =
        failing(Failure::Html).await.request(&messages(&burning()), true).send().await.expect("an answer");
    assert_eq!(answer.status().as_u16(), 200);
    assert_eq!(answer.headers()["content-type"], "text/html; charset=utf-8");
}

#[tokio::test]
async fn an_empty_answer_ends_as_an_answer_ends() {
    let stage = failing(Failure::Empty).await;
    let whole = stage.whole(&messages(&burning())).await;
    assert_eq!(whole["choices"][0]["message"]["content"], "");
    assert_eq!(whole["usage"]["completion_tokens"], 0);
    let (events, done) = stage.stream(&messages(&burning())).await;
    assert!(
        done && events.iter().all(|e| e["choices"][0]["delta"]["content"].as_str().is_none_or(str::is_empty))
    );
}

#[tokio::test]
async fn a_cut_answer_breaks_the_connection_in_the_middle() {
    let stage = failing(Failure::Cut).await;
    let mut answer = stage.request(&messages(&burning()), true).send().await.expect("it begins");
    let mut heard = String::new();
    let ended = loop {
        match answer.chunk().await {
            Ok(Some(bytes)) => heard.push_str(&String::from_utf8_lossy(&bytes)),
            other => break other,
        }
    };
    assert!(ended.is_err(), "it ended as if it were whole");
    assert!(heard.contains("content") && !heard.contains("[DONE]") && !heard.contains("\"stop\""), "{heard}");
    let whole = stage.request(&messages(&burning()), false).send().await.expect("it begins");
    assert!(whole.text().await.is_err(), "half a body was taken for a whole one");
}

#[tokio::test]
async fn a_hanging_answer_begins_says_nothing_and_ends_with_the_world() {
    let stage = failing(Failure::Hang).await;
    let mut answer = stage.request(&messages(&burning()), true).send().await.expect("it begins");
    let first = answer.chunk().await.expect("a chunk").expect("the role");
    assert!(String::from_utf8_lossy(&first).contains("assistant"));
    drop(stage.running);
    let mut rest = String::new();
    while let Ok(Some(bytes)) = answer.chunk().await {
        rest.push_str(&String::from_utf8_lossy(&bytes));
    }
    assert!(rest.is_empty(), "{rest}");
}

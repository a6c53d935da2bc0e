//! What stands on the wire: addresses, keys, headers, bodies, proxies; and whether the model is there.

use goaround::advisor::wire::{Azure, KeyFrom, Provider, Settings};
use goaround::advisor::{AdvisorError, Probed, probe};
use serde_json::json;

use super::server::{Act, Server};
use super::{LONG, OPENAI, asked_within, client, one_word, settings};

fn key_file(text: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), text).expect("written");
    file
}

/// The request that a question makes, in lower case.
async fn request(change: impl FnOnce(&mut Settings)) -> String {
    let server = Server::start(vec![one_word()]).await;
    let mut settings = settings(OPENAI, &server.url);
    change(&mut settings);
    let _ = asked_within(&client(settings).await, LONG).await;
    server.requests().concat().to_lowercase()
}

#[tokio::test]
async fn each_provider_has_its_address_and_its_header_for_the_key() {
    let key = key_file(" K1\n");
    let azure = Azure { deployment: "d".into(), api_version: "v".into() };
    for (provider, address, header) in [
        (OPENAI, "post /v1/chat/completions http", "authorization: bearer k1\r\n"),
        (
            Provider::OpenAi { azure: Some(azure) },
            "post /openai/deployments/d/chat/completions?api-version=v http",
            "api-key: k1\r\n",
        ),
        (Provider::Anthropic, "post /v1/messages http", "x-api-key: k1\r\n"),
    ] {
        let anthropic = provider == Provider::Anthropic;
        let request = request(|settings| {
            settings.provider = provider;
            settings.key = Some(KeyFrom::File(key.path().into()));
            settings.headers = vec![("x-team".into(), "shop".into())];
        });
        let request = request.await;
        assert!(request.starts_with(address), "{request}");
        for part in
            [header, "x-team: shop\r\n", "content-type: application/json\r\n", "user-agent: goaround/"]
        {
            assert!(request.contains(part), "no {part} in {request}");
        }
        assert_eq!(request.contains("anthropic-version: 2023-06-01\r\n"), anthropic);
    }
    assert!(!request(|_| ()).await.contains("authorization"));
}

#[tokio::test]
async fn more_fields_of_the_body_are_sent_and_ours_stay_ours() {
    let server = Server::start(vec![one_word()]).await;
    let mut settings = settings(OPENAI, &server.url);
    let extra = json!({"temperature": 0.5, "max_tokens": 5, "stream": false, "messages": [], "model": "x", "tools": 1});
    settings.extra = extra.as_object().expect("an object").clone();
    settings.schema = false;
    let _ = asked_within(&client(settings).await, LONG).await;
    let body = server.bodies().remove(0);
    assert_eq!(
        (&body["temperature"], &body["max_tokens"], &body["stream"]),
        (&json!(0.5), &json!(9), &json!(true))
    );
    assert_eq!((&body["model"], body["messages"].as_array().map(Vec::len)), (&json!("m"), Some(2)));
    assert!(body.get("tools").is_none() && body.get("response_format").is_none());
}

#[tokio::test]
async fn a_key_is_read_anew_for_each_request() {
    let key = key_file("old");
    let server = Server::start(vec![one_word(), one_word()]).await;
    let mut settings = settings(OPENAI, &server.url);
    settings.key = Some(KeyFrom::File(key.path().into()));
    let client = client(settings).await;
    for (text, sent) in [("old", "Bearer old"), ("new", "Bearer new")] {
        std::fs::write(key.path(), text).expect("written");
        let _ = asked_within(&client, LONG).await;
        assert!(server.requests().last().expect("a request").contains(sent));
    }
}

#[tokio::test]
async fn a_proxy_is_asked_for_a_distant_model_and_never_for_one_on_this_machine() {
    let proxy = Server::start(vec![one_word()]).await;
    let mut distant = settings(OPENAI, "http://model.example:8080");
    distant.proxy = Some(proxy.url.clone());
    assert_eq!(asked_within(&client(distant).await, LONG).await.reply().text, "yes");
    let request = proxy.requests().remove(0);
    assert!(request.starts_with("POST http://model.example:8080/v1/chat/completions HTTP/1.1"), "{request}");

    let model = Server::start(vec![one_word()]).await;
    let mut near = settings(OPENAI, &model.url);
    near.proxy = Some(proxy.url.clone());
    assert_eq!(asked_within(&client(near).await, LONG).await.reply().text, "yes");
    assert_eq!((proxy.connections(), model.connections()), (1, 1));
}

#[tokio::test]
async fn a_proxy_that_does_not_connect_is_named() {
    let refusing: Vec<Act> = (0..3).map(|_| Act::answer(407, "", "")).collect();
    let proxy = Server::start(refusing).await;
    let mut distant = settings(OPENAI, "https://model.example");
    distant.proxy = Some(proxy.url.clone());
    let error = asked_within(&client(distant).await, LONG).await.error();
    assert!(error.to_string().contains(&format!("the proxy {} does not connect: ", proxy.url)), "{error}");
    assert!(proxy.requests().iter().all(|request| request.starts_with("CONNECT model.example:443")));
}

async fn probed(provider: Provider, act: Act) -> (Result<Probed, AdvisorError>, String, Server) {
    let server = Server::start(vec![act]).await;
    let client = client(settings(provider, &server.url)).await;
    let at = server.url.clone();
    (probe(&client).await, at, server)
}

fn list(names: &[&str]) -> Act {
    let entries: Vec<_> = names.iter().map(|name| json!({"id": name})).collect();
    Act::answer(200, "content-type: application/json\r\n", &json!({"data": entries}).to_string())
}

#[tokio::test]
async fn the_list_of_models_says_whether_the_model_is_there() {
    let azure = Provider::OpenAi { azure: Some(Azure { deployment: "d".into(), api_version: "v".into() }) };
    for (provider, address) in [
        (OPENAI, "GET /v1/models HTTP"),
        (azure, "GET /openai/models?api-version=v HTTP"),
        (Provider::Anthropic, "GET /v1/models?limit=1000 HTTP"),
    ] {
        let (probed, at, server) = probed(provider, list(&["x", "m"])).await;
        let probed = probed.expect("a list");
        assert_eq!(
            (probed.said.as_str(), probed.listed),
            (format!("m is served at {at}").as_str(), Some(true))
        );
        assert!(server.requests()[0].starts_with(address), "{:?}", server.requests());
    }
    let (absent, at, _) = probed(OPENAI, list(&["a", "b", "c", "d", "e", "f", "g"])).await;
    let absent = absent.expect("a list");
    let said = format!("{at} answers, but does not list the model m; it lists a, b, c, d, e and 2 more");
    assert_eq!((absent.said.as_str(), absent.listed), (said.as_str(), Some(false)));
    for status in [404, 405, 501] {
        let (none, at, _) = probed(OPENAI, Act::answer(status, "", "")).await;
        let none = none.expect("a server");
        assert_eq!(
            (none.said.as_str(), none.listed),
            (format!("{at} is reachable, has no model list").as_str(), None)
        );
    }
}

#[tokio::test]
async fn a_look_that_fails_says_why_and_is_not_repeated() {
    for (act, part) in [
        (Act::answer(401, "", "{\"error\":\"no\"}"), "wants a key (401): no"),
        (
            Act::answer(503, "", "{\"error\":{\"message\":\"Loading model\"}}"),
            "is not available (503): Loading model",
        ),
        (Act::answer(200, "", "<html>"), "HTML instead of JSON"),
        (Act::answer(200, "", "hello"), "it begins with hello"),
        (Act::answer(200, "", "{\"object\": \"list\"}"), "is not understood"),
        (Act::answer(200, "", ""), "it is empty"),
        (Act::Close, "broke off before its first word"),
    ] {
        let (probed, _, server) = probed(OPENAI, act).await;
        let error = probed.expect_err(part).to_string();
        assert!(error.contains(part), "{error}");
        assert_eq!(server.connections(), 1);
    }
}

//! What servers, networks and settings say no with: each is one sentence with what to do next, and none holds a key.

use std::io::{Read as _, Write as _};
use std::sync::Arc;

use goaround::advisor::error::{ConnectFault, TlsFault};
use goaround::advisor::wire::{KeyFrom, Provider, Settings};
use goaround::advisor::{AdvisorError, Client};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, Stream};

use super::recorded::body;
use super::server::{Act, Server};
use super::{LONG, OPENAI, asked_of, asked_within, client, settings};

/// The error of one answer, in words.
async fn said(provider: Provider, act: Act) -> (AdvisorError, String) {
    let (asked, server) = asked_of(provider, vec![act]).await;
    assert_eq!(server.connections(), 1);
    let error = asked.error();
    let words = error.to_string();
    assert!(!words.contains('\n') && words.matches("hint: ").count() == 1, "{words}");
    (error, words)
}

#[tokio::test]
async fn recorded_refusals_are_told_with_what_to_do() {
    for (status, file, parts) in [
        (
            401,
            "err-401.txt",
            ["wants a key (401): Invalid API Key", "set key_env or key_file under [advisor]"],
        ),
        (404, "err-404.txt", ["does not exist (404): File Not Found", "the part before /chat/completions"]),
        (400, "err-ctx.txt", ["the prompt has 12,031 tokens, the model takes 8,192", "lower prompt_tokens"]),
        (
            400,
            "err-json.txt",
            ["does not take the request (400): [json.exception", "the protocol of this server"],
        ),
    ] {
        let act = Act::answer(status, "content-type: application/json\r\n", &body(file));
        let (_, words) = said(OPENAI, act).await;
        assert!(parts.iter().all(|part| words.contains(part)), "{words}");
    }
}

#[tokio::test]
async fn a_schema_that_a_real_server_refuses_is_left_out() {
    let acts = vec![Act::answer(400, "", &body("err-schema.txt")), super::one_word()];
    let (asked, server) = asked_of(OPENAI, acts).await;
    assert_eq!((asked.tries().len(), server.connections()), (1, 2));
    assert_eq!(asked.reply().text, "yes");
}

#[tokio::test]
async fn a_model_that_is_not_there_is_named() {
    for (provider, body) in [
        (
            OPENAI,
            r#"{"error":{"message":"The model `m` does not exist or you do not have access to it.","type":"invalid_request_error","code":"model_not_found"}}"#,
        ),
        (OPENAI, r#"{"error":{"message":"model 'm' not found","type":"api_error"}}"#),
        (
            OPENAI,
            r#"{"error":{"code":"DeploymentNotFound","message":"The API deployment for this resource does not exist."}}"#,
        ),
        (Provider::Anthropic, r#"{"type":"error","error":{"type":"not_found_error","message":"model: m"}}"#),
    ] {
        let (error, words) = said(provider, Act::answer(404, "", body)).await;
        assert!(
            matches!(error, AdvisorError::NoModel { .. }) && words.contains("has no model `m`"),
            "{words}"
        );
    }
}

#[tokio::test]
async fn a_page_for_people_is_no_answer() {
    for status in [200, 404] {
        for act in [
            Act::answer(status, "content-type: text/html\r\n", "<!doctype html><p>hello"),
            Act::answer(status, "", "\n <html>"),
        ] {
            let (error, words) = said(OPENAI, act).await;
            assert!(matches!(error, AdvisorError::Html { .. }), "{words}");
            assert!(words.contains("HTML instead of JSON: is the URL right?"), "{words}");
        }
    }
    let page = Act::answer(502, "content-type: text/html\r\nx-should-retry: false\r\n", "<html>");
    assert!(said(OPENAI, page).await.1.contains("a model that is down"));
    let login = Act::answer(403, "content-type: text/html\r\n", "<html>");
    assert!(matches!(said(OPENAI, login).await.0, AdvisorError::Unauthorized { status: 403, .. }));
}

#[tokio::test]
async fn a_redirect_is_told_and_not_followed() {
    let elsewhere = Server::start(vec![super::one_word()]).await;
    for status in [301, 302, 303, 307, 308] {
        let to = format!("location: {}/v1?token=t\r\n", elsewhere.url.replace("//", "//me:pw@"));
        let (error, words) = said(OPENAI, Act::answer(status, &to, "")).await;
        assert!(matches!(error, AdvisorError::Redirect { .. }), "{words}");
        assert!(words.contains(&format!("redirects ({status}) to {}/v1;", elsewhere.url)), "{words}");
    }
    assert_eq!(elsewhere.connections(), 0);
}

#[tokio::test]
async fn a_refused_key_is_named_by_where_it_was_and_never_shown() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), "tok-s3cret\n").expect("written");
    let words = r#"{"error":{"message":"Incorrect API key provided: tok-s3cret.","code":"invalid_api_key"}}"#;
    let acts = vec![Act::answer(401, "", words), Act::stream(&format!("data: {words}\n\n"))];
    let server = Server::start(acts).await;
    let mut settings = settings(OPENAI, &server.url);
    settings.key = Some(KeyFrom::File(file.path().into()));
    settings.headers = vec![("x-team".into(), "s3cret-team".into())];
    let client = client(settings).await;
    for _ in 0..2 {
        let error = asked_within(&client, LONG).await.error();
        let all = format!("{error} {error:?} {:?}", client.settings());
        assert!(all.contains(&format!("the key of {} is refused by", file.path().display())), "{all}");
        assert!(!all.contains("s3cret"), "{all}");
    }
}

#[tokio::test]
async fn a_key_that_cannot_be_read_is_told_before_anything_is_sent() {
    let server = Server::start(Vec::new()).await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("written");
        KeyFrom::File(path)
    };
    for (key, part) in [
        (
            KeyFrom::Env("GOAROUND_NO_SUCH_KEY".into()),
            "the variable GOAROUND_NO_SUCH_KEY: it is not set; hint: export it",
        ),
        (KeyFrom::File(folder.path().join("gone")), "No such file"),
        (file("empty", " \n"), "it is empty"),
        (file("two", "a\nb\n"), "it has more than one line"),
    ] {
        let mut settings = settings(OPENAI, &server.url);
        settings.key = Some(key);
        let error = asked_within(&client(settings).await, LONG).await.error();
        assert!(matches!(error, AdvisorError::Key { .. }) && error.to_string().contains(part), "{error}");
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn a_port_on_which_nobody_listens_is_told() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let asked = asked_within(&client(settings(OPENAI, &format!("http://{free}"))).await, LONG).await;
    assert_eq!(asked.tries().len(), 2);
    let error = asked.error();
    assert!(matches!(&error, AdvisorError::Connect { fault: ConnectFault::Refused, .. }), "{error:?}");
    assert!(error.to_string().contains("connection refused; hint: is the server started"), "{error}");
}

#[tokio::test]
async fn settings_that_cannot_be_used_build_no_client() {
    goaround::shell::tls::install();
    for (change, part) in [
        ((|s| s.url = "ftp://h".into()) as fn(&mut Settings), "is not http or https"),
        (|s| s.url = "http://me:s3cret@h".into(), "it has a user part"),
        (|s| s.url = "http://h/?q".into(), "it has a query"),
        (|s| s.url = "no url".into(), "not usable"),
        (|s| s.headers = vec![("a b".into(), "s3cret".into())], "is no usable header"),
        (|s| s.ca_file = Some("/no/such/file".into()), "cannot use the authority"),
        (
            |s| s.ca_file = Some(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml").into()),
            "it holds no certificate",
        ),
        (|s| s.proxy = Some("::".into()), "the URL of the proxy is not usable"),
    ] {
        let mut settings = Settings::new(OPENAI, "http://model.example", "m");
        change(&mut settings);
        let error = Client::new(settings).await.err().expect(part);
        assert!(error.to_string().contains(part) && !error.to_string().contains("s3cret"), "{error}");
    }
}

fn pem(name: &str) -> String {
    format!("{}/tests/fixtures/tls/{name}.pem", env!("CARGO_MANIFEST_DIR"))
}

/// A server that shakes hands with this certificate and answers nothing. Its address.
fn tls_server(certificate: &str) -> String {
    goaround::shell::tls::install();
    let chain = vec![CertificateDer::from_pem_file(pem(certificate)).expect("a certificate")];
    let key = format!("{}/tests/fixtures/tls/leaf.key", env!("CARGO_MANIFEST_DIR"));
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(chain, PrivateKeyDer::from_pem_file(key).expect("a key"))
        .expect("a server");
    let config = Arc::new(config);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for mut socket in listener.incoming().flatten() {
            let Ok(mut connection) = ServerConnection::new(Arc::clone(&config)) else { return };
            let _ = Stream::new(&mut connection, &mut socket).read(&mut [0]);
        }
    });
    format!("https://{address}")
}

/// A server that says at once that it did not understand. Its address, as if it spoke TLS.
fn plain_server() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for mut socket in listener.incoming().flatten() {
            let _ = socket.read(&mut [0; 4096]);
            let _ = socket.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    format!("https://{address}")
}

#[tokio::test]
async fn what_a_certificate_lacks_is_told_and_the_key_stays_here() {
    for (url, authority, fault) in [
        (tls_server("server-expired"), "ca", TlsFault::Expired),
        (tls_server("server"), "other-ca", TlsFault::UnknownIssuer),
        (plain_server(), "ca", TlsFault::NotTls),
    ] {
        let mut settings = settings(OPENAI, &url);
        settings.ca_file = Some(pem(authority).into());
        let asked = asked_within(&client(settings).await, LONG).await;
        assert_eq!(asked.tries(), Vec::new());
        let error = asked.error();
        assert!(matches!(&error, AdvisorError::Tls { fault: found, .. } if *found == fault), "{error:?}");
    }
}

//! The executor on the wire: a server made of bare sockets counts connections and requests, and misbehaves on order.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::domain::cluster::{ContentDigest, Key, Uid};
use crate::domain::plan::{Call, Method, Plan, Undo};
use crate::domain::verdict::Offer;
use crate::sources::kubernetes::{Connected, Options, connect};

use super::send::{send, send_within};
use super::{Cause, Sent, dry_run, in_order};

/// A plan of nothing but these calls.
fn plan(calls: Vec<Call>) -> Plan {
    Plan {
        offer: Offer::Rollback,
        workload: Key::new("demo", "api-gateway"),
        uid: Uid::default(),
        target: Uid::default(),
        target_template: ContentDigest::default(),
        written_template: ContentDigest::default(),
        calls,
        changes: Vec::new(),
        configs: Vec::new(),
        not_restored: Vec::new(),
        also: Vec::new(),
        undo: Undo::default(),
    }
}
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

const PATH: &str = "/apis/apps/v1/namespaces/demo/deployments/api-gateway";

/// What the server does with a connection.
#[derive(Clone)]
enum Act {
    /// Reads a request and answers it.
    Answer(u16, &'static str, String),
    /// Reads a request and answers with a body shorter than announced.
    AnswerCut,
    /// Closes before it reads anything.
    CloseAtOnce,
    /// Reads a request and closes.
    CloseAfterRequest,
    /// Reads a request and says nothing.
    Hang,
}

#[derive(Clone, Default)]
struct Wire {
    acts: Arc<Mutex<VecDeque<Act>>>,
    connections: Arc<Mutex<usize>>,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Wire {
    async fn serve(acts: &[Act]) -> (Self, Connected) {
        let wire = Self { acts: Arc::new(Mutex::new(acts.iter().cloned().collect())), ..Self::default() };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind");
        let url = format!("http://{}", listener.local_addr().expect("address"));
        let serving = wire.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                *serving.connections.lock().expect("lock") += 1;
                tokio::spawn(serving.clone().connection(stream));
            }
        });
        (wire, session(&url).await)
    }

    async fn connection(self, mut stream: TcpStream) {
        let at_once = matches!(self.acts.lock().expect("lock").front(), Some(Act::CloseAtOnce));
        if at_once {
            self.acts.lock().expect("lock").pop_front();
            return;
        }
        loop {
            let Some(request) = read_request(&mut stream).await else {
                return;
            };
            let act = self.acts.lock().expect("lock").pop_front();
            self.requests.lock().expect("lock").push(request);
            let answer = match act {
                Some(Act::Answer(status, headers, body)) => http(status, headers, &body),
                Some(Act::AnswerCut) => {
                    "HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{\"metadata\"".to_owned()
                }
                Some(Act::Hang) => return std::future::pending().await,
                // More requests than were scripted are counted and fail the test.
                Some(Act::CloseAtOnce | Act::CloseAfterRequest) | None => return,
            };
            let cut = answer.ends_with("{\"metadata\"");
            if stream.write_all(answer.as_bytes()).await.is_err() || cut {
                return;
            }
        }
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().expect("lock").clone()
    }

    fn connections(&self) -> usize {
        *self.connections.lock().expect("lock")
    }
}

fn http(status: u16, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status} X\r\ndate: Sat, 21 Nov 2026 10:28:49 GMT\r\n{headers}content-length: {length}\r\n\r\n{body}"
    )
}

/// Head and body of one request; `None` when the connection ends first.
async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .to_lowercase()
                .lines()
                .find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                return Some(text);
            }
        }
        match stream.read(&mut piece).await {
            Ok(read) if read > 0 => bytes.extend_from_slice(&piece[..read]),
            _ => return None,
        }
    }
}

async fn session(url: &str) -> Connected {
    crate::shell::tls::install();
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("config");
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "here",
        "clusters": [{"name": "c", "cluster": {"server": url}}],
        "users": [{"name": "u", "user": {"token": "t"}}],
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}],
    });
    std::fs::write(&file, config.to_string()).expect("write");
    let options = Options {
        kubeconfig: vec![file],
        context: None,
        hide_env: Vec::new(),
        #[expect(clippy::disallowed_methods, reason = "a session of its own, as the shell opens one")]
        clock: Arc::new(chrono::Utc::now),
    };
    connect(options).await.expect("a session")
}

/// A patch whose keys stand in an order, and whose numbers in a form, that a round through types would change.
fn call() -> Call {
    Call {
        method: Method::Patch,
        path: PATH.to_owned(),
        content_type: "application/json-patch+json",
        body: json!([
            {"op": "test", "path": "/spec/template", "value": {"z": 1, "a": [1.0, 1e2], "ü": "\u{1b}<&>"}},
            {"op": "replace", "path": "/spec/template", "value": {"spec": {}, "metadata": null}},
        ]),
    }
}

fn object() -> String {
    json!({"metadata": {"uid": "u1", "annotations": {"goaround.dev/action": "01JDX:0123456789ab"}}})
        .to_string()
}

fn status(code: u16, reason: &str, message: &str) -> String {
    json!({"kind": "Status", "status": "Failure", "reason": reason, "message": message, "details": {}, "code": code})
        .to_string()
}

async fn sent(act: Act) -> (Sent, Wire) {
    let (wire, connected) = Wire::serve(&[act]).await;
    let writer = connected.writer().await.expect("a client");
    (send(&writer, &call(), false).await, wire)
}

#[tokio::test]
async fn whatever_the_server_answers_there_is_one_request_on_the_wire() {
    for code in [200, 201, 302, 400, 401, 403, 404, 408, 409, 410, 422, 429, 500, 502, 503, 504] {
        let (outcome, wire) = sent(Act::Answer(code, "", status(code, "R", "m"))).await;
        assert_eq!((wire.requests().len(), wire.connections()), (1, 1), "{code}: {outcome:?}");
    }
}

#[tokio::test]
async fn a_client_that_does_repeat_is_seen_repeating() {
    // The control of the test above: the same server, the reader's client, which repeats a 503.
    let (wire, connected) =
        Wire::serve(&[Act::Answer(503, "", String::new()), Act::Answer(200, "", object())]).await;
    let outcome = send(&connected.reader, &call(), false).await;
    assert!(matches!(outcome, Sent::Done { .. }), "{outcome:?}");
    assert_eq!(wire.requests().len(), 2);
}

#[tokio::test]
async fn server_errors_and_what_stands_in_front_of_it_leave_the_outcome_unknown() {
    for code in [302, 408, 500, 502, 503, 504] {
        let (outcome, _) = sent(Act::Answer(code, "", status(code, "R", "etcd timed out"))).await;
        let Sent::Unknown { why } = outcome else { panic!("{code}: {outcome:?}") };
        assert!(why.as_str().contains(&code.to_string()) && why.as_str().contains("etcd timed out"), "{why}");
    }
}

#[tokio::test]
async fn a_connection_that_breaks_leaves_the_outcome_unknown_and_is_not_made_again() {
    for (act, requests) in [(Act::CloseAtOnce, 0), (Act::CloseAfterRequest, 1)] {
        let (outcome, wire) = sent(act).await;
        assert!(matches!(outcome, Sent::Unknown { .. }), "{outcome:?}");
        assert_eq!((wire.requests().len(), wire.connections()), (requests, 1));
    }
}

#[tokio::test]
async fn silence_leaves_the_outcome_unknown() {
    let (wire, connected) = Wire::serve(&[Act::Hang]).await;
    let writer = connected.writer().await.expect("a client");
    let outcome = send_within(&writer, &call(), false, Duration::from_millis(300)).await;
    assert!(matches!(&outcome, Sent::Unknown { why } if why.as_str().contains("no answer")), "{outcome:?}");
    assert_eq!((wire.requests().len(), wire.connections()), (1, 1));
}

#[tokio::test]
async fn an_answer_that_is_cut_or_no_object_is_no_success() {
    for act in [
        Act::AnswerCut,
        Act::Answer(200, "", "<html>Sign in</html>".to_owned()),
        Act::Answer(200, "", status(200, "", "fine")),
        Act::Answer(204, "", String::new()),
    ] {
        let (outcome, wire) = sent(act).await;
        assert!(matches!(outcome, Sent::Unknown { .. }), "{outcome:?}");
        assert_eq!(wire.requests().len(), 1);
    }
}

#[tokio::test]
async fn where_nobody_listens_nothing_was_sent() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("bind");
    let url = format!("http://{}", listener.local_addr().expect("address"));
    drop(listener);
    let writer = session(&url).await.writer().await.expect("a client");
    let outcome = send(&writer, &call(), false).await;
    assert!(matches!(&outcome, Sent::NotSent { why } if why.as_str().contains("refused")), "{outcome:?}");
}

#[tokio::test]
async fn a_failed_tls_handshake_sent_nothing() {
    let (wire, plain) = Wire::serve(&[Act::CloseAtOnce]).await;
    let url = plain.server.as_str().replace("http:", "https:");
    let writer = session(&url).await.writer().await.expect("a client");
    let outcome = send(&writer, &call(), false).await;
    assert!(matches!(outcome, Sent::NotSent { .. }), "{outcome:?}");
    assert_eq!(wire.connections(), 1);
}

#[tokio::test]
async fn refusals_are_told_apart() {
    let rejected = "the server rejected our request due to an error in our request";
    let invalid = json!({"kind": "Status", "reason": "Invalid", "message": "Deployment.apps \"x\" is invalid",
        "details": {"causes": [{"field": "spec"}]}, "code": 422});
    for (code, body, expected) in [
        (422, status(422, "Invalid", rejected), Cause::TestFailed),
        (422, invalid.to_string(), Cause::Invalid),
        (400, status(400, "BadRequest", "m"), Cause::Invalid),
        (401, status(401, "Unauthorized", "m"), Cause::Unauthorized),
        (403, status(403, "Forbidden", "m"), Cause::Forbidden),
        (404, status(404, "NotFound", "m"), Cause::Gone),
        (409, status(409, "Conflict", "m"), Cause::Conflict),
        (413, "too large".to_owned(), Cause::Other),
    ] {
        let (outcome, _) = sent(Act::Answer(code, "", body)).await;
        let Sent::Refused { status, cause, .. } = outcome else { panic!("{code}: {outcome:?}") };
        assert_eq!((status, cause), (code, expected));
    }
}

#[tokio::test]
async fn a_busy_server_says_for_how_long_and_nobody_waits_for_it() {
    let (outcome, wire) =
        sent(Act::Answer(429, "retry-after: 7\r\n", status(429, "TooManyRequests", "try later"))).await;
    assert_eq!(
        outcome,
        Sent::Refused {
            status: 429,
            cause: Cause::Busy,
            reason: "TooManyRequests".into(),
            message: "try later".into(),
            retry_after_s: Some(7),
        }
    );
    assert_eq!(wire.requests().len(), 1);
}

#[tokio::test]
async fn a_success_gives_the_object_and_the_servers_clock() {
    let (outcome, _) = sent(Act::Answer(200, "", object())).await;
    let Sent::Done { object, status, server_date } = outcome else { panic!("{outcome:?}") };
    assert_eq!((status, object["metadata"]["uid"].as_str()), (200, Some("u1")));
    assert_eq!(server_date.map(|date| date.to_rfc3339()), Some("2026-11-21T10:28:49+00:00".to_owned()));
}

#[tokio::test]
async fn what_goes_over_the_wire_is_the_call_byte_for_byte() {
    let (_, wire) = sent(Act::Answer(200, "", object())).await;
    let requests = wire.requests();
    let (head, body) = requests[0].split_once("\r\n\r\n").expect("head and body");
    assert_eq!(body, crate::actions::undo::wire_text(&call().body));
    assert_eq!(serde_json::from_str::<serde_json::Value>(body).expect("JSON"), call().body);
    assert!(head.starts_with(&format!("PATCH {PATH} HTTP/1.1\r\n")), "{head}");
    assert!(head.contains("content-type: application/json-patch+json\r\n"), "{head}");
    assert!(head.contains(concat!("user-agent: goaround/", env!("CARGO_PKG_VERSION"))), "{head}");
}

#[tokio::test]
async fn a_dry_run_says_so_on_the_wire_and_an_execution_never_does() {
    let act = Act::Answer(200, "", object());
    let (wire, connected) = Wire::serve(&[act.clone(), act.clone(), act.clone(), act]).await;
    let writer = connected.writer().await.expect("a client");
    assert_eq!(dry_run(&writer, &plan(vec![call(), call()])).await.len(), 2);
    assert_eq!(in_order(&writer, &[call(), call()]).await.len(), 2);
    let lines: Vec<String> =
        wire.requests().iter().map(|r| r.lines().next().unwrap_or_default().to_owned()).collect();
    let (dry, real) = (format!("PATCH {PATH}?dryRun=All HTTP/1.1"), format!("PATCH {PATH} HTTP/1.1"));
    assert_eq!(lines, [dry.clone(), dry, real.clone(), real]);
    assert_eq!(wire.connections(), 4, "no connection is used twice, so none can be found dead");
}

#[tokio::test]
async fn an_execution_stops_at_the_first_call_that_is_not_known_to_be_done() {
    for code in [422, 503] {
        let (wire, connected) =
            Wire::serve(&[Act::Answer(200, "", object()), Act::Answer(code, "", String::new())]).await;
        let writer = connected.writer().await.expect("a client");
        let outcomes = in_order(&writer, &[call(), call(), call()]).await;
        assert_eq!((outcomes.len(), wire.requests().len()), (2, 2));
        assert!(matches!(outcomes[0], Sent::Done { .. }) && !matches!(outcomes[1], Sent::Done { .. }));
    }
}

#[tokio::test]
async fn text_of_the_server_arrives_harmless() {
    let (outcome, _) = sent(Act::Answer(403, "", status(403, "Forbidden", "no\u{1b}[2J"))).await;
    assert!(matches!(outcome, Sent::Refused { message, .. } if message.as_str() == "no<1b>[2J"));
}

#[tokio::test]
async fn a_spare_client_serves_one_write_and_is_not_kept_for_ever() {
    let (_, mut connected) = Wire::serve(&[]).await;
    let spares = |connected: &Connected| connected.spares();
    assert_eq!(spares(&connected), 0, "none before it is wanted");
    connected.prepare_writers().await;
    let prepared = spares(&connected);
    assert_eq!(prepared, 2, "a dry run and its write");
    drop(connected.writer().await.expect("a client"));
    assert_eq!(spares(&connected), 1, "each is taken once");
    connected.prepare_writers().await;
    assert_eq!(spares(&connected), 2);
    let now = (connected.clock)();
    connected.clock = std::sync::Arc::new(move || now + chrono::TimeDelta::minutes(11));
    assert_eq!(spares(&connected), 0, "the files that it was built from may be others by now");
}

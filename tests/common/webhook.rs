//! An admission webhook that lets everything through, and does something at the very moment at which the API server
//! handles a write that is no dry run: the one place from which a race between a write and the world can be made
//! at will instead of hoped for.

#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};

use super::rig::Rig;

type Moment = Arc<Mutex<Option<Box<dyn FnOnce() + Send>>>>;

/// A registered webhook. Its thread ends with the test.
pub struct Webhook {
    moment: Moment,
}

impl Webhook {
    /// Registers one for what `user` does to Deployments.
    pub fn register(rig: &Rig, user: &str) -> Self {
        let pki = rig.dir().join("pki");
        let certificates =
            CertificateDer::pem_file_iter(pki.join("apiserver.crt")).expect("a certificate").flatten();
        let key = PrivateKeyDer::from_pem_file(pki.join("apiserver.key")).expect("a key");
        // The API server's own certificate names 127.0.0.1, and its CA is the one that is given with the webhook.
        let tls = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("protocol versions")
            .with_no_client_auth()
            .with_single_cert(certificates.collect(), key)
            .expect("a certificate with its key");
        let tls = Arc::new(tls);
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let moment = Moment::default();
        let called = Arc::clone(&moment);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (tls, called) = (Arc::clone(&tls), Arc::clone(&called));
                std::thread::spawn(move || serve(stream, tls, &called));
            }
        });
        let ca = std::fs::read(pki.join("ca.crt")).expect("a certificate");
        let registered = json!({
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingWebhookConfiguration",
            "metadata": {"name": "moment.goaround.dev"},
            "webhooks": [{
                "name": "moment.goaround.dev",
                "admissionReviewVersions": ["v1"],
                "sideEffects": "NoneOnDryRun",
                "failurePolicy": "Fail",
                "timeoutSeconds": 20,
                "clientConfig": {"url": format!("https://127.0.0.1:{port}/"), "caBundle": base64(&ca)},
                "rules": [{
                    "apiGroups": ["apps"], "apiVersions": ["v1"],
                    "operations": ["UPDATE"], "resources": ["deployments"],
                }],
                "matchConditions": [
                    {"name": "who", "expression": format!("request.userInfo.username == '{user}'")},
                ],
            }],
        });
        rig.apply(&registered);
        Self { moment }
    }

    /// What happens at the next write that is no dry run, before the server stores it.
    pub fn at_the_next_write(&self, what: impl FnOnce() + Send + 'static) {
        *self.moment.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(what));
    }

    /// It happened.
    pub fn happened(&self) -> bool {
        self.moment.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }
}

/// One request on a connection; a connection that breaks is the API server's matter.
fn serve(stream: TcpStream, tls: Arc<ServerConfig>, moment: &Moment) {
    let Ok(connection) = ServerConnection::new(tls) else { return };
    let mut reader = BufReader::new(StreamOwned::new(connection, stream));
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        let line = line.trim().to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
        if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    if reader.read_exact(&mut body).is_err() {
        return;
    }
    let review: Value = serde_json::from_slice(&body).unwrap_or_default();
    if review["request"]["dryRun"] != true {
        let what = moment.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(what) = what {
            what();
        }
    }
    let answer = json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "response": {"uid": review["request"]["uid"], "allowed": true},
    })
    .to_string();
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        answer.len()
    );
    let stream = reader.get_mut();
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(answer.as_bytes()));
    stream.conn.send_close_notify();
    let _ = stream.flush();
}

/// RFC 4648, with padding.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let whole =
            three.iter().fold(0_u32, |sum, byte| sum << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
        for n in 0..4 {
            let digit = DIGITS[(whole >> (18 - 6 * n) & 63) as usize];
            text.push(if n <= three.len() { char::from(digit) } else { '=' });
        }
    }
    text
}

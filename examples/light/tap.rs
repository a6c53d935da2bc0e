//! A proxy for bytes: it changes nothing and remembers when the server's last bytes passed, and when a request that
//! changes something (a PATCH that is no dry run) went out.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// The proxy; its tasks end with the runtime.
#[derive(Clone)]
pub struct Tap {
    /// Where it listens.
    pub url: String,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Default)]
struct Seen {
    answers: Vec<Instant>,
    writes: Vec<Instant>,
}

impl Tap {
    /// Before the server at `http://<address>`.
    pub async fn before(upstream: &str) -> std::io::Result<Self> {
        let address = upstream.trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let tap = Self { url: format!("http://{}", listener.local_addr()?), seen: Arc::default() };
        let seen = Arc::clone(&tap.seen);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (seen, address) = (Arc::clone(&seen), address.clone());
                tokio::spawn(async move {
                    let Ok(server) = TcpStream::connect(address).await else { return };
                    let _ = client.set_nodelay(true).and_then(|()| server.set_nodelay(true));
                    let ((from, to), (answers, asks)) = (client.into_split(), server.into_split());
                    tokio::join!(pass(from, asks, &seen, asked), pass(answers, to, &seen, answered));
                });
            }
        });
        Ok(tap)
    }

    /// When the last answer before `until` passed.
    pub fn last_answer(&self, until: Instant) -> Option<Instant> {
        let seen = self.seen.lock().expect("lock");
        seen.answers.iter().rev().find(|at| **at <= until).copied()
    }

    /// When the first request that changes something went out.
    pub fn first_write(&self) -> Option<Instant> {
        self.seen.lock().expect("lock").writes.first().copied()
    }
}

async fn pass(
    mut from: impl tokio::io::AsyncRead + Unpin,
    mut to: impl tokio::io::AsyncWrite + Unpin,
    seen: &Mutex<Seen>,
    note: fn(&mut Seen, &[u8]),
) {
    let mut bytes = vec![0; 65_536];
    while let Ok(read @ 1..) = from.read(&mut bytes).await {
        note(&mut seen.lock().expect("lock"), &bytes[..read]);
        if to.write_all(&bytes[..read]).await.is_err() {
            return;
        }
    }
    let _ = to.shutdown().await;
}

/// The head of a request comes in one piece.
fn asked(seen: &mut Seen, bytes: &[u8]) {
    let line = bytes.split(|byte| *byte == b'\r').next().unwrap_or_default();
    if line.starts_with(b"PATCH ") && !line.windows(6).any(|part| part == b"dryRun") {
        seen.writes.push(Instant::now());
    }
}

fn answered(seen: &mut Seen, _: &[u8]) {
    seen.answers.push(Instant::now());
}

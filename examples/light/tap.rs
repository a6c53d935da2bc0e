//! A proxy for bytes: it changes nothing and remembers what was asked, when, and when the answer's last bytes passed.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// The proxy; its tasks end with the runtime.
#[derive(Clone)]
pub struct Tap {
    /// Where it listens.
    pub url: String,
    seen: Arc<Mutex<Vec<Exchange>>>,
}

/// A request and its answer.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// Method and path, as they were sent.
    pub line: String,
    /// When its first bytes passed.
    pub asked: Instant,
    /// When the newest bytes of the answer passed.
    pub answered: Option<Instant>,
}

impl Exchange {
    /// It changes something: a PATCH that is no dry run.
    fn writes(&self) -> bool {
        self.line.starts_with("PATCH ") && !self.line.contains("dryRun")
    }

    /// Its answer never ends.
    fn is_watch(&self) -> bool {
        self.line.contains("watch=")
    }
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
                    // The number of the newest request of this connection: one at a time, as HTTP/1.1 has it.
                    let newest = Mutex::new(None);
                    let asked = |bytes: &[u8]| asked(&mut seen.lock().expect("lock"), &newest, bytes);
                    let answered = |_: &[u8]| answered(&mut seen.lock().expect("lock"), &newest);
                    tokio::join!(pass(from, asks, asked), pass(answers, to, answered));
                });
            }
        });
        Ok(tap)
    }

    /// When the last answer before `until` passed.
    pub fn last_answer(&self, until: Instant) -> Option<Instant> {
        let seen = self.seen.lock().expect("lock");
        seen.iter().filter_map(|exchange| exchange.answered).filter(|at| *at <= until).max()
    }

    /// When the first request that changes something went out.
    pub fn first_write(&self) -> Option<Instant> {
        self.seen
            .lock()
            .expect("lock")
            .iter()
            .find(|exchange| exchange.writes())
            .map(|exchange| exchange.asked)
    }

    /// What was asked or answered in a span, watches left out.
    pub fn between(&self, from: Instant, until: Instant) -> Vec<Exchange> {
        let seen = self.seen.lock().expect("lock");
        let in_it = |each: &&Exchange| {
            !each.is_watch() && each.asked < until && each.answered.is_none_or(|at| at > from)
        };
        seen.iter().filter(in_it).cloned().collect()
    }

    /// How long of a span at least one answer was waited for: the server's time, not the program's.
    pub fn waited(&self, from: Instant, until: Instant) -> Duration {
        let mut spans: Vec<(Instant, Instant)> = (self.between(from, until).iter())
            .map(|each| (each.asked.max(from), each.answered.unwrap_or(until).min(until)))
            .collect();
        spans.sort();
        let (mut waited, mut covered) = (Duration::ZERO, from);
        for (begun, ended) in spans {
            waited += ended.saturating_duration_since(begun.max(covered));
            covered = covered.max(ended);
        }
        waited
    }
}

async fn pass(
    mut from: impl tokio::io::AsyncRead + Unpin,
    mut to: impl tokio::io::AsyncWrite + Unpin,
    note: impl Fn(&[u8]),
) {
    let mut bytes = vec![0; 65_536];
    while let Ok(read @ 1..) = from.read(&mut bytes).await {
        note(&bytes[..read]);
        if to.write_all(&bytes[..read]).await.is_err() {
            return;
        }
    }
    let _ = to.shutdown().await;
}

/// The head of a request comes in one piece; what follows is its body.
fn asked(seen: &mut Vec<Exchange>, newest: &Mutex<Option<usize>>, bytes: &[u8]) {
    let line = bytes.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    if let Some(line) = line.strip_suffix(" HTTP/1.1") {
        *newest.lock().expect("lock") = Some(seen.len());
        seen.push(Exchange { line: line.to_owned(), asked: Instant::now(), answered: None });
    }
}

fn answered(seen: &mut [Exchange], newest: &Mutex<Option<usize>>) {
    let newest = newest.lock().expect("lock").and_then(|newest| seen.get_mut(newest));
    if let Some(exchange) = newest {
        exchange.answered = Some(Instant::now());
    }
}

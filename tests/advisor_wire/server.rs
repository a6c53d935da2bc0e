//! A server of bare sockets: one act for each connection, in order. It keeps the requests and tells when a connection
//! was closed by the other side.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

/// What is done with a connection.
pub enum Act {
    /// Reads a request, writes this and closes.
    Write(Vec<u8>),
    /// Reads a request, writes this and waits until the other side closes.
    Hang(Vec<u8>),
    /// Reads a request, writes the first, then the second again and again until the other side closes.
    Flood(Vec<u8>, Vec<u8>),
    /// Closes before it reads anything.
    Close,
}

impl Act {
    /// A stream of events, whole in one write; it ends with the connection.
    pub fn stream(body: &str) -> Self {
        Self::Write(stream_head(body.as_bytes()))
    }

    /// An answer with a status, headers (each with its line end) and a body.
    pub fn answer(status: u16, headers: &str, body: &str) -> Self {
        let length = body.len();
        let head =
            format!("HTTP/1.1 {status} X\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n");
        Self::Write([head.as_bytes(), body.as_bytes()].concat())
    }
}

/// The head of a stream of events, and this.
pub fn stream_head(body: &[u8]) -> Vec<u8> {
    [b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n", body].concat()
}

/// The server.
pub struct Server {
    pub url: String,
    requests: Arc<Mutex<Vec<String>>>,
    connections: Arc<Mutex<usize>>,
    closed: mpsc::UnboundedReceiver<()>,
}

impl Server {
    pub async fn start(acts: Vec<Act>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let acts = Arc::new(Mutex::new(VecDeque::from(acts)));
        let (requests, connections) = (Arc::default(), Arc::<Mutex<usize>>::default());
        let (tell, closed) = mpsc::unbounded_channel();
        let server =
            Self { url, requests: Arc::clone(&requests), connections: Arc::clone(&connections), closed };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                *connections.lock().expect("lock") += 1;
                // More connections than acts are closed, and fail the test by their number.
                let act = acts.lock().expect("lock").pop_front().unwrap_or(Act::Close);
                tokio::spawn(serve(stream, act, Arc::clone(&requests), tell.clone()));
            }
        });
        server
    }

    /// Heads and bodies of the requests.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().expect("lock").clone()
    }

    /// The JSON of the bodies.
    pub fn bodies(&self) -> Vec<serde_json::Value> {
        let body = |request: &String| request.split_once("\r\n\r\n").expect("a body").1.to_owned();
        let json = |body: String| serde_json::from_str(&body).expect("JSON");
        self.requests().iter().map(body).map(json).collect()
    }

    pub fn connections(&self) -> usize {
        *self.connections.lock().expect("lock")
    }

    /// Waits until the other side has closed a connection on which it was waited for.
    pub async fn closed(&mut self) {
        self.closed.recv().await.expect("the server runs");
    }
}

async fn serve(
    mut stream: TcpStream,
    act: Act,
    requests: Arc<Mutex<Vec<String>>>,
    closed: mpsc::UnboundedSender<()>,
) {
    if matches!(act, Act::Close) {
        return;
    }
    let Some(request) = read_request(&mut stream).await else { return };
    requests.lock().expect("lock").push(request);
    match act {
        Act::Close => {}
        Act::Write(bytes) => {
            let _ = stream.write_all(&bytes).await;
            let _ = stream.shutdown().await;
        }
        Act::Hang(bytes) => {
            let _ = stream.write_all(&bytes).await;
            while stream.read(&mut [0; 64]).await.is_ok_and(|read| read > 0) {}
            let _ = closed.send(());
        }
        Act::Flood(first, again) => {
            let mut written = stream.write_all(&first).await;
            while written.is_ok() {
                written = stream.write_all(&again).await;
            }
            let _ = closed.send(());
        }
    }
}

/// Head and body of one request; `None` when the connection ends first.
async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let head = head.to_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
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

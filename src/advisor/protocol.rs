//! What a provider is: where to send, what to send, and what one event of its stream means. Everything else (lines,
//! limits, putting an answer together) is the same for all of them and stands here. No I/O: a recorded stream can be
//! played into [`Listening`].

use std::collections::BTreeSet;

use reqwest::Url;
use serde_json::Value;

use super::sse::{self, Events};
use super::trouble::Trouble;
use super::wire::{Ask, Finish, Provider, Reply, Settings, ToolCall};
use crate::domain::advice::Usage;
use crate::domain::clean::Clean;

/// The most of an answer that is kept, in bytes of words and arguments.
pub const LONGEST_ANSWER: usize = 4 << 20;
/// The most that is read of one answer, in bytes on the wire; each word stands in some 200 bytes of JSON.
pub const LONGEST_BODY: usize = 64 << 20;

/// A wire protocol of language models. Stateless: what an event means does not depend on those before it.
pub trait Protocol: Send + Sync {
    /// Where a question goes, from the configured URL.
    fn question_url(&self, base: &Url) -> Url;

    /// Where the list of models is; reading it spends no tokens.
    fn models_url(&self, base: &Url) -> Url;

    /// The header that carries the key.
    fn key_header(&self, key: &str) -> (&'static str, String);

    /// Other headers of each request.
    fn headers(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    /// The body of a question, without the configured extra fields.
    fn body(&self, settings: &Settings, ask: &Ask, form: Form) -> Value;

    /// What a piece of JSON says: one event of a stream, or a whole answer that was not streamed.
    fn pieces(&self, json: &Value) -> Vec<Piece>;
}

/// What differs between servers of one protocol, found out by their refusals.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Form {
    /// The schema is sent.
    pub schema: bool,
    /// The limit is called `max_completion_tokens`.
    pub completion_tokens: bool,
}

/// What an event of a stream says.
#[derive(Clone, PartialEq, Debug)]
pub enum Piece {
    /// More words.
    Text(String),
    /// More words of a refusal.
    Refusal(String),
    /// A part of a tool call: by place, what is said only once, and the next part of its arguments.
    Call {
        /// Which call.
        place: u64,
        /// Its id, empty where it is not said here.
        id: String,
        /// Name of the tool, likewise.
        name: String,
        /// The next part of the arguments.
        arguments: String,
    },
    /// Why the model stopped.
    Finish(Finish),
    /// Tokens; what is `None` was not said here.
    Usage(Usage),
    /// The model's name.
    Model(String),
    /// Something went wrong at the server.
    Trouble(Box<Trouble>),
    /// Nothing follows.
    End,
}

/// Why nothing more is listened to.
#[derive(Clone, PartialEq, Debug)]
pub enum Over {
    /// The protocol's own end.
    Done,
    /// The server said that something went wrong.
    Trouble(Box<Trouble>),
    /// A page for people.
    Html,
    /// More than is read.
    TooLarge(&'static str),
}

/// An answer as it comes in.
#[derive(Clone)]
pub struct Listening {
    provider: Provider,
    so_far: SoFar,
}

/// What was received, by which two ways of splitting a stream can be compared.
#[derive(Clone, PartialEq, Debug)]
pub struct SoFar {
    body: Body,
    received: usize,
    kept: usize,
    text: String,
    refusal: String,
    calls: Vec<(u64, ToolCall)>,
    finish: Option<Finish>,
    usage: Usage,
    model: String,
    /// The first data that was no JSON.
    strange: Option<Clean>,
    over: Option<Over>,
}

/// What the first character says that the body is; content types cannot be relied upon.
#[derive(Clone, PartialEq, Debug)]
enum Body {
    Unknown,
    Stream(Events),
    Json(Vec<u8>),
}

impl Listening {
    /// To an answer of `provider`.
    pub fn new(provider: &Provider) -> Self {
        Self {
            provider: provider.clone(),
            so_far: SoFar {
                body: Body::Unknown,
                received: 0,
                kept: 0,
                text: String::new(),
                refusal: String::new(),
                calls: Vec::new(),
                finish: None,
                usage: Usage::default(),
                model: String::new(),
                strange: None,
                over: None,
            },
        }
    }

    /// Takes the next bytes of the body and tells the words in them. After [`Listening::over`] nothing is taken.
    pub fn feed(&mut self, bytes: &[u8], tell: &mut dyn FnMut(&str)) {
        if self.so_far.over.is_some() {
            return;
        }
        self.so_far.received += bytes.len();
        if self.so_far.received > LONGEST_BODY {
            self.so_far.over = Some(Over::TooLarge("the answer is larger than 64 MiB"));
            return;
        }
        let Some(bytes) = self.so_far.begin(bytes) else { return };
        match &mut self.so_far.body {
            Body::Unknown => {}
            Body::Json(json) if json.len() + bytes.len() > LONGEST_ANSWER => {
                self.so_far.over = Some(Over::TooLarge("the answer is larger than 4 MiB"));
            }
            Body::Json(json) => json.extend_from_slice(bytes),
            Body::Stream(events) => {
                let mut events = std::mem::take(events);
                let (protocol, so_far) = (self.provider.protocol(), &mut self.so_far);
                let fed = events.feed(bytes, &mut |event| so_far.event(&*protocol, &event, tell));
                so_far.body = Body::Stream(events);
                so_far.refuse_long(fed);
            }
        }
    }

    /// The body is over: takes what stands without its end.
    pub fn end(&mut self, tell: &mut dyn FnMut(&str)) {
        let (protocol, so_far) = (self.provider.protocol(), &mut self.so_far);
        match std::mem::replace(&mut so_far.body, Body::Unknown) {
            Body::Unknown => {}
            Body::Stream(mut events) => {
                let ended = events.end(&mut |event| so_far.event(&*protocol, &event, tell));
                so_far.refuse_long(ended);
            }
            Body::Json(json) => {
                let data = String::from_utf8_lossy(&json).into_owned();
                so_far.event(&*protocol, &sse::Event { name: String::new(), data }, tell);
                so_far.over.get_or_insert(Over::Done);
            }
        }
    }

    /// Why nothing more is to be expected, if so.
    pub fn over(&self) -> Option<&Over> {
        self.so_far.over.as_ref()
    }

    /// All that was received, to be compared.
    pub fn so_far(&self) -> &SoFar {
        &self.so_far
    }

    /// A word of an answer was heard, or of a refusal, or of a tool call.
    pub fn has_heard(&self) -> bool {
        let SoFar { text, refusal, calls, .. } = &self.so_far;
        !(text.is_empty() && refusal.is_empty() && calls.is_empty())
    }

    /// The model said why it stopped, or the stream had its proper end.
    pub fn is_whole(&self) -> bool {
        self.so_far.finish.is_some() || self.so_far.over == Some(Over::Done)
    }

    /// The model declined, or a filter did: an answer without words is then an answer.
    pub fn is_refused(&self) -> bool {
        matches!(self.so_far.finish, Some(Finish::Refused(_) | Finish::Filtered))
    }

    /// Why the model stopped, as far as it was said.
    pub fn finish(&self) -> Option<&Finish> {
        self.so_far.finish.as_ref()
    }

    /// The first data that could not be understood.
    pub fn strange(&self) -> Option<&Clean> {
        self.so_far.strange.as_ref()
    }

    /// The answer; `cut` says why it is not whole.
    pub fn reply(self, cut: Option<Clean>) -> Reply {
        let so_far = self.so_far;
        let mut finish = so_far.finish.unwrap_or(Finish::Missing);
        if !so_far.refusal.is_empty() || matches!(finish, Finish::Refused(_)) {
            finish = Finish::Refused(Clean::new(so_far.refusal));
        }
        let mut calls: Vec<ToolCall> = so_far.calls.into_iter().map(|(_, call)| call).collect();
        let mut taken: BTreeSet<String> = calls.iter().map(|call| call.id.clone()).collect();
        for (n, call) in calls.iter_mut().enumerate() {
            // Without an id a result could not be given back.
            if call.id.is_empty() {
                call.id =
                    (n..).map(|n| format!("call_{n}")).find(|id| !taken.contains(id)).unwrap_or_default();
                taken.insert(call.id.clone());
            }
        }
        Reply { text: so_far.text, calls, finish, usage: so_far.usage, model: so_far.model, cut }
    }
}

impl SoFar {
    /// Finds out what the body is; what of `bytes` belongs to it.
    fn begin<'b>(&mut self, bytes: &'b [u8]) -> Option<&'b [u8]> {
        if self.body != Body::Unknown {
            return Some(bytes);
        }
        // No protocol says anything by white space, and no event begins with these characters.
        let bytes = bytes.trim_ascii_start();
        match bytes.first()? {
            b'{' | b'[' => self.body = Body::Json(Vec::new()),
            b'<' => {
                self.over = Some(Over::Html);
                return None;
            }
            _ => self.body = Body::Stream(Events::default()),
        }
        Some(bytes)
    }

    fn refuse_long(&mut self, fed: Result<(), sse::TooLong>) {
        if fed.is_err() {
            self.over.get_or_insert(Over::TooLarge("one event of the answer is larger than 1 MiB"));
        }
    }

    fn event(&mut self, protocol: &dyn Protocol, event: &sse::Event, tell: &mut dyn FnMut(&str)) {
        if self.over.is_some() {
            return;
        }
        let data = event.data.trim();
        if data == "[DONE]" {
            self.over = Some(Over::Done);
            return;
        }
        match serde_json::from_str::<Value>(data) {
            Ok(json) => protocol.pieces(&json).into_iter().for_each(|piece| self.piece(piece, tell)),
            Err(_) if event.name == "error" => {
                self.over = Some(Over::Trouble(Box::new(Trouble::of_body(None, data.as_bytes()))));
            }
            Err(_) if data.is_empty() => {}
            Err(_) => drop(self.strange.get_or_insert_with(|| Clean::new(data))),
        }
    }

    fn piece(&mut self, piece: Piece, tell: &mut dyn FnMut(&str)) {
        if self.over.is_some() {
            return;
        }
        match piece {
            Piece::Text(text) => {
                if !text.is_empty() && self.keep(text.len()) {
                    tell(&text);
                    self.text.push_str(&text);
                }
            }
            Piece::Refusal(text) => {
                if self.keep(text.len()) {
                    self.refusal.push_str(&text);
                }
            }
            Piece::Call { place, id, name, arguments } => {
                // An entry costs something even where nothing is said in it.
                if self.keep(id.len() + name.len() + arguments.len() + 16) {
                    self.call(place, id, name, &arguments);
                }
            }
            Piece::Finish(finish) => self.finish = Some(finish),
            Piece::Usage(usage) => {
                self.usage.prompt = usage.prompt.or(self.usage.prompt);
                self.usage.answer = usage.answer.or(self.usage.answer);
            }
            Piece::Model(model) => {
                if self.model.is_empty() && self.keep(model.len()) {
                    self.model = model;
                }
            }
            Piece::Trouble(trouble) => self.over = Some(Over::Trouble(trouble)),
            Piece::End => self.over = Some(Over::Done),
        }
    }

    /// Counts what is kept; false, and over, where it is too much.
    fn keep(&mut self, length: usize) -> bool {
        self.kept += length;
        if self.kept > LONGEST_ANSWER {
            self.over = Some(Over::TooLarge("the answer is larger than 4 MiB"));
        }
        self.over.is_none()
    }

    fn call(&mut self, place: u64, id: String, name: String, arguments: &str) {
        let known = self.calls.iter_mut().rev().find(|(at, call)| {
            // Some servers give each call the same place, and an id of its own.
            *at == place && (id.is_empty() || call.id.is_empty() || call.id == id)
        });
        match known {
            Some((_, call)) => {
                if call.id.is_empty() {
                    call.id = id;
                }
                if call.name.is_empty() {
                    call.name = name;
                }
                call.arguments.push_str(arguments);
            }
            None => self.calls.push((place, ToolCall { id, name, arguments: arguments.to_owned() })),
        }
    }
}

//! What is asked of a language model and what comes back, in words that belong to no provider; and how to reach one.
//! Secrets are named by variable or file and never held here.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Map, Value};

use super::anthropic::Messages;
use super::openai::ChatCompletions;
use super::protocol::Protocol;
use crate::domain::advice::Usage;
use crate::domain::clean::Clean;

/// Who answers, and in which protocol.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Provider {
    /// Chat completions: OpenAI and the many servers that speak like it.
    OpenAi {
        /// The deployment, where it is Azure.
        azure: Option<Azure>,
    },
    /// Anthropic's Messages.
    Anthropic,
}

impl Provider {
    /// Its protocol.
    pub fn protocol(&self) -> Box<dyn Protocol> {
        match self {
            Self::OpenAi { azure } => Box::new(ChatCompletions { azure: azure.clone() }),
            Self::Anthropic => Box::new(Messages),
        }
    }
}

/// What Azure wants in the address.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Azure {
    /// Name of the deployment.
    pub deployment: String,
    /// `2024-10-21`.
    pub api_version: String,
}

/// Where the key is. It is read anew for each request, because keys rotate.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum KeyFrom {
    /// In this variable of the environment.
    Env(String),
    /// On the only line of this file.
    File(PathBuf),
}

impl fmt::Display for KeyFrom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => f.write_str(name),
            Self::File(path) => write!(f, "{}", path.display()),
        }
    }
}

/// How to reach a model, and what it may cost.
#[derive(Clone, PartialEq)]
pub struct Settings {
    /// Who answers.
    pub provider: Provider,
    /// Where: the part before `/chat/completions`, `/v1/messages` or `/openai/deployments`; http or https, without a
    /// user part. `/v1` is added for OpenAI where there is no path at all.
    pub url: String,
    /// Name of the model, as the server knows it.
    pub model: String,
    /// Where the key is; a local server often wants none.
    pub key: Option<KeyFrom>,
    /// Sent with every request.
    pub headers: Vec<(String, String)>,
    /// PEM certificates of authorities to trust beside the system's.
    pub ca_file: Option<PathBuf>,
    /// A proxy to use instead of the environment's; never used for loopback.
    pub proxy: Option<String>,
    /// Limits.
    pub budget: Budget,
    /// Whether the server is asked to keep to a schema. The answer is checked in any case.
    pub schema: bool,
    /// More fields of the body, for example `temperature`; they win over what is sent otherwise.
    pub extra: Map<String, Value>,
}

impl Settings {
    /// With the defaults for everything else.
    pub fn new(provider: Provider, url: impl Into<String>, model: impl Into<String>) -> Self {
        Self {
            provider,
            url: url.into(),
            model: model.into(),
            key: None,
            headers: Vec::new(),
            ca_file: None,
            proxy: None,
            budget: Budget::default(),
            schema: true,
            extra: Map::new(),
        }
    }
}

/// Without values of headers and of body fields, and without a user part of the proxy: each may be a secret.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let without_user = |url: &str| match (url.find("://"), url.rfind('@')) {
            (Some(scheme), Some(at)) if scheme < at => format!("{}://***{}", &url[..scheme], &url[at..]),
            _ => url.to_owned(),
        };
        f.debug_struct("Settings")
            .field("provider", &self.provider)
            .field("url", &without_user(&self.url))
            .field("model", &self.model)
            .field("key", &self.key)
            .field("headers", &self.headers.iter().map(|(name, _)| name).collect::<Vec<_>>())
            .field("ca_file", &self.ca_file)
            .field("proxy", &self.proxy.as_deref().map(without_user))
            .field("budget", &self.budget)
            .field("schema", &self.schema)
            .field("extra", &self.extra.keys().collect::<Vec<_>>())
            .finish()
    }
}

/// How long, and how much.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Budget {
    /// From sending to the first word of the answer, or of a tool call; thinking aloud is neither.
    pub first_token: Duration,
    /// A whole answer.
    pub whole: Duration,
    /// A whole answer with the calls of tools before it.
    pub with_tools: Duration,
    /// Tokens of a prompt, estimated.
    pub prompt_tokens: u32,
    /// Tokens of an answer.
    pub answer_tokens: u32,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            first_token: Duration::from_secs(5),
            whole: Duration::from_secs(30),
            with_tools: Duration::from_secs(60),
            prompt_tokens: 4_000,
            answer_tokens: 700,
        }
    }
}

/// One request.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Ask {
    /// What the model is told to be.
    pub system: String,
    /// The conversation, oldest first.
    pub messages: Vec<Message>,
    /// Name and JSON schema of the answer that is wanted.
    pub schema: Option<(String, Value)>,
    /// Tools that may be called. Anthropic wants them as long as the conversation holds calls.
    pub tools: Vec<ToolSpec>,
    /// Longest answer, in tokens.
    pub max_tokens: u32,
}

/// One turn of a conversation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Message {
    /// Ours.
    User(String),
    /// The model's.
    Assistant {
        /// Its words.
        text: String,
        /// The tools that it called.
        calls: Vec<ToolCall>,
    },
    /// What a tool said.
    ToolResult {
        /// Id of the call.
        id: String,
        /// The words.
        text: String,
    },
}

/// A tool as it is described to the model.
#[derive(Clone, PartialEq, Debug)]
pub struct ToolSpec {
    /// Its name: letters, digits, `_` and `-`.
    pub name: String,
    /// What it is good for.
    pub description: String,
    /// JSON schema of its arguments, an object.
    pub parameters: Value,
}

/// A call that the model wants. Nobody has checked it: neither that there is such a tool nor that the arguments are JSON.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ToolCall {
    /// Its id, to be given back with the result.
    pub id: String,
    /// Name of the tool.
    pub name: String,
    /// The arguments, JSON if the model kept to it.
    pub arguments: String,
}

/// What is heard while an answer is under way.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Heard {
    /// More words, as they came: not yet made harmless.
    Text(String),
    /// It is tried again; never after words were heard.
    Retrying {
        /// Why.
        why: Clean,
        /// After this wait.
        after: Duration,
    },
}

/// An answer, whole or cut.
#[derive(Clone, PartialEq, Debug)]
pub struct Reply {
    /// All words, as they came: not yet made harmless.
    pub text: String,
    /// Tools that the model wants to call, also those that nobody offered.
    pub calls: Vec<ToolCall>,
    /// Why the model stopped.
    pub finish: Finish,
    /// Tokens, where the server counted them.
    pub usage: Usage,
    /// The model's name in the server's words, else empty.
    pub model: String,
    /// The stream ended before the answer did: why.
    pub cut: Option<Clean>,
}

/// Why a model stopped.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Finish {
    /// It had said all.
    Stop,
    /// No more tokens.
    Length,
    /// It waits for tools.
    ToolCalls,
    /// A filter cut it.
    Filtered,
    /// The model did not want to: its words, may be empty.
    Refused(Clean),
    /// Another word.
    Other(Clean),
    /// It was not said.
    Missing,
}

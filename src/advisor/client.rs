//! The one place that builds HTTP clients and requests of the advisor. Redirects are not followed, or the key would go
//! along; keys are read from variable or file for every request, because they rotate, and appear in no message. A
//! proxy of the environment is honoured unless one is configured, and loopback never goes through any.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION};
use reqwest::{Method, Response, Url};
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use super::error::{AdvisorError, ConnectFault, TlsFault, root_cause, seconds};
use super::protocol::{Form, Protocol};
use super::retry::Wish;
use super::trouble::Trouble;
use super::wire::{Ask, KeyFrom, Settings};
use crate::domain::clean::Clean;

/// The longest wait for a connection; less where the first word must come sooner, so that the two are told apart.
const CONNECT: Duration = Duration::from_secs(5);
/// The longest wait for a list of models.
const PROBE: Duration = Duration::from_secs(10);
/// The most that is read of an answer which is an error.
const LONGEST_ERROR: usize = 64 << 10;
/// The most that is read of a list of models.
const LONGEST_LIST: usize = 4 << 20;
/// Fields of the body that are ours whatever is configured.
pub const OUR_FIELDS: [&str; 10] = [
    "stream",
    "messages",
    "model",
    "tools",
    "tool_choice",
    "system",
    "max_tokens",
    "max_completion_tokens",
    "response_format",
    "output_config",
];

/// A model that can be asked. Clones share connections.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    settings: Settings,
    http: reqwest::Client,
    headers: HeaderMap,
    base: Url,
    /// The configured proxy, if it is used; without a user part.
    proxy: Option<Clean>,
    /// The server was heard to want `max_completion_tokens`.
    completion_tokens: AtomicBool,
}

/// Why a request has no answer, and whether it may be sent again.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) error: AdvisorError,
    pub(super) again: Again,
}

/// Whether it may be sent again.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Again {
    /// No.
    Never,
    /// As the rules of `retry.rs` say.
    Later(u16, Wish),
    /// At once, without the schema.
    WithoutSchema,
    /// At once, with the limit under its other name.
    CompletionTokens,
}

impl From<AdvisorError> for Failure {
    fn from(error: AdvisorError) -> Self {
        Self { error, again: Again::Never }
    }
}

/// The status that a connection counts as that broke before its answer.
const BROKEN: u16 = 503;

impl Client {
    /// Checks `settings` and reads the certificates that they name; no request is made.
    ///
    /// # Errors
    /// [`AdvisorError::Setting`] where something in them cannot be used.
    pub async fn new(settings: Settings) -> Result<Self, AdvisorError> {
        let base = base_url(&settings.url)?;
        let headers = extra_headers(&settings, &*settings.provider.protocol())?;
        let proxied = settings.proxy.as_deref().filter(|_| !is_loopback(&base));
        let http = http_client(&settings, &base, proxied).await?;
        let proxy = proxied.and_then(|proxy| Url::parse(proxy).ok()).map(|proxy| shown(&proxy));
        let completion_tokens = AtomicBool::new(false);
        Ok(Self(Arc::new(Inner { settings, http, headers, base, proxy, completion_tokens })))
    }

    /// How it was configured.
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// The server, as it is called in messages.
    pub fn at(&self) -> Clean {
        shown(&self.0.base)
    }

    /// In which form the first request is sent.
    pub(super) fn form(&self) -> Form {
        Form {
            schema: self.0.settings.schema,
            completion_tokens: self.0.completion_tokens.load(Ordering::Relaxed),
        }
    }

    /// Remembers that the limit must have its other name.
    pub(super) fn learn_completion_tokens(&self) {
        self.0.completion_tokens.store(true, Ordering::Relaxed);
    }

    /// Sends a question.
    pub(super) async fn question(&self, ask: &Ask, form: Form) -> Result<Answering, Failure> {
        let settings = &self.0.settings;
        let protocol = settings.provider.protocol();
        let mut body = protocol.body(settings, ask, form);
        if let Some(fields) = body.as_object_mut() {
            let extra = settings.extra.iter().filter(|(name, _)| !OUR_FIELDS.contains(&name.as_str()));
            fields.extend(extra.map(|(name, value)| (name.clone(), value.clone())));
        }
        self.send(Method::POST, protocol.question_url(&self.0.base), Some(body)).await
    }

    async fn send(&self, method: Method, url: Url, body: Option<Value>) -> Result<Answering, Failure> {
        let at = shown(&url);
        let protocol = self.0.settings.provider.protocol();
        let mut request = self.0.http.request(method, url).headers(self.0.headers.clone());
        let key = match &self.0.settings.key {
            Some(from) => Some(read_key(from).await?),
            None => None,
        };
        if let (Some(key), Some(from)) = (&key, &self.0.settings.key) {
            let (name, value) = protocol.key_header(key);
            let mut value = HeaderValue::from_str(&value)
                .map_err(|_| unusable(from, "it has a character that no header can hold"))?;
            value.set_sensitive(true);
            request = request.header(name, value);
        }
        if let Some(body) = body {
            request = request.header(CONTENT_TYPE, "application/json").body(body.to_string());
        }
        match request.send().await {
            Ok(response) => Ok(Answering { client: self.clone(), at, key, response }),
            Err(error) => Err(self.unreachable(&at, &error)),
        }
    }

    fn unreachable(&self, at: &Clean, error: &reqwest::Error) -> Failure {
        if let Some(fault) = TlsFault::among(error) {
            return AdvisorError::Tls { at: at.clone(), fault }.into();
        }
        let error = if error.is_connect() {
            let fault = ConnectFault::of(error, error.is_timeout(), self.0.proxy.as_ref());
            AdvisorError::Connect { at: at.clone(), fault }
        } else {
            AdvisorError::Broke { at: at.clone(), why: root_cause(error) }
        };
        Failure { error, again: Again::Later(BROKEN, Wish::default()) }
    }
}

/// An answer whose head has arrived.
pub(super) struct Answering {
    client: Client,
    pub(super) at: Clean,
    key: Option<String>,
    pub(super) response: Response,
}

impl Answering {
    /// Itself where the status says that the answer follows, else why it does not. At most until `limit` is waited for
    /// the words of a refusal.
    pub(super) async fn checked(mut self, limit: Instant) -> Result<Self, Failure> {
        let status = self.response.status();
        if status.is_success() {
            return Ok(self);
        }
        let text =
            |name| self.response.headers().get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        let to = text(LOCATION).map(without_secrets).unwrap_or_default();
        let is_html = text(CONTENT_TYPE).is_some_and(|kind| kind.to_ascii_lowercase().contains("html"));
        let (at, code) = (self.at.clone(), status.as_u16());
        if status.is_redirection() {
            return Err(AdvisorError::Redirect { at, status: code, to: Clean::new(to) }.into());
        }
        let wish = Wish::of(self.response.headers());
        let body = self.body(LONGEST_ERROR, limit).await;
        let is_html = is_html || body.trim_ascii_start().first() == Some(&b'<');
        match code {
            // A page says who refuses, not why; a key is looked for first.
            401 | 403 | 429 if is_html => Err(self.failure(Trouble::of_status(code), wish)),
            _ if is_html => Err(Failure {
                error: AdvisorError::Html { at, status: code },
                again: Again::Later(code, wish),
            }),
            _ => Err(self.failure(Trouble::of_body(Some(code), &body), wish)),
        }
    }

    /// At most `most` bytes of the body, and what has arrived until `limit`.
    async fn body(&mut self, most: usize, limit: Instant) -> Vec<u8> {
        let mut body = Vec::new();
        while let Ok(Ok(Some(bytes))) = timeout_at(limit, self.response.chunk()).await {
            let room = most - body.len();
            body.extend_from_slice(&bytes[..bytes.len().min(room)]);
            if body.len() == most {
                break;
            }
        }
        body
    }

    /// The server's words, without the key that it may have repeated.
    pub(super) fn without_secrets(&self, trouble: Trouble) -> Trouble {
        let values = self.client.0.settings.headers.iter().map(|(_, value)| value);
        let secrets = values.filter(|value| value.len() >= 8).chain(&self.key);
        secrets.fold(trouble, |trouble, secret| trouble.without(secret))
    }

    /// What a complaint of the server means.
    pub(super) fn failure(&self, trouble: Trouble, wish: Wish) -> Failure {
        let at = self.at.clone();
        let settings = &self.client.0.settings;
        let trouble = self.without_secrets(trouble);
        let (status, said) = (trouble.status, trouble.said.clone());
        let later = Again::Later(status, wish);
        let (error, again) = if trouble.wants_completion_tokens() {
            (AdvisorError::Rejected { at, status, said }, Again::CompletionTokens)
        } else if trouble.is_quota() {
            (AdvisorError::Quota { at, said }, Again::Never)
        } else if trouble.is_too_long() {
            let (needs, takes) = trouble.tokens();
            (AdvisorError::TooLong { needs, takes, said }, Again::Never)
        } else if matches!(status, 401 | 403) {
            let from = settings.key.as_ref().map(|from| Clean::new(from.to_string()));
            (AdvisorError::Unauthorized { at, status, from, said }, Again::Never)
        } else if trouble.is_about_model() {
            (AdvisorError::NoModel { at, model: Clean::new(&settings.model), said }, Again::Never)
        } else if trouble.is_about_schema() {
            (AdvisorError::Rejected { at, status, said }, Again::WithoutSchema)
        } else {
            let wait = wish.after;
            let error = match status {
                404 => AdvisorError::NotFound { at, said },
                429 => AdvisorError::RateLimit { at, wait, said },
                500.. => AdvisorError::Unavailable { at, status, wait, said },
                _ => AdvisorError::Rejected { at, status, said },
            };
            (error, later)
        };
        Failure { error, again }
    }

    /// A connection that broke in the middle of the answer.
    pub(super) fn broken(&self, why: Clean) -> Failure {
        let error = AdvisorError::Broke { at: self.at.clone(), why };
        Failure { error, again: Again::Later(BROKEN, Wish::default()) }
    }
}

/// What a server says of itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Probed {
    /// One sentence: `smollm2 is served at http://127.0.0.1:8089/v1`.
    pub said: Clean,
    /// Whether the model is in its list. `None`: it has no list. A name that is not listed may still be an alias.
    pub listed: Option<bool>,
}

/// Looks whether the server is there, takes the key, and has the model. Spends no tokens; asks once.
///
/// # Errors
/// As [`ask`](super::ask), except that a missing list of models is none.
pub async fn probe(client: &Client) -> Result<Probed, AdvisorError> {
    let at = client.at();
    let model = Clean::new(&client.settings().model);
    let limit = Instant::now() + PROBE;
    let url = client.settings().provider.protocol().models_url(&client.0.base);
    let silent =
        |_| AdvisorError::Silent { at: at.clone(), within: PROBE, hint: "see whether it is busy or hangs" };
    let sent = timeout_at(limit, client.send(Method::GET, url, None)).await.map_err(silent)?;
    let answering = sent.map_err(|failure| failure.error)?;
    if matches!(answering.response.status().as_u16(), 404 | 405 | 501) {
        let said = Clean::new(format!("{at} is reachable, has no model list"));
        return Ok(Probed { said, listed: None });
    }
    let mut answering = answering.checked(limit).await.map_err(|failure| failure.error)?;
    let body = answering.body(LONGEST_LIST, limit).await;
    if body.trim_ascii_start().first() == Some(&b'<') {
        return Err(AdvisorError::Html { at: answering.at, status: answering.response.status().as_u16() });
    }
    let not_a_list = || AdvisorError::Shape { at: answering.at.clone(), why: beginning(&body) };
    let list: Value = serde_json::from_slice(&body).map_err(|_| not_a_list())?;
    let entries = ["data", "models"].iter().find_map(|key| list[*key].as_array()).ok_or_else(not_a_list)?;
    let names = entries.iter().filter_map(|entry| {
        ["id", "name", "model"].iter().find_map(|key| entry[*key].as_str()).or(entry.as_str())
    });
    let names: Vec<&str> = names.collect();
    let listed = names.iter().any(|name| is_called(name, &client.settings().model));
    let said = if listed {
        format!("{model} is served at {at}")
    } else {
        format!("{at} answers, but does not list the model {model}; it lists {}", some_of(&names))
    };
    Ok(Probed { said: Clean::new(said), listed: Some(listed) })
}

/// Whether a listed name is what `wanted` means: `x:latest` and `models/x` are x, and so is `x-20250929`.
fn is_called(name: &str, wanted: &str) -> bool {
    let name = name.strip_prefix("models/").unwrap_or(name);
    let Some(rest) = name.strip_prefix(wanted) else { return false };
    let date = rest.strip_prefix('-').unwrap_or_default();
    rest.is_empty() || rest == ":latest" || date.len() == 8 && date.bytes().all(|b| b.is_ascii_digit())
}

fn some_of(names: &[&str]) -> String {
    const SOME: usize = 5;
    match names {
        [] => "none".to_owned(),
        names if names.len() <= SOME => names.join(", "),
        names => format!("{} and {} more", names[..SOME].join(", "), names.len() - SOME),
    }
}

/// The first words of a body.
fn beginning(body: &[u8]) -> Clean {
    let text = String::from_utf8_lossy(&body[..body.len().min(400)]);
    let text: String = text.trim().chars().take(80).collect();
    Clean::new(if text.is_empty() { "it is empty".to_owned() } else { format!("it begins with {text}") })
}

/// `url` without what may be secret in it.
fn shown(url: &Url) -> Clean {
    Clean::new(without_secrets(url.as_str()).trim_end_matches('/'))
}

/// An address without user and query: both may be a login's.
fn without_secrets(address: &str) -> String {
    let address = address.split(['?', '#']).next().unwrap_or_default();
    match address.split_once("//") {
        Some((scheme, rest)) => {
            let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            let host = host.rsplit('@').next().unwrap_or(host);
            format!("{scheme}//{host}{path}")
        }
        None => address.to_owned(),
    }
}

fn base_url(text: &str) -> Result<Url, AdvisorError> {
    let wrong = |why: String| AdvisorError::Setting {
        what: Clean::new(format!("the URL of the model is not usable: {why}")),
        hint: "write it as in https://api.openai.com/v1 or http://127.0.0.1:8080",
    };
    // The text itself is not repeated: it may hold a password.
    let url = Url::parse(text.trim()).map_err(|error| wrong(error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err(wrong(format!("{}: is not http or https", url.scheme())));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("it has a user part".to_owned()));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(wrong("it has a query".to_owned()));
    }
    Ok(url)
}

/// Whether it is this machine.
fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost"
        || host.ends_with(".localhost")
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

async fn http_client(
    settings: &Settings,
    base: &Url,
    proxied: Option<&str>,
) -> Result<reqwest::Client, AdvisorError> {
    let mut authorities = Vec::new();
    if let Some(path) = &settings.ca_file {
        let wrong = |why: String| AdvisorError::Setting {
            what: Clean::new(format!("cannot use the authority in {}: {why}", path.display())),
            hint: "ca_file under [advisor] names a file of PEM certificates",
        };
        let pem = tokio::fs::read(path).await.map_err(|error| wrong(error.to_string()))?;
        authorities = reqwest::Certificate::from_pem_bundle(&pem)
            .map_err(|error| wrong(root_cause(&error).to_string()))?;
        if authorities.is_empty() {
            return Err(wrong("it holds no certificate".to_owned()));
        }
    }
    let proxy = proxied.map(reqwest::Proxy::all).transpose().map_err(|_| AdvisorError::Setting {
        what: Clean::new("the URL of the proxy is not usable"),
        hint: "write proxy under [advisor] as in http://proxy.example:3128",
    })?;
    let builder = || {
        let builder = reqwest::Client::builder()
            .user_agent(concat!("goaround/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT.min(settings.budget.first_token.mul_f64(0.9)))
            // A proxy that compresses a stream keeps its words back.
            .no_gzip()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never());
        match &proxy {
            Some(proxy) => builder.proxy(proxy.clone()),
            None if is_loopback(base) => builder.no_proxy(),
            None => builder,
        }
    };
    let built = builder().tls_certs_merge(authorities).build();
    // A machine without any certificate cannot build the ordinary client, but needs none for plain HTTP.
    let plain = base.scheme() == "http";
    let built = if plain { built.or_else(|_| builder().tls_certs_only([]).build()) } else { built };
    built.map_err(|error| AdvisorError::Setting {
        what: Clean::new(format!("cannot set up TLS: {}", root_cause(&error))),
        hint: "install the system's CA certificates, or set ca_file under [advisor]",
    })
}

fn extra_headers(settings: &Settings, protocol: &dyn Protocol) -> Result<HeaderMap, AdvisorError> {
    let mut headers = HeaderMap::new();
    for (name, value) in protocol.headers() {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    for (name, value) in &settings.headers {
        let wrong = || AdvisorError::Setting {
            what: Clean::new(format!("`{name}` is no usable header")),
            hint: "under [advisor] headers, give names and values in visible ASCII",
        };
        let name_ = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong())?;
        let mut value = HeaderValue::from_str(value).map_err(|_| wrong())?;
        value.set_sensitive(true);
        headers.insert(name_, value);
    }
    Ok(headers)
}

fn unusable(from: &KeyFrom, why: impl AsRef<str>) -> AdvisorError {
    let hint = match from {
        KeyFrom::Env(_) => "export it before goaround is started, or use key_file under [advisor]",
        KeyFrom::File(_) => "it is read for every request and holds the key alone; check path and rights",
    };
    let named = match from {
        KeyFrom::Env(name) => format!("the variable {name}"),
        KeyFrom::File(path) => path.display().to_string(),
    };
    AdvisorError::Key { from: Clean::new(named), why: Clean::new(why), hint }
}

/// The key, as it is now.
async fn read_key(from: &KeyFrom) -> Result<String, AdvisorError> {
    let text = match from {
        KeyFrom::Env(name) => variable(name).ok_or_else(|| unusable(from, "it is not set"))?,
        KeyFrom::File(path) => read(path).await.map_err(|error| unusable(from, error.to_string()))?,
    };
    match text.trim() {
        "" => Err(unusable(from, "it is empty")),
        key if key.chars().any(char::is_control) => Err(unusable(from, "it has more than one line")),
        key => Ok(key.to_owned()),
    }
}

async fn read(path: &Path) -> std::io::Result<String> {
    tokio::fs::read_to_string(path).await
}

#[expect(clippy::disallowed_methods, reason = "which variable it is stands in the configuration")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The time since `begun` until `deadline`, in words.
pub(super) fn cut_after(begun: Instant, deadline: Instant) -> Clean {
    Clean::new(format!("cut after {}", seconds(deadline.saturating_duration_since(begun))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_known_by_name_and_number() {
        for (url, is) in [
            ("http://127.0.0.1:1", true),
            ("http://127.9.9.9", true),
            ("http://[::1]:1", true),
            ("http://localhost", true),
            ("http://a.localhost", true),
            ("http://localhost.example", false),
            ("http://10.0.0.1", false),
        ] {
            assert_eq!(is_loopback(&Url::parse(url).expect("a URL")), is, "{url}");
        }
    }

    #[test]
    fn a_listed_name_may_have_a_tag_a_folder_or_a_date() {
        for (name, wanted, is) in [
            ("m", "m", true),
            ("m:latest", "m", true),
            ("models/m", "m", true),
            ("m-20250929", "m", true),
            ("m-mini", "m", false),
            ("m2", "m", false),
            ("m", "m2", false),
        ] {
            assert_eq!(is_called(name, wanted), is, "{name} {wanted}");
        }
    }

    #[test]
    fn an_address_is_shown_without_user_and_query() {
        assert_eq!(without_secrets("https://u:p@h/x?k=v#f"), "https://h/x");
        assert_eq!(without_secrets("/login?next=1"), "/login");
    }
}

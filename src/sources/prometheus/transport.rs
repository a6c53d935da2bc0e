//! How a request travels: to a URL with whatever login it wants, or through the API server's service proxy. Redirects
//! are not followed, and a body is never read past its cap. Credentials are read from their files for every request,
//! because tokens rotate; they appear in no message.

use std::error::Error;
use std::fmt;
use std::path::PathBuf;
use std::pin::Pin;

// `http_body::Body` under another name: axum is a dependency anyway, `http-body` is not.
use axum::body::HttpBody;
use http::header::{CONTENT_TYPE, DATE, HeaderMap, HeaderName, HeaderValue, LOCATION};
use reqwest::Url;

use super::error::{PromError, TlsFault, root_cause};
use crate::domain::Time;
use crate::domain::clean::Clean;

/// The longest URL sent by GET, in bytes; above it the parameters travel as a POST form.
const LONGEST_URL: usize = 4_096;
const FORM: &str = "application/x-www-form-urlencoded";

/// A server at a URL.
#[derive(Clone, Default)]
pub struct Direct {
    /// The part before `/api/v1`, with a prefix where the server has one; a user part becomes a basic login.
    pub url: String,
    /// A file that holds a bearer token.
    pub bearer_file: Option<PathBuf>,
    /// A user whose password is in a file.
    pub basic: Option<Basic>,
    /// Sent with every request, for example `X-Scope-OrgID`.
    pub headers: Vec<(String, String)>,
    /// PEM certificates of authorities to trust beside the system's.
    pub ca_file: Option<PathBuf>,
}

/// A basic login.
#[derive(Clone)]
pub struct Basic {
    /// The user's name.
    pub user: String,
    /// The file that holds the password.
    pub password_file: PathBuf,
}

/// A Service behind the API server's proxy.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct ServiceProxy {
    /// Its namespace.
    pub namespace: String,
    /// `http` or `https`: how the API server speaks to it.
    pub scheme: String,
    /// Its name.
    pub name: String,
    /// A port's number or name.
    pub port: String,
    /// What stands before `/api/v1` there, `""` or for example `/prometheus`.
    pub prefix: String,
}

impl ServiceProxy {
    /// From the way in which the API server writes it, `http:prometheus:9090` or `prometheus:web`.
    ///
    /// # Errors
    /// [`PromError::Setting`] where a part is missing or cannot be part of a path.
    pub fn new(namespace: &str, service: &str) -> Result<Self, PromError> {
        let parts: Vec<&str> = service.split(':').collect();
        let (scheme, name, port) = match parts[..] {
            [name, port] => ("http", name, port),
            [scheme @ ("http" | "https"), name, port] => (scheme, name, port),
            _ => return Err(not_a_service(service)),
        };
        let word = |text: &str| {
            !text.is_empty()
                && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        };
        if !(word(namespace) && word(name) && word(port)) {
            return Err(not_a_service(service));
        }
        Ok(Self {
            namespace: namespace.to_owned(),
            scheme: scheme.to_owned(),
            name: name.to_owned(),
            port: port.to_owned(),
            prefix: String::new(),
        })
    }

    fn path(&self) -> String {
        let Self { namespace, scheme, name, port, prefix } = self;
        format!("/api/v1/namespaces/{namespace}/services/{scheme}:{name}:{port}/proxy{prefix}")
    }
}

impl fmt::Display for ServiceProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { namespace, scheme, name, port, prefix } = self;
        write!(f, "{scheme}:{name}:{port}{prefix} in namespace {namespace}")
    }
}

fn not_a_service(text: &str) -> PromError {
    PromError::Setting {
        what: Clean::new(format!("`{text}` is no service")),
        hint: "write scheme:name:port, as in http:prometheus:9090",
    }
}

/// An answer before its meaning is looked at.
pub struct Reply {
    /// Of HTTP.
    pub status: u16,
    /// As the server says it.
    pub content_type: String,
    /// Where a redirect leads, without user and query.
    pub location: Clean,
    /// The server's clock.
    pub date: Option<Time>,
    /// All of it, decompressed.
    pub body: Vec<u8>,
    /// What was asked, for messages.
    pub at: Clean,
    /// The namespace of the service, when the API server stands between.
    pub proxied: Option<Clean>,
}

/// One of the two ways.
pub(super) enum Transport {
    Url(Box<ByUrl>),
    Service(Box<ByService>),
}

pub(super) struct ByUrl {
    client: reqwest::Client,
    base: Url,
    login: Login,
    headers: HeaderMap,
}

pub(super) struct ByService {
    client: kube::Client,
    service: ServiceProxy,
}

/// Where the `Authorization` header comes from.
enum Login {
    None,
    Bearer(PathBuf),
    Basic(Basic),
    /// From the URL's user part.
    Inline {
        user: String,
        password: String,
    },
}

/// A question: the path after the base, and its parameters, encoded.
pub(super) struct Request<'a> {
    path: &'a str,
    form: String,
}

impl<'a> Request<'a> {
    pub(super) fn new(path: &'a str, parameters: &[(&str, String)]) -> Self {
        let mut form = String::new();
        for (name, value) in parameters {
            if !form.is_empty() {
                form.push('&');
            }
            form.push_str(name);
            form.push('=');
            encode(value, &mut form);
        }
        Self { path, form }
    }

    fn is_long(&self, base: usize) -> bool {
        base + self.path.len() + 1 + self.form.len() > LONGEST_URL
    }
}

/// Percent-encodes all but what a form and a query leave alone.
fn encode(text: &str, out: &mut String) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            byte => {
                out.push('%');
                out.push(char::from(HEX[usize::from(byte >> 4)]));
                out.push(char::from(HEX[usize::from(byte & 15)]));
            }
        }
    }
}

impl Transport {
    pub(super) async fn by_url(direct: Direct) -> Result<Self, PromError> {
        let mut base = base_url(&direct.url)?;
        let login = login(&direct, &mut base)?;
        let client = http_client(&direct, base.scheme() == "http").await?;
        let headers = extra_headers(&direct.headers)?;
        Ok(Self::Url(Box::new(ByUrl { client, base, login, headers })))
    }

    pub(super) fn by_service(client: kube::Client, service: ServiceProxy) -> Self {
        Self::Service(Box::new(ByService { client, service }))
    }

    /// The server without user part, for messages.
    pub(super) fn name(&self) -> Clean {
        match self {
            Self::Url(url) => Clean::new(url.base.as_str().trim_end_matches('/')),
            Self::Service(service) => Clean::new(service.service.to_string()),
        }
    }

    /// Sends `request` once and reads at most `cap` bytes of the answer.
    pub(super) async fn send(&self, request: &Request<'_>, cap: usize) -> Result<Reply, PromError> {
        match self {
            Self::Url(url) => url.send(request, cap).await,
            Self::Service(service) => service.send(request, cap).await,
        }
    }
}

fn base_url(text: &str) -> Result<Url, PromError> {
    let wrong = |why: String| PromError::Setting {
        what: Clean::new(format!("the URL of Prometheus is not usable: {why}")),
        hint: "write it as in http://prometheus.example:9090 or https://host/prefix",
    };
    // The text itself is not repeated: it may hold a password.
    let url = Url::parse(text.trim()).map_err(|error| wrong(error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err(wrong(format!("{}: is not http or https", url.scheme())));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(wrong("it has a query".to_owned()));
    }
    Ok(url)
}

/// Takes the user part out of `base`.
fn login(direct: &Direct, base: &mut Url) -> Result<Login, PromError> {
    let decode = |text: &str| percent_decoded(text);
    let inline = (!base.username().is_empty() || base.password().is_some()).then(|| Login::Inline {
        user: decode(base.username()),
        password: decode(base.password().unwrap_or_default()),
    });
    // Both only fail for URLs without a host, which were refused before.
    let _ = base.set_username("");
    let _ = base.set_password(None);
    let mut given: Vec<Login> =
        [direct.bearer_file.clone().map(Login::Bearer), direct.basic.clone().map(Login::Basic), inline]
            .into_iter()
            .flatten()
            .collect();
    if given.len() > 1 {
        return Err(PromError::Setting {
            what: Clean::new("Prometheus is given more than one login"),
            hint: "keep one of bearer_file, basic_user and the user part of the URL",
        });
    }
    Ok(given.pop().unwrap_or(Login::None))
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let hex = tail.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        match (first, hex.and_then(|two| u8::from_str_radix(two, 16).ok())) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            _ => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

async fn http_client(direct: &Direct, plain: bool) -> Result<reqwest::Client, PromError> {
    let mut authorities = Vec::new();
    if let Some(path) = &direct.ca_file {
        let wrong = |why: String| PromError::Setting {
            what: Clean::new(format!("cannot use the authority in {}: {why}", path.display())),
            hint: "ca_file names a file of PEM certificates",
        };
        let pem = tokio::fs::read(path).await.map_err(|error| wrong(error.to_string()))?;
        authorities = reqwest::Certificate::from_pem_bundle(&pem)
            .map_err(|error| wrong(root_cause(&error).to_string()))?;
        if authorities.is_empty() {
            return Err(wrong("it holds no certificate".to_owned()));
        }
    }
    let builder = || {
        reqwest::Client::builder()
            .user_agent(concat!("goaround/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
    };
    let built = builder().tls_certs_merge(authorities).build();
    // A machine without any certificate cannot build the ordinary client, but needs none for plain HTTP.
    let built = if plain { built.or_else(|_| builder().tls_certs_only([]).build()) } else { built };
    built.map_err(|error| PromError::Setting {
        what: Clean::new(format!("cannot set up TLS: {}", root_cause(&error))),
        hint: "install the system's CA certificates, or set ca_file under [prometheus]",
    })
}

fn extra_headers(given: &[(String, String)]) -> Result<HeaderMap, PromError> {
    let mut headers = HeaderMap::new();
    for (name, value) in given {
        let wrong = |_| PromError::Setting {
            what: Clean::new(format!("`{name}` is no usable header")),
            hint: "under [prometheus] headers, give names and values in visible ASCII",
        };
        let name_ = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong(()))?;
        let mut value = HeaderValue::from_str(value).map_err(|_| wrong(()))?;
        value.set_sensitive(true);
        headers.append(name_, value);
    }
    Ok(headers)
}

/// The first line of a credential file.
async fn secret(path: &PathBuf) -> Result<String, PromError> {
    let wrong = |why: String| PromError::Credential {
        path: Clean::new(path.display().to_string()),
        why: Clean::new(why),
    };
    let text = tokio::fs::read_to_string(path).await.map_err(|error| wrong(error.to_string()))?;
    match text.trim() {
        "" => Err(wrong("it is empty".to_owned())),
        secret if secret.chars().any(char::is_control) => Err(wrong("it has more than one line".to_owned())),
        secret => Ok(secret.to_owned()),
    }
}

impl ByUrl {
    async fn send(&self, request: &Request<'_>, cap: usize) -> Result<Reply, PromError> {
        let mut url = self.base.clone();
        url.set_path(&format!("{}{}", self.base.path().trim_end_matches('/'), request.path));
        let at = Clean::new(url.as_str());
        let sending = if request.is_long(self.base.as_str().len()) {
            self.client.post(url).header(CONTENT_TYPE, FORM).body(request.form.clone())
        } else {
            url.set_query((!request.form.is_empty()).then_some(&request.form));
            self.client.get(url)
        };
        let sending = self.login.apply(sending).await?.headers(self.headers.clone());
        let mut response = sending.send().await.map_err(|error| unreachable(&at, &error))?;
        let mut reply = Reply::headed(response.status().as_u16(), response.headers(), at);
        let too_large = || PromError::TooLarge { at: reply.at.clone(), limit: cap };
        if response.content_length().is_some_and(|length| length > cap as u64) {
            return Err(too_large());
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| unreachable(&reply.at, &error))? {
            if body.len() + chunk.len() > cap {
                return Err(too_large());
            }
            body.extend_from_slice(&chunk);
        }
        reply.body = body;
        Ok(reply)
    }
}

impl Login {
    async fn apply(&self, request: reqwest::RequestBuilder) -> Result<reqwest::RequestBuilder, PromError> {
        Ok(match self {
            Self::None => request,
            Self::Bearer(path) => request.bearer_auth(secret(path).await?),
            Self::Basic(basic) => request.basic_auth(&basic.user, Some(secret(&basic.password_file).await?)),
            Self::Inline { user, password } => request.basic_auth(user, Some(password)),
        })
    }
}

impl ByService {
    async fn send(&self, request: &Request<'_>, cap: usize) -> Result<Reply, PromError> {
        let at = Clean::new(self.service.to_string());
        let path = format!("{}{}", self.service.path(), request.path);
        let building = if request.is_long(path.len()) {
            http::Request::post(path).header(CONTENT_TYPE, FORM).body(request.form.clone().into_bytes())
        } else if request.form.is_empty() {
            http::Request::get(path).body(Vec::new())
        } else {
            http::Request::get(format!("{path}?{}", request.form)).body(Vec::new())
        };
        let built = building.map_err(|_| not_a_service(&self.service.to_string()))?;
        let response = self
            .client
            .send(built.map(kube::client::Body::from))
            .await
            .map_err(|error| unreachable(&at, &error))?;
        let mut reply = Reply::headed(response.status().as_u16(), response.headers(), at);
        reply.proxied = Some(Clean::new(&self.service.namespace));
        let mut body = response.into_body();
        while let Some(frame) = std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
            let frame = frame.map_err(|error| unreachable(&reply.at, &error))?;
            let Ok(chunk) = frame.into_data() else { continue };
            if reply.body.len() + chunk.len() > cap {
                return Err(PromError::TooLarge { at: reply.at, limit: cap });
            }
            reply.body.extend_from_slice(&chunk);
        }
        Ok(reply)
    }
}

impl Reply {
    fn headed(status: u16, headers: &HeaderMap, at: Clean) -> Self {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let date = text(DATE).and_then(|date| chrono::DateTime::parse_from_rfc2822(date).ok());
        Self {
            status,
            content_type: text(CONTENT_TYPE).unwrap_or_default().to_ascii_lowercase(),
            location: Clean::new(text(LOCATION).map(without_secrets).unwrap_or_default()),
            date: date.map(|date| date.to_utc()),
            body: Vec::new(),
            at,
            proxied: None,
        }
    }
}

/// A redirect's target without user and query: both may be a login's.
fn without_secrets(location: &str) -> String {
    let location = location.split(['?', '#']).next().unwrap_or_default();
    match location.split_once("//") {
        Some((scheme, rest)) => {
            let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            let host = host.rsplit('@').next().unwrap_or(host);
            format!("{scheme}//{host}{path}")
        }
        None => location.to_owned(),
    }
}

/// A broken connection or handshake.
fn unreachable(at: &Clean, error: &(dyn Error + 'static)) -> PromError {
    match TlsFault::among(error) {
        Some(fault) => PromError::Tls { at: at.clone(), fault },
        None => PromError::Connect { at: at.clone(), why: root_cause(error) },
    }
}

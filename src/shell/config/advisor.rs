//! Reads `[advisor]`: which model is asked, how, and what may leave this machine. A key is named by variable or file
//! and read at each use; one that is written into the configuration itself is refused, and no error shows what stands
//! in quotes here.

use std::time::Duration;

use http::{HeaderName, HeaderValue, Uri};
use serde_json::{Map, Value};

use super::paths::Paths;
use crate::advisor::client::OUR_FIELDS;
use crate::advisor::wire::{Azure, Budget, KeyFrom, Provider, Settings};
use crate::domain::advice::Share;
use crate::domain::document::{Entry, Table};
use crate::domain::redact;
use crate::domain::text_error::TextError;
use crate::domain::window::Window;

const KEYS: [&str; 19] = [
    "provider",
    "url",
    "model",
    "key_env",
    "key_file",
    "headers",
    "ca_file",
    "proxy",
    "azure_deployment",
    "azure_api_version",
    "first_token",
    "whole",
    "whole_with_tools",
    "prompt_tokens",
    "answer_tokens",
    "share",
    "tools",
    "schema",
    "body",
];
const PROVIDERS: [&str; 3] = ["none", "openai", "anthropic"];
const SHARES: [Share; 3] = [Share::None, Share::Facts, Share::FactsAndLogs];
/// Where it is unless `url` says otherwise; both want a key.
const OPENAI: &str = "https://api.openai.com/v1";
const ANTHROPIC: &str = "https://api.anthropic.com";
/// Headers that the client sets itself.
const OURS: [&str; 6] =
    ["host", "content-length", "content-type", "transfer-encoding", "connection", "anthropic-version"];
/// Headers that carry keys.
const SECRET: [&str; 5] = ["authorization", "proxy-authorization", "cookie", "api-key", "x-api-key"];

/// `[advisor]` of the configuration.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Advisor {
    /// Which model, and how; `None`: nobody is asked.
    pub settings: Option<Settings>,
    /// What may leave this machine.
    pub share: Share,
    /// Whether the model may use the read-only tools.
    pub tools: bool,
}

impl Advisor {
    /// An OpenAI-compatible server that wants no key, with the default limits.
    pub fn local(url: &str, model: &str) -> Settings {
        Settings::new(Provider::OpenAi { azure: None }, url, model)
    }
}

/// Reads `[advisor]`.
pub(super) fn advisor(table: &Table<'_>, paths: &Paths<'_>) -> Result<Advisor, TextError> {
    let table = &table.clone().masked();
    refuse_secrets(table)?;
    table.only(&KEYS)?;
    let word = match table.get("provider") {
        Some(entry) => entry.one_of(&PROVIDERS)?,
        None if table.entries().is_empty() => "none",
        None => {
            return table
                .need("provider")
                .map(|_| Advisor::default())
                .map_err(|e| e.hint("provider = \"none\" asks nobody"));
        }
    };
    // All of it is checked for "none" as well: whoever switches it on again should not find an error then.
    let url = table.get("url").map(|entry| url(&entry)).transpose()?;
    let azure = azure(table, word)?;
    let mut settings = Settings::new(Provider::Anthropic, "", "");
    settings.key = key(table, paths)?;
    settings.headers = table.get("headers").map_or(Ok(Vec::new()), |entry| headers(&entry.table()?))?;
    settings.ca_file = table.get("ca_file").map(|entry| paths.existing(&entry)).transpose()?;
    settings.proxy = table.get("proxy").map(|entry| proxy(&entry)).transpose()?;
    settings.budget = budget(table)?;
    settings.schema = flag(table, "schema", true)?;
    settings.extra = table.get("body").map_or(Ok(Map::new()), |entry| body(&entry.table()?))?;
    let model = table.get("model").map(|entry| entry.filled().map(str::to_owned)).transpose()?;
    let share = table.get("share").map_or(Ok(Share::default()), |entry| share(&entry))?;
    let tools = flag(table, "tools", false)?;
    if word == "none" {
        return Ok(Advisor { settings: None, share, tools });
    }
    let hosted = if word == "openai" { OPENAI } else { ANTHROPIC };
    if settings.key.is_none() && url.as_deref().is_none_or(|url| url == hosted) {
        return Err(
            table.error(format!("{hosted} wants a key, expected key_env or key_file {}", table.place()))
        );
    }
    if azure.is_some() && url.is_none() {
        return Err(
            table.error(format!("`url` is missing {}, expected the address of the resource", table.place()))
        );
    }
    settings.url = url.unwrap_or_else(|| hosted.to_owned());
    // A deployment has its model already.
    let model = model.or_else(|| azure.as_ref().map(|azure| azure.deployment.clone()));
    settings.model = match model {
        Some(model) => model,
        None => table.need("model").and_then(|entry| entry.filled().map(str::to_owned))?,
    };
    settings.provider = if word == "openai" { Provider::OpenAi { azure } } else { Provider::Anthropic };
    Ok(Advisor { settings: Some(settings), share, tools })
}

fn refuse_secrets(table: &Table<'_>) -> Result<(), TextError> {
    const NAMES: [&str; 6] = ["key", "api_key", "apikey", "token", "secret", "password"];
    let written = |entry: &Entry<'_>| NAMES.contains(&entry.key().to_lowercase().replace('-', "_").as_str());
    match table.entries().into_iter().find(written) {
        Some(entry) => Err(entry
            .key_error(format!(
                "`{}` is not known {}, expected key_env or key_file",
                entry.key(),
                table.place()
            ))
            .hint("secrets stay out of the configuration: key_env names the variable that holds it")),
        None => Ok(()),
    }
}

fn flag(table: &Table<'_>, key: &str, default: bool) -> Result<bool, TextError> {
    table.get(key).map_or(Ok(default), |entry| entry.flag())
}

fn share(entry: &Entry<'_>) -> Result<Share, TextError> {
    let word = entry.one_of(&SHARES.map(Share::word))?;
    Ok(SHARES.into_iter().find(|share| share.word() == word).unwrap_or_default())
}

fn url(entry: &Entry<'_>) -> Result<String, TextError> {
    let text =
        address(entry, "expected a URL as in \"https://api.openai.com/v1\" or \"http://127.0.0.1:8080\"")?;
    let text = text.trim_end_matches('/');
    let added = ["/chat/completions", "/v1/messages", "/completions", "/responses"];
    match added.into_iter().find(|end| text.ends_with(end)) {
        Some(end) => Err(entry
            .error(format!("`url` ends in {end}, which goaround adds, expected the part before it"))
            .hint(format!("take {end} out"))),
        None => Ok(text.to_owned()),
    }
}

fn proxy(entry: &Entry<'_>) -> Result<String, TextError> {
    address(entry, "expected a URL as in \"http://proxy.example:3128\"").map(str::to_owned)
}

/// An http or https URL without user, query and fragment.
fn address<'d>(entry: &Entry<'d>, expected: &str) -> Result<&'d str, TextError> {
    let (key, text) = (entry.key(), entry.filled()?);
    let uri: Uri = text.parse().map_err(|_| {
        entry.error(format!("`{key}` is no URL with http:// or https:// and host, {expected}"))
    })?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) || uri.host().is_none_or(str::is_empty) {
        return Err(entry.error(format!("`{key}` has no http:// or https:// and host, {expected}")));
    }
    if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
        let hint = match key {
            "proxy" => "a proxy with a login is taken from HTTPS_PROXY or HTTP_PROXY",
            _ => "use key_env or key_file",
        };
        return Err(entry.error(format!("`{key}` holds a user or a password, {expected}")).hint(hint));
    }
    if uri.query().is_some() || text.contains('#') {
        return Err(entry
            .error(format!("`{key}` has a query or a fragment, {expected}"))
            .hint("Azure's version is azure_api_version"));
    }
    Ok(text)
}

fn azure(table: &Table<'_>, provider: &str) -> Result<Option<Azure>, TextError> {
    match (table.get("azure_deployment"), table.get("azure_api_version")) {
        (None, None) => Ok(None),
        (Some(entry), _) | (_, Some(entry)) if provider == "anthropic" => Err(entry
            .key_error(format!("`{}` with another provider, expected provider = \"openai\"", entry.key()))),
        (Some(deployment), Some(version)) => Ok(Some(Azure {
            deployment: deployment.filled()?.to_owned(),
            api_version: version.filled()?.to_owned(),
        })),
        (Some(deployment), None) => Err(deployment
            .key_error("`azure_deployment` without a version, expected `azure_api_version` with it")
            .hint("as in azure_api_version = \"2024-10-21\"")),
        (None, Some(version)) => Err(version
            .key_error("`azure_api_version` without a deployment, expected `azure_deployment` with it")),
    }
}

fn key(table: &Table<'_>, paths: &Paths<'_>) -> Result<Option<KeyFrom>, TextError> {
    match (table.get("key_env"), table.get("key_file")) {
        (None, None) => Ok(None),
        (Some(_), Some(file)) => Err(file
            .key_error("`key_file` together with `key_env`, expected one place for the key")
            .hint("take one of both out")),
        (None, Some(file)) => paths.named(&file).map(|path| Some(KeyFrom::File(path))),
        (Some(variable), None) => {
            let name = variable.filled()?;
            let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
            if name.starts_with(|c: char| c.is_ascii_digit()) || !name.chars().all(plain) {
                // Not repeated: it may be the key itself.
                return Err(variable
                    .error("`key_env` is no name of a variable, expected one as in \"OPENAI_API_KEY\"")
                    .hint(
                        "it names the variable that holds the key; the key itself stays out of this file",
                    ));
            }
            Ok(Some(KeyFrom::Env(name.to_owned())))
        }
    }
}

fn headers(table: &Table<'_>) -> Result<Vec<(String, String)>, TextError> {
    let mut headers: Vec<(String, String)> = Vec::new();
    for entry in table.entries() {
        let name = HeaderName::from_bytes(entry.key().as_bytes()).map_err(|_| {
            entry.key_error(format!("`{}` is no header, expected a name as in \"X-Team\"", entry.key()))
        })?;
        let name = name.as_str();
        if SECRET.contains(&name) {
            return Err(entry
                .key_error(format!("the header `{name}` is a secret, expected it in a variable or a file"))
                .hint("use key_env or key_file; the header is chosen by the provider"));
        }
        if OURS.contains(&name) {
            return Err(entry.key_error(format!(
                "the header `{name}` is set by goaround itself, expected any other header"
            )));
        }
        let value = entry.text()?;
        if HeaderValue::from_str(value).is_err() {
            return Err(entry
                .error(format!("the value of `{name}` has a control character, expected one line of text")));
        }
        if headers.iter().any(|(known, _)| known == name) {
            return Err(entry.key_error(format!("the header `{name}` is set twice, expected it once")));
        }
        headers.push((name.to_owned(), value.to_owned()));
    }
    Ok(headers)
}

fn budget(table: &Table<'_>) -> Result<Budget, TextError> {
    let mut budget = Budget::default();
    for (key, most, value) in [
        ("first_token", Window::minutes(10), &mut budget.first_token),
        ("whole", Window::hours(1), &mut budget.whole),
        ("whole_with_tools", Window::hours(1), &mut budget.with_tools),
    ] {
        if let Some(entry) = table.get(key) {
            *value = Duration::from_secs(entry.duration(Window::from_secs(1), most)?.secs());
        }
    }
    for (key, least, value) in [
        // Less than this holds neither the question nor an answer of the wanted shape.
        ("prompt_tokens", 1_500, &mut budget.prompt_tokens),
        ("answer_tokens", 100, &mut budget.answer_tokens),
    ] {
        if let Some(entry) = table.get(key) {
            let count = entry.count(least)?;
            *value = u32::try_from(count).ok().filter(|count| *count <= 1_000_000).ok_or_else(|| {
                entry.error(format!("`{key}` is {count}, expected a whole number from {least} to 1000000"))
            })?;
        }
    }
    in_order(table, ("first_token", budget.first_token), ("whole", budget.whole))?;
    if table.get("whole_with_tools").is_some() {
        in_order(table, ("whole", budget.whole), ("whole_with_tools", budget.with_tools))?;
    }
    budget.with_tools = budget.with_tools.max(budget.whole);
    Ok(budget)
}

/// Refuses a part that is longer than the whole, at whichever of both is written.
fn in_order(table: &Table<'_>, part: (&str, Duration), whole: (&str, Duration)) -> Result<(), TextError> {
    let said = |length: Duration| format!("{}s", length.as_secs());
    match table.get(part.0).or_else(|| table.get(whole.0)) {
        Some(entry) if part.1 > whole.1 => Err(entry.error(format!(
            "`{}` is {}, and `{}` is {}, expected `{}` to be the shorter one",
            part.0,
            said(part.1),
            whole.0,
            said(whole.1),
            part.0
        ))),
        _ => Ok(()),
    }
}

/// The name of a field at or below `key` that says that its value is a secret.
fn secret_in(key: &str, value: &Value) -> Option<String> {
    if redact::is_secret(key) && !value.is_number() && !value.is_boolean() {
        return Some(key.to_owned());
    }
    value.as_object()?.iter().find_map(|(key, value)| secret_in(key, value))
}

fn body(table: &Table<'_>) -> Result<Map<String, Value>, TextError> {
    let fields = table.entries().into_iter().map(|entry| {
        if OUR_FIELDS.contains(&entry.key()) {
            return Err(entry.key_error(format!(
                "the field `{}` is set by goaround itself, expected any other field",
                entry.key()
            )));
        }
        let json = entry.json()?;
        if let Some(secret) = secret_in(entry.key(), &json) {
            return Err(entry
                .key_error(format!(
                    "`{secret}` reads like a secret, which must not stand in the configuration"
                ))
                .hint("name the key with key_env or key_file"));
        }
        Ok((entry.key().to_owned(), json))
    });
    fields.collect()
}

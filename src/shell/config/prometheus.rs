//! Reads `[prometheus]`: where it is and who we are to it. Secrets are named by file and read at each use; one that
//! is written into the configuration itself is refused, and no error shows what stands in quotes here.

use std::path::PathBuf;

use http::{HeaderMap, HeaderName, HeaderValue, Uri};

use super::paths::Paths;
use crate::domain::document::{Entry, Table};
use crate::domain::text_error::TextError;

const KEYS: [&str; 6] = ["url", "bearer_file", "basic_user", "basic_password_file", "ca_file", "headers"];
/// Headers that the client sets itself.
const OURS: [&str; 5] = ["host", "content-length", "content-type", "transfer-encoding", "connection"];

/// `[prometheus]` of the configuration.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Prometheus {
    /// Where it is, without a slash at the end; to be discovered if absent.
    pub url: Option<String>,
    /// Who we are to it.
    pub credentials: Credentials,
    /// Certificates (PEM) that are trusted besides those of the system.
    pub ca_file: Option<PathBuf>,
    /// Sent with every request; their values are marked as sensitive.
    pub headers: HeaderMap,
}

/// Who we are to Prometheus. Files are read at each use, because tokens are renewed.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Credentials {
    /// Nobody in particular.
    #[default]
    None,
    /// The token in this file.
    Bearer(PathBuf),
    /// This user with the password in this file.
    Basic {
        /// The user.
        user: String,
        /// The file with the password.
        password_file: PathBuf,
    },
}

/// Reads `[prometheus]`.
pub(super) fn prometheus(table: &Table<'_>, paths: &Paths<'_>) -> Result<Prometheus, TextError> {
    let table = &table.clone().masked();
    refuse_secrets(table)?;
    table.only(&KEYS)?;
    Ok(Prometheus {
        url: table.get("url").map(|entry| url(&entry)).transpose()?,
        credentials: credentials(table, paths)?,
        ca_file: table.get("ca_file").map(|entry| paths.existing(&entry)).transpose()?,
        headers: match table.get("headers") {
            Some(entry) => headers(&entry.table()?)?,
            None => HeaderMap::new(),
        },
    })
}

fn refuse_secrets(table: &Table<'_>) -> Result<(), TextError> {
    const NAMES: [(&str, &str); 6] = [
        ("bearer", "bearer_file"),
        ("bearer_token", "bearer_file"),
        ("token", "bearer_file"),
        ("basic_password", "basic_password_file"),
        ("password", "basic_password_file"),
        ("basic_auth", "basic_user and basic_password_file"),
    ];
    for entry in table.entries() {
        if let Some((name, instead)) = NAMES.iter().find(|(name, _)| *name == entry.key()) {
            return Err(entry
                .key_error(format!("`{name}` is not known {}, expected {instead}", table.place()))
                .hint("secrets stay out of the configuration: name the file that holds it"));
        }
    }
    Ok(())
}

fn url(entry: &Entry<'_>) -> Result<String, TextError> {
    let text = entry.filled()?;
    let expected = "expected a URL as in \"https://prometheus.example:9090\"";
    let uri: Uri = text.parse().map_err(|_| entry.error(format!("`url` is no URL, {expected}")))?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) || uri.host().is_none_or(str::is_empty) {
        return Err(entry.error(format!("`url` has no http:// or https:// and host, {expected}")));
    }
    if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
        return Err(entry
            .error(format!("`url` holds a user or a password, {expected}"))
            .hint("use basic_user and basic_password_file"));
    }
    if uri.query().is_some() || text.contains('#') {
        return Err(entry.error(format!("`url` has a query or a fragment, {expected}")));
    }
    Ok(text.trim_end_matches('/').to_owned())
}

fn credentials(table: &Table<'_>, paths: &Paths<'_>) -> Result<Credentials, TextError> {
    let bearer = table.get("bearer_file");
    let user = table.get("basic_user");
    let password = table.get("basic_password_file");
    match (bearer, user, password) {
        (None, None, None) => Ok(Credentials::None),
        (Some(bearer), None, None) => paths.named(&bearer).map(Credentials::Bearer),
        (None, Some(user), Some(password)) => {
            Ok(Credentials::Basic { user: user.filled()?.to_owned(), password_file: paths.named(&password)? })
        }
        (None, Some(user), None) => {
            Err(user.key_error("`basic_user` without a password, expected `basic_password_file` with it"))
        }
        (None, None, Some(password)) => {
            Err(password.key_error("`basic_password_file` without a user, expected `basic_user` with it"))
        }
        (Some(bearer), _, _) => Err(bearer
            .key_error("`bearer_file` together with basic_*, expected one way to say who we are")
            .hint("take one of both out")),
    }
}

fn headers(table: &Table<'_>) -> Result<HeaderMap, TextError> {
    let mut headers = HeaderMap::new();
    for entry in table.entries() {
        let name = HeaderName::from_bytes(entry.key().as_bytes()).map_err(|_| {
            entry
                .key_error(format!("`{}` is no header, expected a name as in \"X-Scope-OrgID\"", entry.key()))
        })?;
        if matches!(name.as_str(), "authorization" | "proxy-authorization" | "cookie") {
            return Err(entry
                .key_error(format!("the header `{name}` is a secret, expected it in a file"))
                .hint("use bearer_file, or basic_user and basic_password_file"));
        }
        if OURS.contains(&name.as_str()) {
            return Err(entry.key_error(format!(
                "the header `{name}` is set by goaround itself, expected any other header"
            )));
        }
        let mut value = HeaderValue::from_str(entry.text()?).map_err(|_| {
            entry.error(format!("the value of `{name}` has a control character, expected one line of text"))
        })?;
        value.set_sensitive(true);
        if headers.insert(name.clone(), value).is_some() {
            return Err(entry.key_error(format!("the header `{name}` is set twice, expected it once")));
        }
    }
    Ok(headers)
}

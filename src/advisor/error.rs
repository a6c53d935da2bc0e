//! Everything that can go wrong between a question and its answer. A message is one sentence: what, where and what to do
//! next; it never contains a key, a header or the user part of a URL.

use std::error::Error;
use std::time::Duration;

use rustls::CertificateError;

use crate::domain::clean::Clean;
use crate::domain::format::grouped;

/// Why there is no answer.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum AdvisorError {
    /// The client cannot be built as configured.
    #[error("{what}; hint: {hint}")]
    Setting {
        /// What is wrong.
        what: Clean,
        /// What to write instead.
        hint: &'static str,
    },
    /// The key cannot be read.
    #[error("cannot read the key of the model from {from}: {why}; hint: {hint}")]
    Key {
        /// The variable or the file.
        from: Clean,
        /// Why.
        why: Clean,
        /// What to do.
        hint: &'static str,
    },
    /// No connection.
    #[error("cannot reach the model at {at}: {fault}; hint: {}", fault.hint())]
    Connect {
        /// The URL.
        at: Clean,
        /// In which way.
        fault: ConnectFault,
    },
    /// The TLS handshake failed.
    #[error("TLS with {at} failed: {fault}; hint: {}", fault.hint())]
    Tls {
        /// The URL.
        at: Clean,
        /// In which way.
        fault: TlsFault,
    },
    /// Nothing was heard in time.
    #[error("{at} said nothing within {}; hint: {hint}", seconds(*within))]
    Silent {
        /// The URL.
        at: Clean,
        /// The limit.
        within: Duration,
        /// What to do.
        hint: &'static str,
    },
    /// 401 or 403, or the same in a stream.
    #[error("{}{}; hint: {}", refused(at, *status, from.as_ref()), after(said), key_hint(*status, from.is_some()))]
    Unauthorized {
        /// The URL.
        at: Clean,
        /// The HTTP status.
        status: u16,
        /// Where the key was, if there was one.
        from: Option<Clean>,
        /// The server's words.
        said: Clean,
    },
    /// The model is not there.
    #[error(
        "{at} has no model `{model}`{}; hint: set model under [advisor] to a name that `goaround check` lists",
        after(said)
    )]
    NoModel {
        /// The URL.
        at: Clean,
        /// The name that was asked for.
        model: Clean,
        /// The server's words.
        said: Clean,
    },
    /// 404.
    #[error(
        "{at} does not exist (404){}; hint: url under [advisor] is the part before {}",
        after(said),
        before(at)
    )]
    NotFound {
        /// The URL.
        at: Clean,
        /// The server's words.
        said: Clean,
    },
    /// The prompt is longer than the model takes.
    #[error("{}; hint: lower prompt_tokens under [advisor], or serve the model with a larger context",
        too_long(*needs, *takes, said))]
    TooLong {
        /// Tokens of the prompt, where they were told.
        needs: Option<u64>,
        /// Tokens that the model takes, where they were told.
        takes: Option<u64>,
        /// The server's words.
        said: Clean,
    },
    /// 429.
    #[error("{at} limits the rate (429){}; hint: ask again {}", after(said), when(*wait))]
    RateLimit {
        /// The URL.
        at: Clean,
        /// For how long, where it was told.
        wait: Option<Duration>,
        /// The server's words.
        said: Clean,
    },
    /// No money.
    #[error(
        "the account at {at} is spent{}; hint: check plan and limits there, asking again does not help",
        after(said)
    )]
    Quota {
        /// The URL.
        at: Clean,
        /// The server's words.
        said: Clean,
    },
    /// 5xx, or the same in a stream.
    #[error("{at} is not available ({status}){}; hint: ask again {}", after(said), when(*wait))]
    Unavailable {
        /// The URL.
        at: Clean,
        /// The HTTP status.
        status: u16,
        /// For how long, where it was told.
        wait: Option<Duration>,
        /// The server's words.
        said: Clean,
    },
    /// Another status: the request is not understood.
    #[error("{at} does not take the request ({status}){}; hint: {}", after(said), request_hint(said))]
    Rejected {
        /// The URL.
        at: Clean,
        /// The HTTP status.
        status: u16,
        /// The server's words.
        said: Clean,
    },
    /// Sent elsewhere; not followed, because the key would go along.
    #[error(
        "{at} redirects ({status}){}; hint: set url under [advisor] to where the model really is",
        target(to)
    )]
    Redirect {
        /// The URL.
        at: Clean,
        /// The HTTP status.
        status: u16,
        /// The target without user and query.
        to: Clean,
    },
    /// A page for people.
    #[error("{at} answered ({status}) with HTML instead of JSON: is the URL right?; hint: {}", html_hint(*status))]
    Html {
        /// The URL.
        at: Clean,
        /// The HTTP status.
        status: u16,
    },
    /// The connection broke, or the stream ended, before the first word.
    #[error(
        "the answer of {at} broke off before its first word: {why}; hint: ask again; if it repeats, see the server's log"
    )]
    Broke {
        /// The URL.
        at: Clean,
        /// How.
        why: Clean,
    },
    /// An answer without words and calls.
    #[error("{at} gave an empty answer ({why}); hint: {hint}")]
    Empty {
        /// The URL.
        at: Clean,
        /// Why the model stopped.
        why: Clean,
        /// What to do.
        hint: &'static str,
    },
    /// Something, but not what this protocol is answered with.
    #[error(
        "the answer of {at} is not understood: {why}; hint: is provider under [advisor] the protocol of this server?"
    )]
    Shape {
        /// The URL.
        at: Clean,
        /// Its beginning, or what is wrong with it.
        why: Clean,
    },
}

impl AdvisorError {
    /// Asking again would be answered in the same way: the settings, the key, the model or the quota are wrong.
    pub fn is_final(&self) -> bool {
        matches!(
            self,
            Self::Setting { .. }
                | Self::Key { .. }
                | Self::Tls { .. }
                | Self::Unauthorized { .. }
                | Self::NoModel { .. }
                | Self::NotFound { .. }
                | Self::Quota { .. }
                | Self::Redirect { .. }
                | Self::Html { .. }
        )
    }
}

fn after(said: &Clean) -> String {
    if said.is_empty() { String::new() } else { format!(": {said}") }
}

fn target(to: &Clean) -> String {
    if to.is_empty() { String::new() } else { format!(" to {to}") }
}

/// The part of the path that we added.
fn before(at: &Clean) -> &'static str {
    let ours = ["/openai/deployments", "/v1/messages", "/chat/completions"];
    ours.into_iter().find(|part| at.as_str().contains(part)).unwrap_or("/models")
}

fn refused(at: &Clean, status: u16, from: Option<&Clean>) -> String {
    match (from, status) {
        (Some(from), 403) => format!("the key of {from} may not do this at {at} (403)"),
        (Some(from), _) => format!("the key of {from} is refused by {at} ({status})"),
        (None, _) => format!("{at} wants a key ({status})"),
    }
}

fn key_hint(status: u16, given: bool) -> &'static str {
    match (given, status) {
        (false, _) => "set key_env or key_file under [advisor]",
        (true, 403) => "check what the key is allowed, and whether a proxy stands between",
        (true, _) => "check that it is whole, not revoked, and made for this server",
    }
}

fn too_long(needs: Option<u64>, takes: Option<u64>, said: &Clean) -> String {
    let tokens = |count: u64| grouped(count as f64);
    match (needs, takes) {
        (Some(needs), Some(takes)) => {
            format!("the prompt has {} tokens, the model takes {}", tokens(needs), tokens(takes))
        }
        (_, Some(takes)) => format!("the prompt is too long, the model takes {} tokens", tokens(takes)),
        _ => format!("the prompt is too long for the model{}", after(said)),
    }
}

fn when(wait: Option<Duration>) -> String {
    wait.map_or_else(|| "later".to_owned(), |wait| format!("after {}", seconds(wait)))
}

fn request_hint(said: &Clean) -> &'static str {
    let fields = ["schema", "response_format", "output_config", "grammar"];
    if fields.iter().any(|field| said.as_str().contains(field)) {
        "set schema = false under [advisor] if the server knows no schemas"
    } else {
        "is provider under [advisor] the protocol of this server, and body what it knows?"
    }
}

fn html_hint(status: u16) -> &'static str {
    match status {
        500.. => "a proxy answers for a model that is down; ask again later",
        _ => "url under [advisor] is the address of an API, not of a page, and not behind a login",
    }
}

/// A wait in words: `50 ms`, `0.5 s`, `30 s`.
pub(super) fn seconds(length: Duration) -> String {
    let seconds = length.as_secs_f64();
    match seconds {
        s if s < 0.0995 => format!("{} ms", length.as_millis()),
        s if s < 9.95 && (s - s.round()).abs() > 0.05 => format!("{s:.1} s"),
        s => format!("{s:.0} s"),
    }
}

/// Why there is no connection.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ConnectFault {
    /// The name is not known.
    #[error("its name is not known here")]
    Dns,
    /// Nobody listens.
    #[error("connection refused")]
    Refused,
    /// Not within the time for connecting.
    #[error("no connection in time")]
    TimedOut,
    /// A proxy does not hand it on.
    #[error("the proxy{} does not connect: {why}", target_of(proxy))]
    Proxy {
        /// The configured one; empty where the environment names it.
        proxy: Clean,
        /// What was said.
        why: Clean,
    },
    /// The rest.
    #[error("{0}")]
    Other(Clean),
}

fn target_of(proxy: &Clean) -> String {
    if proxy.is_empty() { String::new() } else { format!(" {proxy}") }
}

impl ConnectFault {
    fn hint(&self) -> &'static str {
        match self {
            Self::Dns => "check url under [advisor]; a proxy may be needed to know the name",
            Self::Refused => "is the server started, and url under [advisor] its address and port?",
            Self::TimedOut => "a firewall may drop it; check url and proxy under [advisor]",
            Self::Proxy { .. } => "check proxy under [advisor], or HTTPS_PROXY, HTTP_PROXY and NO_PROXY",
            Self::Other(_) => "check url under [advisor] and the network",
        }
    }

    /// What `error` of a connection says; `proxy` is the configured one.
    pub(super) fn of(error: &(dyn Error + 'static), timed_out: bool, proxy: Option<&Clean>) -> Self {
        let says = |part: &str| causes(error).any(|cause| cause.to_string().contains(part));
        let io =
            causes(error).find_map(|cause| cause.downcast_ref::<std::io::Error>().map(std::io::Error::kind));
        let plain = if says("dns error") {
            Self::Dns
        } else if io == Some(std::io::ErrorKind::ConnectionRefused) {
            Self::Refused
        } else if timed_out {
            Self::TimedOut
        } else {
            Self::Other(root_cause(error))
        };
        match proxy {
            Some(proxy) => Self::Proxy { proxy: proxy.clone(), why: Clean::new(plain.to_string()) },
            None if says("tunnel") || says("proxy") => {
                Self::Proxy { proxy: Clean::default(), why: root_cause(error) }
            }
            None => plain,
        }
    }
}

/// What a certificate or a handshake lacks.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TlsFault {
    /// Past its end.
    #[error("the server's certificate expired")]
    Expired,
    /// Before its beginning.
    #[error("the server's certificate is not valid yet")]
    NotYetValid,
    /// Signed by nobody whom this machine trusts.
    #[error("the server's certificate is signed by an unknown authority")]
    UnknownIssuer,
    /// For another name.
    #[error("the server's certificate is for another name")]
    WrongName,
    /// The server does not speak TLS.
    #[error("the server does not speak TLS")]
    NotTls,
    /// The rest.
    #[error("{0}")]
    Other(Clean),
}

impl TlsFault {
    fn hint(&self) -> &'static str {
        match self {
            Self::Expired => "renew the certificate; goaround does not go on without it",
            Self::NotYetValid => "compare the clocks of this machine and the server",
            Self::UnknownIssuer => "set ca_file under [advisor] to the authority's certificate (PEM)",
            Self::WrongName => "use the name that the certificate was made for",
            Self::NotTls => "write http:// instead of https://",
            Self::Other(_) => "check the server's TLS settings and ca_file under [advisor]",
        }
    }

    /// The TLS fault among the causes of `error`, if there is one.
    pub(super) fn among(error: &(dyn Error + 'static)) -> Option<Self> {
        causes(error).find_map(|cause| cause.downcast_ref::<rustls::Error>()).map(|error| match error {
            rustls::Error::InvalidCertificate(certificate) => match certificate {
                CertificateError::Expired | CertificateError::ExpiredContext { .. } => Self::Expired,
                CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                    Self::NotYetValid
                }
                CertificateError::UnknownIssuer => Self::UnknownIssuer,
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                    Self::WrongName
                }
                other => Self::Other(Clean::new(other.to_string())),
            },
            rustls::Error::InvalidMessage(_) => Self::NotTls,
            other => Self::Other(Clean::new(other.to_string())),
        })
    }
}

/// `error` and its causes, also those that an `io::Error` carries inside.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn Error + 'static)| {
        let error: &'a (dyn Error + 'static) = *error;
        let inside = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        match inside {
            Some(inside) => Some(inside as &(dyn Error + 'static)),
            None => error.source(),
        }
    })
}

/// The last cause in words: the first ones only repeat that a request failed, sometimes with its URL.
pub(super) fn root_cause(error: &(dyn Error + 'static)) -> Clean {
    Clean::new(causes(error).last().map(ToString::to_string).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_told_in_the_unit_that_fits() {
        for (milliseconds, words) in [
            (0, "0 ms"),
            (50, "50 ms"),
            (500, "0.5 s"),
            (1_000, "1 s"),
            (1_500, "1.5 s"),
            (30_000, "30 s"),
            (90_400, "90 s"),
        ] {
            assert_eq!(seconds(Duration::from_millis(milliseconds)), words);
        }
    }

    #[test]
    fn both_token_counts_are_told_where_they_are_known() {
        let error = AdvisorError::TooLong { needs: Some(12_031), takes: Some(8_192), said: Clean::default() };
        assert!(error.to_string().starts_with("the prompt has 12,031 tokens, the model takes 8,192; hint: "));
    }
}

//! Everything that can go wrong between a question and its answer. A message says what, where and what to do next;
//! it never contains a header, a token or the user part of a URL.

use std::error::Error;

use rustls::CertificateError;

use crate::domain::clean::Clean;

/// Why there is no answer.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PromError {
    /// The client cannot be built as configured.
    #[error("{what}; hint: {hint}")]
    Setting {
        /// What is wrong.
        what: Clean,
        /// What to write instead.
        hint: &'static str,
    },
    /// A bearer or password file cannot be used; it is read anew for every request.
    #[error(
        "cannot read the credential file {path}: {why}; hint: it is read for every request, check path and rights"
    )]
    Credential {
        /// The file.
        path: Clean,
        /// What the system said.
        why: Clean,
    },
    /// No connection, or it broke before the answer.
    #[error("cannot reach Prometheus at {at}: {why}; hint: check the address, or pass `--prometheus URL`")]
    Connect {
        /// The URL without user and query.
        at: Clean,
        /// What the system said.
        why: Clean,
    },
    /// The TLS handshake failed.
    #[error("TLS with {at} failed: {fault}; hint: {}", fault.hint())]
    Tls {
        /// The URL without user and query.
        at: Clean,
        /// In which way.
        fault: TlsFault,
    },
    /// No answer in time.
    #[error(
        "no answer from {at} within {milliseconds} ms; hint: the server is overloaded or the query is heavy; the last values stay, with their age"
    )]
    Timeout {
        /// The URL without user and query.
        at: Clean,
        /// The limit.
        milliseconds: u64,
    },
    /// 401.
    #[error(
        "{at} wants a login (401); hint: set bearer_file, or basic_user and basic_password_file, under [prometheus]"
    )]
    Unauthorized {
        /// The URL without user and query.
        at: Clean,
    },
    /// 403 from the server itself.
    #[error(
        "{at} refuses these credentials (403){}; hint: check bearer_file, basic_user and headers under [prometheus]",
        after(said)
    )]
    Forbidden {
        /// The URL without user and query.
        at: Clean,
        /// Its words.
        said: Clean,
    },
    /// 403 from the API server, before Prometheus was asked.
    #[error(
        "no right to reach {at} through the API server: {said}; hint: pass `--prometheus URL`, or allow it with the RBAC rule {{apiGroups: [\"\"], resources: [\"services/proxy\"], verbs: [\"get\", \"create\"]}} in namespace {namespace}"
    )]
    ProxyForbidden {
        /// The service.
        at: Clean,
        /// Its namespace.
        namespace: Clean,
        /// The API server's words.
        said: Clean,
    },
    /// The API server could not hand the request on.
    #[error(
        "the API server cannot reach {at} ({status}): {said}; hint: check that the Service exists and has ready endpoints, or pass `--prometheus URL`"
    )]
    Proxy {
        /// The service.
        at: Clean,
        /// The HTTP status.
        status: u16,
        /// The API server's words.
        said: Clean,
    },
    /// Sent elsewhere; not followed, because it is a login page or another scheme.
    #[error(
        "{at} redirects ({status}){}; hint: give the final URL; if it is a login page, use an address behind it",
        target(to)
    )]
    Redirect {
        /// The URL without user and query.
        at: Clean,
        /// The HTTP status.
        status: u16,
        /// The target without user and query.
        to: Clean,
    },
    /// A page for people.
    #[error(
        "{at} answered with an HTML page ({status}) instead of JSON; hint: {}", html_hint(*status)
    )]
    Html {
        /// The URL without user and query.
        at: Clean,
        /// The HTTP status.
        status: u16,
    },
    /// 400: the question is wrong.
    #[error(
        "{at} does not accept the query: {said}; hint: if it is goaround's own query, the server is no full Prometheus"
    )]
    BadData {
        /// The URL without user and query.
        at: Clean,
        /// The server's words.
        said: Clean,
    },
    /// 422: the question is too heavy or its series collide.
    #[error(
        "{at} could not execute the query: {said}; hint: too many samples or series that collide; see --query.max-samples and the rules"
    )]
    Execution {
        /// The URL without user and query.
        at: Clean,
        /// The server's words.
        said: Clean,
    },
    /// 503: starting, overloaded, or its own time limit.
    #[error(
        "{at} is unavailable (503){}; hint: it starts or is overloaded; goaround asks again in the next cycle",
        after(said)
    )]
    Unavailable {
        /// The URL without user and query.
        at: Clean,
        /// The server's words.
        said: Clean,
    },
    /// Another status.
    #[error("{at} answered {status}{}; hint: {}", after(said), status_hint(*status, said))]
    Status {
        /// The URL without user and query.
        at: Clean,
        /// The HTTP status.
        status: u16,
        /// The first line of what it said.
        said: Clean,
    },
    /// More than a client should hold.
    #[error(
        "the answer of {at} is larger than {limit} bytes; hint: too many series match; narrow the namespace with -n"
    )]
    TooLarge {
        /// The URL without user and query.
        at: Clean,
        /// The cap.
        limit: usize,
    },
    /// JSON, but not what this question is answered with.
    #[error(
        "the answer of {at} is not as expected at {path}: {why}; hint: is it a Prometheus? a proxy may have cut the answer"
    )]
    Shape {
        /// The URL without user and query.
        at: Clean,
        /// Where in the JSON: `data.result[3].value[1]`.
        path: Clean,
        /// What is wrong there.
        why: Clean,
    },
}

impl PromError {
    /// True when asking once more at once may help: the connection broke, or the server had no room.
    pub(super) fn is_worth_a_retry(&self) -> bool {
        match self {
            Self::Connect { .. } | Self::Unavailable { .. } => true,
            Self::Proxy { status, .. } => *status == 503,
            _ => false,
        }
    }
}

fn after(said: &Clean) -> String {
    if said.is_empty() { String::new() } else { format!(": {said}") }
}

/// Where a redirect leads, if it says so.
fn target(to: &Clean) -> String {
    if to.is_empty() { String::new() } else { format!(" to {to}") }
}

fn html_hint(status: u16) -> &'static str {
    match status {
        500.. => "a proxy answers for a Prometheus that is down or overloaded; it is asked again by itself",
        _ => "the URL is the part before /api/v1, and not behind a login page",
    }
}

fn status_hint(status: u16, said: &Clean) -> &'static str {
    match status {
        404 | 405 => "the URL is the part before /api/v1; some servers want a prefix such as /prometheus",
        400 if said.as_str().contains("HTTPS") => "write https:// instead of http://",
        429 => "the server limits queries; ask less often or raise its limit",
        502 | 504 => "a proxy before Prometheus cannot reach it",
        _ => "see the server's log",
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
            Self::UnknownIssuer => "set ca_file under [prometheus] to the authority's certificate (PEM)",
            Self::WrongName => "use the name that the certificate was made for",
            Self::NotTls => "write http:// instead of https://",
            Self::Other(_) => "check the server's TLS settings and ca_file under [prometheus]",
        }
    }

    /// The TLS fault among the causes of `error`, if there is one.
    pub(super) fn among(error: &(dyn Error + 'static)) -> Option<Self> {
        causes(error).find_map(|cause| cause.downcast_ref::<rustls::Error>()).map(Self::of)
    }

    fn of(error: &rustls::Error) -> Self {
        match error {
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
        }
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
    fn a_certificate_fault_is_found_however_deep_it_is_wrapped() {
        for (certificate, fault) in [
            (CertificateError::Expired, TlsFault::Expired),
            (CertificateError::NotValidYet, TlsFault::NotYetValid),
            (CertificateError::UnknownIssuer, TlsFault::UnknownIssuer),
            (CertificateError::NotValidForName, TlsFault::WrongName),
        ] {
            let error = std::io::Error::other(rustls::Error::InvalidCertificate(certificate));
            let wrapped = std::io::Error::other(std::io::Error::other(error));
            assert_eq!(TlsFault::among(&wrapped), Some(fault));
        }
        assert_eq!(TlsFault::among(&std::io::Error::other("reset")), None);
    }
}

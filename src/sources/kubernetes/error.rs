//! What can go wrong between here and the API server, told apart by what a person has to do next. Texts from the
//! server, from certificates and from credential plugins are clean before they become part of a message.

use std::error::Error as StdError;
use std::path::PathBuf;

use crate::domain::clean::Clean;
use crate::domain::redact;

/// Why no session could be prepared from the kubeconfig. Nothing was sent yet.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// None of the files exists.
    #[error("no kubeconfig: {} not found; hint: pass --kubeconfig FILE or set KUBECONFIG", list(tried))]
    NoKubeconfig {
        /// The files that were looked for, in order.
        tried: Vec<PathBuf>,
    },
    /// A file exists and cannot be used.
    #[error("kubeconfig {}: {why}; hint: `kubectl config view --kubeconfig` shows what is wrong with it", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: Clean,
    },
    /// The context that was asked for does not exist.
    #[error("no context \"{asked}\" in {}; hint: --context with one of: {}", list(paths), names(known))]
    UnknownContext {
        /// The name that was asked for.
        asked: Clean,
        /// The files that were read.
        paths: Vec<PathBuf>,
        /// The contexts that exist.
        known: Vec<Clean>,
    },
    /// No `current-context`, and none was asked for.
    #[error("no current context in {}; hint: --context with one of: {}", list(paths), names(known))]
    NoContext {
        /// The files that were read.
        paths: Vec<PathBuf>,
        /// The contexts that exist.
        known: Vec<Clean>,
    },
    /// The context points to something that is missing or broken: cluster, URL, certificate, key.
    #[error(
        "context \"{context}\" in {}: {why}; hint: `kubectl --context {context} version` fails the same way",
        list(paths)
    )]
    Broken {
        /// The context.
        context: Clean,
        /// The files that were read.
        paths: Vec<PathBuf>,
        /// What is wrong.
        why: Clean,
    },
    /// The credential plugin of the kubeconfig failed. It gets no terminal and no input.
    #[error("credential plugin `{program}`: {why}; hint: log in with it in another terminal, then try again")]
    Plugin {
        /// The program.
        program: Clean,
        /// How it failed.
        why: Clean,
    },
}

/// Why a read did not give an answer.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ReadError {
    /// Nobody listens there.
    #[error("{server} refuses connections; hint: is the API server up, is a VPN or tunnel missing?")]
    Refused {
        /// Server URL.
        server: Clean,
    },
    /// No connection for another reason: no route, no such host, connect timeout.
    #[error("no connection to {server}: {why}; hint: check the address in the kubeconfig, VPN and proxy")]
    Unreachable {
        /// Server URL.
        server: Clean,
        /// The reason.
        why: Clean,
    },
    /// The certificate of the server does not hold.
    #[error(
        "the certificate of {server} is not valid: {why}; hint: check certificate-authority in the kubeconfig and the clock of this host"
    )]
    ServerCertificate {
        /// Server URL.
        server: Clean,
        /// What is wrong with it.
        why: Clean,
    },
    /// The server does not accept our certificate.
    #[error(
        "{server} does not accept our certificate: {why}; hint: it may have expired, get a new kubeconfig"
    )]
    OurCertificate {
        /// Server URL.
        server: Clean,
        /// The alert.
        why: Clean,
    },
    /// 401.
    #[error("{server} does not know who we are (401); hint: the login has expired or is wrong, log in again")]
    Unauthorized {
        /// Server URL.
        server: Clean,
    },
    /// No credentials: the plugin or the token file failed.
    #[error("no credentials: {why}; hint: log in again in another terminal")]
    Credentials {
        /// The reason.
        why: Clean,
    },
    /// 403.
    #[error("{0}; hint: log in as somebody who may, or ask for a Role with this right")]
    Forbidden(Clean),
    /// 404: no such object, or an API that this server does not have.
    #[error("not found: {0}")]
    NotFound(Clean),
    /// 410: the version asked for is too old; list again.
    #[error("the server has forgotten version {0} (410)")]
    Gone(Clean),
    /// 429 or 5xx.
    #[error(
        "the API server answered {status}: {message}; hint: it is overloaded or starting, retried by itself"
    )]
    Server {
        /// HTTP status.
        status: u16,
        /// Its message.
        message: Clean,
    },
    /// No answer in time.
    #[error("no answer from {server} in {seconds} s; hint: retried by itself")]
    Timeout {
        /// Server URL.
        server: Clean,
        /// The limit.
        seconds: u64,
    },
    /// The connection broke.
    #[error("the connection to {server} broke: {why}; hint: retried by itself")]
    Cut {
        /// Server URL.
        server: Clean,
        /// The reason.
        why: Clean,
    },
    /// An answer that is not what the API promises: another server, a proxy's page, cut JSON.
    #[error("{server} answered something that is not Kubernetes: {why}; hint: is there a proxy in between?")]
    Garbage {
        /// Server URL.
        server: Clean,
        /// Where it broke.
        why: Clean,
    },
}

impl ReadError {
    /// From an error of the client, before there was any answer.
    pub(super) fn of(error: &kube::Error, server: &Clean) -> Self {
        let server = server.clone();
        let chain = Chain::of(error);
        if let Some(tls) = chain.tls() {
            return match tls {
                rustls::Error::AlertReceived(alert) => {
                    Self::OurCertificate { server, why: Clean::new(format!("{alert:?}")) }
                }
                other => Self::ServerCertificate { server, why: Clean::new(other.to_string()) },
            };
        }
        if let Some(auth) = chain.find::<kube::client::AuthError>() {
            let (program, why) = plugin_failure(auth);
            let why = if program.is_empty() { why } else { Clean::new(format!("`{program}`: {why}")) };
            return Self::Credentials { why };
        }
        let why = chain.innermost();
        match chain.io_kind() {
            Some(std::io::ErrorKind::ConnectionRefused) => Self::Refused { server },
            _ if chain.failed_to_connect() => Self::Unreachable { server, why },
            _ => Self::Cut { server, why },
        }
    }
}

/// Program and reason of a failed credential plugin. Its arguments and environment may hold secrets, so neither is
/// part of the text; of what it printed only the first line is, without what looks like a secret.
pub(super) fn plugin_failure(error: &kube::client::AuthError) -> (Clean, Clean) {
    use kube::client::AuthError;
    match error {
        AuthError::AuthExecRun { cmd, out } => {
            let program = program_of(cmd);
            let said = String::from_utf8_lossy(&out.stderr);
            let line = said.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
            (program, Clean::new(format!("{}: {}", out.status, redact::text(line.trim()).text)))
        }
        AuthError::AuthExecStart(error) => {
            (Clean::default(), Clean::new(format!("cannot start the credential plugin: {error}")))
        }
        AuthError::AuthExecParse(_) => {
            (Clean::default(), Clean::new("the credential plugin printed no ExecCredential"))
        }
        other => (Clean::default(), Clean::new(other.to_string())),
    }
}

/// The program in the debug form of a command, `ENV="x" "program" "argument"`.
fn program_of(command: &str) -> Clean {
    let program =
        command.split_whitespace().find_map(|word| word.strip_prefix('"')).unwrap_or("credential plugin");
    Clean::new(program.trim_end_matches('"'))
}

/// An error and what caused it, outermost first.
pub(super) struct Chain<'e>(Vec<&'e (dyn StdError + 'static)>);

impl<'e> Chain<'e> {
    pub(super) fn of(error: &'e (dyn StdError + 'static)) -> Self {
        let mut all = vec![error];
        // Sixteen is far above what the stack of clients nests; a cycle must not hang us.
        while all.len() < 16 {
            let last = all[all.len() - 1];
            // An io::Error hides the error that it wraps: its source() is the source of that one.
            let wrapped = last
                .downcast_ref::<std::io::Error>()
                .and_then(std::io::Error::get_ref)
                .map(|inner| inner as &(dyn StdError + 'static));
            match wrapped.or_else(|| last.source()) {
                Some(next) => all.push(next),
                None => break,
            }
        }
        Self(all)
    }

    fn find<T: StdError + 'static>(&self) -> Option<&'e T> {
        self.0.iter().find_map(|error| error.downcast_ref())
    }

    fn tls(&self) -> Option<&'e rustls::Error> {
        self.find()
    }

    fn io_kind(&self) -> Option<std::io::ErrorKind> {
        self.find::<std::io::Error>().map(std::io::Error::kind)
    }

    fn failed_to_connect(&self) -> bool {
        // hyper-util names the phase in its text only; tests hold it to that.
        self.0.iter().any(|error| error.to_string() == "client error (Connect)")
    }

    pub(super) fn innermost(&self) -> Clean {
        self.0.last().map(|error| Clean::new(error.to_string())).unwrap_or_default()
    }
}

fn list(paths: &[PathBuf]) -> String {
    let all: Vec<String> = paths.iter().map(|path| Clean::new(path.to_string_lossy()).to_string()).collect();
    all.join(", ")
}

fn names(known: &[Clean]) -> String {
    if known.is_empty() {
        return "(there is none)".to_owned();
    }
    known.iter().map(Clean::as_str).collect::<Vec<_>>().join(", ")
}

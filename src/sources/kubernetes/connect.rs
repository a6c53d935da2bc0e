//! From kubeconfig files to a pinned session: the cluster, user and certificates are taken once, and later changes of
//! the files move nothing. Credential plugins run without terminal and without input, whatever the file says.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::TimeDelta;
use kube::config::{ExecInteractiveMode, KubeConfigOptions, Kubeconfig, KubeconfigError};

use super::error::{ConnectError, plugin_failure};
use crate::domain::Time;
use crate::domain::clean::Clean;
use crate::domain::cluster::ContentDigest;

/// Connecting takes at most this long.
const CONNECT: Duration = Duration::from_secs(10);
/// A credential plugin that says nothing for this long has failed.
const PLUGIN: Duration = Duration::from_secs(30);
/// A client that was built before its write is thrown away after this: files that it was built from may be others.
const SPARE: TimeDelta = TimeDelta::minutes(10);
/// A dry run, and the write that it was for.
const SPARES: usize = 2;
/// How we sign requests. The API server takes the part before the slash as the field manager.
const AGENT: &str = concat!("goaround/", env!("CARGO_PKG_VERSION"));

/// Tells the time. The caller owns the clock, sources never ask the system.
pub type Clock = Arc<dyn Fn() -> Time + Send + Sync>;

/// Where to connect.
pub struct Options {
    /// Kubeconfig files, the first that names a thing wins; those that do not exist are passed over.
    pub kubeconfig: Vec<PathBuf>,
    /// Context; `None`: the current one.
    pub context: Option<String>,
    /// Environment variables that a credential plugin must not see.
    pub hide_env: Vec<String>,
    /// The clock.
    pub clock: Clock,
}

/// The files that kubectl would read: the list in `KUBECONFIG`, else `.kube/config` in the home directory.
pub fn default_paths(kubeconfig: Option<&OsStr>, home: Option<&Path>) -> Vec<PathBuf> {
    let listed: Vec<PathBuf> = kubeconfig
        .map(|value| std::env::split_paths(value).filter(|path| !path.as_os_str().is_empty()).collect())
        .unwrap_or_default();
    if listed.is_empty() {
        home.map(|home| home.join(".kube").join("config")).into_iter().collect()
    } else {
        listed
    }
}

/// A session pinned to one cluster, user and context.
#[derive(Clone)]
pub struct Connected {
    /// For single reads: repeats them on 429, 503 and 504.
    pub reader: kube::Client,
    /// For lists and watches: repeats nothing by itself, because each failure must be seen and shown.
    pub(super) watcher: kube::Client,
    /// Name of the context.
    pub context: Clean,
    /// Name of the cluster in the kubeconfig.
    pub cluster: Clean,
    /// Name of the user in the kubeconfig: not who the API server says that we are.
    pub user: Clean,
    /// URL of the API server.
    pub server: Clean,
    /// Namespace of the context, `default` where it has none.
    pub default_namespace: Clean,
    /// Digest of certificate authority and server URL, for clusters that do not tell the uid of `kube-system`.
    pub fallback_id: Clean,
    /// The clock.
    pub clock: Clock,
    pinned: Arc<kube::Config>,
    origin: Origin,
    /// Clients for the next writes, and when each was built.
    spares: Arc<Mutex<Vec<(Time, kube::Client)>>>,
}

/// Where the configuration comes from, for messages.
#[derive(Clone)]
struct Origin {
    context: Clean,
    paths: Vec<PathBuf>,
}

impl Origin {
    fn broken(&self, error: &dyn std::error::Error) -> ConnectError {
        ConnectError::Broken {
            context: self.context.clone(),
            paths: self.paths.clone(),
            why: Clean::new(first_line(error)),
        }
    }
}

/// Prepares a session. Reads files and may run a credential plugin; sends nothing to the cluster.
pub async fn connect(options: Options) -> Result<Connected, ConnectError> {
    let paths = options.kubeconfig.clone();
    let (merged, read) = blocking(move || read_files(&paths))
        .await
        .unwrap_or_else(|| Err(ConnectError::NoKubeconfig { tried: options.kubeconfig.clone() }))?;
    let context = chosen_context(&merged, options.context.as_deref(), &read)?;
    let named = merged.contexts.iter().find(|c| c.name == context).and_then(|c| c.context.clone());
    let cluster = named.as_ref().map(|c| Clean::new(&c.cluster)).unwrap_or_default();
    let user = named.and_then(|c| c.user).map(Clean::new).unwrap_or_default();
    let origin = Origin { context: Clean::new(&context), paths: read };
    let config = pin(merged, &context, &options.hide_env, &origin).await?;
    let reader = build(&config, true, &origin).await?;
    let watcher = build(&config, false, &origin).await?;
    Ok(Connected {
        reader,
        watcher,
        context: origin.context.clone(),
        cluster,
        user,
        server: Clean::new(config.cluster_url.to_string().trim_end_matches('/')),
        default_namespace: Clean::new(&config.default_namespace),
        fallback_id: fallback_id(&config),
        clock: options.clock,
        pinned: Arc::new(config),
        origin,
        spares: Arc::default(),
    })
}

impl Connected {
    /// A client that repeats nothing by itself, for those who count and retry on their own.
    pub fn plain_client(&self) -> kube::Client {
        self.watcher.clone()
    }

    /// A client for one write: HTTP/1, a connection of its own, repeats nothing, gives up after 30 s.
    pub async fn writer(&self) -> Result<kube::Client, ConnectError> {
        let spare = self.fresh_spares().pop();
        match spare {
            Some((_, client)) => Ok(client),
            None => self.build_writer().await,
        }
    }

    /// The clients that were built before their writes; those from too long ago are dropped.
    fn fresh_spares(&self) -> MutexGuard<'_, Vec<(Time, kube::Client)>> {
        let mut spares = self.spares.lock().unwrap_or_else(PoisonError::into_inner);
        let now = (self.clock)();
        spares.retain(|(at, _)| (TimeDelta::zero()..SPARE).contains(&(now - *at)));
        spares
    }

    #[cfg(test)]
    pub(crate) fn spares(&self) -> usize {
        self.fresh_spares().len()
    }

    /// Builds the clients of the next dry run and of the write after it, each of which reads every certificate that this
    /// machine trusts: a write that was approved should not wait for that. Where building one runs a credential plugin,
    /// it is left to the write itself.
    pub async fn prepare_writers(&self) {
        if self.pinned.auth_info.exec.is_some() || self.pinned.auth_info.auth_provider.is_some() {
            return;
        }
        while self.fresh_spares().len() < SPARES {
            let Ok(client) = self.build_writer().await else { return };
            self.fresh_spares().push(((self.clock)(), client));
        }
    }

    async fn build_writer(&self) -> Result<kube::Client, ConnectError> {
        // Without a shorter limit of its own: who sends says how long it waits, and a second one would race with that.
        build(&self.pinned, false, &self.origin).await
    }
}

pub(super) fn read_files(paths: &[PathBuf]) -> Result<(Kubeconfig, Vec<PathBuf>), ConnectError> {
    let mut merged = Kubeconfig::default();
    let mut read = Vec::new();
    for path in paths.iter().filter(|path| path.exists()) {
        let unreadable = |error: KubeconfigError| ConnectError::Unreadable {
            path: path.clone(),
            why: Clean::new(first_line(&error)),
        };
        let next = Kubeconfig::read_from(path).map_err(unreadable)?;
        merged = merged.merge(next).map_err(unreadable)?;
        read.push(path.clone());
    }
    if read.is_empty() {
        return Err(ConnectError::NoKubeconfig { tried: paths.to_vec() });
    }
    Ok((merged, read))
}

fn chosen_context(
    merged: &Kubeconfig,
    asked: Option<&str>,
    read: &[PathBuf],
) -> Result<String, ConnectError> {
    let known = || merged.contexts.iter().map(|c| Clean::new(&c.name)).collect();
    let current = merged.current_context.as_deref().filter(|name| !name.is_empty());
    let name =
        asked.or(current).ok_or_else(|| ConnectError::NoContext { paths: read.to_vec(), known: known() })?;
    if merged.contexts.iter().any(|c| c.name == name) {
        return Ok(name.to_owned());
    }
    Err(ConnectError::UnknownContext { asked: Clean::new(name), paths: read.to_vec(), known: known() })
}

/// The configuration that this session keeps, with plugins forced to be quiet.
async fn pin(
    mut merged: Kubeconfig,
    context: &str,
    hide_env: &[String],
    origin: &Origin,
) -> Result<kube::Config, ConnectError> {
    for user in &mut merged.auth_infos {
        let Some(info) = user.auth_info.as_mut() else { continue };
        if let Some(exec) = &mut info.exec {
            // With any other mode the plugin inherits our stdin and stderr: it would eat keys and draw over the screen.
            exec.interactive_mode = Some(ExecInteractiveMode::Never);
            exec.drop_env.get_or_insert_default().extend_from_slice(hide_env);
        }
        // The older kind is a program, too; it never inherits our stdin or stderr.
        if let Some(provider) = info.auth_provider.as_mut().filter(|_| !hide_env.is_empty()) {
            let hidden = provider.config.entry("cmd-drop-env".to_owned()).or_default();
            *hidden = format!("{hidden} {}", hide_env.join(" "));
        }
    }
    let options = KubeConfigOptions { context: Some(context.to_owned()), ..KubeConfigOptions::default() };
    let mut config = kube::Config::from_custom_kubeconfig(merged, &options)
        .await
        .map_err(|error| origin.broken(&error))?;
    config.connect_timeout = Some(CONNECT);
    config.headers.push((http::header::USER_AGENT, http::HeaderValue::from_static(AGENT)));
    Ok(config)
}

/// A client; building one loads key files and may run the credential plugin, so it does not happen on an async thread.
async fn build(config: &kube::Config, retry: bool, origin: &Origin) -> Result<kube::Client, ConnectError> {
    build_within(PLUGIN, config, retry, origin).await
}

async fn build_within(
    limit: Duration,
    config: &kube::Config,
    retry: bool,
    origin: &Origin,
) -> Result<kube::Client, ConnectError> {
    let mut config = config.clone();
    config.default_retry = retry;
    let program = config
        .auth_info
        .exec
        .as_ref()
        .and_then(|exec| exec.command.as_deref())
        .map(Clean::new)
        .unwrap_or_default();
    let build = blocking(move || kube::Client::try_from(config));
    let built =
        tokio::time::timeout(limit, build).await.ok().flatten().ok_or_else(|| ConnectError::Plugin {
            program: program.clone(),
            why: Clean::new(format!("no answer in {} s", limit.as_secs())),
        })?;
    built.map_err(|error| match &error {
        kube::Error::Auth(auth) => {
            ConnectError::Plugin { program: program.clone(), why: plugin_failure(auth).1 }
        }
        other => origin.broken(other),
    })
}

/// `None` only while the runtime is shutting down.
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    tokio::task::spawn_blocking(work).await.ok()
}

fn fallback_id(config: &kube::Config) -> Clean {
    let mut bytes = config.cluster_url.to_string().into_bytes();
    for certificate in config.root_cert.iter().flatten() {
        bytes.push(b'\n');
        bytes.extend_from_slice(certificate);
    }
    Clean::new(format!("sha256:{}", ContentDigest::of_bytes(&bytes).0))
}

/// Parse errors of the YAML reader quote the file over several lines, and a kubeconfig holds secrets: one line only.
fn first_line(error: &dyn std::error::Error) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is pinned of a kubeconfig with this user.
    async fn pinned(user: serde_json::Value, hide_env: &[String]) -> (kube::Config, Origin) {
        let text = serde_json::json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "here",
            "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:1"}}],
            "users": [{"name": "u", "user": user}],
            "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}],
        });
        let origin = Origin { context: "here".into(), paths: Vec::new() };
        let merged = Kubeconfig::from_yaml(&text.to_string()).expect("a kubeconfig");
        let config = pin(merged, "here", hide_env, &origin).await.expect("a session");
        (config, origin)
    }

    /// Who sends a write waits thirty seconds; a connection that gave up by itself after as long would say now and then
    /// that it broke, where nobody answered. This is what every client is built from; versions of kube differ in it.
    #[tokio::test]
    async fn no_connection_gives_up_before_whoever_waits_for_the_answer() {
        let (config, _) = pinned(serde_json::json!({}), &[]).await;
        assert_eq!(config.read_timeout, None, "a watch is silent for long");
        let write = config.write_timeout.unwrap_or(Duration::MAX);
        assert!(write > Duration::from_secs(60), "{write:?}");
    }

    #[tokio::test]
    async fn a_credential_plugin_that_says_nothing_is_given_up() {
        let folder = tempfile::tempdir().expect("a folder");
        let pipe = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo").success());
        let exec = serde_json::json!({"exec": {"apiVersion": "client.authentication.k8s.io/v1",
            "command": "cat", "args": [&pipe]}});
        let (config, origin) = pinned(exec, &[]).await;
        let built = build_within(Duration::from_millis(1), &config, false, &origin).await;
        let text = built.err().expect("no credentials").to_string();
        assert!(text.contains("`cat`") && text.contains("no answer in") && text.contains("hint:"), "{text}");
        assert!(!text.contains(&*pipe.to_string_lossy()), "{text}");
        // Nobody writes to it: that ends the plugin, and the thread that waits for it.
        drop(std::fs::OpenOptions::new().write(true).open(&pipe));
    }

    #[tokio::test]
    async fn no_kind_of_plugin_sees_what_is_hidden_from_it() {
        let hidden = ["CARGO_MANIFEST_DIR".to_owned(), "CARGO_PKG_NAME".to_owned()];
        for own in [None, Some("HOME")] {
            let mut config = serde_json::json!({"cmd-path": "login"});
            if let Some(own) = own {
                config["cmd-drop-env"] = own.into();
            }
            let provider = serde_json::json!({"auth-provider": {"name": "gcp", "config": config}});
            let (config, _) = pinned(provider, &hidden).await;
            let told = config
                .auth_info
                .auth_provider
                .as_ref()
                .map(|provider| provider.config["cmd-drop-env"].clone());
            let told = told.expect("a provider");
            assert!(hidden.iter().all(|name| told.split(' ').any(|word| word == name)), "{told}");
            assert_eq!(told.contains("HOME"), own.is_some(), "what the file hides stays hidden");
        }
        let exec = serde_json::json!({"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "x",
            "interactiveMode": "Always"}});
        let (config, _) = pinned(exec, &hidden).await;
        let exec = config.auth_info.exec.expect("a plugin");
        assert_eq!(exec.interactive_mode, Some(ExecInteractiveMode::Never));
        assert_eq!(exec.drop_env.as_deref(), Some(&hidden[..]));
    }

    #[test]
    fn the_list_in_the_environment_wins_over_the_home_directory() {
        let home = Path::new("/home/ana");
        let paths = default_paths(Some(OsStr::new("/a::/b")), Some(home));
        assert_eq!(paths, [PathBuf::from("/a"), PathBuf::from("/b")]);
        assert_eq!(default_paths(None, Some(home)), [home.join(".kube/config")]);
        assert_eq!(default_paths(Some(OsStr::new("")), Some(home)), [home.join(".kube/config")]);
    }
}

//! One session: configuration and command line in, running sources and a performer out. The composition root: what
//! talks to what is decided here and nowhere else.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::sync::{Mutex as AsyncMutex, OnceCell, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::advisor;
use crate::advisor::wire::KeyFrom;
use crate::domain::clean::Clean;
use crate::domain::signal::{Health, Signal, Source};
use crate::engine::record::Past;
use crate::engine::state::{self, Setup};
use crate::engine::{Event, State};
use crate::sources::kubernetes::{self, ConnectError, Connected};
use crate::sources::prometheus::{self, Client};

use super::clock::Clock;
use super::config::{self, Config, Credentials, Glob};
use super::perform::{Advisor, Files, Performer, forward, open_files};
use super::recording::Recording;
use super::tls;

/// Events that may wait; sources then wait too.
const QUEUE: usize = 4_096;
/// Between two cycles of Prometheus, in world time.
const CYCLE: Duration = Duration::from_secs(5);

/// What the command line and the environment say.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Kubeconfig files.
    pub kubeconfig: Vec<PathBuf>,
    /// `--context`.
    pub context: Option<String>,
    /// `-n`.
    pub namespace: Option<String>,
    /// `--prometheus`, else the configuration's.
    pub prometheus: Option<String>,
    /// `--read-only`.
    pub read_only: bool,
    /// Whether a configured model is asked: where nobody reads its words, it is not.
    pub advise: bool,
    /// Whether others may be deciding about the same: where nobody decides, or the world is embedded, nobody is told.
    pub courtesy: bool,
    /// Where the journal is.
    pub state_folder: Option<PathBuf>,
    /// The clock.
    pub clock: Clock,
}

/// A running session.
pub struct Session {
    /// The state, to be stepped by the loop.
    pub state: State,
    /// Events from everywhere.
    pub events: mpsc::Receiver<Event>,
    /// Performs effects.
    pub performer: Performer,
    /// Ends all sources when dropped.
    pub cancel: CancellationToken,
    /// The clock.
    pub clock: Clock,
    /// Where everything that happens is recorded, if anywhere.
    pub recording: Option<Recording>,
}

impl Drop for Session {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

/// What was decided before the start. The name of the context is told by an event, when the kubeconfig was read.
pub fn setup(config: &Config, wanted: &Wanted) -> Setup {
    Setup {
        policy: config.policy.clone(),
        slo_workloads: config.slo_workloads(),
        depends_on: config.depends_on(),
        find_prometheus: wanted.prometheus.is_none(),
        read_only: wanted.read_only,
        every_right: false,
        lease: config.gate.lease && wanted.courtesy,
        quorum: config.gate.quorum,
        quorums: config.quorums(),
        advisor: asked(config, wanted),
        silent: state::Silent { bell: !config.ui.bell, notify: !config.ui.notify },
        prod: false,
        context: Clean::default(),
    }
}

/// Starts a session, and returns before a file of the state folder or the kubeconfig was read: what is found there
/// comes as events. A kubeconfig that cannot be used is no error here: the screen starts and says so.
///
/// # Errors
/// When Prometheus is configured in a way that cannot work (an unreadable CA file, a URL that is none).
pub async fn start(config: &Config, wanted: &Wanted) -> anyhow::Result<Session> {
    tls::install();
    let clock = wanted.clock;
    let (tx, events) = mpsc::channel(QUEUE);
    let cancel = CancellationToken::new();
    let setup = setup(config, wanted);
    let performer = Performer {
        events: tx.clone(),
        cluster: Arc::default(),
        prometheus: Arc::new(OnceCell::new()),
        declared: Arc::new(config.declared().map(|(file, declared)| (file, declared.clone())).collect()),
        files: Arc::default(),
        advisor: Arc::default(),
        asked: Arc::default(),
        log: Arc::default(),
        cycle: CYCLE,
        clock,
        tasks: TaskTracker::new(),
        records: TaskTracker::new(),
        cancel: cancel.clone(),
        reads: Performer::read_bound(),
        appends: Arc::new(AsyncMutex::new(())),
    };
    // Until something was heard: then nothing is calm, and a frame follows as soon as something comes.
    tell(&tx, Event::Signal(Signal::Health(Source::Kubernetes, Health::Starting)));
    if let Some(url) = &wanted.prometheus {
        let client = Arc::new(direct(config, url).await?);
        let at = client.name();
        let performer = performer.clone();
        tokio::spawn(async move {
            performer.use_prometheus(client, at, "as configured".into(), Vec::new()).await;
        });
    }
    let opening = Opening {
        performer: performer.clone(),
        wanted: wanted.clone(),
        prod_contexts: config.prod_contexts.clone(),
        hide_env: key_variable(config).into_iter().collect(),
    };
    tokio::spawn(opening.clone().files(setup.policy.keep_config_content));
    tokio::spawn(opening.clone().cluster());
    tokio::spawn(opening.advisor(config.advisor.clone(), setup.advisor.clone()));
    let state = State::new(setup, clock.now());
    Ok(Session { state, events, performer, cancel, clock, recording: None })
}

/// What is read while the first frame is on the screen already. Each part is told when it is there.
#[derive(Clone)]
struct Opening {
    performer: Performer,
    wanted: Wanted,
    prod_contexts: Vec<Glob>,
    /// Variables that no credential plugin may see.
    hide_env: Vec<String>,
}

impl Opening {
    async fn tell(&self, event: Event) {
        // Nobody listens any more: the program ends.
        let _ = self.performer.events.send(event).await;
    }

    /// Journal and earlier contents. A thread that could not be waited for leaves a journal that cannot be written.
    async fn files(self, keep: bool) {
        let (folder, now) = (self.wanted.state_folder.clone(), self.wanted.clock.now());
        let opened = tokio::task::spawn_blocking(move || open_files(folder, keep, now)).await;
        let (files, event) = opened.unwrap_or_else(|_| {
            (Files::default(), Event::Journal(Err("it could not be read".into()), Past::default()))
        });
        let _ = self.performer.files.set(files);
        self.tell(event).await;
    }

    /// The kubeconfig, and the source that follows the cluster.
    async fn cluster(mut self) {
        let hide_env = std::mem::take(&mut self.hide_env);
        match connect(&self.wanted, hide_env).await {
            Ok(connected) => {
                let production =
                    self.prod_contexts.iter().any(|pattern| pattern.matches(connected.context.as_str()));
                self.tell(Event::Context { name: connected.context.clone(), production }).await;
                let (signals, received) = mpsc::channel(QUEUE);
                tokio::spawn(forward(received, self.performer.events.clone()));
                let (namespace, cancel) = (self.wanted.namespace, self.performer.cancel.clone());
                tokio::spawn(kubernetes::run(connected.clone(), namespace, signals, cancel));
                let _ = self.performer.cluster.set(Some(connected));
            }
            Err(error) => {
                let _ = self.performer.cluster.set(None);
                let why = Clean::new(error.to_string());
                self.tell(Event::Signal(Signal::Health(Source::Kubernetes, Health::Down(why)))).await;
            }
        }
    }

    /// The model, where one is configured.
    async fn advisor(self, config: config::Advisor, asked: Option<state::Advisor>) {
        let advisor = match (asked, config.settings) {
            (Some(asked), Some(settings)) => {
                let client = advisor::Client::new(settings).await;
                let client = client.map_err(|error| Clean::new(error.to_string()));
                let folder = self.wanted.state_folder;
                Some(Advisor { client, share: asked.share, tools: config.tools, folder })
            }
            _ => None,
        };
        let _ = self.performer.advisor.set(advisor);
    }
}

/// What the core must know of the model that is asked.
fn asked(config: &Config, wanted: &Wanted) -> Option<state::Advisor> {
    let settings = config.advisor.settings.as_ref().filter(|_| wanted.advise)?;
    Some(state::Advisor { model: Clean::new(&settings.model), share: config.advisor.share })
}

/// The queue is empty and much longer than what is told at the start.
fn tell(tx: &mpsc::Sender<Event>, event: Event) {
    let _ = tx.try_send(event);
}

/// The variable that holds the key of the model, whether or not the model is asked in this run.
fn key_variable(config: &Config) -> Option<String> {
    match config.advisor.settings.as_ref()?.key.as_ref()? {
        KeyFrom::Env(name) => Some(name.clone()),
        KeyFrom::File(_) => None,
    }
}

async fn connect(wanted: &Wanted, hide_env: Vec<String>) -> Result<Connected, ConnectError> {
    let options = kubernetes::Options {
        kubeconfig: wanted.kubeconfig.clone(),
        context: wanted.context.clone(),
        hide_env,
        clock: wanted.clock.shared(),
    };
    kubernetes::connect(options).await
}

/// Header values that are text; the configuration took no others.
fn headers(map: &http::HeaderMap) -> Vec<(String, String)> {
    let text = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
        Some((name.to_string(), value.to_str().ok()?.to_owned()))
    };
    map.iter().filter_map(text).collect()
}

/// A client for a Prometheus whose URL is given.
async fn direct(config: &Config, url: &str) -> anyhow::Result<Client> {
    let of = &config.prometheus;
    let (bearer_file, basic) = match &of.credentials {
        Credentials::None => (None, None),
        Credentials::Bearer(file) => (Some(file.clone()), None),
        Credentials::Basic { user, password_file } => {
            (None, Some(prometheus::Basic { user: user.clone(), password_file: password_file.clone() }))
        }
    };
    let direct = prometheus::Direct {
        url: url.to_owned(),
        bearer_file,
        basic,
        headers: headers(&of.headers),
        ca_file: of.ca_file.clone(),
    };
    Client::direct(direct).await.context("--prometheus cannot be used")
}

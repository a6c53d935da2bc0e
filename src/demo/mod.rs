//! The embedded world: a scenario file becomes three HTTP servers on loopback: one that speaks the Kubernetes API, one
//! that speaks the Prometheus API, over one simulated shop, and one that imitates a language model. The program that runs on them does not know that they are
//! not real, and this module does not know the program: it names `domain` alone.
//!
//! An accepted PATCH changes the shop, and so what its Prometheus answers. Answers are a function of seed, scenario,
//! world time and the writes received. What the world cannot answer is an error, never a made-up answer.

pub mod clock;
mod controller;
pub mod duration;
mod fields;
mod http;
mod kubelet;
mod kubernetes;
mod log;
mod model;
mod noise;
mod objects;
mod patch;
mod prometheus;
pub mod promql;
mod rules;
pub mod scenario;
mod selector;
mod status;
mod store;
mod traffic;
mod world;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{Mutex, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::domain::Time;
use clock::Clock;
use scenario::Scenario;
use world::World;

/// How often, in real time, the world is looked at on behalf of those who watch it.
const GLANCE: Duration = Duration::from_millis(20);

/// Why the servers could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No port on loopback.
    #[error(
        "the embedded world cannot listen on 127.0.0.1: {0}; hint: does this host allow loopback sockets?"
    )]
    Listen(#[from] std::io::Error),
}

/// A request that the API server received and that could have changed something.
#[derive(Clone, PartialEq, Debug)]
pub struct Write {
    /// World time of its arrival.
    pub at: Time,
    /// `PATCH`, `POST`, …
    pub method: String,
    /// Path without the query.
    pub path: String,
    /// True when it carried `dryRun=All`.
    pub dry_run: bool,
    /// HTTP status that it was answered with.
    pub status: u16,
    /// The body as it was sent.
    pub body: String,
}

/// What all servers share.
#[derive(Clone)]
struct Shared {
    clock: Clock,
    world: Arc<Mutex<World>>,
    /// The newest resource version: changes wake those who watch.
    version: watch::Sender<u64>,
    writes: watch::Sender<Vec<Write>>,
    /// Set when the world is over: watches end, and connections that are still open get 503.
    over: CancellationToken,
}

impl Shared {
    /// The world at the present moment.
    async fn world(&self) -> tokio::sync::MutexGuard<'_, World> {
        let mut world = self.world.lock().await;
        world.advance(self.clock.millis());
        let version = world.store.version();
        self.version.send_if_modified(|seen| std::mem::replace(seen, version) != version);
        world
    }
}

/// A running world. Its servers stop when it is dropped.
pub struct Running {
    /// `http://127.0.0.1:<port>` of the API server.
    pub kubernetes_url: String,
    /// `http://127.0.0.1:<port>` of Prometheus.
    pub prometheus_url: String,
    /// `http://127.0.0.1:<port>/v1` of the imitated language model.
    pub model_url: String,
    model_name: String,
    context: String,
    namespace: String,
    shared: Shared,
    _tasks: JoinSet<()>,
}

/// Starts the servers of `scenario` on loopback. World time is what `clock` shows.
///
/// # Errors
/// When no port can be opened.
pub async fn start(scenario: Scenario, seed: u64, clock: Clock) -> Result<Running, StartError> {
    let (context, namespace) = (scenario.context.clone(), scenario.namespace.clone());
    let imitated = scenario.model.clone();
    let model_name = imitated.name.clone();
    let world = World::new(scenario, seed, clock.origin().timestamp_millis());
    let shared = Shared {
        clock,
        version: watch::Sender::new(world.store.version()),
        world: Arc::new(Mutex::new(world)),
        writes: watch::Sender::new(Vec::new()),
        over: CancellationToken::new(),
    };
    let mut tasks = JoinSet::new();
    let kubernetes = serve(&mut tasks, kubernetes::router(shared.clone())).await?;
    let prometheus = serve(&mut tasks, prometheus::router(shared.clone())).await?;
    let model = serve(&mut tasks, model::router(shared.clone(), imitated)).await?;
    let glancing = shared.clone();
    tasks.spawn(async move {
        let mut interval = tokio::time::interval(GLANCE);
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            interval.tick().await;
            drop(glancing.world().await);
        }
    });
    Ok(Running {
        kubernetes_url: format!("http://{kubernetes}"),
        prometheus_url: format!("http://{prometheus}"),
        model_url: format!("http://{model}/v1"),
        model_name,
        context,
        namespace,
        shared,
        _tasks: tasks,
    })
}

async fn serve(tasks: &mut JoinSet<()>, router: axum::Router) -> Result<SocketAddr, StartError> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tasks.spawn(async move {
        // Ends only with the task: `axum::serve` retries failed accepts itself.
        let _ = axum::serve(listener, router).await;
    });
    Ok(address)
}

impl Running {
    /// A kubeconfig with this one cluster, as YAML.
    pub fn kubeconfig(&self) -> String {
        let Self { context, namespace, kubernetes_url, .. } = self;
        format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: {context}\nclusters:\n- name: {context}\n  cluster:\n    server: {kubernetes_url}\ncontexts:\n- name: {context}\n  context:\n    cluster: {context}\n    namespace: {namespace}\n    user: {context}\nusers:\n- name: {context}\n  user: {{}}\n"
        )
    }

    /// Name of the kubeconfig's context.
    pub fn context(&self) -> &str {
        &self.context
    }

    /// How the imitated language model calls itself, and is to be asked for.
    pub fn model_name(&self) -> &str {
        &self.model_name
    }

    /// Everything that was sent to the API server to change something, dry runs and refused requests included.
    pub fn writes(&self) -> Vec<Write> {
        self.shared.writes.borrow().clone()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shared.over.cancel();
    }
}

//! The whole source as one future: opens the session, then follows every kind until it is cancelled. It spawns nothing,
//! so whoever drops it has stopped it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::mpsc::Sender;
use tokio_util::sync::CancellationToken;

use super::connect::Connected;
use super::decode::{
    Autoscalers, Claims, ConfigMaps, Deployments, DisruptionBudgets, Events, Kind, Nodes, Pods, ReplicaSets,
    Secrets, Services,
};
use super::error::ReadError;
use super::http::{JSON, escaped, get};
use super::identity::{cluster_id, identity, probe};
use super::watch::follow;
use crate::domain::clean::Clean;
use crate::domain::signal::{Health, Signal, Source};

/// Kinds that [`run`] follows.
const KINDS: usize = 11;
/// Between two looks at the server itself.
const HEARTBEAT: Duration = Duration::from_secs(10);

/// Nobody listens any more.
pub(super) struct Closed;

/// What every part of the source needs.
pub(super) struct Session {
    pub connected: Connected,
    pub namespace: Option<String>,
    tx: Sender<Signal>,
    unsettled: AtomicUsize,
}

impl Session {
    pub async fn emit(&self, signal: Signal) -> Result<(), Closed> {
        self.tx.send(signal).await.map_err(|_| Closed)
    }

    /// A kind has told all that it can tell at first, be it that it is refused.
    pub async fn settled(&self, source: Source) -> Result<(), Closed> {
        self.emit(Signal::Synced(source, (self.connected.clock)())).await?;
        if self.unsettled.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.emit(Signal::Synced(Source::Kubernetes, (self.connected.clock)())).await?;
        }
        Ok(())
    }
}

/// Reports what is in the cluster until `cancel` is cancelled or nobody listens.
///
/// `namespace` is what was asked for with `-n`; with `None` all namespaces are watched, or the namespace of the context
/// where a cluster-wide list is forbidden.
pub async fn run(
    connected: Connected,
    namespace: Option<String>,
    tx: Sender<Signal>,
    cancel: CancellationToken,
) {
    tokio::select! {
        () = cancel.cancelled() => {}
        _ = report(connected, namespace, tx) => {}
    }
}

async fn report(connected: Connected, asked: Option<String>, tx: Sender<Signal>) -> Result<(), Closed> {
    let mut session = Session { connected, namespace: asked, tx, unsettled: AtomicUsize::new(KINDS) };
    open(&mut session).await?;
    let s = &session;
    // Boxed: together these futures are large, and they live as long as the session.
    tokio::try_join!(
        Box::pin(heartbeat(s)),
        Box::pin(follow::<Deployments>(s)),
        Box::pin(follow::<ReplicaSets>(s)),
        Box::pin(follow::<Pods>(s)),
        Box::pin(follow::<Services>(s)),
        Box::pin(follow::<Autoscalers>(s)),
        Box::pin(follow::<DisruptionBudgets>(s)),
        Box::pin(follow::<Events>(s)),
        Box::pin(follow::<Nodes>(s)),
        Box::pin(follow::<ConfigMaps>(s)),
        Box::pin(follow::<Secrets>(s)),
        Box::pin(follow::<Claims>(s)),
    )?;
    Ok(())
}

/// Finds out who and where we are and how far we see, for as long as it takes.
async fn open(session: &mut Session) -> Result<(), Closed> {
    let mut failures = 0;
    let (first, who, id, scope) = loop {
        match opening(session).await {
            Ok(known) => break known,
            Err(error) => {
                let reason = Clean::new(error.to_string());
                session.emit(Signal::Health(Source::Kubernetes, Health::Down(reason))).await?;
                pause(failures).await;
                failures += 1;
            }
        }
    };
    session.emit(Signal::Health(Source::Kubernetes, Health::Live)).await?;
    if let Some(ms) = first.clock_ms {
        session.emit(Signal::Clock(Source::Kubernetes, ms)).await?;
    }
    session.emit(Signal::Identity(who)).await?;
    session.emit(Signal::ClusterId(id)).await?;
    session.namespace.clone_from(&scope.0);
    let namespace = scope.0.map(Clean::new);
    session.emit(Signal::Scope { namespace, forbidden: scope.1 }).await
}

type Known = (super::Probe, crate::domain::cluster::Identity, Clean, (Option<String>, bool));

async fn opening(session: &Session) -> Result<Known, ReadError> {
    let connected = &session.connected;
    let first = probe(connected).await?;
    let who = identity(connected).await?;
    let id = cluster_id(connected).await?;
    let scope = scope(connected, session.namespace.clone()).await?;
    Ok((first, who, id, scope))
}

/// The namespace to watch, and whether that is because the cluster-wide list is forbidden.
async fn scope(connected: &Connected, asked: Option<String>) -> Result<(Option<String>, bool), ReadError> {
    if asked.is_some() {
        return Ok((asked, false));
    }
    let path = format!("{}?limit=1", Deployments::RESOURCE.path(None));
    match get(&connected.reader, &connected.server, &path, JSON).await {
        Ok(_) => Ok((None, false)),
        Err(ReadError::Forbidden(_)) => Ok((Some(connected.default_namespace.to_string()), true)),
        Err(error) => Err(error),
    }
}

/// The server itself: is it there, and what time is it there?
async fn heartbeat(session: &Session) -> Result<(), Closed> {
    let mut live = true;
    loop {
        tokio::time::sleep(HEARTBEAT).await;
        match probe(&session.connected).await {
            Ok(seen) => {
                if !live {
                    session.emit(Signal::Health(Source::Kubernetes, Health::Live)).await?;
                }
                live = true;
                session.emit(Signal::Heard(Source::Kubernetes)).await?;
                if let Some(ms) = seen.clock_ms {
                    session.emit(Signal::Clock(Source::Kubernetes, ms)).await?;
                }
            }
            Err(error) => {
                live = false;
                let reason = Clean::new(error.to_string());
                session.emit(Signal::Health(Source::Kubernetes, Health::Down(reason))).await?;
            }
        }
    }
}

/// Waits after the `failures`-th failure in a row: from half a second, doubling to half a minute, up to half of it more at
/// random, so that many sessions do not come back at the same moment.
pub(super) async fn pause(failures: u32) {
    use std::hash::{BuildHasher as _, Hasher as _};
    let base = 500_u64 << failures.min(6);
    let base = base.min(30_000);
    // The standard library seeds each hasher at random; no crate is needed for that.
    let random = std::hash::RandomState::new().build_hasher().finish();
    tokio::time::sleep(Duration::from_millis(base + random % (base / 2))).await;
}

/// Path of a kind's collection in the scope of the session.
pub(super) fn collection<K: Kind>(session: &Session) -> String {
    K::RESOURCE.path(session.namespace.as_deref().map(escaped).as_deref())
}

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
use super::http::escaped;
use super::identity::{cluster_id, identity, probe};
use super::watch::{Broke, Progress, follow, follow_on, list_first};
use crate::domain::clean::Clean;
use crate::domain::signal::{Health, Signal, Source};

/// Kinds that [`run`] follows.
const KINDS: usize = 11;
/// Between two looks at the server itself.
const HEARTBEAT: Duration = Duration::from_secs(10);

/// Times that the reason of a broken connection is asked for.
const CAUSE_ASKED: usize = 3;

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
    let deployments = open(&mut session).await?;
    let s = &session;
    // Boxed: together these futures are large, and they live as long as the session.
    tokio::try_join!(
        Box::pin(heartbeat(s)),
        Box::pin(follow_on::<Deployments>(s, deployments)),
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

/// Finds out who and where we are and how far we see, for as long as it takes, and how far the Deployments were told.
async fn open(session: &mut Session) -> Result<Progress, Closed> {
    let mut failures = 0;
    let mut deployments = Progress::of::<Deployments>();
    let (first, who, id, scope) = loop {
        match opening(session, &mut deployments).await {
            Ok(known) => break known,
            Err(Broke::Closed) => return Err(Closed),
            Err(Broke::Read(error)) => {
                let reason = Clean::new(cause(session, error).await.to_string());
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
    session.emit(Signal::Scope { namespace, forbidden: scope.1 }).await?;
    Ok(deployments)
}

/// Why a connection broke. With TLS 1.3 a server refuses a client after the handshake: who then asks over a connection
/// that is just being closed hears only that it broke. One who asks alone, over a new one, hears the reason.
async fn cause(session: &Session, mut error: ReadError) -> ReadError {
    for _ in 0..CAUSE_ASKED {
        if !matches!(error, ReadError::Cut { .. }) {
            break;
        }
        match probe(&session.connected).await {
            Ok(_) => break,
            Err(why) => error = why,
        }
    }
    error
}

type Known = (super::Probe, crate::domain::cluster::Identity, Clean, (Option<String>, bool));

/// All at once, each on a connection of its own: one round trip, and none of them waits for another one's.
async fn opening(session: &Session, deployments: &mut Progress) -> Result<Known, Broke> {
    let connected = &session.connected;
    tokio::try_join!(
        async { Ok(probe(connected).await?) },
        async { Ok(identity(connected).await?) },
        async { Ok(cluster_id(connected).await?) },
        scope(session, deployments),
    )
}

/// The namespace to watch, and whether that is because the cluster-wide list is forbidden. The question is the list of
/// Deployments itself, which is told at once.
async fn scope(session: &Session, deployments: &mut Progress) -> Result<(Option<String>, bool), Broke> {
    let asked = session.namespace.clone();
    match list_first::<Deployments>(session, deployments, asked.as_deref()).await {
        Ok(()) => Ok((asked, false)),
        Err(Broke::Read(ReadError::Forbidden(_))) if asked.is_none() => {
            let namespace = session.connected.default_namespace.to_string();
            match list_first::<Deployments>(session, deployments, Some(&namespace)).await {
                Err(Broke::Closed) => Err(Broke::Closed),
                Ok(()) | Err(Broke::Read(_)) => Ok((Some(namespace), true)),
            }
        }
        // What is wrong with this one kind is said by those who follow it.
        Err(Broke::Read(ReadError::Garbage { .. })) => Ok((asked, false)),
        Err(Broke::Read(_)) if asked.is_some() => Ok((asked, false)),
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

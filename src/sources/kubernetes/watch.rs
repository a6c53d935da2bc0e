//! One kind, listed and then watched for ever.
//!
//! ```text
//!            +---- 410, garbage, other error in the stream ----+
//!            v                                                 |
//!  list --> Listed --> watch --> Applied | Deleted | Heard ----+
//!            ^           ^---- ended, cut or silent: again from the last version
//!            +-- 403, 404: said once, asked again every minute
//! ```
//!
//! Our own loop rather than kube's watcher, which swallows bookmarks (then a quiet collection cannot be told from a dead
//! one) and loses a whole list when one object in it is odd.

use std::collections::BTreeMap;
use std::io::BufRead as _;
use std::time::Duration;

use futures_util::StreamExt as _;

use super::decode::{Broken, Kind, Line, Object, line, page};
use super::error::ReadError;
use super::http::{escaped, garbage, get, stream};
use super::run::{Closed, Session, collection, pause};
use crate::domain::clean::Clean;
use crate::domain::cluster::{Change, Key};
use crate::domain::signal::{Health, Signal, Source};

/// The server ends a watch after this long, and it is opened anew.
const WATCH_S: u64 = 120;
/// A watch that is silent for longer than the server would keep it open is dead.
const SILENT: Duration = Duration::from_secs(WATCH_S + 10);
/// Objects in a page of a list.
const PAGE: u32 = 500;
/// Asked again whether we may read a kind that was refused.
const REFUSED: Duration = Duration::from_secs(60);
/// A watch is not opened more often than this, whatever the server does.
const CALM: Duration = Duration::from_millis(500);
/// The longest line of a watch: etcd takes objects of 1.5 MiB, and JSON is larger than what is stored.
const LONGEST: usize = 64 << 20;

/// Why a round ended early.
pub(super) enum Broke {
    Closed,
    Read(ReadError),
}

impl From<Closed> for Broke {
    fn from(_: Closed) -> Self {
        Self::Closed
    }
}

impl From<ReadError> for Broke {
    fn from(error: ReadError) -> Self {
        Self::Read(error)
    }
}

/// How far the following of one kind has come.
pub(super) struct Progress {
    source: Source,
    health: Health,
    settled: bool,
    /// Objects that could not be understood.
    broken: BTreeMap<Key, Clean>,
    /// Version from which the watch goes on; `None`: list first.
    from: Option<String>,
}

impl Progress {
    /// Nothing was asked yet.
    pub fn of<K: Kind>() -> Self {
        Self {
            source: Source::Kind(K::RESOURCE.plural),
            health: Health::Starting,
            settled: false,
            broken: BTreeMap::new(),
            from: None,
        }
    }
}

/// Lists `K` once in `namespace`, or in all of them, and tells it: what is shown first need not wait for who we are.
/// The client is the one that repeats a request which a busy server refused.
pub(super) async fn list_first<K: Kind>(
    session: &Session,
    progress: &mut Progress,
    namespace: Option<&str>,
) -> Result<(), Broke> {
    let path = K::RESOURCE.path(namespace.map(escaped).as_deref());
    let mut following = Following { session, progress };
    following.list::<K>(&session.connected.reader, &path).await?;
    Ok(())
}

/// Follows `K` until nobody listens.
pub(super) async fn follow<K: Kind>(session: &Session) -> Result<(), Closed> {
    follow_on::<K>(session, Progress::of::<K>()).await
}

/// The same for a kind that may have been listed already.
pub(super) async fn follow_on<K: Kind>(session: &Session, mut progress: Progress) -> Result<(), Closed> {
    let mut following = Following { session, progress: &mut progress };
    let mut failures = 0;
    loop {
        match following.round::<K>().await {
            Ok(()) => failures = 0,
            Err(Broke::Closed) => return Err(Closed),
            Err(Broke::Read(error)) => {
                if matches!(error, ReadError::Gone(_) | ReadError::Garbage { .. }) {
                    following.progress.from = None;
                }
                following.failed::<K>(&error).await?;
                if matches!(error, ReadError::Forbidden(_) | ReadError::NotFound(_)) {
                    tokio::time::sleep(REFUSED).await;
                } else {
                    // The first 410 in a row is the ordinary end of an old watch.
                    if failures > 0 || !matches!(error, ReadError::Gone(_)) {
                        pause(failures).await;
                    }
                    failures += 1;
                }
            }
        }
    }
}

struct Following<'s> {
    session: &'s Session,
    progress: &'s mut Progress,
}

impl Following<'_> {
    /// A list if one is needed, then one watch to its end.
    async fn round<K: Kind>(&mut self) -> Result<(), Broke> {
        let from = match self.progress.from.clone() {
            Some(version) => version,
            None => {
                let path = collection::<K>(self.session);
                self.list::<K>(&self.session.connected.watcher, &path).await?
            }
        };
        self.watch::<K>(from).await
    }

    async fn list<K: Kind>(&mut self, client: &kube::Client, path: &str) -> Result<String, Broke> {
        let server = &self.session.connected.server;
        let (mut items, mut broken, mut next) = (Vec::new(), BTreeMap::new(), String::new());
        let version = loop {
            let mut uri = format!("{path}?limit={PAGE}");
            if !next.is_empty() {
                uri.push_str("&continue=");
                uri.push_str(&escaped(&next));
            }
            let answer = get(client, server, &uri, accept::<K>(true)).await?;
            let page = page::<K>(&answer.body).map_err(|error| garbage(server, &error))?;
            items.extend(page.objects.into_iter().map(|object| object.item));
            broken.extend(page.broken.into_iter().map(|odd| (odd.key, odd.why)));
            next = page.next;
            if next.is_empty() {
                break page.resource_version;
            }
            let of = page.remaining.map(|left| items.len() + left);
            self.session.emit(Signal::Listing(self.progress.source, items.len(), of)).await?;
        };
        self.progress.broken = broken;
        self.progress.from = Some(version.clone());
        self.fact::<K>(Change::Listed(items)).await?;
        self.live::<K>().await?;
        self.settle().await?;
        Ok(version)
    }

    async fn watch<K: Kind>(&mut self, from: String) -> Result<(), Broke> {
        let calm = tokio::time::sleep(CALM);
        let connected = &self.session.connected;
        let uri = format!(
            "{}?watch=1&allowWatchBookmarks=true&timeoutSeconds={WATCH_S}&resourceVersion={}",
            collection::<K>(self.session),
            escaped(&from)
        );
        let opened = stream(&connected.watcher, &connected.server, &uri, accept::<K>(false)).await?;
        let mut pieces = std::pin::pin!(opened);
        self.live::<K>().await?;
        self.session.emit(Signal::Heard(self.progress.source)).await?;
        let mut buffer = Vec::new();
        // Silence and a cut are the same: whatever was lost comes again from the last version.
        while let Ok(Some(Ok(piece))) = tokio::time::timeout(SILENT, pieces.next()).await {
            let scanned = buffer.len();
            buffer.extend_from_slice(&piece);
            self.lines::<K>(&mut buffer, scanned).await?;
        }
        calm.await;
        Ok(())
    }

    /// Takes the complete lines out of `buffer`, of which the first `scanned` bytes hold no line end.
    async fn lines<K: Kind>(&mut self, buffer: &mut Vec<u8>, scanned: usize) -> Result<(), Broke> {
        let (mut begin, mut search) = (0, scanned);
        while let Some(length) = line_end(&buffer[search..]) {
            let end = search + length;
            let bytes = buffer[begin..end].trim_ascii();
            if !bytes.is_empty() {
                self.line::<K>(bytes).await?;
            }
            (begin, search) = (end + 1, end + 1);
        }
        buffer.drain(..begin);
        if buffer.len() > LONGEST {
            self.progress.from = None;
            return Err(Broke::Read(ReadError::Garbage {
                server: self.session.connected.server.clone(),
                why: Clean::new("a line of a watch is longer than 64 MiB"),
            }));
        }
        Ok(())
    }

    async fn line<K: Kind>(&mut self, bytes: &[u8]) -> Result<(), Broke> {
        let line = line::<K>(bytes).map_err(|error| garbage(&self.session.connected.server, &error))?;
        let version = match line {
            Line::Applied(object) => {
                self.mended::<K>(&object).await?;
                self.fact::<K>(Change::Applied(object.item)).await?;
                object.resource_version
            }
            Line::Deleted(object) => {
                self.mended::<K>(&object).await?;
                self.fact::<K>(Change::Deleted(object.key, object.uid)).await?;
                object.resource_version
            }
            Line::Broken(Broken { key, why }, version) => {
                self.progress.broken.insert(key, why);
                self.live::<K>().await?;
                version
            }
            Line::Bookmark(version) => {
                self.session.emit(Signal::Heard(self.progress.source)).await?;
                version
            }
            Line::Error(status, message) => {
                self.progress.from = None;
                return Err(Broke::Read(match status {
                    410 => ReadError::Gone(message),
                    status => ReadError::Server { status, message },
                }));
            }
        };
        if !version.is_empty() {
            self.progress.from = Some(version);
        }
        Ok(())
    }

    async fn fact<K: Kind>(&self, change: Change<K::Item>) -> Result<(), Closed> {
        self.session.emit(Signal::Cluster(Box::new(K::fact(change)))).await
    }

    /// An object that could not be understood can be now, or is gone.
    async fn mended<K: Kind>(&mut self, object: &Object<K::Item>) -> Result<(), Closed> {
        if !self.progress.broken.is_empty() && self.progress.broken.remove(&object.key).is_some() {
            self.live::<K>().await?;
        }
        Ok(())
    }

    /// Delivering. A collection in which objects are missing is not called live.
    async fn live<K: Kind>(&mut self) -> Result<(), Closed> {
        let health = match self.progress.broken.iter().next() {
            None => Health::Live,
            Some((key, why)) => Health::Down(Clean::new(format!(
                "{} of the {} cannot be understood, as {key}: {why}; hint: the others are up to date",
                self.progress.broken.len(),
                K::RESOURCE.plural
            ))),
        };
        self.health(health).await
    }

    async fn failed<K: Kind>(&mut self, error: &ReadError) -> Result<(), Closed> {
        match error {
            ReadError::Forbidden(_) => {
                // With a version at hand it was the watch that was refused. The next round lists again: slow, not blind.
                let verb = if self.progress.from.is_some() { "watch" } else { "list" };
                self.health(Health::Forbidden(missing::<K>(verb, self.session.namespace.as_deref()))).await?;
                self.progress.from = None;
                self.settle().await
            }
            ReadError::NotFound(message) => {
                let resource = K::RESOURCE;
                let text =
                    format!("this server has no {} in {}: {message}", resource.full_name(), resource.version);
                self.health(Health::Down(Clean::new(text))).await?;
                self.progress.from = None;
                self.settle().await
            }
            // Ordinary: the next list says whether anything is wrong.
            ReadError::Gone(_) => Ok(()),
            other => self.health(Health::Down(Clean::new(other.to_string()))).await,
        }
    }

    async fn health(&mut self, health: Health) -> Result<(), Closed> {
        if self.progress.health == health {
            return Ok(());
        }
        self.progress.health = health.clone();
        self.session.emit(Signal::Health(self.progress.source, health)).await
    }

    async fn settle(&mut self) -> Result<(), Closed> {
        if std::mem::replace(&mut self.progress.settled, true) {
            return Ok(());
        }
        self.session.settled(self.progress.source).await
    }
}

/// Where the first line ends. `BufRead` of a slice looks for a byte as fast as the machine can; an iterator would look
/// at each of the five thousand of an ordinary event.
fn line_end(bytes: &[u8]) -> Option<usize> {
    let mut rest = bytes;
    // Reading from memory cannot fail.
    let read = rest.skip_until(b'\n').ok()?;
    bytes.get(read.checked_sub(1)?).is_some_and(|last| *last == b'\n').then(|| read - 1)
}

/// The right that is missing, in words that can be sent to whoever grants rights.
fn missing<K: Kind>(verb: &str, namespace: Option<&str>) -> Clean {
    let resource = K::RESOURCE;
    let place = match namespace.filter(|_| resource.namespaced) {
        Some(namespace) => format!("in namespace {namespace}"),
        None => "at cluster scope".to_owned(),
    };
    Clean::new(format!(
        "may not {verb} {} {place}; hint: ask for a rule with apiGroups [\"{}\"], resources [\"{}\"], verbs [list, watch]",
        resource.full_name(),
        resource.group,
        resource.plural,
    ))
}

/// What we take. For metadata there is no way out to whole objects: `data` of a Secret does not come at all. What
/// `kubectl apply` copied of it into an annotation comes with the metadata, and is skipped unread when it is decoded.
fn accept<K: Kind>(list: bool) -> &'static str {
    match (K::RESOURCE.metadata_only, list) {
        (false, _) => super::http::JSON,
        (true, true) => "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
        (true, false) => "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1",
    }
}

//! Performs effects: each becomes a task that ends in an event. Nothing here decides anything; a task that cannot do
//! its work says so in its event.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::{Mutex as AsyncMutex, OnceCell, SetOnce, mpsc};
use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::advisor::tools::Perform;
use crate::advisor::{self, converse};
use crate::death;
use crate::domain::advice::{Advice, Brief, BriefId, Share};
use crate::domain::clean::Clean;
use crate::domain::cluster::{
    ClusterFact, ConfigContent, ConfigVersion, Json, Key, KnownContent, KnownFrom, Right, Service, Uid,
};
use crate::domain::inquiry::Inquiry;
use crate::domain::plan::{DryRun, Plan};
use crate::domain::signal::{Health, Signal, Source};
use crate::domain::slo::Sli;
use crate::domain::sloth::Declared;
use crate::engine::effect::Trace;
use crate::engine::event::{ActionId, Called, FreshLook, Ticket};
use crate::engine::gate::Approved;
use crate::engine::ledger::{self, Told, Whole};
use crate::engine::record::{self, Past};
use crate::engine::{Effect, Event, State};
use crate::executor::{self, Cause, ReadBack, Sent};
use crate::sources::kubernetes::{self, Connected};
use crate::sources::prometheus::discovery::{self, PortSeen, ServiceSeen};
use crate::sources::prometheus::{self, Client};

use super::clock::Clock;
use super::content::{ConfigMap, ContentStore};
use super::journal::Journal;
use super::toolbox::Toolbox;

/// A journal that does not answer within this is one that cannot be written.
const JOURNAL_LIMIT: Duration = Duration::from_secs(20);
/// From a dry run to the preparation of the clients for the next one.
const PREPARE_AFTER: Duration = Duration::from_millis(250);
/// Contents of ConfigMaps that are read at the same time.
const READS: usize = 8;

/// What is known a moment after the start: tasks wait for it, the first frame does not.
pub type Late<T> = Arc<SetOnce<T>>;

/// The files of the state folder, as far as they could be opened.
#[derive(Default)]
pub struct Files {
    /// The journal.
    pub journal: Option<Arc<Mutex<Journal>>>,
    /// The store of earlier contents.
    pub contents: Option<Arc<Mutex<ContentStore>>>,
}

/// A model that can be asked.
#[derive(Clone)]
pub struct Advisor {
    /// How it is reached, or why it cannot be.
    pub client: Result<advisor::Client, Clean>,
    /// What may be sent.
    pub share: Share,
    /// Whether it may use the read-only tools.
    pub tools: bool,
    /// The folder of the journal, which one of the tools reads.
    pub folder: Option<PathBuf>,
}

/// What tasks work with.
#[derive(Clone)]
pub struct Performer {
    /// Where events go.
    pub events: mpsc::Sender<Event>,
    /// The cluster; `None`: the kubeconfig could not be used.
    pub cluster: Late<Option<Connected>>,
    /// Prometheus, once it is known.
    pub prometheus: Arc<OnceCell<Arc<Client>>>,
    /// SLOs declared by file.
    pub declared: Arc<Vec<(Clean, Declared)>>,
    /// Journal and earlier contents.
    pub files: Late<Files>,
    /// The model, where one is configured.
    pub advisor: Late<Option<Advisor>>,
    /// Questions to it that are under way.
    pub asked: Arc<Mutex<BTreeMap<BriefId, AbortHandle>>>,
    /// The log that is followed: its stream's number, and its task.
    pub log: Arc<Mutex<Option<(u64, AbortHandle)>>>,
    /// Between two cycles of Prometheus, in world time.
    pub cycle: Duration,
    /// The clock.
    pub clock: Clock,
    /// Tasks under way.
    pub tasks: TaskTracker,
    /// Records on their way to the disk: nobody leaves before they are there.
    pub records: TaskTracker,
    /// Ends everything.
    pub cancel: CancellationToken,
    /// Bounds the reads of contents.
    pub reads: Arc<tokio::sync::Semaphore>,
    /// One write at a time: appends keep their order.
    pub appends: Arc<AsyncMutex<()>>,
}

impl Performer {
    /// Bound of the reads of contents.
    pub fn read_bound() -> Arc<tokio::sync::Semaphore> {
        Arc::new(tokio::sync::Semaphore::new(READS))
    }

    /// Starts what `effect` asks for. `Bell` and `Quit` are the loop's.
    pub fn perform(&self, effect: Effect, state: &State) {
        let this = self.clone();
        match effect {
            Effect::Inquire(inquiry) => {
                if let (Some(client), Some(slo)) =
                    (this.prometheus.get().cloned(), state.world.slos.get(&inquiry.slo))
                {
                    let slo = slo.clone();
                    let clock = state.world.clocks.get(&Source::Prometheus).copied().unwrap_or(0);
                    let clock = chrono::TimeDelta::milliseconds(clock);
                    this.clone().spawn(async move { this.inquire(&client, &slo, *inquiry, clock).await });
                }
            }
            Effect::FindPrometheus(services) => {
                self.clone().spawn(async move { this.find_prometheus(services).await })
            }
            Effect::ReadConfig(key) => self.clone().spawn(async move { this.read_config(key).await }),
            Effect::LoadKnown(key) => {
                let cluster = cluster_of(state);
                self.clone().spawn(async move { this.load_known(cluster, key).await });
            }
            Effect::KeepContent(key, uid, version) => {
                let cluster = cluster_of(state);
                self.records.spawn(async move { this.keep_content(cluster, key, uid, version).await });
            }
            Effect::ReviewRights(rights) => {
                self.clone().spawn(async move { this.review_rights(rights).await })
            }
            Effect::DryRun(digest, plan) => self.clone().spawn(async move {
                let answer = this.dry_run(&plan).await;
                this.tell(Event::DryRun(digest, answer)).await;
            }),
            Effect::Recheck(digest, plan, rights) => self.clone().spawn(async move {
                death::point("approved");
                let fresh = this.recheck(&plan, &rights).await;
                death::point("look.whole");
                this.tell(Event::Rechecked(digest, Box::new(fresh))).await;
            }),
            Effect::Record { ticket, kind, body } => {
                self.records.spawn(async move { this.record(ticket, kind, body).await });
            }
            Effect::ReadRecords => self.clone().spawn(async move {
                let told = this.in_journal(records_of).await;
                let told =
                    told.unwrap_or_else(|why| Told { entries: Vec::new(), records: 0, head: Err(why) });
                this.tell(Event::Records(told)).await;
            }),
            Effect::ReadRecord(seq) => self.clone().spawn(async move {
                let whole = this.in_journal(move |folder| record_of(folder, seq)).await;
                this.tell(Event::Whole(whole.and_then(|whole| whole))).await;
            }),
            Effect::Export(case) => self.clone().spawn(async move {
                let written = this.in_journal(move |folder| {
                    let written = super::export::beside_the_journal(folder, case.as_str());
                    let place = written.map(|path| Clean::new(path.display().to_string()));
                    place.map_err(|error| Clean::new(error.to_string()))
                });
                let written = written.await.and_then(|written| written);
                this.tell(Event::Exported(written)).await;
            }),
            Effect::ReadJournal => self.clone().spawn(async move { this.read_journal().await }),
            Effect::Execute(approved) => self.clone().spawn(async move { this.execute(approved).await }),
            Effect::Tell(notice) => self.clone().spawn(async move { this.told(&notice).await }),
            Effect::ReadLeases(namespace) => self.clone().spawn(async move { this.leases(namespace).await }),
            Effect::Rule(ruling) => self.clone().spawn(async move { this.rule(*ruling).await }),
            Effect::ReadRulings(namespace) => {
                self.clone().spawn(async move { this.rulings(namespace).await })
            }
            Effect::TryForgery(namespace, user) => {
                self.clone().spawn(async move { this.try_forgery(namespace, user).await });
            }
            Effect::ReadBack(action, trace) => {
                self.clone().spawn(async move { this.read_back(action, &trace).await });
            }
            Effect::Advise(brief) => {
                let slo = brief.slo.as_ref().and_then(|id| state.world.slos.get(id));
                self.advise(*brief, slo.map(|slo| slo.sli.clone()));
            }
            Effect::StopAdvice(id) => {
                if let Some(question) = self.questions().remove(&id) {
                    question.abort();
                }
            }
            Effect::ReadPod { key, uid, owners } => {
                self.clone().spawn(async move { this.read_pod(key, uid, owners).await });
            }
            Effect::FollowLog(request) => self.follow_log(*request),
            Effect::StopLog(stream) => self.stop_log(stream),
            Effect::ReadAlerts(id) => {
                let slo = state.world.slos.get(&id).cloned();
                self.clone().spawn(async move { this.read_alerts(id, slo).await });
            }
            Effect::Bell | Effect::Copy(_) | Effect::Notify { .. } | Effect::Quit => {}
        }
    }

    fn spawn(self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(task);
    }

    /// Waits for records that are still being written; a disk that hangs is left after two seconds.
    pub async fn flush(&self) {
        self.records.close();
        let _ = tokio::time::timeout(Duration::from_secs(2), self.records.wait()).await;
    }

    /// Asks the model, in a task that can be stopped: stopping it closes its socket.
    fn advise(&self, brief: Brief, sli: Option<Sli>) {
        let id = brief.id;
        let (this, cancel) = (self.clone(), self.cancel.clone());
        let question = self.tasks.spawn(async move {
            let Some(Advisor { client, share, tools, folder }) = this.advisor.wait().await.clone() else {
                return;
            };
            let cluster = this.cluster().await.cloned();
            let toolbox = tools.then(|| Toolbox {
                cluster,
                prometheus: this.prometheus.get().cloned(),
                journal: folder,
                brief: brief.clone(),
                sli,
                share,
                clock: this.clock.shared(),
            });
            match client {
                Ok(client) => {
                    let tools = toolbox.as_ref().map(|toolbox| toolbox as &dyn Perform);
                    let ended = converse(&client, brief, share, tools, &this.events);
                    // Nobody waits for a model when the program ends.
                    let _ = cancel.run_until_cancelled(ended).await;
                }
                Err(why) => this.tell(Event::Advice(id, Box::new(Advice::failed(why)))).await,
            }
            this.questions().remove(&id);
        });
        let mut questions = self.questions();
        questions.retain(|_, question| !question.is_finished());
        questions.insert(id, question.abort_handle());
    }

    fn questions(&self) -> MutexGuard<'_, BTreeMap<BriefId, AbortHandle>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The log stream that is open.
    pub(super) fn log_stream(&self) -> MutexGuard<'_, Option<(u64, AbortHandle)>> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The cluster, once it is known whether there is one.
    pub(super) async fn cluster(&self) -> Option<&Connected> {
        self.cluster.wait().await.as_ref()
    }

    pub(super) async fn tell(&self, event: Event) {
        // Nobody listens any more: the program ends.
        let _ = self.events.send(event).await;
    }

    async fn signal(&self, signal: Signal) {
        self.tell(Event::Signal(signal)).await;
    }

    async fn inquire(
        &self,
        client: &Client,
        slo: &crate::domain::slo::Slo,
        inquiry: Inquiry,
        clock: chrono::TimeDelta,
    ) {
        death::point("inquiry.unasked");
        let findings = prometheus::answer(client, slo, inquiry, self.clock.now(), clock).await;
        death::point("inquiry.answered");
        self.signal(Signal::Findings(Box::new(findings))).await;
    }

    async fn find_prometheus(&self, services: Vec<Service>) {
        let Some(cluster) = self.cluster().await else { return };
        // Where `-n` or the rights leave one namespace to watch, all Services may still be listed once.
        let services = kubernetes::all_services(cluster).await.unwrap_or(services);
        let seen: Vec<ServiceSeen> = services.iter().map(seen).collect();
        match discovery::discover(&cluster.plain_client(), &seen).await {
            Ok(found) => {
                let others = found.others.iter().map(other).collect();
                let at = found.client.name();
                let why = found.why.clone();
                self.use_prometheus(Arc::new(found.client), at, why, others).await;
            }
            Err(error) => {
                let why = Clean::new(error.to_string());
                self.signal(Signal::Health(Source::Prometheus, Health::Down(why))).await;
            }
        }
    }

    /// Starts the polling cycle on `client`.
    pub async fn use_prometheus(&self, client: Arc<Client>, at: Clean, why: Clean, others: Vec<Clean>) {
        if self.prometheus.set(client.clone()).is_err() {
            return;
        }
        self.signal(Signal::Prometheus { at, why, others }).await;
        let (tx, rx) = mpsc::channel(64);
        tokio::spawn(forward(rx, self.events.clone()));
        let options = prometheus::Options { period: self.clock.real(self.cycle), clock: self.clock.shared() };
        let declared = self.declared.as_ref().clone();
        tokio::spawn(prometheus::run(client, declared, options, tx, self.cancel.clone()));
    }

    async fn read_config(&self, key: Key) {
        let Some(cluster) = self.cluster().await else { return };
        let Ok(_permit) = self.reads.acquire().await else { return };
        match kubernetes::config_content(cluster, &key).await {
            Ok(content) => self.signal(Signal::Cluster(Box::new(ClusterFact::Content(key, content)))).await,
            Err(error) => {
                let why = Clean::new(format!("ConfigMap {key}: {error}"));
                self.signal(Signal::Failed(Source::Kind("configmaps"), why)).await;
            }
        }
    }

    async fn load_known(&self, cluster: String, key: Key) {
        let known = match self.files.wait().await.contents.clone() {
            None => Vec::new(),
            Some(store) => {
                let of = key.clone();
                blocking(move || {
                    let store = store.lock().unwrap_or_else(PoisonError::into_inner);
                    let which = ConfigMap {
                        cluster: &cluster,
                        namespace: of.namespace.as_str(),
                        name: of.name.as_str(),
                    };
                    store.versions(which).map(|found| found.versions).unwrap_or_default()
                })
                .await
                .unwrap_or_default()
            }
        };
        let known = known
            .into_iter()
            .map(|v| KnownContent {
                version: ConfigVersion::new(&v.data["data"], &v.data["binaryData"]),
                uid: (!v.uid.is_empty()).then_some(Uid(v.uid.into())),
                seen: Some((v.first_seen, v.last_seen)),
                source: KnownFrom::Seen,
            })
            .collect();
        self.signal(Signal::Known(key, known)).await;
    }

    async fn keep_content(&self, cluster: String, key: Key, uid: Uid, version: ConfigVersion) {
        let Some(store) = self.files.wait().await.contents.clone() else { return };
        let seen = self.clock.now();
        let _ = blocking(move || {
            let mut data = serde_json::Map::new();
            for (name, json) in [("data", &version.data), ("binaryData", &version.binary_data)] {
                if *json != Json::default() {
                    data.insert(name.into(), json.value());
                }
            }
            let store = store.lock().unwrap_or_else(PoisonError::into_inner);
            let which =
                ConfigMap { cluster: &cluster, namespace: key.namespace.as_str(), name: key.name.as_str() };
            store.keep(which, uid.0.as_str(), &version.digest.0, &Value::Object(data), seen)
        })
        .await;
    }

    async fn review_rights(&self, rights: Vec<Right>) {
        let Some(cluster) = self.cluster().await else { return };
        match kubernetes::rights(cluster, &rights).await {
            Ok(answers) => self.signal(Signal::Rights(answers)).await,
            Err(error) => {
                let why = Clean::new(format!("access review: {error}"));
                self.signal(Signal::Failed(Source::Kind("rights"), why)).await;
            }
        }
    }

    async fn dry_run(&self, plan: &Plan) -> DryRun {
        let Some(cluster) = self.cluster().await else { return DryRun::Unavailable("no cluster".into()) };
        let writer = match cluster.writer().await {
            Ok(writer) => writer,
            Err(error) => return DryRun::Unavailable(Clean::new(error.to_string())),
        };
        // What is tried may be approved next; not at once, when an approved write may need the processor.
        let connected = cluster.clone();
        tokio::spawn(async move {
            tokio::time::sleep(PREPARE_AFTER).await;
            connected.prepare_writers().await;
        });
        let mut objects = Vec::new();
        for sent in executor::dry_run(&writer, plan).await {
            match sent {
                Sent::Done { object, .. } => objects.push(Json::of(&object)),
                // Busy or not logged in says nothing about the plan.
                Sent::Refused { cause: Cause::Busy | Cause::Unauthorized, message, .. } => {
                    return DryRun::Unavailable(message);
                }
                Sent::Refused { message, .. } => return DryRun::Refused(message),
                Sent::Unknown { why } | Sent::NotSent { why } => return DryRun::Unavailable(why),
            }
        }
        DryRun::Accepted(objects)
    }

    async fn recheck(&self, plan: &Plan, rights: &[Right]) -> Result<FreshLook, Clean> {
        let Some(cluster) = self.cluster().await else { return Err("no cluster".into()) };
        // The clients of dry run and write are built while the rest is read, if they are not there yet.
        let prepared = async {
            cluster.prepare_writers().await;
            Ok(())
        };
        let ((fresh, configs, answers), ()) = tokio::try_join!(read_again(cluster, plan, rights), prepared)?;
        death::point("look.untried");
        let dry_run = self.dry_run(plan).await;
        death::point("look.tried");
        let (deployment, replica_sets) =
            fresh.map_or((None, Vec::new()), |f| (Some(f.deployment), f.replica_sets));
        Ok(FreshLook {
            deployment,
            replica_sets,
            configs,
            dry_run,
            allowed: answers.iter().all(|(_, allowed)| *allowed),
        })
    }

    async fn record(&self, ticket: Ticket, kind: &'static str, body: Value) {
        let time = self.clock.now();
        death::point("record.wanted");
        let _in_order = self.appends.lock().await;
        let Some(journal) = self.files.wait().await.journal.clone() else {
            return self.tell(Event::RecordFailed(ticket, "the journal could not be opened".into())).await;
        };
        let append = blocking(move || {
            let mut journal = journal.lock().unwrap_or_else(PoisonError::into_inner);
            journal.append(time, kind, &body)
        });
        let appended = tokio::time::timeout(JOURNAL_LIMIT, append).await;
        death::point("record.answered");
        let event = match appended {
            Ok(Some(Ok(head))) => Event::Recorded(ticket, head.seq, head.hash),
            Ok(Some(Err(error))) => Event::RecordFailed(ticket, Clean::new(error.to_string())),
            Ok(None) => Event::RecordFailed(ticket, "the journal's task ended".into()),
            Err(_) => Event::RecordFailed(ticket, "the disk did not answer in 20 s".into()),
        };
        self.tell(event).await;
        death::point("record.told");
    }

    /// Tells what the journal says, if another process has written to it since it was read last.
    async fn read_journal(&self) {
        let Some(journal) = self.files.wait().await.journal.clone() else { return };
        let past = blocking(move || {
            death::point("journal.unread");
            let mut journal = journal.lock().unwrap_or_else(PoisonError::into_inner);
            let folder = journal.news().then(|| journal.folder().to_owned())?;
            drop(journal);
            let records = super::journal::read(&folder);
            Some(record::past(records.iter().map(|r| (r.kind.as_str(), r.time, &r.body))))
        });
        if let Some(Some(past)) = past.await {
            self.tell(Event::Past(past)).await;
        }
    }

    /// Does something with the folder of the journal that may block.
    async fn in_journal<T: Send + 'static>(
        &self,
        work: impl FnOnce(&std::path::Path) -> T + Send + 'static,
    ) -> Result<T, Clean> {
        let journal = self.files.wait().await.journal.clone();
        let journal = journal.ok_or_else(|| Clean::new("the journal could not be opened"))?;
        let done = blocking(move || {
            let folder = journal.lock().unwrap_or_else(PoisonError::into_inner).folder().to_owned();
            work(&folder)
        });
        done.await.ok_or_else(|| Clean::new("the journal's task ended"))
    }

    async fn execute(&self, approved: Approved) {
        let action = approved.action().clone();
        death::point("execute.sealed");
        let Some(cluster) = self.cluster().await else { return };
        let outcomes = match cluster.writer().await {
            Ok(writer) => {
                death::point("execute.connected");
                executor::execute(&writer, &approved).await
            }
            Err(error) => vec![Sent::NotSent { why: Clean::new(error.to_string()) }],
        };
        death::point("execute.answered");
        for (index, sent) in outcomes.into_iter().enumerate() {
            self.tell(Event::Called(action.clone(), index, called(sent))).await;
            death::point("execute.told");
        }
    }

    async fn read_back(&self, action: ActionId, trace: &Trace) {
        let Some(cluster) = self.cluster().await else { return };
        death::point("read_back.unread");
        let fresh = kubernetes::read_deployment(cluster, &trace.workload).await;
        death::point("read_back.read");
        // Not why the write failed: of that nothing is known, and nothing is claimed.
        let failed =
            |error: kubernetes::ReadError| Clean::new(format!("it cannot be read back yet: {error}"));
        let stand = match fresh.map_err(failed) {
            Err(why) => return self.tell(Event::NotReadBack(action, why)).await,
            Ok(fresh) => {
                let (deployment, sets) = fresh.as_ref().map_or((None, &[][..]), |fresh| {
                    (Some(&fresh.deployment), fresh.replica_sets.as_slice())
                });
                match executor::read_back(&action.0, trace, deployment, sets) {
                    ReadBack::Applied => {
                        if let Some(deployment) = deployment {
                            let generation = deployment.meta.generation;
                            self.tell(Event::FoundAt(action.clone(), generation)).await;
                        }
                        Ok(trace.configs.len() + 1)
                    }
                    ReadBack::Unknown(why) => Err(why),
                    // The last call does not stand; those before it may.
                    ReadBack::NotApplied => match self.contents_of(cluster, trace).await.map_err(failed) {
                        Err(why) => return self.tell(Event::NotReadBack(action, why)).await,
                        Ok(contents) => executor::restored(&action.0, trace, &contents),
                    },
                }
            }
        };
        death::point("read_back.answered");
        self.tell(Event::ReadBack(action, stand)).await;
        death::point("read_back.told");
    }

    /// What the ConfigMaps of an action hold now, in order.
    async fn contents_of(
        &self,
        cluster: &Connected,
        trace: &Trace,
    ) -> Result<Vec<Option<ConfigContent>>, kubernetes::ReadError> {
        let mut contents = Vec::with_capacity(trace.configs.len());
        for (key, _) in &trace.configs {
            let content = kubernetes::config_content(cluster, key).await;
            death::point("read_back.config");
            contents.push(content?);
        }
        Ok(contents)
    }
}

fn cluster_of(state: &State) -> String {
    state.world.cluster_id.as_ref().map(Clean::to_string).unwrap_or_default()
}

fn called(sent: Sent) -> Called {
    match sent {
        Sent::Done { object, .. } => Called::Done(object["metadata"]["generation"].as_i64()),
        Sent::Refused { status, message, retry_after_s, .. } => {
            let later = retry_after_s.map_or(String::new(), |s| format!(" (retry after {s} s)"));
            Called::Refused(Clean::new(format!("{status}: {message}{later}")))
        }
        Sent::Unknown { why } => Called::Unknown(why),
        Sent::NotSent { why } => Called::NotSent(why),
    }
}

fn seen(service: &Service) -> ServiceSeen {
    let port = |(name, number): &(Clean, i64)| PortSeen {
        name: (!name.is_empty()).then(|| name.to_string()),
        port: u16::try_from(*number).unwrap_or(0),
    };
    ServiceSeen {
        namespace: service.key.namespace.to_string(),
        name: service.key.name.to_string(),
        labels: service.labels.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect(),
        ports: service.ports.iter().map(port).collect(),
    }
}

/// A Prometheus that was found and not taken, in words.
fn other(asked: &discovery::Asked) -> Clean {
    let service = &asked.candidate.service;
    Clean::new(match &asked.said {
        Ok(probe) => format!("{service} ({}, {} SLOs)", asked.candidate.why, probe.slos),
        Err(error) => format!("{service} ({}): {error}", asked.candidate.why),
    })
}

/// The newest records in one line each, and whether all of them verify.
fn records_of(folder: &std::path::Path) -> Told {
    let (records, verified) = super::journal::read_and_verify(folder);
    let head = match (verified.ok, verified.reason, verified.head) {
        (true, _, head) => Ok(head.map_or_else(Clean::default, |head| Clean::new(head.hash))),
        (false, why, _) => {
            let place = verified.first_bad.map_or(String::new(), |seq| format!("record {seq}: "));
            Err(Clean::new(format!("{place}{}", why.unwrap_or_default())))
        }
    };
    let lines = records.iter().map(|r| (r.seq, r.time, r.kind.as_str(), &r.body));
    Told { entries: ledger::summaries(lines), records: verified.records, head }
}

fn record_of(folder: &std::path::Path, seq: u64) -> Result<Whole, Clean> {
    let records = super::journal::read(folder);
    let found = records.into_iter().find(|record| record.seq == seq);
    let found = found.ok_or_else(|| Clean::new(format!("record {seq} is not there, or does not verify")))?;
    Ok(Whole { seq, hash: Clean::new(found.hash), body: found.body })
}

/// Signals become events.
pub async fn forward(mut signals: mpsc::Receiver<Signal>, events: mpsc::Sender<Event>) {
    while let Some(signal) = signals.recv().await {
        if events.send(Event::Signal(signal)).await.is_err() {
            return;
        }
    }
}

/// Runs what may block on a thread of its own; `None` while the runtime shuts down.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    tokio::task::spawn_blocking(work).await.ok()
}

/// Deployment, ConfigMaps and rights of a plan.
type Again = (Option<kubernetes::Fresh>, Vec<(Key, Option<ConfigContent>)>, Vec<(Right, bool)>);

/// Everything that a plan depends on, as it is now.
async fn read_again(cluster: &Connected, plan: &Plan, rights: &[Right]) -> Result<Again, Clean> {
    let said = |error: kubernetes::ReadError| Clean::new(error.to_string());
    death::point("look.deployment_unread");
    let fresh = kubernetes::read_deployment(cluster, &plan.workload).await.map_err(said)?;
    death::point("look.deployment_read");
    let mut configs = Vec::new();
    for before in &plan.undo.configs {
        death::point("look.config_unread");
        let content = kubernetes::config_content(cluster, &before.key).await.map_err(said)?;
        death::point("look.config_read");
        configs.push((before.key.clone(), content));
    }
    death::point("look.rights_unread");
    let answers = kubernetes::rights(cluster, rights).await.map_err(said)?;
    death::point("look.rights_read");
    Ok((fresh, configs, answers))
}

/// Opens journal and store below `state`; what cannot be opened is said in the event, and closes the gate. Reads and
/// verifies the whole journal: to be called where that may take its time.
pub fn open_files(state: Option<PathBuf>, keep: bool, now: crate::domain::Time) -> (Files, Event) {
    let Some(folder) = state else {
        let why = Clean::new("there is no folder for it; hint: set GOAROUND_STATE_DIR");
        return (Files::default(), Event::Journal(Err(why), Past::default()));
    };
    // A folder that is not private, or only a link to one, holds no contents either.
    let private = keep && super::private::folder(&folder).is_ok();
    let store = private.then(|| ContentStore::open(&folder.join("contents")).ok()).flatten();
    if let Some(store) = &store {
        // Old contents that cannot be removed now are removed at the next start.
        let _ = store.expire(now);
    }
    let contents = store.map(|store| Arc::new(Mutex::new(store)));
    match Journal::open(&folder) {
        Ok(journal) => {
            let records = super::journal::read(&folder);
            let past = record::past(records.iter().map(|r| (r.kind.as_str(), r.time, &r.body)));
            let head = match journal.read_only() {
                Some(why) => Err(Clean::new(why.to_string())),
                None => Ok(journal.head().hash.clone()),
            };
            let journal = Some(Arc::new(Mutex::new(journal)));
            (Files { journal, contents }, Event::Journal(head, past))
        }
        Err(error) => {
            let why = Clean::new(error.to_string());
            (Files { journal: None, contents }, Event::Journal(Err(why), Past::default()))
        }
    }
}

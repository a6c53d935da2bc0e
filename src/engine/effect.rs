//! All that we can do. The shell performs these and reports by events; nothing else leaves the engine.

use serde_json::Value;

use crate::domain::advice::{Brief, BriefId};
use crate::domain::clean::Clean;
use crate::domain::cluster::{ConfigVersion, ContentDigest, Key, Right, Service, Uid};
use crate::domain::inquiry::Inquiry;
use crate::domain::notice::{Notice, Ruling};
use crate::domain::plan::{ConfigBefore, Plan};
use crate::domain::pod::LogRequest;
use crate::domain::slo::SloId;

use super::event::{ActionId, Ticket};
use super::gate::Approved;

/// What can be done.
#[derive(Clone, PartialEq, Debug)]
pub enum Effect {
    /// Ask Prometheus for counts of one SLO.
    Inquire(Box<Inquiry>),
    /// Look for Prometheus behind these Services.
    FindPrometheus(Vec<Service>),
    /// Read a ConfigMap's content.
    ReadConfig(Key),
    /// Ask the store for earlier contents of a ConfigMap.
    LoadKnown(Key),
    /// Keep a ConfigMap's content for later incidents.
    KeepContent(Key, Uid, ConfigVersion),
    /// Ask which of these we may.
    ReviewRights(Vec<Right>),
    /// Let the server try the plan without doing it.
    DryRun(ContentDigest, Box<Plan>),
    /// Read everything that the plan depends on once more, and dry-run again.
    Recheck(ContentDigest, Box<Plan>, Vec<Right>),
    /// Make a record durable.
    Record {
        /// What to do next.
        ticket: Ticket,
        /// Kind of the record.
        kind: &'static str,
        /// Its body.
        body: Value,
    },
    /// See whether another process has written to the journal, and tell what.
    ReadJournal,
    /// Tell the newest records of the journal, and whether it verifies.
    ReadRecords,
    /// Tell one record, by its number.
    ReadRecord(u64),
    /// Write the post-mortem of a decision beside the journal.
    Export(Clean),
    /// Send what was approved, once.
    Execute(Approved),
    /// Tell other operators something; only a failure is answered, by [`super::Event::NotTold`].
    Tell(Box<Notice>),
    /// Read who is deciding in a namespace; answered by [`super::Event::Leases`].
    ReadLeases(Clean),
    /// Write what this person says to a plan, and count an approval; answered by [`super::Event::Ruled`].
    Rule(Box<Ruling>),
    /// Read what was said in a namespace; answered by [`super::Event::Rulings`].
    ReadRulings(Clean),
    /// Try whether an approval can be forged in a namespace, as this user; answered by [`super::Event::Forgery`].
    TryForgery(Clean, Clean),
    /// Look how many of an action's calls stand.
    ReadBack(ActionId, Box<Trace>),
    /// Ask the model; its answers come as [`super::Event::Advice`].
    Advise(Box<Brief>),
    /// Stop asking: nothing more is wanted of this question.
    StopAdvice(BriefId),
    /// Read one pod whole, with the events of it and of these owners (kind, name); answered by [`super::Event::Pod`].
    ReadPod {
        /// Which.
        key: Key,
        /// Its uid.
        uid: Uid,
        /// ReplicaSet and Deployment.
        owners: Vec<(&'static str, Clean)>,
    },
    /// Follow the log of one container; heard of by [`super::Event::PodLog`]. There is one at a time.
    FollowLog(Box<LogRequest>),
    /// Stop the stream of this number.
    StopLog(u64),
    /// Read the alert rules of one SLO in full; answered by [`super::Event::Alerts`].
    ReadAlerts(SloId),
    /// Call for attention.
    Bell,
    /// Put a line into the clipboard of the person's terminal.
    Copy(Clean),
    /// Call for attention outside of the window, with words: a desktop notification where the terminal shows one.
    Notify {
        /// What it is about, in a few words.
        title: Clean,
        /// One sentence.
        body: Clean,
    },
    /// Leave.
    Quit,
}

/// Where an action would have left its mark, and what it was to replace. Its last call wrote the Deployment, those before
/// it ConfigMaps.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Trace {
    /// The Deployment.
    pub workload: Key,
    /// ConfigMaps in the order of their calls, with the digest of what was written.
    pub configs: Vec<(Key, ContentDigest)>,
    /// What each of them was before.
    pub configs_left: Vec<ConfigBefore>,
    /// Template that the last call demanded.
    pub left: ContentDigest,
    /// Its uid; empty where the record does not tell it.
    pub uid: Uid,
    /// Template that the last call wrote.
    pub written: ContentDigest,
}

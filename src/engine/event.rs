//! All that can happen. Every event comes through one queue and is stamped once, on receipt.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::Time;
use crate::domain::advice::{Advice, BriefId};
use crate::domain::alert::AlertRule;
use crate::domain::clean::Clean;
use crate::domain::cluster::{ConfigContent, ContentDigest, Deployment, Key, ReplicaSet, Uid};
use crate::domain::exact;
use crate::domain::notice::{Lease, Ruling};
use crate::domain::plan::DryRun;
use crate::domain::pod::{LogNews, PodPage};
use crate::domain::signal::Signal;
use crate::domain::slo::SloId;

use super::drill::Answer;
use super::inbox::Item;
use super::ledger::{Told, Whole};
use super::palette::Choice;
use super::record::{Past, Word};
use super::view::{Pane, Row};

/// Something and when it happened.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Stamped {
    /// World time: what ages, windows and expiries are measured by.
    pub at: Time,
    /// Monotonic, never scaled or set back: what a hand's movements are measured by.
    #[serde(with = "exact")]
    pub mono: Duration,
    /// What.
    pub event: Event,
}

/// What can happen.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum Event {
    /// A source saw something.
    Signal(Signal),
    /// A person wants something.
    Command(Command),
    /// A frame was drawn; these effect lines of the card were whole in it.
    Shown(Shown),
    /// Answer to [`super::Effect::DryRun`].
    DryRun(ContentDigest, DryRun),
    /// Answer to [`super::Effect::Recheck`].
    Rechecked(ContentDigest, Box<Result<FreshLook, Clean>>),
    /// The record is durable: its sequence number and the chain's head.
    Recorded(Ticket, u64, String),
    /// The record could not be made durable.
    RecordFailed(Ticket, Clean),
    /// A call of an action was answered.
    Called(ActionId, usize, Called),
    /// How many of an action's calls stand, or why nobody can tell.
    ReadBack(ActionId, Result<usize, Clean>),
    /// The read-back that follows has seen the action on the Deployment, whose `metadata.generation` was this one.
    FoundAt(ActionId, i64),
    /// The objects of an action could not be looked at, and why.
    NotReadBack(ActionId, Clean),
    /// How the journal is: head, or why it cannot be written; and what it tells of earlier actions.
    Journal(Result<String, Clean>, Past),
    /// What the journal tells now that another process has written to it.
    Past(Past),
    /// Answer to [`super::Effect::ReadRecords`].
    Records(Told),
    /// Answer to [`super::Effect::ReadRecord`].
    Whole(Result<Whole, Clean>),
    /// Where a post-mortem was written, or why none was.
    Exported(Result<Clean, Clean>),
    /// The kubeconfig was read: which context it is, and whether that is production.
    Context {
        /// Its name.
        name: Clean,
        /// It is production by the configuration.
        production: bool,
    },
    /// Something was heard of a question to the model.
    Advice(BriefId, Box<Advice>),
    /// Answer to [`super::Effect::ReadPod`].
    Pod(Uid, Box<Result<PodPage, Clean>>),
    /// Something was heard of the log stream of this number.
    PodLog(u64, LogNews),
    /// Answer to [`super::Effect::ReadAlerts`].
    Alerts(SloId, Box<Result<Vec<AlertRule>, Clean>>),
    /// Answer to [`super::Effect::ReadLeases`]: of this namespace.
    Leases(Clean, Result<Vec<Lease>, Clean>),
    /// Answer to [`super::Effect::ReadRulings`]: of this namespace.
    Rulings(Clean, Result<Vec<Ruling>, Clean>),
    /// Answer to [`super::Effect::TryForgery`]; `Ok`: the cluster refuses one.
    Forgery(Clean, Result<(), Clean>),
    /// Answer to [`super::Effect::Rule`], about this plan of this workload.
    Ruled(Key, ContentDigest, Box<Result<Count, Clean>>),
    /// A notice of [`super::Effect::Tell`] was not taken, and why.
    NotTold(Clean),
    /// The round trip between this program and the person's terminal, rounded.
    Line(Duration),
    /// Somebody wants to leave while a call is on the wire: its outcome is waited for.
    Leaving,
    /// Time passed.
    Tick,
}

/// A record's purpose: what to do when it is durable.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum Ticket {
    /// The intent of this action: only when it is durable is anything sent, and only of this one.
    Intent(ActionId),
    /// What a person said became of this action: it counts when it is durable.
    Word(ActionId, Word),
    /// Anything else.
    Note,
}

/// Id of an action: a ULID.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
pub struct ActionId(pub String);

/// What was whole on the screen.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Shown {
    /// Digest of the card that was drawn; `None`: no card on the screen.
    pub digest: Option<ContentDigest>,
    /// Effect lines (by index into [`super::gate::Proposal::effect_lines`]) that were whole.
    pub lines: Vec<usize>,
    /// The terminal is at least 80x24.
    pub large_enough: bool,
    /// What was shown of a page of lines.
    pub page: PageShown,
    /// Number of the last read of the terminal before the frame went out: what was typed in it was typed blindly.
    #[serde(default)]
    pub read: u64,
}

/// What was shown of a page of lines: how far it can be scrolled depends on how its lines were wrapped.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct PageShown {
    /// Lines that were on the screen.
    pub rows: usize,
    /// The first line of the last screen.
    pub last: usize,
    /// Where each difference of a comparison begins.
    pub changes: Vec<usize>,
}

/// What was said to plans in a namespace, read after our own word was written.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Count {
    /// All of it.
    pub rulings: Vec<Ruling>,
    /// `Ok`: those that count could not have been written by us, so by nobody but who they name.
    pub forgery: Result<(), Clean>,
}

/// The objects as they are right before the write, read without a cache.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct FreshLook {
    /// The Deployment, if it still exists.
    pub deployment: Option<Deployment>,
    /// Its ReplicaSets.
    pub replica_sets: Vec<ReplicaSet>,
    /// ConfigMaps of the plan.
    pub configs: Vec<(Key, Option<ConfigContent>)>,
    /// A second dry run.
    pub dry_run: DryRun,
    /// Every right that the plan needs is still there.
    pub allowed: bool,
}

/// How a call ended.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum Called {
    /// The server did it; the object's generation afterwards, where it has one.
    Done(Option<i64>),
    /// The server did not do it, and says why: a failed test, a conflict, no right, busy.
    Refused(Clean),
    /// It never left.
    NotSent(Clean),
    /// Nobody knows: a timeout, a lost connection, a 5xx.
    Unknown(Clean),
}

/// What a person can want. Keys become commands by the keymap, so recordings survive another keymap.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Command {
    /// Leave.
    Quit,
    /// Help on or off.
    Help,
    /// One line up.
    Up,
    /// One line down.
    Down,
    /// A page up.
    PageUp,
    /// A page down.
    PageDown,
    /// To the first.
    Home,
    /// To the last.
    End,
    /// Open what is selected.
    Open,
    /// Go to the most urgent open gate.
    Gate,
    /// Edit the filter.
    Filter,
    /// Choose the chart's range: 1 h, 6 h, 1 d, 7 d, 30 d.
    Range(u8),
    /// Show the next chart of the selected SLO: error ratio, latency, heat map.
    Chart,
    /// Move the chart's cursor by so many moves, to the right where that is positive.
    Cursor(i8),
    /// Take the cursor away.
    NoCursor,
    /// The queries behind the numbers on or off.
    Queries,
    /// Propose the selected revision by hand.
    ByHand,
    /// Evidence on or off.
    Evidence,
    /// Full diff on or off.
    Diff,
    /// Propose the way back of the last action.
    Undo,
    /// Add the restore of what would not be restored.
    AddRestore,
    /// Next pane or field.
    FocusNext,
    /// Previous pane or field.
    FocusPrevious,
    /// The event log alone.
    Log,
    /// The pods of the selected workload or revision.
    Pods,
    /// The log of the selected pod.
    PodLog,
    /// The alert of the selected SLO.
    Alert,
    /// Put what is selected into the clipboard.
    Copy,
    /// Mark a revision for a comparison.
    Mark,
    /// Follow a log, or stop following it.
    Follow,
    /// The log before the last restart, or the present one.
    Previous,
    /// The next container.
    Container,
    /// Times in a log on or off.
    Times,
    /// Search in a log.
    Search,
    /// The next match or change.
    Next,
    /// The one before.
    NextBack,
    /// The palette.
    Palette,
    /// What waits for a person, goes on and ended lately, of all workloads.
    Inbox,
    /// What was chosen in the palette.
    Choose(Choice),
    /// This row of the palette or of the contexts; while the help is open, its first line on the screen.
    Pick(usize),
    /// The row of the list that was pointed at.
    Select(Row),
    /// The revision that was pointed at.
    SelectRevision(Uid),
    /// The pod that was pointed at.
    SelectPod(Uid),
    /// The row of the inbox that was pointed at.
    SelectItem(Item),
    /// The pane that was pointed at.
    Focus(Pane),
    /// One step in the pane below the pointer, upwards if true; the arrow keys go where they went before.
    Wheel(Pane, bool),
    /// First half of approving.
    Arm,
    /// Change the proposal.
    Edit,
    /// Refuse it.
    Reject,
    /// Say what became of an action of which nothing else can tell.
    Settle,
    /// Ask again later.
    Wait,
    /// What the model said, and all about it.
    Model,
    /// Ask the model something.
    Ask,
    /// Stop the model.
    Stop,
    /// The journal.
    Journal,
    /// Write a post-mortem of what is selected in it.
    Export,
    /// What a person says in a drill.
    Answer(Answer),
    /// Leave the screen, field or mode.
    Back,
    /// A typed character and the number of the terminal read that it came in, see [`stroke`](super::gate::stroke).
    Char(char, u64),
    /// Erase one character.
    Backspace,
    /// Enter in a text field.
    Submit,
    /// Text pasted as one piece.
    Paste(String),
    /// The text area's content after an edit of it.
    Draft(String),
}

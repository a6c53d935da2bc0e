//! Deliberately broken designs and points of death, for the tests that must find them. Without the feature `sabotage`,
//! which only the package's dependency on itself in its tests turns on, every question here is answered at compile time:
//! nothing is broken, and nobody dies.

/// A broken design: what would happen if this gate were built as others are.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Design {
    /// The action is sent while its intent is on its way to the disk.
    WriteBeforeRecord,
    /// A token that was typed for one card counts for the card that took its place.
    TokenUnbound,
    /// What was not answered is sent once more.
    SendsAgain,
    /// Whether it is too late is asked when the card is armed, and not again.
    ExpiryAtArming,
    /// What a person refused is offered again.
    RejectNotFinal,
    /// A rejection holds only as long as its process.
    RejectionForgotten,
    /// An action that was not answered was not done.
    UnknownIsFailed,
    /// An action that was not answered was done.
    UnknownIsDone,
    /// What is not there yet will not come.
    MissingIsProof,
    /// An object of the same name is the same object.
    NameIsIdentity,
    /// The write says what shall be, and not what must have been.
    NoPreconditions,
    /// What the card showed still holds.
    LooksOnce,
    /// Whichever record is durable, it was ours.
    AnyRecord,
    /// An answer that comes twice is two answers.
    EveryAnswerCounts,
    /// What was done in part was done.
    PartIsWhole,
    /// What was written stays.
    RevertUnseen,
    /// No failed request is a good sign, whatever the number of requests.
    HelpedWithoutTraffic,
    /// The wall clock is right.
    WallClockOnly,
    /// An intent without an outcome is settled.
    OpenIsDone,
    /// A record continues the head that this handle saw last, not the one that is there under the lock.
    JournalHeadOutsideLock,
    /// A record is acknowledged before it is synced.
    AcknowledgedBeforeSync,
    /// What a writer left that died in the middle of a record counts as one.
    TornRecordTrusted,
    /// Pasted characters are typed characters.
    PasteTypes,
    /// A token counts whenever it was typed, shown or not.
    TypeAhead,
    /// A token counts that waited in the queue while the frame that showed it was drawn.
    QueuedCounts,
    /// A card that changes keeps what was typed on it.
    TokenSurvivesChange,
    /// A screen that cannot show the card is no reason to refuse.
    TooSmallApproves,
    /// Nobody asks whether characters came one by one.
    OneReadApproves,
    /// A card arms that was not read.
    UnreadArms,
    /// What was armed before somebody else had the terminal stays armed.
    SuspendedStaysArmed,
    /// A character of a token decides about the card that took the place of the one it was typed on.
    TokenDecides,
    /// Keys count on a screen that has another size than the frame on it.
    StaleSizeCounts,
    /// Somebody else's Lease is a lock: nobody can arm while it is held.
    LeaseIsALock,
    /// A quorum counts sessions and kubeconfigs, whoever they log in as.
    QuorumByKubeconfig,
    /// Approvals of a plan hold for what it was edited to.
    QuorumSurvivesEdit,
}

/// Every broken design, with its name in reports.
#[cfg(feature = "sabotage")]
pub const DESIGNS: &[(Design, &str)] = &[
    (Design::WriteBeforeRecord, "write before the record"),
    (Design::TokenUnbound, "token not bound to the digest"),
    (Design::SendsAgain, "retries on"),
    (Design::ExpiryAtArming, "expiry checked at arming only"),
    (Design::RejectNotFinal, "reject not final"),
    (Design::RejectionForgotten, "rejection forgotten at a restart"),
    (Design::UnknownIsFailed, "unknown taken for failed"),
    (Design::UnknownIsDone, "unknown taken for done"),
    (Design::MissingIsProof, "missing taken for never"),
    (Design::NameIsIdentity, "name instead of uid"),
    (Design::NoPreconditions, "no preconditions in the patch"),
    (Design::LooksOnce, "no second look"),
    (Design::AnyRecord, "any record taken for the intent"),
    (Design::EveryAnswerCounts, "duplicate answers count"),
    (Design::PartIsWhole, "partial recorded as done"),
    (Design::RevertUnseen, "revert not looked for"),
    (Design::HelpedWithoutTraffic, "helped without traffic"),
    (Design::WallClockOnly, "wall clock alone"),
    (Design::OpenIsDone, "open intent taken for settled"),
    (Design::JournalHeadOutsideLock, "journal's head read outside the lock"),
    (Design::AcknowledgedBeforeSync, "record acknowledged before its sync"),
    (Design::TornRecordTrusted, "torn record trusted"),
    (Design::PasteTypes, "a paste types"),
    (Design::TypeAhead, "type-ahead counts"),
    (Design::QueuedCounts, "queued keys count"),
    (Design::TokenSurvivesChange, "a token survives a change of its card"),
    (Design::TooSmallApproves, "a screen too small approves"),
    (Design::OneReadApproves, "one read approves"),
    (Design::UnreadArms, "an unread card arms"),
    (Design::SuspendedStaysArmed, "armed through a suspension"),
    (Design::TokenDecides, "a token decides about another card"),
    (Design::StaleSizeCounts, "keys count on a frame of another size"),
    (Design::LeaseIsALock, "a Lease is a lock"),
    (Design::QuorumByKubeconfig, "a quorum of kubeconfigs"),
    (Design::QuorumSurvivesEdit, "a quorum survives an edit"),
];

/// It is one of the core, which the simulator must find; others are found by tests of their own.
#[cfg(feature = "sabotage")]
pub fn in_the_core(design: Design) -> bool {
    design <= Design::OpenIsDone
}

#[cfg(feature = "sabotage")]
mod switch {
    use std::cell::Cell;

    use super::Design;

    thread_local! {
        static DESIGN: Cell<Option<Design>> = const { Cell::new(None) };
    }

    /// This thread's design is broken so until further notice.
    pub fn choose(design: Option<Design>) {
        DESIGN.set(design);
    }

    /// The design of this thread is broken in this way.
    pub fn is(design: Design) -> bool {
        DESIGN.get() == Some(design)
    }
}

#[cfg(feature = "sabotage")]
pub use switch::{choose, is};

/// Never, in a program that is built to be used.
#[cfg(not(feature = "sabotage"))]
pub const fn is(_: Design) -> bool {
    false
}

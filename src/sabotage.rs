//! Deliberately broken designs and points of death, for the tests that must find them. Without the feature `sabotage`,
//! which only the package's dependency on itself in its tests turns on, every question here is answered at compile time:
//! nothing is broken, and nobody dies.

/// A broken design: what would happen if this gate were built as others are.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Design {
    /// The action is sent while its intent is on its way to the disk.
    WriteBeforeRecord,
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
    /// A key that is held down is as good as one that is pressed.
    RepeatArms,
    /// What was armed before somebody else had the terminal stays armed.
    SuspendedStaysArmed,
    /// A character of a token decides about the card that took the place of the one it was typed on.
    TokenDecides,
    /// Keys count on a screen that has another size than the frame on it.
    StaleSizeCounts,
}

/// Every broken design, with its name in reports.
#[cfg(feature = "sabotage")]
pub const DESIGNS: &[(Design, &str)] = &[
    (Design::WriteBeforeRecord, "write before the record"),
    (Design::PasteTypes, "a paste types"),
    (Design::TypeAhead, "type-ahead counts"),
    (Design::QueuedCounts, "queued keys count"),
    (Design::TokenSurvivesChange, "a token survives a change of its card"),
    (Design::TooSmallApproves, "a screen too small approves"),
    (Design::OneReadApproves, "one read approves"),
    (Design::UnreadArms, "an unread card arms"),
    (Design::RepeatArms, "a held key arms"),
    (Design::SuspendedStaysArmed, "armed through a suspension"),
    (Design::TokenDecides, "a token decides about another card"),
    (Design::StaleSizeCounts, "keys count on a frame of another size"),
];

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

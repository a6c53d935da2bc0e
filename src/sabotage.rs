//! Deliberately broken designs and points of death, for the tests that must find them. Without the feature `sabotage`,
//! which only the package's dependency on itself in its tests turns on, every question here is answered at compile time:
//! nothing is broken, and nobody dies.

/// A broken design: what would happen if this gate were built as others are.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Design {
    /// The action is sent while its intent is on its way to the disk.
    WriteBeforeRecord,
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
    (Design::LeaseIsALock, "a Lease is a lock"),
    (Design::QuorumByKubeconfig, "a quorum of kubeconfigs"),
    (Design::QuorumSurvivesEdit, "a quorum survives an edit"),
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

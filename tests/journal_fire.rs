//! The journal under fire: on disks that fail at every call, under every single change of its bytes, with many writers
//! and with writers that are killed, through the real binary on a disk without room; and the files around it, which
//! nobody else may read, write or put a link in the place of. Figures above the default are asked for by variables,
//! which CONTRIBUTING.md lists.

#![expect(clippy::disallowed_methods, reason = "children of a test are told what to do by variables")]

#[path = "common/cluster.rs"]
mod cluster;
mod common;
#[path = "common/disk.rs"]
mod disk;

#[path = "journal_fire/disks.rs"]
mod disks;
#[path = "journal_fire/exports.rs"]
mod exports;
#[path = "journal_fire/files.rs"]
mod files;
#[path = "journal_fire/plugins.rs"]
mod plugins;
#[path = "journal_fire/processes.rs"]
mod processes;
#[path = "journal_fire/program.rs"]
mod program;

use goaround::domain::Time;

/// A moment.
fn time(n: i64) -> Time {
    Time::UNIX_EPOCH + chrono::TimeDelta::milliseconds(1_790_000_000_000 + n)
}

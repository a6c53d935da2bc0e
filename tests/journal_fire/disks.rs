//! The real journal on disks that fail: whatever fails at whichever call, what was acknowledged stays, the chain
//! verifies, and whoever comes next can go on. Each broken design is found by the same checks.

use goaround::sabotage::{self, Design};
use goaround::shell::journal::{
    Anchor, Head, Journal, JournalError, Named, ReadOnly, TORN, read_and_verify_on, verify_on,
};
use serde_json::json;

use crate::disk::{Handle, Shared, Trouble};
use crate::time;

const WRITERS: usize = 2;
const ROUNDS: i64 = 3;

/// Two processes write by turns; a process whose journal fails starts again. Returns what was acknowledged.
fn written_by_turns(disk: &Shared) -> Vec<Head> {
    let mut writers: Vec<Option<Journal<Handle>>> = (0..WRITERS).map(|_| None).collect();
    let mut acknowledged = Vec::new();
    for n in 0..ROUNDS {
        for writer in &mut writers {
            if writer.is_none() {
                *writer = Journal::on(disk.handle()).ok();
            }
            let Some(journal) = writer else { continue };
            match journal.append(time(n), "note", &json!({ "n": n, "pad": "x".repeat(20) })) {
                Ok(head) => acknowledged.push(head),
                Err(_) => *writer = None,
            }
        }
    }
    acknowledged
}

/// What is wrong with a disk on which these records were acknowledged; a process that starts now is asked, too.
fn wrong(disk: &Shared, acknowledged: &[Head]) -> Option<String> {
    let (records, found) = read_and_verify_on(&disk.handle());
    if !found.ok {
        return Some(format!("the chain is broken: {:?}", found.reason));
    }
    for head in acknowledged {
        let at = usize::try_from(head.seq).expect("small") - 1;
        if records.get(at).is_none_or(|record| record.hash != head.hash) {
            return Some(format!("record {} was acknowledged and is not there", head.seq));
        }
    }
    let written = disk.bytes().iter().filter(|byte| **byte == b'\n').count() + 1;
    if records.len() > written || records.iter().any(|record| record.body.is_null()) {
        return Some("what nobody wrote counts as a record".to_owned());
    }
    let next =
        Journal::on(disk.handle()).and_then(|mut journal| journal.append(time(99), "note", &json!({})));
    let next = match next {
        Ok(head) => head,
        Err(error) => return Some(format!("nobody can go on: {error}")),
    };
    let found = verify_on(&disk.handle(), acknowledged.last().map(Anchor::from).as_ref());
    let sound = found.ok && found.torn.is_none() && found.head.as_ref() == Some(&next);
    (!sound).then(|| format!("the chain is broken behind the next record: {:?}", found.reason))
}

/// All troubles of one call.
fn troubles() -> Vec<Trouble> {
    let errnos = [libc::ENOSPC, libc::EDQUOT, libc::EIO, libc::EROFS, libc::EFBIG];
    let written = [0, 1, 90, 200, usize::MAX];
    let errors = errnos.into_iter().map(|errno| (errno, 30)).chain(written.map(|w| (libc::EIO, w)));
    let errors = errors.map(|(errno, written)| Trouble::Error { errno, written });
    errors.chain(written.map(|written| Trouble::Death { written })).collect()
}

/// Every trouble at every call, then a loss of power that leaves each of the things that it may leave: how many were
/// tried, or the first after which something is wrong.
fn every_trouble() -> Result<u64, String> {
    let disk = Shared::new();
    let acknowledged = written_by_turns(&disk);
    assert_eq!(acknowledged.len() as i64, ROUNDS * WRITERS as i64);
    let calls = disk.calls();
    let mut tried = 0;
    for call in 0..calls {
        for trouble in troubles() {
            let run = || {
                let disk = Shared::new();
                disk.trouble(call, trouble);
                let acknowledged = written_by_turns(&disk);
                (disk, acknowledged)
            };
            let (disk, acknowledged) = run();
            let losses = disk.losses();
            tried += 1;
            if let Some(wrong) = wrong(&disk, &acknowledged) {
                return Err(format!("{trouble:?} at call {call}: {wrong}"));
            }
            for loss in 0..losses {
                let (disk, acknowledged) = run();
                disk.power_fails(loss);
                tried += 1;
                if let Some(wrong) = wrong(&disk, &acknowledged) {
                    return Err(format!("{trouble:?} at call {call}, then power loss {loss}: {wrong}"));
                }
            }
        }
    }
    Ok(tried)
}

#[test]
fn whatever_fails_at_whichever_call_nothing_acknowledged_is_lost_and_the_next_one_goes_on() {
    let tried = every_trouble().unwrap_or_else(|wrong| panic!("{wrong}"));
    assert!(tried > 1_000, "{tried} runs");
}

/// All processes die at one call, and the power with them.
fn every_loss_of_power() -> Result<u64, String> {
    let disk = Shared::new();
    written_by_turns(&disk);
    let mut tried = 0;
    for call in 0..disk.calls() {
        let run = || {
            let disk = Shared::new();
            disk.ends_at(call);
            let acknowledged = written_by_turns(&disk);
            (disk, acknowledged)
        };
        for loss in 0..run().0.losses() {
            let (disk, acknowledged) = run();
            disk.power_fails(loss);
            tried += 1;
            if let Some(wrong) = wrong(&disk, &acknowledged) {
                return Err(format!("power loss {loss} at call {call}: {wrong}"));
            }
        }
    }
    Ok(tried)
}

#[test]
fn a_loss_of_power_takes_nothing_that_was_acknowledged() {
    let tried = every_loss_of_power().unwrap_or_else(|wrong| panic!("{wrong}"));
    assert!(tried > 500, "{tried} runs");
}

#[test]
fn each_broken_design_of_the_journal_is_found_by_these_checks() {
    let broken = [Design::JournalHeadOutsideLock, Design::AcknowledgedBeforeSync, Design::TornRecordTrusted];
    for design in broken {
        sabotage::choose(Some(design));
        let found = every_trouble().and_then(|_| every_loss_of_power());
        sabotage::choose(None);
        assert!(found.is_err(), "{design:?} was not found");
    }
}

#[test]
fn a_disk_without_room_at_any_byte_refuses_and_goes_on_when_there_is_room() {
    let whole = Shared::new();
    let mut journal = Journal::on(whole.handle()).expect("opened");
    for n in 0..3 {
        journal.append(time(n), "note", &json!({ "n": n })).expect("recorded");
    }
    let bytes = whole.bytes();
    for errno in [libc::ENOSPC, libc::EDQUOT, libc::EFBIG] {
        for room in 0..bytes.len() {
            let disk = Shared::new();
            disk.room(Some((room as u64, errno)));
            let mut journal = Journal::on(disk.handle()).expect("a full disk can be read");
            let mut acknowledged = Vec::new();
            let error = loop {
                match journal.append(
                    time(acknowledged.len() as i64),
                    "note",
                    &json!({ "n": acknowledged.len() }),
                ) {
                    Ok(head) => acknowledged.push(head),
                    Err(error) => break error,
                }
            };
            assert!(matches!(error, JournalError::Io { .. }), "{error}");
            assert!(error.to_string().contains("make room"), "{error}");
            assert!(bytes.starts_with(&disk.bytes()), "what is there is what was acknowledged");
            assert_eq!(disk.bytes().iter().filter(|b| **b == b'\n').count(), acknowledged.len());
            disk.room(None);
            acknowledged.push(journal.append(time(9), "note", &json!({})).expect("there is room again"));
            assert_eq!(wrong(&disk, &acknowledged), None, "room {room}");
        }
    }
}

#[test]
fn a_disk_that_cannot_take_back_half_a_record_leaves_a_torn_one_that_is_moved_aside() {
    let disk = Shared::new();
    let mut journal = Journal::on(disk.handle()).expect("opened");
    let first = journal.append(time(1), "note", &json!({})).expect("recorded");
    disk.failing("cut", Some(libc::EIO));
    disk.room(Some((disk.bytes().len() as u64 + 100, libc::ENOSPC)));
    journal.append(time(2), "note", &json!({})).expect_err("no room");
    assert_eq!(verify_on(&disk.handle(), Some(&Anchor::from(&first))).torn, Some(100));
    disk.room(None);
    journal.append(time(3), "note", &json!({})).expect_err("what is torn cannot be cut off");
    disk.failing("cut", None);
    let head = journal.append(time(4), "note", &json!({})).expect("recorded");
    let (records, found) = read_and_verify_on(&disk.handle());
    assert_eq!((found.ok, found.moved_aside, head.seq), (true, vec![2], 3));
    assert_eq!(records[1].kind, TORN);
    let kept = records[1].body["moved_to"].as_str().expect("a name");
    assert_eq!(disk.beside()[kept].len(), 100);
}

#[test]
fn a_failed_sync_takes_the_record_back_and_ends_the_handle_for_good() {
    let disk = Shared::new();
    let mut journal = Journal::on(disk.handle()).expect("opened");
    let first = journal.append(time(1), "note", &json!({"n": 1})).expect("recorded");
    disk.failing("sync", Some(libc::EIO));
    let error = journal.append(time(2), "note", &json!({"n": 2})).expect_err("not synced");
    assert!(
        matches!(error, JournalError::NotSynced { .. }) && error.to_string().contains("hint:"),
        "{error}"
    );
    // The disk is well again, the handle is not: a second sync would say yes to pages that were dropped.
    disk.failing("sync", None);
    let error = journal.append(time(3), "note", &json!({"n": 3})).expect_err("closed");
    assert!(matches!(error, JournalError::ReadOnly { reason: ReadOnly::NotSynced, .. }), "{error}");
    let found = verify_on(&disk.handle(), None);
    assert_eq!((found.ok, found.head), (true, Some(first)), "{:?}", found.reason);
}

#[test]
fn a_record_is_told_after_one_write_of_the_whole_and_its_sync_and_under_one_lock() {
    let disk = Shared::new();
    let mut journal = Journal::on(disk.handle()).expect("opened");
    journal.append(time(1), "note", &json!({})).expect("recorded");
    let before = disk.heard().len();
    journal.append(time(2), "note", &json!({})).expect("recorded");
    let mut heard = disk.heard().split_off(before);
    heard.dedup();
    assert_eq!(heard, ["lock", "named", "read_at", "length", "append", "sync", "unlock"]);
    assert_eq!(disk.durable(), disk.bytes());
}

#[test]
fn a_disk_that_cannot_be_read_or_locked_gives_an_error_and_no_record() {
    for call in ["lock", "read_at", "length", "named", "append", "sync"] {
        for errno in [libc::EIO, libc::EROFS, libc::EDQUOT, libc::ENOLCK] {
            let disk = Shared::new();
            let mut journal = Journal::on(disk.handle()).expect("opened");
            let first = journal.append(time(1), "note", &json!({})).expect("recorded");
            disk.failing(call, Some(errno));
            let error = journal.append(time(2), "note", &json!({})).expect_err(call).to_string();
            assert!(error.contains("disk in memory") && error.contains("hint:"), "{error}");
            disk.failing(call, None);
            assert_eq!(verify_on(&disk.handle(), None).head, Some(first.clone()), "{call}");
            assert_eq!(wrong(&disk, &[first]), None);
        }
    }
    let disk = Shared::new();
    disk.failing("read_at", Some(libc::EIO));
    assert!(Journal::on(disk.handle()).is_err());
    let found = verify_on(&disk.handle(), None);
    assert!(!found.ok && found.reason.expect("why").contains("reading disk in memory failed"));
}

#[test]
fn a_name_that_leads_elsewhere_closes_the_journal() {
    for named in [Named::Another, Named::Nothing] {
        let disk = Shared::new();
        let mut journal = Journal::on(disk.handle()).expect("opened");
        disk.rename(named);
        let error = journal.append(time(1), "note", &json!({})).expect_err("refused");
        assert!(matches!(error, JournalError::ReadOnly { reason: ReadOnly::Changed(_), .. }), "{error}");
        assert!(disk.bytes().is_empty());
    }
}

#[test]
fn news_is_told_once_and_only_of_what_others_wrote_since() {
    let disk = Shared::new();
    let mut one = Journal::on(disk.handle()).expect("opened");
    let mut other = Journal::on(disk.handle()).expect("opened");
    assert!(!one.news());
    other.append(time(1), "note", &json!({})).expect("recorded");
    assert!(one.news() && !one.news());
}

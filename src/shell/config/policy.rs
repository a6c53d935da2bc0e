//! Reads `[policy]` and `[gate]`. Numbers under which a gate could not fail, or an approval could not be
//! used, are refused rather than obeyed.

use super::{Gate, freeze};
use crate::domain::clean::Clean;
use crate::domain::document::{Entry, Table};
use crate::domain::policy::Policy;
use crate::domain::text_error::TextError;
use crate::domain::window::Window;

const POLICY: [&str; 13] = [
    "min_bad",
    "min_requests",
    "min_served",
    "min_served_requests",
    "onset_within",
    "void_after",
    "execute_within",
    "wait",
    "wait_burn_factor",
    "max_per_hour",
    "cool_down",
    "keep_config_content",
    "freeze",
];
/// A larger quorum would never be met.
const MOST: u64 = 9;
const GATE: [&str; 2] = ["lease", "quorum"];

/// Reads `[policy]`.
pub(super) fn policy(table: &Table<'_>) -> Result<Policy, TextError> {
    refuse_neighbour(table, &GATE, "gate")?;
    table.only(&POLICY)?;
    let mut policy = Policy::default();
    for (key, value) in [
        ("min_bad", &mut policy.min_bad),
        ("min_requests", &mut policy.min_requests),
        ("min_served_requests", &mut policy.min_served_requests),
        ("max_per_hour", &mut policy.max_per_hour),
    ] {
        if let Some(entry) = table.get(key) {
            *value = entry.count(1)?;
        }
    }
    let second = Window::from_secs(1);
    for (key, least, value) in [
        ("min_served", second, &mut policy.min_served),
        ("onset_within", second, &mut policy.onset_within),
        ("void_after", second, &mut policy.void_after),
        ("execute_within", second, &mut policy.execute_within),
        ("wait", second, &mut policy.wait),
        // No cool-down at all is a choice that can be made.
        ("cool_down", Window::from_secs(0), &mut policy.cool_down),
    ] {
        if let Some(entry) = table.get(key) {
            *value = entry.duration(least, Window::days(30))?;
        }
    }
    if let Some(entry) = table.get("wait_burn_factor") {
        policy.wait_burn_factor = entry.number(1.0)?;
    }
    if let Some(entry) = table.get("keep_config_content") {
        policy.keep_config_content = entry.flag()?;
    }
    if let Some(entry) = table.get("freeze") {
        if entry.list().is_ok() {
            policy.freezes = freeze::freezes(&entry)?;
        } else {
            let reason = entry.filled().map_err(|error| {
                error.hint("freeze = \"why nothing may be changed\"; take the line out to lift the freeze")
            })?;
            policy.freeze = Some(Clean::new(reason));
        }
    }
    Ok(policy)
}

/// Reads `[gate]`.
pub(super) fn gate(table: &Table<'_>) -> Result<Gate, TextError> {
    refuse_neighbour(table, &POLICY, "policy")?;
    table.only(&GATE)?;
    let mut gate = Gate::default();
    if let Some(entry) = table.get("lease") {
        gate.lease = entry.flag()?;
    }
    if let Some(entry) = table.get("quorum") {
        gate.quorum = quorum(&entry)?;
    }
    Ok(gate)
}

/// How many people must approve.
pub(super) fn quorum(entry: &Entry<'_>) -> Result<u64, TextError> {
    let people = entry.count(1)?;
    if people > MOST {
        let message =
            format!("{people} people cannot be found while a budget burns, expected {MOST} at most");
        return Err(entry.error(message).hint("2 is the four-eyes principle; 1 asks for no second person"));
    }
    Ok(people)
}

/// Says where a key belongs that stands in the wrong one of two tables.
fn refuse_neighbour(table: &Table<'_>, keys: &[&str], other: &str) -> Result<(), TextError> {
    match table.entries().into_iter().find(|entry| keys.contains(&entry.key())) {
        Some(entry) => Err(entry
            .key_error(format!("`{}` is not known {}, expected it in [{other}]", entry.key(), table.place()))
            .hint(format!("move the line below [{other}]"))),
        None => Ok(()),
    }
}

//! For tests that kill this process and look at the world afterwards: a world that is served by another process, whose
//! addresses, clock and state folder stand in the file that `GOAROUND_WORLD` names. Only with the feature `sabotage`:
//! what is built to be used has the embedded world in it and no way to another.

use super::World;

/// The world of another process, where one is named.
#[cfg(not(feature = "sabotage"))]
#[expect(clippy::unnecessary_wraps, reason = "as with the feature")]
pub(super) fn world() -> anyhow::Result<Option<World>> {
    Ok(None)
}

/// The world of another process, where one is named: `kubeconfig`, `prometheus`, `state` (a folder), `origin` (world time
/// in milliseconds) at `anchor` (host time in milliseconds), `rate`, and whether `courtesy` Leases are told.
///
/// # Errors
/// When the file cannot be read, or a key of it is missing.
#[cfg(feature = "sabotage")]
#[expect(
    clippy::disallowed_methods,
    reason = "a switch of tests, and of no program that is built to be used"
)]
pub(super) fn world() -> anyhow::Result<Option<World>> {
    use std::time::{Duration, Instant};

    use anyhow::Context as _;
    use serde_json::Value;

    use crate::domain::Time;
    use crate::shell::clock::Clock;

    let Some(file) = std::env::var_os("GOAROUND_WORLD") else { return Ok(None) };
    let told: Value = serde_json::from_slice(&std::fs::read(file)?)?;
    let text = |name: &str| told[name].as_str().map(str::to_owned).context("a key of the world is missing");
    let number = |name: &str| told[name].as_i64().context("a number of the world is missing");
    let since = chrono::Utc::now().timestamp_millis() - number("anchor")?;
    let since = Duration::from_millis(u64::try_from(since).unwrap_or(0));
    let anchor = Instant::now().checked_sub(since).context("the world is older than this machine")?;
    let origin = Time::from_timestamp_millis(number("origin")?).context("no time")?;
    Ok(Some(World {
        running: None,
        kubeconfig: text("kubeconfig")?.into(),
        prometheus: text("prometheus")?,
        state: Some(text("state")?.into()),
        courtesy: told["courtesy"] == true,
        clock: Clock::scaled(anchor, origin, told["rate"].as_f64().unwrap_or(1.0)),
    }))
}

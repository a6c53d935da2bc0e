//! Points at which a process kills itself, for tests that look at what is left: `GOAROUND_DIE_AT=NAME` dies at the
//! first passing of a point, `NAME:3` at the third, and `GOAROUND_DIE_LIST=FILE` writes down the points that are passed.
//! `GOAROUND_DIE_BY=HUP` only says there that the line is gone, and the program goes its usual way out.
//! With `GOAROUND_DIE_FROM=NAME` nothing counts before that point was passed: what comes after it has the same number on
//! every run, however long the way to it was. Only with the feature `sabotage`; what is built to be used has no such point.

#[cfg(feature = "sabotage")]
mod point {
    use std::collections::BTreeMap;
    use std::io::Write as _;
    use std::sync::Mutex;

    static PASSED: Mutex<BTreeMap<&'static str, u64>> = Mutex::new(BTreeMap::new());

    /// Dies here, if that is wanted: at once, as `kill -9` would have it.
    #[expect(
        clippy::disallowed_methods,
        reason = "a switch of tests, and of no program that is built to be used"
    )]
    pub fn point(name: &'static str) {
        let mut passed = PASSED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Ok(from) = std::env::var("GOAROUND_DIE_FROM")
            && from != name
            && !passed.contains_key(from.as_str())
        {
            return;
        }
        let count = passed.entry(name).or_default();
        *count += 1;
        if let Some(list) = std::env::var_os("GOAROUND_DIE_LIST") {
            let file = std::fs::OpenOptions::new().append(true).create(true).open(list);
            let _ = file.and_then(|mut file| file.write_all(format!("{name}:{count}\n").as_bytes()));
        }
        let Ok(wanted) = std::env::var("GOAROUND_DIE_AT") else { return };
        let (wanted, nth) = wanted.split_once(':').unwrap_or((&wanted, "1"));
        if wanted == name && nth == count.to_string() {
            use rustix::process::{Signal, getpid, kill_process};
            if std::env::var("GOAROUND_DIE_BY").as_deref() == Ok("HUP") {
                let _ = kill_process(getpid(), Signal::HUP);
                return;
            }
            let _ = kill_process(getpid(), Signal::KILL);
            // The signal is on its way.
            loop {
                std::thread::park();
            }
        }
    }
}

#[cfg(feature = "sabotage")]
pub use point::point;

/// Nobody dies in a program that is built to be used.
#[cfg(not(feature = "sabotage"))]
pub const fn point(_: &'static str) {}

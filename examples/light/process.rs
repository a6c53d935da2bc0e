//! What the kernel says of a running process: memory that is resident, and time on a processor. Read from `/proc`.

use std::collections::BTreeMap;
use std::time::Duration;

/// A process by its id.
#[derive(Clone, Copy, Debug)]
pub struct Process(pub u32);

/// Time on a processor, thread by thread.
pub struct Cpu(BTreeMap<u32, Duration>);

impl Process {
    /// Resident memory in megabytes (10^6 bytes), now and at its highest.
    pub fn resident(self) -> (f64, f64) {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.0)).unwrap_or_default();
        let kib = |name: &str| -> f64 {
            let line = text.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(f64::NAN)
        };
        (kib("VmRSS:") * 1_024.0 / 1e6, kib("VmHWM:") * 1_024.0 / 1e6)
    }

    /// Time on a processor until now.
    pub fn cpu(self) -> Cpu {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.0));
        let each = tasks.into_iter().flatten().flatten().filter_map(|task| {
            let id = task.file_name().to_str()?.parse().ok()?;
            let text = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
            Some((id, Duration::from_nanos(text.split_whitespace().next()?.parse().ok()?)))
        });
        Cpu(each.collect())
    }
}

impl Cpu {
    /// Time since an earlier look. What a thread that ended in between did after that look is not in it.
    pub fn since(&self, earlier: &Self) -> Duration {
        let each =
            self.0.iter().map(|(id, now)| now.saturating_sub(earlier.0.get(id).copied().unwrap_or_default()));
        each.sum()
    }
}

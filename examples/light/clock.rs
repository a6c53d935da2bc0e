//! Time that this thread has had a processor: what other programs do to the machine is not in it.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Processor time of this thread until now.
pub fn thread() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or(0))
}

//! World time: real time since an anchor, multiplied by a rate and added to an origin; or, for tests, a time that only
//! moves when told to. Nothing else in the embedded world asks what time it is.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

use crate::domain::Time;

/// Milliseconds since the Unix epoch, in world time.
pub type Millis = i64;

/// Where the world takes its time from. Clones show the same time.
#[derive(Clone, Debug)]
pub struct Clock {
    origin: Time,
    source: Source,
}

#[derive(Clone, Debug)]
enum Source {
    Running { anchor: Instant, rate: f64 },
    Manual { elapsed: Arc<AtomicI64> },
}

impl Clock {
    /// World time is `origin` at `anchor` and runs `rate` times as fast as real time.
    pub fn running(anchor: Instant, origin: Time, rate: f64) -> Self {
        Self { origin, source: Source::Running { anchor, rate } }
    }

    /// A clock that stands at `origin` until [`Clock::advance`] moves it.
    pub fn manual(origin: Time) -> Self {
        Self { origin, source: Source::Manual { elapsed: Arc::new(AtomicI64::new(0)) } }
    }

    /// The world time at which the program starts.
    pub fn origin(&self) -> Time {
        self.origin
    }

    /// World seconds in a real second; 1 for a manual clock, so that what is paced by it is not held up for ever.
    pub fn rate(&self) -> f64 {
        match &self.source {
            Source::Running { rate, .. } if rate.is_finite() && *rate > 0.0 => *rate,
            Source::Running { .. } | Source::Manual { .. } => 1.0,
        }
    }

    /// World time.
    pub fn now(&self) -> Time {
        self.origin + chrono::TimeDelta::milliseconds(self.elapsed())
    }

    /// World time in milliseconds since the Unix epoch.
    pub fn millis(&self) -> Millis {
        self.origin.timestamp_millis() + self.elapsed()
    }

    /// Moves a manual clock, and all its clones, forward by `seconds` of world time. A running clock ignores it.
    pub fn advance(&self, seconds: f64) {
        if let Source::Manual { elapsed } = &self.source {
            elapsed.fetch_add((seconds.max(0.0) * 1_000.0).round() as i64, Ordering::SeqCst);
        }
    }

    fn elapsed(&self) -> Millis {
        match &self.source {
            Source::Running { anchor, rate } => (anchor.elapsed().as_secs_f64() * rate * 1_000.0) as i64,
            Source::Manual { elapsed } => elapsed.load(Ordering::SeqCst),
        }
    }
}

/// `at` as a point in time.
pub fn time(at: Millis) -> Time {
    Time::from_timestamp_millis(at).unwrap_or_default()
}

/// `at` as the Kubernetes API writes it: whole seconds, UTC.
pub fn stamp(at: Millis) -> String {
    time(at).format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

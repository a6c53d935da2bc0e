//! The clock: the only place that asks the time. World time may run faster than the host's (the embedded world), the
//! hand's clock never does.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::TimeDelta;

use crate::domain::Time;

/// World time and monotonic time of one session.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    anchor: Instant,
    origin: Time,
    rate: f64,
    host: bool,
}

impl Clock {
    /// The host's own time.
    #[expect(clippy::disallowed_methods, reason = "this is the place that asks")]
    pub fn host() -> Self {
        Self { anchor: Instant::now(), origin: chrono::Utc::now(), rate: 1.0, host: true }
    }

    /// The present moment on both clocks, to scale from.
    #[expect(clippy::disallowed_methods, reason = "this is the place that asks")]
    pub fn origin_now() -> (Instant, Time) {
        (Instant::now(), chrono::Utc::now())
    }

    /// A clock that shows `origin` at `anchor` and runs `rate` times as fast as the host's.
    pub fn scaled(anchor: Instant, origin: Time, rate: f64) -> Self {
        Self { anchor, origin, rate, host: false }
    }

    /// World time. The host's own is asked anew each time: it goes on while the machine sleeps, as the monotonic
    /// clock does not, so an approval does not survive a closed lid.
    #[expect(clippy::disallowed_methods, reason = "this is the file that asks")]
    pub fn now(&self) -> Time {
        if self.host {
            return chrono::Utc::now();
        }
        let micros = self.anchor.elapsed().as_secs_f64() * self.rate * 1e6;
        self.origin + TimeDelta::microseconds(micros as i64)
    }

    /// Time since the start, never scaled.
    pub fn mono(&self) -> Duration {
        self.anchor.elapsed()
    }

    /// How long `world` takes on the host.
    pub fn real(&self, world: Duration) -> Duration {
        world.div_f64(self.rate.max(1e-6))
    }

    /// How many times faster than the host.
    pub fn rate(&self) -> f64 {
        self.rate
    }

    /// For those who may only ask.
    pub fn shared(&self) -> Arc<dyn Fn() -> Time + Send + Sync> {
        let clock = *self;
        Arc::new(move || clock.now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a moment in the past cannot be had otherwise")]
    fn a_scaled_clock_runs_faster_and_says_how_long_world_time_takes() {
        let anchor = Instant::now().checked_sub(Duration::from_secs(2)).expect("two seconds of uptime");
        let clock = Clock::scaled(anchor, Time::UNIX_EPOCH, 60.0);
        assert!(clock.now() >= Time::UNIX_EPOCH + TimeDelta::seconds(120));
        assert_eq!(clock.real(Duration::from_secs(60)), Duration::from_secs(1));
        assert!(clock.mono() < Duration::from_secs(60));
    }
}

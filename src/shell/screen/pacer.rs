//! When a frame may be sent. A slow line hides what waits in it behind buffers that no write tells about; so the
//! terminal itself is asked after each frame, and the next one that only data asked for waits for its answer. Keys are
//! drawn at once. Times come from outside, and no byte is sent from here.

use std::collections::VecDeque;
use std::time::Duration;

/// Asks whether all that was sent so far has been taken.
pub const ASK: &[u8] = b"\x1b[5n";
/// From here on the terminal may show half of a frame to nobody.
pub const BEGIN: &[u8] = b"\x1b[?2026h";
/// Until here.
pub const END: &[u8] = b"\x1b[?2026l";

/// A frame shorter than this is neither asked about nor held together: that would cost more than it does.
const SMALL: usize = 64;
/// Frames that may be under way at once.
const MOST: usize = 3;
/// A terminal that was silent for so long does not answer any more.
const SILENCE: Duration = Duration::from_secs(5);
/// The same where it never answered at all.
const FIRST_SILENCE: Duration = Duration::from_millis(1_500);
/// Without answers: between two frames that only data asked for.
const BLIND_FRAME: Duration = Duration::from_millis(100);
/// Without answers: bytes in a second.
const BLIND_RATE: f64 = 16_384.0;
/// Answers from which the round trip is taken.
const SAMPLES: usize = 8;

/// Who wants the frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cause {
    /// A person, who waits for it.
    Hand,
    /// Data that changed, or the clock.
    Data,
}

/// Frames under way, and how fast they arrive.
#[derive(Clone, Debug)]
pub struct Pacer {
    /// When each frame that was asked about was sent.
    under_way: VecDeque<Duration>,
    /// Nobody answers.
    blind: bool,
    /// It is worth to ask at all.
    asks: bool,
    heard: bool,
    asked_blindly: Option<Duration>,
    trips: VecDeque<Duration>,
    /// Bytes that may be sent blindly; below 0 what was sent is still waited for.
    budget: f64,
    counted: Duration,
    last: Option<Duration>,
}

impl Pacer {
    /// For a terminal that may be asked, or not.
    pub fn new(asks: bool) -> Self {
        Self {
            under_way: VecDeque::new(),
            blind: !asks,
            asks,
            heard: false,
            asked_blindly: None,
            trips: VecDeque::new(),
            budget: BLIND_RATE,
            counted: Duration::ZERO,
            last: None,
        }
    }

    /// Whether a frame may be sent at `now`.
    pub fn may(&mut self, now: Duration, cause: Cause) -> bool {
        self.give_up(now);
        match (self.blind, cause) {
            (false, Cause::Data) => self.under_way.is_empty(),
            (false, Cause::Hand) => self.under_way.len() < MOST,
            (true, Cause::Hand) => true,
            (true, Cause::Data) => {
                let rested = self.last.is_none_or(|last| now.saturating_sub(last) >= BLIND_FRAME);
                rested && self.budget_at(now) > 0.0
            }
        }
    }

    /// Makes a frame of `cells` whole, as it is sent at `now`: held together where the terminal knows how (`holds`), and
    /// asked about. Nothing stays nothing.
    pub fn seal(&mut self, cells: Vec<u8>, holds: bool, now: Duration) -> Vec<u8> {
        if cells.is_empty() {
            return cells;
        }
        self.last = Some(now);
        self.budget = self.budget_at(now) - cells.len() as f64;
        self.counted = now;
        if cells.len() < SMALL {
            return cells;
        }
        let mut frame = cells;
        if holds {
            frame.splice(0..0, BEGIN.iter().copied());
            frame.extend_from_slice(END);
        }
        if self.asks_now(now) {
            frame.extend_from_slice(ASK);
            self.under_way.push_back(now);
        }
        frame
    }

    /// An answer came at `now`.
    pub fn answered(&mut self, now: Duration) {
        self.heard = true;
        self.blind = false;
        // An answer to a question that was given up tells only that there is somebody.
        if let Some(sent) = self.under_way.pop_front() {
            self.trips.push_back(now.saturating_sub(sent));
            if self.trips.len() > SAMPLES {
                self.trips.pop_front();
            }
        }
    }

    /// Answers that are still to come: whoever reads this terminal next would get them.
    pub fn outstanding(&self) -> usize {
        self.under_way.len()
    }

    /// It answered at least once.
    pub fn heard(&self) -> bool {
        self.heard
    }

    /// The line's round trip: the shortest of the last ones, because a long frame takes longer than the way.
    pub fn round_trip(&self) -> Option<Duration> {
        self.trips.iter().min().copied()
    }

    /// Forgets what is under way: somebody else had the terminal.
    pub fn forget(&mut self) {
        self.under_way.clear();
    }

    fn asks_now(&mut self, now: Duration) -> bool {
        if !self.asks || !self.blind {
            return self.asks;
        }
        // Now and then, in case that it answers again.
        let due = self.asked_blindly.is_none_or(|at| now.saturating_sub(at) >= SILENCE);
        if due {
            self.asked_blindly = Some(now);
        }
        due
    }

    fn give_up(&mut self, now: Duration) {
        let patience = if self.heard { SILENCE } else { FIRST_SILENCE };
        if self.under_way.front().is_some_and(|sent| now.saturating_sub(*sent) > patience) {
            self.under_way.clear();
            self.blind = true;
            self.asked_blindly = Some(now);
        }
    }

    fn budget_at(&self, now: Duration) -> f64 {
        let refilled = now.saturating_sub(self.counted).as_secs_f64() * BLIND_RATE;
        (self.budget + refilled).min(BLIND_RATE)
    }
}

/// A round trip as it is worth telling where `before` was told: in steps that a person would tell apart, and only when
/// it has clearly moved to another one.
pub fn told(trip: Duration, before: Option<Duration>) -> Option<Duration> {
    const STEPS: [u64; 13] = [1, 2, 5, 10, 20, 35, 50, 75, 100, 150, 200, 300, 500];
    let millis = u64::try_from(trip.as_millis()).unwrap_or(u64::MAX);
    let step = STEPS.iter().min_by_key(|step| step.abs_diff(millis)).copied().unwrap_or(1);
    let step = Duration::from_millis(if millis > 750 { (millis + 250) / 500 * 500 } else { step });
    let moved = before.is_none_or(|before| trip.abs_diff(before) * 10 > before * 3);
    (moved && before != Some(step)).then_some(step)
}

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

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// A line with a buffer that no write feels, and a terminal that answers.
    struct Slow {
        /// Bytes in a millisecond.
        rate: f64,
        one_way: u64,
        /// Not yet on the line, in the order in which it was sent: bytes, and whether their end is asked about.
        queue: VecDeque<(f64, Frame)>,
        /// When what was sent is on the screen.
        arriving: VecDeque<(u64, Frame)>,
        /// When answers are back.
        answers: VecDeque<u64>,
    }

    #[derive(Clone, Copy)]
    struct Frame {
        asked: bool,
        /// When the oldest key that it shows was pressed.
        key: Option<u64>,
    }

    impl Slow {
        fn backlog(&self) -> f64 {
            self.queue.iter().map(|(bytes, _)| bytes).sum()
        }

        /// A millisecond passes; what is on the screen now.
        fn pass(&mut self, now: u64) -> Vec<Frame> {
            let mut room = self.rate;
            while let Some((bytes, frame)) = self.queue.front_mut() {
                let sent = bytes.min(room);
                *bytes -= sent;
                room -= sent;
                if *bytes > 0.0 {
                    break;
                }
                self.arriving.push_back((now + self.one_way, *frame));
                self.queue.pop_front();
            }
            let mut seen = Vec::new();
            while self.arriving.front().is_some_and(|(at, _)| *at <= now) {
                let Some((at, frame)) = self.arriving.pop_front() else { break };
                if frame.asked {
                    self.answers.push_back(at + self.one_way);
                }
                seen.push(frame);
            }
            seen
        }
    }

    /// A minute in which a thousand things happen in a second and somebody presses keys: milliseconds from key to
    /// screen, sorted, and the most bytes that waited.
    fn minute(mut pacer: Pacer, one_way: u64) -> (Vec<u64>, f64) {
        let mut line = Slow {
            rate: 16.384,
            one_way,
            queue: VecDeque::new(),
            arriving: VecDeque::new(),
            answers: VecDeque::new(),
        };
        let (mut waits, mut worst) = (Vec::new(), 0.0_f64);
        // Keys on their way to the program, and those that it has and has not drawn.
        let (mut keys, mut pressed): (VecDeque<u64>, Option<u64>) = (VecDeque::new(), None);
        let (mut next_key, mut dice, mut drawn) = (500, 7_u64, 0);
        for now in 1..60_000 {
            let at = MS * u32::try_from(now).expect("a minute");
            while line.answers.front().is_some_and(|back| *back <= now) {
                line.answers.pop_front();
                pacer.answered(at);
            }
            if now >= next_key {
                keys.push_back(now);
                dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                // A hand, and one that rests on a key.
                next_key = now + if (dice >> 60) < 4 { 33 } else { 100 + (dice >> 33) % 900 };
            }
            if keys.front().is_some_and(|key| key + one_way <= now) {
                pressed = pressed.or(keys.pop_front());
            }
            let cause = if pressed.is_some() { Cause::Hand } else { Cause::Data };
            let rested = cause == Cause::Hand || now - drawn >= 66;
            if rested && pacer.may(at, cause) {
                // The longer ago the last frame, the more of the screen has changed.
                let cells = 200 + 10 * (now - drawn).min(180);
                let frame = pacer.seal(vec![b' '; cells as usize], true, at);
                let asked = frame.ends_with(ASK);
                line.queue.push_back((frame.len() as f64, Frame { asked, key: pressed.take() }));
                drawn = now;
            }
            worst = worst.max(line.backlog());
            waits.extend(line.pass(now).iter().filter_map(|frame| frame.key).map(|key| now - key));
        }
        waits.sort_unstable();
        (waits, worst)
    }

    #[test]
    fn on_a_slow_line_a_key_is_seen_within_three_round_trips_and_nothing_piles_up() {
        let (waits, worst) = minute(Pacer::new(true), 100);
        assert!(waits.len() > 90, "{}", waits.len());
        let p99 = waits[waits.len() * 99 / 100];
        assert!(p99 <= 600, "p99 {p99} ms, worst {:?}", waits.last());
        assert!(worst <= 16_384.0, "{worst} bytes waited");
        // Without answers the rate alone must hold: it is not better than this line, and not much worse.
        let (waits, worst) = minute(Pacer::new(false), 100);
        assert!(worst <= 3.0 * 16_384.0, "{worst} bytes waited, {:?}", waits.last());
    }

    #[test]
    fn data_waits_for_the_answer_and_a_hand_does_not() {
        let mut pacer = Pacer::new(true);
        let frame = || vec![b' '; 200];
        let sealed = pacer.seal(frame(), true, MS);
        assert!(sealed.starts_with(BEGIN) && sealed.ends_with(b"\x1b[?2026l\x1b[5n"));
        assert!(!pacer.may(MS * 2, Cause::Data) && pacer.may(MS * 2, Cause::Hand));
        pacer.seal(frame(), false, MS * 3);
        pacer.seal(frame(), false, MS * 4);
        assert!(!pacer.may(MS * 5, Cause::Hand), "three are under way");
        pacer.answered(MS * 200);
        assert!(pacer.may(MS * 200, Cause::Hand) && !pacer.may(MS * 200, Cause::Data));
        pacer.answered(MS * 210);
        pacer.answered(MS * 220);
        assert!(pacer.may(MS * 220, Cause::Data));
        assert_eq!(pacer.round_trip(), Some(MS * 199));
        assert_eq!(pacer.outstanding(), 0);
    }

    #[test]
    fn what_is_small_goes_as_it_is_and_nothing_stays_nothing() {
        let mut pacer = Pacer::new(true);
        assert_eq!(pacer.seal(Vec::new(), true, MS), b"");
        assert_eq!(pacer.seal(b"\x081".to_vec(), true, MS), b"\x081");
        assert!(pacer.may(MS, Cause::Data));
        assert_eq!(pacer.seal(vec![b' '; 64], false, MS).len(), 64 + ASK.len());
    }

    #[test]
    fn a_terminal_that_never_answers_is_given_up_and_one_that_answers_again_is_heard() {
        let mut pacer = Pacer::new(true);
        pacer.seal(vec![b' '; 9_000], true, MS);
        let later = FIRST_SILENCE + MS * 2;
        assert!(!pacer.may(later - MS * 10, Cause::Data) && pacer.may(later, Cause::Data));
        assert_eq!(pacer.outstanding(), 0);
        // Ten frames in a second, and no more than a slow line takes.
        let mut bytes = 0;
        for n in 0..10_000_u32 {
            let now = later + MS * n;
            if pacer.may(now, Cause::Data) {
                bytes += pacer.seal(vec![b' '; 5_000], true, now).len();
            }
        }
        assert!((100_000..200_000).contains(&bytes), "{bytes} bytes in ten seconds");
        let end = later + MS * 10_000;
        pacer.answered(end);
        pacer.seal(vec![b' '; 100], true, end);
        assert!(!pacer.may(end, Cause::Data), "it is asked again, and waited for");
        let mut never = Pacer::new(false);
        assert!(!never.seal(vec![b' '; 100], false, MS).ends_with(ASK));
    }

    #[test]
    fn a_round_trip_is_told_in_steps_that_stay() {
        assert_eq!(told(MS * 3, None), Some(MS * 2));
        assert_eq!(told(MS * 210, Some(MS * 200)), None);
        assert_eq!(told(MS * 255, Some(MS * 200)), None);
        assert_eq!(told(MS * 320, Some(MS * 200)), Some(MS * 300));
        assert_eq!(told(MS * 1_900, Some(MS * 300)), Some(MS * 2_000));
    }
}

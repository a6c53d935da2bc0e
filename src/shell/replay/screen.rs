//! A replay in the terminal: frames at the pace at which they were drawn, and keys that go to and fro. It draws what was
//! recorded at the size at which it was, where there is room; else anew at the size that there is.

use std::io;
use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::shell::display::Display;
use crate::shell::recording::ReplayError;
use crate::shell::screen::pacer::Cause;
use crate::shell::screen::parser::Told;
use crate::shell::screen::reader::Heard;
use crate::shell::screen::terminal_type::Skills;
use crate::shell::signals::{self, Asked, Beat, Signals};
use crate::shell::tty::{self, Modes};

use super::keys::{self, Place, Wish};
use super::{Replay, bar};

/// Nothing happened for this long: the rest of it is skipped.
const IDLE: Duration = Duration::from_secs(5);
/// Between two looks at the clock while it plays.
const TURN: Duration = Duration::from_millis(33);
/// The same while it stands.
const REST: Duration = Duration::from_millis(250);
/// Frames that are skipped before the person is listened to again.
const AT_ONCE: usize = 400;
/// Speeds, as multiples of what was lived.
const SPEEDS: [f64; 9] = [0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0];

/// How it is played.
#[derive(Clone, PartialEq, Debug)]
pub struct Pace {
    /// It goes on by itself.
    pub playing: bool,
    /// Idle stretches are played too.
    pub real_time: bool,
    /// A place that is being typed.
    pub typed: String,
    /// How much was skipped a moment ago.
    pub skipped: Option<Duration>,
    speed: usize,
    /// By the hand's clock of the recording.
    clock: Duration,
    /// Since when nothing happened.
    quiet: Duration,
}

impl Pace {
    /// From the beginning, as fast as it was lived.
    pub fn new(real_time: bool) -> Self {
        Self {
            playing: true,
            real_time,
            typed: String::new(),
            skipped: None,
            speed: 2,
            clock: Duration::ZERO,
            quiet: Duration::ZERO,
        }
    }

    /// The speed as it is shown.
    pub fn speed_words(&self) -> String {
        format!("{}x", SPEEDS[self.speed])
    }

    /// To the first frame.
    ///
    /// # Errors
    /// When the file changed meanwhile.
    pub fn begin(&mut self, replay: &mut Replay) -> Result<(), ReplayError> {
        replay.seek(1)?;
        self.here(replay);
        Ok(())
    }

    /// The frame that is shown now is where the clock is.
    fn here(&mut self, replay: &Replay) {
        self.clock = replay.mono(replay.position()).unwrap_or_default();
        self.quiet = self.clock;
        self.skipped = None;
    }

    /// Time passed: shows what is due by now. Long stretches in which nothing happened are gone through at once.
    ///
    /// # Errors
    /// When the file changed meanwhile.
    pub fn pass(&mut self, replay: &mut Replay, passed: Duration) -> Result<(), ReplayError> {
        self.clock += passed.mul_f64(SPEEDS[self.speed]);
        let mut skipping = 0;
        while let Some(due) = replay.mono(replay.position() + 1) {
            let idle = !self.real_time && due > self.quiet + IDLE;
            if due > self.clock && !(idle && skipping < AT_ONCE) {
                break;
            }
            let before = self.clock;
            replay.next(false)?;
            if idle {
                skipping += 1;
                self.clock = self.clock.max(due);
                let more = self.clock - before;
                self.skipped = Some(self.skipped.unwrap_or_default() + more);
            }
            if replay.stirred() {
                self.quiet = due;
                if skipping > 0 {
                    break;
                }
                self.skipped = None;
            }
        }
        self.playing &= replay.position() < replay.len();
        Ok(())
    }

    /// Does what a person wants; false when that is to leave.
    ///
    /// # Errors
    /// When the file changed meanwhile.
    pub fn obey(&mut self, replay: &mut Replay, wish: Wish) -> Result<bool, ReplayError> {
        let at = replay.position();
        match wish {
            Wish::Quit => return Ok(false),
            Wish::Pause if !self.playing && at == replay.len() => {
                replay.seek(1)?;
                self.playing = true;
            }
            Wish::Pause => self.playing = !self.playing,
            Wish::Faster => self.speed = (self.speed + 1).min(SPEEDS.len() - 1),
            Wish::Slower => self.speed = self.speed.saturating_sub(1),
            Wish::Forward => self.stand(replay, |r| r.next(true).map(drop))?,
            Wish::Back => self.stand(replay, |r| r.seek(at.saturating_sub(1).max(1)))?,
            Wish::Home => replay.seek(1)?,
            Wish::End => replay.seek(replay.len())?,
            Wish::NextMark => self.stand(replay, Replay::next_mark)?,
            Wish::PreviousMark => self.stand(replay, Replay::previous_mark)?,
            Wish::Place(c) => {
                if self.typed.len() < 8 {
                    self.typed.push(c);
                }
            }
            Wish::Erase => drop(self.typed.pop()),
            Wish::Cancel => self.typed.clear(),
            Wish::Go => match keys::place(&std::mem::take(&mut self.typed)) {
                Some(Place::Part(part)) => replay.seek(replay.at_part(part))?,
                Some(Place::Clock(seconds)) => replay.seek(replay.at_clock(seconds))?,
                None => {}
            },
        }
        if !matches!(wish, Wish::Place(_) | Wish::Erase | Wish::Cancel | Wish::Faster | Wish::Slower) {
            self.here(replay);
        }
        Ok(true)
    }

    /// Moves and stands there.
    fn stand(
        &mut self,
        replay: &mut Replay,
        go: impl FnOnce(&mut Replay) -> Result<(), ReplayError>,
    ) -> Result<(), ReplayError> {
        self.playing = false;
        go(replay)
    }
}

/// Draws the frame that is shown, and the line below it.
pub fn draw(replay: &Replay, pace: &Pace, buf: &mut Buffer) {
    let area = buf.area;
    let Some(rows) = area.height.checked_sub(1).filter(|_| area.width > 0) else { return };
    let (width, height) = replay.size();
    let fits = width <= area.width && height <= rows;
    let frame = replay.picture((!fits).then_some((area.width, rows)));
    for y in 0..frame.area.height {
        for x in 0..frame.area.width {
            let at = Position::new(x, y);
            if let (Some(from), Some(to)) = (frame.cell(at), buf.cell_mut(at)) {
                *to = from.clone();
            }
        }
    }
    bar::draw(replay, pace, Rect { y: rows, height: 1, ..area }, buf);
}

/// Why a replay in the terminal ended.
#[derive(Debug, thiserror::Error)]
pub enum PlayError {
    /// The recording.
    #[error(transparent)]
    Recording(#[from] ReplayError),
    /// The terminal.
    #[error("the terminal cannot be used: {0}; hint: `--headless` does without one")]
    Terminal(#[from] io::Error),
}

/// Plays it in the terminal, until the person leaves.
///
/// # Errors
/// When the terminal cannot be used, or the file changed meanwhile.
pub fn play(replay: &mut Replay, mut pace: Pace, skills: Skills) -> Result<(), PlayError> {
    let (tx, mut asked) = mpsc::unbounded_channel();
    let beat = Beat::default();
    tokio::spawn(Signals::listen()?.tell(tx, beat.clone()));
    // There is nothing to point at with a mouse; what was recorded is drawn as it was, whatever the letters.
    let display = Display::take(Modes { mouse: false, skills }, true).inspect_err(|_| tty::give_back())?;
    turns(replay, &mut pace, &mut asked, &beat, display)
}

fn turns(
    replay: &mut Replay,
    pace: &mut Pace,
    asked: &mut mpsc::UnboundedReceiver<Asked>,
    beat: &Beat,
    mut display: Display,
) -> Result<(), PlayError> {
    pace.begin(replay)?;
    let mut last = Instant::now();
    let mut cause = Cause::Hand;
    loop {
        beat.beat();
        if display.may(cause) {
            display.draw(|frame| (draw(replay, pace, frame.buffer_mut()), Vec::new()))?;
            cause = Cause::Data;
        }
        match display.hear_within(if pace.playing { TURN } else { REST })? {
            Some(Heard { told: Told::Key(key), .. }) => {
                if let Some(wish) = keys::of(key, !pace.typed.is_empty()) {
                    if !pace.obey(replay, wish)? {
                        return Ok(());
                    }
                    cause = Cause::Hand;
                }
            }
            Some(Heard { told, at, .. }) => drop(display.answered(&told, at)),
            None => {}
        }
        while let Ok(asked) = asked.try_recv() {
            match asked {
                Asked::End => return Ok(()),
                Asked::Suspend => {
                    display.give_back();
                    signals::stop();
                }
                Asked::Resume => display.take_again()?,
                Asked::Resize => {}
            }
            cause = Cause::Hand;
        }
        let now = Instant::now();
        if pace.playing {
            pace.pass(replay, now - last)?;
        }
        last = now;
    }
}

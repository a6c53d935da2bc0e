//! A recording, played again: the same core, the same screen, and nothing else. What the engine wants done is dropped, so
//! no effect leaves a replay: no network, no journal, no file. Going back is going forward from a state that was kept.

mod bar;
mod keys;
mod screen;

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use ratatui::buffer::Buffer;

use crate::domain::Time;
use crate::domain::clean::Clean;
use crate::engine::state::Weight;
use crate::engine::{Effect, Event, Stamped, State, step};
use crate::ui::Ui;
use crate::ui::keymap::{COMMANDS, DEFAULT, Keymap};
use crate::ui::theme::Theme;

use super::recording::{Drawn, Frame, Header, Line, Reader, ReplayError, picture};

pub use screen::{Pace, play};

/// States that are kept for going back; with more frames they lie further apart.
const KEPT: usize = 24;
/// Frames between two kept states at first.
const KEEP_EVERY: usize = 64;
/// The size where a recording has no frame.
const USUAL: (u16, u16) = (120, 40);

/// Where a frame came out otherwise than it was recorded.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Difference {
    /// Number of the frame, from 1.
    pub frame: usize,
    /// Its line in the file.
    pub line: u64,
    /// World time.
    pub at: Time,
}

/// A recording at one of its frames.
pub struct Replay {
    reader: Reader,
    ui: Ui,
    state: State,
    frames: Vec<Frame>,
    /// How many frames were passed; the last of them is the one that is shown.
    at: usize,
    size: (u16, u16),
    kept: Vec<(usize, State, (u64, u64))>,
    every: usize,
    /// Frames that first show a decision or a log line of weight, as far as was played.
    marks: BTreeSet<usize>,
    /// How far was played: up to there all marks are known.
    furthest: usize,
    /// Something happened since the frame before: a command, or a line of the log.
    stirred: bool,
    /// Where the first frame came out otherwise than it was recorded, of those that were compared.
    pub differs: Option<Difference>,
}

impl Replay {
    /// Opens a recording, in the colours of `theme`; every line of it is looked at before anything is shown.
    ///
    /// # Errors
    /// When it is not what was recorded.
    pub fn open(path: &Path, theme: Theme) -> Result<Self, ReplayError> {
        let mut reader = Reader::open(path)?;
        let frames = reader.frames()?;
        let header = reader.header.clone();
        let state = State::new(header.setup, header.began);
        // Keys of another version may be unknown here: footers then differ, and the frames say so.
        let keymap = Keymap::parse(&header.keymap, "recording", COMMANDS);
        let keymap = keymap.or_else(|_| Keymap::parse(DEFAULT, "default", COMMANDS));
        let keymap = keymap.map_err(|error| reader.refused(error.to_string()))?;
        let kept = vec![(0, state.clone(), reader.place())];
        Ok(Self {
            ui: Ui::new(theme, keymap).ascii(header.ascii).from(header.origin),
            reader,
            state,
            frames,
            at: 0,
            size: USUAL,
            kept,
            every: KEEP_EVERY,
            marks: BTreeSet::new(),
            furthest: 0,
            stirred: false,
            differs: None,
        })
    }

    /// What was decided before the start.
    pub fn header(&self) -> &Header {
        &self.reader.header
    }

    /// The file, as it may be printed.
    pub fn name(&self) -> &Clean {
        self.reader.name()
    }

    /// The line at which the recording breaks off, where it was not ended in an orderly way.
    pub fn cut(&self) -> Option<u64> {
        self.reader.cut
    }

    /// The state at this frame.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// What draws it.
    pub fn ui(&self) -> &Ui {
        &self.ui
    }

    /// How many frames there are.
    pub fn len(&self) -> usize {
        self.frames.len()
    }

    /// There is no frame.
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// Number of the frame that is shown; 0 before the first.
    pub fn position(&self) -> usize {
        self.at
    }

    /// Time since the beginning at which frame `number` (from 1) was drawn, by the hand's clock.
    pub fn mono(&self, number: usize) -> Option<Duration> {
        self.frames.get(number.checked_sub(1)?).map(|f| f.mono)
    }

    /// Columns and rows of the frame that is shown.
    pub fn size(&self) -> (u16, u16) {
        self.size
    }

    /// The frame that is shown, at another size if `size` is one.
    pub fn picture(&self, size: Option<(u16, u16)>) -> Buffer {
        picture(&self.ui, &self.state, size.unwrap_or(self.size)).0
    }

    /// One frame on; false at the end. `compare` it with what was recorded: that costs a drawing.
    ///
    /// # Errors
    /// When the file changed meanwhile.
    pub fn next(&mut self, compare: bool) -> Result<bool, ReplayError> {
        self.keep();
        self.stirred = false;
        while let Some(line) = self.reader.next_line()? {
            match line {
                Line::Step(stamped) => self.step(stamped),
                Line::Frame(drawn) => {
                    self.at += 1;
                    self.furthest = self.furthest.max(self.at);
                    self.size = (drawn.width, drawn.height);
                    if compare
                        && self.differs.is_none()
                        && Drawn::of(&self.ui, &self.state, self.size) != drawn
                    {
                        let line = self.reader.place().0;
                        self.differs = Some(Difference { frame: self.at, line, at: self.state.now });
                    }
                    return Ok(true);
                }
                Line::End { .. } => break,
            }
        }
        self.furthest = self.furthest.max(self.at);
        Ok(false)
    }

    /// To frame `number`, or the last one.
    ///
    /// # Errors
    /// When the file changed meanwhile.
    pub fn seek(&mut self, number: usize) -> Result<(), ReplayError> {
        let number = number.min(self.frames.len());
        let nearest = self.kept.iter().rposition(|(at, ..)| *at <= number);
        if let Some((at, state, place)) = nearest.and_then(|n| self.kept.get(n))
            && (number < self.at || *at > self.at)
        {
            (self.at, self.state) = (*at, state.clone());
            self.reader.seek(*place)?;
            // Without it the first frame would have no size to be drawn at.
            if let Some(frame) = self.frames.get(self.at.saturating_sub(1)) {
                self.size = frame.size;
            }
        }
        while self.at < number && self.next(false)? {}
        Ok(())
    }

    /// Forward to the next frame that shows a decision or a log line of weight; the end where there is none.
    ///
    /// # Errors
    /// When the file changed meanwhile.
    pub fn next_mark(&mut self) -> Result<(), ReplayError> {
        while self.next(false)? {
            if self.marks.contains(&self.at) {
                break;
            }
        }
        Ok(())
    }

    /// Back to the frame before this one that shows such a thing; the first where there is none.
    ///
    /// # Errors
    /// When the file changed meanwhile.
    pub fn previous_mark(&mut self) -> Result<(), ReplayError> {
        let before = self.marks.range(..self.at).next_back().copied();
        self.seek(before.unwrap_or(1))
    }

    /// Number of the frame at a part (0..1) of the time that was recorded.
    pub fn at_part(&self, part: f64) -> usize {
        let (Some(first), Some(last)) = (self.frames.first(), self.frames.last()) else { return 0 };
        let wanted = first.mono + (last.mono - first.mono).mul_f64(part.clamp(0.0, 1.0));
        self.frames.iter().rposition(|f| f.mono <= wanted).map_or(1, |n| n + 1)
    }

    /// Number of the first frame at or after a time of day (seconds since midnight, UTC), from the beginning on.
    pub fn at_clock(&self, seconds: i64) -> usize {
        let day = 86_400;
        let Some(first) = self.frames.first() else { return 0 };
        let from = first.at.timestamp().rem_euclid(day);
        let wanted = first.at.timestamp() + (seconds - from).rem_euclid(day);
        self.frames.iter().position(|f| f.at.timestamp() >= wanted).map_or(self.frames.len(), |n| n + 1)
    }

    /// Something happened since the frame before this one: a command, or a line of the log.
    pub fn stirred(&self) -> bool {
        self.stirred
    }

    fn step(&mut self, stamped: Stamped) {
        let decided =
            matches!(stamped.event, Event::Recorded(..) | Event::RecordFailed(..) | Event::Called(..));
        self.stirred |= matches!(stamped.event, Event::Command(_));
        let last = self.state.log.back().cloned();
        for effect in step(&mut self.state, stamped) {
            // All others are dropped here, and this is the only place where they come by.
            self.state.quitting |= matches!(effect, Effect::Quit);
        }
        let new = self.state.log.iter().rev().take_while(|line| Some(*line) != last.as_ref());
        let weight = new.map(|line| line.weight != Weight::Plain).reduce(|a, b| a || b);
        self.stirred |= weight.is_some();
        if decided || weight == Some(true) {
            self.marks.insert((self.at + 1).min(self.frames.len()));
        }
    }

    /// Keeps this state, if it is time to.
    fn keep(&mut self) {
        let last = self.kept.last().map_or(0, |(at, ..)| *at);
        if self.at < last + self.every {
            return;
        }
        self.kept.push((self.at, self.state.clone(), self.reader.place()));
        if self.kept.len() > KEPT {
            self.every *= 2;
            let mut n = 0;
            self.kept.retain(|_| {
                n += 1;
                n % 2 == 1
            });
        }
    }
}

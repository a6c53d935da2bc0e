//! Reading a recording, line by line: what was changed, comes from another version or is no recording is refused with
//! its place and what to do. A last line that was cut off, as a killed program leaves it, is the end, and said.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Seek, SeekFrom};
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Value;

use crate::domain::Time;
use crate::domain::clean::Clean;
use crate::domain::exact;
use crate::shell::private;
use crate::ui::look::Origin;

use super::frame::{Drawn, SEED, add, short};
use super::{FORMAT, Header, Line, SUM};

/// The longest line that is read, in bytes: a list of very many objects is one line.
const LONGEST: u64 = 512 * 1024 * 1024;

/// Why a recording cannot be played.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// It cannot be opened or read.
    #[error("{file}: {why}")]
    Unreadable {
        /// The file.
        file: Clean,
        /// Why, with what to do.
        why: Clean,
    },
    /// It is not what a recording is.
    #[error("{file}:{line}:{column}: {why}; hint: {hint}")]
    Broken {
        /// The file.
        file: Clean,
        /// From 1.
        line: u64,
        /// From 1, in bytes.
        column: usize,
        /// What is wrong.
        why: Clean,
        /// What to do.
        hint: &'static str,
    },
}

/// When a frame was drawn, and how large it was.
#[derive(Clone, PartialEq, Debug)]
pub struct Frame {
    /// World time.
    pub at: Time,
    /// By the hand's clock.
    pub mono: Duration,
    /// Columns and rows.
    pub size: (u16, u16),
}

/// A [`Line`] of which only the stamps are wanted.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Brief {
    Step(Stamp),
    Frame(Drawn),
    End(IgnoredAny),
}

#[derive(Deserialize)]
struct Stamp {
    at: Time,
    #[serde(with = "exact")]
    mono: Duration,
}

/// A recording that is being read.
pub struct Reader {
    file: BufReader<File>,
    name: Clean,
    /// What was decided before the start.
    pub header: Header,
    line: u64,
    offset: u64,
    /// Where the first line ends.
    first: u64,
    ended: bool,
    /// The file ends in the middle of this line, or without its last one.
    pub cut: Option<u64>,
    text: Vec<u8>,
}

impl Reader {
    /// Opens `path` and reads its first line.
    ///
    /// # Errors
    /// When it cannot be read, is no recording, or is one of another form.
    pub fn open(path: &Path) -> Result<Self, ReplayError> {
        let name = Clean::new(path.display().to_string());
        let file = private::read(path).map_err(|error| ReplayError::Unreadable {
            file: name.clone(),
            why: Clean::new(error.to_string()),
        })?;
        let mut reader = Self {
            file: BufReader::with_capacity(256 * 1024, file),
            name,
            header: Header {
                recording: FORMAT,
                version: String::new(),
                began: Default::default(),
                setup: Default::default(),
                keymap: String::new(),
                ascii: false,
                origin: Origin::default(),
            },
            line: 0,
            offset: 0,
            first: 0,
            ended: false,
            cut: None,
            text: Vec::new(),
        };
        if !reader.advance()? {
            return Err(reader.broken(1, "this is no recording: it has no whole first line", NOT_ONE));
        }
        reader.known()?;
        reader.header = reader.parsed()?;
        reader.first = reader.offset;
        Ok(reader)
    }

    /// Refuses another form before its fields are looked at.
    fn known(&self) -> Result<(), ReplayError> {
        let first: Value = serde_json::from_slice(&self.text)
            .map_err(|error| self.broken(error.column(), "this is no recording: no JSON", NOT_ONE))?;
        match first.get("recording").and_then(Value::as_u64) {
            Some(form) if form == u64::from(FORMAT) => self.whole(),
            Some(form) => {
                let by = first.get("version").and_then(Value::as_str).unwrap_or("an unknown version");
                let why = format!("form {form}, written by goaround {by}; this program reads form {FORMAT}");
                Err(self.broken(1, why, "play it with the version that wrote it"))
            }
            None => Err(self.broken(1, "this is no recording: its first line does not say so", NOT_ONE)),
        }
    }

    /// The next line; `None` at the end. Whether the end was an orderly one, `cut` says.
    ///
    /// # Errors
    /// When a line was changed or means nothing.
    pub fn next_line(&mut self) -> Result<Option<Line>, ReplayError> {
        if self.ended || !self.advance()? {
            return Ok(None);
        }
        self.whole()?;
        let line: Line = self.parsed()?;
        self.ended = matches!(line, Line::End { .. });
        Ok(Some(line))
    }

    /// Looks at every line, and tells of the frames among them. Then goes back to the first line.
    ///
    /// # Errors
    /// When a line was changed or means nothing.
    pub fn frames(&mut self) -> Result<Vec<Frame>, ReplayError> {
        let mut frames = Vec::new();
        let (mut at, mut mono) = (self.header.began, Duration::ZERO);
        while !self.ended && self.advance()? {
            self.whole()?;
            match self.parsed::<Brief>()? {
                Brief::Step(stamp) => (at, mono) = (stamp.at, stamp.mono),
                Brief::Frame(drawn) => frames.push(Frame { at, mono, size: (drawn.width, drawn.height) }),
                Brief::End(_) => self.ended = true,
            }
        }
        let cut = self.cut;
        self.rewind()?;
        self.cut = cut;
        Ok(frames)
    }

    /// A refusal of the first line.
    pub fn refused(&self, why: String) -> ReplayError {
        let (file, hint) = (self.name.clone(), VERSION);
        ReplayError::Broken { file, line: 1, column: 1, why: Clean::new(why), hint }
    }

    /// Where the next line begins: line number and byte, for [`Reader::seek`].
    pub fn place(&self) -> (u64, u64) {
        (self.line, self.offset)
    }

    /// Goes on reading at a place that was told before.
    ///
    /// # Errors
    /// When the file is no more what it was.
    pub fn seek(&mut self, (line, offset): (u64, u64)) -> Result<(), ReplayError> {
        self.file.seek(SeekFrom::Start(offset)).map_err(|error| self.unreadable(&error))?;
        (self.line, self.offset, self.ended) = (line, offset, false);
        Ok(())
    }

    /// Goes back to the first line after the header.
    ///
    /// # Errors
    /// As [`Reader::seek`].
    pub fn rewind(&mut self) -> Result<(), ReplayError> {
        self.seek((1, self.first))
    }

    /// The file, as it may be printed.
    pub fn name(&self) -> &Clean {
        &self.name
    }

    /// Reads one line into `text`; false at the end.
    fn advance(&mut self) -> Result<bool, ReplayError> {
        self.text.clear();
        let mut limited = io::Read::take(&mut self.file, LONGEST);
        let read = limited.read_until(b'\n', &mut self.text).map_err(|error| self.unreadable(&error))?;
        if self.text.last() != Some(&b'\n') {
            if read as u64 == LONGEST {
                self.line += 1;
                return Err(self.broken(1, "the line does not end", NOT_ONE));
            }
            // The last line of a killed program, or none after the last whole one.
            self.cut = Some(self.line + 1);
            self.ended = true;
            return Ok(false);
        }
        self.text.pop();
        self.line += 1;
        self.offset += read as u64;
        Ok(true)
    }

    /// The line is the one that was written.
    fn whole(&self) -> Result<(), ReplayError> {
        let end = self.text.len().saturating_sub(SUM.len() + 16 + 2);
        let (content, sum) = self.text.split_at(end);
        let expected = [SUM, &short(add(SEED, content)), "\"}"].concat();
        if sum == expected.as_bytes() {
            return Ok(());
        }
        // Where it stopped being JSON is the best guess of where it was changed.
        let column = serde_json::from_slice::<IgnoredAny>(&self.text).err().map_or(1, |e| e.column());
        Err(self.broken(column.max(1), "the line is not as it was written", CHANGED))
    }

    fn parsed<T: DeserializeOwned>(&self) -> Result<T, ReplayError> {
        let end = self.text.len().saturating_sub(SUM.len() + 16 + 2);
        let mut content = self.text.get(..end).unwrap_or_default().to_vec();
        content.push(b'}');
        serde_json::from_slice(&content).map_err(|error| {
            self.broken(error.column().max(1), format!("the line means nothing here: {error}"), VERSION)
        })
    }

    fn broken(&self, column: usize, why: impl AsRef<str>, hint: &'static str) -> ReplayError {
        ReplayError::Broken {
            file: self.name.clone(),
            line: self.line.max(1),
            column,
            why: Clean::new(why),
            hint,
        }
    }

    fn unreadable(&self, error: &io::Error) -> ReplayError {
        ReplayError::Unreadable { file: self.name.clone(), why: Clean::new(error.to_string()) }
    }
}

const NOT_ONE: &str = "`goaround --record FILE` makes one";
const CHANGED: &str = "take the file as it was recorded; a changed recording would show what did not happen";
const VERSION: &str = "play it with the version that wrote it";

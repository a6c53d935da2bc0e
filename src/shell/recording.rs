//! A recording: all that a run of the cockpit depended on, so that it can be played again. A file of lines, each a JSON
//! object: what was decided before the start, then every event as it was stamped, and before each `Shown` the size of the
//! frame and a sum of its text. Every line ends with a sum of itself, so that a changed one is named.
//!
//! It holds what the cluster and Prometheus told, contents of ConfigMaps included, and what was typed; never a kubeconfig, a
//! credential or an answer of another program. The file is private, is never written over, and what has been written of
//! it can be read whatever becomes of the program. When it cannot be written any more, the cockpit goes on without.

mod frame;
mod read;

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::domain::Time;
use crate::domain::clean::{Clean, printable_json};
use crate::engine::state::Setup;
use crate::engine::{Event, Stamped, State};
use crate::ui::Ui;
use crate::ui::look::Origin;

use super::private::{self, PrivacyError};

pub use frame::{Drawn, picture};
pub use read::{Frame, Reader, ReplayError};

/// Number of this form of the file; another number is refused.
pub const FORMAT: u32 = 1;
/// What a line's own sum looks like: it stands last in every line.
const SUM: &str = ",\"sum\":\"";

/// The first line.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Header {
    /// [`FORMAT`].
    pub recording: u32,
    /// Version of the program that wrote it.
    pub version: String,
    /// World time of the beginning.
    pub began: Time,
    /// Configuration and command line, as far as the engine knows them.
    pub setup: Setup,
    /// The keymap, as a file: footers and help are printed from it.
    pub keymap: String,
    /// Only ASCII was drawn.
    pub ascii: bool,
    /// Where the look came from: the help names it.
    #[serde(default)]
    pub origin: Origin,
}

/// Any other line.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Line {
    /// Something happened.
    Step(Stamped),
    /// A frame was drawn of the state so far; the `Shown` that came of it follows.
    Frame(Drawn),
    /// The run ended in an orderly way.
    End {
        /// Steps before this line.
        steps: u64,
        /// Frames before this line.
        frames: u64,
    },
}

/// Writing a recording.
pub struct Recording {
    file: Summed<BufWriter<Box<dyn Write + Send>>>,
    path: PathBuf,
    /// Draws what it records once more: the sum must not hang on a terminal.
    ui: Ui,
    steps: u64,
    frames: u64,
    /// Since this is set, nothing is written any more.
    stopped: Option<Clean>,
}

impl Recording {
    /// Begins one in a new file.
    ///
    /// # Errors
    /// When there is such a file, or it cannot be made or written.
    pub fn begin(path: &Path, state: &State, ui: Ui) -> Result<Self, RecordError> {
        let file =
            private::create_at(path).map_err(|error| RecordError::Create { path: shown(path), error })?;
        let mut recording = Self {
            file: Summed::new(buffered(Box::new(file))),
            path: path.to_owned(),
            steps: 0,
            frames: 0,
            stopped: None,
            ui,
        };
        let header = Header {
            recording: FORMAT,
            version: env!("CARGO_PKG_VERSION").into(),
            began: state.now,
            setup: state.setup.clone(),
            keymap: recording.ui.keymap().source(),
            ascii: recording.ui.is_ascii(),
            origin: recording.ui.look().origin.clone(),
        };
        let written = recording.line(&header).and_then(|()| recording.file.flush());
        written.map_err(|error| RecordError::Write { path: shown(path), error })?;
        Ok(recording)
    }

    /// Goes on into something else: for a disk that fills up.
    pub fn write_to(&mut self, to: Box<dyn Write + Send>) {
        self.file = Summed::new(buffered(to));
    }

    /// Takes what is about to be stepped; `size` is that of the frame of which a `Shown` tells. Returns once why it had
    /// to stop.
    pub fn take(&mut self, state: &State, stamped: &Stamped, size: Option<(u16, u16)>) -> Option<String> {
        if self.stopped.is_some() {
            return None;
        }
        let error = self.write(state, stamped, size).err()?;
        let path = shown(&self.path);
        let why = format!("the recording {path} stops here: {error}; hint: {}", private::hint(&error));
        self.stopped = Some(Clean::new(&why));
        Some(why)
    }

    fn write(&mut self, state: &State, stamped: &Stamped, size: Option<(u16, u16)>) -> io::Result<()> {
        if let (Event::Shown(_), Some(size)) = (&stamped.event, size) {
            let drawn = Drawn::of(&self.ui, state, size);
            self.frames += 1;
            self.line(&Line::Frame(drawn))?;
        }
        self.steps += 1;
        self.line(&StepLine { step: stamped })?;
        // What is killed now leaves what led here; not sooner, because thousands of objects may come at once.
        match stamped.event {
            Event::Tick | Event::Shown(_) | Event::Command(_) => self.file.flush(),
            _ => Ok(()),
        }
    }

    fn line(&mut self, line: &impl Serialize) -> io::Result<()> {
        self.file.begin();
        line.serialize(&mut serde_json::Serializer::with_formatter(&mut self.file, Printable))?;
        self.file.end()
    }

    /// Ends it. What stopped it was said when it did.
    ///
    /// # Errors
    /// When the last lines could not be written.
    pub fn end(mut self) -> Result<(), RecordError> {
        if self.stopped.is_some() {
            return Ok(());
        }
        let (steps, frames) = (self.steps, self.frames);
        let written = self.line(&Line::End { steps, frames }).and_then(|()| self.file.flush());
        written.map_err(|error| RecordError::Write { path: shown(&self.path), error })
    }
}

fn buffered(to: Box<dyn Write + Send>) -> BufWriter<Box<dyn Write + Send>> {
    BufWriter::with_capacity(64 * 1024, to)
}

/// [`Line::Step`], borrowed: an event may be large.
#[derive(Serialize)]
struct StepLine<'a> {
    step: &'a Stamped,
}

fn shown(path: &Path) -> Clean {
    Clean::new(path.display().to_string())
}

/// Why nothing can be recorded.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The file cannot be made.
    #[error("--record {path}: {error}{}", exists(error))]
    Create {
        /// The file.
        path: Clean,
        /// Why.
        error: PrivacyError,
    },
    /// It cannot be written.
    #[error("--record {path}: {error}; hint: {}", private::hint(error))]
    Write {
        /// The file.
        path: Clean,
        /// Why.
        error: io::Error,
    },
}

fn exists(error: &PrivacyError) -> &'static str {
    match error {
        PrivacyError::Io { source, .. } if source.kind() == io::ErrorKind::AlreadyExists => {
            "; a recording is never written over, name another file"
        }
        _ => "",
    }
}

/// Sums the bytes of each line as they pass, and writes the sum into its end.
struct Summed<W> {
    to: W,
    sum: u64,
    /// The last byte, kept back: the brace before which the sum is put.
    held: Option<u8>,
}

impl<W: Write> Summed<W> {
    fn new(to: W) -> Self {
        Self { to, sum: frame::SEED, held: None }
    }

    fn begin(&mut self) {
        self.sum = frame::SEED;
        self.held = None;
    }

    fn end(&mut self) -> io::Result<()> {
        let sum = frame::short(self.sum);
        let closing = self.held.take().map_or(String::new(), |byte| char::from(byte).to_string());
        self.to.write_all(format!("{SUM}{sum}\"{closing}\n").as_bytes())
    }
}

impl<W: Write> Write for Summed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some((last, before)) = bytes.split_last() else { return Ok(0) };
        if let Some(held) = self.held.replace(*last) {
            self.sum = frame::add(self.sum, &[held]);
            self.to.write_all(&[held])?;
        }
        self.sum = frame::add(self.sum, before);
        self.to.write_all(before)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// Compact JSON in which nothing stands that a terminal obeys: whoever prints the file is not surprised.
struct Printable;

impl serde_json::ser::Formatter for Printable {
    fn write_string_fragment<W: ?Sized + io::Write>(&mut self, out: &mut W, text: &str) -> io::Result<()> {
        if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
            return out.write_all(text.as_bytes());
        }
        out.write_all(printable_json(text).as_bytes())
    }
}

//! Draws states into nothing and counts what a terminal would have got: the way that the cockpit draws, and ratatui's
//! own backend for comparison.

use std::cell::Cell;
use std::io::{self, Write};
use std::rc::Rc;
use std::time::Duration;

use goaround::engine::State;
use goaround::shell::screen::encoder::Encoder;
use goaround::shell::screen::pacer::Pacer;
use goaround::shell::screen::terminal_type::Skills;
use goaround::ui::Ui;
use ratatui::backend::{CrosstermBackend, TestBackend};
use ratatui::layout::Rect;
use ratatui::{Terminal, TerminalOptions, Viewport};

/// Counts what is written to it.
#[derive(Clone, Default)]
pub struct Counter(Rc<Cell<u64>>);

impl Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.set(self.0.get() + bytes.len() as u64);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A terminal of one kind.
pub enum Painter {
    /// The cockpit's: a buffer to draw into, and what goes out for it, questions and marks included.
    Ours {
        /// Gives frames.
        paper: Terminal<TestBackend>,
        /// Makes bytes of them.
        encoder: Box<Encoder>,
        /// Makes frames of the bytes.
        pacer: Pacer,
    },
    /// Ratatui's.
    Stock {
        /// What came out.
        written: Counter,
        /// Draws.
        terminal: Terminal<CrosstermBackend<Counter>>,
    },
}

impl Painter {
    /// As the cockpit draws, in a terminal that knows everything.
    pub fn ours((columns, rows): (u16, u16)) -> Self {
        let paper = Terminal::new(TestBackend::new(columns, rows)).unwrap_or_else(|error| panic!("{error}"));
        Self::Ours { paper, encoder: Box::new(Encoder::new(Skills::MODERN)), pacer: Pacer::new(true) }
    }

    /// As ratatui draws.
    pub fn stock((columns, rows): (u16, u16)) -> Self {
        let written = Counter::default();
        // A fixed area: nobody is asked for the size of a terminal that is not there.
        let options = TerminalOptions { viewport: Viewport::Fixed(Rect::new(0, 0, columns, rows)) };
        let terminal = Terminal::with_options(CrosstermBackend::new(written.clone()), options);
        Self::Stock { terminal: terminal.unwrap_or_else(|error| panic!("{error}")), written }
    }

    /// Draws a state; bytes that it took.
    pub fn paint(&mut self, ui: &Ui, state: &State) -> u64 {
        match self {
            Self::Ours { paper, encoder, pacer } => {
                let links = ui.draw(&mut paper.get_frame(), state).links;
                let mut bytes = Vec::new();
                encoder.frame(paper.current_buffer_mut(), &links, None, &mut bytes);
                paper.current_buffer_mut().reset();
                pacer.seal(bytes, true, Duration::ZERO).len() as u64
            }
            Self::Stock { written, terminal } => {
                let before = written.0.get();
                let drawn = terminal.draw(|frame| {
                    ui.draw(frame, state);
                });
                if let Err(error) = drawn {
                    panic!("{error}");
                }
                written.0.get() - before
            }
        }
    }
}

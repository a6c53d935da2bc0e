//! Draws states into nothing and counts what a terminal would have got: the way that the cockpit draws, and ratatui's
//! own backend for comparison.

use std::cell::Cell;
use std::io::{self, Write};
use std::rc::Rc;

use goaround::engine::State;
use goaround::ui::Ui;
use ratatui::backend::CrosstermBackend;
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
pub struct Painter {
    written: Counter,
    terminal: Terminal<CrosstermBackend<Counter>>,
}

impl Painter {
    /// As the cockpit draws.
    pub fn ours(size: (u16, u16)) -> Self {
        Self::stock(size)
    }

    /// As ratatui draws.
    pub fn stock((columns, rows): (u16, u16)) -> Self {
        let written = Counter::default();
        // A fixed area: nobody is asked for the size of a terminal that is not there.
        let options = TerminalOptions { viewport: Viewport::Fixed(Rect::new(0, 0, columns, rows)) };
        let terminal = Terminal::with_options(CrosstermBackend::new(written.clone()), options);
        Self { terminal: terminal.unwrap_or_else(|error| panic!("{error}")), written }
    }

    /// Draws a state; bytes that it took.
    pub fn paint(&mut self, ui: &Ui, state: &State) -> u64 {
        let before = self.written.0.get();
        let drawn = self.terminal.draw(|frame| {
            ui.draw(frame, state);
        });
        if let Err(error) = drawn {
            panic!("{error}");
        }
        self.written.0.get() - before
    }
}

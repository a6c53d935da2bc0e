//! Draws states into nothing and counts what a terminal would have got: the way that the cockpit draws, and ratatui's
//! own backend for comparison.

use std::cell::Cell;
use std::io::{self, Write};
use std::rc::Rc;

use goaround::engine::State;
use goaround::shell::screen::canvas::Canvas;
use goaround::shell::screen::terminal_type::Skills;
use goaround::ui::Ui;
use ratatui::backend::CrosstermBackend;
use ratatui::buffer::Buffer;
use ratatui::layout::{Rect, Size};
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
    /// As the cockpit draws.
    Ours(Box<Canvas<Counter>>, Buffer),
    /// As ratatui draws.
    Stock(Box<Terminal<CrosstermBackend<Counter>>>, Counter),
}

impl Painter {
    /// As the cockpit draws.
    pub fn ours((columns, rows): (u16, u16)) -> Self {
        let canvas = Canvas::new(Counter::default(), Size::new(columns, rows), Skills::MODERN);
        Self::Ours(Box::new(canvas), Buffer::empty(Rect::new(0, 0, columns, rows)))
    }

    /// As ratatui draws.
    pub fn stock((columns, rows): (u16, u16)) -> Self {
        let written = Counter::default();
        // A fixed area: nobody is asked for the size of a terminal that is not there.
        let options = TerminalOptions { viewport: Viewport::Fixed(Rect::new(0, 0, columns, rows)) };
        let terminal = Terminal::with_options(CrosstermBackend::new(written.clone()), options);
        Self::Stock(Box::new(terminal.unwrap_or_else(|error| panic!("{error}"))), written)
    }

    /// Draws a state; bytes that it took.
    pub fn paint(&mut self, ui: &Ui, state: &State) -> u64 {
        match self {
            Self::Ours(canvas, buffer) => {
                buffer.reset();
                let drawn = ui.paint(state, buffer);
                canvas.frame(buffer, &drawn.links).len() as u64
            }
            Self::Stock(terminal, written) => {
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

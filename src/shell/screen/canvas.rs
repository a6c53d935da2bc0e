//! The backend of ratatui: a frame in, one write out, none where nothing changed. Cursor, styles and clearing are told
//! with the frame, never on their own; it asks the terminal nothing.

use std::io::{self, Write};

use ratatui::backend::{Backend, ClearType, WindowSize};
use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::{Position, Rect, Size};
use unicode_width::UnicodeWidthStr;

use super::encoder::Encoder;
use super::{Link, terminal_type::Skills};

/// A terminal of a known size behind a writer.
pub struct Canvas<W> {
    out: W,
    size: Size,
    encoder: Encoder,
    /// The cells that ratatui has told so far.
    told: Buffer,
    cursor: Option<Position>,
    /// Where ratatui was told that the cursor is.
    placed: Position,
}

impl<W: Write> Canvas<W> {
    /// A canvas of `size` before `out`.
    pub fn new(out: W, size: Size, skills: Skills) -> Self {
        Self {
            out,
            size,
            encoder: Encoder::new(skills),
            told: Buffer::empty(Rect::from((Position::ORIGIN, size))),
            cursor: None,
            placed: Position::ORIGIN,
        }
    }

    /// The size that the terminal has now. Terminals move what they show when they change it, so all is drawn anew.
    pub fn resize(&mut self, size: Size) {
        if self.size != size {
            self.size = size;
            self.told = Buffer::empty(Rect::from((Position::ORIGIN, size)));
            self.encoder.forget();
        }
    }

    /// The next frame clears the screen and draws everything: somebody else had the terminal.
    pub fn forget(&mut self) {
        self.encoder.forget();
    }

    /// The bytes that turn the screen into `buffer`; empty where it is that already.
    pub fn frame(&mut self, buffer: &Buffer, links: &[Link]) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.encoder.frame(buffer, links, None, &mut bytes);
        bytes
    }

    /// The size that the terminal had when it was told last.
    pub fn known_size(&self) -> Size {
        self.size
    }

    /// Where it writes to.
    pub fn writer_mut(&mut self) -> &mut W {
        &mut self.out
    }

    fn clear_all(&mut self) {
        self.told.reset();
        self.encoder.forget();
    }
}

impl<W: Write> Backend for Canvas<W> {
    type Error = io::Error;

    fn draw<'a, I>(&mut self, content: I) -> io::Result<()>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        for (x, y, cell) in content {
            let Some(told) = self.told.cell_mut((x, y)) else { continue };
            *told = cell.clone();
            // The columns behind a wide glyph are not told, and blank when it goes.
            for rest in 1..u16::try_from(cell.symbol().width()).unwrap_or(1) {
                if let Some(covered) = self.told.cell_mut((x + rest, y)) {
                    covered.reset();
                }
            }
        }
        Ok(())
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        self.cursor = None;
        Ok(())
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        self.cursor = Some(self.placed);
        Ok(())
    }

    fn get_cursor_position(&mut self) -> io::Result<Position> {
        Ok(self.placed)
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        self.placed = position.into();
        self.cursor = self.cursor.map(|_| self.placed);
        Ok(())
    }

    fn clear(&mut self) -> io::Result<()> {
        self.clear_all();
        Ok(())
    }

    fn clear_region(&mut self, region: ClearType) -> io::Result<()> {
        let width = usize::from(self.size.width);
        let at = usize::from(self.placed.y) * width + usize::from(self.placed.x);
        let row = usize::from(self.placed.y) * width;
        let cells = match region {
            ClearType::All => {
                self.clear_all();
                return Ok(());
            }
            ClearType::AfterCursor => at..self.told.content.len(),
            ClearType::BeforeCursor => 0..at + 1,
            ClearType::CurrentLine => row..row + width,
            ClearType::UntilNewLine => at..row + width,
        };
        self.told.content.get_mut(cells).into_iter().flatten().for_each(Cell::reset);
        Ok(())
    }

    fn size(&self) -> io::Result<Size> {
        Ok(self.size)
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        Ok(WindowSize { columns_rows: self.size, pixels: Size::ZERO })
    }

    fn flush(&mut self) -> io::Result<()> {
        let mut bytes = Vec::new();
        self.encoder.frame(&self.told, &[], self.cursor, &mut bytes);
        if bytes.is_empty() {
            return Ok(());
        }
        self.out.write_all(&bytes)?;
        self.out.flush()
    }
}

//! From one frame to the next in the fewest bytes that this can find. It knows what is on the screen, where the cursor
//! is and which style is set, and keeps all of it across frames: a frame in which nothing changed is no byte at all.

use std::io::Write as _;

use ratatui::buffer::Buffer;
use ratatui::layout::Position;

use super::osc;
use super::scroll::{self, Scroll};
use super::sheet::{Column, Glyph, Lexicon, Pen, Sheet};
use super::steps::{self, Step, Work};
use super::travel::{self, Cursor};
use super::{sgr, terminal_type::Skills};

/// A frame shorter than this cannot gain from a scroll region.
const WORTH_SCROLLING: usize = 60;

/// What a terminal shows, and the way to the next frame.
pub struct Encoder {
    skills: Skills,
    /// What is on the screen; `None`: nobody knows.
    shown: Option<Sheet>,
    next: Sheet,
    lexicon: Lexicon,
    at: At,
}

/// What is set in the terminal while it is written to.
#[derive(Clone, Copy, Debug)]
struct At {
    cursor: Cursor,
    pen: Pen,
    visible: bool,
}

impl Encoder {
    /// For a terminal that can do this. Nothing is known of its screen.
    pub fn new(skills: Skills) -> Self {
        Self {
            skills,
            shown: None,
            next: Sheet::clear(0, 0),
            lexicon: Lexicon::default(),
            at: At { cursor: Cursor::Unknown, pen: Pen::PLAIN, visible: false },
        }
    }

    /// Somebody else wrote to the terminal, or its size changed: the next frame clears and draws everything. Until then
    /// the cursor is taken to be hidden.
    pub fn forget(&mut self) {
        self.shown = None;
        self.at.visible = false;
    }

    /// Appends what turns the screen into `buffer`, with `links` over it and the cursor at `cursor`, or hidden.
    pub fn frame(
        &mut self,
        buffer: &Buffer,
        links: &[super::Link],
        cursor: Option<Position>,
        out: &mut Vec<u8>,
    ) {
        if self.lexicon.is_full() {
            self.lexicon = Lexicon::default();
            self.shown = None;
        }
        let links = if self.skills.osc { links } else { &[] };
        let mut next = std::mem::replace(&mut self.next, Sheet::clear(0, 0));
        next.read(buffer, links, &mut self.lexicon);
        let old = match self.shown.take() {
            Some(old) if (old.width(), old.height()) == (next.width(), next.height()) => old,
            _ => self.clear(buffer, out),
        };
        if old != next {
            self.cells(&old, &next, out);
        }
        self.shown = Some(next);
        self.next = old;
        self.show_cursor(cursor, out);
    }

    fn clear(&mut self, buffer: &Buffer, out: &mut Vec<u8>) -> Sheet {
        if self.at.pen.link != 0 {
            osc::link("", out);
        }
        out.extend_from_slice(b"\x1b[m\x1b[H\x1b[J");
        self.at = At { cursor: Cursor::At(0, 0), pen: Pen::PLAIN, visible: self.at.visible };
        Sheet::clear(buffer.area.width, buffer.area.height)
    }

    /// Cell by cell, or with a zone moved by the terminal first, whichever is shorter.
    fn cells(&mut self, old: &Sheet, new: &Sheet, out: &mut Vec<u8>) {
        let begun = self.at;
        let start = out.len();
        self.rows(old, new, 0..new.height(), out);
        if out.len() - start < WORTH_SCROLLING || !self.skills.regions {
            return;
        }
        let Some(scroll) = scroll::find(old, new) else { return };
        let ended = std::mem::replace(&mut self.at, begun);
        let mut other = Vec::with_capacity(out.len() - start);
        self.scrolled(old, new, scroll, &mut other);
        if other.len() < out.len() - start {
            out.truncate(start);
            out.extend_from_slice(&other);
        } else {
            self.at = ended;
        }
    }

    fn scrolled(&mut self, old: &Sheet, new: &Sheet, scroll: Scroll, out: &mut Vec<u8>) {
        let Scroll { top, bottom, lines } = scroll;
        let whole = top == 0 && bottom + 1 == new.height();
        // What comes in is blank in the colour that is set.
        self.set(Pen { link: 0, ..plain(self.at.pen) }, out);
        if !whole {
            let _ = if bottom + 1 == new.height() {
                write!(out, "\x1b[{}r", top + 1)
            } else {
                write!(out, "\x1b[{};{}r", top + 1, bottom + 1)
            };
            self.at.cursor = Cursor::Unknown;
        }
        let (edge, step): (usize, &[u8]) = if lines > 0 { (bottom, b"\n") } else { (top, b"\x1bM") };
        self.travel(0, edge, out);
        for _ in 0..lines.unsigned_abs() {
            out.extend_from_slice(step);
        }
        let mut moved = old.clone();
        moved.scroll(top, bottom, lines);
        // The cursor stands where the new rows come in: they are written before it is sent away.
        self.rows(&moved, new, top..bottom + 1, out);
        if !whole {
            out.extend_from_slice(b"\x1b[r");
            self.at.cursor = Cursor::Unknown;
        }
        self.rows(&moved, new, 0..top, out);
        self.rows(&moved, new, bottom + 1..new.height(), out);
    }

    /// Row by row, or style by style, whichever is shorter.
    fn rows(&mut self, old: &Sheet, new: &Sheet, rows: std::ops::Range<usize>, out: &mut Vec<u8>) {
        let (mut steps, free) = steps::between(old, new, rows, self.skills.erases, &self.lexicon);
        let (begun, start) = (self.at, out.len());
        self.walk(&steps, new, out);
        if !free || !steps::sort_by_style(&mut steps, begun.pen) {
            return;
        }
        let ended = std::mem::replace(&mut self.at, begun);
        let mut other = Vec::with_capacity(out.len() - start);
        self.walk(&steps, new, &mut other);
        if other.len() < out.len() - start {
            out.truncate(start);
            out.extend_from_slice(&other);
        } else {
            self.at = ended;
        }
    }

    fn walk(&mut self, steps: &[Step], new: &Sheet, out: &mut Vec<u8>) {
        for step in steps {
            let row = new.row(step.y);
            self.go(step.x, step.y, row, out);
            match step.work {
                Work::Write { columns, .. } => {
                    let mut x = step.x;
                    while x < step.x + columns {
                        // A glyph of doubtful width left the cursor anywhere.
                        self.go(x, step.y, row, out);
                        x += self.put(x, step.y, row, out);
                    }
                }
                Work::Erase(columns) => {
                    self.set(plain(self.at.pen), out);
                    let _ = write!(out, "\x1b[{columns}X");
                }
                Work::EraseRest => {
                    self.set(plain(self.at.pen), out);
                    out.extend_from_slice(b"\x1b[K");
                }
            }
        }
    }

    /// Writes the glyph in column `x`; how many columns it takes.
    fn put(&mut self, x: usize, y: usize, row: &[Column], out: &mut Vec<u8>) -> usize {
        let Column { glyph, pen } = row[x];
        let taken = 1 + row[x + 1..].iter().take_while(|c| c.glyph == Glyph::CONTINUED).count();
        let pen = if glyph == Glyph::BLANK { on_blank(self.at.pen, pen) } else { pen };
        self.set(pen, out);
        let doubtful = Lexicon::is_doubtful(glyph);
        if doubtful && taken > 1 {
            // A terminal that gives it fewer columns must not show in the others what was there before.
            out.extend(std::iter::repeat_n(b' ', taken));
            self.at.cursor = Cursor::Unknown;
            self.travel(x, y, out);
        }
        self.lexicon.write(glyph, out);
        self.at.cursor = match x + taken {
            _ if doubtful => Cursor::Unknown,
            after if after < row.len() => Cursor::At(after, y),
            _ => Cursor::Margin(y),
        };
        taken
    }

    /// To column `x`, by a move or by writing again what stands between.
    fn go(&mut self, x: usize, y: usize, row: &[Column], out: &mut Vec<u8>) {
        let way = travel::to(self.at.cursor, x, y);
        let way = way.as_bytes();
        if let Cursor::At(from, at) = self.at.cursor
            && at == y
            && from < x
            && x - from <= way.len()
            && let Some(bridge) = self.bridge(&row[from..x], way.len())
        {
            out.extend_from_slice(&bridge);
            self.at.cursor = Cursor::At(x, y);
            return;
        }
        out.extend_from_slice(way);
        self.at.cursor = Cursor::At(x, y);
    }

    /// The bytes of `gap`, if it is written in the style that is set and in no more than `most` bytes.
    fn bridge(&self, gap: &[Column], most: usize) -> Option<Vec<u8>> {
        let mut bytes = Vec::with_capacity(most);
        for column in gap {
            let blank = column.glyph == Glyph::BLANK;
            let pen = if blank { on_blank(self.at.pen, column.pen) } else { column.pen };
            if pen != self.at.pen || Lexicon::is_doubtful(column.glyph) {
                return None;
            }
            self.lexicon.write(column.glyph, &mut bytes);
        }
        (bytes.len() <= most).then_some(bytes)
    }

    fn travel(&mut self, x: usize, y: usize, out: &mut Vec<u8>) {
        out.extend_from_slice(travel::to(self.at.cursor, x, y).as_bytes());
        self.at.cursor = Cursor::At(x, y);
    }

    fn set(&mut self, pen: Pen, out: &mut Vec<u8>) {
        if pen.link != self.at.pen.link {
            osc::link(self.lexicon.address(pen.link), out);
        }
        sgr::change(self.at.pen, pen, out);
        self.at.pen = pen;
    }

    fn show_cursor(&mut self, cursor: Option<Position>, out: &mut Vec<u8>) {
        if let Some(Position { x, y }) = cursor {
            self.travel(usize::from(x), usize::from(y), out);
        }
        if cursor.is_some() != self.at.visible {
            self.at.visible = cursor.is_some();
            out.extend_from_slice(if self.at.visible { b"\x1b[?25h" } else { b"\x1b[?25l" });
        }
    }
}

/// `set`, in which erasing leaves nothing visible behind, at the least change.
fn plain(set: Pen) -> Pen {
    if set.erases_plainly() {
        return set;
    }
    Pen {
        bg: Pen::PLAIN.bg,
        modifier: set.modifier.difference(super::sheet::SEEN_ON_BLANK),
        link: 0,
        fg: set.fg,
    }
}

/// The pen nearest to `set` under which a blank looks as under `wanted`.
fn on_blank(set: Pen, wanted: Pen) -> Pen {
    use super::sheet::SEEN_ON_BLANK;
    if wanted.modifier.intersects(SEEN_ON_BLANK) {
        return wanted;
    }
    Pen { fg: set.fg, bg: wanted.bg, modifier: set.modifier.difference(SEEN_ON_BLANK), link: wanted.link }
}

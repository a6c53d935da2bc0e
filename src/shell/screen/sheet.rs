//! A frame as a terminal holds it: one entry for each column, sixteen bytes, comparable at a glance. What cannot be
//! seen is left out (the colour of a blank's letter), and what must not be sent cannot stand here: no control
//! character, no half of a wide glyph, no glyph without a width.

use std::collections::BTreeMap;

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::ui::link::Link;

/// Style and address of a column.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pen {
    /// Of the glyph.
    pub fg: Color,
    /// Behind it.
    pub bg: Color,
    /// Bold and the like.
    pub modifier: Modifier,
    /// Number of the address that it leads to; 0 is none.
    pub link: u16,
}

impl Pen {
    /// The terminal's own colours and nothing else.
    pub const PLAIN: Self = Self { fg: Color::Reset, bg: Color::Reset, modifier: Modifier::empty(), link: 0 };

    /// What an erased column looks like when it is erased with this pen.
    pub fn erases_plainly(self) -> bool {
        self.bg == Color::Reset && !self.modifier.intersects(SEEN_ON_BLANK) && self.link == 0
    }
}

/// Modifiers that show where nothing is written.
pub const SEEN_ON_BLANK: Modifier =
    Modifier::REVERSED.union(Modifier::UNDERLINED).union(Modifier::CROSSED_OUT);

/// What stands in a column: a character, a number of a longer cluster, or the rest of the glyph before it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Glyph(u32);

/// Above the last character of Unicode.
const REST: u32 = 0x0011_0000;
const FIRST_CLUSTER: u32 = REST + 1;

impl Glyph {
    /// Nothing is written.
    pub const BLANK: Self = Self(' ' as u32);
    /// The column belongs to the glyph before it.
    pub const CONTINUED: Self = Self(REST);
}

/// One column of one row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Column {
    /// What stands there.
    pub glyph: Glyph,
    /// How.
    pub pen: Pen,
}

impl Column {
    /// As a terminal clears it.
    pub const CLEAR: Self = Self { glyph: Glyph::BLANK, pen: Pen::PLAIN };
}

/// Texts by number, each once.
#[derive(Clone, Debug, Default)]
pub struct Numbered {
    texts: Vec<String>,
    numbers: BTreeMap<String, u32>,
}

impl Numbered {
    /// More than any screen shows; a session that has met so many begins anew.
    const MOST: usize = 30_000;

    fn number(&mut self, text: &str) -> u32 {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        let number = u32::try_from(self.texts.len()).unwrap_or(0);
        self.texts.push(text.to_owned());
        self.numbers.insert(text.to_owned(), number);
        number
    }

    /// Text of `number`.
    pub fn text(&self, number: u32) -> &str {
        self.texts.get(number as usize).map_or("", String::as_str)
    }

    /// True when it must be emptied, and everything drawn anew.
    pub fn is_full(&self) -> bool {
        self.texts.len() > Self::MOST
    }
}

/// Clusters and addresses of the frames so far.
#[derive(Clone, Debug, Default)]
pub struct Lexicon {
    clusters: Numbered,
    addresses: Numbered,
}

impl Lexicon {
    /// True when it must be emptied, and everything drawn anew.
    pub fn is_full(&self) -> bool {
        self.clusters.is_full() || self.addresses.is_full()
    }

    /// Address of a link's number; empty for none.
    pub fn address(&self, link: u16) -> &str {
        if link == 0 { "" } else { self.addresses.text(u32::from(link) - 1) }
    }

    /// Appends the bytes of `glyph`.
    pub fn write(&self, glyph: Glyph, out: &mut Vec<u8>) {
        match char::from_u32(glyph.0) {
            Some(c) => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            None if glyph.0 >= FIRST_CLUSTER => {
                out.extend_from_slice(self.clusters.text(glyph.0 - FIRST_CLUSTER).as_bytes());
            }
            None => {}
        }
    }

    /// The most columns that a terminal gives to `glyph`: one that takes a cluster apart shows each of its characters.
    pub fn widest(&self, glyph: Glyph) -> usize {
        match glyph.0.checked_sub(FIRST_CLUSTER) {
            Some(number) => apart(self.clusters.text(number)),
            None => 0,
        }
    }

    /// True where terminals differ in how many columns they give it: clusters, and pictures newer than some terminal.
    pub fn is_doubtful(glyph: Glyph) -> bool {
        glyph.0 >= 0x1_f000 && glyph != Glyph::CONTINUED
    }
}

/// Word after word folded into one number: nobody who writes to this screen gains by making two rows look alike, so
/// nothing slower is needed.
fn fold(sum: u64, word: u64) -> u64 {
    // An odd number without a pattern: the fractional part of the golden ratio.
    (sum.rotate_left(26) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// A colour as a number, no two alike.
fn number(colour: Color) -> u64 {
    match colour {
        Color::Reset => 0,
        Color::Black => 1,
        Color::Red => 2,
        Color::Green => 3,
        Color::Yellow => 4,
        Color::Blue => 5,
        Color::Magenta => 6,
        Color::Cyan => 7,
        Color::Gray => 8,
        Color::DarkGray => 9,
        Color::LightRed => 10,
        Color::LightGreen => 11,
        Color::LightYellow => 12,
        Color::LightBlue => 13,
        Color::LightMagenta => 14,
        Color::LightCyan => 15,
        Color::White => 16,
        Color::Indexed(index) => 0x100 | u64::from(index),
        Color::Rgb(r, g, b) => u64::from(u32::from_be_bytes([1, r, g, b])),
    }
}

/// A whole screen.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sheet {
    width: usize,
    columns: Vec<Column>,
}

impl Sheet {
    /// A cleared screen.
    pub fn clear(width: u16, height: u16) -> Self {
        Self {
            width: usize::from(width),
            columns: vec![Column::CLEAR; usize::from(width) * usize::from(height)],
        }
    }

    /// Columns of a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Rows.
    pub fn height(&self) -> usize {
        self.columns.len().checked_div(self.width).unwrap_or(0)
    }

    /// Row `y`, counted from 0.
    pub fn row(&self, y: usize) -> &[Column] {
        self.columns.get(y * self.width..(y + 1) * self.width).unwrap_or_default()
    }

    /// A number that differs when the row does, as good as always.
    pub fn digest(&self, y: usize) -> u64 {
        self.row(y).iter().fold(0, |sum, Column { glyph, pen }| {
            let written =
                u64::from(glyph.0) | u64::from(pen.modifier.bits()) << 32 | u64::from(pen.link) << 48;
            fold(fold(sum, written), number(pen.fg) | number(pen.bg) << 32)
        })
    }

    /// Moves the rows `top..=bottom` by `lines` up (down, where negative), as a terminal does it in a scroll region.
    pub fn scroll(&mut self, top: usize, bottom: usize, lines: isize) {
        let size = lines.unsigned_abs() * self.width;
        let Some(zone) = self.columns.get_mut(top * self.width..(bottom + 1) * self.width) else { return };
        let size = size.min(zone.len());
        if lines > 0 {
            zone.copy_within(size.., 0);
            let kept = zone.len() - size;
            zone[kept..].fill(Column::CLEAR);
        } else {
            zone.copy_within(..zone.len() - size, size);
            zone[..size].fill(Column::CLEAR);
        }
    }

    /// What of `buffer` can be seen, with `links` over it.
    pub fn read(&mut self, buffer: &Buffer, links: &[Link], lexicon: &mut Lexicon) {
        self.width = usize::from(buffer.area.width);
        self.columns.clear();
        self.columns.resize(buffer.content.len(), Column::CLEAR);
        if self.width == 0 {
            return;
        }
        for (cells, columns) in buffer.content.chunks(self.width).zip(self.columns.chunks_mut(self.width)) {
            read_row(cells, columns, &mut lexicon.clusters);
        }
        for link in links {
            self.lay(link, buffer, lexicon);
        }
    }

    fn lay(&mut self, link: &Link, buffer: &Buffer, lexicon: &mut Lexicon) {
        let area = link.area().intersection(buffer.area);
        let number = u16::try_from(lexicon.addresses.number(link.url()) + 1).unwrap_or(0);
        for y in area.top()..area.bottom() {
            let from = usize::from(y - buffer.area.y) * self.width + usize::from(area.x - buffer.area.x);
            for column in self.columns.iter_mut().skip(from).take(usize::from(area.width)) {
                column.pen.link = number;
            }
        }
        // A wide glyph leads somewhere as a whole, or not at all.
        for n in 1..self.columns.len() {
            if self.columns[n].glyph == Glyph::CONTINUED {
                self.columns[n].pen.link = self.columns[n - 1].pen.link;
            }
        }
    }
}

fn read_row(cells: &[Cell], columns: &mut [Column], clusters: &mut Numbered) {
    let mut x = 0;
    while let Some(cell) = cells.get(x) {
        let (glyph, width) = glyph(cell.symbol(), clusters);
        let room = cells.len() - x;
        // Near the edge, a cluster that a terminal might take apart would run into the next row.
        let glyph = if width > room || apart(cell.symbol()) > room { Glyph::BLANK } else { glyph };
        let pen = pen(cell, glyph);
        let taken = width.clamp(1, room);
        columns[x] = Column { glyph, pen };
        let rest = if glyph == Glyph::BLANK { Glyph::BLANK } else { Glyph::CONTINUED };
        columns[x + 1..x + taken].fill(Column { glyph: rest, pen });
        x += taken;
    }
}

/// Columns of the characters of a symbol, each on its own.
fn apart(symbol: &str) -> usize {
    if symbol.len() == 1 { 1 } else { symbol.chars().filter_map(UnicodeWidthChar::width).sum() }
}

/// The glyph of a symbol, and how many columns it takes.
fn glyph(symbol: &str, clusters: &mut Numbered) -> (Glyph, usize) {
    let mut chars = symbol.chars();
    let (Some(first), rest) = (chars.next(), chars.next()) else { return (Glyph::BLANK, 1) };
    if first.is_ascii() && rest.is_none() {
        return (if first.is_ascii_control() { Glyph::BLANK } else { Glyph(u32::from(first)) }, 1);
    }
    if symbol.chars().any(steers) {
        return (Glyph::BLANK, 1);
    }
    if rest.is_none() {
        return match first.width() {
            // The two marks of half width are zero wide to Unicode and one wide to every terminal.
            Some(0) | None if matches!(first, '\u{ff9e}' | '\u{ff9f}') => (Glyph(u32::from(first)), 1),
            Some(0) | None => (Glyph::BLANK, 1),
            Some(width) => (Glyph(u32::from(first)), width),
        };
    }
    let marks = symbol.chars().filter(|c| matches!(c, '\u{ff9e}' | '\u{ff9f}')).count();
    match symbol.width() + marks {
        0 => (Glyph::BLANK, 1),
        width => (Glyph(FIRST_CLUSTER + clusters.number(symbol)), width),
    }
}

/// What a terminal obeys instead of showing it: control characters, directions of writing, ends of lines, tags. Text from
/// outside was made harmless long before; this is what holds where somebody forgot.
fn steers(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{206f}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e00ff}')
}

/// What of a cell's style can be seen under its glyph.
fn pen(cell: &Cell, glyph: Glyph) -> Pen {
    let seen = glyph != Glyph::BLANK || cell.modifier.intersects(SEEN_ON_BLANK);
    let (fg, modifier) = if seen { (cell.fg, cell.modifier) } else { (Color::Reset, Modifier::empty()) };
    Pen { fg, bg: cell.bg, modifier, link: 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    fn read(buffer: &Buffer) -> (String, Sheet) {
        let (mut sheet, mut lexicon) = (Sheet::clear(0, 0), Lexicon::default());
        sheet.read(buffer, &[], &mut lexicon);
        let mut out = Vec::new();
        for column in sheet.row(0) {
            if column.glyph == Glyph::CONTINUED {
                out.push(b'+')
            } else {
                lexicon.write(column.glyph, &mut out)
            }
        }
        (String::from_utf8(out).expect("text"), sheet)
    }

    fn row(symbols: &[&str]) -> Buffer {
        let mut buffer = Buffer::empty(Rect::new(0, 0, symbols.len() as u16, 1));
        for (x, symbol) in symbols.iter().enumerate() {
            buffer[(x as u16, 0)].set_symbol(symbol);
        }
        buffer
    }

    #[test]
    fn what_is_sent_has_a_width_and_cannot_steer_a_terminal() {
        for (symbols, wanted) in [
            (&["a", "世", "x", "b"][..], "a世+b"),
            (&["a", "b", "世"], "ab "),
            (&["\x1b", "\u{9b}", "\u{200b}", "e\u{301}"], "   e\u{301}"),
            (&["❤\u{fe0f}", "x", "ﾞ", ""], "❤\u{fe0f}+ﾞ "),
            (&["a\x07", "\u{301}", "b"], "  b"),
            (&["a\u{202e}", "x\u{e0041}", "b"], "  b"),
        ] {
            assert_eq!(read(&row(symbols)).0, wanted);
        }
    }

    #[test]
    fn what_cannot_be_seen_is_no_difference() {
        let mut red = row(&[" ", "a"]);
        red.set_style(Rect::new(0, 0, 1, 1), Style::new().fg(Color::Red).add_modifier(Modifier::BOLD));
        assert_eq!(read(&red).1, read(&row(&[" ", "a"])).1);
        red.set_style(Rect::new(0, 0, 1, 1), Style::new().add_modifier(Modifier::REVERSED));
        assert_ne!(read(&red).1, read(&row(&[" ", "a"])).1);
    }
}

//! A line of words, each in its style, drawn within a width: cut with an ellipsis, never over its neighbour.

use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use unicode_segmentation::UnicodeSegmentation as _;

use super::text;

/// Words of one line.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Words(Vec<(String, Style)>);

impl Words {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// One word.
    pub fn of(style: Style, text: impl Into<String>) -> Self {
        Self::new().and(style, text)
    }

    /// These and another one.
    pub fn and(mut self, style: Style, text: impl Into<String>) -> Self {
        self.push(style, text);
        self
    }

    /// Adds one.
    pub fn push(&mut self, style: Style, text: impl Into<String>) {
        self.0.push((text.into(), style));
    }

    /// Adds all of `other`.
    pub fn append(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Columns that they take.
    pub fn width(&self) -> usize {
        self.0.iter().map(|(word, _)| text::width(word)).sum()
    }

    /// Nothing to draw.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|(word, _)| word.is_empty())
    }

    /// The same, no wider than `columns`; what is cut off is said by an ellipsis.
    pub fn cut(self, columns: usize) -> Self {
        if self.width() <= columns {
            return self;
        }
        let mut cut = Self::new();
        for (word, style) in self.0 {
            let left = columns.saturating_sub(cut.width());
            let whole = text::width(&word) < left;
            cut.push(style, if whole { word } else { text::fit(&format!("{word}…"), left) });
            if !whole {
                break;
            }
        }
        cut
    }

    /// Broken between words into lines of at most `columns`; a word that is longer is broken within.
    pub fn wrap(self, columns: usize) -> Vec<Self> {
        let columns = columns.max(1);
        let mut lines = vec![Self::new()];
        for word in self.unbroken() {
            let wants: usize = word.iter().map(|(part, _)| text::width(part)).sum();
            let blank = usize::from(word.last().is_some_and(|(part, _)| part.ends_with(' ')));
            let used = lines.last().map_or(0, Self::width);
            if used > 0 && used + wants - blank > columns {
                lines.push(Self::new());
            }
            for (part, style) in word {
                let fits = text::width(part.trim_end()) <= columns;
                for part in if fits { vec![part] } else { text::wrap(&part, columns) } {
                    let used = lines.last().map_or(0, Self::width);
                    if used > 0 && used + text::width(part.trim_end()) > columns {
                        lines.push(Self::new());
                    }
                    if let Some(line) = lines.last_mut() {
                        line.push(style, part);
                    }
                }
            }
        }
        lines.iter_mut().for_each(Self::trim_end);
        lines
    }

    /// Broken after every `columns`, wherever that is, with every blank as it is: what a program wrote.
    pub fn chop(self, columns: usize) -> Vec<Self> {
        let columns = columns.max(2);
        let mut lines = vec![Self::new()];
        let mut used = 0;
        for (word, style) in self.0 {
            let mut part = String::new();
            for cluster in word.graphemes(true) {
                let wide = text::width(cluster);
                if used + wide > columns {
                    if let Some(line) = lines.last_mut() {
                        line.push(style, std::mem::take(&mut part));
                    }
                    lines.push(Self::new());
                    used = 0;
                }
                used += wide;
                part.push_str(cluster);
            }
            if let Some(line) = lines.last_mut().filter(|_| !part.is_empty()) {
                line.push(style, part);
            }
        }
        lines
    }

    /// Takes blanks at the end away: they are not worth an ellipsis.
    fn trim_end(&mut self) {
        while let Some((last, _)) = self.0.last_mut() {
            last.truncate(last.trim_end().len());
            if !last.is_empty() {
                break;
            }
            self.0.pop();
        }
    }

    /// Runs that stay together: a word, however many styles it has, and the blank behind it.
    fn unbroken(&self) -> Vec<Vec<(String, Style)>> {
        let mut runs: Vec<Vec<(String, Style)>> = Vec::new();
        let mut open = false;
        for (word, style) in &self.0 {
            for part in word.split_inclusive(' ') {
                // A number keeps its unit.
                if !open && (runs.is_empty() || !text::is_unit(part)) {
                    runs.push(Vec::new());
                }
                if let Some(run) = runs.last_mut() {
                    run.push((part.to_owned(), *style));
                }
                open = !part.ends_with(' ');
            }
        }
        runs
    }

    /// Draws from the left of `area`, in its first row. Returns the columns used.
    pub fn draw(&self, area: Rect, buf: &mut Buffer) -> u16 {
        let mut left = usize::from(area.width);
        let mut x = area.x;
        let mut ahead = self.width();
        for (word, style) in &self.0 {
            let wide = text::width(word);
            // The word that is cut is the last one: what follows must not look as if it belonged to it.
            let cut = ahead > left && wide >= left;
            let room = Rect { x, width: if cut { left } else { wide } as u16, ..area };
            let used = if cut {
                put(buf, room, &text::fit(&format!("{word}…"), left), *style)
            } else {
                put(buf, room, word, *style)
            };
            left -= usize::from(used).min(left);
            x += used;
            ahead -= wide;
            if left == 0 {
                break;
            }
        }
        x - area.x
    }

    /// Draws to the right end of `area`.
    pub fn draw_right(&self, area: Rect, buf: &mut Buffer) {
        let wide = (self.width() as u16).min(area.width);
        self.draw(Rect { x: area.right() - wide, width: wide, ..area }, buf);
    }
}

/// Writes `text` into the first row of `area`, cut to its width. Returns the columns used.
pub fn put(buf: &mut Buffer, area: Rect, text: &str, style: Style) -> u16 {
    let at = Position { x: area.x, y: area.y };
    if area.width == 0 || area.height == 0 || !buf.area.contains(at) {
        return 0;
    }
    let room = usize::from(area.width);
    if text.len() <= room && text::is_plain(text) {
        // One byte, one cell: nothing has to be looked up.
        return text.bytes().zip(cells(buf, area)).fold(0, |used, (byte, cell)| {
            cell.set_char(char::from(byte)).set_style(style);
            used + 1
        });
    }
    let (end, _) = if text::width(text) <= room {
        buf.set_stringn(area.x, area.y, text, room, style)
    } else {
        buf.set_stringn(area.x, area.y, text::fit(text, room), room, style)
    };
    end - area.x
}

/// Fills the first row of `area` with a symbol of one column.
pub fn fill(buf: &mut Buffer, area: Rect, symbol: &str, style: Style) {
    for cell in cells(buf, area) {
        cell.set_symbol(symbol).set_style(style);
    }
}

/// The cells of the first row of `area` that there are.
fn cells(buf: &mut Buffer, area: Rect) -> impl Iterator<Item = &mut Cell> {
    let row = Rect { height: area.height.min(1), ..area }.intersection(buf.area);
    let first = if row.is_empty() { 0 } else { buf.index_of(row.x, row.y) };
    buf.content.iter_mut().skip(first).take(usize::from(row.width) * usize::from(row.height))
}

/// The same, to the right end.
pub fn put_right(buf: &mut Buffer, area: Rect, text: &str, style: Style) {
    let wide = text::width(text).min(usize::from(area.width)) as u16;
    put(buf, Rect { x: area.right() - wide, width: wide, ..area }, text, style);
}

/// A thin rule over the whole width.
pub fn rule(buf: &mut Buffer, area: Rect, style: Style) {
    fill(buf, area, "─", style);
}

/// Row `n` of `area`; empty when it has no such row.
pub fn row(area: Rect, n: u16) -> Rect {
    if n >= area.height {
        return Rect { height: 0, ..area };
    }
    Rect { y: area.y + n, height: 1, ..area }
}

/// `area` without its first `n` columns.
pub fn from(area: Rect, n: u16) -> Rect {
    let n = n.min(area.width);
    Rect { x: area.x + n, width: area.width - n, ..area }
}

/// `width` columns of `area` from column `x` on.
pub fn columns(area: Rect, x: u16, width: u16) -> Rect {
    let rest = from(area, x);
    Rect { width: width.min(rest.width), ..rest }
}

/// `area` without its first `n` rows.
pub fn below(area: Rect, n: u16) -> Rect {
    let n = n.min(area.height);
    Rect { y: area.y + n, height: area.height - n, ..area }
}

/// The first `n` rows of `area`.
pub fn top(area: Rect, n: u16) -> Rect {
    Rect { height: n.min(area.height), ..area }
}

/// Gives every cell of `area` the background of `style`.
pub fn tint(buf: &mut Buffer, area: Rect, style: Style) {
    buf.set_style(area.intersection(buf.area), style);
}

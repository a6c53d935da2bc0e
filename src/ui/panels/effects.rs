//! The consequences of a plan: what it changes, what it does not restore, what follows. Each must have been whole on
//! the screen before anything can be approved, so what is placed here is also counted here.

use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::engine::gate::{EffectKind, EffectLine};
use crate::ui::look::{Look, bold};
use crate::ui::widgets::text::{width, wrap_exactly};
use crate::ui::widgets::transliterate::spelled;
use crate::ui::widgets::words::{columns, put, row};

/// Columns of the label.
pub const LABEL: u16 = 14;
/// Between two short consequences in one row.
const GAP: usize = 4;

/// A piece of a row.
#[derive(Clone, PartialEq, Debug)]
struct Piece {
    at: usize,
    text: String,
}

/// A row: the label of the first row of its kind, and pieces.
#[derive(Clone, PartialEq, Debug)]
struct Row {
    kind: EffectKind,
    labelled: bool,
    pieces: Vec<Piece>,
}

/// All consequences, placed in rows of a width.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Placed {
    rows: Vec<Row>,
    /// The rows of each line, by its index.
    lines: Vec<Range<usize>>,
}

impl Placed {
    /// Places `lines`: short ones share a row, long ones are wrapped, none is cut. No two texts look alike; on a screen
    /// of nothing but `ascii`, because what it cannot show is spelled out.
    pub fn of(lines: &[EffectLine], area_width: u16, ascii: bool) -> Self {
        let room = usize::from(area_width.saturating_sub(LABEL)).max(8);
        let mut placed = Self::default();
        for line in lines {
            let text = line.text.as_str();
            let spelled = ascii.then(|| spelled(text));
            placed.add(line.kind, spelled.as_deref().unwrap_or(text), room);
        }
        placed
    }

    fn add(&mut self, kind: EffectKind, text: &str, room: usize) {
        let last = self.rows.last_mut().filter(|row| row.kind == kind);
        let fresh = last.is_none();
        if let Some(row) = last {
            let end = row.pieces.iter().map(|p| p.at + width(&p.text)).max().unwrap_or(0);
            if end + GAP + width(text) <= room {
                row.pieces.push(Piece { at: end + GAP, text: text.to_owned() });
                let at = self.rows.len() - 1;
                self.lines.push(at..at + 1);
                return;
            }
        }
        let begin = self.rows.len();
        for (n, text) in wrap_exactly(text, room).into_iter().enumerate() {
            self.rows.push(Row { kind, labelled: fresh && n == 0, pieces: vec![Piece { at: 0, text }] });
        }
        self.lines.push(begin..self.rows.len());
    }

    /// Rows in all.
    pub fn height(&self) -> usize {
        self.rows.len()
    }

    /// Lines that are whole when `window` of the rows is drawn.
    pub fn whole(&self, window: Range<usize>) -> Vec<usize> {
        let inside = |rows: &Range<usize>| rows.start >= window.start && rows.end <= window.end;
        let all = self.lines.iter().enumerate();
        all.filter(|(_, rows)| inside(rows)).map(|(n, _)| n).collect()
    }

    /// Draws the rows from `first` on and tells which lines were whole.
    pub fn draw(&self, look: &Look, first: usize, area: Rect, buf: &mut Buffer) -> Vec<usize> {
        let visible = usize::from(area.height);
        for (n, each) in self.rows.iter().skip(first).take(visible).enumerate() {
            let area = row(area, n as u16);
            let (label, style, text) = self::label(look, each.kind);
            if each.labelled || n == 0 {
                put(buf, columns(area, 0, LABEL - 1), label, style);
            }
            for piece in &each.pieces {
                put(buf, columns(area, LABEL + piece.at as u16, area.width), &piece.text, text);
            }
        }
        // A width too small for any text drew nothing whole.
        if area.width < LABEL + 8 {
            return Vec::new();
        }
        self.whole(first..first + visible)
    }
}

fn label(look: &Look, kind: EffectKind) -> (&'static str, Style, Style) {
    match kind {
        EffectKind::Changes => ("changes", look.dim(), look.text()),
        EffectKind::NotRestored => ("NOT restored", bold(look.bad()), look.text()),
        EffectKind::Also => ("also", look.attention(), look.text()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::clean::Clean;

    fn line(kind: EffectKind, text: &str) -> EffectLine {
        EffectLine { kind, text: Clean::new(text) }
    }

    #[test]
    fn short_lines_share_a_row_and_kinds_never_do() {
        let lines = [
            line(EffectKind::Changes, "image 4.12 → 4.11"),
            line(EffectKind::Changes, "env DB_POOL 5 → 50"),
            line(EffectKind::NotRestored, "ConfigMap a (changed)"),
        ];
        let placed = Placed::of(&lines, 80, false);
        assert_eq!(placed.height(), 2);
        assert_eq!(placed.whole(0..1), [0, 1]);
        assert_eq!(placed.whole(0..2), [0, 1, 2]);
    }

    #[test]
    fn a_line_of_which_one_row_is_missing_is_not_whole() {
        let long = "word ".repeat(60);
        let placed = Placed::of(&[line(EffectKind::Also, &long), line(EffectKind::Also, "short")], 80, false);
        let height = placed.height();
        assert!(height > 4);
        assert_eq!(placed.whole(0..height - 2), Vec::<usize>::new());
        assert_eq!(placed.whole(1..height), [1]);
        assert_eq!(placed.whole(0..height), [0, 1]);
    }
}

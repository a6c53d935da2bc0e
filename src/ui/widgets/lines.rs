//! Lines over time in braille, several in one chart. A line that is drawn later lies above the others; where there is
//! no value there is no line, and none is drawn across the gap.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::words::{columns, put, row};

/// Bits of the four dots of each half of a braille cell, from the top.
const DOTS: [[u32; 4]; 2] = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]];

/// Draws lines; each has a height (0..1 of the area) for every half column.
pub fn draw(buf: &mut Buffer, area: Rect, lines: &[(Vec<Option<f64>>, Style)]) {
    let (wide, high) = (usize::from(area.width), usize::from(area.height));
    let mut cells = vec![(0_u32, Style::new()); wide * high];
    for (heights, style) in lines {
        let mut before: Option<usize> = None;
        for (x, height) in heights.iter().enumerate().take(wide * 2) {
            let level = height.map(|h| level(h, high));
            if let Some(at) = level {
                for dot in between(before.unwrap_or(at), at) {
                    let cell = &mut cells[dot / 4 * wide + x / 2];
                    *cell = (cell.0 | DOTS[x % 2][dot % 4], *style);
                }
            }
            before = level;
        }
    }
    for (n, (bits, style)) in cells.into_iter().enumerate().filter(|(_, (bits, _))| *bits > 0) {
        let symbol = char::from_u32(0x2800 + bits).unwrap_or(' ');
        let place = columns(row(area, (n / wide) as u16), (n % wide) as u16, 1);
        put(buf, place, symbol.encode_utf8(&mut [0; 4]), style);
    }
}

/// The dot, from the top, of a height.
fn level(height: f64, rows: usize) -> usize {
    let last = (rows * 4).saturating_sub(1);
    last - (height.clamp(0.0, 1.0) * last as f64).round() as usize
}

/// The dots that join a level to the one before, without that one.
fn between(before: usize, at: usize) -> std::ops::RangeInclusive<usize> {
    if before < at {
        before + 1..=at
    } else if before > at {
        at..=before - 1
    } else {
        at..=at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_joined_from_sample_to_sample_and_broken_where_there_is_none() {
        let area = Rect::new(0, 0, 4, 2);
        let mut buf = Buffer::empty(area);
        let line = vec![Some(0.0), Some(0.0), Some(1.0), Some(1.0), None, None, Some(0.5), Some(7.0)];
        draw(&mut buf, area, &[(line, Style::new())]);
        let rows: Vec<String> =
            buf.content().chunks(4).map(|r| r.iter().map(|c| c.symbol()).collect()).collect();
        assert_eq!(rows, [" ⡏ ⡸", "⣀⠇  "]);
    }
}

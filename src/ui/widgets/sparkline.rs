//! A share over time in one row or a few, an eighth of a row at a time. What was not measured is nothing; a zero is not.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::words::{columns, put, row};

const EIGHTHS: [&str; 9] = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

/// Draws shares (0..1), one a column, from the bottom of `area`.
pub fn draw(buf: &mut Buffer, area: Rect, shares: &[Option<f64>], style: Style) {
    let all = f64::from(area.height) * 8.0;
    for (x, share) in shares.iter().enumerate().take(usize::from(area.width)) {
        let Some(share) = share else { continue };
        let level = (share.clamp(0.0, 1.0) * all).round().max(1.0) as u16;
        for y in 0..area.height {
            let below = (area.height - 1 - y) * 8;
            let eighths = level.saturating_sub(below).min(8);
            if eighths > 0 {
                put(buf, columns(row(area, y), x as u16, 1), EIGHTHS[usize::from(eighths)], style);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_as_high_as_it_is_large_and_what_is_missing_is_nothing() {
        let area = Rect::new(0, 0, 6, 2);
        let mut buf = Buffer::empty(area);
        let shares = [Some(1.0), Some(0.5), None, Some(0.25), Some(0.0), Some(7.0)];
        draw(&mut buf, area, &shares, Style::new());
        let rows: Vec<String> =
            buf.content().chunks(6).map(|r| r.iter().map(|c| c.symbol()).collect()).collect();
        assert_eq!(rows, ["█    █", "██ ▄▁█"]);
    }
}

//! Thin lines that show how much: of a budget, on a plain scale; of a burn, on a logarithmic one with its threshold.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::words::{columns, fill, put};

/// Ends of the logarithmic scale, multiples of the budget.
const LEAST: f64 = 0.1;
const MOST: f64 = 1_000.0;

/// A share (0..1) as a line on a track.
pub fn share(buf: &mut Buffer, area: Rect, share: f64, line: Style, track: Style) {
    let halves = (share.clamp(0.0, 1.0) * f64::from(area.width) * 2.0).round() as u16;
    // Something left is something to see.
    let halves = if share > 0.0 { halves.max(1) } else { halves };
    bar(buf, area, halves, line, track);
}

/// A burn rate on a logarithmic scale from 0.1 to 1000, with a tick at `threshold`.
pub fn burn(buf: &mut Buffer, area: Rect, burn: f64, threshold: f64, line: Style, track: Style, tick: Style) {
    let halves = (place(burn) * f64::from(area.width) * 2.0).round() as u16;
    bar(buf, area, halves, line, track);
    let at = (place(threshold) * f64::from(area.width)) as u16;
    put(buf, columns(area, at.min(area.width.saturating_sub(1)), 1), "│", tick);
}

/// Where a multiple lies on the scale, 0..1.
fn place(burn: f64) -> f64 {
    if burn <= LEAST {
        return 0.0;
    }
    ((burn / LEAST).log10() / (MOST / LEAST).log10()).min(1.0)
}

fn bar(buf: &mut Buffer, area: Rect, halves: u16, line: Style, track: Style) {
    fill(buf, area, "─", track);
    let full = (halves / 2).min(area.width);
    fill(buf, columns(area, 0, full), "━", line);
    if halves % 2 == 1 {
        put(buf, columns(area, full, 1), "╸", line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(draw: impl Fn(&mut Buffer, Rect)) -> String {
        let area = Rect::new(0, 0, 8, 1);
        let mut buf = Buffer::empty(area);
        draw(&mut buf, area);
        buf.content().iter().map(|c| c.symbol()).collect()
    }

    #[test]
    fn a_share_is_as_long_as_it_is_large() {
        let plain = Style::new();
        for (share, line) in [
            (0.0, "────────"),
            (0.001, "╸───────"),
            (0.5, "━━━━────"),
            (0.55, "━━━━╸───"),
            (7.0, "━━━━━━━━"),
            (f64::NAN, "────────"),
        ] {
            assert_eq!(drawn(|b, a| super::share(b, a, share, plain, plain)), line, "{share}");
        }
    }

    #[test]
    fn a_burn_crosses_its_threshold_exactly_when_it_is_above_it() {
        let plain = Style::new();
        let line = |b: f64| drawn(|buf, a| burn(buf, a, b, 10.0, plain, plain, plain));
        assert_eq!(line(1.0), "━━──│───");
        assert_eq!(line(100.0), "━━━━│━──");
        assert_eq!(line(f64::INFINITY), "━━━━│━━━");
        assert_eq!(line(0.0), "────│───");
    }
}

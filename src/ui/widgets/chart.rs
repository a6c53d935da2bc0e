//! A ratio over time in braille, two samples to a column, with marks on the same axis. A zero is a faint line at the
//! bottom, missing data are nothing at all: the two never look alike.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::domain::Time;

use super::words::{columns, put, row};

/// One sample.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Sample {
    /// Begin of what it covers.
    pub from: Time,
    /// End of what it covers.
    pub to: Time,
    /// The ratio; `None` without traffic.
    pub ratio: Option<f64>,
}

/// Samples and the axes.
pub struct Chart<'a> {
    /// Samples.
    pub samples: &'a [Sample],
    /// Begin of the time axis.
    pub from: Time,
    /// Its end.
    pub to: Time,
    /// Upper end of the other axis, ratio.
    pub top: f64,
    /// Above this a sample is over the budget.
    pub budget: f64,
}

/// The styles of samples over the budget, within it, and of none at all.
#[derive(Clone, Copy)]
pub struct Shades {
    /// Over the budget.
    pub over: Style,
    /// Within it.
    pub within: Style,
    /// Zero.
    pub zero: Style,
}

impl Chart<'_> {
    /// The column of a point in time; `None` outside of the axis.
    pub fn column(&self, at: Time, width: u16) -> Option<u16> {
        let (span, into) = ((self.to - self.from).num_milliseconds(), (at - self.from).num_milliseconds());
        if span <= 0 || into < 0 || into > span || width == 0 {
            return None;
        }
        let column = into as f64 / span as f64 * f64::from(width);
        Some((column as u16).min(width - 1))
    }

    /// Draws it.
    pub fn draw(&self, area: Rect, buf: &mut Buffer, shades: Shades) {
        let halves = self.halves(area.width);
        for (x, pair) in halves.chunks(2).enumerate() {
            let worst = pair
                .iter()
                .flatten()
                .copied()
                .fold(None, |worst: Option<f64>, r| Some(worst.map_or(r, |w| w.max(r))));
            let Some(worst) = worst else { continue };
            let style = match worst {
                r if r <= 0.0 => shades.zero,
                r if r <= self.budget => shades.within,
                _ => shades.over,
            };
            for y in 0..area.height {
                let from_bottom = area.height - 1 - y;
                let dots =
                    |half: Option<&Option<f64>>| self.dots(half.copied().flatten(), area.height, from_bottom);
                let cell = braille(dots(pair.first()), dots(pair.get(1)));
                if cell != '\u{2800}' {
                    put(buf, columns(row(area, y), x as u16, 1), cell.encode_utf8(&mut [0; 4]), style);
                }
            }
        }
    }

    /// The worst ratio of each half column.
    fn halves(&self, width: u16) -> Vec<Option<f64>> {
        let count = usize::from(width) * 2;
        let mut halves = vec![None; count];
        let span = (self.to - self.from).num_milliseconds() as f64;
        if span <= 0.0 {
            return halves;
        }
        let place = |at: Time| (at - self.from).num_milliseconds() as f64 / span * count as f64;
        for sample in self.samples {
            let Some(ratio) = sample.ratio else { continue };
            let (first, end) = (place(sample.from).max(0.0), place(sample.to).min(count as f64));
            if end <= first {
                continue;
            }
            let (first, last) = (first as usize, (end.ceil() as usize).min(count));
            for half in halves.get_mut(first..last).into_iter().flatten() {
                let worst: Option<f64> = *half;
                *half = Some(worst.map_or(ratio, |w| w.max(ratio)));
            }
        }
        halves
    }

    /// Dots (0..=4) of a half column in the row that is `from_bottom` rows above the bottom.
    fn dots(&self, ratio: Option<f64>, height: u16, from_bottom: u16) -> u16 {
        let Some(ratio) = ratio else { return 0 };
        let all = f64::from(height) * 4.0;
        let level = if self.top > 0.0 { (ratio / self.top * all).round() } else { 0.0 };
        // Even a zero is one dot: it was measured.
        let level = level.clamp(1.0, all) as u16;
        level.saturating_sub(from_bottom * 4).min(4)
    }
}

/// A braille cell with its two columns filled from the bottom.
fn braille(left: u16, right: u16) -> char {
    const LEFT: [u32; 5] = [0, 0x40, 0x44, 0x46, 0x47];
    const RIGHT: [u32; 5] = [0, 0x80, 0xa0, 0xb0, 0xb8];
    let bits = LEFT[usize::from(left.min(4))] | RIGHT[usize::from(right.min(4))];
    char::from_u32(0x2800 + bits).unwrap_or(' ')
}

/// The next round ratio above `ratio`: 1, 2 or 5 times a power of ten percent, and 25 %.
pub fn round_up(ratio: f64) -> f64 {
    let steps = [0.000_1, 0.000_2, 0.000_5, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0];
    steps.into_iter().find(|step| *step >= ratio * 1.02).unwrap_or(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;

    #[test]
    fn a_zero_is_a_line_and_missing_data_are_nothing() {
        let at = |m: i64| Time::UNIX_EPOCH + TimeDelta::minutes(m);
        let sample = |m: i64, ratio| Sample { from: at(m), to: at(m + 1), ratio };
        let samples = [
            sample(0, Some(0.0)),
            sample(1, Some(0.0)),
            sample(2, None),
            sample(3, None),
            sample(4, Some(1.0)),
            sample(5, Some(0.5)),
        ];
        let chart = Chart { samples: &samples, from: at(0), to: at(6), top: 1.0, budget: 0.001 };
        let area = Rect::new(0, 0, 3, 2);
        let mut buf = Buffer::empty(area);
        let plain = Style::new();
        chart.draw(area, &mut buf, Shades { over: plain, within: plain, zero: plain });
        let rows: Vec<String> =
            buf.content().chunks(3).map(|r| r.iter().map(|c| c.symbol()).collect()).collect();
        assert_eq!(rows, ["  ⡇", "⣀ ⣿"]);
        assert_eq!(chart.column(at(3), 6), Some(3));
        assert_eq!(chart.column(at(7), 6), None);
    }
}

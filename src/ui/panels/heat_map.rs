//! How many requests took how long: a row for each bucket of the histogram, denser where more of a column's requests
//! are. A column without requests is empty; the last bucket is "over" its bound, because nobody knows how far.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::domain::format;
use crate::domain::latency::{Durations, Step};
use crate::domain::window::Window;
use crate::ui::look::Look;
use crate::ui::widgets::density;
use crate::ui::widgets::words::{Words, columns, put, put_right, row};

use super::latency::Latency;
use super::time_axis::{Axis, LABELS, body};

/// Buckets first..=last as one row of the map, with the rows on the screen that it takes.
struct Band {
    first: usize,
    last: usize,
    top: u16,
    rows: u16,
}

/// Bands of `count` buckets within `rows` rows, the slowest first, over all of the rows. The bucket without an upper
/// bound stands alone; the others are put together where there are too many.
fn bands(count: usize, rows: u16) -> Vec<Band> {
    let room = usize::from(rows);
    if count == 0 || room == 0 {
        return Vec::new();
    }
    let finite = count - 1;
    let shown = finite.min(room - 1);
    let mut ranges = vec![(finite, finite)];
    // From the slowest on: band n covers what lies between two even parts.
    let edge = |n: usize| finite - n * finite / shown.max(1);
    ranges.extend((0..shown).map(|n| (edge(n + 1), edge(n) - 1)));
    let all = ranges.len();
    let top = |n: usize| (n * room / all) as u16;
    let band = |(n, (first, last))| Band { first, last, top: top(n), rows: top(n + 1) - top(n) };
    ranges.into_iter().enumerate().map(band).collect()
}

/// Draws the map with its labels into `area`, whose first columns are the labels.
pub fn draw(look: &Look, latency: &Latency<'_>, axis: &Axis<'_>, area: Rect, buf: &mut Buffer) {
    let Latency::Measured(durations, step) = latency else {
        latency.draw_nothing(look, area, buf);
        return;
    };
    let body = body(area);
    let bands = bands(durations.bounds.len(), body.height);
    for band in &bands {
        let label = columns(row(area, band.top), 0, LABELS - 1);
        put_right(buf, label, &bound(durations, band.last), look.dim());
    }
    for x in 0..body.width {
        let Some(within) = column(durations, *step, axis, x, body.width) else { continue };
        let all = within.last().copied().unwrap_or(0.0);
        for band in &bands {
            let below = band.first.checked_sub(1).map_or(0.0, |n| within[n]);
            let Some(dense) = density::of((within[band.last] - below) / all) else { continue };
            for y in band.top..band.top + band.rows {
                let cell = columns(row(body, y), x, 1);
                put(buf, cell, density::STEPS[dense].1, shade(look, dense));
            }
        }
    }
    axis.marks(look, body, buf);
    axis.cursor(look, body, buf);
}

/// Requests within each bound in a column; `None` where there are none.
fn column(durations: &Durations, length: Window, axis: &Axis<'_>, x: u16, width: u16) -> Option<Vec<f64>> {
    let span = axis.to - axis.from;
    let edge = |x: u16| axis.from + span * i32::from(x) / i32::from(width);
    let (begin, end) = (edge(x), edge(x + 1));
    let first = durations.steps.partition_point(|step| step.end <= begin);
    let inside = durations.steps[first..].iter().take_while(|step| step.end - length.delta() < end);
    let mut sums = vec![0.0; durations.bounds.len()];
    for step in inside {
        sums.iter_mut().zip(&step.within).for_each(|(sum, count)| *sum += count);
    }
    sums.last().is_some_and(|all| *all > 0.0).then_some(sums)
}

fn shade(look: &Look, dense: usize) -> Style {
    [look.faint(), look.dim(), look.text(), look.text(), look.strong()][dense.min(4)]
}

/// The upper bound of a bucket in a label.
fn bound(durations: &Durations, n: usize) -> String {
    match durations.bounds[n] {
        bound if bound.is_finite() => format::duration(bound),
        _ => n.checked_sub(1).map_or("all".into(), |n| format!(">{}", format::duration(durations.bounds[n]))),
    }
}

/// The same in a sentence: `25 ms to 50 ms`, `over 10 s`.
fn between(durations: &Durations, n: usize) -> String {
    let low = n.checked_sub(1).map(|n| format::duration(durations.bounds[n]));
    match (low, durations.bounds[n]) {
        (Some(low), high) if high.is_finite() => format!("{low} to {}", format::duration(high)),
        (None, high) if high.is_finite() => format!("up to {}", format::duration(high)),
        (Some(low), _) => format!("over {low}"),
        (None, _) => "any time".into(),
    }
}

/// What is read under the cursor: how many requests, and where most of them are; else what the characters mean.
pub fn reading(look: &Look, latency: &Latency<'_>, axis: &Axis<'_>, area: Rect, buf: &mut Buffer) {
    match (latency.read(axis.cursor), axis.cursor) {
        (Some((at, step, durations)), Some(_)) => {
            axis.reading(look, at, fullest(look, durations, step), area, buf);
        }
        (None, Some(_)) => latency.reading(look, axis, area, buf),
        (Some(_), None) => {
            legend(look).draw(area, buf);
        }
        (None, None) => {}
    }
}

fn fullest(look: &Look, durations: &Durations, step: &Step) -> Words {
    let inside = |n: usize| step.within[n] - n.checked_sub(1).map_or(0.0, |n| step.within[n]);
    let most = (0..step.within.len()).max_by(|a, b| inside(*a).total_cmp(&inside(*b)));
    let Some(most) = most.filter(|_| step.total() > 0.0) else {
        return Words::of(look.dim(), "no requests");
    };
    Words::of(look.strong(), format::percent(inside(most) / step.total()))
        .and(look.dim(), format!(" of {} took ", format::count(step.total())))
        .and(look.text(), between(durations, most))
}

fn legend(look: &Look) -> Words {
    let mut words = Words::of(look.dim(), "of a column's requests  ");
    for (n, (least, symbol)) in density::STEPS.iter().enumerate() {
        words.push(shade(look, n), *symbol);
        let least = if n == 0 { "any".into() } else { format!("from {}", format::percent(*least)) };
        words.push(look.dim(), format!(" {least}  "));
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_share_rows_where_there_are_few_and_the_open_one_stands_alone() {
        let shape = |count, rows| {
            bands(count, rows).iter().map(|b| (b.first, b.last, b.top, b.rows)).collect::<Vec<_>>()
        };
        assert_eq!(shape(3, 3), [(2, 2, 0, 1), (1, 1, 1, 1), (0, 0, 2, 1)]);
        assert_eq!(shape(3, 7), [(2, 2, 0, 2), (1, 1, 2, 2), (0, 0, 4, 3)]);
        assert_eq!(shape(6, 4), [(5, 5, 0, 1), (4, 4, 1, 1), (2, 3, 2, 1), (0, 1, 3, 1)]);
        assert!(shape(0, 4).is_empty() && shape(4, 0).is_empty());
        assert_eq!(shape(4, 1), [(3, 3, 0, 1)]);
    }
}

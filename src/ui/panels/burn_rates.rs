//! Burn of each window pair against the threshold that the rules use, on a logarithmic scale: a pair burns when both of
//! its lines cross their tick, so both are in one row.

use chrono::TimeDelta;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::domain::format;
use crate::domain::slo::{Severity, Slo, WindowPair};
use crate::domain::value::Value;
use crate::domain::window::Window;
use crate::engine::investigate::Study;
use crate::ui::look::{Look, bold};
use crate::ui::widgets::gauge;
use crate::ui::widgets::words::{columns, put, put_right, row};

/// Columns of a window's name, of its burn, and of the threshold.
const NAME: u16 = 4;
const BURN: u16 = 7;
const LIMIT: u16 = 17;

/// Rows that all pairs take.
pub fn rows(slo: &Slo) -> u16 {
    slo.pairs.len().min(8) as u16
}

/// Draws as many pairs as `area` has rows, the most severe first.
pub fn draw(look: &Look, slo: &Slo, study: Option<&Study>, area: Rect, buf: &mut Buffer) {
    for (n, pair) in slo.pairs.iter().take(usize::from(area.height)).enumerate() {
        one(look, slo, study, pair, row(area, n as u16), buf);
    }
}

fn one(look: &Look, slo: &Slo, study: Option<&Study>, pair: &WindowPair, area: Rect, buf: &mut Buffer) {
    let half = area.width.saturating_sub(LIMIT) / 2;
    side(look, slo, pair.short, pair, columns(area, 0, half), buf);
    side(look, slo, pair.long, pair, columns(area, half, half), buf);
    let short = [pair.short, pair.long].map(|window| (window, study.and_then(|s| s.covered(window))));
    let covered = short.into_iter().find_map(|(w, data)| Some((w, data.filter(|data| *data < w.delta())?)));
    put(buf, columns(area, half * 2 + 1, LIMIT - 1), &limit(pair, covered), look.dim());
}

/// The threshold; where a window is longer than its data, how much there is: that is rarer, and changes what is read.
fn limit(pair: &WindowPair, covered: Option<(Window, TimeDelta)>) -> String {
    match covered {
        Some((window, data)) => format!("({window}: {} data)", format::span(data)),
        None => format!("{} > {}", pair.severity.word(), format::burn(pair.factor)),
    }
}

/// One window of a pair: name, line with its threshold, burn.
fn side(look: &Look, slo: &Slo, window: Window, pair: &WindowPair, area: Rect, buf: &mut Buffer) {
    put_right(buf, columns(area, 0, NAME), &window.to_string(), look.dim());
    let wide = area.width.saturating_sub(NAME + 1 + BURN);
    let burn = slo.burn(window);
    let over = matches!(burn, Value::Number(b) if b > pair.factor);
    let style = match (over, pair.severity, burn) {
        (true, Severity::Page, _) => look.bad(),
        (true, Severity::Ticket, _) => look.attention(),
        (false, _, Value::Number(_)) => look.good(),
        _ => look.dim(),
    };
    let number = match (over, burn) {
        (true, _) => bold(style),
        (false, Value::Number(_)) => look.text(),
        _ => look.dim(),
    };
    let Value::Number(shown) = burn else {
        // The word for why there is no number needs the room of the line.
        put_right(buf, columns(area, NAME + 1, wide + BURN), &format::burn_value(burn), number);
        return;
    };
    let line = columns(area, NAME + 1, wide);
    gauge::burn(buf, line, shown, pair.factor, style, look.track(), look.text());
    put_right(buf, columns(area, NAME + 1 + wide, BURN), &format::burn_value(burn), number);
}

//! Burn per window against its threshold, on a logarithmic scale: a pair burns when both of its lines cross the tick.

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

/// Each window once, with the most severe pair that it belongs to.
fn windows(slo: &Slo) -> Vec<(Window, &WindowPair)> {
    let mut found: Vec<(Window, &WindowPair)> = Vec::new();
    for pair in &slo.pairs {
        for window in [pair.short, pair.long] {
            if !found.iter().any(|(known, _)| *known == window) {
                found.push((window, pair));
            }
        }
    }
    found
}

/// Rows that all windows take.
pub fn rows(slo: &Slo) -> u16 {
    windows(slo).len().min(8) as u16
}

/// Draws as many windows as `area` has rows, the most severe pair first.
pub fn draw(look: &Look, slo: &Slo, study: Option<&Study>, area: Rect, buf: &mut Buffer) {
    for (n, (window, pair)) in windows(slo).into_iter().take(usize::from(area.height)).enumerate() {
        let covered = study.and_then(|s| s.covered(window)).filter(|data| *data < window.delta());
        one(look, slo, (window, covered), pair, row(area, n as u16), buf);
    }
}

fn one(
    look: &Look,
    slo: &Slo,
    (window, covered): (Window, Option<TimeDelta>),
    pair: &WindowPair,
    area: Rect,
    buf: &mut Buffer,
) {
    const NAME: u16 = 4;
    const BURN: u16 = 10;
    const LIMIT: u16 = 16;
    put_right(buf, columns(area, 0, NAME), &window.to_string(), look.dim());
    let wide = area.width.saturating_sub(NAME + 1 + BURN + 2 + LIMIT);
    let line = columns(area, NAME + 1, wide);
    let burn = slo.burn(window);
    let over = matches!(burn, Value::Number(b) if b > pair.factor);
    let style = match (over, pair.severity, burn) {
        (true, Severity::Page, _) => look.bad(),
        (true, Severity::Ticket, _) => look.attention(),
        (false, _, Value::Number(_)) => look.good(),
        _ => look.dim(),
    };
    let shown = burn.number().unwrap_or(0.0);
    gauge::burn(buf, line, shown, pair.factor, style, look.track(), look.text());
    let number = if over {
        bold(style)
    } else if burn.number().is_some() {
        look.text()
    } else {
        look.dim()
    };
    put_right(buf, columns(area, NAME + 1 + wide, BURN), &format::burn_value(burn), number);
    // The tick on the line stands for the threshold where the words are needed for something else.
    let limit = match covered {
        Some(data) => format!("({} of data)", format::span(data)),
        None => format!("{} > {}", pair.severity.word(), format::burn(pair.factor)),
    };
    put(buf, columns(area, NAME + 1 + wide + BURN + 2, LIMIT), &limit, look.dim());
}

//! The seven gates in the order in which they are read out, each with its word and its sentence.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::domain::verdict::{GateResult, GateState};
use crate::ui::look::{Look, bold};
use crate::ui::widgets::text::{wrap, wrap_within};
use crate::ui::widgets::words::{columns, from, put, row};

/// Columns before the sentence: state and name.
pub const NAME: u16 = 20;

/// The word on the screen and its style: what does not pass stands out without colour too.
pub fn word(look: &Look, state: GateState) -> (&'static str, Style) {
    match state {
        GateState::Pass => ("pass", look.good()),
        GateState::Fail => ("FAIL", bold(look.bad())),
        GateState::Unknown => ("unknown", look.dim()),
    }
}

/// Draws one gate; a sentence that is longer than its rows is cut. Returns the rows used.
pub fn one(look: &Look, gate: &GateResult, rows: u16, area: Rect, buf: &mut Buffer) -> u16 {
    let (word, style) = word(look, gate.state);
    let passed = gate.state == GateState::Pass;
    put(buf, columns(area, 0, 7), word, style);
    put(buf, columns(area, 8, 12), gate.gate.name(), look.text());
    let sentence = from(area, NAME);
    let lines = wrap_within(gate.line.as_str(), usize::from(sentence.width), usize::from(rows.max(1)));
    for (n, line) in lines.iter().enumerate() {
        put(buf, row(sentence, n as u16), line, if passed { look.dim() } else { look.text() });
    }
    lines.len() as u16
}

/// Draws one gate in short, with a mark instead of the word.
pub fn short(look: &Look, gate: &GateResult, area: Rect, buf: &mut Buffer) {
    let (_, style) = word(look, gate.state);
    let (mark, text) = match gate.state {
        GateState::Pass => ("✓", look.dim()),
        GateState::Fail => ("✕", look.text()),
        GateState::Unknown => ("?", look.text()),
    };
    put(buf, columns(area, 0, 1), mark, style);
    let name = if gate.state == GateState::Fail { bold(style) } else { look.text() };
    put(buf, columns(area, 2, 12), gate.gate.name(), name);
    put(buf, from(area, 15), gate.line.as_str(), text);
}

/// Rows that a gate's whole sentence takes.
pub fn rows(gate: &GateResult, width: u16) -> u16 {
    wrap(gate.line.as_str(), usize::from(width.saturating_sub(NAME))).len() as u16
}

//! What stands between the person and the truth: sources that are down or forbidden, a journal that cannot be written,
//! clocks that differ. One line each with the reason and the next step; nothing when all is well.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::domain::format;
use crate::domain::signal::Health;
use crate::engine::state::State;
use crate::ui::look::Look;
use crate::ui::widgets::text::{self, fit, wrap_within};
use crate::ui::widgets::words::{Words, from, row};

/// Clocks that differ by less are the same.
const CLOCK: i64 = 5_000;

/// One of them.
pub struct Notice {
    style: Style,
    label: String,
    text: String,
}

/// The lines of `width`, most important first; a long one takes a second line.
pub fn lines(look: &Look, state: &State, small: bool, width: u16) -> Vec<Words> {
    let mut lines = Vec::new();
    for notice in notices(look, state, small) {
        let room = usize::from(width).saturating_sub(text::width(&notice.label) + 4);
        for (n, line) in wrap_within(&notice.text, room, 2).into_iter().enumerate() {
            let label = if n == 0 {
                format!("! {} ", notice.label)
            } else {
                " ".repeat(text::width(&notice.label) + 3)
            };
            lines.push(Words::of(notice.style, label).and(look.text(), line));
        }
    }
    lines
}

fn notices(look: &Look, state: &State, small: bool) -> Vec<Notice> {
    let notice = |style, label: &str, text: String| Notice { style, label: label.to_owned(), text };
    let mut all = Vec::new();
    if small {
        let text = "smaller than 80x24: nothing can be approved here".to_owned();
        all.push(notice(look.attention(), "screen", text));
    }
    if let Some(why) = state.journal_closed() {
        all.push(notice(look.bad(), "journal", format!("cannot be written, nothing can be approved: {why}")));
    }
    for (source, known) in &state.world.sources {
        if let Health::Down(why) = &known.health {
            let heard = known.heard.map(|at| format!(" (last heard {})", format::since(at, state.now)));
            let text = format!("{why}{}", heard.unwrap_or_default());
            all.push(notice(look.bad(), &format!("{} down", source.name()), text));
        }
    }
    all.extend(forbidden(look, state));
    for (source, ms) in state.world.clocks.iter().filter(|(_, ms)| ms.abs() > CLOCK) {
        let text = format!("of {} differs from ours by {} s", source.name(), ms / 1_000);
        all.push(notice(look.attention(), "clock", text));
    }
    for warning in state.world.warnings.iter().take(1) {
        all.push(notice(look.attention(), "prom partial", warning.to_string()));
    }
    all
}

/// All kinds that may not be read as one notice, with the first one's hint.
fn forbidden(look: &Look, state: &State) -> Option<Notice> {
    let mut names = Vec::new();
    let mut hint = None;
    for (source, known) in &state.world.sources {
        if let Health::Forbidden(why) = &known.health {
            names.push(source.name());
            hint.get_or_insert(why);
        }
    }
    let text = format!("{}: {}", names.join(", "), hint?);
    Some(Notice { style: look.attention(), label: "forbidden".into(), text })
}

/// Draws as many as `area` has rows; the last row says how many more there are.
pub fn draw(look: &Look, lines: &[Words], area: Rect, buf: &mut Buffer) {
    let rows = usize::from(area.height);
    for (n, line) in lines.iter().take(rows).enumerate() {
        let more = lines.len() - rows.min(lines.len());
        let area = from(row(area, n as u16), 1);
        line.draw(area, buf);
        if n + 1 == rows && more > 0 {
            let text = fit(&format!("  +{more} more (l)"), usize::from(area.width));
            Words::of(look.dim(), text).draw_right(area, buf);
        }
    }
}

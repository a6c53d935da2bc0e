//! Help, printed from the keymap: what each key does here, then on the other screen, then what no keymap can bind.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::engine::state::State;
use crate::ui::commands;
use crate::ui::look::{Look, bold};
use crate::ui::widgets::words::{Words, below, columns, from, put, row};

use super::{footer, header};

/// Columns of the keys.
const KEYS: u16 = 12;
/// From here on both contexts, side by side.
const WIDE: u16 = 110;

/// Draws the help of the screen that it is laid over.
pub fn draw(look: &Look, state: &State, area: Rect, buf: &mut Buffer) {
    header::draw(look, state, row(area, 0), buf);
    let here = commands::context(state);
    let other = if here == "main" { "card" } else { "main" };
    let body = Rect { height: area.height.saturating_sub(2), ..below(area, 1) };
    let both = body.width >= WIDE;
    let width = if both { body.width / 2 } else { body.width };
    let used = context(look, here, Rect { width, ..body }, buf);
    typing(look, below(Rect { width, ..body }, used + 1), buf);
    if both {
        context(look, other, from(body, width), buf);
    }
    let keys = vec![("any key".to_owned(), "closes the help".to_owned())];
    footer::draw_keys(look, keys, 1, row(area, area.height.saturating_sub(1)), buf);
}

/// Draws the commands of one context; returns the rows used.
fn context(look: &Look, name: &str, area: Rect, buf: &mut Buffer) -> u16 {
    let title = match name {
        "main" => "MAIN SCREEN",
        "page" => "PODS, LOG, ALERT, REVISION, DIFF",
        _ => "CARD, EVIDENCE, MODEL",
    };
    put(buf, from(row(area, 0), 1), title, look.dim());
    let lines = lines(look, name);
    for (n, (keys, help)) in lines.iter().enumerate() {
        let place = row(area, 1 + n as u16);
        put(buf, columns(place, 1, KEYS - 1), keys, look.key());
        put(buf, columns(from(place, 1), KEYS, place.width.saturating_sub(KEYS + 2)), help, look.text());
    }
    1 + lines.len() as u16
}

/// Keys and what they do; the ranges of the chart are one line, and there and back are one.
fn lines(look: &Look, name: &str) -> Vec<(String, String)> {
    let mut lines: Vec<(String, String)> = Vec::new();
    let mut ranges = false;
    for line in look.keymap.help(name) {
        let keys = look.keymap.keys_for(name, line.command).join(" ");
        let keys = if keys.is_empty() { "no key".to_owned() } else { keys };
        let back = match line.command {
            "down" => Some("one line up, down"),
            "page_down" => Some("one page up, down"),
            _ => None,
        };
        if let (Some(both), Some(last)) = (back, lines.last_mut()) {
            last.0.push_str(&format!(" {keys}"));
            last.1 = both.into();
        } else if !line.command.starts_with("range_") {
            lines.push((keys, line.help.to_owned()));
        } else if !ranges {
            ranges = true;
            lines.push((keys, "chart over 1 hour, 6 hours, 1 day, 7 days, 30 days".into()));
        } else if let Some(last) = lines.last_mut() {
            last.0.push_str(&format!(" {keys}"));
        }
    }
    lines
}

/// What is typed and cannot be bound.
fn typing(look: &Look, area: Rect, buf: &mut Buffer) {
    let lines = [
        ("approving", "is typed: a token, never one key"),
        ("tab", "in a reason: names the next gate"),
        ("ctrl+s", "in the edit form: a new card; on the model's page: keeps the text"),
    ];
    for (n, (key, text)) in lines.into_iter().enumerate() {
        let line = Words::of(bold(look.accent()), format!("{key:<width$}", width = usize::from(KEYS)));
        line.and(look.text(), text).draw(from(row(area, n as u16), 1), buf);
    }
}

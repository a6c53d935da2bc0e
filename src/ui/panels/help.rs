//! Help, printed from the keymap: what each key does here, then on the other screen, then what no keymap can bind, and
//! where configuration, theme and keymap come from. What does not fit is scrolled, never left out.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::engine::drill;
use crate::engine::state::State;
use crate::engine::view::Screen;
use crate::ui::commands;
use crate::ui::look::{Look, bold};
use crate::ui::widgets::text::wrap;
use crate::ui::widgets::words::{Words, below, columns, from, put_right, row};

use super::{footer, header};

/// All contexts, in the order in which they are told.
const CONTEXTS: [&str; 4] = ["drill", "main", "card", "page"];
/// Columns of the keys, at least.
const KEYS: usize = 12;
/// From here on both contexts, side by side.
const WIDE: u16 = 110;

/// Draws the help of the screen that it is laid over.
pub fn draw(look: &Look, state: &State, area: Rect, buf: &mut Buffer) {
    if state.view.screen == Screen::Contexts {
        // Nothing is connected that a header could tell of.
        header::bar(look, state, row(area, 0), buf);
    } else {
        header::draw(look, state, row(area, 0), buf);
    }
    // The answers are what a question is about, whichever page it is looked at from.
    let here = if drill::hides(state) { "drill" } else { commands::context(state) };
    let body = Rect { height: area.height.saturating_sub(2), ..below(area, 1) };
    let both = body.width >= WIDE;
    let width = if both { body.width / 2 } else { body.width };
    let inner = usize::from(width.saturating_sub(2));
    let others = CONTEXTS.into_iter().filter(|name| *name != here);
    let others = others.filter(|name| *name != "drill" || state.drill.is_some());
    let mut left = context(look, here, inner);
    let mut right = Vec::new();
    let more = [typed(look, inner), origin(look, inner)];
    for section in others.map(|name| context(look, name, inner)).chain(more) {
        let shorter = if both && right.len() < left.len() { &mut right } else { &mut left };
        shorter.extend(section);
    }
    let lines = left.len().max(right.len());
    let last = lines.saturating_sub(usize::from(body.height));
    look.places.note_lines(last + 1);
    let first = state.view.help_scroll.min(last);
    column(&left, first, Rect { width, ..body }, buf);
    column(&right, first, from(body, width), buf);
    let mut keys = Vec::new();
    if last > 0 {
        let moves: Vec<String> =
            ["down", "page_down"].iter().filter_map(|command| look.key_of("main", command)).collect();
        keys.push((moves.join(" "), "more".to_owned()));
    }
    keys.push(("any other key".to_owned(), "closes the help".to_owned()));
    let bottom = row(area, area.height.saturating_sub(1));
    footer::draw_keys(look, keys, 1, bottom, buf);
    if last > 0 {
        let shown = (first + usize::from(body.height)).min(lines);
        put_right(buf, bottom, &format!("lines {}-{shown} of {lines} ", first + 1), look.dim());
    }
}

fn column(lines: &[Words], first: usize, area: Rect, buf: &mut Buffer) {
    let place = Rect { width: area.width.saturating_sub(2), ..from(area, 1) };
    for (n, line) in lines.iter().skip(first).take(usize::from(area.height)).enumerate() {
        line.draw(columns(row(place, n as u16), 0, place.width), buf);
    }
}

/// A line of keys and what they do, on as many rows as it takes.
fn line(look: &Look, keys: &str, help: &str, room: usize, wide: usize) -> Vec<Words> {
    let rows = wrap(help, room.saturating_sub(wide + 1).max(8));
    let keys = wrap(keys, wide);
    let mut lines = Vec::new();
    for n in 0..rows.len().max(keys.len()) {
        let keys = keys.get(n).map_or("", String::as_str);
        let text = rows.get(n).map_or("", String::as_str);
        lines.push(
            Words::of(look.key(), keys.to_owned())
                .and(look.text(), pad(keys, wide + 1))
                .and(look.text(), text),
        );
    }
    lines
}

fn pad(text: &str, columns: usize) -> String {
    " ".repeat(columns.saturating_sub(crate::ui::widgets::text::width(text)).max(1))
}

/// The commands of one context.
fn context(look: &Look, name: &str, room: usize) -> Vec<Words> {
    let title = match name {
        "main" => "MAIN SCREEN, LOG, INBOX",
        "page" => "PODS, LOG OF A POD, ALERT, REVISION, DIFF",
        "drill" => "A DRILL'S QUESTION",
        _ => "CARD, EVIDENCE, MODEL",
    };
    let lines = keys(look, name);
    let longest = lines.iter().map(|(keys, _)| crate::ui::widgets::text::width(keys)).max().unwrap_or(0);
    let wide = longest.clamp(KEYS, (room / 3).max(KEYS));
    let mut all = vec![Words::of(look.dim(), title)];
    all.extend(lines.iter().flat_map(|(keys, help)| line(look, keys, help, room, wide)));
    all.push(Words::new());
    all
}

/// Keys and what they do; the ranges of the chart are one line, and there and back are one.
fn keys(look: &Look, name: &str) -> Vec<(String, String)> {
    let mut lines: Vec<(String, String)> = Vec::new();
    let mut ranges = false;
    for line in look.keymap.help(name) {
        let keys = look.keymap.shown_for(name, line.command).join(" ");
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

/// What is typed or pointed at and cannot be bound.
fn typed(look: &Look, room: usize) -> Vec<Words> {
    let lines = [
        ("approving", "is typed: a token, never one key"),
        ("tab", "in a reason: names the next gate; in the palette: completes"),
        ("ctrl+s", "in the edit form: a new card; on the model's page: keeps the text"),
        ("mouse", "selects and scrolls, decides nothing; with shift the terminal's own"),
    ];
    let mut all = vec![Words::of(look.dim(), "NOT IN THE KEYMAP")];
    all.extend(lines.into_iter().flat_map(|(key, text)| line(look, key, text, room, KEYS)));
    all.push(Words::new());
    all
}

/// Where it comes from how it looks and what it does.
fn origin(look: &Look, room: usize) -> Vec<Words> {
    let origin = &look.origin;
    let told = [("config", &origin.config), ("theme", &origin.theme), ("keymap", &origin.keymap)];
    let told: Vec<_> = told.into_iter().filter(|(_, from)| !from.is_empty()).collect();
    if told.is_empty() {
        return Vec::new();
    }
    let mut all = vec![Words::of(look.dim(), "FROM")];
    for (what, from) in told {
        for (n, text) in wrap(from, room.saturating_sub(KEYS + 1).max(8)).into_iter().enumerate() {
            let what = if n == 0 { what } else { "" };
            let words = Words::of(bold(look.text()), what).and(look.text(), pad(what, KEYS + 1));
            all.push(words.and(look.dim(), text));
        }
    }
    all
}

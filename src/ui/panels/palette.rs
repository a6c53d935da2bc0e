//! The palette, laid over the upper part of the screen: one line of text, below it what it finds, the best first. What
//! cannot be done here is dim and says why.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::domain::clean::Clean;
use crate::engine::state::State;
use crate::ui::look::Look;
use crate::ui::mouse::Target;
use crate::ui::palette::{self, Entry};
use crate::ui::widgets::text::{tail, width};
use crate::ui::widgets::words::{Words, below, columns, from, put, put_right, row, rule, tint};

use super::footer;

/// Most rows of what is found.
const ROWS: u16 = 16;
/// Columns of the word for the kind.
const KIND: u16 = 10;
/// Columns of the keys.
const KEYS: u16 = 12;

/// Draws it.
pub fn draw(look: &Look, state: &State, area: Rect, buf: &mut Buffer) {
    let Some(open) = &state.view.palette else { return };
    let found = palette::find(&look.keymap, state);
    // Input, rule, rows, rule; the header above and the keys below stay.
    let rows = ROWS.min(area.height.saturating_sub(5)).max(1);
    let place = Rect { height: (rows + 3).min(area.height.saturating_sub(1)), ..below(area, 1) };
    let bottom = row(area, area.height.saturating_sub(1));
    clear(look, place, buf);
    clear(look, bottom, buf);
    input(look, &open.text, found.len(), row(place, 0), buf);
    rule(buf, row(place, 1), look.faint());
    let list = Rect { height: place.height.saturating_sub(3), ..below(place, 2) };
    self::list(look, state, &found, list, buf);
    rule(buf, row(place, place.height.saturating_sub(1)), look.faint());
    let keys = [("enter", "run"), ("tab", "complete"), ("↑↓", "choose"), ("esc", "leave")];
    let keys = keys.into_iter().map(|(key, word)| (key.to_owned(), word.to_owned())).collect();
    footer::draw_keys(look, keys, 1, bottom, buf);
}

/// An empty place with the background of a proposal.
fn clear(look: &Look, area: Rect, buf: &mut Buffer) {
    for position in area.intersection(buf.area).positions() {
        if let Some(cell) = buf.cell_mut(position) {
            cell.reset();
        }
    }
    tint(buf, area, look.ground());
    tint(buf, area, look.proposal());
}

fn input(look: &Look, text: &str, found: usize, area: Rect, buf: &mut Buffer) {
    let count = if found == 1 { " 1 match ".to_owned() } else { format!(" {found} matches ") };
    put_right(buf, area, &count, look.dim());
    let room = usize::from(area.width).saturating_sub(width(&count) + 4);
    let text = tail(Clean::new(text).as_str(), room);
    let mut words = Words::of(look.key(), ":").and(look.strong(), text.clone()).and(look.accent(), "▏");
    if text.is_empty() {
        words.push(look.dim(), " a command, an SLO, a workload, a range, a filter, a screen");
    }
    words.draw(Rect { width: area.width.saturating_sub(count.len() as u16 + 1), ..from(area, 1) }, buf);
}

fn list(look: &Look, state: &State, found: &[Entry], area: Rect, buf: &mut Buffer) {
    let Some((at, _)) = palette::chosen(state, found) else {
        put(buf, from(area, 2), "nothing fits; backspace corrects", look.dim());
        return;
    };
    let rows = usize::from(area.height).max(1);
    let first = (at + 1).saturating_sub(rows);
    // The longest name decides, so that the columns line up.
    let shown = || found.iter().enumerate().skip(first).take(rows);
    let longest = shown().map(|(_, entry)| width(&entry.name)).max().unwrap_or(0) as u16;
    let name = longest.min(area.width.saturating_sub(KIND + KEYS + 4) * 3 / 5).max(12);
    for (y, (n, entry)) in shown().enumerate() {
        let place = row(area, y as u16);
        look.places.note(place, Target::Entry(n));
        if n == at {
            tint(buf, place, look.selection());
            put(buf, place, "▌", look.accent());
        }
        one(look, entry, n == at, name, place, buf);
    }
    let hidden = found.len().saturating_sub(first + rows);
    if hidden > 0 {
        let rule = Rect { y: area.bottom(), height: 1, ..area };
        put_right(buf, rule, &format!(" {hidden} more below "), look.dim());
    }
}

fn one(look: &Look, entry: &Entry, chosen: bool, name: u16, area: Rect, buf: &mut Buffer) {
    let possible = entry.choice.is_ok();
    let style = match (possible, chosen) {
        (true, true) => look.strong(),
        (true, false) => look.text(),
        (false, _) => look.dim(),
    };
    put(buf, columns(area, 1, KIND - 1), entry.kind.word(), look.dim());
    put(buf, columns(area, 1 + KIND, name), &entry.name, style);
    let keys = Rect { width: area.width.saturating_sub(1), ..area };
    put_right(buf, keys, &entry.keys, if possible { look.key() } else { look.dim() });
    let at = 1 + KIND + name + 2;
    let room = area.width.saturating_sub(at + 2 + width(&entry.keys) as u16);
    let help = columns(area, at, room);
    match &entry.choice {
        Ok(_) => Words::of(look.dim(), entry.help.clone()).draw(help, buf),
        Err(why) => Words::of(look.dim(), format!("not here: {why}; "))
            .and(look.faint(), entry.help.clone())
            .draw(help, buf),
    };
}

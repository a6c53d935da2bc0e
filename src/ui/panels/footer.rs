//! The keys that do something here, printed from the keymap. A command without a key is not shown; what does not fit
//! is left out from the end, but never the way out.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::ui::look::Look;
use crate::ui::widgets::words::{Words, from, tint};

/// A command and the word beside its key.
pub type Entry = (&'static str, &'static str);

/// What stands last and stays.
const KEPT: [&str; 4] = ["palette", "help", "quit", "back"];

/// Draws the keys of `entries`, which are commands of `context`.
pub fn draw(look: &Look, context: &str, entries: &[Entry], area: Rect, buf: &mut Buffer) {
    let keys =
        entries.iter().filter_map(|(command, word)| Some((key(look, context, command)?, (*word).to_owned())));
    // The palette, which finds all the others, help and the way out are kept longest.
    let last = entries.iter().rev().take_while(|(command, _)| KEPT.contains(command)).count();
    draw_keys(look, keys.collect(), last.max(2), area, buf);
}

/// Up and down are one entry.
fn key(look: &Look, context: &str, command: &str) -> Option<String> {
    if command == "up" {
        let (up, down) = (look.key_of(context, "up")?, look.key_of(context, "down")?);
        return Some(format!("{up}{down}"));
    }
    if command == "range_1" {
        let (first, last) = (look.key_of(context, "range_1")?, look.key_of(context, "range_5")?);
        return Some(format!("{first}-{last}"));
    }
    look.key_of(context, command)
}

/// Draws keys with their words; where there is no room they are left out from the end, but for the last `kept`.
pub fn draw_keys(look: &Look, mut keys: Vec<(String, String)>, kept: usize, area: Rect, buf: &mut Buffer) {
    tint(buf, area, look.bar());
    let line = |keys: &[(String, String)]| {
        let mut words = Words::new();
        for (n, (key, word)) in keys.iter().enumerate() {
            words.push(look.text(), if n == 0 { "" } else { "  " });
            words.push(look.key(), key.clone());
            words.push(look.dim(), format!(" {word}"));
        }
        words
    };
    while line(&keys).width() + 2 > usize::from(area.width) && keys.len() > kept {
        keys.remove(keys.len() - kept - 1);
    }
    line(&keys).draw(from(area, 1), buf);
}

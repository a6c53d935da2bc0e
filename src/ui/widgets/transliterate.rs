//! For terminals that show no more than ASCII: every other symbol of a drawn frame becomes one that means the same.

use ratatui::buffer::Buffer;

const SAME: [(&str, &str); 39] = [
    ("─", "-"),
    ("━", "="),
    ("╸", "-"),
    ("│", "|"),
    ("┃", "#"),
    ("┊", ":"),
    ("└", "+"),
    ("┴", "+"),
    ("▌", "|"),
    ("▏", "_"),
    ("▶", ">"),
    ("●", "@"),
    ("◆", "*"),
    ("○", "o"),
    ("✕", "x"),
    ("✓", "+"),
    ("→", ">"),
    ("↑", "^"),
    ("↓", "v"),
    ("←", "<"),
    ("×", "x"),
    ("·", "."),
    ("…", "~"),
    ("“", "\""),
    ("”", "\""),
    ("’", "'"),
    ("—", "-"),
    ("–", "-"),
    ("▲", "^"),
    ("◂", "<"),
    ("▸", ">"),
    ("☐", "o"),
    ("☑", "x"),
    ("⏎", "<"),
    ("°", "o"),
    ("░", ":"),
    ("▒", "+"),
    ("▓", "*"),
    ("█", "#"),
];

/// `text` with every character spelled out that would become one with another character: for what a person approves. What stays
/// is what our own sentences are made of.
pub fn spelled(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii() || ['→', '…', '“', '”'].contains(&c) {
            out.push(c);
        } else {
            out.push_str(&format!("<u+{:04x}>", u32::from(c)));
        }
    }
    out
}

/// Rewrites all of `buf`.
pub fn to_ascii(buf: &mut Buffer) {
    for cell in &mut buf.content {
        let symbol = cell.symbol();
        if symbol.is_ascii() {
            continue;
        }
        let same = SAME.iter().find(|(from, _)| *from == symbol).map(|(_, to)| *to);
        let first = symbol.chars().next().unwrap_or(' ');
        let ascii = same.unwrap_or(match first {
            '\u{2800}'..='\u{28ff}' => match (first as u32 - 0x2800).count_ones() {
                0 => " ",
                1..=2 => ".",
                3..=5 => ":",
                _ => "#",
            },
            _ => "?",
        });
        cell.set_symbol(ascii);
    }
}

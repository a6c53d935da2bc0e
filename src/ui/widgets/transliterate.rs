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

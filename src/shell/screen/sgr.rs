//! Styles in the fewest bytes: only what changes, the short forms of the sixteen colours, and everything at once from
//! the beginning where that is shorter.

use std::io::Write as _;

use ratatui::style::{Color, Modifier};

use super::sheet::Pen;

/// What switches each attribute on, and what switches it off.
const ATTRIBUTES: [(Modifier, u8, u8); 9] = [
    (Modifier::BOLD, 1, 22),
    (Modifier::DIM, 2, 22),
    (Modifier::ITALIC, 3, 23),
    (Modifier::UNDERLINED, 4, 24),
    (Modifier::SLOW_BLINK, 5, 25),
    (Modifier::RAPID_BLINK, 6, 25),
    (Modifier::REVERSED, 7, 27),
    (Modifier::HIDDEN, 8, 28),
    (Modifier::CROSSED_OUT, 9, 29),
];

/// Appends what turns the style of `from` into that of `to`; addresses are not its subject.
pub fn change(from: Pen, to: Pen, out: &mut Vec<u8>) {
    if (from.fg, from.bg, from.modifier) == (to.fg, to.bg, to.modifier) {
        return;
    }
    let step = stepwise(from, to);
    let anew = anew(to);
    out.extend_from_slice(b"\x1b[");
    out.extend_from_slice(if anew.len() < step.len() { &anew } else { &step });
    out.push(b'm');
}

/// Only the differences.
fn stepwise(from: Pen, to: Pen) -> Vec<u8> {
    let mut codes = Vec::with_capacity(24);
    let mut off = Vec::with_capacity(4);
    for (attribute, _, code) in ATTRIBUTES {
        if from.modifier.contains(attribute) && !to.modifier.contains(attribute) && !off.contains(&code) {
            off.push(code);
            number(code, &mut codes);
        }
    }
    for (attribute, code, switch) in ATTRIBUTES {
        // One code switches two of them off: what stays is switched on again.
        let lost = off.contains(&switch) || !from.modifier.contains(attribute);
        if to.modifier.contains(attribute) && lost {
            number(code, &mut codes);
        }
    }
    if from.fg != to.fg {
        colour(to.fg, 0, &mut codes);
    }
    if from.bg != to.bg {
        colour(to.bg, 10, &mut codes);
    }
    codes
}

/// Everything, after all was reset. The reset is the empty first parameter.
fn anew(to: Pen) -> Vec<u8> {
    let mut codes = Vec::with_capacity(24);
    for (attribute, code, _) in ATTRIBUTES {
        if to.modifier.contains(attribute) {
            number(code, &mut codes);
        }
    }
    for (part, ground) in [(to.fg, 0), (to.bg, 10)] {
        if part != Color::Reset {
            colour(part, ground, &mut codes);
        }
    }
    if !codes.is_empty() {
        codes.insert(0, b';');
    }
    codes
}

fn number(code: u8, codes: &mut Vec<u8>) {
    divide(codes);
    let _ = write!(codes, "{code}");
}

fn divide(codes: &mut Vec<u8>) {
    if !codes.is_empty() {
        codes.push(b';');
    }
}

/// `ground` is 0 for letters and 10 for what is behind them.
fn colour(colour: Color, ground: u8, codes: &mut Vec<u8>) {
    let ansi = |n: u8| if n < 8 { 30 + n + ground } else { 82 + n + ground };
    divide(codes);
    let _ = match colour {
        Color::Reset => write!(codes, "{}", 39 + ground),
        Color::Rgb(r, g, b) => write!(codes, "{};2;{r};{g};{b}", 38 + ground),
        Color::Indexed(n @ 16..) => write!(codes, "{};5;{n}", 38 + ground),
        Color::Indexed(n) => write!(codes, "{}", ansi(n)),
        named => write!(codes, "{}", ansi(place(named))),
    };
}

/// Place of a named colour among the sixteen.
fn place(named: Color) -> u8 {
    match named {
        Color::Red => 1,
        Color::Green => 2,
        Color::Yellow => 3,
        Color::Blue => 4,
        Color::Magenta => 5,
        Color::Cyan => 6,
        Color::Gray => 7,
        Color::DarkGray => 8,
        Color::LightRed => 9,
        Color::LightGreen => 10,
        Color::LightYellow => 11,
        Color::LightBlue => 12,
        Color::LightMagenta => 13,
        Color::LightCyan => 14,
        Color::White => 15,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pen(fg: Color, bg: Color, modifier: Modifier) -> Pen {
        Pen { fg, bg, modifier, link: 0 }
    }

    #[test]
    fn a_style_is_told_in_the_fewest_bytes() {
        let (plain, bold) = (Pen::PLAIN, pen(Color::Reset, Color::Reset, Modifier::BOLD));
        let red = pen(Color::Red, Color::Reset, Modifier::BOLD);
        let bright = pen(Color::Indexed(9), Color::LightBlue, Modifier::empty());
        let deep = pen(Color::Rgb(1, 22, 255), Color::Indexed(238), Modifier::DIM);
        let both = pen(Color::Reset, Color::Reset, Modifier::BOLD | Modifier::DIM);
        for (from, to, wanted) in [
            (plain, plain, ""),
            (plain, bold, "\x1b[1m"),
            (bold, plain, "\x1b[m"),
            (red, plain, "\x1b[m"),
            (red, bold, "\x1b[39m"),
            (plain, red, "\x1b[1;31m"),
            (plain, bright, "\x1b[91;104m"),
            (bright, deep, "\x1b[2;38;2;1;22;255;48;5;238m"),
            (deep, bold, "\x1b[;1m"),
            (both, bold, "\x1b[;1m"),
            (
                pen(Color::Red, Color::Blue, Modifier::BOLD),
                pen(Color::Red, Color::Blue, Modifier::DIM),
                "\x1b[22;2m",
            ),
        ] {
            let mut out = Vec::new();
            change(from, to, &mut out);
            assert_eq!(String::from_utf8_lossy(&out), wanted, "{from:?} {to:?}");
        }
    }
}

//! The cursor from here to there in the fewest bytes. Only moves that a VT100 knows; where the cursor is not known for
//! sure, the absolute one.

use super::osc;

/// Where the terminal's cursor is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cursor {
    /// In this column of this row.
    At(usize, usize),
    /// Behind the last column of this row: terminals differ in what that is.
    Margin(usize),
    /// Nobody knows.
    Unknown,
}

/// The shortest way from `from` to column `x` of row `y`.
pub fn to(from: Cursor, x: usize, y: usize) -> String {
    let mut best = String::new();
    let narrow = |n: usize| u16::try_from(n).unwrap_or(u16::MAX);
    osc::position(narrow(x), narrow(y), &mut best);
    let (cx, cy) = match from {
        Cursor::Unknown => return best,
        Cursor::At(cx, cy) if (cx, cy) == (x, y) => return String::new(),
        Cursor::At(cx, cy) => (Some(cx), cy),
        Cursor::Margin(cy) => (None, cy),
    };
    let down = vertically(cy, y);
    let mut consider = |way: String| {
        if way.len() < best.len() {
            best = way;
        }
    };
    if let Some(cx) = cx {
        consider(format!("{down}{}", horizontally(cx, x)));
    }
    consider(format!("\r{down}{}", horizontally(0, x)));
    best
}

fn vertically(from: usize, to: usize) -> String {
    match (to > from, from.abs_diff(to)) {
        (_, 0) => String::new(),
        // Not in the last row of a region: there is a row below it to go to.
        (true, n @ 1..=3) => "\n".repeat(n),
        (true, n) => format!("\x1b[{n}B"),
        (false, 1) => "\x1b[A".into(),
        (false, n) => format!("\x1b[{n}A"),
    }
}

fn horizontally(from: usize, to: usize) -> String {
    match (to > from, from.abs_diff(to)) {
        (_, 0) => String::new(),
        (true, 1) => "\x1b[C".into(),
        (true, n) => format!("\x1b[{n}C"),
        (false, n @ 1..=3) => "\x08".repeat(n),
        (false, n) => format!("\x1b[{n}D"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cursor_takes_the_shortest_way() {
        for (from, x, y, way) in [
            (Cursor::At(3, 4), 3, 4, ""),
            (Cursor::At(3, 4), 2, 4, "\x08"),
            (Cursor::At(3, 4), 0, 4, "\r"),
            (Cursor::At(3, 4), 0, 5, "\r\n"),
            (Cursor::At(3, 4), 3, 6, "\n\n"),
            (Cursor::At(3, 4), 4, 4, "\x1b[C"),
            (Cursor::At(30, 4), 20, 4, "\x1b[10D"),
            (Cursor::At(100, 4), 2, 4, "\x1b[98D"),
            (Cursor::At(3, 14), 50, 2, "\x1b[3;51H"),
            (Cursor::At(3, 14), 0, 0, "\x1b[H"),
            (Cursor::At(3, 14), 0, 2, "\x1b[3H"),
            (Cursor::Margin(4), 0, 5, "\r\n"),
            (Cursor::Margin(4), 70, 4, "\r\x1b[70C"),
            (Cursor::Unknown, 2, 4, "\x1b[5;3H"),
        ] {
            assert_eq!(to(from, x, y), way, "{from:?} {x} {y}");
        }
    }
}

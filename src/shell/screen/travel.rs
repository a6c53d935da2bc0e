//! The cursor from here to there in the fewest bytes. Only moves that a VT100 knows; where the cursor is not known for
//! sure, the absolute one.

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

/// A move as it is written; none is longer than the room for it. Made for each glyph that is looked at, so without the
/// heap.
#[derive(Clone, Copy, Default)]
pub struct Way {
    bytes: [u8; 32],
    len: usize,
}

impl Way {
    /// What is to be written.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    fn and(mut self, bytes: &[u8]) -> Self {
        let room = &mut self.bytes[self.len..];
        let taken = bytes.len().min(room.len());
        room[..taken].copy_from_slice(&bytes[..taken]);
        self.len += taken;
        self
    }

    fn number(self, n: usize) -> Self {
        let way = if n >= 10 { self.number(n / 10) } else { self };
        way.and(&[b'0' + (n % 10) as u8])
    }

    /// `CSI row;column H`, counted from 1, and from 0 here.
    fn position(self, x: usize, y: usize) -> Self {
        match (x, y) {
            (0, 0) => self.and(b"\x1b[H"),
            (0, y) => self.and(b"\x1b[").number(y + 1).and(b"H"),
            (x, y) => self.and(b"\x1b[").number(y + 1).and(b";").number(x + 1).and(b"H"),
        }
    }

    fn vertically(self, from: usize, to: usize) -> Self {
        match (to > from, from.abs_diff(to)) {
            (_, 0) => self,
            // Not in the last row of a region: there is a row below it to go to.
            (true, n @ 1..=3) => self.and(&b"\n\n\n"[..n]),
            (true, n) => self.and(b"\x1b[").number(n).and(b"B"),
            (false, 1) => self.and(b"\x1b[A"),
            (false, n) => self.and(b"\x1b[").number(n).and(b"A"),
        }
    }

    fn horizontally(self, from: usize, to: usize) -> Self {
        match (to > from, from.abs_diff(to)) {
            (_, 0) => self,
            (true, 1) => self.and(b"\x1b[C"),
            (true, n) => self.and(b"\x1b[").number(n).and(b"C"),
            (false, n @ 1..=3) => self.and(&[0x08; 3][..n]),
            (false, n) => self.and(b"\x1b[").number(n).and(b"D"),
        }
    }
}

/// The shortest way from `from` to column `x` of row `y`; no terminal has more than 65,535 of either.
pub fn to(from: Cursor, x: usize, y: usize) -> Way {
    let (cx, cy) = match from {
        Cursor::At(cx, cy) if (cx, cy) == (x, y) => return Way::default(),
        Cursor::At(cx, cy) => (Some(cx), cy),
        Cursor::Margin(cy) => (None, cy),
        Cursor::Unknown => return Way::default().position(x, y),
    };
    let down = Way::default().vertically(cy, y);
    let straight = cx.map(|cx| down.horizontally(cx, x));
    let returning = Way::default().and(b"\r").vertically(cy, y).horizontally(0, x);
    let mut best = Way::default().position(x, y);
    for way in straight.into_iter().chain([returning]) {
        if way.len < best.len {
            best = way;
        }
    }
    best
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
            assert_eq!(to(from, x, y).as_bytes(), way.as_bytes(), "{from:?} {x} {y}");
        }
    }
}

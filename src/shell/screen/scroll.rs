//! Rows that only moved: found between two frames, so that a terminal can move them itself. A guess that need not be
//! perfect, because it is taken only where it turns out shorter.

use super::sheet::{Column, Sheet};

/// Rows `top..=bottom` move by `lines` up (down, where negative); what comes in is blank.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Scroll {
    /// First row of the region.
    pub top: usize,
    /// Last row of the region.
    pub bottom: usize,
    /// Up by so many, or down.
    pub lines: isize,
}

/// The scroll that saves most of the work between `old` and `new`, if one saves any.
pub fn find(old: &Sheet, new: &Sheet) -> Option<Scroll> {
    let height = new.height().min(old.height());
    let changed = |y: &usize| old.row(*y) != new.row(*y);
    let first = (0..height).find(changed)?;
    let last = (first..height).rev().find(changed)?;
    let before: Vec<u64> = (first..=last).map(|y| old.digest(y)).collect();
    let after: Vec<u64> = (first..=last).map(|y| new.digest(y)).collect();
    let rows = before.len();
    let worth: Vec<usize> = (first..=last).map(|y| written(new.row(y))).collect();
    let mut best: Option<(usize, Scroll)> = None;
    for lines in 1..=(rows / 2).max(1) {
        for up in [true, false] {
            // Row n of the new frame against the row of the old one that would move there.
            let same = |n: usize| {
                let from = if up { n.checked_add(lines) } else { n.checked_sub(lines) };
                from.and_then(|from| before.get(from)) == Some(&after[n])
            };
            let saved = |n: usize| if before[n] == after[n] { 0 } else { worth[n] };
            for (from, to) in runs(rows, same) {
                let gain: usize = (from..=to).map(saved).sum();
                if gain == 0 || best.is_some_and(|(most, _)| gain <= most) {
                    continue;
                }
                let (top, bottom) = if up { (from, to + lines) } else { (from - lines, to) };
                let lines = isize::try_from(lines).unwrap_or(0);
                let scroll = Scroll {
                    top: first + top,
                    bottom: first + bottom,
                    lines: if up { lines } else { -lines },
                };
                best = Some((gain, scroll));
            }
        }
    }
    best.map(|(_, scroll)| scroll)
}

/// Columns that something is written in.
fn written(row: &[Column]) -> usize {
    row.iter().filter(|column| **column != Column::CLEAR).count()
}

/// Longest runs of numbers below `count` that satisfy `wanted`, as first and last.
fn runs(count: usize, wanted: impl Fn(usize) -> bool) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut begun = None;
    for n in 0..=count {
        match (begun, n < count && wanted(n)) {
            (None, true) => begun = Some(n),
            (Some(from), false) => {
                found.push((from, n - 1));
                begun = None;
            }
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::screen::sheet::Lexicon;
    use ratatui::buffer::Buffer;

    fn sheet(lines: &[&str]) -> Sheet {
        let mut sheet = Sheet::clear(0, 0);
        sheet.read(&Buffer::with_lines(lines.to_vec()), &[], &mut Lexicon::default());
        sheet
    }

    #[test]
    fn rows_that_only_moved_are_found() {
        let scroll = |top, bottom, lines| Some(Scroll { top, bottom, lines });
        for (old, new, wanted) in [
            (
                &["head", "aaa", "bbb", "ccc", "foot"][..],
                &["head", "bbb", "ccc", "ddd", "foot"][..],
                scroll(1, 3, 1),
            ),
            (
                &["head", "aaa", "bbb", "ccc", "foot"],
                &["head", "ddd", "aaa", "bbb", "foot"],
                scroll(1, 3, -1),
            ),
            (&["aaa", "bbb", "ccc", "ddd"], &["ccc", "ddd", "eee", "fff"], scroll(0, 3, 2)),
            (&["aaa", "bbb"], &["aaa", "bbc"], None),
            (&["aaa", "bbb"], &["aaa", "bbb"], None),
        ] {
            assert_eq!(find(&sheet(old), &sheet(new)), wanted, "{new:?}");
        }
    }
}

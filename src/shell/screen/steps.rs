//! What is to be done between two frames, before it is decided in which order: runs of columns of one style to write,
//! and runs to erase.

use std::ops::Range;

use super::sheet::{Column, Glyph, Lexicon, Pen, SEEN_ON_BLANK, Sheet};

/// Fewest blanks in a row that are erased rather than written.
const WORTH_ERASING: usize = 10;
/// Fewest columns at the end of a row that are erased rather than written: what erases is three bytes long.
const WORTH_ENDING: usize = 4;
/// With more steps than this, nearly everything changed, and the order of rows is as good as any.
const MOST: usize = 400;

/// One thing to do from a place on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Step {
    /// Row.
    pub y: usize,
    /// First column.
    pub x: usize,
    /// What.
    pub work: Work,
}

/// What is done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Work {
    /// So many columns are written, all in one style.
    Write {
        /// How many.
        columns: usize,
        /// The style, but for blanks, which need less of it.
        pen: Pen,
    },
    /// So many columns become blank.
    Erase(usize),
    /// The rest of the row becomes blank.
    EraseRest,
}

/// What is to be done in `rows`, row by row, and whether it may be done in any other order; `erases`: the terminal
/// erases a number of columns.
pub fn between(
    old: &Sheet,
    new: &Sheet,
    rows: Range<usize>,
    erases: bool,
    lexicon: &Lexicon,
) -> (Vec<Step>, bool) {
    let (mut steps, mut free) = (Vec::new(), true);
    for y in rows {
        let (old, new) = (old.row(y), new.row(y));
        if old != new {
            free &= row(y, old, new, erases, lexicon, &mut steps);
        }
    }
    (steps, free)
}

/// True where a glyph cannot write over another.
fn row(
    y: usize,
    old: &[Column],
    new: &[Column],
    erases: bool,
    lexicon: &Lexicon,
    steps: &mut Vec<Step>,
) -> bool {
    let tail = tail(old, new);
    let end = tail.unwrap_or(new.len());
    let (mut x, mut spoilt) = (0, 0);
    while x < end.max(spoilt) {
        let same = old[x] == new[x] && x >= spoilt;
        if same || new[x].glyph == Glyph::CONTINUED {
            x += 1;
            continue;
        }
        let blanks = if erases && x < end { clear_run(&old[x..end], &new[x..end]) } else { 0 };
        if blanks >= WORTH_ERASING {
            steps.push(Step { y, x, work: Work::Erase(blanks) });
            x += blanks;
            continue;
        }
        let columns = 1 + new[x + 1..].iter().take_while(|c| c.glyph == Glyph::CONTINUED).count();
        write(y, x, columns, new[x], steps);
        // Where a terminal takes a cluster apart, it has written over what follows.
        let widest = lexicon.widest(new[x].glyph);
        if widest > columns {
            spoilt = spoilt.max((x + widest).min(new.len()));
        }
        x += columns;
    }
    if let Some(x) = tail {
        steps.push(Step { y, x, work: Work::EraseRest });
    }
    spoilt == 0
}

/// Adds a glyph to the step before it, if it follows on it in a style that fits.
fn write(y: usize, x: usize, columns: usize, column: Column, steps: &mut Vec<Step>) {
    if let Some(Step { y: last_y, x: begun, work: Work::Write { columns: before, pen } }) = steps.last_mut()
        && (*last_y, *begun + *before) == (y, x)
        && fits(column, *pen)
    {
        *before += columns;
        return;
    }
    steps.push(Step { y, x, work: Work::Write { columns, pen: column.pen } });
}

/// Whether `column` can be written while `pen` is set.
fn fits(column: Column, pen: Pen) -> bool {
    let blank = column.glyph == Glyph::BLANK && !column.pen.modifier.intersects(SEEN_ON_BLANK);
    if blank {
        let clear = !pen.modifier.intersects(SEEN_ON_BLANK);
        clear && (column.pen.bg, column.pen.link) == (pen.bg, pen.link)
    } else {
        column.pen == pen
    }
}

/// Brings steps of one style together, those of the style that is `set` first; false where there is nothing to gain, or
/// where it must not be.
pub fn sort_by_style(steps: &mut [Step], set: Pen) -> bool {
    if steps.len() < 3 || steps.len() > MOST {
        return false;
    }
    let mut styles = vec![set];
    let mut keyed: Vec<(usize, Step)> = Vec::with_capacity(steps.len());
    for step in steps.iter() {
        let style = match step.work {
            Work::Write { pen, .. } => styles.iter().position(|known| *known == pen).unwrap_or_else(|| {
                styles.push(pen);
                styles.len() - 1
            }),
            // Any style will do that leaves no mark: that of its neighbour, mostly.
            Work::Erase(_) | Work::EraseRest => keyed.last().map_or(0, |(style, _)| *style),
        };
        keyed.push((style, *step));
    }
    if styles.len() < 3 {
        return false;
    }
    keyed.sort_by_key(|(style, _)| *style);
    let changed = keyed.iter().zip(steps.iter()).any(|((_, sorted), step)| sorted != step);
    for (step, (_, sorted)) in steps.iter_mut().zip(keyed) {
        *step = sorted;
    }
    changed
}

/// Where erasing to the end of the row begins, if that is worth it.
fn tail(old: &[Column], new: &[Column]) -> Option<usize> {
    let end = new.iter().rposition(|c| *c != Column::CLEAR).map_or(0, |last| last + 1);
    let changed = |n: &usize| old[*n] != new[*n];
    let first = (end..new.len()).find(changed)?;
    let last = (first..new.len()).rev().find(changed)?;
    (last - first + 1 >= WORTH_ENDING).then_some(first)
}

/// How many columns from here on are to be cleared, up to the last that is not clear yet.
fn clear_run(old: &[Column], new: &[Column]) -> usize {
    let run = new.iter().take_while(|c| **c == Column::CLEAR).count();
    old[..run].iter().rposition(|c| *c != Column::CLEAR).map_or(0, |last| last + 1)
}

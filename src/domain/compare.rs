//! The lines and words in which two texts differ, by well-known algorithms on their numbers. Texts are numbered first, so
//! that the algorithms are in the program once, and not for every kind of text.

use std::collections::BTreeMap;
use std::ops::Range;

use similar::algorithms::{Capture, Compact, Replace, myers, patience};
use similar::{DiffOp, diff_ratio, group_diff_ops};
use unicode_segmentation::UnicodeSegmentation as _;

/// Lines that have less than this in common are not compared word by word.
const ALIKE: f32 = 0.5;

/// Which side of a comparison a line is of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sign {
    /// Both.
    Same,
    /// The older one only.
    Removed,
    /// The newer one only.
    Added,
}

/// A line of a comparison, in parts: whether a part differs from the other side's line, and its text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Line {
    /// Whose it is.
    pub sign: Sign,
    /// Its text; together the line.
    pub parts: Vec<(bool, String)>,
}

/// The lines that only one of both has, in their order.
pub fn only<'a>(before: &[&'a str], after: &[&'a str]) -> (Vec<&'a str>, Vec<&'a str>) {
    let (mut gone, mut new) = (Vec::new(), Vec::new());
    for op in
        operations(Of::Lines, before, after).into_iter().filter(|op| !matches!(op, DiffOp::Equal { .. }))
    {
        gone.extend(&before[op.old_range()]);
        new.extend(&after[op.new_range()]);
    }
    (gone, new)
}

/// The lines in which two texts differ, with so many unchanged ones around them, lines that are alike word by word; one
/// list for each place. Empty where they do not differ.
pub fn hunks(before: &[&str], after: &[&str], around: usize) -> Vec<Vec<Line>> {
    let groups = group_diff_ops(operations(Of::Lines, before, after), around);
    groups.iter().map(|ops| ops.iter().flat_map(|op| lines(op, before, after)).collect()).collect()
}

/// What a comparison is of. Words hang on what both sides have once only, not on blanks and colons.
#[derive(Clone, Copy)]
enum Of {
    Lines,
    Words,
}

fn operations(of: Of, before: &[&str], after: &[&str]) -> Vec<DiffOp> {
    let (before, after) = numbered(before, after);
    let (old, new) = (&before[..], &after[..]);
    let mut found = Compact::new(Replace::new(Capture::new()), old, new);
    let Ok(()) = match of {
        Of::Lines => myers::diff(&mut found, old, 0..old.len(), new, 0..new.len()),
        Of::Words => patience::diff(&mut found, old, 0..old.len(), new, 0..new.len()),
    };
    found.into_inner().into_inner().into_ops()
}

/// Each text by its number; equal texts have the same.
fn numbered<'a>(before: &[&'a str], after: &[&'a str]) -> (Vec<usize>, Vec<usize>) {
    let mut known: BTreeMap<&str, usize> = BTreeMap::new();
    let mut number = |text: &&'a str| {
        let next = known.len();
        *known.entry(text).or_insert(next)
    };
    (before.iter().map(&mut number).collect(), after.iter().map(&mut number).collect())
}

/// The lines of one place.
fn lines(op: &DiffOp, before: &[&str], after: &[&str]) -> Vec<Line> {
    let (old, new) = (&before[op.old_range()], &after[op.new_range()]);
    let whole = |sign, lines: &[&str]| -> Vec<Line> {
        lines.iter().map(|text| Line { sign, parts: parts(&[(false, text)]) }).collect()
    };
    if let DiffOp::Equal { .. } = op {
        return whole(Sign::Same, old);
    }
    match (old, new) {
        ([_, ..], [_, ..]) => word_by_word(old, new),
        _ => None,
    }
    .unwrap_or_else(|| [whole(Sign::Removed, old), whole(Sign::Added, new)].concat())
}

/// Some lines that took the place of others, word by word; `None`: they have too little in common.
fn word_by_word(old: &[&str], new: &[&str]) -> Option<Vec<Line>> {
    // However alike they are: so few against so many have less than `ALIKE` in common.
    let (fewer, more) = (old.len().min(new.len()), old.len().max(new.len()));
    if more > 3 * fewer {
        return None;
    }
    let (old_words, new_words) = (words(old), words(new));
    let (old_texts, new_texts): (Vec<&str>, Vec<&str>) =
        (old_words.iter().map(|w| w.1).collect(), new_words.iter().map(|w| w.1).collect());
    let ops = operations(Of::Words, &old_texts, &new_texts);
    if diff_ratio(&ops, old_words.len(), new_words.len()) < ALIKE {
        return None;
    }
    let side = |sign, count: usize, words: &[(usize, &str)], range: fn(&DiffOp) -> Range<usize>| {
        let mut lines = vec![Vec::new(); count];
        for op in &ops {
            let differs = !matches!(op, DiffOp::Equal { .. });
            words[range(op)].iter().for_each(|(line, text)| lines[*line].push((differs, *text)));
        }
        lines.into_iter().map(move |words| Line { sign, parts: parts(&words) }).collect::<Vec<_>>()
    };
    let gone = side(Sign::Removed, old.len(), &old_words, DiffOp::old_range);
    Some([gone, side(Sign::Added, new.len(), &new_words, DiffOp::new_range)].concat())
}

/// The words of lines, what stands between them too, each with the number of its line. The end of a line is a word.
fn words<'a>(lines: &[&'a str]) -> Vec<(usize, &'a str)> {
    let numbered = lines.iter().enumerate();
    numbered.flat_map(|(n, line)| line.split_word_bounds().chain(["\n"]).map(move |word| (n, word))).collect()
}

/// Words that follow one another and are alike in this are one part.
fn parts(words: &[(bool, &str)]) -> Vec<(bool, String)> {
    let mut parts: Vec<(bool, String)> = Vec::new();
    for (differs, word) in words.iter().map(|(differs, word)| (*differs, word.trim_end_matches('\n'))) {
        match parts.last_mut() {
            _ if word.is_empty() => {}
            Some((same, text)) if *same == differs => text.push_str(word),
            _ => parts.push((differs, word.to_owned())),
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(before: &[&str], after: &[&str]) -> Vec<String> {
        let line = |line: &Line| {
            let sign = match line.sign {
                Sign::Same => ' ',
                Sign::Removed => '-',
                Sign::Added => '+',
            };
            let part = |(differs, text): &(bool, String)| {
                if *differs { format!("[{text}]") } else { text.clone() }
            };
            format!("{sign}{}", line.parts.iter().map(part).collect::<String>())
        };
        hunks(before, after, 1).iter().flat_map(|hunk| hunk.iter().map(line)).collect()
    }

    #[test]
    fn what_differs_in_a_line_is_told_word_by_word() {
        let (before, after) = (["a: 1", "image: api:4.11", "z"], ["a: 1", "image: api:4.12", "z"]);
        assert_eq!(told(&before, &after), [" a: 1", "-image: api:[4.11]", "+image: api:[4.12]", " z"]);
    }

    #[test]
    fn lines_with_little_in_common_are_whole_lines() {
        assert_eq!(
            told(&["one two three"], &["nothing of all that"]),
            ["-one two three", "+nothing of all that"]
        );
        assert_eq!(told(&["a"], &["a", "b"]), [" a", "+b"]);
        assert_eq!(told(&["a"], &["a"]), Vec::<String>::new());
    }

    #[test]
    fn what_only_one_side_has_is_told_in_its_order() {
        assert_eq!(only(&["a", "b", "c"], &["x", "b", "y"]), (vec!["a", "c"], vec!["x", "y"]));
    }
}

//! Text by display width: how wide it is, how it is cut, how it is wrapped. Nothing is cut without a sign of it.

use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::UnicodeWidthStr as _;

/// Columns that `text` takes.
pub fn width(text: &str) -> usize {
    // Nearly everything that is drawn is ASCII, and then this is all there is to it.
    if is_plain(text) { text.len() } else { text.width() }
}

/// Every byte of `text` is a column of its own.
pub fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

/// `text` within `columns`; what does not fit is cut and an ellipsis says so.
pub fn fit(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut used = 0;
    for cluster in text.graphemes(true) {
        let wide = cluster.width();
        if used + wide + 1 > columns {
            break;
        }
        used += wide;
        out.push_str(cluster);
    }
    if columns > 0 {
        out.push('…');
    }
    out
}

/// The end of `text` within `columns`: what a text field shows of a long text.
pub fn tail(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut kept = Vec::new();
    let mut used = 1;
    for cluster in text.graphemes(true).rev() {
        used += cluster.width();
        if used > columns {
            break;
        }
        kept.push(cluster);
    }
    kept.push("…");
    kept.into_iter().rev().collect()
}

/// `text` in lines of at most `columns`, broken between words where it can be; every character is in one of them.
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(2);
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    for word in whole(text) {
        let word = word.as_str();
        let gap = usize::from(!line.is_empty());
        if width(&line) + gap + width(word) <= columns {
            line.push_str(&" ".repeat(gap));
            line.push_str(word);
            continue;
        }
        if !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        for cluster in word.graphemes(true) {
            if width(&line) + cluster.width() > columns {
                lines.push(std::mem::take(&mut line));
            }
            line.push_str(cluster);
        }
    }
    if !line.is_empty() || lines.is_empty() {
        lines.push(line);
    }
    lines
}

/// Ends a line whose last word goes on in the next one.
pub const GOES_ON: char = '⏎';

/// The same so that no other text looks like it: each line ends at one blank, or says that it ends within a word, and
/// no blank is lost. For what a person approves.
pub fn wrap_exactly(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(4);
    let mut lines: Vec<String> = Vec::new();
    let mut line: Option<String> = None;
    for word in text.split(' ') {
        let open = match line.take() {
            Some(open) if width(&open) + 1 + width(word) <= columns => {
                line = Some(open + " " + word);
                continue;
            }
            open => open,
        };
        lines.extend(open);
        let mut part = String::new();
        let mut left = width(word);
        for cluster in word.graphemes(true) {
            let wide = cluster.width();
            // The last piece needs no room for the sign.
            if width(&part) + wide + usize::from(width(&part) + left > columns) > columns {
                part.push(GOES_ON);
                lines.push(std::mem::take(&mut part));
            }
            part.push_str(cluster);
            left -= wide.min(left);
        }
        line = Some(part);
    }
    lines.extend(line);
    lines
}

/// A unit that stands apart from its number, and stays in its line: `%`, with or without a mark behind it.
pub fn is_unit(word: &str) -> bool {
    word.strip_prefix('%').is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
}

/// Words, and numbers with their unit.
fn whole(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match words.last_mut().filter(|_| is_unit(word)) {
            Some(number) => number.extend([" ", word]),
            None => words.push(word.to_owned()),
        }
    }
    words
}

/// At most `rows` lines of `text`; the last one says by an ellipsis when there is more.
pub fn wrap_within(text: &str, columns: usize, rows: usize) -> Vec<String> {
    let mut lines = wrap(text, columns);
    if lines.len() > rows {
        lines.truncate(rows);
        if let Some(last) = lines.last_mut() {
            *last = fit(&format!("{last}…"), columns);
            if !last.ends_with('…') {
                last.push('…');
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_line_was_broken_can_be_told_from_where_it_is_blank() {
        for (text, wanted) in [
            ("ab cd ef", &["ab cd ef"][..]),
            ("abcdefgh ij", &["abcdefgh", "ij"]),
            ("abcdefghij", &["abcdefg⏎", "hij"]),
            ("abcdefg hij", &["abcdefg", "hij"]),
            ("a  b", &["a  b"]),
            ("決決決決決", &["決決決⏎", "決決"]),
            ("", &[""]),
        ] {
            assert_eq!(wrap_exactly(text, 8), wanted, "{text}");
        }
    }

    #[test]
    fn a_cut_says_so_and_wide_characters_count_twice() {
        assert_eq!(fit("api-gateway", 11), "api-gateway");
        assert_eq!(fit("api-gateway", 6), "api-g…");
        assert_eq!(fit("決済サービス", 6), "決済…");
        assert_eq!(fit("決済", 0), "");
        assert_eq!(tail("abcdef", 4), "…def");
    }

    #[test]
    fn wrapping_loses_nothing() {
        let text =
            "no right to patch configmaps in shop; hint: averyveryverylongwordwithoutaspace 決済サービス";
        for columns in 2..60 {
            let lines = wrap(text, columns);
            assert!(lines.iter().all(|l| width(l) <= columns), "{columns}");
            let squeezed = |t: &str| t.split_whitespace().collect::<String>();
            assert_eq!(squeezed(&lines.concat()), squeezed(text), "{columns}");
        }
        assert_eq!(wrap_within("aa bb cc", 2, 2), ["aa", "b…"]);
        assert_eq!(wrap("it was 12 %, then 3", 9), ["it was", "12 %,", "then 3"], "a number keeps its unit");
    }
}

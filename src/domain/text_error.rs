//! What is wrong in a text that somebody wrote (configuration, theme, keymap, SLO file), and where: file, line,
//! column, the line itself with a caret, and what to do. One shape for all of them, so every refusal reads alike.
//! It never guesses a correction into effect; it only names the nearest known word.

use std::fmt;
use std::ops::Range;

use unicode_width::UnicodeWidthStr;

use super::clean::Clean;

/// Characters of the source line that are shown; a longer line is cut around the caret.
const SHOWN: usize = 100;

/// An error at a place in a text. Displays as several lines, without a final line feed:
///
/// ```text
/// config.toml:3:1: unknown key `polcy` at the top level, expected one of: ...
///   |
/// 3 | [polcy]
///   |  ^^^^^
/// hint: did you mean `policy`?
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TextError(Box<Fault>);

#[derive(Clone, PartialEq, Eq, Debug)]
struct Fault {
    file: Clean,
    line: usize,
    column: usize,
    /// The whole source line as it was read; made clean and cut only when shown.
    source: Vec<char>,
    /// The marked characters of `source`.
    mark: Range<usize>,
    message: Clean,
    hint: Option<Clean>,
}

impl TextError {
    /// At the bytes `span` of `source`. A span outside of the text means its end.
    pub fn at_span(file: &str, source: &str, span: Range<usize>, message: impl AsRef<str>) -> Self {
        let start = floor(source, span.start);
        let from = source[..start].rfind('\n').map_or(0, |feed| feed + 1);
        let line = source[..start].matches('\n').count() + 1;
        let column = source[from..start].chars().count() + 1;
        let width = source[start..floor(source, span.end).max(start)].chars().count();
        Self::at(file, source, (line, column), width, message)
    }

    /// At `line` and `column`, both counted from 1 (column in characters), marking `width` characters.
    pub fn at(
        file: &str,
        source: &str,
        (line, column): (usize, usize),
        width: usize,
        message: impl AsRef<str>,
    ) -> Self {
        let text = source.lines().nth(line.saturating_sub(1)).unwrap_or("");
        let source: Vec<char> = text.chars().collect();
        let start = column.saturating_sub(1).min(source.len());
        let end = (start + width.clamp(1, SHOWN)).min(source.len());
        Self(Box::new(Fault {
            file: Clean::new(file),
            line,
            column,
            source,
            mark: start..end,
            message: Clean::new(message),
            hint: None,
        }))
    }

    /// For bytes that are no UTF-8: `valid_up_to` is where the first wrong byte stands.
    pub fn not_utf8(file: &str, bytes: &[u8], valid_up_to: usize) -> Self {
        let source = String::from_utf8_lossy(bytes);
        Self::at_span(
            file,
            &source,
            valid_up_to..valid_up_to + 1,
            "this byte is no UTF-8, expected UTF-8 text",
        )
        .hint("save the file as UTF-8")
    }

    /// The same error with what to do next.
    pub fn hint(mut self, hint: impl AsRef<str>) -> Self {
        self.0.hint = Some(Clean::new(hint));
        self
    }

    /// The same error with a hint if there is one.
    pub fn maybe_hint(self, hint: Option<String>) -> Self {
        match hint {
            Some(hint) => self.hint(hint),
            None => self,
        }
    }

    /// The same error with whatever stands in quotes on its line starred out: for places where a secret may have
    /// been written by mistake. The caret stays where it was.
    pub fn masked(mut self) -> Self {
        let mut quote = None;
        let mut escaped = false;
        for c in &mut self.0.source {
            match quote {
                None if matches!(*c, '"' | '\'') => quote = Some(*c),
                Some(open) if open == *c && !escaped => quote = None,
                Some(open) => {
                    escaped = open == '"' && *c == '\\' && !escaped;
                    *c = '*';
                }
                None => {}
            }
        }
        self
    }

    /// The line, counted from 1.
    pub fn line(&self) -> usize {
        self.0.line
    }

    /// The column in characters, counted from 1.
    pub fn column(&self) -> usize {
        self.0.column
    }

    /// What is wrong and what was expected, without place and hint.
    pub fn message(&self) -> &str {
        self.0.message.as_str()
    }
}

impl TextError {
    /// The source line before, in and after the mark, cut to what fits.
    fn shown(&self) -> [Clean; 3] {
        let (length, mark) = (self.0.source.len(), &self.0.mark);
        let first = if length > SHOWN { mark.start.saturating_sub(SHOWN / 2) } else { 0 };
        let last = (first + SHOWN).clamp(mark.end, length);
        let part = |range: Range<usize>| self.0.source[range].iter().collect::<String>();
        let dots = |cut: bool| if cut { "..." } else { "" };
        [
            Clean::new(format!("{}{}", dots(first > 0), part(first..mark.start))),
            Clean::new(part(mark.clone())),
            Clean::new(format!("{}{}", part(mark.end..last), dots(last < length))),
        ]
    }
}

/// The nearest character boundary at or before `index`.
fn floor(text: &str, index: usize) -> usize {
    let mut index = index.min(text.len());
    while !text.is_char_boundary(index) {
        index -= 1;
    }
    index
}

impl fmt::Display for TextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [before, marked, after] = self.shown();
        let number = self.0.line.to_string();
        let gutter = " ".repeat(number.len());
        let caret =
            format!("{}{}", " ".repeat(before.as_str().width()), "^".repeat(marked.as_str().width().max(1)));
        writeln!(f, "{}:{}:{}: {}", self.0.file, self.0.line, self.0.column, self.0.message)?;
        writeln!(f, "{gutter} |")?;
        writeln!(f, "{number} | {before}{marked}{after}")?;
        write!(f, "{gutter} | {caret}")?;
        match &self.0.hint {
            Some(hint) => write!(f, "\nhint: {hint}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for TextError {}

/// The known word that `word` was probably meant to be: upper case, `-` for `_` and a few wrong letters are forgiven.
pub fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let plain = |text: &str| text.to_lowercase().replace('-', "_").chars().collect::<Vec<_>>();
    let word = plain(word);
    known
        .into_iter()
        .map(|candidate| (distance(&word, &plain(candidate)), candidate))
        .filter(|(distance, candidate)| *distance <= (candidate.chars().count() / 3).clamp(1, 3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// ``did you mean `x`?`` for the nearest known word, as a hint.
pub fn did_you_mean<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<String> {
    nearest(word, known).map(|candidate| format!("did you mean `{candidate}`?"))
}

/// Edits (insert, delete, replace, swap of neighbours) between two words: optimal string alignment.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    for (j, cell) in rows[0].iter_mut().enumerate() {
        *cell = j;
    }
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            let replace = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replace.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = best;
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caret_stands_under_what_is_meant_even_after_wide_and_escaped_characters() {
        let source = "ok = 1\nname\t= \"決済\" # bad\n";
        let at = source.find("bad").expect("it is there");
        let error = TextError::at_span("a.toml", source, at..at + 3, "this is wrong").hint("make it right");
        assert_eq!((error.line(), error.column()), (2, 15));
        assert_eq!(
            error.to_string(),
            "a.toml:2:15: this is wrong\n  |\n2 | name<09>= \"決済\" # bad\n  |                    ^^^\nhint: make it right"
        );
    }

    #[test]
    fn a_long_line_is_cut_around_the_place() {
        let source = format!("{}X{}", "a".repeat(5_000), "b".repeat(5_000));
        let shown = TextError::at_span("f", &source, 5_000..5_001, "m").to_string();
        assert!(shown.contains("f:1:5001: m") && shown.len() < 400, "{shown}");
        let rows: Vec<&str> = shown.lines().collect();
        assert_eq!(rows[2].find('X'), rows[3].find('^'), "{shown}");
    }

    #[test]
    fn a_place_outside_of_the_text_is_its_end() {
        let error = TextError::at_span("f", "é", 1..9, "m");
        assert_eq!((error.line(), error.column()), (1, 1));
        assert_eq!(TextError::at_span("f", "a\n", 90..91, "m").line(), 2);
        assert_eq!(TextError::at_span("f", "", 0..0, "m").column(), 1);
    }

    #[test]
    fn masking_hides_quoted_text_and_keeps_the_caret() {
        let source = format!("{{ token = \"{}s3cr\\\"et\", urll = 'x' }}", "-".repeat(200));
        let at = source.find("urll").expect("it is there");
        let error = TextError::at_span("f", &source, at..at + 4, "m");
        let (plain, masked) = (error.clone().to_string(), error.masked().to_string());
        assert!(plain.contains("s3cr") && !masked.contains("s3cr") && !masked.contains("et"), "{masked}");
        assert!(masked.contains("***\", urll = '*' }"), "{masked}");
        assert_eq!(plain.find('^'), masked.find('^'));
    }

    #[test]
    fn the_nearest_word_is_named_and_a_far_one_is_not() {
        let known = ["url", "headers", "bearer_file", "depends_on"];
        for (word, meant) in [
            ("ulr", Some("url")),
            ("bearer-file", Some("bearer_file")),
            ("Header", Some("headers")),
            ("dependson", Some("depends_on")),
            ("colour", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, known), meant, "{word}");
        }
    }
}

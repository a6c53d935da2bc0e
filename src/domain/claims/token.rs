//! A sentence cut into words, numbers, clock times, dates, versions and marks, each with its place in bytes. By hand,
//! because what counts as one word here (`api-gateway`, `cart:1.5`, `12:26`, `1,962`) is not what a language means by it.

use std::ops::Range;

/// What a token is.
#[derive(Clone, PartialEq, Debug)]
pub enum Kind {
    /// A number: its value, the place value of its last digit, how many digits it has, and its sign as written.
    Number {
        /// As written, with sign.
        value: f64,
        /// Place value of the last digit: 0.1 for `99.8`.
        step: f64,
        /// A sign was written.
        signed: bool,
        /// A letter or `%` follows without a space: `42rps`.
        glued: bool,
    },
    /// Time of day: seconds since midnight, and whether seconds were written.
    Clock(u32, bool),
    /// A calendar day: year (0 if not said), month, day.
    Date(i32, u32, u32),
    /// Three or more numbers with dots: `1.27.3`.
    Version,
    /// Letters, with digits and connectors inside.
    Word,
    /// Anything else: `[`, `,`, `→`, `..`.
    Mark,
}

/// One token.
#[derive(Clone, PartialEq, Debug)]
pub struct Token {
    /// What it is.
    pub kind: Kind,
    /// Where it stands, bytes.
    pub span: Range<usize>,
    /// Its text in lower case.
    pub low: String,
    /// It stands between backticks or quotation marks.
    pub quoted: bool,
}

impl Token {
    /// It is the word or mark `text`.
    pub fn is(&self, text: &str) -> bool {
        self.low == text && matches!(self.kind, Kind::Word | Kind::Mark)
    }

    /// It is one of these words.
    pub fn among(&self, words: &[&str]) -> bool {
        self.kind == Kind::Word && words.contains(&self.low.as_str())
    }
}

struct Reader<'t> {
    text: &'t str,
    bytes: &'t [u8],
    at: usize,
    out: Vec<Token>,
}

/// Cuts `text`.
pub fn tokens(text: &str) -> Vec<Token> {
    let mut reader = Reader { text, bytes: text.as_bytes(), at: 0, out: Vec::new() };
    while let Some(c) = reader.peek() {
        if c.is_whitespace() {
            reader.at += c.len_utf8();
        } else if c.is_ascii_digit() || reader.sign_of_number(c) {
            reader.numeric();
        } else if c.is_alphabetic() || reader.path_begins(c) {
            reader.word();
        } else {
            reader.mark();
        }
    }
    reader.out
}

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.text.get(self.at..)?.chars().next()
    }

    fn byte(&self, at: usize) -> u8 {
        self.bytes.get(at).copied().unwrap_or(b' ')
    }

    fn before(&self) -> Option<char> {
        self.text.get(..self.at)?.chars().next_back()
    }

    fn sign_of_number(&self, c: char) -> bool {
        let next = self.at + c.len_utf8();
        ['-', '+', '−'].contains(&c)
            && (self.byte(next).is_ascii_digit()
                || (self.byte(next) == b'.' && self.byte(next + 1).is_ascii_digit()))
            && self.before().is_none_or(|b| b.is_whitespace() || "([~≈:=".contains(b))
    }

    fn path_begins(&self, c: char) -> bool {
        c == '/'
            && self.byte(self.at + 1).is_ascii_alphabetic()
            && self.before().is_none_or(|b| b.is_whitespace() || "`\"'(“".contains(b))
    }

    fn push(&mut self, kind: Kind, from: usize, to: usize) {
        let quoted =
            self.text.get(..from).and_then(|t| t.chars().next_back()).is_some_and(|c| "`\"“".contains(c));
        let low = self.text.get(from..to).unwrap_or_default().to_lowercase();
        self.out.push(Token { kind, span: from..to, low, quoted });
        self.at = to.max(self.at + 1);
    }

    fn digits(&self, mut at: usize) -> usize {
        while self.byte(at).is_ascii_digit() {
            at += 1;
        }
        at
    }

    fn small(&self, from: usize, to: usize) -> u32 {
        self.text.get(from..to).and_then(|t| t.parse().ok()).unwrap_or(u32::MAX)
    }

    /// `12:26`, `12:26:10`, `2:26 pm`, with `Z` or `UTC` behind left out.
    fn clock(&self, from: usize) -> Option<(u32, bool, usize)> {
        let hours = self.digits(from);
        let minutes = hours + 1;
        let end = self.digits(minutes);
        if self.byte(hours) != b':' || !(1..=2).contains(&(hours - from)) || end - minutes != 2 {
            return None;
        }
        let (mut h, m) = (self.small(from, hours), self.small(minutes, end));
        let (mut s, mut exact, mut end) = (0, false, end);
        if self.byte(end) == b':' && self.digits(end + 1) == end + 3 {
            (s, exact, end) = (self.small(end + 1, end + 3), true, end + 3);
            if self.byte(end) == b'.' && self.byte(end + 1).is_ascii_digit() {
                end = self.digits(end + 1);
            }
        }
        let rest = self.text.get(end..)?.trim_start().to_ascii_lowercase();
        let half =
            |mark: &str| rest.starts_with(mark) && !rest[mark.len()..].starts_with(char::is_alphanumeric);
        if half("pm") && h < 12 {
            h += 12;
        } else if half("am") && h == 12 {
            h = 0;
        }
        if self.byte(end) == b'Z' {
            end += 1;
        }
        (h < 24 && m < 60 && s < 61).then_some((h * 3_600 + m * 60 + s, exact, end))
    }

    /// `2026-11-21`, with a time behind it as a token of its own.
    fn date(&self, from: usize) -> Option<(Kind, usize)> {
        let year = self.digits(from);
        let month = self.digits(year + 1);
        let day = self.digits(month + 1);
        let shape = year - from == 4 && month == year + 3 && day == month + 3;
        let joined = shape && self.byte(year) == b'-' && self.byte(month) == b'-';
        let date = || {
            let y = i32::try_from(self.small(from, year)).unwrap_or(0);
            (Kind::Date(y, self.small(year + 1, month), self.small(month + 1, day)), day)
        };
        joined.then(date)
    }

    fn numeric(&mut self) {
        let from = self.at;
        if let Some((kind, end)) = self.date(from) {
            self.push(kind, from, end);
            if matches!(self.byte(end), b'T' | b't') && self.byte(end + 1).is_ascii_digit() {
                self.at = end + 1;
                if let Some((second, exact, to)) = self.clock(end + 1) {
                    self.push(Kind::Clock(second, exact), end + 1, to);
                }
            }
            return;
        }
        if let Some((second, exact, end)) = self.clock(from) {
            return self.push(Kind::Clock(second, exact), from, end);
        }
        self.number(from);
    }

    fn number(&mut self, from: usize) {
        let first = self.peek().unwrap_or('0');
        let signed = !first.is_ascii_digit();
        let start = if signed { from + first.len_utf8() } else { from };
        let mut end = self.digits(start);
        let mut digits = self.text.get(start..end).unwrap_or_default().to_owned();
        // Separators: 1,962 and 1'962 and 1_962 and a thin or no-break space.
        if (1..=3).contains(&digits.len()) {
            while let Some(gap) = self.separator(end) {
                digits.push_str(self.text.get(end + gap..end + gap + 3).unwrap_or_default());
                end += gap + 3;
            }
        }
        let mut step = 1.0;
        if self.byte(end) == b'.' && self.byte(end + 1).is_ascii_digit() {
            let fraction = self.digits(end + 1);
            if self.byte(fraction) == b'.' && self.byte(fraction + 1).is_ascii_digit() {
                return self.version(from);
            }
            digits.push('.');
            digits.push_str(self.text.get(end + 1..fraction).unwrap_or_default());
            step = 0.1_f64.powi(i32::try_from(fraction - end - 1).unwrap_or(300));
            end = fraction;
        }
        if matches!(self.byte(end), b'e' | b'E') {
            let sign = usize::from(matches!(self.byte(end + 1), b'-' | b'+'));
            let exponent = self.digits(end + 1 + sign);
            if exponent > end + 1 + sign && !self.byte(exponent).is_ascii_alphanumeric() {
                let power: i32 = self.text.get(end + 1..exponent).and_then(|t| t.parse().ok()).unwrap_or(0);
                step *= 10_f64.powi(power);
                digits.push_str(self.text.get(end..exponent).unwrap_or_default());
                end = exponent;
            }
        }
        if self.hash_begins(from) {
            return self.word();
        }
        let mut value: f64 = digits.parse().unwrap_or(f64::NAN);
        if signed && first != '+' {
            value = -value;
        }
        let next = self.text.get(end..).and_then(|t| t.chars().next()).unwrap_or(' ');
        let glued = next.is_alphabetic() || "%‰×".contains(next);
        self.push(Kind::Number { value, step, signed, glued }, from, end);
    }

    fn separator(&self, at: usize) -> Option<usize> {
        let mark = self.text.get(at..)?.chars().next()?;
        let gap = match mark {
            ',' | '\'' | '_' | '\u{202f}' | '\u{2009}' | '\u{a0}' => mark.len_utf8(),
            ' ' if self.spaced_group(at) => 1,
            _ => return None,
        };
        let three = self.digits(at + gap) == at + gap + 3;
        (three && !self.byte(at + gap + 3).is_ascii_digit()).then_some(gap)
    }

    /// `214 530` with a plain space, but not `revision 7 120 ms`, `502 503`, `5 500s`, `3 100.5.2`.
    fn spaced_group(&self, at: usize) -> bool {
        let first = (0..at).rev().find(|n| !self.byte(*n).is_ascii_digit()).map_or(0, |n| n + 1);
        let group = at + 1..at + 4;
        let status = |from: usize, to: usize| to == from + 3 && matches!(self.byte(from), b'4' | b'5');
        let led = self.out.last().is_some_and(|t| {
            t.among(&["revision", "revisions", "rev", "http", "status", "code", "codes", "generation"])
                || t.span.end == first
        });
        !led && self.byte(first) != b'0'
            && self.digits(at + 1) == group.end
            && !self.byte(group.end).is_ascii_alphabetic()
            && !(status(first, at) && status(group.start, group.end))
    }

    /// `7d9f8b6c5`, `5xx`, `2nd`: letters and digits that are no number with a unit.
    fn hash_begins(&self, from: usize) -> bool {
        let rest = self.text.get(from..).unwrap_or_default();
        let run: String = rest.chars().take_while(|c| c.is_ascii_alphanumeric()).collect();
        let letters = run.trim_start_matches(|c: char| c.is_ascii_digit());
        if letters.is_empty() || run.len() == letters.len() {
            return false;
        }
        let ordinal = ["st", "nd", "rd", "th"].contains(&letters);
        let class = letters.eq_ignore_ascii_case("xx");
        // 1h30m is a length; 7d9f8b6c5 is a hash.
        let mixed = letters.chars().any(|c| c.is_ascii_digit());
        let length = mixed
            && run
                .split(|c: char| c.is_ascii_digit())
                .all(|u| ["", "d", "h", "m", "s", "min", "ms"].contains(&u));
        ordinal || class || (mixed && !length)
    }

    fn version(&mut self, from: usize) {
        let rest = self.text.get(from..).unwrap_or_default();
        let mut end = from
            + rest.find(|c: char| !(c.is_ascii_alphanumeric() || ".-+_".contains(c))).unwrap_or(rest.len());
        while end > from && !self.byte(end - 1).is_ascii_alphanumeric() {
            end -= 1;
        }
        self.push(Kind::Version, from, end);
    }

    fn word(&mut self) {
        let from = self.at;
        let mut end = from;
        let mut chars = self.text.get(from..).unwrap_or_default().char_indices().peekable();
        let mut previous = ' ';
        // The `h` of `1h30m` ends where the next number begins.
        let unit =
            self.out.last().is_some_and(|t| t.span.end == from && matches!(t.kind, Kind::Number { .. }));
        while let Some((n, c)) = chars.next() {
            let next = chars.peek().map_or(' ', |(_, c)| *c);
            let inside = c.is_alphanumeric()
                || (n == 0 && c == '/')
                || ("-_/@.:".contains(c) && next.is_alphanumeric() && previous != ' ')
                || (c == '/' && previous.is_alphanumeric() && self.byte(from) == b'/')
                || (['\'', '’'].contains(&c) && next == 't');
            if !inside
                || (c == '-' && next == '>')
                || (unit && (c.is_ascii_digit() || (c == '/' && next.is_ascii_digit())))
            {
                break;
            }
            end = from + n + c.len_utf8();
            previous = c;
        }
        self.push(Kind::Word, from, end.max(from + 1));
    }

    fn mark(&mut self) {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let double = ["->", "=>", "...", "..", ">=", "<=", "--"].into_iter().find(|m| rest.starts_with(m));
        let length = double.map_or_else(|| rest.chars().next().map_or(1, char::len_utf8), str::len);
        self.push(Kind::Mark, self.at, self.at + length);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> Vec<String> {
        tokens(text).into_iter().map(|t| text[t.span].to_owned()).collect()
    }

    #[test]
    fn names_versions_times_and_numbers_stay_whole() {
        assert_eq!(
            cut("cart:1.5 at 12:26:10, 1,962 of 9.8k; v4.12 (1.27.3) 42rps 1h30m 7d9f8b6c5 0.02%→99.8%."),
            [
                "cart:1.5",
                "at",
                "12:26:10",
                ",",
                "1,962",
                "of",
                "9.8",
                "k",
                ";",
                "v4.12",
                "(",
                "1.27.3",
                ")",
                "42",
                "rps",
                "1",
                "h",
                "30",
                "m",
                "7d9f8b6c5",
                "0.02",
                "%",
                "→",
                "99.8",
                "%",
                "."
            ]
        );
    }

    #[test]
    fn no_text_breaks_the_cutting() {
        for text in [
            "",
            "-",
            "−5 °C ½ é́ \u{202e}7",
            "1,2,3 1.2.3. 9:99 99:99:99",
            "/",
            "''",
            "5.",
            "1e",
            "1e5x",
            "０",
        ] {
            for token in tokens(text) {
                assert!(text.get(token.span.clone()).is_some(), "{text}: {token:?}");
            }
        }
    }
}

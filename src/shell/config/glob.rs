//! Patterns over context names: `*` is any text, `?` is one character, everything else is itself. Upper and lower
//! case are the same: a context called `PROD-eu` must not look harmless because of its spelling.

use std::fmt;

/// A pattern.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Glob(String);

impl Glob {
    /// Every text is a pattern.
    pub fn new(pattern: impl Into<String>) -> Self {
        Self(pattern.into())
    }

    /// Whether the whole of `text` fits the pattern.
    pub fn matches(&self, text: &str) -> bool {
        let pattern: Vec<char> = self.0.to_lowercase().chars().collect();
        let text: Vec<char> = text.to_lowercase().chars().collect();
        let (mut p, mut t) = (0, 0);
        // Where to go on when what followed the last `*` did not fit: the star, and where its text ends so far.
        let mut star: Option<(usize, usize)> = None;
        while t < text.len() {
            match pattern.get(p) {
                Some('*') => {
                    star = Some((p, t));
                    p += 1;
                }
                Some(c) if *c == '?' || *c == text[t] => {
                    p += 1;
                    t += 1;
                }
                _ => {
                    let Some((at, end)) = star else { return false };
                    star = Some((at, end + 1));
                    (p, t) = (at + 1, end + 1);
                }
            }
        }
        pattern[p..].iter().all(|c| *c == '*')
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_question_marks_fit_what_they_should() {
        for (pattern, text, fits) in [
            ("*prod*", "eu-prod-1", true),
            ("*prod*", "prod", true),
            ("*prod*", "PROD-EU", true),
            ("*prod*", "staging", false),
            ("prod", "prod-1", false),
            ("prod-?", "prod-1", true),
            ("prod-?", "prod-", false),
            ("*a*b*c", "xaxbxbxc", true),
            ("*a*b*c", "xaxbxbx", false),
            ("", "", true),
            ("", "x", false),
            ("**", "", true),
        ] {
            assert_eq!(Glob::new(pattern).matches(text), fits, "{pattern} {text}");
        }
    }
}

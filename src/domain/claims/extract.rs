//! Finds what a text claims: numbers with units, windows, revisions, names, times, directions, comparisons, orders of
//! events, citations. Knows nothing of what is true; items and sentences are read by the same eyes.

use std::ops::Range;

use super::quantity::{Family, Noun, Quantity};
use super::token::{Kind, Token, tokens};
use super::words::{self, Way};

/// One thing that a text says.
#[derive(Clone, PartialEq, Debug)]
pub enum What {
    /// A number with its unit; `window` if it is a span over which something was measured.
    Number {
        /// The number.
        quantity: Quantity,
        /// It names a window.
        window: bool,
    },
    /// `revision 7`, as its number.
    Revision(String),
    /// A service, workload, ConfigMap, image, version, path, in lower case.
    Name(String),
    /// `p99`.
    Statistic(String),
    /// Time of day: seconds since midnight; whether seconds were said; whether "about" was.
    Clock(u32, bool, bool),
    /// Year (0 if not said), month, day.
    Date(i32, u32, u32),
    /// `rose`, `unchanged`, `doubled`; and whether it was negated.
    Direction(Way, Option<f64>, bool),
    /// `above` before a number: true or false with the number, unless it is a limit's.
    Bound,
    /// `higher than`: up if true.
    Compare(bool),
    /// `before` if true, else `after`.
    Order(bool),
    /// `E4`, in upper case.
    Citation(String),
}

/// One thing with its place.
#[derive(Clone, PartialEq, Debug)]
pub struct Mention {
    /// Bytes.
    pub span: Range<usize>,
    /// Tokens.
    pub at: Range<usize>,
    /// What is said.
    pub what: What,
    /// Said in passing (`all requests`): not worth a mark where nothing is known.
    pub soft: bool,
}

/// A text, read.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Reading {
    /// Its tokens.
    pub tokens: Vec<Token>,
    /// What it says, in order.
    pub mentions: Vec<Mention>,
}

/// What is known beforehand: ids that can be cited, and names of things.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Known {
    /// In upper case.
    pub ids: Vec<String>,
    /// In lower case.
    pub names: Vec<String>,
    /// Words in the plural of facts and units: they may be counted.
    pub counted: Vec<String>,
    /// The text is a sentence, and every item that it cites is about one of `names`: if none is named in it, a plain
    /// word in the place of a name is one.
    pub about_names: bool,
}

/// Family, factor to its own unit, what is counted.
pub(super) type Unit = (Family, f64, Option<Noun>);

/// A text being read: what is taken is not taken twice.
pub(super) struct Extractor<'t> {
    pub(super) text: &'t str,
    pub(super) tokens: Vec<Token>,
    pub(super) used: Vec<bool>,
    pub(super) known: &'t Known,
    pub(super) out: Vec<Mention>,
}

/// Reads `text`.
pub fn read(text: &str, known: &Known) -> Reading {
    let tokens = tokens(text);
    let used = vec![false; tokens.len()];
    let mut extractor = Extractor { text, tokens, used, known, out: Vec::new() };
    extractor.citations();
    extractor.revisions();
    extractor.times();
    extractor.parts();
    extractor.numbers();
    extractor.names();
    extractor.directions();
    extractor.comparisons();
    extractor.orders();
    extractor.out.sort_by_key(|m| (m.at.start, m.at.end));
    Reading { tokens: extractor.tokens, mentions: extractor.out }
}

impl Extractor<'_> {
    pub(super) fn low(&self, at: usize) -> &str {
        self.tokens.get(at).map_or("", |t| t.low.as_str())
    }

    /// The token `back` places before `at`.
    pub(super) fn prior(&self, at: usize, back: usize) -> &str {
        at.checked_sub(back).map_or("", |n| self.low(n))
    }

    pub(super) fn is_word(&self, at: usize) -> bool {
        self.tokens.get(at).is_some_and(|t| t.kind == Kind::Word)
    }

    pub(super) fn raw(&self, at: usize) -> &str {
        self.tokens.get(at).and_then(|t| self.text.get(t.span.clone())).unwrap_or("")
    }

    pub(super) fn number_at(&self, at: usize) -> Option<(f64, f64)> {
        match self.tokens.get(at)?.kind {
            Kind::Number { value, step, .. } if !self.used[at] => Some((value, step)),
            _ => None,
        }
    }

    pub(super) fn say(&mut self, at: Range<usize>, what: What, soft: bool) {
        let (Some(first), Some(last)) =
            (self.tokens.get(at.start), self.tokens.get(at.end.saturating_sub(1)))
        else {
            return;
        };
        let span = first.span.start..last.span.end.max(first.span.end);
        for n in at.clone() {
            self.used[n] = true;
        }
        self.out.push(Mention { span, at, what, soft });
    }

    pub(super) fn is_id(&self, low: &str) -> bool {
        let upper = low.to_uppercase();
        let digits =
            upper.strip_prefix('E').is_some_and(|d| !d.is_empty() && d.chars().all(|c| c.is_ascii_digit()));
        digits || (self.known.ids.contains(&upper) && upper.chars().any(|c| c.is_ascii_digit()))
    }

    pub(super) fn citations(&mut self) {
        for at in 0..self.tokens.len() {
            let low = self.low(at).to_owned();
            let bracketed =
                ["[", "(", ",", ";", "]["].contains(&self.prior(at, 1)) || self.prior(at, 1) == "evidence";
            let bare_number = matches!(self.tokens[at].kind, Kind::Number { .. })
                && (self.prior(at, 1) == "[" && self.low(at + 1) == "]"
                    || ["evidence", "item"].contains(&self.prior(at, 1))
                        && self.known.ids.contains(&format!("E{low}")));
            let plain = self.known.ids.contains(&low.to_uppercase()) && bracketed;
            // `e837` in lower case may be a hash; an id is written so in square brackets alone.
            let hash = self.raw(at).starts_with('e')
                && low.chars().all(|c| c.is_ascii_hexdigit())
                && low.len() >= 4
                && self.prior(at, 1) != "["
                && !self.known.ids.contains(&low.to_uppercase());
            if hash {
                continue;
            }
            if self.is_id(&low) && self.is_word(at) || plain || bare_number {
                // [4] of E4.
                let full = format!("E{}", low.to_uppercase());
                let id =
                    if bare_number && self.known.ids.contains(&full) { full } else { low.to_uppercase() };
                self.say(at..at + 1, What::Citation(id), false);
            } else if self.is_word(at) && low.contains(['-', '/']) {
                let ends: Vec<String> = low.split(['-', '/']).map(str::to_owned).collect();
                if ends.iter().all(|e| self.is_id(e)) {
                    for end in ends {
                        self.say(at..at + 1, What::Citation(end.to_uppercase()), false);
                    }
                }
            } else if self.is_word(at)
                && self.prior(at, 1) == "["
                && self.low(at + 1) == "]"
                && low.chars().any(|c| c.is_ascii_digit())
                && low.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
            {
                self.say(at..at + 1, What::Citation(low.to_uppercase()), false);
            }
        }
    }

    pub(super) fn revisions(&mut self) {
        for at in 0..self.tokens.len() {
            if self.used[at] || !self.is_word(at) {
                continue;
            }
            let low = self.low(at).to_owned();
            if let Some(number) = revision_word(&low) {
                self.say(at..at + 1, What::Revision(number), false);
                continue;
            }
            if !["revision", "revisions", "rev", "revs", "generation"].contains(&low.as_str()) {
                continue;
            }
            let mut next = at + 1;
            while [".", "#", ":", "no", "number", "nr", "=", "("].contains(&self.low(next)) && next < at + 3 {
                next += 1;
            }
            let spelled = |e: &Self, n: usize| e.is_word(n).then(|| words::spelled(e.low(n))).flatten();
            let whole = |e: &Self, n: usize| {
                e.number_at(n)
                    .filter(|(v, s)| *s == 1.0 && v.fract() == 0.0)
                    .map(|(v, _)| v)
                    .or_else(|| spelled(e, n))
            };
            // "the serving revision is 110", and not "the revision is 7 minutes old".
            if low == "revision" && next == at + 1 && ["is", "was"].contains(&self.low(next)) {
                let behind = self.low(next + 2);
                let measured =
                    words::unit(behind).is_some() || words::noun(behind).is_some() || behind == "%";
                next += usize::from(self.number_at(next + 1).is_some() && !measured);
            }
            let Some(first) = whole(self, next) else { continue };
            self.say(at..next + 1, What::Revision(format!("{first}")), false);
            // revisions 6 and 7; revision 6 -> 7; from revision 6 to 7.
            let several = low.ends_with('s');
            while (several || self.low(next + 1) != ",")
                && ["and", "to", "->", "→", ",", "=>", "vs", "or", "-", "–"].contains(&self.low(next + 1))
            {
                let joined = next + 2;
                let Some(second) = whole(self, joined) else { break };
                let unit = self.low(joined + 1).to_owned();
                let counted = words::unit(&unit).is_some() || words::noun(&unit).is_some();
                if counted || spelled(self, joined).is_some() {
                    break;
                }
                self.say(joined..joined + 1, What::Revision(format!("{second}")), false);
                next = joined;
            }
        }
    }

    pub(super) fn times(&mut self) {
        for at in 0..self.tokens.len() {
            match self.tokens[at].kind {
                Kind::Clock(second, exact) => {
                    let mut end = at + 1;
                    if ["utc", "z", "am", "pm", "gmt"].contains(&self.low(end)) {
                        end += 1;
                    }
                    let about =
                        (1..3).any(|b| words::ABOUT.contains(&self.prior(at, b)) || self.prior(at, b) == "~");
                    self.say(at..end, What::Clock(second, exact, about), false);
                }
                Kind::Date(y, m, d) => self.say(at..at + 1, What::Date(y, m, d), false),
                Kind::Word => {
                    let Some(month) = month(self.low(at)) else { continue };
                    let day = |e: &Self, n: usize| {
                        let low = e.low(n).trim_end_matches(|c: char| c.is_alphabetic());
                        low.parse::<u32>().ok().filter(|d| (1..=31).contains(d) && !e.used[n])
                    };
                    if let Some(d) = day(self, at + 1) {
                        self.say(at..at + 2, What::Date(0, month, d), false);
                    } else if let Some(d) = at.checked_sub(1).and_then(|n| day(self, n)) {
                        self.say(at - 1..at + 1, What::Date(0, month, d), false);
                    }
                }
                _ => {}
            }
        }
    }
}

/// `rev7`, `r7`, `revision-7`.
fn revision_word(low: &str) -> Option<String> {
    let rest = ["revision-", "revision:", "revision/", "rev-", "rev:", "rev.", "rev", "r"]
        .iter()
        .find_map(|p| low.strip_prefix(p))?;
    let number = !rest.is_empty() && rest.len() < 6 && rest.chars().all(|c| c.is_ascii_digit());
    number.then(|| rest.trim_start_matches('0').to_owned())
}

fn month(low: &str) -> Option<u32> {
    const MONTHS: [&str; 12] = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    let found = MONTHS.iter().position(|m| *m == low || (low.len() == 3 && m.starts_with(low)))?;
    u32::try_from(found + 1).ok()
}

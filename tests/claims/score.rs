//! Runs labelled answers through the checker and counts what it said of each labelled claim: matched by sentence and by
//! place, generously in spaces, case and spelling of units, and the worst mark of what overlaps counts.

use std::collections::BTreeMap;

use goaround::domain::claims::{Claim, Item, MOST_SENTENCES, Sentence, check};
use serde_json::{Value, json};

/// What was said of claims with one label.
#[derive(Clone, Copy, Default, Debug)]
pub struct Said {
    /// Marks, in this order.
    pub confirmed: usize,
    /// It differs.
    pub contradicted: usize,
    /// Nothing speaks of it.
    pub not_found: usize,
    /// No claim was seen there.
    pub unseen: usize,
}

impl Said {
    /// All of them.
    pub fn all(&self) -> usize {
        self.confirmed + self.contradicted + self.not_found + self.unseen
    }

    /// Those that an operator is warned of.
    pub fn flagged(&self) -> usize {
        self.contradicted + self.not_found
    }
}

/// The whole result, by kind of claim or of lie (`kind` of a label, where it has one).
#[derive(Clone, Default, Debug)]
pub struct Score {
    /// Of true claims.
    pub true_claims: Said,
    /// Of false claims.
    pub false_claims: Said,
    /// By kind: true ones, false ones.
    pub kinds: BTreeMap<String, (Said, Said)>,
    /// False claims that count as flagged by the word beside them (750x over ~~1h~~).
    pub beside: usize,
    /// What went wrong, in words.
    pub wrong: Vec<String>,
}

impl Score {
    /// Judges one line of a corpus.
    pub fn line(&mut self, line: &Value) {
        let list = |name: &str| line[name].as_array().cloned().unwrap_or_default();
        let items: Vec<Item> = list("evidence").iter().filter_map(Item::from_json).collect();
        let sentences: Vec<Sentence> = list("answer").iter().map(Sentence::from_json).collect();
        // In parts: a corpus may put more sentences into an answer than are read of one.
        let mut claims = Vec::new();
        for (part, some) in sentences.chunks(MOST_SENTENCES).enumerate() {
            let first = part * MOST_SENTENCES;
            claims
                .extend(check(&items, some).into_iter().map(|c| Claim { sentence: c.sentence + first, ..c }));
        }
        let labels = list("claims");
        let place = |label: &Value| {
            let text = label["text"].as_str().unwrap_or_default().to_owned();
            (label["sentence"].as_u64().unwrap_or(0) as usize, text)
        };
        let mut all: BTreeMap<(usize, String), usize> = BTreeMap::new();
        labels.iter().for_each(|label| *all.entry(place(label)).or_default() += 1);
        let mut seen: BTreeMap<(usize, String), usize> = BTreeMap::new();
        for label in &labels {
            let (key, nth) = (place(label), seen.entry(place(label)).or_default());
            let occurrence = (*nth, all[&key]);
            *nth += 1;
            let (index, text) = (key.0, key.1.as_str());
            let truth = label["mark"].as_str() == Some("confirmed");
            let kind = label["kind"].as_str().unwrap_or("-").to_owned();
            let sentence = sentences.get(index).map_or("", |s| s.text.as_str());
            let own = mark_of(&claims, index, sentence, text, occurrence, truth);
            let unflagged = matches!(own, None | Some("confirmed"));
            let mark = match beside(&claims, index, sentence, text).filter(|_| unflagged && !truth) {
                Some(flag) => {
                    self.beside += 1;
                    Some(flag)
                }
                None => own,
            };
            let count = |said: &mut Said| match mark {
                Some("confirmed") => said.confirmed += 1,
                Some("contradicted") => said.contradicted += 1,
                Some(_) => said.not_found += 1,
                None => said.unseen += 1,
            };
            let by_kind = self.kinds.entry(kind.clone()).or_default();
            let flagged = !matches!(mark, None | Some("confirmed"));
            if truth {
                count(&mut self.true_claims);
                count(&mut by_kind.0);
            } else {
                count(&mut self.false_claims);
                count(&mut by_kind.1);
            }
            if flagged == truth {
                let what = if truth { "false flag" } else { "missed" };
                let said = mark.unwrap_or("unseen");
                self.wrong.push(format!(
                    "{what} ({kind}): {text:?} is {said} in {sentence:?} {:?}",
                    sentences.get(index).map(|s| &s.evidence)
                ));
            }
        }
    }

    /// The last line that is printed.
    pub fn json(&self) -> Value {
        let of = |said: &Said| json!({"confirmed": said.confirmed, "contradicted": said.contradicted, "not_found": said.not_found});
        // A true claim that nobody doubts stands as it is.
        let mut true_claims = self.true_claims;
        true_claims.confirmed += true_claims.unseen;
        json!({"true": of(&true_claims), "false": of(&self.false_claims), "missed": self.missed(), "false_flags": self.true_claims.flagged()})
    }

    /// False claims that were confirmed or not seen.
    pub fn missed(&self) -> usize {
        self.false_claims.confirmed + self.false_claims.unseen
    }

    /// The confusion table, as Markdown.
    pub fn table(&self) -> String {
        let mut out = String::from(
            "| kind | label | confirmed | contradicted | not found | not seen |\n|---|---|---|---|---|---|\n",
        );
        let mut row = |kind: &str, label: &str, s: &Said| {
            if s.all() > 0 {
                out += &format!(
                    "| {kind} | {label} | {} | {} | {} | {} |\n",
                    s.confirmed, s.contradicted, s.not_found, s.unseen
                );
            }
        };
        for (kind, (right, wrong)) in &self.kinds {
            row(kind, "true", right);
            row(kind, "false", wrong);
        }
        row("all", "true", &self.true_claims);
        row("all", "false", &self.false_claims);
        out
    }
}

/// The worst mark of the claims that overlap `text` in the sentence. Where it stands there more than once, the nth of
/// as many labels takes the nth place; else the place that agrees with the label counts.
fn mark_of(
    claims: &[Claim],
    index: usize,
    sentence: &str,
    text: &str,
    nth: (usize, usize),
    truth: bool,
) -> Option<&'static str> {
    let places = places(sentence, text);
    let here: Vec<&Claim> = claims.iter().filter(|c| c.sentence == index).collect();
    let worst = |marks: &[&'static str]| {
        ["contradicted", "not_found", "confirmed"].into_iter().find(|m| marks.contains(m))
    };
    if places.is_empty() {
        let bare = normal(text);
        let alike = |c: &&&Claim| normal(&c.text).contains(&bare) || bare.contains(&normal(&c.text));
        let marks: Vec<&'static str> = here.iter().filter(alike).map(|c| c.mark.word()).collect();
        // Written otherwise than in the sentence ("5m" of "5-minute"): the claim with the same number.
        let digits = first_number(text);
        let same = |c: &&&Claim| digits.is_some() && first_number(&c.text) == digits;
        let numbers: Vec<&'static str> = here.iter().filter(same).map(|c| c.mark.word()).collect();
        return worst(&marks).or_else(|| worst(&numbers));
    }
    let at = |(from, to): &(usize, usize)| {
        let marks: Vec<&'static str> =
            here.iter().filter(|c| c.span.start < *to && *from < c.span.end).map(|c| c.mark.word()).collect();
        worst(&marks)
    };
    if nth.1 == places.len() {
        return at(&places[nth.0]);
    }
    let marks: Vec<&'static str> = places.iter().filter_map(at).collect();
    if truth && marks.contains(&"confirmed") { Some("confirmed") } else { worst(&marks) }
}

/// The flag of a claim that belongs to the labelled one: of a number and its window, service or revision, one is flagged
/// and a reader sees that the two together are false. At most five words without a claim may stand between them.
fn beside(claims: &[Claim], index: usize, sentence: &str, text: &str) -> Option<&'static str> {
    let [(from, to)] = places(sentence, text)[..] else { return None };
    let here: Vec<&Claim> = claims.iter().filter(|c| c.sentence == index && !c.span.is_empty()).collect();
    let next = here.iter().filter(|c| c.span.start >= to).min_by_key(|c| c.span.start);
    let last = here.iter().filter(|c| c.span.end <= from).max_by_key(|c| c.span.end);
    let near = |between: Option<&str>| {
        between.is_some_and(|t| t.split_whitespace().count() <= 5 && !t.contains(['[', ']', ';', ',']))
    };
    let number = |text: &str| text.starts_with(|c: char| c.is_ascii_digit() || c == '-');
    let window = |text: &str| number(text) && text.ends_with(['m', 'h', 'd', 's']) && !text.ends_with("ms");
    [
        next.filter(|c| near(sentence.get(to..c.span.start))),
        last.filter(|c| near(sentence.get(c.span.end..from))),
    ]
    .into_iter()
    .flatten()
    .filter(|c| {
        c.mark.word() != "confirmed" && (!number(&c.text) || !number(text) || window(&c.text) != window(text))
    })
    .map(|c| c.mark.word())
    .next()
}

fn first_number(text: &str) -> Option<String> {
    let from = text.find(|c: char| c.is_ascii_digit())?;
    let number: String =
        text[from..].chars().take_while(|c| c.is_ascii_digit() || ".,:".contains(*c)).collect();
    Some(number.trim_end_matches(['.', ',', ':']).replace(',', ""))
}

fn normal(text: &str) -> String {
    text.to_lowercase()
        .replace('×', "x")
        .replace("percent", "%")
        .chars()
        .filter(|c| !c.is_whitespace())
        .collect()
}

/// Where `text` stands in `sentence`, spaces and case aside, as whole words.
fn places(sentence: &str, text: &str) -> Vec<(usize, usize)> {
    let wanted: Vec<char> =
        text.trim().to_lowercase().chars().filter(|c| !c.is_whitespace()).map(same).collect();
    let have: Vec<(usize, char)> = sentence
        .char_indices()
        .filter(|(_, c)| !c.is_whitespace())
        .map(|(n, c)| (n, same(c.to_lowercase().next().unwrap_or(c))))
        .collect();
    if wanted.is_empty() || have.len() < wanted.len() {
        return Vec::new();
    }
    let mut out = Vec::new();
    for from in 0..=have.len() - wanted.len() {
        if (0..wanted.len()).all(|n| have[from + n].1 == wanted[n]) {
            let start = have[from].0;
            let last = have[from + wanted.len() - 1].0;
            let end = last + sentence[last..].chars().next().map_or(1, char::len_utf8);
            out.push((start, end));
        }
    }
    let whole: Vec<(usize, usize)> =
        out.iter().copied().filter(|(from, to)| bounded(sentence, *from, *to)).collect();
    if whole.is_empty() { out } else { whole }
}

fn same(c: char) -> char {
    match c {
        '×' => 'x',
        '−' | '–' => '-',
        '’' => '\'',
        other => other,
    }
}

fn bounded(sentence: &str, from: usize, to: usize) -> bool {
    let inside = &sentence[from..to];
    let before = sentence[..from].chars().next_back();
    let mut behind = sentence[to..].chars();
    let (next, after) = (behind.next(), behind.next());
    let joins = |a: Option<char>, b: Option<char>| matches!((a, b), (Some(a), Some(b)) if a.is_alphanumeric() && b.is_alphanumeric());
    let point = |c: Option<char>| matches!(c, Some('.' | ','));
    let ends_digit = inside.chars().next_back().is_some_and(|c| c.is_ascii_digit());
    let starts_digit = inside.starts_with(|c: char| c.is_ascii_digit());
    let fraction = ends_digit && point(next) && after.is_some_and(|c| c.is_ascii_digit());
    let of_fraction = starts_digit
        && point(before)
        && sentence[..from.saturating_sub(1)].ends_with(|c: char| c.is_ascii_digit());
    !joins(before, inside.chars().next())
        && !joins(inside.chars().next_back(), next)
        && !fraction
        && !of_fraction
}

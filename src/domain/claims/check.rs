//! Marks claims. Each is looked up in the cited items alone; a number must agree in unit, value, window, side, subject
//! and statistic, as far as both the sentence and the item speak of them.

use super::amount::fits;
use super::extract::{self, Known, Reading, What};
use super::facts::{self, Fact, Offer};
use super::item::{Given, Item, Sentence};
use super::place::{self, Role};
use super::words::{self, Metric};
use super::{Claim, Mark, direction, order};

/// A sentence with all that is needed to mark its claims.
pub(super) struct Context<'a> {
    pub reading: &'a Reading,
    pub cited: Vec<&'a Fact>,
    pub uncited: Vec<&'a Fact>,
    pub roles: Vec<Option<Role>>,
    pub joined: Vec<(usize, usize)>,
    pub windows: Vec<Option<usize>>,
    pub names: Vec<Option<usize>>,
    pub revisions: Vec<Option<usize>>,
    pub known: &'a Known,
}

/// Characters of a sentence that are read; what is beyond is one claim, not found.
pub const LONGEST_SENTENCE: usize = 2_000;
/// Sentences of an answer that are read; each one beyond is one claim, not found.
pub const MOST_SENTENCES: usize = 200;

/// Marks every claim of `sentences` by the `items` that each cites, by its list or in brackets in its text. Any text and
/// any items are taken; the work is bounded by the two limits above.
pub fn check(items: &[Item], sentences: &[Sentence]) -> Vec<Claim> {
    let items: Vec<Item> = items.iter().map(bounded).collect();
    let known = facts::known(&items);
    let facts: Vec<Fact> = items.iter().enumerate().map(|(n, item)| facts::fact(n, item, &known)).collect();
    let mut out = Vec::new();
    for (n, sentence) in sentences.iter().enumerate() {
        let read = if n < MOST_SENTENCES { readable(&sentence.text) } else { "" };
        if n < MOST_SENTENCES {
            one(n, read, &sentence.evidence, &facts, &known, &mut out);
        }
        if let Some(rest) = sentence.text.get(read.len()..).filter(|rest| !rest.is_empty()) {
            let span = read.len()..sentence.text.len();
            out.push(Claim { sentence: n, span, text: rest.to_owned(), mark: Mark::NotFound });
        }
    }
    out
}

fn bounded(item: &Item) -> Item {
    let head = |text: &str| readable(text).to_owned();
    let value = match &item.value {
        Given::Text(text) => Given::Text(head(text)),
        other => other.clone(),
    };
    Item {
        id: head(&item.id),
        fact: facts::spaced(readable(&item.fact)),
        value,
        unit: head(&item.unit),
        window: head(&item.window),
        subject: head(&item.subject),
        ..*item
    }
}

/// The head of a text that is read, cut between words.
fn readable(text: &str) -> &str {
    let Some((end, _)) = text.char_indices().nth(LONGEST_SENTENCE) else { return text };
    let head = text.get(..end).unwrap_or_default();
    let word = head.rfind(char::is_whitespace).filter(|at| *at > end / 2);
    head.get(..word.unwrap_or(end)).unwrap_or(head)
}

fn one(index: usize, text: &str, evidence: &[String], facts: &[Fact], known: &Known, out: &mut Vec<Claim>) {
    let plain = extract::read(text, known);
    let inline = plain.mentions.iter().filter_map(|m| match &m.what {
        What::Citation(id) => Some(id.clone()),
        _ => None,
    });
    let ids: Vec<String> =
        evidence.iter().map(|id| id.trim_matches(['[', ']', ' ']).to_uppercase()).chain(inline).collect();
    let (cited, uncited): (Vec<&Fact>, Vec<&Fact>) = facts.iter().partition(|f| ids.contains(&f.id));
    let about_names = !cited.is_empty() && cited.iter().any(|f: &&Fact| f.about_name);
    let known = &Known { about_names, ..known.clone() };
    let reading = extract::read(text, known);
    let context = Context {
        reading: &reading,
        cited,
        uncited,
        roles: place::roles(&reading, false),
        joined: place::joined(&reading),
        windows: place::belongs(&reading, |w| matches!(w, What::Number { window: true, .. })),
        names: place::belongs(&reading, |w| matches!(w, What::Name(_))),
        revisions: place::belongs(&reading, |w| matches!(w, What::Revision(_))),
        known,
    };
    let from = out.len();
    for n in 0..reading.mentions.len() {
        let mention = &reading.mentions[n];
        if let Some(mark) = context.mark(n) {
            let words = text.get(mention.span.clone()).unwrap_or_default().to_owned();
            out.push(Claim { sentence: index, span: mention.span.clone(), text: words, mark });
        }
    }
    context.wrong_citations(&mut out[from..]);
    let said: Vec<String> = out[from..].iter().map(|c| c.text.to_uppercase()).collect();
    for id in evidence {
        let upper = id.trim_matches(['[', ']', ' ']).to_uppercase();
        if !facts.iter().any(|f| f.id == upper) && !said.contains(&upper) {
            out.push(Claim { sentence: index, span: 0..0, text: id.clone(), mark: Mark::NotFound });
        }
    }
}

pub(super) fn contradicted(truth: impl Into<String>) -> Mark {
    Mark::Contradicted { truth: Some(truth.into()) }
}

impl Context<'_> {
    pub(super) fn mark(&self, n: usize) -> Option<Mark> {
        let mention = &self.reading.mentions[n];
        let mark = match &mention.what {
            What::Citation(id) => {
                let there = self.cited.iter().any(|f| f.id == *id);
                Some(if there { Mark::Confirmed } else { Mark::NotFound })
            }
            What::Number { quantity, window: true } => Some(self.window(n, quantity)),
            What::Number { quantity, .. } => Some(self.number(n, quantity)),
            What::Revision(number) => Some(self.revision(n, number)),
            What::Name(name) => Some(self.name(n, name)),
            What::Statistic(name) => self.statistic(name),
            What::Clock(second, exact, about) => Some(self.clock(n, *second, *exact, *about)),
            What::Date(y, m, d) => Some(self.date(*y, *m, *d)),
            What::Direction(way, factor, negated) => direction::mark(self, n, *way, *factor, *negated),
            What::Bound => self.bound(n),
            What::Compare(over) => direction::compare(self, n, *over),
            What::Order(before) => order::mark(self, n, *before),
        };
        mark.filter(|m| !mention.soft || *m != Mark::NotFound)
    }

    pub(super) fn offers(&self) -> impl Iterator<Item = (&Fact, &Offer)> {
        self.cited.iter().flat_map(|f| f.offers.iter().map(move |o| (*f, o)))
    }

    /// Tokens that say what a number measures: its clause, else what stands before it.
    pub(super) fn about(&self, n: usize) -> Vec<Metric> {
        let at = self.reading.mentions[n].at.start;
        let own = place::metrics(self.reading, place::clause_of(self.reading, at));
        if own.is_empty() { place::metrics(self.reading, 0..at) } else { own }
    }

    /// An id that exists, but supports nothing here, while another item that is not cited says what is said.
    fn wrong_citations(&self, claims: &mut [Claim]) {
        let supported = |f: &Fact| {
            self.reading.mentions.iter().any(|m| match &m.what {
                What::Number { quantity, .. } => {
                    f.offers.iter().any(|o| fits(quantity, o, &[], &f.metrics) == Some(true))
                        || f.windows.iter().any(|w| quantity.says(*w))
                }
                What::Revision(r) => f.revisions.contains(r),
                What::Name(name) => self.has_name(f, name),
                What::Clock(s, ..) => f.moments.iter().any(|m| m.second / 60 == s / 60),
                _ => false,
            })
        };
        // A number that nothing cited speaks of, and that another item gives.
        let elsewhere = self.reading.mentions.iter().any(|m| match &m.what {
            What::Number { quantity, window: false } if !m.soft => {
                let marked = claims.iter().find(|c| c.span == m.span);
                marked.is_some_and(|c| c.mark == Mark::NotFound)
                    && self.uncited.iter().any(|f| {
                        f.offers.iter().any(|o| o.value && fits(quantity, o, &[], &f.metrics) == Some(true))
                    })
            }
            _ => false,
        });
        if !elsewhere {
            return;
        }
        for claim in claims.iter_mut() {
            let id = claim.text.to_uppercase();
            if let Some(f) = self.cited.iter().find(|f| f.id == id).filter(|f| !supported(f)) {
                let about = self
                    .reading
                    .mentions
                    .iter()
                    .any(|m| matches!(m.what, What::Direction(..)) && !f.metrics.is_empty());
                if !about {
                    claim.mark = Mark::NotFound;
                }
            }
        }
    }
}

/// The event that the words around a token speak of, nearest first.
pub(super) fn near_event(reading: &Reading, range: impl Iterator<Item = usize>) -> Option<words::Event> {
    let mut range = range;
    range.find_map(|t| words::event(&reading.tokens.get(t)?.low))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(id: &str, fact: &str, value: f64, unit: &str, window: &str) -> Item {
        let text = str::to_owned;
        let value = Given::Number(value);
        Item {
            id: text(id),
            fact: text(fact),
            value,
            unit: text(unit),
            window: text(window),
            ..Item::default()
        }
    }

    fn items() -> Vec<Item> {
        vec![
            item("E1", "error ratio before the rollout", 0.0002, "ratio", "1h"),
            item("E2", "error ratio after the rollout", 0.998, "ratio", "5m"),
            item("E3", "burn rate", 749.6, "x", "5m"),
        ]
    }

    fn marks(text: &str, evidence: &[&str]) -> Vec<(String, Mark)> {
        let evidence = evidence.iter().map(|id| (*id).to_owned()).collect();
        let claims = check(&items(), &[Sentence { text: text.to_owned(), evidence }]);
        claims.into_iter().map(|c| (c.text, c.mark)).collect()
    }

    fn of(text: &str, evidence: &[&str], claim: &str) -> Mark {
        let all = marks(text, evidence);
        all.iter()
            .find(|(t, _)| t == claim)
            .map(|(_, m)| m.clone())
            .unwrap_or_else(|| panic!("{claim} of {all:?}"))
    }

    #[test]
    fn a_wrong_number_carries_the_true_one() {
        let mark = of("Errors rose from 0.02% to 9.9% [E1][E2].", &[], "9.9%");
        assert_eq!(mark, Mark::Contradicted { truth: Some("99.8 %".into()) });
        assert_eq!(of("Errors rose from 0.02% to 99.8% [E1][E2].", &[], "99.8%"), Mark::Confirmed);
    }

    #[test]
    fn what_only_an_item_that_is_not_cited_says_is_not_found() {
        assert_eq!(of("The budget burns at 750x.", &["E1"], "750x"), Mark::NotFound);
        assert_eq!(of("The budget burns at 750x.", &["E3"], "750x"), Mark::Confirmed);
    }

    #[test]
    fn an_invented_id_is_a_claim_in_the_text_and_beside_it() {
        assert_eq!(of("It burns [E9].", &[], "E9"), Mark::NotFound);
        assert_eq!(marks("It is so.", &["E9"]), [("E9".to_owned(), Mark::NotFound)]);
    }

    #[test]
    fn swapped_sides_and_a_reversed_direction_are_contradicted() {
        for (text, claim) in [
            ("Errors went from 99.8 % to 0.02 % [E1][E2].", "99.8 %"),
            ("Before the rollout 99.8 % failed [E1][E2].", "99.8 %"),
            ("The error ratio fell after the rollout [E1][E2].", "fell"),
        ] {
            assert!(matches!(of(text, &[], claim), Mark::Contradicted { .. }), "{text}");
        }
    }

    #[test]
    fn a_bare_number_and_a_version_are_not_contradicted_by_what_is_of_another_kind() {
        assert_eq!(of("The 1 is far above it, says sentence 2.", &["E3"], "1"), Mark::NotFound);
        assert_eq!(of("The errors, see sentence 2, are new.", &["E2"], "2"), Mark::NotFound);
        let about = Item { subject: "api-gateway-requests-availability".into(), ..items()[2].clone() };
        let text = "Its server 1.27.2 burns.".to_owned();
        let one = Sentence { text, evidence: vec!["E3".into()] };
        let claims = check(&[about], std::slice::from_ref(&one));
        assert_eq!(claims.iter().find(|c| c.text == "1.27.2").map(|c| &c.mark), Some(&Mark::NotFound));
        let image = Item { id: "E3".into(), fact: "the image is server 1.25.1".into(), ..Item::default() };
        let claims = check(&[image], &[one]);
        let mark = claims.into_iter().find(|c| c.text == "1.27.2").map(|c| c.mark);
        assert_eq!(mark, Some(Mark::Contradicted { truth: Some("1.25.1".into()) }));
    }

    #[test]
    fn a_version_that_went_the_other_way_is_contradicted() {
        let fact = "revision 7 changed image 4.11 -> 4.12".to_owned();
        let item = Item { id: "E1".into(), fact, ..Item::default() };
        for (text, word) in [
            ("Revision 7 changed the image from 4.11 to 4.12.", "confirmed"),
            ("Revision 7 changed the image from 4.12 to 4.11.", "contradicted"),
            ("Revision 7 changed the image from 4.11 to 4.13.", "contradicted"),
        ] {
            let sentence = Sentence { text: text.to_owned(), evidence: vec!["E1".into()] };
            let claims = check(std::slice::from_ref(&item), &[sentence]);
            assert_eq!(claims.last().map(|c| c.mark.word()), Some(word), "{text}: {claims:?}");
        }
    }

    #[test]
    fn text_without_claims_has_none() {
        assert_eq!(marks("This suggests that rolling back is the right thing to do.", &["E1"]), []);
    }
}

//! A question, answered in a general way: by the evidence line that shares most of its words, or by saying that none
//! does.

use super::prompt::Item;
use super::sentence::{Sentence, plain};

/// Words of four letters and more that say nothing of what a question is about.
const COMMON: &str = " about after again also another anything because been before being cause caused causes come could \
    does doing done down else ever exactly explain first from give going happen happened happens have help here into \
    it's itself just know like look looks make many maybe mean more most much must need nothing only other over please \
    problem really reason right same seem seems should show some something still such sure tell than that that's their \
    them then there these they thing think this those though time told under until very want wants well went were what \
    what's when where whether which while whole will with without won't work would wrong your ";

/// The answer to `asked`.
pub(super) fn answered<'a>(asked: &str, items: &'a [Item]) -> Sentence<'a> {
    let words = content_words(asked);
    let shared = |item: &Item| {
        // Where a line comes from is not what it speaks of.
        let details = item.details.split("; ").filter(|part| part.starts_with("about "));
        let text = format!("{} {}", item.fact, details.collect::<String>()).to_lowercase();
        words.iter().filter(|word| text.contains(stem(word))).count()
    };
    // The first of the best.
    let best = items.iter().rev().max_by_key(|item| shared(item)).filter(|item| shared(item) > 0);
    if let Some(item) = best {
        return Sentence { text: format!("The evidence speaks of it: {}", plain(item).text), ..plain(item) };
    }
    let text = match words.as_slice() {
        [] => "The evidence says no more than what follows".to_owned(),
        [word] => format!("Nothing in the evidence speaks of {}", with_article(word)),
        [words @ .., last] => {
            let words: Vec<String> = words.iter().map(|word| with_article(word)).collect();
            format!("Nothing in the evidence speaks of {} or {}", words.join(", "), with_article(last))
        }
    };
    Sentence { text, ..Sentence::default() }
}

/// At most three words that tell what is asked about, in their order.
fn content_words(asked: &str) -> Vec<String> {
    let asked = asked.to_lowercase();
    let mut words: Vec<String> = Vec::new();
    for word in asked.split(|c: char| !c.is_alphanumeric() && c != '-' && c != '\'') {
        let common = COMMON.contains(&format!(" {word} "));
        if (4..40).contains(&word.chars().count()) && !common && !words.iter().any(|known| known == word) {
            words.push(word.to_owned());
        }
    }
    words.truncate(3);
    words
}

fn stem(word: &str) -> &str {
    word.strip_suffix('s').unwrap_or(word)
}

fn with_article(word: &str) -> String {
    match word.chars().next() {
        _ if word.ends_with('s') => word.to_owned(),
        Some('a' | 'e' | 'i' | 'o') => format!("an {word}"),
        _ => format!("a {word}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(id: &str, fact: &str) -> Item {
        Item { id: id.into(), fact: fact.into(), value: Some("3".into()), ..Item::default() }
    }

    #[test]
    fn what_no_line_speaks_of_is_said_to_be_missing_and_cites_nothing() {
        let items = [item("E1", "burn rate of api"), item("E2", "replicas available")];
        let said = answered("could it be the database?", &items);
        assert_eq!(
            (said.text.as_str(), said.cited.len()),
            ("Nothing in the evidence speaks of a database", 0)
        );
        let said = answered("Is it an outage of redis, or kafka?", &items);
        assert_eq!(said.text, "Nothing in the evidence speaks of an outage, redis or a kafka");
    }

    #[test]
    fn the_line_that_shares_most_words_is_cited() {
        let items =
            [item("E1", "burn rate of api"), item("E2", "replicas available"), item("E3", "replica sets")];
        let said = answered("are all replicas available?", &items);
        assert_eq!(said.text, "The evidence speaks of it: Replicas available: 3");
        assert_eq!(said.cited, [&items[1]]);
    }

    #[test]
    fn a_question_without_a_subject_is_answered_all_the_same() {
        assert_eq!(answered("why?", &[]).text, "The evidence says no more than what follows");
    }
}

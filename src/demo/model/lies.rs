//! Lies on purpose: each changes one sentence so that it says what the cited line does not. The same sentences and the
//! same list give the same lies; one that finds no sentence is left out.

use super::prompt::Prompt;
use super::sentence::Sentence;
use crate::demo::scenario::model::Lie;

/// The order in which sentences are taken: those that fit few sentences choose first.
const ORDER: [Lie; 5] = [Lie::Direction, Lie::Revision, Lie::Value, Lie::Window, Lie::Citation];

/// Windows to name in place of the right one.
const WINDOWS: [&str; 4] = ["30m", "6h", "2h", "3d"];

/// Tells `lies`, each in a sentence of its own as long as there are enough. A repair tells no invented citation.
pub(super) fn told(lies: &[Lie], again: bool, prompt: &Prompt, sentences: &mut [Sentence<'_>]) {
    let mut used = vec![false; sentences.len()];
    for lie in ORDER.into_iter().filter(|lie| lies.contains(lie) && !(again && *lie == Lie::Citation)) {
        let places =
            (0..sentences.len()).filter(|n| !used[*n]).chain((0..sentences.len()).filter(|n| used[*n]));
        let found = places.into_iter().find_map(|n| Some((n, changed(lie, prompt, &sentences[n])?)));
        if let Some((n, (text, invented))) = found {
            sentences[n].text = text;
            sentences[n].invented = invented.or(sentences[n].invented.take());
            used[n] = true;
        }
    }
}

/// The text of `sentence` with the lie in it, and the id that it invents.
fn changed(lie: Lie, prompt: &Prompt, sentence: &Sentence<'_>) -> Option<(String, Option<String>)> {
    let text = &sentence.text;
    let said = match lie {
        Lie::Value => sentence.cited.iter().rev().find_map(|item| {
            let value = item.value.as_deref()?;
            swapped(text, value, &off_by_ten(value)?)
        }),
        Lie::Window => sentence.cited.iter().find_map(|item| {
            let window = item.window.as_deref()?;
            let taken = |other: &str| prompt.items.iter().any(|item| item.window.as_deref() == Some(other));
            swapped(text, window, WINDOWS.into_iter().find(|other| !taken(other))?)
        }),
        Lie::Direction => [(" rose ", " fell "), (" fell ", " rose "), (" stayed at ", " fell to ")]
            .into_iter()
            .find_map(|(is, other)| text.contains(is).then(|| text.replacen(is, other, 1))),
        Lie::Revision => {
            let right = prompt.target.as_deref()?;
            let wrong = format!("revision {}", right.parse::<u64>().ok()?.checked_add(4)?);
            // Where the sentence names the revision by its ReplicaSet, that is who is taken for another revision.
            let named = text.strip_prefix("While ").and_then(|rest| rest.split_once(" served"));
            swapped(text, &format!("revision {right}"), &wrong)
                .or_else(|| named.map(|(_, rest)| format!("While {wrong} served{rest}")))
        }
        Lie::Citation => {
            let highest = prompt.items.iter().filter_map(|item| item.id.get(1..)?.parse::<u64>().ok()).max();
            return Some((text.clone(), Some(format!("E{}", highest.unwrap_or(0).saturating_add(7)))));
        }
    };
    said.map(|text| (text, None))
}

/// `text` with the last `is` that stands by itself replaced.
fn swapped(text: &str, is: &str, other: &str) -> Option<String> {
    let part_of_word = |c: char| c.is_alphanumeric() || c == '.' || c == ',';
    let alone = |at: usize| {
        let (before, after) = (&text[..at], &text[at + is.len()..]);
        !before.ends_with(part_of_word) && !after.starts_with(char::is_alphanumeric)
    };
    let (at, _) = text.rmatch_indices(is).find(|(at, _)| alone(*at))?;
    Some(format!("{}{other}{}", &text[..at], &text[at + is.len()..]))
}

/// The value with its number copied wrong by a factor of ten, as small models do: `99.8 %` becomes `9.9 %`.
fn off_by_ten(value: &str) -> Option<String> {
    let end = value.find(|c: char| !c.is_ascii_digit() && c != '.' && c != ',').unwrap_or(value.len());
    let digits = value[..end].replace(',', "");
    let number: f64 = digits.parse().ok().filter(|number| *number > 0.0)?;
    let (whole, fraction) = digits.split_once('.').unwrap_or((&digits, ""));
    let wrong = if number < 1.0 {
        // The point one place to the right.
        let (first, rest) = fraction.split_at_checked(1)?;
        let whole = if first == "0" { "0" } else { first };
        if rest.is_empty() { whole.to_owned() } else { format!("{whole}.{rest}") }
    } else {
        // The last digit before the point forgotten, or the point moved where there is only one.
        let (kept, last) = whole.split_at(whole.len() - 1);
        match (kept, fraction.get(..1)) {
            ("", _) => format!("0.{last}"),
            (kept, _) if kept.len() > 1 => kept.to_owned(),
            (kept, _) if last == "0" => kept.to_owned(),
            (kept, _) => format!("{kept}.{last}"),
        }
    };
    Some(format!("{wrong}{}", &value[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_copied_wrong_by_a_factor_of_ten() {
        for (right, wrong) in [
            ("99.8 %", "9.9 %"),
            ("100 %", "10 %"),
            ("20 %", "2 %"),
            ("0.031 %", "0.31 %"),
            ("0.4", "4"),
            ("1,000×", "100×"),
            ("81.4×", "8.1×"),
            ("3×", "0.3×"),
            ("11 k", "1.1 k"),
        ] {
            assert_eq!(off_by_ten(right).as_deref(), Some(wrong), "{right}");
        }
        assert_eq!(off_by_ten("no traffic"), None);
        assert_eq!(off_by_ten("0 %"), None);
    }

    #[test]
    fn only_what_stands_by_itself_is_replaced() {
        assert_eq!(swapped("10.1 % and 1 % of it", "1 %", "9 %").as_deref(), Some("10.1 % and 9 % of it"));
        assert_eq!(swapped("over 15m", "5m", "1h"), None);
        assert_eq!(swapped("5m5m", "5m", "1h"), None);
    }
}

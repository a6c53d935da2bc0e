//! Directions, comparisons and orders in a text: which way something is said to have gone, what is said to be more than
//! what, and what came first.

use super::extract::{Extractor, What};
use super::token::Kind;
use super::words::{self, Metric, Way};

impl Extractor<'_> {
    pub(super) fn directions(&mut self) {
        for at in 0..self.tokens.len() {
            if self.used[at] || !self.is_word(at) {
                continue;
            }
            let low = self.low(at).to_owned();
            let next = self.low(at + 1).to_owned();
            let (b1, b2) = (self.prior(at, 1).to_owned(), self.prior(at, 2).to_owned());
            let ahead = ["will", "would", "could", "should", "may", "might", "to", "can", "must"];
            let found = match low.as_str() {
                "up" | "higher" if ["from", "by"].contains(&next.as_str()) => Some((Way::Up, None, 1)),
                "down" | "lower" if ["from", "by"].contains(&next.as_str()) => Some((Way::Down, None, 1)),
                "went" | "gone" | "going" | "shot" if next == "up" => Some((Way::Up, None, 2)),
                "went" | "gone" | "going" | "came" | "shot" if next == "down" => Some((Way::Down, None, 2)),
                "up" | "down" if self.went(at) => {
                    Some((if low == "up" { Way::Up } else { Way::Down }, None, 1))
                }
                "shot" => None,
                "change" | "changed" | "changes" | "shift" | "movement" | "moved" | "move" => {
                    let none = [
                        "no", "not", "without", "little", "n't", "didn't", "hasn't", "never", "barely",
                        "hardly",
                    ];
                    let by = (1..4).position(|b| none.contains(&self.prior(at, b)));
                    let whole = by.is_some() && !["of", "was", "config", "the"].contains(&next.as_str());
                    whole.then_some((Way::Flat, None, 1))
                }
                "same"
                    if b1 == "the"
                        && ["stayed", "remained", "stays", "remains", "is", "was"].contains(&b2.as_str()) =>
                {
                    Some((Way::Flat, None, 1))
                }
                "held" | "stayed" | "remained" | "stays" | "remains" | "holding" | "holds"
                    if next == "at" || (["around", "near", "about"].contains(&next.as_str())) =>
                {
                    Some((Way::Flat, None, 1))
                }
                "stable" | "level" | "identical" | "elevated"
                    if ["revision", "version", "release", "image", "to", "of"].contains(&next.as_str()) =>
                {
                    None
                }
                "level" | "mounted" | "growth"
                    if low != "growth" && !["stayed", "remained", "is", "was"].contains(&b1.as_str()) =>
                {
                    None
                }
                "increase" | "rise" | "drop" | "fall" | "grow" | "climb" | "decrease" | "spike" | "jump"
                    if ahead.contains(&b1.as_str()) =>
                {
                    None
                }
                "fall" | "drop" | "rise" if next == "back" => None,
                "reduced" | "level" if next == "of" => None,
                "recovered" | "recovers" | "recovering" if self.measured_before(at) => {
                    Some((Way::Better, None, 1))
                }
                _ => words::way(&low).map(|(w, f)| (w, f, 1)),
            };
            let Some((way, factor, length)) = found else { continue };
            let not = [
                "not", "no", "never", "without", "neither", "nor", "didn't", "hasn't", "wasn't", "isn't",
                "cannot", "doesn't",
            ];
            let flat_word = matches!(
                low.as_str(),
                "change" | "changed" | "changes" | "shift" | "movement" | "moved" | "move"
            );
            let negated = !flat_word
                && (1..5)
                    .take_while(|b| !["[", "]", ",", ";", ".", "but", "and"].contains(&self.prior(at, *b)))
                    .any(|b| {
                        not.contains(&self.prior(at, b))
                            || ["n't", "n’t"].iter().any(|e| self.prior(at, b).ends_with(e))
                    });
            self.say(at..at + length, What::Direction(way, factor, negated), false);
        }
    }

    /// "The 5xx share of cart recovered": something measured stands before the word, in the same clause.
    fn measured_before(&self, at: usize) -> bool {
        (0..at)
            .rev()
            .take_while(|n| ![",", ";", ".", "and", "after", "once", "since", "when"].contains(&self.low(*n)))
            .any(|n| {
                words::metric(self.low(n), self.prior(n, 1), "")
                    .is_some_and(|m| !matches!(m, Metric::Pods | Metric::Restarts))
            })
    }

    /// `up` and `down` as what a measurement did, not as part of `up to`, `rolled up`, `11/12 up`.
    fn went(&self, at: usize) -> bool {
        let (b1, b2, next) = (self.prior(at, 1), self.prior(at, 2), self.low(at + 1));
        let measures = |w: &str, before: &str| {
            words::metric(w, before, "").is_some_and(|m| !matches!(m, Metric::Pods | Metric::Restarts))
        };
        let be = ["is", "are", "was", "were", "been", "now", "still", "way", "sharply", "slightly"];
        let led = measures(b1, b2)
            || be.contains(&b1)
            || b1 == "("
            || (b1 == "ratio" || b1 == "rate" || b1 == "usage")
            || at == 0;
        let ends = [
            "", ")", ",", ";", ".", "~", "≈", "at", "vs", "versus", "about", "around", "roughly", "nearly",
            "almost", "since", "after", "sharply", "slightly", "on", "over", "[", "some", "more", "a",
            "only", "again",
        ];
        let number = self.tokens.get(at + 1).is_some_and(|t| matches!(t.kind, Kind::Number { .. }));
        led && (number || ends.contains(&next)) && (0..at).any(|n| measures(self.low(n), self.prior(n, 1)))
    }

    pub(super) fn comparisons(&mut self) {
        let over = [
            "higher",
            "greater",
            "more",
            "larger",
            "worse",
            "slower",
            "longer",
            "above",
            "exceeds",
            "exceeded",
            "exceeding",
            "over",
            "beyond",
        ];
        let under = ["lower", "less", "fewer", "smaller", "better", "faster", "shorter", "below", "under"];
        for at in 0..self.tokens.len() {
            if self.used[at] || !self.is_word(at) {
                continue;
            }
            let low = self.low(at).to_owned();
            // "a lower error ratio than"
            let gap = (1..9)
                .take_while(|n| ![",", ";", "."].contains(&self.low(at + n)))
                .find(|n| self.low(at + n) == "than");
            let than = gap.is_some();
            let direct = ["above", "exceeds", "exceeded", "exceeding", "over", "beyond", "below", "under"]
                .contains(&low.as_str());
            let right = gap.map_or(at + 1, |n| at + n + 1);
            if !(than || direct) || (!over.contains(&low.as_str()) && !under.contains(&low.as_str())) {
                continue;
            }
            // A number behind it is a bound and is checked with the number.
            let filler = ["the", "a", "an", "about", "~", "its", "roughly", "around", "some"];
            let number = (right..right + 3)
                .take_while(|n| *n == right || filler.contains(&self.low(n - 1)))
                .any(|n| self.out.iter().any(|m| m.at.start == n && matches!(m.what, What::Number { .. })));
            let limit =
                (right..right + 4).any(|n| words::LIMITS.contains(&self.low(n)) || self.low(n) == "budget");
            if number && low != "over" && !limit {
                let end = if right == at + 2 { right } else { at + 1 };
                self.say(at..end, What::Bound, true);
                continue;
            }
            if (number && !limit) || (direct && !limit && !than) {
                continue;
            }
            self.say(
                at..if right == at + 2 { right } else { at + 1 },
                What::Compare(over.contains(&low.as_str())),
                false,
            );
        }
    }

    pub(super) fn orders(&mut self) {
        for at in 0..self.tokens.len() {
            if self.used[at] || !self.is_word(at) {
                continue;
            }
            let next = self.low(at + 1).to_owned();
            let (before, length) = match self.low(at) {
                "before" | "preceded" | "predates" | "predated" | "precedes" | "preceding" => (true, 1),
                "prior" | "ahead" if next == "to" || next == "of" => (true, 2),
                "earlier" if next == "than" => (true, 2),
                "after" | "following" | "followed" | "since" | "postdates" | "once" | "afterwards" => {
                    (false, 1)
                }
                "later" if next == "than" => (false, 2),
                _ => continue,
            };
            if self.low(at) == "followed" && next == "by" {
                self.say(at..at + 2, What::Order(true), false);
            } else {
                self.say(at..at + length, What::Order(before), false);
            }
        }
    }
}

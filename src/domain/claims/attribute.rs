//! What stands beside a number and must be the number's own: a window, a name, a revision. Where one of them is
//! another's, it is marked and not the number; where two have changed places, the numbers are.

use super::amount::fits;
use super::check::Context;
use super::extract::What;
use super::facts::{Fact, Offer};

impl Context<'_> {
    /// Whether an offer is of the window, name or revision `a` says; `None` if the item does not tell.
    fn is_of(&self, a: usize, f: &Fact, o: &Offer) -> Option<bool> {
        match &self.reading.mentions[a].what {
            What::Number { quantity, .. } => {
                (!o.windows.is_empty()).then(|| o.windows.iter().any(|w| quantity.is_window(*w)))
            }
            What::Name(name) => {
                (!f.subject.is_empty() || !f.names.is_empty()).then(|| self.has_name(f, name))
            }
            What::Revision(number) => (!f.revisions.is_empty()).then(|| f.revisions.contains(number)),
            _ => None,
        }
    }

    /// Offers that number `n` may be taken from.
    fn sources(&self, n: usize) -> Vec<(&Fact, &Offer)> {
        let What::Number { quantity, .. } = &self.reading.mentions[n].what else { return Vec::new() };
        let metrics = self.about(n);
        let level = |(f, o): &(&Fact, &Offer)| fits(quantity, o, &metrics, &f.metrics) == Some(true);
        self.offers().filter(level).collect()
    }

    /// The offer from which number `n` is taken, if it is another's than what `a` beside it says.
    pub(super) fn misplaced(&self, a: usize, n: usize) -> Option<(&Fact, &Offer)> {
        let sources = self.sources(n);
        let other = sources.iter().all(|(f, o)| self.is_of(a, f, o) == Some(false));
        sources.first().copied().filter(|_| other)
    }

    /// What a cited item says of `a`, in the unit of number `n`.
    pub(super) fn own(&self, a: usize, n: usize) -> Option<(&Fact, &Offer)> {
        let What::Number { quantity, .. } = &self.reading.mentions[n].what else { return None };
        let metrics = self.about(n);
        self.offers().find(|(f, o)| {
            o.value
                && !o.threshold
                && self.is_of(a, f, o) == Some(true)
                && fits(quantity, o, &metrics, &f.metrics) == Some(false)
        })
    }

    /// Two numbers, each beside what belongs to the other.
    pub(super) fn crossed(&self, table: &[Option<usize>]) -> bool {
        let wrong = |(a, n): &(usize, usize)| {
            self.misplaced(*a, *n).is_some() && self.own(*a, *n).is_some() && !self.led_by_order(*a)
        };
        let pairs = table.iter().enumerate().filter_map(|(a, n)| n.map(|n| (a, n)));
        // More than a handful in one sentence is no swap but noise.
        pairs.take(8).filter(wrong).count() >= 2
    }

    /// "after revision 7": the number is not that revision's, but of the time after it.
    pub(super) fn led_by_order(&self, w: usize) -> bool {
        if !matches!(self.reading.mentions[w].what, What::Revision(_)) {
            return false;
        }
        let at = self.reading.mentions[w].at.start;
        let low = |back: usize| {
            at.checked_sub(back).and_then(|n| self.reading.tokens.get(n)).map_or("", |t| t.low.as_str())
        };
        (1..5).any(|back| {
            ["after", "before", "since", "following", "when", "until", "once", "with"].contains(&low(back))
        })
    }
}

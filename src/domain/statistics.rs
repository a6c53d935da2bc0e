//! Did it get worse? Answered on counts, never on ratios alone, and in one of four fixed words. Intervals of Wilson and
//! Newcombe, Fisher's exact test, the Poisson likelihood ratio. Requests within one bad minute are not independent, so
//! every p here is optimistic: the words ask for more than 0.05, and the counts are always to be printed beside them.

use std::f64::consts::{PI, TAU};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::exact;

/// Standard normal quantile of a two-sided 90 % interval.
pub const Z90: f64 = 1.644_853_626_951_472_2;
/// Standard normal quantile of a two-sided 95 % interval.
pub const Z95: f64 = 1.959_963_984_540_054;
/// Standard normal quantile of a two-sided 99 % interval.
pub const Z99: f64 = 2.575_829_303_548_900_4;

/// Beyond this many requests a count is not taken for a count: a float holds it, but no counter reached it.
pub const MOST: f64 = 1e12;

/// Bad requests of all requests, in one window or of one revision. Fractions are normal: Prometheus extrapolates
/// `increase()` to the edges of the window.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Counts {
    /// Requests that the SLI counts as bad.
    #[serde(with = "exact")]
    pub bad: f64,
    /// All requests.
    #[serde(with = "exact")]
    pub total: f64,
}

impl Counts {
    /// `bad` of `total`.
    pub const fn new(bad: f64, total: f64) -> Self {
        Self { bad, total }
    }

    /// Bad share of the requests, 0..1; `None` without traffic or when a count is not a count.
    pub fn ratio(self) -> Option<f64> {
        self.checked().map(|counts| counts.bad / counts.total)
    }

    /// These counts if they can be counts at all: finite, not negative, more than none. Extrapolation can lift `bad`
    /// a little over `total`; it is cut there.
    fn checked(self) -> Option<Self> {
        let sound = self.bad >= 0.0 && self.total > 0.0 && self.total <= MOST;
        sound.then(|| Self::new(self.bad.min(self.total), self.total))
    }

    /// Whole requests, for tests that are exact only on whole numbers. `None` when less than half a request is left.
    fn whole(self) -> Option<Self> {
        let counts = self.checked()?;
        Self::new(counts.bad.round(), counts.total.round()).checked()
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.0}/{:.0}", self.bad, self.total)
    }
}

/// Bounds of an estimate, `low <= high`.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Interval {
    /// Lower bound.
    pub low: f64,
    /// Upper bound.
    pub high: f64,
}

/// Wilson's score interval of a ratio, within 0..1. For zero of n its upper bound at 95 % is about 3.8/n.
/// `z` is [`Z90`], [`Z95`] or [`Z99`]. Source: Wilson, JASA 22 (1927).
pub fn wilson(counts: Counts, z: f64) -> Option<Interval> {
    let Counts { bad, total } = counts.checked()?;
    let ratio = bad / total;
    let spread = z * z / total;
    let centre = ratio + spread / 2.0;
    let half = z * (ratio * (1.0 - ratio) / total + spread / (4.0 * total)).sqrt();
    let upper = centre + half;
    // The two roots of one quadratic: their product gives the lower one without cancelling.
    let low = if bad == 0.0 { 0.0 } else { ratio * ratio / upper };
    let high = if bad == total { 1.0 } else { upper / (1.0 + spread) };
    Some(Interval { low: low.min(ratio), high: high.clamp(ratio, 1.0) })
}

/// Newcombe's hybrid interval of the difference `after - before` of two ratios, within -1..1.
/// Source: Newcombe, Statistics in Medicine 17 (1998), method 10.
pub fn newcombe(before: Counts, after: Counts, z: f64) -> Option<Interval> {
    let (ratio0, ratio1) = (before.ratio()?, after.ratio()?);
    let (bounds0, bounds1) = (wilson(before, z)?, wilson(after, z)?);
    let difference = ratio1 - ratio0;
    Some(Interval {
        low: difference - (ratio1 - bounds1.low).hypot(bounds0.high - ratio0),
        high: difference + (bounds1.high - ratio1).hypot(ratio0 - bounds0.low),
    })
}

/// Fisher's exact test, one-sided: how probable are at least this many bad requests after, if before and after are the
/// same? Counts are rounded. Terms come from Loader's saddle-point form of log-gamma, not from differences of large
/// logarithms, so 1e7 requests are as exact as 10 (about 1e-12, relative); the tail needs some ten standard deviations
/// of terms. Below about 1e-307 the answer is 0. `None` without traffic on one side.
pub fn fisher_greater(before: Counts, after: Counts) -> Option<f64> {
    let (before, after) = (before.whole()?, after.whole()?);
    let table = Hypergeometric {
        bad: before.bad + after.bad,
        good: before.total + after.total - before.bad - after.bad,
        drawn: after.total,
    };
    Some(table.at_least(after.bad))
}

/// The likelihood-ratio statistic of two Poisson rates, 0 when they are equal: G = 2[k0 ln(r0/r) + k1 ln(r1/r)].
/// Either direction makes it large. For a change at a time that was fixed beforehand it is chi-squared with one degree
/// of freedom ([`chi2_tail`]); after a search for the best time it is not. `None` without traffic on one side.
pub fn poisson_g(before: Counts, after: Counts) -> Option<f64> {
    let (before, after) = (before.checked()?, after.checked()?);
    let rate = (before.bad + after.bad) / (before.total + after.total);
    Some(2.0 * (deviance(before.bad, before.total * rate) + deviance(after.bad, after.total * rate)))
}

/// P(chi-squared with one degree of freedom > `g`).
pub fn chi2_tail(g: f64) -> f64 {
    if g > 0.0 { erfc((g / 2.0).sqrt()) } else { 1.0 }
}

/// What the counts say, in the only words that are used for it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Difference {
    /// Too few requests or too few bad ones to say anything; also when the window is mixed.
    NotEnoughData,
    /// Any difference is smaller than the whole error budget.
    NoneSeen,
    /// p < 0.05, surely above 0, at least 5 bad.
    Likely,
    /// p < 0.001, surely above the error budget, at least 10 bad.
    Strong,
}

impl Difference {
    /// By the rule of the SLO design, section 6. `budget` is 1 - objective, as a ratio.
    pub fn between(before: Counts, after: Counts, budget: f64) -> Self {
        let (Some(p), Some(bounds), Some(counted)) =
            (fisher_greater(before, after), newcombe(before, after, Z95), after.whole())
        else {
            return Self::NotEnoughData;
        };
        if p < 0.001 && bounds.low > budget && counted.bad >= 10.0 {
            Self::Strong
        } else if p < 0.05 && bounds.low > 0.0 && counted.bad >= 5.0 {
            Self::Likely
        } else if bounds.high < budget {
            Self::NoneSeen
        } else {
            Self::NotEnoughData
        }
    }

    /// The word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Strong => "strong",
            Self::Likely => "likely",
            Self::NoneSeen => "no difference seen",
            Self::NotEnoughData => "not enough data",
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// Bad requests among `drawn`, drawn from `bad + good`. Whole numbers.
struct Hypergeometric {
    bad: f64,
    good: f64,
    drawn: f64,
}

impl Hypergeometric {
    /// P(X >= `count`): the shorter way round the mode, so that the terms fall and the sum can stop.
    fn at_least(&self, count: f64) -> f64 {
        let least = (self.drawn - self.good).max(0.0);
        let most = self.drawn.min(self.bad);
        let mean = self.drawn * self.bad / (self.bad + self.good);
        if count <= least {
            1.0
        } else if count > mean {
            self.sum(count, |x| if x < most { self.up(x) } else { 0.0 }, 1.0)
        } else {
            1.0 - self.sum(count - 1.0, |x| if x > least { 1.0 / self.up(x - 1.0) } else { 0.0 }, -1.0)
        }
    }

    /// Sum of the terms from `x` on in one direction, each the last one times `factor`.
    fn sum(&self, mut x: f64, factor: impl Fn(f64) -> f64, step: f64) -> f64 {
        let first = self.ln_at(x).exp();
        let (mut sum, mut term) = (0.0, 1.0);
        while term > sum * f64::EPSILON / 16.0 {
            sum += term;
            term *= factor(x);
            x += step;
        }
        (first * sum).min(1.0)
    }

    /// P(X = x + 1) / P(X = x).
    fn up(&self, x: f64) -> f64 {
        (self.bad - x) * (self.drawn - x) / ((x + 1.0) * (self.good - self.drawn + x + 1.0))
    }

    /// ln P(X = x), as three binomial terms with the same probability (Loader 2000, section 5).
    fn ln_at(&self, x: f64) -> f64 {
        let all = self.bad + self.good;
        // Both shares by division: 1 - p would lose digits when one side is a millionth of the other.
        let shares = (self.drawn / all, (all - self.drawn) / all);
        ln_binomial(x, self.bad, shares) + ln_binomial(self.drawn - x, self.good, shares)
            - ln_binomial(self.drawn, all, shares)
    }
}

/// ln P(X = x) of a binomial of `n` with probabilities `p` and `q = 1 - p`. Source: Loader, "Fast and accurate
/// computation of binomial probabilities" (2000).
fn ln_binomial(x: f64, n: f64, (p, q): (f64, f64)) -> f64 {
    if n == 0.0 {
        return 0.0;
    }
    if x == 0.0 {
        return n * if p < 0.5 { (-p).ln_1p() } else { q.ln() };
    }
    if x == n {
        return n * if q < 0.5 { (-q).ln_1p() } else { p.ln() };
    }
    stirling(n) - stirling(x) - stirling(n - x) - deviance(x, n * p) - deviance(n - x, n * q)
        + 0.5 * (n / (TAU * x * (n - x))).ln()
}

/// x ln(x/m) + m - x, without cancelling where x is near m; half a Poisson deviance. 0 when both are 0.
fn deviance(x: f64, m: f64) -> f64 {
    if x == 0.0 {
        return m;
    }
    if (x - m).abs() >= 0.1 * (x + m) {
        return x * (x / m).ln() + m - x;
    }
    let v = (x - m) / (x + m);
    let mut sum = (x - m) * v;
    let mut power = 2.0 * x * v;
    for odd in 1..1_000 {
        power *= v * v;
        let next = sum + power / f64::from(2 * odd + 1);
        if next == sum {
            break;
        }
        sum = next;
    }
    sum
}

/// What Stirling's formula leaves of ln(n!): ln(n!) - [(n + 1/2) ln n - n + ln(2 pi)/2], for n >= 1.
fn stirling(n: f64) -> f64 {
    if n < 16.0 {
        // 15! is exact in a float.
        let factorial = (2..).map(f64::from).take_while(|k| *k <= n).product::<f64>();
        return factorial.ln() - (n + 0.5) * n.ln() + n - 0.5 * TAU.ln();
    }
    let s = n * n;
    (1.0 / 12.0 - (1.0 / 360.0 - (1.0 / 1_260.0 - (1.0 / 1_680.0 - 1.0 / (1_188.0 * s)) / s) / s) / s) / n
}

/// The complementary error function for x >= 0: the series of erf near 0, the continued fraction of erfc beyond.
/// Source: Abramowitz and Stegun 7.1.6 and 7.1.14.
fn erfc(x: f64) -> f64 {
    if x < 2.0 {
        let (mut sum, mut term) = (0.0, x);
        for n in 1..200 {
            sum += term;
            term *= 2.0 * x * x / f64::from(2 * n + 1);
        }
        1.0 - 2.0 / PI.sqrt() * (-x * x).exp() * sum
    } else {
        let fraction = (1..=120).rev().fold(x, |below, n| x + f64::from(n) / 2.0 / below);
        (-x * x).exp() / PI.sqrt() / fraction
    }
}

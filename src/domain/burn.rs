//! The arithmetic of error budgets: how fast, how much, how long, what waiting costs. Plain numbers in stated units: a
//! ratio and a budget are shares of requests (0..1), a burn is a multiple (1 spends the budget in exactly one period),
//! times are [`Window`]s or seconds. It rounds nothing and hides nothing: no traffic stays NaN, an empty budget stays
//! infinite. Whether an alert fires is the server's to say; what is compared here explains it.
//! Formulas: The Site Reliability Workbook, chapter 5; slok/sloth `internal/alert/window.go`.

use super::window::Window;

/// Two burns nearer than this, relative to the larger, are equal: recorded ratios jitter in the last digits.
pub const EPSILON: f64 = 1e-9;

/// The error budget: the share of requests that may be bad. `objective` is a ratio, 0.999 for 99.9 %.
pub fn budget(objective: f64) -> f64 {
    1.0 - objective
}

/// Burn of a window with this error ratio. NaN for 0/0 (no errors of no budget), infinite for errors of no budget.
pub fn burn(error_ratio: f64, budget: f64) -> f64 {
    error_ratio / budget
}

/// Share of the whole budget that a constant `burn` spends during `window`.
pub fn spent(burn: f64, window: Window, period: Window) -> f64 {
    burn * window.secs_f64() / period.secs_f64()
}

/// The burn that spends `share` (0..1) of the budget during `window`: the factor of an alert.
pub fn factor(share: f64, window: Window, period: Window) -> f64 {
    share * period.secs_f64() / window.secs_f64()
}

/// Share of the budget that is left, from the error ratio over the whole period: negative when overspent, -infinite
/// when there was no budget. Never -0.
pub fn remaining(period_error_ratio: f64, budget: f64) -> f64 {
    1.0 - burn(period_error_ratio, budget) + 0.0
}

/// Seconds of total outage that the budget allows in a period.
pub fn allowed_downtime_s(budget: f64, period: Window) -> f64 {
    budget * period.secs_f64()
}

/// Bad requests still allowed, when `period_requests` come in a period; negative when overspent.
pub fn failures_left(remaining: f64, budget: f64, period_requests: f64) -> f64 {
    remaining * budget * period_requests
}

/// Seconds from the start of a sudden constant `burn` after a clean spell until the average over `window` reaches
/// `factor`; the short window of a pair is there before. `None`: never, because the burn is not above the factor.
pub fn time_to_alert_s(burn: f64, window: Window, factor: f64) -> Option<f64> {
    (against(burn, factor) == Some(Against::Above)).then(|| window.secs_f64() * factor / burn)
}

/// Where a value stands against a threshold.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Against {
    /// Clearly below.
    Below,
    /// Equal within [`EPSILON`]: the server may call it either way.
    At,
    /// Clearly above.
    Above,
}

/// Compares with [`EPSILON`]; `None` when either is NaN.
pub fn against(value: f64, threshold: f64) -> Option<Against> {
    let order = value.partial_cmp(&threshold)?;
    // Infinite values are equal or they are not; their difference means nothing.
    if value.is_finite() && (value - threshold).abs() <= EPSILON * value.abs().max(threshold.abs()) {
        return Some(Against::At);
    }
    Some(match order {
        std::cmp::Ordering::Less => Against::Below,
        std::cmp::Ordering::Equal => Against::At,
        std::cmp::Ordering::Greater => Against::Above,
    })
}

/// How urgent an alert is, in Sloth's words.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Severity {
    /// Within days.
    Ticket,
    /// Now.
    Page,
}

/// One row of a multiwindow, multi-burn-rate alert: it fires when the averages over both windows are above a factor.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct WindowPair {
    /// Who is told.
    pub severity: Severity,
    /// The window that makes sure that enough was spent.
    pub long: Window,
    /// The window that makes sure that it goes on.
    pub short: Window,
    /// Share of the budget (0..1) that is spent when the row fires.
    pub share: f64,
}

/// Sloth's rows for 30 and 28 days (`windows/google-30d.yaml`, `google-28d.yaml`; both name the same windows and
/// shares). Sloth refuses any other period without a file of its own; there, too, these shares give the factors.
pub const DEFAULT_PAIRS: [WindowPair; 4] = [
    WindowPair::new(Severity::Page, Window::hours(1), Window::minutes(5), 0.02),
    WindowPair::new(Severity::Page, Window::hours(6), Window::minutes(30), 0.05),
    WindowPair::new(Severity::Ticket, Window::days(1), Window::hours(2), 0.10),
    WindowPair::new(Severity::Ticket, Window::days(3), Window::hours(6), 0.10),
];

impl WindowPair {
    /// A row.
    pub const fn new(severity: Severity, long: Window, short: Window, share: f64) -> Self {
        Self { severity, long, short, share }
    }

    /// The burn above which both windows must be.
    pub fn factor(&self, period: Window) -> f64 {
        factor(self.share, self.long, period)
    }

    /// Where the lower of the two burns stands; the row fires when it is `Above`. `None` when either is NaN.
    pub fn against(&self, long_burn: f64, short_burn: f64, period: Window) -> Option<Against> {
        let factor = self.factor(period);
        Some(against(long_burn, factor)?.min(against(short_burn, factor)?))
    }

    /// False when not even a total outage is above the factor: a 90 % objective cannot burn at 14.4.
    pub fn can_fire(&self, budget: f64, period: Window) -> bool {
        against(burn(1.0, budget), self.factor(period)) == Some(Against::Above)
    }
}

/// When the budget will be gone.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Exhaustion {
    /// It is gone already.
    Exhausted,
    /// So many seconds from now, if the burn stays as it is.
    InSeconds(f64),
    /// Not while the burn stays as it is.
    Never,
    /// A burn or a remainder that is no number.
    Unknown,
}

/// Exhaustion if nothing ever fell out of the window: `remaining * period / burn`. In a rolling window it is the
/// earliest possible, because old errors do fall out; see [`exhaustion_rolling`].
pub fn exhaustion_linear(remaining: f64, burn: f64, period: Window) -> Exhaustion {
    match settled(remaining, burn) {
        Some(early) => early,
        None if burn > 0.0 => Exhaustion::InSeconds(remaining * period.secs_f64() / burn),
        None => Exhaustion::Never,
    }
}

/// A stretch of the past in which the burn is taken as constant.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Stretch {
    /// Its length in seconds.
    pub seconds: f64,
    /// Burn in it; NaN (no traffic) counts as none.
    pub burn: f64,
}

/// Exhaustion in a rolling window. `history` is the last period, oldest stretch first: what falls out while the burn
/// goes on. Time that `history` does not cover counts as clean, which makes the answer the earliest possible one.
///
/// Solves for tau: integral over s from 0 to tau of (burn - history(s)) ds = remaining * period. After one period the
/// window holds nothing but the burn itself, so what has not run out by then does not.
pub fn exhaustion_rolling(remaining: f64, burn: f64, history: &[Stretch], period: Window) -> Exhaustion {
    if let Some(early) = settled(remaining, burn) {
        return early;
    }
    let covered: f64 = history.iter().map(|stretch| stretch.seconds).sum();
    let period = period.secs_f64();
    // A history shorter than the period is its newest part: before it there is nothing known to fall out. Of a longer
    // one the oldest part has fallen out already.
    let unseen = Stretch { seconds: (period - covered).max(0.0), burn: 0.0 };
    let mut gone = (covered - period).max(0.0);
    let mut left = remaining * period;
    let mut at = 0.0;
    for stretch in std::iter::once(&unseen).chain(history) {
        let cut = gone.min(stretch.seconds);
        gone -= cut;
        let seconds = stretch.seconds - cut;
        let speed = burn - if stretch.burn.is_nan() { 0.0 } else { stretch.burn };
        if speed > 0.0 && speed * seconds >= left * (1.0 - EPSILON) {
            return Exhaustion::InSeconds(at + left / speed);
        }
        left -= speed * seconds;
        at += seconds;
    }
    Exhaustion::Never
}

/// The answers that need no arithmetic.
fn settled(remaining: f64, burn: f64) -> Option<Exhaustion> {
    if remaining <= 0.0 {
        Some(Exhaustion::Exhausted)
    } else if !remaining.is_finite() || !burn.is_finite() {
        Some(Exhaustion::Unknown)
    } else {
        None
    }
}

/// Share of the whole budget that an incident has spent so far: its bad requests beyond what `baseline_ratio` (the
/// error ratio before it) explains, of all that a period of `period_requests` allows. A rollback does not cure the
/// baseline. Infinite without a budget, NaN without requests.
pub fn spent_by_incident(
    bad: f64,
    total: f64,
    baseline_ratio: f64,
    budget: f64,
    period_requests: f64,
) -> f64 {
    (bad - baseline_ratio * total).max(0.0) / (budget * period_requests)
}

/// What it costs to leave things as they are for a while.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Cost {
    /// Bad requests beyond the baseline.
    pub requests: f64,
    /// Share of the whole budget, 0..1 and over.
    pub share: f64,
}

/// Cost of waiting `wait` longer at error ratio `now` instead of `before`, with `rate` requests per second. The time
/// that the action itself takes cancels out. Never negative. `None`: cannot say, because a number is missing, there is
/// no traffic, or there is no budget.
pub fn cost_of_waiting(
    wait: Window,
    now: f64,
    before: f64,
    budget: f64,
    period: Window,
    rate: f64,
) -> Option<Cost> {
    let excess = (now - before).max(0.0);
    let known = !now.is_nan() && !before.is_nan() && rate > 0.0;
    let cost =
        Cost { requests: excess * rate * wait.secs_f64(), share: spent(burn(excess, budget), wait, period) };
    (known && cost.requests.is_finite() && cost.share.is_finite()).then_some(cost)
}

//! A span of time as Prometheus writes it (`5m`, `1h`, `30d`): SLO periods, burn windows, policy durations.
//! Whole seconds only, never negative; `M` is not a unit here, because Prometheus has no months.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A length of time in whole seconds. Orders by length, prints in the largest unit that divides it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Window(u64);

const UNITS: [(&str, u64); 6] = [("w", 604_800), ("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1), ("ms", 0)];

/// Why a text is not a [`Window`].
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "`{text}` is not a duration; hint: write a number and a unit, as in \"30s\", \"5m\", \"1h30m\", \"30d\""
)]
pub struct NotAWindow {
    /// The text as it was given.
    pub text: String,
}

impl Window {
    /// A window of `seconds`.
    pub const fn from_secs(seconds: u64) -> Self {
        Self(seconds)
    }

    /// A window of `minutes`.
    pub const fn minutes(minutes: u64) -> Self {
        Self(minutes * 60)
    }

    /// A window of `hours`.
    pub const fn hours(hours: u64) -> Self {
        Self(hours * 3_600)
    }

    /// A window of `days` of 24 hours.
    pub const fn days(days: u64) -> Self {
        Self(days * 86_400)
    }

    /// Length in seconds.
    pub const fn secs(self) -> u64 {
        self.0
    }

    /// Length in seconds, for arithmetic with ratios.
    pub fn secs_f64(self) -> f64 {
        self.0 as f64
    }

    /// The same length for arithmetic with points in time.
    pub fn delta(self) -> chrono::TimeDelta {
        chrono::TimeDelta::seconds(i64::try_from(self.0).unwrap_or(i64::MAX / 1_000))
    }
}

impl FromStr for Window {
    type Err = NotAWindow;

    fn from_str(text: &str) -> Result<Self, NotAWindow> {
        let wrong = || NotAWindow { text: text.to_owned() };
        let mut rest = text.trim();
        let mut seconds: u64 = 0;
        if rest.is_empty() {
            return Err(wrong());
        }
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
            let number: u64 = rest[..digits].parse().map_err(|_| wrong())?;
            rest = &rest[digits..];
            let letters = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
            let (_, factor) = UNITS
                .iter()
                .find(|(unit, factor)| *unit == &rest[..letters] && *factor > 0)
                .ok_or_else(wrong)?;
            seconds = number.checked_mul(*factor).and_then(|s| seconds.checked_add(s)).ok_or_else(wrong)?;
            rest = &rest[letters..];
        }
        Ok(Self(seconds))
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // `30d`, not `4w2d`: SLO periods are spoken of in days.
        let (unit, factor) = UNITS
            .iter()
            .skip(1)
            .find(|(_, factor)| *factor > 0 && self.0.is_multiple_of(*factor))
            .unwrap_or(&("s", 1));
        if self.0 == 0 { write!(f, "0s") } else { write!(f, "{}{unit}", self.0 / factor) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_prometheus_unit_is_read_and_the_largest_is_printed() {
        for (text, seconds, printed) in [
            ("30s", 30, "30s"),
            ("5m", 300, "5m"),
            ("1h30m", 5_400, "90m"),
            ("30d", 2_592_000, "30d"),
            ("4w", 2_419_200, "28d"),
        ] {
            let window: Window = text.parse().expect("a duration");
            assert_eq!((window.secs(), window.to_string().as_str()), (seconds, printed));
        }
    }

    #[test]
    fn what_is_no_duration_is_refused_with_a_hint() {
        for text in ["", "5", "m", "5x", "5mm", "-5m", "1.5h", "99999999999999999999s", "5ms"] {
            let error = text.parse::<Window>().expect_err(text);
            assert!(error.to_string().contains("hint:"), "{error}");
        }
    }
}

//! A measured value and the five ways in which it can fail to be a number. They are different facts, so they stay
//! different here: none of them may become 0 or 100 % on the way to the screen.

use serde::{Deserialize, Serialize};

use super::Time;
use super::exact;

/// What Prometheus said about one quantity.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
pub enum Value {
    /// A finite number.
    Number(#[serde(with = "exact")] f64),
    /// `NaN`: usually 0/0, no traffic in the window.
    NaN,
    /// `+Inf` or `-Inf`: usually a division by an empty budget (objective 100 %).
    Infinite {
        /// True for `-Inf`.
        negative: bool,
    },
    /// No sample at all.
    #[default]
    Absent,
    /// The last sample is too old to be believed.
    Stale {
        /// The last number seen.
        #[serde(with = "exact")]
        last: f64,
        /// When it was true.
        since: Time,
    },
}

impl Value {
    /// From a float as it stands in a Prometheus answer.
    pub fn from_f64(number: f64) -> Self {
        if number.is_nan() {
            Self::NaN
        } else if number.is_infinite() {
            Self::Infinite { negative: number < 0.0 }
        } else {
            // Prometheus does give -0 (1 - 1 with rounding); nobody wants to read "-0 %".
            Self::Number(number + 0.0)
        }
    }

    /// The number, if there is a fresh one.
    pub fn number(self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(number),
            _ => None,
        }
    }

    /// This value, or `Stale` if its sample at `sampled` is older than `limit_s` seconds at `now`.
    pub fn aged(self, sampled: Time, now: Time, limit_s: i64) -> Self {
        match self {
            Self::Number(last) if (now - sampled).num_seconds() > limit_s => {
                Self::Stale { last, since: sampled }
            }
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_five_states_stay_five_states() {
        assert_eq!(Value::from_f64(0.25), Value::Number(0.25));
        assert_eq!(Value::from_f64(f64::NAN), Value::NaN);
        assert_eq!(Value::from_f64(f64::NEG_INFINITY), Value::Infinite { negative: true });
        assert_eq!(Value::default(), Value::Absent);
        let then = Time::UNIX_EPOCH;
        let now = then + chrono::TimeDelta::seconds(61);
        assert_eq!(Value::Number(1.0).aged(then, now, 60), Value::Stale { last: 1.0, since: then });
        assert_eq!(Value::NaN.aged(then, now, 60), Value::NaN);
    }

    #[test]
    fn minus_zero_is_zero() {
        assert!(matches!(Value::from_f64(-0.0), Value::Number(n) if n.is_sign_positive()));
    }
}

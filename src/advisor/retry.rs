//! Whether a request is sent again, and when: the rules of OpenAI's own client (`openai/_base_client.py`). Pure, and
//! without a clock: an HTTP date is compared with the date in the same answer.

use std::time::Duration;

use chrono::DateTime;
use http::HeaderMap;
use http::header::{DATE, RETRY_AFTER};

/// How often a request is sent again at most.
pub const RETRIES: u32 = 2;
/// The longest wait that a server may ask for.
const LONGEST: Duration = Duration::from_secs(120);

/// What a server says about asking again.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Wish {
    /// `x-should-retry`.
    pub should: Option<bool>,
    /// How long to wait.
    pub after: Option<Duration>,
}

impl Wish {
    /// From the headers of an answer: `retry-after-ms`, then `retry-after` as seconds, then as a date.
    pub fn of(headers: &HeaderMap) -> Self {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
        let should = match text("x-should-retry") {
            Some("true") => Some(true),
            Some("false") => Some(false),
            _ => None,
        };
        let number = |name: &str| text(name).and_then(|value| value.parse::<f64>().ok());
        let date = |name: &str| text(name).and_then(|value| DateTime::parse_from_rfc2822(value).ok());
        let until = || {
            let (then, now) = (date(RETRY_AFTER.as_str())?, date(DATE.as_str())?);
            (then - now).to_std().ok()
        };
        // A number that is no time (negative, infinite) says nothing.
        let span = |seconds: f64| Duration::try_from_secs_f64(seconds).ok();
        let after = number("retry-after-ms")
            .and_then(|milliseconds| span(milliseconds / 1_000.0))
            .or_else(|| number(RETRY_AFTER.as_str()).and_then(span))
            .or_else(until);
        Self { should, after: after.filter(|after| !after.is_zero()) }
    }

    /// How long to wait before sending again after `status`, the `retries`th time (from 0). `None`: not again.
    pub fn wait(self, status: u16, retries: u32) -> Option<Duration> {
        let worth = self.should.unwrap_or(matches!(status, 408 | 409 | 429 | 500..));
        if !worth || retries >= RETRIES || self.after.is_some_and(|after| after > LONGEST) {
            return None;
        }
        Some(self.after.unwrap_or_else(|| backoff(retries)))
    }
}

/// Half a second, doubled each time up to eight.
pub fn backoff(retries: u32) -> Duration {
    Duration::from_millis(500 * 2_u64.saturating_pow(retries)).min(Duration::from_secs(8))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderName, HeaderValue};

    fn wish(headers: &[(&'static str, &str)]) -> Wish {
        let headers = headers.iter().map(|(name, value)| {
            (HeaderName::from_static(name), HeaderValue::from_str(value).expect("a value"))
        });
        Wish::of(&headers.collect())
    }

    #[test]
    fn every_way_of_saying_when_is_understood_in_its_order() {
        let date = ("date", "Sat, 21 Nov 2026 10:28:49 GMT");
        for (headers, milliseconds) in [
            (vec![("retry-after-ms", "40"), ("retry-after", "7")], Some(40)),
            (vec![("retry-after", "7")], Some(7_000)),
            (vec![("retry-after", "0.25")], Some(250)),
            (vec![("retry-after", "Sat, 21 Nov 2026 10:28:52 GMT"), date], Some(3_000)),
            // Past, without a date to compare with, zero, negative, no time at all: as if nothing were said.
            (vec![("retry-after", "Sat, 21 Nov 2026 10:28:40 GMT"), date], None),
            (vec![("retry-after", "Sat, 21 Nov 2026 10:28:52 GMT")], None),
            (vec![("retry-after", "0")], None),
            (vec![("retry-after", "-3")], None),
            (vec![("retry-after", "inf")], None),
            (vec![("retry-after", "1e300")], None),
            (vec![("retry-after", "soon")], None),
            (vec![("retry-after-ms", "soon"), ("retry-after", "7")], Some(7_000)),
        ] {
            assert_eq!(wish(&headers).after, milliseconds.map(Duration::from_millis), "{headers:?}");
        }
    }

    #[test]
    fn what_is_tried_again_and_how_long_it_waits() {
        let none = Wish::default();
        for status in [408, 409, 429, 500, 502, 503, 504, 529] {
            assert_eq!(none.wait(status, 0), Some(Duration::from_millis(500)), "{status}");
            assert_eq!(none.wait(status, 1), Some(Duration::from_secs(1)), "{status}");
            assert_eq!(none.wait(status, 2), None, "{status}");
            assert_eq!(wish(&[("x-should-retry", "false")]).wait(status, 0), None);
        }
        for status in [400, 401, 403, 404, 413, 422] {
            assert_eq!(none.wait(status, 0), None, "{status}");
            assert!(wish(&[("x-should-retry", "true")]).wait(status, 0).is_some());
        }
        assert_eq!(wish(&[("retry-after", "120")]).wait(429, 0), Some(Duration::from_secs(120)));
        assert_eq!(wish(&[("retry-after", "121")]).wait(429, 0), None);
        assert_eq!(backoff(9), Duration::from_secs(8));
    }
}

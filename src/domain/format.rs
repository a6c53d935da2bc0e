//! How numbers are written: the one place. Ratios as percent, burn as multiples, counts with separators, lengths of
//! time in words. What is not a number is a word, never 0 and never 100 %.

use chrono::TimeDelta;

use super::Time;
use super::latency::Quantile;
use super::value::Value;
use super::window::Window;

/// A ratio (0..1) as percent with as many digits as tell something: `20 %`, `0.13 %`, `99.87 %`, `0 %`.
pub fn percent(ratio: f64) -> String {
    let percent = ratio * 100.0;
    let magnitude = percent.abs();
    if magnitude < 0.000_05 {
        return "0 %".into();
    }
    // Near 100 the distance to 100 is what matters.
    let telling = if magnitude > 90.0 && magnitude < 100.0 { 100.0 - magnitude } else { magnitude };
    let digits = match telling {
        t if t >= 9.95 => 0,
        t if t >= 0.995 => 1,
        t if t >= 0.0995 => 2,
        t if t >= 0.009_95 => 3,
        _ => 4,
    };
    let text = format!("{percent:.digits$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    if text == "100" && magnitude < 100.0 { "99.99 %".into() } else { format!("{text} %") }
}

/// A burn rate: `0×`, `0.3×`, `17.6×`, `200×`.
pub fn burn(multiple: f64) -> String {
    let m = multiple.abs();
    let digits = if (0.05..99.95).contains(&m) { 1 } else { 0 };
    format!("{:.digits$}×", multiple + 0.0).replace("-0×", "0×")
}

/// A burn [`Value`] in a column: the number, or the word for why there is none.
pub fn burn_value(value: Value) -> String {
    match value {
        Value::Number(multiple) => burn(multiple),
        Value::NaN => "no traffic".into(),
        Value::Infinite { .. } => "no budget".into(),
        Value::Absent => "no data".into(),
        Value::Stale { .. } => "stale".into(),
    }
}

/// A ratio [`Value`] as percent, or the word for why there is none.
pub fn percent_value(value: Value) -> String {
    match value {
        Value::Number(ratio) => percent(ratio),
        Value::NaN => "no traffic".into(),
        Value::Infinite { .. } => "no budget".into(),
        Value::Absent => "no data".into(),
        Value::Stale { since, .. } => format!("stale since {}", clock(since)),
    }
}

/// What is left of a budget: `31.2 %`, `overspent 38 %`, or a word.
pub fn remaining(value: Value) -> String {
    match value {
        Value::Number(left) if left < 0.0 => format!("overspent {}", percent(-left)),
        Value::Number(left) => format!("{:.1} %", (left * 100.0).min(100.0)),
        Value::NaN => "unknown (NaN in history)".into(),
        other => percent_value(other),
    }
}

/// A count of requests: `1,962`, `17 k`, `1.2 M`. Fractions of Prometheus' extrapolation are rounded.
pub fn count(count: f64) -> String {
    let rounded = count.round();
    match rounded.abs() {
        c if c < 10_000.0 => grouped(rounded),
        c if c < 999_500.0 => format!("{:.0} k", rounded / 1e3),
        c if c < 9_995_000.0 => format!("{:.1} M", rounded / 1e6),
        c if c < 999_500_000.0 => format!("{:.0} M", rounded / 1e6),
        _ => format!("{:.1} G", rounded / 1e9),
    }
}

/// An exact count with separators: `1,962,004`.
pub fn grouped(count: f64) -> String {
    let digits = format!("{:.0}", count.abs());
    let mut out = String::new();
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    if count <= -0.5 { format!("-{out}") } else { out }
}

/// A count that a person may count down: exact below a million, short above.
pub fn whole(count: f64) -> String {
    if count.abs() < 999_999.5 { grouped(count.round()) } else { self::count(count) }
}

/// Bad of total: `1,962 of 9,803`.
pub fn bad_of(bad: f64, total: f64) -> String {
    format!("{} of {}", count(bad), count(total))
}

/// A length of time in the largest unit that tells enough: `41 s`, `7 m`, `1.1 h`, `20 h`, `2.3 d`, `27 d`.
pub fn span(length: TimeDelta) -> String {
    let s = length.num_milliseconds().abs() as f64 / 1e3;
    match s {
        s if s < 99.5 => format!("{s:.0} s"),
        s if s < 5_970.0 => format!("{:.0} m", s / 60.0),
        s if s < 35_820.0 => one(s / 3_600.0, "h"),
        s if s < 171_000.0 => format!("{:.0} h", s / 3_600.0),
        s if s < 859_680.0 => one(s / 86_400.0, "d"),
        _ => format!("{:.0} d", s / 86_400.0),
    }
}

fn one(number: f64, unit: &str) -> String {
    let text = format!("{number:.1}");
    format!("{} {unit}", text.strip_suffix(".0").unwrap_or(&text))
}

/// Seconds as a span.
pub fn seconds(s: f64) -> String {
    span(TimeDelta::milliseconds((s * 1e3).clamp(-9e15, 9e15) as i64))
}

/// How long a request takes: `0.8 ms`, `12 ms`, `450 ms`, `1.2 s`, `12 s`, `2 m`.
pub fn duration(seconds: f64) -> String {
    let ms = seconds * 1e3;
    match ms.abs() {
        0.0 => "0 ms".into(),
        m if m < 0.995 => format!("{} ms", significant(ms)),
        m if m < 9.95 => one(ms, "ms"),
        m if m < 999.5 => format!("{ms:.0} ms"),
        m if m < 9_950.0 => one(seconds, "s"),
        m if m < 99_500.0 => format!("{seconds:.0} s"),
        _ => self::seconds(seconds),
    }
}

/// Below one: the first digit that is not zero.
fn significant(number: f64) -> String {
    let digits = (-number.abs().log10()).ceil().clamp(1.0, 6.0) as usize;
    format!("{number:.digits$}")
}

/// A quantile of durations: `450 ms`, `over 10 s`, `no requests`.
pub fn quantile(quantile: Quantile) -> String {
    match quantile {
        Quantile::At(seconds) => duration(seconds),
        Quantile::Over(bound) => format!("over {}", duration(bound)),
        Quantile::NoRequests => "no requests".into(),
    }
}

/// A running time as on a stop watch: `0:42`, `12:05`, `1:02:03`.
pub fn elapsed(length: TimeDelta) -> String {
    let s = length.num_seconds().max(0);
    if s < 3_600 {
        format!("{}:{:02}", s / 60, s % 60)
    } else {
        format!("{}:{:02}:{:02}", s / 3_600, s / 60 % 60, s % 60)
    }
}

/// Time of day, UTC: `12:33:07`.
pub fn clock(time: Time) -> String {
    time.format("%H:%M:%S").to_string()
}

/// Time of day to the minute: `12:33`.
pub fn minute(time: Time) -> String {
    time.format("%H:%M").to_string()
}

/// A time in the past as short as it stays clear: `12:26`, `yest 16:20`, `18 Nov`.
pub fn since(time: Time, now: Time) -> String {
    let days = (now.date_naive() - time.date_naive()).num_days();
    match days {
        0 => minute(time),
        1 => format!("yest {}", minute(time)),
        _ => time.format("%-d %b").to_string(),
    }
}

/// Signed seconds between two events: `+94 s`, `-3 m`.
pub fn offset(from: Time, to: Time) -> String {
    let delta = to - from;
    format!("{}{}", if delta < TimeDelta::zero() { "-" } else { "+" }, span(delta))
}

/// How long after a change the errors began, known to `step` only: `at once`, `+94 s`.
pub fn onset(change: Time, onset: Time, step: Window) -> String {
    if (onset - change).num_seconds() <= step.secs() as i64 {
        "at once".into()
    } else {
        offset(change, onset)
    }
}

/// How many of what: `1 SLO`, `2 SLOs`.
pub fn several(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// A window beside a burn: `5m`, or `1h (3 min of data)` when the series are younger than it.
pub fn window_covered(window: Window, data: Option<TimeDelta>) -> String {
    match data {
        Some(data) if data.num_seconds() < window.secs() as i64 * 9 / 10 => {
            format!("{window} ({} of data)", span(data))
        }
        _ => window.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_read_as_percent_with_the_digits_that_tell() {
        for (ratio, text) in [
            (0.2, "20 %"),
            (0.001, "0.1 %"),
            (0.00015, "0.015 %"),
            (0.9987, "99.87 %"),
            (0.999_96, "99.996 %"),
            (1.0, "100 %"),
            (0.0, "0 %"),
            (-0.0, "0 %"),
            (0.9999999, "99.99 %"),
            (0.111, "11 %"),
        ] {
            assert_eq!(percent(ratio), text, "{ratio}");
        }
    }

    #[test]
    fn burn_has_no_minus_zero_and_no_tail_of_digits() {
        for (multiple, text) in
            [(20.000000000002203, "20.0×"), (-0.0, "0×"), (0.04, "0×"), (1000.0, "1000×"), (14.44, "14.4×")]
        {
            assert_eq!(burn(multiple), text);
        }
    }

    #[test]
    fn what_is_no_number_is_a_word_of_its_own() {
        let words: std::collections::BTreeSet<String> = [
            Value::NaN,
            Value::Infinite { negative: false },
            Value::Absent,
            Value::Stale { last: 1.0, since: Time::UNIX_EPOCH },
        ]
        .into_iter()
        .map(percent_value)
        .collect();
        assert_eq!(words.len(), 4);
        assert!(words.iter().all(|w| !w.contains('%')));
    }

    #[test]
    fn counts_and_spans_are_short() {
        assert_eq!([count(1_962.4), count(17_311.0), count(1_203_000.0)], ["1,962", "17 k", "1.2 M"]);
        let spans: Vec<String> =
            [41, 420, 3_960, 72_000, 198_720, 2_332_800].map(|s| seconds(f64::from(s))).to_vec();
        assert_eq!(spans, ["41 s", "7 m", "66 m", "20 h", "2.3 d", "27 d"]);
        assert_eq!(grouped(1_962_004.0), "1,962,004");
    }

    #[test]
    fn durations_are_in_the_unit_that_a_person_would_say() {
        for (seconds, text) in [
            (0.0, "0 ms"),
            (0.000_04, "0.04 ms"),
            (0.000_8, "0.8 ms"),
            (0.001_25, "1.2 ms"),
            (0.005, "5 ms"),
            (0.045, "45 ms"),
            (0.9, "900 ms"),
            (1.0, "1 s"),
            (1.25, "1.2 s"),
            (10.0, "10 s"),
            (120.0, "2 m"),
        ] {
            assert_eq!(duration(seconds), text, "{seconds}");
        }
        assert_eq!(quantile(Quantile::Over(10.0)), "over 10 s");
        assert_eq!(quantile(Quantile::NoRequests), "no requests");
    }

    #[test]
    fn an_overspent_budget_is_said_in_words() {
        assert_eq!(remaining(Value::Number(-0.38)), "overspent 38 %");
        assert_eq!(remaining(Value::Number(0.312)), "31.2 %");
    }
}

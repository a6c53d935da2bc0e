//! Kubernetes quantities (`500m`, `1Gi`, `1e3`) in one exact form, so that two spellings of one amount compare equal.
//! Format: apimachinery `pkg/api/resource/quantity.go`; finer than a billionth is rounded away from zero, as there.

use serde_json::Value;

/// The settled form of nothing.
pub(super) const ZERO: &str = "0n";

/// Parts of one: everything is counted in billionths.
const NANO: i128 = 1_000_000_000;

/// Replaces a quantity by its number of billionths (`"1500000000n"`); what is not a quantity stays as it is.
pub(super) fn settle(amount: &mut Value) {
    let nanos = match amount {
        Value::String(text) => nanos(text),
        Value::Number(number) => nanos(&number.to_string()),
        _ => None,
    };
    if let Some(nanos) = nanos {
        *amount = Value::String(format!("{nanos}n"));
    }
}

fn nanos(text: &str) -> Option<i128> {
    let (negative, unsigned) = match text.as_bytes().first()? {
        b'-' => (true, text.get(1..)?),
        b'+' => (false, text.get(1..)?),
        _ => (false, text),
    };
    let end = unsigned.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(unsigned.len());
    let (number, suffix) = unsigned.split_at(end);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.len() + fraction.len() == 0 || fraction.contains('.') {
        return None;
    }
    let digits = format!("0{whole}{fraction}").parse::<i128>().ok()?;
    let (times, over) = factor(suffix)?;
    let above = digits.checked_mul(times)?.checked_mul(NANO)?;
    let below = over.checked_mul(10_i128.checked_pow(u32::try_from(fraction.len()).ok()?)?)?;
    let rounded = above / below + i128::from(above % below != 0);
    Some(if negative { -rounded } else { rounded })
}

/// A suffix as a fraction: what to multiply by, what to divide by.
fn factor(suffix: &str) -> Option<(i128, i128)> {
    let binary = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
    if let Some(n) = binary.iter().position(|unit| *unit == suffix) {
        return Some((1024_i128.checked_pow(u32::try_from(n).ok()? + 1)?, 1));
    }
    let exponent = match suffix {
        "n" => -9,
        "u" => -6,
        "m" => -3,
        "" => 0,
        "k" => 3,
        "M" => 6,
        "G" => 9,
        "T" => 12,
        "P" => 15,
        "E" => 18,
        _ => suffix.strip_prefix(['e', 'E'])?.parse::<i32>().ok()?,
    };
    let power = 10_i128.checked_pow(exponent.unsigned_abs())?;
    Some(if exponent < 0 { (1, power) } else { (power, 1) })
}

#[cfg(test)]
mod tests {
    use super::nanos;

    #[test]
    fn two_spellings_of_one_amount_are_one_number() {
        for (one, other) in [
            ("1Gi", "1073741824"),
            ("0.5", "500m"),
            ("1e3", "1k"),
            ("1500m", "1.5"),
            ("+2", "2.000"),
            ("1E", "1e18"),
            ("-1Ki", "-1024"),
            ("0.1n", "1n"),
            (".5", "500m"),
            ("5.", "5"),
        ] {
            assert!(nanos(one).is_some(), "{one}");
            assert_eq!(nanos(one), nanos(other), "{one} {other}");
        }
        assert_ne!(nanos("1G"), nanos("1Gi"));
    }

    #[test]
    fn what_is_not_a_quantity_is_left_alone() {
        for text in ["", ".", "-", "Gi", "1.2.3", "1KiB", "1e", "--1", "1 Gi", "1e999999999"] {
            assert_eq!(nanos(text), None, "{text}");
        }
    }
}

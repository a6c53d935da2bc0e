//! Numbers as the screen writes them (`domain::format`): whatever a card shows of an item may be repeated by a sentence,
//! for any value; and what the screen would write for another value is false.

use goaround::domain::Time;
use goaround::domain::format;
use goaround::domain::value::Value as Measured;
use serde_json::Value;

use super::generator::Dice;
use super::voice;

/// Evidence sets with values of all magnitudes.
pub fn corpus(seed: u64, sets: usize) -> Vec<Value> {
    let mut dice = Dice(seed);
    (0..sets).flat_map(|_| voice::corpus(&set(&mut dice))).collect()
}

/// A number whose logarithm is even between those of `from` and `to`.
fn any(dice: &mut Dice, from: f64, to: f64) -> f64 {
    let part = dice.roll(100_000) as f64 / 100_000.0;
    from * (to / from).powf(part)
}

fn time(second: usize) -> Time {
    Time::UNIX_EPOCH + chrono::TimeDelta::seconds(second as i64)
}

/// `99.94 %` may be told as `99.9 %`.
fn rounds(truth: &str, told: &str) -> bool {
    let read = |text: &str| {
        let (number, unit) = text.split_once(' ')?;
        let digits = number.split_once('.').map_or(0, |(_, fraction)| fraction.len());
        Some((number.replace(',', "").parse::<f64>().ok()?, digits, unit.to_owned()))
    };
    match (read(truth), read(told)) {
        (Some((a, _, u)), Some((b, digits, w))) => {
            u == w && (a - b).abs() <= 0.51 * 0.1_f64.powi(digits as i32)
        }
        _ => false,
    }
}

fn set(dice: &mut Dice) -> String {
    let ratio = any(dice, 2e-6, 0.999_99);
    let good = 1.0 - any(dice, 2e-6, 0.09);
    let burn = any(dice, 0.06, 5_000.0);
    let count = any(dice, 3.0, 5e9).round();
    let total = count * any(dice, 1.5, 40.0);
    let served = any(dice, 2.0, 4e6).round();
    let left = any(dice, 0.01, 0.99);
    let over = any(dice, 0.01, 4.0);
    let (change, lag) = (dice.roll(80_000), 100 + dice.roll(5_000));
    let lie = |text: String| {
        move |write: &dyn Fn(f64) -> String, v: f64, kind: &str, factor: f64| {
            let told = write(v * factor);
            if told == text || told.starts_with("0 ") || rounds(&text, &told) {
                String::new()
            } else {
                format!("|{kind}={told}")
            }
        }
    };
    let claim = |write: &dyn Fn(f64) -> String, v: f64| {
        let text = write(v);
        let lie = lie(text.clone());
        format!(
            "{{{text}{}{}{}{}}}",
            lie(write, v, "t", 10.0),
            lie(write, v, "t", 0.1),
            lie(write, v, "v", 1.6),
            lie(write, v, "v", 0.6)
        )
    };
    // Near 100 % the distance to it is what is told.
    let missing = |v: f64| format::percent(1.0 - v);
    let remaining = |v: f64| format::remaining(Measured::Number(v));
    let overspent = |v: f64| format::remaining(Measured::Number(-v));
    let clocks = |s: usize| (format::clock(time(s)), format::minute(time(s)));
    let (at, onset) = (clocks(change), clocks(change + lag));
    let wrong = clocks(change + lag + 7_300);
    let offset = |v: f64| format::offset(time(0), time(v.round() as usize));
    [
        format!("E1 | error ratio | {ratio} | ratio | 5m | shop/api"),
        format!("E2 | availability | {good} | ratio | 30d | shop/api"),
        format!("E3 | burn rate | {burn} | x | 1h | shop/api"),
        format!("E4 | requests failed | {count} | requests | | shop/api | {count} | {total}"),
        format!("E5 | revision 6 served for | {served} | s | | shop/api"),
        format!("E6 | error budget remaining | {left} | ratio | 30d | shop/api"),
        format!("E7 | error budget remaining | -{over} | ratio | 30d | shop/api"),
        format!("E8 | the change began | {lag} | s | {} to onset {} | shop/api", at.0, onset.0),
        format!("The error ratio is {} [E1].", claim(&format::percent, ratio)),
        format!("{} of requests fail [E1].", claim(&format::percent, ratio)),
        format!("Availability is {} [E2].", claim(&missing, 1.0 - good)),
        format!("The budget burns at {} [E3].", claim(&format::burn, burn)),
        format!("{} requests failed [E4].", claim(&format::count, count)),
        format!("{} requests failed, exactly [E4].", claim(&format::grouped, count)),
        format!("{} of {} requests failed [E4].", claim(&format::count, count), claim(&format::count, total)),
        format!("It served for {} [E5].", claim(&format::seconds, served)),
        format!("{} of the budget is left [E6].", claim(&remaining, left)),
        format!("The budget is {} [E7].", claim(&overspent, over)),
        format!(
            "The errors began at {{{}|k={}}}, {} after the change [E8].",
            onset.0,
            wrong.0,
            claim(&format::seconds, lag as f64)
        ),
        format!(
            "The change was made at {{{}|k={}}}, the onset was {} [E8].",
            at.1,
            wrong.1,
            claim(&offset, lag as f64)
        ),
    ]
    .join("\n")
}

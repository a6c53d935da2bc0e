//! A number with its unit, and when one agrees with another: units convert, and a number said with fewer digits than
//! was measured is right if the measurement rounds to it.

use crate::domain::format;

/// Units that convert into each other.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Family {
    /// Parts of one: `ratio`, `%`.
    Ratio,
    /// Multiples: `x`, times.
    Multiple,
    /// Seconds.
    Time,
    /// Per second.
    Rate,
    /// Bytes.
    Bytes,
    /// CPU cores.
    Cores,
    /// Things.
    Count,
    /// No unit was given.
    Bare,
}

/// What is counted.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Noun {
    Requests,
    Errors,
    Pods,
    Restarts,
    Nodes,
    Slos,
    Events,
    Alerts,
    Revisions,
    Connections,
    Services,
    Users,
    Messages,
    Lines,
}

/// How a number bounds what it speaks of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Bound {
    /// `more than`, `above`, `at least`.
    Over,
    /// `less than`, `below`, `up to`.
    Under,
}

/// A number as it was said or measured.
#[derive(Clone, PartialEq, Debug)]
pub struct Quantity {
    /// In the unit as said.
    pub value: f64,
    /// Place value of the last digit, in the unit as said; 0 for a measured number.
    pub step: f64,
    /// Unit family.
    pub family: Family,
    /// Factor from the unit as said to the family's own unit.
    pub scale: f64,
    /// What is counted.
    pub noun: Option<Noun>,
    /// `about`.
    pub about: bool,
    /// `more than`.
    pub bound: Option<Bound>,
    /// `rose by`, `+20 %`, `points`: a difference rather than a level.
    pub change: bool,
    /// A word of a part (`a fifth`): true within some percent.
    pub loose: f64,
    /// It is what something is compared with: `the threshold of 14.4x`.
    pub threshold: bool,
    /// The bound is a comparison (`above`), not a way to round (`over`): any distance is true.
    pub open: bool,
    /// "just under": the bound is close.
    pub close: bool,
}

impl Quantity {
    /// A measured number.
    pub fn measured(value: f64, family: Family, scale: f64, noun: Option<Noun>) -> Self {
        Self {
            value,
            step: 0.0,
            family,
            scale,
            noun,
            about: false,
            bound: None,
            change: false,
            loose: 0.0,
            threshold: false,
            open: false,
            close: false,
        }
    }

    /// In the family's own unit.
    pub fn canonical(&self) -> f64 {
        self.value * self.scale
    }

    /// Whether `measured`, in the family's own unit, is what was said.
    pub fn says(&self, measured: f64) -> bool {
        self.rounds_from(measured / self.scale)
    }

    /// Whether a window of `length` seconds is the one that was said: an hour is not a rounded half hour.
    pub fn is_window(&self, length: f64) -> bool {
        self.says(length) && (self.canonical() - length).abs() <= self.canonical().abs() * 0.12
    }

    /// Whether `e`, in the unit as said, is what was said.
    fn rounds_from(&self, e: f64) -> bool {
        if !e.is_finite() {
            return false;
        }
        let v = self.value;
        match self.bound {
            Some(Bound::Over) if self.close && e > v && v >= 0.0 => return e <= v * 1.25,
            Some(Bound::Under) if self.close && e < v && e >= 0.0 => return e >= v * 0.8,
            Some(Bound::Over) if e > v && v >= 0.0 && (self.open || e < v * 5.0) => return true,
            Some(Bound::Under) if e < v && e >= 0.0 && (self.open || e > v / 5.0) => return true,
            // `above 99.8 %` of 99.8: people say so.
            _ => {}
        }
        let off = (e - v).abs();
        let mut half = self.step / 2.0 * (1.0 + 1e-9) + v.abs() * 1e-9;
        // "0.1 %" of 0.06 %: one digit, and far off all the same.
        if self.family == Family::Ratio && self.step > 2e-4 {
            half = half.min(v.abs() * 0.35);
        }
        // 0.73 is no rounded 1x: one says whether there is more or less.
        if self.family == Family::Multiple && v == 1.0 {
            half = half.min(0.25);
        }
        if self.bound.is_some() {
            half = half.min(v.abs() * 0.05);
        }
        if v == 0.0 {
            return off <= self.step * 0.05;
        }
        if off <= half || off <= v.abs() * self.loose {
            return true;
        }
        if self.about {
            let round = significant(v) <= 1 || self.loose > 0.0;
            return off <= v.abs() * if round { 0.1 } else { 0.05 }
                || (self.step >= 1.0 && v < 20.0 && off <= 0.5);
        }
        // 1,200 for 1,234: zeros at the end of a whole number say that it was rounded.
        let zeros = trailing(v, self.step);
        zeros >= 10.0 && v.abs() >= 100.0 * self.step && off <= zeros / 2.0 && off <= v.abs() * 0.025
    }
}

/// Place value of the last digit that is not 0, for whole numbers.
fn trailing(value: f64, step: f64) -> f64 {
    let mut place = 1.0;
    if step < 1.0 {
        return step;
    }
    while place < 1e12 && (value / (place * 10.0)).fract().abs() < 1e-9 && value != 0.0 {
        place *= 10.0;
    }
    // Two digits always count.
    while place > 1.0 && value.abs() / place < 10.0 {
        place /= 10.0;
    }
    place
}

fn significant(value: f64) -> usize {
    let text = format!("{value}");
    let digits = text.trim_start_matches(['-', '0', '.']).replace('.', "");
    digits.trim_end_matches('0').len()
}

/// A measured number in words, as the screen writes it.
pub fn written(canonical: f64, family: Family) -> String {
    match family {
        Family::Ratio => format::percent(canonical),
        Family::Multiple => format::burn(canonical),
        Family::Time if canonical.abs() < 1.0 => format!("{} ms", short(canonical * 1e3)),
        Family::Time if canonical.abs() < 99.5 => format!("{} s", short(canonical)),
        Family::Time => format::seconds(canonical),
        Family::Rate => format!("{}/s", short(canonical)),
        Family::Bytes if canonical >= 1_073_741_824.0 => {
            format!("{} GiB", short(canonical / 1_073_741_824.0))
        }
        Family::Bytes => format!("{} MiB", short(canonical / 1_048_576.0)),
        Family::Cores => format!("{} cores", short(canonical)),
        Family::Count if canonical.fract() == 0.0 => format::grouped(canonical),
        Family::Count | Family::Bare => short(canonical),
    }
}

fn short(number: f64) -> String {
    let digits = if number.abs() >= 99.95 {
        0
    } else if number.abs() >= 9.995 {
        1
    } else {
        3
    };
    let text = format!("{number:.digits$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(value: f64, step: f64, scale: f64) -> Quantity {
        Quantity { step, ..Quantity::measured(value, Family::Ratio, scale, None) }
    }

    #[test]
    fn fewer_digits_are_right_if_the_measurement_rounds_to_them() {
        assert!(said(99.8, 0.1, 0.01).says(0.998));
        assert!(said(20.0, 1.0, 0.01).says(0.2001));
        assert!(said(200.0, 1.0, 1.0).says(200.1));
        assert!(said(1.2, 0.1, 1e3).says(1_200.0));
        assert!(said(1_200.0, 1.0, 1.0).says(1_210.0));
        assert!(!said(1_200.0, 1.0, 1.0).says(1_290.0));
    }

    #[test]
    fn a_factor_of_ten_a_sign_and_an_invented_digit_are_wrong() {
        assert!(!said(9.9, 0.1, 0.01).says(0.998));
        assert!(!said(-99.8, 0.1, 0.01).says(0.998));
        assert!(!said(20.01, 0.01, 0.01).says(0.2));
        assert!(!said(0.0, 1.0, 0.01).says(0.004));
    }
}

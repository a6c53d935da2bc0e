//! When nothing should be changed: a stretch of time, or hours of the week. A freeze is named in the reason of whoever
//! changes something all the same; it never makes that impossible.

use chrono::{DateTime, Datelike as _, Days, FixedOffset, NaiveTime, TimeZone as _, Weekday};
use serde::{Deserialize, Serialize};

use super::Time;
use super::clean::Clean;

/// A freeze and why there is one.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Freeze {
    /// When.
    pub when: When,
    /// Why.
    pub why: Clean,
}

/// When a freeze holds.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum When {
    /// Once, from a time until another.
    Once {
        /// The first moment.
        from: Time,
        /// The first moment after it.
        to: Time,
    },
    /// Every week.
    Weekly {
        /// Days on which it begins, 0 is Monday.
        days: Vec<u8>,
        /// When it begins on each of them, in minutes since midnight.
        from: u16,
        /// When it ends: on the same day, or on the next one where that is not after `from`. 1440 is midnight.
        to: u16,
        /// Minutes east of Greenwich.
        offset: i16,
    },
}

impl Freeze {
    /// Until when it holds, if it holds at `now`.
    pub fn until(&self, now: Time) -> Option<Time> {
        match &self.when {
            When::Once { from, to } => (*from <= now && now < *to).then_some(*to),
            When::Weekly { days, from, to, offset } => {
                let zone = FixedOffset::east_opt(i32::from(*offset) * 60)?;
                let today = now.with_timezone(&zone).date_naive();
                // One that began yesterday may end today.
                let begins = [today.checked_sub_days(Days::new(1))?, today];
                begins.into_iter().filter(|day| days.contains(&number(day.weekday()))).find_map(|day| {
                    let begin = at(day.and_time(NaiveTime::MIN), *from, zone)?;
                    let length = if to > from { to - from } else { 1_440 - from + to };
                    let end = begin + chrono::TimeDelta::minutes(i64::from(length));
                    (begin <= now && now < end).then(|| end.to_utc())
                })
            }
        }
    }
}

fn number(day: Weekday) -> u8 {
    u8::try_from(day.num_days_from_monday()).unwrap_or(0)
}

fn at(midnight: chrono::NaiveDateTime, minutes: u16, zone: FixedOffset) -> Option<DateTime<FixedOffset>> {
    let local = midnight + chrono::TimeDelta::minutes(i64::from(minutes));
    zone.from_local_datetime(&local).single()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Time {
        text.parse().expect("a time")
    }

    fn until(when: &When, now: &str) -> Option<String> {
        let freeze = Freeze { when: when.clone(), why: "audit".into() };
        freeze.until(at(now)).map(|t| t.format("%a %d %H:%M").to_string())
    }

    #[test]
    fn a_stretch_holds_from_its_first_moment_to_before_its_last() {
        let when = When::Once { from: at("2026-12-20T18:00:00Z"), to: at("2027-01-02T06:00:00Z") };
        assert_eq!(until(&when, "2026-12-20T17:59:59Z"), None);
        assert_eq!(until(&when, "2026-12-20T18:00:00Z").as_deref(), Some("Sat 02 06:00"));
        assert_eq!(until(&when, "2027-01-02T06:00:00Z"), None);
    }

    #[test]
    fn hours_of_the_week_hold_in_their_own_zone_and_over_midnight() {
        // Friday 16:00 to Saturday 08:00, an hour east of Greenwich. 2026-11-20 is a Friday.
        let night = When::Weekly { days: vec![4], from: 960, to: 480, offset: 60 };
        assert_eq!(until(&night, "2026-11-20T14:59:00Z"), None);
        assert_eq!(until(&night, "2026-11-20T15:00:00Z").as_deref(), Some("Sat 21 07:00"));
        assert_eq!(until(&night, "2026-11-21T06:59:59Z").as_deref(), Some("Sat 21 07:00"));
        assert_eq!(until(&night, "2026-11-21T07:00:00Z"), None);
        assert_eq!(until(&night, "2026-11-21T15:30:00Z"), None, "Saturday is no Friday");
        let whole = When::Weekly { days: vec![5, 6], from: 0, to: 1_440, offset: 0 };
        assert_eq!(until(&whole, "2026-11-21T00:00:00Z").as_deref(), Some("Sun 22 00:00"));
        assert_eq!(until(&whole, "2026-11-22T23:59:00Z").as_deref(), Some("Mon 23 00:00"));
        assert_eq!(until(&whole, "2026-11-23T00:00:00Z"), None);
        // Half past midnight in Delhi is still the day before in Greenwich.
        let delhi = When::Weekly { days: vec![0], from: 0, to: 60, offset: 330 };
        assert_eq!(until(&delhi, "2026-11-22T18:45:00Z").as_deref(), Some("Sun 22 19:30"));
    }
}

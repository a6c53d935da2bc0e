//! Reads `freeze` of `[policy]`: one reason, or tables that say when. A table from which nobody could tell whether it holds
//! now is refused.

use crate::domain::clean::Clean;
use crate::domain::document::{Entry, Table};
use crate::domain::freeze::{Freeze, When};
use crate::domain::text_error::TextError;

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// Reads all `[[policy.freeze]]`.
pub(super) fn freezes(entry: &Entry<'_>) -> Result<Vec<Freeze>, TextError> {
    entry.tables()?.iter().map(freeze).collect()
}

fn freeze(table: &Table<'_>) -> Result<Freeze, TextError> {
    table.only(&["from", "to", "why", "days", "utc_offset"])?;
    let why = Clean::new(table.need("why")?.filled()?);
    let when = match table.get("days") {
        Some(days) => weekly(table, &days)?,
        None => once(table)?,
    };
    Ok(Freeze { when, why })
}

fn once(table: &Table<'_>) -> Result<When, TextError> {
    if let Some(entry) = table.get("utc_offset") {
        return Err(entry.key_error("`utc_offset` belongs to `days`, expected it in the times themselves"));
    }
    let (from, end) = (table.need("from")?.time()?, table.need("to")?);
    let to = end.time()?;
    if to <= from {
        return Err(end.error(format!("`to` is {to}, expected a time after `from`")));
    }
    Ok(When::Once { from, to })
}

fn weekly(table: &Table<'_>, days: &Entry<'_>) -> Result<When, TextError> {
    let list = days.list()?;
    if list.is_empty() {
        return Err(days.error("`days` is empty, expected days as in [\"fri\", \"sat\"]"));
    }
    let day = |entry: &Entry<'_>| {
        let word = entry.one_of(&DAYS)?;
        Ok(DAYS.iter().position(|d| *d == word).and_then(|n| u8::try_from(n).ok()).unwrap_or(0))
    };
    let days = list.iter().map(day).collect::<Result<Vec<u8>, TextError>>()?;
    let minutes = |key: &str, otherwise: u16| {
        table.get(key).map_or(Ok(otherwise), |entry| clock(&entry, "a time of day as in \"16:00\""))
    };
    let offset = table.get("utc_offset").map_or(Ok(0), |entry| offset(&entry))?;
    Ok(When::Weekly { days, from: minutes("from", 0)?, to: minutes("to", 1_440)?, offset })
}

/// `16:00` in minutes; `24:00` is the end of a day.
fn clock(entry: &Entry<'_>, expected: &str) -> Result<u16, TextError> {
    let text = entry.text()?;
    let two = |part: &str| (part.len() == 2).then(|| part.parse::<u16>().ok()).flatten();
    let minutes = text.split_once(':').and_then(|(h, m)| Some((two(h)?, two(m)?)));
    let minutes =
        minutes.filter(|(h, m)| *m < 60 && (*h < 24 || (*h, *m) == (24, 0))).map(|(h, m)| h * 60 + m);
    minutes.ok_or_else(|| entry.error(format!("`{}` is \"{text}\", expected {expected}", entry.key())))
}

/// `+01:00` in minutes.
fn offset(entry: &Entry<'_>) -> Result<i16, TextError> {
    let text = entry.text()?;
    let found = format!("2026-01-01T00:00:00{text}").parse::<chrono::DateTime<chrono::FixedOffset>>();
    let minutes = found.ok().and_then(|t| i16::try_from(t.offset().local_minus_utc() / 60).ok());
    minutes.ok_or_else(|| {
        entry.error(format!("`utc_offset` is \"{text}\", expected one as in \"+01:00\" or \"Z\""))
    })
}

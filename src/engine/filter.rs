//! The filter of the list and of the event log: words, `key:value` terms and times, read from one line of text. Pure:
//! a text in, a [`Filter`] out. A term that is not understood is named and left out, and nothing else of the line is lost.

use chrono::{NaiveDateTime, NaiveTime, TimeDelta};

use crate::domain::Time;
use crate::domain::clean::Clean;
use crate::domain::window::Window;

/// The states that `state:` knows, as [`super::view::state_word`] says them, with a hyphen for a blank.
pub const STATES: [&str; 6] = ["paging", "ticket", "at-risk", "exhausted", "healthy", "unknown"];
/// The keys that a term can have.
const KEYS: &str = "ns, service, slo, state, since, until";

/// What a row of the list is found by.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Subject<'a> {
    /// Namespace of its workload, or of its series.
    pub namespace: &'a str,
    /// Service, or the Deployment's name.
    pub service: &'a str,
    /// Id of the SLO; a Deployment without one has none.
    pub slo: Option<&'a str>,
    /// `namespace/name` of its workload.
    pub workload: &'a str,
    /// State as a word; a Deployment without an SLO has none.
    pub state: Option<&'a str>,
}

/// A stretch of time, open where nothing is said.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Span {
    /// Its begin.
    pub from: Option<Time>,
    /// Its end.
    pub to: Option<Time>,
}

impl Span {
    /// `at` lies in it; both ends belong to it.
    pub fn holds(&self, at: Time) -> bool {
        self.from.is_none_or(|from| at >= from) && self.to.is_none_or(|to| at <= to)
    }

    /// It leaves nothing out.
    pub fn is_open(&self) -> bool {
        self.from.is_none() && self.to.is_none()
    }
}

/// A filter as it was typed and as it is understood.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Filter {
    terms: Vec<Term>,
    since: Option<Moment>,
    until: Option<Moment>,
    /// What was not understood, each in a sentence.
    pub problems: Vec<String>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Term {
    negated: bool,
    field: Field,
    /// In lower case; one of them is enough.
    any: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Field {
    Text,
    Namespace,
    Service,
    Slo,
    State,
}

/// A point in time as a person writes it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Moment {
    Ago(Window),
    /// The last time that the clock showed it.
    Clock(NaiveTime),
    At(Time),
}

impl Filter {
    /// Reads a line.
    pub fn parse(text: &str) -> Self {
        let mut filter = Self::default();
        for word in text.split_whitespace() {
            if let Err(problem) = filter.read(word) {
                filter.problems.push(problem);
            }
        }
        filter
    }

    fn read(&mut self, word: &str) -> Result<(), String> {
        let (negated, rest) = match word.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, word),
        };
        let Some((key, value)) = rest.split_once(':') else {
            self.add(negated, Field::Text, rest);
            return Ok(());
        };
        match key.to_lowercase().as_str() {
            "ns" | "namespace" => self.add(negated, Field::Namespace, value),
            "service" | "svc" => self.add(negated, Field::Service, value),
            "slo" => self.add(negated, Field::Slo, value),
            "state" => {
                let value = states(value)?;
                self.add(negated, Field::State, &value);
            }
            "since" | "until" if negated => return Err(format!("`{}` cannot be negated", Clean::new(word))),
            "since" => self.since = moment(key, value)?,
            "until" => self.until = moment(key, value)?,
            _ => return Err(format!("`{}:` is no key, there are {KEYS}", Clean::new(key))),
        }
        Ok(())
    }

    /// An empty value, as it is while it is being typed, restricts nothing.
    fn add(&mut self, negated: bool, field: Field, value: &str) {
        let any: Vec<String> = match field {
            Field::Text => vec![value.to_lowercase()],
            _ => value.split('|').map(str::to_lowercase).collect(),
        };
        let any: Vec<String> = any.into_iter().filter(|one| !one.is_empty()).collect();
        if !any.is_empty() {
            self.terms.push(Term { negated, field, any });
        }
    }

    /// It leaves out no row of the list.
    pub fn admits_all(&self) -> bool {
        self.terms.is_empty()
    }

    /// A row is shown: every term holds.
    pub fn admits(&self, subject: &Subject<'_>) -> bool {
        self.terms.iter().all(|term| term.holds(subject) != term.negated)
    }

    /// A line of text is shown: its words and terms are in it, or are not, where they begin with a minus.
    pub fn admits_text(&self, line: &str) -> bool {
        let line = line.to_lowercase();
        self.terms
            .iter()
            .all(|term| term.any.iter().any(|wanted| line.contains(wanted.as_str())) != term.negated)
    }

    /// The time that it speaks of, for what has a time: the event log, the journal.
    pub fn span(&self, now: Time) -> Span {
        Span { from: self.since.map(|m| m.before(now)), to: self.until.map(|m| m.before(now)) }
    }
}

impl Term {
    fn holds(&self, subject: &Subject<'_>) -> bool {
        let contains = |text: &str| {
            let text = text.to_lowercase();
            self.any.iter().any(|wanted| text.contains(wanted.as_str()))
        };
        match self.field {
            Field::Namespace => contains(subject.namespace),
            Field::Service => contains(subject.service),
            Field::Slo => subject.slo.is_some_and(contains),
            Field::State => subject
                .state
                .is_some_and(|state| self.any.iter().any(|wanted| *wanted == state.replace(' ', "-"))),
            Field::Text => {
                let all =
                    [subject.slo.unwrap_or_default(), subject.service, subject.namespace, subject.workload];
                all.into_iter().chain(subject.state).any(contains)
            }
        }
    }
}

/// The states that `value` begins, joined by `|`: whoever types `state:pag` means paging.
fn states(value: &str) -> Result<String, String> {
    let mut found: Vec<&str> = Vec::new();
    for part in value.split('|').filter(|part| !part.is_empty()) {
        let wanted = part.to_lowercase();
        let meant: Vec<&str> = STATES.into_iter().filter(|state| state.starts_with(&wanted)).collect();
        if meant.is_empty() {
            let all = STATES.join(", ");
            return Err(format!("`{}` is no state, there are {all}", Clean::new(part)));
        }
        found.extend(meant);
    }
    Ok(found.join("|"))
}

fn moment(key: &str, value: &str) -> Result<Option<Moment>, String> {
    if value.is_empty() {
        return Ok(None);
    }
    let clock = |form: &str| NaiveTime::parse_from_str(value, form).ok().map(Moment::Clock);
    let date = |text: &str, form: &str| {
        NaiveDateTime::parse_from_str(text, form).ok().map(|at| Moment::At(at.and_utc()))
    };
    let exact = || value.parse::<Time>().ok().map(Moment::At);
    let ago = || value.parse::<Window>().ok().map(Moment::Ago);
    ago()
        .or_else(|| clock("%H:%M"))
        .or_else(|| clock("%H:%M:%S"))
        .or_else(exact)
        .or_else(|| date(value, "%Y-%m-%dT%H:%M"))
        .or_else(|| date(&format!("{value}T00:00"), "%Y-%m-%dT%H:%M"))
        .map(Some)
        .ok_or_else(|| {
            format!("`{key}:{}` is no time, write 2h, 14:00 or 2026-11-20T14:00", Clean::new(value))
        })
}

impl Moment {
    fn before(self, now: Time) -> Time {
        match self {
            Self::Ago(window) => now - window.delta(),
            Self::At(at) => at,
            Self::Clock(clock) => {
                let today = now.date_naive().and_time(clock).and_utc();
                if today > now { today - TimeDelta::days(1) } else { today }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const API: Subject<'_> = Subject {
        namespace: "shop",
        service: "api-gateway",
        slo: Some("api-gateway-availability"),
        workload: "shop/api-gateway",
        state: Some("at risk"),
    };
    const BARE: Subject<'_> =
        Subject { namespace: "tools", service: "mailer", slo: None, workload: "tools/mailer", state: None };

    fn admits(text: &str, subject: &Subject<'_>) -> bool {
        let filter = Filter::parse(text);
        assert_eq!(filter.problems, Vec::<String>::new(), "{text}");
        filter.admits(subject)
    }

    #[test]
    fn words_and_terms_must_all_hold_and_a_minus_turns_one_around() {
        for (text, api, bare) in [
            ("", true, true),
            ("GATE shop", true, false),
            ("risk", true, false),
            ("-gate", false, true),
            ("ns:shop", true, false),
            ("ns:shop|tools", true, true),
            ("-ns:shop", false, true),
            ("service:api", true, false),
            ("slo:availability", true, false),
            ("-slo:availability", false, true),
            ("state:at-risk", true, false),
            ("state:paging|at", true, false),
            ("state:paging", false, false),
            ("-state:paging", true, true),
            ("ns:shop service:mailer", false, false),
            ("ns: state: slo:| -", true, true),
            ("since:2h until:14:00", true, true),
        ] {
            assert_eq!((admits(text, &API), admits(text, &BARE)), (api, bare), "{text}");
        }
    }

    #[test]
    fn what_is_not_understood_is_said_and_the_rest_still_holds() {
        for (text, names) in [
            ("colour:red ns:tools", ["`colour:`", "ns, service"]),
            ("state:paging|sleepy ns:tools", ["`sleepy`", "healthy"]),
            ("since:never ns:tools", ["`since:never`", "14:00"]),
            ("-until:1h ns:tools", ["`-until:1h`", "negated"]),
            ("a\u{1b}b:c ns:tools", ["is no key", "state"]),
        ] {
            let filter = Filter::parse(text);
            assert_eq!(filter.problems.len(), 1, "{text}");
            let problem = &filter.problems[0];
            assert!(names.iter().all(|name| problem.contains(name)), "{problem}");
            assert!(!problem.contains('\u{1b}'));
            assert_eq!((filter.admits(&API), filter.admits(&BARE)), (false, true), "{text}");
        }
    }

    #[test]
    fn times_are_ages_clock_times_that_were_last_and_dates() {
        let time = |text: &str| text.parse::<Time>().expect("a time");
        let now = time("2026-11-20T12:30:00Z");
        for (text, from, to) in [
            ("since:2h", Some("2026-11-20T10:30:00Z"), None),
            ("since:14:00", Some("2026-11-19T14:00:00Z"), None),
            ("until:12:00:30", None, Some("2026-11-20T12:00:30Z")),
            (
                "since:2026-11-18 until:2026-11-19T07:00",
                Some("2026-11-18T00:00:00Z"),
                Some("2026-11-19T07:00:00Z"),
            ),
            ("until:2026-11-19T07:00:00Z", None, Some("2026-11-19T07:00:00Z")),
            ("since:", None, None),
        ] {
            let filter = Filter::parse(text);
            assert_eq!(filter.problems, Vec::<String>::new(), "{text}");
            assert_eq!(filter.span(now), Span { from: from.map(time), to: to.map(time) }, "{text}");
            assert!(filter.admits_all());
        }
        let span = Filter::parse("since:1h until:10m").span(now);
        assert!(span.holds(now - TimeDelta::minutes(10)) && span.holds(now - TimeDelta::minutes(60)));
        assert!(!span.holds(now) && !span.holds(now - TimeDelta::minutes(61)) && !span.is_open());
    }
}

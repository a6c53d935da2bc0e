//! The query behind every number of an SLO: exact PromQL, its window or range, the value that came of it, its age and
//! the server that was asked. The number under the cursor is first. An address is shown without its user part.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::domain::Time;
use crate::domain::clean::Clean;
use crate::domain::format;
use crate::domain::inquiry::{Purpose, Sent, Topic};
use crate::domain::latency::QUANTILES;
use crate::domain::sli::{Matcher, Op, Selector};
use crate::domain::slo::{Origin, Sli, Slo, SloId};
use crate::engine::chart;
use crate::engine::event::PageShown;
use crate::engine::state::State;
use crate::engine::view::Chart;
use crate::ui::look::Look;
use crate::ui::widgets::words::{Words, from, put, row};

use super::evidence::{scroll, wrapped};
use super::latency::Latency;
use super::{footer, header};

/// Columns of the labels.
const LABEL: usize = 12;

/// Draws the page.
pub fn draw(look: &Look, state: &State, id: &SloId, area: Rect, buf: &mut Buffer) -> PageShown {
    header::draw(look, state, row(area, 0), buf);
    let title = Words::of(look.strong(), "QUERIES").and(look.dim(), format!("  {id}"));
    title.draw(from(row(area, 1), 1), buf);
    let shown = match state.world.slos.get(id) {
        Some(slo) => {
            let columns = usize::from(area.width.saturating_sub(2));
            let page = Page { look, state, slo, columns, lines: Vec::new() };
            scroll(look, state, &page.lines(), 0, area, buf)
        }
        None => {
            put(buf, from(row(area, 3), 1), "the SLO is not there any more", look.dim());
            PageShown::default()
        }
    };
    let keys =
        [("up", "scroll"), ("page_down", "page"), ("queries", "back"), ("help", "help"), ("quit", "quit")];
    footer::draw(look, "main", &keys, row(area, area.height.saturating_sub(1)), buf);
    shown
}

struct Page<'a> {
    look: &'a Look,
    state: &'a State,
    slo: &'a Slo,
    columns: usize,
    lines: Vec<Words>,
}

impl Page<'_> {
    fn lines(mut self) -> Vec<Words> {
        if self.state.view.cursor.is_some() {
            self.cursor();
        }
        self.say("server", &self.server());
        if let Sli::Understood(sli) = &self.slo.sli {
            self.say("SLI", Clean::new(breathing(&sli.ratio(sli.window))).as_str());
        }
        self.lines.push(Words::new());
        self.readings();
        self.counts();
        self.durations();
        self.rest();
        self.lines
    }

    /// Who was asked.
    fn server(&self) -> String {
        match (&self.state.world.prometheus, &self.slo.origin) {
            (Some(found), Origin::Recorded) => found.at.to_string(),
            (Some(found), Origin::Declared(file)) => format!("{}, expressions of {file}", found.at),
            (None, _) => "not known yet".into(),
        }
    }

    fn say(&mut self, label: &str, text: &str) {
        let head = Words::of(self.look.dim(), format!("{label:<LABEL$}"));
        wrapped(self.look, head, LABEL, text, self.columns, &mut self.lines);
    }

    /// A number with its value, then the query that gave it.
    fn number(&mut self, name: &str, value: &str, age: &str, queries: &[String]) {
        let head = Words::of(self.look.text(), name.to_owned())
            .and(self.look.text(), "  ")
            .and(self.look.strong(), value.to_owned())
            .and(self.look.dim(), format!("   {age}"));
        self.lines.extend(head.wrap(self.columns));
        for query in queries {
            let text = Clean::new(breathing(query));
            wrapped(
                self.look,
                Words::of(self.look.dim(), "  "),
                2,
                text.as_str(),
                self.columns,
                &mut self.lines,
            );
        }
        self.lines.push(Words::new());
    }

    fn ago(&self, at: Time) -> String {
        format!("{} ago", format::span(self.state.now - at))
    }

    /// The queries of an answer, as they were sent, and for which time.
    fn sent(&self, topic: Topic) -> (Vec<String>, String) {
        let study = self.state.studies.get(&self.slo.id);
        let sent = study.and_then(|s| s.sent.get(&topic)).map(Vec::as_slice).unwrap_or_default();
        let when = sent.first().map_or("not sent yet".into(), |sent| self.when(sent));
        (sent.iter().map(|sent| sent.promql.to_string()).collect(), when)
    }

    fn when(&self, sent: &Sent) -> String {
        let (first, last, step) = sent.at;
        match step {
            Some(step) => {
                format!("{} to {} every {step}, {}", clock(first), clock(last), self.ago(last))
            }
            None => format!("at {}, {}", clock(last), self.ago(last)),
        }
    }

    /// What the cursor reads.
    fn cursor(&mut self) {
        let (at, chart) = (self.state.view.cursor, self.state.view.chart);
        if chart == Chart::ErrorRatio {
            let samples = chart::samples(self.state, &self.slo.id);
            let Some(sample) = chart::read(&samples, at) else { return };
            let counted = sample.counts.is_some();
            let topic = if counted { Topic::Buckets } else { Topic::Past };
            let ratio = sample.ratio.map_or("no traffic".into(), format::percent);
            let counts = sample
                .counts
                .map_or(String::new(), |(bad, all)| format!(", {} failed", format::bad_of(bad, all)));
            let name = format!("under the cursor, {} to {}", clock(sample.from), clock(sample.to));
            let (queries, when) = self.sent(topic);
            self.number(&name, &format!("{ratio}{counts}"), &when, &queries);
            return;
        }
        let latency = Latency::of(self.state, self.slo);
        let Some((_, step, durations)) = latency.read(at) else { return };
        let quantiles =
            QUANTILES.map(|(q, name)| format!("{name} {}", format::quantile(durations.quantile(step, q))));
        let (queries, when) = self.sent(Topic::Durations);
        let name = format!("under the cursor, until {}", clock(step.end));
        self.number(&name, &quantiles.join(", "), &when, &queries);
    }

    /// What each row of the list and the gauges show.
    fn readings(&mut self) {
        let slo = self.slo;
        let recorded = slo.origin == Origin::Recorded;
        let of = |metric: &str| vec![series(slo, metric)];
        if recorded {
            let left = format::remaining(slo.remaining);
            let age = slo.period.map_or(String::new(), |period| format!("over {period}"));
            self.number("budget left", &left, &age, &of("slo:period_error_budget_remaining:ratio"));
        }
        for (window, reading) in &slo.ratios {
            let value = format::percent_value(reading.value);
            let burn = format::burn_value(slo.burn(*window));
            let queries = match &slo.sli {
                _ if recorded => of(&format!("slo:sli_error:ratio_rate{window}")),
                Sli::Understood(sli) => vec![sli.ratio(*window)],
                _ => Vec::new(),
            };
            let age = self.ago(reading.at);
            self.number(&format!("errors over {window}"), &format!("{value}, burn {burn}"), &age, &queries);
        }
    }

    fn counts(&mut self) {
        for (topic, name) in [
            (Topic::Buckets, "failed of all requests, by time"),
            (Topic::Counts(Purpose::SinceChange), "the same since the change, by pod"),
            (Topic::Counts(Purpose::History), "the same of a longer past, by pod"),
            (Topic::Counts(Purpose::Verify), "the same since our rollout ended"),
            (Topic::Newest, "all requests of the last moment"),
            (Topic::Past, "error ratio of the range"),
        ] {
            let (queries, when) = self.sent(topic);
            if !queries.is_empty() {
                self.number(name, "", &when, &queries);
            }
        }
    }

    fn durations(&mut self) {
        let (queries, when) = self.sent(Topic::Durations);
        if !queries.is_empty() {
            let latency = Latency::of(self.state, self.slo);
            let value = latency.read(None).map_or(String::new(), |(_, step, durations)| {
                QUANTILES
                    .map(|(q, name)| format!("{name} {}", format::quantile(durations.quantile(step, q))))
                    .join(", ")
            });
            self.number("durations, read as histogram_quantile does", &value, &when, &queries);
        }
        let (queries, when) = self.sent(Topic::Histogram);
        if !queries.is_empty() {
            self.number("which histogram", "", &when, &queries);
        }
    }

    fn rest(&mut self) {
        for (topic, name) in [
            (Topic::BudgetLeft, "budget left over time"),
            (Topic::Period, "all requests of the period"),
            (Topic::Served, "which pods served when"),
            (Topic::Scrape, "scrape interval"),
        ] {
            let (queries, when) = self.sent(topic);
            if !queries.is_empty() {
                self.number(name, &self.value(topic), &when, &queries);
            }
        }
    }

    fn value(&self, topic: Topic) -> String {
        let study = self.state.studies.get(&self.slo.id);
        match topic {
            Topic::Period => study
                .and_then(|s| s.period.as_ref())
                .map_or(String::new(), |a| a.data.map_or("counters are younger".into(), format::count)),
            Topic::Scrape => study.and_then(|s| s.scrape).map_or(String::new(), |every| every.to_string()),
            _ => String::new(),
        }
    }
}

/// The selector of this SLO's series of `metric`.
fn series(slo: &Slo, metric: &str) -> String {
    let equal = |(label, value): (&Clean, &Clean)| Matcher {
        label: label.to_string(),
        op: Op::Equal,
        value: value.to_string(),
    };
    Selector { name: Some(metric.to_owned()), matchers: slo.labels.iter().map(equal).collect() }.to_string()
}

/// A query with a blank behind each comma outside of quotes: it means the same, and can be broken into lines there.
fn breathing(promql: &str) -> String {
    let (mut out, mut quoted, mut escaped) = (String::with_capacity(promql.len() + 16), false, false);
    let mut rest = promql.chars().peekable();
    while let Some(c) = rest.next() {
        out.push(c);
        if c == '"' && !escaped {
            quoted = !quoted;
        }
        escaped = c == '\\' && !escaped;
        if c == ',' && !quoted && rest.peek().is_some_and(|next| *next != ' ') {
            out.push(' ');
        }
    }
    out
}

fn clock(at: Time) -> String {
    at.format("%-d %b %H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_broken_at_its_commas_and_never_inside_of_a_value() {
        let shown = breathing(r#"sum(x{a="1,2",b="q\",r",c="z"}) by (d, e)"#);
        assert_eq!(shown, r#"sum(x{a="1,2", b="q\",r", c="z"}) by (d, e)"#);
    }
}

//! What is measured of one SLO that is in no incident, and from where: every number of its row with its series, its
//! window and its age, the alert's state, the rules and the queries.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::domain::clean::Clean;
use crate::domain::format;
use crate::domain::slo::{Origin, Sli, Slo, SloId};
use crate::engine::event::PageShown;
use crate::engine::state::State;
use crate::ui::look::Look;
use crate::ui::widgets::words::{Words, from, put, row};

use super::evidence::{queries, scrolled, wrapped};
use super::header;

/// Columns of the labels.
const LABEL: usize = 21;

/// Draws the page.
pub fn draw(look: &Look, state: &State, id: &SloId, area: Rect, buf: &mut Buffer) -> PageShown {
    header::draw(look, state, row(area, 0), buf);
    let title = Words::of(look.strong(), "READINGS").and(look.dim(), format!("  {id}"));
    title.draw(from(row(area, 1), 1), buf);
    let Some(slo) = state.world.slos.get(id) else {
        put(buf, from(row(area, 3), 1), "the SLO is not there any more", look.dim());
        return PageShown::default();
    };
    let columns = usize::from(area.width.saturating_sub(2));
    scrolled(look, state, &lines(look, state, slo, columns), area, buf)
}

fn lines(look: &Look, state: &State, slo: &Slo, columns: usize) -> Vec<Words> {
    let mut lines = Vec::new();
    let mut say = |label: &str, text: String| {
        let head = Words::of(look.dim(), format!("{label:<LABEL$}"));
        wrapped(look, head, LABEL, &text, columns, &mut lines);
    };
    let recorded = slo.origin == Origin::Recorded;
    say(
        "known from",
        match &slo.origin {
            Origin::Recorded => "series recorded in Sloth's names".to_owned(),
            Origin::Declared(file) => format!("{file}, evaluated by goaround"),
        },
    );
    say(
        "judges",
        match state.mapped.get(&slo.id) {
            Some(Ok((key, how))) => format!("Deployment {key} {}", how.words()),
            Some(Err(why)) => why.words(&slo.id),
            None => "its workload is being looked for".into(),
        },
    );
    let objective = slo.objective.map_or("not known".into(), format::percent);
    let period = slo.period.map_or(String::new(), |p| format!(" over {p}"));
    say("objective", format!("{objective}{period}"));
    let source =
        if recorded { "slo:period_error_budget_remaining:ratio" } else { "arithmetic on the period's ratio" };
    say("budget left", format!("{} · {source}", format::remaining(slo.remaining)));
    for (window, reading) in &slo.ratios {
        let source = if recorded {
            format!("slo:sli_error:ratio_rate{window}")
        } else {
            "the SLI's own expression".into()
        };
        let age = format::span(state.now - reading.at);
        let (ratio, burn) = (format::percent_value(reading.value), format::burn_value(slo.burn(*window)));
        say(&format!("errors, {window}"), format!("{ratio}, burn {burn} · {source} · {age} ago"));
    }
    let pairs = slo.pairs.iter().map(|p| {
        format!("{} when {} and {} burn above {}", p.severity.word(), p.short, p.long, format::burn(p.factor))
    });
    let from = if slo.pairs_from_rules { "from the running rules" } else { "usual ones, no rule was found" };
    say("alerts", format!("{} ({from})", pairs.collect::<Vec<_>>().join("; ")));
    for alert in &slo.alerts {
        let word = if alert.firing { "fires" } else { "is pending" };
        let since =
            alert.active_at.map_or(String::new(), |at| format!(" since {}", format::since(at, state.now)));
        say("now", format!("{} {word}{since}", alert.severity.word()));
    }
    if let Some(runbook) = &slo.runbook {
        say("runbook", runbook.to_string());
    }
    match &slo.sli {
        Sli::Understood(_) => queries(look, slo, columns, &mut lines),
        Sli::NotUnderstood(why) => say("counts", format!("none, by time only: {why}")),
        Sli::Unknown => say("counts", "none, by time only: the rule of its SLI was not found".to_owned()),
    }
    for why in state.studies.get(&slo.id).into_iter().flat_map(|s| &s.errors) {
        let head = Words::of(look.attention(), format!("{:<LABEL$}", "not answered"));
        wrapped(look, head, LABEL, Clean::new(why).as_str(), columns, &mut lines);
    }
    lines
}

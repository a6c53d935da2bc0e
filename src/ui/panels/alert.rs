//! The alert of one SLO: what fires and since when, by which rule, with labels, annotations and links; and which other
//! SLOs burn at the same time, in the order in which they began.

use std::collections::BTreeMap;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::domain::Time;
use crate::domain::alert::{AlertRule, is_address};
use crate::domain::clean::Clean;
use crate::domain::format;
use crate::domain::slo::{Severity, Slo, SloId};
use crate::domain::window::Window;
use crate::engine::event::PageShown;
use crate::engine::inspect::{self, AlertItem, Beside};
use crate::engine::state::State;
use crate::engine::surroundings::Relation;
use crate::ui::look::{Look, bold};
use crate::ui::widgets::text::fit;
use crate::ui::widgets::words::{Words, below, columns, from, put, put_right, row, tint};

use super::evidence::wrapped;
use super::{footer, header};

/// Columns of the labels.
const LABEL: usize = 14;

/// Lines of the page, and which of them is which item that can be chosen.
#[derive(Default)]
struct Page {
    lines: Vec<Words>,
    items: Vec<(usize, AlertItem)>,
}

/// Draws the page.
pub fn draw(look: &Look, state: &State, id: &SloId, area: Rect, buf: &mut Buffer) -> PageShown {
    header::draw(look, state, row(area, 0), buf);
    Words::of(look.strong(), "ALERT").and(look.dim(), format!("  {id}")).draw(from(row(area, 1), 1), buf);
    let Some(slo) = state.world.slos.get(id) else {
        put(buf, from(row(area, 3), 1), "the SLO is not there any more", look.dim());
        return PageShown::default();
    };
    let mut page = Page::default();
    let wide = usize::from(area.width.saturating_sub(2));
    standing(look, state, slo, wide, &mut page.lines);
    rules(look, state, slo, wide, &mut page);
    others(look, state, id, wide, &mut page);
    let shown = in_sight(look, state, &page, area, buf);
    let keys = [
        ("up", "select"),
        ("open", "go to the SLO"),
        ("copy", "copy"),
        ("page_down", "page"),
        ("help", "help"),
        ("back", "back"),
    ];
    footer::draw(look, "page", &keys, row(area, area.height.saturating_sub(1)), buf);
    shown
}

/// Scrolled so that what is chosen is on the screen.
fn in_sight(look: &Look, state: &State, page: &Page, area: Rect, buf: &mut Buffer) -> PageShown {
    let visible = usize::from(area.height.saturating_sub(4));
    let chosen = state.view.alert_item.as_ref();
    let chosen = page.items.iter().find(|(_, item)| Some(item) == chosen).map(|(line, _)| *line);
    let last = page.lines.len().saturating_sub(visible);
    let mut first = state.view.scroll.min(last);
    if let Some(line) = chosen {
        first = first.min(line).max((line + 1).saturating_sub(visible));
    }
    let body = from(Rect { height: visible as u16, ..below(area, 3) }, 1);
    for (n, words) in page.lines.iter().enumerate().skip(first).take(visible) {
        let place = row(body, (n - first) as u16);
        if Some(n) == chosen {
            tint(buf, row(below(area, 3), (n - first) as u16), look.selection());
            put(buf, columns(row(below(area, 3), (n - first) as u16), 0, 1), "▌", look.accent());
        }
        words.draw(place, buf);
        if let Some((_, AlertItem::Link(address))) = page.items.iter().find(|(line, _)| *line == n) {
            look.link(from(place, LABEL as u16), address.as_str());
        }
    }
    if page.lines.len() > visible {
        let text =
            format!("{}-{} of {} ", first + 1, (first + visible).min(page.lines.len()), page.lines.len());
        put_right(buf, row(area, 1), &text, look.dim());
    }
    PageShown { rows: visible, last, changes: Vec::new() }
}

/// What the list knows: it is there before the rules are.
fn standing(look: &Look, state: &State, slo: &Slo, wide: usize, lines: &mut Vec<Words>) {
    let mut say = |label: &str, words: Words| {
        let head = Words::of(look.dim(), label.to_owned());
        lines.extend(super::pods::hung(head, words.wrap(wide.saturating_sub(LABEL)), LABEL));
    };
    for alert in &slo.alerts {
        let (sign, word, style) = match (alert.firing, alert.severity) {
            (true, Severity::Page) => ("!", "fires", bold(look.bad())),
            (true, Severity::Ticket) => ("!", "fires", bold(look.attention())),
            (false, _) => ("·", "is pending", look.attention()),
        };
        let since = alert.active_at.map_or(String::new(), |at| {
            format!(" since {}, for {}", format::clock(at), format::span(state.now - at))
        });
        say(
            alert.severity.word(),
            Words::of(style, format!("{sign} {} {word}", alert.name)).and(look.text(), since),
        );
    }
    if slo.alerts.is_empty() {
        let words = match slo.burning() {
            Some(severity) => Words::of(
                look.attention(),
                format!("no rule on the server; by its windows it would be a {}", severity.word()),
            ),
            None => Words::of(look.text(), "nothing fires and nothing is pending"),
        };
        say("now", words);
    }
    let burn = format::burn_value(slo.burn(Window::minutes(5)));
    let left = format::remaining(slo.remaining);
    say("burn", Words::of(look.text(), format!("{burn} over 5m · budget left {left}")));
    if let Some(key) = crate::engine::view::workload_of(state, &slo.id) {
        say("judges", Words::of(look.text(), format!("Deployment {key}")));
    }
}

fn rules(look: &Look, state: &State, slo: &Slo, wide: usize, page: &mut Page) {
    let open = state.inspected.alert.as_ref().filter(|open| open.slo == slo.id);
    page.lines.push(Words::new());
    let dim = |text: &str| Words::of(look.dim(), text.to_owned());
    match open.and_then(|open| open.rules.as_ref()) {
        None => page.lines.push(dim("its rules are being read")),
        Some(Err(why)) => {
            let head = Words::of(look.attention(), "rules not read");
            wrapped(look, head, LABEL + 2, why.as_str(), wide, &mut page.lines);
        }
        Some(Ok(rules)) if rules.is_empty() => {
            page.lines.push(dim("the server has no alert rule about this SLO"));
        }
        Some(Ok(rules)) => {
            let links = inspect::links(state);
            for (name, address) in &links {
                page.items.push((page.lines.len(), AlertItem::Link(address.clone())));
                let name = fit(name.as_str(), LABEL - 1);
                let head = Words::of(look.dim(), format!("{name:<LABEL$}"));
                page.lines.push(head.and(look.accent(), address.as_str()));
            }
            if !links.is_empty() {
                page.lines.push(Words::new());
            }
            for rule in rules {
                self::rule(look, state, rule, wide, &mut page.lines);
                page.lines.push(Words::new());
            }
        }
    }
}

fn rule(look: &Look, state: &State, rule: &AlertRule, wide: usize, lines: &mut Vec<Words>) {
    let firing = rule.active.iter().filter(|active| active.firing).count();
    let (word, style) = match (firing, rule.active.len()) {
        (0, 0) => ("inactive".to_owned(), look.dim()),
        (0, pending) => (format!("{pending} pending"), look.attention()),
        (firing, _) => (format!("{firing} firing"), bold(look.bad())),
    };
    lines.push(
        Words::of(look.strong(), format!("RULE {}", rule.name))
            .and(look.dim(), format!("  {} · ", rule.severity.word()))
            .and(style, word)
            .and(look.dim(), format!(" · group {}", rule.group)),
    );
    let mut say = |label: &str, text: &str| {
        wrapped(look, Words::of(look.dim(), format!("{label:<LABEL$}")), LABEL, text, wide, lines);
    };
    say("expression", rule.expr.as_str());
    let held = if rule.for_s > 0.0 {
        format!("must hold for {}", format::seconds(rule.for_s))
    } else {
        "fires at once, without a time that it must hold".to_owned()
    };
    say("for", &held);
    if let Some(why) = &rule.error {
        say("last error", why.as_str());
    }
    for active in &rule.active {
        let since = active.since.map_or("unknown".into(), |at| format::since(at, state.now));
        let value = active.value.number().map_or(String::new(), |v| format!(", value {v:.4}"));
        let word = if active.firing { "fires" } else { "is pending" };
        say("alert", &format!("{word} since {since}{value}"));
        say("labels", &pairs(&active.labels));
    }
    if rule.active.is_empty() {
        say("labels", &pairs(&rule.labels));
    }
    for (name, text) in rule.told().iter().filter(|(_, text)| !is_address(text.as_str())) {
        say(&fit(name.as_str(), LABEL - 1), text.as_str());
    }
}

fn pairs(labels: &BTreeMap<Clean, Clean>) -> String {
    let all: Vec<String> = labels.iter().map(|(name, value)| format!("{name}=\"{value}\"")).collect();
    if all.is_empty() { "none".into() } else { all.join(", ") }
}

fn others(look: &Look, state: &State, id: &SloId, wide: usize, page: &mut Page) {
    let (ours, others) = inspect::beside(state, id);
    let began = ours.map_or("when this one began is not known".into(), |at| {
        format!("this one began {}", format::since(at, state.now))
    });
    page.lines.push(
        Words::of(look.strong(), "ALSO BURNING").and(look.dim(), format!("  {} · {began}", others.len())),
    );
    if others.is_empty() {
        page.lines.push(Words::of(look.dim(), "no other SLO burns"));
    }
    for other in others {
        page.items.push((page.lines.len(), AlertItem::Other(other.slo.clone())));
        page.lines.push(beside(look, ours, &other, wide));
    }
}

fn beside(look: &Look, ours: Option<Time>, other: &Beside, wide: usize) -> Words {
    let offset = match (ours, other.onset) {
        (Some(ours), Some(theirs)) if theirs == ours => "at the same time".to_owned(),
        (Some(ours), Some(theirs)) if theirs < ours => format!("{} before", format::span(ours - theirs)),
        (Some(ours), Some(theirs)) => format!("{} after", format::span(theirs - ours)),
        (None, Some(theirs)) => format!("at {}", format::clock(theirs)),
        (_, None) => "onset unknown".into(),
    };
    let style = match other.relation {
        Relation::Callee => bold(look.attention()),
        Relation::Same | Relation::Sibling => look.attention(),
        _ => look.dim(),
    };
    let meaning = match other.relation {
        Relation::Callee => ": may be the cause",
        Relation::Caller => ": may be a consequence",
        _ => "",
    };
    let workload = other.workload.as_ref().map_or(String::new(), |key| format!("  {key}"));
    Words::of(look.text(), format!("{offset:<18}"))
        .and(style, format!("{}{meaning}  ", other.relation.word()))
        .and(look.strong(), other.slo.to_string())
        .and(look.dim(), workload)
        .cut(wide)
}

//! The evidence behind a card: every gate with its whole sentence, every number with its window, counts, source and
//! age, the arithmetic of the cost, and which calls would be sent.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::domain::clean::Clean;
use crate::domain::cluster::Key;
use crate::domain::evidence::Evidence;
use crate::domain::format;
use crate::domain::slo::{Sli, Slo};
use crate::domain::window::Window;
use crate::engine::analysis::Analysis;
use crate::engine::drill;
use crate::engine::event::PageShown;
use crate::engine::state::State;
use crate::ui::look::{Look, bold};
use crate::ui::widgets::text::{width, wrap};
use crate::ui::widgets::words::{Words, below, from, put, put_right, row};

use super::{footer, gates, header};

/// Draws the page.
pub fn draw(look: &Look, state: &State, key: &Key, area: Rect, buf: &mut Buffer) -> PageShown {
    header::draw(look, state, row(area, 0), buf);
    let columns = usize::from(area.width.saturating_sub(2));
    let analysis = state.incidents.get(key).and_then(|i| {
        let open = i.proposal.as_ref().map(|p| &p.analysis);
        open.or(i.analysis.as_ref())
    });
    let lines = analysis.map_or_else(Vec::new, |analysis| lines(look, state, analysis, columns));
    let title = Words::of(look.strong(), "EVIDENCE").and(look.dim(), format!("  {key}"));
    title.draw(from(row(area, 1), 1), buf);
    if lines.is_empty() {
        put(buf, from(row(area, 3), 1), "nothing has been analysed yet", look.dim());
    }
    scrolled(look, state, &lines, area, buf)
}

/// Draws a page of lines below its title, scrolled, with its keys.
pub fn scrolled(look: &Look, state: &State, lines: &[Words], area: Rect, buf: &mut Buffer) -> PageShown {
    let shown = scroll(look, state, lines, 0, area, buf);
    let keys = [
        ("up", "scroll"),
        ("page_down", "page"),
        ("evidence", "evidence"),
        ("diff", "diff"),
        ("help", "help"),
        ("back", "back"),
    ];
    footer::draw(look, "card", &keys, row(area, area.height.saturating_sub(1)), buf);
    shown
}

/// Draws lines below a title, from where it was scrolled to; `field` rows above the keys are left free.
pub fn scroll(
    look: &Look,
    state: &State,
    lines: &[Words],
    field: u16,
    area: Rect,
    buf: &mut Buffer,
) -> PageShown {
    let body = from(Rect { height: area.height.saturating_sub(4 + field), ..below(area, 3) }, 1);
    let visible = usize::from(body.height);
    let first = state.view.scroll.min(lines.len().saturating_sub(visible));
    for (n, line) in lines.iter().skip(first).take(visible).enumerate() {
        line.draw(row(body, n as u16), buf);
    }
    if lines.len() > visible {
        let text = format!("{}-{} of {} ", first + 1, (first + visible).min(lines.len()), lines.len());
        put_right(buf, row(area, 1), &text, look.dim());
    }
    PageShown { rows: visible, last: lines.len().saturating_sub(visible), changes: Vec::new() }
}

fn lines(look: &Look, state: &State, analysis: &Analysis, columns: usize) -> Vec<Words> {
    let mut lines = Vec::new();
    if drill::hides(state) {
        for label in ["verdict", "gates"] {
            lines.push(Words::of(look.dim(), format!("{label:<21}{}", drill::HIDDEN)));
        }
        lines.push(Words::new());
    } else {
        verdict(look, state, analysis, columns, &mut lines);
    }
    for gate in &analysis.gates {
        let (word, style) = gates::word(look, gate.state);
        let head =
            Words::of(style, format!("{word:<8}")).and(look.text(), format!("{:<13}", gate.gate.name()));
        let ids =
            if gate.evidence.is_empty() { String::new() } else { format!(" [{}]", gate.evidence.join(" ")) };
        wrapped(look, head, 21, &format!("{}{ids}", gate.line), columns, &mut lines);
    }
    for block in &analysis.blocks {
        let head = Words::of(bold(look.bad()), format!("{:<21}", "cannot be approved"));
        wrapped(look, head, 21, block.as_str(), columns, &mut lines);
    }
    lines.push(Words::new());
    for item in analysis.evidence.items() {
        lines.extend(self::item(look, state, item, columns));
    }
    lines.push(Words::new());
    cost(look, analysis, columns, &mut lines);
    calls(look, analysis, columns, &mut lines);
    lines
}

fn verdict(look: &Look, state: &State, analysis: &Analysis, columns: usize, lines: &mut Vec<Words>) {
    let found = &analysis.attribution;
    let head = Words::of(look.strong(), format!("{:<21}", analysis.verdict().word()));
    let difference = found.difference.map_or(String::new(), |d| format!("{d}, {}. ", found.method.words()));
    wrapped(look, head, 21, &format!("{difference}{}", analysis.reason), columns, lines);
    let runbooks = analysis.slos.iter().filter_map(|id| state.world.slos.get(id)?.runbook.as_ref());
    for runbook in runbooks.take(1) {
        wrapped(
            look,
            Words::of(look.dim(), format!("{:<21}", "runbook")),
            21,
            runbook.as_str(),
            columns,
            lines,
        );
    }
    for id in &analysis.slos {
        let how = analysis.how.as_ref().map_or("by hand".into(), |how| how.words());
        let head = Words::of(look.dim(), format!("{:<21}", "SLO"));
        wrapped(look, head, 21, &format!("{id}, mapped {how}"), columns, lines);
        if let Some(slo) = state.world.slos.get(id) {
            queries(look, slo, columns, lines);
        }
    }
    lines.push(Words::new());
}

/// The queries behind the counts of the last five minutes.
pub fn queries(look: &Look, slo: &Slo, columns: usize, lines: &mut Vec<Words>) {
    let Sli::Understood(sli) = &slo.sli else { return };
    let window = Window::minutes(5);
    for (label, query) in
        [("bad requests", sli.bad_increase(window, &[])), ("all requests", sli.total_increase(window, &[]))]
    {
        let head = Words::of(look.dim(), format!("{label:<21}"));
        wrapped(look, head, 21, Clean::new(query).as_str(), columns, lines);
    }
}

/// A head and text that goes on below itself.
pub fn wrapped(look: &Look, head: Words, indent: usize, text: &str, columns: usize, lines: &mut Vec<Words>) {
    for (n, line) in wrap(text, columns.saturating_sub(indent)).into_iter().enumerate() {
        let start = if n == 0 { head.clone() } else { Words::of(look.text(), " ".repeat(indent)) };
        lines.push(start.and(look.text(), line));
    }
}

/// One line where it fits, else two: fact and value; window, counts, source and age.
pub fn item(look: &Look, state: &State, item: &Evidence, columns: usize) -> Vec<Words> {
    let value = item.shown();
    let mut head = Words::of(look.accent(), format!("{:<4}", item.id)).and(look.text(), item.fact.as_str());
    if !value.is_empty() {
        head.push(look.strong(), format!("  {value}"));
    }
    let mut rest = item.details();
    rest.push(format!("{} ago", format::span(state.now - item.at)));
    let rest = rest.join(" · ");
    if head.width() + width(&rest) + 3 <= columns {
        return vec![head.and(look.dim(), format!("   {rest}"))];
    }
    vec![head, Words::of(look.dim(), format!("    {rest}"))]
}

fn cost(look: &Look, analysis: &Analysis, columns: usize, lines: &mut Vec<Words>) {
    let cost = &analysis.cost;
    if cost.arithmetic.is_empty() {
        return;
    }
    let share = |s: Option<f64>| s.map_or("unknown".into(), format::percent);
    let text = format!(
        "{} of the period's budget so far, {} a minute more; from {}",
        share(cost.share),
        share(cost.share_per_minute),
        cost.arithmetic.join(", ")
    );
    wrapped(look, Words::of(look.dim(), format!("{:<21}", "cost")), 21, &text, columns, lines);
}

/// The calls that would be sent, with the digest that is approved.
fn calls(look: &Look, analysis: &Analysis, columns: usize, lines: &mut Vec<Words>) {
    let Some(plan) = &analysis.plan else { return };
    for call in &plan.calls {
        let tests = call.body.as_array().into_iter().flatten().filter(|op| op["op"] == "test").count();
        let path = Clean::new(&call.path);
        let text = format!("{} {path}, {tests} preconditions", call.method.as_str());
        wrapped(look, Words::of(look.dim(), format!("{:<21}", "call")), 21, &text, columns, lines);
    }
    if let Some(digest) = &analysis.digest {
        let head = Words::of(look.dim(), format!("{:<21}", "digest"));
        wrapped(look, head, 21, &format!("sha256:{}", digest.0), columns, lines);
    }
}

//! The list: every SLO with its budget, its burn and the time that is left, most urgent first; below them, dim, the
//! Deployments that no SLO judges. Only the rows that are on the screen are drawn.

use chrono::TimeDelta;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::domain::clean::Clean;
use crate::domain::cluster::Key;
use crate::domain::format;
use crate::domain::slo::{Severity, Slo, SloId};
use crate::domain::value::Value;
use crate::domain::window::Window;
use crate::engine::analysis;
use crate::engine::courtesy;
use crate::engine::filter::Filter;
use crate::engine::state::State;
use crate::engine::view::{self, Pane, Row};
use crate::ui::look::{Look, bold};
use crate::ui::mouse::Target;
use crate::ui::widgets::gauge;
use crate::ui::widgets::words::{Words, below, columns, from, put, put_right, row, tint};

/// The list as one frame sees it.
pub struct Rows<'a> {
    /// All that pass the filter.
    pub all: &'a [Row],
    /// The selected one.
    pub selected: Option<&'a Row>,
}

impl<'a> Rows<'a> {
    /// Of `state`.
    pub fn of(state: &'a State) -> Self {
        Self { all: view::rows(state), selected: view::selected(state) }
    }

    /// The selected SLO.
    pub fn slo(&self, state: &'a State) -> Option<&'a Slo> {
        match self.selected {
            Some(Row::Slo(id)) => state.world.slos.get(id),
            _ => None,
        }
    }

    /// The workload of the selected row.
    pub fn workload(&self, state: &'a State) -> Option<&'a Key> {
        match self.selected? {
            Row::Slo(id) => view::workload_of(state, id),
            Row::Workload(key) => Some(key),
        }
    }
}

/// Columns of a row; all but the name are fixed. Where there is no room for the state as a word, its mark says it.
struct Columns {
    name: u16,
    state: u16,
    objective: u16,
    gauge: u16,
}

const MARK: u16 = 2;
const LEFT: u16 = 7;
const BURN: u16 = 7;
const GONE: u16 = 9;
/// Rows of the list that are no rows of it: the heading, and the line below.
pub const AROUND: u16 = 2;
/// From here on the state is a word, and from here on the objective is there.
const WORDY: (u16, u16) = (70, 79);

impl Columns {
    fn within(width: u16) -> Self {
        let wordy = width >= WORDY.0;
        let gauge = if wordy { (width / 6).clamp(10, 24) } else { (width / 4).clamp(4, 24) };
        let state = if wordy { 10 } else { 0 };
        let objective = if width >= WORDY.1 { 9 } else { 0 };
        let rest = 1 + MARK + state + objective + gauge + LEFT + BURN + GONE;
        Self { name: width.saturating_sub(rest), state, objective, gauge }
    }

    fn mark(&self) -> u16 {
        1 + self.name
    }

    fn state_at(&self) -> u16 {
        self.mark() + MARK
    }

    fn objective_at(&self) -> u16 {
        self.state_at() + self.state
    }

    fn gauge_at(&self) -> u16 {
        self.objective_at() + self.objective
    }

    fn left(&self) -> u16 {
        self.gauge_at() + self.gauge
    }

    fn burn(&self) -> u16 {
        self.left() + LEFT
    }

    fn gone(&self) -> u16 {
        self.burn() + BURN
    }
}

/// Draws heading, rows and the line below them.
pub fn draw(look: &Look, state: &State, rows: &Rows<'_>, area: Rect, buf: &mut Buffer) {
    let columns = Columns::within(area.width);
    look.places.note(area, Target::Zone(Pane::List));
    heading(look, state, &columns, row(area, 0), buf);
    let visible = usize::from(area.height.saturating_sub(AROUND));
    let at = rows.selected.and_then(|row| state.listing.place(row)).unwrap_or(0);
    let first = at.saturating_sub(visible.saturating_sub(1));
    for (n, each) in rows.all.iter().skip(first).take(visible).enumerate() {
        let area = row(below(area, 1), n as u16);
        look.places.note(area, Target::Row(each.clone()));
        if first + n == at {
            tint(buf, area, look.selection());
            put(buf, area, "▌", look.accent());
        }
        match each {
            Row::Slo(id) => slo_row(look, state, id, &columns, area, buf),
            Row::Workload(key) => workload_row(look, state, key, &columns, area, buf),
        }
    }
    if rows.all.is_empty() {
        empty(look, state, row(area, 1), buf);
    }
    summary(look, state, rows.all.len(), row(area, area.height.saturating_sub(1)), buf);
}

fn heading(look: &Look, state: &State, columns_of: &Columns, area: Rect, buf: &mut Buffer) {
    let period = state.listing.period().map_or(String::new(), |p| format!(" {p}"));
    put(buf, from(area, 1), "SLO", look.dim());
    put(buf, columns(area, columns_of.state_at(), columns_of.state), "STATE", look.dim());
    put_right(
        buf,
        columns(area, columns_of.objective_at(), columns_of.objective.saturating_sub(2)),
        "GOAL",
        look.dim(),
    );
    put(buf, columns(area, columns_of.gauge_at(), columns_of.gauge), &format!("BUDGET{period}"), look.dim());
    for (at, width, word) in [
        (columns_of.left(), LEFT, "LEFT"),
        (columns_of.burn(), BURN, "BURN"),
        (columns_of.gone(), GONE, "GONE IN"),
    ] {
        put_right(buf, columns(area, at, width), word, look.dim());
    }
}

fn slo_row(look: &Look, state: &State, id: &SloId, columns_of: &Columns, area: Rect, buf: &mut Buffer) {
    let Some(slo) = state.world.slos.get(id) else {
        return;
    };
    let severity = slo.burning();
    let name_style = if severity.is_some() { look.strong() } else { look.text() };
    let room = columns(area, 1, columns_of.name.saturating_sub(1));
    let mut name = Words::of(name_style, slo.service.as_str());
    if state.listing.several(&slo.service) {
        name.push(look.dim(), format!(" {}", slo.name));
    }
    if let Some(lease) = view::workload_of(state, id).and_then(|key| courtesy::others(state, key).next()) {
        name.push(look.attention(), format!(" {} is at it", lease.holder));
    }
    name.draw(room, buf);
    let word = view::state_word_of(slo, severity);
    let (mark, style) = compliance(look, word);
    put(buf, columns(area, columns_of.mark(), 1), mark, style);
    put(buf, columns(area, columns_of.state_at(), columns_of.state.saturating_sub(1)), word, style);
    let objective = slo.objective.map_or("?".to_owned(), format::percent);
    let goal = columns(area, columns_of.objective_at(), columns_of.objective.saturating_sub(2));
    put_right(buf, goal, &objective, look.dim());
    let short = slo.burn(Window::minutes(5));
    if slo.remaining.number().is_none() && short.number().is_none() {
        put(buf, from(area, columns_of.gauge_at()), &format::percent_value(short), look.dim());
        return;
    }
    budget(look, slo, severity, columns_of, area, buf);
    burn(look, slo, severity, columns_of, area, buf);
}

/// The mark of a state, which is a different one for each: a colour alone says nothing.
fn compliance(look: &Look, word: &str) -> (&'static str, Style) {
    match word {
        "paging" => ("!", bold(look.bad())),
        "ticket" => ("t", look.attention()),
        "exhausted" => ("✕", look.attention()),
        "at risk" => ("~", look.attention()),
        "healthy" => ("✓", look.faint()),
        _ => ("?", look.dim()),
    }
}

/// Gauge and what is left, or the word for why there is none.
fn budget(
    look: &Look,
    slo: &Slo,
    burning: Option<Severity>,
    columns_of: &Columns,
    area: Rect,
    buf: &mut Buffer,
) {
    let both = columns(area, columns_of.gauge_at(), columns_of.gauge + LEFT);
    match slo.remaining {
        Value::Number(left) if left >= 0.0 => {
            let style = budget_style(look, burning, left);
            let gauge_area = columns(area, columns_of.gauge_at(), columns_of.gauge);
            gauge::share(buf, gauge_area, left, style, look.track());
            let text = format!("{:.1}%", left.min(1.0) * 100.0);
            put_right(buf, columns(area, columns_of.left(), LEFT), &text, style);
        }
        Value::Number(_) => put_right(buf, both, &format::remaining(slo.remaining), bold(look.bad())),
        Value::NaN => put_right(buf, both, "budget unknown", look.dim()),
        other => put_right(buf, both, &format::percent_value(other), look.dim()),
    }
}

/// Red only for what burns now, amber for a budget that runs out, green for one that is measured good.
fn budget_style(look: &Look, burning: Option<Severity>, left: f64) -> Style {
    match burning {
        Some(Severity::Page) => look.bad(),
        Some(Severity::Ticket) => look.attention(),
        None if left < 0.5 => look.attention(),
        None => look.good(),
    }
}

fn burn(
    look: &Look,
    slo: &Slo,
    burning: Option<Severity>,
    columns_of: &Columns,
    area: Rect,
    buf: &mut Buffer,
) {
    let short = slo.burn(Window::minutes(5));
    let Value::Number(multiple) = short else {
        let both = columns(area, columns_of.burn() + 1, BURN + GONE - 1);
        put_right(buf, both, &format::percent_value(short), look.dim());
        return;
    };
    let style = match burning {
        Some(Severity::Page) => bold(look.bad()),
        _ if multiple > 1.0 => look.attention(),
        _ => look.text(),
    };
    put_right(buf, columns(area, columns_of.burn(), BURN), &format::burn(multiple), style);
    let style = if burning.is_some() { look.strong() } else { look.dim() };
    put_right(buf, columns(area, columns_of.gone(), GONE), &gone_in(slo), style);
}

/// Time until the budget is gone, by the 5 m burn while it burns and by the last hour's else; a dash when it outlasts
/// its period.
pub fn gone_in(slo: &Slo) -> String {
    if matches!(slo.remaining, Value::Number(left) if left <= 0.0) {
        return "gone".into();
    }
    let both = slo.period.and_then(|period| analysis::gone_in(slo, period));
    let left = both.map(|(slow, fast)| if slo.burning().is_some() { fast } else { slow });
    match (left, slo.period) {
        (Some(left), Some(period)) if left < period.delta() && left > TimeDelta::zero() => format::span(left),
        _ => "—".into(),
    }
}

fn workload_row(look: &Look, state: &State, key: &Key, columns_of: &Columns, area: Rect, buf: &mut Buffer) {
    let Some(deployment) = state.world.deployments.get(key) else {
        return;
    };
    let mut name = Words::of(look.dim(), key.name.as_str());
    if state.listing.shares_name(key) {
        name.push(look.faint(), format!(" {}", key.namespace));
    }
    name.draw(columns(area, 1, columns_of.name), buf);
    let ready = format!("{}/{} ready", deployment.available, deployment.replicas);
    // Without a word from Prometheus nobody knows whether an SLO judges it.
    let slo = if state.world.knows_slos() { "no SLO   " } else { "SLO not known   " };
    let words = Words::of(look.faint(), slo).and(look.dim(), ready);
    words.draw(from(area, columns_of.gauge_at()), buf);
}

fn empty(look: &Look, state: &State, area: Rect, buf: &mut Buffer) {
    let filtered = !state.view.filter.is_empty();
    let nothing = state.world.slos.is_empty() && state.world.deployments.is_empty();
    let words = match (filtered, nothing) {
        (_, true) if !state.world.reads("deployments") => "Deployments cannot be read, SLOs are not known",
        (_, true) => "no SLOs and no Deployments seen yet",
        (true, false) => "nothing matches the filter",
        (false, false) => "nothing to show",
    };
    put(buf, from(area, 1), words, look.dim());
}

/// The filter while it is typed and while it holds, with what it hides and what of it is not understood; else how
/// much there is, and how many SLOs are not well.
fn summary(look: &Look, state: &State, shown: usize, area: Rect, buf: &mut Buffer) {
    let area = from(area, 1);
    let text = Clean::new(&state.view.filter);
    let problems = Filter::parse(&state.view.filter).problems;
    let hidden = view::all_rows(state).saturating_sub(shown);
    if state.view.filtering {
        let mut words = Words::of(look.key(), "/").and(look.strong(), text.as_str()).and(look.accent(), "▏");
        match problems.first() {
            Some(problem) => words.push(look.attention(), format!("  {problem}")),
            None => {
                words.push(
                    look.dim(),
                    format!("  {shown} match, {hidden} hidden   enter keeps it, esc clears it"),
                );
            }
        }
        words.draw(area, buf);
        return;
    }
    let slos = if state.world.knows_slos() {
        format::several(state.world.slos.len(), "SLO")
    } else {
        "SLOs not known".into()
    };
    let mut words = Words::of(look.dim(), format!("{}, {slos}", format::several(shown, "row")));
    if !text.is_empty() {
        words = Words::of(look.dim(), format!("{shown} shown, {hidden} hidden by "));
        words.push(look.accent(), format!("/{}", text.as_str()));
    }
    if let Some(problem) = problems.first() {
        words.push(look.attention(), format!("  {problem}"));
    }
    let tally = state.listing.tally();
    for (count, word, style) in [
        (tally.paging, "paging", look.bad()),
        (tally.at_risk, "at risk", look.attention()),
        (tally.unknown, "unknown", look.dim()),
    ] {
        if count > 0 {
            words.push(style, format!("   {count} {word}"));
        }
    }
    words.draw(area, buf);
}

//! The dashboard. From 110 columns on everything at once, list and proposal beside the selected SLO; below that the
//! same zones as pages, one at a time, with header, proposal and keys always there.

use std::borrow::Cow;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::domain::slo::Slo;
use crate::engine::drill;
use crate::engine::revisions::RevisionRow;
use crate::engine::state::State;
use crate::engine::view::{self, Pane, Row};
use crate::ui::LEAST;
use crate::ui::look::{Look, bold};
use crate::ui::mouse::Target;
use crate::ui::widgets::words::{Words, below, from, put, row, rule, top};

use super::slo_list::{self, Rows};
use super::time_axis::Axis;
use super::{
    burn_down, burn_rates, charts, footer, header, log, notices, objective, pipeline, proposal, revisions,
};

/// From here on all zones at once.
const WIDE: (u16, u16) = (110, 30);

/// What the zones of one frame share.
struct Scene<'a> {
    look: &'a Look,
    state: &'a State,
    rows: Rows<'a>,
    timeline: Cow<'a, [RevisionRow]>,
}

/// Draws the screen.
pub fn draw(look: &Look, state: &State, area: Rect, buf: &mut Buffer) {
    let rows = Rows::of(state);
    let timeline = rows.workload(state).map(|key| view::timeline(state, key)).unwrap_or_default();
    let scene = Scene { look, state, rows, timeline };
    header::draw(look, state, row(area, 0), buf);
    let mut lines = notices::lines(look, state, area.width);
    if area.width < LEAST.0 || area.height < LEAST.1 {
        let small = "! smaller than 80x24: nothing can be approved here";
        lines.insert(0, Words::of(look.attention(), small));
    }
    // Where there is nothing else to show, what is missing has the room.
    let most = if scene.rows.all.is_empty() {
        8
    } else if area.height >= 30 {
        4
    } else {
        2
    };
    let noted = (lines.len() as u16).min(most).min(area.height.saturating_sub(2));
    notices::draw(look, &lines, Rect { height: noted, ..below(area, 1) }, buf);
    if area.height < 2 {
        return;
    }
    let body = Rect { height: area.height.saturating_sub(2 + noted), ..below(area, 1 + noted) };
    if area.width >= WIDE.0 && area.height >= WIDE.1 {
        scene.all(body, buf);
    } else {
        scene.page(body, buf);
    }
    scene.keys(row(area, area.height - 1), buf);
}

/// Rows of the parts of the selected SLO, above its charts.
struct Layout {
    burns: u16,
    gap: u16,
    budget: u16,
}

impl Layout {
    /// Within `rows`, for so many pairs of windows. The charts need some rows to say anything; below that the windows
    /// matter most.
    fn of(pairs: u16, rows: u16) -> Self {
        let tall = rows >= pairs + 22;
        let budget = match rows.saturating_sub(pairs) {
            0 => 0,
            _ if tall => 3,
            _ => 1,
        };
        let gap = u16::from(tall);
        let burns = pairs.min(rows.saturating_sub(budget + gap));
        Self { burns, gap, budget }
    }
}

impl Scene<'_> {
    fn all(&self, area: Rect, buf: &mut Buffer) {
        let revisions = (self.timeline.len().clamp(1, usize::from(area.height / 8).max(3)) + 1) as u16;
        let log = (area.height / 6).max(4);
        let fixed = revisions + 1 + log + 4;
        let upper = area.height.saturating_sub(fixed);
        self.upper(Rect { height: upper, ..area }, buf);
        let rest = below(area, upper);
        rule(buf, row(rest, 0), self.look.faint());
        self.revisions(top(below(rest, 1), revisions), buf);
        let rest = below(rest, 1 + revisions);
        rule(buf, row(rest, 0), self.look.faint());
        self.pipeline(row(rest, 1), buf);
        rule(buf, row(rest, 2), self.look.faint());
        let log_area = Rect { height: log, ..below(rest, 3) };
        log::draw(self.look, self.state, self.state.view.log_scroll, log_area.intersection(area), buf);
    }

    /// List and proposal on the left, the selected SLO on the right.
    fn upper(&self, area: Rect, buf: &mut Buffer) {
        let width = (area.width * 9 / 20).clamp(50, 84);
        let left = Rect { width, ..below(area, 1) };
        let right = from(below(area, 1), width + 2);
        let list = if self.has_proposal() {
            let rows = proposal::ROWS.min(left.height / 2);
            let bottom = Rect { height: rows, y: left.bottom().saturating_sub(rows + 1), ..left };
            self.proposal(bottom, buf);
            Rect { height: left.height.saturating_sub(rows + 2), ..left }
        } else {
            left
        };
        slo_list::draw(self.look, self.state, &self.rows, list, buf);
        self.detail(Rect { width: right.width.saturating_sub(1), ..right }, buf);
    }

    fn detail(&self, area: Rect, buf: &mut Buffer) {
        let Some(slo) = self.rows.slo(self.state) else {
            if let Some(Row::Workload(key)) = &self.rows.selected {
                objective::workload(self.look, self.state, key, area, buf);
            }
            return;
        };
        objective::draw(self.look, self.state, slo, top(area, objective::ROWS), buf);
        let rest = below(area, objective::ROWS + 1);
        let layout = Layout::of(burn_rates::rows(slo), rest.height);
        burn_rates::draw(self.look, slo, self.state.studies.get(&slo.id), top(rest, layout.burns), buf);
        let rest = below(rest, layout.burns + layout.gap);
        burn_down::draw(self.look, self.state, slo, top(rest, layout.budget), buf);
        self.charts(slo, below(rest, layout.budget + 1), buf);
    }

    fn charts(&self, slo: &Slo, area: Rect, buf: &mut Buffer) {
        let axis = Axis::of(&self.state.view, self.state.now, &self.timeline, self.analysis());
        charts::draw(self.look, self.state, slo, axis, area, buf);
    }

    fn analysis(&self) -> Option<&crate::engine::analysis::Analysis> {
        let key = self.rows.workload(self.state)?;
        self.state.incidents.get(key)?.analysis.as_ref()
    }

    fn revisions(&self, area: Rect, buf: &mut Buffer) {
        let slo = self.rows.slo(self.state);
        let table = revisions::Table {
            rows: &self.timeline,
            analysis: self.analysis(),
            budget: slo.and_then(|s| s.budget()),
            burning: slo.is_some_and(|s| s.burning().is_some()),
            focused: self.state.view.pane == Pane::Revisions,
        };
        revisions::draw(self.look, self.state, &table, area, buf);
    }

    fn pipeline(&self, area: Rect, buf: &mut Buffer) {
        let incident = proposal::incident(self.state, self.rows.workload(self.state));
        pipeline::draw(self.look, self.state, incident, area, buf);
    }

    /// One zone, the names of all four above it, the proposal below it.
    fn page(&self, area: Rect, buf: &mut Buffer) {
        self.tabs(row(area, 0), buf);
        let below_it = match area.height {
            _ if !self.has_proposal() => 0,
            16.. => 6,
            10.. => 3,
            _ => 0,
        };
        let body = Rect { height: area.height.saturating_sub(2 + below_it), ..below(area, 2) };
        match self.state.view.pane {
            Pane::List => self.list_page(body, buf),
            Pane::Detail => {
                let inner = from(body, 1);
                self.detail(Rect { width: inner.width.saturating_sub(1), ..inner }, buf);
            }
            Pane::Chart => {
                let inner = from(body, 1);
                if let Some(slo) = self.rows.slo(self.state) {
                    self.charts(slo, Rect { width: inner.width.saturating_sub(1), ..inner }, buf);
                } else {
                    put(buf, row(inner, 0), "no SLO judges it: there is no chart", self.look.dim());
                }
            }
            Pane::Revisions => self.revisions(body, buf),
            Pane::Log => log::draw(self.look, self.state, self.state.view.log_scroll, body, buf),
        }
        if below_it > 0 {
            let place = Rect { y: area.bottom() - below_it, height: below_it, ..area };
            if below_it > 3 {
                self.pipeline(row(place, 0), buf);
                self.proposal(below(place, 1), buf);
            } else {
                self.proposal(place, buf);
            }
        }
    }

    /// The list; what a short one leaves is for the chart of the selected SLO.
    fn list_page(&self, area: Rect, buf: &mut Buffer) {
        // The last column stays free: numbers stand at its end.
        let area = Rect { width: area.width.saturating_sub(1), ..area };
        let needed = u16::try_from(self.rows.all.len()).unwrap_or(u16::MAX).saturating_add(slo_list::AROUND);
        let spare = area.height.saturating_sub(needed.saturating_add(1));
        let slo = self.rows.slo(self.state).filter(|_| spare >= charts::LEAST);
        let list = if slo.is_some() { top(area, needed) } else { area };
        slo_list::draw(self.look, self.state, &self.rows, list, buf);
        if let Some(slo) = slo {
            self.charts(slo, from(below(area, needed + 1), 1), buf);
        }
    }

    fn has_proposal(&self) -> bool {
        let incident = proposal::incident(self.state, self.rows.workload(self.state));
        incident.is_some() || self.state.drill.is_some()
    }

    /// The proposal, or, in a drill, its question or what came of it.
    fn proposal(&self, area: Rect, buf: &mut Buffer) {
        match proposal::incident(self.state, self.rows.workload(self.state)) {
            Some(incident) if !drill::hides(self.state) => {
                proposal::draw(self.look, self.state, incident, area, buf);
            }
            _ => {
                proposal::edge(self.look, area, buf);
                super::drill::short(self.look, self.state, from(area, 2), buf);
            }
        }
    }

    fn tabs(&self, area: Rect, buf: &mut Buffer) {
        let look = self.look;
        let mut words = Words::new();
        for (pane, name) in [
            (Pane::List, "list"),
            (Pane::Detail, "detail"),
            (Pane::Chart, "chart"),
            (Pane::Revisions, "revisions"),
            (Pane::Log, "log"),
        ] {
            let at = from(area, 1 + words.width() as u16);
            look.places.note(Rect { width: at.width.min(name.len() as u16 + 2), ..at }, Target::Pane(pane));
            if pane == self.state.view.pane {
                words.push(bold(look.accent()), format!("[{name}]"));
            } else {
                words.push(look.dim(), format!(" {name} "));
            }
            words.push(look.text(), " ");
        }
        let used = words.draw(from(area, 1), buf) + 3;
        if let Some(slo) = self.rows.slo(self.state).filter(|_| self.state.view.pane != Pane::List) {
            put(buf, from(area, used), slo.id.0.as_str(), look.dim());
        }
    }

    fn keys(&self, area: Rect, buf: &mut Buffer) {
        let mut keys = vec![("gate", "gate"), ("up", "select"), ("open", "open")];
        keys.extend([("focus_next", "panel"), ("diff", "diff"), ("evidence", "evidence"), ("log", "log")]);
        keys.extend([("range_1", "range"), ("by_hand", "by hand"), ("undo", "undo"), ("filter", "filter")]);
        keys.extend([("inbox", "inbox"), ("palette", "palette"), ("help", "help"), ("quit", "quit")]);
        footer::draw(self.look, "main", &keys, area, buf);
    }
}

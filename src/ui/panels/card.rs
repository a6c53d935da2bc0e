//! The decision card: the whole screen, read from the top down in the order in which a person must be convinced. It
//! reports which consequences were whole; what does not fit is paged, never cut.

use chrono::TimeDelta;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::domain::cluster::Key;
use crate::domain::format;
use crate::domain::verdict::{Gate, GateState, Offer};
use crate::engine::analysis::Analysis;
use crate::engine::event::Shown;
use crate::engine::gate::{Gesture, Proposal};
use crate::engine::incident::Incident;
use crate::engine::state::State;
use crate::engine::verify::Phase;
use crate::engine::view;
use crate::ui::LEAST;
use crate::ui::editor::Editor;
use crate::ui::look::{Look, bold};
use crate::ui::widgets::text::{fit, width, wrap_within};
use crate::ui::widgets::words::{Words, below, columns, from, put, row};

use super::effects::{LABEL, Placed};
use super::error_ratio::{self, Series};
use super::opinion::Rationale;
use super::{action, edit_form, footer, gates, gesture, header, how_bad};

/// Lines are not drawn longer than this: the eye loses the next one.
const WIDEST: u16 = 132;

/// Draws the card of `key`, or what became of it.
pub fn draw(look: &Look, editor: &Editor, state: &State, key: &Key, area: Rect, buf: &mut Buffer) -> Shown {
    let large_enough = area.width >= LEAST.0 && area.height >= LEAST.1;
    let Some(incident) = state.incidents.get(key) else {
        gone(look, state, key, None, area, buf);
        return Shown { large_enough, ..Shown::default() };
    };
    let Some(proposal) = &incident.proposal else {
        if incident.running.is_some() {
            action::draw(look, state, incident, area, buf);
        } else {
            gone(look, state, key, Some(incident), area, buf);
        }
        return Shown { large_enough, ..Shown::default() };
    };
    let digest = Some(proposal.digest.clone());
    if proposal.gesture == Gesture::Decided && incident.running.is_some() {
        action::draw(look, state, incident, area, buf);
        return Shown { digest, lines: Vec::new(), large_enough, ..Shown::default() };
    }
    if let Gesture::Editing(draft) = &proposal.gesture {
        edit_form::draw(look, editor, state, proposal, draft, area, buf);
        return Shown { digest, lines: Vec::new(), large_enough, ..Shown::default() };
    }
    let card = Card { look, state, incident, proposal, large_enough };
    let lines = card.draw(area, buf);
    // What cannot be approved on was not shown either: a token on it does not count as seen.
    Shown { digest: large_enough.then_some(()).and(digest), lines, large_enough, ..Shown::default() }
}

struct Card<'a> {
    look: &'a Look,
    state: &'a State,
    incident: &'a Incident,
    proposal: &'a Proposal,
    large_enough: bool,
}

/// Rows given to each part; what a screen has no room for gets none.
#[derive(Default)]
struct Layout {
    headline: u16,
    failed: u16,
    cost: u16,
    why: u16,
    gates: Vec<u16>,
    chart: u16,
    effects: u16,
    then: u16,
    running: u16,
    opinion: u16,
    gesture: u16,
    blanks: [u16; 4],
}

/// Rows that are left to give away.
struct Budget(u16);

impl Budget {
    /// As many as there are, up to `wanted`.
    fn some(&mut self, wanted: u16) -> u16 {
        let given = wanted.min(self.0);
        self.0 -= given;
        given
    }

    /// All or none.
    fn all(&mut self, wanted: u16) -> u16 {
        if wanted <= self.0 { self.some(wanted) } else { 0 }
    }
}

impl Card<'_> {
    fn draw(&self, area: Rect, buf: &mut Buffer) -> Vec<usize> {
        self.bar(row(area, 0), buf);
        let body = Rect {
            x: area.x + 1.min(area.width),
            width: area.width.saturating_sub(1).min(WIDEST),
            height: area.height.saturating_sub(2),
            y: area.y + 1,
        };
        let placed = Placed::of(&self.proposal.effect_lines(), body.width, self.look.ascii);
        let mut said = gesture::lines(self.look, self.state, self.proposal, self.large_enough, body.width);
        let rationale = self.rationale(body.width);
        let mut layout = self.layout(&placed, &rationale, said.len() as u16, body);
        if placed.height() > usize::from(layout.effects) {
            said.insert(0, self.more(&placed));
            layout = self.layout(&placed, &rationale, said.len() as u16, body);
        }
        let paged = placed.height() > usize::from(layout.effects) && self.state.view.scroll > 0;
        let lines = if paged {
            self.page(&placed, &said, body, buf)
        } else {
            self.whole(&placed, &rationale, &said, &layout, body, buf)
        };
        footer::draw_keys(
            self.look,
            gesture::keys(self.look, self.state, self.proposal),
            1,
            row(area, area.height.saturating_sub(1)),
            buf,
        );
        lines
    }

    /// Where it is, when it is void, how old it is.
    fn bar(&self, area: Rect, buf: &mut Buffer) {
        header::bar(self.look, self.state, area, buf);
        let void = if self.state.now >= self.proposal.expires {
            Words::of(bold(self.look.bad()), "VOID")
        } else {
            Words::of(self.look.dim(), format!("void {}", format::clock(self.proposal.expires)))
        };
        let id = self.proposal.digest.short();
        let id = Words::of(self.look.dim(), format!("proposal {} · ", id.get(..8).unwrap_or(id)));
        let unchanged = format!(" · unchanged {}", format::span(self.state.now - self.proposal.drawn));
        let place = header::place_of(self.look, self.state, &self.incident.workload);
        let room = usize::from(area.width).saturating_sub(place.width() + 4);
        // When it is void is kept longest, then what it is.
        let mut right = void;
        if id.width() + right.width() <= room {
            let rest = std::mem::replace(&mut right, id);
            right.append(rest);
        }
        let by = format!(" · {}", self.state.user());
        for words in [unchanged, by] {
            if right.width() + width(&words) <= room {
                right.push(self.look.dim(), words);
            }
        }
        if right.width() <= room {
            right.and(self.look.dim(), " ").draw_right(area, buf);
        }
        place.draw(from(area, 1), buf);
    }

    /// Gives the rows away, most important part first.
    fn layout(&self, placed: &Placed, rationale: &Rationale, gesture: u16, body: Rect) -> Layout {
        let analysis = &self.proposal.analysis;
        let acts = analysis.offer.acts();
        let mut budget = Budget(body.height);
        let mut layout = Layout { headline: budget.some(1), ..Layout::default() };
        layout.gesture = budget.some(gesture);
        layout.failed = budget.some(1);
        let said = wrap_within(analysis.reason.as_str(), usize::from(body.width.saturating_sub(LABEL)), 6);
        layout.why = if acts { 0 } else { budget.some(said.len() as u16) };
        let gates = analysis.gates.iter().take(self.gates());
        layout.gates = gates.clone().map(|_| budget.some(1)).collect();
        layout.cost = budget.some(1);
        layout.then = budget.some(1);
        layout.effects = budget.some(placed.height() as u16);
        layout.running = budget.some(u16::from(self.under_way().is_some()));
        layout.opinion = budget.some(rationale.least());
        for (gate, rows) in gates.zip(&mut layout.gates).filter(|(g, _)| g.state != GateState::Pass) {
            *rows += budget.some(gates::rows(gate, body.width).min(3).saturating_sub(1));
        }
        layout.opinion += budget.some(rationale.least_model());
        layout.chart = if self.has_chart() { budget.all(3) } else { 0 };
        for n in [1, 3, 2, 0] {
            layout.blanks[n] = budget.all(1);
        }
        layout.opinion += budget.some(rationale.most().saturating_sub(layout.opinion));
        if layout.chart > 0 {
            // The line above the keys keeps its distance.
            let spare = budget.0.saturating_sub(1).min(7);
            layout.chart += budget.some(spare);
        }
        layout
    }

    /// All seven for what acts; without a plan those that are not about one.
    fn gates(&self) -> usize {
        if self.proposal.analysis.offer.acts() { 7 } else { 3 }
    }

    fn has_chart(&self) -> bool {
        let slo = self.proposal.analysis.slos.first();
        slo.and_then(|id| self.state.studies.get(id)).is_some_and(|s| s.buckets.is_some())
    }

    /// Everything, top down.
    fn whole(
        &self,
        placed: &Placed,
        rationale: &Rationale,
        said: &[Words],
        layout: &Layout,
        body: Rect,
        buf: &mut Buffer,
    ) -> Vec<usize> {
        let (look, analysis) = (self.look, &self.proposal.analysis);
        let mut rest = below(body, layout.blanks[0]);
        let mut next = |rows: u16, blank: u16| {
            let part = Rect { height: rows.min(rest.height), ..rest };
            rest = below(rest, rows + blank);
            part
        };
        self.headline(next(layout.headline, layout.blanks[1]), buf);
        how_bad::failed(look, self.state, analysis).draw(next(layout.failed, 0), buf);
        how_bad::cost(look, self.state, analysis).draw(next(layout.cost, 0), buf);
        self.strip(next(layout.chart, layout.blanks[2]), buf);
        let reading = analysis.offer.acts();
        self.why(next(layout.why, if reading { 0 } else { layout.blanks[3] }), buf);
        for (gate, rows) in analysis.gates.iter().zip(&layout.gates).filter(|(_, rows)| **rows > 0) {
            gates::one(look, gate, *rows, next(*rows, 0), buf);
        }
        next(if reading { layout.blanks[3] } else { 0 }, 0);
        let lines = placed.draw(look, 0, next(layout.effects, 0), buf);
        self.then(next(layout.then, 0), buf);
        if let Some(words) = self.under_way() {
            words.draw(next(layout.running, 0), buf);
        }
        rationale.draw(next(layout.opinion, 0), buf);
        let height = layout.gesture.min(body.height);
        gesture::draw(said, Rect { y: body.bottom() - height, height, ..body }, buf);
        lines
    }

    /// Why nothing is offered that acts, and what a person can do all the same.
    fn why(&self, area: Rect, buf: &mut Buffer) {
        put(buf, columns(area, 0, LABEL - 1), "why", self.look.dim());
        let place = from(area, LABEL);
        let reason = self.proposal.analysis.reason.as_str();
        for (n, line) in
            wrap_within(reason, usize::from(place.width), usize::from(area.height.max(1))).iter().enumerate()
        {
            put(buf, row(place, n as u16), line, self.look.text());
        }
    }

    /// Only the consequences, from where it was scrolled to; pages overlap, so none is skipped.
    fn page(&self, placed: &Placed, said: &[Words], body: Rect, buf: &mut Buffer) -> Vec<usize> {
        self.headline(row(body, 0), buf);
        let below_it = said.len() as u16;
        let window = Rect { height: body.height.saturating_sub(3 + below_it), ..below(body, 2) };
        let last = placed.height().saturating_sub(usize::from(window.height));
        let first = self.state.view.scroll.saturating_sub(view::PAGE).min(last);
        let lines = placed.draw(self.look, first, window, buf);
        gesture::draw(said, below(body, body.height.saturating_sub(below_it)), buf);
        lines
    }

    /// Says that there is more than is shown, and which key shows it.
    fn more(&self, placed: &Placed) -> Words {
        let key = self.look.key_of("card", "page_down").unwrap_or_default();
        let text = format!(" shows more: {} rows of consequences in all", placed.height());
        Words::of(self.look.key(), key).and(self.look.attention(), text)
    }

    fn headline(&self, area: Rect, buf: &mut Buffer) {
        let analysis = &self.proposal.analysis;
        let words = what(self.look, self.state, analysis);
        let long = words.clone().and(self.look.dim(), format!("  {}", target_words(analysis)));
        // The last column is left to the frame.
        if long.width() < usize::from(area.width) {
            long.draw(area, buf);
        } else {
            words.and(self.look.dim(), format!("  {}", target_judged(analysis))).draw(area, buf);
        }
    }

    fn strip(&self, area: Rect, buf: &mut Buffer) {
        let analysis = &self.proposal.analysis;
        let Some(slo) = analysis.slos.first() else { return };
        let found = &analysis.attribution;
        let change = found.change.as_ref().map(|c| c.began);
        let series = Series::of(self.state, slo, &analysis.rows, found.onset.as_ref(), change);
        error_ratio::strip(self.look, &series, area, buf);
    }

    /// What happens then, and how it is judged.
    fn then(&self, area: Rect, buf: &mut Buffer) {
        let (look, analysis) = (self.look, &self.proposal.analysis);
        put(buf, columns(area, 0, LABEL - 1), "then", look.dim());
        let area = from(area, LABEL);
        let mut words = match analysis.offer {
            Offer::Wait => {
                let policy = &self.state.setup.policy;
                let text = format!(
                    " waits: asked again in {}, or when the burn grows {} times",
                    policy.wait, policy.wait_burn_factor
                );
                Words::of(look.key(), look.key_of("card", "wait").unwrap_or_default()).and(look.text(), text)
            }
            Offer::None => Words::of(look.text(), "nothing is sent; the card changes when the world does"),
            Offer::Rollback | Offer::RestoreConfig if analysis.slos.is_empty() => Words::of(
                look.text(),
                "no SLO verifies it: the replicas are watched, the outcome is INCONCLUSIVE",
            ),
            Offer::Rollback | Offer::RestoreConfig if analysis.attribution.onset.is_none() => {
                Words::of(look.text(), "the SLI is watched; there is no burn to compare with")
            }
            Offer::Rollback | Offer::RestoreConfig => {
                let prediction = analysis.prediction(self.state.now);
                let text = format!(
                    "no new errors expected from {} on, counts decide",
                    format::minute(prediction.clean_from + TimeDelta::seconds(30))
                );
                Words::of(look.text(), text)
            }
        };
        if analysis.offer.acts()
            && let Some(key) = look.key_of("card", "undo")
        {
            words.push(look.text(), "  ");
            words.push(look.key(), key);
            words.push(look.accent(), " undo it");
        }
        words.draw(area, buf);
    }

    /// An action that still goes on, or the last one's end, in one line.
    fn under_way(&self) -> Option<Words> {
        let running = self.incident.running.as_ref()?;
        let (look, label) = (self.look, "last action");
        let label = Words::of(look.dim(), format!("{label:<width$}", width = usize::from(LABEL)));
        Some(match &running.phase {
            Phase::Closed(outcome) => label.and(bold(look.text()), outcome.title()),
            Phase::Aborted(why) => label.and(look.bad(), why.as_str()),
            _ => label.and(look.attention(), format!("still under way: {}", running.waiting_for)),
        })
    }

    fn rationale(&self, columns: u16) -> Rationale {
        let acts = self.proposal.analysis.offer.acts();
        Rationale::of(self.look, self.state, &self.incident.workload, self.proposal, columns, acts)
    }
}

/// What is offered: the verb, the workload, from which revision to which.
pub fn what(look: &Look, state: &State, analysis: &Analysis) -> Words {
    let verb = match (analysis.offer, &analysis.undo_of) {
        (Offer::Rollback | Offer::RestoreConfig, Some(_)) => "WAY BACK",
        (Offer::Rollback, None) => "ROLL BACK",
        (Offer::RestoreConfig, None) => "RESTORE CONFIG",
        (Offer::Wait, _) => "WAIT",
        (Offer::None, _) => "NO CURE KNOWN",
    };
    let mut words =
        Words::of(bold(look.attention()), verb).and(look.strong(), format!(" {}", analysis.workload.name));
    let burning = how_bad::slo(state, analysis).is_some_and(|s| s.burning().is_some());
    let current_style = if burning { look.bad() } else { look.text() };
    match analysis.offer {
        Offer::Rollback => {
            if let Some(current) = analysis.current_row() {
                words.push(current_style, format!("  {}", current.title()));
            }
            if let Some(target) = analysis.target_row() {
                let good = analysis.gate(Gate::TargetGood) == GateState::Pass;
                words.push(look.dim(), " → ");
                words.push(bold(if good { look.good() } else { look.text() }), target.title());
            }
        }
        Offer::RestoreConfig => {
            let names: Vec<&str> =
                analysis.plan.iter().flat_map(|p| &p.configs).map(|(k, _)| k.name.as_str()).collect();
            words.push(look.text(), format!("  ConfigMap {}", names.join(", ")));
            words.push(look.dim(), ", then restart");
        }
        Offer::Wait | Offer::None => {
            words.push(look.dim(), format!("  {}", analysis.verdict()));
        }
    }
    if analysis.by_hand {
        words.push(look.attention(), "  by hand");
    }
    words
}

/// Why this target, in words, and how long it served.
pub fn target_words(analysis: &Analysis) -> String {
    let judged = target_judged(analysis);
    let served = analysis.target_row().map(|r| r.served.length());
    match served.filter(|s| *s > TimeDelta::zero() && !judged.is_empty()) {
        Some(served) => format!("{judged}, served {}", format::span(served)),
        None => judged.into(),
    }
}

/// Why this target, in words.
fn target_judged(analysis: &Analysis) -> &'static str {
    match (analysis.offer, analysis.gate(Gate::TargetGood)) {
        (Offer::Rollback, GateState::Pass) => "last known good",
        (Offer::Rollback, GateState::Unknown) if analysis.undo_of.is_some() => "what served before",
        (Offer::Rollback, GateState::Unknown) => "not surely good",
        (Offer::Rollback, GateState::Fail) => "measured bad",
        _ => "",
    }
}

/// There is no card any more: what became of it, and what the log says.
fn gone(look: &Look, state: &State, key: &Key, incident: Option<&Incident>, area: Rect, buf: &mut Buffer) {
    header::draw(look, state, row(area, 0), buf);
    let body = from(below(area, 2), 1);
    let title = Words::of(bold(look.text()), format!("{key}: no open proposal"));
    title.draw(row(body, 0), buf);
    let why = match incident {
        None => "nothing burns here, and nothing was asked for".to_owned(),
        Some(incident) => match (&incident.waiting, &incident.analysis) {
            (Some(waiting), _) => format!("waiting: it is asked again at {}", format::clock(waiting.until)),
            (None, Some(analysis)) if incident.calm_since.is_some() => {
                format!("nothing burns any more; {}", analysis.reason)
            }
            (None, Some(analysis)) => format!("the next one is being prepared: {}", analysis.reason),
            (None, None) => "facts are being gathered".into(),
        },
    };
    let lines = wrap_within(&why, usize::from(body.width.saturating_sub(1)), 6);
    for (n, line) in lines.iter().enumerate() {
        put(buf, row(body, 2 + n as u16), line, look.text());
    }
    let said =
        state.log.iter().rev().filter(|l| matches!(l.source, "gate" | "action" | "verify" | "verdict"));
    for (n, line) in said.take(4).enumerate() {
        let text = fit(&format!("{}  {}", format::clock(line.at), line.text), usize::from(body.width));
        put(buf, row(body, 3 + lines.len() as u16 + n as u16), &text, look.dim());
    }
    let keys = [("back", "back"), ("undo", "undo the last action"), ("help", "help")];
    footer::draw(look, "card", &keys, row(area, area.height.saturating_sub(1)), buf);
}

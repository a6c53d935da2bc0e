//! The open proposal under the list that it came from, with an amber edge: what is offered, the gates in short, and
//! which key opens it. The dashboard never jumps; the person goes to the gate.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::domain::cluster::Key;
use crate::domain::format;
use crate::domain::verdict::{GateState, Offer, Outcome};
use crate::engine::analysis::Analysis;
use crate::engine::courtesy;
use crate::engine::incident::Incident;
use crate::engine::state::State;
use crate::engine::verify::Phase;
use crate::engine::view;
use crate::ui::look::{Look, bold};
use crate::ui::widgets::text::wrap_within;
use crate::ui::widgets::words::{Words, below, from, put, row, tint};

use super::card;
use super::gates;

/// Rows with all gates.
pub const ROWS: u16 = 10;

/// The incident whose box is shown: the selected one, else the most urgent gate.
pub fn incident<'a>(state: &'a State, selected: Option<&Key>) -> Option<&'a Incident> {
    let own = selected.and_then(|key| state.incidents.get(key));
    own.or_else(|| view::most_urgent_gate(state).and_then(|key| state.incidents.get(&key)))
}

/// Ground and edge of the box.
pub fn edge(look: &Look, area: Rect, buf: &mut Buffer) {
    tint(buf, area, look.proposal());
    for n in 0..area.height {
        put(buf, row(area, n), "▌", look.attention());
    }
}

/// Draws the box of `incident`, with as many gates as there is room for.
pub fn draw(look: &Look, state: &State, incident: &Incident, area: Rect, buf: &mut Buffer) {
    edge(look, area, buf);
    let area = from(area, 2);
    let Some(analysis) = &incident.analysis else {
        put(buf, area, &format!("{}: facts are being gathered", incident.workload), look.dim());
        return;
    };
    let (title, second) = titles(look, state, incident, analysis);
    let mut where_it_is = Words::new();
    if state.world.namespace.is_none() {
        where_it_is.push(look.text(), format!("in {}   ", incident.workload.namespace));
    }
    where_it_is.append(second);
    let second = where_it_is;
    title.draw(row(area, 0), buf);
    second.draw(row(area, 1), buf);
    let last = area.height.saturating_sub(1);
    let acts = analysis.offer.acts() && incident.open_gate();
    let body = Rect { height: last.saturating_sub(2), ..below(area, 2) };
    if acts && body.height >= 7 {
        for (n, gate) in analysis.gates.iter().enumerate() {
            gates::short(look, gate, row(body, n as u16), buf);
        }
    } else if acts {
        if body.height > 0 {
            short(look, analysis).draw(body, buf);
        }
    } else {
        let rows = usize::from(body.height);
        for (n, line) in
            wrap_within(analysis.reason.as_str(), usize::from(body.width), rows).iter().enumerate()
        {
            put(buf, row(body, n as u16), line, look.text());
        }
    }
    if last >= 2 {
        opens(look, incident, analysis).draw(row(area, last), buf);
    }
}

/// What is offered, and in the second line why or how far it is.
fn titles(look: &Look, state: &State, incident: &Incident, analysis: &Analysis) -> (Words, Words) {
    let name = incident.workload.name.as_str();
    if let Some(running) = &incident.running
        && (!running.over() || incident.proposal.is_none())
    {
        let (word, style) = match &running.phase {
            Phase::Closed(outcome) if *outcome == Outcome::Helped => (outcome.title(), look.good()),
            Phase::Closed(outcome) => (outcome.title(), look.bad()),
            Phase::Aborted(_) => ("STOPPED".into(), look.bad()),
            Phase::Unknown(_) => ("OUTCOME UNKNOWN".into(), look.bad()),
            _ => ("UNDER WAY".into(), look.attention()),
        };
        let title = Words::of(bold(style), word).and(look.strong(), format!(" {name}"));
        let second = match &running.phase {
            Phase::Aborted(why) | Phase::Unknown(why) => why.to_string(),
            Phase::Closed(_) => {
                format!("{} failed since the rollout", format::bad_of(running.since.bad, running.since.total))
            }
            _ => running.waiting_for.clone(),
        };
        return (title, Words::of(look.text(), second));
    }
    let title = card::what(look, state, analysis);
    let second = match (&incident.waiting, &incident.proposal) {
        (Some(waiting), _) => {
            let burn = waiting.burn.map_or(String::new(), |b| format!(" or above {}", format::burn(b)));
            format!("waiting: asked again at {}{burn}", format::minute(waiting.until))
        }
        (None, None) => match state.journal.rejected.get(&analysis.fingerprint) {
            Some(why) => format!("rejected: {why}"),
            None if incident.calm_since.is_some() => "nothing burns any more".into(),
            None => "the card is being prepared".into(),
        },
        (None, Some(_)) => card::target_words(analysis),
    };
    // What somebody else does about it comes first: there may be nothing left to decide.
    if let Some(who) = courtesy::words(state, &incident.workload) {
        return (title, Words::of(look.attention(), format!("{who}  ")).and(look.dim(), second));
    }
    (title, Words::of(look.dim(), second))
}

/// All gates in one line: how many pass, and the others by name.
fn short(look: &Look, analysis: &Analysis) -> Words {
    let passed = analysis.gates.iter().filter(|g| g.state == GateState::Pass).count();
    let mut words = Words::of(look.good(), format!("{passed} pass"));
    for gate in analysis.gates.iter().filter(|g| g.state != GateState::Pass) {
        let (word, style) = gates::word(look, gate.state);
        words.push(look.text(), "  ");
        words.push(style, word);
        words.push(look.text(), format!(" {}", gate.gate.name()));
    }
    words
}

/// Which key opens it, when it is void, what waiting costs.
fn opens(look: &Look, incident: &Incident, analysis: &Analysis) -> Words {
    let key = look.key_of("main", "gate").unwrap_or_default();
    let mut words = Words::of(look.key(), key).and(
        look.accent(),
        if analysis.offer == Offer::None || analysis.offer == Offer::Wait {
            " opens the card"
        } else {
            " opens the gate"
        },
    );
    if let Some(proposal) = incident.proposal.as_ref().filter(|_| incident.open_gate()) {
        words.push(look.dim(), format!("   void {}", format::minute(proposal.expires)));
    }
    let burning = analysis.attribution.onset.as_ref().is_some_and(|o| o.ended.is_none());
    if let (Some(share), true, false) = (analysis.cost.share_per_minute, burning, incident.acting()) {
        words.push(look.dim(), format!(", waiting {}/min", format::percent(share)));
    }
    words
}

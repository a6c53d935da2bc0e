//! The stages of an incident on one line: what was reached and how long it took, where it stands, what is to come.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::domain::format;
use crate::domain::verdict::{Outcome, Stage};
use crate::engine::incident::Incident;
use crate::engine::state::State;
use crate::engine::verify::Phase;
use crate::ui::look::{Look, bold};
use crate::ui::widgets::words::{Words, from};

/// Draws the strip of `incident`.
pub fn draw(look: &Look, state: &State, incident: Option<&Incident>, area: Rect, buf: &mut Buffer) {
    let area = from(area, 1);
    let Some(incident) = incident else {
        let calm = if state.world.knows_slos() {
            format!("{} watched, no alert fires here", format::several(state.world.slos.len(), "SLO"))
        } else {
            "which SLOs there are is not known: Prometheus has told nothing".into()
        };
        Words::of(look.dim(), calm).draw(area, buf);
        return;
    };
    let all = [Form::Wide, Form::Close, Form::Names].map(|form| strip(look, state, incident, form));
    let fits = all.iter().find(|strip| strip.width() <= usize::from(area.width));
    fits.or(all.last()).cloned().unwrap_or_default().draw(area, buf);
}

/// How much room the strip takes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Names and times, apart.
    Wide,
    /// Names and times, side by side.
    Close,
    /// Names, and the time of the stage at which it stands.
    Names,
}

fn strip(look: &Look, state: &State, incident: &Incident, form: Form) -> Words {
    let stage = incident.stage();
    let mut words = Words::new();
    for each in Stage::ALL {
        if each != Stage::Detect {
            let gap = if form == Form::Wide { " › " } else { " " };
            words.push(look.faint(), gap);
        }
        let at = incident.reached.get(&each);
        let next = incident.reached.range(each..).nth(1).map(|(_, at)| *at);
        match at {
            Some(at) if each == stage => words.append(current(look, incident, each, state.now - *at)),
            Some(at) => {
                let took = format::span(next.unwrap_or(state.now) - *at);
                let took = if form == Form::Wide { took } else { took.replace(' ', "") };
                words.push(look.good(), if form == Form::Wide { "✓ " } else { "✓" });
                words.push(look.text(), each.name());
                if form != Form::Names {
                    words.push(look.dim(), format!(" {took}"));
                }
            }
            None if each < stage => words.push(look.faint(), format!("·{}", each.name())),
            None => words.push(look.faint(), each.name()),
        }
    }
    // The end does not grow older: how long it took in all.
    if let (Stage::Close, Some(end), true) = (stage, incident.reached.get(&Stage::Close), form != Form::Names)
    {
        words.push(look.dim(), format!(" after {}", format::span(*end - incident.opened)));
    }
    words
}

/// The stage at which it stands, with why it stands there.
fn current(look: &Look, incident: &Incident, stage: Stage, since: chrono::TimeDelta) -> Words {
    let name = stage.name().to_uppercase();
    let running = incident.running.as_ref();
    let closed = running.and_then(|r| match &r.phase {
        Phase::Closed(outcome) => Some(outcome),
        _ => None,
    });
    match (stage, closed) {
        (Stage::Close, Some(outcome)) => {
            let style = if *outcome == Outcome::Helped { look.good() } else { look.bad() };
            Words::of(bold(style), format!("✓ CLOSE {}", outcome.word()))
        }
        (Stage::Gate, _) if !incident.open_gate() => {
            let why = match &incident.waiting {
                Some(waiting) => format!("until {}", format::minute(waiting.until)),
                None => "decided".into(),
            };
            Words::of(look.text(), format!("▶ {name} ")).and(look.dim(), why)
        }
        _ => {
            let style = look.attention();
            let since = format::elapsed(since.max(chrono::TimeDelta::zero()));
            Words::of(bold(style), format!("▶ {name} {since}"))
        }
    }
}

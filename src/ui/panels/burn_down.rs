//! Where the budget went: what was left of it over the last days, hour by hour, on a scale from nothing to all, and
//! how many failed requests that is. Only what the server recorded is drawn.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::domain::Time;
use crate::domain::format;
use crate::domain::slo::{Sli, Slo};
use crate::domain::value::Value;
use crate::engine::investigate::{BUDGET_PAST, Study};
use crate::engine::state::State;
use crate::ui::look::{Look, bold};
use crate::ui::widgets::sparkline;
use crate::ui::widgets::words::{Words, columns, from, put, row};

/// Columns of the label.
const LABEL: u16 = 10;

/// Draws label, line and figures: in one row, or the figures beside a line of several rows.
pub fn draw(look: &Look, state: &State, slo: &Slo, area: Rect, buf: &mut Buffer) {
    if area.height == 0 {
        return;
    }
    let study = state.studies.get(&slo.id);
    put(buf, columns(area, 0, LABEL), &format!("BUDGET {BUDGET_PAST}"), look.dim());
    let figures = [spent(look, study), requests(look, study, slo)];
    if area.height == 1 {
        let mut words = figures[0].clone().and(look.text(), "   ");
        words.append(figures[1].clone());
        let wide = area.width.saturating_sub(LABEL + 2 + words.width() as u16).clamp(6, 40);
        line(look, state, slo, study, columns(area, LABEL, wide), buf);
        words.draw(from(area, LABEL + wide + 2), buf);
        return;
    }
    let wide = (area.width / 2).clamp(6, 84);
    line(look, state, slo, study, columns(area, LABEL, wide), buf);
    let words = from(area, LABEL + wide + 2);
    for (n, figure) in figures.iter().chain([&largest(look, state, study)]).enumerate() {
        figure.draw(row(words, n as u16), buf);
    }
    put(buf, columns(row(area, area.height - 1), 0, LABEL), "0 to 100 %", look.faint());
}

/// What was left, from 0 to 100 %.
fn line(look: &Look, state: &State, slo: &Slo, study: Option<&Study>, area: Rect, buf: &mut Buffer) {
    let Some(left) = known(study) else { return };
    let from = state.now - BUDGET_PAST.delta();
    let span = BUDGET_PAST.delta().num_seconds() as f64;
    let mut shares = vec![None; usize::from(area.width)];
    for (at, share) in left {
        let place = (*at - from).num_seconds() as f64 / span * f64::from(area.width);
        if let Some(cell) = shares.get_mut(place.max(0.0) as usize) {
            *cell = Some(*share);
        }
    }
    // More columns than hours: each stands until the next one.
    for n in 1..shares.len() {
        if shares[n].is_none() && n < shares.len() && left.len() < shares.len() {
            shares[n] = shares[n - 1];
        }
    }
    let style = if matches!(slo.remaining, Value::Number(left) if left < 0.5) { look.attention() } else { look.good() };
    sparkline::draw(buf, area, &shares, style);
}

fn known(study: Option<&Study>) -> Option<&[(Time, f64)]> {
    let left = study?.budget_left.as_ref()?.data.as_slice();
    (!left.is_empty()).then_some(left)
}

/// From how much to how much it went.
fn spent(look: &Look, study: Option<&Study>) -> Words {
    let Some(left) = known(study) else {
        let answered = study.is_some_and(|s| s.budget_left.is_some());
        return Words::of(look.dim(), if answered { "not recorded over time" } else { "not asked yet" });
    };
    let (Some((_, first)), Some((_, last))) = (left.first(), left.last()) else { return Words::new() };
    let share = |left: f64| format!("{:.1}", left * 100.0);
    Words::of(look.dim(), format!("{} → ", share(*first))).and(look.text(), format!("{} %", share(*last)))
}

/// How many more requests may fail.
fn requests(look: &Look, study: Option<&Study>, slo: &Slo) -> Words {
    let word = |text: &str| Words::of(look.dim(), text.to_owned());
    if !matches!(slo.sli, Sli::Understood(_)) {
        return word("failed requests left: the SLI is not understood");
    }
    let Some(answered) = study.and_then(|s| s.period.as_ref()) else {
        return word("failed requests left: not counted yet");
    };
    let (Some(total), Some(budget)) = (answered.data, slo.budget()) else {
        let period = slo.period.map_or("the period".to_owned(), |p| p.to_string());
        return word(&format!("failed requests left: counters are younger than {period}"));
    };
    let allowed = total * budget;
    match slo.remaining {
        Value::Number(left) if left > 0.0 => {
            let text = format::whole(left * allowed);
            Words::of(bold(look.text()), text).and(look.dim(), format!(" failed left of {}", format::whole(allowed)))
        }
        Value::Number(left) => {
            let over = format!("{} too many failed", format::whole(-left * allowed));
            Words::of(bold(look.bad()), over).and(look.dim(), format!(" of {} allowed", format::whole(allowed)))
        }
        other => word(&format!("failed requests left: {}", format::remaining(other))),
    }
}

/// When most of it went in one hour.
fn largest(look: &Look, state: &State, study: Option<&Study>) -> Words {
    let Some(left) = known(study) else { return Words::new() };
    let drop = left.windows(2).map(|pair| (pair[1].0, pair[0].1 - pair[1].1));
    match drop.max_by(|(_, a), (_, b)| a.total_cmp(b)) {
        Some((at, lost)) if lost >= 0.001 => Words::of(
            look.dim(),
            format!(
                "most in an hour: {:.1} points until {} {}",
                lost * 100.0,
                at.format("%-d %b"),
                format::minute(at)
            ),
        ),
        _ => Words::of(look.dim(), format!("no hour took more than 0.1 points, as of {}", format::minute(state.now))),
    }
}

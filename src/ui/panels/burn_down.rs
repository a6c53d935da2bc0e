//! Where the budget went: what was left of it over the last days, hour by hour, on a scale from nothing to all, and
//! how many failed requests that is. Only what the server recorded is drawn.

use chrono::TimeDelta;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::domain::Time;
use crate::domain::format;
use crate::domain::slo::{Sli, Slo};
use crate::domain::value::Value;
use crate::engine::investigate::{BUDGET_PAST, Study};
use crate::engine::state::State;
use crate::ui::look::{Look, bold};
use crate::ui::widgets::lines;
use crate::ui::widgets::words::{Words, columns, from, put, row};

/// A stretch without samples that is longer is drawn as one.
const GAP: TimeDelta = TimeDelta::hours(6);
/// Columns of the label.
const LABEL: u16 = 10;

/// Draws label, line and figures: in one row, or the figures beside a line of several rows.
pub fn draw(look: &Look, state: &State, slo: &Slo, area: Rect, buf: &mut Buffer) {
    if area.height == 0 {
        return;
    }
    let study = state.studies.get(&slo.id);
    put(buf, columns(area, 0, LABEL), &format!("BUDGET {BUDGET_PAST}"), look.dim());
    let figures = [spent(look, study, slo), requests(look, study, slo)];
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
    for (n, figure) in figures.iter().chain([&largest(look, state, study, slo)]).enumerate() {
        figure.draw(row(words, n as u16), buf);
    }
    put(buf, columns(row(area, area.height - 1), 0, LABEL), "0 to 100 %", look.faint());
}

/// What was left: from nothing to all where there are rows for it, else between the least and the most.
fn line(look: &Look, state: &State, slo: &Slo, study: Option<&Study>, area: Rect, buf: &mut Buffer) {
    let points = points(state, study, slo);
    if points.is_empty() {
        return;
    }
    let (low, high) = if area.height > 1 { (0.0, 1.0) } else { extent(&points) };
    let from = state.now - BUDGET_PAST.delta();
    let halves = usize::from(area.width) * 2;
    let per_half = BUDGET_PAST.delta().num_seconds() as f64 / halves.max(1) as f64;
    let mut heights = vec![None; halves];
    for pair in points.windows(2) {
        let place = |at: Time| ((at - from).num_seconds() as f64 / per_half).max(0.0);
        // Each stands until the next one; a gap of more than a few hours is one.
        let until = if pair[1].0 - pair[0].0 > GAP { place(pair[0].0) + 1.0 } else { place(pair[1].0) };
        let cells = place(pair[0].0) as usize..(until.ceil() as usize).min(halves);
        heights
            .get_mut(cells)
            .into_iter()
            .flatten()
            .for_each(|h| *h = Some((pair[0].1 - low) / (high - low)));
    }
    if let (Some(last), Some((_, share))) = (heights.last_mut(), points.last()) {
        *last = Some((share - low) / (high - low));
    }
    let short = matches!(slo.remaining, Value::Number(left) if left < 0.5);
    lines::draw(buf, area, &[(heights, if short { look.attention() } else { look.good() })]);
}

/// The least and the most; a few points apart at least, so that what is flat looks flat.
fn extent(points: &[(Time, f64)]) -> (f64, f64) {
    let low = points.iter().map(|(_, left)| *left).fold(f64::INFINITY, f64::min);
    let high = points.iter().map(|(_, left)| *left).fold(f64::NEG_INFINITY, f64::max);
    let missing = (0.05 - (high - low)).max(0.0);
    (low - missing / 2.0, high + missing / 2.0)
}

/// What was recorded hour by hour, and what is left now.
fn points(state: &State, study: Option<&Study>, slo: &Slo) -> Vec<(Time, f64)> {
    let newest = slo.remaining.number().map(|left| (state.now, left));
    known(study).map_or_else(Vec::new, |left| left.iter().copied().chain(newest).collect())
}

fn known(study: Option<&Study>) -> Option<&[(Time, f64)]> {
    let left = study?.budget_left.as_ref()?.data.as_slice();
    (!left.is_empty()).then_some(left)
}

/// From how much to how much it went.
fn spent(look: &Look, study: Option<&Study>, slo: &Slo) -> Words {
    let Some(left) = known(study) else {
        let answered = study.is_some_and(|s| s.budget_left.is_some());
        return Words::of(look.dim(), if answered { "not recorded over time" } else { "not asked yet" });
    };
    let (Some((_, first)), Some((_, last))) = (left.first(), left.last()) else { return Words::new() };
    let now = slo.remaining.number().unwrap_or(*last);
    Words::of(look.dim(), format!("{:.1} → ", first * 100.0))
        .and(look.text(), format!("{:.1} %", now * 100.0))
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
            Words::of(bold(look.text()), text)
                .and(look.dim(), format!(" failed left of {}", format::whole(allowed)))
        }
        Value::Number(left) => {
            let over = format!("{} too many failed", format::whole(-left * allowed));
            Words::of(bold(look.bad()), over)
                .and(look.dim(), format!(" of {} allowed", format::whole(allowed)))
        }
        other => word(&format!("failed requests left: {}", format::remaining(other))),
    }
}

/// When most of it went in one hour.
fn largest(look: &Look, state: &State, study: Option<&Study>, slo: &Slo) -> Words {
    let points = points(state, study, slo);
    let drop = points.windows(2).map(|pair| (pair[1].0, pair[0].1 - pair[1].1));
    match drop.max_by(|(_, a), (_, b)| a.total_cmp(b)) {
        Some((at, lost)) if lost >= 0.001 => {
            let until = format::since(at, state.now);
            let text = format!("most in an hour: {:.1} points until {until}", lost * 100.0);
            Words::of(look.dim(), text)
        }
        Some(_) => Words::of(look.dim(), "no hour took 0.1 points"),
        None => Words::new(),
    }
}

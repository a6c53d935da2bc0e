//! The selected SLO or Deployment: its objective, how it does against it in big numbers, which workload it judges and
//! how that was found. What is not known is said in words.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::domain::cluster::Key;
use crate::domain::format;
use crate::domain::slo::{Sli, Slo};
use crate::domain::value::Value;
use crate::domain::window::Window;
use crate::engine::onset;
use crate::engine::state::State;
use crate::ui::look::{Look, bold};
use crate::ui::widgets::text::wrap_within;
use crate::ui::widgets::words::{Words, below, columns, from, put, row, top};

/// Rows of the four numbers with heading.
pub const ROWS: u16 = 5;

/// Draws heading, mapping and numbers; [`ROWS`] rows.
pub fn draw(look: &Look, state: &State, slo: &Slo, area: Rect, buf: &mut Buffer) {
    title(look, slo, row(area, 0), buf);
    mapping(look, state, slo, top(below(area, 1), 2), buf);
    numbers(look, state, slo, [row(area, 3), row(area, 4)], buf);
}

fn title(look: &Look, slo: &Slo, area: Rect, buf: &mut Buffer) {
    let mut words = Words::of(look.strong(), slo.service.as_str()).and(look.dim(), format!(" {}", slo.name));
    match (slo.objective, slo.period) {
        (Some(objective), Some(period)) => {
            words.push(look.dim(), format!("  {} of {period}", format::percent(objective)));
        }
        (Some(objective), None) => words.push(look.dim(), format!("  {}", format::percent(objective))),
        (None, _) => words.push(look.dim(), "  objective not known"),
    }
    if let Some(alert) = slo.firing() {
        let since = alert.active_at.map_or(String::new(), |at| format!(" {}", format::minute(at)));
        words.push(bold(look.bad()), format!("  ! {}{since}", alert.severity.word()));
    }
    words.draw(area, buf);
}

/// Which workload it judges and how that is known, or why none and what to write.
fn mapping(look: &Look, state: &State, slo: &Slo, area: Rect, buf: &mut Buffer) {
    let words = match state.mapped.get(&slo.id) {
        Some(Ok((key, how))) => Words::of(look.dim(), "judges ")
            .and(look.text(), format!("Deployment {key}"))
            .and(look.dim(), format!(" {}", how.words())),
        Some(Err(why)) => {
            let lines = wrap_within(&why.words(&slo.id), usize::from(area.width), 2);
            for (n, line) in lines.iter().enumerate() {
                put(buf, row(area, n as u16), line, look.attention());
            }
            return;
        }
        None => Words::of(look.dim(), "its workload is being looked for"),
    };
    let words = match &slo.sli {
        Sli::Understood(_) => words,
        Sli::NotUnderstood(why) => words.and(look.attention(), format!("   by time only, no counts: {why}")),
        Sli::Unknown => words.and(look.attention(), "   by time only, no counts: its rule was not found"),
    };
    words.draw(area, buf);
}

fn numbers(look: &Look, state: &State, slo: &Slo, rows: [Rect; 2], buf: &mut Buffer) {
    let burning = slo.burning().is_some();
    let hot = if burning { bold(look.bad()) } else { look.strong() };
    let five = slo.ratios.get(&Window::minutes(5)).map_or(Value::Absent, |r| r.value);
    let available = match five {
        Value::Number(ratio) => (format::percent(1.0 - ratio), hot),
        other => (format::percent_value(other), look.dim()),
    };
    let left = match slo.remaining {
        Value::Number(left) if left < 0.5 => (format::remaining(slo.remaining), bold(look.attention())),
        Value::Number(_) => (format::remaining(slo.remaining), bold(look.good())),
        other => (format::remaining(other), look.dim()),
    };
    let gone = super::slo_list::gone_in(slo);
    let gone = (gone, look.strong());
    let (failed, of) = counts(state, slo);
    let cells: [(u16, (String, Style), String); 4] = [
        (0, available, "available, 5 m".into()),
        (16, left, "budget left".into()),
        (30, gone, "until gone".into()),
        (42, (failed, look.strong()), of),
    ];
    // Drawn for 63 columns; on wider screens the numbers move apart, up to a point.
    let scale = |at: u16| (u32::from(at) * u32::from(rows[0].width.clamp(63, 100)) / 63) as u16;
    for (n, (at, (number, style), label)) in cells.iter().enumerate() {
        let end = cells.get(n + 1).map_or(rows[0].width, |(next, ..)| scale(*next) - 1);
        let wide = end.saturating_sub(scale(*at));
        put(buf, columns(rows[0], scale(*at), wide), number, *style);
        put(buf, columns(rows[1], scale(*at), wide), label, look.dim());
    }
}

/// Failed requests of the last five minutes, where counts are known.
fn counts(state: &State, slo: &Slo) -> (String, String) {
    let answered = state.studies.get(&slo.id).and_then(|s| s.buckets.as_ref());
    let Some(answered) = answered else {
        return ("no counts".into(), "failed, 5 m".into());
    };
    let (buckets, step) = &answered.data;
    let to = buckets.last().map_or(answered.to, |b| b.end);
    let sum = onset::between(buckets, *step, to - Window::minutes(5).delta(), to);
    if sum.total <= 0.0 {
        return ("no traffic".into(), "in 5 m".into());
    }
    (format::count(sum.bad), format!("failed of {}, 5 m", format::count(sum.total)))
}

/// A Deployment without an SLO.
pub fn workload(look: &Look, state: &State, key: &Key, area: Rect, buf: &mut Buffer) {
    let Some(deployment) = state.world.deployments.get(key) else {
        return;
    };
    let title = Words::of(look.strong(), key.name.as_str()).and(look.dim(), format!("  {}", key.namespace));
    title.draw(row(area, 0), buf);
    let none = "no SLO judges it: nothing is measured, nothing is proposed by itself";
    put(buf, row(area, 1), none, look.dim());
    let available = format!("{} of {}", deployment.available, deployment.replicas);
    let images: Vec<&str> = deployment.template.images.iter().map(|i| i.as_str()).collect();
    let mut lines = vec![("replicas", available), ("images", images.join(", "))];
    for condition in deployment.conditions.iter().filter(|c| !c.holds || c.kind == "ReplicaFailure") {
        lines.push(("condition", format!("{} {}: {}", condition.kind, condition.reason, condition.message)));
    }
    if deployment.paused {
        lines.push(("paused", "a rollback is not possible while it is paused".into()));
    }
    let mut at = 3;
    for (label, text) in lines {
        put(buf, row(area, at), label, look.dim());
        for line in wrap_within(&text, usize::from(area.width.saturating_sub(11)), 3) {
            put(buf, from(row(area, at), 11), &line, look.text());
            at += 1;
        }
    }
    if let Some(by_hand) = look.key_of("main", "by_hand") {
        let words =
            Words::of(look.key(), by_hand).and(look.dim(), " proposes the selected older revision by hand");
        words.draw(row(area, at + 1), buf);
    }
}

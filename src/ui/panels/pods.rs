//! The pods of a workload, by revision: how each is and why, its restarts, its node, its age; above them what the
//! Deployment's controller says of itself.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::domain::cluster::{Condition, Deployment, Key, Pod};
use crate::domain::format;
use crate::engine::inspect::{self, PodGroup};
use crate::engine::revisions::Mark;
use crate::engine::state::{State, Weight};
use crate::ui::look::{Look, bold};
use crate::ui::mouse::Target;
use crate::ui::widgets::words::{Words, below, columns, from, put, put_right, row, tint};

use super::{footer, header};

/// Columns that do not grow.
const AGE: u16 = 6;
const RESTARTS: u16 = 9;

/// Columns of the names of conditions.
const CONDITION: usize = 18;

/// One row of the list.
enum Line<'a> {
    Group(&'a PodGroup<'a>),
    Pod(&'a Pod),
    Nothing,
}

/// Draws the page.
pub fn draw(look: &Look, state: &State, key: &Key, area: Rect, buf: &mut Buffer) {
    header::draw(look, state, row(area, 0), buf);
    let groups = inspect::pods(state, key, state.view.pods_of.as_ref());
    title(look, state, key, &groups, row(area, 1), buf);
    let mut body = Rect { height: area.height.saturating_sub(4), ..below(area, 3) };
    if let Some(deployment) = state.world.deployments.get(key) {
        let lines = controller(look, state, deployment, usize::from(area.width).saturating_sub(2));
        for line in lines.iter().take(usize::from(body.height) / 2) {
            line.draw(from(row(body, 0), 1), buf);
            body = below(body, 1);
        }
        body = below(body, 1);
    }
    list(look, state, key, &groups, body, buf);
    let mut keys = vec![("up", "select"), ("open", "pod"), ("pod_log", "its log")];
    keys.push(("focus_next", if state.view.pods_of.is_some() { "all revisions" } else { "this revision" }));
    keys.extend([("help", "help"), ("back", "back")]);
    footer::draw(look, "page", &keys, row(area, area.height.saturating_sub(1)), buf);
}

fn title(look: &Look, state: &State, key: &Key, groups: &[PodGroup<'_>], area: Rect, buf: &mut Buffer) {
    let pods = groups.iter().map(|group| group.pods.len()).sum::<usize>();
    let of = match (&state.view.pods_of, groups.first()) {
        (Some(_), Some(group)) => format!("revision {}", group.revision.title()),
        (Some(_), None) => "a revision that is gone".into(),
        (None, _) => "all revisions".into(),
    };
    let words = format!("  {key} · {of} · {}", format::several(pods, "pod"));
    Words::of(look.strong(), "PODS").and(look.dim(), words).draw(from(area, 1), buf);
}

/// Conditions of the Deployment: what it says of itself, good or bad, with a sign beside the colour.
fn controller(look: &Look, state: &State, deployment: &Deployment, columns: usize) -> Vec<Words> {
    let Deployment { replicas, updated, available, .. } = deployment;
    let head = format!("{replicas} wanted, {updated} updated, {available} available");
    let mut lines =
        vec![Words::of(look.dim(), format!("{:<CONDITION$}", "Deployment")).and(look.text(), head)];
    for each in &deployment.conditions {
        let failure = each.kind == "ReplicaFailure";
        lines.extend(condition(look, state, each, each.holds != failure, CONDITION, columns));
    }
    lines
}

/// A condition in at most two lines: sign, name, reason, message, since when.
pub fn condition(
    look: &Look,
    state: &State,
    each: &Condition,
    good: bool,
    label: usize,
    columns: usize,
) -> Vec<Words> {
    let (sign, style) = if good { ("✓", look.good()) } else { ("✕", bold(look.bad())) };
    let said = match (each.reason.as_str(), each.message.as_str()) {
        (reason, "") => reason.to_owned(),
        ("", message) => message.to_owned(),
        (reason, message) => format!("{reason}: {message}"),
    };
    let gap = if said.is_empty() { "" } else { " · " };
    let since = each.since.map_or(String::new(), |at| format!("{gap}since {}", format::since(at, state.now)));
    let name = format!("{:<width$}", each.kind, width = label.saturating_sub(2));
    let said = Words::of(look.text(), said).and(look.dim(), since);
    let mut lines = said.wrap(columns.saturating_sub(label));
    if lines.len() > 2 {
        lines.truncate(2);
        lines[1].push(look.dim(), "…");
    }
    let head = Words::of(style, format!("{sign} ")).and(if good { look.dim() } else { style }, name);
    hung(head, lines, label)
}

/// A label of `indent` columns, and lines beside and below it.
pub fn hung(head: Words, lines: Vec<Words>, indent: usize) -> Vec<Words> {
    let mut head = Some(head);
    let mut all: Vec<Words> = Vec::new();
    for line in lines {
        let mut start = head.take().unwrap_or_else(|| Words::of(Style::new(), " ".repeat(indent)));
        let wide = start.width();
        start.push(Style::new(), " ".repeat(indent.saturating_sub(wide)));
        start.append(line);
        all.push(start);
    }
    all.extend(head);
    all
}

/// Where the columns begin.
struct Places {
    name: u16,
    state: u16,
    restarts: u16,
    node: u16,
    age: u16,
}

impl Places {
    fn within(width: u16) -> Self {
        let age = width.saturating_sub(AGE + 1);
        let node = age.saturating_sub((width / 7).clamp(9, 24) + 1);
        let restarts = node.saturating_sub(RESTARTS + 1);
        let state = restarts.saturating_sub((width / 4).clamp(18, 48) + 1);
        Self { name: 3, state, restarts, node, age }
    }
}

fn list(look: &Look, state: &State, key: &Key, groups: &[PodGroup<'_>], area: Rect, buf: &mut Buffer) {
    if groups.is_empty() {
        let why = if state.world.reads("pods") {
            "no pod of it is there"
        } else {
            "pods are not read: not listed yet, or not allowed (see the sources above)"
        };
        put(buf, from(row(area, 0), 1), why, look.dim());
        return;
    }
    let at = Places::within(area.width);
    let heading = row(area, 0);
    put(buf, from(heading, at.name), "pod", look.dim());
    put(buf, from(heading, at.state), "state", look.dim());
    put_right(buf, columns(heading, at.restarts, RESTARTS), "restarts", look.dim());
    put(buf, columns(heading, at.node, at.age.saturating_sub(at.node + 1)), "node", look.dim());
    put_right(buf, columns(heading, at.age, AGE), "age", look.dim());
    let area = below(area, 1);
    let selected = inspect::selected_pod(state, key);
    let mut lines = Vec::new();
    for group in groups {
        lines.push(Line::Group(group));
        lines.extend(group.pods.iter().map(|pod| Line::Pod(pod)));
        if group.pods.is_empty() {
            lines.push(Line::Nothing);
        }
    }
    let chosen = |line: &Line<'_>| matches!(line, Line::Pod(pod) if Some(&pod.uid) == selected.as_ref());
    let visible = usize::from(area.height);
    let place = lines.iter().position(chosen).unwrap_or(0);
    // The selected one in the middle of a long list, so that what is around it is seen.
    let first = place.saturating_sub(visible / 2).min(lines.len().saturating_sub(visible));
    for (n, line) in lines.iter().skip(first).take(visible).enumerate() {
        let place = row(area, n as u16);
        match line {
            Line::Group(group) => heading_of(look, group, place, buf),
            Line::Pod(pod) => {
                look.places.note(place, Target::Pod(pod.uid.clone()));
                one(look, state, pod, chosen(line), &at, place, buf);
            }
            Line::Nothing => {
                put(buf, from(place, at.name), "no pods: it does not serve", look.dim());
            }
        }
    }
    if lines.len() > first + visible {
        let more = lines.iter().skip(first + visible).filter(|line| matches!(line, Line::Pod(_))).count();
        put_right(buf, heading, &format!("{more} more below "), look.attention());
    }
}

fn heading_of(look: &Look, group: &PodGroup<'_>, area: Rect, buf: &mut Buffer) {
    let ready = group.pods.iter().filter(|pod| pod.ready && !pod.deleting).count();
    let (mark, style) = match group.revision.mark {
        Mark::Current => ("●", look.strong()),
        Mark::RolledBack(_) | Mark::Bad => ("✕", look.dim()),
        Mark::LastGood => ("◆", look.good()),
        Mark::Plain => ("○", look.dim()),
    };
    let word = if group.revision.mark == Mark::Current { " current" } else { "" };
    Words::of(style, format!("{mark} {}", group.revision.title()))
        .and(look.dim(), format!("{word} · {ready} of {} ready", group.pods.len()))
        .draw(from(area, 1), buf);
}

fn one(look: &Look, state: &State, pod: &Pod, chosen: bool, at: &Places, area: Rect, buf: &mut Buffer) {
    if chosen {
        tint(buf, area, look.selection());
        put(buf, area, "▌", look.accent());
    }
    let (words, weight) = inspect::pod_words(pod);
    let style = style_of(look, weight);
    let sign = match weight {
        Weight::Good => "✓",
        Weight::Plain => "·",
        Weight::Attention => "▲",
        Weight::Bad => "✕",
    };
    put(buf, columns(area, 1, 1), sign, style);
    put(
        buf,
        columns(area, at.name, at.state.saturating_sub(at.name + 1)),
        pod.key.name.as_str(),
        look.text(),
    );
    put(buf, columns(area, at.state, at.restarts.saturating_sub(at.state + 1)), &words, style);
    let restarts = if pod.restarts > 0 { look.attention() } else { look.dim() };
    put_right(buf, columns(area, at.restarts, RESTARTS), &pod.restarts.to_string(), restarts);
    let node = pod.node.as_ref().map_or("none", |node| node.as_str());
    put(buf, columns(area, at.node, at.age.saturating_sub(at.node + 1)), node, look.dim());
    let age = pod.created.map_or("?".into(), |created| format::span(state.now - created));
    put_right(buf, columns(area, at.age, AGE), &age, look.text());
}

/// The style of a weight.
pub fn style_of(look: &Look, weight: Weight) -> Style {
    match weight {
        Weight::Plain => look.dim(),
        Weight::Good => look.good(),
        Weight::Attention => look.attention(),
        Weight::Bad => bold(look.bad()),
    }
}

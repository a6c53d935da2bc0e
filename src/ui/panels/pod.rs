//! One pod: how it stands, its conditions, each container with its last end, and what the cluster says happened to it,
//! to its ReplicaSet and to its Deployment, newest first.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::domain::cluster::{ClusterEvent, Key, Uid};
use crate::domain::format;
use crate::domain::pod::{Container, PodPage, Run, Standing};
use crate::engine::event::PageShown;
use crate::engine::inspect::{self, OpenPod};
use crate::engine::state::State;
use crate::ui::look::{Look, bold};
use crate::ui::widgets::words::{Words, from, row};

use super::pods::{condition, hung, style_of};
use super::{evidence, footer, header};

/// Columns of the labels.
const LABEL: usize = 14;

/// Draws the page.
pub fn draw(
    look: &Look,
    state: &State,
    workload: &Key,
    uid: &Uid,
    area: Rect,
    buf: &mut Buffer,
) -> PageShown {
    header::draw(look, state, row(area, 0), buf);
    let open = state.inspected.pod.as_ref().filter(|open| open.uid == *uid);
    let name = open.map_or("", |open| open.key.name.as_str());
    let title = Words::of(look.strong(), "POD").and(look.dim(), format!("  {name} of {workload}"));
    title.draw(from(row(area, 1), 1), buf);
    let columns = usize::from(area.width.saturating_sub(2));
    let lines = open.map_or_else(Vec::new, |open| lines(look, state, workload, open, columns));
    let shown = evidence::scroll(look, state, &lines, 0, area, buf);
    let keys =
        [("pod_log", "its log"), ("up", "scroll"), ("page_down", "page"), ("help", "help"), ("back", "back")];
    footer::draw(look, "page", &keys, row(area, area.height.saturating_sub(1)), buf);
    shown
}

fn lines(look: &Look, state: &State, workload: &Key, open: &OpenPod, columns: usize) -> Vec<Words> {
    let mut lines = Vec::new();
    watched(look, state, workload, open, columns, &mut lines);
    if let Some(why) = &open.failed {
        let what = if open.page.is_some() { "not read anew" } else { "not read" };
        say(look, what, Words::of(look.attention(), why.as_str()), columns, &mut lines);
    }
    let Some(page) = &open.page else {
        if open.failed.is_none() {
            lines.push(Words::of(look.dim(), "its containers, conditions and events are being read"));
        }
        return lines;
    };
    about(look, page, columns, &mut lines);
    lines.push(Words::new());
    for each in &page.conditions {
        lines.extend(condition(look, state, each, each.holds, 28.min(columns / 2), columns));
    }
    for container in &page.containers {
        lines.push(Words::new());
        self::container(look, state, container, columns, &mut lines);
    }
    lines.push(Words::new());
    events(look, state, page, columns, &mut lines);
    lines
}

fn say(look: &Look, label: &str, words: Words, columns: usize, lines: &mut Vec<Words>) {
    let head = Words::of(look.dim(), label);
    lines.extend(hung(head, words.wrap(columns.saturating_sub(LABEL)), LABEL));
}

/// What the watch says: it is newer than what was read.
fn watched(
    look: &Look,
    state: &State,
    workload: &Key,
    open: &OpenPod,
    columns: usize,
    lines: &mut Vec<Words>,
) {
    let Some(pod) = inspect::watched(state, &open.uid) else {
        say(
            look,
            "state",
            Words::of(look.attention(), "gone: what follows is what was read last"),
            columns,
            lines,
        );
        return;
    };
    let (words, weight) = inspect::pod_words(pod);
    let restarts = format!(" · {}", format::several(usize::try_from(pod.restarts).unwrap_or(0), "restart"));
    let node = pod.node.as_ref().map_or(" · on no node".into(), |node| format!(" · on {node}"));
    let age = pod.created.map_or(String::new(), |at| format!(" · {} old", format::span(state.now - at)));
    let state_words = Words::of(bold(style_of(look, weight)), words)
        .and(look.text(), format!(" · {}{node}{restarts}{age}", pod.phase));
    say(look, "state", state_words, columns, lines);
    let groups = inspect::pods(state, workload, pod.replica_set.as_ref());
    if let Some(group) = groups.first() {
        let row = &group.revision;
        let changes = super::revisions::changes(row);
        let revision = Words::of(look.text(), row.title()).and(look.dim(), format!(" · {changes}"));
        say(look, "revision", revision, columns, lines);
    }
}

fn about(look: &Look, page: &PodPage, columns: usize, lines: &mut Vec<Words>) {
    let mut words = Vec::new();
    if !page.ip.is_empty() {
        words.push(format!("address {}", page.ip));
    }
    if !page.qos.is_empty() {
        words.push(format!("QoS {}", page.qos));
    }
    if let Some(at) = page.deleting {
        words.push(format!("to be gone by {}", format::clock(at)));
    }
    if !words.is_empty() {
        say(look, "pod", Words::of(look.text(), words.join(" · ")), columns, lines);
    }
    if !page.reason.is_empty() || !page.message.is_empty() {
        let text = format!("{} {}", page.reason, page.message);
        say(look, "why", Words::of(look.attention(), text.trim()), columns, lines);
    }
}

fn container(look: &Look, state: &State, each: &Container, columns: usize, lines: &mut Vec<Words>) {
    let (sign, style) = match (each.now.standing, each.ready) {
        (Standing::Running, true) => ("✓", look.good()),
        (Standing::Ended(0), _) => ("✓", look.dim()),
        (Standing::Running, false) => ("▲", look.attention()),
        (Standing::Waiting, _)
            if matches!(each.now.reason.as_str(), "ContainerCreating" | "PodInitializing") =>
        {
            ("▲", look.attention())
        }
        (Standing::Unknown, _) => ("?", look.dim()),
        _ => ("✕", bold(look.bad())),
    };
    let role = if each.role.word().is_empty() { "container" } else { each.role.word() };
    let ready = match (each.now.standing, each.ready) {
        (Standing::Running, true) => ", ready",
        (Standing::Running, false) => ", not ready",
        _ => "",
    };
    let words = Words::of(look.strong(), each.name.as_str())
        .and(style, format!("  {sign} {}{ready}", each.now.words()))
        .and(look.dim(), when(state, &each.now))
        .and(
            if each.restarts > 0 { look.attention() } else { look.dim() },
            format!(" · {}", format::several(usize::try_from(each.restarts).unwrap_or(0), "restart")),
        );
    say(look, role, words, columns, lines);
    if !each.now.message.is_empty() {
        say(look, "", Words::of(look.text(), each.now.message.as_str()), columns, lines);
    }
    if let Some(before) = &each.before {
        let message = if before.message.is_empty() { String::new() } else { format!(": {}", before.message) };
        let words = Words::of(look.attention(), format!("before: {}", before.words()))
            .and(look.dim(), when(state, before))
            .and(look.text(), message);
        say(look, "", words, columns, lines);
    }
    say(look, "", Words::of(look.dim(), each.image.as_str()), columns, lines);
    if !each.resources.is_empty() {
        say(look, "", Words::of(look.dim(), each.resources.as_str()), columns, lines);
    }
}

/// Since when a run is, or how long it was.
fn when(state: &State, run: &Run) -> String {
    match (run.started, run.ended) {
        (Some(from), Some(to)) => {
            format!(" at {}, after {}", format::since(to, state.now), format::span(to - from))
        }
        (None, Some(to)) => format!(" at {}", format::since(to, state.now)),
        (Some(from), None) => format!(" since {}", format::since(from, state.now)),
        (None, None) => String::new(),
    }
}

fn events(look: &Look, state: &State, page: &PodPage, columns: usize, lines: &mut Vec<Words>) {
    lines.push(Words::of(look.dim(), format!("EVENTS, newest first: {}", page.events.len())));
    if let Some(why) = &page.events_missing {
        say(look, "not read", Words::of(look.attention(), why.as_str()), columns, lines);
    } else if page.events.is_empty() {
        lines.push(Words::of(look.dim(), "none: the server keeps them for an hour"));
    }
    for event in &page.events {
        lines.extend(one_event(look, state, event, columns));
    }
}

fn one_event(look: &Look, state: &State, event: &ClusterEvent, columns: usize) -> Vec<Words> {
    let time = event.last.map_or("        ".into(), format::clock);
    let age = event.last.map_or(String::new(), |at| format!("{} ago", format::span(state.now - at)));
    let count = if event.count > 1 { format!("×{}", event.count) } else { String::new() };
    let (sign, style) = if event.warning { ("!", bold(look.attention())) } else { (" ", look.dim()) };
    let head = Words::of(look.faint(), format!("{time} {age:>8} "))
        .and(look.text(), format!("{count:>5} "))
        .and(style, format!("{sign} "));
    let indent = head.width();
    let words = Words::of(if event.warning { style } else { look.text() }, event.reason.as_str())
        .and(look.dim(), format!(" {}: ", event.about_kind))
        .and(look.text(), event.message.as_str());
    hung(head, words.wrap(columns.saturating_sub(indent)), indent)
}

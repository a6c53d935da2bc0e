//! After the decision: sent, accepted, executing, verified, each visible with what is waited for; then the outcome, the
//! counts it rests on, and whether the prediction was kept.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::domain::clean::Clean;
use crate::domain::cluster::Uid;
use crate::domain::format;
use crate::domain::verdict::{Offer, Outcome};
use crate::engine::courtesy;
use crate::engine::gate::{EffectKind, EffectLine};
use crate::engine::incident::Incident;
use crate::engine::rollout::{self, Step};
use crate::engine::state::State;
use crate::engine::verify::{self, Phase, Running, prediction_kept};
use crate::ui::look::{Look, bold};
use crate::ui::widgets::text::wrap_within;
use crate::ui::widgets::words::{Words, below, columns, from, put, row};

use super::effects::{LABEL, Placed};
use super::error_ratio::{self, Series};
use super::{footer, header, log};

/// How a step stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stand {
    Done,
    Now,
    Ahead,
    Failed,
    Unknown,
}

/// Draws the action of `incident`.
pub fn draw(look: &Look, state: &State, incident: &Incident, area: Rect, buf: &mut Buffer) {
    let Some(running) = &incident.running else { return };
    header::draw(look, state, row(area, 0), buf);
    let body = Rect {
        width: area.width.saturating_sub(2),
        height: area.height.saturating_sub(2),
        ..from(below(area, 1), 1)
    };
    title(look, incident, running, row(body, 1), buf);
    approved(look, running, row(body, 2), buf);
    let used = steps(look, state, running, below(body, 4), buf);
    let mut rest = below(body, 4 + used);
    for line in progress(look, state, running, rest) {
        line.draw(row(rest, 0), buf);
        rest = below(rest, 1);
    }
    rest = below(rest, 1);
    let mut said = result(look, running, usize::from(rest.width));
    said.extend(meanwhile(look, state, running, usize::from(rest.width)));
    for line in &said {
        line.draw(row(rest, 0), buf);
        rest = below(rest, 1);
    }
    rest = below(rest, 1);
    let chart = if rest.height >= 8 { (rest.height / 3).clamp(3, 8) } else { 0 };
    if chart > 0 {
        strip(look, state, incident, Rect { height: chart, ..rest }, buf);
        rest = below(rest, chart + 1);
    }
    let log_rows = (rest.height / 2).min(8);
    let effects = Rect { height: rest.height.saturating_sub(log_rows + 1), ..rest };
    Placed::of(&effect_lines(running), effects.width, look.ascii).draw(look, 0, effects, buf);
    let bottom = Rect { y: rest.bottom() - log_rows, height: log_rows, x: area.x, width: area.width };
    log::draw(look, state, 0, bottom, buf);
    let keys = [("undo", "the way back"), ("evidence", "evidence"), ("help", "help"), ("back", "back")];
    footer::draw(look, "card", &keys, row(area, area.height.saturating_sub(1)), buf);
}

fn title(look: &Look, incident: &Incident, running: &Running, area: Rect, buf: &mut Buffer) {
    let (word, style) = match &running.phase {
        Phase::Closed(Outcome::Helped) => ("HELPED".to_owned(), look.good()),
        Phase::Closed(outcome) => (outcome.title(), look.bad()),
        Phase::Aborted(_) if running.done > 0 => ("STOPPED HALF WAY".into(), look.bad()),
        Phase::Aborted(_) => ("NOT EXECUTED".into(), look.bad()),
        Phase::Unknown(_) => ("OUTCOME UNKNOWN".into(), look.bad()),
        _ => (verb(running.plan.offer).into(), look.attention()),
    };
    let rows = incident.analysis.as_ref().map_or(&[][..], |a| &a.rows);
    let revision =
        |uid: &Uid| rows.iter().find(|r| r.uid == *uid).filter(|_| running.plan.offer == Offer::Rollback);
    let mut words = Words::of(bold(style), word).and(look.strong(), format!(" {}", incident.workload.name));
    if let Some(target) = revision(&running.plan.target) {
        words.push(look.dim(), "  ");
        if let Some(before) = revision(&running.plan.undo.replica_set) {
            words.push(look.dim(), format!("{} → ", before.title()));
        }
        words.push(look.text(), target.title());
    }
    words.draw(area, buf);
}

fn verb(offer: Offer) -> &'static str {
    match offer {
        Offer::RestoreConfig => "RESTORING CONFIG OF",
        _ => "ROLLING BACK",
    }
}

fn approved(look: &Look, running: &Running, area: Rect, buf: &mut Buffer) {
    let by = format!("approved by {} at {}", running.by, format::clock(running.approved));
    let mut words = Words::of(look.dim(), by);
    if !running.reason.is_empty() {
        words.push(look.dim(), format!(": “{}”", Clean::new(&running.reason)));
    }
    words.draw(area, buf);
}

/// The four states with what is waited for; returns the rows used.
fn steps(look: &Look, state: &State, running: &Running, area: Rect, buf: &mut Buffer) -> u16 {
    for (n, (name, step, words)) in states(state, running).into_iter().enumerate() {
        let area = row(area, n as u16);
        let (mark, style) = match step {
            Stand::Done => ("✓", look.good()),
            Stand::Now => ("▶", bold(look.attention())),
            Stand::Ahead => ("○", look.faint()),
            Stand::Failed => ("✕", bold(look.bad())),
            Stand::Unknown => ("?", bold(look.bad())),
        };
        put(buf, columns(area, 0, 2), mark, style);
        put(buf, columns(area, 2, LABEL - 3), name, style);
        let text: Style = if step == Stand::Ahead { look.faint() } else { look.text() };
        put(buf, from(area, LABEL), &words, text);
    }
    4
}

fn states(state: &State, running: &Running) -> [(&'static str, Stand, String); 4] {
    let calls = match running.calls.len() {
        1 => "1 conditional write".to_owned(),
        n => format!("{n} conditional writes, {} done", running.done),
    };
    let sent =
        running.sent.map_or("nothing is sent yet".into(), |at| format!("at {}, {calls}", format::clock(at)));
    let waits = running.waiting_for.clone();
    let ended =
        running.rollout_ended.map_or(String::new(), |at| format!("rollout done {}", format::clock(at)));
    let none = String::new;
    let since = running.sent.unwrap_or(running.approved);
    let elapsed = format::elapsed(state.now - since);
    use Stand::{Ahead, Done, Failed, Now, Unknown};
    let (a, b, c, d) = match &running.phase {
        Phase::Rechecking | Phase::Recording => {
            ((Now, waits), (Ahead, none()), (Ahead, none()), (Ahead, none()))
        }
        Phase::Executing => {
            ((Done, sent), (Now, format!("waiting for {waits}")), (Ahead, none()), (Ahead, none()))
        }
        Phase::Unknown(why) => (
            (Done, sent),
            (Unknown, format!("not known: it is read back, and never sent twice; {why}")),
            (Ahead, none()),
            (Ahead, none()),
        ),
        Phase::Stabilising => (
            (Done, sent),
            (Done, "by the API server".into()),
            (Now, format!("{waits}  {elapsed}")),
            (Ahead, none()),
        ),
        Phase::Verifying => ((Done, sent), (Done, "by the API server".into()), (Done, ended), (Now, waits)),
        Phase::Closed(outcome) => {
            let counted = format!(
                "{} failed since the rollout",
                format::bad_of(running.since.bad, running.since.total)
            );
            let good = *outcome == Outcome::Helped;
            let executed = if running.rollout_ended.is_some() { (Done, ended) } else { (Failed, none()) };
            let verified = if good { Done } else { Failed };
            ((Done, sent), (Done, "by the API server".into()), executed, (verified, counted))
        }
        Phase::Aborted(why) if running.sent.is_none() => {
            ((Failed, why.to_string()), (Ahead, none()), (Ahead, none()), (Ahead, none()))
        }
        Phase::Aborted(why) => ((Done, sent), (Failed, why.to_string()), (Ahead, none()), (Ahead, none())),
    };
    [("sent", a.0, a.1), ("accepted", b.0, b.1), ("executing", c.0, c.1), ("verified", d.0, d.1)]
}

/// What goes on: the rollout pod by pod, or what the verification has and what it waits for.
fn progress(look: &Look, state: &State, running: &Running, area: Rect) -> Vec<Words> {
    let room = usize::from(area.width).saturating_sub(usize::from(LABEL));
    match &running.phase {
        Phase::Stabilising => rollout(look, state, running, room, usize::from(area.height) / 2),
        Phase::Verifying | Phase::Closed(_) => checks(look, state, running, room),
        _ => Vec::new(),
    }
}

fn rollout(look: &Look, state: &State, running: &Running, room: usize, most: usize) -> Vec<Words> {
    let Some(deployment) = state.world.deployments.get(&running.plan.workload) else { return Vec::new() };
    // A restore writes a template of its own: what serves afterwards is the current revision.
    let target = state.world.current(deployment).map_or(&running.plan.target, |set| &set.meta.uid);
    let rollout = rollout::look(&state.world, deployment, target);
    let mut lines = vec![label(look, "pods").and(look.text(), rollout.words())];
    for why in rollout.blocked.iter().take(2) {
        let words = Words::of(look.attention(), why.as_str()).wrap(room);
        let label =
            Words::of(bold(look.attention()), format!("{:<width$}", "held up", width = usize::from(LABEL)));
        lines.extend(super::pods::hung(label, words.into_iter().take(2).collect(), usize::from(LABEL)));
    }
    let left = most.saturating_sub(lines.len()).max(2);
    let mut pods = rollout.pods;
    // What has not arrived is why one looks.
    pods.sort_by_key(|pod| matches!(pod.step, Step::Ready | Step::Leaving));
    let hidden = pods.len().saturating_sub(left);
    let shown = if hidden > 0 { left.saturating_sub(1) } else { pods.len() };
    lines.extend(pods.iter().take(shown).map(|pod| one_pod(look, state, pod, room)));
    if hidden > 0 {
        let more = format!("and {} more", pods.len() - shown);
        lines.push(label(look, "").and(look.dim(), more));
    }
    lines
}

fn one_pod(look: &Look, state: &State, pod: &rollout::PodStep, room: usize) -> Words {
    let (sign, style) = match pod.step {
        Step::Ready => ("✓", look.good()),
        Step::Leaving => ("·", look.dim()),
        Step::Failed => ("✕", bold(look.bad())),
        Step::Running | Step::Creating | Step::Pending => ("▶", look.attention()),
    };
    let which = if pod.new { "new" } else { "old" };
    let age = pod.created.map_or(String::new(), |at| format!(" {}", format::span(state.now - at)));
    let why = pod.why.as_ref().map_or(String::new(), |why| format!("  {why}"));
    label(look, "")
        .and(style, format!("{sign} {which} {:<12}", pod.step.word()))
        .and(look.text(), pod.name.as_str())
        .and(look.dim(), format!("{age}{why}"))
        .cut(room + usize::from(LABEL))
}

/// Columns of a check's sign and name.
const CHECK: usize = 14;

fn checks(look: &Look, state: &State, running: &Running, room: usize) -> Vec<Words> {
    let checks = verify::checks(running, &state.world, state.now);
    let over = running.over();
    let mut lines = Vec::new();
    for (n, check) in checks.iter().enumerate() {
        let (sign, style) = match (check.holds, over && check.decides) {
            (true, _) => ("✓", look.good()),
            (false, true) => ("✕", bold(look.bad())),
            (false, false) => ("▶", look.attention()),
        };
        let seen = Words::of(look.text(), check.seen.as_str()).wrap(room.saturating_sub(CHECK));
        let name = if n > 0 {
            ""
        } else if over {
            "checked"
        } else {
            "checks"
        };
        let name = label(look, name).and(style, format!("{sign} {}", check.name));
        lines.extend(super::pods::hung(name, seen, usize::from(LABEL) + CHECK));
    }
    let waits: Vec<&str> = checks.iter().filter(|c| c.decides && !c.holds).map(|c| c.name).collect();
    if !over && !waits.is_empty() {
        lines.push(label(look, "waiting for").and(look.attention(), waits.join(", ")));
    }
    lines
}

/// The prediction and how it did; the incident beside what came after it.
fn result(look: &Look, running: &Running, columns: usize) -> Vec<Words> {
    let prediction = &running.prediction;
    let label = |word: &str| self::label(look, word);
    let kept = match (&running.phase, prediction_kept(running)) {
        (Phase::Closed(_), Some(true)) => ("kept: ", look.good()),
        (Phase::Closed(_), Some(false)) => ("not kept: ", look.bad()),
        _ => ("", look.dim()),
    };
    let words = format!(
        "no new errors from {} on; 5 m window clear by {}",
        format::clock(prediction.clean_from),
        format::minute(prediction.clear_by)
    );
    let mut lines = Vec::new();
    let Some(_) = &running.slo else {
        lines.push(label("prediction").and(look.text(), "none: no SLO judges it, the replicas are watched"));
        lines.extend(why_stopped(look, running, columns));
        return lines;
    };
    lines.push(label("prediction").and(bold(kept.1), kept.0).and(look.text(), words));
    let ratio =
        |c: &crate::domain::statistics::Counts| c.ratio().map_or("no requests".into(), format::percent);
    let (before, after) = (&running.incident, &running.since);
    let words = Words::of(
        look.text(),
        format!("{} failed, {}", format::bad_of(before.bad, before.total), ratio(before)),
    );
    let mut line = label("incident");
    line.append(words);
    lines.push(line);
    if running.rollout_ended.is_some() {
        let text = format!("{} failed, {}", format::bad_of(after.bad, after.total), ratio(after));
        lines.push(label("since then").and(look.strong(), text));
    }
    lines.extend(why_stopped(look, running, columns));
    lines
}

/// Who acted instead: a refusal tells only that something has changed.
fn meanwhile(look: &Look, state: &State, running: &Running, columns: usize) -> Vec<Words> {
    let stopped = matches!(running.phase, Phase::Aborted(_) | Phase::Unknown(_));
    let deployment = state.world.deployments.get(&running.plan.workload).filter(|_| stopped);
    let Some(acted) = deployment.and_then(|d| courtesy::acted_meanwhile(d, running)) else {
        return Vec::new();
    };
    let wrapped = wrap_within(&acted, columns.saturating_sub(usize::from(LABEL)), 2);
    let line = |(n, line): (usize, String)| {
        label(look, if n == 0 { "meanwhile" } else { "" }).and(look.text(), line)
    };
    wrapped.into_iter().enumerate().map(line).collect()
}

/// Why it was stopped, or why its outcome is not known.
fn why_stopped(look: &Look, running: &Running, columns: usize) -> Vec<Words> {
    let (Phase::Aborted(why) | Phase::Unknown(why)) = &running.phase else { return Vec::new() };
    let wrapped = wrap_within(why.as_str(), columns.saturating_sub(usize::from(LABEL)), 3);
    let line =
        |(n, line): (usize, String)| label(look, if n == 0 { "why" } else { "" }).and(look.text(), line);
    wrapped.into_iter().enumerate().map(line).collect()
}

fn label(look: &Look, word: &str) -> Words {
    Words::of(look.dim(), format!("{word:<width$}", width = usize::from(LABEL)))
}

fn strip(look: &Look, state: &State, incident: &Incident, area: Rect, buf: &mut Buffer) {
    let Some(analysis) = &incident.analysis else {
        return;
    };
    let Some(slo) = analysis.slos.first() else { return };
    let found = &analysis.attribution;
    let change = found.change.as_ref().map(|c| c.began);
    let series = Series::of(state, slo, &analysis.rows, found.onset.as_ref(), change);
    error_ratio::strip(look, &series, area, buf);
}

/// What the approved plan does, once more.
fn effect_lines(running: &Running) -> Vec<EffectLine> {
    let plan = &running.plan;
    let changes = plan
        .changes
        .iter()
        .map(|c| EffectLine { kind: EffectKind::Changes, text: Clean::new(crate::domain::diff::shown(c)) });
    let not_restored = plan.not_restored.iter().map(|n| EffectLine {
        kind: EffectKind::NotRestored,
        text: Clean::new(format!("{} {} ({})", n.kind, n.name, n.why)),
    });
    changes.chain(not_restored).collect()
}

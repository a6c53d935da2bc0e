//! What the plan changes, line by line and word by word: what is live against what the server's dry run answered. Without an
//! answer the plan's own values are shown, and it says so; without a plan, what the last rollout changed. And any two
//! revisions of a workload, with the contents of their ConfigMaps as far as they are known.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use serde_json::Value;

use crate::domain::clean::Clean;
use crate::domain::cluster::{Key, Uid};
use crate::domain::compare::{Line as Compared, Sign};
use crate::domain::diff::{self, printed};
use crate::domain::plan::{DryRun, Plan};
use crate::engine::compare::{self, Side};
use crate::engine::event::PageShown;
use crate::engine::revisions::{Mark, RevisionRow};
use crate::engine::state::State;
use crate::engine::view;
use crate::ui::look::{Look, bold};
use crate::ui::widgets::words::{Words, below, from, put, put_right, row};

use super::{footer, header};

/// One object before and after.
struct Object {
    title: String,
    before: Vec<String>,
    after: Vec<String>,
}

/// Draws what the plan of `key` changes.
pub fn draw(look: &Look, state: &State, key: &Key, area: Rect, buf: &mut Buffer) -> PageShown {
    header::draw(look, state, row(area, 0), buf);
    let (source, objects) = objects(state, key);
    let title = Words::of(look.strong(), "DIFF").and(look.dim(), format!("  {key}  {source}"));
    title.draw(from(row(area, 1), 1), buf);
    let mut page = Page::default();
    for object in &objects {
        page.object(look, &object.title, &object.before, &object.after, inner(area));
    }
    page.draw(look, state, area, buf)
}

/// Draws what differs between two revisions of `key`, the older one first.
pub fn compare(
    look: &Look,
    state: &State,
    key: &Key,
    [older, newer]: [&Uid; 2],
    area: Rect,
    buf: &mut Buffer,
) -> PageShown {
    header::draw(look, state, row(area, 0), buf);
    let timeline = view::timeline(state, key);
    let mut title = Words::of(look.strong(), "DIFF  ");
    title.append(side(look, "- ", &timeline, older));
    title.push(look.dim(), "  →  ");
    title.append(side(look, "+ ", &timeline, newer));
    title.push(look.dim(), format!("  of {key}"));
    title.draw(from(row(area, 1), 1), buf);
    let mut page = Page::default();
    for object in compare::revisions(state, key, older, newer) {
        page.sides(look, &object, inner(area));
    }
    page.draw(look, state, area, buf)
}

/// How a revision is called in the title.
fn side(look: &Look, sign: &str, timeline: &[RevisionRow], uid: &Uid) -> Words {
    let found = timeline.iter().find(|row| row.uid == *uid);
    let name = found.map_or("a revision that is gone".into(), RevisionRow::title);
    let current = if found.is_some_and(|row| row.mark == Mark::Current) { " (current)" } else { "" };
    Words::of(look.dim(), sign).and(look.text(), name).and(look.dim(), current)
}

fn inner(area: Rect) -> usize {
    // One column at each end, and two for the sign of the change at which somebody is.
    usize::from(area.width.saturating_sub(4))
}

/// Lines of a comparison, and where each difference begins.
#[derive(Default)]
struct Page {
    lines: Vec<Words>,
    changes: Vec<usize>,
}

impl Page {
    fn sides(&mut self, look: &Look, object: &compare::Object, columns: usize) {
        let text = |side: &Side| match side {
            Side::Known(value, _) => printed(value),
            Side::Absent | Side::Unknown(_) => Vec::new(),
        };
        let mut notes = Vec::new();
        for (which, side) in [("older", &object.before), ("newer", &object.after)] {
            match side {
                Side::Known(_, how) if how.is_empty() => {}
                Side::Known(_, how) => notes.push(format!("{which}: {how}")),
                Side::Absent => notes.push(format!("{which}: not referred to")),
                Side::Unknown(why) => notes.push(format!("{which}: {why}")),
            }
        }
        let known = !matches!((&object.before, &object.after), (Side::Unknown(_), _) | (_, Side::Unknown(_)));
        let notes = if notes.is_empty() { String::new() } else { format!("  ({})", notes.join("; ")) };
        let title = format!("{}{notes}", object.title);
        if known {
            self.object(look, &title, &text(&object.before), &text(&object.after), columns);
        } else {
            // What is not known on one side is no difference on the other.
            self.lines.extend(Words::of(bold(look.attention()), title).wrap(columns));
            self.lines.push(Words::new());
        }
    }

    fn object(&mut self, look: &Look, title: &str, before: &[String], after: &[String], columns: usize) {
        self.lines.extend(Words::of(bold(look.accent()), title).wrap(columns));
        let hunks = diff::hunks(before, after);
        if hunks.is_empty() {
            self.lines.push(Words::of(look.dim(), "  no difference"));
        }
        for (n, hunk) in hunks.iter().enumerate() {
            if n > 0 {
                self.lines.push(Words::of(look.faint(), "  ···"));
            }
            let mut within = false;
            for line in hunk {
                let changed = line.sign != Sign::Same;
                if changed && !within {
                    self.changes.push(self.lines.len());
                }
                within = changed;
                self.line(look, line, columns);
            }
        }
        self.lines.push(Words::new());
    }

    fn line(&mut self, look: &Look, line: &Compared, columns: usize) {
        let (sign, plain, changed) = match line.sign {
            Sign::Removed => {
                ("- ", look.attention(), bold(look.attention()).add_modifier(Modifier::UNDERLINED))
            }
            Sign::Added => ("+ ", look.text(), bold(look.text()).add_modifier(Modifier::UNDERLINED)),
            Sign::Same => ("  ", look.dim(), look.dim()),
        };
        let indent: usize =
            line.parts.first().map_or(0, |(_, text)| text.len() - text.trim_start_matches(' ').len());
        let mut words = Words::new();
        for (n, (differs, text)) in line.parts.iter().enumerate() {
            let text = if n == 0 { text.trim_start_matches(' ') } else { text.as_str() };
            words.push(if *differs { changed } else { plain }, Clean::new(text).as_str());
        }
        let room = columns.saturating_sub(indent + 2).max(8);
        for (n, part) in words.chop(room).into_iter().enumerate() {
            let sign = if n == 0 { sign } else { "  " };
            let mut whole = Words::of(plain, format!("{sign}{}", " ".repeat(indent)));
            whole.append(part);
            self.lines.push(whole);
        }
    }

    fn draw(self, look: &Look, state: &State, area: Rect, buf: &mut Buffer) -> PageShown {
        let mut lines = self.lines;
        if lines.is_empty() {
            lines.push(Words::of(look.dim(), "nothing to compare"));
        }
        let body = Rect { height: area.height.saturating_sub(4), ..below(area, 3) };
        let visible = usize::from(body.height);
        let last = lines.len().saturating_sub(visible);
        let first = state.view.scroll.min(last);
        let at = state.view.change.and_then(|n| self.changes.get(n).copied());
        for (n, words) in lines.iter().enumerate().skip(first).take(visible) {
            let place = row(body, (n - first) as u16);
            if Some(n) == at {
                put(buf, place, "▶", bold(look.accent()));
            }
            words.draw(from(place, 2), buf);
        }
        let changes = match (state.view.change, self.changes.len()) {
            (_, 0) => String::new(),
            (Some(n), all) if n < all => format!("change {} of {all}", n + 1),
            (_, all) => crate::domain::format::several(all, "change"),
        };
        let lines = if lines.len() > visible {
            format!("  {}-{} of {}", first + 1, (first + visible).min(lines.len()), lines.len())
        } else {
            String::new()
        };
        put_right(buf, row(area, 2), &format!("{changes}{lines} "), look.dim());
        let keys = [
            ("next", "next change"),
            ("next_back", "previous"),
            ("up", "scroll"),
            ("page_down", "page"),
            ("help", "help"),
            ("back", "back"),
        ];
        footer::draw(look, "page", &keys, row(area, area.height.saturating_sub(1)), buf);
        PageShown { rows: visible, last, changes: self.changes }
    }
}

/// What is compared, and where its second side comes from.
fn objects(state: &State, key: &Key) -> (String, Vec<Object>) {
    let incident = state.incidents.get(key);
    let analysis = incident.and_then(|i| i.proposal.as_ref().map(|p| &p.analysis).or(i.analysis.as_ref()));
    let running = incident.and_then(|i| i.running.as_ref()).filter(|r| !r.over()).map(|r| &r.plan);
    match (analysis, running) {
        (_, Some(plan)) => ("live → the approved plan".into(), by_plan(state, plan)),
        (Some(analysis), None) => match (&analysis.plan, &analysis.dry_run) {
            (Some(plan), DryRun::Accepted(answers)) => {
                ("live → what the server's dry run answered".into(), by_answer(state, plan, answers))
            }
            (Some(plan), dry_run) => {
                let why = match dry_run {
                    DryRun::Refused(why) => format!("the server refused it: {why}"),
                    DryRun::Unavailable(why) => format!("no dry run: {why}"),
                    _ => "no answer of the server yet".into(),
                };
                (format!("live → the plan ({why})"), by_plan(state, plan))
            }
            (None, _) => ("the last rollout, older → current".into(), by_history(state, key)),
        },
        (None, None) => ("the last rollout, older → current".into(), by_history(state, key)),
    }
}

fn is_config(path: &str) -> bool {
    path.contains("/configmaps/")
}

/// The object of a call: its name, and what of it can change, as it is now.
fn live(state: &State, plan: &Plan, path: &str) -> (String, Value) {
    if is_config(path) {
        let name = path.rsplit('/').next().unwrap_or_default();
        let key = Key::new(plan.workload.namespace.as_str(), name);
        let content = state.world.contents.get(&key).and_then(Option::as_ref);
        let data = content.map_or(Value::Null, |c| c.data.value());
        return (format!("ConfigMap {name}"), data);
    }
    let deployment = state.world.deployments.get(&plan.workload);
    let template = deployment.map_or(Value::Null, |d| d.template.json.value());
    (format!("Deployment {}, pod template", plan.workload.name), template)
}

fn by_answer(state: &State, plan: &Plan, answers: &[crate::domain::cluster::Json]) -> Vec<Object> {
    let pairs = plan.calls.iter().zip(answers);
    pairs
        .map(|(call, answer)| {
            let answer = answer.value();
            let after = if is_config(&call.path) { &answer["data"] } else { &answer["spec"]["template"] };
            let (title, before) = live(state, plan, &call.path);
            Object { title, before: printed(&before), after: printed(after) }
        })
        .collect()
}

fn by_plan(state: &State, plan: &Plan) -> Vec<Object> {
    let object = |call: &crate::domain::plan::Call| {
        let path = if is_config(&call.path) { "/data" } else { "/spec/template" };
        let (title, before) = live(state, plan, &call.path);
        let operations = call.body.as_array().into_iter().flatten();
        let after = operations
            .filter(|op| op["path"] == path && (op["op"] == "replace" || op["op"] == "add"))
            .map(|op| printed(&op["value"]))
            .next();
        let before = printed(&before);
        Object { title, after: after.unwrap_or_else(|| before.clone()), before }
    };
    plan.calls.iter().map(object).collect()
}

fn by_history(state: &State, key: &Key) -> Vec<Object> {
    let Some(deployment) = state.world.deployments.get(key) else {
        return Vec::new();
    };
    let history = state.world.history(deployment);
    let older = history.iter().find(|r| r.template.digest != deployment.template.digest);
    let before = older.map_or_else(Vec::new, |r| printed(&r.template.json.value()));
    let title = format!("Deployment {}, pod template", key.name);
    vec![Object { title, before, after: printed(&deployment.template.json.value()) }]
}

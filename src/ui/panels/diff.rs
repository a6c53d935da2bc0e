//! What the plan changes, line by line: what is live against what the server's dry run answered. Without an answer the
//! plan's own values are shown, and it says so; without a plan, what the last rollout changed.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use serde_json::Value;
use similar::{ChangeTag, TextDiff};

use crate::domain::clean::Clean;
use crate::domain::cluster::Key;
use crate::domain::plan::{DryRun, Plan};
use crate::engine::state::State;
use crate::ui::look::{Look, bold};
use crate::ui::widgets::text::wrap;
use crate::ui::widgets::words::{Words, from, row};

use super::evidence::scrolled;
use super::header;

/// Unchanged lines around a change.
const AROUND: usize = 3;
/// More lines than this of one object are not compared on a screen.
const LONGEST: usize = 20_000;

/// One object before and after.
struct Object {
    title: String,
    before: Vec<String>,
    after: Vec<String>,
}

/// Draws the page.
pub fn draw(look: &Look, state: &State, key: &Key, area: Rect, buf: &mut Buffer) {
    header::draw(look, state, row(area, 0), buf);
    let (source, objects) = objects(state, key);
    let title = Words::of(look.strong(), "DIFF").and(look.dim(), format!("  {key}  {source}"));
    title.draw(from(row(area, 1), 1), buf);
    let mut lines = Vec::new();
    for object in &objects {
        lines.push(Words::of(bold(look.accent()), object.title.clone()));
        compare(look, object, usize::from(area.width.saturating_sub(2)), &mut lines);
        lines.push(Words::new());
    }
    if objects.is_empty() {
        lines.push(Words::of(look.dim(), "nothing to compare"));
    }
    scrolled(look, state, &lines, area, buf);
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
            Object { title, before: lines(&before), after: lines(after) }
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
            .map(|op| lines(&op["value"]))
            .next();
        let before = lines(&before);
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
    let before = older.map_or_else(Vec::new, |r| lines(&r.template.json.value()));
    let title = format!("Deployment {}, pod template", key.name);
    vec![Object { title, before, after: lines(&deployment.template.json.value()) }]
}

/// A value as indented lines, names first, other keys in alphabetical order, so that only what differs differs.
fn lines(value: &Value) -> Vec<String> {
    let mut out = Vec::new();
    print(value, 0, "", &mut out);
    out.truncate(LONGEST);
    out
}

fn print(value: &Value, indent: usize, lead: &str, out: &mut Vec<String>) {
    let pad = " ".repeat(indent);
    match value {
        Value::Object(map) if !map.is_empty() => {
            let mut keys: Vec<&String> = map.keys().collect();
            keys.sort_by_key(|key| (*key != "name", *key));
            for (n, key) in keys.into_iter().enumerate() {
                let lead = if n == 0 { lead.to_owned() } else { " ".repeat(lead.len()) };
                field(&map[key], indent, &lead, key, out);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for item in items {
                print(item, indent, &format!("{lead}- "), out);
            }
        }
        other => out.push(format!("{pad}{lead}{}", scalar(other))),
    }
}

fn field(value: &Value, indent: usize, lead: &str, key: &str, out: &mut Vec<String>) {
    let pad = " ".repeat(indent);
    match value {
        Value::Object(map) if !map.is_empty() => {
            out.push(format!("{pad}{lead}{key}:"));
            print(value, indent + lead.len() + 2, "", out);
        }
        Value::Array(items) if !items.is_empty() => {
            out.push(format!("{pad}{lead}{key}:"));
            print(value, indent + lead.len(), "", out);
        }
        Value::String(text) if text.contains('\n') => {
            out.push(format!("{pad}{lead}{key}: |"));
            let deeper = " ".repeat(indent + lead.len() + 2);
            out.extend(text.lines().map(|line| format!("{deeper}{line}")));
        }
        other => out.push(format!("{pad}{lead}{key}: {}", scalar(other))),
    }
}

fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The differing lines with a few around them.
fn compare(look: &Look, object: &Object, columns: usize, out: &mut Vec<Words>) {
    let (before, after) = (object.before.join("\n"), object.after.join("\n"));
    if before == after {
        out.push(Words::of(look.dim(), "  no difference"));
        return;
    }
    let diff = TextDiff::from_lines(&before, &after);
    for (n, group) in diff.grouped_ops(AROUND).iter().enumerate() {
        if n > 0 {
            out.push(Words::of(look.faint(), "  ···"));
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let (mark, style) = match change.tag() {
                ChangeTag::Delete => ("- ", look.attention()),
                ChangeTag::Insert => ("+ ", bold(look.text())),
                ChangeTag::Equal => ("  ", look.dim()),
            };
            let text = change.value().trim_end_matches('\n');
            let kept = text.trim_start();
            let indent = text.len() - kept.len();
            let clean = Clean::new(kept);
            let room = columns.saturating_sub(indent + 2).max(8);
            for (m, line) in wrap(clean.as_str(), room).into_iter().enumerate() {
                let mark = if m == 0 { mark } else { "  " };
                out.push(Words::of(style, format!("{mark}{}{line}", " ".repeat(indent))));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_template_is_printed_as_a_person_would_write_it() {
        let value = json!({"spec": {"containers": [
            {"image": "a:1", "name": "web", "env": [{"value": "5", "name": "POOL"}], "args": ["-v", "x"]},
        ], "empty": {}}, "text": "a\nb\n"});
        let expected = "spec:\n  containers:\n  - name: web\n    args:\n    - -v\n    - x\n    env:\n    - name: POOL\n      value: 5\n    image: a:1\n  empty: {}\ntext: |\n  a\n  b";
        assert_eq!(lines(&value).join("\n"), expected);
    }
}

//! One revision: who brought it and why, when it served and how well, what is remembered of it, and everything that it
//! changed, contents of ConfigMaps included where they are known.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::domain::clean::Clean;
use crate::domain::cluster::{Key, Uid};
use crate::domain::diff;
use crate::domain::format;
use crate::domain::verdict::Method;
use crate::engine::compare::{self, Side};
use crate::engine::event::PageShown;
use crate::engine::record::PastAction;
use crate::engine::revisions::{Mark, RevisionRow};
use crate::engine::state::State;
use crate::engine::view;
use crate::ui::look::{Look, bold};
use crate::ui::widgets::words::{Words, from, put, row};

use super::pods::hung;
use super::{evidence, footer, header};

/// Columns of the labels.
const LABEL: usize = 15;

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
    let timeline = view::timeline(state, workload);
    let Some(at) = timeline.iter().position(|row| row.uid == *uid) else {
        put(buf, from(row(area, 3), 1), "the revision is not there any more", look.dim());
        return PageShown::default();
    };
    let each = &timeline[at];
    let title = Words::of(look.strong(), "REVISION")
        .and(look.text(), format!("  {}", each.title()))
        .and(look.dim(), format!(" of {workload}"));
    title.draw(from(row(area, 1), 1), buf);
    let columns = usize::from(area.width.saturating_sub(2));
    let lines = Lines { look, state, workload, columns, lines: Vec::new() }.of(each, &timeline);
    let shown = evidence::scroll(look, state, &lines, 0, area, buf);
    let mut keys = vec![("pods", "its pods")];
    if each.mark != Mark::Current {
        keys.push(("diff", "compare with current"));
    }
    keys.extend([("up", "scroll"), ("page_down", "page"), ("help", "help"), ("back", "back")]);
    footer::draw(look, "page", &keys, row(area, area.height.saturating_sub(1)), buf);
    shown
}

struct Lines<'a> {
    look: &'a Look,
    state: &'a State,
    workload: &'a Key,
    columns: usize,
    lines: Vec<Words>,
}

impl Lines<'_> {
    fn say(&mut self, label: &str, words: Words) {
        let head = Words::of(self.look.dim(), label);
        self.lines.extend(hung(head, words.wrap(self.columns.saturating_sub(LABEL)), LABEL));
    }

    fn text(&mut self, label: &str, text: impl Into<String>) {
        let words = Words::of(self.look.text(), text);
        self.say(label, words);
    }

    fn of(mut self, each: &RevisionRow, timeline: &[RevisionRow]) -> Vec<Words> {
        self.identity(each);
        self.served(each);
        self.record(each);
        self.lines.push(Words::new());
        self.changes(each);
        self.contents(each, timeline);
        self.lines
    }

    fn identity(&mut self, each: &RevisionRow) {
        let number = each.number.map_or("no number".into(), |n| format!("number {n}"));
        self.text("ReplicaSet", format!("{} · {number}", each.name));
        for (n, image) in each.images.iter().enumerate() {
            self.text(if n == 0 { "image" } else { "" }, image.as_str());
        }
        let look = self.look;
        let by = match &each.client {
            Some(client) => Words::of(look.text(), format!("{client} (client: a program, not a person)")),
            None => Words::of(look.dim(), "not known: managedFields tell of the newest template only"),
        };
        self.say("brought by", by);
        if let Some(claim) = &each.claim {
            self.text("claimed cause", format!("“{claim}” (change-cause: what somebody wrote)"));
        }
        if let Some(at) = each.began {
            self.text("rolled out", format::since(at, self.state.now));
        }
    }

    fn served(&mut self, each: &RevisionRow) {
        let look = self.look;
        let stretches: Vec<String> = each
            .served
            .stretches
            .iter()
            .rev()
            .take(4)
            .map(|(from, to)| {
                let now = self.state.now;
                format!(
                    "{} to {} ({})",
                    format::since(*from, now),
                    format::since(*to, now),
                    format::span(*to - *from)
                )
            })
            .collect();
        let more = each.served.stretches.len().saturating_sub(4);
        let more = if more > 0 { format!(", and {more} times before") } else { String::new() };
        let how = if each.served.by_pod { "by its pods" } else { "by creation times" };
        let text = if stretches.is_empty() {
            "never, as far as is known".to_owned()
        } else {
            format!("{} in all: {}{more} ({how})", format::span(each.served.length()), stretches.join("; "))
        };
        self.text("served", text);
        let counts = match each.counts {
            Some(counts) if counts.total > 0.0 => {
                let ratio = counts.bad / counts.total;
                let method =
                    if each.method == Method::ByPod { "counted by pod" } else { "by time: all pods" };
                let budget = self.budget();
                let (style, word) = match budget {
                    Some(budget) if ratio > budget => (bold(look.bad()), "✕ missed the objective, "),
                    Some(_) => (look.good(), "✓ kept the objective, "),
                    None => (look.text(), ""),
                };
                Words::of(style, format!("{word}{} failed", format::bad_of(counts.bad, counts.total)))
                    .and(look.text(), format!(", {} ({method})", format::percent(ratio)))
            }
            Some(_) => Words::of(look.dim(), "no requests"),
            None => Words::of(look.dim(), "no counts"),
        };
        self.say("SLI meanwhile", counts);
    }

    fn budget(&self) -> Option<f64> {
        let of = |found: &Result<(Key, _), _>| matches!(found, Ok((key, _)) if key == self.workload);
        let slo = self.state.mapped.iter().find(|(_, found)| of(found));
        slo.and_then(|(id, _)| self.state.world.slos.get(id)).and_then(|slo| slo.budget())
    }

    /// What is remembered of it: marks, and what goaround's own record says.
    fn record(&mut self, each: &RevisionRow) {
        let look = self.look;
        let mark = match &each.mark {
            Mark::Current => Some(Words::of(look.strong(), "● current")),
            Mark::LastGood => Some(Words::of(look.good(), "◆ last known good")),
            Mark::Bad => Some(Words::of(bold(look.bad()), "✕ measured bad")),
            Mark::RolledBack(at) => Some(Words::of(
                look.attention(),
                format!("✕ rolled back from {}", format::since(*at, self.state.now)),
            )),
            Mark::Plain => None,
        };
        if let Some(mark) = mark {
            self.say("mark", mark);
        }
        let actions: Vec<PastAction> = self.state.actions_here();
        let of = self.workload.to_string();
        for action in actions.iter().rev().filter(|action| action.workload == of) {
            let left = action.left_template == each.digest;
            let brought = action.written_template == each.digest;
            if !(left || brought) || !action.executed {
                continue;
            }
            let what = if left { "left" } else { "brought back" };
            let outcome = action.outcome.as_deref().unwrap_or("outcome not recorded yet").to_uppercase();
            let reason = Clean::new(&action.reason);
            let reason = if reason.is_empty() { String::new() } else { format!(": “{reason}”") };
            let text = format!(
                "{what} {} by {}, {} ({}), {outcome}{reason}",
                format::since(action.time, self.state.now),
                action.by,
                action.offer,
                action.verdict
            );
            self.text("in the record", text);
        }
    }

    fn changes(&mut self, each: &RevisionRow) {
        let look = self.look;
        self.lines.push(Words::of(look.strong(), "WHAT IT CHANGED").and(
            look.dim(),
            if each.changes.is_empty() {
                "  nothing is known: no older revision is here"
            } else {
                "  against the revision before it"
            },
        ));
        for change in &each.changes {
            let field = Words::of(look.accent(), change.field.as_str());
            let words = match (&change.before, &change.after) {
                (Some(before), Some(after)) => field
                    .and(look.dim(), "  - ")
                    .and(look.attention(), before.as_str())
                    .and(look.dim(), "  + ")
                    .and(bold(look.text()), after.as_str()),
                (None, Some(after)) => field.and(look.dim(), "  + ").and(bold(look.text()), after.as_str()),
                (Some(before), None) => field.and(look.dim(), "  - ").and(look.attention(), before.as_str()),
                (None, None) => field,
            };
            self.lines.extend(hung(
                Words::of(look.dim(), "·"),
                words.wrap(self.columns.saturating_sub(2)),
                2,
            ));
        }
    }

    /// ConfigMaps that it refers to: what they held while it served, against what they hold now.
    fn contents(&mut self, each: &RevisionRow, timeline: &[RevisionRow]) {
        let look = self.look;
        let current = timeline.iter().find(|row| row.mark == Mark::Current);
        let Some(current) = current.filter(|current| current.uid != each.uid) else { return };
        let objects = compare::revisions(self.state, self.workload, &each.uid, &current.uid);
        let configs: Vec<_> = objects.iter().skip(1).collect();
        if configs.is_empty() {
            return;
        }
        self.lines.push(Words::new());
        self.lines.push(
            Words::of(look.strong(), "CONFIGMAPS")
                .and(look.dim(), "  while it served, against the current revision"),
        );
        for object in configs {
            let name = object.title.trim_start_matches("ConfigMap ");
            match (&object.before, &object.after) {
                (Side::Known(before, how), Side::Known(after, _)) => {
                    let how = if how.is_empty() { String::new() } else { format!(" ({how})") };
                    let changes = diff::contents(name, before, after);
                    if changes.is_empty() {
                        self.text("", format!("{name}: the same content{how}"));
                    }
                    for change in changes {
                        self.text("", format!("{}{how}", diff::shown(&change)));
                    }
                }
                (Side::Unknown(why), _) | (_, Side::Unknown(why)) => {
                    let words = Words::of(look.attention(), format!("{name}: {why}"));
                    self.say("", words);
                }
                (Side::Absent, _) => self.text("", format!("{name}: not referred to by this revision")),
                (_, Side::Absent) => {
                    self.text("", format!("{name}: not referred to by the current revision"))
                }
            }
        }
    }
}

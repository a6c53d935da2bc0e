//! The rationale on the card: the computed one, which is there from the first frame, and beside it what the model says,
//! while it says it. It decides nothing about the rows above it.

use chrono::TimeDelta;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::domain::advice::{Answer, Dissent, Said};
use crate::domain::claims::Mark;
use crate::domain::clean::Clean;
use crate::domain::cluster::Key;
use crate::domain::format;
use crate::engine::gate::Proposal;
use crate::engine::opinion::{Opinion, Written};
use crate::engine::state::State;
use crate::ui::look::{Look, bold};
use crate::ui::widgets::said;
use crate::ui::widgets::text::{fit, wrap_within};
use crate::ui::widgets::words::{Words, row};

use super::effects::LABEL;

/// Rows of the computed rationale.
const TEMPLATE: usize = 3;
/// Rows of the model's.
const MODEL: usize = 9;

/// What of it is on the card.
pub struct Rationale {
    template: Vec<Words>,
    model: Vec<Words>,
    /// The model's in two rows and in one, where there are no more.
    two: Vec<Words>,
    one: Option<Words>,
}

impl Rationale {
    /// Of the card of `key`. `acts`: the computed reason is not told elsewhere on the card.
    pub fn of(look: &Look, state: &State, key: &Key, proposal: &Proposal, columns: u16, acts: bool) -> Self {
        let counsel = state.counsel.get(key).filter(|c| c.about == proposal.digest);
        let newest = counsel.and_then(|c| c.opinions.last());
        let width = usize::from(columns.saturating_sub(LABEL));
        let template = match counsel.and_then(|c| c.written.as_ref()) {
            Some(written) => self::written(look, written, width),
            None if acts => template(look, proposal.analysis.reason.as_str(), width),
            None => Vec::new(),
        };
        Self {
            template,
            model: newest.map_or_else(Vec::new, |o| model(look, state, o, width)),
            two: newest.map_or_else(Vec::new, |o| two(look, state, o, width)),
            one: newest.map(|o| one(look, state, o, width)),
        }
    }

    /// Rows without which it is cut: the computed one, and the model's first two.
    pub fn least(&self) -> u16 {
        self.template.len().min(1) as u16 + self.two.len() as u16
    }

    /// Rows of all of it.
    pub fn height(&self) -> u16 {
        (self.template.len() + self.model.len()) as u16
    }

    /// Draws as much as there is room for; the model's part keeps at least a row.
    pub fn draw(&self, area: Rect, buf: &mut Buffer) {
        let room = usize::from(area.height);
        let columns = usize::from(area.width);
        let lines: Vec<Words> = match (&self.one, room) {
            (_, 0) => return,
            _ if room >= self.template.len() + self.model.len() => {
                self.template.iter().chain(&self.model).cloned().collect()
            }
            (None, _) => some(&self.template, room, columns),
            (Some(one), 1) => vec![one.clone()],
            (Some(one), 2) => some(&self.template, 1, columns).into_iter().chain([one.clone()]).collect(),
            (Some(_), 3 | 4) => {
                some(&self.template, room - 2, columns).into_iter().chain(self.two.clone()).collect()
            }
            (Some(_), _) => {
                let own = self.template.len().min(room.saturating_sub(self.model.len()).max(1));
                let model = some(&self.model, room - own, columns);
                some(&self.template, own, columns).into_iter().chain(model).collect()
            }
        };
        for (n, line) in lines.iter().enumerate() {
            line.draw(row(area, n as u16), buf);
        }
    }
}

/// As many of `lines` as there are rows; the last one says that there is more.
fn some(lines: &[Words], rows: usize, columns: usize) -> Vec<Words> {
    let mut shown: Vec<Words> = lines.iter().take(rows).cloned().collect();
    if let (true, Some(last)) = (shown.len() < lines.len(), shown.last_mut()) {
        let line = std::mem::take(last).and(Default::default(), " …");
        *last = line.cut(columns);
    }
    shown
}

fn labelled(look: &Look, label: &str, lines: Vec<Words>) -> Vec<Words> {
    let width = usize::from(LABEL);
    let label = fit(label, width - 1);
    let head = |n: usize| format!("{:<width$}", if n == 0 { label.as_str() } else { "" });
    let row = |(n, line): (usize, Words)| {
        let mut words = Words::of(look.dim(), head(n));
        words.append(line);
        words
    };
    lines.into_iter().enumerate().map(row).collect()
}

fn template(look: &Look, reason: &str, width: usize) -> Vec<Words> {
    let lines = wrap_within(&format!("“{reason}”"), width, TEMPLATE);
    labelled(look, "template", lines.into_iter().map(|l| Words::of(look.dim(), l)).collect())
}

fn written(look: &Look, written: &Written, width: usize) -> Vec<Words> {
    let text = written.lines.iter().map(Clean::as_str).collect::<Vec<_>>().join(" ");
    let lines = wrap_within(&format!("“{text}”"), width, TEMPLATE);
    let by = written.by.as_str().split('@').next().unwrap_or_default();
    labelled(look, &format!("by {by}"), lines.into_iter().map(|l| Words::of(look.text(), l)).collect())
}

/// Status, then sentences.
fn model(look: &Look, state: &State, opinion: &Opinion, width: usize) -> Vec<Words> {
    let mut lines = status(look, state, opinion).wrap(width);
    for said in heard(opinion) {
        lines.extend(said::words(look, said).wrap(width));
    }
    lines.truncate(MODEL);
    labelled(look, opinion.model.as_str(), lines)
}

/// The sentence that matters most: the first that is wrong, else the one that is being written, else the first.
fn telling(opinion: &Opinion) -> Option<&Said> {
    let wrong = |said: &&Said| said.claims.iter().any(|c| matches!(c.mark, Mark::Contradicted { .. }));
    let first = if opinion.under_way() { heard(opinion).last() } else { heard(opinion).next() };
    heard(opinion).find(wrong).or(first)
}

/// Share of claims and agreement, then the sentence that matters most, a row each.
fn two(look: &Look, state: &State, opinion: &Opinion, width: usize) -> Vec<Words> {
    let rows = match (opinion.answer(), telling(opinion)) {
        (Some(answer), Some(said)) => {
            vec![agreement(look, opinion, answer).cut(width), said::words(look, said).cut(width)]
        }
        (None, Some(said)) if opinion.under_way() => {
            vec![status(look, state, opinion).cut(width), said::words(look, said).cut(width)]
        }
        _ => some(&status(look, state, opinion).wrap(width), 2, width),
    };
    labelled(look, opinion.model.as_str(), rows)
}

/// The sentence that matters most, and the share of claims, in one row.
fn one(look: &Look, state: &State, opinion: &Opinion, width: usize) -> Words {
    let line = match (telling(opinion), opinion.answer()) {
        (Some(said), Some(answer)) => {
            let tally = answer.tally();
            let dissents = dissent(look, opinion, answer).map_or(String::new(), |_| " DISSENTS".into());
            let end = format!("  {}/{} claims{dissents}", tally.confirmed, tally.all());
            let words = said::words(look, said).cut(width.saturating_sub(end.chars().count()));
            let style = if tally.contradicted > 0 { bold(look.attention()) } else { look.dim() };
            words.and(style, end)
        }
        (Some(said), None) if opinion.under_way() => said::words(look, said),
        _ => status(look, state, opinion),
    };
    labelled(look, opinion.model.as_str(), vec![line]).remove(0)
}

/// The sentences of the answer, or what was heard of it so far.
fn heard(opinion: &Opinion) -> impl Iterator<Item = &Said> {
    let answered = opinion.answer().map(|a| a.sentences.as_slice());
    answered.unwrap_or(&opinion.draft).iter()
}

/// How it stands, in one line: share of claims, agreement, confidence, seconds, tokens.
pub fn status(look: &Look, state: &State, opinion: &Opinion) -> Words {
    let Some(ending) = &opinion.ending else {
        return under_way(look, state, opinion);
    };
    let took = format!("{:.1} s", ending.took.num_milliseconds() as f64 / 1e3);
    let tokens = match (ending.usage.prompt, ending.usage.answer) {
        (Some(prompt), Some(answer)) => format!(" · {prompt} + {answer} tokens"),
        _ => String::new(),
    };
    let answer = match &ending.answer {
        Ok(answer) => answer,
        Err(why) => return Words::of(look.attention(), why.as_str()).and(look.dim(), format!(" · {took}")),
    };
    let words = agreement(look, opinion, answer);
    let repaired = if ending.repaired.is_some() { " · repaired once" } else { "" };
    let rest = format!(" · {} confidence · {took}{tokens}{repaired}", answer.confidence.word());
    words.and(look.dim(), rest)
}

/// The share of claims, and whether it agrees.
fn agreement(look: &Look, opinion: &Opinion, answer: &Answer) -> Words {
    let tally = answer.tally();
    let style = if tally.contradicted > 0 { bold(look.attention()) } else { look.dim() };
    let mut words = Words::of(style, tally.words());
    words.push(look.dim(), " · ");
    words.append(dissent(look, opinion, answer).unwrap_or_else(|| Words::of(look.dim(), "agrees")));
    words
}

fn under_way(look: &Look, state: &State, opinion: &Opinion) -> Words {
    let elapsed = TimeDelta::from_std(state.mono.saturating_sub(opinion.asked)).unwrap_or_default();
    let tokens =
        opinion.sent.as_ref().map_or(String::new(), |(_, tokens)| format!(", about {tokens} tokens sent"));
    let does = match (&opinion.again, &opinion.repair, opinion.tools.last(), opinion.draft.is_empty()) {
        (_, _, _, false) => "answers".to_owned(),
        (_, Some(why), _, _) => format!("is asked once more: {why}"),
        (Some(why), _, _, _) => format!("is tried again: {why}"),
        (_, _, Some(tool), _) if tool.result.is_none() => format!("reads {}", tool.call),
        _ if opinion.sent.is_some() => "is asked".into(),
        _ => "is being asked".into(),
    };
    let stop = look.key_of("card", "stop").unwrap_or_default();
    Words::of(look.accent(), format!("{does} · {}{tokens} · ", format::elapsed(elapsed)))
        .and(look.key(), stop)
        .and(look.dim(), " stops it")
}

/// In what it differs from what was computed, in words.
fn dissent(look: &Look, opinion: &Opinion, answer: &Answer) -> Option<Words> {
    let brief = &opinion.brief;
    let found = Dissent::of(answer, brief.verdict, brief.offer, brief.target)?;
    let action = match answer.target {
        Some(target) => format!("{} to revision {target}", answer.action.word()),
        None => answer.action.word().to_owned(),
    };
    let says = match found {
        Dissent::Cause => format!("DISSENTS: cause {}", answer.cause),
        Dissent::Action => format!("DISSENTS: {action}"),
        Dissent::Both => format!("DISSENTS: cause {}, {action}", answer.cause),
    };
    Some(Words::of(bold(look.attention()), says))
}

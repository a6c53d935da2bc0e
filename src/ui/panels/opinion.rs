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
use crate::engine::opinion::{Counsel, Opinion, Written};
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
    /// The model's in one row, where there is only one.
    short: Option<Words>,
}

impl Rationale {
    /// Of the card of `key`. `acts`: the computed reason is not told elsewhere on the card.
    pub fn of(look: &Look, state: &State, key: &Key, proposal: &Proposal, columns: u16, acts: bool) -> Self {
        let counsel = state.counsel.get(key).filter(|c| c.about == proposal.digest);
        let width = usize::from(columns.saturating_sub(LABEL));
        let template = match counsel.and_then(|c| c.written.as_ref()) {
            Some(written) => self::written(look, written, width),
            None if acts => template(look, proposal.analysis.reason.as_str(), width),
            None => Vec::new(),
        };
        let opinion = counsel.and_then(Counsel::rationale);
        let newest = counsel.and_then(|c| c.opinions.last()).or(opinion);
        Self {
            template,
            model: newest.map_or_else(Vec::new, |o| model(look, state, o, width)),
            short: opinion.map(|o| short(look, state, o, width)),
        }
    }

    /// Rows without which it is cut: the computed one, and the model's first two.
    pub fn least(&self) -> u16 {
        self.template.len().min(1) as u16 + self.model.len().min(2) as u16
    }

    /// Rows of all of it.
    pub fn height(&self) -> u16 {
        (self.template.len() + self.model.len()) as u16
    }

    /// Draws as much as there is room for; the model's part keeps at least a row.
    pub fn draw(&self, area: Rect, buf: &mut Buffer) {
        let room = usize::from(area.height);
        let lines: Vec<&Words> = match (&self.short, room) {
            (_, 0) => return,
            (Some(short), 1) => vec![short],
            (Some(short), 2) => self.template.iter().take(1).chain([short]).collect(),
            _ => {
                let own = self.template.len().min(room - self.model.len().min(room - 1).min(2));
                self.template.iter().take(own).chain(&self.model).take(room).collect()
            }
        };
        let cut = lines.len() < self.template.len() + self.model.len();
        for (n, line) in lines.iter().enumerate() {
            let place = row(area, n as u16);
            if cut && n + 1 == lines.len() && self.short.is_none() {
                let line = (*line).clone().and(Default::default(), " …");
                line.cut(usize::from(area.width)).draw(place, buf);
            } else {
                line.draw(place, buf);
            }
        }
    }
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
    let mut lines = vec![status(look, state, opinion)];
    for said in heard(opinion) {
        lines.extend(said::words(look, said).wrap(width));
    }
    lines.truncate(MODEL);
    labelled(look, opinion.model.as_str(), lines)
}

/// The sentence that matters most, and the share of claims, in one row.
fn short(look: &Look, state: &State, opinion: &Opinion, width: usize) -> Words {
    let wrong = |said: &&Said| said.claims.iter().any(|c| matches!(c.mark, Mark::Contradicted { .. }));
    let sentence = heard(opinion).find(wrong).or_else(|| heard(opinion).next());
    let line = match (sentence, opinion.answer()) {
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
    let tally = answer.tally();
    let style = if tally.contradicted > 0 { bold(look.attention()) } else { look.dim() };
    let mut words = Words::of(style, tally.words());
    words.push(look.dim(), " · ");
    words.append(dissent(look, opinion, answer).unwrap_or_else(|| Words::of(look.dim(), "agrees")));
    let repaired = if ending.repaired.is_some() { " · repaired once" } else { "" };
    let rest = format!(" · {} confidence · {took}{tokens}{repaired}", answer.confidence.word());
    words.and(look.dim(), rest)
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

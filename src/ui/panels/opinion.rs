//! The rationale on the card: the computed one, which is there from the first frame, and beside it what the model says,
//! while it says it. It decides nothing about the rows above it.

use std::time::Duration;

use chrono::TimeDelta;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::domain::advice::{Answer, Dissent, Purpose, Said};
use crate::domain::claims::Mark;
use crate::domain::clean::Clean;
use crate::domain::cluster::Key;
use crate::domain::format;
use crate::engine::gate::Proposal;
use crate::engine::opinion::{self, Counsel, Opinion, Written};
use crate::engine::state::State;
use crate::ui::look::{Look, bold};
use crate::ui::widgets::said;
use crate::ui::widgets::text::{fit, wrap_within};
use crate::ui::widgets::words::{Words, row};

use super::effects::LABEL;

/// Rows of the computed rationale.
const TEMPLATE: usize = 3;
/// An answer older than this is about older figures, and says so.
const OLD: Duration = Duration::from_secs(60);
/// Rows of the model's.
const MODEL: usize = 9;

/// What of it is on the card.
pub struct Rationale {
    template: Vec<Words>,
    model: Vec<Words>,
    /// A model is asked about cards: its rows are kept free from the first frame on, so that nothing moves when it speaks.
    on: bool,
    /// The model's in two rows and in one, where there are no more.
    two: Vec<Words>,
    one: Option<Words>,
}

impl Rationale {
    /// Of the card of `key`. `acts`: the computed reason is not told elsewhere on the card.
    pub fn of(look: &Look, state: &State, key: &Key, proposal: &Proposal, columns: u16, acts: bool) -> Self {
        let counsel = state.counsel.get(key).filter(|c| c.about == proposal.digest);
        let shown = counsel.and_then(Counsel::shown);
        let asking =
            counsel.and_then(Counsel::under_way).filter(|o| shown.is_none_or(|s| s.brief.id != o.brief.id));
        let card = Card { look, state, proposal, asking };
        let width = usize::from(columns.saturating_sub(LABEL));
        let mut template = match acts {
            true => template(look, proposal.analysis.reason.as_str(), width),
            false => Vec::new(),
        };
        if let Some(written) = counsel.and_then(|c| c.written.as_ref()) {
            template.extend(self::written(look, written, width));
        }
        Self {
            template,
            model: shown.map_or_else(Vec::new, |o| card.model(o, width)),
            on: state.setup.advisor.is_some() || shown.is_some(),
            two: shown.map_or_else(Vec::new, |o| card.two(o, width)),
            one: shown.map(|o| card.one(o, width)),
        }
    }

    /// Rows of the computed one without which it is cut.
    pub fn least(&self) -> u16 {
        self.template.len().min(1) as u16
    }

    /// Rows of the model's without which it is cut, whatever it has said by now.
    pub fn least_model(&self) -> u16 {
        if self.on { 2 } else { 0 }
    }

    /// Rows that it can fill, whatever the model has said by now.
    pub fn most(&self) -> u16 {
        self.template.len() as u16 + if self.on { MODEL as u16 } else { 0 }
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

/// What the model's rows are drawn from.
struct Card<'a> {
    look: &'a Look,
    state: &'a State,
    proposal: &'a Proposal,
    /// Something else that it is asked meanwhile.
    asking: Option<&'a Opinion>,
}

impl Card<'_> {
    /// Status, then sentences.
    fn model(&self, opinion: &Opinion, width: usize) -> Vec<Words> {
        let mut lines = self.status(opinion).wrap(width);
        for said in heard(opinion) {
            lines.extend(self.sentence(opinion, said).wrap(width));
        }
        labelled_by(self.look, opinion, some(&lines, MODEL, width))
    }

    /// Share of claims and agreement, then the sentence that matters most, a row each.
    fn two(&self, opinion: &Opinion, width: usize) -> Vec<Words> {
        let rows = match (opinion.answer(), telling(opinion)) {
            (Some(answer), Some(said)) => {
                vec![self.agreement(answer).cut(width), in_a_row(self.look, said, width)]
            }
            (None, Some(said)) if opinion.under_way() => {
                vec![self.status(opinion).cut(width), self.sentence(opinion, said).cut(width)]
            }
            _ => some(&self.status(opinion).wrap(width), 2, width),
        };
        labelled_by(self.look, opinion, rows)
    }

    /// The sentence that matters most, and the share of claims, in one row.
    fn one(&self, opinion: &Opinion, width: usize) -> Words {
        let look = self.look;
        let line = match (telling(opinion), opinion.answer()) {
            (Some(said), Some(answer)) => {
                let tally = answer.tally();
                let dissents = opinion::differs(answer, self.proposal).map_or("", |_| " DISSENTS");
                let end = format!("  {}/{} claims{dissents}", tally.confirmed, tally.all());
                let words = in_a_row(look, said, width.saturating_sub(end.chars().count()));
                let style = if tally.contradicted > 0 { bold(look.attention()) } else { look.dim() };
                words.and(style, end)
            }
            (Some(said), None) if opinion.under_way() => self.sentence(opinion, said),
            _ => self.status(opinion),
        };
        labelled_by(look, opinion, vec![line]).remove(0)
    }

    fn status(&self, opinion: &Opinion) -> Words {
        let mut words = status(self.look, self.state, opinion, Some(self.proposal));
        if let Some(asking) = self.asking {
            let what = match asking.brief.purpose {
                Purpose::Rationale => " · is asked anew",
                Purpose::Question(_) => " · answers a question",
            };
            words.push(self.look.accent(), what);
        }
        words
    }

    /// A sentence with its marks; one that is still being written has none, and is seen to have none.
    fn sentence(&self, opinion: &Opinion, said: &Said) -> Words {
        let last = opinion.draft.last().is_some_and(|last| std::ptr::eq(last, said));
        if opinion.under_way() && last && said.claims.is_empty() {
            return said::unchecked(self.look, said);
        }
        said::words(self.look, said)
    }

    fn agreement(&self, answer: &Answer) -> Words {
        agreement(self.look, answer, opinion::differs(answer, self.proposal))
    }
}

/// Words that the card itself has in this column.
const OURS: [&str; 9] =
    ["template", "changes", "NOT restored", "then", "also", "why", "last action", "pass", "FAIL"];

/// Labelled by the model's name; one that reads like a label of ours is seen to be a name.
fn labelled_by(look: &Look, opinion: &Opinion, lines: Vec<Words>) -> Vec<Words> {
    let name = opinion.model.as_str();
    let ours = OURS.iter().any(|label| label.eq_ignore_ascii_case(name.trim())) || name.starts_with("by ");
    let label = if ours { format!("“{name}”") } else { name.to_owned() };
    labelled(look, &label, lines)
}

/// The sentence that matters most: the first that is wrong, else the one that is being written, else the first.
fn telling(opinion: &Opinion) -> Option<&Said> {
    let wrong = |said: &&Said| said.claims.iter().any(|c| matches!(c.mark, Mark::Contradicted { .. }));
    let first = if opinion.under_way() { heard(opinion).last() } else { heard(opinion).next() };
    heard(opinion).find(wrong).or(first)
}

/// The sentence in one row. Where it is too long, it begins so late that what is wrong in it is seen with what is true.
fn in_a_row(look: &Look, said: &Said, columns: usize) -> Words {
    let whole = said::words(look, said);
    let wrong = said.claims.iter().find(|c| matches!(c.mark, Mark::Contradicted { .. }));
    let (Some(wrong), true) = (wrong, whole.width() > columns) else { return whole.cut(columns) };
    let text = said.text.as_str();
    let starts = text.match_indices(' ').map(|(at, _)| at + 1).take_while(|at| *at <= wrong.span.start);
    // As early as it can begin and still show what is wrong and what is true.
    let shown = |at: usize| said::words(look, &part(said, at, wrong.span.end)).width() + 3 <= columns;
    let begin = [0].into_iter().chain(starts).find(|at| shown(*at)).unwrap_or(wrong.span.start);
    let mut row = Words::of(look.dim(), if begin > 0 { "… " } else { "" });
    row.append(said::words(look, &part(said, begin, text.len())));
    row.cut(columns)
}

/// The sentence from a byte to another, with the claims that are whole in it.
fn part(said: &Said, from: usize, to: usize) -> Said {
    let text = Clean::new(said.text.as_str().get(from..to).unwrap_or_default());
    let claims = said.claims.iter().filter(|c| c.span.start >= from && c.span.end <= to).cloned();
    let claims = claims.map(|mut claim| {
        claim.span = claim.span.start - from..claim.span.end - from;
        claim
    });
    let evidence = if to == said.text.as_str().len() { said.evidence.clone() } else { Vec::new() };
    Said { claims: claims.collect(), text, evidence }
}

/// The sentences of the answer, or what was heard of it so far. What did not hold is not on the card.
fn heard(opinion: &Opinion) -> impl Iterator<Item = &Said> {
    let answered = opinion.answer().map(|a| a.sentences.as_slice());
    let heard = if opinion.under_way() { opinion.draft.as_slice() } else { &[] };
    answered.unwrap_or(heard).iter()
}

/// How it stands, in one line: share of claims, agreement with the card or with what it was asked about, confidence,
/// seconds, tokens, age.
pub fn status(look: &Look, state: &State, opinion: &Opinion, proposal: Option<&Proposal>) -> Words {
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
    let brief = &opinion.brief;
    let found = match proposal {
        Some(proposal) => opinion::differs(answer, proposal),
        None => Dissent::of(answer, brief.verdict, brief.offer, brief.target),
    };
    let mut words = agreement(look, answer, found);
    words.push(look.dim(), format!(" · {} confidence · {took}{tokens}", answer.confidence.word()));
    if let Some(why) = &ending.repaired {
        words.push(look.dim(), format!(" · repaired once: {why}"));
    }
    if !ending.model.is_empty() && ending.model != opinion.model {
        words.push(look.attention(), format!(" · answered by {}", ending.model));
    }
    let age = state.mono.saturating_sub(opinion.asked);
    if age >= OLD {
        let age = format::elapsed(TimeDelta::from_std(age).unwrap_or_default());
        words.push(look.attention(), format!(" · asked {age} ago, about the figures of then"));
    }
    words
}

/// The share of claims, and whether it agrees.
fn agreement(look: &Look, answer: &Answer, found: Option<Dissent>) -> Words {
    let tally = answer.tally();
    let style = if tally.contradicted > 0 { bold(look.attention()) } else { look.dim() };
    let mut words = Words::of(style, tally.words());
    words.push(look.dim(), " · ");
    words.append(found.map_or_else(|| Words::of(look.dim(), "agrees"), |found| dissent(look, answer, found)));
    words
}

fn under_way(look: &Look, state: &State, opinion: &Opinion) -> Words {
    let elapsed = TimeDelta::from_std(state.mono.saturating_sub(opinion.asked)).unwrap_or_default();
    let tokens: u64 = opinion.sent.iter().map(|(_, tokens)| tokens).sum();
    let tokens = if tokens == 0 { String::new() } else { format!(", about {tokens} tokens sent") };
    let does = match (&opinion.again, &opinion.repair, opinion.tools.last(), opinion.draft.is_empty()) {
        (_, Some(why), _, false) => format!("answers once more, because {why}"),
        (_, _, _, false) => "answers".to_owned(),
        (_, Some(why), _, _) => format!("is asked once more: {why}"),
        (Some(why), _, _, _) => format!("is tried again: {why}"),
        (_, _, Some(tool), _) if tool.result.is_none() => format!("reads {}", tool.call),
        _ if !opinion.sent.is_empty() => "is asked".into(),
        _ => "is being asked".into(),
    };
    let stop = look.key_of("card", "stop").unwrap_or_default();
    Words::of(look.accent(), format!("{does} · {}{tokens} · ", format::elapsed(elapsed)))
        .and(look.key(), stop)
        .and(look.dim(), " stops it")
}

/// In what it differs from what was computed, in words.
fn dissent(look: &Look, answer: &Answer, found: Dissent) -> Words {
    let action = match answer.target {
        Some(target) => format!("{} to revision {target}", answer.action.word()),
        None => answer.action.word().to_owned(),
    };
    let says = match found {
        Dissent::Cause => format!("DISSENTS: cause {}", answer.cause),
        Dissent::Action => format!("DISSENTS: action {action}"),
        Dissent::Both => format!("DISSENTS: cause {}, action {action}", answer.cause),
    };
    Words::of(bold(look.attention()), says)
}

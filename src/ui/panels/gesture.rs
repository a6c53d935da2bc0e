//! Where the person is on the way to a decision: what disables approving, what was not read yet, the reason, the token,
//! the rejection. The token is drawn only while it is asked for.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::domain::clean::Clean;
use crate::engine::courtesy;
use crate::engine::gate::{Gesture, Proposal, TOKEN};
use crate::engine::quorum;
use crate::engine::settle;
use crate::engine::state::State;
use crate::ui::look::{Look, bold};
use crate::ui::widgets::text::{fit, tail, width, wrap_within};
use crate::ui::widgets::words::{Words, row};

/// Rows that blocks may take: one each, all of them where there is only one.
const BLOCKS: usize = 3;

/// The lines of the zone above the keys.
pub fn lines(
    look: &Look,
    state: &State,
    proposal: &Proposal,
    large_enough: bool,
    columns: u16,
) -> Vec<Words> {
    let mut lines = Vec::new();
    let columns = usize::from(columns);
    if let Some(who) = courtesy::words(state, &proposal.analysis.workload) {
        lines.push(Words::of(bold(look.attention()), fit(&who, columns)));
    }
    if let Some(who) = quorum::words(state, &proposal.analysis.workload, &proposal.digest) {
        lines.push(Words::of(look.accent(), fit(&who, columns)));
    }
    let told = lines.len();
    match &proposal.gesture {
        Gesture::Reason(text) => reason(look, proposal, text, columns, &mut lines),
        Gesture::Token { typed, .. } if large_enough => lines.push(token(look, &proposal.token, typed)),
        Gesture::Rejecting(text) => lines.push(field(look, "reject because", text, columns)),
        Gesture::Settling(text) => lines.push(field(look, "what happened", text, columns)),
        _ => {}
    }
    if !large_enough && proposal.analysis.offer.acts() {
        let small = "the screen is smaller than 80x24: approving is disabled";
        lines.push(Words::of(bold(look.attention()), small));
    }
    if proposal.gesture == Gesture::Idle {
        blocks(look, proposal, columns, &mut lines);
    }
    if let Some(note) = &proposal.note {
        for line in wrap_within(note.as_str(), columns, 2) {
            lines.push(Words::of(bold(look.attention()), line));
        }
    } else if lines.len() == told {
        lines.push(idle(look, state, proposal));
    }
    lines
}

/// What disables approving.
fn blocks(look: &Look, proposal: &Proposal, columns: usize, lines: &mut Vec<Words>) {
    let analysis = &proposal.analysis;
    if !analysis.offer.acts() {
        return;
    }
    const LABEL: &str = "CANNOT BE APPROVED ";
    let more = analysis.blocks.len().saturating_sub(BLOCKS);
    for (n, block) in analysis.blocks.iter().take(BLOCKS).enumerate() {
        let rows = if analysis.blocks.len() == 1 { BLOCKS } else { 1 };
        for (m, line) in
            wrap_within(block.as_str(), columns.saturating_sub(LABEL.len()), rows).iter().enumerate()
        {
            let label = if n == 0 && m == 0 { LABEL.to_owned() } else { " ".repeat(LABEL.len()) };
            let last = n + 1 == BLOCKS && more > 0;
            let line = if last { format!("{line}  +{more} more (v)") } else { line.clone() };
            lines.push(Words::of(bold(look.bad()), label).and(look.text(), line));
        }
    }
}

fn idle(look: &Look, state: &State, proposal: &Proposal) -> Words {
    if proposal.gesture == Gesture::Decided {
        return Words::of(look.attention(), "decided: everything is read once more before anything is sent");
    }
    if !proposal.analysis.offer.acts() {
        let back = look.key_of("card", "back").unwrap_or_default();
        let by_hand = look.key_of("main", "by_hand").unwrap_or_default();
        return Words::of(look.dim(), "an older revision can be proposed by hand all the same: ")
            .and(look.key(), format!("{back} {by_hand}"));
    }
    let arm = look.key_of("card", "arm").unwrap_or_else(|| "no key".into());
    let unseen = proposal.unseen(state.mono);
    if unseen > 0 {
        let page = look.key_of("card", "page_down").unwrap_or_default();
        let lines = if unseen == 1 { "1 effect line".to_owned() } else { format!("{unseen} effect lines") };
        return Words::of(look.dim(), format!("{lines} to be read for 0.8 s ("))
            .and(look.key(), page)
            .and(look.dim(), " where there are more), then ")
            .and(look.key(), arm)
            .and(look.dim(), " arms");
    }
    let next = if proposal.needs_reason() { "a reason, then a token" } else { "a token" };
    if let Some(dissent) = proposal.dissent {
        let why = look.key_of("card", "model").unwrap_or_default();
        return Words::of(bold(look.attention()), format!("the model DISSENTS in {} (", dissent.word()))
            .and(look.key(), why)
            .and(bold(look.attention()), ")")
            .and(look.dim(), "; ")
            .and(look.key(), arm)
            .and(look.dim(), format!(" arms, then {next}"));
    }
    Words::of(look.dim(), "all effect lines read; ")
        .and(look.key(), arm)
        .and(look.dim(), format!(" arms, then {next} is typed"))
}

/// The reason, and the gates that it must still name.
fn reason(look: &Look, proposal: &Proposal, text: &str, columns: usize, lines: &mut Vec<Words>) {
    lines.push(field(look, "reason", text, columns));
    let missing: Vec<&str> = proposal.unnamed(text).collect();
    lines.push(if missing.is_empty() {
        Words::of(look.dim(), "all that must be named is named; ")
            .and(look.key(), "enter")
            .and(look.dim(), " shows the token")
    } else {
        let dissents = if proposal.dissent.is_some() { "the model dissents: " } else { "" };
        Words::of(look.attention(), dissents)
            .and(look.dim(), "must still name ")
            .and(bold(look.attention()), missing.join(", "))
            .and(look.dim(), "   ")
            .and(look.key(), "tab")
            .and(look.dim(), " inserts the next")
    });
}

fn field(look: &Look, label: &str, text: &str, columns: usize) -> Words {
    let text = Clean::new(text);
    let room = columns.saturating_sub(width(label) + 3);
    Words::of(bold(look.accent()), format!("{label} "))
        .and(look.text(), tail(text.as_str(), room))
        .and(look.accent(), "▏")
}

/// The token and what was typed of it.
fn token(look: &Look, token: &str, typed: &[(char, std::time::Duration, u64)]) -> Words {
    let typed: String = typed.iter().map(|(c, _, _)| *c).collect();
    let typed = Clean::new(typed);
    let rest = "_".repeat(TOKEN.saturating_sub(width(typed.as_str())));
    Words::of(look.text(), "type ")
        .and(bold(look.attention()), token)
        .and(look.text(), " to approve   ")
        .and(bold(look.accent()), typed.as_str())
        .and(look.dim(), rest)
        .and(look.dim(), "   the last character approves")
}

/// Draws the lines.
pub fn draw(lines: &[Words], area: Rect, buf: &mut Buffer) {
    for (n, line) in lines.iter().take(usize::from(area.height)).enumerate() {
        line.draw(row(area, n as u16), buf);
    }
}

/// The keys that do something, by the gesture.
pub fn keys(look: &Look, state: &State, proposal: &Proposal) -> Vec<(String, String)> {
    let fixed = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|(k, w)| ((*k).to_owned(), (*w).to_owned())).collect::<Vec<_>>()
    };
    match &proposal.gesture {
        Gesture::Reason(_) => {
            fixed(&[("enter", "on to the token"), ("tab", "insert gate"), ("esc", "disarm")])
        }
        Gesture::Token { .. } => fixed(&[("backspace", "correct"), ("esc", "disarm")]),
        Gesture::Rejecting(_) => fixed(&[("enter", "reject"), ("esc", "back")]),
        Gesture::Settling(_) => fixed(&[("enter", "say it"), ("esc", "back")]),
        _ => {
            let acts = proposal.analysis.offer.acts();
            let can = acts && proposal.analysis.blocks.is_empty() && proposal.gesture == Gesture::Idle;
            let mut commands = Vec::new();
            if can {
                commands.push(("arm", "approve"));
            }
            if proposal.gesture == Gesture::Idle {
                if settle::wanted(state, &proposal.analysis.workload).is_ok() {
                    commands.push(("settle", "say what happened"));
                }
                if acts {
                    commands.push(("edit", "edit"));
                }
                commands.extend([("reject", "reject"), ("wait", "wait")]);
                if !proposal.analysis.addable.is_empty() {
                    commands.push(("add_restore", "restore"));
                }
            }
            commands.extend([("evidence", "evidence"), ("diff", "diff")]);
            if state.setup.advisor.is_some() {
                commands.extend([("model", "model"), ("ask", "ask")]);
            }
            commands.extend([("help", "help"), ("back", "back")]);
            let key = |(command, word): (&str, &str)| Some((look.key_of("card", command)?, word.to_owned()));
            commands.into_iter().filter_map(key).collect()
        }
    }
}

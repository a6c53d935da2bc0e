//! The model's page: every question about a card with its answer, each claim marked, the tools that were used, what was
//! wrong with an answer, and the request exactly as it went out.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget as _;

use crate::domain::advice::{Purpose, Said, Share};
use crate::domain::claims::Mark;
use crate::domain::clean::Clean;
use crate::domain::cluster::Key;
use crate::engine::opinion::{self, Counsel, Opinion, Typing};
use crate::engine::state::State;
use crate::ui::editor::Editor;
use crate::ui::look::{Look, bold};
use crate::ui::widgets::said;
use crate::ui::widgets::text::{fit, tail, wrap};
use crate::ui::widgets::words::{Words, below, from, put, row, tint};

use super::evidence::wrapped;
use super::{evidence, footer, header};

/// Columns of the labels.
const LABEL: usize = 14;

/// Draws the page.
pub fn draw(look: &Look, editor: &Editor, state: &State, key: &Key, area: Rect, buf: &mut Buffer) {
    header::draw(look, state, row(area, 0), buf);
    let about = match &state.setup.advisor {
        Some(advisor) => format!("  {key} · {} · share {}", advisor.model, advisor.share.word()),
        None => format!("  {key}"),
    };
    Words::of(look.strong(), "MODEL").and(look.dim(), about).draw(from(row(area, 1), 1), buf);
    let counsel = state.counsel.get(key);
    let typing = counsel.and_then(|c| c.typing.as_ref());
    let note = counsel.and_then(|c| c.note.as_ref());
    let field = match typing {
        Some(Typing::Question(_)) => 2,
        Some(Typing::Rationale(_)) => (area.height / 3).clamp(4, 10),
        None => u16::from(note.is_some()),
    };
    let columns = usize::from(area.width.saturating_sub(2));
    let lines = lines(look, state, key, counsel, columns);
    evidence::scroll(look, state, &lines, field, area, buf);
    let place = from(Rect { height: field, ..below(area, area.height.saturating_sub(1 + field)) }, 1);
    if let Some(typing) = typing {
        write(look, editor, typing, place, buf);
    }
    if let Some(note) = note {
        put(buf, place, note.as_str(), bold(look.attention()));
    }
    keys(look, typing, counsel, row(area, area.height.saturating_sub(1)), buf);
}

fn keys(look: &Look, typing: Option<&Typing>, counsel: Option<&Counsel>, area: Rect, buf: &mut Buffer) {
    let fixed: &[(&str, &str)] = match typing {
        Some(Typing::Question(_)) => &[("enter", "ask"), ("esc", "leave")],
        Some(Typing::Rationale(_)) => &[("enter", "new line"), ("ctrl+s", "keep"), ("esc", "leave")],
        None => &[],
    };
    if !fixed.is_empty() {
        let keys = fixed.iter().map(|(k, w)| ((*k).to_owned(), (*w).to_owned())).collect();
        return footer::draw_keys(look, keys, 1, area, buf);
    }
    let mut keys = vec![("ask", "ask"), ("edit", "write the rationale")];
    if counsel.is_some_and(|c| c.under_way().is_some()) {
        keys.push(("stop", "stop"));
    }
    keys.extend([("page_down", "page"), ("help", "help"), ("back", "back")]);
    footer::draw(look, "card", &keys, area, buf);
}

fn write(look: &Look, editor: &Editor, typing: &Typing, area: Rect, buf: &mut Buffer) {
    match typing {
        Typing::Question(text) => {
            let room = usize::from(area.width).saturating_sub(12);
            Words::of(bold(look.accent()), "question ")
                .and(look.text(), tail(Clean::new(text).as_str(), room))
                .and(look.accent(), "▏")
                .draw(row(area, 1), buf);
        }
        Typing::Rationale(text) => {
            put(buf, area, "the rationale, in your words", bold(look.accent()));
            let place = Rect { width: area.width.saturating_sub(1), ..below(area, 1) };
            tint(buf, place, look.selection());
            match editor.drawn(text) {
                Some(area) => {
                    let mut area = area.clone();
                    area.set_style(look.text().patch(look.selection()));
                    area.set_cursor_line_style(ratatui::style::Style::new());
                    area.render(place, buf);
                }
                None => {
                    let lines =
                        text.split('\n').flat_map(|l| wrap(Clean::new(l).as_str(), usize::from(place.width)));
                    for (n, line) in lines.take(usize::from(place.height)).enumerate() {
                        put(buf, row(place, n as u16), &line, look.text());
                    }
                }
            }
        }
    }
}

fn lines(look: &Look, state: &State, key: &Key, counsel: Option<&Counsel>, columns: usize) -> Vec<Words> {
    let mut lines = Vec::new();
    let say = |label: &str, text: &str, lines: &mut Vec<Words>| {
        wrapped(look, Words::of(look.dim(), format!("{label:<LABEL$}")), LABEL, text, columns, lines);
    };
    match &state.setup.advisor {
        None => say("model", "none is configured: [advisor] in config.toml names one", &mut lines),
        Some(advisor) if advisor.share == Share::None => {
            say("model", "share = \"none\": the request below is not sent", &mut lines);
        }
        Some(_) => {}
    }
    let reason = opinion::template(state, key);
    if !reason.is_empty() {
        say("computed", reason.as_str(), &mut lines);
    }
    let Some(counsel) = counsel else { return lines };
    if let Some(written) = &counsel.written {
        for (n, line) in written.lines.iter().enumerate() {
            let by = written.by.as_str().split('@').next().unwrap_or_default();
            let label = if n == 0 { fit(&format!("by {by}"), LABEL - 1) } else { String::new() };
            say(&label, line.as_str(), &mut lines);
        }
    }
    for asked in counsel.opinions.iter().rev() {
        lines.push(Words::new());
        one(look, state, asked, columns, &mut lines);
    }
    let unsent = state.setup.advisor.as_ref().is_some_and(|a| a.share == Share::None);
    for newest in counsel.opinions.iter().rev().filter(|o| !o.request.is_empty()) {
        lines.push(Words::new());
        let digest = newest.sent.last().map_or("", |(digest, _)| digest.short());
        let went = if unsent { "would go out, not sent" } else { "went out last" };
        lines.push(Words::of(look.strong(), "REQUEST").and(
            look.dim(),
            format!("  {} as it {went}; prompt {digest}", asked_for(&newest.brief.purpose)),
        ));
        for line in &newest.request {
            lines.extend(wrap(line.as_str(), columns).into_iter().map(|l| Words::of(look.dim(), l)));
        }
    }
    lines
}

/// What a request was for.
fn asked_for(purpose: &Purpose) -> &'static str {
    match purpose {
        Purpose::Rationale => "for the rationale,",
        Purpose::Question(_) => "for the answer to a question,",
    }
}

/// One question: what was asked, how it stands, the answer.
fn one(look: &Look, state: &State, opinion: &Opinion, columns: usize, lines: &mut Vec<Words>) {
    let label = |text: &str| Words::of(look.dim(), format!("{text:<LABEL$}"));
    match &opinion.brief.purpose {
        Purpose::Rationale => {
            let head = Words::of(look.strong(), format!("{:<LABEL$}", "RATIONALE"));
            lines.push(head.and(look.dim(), opinion.model.as_str()));
        }
        Purpose::Question(text) => {
            let head = Words::of(look.strong(), format!("{:<LABEL$}", "QUESTION"));
            wrapped(look, head, LABEL, text.as_str(), columns, lines);
        }
    }
    let proposal = state.incidents.get(&opinion.brief.workload).and_then(|i| i.proposal.as_ref());
    let status = super::opinion::status(look, state, opinion, proposal);
    hang(label("state"), status, columns, lines);
    for tool in &opinion.tools {
        let came = match &tool.result {
            None => "under way".to_owned(),
            Some(Ok(ids)) if ids.is_empty() => "nothing found".into(),
            Some(Ok(ids)) => format!("gave {}", ids.join(", ")),
            Some(Err(why)) => format!("refused: {why}"),
        };
        wrapped(look, label("tool"), LABEL, &format!("{}: {came}", tool.call), columns, lines);
    }
    if let Some(why) = &opinion.repair {
        wrapped(look, label("asked again"), LABEL, &format!("because {why}"), columns, lines);
    }
    let all = |head: &str, said: &[Said], lines: &mut Vec<Words>| {
        for (n, one) in said.iter().enumerate() {
            let head = label(if n == 0 { head } else { "" });
            hang(head, said::words(look, one), columns, lines);
        }
    };
    match opinion.answer() {
        Some(answer) => {
            let target = answer.target.map_or(String::new(), |t| format!(" to revision {t}"));
            let decides = format!("{}, {}{target}", answer.cause, answer.action.word());
            wrapped(look, label("its view"), LABEL, &decides, columns, lines);
            all("says", &answer.sentences, lines);
            all("against it", &answer.counter, lines);
            all("not known", &answer.unknown, lines);
            legend(look, answer.said(), columns, lines);
        }
        None if opinion.under_way() && !opinion.draft.is_empty() => all("says", &opinion.draft, lines),
        None => {
            if let Some(ending) = opinion.ending.as_ref().filter(|e| !e.raw.is_empty()) {
                wrapped(look, label("unchecked"), LABEL, Clean::new(&ending.raw).as_str(), columns, lines);
            }
        }
    }
    for item in opinion.brief.items.iter().filter(|i| opinion.found_by_tool(&i.id)) {
        lines.extend(evidence::item(look, state, item, columns));
    }
}

/// What the marks mean, where there are any but confirmed ones.
fn legend<'a>(look: &Look, mut said: impl Iterator<Item = &'a Said>, columns: usize, lines: &mut Vec<Words>) {
    if said.any(|s| s.claims.iter().any(|c| c.mark != Mark::Confirmed)) {
        let text = format!(
            "struck through: the cited evidence says otherwise; {}: it does not speak of it",
            said::NOT_FOUND
        );
        hang(Words::of(look.dim(), " ".repeat(LABEL)), Words::of(look.dim(), text), columns, lines);
    }
}

/// A label, and words that go on below themselves.
fn hang(label: Words, words: Words, columns: usize, lines: &mut Vec<Words>) {
    let indent = label.width();
    for (n, line) in words.wrap(columns.saturating_sub(indent)).into_iter().enumerate() {
        let mut start =
            if n == 0 { label.clone() } else { Words::of(Default::default(), " ".repeat(indent)) };
        start.append(line);
        lines.push(start);
    }
}

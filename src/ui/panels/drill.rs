//! A drill's page: before the decision the question with the facts that there are, everything concluded from them left
//! out; after it what was right, what decided it, and what had been computed. The short form stands where the proposal
//! would stand on the main screen.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::domain::evidence::Evidence;
use crate::domain::format;
use crate::domain::verdict::Gate;
use crate::engine::analysis::Analysis;
use crate::engine::drill::{Answer, Answered, Drill, HIDDEN, Phase};
use crate::engine::revisions::{Mark, RevisionRow};
use crate::engine::state::State;
use crate::engine::view;
use crate::ui::look::{Look, bold};
use crate::ui::widgets::words::{Words, below, from, put, put_right, row};

use super::evidence::{item, wrapped};
use super::{footer, gates, header, revisions};

/// Columns of the labels.
const LABEL: usize = 14;

/// Draws the page.
pub fn draw(look: &Look, state: &State, area: Rect, buf: &mut Buffer) {
    header::draw(look, state, row(area, 0), buf);
    let Some(drill) = &state.drill else {
        put(buf, from(row(area, 2), 1), "this is no drill", look.dim());
        return;
    };
    let columns = usize::from(area.width.saturating_sub(2));
    title(look, drill).draw(from(row(area, 1), 1), buf);
    let lines = match drill.answered() {
        Some(answered) => told(look, state, drill, answered, columns),
        None => question(look, state, drill, columns),
    };
    let typing = u16::from(drill.typing().is_some());
    let body = from(Rect { height: area.height.saturating_sub(5 + typing), ..below(area, 3) }, 1);
    let visible = usize::from(body.height);
    let first = state.view.scroll.min(lines.len().saturating_sub(visible));
    for (n, line) in lines.iter().skip(first).take(visible).enumerate() {
        line.draw(row(body, n as u16), buf);
    }
    if lines.len() > visible {
        let text = format!("{}-{} of {} ", first + 1, (first + visible).min(lines.len()), lines.len());
        put_right(buf, row(area, 1), &text, look.dim());
    }
    answers(look, state, drill, row(area, area.height.saturating_sub(2 + typing)), buf);
    keys(look, drill, row(area, area.height.saturating_sub(1)), buf);
}

/// The question in the place of the proposal on the main screen.
pub fn short(look: &Look, state: &State, area: Rect, buf: &mut Buffer) {
    let Some(drill) = &state.drill else { return };
    title(look, drill).draw(row(area, 0), buf);
    asked(look, state, drill).draw(row(area, 1), buf);
    let last = area.height.saturating_sub(1);
    if last > 4 {
        let hidden = Words::of(look.dim(), format!("verdict, gates and offer: {HIDDEN}"));
        hidden.draw(row(area, 3), buf);
        let key = look.key_of("main", "gate").unwrap_or_default();
        Words::of(look.key(), key)
            .and(look.accent(), " the facts on one page")
            .draw(row(area, last - 1), buf);
    }
    answers(look, state, drill, row(area, last), buf);
}

fn title(look: &Look, drill: &Drill) -> Words {
    let number = format!("DRILL {} of {}", drill.number, drill.of);
    let words = Words::of(bold(look.attention()), number);
    match drill.answered() {
        Some(_) => words.and(look.strong(), format!("   {}", drill.scenario)),
        None => words.and(look.strong(), format!("   {}: roll back, or not?", drill.about.name)),
    }
}

/// How long it has been a question.
fn asked(look: &Look, state: &State, drill: &Drill) -> Words {
    match drill.asked {
        None => Words::of(look.dim(), "the facts are being gathered"),
        Some(at) => {
            let seconds = state.mono.saturating_sub(at).as_secs();
            Words::of(look.dim(), format!("asked {} ago", format::seconds(seconds as f64)))
        }
    }
}

/// The keys that answer, or the answer that waits for its reason.
fn answers(look: &Look, state: &State, drill: &Drill, area: Rect, buf: &mut Buffer) {
    let area = from(area, u16::from(area.x == 0));
    match &drill.phase {
        Phase::Told(_) => {}
        Phase::Reason(answer, text) => {
            let head = Words::of(bold(look.attention()), format!("{}, because ", answer.words()));
            head.and(look.text(), format!("{text}▏")).draw(area, buf);
            if area.bottom() < buf.area.bottom() {
                let hint = "enter decides, with or without a reason; esc takes it back";
                put(buf, Rect { y: area.y + 1, ..area }, hint, look.dim());
            }
        }
        Phase::Asking if drill.asked.is_none() => {
            asked(look, state, drill).draw(area, buf);
        }
        Phase::Asking => {
            let mut words = Words::new();
            for answer in Answer::ALL {
                let key = look.key_of("drill", answer.command()).unwrap_or_default();
                words.push(look.text(), if words.is_empty() { "" } else { "   " });
                words.push(look.key(), key);
                words.push(look.accent(), format!(" {}", answer.words()));
            }
            words.draw(area, buf);
        }
    }
}

fn keys(look: &Look, drill: &Drill, area: Rect, buf: &mut Buffer) {
    if drill.answered().is_some() {
        let entries = [
            ("open", "next"),
            ("gate", "the real card"),
            ("evidence", "evidence"),
            ("diff", "diff"),
            ("up", "scroll"),
            ("help", "help"),
            ("quit", "end the drill"),
        ];
        return footer::draw(look, "main", &entries, area, buf);
    }
    let entries = [
        ("evidence", "evidence"),
        ("diff", "diff"),
        ("log", "log"),
        ("up", "scroll"),
        ("help", "help"),
        ("quit", "end the drill"),
    ];
    footer::draw(look, "main", &entries, area, buf);
}

/// Label and text that goes on below itself.
fn say(look: &Look, label: &str, text: &str, columns: usize, lines: &mut Vec<Words>) {
    let head = Words::of(look.dim(), format!("{label:<LABEL$}"));
    wrapped(look, head, LABEL, text, columns, lines);
}

/// The facts: what burns, what each revision did, every number; and that the rest is hidden.
fn question(look: &Look, state: &State, drill: &Drill, columns: usize) -> Vec<Words> {
    let mut lines = Vec::new();
    for label in ["verdict", "seven gates", "offer, model"] {
        lines.push(Words::of(look.dim(), format!("{label:<LABEL$}{HIDDEN}")));
    }
    lines.push(Words::new());
    let analysis = state.incidents.get(&drill.about).and_then(|i| i.analysis.as_ref());
    let Some(analysis) = analysis else {
        lines.push(Words::of(look.dim(), "nothing burns here yet; the facts are being gathered"));
        return lines;
    };
    for id in &analysis.slos {
        say(look, "burns", id.0.as_str(), columns, &mut lines);
    }
    lines.push(Words::new());
    lines.push(Words::of(look.dim(), "REVISIONS, newest first"));
    for each in view::timeline(state, &drill.about).iter() {
        lines.extend(revision(look, state, each, columns));
    }
    lines.push(Words::new());
    lines.push(Words::of(look.dim(), "EVIDENCE"));
    for fact in analysis.evidence.items() {
        lines.extend(item(look, state, fact, columns));
    }
    lines
}

fn revision(look: &Look, state: &State, each: &RevisionRow, columns: usize) -> Vec<Words> {
    let current = each.mark == Mark::Current;
    let (counts, ratio) = revisions::failed(each);
    let began = each.began.map_or("unknown".into(), |at| format::since(at, state.now));
    let mark = if current { "●" } else { "○" };
    let mut lines = Vec::new();
    let style = if current { look.strong() } else { look.text() };
    let head = Words::of(style, format!("{mark} {:<16}", each.title()));
    let served = format::span(each.served.length());
    lines.push(head.and(look.text(), format!("since {began}, served {served}, {counts}  {ratio}")));
    wrapped(look, Words::of(look.dim(), "    "), 4, &revisions::changes(each), columns, &mut lines);
    lines
}

/// What was right, what decided it, what had been computed.
fn told(look: &Look, state: &State, drill: &Drill, answered: &Answered, columns: usize) -> Vec<Words> {
    let analysis = &answered.analysis;
    let mut lines = Vec::new();
    let (word, style) = if answered.right { ("RIGHT", look.good()) } else { ("WRONG", look.bad()) };
    let said =
        format!("   you said: {}, after {}", answered.answer.words(), format::seconds(answered.seconds));
    lines.push(Words::of(bold(style), word).and(look.strong(), said));
    if !answered.right {
        lines.push(Words::of(look.strong(), format!("        right is: {}", drill.right.words())));
    }
    lines.push(Words::new());
    if !answered.reason.is_empty() {
        say(look, "your reason", answered.reason.as_str(), columns, &mut lines);
    }
    say(look, "what decides", drill.why.as_str(), columns, &mut lines);
    say(look, "happened", drill.happened.as_str(), columns, &mut lines);
    say(look, "verdict", analysis.verdict().word(), columns, &mut lines);
    say(look, "offer", analysis.offer.word(), columns, &mut lines);
    say(look, "computed", analysis.reason.as_str(), columns, &mut lines);
    lines.push(Words::new());
    for gate in &analysis.gates {
        let (word, style) = gates::word(look, gate.state);
        let head =
            Words::of(style, format!("{word:<8}")).and(look.text(), format!("{:<13}", gate.gate.name()));
        wrapped(look, head, 21, gate.line.as_str(), columns, &mut lines);
    }
    lines.push(Words::new());
    lines.push(Words::of(look.dim(), "THE EVIDENCE THAT DECIDED IT"));
    for fact in deciding(analysis) {
        lines.extend(item(look, state, fact, columns));
    }
    lines
}

/// When it began and what changed, and the evidence of the gates that say whose doing it is; of the target where it acts.
fn deciding(analysis: &Analysis) -> Vec<&Evidence> {
    let decides = |gate: Gate| match gate {
        Gate::Ours | Gate::OnlyUs => true,
        Gate::TargetGood => analysis.offer.acts(),
        _ => false,
    };
    let gates = analysis.gates.iter().filter(|g| decides(g.gate));
    let ids: Vec<&String> = gates.flat_map(|g| &g.evidence).collect();
    let times = |item: &Evidence| {
        let fact = item.fact.as_str();
        fact.starts_with("the errors began at") || fact.starts_with("the rollout of")
    };
    analysis.evidence.items().iter().filter(|item| ids.contains(&&item.id) || times(item)).collect()
}

//! The edit form: another target, the restore of ConfigMaps, a reason. Nothing of it is sent: submitting it draws a new
//! card, which must be read and armed like any other.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget as _;

use crate::domain::clean::Clean;
use crate::domain::format;
use crate::engine::gate::{Draft, Proposal};
use crate::engine::revisions::{Mark, RevisionRow};
use crate::engine::state::State;
use crate::ui::editor::Editor;
use crate::ui::look::{Look, bold};
use crate::ui::widgets::text::wrap_within;
use crate::ui::widgets::words::{Words, below, columns, from, put, put_right, row, tint};

use super::revisions::{changes, failed};
use super::{footer, header};

/// Draws the form.
pub fn draw(
    look: &Look,
    editor: &Editor,
    state: &State,
    proposal: &Proposal,
    draft: &Draft,
    area: Rect,
    buf: &mut Buffer,
) {
    header::draw(look, state, row(area, 0), buf);
    let body = from(below(area, 2), 1);
    let title = Words::of(bold(look.attention()), "EDIT")
        .and(look.strong(), format!(" {}", proposal.analysis.workload.name));
    let title = title.and(look.dim(), "  gives a new card; what was typed on the old one is void");
    title.draw(row(body, 0), buf);
    let rows = &proposal.analysis.rows;
    let shown = rows.len().min(usize::from(body.height.saturating_sub(12)).max(3));
    targets(look, rows, draft, Rect { height: 1 + shown as u16, ..below(body, 2) }, buf);
    let rest = below(body, 4 + shown as u16);
    restore(look, proposal, draft, row(rest, 0), buf);
    reason(look, editor, draft, below(rest, 2), buf);
    if let Some(note) = &proposal.note {
        let at = row(area, area.height.saturating_sub(2));
        put(buf, from(at, 1), note.as_str(), bold(look.attention()));
    }
    let keys: &[(&str, &str)] = match draft.field {
        0 => &[("↑↓", "choose"), ("tab", "next field"), ("enter", "draw the new card"), ("esc", "leave")],
        1 => &[("space", "toggle"), ("tab", "next field"), ("enter", "draw the new card"), ("esc", "leave")],
        _ => {
            &[("enter", "new line"), ("tab", "next field"), ("ctrl+s", "draw the new card"), ("esc", "leave")]
        }
    };
    let keys = keys.iter().map(|(k, w)| ((*k).to_owned(), (*w).to_owned())).collect();
    footer::draw_keys(look, keys, 1, row(area, area.height.saturating_sub(1)), buf);
}

fn label(look: &Look, draft: &Draft, field: usize, text: &str) -> Words {
    let focused = draft.field == field;
    let style = if focused { bold(look.accent()) } else { look.dim() };
    Words::of(style, if focused { "▶ " } else { "  " }).and(style, text)
}

fn targets(look: &Look, rows: &[RevisionRow], draft: &Draft, area: Rect, buf: &mut Buffer) {
    label(look, draft, 0, "target").draw(area, buf);
    let visible = usize::from(area.height.saturating_sub(1)).max(1);
    let first = draft.target.saturating_sub(visible - 1);
    for (n, each) in rows.iter().enumerate().skip(first).take(visible) {
        let line = row(below(area, 1), (n - first) as u16);
        let chosen = n == draft.target;
        if chosen {
            tint(buf, line, look.selection());
        }
        let current = each.mark == Mark::Current;
        put(buf, columns(line, 2, 3), if chosen { "(●)" } else { "( )" }, look.accent());
        let style = if chosen {
            look.strong()
        } else if current {
            look.dim()
        } else {
            look.text()
        };
        put(buf, columns(line, 6, 15), &each.title(), style);
        put_right(buf, columns(line, 21, 6), &format::span(each.served.length()), look.text());
        let (counts, ratio) = failed(each);
        put_right(buf, columns(line, 28, 20), &counts, look.text());
        put_right(buf, columns(line, 49, 8), &ratio, look.text());
        let words = if current { "serves now".into() } else { changes(each) };
        put(buf, columns(line, 59, line.width.saturating_sub(60)), &words, look.dim());
    }
}

fn restore(look: &Look, proposal: &Proposal, draft: &Draft, area: Rect, buf: &mut Buffer) {
    let mut words = label(look, draft, 1, "restore ");
    words.push(look.accent(), if draft.restore { "[x] " } else { "[ ] " });
    let analysis = &proposal.analysis;
    let plan = analysis.plan.iter().flat_map(|p| &p.configs).map(|(key, _)| key);
    let names: Vec<&str> = analysis.addable.iter().chain(plan).map(|key| key.name.as_str()).collect();
    if names.is_empty() {
        words.push(look.dim(), "ConfigMaps: no earlier content is known, nothing to restore");
    } else {
        words.push(look.text(), format!("the content of ConfigMap {} as well", names.join(", ")));
    }
    words.draw(area, buf);
}

fn reason(look: &Look, editor: &Editor, draft: &Draft, area: Rect, buf: &mut Buffer) {
    label(look, draft, 2, "reason").draw(area, buf);
    let place = Rect {
        width: area.width.saturating_sub(4),
        height: area.height.saturating_sub(4).min(8),
        ..from(below(area, 1), 2)
    };
    tint(buf, place, look.selection());
    match editor.drawn(&draft.reason).filter(|_| draft.field == 2 && place.width > 0 && place.height > 0) {
        Some(text) => {
            let mut text = text.clone();
            text.set_style(look.text().patch(look.selection()));
            text.set_cursor_line_style(ratatui::style::Style::new());
            text.render(place, buf);
        }
        None => {
            let lines = draft.reason.split('\n').flat_map(|line| {
                wrap_within(
                    Clean::new(line).as_str(),
                    usize::from(place.width),
                    usize::from(place.height.max(1)),
                )
            });
            for (n, line) in lines.take(usize::from(place.height)).enumerate() {
                put(buf, row(place, n as u16), &line, look.text());
            }
            if draft.reason.is_empty() && draft.field == 2 {
                put(buf, place, "▏", look.accent());
            }
        }
    }
}

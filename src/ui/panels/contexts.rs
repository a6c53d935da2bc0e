//! The contexts of the kubeconfig, one of which is taken for the whole session. Production is said in words, before
//! anything of it was asked.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::engine::contexts::Context;
use crate::engine::state::State;
use crate::ui::look::{Look, bold};
use crate::ui::mouse::Target;
use crate::ui::widgets::text::width;
use crate::ui::widgets::words::{Words, below, columns, from, put, put_right, row, tint};

use super::footer;

/// Columns of the mark and the word for production.
const PROD: u16 = 5;
/// Lines of this width are long enough for an eye.
const WIDEST: u16 = 132;

/// Draws them.
pub fn draw(look: &Look, state: &State, area: Rect, buf: &mut Buffer) {
    tint(buf, row(area, 0), look.bar());
    let title = Words::of(bold(look.accent()), "goaround").and(look.text(), "   which context?");
    title.draw(from(row(area, 0), 1), buf);
    let contexts = &state.contexts;
    let body =
        Rect { width: area.width.min(WIDEST), height: area.height.saturating_sub(4), ..below(area, 2) };
    let (wide, server) = shape(&contexts.all, body.width);
    head(look, wide, server, row(body, 0), buf);
    let list = below(body, 1);
    let rows = usize::from(list.height).max(1);
    let first = (contexts.at + 1).saturating_sub(rows);
    for (y, (n, context)) in contexts.all.iter().enumerate().skip(first).take(rows).enumerate() {
        let place = row(list, y as u16);
        look.places.note(place, Target::Entry(n));
        if n == contexts.at {
            tint(buf, place, look.selection());
            put(buf, place, "▌", look.accent());
        }
        one(look, context, n == contexts.at, (wide, server), place, buf);
    }
    let said = match contexts.taken.and_then(|at| contexts.all.get(at)) {
        Some(context) => Words::of(look.text(), format!("connecting to {} …", context.name)),
        None => {
            Words::of(look.dim(), "what is taken holds for the session, whatever the kubeconfig says later")
        }
    };
    said.draw(from(row(area, area.height.saturating_sub(2)), 1), buf);
    let keys = [("up", "select"), ("open", "take it"), ("help", "help"), ("quit", "leave")];
    footer::draw(look, "main", &keys, row(area, area.height.saturating_sub(1)), buf);
}

/// Columns of names and of servers: as wide as they are, while there is room.
fn shape(all: &[Context], area: u16) -> (u16, u16) {
    let widest = |text: fn(&Context) -> &str| all.iter().map(|c| width(text(c))).max().unwrap_or(0) as u16;
    let name = widest(|c| c.name.as_str()).clamp(7, (area / 3).max(7));
    let server = widest(|c| c.server.as_str()).clamp(6, (area / 3).max(6));
    (name, server)
}

fn head(look: &Look, name: u16, server: u16, area: Rect, buf: &mut Buffer) {
    put(buf, columns(area, 1 + PROD, name), "CONTEXT", look.dim());
    put(buf, columns(area, 1 + PROD + name + 2, server), "SERVER", look.dim());
    put(buf, from(area, 1 + PROD + name + 2 + server + 2), "NAMESPACE, USER", look.dim());
}

fn one(
    look: &Look,
    context: &Context,
    selected: bool,
    (name, server): (u16, u16),
    area: Rect,
    buf: &mut Buffer,
) {
    if context.prod {
        put(buf, columns(area, 1, PROD - 1), "PROD", bold(look.bad()));
    }
    let style = if selected { look.strong() } else { look.text() };
    put(buf, columns(area, 1 + PROD, name), context.name.as_str(), style);
    let known = if context.server.is_empty() { "no such cluster" } else { context.server.as_str() };
    put(buf, columns(area, 1 + PROD + name + 2, server), known, look.dim());
    let current = if context.current { "current " } else { "" };
    let rest = from(area, 1 + PROD + name + 2 + server + 2);
    let words =
        Words::of(look.text(), context.namespace.as_str()).and(look.dim(), format!("  {}", context.user));
    words.draw(Rect { width: rest.width.saturating_sub(current.len() as u16 + 1), ..rest }, buf);
    put_right(buf, area, current, look.accent());
}

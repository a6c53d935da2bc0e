//! What stands between the person and the truth: sources that are down or forbidden, a journal that cannot be written,
//! clocks that differ. One line each with the reason and the next step; nothing when all is well.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::domain::format;
use crate::domain::signal::{Health, Source};
use crate::engine::state::State;
use crate::ui::look::Look;
use crate::ui::widgets::text::{fit, wrap_within};
use crate::ui::widgets::words::{Words, from, row};

/// Rows that one notice may take; its end is what to do.
const ROWS: usize = 3;
/// Clocks that differ by less are the same.
const CLOCK: i64 = 5_000;

/// The lines on a screen of so many columns, most important first; a long one takes up to three, its end is what to do.
pub fn lines(look: &Look, state: &State, columns: u16) -> Vec<Words> {
    let columns = usize::from(columns).saturating_sub(2);
    all(look, state).into_iter().flat_map(|notice| notice.wrapped(look, columns)).collect()
}

/// A notice: how bad, about what, the sentence.
struct Notice {
    style: Style,
    name: String,
    text: String,
}

impl Notice {
    fn wrapped(self, look: &Look, columns: usize) -> Vec<Words> {
        let label = format!("! {} ", self.name);
        let rows = wrap_within(&format!("{label}{}", self.text), columns, ROWS);
        let first = |row: &str| match row.strip_prefix(label.as_str()) {
            Some(rest) => Words::of(self.style, label.clone()).and(look.text(), rest),
            None => Words::of(self.style, row),
        };
        let row = |(n, row): (usize, &String)| {
            if n == 0 { first(row) } else { Words::of(look.text(), format!("  {row}")) }
        };
        rows.iter().enumerate().map(row).collect()
    }
}

fn all(look: &Look, state: &State) -> Vec<Notice> {
    let line = |style, name: &str, text: String| Notice { style, name: name.to_owned(), text };
    let mut lines = Vec::new();
    if let Some(why) = state.journal_closed() {
        lines.push(line(look.bad(), "journal", format!("cannot be written, nothing can be approved: {why}")));
    }
    for (source, known) in &state.world.sources {
        if let Health::Down(why) = &known.health {
            let heard = known
                .heard
                .map_or("never heard".into(), |at| format!("last heard {}", format::since(at, state.now)));
            lines.push(line(look.bad(), &format!("{} down", source.name()), format!("({heard}) {why}")));
        }
    }
    lines.extend(forbidden(look, state));
    for (source, ms) in state.world.clocks.iter().filter(|(_, ms)| ms.abs() > CLOCK) {
        let text = format!("of {} differs from ours by {} s", source.name(), ms / 1_000);
        lines.push(line(look.attention(), "clock", text));
    }
    for warning in state.world.warnings.iter().take(1) {
        lines.push(line(look.attention(), "prom partial", warning.to_string()));
    }
    lines.extend(counted(look, state));
    lines.extend(listing(look, state));
    lines
}

/// A first look that takes a while: how far it is, kind by kind.
fn listing(look: &Look, state: &State) -> Option<Notice> {
    let under_way = state.world.sources.iter().filter(|(_, known)| !known.synced);
    let kinds = under_way.filter_map(|(source, known)| {
        let (so_far, of) = known.listing?;
        let of = of.map_or(String::new(), |of| format!(" of about {}", format::grouped(of as f64)));
        Some(format!("{} {}{of}", source.name(), format::grouped(so_far as f64)))
    });
    let kinds: Vec<String> = kinds.collect();
    let text = format!("{} listed so far; what is shown is not whole yet", kinds.join(", "));
    (!kinds.is_empty()).then(|| Notice { style: look.attention(), name: "first look".to_owned(), text })
}

/// What is wrong with the counts of an SLO that an incident is about: a part is missing, or they could not be had.
fn counted(look: &Look, state: &State) -> Option<Notice> {
    let first = state.incidents.values().filter_map(|i| i.slos.first());
    let mut wrong = first.filter_map(|id| {
        let study = state.studies.get(id)?;
        let partial = study.partial().map(|why| ("prom partial", why));
        let (name, why) = partial.or_else(|| study.errors.first().map(|why| ("prom counts", why)))?;
        Some(Notice {
            style: look.attention(),
            name: name.to_owned(),
            text: format!("counts of {id}: {why}"),
        })
    });
    wrong.next()
}

/// All kinds that may not be read as one line, with the first one's hint.
fn forbidden(look: &Look, state: &State) -> Option<Notice> {
    let mut names = Vec::new();
    let mut hint = None;
    for (source, known) in &state.world.sources {
        if let Health::Forbidden(why) = &known.health {
            names.push(if *source == Source::Prometheus { "prom" } else { source.name() });
            // Nodes are a help that many may not have: alone they are no notice, ONLY US and the header name them.
            if *source != Source::Kind("nodes") {
                hint.get_or_insert(why);
            }
        }
    }
    let why = hint?;
    let text = format!("{}: {why}", names.join(", "));
    Some(Notice { style: look.attention(), name: "forbidden".to_owned(), text })
}

/// Draws as many as `area` has rows; the last row says how many more there are.
pub fn draw(look: &Look, lines: &[Words], area: Rect, buf: &mut Buffer) {
    let rows = usize::from(area.height);
    for (n, line) in lines.iter().take(rows).enumerate() {
        let more = lines.len() - rows.min(lines.len());
        let area = from(row(area, n as u16), 1);
        line.draw(area, buf);
        if n + 1 == rows && more > 0 {
            let text = fit(&format!("  +{more} more (l)"), usize::from(area.width));
            Words::of(look.dim(), text).draw_right(area, buf);
        }
    }
}

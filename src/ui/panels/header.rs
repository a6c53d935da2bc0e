//! The header: where we are, who we are, what waits for a person, how each source is, what time it is. Production is
//! said in words on a tinted bar. On a narrow screen the least important part goes first.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::domain::cluster::Key;
use crate::domain::format;
use crate::domain::signal::{Health, Source};
use crate::engine::state::State;
use crate::engine::view;
use crate::engine::world::SourceState;
use crate::ui::look::{Look, bold};
use crate::ui::widgets::words::{Words, from, tint};

/// A round trip to the terminal that a hand notices.
const FELT: Duration = Duration::from_millis(35);

/// A part of the header; the higher its rank, the sooner it is left out.
type Part = (u8, Words);

/// Draws the header into the first row of `area`.
pub fn draw(look: &Look, state: &State, area: Rect, buf: &mut Buffer) {
    let area = Rect { height: area.height.min(1), ..area };
    bar(look, state, area, buf);
    let mut left = vec![(6, Words::of(bold(look.accent()), "goaround"))];
    left.push((0, place(look, state)));
    left.push((5, Words::of(look.dim(), state.user().to_string())));
    if state.setup.read_only {
        left.push((1, Words::of(look.attention(), "read-only")));
    }
    if let (open @ 1.., age) = view::open_gates(state) {
        let gates = if open == 1 { "1 gate open".into() } else { format!("{open} gates open") };
        let words = format!("{gates} {}", age.unwrap_or_default());
        left.push((1, Words::of(bold(look.attention()), words)));
    }
    let mut right = sources(look, state);
    let zone = if area.width >= 100 { " UTC" } else { "" };
    if let Some(ms) = state.world.round_trips.get(&Source::Prometheus) {
        right.push((7, Words::of(look.dim(), format!("round trip {ms} ms"))));
    }
    // A line that nobody feels is not worth a word.
    if let Some(line) = state.line.filter(|line| *line >= FELT) {
        right.push((7, Words::of(look.dim(), format!("line {} ms", line.as_millis()))));
    }
    right.push((2, Words::of(look.text(), format::clock(state.now)).and(look.dim(), zone)));
    shorten(usize::from(area.width), &mut left, &mut right);
    joined(left, 3).draw(from(area, 1), buf);
    joined(right, 2).and(look.text(), " ").draw_right(area, buf);
}

/// The tinted bar of a header.
pub fn bar(look: &Look, state: &State, area: Rect, buf: &mut Buffer) {
    tint(buf, area, if state.setup.prod { look.prod() } else { look.bar() });
}

/// Context, production in words.
fn context(look: &Look, state: &State) -> Words {
    let mut words = Words::new();
    if state.setup.prod {
        words.push(bold(look.bad()), "PROD ");
    }
    let context = &state.setup.context;
    let starting = state.world.sources.get(&Source::Kubernetes).is_none_or(|s| s.health == Health::Starting);
    let context = match context.as_str() {
        "" if starting => "connecting",
        "" => "no context",
        name => name,
    };
    words.push(look.text(), context);
    words.and(look.dim(), " / ")
}

/// Context and the namespace of one workload: two of the same name are told apart by it.
pub fn place_of(look: &Look, state: &State, workload: &Key) -> Words {
    context(look, state).and(look.text(), workload.namespace.as_str())
}

/// Context and namespace.
pub fn place(look: &Look, state: &State) -> Words {
    let mut words = context(look, state);
    match &state.world.namespace {
        Some(namespace) if state.world.scope_forbidden => {
            words.push(look.text(), namespace.as_str());
            words.push(look.dim(), " only");
        }
        Some(namespace) => words.push(look.text(), namespace.as_str()),
        None => words.push(look.text(), "all namespaces"),
    }
    words
}

/// Leaves out what does not fit, least important first.
fn shorten(width: usize, left: &mut Vec<Part>, right: &mut Vec<Part>) {
    let wide = |parts: &[Part], gap: usize| {
        let words: usize = parts.iter().map(|(_, words)| words.width()).sum();
        words + gap * parts.len().saturating_sub(1)
    };
    // One column at each end, two between both sides.
    while wide(left, 3) + wide(right, 2) + 4 > width {
        let all = left.iter().chain(right.iter());
        let Some(last) = all.map(|(rank, _)| *rank).max().filter(|rank| *rank > 0) else {
            return;
        };
        left.retain(|(rank, _)| *rank != last);
        right.retain(|(rank, _)| *rank != last);
    }
}

fn joined(parts: Vec<Part>, gap: usize) -> Words {
    let mut words = Words::new();
    for (n, (_, part)) in parts.into_iter().enumerate() {
        if n > 0 {
            words.push(Default::default(), " ".repeat(gap));
        }
        words.append(part);
    }
    words
}

/// Each main source with its age, and every kind that is not read.
fn sources(look: &Look, state: &State) -> Vec<Part> {
    let mut parts: Vec<Part> = [Source::Prometheus, Source::Kubernetes]
        .into_iter()
        .map(|source| {
            let known = state.world.sources.get(&source);
            let live = known.is_none_or(|s| matches!(s.health, Health::Live | Health::Starting));
            let rank = if source == Source::Prometheus { 3 } else { 4 };
            (if live { rank } else { 1 }, one(look, state, source, known))
        })
        .collect();
    let troubled: Vec<_> = state
        .world
        .sources
        .iter()
        .filter(|(source, s)| {
            matches!(source, Source::Kind(_)) && matches!(s.health, Health::Down(_) | Health::Forbidden(_))
        })
        .collect();
    match troubled.as_slice() {
        [] => {}
        [(source, s)] => parts.push((3, one(look, state, **source, Some(s)))),
        many => parts.push((3, Words::of(look.attention(), format!("{} kinds not read", many.len())))),
    }
    parts
}

fn one(look: &Look, state: &State, source: Source, known: Option<&SourceState>) -> Words {
    let name = Words::of(look.dim(), format!("{} ", source.name()));
    let age = state.world.age(source, state.now).map(|s| format::seconds(s as f64));
    match known.map(|s| &s.health) {
        None | Some(Health::Starting) => name.and(look.dim(), "starting"),
        // A watch is silent when nothing happens: only its long silences are worth a number.
        Some(Health::Live) if source != Source::Prometheus => {
            let quiet = state.world.age(source, state.now).filter(|s| *s >= 60);
            let age = quiet.map_or(String::new(), |_| format!(" {}", age.unwrap_or_default()));
            name.and(look.dim(), format!("live{age}"))
        }
        // It moves with the clock, and in the clock's style both are a few bytes.
        Some(Health::Live) => match age {
            Some(age) => name.and(look.text(), age),
            None => name.and(look.dim(), "live"),
        },
        Some(Health::Forbidden(_)) => name.and(look.attention(), "forbidden"),
        Some(Health::Down(_)) => {
            let age = age.map_or(String::new(), |age| format!(" {age}"));
            name.and(look.bad(), format!("DOWN{age}"))
        }
    }
}

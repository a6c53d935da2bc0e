//! The backend against an emulator: whatever is drawn, the screen shows it, cell by cell; and it takes as few bytes as
//! promised, counted against the backend of ratatui over the same frames.

use std::cell::RefCell;
use std::io::Write;
use std::num::NonZeroU16;
use std::rc::Rc;
use std::time::Duration;

use goaround::shell::screen::encoder::Encoder;
use goaround::shell::screen::pacer::Pacer;
use goaround::shell::screen::terminal_type::Skills;
use goaround::ui::link::Link;
use goaround::ui::theme::{DARK, Depth, Theme};
use proptest::prelude::*;
use ratatui::backend::CrosstermBackend;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use ratatui::{Frame, Terminal, TerminalOptions, Viewport};
use unicode_width::UnicodeWidthStr;

// ---- the emulator ----

fn emulator(width: u16, height: u16) -> vt100::Parser {
    let (rows, columns) = (NonZeroU16::new(height).expect("rows"), NonZeroU16::new(width).expect("columns"));
    vt100::Parser::new(rows, columns, 0)
}

/// What an emulator calls a colour.
fn colour(colour: Color) -> vt100::Color {
    const NAMED: [Color; 16] = [
        Color::Black,
        Color::Red,
        Color::Green,
        Color::Yellow,
        Color::Blue,
        Color::Magenta,
        Color::Cyan,
        Color::Gray,
        Color::DarkGray,
        Color::LightRed,
        Color::LightGreen,
        Color::LightYellow,
        Color::LightBlue,
        Color::LightMagenta,
        Color::LightCyan,
        Color::White,
    ];
    match colour {
        Color::Reset => vt100::Color::Default,
        Color::Rgb(r, g, b) => vt100::Color::Rgb(r, g, b),
        Color::Indexed(n) => vt100::Color::Idx(n),
        named => vt100::Color::Idx(NAMED.iter().position(|c| *c == named).expect("one of sixteen") as u8),
    }
}

/// Differences between what was drawn and what is on the screen, in words.
fn differences(buffer: &Buffer, screen: &vt100::Screen) -> Vec<String> {
    let mut found = Vec::new();
    let (width, height) = (buffer.area.width, buffer.area.height);
    for y in 0..height {
        let mut x = 0;
        while x < width {
            let drawn = &buffer[(x, y)];
            let taken = drawn.symbol().width().max(1) as u16;
            // What does not fit into its row is not drawn at all.
            let fits = x + taken <= width;
            let symbol = if fits && drawn.symbol().width() > 0 { drawn.symbol() } else { " " };
            // Terminals differ in what they make of joined pictures; what stands beside them must be whole.
            if symbol.contains('\u{200d}') {
                x += taken;
                continue;
            }
            let cell = screen.cell(y, x).expect("a cell");
            let shown = if cell.has_contents() { cell.contents() } else { " " };
            let marks = Modifier::REVERSED | Modifier::UNDERLINED;
            let seen = symbol != " " || drawn.modifier.intersects(marks);
            let has = |m: Modifier| drawn.modifier.contains(m);
            let mut differ = |what: &str, differs: bool| {
                if differs {
                    found.push(format!("{x},{y} {what}: {drawn:?}, shown {shown:?} {cell:?}"));
                }
            };
            differ("text", shown != symbol);
            differ("background", cell.bgcolor() != colour(drawn.bg));
            differ("reversed", cell.inverse() != has(Modifier::REVERSED));
            differ("underlined", cell.underline() != has(Modifier::UNDERLINED));
            if seen {
                differ("foreground", cell.fgcolor() != colour(drawn.fg));
                differ("bold", cell.bold() != has(Modifier::BOLD));
                differ("dim", cell.dim() != has(Modifier::DIM));
                differ("italic", cell.italic() != has(Modifier::ITALIC));
            }
            differ("width", fits && taken == 2 && !cell.is_wide());
            x += if fits { taken } else { 1 };
        }
    }
    found
}

// ---- random frames ----

#[derive(Clone, Debug)]
enum Stroke {
    Text(u16, u16, String, Style),
    Fill(Rect, Style),
    Erase(Rect),
    /// Rows move by so many, over the whole width.
    Scroll(u16, u16, i8),
    /// A cell as no widget would leave it.
    Raw(u16, u16, String),
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-zA-Z0-9 .:-]{1,30}",
        2 => "[─━╸▁▂▃●◆○✕⠁⣿]{1,20}",
        1 => "[世界漢字ｱ]{1,12}",
        1 => "(e\u{301}|a\u{308}\u{304}|❤\u{fe0f}|👩\u{200d}🚀|🦀|נ|ש|ل|x){1,10}",
        1 => "[a-z]{200}",
        1 => " {5,40}",
    ]
}

fn a_colour(depth: u8) -> BoxedStrategy<Color> {
    let named = prop_oneof![
        Just(Color::Reset),
        Just(Color::Red),
        Just(Color::DarkGray),
        Just(Color::LightCyan),
        Just(Color::Black)
    ];
    match depth {
        0 => Just(Color::Reset).boxed(),
        1 => named.boxed(),
        2 => prop_oneof![named, any::<u8>().prop_map(Color::Indexed)].boxed(),
        _ => prop_oneof![named, any::<[u8; 3]>().prop_map(|[r, g, b]| Color::Rgb(r, g, b))].boxed(),
    }
}

fn style(depth: u8) -> impl Strategy<Value = Style> {
    let modifier = prop_oneof![
        5 => Just(Modifier::empty()),
        1 => Just(Modifier::BOLD),
        1 => Just(Modifier::DIM | Modifier::ITALIC),
        1 => Just(Modifier::REVERSED),
        1 => Just(Modifier::UNDERLINED | Modifier::BOLD),
    ];
    (a_colour(depth), a_colour(depth), modifier)
        .prop_map(|(fg, bg, modifier)| Style::reset().fg(fg).bg(bg).add_modifier(modifier))
}

fn area() -> impl Strategy<Value = Rect> {
    (0..40_u16, 0..14_u16, 1..40_u16, 1..6_u16).prop_map(|(x, y, w, h)| Rect::new(x, y, w, h))
}

fn stroke(depth: u8) -> impl Strategy<Value = Stroke> {
    prop_oneof![
        6 => (0..40_u16, 0..14_u16, text(), style(depth)).prop_map(|(x, y, t, s)| Stroke::Text(x, y, t, s)),
        2 => (area(), style(depth)).prop_map(|(a, s)| Stroke::Fill(a, s)),
        2 => area().prop_map(Stroke::Erase),
        3 => (0..14_u16, 0..14_u16, -4..4_i8).prop_map(|(a, b, n)| Stroke::Scroll(a.min(b), a.max(b), n)),
        1 => (0..40_u16, 0..14_u16, prop_oneof!["\\PC{1,2}", Just("世".to_owned()), Just("\u{200b}".to_owned())])
            .prop_map(|(x, y, t)| Stroke::Raw(x, y, t)),
    ]
}

fn paint(buffer: &mut Buffer, stroke: &Stroke) {
    let all = buffer.area;
    match stroke {
        Stroke::Text(x, y, text, style) if *x < all.width && *y < all.height => {
            buffer.set_stringn(*x, *y, text, 500, *style);
        }
        Stroke::Fill(area, style) => buffer.set_style(area.intersection(all), *style),
        Stroke::Erase(area) => {
            for position in area.intersection(all).positions() {
                buffer[position].reset();
            }
        }
        Stroke::Scroll(top, bottom, by) => {
            let old = buffer.clone();
            for y in *top..=(*bottom).min(all.height - 1) {
                for x in 0..all.width {
                    let from = i32::from(y) + i32::from(*by);
                    let inside =
                        from >= i32::from(*top) && from <= i32::from(*bottom).min(i32::from(all.height) - 1);
                    buffer[(x, y)] = if inside { old[(x, from as u16)].clone() } else { Default::default() };
                }
            }
        }
        Stroke::Raw(x, y, text) if *x < all.width && *y < all.height => {
            // What the emulator and Unicode disagree about is not the backend's.
            let known = text.chars().all(|c| c == '世' || c == '\u{200b}' || c.is_ascii_graphic());
            if known && text.width() <= 2 && text.chars().count() == 1 {
                buffer[(*x, *y)].set_symbol(text);
            }
        }
        _ => {}
    }
}

#[derive(Clone, Debug)]
enum Step {
    Draw(Vec<Stroke>),
    Resize(u16, u16),
    /// Somebody else had the terminal.
    Spoil,
}

fn steps(depth: u8) -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        12 => proptest::collection::vec(stroke(depth), 0..8).prop_map(Step::Draw),
        1 => (1..60_u16, 1..16_u16).prop_map(|(w, h)| Step::Resize(w, h)),
        1 => Just(Step::Spoil),
    ];
    proptest::collection::vec(step, 1..12)
}

fn shows_what_was_drawn(steps: &[Step], skills: Skills) -> Result<(), TestCaseError> {
    let mut screen = emulator(40, 14);
    screen.process(b"\x1b[?25l");
    let mut encoder = Encoder::new(skills);
    let mut buffer = Buffer::empty(Rect::new(0, 0, 40, 14));
    for step in steps {
        match step {
            Step::Draw(strokes) => strokes.iter().for_each(|stroke| paint(&mut buffer, stroke)),
            Step::Resize(width, height) => {
                buffer = Buffer::empty(Rect::new(0, 0, *width, *height));
                let size =
                    (NonZeroU16::new(*height).expect("rows"), NonZeroU16::new(*width).expect("columns"));
                screen.screen_mut().set_size(size.0, size.1);
                encoder.forget();
            }
            Step::Spoil => {
                screen.process(b"\x1b[3;3H\x1b[41;1mbroken\x1b[5;5H");
                encoder.forget();
            }
        }
        let mut bytes = Vec::new();
        encoder.frame(&buffer, &[], None, &mut bytes);
        screen.process(&bytes);
        let found = differences(&buffer, screen.screen());
        prop_assert!(found.is_empty(), "{}\n{:?}", found.join("\n"), String::from_utf8_lossy(&bytes));
        let mut again = Vec::new();
        encoder.frame(&buffer, &[], None, &mut again);
        prop_assert!(again.is_empty(), "nothing changed: {:?}", String::from_utf8_lossy(&again));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 160, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn without_colours_the_screen_shows_what_was_drawn(steps in steps(0)) {
        shows_what_was_drawn(&steps, Skills::of(Some("vt100")))?;
        shows_what_was_drawn(&steps, Skills::of(Some("dumb")))?;
    }

    #[test]
    fn in_sixteen_colours_the_screen_shows_what_was_drawn(steps in steps(1)) {
        shows_what_was_drawn(&steps, Skills::of(Some("linux")))?;
    }

    #[test]
    fn in_256_colours_the_screen_shows_what_was_drawn(steps in steps(2)) {
        shows_what_was_drawn(&steps, Skills::MODERN)?;
    }

    #[test]
    fn in_true_colours_the_screen_shows_what_was_drawn(steps in steps(3)) {
        shows_what_was_drawn(&steps, Skills::MODERN)?;
    }
}

// ---- bytes ----

/// Bytes of the same frames by our encoder, with what belongs to a frame, and by ratatui's own backend.
struct Count {
    encoder: Encoder,
    pacer: Pacer,
    stock: Terminal<CrosstermBackend<Shared>>,
    written: Shared,
    screen: vt100::Parser,
}

#[derive(Clone, Default)]
struct Shared(Rc<RefCell<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Count {
    fn new(width: u16, height: u16) -> Self {
        let written = Shared::default();
        let fixed = TerminalOptions { viewport: Viewport::Fixed(Rect::new(0, 0, width, height)) };
        Self {
            encoder: Encoder::new(Skills::MODERN),
            pacer: Pacer::new(true),
            stock: Terminal::with_options(CrosstermBackend::new(written.clone()), fixed).expect("a terminal"),
            written,
            screen: emulator(width, height),
        }
    }

    /// Bytes of `buffer` after what was drawn before: ours whole, with questions and marks, and ratatui's.
    fn frame(&mut self, buffer: &Buffer) -> (usize, usize) {
        self.linked(buffer, &[])
    }

    fn linked(&mut self, buffer: &Buffer, links: &[Link]) -> (usize, usize) {
        let mut cells = Vec::new();
        self.encoder.frame(buffer, links, None, &mut cells);
        let frame = self.pacer.seal(cells, true, Duration::ZERO);
        self.screen.process(&frame);
        assert_eq!(differences(buffer, self.screen.screen()), Vec::<String>::new());
        let draw = |frame: &mut Frame<'_>| frame.buffer_mut().clone_from(buffer);
        self.stock.draw(draw).expect("drawn");
        let stock = self.written.0.take();
        (frame.len(), stock.len())
    }
}

/// A cockpit as wide as a person's, with everything that moves in a second.
#[derive(Clone, Copy, Default)]
struct Cockpit {
    second: u16,
    gauges: u16,
    log: u16,
    tokens: u16,
}

impl Cockpit {
    fn buffer(self, theme: &Theme) -> Buffer {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 120, 40));
        let (text, dim, bar) =
            (Style::new().fg(theme.text), Style::new().fg(theme.dim), Style::new().bg(theme.bar));
        buffer.set_style(Rect::new(0, 0, 120, 1), bar);
        buffer.set_string(1, 0, "goaround   PROD demo-prod-eu / all namespaces", text);
        buffer.set_string(
            107,
            0,
            format!("12:{:02}:{:02} UTC", 30 + self.second / 60, self.second % 60),
            text,
        );
        for n in 0..20 {
            let y = 2 + n;
            buffer.set_string(1, y, format!("service-{n:02}  99.90 %"), text);
            // Three of them move in a second.
            let moved = if n < 3 { self.gauges } else { 0 };
            let filled = usize::from((n * 3 + moved) % 24);
            buffer.set_string(30, y, "━".repeat(filled), Style::new().fg(theme.good));
            buffer.set_string(30 + filled as u16, y, "─".repeat(24 - filled), Style::new().fg(theme.track));
            let spark: String = (0..16)
                .map(|x| ['▁', '▂', '▃', '▄', '▅', '▆', '▇'][usize::from((x * x + moved + n) % 7)])
                .collect();
            buffer.set_string(60, y, spark, Style::new().fg(theme.accent));
            buffer.set_string(80, y, format!("{}.{} x", n, (moved * 3 + n) % 10), dim);
        }
        let words =
            "The errors began 40 s after revision 7 of api-gateway started to serve, and only its pods fail.";
        buffer.set_string(1, 24, &words[..usize::from(self.tokens * 5).min(words.len())], text);
        for n in 0..10 {
            let line = self.log + n;
            buffer.set_string(1, 29 + n, format!("12:{:02}:{:02}", 20 + line / 60, line % 60), dim);
            buffer.set_string(12, 29 + n, "slo", Style::new().fg(theme.accent));
            let sentence = format!(
                "checkout-{line} burns {}.{} x of its budget over 1 h, an hour is left",
                line % 17,
                line % 9
            );
            buffer.set_string(18, 29 + n, sentence, text);
        }
        buffer.set_string(1, 39, "↑↓ select  enter open  g gate  / filter  ? help  q leave", dim);
        buffer
    }
}

fn dark(depth: Depth) -> Theme {
    Theme::parse(DARK, "dark.toml").expect("a theme").at(depth)
}

#[test]
fn a_frame_costs_what_is_promised_and_less_than_with_ratatui_alone() {
    // Bytes of: nothing, a clock's second, a typical second, a token, everything; at each depth.
    let mut table = String::new();
    for depth in [Depth::None, Depth::Ansi16, Depth::Ansi256, Depth::True] {
        let theme = dark(depth);
        let mut count = Count::new(120, 40);
        let mut at = Cockpit { second: 1, gauges: 1, log: 3, tokens: 2 };
        let whole = count.frame(&at.buffer(&theme));
        let nothing = count.frame(&at.buffer(&theme));
        let mut sum = [(0, 0); 3];
        let mut add = |n: usize, (ours, stock): (usize, usize)| {
            sum[n] = (sum[n].0 + ours, sum[n].1 + stock);
        };
        for _ in 0..8 {
            at.second += 1;
            add(0, count.frame(&at.buffer(&theme)));
        }
        for _ in 0..8 {
            (at.second, at.gauges, at.log) = (at.second + 1, at.gauges + 1, at.log + 1);
            add(1, count.frame(&at.buffer(&theme)));
        }
        for _ in 0..8 {
            at.tokens += 1;
            add(2, count.frame(&at.buffer(&theme)));
        }
        let [clock, typical, token] = sum.map(|(ours, stock)| (ours / 8, stock / 8));
        table += &format!(
            "{depth:?}: whole {whole:?} nothing {nothing:?} clock {clock:?} typical {typical:?} token {token:?}\n"
        );
        assert_eq!(nothing.0, 0, "{table}");
        assert!(clock.0 <= 9, "{table}");
        assert!(typical.0 <= if depth == Depth::True { 450 } else { 400 }, "{table}");
        assert!(token.0 <= 60, "{table}");
        for (ours, stock) in [clock, typical, token] {
            assert!(ours * 2 <= stock, "{table}");
        }
        assert!(whole.0 * 4 <= whole.1 * 3, "{table}");
    }
    println!("{table}");
}

//! A frame as an SVG: text in runs of equal style, each as wide as its cells, so that columns line up in any font; lines,
//! blocks and braille as shapes, because fonts differ most in those. Nothing in it moves or loads anything.

use std::fmt::Write as _;

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};
use unicode_width::UnicodeWidthStr as _;

/// A cell, in pixels.
const WIDE: f64 = 8.4;
const HIGH: f64 = 18.0;
/// Size of the letters, and where their line stands in a cell.
const LETTERS: f64 = 14.0;
const BASE: f64 = 13.5;
/// Around the screen.
const MARGIN: f64 = 12.0;
/// Fonts whose letters are 0.6 of their height wide come first.
const FONTS: &str =
    "ui-monospace,'SF Mono','Cascadia Mono','JetBrains Mono',Menlo,Consolas,'DejaVu Sans Mono',monospace";

/// What a terminal shows where nothing says a colour.
#[derive(Clone, Copy)]
pub struct Own {
    pub text: [u8; 3],
    pub ground: [u8; 3],
}

/// A dark terminal and a light one.
pub const DARK: Own = Own { text: [208, 208, 204], ground: [16, 18, 22] };
pub const LIGHT: Own = Own { text: [36, 38, 42], ground: [252, 252, 250] };

/// xterm's sixteen.
const SIXTEEN: [[u8; 3]; 16] = [
    [0, 0, 0],
    [205, 49, 49],
    [13, 188, 121],
    [229, 229, 16],
    [36, 114, 200],
    [188, 63, 188],
    [17, 168, 205],
    [229, 229, 229],
    [102, 102, 102],
    [241, 76, 76],
    [35, 209, 139],
    [245, 245, 67],
    [59, 142, 234],
    [214, 112, 214],
    [41, 184, 219],
    [255, 255, 255],
];

/// The SVG of `buffer`; `title` is what a reader is told who cannot see it.
pub fn of(buffer: &Buffer, own: Own, title: &str) -> String {
    let (columns, rows) = (buffer.area.width, buffer.area.height);
    let (width, height) = (f64::from(columns) * WIDE + 2.0 * MARGIN, f64::from(rows) * HIGH + 2.0 * MARGIN);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" height=\"{1}\" role=\"img\" \
         font-family=\"{FONTS}\" font-size=\"{LETTERS}\" xml:space=\"preserve\">\n<title>{2}</title>\n\
         <rect width=\"{0}\" height=\"{1}\" rx=\"8\" fill=\"{3}\"/>\n",
        short(width),
        short(height),
        escaped(title),
        hex(own.ground)
    );
    for y in 0..rows {
        let cells: Vec<&Cell> = (0..columns).filter_map(|x| buffer.cell((x, y))).collect();
        row(&cells, MARGIN + f64::from(y) * HIGH, own, &mut out);
    }
    out.push_str("</svg>\n");
    out
}

/// How a cell looks.
#[derive(Clone, Copy, PartialEq)]
struct Style {
    text: [u8; 3],
    ground: [u8; 3],
    bold: bool,
    italic: bool,
    underlined: bool,
}

fn style(cell: &Cell, own: Own) -> Style {
    let mut text = rgb(cell.fg, own.text);
    let mut ground = rgb(cell.bg, own.ground);
    if cell.modifier.contains(Modifier::REVERSED) {
        std::mem::swap(&mut text, &mut ground);
    }
    if cell.modifier.contains(Modifier::DIM) {
        text = std::array::from_fn(|n| ((u16::from(text[n]) * 6 + u16::from(ground[n]) * 4) / 10) as u8);
    }
    Style {
        text,
        ground,
        bold: cell.modifier.contains(Modifier::BOLD),
        italic: cell.modifier.contains(Modifier::ITALIC),
        underlined: cell.modifier.contains(Modifier::UNDERLINED),
    }
}

/// One row: grounds, then shapes, then text.
fn row(cells: &[&Cell], top: f64, own: Own, out: &mut String) {
    let styles: Vec<Style> = cells.iter().map(|cell| style(cell, own)).collect();
    let mut x = 0;
    while x < cells.len() {
        let ground = styles[x].ground;
        let end = (x..cells.len()).find(|n| styles[*n].ground != ground).unwrap_or(cells.len());
        if ground != own.ground {
            let (left, wide) = (MARGIN + x as f64 * WIDE, (end - x) as f64 * WIDE);
            let _ = writeln!(
                out,
                "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{HIGH}\" fill=\"{}\"/>",
                short(left),
                short(top),
                short(wide),
                hex(ground)
            );
        }
        x = end;
    }
    let mut x = 0;
    while x < cells.len() {
        let end = run(cells, &styles, x);
        let symbols: String = cells[x..end].iter().map(|cell| cell.symbol()).collect();
        if drawn(cells[x].symbol()).is_some() {
            shapes(&cells[x..end], x, top, styles[x], out);
        } else if styles[x].underlined || !symbols.trim().is_empty() {
            text(&symbols, x, end - x, top, styles[x], out);
        }
        x = end;
    }
}

/// Where the run that begins at `x` ends: same style, all of it text or all of it shapes. Two blanks end a text, so that
/// a font that is wider elsewhere cannot push what stands in the next column.
fn run(cells: &[&Cell], styles: &[Style], x: usize) -> usize {
    let shape = drawn(cells[x].symbol()).is_some();
    let blank = cells[x].symbol() == " ";
    let mut end = x + 1;
    while end < cells.len() && styles[end] == styles[x] && drawn(cells[end].symbol()).is_some() == shape {
        let gap = cells[end].symbol() == " " && cells.get(end + 1).is_none_or(|next| next.symbol() == " ");
        if !shape && !blank && gap || blank && cells[end].symbol() != " " {
            break;
        }
        end += 1;
    }
    end
}

fn text(symbols: &str, x: usize, columns: usize, top: f64, style: Style, out: &mut String) {
    // A wide character fills the cell behind it, which holds a blank or nothing.
    let columns = columns.max(symbols.trim_end().width());
    let mut more = String::new();
    if style.bold {
        more.push_str(" font-weight=\"bold\"");
    }
    if style.italic {
        more.push_str(" font-style=\"italic\"");
    }
    if style.underlined {
        more.push_str(" text-decoration=\"underline\"");
    }
    let _ = writeln!(
        out,
        "<text x=\"{}\" y=\"{}\" textLength=\"{}\" lengthAdjust=\"spacingAndGlyphs\" fill=\"{}\"{more}>{}</text>",
        short(MARGIN + x as f64 * WIDE),
        short(top + BASE),
        short(columns as f64 * WIDE),
        hex(style.text),
        escaped(symbols)
    );
}

/// A part of a cell: left, top, width, height, each 0..1.
type Part = (f64, f64, f64, f64);

fn shapes(cells: &[&Cell], x: usize, top: f64, style: Style, out: &mut String) {
    let mut path = String::new();
    let mut add = |left: f64, upper: f64, wide: f64, high: f64| {
        let (x, y, w, h) = (short(left), short(upper), short(wide), short(high));
        let _ = write!(path, "M{x} {y}h{w}v{h}h-{w}z");
    };
    // A line through many cells is one shape: seams between cells would be seen.
    let mut n = 0;
    while n < cells.len() {
        let symbol = cells[n].symbol();
        let same = (n..cells.len()).take_while(|m| cells[*m].symbol() == symbol).count();
        let parts = drawn(symbol).unwrap_or_default();
        let through = parts.len() == 1 && parts[0].0 == 0.0 && parts[0].2 == 1.0;
        let times = if through { 1 } else { same };
        for m in n..n + times {
            let left = MARGIN + (x + m) as f64 * WIDE;
            for (l, t, w, h) in &parts {
                let wide = if through { same as f64 } else { *w };
                add(left + l * WIDE, top + t * HIGH, wide * WIDE, h * HIGH);
            }
        }
        n += same;
    }
    if !path.is_empty() {
        let _ = writeln!(out, "<path fill=\"{}\" d=\"{path}\"/>", hex(style.text));
    }
}

/// What is drawn instead of written, as parts of its cell.
fn drawn(symbol: &str) -> Option<Vec<Part>> {
    let mut chars = symbol.chars();
    let (c, None) = (chars.next()?, chars.next()) else { return None };
    let eighth = |n: u32| f64::from(n) / 8.0;
    let code = u32::from(c);
    Some(match c {
        // Lower blocks, left blocks, halves.
        '▁'..='█' => vec![(0.0, 1.0 - eighth(code - 0x2580), 1.0, eighth(code - 0x2580))],
        '▉'..='▏' => vec![(0.0, 0.0, eighth(0x2590 - code), 1.0)],
        '▀' => vec![(0.0, 0.0, 1.0, 0.5)],
        '▐' => vec![(0.5, 0.0, 0.5, 1.0)],
        '▔' => vec![(0.0, 0.0, 1.0, 0.125)],
        '▕' => vec![(0.875, 0.0, 0.125, 1.0)],
        '─' => vec![(0.0, 0.475, 1.0, 0.055)],
        '━' => vec![(0.0, 0.44, 1.0, 0.12)],
        '╸' => vec![(0.0, 0.44, 0.5, 0.12)],
        '╺' => vec![(0.5, 0.44, 0.5, 0.12)],
        '│' => vec![(0.44, 0.0, 0.12, 1.0)],
        '┃' => vec![(0.38, 0.0, 0.24, 1.0)],
        '┊' => (0..4).map(|n| (0.44, 0.05 + 0.25 * f64::from(n), 0.12, 0.15)).collect(),
        '┌' => vec![(0.44, 0.475, 0.56, 0.055), (0.44, 0.475, 0.12, 0.525)],
        '┐' => vec![(0.0, 0.475, 0.56, 0.055), (0.44, 0.475, 0.12, 0.525)],
        '└' => vec![(0.44, 0.475, 0.56, 0.055), (0.44, 0.0, 0.12, 0.53)],
        '┘' => vec![(0.0, 0.475, 0.56, 0.055), (0.44, 0.0, 0.12, 0.53)],
        '\u{2800}'..='\u{28ff}' => braille(code - 0x2800),
        _ => return None,
    })
}

/// Dots 1..8 of Unicode, in the order of its bits.
fn braille(bits: u32) -> Vec<Part> {
    const PLACES: [(u32, u32); 8] = [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3)];
    let dots = PLACES.iter().enumerate().filter(|(bit, _)| bits & (1 << bit) != 0);
    dots.map(|(_, (x, y))| (0.08 + 0.5 * f64::from(*x), 0.05 + 0.25 * f64::from(*y), 0.34, 0.16)).collect()
}

fn rgb(colour: Color, own: [u8; 3]) -> [u8; 3] {
    let sixteen = |n: usize| SIXTEEN[n];
    match colour {
        Color::Reset => own,
        Color::Rgb(r, g, b) => [r, g, b],
        Color::Black => sixteen(0),
        Color::Red => sixteen(1),
        Color::Green => sixteen(2),
        Color::Yellow => sixteen(3),
        Color::Blue => sixteen(4),
        Color::Magenta => sixteen(5),
        Color::Cyan => sixteen(6),
        Color::Gray => sixteen(7),
        Color::DarkGray => sixteen(8),
        Color::LightRed => sixteen(9),
        Color::LightGreen => sixteen(10),
        Color::LightYellow => sixteen(11),
        Color::LightBlue => sixteen(12),
        Color::LightMagenta => sixteen(13),
        Color::LightCyan => sixteen(14),
        Color::White => sixteen(15),
        Color::Indexed(n @ 0..=15) => sixteen(usize::from(n)),
        Color::Indexed(n @ 16..=231) => {
            let step = |part: u8| [0, 95, 135, 175, 215, 255][usize::from(part % 6)];
            let n = n - 16;
            [step(n / 36), step(n / 6), step(n)]
        }
        Color::Indexed(n) => [8 + 10 * (n - 232); 3],
    }
}

fn hex([r, g, b]: [u8; 3]) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

/// As few digits as the eye needs.
fn short(number: f64) -> String {
    let text = format!("{number:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

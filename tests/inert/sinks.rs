//! Each function at the end of which something else stands than this program: a terminal, a file, a browser.

use std::path::Path;
use std::time::Instant;

use goaround::domain::clean::{Clean, printable_json};
use goaround::shell::export::markdown;
use goaround::shell::screen::encoder::Encoder;
use goaround::shell::screen::osc;
use goaround::shell::screen::terminal_type::Skills;
use goaround::ui::link::Link;
use goaround::ui::widgets::transliterate::to_ascii;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::all;
use crate::corpus::PAYLOADS;
use crate::terminal::{Own, plain, read, unseen};

/// One sink: its name, and whether `raw` is harmless at its end.
type Sink = (&'static str, fn(&str) -> Result<(), String>);

const SINKS: [Sink; 9] = [
    ("clean", clean),
    ("title", |raw| only_ours(&osc::title(raw), 1)),
    ("clipboard", |raw| only_ours(&osc::clipboard(&Clean::new(raw)), 1)),
    ("notification", |raw| only_ours(&osc::notification(&Clean::new(raw), &Clean::new(raw)), 2)),
    ("link", link),
    ("cell", cell),
    ("cell of raw text", raw_cell),
    ("json", json),
    ("markdown", in_markdown),
];

fn clean(raw: &str) -> Result<(), String> {
    let clean = Clean::new(raw);
    plain(clean.as_str()).map_err(|foreign| foreign.to_string())?;
    if clean.as_str().contains('\n') {
        return Err("two lines".into());
    }
    if !clean.as_str().ends_with(" characters") {
        let again = Clean::new(clean.as_str());
        return (again == clean).then_some(()).ok_or_else(|| format!("{clean} is not what it was: {again}"));
    }
    // What was cut is as long as it may be, and comes back only from a file.
    let text = serde_json::to_string(&clean).map_err(|error| error.to_string())?;
    let again: Clean = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    (again == clean).then_some(()).ok_or_else(|| format!("{clean} is not what it was: {again}"))
}

/// Our own sequences and nothing else, `count` of them with words in them.
fn only_ours(sent: &str, count: usize) -> Result<(), String> {
    let heard = read(sent.as_bytes(), Own::Session).map_err(|foreign| foreign.to_string())?;
    let whole = heard.words.len() == count && heard.text.is_empty() && heard.bells <= 1;
    whole.then_some(()).ok_or_else(|| format!("{heard:?}"))
}

fn link(raw: &str) -> Result<(), String> {
    for url in [raw.to_owned(), format!("https://x.example/{raw}"), format!("https://{raw}/")] {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 20, 1));
        buffer.set_string(0, 0, "runbook", Style::new());
        let links: Vec<Link> = Link::new(Rect::new(0, 0, 7, 1), &url).into_iter().collect();
        let mut sent = Vec::new();
        Encoder::new(Skills::MODERN).frame(&buffer, &links, None, &mut sent);
        read(&sent, Own::Frame).map_err(|foreign| foreign.to_string())?;
    }
    Ok(())
}

/// What is drawn the way that everything is drawn, in both kinds of terminal.
fn cell(raw: &str) -> Result<(), String> {
    let clean = Clean::new(raw);
    for skills in [Skills::MODERN, Skills::of(Some("vt100"))] {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 30, 2));
        goaround::ui::widgets::words::put(&mut buffer, Rect::new(0, 0, 30, 1), clean.as_str(), Style::new());
        let mut sent = Vec::new();
        Encoder::new(skills).frame(&buffer, &[], None, &mut sent);
        read(&sent, Own::Frame).map_err(|foreign| foreign.to_string())?;
        to_ascii(&mut buffer);
        let mut sent = Vec::new();
        Encoder::new(skills).frame(&buffer, &[], None, &mut sent);
        let heard = read(&sent, Own::Frame).map_err(|foreign| foreign.to_string())?;
        if !heard.text.is_ascii() {
            return Err(format!("{:?} on a screen of ASCII", heard.text));
        }
    }
    Ok(())
}

/// A cell into which nobody cleaned anything: the encoder sends nothing that steers, whatever it is given.
fn raw_cell(raw: &str) -> Result<(), String> {
    let mut buffer = Buffer::empty(Rect::new(0, 0, 10, 2));
    let symbol: String = raw.chars().take(40).collect();
    buffer[(0, 0)].set_symbol(&symbol);
    buffer[(3, 0)].set_symbol(&format!("x{symbol}"));
    let mut sent = Vec::new();
    Encoder::new(Skills::MODERN).frame(&buffer, &[], None, &mut sent);
    let sent = String::from_utf8(sent).map_err(|error| error.to_string())?;
    // What cannot be seen may be in a raw cell; what a terminal obeys may not.
    let steers = |c: char| c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let visible: String = sent.chars().filter(|c| steers(*c) || !unseen(*c)).collect();
    read(visible.as_bytes(), Own::Frame).map(|_| ()).map_err(|foreign| foreign.to_string())
}

fn json(raw: &str) -> Result<(), String> {
    let value = serde_json::json!({"text": raw, raw: Clean::new(raw)});
    let text = printable_json(&value.to_string());
    plain(&text).map_err(|foreign| foreign.to_string())?;
    if text.contains('\n') {
        return Err("two lines".into());
    }
    let read: serde_json::Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    (read == value).then_some(()).ok_or_else(|| "other JSON".into())
}

fn in_markdown(raw: &str) -> Result<(), String> {
    let shown = markdown::escaped(raw);
    plain(&shown).map_err(|foreign| foreign.to_string())?;
    is_text_in_markdown(&shown)
}

/// No character that means something in Markdown without a backslash before it; an independent and stricter reading than
/// that of any renderer.
pub fn is_text_in_markdown(shown: &str) -> Result<(), String> {
    let mut chars = shown.chars().peekable();
    let mut before = '\n';
    while let Some(c) = chars.next() {
        let bad = match c {
            '\\' => {
                let next = chars.next();
                before = 'x';
                if next.is_some_and(|next| next.is_ascii_punctuation()) {
                    continue;
                }
                true
            }
            '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '~' | '$' | '#' | '!' | '{' | '}' | '@'
            | '\n' | '\t' => true,
            // Entities of our own only.
            '&' => {
                let rest: String = chars.clone().take(5).collect();
                !["amp;", "lt;", "gt;", "#47;", "#46;", "#64;"].iter().any(|own| rest.starts_with(own))
            }
            '/' => before == ':',
            '-' | '+' | '=' | ' ' => before == '\n',
            _ => false,
        };
        if bad && !(c == '#' && before == '&') {
            return Err(format!("{c:?} means something in {shown:?}"));
        }
        before = c;
    }
    let digits = shown.bytes().take_while(u8::is_ascii_digit).count();
    let listed = digits > 0 && shown[digits..].starts_with(['.', ')']);
    (!listed).then_some(()).ok_or_else(|| format!("{shown:?} is an item of a list"))
}

#[test]
fn every_payload_through_every_sink() {
    for payload in PAYLOADS.iter() {
        let text = &payload.text;
        for (name, sink) in SINKS {
            for raw in [text.clone(), format!("a{text}b"), format!("{text}{text}")] {
                if let Err(why) = sink(&raw) {
                    panic!("{}, {} through {name}: {why}", payload.kind, payload.name);
                }
            }
        }
    }
}

#[test]
fn every_code_point_through_every_sink() {
    // A prime, so that each block and each place in it has its turn; what is dangerous is taken whole.
    let stride = if all() { 1 } else { 331 };
    for (name, sink) in SINKS {
        let begun = Instant::now();
        let whole = name == "clean" || stride == 1;
        let mut count = 0;
        for c in (0..=0x10_ffff_u32).filter_map(char::from_u32) {
            let code = u32::from(c);
            if whole || code < 0x300 || (unseen(c) && code < 0xe010) || code.is_multiple_of(stride) {
                count += 1;
                let alone = sink(c.encode_utf8(&mut [0; 4]));
                if let Err(why) = alone.and_then(|()| sink(&format!("a{c}b"))) {
                    panic!("U+{:04X} through {name}: {why}", u32::from(c));
                }
            }
        }
        println!("{name}: {count} code points in {:.1} s", begun.elapsed().as_secs_f64());
    }
}

#[test]
fn a_path_of_a_file_is_shown_harmlessly_in_errors_about_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("no\u{1b}]0;pwned\u{7}such\u{202e}");
    let error =
        goaround::shell::export::to_file(&Path::new(&path).join("x.md"), "x").expect_err("no such folder");
    plain(&error.to_string()).unwrap_or_else(|foreign| panic!("{foreign} in {error}"));
}

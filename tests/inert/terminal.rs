//! A strict reader of what is sent to a terminal: it knows the closed list of our own sequences with the shapes of their
//! parameters, and refuses every other byte. Unlike a terminal it forgives nothing.

use std::fmt;

/// What of our own list may appear.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Own {
    /// What a frame is made of: cells, styles, moves, links.
    Frame,
    /// All that a session sends, from taking the terminal to giving it back.
    Session,
}

/// What was sent.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Heard {
    /// Characters that were drawn, rows and styles forgotten.
    pub text: String,
    /// Words of OSC sequences, with their number.
    pub words: Vec<String>,
    /// Bells.
    pub bells: usize,
}

/// What does not belong there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Foreign {
    at: usize,
    what: String,
}

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at byte {}: {}", self.at, self.what)
    }
}

/// Reads all of `bytes`.
pub fn read(bytes: &[u8], own: Own) -> Result<Heard, Foreign> {
    let text = std::str::from_utf8(bytes)
        .map_err(|error| Foreign { at: error.valid_up_to(), what: "no UTF-8".into() })?;
    let mut heard = Heard::default();
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let rest = &text[at + c.len_utf8()..];
        let foreign = |what: String| Foreign { at, what };
        let taken = match c {
            '\x1b' => match rest.chars().next() {
                Some('[') => control(&rest[1..], own).map_err(foreign)? + 1,
                Some(']') => words(&rest[1..], own, &mut heard).map_err(foreign)? + 1,
                Some('M') => 1,
                other => return Err(foreign(format!("ESC {other:?}"))),
            },
            '\n' | '\r' | '\x08' => 0,
            '\x07' if own == Own::Session => {
                heard.bells += 1;
                0
            }
            c if unseen(c) => return Err(foreign(format!("U+{:04X}", u32::from(c)))),
            c => {
                heard.text.push(c);
                0
            }
        };
        at += c.len_utf8() + taken;
    }
    Ok(heard)
}

/// One CSI sequence; how many bytes it has after `CSI`.
fn control(rest: &str, own: Own) -> Result<usize, String> {
    let end = rest.find(|c: char| !matches!(c, '\x20'..='\x3f')).ok_or("CSI without an end")?;
    let (body, last) = (&rest[..end], rest[end..].chars().next().unwrap_or('\0'));
    let numbers = |most: usize| {
        let parts: Vec<&str> = body.split(';').collect();
        let plain = |p: &&str| p.len() <= 5 && p.bytes().all(|b| b.is_ascii_digit());
        parts.len() <= most && parts.iter().all(plain)
    };
    let session = own == Own::Session;
    let ours = match last {
        'm' => numbers(40) && style(body),
        'H' | 'r' => numbers(2),
        'A' | 'B' | 'C' | 'D' | 'X' => numbers(1),
        'J' | 'K' => body.is_empty(),
        'h' | 'l' => {
            let modes = ["?25", "?7", "?1049", "?2004", "?1000", "?1006", "?2026"];
            body == "?25" || (session && modes.contains(&body))
        }
        't' => session && ["22;2", "23;2"].contains(&body),
        'n' => session && ["5", "6"].contains(&body),
        'c' => session && body.is_empty(),
        'p' => session && body == "?2026$",
        _ => false,
    };
    if ours { Ok(end + last.len_utf8()) } else { Err(format!("CSI {body:?} {last:?}")) }
}

/// Nothing that hides: SGR 8 is no style of ours.
fn style(body: &str) -> bool {
    let mut codes = body.split(';').map(|code| code.parse::<u16>().unwrap_or(0));
    while let Some(code) = codes.next() {
        match code {
            38 | 48 => match codes.next() {
                Some(2) => drop((codes.next(), codes.next(), codes.next())),
                Some(5) => drop(codes.next()),
                _ => return false,
            },
            0..=5 | 7 | 9 | 22..=25 | 27 | 29 | 30..=37 | 39 | 40..=47 | 49 | 90..=97 | 100..=107 => {}
            _ => return false,
        }
    }
    true
}

/// One OSC sequence; how many bytes it has after `OSC`.
fn words(rest: &str, own: Own, heard: &mut Heard) -> Result<usize, String> {
    let end = rest.find("\x1b\\").ok_or("OSC without an end")?;
    let body = &rest[..end];
    if let Some(c) = body.chars().find(|c| unseen(*c)) {
        return Err(format!("U+{:04X} in OSC {body:?}", u32::from(c)));
    }
    let number = body.split(';').next().unwrap_or_default();
    let ours = match number {
        "8" => body.strip_prefix("8;;").is_some_and(leads_harmlessly),
        "2" => own == Own::Session,
        "9" => own == Own::Session && body.starts_with("9; "),
        "52" => {
            let sign = |b: u8| b.is_ascii_alphanumeric() || b"+/=".contains(&b);
            own == Own::Session && body.strip_prefix("52;c;").is_some_and(|b| b.bytes().all(sign))
        }
        "777" => own == Own::Session && body.starts_with("777;notify;") && body.matches(';').count() >= 3,
        _ => false,
    };
    if !ours {
        return Err(format!("OSC {body:?}"));
    }
    heard.words.push(body.to_owned());
    Ok(end + 2)
}

/// No address, or one that a browser opens and a person can read.
fn leads_harmlessly(url: &str) -> bool {
    let plain = url.bytes().all(|b| b.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&b));
    let web = url.starts_with("http://") || url.starts_with("https://");
    let host = url.split('/').nth(2).unwrap_or_default();
    url.is_empty() || (plain && web && !host.is_empty() && !host.contains('@'))
}

/// Characters that move something, turn a line round or cannot be seen; written down here on their own, from the
/// categories Cc, Cf, Co, Cn of the tags, Zl, Zp and Zs, `Default_Ignorable_Code_Point` and the blank letters.
pub fn unseen(c: char) -> bool {
    matches!(u32::from(c),
        0..=0x1f | 0x7f..=0xa0 | 0xad | 0x34f | 0x600..=0x605 | 0x61c | 0x6dd | 0x70f | 0x890 | 0x891 | 0x8e2
        | 0x115f | 0x1160 | 0x1680 | 0x17b4 | 0x17b5 | 0x180b..=0x180f | 0x2000..=0x200f | 0x2028..=0x202f
        | 0x205f..=0x206f | 0x2800 | 0x3000 | 0x3164 | 0xe000..=0xf8ff | 0xfe00..=0xfe0f | 0xfeff | 0xffa0
        | 0xfff0..=0xfffb | 0x110bd | 0x110cd | 0x13430..=0x1343f | 0x1bca0..=0x1bca3 | 0x1d159 | 0x1d173..=0x1d17a
        | 0xe0000..=0xe0fff | 0xf0000..=0x10ffff)
}

/// What is written to a file or a pipe: lines of characters that can be seen.
pub fn plain(text: &str) -> Result<(), Foreign> {
    match text.char_indices().find(|(_, c)| *c != '\n' && unseen(*c)) {
        Some((at, c)) => Err(Foreign { at, what: format!("U+{:04X}", u32::from(c)) }),
        None => Ok(()),
    }
}

#[test]
fn the_reader_refuses_what_is_not_ours() {
    for foreign in [
        "\x1b]0;pwned\x07",
        "\x1b]8;;javascript:alert(1)\x1b\\",
        "\x1b]8;;https://a b\x1b\\",
        "\x1b[8m",
        "\x1b[38;5;1;8m",
        "\x1b[2J",
        "\x1b[6n",
        "\x1b[?1049h",
        "\x1bc",
        "\x1bP1$q\x1b\\",
        "\x1b#8",
        "\x1b(0",
        "\u{9b}31m",
        "\x07",
        "\x0e",
        "\u{202e}",
        "\u{200b}",
        "\u{e0041}",
        "\x1b[",
        "\x1b]2;title\x1b\\",
    ] {
        assert!(read(foreign.as_bytes(), Own::Frame).is_err(), "{foreign:?}");
    }
    let ours =
        "\x1b[m\x1b[H\x1b[J\x1b[1;38;2;1;2;3mäb\x1b[?25l\x1b]8;;https://x.example/\x1b\\c\x1b]8;;\x1b\\";
    let heard = read(ours.as_bytes(), Own::Frame).expect("ours");
    assert_eq!((heard.text.as_str(), heard.words.len()), ("äbc", 2));
    let title = read(b"\x1b]2;title\x1b\\\x07", Own::Session).expect("ours");
    assert_eq!((title.words[0].as_str(), title.bells), ("2;title", 1));
}

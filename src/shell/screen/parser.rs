//! Bytes from a terminal, cut anywhere, as keys, pasted text, the mouse and answers. A sequence that a slow line tore
//! apart stays one: neither an answer nor a report of the mouse nor the rest of a key ever becomes typed characters.
//! Which silence ends what is decided here; how long it lasted, by whoever reads.

use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseEvent};

use super::keys;

/// Something that a terminal told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Told {
    /// A key.
    Key(KeyEvent),
    /// Text that was pasted as one piece.
    Paste(String),
    /// A button or the wheel.
    Mouse(MouseEvent),
    /// `CSI 0 n`: all that was sent before the question has been taken.
    Alive,
    /// `CSI row ; column R`, counted from 1.
    Position {
        /// The row, never the first.
        row: u16,
        /// The column.
        column: u16,
    },
    /// DECRPM: what the terminal makes of a private mode; 0 is unknown to it.
    Mode {
        /// Its number.
        mode: u16,
        /// 1 set, 2 reset, 3 always set, 4 always reset.
        value: u16,
    },
    /// DA1.
    Attributes,
}

/// What a silence would end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wait {
    /// An Esc, which may be a key or the begin of more.
    Escape,
    /// A sequence that has begun for sure.
    Sequence,
    /// Pasted text without its end.
    Paste,
}

/// A byte that comes so long after an Esc was not sent together with it.
const TOGETHER: Duration = Duration::from_millis(30);
/// The rest of a sequence is known as such for so long after its Esc was taken for a key.
const LATE: Duration = Duration::from_secs(2);
/// A sequence longer than this is none of ours.
const LONGEST: usize = 64;
/// Of a paste no more is kept.
const LONGEST_PASTE: usize = 1 << 20;
const PASTE_ENDS: &[u8] = b"\x1b[201~";

#[derive(Debug, Default)]
enum State {
    #[default]
    Ground,
    /// Since when.
    Escape(Duration),
    SingleShift,
    Sequence(Vec<u8>),
    /// `ESC [ [`.
    Console,
    /// `ESC [ M`.
    OldMouse(Vec<u8>),
    /// Words (OSC, DCS, ...) by their introducer; whether anything came; whether the last byte was an Esc.
    Words(u8, bool, bool),
    Paste(Vec<u8>),
    /// Bytes of a character, whether alt was held, how many are still to come.
    Character(Vec<u8>, bool, usize),
}

/// Reads what a terminal sends.
#[derive(Debug, Default)]
pub struct Parser {
    state: State,
    /// When an Esc was taken for a key because nothing followed.
    gave_up: Option<Duration>,
}

impl Parser {
    /// Takes `bytes` that were read at `now`; appends what they tell.
    pub fn feed(&mut self, bytes: &[u8], now: Duration, out: &mut Vec<Told>) {
        let late = self.gave_up.take().is_some_and(|at| now.saturating_sub(at) < LATE);
        if late && matches!(self.state, State::Ground) && is_rest(bytes) {
            self.state = State::Escape(now);
        }
        for byte in bytes {
            self.take(*byte, now, out);
        }
    }

    /// What a silence would end now.
    pub fn waits(&self) -> Option<Wait> {
        match &self.state {
            State::Ground => None,
            State::Escape(_) | State::SingleShift | State::Words(_, false, _) => Some(Wait::Escape),
            State::Sequence(body) if body.is_empty() => Some(Wait::Escape),
            State::Paste(_) => Some(Wait::Paste),
            _ => Some(Wait::Sequence),
        }
    }

    /// The silence that [`Parser::waits`] asked about has lasted, until `now`.
    pub fn silence(&mut self, now: Duration, out: &mut Vec<Told>) {
        let alt = |c: u8| Told::Key(keys::typed(char::from(c), KeyModifiers::ALT));
        match std::mem::take(&mut self.state) {
            State::Escape(_) => {
                self.gave_up = Some(now);
                out.push(escape());
            }
            State::SingleShift => out.push(alt(b'O')),
            State::Sequence(body) if body.is_empty() => out.push(alt(b'[')),
            State::Words(introducer, false, _) => out.push(alt(introducer)),
            State::Paste(text) => out.push(paste(&text)),
            _ => {}
        }
    }

    fn take(&mut self, byte: u8, now: Duration, out: &mut Vec<Told>) {
        self.state = match std::mem::take(&mut self.state) {
            State::Ground => ground(byte, now, false, out),
            State::Escape(since) => {
                // Alt is sent in one piece; what was typed after Esc is a key of its own.
                let apart = now.saturating_sub(since) > TOGETHER;
                match byte {
                    b'[' => State::Sequence(Vec::new()),
                    b'O' => State::SingleShift,
                    b']' | b'P' | b'X' | b'^' | b'_' if !apart => State::Words(byte, false, false),
                    0x1b => {
                        out.push(escape());
                        State::Escape(now)
                    }
                    _ if apart => {
                        out.push(escape());
                        ground(byte, now, false, out)
                    }
                    _ => ground(byte, now, true, out),
                }
            }
            State::SingleShift if byte.is_ascii_graphic() => {
                out.extend(keys::single_shift(byte));
                State::Ground
            }
            State::Sequence(body) => sequence(body, byte, now, out),
            State::Console => {
                out.extend(keys::console(byte));
                State::Ground
            }
            State::OldMouse(mut bytes) => {
                bytes.push(byte);
                match <[u8; 3]>::try_from(bytes) {
                    Ok(bytes) => {
                        out.extend(keys::old_mouse(bytes));
                        State::Ground
                    }
                    Err(bytes) => State::OldMouse(bytes),
                }
            }
            State::Words(_, _, true) if byte == b'\\' => State::Ground,
            State::Words(_, _, true) => {
                return self.again(State::Escape(now), byte, now, out);
            }
            State::Words(_, _, _) if byte == 0x07 => State::Ground,
            State::Words(introducer, _, _) => State::Words(introducer, true, byte == 0x1b),
            State::Paste(text) => pasted(text, byte, out),
            State::Character(bytes, alt, missing) => {
                if byte & 0xc0 == 0x80 {
                    character(bytes, byte, alt, missing, out)
                } else {
                    ground(byte, now, false, out)
                }
            }
            State::SingleShift => ground(byte, now, false, out),
        };
    }

    fn again(&mut self, state: State, byte: u8, now: Duration, out: &mut Vec<Told>) {
        self.state = state;
        self.take(byte, now, out);
    }
}

fn escape() -> Told {
    Told::Key(KeyEvent::new(KeyCode::Esc, KeyModifiers::NONE))
}

fn paste(text: &[u8]) -> Told {
    Told::Paste(String::from_utf8_lossy(text).into_owned())
}

/// Exactly the rest of one sequence whose Esc came before: no hand types it within one read.
fn is_rest(bytes: &[u8]) -> bool {
    match bytes {
        [b'O', letter] => letter.is_ascii_uppercase(),
        [b'[', body @ .., last] => {
            (0x40..=0x7e).contains(last) && *last != b'[' && body.iter().all(|b| (0x20..=0x3f).contains(b))
        }
        _ => false,
    }
}

fn ground(byte: u8, now: Duration, alt: bool, out: &mut Vec<Told>) -> State {
    let modifiers = if alt { KeyModifiers::ALT } else { KeyModifiers::NONE };
    match byte {
        0x1b => return State::Escape(now),
        0x00..=0x1f | 0x7f => out.push(Told::Key(keys::control(byte, modifiers))),
        0x20..=0x7e => out.push(Told::Key(keys::typed(char::from(byte), modifiers))),
        0xc2..=0xdf => return State::Character(vec![byte], alt, 1),
        0xe0..=0xef => return State::Character(vec![byte], alt, 2),
        0xf0..=0xf4 => return State::Character(vec![byte], alt, 3),
        _ => {}
    }
    State::Ground
}

fn character(mut bytes: Vec<u8>, byte: u8, alt: bool, missing: usize, out: &mut Vec<Told>) -> State {
    bytes.push(byte);
    if missing > 1 {
        return State::Character(bytes, alt, missing - 1);
    }
    let modifiers = if alt { KeyModifiers::ALT } else { KeyModifiers::NONE };
    if let Some(c) = std::str::from_utf8(&bytes).ok().and_then(|text| text.chars().next()) {
        out.push(Told::Key(keys::typed(c, modifiers)));
    }
    State::Ground
}

fn sequence(mut body: Vec<u8>, byte: u8, now: Duration, out: &mut Vec<Told>) -> State {
    match byte {
        b'[' if body.is_empty() => State::Console,
        b'M' if body.is_empty() => State::OldMouse(Vec::new()),
        b'~' if body == b"200" => State::Paste(Vec::new()),
        0x20..=0x3f => {
            // What is too long is read to its end all the same.
            if body.len() < LONGEST {
                body.push(byte);
            }
            State::Sequence(body)
        }
        0x40..=0x7e => {
            if body.len() < LONGEST {
                out.extend(keys::sequence(&body, byte));
            }
            State::Ground
        }
        _ => ground(byte, now, false, out),
    }
}

fn pasted(mut text: Vec<u8>, byte: u8, out: &mut Vec<Told>) -> State {
    text.push(byte);
    if text.ends_with(PASTE_ENDS) {
        text.truncate(text.len() - PASTE_ENDS.len());
        out.push(paste(&text));
        return State::Ground;
    }
    if text.len() > LONGEST_PASTE + PASTE_ENDS.len() {
        // The end must still be found: what falls out is in the middle of too much anyway.
        text.remove(LONGEST_PASTE);
    }
    State::Paste(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crossterm::event::{MouseButton, MouseEventKind};
    use proptest::prelude::*;

    const AT: Duration = Duration::from_secs(1);

    fn told(bytes: &[u8]) -> Vec<Told> {
        let (mut parser, mut out) = (Parser::default(), Vec::new());
        parser.feed(bytes, AT, &mut out);
        if parser.waits().is_some() {
            parser.silence(AT, &mut out);
        }
        out
    }

    fn key(code: KeyCode, modifiers: KeyModifiers) -> Told {
        Told::Key(KeyEvent::new(code, modifiers))
    }

    #[test]
    fn keys_are_what_terminals_send_for_them() {
        use KeyModifiers as M;
        for (bytes, code, modifiers) in [
            (&b"a"[..], KeyCode::Char('a'), M::NONE),
            (b"A", KeyCode::Char('A'), M::SHIFT),
            ("é".as_bytes(), KeyCode::Char('é'), M::NONE),
            (b"\r", KeyCode::Enter, M::NONE),
            (b"\t", KeyCode::Tab, M::NONE),
            (b"\x7f", KeyCode::Backspace, M::NONE),
            (b"\x08", KeyCode::Backspace, M::NONE),
            (b"\x03", KeyCode::Char('c'), M::CONTROL),
            (b"\x13", KeyCode::Char('s'), M::CONTROL),
            (b"\x00", KeyCode::Char(' '), M::CONTROL),
            (b"\x1c", KeyCode::Char('4'), M::CONTROL),
            (b"\x1b", KeyCode::Esc, M::NONE),
            (b"\x1bx", KeyCode::Char('x'), M::ALT),
            (b"\x1b\x03", KeyCode::Char('c'), M::ALT.union(M::CONTROL)),
            ("\x1bé".as_bytes(), KeyCode::Char('é'), M::ALT),
            (b"\x1b[", KeyCode::Char('['), M::ALT),
            (b"\x1bO", KeyCode::Char('O'), M::ALT.union(M::SHIFT)),
            (b"\x1b]", KeyCode::Char(']'), M::ALT),
            (b"\x1b[A", KeyCode::Up, M::NONE),
            (b"\x1bOB", KeyCode::Down, M::NONE),
            (b"\x1b[1;5C", KeyCode::Right, M::CONTROL),
            (b"\x1b[1;3D", KeyCode::Left, M::ALT),
            (b"\x1b[H", KeyCode::Home, M::NONE),
            (b"\x1b[4~", KeyCode::End, M::NONE),
            (b"\x1b[5~", KeyCode::PageUp, M::NONE),
            (b"\x1b[6;2~", KeyCode::PageDown, M::SHIFT),
            (b"\x1b[3~", KeyCode::Delete, M::NONE),
            (b"\x1b[Z", KeyCode::BackTab, M::SHIFT),
            (b"\x1bOP", KeyCode::F(1), M::NONE),
            (b"\x1b[15~", KeyCode::F(5), M::NONE),
            (b"\x1b[17~", KeyCode::F(6), M::NONE),
            (b"\x1b[24~", KeyCode::F(12), M::NONE),
            (b"\x1b[1;2R", KeyCode::F(3), M::SHIFT),
            (b"\x1b[[B", KeyCode::F(2), M::NONE),
            (b"\x1b[97;5u", KeyCode::Char('a'), M::CONTROL),
            (b"\x1b[27u", KeyCode::Esc, M::NONE),
            (b"\x1b[27;5;13~", KeyCode::Enter, M::CONTROL),
        ] {
            assert_eq!(told(bytes), [key(code, modifiers)], "{:?}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn answers_are_answers_and_what_is_not_known_is_nothing() {
        for (bytes, wanted) in [
            (&b"\x1b[0n"[..], vec![Told::Alive]),
            (b"\x1b[3n", vec![]),
            (b"\x1b[2;3R", vec![Told::Position { row: 2, column: 3 }]),
            (b"\x1b[1;1R", vec![Told::Position { row: 1, column: 1 }]),
            (b"\x1b[?2026;2$y", vec![Told::Mode { mode: 2026, value: 2 }]),
            (b"\x1b[?64;1;2c", vec![Told::Attributes]),
            (b"\x1b[>0;276;0c", vec![]),
            (b"\x1b[I\x1b[O", vec![]),
            (b"\x1b]11;rgb:00/00/00\x07", vec![]),
            (b"\x1bP>|name\x1b\\", vec![]),
            (b"\x1b[999999999999;1A", vec![]),
            (b"\xff\xfe\x80", vec![]),
        ] {
            assert_eq!(told(bytes), wanted, "{:?}", String::from_utf8_lossy(bytes));
        }
        let long = [b"\x1b[".as_slice(), &[b'1'; 500], b"A"].concat();
        assert_eq!(told(&long), []);
    }

    #[test]
    fn the_mouse_is_told_in_both_forms() {
        let at = |kind, column, row, modifiers| Told::Mouse(MouseEvent { kind, column, row, modifiers });
        let none = KeyModifiers::NONE;
        for (bytes, wanted) in [
            (&b"\x1b[<0;1;1M"[..], at(MouseEventKind::Down(MouseButton::Left), 0, 0, none)),
            (b"\x1b[<0;300;200m", at(MouseEventKind::Up(MouseButton::Left), 299, 199, none)),
            (b"\x1b[<64;5;6M", at(MouseEventKind::ScrollUp, 4, 5, none)),
            (b"\x1b[<69;5;6M", at(MouseEventKind::ScrollDown, 4, 5, KeyModifiers::SHIFT)),
            (b"\x1b[M !\"", at(MouseEventKind::Down(MouseButton::Left), 0, 1, none)),
            (b"\x1b[Ma!\"", at(MouseEventKind::ScrollDown, 0, 1, none)),
        ] {
            assert_eq!(told(bytes), [wanted], "{:?}", String::from_utf8_lossy(bytes));
        }
        // The old form in columns that are no characters.
        assert_eq!(told(b"\x1b[M \xff\xe9").len(), 1);
    }

    #[test]
    fn pasted_text_is_one_piece_and_its_end_may_be_torn() {
        let (mut parser, mut out) = (Parser::default(), Vec::new());
        for piece in [&b"\x1b[200~3F7K\x1b[A"[..], b"\r\x1b[2", b"01~x"] {
            parser.feed(piece, AT, &mut out);
        }
        let x = key(KeyCode::Char('x'), KeyModifiers::NONE);
        assert_eq!(out, [Told::Paste("3F7K\x1b[A\r".into()), x]);
        // Without an end it is a paste all the same.
        assert_eq!(told(b"\x1b[200~3F7K"), [Told::Paste("3F7K".into())]);
        let long = [b"\x1b[200~".as_slice(), &vec![b'a'; LONGEST_PASTE + 100], b"\x1b[201~q"].concat();
        let [Told::Paste(text), Told::Key(_)] = &told(&long)[..] else { panic!("a paste and a key") };
        assert!(text.len() <= LONGEST_PASTE + 10);
    }

    #[test]
    fn the_rest_of_a_sequence_that_comes_late_is_not_typed() {
        let (mut parser, mut out) = (Parser::default(), Vec::new());
        let after = |millis| AT + Duration::from_millis(millis);
        parser.feed(b"\x1b", AT, &mut out);
        assert_eq!(parser.waits(), Some(Wait::Escape));
        parser.feed(b"[", after(100), &mut out);
        parser.feed(b"A", after(300), &mut out);
        assert_eq!(out, [key(KeyCode::Up, KeyModifiers::NONE)], "nobody gave up");
        // Given up, and then it comes.
        for (rest, wanted) in [
            (&b"[B"[..], key(KeyCode::Down, KeyModifiers::NONE)),
            (b"OB", key(KeyCode::Down, KeyModifiers::NONE)),
            (b"[0n", Told::Alive),
        ] {
            out.clear();
            parser.feed(b"\x1b", after(1_000), &mut out);
            parser.silence(after(1_150), &mut out);
            parser.feed(rest, after(1_400), &mut out);
            assert_eq!(out, [escape(), wanted]);
        }
        // What a hand types after Esc are keys.
        out.clear();
        parser.feed(b"\x1b", after(5_000), &mut out);
        parser.feed(b"q", after(5_060), &mut out);
        assert_eq!(out, [escape(), key(KeyCode::Char('q'), KeyModifiers::NONE)]);
        out.clear();
        parser.feed(b"\x1b", after(6_000), &mut out);
        parser.silence(after(6_150), &mut out);
        parser.feed(b"[", after(6_400), &mut out);
        assert_eq!(out, [escape(), key(KeyCode::Char('['), KeyModifiers::NONE)]);
    }

    proptest! {
        #[test]
        fn wherever_a_line_tears_it_the_same_is_told(cuts in proptest::collection::vec(1..9_usize, 40)) {
            let text = "qé\x1b[A\x1b[0n\x1b[<64;10;20M\x1bOP\x1b[200~a\x1b[Bb\x1b[201~\x1b[?2026;2$y\x1b]8;;x\x1b\\世\x1b[1;5Cz";
            let whole = told(text.as_bytes());
            let (mut parser, mut out, mut rest) = (Parser::default(), Vec::new(), text.as_bytes());
            for cut in cuts {
                let (now, later) = rest.split_at(cut.min(rest.len()));
                parser.feed(now, AT, &mut out);
                rest = later;
            }
            parser.feed(rest, AT, &mut out);
            prop_assert_eq!(out, whole);
        }

        #[test]
        fn no_bytes_are_too_strange(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            told(&bytes);
        }
    }
}

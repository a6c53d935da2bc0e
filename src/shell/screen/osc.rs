//! What is said to the terminal besides cells: clipboard, notification, title, links. Each of these ends at the first
//! control character, so none can stand in a payload: words from outside are cleaned once more here, addresses are
//! percent-encoded by their own type. Nothing here reads an answer; a clipboard is only ever written.

use crate::domain::clean::Clean;

/// Ends a sequence. Two bytes that every terminal knows; the shorter BEL would ring where one does not.
const ST: &str = "\x1b\\";
/// Longest title or sentence of a notification, in characters.
const LONGEST_WORDS: usize = 200;

/// Saves the window's title.
pub const PUSH_TITLE: &str = "\x1b[22;2t";
/// What follows leads nowhere.
pub const NO_LINK: &str = "\x1b]8;;\x1b\\";
/// Restores the window's title.
pub const POP_TITLE: &str = "\x1b[23;2t";

/// Puts `text` into the clipboard (OSC 52), as it is and without a wrapper: tmux passes it on with `set-clipboard on`.
/// A [`Clean`] is never so long that a terminal would drop it.
pub fn clipboard(text: &Clean) -> String {
    format!("\x1b]52;c;{}{ST}", base64(text.as_str().as_bytes()))
}

/// A notification of the desktop, in both words that terminals know (OSC 777 of urxvt and its heirs, OSC 9 of iTerm),
/// and the bell for those that know neither.
pub fn notification(title: &Clean, body: &Clean) -> String {
    // Fields of OSC 777 are divided by semicolons; after `9;` a number would be another command.
    let (title, body) = (words(title.as_str()).replace(';', ","), words(body.as_str()));
    format!("\x1b]777;notify;{title};{body}{ST}\x1b]9; {title}: {body}{ST}\x07")
}

/// The title of the window (OSC 2).
pub fn title(text: &str) -> String {
    format!("\x1b]2;{}{ST}", words(text))
}

/// From here on cells lead to `url` (OSC 8); to nothing when it is empty. `url` comes from a
/// [`Link`](crate::ui::link::Link).
pub fn link(url: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(b"\x1b]8;;");
    out.extend(url.bytes().filter(|b| b.is_ascii_graphic()));
    out.extend_from_slice(ST.as_bytes());
}

/// `text` as one harmless line.
fn words(text: &str) -> String {
    let text: String = text.chars().take(LONGEST_WORDS).collect();
    Clean::new(text).to_string()
}

/// RFC 4648, with padding.
fn base64(bytes: &[u8]) -> String {
    const SIGNS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for piece in bytes.chunks(3) {
        let bits =
            piece.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - piece.len()));
        for n in 0..4 {
            let sign = SIGNS[(bits >> (18 - 6 * n) & 63) as usize];
            out.push(if n <= piece.len() { char::from(sign) } else { '=' });
        }
    }
    out
}

/// The pointer's reports: buttons and wheel, not motion, in the form that has no limit of columns.
pub fn mouse(on: bool) -> &'static str {
    if on { "\x1b[?1000h\x1b[?1006h" } else { "\x1b[?1006l\x1b[?1000l" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_the_rfc() {
        for (text, wanted) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
            ("ä→", "w6TihpI="),
        ] {
            assert_eq!(base64(text.as_bytes()), wanted, "{text}");
        }
    }

    #[test]
    fn no_payload_can_end_its_sequence() {
        let hostile = "a\x1b\\\x07\u{9c}\u{9d}\n;b";
        let bare = |said: &str, own: usize| {
            let escapes = said.matches('\x1b').count();
            assert_eq!(escapes, own, "{said:?}");
            assert!(!said.contains(['\u{9c}', '\u{9d}', '\n']), "{said:?}");
        };
        bare(&title(hostile), 2);
        // Twice a beginning and an end, and one bell at the very end.
        let said = notification(&hostile.into(), &hostile.into());
        bare(&said, 4);
        assert_eq!(said.matches('\x07').count(), 1, "{said:?}");
        assert!(said.starts_with("\x1b]777;notify;a<1b>\\<07><9c><9d><0a>,b;a<1b>"), "{said:?}");
        bare(&clipboard(&hostile.into()), 2);
        let mut out = Vec::new();
        link("https://x.example/\x1b\\\x07", &mut out);
        assert_eq!(out, b"\x1b]8;;https://x.example/\\\x1b\\");
    }
}

//! Text from outside (cluster, Prometheus, files, people), made harmless once, at ingestion. Whatever could move a
//! cursor, reorder a line, hide in it or pass for another character is shown as what it is: `<1b>`, `<u+202e>`. Nothing
//! is deleted silently, so two different texts never look alike because of what cannot be seen or told apart.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;
use unicode_width::UnicodeWidthChar;

use super::alike;

/// The longest text kept, in characters as they are shown; what is cut is said.
pub const LONGEST: usize = 4_096;
/// Combining marks kept on one base character; the others are shown escaped.
const MARKS: usize = 2;

/// Text that can be printed anywhere. A copy shares it: names stand in many places.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Clean(Arc<str>);

impl Clean {
    /// Makes `raw` harmless. A line feed or a tab is shown escaped too: a `Clean` is one line.
    pub fn new(raw: impl AsRef<str>) -> Self {
        let raw = raw.as_ref();
        if is_plain(raw) {
            return Self(raw.into());
        }
        let mut spelling = Spelling::of(raw.chars().take(LONGEST).collect());
        // A shorter text may be spelled otherwise, because a word belongs to the alphabet of the words around it.
        while let Some(fitting) = spelling.too_long() {
            spelling = Spelling::of(spelling.chars[..fitting].to_vec());
        }
        let mut out = spelling.text();
        let left = raw.chars().count() - spelling.chars.len();
        if left > 0 {
            out.push_str(&format!(" +{left} characters"));
        }
        Self(out.into())
    }

    /// `text` as it is, if it is what [`Clean::new`] made of something: cut once, it is not cut again.
    fn made_before(text: &str) -> Option<Self> {
        let cut = text.rsplit_once(" +").and_then(|(kept, end)| {
            let number = end.strip_suffix(" characters")?;
            (!number.is_empty() && number.bytes().all(|b| b.is_ascii_digit())).then_some(kept)
        })?;
        let whole = Self::new(cut);
        (*whole.0 == *cut && !text.chars().any(is_hostile)).then(|| Self(text.into()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// True when there is no character.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `raw` with its line structure kept, each line clean: for diffs and documents.
    pub fn lines(raw: &str) -> Vec<Self> {
        raw.lines().map(Self::new).collect()
    }
}

/// The same JSON in other characters: what could move a cursor, reorder a line or hide stands as `\uXXXX`, so that it
/// means what it meant and can be printed. Outside of its strings JSON has no such character, but for line ends.
pub fn printable_json(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if is_hostile(c) && c != '\n' {
            let mut units = [0; 2];
            c.encode_utf16(&mut units).iter().for_each(|unit| out.push_str(&format!("\\u{unit:04x}")));
        } else {
            out.push(c);
        }
    }
    out
}

/// A value with every text in it made harmless, names included: for what is shown and never compared or sent.
pub fn cleaned(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(Clean::new(text).to_string()),
        Value::Array(items) => items.into_iter().map(cleaned).collect(),
        Value::Object(map) => {
            let entry = |(key, value): (String, Value)| (Clean::new(key).to_string(), cleaned(value));
            Value::Object(map.into_iter().map(entry).collect())
        }
        other => other,
    }
}

/// Which characters of a text are shown escaped. Decided by nothing but what is shown, so that a text that was made
/// harmless is made harmless by being left alone.
struct Spelling {
    chars: Vec<char>,
    escaped: Vec<bool>,
}

impl Spelling {
    fn of(chars: Vec<char>) -> Self {
        let escaped = chars.iter().map(|c| is_hostile(*c) || alike::has_a_double(*c)).collect();
        let mut spelling = Self { chars, escaped };
        spelling.escape_crowded_marks();
        let text = spelling.text();
        let mut strangers = alike::strangers(&text).into_iter().peekable();
        if strangers.peek().is_some() {
            let mut at = 0;
            for n in 0..spelling.chars.len() {
                let end = at + spelling.shown(n).len();
                spelling.escaped[n] |= strangers.next_if(|stranger| *stranger == at).is_some();
                at = end;
            }
            spelling.escape_crowded_marks();
        }
        spelling
    }

    /// Marks need a letter that is shown as it is, and there is room for few of them.
    fn escape_crowded_marks(&mut self) {
        let (mut marks, mut carries) = (0, false);
        for (c, escaped) in self.chars.iter().zip(&mut self.escaped) {
            marks = if is_mark(*c) { marks + 1 } else { 0 };
            *escaped |= marks > MARKS || (marks > 0 && !carries);
            carries = !*escaped && (marks > 0 || c.is_alphabetic());
        }
    }

    fn shown(&self, n: usize) -> String {
        if self.escaped[n] { escape(self.chars[n]) } else { self.chars[n].to_string() }
    }

    fn text(&self) -> String {
        (0..self.chars.len()).map(|n| self.shown(n)).collect()
    }

    /// How many of the characters can be shown, where that is not all of them.
    fn too_long(&self) -> Option<usize> {
        let mut length = 0;
        (0..self.chars.len()).find(|n| {
            length += if self.escaped[*n] { escape(self.chars[*n]).len() } else { 1 };
            length > LONGEST
        })
    }
}

fn escape(c: char) -> String {
    let code = c as u32;
    if code < 0x100 { format!("<{code:02x}>") } else { format!("<u+{code:04x}>") }
}

/// A character without a width of its own.
pub(super) fn is_mark(c: char) -> bool {
    !c.is_control() && c.width() == Some(0)
}

/// Control, bidirectional, invisible, tag, private and line-separating characters, variation selectors, and blanks
/// that are not the one of ASCII.
fn is_hostile(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{a0}' | '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{890}'
            | '\u{891}' | '\u{8e2}' | '\u{115f}' | '\u{1160}' | '\u{1680}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{2000}'..='\u{200f}' | '\u{2028}'..='\u{202f}'
            | '\u{205f}'..='\u{206f}' | '\u{2800}' | '\u{3000}' | '\u{3164}' | '\u{e000}'..='\u{f8ff}'
            | '\u{fdd0}'..='\u{fdef}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{110bd}' | '\u{110cd}' | '\u{13430}'..='\u{1343f}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d159}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}'
            | '\u{f0000}'..='\u{10ffff}')
        || (c as u32) & 0xfffe == 0xfffe
}

impl fmt::Display for Clean {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl From<&str> for Clean {
    fn from(raw: &str) -> Self {
        Self::new(raw)
    }
}

impl From<String> for Clean {
    fn from(raw: String) -> Self {
        Self::new(raw)
    }
}

impl AsRef<str> for Clean {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl std::borrow::Borrow<str> for Clean {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl PartialEq<str> for Clean {
    fn eq(&self, other: &str) -> bool {
        *self.0 == *other
    }
}

impl PartialEq<&str> for Clean {
    fn eq(&self, other: &&str) -> bool {
        *self.0 == **other
    }
}

impl Serialize for Clean {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Clean {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        /// Takes the text where it stands in the input, and copies it once.
        struct Text;
        impl serde::de::Visitor<'_> for Text {
            type Value = Clean;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Clean, E> {
                if is_plain(text) {
                    return Ok(Clean(text.into()));
                }
                Ok(Clean::made_before(text).unwrap_or_else(|| Clean::new(text)))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

/// Printable ASCII that is not too long: most of what comes, and nothing is to be done about it.
fn is_plain(text: &str) -> bool {
    text.len() <= LONGEST && text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_are_shown_not_obeyed() {
        assert_eq!(Clean::new("\x1b[2Jx\r\n").as_str(), "<1b>[2Jx<0d><0a>");
        assert_eq!(Clean::new("a\u{202e}b\u{200b}c").as_str(), "a<u+202e>b<u+200b>c");
    }

    #[test]
    fn no_scalar_value_lets_a_control_or_an_invisible_character_through() {
        for c in (0..=0x10_ffff).filter_map(char::from_u32) {
            let clean = Clean::new(format!("x{c}"));
            assert!(clean.as_str().chars().all(|c| !c.is_control() && !is_hostile(c)), "{:x}", c as u32);
        }
    }

    #[test]
    fn json_that_is_made_printable_is_the_same_json() {
        let value = serde_json::json!({"k\u{9b}": "\u{1b}[2J\u{202e}\u{e0041}\u{feff} \u{1f600} größer\n"});
        let text = printable_json(&value.to_string());
        assert!(text.chars().all(|c| !is_hostile(c)), "{text}");
        assert!(text.contains("größer") && text.contains('\u{1f600}'), "{text}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).ok(), Some(value));
    }

    #[test]
    fn a_copy_is_the_same_text_in_memory_and_in_json() {
        let name = Clean::new("api-gateway");
        assert!(std::ptr::eq(name.clone().as_str(), name.as_str()));
        let json = serde_json::to_string(&name).expect("JSON");
        assert_eq!(serde_json::from_str::<Clean>(&json).ok(), Some(name));
        assert_eq!(serde_json::from_str::<Clean>(r#""a\u001b""#).ok(), Some(Clean::new("a\x1b")));
    }

    proptest::proptest! {
        /// Of these few any rule can meet any other within a short text.
        #[test]
        fn what_was_made_harmless_stays_as_it_is(raw in "[aXdсЖωΣԱօ<>1bu+  ¡\u{1b}\u{301}\u{e49}\u{200b}µ]{0,16}") {
            let clean = Clean::new(&raw);
            proptest::prop_assert_eq!(&Clean::new(clean.as_str()), &clean);
        }
    }

    #[test]
    fn a_word_keeps_its_alphabet_where_the_cut_takes_the_word_that_it_had_it_from() {
        let raw = format!("с \x1b{}Ж", " ".repeat(LONGEST - 4));
        let clean = Clean::new(&raw);
        assert_eq!(clean.as_str(), format!("<u+0441> <1b>{} +10 characters", " ".repeat(LONGEST - 13)));
        assert_eq!(Clean::made_before(clean.as_str()), Some(clean));
    }

    #[test]
    fn ordinary_text_of_any_language_is_kept() {
        for text in ["api-gateway", "größer → ü", "決済", "naïve"] {
            assert_eq!(Clean::new(text).as_str(), text);
        }
    }

    #[test]
    fn marks_cannot_pile_up_and_length_is_capped() {
        assert_eq!(Clean::new(format!("a{}", "\u{301}".repeat(50))).as_str().matches('\u{301}').count(), 0);
        let thai = format!("\u{e01}{}", "\u{e49}".repeat(50));
        assert_eq!(Clean::new(thai).as_str().matches('\u{e49}').count(), 2);
        assert!(Clean::new("x".repeat(LONGEST + 7)).as_str().ends_with(" +7 characters"));
        assert!(Clean::new("\x1b".repeat(LONGEST)).as_str().chars().count() < LONGEST + 20);
    }

    #[test]
    fn what_was_made_harmless_comes_back_from_a_file_as_it_was() {
        let long = "x".repeat(LONGEST + 7);
        for raw in
            [long.as_str(), &"\x1b".repeat(LONGEST), "a\u{301}\u{301}\u{301}", "\u{301}b", "\x1b[2J", ""]
        {
            let clean = Clean::new(raw);
            let text = serde_json::to_string(&clean).expect("text");
            assert_eq!(serde_json::from_str::<Clean>(&text).ok(), Some(clean));
        }
        let hostile = serde_json::to_string(&format!("{long}\u{1b} +7 characters")).expect("text");
        let read = serde_json::from_str::<Clean>(&hostile).expect("text");
        assert!(!read.as_str().contains('\u{1b}'));
    }
}

//! Which characters of a text look like others. Seen characters only: what cannot be seen is
//! [`clean`](super::clean)'s own matter. The rules look at nothing but what a reader sees, so two texts that look the
//! same are treated the same, and at most one of the two is shown as it is. Text of one script stays readable.

use std::ops::Range;

use super::clean::is_mark;

/// True where a character has a double in ASCII, or another spelling of itself, wherever it stands: letters of
/// mathematics, phonetics and numerals, rare scripts made of Latin capitals, signs like a hyphen or a slash, ligatures,
/// characters that exist twice, and marks for which there are letters that have them.
pub fn has_a_double(c: char) -> bool {
    let c = u32::from(c);
    c >= 0xb5 && (is_a_mark(c) || is_a_sign(c) || is_a_letter(c) || is_a_second_form(c))
}

/// Marks of Latin, Greek and Cyrillic, of which most combinations are letters too; and the parts of Hangul's syllables.
fn is_a_mark(c: u32) -> bool {
    matches!(c, 0x300..=0x36f | 0x483..=0x489 | 0x1ab0..=0x1aff | 0x1dc0..=0x1dff | 0x20d0..=0x20ff | 0xfe20..=0xfe2f
        | 0x1100..=0x11ff | 0xa960..=0xa97f | 0xd7b0..=0xd7ff)
}

/// Hyphens, slashes, colons, quotes and the like.
fn is_a_sign(c: u32) -> bool {
    matches!(c, 0xb8 | 0x1c0..=0x1c3 | 0x2b0..=0x2ff | 0x374 | 0x375 | 0x37a | 0x37e | 0x384 | 0x385 | 0x387
        | 0x55a..=0x55f | 0x589 | 0x58a | 0x5be | 0x5c0 | 0x5c3 | 0x5f3 | 0x5f4 | 0x60c | 0x61b | 0x66a..=0x66d | 0x6d4
        | 0x703 | 0x704 | 0x7f4 | 0x7f5 | 0x7fa | 0x903 | 0xa83 | 0x1400 | 0x1735 | 0x1803 | 0x1809 | 0x1cd3
        | 0x1fbd..=0x1fc1 | 0x1fcd..=0x1fcf | 0x1fdd..=0x1fdf | 0x1fed..=0x1fef | 0x1ffd | 0x1ffe
        | 0x2010..=0x2012 | 0x2015..=0x2017 | 0x201a | 0x201b | 0x201f | 0x2024 | 0x2025 | 0x2027 | 0x2032..=0x2037
        | 0x2039 | 0x203a | 0x203c | 0x203d | 0x2041 | 0x2043 | 0x2044 | 0x2045..=0x2049 | 0x204e | 0x204f | 0x2052
        | 0x2053 | 0x2057 | 0x2212 | 0x2215..=0x2219 | 0x2223 | 0x2225 | 0x2236 | 0x223c | 0x22c5 | 0x22ee..=0x22f1
        | 0x2329 | 0x232a | 0x2571..=0x2573 | 0x2758 | 0x2768..=0x2775 | 0x2795..=0x2797
        | 0x27cb | 0x27cd | 0x27e8..=0x27eb | 0x292b | 0x292c | 0x2983..=0x2998 | 0x29b8 | 0x29f5..=0x29f9 | 0x2a2f
        | 0x2afb..=0x2afd | 0x2cfe | 0x2e17 | 0x2e1a | 0x2e28..=0x2e2b | 0x2e2f..=0x2e3f | 0x2e40..=0x2e5f
        | 0x301d..=0x301f | 0x3014 | 0x3015 | 0x3033 | 0x30a0 | 0x31d3 | 0xa4f8..=0xa4ff | 0xa60e | 0xa6f3
        | 0xa700..=0xa721 | 0xa789..=0xa78c | 0xa78f | 0xfe10..=0xfe19 | 0xfe30..=0xfe6f | 0xff61..=0xff65 | 0xffe8..=0xffee
        | 0x10101 | 0x10a50 | 0x16f51 | 0x1d114 | 0x1d16d)
}

/// Letters that are drawn like one of ASCII, whatever stands beside them.
fn is_a_letter(c: u32) -> bool {
    matches!(c, 0xb5 | 0x131 | 0x138 | 0x149 | 0x17f..=0x185 | 0x18d | 0x192 | 0x196 | 0x19a | 0x19e | 0x1a6..=0x1a8
        | 0x1b7 | 0x1bb..=0x1bf | 0x1cb | 0x21c..=0x226 | 0x237 | 0x241..=0x245 | 0x250..=0x258 | 0x25a..=0x2af
        // What Cyrillic has for other languages and other times; Greek's archaic letters.
        | 0x370..=0x373 | 0x376 | 0x377 | 0x37b..=0x37d | 0x37f | 0x3cf..=0x3ff | 0x460..=0x481 | 0x4ae..=0x4b1
        | 0x4bb..=0x4c1 | 0x4cf | 0x500..=0x52f | 0x1c80..=0x1c8f | 0x2de0..=0x2dff | 0xa640..=0xa69f
        // Scripts whose letters are Latin capitals to the eye.
        | 0x13a0..=0x13ff | 0xab70..=0xabbf | 0x1401..=0x167f | 0x18b0..=0x18ff | 0x2c80..=0x2cf3 | 0x2d30..=0x2d7f
        | 0xa4d0..=0xa4f7 | 0xa500..=0xa63f | 0xa6a0..=0xa6ef | 0x10280..=0x1034f | 0x10400..=0x1044f
        | 0x104b0..=0x1057f | 0x118a0..=0x118ff | 0x16a0..=0x16ff | 0x16f00..=0x16f50 | 0x16f52..=0x16f9f
        | 0x1d00..=0x1dbf | 0x1e9d..=0x1e9f | 0x1efa..=0x1eff | 0x1f7e..=0x1f7f | 0x2c60..=0x2c7f | 0xa722..=0xa788
        | 0xa78d | 0xa78e | 0xa790..=0xa7ff | 0xab30..=0xab6f | 0x1df00..=0x1dfff | 0x10780..=0x107bf)
}

/// Numerals, letters of mathematics, ligatures, and what exists once more for the sake of older character sets.
fn is_a_second_form(c: u32) -> bool {
    matches!(c, 0x132 | 0x133 | 0x1c4..=0x1cc | 0x1f1..=0x1f3 | 0x587 | 0x1f71 | 0x1f73 | 0x1f75 | 0x1f77 | 0x1f79 | 0x1f7b
        | 0x1f7d | 0x1fbb | 0x1fbe | 0x1fc9 | 0x1fcb | 0x1fd3 | 0x1fdb | 0x1fe3 | 0x1feb | 0x1ff9 | 0x1ffb
        | 0x958..=0x95f | 0x9dc | 0x9dd | 0x9df | 0xa33 | 0xa36 | 0xa59..=0xa5e | 0xb5c | 0xb5d | 0xe33 | 0xeb3
        | 0xf43 | 0xf4d | 0xf52 | 0xf57 | 0xf5c | 0xf69 | 0xf73..=0xf79 | 0xf81
        | 0x2070..=0x209c | 0x2100..=0x2115 | 0x2117..=0x2121 | 0x2123..=0x214f | 0x2160..=0x2188 | 0x2379 | 0x237a
        | 0x2adc | 0x2e80..=0x2fd5 | 0x3036 | 0x3038..=0x303a | 0x3131..=0x318e | 0x3192..=0x319f 
        | 0xf900..=0xfaff | 0xfb00..=0xfdcf | 0xfdf0..=0xfdfc | 0xfe70..=0xfefc | 0xffa0..=0xffdc
        | 0x1d400..=0x1d7ff | 0x1ee00..=0x1eeff | 0x1fbf0..=0x1fbf9
        | 0x1ccd6..=0x1ccf9 | 0x2f800..=0x2fa1f)
}

/// Alphabets of which some letters look like some of another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Script {
    Latin,
    Cyrillic,
    Greek,
    Armenian,
}

impl Script {
    fn of(c: char) -> Option<Self> {
        match u32::from(c) {
            0x41..=0x5a
            | 0x61..=0x7a
            | 0xaa
            | 0xba
            | 0xc0..=0xd6
            | 0xd8..=0xf6
            | 0xf8..=0x24f
            | 0x259
            | 0x1e00..=0x1eff => Some(Self::Latin),
            0x400..=0x52f => Some(Self::Cyrillic),
            0x370..=0x3ff | 0x1f00..=0x1fff => Some(Self::Greek),
            0x530..=0x588 => Some(Self::Armenian),
            _ => None,
        }
    }

    /// Nobody takes `c` for a letter of another alphabet.
    fn is_sure(self, c: char) -> bool {
        match self {
            Self::Latin => "dfgmqtzDFGLQRUVW".contains(c),
            Self::Cyrillic => "БДЖИЙЦЧШЩЪЫЭЮЯбвджийклмнтцчшщъыэюя".contains(c),
            Self::Greek => "ΔΘΞΣΨΩδζθλξσςψ".contains(c),
            Self::Armenian => "ԱԲԳԴԵԶԷԸԹԺԻԽԾԿՀՁՂՃՆՇՉՊՋՌՎՐՑՓՔՖբդեէըթժլխծկձճմշչպջռվտփֆ".contains(c),
        }
    }
}

/// The escape as `clean` writes it, at the begin of `text`: its length in bytes, and what it stands for.
fn escape_at(text: &str) -> Option<(usize, Option<char>)> {
    let hex = |digits: &&str| digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let rest = text.strip_prefix('<')?;
    let body = &rest[..rest.find('>')?];
    let digits = match body.strip_prefix("u+") {
        Some(digits) => Some(digits).filter(|digits| (4..=6).contains(&digits.len())),
        None => Some(body).filter(|digits| digits.len() == 2),
    };
    let code = digits.filter(hex).map(|digits| u32::from_str_radix(digits, 16))?;
    Some((body.len() + 2, code.ok().and_then(char::from_u32)))
}

/// A word: letters, digits, marks and escapes that stand together.
struct Word {
    bytes: Range<usize>,
    /// Letters of any of the alphabets, those that stand as an escape among them: a word has as many after one of them
    /// was spelled out.
    letters: usize,
    /// The alphabet of its letters that cannot be mistaken; the first in order, where there are several.
    sure: Option<Script>,
}

fn words(text: &str) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    let (mut at, mut open) = (0, false);
    while let Some(c) = text[at..].chars().next() {
        let escape = escape_at(&text[at..]);
        let taken = escape.map_or(c.len_utf8(), |(length, _)| length);
        let within = escape.is_some() || c.is_alphanumeric() || is_mark(c);
        if within && !open {
            words.push(Word { bytes: at..at, letters: 0, sure: None });
        }
        open = within;
        if let (true, Some(word)) = (within, words.last_mut()) {
            word.bytes.end = at + taken;
            let letter = escape.map_or(Some(c), |(_, meant)| meant);
            if let Some(script) = letter.and_then(Script::of) {
                word.letters += 1;
                let sure = escape.is_none() && script.is_sure(c);
                if sure && word.sure.is_none_or(|sure| (script as u8) < sure as u8) {
                    word.sure = Some(script);
                }
            }
        }
        at += taken;
    }
    words
}

/// Where letters of `text` stand, in bytes, that look like letters of the alphabet of their word. A word belongs to the
/// alphabet of a letter in it that cannot be mistaken, else to the Latin one; a single letter, to that of the words
/// around it.
pub fn strangers(text: &str) -> Vec<usize> {
    let mut found = Vec::new();
    if !text.chars().any(|c| Script::of(c).is_some_and(|script| script != Script::Latin)) {
        return found;
    }
    let words = words(text);
    for (n, word) in words.iter().enumerate() {
        let near = || {
            let before = words[..n].iter().rev().find_map(|word| word.sure);
            before.or_else(|| words[n + 1..].iter().find_map(|word| word.sure))
        };
        let script = match word.sure {
            None if word.letters == 1 => near(),
            sure => sure,
        };
        let script = script.unwrap_or(Script::Latin);
        let mut at = word.bytes.start;
        while at < word.bytes.end {
            let Some(c) = text[at..].chars().next() else { break };
            let escape = escape_at(&text[at..]);
            if escape.is_none() && Script::of(c).is_some_and(|other| other != script) {
                found.push(at);
            }
            at += escape.map_or(c.len_utf8(), |(length, _)| length);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    fn shown(text: &str) -> String {
        crate::domain::clean::Clean::new(text).to_string()
    }

    #[test]
    fn a_letter_of_another_alphabet_in_a_word_is_spelled_out() {
        for (raw, wanted) in [
            ("p\u{430}yments", "p<u+0430>yments"),
            ("\u{441}\u{43e}\u{440}", "<u+0441><u+043e><u+0440>"),
            ("shop-\u{3bf}", "shop-<u+03bf>"),
            ("K\u{443}бернетес", "<4b>убернетес"),
            ("откат \u{63} 4.12", "откат <63> 4.12"),
            ("\u{391}PI", "<u+0391>PI"),
            ("Ա¡\u{3c9}X", "Ա¡<u+03c9>X"),
            ("Ж\x1bab", "Ж<1b><61><62>"),
            ("api\u{2010}gateway", "api<u+2010>gateway"),
            ("re\u{301}sume\u{301}", "re<u+0301>sume<u+0301>"),
        ] {
            assert_eq!(shown(raw), wanted);
            assert_eq!(shown(wanted), wanted, "what was made harmless stays as it is");
        }
    }

    #[test]
    fn text_of_one_script_stays_as_it_is() {
        for text in [
            "откат с 4.12 на 4.11, причина: ошибка в маршруте",
            "Ελλάδα δοκιμή",
            "größer naïve Łódź İstanbul tiếng Việt",
            "決済ルートの新しい地図と経路の設定",
            "한국어 설정",
            "สวัสดี नमस्ते שלום سلام",
            "it’s “quoted” – and — so…",
            "→ ↑ ✓ 🚀",
        ] {
            assert_eq!(shown(text), text);
        }
    }
}

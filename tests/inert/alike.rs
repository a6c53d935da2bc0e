//! Two texts that differ look different where a person approves. What looks the same to an eye is written down here as a
//! list of pairs, and judged by what is drawn: two cells are the same to an eye when they hold the same symbol, or two
//! that the list of doubles calls one.

use goaround::domain::clean::Clean;
use goaround::domain::diff;
use goaround::engine::gate::{EffectKind, EffectLine};
use goaround::ui::panels::effects::Placed;
use proptest::prelude::*;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use serde_json::{Value, json};

use crate::screens::ui;

/// Texts that an eye takes for one another.
const PAIRS: &[(&str, &str, &str)] = &[
    ("zero width space", "payment", "pay\u{200b}ment"),
    ("zero width joiner", "payment", "pay\u{200d}ment"),
    ("word joiner", "payment", "pay\u{2060}ment"),
    ("soft hyphen", "payment", "pay\u{ad}ment"),
    ("byte order mark", "payment", "\u{feff}payment"),
    ("grapheme joiner", "payment", "pay\u{34f}ment"),
    ("one or two of them", "a\u{200b}", "a\u{200b}\u{200b}"),
    ("which of them", "a\u{200b}b", "a\u{200c}b"),
    ("override", "4.12", "\u{202e}21.4\u{202c}"),
    ("isolate", "a", "\u{2066}a\u{2069}"),
    ("selector", "a", "a\u{fe0f}"),
    ("selector of the supplement", "a", "a\u{e0100}"),
    ("tags", "a", "a\u{e0061}\u{e0062}"),
    ("a mark more than fits", "a\u{301}\u{301}\u{301}", "a\u{301}\u{301}\u{301}\u{301}"),
    ("marks in another order", "a\u{301}\u{323}", "a\u{323}\u{301}"),
    ("composed and decomposed", "caf\u{e9}", "cafe\u{301}"),
    ("composed and decomposed Hangul", "\u{ac00}", "\u{1100}\u{1161}"),
    ("compatible ideograph", "\u{8c48}", "\u{f900}"),
    ("radical", "\u{4e00}", "\u{2f00}"),
    ("Cyrillic a", "payment", "p\u{430}yment"),
    ("Cyrillic e", "release", "r\u{435}lease"),
    ("a whole Cyrillic word", "cope", "\u{441}\u{43e}\u{440}\u{435}"),
    ("Cyrillic capitals", "ABC", "\u{410}\u{412}\u{421}"),
    ("Latin in a Cyrillic word", "\u{43e}ткат", "oткат"),
    ("Latin between Cyrillic words", "откат \u{441} узла", "откат c узла"),
    ("Cyrillic io", "\u{eb}", "\u{451}"),
    ("Greek omicron", "shop", "sh\u{3bf}p"),
    ("Greek capitals", "API", "\u{391}\u{3a1}\u{399}"),
    ("Greek question mark", "a;b", "a\u{37e}b"),
    ("micro", "5\u{b5}s", "5\u{3bc}s"),
    ("ohm", "\u{3a9}", "\u{2126}"),
    ("Kelvin", "4K", "4\u{212a}"),
    ("angstrom", "\u{c5}", "\u{212b}"),
    ("Armenian", "on", "\u{585}\u{578}"),
    ("Cherokee", "API", "\u{13aa}\u{13e2}\u{13c6}"),
    ("Lisu", "BPD", "\u{a4d0}\u{a4d1}\u{a4d3}"),
    ("fullwidth", "api", "\u{ff41}\u{ff50}\u{ff49}"),
    ("mathematical", "api", "\u{1d41a}\u{1d429}\u{1d422}"),
    ("monospaced", "api", "\u{1d68a}\u{1d699}\u{1d692}"),
    ("dotless i", "api", "ap\u{131}"),
    ("script g", "gateway", "\u{261}ateway"),
    ("Roman numeral", "I", "\u{2160}"),
    ("click", "a!", "a\u{1c3}"),
    ("ligature", "fi", "\u{fb01}"),
    ("hyphen", "api-gateway", "api\u{2010}gateway"),
    ("hyphen that does not break", "api-gateway", "api\u{2011}gateway"),
    ("minus", "-5", "\u{2212}5"),
    ("slash", "shop/api", "shop\u{2215}api"),
    ("fraction slash", "1/2", "1\u{2044}2"),
    ("colon", "api:4.12", "api\u{a789}4.12"),
    ("ratio", "api:4.12", "api\u{2236}4.12"),
    ("leader", "api.4", "api\u{2024}4"),
    ("bar", "a|b", "a\u{2223}b"),
    ("tilde", "a~b", "a\u{223c}b"),
    ("asterisk", "a*b", "a\u{2217}b"),
    ("prime", "a'b", "a\u{2032}b"),
    ("letter apostrophe", "a'b", "a\u{2bc}b"),
    ("angle", "a<b", "a\u{2039}b"),
    ("no-break space", "a b", "a\u{a0}b"),
    ("narrow space", "a b", "a\u{202f}b"),
    ("em space", "a b", "a\u{2003}b"),
    ("ideographic space", "a  b", "a\u{3000}b"),
    ("blank of Braille", "a b", "a\u{2800}b"),
    ("Hangul filler", "a b", "a\u{3164}b"),
    ("two blanks", "a b", "a  b"),
    ("a blank behind", "a", "a "),
    ("a blank before", "a", " a"),
    ("only blanks", "", " "),
    ("one or two blanks", " ", "  "),
    ("tab", "a b", "a\tb"),
    ("tab behind", "a", "a\t"),
    ("line feed behind", "a", "a\n"),
    ("carriage return", "a\n", "a\r\n"),
    ("nothing and its word", "", "<empty>"),
    ("null byte", "a", "a\0"),
    ("an escape and its spelling", "\u{1b}[2J", "<1b>[2J"),
    ("an escape of more digits", "\u{202e}a", "<u+202e>a"),
    ("a spelled escape, spelled", "<1b>", "<3c>1b>"),
    ("ellipsis", "a...", "a\u{2026}"),
    ("our arrow", "a → b", "a -> b"),
    ("from the right", "\u{5d0}1", "1\u{5d0}"),
    ("Arabic forms", "\u{627}", "\u{fe8d}"),
    ("private", "\u{e000}", "\u{e001}"),
    ("line separator", "a b", "a\u{2028}b"),
];

/// A template with `value` wherever a text of a person can stand.
fn template(value: &str) -> Value {
    json!({"metadata": {"labels": {"app": "api"}, "annotations": {"note": value}}, "spec": {"containers": [{
        "name": "api", "image": format!("shop/api:{value}"), "args": ["--mode", value],
        "env": [{"name": "MODE", "value": value}]}]}})
}

fn line(text: String) -> EffectLine {
    EffectLine { kind: EffectKind::Changes, text: Clean::new(text) }
}

/// The effect lines of a change from `before` to `after`, in a template and in a ConfigMap.
fn lines(before: &str, after: &str) -> Vec<EffectLine> {
    let mut changes = diff::templates(&template(before), &template(after));
    changes.extend(diff::contents("c", &json!({"k": before}), &json!({"k": after})));
    changes.extend(diff::annotations(&json!({"k": before}), &json!({"k": after}), |_| false));
    changes.iter().map(|change| line(diff::shown(change))).collect()
}

/// Symbols of all cells of these lines, drawn as on a card that is this wide.
fn cells(lines: &[EffectLine], columns: u16, ascii: bool) -> Vec<String> {
    let ui = ui().ascii(ascii);
    let placed = Placed::of(lines, columns, ascii);
    let area = Rect::new(0, 0, columns, u16::try_from(placed.height()).expect("a screen"));
    let mut buffer = Buffer::empty(area);
    let whole = placed.draw(ui.look(), 0, area, &mut buffer);
    assert_eq!(whole.len(), lines.len(), "all of it was shown");
    if ascii {
        goaround::ui::widgets::transliterate::to_ascii(&mut buffer);
    }
    buffer.content.iter().map(|cell| cell.symbol().to_owned()).collect()
}

/// The same to an eye: a symbol with what it is taken for.
fn seen(cells: &[String]) -> String {
    let text = cells.concat();
    let mut out = text.clone();
    for (_, one, other) in PAIRS {
        if one.chars().count() == 1 && other.chars().count() == 1 {
            out = out.replace(other, one);
        }
    }
    // Letters that the list has within words.
    let doubles = "аa еe оo рp сc хx уy іi јj ѕs αa οo ρp νv ιi АA ВB ЕE КK МM НH ОO РP СC ТT ХX ΑA ΒB ΕE ΙI ΟO ΡP ΤT ‐- ‑- −-";
    for pair in doubles.split(' ') {
        let mut pair = pair.chars();
        if let (Some(from), Some(to)) = (pair.next(), pair.next()) {
            out = out.replace(from, &to.to_string());
        }
    }
    out
}

#[test]
fn texts_that_differ_look_different_in_effect_lines_of_every_width() {
    for (name, one, other) in PAIRS {
        assert_ne!(one, other, "{name}");
        for (a, b) in [((*one, "x"), (*other, "x")), (("x", *one), ("x", *other))] {
            for columns in [40, 64, 80, 99, 132] {
                for ascii in [false, true] {
                    let [a, b] = [a, b].map(|(before, after)| cells(&lines(before, after), columns, ascii));
                    assert_ne!(seen(&a), seen(&b), "{name} at {columns}, ascii {ascii}: {}", a.concat());
                }
            }
        }
        // From the one to the other: neither side may look like the other.
        for change in diff::templates(&template(one), &template(other)) {
            let (before, after) = (change.before.expect("before"), change.after.expect("after"));
            let cells = |side: &Clean| cells(&[line(side.to_string())], 132, false);
            assert_ne!(seen(&cells(&before)), seen(&cells(&after)), "{name}: {}", change.field);
        }
    }
}

#[test]
fn what_is_cut_is_told_apart_by_length_and_digest() {
    let long = "x".repeat(400);
    let shown = |value: &str| cells(&lines("a", value), 80, false).concat();
    let mut looks: Vec<String> = Vec::new();
    for value in [
        long.clone(),
        format!("{long}\u{200b}"),
        format!("{}y", &long[1..]),
        format!("{}\u{430}{}", &long[..200], &long[201..]),
        format!("{long} "),
    ] {
        looks.push(shown(&value));
    }
    // A short text that says what is shown of a long one.
    let changes = diff::annotations(&json!({}), &json!({"k": long}), |_| false);
    looks.push(shown(changes[0].after.as_ref().expect("a value").as_str()));
    for (n, look) in looks.iter().enumerate() {
        assert!(!looks[..n].contains(look), "{look}");
    }
}

#[test]
fn a_text_of_one_script_can_be_read_on_an_effect_line() {
    for text in [
        "маршрут для корзины",
        "größer",
        "決済ルート",
        "設定",
        "ελλδθ δοκιμδ",
        "shop/api:4.12@sha256:abc",
        "a b",
    ] {
        let drawn = cells(&lines("x", text), 132, false).concat().replace(' ', "");
        assert!(drawn.contains(&text.replace(' ', "")), "{text}: {drawn}");
    }
}

/// Letters, blanks and what looks like them.
fn confusing() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "a",
        "\u{430}",
        "b",
        " ",
        "  ",
        "\u{a0}",
        "\u{200b}",
        "<",
        "1b",
        ">",
        "<1b>",
        "\u{1b}",
        "…",
        "→",
        "⏎",
        "-",
        "\u{2010}",
        "e\u{301}",
        "\u{e9}",
        "ш",
        "c",
        "\u{441}",
        "x".repeat(30).leak(),
        "\n",
        "<empty>",
        "\u{5d0}",
    ]);
    prop::collection::vec(pieces, 0..8).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: if crate::all() { 20_000 } else { 400 }, ..Default::default() })]

    #[test]
    fn two_values_by_chance_that_differ_look_different(one in confusing(), other in confusing(), columns in 30_u16..133) {
        prop_assume!(one != other);
        let change = |value: &str| {
            let changes = diff::annotations(&json!({"k": "old"}), &json!({"k": value}), |_| false);
            let lines: Vec<EffectLine> = changes.iter().map(|change| line(diff::shown(change))).collect();
            cells(&lines, columns, false)
        };
        prop_assert_ne!(seen(&change(&one)), seen(&change(&other)), "{:?} {:?}", one, other);
    }
}

//! The text in which a conditional patch must be sent. The API server compares a `test` with its own object byte by
//! byte in each string, and writes its object as Go does, with `<`, `>`, `&`, U+2028 and U+2029 as `\u` escapes.
//! Measured on 1.36.3: a patch in ordinary JSON spelling is refused (422) as soon as a template or an annotation holds
//! one of them, as in `http://host/?a=1&b=2`.

use serde_json::Value;

/// `body` as JSON text in Go's spelling; any JSON reader takes it for the same value.
pub fn wire_text(body: &Value) -> String {
    let plain = body.to_string();
    let mut text = String::with_capacity(plain.len());
    for c in plain.chars() {
        // These stand nowhere in JSON but inside strings, so no parsing is needed.
        match c {
            '<' => text.push_str("\\u003c"),
            '>' => text.push_str("\\u003e"),
            '&' => text.push_str("\\u0026"),
            '\u{2028}' => text.push_str("\\u2028"),
            '\u{2029}' => text.push_str("\\u2029"),
            other => text.push(other),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::wire_text;
    use serde_json::{Value, json};

    #[test]
    fn strings_are_spelled_as_the_api_server_spells_them() {
        let body = json!({ "a&b": "<x> \u{2028}\u{2029} ü \"q\" \\ \t\u{8}\u{c}\u{1b}\u{7f}" });
        let text = wire_text(&body);
        let expected = r#"{"a\u0026b":"\u003cx\u003e \u2028\u2029 ü \"q\" \\ \t\b\f\u001b"#;
        assert_eq!(text, format!("{expected}\u{7f}\"}}"));
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), body);
    }
}

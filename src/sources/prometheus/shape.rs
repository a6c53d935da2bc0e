//! Where in a JSON text an error is, as a path (`data.result[3].value[1]`). Decoding is typed and streaming; only
//! when it fails is the text walked once more, up to the place that the decoder names.

use std::fmt::Write;

/// One open object or array.
enum Open {
    Object { key: Option<String> },
    Array { index: usize },
}

/// The path of the place at `line` and `column` (both from 1, in bytes, as `serde_json` counts), `$` for the top.
pub(super) fn path_at(text: &[u8], line: usize, column: usize) -> String {
    let mut open: Vec<Open> = Vec::new();
    let mut at = 0;
    let end = offset(text, line, column);
    while at < end {
        match text[at] {
            b'{' => open.push(Open::Object { key: None }),
            b'[' => open.push(Open::Array { index: 0 }),
            b'}' | b']' => {
                open.pop();
            }
            b',' => match open.last_mut() {
                Some(Open::Object { key }) => *key = None,
                Some(Open::Array { index }) => *index += 1,
                None => {}
            },
            b'"' => {
                let close = string_end(text, at);
                if let Some(Open::Object { key: key @ None }) = open.last_mut() {
                    *key = Some(String::from_utf8_lossy(&text[at + 1..close]).into_owned());
                }
                at = close;
            }
            _ => {}
        }
        at += 1;
    }
    written(&open)
}

fn offset(text: &[u8], line: usize, column: usize) -> usize {
    let before: usize =
        text.split_inclusive(|byte| *byte == b'\n').take(line.saturating_sub(1)).map(<[u8]>::len).sum();
    (before + column).min(text.len())
}

/// The position of the quote that ends the string that begins at `start`.
fn string_end(text: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while at < text.len() && text[at] != b'"' {
        at += if text[at] == b'\\' { 2 } else { 1 };
    }
    at.min(text.len())
}

fn written(open: &[Open]) -> String {
    let mut path = String::new();
    for level in open {
        // Writing to a String does not fail.
        let _ = match level {
            Open::Object { key: Some(key) } if path.is_empty() => write!(path, "{key}"),
            Open::Object { key: Some(key) } => write!(path, ".{key}"),
            Open::Object { key: None } => Ok(()),
            Open::Array { index } => write!(path, "[{index}]"),
        };
    }
    if path.is_empty() { "$".to_owned() } else { path }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_leads_to_the_value_that_could_not_be_read() {
        for (text, path) in [
            (r#"{"data":{"result":[{"value":[1,"x"]},{"value":[2,7"#, "data.result[1].value[1]"),
            (r#"{"a":1,"b":["#, "b[0]"),
            (r#"{"a{[\"":{"c":"},]"#, "a{[\\\".c"),
            ("{\n \"a\": [\n 1,\n 2", "a[1]"),
            ("", "$"),
            (r#"{"a":[1]"#, "a"),
            (r#"{"a":[{"b":1},{"b":2}"#, "a[1]"),
        ] {
            let line = text.split('\n').count();
            let column = text.split('\n').next_back().map_or(0, str::len);
            assert_eq!(path_at(text.as_bytes(), line, column), path, "{text}");
        }
    }

    #[test]
    fn no_position_and_no_bytes_make_it_panic() {
        for text in [&b"{\"a\\"[..], b"\"", b"]]}}", b"\xff\xfe{\"", b"{\"a\":\"\\"] {
            for column in 0..10 {
                path_at(text, 1, column);
                path_at(text, 9, column);
            }
        }
    }
}

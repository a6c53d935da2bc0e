//! Reads a corpus that a stranger wrote: JSON lines, taken as generously as their meaning is clear. What is not clear is
//! named with its line and what to do, and not counted; it never ends the run before the result is printed.

use serde_json::{Value, json};

/// What could be read, and what could not.
#[derive(Default, Debug)]
pub struct Read {
    /// Lines in the shape that `score.rs` judges.
    pub lines: Vec<Value>,
    /// `FILE:12: what is wrong; hint: what to do`.
    pub complaints: Vec<String>,
}

/// Reads `text`, which complaints call `name`. Blank lines, a byte order mark, CRLF and one big JSON array are fine.
pub fn read(name: &str, text: &str) -> Read {
    let mut out = Read::default();
    let text = text.trim_start_matches('\u{feff}');
    let whole =
        text.trim_start().starts_with('[').then(|| serde_json::from_str::<Vec<Value>>(text).ok()).flatten();
    if let Some(all) = whole {
        for (n, line) in all.iter().enumerate() {
            take(&format!("{name}, element {}", n + 1), line, &mut out);
        }
    } else {
        for (n, line) in text.lines().enumerate().filter(|(_, l)| !l.trim().is_empty()) {
            let place = format!("{name}:{}", n + 1);
            match serde_json::from_str::<Value>(line) {
                Ok(line) => take(&place, &line, &mut out),
                Err(e) => out.complaints.push(format!(
                    "{place}: no JSON: {e}; hint: one whole object a line, {{\"evidence\":[..],\"answer\":[..],\"claims\":[..]}}; correct the line or take it out"
                )),
            }
        }
    }
    if out.lines.is_empty() && out.complaints.is_empty() {
        out.complaints.push(format!("{name}: empty, nothing was judged; hint: one JSON object a line"));
    }
    out
}

fn take(place: &str, line: &Value, out: &mut Read) {
    if !line.is_object() {
        out.complaints
            .push(format!("{place}: no object; hint: {{\"evidence\":[..],\"answer\":[..],\"claims\":[..]}}"));
        return;
    }
    let list = |name: &str| match &line[name] {
        Value::Array(list) => list.clone(),
        Value::Null => Vec::new(),
        one => vec![one.clone()],
    };
    let answer = list("answer");
    let mut claims = Vec::new();
    for (n, label) in list("claims").iter().enumerate() {
        match labelled(label, &answer) {
            Ok(label) => claims.push(label),
            Err(why) => out.complaints.push(format!("{place}: claim {} was not counted: {why}", n + 1)),
        }
    }
    out.lines.push(json!({"evidence": list("evidence"), "answer": answer, "claims": claims}));
}

/// A label with its sentence as a number and its mark as this project writes it.
fn labelled(label: &Value, answer: &[Value]) -> Result<Value, String> {
    let text = label["text"].as_str().map(str::trim).filter(|t| !t.is_empty());
    let text = text.ok_or("it has no text; hint: \"text\" as it stands in the sentence")?;
    let word = label["mark"].as_str().unwrap_or_default();
    let mark =
        mark(word).ok_or(format!("mark {word:?} is unknown; hint: confirmed, contradicted or not_found"))?;
    let sentence = match &label["sentence"] {
        Value::Number(n) => n.as_f64().map(|n| n as usize),
        Value::String(s) => s.trim().parse().ok(),
        // Not said: the first sentence in which it stands.
        _ => answer.iter().position(|s| s["text"].as_str().or(s.as_str()).is_some_and(|s| s.contains(text))),
    };
    let sentence = sentence.filter(|n| *n < answer.len());
    let sentence = sentence.ok_or(format!(
        "sentence {} is not in the answer; hint: the first of {} is 0",
        label["sentence"],
        answer.len()
    ))?;
    let mut out = label.clone();
    (out["sentence"], out["text"], out["mark"]) = (json!(sentence), json!(text), json!(mark));
    Ok(out)
}

/// `Confirmed`, `NOT FOUND`, `not-found`, `NotFound`.
fn mark(word: &str) -> Option<&'static str> {
    let letters: String = word.chars().filter(|c| c.is_alphabetic()).flat_map(char::to_lowercase).collect();
    match letters.as_str() {
        "confirmed" => Some("confirmed"),
        "contradicted" => Some("contradicted"),
        "notfound" => Some("not_found"),
        _ => None,
    }
}

mod tests {
    use super::super::score::Score;
    use super::*;

    const EVIDENCE: &str = r#"[{"id":"[e1]","fact":"error ratio","value":"0.998","unit":"ratio","window":"last 5m","subject":"cart","owner":{"team":"x"}},
        {"id":"E2","fact":"burn rate","value":14.4,"unit":"times","window":"5 min","subject":"cart"},
        {"id":"E3","fact":"p99 latency","value":null,"unit":"seconds","window":"5m","subject":"cart"},
        {"id":"E4","fact":"failed requests","value":"17432","unit":"count","window":"","subject":"cart"},
        {"id":"E5","fact":"request rate","value":310,"unit":"req/s","window":"5 min","subject":"cart"},
        {"id":"E6","fact":"error budget left","value":"12.5","unit":"percent","window":"30 days","subject":"cart"}]"#;

    fn judged(answer: &str, claims: &str) -> Score {
        let line =
            format!(r#"{{"evidence":{EVIDENCE},"answer":{answer},"claims":{claims}}}"#).replace('\n', "");
        let read = read("corpus", &line);
        assert!(read.complaints.is_empty(), "{:?}", read.complaints);
        let mut score = Score::default();
        read.lines.iter().for_each(|line| score.line(line));
        score
    }

    #[test]
    fn ids_units_windows_and_numbers_are_read_as_strangers_write_them() {
        let score = judged(
            r#"[{"text":"cart fails 99.8 % over 5m [E1].","evidence":"e1"},
                {"text":"It burns at 14.4x over 5m.","evidence":["[e2]"]},
                {"text":"17 k requests at 310 rps failed.","evidence":"E4, [E5]"},
                {"text":"12.5 % of the 30d budget is left.","evidence":["e6 "]}]"#,
            r#"[{"sentence":0,"text":"99.8 %","mark":"Confirmed"},{"sentence":0,"text":"5m","mark":"CONFIRMED"},
                {"sentence":"1","text":"14.4x","mark":"confirmed"},{"sentence":2.0,"text":"17 k requests","mark":"confirmed"},
                {"text":"310 rps","mark":"confirmed"},{"sentence":3,"text":"12.5 %","mark":" confirmed "}]"#,
        );
        assert_eq!((score.true_claims.confirmed, score.true_claims.all()), (6, 6), "{:?}", score.wrong);
    }

    #[test]
    fn a_value_that_is_null_supports_nothing() {
        let score = judged(
            r#"[{"text":"The p99 latency is 3 s.","evidence":["E3"]}]"#,
            r#"[{"sentence":0,"text":"3 s","mark":"NotFound"}]"#,
        );
        assert_eq!((score.false_claims.not_found, score.missed()), (1, 0));
    }

    #[test]
    fn only_what_is_labelled_counts_and_a_text_that_stands_twice_is_told_apart() {
        let score = judged(
            r#"["cart fails 99.8 % [E1] and cart has 99.8 % of its budget left [E6]."]"#,
            r#"[{"sentence":0,"text":"99.8 %","mark":"confirmed"},{"sentence":0,"text":"99.8 %","mark":"not found"}]"#,
        );
        assert_eq!((score.true_claims.all(), score.false_claims.all()), (1, 1));
        let score = judged(
            r#"["cart fails 99.8 % and burns at 3x [E1]."]"#,
            r#"[{"text":"99.8 %","mark":"confirmed"}]"#,
        );
        assert_eq!((score.true_claims.confirmed, score.false_claims.all()), (1, 0));
    }

    #[test]
    fn blank_lines_crlf_and_a_trailing_newline_are_no_lines() {
        let line = r#"{"evidence":[],"answer":["x"],"claims":[]}"#;
        let read = read("corpus", &format!("\u{feff}{line}\r\n\r\n   \n{line}\n\n"));
        assert_eq!((read.lines.len(), read.complaints.len()), (2, 0));
        let array = super::read("corpus", &format!("[\n{line},\n{line}\n]\n"));
        assert_eq!((array.lines.len(), array.complaints.len()), (2, 0));
    }

    #[test]
    fn what_cannot_be_read_is_named_with_its_place_and_a_hint_and_the_rest_is_judged() {
        let good = r#"{"evidence":[],"answer":["It is 3 %."],"claims":[{"text":"3 %","mark":"not_found"},{"text":"3 %","mark":"maybe"},{"sentence":7,"text":"3 %","mark":"confirmed"},{"sentence":0,"mark":"confirmed"}]}"#;
        let read = read("corpus", &format!("{good}\n{{\"evidence\":[\n7\n"));
        assert_eq!((read.lines.len(), read.lines[0]["claims"].as_array().map(Vec::len)), (1, Some(1)));
        assert_eq!(read.complaints.len(), 5);
        assert!(read.complaints.iter().all(|c| c.starts_with("corpus:") && c.contains("hint: ")), "{read:?}");
        assert!(read.complaints.iter().any(|c| c.starts_with("corpus:2: no JSON")), "{read:?}");
        assert!(super::read("corpus", " \n").complaints[0].contains("empty"));
    }
}

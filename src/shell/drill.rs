//! What came of a drill: the answers, how many were right, how long they took, as a table and as one JSON object.

use serde_json::{Value, json};

use crate::domain::clean::Clean;
use crate::domain::format;
use crate::engine::drill::{Answer, Drill};

/// One answered question.
#[derive(Clone, PartialEq, Debug)]
pub struct Row {
    /// The scenario.
    pub scenario: Clean,
    /// What was said.
    pub answer: Answer,
    /// What is right.
    pub right: Answer,
    /// From the question to the answer, in real seconds.
    pub seconds: f64,
}

impl Row {
    /// The row of a question, once it is answered.
    pub fn of(drill: &Drill) -> Option<Self> {
        let answered = drill.answered()?;
        let scenario = drill.scenario.clone();
        Some(Self { scenario, answer: answered.answer, right: drill.right, seconds: answered.seconds })
    }

    fn is_right(&self) -> bool {
        self.answer == self.right
    }
}

/// The middle of the seconds, or of the two in the middle; nothing without an answer.
pub fn median(rows: &[Row]) -> Option<f64> {
    let mut seconds: Vec<f64> = rows.iter().map(|row| row.seconds).collect();
    seconds.sort_by(f64::total_cmp);
    let middle = seconds.len() / 2;
    let high = *seconds.get(middle)?;
    if seconds.len() % 2 == 1 {
        Some(high)
    } else {
        Some((seconds.get(middle.checked_sub(1)?)? + high) / 2.0)
    }
}

fn tenths(seconds: f64) -> f64 {
    (seconds * 10.0).round() / 10.0
}

/// `{"scenarios","right","median_s","answers":[{"scenario","answer","expected","right","seconds"}]}`; `median_s` is null
/// where nothing was answered.
pub fn as_json(rows: &[Row]) -> Value {
    let answers: Vec<Value> = rows
        .iter()
        .map(|row| {
            json!({"scenario": row.scenario, "answer": row.answer.word(), "expected": row.right.word(),
                   "right": row.is_right(), "seconds": tenths(row.seconds)})
        })
        .collect();
    json!({
        "scenarios": rows.len(),
        "right": rows.iter().filter(|row| row.is_right()).count(),
        "median_s": median(rows).map(tenths),
        "answers": answers,
    })
}

/// The same for people, with what each kind of mistake would have cost.
pub fn as_text(rows: &[Row]) -> String {
    if rows.is_empty() {
        return "nothing was answered\n".into();
    }
    let mut text = format!("{:<22}{:<24}{:<24}{:>8}\n", "scenario", "you said", "right", "seconds");
    for row in rows {
        let right =
            if row.is_right() { "as you said".to_owned() } else { format!("✕ {}", row.right.words()) };
        text.push_str(&format!(
            "{:<22}{:<24}{right:<24}{:>8.1}\n",
            row.scenario.as_str(),
            row.answer.words(),
            row.seconds
        ));
    }
    let right = rows.iter().filter(|row| row.is_right()).count();
    let median = median(rows).map_or(String::new(), |median| format!(", median {}", format::seconds(median)));
    text.push_str(&format!("\n{right} of {} right{median}\n", rows.len()));
    let acted = rows.iter().filter(|row| row.answer != Answer::DoNot && row.right == Answer::DoNot).count();
    let idle = rows.iter().filter(|row| row.answer == Answer::DoNot && row.right != Answer::DoNot).count();
    if acted > 0 {
        text.push_str(&format!("acted where nothing was to be done: {acted}\n"));
    }
    if idle > 0 {
        text.push_str(&format!("left alone what an action would have ended: {idle}\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(scenario: &str, answer: Answer, right: Answer, seconds: f64) -> Row {
        Row { scenario: Clean::new(scenario), answer, right, seconds }
    }

    #[test]
    fn answers_are_counted_and_the_median_is_between_the_two_in_the_middle() {
        let rows = [
            row("slo-burn", Answer::RollBack, Answer::RollBack, 20.0),
            row("dependency", Answer::RollBack, Answer::DoNot, 31.04),
            row("slo-burn-in-place", Answer::RestoreConfig, Answer::RestoreConfig, 40.0),
            row("slow-leak", Answer::DoNot, Answer::RollBack, 90.0),
        ];
        assert_eq!(median(&rows[..1]), Some(20.0));
        let told = as_json(&rows);
        assert_eq!(
            (&told["scenarios"], &told["right"], &told["median_s"]),
            (&4.into(), &2.into(), &35.5.into())
        );
        assert_eq!(
            told["answers"][1],
            json!({"scenario": "dependency", "answer": "roll_back", "expected": "do_not", "right": false, "seconds": 31.0})
        );
        let text = as_text(&rows);
        assert!(text.contains("2 of 4 right") && text.contains("nothing was to be done: 1"), "{text}");
        assert!(text.contains("would have ended: 1"), "{text}");
    }

    #[test]
    fn a_drill_that_was_left_at_once_has_no_median() {
        assert_eq!(as_json(&[])["median_s"], Value::Null);
        assert_eq!(as_text(&[]), "nothing was answered\n");
    }
}

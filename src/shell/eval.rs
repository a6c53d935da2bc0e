//! What is measured of a model over known incidents: endings in, figures out, as a table or as JSON. It asks nobody and
//! judges no wording: whether an answer holds, and how its claims stand, was decided before.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::domain::advice::{Answer, Dissent, Ending, Tally};
use crate::domain::clean::Clean;
use crate::domain::format;
use crate::domain::verdict::{Offer, Verdict};

/// One question about one incident.
#[derive(Clone, PartialEq, Debug)]
pub struct Run {
    /// The computed decision that the model was asked to explain.
    pub verdict: Verdict,
    /// What was offered.
    pub offer: Offer,
    /// The revision that would serve, where a rollback is offered.
    pub target: Option<i64>,
    /// How it ended.
    pub ending: Ending,
}

/// What came of several runs. Counts are answers, except where they are claims or tokens.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Figures {
    /// Runs, whatever came of them.
    pub runs: usize,
    /// Runs that had an end.
    pub ended: usize,
    /// Runs in which the model said anything.
    pub heard: usize,
    /// Answers that held their shape.
    pub held: usize,
    /// Answers of which a second one was asked for, whether it held or not.
    pub repaired: usize,
    /// Claims of the answers that held.
    pub claims: Tally,
    /// Answers with another cause than was computed.
    pub dissent_cause: usize,
    /// Answers with another action or target.
    pub dissent_action: usize,
    /// Answers with the cause that the incident really has.
    pub expected_cause: usize,
    /// Seconds until the first word, where there was one.
    pub first_word: Vec<f64>,
    /// Seconds until the end, where there was a word.
    pub whole: Vec<f64>,
    /// Tokens of the prompts, where the server counted them.
    pub prompt_tokens: Option<u64>,
    /// Tokens of the answers.
    pub answer_tokens: Option<u64>,
    /// Why an answer did not hold, or there was none, one for each such run.
    pub failed: Vec<Clean>,
}

impl Figures {
    /// Counts one run whose incident has the cause `expected`, by its word. `Err`: why it had no end.
    pub fn count(&mut self, run: &Result<Run, Clean>, expected: Option<&str>) {
        self.runs += 1;
        let run = match run {
            Ok(run) => run,
            Err(why) => return self.failed.push(why.clone()),
        };
        let ending = &run.ending;
        self.ended += 1;
        self.repaired += usize::from(ending.repaired.is_some());
        if let Some(first) = ending.first_word {
            self.first_word.push(seconds(first));
            self.whole.push(seconds(ending.took));
        }
        self.heard += usize::from(ending.first_word.is_some() || !ending.raw.is_empty());
        self.prompt_tokens = sum(self.prompt_tokens, ending.usage.prompt);
        self.answer_tokens = sum(self.answer_tokens, ending.usage.answer);
        match &ending.answer {
            Ok(answer) => self.answered(answer, run, expected),
            Err(why) => self.failed.push(why.clone()),
        }
    }

    fn answered(&mut self, answer: &Answer, run: &Run, expected: Option<&str>) {
        self.held += 1;
        self.claims = both(self.claims, answer.tally());
        let dissent = Dissent::of(answer, run.verdict, run.offer, run.target);
        self.dissent_cause += usize::from(matches!(dissent, Some(Dissent::Cause | Dissent::Both)));
        self.dissent_action += usize::from(matches!(dissent, Some(Dissent::Action | Dissent::Both)));
        self.expected_cause += usize::from(expected == Some(answer.cause.word()));
    }

    /// Adds the figures of other runs.
    pub fn add(&mut self, other: &Self) {
        self.runs += other.runs;
        self.ended += other.ended;
        self.heard += other.heard;
        self.held += other.held;
        self.repaired += other.repaired;
        self.claims = both(self.claims, other.claims);
        self.dissent_cause += other.dissent_cause;
        self.dissent_action += other.dissent_action;
        self.expected_cause += other.expected_cause;
        self.first_word.extend(&other.first_word);
        self.whole.extend(&other.whole);
        self.prompt_tokens = sum(self.prompt_tokens, other.prompt_tokens);
        self.answer_tokens = sum(self.answer_tokens, other.answer_tokens);
        self.failed.extend(other.failed.iter().cloned());
    }

    fn as_json(&self) -> Value {
        json!({
            "runs": self.runs,
            "held": self.held,
            "repaired": self.repaired,
            "claims": {"confirmed": self.claims.confirmed, "contradicted": self.claims.contradicted,
                       "not_found": self.claims.not_found},
            "dissent": {"cause": self.dissent_cause, "action": self.dissent_action},
            "expected_cause": self.expected_cause,
            "seconds": {"first_word": Spread::of(&self.first_word).map(Spread::as_json),
                        "whole": Spread::of(&self.whole).map(Spread::as_json)},
            "tokens": {"prompt": self.prompt_tokens, "answer": self.answer_tokens},
            "failed": self.failed,
        })
    }
}

fn seconds(length: chrono::TimeDelta) -> f64 {
    length.num_milliseconds() as f64 / 1e3
}

fn sum(a: Option<u64>, b: Option<u64>) -> Option<u64> {
    match (a, b) {
        (None, None) => None,
        (a, b) => Some(a.unwrap_or(0).saturating_add(b.unwrap_or(0))),
    }
}

fn both(a: Tally, b: Tally) -> Tally {
    Tally {
        confirmed: a.confirmed + b.confirmed,
        contradicted: a.contradicted + b.contradicted,
        not_found: a.not_found + b.not_found,
    }
}

/// The middle and the largest of some numbers of seconds.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Spread {
    /// The middle one, or the mean of both that are there.
    pub median: f64,
    /// The largest.
    pub max: f64,
}

impl Spread {
    /// `None` of none.
    pub fn of(values: &[f64]) -> Option<Self> {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let max = *sorted.last()?;
        let (low, high) = (sorted[(sorted.len() - 1) / 2], sorted[sorted.len() / 2]);
        Some(Self { median: (low + high) / 2.0, max })
    }

    fn as_json(self) -> Value {
        let milliseconds = |s: f64| (s * 1e3).round() / 1e3;
        json!({"median": milliseconds(self.median), "max": milliseconds(self.max)})
    }
}

/// All that was measured of one model.
#[derive(Clone, PartialEq, Debug)]
pub struct Report {
    /// The model.
    pub model: Clean,
    /// Runs of each scenario.
    pub runs: usize,
    /// What came of each scenario, in order.
    pub scenarios: Vec<(String, Figures)>,
}

impl Report {
    /// What came of all.
    pub fn total(&self) -> Figures {
        let mut total = Figures::default();
        self.scenarios.iter().for_each(|(_, figures)| total.add(figures));
        total
    }

    /// Every run had an end, and the model was reached.
    pub fn is_whole(&self) -> bool {
        let total = self.total();
        total.ended == total.runs && total.heard > 0
    }

    /// One object.
    pub fn as_json(&self) -> Value {
        let one = |(name, figures): &(String, Figures)| {
            let mut one = figures.as_json();
            one["scenario"] = json!(name);
            one
        };
        let scenarios: Vec<Value> = self.scenarios.iter().map(one).collect();
        json!({"model": self.model, "runs": self.runs, "scenarios": scenarios, "total": self.total().as_json()})
    }

    /// A table of at most 80 columns, what its words mean, why answers did not hold, and a line that sums up.
    pub fn as_text(&self) -> String {
        let total = self.total();
        let mut text = row([
            "scenario", "held", "redo", "claims", "true", "wrong", "none", "cause", "dissent", "first",
            "whole",
        ]
        .map(str::to_owned));
        for (name, figures) in &self.scenarios {
            text += &row(cells(name, figures));
        }
        if self.scenarios.len() > 1 {
            text += &row(cells("all", &total));
        }
        text += LEGEND;
        for (name, figures) in &self.scenarios {
            for why in &figures.failed {
                let _ = writeln!(text, "{name}: {why}");
            }
        }
        text += &summed_up(&self.model, &total);
        text
    }
}

const LEGEND: &str = "
held     answers of the wanted shape; redo: those that were asked for again
claims   of held answers: true, wrong, none (nothing that is cited speaks of it)
cause    answers with the cause that the incident has
dissent  answers with another cause + with another action than was computed
first    median time to the first word; whole: to the end
";

fn row(cells: [String; 11]) -> String {
    let [name, held, redo, claims, right, wrong, none, cause, dissent, first, whole] = cells;
    format!(
        "{name:<19}{held:>7}{redo:>5}{claims:>7}{right:>5}{wrong:>6}{none:>5}{cause:>6}{dissent:>8}{first:>6}{whole:>6}\n"
    )
}

fn cells(name: &str, of: &Figures) -> [String; 11] {
    let dash = || "-".to_owned();
    let claims = of.claims.all();
    let share = |count: usize| if claims == 0 { dash() } else { percent(count, claims) };
    let dissent = match (of.dissent_cause, of.dissent_action) {
        (0, 0) => dash(),
        (cause, action) => format!("{cause}+{action}"),
    };
    let time = |values: &[f64]| Spread::of(values).map_or_else(dash, |spread| short(spread.median));
    [
        name.chars().take(19).collect(),
        format!("{}/{}", of.held, of.runs),
        of.repaired.to_string(),
        claims.to_string(),
        share(of.claims.confirmed),
        share(of.claims.contradicted),
        share(of.claims.not_found),
        of.expected_cause.to_string(),
        dissent,
        time(&of.first_word),
        time(&of.whole),
    ]
}

/// A share in four characters. Some are not rounded to none, and not all not to all.
fn percent(count: usize, all: usize) -> String {
    match 100.0 * count as f64 / all as f64 {
        share if count > 0 && share < 1.0 => "<1%".to_owned(),
        share if count < all && share > 99.0 => ">99%".to_owned(),
        share => format!("{share:.0}%"),
    }
}

/// Seconds in five characters: `0.02s`, `1.4s`, `300s`.
fn short(seconds: f64) -> String {
    match seconds {
        s if s < 0.095 => format!("{s:.2}s"),
        s if s < 9.95 => format!("{s:.1}s"),
        s => format!("{s:.0}s"),
    }
}

fn summed_up(model: &Clean, of: &Figures) -> String {
    let tokens = match (of.prompt_tokens, of.answer_tokens) {
        (None, None) => "tokens not told".to_owned(),
        (prompt, answer) => {
            let grouped = |count: Option<u64>| format::grouped(count.unwrap_or(0) as f64);
            format!("{} + {} tokens", grouped(prompt), grouped(answer))
        }
    };
    let slowest = Spread::of(&of.whole).map_or(String::new(), |s| format!(", {} at most", short(s.max)));
    format!(
        "\n{model}: {} of {} held, {} of {} true{slowest}, {tokens}\n",
        of.held,
        format::several(of.runs, "answer"),
        of.claims.confirmed,
        format::several(of.claims.all(), "claim")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::advice::{Confidence, Said, Usage};
    use crate::domain::claims::{Claim, Mark};
    use chrono::TimeDelta;

    fn claim(mark: Mark) -> Claim {
        Claim { sentence: 0, span: 0..0, text: "20 %".into(), mark }
    }

    fn answer(cause: Verdict, action: Offer, target: Option<i64>) -> Answer {
        let claims = vec![
            claim(Mark::Confirmed),
            claim(Mark::Confirmed),
            claim(Mark::Contradicted { truth: None }),
            claim(Mark::NotFound),
        ];
        Answer {
            cause,
            action,
            target,
            sentences: vec![Said { claims, ..Said::default() }],
            counter: Vec::new(),
            unknown: Vec::new(),
            confidence: Confidence::High,
        }
    }

    fn run(answer: Result<Answer, Clean>, took: i64) -> Result<Run, Clean> {
        let heard = answer.is_ok();
        Ok(Run {
            verdict: Verdict::BadDeploy,
            offer: Offer::Rollback,
            target: Some(3),
            ending: Ending {
                answer,
                raw: if heard { "{}".into() } else { String::new() },
                repaired: None,
                model: Clean::default(),
                usage: Usage { prompt: heard.then_some(1_000), answer: heard.then_some(200) },
                stopped: false,
                first_word: heard.then_some(TimeDelta::milliseconds(400)),
                took: TimeDelta::milliseconds(took),
            },
        })
    }

    fn figures(runs: &[Result<Run, Clean>]) -> Figures {
        let mut figures = Figures::default();
        runs.iter().for_each(|run| figures.count(run, Some("bad_deploy")));
        figures
    }

    fn report(scenarios: &[(&str, Figures)]) -> Report {
        let scenarios =
            scenarios.iter().map(|(name, figures)| ((*name).to_owned(), figures.clone())).collect();
        Report { model: "m".into(), runs: 1, scenarios }
    }

    const RIGHT: (Verdict, Offer, Option<i64>) = (Verdict::BadDeploy, Offer::Rollback, Some(3));

    fn right(took: i64) -> Result<Run, Clean> {
        run(Ok(answer(RIGHT.0, RIGHT.1, RIGHT.2)), took)
    }

    #[test]
    fn claims_times_and_tokens_are_added_up_over_runs_and_scenarios() {
        let (one, two) = (figures(&[right(1_000), right(4_000)]), figures(&[right(2_000)]));
        assert_eq!((one.held, one.expected_cause, one.claims.all()), (2, 2, 8));
        let total = report(&[("a", one), ("b", two)]).as_json()["total"].clone();
        assert_eq!(total["claims"], json!({"confirmed": 6, "contradicted": 3, "not_found": 3}));
        assert_eq!(total["seconds"]["whole"], json!({"median": 2.0, "max": 4.0}));
        assert_eq!(total["tokens"], json!({"prompt": 3_000, "answer": 600}));
        assert_eq!(total["failed"], json!([]));
    }

    #[test]
    fn dissent_is_from_the_computed_decision_and_the_cause_is_held_against_the_incident() {
        let traffic = run(Ok(answer(Verdict::Traffic, Offer::Rollback, Some(3))), 1);
        let other_target = run(Ok(answer(Verdict::BadDeploy, Offer::Rollback, Some(2))), 1);
        let neither = run(Ok(answer(Verdict::Traffic, Offer::Wait, None)), 1);
        let counted = figures(&[traffic.clone(), other_target, neither, right(1)]);
        assert_eq!((counted.dissent_cause, counted.dissent_action, counted.expected_cause), (2, 2, 2));
        // What was computed may be wrong itself: agreeing with it is not the same as being right.
        let mut wrong = Figures::default();
        wrong.count(&right(1), Some("traffic"));
        wrong.count(&traffic, Some("traffic"));
        assert_eq!((wrong.dissent_cause, wrong.expected_cause), (1, 1));
    }

    #[test]
    fn an_answer_that_did_not_hold_is_told_with_its_reason_and_has_no_claims() {
        let failed = run(Err("it is no JSON".into()), 9_000);
        let counted = figures(&[failed, right(1_000)]);
        assert_eq!((counted.runs, counted.held, counted.claims.all()), (2, 1, 4));
        // How fast nothing was said is no speed.
        assert_eq!(counted.whole, [1.0]);
        let text = report(&[("slo-burn", counted)]).as_text();
        assert!(text.contains("slo-burn: it is no JSON\n"), "{text}");
    }

    #[test]
    fn a_report_is_whole_when_every_run_ended_and_the_model_was_heard_at_all() {
        let (silent, lost) = (run(Err("connection refused".into()), 1), Err(Clean::new("no card")));
        assert!(report(&[("a", figures(&[silent.clone(), right(1)]))]).is_whole());
        assert!(!report(&[("a", figures(&[silent.clone(), silent]))]).is_whole());
        assert!(!report(&[("a", figures(&[right(1), lost]))]).is_whole());
    }

    #[test]
    fn the_middle_of_an_even_number_is_the_mean_of_both_and_of_none_there_is_none() {
        assert_eq!(Spread::of(&[4.0, 1.0, 2.0, 30.0]), Some(Spread { median: 3.0, max: 30.0 }));
        assert_eq!(Spread::of(&[]), None);
    }

    #[test]
    fn numbers_are_short_and_do_not_round_one_wrong_claim_away() {
        assert_eq!(
            [(0, 300), (1, 300), (1, 3), (299, 300), (300, 300)].map(|(count, all)| percent(count, all)),
            ["0%", "<1%", "33%", ">99%", "100%"]
        );
        assert_eq!([0.021, 0.44, 9.96, 300.4].map(short), ["0.02s", "0.4s", "10s", "300s"]);
    }

    #[test]
    fn the_table_fits_80_columns_at_its_widest_and_ends_with_a_line_that_sums_up() {
        let mut wide = Figures {
            runs: 99,
            held: 99,
            repaired: 99,
            claims: Tally { confirmed: 990, contradicted: 0, not_found: 0 },
            dissent_cause: 99,
            dissent_action: 99,
            expected_cause: 99,
            first_word: vec![3_599.0],
            whole: vec![3_600.0],
            ..Figures::default()
        };
        wide.prompt_tokens = Some(1_000);
        let text = report(&[("second-bad-rollout", wide.clone()), ("slo-burn", wide)]).as_text();
        for line in text.lines().rev().skip(1) {
            assert!(line.chars().count() <= 80, "{line}");
        }
        let words: Vec<&str> = text.lines().nth(1).unwrap_or_default().split_whitespace().collect();
        let cells =
            ["second-bad-rollout", "99/99", "99", "990", "100%", "0%", "0%", "99", "99+99", "3599s", "3600s"];
        assert_eq!(words, cells);
        let last = text.lines().last().unwrap_or_default();
        assert_eq!(
            last,
            "m: 198 of 198 answers held, 1980 of 1980 claims true, 3600s at most, 2,000 + 0 tokens"
        );
    }
}

//! What the imitated model answers: it agrees with the decision that the prompt tells, unless the scenario makes it
//! dissent, and explains it in a few sentences. It computes nothing and knows nothing that the prompt does not say.

use serde_json::{Value, json};

use super::lies;
use super::prompt::Prompt;
use super::question;
use super::sentence::{Sentence, against, sentences};
use crate::demo::scenario::model::{Cause, Model};

/// Sentences of an answer, a question's included.
const SENTENCES: usize = 5;

impl Sentence<'_> {
    /// Ids stand beside the words, as the prompt's own example has them.
    fn json(&self) -> Value {
        let ids: Vec<&str> = match &self.invented {
            Some(id) => vec![id],
            None => self.cited.iter().map(|item| item.id.as_str()).collect(),
        };
        json!({"evidence": ids, "text": format!("{}.", self.text)})
    }
}

/// The answer to `prompt` as JSON text. `again`: an earlier answer did not hold, and this is the repair of it.
pub(super) fn answer(model: &Model, prompt: &Prompt, again: bool) -> String {
    let computed = prompt.cause.unwrap_or(Cause::Unknown);
    let dissent = model.dissents.filter(|cause| *cause != computed);
    let (action, target) = match dissent {
        None => (prompt.action.unwrap_or("none"), prompt.target.clone()),
        Some(Cause::BadDeploy) => ("rollback", prompt.candidates.first().cloned()),
        Some(Cause::ConfigChange) => ("restore_config", None),
        Some(_) => ("wait", None),
    };
    let mut sentences = sentences(prompt);
    if let Some(cause) = dissent {
        let text = format!("To me this looks like {} rather than {}", words(cause), words(computed));
        let cited = sentences.first().map(|first| first.cited.clone()).unwrap_or_default();
        sentences.insert(0, Sentence { text, cited, invented: None });
    }
    lies::told(&model.lies, again, prompt, &mut sentences);
    if let Some(asked) = &prompt.question {
        sentences.insert(0, question::answered(asked, &prompt.items));
    }
    sentences.truncate(SENTENCES);
    if sentences.is_empty() {
        sentences
            .push(Sentence { text: "There is no evidence that I could cite".into(), ..Sentence::default() });
    }
    let json = |list: &[Sentence<'_>]| list.iter().map(Sentence::json).collect::<Vec<_>>();
    json!({
        "cause": dissent.unwrap_or(computed).word(),
        "action": action,
        "target": if action == "rollback" { target } else { None },
        "sentences": json(&sentences),
        "counter_evidence": json(&against(&prompt.items)),
        "not_known": [not_known(dissent.unwrap_or(computed))],
        "confidence": "medium",
    })
    .to_string()
}

fn not_known(cause: Cause) -> &'static str {
    match cause {
        Cause::BadDeploy | Cause::ConfigChange => {
            "Which line of the change makes requests fail is not in the evidence."
        }
        Cause::Dependency => "Why the dependency fails is not in the evidence.",
        Cause::Traffic => "Where the traffic comes from is not in the evidence.",
        Cause::Infrastructure => "What the nodes suffer from is not in the evidence.",
        Cause::Recovering | Cause::Preexisting | Cause::NotEnoughData | Cause::Unknown => {
            "What began the errors is not in the evidence."
        }
    }
}

fn words(cause: Cause) -> &'static str {
    match cause {
        Cause::BadDeploy => "a bad deploy",
        Cause::ConfigChange => "a changed configuration",
        Cause::Dependency => "a failing dependency",
        Cause::Traffic => "too much traffic",
        Cause::Infrastructure => "trouble of the nodes",
        Cause::Recovering => "an incident that is over",
        Cause::Preexisting => "errors from before the change",
        Cause::NotEnoughData => "too little data",
        Cause::Unknown => "a cause that nobody knows",
    }
}

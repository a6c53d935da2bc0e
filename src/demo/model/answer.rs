//! What the imitated model says: it agrees with the decision that the prompt tells, and quotes a few evidence lines,
//! values exactly as they are written there. It computes nothing and knows nothing that the prompt does not say.

use serde_json::{Value, json};

use super::lies;
use super::prompt::{Item, Prompt};
use super::question;
use crate::demo::scenario::model::{Cause, Model};

/// Sentences of an answer, a question's included.
const SENTENCES: usize = 5;

/// A sentence, and the items that it cites.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Sentence<'a> {
    /// Without citations and without the full stop.
    pub text: String,
    /// What it cites.
    pub cited: Vec<&'a Item>,
    /// An id that does not exist, cited in place of `cited`.
    pub invented: Option<String>,
}

impl Sentence<'_> {
    fn json(&self) -> Value {
        let ids: Vec<&str> = match &self.invented {
            Some(id) => vec![id],
            None => self.cited.iter().map(|item| item.id.as_str()).collect(),
        };
        let marks: String = ids.iter().map(|id| format!(" [{id}]")).collect();
        json!({"evidence": ids, "text": format!("{}{marks}.", self.text)})
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

/// What an item is about, as far as its words tell.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Topic {
    Ratio,
    Burn,
    Change,
    Before,
    After,
    Record,
    Counts,
    Traffic,
    Against,
    /// A computation written out: nobody wants to read it twice.
    Arithmetic,
    Other,
}

fn topic(item: &Item) -> Topic {
    let fact = item.fact.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| fact.contains(word));
    let begins = |words: &[&str]| words.iter().any(|word| fact.starts_with(word));
    let edited =
        begins(&["configmap ", "secret ", "persistentvolumeclaim "]) && has(&[" changed ", " edited "]);
    if has(&[" x "]) && has(&["(", "/s"]) {
        Topic::Arithmetic
    } else if edited || has(&["not restored", "not rolled back", "irreversible", "belong to no pod"]) {
        Topic::Against
    } else if has(&["change began"]) {
        Topic::Change
    } else if begins(&["requests, old", "requests, before"]) {
        Topic::Before
    } else if begins(&["requests, new", "requests, after"]) {
        Topic::After
    } else if begins(&["requests while"]) {
        Topic::Record
    } else if has(&["since the onset"]) && item.counts.is_some() {
        Topic::Counts
    } else if begins(&["traffic"]) {
        Topic::Traffic
    } else if begins(&["burn"]) {
        Topic::Burn
    } else if begins(&["error ratio"]) {
        Topic::Ratio
    } else {
        Topic::Other
    }
}

/// The honest sentences, what matters most first.
fn sentences(prompt: &Prompt) -> Vec<Sentence<'_>> {
    let acts = matches!(prompt.action, Some("rollback" | "restore_config"));
    let all = |wanted: Topic| prompt.items.iter().filter(move |item| topic(item) == wanted);
    let first = |wanted: Topic| all(wanted).next();
    let contrast = first(Topic::Before).zip(first(Topic::After)).and_then(|(old, new)| contrast(old, new));
    let level = first(Topic::Ratio).and_then(|item| level("The error ratio", &[item]));
    let burns: Vec<&Item> = all(Topic::Burn).take(2).collect();
    let burn = level.or_else(|| self::level("The burn rate", &burns));
    let change = first(Topic::Change).and_then(change);
    let record = first(Topic::Record).and_then(|item| record(item, prompt.target.as_deref()));
    let counts = first(Topic::Counts).and_then(counts);
    let traffic = first(Topic::Traffic).and_then(traffic);
    let order = if acts {
        [contrast, change, burn, record, counts, traffic]
    } else {
        [burn, counts, traffic, contrast, change, record]
    };
    let mut said: Vec<Sentence<'_>> = order.into_iter().flatten().collect();
    for item in all(Topic::Other) {
        if said.len() < 2 {
            said.push(plain(item));
        }
    }
    said.truncate(SENTENCES - 1);
    said
}

fn citing<'a>(text: String, cited: &[&'a Item]) -> Sentence<'a> {
    Sentence { text, cited: cited.to_vec(), invented: None }
}

/// "The burn rate is 1,000× over 5m and 81.4× over 1h".
fn level<'a>(what: &str, items: &[&'a Item]) -> Option<Sentence<'a>> {
    let each = |item: &Item| Some((item.number().and(item.value.clone())?, item.window.clone()));
    match items {
        [one] => {
            let (value, window) = each(one)?;
            let over = window.map(|w| format!(" over {w}")).unwrap_or_default();
            Some(citing(format!("{what}{over} is {value}"), items))
        }
        [one, two] => match (each(one), each(two)) {
            (Some((a, Some(short))), Some((b, Some(long)))) if short != long => {
                Some(citing(format!("{what} is {a} over {short} and {b} over {long}"), items))
            }
            _ => level(what, &items[..1]).or_else(|| level(what, &items[1..])),
        },
        _ => None,
    }
}

/// "The error ratio rose from 0.031 % on the old pods to 100 % on the new pods".
fn contrast<'a>(old: &'a Item, new: &'a Item) -> Option<Sentence<'a>> {
    let (before, after) = (old.value.as_deref()?, new.value.as_deref()?);
    let way = if new.number()? >= old.number()? { "rose" } else { "fell" };
    let side = |item: &Item| {
        let name = item.fact.split_once(", ").map_or("", |(_, name)| name);
        if name.contains("pods") { format!("on the {name}") } else { name.to_owned() }
    };
    Some(citing(
        format!("The error ratio {way} from {before} {} to {after} {}", side(old), side(new)),
        &[old, new],
    ))
}

/// "The change began at 17:03:50, 10 s before the onset at 17:04:00".
fn change(item: &Item) -> Option<Sentence<'_>> {
    let (began, onset) = item.window.as_deref()?.split_once(" to onset ")?;
    let value = item.number().and(item.value.as_deref())?;
    Some(citing(format!("The change began at {began}, {value} before the onset at {onset}"), &[item]))
}

/// "While api-gateway-7shb8nl9gv served for 9 d, 0.031 % of its requests failed", by the number of the revision where the
/// line tells it.
fn record<'a>(item: &'a Item, target: Option<&str>) -> Option<Sentence<'a>> {
    let value = item.number().and(item.value.as_deref())?;
    let name = item.fact.strip_prefix("requests while ")?.strip_suffix(" served")?;
    let revision = target.map(|number| format!("revision {number}")).filter(|revision| item.says(revision));
    let name = revision.as_deref().unwrap_or(name);
    let window = item.window.as_ref().map(|w| format!(" for {w}")).unwrap_or_default();
    Some(citing(format!("While {name} served{window}, {value} of its requests failed"), &[item]))
}

/// "Since the onset 11 k of 11 k requests failed".
fn counts(item: &Item) -> Option<Sentence<'_>> {
    let (bad, total) = item.counts.as_ref()?;
    Some(citing(format!("Since the onset {bad} of {total} requests failed"), &[item]))
}

/// "Traffic rose to 3× what it was before".
fn traffic(item: &Item) -> Option<Sentence<'_>> {
    let (number, value) = (item.number()?, item.value.as_deref()?);
    let way = match number {
        n if n > 1.2 => "rose to",
        n if n < 0.8 => "fell to",
        _ => "stayed at",
    };
    Some(citing(format!("Traffic {way} {value} of what it was before"), &[item]))
}

/// Any other item, in its own words.
pub(super) fn plain(item: &Item) -> Sentence<'_> {
    let fact: String = item.fact.chars().take(160).collect();
    let mut text = fact.clone();
    if let Some(first) = fact.chars().next() {
        text = first.to_uppercase().chain(fact.chars().skip(1)).collect();
    }
    if let Some(value) = &item.value {
        text = format!("{text}: {value}");
    } else if let Some((bad, total)) = &item.counts {
        text = format!("{text}: {bad} of {total}");
    }
    citing(text, &[item])
}

/// What speaks against acting: one item at most.
fn against(items: &[Item]) -> Vec<Sentence<'_>> {
    let found = items.iter().find(|item| topic(item) == Topic::Against);
    found.map(plain).into_iter().collect()
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

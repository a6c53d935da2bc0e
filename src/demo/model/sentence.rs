//! The honest sentences: what burns, what changed and when, why the target is good, or why waiting is better. Each says
//! what one or two evidence lines say, values exactly as they are written there; what is not there is not said.

use super::prompt::{Item, Prompt};
use super::topic::{self, Topic};
use crate::demo::scenario::model::Cause;

/// Sentences that are said; fewer than [`ENOUGH`] are filled up with what else the evidence tells.
const MOST: usize = 4;
const ENOUGH: usize = 3;
/// A longer change is not quoted, in characters.
const LONGEST_CHANGE: usize = 110;

/// A sentence, and the items that it cites.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Sentence<'a> {
    /// Without the full stop.
    pub text: String,
    /// What it cites.
    pub cited: Vec<&'a Item>,
    /// An id that does not exist, cited in place of `cited`.
    pub invented: Option<String>,
}

fn citing<'a>(text: String, cited: &[&'a Item]) -> Sentence<'a> {
    Sentence { text, cited: cited.to_vec(), invented: None }
}

/// The items of a prompt by what they are about.
struct Told<'a> {
    prompt: &'a Prompt,
}

impl<'a> Told<'a> {
    fn all(&self, wanted: Topic) -> impl Iterator<Item = &'a Item> + use<'a> {
        self.prompt.items.iter().filter(move |item| topic::of(item) == wanted)
    }

    fn first(&self, wanted: Topic) -> Option<&'a Item> {
        self.all(wanted).next()
    }
}

/// The honest sentences, what matters most first.
pub(super) fn sentences(prompt: &Prompt) -> Vec<Sentence<'_>> {
    let told = Told { prompt };
    let acts = matches!(prompt.action, Some("rollback" | "restore_config"));
    let by_change = told.first(Topic::Old).zip(told.first(Topic::New));
    let by_onset = told.first(Topic::Until).zip(told.first(Topic::Since));
    let contrast = by_change.and_then(contrast).filter(|_| acts);
    let onset_told = contrast.is_none();
    let contrast = contrast
        .or_else(|| by_onset.and_then(self::contrast))
        .or_else(|| told.first(Topic::Since).and_then(share));
    let burns: Vec<&Item> = told.all(Topic::Burn).take(2).collect();
    let good = match prompt.action {
        Some("rollback") => told.first(Topic::Record).and_then(|item| record(&told, item)),
        _ => None,
    };
    let before = told.first(Topic::Until).filter(|_| acts && !onset_told).and_then(until);
    let traffic = told.first(Topic::Traffic).and_then(traffic);
    let (traffic, moved) = match traffic {
        Some((sentence, moved)) => (Some(sentence), moved),
        None => (None, false),
    };
    let order = if acts {
        [contrast, burn(&burns), change(&told), good.or(before)]
    } else if moved {
        [traffic.clone(), contrast, burn(&burns), change(&told).or_else(|| unchanged(&told))]
    } else {
        [contrast, burn(&burns), change(&told).or_else(|| unchanged(&told)), helpless(prompt.cause)]
    };
    let mut said: Vec<Sentence<'_>> = order.into_iter().flatten().collect();
    let used =
        |said: &[Sentence<'_>], item: &Item| said.iter().any(|s| s.cited.iter().any(|c| c.id == item.id));
    let fill = [
        told.first(Topic::Failed).and_then(failed),
        traffic.filter(|t| t.cited.iter().any(|item| !used(&said, item))),
        told.first(Topic::Budget).and_then(budget),
    ];
    let other = told.all(Topic::Other).filter(|item| !used(&said, item)).map(plain).collect::<Vec<_>>();
    let missing = ENOUGH.saturating_sub(said.len());
    said.extend(fill.into_iter().flatten().chain(other).take(missing));
    said.truncate(MOST);
    said
}

/// "The error ratio rose to 100 % on the new pods from 0.031 % on the old pods". What is now comes first: the card of a
/// small terminal has room for half of it.
fn contrast<'a>((old, new): (&'a Item, &'a Item)) -> Option<Sentence<'a>> {
    let (before, after) = (old.value.as_deref()?, new.value.as_deref()?);
    let (was, is) = (old.number()?, new.number()?);
    let way = if is > was { "rose" } else { "fell" };
    let (then, now) = (side(old)?, side(new)?);
    // Two values that are written alike went nowhere.
    let text = match before == after {
        true => format!("The error ratio is {after} {now} and was {before} {then}"),
        false => format!("The error ratio {way} to {after} {now} from {before} {then}"),
    };
    Some(citing(text, &[old, new]))
}

/// "on the old pods", "before the change", "since 17:42:00".
fn side(item: &Item) -> Option<String> {
    let rest = item.fact.strip_prefix("error ratio ")?;
    let since = item.window.as_deref().and_then(|window| window.strip_suffix(".."));
    Some(match (rest.strip_prefix("of the "), since) {
        (Some(pods), _) => format!("on the {pods}"),
        (None, Some(since)) if rest == "since the onset" => format!("since {since}"),
        _ => rest.to_owned(),
    })
}

/// "35 % of the requests failed since 17:42:00".
fn share(item: &Item) -> Option<Sentence<'_>> {
    let value = item.number().and(item.value.as_deref())?;
    Some(citing(format!("{value} of the requests failed {}", side(item)?), &[item]))
}

/// "The burn rate is 1,000× over 5m and 81.4× over 1h".
fn burn<'a>(items: &[&'a Item]) -> Option<Sentence<'a>> {
    let each = |item: &Item| Some((item.number().and(item.value.clone())?, item.window.clone()?));
    match items {
        [one] => {
            let (value, window) = each(one)?;
            Some(citing(format!("The burn rate is {value} over {window}"), items))
        }
        [one, two] => match (each(one), each(two)) {
            (Some((a, short)), Some((b, long))) if short != long => {
                Some(citing(format!("The burn rate is {a} over {short} and {b} over {long}"), items))
            }
            _ => burn(&items[..1]).or_else(|| burn(&items[1..])),
        },
        _ => None,
    }
}

/// "Revision 4 changed image 1.8 → 1.9 at 17:42:02, and the errors began at 17:43:00". Errors are counted in steps, so
/// they can seem to begin a little before what caused them: then the time of the change is left out.
fn change<'a>(told: &Told<'a>) -> Option<Sentence<'a>> {
    let telling = |item: &&Item| {
        let restart = item.fact.contains(" changed restarted");
        let counted = item.fact.ends_with(" more fields") || item.fact.ends_with(" more field");
        !restart && !counted && item.fact.chars().count() <= LONGEST_CHANGE
    };
    let changed = told.all(Topic::Changed).find(telling);
    let edited = told.first(Topic::Edited);
    let what = match told.prompt.cause {
        Some(Cause::ConfigChange) => edited.or(changed),
        _ => changed.or(edited),
    }?;
    let began = told.first(Topic::Began);
    let onset = began.and_then(|item| item.fact.strip_prefix("the errors began at "));
    let early = |at: &str| onset.is_none_or(|onset| at < onset);
    let mut text = capital(&what.fact);
    let mut cited = vec![what];
    if let Some((name, at, by)) = edit(what) {
        text = match early(at) {
            true => format!("{} was edited at {at}{by}", capital(name)),
            false => format!("{} was edited{by}", capital(name)),
        };
    } else if let Some((rollout, at)) =
        told.first(Topic::Rollout).and_then(|item| Some((item, rollout(item, what)?)))
        && early(at)
    {
        text = format!("{text} at {at}");
        cited.push(rollout);
    }
    if let (Some(item), Some(onset)) = (began, onset) {
        text = format!("{text}, and the errors began at {onset}");
        cited.push(item);
    }
    Some(citing(text, &cited))
}

/// Name, time and ` by CLIENT` of an edit.
fn edit(item: &Item) -> Option<(&str, &str, &str)> {
    let (name, rest) = item.fact.split_once(" was edited at ")?;
    let end = rest.find(' ').unwrap_or(rest.len());
    Some((name, &rest[..end], &rest[end..]))
}

/// When the rollout of the revision began that `changed` speaks of.
fn rollout<'a>(item: &'a Item, changed: &Item) -> Option<&'a str> {
    let (name, at) = item.fact.strip_prefix("the rollout of ")?.split_once(" began at ")?;
    changed.fact.starts_with(&format!("{name} ")).then_some(at)
}

/// That nothing is told to have changed.
fn unchanged<'a>(told: &Told<'a>) -> Option<Sentence<'a>> {
    let changes = [Topic::Changed, Topic::Edited, Topic::Rollout];
    if changes.into_iter().any(|topic| told.first(topic).is_some()) {
        return None;
    }
    let began = told.first(Topic::Began)?;
    let onset = began.fact.strip_prefix("the errors began at ")?;
    let text = format!("The errors began at {onset}, and the evidence names no change of this workload");
    Some(citing(text, &[began]))
}

/// Why acting on this workload would not help; a conclusion that cites nothing and holds no figure.
fn helpless<'a>(cause: Option<Cause>) -> Option<Sentence<'a>> {
    let text = match cause? {
        Cause::Dependency => "A rollback here would not mend what it calls",
        Cause::Infrastructure => "A rollback here would not mend the nodes",
        _ => return None,
    };
    Some(citing(text.to_owned(), &[]))
}

/// "While revision 3 served for 9 d, 0.031 % of its requests failed", where that is less than fails now.
fn record<'a>(told: &Told<'a>, item: &'a Item) -> Option<Sentence<'a>> {
    let now = told.first(Topic::New).or(told.first(Topic::Since)).and_then(Item::number);
    let (number, value) = (item.number()?, item.value.as_deref()?);
    if now.is_some_and(|now| number >= now) {
        return None;
    }
    let name = item.fact.strip_prefix("error ratio while ")?.strip_suffix(" served")?;
    let revision = told.prompt.target.as_ref().map(|number| format!("revision {number}"));
    let revision = revision.filter(|revision| item.says(revision));
    let name = revision.as_deref().unwrap_or(name);
    let window = item.window.as_ref().map(|w| format!(" for {w}")).unwrap_or_default();
    Some(citing(format!("While {name} served{window}, {value} of its requests failed"), &[item]))
}

/// "Before the onset, 0.027 % of the requests failed".
fn until(item: &Item) -> Option<Sentence<'_>> {
    let value = item.number().and(item.value.as_deref())?;
    Some(citing(format!("Before the onset, {value} of the requests failed"), &[item]))
}

/// "3,389 requests failed since the onset".
fn failed(item: &Item) -> Option<Sentence<'_>> {
    let value = item.number().and(item.value.as_deref())?;
    Some(citing(format!("{value} failed since the onset"), &[item]))
}

/// "69 % of the error budget is left".
fn budget(item: &Item) -> Option<Sentence<'_>> {
    let number = item.number().filter(|number| *number > 0.0)?;
    let value = item.value.as_deref().filter(|_| number.is_finite())?;
    Some(citing(format!("{value} of the error budget is left"), &[item]))
}

/// "Traffic rose to 3.0× of what it was before", and whether it moved. What may have been rounded away is not said.
fn traffic(item: &Item) -> Option<(Sentence<'_>, bool)> {
    let (number, value) = (item.number()?, item.value.as_deref()?);
    let way = match number {
        n if n > 1.15 => "rose to",
        n if n < 0.85 => "fell to",
        n if (0.95..1.05).contains(&n) => "stayed at",
        _ => return None,
    };
    Some((citing(format!("Traffic {way} {value} of what it was before"), &[item]), way != "stayed at"))
}

/// Any other item, in its own words.
pub(super) fn plain(item: &Item) -> Sentence<'_> {
    let fact: String = item.fact.chars().take(160).collect();
    let mut text = capital(&fact);
    if let Some(value) = &item.value {
        text = format!("{text}: {value}");
    } else if let Some((bad, total)) = &item.counts {
        text = format!("{text}: {bad} of {total}");
    }
    citing(text, &[item])
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// What speaks against the decision: one item at most.
pub(super) fn against(items: &[Item]) -> Vec<Sentence<'_>> {
    let found = items.iter().find(|item| topic::of(item) == Topic::Against);
    found.map(plain).into_iter().collect()
}

//! What an evidence line is about, as far as its words tell. Lines are known by how their fact begins; one that is not
//! known is `Other` and may still be quoted in its own words.

use super::prompt::Item;

/// Kinds of objects whose edits a rollback does not undo.
const KINDS: [&str; 3] = ["configmap ", "secret ", "persistentvolumeclaim "];

/// What a line is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Topic {
    /// The burn rate over a window.
    Burn,
    /// The error ratio of what was there before the change: by pod or by time.
    Old,
    /// The error ratio of what came with it.
    New,
    /// The error ratio since the onset.
    Since,
    /// The error ratio before it.
    Until,
    /// The error ratio while one revision served.
    Record,
    /// Requests failed since the onset.
    Failed,
    /// When the errors began.
    Began,
    /// A field that a revision changed.
    Changed,
    /// An object that was edited in place.
    Edited,
    /// When a rollout began.
    Rollout,
    /// Traffic now over traffic before.
    Traffic,
    /// What is left of the error budget.
    Budget,
    /// What speaks against acting.
    Against,
    /// A computation written out, or a distance whose ends are told elsewhere: nobody wants to read it twice.
    Arithmetic,
    /// Anything else.
    Other,
}

/// The topic of `item`.
pub(super) fn of(item: &Item) -> Topic {
    let fact = item.fact.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| fact.contains(word));
    let begins = |words: &[&str]| words.iter().any(|word| fact.starts_with(word));
    let ratio = fact.strip_prefix("error ratio ");
    let ratio = |words: &[&str]| ratio.is_some_and(|rest| words.iter().any(|word| rest.starts_with(word)));
    if (has(&[" x "]) && has(&["/s"])) || begins(&["from the begin of the change"]) {
        Topic::Arithmetic
    } else if has(&["irreversible", "belong to no pod"]) || (begins(&KINDS) && has(&[" changed "])) {
        Topic::Against
    } else if ratio(&["of the old pods", "before the change"]) {
        Topic::Old
    } else if ratio(&["of the new pods", "after the change"]) {
        Topic::New
    } else if ratio(&["since the onset"]) {
        Topic::Since
    } else if ratio(&["before the onset"]) {
        Topic::Until
    } else if ratio(&["while "]) {
        Topic::Record
    } else if begins(&["requests failed since"]) {
        Topic::Failed
    } else if begins(&["the errors began at "]) {
        Topic::Began
    } else if has(&[" was edited at "]) {
        Topic::Edited
    } else if begins(&["revision "]) && has(&[" changed "]) {
        Topic::Changed
    } else if begins(&["the rollout of "]) {
        Topic::Rollout
    } else if begins(&["traffic "]) {
        Topic::Traffic
    } else if begins(&["error budget left"]) {
        Topic::Budget
    } else if begins(&["burn rate"]) {
        Topic::Burn
    } else {
        Topic::Other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_known_by_how_it_begins() {
        for (fact, topic) in [
            ("burn rate of api-errors", Topic::Burn),
            ("error ratio of the new pods", Topic::New),
            ("error ratio before the change", Topic::Old),
            ("error ratio before the onset", Topic::Until),
            ("error ratio while api-7shb8nl9gv served", Topic::Record),
            ("revision 4 changed image 1.8 → 1.9", Topic::Changed),
            ("revision 4 is 8xv2m 3.13.1 (orders:3.13.1) and serves now", Topic::Other),
            ("ConfigMap routes was edited at 17:42:05 by kubectl-edit", Topic::Edited),
            ("ConfigMap routes changed 17:42 by kubectl-edit (client)", Topic::Against),
            ("budget of the period: 0.1 % x 46.1/s x 30d, traffic as now", Topic::Arithmetic),
            ("from the begin of the change to the onset of the errors", Topic::Arithmetic),
        ] {
            let item = Item { fact: fact.into(), ..Item::default() };
            assert_eq!(of(&item), topic, "{fact}");
        }
    }
}

//! The journal as it can be read in the cockpit: its newest records in one line each, one of them whole when it is asked
//! for, and whether the chain holds. It only reads; how much is kept here is bounded, however long the journal is.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::Time;
use crate::domain::clean::{Clean, cleaned};

use super::effect::Effect;
use super::event::Command;
use super::filter::Filter;
use super::record::{
    ADVICE, APPROVED, CLOSED, EXPIRED, INTENT, OUTCOME, PROPOSED, RATIONALE, READ_BACK, REJECTED, TAKEN_UP,
    WAITED, WITHDRAWN,
};
use super::state::{State, Weight};
use super::view::{self, Screen};

/// Records that are kept, newest first.
pub const KEPT: usize = 500;

/// A record in one line.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Summary {
    /// Its number.
    pub seq: u64,
    /// When it was written.
    pub time: Time,
    /// Its kind.
    pub kind: Clean,
    /// Who; empty where nobody decided it.
    pub by: Clean,
    /// `namespace/name`.
    pub workload: Clean,
    /// What happened, in words.
    pub what: Clean,
    /// How it ended, where that is known.
    pub outcome: Clean,
    /// The action or proposal that it belongs to.
    pub case: Clean,
}

/// The newest records, and whether all of them verify.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Told {
    /// Newest first, [`KEPT`] at most.
    pub entries: Vec<Summary>,
    /// How many records there are.
    pub records: u64,
    /// The head of the chain, or where and why it does not verify.
    pub head: Result<Clean, Clean>,
}

/// One record, whole.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Whole {
    /// Its number.
    pub seq: u64,
    /// Its hash.
    pub hash: Clean,
    /// The body as it was recorded.
    pub body: Value,
}

/// The page.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Ledger {
    /// What was told.
    pub told: Option<Told>,
    /// The selected record; nothing: the newest.
    pub selected: Option<u64>,
    /// The record that was asked for, or why it cannot be had.
    pub whole: Option<Result<Whole, Clean>>,
    /// Where the last post-mortem was written, or why not.
    pub exported: Option<Result<Clean, Clean>>,
}

/// Records (number, time, kind, body), oldest first, in one line each; newest first, no more than [`KEPT`].
pub fn summaries<'a>(records: impl Iterator<Item = (u64, Time, &'a str, &'a Value)>) -> Vec<Summary> {
    let mut all: std::collections::VecDeque<Summary> = std::collections::VecDeque::new();
    let mut actions: std::collections::BTreeMap<String, (Clean, Clean)> = std::collections::BTreeMap::new();
    for (seq, time, kind, body) in records {
        let text = |name: &str| Clean::new(body[name].as_str().unwrap_or_default());
        let action = body["action"].as_str();
        if let (INTENT, Some(action)) = (kind, action) {
            actions.insert(action.to_owned(), (text("workload"), text("by")));
        }
        let of_action = action.and_then(|action| actions.get(action)).cloned();
        let workload = match &of_action {
            Some((workload, _)) if text("workload").is_empty() => workload.clone(),
            _ => text("workload"),
        };
        let case = action.map_or_else(|| text("proposal"), Clean::new);
        let (what, outcome) = told(kind, body);
        all.push_back(Summary {
            seq,
            time,
            kind: Clean::new(kind),
            by: text("by"),
            workload,
            what: Clean::new(what),
            outcome: Clean::new(outcome),
            case,
        });
        if all.len() > KEPT {
            all.pop_front();
        }
    }
    all.into_iter().rev().collect()
}

/// What happened, and how it ended.
fn told(kind: &str, body: &Value) -> (String, String) {
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    let number = |of: &Value, name: &str| of[name].as_u64().unwrap_or(0);
    let target = body["target"].as_str().map_or(String::new(), |target| format!(" to {target}"));
    let offer = format!("{}{target}", text("offer").replace('_', " "));
    let because = |what: &str| {
        let reason = text("reason");
        if reason.is_empty() { what.to_owned() } else { format!("{what}: {reason}") }
    };
    match kind {
        PROPOSED => (format!("proposed {offer}"), text("verdict")),
        INTENT => (because(&format!("approved {offer}")), "recorded".into()),
        APPROVED => (because(&format!("approved {offer}, one of several")), "approved".into()),
        TAKEN_UP => (format!("takes up what {} began", text("of")), String::new()),
        REJECTED => (because(&format!("rejected {offer}")), "rejected".into()),
        WAITED => (because("waits"), "waited".into()),
        EXPIRED => (format!("expired: {offer}"), "expired".into()),
        WITHDRAWN => (format!("withdrawn: {offer}"), "withdrawn".into()),
        OUTCOME => {
            let sent = format!("{} of {} calls accepted", number(body, "done"), number(body, "of"));
            let unknown = body["unknown"] == true;
            (sent, if unknown { "unknown".into() } else { "sent".into() })
        }
        READ_BACK if body["word"].is_string() => (format!("says: {}", text("word")), "inconclusive".into()),
        READ_BACK => (format!("read back: {} calls stand", number(body, "done")), String::new()),
        CLOSED => (text("words"), text("outcome")),
        ADVICE => {
            let answer = &body["answer"];
            let said = match body["error"].as_str() {
                Some(why) => format!("model {}: {why}", text("model")),
                None => format!(
                    "model {}: {} claims confirmed, {} contradicted",
                    text("model"),
                    number(answer, "confirmed"),
                    number(answer, "contradicted")
                ),
            };
            (said, answer["cause"].as_str().unwrap_or_default().to_owned())
        }
        RATIONALE => ("wrote the rationale anew".into(), String::new()),
        other => (other.to_owned(), String::new()),
    }
}

/// The records that the filter lets through, newest first: its words in any column, its times in the first.
pub fn shown(state: &State) -> Vec<&Summary> {
    let Some(told) = &state.ledger.told else { return Vec::new() };
    let filter = Filter::parse(&state.view.filter);
    let span = filter.span(state.now);
    let admits = |entry: &&Summary| {
        let line = [&entry.kind, &entry.by, &entry.workload, &entry.what, &entry.outcome, &entry.case];
        let line: Vec<&str> = line.into_iter().map(Clean::as_str).collect();
        span.holds(entry.time) && filter.admits_text(&line.join(" "))
    };
    told.entries.iter().filter(admits).collect()
}

/// The selected record: what was selected if it is still shown, else the newest.
pub fn selected(state: &State) -> Option<(usize, &Summary)> {
    let shown = shown(state);
    let at = state.ledger.selected.and_then(|seq| shown.iter().position(|e| e.seq == seq)).unwrap_or(0);
    shown.get(at).map(|entry| (at, *entry))
}

/// Opens the page and asks for the records.
pub(super) fn open(state: &mut State, effects: &mut Vec<Effect>) {
    state.view.screen = Screen::Journal;
    state.view.scroll = 0;
    state.ledger.exported = None;
    effects.push(Effect::ReadRecords);
}

/// The commands of the page and of one record.
pub(super) fn command(state: &mut State, command: &Command, effects: &mut Vec<Effect>) {
    match (&state.view.screen, command) {
        (Screen::Journal, Command::Open) => {
            if let Some(seq) = selected(state).map(|(_, entry)| entry.seq) {
                state.ledger.whole = None;
                state.view.screen = Screen::Record(seq);
                state.view.scroll = 0;
                effects.push(Effect::ReadRecord(seq));
            }
        }
        (_, Command::Export) => {
            let case = selected(state).map(|(_, entry)| entry.case.clone()).filter(|case| !case.is_empty());
            match case {
                Some(case) => effects.push(Effect::Export(case)),
                None => state.ledger.exported = Some(Err("this record belongs to no decision".into())),
            }
        }
        (Screen::Journal, Command::Filter) => state.view.filtering = true,
        (Screen::Journal, Command::Back | Command::Journal) if !state.view.filter.is_empty() => {
            state.view.filter.clear();
        }
        (Screen::Journal, Command::Back | Command::Journal) => {
            state.view.screen = Screen::Main;
            state.view.scroll = 0;
        }
        (Screen::Journal, command) => {
            let shown = shown(state);
            let at = selected(state).map_or(0, |(at, _)| at);
            let to = view::moved(at, shown.len(), command);
            state.ledger.selected = shown.get(to).map(|entry| entry.seq);
        }
        (_, Command::Back | Command::Journal | Command::Open) => {
            state.view.screen = Screen::Journal;
            state.view.scroll = 0;
        }
        (_, command) => state.view.scroll = view::moved(state.view.scroll, 10_000, command),
    }
}

/// Takes the records.
pub(super) fn told_records(state: &mut State, told: Told) {
    state.ledger.told = Some(told);
}

/// Takes one record. It is read on a screen, and its texts are those of servers and people.
pub(super) fn told_record(state: &mut State, whole: Result<Whole, Clean>) {
    state.ledger.whole = Some(whole.map(|whole| Whole { body: cleaned(whole.body), ..whole }));
}

/// A post-mortem was written, or not.
pub(super) fn exported(state: &mut State, exported: Result<Clean, Clean>) {
    match &exported {
        Ok(place) => state.say("journal", Weight::Good, format!("post-mortem written to {place}")),
        Err(why) => state.say("journal", Weight::Attention, format!("no post-mortem was written: {why}")),
    }
    state.ledger.exported = Some(exported);
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn at(minute: i64) -> Time {
        Time::from_timestamp(1_763_640_000 + 60 * minute, 0).unwrap_or_default()
    }

    fn state(filter: &str) -> State {
        let bodies = [
            (
                "proposed",
                json!({"workload": "shop/api", "offer": "rollback", "target": "r3", "verdict": "bad_deploy", "proposal": "p-1"}),
            ),
            (
                "intent",
                json!({"workload": "shop/api", "offer": "rollback", "by": "mara", "reason": "new pods fail", "action": "01A"}),
            ),
            ("outcome", json!({"action": "01A", "done": 1, "of": 1, "unknown": false})),
            ("closed", json!({"action": "01A", "outcome": "helped", "words": "HELPED"})),
            (
                "rejected",
                json!({"workload": "shop/orders", "offer": "rollback", "by": "jo", "reason": "wait", "proposal": "p-2"}),
            ),
        ];
        let records =
            bodies.iter().enumerate().map(|(n, (kind, body))| (n as u64 + 1, at(n as i64), *kind, body));
        let told = Told { entries: summaries(records), records: 5, head: Ok("abc".into()) };
        let mut state = State { now: at(10), ..State::default() };
        state.view.filter = filter.into();
        state.ledger.told = Some(told);
        state
    }

    #[test]
    fn records_of_an_action_have_its_workload_and_the_newest_comes_first() {
        let state = state("");
        let shown = shown(&state);
        assert_eq!(shown.iter().map(|e| e.seq).collect::<Vec<_>>(), [5, 4, 3, 2, 1]);
        assert!(shown[1..4].iter().all(|e| e.workload.as_str() == "shop/api" && e.case.as_str() == "01A"));
        assert_eq!(shown[3].what.as_str(), "approved rollback: new pods fail");
    }

    #[test]
    fn a_filter_takes_words_and_times() {
        for (filter, seqs) in [
            ("mara", vec![2]),
            ("helped", vec![4]),
            ("orders jo", vec![5]),
            ("since:7m", vec![5, 4]),
            ("-api", vec![5]),
        ] {
            let state = state(filter);
            assert_eq!(shown(&state).iter().map(|e| e.seq).collect::<Vec<_>>(), seqs, "{filter}");
        }
    }

    #[test]
    fn only_the_newest_are_kept() {
        let body = json!({});
        let records = (0..2_000).map(|n| (n, at(0), "waited", &body));
        let kept = summaries(records);
        assert_eq!((kept.len(), kept[0].seq, kept[KEPT - 1].seq), (KEPT, 1_999, 1_500));
    }

    #[test]
    fn a_record_is_read_when_it_is_opened_and_exported_by_its_decision() {
        let mut state = state("");
        let mut effects = Vec::new();
        open(&mut state, &mut effects);
        assert_eq!(effects, [Effect::ReadRecords]);
        command(&mut state, &Command::Down, &mut effects);
        command(&mut state, &Command::Open, &mut effects);
        assert_eq!(state.view.screen, Screen::Record(4));
        command(&mut state, &Command::Export, &mut effects);
        assert_eq!(effects[1..], [Effect::ReadRecord(4), Effect::Export("01A".into())]);
        command(&mut state, &Command::Back, &mut effects);
        assert_eq!(state.view.screen, Screen::Journal);
    }
}

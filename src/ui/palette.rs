//! What the palette finds: commands by name and description, SLOs, workloads, ranges, filters, screens. What cannot be
//! done here is found too, with the reason; what decides about a card is told by its key and never done from here.

use crate::domain::cluster::Key;
use crate::engine::event::Command;
use crate::engine::filter::STATES;
use crate::engine::inbox;
use crate::engine::palette::{Choice, Harmless};
use crate::engine::state::State;
use crate::engine::view::{self, RANGES, Row, Screen};

use super::commands;
use super::keymap::{COMMANDS, Keymap};

/// Of what kind something is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Kind {
    /// A screen, or a card.
    Screen,
    /// A command of the keymap.
    Command,
    /// A range of the chart.
    Range,
    /// An SLO.
    Slo,
    /// A workload.
    Workload,
    /// A filter of the list.
    Filter,
}

impl Kind {
    /// Its word, which is also found.
    pub fn word(self) -> &'static str {
        match self {
            Self::Screen => "screen",
            Self::Command => "command",
            Self::Range => "range",
            Self::Slo => "slo",
            Self::Workload => "workload",
            Self::Filter => "filter",
        }
    }
}

/// One line of the palette.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// What it is.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// What it does, or what is known of it.
    pub help: String,
    /// The keys that do the same.
    pub keys: String,
    /// What Enter does; or why it does nothing here.
    pub choice: Result<Choice, String>,
}

/// All that `state.view.palette` finds, best first.
pub fn find(keymap: &Keymap, state: &State) -> Vec<Entry> {
    let Some(palette) = &state.view.palette else {
        return Vec::new();
    };
    let typed = palette.text.trim().to_lowercase();
    let words: Vec<&str> = typed.split_whitespace().collect();
    let mut found: Vec<(u32, Entry)> =
        all(keymap, state).into_iter().filter_map(|entry| Some((score(&words, &entry)?, entry))).collect();
    // What is written out is meant.
    found.extend(written(&palette.text).map(|entry| (u32::MAX, entry)));
    // Stable: what is equally good stays in the order in which it is told below.
    found.sort_by_key(|(score, entry)| (u32::MAX - score, entry.choice.is_err(), moves(entry), entry.kind));
    found.into_iter().map(|(_, entry)| entry).collect()
}

/// Nobody opens a palette to go one row down: such commands come last.
fn moves(entry: &Entry) -> bool {
    use Command::{Down, End, FocusNext, FocusPrevious, Home, PageDown, PageUp, Up};
    let Ok(Choice::Run(harmless)) = &entry.choice else { return false };
    matches!(harmless.command(), Up | Down | PageUp | PageDown | Home | End | FocusNext | FocusPrevious)
}

/// The chosen one and its number: the world may have moved since it was chosen.
pub fn chosen<'e>(state: &State, found: &'e [Entry]) -> Option<(usize, &'e Entry)> {
    let at = state.view.palette.as_ref()?.at.min(found.len().checked_sub(1)?);
    found.get(at).map(|entry| (at, entry))
}

fn all(keymap: &Keymap, state: &State) -> Vec<Entry> {
    let mut all = screens(keymap, state);
    all.extend(commands_of(keymap, state));
    all.extend(ranges(keymap));
    // By their ids: an order that does not change between a look and Enter.
    all.extend(state.world.slos.values().map(|slo| {
        let workload = view::workload_of(state, &slo.id).map(ToString::to_string);
        Entry {
            kind: Kind::Slo,
            name: slo.id.to_string(),
            help: format!("{} {}", view::state_word(slo), workload.unwrap_or_default()).trim_end().to_owned(),
            keys: String::new(),
            choice: Ok(Choice::Select(Row::Slo(slo.id.clone()))),
        }
    }));
    all.extend(workloads(state));
    all.extend(filters(state));
    all
}

fn screens(keymap: &Keymap, state: &State) -> Vec<Entry> {
    let entry = |name: String, help: &str, key: &str, screen: Screen| Entry {
        kind: Kind::Screen,
        name,
        help: help.to_owned(),
        keys: keymap.shown_for("main", key).join(" "),
        choice: if state.view.screen == screen {
            Err("you are there".into())
        } else {
            Ok(Choice::Go(screen))
        },
    };
    let cards = state.incidents.values().filter(|i| i.proposal.is_some() || i.running.is_some());
    let mut screens: Vec<Entry> = cards
        .map(|i| {
            entry(format!("card {}", i.workload), "its decision card", "", Screen::Card(i.workload.clone()))
        })
        .collect();
    let waits = inbox::items(state).iter().filter(|i| matches!(i, inbox::Item::Gate(_))).count();
    let inbox = if waits == 0 { "nothing waits".into() } else { format!("{waits} open") };
    screens.push(entry("main".into(), "SLOs, budget, revisions", "", Screen::Main));
    screens.push(entry("inbox".into(), &inbox, "inbox", Screen::Inbox));
    screens.push(entry("log".into(), "the whole event log", "log", Screen::Log));
    screens
}

/// Every command once: of the context of the screen, then what only the other one has. Ranges are told as such.
fn commands_of(keymap: &Keymap, state: &State) -> Vec<Entry> {
    let here = commands::context(state);
    // The answers of a drill are decisions: their keys stand beside the question, and nowhere else.
    let all = COMMANDS.iter().filter(|(context, _, _)| *context != "drill");
    let (own, other): (Vec<_>, Vec<_>) = all.partition(|(context, _, _)| *context == here);
    let mut known: Vec<&str> = own.iter().map(|(_, name, _)| *name).collect();
    let other: Vec<_> = other
        .into_iter()
        .filter(|(_, name, _)| {
            let new = !known.contains(name);
            if new {
                known.push(name);
            }
            new
        })
        .collect();
    let entry = |(context, name, help): &(&str, &str, &str)| Entry {
        kind: Kind::Command,
        name: name.replace('_', " "),
        help: (*help).to_owned(),
        keys: keymap.shown_for(context, name).join(" "),
        choice: run(keymap, state, context, name),
    };
    own.iter().chain(&other).filter(|(_, name, _)| !name.starts_with("range_")).map(entry).collect()
}

/// The choice that a command is, or why it is none here.
fn run(keymap: &Keymap, state: &State, context: &str, name: &str) -> Result<Choice, String> {
    let Some(command) = commands::named(name) else { return Err("no such command".into()) };
    if command == Command::Palette {
        return Err("it is open".into());
    }
    let place = match context {
        "card" => "the card",
        "page" => "pods, logs, alerts and differences",
        "drill" => "a drill's question",
        _ => "the main screen",
    };
    let only = || format!("only on {place}");
    let Some(harmless) = Harmless::of(command.clone()) else {
        let key = keymap.shown_for(context, name).into_iter().next();
        return Err(key.map_or_else(only, |key| format!("only on {place}, by its key {key}")));
    };
    if context != commands::context(state) {
        return Err(only());
    }
    let everywhere =
        matches!(name, "up" | "down" | "page_up" | "page_down" | "home" | "end" | "help" | "quit");
    let fits = match state.view.screen {
        Screen::Main | Screen::Card(_) => true,
        _ if context == "page" => true,
        Screen::Journal => {
            matches!(command, Command::Open | Command::Filter | Command::Export | Command::Journal)
        }
        Screen::Record(_) => matches!(command, Command::Export | Command::Journal),
        Screen::Log => matches!(command, Command::Log | Command::Inbox),
        Screen::Inbox => matches!(command, Command::Open | Command::Gate | Command::Log | Command::Inbox),
        Screen::Model(_) => matches!(command, Command::Ask | Command::Stop | Command::Back | Command::Model),
        _ => matches!(command, Command::Back | Command::Inbox),
    };
    if !fits && !everywhere {
        return Err(only());
    }
    match lacks(state, &command) {
        Some(why) => Err(why.into()),
        None => Ok(Choice::Run(harmless)),
    }
}

/// What a command would only answer with "there is none".
fn lacks(state: &State, command: &Command) -> Option<&'static str> {
    let workload = match &state.view.screen {
        Screen::Card(key) | Screen::Model(key) => Some(key.clone()),
        _ => view::selected_workload(state),
    };
    let speaks =
        workload.as_ref().and_then(|key| state.counsel.get(key)).is_some_and(|c| c.under_way().is_some());
    let acted = |key: &Key| {
        let name = key.to_string();
        state.journal.actions.iter().any(|a| a.workload == name && a.executed)
    };
    match command {
        Command::Gate => view::most_urgent_gate(state).is_none().then_some("no gate is open"),
        Command::ByHand | Command::Diff => workload.is_none().then_some("no workload is selected"),
        Command::Undo => (!workload.is_some_and(|key| acted(&key))).then_some("goaround did nothing on it"),
        Command::Ask => state.setup.advisor.is_none().then_some("no model is configured"),
        Command::Stop => (!speaks).then_some("the model says nothing"),
        _ => None,
    }
}

fn ranges(keymap: &Keymap) -> Vec<Entry> {
    let named = COMMANDS.iter().filter(|(_, name, _)| name.starts_with("range_"));
    let entry = |(n, (context, name, help)): (usize, &(&str, &str, &str))| {
        let range = RANGES.get(n)?;
        Some(Entry {
            kind: Kind::Range,
            name: range.to_string(),
            help: (*help).to_owned(),
            keys: keymap.shown_for(context, name).join(" "),
            choice: Ok(Choice::Range(u8::try_from(n).ok()?)),
        })
    };
    named.enumerate().filter_map(entry).collect()
}

/// Every Deployment; one that an SLO judges is found in the list by it.
fn workloads(state: &State) -> Vec<Entry> {
    let entry = |key: &Key| {
        let row = state.listing.slo_of(key).map(|id| Row::Slo(id.clone()));
        let help = match &row {
            Some(Row::Slo(id)) => format!("judged by {id}"),
            _ => "no SLO".into(),
        };
        Entry {
            kind: Kind::Workload,
            name: key.to_string(),
            help,
            keys: String::new(),
            choice: Ok(Choice::Select(row.unwrap_or_else(|| Row::Workload(key.clone())))),
        }
    };
    state.world.deployments.keys().map(entry).collect()
}

fn filters(state: &State) -> Vec<Entry> {
    let states = STATES.into_iter().map(|word| format!("state:{word}"));
    let namespaces: std::collections::BTreeSet<&str> =
        state.world.deployments.keys().map(|key| key.namespace.as_str()).collect();
    let mut filters: Vec<Entry> = states.map(|word| filter(&word, "rows in this state")).collect();
    filters
        .extend(namespaces.into_iter().map(|name| filter(&format!("ns:{name}"), "rows of this namespace")));
    if !state.view.filter.is_empty() {
        filters.insert(0, Entry { name: "none".into(), ..filter("", "all rows") });
    }
    filters
}

fn filter(text: &str, help: &str) -> Entry {
    Entry {
        kind: Kind::Filter,
        name: text.to_owned(),
        help: help.to_owned(),
        keys: String::new(),
        choice: Ok(Choice::Filter(text.to_owned())),
    }
}

/// `filter some words`: a filter of one's own.
fn written(text: &str) -> Option<Entry> {
    let rest = text.trim_start().strip_prefix("filter ").or_else(|| text.trim_start().strip_prefix('/'))?;
    let rest = rest.trim();
    (!rest.is_empty()).then(|| filter(rest, "rows with these words"))
}

/// How well all of `words` fit; `None`: one of them does not.
fn score(words: &[&str], entry: &Entry) -> Option<u32> {
    if words.is_empty() {
        return Some(0);
    }
    let name = entry.name.to_lowercase();
    let mut sum = 0;
    let mut named = false;
    for word in words {
        let in_name = one(word, &name);
        named |= in_name.is_some_and(|score| score >= OF_KIND);
        let of_kind = || (word.len() > 1 && entry.kind.word().starts_with(word)).then_some(OF_KIND);
        let told = || begins_a_word(word, &entry.help.to_lowercase()).then_some(TOLD);
        sum += in_name.max(of_kind()).or_else(told)?;
    }
    // What can be done comes before what cannot, unless that was called by its whole name.
    let sum = if entry.choice.is_err() && name != words.join(" ") { sum / 2 } else { sum };
    // Of names that fit alike the shorter one is nearer to what was typed.
    let extra = u32::try_from(name.chars().count()).unwrap_or(u32::MAX).min(200);
    Some(sum * 1_000 + if named { 200 - extra } else { 0 })
}

/// A word of the text beside a name fits so well.
const TOLD: u32 = 30;
/// A name of the kind that was typed: better than letters that happen to be in a name.
const OF_KIND: u32 = 50;

/// How well one word fits a name: as a whole, as its beginning, as that of a word in it, anywhere, letter by letter.
fn one(word: &str, name: &str) -> Option<u32> {
    match word {
        _ if name == word => Some(100),
        _ if name.starts_with(word) => Some(80),
        _ if begins_a_word(word, name) => Some(60),
        _ if name.contains(word) => Some(40),
        _ if word.chars().count() > 1 && letter_by_letter(word, name) => Some(10),
        _ => None,
    }
}

fn begins_a_word(word: &str, text: &str) -> bool {
    text.match_indices(word).any(|(at, _)| {
        text.get(..at).and_then(|before| before.chars().next_back()).is_none_or(|c| !c.is_alphanumeric())
    })
}

fn letter_by_letter(word: &str, name: &str) -> bool {
    let mut rest = name.chars();
    word.chars().all(|wanted| rest.any(|c| c == wanted))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::clean::Clean;
    use crate::engine::palette::Palette;
    use crate::ui::keymap::DEFAULT;

    fn keymap() -> Keymap {
        Keymap::parse(DEFAULT, "default.toml", COMMANDS).expect("whole")
    }

    fn named(text: &str, state: &mut State) -> Vec<Entry> {
        state.view.palette = Some(Palette { text: text.into(), at: 0 });
        find(&keymap(), state)
    }

    #[test]
    fn every_command_is_found_by_its_name_with_its_keys_and_what_decides_is_never_a_choice() {
        let mut state = State::default();
        for screen in [Screen::Main, Screen::Card(Key::new("shop", "api")), Screen::Log, Screen::Inbox] {
            state.view.screen = screen;
            let here = commands::context(&state);
            let own =
                |name: &str| COMMANDS.iter().any(|(context, known, _)| *context == here && *known == name);
            for (context, name, help) in COMMANDS {
                if (*context != here && own(name)) || *context == "drill" {
                    continue;
                }
                let range = name.starts_with("range_");
                let found =
                    named(&if range { (*help).to_owned() } else { name.replace('_', " ") }, &mut state);
                let named = name.replace('_', " ");
                let known = |e: &&Entry| e.help == *help || e.name == named;
                let entry = found.iter().find(known).unwrap_or_else(|| panic!("{name} {found:?}"));
                assert!(!entry.keys.is_empty(), "{name}");
                let command = commands::named(name).expect("a command");
                let decides = matches!(
                    command,
                    Command::Arm
                        | Command::Edit
                        | Command::Reject
                        | Command::Settle
                        | Command::Wait
                        | Command::AddRestore
                );
                if decides {
                    let why = entry.choice.clone().expect_err(name);
                    assert!(why.contains(&format!("by its key {}", entry.keys)), "{name}: {why}");
                }
            }
        }
    }

    #[test]
    fn what_harmless_forgets_is_decided_here() {
        let allowed = |name: &str| commands::named(name).and_then(Harmless::of).is_some();
        let forbidden: Vec<&str> =
            COMMANDS.iter().map(|(_, name, _)| *name).filter(|name| !allowed(name)).collect();
        assert_eq!(
            forbidden,
            [
                "palette",
                "answer_roll_back",
                "answer_do_not",
                "answer_restore",
                "arm",
                "edit",
                "reject",
                "settle",
                "wait",
                "add_restore",
                "palette",
                "palette"
            ],
            "a command is missing in engine::palette::Harmless::of, or decides something"
        );
    }

    #[test]
    fn words_are_found_by_their_beginnings_and_letters_in_their_order() {
        let fits = |word, name| one(word, name).unwrap_or(0);
        let name = "checkout-requests-availability";
        assert!(fits("check", name) > fits("avail", name));
        assert!(fits("avail", name) > fits("quest", name));
        assert!(fits("quest", name) > fits("cra", name));
        assert_eq!(one("ava ", "log"), None);
        assert_eq!(fits("xyz", name), 0);
        assert_eq!(fits("z", name), 0);
    }

    #[test]
    fn what_cannot_be_done_here_says_why_and_comes_after_what_can() {
        let mut state = State::default();
        let found = named("gate", &mut state);
        let gate = found.iter().find(|e| e.kind == Kind::Command && e.name == "gate").expect("the command");
        assert_eq!(gate.choice, Err("no gate is open".into()));
        let found = named("", &mut state);
        let last = found.iter().rposition(|e| e.choice.is_ok()).expect("something can be done");
        assert!(found[..last].iter().all(|e| e.choice.is_ok()), "{found:?}");
    }

    #[test]
    fn a_thousand_slos_are_searched_by_words() {
        let mut state = State::default();
        for n in 0..1_000 {
            let id = crate::domain::slo::SloId(Clean::new(format!("service-{n:03}-availability")));
            state.mapped.insert(
                id,
                Ok((Key::new("shop", format!("svc-{n:03}")), crate::engine::mapping::How::Config)),
            );
        }
        for n in 0..1_000 {
            let key = Key::new("shop", format!("svc-{n:03}"));
            state.world.deployments.insert(key, Default::default());
        }
        state.listing.outdated_now();
        let tick =
            crate::engine::Stamped { at: state.now, mono: state.mono, event: crate::engine::Event::Tick };
        crate::engine::step(&mut state, tick);
        let found = named("wor 437", &mut state);
        let names: Vec<&str> = found.iter().map(|e| e.name.as_str()).collect();
        assert_eq!(names, ["shop/svc-437"]);
        assert!(
            matches!(&found[0].choice, Ok(Choice::Select(Row::Slo(id))) if id.to_string() == "service-437-availability")
        );
    }

    #[test]
    fn a_filter_of_ones_own_can_be_written() {
        let mut state = State::default();
        let found = named("filter shop api", &mut state);
        assert_eq!(found[0].choice, Ok(Choice::Filter("shop api".into())));
        assert_eq!(named("/pay", &mut state).first().map(|e| e.name.as_str()), Some("pay"));
    }
}

//! Which keys are which command, in which context. A keymap is a TOML file: one table for each context, lines
//! `"chord" = "command"` or `"chord chord" = "command"`. It is checked whole: only existing commands, no chord twice or
//! hidden behind another, no command forgotten; with `inherits = "default"` it says only what is different. It refuses
//! to bind approving or typing; the nearest thing to a dangerous key is `arm`, one printable key.

use std::collections::BTreeMap;

use crossterm::event::{KeyEvent, KeyEventKind};

use super::chord::{Chord, Sequence};
use crate::domain::document::{Document, Entry, Table};
use crate::domain::text_error::{TextError, did_you_mean};

/// The built-in keymap `default`, as a file.
pub const DEFAULT: &str = include_str!("../../keymaps/default.toml");

/// The built-in keymaps by name, as files.
pub const BUILT_IN: &[(&str, &str)] =
    &[("default", DEFAULT), ("vim", include_str!("../../keymaps/vim.toml"))];
/// The key that names the keymap whose bindings hold where this one says nothing.
const INHERITS: &str = "inherits";

/// Every command: context, command, what it does (for help).
pub const COMMANDS: &[(&str, &str, &str)] = &[
    ("main", "up", "one row up"),
    ("main", "down", "one row down"),
    ("main", "page_up", "one page up"),
    ("main", "page_down", "one page down"),
    ("main", "home", "to the first row"),
    ("main", "end", "to the last row"),
    ("main", "open", "open what is selected"),
    ("main", "gate", "the decision card of the open proposal"),
    ("main", "filter", "filter the list by text"),
    ("main", "range_1", "chart over 1 hour"),
    ("main", "range_2", "chart over 6 hours"),
    ("main", "range_3", "chart over 1 day"),
    ("main", "range_4", "chart over 7 days"),
    ("main", "range_5", "chart over 30 days"),
    ("main", "chart", "next chart: error ratio, latency, heat map"),
    ("main", "cursor_left", "read the chart one step further left"),
    ("main", "cursor_right", "one step further right"),
    ("main", "cursor_far_left", "ten steps further left"),
    ("main", "cursor_far_right", "ten steps further right"),
    ("main", "no_cursor", "take the chart's cursor away"),
    ("main", "queries", "the queries behind the numbers of the SLO"),
    ("main", "by_hand", "propose the selected revision by hand"),
    ("main", "evidence", "the evidence, with sources and queries"),
    ("main", "undo", "propose the way back from the last action"),
    ("main", "focus_next", "next panel"),
    ("main", "focus_previous", "previous panel"),
    ("main", "diff", "what changed between the revisions"),
    ("main", "log", "the whole event log"),
    ("main", "journal", "the journal: every decision with its evidence"),
    ("main", "export", "in the journal: write the post-mortem of the record"),
    ("main", "pods", "the pods of the workload or revision"),
    ("main", "alert", "the alert of the SLO"),
    ("main", "mark", "mark a revision to compare"),
    ("main", "copy", "copy the name of what is selected"),
    ("main", "inbox", "what waits for a person, goes on, ended lately"),
    ("main", "palette", "go anywhere, do anything, by its name"),
    ("main", "help", "this help"),
    ("main", "quit", "leave"),
    ("drill", "answer_roll_back", "answer: roll back"),
    ("drill", "answer_do_not", "answer: do not roll back"),
    ("drill", "answer_restore", "answer: restore the earlier configuration"),
    ("card", "arm", "arm the gate; then the token is typed"),
    ("card", "edit", "edit the fields of the plan"),
    ("card", "reject", "reject the proposal"),
    ("card", "settle", "say what became of an action of which nothing else can tell"),
    ("card", "wait", "wait and ask again"),
    ("card", "evidence", "the evidence, with sources and queries"),
    ("card", "diff", "what the plan changes"),
    ("card", "add_restore", "add the restoring of configuration to the plan"),
    ("card", "model", "what the model was asked and said"),
    ("card", "ask", "ask the model a question"),
    ("card", "stop", "stop the model"),
    ("card", "undo", "the way back"),
    ("card", "copy", "copy the name, or the query on its page"),
    ("card", "inbox", "what waits for a person, goes on, ended lately"),
    ("card", "palette", "go anywhere, do anything, by its name"),
    ("card", "up", "one line up"),
    ("card", "down", "one line down"),
    ("card", "page_up", "one page up"),
    ("card", "page_down", "one page down"),
    ("card", "help", "this help"),
    ("card", "back", "close the card, or disarm"),
    ("card", "quit", "leave"),
    ("page", "up", "one row up"),
    ("page", "down", "one row down"),
    ("page", "page_up", "one page up"),
    ("page", "page_down", "one page down"),
    ("page", "home", "to the first row"),
    ("page", "end", "to the last row; in a log: to what comes"),
    ("page", "open", "open what is selected"),
    ("page", "focus_next", "pods: of one revision or all; alert: next item"),
    ("page", "pods", "the pods of the revision"),
    ("page", "pod_log", "the log of the pod, or back from it"),
    ("page", "follow", "stop following the log, or go on"),
    ("page", "previous", "the log before the last restart, or now"),
    ("page", "container", "the log of the next container"),
    ("page", "times", "times of the log on or off"),
    ("page", "search", "search in the log"),
    ("page", "next", "next match or change"),
    ("page", "next_back", "the match or change before"),
    ("page", "copy", "copy the selected link, name or line"),
    ("page", "inbox", "what waits for a person, goes on, ended lately"),
    ("page", "palette", "go anywhere, do anything, by its name"),
    ("page", "diff", "compare with the current revision; back from it"),
    ("page", "help", "this help"),
    ("page", "back", "back to where it was opened"),
    ("page", "quit", "leave"),
];

/// What no keymap can bind: these are done by typing, or not at all.
const TYPED: [&str; 5] = ["approve", "type", "type_text", "type_reason", "type_token"];
/// The only command that opens the gate.
const ARM: &str = "arm";
/// Commands that must keep a key, or nobody gets out.
const NEVER_UNBOUND: [&str; 2] = ["quit", "back"];

/// Why a keymap is refused.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error(transparent)]
pub struct KeymapError(#[from] pub TextError);

/// A checked keymap.
#[derive(Clone, PartialEq, Debug)]
pub struct Keymap {
    contexts: BTreeMap<String, Context>,
}

#[derive(Clone, PartialEq, Debug, Default)]
struct Context {
    /// In the order of the file.
    bindings: Vec<(Sequence, String)>,
    /// Command and help, in the order of the registry.
    commands: Vec<(String, String)>,
}

/// What chords that were pressed one after the other are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Found<'k> {
    /// This command.
    Command(&'k str),
    /// The beginning of a longer sequence.
    Begun,
    /// Nothing.
    Nothing,
}

/// One line of help.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HelpLine<'k> {
    /// The command.
    pub command: &'k str,
    /// What it does.
    pub help: &'k str,
}

impl Keymap {
    /// Reads the keymap `source`, which errors call `file`. `commands` are all that exist: context, command, help.
    pub fn parse(source: &str, file: &str, commands: &[(&str, &str, &str)]) -> Result<Self, KeymapError> {
        let document = Document::parse(file, source)?;
        let root = document.root();
        let mut contexts: BTreeMap<String, Context> = BTreeMap::new();
        let mut names: Vec<&str> = Vec::new();
        for (context, command, help) in commands {
            if !names.contains(context) {
                names.push(context);
            }
            let context = contexts.entry((*context).to_owned()).or_default();
            context.commands.push(((*command).to_owned(), (*help).to_owned()));
        }
        let mut known = names.clone();
        known.push(INHERITS);
        root.only(&known)?;
        let base = root.get(INHERITS).map(|entry| inherited(&entry, commands)).transpose()?;
        for name in names {
            let heir = base.as_ref().and_then(|base| base.contexts.get(name));
            let table = match (root.get(name), heir) {
                (Some(entry), _) => Some(entry.table()?),
                (None, Some(_)) => None,
                (None, None) => {
                    Some(root.need(name).map_err(|e| e.hint(format!("start it with [{name}]")))?.table()?)
                }
            };
            if let Some(context) = contexts.get_mut(name) {
                context.read(table.as_ref(), heir)?;
            }
        }
        Ok(Self { contexts })
    }

    /// The command that `key` alone is in `context`. A key that is let go is none.
    pub fn lookup(&self, context: &str, key: KeyEvent) -> Option<&str> {
        if key.kind == KeyEventKind::Release {
            return None;
        }
        match self.find(context, &[Chord::of_event(key)]) {
            Found::Command(command) => Some(command),
            Found::Begun | Found::Nothing => None,
        }
    }

    /// What `chords`, pressed one after the other, are in `context`.
    pub fn find(&self, context: &str, chords: &[Chord]) -> Found<'_> {
        let bindings = self.contexts.get(context).map(|c| c.bindings.as_slice()).unwrap_or_default();
        let mut begun = false;
        for (sequence, command) in bindings {
            if sequence.chords() == chords {
                return Found::Command(command);
            }
            begun |= sequence.chords().starts_with(chords);
        }
        if begun && !chords.is_empty() { Found::Begun } else { Found::Nothing }
    }

    /// The chords of `command` in `context` as a keymap writes them, in the order of the file.
    pub fn keys_for(&self, context: &str, command: &str) -> Vec<String> {
        self.sequences(context, command).map(ToString::to_string).collect()
    }

    /// The same as the screen writes them: `gg` for `g g`.
    pub fn shown_for(&self, context: &str, command: &str) -> Vec<String> {
        self.sequences(context, command).map(Sequence::compact).collect()
    }

    fn sequences(&self, context: &str, command: &str) -> impl Iterator<Item = &Sequence> {
        let bindings = self.contexts.get(context).map(|context| context.bindings.as_slice());
        bindings.unwrap_or_default().iter().filter(move |(_, name)| name == command).map(|(keys, _)| keys)
    }

    /// This keymap as a file, which reads as the same keymap again.
    pub fn source(&self) -> String {
        let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
        let mut lines = Vec::new();
        for (name, context) in &self.contexts {
            lines.push(format!("[{name}]"));
            for (chord, command) in &context.bindings {
                lines.push(format!("{} = {}", quoted(&chord.to_string()), quoted(command)));
            }
            let unbound = context.commands.iter().filter(|(command, _)| !context.is_bound(command));
            let unbound: Vec<String> = unbound.map(|(command, _)| quoted(command)).collect();
            if !unbound.is_empty() {
                lines.push(format!("unbound = [{}]", unbound.join(", ")));
            }
        }
        lines.join("\n")
    }

    /// What can be done in `context`, for the help.
    pub fn help(&self, context: &str) -> Vec<HelpLine<'_>> {
        let commands = self.contexts.get(context).map(|context| context.commands.as_slice());
        let lines = commands.unwrap_or_default().iter();
        lines.map(|(command, help)| HelpLine { command, help }).collect()
    }
}

/// The built-in keymap that `entry` names.
fn inherited(entry: &Entry<'_>, commands: &[(&str, &str, &str)]) -> Result<Keymap, KeymapError> {
    // Only this one is written out in full, so there is never a chain to follow.
    entry.one_of(&["default"])?;
    Keymap::parse(DEFAULT, "default.toml (built in)", commands)
}

impl Context {
    /// Reads `table`; `heir` has what holds where it says nothing.
    fn read(&mut self, table: Option<&Table<'_>>, heir: Option<&Self>) -> Result<(), TextError> {
        let Some(table) = table else {
            self.bindings = heir.map(|heir| heir.bindings.clone()).unwrap_or_default();
            return Ok(());
        };
        let mut lines: Vec<(Sequence, usize)> = Vec::new();
        let (lists, chords): (Vec<_>, Vec<_>) =
            table.entries().into_iter().partition(|e| e.key() == "unbound");
        for entry in chords {
            let keys = sequence_of(&entry)?;
            if let Some((bound, line)) = lines.iter().find(|(bound, _)| bound.hides(&keys)) {
                return Err(clash(&entry, &keys, bound, *line, table));
            }
            let command = self.command_of(&entry, table)?;
            if command == ARM {
                self.check_arm(&entry, &keys)?;
            }
            lines.push((keys.clone(), entry.line()));
            self.bindings.push((keys, command));
        }
        let unbound = lists.first().map(Entry::list).transpose()?.unwrap_or_default();
        self.inherit(heir, &unbound);
        self.check_all_bound(table, &unbound)
    }

    /// Takes the keys of commands that this context does not bind itself, but for those that mean something else here.
    fn inherit(&mut self, heir: Option<&Self>, unbound: &[Entry<'_>]) {
        let own = self.bindings.clone();
        let taken = |keys: &Sequence| own.iter().any(|(bound, _)| bound.hides(keys));
        let said = |command: &String| {
            own.iter().any(|(_, name)| name == command) || unbound.iter().any(|e| e.text() == Ok(command))
        };
        let kept = heir.map(|heir| heir.bindings.as_slice()).unwrap_or_default().iter();
        self.bindings.extend(kept.filter(|(keys, command)| !taken(keys) && !said(command)).cloned());
    }

    /// The command that `entry` names, which must exist in this context.
    fn command_of(&self, entry: &Entry<'_>, table: &Table<'_>) -> Result<String, TextError> {
        let command = entry.text()?;
        if TYPED.contains(&command) {
            return Err(entry
                .error(format!(
                    "`{command}` cannot be bound to a key: approving is typed, character by character"
                ))
                .hint("the command that opens the gate is `arm`"));
        }
        if self.commands.iter().any(|(name, _)| name == command) {
            return Ok(command.to_owned());
        }
        let known: Vec<&str> = self.commands.iter().map(|(name, _)| name.as_str()).collect();
        Err(entry
            .error(format!(
                "there is no command `{command}` {}, expected one of: {}",
                table.place(),
                known.join(", ")
            ))
            .maybe_hint(did_you_mean(command, known.iter().copied())))
    }

    fn check_arm(&self, entry: &Entry<'_>, keys: &Sequence) -> Result<(), TextError> {
        if !keys.single().is_some_and(Chord::is_printable) {
            return Err(entry
                .key_error(format!("`arm` is bound to `{keys}`, expected one printable key such as \"a\"")));
        }
        if self.bindings.iter().any(|(_, command)| command == ARM) {
            return Err(entry.key_error("`arm` has a second key, expected exactly one"));
        }
        Ok(())
    }

    /// Every command has a key or is listed as unbound, and not both.
    fn check_all_bound(&self, table: &Table<'_>, unbound: &[Entry<'_>]) -> Result<(), TextError> {
        let mut listed = Vec::new();
        for entry in unbound {
            let command = self.command_of(entry, table)?;
            if NEVER_UNBOUND.contains(&command.as_str()) {
                return Err(entry.error(format!("`{command}` cannot be unbound, expected a key for it")));
            }
            if self.is_bound(&command) {
                return Err(entry
                    .error(format!("`{command}` has a key and is listed as unbound, expected one of both")));
            }
            listed.push(command);
        }
        let forgotten =
            self.commands.iter().find(|(command, _)| !self.is_bound(command) && !listed.contains(command));
        match forgotten {
            Some((command, help)) => Err(table
                .error(format!("`{command}` ({help}) has no key {}, expected a chord for it", table.place()))
                .hint(format!("bind it, or write unbound = [\"{command}\"]"))),
            None => Ok(()),
        }
    }

    fn is_bound(&self, command: &str) -> bool {
        self.bindings.iter().any(|(_, name)| name == command)
    }
}

/// Two bindings of which only one could ever be pressed.
fn clash(entry: &Entry<'_>, keys: &Sequence, bound: &Sequence, line: usize, table: &Table<'_>) -> TextError {
    let place = table.place();
    if keys == bound {
        return entry.key_error(format!(
            "`{keys}` is bound twice {place}, first in line {line}, expected each chord once"
        ));
    }
    let (short, long) =
        if keys.chords().len() < bound.chords().len() { (keys, bound) } else { (bound, keys) };
    entry
        .key_error(format!(
            "`{keys}` and `{bound}` (line {line}) begin alike {place}: `{long}` is never reached"
        ))
        .hint(format!("`{short}` alone is a command already; give one of both another key"))
}

fn sequence_of(entry: &Entry<'_>) -> Result<Sequence, TextError> {
    let text = entry.key();
    Sequence::parse(text).map_err(|why| {
        entry
            .key_error(format!(
                "`{text}` is no chord, expected a character or a named key, with ctrl+, alt+ or shift+ before it; \
                 several with one blank between them"
            ))
            .hint(why.to_string())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crossterm::event::{KeyCode, KeyModifiers};

    fn keymap() -> Keymap {
        Keymap::parse(DEFAULT, "default.toml", COMMANDS).expect("the built-in keymap is whole")
    }

    fn press(code: KeyCode, modifiers: KeyModifiers) -> KeyEvent {
        KeyEvent::new(code, modifiers)
    }

    #[test]
    fn keys_are_found_as_terminals_send_them() {
        let keymap = keymap();
        for (context, code, modifiers, command) in [
            ("main", KeyCode::Char('q'), KeyModifiers::NONE, Some("quit")),
            ("main", KeyCode::Char('c'), KeyModifiers::CONTROL, Some("quit")),
            ("main", KeyCode::Char('?'), KeyModifiers::SHIFT, Some("help")),
            ("main", KeyCode::BackTab, KeyModifiers::SHIFT, Some("focus_previous")),
            ("main", KeyCode::BackTab, KeyModifiers::NONE, Some("focus_previous")),
            ("main", KeyCode::Tab, KeyModifiers::NONE, Some("focus_next")),
            ("main", KeyCode::PageDown, KeyModifiers::NONE, Some("page_down")),
            ("main", KeyCode::Char('3'), KeyModifiers::NONE, Some("range_3")),
            ("main", KeyCode::Char('a'), KeyModifiers::NONE, None),
            ("main", KeyCode::Char('Q'), KeyModifiers::SHIFT, None),
            ("main", KeyCode::Char('q'), KeyModifiers::ALT, None),
            ("card", KeyCode::Char('a'), KeyModifiers::NONE, Some("arm")),
            ("card", KeyCode::Char('q'), KeyModifiers::NONE, None),
            ("nowhere", KeyCode::Char('q'), KeyModifiers::NONE, None),
        ] {
            assert_eq!(keymap.lookup(context, press(code, modifiers)), command, "{context} {code:?}");
        }
    }

    #[test]
    fn a_keymap_written_as_a_file_is_the_same_keymap() {
        let keymap = keymap();
        assert_eq!(Keymap::parse(&keymap.source(), "again", COMMANDS), Ok(keymap));
        let source = DEFAULT.replacen("[main]", "[main]\nunbound = [\"log\"]", 1);
        let source: String =
            source.lines().filter(|l| !l.ends_with("= \"log\"")).map(|l| format!("{l}\n")).collect();
        let fewer = Keymap::parse(&source, "fewer", COMMANDS).expect("whole");
        assert_eq!(Keymap::parse(&fewer.source(), "again", COMMANDS), Ok(fewer));
    }

    #[test]
    fn a_key_that_is_let_go_is_no_command() {
        let mut key = press(KeyCode::Char('a'), KeyModifiers::NONE);
        key.kind = KeyEventKind::Release;
        assert_eq!(keymap().lookup("card", key), None);
    }

    #[test]
    fn help_and_footers_are_printed_from_the_keymap() {
        let keymap = keymap();
        assert_eq!(keymap.keys_for("main", "quit"), ["q", "ctrl+c"]);
        assert_eq!(keymap.keys_for("main", "focus_previous"), ["shift+tab"]);
        assert!(keymap.keys_for("main", "arm").is_empty());
        let lines = keymap.help("card");
        assert!(lines.iter().any(|line| line.command == "arm" && line.help.contains("token")));
        for line in lines {
            assert!(!keymap.keys_for("card", line.command).is_empty(), "{}", line.command);
        }
    }
}

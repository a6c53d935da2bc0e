//! Completions for shells, and the manual: what the arguments say of themselves, and after it keys, files, variables, exit
//! codes and examples.

use std::io::Write as _;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, Command as Clap, CommandFactory as _};
use clap_complete::Shell;
use clap_mangen::Man;

use crate::ui::keymap::{COMMANDS, DEFAULT, Keymap};

/// Arguments of `man`.
#[derive(Args, Debug)]
pub struct ManArgs {
    /// One page for each command, into this folder
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// Prints the completions of one shell.
pub fn completions(shell: Shell) -> u8 {
    let mut out = Vec::new();
    clap_complete::generate(shell, &mut super::Cli::command(), "goaround", &mut out);
    // Somebody who closed the pipe has seen enough.
    let _ = std::io::stdout().write_all(&out);
    0
}

/// Prints the page, or writes one for each command.
pub fn man(args: &ManArgs) -> anyhow::Result<u8> {
    let program = super::Cli::command();
    let Some(folder) = &args.dir else {
        let _ = std::io::stdout().write_all(&page(program)?);
        return Ok(0);
    };
    std::fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    for command in all("goaround", program) {
        let path = folder.join(format!("{}.1", command.get_name()));
        std::fs::write(&path, page(command)?)
            .with_context(|| format!("{} cannot be written", path.display()))?;
    }
    Ok(0)
}

/// The program and every command below it, each with its whole name: `goaround-audit-verify`.
fn all(name: &str, command: Clap) -> Vec<Clap> {
    let below: Vec<Clap> = command.get_subcommands().cloned().collect();
    let named = command.name(name.to_owned()).bin_name(name.replace('-', " "));
    let mut found = vec![named];
    for command in below.into_iter().filter(|c| c.get_name() != "help") {
        let whole = format!("{name}-{}", command.get_name());
        found.extend(all(&whole, command));
    }
    found
}

fn page(command: Clap) -> anyhow::Result<Vec<u8>> {
    let whole = command.get_name() == "goaround";
    let mut out = Vec::new();
    let man = Man::new(command).title("GOAROUND").section("1");
    man.render(&mut out).context("the page cannot be made")?;
    if whole {
        out.extend(keys()?.into_bytes());
        out.extend(REST.as_bytes());
    }
    Ok(out)
}

/// Text in roff: nothing in it is a request or an escape.
fn roff(text: &str) -> String {
    let escaped = text.replace('\\', "\\e").replace('-', "\\-");
    match escaped.chars().next() {
        Some('.' | '\'') => format!("\\&{escaped}"),
        _ => escaped,
    }
}

/// The keys, printed from the keymap that is built in.
fn keys() -> anyhow::Result<String> {
    let keymap = Keymap::parse(DEFAULT, "default.toml", COMMANDS)?;
    let mut text = String::from(".SH KEYS\n? shows those of the keymap that is loaded.\n");
    for (context, title) in [
        ("main", "On the main screen"),
        ("card", "On a card and its pages"),
        ("page", "On the pages of pods, logs, alerts, revisions and differences"),
        ("drill", "In a drill"),
    ] {
        text.push_str(&format!(".SS {}\n", roff(title)));
        for (_, command, help) in COMMANDS.iter().filter(|(of, _, _)| *of == context) {
            let keys = keymap.shown_for(context, command).join(" ");
            if !keys.is_empty() {
                text.push_str(&format!(".TP\n\\fB{}\\fR\n{}\n", roff(&keys), roff(help)));
            }
        }
    }
    Ok(text)
}

/// What the arguments do not say.
const REST: &str = r#".SH FILES
.TP
\fB~/.config/goaround/config.toml\fR
The configuration; \fBgoaround config init\fR writes a first one.
.TP
\fB~/.config/goaround/themes/\fR, \fBkeymaps/\fR
Themes and keymaps of your own.
.TP
\fB~/.local/state/goaround/journal.jsonl\fR
The record: one JSON object a line, chained by SHA\-256, readable for you only.
.TP
\fB~/.local/state/goaround/contents/\fR
Earlier contents of ConfigMaps, to restore them from.
.SH ENVIRONMENT
.TP
\fBGOAROUND_CONFIG_DIR\fR, \fBGOAROUND_STATE_DIR\fR
Other folders than these.
.TP
\fBKUBECONFIG\fR, \fBHOME\fR
As for kubectl.
.TP
\fBHTTPS_PROXY\fR, \fBHTTP_PROXY\fR, \fBNO_PROXY\fR
Proxies, as elsewhere.
.TP
\fBNO_COLOR\fR, \fBCOLORTERM\fR, \fBTERM\fR
How many colours are used.
.SH EXIT STATUS
.TP
\fB0\fR
Done; for \fBpropose\fR, nothing burns.
.TP
\fB1\fR
A check failed, a journal does not verify, a demo ended otherwise than its file says.
.TP
\fB2\fR
Usage or configuration.
.TP
\fB3\fR
A source that is needed is down.
.TP
\fB10\fR, \fB11\fR
\fBpropose\fR: something is offered; something burns, and waiting or nothing is offered.
.SH EXAMPLES
.TP
\fBgoaround demo\fR
The cockpit on an embedded world; needs no cluster.
.TP
\fBgoaround check\fR
What is there, what is missing, what to do next.
.TP
\fBgoaround \-\-context eu\-prod \-n shop \-\-prometheus https://prometheus.example:9090\fR
The cockpit on one namespace.
.TP
\fBgoaround propose \-o json\fR
The card for a script.
.TP
\fBgoaround audit export \-\-since 7d \-\-out week.md\fR
What was decided this week, as a document.
"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_every_command_every_key_and_what_arguments_do_not_say() {
        let page = String::from_utf8(page(super::super::Cli::command()).expect("a page")).expect("text");
        for part in [
            ".SH NAME",
            ".SH SUBCOMMANDS",
            ".SH KEYS",
            ".SH FILES",
            ".SH ENVIRONMENT",
            ".SH EXIT STATUS",
            ".SH EXAMPLES",
        ] {
            assert!(page.contains(part), "{part}");
        }
        for command in super::super::Cli::command().get_subcommands() {
            assert!(page.contains(&roff(command.get_name())), "{}", command.get_name());
        }
        for (_, _, help) in COMMANDS {
            assert!(page.contains(&roff(help)), "{help}");
        }
    }

    #[test]
    fn there_is_a_page_for_each_command_by_its_whole_name() {
        let names: Vec<String> = all("goaround", super::super::Cli::command())
            .iter()
            .map(|command| command.get_name().to_owned())
            .collect();
        for name in
            ["goaround", "goaround-demo", "goaround-audit", "goaround-audit-verify", "goaround-config-init"]
        {
            assert!(names.iter().any(|n| n == name), "{name} of {names:?}");
        }
    }

    #[test]
    fn text_is_no_request_and_no_escape() {
        assert_eq!(roff(".SH a\\b-c"), "\\&.SH a\\eb\\-c");
    }
}

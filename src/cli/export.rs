//! `goaround audit export`: post-mortems out of the journal, as Markdown or JSON, to standard output or into a file that
//! did not exist.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, ValueEnum};

use crate::domain::clean::{Clean, printable_json};
use crate::domain::window::Window;
use crate::shell::clock::Clock;
use crate::shell::config::Environment;
use crate::shell::{export, journal};

/// Arguments.
#[derive(Args, Debug)]
pub struct ExportArgs {
    /// Id of an action or proposal, or its beginning; else the last decision
    #[arg(value_name = "ID")]
    id: Option<String>,
    /// All decisions of this long: 7d, 12h
    #[arg(long, value_name = "TIME", conflicts_with = "id")]
    since: Option<Window>,
    /// Form of the output
    #[arg(short, long, value_enum, default_value_t = Form::Markdown)]
    output: Form,
    /// Into this file, which must not exist yet; readable for you only
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// A document for people
    Markdown,
    /// For scripts
    Json,
}

/// Runs it: 0, or 1 where the journal does not verify.
pub fn export(environment: &Environment, args: &ExportArgs) -> anyhow::Result<u8> {
    let folder =
        environment.state_folder.clone().context("there is no state folder; hint: set GOAROUND_STATE_DIR")?;
    let (records, verified) = journal::read_and_verify(&folder);
    let since = args.since.map(|since| Clock::host().now() - since.delta());
    let cases = export::chosen(&records, args.id.as_deref(), since).map_err(anyhow::Error::msg)?;
    let told = export::as_json(&cases, &verified);
    let content = match args.output {
        Form::Markdown => export::markdown::document(&told),
        Form::Json => printable_json(&format!("{told}\n")),
    };
    match &args.out {
        None => print!("{content}"),
        Some(file) => {
            export::to_file(file, &content)?;
            eprintln!("goaround: written to {}", Clean::new(file.display().to_string()));
        }
    }
    if !verified.ok {
        let why = Clean::new(verified.reason.unwrap_or_default());
        eprintln!("goaround: the journal does not verify, only what is before that was exported: {why}");
        eprintln!("hint: `goaround audit verify` says where");
    }
    Ok(u8::from(!verified.ok))
}

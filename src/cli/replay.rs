//! `goaround replay`: a recording in the terminal, or without one to its last frame, held against what was recorded.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use ratatui::buffer::Buffer;
use serde_json::json;

use crate::domain::clean::{Clean, printable_json};
use crate::domain::format;
use crate::shell::config;
use crate::shell::replay::{Pace, Replay, play};

use super::{Environment, Form, Output, Target, need_terminal};

/// A frame came out otherwise than it was recorded.
const DIFFERS: u8 = 1;

/// `goaround replay`.
#[derive(Args, Debug)]
pub struct ReplayArgs {
    /// A recording, as --record makes it
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Play stretches of more than 5 s in which nothing happened, instead of skipping them
    #[arg(long)]
    real_time: bool,
    /// No terminal: print the last frame and hold every frame against the recording (exit 0 equal, 1 differs)
    #[arg(long)]
    headless: bool,
    #[command(flatten)]
    output: Output,
}

/// Runs it.
///
/// # Errors
/// When the recording is refused or the terminal cannot be used.
pub fn replay(target: &Target, environment: &Environment, args: &ReplayArgs) -> anyhow::Result<u8> {
    let config = config::load(target.config.as_deref(), environment)?;
    if !args.headless {
        need_terminal("goaround replay", "goaround replay --headless")?;
    }
    let mut replay = Replay::open(&args.file, config.theme.at(environment.depth()))?;
    if args.headless {
        return headless(&mut replay, args.output.output);
    }
    anyhow::ensure!(
        !replay.is_empty(),
        "{}: nothing was drawn in this recording; hint: `--headless` shows its last state",
        replay.name()
    );
    tokio::task::block_in_place(|| play(&mut replay, Pace::new(args.real_time), environment.skills()))
        .context("replay")?;
    Ok(0)
}

fn headless(replay: &mut Replay, form: Form) -> anyhow::Result<u8> {
    while replay.next(true)? {}
    let frame = text(&replay.picture(None));
    let header = replay.header();
    let took = replay.state().now - header.began;
    let words = summary(replay, took);
    match form {
        Form::Text => {
            println!("{frame}");
            words.iter().for_each(|line| println!("{line}"));
        }
        Form::Json => {
            let differs = replay.differs.as_ref();
            let differs =
                differs.map(|d| json!({"frame": d.frame, "line": d.line, "time": d.at.to_rfc3339()}));
            let object = json!({
                "file": replay.name(), "recorded": header.began.to_rfc3339(), "version": header.version,
                "frames": replay.len(), "seconds": took.num_seconds(), "equal": replay.differs.is_none(),
                "first_difference": differs, "breaks_off_in_line": replay.cut(), "last_frame": frame,
            });
            println!("{}", printable_json(&object.to_string()));
        }
    }
    Ok(if replay.differs.is_some() { DIFFERS } else { 0 })
}

fn summary(replay: &Replay, took: chrono::TimeDelta) -> Vec<String> {
    let header = replay.header();
    let mut lines = vec![format!(
        "{}: recorded {} by goaround {}, {}, {}",
        replay.name(),
        header.began.format("%Y-%m-%d %H:%M:%S UTC"),
        Clean::new(&header.version),
        format::several(replay.len(), "frame"),
        format::elapsed(took),
    )];
    if let Some(line) = replay.cut() {
        lines.push(format!(
            "it breaks off in line {line}: the program that recorded it did not end in an orderly way"
        ));
    }
    match &replay.differs {
        None => lines.push("every frame is as it was recorded".into()),
        Some(differs) => {
            lines.push(format!(
                "frame {} (line {}, {}) is not as it was recorded",
                differs.frame,
                differs.line,
                format::clock(differs.at)
            ));
            let other = header.version != env!("CARGO_PKG_VERSION");
            lines.push(if other {
                format!("hint: play it with goaround {}, which recorded it", Clean::new(&header.version))
            } else {
                "hint: this build draws or decides otherwise than the one that recorded it".into()
            });
        }
    }
    lines
}

/// A frame as lines, blanks at their ends left out.
fn text(frame: &Buffer) -> String {
    let rows = frame.content().chunks(usize::from(frame.area.width).max(1));
    let lines = rows.map(|row| {
        let mut line = String::new();
        let mut skip = 0;
        for cell in row {
            if skip == 0 {
                line.push_str(cell.symbol());
                skip = crate::ui::widgets::text::width(cell.symbol());
            }
            skip = skip.saturating_sub(1);
        }
        line.trim_end().to_owned()
    });
    lines.collect::<Vec<_>>().join("\n")
}

//! Builds the program and what measures it as they are shipped, and measures: `examples/light.rs`. Nothing is measured
//! here.

use std::process::{Command, ExitCode};

fn main() -> ExitCode {
    // Cargo says `--bench` to every benchmark.
    let words = std::env::args().skip(1).filter(|word| word != "--bench");
    let cargo = env!("CARGO");
    let built =
        Command::new(cargo).args(["build", "--release", "--bin", "goaround", "--example", "light"]).status();
    if !built.is_ok_and(|status| status.success()) {
        return ExitCode::from(2);
    }
    // With the same targets in view, or cargo would build both anew with other features.
    let run = Command::new(cargo)
        .args(["run", "--quiet", "--release", "--example", "light", "--"])
        .args(words)
        .status();
    match run.ok().and_then(|status| status.code()) {
        Some(code) => ExitCode::from(u8::try_from(code).unwrap_or(2)),
        None => ExitCode::from(2),
    }
}

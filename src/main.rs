//! Turns arguments into an exit code.

fn main() -> std::process::ExitCode {
    std::process::ExitCode::from(goaround::cli::main())
}

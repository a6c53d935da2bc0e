//! Other cockpits beside ours, on the same fake cluster: only where they are installed, and only when asked for. What
//! they show is not looked at; they are started, left alone, and killed.

use std::path::PathBuf;
use std::time::Duration;

use crate::bench::{Bench, PATIENCE, SCREEN};
use crate::rest::{LARGE, SMALL};
use crate::terminal::{Line, Start, Terminal};

/// Programs that are looked for.
const PROGRAMS: [&str; 2] = ["kdash", "kubetui"];
/// Until they have read what they read at a start.
const START: Duration = Duration::from_secs(15);
const LOOK: Duration = Duration::from_secs(20);

/// Tells what each of them needs, or that it is not here.
pub fn tell(bench: &Bench) -> Result<(), String> {
    for name in PROGRAMS {
        let Some(program) = found(name) else {
            println!("{name:16} not installed (cargo install --locked {name})");
            continue;
        };
        for size in [SMALL, LARGE] {
            let world = bench.world(size)?;
            let kubeconfig = world.kubeconfig();
            let terminal = Terminal::start(Start {
                program: &program,
                arguments: Vec::new(),
                environment: vec![("KUBECONFIG".into(), kubeconfig)],
                size: SCREEN,
                line: Line::default(),
                wanted: None,
            })?;
            std::thread::sleep(START);
            world.api.take_asked();
            let (cpu, bytes) = (terminal.process().cpu(), terminal.bytes());
            std::thread::sleep(LOOK);
            let seconds = LOOK.as_secs_f64();
            let spent = terminal.process().cpu().since(&cpu).as_secs_f64();
            let asked: u64 = world.api.take_asked().values().sum();
            println!(
                "{name:16} {} pods: {:.0} B/s, {:.1} % of a processor, {:.1} MB, {:.0} requests a minute",
                size.pods,
                (terminal.bytes() - bytes) as f64 / seconds,
                spent / seconds * 100.0,
                terminal.process().resident().0,
                asked as f64 / seconds * 60.0
            );
            terminal.leave("\x03", PATIENCE / 12);
        }
    }
    Ok(())
}

/// A program of this name in PATH.
fn found(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}

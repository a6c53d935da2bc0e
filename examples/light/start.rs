//! The size of the binary, and what the program does before it has heard of any cluster.

use std::time::{Duration, Instant};

use crate::bench::{Bench, Outcome, PATIENCE, start};
use crate::figure::Measured;
use crate::terminal::{Start, Terminal};

/// Starts; the median counts.
const STARTS: usize = 9;
/// Until caches and threads are what they stay.
const REST: Duration = Duration::from_secs(3);

/// The size of the file that is shipped.
pub fn binary(bench: &Bench) -> Result<Outcome, String> {
    let file =
        std::fs::metadata(&bench.program).map_err(|error| format!("{}: {error}", bench.program.display()))?;
    let mut measured = Measured::default();
    measured.take("binary", file.len() as f64 / 1e6);
    Ok(Outcome::Measured(measured))
}

/// Exec to the first complete frame, and memory at rest. The API server is a port at which nobody listens.
pub fn first_frame(bench: &Bench) -> Result<Outcome, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let refused = "apiVersion: v1\nkind: Config\ncurrent-context: bench\nclusters:\n- name: bench\n  cluster:\n    \
        server: http://127.0.0.1:9\ncontexts:\n- name: bench\n  context:\n    cluster: bench\n    user: bench\n\
        users:\n- name: bench\n  user: {}\n";
    let kubeconfig = folder.path().join("kubeconfig");
    std::fs::write(&kubeconfig, refused).map_err(|error| error.to_string())?;
    let kubeconfig = kubeconfig.to_string_lossy();
    let arguments = ["--kubeconfig", &kubeconfig, "--prometheus", "http://127.0.0.1:9"];
    let mut times = Vec::new();
    let mut resident = Vec::new();
    for n in 0..STARTS {
        let wanted = Box::new(complete);
        let terminal = Terminal::start(Start { wanted: Some(wanted), ..start(bench, &folder, &arguments) })?;
        let painted = terminal.wait("a frame", PATIENCE)?;
        times.push((painted - terminal.begun).as_secs_f64() * 1e3);
        if n + 1 == STARTS {
            let begun = Instant::now();
            while begun.elapsed() < REST {
                std::thread::sleep(REST / 10);
            }
            resident.push(terminal.process().resident().0);
        }
        terminal.leave("q", PATIENCE);
    }
    let mut measured = Measured::default();
    measured.take("first-frame", median(&mut times));
    measured.take("rss-rest", median(&mut resident));
    Ok(Outcome::Measured(measured))
}

/// First and last line are there: whatever lies between them was drawn in the same frame.
fn complete(screen: &vt100::Screen) -> bool {
    let (_, columns) = screen.size();
    let mut rows = screen.rows(0, columns.get());
    let first = rows.next().is_some_and(|row| !row.trim().is_empty());
    first && rows.last().is_some_and(|row| !row.trim().is_empty())
}

/// The middle one.
pub fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

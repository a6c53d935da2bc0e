//! What every measurement works with: the program, folders that are thrown away, a runtime for the fake servers.

use std::cell::OnceCell;
use std::path::PathBuf;
use std::time::Duration;

use crate::api::Api;
use crate::figure::Measured;
use crate::metrics::Metrics;
use crate::objects::Size;
use crate::rig::Rig;
use crate::terminal::{Line, Start, Terminal};

/// No wait is longer; a machine under load is slow, not stuck.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// The size at which bytes are counted.
pub const SCREEN: (u16, u16) = (120, 40);

/// How a measurement ended.
pub enum Outcome {
    /// With these values.
    Measured(Measured),
    /// What it needs is not here: what that is.
    NotRun(String),
}

/// What a measurement is.
pub type Measure = fn(&Bench) -> Result<Outcome, String>;

/// What they share.
pub struct Bench {
    /// The release binary.
    pub program: PathBuf,
    runtime: tokio::runtime::Runtime,
    rig: OnceCell<Rig>,
}

/// A cluster, its metrics, and a folder for the program.
pub struct World {
    /// The API server.
    pub api: Api,
    /// Its Prometheus.
    pub metrics: Metrics,
    folder: tempfile::TempDir,
}

impl Bench {
    /// With the binary that was built along, or the one that `GOAROUND_BENCH_PROGRAM` names.
    pub fn new() -> Result<Self, String> {
        let program = match std::env::var_os("GOAROUND_BENCH_PROGRAM") {
            Some(program) => PathBuf::from(program),
            None => built_along().ok_or("no goaround beside this; hint: cargo build --release")?,
        };
        // One thread: the program has the other processor.
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        Ok(Self { program, runtime: runtime.map_err(|error| error.to_string())?, rig: OnceCell::new() })
    }

    /// The rig of this run; it stops with it.
    pub fn rig(&self) -> &Rig {
        self.rig.get_or_init(Rig::up)
    }

    /// Waits for something on the runtime of the fake servers, where it may leave tasks behind.
    pub fn run<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// Starts a fake cluster.
    pub fn world(&self, size: Size) -> Result<World, String> {
        let started = self.runtime.block_on(async {
            std::io::Result::Ok((Api::start(size).await?, Metrics::start(size.slos).await?))
        });
        let (api, metrics) = started.map_err(|error| format!("no port on loopback: {error}"))?;
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        std::fs::write(folder.path().join("kubeconfig"), api.kubeconfig())
            .map_err(|error| error.to_string())?;
        Ok(World { api, metrics, folder })
    }
}

/// `target/release/goaround` beside `target/release/examples/light`.
fn built_along() -> Option<PathBuf> {
    let own = std::env::current_exe().ok()?;
    let program = own.parent()?.parent()?.join("goaround");
    program.is_file().then_some(program)
}

/// The program with folders of its own.
pub fn start<'a>(bench: &'a Bench, folder: &tempfile::TempDir, arguments: &[&str]) -> Start<'a> {
    let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    Start {
        program: &bench.program,
        arguments: arguments.iter().map(|argument| (*argument).to_owned()).collect(),
        environment: vec![
            ("GOAROUND_STATE_DIR".into(), path("state")),
            ("GOAROUND_CONFIG_DIR".into(), path("config")),
            ("HOME".into(), path("")),
            ("TMPDIR".into(), path("")),
        ],
        size: SCREEN,
        line: Line::default(),
        wanted: None,
    }
}

impl World {
    /// The file that leads to it.
    pub fn kubeconfig(&self) -> String {
        self.folder.path().join("kubeconfig").to_string_lossy().into_owned()
    }

    /// The cockpit on it, at the end of a line.
    pub fn cockpit(&self, bench: &Bench, line: Line) -> Result<Terminal, String> {
        let kubeconfig = self.kubeconfig();
        let arguments = ["--kubeconfig", &kubeconfig, "--prometheus", &self.metrics.url];
        Terminal::start(Start { line, ..start(bench, &self.folder, &arguments) })
    }

    /// The same, when everything is known and every watch is open.
    pub fn settled(&self, bench: &Bench, line: Line, slos: usize) -> Result<Terminal, String> {
        let terminal = self.cockpit(bench, line)?;
        terminal.wait_text(&format!("{slos} SLO"), PATIENCE)?;
        let begun = std::time::Instant::now();
        while self.api.watching() < WATCHED {
            if begun.elapsed() > PATIENCE {
                return Err(format!("only {} of {WATCHED} watches are open", self.api.watching()));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(terminal)
    }
}

/// Kinds that the program watches.
const WATCHED: usize = 11;

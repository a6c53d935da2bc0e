//! The cockpit on the embedded world, in which a rollout burns since eight minutes: from the last byte of the metrics to
//! the card, and from the last key of an approval to the request on the socket. While the API server owes an answer it
//! is not the program's time that passes: that is taken off.

use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use goaround::demo::clock::Clock;
use goaround::demo::{Running, scenario};

use crate::bench::{Bench, Outcome, PATIENCE, start};
use crate::figure::Measured;
use crate::start::median;
use crate::tap::Tap;
use crate::terminal::{Start, Terminal};

/// Runs, of which the median counts.
const RUNS: usize = 5;
/// A hand's pause between two keys.
const HAND: Duration = Duration::from_millis(80);

/// The world behind its taps.
struct Burning {
    _world: Running,
    kubernetes: Tap,
    prometheus: Tap,
    folder: tempfile::TempDir,
}

impl Burning {
    fn new(bench: &Bench) -> Result<Self, String> {
        let text =
            include_str!("../../demo/slo-burn.toml").replacen("\nabout =", "\nbegin = \"8m\"\nabout =", 1);
        let scenario = scenario::parse("slo-burn", &text).map_err(|error| error.to_string())?;
        let clock = Clock::running(Instant::now(), chrono::Utc::now(), 1.0);
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let (world, kubernetes, prometheus) = bench.run(async {
            let world = goaround::demo::start(scenario, 1, clock).await.map_err(|error| error.to_string())?;
            let tap = async |url: &str| Tap::before(url).await.map_err(|error| error.to_string());
            let (kubernetes, prometheus) =
                (tap(&world.kubernetes_url).await?, tap(&world.prometheus_url).await?);
            Ok::<_, String>((world, kubernetes, prometheus))
        })?;
        let kubeconfig = world.kubeconfig().replace(&world.kubernetes_url, &kubernetes.url);
        std::fs::write(folder.path().join("kubeconfig"), kubeconfig).map_err(|error| error.to_string())?;
        Ok(Self { _world: world, kubernetes, prometheus, folder })
    }

    /// The cockpit on it, when the card is announced; and when that was.
    fn cockpit(&self, bench: &Bench) -> Result<(Terminal, Instant), String> {
        let kubeconfig = self.folder.path().join("kubeconfig").to_string_lossy().into_owned();
        let started =
            start(bench, &self.folder, &["--kubeconfig", &kubeconfig, "--prometheus", &self.prometheus.url]);
        let wanted = Box::new(|screen: &vt100::Screen| screen.contents().contains("1 gate open"));
        let terminal = Terminal::start(Start { wanted: Some(wanted), ..started })?;
        let painted = terminal.wait("an open gate", PATIENCE)?;
        Ok((terminal, painted))
    }
}

/// From the last byte of the metrics to the proposal on the screen.
pub fn proposal(bench: &Bench) -> Result<Outcome, String> {
    let mut times = Vec::new();
    for _ in 0..RUNS {
        let world = Burning::new(bench)?;
        let (terminal, painted) = world.cockpit(bench)?;
        let told = world.prometheus.last_answer(painted).ok_or("a proposal without metrics")?;
        times.push(own(&world, told, painted));
        terminal.leave("q", PATIENCE);
    }
    let mut measured = Measured::default();
    measured.take("proposal", median(&mut times));
    Ok(Outcome::Measured(measured))
}

/// From the last key of an approval to the request, without the two times that the journal waits for the disk.
pub fn approval(bench: &Bench) -> Result<Outcome, String> {
    let mut times = Vec::new();
    for _ in 0..RUNS {
        let world = Burning::new(bench)?;
        let (terminal, _) = world.cockpit(bench)?;
        let pressed = approved(&terminal)?;
        let begun = Instant::now();
        let written = loop {
            if let Some(at) = world.kubernetes.first_write() {
                break at;
            }
            if begun.elapsed() > PATIENCE {
                return Err(format!("nothing was sent\n{}", terminal.text()));
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        let sync = synced(world.folder.path())?;
        times.push(own(&world, pressed, written) - 2.0 * sync);
        terminal.leave("\x03", PATIENCE);
    }
    let mut measured = Measured::default();
    measured.take("approval", median(&mut times).max(0.0));
    Ok(Outcome::Measured(measured))
}

/// Milliseconds of a span in which no answer of the API server was waited for.
fn own(world: &Burning, from: Instant, until: Instant) -> f64 {
    (until - from).saturating_sub(world.kubernetes.waited(from, until)).as_secs_f64() * 1e3
}

/// The gesture, as a hand makes it; when its last key was pressed.
fn approved(terminal: &Terminal) -> Result<Instant, String> {
    terminal.press("g");
    terminal.wait_text("a arms, then", PATIENCE)?;
    let begun = Instant::now();
    loop {
        let text = terminal.text();
        if let Some(token) = token(&text) {
            let mut pressed = Instant::now();
            for key in token.chars() {
                std::thread::sleep(HAND);
                pressed = terminal.press(&key.to_string());
            }
            return Ok(pressed);
        }
        if text.contains("must still name") {
            terminal.press("\t");
        } else if text.contains("is named; enter") {
            terminal.press("known and accepted\r");
        } else if text.contains("a arms, then") {
            terminal.press("a");
        }
        if begun.elapsed() > PATIENCE {
            return Err(format!("the token was never shown\n{text}"));
        }
        std::thread::sleep(4 * HAND);
    }
}

/// The characters that the card asks for.
fn token(text: &str) -> Option<String> {
    let before = text.split(" to approve   ").next().filter(|before| before.len() < text.len())?;
    before.rsplit(' ').next().map(str::to_owned)
}

/// Milliseconds that the disk needs for a record.
fn synced(folder: &Path) -> Result<f64, String> {
    let failed = |error: std::io::Error| error.to_string();
    let mut file = std::fs::File::create(folder.join("sync")).map_err(failed)?;
    let mut times = Vec::new();
    for _ in 0..15 {
        file.write_all(&[b'x'; 1_024]).map_err(failed)?;
        let begun = Instant::now();
        file.sync_data().map_err(failed)?;
        times.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    Ok(median(&mut times))
}

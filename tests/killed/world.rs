//! A world that outlives the program: the servers of the embedded world run in this process, a door in front of its API
//! server can kill whoever knocks, and the real binary with the scripted operator works on it.

use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use goaround::demo::clock::Clock;
use goaround::demo::{self, scenario};
use goaround::domain::Time;
use goaround::engine::record;
use goaround::shell::journal::{self, Record};
use serde_json::{Value, json};

use super::common::Screen;
use super::{APPROVED, History};

/// Its plan has two calls: a ConfigMap, then the restart.
const SCENARIO: &str = "slo-burn-in-place";
/// World seconds a second.
const RATE: f64 = 30.0;
/// World time at which the program starts, in seconds after the world: it burns already.
const LEAD: f64 = 150.0;
/// A bound against hanging, never a measure.
const PATIENCE: Duration = Duration::from_secs(120);

/// What becomes of a call of the plan whose sender is killed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cut {
    /// It was sent and never arrives.
    Lost,
    /// It was sent and arrives when its sender is dead.
    Late,
    /// It was done, and the answer finds nobody.
    Unanswered,
}

/// How a run ended.
pub struct Run {
    /// It did not end by itself.
    pub killed: bool,
    /// What it printed.
    pub said: String,
}

/// The door in front of the API server: everything passes, one call may cost its sender his life.
#[derive(Default)]
struct Door {
    /// Which, and how many calls come before it.
    cut: Option<(Cut, usize)>,
    victim: Option<Arc<Mutex<Child>>>,
}

/// A world, and a place for the program on it.
pub struct World {
    running: demo::Running,
    door: Arc<Mutex<Door>>,
    folder: tempfile::TempDir,
}

fn runtime() -> &'static tokio::runtime::Runtime {
    static RUNTIME: OnceLock<tokio::runtime::Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
    })
}

impl World {
    pub fn start() -> Self {
        let since = Duration::from_secs_f64(LEAD / RATE);
        let anchor = Instant::now().checked_sub(since).expect("an uptime");
        let host = chrono::Utc::now() - since;
        let clock = Clock::running(anchor, host, RATE);
        let mut scenario = scenario::load(SCENARIO).expect("a scenario");
        // Nothing but what it is about: the rest of the shop only takes its time.
        scenario.deployments.retain(|d| d.name == scenario.about);
        scenario.services.retain(|s| s.name == scenario.about);
        let running = runtime().block_on(demo::start(scenario, 1, clock)).expect("a world");
        let folder = tempfile::tempdir().expect("a folder");
        let door = Arc::new(Mutex::new(Door::default()));
        let behind = running.kubernetes_url.trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
        let front = format!("http://{}", listener.local_addr().expect("an address"));
        let keeper = Arc::clone(&door);
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Ok(server) = TcpStream::connect(&behind) else { return };
                let door = Arc::clone(&keeper);
                std::thread::spawn(move || passes(client, server, &door));
            }
        });
        let kubeconfig = running.kubeconfig().replace(&running.kubernetes_url, &front);
        std::fs::write(folder.path().join("kubeconfig"), kubeconfig).expect("a file");
        let told = json!({
            "kubeconfig": folder.path().join("kubeconfig"), "prometheus": running.prometheus_url,
            "state": folder.path().join("state"), "courtesy": true,
            "origin": host.timestamp_millis(), "anchor": host.timestamp_millis(), "rate": RATE,
        });
        std::fs::write(folder.path().join("world.json"), told.to_string()).expect("a file");
        Self { running, door, folder }
    }

    fn place(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_goaround"));
        command
            .args(arguments)
            .env("GOAROUND_WORLD", self.place("world.json"))
            .env("GOAROUND_STATE_DIR", self.place("state"))
            .env("GOAROUND_CONFIG_DIR", self.place("config"))
            .env("TMPDIR", self.folder.path())
            .env("GOAROUND_DIE_FROM", APPROVED)
            .env_remove("KUBECONFIG");
        command
    }

    /// The points that one whole run passes from the approval on, and nothing else of it.
    pub fn points(&self) -> Vec<String> {
        let mut command = self.operator();
        let run = self.watched(command.env("GOAROUND_DIE_LIST", self.place("points")), |_| false);
        assert!(run.said.contains(r#""outcome":"helped""#), "{}", run.said);
        self.passed()
    }

    /// The points that were passed where they were written down, in their order.
    pub fn passed(&self) -> Vec<String> {
        let points = std::fs::read_to_string(self.place("points")).unwrap_or_default();
        points.lines().map(str::to_owned).collect()
    }

    fn operator(&self) -> Command {
        let rate = RATE.to_string();
        self.command(&["demo", SCENARIO, "--headless", "-o", "json", "--speed", &rate])
    }

    /// Runs until it is killed: at this point of it, or in front of this door.
    pub fn run(&self, point: Option<&str>, cut: Option<(Cut, usize)>) -> Run {
        self.door.lock().expect("lock").cut = cut;
        let mut command = self.operator();
        if let Some(point) = point {
            command.env("GOAROUND_DIE_AT", point);
        }
        self.watched(&mut command, |_| false)
    }

    /// The cockpit with the scripted operator in a terminal, whose line drops at this point of it, if at any. It ends by
    /// itself and gives the terminal back. The points that it passed are written down. `None` when it does not come by:
    /// on a busy machine the card may change under the operator, again and again.
    pub fn cockpit(&self, point: Option<&str>) -> Option<Run> {
        let place = |name: &str| self.place(name).display().to_string();
        let (world, state, config) = (place("world.json"), place("state"), place("config"));
        let points = place("points");
        let mut environment = vec![
            ("GOAROUND_WORLD", world.as_str()),
            ("GOAROUND_STATE_DIR", &state),
            ("GOAROUND_CONFIG_DIR", &config),
            ("GOAROUND_DIE_FROM", APPROVED),
            ("GOAROUND_DIE_LIST", &points),
        ];
        if let Some(point) = point {
            environment.extend([("GOAROUND_DIE_AT", point), ("GOAROUND_DIE_BY", "HUP")]);
        }
        let rate = RATE.to_string();
        let arguments = ["demo", SCENARIO, "--autopilot", "--speed", &rate];
        let folder = Arc::new(tempfile::tempdir().expect("a folder"));
        let mut screen = Screen::start_in(120, 40, &arguments, folder, &environment);
        let begun = Instant::now();
        let came_by = || point.map_or_else(|| self.ended(), |point| self.passed().iter().any(|p| p == point));
        while !came_by() {
            let over = screen.ended() || begun.elapsed() > PATIENCE;
            if over && !came_by() {
                return None;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        // Where the operator is done he says 1, because in this process nobody counts the writes of the world.
        let code = screen.end();
        screen.assert_restored();
        Some(Run { killed: code > 1, said: screen.text() })
    }

    /// Starts it again, until it ends or there is nothing left to do.
    pub fn take_up(&self) -> Run {
        // By what it judges, or finds nothing to judge by, it has seen cluster, Prometheus and journal.
        let judged =
            |said: &str| [r#""source":"slo""#, r#""source":"gate""#].iter().any(|s| said.contains(s));
        self.watched(&mut self.operator(), |said| self.ended() && judged(said))
    }

    /// Every action is closed or was never done.
    fn ended(&self) -> bool {
        let records = self.records();
        records.iter().any(|r| r.kind == record::CLOSED)
    }

    fn watched(&self, command: &mut Command, enough: impl Fn(&str) -> bool) -> Run {
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).stdin(Stdio::null()).spawn();
        let mut child = child.expect("the binary runs");
        let out = child.stdout.take().expect("its words");
        let mut err = child.stderr.take().expect("its errors");
        let child = Arc::new(Mutex::new(child));
        self.door.lock().expect("lock").victim = Some(Arc::clone(&child));
        let watchdog = Arc::clone(&child);
        let (over, ended) = std::sync::mpsc::channel::<()>();
        std::thread::spawn(move || {
            if ended.recv_timeout(PATIENCE).is_err() {
                let _ = watchdog.lock().expect("lock").kill();
            }
        });
        let mut said = String::new();
        for line in BufReader::new(out).lines().map_while(Result::ok) {
            said.push_str(&line);
            said.push('\n');
            if enough(&said) {
                let _ = child.lock().expect("lock").kill();
            }
        }
        let _ = err.read_to_string(&mut said);
        let status = child.lock().expect("lock").wait().expect("an end");
        let _ = over.send(());
        Run { killed: status.code().is_none(), said }
    }

    /// `audit verify` of the real binary.
    pub fn audited(&self) -> Result<(), String> {
        let output = self.command(&["audit", "verify"]).output().expect("a run");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        if output.status.success() { Ok(()) } else { Err(format!("the journal is not whole: {said}")) }
    }

    /// `history` of the real binary.
    pub fn history(&self) -> History {
        let output = self.command(&["history", "-o", "json"]).output().expect("a run");
        let told: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let rows = told.as_array().into_iter().flatten();
        let text = |row: &Value, name: &str| row[name].as_str().unwrap_or("none").to_owned();
        rows.map(|row| (text(row, "action"), text(row, "outcome"))).collect()
    }

    /// Everything that is on the disk.
    pub fn records(&self) -> Vec<Record> {
        journal::read(&self.place("state"))
    }

    /// The same, one line each.
    pub fn journal_lines(&self) -> String {
        let line = |r: &Record| {
            let mut body = r.body.clone();
            if let Some(map) =
                body.as_object_mut().filter(|_| r.kind == record::INTENT || r.kind == record::PROPOSED)
            {
                map.retain(|key, _| ["action", "proposal", "digest", "by"].contains(&key.as_str()));
            }
            format!("  {} {} {body}", r.seq, r.kind)
        };
        self.records().iter().map(line).collect::<Vec<_>>().join("\n")
    }

    /// What changed something at the server: when, paths and bodies.
    pub fn writes(&self) -> Vec<(Time, String, Value)> {
        let done = self.running.writes().into_iter().filter(|w| !w.dry_run && (200..300).contains(&w.status));
        done.map(|w| (w.at, w.path, serde_json::from_str(&w.body).unwrap_or_default())).collect()
    }
}

/// Passes a connection on. A call of a plan has one of its own, and nothing else that changes something begins one.
fn passes(mut client: TcpStream, mut server: TcpStream, door: &Mutex<Door>) {
    let mut first = vec![0_u8; 65_536];
    let Ok(read) = client.read(&mut first) else { return };
    first.truncate(read);
    let line = String::from_utf8_lossy(&first[..read.min(200)]).into_owned();
    let call = line.starts_with("PATCH ") && !line.contains("dryRun=All") && !line.contains("/leases/");
    let cut = if call { due(door) } else { None };
    if cut.is_some() {
        // The whole request is on the wire.
        while !whole(&first) {
            let mut more = [0_u8; 65_536];
            match client.read(&mut more) {
                Ok(read) if read > 0 => first.extend(&more[..read]),
                _ => return,
            }
        }
    }
    if matches!(cut, Some(Cut::Lost | Cut::Late)) {
        kill(door);
    }
    if cut == Some(Cut::Lost) || server.write_all(&first).is_err() {
        return;
    }
    if cut == Some(Cut::Unanswered) {
        let mut answer = [0_u8; 1];
        let _ = server.read(&mut answer);
        kill(door);
        return;
    }
    if cut.is_some() {
        // Whatever it answers, nobody hears it; but it must have been done before anybody looks.
        let _ = server.read(&mut [0_u8; 1]);
        return;
    }
    let (Ok(mut from), Ok(mut to)) = (server.try_clone(), client.try_clone()) else { return };
    let back = std::thread::spawn(move || {
        let _ = std::io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Both);
    });
    let _ = std::io::copy(&mut client, &mut server);
    let _ = server.shutdown(Shutdown::Both);
    let _ = back.join();
}

/// Counts a call; what is to become of it, if it is the one.
fn due(door: &Mutex<Door>) -> Option<Cut> {
    let mut door = door.lock().expect("lock");
    let (cut, left) = door.cut?;
    door.cut = (left > 1).then_some((cut, left - 1));
    (left == 1).then_some(cut)
}

fn kill(door: &Mutex<Door>) {
    let victim = door.lock().expect("lock").victim.clone();
    if let Some(victim) = victim {
        let mut victim = victim.lock().expect("lock");
        let _ = victim.kill();
        let _ = victim.wait();
    }
}

/// A request with its body, as far as `Content-Length` says.
fn whole(request: &[u8]) -> bool {
    let Some(end) = request.windows(4).position(|w| w == b"\r\n\r\n") else { return false };
    let head = String::from_utf8_lossy(&request[..end]).to_lowercase();
    let length =
        head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
    request.len() >= end + 4 + length.unwrap_or(0)
}

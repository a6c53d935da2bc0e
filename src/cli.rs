//! Arguments in, an exit code out. The only part that knows both the embedded world and the program that runs on it.

use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand, ValueEnum};
use serde_json::{Value, json};

use crate::demo;
use crate::demo::scenario::{self, Scenario};
use crate::domain::Time;
use crate::domain::clean::{Clean, printable_json};
use crate::domain::format;
use crate::engine::State;
use crate::engine::state::Weight;
use crate::shell::check;
use crate::shell::choose;
use crate::shell::clock::Clock;
use crate::shell::config::{self, Config, Environment};
use crate::shell::one_look::{OneLook, needed_but_missing};
use crate::shell::recording::Recording;
use crate::shell::run::{self, Front as _};
use crate::shell::session::{self, Session, Wanted};
use crate::shell::terminal::TerminalFront;
use crate::shell::tty::{self, Modes};
use crate::shell::{history, journal, propose};
use crate::sources::kubernetes::default_paths;
use crate::ui::Ui;
use crate::ui::look::Origin;

mod autopilot;
mod drill;
mod elsewhere;
mod eval;
mod export;
mod manual;
mod operator;
mod replay;
mod settings;

use autopilot::Autopilot;
use drill::DrillArgs;
use eval::EvalArgs;
use export::ExportArgs;
use manual::ManArgs;
use operator::{Ended, Operator};
use replay::ReplayArgs;
use settings::ConfigCommand;

/// Usage or configuration is wrong.
const USAGE: u8 = 2;
/// The scenario where none is named.
const FIRST_SCENARIO: &str = "slo-burn";
/// How much faster than real time the world of a display is.
const AUTOPILOT_SPEED: f64 = 8.0;
/// How much faster than real time a headless run is.
const HEADLESS_SPEED: f64 = 60.0;

/// A terminal cockpit in front of production rollbacks.
#[derive(Parser, Debug)]
#[command(name = "goaround", version, about, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    recorded: Recorded,
    #[command(subcommand)]
    command: Option<Command>,
}

/// Which cluster, which Prometheus.
#[derive(Args, Debug, Clone)]
struct Target {
    /// Kubeconfig file; else $KUBECONFIG, else ~/.kube/config
    #[arg(long, global = true, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// Context of the kubeconfig; else its current one
    #[arg(long, global = true, value_name = "NAME")]
    context: Option<String>,
    /// Only this namespace; else all, or the context's where a cluster-wide list is forbidden
    #[arg(short, long, global = true, value_name = "NS")]
    namespace: Option<String>,
    /// URL of Prometheus; else the configuration's, else one that is found in the cluster
    #[arg(long, global = true, value_name = "URL")]
    prometheus: Option<String>,
    /// Configuration file; else config.toml in the configuration folder
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Write nothing, whatever the rights are
    #[arg(long, global = true)]
    read_only: bool,
    /// Theme: dark, light, high-contrast, monochrome, or one of the configuration folder
    #[arg(long, global = true, value_name = "NAME")]
    theme: Option<String>,
    /// Keymap: default, vim, or one of the configuration folder
    #[arg(long, global = true, value_name = "NAME")]
    keymap: Option<String>,
}

/// Whether the run is recorded.
#[derive(Args, Debug)]
struct Recorded {
    /// Record all that is shown and typed into a new file, for `goaround replay`. It holds what the cluster and Prometheus
    /// told, contents of ConfigMaps included; never a kubeconfig or a credential
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
}

impl Recorded {
    /// Begins the recording of a session, if one is wanted.
    fn begin(&self, session: &mut Session, ui: &Ui) -> anyhow::Result<()> {
        if let Some(file) = &self.record {
            session.recording = Some(Recording::begin(file, &session.state, ui.again())?);
        }
        Ok(())
    }

    /// Ends it.
    fn end(&self, session: &mut Session) {
        if let Some(Err(error)) = session.recording.take().map(Recording::end) {
            eprintln!("goaround: {error}");
        }
    }
}

#[derive(Subcommand, Debug)]
enum Command {
    /// One look, no terminal: the card as text or JSON (exit 0 quiet, 10 offered, 11 wait or none, 3 source down)
    Propose {
        #[command(flatten)]
        output: Output,
    },
    /// The cockpit on an embedded world
    Demo(DemoArgs),
    /// A recording again, frame for frame, without any effect
    Replay(ReplayArgs),
    /// Incidents to decide, with the verdict hidden until you have; half of them and more must not be rolled back
    Drill(DrillArgs),
    /// How the configured model explains the embedded incidents: what held, what was true, how fast
    Eval(EvalArgs),
    /// Configuration, cluster, rights, Prometheus, SLOs, model: one line each, with what to do next
    Check {
        #[command(flatten)]
        output: Output,
    },
    /// The configuration file
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// What was decided and how it ended
    History {
        #[command(flatten)]
        output: Output,
    },
    /// The record itself
    Audit {
        #[command(subcommand)]
        command: AuditCommand,
    },
    /// Completions for a shell
    Completions {
        /// Which one
        shell: clap_complete::Shell,
    },
    /// The manual page, as roff
    Man(ManArgs),
}

#[derive(Subcommand, Debug)]
enum AuditCommand {
    /// A post-mortem of a decision: what was known, decided, sent and found, each with its record
    Export(ExportArgs),
    /// Is every record there, whole and in order?
    Verify(VerifyArgs),
}

#[derive(Args, Debug)]
struct VerifyArgs {
    /// A head that was kept elsewhere, and must still be in the journal: HASH or NUMBER:HASH
    #[arg(long, value_name = "HEAD")]
    head: Option<journal::Anchor>,
    #[command(flatten)]
    output: Output,
}

#[derive(Args, Debug)]
struct DemoArgs {
    /// Scenario, slo-burn where none is named; see --list
    scenario: Option<String>,
    /// Name the scenarios
    #[arg(long)]
    list: bool,
    /// Seed of the world's noise
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// World seconds a second; 1 in the cockpit, 8 with --autopilot, 60 headless
    #[arg(long, value_name = "X", value_parser = speed)]
    speed: Option<f64>,
    /// Let the scenario's scripted operator decide, and print what happens
    #[arg(long)]
    headless: bool,
    /// A display: let the scenario's scripted operator drive the cockpit at the pace of a person, and say what it does
    #[arg(long, conflicts_with = "headless")]
    autopilot: bool,
    /// With --autopilot: go on with the next scenario, or with the named one again
    #[arg(long = "loop", requires = "autopilot", conflicts_with = "record")]
    again: bool,
    #[command(flatten)]
    recorded: Recorded,
    #[command(flatten)]
    output: Output,
}

#[derive(Args, Debug, Clone, Copy)]
struct Output {
    /// Form of the output
    #[arg(short, long, value_enum, default_value_t = Form::Text)]
    output: Form,
}

#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// For people
    Text,
    /// For scripts
    Json,
}

fn speed(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(speed) if (0.1..=600.0).contains(&speed) => Ok(speed),
        _ => Err("a number from 0.1 to 600".into()),
    }
}

/// Runs the program; what it returns is the exit code.
pub fn main() -> u8 {
    tty::guard_panics();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) if error.use_stderr() => {
            // It quotes what was typed, or what somebody gave to be typed.
            for line in Clean::lines(&error.render().to_string()) {
                eprintln!("{line}");
            }
            return USAGE;
        }
        Err(help) => {
            let _ = help.print();
            return 0;
        }
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("goaround: the runtime cannot start: {error}");
            return 1;
        }
    };
    let code = match runtime.block_on(dispatch(cli)) {
        Ok(code) => code,
        Err(error) => {
            eprintln!(
                "goaround: {}",
                Clean::lines(&format!("{error:#}")).iter().map(|l| l.as_str()).collect::<Vec<_>>().join("\n")
            );
            USAGE
        }
    };
    // A task that still waits for a server is not waited for.
    runtime.shutdown_timeout(Duration::from_millis(200));
    code
}

async fn dispatch(cli: Cli) -> anyhow::Result<u8> {
    let environment = Environment::read();
    if cli.command.is_some() && cli.recorded.record.is_some() {
        anyhow::bail!(
            "--record stands behind the command that is recorded; hint: `goaround demo --record FILE`"
        );
    }
    match cli.command {
        None => cockpit(&cli.target, &environment, &cli.recorded).await,
        Some(Command::Propose { output }) => propose_once(&cli.target, &environment, output.output).await,
        Some(Command::Check { output }) => check_all(&cli.target, &environment, output.output).await,
        Some(Command::Demo(args)) => demo_run(&cli.target, &environment, args).await,
        Some(Command::Replay(args)) => replay::replay(&cli.target, &environment, &args),
        Some(Command::Drill(args)) => drill::drill(&cli.target, &environment, args).await,
        Some(Command::Eval(args)) => eval::eval(&cli.target, &environment, args).await,
        Some(Command::History { output }) => show_history(&environment, output.output),
        Some(Command::Config { command }) => settings::config(&cli.target, &environment, &command),
        Some(Command::Completions { shell }) => Ok(manual::completions(shell)),
        Some(Command::Man(args)) => manual::man(&args),
        Some(Command::Audit { command: AuditCommand::Export(args) }) => export::export(&environment, &args),
        Some(Command::Audit { command: AuditCommand::Verify(args) }) => verify(&environment, &args),
    }
}

fn wanted(target: &Target, config: &Config, environment: &Environment) -> Wanted {
    let kubeconfig = match &target.kubeconfig {
        Some(file) => vec![file.clone()],
        None => default_paths(environment.kubeconfig.as_deref(), environment.home.as_deref()),
    };
    Wanted {
        kubeconfig,
        context: target.context.clone(),
        namespace: target.namespace.clone(),
        prometheus: target.prometheus.clone().or_else(|| config.prometheus.url.clone()),
        read_only: target.read_only,
        advise: false,
        courtesy: false,
        state_folder: environment.state_folder.clone(),
        clock: Clock::host(),
    }
}

fn ui(config: &Config, environment: &Environment) -> Ui {
    let origin = Origin {
        config: config.file.clone(),
        theme: config.ui.theme.clone(),
        keymap: config.ui.keymap.clone(),
    };
    Ui::new(config.theme.at(environment.depth()), config.keymap.clone())
        .ascii(config.ui.ascii.unwrap_or_else(|| environment.ascii()))
        .from(origin)
}

/// The configuration, with what the command line says of how it looks.
fn configured(target: &Target, environment: &Environment) -> anyhow::Result<Config> {
    let mut config = config::load(target.config.as_deref(), environment)?;
    dress(&mut config, target, environment)?;
    Ok(config)
}

/// Theme and keymap of the command line.
fn dress(config: &mut Config, target: &Target, environment: &Environment) -> anyhow::Result<()> {
    let asked = config::Asked { theme: target.theme.as_deref(), keymap: target.keymap.as_deref() };
    Ok(config.ask(asked, environment.config_folder.as_deref())?)
}

async fn cockpit(target: &Target, environment: &Environment, recorded: &Recorded) -> anyhow::Result<u8> {
    let config = configured(target, environment)?;
    need_terminal("goaround", "goaround propose")?;
    let mut wanted = Wanted { advise: true, courtesy: true, ..wanted(target, &config, environment) };
    let mut front = None;
    if let Some(contexts) = choose::open_question(&config, &wanted).await {
        let front = front.insert(opened(&config, environment)?);
        match choose::choose(front, &contexts, &config, wanted.clock).await {
            Some(taken) => wanted.context = Some(taken),
            None => return Ok(0),
        }
    }
    let state = in_terminal(&wanted, front, &config, environment, recorded).await?;
    farewell(&state);
    Ok(0)
}

fn need_terminal(what: &str, instead: &str) -> anyhow::Result<()> {
    if std::io::stdout().is_terminal() && std::io::stdin().is_terminal() {
        return Ok(());
    }
    anyhow::bail!("`{what}` needs a terminal; hint: `{instead}` does without one")
}

/// The terminal, taken over.
fn opened(config: &Config, environment: &Environment) -> anyhow::Result<TerminalFront> {
    let modes = Modes { mouse: config.ui.mouse, skills: environment.skills() };
    TerminalFront::open(ui(config, environment), modes).context("the terminal cannot be used")
}

/// Runs the cockpit; `front` is the terminal, where it was taken already.
async fn in_terminal(
    wanted: &Wanted,
    front: Option<TerminalFront>,
    config: &Config,
    environment: &Environment,
    recorded: &Recorded,
) -> anyhow::Result<State> {
    let mut front = match front {
        Some(front) => front,
        None => opened(config, environment)?,
    };
    #[cfg(debug_assertions)]
    front.provoke(environment.debug_panic.as_deref());
    // The screen stands before anything is read that may take its time.
    let nothing = State::new(session::setup(config, wanted), wanted.clock.now());
    front.after(&nothing, wanted.clock.mono(), &mut Vec::new());
    let mut session = session::start(config, wanted).await?;
    recorded.begin(&mut session, &ui(config, environment))?;
    let state = run::run(&mut session, &mut front).await;
    drop(front);
    recorded.end(&mut session);
    // What was decided a moment ago is still on its way to the disk.
    session.performer.flush().await;
    Ok(state)
}

/// What is worth knowing after the screen is gone: the head of the record, an outside anchor against truncation.
fn farewell(state: &State) {
    if let Some(Ok(head)) = &state.journal.head
        && !head.is_empty()
    {
        // Nobody may be there to read it: the terminal was closed.
        let _ = writeln!(std::io::stdout(), "journal head {head}");
    }
}

async fn look(target: &Target, environment: &Environment) -> anyhow::Result<State> {
    let config = config::load(target.config.as_deref(), environment)?;
    let mut session = session::start(&config, &wanted(target, &config, environment)).await?;
    let state = run::run(&mut session, &mut OneLook::default()).await;
    session.performer.flush().await;
    Ok(state)
}

async fn propose_once(target: &Target, environment: &Environment, form: Form) -> anyhow::Result<u8> {
    let state = look(target, environment).await?;
    if let Some(missing) = needed_but_missing(&state) {
        if form == Form::Json {
            println!("[]");
        }
        eprintln!("goaround: a needed source is down: {missing}");
        return Ok(propose::SOURCE_DOWN);
    }
    match form {
        Form::Text => print!("{}", propose::as_text(&state)),
        Form::Json => {
            println!("{}", printable_json(&propose::as_json(&state).to_string()));
            propose::unmapped(&state).for_each(|line| eprintln!("goaround: {line}"));
        }
    }
    Ok(propose::exit_code(&state))
}

async fn check_all(target: &Target, environment: &Environment, form: Form) -> anyhow::Result<u8> {
    let screen = check::terminal(environment, terminal_size());
    let (refused, checks) = match configured(target, environment) {
        Err(error) => (true, vec![check::refused_config(&format!("{error:#}"))]),
        Ok(config) => {
            let mut session = session::start(&config, &wanted(target, &config, environment)).await?;
            session.state.setup.every_right = true;
            let performer = session.performer.clone();
            let mut look = OneLook::default();
            let looked = run::run(&mut session, &mut look);
            let (state, model, cluster) =
                tokio::join!(looked, check::model(&config.advisor), check::cluster(&performer));
            let file = file_of(target, environment);
            let mut checks = check::checks(&state, file.as_deref(), cluster);
            checks.push(check::folder(environment.state_folder.as_deref()));
            checks.push(model);
            checks.push(screen);
            (false, checks)
        }
    };
    match form {
        Form::Json => println!("{}", printable_json(&serde_json::to_string(&checks)?)),
        Form::Text => print!("{}", check::guide(&checks)),
    }
    // A refused configuration is that everywhere.
    Ok(if refused { USAGE } else { u8::from(checks.iter().any(|c| c.state == "fail")) })
}

/// Columns and rows of the terminal, where there is one.
fn terminal_size() -> Option<(u16, u16)> {
    std::io::stdout().is_terminal().then(|| crossterm::terminal::size().ok()).flatten()
}

/// The configuration file that is read, if any.
fn file_of(target: &Target, environment: &Environment) -> Option<PathBuf> {
    let default = environment.config_folder.as_ref().map(|folder| folder.join(config::FILE));
    target.config.clone().or(default.filter(|file| file.exists()))
}

fn show_history(environment: &Environment, form: Form) -> anyhow::Result<u8> {
    let folder =
        environment.state_folder.clone().context("there is no state folder; hint: set GOAROUND_STATE_DIR")?;
    let (records, verified) = journal::read_and_verify(&folder);
    let rows = history::rows(&records);
    match form {
        Form::Json => println!("{}", printable_json(&Value::Array(rows).to_string())),
        Form::Text if rows.is_empty() => println!("nothing was decided yet"),
        Form::Text => print!("{}", history::table(&rows)),
    }
    if !verified.ok {
        let why = Clean::new(verified.reason.unwrap_or_default());
        let before = format::several(records.len(), "record");
        eprintln!(
            "goaround: the journal does not verify, only what {before} before that say is shown: {why}"
        );
        eprintln!("hint: `goaround audit verify` says where");
        return Ok(1);
    }
    Ok(0)
}

fn verify(environment: &Environment, args: &VerifyArgs) -> anyhow::Result<u8> {
    let folder =
        environment.state_folder.clone().context("there is no state folder; hint: set GOAROUND_STATE_DIR")?;
    let found = journal::verify_from(&folder, args.head.as_ref());
    match args.output.output {
        Form::Json => println!("{}", printable_json(&serde_json::to_string(&found)?)),
        Form::Text => {
            let word = if found.ok { "whole" } else { "NOT whole" };
            println!(
                "{}, {word}",
                format::several(usize::try_from(found.records).unwrap_or(usize::MAX), "record")
            );
            if let Some(seq) = found.first_bad {
                println!("first bad record: {seq}");
            }
            if let Some(reason) = &found.reason {
                println!("{reason}");
            }
            if let Some(head) = &found.head {
                println!("head {head}");
            }
        }
    }
    Ok(u8::from(!found.ok))
}

async fn demo_run(target: &Target, environment: &Environment, args: DemoArgs) -> anyhow::Result<u8> {
    if args.list {
        return list(args.output.output);
    }
    if !args.headless {
        need_terminal("goaround demo", "goaround demo --headless")?;
    }
    if args.autopilot {
        return unattended(target, environment, &args).await;
    }
    let scenario = scenario::load(args.scenario.as_deref().unwrap_or(FIRST_SCENARIO))?;
    let rate = args.speed.unwrap_or(if args.headless { HEADLESS_SPEED } else { 1.0 });
    // The scripted hand is quick, but listens to a model whose seconds are real ones.
    let patience = if args.headless { rate / 10.0 } else { rate };
    let stage = Stage::set(target, environment, &scenario, args.seed, rate, patience).await?;
    if args.headless {
        let mut session = session::start(&stage.config, &stage.wanted).await?;
        let ui = ui(&stage.config, environment);
        args.recorded.begin(&mut session, &ui)?;
        return headless(session, &scenario, &stage.world, ui, &args).await;
    }
    in_terminal(&stage.wanted, None, &stage.config, environment, &args.recorded).await?;
    Ok(0)
}

/// A scenario with everything that it needs to run.
struct Stage {
    world: World,
    config: Config,
    wanted: Wanted,
    /// Goes with it.
    _folder: TemporaryFolder,
}

impl Stage {
    /// `rate`: how fast the world goes; `patience`: how much longer a card waits for an answer.
    async fn set(
        target: &Target,
        environment: &Environment,
        scenario: &Scenario,
        seed: u64,
        rate: f64,
        patience: f64,
    ) -> anyhow::Result<Self> {
        let folder = TemporaryFolder::new()?;
        let world = match elsewhere::world()? {
            Some(world) => world,
            None => World::start(scenario, seed, rate, &folder).await?,
        };
        let mut config = match &target.config {
            Some(_) => config::load(target.config.as_deref(), environment)?,
            None => demo_config(environment)?,
        };
        dress(&mut config, target, environment)?;
        if config.advisor.settings.is_none() {
            world.advises(&mut config);
        }
        // The world's clock runs faster than the disk and the network under it, and hands type at their own speed.
        config.policy.execute_within = scaled(config.policy.execute_within, rate);
        config.policy.void_after = scaled(config.policy.void_after, patience);
        let wanted = world.wanted(target, &folder);
        Ok(Self { world, config, wanted, _folder: folder })
    }
}

/// The scripted operator in front of the terminal, one scenario after the other if that is wanted.
async fn unattended(target: &Target, environment: &Environment, args: &DemoArgs) -> anyhow::Result<u8> {
    let scenarios = match (&args.scenario, args.again) {
        (None, true) => scenario::list()?,
        (name, _) => vec![scenario::load(name.as_deref().unwrap_or(FIRST_SCENARIO))?],
    };
    let rate = args.speed.unwrap_or(AUTOPILOT_SPEED);
    let mut terminal: Option<TerminalFront> = None;
    let mut said = Vec::new();
    for (scenario, next) in scenarios.iter().zip(scenarios.iter().cycle().skip(1)).cycle() {
        let stage = Stage::set(target, environment, scenario, args.seed, rate, rate).await?;
        let front = match &mut terminal {
            Some(front) => front,
            none => none.insert(opened(&stage.config, environment)?),
        };
        let mut session = session::start(&stage.config, &stage.wanted).await?;
        args.recorded.begin(&mut session, &ui(&stage.config, environment))?;
        let then = if args.again { format!("; next: {}", next.name) } else { String::new() };
        let mut autopilot = Autopilot::new(front, scenario, then);
        let state = run::run(&mut session, &mut autopilot).await;
        let ended = autopilot.ended();
        args.recorded.end(&mut session);
        session.performer.flush().await;
        said.extend(ended.map(|ended| (scenario, ended, stage.world.writes())));
        if state.quitting || !args.again {
            break;
        }
    }
    drop(terminal);
    let mut all_well = true;
    for (scenario, ended, writes) in said {
        all_well &= differences(scenario, &ended, writes).is_empty();
        println!("{}: {} (expected {})", scenario.name, ended.outcome, scenario.expect.outcome);
    }
    Ok(u8::from(!all_well))
}

/// The defaults, with the themes and keymaps of the configuration folder.
fn demo_config(environment: &Environment) -> anyhow::Result<Config> {
    Ok(Config::parse("", std::path::Path::new("built in"), environment.config_folder.as_deref())?)
}

fn scaled(window: crate::domain::window::Window, rate: f64) -> crate::domain::window::Window {
    crate::domain::window::Window::from_secs((window.secs_f64() * rate.max(1.0)) as u64)
}

fn list(form: Form) -> anyhow::Result<u8> {
    let scenarios = scenario::list()?;
    match form {
        Form::Json => {
            let rows: Vec<Value> = scenarios
                .iter()
                .map(|s| json!({"scenario": s.name, "title": s.title, "expected": s.expect.outcome.to_string()}))
                .collect();
            println!("{}", Value::Array(rows));
        }
        Form::Text => {
            for s in scenarios {
                println!("{:<22} {:<13} {}", s.name, s.expect.outcome.to_string().replace('_', " "), s.title);
            }
        }
    }
    Ok(0)
}

/// The embedded world and the clock that both sides share.
struct World {
    /// `None`: another process is the world, see [`elsewhere`].
    running: Option<demo::Running>,
    kubeconfig: PathBuf,
    prometheus: String,
    /// A state folder that is there already.
    state: Option<PathBuf>,
    courtesy: bool,
    clock: Clock,
}

impl World {
    async fn start(
        scenario: &Scenario,
        seed: u64,
        rate: f64,
        folder: &TemporaryFolder,
    ) -> anyhow::Result<Self> {
        Self::at(Clock::origin_now(), scenario, seed, rate, folder).await
    }

    /// The same on a clock that began earlier.
    async fn at(
        (anchor, origin): (Instant, Time),
        scenario: &Scenario,
        seed: u64,
        rate: f64,
        folder: &TemporaryFolder,
    ) -> anyhow::Result<Self> {
        let world = demo::clock::Clock::running(anchor, origin, rate);
        let running = demo::start(scenario.clone(), seed, world).await?;
        let kubeconfig = folder.path().join("kubeconfig");
        std::fs::write(&kubeconfig, running.kubeconfig())
            .context("the world's kubeconfig cannot be written")?;
        let prometheus = running.prometheus_url.clone();
        let clock = Clock::scaled(anchor, origin, rate);
        Ok(Self { running: Some(running), kubeconfig, prometheus, state: None, courtesy: false, clock })
    }

    /// The imitated model is the one to be asked.
    fn advises(&self, config: &mut Config) {
        let model = self.running.as_ref().map(|world| (&world.model_url, world.model_name()));
        config.advisor.settings = model.map(|(url, name)| config::Advisor::local(url, name));
    }

    /// A session on it.
    fn wanted(&self, target: &Target, folder: &TemporaryFolder) -> Wanted {
        Wanted {
            kubeconfig: vec![self.kubeconfig.clone()],
            context: None,
            namespace: target.namespace.clone(),
            prometheus: Some(self.prometheus.clone()),
            read_only: target.read_only,
            advise: true,
            courtesy: self.courtesy,
            state_folder: Some(self.state.clone().unwrap_or_else(|| folder.path().join("state"))),
            clock: self.clock,
        }
    }

    /// Writes as the contract counts them: done, and no dry run.
    fn writes(&self) -> usize {
        let writes = self.running.as_ref().map(demo::Running::writes).unwrap_or_default();
        writes.iter().filter(|w| !w.dry_run && (200..300).contains(&w.status)).count()
    }
}

async fn headless(
    mut session: Session,
    scenario: &Scenario,
    world: &World,
    ui: Ui,
    args: &DemoArgs,
) -> anyhow::Result<u8> {
    let form = args.output.output;
    let mut operator = Operator::new(scenario, ui, Box::new(move |state, told| tell(state, told, form)))?;
    run::run(&mut session, &mut operator).await;
    let ended = operator.ended();
    args.recorded.end(&mut session);
    session.performer.flush().await;
    let expected = scenario.expect.outcome.to_string();
    let writes = world.writes();
    let wrong = differences(scenario, &ended, writes);
    wrong.iter().for_each(|line| eprintln!("goaround: {line}"));
    match form {
        Form::Json => println!(
            "{}",
            json!({"scenario": scenario.name, "outcome": ended.outcome, "expected": expected, "writes": writes})
        ),
        Form::Text => println!("{}: {} (expected {expected}), {writes} writes", scenario.name, ended.outcome),
    }
    std::io::stdout().flush()?;
    Ok(u8::from(!wrong.is_empty()))
}

/// What ended otherwise than the scenario file says.
fn differences(scenario: &Scenario, ended: &Ended, writes: usize) -> Vec<String> {
    let expect = &scenario.expect;
    let mut wrong = Vec::new();
    let mut differ = |what: &str, was: String, wanted: String| {
        if was != wanted {
            wrong.push(format!("{}: {what} {was}, expected {wanted}", scenario.name));
        }
    };
    differ("outcome", ended.outcome.clone(), expect.outcome.to_string());
    if let Some(verdict) = &expect.verdict {
        differ("verdict", ended.verdict.clone(), verdict.clone());
    }
    if let Some(offer) = &expect.offer {
        differ("offer", ended.offer.clone(), offer.clone());
    }
    if let Some(target) = expect.target {
        differ("target", format!("{:?}", ended.target), format!("{:?}", Some(target)));
    }
    if let Some(count) = expect.writes {
        differ("writes", writes.to_string(), count.to_string());
    }
    wrong
}

/// Prints log lines that were not printed yet.
fn tell(state: &State, told: usize, form: Form) -> usize {
    for line in state.log.iter().skip(told) {
        let time = crate::domain::format::clock(line.at);
        match form {
            Form::Json => println!(
                "{}",
                json!({"time": line.at.to_rfc3339(), "source": line.source, "text": line.text})
            ),
            Form::Text => {
                let mark = match line.weight {
                    Weight::Plain => ' ',
                    Weight::Good => '+',
                    Weight::Attention => '!',
                    Weight::Bad => '✕',
                };
                println!("{time} {mark} {:>8}  {}", line.source, line.text);
            }
        }
    }
    state.log.len()
}

/// A private folder that goes with the program.
struct TemporaryFolder(PathBuf);

impl TemporaryFolder {
    fn new() -> anyhow::Result<Self> {
        use std::os::unix::fs::DirBuilderExt as _;
        let name = format!("goaround-demo-{}-{}", std::process::id(), ulid::Ulid::new());
        let path = std::env::temp_dir().join(name);
        std::fs::DirBuilder::new().mode(0o700).create(&path).context("no temporary folder can be made")?;
        Ok(Self(path))
    }

    fn path(&self) -> &std::path::Path {
        &self.0
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

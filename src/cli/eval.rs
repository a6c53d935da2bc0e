//! `goaround eval`: how a model explains incidents whose cause is known. Each is an embedded world of its own, so nothing
//! is sent to any cluster, and nothing is kept; the model is asked as the cockpit asks it, and nobody decides.

use std::time::Duration;

use chrono::TimeDelta;
use clap::Args;

use super::{Form, HEADLESS_SPEED, Output, Target, TemporaryFolder, World, speed};
use crate::demo::scenario::{self, Scenario};
use crate::domain::advice::Share;
use crate::domain::clean::{Clean, printable_json};
use crate::domain::cluster::Key;
use crate::shell::config::{self, Config, Environment};
use crate::shell::eval::{Figures, Report, Run};
use crate::shell::one_question::OneQuestion;
use crate::shell::session::{self, Wanted};

/// A question that has no end so long after its budget is over has none.
const GRACE: Duration = Duration::from_secs(30);
/// How the model is called where each world has an imitation of its own.
const EMBEDDED: &str = "embedded";

#[derive(Args, Debug)]
pub(super) struct EvalArgs {
    /// How often each incident is run, each time with other noise
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=99))]
    runs: u16,
    /// Only this scenario, as often as wanted; else all that differ in more than their imitated model
    #[arg(long, value_name = "NAME")]
    scenario: Vec<String>,
    /// World seconds a second until the model is asked
    #[arg(long, value_name = "X", default_value_t = HEADLESS_SPEED, value_parser = speed)]
    speed: f64,
    /// Ask the imitated model of each scenario instead of the configured one, to try this out
    #[arg(long)]
    embedded: bool,
    #[command(flatten)]
    output: Output,
}

/// Runs all, prints what was measured. Exit code 0 when every run had an end and the model was reached, else 1.
pub(super) async fn eval(target: &Target, environment: &Environment, args: EvalArgs) -> anyhow::Result<u8> {
    let configured = config::load(target.config.as_deref(), environment)?;
    let model = model(&configured, &args)?;
    // Judged by the defaults, so that figures of different people can be compared.
    let mut config = Config::parse("", std::path::Path::new("built in"), None)?;
    config.advisor = configured.advisor;
    let runs = usize::from(args.runs);
    let mut report = Report { model, runs, scenarios: Vec::new() };
    for scenario in scenarios(&args)? {
        let expected = scenario.expect.verdict.as_deref();
        let mut figures = Figures::default();
        for number in 1..=runs {
            let run = one(&mut config, &scenario, number as u64, &args).await?;
            eprintln!("{} {number} of {runs}: {}", scenario.name, in_words(&run));
            figures.count(&run, expected);
        }
        report.scenarios.push((scenario.name.clone(), figures));
    }
    match args.output.output {
        Form::Json => println!("{}", printable_json(&report.as_json().to_string())),
        Form::Text => print!("{}", report.as_text()),
    }
    Ok(u8::from(!report.is_whole()))
}

/// The name of the model that is asked.
fn model(config: &Config, args: &EvalArgs) -> anyhow::Result<Clean> {
    if config.advisor.share == Share::None {
        anyhow::bail!(
            "share = \"none\" in [advisor] lets nothing be told to a model\nhint: share = \"facts\" lets the evidence be told"
        );
    }
    match &config.advisor.settings {
        _ if args.embedded => Ok(EMBEDDED.into()),
        Some(settings) => Ok(Clean::new(&settings.model)),
        None => anyhow::bail!(
            "no model is configured\nhint: write provider, url and model under [advisor] in {}, or try it out with --embedded",
            config::FILE
        ),
    }
}

/// What is run. Worlds that differ only in their imitated model are one and the same incident for any other model.
fn scenarios(args: &EvalArgs) -> anyhow::Result<Vec<Scenario>> {
    if !args.scenario.is_empty() {
        let named = args.scenario.iter().map(|name| scenario::load(name));
        return Ok(named.collect::<Result<_, _>>()?);
    }
    let mut kept: Vec<Scenario> = Vec::new();
    for scenario in scenario::list()? {
        if args.embedded || !kept.iter().any(|other| same_incident(other, &scenario)) {
            kept.push(scenario);
        }
    }
    Ok(kept)
}

fn same_incident(one: &Scenario, other: &Scenario) -> bool {
    let other = other.clone();
    let (name, title, description) = (one.name.clone(), one.title.clone(), one.description.clone());
    let (model, drill) = (one.model.clone(), one.drill.clone());
    *one == Scenario { name, title, description, model, drill, ..other }
}

/// One incident until the model has answered. `Err` inside: why there is no end of an answer.
async fn one(
    config: &mut Config,
    scenario: &Scenario,
    seed: u64,
    args: &EvalArgs,
) -> anyhow::Result<Result<Run, Clean>> {
    // A folder of its own: what earlier runs recorded would be told to the model.
    let folder = TemporaryFolder::new()?;
    let world = World::start(scenario, seed, args.speed, &folder).await?;
    if args.embedded {
        world.advises(config);
    }
    let budget = config.advisor.settings.as_ref().map(|settings| settings.budget).unwrap_or_default();
    let wanted = Wanted {
        kubeconfig: vec![world.kubeconfig.clone()],
        context: None,
        namespace: None,
        prometheus: Some(world.prometheus.clone()),
        read_only: false,
        advise: true,
        courtesy: false,
        state_folder: Some(folder.path().join("state")),
        clock: world.clock,
    };
    let mut session = session::start(config, &wanted).await?;
    // When the scripted operator of `demo` would decide.
    let stands = TimeDelta::milliseconds(scenario.operator.after.millis());
    let about = Key::new(&scenario.namespace, &scenario.about);
    let within = budget.whole.max(budget.with_tools) + GRACE;
    let asked = OneQuestion::new(about, stands).asked(&mut session, within).await;
    session.performer.flush().await;
    Ok(match asked {
        Ok((opinion, Some(ending))) => {
            let brief = opinion.brief;
            Ok(Run { verdict: brief.verdict, offer: brief.offer, target: brief.target, ending })
        }
        Ok((_, None)) => {
            Err(Clean::new(format!("the answer has no end {} s after it was asked", within.as_secs())))
        }
        Err(why) => Err(Clean::new(why)),
    })
}

/// One line of progress.
fn in_words(run: &Result<Run, Clean>) -> String {
    let ending = match run {
        Ok(run) => &run.ending,
        Err(why) => return why.to_string(),
    };
    let took = ending.took.num_milliseconds() as f64 / 1e3;
    match &ending.answer {
        Ok(answer) => format!("{}, {took:.1} s", answer.tally().words()),
        Err(why) => format!("{why}, {took:.1} s"),
    }
}

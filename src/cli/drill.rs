//! `goaround drill`: one embedded incident after the other in the ordinary cockpit, with everything that was computed
//! hidden until the person has said what to do; at the end, how many were right and how long it took.

use std::time::Instant;

use clap::Args;

use crate::demo::scenario::{self, Scenario, drill::Answer as Wanted};
use crate::domain::Time;
use crate::domain::clean::Clean;
use crate::domain::cluster::Key;
use crate::engine::drill::{Answer, Drill, Phase};
use crate::shell::clock::Clock;
use crate::shell::config::{self, Config, Environment};
use crate::shell::drill::{Row, as_json, as_text};
use crate::shell::terminal::TerminalFront;
use crate::shell::{run, session};

use super::{Form, Output, Target, TemporaryFolder, World, demo_config, need_terminal, opened};

/// Arguments.
#[derive(Args, Debug)]
pub struct DrillArgs {
    /// Only these scenarios, in this order
    #[arg(value_name = "SCENARIO")]
    scenarios: Vec<String>,
    /// Name the scenarios, without what is right
    #[arg(long)]
    list: bool,
    /// Order of the scenarios, and the world's noise
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// World seconds a second
    #[arg(long, value_name = "X", value_parser = super::speed, default_value_t = 1.0)]
    speed: f64,
    #[command(flatten)]
    output: Output,
}

/// Runs it. Exit code 0 whatever was answered: it is for practice.
pub async fn drill(target: &Target, environment: &Environment, args: DrillArgs) -> anyhow::Result<u8> {
    let scenarios = chosen(&args)?;
    if args.list {
        for (scenario, _) in &scenarios {
            println!("{}", scenario.name);
        }
        return Ok(0);
    }
    need_terminal("goaround drill", "goaround demo --headless")?;
    let config = match &target.config {
        Some(_) => config::load(target.config.as_deref(), environment)?,
        None => demo_config(environment)?,
    };
    let rows = questions(&scenarios, target, environment, &config, &args).await?;
    match args.output.output {
        Form::Json => println!("{}", as_json(&rows)),
        Form::Text => print!("{}", as_text(&rows)),
    }
    Ok(0)
}

/// All questions in one terminal, until the person leaves.
async fn questions(
    scenarios: &[(Scenario, scenario::drill::Drill)],
    target: &Target,
    environment: &Environment,
    config: &Config,
    args: &DrillArgs,
) -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    // One clock for all worlds: what the terminal measures by never goes back.
    let begun = Clock::origin_now();
    let mut front = opened(config, environment)?;
    for (n, (scenario, drill)) in scenarios.iter().enumerate() {
        let question = question(n + 1, scenarios.len(), scenario, drill);
        let drill = one(scenario, question, begun, target, config, args, &mut front).await?;
        let Some(drill) = drill else { break };
        rows.extend(Row::of(&drill));
        if !drill.next {
            break;
        }
    }
    Ok(rows)
}

async fn one(
    scenario: &Scenario,
    question: Drill,
    begun: (Instant, Time),
    target: &Target,
    config: &Config,
    args: &DrillArgs,
    front: &mut TerminalFront,
) -> anyhow::Result<Option<Drill>> {
    let folder = TemporaryFolder::new()?;
    let world = World::at(begun, scenario, args.seed, args.speed, &folder).await?;
    let mut config = config.clone();
    if config.advisor.settings.is_none() {
        world.advises(&mut config);
    }
    config.policy.execute_within = super::scaled(config.policy.execute_within, args.speed);
    config.policy.void_after = super::scaled(config.policy.void_after, args.speed);
    let wanted = world.wanted(target, &folder);
    let mut session = session::start(&config, &wanted).await?;
    session.state.drill = Some(question);
    let state = run::run(&mut session, front).await;
    session.performer.flush().await;
    Ok(state.drill)
}

fn question(number: usize, of: usize, scenario: &Scenario, drill: &scenario::drill::Drill) -> Drill {
    Drill {
        number,
        of,
        scenario: Clean::new(&scenario.name),
        happened: Clean::new(scenario.description.split_whitespace().collect::<Vec<_>>().join(" ")),
        about: Key::new(&scenario.namespace, &scenario.about),
        right: match drill.answer {
            Wanted::RollBack => Answer::RollBack,
            Wanted::DoNot => Answer::DoNot,
            Wanted::RestoreConfig => Answer::RestoreConfig,
        },
        why: Clean::new(&drill.why),
        asked: None,
        phase: Phase::Asking,
        next: false,
    }
}

/// The scenarios in the order of the seed, each set to the moment at which a person sits down.
fn chosen(args: &DrillArgs) -> anyhow::Result<Vec<(Scenario, scenario::drill::Drill)>> {
    let all = if args.scenarios.is_empty() {
        scenario::list()?
    } else {
        args.scenarios.iter().map(|name| scenario::load(name)).collect::<Result<_, _>>()?
    };
    let mut chosen = Vec::new();
    for scenario in all {
        match scenario.drill.clone() {
            Some(drill) => chosen.push((Scenario { begin: drill.begin, ..scenario }, drill)),
            None if args.scenarios.is_empty() => {}
            None => anyhow::bail!("`{}` asks nothing; hint: goaround drill --list", scenario.name),
        }
    }
    if args.scenarios.is_empty() && !args.list {
        shuffle(&mut chosen, args.seed);
    }
    Ok(chosen)
}

/// Fisher and Yates, by splitmix64: the same order for the same seed on every machine.
fn shuffle<T>(items: &mut [T], seed: u64) {
    let mut state = seed;
    for last in (1..items.len()).rev() {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let other = ((mixed ^ (mixed >> 31)) % (last as u64 + 1)) as usize;
        items.swap(last, other);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_depends_on_the_seed_alone_and_loses_nothing() {
        let order = |seed| {
            let mut items: Vec<usize> = (0..14).collect();
            shuffle(&mut items, seed);
            items
        };
        assert_eq!(order(3), order(3));
        assert_ne!(order(3), order(4));
        let mut sorted = order(7);
        sorted.sort_unstable();
        assert_eq!(sorted, (0..14).collect::<Vec<_>>());
    }
}

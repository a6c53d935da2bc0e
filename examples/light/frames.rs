//! Frames without a terminal: what one costs in bytes and in time of this thread. States are those of the story that
//! the tests of screens tell, with as many SLOs as are wanted.

use chrono::TimeDelta;
use goaround::domain::advice::{Advice, Said, Share};
use goaround::domain::clean::Clean;
use goaround::domain::cluster::ContentDigest;
use goaround::domain::signal::Signal;
use goaround::domain::slo::Slo;
use goaround::domain::value::Value;
use goaround::domain::window::Window;
use goaround::engine::Event;
use goaround::engine::state::{Advisor, Setup, Weight};
use goaround::engine::view::Row;
use goaround::ui::theme::Depth;

use crossterm::event::KeyCode;

use crate::bench::{Bench, Outcome, SCREEN};
use crate::clock::thread;
use crate::figure::Measured;
use crate::painter::Painter;
use crate::start::median;
use crate::world::{World, at, setup, slo, ui};

/// The size at which processor time is measured.
const LARGE: (u16, u16) = (200, 60);
/// Rounds, of which the median counts.
const ROUNDS: usize = 9;
/// Frames of a round.
const FRAMES: usize = 150;
/// Seconds of which bytes are counted.
const SECONDS: u64 = 60;

/// More bytes than the caches that are a processor's own.
const CACHES: usize = 8 << 20;

/// Share of the `n`-th SLO's budget that is left.
fn left(n: usize) -> f64 {
    0.99 - (n % 50) as f64 / 100.0
}

/// A calm cluster with so many SLOs.
pub fn calm(slos: usize) -> World {
    let mut world = World::calm_with(setup());
    world.ui = ui(Depth::Ansi256);
    let each = |n: usize| {
        let burns = [0.1 + (n % 7) as f64 / 10.0, 0.3, 0.2, 0.2, 0.2];
        let mut one: Slo = slo(at("12:32:00"), &("service", left(n), burns));
        one.service = Clean::new(format!("service-{n:04}"));
        one.id.0 = Clean::new(format!("service-{n:04}-requests-availability"));
        one
    };
    world.slos = (0..slos).map(each).collect();
    world.signal(Signal::Slos(world.slos.clone()));
    world.pass(3);
    world
}

/// A second in which three of the SLOs on the screen have new readings, and something was worth a line.
fn typical_second(world: &mut World, second: u64) {
    for n in 0..3 {
        let place = (second as usize * 3 + n) % 20;
        let moved = ((second + n as u64) % 9) as f64;
        let Some(Row::Slo(id)) = world.state.listing.rows().get(place) else { continue };
        let Some(at) = world.slos.iter().position(|slo| slo.id == *id) else { continue };
        let one = &mut world.slos[at];
        // More than a budget moves in a second, so that its gauge does.
        one.remaining = Value::Number(left(at) + (moved - 4.0) / 100.0);
        if let Some(reading) = one.ratios.get_mut(&Window::minutes(5)) {
            reading.value = Value::Number(0.000_1 + moved * 0.000_1);
        }
    }
    let now = world.now;
    for reading in world.slos.iter_mut().flat_map(|slo| slo.ratios.values_mut()) {
        reading.at = now;
    }
    world.signal(Signal::Slos(world.slos.clone()));
    let text =
        format!("Deployment shop/service-{:04}: rollout done, {} available", second % 20, 3 + second % 5);
    world.state.say("kube", Weight::Plain, text);
    world.pass(1);
}

/// Bytes of an unchanged frame, and of a typical second.
pub fn bytes(_: &Bench) -> Result<Outcome, String> {
    let mut world = calm(20);
    let mut painter = Painter::ours(SCREEN);
    painter.paint(&world.ui, &world.state);
    let mut measured = Measured::default();
    measured.take("nothing-changed", painter.paint(&world.ui, &world.state) as f64);
    let mut all = 0;
    for second in 0..SECONDS {
        typical_second(&mut world, second);
        all += painter.paint(&world.ui, &world.state);
    }
    measured.take("typical-second", all as f64 / SECONDS as f64);
    Ok(Outcome::Measured(measured))
}

/// Writes to every line of `others`.
fn cool(others: &mut [u8]) {
    for byte in others.iter_mut().step_by(64) {
        *byte = byte.wrapping_add(1);
    }
    std::hint::black_box(others);
}

/// Processor time of a frame with 1,000 SLOs, and how much more that is than with 20.
pub fn time(_: &Bench) -> Result<Outcome, String> {
    let mut sides = [(calm(20), Painter::ours(LARGE)), (calm(1_000), Painter::ours(LARGE))];
    let mut medians = [Vec::new(), Vec::new()];
    let mut p99 = Vec::new();
    let mut others = vec![0_u8; CACHES];
    for round in 0..ROUNDS {
        // Interleaved, so that whatever slows the machine down slows both.
        for (side, (world, painter)) in sides.iter_mut().enumerate() {
            let mut times: Vec<f64> = Vec::new();
            for frame in 0..FRAMES {
                typical_second(world, (round * FRAMES + frame) as u64);
                // A second later others have had the caches, whether 20 SLOs came in or 1,000.
                cool(&mut others);
                let begun = thread();
                painter.paint(&world.ui, &world.state);
                times.push((thread() - begun).as_secs_f64() * 1e3);
            }
            medians[side].push(median(&mut times));
            if side == 1 {
                p99.push(times[FRAMES * 99 / 100]);
            }
        }
    }
    let [few, many] = &mut medians;
    let mut measured = Measured::default();
    measured.take("frame-time", median(&mut p99));
    measured.take("frame-ratio", median(many) / median(few));
    Ok(Outcome::Measured(measured))
}

/// Words of an answer, as a model streams them.
const WORDS: &str = "The new pods of api-gateway fail 20 % of their requests since 11:58, two minutes after the rollout \
    of 4.12 began; pods of 4.11 that still answered then failed none. The rollout changed DB_POOL from 50 to 5, which \
    fits requests that wait for a connection and give up. Nothing else changed within the half hour before, no other \
    SLO of the namespace burns, and the nodes are well. Rolling back to 4.11, which served a day without trouble, takes \
    away what changed.";

/// Bytes of one more word of an answer, on the model's page.
pub fn token(_: &Bench) -> Result<Outcome, String> {
    let advisor = Some(Advisor { model: Clean::new("qwen3-32b"), share: Share::Facts });
    let mut world = World::burning_with(Setup { advisor, ..setup() }, |_| {});
    world.ui = ui(Depth::Ansi256);
    world.look(SCREEN.0, SCREEN.1);
    world.press(KeyCode::Char('g'));
    world.read_it();
    let hear = |world: &mut World, advice| {
        let id = world.state.briefs;
        world.event(Event::Advice(id, Box::new(advice)));
    };
    let (model, prompt) = (Clean::new("qwen3-32b"), ContentDigest("5e0f".into()));
    hear(&mut world, Advice::Sent { model, prompt, tokens: 1_310, request: vec![Clean::new("[user]")] });
    world.press(KeyCode::Char('m'));
    let mut painter = Painter::ours(SCREEN);
    painter.paint(&world.ui, &world.state);
    let (mut all, mut tokens) = (0, 0_u32);
    for (end, _) in WORDS.match_indices(' ') {
        let said = Said { text: Clean::new(&WORDS[..end]), ..Said::default() };
        hear(&mut world, Advice::Draft(vec![said]));
        // Thirty tokens a second: the clock moves with them, and is no part of one.
        if tokens % 30 == 29 {
            world.now += TimeDelta::seconds(1);
            world.event(Event::Tick);
            painter.paint(&world.ui, &world.state);
        }
        all += painter.paint(&world.ui, &world.state);
        tokens += 1;
    }
    let mut measured = Measured::default();
    measured.take("token", all as f64 / f64::from(tokens));
    Ok(Outcome::Measured(measured))
}

/// Ten minutes of an incident: the same frames, written by us and by ratatui's own backend.
pub fn incident(_: &Bench) -> Result<Outcome, String> {
    let mut world = World::calm_with(setup());
    world.ui = ui(Depth::Ansi256);
    let (mut ours, mut stock) = (Painter::ours(SCREEN), Painter::stock(SCREEN));
    let (mut light, mut heavy) = (0, 0);
    let mut second = |world: &mut World| {
        world.pass(1);
        light += ours.paint(&world.ui, &world.state);
        heavy += stock.paint(&world.ui, &world.state);
    };
    for _ in 0..120 {
        second(&mut world);
    }
    let mut world = World::burning_with(setup(), |_| {});
    world.ui = ui(Depth::Ansi256);
    world.look(SCREEN.0, SCREEN.1);
    for _ in 0..60 {
        second(&mut world);
    }
    world.press(KeyCode::Char('g'));
    for _ in 0..60 {
        second(&mut world);
    }
    world.press(KeyCode::Char('v'));
    for n in 0..60 {
        world.press(KeyCode::Char(if n % 4 < 2 { 'j' } else { 'k' }));
        second(&mut world);
    }
    world.press(KeyCode::Esc);
    for _ in 0..300 {
        second(&mut world);
    }
    let mut measured = Measured::default();
    measured.take("incident", light as f64 / heavy as f64);
    Ok(Outcome::Measured(measured))
}

//! What 1,000 SLOs cost the engine: their windows, and a whole cycle's answers taken in.

use goaround::domain::signal::Signal;
use goaround::domain::slo::Slo;
use goaround::domain::window::Window;

use crate::bench::{Bench, Outcome};
use crate::clock::thread;
use crate::figure::Measured;
use crate::frames::calm;
use crate::start::median;

/// Rounds, of which the median counts.
const ROUNDS: usize = 31;
const SLOS: usize = 1_000;

/// The windows that alerts are made of.
const WINDOWS: [Window; 7] = [
    Window::minutes(5),
    Window::minutes(30),
    Window::hours(1),
    Window::hours(2),
    Window::hours(6),
    Window::days(1),
    Window::days(3),
];

/// Burn over every window and whether it burns; then the same as a signal, with the review that follows.
pub fn evaluated(_: &Bench) -> Result<Outcome, String> {
    let mut world = calm(SLOS);
    let (mut windows, mut cycles) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let begun = thread();
        let burning = world.slos.iter().filter(|slo| evaluates(slo)).count();
        windows.push((thread() - begun).as_secs_f64() * 1e3);
        if burning > 0 {
            return Err("nothing burns here, and something was found to".into());
        }
        let signal = Signal::Slos(world.slos.clone());
        world.now += chrono::TimeDelta::seconds(5);
        let begun = thread();
        world.signal(signal);
        cycles.push((thread() - begun).as_secs_f64() * 1e3);
    }
    let mut measured = Measured::default();
    measured.take("windows", median(&mut windows));
    measured.take("cycle-time", median(&mut cycles));
    Ok(Outcome::Measured(measured))
}

/// It burns, by the readings of all windows.
fn evaluates(slo: &Slo) -> bool {
    let over =
        WINDOWS.iter().filter(|window| slo.burn(**window).number().is_some_and(|burn| burn > 14.4)).count();
    slo.burning().is_some() || over == WINDOWS.len()
}

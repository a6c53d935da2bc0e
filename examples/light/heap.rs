//! What is kept of a pod, and what a change of one costs: lists and watch lines as the API server sends them, through the
//! decoder into the engine. Bytes are those that were asked of the allocator and not given back.

use std::alloc::System;
use std::time::Duration;

use goaround::domain::Time;
use goaround::domain::cluster::{Change, ClusterFact, Pod};
use goaround::domain::signal::Signal;
use goaround::engine::state::Setup;
use goaround::engine::{Event, Stamped, State, step};
use goaround::sources::kubernetes::decode::{Line, Pods, line, page};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

use crate::bench::{Bench, Outcome};
use crate::clock::thread;
use crate::figure::Measured;
use crate::objects::{self, PodTexts};
use crate::rest::LARGE;
use crate::start::median;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Pods of a page, as the program asks for them.
const PAGE: usize = 500;
/// Changes of each pod after it was listed.
const CHANGES: usize = 2;

/// An engine that knows nothing but pods.
struct Engine {
    state: State,
    now: Time,
    mono: Duration,
}

impl Engine {
    fn new() -> Self {
        let now = Time::from_timestamp(1_800_000_000, 0).unwrap_or_default();
        Self { state: State::new(Setup::default(), now), now, mono: Duration::from_secs(1) }
    }

    fn take(&mut self, change: Change<Pod>) {
        self.mono += Duration::from_millis(1);
        self.now += chrono::TimeDelta::milliseconds(1);
        let event = Event::Signal(Signal::Cluster(Box::new(ClusterFact::Pods(change))));
        step(&mut self.state, Stamped { at: self.now, mono: self.mono, event });
    }
}

/// Bytes that somebody holds.
fn held() -> f64 {
    let stats = ALLOCATOR.stats();
    // Reallocations are in the other two already.
    stats.bytes_allocated as f64 - stats.bytes_deallocated as f64
}

/// A page of the list.
fn listed(pods: &[PodTexts]) -> Vec<u8> {
    let mut body = b"{\"kind\":\"PodList\",\"metadata\":{\"resourceVersion\":\"1\"},\"items\":[".to_vec();
    for (n, pod) in pods.iter().enumerate() {
        if n > 0 {
            body.push(b',');
        }
        pod.ready.write(1_000 + n as u64, &mut body);
    }
    body.extend_from_slice(b"]}");
    body
}

/// Heap of a pod after lists and changes; processor time of a change.
pub fn pods(_: &Bench) -> Result<Outcome, String> {
    let texts = objects::pods(LARGE);
    let mut engine = Engine::new();
    let before = held();
    let mut all = Vec::new();
    for pods in texts.chunks(PAGE) {
        let page = page::<Pods>(&listed(pods)).map_err(|error| error.to_string())?;
        all.extend(page.objects.into_iter().map(|object| object.item));
    }
    engine.take(Change::Listed(all));
    let after_list = held() - before;
    let mut times = Vec::with_capacity(CHANGES * texts.len());
    for round in 0..CHANGES {
        for (n, pod) in texts.iter().enumerate() {
            let mut text = b"{\"type\":\"MODIFIED\",\"object\":".to_vec();
            let object = if (n + round).is_multiple_of(10) { &pod.unready } else { &pod.ready };
            object.write((20_000 + n) as u64, &mut text);
            text.push(b'}');
            let begun = thread();
            match line::<Pods>(&text).map_err(|error| error.to_string())? {
                Line::Applied(object) => engine.take(Change::Applied(object.item)),
                _ => return Err("a change of a pod was not understood".into()),
            }
            times.push((thread() - begun).as_secs_f64() * 1e6);
        }
    }
    let event = median(&mut times);
    // The times are ours.
    drop(times);
    let after_changes = held() - before;
    let mut measured = Measured::default();
    measured.take("heap-pod", after_list.max(after_changes) / texts.len() as f64);
    measured.take("event-time", event);
    drop(engine);
    Ok(Outcome::Measured(measured))
}

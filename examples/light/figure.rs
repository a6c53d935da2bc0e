//! What is measured, what must hold and what we aim at, and what others need for it. The one place with limits.

use std::collections::BTreeMap;

/// A figure: the smaller, the better.
pub struct Figure {
    /// The name by which `--only` and JSON know it.
    pub name: &'static str,
    /// What it is.
    pub what: &'static str,
    /// Of what its value is a number.
    pub unit: &'static str,
    /// Passing it fails the run.
    pub hard: Option<f64>,
    /// What we aim at.
    pub aim: Option<f64>,
    /// The same of others, as published by them or measured on the rig (kdash 2.1.1, kubetui 1.14.0).
    pub peers: &'static str,
}

/// Shorthand for the table below.
const fn figure(
    name: &'static str,
    what: &'static str,
    unit: &'static str,
    (hard, aim): (Option<f64>, Option<f64>),
    peers: &'static str,
) -> Figure {
    Figure { name, what, unit, hard, aim, peers }
}

/// Hard limit and aim.
const fn both(hard: f64, aim: f64) -> (Option<f64>, Option<f64>) {
    (Some(hard), Some(aim))
}

const fn hard(hard: f64) -> (Option<f64>, Option<f64>) {
    (Some(hard), None)
}

const NONE: (Option<f64>, Option<f64>) = (None, None);

/// All figures in the order in which they are shown.
pub const FIGURES: &[Figure] = &[
    figure("binary", "stripped binary", "MB", both(15.0, 10.0), "kdash 17.3, kubetui 26.0"),
    figure(
        "first-frame",
        "exec to the first complete frame",
        "ms",
        both(30.0, 10.0),
        "kdash 6.9-38 (first byte)",
    ),
    figure(
        "first-data-20",
        "exec to the first workload and its ready count, 20 pods",
        "ms",
        (None, Some(100.0)),
        "kdash 513, kubetui 123",
    ),
    figure("kubectl-20", "kubectl get pods beside it", "ms", NONE, ""),
    figure("first-data-20-x", "the first over the second", "x", hard(1.0), ""),
    figure(
        "first-data-3000",
        "the same with 3,000 pods",
        "ms",
        (None, Some(300.0)),
        "kdash 1,265, kubetui 1,469",
    ),
    figure("kubectl-3000", "kubectl get pods beside it", "ms", NONE, ""),
    figure("first-data-3000-x", "the first over the second", "x", hard(1.0), ""),
    figure(
        "rss-rest",
        "memory at rest, no cluster",
        "MB",
        both(16.0, 12.0),
        "kdash 12.5-16, kubetui 17.5-57",
    ),
    figure(
        "idle-bytes",
        "an idle second with a clock, 120x40",
        "B",
        both(24.0, 9.0),
        "kdash 126, kubetui 253",
    ),
    figure("nothing-changed", "a frame of what is on the screen already", "B", hard(0.0), "ratatui 25"),
    figure(
        "typical-second",
        "clock, 3 gauges and sparklines, 1 log line, 120x40",
        "B",
        both(500.0, 430.0),
        "stock 1,224",
    ),
    figure("incident", "ten minutes of an incident against ratatui's own backend", "x", both(0.75, 0.5), ""),
    figure("token", "one streamed word of a model", "B", both(80.0, 60.0), "stock 106"),
    figure("frame-time", "processor time of a frame, 200x60, 1,000 SLOs: p99", "ms", both(2.0, 1.0), ""),
    figure("frame-ratio", "the same over that with 20 SLOs: median", "x", both(1.3, 1.25), ""),
    figure("windows", "7 windows of 1,000 SLOs evaluated", "ms", both(1.0, 0.1), ""),
    figure("cycle-time", "a cycle's readings of 1,000 SLOs taken in, with the review", "ms", NONE, ""),
    figure("heap-pod", "heap of a pod that is watched", "B", both(700.0, 550.0), "typed objects 42,067"),
    figure("event-time", "processor time of a changed pod: decoded and taken in", "us", NONE, "typed 22.5"),
    figure(
        "proposal",
        "last byte of the metrics to the proposal on the screen, API server's time left out",
        "ms",
        both(50.0, 20.0),
        "",
    ),
    figure(
        "approval",
        "last key of an approval to the request, beyond two syncs and what the API server answers",
        "ms",
        hard(10.0),
        "",
    ),
    figure("rss-pods", "memory with 10,000 pods watched", "MB", both(40.0, 25.0), "kdash 1,261, kubetui 727"),
    figure("rss-pods-peak", "the same at its highest, while they are listed", "MB", NONE, "kdash 1,373"),
    figure(
        "idle-cpu-pods",
        "idle processor time with 10,000 pods",
        "%",
        both(0.5, 0.1),
        "kdash 25, kubetui 88",
    ),
    figure("idle-cpu-slos", "idle processor time with 1,000 SLOs", "%", NONE, ""),
    figure(
        "idle-requests",
        "API requests a minute beside watches, nothing happens",
        "",
        hard(6.0),
        "kdash 60, kubetui 3,564, kubectl -w 0",
    ),
    figure("idle-renewals", "watches opened anew a minute", "", hard(6.0), ""),
    figure("cpu-events", "processor time at 1,000 events/s, decoding included", "%", both(10.0, 6.0), ""),
    figure("bytes-events", "written at 1,000 events/s, 120x40", "B/s", NONE, ""),
    figure(
        "hour-growth",
        "memory after an hour's 3.6 million events over that after a minute's",
        "MB",
        both(5.0, 0.0),
        "",
    ),
    figure(
        "key-to-paint",
        "key to paint, 16 KB/s and 100 ms, at 1,000 events/s: p99",
        "round trips",
        both(3.0, 2.2),
        "",
    ),
    figure("backlog", "the most that waits for that line", "KB", hard(16.0), ""),
    figure("queries", "queries a cycle, whatever the number of SLOs", "", hard(8.0), ""),
    figure("queries-at-once", "the same at a time", "", hard(4.0), ""),
];

/// The figure of this name.
pub fn of(name: &str) -> &'static Figure {
    FIGURES.iter().find(|figure| figure.name == name).unwrap_or_else(|| panic!("no figure is called {name}"))
}

/// What was measured.
#[derive(Default)]
pub struct Measured {
    values: BTreeMap<&'static str, f64>,
}

impl Measured {
    /// Takes a value in.
    pub fn take(&mut self, name: &'static str, value: f64) {
        self.values.insert(of(name).name, value);
    }

    /// Keeps the better of both for each figure.
    pub fn better(&mut self, other: Self) {
        for (name, value) in other.values {
            let kept = self.values.entry(name).or_insert(value);
            *kept = kept.min(value);
        }
    }

    /// Adds what another part has measured.
    pub fn extend(&mut self, other: Self) {
        self.values.extend(other.values);
    }

    /// In the order of the table.
    pub fn all(&self) -> impl Iterator<Item = (&'static Figure, f64)> {
        FIGURES.iter().filter_map(|figure| Some((figure, *self.values.get(figure.name)?)))
    }

    /// Those that pass their hard limit; what is no number passes all.
    pub fn over(&self) -> impl Iterator<Item = &'static Figure> {
        self.all().filter(|(figure, value)| figure.over(*value)).map(|(figure, _)| figure)
    }
}

impl Figure {
    /// The hard limit does not hold.
    pub fn over(&self, value: f64) -> bool {
        self.hard.is_some_and(|hard| value.is_nan() || value > hard)
    }

    /// One line of JSON.
    pub fn json(&self, value: f64) -> String {
        serde_json::json!({"figure": self.name, "value": value, "unit": self.unit, "hard": self.hard, "aim": self.aim})
            .to_string()
    }

    /// One row for people.
    pub fn row(&self, value: f64) -> String {
        let number = |n: Option<f64>| n.map_or(String::new(), short);
        let state = match (self.hard, self.aim) {
            _ if self.over(value) => "OVER",
            (_, Some(aim)) if value <= aim => "aim",
            (None, _) => "",
            _ => "pass",
        };
        format!(
            "{:16} {:>9} {:12} {:>8} {:>8}  {state:4}  {}{}",
            self.name,
            short(value),
            self.unit,
            number(self.hard),
            number(self.aim),
            self.what,
            if self.peers.is_empty() { String::new() } else { format!(" [{}]", self.peers) },
        )
    }
}

/// Three digits that matter.
fn short(value: f64) -> String {
    let digits = match value.abs() {
        v if v >= 100.0 || v.fract() == 0.0 => 0,
        v if v >= 10.0 => 1,
        v if v >= 1.0 => 2,
        _ => 3,
    };
    format!("{value:.digits$}")
}

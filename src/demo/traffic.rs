//! Requests: how many arrive, which pods answer them, which fail and why; and the scrape that turns the pods' counters
//! into series. Counters are whole numbers that only grow and die with their pod, as real ones do: what a pod counted
//! after its last scrape is lost.

use std::collections::BTreeMap;
use std::f64::consts::TAU;

use super::clock::Millis;
use super::duration::{self, BOUNDS, Shape, Spread};
use super::noise;
use super::promql::series::{Labels, Storage};
use super::scenario::{Fault, Scenario, Service};
use super::world::{DAY, World};

/// Where a pod is in its life.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Phase {
    /// Scheduled; images, volumes and the process are not there yet.
    Waiting,
    /// The process runs and has read its files.
    Running,
    /// It gets requests.
    Ready,
    /// It is going away and gets none.
    Terminating,
}

/// A pod as far as traffic is concerned; the rest of it is in the store.
#[derive(Debug)]
pub(super) struct Pod {
    pub namespace: String,
    pub name: String,
    pub deployment: String,
    pub replica_set: String,
    pub hash: String,
    pub uid: String,
    pub node: String,
    pub ip: String,
    pub image: String,
    pub phase: Phase,
    /// Faults that this pod has because of what it runs, where it is and what it read at its start.
    pub failing: Vec<Fault>,
    /// When its process started.
    pub began: Millis,
    /// Hash of the name, for noise.
    pub key: u64,
    carry: f64,
    counts: BTreeMap<u16, u64>,
    series: BTreeMap<u16, usize>,
    durations: Spread,
    buckets: Vec<usize>,
    info: Option<usize>,
}

impl Pod {
    /// A pod that waits. `names` are namespace, deployment, ReplicaSet, pod.
    pub fn waiting(names: [&str; 4], hash: &str, uid: &str, image: &str, node: &str, ip: &str) -> Self {
        let [namespace, deployment, replica_set, name] = names.map(ToOwned::to_owned);
        Self {
            key: noise::fnv(0, &name),
            namespace,
            deployment,
            replica_set,
            name,
            hash: hash.to_owned(),
            uid: uid.to_owned(),
            image: image.to_owned(),
            node: node.to_owned(),
            ip: ip.to_owned(),
            phase: Phase::Waiting,
            failing: Vec::new(),
            began: 0,
            carry: 0.0,
            counts: BTreeMap::new(),
            series: BTreeMap::new(),
            durations: Spread::default(),
            buckets: Vec::new(),
            info: None,
        }
    }

    /// What its own faults are at `at`; the run began at `zero`.
    pub fn faults(&self, zero: Millis, at: Millis) -> Shares {
        self.failing.iter().filter_map(|fault| fault.at(at - zero, self.began - zero)).collect()
    }

    /// Its series, which end with it.
    pub fn series(&self) -> impl Iterator<Item = usize> {
        self.series.values().chain(&self.buckets).copied().chain(self.info)
    }
}

/// What arrives at one Service.
#[derive(Debug)]
pub(super) struct Stream {
    pub service: Service,
    /// Times the mean.
    pub factor: f64,
    key: u64,
    carry: f64,
    refused: u64,
    refused_series: Option<usize>,
    refused_buckets: Vec<usize>,
    total: u64,
    bad: u64,
    /// Time, requests and bad requests so far, at each scrape of the past.
    pub past: Vec<(Millis, u64, u64)>,
}

impl Stream {
    pub fn all(scenario: &Scenario) -> BTreeMap<String, Self> {
        let stream = |service: &Service| Self {
            service: service.clone(),
            factor: 1.0,
            key: noise::fnv(1, &service.name),
            carry: 0.0,
            refused: 0,
            refused_series: None,
            refused_buckets: Vec::new(),
            total: 0,
            bad: 0,
            past: Vec::new(),
        };
        scenario.services.iter().map(|service| (service.name.clone(), stream(service))).collect()
    }

    /// Requests a second at `at`: the mean, a daily wave, and a little noise.
    fn rate(&self, seed: u64, zero: Millis, at: Millis) -> f64 {
        let phase = noise::step(self.key ^ seed, -1) * 0.15;
        let wave = (TAU * ((at - zero) as f64 / DAY as f64 + phase)).sin();
        let noise = noise::step(self.key ^ seed, at - zero) - 0.5;
        self.service.rps * self.factor * (1.0 + 0.18 * wave) * (1.0 + 0.08 * noise)
    }

    /// The share that fails on any day, which is not the same at all times of it.
    fn everyday(&self, seed: u64, zero: Millis, at: Millis) -> f64 {
        let spell = (at - zero).div_euclid(900_000);
        self.service.errors * (0.4 + 1.2 * noise::step(self.key ^ seed ^ 7, spell))
    }
}

/// What a pod's requests fail with: code and share of what is left by the ones before.
pub(super) type Shares = Vec<(u16, f64)>;

fn total(shares: &Shares) -> f64 {
    1.0 - shares.iter().fold(1.0, |left, (_, share)| left * (1.0 - share.clamp(0.0, 1.0)))
}

/// The series that say which targets answer their scrapes; all of them always do.
pub(super) fn targets(storage: &mut Storage) -> [usize; 3] {
    ["edge", "kube-state-metrics", "prometheus"].map(|job| {
        let instance = format!("{job}:8080");
        storage.open(&Labels::new([("__name__", "up"), ("instance", &instance), ("job", job)]), false)
    })
}

impl World {
    /// Counts the requests from the last time up to `at`. Nothing in the world changes in between.
    pub(super) fn count(&mut self, at: Millis) {
        let span = at - self.counted;
        if span <= 0 {
            return;
        }
        let (seed, zero, from) = (self.seed, self.zero, self.counted);
        let failing = self.failing_services(from);
        let names: Vec<String> = self.streams.keys().cloned().collect();
        for name in names {
            let downstream = self.downstream(&name, &failing);
            let faults = self.timed_faults(&name, from);
            let medians = self.medians(&name);
            let Some(stream) = self.streams.get_mut(&name) else {
                continue;
            };
            let rate = stream.rate(seed, zero, at);
            let everyday = stream.everyday(seed, zero, at);
            let mut ready: Vec<&mut Pod> = self
                .pods
                .values_mut()
                .filter(|pod| pod.phase == Phase::Ready && pod.deployment == name)
                .collect();
            let arriving = rate * span as f64 / 1_000.0;
            if ready.is_empty() {
                stream.carry += arriving;
                let whole = stream.carry.floor();
                stream.carry -= whole;
                stream.refused += whole as u64;
                stream.total += whole as u64;
                stream.bad += whole as u64;
                continue;
            }
            let each = arriving / ready.len() as f64;
            let over = overload(stream.service.capacity, rate / ready.len() as f64);
            let used = stream.service.capacity.map_or(0.0, |capacity| rate / ready.len() as f64 / capacity);
            let pace = Pace::new(&stream.service, &medians, used, stream.key ^ seed, at - zero);
            for pod in &mut ready {
                let mut shares = pod.faults(zero, from);
                shares.extend(faults.iter().copied());
                shares.extend([(503, over), (502, downstream), (500, everyday)]);
                let (all, bad) = pod.answer(each, &shares, &pace, seed, at - zero);
                stream.total += all;
                stream.bad += bad;
            }
        }
        self.counted = at;
    }

    /// For each service the share of its requests that fails because of itself; nothing where nobody calls anybody.
    pub(super) fn failing_services(&self, at: Millis) -> BTreeMap<String, f64> {
        if self.streams.values().all(|stream| stream.service.calls.is_empty()) {
            return BTreeMap::new();
        }
        self.streams
            .iter()
            .map(|(name, stream)| {
                let pods: Vec<&Pod> = self
                    .pods
                    .values()
                    .filter(|pod| pod.phase == Phase::Ready && pod.deployment == *name)
                    .collect();
                if pods.is_empty() {
                    return (name.clone(), 1.0);
                }
                let rate = stream.rate(self.seed, self.zero, at) / pods.len() as f64;
                let mut shared = self.timed_faults(name, at);
                shared.push((503, overload(stream.service.capacity, rate)));
                let mean = pods
                    .iter()
                    .map(|pod| total(&pod.faults(self.zero, at).iter().chain(&shared).copied().collect()))
                    .sum::<f64>()
                    / pods.len() as f64;
                (name.clone(), mean)
            })
            .collect()
    }

    /// The share of requests to `service` that fails because of the services it calls, two levels deep.
    pub(super) fn downstream(&self, service: &str, failing: &BTreeMap<String, f64>) -> f64 {
        let calls = |name: &str| self.streams.get(name).map(|stream| &stream.service.calls);
        let lost = |name: &str, deeper: &dyn Fn(&str) -> f64| {
            1.0 - calls(name).into_iter().flatten().fold(1.0, |left, (callee, weight)| {
                let own = failing.get(callee).copied().unwrap_or(0.0);
                let share = 1.0 - (1.0 - own) * (1.0 - deeper(callee));
                left * (1.0 - weight * share)
            })
        };
        lost(service, &|callee| lost(callee, &|_| 0.0))
    }

    /// Faults of `deployment` that depend on nothing but time.
    pub(super) fn timed_faults(&self, deployment: &str, at: Millis) -> Shares {
        let faults = self.scenario.faults.iter().filter(|f| f.deployment == deployment && !f.of_pods());
        faults.filter_map(|fault| fault.at(at - self.zero, 0)).collect()
    }

    /// Median seconds of the requests that fail, by code, where the scenario says so: of the service's own faults, and
    /// of the callees' for those that wait for one.
    fn medians(&self, service: &str) -> BTreeMap<u16, f64> {
        let calls = self.streams.get(service).map(|stream| &stream.service.calls);
        let mut medians = BTreeMap::new();
        for fault in &self.scenario.faults {
            let Some(latency) = fault.latency else { continue };
            let seconds = latency.millis() as f64 / 1e3;
            if fault.deployment == service {
                medians.insert(fault.code, seconds);
            } else if calls.is_some_and(|calls| calls.contains_key(&fault.deployment)) {
                medians.insert(502, seconds);
            }
        }
        medians
    }

    /// Takes a sample of every counter.
    pub(super) fn scrape(&mut self, at: Millis) {
        let timed = times_requests(at - self.zero);
        for id in std::mem::take(&mut self.ending) {
            self.storage.end(id, at);
        }
        for id in self.targets {
            self.storage.push(id, at, 1.0);
        }
        let storage = &mut self.storage;
        for pod in self.pods.values_mut() {
            let info = *pod.info.get_or_insert_with(|| {
                storage.open(
                    &Labels::new([
                        ("__name__", "kube_pod_info"),
                        ("job", "kube-state-metrics"),
                        ("namespace", &pod.namespace),
                        ("pod", &pod.name),
                        ("node", &pod.node),
                        ("pod_ip", &pod.ip),
                        ("uid", &pod.uid),
                        ("created_by_kind", "ReplicaSet"),
                        ("created_by_name", &pod.replica_set),
                    ]),
                    false,
                )
            });
            storage.push(info, at, 1.0);
            for (code, count) in &pod.counts {
                let id = *pod.series.entry(*code).or_insert_with(|| {
                    storage.open(
                        &Labels::new([
                            ("__name__", "http_requests_total"),
                            ("job", "edge"),
                            ("namespace", &pod.namespace),
                            ("service", &pod.deployment),
                            ("deployment", &pod.deployment),
                            ("pod", &pod.name),
                            ("pod_template_hash", &pod.hash),
                            ("code", &code.to_string()),
                        ]),
                        false,
                    )
                });
                storage.push(id, at, *count as f64);
            }
            if timed && !pod.counts.is_empty() {
                if pod.buckets.is_empty() {
                    pod.buckets = BOUNDS.map(|(_, le)| storage.open(&bucket(pod, le), false)).to_vec();
                }
                for (id, count) in pod.buckets.iter().zip(pod.durations.counts()) {
                    storage.push(*id, at, count);
                }
            }
        }
        for stream in self.streams.values_mut() {
            if stream.refused > 0 {
                let id = *stream.refused_series.get_or_insert_with(|| {
                    storage.open(
                        &Labels::new([
                            ("__name__", "http_requests_total"),
                            ("job", "edge"),
                            ("namespace", &self.scenario.namespace),
                            ("service", &stream.service.name),
                            ("code", "503"),
                        ]),
                        false,
                    )
                });
                storage.push(id, at, stream.refused as f64);
                // The edge refuses at once: within every bound.
                if stream.refused_buckets.is_empty() {
                    let labels = |le| {
                        Labels::new([
                            ("__name__", DURATIONS),
                            ("job", "edge"),
                            ("namespace", &self.scenario.namespace),
                            ("service", &stream.service.name),
                            ("le", le),
                        ])
                    };
                    stream.refused_buckets = BOUNDS.map(|(_, le)| storage.open(&labels(le), false)).to_vec();
                }
                for id in &stream.refused_buckets {
                    storage.push(*id, at, stream.refused as f64);
                }
            }
            if at <= self.zero {
                stream.past.push((at, stream.total, stream.bad));
            }
        }
    }
}

/// The histogram of durations.
const DURATIONS: &str = "http_request_duration_seconds_bucket";

fn bucket(pod: &Pod, le: &str) -> Labels {
    Labels::new([
        ("__name__", DURATIONS),
        ("job", "edge"),
        ("namespace", &pod.namespace),
        ("service", &pod.deployment),
        ("deployment", &pod.deployment),
        ("pod", &pod.name),
        ("pod_template_hash", &pod.hash),
        ("le", le),
    ])
}

/// Buckets are kept for every scrape of the last day, and for every half hour before that: they are many.
fn times_requests(run: Millis) -> bool {
    const CLOSE: Millis = 26 * 3_600_000;
    run > -CLOSE || run.rem_euclid(1_800_000) == 0
}

/// How long requests of a service take at a moment.
struct Pace {
    usual: Shape,
    /// Of those that fail with a code, where the scenario says so.
    failing: BTreeMap<u16, Shape>,
}

impl Pace {
    fn new(service: &Service, medians: &BTreeMap<u16, f64>, used: f64, key: u64, at: i64) -> Self {
        let usual = service.latency.millis() as f64 / 1e3;
        let shape = |median: f64, used: f64| duration::shape(duration::breathing(median, used, key, at));
        Self {
            usual: shape(usual, used),
            failing: medians.iter().map(|(code, median)| (*code, shape(*median, 0.0))).collect(),
        }
    }

    fn of(&self, code: u16) -> &Shape {
        self.failing.get(&code).unwrap_or(&self.usual)
    }
}

/// The share of requests above what a pod can take.
fn overload(capacity: Option<f64>, rate: f64) -> f64 {
    capacity.map_or(0.0, |capacity| (1.0 - capacity / rate.max(1e-9)).max(0.0))
}

impl Pod {
    /// Answers `arriving` requests; gives how many there were and how many of them failed.
    fn answer(&mut self, arriving: f64, shares: &Shares, pace: &Pace, seed: u64, step: i64) -> (u64, u64) {
        self.carry += arriving;
        let whole = self.carry.floor();
        self.carry -= whole;
        let all = whole as u64;
        let mut left = all;
        for (n, (code, share)) in shares.iter().enumerate() {
            if *share <= 0.0 {
                continue;
            }
            // Rounded up or down by chance, so that small shares are right in the mean.
            let chance = noise::step(self.key ^ seed ^ ((n as u64 + 1) << 32), step);
            let failed = ((left as f64 * share + chance).floor() as u64).min(left);
            if failed > 0 {
                *self.counts.entry(*code).or_default() += failed;
                self.durations.add(failed, pace.of(*code));
                left -= failed;
            }
        }
        if left > 0 {
            *self.counts.entry(200).or_default() += left;
            self.durations.add(left, &pace.usual);
        }
        (all, all - left)
    }
}

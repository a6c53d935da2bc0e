//! What pods write: one access line a second in the form of nginx, a sample of their requests, with the statuses that
//! the scenario's faults give them. Lines are a function of seed, pod and second, so a log read twice is the same log.

use super::clock::{Millis, time};
use super::world::World;
use super::{noise, traffic};

/// Between two lines.
const STEP: Millis = 1_000;
/// Lines that are kept: a kubelet rotates, too.
const KEPT: usize = 1_000;

const PATHS: [&str; 5] = ["/api/orders", "/api/payments", "/api/search?q=tea", "/api/orders/7", "/healthz"];

impl World {
    /// The lines of a pod from the second `from` on (as many as are kept), oldest first, and the second that comes next;
    /// `timestamps` puts the runtime's time before each. Empty for a pod that does not run.
    pub(super) fn log(&self, pod: &str, from: i64, timestamps: bool) -> (String, i64) {
        let Some(pod) = self.pods.get(pod).filter(|pod| pod.phase != traffic::Phase::Waiting) else {
            return (String::new(), from);
        };
        let downstream = self.downstream(&pod.deployment, &self.failing_services(self.now));
        let last = self.now.div_euclid(STEP);
        let first = from.max(last - KEPT as i64 + 1);
        let mut text = String::new();
        for second in first..=last {
            let at = second * STEP;
            let chance = |n: u64| noise::step(pod.key ^ self.seed ^ (n << 40), second);
            let mut shares = pod.faults(self.zero, at);
            shares.extend(self.timed_faults(&pod.deployment, at));
            shares.push((502, downstream));
            let failed = (1_u64..).zip(&shares).find(|(n, (_, share))| chance(*n) < *share);
            let path = PATHS[(chance(90) * PATHS.len() as f64) as usize % PATHS.len()];
            let status = match failed {
                Some((_, (code, _))) if path != "/healthz" => *code,
                _ => 200,
            };
            let moment = time(at);
            if timestamps {
                text.push_str(&format!("{}.{:09}Z ", moment.format("%Y-%m-%dT%H:%M:%S"), 4_000_000));
            }
            text.push_str(&format!(
                "10.42.0.{} - - [{} +0000] \"GET {path} HTTP/1.1\" {status} {} \"-\" \"-\" {:.3}\n",
                2 + (chance(91) * 40.0) as u32,
                moment.format("%d/%b/%Y:%H:%M:%S"),
                if status == 200 { 612 } else { 157 },
                0.002 + chance(92) * 0.03,
            ));
        }
        (text, first.max(last + 1))
    }

    /// The second at which the last `lines` lines begin of a pod that began at `began`.
    pub(super) fn log_tail(&self, began: Millis, lines: usize) -> i64 {
        let last = self.now.div_euclid(STEP);
        (last - lines.min(KEPT) as i64 + 1).max(began.div_euclid(STEP) + 1)
    }
}

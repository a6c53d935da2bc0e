//! The promises, looked at after every step. It knows what really happened and what each person saw, and takes
//! nothing from the engine's word.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use goaround::domain::Time;
use goaround::domain::cluster::{ContentDigest, Key};
use goaround::domain::plan::Plan;
use goaround::engine::Effect;
use goaround::engine::event::Ticket;
use goaround::engine::gate::Approved;
use goaround::engine::record;
use goaround::engine::verify::Phase;

use crate::run::{Host, Operator, front, gates};
use crate::server::{Before, Server};
use crate::story::key;

/// Seconds within which an approved action may be sent, and a card be approved: the defaults of the policy.
const EXECUTE_WITHIN: Duration = Duration::from_secs(30);
const VOID_AFTER: Duration = Duration::from_secs(600);
/// Effect lines count as read after this.
const READ: Duration = Duration::from_millis(800);
/// The cluster of every story.
const CLUSTER: &str = "c0ffee";

/// An approval as it really was.
struct Given {
    plan: Plan,
    digest: ContentDigest,
    lines: Vec<String>,
    gates: String,
    at: Duration,
    opened: Duration,
    host: usize,
    sent: bool,
}

/// What was promised and what was seen of it.
#[derive(Default)]
pub struct Judge {
    /// The first promise that was broken, in words.
    pub broken: Option<String>,
    given: BTreeMap<String, Given>,
    /// Cards by operator's host and proposal: when they were first there.
    opened: BTreeMap<(usize, String), Duration>,
    /// Rejections that are on their way: operator's host and fingerprint.
    rejecting: Vec<(usize, String)>,
    /// Actions that were handed to an executor.
    pub sent: u64,
    /// Writes that were done.
    pub done: u64,
    /// Actions that were told to have helped.
    pub helped: u64,
}

impl Judge {
    fn check(&mut self, holds: bool, promise: impl FnOnce() -> String) {
        if !holds && self.broken.is_none() {
            self.broken = Some(promise());
        }
    }

    /// An engine wants something.
    pub fn wants(
        &mut self,
        operator: &mut Operator,
        hosts: &[Host],
        effect: &Effect,
        mono: Duration,
        server: &Server,
    ) {
        match effect {
            Effect::Recheck(digest, plan, _) => self.approved(operator, digest, plan, mono),
            Effect::Execute(approved) => self.executes(operator, hosts, approved, mono),
            Effect::Record { ticket: Ticket::Note, kind, body } => {
                if *kind == record::REJECTED {
                    let fingerprint = body["fingerprint"].as_str().unwrap_or_default();
                    operator.refused.insert(fingerprint.to_owned());
                }
                self.recorded(operator, kind, body, server);
            }
            _ => {}
        }
    }

    /// A person's last character: was it this that the person saw and read?
    fn approved(&mut self, operator: &Operator, digest: &ContentDigest, plan: &Plan, mono: Duration) {
        let workload = plan.workload.clone();
        let seen = &operator.seen;
        let typed = seen.typed >= 4 && seen.token.is_some();
        self.check(typed, || format!("{workload}: approved without a token that was typed in order"));
        self.check(seen.digest.as_ref() == Some(digest), || {
            format!("{workload}: approved is {}, on the screen was {:?}", digest.short(), seen.digest)
        });
        self.check(plan.digest(CLUSTER) == *digest, || {
            format!("{workload}: the digest is not that of the plan")
        });
        self.check(front(&operator.story) == workload, || format!("{workload}: another card was in front"));
        self.check(mono.saturating_sub(seen.since) >= READ, || {
            format!(
                "{workload}: its effect lines were on the screen for {:?}",
                mono.saturating_sub(seen.since)
            )
        });
        let state = &operator.story.state;
        let Some(incident) = state.incidents.get(&workload) else { return };
        let Some(running) = &incident.running else { return };
        let lines: Vec<String> =
            incident.proposal.iter().flat_map(|p| p.effect_lines()).map(|l| l.text.to_string()).collect();
        self.check(lines == seen.lines, || {
            format!("{workload}: other effect lines than those on the screen")
        });
        let id = running.action.0.clone();
        self.check(!self.given.contains_key(&id), || format!("{id}: one id for two actions"));
        let card = incident.proposal.as_ref().map(|card| format!("{workload} {}", card.id()));
        let opened = card.and_then(|card| self.opened.get(&(operator.host, card))).copied().unwrap_or(mono);
        let given = Given {
            plan: plan.clone(),
            digest: digest.clone(),
            lines,
            gates: seen.gates.clone(),
            at: mono,
            opened,
            host: operator.host,
            sent: false,
        };
        self.given.insert(id, given);
    }

    /// It is handed to the executor.
    fn executes(&mut self, operator: &Operator, hosts: &[Host], approved: &Approved, mono: Duration) {
        self.sent += 1;
        let id = approved.action().0.clone();
        let Some(given) = self.given.get_mut(&id) else {
            self.check(false, || format!("{id}: sent, and nobody approved it"));
            return;
        };
        let again = std::mem::replace(&mut given.sent, true);
        let by = operator.story.state.user();
        let calls = given.plan.stamped(&id, &given.digest, by.as_str());
        let same = *approved.digest() == given.digest && approved.calls() == calls;
        let (late, open) = (mono.saturating_sub(given.at), mono.saturating_sub(given.opened));
        let (workload, host) = (given.plan.workload.clone(), given.host);
        let (lines, gates_then) = (given.lines.clone(), given.gates.clone());
        self.check(!again, || format!("{id}: handed over twice"));
        self.check(same, || format!("{id}: sent is something else than was approved"));
        self.check(open < VOID_AFTER, || format!("{id}: sent {open:?} after its card was opened"));
        self.check(late < EXECUTE_WITHIN, || format!("{id}: sent {late:?} after it was approved"));
        let intent = |(kind, _, body): &&(&str, Time, serde_json::Value)| {
            *kind == record::INTENT && body["action"] == id.as_str()
        };
        let durable = hosts[host].records.iter().find(intent).is_some();
        self.check(durable, || format!("{id}: sent before its intent was on the disk"));
        // What this session knows to be unknown holds up everything else on that workload.
        let name = workload.to_string();
        let open = operator.story.state.journal.actions.iter();
        let open: Vec<&str> = open
            .filter(|a| a.workload == name && a.action != id && a.unknown)
            .map(|a| a.action.as_str())
            .collect();
        self.check(open.is_empty(), || format!("{id}: sent while the outcome of {open:?} is unknown"));
        let journal = unresolved(&hosts[host], &name, &id);
        let known = operator.story.state.journal.read.is_some();
        let own: BTreeSet<&str> =
            operator.story.state.journal.actions.iter().map(|a| a.action.as_str()).collect();
        let forgotten: Vec<&String> = journal.iter().filter(|a| own.contains(a.as_str())).collect();
        self.check(!known || forgotten.is_empty(), || {
            format!("{id}: sent while the journal leaves the outcome of {forgotten:?} open")
        });
        let analysis = operator.story.state.incidents.get(&workload).and_then(|i| i.analysis.as_ref());
        let now = analysis.map(gates).unwrap_or_default();
        self.check(now == gates_then, || format!("{id}: sent with gates {now}, approved with {gates_then}"));
        let now: Vec<String> = analysis
            .map(goaround::engine::gate::effect_lines)
            .unwrap_or_default()
            .iter()
            .map(|l| l.text.to_string())
            .collect();
        self.check(now == lines, || format!("{id}: sent with other consequences than were read"));
    }

    /// The server has done a call; `before`: the object as it stood.
    pub fn written(&mut self, approved: &Approved, call: usize, before: Option<&Before>) {
        self.done += 1;
        let id = approved.action().0.clone();
        let Some(given) = self.given.get(&id) else {
            self.check(false, || format!("{id}: written, and nobody approved it"));
            return;
        };
        let plan = given.plan.clone();
        let Some(before) = before.cloned() else { return };
        if let Some(config) = plan.undo.configs.get(call) {
            self.check(before.uid == config.uid.0.as_str(), || {
                format!("{id}: wrote ConfigMap {}, approved was {}", before.uid, config.uid.0)
            });
            let was = ContentDigest::of(&config.version.data.value());
            self.check(before.content == was, || {
                format!("{id}: call {call} overwrote a content that was not on the card")
            });
        } else {
            self.check(before.uid == plan.uid.0.as_str(), || {
                format!("{id}: wrote object {}, approved was {}", before.uid, plan.uid.0)
            });
            self.check(before.content == plan.undo.template, || {
                format!("{id}: overwrote a template that was not on the card")
            });
            self.check(!before.paused, || format!("{id}: wrote a paused Deployment"));
        }
    }

    /// A person refuses what is on the card.
    pub fn rejects(&mut self, operator: &Operator, workload: &Key) {
        let incident = operator.story.state.incidents.get(workload);
        let card = incident.and_then(|i| i.proposal.as_ref());
        if let Some(card) = card {
            self.rejecting.push((operator.host, card.analysis.fingerprint.clone()));
        }
    }

    fn recorded(&mut self, operator: &Operator, kind: &str, body: &serde_json::Value, server: &Server) {
        let action = body["action"].as_str().unwrap_or_default().to_owned();
        match kind {
            record::REJECTED => {
                let fingerprint = body["fingerprint"].as_str().unwrap_or_default().to_owned();
                let known = self.rejecting.iter().any(|(_, f)| *f == fingerprint);
                self.check(known, || format!("a rejection of {fingerprint} that nobody made"));
            }
            record::OUTCOME | record::READ_BACK if body["unknown"] == false => {
                let told = body["done"].as_u64().unwrap_or(0);
                let really = server.done(&action) as u64;
                self.check(told == really, || {
                    format!("{action}: recorded as {told} calls done, the server has done {really}")
                });
            }
            record::CLOSED if body["outcome"] == "helped" => {
                self.helped += 1;
                let workload = self.given.get(&action).map(|g| (g.plan.workload.clone(), g.plan.calls.len()));
                let Some((workload, calls)) = workload else { return };
                let done = server.done(&action);
                self.check(done == calls, || format!("{action}: HELPED with {done} of {calls} calls done"));
                let target = self.given.get(&action).map(|g| g.plan.target_template.clone());
                let seen = operator.story.state.world.deployments.get(&workload);
                let stands = seen.map(|d| d.template.digest_but_restart.clone()) == target;
                self.check(stands, || format!("{action}: HELPED by a template that is not there any more"));
                let now = operator.story.now;
                let truth = server.workloads.iter().find(|w| key(w.name) == workload);
                let Some(truth) = truth else { return };
                let minute = truth.until.unwrap_or(now).min(now);
                let of = |seconds| truth.between(minute - chrono::TimeDelta::seconds(seconds), minute);
                // Two scrapes and a half, of which an answer may be half a minute old.
                let studies = operator.story.state.studies.values();
                let scrape = studies.filter_map(|s| s.scrape).map(|s| s.secs() as i64).max().unwrap_or(60);
                self.check(of(31 + (scrape * 5 / 2).max(30)).1 > 0.0, || {
                    format!("{action}: HELPED while no requests come")
                });
                let (bad, total) = of(60);
                self.check(bad <= 0.1 * total, || {
                    format!("{action}: HELPED while {bad} of {total} requests of the last minute failed")
                });
            }
            _ => {}
        }
    }

    /// After every step: what each engine says of itself.
    pub fn look(&mut self, operator: &Operator, server: &Server) {
        let state = &operator.story.state;
        for (workload, incident) in &state.incidents {
            if let Some(card) = &incident.proposal {
                let mono = operator.story.mono - operator.began;
                self.opened.entry((operator.host, format!("{workload} {}", card.id()))).or_insert(mono);
                let by_hand = card.analysis.by_hand || incident.wish.is_some();
                let rejected = operator.refused.contains(&card.analysis.fingerprint);
                self.check(by_hand || !rejected, || {
                    format!("{workload}: what was rejected is offered again")
                });
            }
            let Some(running) = &incident.running else { continue };
            let id = &running.action.0;
            let done = server.done(id);
            // One that was taken up from the journal does not carry its calls.
            let calls = self.given.get(id).map_or(running.calls.len(), |g| g.plan.calls.len());
            let honest = match &running.phase {
                Phase::Rechecking | Phase::Recording => done == 0,
                Phase::Stabilising | Phase::Verifying => done == calls,
                _ => true,
            };
            self.check(honest, || format!("{id}: is {:?}, {done} calls were done", running.phase));
        }
    }

    /// After the peace: everything has come to its end, and the records tell the truth.
    pub fn end(&mut self, operators: &[Operator], hosts: &[Host], server: &Server) {
        let count: BTreeMap<(String, usize), usize> =
            server.written.iter().fold(BTreeMap::new(), |mut count, w| {
                *count.entry((w.action.clone(), w.call)).or_default() += 1;
                count
            });
        for ((action, call), times) in count {
            self.check(times == 1, || format!("{action}: call {call} was done {times} times"));
        }
        for (n, operator) in operators.iter().enumerate() {
            for (workload, incident) in &operator.story.state.incidents {
                let Some(running) = &incident.running else { continue };
                let stuck = !running.over() && !matches!(running.phase, Phase::Unknown(_));
                self.check(!stuck, || format!("{workload}: operator {n} is for ever {:?}", running.phase));
                if let Phase::Unknown(why) = &running.phase {
                    // Only where nothing is left that could tell.
                    let gone = why.as_str().contains("re-created")
                        || why.as_str().contains("somebody else changed")
                        || why.as_str().contains("is gone");
                    self.check(gone, || format!("{workload}: operator {n} never learnt the outcome: {why}"));
                }
            }
        }
        let given: Vec<(String, usize, usize)> =
            self.given.iter().map(|(id, g)| (id.clone(), g.host, g.plan.calls.len())).collect();
        for (id, host, calls) in given {
            let done = server.done(&id);
            let records = record::past(hosts[host].records.iter().map(|(k, t, b)| (*k, *t, b)));
            let told = records.actions.iter().find(|a| a.action == id);
            let Some(told) = told else {
                self.check(done == 0, || format!("{id}: {done} calls done and no record of it"));
                continue;
            };
            let truth = match (told.unknown, told.executed, told.partial()) {
                // Nobody claims to know.
                (true, ..) => true,
                (false, false, _) => done == 0,
                (false, true, true) => done > 0 && done < calls,
                (false, true, false) => done == calls,
            };
            self.check(truth, || {
                let outcome = &told.outcome;
                format!(
                    "{id}: the journal says {outcome:?}, executed {}, the server did {done}",
                    told.executed
                )
            });
        }
    }
}

/// Actions of a journal on a workload whose outcome no record tells.
fn unresolved(host: &Host, workload: &str, but: &str) -> Vec<String> {
    let past = record::past(host.records.iter().map(|(kind, time, body)| (*kind, *time, body)));
    past.actions
        .into_iter()
        .filter(|a| a.workload == workload && a.action != but && a.unknown)
        .map(|a| a.action)
        .collect()
}

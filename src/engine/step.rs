//! One event in, effects out. It only dispatches: the rules live where their subject is.

use crate::domain::cluster::{Change, ClusterFact, Key, RefKind};
use crate::domain::plan::{ACTION, BY};
use crate::domain::signal::{Health, Signal, Source};
use crate::domain::window::Window;
use crate::sabotage::{self, Design};

use super::effect::Effect;
use super::event::{Event, Stamped, Ticket};
use super::state::{State, Weight};
use super::{
    action, courtesy, drill, incident, input, inspect, ledger, listing, mapping, opinion, quorum, settle,
};

/// A review happens at most this often, unless somebody is waiting for it.
const REVIEW_EVERY: Window = Window::from_secs(1);
/// Between two searches for Prometheus, in seconds.
const LOOK_FOR_PROMETHEUS_EVERY: i64 = 30;
/// Longer after an edit, something else may have been there in between.
const JUST_NOW: i64 = 60;

/// Lines of a source among which the same failure is not said again.
const SAID_LATELY: usize = 20;

/// Takes one event.
pub fn step(state: &mut State, stamped: Stamped) -> Vec<Effect> {
    // A wall clock that was set back must not hold up what is due: time then goes on by the other one, and what
    // Prometheus says looks as old as the clocks differ.
    let passed = chrono::TimeDelta::from_std(stamped.mono.saturating_sub(state.mono)).unwrap_or_default();
    let follows = stamped.at >= state.now || sabotage::is(Design::WallClockOnly);
    state.now = if follows { stamped.at } else { state.now + passed };
    state.mono = stamped.mono.max(state.mono);
    let mut effects = Vec::new();
    let review_now = dispatch(state, stamped.event, &mut effects);
    find_prometheus(state, &mut effects);
    inspect::keep(state, &mut effects);
    // By either clock: a wall clock that was set back must not stop what expires.
    let passed = state.mono.saturating_sub(state.reviewed_mono);
    let due = state.reviewed.is_none_or(|at| state.now - at >= REVIEW_EVERY.delta())
        || passed.as_secs() >= REVIEW_EVERY.secs();
    let review = review_now || (due && state.world.cluster_id.is_some());
    if review {
        effects.extend(incident::review(state));
        super::inbox::call(state, &mut effects);
    }
    super::inbox::hush(state, &mut effects);
    drill::keep(state, &mut effects);
    listing::keep(state, review);
    effects
}

/// Services are known and no Prometheus is: look for one, again every half a minute.
fn find_prometheus(state: &mut State, effects: &mut Vec<Effect>) {
    let listed = state.world.sources.get(&Source::Kind("services")).is_some_and(|s| s.synced);
    let due = state
        .looked_for_prometheus
        .is_none_or(|at| (state.now - at).num_seconds() >= LOOK_FOR_PROMETHEUS_EVERY);
    if state.setup.find_prometheus && state.world.prometheus.is_none() && listed && due {
        state.looked_for_prometheus = Some(state.now);
        effects.push(Effect::FindPrometheus(state.world.services.values().cloned().collect()));
    }
}

/// True when somebody waits for what follows from it.
fn dispatch(state: &mut State, event: Event, effects: &mut Vec<Effect>) -> bool {
    match event {
        Event::Signal(signal) => return signalled(state, signal, effects),
        Event::Command(command) => {
            listing::before_command(state);
            return input::command(state, command, effects);
        }
        Event::Shown(shown) => {
            if shown.page.rows > 0 {
                state.view.scroll = state.view.scroll.min(shown.page.last);
            }
            state.view.page.clone_from(&shown.page);
            for incident in state.incidents.values_mut() {
                if let Some(proposal) = &mut incident.proposal {
                    proposal.shown(&shown, state.mono);
                }
            }
        }
        Event::DryRun(digest, answer) => {
            if let Some(asked) = state.dry_runs.get_mut(&digest) {
                *asked = answer;
                return true;
            }
        }
        Event::Rechecked(digest, fresh) => {
            let holder = state
                .incidents
                .values()
                .find(|i| i.acting() && i.running.as_ref().is_some_and(|r| r.digest == digest))
                .map(|i| i.workload.clone());
            if let Some(workload) = holder {
                action::rechecked(state, &workload, *fresh, effects);
                return true;
            }
        }
        Event::Recorded(ticket, _, head) => {
            state.journal.head = Some(Ok(head));
            match ticket {
                Ticket::Intent(id) => {
                    // What arrived since the last look counts before anything is sent.
                    effects.extend(incident::review(state));
                    action::recorded(state, &id, effects);
                }
                Ticket::Word(id, word) => settle::given(state, &id, &word),
                Ticket::Note => {}
            }
        }
        Event::RecordFailed(ticket, why) => action::record_failed(state, &ticket, &why, effects),
        Event::Called(id, index, called) => {
            action::called(state, &id, index, called, effects);
            return true;
        }
        Event::FoundAt(id, generation) => {
            state.found_at.insert(id, generation);
        }
        Event::ReadBack(id, found) => action::read_back(state, &id, found, effects),
        Event::NotReadBack(id, why) => action::not_read_back(state, &id, why),
        Event::Past(past) => state.learn(past),
        Event::Records(told) => ledger::told_records(state, told),
        Event::Whole(whole) => ledger::told_record(state, whole),
        Event::Exported(exported) => ledger::exported(state, exported),
        Event::Context { name, production } => {
            state.setup.context = name;
            state.setup.prod = production;
        }
        Event::Journal(head, past) => {
            if let Err(why) = &head {
                state.say("journal", Weight::Bad, format!("nothing can be approved: {why}"));
            }
            state.journal.head = Some(head);
            state.journal.began.get_or_insert(state.now);
            state.learn(past);
        }
        Event::Advice(id, advice) => opinion::heard(state, id, *advice, effects),
        Event::Pod(uid, page) => inspect::pod_read(state, &uid, *page),
        Event::PodLog(stream, news) => inspect::log_heard(state, stream, news),
        Event::Alerts(slo, rules) => inspect::alerts_read(state, &slo, *rules),
        Event::Leases(namespace, found) => courtesy::heard(state, &namespace, found),
        Event::Rulings(namespace, found) => quorum::heard(state, &namespace, found),
        Event::Forgery(namespace, held) => quorum::tried(state, &namespace, held),
        Event::Ruled(workload, digest, count) => {
            quorum::ruled(state, &workload, &digest, *count, effects);
            return true;
        }
        Event::NotTold(why) => courtesy::not_told(state, &why),
        Event::Line(trip) => state.line = Some(trip),
        // The log says the same sentence once.
        Event::Leaving => {
            state.say("gate", Weight::Attention, "leaving when the outcome of what was sent is on the record")
        }
        Event::Tick => {}
    }
    false
}

fn signalled(state: &mut State, signal: Signal, effects: &mut Vec<Effect>) -> bool {
    match &signal {
        Signal::Findings(findings) => {
            let taken = state.studies.get_mut(&findings.slo).is_some_and(|s| s.take((**findings).clone()));
            return taken;
        }
        Signal::Health(source, health) => tell_health(state, *source, health),
        Signal::Failed(source, why) => {
            // It is tried again, and fails in the same words: once is enough for a while.
            let mut last =
                state.log.iter().rev().filter(|line| line.source == source.name()).take(SAID_LATELY);
            if !last.any(|line| line.text == *why) {
                state.say(source.name(), Weight::Attention, why);
            }
        }
        Signal::Cluster(fact) => {
            tell_change(state, fact);
            if let ClusterFact::Content(key, Some(content)) = &**fact
                && state.setup.policy.keep_config_content
            {
                // What was watched until it was edited was there until then, not only when it was read.
                let edited = state.world.referenced.get(&(RefKind::ConfigMap, key.clone()));
                let edited = edited.and_then(|object| object.data_changed());
                let just_now = edited.is_some_and(|(at, _)| (state.now - at).num_seconds().abs() <= JUST_NOW);
                let left = state.world.contents.get(key).and_then(|c| c.as_ref());
                let left = left.filter(|left| just_now && left.digest != content.digest);
                for content in left.into_iter().chain([content]) {
                    let version = crate::domain::cluster::ConfigVersion {
                        data: content.data.clone(),
                        binary_data: content.binary_data.clone(),
                        digest: content.digest.clone(),
                    };
                    effects.push(Effect::KeepContent(key.clone(), content.uid.clone(), version));
                }
            }
            state.remap |= matches!(
                &**fact,
                ClusterFact::Deployments(Change::Listed(_) | Change::Deleted(..)) | ClusterFact::Services(_)
            );
            match &**fact {
                ClusterFact::Deployments(Change::Applied(d)) => {
                    let old = state.world.deployments.get(&d.meta.key);
                    if old.is_none() {
                        state.listing.outdated();
                    }
                    state.remap |= old.is_none_or(|old| old.template.labels != d.template.labels);
                }
                ClusterFact::Deployments(Change::Listed(_)) => state.listing.outdated_now(),
                ClusterFact::Deployments(Change::Deleted(..)) => state.listing.outdated(),
                _ => {}
            }
        }
        Signal::Slos(slos) => {
            state.listing.outdated_now();
            let known = &state.world.slos;
            state.remap |=
                slos.iter().any(|slo| known.get(&slo.id).is_some_and(|old| mapping::is_another(old, slo)));
        }
        Signal::Prometheus { at, why, others } => {
            let more =
                if others.is_empty() { String::new() } else { format!(", {} others found", others.len()) };
            state.say("prom", Weight::Plain, format!("taking {at}: {why}{more}"));
        }
        Signal::Scope { namespace: Some(namespace), forbidden: true } => {
            state.say(
                "kube",
                Weight::Attention,
                format!("only namespace {namespace}: a cluster-wide list is forbidden"),
            );
        }
        Signal::Identity(identity) => {
            state.say("kube", Weight::Plain, format!("the API server knows us as {}", identity.user))
        }
        _ => {}
    }
    let urgent = matches!(signal, Signal::Slos(_) | Signal::Rights(_) | Signal::Known(..));
    let at = state.now;
    state.world.take(signal, at);
    state.dirty = true;
    urgent && state.world.cluster_id.is_some()
}

fn tell_health(state: &mut State, source: Source, health: &Health) {
    if state.world.sources.get(&source).is_some_and(|s| s.health == *health) {
        return;
    }
    match health {
        Health::Down(why) => state.say(source.name(), Weight::Bad, format!("down: {why}")),
        Health::Forbidden(why) => state.say(source.name(), Weight::Attention, format!("forbidden: {why}")),
        Health::Live if state.world.sources.get(&source).is_some_and(|s| s.health != Health::Starting) => {
            state.say(source.name(), Weight::Plain, "back again");
        }
        Health::Live | Health::Starting => {}
    }
}

/// Rollouts and edits of workloads under watch are worth a line.
fn tell_change(state: &mut State, fact: &ClusterFact) {
    let ClusterFact::Deployments(Change::Applied(new)) = fact else {
        return;
    };
    let key: &Key = &new.meta.key;
    let Some(old) = state.world.deployments.get(key) else {
        return;
    };
    let changed = old.template.digest != new.template.digest;
    let done = !old.settled() && new.settled();
    let pause = (old.paused != new.paused).then_some(if new.paused { "paused" } else { "resumed" });
    if changed {
        // What our own mark came with is ours, whoever owned the fields before.
        let mark = new.annotation(ACTION);
        let client = match super::revisions::template_client(new) {
            _ if mark.is_some() && mark != old.annotation(ACTION) => {
                let known = |id: &str| state.journal.actions.iter().any(|a| a.action == id);
                let ours = mark.as_ref().and_then(|m| m.as_str().split(':').next()).is_some_and(known);
                let by = new.annotation(BY).filter(|by| !ours && !by.as_str().is_empty());
                by.map_or(", by goaround".into(), |by| format!(", by {by} through goaround"))
            }
            Some(client) => format!(", by {client} (client)"),
            None => String::new(),
        };
        let images: Vec<&str> = new.template.images.iter().map(|i| i.as_str()).collect();
        state.say(
            "kube",
            Weight::Plain,
            format!("Deployment {key}: new template, {}{client}", images.join(", ")),
        );
    } else if done {
        state.say(
            "kube",
            Weight::Plain,
            format!("Deployment {key}: rollout done, {} available", new.available),
        );
    }
    if let Some(word) = pause {
        state.say("kube", Weight::Plain, format!("Deployment {key}: {word}"));
    }
}

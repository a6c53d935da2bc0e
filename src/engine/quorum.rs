//! The second person's rule: an action is sent when so many people approved its very digest, each by the whole gesture.
//! People are counted as the API server names them. Their approvals are objects of the cluster, which a person could
//! write in another's name if nothing held that: so it is tried first, and what cannot be held is refused.
//!
//! ```text
//! token complete -> give: record, write own approval, read all, try to forge -> ruled --too few--> waits on the card
//!                                                                                \--enough--> action::go
//! ```
//! A rejection wins over approvals; an edit has another digest, for which nobody approved yet; what expires is not counted,
//! and is looked at again when the action is sent.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::TimeDelta;

use crate::domain::Time;
use crate::domain::clean::Clean;
use crate::domain::cluster::{ContentDigest, Key};
use crate::domain::format;
use crate::domain::notice::{Ruling, Said, nobody};
use crate::domain::verdict::Offer;
use crate::sabotage::{self, Design};

use super::action;
use super::effect::Effect;
use super::event::{Count, Ticket};
use super::gate::{Gesture, Given};
use super::incident::Incident;
use super::record;
use super::state::{Setup, State, Weight};
use super::view::Screen;

/// Between two attempts to forge an approval, in seconds: the policy that refuses it may be taken away.
const TRY: i64 = 60;
/// The same while it is not known, or not held.
const RETRY: i64 = 15;
/// Between two looks at approvals, in seconds, for the card in front and for others.
const LOOK: i64 = 5;
const GLANCE: i64 = 15;
/// Clocks of two hosts may differ by this.
const CLOCKS: TimeDelta = TimeDelta::seconds(60);
/// An approval that could not be counted within this is given up.
const COUNTED_WITHIN: TimeDelta = TimeDelta::seconds(60);

/// What is known of approvals.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Quorum {
    /// What was said, by namespace, as it was read last.
    rulings: BTreeMap<Clean, Vec<Ruling>>,
    /// When each namespace was read.
    looked: BTreeMap<Clean, Time>,
    /// Whether an approval can be forged in a namespace: when it was tried, and what came of it.
    guards: BTreeMap<Clean, (Time, Option<Result<(), Clean>>)>,
    /// Approvals of this session that stand in the cluster.
    own: BTreeMap<Key, Ruling>,
}

/// How many people must approve an action on `workload`.
pub fn needed(setup: &Setup, workload: &Key) -> u64 {
    setup.quorums.get(workload).copied().unwrap_or(setup.quorum).max(1)
}

/// Looks, tries and takes back, whatever is due.
pub(super) fn keep(state: &mut State, effects: &mut Vec<Effect>) {
    let wanted = |i: &&Incident| {
        needed(&state.setup, &i.workload) > 1 && i.analysis.as_ref().is_some_and(|a| a.plan.is_some())
    };
    let in_front = match &state.view.screen {
        Screen::Card(key) => Some(key),
        _ => None,
    };
    let mut namespaces: BTreeMap<Clean, i64> = BTreeMap::new();
    for incident in state.incidents.values().filter(wanted) {
        let every = if Some(&incident.workload) == in_front { LOOK } else { GLANCE };
        let known = namespaces.entry(incident.workload.namespace.clone()).or_insert(every);
        *known = every.min(*known);
    }
    if namespaces.is_empty() && state.quorum.own.is_empty() {
        return;
    }
    let (now, user) = (state.now, state.user());
    for (namespace, every) in namespaces {
        let due = state.quorum.looked.get(&namespace).is_none_or(|at| (now - *at).num_seconds() >= every);
        if due {
            state.quorum.looked.insert(namespace.clone(), now);
            effects.push(Effect::ReadRulings(namespace.clone()));
        }
        let tried = state.quorum.guards.get(&namespace);
        let every = if tried.is_some_and(|(_, said)| matches!(said, Some(Ok(())))) { TRY } else { RETRY };
        let due = tried.is_none_or(|(at, _)| (now - *at).num_seconds() >= every);
        if due && state.world.identity.is_some() && !state.setup.read_only {
            let said = state.quorum.guards.remove(&namespace).and_then(|(_, said)| said);
            state.quorum.guards.insert(namespace.clone(), (now, said));
            effects.push(Effect::TryForgery(namespace, user.clone()));
        }
    }
    plan_alike(state);
    take_back(state, effects);
}

/// A restart's time is under the digest: whoever is asked second plans with that of who approved first.
fn plan_alike(state: &mut State) {
    let (now, user, void_after) = (state.now, state.user(), state.setup.policy.void_after.delta());
    let rulings = &state.quorum.rulings;
    for incident in state.incidents.values_mut() {
        let Some(proposal) = &incident.proposal else { continue };
        let free = proposal.gesture == Gesture::Idle && proposal.given.is_none();
        if !free || proposal.analysis.offer != Offer::RestoreConfig {
            continue;
        }
        let theirs = rulings.get(&incident.workload.namespace).into_iter().flatten().filter(|r| {
            r.workload == incident.workload
                && r.by != user
                && r.said == Said::Approves
                && lives(r, now, void_after)
        });
        let Some(first) = theirs.min_by_key(|r| r.at) else { continue };
        if first.planned != incident.planned {
            incident.planned = first.planned;
            state.dirty = true;
        }
    }
}

/// Approvals of this session whose card is gone, or was approved on what is not so any more, are taken back. One that is
/// being counted, or was sent, stays.
fn take_back(state: &mut State, effects: &mut Vec<Effect>) {
    let (now, mono) = (state.now, state.mono);
    let own = std::mem::take(&mut state.quorum.own);
    for (workload, ruling) in own {
        let incident = state.incidents.get_mut(&workload);
        let sent =
            incident.as_ref().and_then(|i| i.running.as_ref()).is_some_and(|r| r.digest == ruling.digest);
        if sent || ruling.expires <= now {
            continue;
        }
        let card = incident.and_then(|i| i.proposal.as_mut()).filter(|p| p.digest == ruling.digest);
        if let Some(given) = card.and_then(|p| p.given.as_ref()) {
            let late = given.counting
                && (now - given.at >= COUNTED_WITHIN
                    || mono.saturating_sub(given.mono) >= Duration::from_secs(60));
            if late {
                refuse(state, &workload, "nobody answered");
            } else {
                state.quorum.own.insert(workload, ruling);
                continue;
            }
        }
        let ruling = Ruling { said: Said::Nothing, at: now, ..ruling };
        state.say(
            "gate",
            Weight::Plain,
            format!("{workload}: the approval is taken back: the card that was approved is no more"),
        );
        effects.push(Effect::Rule(Box::new(ruling)));
    }
}

/// The ruling counts, as far as its age goes.
fn lives(ruling: &Ruling, now: Time, void_after: TimeDelta) -> bool {
    now < ruling.expires && now - ruling.at < void_after && ruling.at - now < CLOCKS
}

/// What was said to this plan and counts.
fn said_to<'a>(
    state: &'a State,
    workload: &'a Key,
    digest: &'a ContentDigest,
) -> impl Iterator<Item = &'a Ruling> {
    let (now, void_after) = (state.now, state.setup.policy.void_after.delta());
    let here = state.quorum.rulings.get(&workload.namespace).map(Vec::as_slice).unwrap_or_default();
    here.iter().filter(move |r| {
        let same = r.digest == *digest || sabotage::is(Design::QuorumSurvivesEdit);
        r.workload == *workload && same && !nobody(&r.by) && lives(r, now, void_after)
    })
}

/// Approvals of this plan, one for each person, oldest first.
fn approvals<'a>(state: &'a State, workload: &'a Key, digest: &'a ContentDigest) -> Vec<&'a Ruling> {
    let mut counted = BTreeSet::new();
    let mut all: Vec<&Ruling> =
        said_to(state, workload, digest).filter(|r| r.said == Said::Approves).collect();
    all.sort_by_key(|r| r.at);
    all.retain(|r| counted.insert(r.person()));
    all
}

/// Plans for `workload` that somebody rejected, and who, in words that do not move.
pub(super) fn rejected(state: &State, workload: &Key) -> Vec<(ContentDigest, Clean)> {
    if needed(&state.setup, workload) < 2 {
        return Vec::new();
    }
    let (now, void_after) = (state.now, state.setup.policy.void_after.delta());
    let here = state.quorum.rulings.get(&workload.namespace).into_iter().flatten();
    let no = here.filter(|r| {
        r.workload == *workload && r.said == Said::Rejects && !nobody(&r.by) && lives(r, now, void_after)
    });
    let words = |r: &Ruling| {
        let (at, until) = (format::clock(r.at), format::clock(r.expires));
        Clean::new(format!("{} rejected it at {at}; hint: edit it, or wait until {until}", r.by))
    };
    no.map(|r| (r.digest.clone(), words(r))).collect()
}

/// Who rejected this plan, if anybody did.
fn rejection(state: &State, workload: &Key, digest: &ContentDigest) -> Option<String> {
    let all = rejected(state, workload);
    all.into_iter().find(|(rejected, _)| rejected == digest).map(|(_, why)| why.to_string())
}

/// Why a quorum on `workload` cannot be met here, if that is so.
pub(super) fn unmet(state: &State, workload: &Key) -> Option<String> {
    let needed = needed(&state.setup, workload);
    if needed < 2 || state.setup.read_only {
        return None;
    }
    let cannot = |why: &str| Some(format!("a quorum of {needed} cannot be held: {why}"));
    let Some(identity) = &state.world.identity else {
        return cannot("the API server did not say yet who we are");
    };
    if !identity.is_told() {
        return cannot(
            "the API server does not say who we are, and what a kubeconfig says can be said twice",
        );
    }
    if nobody(&identity.user) {
        return cannot(&format!("{} is a program and nobody who could approve", identity.user));
    }
    match state.quorum.guards.get(&workload.namespace).and_then(|(_, said)| said.as_ref()) {
        None => cannot("it is not known yet whether an approval could be forged"),
        Some(Err(why)) => cannot(&format!("{why}; hint: kubectl apply -f deploy/quorum.yaml")),
        Some(Ok(())) => None,
    }
}

/// The gesture is complete where more than one person is wanted: it is recorded, written and counted.
pub(super) fn give(state: &mut State, workload: &Key, reason: String, effects: &mut Vec<Effect>) {
    let cluster = state.world.cluster_id.clone().unwrap_or_default();
    let (now, mono, by) = (state.now, state.mono, state.user());
    let Some(incident) = state.incidents.get_mut(workload) else { return };
    let planned = incident.planned;
    let Some(proposal) = &mut incident.proposal else { return };
    let ruling = Ruling {
        workload: workload.clone(),
        digest: proposal.digest.clone(),
        by: by.clone(),
        said: Said::Approves,
        at: now,
        expires: proposal.expires,
        planned,
    };
    let body = record::decided(proposal, cluster.as_str(), &by, &reason, now);
    proposal.gesture = Gesture::Decided;
    proposal.given = Some(Given { reason, at: now, mono, counting: true });
    state.quorum.own.insert(workload.clone(), ruling.clone());
    effects.push(Effect::Record { ticket: Ticket::Note, kind: record::APPROVED, body });
    effects.push(Effect::Rule(Box::new(ruling)));
    state.say("gate", Weight::Attention, format!("{workload}: approved by {by}, counting who else did"));
}

/// A person refused where more than one is wanted: that is told, and wins over what others approve.
pub(super) fn reject(
    state: &mut State,
    workload: &Key,
    digest: &ContentDigest,
    expires: Time,
    effects: &mut Vec<Effect>,
) {
    state.quorum.own.remove(workload);
    if needed(&state.setup, workload) < 2 || state.setup.read_only {
        return;
    }
    let ruling = Ruling {
        workload: workload.clone(),
        digest: digest.clone(),
        by: state.user(),
        said: Said::Rejects,
        at: state.now,
        expires,
        planned: state.now,
    };
    effects.push(Effect::Rule(Box::new(ruling)));
}

/// What was said in a namespace came.
pub(super) fn heard(state: &mut State, namespace: &Clean, found: Result<Vec<Ruling>, Clean>) {
    match found {
        Ok(found) => {
            if state.quorum.rulings.get(namespace) != Some(&found) {
                state.quorum.rulings.insert(namespace.clone(), found);
                state.dirty = true;
            }
        }
        Err(why) => {
            state.quorum.rulings.remove(namespace);
            tried(state, namespace, Err(Clean::new(format!("approvals cannot be read: {why}"))));
        }
    }
}

/// It was tried to forge an approval; `Ok`: the cluster refused it.
pub(super) fn tried(state: &mut State, namespace: &Clean, held: Result<(), Clean>) {
    let at = state.quorum.guards.get(namespace).map_or(state.now, |(at, _)| *at);
    state.dirty = true;
    state.quorum.guards.insert(namespace.clone(), (at, Some(held)));
}

/// Our own word was written, everybody's read, and a forgery tried: is it enough?
pub(super) fn ruled(
    state: &mut State,
    workload: &Key,
    digest: &ContentDigest,
    count: Result<Count, Clean>,
    effects: &mut Vec<Effect>,
) {
    let (now, mono) = (state.now, state.mono);
    if let Ok(count) = &count {
        heard(state, &workload.namespace, Ok(count.rulings.clone()));
        tried(state, &workload.namespace, count.forgery.clone());
    }
    let card =
        state.incidents.get(workload).and_then(|i| i.proposal.as_ref()).filter(|p| p.digest == *digest);
    let given = card.and_then(|p| p.given.clone()).filter(|g| g.counting);
    let (Some(card), Some(given)) = (card, given) else {
        // A rejection, or a card that is gone.
        if let Err(why) = count {
            state.say("gate", Weight::Attention, format!("{workload}: others were not told: {why}"));
        }
        return;
    };
    let within = state.setup.policy.execute_within;
    let late = now - given.at >= within.delta()
        || mono.saturating_sub(given.mono) >= Duration::from_secs(within.secs());
    let refusal = match count {
        Err(why) => Some(why.to_string()),
        Ok(_) if late => Some(format!("counting took longer than {within}")),
        Ok(_) if card.void(now, mono) => Some("the proposal expired".into()),
        Ok(_) => unmet(state, workload).or_else(|| rejection(state, workload, digest)),
    };
    if let Some(why) = refusal {
        return refuse(state, workload, &why);
    }
    let needed = needed(&state.setup, workload);
    let counted: Vec<Ruling> = approvals(state, workload, digest).into_iter().cloned().collect();
    let ours = counted.iter().any(|r| r.by == state.user());
    let words = tally(needed, &counted, now);
    let Some(proposal) = state.incidents.get_mut(workload).and_then(|i| i.proposal.as_mut()) else { return };
    if !ours || (counted.len() as u64) < needed {
        proposal.gesture = Gesture::Idle;
        proposal.given = Some(Given { counting: false, ..given });
        proposal.note = None;
        return state.say(
            "gate",
            Weight::Attention,
            format!("{workload}: {words}: it is sent when enough approved"),
        );
    }
    let of = |r: Ruling| {
        let left = (r.expires - now).to_std().unwrap_or_default();
        (r, mono + left)
    };
    proposal.counted = counted.into_iter().map(of).collect();
    state.say("gate", Weight::Attention, format!("{workload}: {words}"));
    action::go(state, workload, given.reason, effects);
}

/// Our approval is not counted, and why.
fn refuse(state: &mut State, workload: &Key, why: &str) {
    if let Some(proposal) = state.incidents.get_mut(workload).and_then(|i| i.proposal.as_mut()) {
        proposal.gesture = Gesture::Idle;
        proposal.given = None;
        proposal.note = Some(Clean::new(format!("the approval is not counted: {why}")));
    }
    state.say("gate", Weight::Bad, format!("{workload}: the approval is not counted: {why}"));
}

/// Why the people who were counted are not enough any more, if that is so: asked right before the record and the send.
pub(super) fn broken(state: &State, workload: &Key) -> Option<String> {
    let needed = needed(&state.setup, workload);
    if needed < 2 {
        return None;
    }
    let card = state.incidents.get(workload)?.proposal.as_ref()?;
    let lives =
        card.counted.iter().filter(|(r, until)| state.now < r.expires && state.mono < *until).count() as u64;
    if lives < needed {
        return Some(format!("{lives} of {needed} approvals hold, the others expired"));
    }
    rejection(state, workload, &card.digest)
}

fn tally(needed: u64, counted: &[Ruling], now: Time) -> String {
    let one = |r: &Ruling| format!("{}, {} ago", r.by, format::span((now - r.at).max(TimeDelta::zero())));
    let names: Vec<String> = counted.iter().map(one).collect();
    let names = if names.is_empty() { "nobody yet".to_owned() } else { names.join("; ") };
    format!("{} of {needed}: {names}", counted.len())
}

/// How many people approved what is on the card, and who: `1 of 2: ana, 40 s ago`.
pub fn words(state: &State, workload: &Key, digest: &ContentDigest) -> Option<String> {
    let needed = needed(&state.setup, workload);
    let counted: Vec<Ruling> = approvals(state, workload, digest).into_iter().cloned().collect();
    (needed > 1).then(|| format!("approved by {}", tally(needed, &counted, state.now)))
}

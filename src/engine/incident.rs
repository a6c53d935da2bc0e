//! Incidents: one per workload. The review looks at every SLO, opens and closes incidents, asks what must be asked,
//! analyses, and keeps the open card in step with the world. Decisions and actions go their way from here.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::domain::Time;
use crate::domain::clean::Clean;
use crate::domain::cluster::{ContentDigest, Key, RefKind, Right, Uid};
use crate::domain::diff;
use crate::domain::format;
use crate::domain::plan::DryRun;
use crate::domain::signal::{Health, Source};
use crate::domain::slo::{Severity, SloId};
use crate::domain::value::Value;
use crate::domain::verdict::{Offer, Outcome, Stage, Verdict};
use crate::domain::window::Window;
use crate::sabotage::{self, Design};

use super::analysis::{self, Analysis, Look, Wish};
use super::attribution;
use super::effect::Effect;
use super::event::Ticket;
use super::gate::{Gesture, Proposal};
use super::gates;
use super::investigate::Focus;
use super::mapping;
use super::record;
use super::revisions;
use super::state::{State, Weight};
use super::surroundings;
use super::verify::Running;
use super::view;
use super::world::World;

/// Rights are asked again after this.
const RIGHTS_EVERY: i64 = 60;
/// What could not be read or tried is asked again after this.
const RETRY: i64 = 15;
/// Edges are looked up this often while anything burns.
const EDGES_EVERY: i64 = 5;
/// A workload whose SLOs stopped burning is kept on the screen for this long.
const LINGER: i64 = 900;

/// Who withdrew a card or let it expire: no person.
const NOBODY: &str = "goaround";

/// Waiting with a tripwire.
#[derive(Clone, PartialEq, Debug)]
pub struct Waiting {
    /// Ask again then.
    pub until: Time,
    /// Ask again when the burn exceeds this.
    pub burn: Option<f64>,
    /// The card that was answered with wait.
    pub fingerprint: String,
}

/// An incident.
#[derive(Clone, PartialEq, Debug)]
pub struct Incident {
    /// The workload.
    pub workload: Key,
    /// When it was opened.
    pub opened: Time,
    /// SLOs that burn, most urgent first.
    pub slos: Vec<SloId>,
    /// When nothing burned any more.
    pub calm_since: Option<Time>,
    /// The newest analysis.
    pub analysis: Option<Analysis>,
    /// The open card.
    pub proposal: Option<Proposal>,
    /// Its card went under a hand that was typing; the next one startles.
    interrupted: bool,
    /// What a person asked for instead.
    pub wish: Option<Wish>,
    /// Fixes times that are under the digest; renewed with each wish.
    pub planned: Time,
    /// Waiting.
    pub waiting: Option<Waiting>,
    /// The action.
    pub running: Option<Running>,
    /// The action before it, still watched while its way back is being checked and recorded.
    pub before: Option<Running>,
    /// When each stage was reached.
    pub reached: BTreeMap<Stage, Time>,
    /// Change under suspicion, for the next inquiry.
    pub focus: Focus,
    /// The last verdict that was logged.
    pub said: Option<(Verdict, Offer)>,
}

impl Incident {
    /// A new one.
    pub fn new(workload: Key, now: Time) -> Self {
        Self {
            workload,
            opened: now,
            slos: Vec::new(),
            calm_since: None,
            analysis: None,
            proposal: None,
            interrupted: false,
            wish: None,
            planned: now,
            waiting: None,
            running: None,
            before: None,
            reached: BTreeMap::from([(Stage::Detect, now)]),
            focus: Focus::default(),
            said: None,
        }
    }

    /// Reaches a stage, once.
    pub fn reach(&mut self, stage: Stage, now: Time) {
        self.reached.entry(stage).or_insert(now);
    }

    /// The last stage that was reached.
    pub fn stage(&self) -> Stage {
        self.reached.keys().next_back().copied().unwrap_or(Stage::Detect)
    }

    /// An action is on its way.
    pub fn acting(&self) -> bool {
        self.running.as_ref().is_some_and(|r| !r.over())
    }

    /// The way back of the action that is being watched is asked for, and not approved yet.
    pub fn wants_way_back(&self) -> bool {
        let wanted = self.wish.as_ref().and_then(|w| w.undo_of.as_ref());
        wanted.is_some_and(|past| self.running.as_ref().is_some_and(|r| r.action.0 == past.action))
    }

    /// A person is wanted.
    pub fn open_gate(&self) -> bool {
        self.proposal.as_ref().is_some_and(|p| p.gesture != Gesture::Decided)
    }

    /// The card goes without an answer. The one that takes its place, at once or when a server has said what it thinks of
    /// it, must not be decided by a hand that is still typing on this one.
    fn lose_card(&mut self, mono: Duration) -> Option<Proposal> {
        let lost = self.proposal.take()?;
        self.interrupted = lost.takes_text() || lost.startled(mono);
        Some(lost)
    }

    /// Takes a wish: the card is drawn anew for it.
    pub fn want(&mut self, wish: Wish, now: Time) {
        self.wish = Some(wish);
        self.planned = now;
        self.waiting = None;
        self.said = None;
    }
}

/// Looks at everything.
pub fn review(state: &mut State) -> Vec<Effect> {
    let mut effects = Vec::new();
    map_slos(state);
    leave_mistaken(state, &mut effects);
    detect(state, &mut effects);
    let configs = read_configs(state, &mut effects);
    find_edges(state);
    forget_dry_runs(state);
    let workloads: Vec<Key> = state.incidents.keys().cloned().collect();
    for workload in &workloads {
        review_one(state, workload, &mut effects);
        super::opinion::keep(state, workload, &mut effects);
    }
    super::opinion::forget(state, &mut effects);
    study_selected(state, &mut effects);
    ask_every_right(state, &mut effects);
    super::courtesy::keep(state, &mut effects);
    super::quorum::keep(state, &mut effects);
    super::action::resolve_old(state, &mut effects);
    super::resume::read_journal(state, &mut effects);
    super::resume::take_up(state, &mut effects);
    super::resume::offer_rest(state);
    super::handover::take_up(state, &mut effects);
    super::forget::forget(state, &configs);
    state.dirty = false;
    state.reviewed = Some(state.now);
    state.reviewed_mono = state.mono;
    effects
}

fn map_slos(state: &mut State) {
    let missing = state.world.slos.keys().any(|id| !state.mapped.contains_key(id));
    if !missing && !state.remap {
        return;
    }
    // A part of the Deployments or Services may give one answer where all of them give two.
    let told = |kind| state.world.sources.get(&Source::Kind(kind)).is_some_and(|s| s.synced);
    if !told("deployments") || !told("services") {
        return;
    }
    state.remap = false;
    state.listing.outdated_now();
    state.mapped = state
        .world
        .slos
        .values()
        .map(|slo| {
            let configured = state.setup.slo_workloads.get(&slo.id);
            (slo.id.clone(), mapping::workload(&state.world, slo, configured))
        })
        .collect();
}

/// An SLO that was learnt to judge another workload, or one of several, holds no incident here any more.
fn leave_mistaken(state: &mut State, effects: &mut Vec<Effect>) {
    let mapped = &state.mapped;
    let mut mistaken = Vec::new();
    for (workload, incident) in &mut state.incidents {
        let before = incident.slos.len();
        let elsewhere = |id: &SloId| match mapped.get(id) {
            Some(Ok((key, _))) => key != workload,
            Some(Err(why)) => matches!(why, mapping::Unmapped::Ambiguous(_)),
            None => false,
        };
        incident.slos.retain(|id| !elsewhere(id));
        let held = incident.wish.is_some() || incident.running.is_some();
        if before > 0 && incident.slos.is_empty() && !held {
            mistaken.push(workload.clone());
        }
    }
    for workload in mistaken {
        withdraw(state, &workload, "its SLO judges another workload, or nobody knows which", effects);
        state.incidents.remove(&workload);
    }
}

/// Opens incidents for workloads whose SLOs burn, and notes where nothing burns any more.
fn detect(state: &mut State, effects: &mut Vec<Effect>) {
    let mut burning: BTreeMap<Key, Vec<(Severity, i64, SloId)>> = BTreeMap::new();
    for slo in state.world.slos.values() {
        let Some(severity) = slo.burning() else { continue };
        if let Some(Ok((key, _))) = state.mapped.get(&slo.id) {
            let burn = slo.burn(Window::minutes(5)).number().unwrap_or(0.0);
            burning.entry(key.clone()).or_default().push((severity, -(burn * 1e3) as i64, slo.id.clone()));
        }
    }
    let now = state.now;
    for (workload, mut slos) in burning {
        slos.sort();
        let known = state.incidents.contains_key(&workload);
        let incident =
            state.incidents.entry(workload.clone()).or_insert_with(|| Incident::new(workload.clone(), now));
        // Among equals the one that the card is about stays: it must not change with every figure.
        let most = slos.first().map(|(severity, _, _)| *severity);
        let about = incident.slos.first().cloned();
        let stays = slos.iter().position(|(s, _, id)| Some(*s) == most && Some(id) == about.as_ref());
        let order = stays.into_iter().chain((0..slos.len()).filter(|n| Some(*n) != stays));
        let ids: Vec<SloId> = order.map(|n| slos[n].2.clone()).collect();
        incident.slos = ids.clone();
        incident.calm_since = None;
        if !known {
            let slo = ids.first().map_or(String::new(), ToString::to_string);
            state.say("alert", Weight::Bad, format!("{workload}: {slo} burns its error budget"));
            effects.push(Effect::Bell);
        }
    }
    let now = state.now;
    let mut calm = Vec::new();
    for incident in state.incidents.values_mut() {
        let still =
            incident.slos.iter().any(|id| state.world.slos.get(id).is_some_and(|s| s.burning().is_some()));
        if !still
            && !incident.slos.is_empty()
            && incident.calm_since.is_none()
            && has_figures(&state.world, incident)
        {
            incident.calm_since = Some(now);
            calm.push(incident.workload.clone());
        }
    }
    for workload in calm {
        state.say("alert", Weight::Good, format!("{workload}: no SLO of it burns any more"));
    }
    let gone: Vec<Key> = state
        .incidents
        .values()
        .filter(|i| i.wish.is_none() && !i.acting())
        .filter(|i| i.calm_since.is_some_and(|since| (now - since).num_seconds() > LINGER))
        .map(|i| i.workload.clone())
        .collect();
    for workload in gone {
        state.incidents.remove(&workload);
    }
}

/// Each SLO of the incident that there is still has figures: an alert that resolves while data are missing closes
/// nothing.
fn has_figures(world: &World, incident: &Incident) -> bool {
    let mut slos = incident.slos.iter().filter_map(|id| world.slos.get(id)).peekable();
    let short = Window::minutes(5);
    slos.peek().is_some()
        && slos.all(|s| s.ratios.get(&short).is_some_and(|r| matches!(r.value, Value::Number(_))))
}

/// Reads the contents of the ConfigMaps of matched workloads, each version once; of workloads in an incident those of
/// older revisions too, and what the store knows of them.
fn read_configs(state: &mut State, effects: &mut Vec<Effect>) -> BTreeSet<Key> {
    let mut wanted: BTreeSet<Key> = BTreeSet::new();
    let matched: BTreeSet<&Key> = state.mapped.values().flatten().map(|(key, _)| key).collect();
    for workload in matched.into_iter().chain(state.incidents.keys()) {
        let Some(deployment) = state.world.deployments.get(workload) else {
            continue;
        };
        let mut templates = vec![&deployment.template];
        if state.incidents.contains_key(workload) {
            templates.extend(state.world.history(deployment).into_iter().map(|r| &r.template));
        }
        for reference in templates.into_iter().flat_map(|t| &t.references) {
            if reference.kind == RefKind::ConfigMap {
                wanted.insert(Key { namespace: workload.namespace.clone(), name: reference.name.clone() });
            }
        }
    }
    for key in &wanted {
        let Some(object) = state.world.referenced.get(&(RefKind::ConfigMap, key.clone())) else {
            continue;
        };
        let version = &object.meta.resource_version;
        let asked = state.config_asked.get(key);
        let content = state.world.contents.get(key).and_then(Option::as_ref);
        let read = content.is_some_and(|content| content.resource_version == *version);
        // A read that failed is tried again; until then the content is not known, or is an older one.
        let failed = asked.is_some_and(|(_, at)| !read && (state.now - *at).num_seconds() >= RETRY);
        if asked.is_none_or(|(asked, _)| asked != version) || failed {
            state.config_asked.insert(key.clone(), (version.clone(), state.now));
            effects.push(Effect::ReadConfig(key.clone()));
            effects.push(Effect::LoadKnown(key.clone()));
        }
    }
    wanted
}

fn review_one(state: &mut State, workload: &Key, effects: &mut Vec<Effect>) {
    let now = state.now;
    compare_revisions(state, workload);
    refocus(state, workload);
    investigate(state, workload, effects);
    ask_rights(state, workload, effects);
    let analysed = look(state, workload).map(|look| analysis::analyse(&look));
    let Some(analysis) = analysed else {
        super::action::advance(state, workload, effects);
        withdraw(state, workload, "the Deployment does not exist any more", effects);
        return;
    };
    let studied = ready(state, workload);
    let Some(incident) = state.incidents.get_mut(workload) else {
        return;
    };
    incident.reach(Stage::Enrich, now);
    if studied {
        incident.reach(Stage::Analyse, now);
    }
    let said = (analysis.verdict(), analysis.offer);
    let early = incident.wish.is_none() && too_early(incident, &analysis, now);
    let news = studied && !early && incident.said != Some(said) && incident.running.is_none();
    if news {
        incident.said = Some(said);
    }
    let text = format!("{}: {}", workload.name, analysis.reason);
    incident.analysis = Some(analysis);
    if news {
        let weight = if said.1.acts() { Weight::Attention } else { Weight::Plain };
        state.say("verdict", weight, text);
    }
    super::action::advance(state, workload, effects);
    if studied {
        keep_card(state, workload, effects);
    }
}

/// Differences between neighbouring revisions are computed once: templates of a ReplicaSet do not change.
fn compare_revisions(state: &mut State, workload: &Key) {
    let Some(deployment) = state.world.deployments.get(workload) else {
        return;
    };
    let history = state.world.history(deployment);
    for revision in &history {
        let Some(older) = state.world.predecessor(&history, revision) else { continue };
        let uids = (older.meta.uid.clone(), revision.meta.uid.clone());
        state.diffs.entry(uids).or_insert_with(|| {
            diff::templates(&older.template.json.value(), &revision.template.json.value())
        });
    }
}

/// The first inquiry was answered, or there is nothing to ask; a change under suspicion has been counted.
pub fn ready(state: &State, workload: &Key) -> bool {
    let Some(incident) = state.incidents.get(workload) else {
        return false;
    };
    let Some(slo) = incident.slos.first() else {
        return incident.wish.is_some();
    };
    let understood =
        state.world.slos.get(slo).is_some_and(|s| matches!(s.sli, crate::domain::slo::Sli::Understood(_)));
    if !understood {
        return true;
    }
    let Some(study) = state.studies.get(slo) else {
        return false;
    };
    let counted = incident.focus.change.is_none() || study.since_change.is_some() || !study.errors.is_empty();
    study.complete && counted && contents_read(state, workload)
}

/// The contents of the workload's ConfigMaps were read, where they may be.
fn contents_read(state: &State, workload: &Key) -> bool {
    let Some(deployment) = state.world.deployments.get(workload) else {
        return true;
    };
    let incident = state.incidents.get(workload);
    deployment.template.references.iter().filter(|r| r.kind == RefKind::ConfigMap).all(|r| {
        let key = Key { namespace: workload.namespace.clone(), name: r.name.clone() };
        let readable = state.world.referenced.contains_key(&(RefKind::ConfigMap, key.clone()));
        let read = state.world.contents.contains_key(&key) && state.world.known.contains_key(&key);
        let given_up = incident.is_some_and(|i| (state.now - i.opened).num_seconds() >= RETRY);
        !readable || read || given_up
    })
}

/// Everything that an analysis looks at; `None` when the Deployment is not there.
pub fn look<'a>(state: &'a State, workload: &Key) -> Option<Look<'a>> {
    let deployment = state.world.deployments.get(workload)?;
    let incident = state.incidents.get(workload)?;
    let slo = incident.slos.first().and_then(|id| state.world.slos.get(id));
    let study = slo.and_then(|s| state.studies.get(&s.id));
    let actions = state.actions_here();
    let facts =
        revisions::Facts { world: &state.world, deployment, study, actions: &actions, now: state.now };
    let rows = revisions::rows(&facts, &state.diffs);
    let onsets = surroundings::onsets(state);
    Some(Look {
        world: &state.world,
        setup: &state.setup,
        deployment,
        slo,
        slos: incident.slos.clone(),
        how: slo.and_then(|s| match state.mapped.get(&s.id) {
            Some(Ok((_, how))) => Some(how.clone()),
            _ => None,
        }),
        study,
        rows,
        mapped: &state.mapped,
        onsets,
        edges: &state.edges,
        actions,
        dry_runs: &state.dry_runs,
        journal_closed: state.journal_closed(),
        unmet: super::quorum::unmet(state, workload).map(Clean::new),
        rejected: super::quorum::rejected(state, workload),
        wish: incident.wish.as_ref(),
        opened: incident.planned,
        now: state.now,
    })
}

/// What the next inquiry must look at: the change under suspicion, and intervals where pods have no labels.
fn focus(look: &Look<'_>) -> Focus {
    let onset = attribution::find_onset(look);
    let changes = attribution::changes(look);
    let suspect = onset.as_ref().and_then(|o| attribution::suspect(&changes, o, look));
    let change = suspect.map(|c| c.began).or_else(|| {
        // Before there are counts: the youngest rollout of the last hours is worth counting.
        let recent = look.now - Window::hours(2).delta();
        changes.iter().rev().map(|c| c.began).find(|began| *began >= recent)
    });
    // An ingress or a mesh labels its own pods, which tell nothing of ours.
    let revisions = look.world.history(look.deployment);
    let labelled = look
        .study
        .and_then(|s| s.history.as_ref())
        .is_none_or(|h| !revisions::by_revision(&h.data, &revisions).0.is_empty());
    let intervals = if labelled {
        Vec::new()
    } else {
        let older = look.rows.iter().filter(|r| r.mark != revisions::Mark::Current);
        older.filter_map(|r| r.served.stretches.last().copied()).take(2).collect()
    };
    Focus { change, intervals, ..Focus::default() }
}

/// What the next inquiry looks at is decided before it is sent, so that the first one counts the suspected change.
fn refocus(state: &mut State, workload: &Key) {
    let Some(mut focus) = look(state, workload).map(|look| focus(&look)) else { return };
    let Some(incident) = state.incidents.get_mut(workload) else { return };
    focus.verify_from = incident.running.as_ref().filter(|r| !r.over()).and_then(|r| r.rollout_ended);
    incident.focus = focus;
}

fn investigate(state: &mut State, workload: &Key, effects: &mut Vec<Effect>) {
    let Some(incident) = state.incidents.get(workload) else {
        return;
    };
    let Some(slo) = incident.slos.first().cloned() else {
        return;
    };
    let focus = incident.focus.clone();
    // An action is verified by the SLO that it was approved for, whichever is most urgent now.
    let running = incident.running.as_ref().filter(|r| r.watched());
    let verifying = running.and_then(|r| r.slo.clone()).filter(|id| *id != slo);
    if let Some(id) = verifying {
        inquire(state, &id, Focus { verify_from: focus.verify_from, ..Focus::default() }, effects);
    }
    inquire(state, &slo, focus, effects);
}

/// What to ask about an SLO depends on what the cluster tells of its workload, which is still being listed. Asked now, the
/// question would be half a one, and the next may come only 15 s later. A kind that does not answer is not waited for: a
/// question without it is worth more than none.
fn awaits_cluster(state: &State) -> bool {
    let source = |source| state.world.sources.get(&source);
    let answers = |health: &Health| matches!(health, Health::Starting | Health::Live);
    let listing = source(Source::Kubernetes).is_some_and(|s| !s.synced && answers(&s.health));
    let awaited = |kind| source(Source::Kind(kind)).is_none_or(|s| !s.synced && answers(&s.health));
    listing && ASKED_ABOUT.into_iter().any(awaited)
}

/// Kinds that decide what is asked about an SLO.
const ASKED_ABOUT: [&str; 4] = ["deployments", "replicasets", "pods", "configmaps"];

fn inquire(state: &mut State, slo: &SloId, mut focus: Focus, effects: &mut Vec<Effect>) {
    if awaits_cluster(state) {
        return;
    }
    let understood =
        state.world.slos.get(slo).is_some_and(|s| matches!(s.sli, crate::domain::slo::Sli::Understood(_)));
    focus.past = view::past_of(state, slo, understood);
    focus.looked_at = view::look_of(state, slo);
    if !understood && focus.past.is_none() && focus.looked_at.is_none() {
        return;
    }
    let number = state.inquiries + 1;
    let study = state.studies.entry(slo.clone()).or_default();
    let inquiry = if understood {
        study.next(slo, &focus, number, state.now)
    } else {
        study.next_past(slo, &focus, number, state.now)
    };
    if let Some(inquiry) = inquiry {
        state.inquiries = number;
        effects.push(Effect::Inquire(Box::new(inquiry)));
    }
}

/// The selected SLO is studied for its chart, and callees that burn without an alert for their onset.
fn study_selected(state: &mut State, effects: &mut Vec<Effect>) {
    let mut wanted: Vec<SloId> = view::selected_slo(state).cloned().into_iter().collect();
    for slo in state.world.slos.values().filter(|s| surroundings::burns(s) && s.burning().is_none()) {
        wanted.push(slo.id.clone());
    }
    let studied: BTreeSet<SloId> = state.incidents.values().filter_map(|i| i.slos.first().cloned()).collect();
    wanted.retain(|id| !studied.contains(id));
    wanted.truncate(3);
    for slo in wanted {
        let workload = match state.mapped.get(&slo) {
            Some(Ok((key, _))) => state.world.deployments.get(key),
            _ => None,
        };
        let change = workload.and_then(|d| state.world.current(d)).and_then(|r| r.meta.created);
        let recent = change.filter(|c| (state.now - *c).num_seconds() < 7_200);
        let quiet = state.world.slos.get(&slo).is_some_and(|s| !surroundings::burns(s));
        inquire(state, &slo, Focus { change: recent, quiet, ..Focus::default() }, effects);
    }
}

fn ask_every_right(state: &mut State, effects: &mut Vec<Effect>) {
    if state.setup.every_right {
        let judged: BTreeSet<Key> = state.mapped.values().flatten().map(|(key, _)| key.clone()).collect();
        judged.iter().for_each(|workload| ask_rights(state, workload, effects));
    }
}

fn ask_rights(state: &mut State, workload: &Key, effects: &mut Vec<Effect>) {
    let namespace = workload.namespace.clone();
    let right = |resource, group| Right { verb: "patch", resource, group, namespace: namespace.clone() };
    let rights = vec![right("deployments", "apps"), right("configmaps", "")];
    let answered = rights.iter().all(|r| state.world.allowed(r).is_some());
    let every = if answered { RIGHTS_EVERY } else { RETRY };
    let due =
        state.rights_asked.get(&namespace).is_none_or(|asked| (state.now - *asked).num_seconds() >= every);
    if due {
        state.rights_asked.insert(namespace, state.now);
        effects.push(Effect::ReviewRights(rights));
    }
}

/// Opens, refreshes, replaces or withdraws the card.
fn keep_card(state: &mut State, workload: &Key, effects: &mut Vec<Effect>) {
    let (now, mono) = (state.now, state.mono);
    let Some(incident) = state.incidents.get_mut(workload) else {
        return;
    };
    // While an action goes on only its own way back may be asked for.
    let way_back = incident.wish.as_ref().is_some_and(|w| w.undo_of.is_some());
    let deciding = incident.proposal.as_ref().is_some_and(|p| p.gesture == Gesture::Decided);
    if deciding || (incident.acting() && !way_back) {
        return;
    }
    let Some(analysis) = incident.analysis.clone() else {
        return;
    };
    if let (Some(plan), Some(digest)) = (&analysis.plan, &analysis.digest)
        && try_dry(&state.dry_runs, state.dry_tried.get(digest).copied(), digest, now)
    {
        state.dry_runs.entry(digest.clone()).or_insert(DryRun::Pending);
        state.dry_tried.insert(digest.clone(), now);
        effects.push(Effect::DryRun(digest.clone(), Box::new(plan.clone())));
        incident.reach(Stage::Propose, now);
    }
    if incident.calm_since.is_some() && incident.wish.is_none() {
        withdraw(state, workload, "nothing burns any more", effects);
        return;
    }
    if let Some(proposal) = &mut incident.proposal {
        // A card that offers to wait has nothing that could become void.
        if proposal.analysis.offer.acts() && proposal.void(now, mono) {
            expire(state, workload, effects);
            return;
        }
        let digest = analysis.digest.clone();
        let same = digest.as_ref().is_none_or(|d| *d == proposal.digest)
            && digest.is_some() == proposal.analysis.digest.is_some()
            && (digest.is_some() || analysis.fingerprint == proposal.analysis.fingerprint);
        if same {
            if proposal.refresh(analysis, now) {
                let why = proposal.note.clone();
                if let Some(why) = why {
                    state.say("gate", Weight::Attention, format!("{}: {why}", workload.name));
                }
            }
            return;
        }
        if sabotage::is(Design::TokenUnbound) && analysis.plan.is_some() {
            proposal.digest = digest.unwrap_or_default();
            proposal.refresh(analysis, now);
            return;
        }
        let why = format!("the world moved: {}", analysis.reason);
        withdraw(state, workload, &why, effects);
        open_card(state, workload, effects);
        return;
    }
    open_card(state, workload, effects);
}

/// Not tried yet, or it was not possible a while ago (a busy server, no connection): a refusal stands.
fn try_dry(
    known: &BTreeMap<ContentDigest, DryRun>,
    tried: Option<Time>,
    digest: &ContentDigest,
    now: Time,
) -> bool {
    let again = tried.is_none_or(|at| (now - at).num_seconds() >= RETRY);
    match known.get(digest) {
        None => true,
        Some(DryRun::Unavailable(_)) => again,
        Some(_) => false,
    }
}

/// Dry runs of plans that nobody looks at any more are forgotten.
fn forget_dry_runs(state: &mut State) {
    let wanted: BTreeSet<ContentDigest> =
        state.incidents.values().filter_map(|i| i.analysis.as_ref()?.digest.clone()).collect();
    state.dry_runs.retain(|digest, _| wanted.contains(digest));
    state.dry_tried.retain(|digest, _| wanted.contains(digest));
}

/// Whom the workloads in question call: those with an incident and those that burn.
fn find_edges(state: &mut State) {
    if state.edges_at.is_some_and(|at| (state.now - at).num_seconds() < EDGES_EVERY) {
        return;
    }
    let burning = state.world.slos.values().filter(|s| surroundings::burns(s));
    let mapped = burning.filter_map(|s| state.mapped.get(&s.id)?.as_ref().ok().map(|(key, _)| key.clone()));
    let wanted: BTreeSet<Key> = mapped.chain(state.incidents.keys().cloned()).collect();
    state.edges_at = (!wanted.is_empty()).then_some(state.now);
    let declared = |key: &Key| state.setup.depends_on.get(key).map(Vec::as_slice).unwrap_or_default();
    state.edges = wanted
        .into_iter()
        .map(|key| {
            let callees = mapping::callees(&state.world, &key, declared(&key));
            (key, callees)
        })
        .collect();
}

fn open_card(state: &mut State, workload: &Key, effects: &mut Vec<Effect>) {
    let (now, mono) = (state.now, state.mono);
    let void_after = state.setup.policy.void_after.delta();
    let cluster = state.world.cluster_id.clone().unwrap_or_default();
    let Some(incident) = state.incidents.get_mut(workload) else {
        return;
    };
    let Some(analysis) = incident.analysis.clone() else {
        return;
    };
    let by_hand = analysis.by_hand || incident.wish.is_some();
    let suppressed = state.journal.rejected.contains_key(&analysis.fingerprint) && !by_hand;
    if suppressed || waits(incident, &analysis, &state.world, now) {
        return;
    }
    let pending = analysis.plan.is_some() && analysis.dry_run == DryRun::Pending;
    let after_help =
        incident.running.as_ref().is_some_and(|r| r.phase == super::verify::Phase::Closed(Outcome::Helped));
    if pending
        || (after_help && !burns_again(incident, &analysis))
        || (!by_hand && too_early(incident, &analysis, now))
    {
        return;
    }
    incident.waiting = None;
    if incident.running.as_ref().is_some_and(Running::over) && analysis.offer.acts() {
        // A new round of the loop.
        incident.reached.retain(|stage, _| *stage <= Stage::Propose);
    }
    incident.reach(Stage::Propose, now);
    incident.reach(Stage::Gate, now);
    let mut proposal = Proposal::open(analysis, now, mono, void_after);
    if std::mem::take(&mut incident.interrupted) {
        proposal.startles();
    }
    let text = match proposal.analysis.offer {
        Offer::Rollback | Offer::RestoreConfig => format!(
            "proposal {} opened: {} of {}",
            proposal.name(),
            if proposal.analysis.offer == Offer::Rollback { "rollback" } else { "restore" },
            workload.name
        ),
        offer => format!("{}: offer {}", workload.name, offer.word()),
    };
    effects.push(Effect::Record {
        ticket: Ticket::Note,
        kind: record::PROPOSED,
        body: record::proposed(&proposal, cluster.as_str()),
    });
    let acts = proposal.analysis.offer.acts();
    incident.proposal = Some(proposal);
    if acts {
        effects.push(Effect::Bell);
    }
    state.say("gate", if acts { Weight::Attention } else { Weight::Plain }, text);
}

/// After an action that helped: errors that began after its rollout, or a person asks.
fn burns_again(incident: &Incident, analysis: &Analysis) -> bool {
    let ended = incident.running.as_ref().and_then(|r| r.rollout_ended);
    let began = analysis.attribution.onset.as_ref().filter(|o| o.ended.is_none()).map(|o| o.began);
    incident.wish.is_some() || matches!((began, ended), (Some(began), Some(ended)) if began > ended)
}

/// The alert is there before the counts are: for the first minute "not enough data" is no answer yet.
fn too_early(incident: &Incident, analysis: &Analysis, now: Time) -> bool {
    analysis.verdict() == Verdict::NotEnoughData && (now - incident.opened).num_seconds() < 60
}

/// A person said wait: until the time is up, the burn grows, or something else is offered.
fn waits(incident: &Incident, analysis: &Analysis, world: &World, now: Time) -> bool {
    let Some(waiting) = &incident.waiting else {
        return false;
    };
    let burn = incident
        .slos
        .first()
        .and_then(|id| world.slos.get(id))
        .and_then(|s| s.burn(Window::minutes(5)).number());
    let grown = matches!((burn, waiting.burn), (Some(now), Some(limit)) if now > limit);
    now < waiting.until && !grown && waiting.fingerprint == analysis.fingerprint
}

fn expire(state: &mut State, workload: &Key, effects: &mut Vec<Effect>) {
    let cluster = state.world.cluster_id.clone().unwrap_or_default();
    let (now, mono) = (state.now, state.mono);
    let Some(proposal) = state.incidents.get_mut(workload).and_then(|i| i.lose_card(mono)) else {
        return;
    };
    effects.push(Effect::Record {
        ticket: Ticket::Note,
        kind: record::EXPIRED,
        body: record::decided(
            &proposal,
            cluster.as_str(),
            &Clean::new(NOBODY),
            "nobody decided in time",
            now,
        ),
    });
    if let Some(incident) = state.incidents.get_mut(workload) {
        // By hand it must be asked for again; goaround's own offer is drawn anew while it still burns.
        if incident.wish.as_ref().is_some_and(|w| w.by_hand) {
            incident.wish = None;
        }
        incident.planned = now;
    }
    state.say(
        "gate",
        Weight::Attention,
        format!("proposal {} is void: nobody decided in time", proposal.name()),
    );
}

/// Takes the card away, with the reason.
pub fn withdraw(state: &mut State, workload: &Key, why: &str, effects: &mut Vec<Effect>) {
    let cluster = state.world.cluster_id.clone().unwrap_or_default();
    let now = state.now;
    let mono = state.mono;
    let open = state.incidents.get_mut(workload).filter(|i| i.open_gate());
    let Some(proposal) = open.and_then(|i| i.lose_card(mono)) else {
        return;
    };
    effects.push(Effect::Record {
        ticket: Ticket::Note,
        kind: record::WITHDRAWN,
        body: record::decided(&proposal, cluster.as_str(), &Clean::new(NOBODY), why, now),
    });
    state.say("gate", Weight::Plain, format!("proposal {} withdrawn: {why}", proposal.name()));
}

/// Everything that `propose` waits for has been answered.
pub fn settled(state: &State) -> bool {
    // What matched workloads refer to is read once a look, so that it is known at the next incident.
    let contents = state.config_asked.iter().all(|(key, (_, at))| {
        state.world.contents.contains_key(key) || (state.now - *at).num_seconds() >= RETRY
    });
    let asked = state.rights_asked.keys();
    let answered = asked.map(|namespace| state.world.rights.keys().any(|r| r.namespace == *namespace));
    contents
        && (!state.setup.every_right || answered.into_iter().all(|a| a))
        && state.incidents.values().all(|incident| {
            let Some(analysis) = &incident.analysis else {
                return false;
            };
            // While an action is watched no other plan is tried.
            let tried = analysis.plan.is_none() || analysis.dry_run != DryRun::Pending || incident.acting();
            let plan_rights = analysis.plan.iter().flat_map(gates::rights_for);
            let rights = plan_rights.into_iter().all(|r| state.world.allowed(&r).is_some());
            ready(state, &incident.workload) && tried && rights
        })
}

/// Proposes an older revision by hand.
pub fn by_hand(state: &mut State, workload: &Key, target: Uid) {
    let now = state.now;
    let slos: Vec<SloId> = state
        .mapped
        .iter()
        .filter(|(_, found)| matches!(found, Ok((key, _)) if key == workload))
        .map(|(id, _)| id.clone())
        .collect();
    let incident =
        state.incidents.entry(workload.clone()).or_insert_with(|| Incident::new(workload.clone(), now));
    if incident.slos.is_empty() {
        incident.slos = slos;
    }
    incident.calm_since = None;
    incident.want(Wish { target: Some(target), by_hand: true, ..Wish::default() }, now);
    state.say("gate", Weight::Plain, format!("{workload}: a rollback is proposed by hand"));
}

/// Digest of the open card of `workload`.
pub fn card_digest(state: &State, workload: &Key) -> Option<ContentDigest> {
    state.incidents.get(workload)?.proposal.as_ref().map(|p| p.digest.clone())
}

/// A clean sentence for how long something has been going on.
pub fn since(now: Time, at: Time) -> Clean {
    Clean::new(format::span(now - at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::signal::Signal;
    use crate::engine::{Event, Stamped, step};

    fn tell(state: &mut State, signal: Signal) {
        let (at, mono) = (state.now, state.mono);
        step(state, Stamped { at, mono, event: Event::Signal(signal) });
    }

    fn health(state: &mut State, source: Source, health: Health) {
        tell(state, Signal::Health(source, health));
    }

    #[test]
    fn questions_wait_for_the_kinds_that_answer_and_for_no_other() {
        let mut state = State::default();
        assert!(!awaits_cluster(&state), "nothing is connected");
        health(&mut state, Source::Kubernetes, Health::Live);
        assert!(awaits_cluster(&state));
        let now = state.now;
        for kind in ["deployments", "replicasets", "configmaps"] {
            health(&mut state, Source::Kind(kind), Health::Live);
            tell(&mut state, Signal::Synced(Source::Kind(kind), now));
        }
        assert!(awaits_cluster(&state), "pods are being listed");
        health(&mut state, Source::Kind("pods"), Health::Down(Clean::new("HTTP 500: etcdserver: timeout")));
        assert!(!awaits_cluster(&state), "a list that fails for ever would hold all questions for ever");
        health(&mut state, Source::Kind("pods"), Health::Live);
        assert!(awaits_cluster(&state), "it answers again");
        health(&mut state, Source::Kubernetes, Health::Down(Clean::new("connection refused")));
        assert!(!awaits_cluster(&state));
    }
}

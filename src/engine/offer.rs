//! What is offered, to which target, and the plan for it. The target is the newest revision that kept the SLO long
//! enough, never "the previous one"; where nothing would be a cure, nothing is offered, and the reason says why.

use std::collections::BTreeMap;

use crate::actions::restore_config::{self, Restore};
use crate::actions::{Refusal, rollback};
use crate::domain::Time;
use crate::domain::clean::Clean;
use crate::domain::cluster::{Key, Reach, RefKind, Reference, Uid};
use crate::domain::diff;
use crate::domain::format;
use crate::domain::plan::{LAST_APPLIED, NotRestored, Plan};
use crate::domain::statistics::Counts;
use crate::domain::verdict::{GateState, Offer, Verdict};

use super::analysis::{Look, Wish};
use super::attribution::{
    Attribution, BroughtBack, ChangeKind, ChangeSeen, config_edits, own_return, served_before,
};
use super::content::{self, Earlier, Edit};
use super::gates;
use super::onset::clearly_more;
use super::record::PastAction;
use super::revisions::{Mark, RevisionRow};
use super::surroundings::Surroundings;

/// How good a target is.
#[derive(Clone, PartialEq, Debug)]
pub struct TargetState {
    /// The gate's state.
    pub state: GateState,
    /// Its sentence.
    pub line: String,
}

/// What was chosen.
pub struct Choice {
    /// The offer.
    pub offer: Offer,
    /// The revision that will serve.
    pub target: Option<Uid>,
    /// The plan.
    pub plan: Option<Plan>,
    /// Why there is no plan although there is an offer or would be one.
    pub refusal: Option<Refusal>,
    /// Restores that could be added.
    pub addable: Vec<Key>,
    /// How good the target is.
    pub target_state: TargetState,
    /// Why this offer, in half a sentence.
    pub why: String,
}

/// Chooses.
pub fn choose(look: &Look<'_>, found: &Attribution) -> Choice {
    if let Some(wish) = look.wish {
        return wished(look, found, wish);
    }
    match found.verdict {
        Verdict::BadDeploy => bad_deploy(look, found),
        Verdict::ConfigChange => config_change(look, found),
        _ => nothing(Offer::Wait, String::new()),
    }
}

fn nothing(offer: Offer, why: String) -> Choice {
    Choice {
        offer,
        target: None,
        plan: None,
        refusal: None,
        addable: Vec::new(),
        target_state: TargetState { state: GateState::Unknown, line: "no target".into() },
        why,
    }
}

fn wished(look: &Look<'_>, found: &Attribution, wish: &Wish) -> Choice {
    if let (Some(action), None) = (&wish.undo_of, &wish.target) {
        return back_to_earlier_content(look, action);
    }
    if let (Some(wanted), None) = (&wish.rest, &wish.target) {
        let left = content::still_to_restore(look, wanted);
        let restores: Vec<Restore<'_>> =
            left.iter().map(|e| Restore { live: e.live, earlier: &e.version }).collect();
        let why = match restores.len() {
            0 => "the content is back, the pods have not read it yet".into(),
            left => format!("{} still to be restored", format::several(left, "ConfigMap")),
        };
        return restore(look, &restores, others_changed(look), why);
    }
    let Some(target) = &wish.target else {
        // A restore of content alone, edited from an offer.
        return config_change(look, found);
    };
    let Some(row) = look.rows.iter().find(|r| r.uid == *target) else {
        return refused(Offer::None, Refusal(Clean::new("the revision is gone; hint: pick another one")));
    };
    let (state, why) = match &wish.undo_of {
        Some(action) => (recorded_before(look, action, row), format!("the way back of {}", action.action)),
        None => (judge(look, found, row), "asked for by hand".into()),
    };
    roll_back(look, row, state, wish.restore, why)
}

/// TARGET GOOD of a way back compares with the state that was recorded before the action: is it that state? How well
/// that one did is said as well, and does not decide: whoever takes an action back knows why.
fn recorded_before(look: &Look<'_>, action: &PastAction, row: &RevisionRow) -> TargetState {
    let state = |state, line: String| TargetState { state, line };
    if let Some(missing) = missing_reference(look, &row.uid) {
        return state(GateState::Fail, missing);
    }
    if row.digest != action.left_template {
        return state(GateState::Fail, format!("not the template that served before {}", action.action));
    }
    let did = row.counts.filter(|c| c.total >= 1.0).map_or(String::new(), |counts| {
        format!("; {} failed with it", format::bad_of(counts.bad, counts.total))
    });
    let changed = changed_since(look, row);
    let restored = |n: &NotRestored| action.undo.configs.iter().any(|c| c.key.name == n.name);
    let other = changed.iter().find(|n| n.kind != "PersistentVolumeClaim" && !restored(n));
    match other {
        Some(n) => state(GateState::Unknown, format!("as before, but {} {} {}{did}", n.kind, n.name, n.why)),
        None => state(GateState::Pass, format!("the state recorded before {}{did}", action.action)),
    }
}

fn refused(offer: Offer, refusal: Refusal) -> Choice {
    let why = refusal.to_string();
    Choice { refusal: Some(refusal), ..nothing(offer, why) }
}

fn bad_deploy(look: &Look<'_>, found: &Attribution) -> Choice {
    let failed = |a: &PastAction| matches!(a.outcome.as_deref(), Some("not_helped" | "worse"));
    let own = own_return(look);
    // What our own way back did not cure may need another one.
    if let Some(back) = found.brought_back.as_ref().filter(|_| !own.is_some_and(failed)) {
        let who = if own.is_some() { "goaround" } else { "somebody" };
        return nothing(Offer::Wait, went_back(who, back));
    }
    let judged: Vec<(&RevisionRow, TargetState)> = candidates(look, found).collect();
    let best = judged
        .iter()
        .find(|(_, s)| s.state == GateState::Pass)
        .or_else(|| judged.iter().find(|(_, s)| s.state == GateState::Unknown));
    match best {
        Some((row, state)) => {
            let why = match state.state {
                GateState::Pass => format!("{} is the last known good", row.title()),
                _ => format!("{} is the best that is known", row.title()),
            };
            roll_back(look, row, state.clone(), look.wish.is_some_and(|w| w.restore), why)
        }
        None => nothing(
            Offer::None,
            match judged.first() {
                Some((row, state)) => {
                    format!("no earlier revision kept the SLO ({}: {})", row.title(), state.line)
                }
                None => "there is no earlier revision".into(),
            },
        ),
    }
}

/// A person was faster, or an earlier run: the suspect does not serve any more.
fn went_back(who: &str, back: &BroughtBack) -> String {
    let at = format::clock(back.at);
    let since = format::bad_of(back.since.bad, back.since.total);
    match back {
        BroughtBack { no_cure: true, .. } => {
            format!(
                "{who} went back to the earlier revision at {at}, which was no cure: {since} failed since"
            )
        }
        BroughtBack { fails: true, .. } => {
            format!(
                "{who} went back to the earlier revision at {at}; fewer errors go on: {since} failed since"
            )
        }
        _ => format!("{who} went back to the earlier revision at {at}"),
    }
}

/// Older revisions that another template than the suspect's serves, newest first.
fn candidates<'a>(
    look: &'a Look<'_>,
    found: &'a Attribution,
) -> impl Iterator<Item = (&'a RevisionRow, TargetState)> {
    let current = &look.deployment.template.digest;
    look.rows
        .iter()
        .filter(move |r| r.digest != *current && r.mark != Mark::Current)
        .map(move |row| (row, judge(look, found, row)))
}

/// Did this revision keep the SLO, long enough, over enough requests?
fn judge(look: &Look<'_>, found: &Attribution, row: &RevisionRow) -> TargetState {
    let policy = &look.setup.policy;
    let state = |state, line: String| TargetState { state, line };
    if let Some(missing) = missing_reference(look, &row.uid) {
        return state(GateState::Fail, missing);
    }
    if let Mark::RolledBack(when) = row.mark {
        return state(GateState::Fail, format!("rolled back from it at {}", format::clock(when)));
    }
    let length = row.served.length();
    let spoken = format::span(length);
    let Some(counts) = row.counts.filter(|c| c.total >= 1.0) else {
        return state(GateState::Unknown, format!("served {spoken}, no counts of it"));
    };
    let said = format!("{} failed in {spoken}", format::bad_of(counts.bad, counts.total));
    let ratio = counts.bad / counts.total;
    let Some(budget) = look.budget() else {
        return state(GateState::Unknown, format!("{said}; the objective is not known"));
    };
    if ratio > budget {
        let back = found.brought_back.as_ref().map(|b| b.since).filter(|since| since.total > 0.0);
        let now = if let Some(back) = back {
            back
        } else if found.new.total > 0.0 {
            found.new
        } else {
            found.onset.as_ref().map_or(Counts::default(), |o| o.during)
        };
        return if clearly_more(now, counts) {
            state(GateState::Unknown, format!("{said}: below the objective, clearly better than now"))
        } else {
            state(GateState::Fail, format!("{said}: bad as well"))
        };
    }
    let long_enough = length >= policy.min_served.delta();
    let often_enough = counts.total >= policy.min_served_requests as f64;
    let unread = gates::unread_references(look, Some(&row.uid));
    if !unread.is_empty() {
        state(GateState::Unknown, format!("{said}; {} not readable", unread.join(" and ")))
    } else if long_enough && often_enough {
        state(GateState::Pass, format!("{said}; references exist"))
    } else {
        state(GateState::Unknown, format!("only {said}"))
    }
}

/// The first ConfigMap, Secret or claim that the revision needs and that does not exist. What may not be read is not
/// missing.
fn missing_reference(look: &Look<'_>, uid: &Uid) -> Option<String> {
    let revision = look.world.replica_sets.get(uid)?;
    let namespace = &look.deployment.meta.key.namespace;
    revision.template.references.iter().filter(|r| !r.optional).find_map(|r| {
        let kind = resource(r.kind);
        let key = (r.kind, Key { namespace: namespace.clone(), name: r.name.clone() });
        let missing = look.world.reads(kind) && !look.world.referenced.contains_key(&key);
        missing.then(|| format!("{} {} does not exist any more", r.kind.kind(), r.name))
    })
}

/// A kind as the API names its resource.
fn resource(kind: RefKind) -> &'static str {
    match kind {
        RefKind::ConfigMap => "configmaps",
        RefKind::Secret => "secrets",
        RefKind::PersistentVolumeClaim => "persistentvolumeclaims",
    }
}

fn roll_back(
    look: &Look<'_>,
    row: &RevisionRow,
    target_state: TargetState,
    restore: bool,
    why: String,
) -> Choice {
    let history = look.world.history(look.deployment);
    let rest = look.wish.and_then(|w| w.rest.as_deref());
    let earlier = match (look.wish.and_then(|w| w.undo_of.as_ref()), rest) {
        (Some(action), _) => contents_before(look, action),
        (None, Some(wanted)) => content::still_to_restore(look, wanted),
        (None, None) if restore => earlier_contents(look, row),
        (None, None) => Vec::new(),
    };
    let restores: Vec<Restore<'_>> =
        earlier.iter().map(|e| Restore { live: e.live, earlier: &e.version }).collect();
    // What the part that was done has restored is back already.
    let back = rest.unwrap_or_default().iter().map(|(key, _)| &key.name);
    let restored: Vec<&Clean> = earlier.iter().map(|e| &e.live.key.name).chain(back).collect();
    let mut target_state = target_state;
    if let Some(doubtful) = earlier.iter().find(|e| !e.sure)
        && target_state.state == GateState::Pass
    {
        let TargetState { state, line } = &mut target_state;
        *state = GateState::Unknown;
        line.push_str(&format!("; content of {} not seen serving then", doubtful.live.key.name));
    }
    let mut not_restored = changed_since(look, row);
    not_restored.retain(|n| !(n.kind == "ConfigMap" && restored.contains(&&n.name)));
    let facts = rollback::Facts {
        deployment: look.deployment,
        history: &history,
        target: &row.uid,
        cause: cause(look, row, &earlier),
        restores: &restores,
        not_restored,
    };
    let addable = if restore {
        Vec::new()
    } else {
        earlier_contents(look, row).into_iter().map(|e| e.live.key.clone()).collect()
    };
    match rollback::plan(&facts) {
        Ok(mut plan) => {
            plan.also = consequences(look, &plan);
            Choice {
                offer: Offer::Rollback,
                target: Some(row.uid.clone()),
                plan: Some(plan),
                refusal: None,
                addable,
                target_state,
                why,
            }
        }
        Err(refusal) => Choice { target_state, ..refused(Offer::None, refusal) },
    }
}

/// The words of the change-cause: true, and without figures that move.
fn cause(look: &Look<'_>, row: &RevisionRow, earlier: &[Earlier<'_>]) -> String {
    let what = match look.wish {
        Some(Wish { undo_of: Some(action), .. }) => format!("undo of {}", action.action),
        Some(Wish { by_hand: true, .. }) => "by hand".to_owned(),
        _ => "error budget burn".to_owned(),
    };
    let with: Vec<&str> = earlier.iter().map(|e| e.live.key.name.as_str()).collect();
    let with = if with.is_empty() { String::new() } else { format!(" with ConfigMap {}", with.join(", ")) };
    format!("goaround: rolled back to {} ({}){with}, {what}", row.title(), row.name)
}

/// Since when a change was not served by this revision for sure: its pods may have read what it refers to when they
/// started, however long it served after that.
fn served_since(row: &RevisionRow) -> Option<Time> {
    row.served.since().or(row.began)
}

/// ConfigMaps, Secrets and claims of the target that changed since it served, and so do not come back with it.
fn changed_since(look: &Look<'_>, row: &RevisionRow) -> Vec<NotRestored> {
    let since = served_since(row);
    let references = look.world.replica_sets.get(&row.uid).map(|r| r.template.references.as_slice());
    let references = references.unwrap_or_default();
    let changed = references.iter().filter_map(|r| changed_after(look, r, since));
    let mut found: Vec<NotRestored> = changed.collect();
    found.sort();
    found
}

/// What `reference` names, if it changed after `since`.
fn changed_after(look: &Look<'_>, reference: &Reference, since: Option<Time>) -> Option<NotRestored> {
    let why = match (reference.kind, reference.reach) {
        (RefKind::PersistentVolumeClaim, _) => "data on volumes are not rolled back".to_owned(),
        (_, Reach::Pull) => return None,
        _ => {
            let namespace = look.deployment.meta.key.namespace.clone();
            let key = (reference.kind, Key { namespace, name: reference.name.clone() });
            let object = look.world.referenced.get(&key)?;
            let (at, client) = object.data_changed()?;
            let created = object.meta.created;
            let edited = created.is_none_or(|c| (at - c).num_seconds().abs() >= 2);
            let after = since.is_none_or(|since| at > since) && (edited || created > since);
            after.then(|| format!("changed {} by {client} (client)", format::since(at, look.now)))?
        }
    };
    let kind = Clean::new(reference.kind.kind());
    Some(NotRestored { kind, name: reference.name.clone(), why: Clean::new(why) })
}

/// Earlier contents of the target's ConfigMaps that changed since it served: what it served with.
fn earlier_contents<'a>(look: &'a Look<'_>, row: &RevisionRow) -> Vec<Earlier<'a>> {
    let Some(revision) = look.world.replica_sets.get(&row.uid) else {
        return Vec::new();
    };
    let since = served_since(row);
    let earlier = |reference: &Reference| {
        changed_after(look, reference, since)?;
        let edits = content::edits(look, reference);
        let first = edits.iter().find(|e| since.is_none_or(|since| e.at > since))?;
        content::held_at(look, &first.key, first.before())
    };
    let maps = revision.template.references.iter().filter(|r| r.kind == RefKind::ConfigMap);
    maps.filter_map(earlier).collect()
}

fn config_change(look: &Look<'_>, found: &Attribution) -> Choice {
    let edits = found.change.as_ref().map_or_else(|| config_edits(look), |change| change.edits.clone());
    let mut by_key: BTreeMap<&Key, Vec<&Edit>> = BTreeMap::new();
    for edit in edits.iter().filter(|e| e.reference.kind == RefKind::ConfigMap) {
        by_key.entry(&edit.key).or_default().push(edit);
    }
    let secrets: Vec<String> =
        edits.iter().filter(|e| e.reference.kind == RefKind::Secret).map(|e| edited(look, e)).collect();
    let known: Vec<Earlier<'_>> = by_key
        .iter()
        .filter_map(|(key, edits)| content::held_at(look, key, content::moment_before(edits, look)?))
        .collect();
    if known.is_empty() {
        let names: Vec<&str> = by_key.keys().map(|k| k.name.as_str()).collect();
        let mut unknown = Vec::new();
        if !names.is_empty() {
            unknown.push(format!("the earlier content of ConfigMap {} is not known", names.join(", ")));
        }
        if !secrets.is_empty() {
            unknown.push(format!("{}; content of Secrets is never read", secrets.join(", ")));
        }
        return nothing(
            Offer::None,
            format!(
                "an undo would change nothing (the template is the same), and {}; \
                 hint: restore it from its source and restart, goaround verifies",
                unknown.join(", and ")
            ),
        );
    }
    let sure = known.iter().all(|e| e.sure);
    let sources: Vec<String> = known.iter().map(|e| format!("{} {}", e.live.key.name, e.source)).collect();
    let why = format!("an undo would change nothing (same template); content of {}", sources.join(", "));
    let restores: Vec<Restore<'_>> =
        known.iter().map(|e| Restore { live: e.live, earlier: &e.version }).collect();
    let mut choice = restore(look, &restores, not_restored_with(look, found.change.as_ref(), &known), why);
    choice.target_state = content_state(look, found, sure);
    choice
}

/// TARGET GOOD of a restore judges the interval in which that content was served: until the change began.
fn content_state(look: &Look<'_>, found: &Attribution, sure: bool) -> TargetState {
    let before = found.old;
    let Some(ratio) = before.ratio() else {
        return TargetState { state: GateState::Unknown, line: "no counts from before the change".into() };
    };
    let said = format!("{} failed before the change", format::bad_of(before.bad, before.total));
    // By what served until the change, not by how long the content was there: both must have been long enough.
    let served = found
        .change
        .as_ref()
        .and_then(|change| Some(change.began - served_before_since(look, Some(change))?));
    let long_enough = served.is_some_and(|served| served >= look.setup.policy.min_served.delta());
    let enough = long_enough && before.total >= look.setup.policy.min_served_requests as f64;
    let said = match served {
        Some(served) if !long_enough => format!("{said}, which lasted {}", format::span(served)),
        _ => said,
    };
    if !sure {
        // Something else may have served in between, or this never did.
        return TargetState { state: GateState::Unknown, line: format!("{said}; content not seen serving") };
    }
    let Some(budget) = look.budget() else {
        let line = format!("{said}; the objective is not known");
        return TargetState { state: GateState::Unknown, line };
    };
    let state = match (ratio <= budget, enough) {
        (true, true) => GateState::Pass,
        (true, false) => GateState::Unknown,
        (false, _) if clearly_more(found.new, before) => GateState::Unknown,
        (false, _) => GateState::Fail,
    };
    TargetState { state, line: said }
}

fn restore(look: &Look<'_>, restores: &[Restore<'_>], not_restored: Vec<NotRestored>, why: String) -> Choice {
    let Some(current) = look.world.current(look.deployment) else {
        return refused(
            Offer::None,
            Refusal(Clean::new("no ReplicaSet has the current template yet; hint: wait for the rollout")),
        );
    };
    let facts = restore_config::Facts {
        deployment: look.deployment,
        current,
        restores,
        rest: look.wish.is_some_and(|w| w.rest.is_some()),
        restarted_at: look.opened.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
        cause: if restores.is_empty() {
            "goaround: restarted, its content was restored before".into()
        } else {
            let names: Vec<&str> = restores.iter().map(|r| r.live.key.name.as_str()).collect();
            format!("goaround: restored the content of ConfigMap {} and restarted", names.join(", "))
        },
        not_restored,
        also: Vec::new(),
    };
    match restore_config::plan(&facts) {
        Ok(mut plan) => {
            plan.also = consequences(look, &plan);
            Choice {
                offer: Offer::RestoreConfig,
                target: Some(current.meta.uid.clone()),
                plan: Some(plan),
                why,
                ..nothing(Offer::RestoreConfig, String::new())
            }
        }
        Err(refusal) => refused(Offer::None, refusal),
    }
}

/// An edit as a sentence: `Secret keys changed 11:56 by kubectl-edit (client)`.
fn edited(look: &Look<'_>, edit: &Edit) -> String {
    let by = edit.client.as_ref().map_or(String::new(), |client| format!(" by {client} (client)"));
    format!("{} changed {}{by}", edit.name(), format::since(edit.at, look.now))
}

/// What a restore leaves as it is although it changed since the pods before the change served.
fn not_restored_with(
    look: &Look<'_>,
    change: Option<&ChangeSeen>,
    restored: &[Earlier<'_>],
) -> Vec<NotRestored> {
    let since = served_before_since(look, change);
    let left =
        |r: &&Reference| r.kind != RefKind::ConfigMap || !restored.iter().any(|e| e.live.key.name == r.name);
    let changed = look.deployment.template.references.iter().filter(left).filter_map(|r| {
        let mut changed = changed_after(look, r, since)?;
        if r.kind == RefKind::ConfigMap {
            changed.why = Clean::new(format!("{}; its earlier content is not known", changed.why));
        }
        Some(changed)
    });
    let mut found: Vec<NotRestored> = changed.collect();
    found.sort();
    found
}

/// Secrets and claims that changed since the pods that serve began: where the ConfigMaps are decided already.
fn others_changed(look: &Look<'_>) -> Vec<NotRestored> {
    not_restored_with(look, None, &[]).into_iter().filter(|n| n.kind != "ConfigMap").collect()
}

/// Since when the pods served that were there before the change.
fn served_before_since(look: &Look<'_>, change: Option<&ChangeSeen>) -> Option<Time> {
    let current = look.rows.iter().find(|r| r.mark == Mark::Current);
    let Some(change) = change else {
        return current.and_then(served_since);
    };
    let before = match change.kind {
        ChangeKind::ConfigOnly => Some(&change.revision),
        _ => look
            .world
            .replica_sets
            .get(&change.revision)
            .and_then(|revision| served_before(look, revision, change.began))
            .map(|before| &before.meta.uid),
    };
    look.rows.iter().find(|r| Some(&r.uid) == before).and_then(served_since)
}

/// The contents that an action's ConfigMaps had before it, to go back to together with the revision.
fn contents_before<'a>(look: &'a Look<'_>, action: &PastAction) -> Vec<Earlier<'a>> {
    let one = |before: &crate::domain::plan::ConfigBefore| {
        let live = look.world.contents.get(&before.key)?.as_ref()?;
        Some(Earlier {
            live,
            version: before.version.clone(),
            source: format!("before {}", action.action),
            sure: true,
        })
    };
    action.undo.configs.iter().filter_map(one).collect()
}

/// The way back of a restore: the content that was there before it.
fn back_to_earlier_content(look: &Look<'_>, action: &PastAction) -> Choice {
    let mut restores = Vec::new();
    for before in &action.undo.configs {
        if let Some(Some(live)) = look.world.contents.get(&before.key) {
            restores.push(Restore { live, earlier: &before.version });
        }
    }
    let why = format!("the way back of {}", action.action);
    let mut choice = restore(look, &restores, others_changed(look), why);
    choice.target_state = if restores.len() == action.undo.configs.len() {
        TargetState { state: GateState::Pass, line: format!("the content recorded before {}", action.action) }
    } else {
        TargetState {
            state: GateState::Fail,
            line: "a ConfigMap of it is gone or cannot be read: that state cannot be had back".into(),
        }
    };
    choice
}

/// What else follows from the plan and must be read: other users of a ConfigMap, later applies.
fn consequences(look: &Look<'_>, plan: &Plan) -> Vec<Clean> {
    let mut also = Vec::new();
    for (key, _) in &plan.configs {
        for other in look.world.deployments.values().filter(|d| d.meta.key != plan.workload) {
            let refers =
                other.template.references.iter().any(|r| r.kind == RefKind::ConfigMap && r.name == key.name);
            if other.meta.key.namespace == key.namespace && refers {
                also.push(Clean::new(format!(
                    "Deployment {} uses ConfigMap {} too",
                    other.meta.key.name, key.name
                )));
            }
        }
    }
    let same = look.deployment.template.digest_but_restart == plan.target_template;
    if plan.offer == Offer::Rollback && same && plan.configs.is_empty() {
        also.push(Clean::new("the templates differ by a restart only: this changes nothing but that"));
    }
    also.extend(next_apply(look, plan));
    also
}

/// What the manifest that was applied last sets otherwise than the plan: its next apply would do that.
fn next_apply(look: &Look<'_>, plan: &Plan) -> Option<Clean> {
    let applied = look.deployment.annotations.value();
    let applied: serde_json::Value = serde_json::from_str(applied[LAST_APPLIED].as_str()?).ok()?;
    let body = plan.calls.last()?.body.as_array()?;
    let written = body.iter().find(|o| o["op"] != "test" && o["path"] == "/spec/template")?;
    let differs = diff::set_by(&written["value"], &applied["spec"]["template"]);
    let said: Vec<String> = differs.iter().take(2).map(diff::sentence).collect();
    let more = differs.len().saturating_sub(said.len());
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    (!said.is_empty()).then(|| {
        Clean::new(format!("the next kubectl apply of the last manifest sets {}{more}", said.join(", ")))
    })
}

/// The card's sentence: verdict, counts, and why this is offered.
pub fn reason(
    look: &Look<'_>,
    found: &Attribution,
    around: &Surroundings,
    offer: Offer,
    why: &str,
    refusal: Option<&Refusal>,
) -> String {
    let counts = match (&found.onset, found.new.total > 0.0) {
        (_, true) => format!(
            "{} failed on the new side, {} on the old",
            format::bad_of(found.new.bad, found.new.total),
            format::bad_of(found.old.bad, found.old.total)
        ),
        (Some(o), _) => format!(
            "{} failed since {}, {} otherwise",
            format::bad_of(o.during.bad, o.during.total),
            format::clock(o.began),
            format::bad_of(o.outside.bad, o.outside.total)
        ),
        (None, _) => "no counts".into(),
    };
    let since = found.change.as_ref().map_or(String::new(), |change| {
        let what: Vec<String> = change.what.iter().take(2).map(diff::told).collect();
        let what = if what.is_empty() { "a change of content".into() } else { what.join(", ") };
        let onset = found
            .onset
            .as_ref()
            .map_or(String::new(), |o| format!(", onset {}", format::onset(change.began, o.began, o.step)));
        format!(" after {what} at {}{onset}", format::clock(change.began))
    });
    let sentence = match found.verdict {
        _ if look.wish.is_some() && found.onset.is_none() => {
            format!("{}: no errors stand out in the counts", found.verdict)
        }
        Verdict::BadDeploy | Verdict::ConfigChange => format!("{}: {counts}{since}", found.verdict),
        Verdict::Dependency => {
            let names: Vec<String> =
                around.callees_burning.iter().map(|b| b.workload.name.to_string()).collect();
            format!("dependency: {} burns as well, and began no later; {counts}", names.join(", "))
        }
        Verdict::Traffic => {
            let step = found.onset.as_ref().and_then(|o| around.traffic_step(o));
            let step = step.map_or(String::new(), |(factor, before, during)| {
                format!("{factor:.1} times the traffic ({before:.0}/s to {during:.0}/s), ")
            });
            format!("traffic: {step}no rollout before the onset; {counts}")
        }
        Verdict::Infrastructure => {
            let what: Vec<String> = around.infrastructure.iter().take(2).map(Clean::to_string).collect();
            format!("infrastructure: {}; {counts}", what.join(", "))
        }
        Verdict::Recovering => {
            let since = found.onset.as_ref().and_then(|o| o.ended).map(format::clock);
            let since = since.map_or(String::new(), |at| format!(" since {at}"));
            let fresh = found.onset.as_ref().map_or(Counts::default(), |o| o.fresh);
            format!(
                "recovering: {} failed{since}; the windows only remember",
                format::bad_of(fresh.bad, fresh.total)
            )
        }
        Verdict::Preexisting => {
            let later = found.later_rollout.map(format::clock).unwrap_or_default();
            format!("preexisting: the errors began before the rollout of {later}; {counts}")
        }
        Verdict::NotEnoughData => format!("not_enough_data: {counts}"),
        Verdict::Unknown => {
            let restart = found.change.as_ref().is_some_and(|c| c.kind == ChangeKind::RestartOnly);
            let what = if restart {
                "only a restart came before the errors, an undo would change nothing; "
            } else {
                ""
            };
            let sli = match look.slo.map(|s| &s.sli) {
                Some(crate::domain::slo::Sli::NotUnderstood(why)) => {
                    format!("no counts, the SLI is not understood ({why}); ")
                }
                _ => String::new(),
            };
            let no_cure = found.brought_back.as_ref().filter(|b| b.no_cure);
            let back = no_cure.map_or(String::new(), |b| format!("{}; ", went_back("somebody", b)));
            format!(
                "unknown: no rollout, dependency, traffic step or node trouble explains it; \
                 {sli}{what}{back}{counts}"
            )
        }
    };
    match (refusal, why.is_empty(), offer) {
        (Some(refusal), _, _) => format!("{sentence}; {refusal}"),
        (None, false, _) => format!("{sentence}; {why}"),
        (None, true, Offer::Wait) => match found.verdict {
            Verdict::NotEnoughData => format!("{sentence}; too little to offer anything yet"),
            Verdict::Unknown => sentence,
            _ => format!("{sentence}; a rollback would not be a cure"),
        },
        _ => sentence,
    }
}

//! The seven gates, computed. Each says PASS, FAIL or UNKNOWN with one sentence and the evidence that it used;
//! UNKNOWN is never PASS. What disables approving altogether is listed apart.

use chrono::TimeDelta;
use ulid::Ulid;

use crate::actions::Refusal;
use crate::domain::Time;
use crate::domain::clean::Clean;
use crate::domain::cluster::{Deployment, Key, RefKind, Right, Uid};
use crate::domain::evidence::EvidenceList;
use crate::domain::format;
use crate::domain::plan::{ACTION, BY, DryRun, IRREVERSIBLE, Plan};
use crate::domain::signal::{Health, Source};
use crate::domain::slo::{Slo, WindowPair};
use crate::domain::statistics::Difference;
use crate::domain::value::Value;
use crate::domain::verdict::{Gate, GateResult, GateState, Method, Offer};

use super::analysis::Look;
use super::attribution::{Attribution, TRAFFIC_STEP};
use super::investigate::Study;
use super::offer::TargetState;
use super::record::PastAction;
use super::surroundings::Surroundings;

use GateState::{Fail, Pass, Unknown};

/// What the gates look at.
pub struct Facts<'a> {
    /// The look.
    pub look: &'a Look<'a>,
    /// What else is the matter.
    pub around: &'a Surroundings,
    /// What burns it.
    pub attribution: &'a Attribution,
    /// What is offered.
    pub offer: Offer,
    /// The plan.
    pub plan: Option<&'a Plan>,
    /// Its dry run.
    pub dry_run: &'a DryRun,
    /// The target.
    pub target: Option<&'a Uid>,
    /// How good it is.
    pub target_state: &'a TargetState,
    /// Why there is no plan.
    pub refusal: Option<&'a Refusal>,
}

/// The source whose silence ages what the cluster told: it is asked every few seconds, a watch is not.
pub(super) const KUBE: Source = Source::Kubernetes;
/// Figures older than this hold no gate.
const TOO_OLD: TimeDelta = TimeDelta::minutes(3);

type Answer = (GateState, String, Vec<String>);

/// All seven in order, and what disables approving.
pub fn all(facts: &Facts<'_>, evidence: &mut EvidenceList) -> (Vec<GateResult>, Vec<Clean>) {
    let blocks = blocks(facts);
    let gates = Gate::ALL
        .into_iter()
        .map(|gate| {
            let (state, line, ids) = match gate {
                Gate::Real => real(facts, evidence),
                Gate::Ours => ours(facts, evidence),
                Gate::OnlyUs => only_us(facts, evidence),
                Gate::TargetGood => target_good(facts, evidence),
                Gate::Reversible => reversible(facts, evidence),
                Gate::SafeNow => safe_now(facts, evidence),
                Gate::StillTrue => still_true(facts),
            };
            let (state, line) = aged(facts.look, gate, state, line);
            GateResult { gate, state, line: Clean::new(line), evidence: ids }
        })
        .collect();
    (gates, blocks)
}

/// Figures that are not refreshed any more, or of which a part is missing, hold nothing: a gate that rests on them is unknown, however it was.
fn aged(look: &Look<'_>, gate: Gate, state: GateState, line: String) -> (GateState, String) {
    // What is missing may be what differs, and what was bad; that a target is measured bad stays so.
    let holds = matches!((gate, state), (Gate::Ours, Pass | Fail) | (Gate::TargetGood, Pass));
    if holds && let Some(why) = look.study.and_then(Study::partial) {
        return (Unknown, format!("partial data ({why}): {line}"));
    }
    let rests_on_figures = matches!(gate, Gate::Real | Gate::Ours | Gate::OnlyUs | Gate::TargetGood);
    if state == Unknown || !rests_on_figures || look.slo.is_none() {
        return (state, line);
    }
    let known = look.world.sources.get(&Source::Prometheus);
    let counted = look.study.and_then(|s| s.buckets.as_ref()).map(|b| b.to);
    let since = known.and_then(|s| s.heard).into_iter().chain(counted).min();
    let down = known.is_some_and(|s| matches!(s.health, Health::Down(_) | Health::Forbidden(_)));
    let old = since.is_some_and(|at| look.now - at > TOO_OLD);
    match since {
        // What speaks against it stands until newer figures say otherwise, with its age.
        Some(at) if old || down => {
            let state = if state == Pass { Unknown } else { state };
            (state, format!("figures as of {}: {line}", format::clock(at)))
        }
        _ => (state, line),
    }
}

/// Rights that a plan needs.
pub fn rights_for(plan: &Plan) -> Vec<Right> {
    let right = |resource, group| Right {
        verb: "patch",
        resource,
        group,
        namespace: plan.workload.namespace.clone(),
    };
    let mut rights = vec![right("deployments", "apps")];
    if !plan.configs.is_empty() {
        rights.push(right("configmaps", ""));
    }
    rights
}

fn blocks(facts: &Facts<'_>) -> Vec<Clean> {
    let look = facts.look;
    let mut blocks = Vec::new();
    let mut block = |why: String| blocks.push(Clean::new(why));
    if look.setup.read_only {
        block("--read-only: nothing is written".into());
    }
    if let Some(why) = look.journal_closed {
        block(format!("the journal cannot be written: {why}"));
    }
    match (facts.plan, facts.refusal) {
        (_, Some(refusal)) => block(refusal.to_string()),
        (None, None) => block("there is nothing to approve".into()),
        (Some(plan), None) => {
            for right in rights_for(plan) {
                match look.world.allowed(&right) {
                    Some(true) => {}
                    Some(false) => block(format!(
                        "no right to {} {} in {}; hint: ask for it in a Role, or let somebody approve who has it",
                        right.verb, right.resource, right.namespace
                    )),
                    None => block(format!("the right to {} {} is not known yet", right.verb, right.resource)),
                }
            }
            if plan.changes.is_empty() {
                block("the plan changes nothing".into());
            }
        }
    }
    if let Some(why) = &look.unmet {
        block(why.to_string());
    }
    if let Some(plan) = facts.plan.filter(|_| !look.rejected.is_empty()) {
        let digest = plan.digest(look.world.cluster_id.as_ref().map_or("", Clean::as_str));
        let no = look.rejected.iter().find(|(rejected, _)| *rejected == digest);
        no.into_iter().for_each(|(_, why)| block(why.to_string()));
    }
    if look.deployment.paused {
        block("the Deployment is paused; hint: kubectl rollout resume".into());
    }
    if let DryRun::Refused(why) = facts.dry_run {
        block(format!("the server's dry run refused it: {why}"));
    }
    if facts.target_state.state == Fail && facts.offer.acts() {
        block(format!("TARGET GOOD fails: {}", facts.target_state.line));
    }
    let (name, uid) = (&look.deployment.meta.key, &look.deployment.meta.uid);
    if let Some(action) = unresolved(look.actions.iter(), name, uid) {
        let why = action.unknown_why.as_ref().map_or(String::new(), |why| format!(": {why}"));
        let way = if action.lost { "whoever knows it must say it" } else { "it must be read back first" };
        block(format!("action {} on this workload has an unknown outcome; {way}{why}", action.action));
    }
    blocks
}

/// An action on this very Deployment that may have been sent and whose outcome nobody knows. One on a Deployment of
/// this name that is gone by now cannot reach this one: its patch tests the uid.
pub fn unresolved<'a>(
    actions: impl Iterator<Item = &'a PastAction>,
    workload: &Key,
    uid: &Uid,
) -> Option<&'a PastAction> {
    let name = workload.to_string();
    actions
        .into_iter()
        .find(|a| a.unknown && a.workload == name && (a.watch.uid == *uid || a.watch.uid == Uid::default()))
}

fn real(facts: &Facts<'_>, evidence: &mut EvidenceList) -> Answer {
    let look = facts.look;
    if look.wish.is_some_and(|w| w.undo_of.is_some()) {
        return (Unknown, "the way back of our own action: not about a burn".into(), vec![]);
    }
    let Some(slo) = look.slo else {
        return (Unknown, "no SLO judges this workload".into(), vec![]);
    };
    let pair = shown_pair(slo);
    let mut ids = Vec::new();
    for window in pair.iter().flat_map(|p| [p.short, p.long]) {
        let id = evidence
            .add(
                format!("burn rate of {}", slo.id),
                format!("prom slo:sli_error:ratio_rate{window}"),
                slo.ratios.get(&window).map_or(look.now, |r| r.at.min(look.now)),
            )
            .value(slo.burn(window), "x")
            .window(window.to_string())
            .id();
        ids.push(id);
    }
    let onset = facts.attribution.onset.as_ref();
    let bad = onset.map_or(0.0, |o| o.during.bad);
    if let Some(o) = onset {
        let window = format!("{}..", format::clock(o.began));
        let added = evidence.add(
            "error ratio since the onset",
            format!("prom counters of {}", slo.id),
            counted_at(look),
        );
        let ratio = o.during.ratio().map_or(Value::NaN, Value::from_f64);
        ids.push(added.value(ratio, "ratio").window(window).counts(o.during.bad, o.during.total).id());
    }
    let Some(pair) = pair else {
        return (Unknown, "no window pair is known".into(), ids);
    };
    let covered = |window| format::window_covered(window, look.study.and_then(|s| s.covered(window)));
    let burns = format!(
        "{} {} and {} {} ({} above {})",
        covered(pair.short),
        format::burn_value(slo.burn(pair.short)),
        covered(pair.long),
        format::burn_value(slo.burn(pair.long)),
        pair.severity.word(),
        format::burn(pair.factor)
    );
    if let Some(ended) = onset.and_then(|o| o.ended) {
        return (Fail, format!("recovering: no new errors since {}; {burns}", format::clock(ended)), ids);
    }
    let fresh =
        matches!(slo.burn(pair.short), Value::Number(_)) && matches!(slo.burn(pair.long), Value::Number(_));
    if !fresh {
        return (Unknown, burns, ids);
    }
    if slo.burning().is_none() {
        return (Fail, format!("the alert does not fire; {burns}"), ids);
    }
    if slo.pairs_over().is_empty() {
        return (Unknown, format!("the alert fires, but not both windows are over: {burns}"), ids);
    }
    if onset.is_none() {
        return (Unknown, format!("{burns}, no counts"), ids);
    }
    let counted = format!("{burns}, {} events", format::count(bad));
    if bad < look.setup.policy.min_bad as f64 { (Unknown, counted, ids) } else { (Pass, counted, ids) }
}

/// The pair that tells most: one that is over, else the first page pair.
pub fn shown_pair(slo: &Slo) -> Option<WindowPair> {
    slo.pairs_over().first().map(|p| (*p).clone()).or_else(|| slo.pairs.first().cloned())
}

/// When the counts of the incident were asked for.
pub(super) fn counted_at(look: &Look<'_>) -> Time {
    look.study.and_then(|s| s.buckets.as_ref()).map_or(look.now, |b| b.to.min(look.now))
}

fn ours(facts: &Facts<'_>, evidence: &mut EvidenceList) -> Answer {
    let look = facts.look;
    let found = facts.attribution;
    if look.wish.is_some_and(|w| w.undo_of.is_some()) {
        return (Unknown, "the way back of our own action".into(), vec![]);
    }
    let Some(onset) = &found.onset else {
        return (Unknown, "no onset in the counts".into(), vec![]);
    };
    let Some(change) = &found.change else {
        return match found.later_rollout {
            Some(at) => (
                Fail,
                format!("the errors began {} before the rollout", format::span(at - onset.began)),
                vec![],
            ),
            None => match unread_changes(look).as_slice() {
                [] => (Fail, "no rollout and no edit shortly before the onset".into(), vec![]),
                unread => {
                    let line = format!(
                        "no rollout or edit seen shortly before the onset; {} not readable",
                        unread.join(" and ")
                    );
                    (Unknown, line, vec![])
                }
            },
        };
    };
    let mut ids = vec![
        evidence
            .add(
                "from the begin of the change to the onset of the errors",
                "kube ReplicaSets, Events, managedFields",
                look.heard(KUBE),
            )
            .value(Value::from_f64((onset.began - change.began).num_seconds() as f64), "s")
            .window(format!("{} to onset {}", format::clock(change.began), format::clock(onset.began)))
            .id(),
    ];
    let (source, new_name, old_name, the_change) = match found.method {
        Method::ByPod => ("prom counters by pod", "new pods", "old pods", ""),
        Method::ByTime => ("prom counters by time", "after", "before", " the change"),
    };
    for (name, counts) in [(new_name, found.new), (old_name, found.old)] {
        let ratio = counts.ratio().map_or(Value::NaN, Value::from_f64);
        let of = if found.method == Method::ByPod { "error ratio of the" } else { "error ratio" };
        let added = evidence.add(format!("{of} {name}{the_change}"), source, counted_at(look));
        ids.push(added.value(ratio, "ratio").counts(counts.bad, counts.total).id());
    }
    if found.unattributed.bad >= 1.0 {
        let added = evidence.add("requests that belong to no pod", source, counted_at(look));
        ids.push(added.counts(found.unattributed.bad, found.unattributed.total).id());
    }
    let percent = |counts: crate::domain::statistics::Counts| {
        counts.ratio().map_or("no traffic".into(), format::percent)
    };
    let line = format!(
        "onset {}; {new_name} {}, {old_name} {}",
        format::onset(change.began, onset.began, onset.step),
        percent(found.new),
        percent(found.old)
    );
    let by = if found.method == Method::ByTime { " (by time)" } else { "" };
    if let Some(back) = found.brought_back.as_ref().filter(|b| b.no_cure) {
        let since = percent(back.since);
        return (Fail, format!("{line}; {since} under the revision that came back"), ids);
    }
    match found.difference {
        Some(Difference::Strong) => (Pass, format!("{line}: strong{by}"), ids),
        Some(Difference::Likely) => (Pass, format!("{line}: likely{by}"), ids),
        Some(Difference::NoneSeen) => (Fail, format!("{line}: no difference seen{by}"), ids),
        _ => (Unknown, format!("{line}: not enough data{by}"), ids),
    }
}

/// Kinds that tell of changes, as far as this workload has them, and may not be read.
fn unread_changes(look: &Look<'_>) -> Vec<&'static str> {
    let mut unread = unread_references(look, look.world.current(look.deployment).map(|r| &r.meta.uid));
    if !look.world.reads("replicasets") {
        unread.push("ReplicaSets");
    }
    unread
}

fn only_us(facts: &Facts<'_>, evidence: &mut EvidenceList) -> Answer {
    let look = facts.look;
    let around = facts.around;
    let mut against = Vec::new();
    for callee in &around.callees_burning {
        against.push(format!("{}, which it calls, burns too", callee.workload.name));
    }
    for sibling in &around.siblings_burning {
        against.push(format!("{} burns since the same time", sibling.workload.name));
    }
    let step = facts.attribution.onset.as_ref().and_then(|o| around.traffic_step(o));
    let mut ids = vec![
        evidence
            .add(
                "other SLOs in the namespace or on an edge that are quiet",
                "prom ALERTS and burn rates",
                look.heard(Source::Prometheus),
            )
            .value(Value::from_f64(around.quiet as f64), "SLOs")
            .id(),
    ];
    let traffic = match step {
        Some((factor, before, during)) => {
            let added = evidence.add(
                "traffic in the incident over traffic before",
                "prom counters by time",
                counted_at(look),
            );
            ids.push(added.value(Value::from_f64(factor), "x").id());
            if factor >= TRAFFIC_STEP {
                against.push(format!("traffic {factor:.1} times as before ({before:.0}/s to {during:.0}/s)"));
            }
            format!("traffic {factor:.1} times ({during:.0}/s)")
        }
        None => "traffic before unknown".into(),
    };
    against.extend(around.infrastructure.iter().map(Clean::to_string));
    if !against.is_empty() {
        return (Fail, against.join("; "), ids);
    }
    let callers = match around.callers_burning.as_slice() {
        [] => String::new(),
        [one, ..] => format!(", {} burns as a consequence", one.workload.name),
    };
    let quiet = match around.quiet {
        0 => "no other SLO near".to_owned(),
        1 => "1 other SLO quiet".to_owned(),
        n => format!("{n} other SLOs quiet"),
    };
    let silent = if around.silent == 0 { String::new() } else { format!(", {} without data", around.silent) };
    let unmapped = match around.unmapped_burning.as_slice() {
        [] => String::new(),
        [one] => format!(", {one} burns and is of no known workload"),
        [one, rest @ ..] => format!(", {one} and {} more burn and are of no known workload", rest.len()),
    };
    let line = format!("{quiet}{silent}{unmapped}{callers}, {traffic}, {}", around.infrastructure_source);
    match around.callees_silent.as_slice() {
        [] => (Pass, line, ids),
        [one, ..] => (Unknown, format!("no data about {one}, which it calls; {line}"), ids),
    }
}

fn target_good(facts: &Facts<'_>, evidence: &mut EvidenceList) -> Answer {
    let look = facts.look;
    if !facts.offer.acts() {
        return (Unknown, "no target is offered".into(), vec![]);
    }
    let row = facts.target.and_then(|uid| look.rows.iter().find(|r| r.uid == *uid));
    let mut ids = Vec::new();
    if let Some(row) = row {
        let source = match row.method {
            Method::ByPod => "prom counters by pod, last 7d",
            Method::ByTime => "prom counters by time",
        };
        let history_at = look.study.and_then(|s| s.history.as_ref()).map_or(look.now, |h| h.to.min(look.now));
        let added = evidence.add(format!("error ratio while {} served", row.name), source, history_at);
        let added = added.window(format::span(row.served.length()));
        let added = match row.number {
            Some(number) => added.subject(format!("revision {number}")),
            None => added,
        };
        ids.push(match row.counts {
            Some(c) => added
                .counts(c.bad, c.total)
                .value(c.ratio().map_or(Value::NaN, Value::from_f64), "ratio")
                .id(),
            None => added.id(),
        });
    }
    match (facts.offer, row) {
        (Offer::Rollback, Some(row)) => {
            let line =
                format!("{}: {}; {}", row.title(), facts.target_state.line, image_pulled(look, &row.images));
            (facts.target_state.state, line, ids)
        }
        _ => (facts.target_state.state, facts.target_state.line.clone(), ids),
    }
}

/// The registry cannot be asked, so this decides nothing: the kubelets' Events say when a node last had the image.
fn image_pulled(look: &Look<'_>, images: &[Clean]) -> String {
    let namespace = &look.deployment.meta.key.namespace;
    let pulls = look.world.events.iter().filter(|e| e.reason == "Pulled" && e.key.namespace == *namespace);
    let pulled = |image: &Clean| {
        let quoted = format!("\"{image}\"");
        pulls.clone().filter(|e| e.message.as_str().contains(&quoted)).filter_map(|e| e.last).max()
    };
    let oldest = images.iter().map(pulled).min().flatten();
    oldest.map_or("image not checked".into(), |at| {
        format!("image last pulled {} ago", format::span(look.now - at))
    })
}

fn reversible(facts: &Facts<'_>, evidence: &mut EvidenceList) -> Answer {
    let look = facts.look;
    if let Some((why, source)) = declared_irreversible(look, facts.target) {
        let id = evidence.add(format!("{IRREVERSIBLE} is declared"), source, look.heard(KUBE)).id();
        return (Fail, format!("declared irreversible: {why}"), vec![id]);
    }
    let Some(plan) = facts.plan else {
        return (Unknown, "there is no plan".into(), vec![]);
    };
    let unread = unread_references(look, facts.target);
    match plan.not_restored.as_slice() {
        [] if !unread.is_empty() => {
            let line =
                format!("{} not readable: whether they changed since is not known", unread.join(" and "));
            (Unknown, line, vec![])
        }
        [] if plan.configs.is_empty() => {
            (Pass, "referenced ConfigMaps and Secrets unchanged since".into(), vec![])
        }
        [] => {
            let names: Vec<&str> = plan.configs.iter().map(|(k, _)| k.name.as_str()).collect();
            (Pass, format!("the plan restores ConfigMap {}", names.join(", ")), vec![])
        }
        [first, rest @ ..] => {
            let id = evidence
                .add(
                    format!("{} {} {}", first.kind, first.name, first.why),
                    "kube managedFields",
                    look.heard(KUBE),
                )
                .id();
            let more = if rest.is_empty() { String::new() } else { format!(" and {} more", rest.len()) };
            (Fail, format!("{} {} {}{more}", first.kind, first.name, first.why), vec![id])
        }
    }
}

/// Why there is no way back, and where that is declared: by what is live, or by any revision that came after the
/// target. What one of them did to the data is done, whoever came after it.
fn declared_irreversible(look: &Look<'_>, target: Option<&Uid>) -> Option<(Clean, String)> {
    let deployment = look.deployment;
    if let Some(why) =
        deployment.annotation(IRREVERSIBLE).or_else(|| deployment.template.irreversible.clone())
    {
        return Some((why, "kube Deployment".into()));
    }
    let number = look.world.replica_sets.get(target?)?.revision?;
    let history = look.world.history(deployment);
    let mut later =
        history.into_iter().filter(|r| r.revision.iter().chain(&r.former).any(|other| *other > number));
    later.find_map(|r| {
        let why = r.template.irreversible.clone().or_else(|| r.annotation(IRREVERSIBLE))?;
        Some((Clean::new(format!("{why} ({})", r.meta.key.name)), "kube ReplicaSets".into()))
    })
}

/// Kinds to which the target refers and which may not be read: nobody knows what happened to them.
pub(super) fn unread_references(look: &Look<'_>, target: Option<&Uid>) -> Vec<&'static str> {
    let revision = target.and_then(|uid| look.world.replica_sets.get(uid));
    let mut unread = Vec::new();
    for reference in revision.into_iter().flat_map(|r| &r.template.references) {
        let (kind, name) = match reference.kind {
            RefKind::ConfigMap => ("configmaps", "ConfigMaps"),
            RefKind::Secret => ("secrets", "Secrets"),
            RefKind::PersistentVolumeClaim => continue,
        };
        if !look.world.reads(kind) && !unread.contains(&name) {
            unread.push(name);
        }
    }
    unread
}

fn safe_now(facts: &Facts<'_>, evidence: &mut EvidenceList) -> Answer {
    let look = facts.look;
    let mut against: Vec<(GateState, String)> = Vec::new();
    let mut fail = |why: String| against.push((Fail, why));
    if look.deployment.paused {
        fail("paused".into());
    }
    if let Some(why) = &look.setup.policy.freeze {
        fail(format!("freeze: {why}"));
    }
    for freeze in &look.setup.policy.freezes {
        if let Some(until) = freeze.until(look.now) {
            fail(format!("freeze until {} UTC: {}", until.format("%a %Y-%m-%d %H:%M"), freeze.why));
        }
    }
    if let Some(owner) = owner(look.deployment) {
        against.push(owner);
    }
    if let Some(other) = other_rollout(facts) {
        against.push((Fail, other));
    }
    against.extend(capacity(look));
    against.extend(too_often(look, facts.plan));
    if let Some(plan) = facts.plan {
        for right in rights_for(plan) {
            match look.world.allowed(&right) {
                Some(true) => {}
                Some(false) => against.push((Fail, format!("no right to {} {}", right.verb, right.resource))),
                None => {
                    against.push((Unknown, format!("right to {} {} not known", right.verb, right.resource)))
                }
            }
        }
        match facts.dry_run {
            DryRun::Accepted(_) => {}
            DryRun::Pending => against.push((Unknown, "dry run under way".into())),
            DryRun::Refused(why) => against.push((Fail, format!("dry run refused: {why}"))),
            DryRun::Unavailable(why) => against.push((Unknown, format!("no dry run: {why}"))),
        }
    } else {
        against.push((Unknown, "there is no plan to try".into()));
    }
    let id = evidence
        .add("replicas available", "kube Deployment status", look.heard(KUBE))
        .value(Value::from_f64(look.deployment.available as f64), "replicas")
        .id();
    if against.is_empty() {
        let hour = actions_within_hour(look);
        let line = format!(
            "{}/{} replicas available, {}{hour} of {} this hour, dry run accepted",
            look.deployment.available,
            look.deployment.replicas,
            budget_words(look),
            look.setup.policy.max_per_hour
        );
        return (Pass, line, vec![id]);
    }
    let state = if against.iter().any(|(state, _)| *state == Fail) { Fail } else { Unknown };
    let words: Vec<String> = against.into_iter().map(|(_, why)| why).collect();
    (state, words.join("; "), vec![id])
}

/// Who owns the Deployment and would put it back.
pub fn owner(deployment: &Deployment) -> Option<(GateState, String)> {
    let annotation = |name: &str| deployment.annotation(name);
    let label = |name: &str| deployment.meta.labels.get(name).cloned();
    if let Some(id) =
        annotation("argocd.argoproj.io/tracking-id").or_else(|| label("argocd.argoproj.io/instance"))
    {
        return Some((
            Fail,
            format!("Argo CD owns it ({id}) and would undo this, with self-heal within seconds"),
        ));
    }
    for (name, what) in [
        ("kustomize.toolkit.fluxcd.io/name", "Kustomization"),
        ("helm.toolkit.fluxcd.io/name", "HelmRelease"),
    ] {
        if let Some(id) = label(name).or_else(|| annotation(name)) {
            let paused = annotation("kustomize.toolkit.fluxcd.io/reconcile").is_some_and(|v| v == "disabled");
            if !paused {
                return Some((
                    Fail,
                    format!("Flux {what} {id} owns it and would undo this at its next reconcile"),
                ));
            }
        }
    }
    let applier = deployment.meta.managed.iter().find(|m| {
        m.apply
            && m.template
            && ["argocd", "kustomize-controller", "helm-controller", "flux"]
                .iter()
                .any(|c| m.manager.as_str().contains(c))
    });
    if let Some(managed) = applier {
        return Some((Fail, format!("{} applies its template and would undo this", managed.manager)));
    }
    if let Some((kind, name, _)) = &deployment.meta.controller {
        return Some((Fail, format!("{kind} {name} controls it and may undo this")));
    }
    let release = annotation("meta.helm.sh/release-name");
    let by_helm = label("app.kubernetes.io/managed-by").is_some_and(|v| v == "Helm");
    if by_helm || release.is_some() {
        let name = release.map_or(String::new(), |r| format!(" {r}"));
        return Some((Unknown, format!("Helm release{name} would undo this at its next upgrade")));
    }
    None
}

/// A rollout that is under way and is not the one to be rolled back.
fn other_rollout(facts: &Facts<'_>) -> Option<String> {
    let deployment = facts.look.deployment;
    if deployment.observed_generation < deployment.meta.generation {
        return Some("the controller has not seen the last change yet".into());
    }
    if deployment.settled() || deployment.deadline_exceeded() {
        return None;
    }
    // The way back may be asked for while what it undoes is still rolling out.
    let undone = facts.look.wish.and_then(|w| w.undo_of.as_ref());
    if undone.is_some_and(|action| action.written_template == deployment.template.digest) {
        return None;
    }
    let rolling = deployment.updated < deployment.replicas || deployment.current > deployment.replicas;
    let current = facts.look.world.current(deployment).map(|r| &r.meta.uid);
    let suspected = facts.attribution.change.as_ref().map(|c| &c.revision) == current;
    (rolling && !suspected).then(|| {
        format!("another rollout is under way ({} of {} updated)", deployment.updated, deployment.replicas)
    })
}

fn capacity(look: &Look<'_>) -> Vec<(GateState, String)> {
    let mut against = Vec::new();
    let deployment = look.deployment;
    for budget in look.world.budgets.values().filter(|b| b.key.namespace == deployment.meta.key.namespace) {
        let selects = !budget.selector.is_empty()
            && budget.selector.iter().all(|(k, v)| deployment.template.labels.get(k) == Some(v));
        if selects && budget.healthy < budget.wanted {
            against.push((
                Fail,
                format!("PDB {}: {} of {} healthy", budget.key.name, budget.healthy, budget.wanted),
            ));
        }
    }
    for autoscaler in look.world.autoscalers.values() {
        let ours = autoscaler.key.namespace == deployment.meta.key.namespace
            && autoscaler.target.0 == "Deployment"
            && autoscaler.target.1 == deployment.meta.key.name;
        if ours && autoscaler.desired >= autoscaler.max && autoscaler.max > autoscaler.min {
            against.push((
                Unknown,
                format!("HPA {} is at its maximum of {}", autoscaler.key.name, autoscaler.max),
            ));
        }
    }
    if deployment.recreate && deployment.replicas > 0 {
        against.push((Fail, "strategy Recreate: all pods stop before the first new one starts".into()));
    }
    if deployment.replicas == 0 {
        against.push((Fail, "scaled to 0: a rollback changes no running pod".into()));
    }
    against
}

/// What is known of capacity, in words, and what could not be read of it.
fn budget_words(look: &Look<'_>) -> String {
    let deployment = look.deployment;
    let found = look.world.budgets.values().find(|b| {
        b.key.namespace == deployment.meta.key.namespace
            && !b.selector.is_empty()
            && b.selector.iter().all(|(k, v)| deployment.template.labels.get(k) == Some(v))
    });
    let words = found.map_or(String::new(), |b| format!("PDB {}/{}, ", b.healthy, b.wanted));
    let kinds = [("poddisruptionbudgets", "PDBs"), ("horizontalpodautoscalers", "HPAs")];
    let refused = |kind| {
        let source = look.world.sources.get(&Source::Kind(kind));
        source.is_some_and(|s| matches!(s.health, Health::Forbidden(_) | Health::Down(_)))
    };
    let unread: Vec<&str> = kinds.iter().filter(|(kind, _)| refused(kind)).map(|(_, name)| *name).collect();
    if unread.is_empty() { words } else { format!("{words}{} not readable, ", unread.join(" and ")) }
}

/// Actions of the last hour on this cluster, by whomever, our undos left out.
fn actions_within_hour(look: &Look<'_>) -> usize {
    let recent = |at: Time| (look.now - at).num_seconds() < 3_600;
    let ours =
        look.actions.iter().filter(|a| recent(a.time) && a.undo_of.is_none() && a.may_have_acted()).count();
    let others = look.world.deployments.values().filter_map(|d| others_mark(look, d));
    ours + others.filter(|(at, _)| recent(*at)).count()
}

/// The mark of an action that our own journal does not know: another operator's. When, and who as the mark has it.
fn others_mark(look: &Look<'_>, deployment: &Deployment) -> Option<(Time, Clean)> {
    let (action, at, by) = mark(deployment)?;
    (!look.actions.iter().any(|a| a.action == action)).then_some((at, by))
}

/// The mark of the last action on a Deployment: its id, when it was approved, and by whom.
pub(super) fn mark(deployment: &Deployment) -> Option<(String, Time, Clean)> {
    let mark = deployment.annotation(ACTION)?;
    let (action, _) = mark.as_str().split_once(':')?;
    let millis = i64::try_from(Ulid::from_string(action).ok()?.timestamp_ms()).ok()?;
    let by = deployment.annotation(BY).unwrap_or_else(|| "somebody".into());
    Some((action.to_owned(), Time::from_timestamp_millis(millis)?, by))
}

/// What would make it fail voids the card, see [`super::gate::Proposal::refresh`]. What is not watched may have changed
/// without anybody having seen it.
fn still_true(facts: &Facts<'_>) -> Answer {
    let sources = &facts.look.world.sources;
    let configs = facts.plan.is_some_and(|p| !p.configs.is_empty());
    let kinds = ["deployments", "replicasets"].into_iter().chain(configs.then_some("configmaps"));
    let blind = kinds.filter_map(|kind| {
        let known = sources.get(&Source::Kind(kind))?;
        matches!(known.health, Health::Down(_))
            .then(|| known.heard.map_or(kind.to_owned(), |at| format!("{kind} since {}", format::clock(at))))
    });
    let blind: Vec<String> = blind.collect();
    if blind.is_empty() {
        return (Pass, "watched, unchanged; all is read again before the write".into(), vec![]);
    }
    (Unknown, format!("not watched: {}", blind.join(", ")), vec![])
}

/// Cool-down and rate limit. Exempt: the way back of an own action, and another plan after NOT HELPED or WORSE.
fn too_often(look: &Look<'_>, plan: Option<&Plan>) -> Vec<(GateState, String)> {
    let policy = &look.setup.policy;
    if look.wish.is_some_and(|w| w.undo_of.is_some()) {
        return Vec::new();
    }
    let workload = look.deployment.meta.key.to_string();
    let last = look.actions.iter().rev().find(|a| a.workload == workload && a.may_have_acted());
    let another = |a: &PastAction| plan.is_none_or(|p| p.written_template != a.written_template);
    if last.is_some_and(|a| matches!(a.outcome.as_deref(), Some("not_helped" | "worse")) && another(a)) {
        return Vec::new();
    }
    let mut against = Vec::new();
    let own = last.map(|a| (a.time, "acted".to_owned()));
    let other = others_mark(look, look.deployment).map(|(at, by)| (at, format!("{by} acted")));
    if let Some((at, who)) = own.into_iter().chain(other).max_by_key(|(at, _)| *at) {
        let passed = look.now - at;
        if passed < policy.cool_down.delta() {
            let (ago, kept) = (format::span(passed), format::span(policy.cool_down.delta()));
            against.push((Fail, format!("cool-down: {who} {ago} ago, {kept} are kept")));
        }
    }
    let hour = actions_within_hour(look);
    if hour as u64 >= policy.max_per_hour {
        against.push((
            Fail,
            format!("rate limit: {hour} actions within the hour, {} are the limit", policy.max_per_hour),
        ));
    }
    against
}

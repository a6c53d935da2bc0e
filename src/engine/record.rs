//! What is recorded for ever, and what a record tells later: proposals, decisions, intents, outcomes, closes. Bodies
//! are plain JSON, written once; a reader of next year needs nothing but the file.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use serde::{Deserialize, Serialize};

use crate::domain::Time;
use crate::domain::advice::Dissent;
use crate::domain::clean::Clean;
use crate::domain::cluster::{ConfigVersion, ContentDigest, Key, Uid};
use crate::domain::evidence::Evidence;
use crate::domain::exact;
use crate::domain::notice::Ruling;
use crate::domain::plan::{ConfigBefore, Undo, call_json};
use crate::domain::slo::SloId;
use crate::domain::statistics::Counts;
use crate::sabotage::{self, Design};

use super::analysis::{Analysis, Prediction};
use super::background;
use super::effect::Trace;
use super::gate::Proposal;
use super::verify::Running;

/// A card was opened.
pub const PROPOSED: &str = "proposed";
/// A person approved, where more than one is wanted.
pub const APPROVED: &str = "approved";
/// An action of another operator whose session died is watched from here on.
pub const TAKEN_UP: &str = "taken_up";
/// A person refused.
pub const REJECTED: &str = "rejected";
/// A person waits.
pub const WAITED: &str = "waited";
/// The card withdrew itself.
pub const WITHDRAWN: &str = "withdrawn";
/// The card expired.
pub const EXPIRED: &str = "expired";
/// An action is about to be sent.
pub const INTENT: &str = "intent";
/// How its calls ended.
pub const OUTCOME: &str = "outcome";
/// How the action ended, by the SLI.
pub const CLOSED: &str = "closed";
/// What a model was asked about a card, all that it answered, and how it was marked.
pub const ADVICE: &str = "advice";
/// A person wrote the rationale anew.
pub const RATIONALE: &str = "rationale";
/// An unknown outcome was read back.
pub const READ_BACK: &str = "read_back";

/// What the journal tells of earlier decisions.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Past {
    /// Actions, oldest first.
    pub actions: Vec<PastAction>,
    /// What was rejected, by fingerprint, with the reason: not offered again until the evidence changes.
    pub rejected: BTreeMap<String, Clean>,
    /// What models took for the cause, oldest first.
    pub opinions: Vec<PastOpinion>,
}

/// What a model took for the cause of what a card was about.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct PastOpinion {
    /// The model.
    pub model: String,
    /// Digest of the plan on the card.
    pub digest: String,
    /// The verdict's word that it gave.
    pub cause: String,
}

/// How often a model was right, of the times that it can be told: its cause was the computed verdict of an action that
/// ended HELPED. That it agreed with a verdict whose action did not help is wrong; what ended INCONCLUSIVE, and a
/// dissent from what did not help, tell nothing.
pub fn model_record(opinions: &[PastOpinion], actions: &[PastAction], model: &str) -> (usize, usize) {
    let (mut right, mut of) = (0, 0);
    for action in actions {
        let said = opinions.iter().rev().find(|o| o.model == model && o.digest == action.digest);
        let agreed = said.map(|o| o.cause == action.verdict);
        match (agreed, action.outcome.as_deref()) {
            (Some(agreed), Some("helped")) => {
                of += 1;
                right += usize::from(agreed);
            }
            (Some(true), Some("not_helped" | "worse")) => of += 1,
            _ => {}
        }
    }
    (right, of)
}

impl From<Vec<PastAction>> for Past {
    fn from(actions: Vec<PastAction>) -> Self {
        Self { actions, ..Self::default() }
    }
}

/// What the verification of an action needs to know of the card that was approved.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Watch {
    /// The Deployment's uid.
    pub uid: Uid,
    /// The ReplicaSet that was to serve.
    pub target: Uid,
    /// Its template, `restartedAt` left out.
    pub template: ContentDigest,
    /// The SLO that verifies.
    pub slo: Option<SloId>,
    /// Its budget, ratio.
    #[serde(with = "exact")]
    pub budget: f64,
    /// Requests of the incident.
    pub incident: Counts,
    /// Error ratio before the incident.
    #[serde(with = "exact")]
    pub before: Option<f64>,
    /// What was predicted when it was approved.
    pub prediction: Option<Prediction>,
}

/// What became of an action, as a person says it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
pub struct Word {
    /// Who says it, as the API server names them.
    pub by: Clean,
    /// In words of their own.
    pub text: Clean,
}

/// An earlier action, as far as later decisions need it.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct PastAction {
    /// ULID.
    pub action: String,
    /// When it was approved.
    pub time: Time,
    /// Who approved, as the API server named them.
    pub by: Clean,
    /// `namespace/name`.
    pub workload: String,
    /// Cluster id.
    pub cluster: String,
    /// Verdict, offer, target, digest, as in `history`.
    pub verdict: String,
    /// Kinds of fields that the change under suspicion touched, sorted.
    pub changed: Vec<String>,
    /// Offer.
    pub offer: String,
    /// Target in words.
    pub target: String,
    /// Digest of the plan.
    pub digest: String,
    /// Outcome word, once it is closed.
    pub outcome: Option<String>,
    /// At least one call was done.
    pub executed: bool,
    /// Nobody knows whether a call was done.
    pub unknown: bool,
    /// Why it cannot be known, as of the last look.
    pub unknown_why: Option<Clean>,
    /// The last look was taken, and what it found cannot tell: only a person can.
    #[serde(default)]
    pub lost: bool,
    /// What a person said became of it, where nothing else could tell.
    #[serde(default)]
    pub word: Option<Word>,
    /// The template that it wrote.
    pub written_template: ContentDigest,
    /// ConfigMaps that it restored, with their digests.
    pub configs: Vec<(Key, ContentDigest)>,
    /// The template that it left.
    pub left_template: ContentDigest,
    /// The way back.
    pub undo: Undo,
    /// The action that it undid.
    pub undo_of: Option<String>,
    /// The reason that was given.
    pub reason: String,
    /// How many calls it has.
    pub calls: usize,
    /// What its verification needs.
    pub watch: Watch,
    /// It is of this process, which knows more of it than the journal.
    pub own: bool,
}

impl PastAction {
    /// Its first calls were done, its last one was not.
    pub fn partial(&self) -> bool {
        self.outcome.as_deref() == Some("partial")
    }

    /// The Deployment.
    pub fn key(&self) -> Option<Key> {
        self.workload.split_once('/').map(|(namespace, name)| Key::new(namespace, name))
    }

    /// What a read-back looks for.
    pub fn trace(&self) -> Trace {
        Trace {
            workload: self.key().unwrap_or_default(),
            configs: self.configs.clone(),
            configs_left: self.undo.configs.clone(),
            left: self.left_template.clone(),
            uid: self.watch.uid.clone(),
            written: self.written_template.clone(),
        }
    }

    /// A person said what became of it: what it did is not known for certain, and it is over.
    pub fn settle(&mut self, word: Word) {
        self.unknown = false;
        self.lost = false;
        self.outcome = Some("inconclusive".into());
        self.word = Some(word);
    }

    /// At least one call was done, or nobody but the person who settled it can tell.
    pub fn may_have_acted(&self) -> bool {
        self.executed || self.word.is_some()
    }

    /// It ended HELPED.
    pub fn helped(&self) -> bool {
        self.outcome.as_deref() == Some("helped")
    }
}

/// Body of a card's record.
pub fn proposed(proposal: &Proposal, cluster: &str) -> Value {
    let mut body = card(&proposal.analysis, cluster);
    body["proposal"] = proposal.id().into();
    body["expires"] = proposal.expires.to_rfc3339().into();
    body
}

/// Body of a rejection: with what must change before it is offered again.
pub fn rejected(proposal: &Proposal, cluster: &str, by: &Clean, reason: &str, now: Time) -> Value {
    let mut body = decided(proposal, cluster, by, reason, now);
    body["fingerprint"] = proposal.analysis.fingerprint.clone().into();
    body
}

/// Body of a decision: the card as it was when it was decided, who, why, how long it was on the screen.
pub fn decided(proposal: &Proposal, cluster: &str, by: &Clean, reason: &str, now: Time) -> Value {
    let mut body = card(&proposal.analysis, cluster);
    body["proposal"] = proposal.id().into();
    body["by"] = json!(by);
    body["reason"] = json!(Clean::new(reason));
    body["seconds_open"] = json!((now - proposal.opened).num_seconds());
    body
}

/// Body of an intent: the exact calls, the pre-image, the prediction, and whether a model dissented.
pub fn intent(running: &Running, proposal: &Proposal, cluster: &str, open_s: i64) -> Value {
    let analysis = &proposal.analysis;
    let calls: Vec<Value> = running.calls.iter().map(call_json).collect();
    let mut body = card(analysis, cluster);
    body["action"] = running.action.0.clone().into();
    body["by"] = json!(running.by);
    body["reason"] = json!(running.reason);
    body["seconds_open"] = open_s.into();
    body["calls"] = calls.into();
    body["left_template"] = json!(running.plan.undo.template);
    body["written_template"] = json!(running.plan.written_template);
    let configs = running.plan.configs.iter();
    body["configs"] =
        configs.map(|(k, d)| json!({"namespace": k.namespace, "name": k.name, "digest": d})).collect();
    body["undo"] = undo_json(&running.plan.undo);
    body["watch"] = watch_json(&running.watch());
    // As it was when the token was complete; what came later had no part in it.
    body["dissent"] = json!(running.dissent.map(Dissent::word));
    if !proposal.counted.is_empty() {
        let of = |r: &Ruling| json!({"by": r.by, "at": r.at.to_rfc3339()});
        body["approvals"] = proposal.counted.iter().map(|(ruling, _)| of(ruling)).collect();
    }
    body["by_hand"] = analysis.by_hand.into();
    body["undo_of"] = json!(analysis.undo_of);
    body["prediction"] = json!({
        "no_new_errors_from": running.prediction.clean_from.to_rfc3339(),
        "short_window_clear_by": running.prediction.clear_by.to_rfc3339(),
    });
    body
}

/// The card in JSON, for every record.
fn card(analysis: &Analysis, cluster: &str) -> Value {
    let gates: serde_json::Map<String, Value> = analysis
        .gates
        .iter()
        .map(|g| {
            (
                g.gate.key().to_owned(),
                json!({"state": g.state.word(), "line": g.line, "evidence": g.evidence}),
            )
        })
        .collect();
    json!({
        "cluster": cluster,
        "workload": analysis.workload.to_string(),
        "slos": analysis.slos.iter().map(|s| s.0.as_str()).collect::<Vec<_>>(),
        "verdict": analysis.verdict().word(),
        "changed": background::kinds(&analysis.attribution),
        "offer": analysis.offer.word(),
        "target": target_words(analysis),
        "digest": analysis.digest.as_ref().map(|d| format!("sha256:{}", d.0)),
        "gates": gates,
        "reason_of_offer": analysis.reason,
        "not_restored": not_restored(analysis),
        "evidence": evidence(analysis),
    })
}

/// Target in words, as in `history`.
pub fn target_words(analysis: &Analysis) -> Option<String> {
    let row = analysis.target_row()?;
    let configs: Vec<&str> =
        analysis.plan.iter().flat_map(|p| &p.configs).map(|(key, _)| key.name.as_str()).collect();
    let with =
        if configs.is_empty() { String::new() } else { format!(" with ConfigMap {}", configs.join(", ")) };
    Some(format!("{} {}{with}", row.name, row.version().unwrap_or_default()).trim().to_owned())
}

/// `not_restored` as in contract JSON.
pub fn not_restored(analysis: &Analysis) -> Vec<Value> {
    let all = analysis.plan.iter().flat_map(|p| &p.not_restored);
    all.map(|n| json!({"kind": n.kind, "name": n.name, "why": n.why})).collect()
}

/// `evidence` as in contract JSON.
pub fn evidence(analysis: &Analysis) -> Vec<Value> {
    items(analysis.evidence.items(), analysis.at)
}

/// Items of evidence as JSON, with their age at `now`.
pub fn items(items: &[Evidence], now: Time) -> Vec<Value> {
    use crate::domain::value::Value as V;
    items
        .iter()
        .map(|e| {
            let value = match e.value {
                V::Number(n) => json!(n),
                V::NaN => json!("NaN"),
                V::Infinite { negative } => json!(if negative { "-Inf" } else { "+Inf" }),
                V::Absent => Value::Null,
                V::Stale { last, .. } => json!({"stale": last}),
            };
            json!({
                "id": e.id, "fact": e.fact, "value": value, "unit": e.unit, "window": e.window,
                "bad": e.bad.map(f64::round), "total": e.total.map(f64::round), "source": e.source,
                "age_s": (now - e.at).num_seconds().max(0),
            })
        })
        .collect()
}

fn undo_json(undo: &Undo) -> Value {
    let configs: Vec<Value> = undo
        .configs
        .iter()
        .map(|c| {
            json!({"namespace": c.key.namespace, "name": c.key.name, "uid": c.uid, "mark": c.mark,
                   "data": c.version.data.value(), "binaryData": c.version.binary_data.value()})
        })
        .collect();
    json!({"template": undo.template, "replica_set": undo.replica_set, "configs": configs})
}

fn configs_from(list: &Value) -> Vec<(Key, ContentDigest)> {
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    let one =
        |c: &Value| (Key::new(text(&c["namespace"]), text(&c["name"])), ContentDigest(text(&c["digest"])));
    list.as_array().into_iter().flatten().map(one).collect()
}

fn undo_from(body: &Value) -> Undo {
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    Undo {
        template: ContentDigest(text(&body["template"])),
        replica_set: Uid(text(&body["replica_set"]).into()),
        configs: body["configs"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|c| ConfigBefore {
                key: Key::new(text(&c["namespace"]), text(&c["name"])),
                uid: Uid(text(&c["uid"]).into()),
                mark: c["mark"].as_str().map(Clean::new),
                version: ConfigVersion::new(&c["data"], &c["binaryData"]),
            })
            .collect(),
    }
}

fn watch_json(watch: &Watch) -> Value {
    json!({
        "uid": watch.uid, "target": watch.target, "template": watch.template,
        "slo": watch.slo.as_ref().map(|s| s.0.as_str()), "budget": watch.budget,
        "bad": watch.incident.bad, "total": watch.incident.total, "before": watch.before,
    })
}

/// From the body of an intent, which holds the prediction as well.
fn watch_from(intent: &Value) -> Watch {
    let body = &intent["watch"];
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    let number = |name: &str| body[name].as_f64();
    let predicted = |name: &str| intent["prediction"][name].as_str()?.parse::<Time>().ok();
    Watch {
        uid: Uid(text("uid").into()),
        target: Uid(text("target").into()),
        template: ContentDigest(text("template")),
        slo: body["slo"].as_str().map(|id| SloId(Clean::new(id))),
        budget: number("budget").unwrap_or(0.0),
        incident: Counts::new(number("bad").unwrap_or(0.0), number("total").unwrap_or(0.0)),
        before: number("before"),
        prediction: predicted("no_new_errors_from")
            .zip(predicted("short_window_clear_by"))
            .map(|(clean_from, clear_by)| Prediction { clean_from, clear_by }),
    }
}

/// Reads what later decisions need out of records (kind, time, body), oldest first.
pub fn past<'a>(records: impl Iterator<Item = (&'a str, Time, &'a Value)> + Clone) -> Past {
    let rejected = records.clone().filter(|(kind, _, _)| *kind == REJECTED).filter_map(|(_, _, body)| {
        let reason = body["reason"].as_str().unwrap_or_default();
        Some((body["fingerprint"].as_str()?.to_owned(), Clean::new(reason)))
    });
    let opinions = records.clone().filter(|(kind, _, body)| *kind == ADVICE && body["question"].is_null());
    let opinions = opinions.filter_map(|(_, _, body)| {
        let text = |v: &Value| v.as_str().map(str::to_owned);
        let cause = text(&body["answer"]["cause"])?;
        Some(PastOpinion { model: text(&body["model"])?, digest: text(&body["digest"])?, cause })
    });
    Past { rejected: rejected.collect(), opinions: opinions.collect(), actions: past_actions(records) }
}

fn texts(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().filter_map(|v| v.as_str().map(str::to_owned)).collect()
}

/// Reads past actions out of records (kind, time, body), oldest first.
pub fn past_actions<'a>(records: impl Iterator<Item = (&'a str, Time, &'a Value)>) -> Vec<PastAction> {
    let mut actions: Vec<PastAction> = Vec::new();
    for (kind, time, body) in records {
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        match kind {
            INTENT => actions.push(PastAction {
                action: text("action"),
                time,
                by: Clean::new(text("by")),
                workload: text("workload"),
                cluster: text("cluster"),
                verdict: text("verdict"),
                changed: texts(&body["changed"]),
                offer: text("offer"),
                target: text("target"),
                digest: text("digest"),
                outcome: None,
                executed: false,
                // An intent without an outcome is an unknown one: the process may have died after sending.
                unknown: !sabotage::is(Design::OpenIsDone),
                unknown_why: None,
                lost: false,
                word: None,
                written_template: ContentDigest(text("written_template")),
                configs: configs_from(&body["configs"]),
                left_template: ContentDigest(text("left_template")),
                undo: undo_from(&body["undo"]),
                undo_of: body["undo_of"].as_str().map(str::to_owned),
                reason: text("reason"),
                calls: body["calls"].as_array().map_or(0, Vec::len),
                watch: watch_from(body),
                own: false,
            }),
            OUTCOME | CLOSED | READ_BACK => {
                if let Some(action) = actions.iter_mut().rev().find(|a| a.action == text("action")) {
                    apply(action, kind, body);
                }
            }
            _ => {}
        }
    }
    actions
}

fn apply(action: &mut PastAction, kind: &str, body: &Value) {
    match kind {
        // What was read back stands, whatever anybody says of it.
        READ_BACK if body["word"].is_string() => {
            let text = |name: &str| Clean::new(body[name].as_str().unwrap_or_default());
            if action.unknown {
                action.settle(Word { by: text("by"), text: text("word") });
            }
        }
        OUTCOME | READ_BACK => {
            action.unknown = body["unknown"].as_bool().unwrap_or(false);
            let done = body["done"].as_u64().and_then(|done| usize::try_from(done).ok()).unwrap_or(0);
            action.executed |= done > 0;
            if !action.unknown && done < action.calls {
                action.outcome = Some(if action.executed { "partial" } else { "not_executed" }.into());
            }
        }
        _ => action.outcome = body["outcome"].as_str().map(str::to_owned),
    }
}

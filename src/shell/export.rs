//! Post-mortems out of the journal: each decision with everything that was recorded about it, as JSON; [`markdown`] writes
//! the same for people. Secrets are taken out as for everything that leaves this machine, bodies of calls are left in the
//! journal, and every statement says which record it comes from. It changes nothing in the journal.

pub mod markdown;

use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::domain::Time;
use crate::domain::clean::Clean;
use crate::domain::compare::{self, Sign};
use crate::domain::diff;
use crate::domain::redact;
use crate::engine::record::{
    ADVICE, CLOSED, EXPIRED, INTENT, OUTCOME, PROPOSED, RATIONALE, READ_BACK, REJECTED, WAITED, WITHDRAWN,
    past_actions,
};

use super::history;
use super::journal::{self, Record, Verification};
use super::private::{self, PrivacyError};

/// Kinds of records that are decisions, or stand for one.
const DECISIONS: [&str; 5] = [INTENT, REJECTED, WAITED, EXPIRED, WITHDRAWN];
/// Unchanged lines around a change.
const AROUND: usize = 2;
/// Lines of a difference; what is longer is counted.
const LONGEST: usize = 200;

/// One decision, and all records that belong to it, oldest first.
#[derive(Clone, Debug)]
pub struct Case<'a> {
    /// The action's id, or the proposal's where nothing was sent.
    pub id: String,
    /// The decision itself.
    pub decision: &'a Record,
    /// Everything about it, the decision among it.
    pub records: Vec<&'a Record>,
}

fn text<'a>(body: &'a Value, name: &str) -> &'a str {
    body[name].as_str().unwrap_or_default()
}

/// Every decision of the journal, oldest first.
pub fn cases(records: &[Record]) -> Vec<Case<'_>> {
    let decisions = records.iter().filter(|r| DECISIONS.contains(&r.kind.as_str()));
    decisions.map(|decision| case(records, decision)).collect()
}

fn case<'a>(records: &'a [Record], decision: &'a Record) -> Case<'a> {
    let (workload, digest) = (text(&decision.body, "workload"), &decision.body["digest"]);
    let before = || records.iter().filter(|r| r.seq < decision.seq);
    let same_card = |r: &&Record| text(&r.body, "workload") == workload && r.body["digest"] == *digest;
    // An intent does not name its proposal: it is the last one of this card.
    let proposed = before().filter(|r| r.kind == PROPOSED).rfind(same_card);
    let named = decision.body["proposal"].as_str();
    let proposal = named.or_else(|| proposed.map(|r| text(&r.body, "proposal"))).unwrap_or_default();
    let first = proposed.map_or(decision.seq, |r| r.seq);
    let action = decision.body["action"].as_str();
    let belongs = |r: &&Record| {
        let kind = r.kind.as_str();
        let of_card = match kind {
            PROPOSED | ADVICE => !proposal.is_empty() && text(&r.body, "proposal") == proposal,
            RATIONALE => r.seq > first && r.seq < decision.seq && same_card(r),
            _ => false,
        };
        let of_action = action.is_some_and(|action| text(&r.body, "action") == action);
        r.seq == decision.seq || of_card || (of_action && [OUTCOME, READ_BACK, CLOSED].contains(&kind))
    };
    let id = action.unwrap_or(if proposal.is_empty() { "unnamed" } else { proposal }).to_owned();
    Case { id, decision, records: records.iter().filter(belongs).collect() }
}

/// The cases that are asked for: by the id of an action or proposal or its beginning, else those decided since `since`,
/// else the last one.
///
/// # Errors
/// A sentence: nothing or several have this id.
pub fn chosen<'a>(
    records: &'a [Record],
    id: Option<&str>,
    since: Option<Time>,
) -> Result<Vec<Case<'a>>, String> {
    let mut all = cases(records);
    match (id, since) {
        (Some(id), _) => {
            let wanted = id.to_uppercase();
            all.retain(|case| case.id.to_uppercase().starts_with(&wanted));
            let exact = all.iter().find(|case| case.id.eq_ignore_ascii_case(id)).cloned();
            match (exact, all.len()) {
                (Some(case), _) => Ok(vec![case]),
                (None, 0) if is_proposed(records, &wanted) => Err(format!(
                    "{} is a proposal that nobody has decided yet; hint: a post-mortem is of an approval, a rejection, \
                     a wait or an expiry",
                    Clean::new(id)
                )),
                (None, 0) => Err(format!(
                    "no decision is called {}; hint: `goaround history` lists them",
                    Clean::new(id)
                )),
                (None, 1) => Ok(all),
                (None, many) => {
                    Err(format!("{many} decisions begin with {}; hint: give more of its id", Clean::new(id)))
                }
            }
        }
        (None, Some(since)) => {
            all.retain(|case| case.decision.time >= since);
            Ok(all)
        }
        (None, None) => Ok(all.pop().into_iter().collect()),
    }
}

/// There is a proposal whose id begins so, in capitals.
fn is_proposed(records: &[Record], wanted: &str) -> bool {
    let begins = |r: &Record| text(&r.body, "proposal").to_uppercase().starts_with(wanted);
    !wanted.is_empty() && records.iter().any(|r| r.kind == PROPOSED && begins(r))
}

/// `{"goaround","journal":{"records","ok","first_bad","reason","head"},"cases":[..]}`.
pub fn as_json(cases: &[Case<'_>], verified: &Verification) -> Value {
    let cases: Vec<Value> = cases.iter().map(case_json).collect();
    json!({
        "goaround": env!("CARGO_PKG_VERSION"),
        "journal": {
            "records": verified.records, "ok": verified.ok, "first_bad": verified.first_bad,
            "reason": verified.reason.as_ref().map(Clean::new),
            "head": verified.head.as_ref().map(|h| h.hash.clone()),
        },
        "cases": cases,
    })
}

fn case_json(case: &Case<'_>) -> Value {
    let body = &case.decision.body;
    let last = |kind: &str| case.records.iter().rev().find(|r| r.kind == kind).map(|r| &r.body);
    let closed = last(CLOSED);
    // The same words as in `history`, by the same rule.
    let actions = past_actions(case.records.iter().map(|r| (r.kind.as_str(), r.time, &r.body)));
    let outcome = actions.last().map_or(case.decision.kind.as_str(), history::outcome);
    let word = actions.last().and_then(|a| a.word.as_ref());
    let word = word.map(|word| json!(format!("as {} says: {}", word.by, word.text)));
    let written = last(RATIONALE).map(|r| json!({"by": r["by"], "lines": r["after"]}));
    let prediction = body["prediction"].as_object().map(|p| {
        let mut told = Value::Object(p.clone());
        told["kept"] = closed.map_or(Value::Null, |c| c["prediction_kept"].clone());
        told
    });
    let mut told = cleaned(json!({
        "id": null, "decision": case.decision.kind, "time": case.decision.time.to_rfc3339(),
        "by": body["by"], "reason": body["reason"], "seconds_open": body["seconds_open"],
        "cluster": body["cluster"], "workload": body["workload"], "slos": body["slos"],
        "verdict": body["verdict"], "offer": body["offer"], "target": body["target"],
        "digest": null, "reason_of_offer": body["reason_of_offer"],
        "dissent": body["dissent"], "by_hand": body["by_hand"], "undo_of": null,
        "outcome": outcome, "outcome_words": closed.map(|c| c["words"].clone()).or(word),
        "timeline": timeline(case), "gates": gates(&body["gates"]), "evidence": body["evidence"],
        "changes": changes(body), "not_restored": body["not_restored"], "calls": calls(&body["calls"]),
        "prediction": prediction,
        "counts": closed.map(|c| json!({"incident": c["incident"], "since_rollout": c["since_rollout"]})),
        "model": case.records.iter().filter(|r| r.kind == ADVICE).map(|r| advice(r)).collect::<Vec<_>>(),
        "rationale": written,
        "records": case.records.iter().map(|r| json!({
            "seq": r.seq, "time": r.time.to_rfc3339(), "kind": r.kind, "hash": null,
        })).collect::<Vec<_>>(),
    }));
    // What this program made itself, by which a reader finds it again: random characters, and no secret.
    told["id"] = Clean::new(&case.id).to_string().into();
    for name in ["digest", "undo_of"] {
        told[name] = body[name].as_str().map_or(Value::Null, |made| Clean::new(made).to_string().into());
    }
    for (line, record) in told["records"].as_array_mut().into_iter().flatten().zip(&case.records) {
        line["hash"] = record.hash.clone().into();
    }
    told
}

/// Every text in it harmless and without secrets.
fn cleaned(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(Clean::new(redact::text(&text).text).to_string()),
        Value::Array(items) => items.into_iter().map(cleaned).collect(),
        Value::Object(map) => map.into_iter().map(|(k, v)| (Clean::new(k).to_string(), cleaned(v))).collect(),
        other => other,
    }
}

fn gates(gates: &Value) -> Vec<Value> {
    let each = gates.as_object().into_iter().flatten();
    each.map(|(gate, told)| {
        json!({"gate": gate, "state": told["state"], "line": told["line"], "evidence": told["evidence"]})
    })
    .collect()
}

/// Calls without their bodies, which stand in the journal: verb, path, how many preconditions.
fn calls(calls: &Value) -> Vec<Value> {
    let each = calls.as_array().into_iter().flatten();
    each.map(|call| {
        let tests = call["body"].as_array().into_iter().flatten().filter(|op| op["op"] == "test").count();
        json!({"method": call["method"], "path": call["path"], "content_type": call["content_type"],
               "preconditions": tests})
    })
    .collect()
}

/// What each call changed: in words, and as the lines that differ between what was demanded and what was written.
fn changes(body: &Value) -> Vec<Value> {
    let calls = body["calls"].as_array().into_iter().flatten();
    let changed = calls.flat_map(|call| {
        let operations: Vec<&Value> = call["body"].as_array().into_iter().flatten().collect();
        let find = |wanted: &str, path: &str| {
            let mut found = operations.iter().filter(|o| (o["op"] == "test") == (wanted == "test"));
            found.find(|o| o["path"] == path).map(|o| &o["value"])
        };
        let object = object(text(call, "path"));
        ["/spec/template", "/data", "/binaryData"]
            .into_iter()
            .filter_map(|path| {
                let (before, after) = (find("test", path)?, find("write", path)?);
                let fields = match path {
                    "/spec/template" => diff::templates(before, after),
                    _ => diff::contents(object.rsplit(' ').next().unwrap_or_default(), before, after),
                };
                let words: Vec<String> = fields.iter().map(diff::told).collect();
                Some(json!({"object": object, "part": path, "words": words, "lines": lines(before, after)}))
            })
            .collect::<Vec<_>>()
    });
    changed.collect()
}

/// `/apis/apps/v1/namespaces/shop/deployments/api` as `deployments api`.
fn object(path: &str) -> String {
    let mut parts = path.rsplit('/');
    let (name, kind) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    format!("{kind} {name}")
}

fn lines(before: &Value, after: &Value) -> Vec<String> {
    let pretty = |value: &Value| {
        // A text of many lines is compared line by line, not as one string with escapes in it.
        let whole = serde_json::to_string_pretty(value).unwrap_or_default().replace("\\n", "\n");
        redact::text(&whole).text
    };
    let (before, after) = (pretty(before), pretty(after));
    let (before, after): (Vec<&str>, Vec<&str>) = (before.split('\n').collect(), after.split('\n').collect());
    let mut lines = Vec::new();
    for (n, hunk) in compare::hunks(&before, &after, AROUND).into_iter().enumerate() {
        if n > 0 {
            lines.push("  ...".to_owned());
        }
        for line in hunk {
            let mark = match line.sign {
                Sign::Removed => "-",
                Sign::Added => "+",
                Sign::Same => " ",
            };
            let text: String = line.parts.into_iter().map(|(_, text)| text).collect();
            lines.push(format!("{mark} {text}"));
        }
    }
    let more = lines.len().saturating_sub(LONGEST);
    lines.truncate(LONGEST);
    if more > 0 {
        lines.push(format!("  ... {more} more lines"));
    }
    lines
}

fn advice(record: &Record) -> Value {
    let body = &record.body;
    let answer = &body["answer"];
    let sentences: Vec<Value> = ["sentences", "counter_evidence", "not_known"]
        .into_iter()
        .flat_map(|part| answer[part].as_array().into_iter().flatten().map(move |said| (part, said)))
        .map(|(part, said)| json!({"part": part, "text": said["text"], "evidence": said["evidence"], "claims": said["claims"]}))
        .collect();
    json!({
        "seq": record.seq, "model": body["model"], "question": body["question"], "error": body["error"],
        "cause": answer["cause"], "action": answer["action"], "dissent": answer["dissent"],
        "confirmed": answer["confirmed"], "contradicted": answer["contradicted"], "not_found": answer["not_found"],
        "sentences": sentences,
    })
}

/// What happened when, from the onset to the close; `seq` is the record that says so.
fn timeline(case: &Case<'_>) -> Vec<Value> {
    let mut lines: Vec<Value> = Vec::new();
    let mut add = |time: String, seq: u64, by: &Value, what: String| {
        lines.push(json!({"time": time, "what": what, "by": by, "seq": seq}));
    };
    let none = Value::Null;
    let body = &case.decision.body;
    for item in body["evidence"].as_array().into_iter().flatten() {
        let fact = text(item, "fact");
        if fact.starts_with("the errors began at") || fact.starts_with("the rollout of") {
            add(String::new(), case.decision.seq, &none, format!("{} ({})", fact, text(item, "id")));
        }
    }
    for record in &case.records {
        let (body, at) = (&record.body, record.time.to_rfc3339());
        let what = happened(record);
        let rolled = body["since_rollout"]["from"].as_str().filter(|_| record.kind == CLOSED);
        if let Some(rolled) = rolled {
            add(rolled.to_owned(), record.seq, &none, "the rollout ended; counted from here on".into());
        }
        add(at, record.seq, &body["by"], what);
    }
    lines
}

fn happened(record: &Record) -> String {
    let body = &record.body;
    let target = body["target"].as_str().map_or(String::new(), |target| format!(" to {target}"));
    let offer = format!("{}{target}", text(body, "offer"));
    let count = |of: &Value, name: &str| of[name].as_f64().unwrap_or(0.0);
    match record.kind.as_str() {
        PROPOSED => format!("proposed: {offer}, verdict {}", text(body, "verdict")),
        INTENT => format!("approved: {offer}; recorded before anything was sent"),
        REJECTED => format!("rejected: {offer}"),
        WAITED => "decided to wait".into(),
        EXPIRED => "expired undecided".into(),
        WITHDRAWN => "withdrawn: the world moved".into(),
        OUTCOME if body["unknown"] == true => format!("sent, outcome unknown: {}", text(body, "why")),
        OUTCOME => {
            let why = body["why"].as_str().map_or(String::new(), |why| format!(": {why}"));
            format!("sent: {} of {} calls accepted{why}", count(body, "done"), count(body, "of"))
        }
        READ_BACK if body["word"].is_string() => {
            format!("nothing else could tell; {} says: {}", text(body, "by"), text(body, "word"))
        }
        READ_BACK => format!("read back: {} calls stand", count(body, "done")),
        CLOSED => {
            let since = &body["since_rollout"];
            let counted = match (since["bad"].as_f64(), since["total"].as_f64()) {
                (Some(bad), Some(total)) => format!("; {bad} of {total} requests failed since the rollout"),
                _ => String::new(),
            };
            format!("closed: {}{counted}", text(body, "words"))
        }
        ADVICE => match body["error"].as_str() {
            Some(why) => format!("model {}: {why}", text(body, "model")),
            None => format!(
                "model {} answered: {} claims confirmed, {} contradicted, {} not found",
                text(body, "model"),
                count(&body["answer"], "confirmed"),
                count(&body["answer"], "contradicted"),
                count(&body["answer"], "not_found")
            ),
        },
        RATIONALE => "wrote the rationale anew".into(),
        kind => kind.to_owned(),
    }
}

/// Why a post-mortem was not written.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The file, or its folder, cannot be used.
    #[error(transparent)]
    Private(#[from] PrivacyError),
    /// The operating system said no.
    #[error("writing {place} failed: {source}; hint: {}", private::hint(source))]
    Io {
        /// The file.
        place: Clean,
        /// What it said.
        source: std::io::Error,
    },
    /// Nothing has this id.
    #[error("{0}")]
    NotThere(String),
}

/// Writes `content` into a file that must not exist yet, 0600.
///
/// # Errors
/// When it exists or cannot be written.
pub fn to_file(path: &Path, content: &str) -> Result<(), ExportError> {
    let mut file = private::create_at(path)?;
    let written = file.write_all(content.as_bytes()).and_then(|()| file.sync_all());
    written.map_err(|source| ExportError::Io { place: private::place(path), source })
}

/// Writes the post-mortem of a decision into the state folder and returns where: `postmortem-ID.md`, or with a number where
/// there is one already.
///
/// # Errors
/// When there is no such decision, or the file cannot be written.
pub fn beside_the_journal(folder: &Path, id: &str) -> Result<PathBuf, ExportError> {
    let (records, verified) = journal::read_and_verify(folder);
    let cases = chosen(&records, Some(id), None).map_err(ExportError::NotThere)?;
    let content = markdown::document(&as_json(&cases, &verified));
    let plain: String = id.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(40).collect();
    let names = std::iter::once(format!("postmortem-{plain}.md"))
        .chain((2..100).map(|n| format!("postmortem-{plain}-{n}.md")));
    let free = names.map(|name| folder.join(name)).find(|path| !path.exists());
    let path = free.unwrap_or_else(|| folder.join(format!("postmortem-{plain}.md")));
    to_file(&path, &content)?;
    Ok(path)
}

//! What a model says about an open card: when it is asked, what it is given, what is kept of its words. Nothing here
//! returns anything that a plan, a digest, an order of options or a token is made of; the gate hears of it one word of
//! [`Dissent`], from a fixed list.

use std::time::Duration;

use serde_json::{Value, json};

use crate::domain::advice::{
    Advice, Answer, Brief, BriefId, Candidate, Dissent, Ending, Purpose, Quote, Said, ToolUse,
};
use crate::domain::clean::Clean;
use crate::domain::cluster::{ContentDigest, Key};
use crate::domain::evidence::{Evidence, EvidenceList};
use crate::domain::redact;
use crate::domain::value::Value as Measured;

use super::effect::Effect;
use super::event::Ticket;
use super::gate::Proposal;
use super::record;
use super::revisions::Mark;
use super::state::{State, Weight};

/// A card whose facts changed is explained anew, not more often than this.
const AGAIN_AFTER: Duration = Duration::from_secs(30);
/// Rationales that are asked for about one card.
const RATIONALES: usize = 3;
/// Questions that a person may ask about one card.
const QUESTIONS: usize = 20;
/// Revisions that an answer may name.
const CANDIDATES: usize = 10;
/// Longest question, in characters.
pub const LONGEST_QUESTION: usize = 400;
/// Longest rationale that a person writes, in characters.
pub const LONGEST_RATIONALE: usize = 2_000;

/// One question and what was heard of it.
#[derive(Clone, PartialEq, Debug)]
pub struct Opinion {
    /// What was asked.
    pub brief: Brief,
    /// When, by the hand's clock: seconds of a model are real ones.
    pub asked: Duration,
    /// The model, as configured.
    pub model: Clean,
    /// Digest and estimated tokens of each request, in order.
    pub sent: Vec<(ContentDigest, u64)>,
    /// The newest request as it was sent, line by line.
    pub request: Vec<Clean>,
    /// Why it was tried again.
    pub again: Option<Clean>,
    /// Why the first answer did not hold.
    pub repair: Option<Clean>,
    /// What was heard so far.
    pub draft: Vec<Said>,
    /// Tools that were used.
    pub tools: Vec<ToolUse>,
    /// The end.
    pub ending: Option<Ending>,
}

impl Opinion {
    /// Still listened to.
    pub fn under_way(&self) -> bool {
        self.ending.is_none()
    }

    /// A tool has found this item for it.
    pub fn found_by_tool(&self, id: &str) -> bool {
        let found = self.tools.iter().filter_map(|t| t.result.as_ref()?.as_ref().ok());
        found.flatten().any(|known| known == id)
    }

    /// The answer, if there is one that holds its shape.
    pub fn answer(&self) -> Option<&Answer> {
        self.ending.as_ref()?.answer.as_ref().ok()
    }
}

/// What a person is typing on the model's page.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Typing {
    /// A question.
    Question(String),
    /// The rationale, in words of their own.
    Rationale(String),
}

/// A rationale that a person wrote.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Written {
    /// Who, as the API server names them.
    pub by: Clean,
    /// The words, a line each.
    pub lines: Vec<Clean>,
}

/// All that was asked about one card.
#[derive(Clone, PartialEq, Debug)]
pub struct Counsel {
    /// The card: digest of its plan, or of its fingerprint.
    pub about: ContentDigest,
    /// How records call the card and its plan.
    pub card: (String, Option<String>),
    /// A person stopped the model: it is not asked about this card again by itself.
    pub silenced: bool,
    /// Facts of the card when it was asked about last.
    pub held: String,
    /// Rationales and questions, oldest first.
    pub opinions: Vec<Opinion>,
    /// What is being typed.
    pub typing: Option<Typing>,
    /// A word to the person on the model's page: why nothing happened.
    pub note: Option<Clean>,
    /// What a person wrote in its place.
    pub written: Option<Written>,
}

impl Counsel {
    /// The newest rationale.
    pub fn rationale(&self) -> Option<&Opinion> {
        self.opinions.iter().rev().find(|o| o.brief.purpose == Purpose::Rationale)
    }

    /// What is under way, newest first.
    pub fn under_way(&self) -> Option<&Opinion> {
        self.opinions.iter().rev().find(|o| o.under_way())
    }

    /// The newest rationale that was answered, else the newest one.
    pub fn shown(&self) -> Option<&Opinion> {
        let rationales = || self.opinions.iter().rev().filter(|o| o.brief.purpose == Purpose::Rationale);
        rationales().find(|o| o.answer().is_some()).or_else(|| rationales().next())
    }

    fn rationales(&self) -> usize {
        self.opinions.iter().filter(|o| o.brief.purpose == Purpose::Rationale).count()
    }
}

/// Keeps the opinion in step with the card: asks when a card is there that was not asked about, or whose facts changed;
/// stops what nobody reads any more; tells the gate of a dissent.
pub fn keep(state: &mut State, workload: &Key, effects: &mut Vec<Effect>) {
    let Some(proposal) = state.incidents.get(workload).and_then(|i| i.proposal.as_ref()) else {
        return stop(state, workload, "its card is gone", effects);
    };
    let (about, held) = (proposal.digest.clone(), proposal.held.clone());
    let plan = proposal.analysis.digest.as_ref().map(|digest| format!("sha256:{}", digest.0));
    let card = (proposal.id(), plan);
    if state.counsel.get(workload).is_none_or(|c| c.about != about) {
        stop(state, workload, "another card took its place", effects);
        let counsel = Counsel {
            about,
            card,
            silenced: false,
            held: String::new(),
            opinions: Vec::new(),
            typing: None,
            note: None,
            written: None,
        };
        state.counsel.insert(workload.clone(), counsel);
    } else if let Some(counsel) = state.counsel.get_mut(workload) {
        // The same plan on a card that was opened anew.
        counsel.card = card;
    }
    let mono = state.mono;
    let due = state.counsel.get(workload).is_some_and(|c| match c.rationale() {
        _ if c.silenced => false,
        None => true,
        Some(last) => {
            // A question that ended because its card was gone is asked again when the card is back.
            let moved = c.held != held || last.ending.as_ref().is_some_and(|e| e.stopped);
            let waited = mono.saturating_sub(last.asked) >= AGAIN_AFTER;
            moved && !last.under_way() && waited && c.rationales() < RATIONALES
        }
    });
    if due && state.setup.advisor.is_some() {
        ask(state, workload, Purpose::Rationale, effects);
    }
    tell_gate(state, workload);
}

/// Counsel of workloads without an incident is forgotten, and what is under way for them stopped.
pub fn forget(state: &mut State, effects: &mut Vec<Effect>) {
    let gone: Vec<Key> = state.counsel.keys().filter(|k| !state.incidents.contains_key(k)).cloned().collect();
    for workload in gone {
        stop(state, &workload, "its incident is over", effects);
        state.counsel.remove(&workload);
    }
}

/// Asks, with what is known now.
fn ask(state: &mut State, workload: &Key, purpose: Purpose, effects: &mut Vec<Effect>) {
    let Some(model) = state.setup.advisor.as_ref().map(|a| a.model.clone()) else { return };
    let id = BriefId(state.briefs.0 + 1);
    let Some(brief) = brief(state, workload, id, purpose) else { return };
    let held = state.incidents.get(workload).and_then(|i| i.proposal.as_ref()).map(|p| p.held.clone());
    let asked = state.mono;
    state.briefs = id;
    let Some(counsel) = state.counsel.get_mut(workload) else { return };
    counsel.held = held.unwrap_or_default();
    counsel.opinions.push(Opinion {
        brief: brief.clone(),
        asked,
        model,
        sent: Vec::new(),
        request: Vec::new(),
        again: None,
        repair: None,
        draft: Vec::new(),
        tools: Vec::new(),
        ending: None,
    });
    effects.push(Effect::Advise(Box::new(brief)));
}

/// A person's question. `Err`: why it is not asked.
pub fn question(
    state: &mut State,
    workload: &Key,
    text: &str,
    effects: &mut Vec<Effect>,
) -> Result<(), &'static str> {
    if state.setup.advisor.is_none() {
        return Err("no model is configured: [advisor] in config.toml");
    }
    let Some(counsel) = state.counsel.get(workload) else {
        return Err("there is no card to ask about");
    };
    if counsel.under_way().is_some() {
        return Err("the model still answers: stop it, or wait");
    }
    if counsel.opinions.len() >= RATIONALES + QUESTIONS {
        return Err("enough was asked about this card");
    }
    let text = Clean::new(text.split_whitespace().collect::<Vec<_>>().join(" "));
    // Nothing typed: the rationale itself is asked for again.
    let purpose = if text.is_empty() { Purpose::Rationale } else { Purpose::Question(text) };
    if let Some(counsel) = state.counsel.get_mut(workload) {
        counsel.silenced = false;
    }
    ask(state, workload, purpose, effects);
    Ok(())
}

/// A person wrote the rationale anew: recorded beside what it replaces.
pub fn write_rationale(state: &mut State, workload: &Key, text: &str, effects: &mut Vec<Effect>) {
    let by = state.user();
    let template = template(state, workload);
    let Some(counsel) = state.counsel.get_mut(workload) else { return };
    let digest = counsel.card.1.clone();
    let (from, before) = match (&counsel.written, counsel.rationale().and_then(Opinion::answer)) {
        (Some(written), _) => ("person", written.lines.clone()),
        (None, Some(answer)) => ("model", answer.sentences.iter().map(|s| s.text.clone()).collect()),
        (None, None) => ("template", vec![template.clone()]),
    };
    let text = redact::text(text).text;
    let lines: Vec<Clean> = Clean::lines(&text).into_iter().filter(|l| !l.is_empty()).collect();
    if lines.is_empty() || lines == before || one_line(&lines) == template.as_str() {
        state.say("model", Weight::Plain, "the rationale stays as it is: nothing else was written");
        return;
    }
    let body = json!({
        "workload": workload.to_string(), "digest": digest, "by": by, "from": from, "before": before,
        "after": lines,
    });
    counsel.written = Some(Written { by: by.clone(), lines });
    effects.push(Effect::Record { ticket: Ticket::Note, kind: record::RATIONALE, body });
    state.say("model", Weight::Plain, format!("{workload}: {by} wrote the rationale anew"));
}

/// What a rationale begins with, to be written anew: a person's own words, else the computed ones. Never the model's,
/// whose marks would be lost.
pub fn rationale_text(state: &State, workload: &Key) -> String {
    match state.counsel.get(workload).and_then(|c| c.written.as_ref()) {
        Some(written) => written.lines.iter().map(Clean::as_str).collect::<Vec<_>>().join("\n"),
        None => in_lines(template(state, workload).as_str()),
    }
}

fn one_line(lines: &[Clean]) -> String {
    lines.iter().map(Clean::as_str).collect::<Vec<_>>().join(" ")
}

/// A long sentence in lines that a text area shows whole.
fn in_lines(text: &str) -> String {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let full =
            lines.last().is_some_and(|l| !l.is_empty() && l.chars().count() + word.chars().count() >= 72);
        if full {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines.join("\n")
}

/// The computed reason of the card.
pub fn template(state: &State, workload: &Key) -> Clean {
    let proposal = state.incidents.get(workload).and_then(|i| i.proposal.as_ref());
    proposal.map(|p| p.analysis.reason.clone()).unwrap_or_default()
}

/// Stops everything, because the program ends: what was heard is on record.
pub fn stop_all(state: &mut State, effects: &mut Vec<Effect>) {
    let workloads: Vec<Key> = state.counsel.keys().cloned().collect();
    for workload in workloads {
        stop(state, &workload, "the program ended", effects);
    }
}

/// Stops what is under way about `workload`.
pub fn stop(state: &mut State, workload: &Key, why: &str, effects: &mut Vec<Effect>) {
    let mono = state.mono;
    let Some(counsel) = state.counsel.get_mut(workload) else { return };
    let mut stopped = Vec::new();
    for opinion in counsel.opinions.iter_mut().filter(|o| o.under_way()) {
        effects.push(Effect::StopAdvice(opinion.brief.id));
        opinion.ending = Some(cut(opinion, mono, why));
        stopped.push(opinion.brief.id);
    }
    for id in stopped {
        written_down(state, workload, id, effects);
    }
}

/// The end of what was stopped: what had been heard is kept.
fn cut(opinion: &Opinion, mono: Duration, why: &str) -> Ending {
    let heard: Vec<&str> = opinion.draft.iter().map(|s| s.text.as_str()).collect();
    Ending {
        answer: Err(Clean::new(format!("stopped: {why}"))),
        raw: heard.join(" "),
        repaired: opinion.repair.clone(),
        model: opinion.model.clone(),
        usage: Default::default(),
        first_word: None,
        stopped: true,
        took: chrono::TimeDelta::from_std(mono.saturating_sub(opinion.asked)).unwrap_or_default(),
    }
}

/// Something was heard. What answers a question that is over is dropped.
pub fn heard(state: &mut State, id: BriefId, advice: Advice, effects: &mut Vec<Effect>) {
    let found = state.counsel.iter_mut().find_map(|(workload, counsel)| {
        let opinion = counsel.opinions.iter_mut().find(|o| o.brief.id == id && o.under_way())?;
        Some((workload.clone(), opinion))
    });
    let Some((workload, opinion)) = found else { return };
    match advice {
        Advice::Sent { model, prompt, tokens, request } => {
            opinion.model = model;
            opinion.sent.push((prompt, tokens));
            opinion.request = request;
        }
        Advice::Again(why) => opinion.again = Some(why),
        Advice::Draft(said) => opinion.draft = said,
        Advice::Tool(place, used) => {
            if place < opinion.tools.len() {
                opinion.tools[place] = used;
            } else {
                opinion.tools.push(used);
            }
        }
        Advice::Found(item) => {
            opinion.brief.items.push(item);
            opinion.brief.found += 1;
        }
        Advice::Repair(why) => {
            opinion.repair = Some(why);
            opinion.draft.clear();
        }
        Advice::Ended(ending) => {
            let line = said_line(&workload, opinion, &ending);
            opinion.ending = Some(*ending);
            written_down(state, &workload, id, effects);
            remember(state, &workload, id);
            tell_gate(state, &workload);
            state.say("model", line.0, line.1);
        }
    }
}

fn said_line(workload: &Key, opinion: &Opinion, ending: &Ending) -> (Weight, String) {
    match &ending.answer {
        Ok(answer) => {
            let tally = answer.tally();
            let weight = if tally.contradicted > 0 { Weight::Attention } else { Weight::Plain };
            (weight, format!("{workload}: {} answered, {}", opinion.model, tally.words()))
        }
        // Why stands on the card: a model's words must not look like lines of this log.
        Err(_) => (Weight::Plain, format!("{workload}: no rationale by {}", opinion.model)),
    }
}

/// The answer counts for the model's own record.
fn remember(state: &mut State, workload: &Key, id: BriefId) {
    let Some(counsel) = state.counsel.get(workload) else { return };
    let opinion = counsel.opinions.iter().find(|o| o.brief.id == id);
    let Some((opinion, digest)) = opinion.zip(counsel.card.1.clone()) else { return };
    if let (Purpose::Rationale, Some(answer)) = (&opinion.brief.purpose, opinion.answer()) {
        let cause = answer.cause.word().to_owned();
        let model = opinion.model.to_string();
        state.journal.opinions.push(record::PastOpinion { model, digest, cause });
    }
}

/// Records a question that is over: all that an audit needs to show what the operator saw.
fn written_down(state: &State, workload: &Key, id: BriefId, effects: &mut Vec<Effect>) {
    let Some(counsel) = state.counsel.get(workload) else { return };
    let Some(opinion) = counsel.opinions.iter().find(|o| o.brief.id == id) else { return };
    let mut body = opinion_json(opinion);
    body["workload"] = workload.to_string().into();
    body["cluster"] = json!(state.world.cluster_id);
    body["proposal"] = json!(counsel.card.0);
    body["digest"] = json!(counsel.card.1);
    effects.push(Effect::Record { ticket: Ticket::Note, kind: record::ADVICE, body });
}

/// A question and its end, as JSON.
pub fn opinion_json(opinion: &Opinion) -> Value {
    let brief = &opinion.brief;
    let question = match &brief.purpose {
        Purpose::Rationale => None,
        Purpose::Question(text) => Some(redact::text(text.as_str()).text),
    };
    let mut body = json!({
        "question": question,
        "model": opinion.model,
        "prompts": opinion.sent.iter().map(|(digest, tokens)| json!({
            "digest": format!("sha256:{}", digest.0), "tokens_estimated": tokens,
        })).collect::<Vec<_>>(),
        "evidence": record::items(&brief.items, brief.now),
        "decision": {"cause": brief.verdict.word(), "action": brief.offer.word(), "target": brief.target},
        "tools": opinion.tools.iter().map(|t| json!({
            "call": t.call,
            "found": t.result.as_ref().and_then(|r| r.as_ref().ok()),
            "refused": t.result.as_ref().and_then(|r| r.as_ref().err()),
        })).collect::<Vec<_>>(),
        "repair": opinion.repair,
    });
    let Some(ending) = &opinion.ending else { return body };
    body["served_by"] = json!(ending.model);
    body["raw"] = json!(ending.raw);
    body["usage"] = json!({"prompt": ending.usage.prompt, "answer": ending.usage.answer});
    body["first_word_ms"] = json!(ending.first_word.map(|t| t.num_milliseconds()));
    body["took_ms"] = json!(ending.took.num_milliseconds());
    match &ending.answer {
        Ok(answer) => body["answer"] = answer_json(answer, brief),
        Err(why) => body["error"] = json!(why),
    }
    body
}

fn answer_json(answer: &Answer, brief: &Brief) -> Value {
    let said = |said: &[Said]| -> Vec<Value> {
        let claim = |c: &crate::domain::claims::Claim| {
            let truth = match &c.mark {
                crate::domain::claims::Mark::Contradicted { truth } => truth.clone(),
                _ => None,
            };
            json!({"text": Clean::new(&c.text), "mark": c.mark.word(), "truth": truth.map(Clean::new)})
        };
        let one = |s: &Said| {
            json!({"text": s.text, "evidence": s.evidence,
                   "claims": s.claims.iter().map(claim).collect::<Vec<_>>()})
        };
        said.iter().map(one).collect()
    };
    let tally = answer.tally();
    json!({
        "cause": answer.cause.word(), "action": answer.action.word(), "target": answer.target,
        "confidence": answer.confidence.word(),
        "sentences": said(&answer.sentences), "counter_evidence": said(&answer.counter),
        "not_known": said(&answer.unknown),
        "confirmed": tally.confirmed, "contradicted": tally.contradicted, "not_found": tally.not_found,
        "dissent": Dissent::of(answer, brief.verdict, brief.offer, brief.target).map(Dissent::word),
    })
}

/// Where `answer` differs from what is computed on the card now.
pub fn differs(answer: &Answer, proposal: &Proposal) -> Option<Dissent> {
    let analysis = &proposal.analysis;
    let target = analysis.target_row().and_then(|r| r.number);
    Dissent::of(answer, analysis.verdict(), analysis.offer, target)
}

/// Where an answer about the open card differs from what is computed now. Any answer: a question's too.
pub fn dissent(state: &State, workload: &Key) -> Option<Dissent> {
    let proposal = state.incidents.get(workload)?.proposal.as_ref()?;
    let counsel = state.counsel.get(workload).filter(|c| c.about == proposal.digest)?;
    // Of several rationales the newest counts, and every answer to a question since.
    let newest =
        counsel.opinions.iter().rposition(|o| o.brief.purpose == Purpose::Rationale && o.answer().is_some());
    let since = counsel.opinions.iter().skip(newest.unwrap_or(0));
    since.filter_map(Opinion::answer).find_map(|answer| differs(answer, proposal))
}

fn tell_gate(state: &mut State, workload: &Key) {
    let dissent = dissent(state, workload);
    if let Some(proposal) = state.incidents.get_mut(workload).and_then(|i| i.proposal.as_mut()) {
        proposal.hears(dissent);
    }
}

/// What the model is given about the open card.
fn brief(state: &State, workload: &Key, id: BriefId, purpose: Purpose) -> Option<Brief> {
    let incident = state.incidents.get(workload)?;
    let analysis = &incident.proposal.as_ref()?.analysis;
    let number = |row: &super::revisions::RevisionRow| row.number;
    let candidates = analysis.rows.iter().filter(|r| r.mark != Mark::Current);
    let mut candidates: Vec<Candidate> = candidates
        .filter_map(|r| Some(Candidate { number: r.number?, title: Clean::new(r.title()) }))
        .collect();
    // However old the target is, an answer must be able to name it.
    let target = analysis.target_row().and_then(number);
    candidates.sort_by_key(|c| Some(c.number) != target);
    candidates.truncate(CANDIDATES);
    let deployment = state.world.deployments.get(workload);
    let current = deployment.and_then(|d| state.world.current(d)).map(|r| r.meta.uid.clone());
    let pods = current.iter().flat_map(|uid| state.world.pods_of(uid)).map(|p| p.key.name.clone());
    Some(Brief {
        id,
        now: state.now,
        purpose,
        workload: workload.clone(),
        verdict: analysis.verdict(),
        offer: analysis.offer,
        target,
        current: analysis.current_row().and_then(number),
        decided: analysis.reason.clone(),
        candidates,
        items: items(state, &analysis.evidence),
        found: 0,
        quotes: quotes(state, workload),
        pods: pods.take(CANDIDATES).collect(),
        slo: analysis.slos.first().cloned(),
    })
}

/// The card's evidence, and how often this model was right.
fn items(state: &State, evidence: &EvidenceList) -> Vec<Evidence> {
    let mut list = evidence.clone();
    let model = state.setup.advisor.as_ref().map(|a| a.model.to_string()).unwrap_or_default();
    let (right, of) = record::model_record(&state.journal.opinions, &state.actions_here(), &model);
    if of > 0 {
        let fact = format!("the model {model} was right {right} of {of} times");
        list.add(fact, "journal", state.now).value(Measured::Absent, "");
    }
    list.items().to_vec()
}

/// Texts of others that explain what was done: claims about revisions, and why people rejected earlier cards.
fn quotes(state: &State, workload: &Key) -> Vec<Quote> {
    let Some(incident) = state.incidents.get(workload) else { return Vec::new() };
    let rows = incident.analysis.iter().flat_map(|a| &a.rows).take(4);
    let claims = rows.filter_map(|row| {
        let label = match row.number {
            Some(n) => format!("change-cause of revision {n}"),
            None => format!("change-cause of {}", row.name),
        };
        Some(Quote { label: Clean::new(label), text: row.claim.clone()? })
    });
    let uid = state.world.deployments.get(workload).map(|d| d.meta.uid.0.to_string()).unwrap_or_default();
    let rejected =
        state.journal.rejected.iter().filter(|(fingerprint, _)| {
            !uid.is_empty() && fingerprint.split('|').next() == Some(uid.as_str())
        });
    let rejected = rejected.rev().take(3).map(|(_, reason)| Quote {
        label: Clean::new("why an operator rejected an earlier proposal"),
        text: reason.clone(),
    });
    claims.chain(rejected).collect()
}

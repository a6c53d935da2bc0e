//! One question from its brief to its end: asked, heard, checked, repaired at most once. It tells everything by events and
//! decides nothing; dropping it closes the socket.

use std::sync::OnceLock;
use std::time::Duration;

use chrono::TimeDelta;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::client::Client;
use super::error::AdvisorError;
use super::tools::{Perform, Tool};
use super::wire::{Ask, Finish, Heard, Message, Reply, ToolCall, ToolSpec};
use super::{exchange, parse, prompt, tools};
use crate::domain::advice::{Advice, Answer, Brief, BriefId, Ending, Said, Share, ToolUse, Usage};
use crate::domain::claims::Mark;
use crate::domain::clean::{self, Clean};
use crate::domain::redact;
use crate::engine::Event;

/// What was heard is told at most this often: each time every claim of it is looked up again.
const DRAFT_EVERY: Duration = Duration::from_millis(120);
/// Bytes that a token of an answer can have.
const BYTES: usize = 16;
/// Longest raw answer that is kept and recorded, in characters.
const LONGEST_RAW: usize = 32_768;
/// A repair that has less time than this left is not begun.
const REPAIR_NEEDS: Duration = Duration::from_secs(3);

/// What has come so far of one question.
struct Conversation<'a> {
    client: &'a Client,
    brief: Brief,
    events: &'a mpsc::Sender<Event>,
    begun: Instant,
    deadline: Instant,
    first_word: Option<Duration>,
    usage: Usage,
    raw: Vec<String>,
    model: String,
    repaired: Option<Clean>,
}

/// Asks, and tells what is heard until it ends. With `tools` the model may look at more before it answers.
pub async fn converse(
    client: &Client,
    brief: Brief,
    share: Share,
    tools: Option<&dyn Perform>,
    events: &mpsc::Sender<Event>,
) {
    let budget = client.settings().budget;
    let begun = Instant::now();
    let mut conversation = Conversation {
        client,
        brief,
        events,
        begun,
        deadline: begun + if tools.is_some() { budget.with_tools } else { budget.whole },
        first_word: None,
        usage: Usage::default(),
        raw: Vec::new(),
        model: String::new(),
        repaired: None,
    };
    let looked = match tools.filter(|_| share != Share::None) {
        Some(tools) => conversation.look(tools, share).await,
        None => Ok(()),
    };
    let answer = match looked {
        Err(why) => Err(why),
        Ok(()) => {
            let ask = prompt::ask(&conversation.brief, budget.prompt_tokens, budget.answer_tokens);
            conversation.tell(sent(client, &ask)).await;
            if share == Share::None {
                Err("nothing was sent: share = \"none\" in [advisor]".into())
            } else {
                conversation.answer(&ask).await
            }
        }
    };
    let ending = conversation.ending(answer);
    conversation.tell(Advice::Ended(Box::new(ending))).await;
}

/// What goes out, for the screen and the record.
fn sent(client: &Client, ask: &Ask) -> Advice {
    Advice::Sent {
        model: Clean::new(&client.settings().model),
        prompt: prompt::digest(ask),
        tokens: prompt::estimate(ask),
        request: preview(client, ask),
    }
}

/// Where it goes, then every word of it.
fn preview(client: &Client, ask: &Ask) -> Vec<Clean> {
    let settings = client.settings();
    let extra = Value::Object(settings.extra.clone()).to_string();
    let extra =
        if settings.extra.is_empty() { String::new() } else { format!(", {}", redact::text(&extra).text) };
    let to = format!("POST to {}, model {}, streamed{extra}", client.at(), settings.model);
    [Clean::new(to)].into_iter().chain(prompt::preview(ask)).collect()
}

impl Conversation<'_> {
    fn id(&self) -> BriefId {
        self.brief.id
    }

    async fn tell(&self, advice: Advice) {
        // Nobody listens any more: the program ends.
        let _ = self.events.send(Event::Advice(self.id(), Box::new(advice))).await;
    }

    /// Lets the model call tools; what they find becomes items. Whatever goes wrong here, the answer is asked for with what
    /// there is.
    ///
    /// # Errors
    /// Where the answer would fail in the same way: the key, the model, the quota.
    async fn look(&mut self, tools: &dyn Perform, share: Share) -> Result<(), Clean> {
        let until = Instant::now() + tools::TIME;
        let budget = self.client.settings().budget;
        let specs = tools::specs(&self.brief, share).into_iter().map(|spec| ToolSpec {
            name: spec.name.to_owned(),
            description: spec.description.to_owned(),
            parameters: spec.parameters,
        });
        let mut ask =
            prompt::ask_for_tools(&self.brief, specs.collect(), budget.prompt_tokens, budget.answer_tokens);
        self.tell(sent(self.client, &ask)).await;
        let mut done: Vec<Tool> = Vec::new();
        let mut calls = 0;
        while calls < tools::CALLS && Instant::now() < until {
            let (client, deadline) = (self.client, until.min(self.deadline));
            let reply = match exchange::ask(client, &ask, deadline, &mut |_| {}).await {
                Ok(reply) if !reply.calls.is_empty() => reply,
                Ok(_) => return Ok(()),
                // What will be refused again is not asked again.
                Err(error) if error.is_final() => return Err(Clean::new(error.to_string())),
                Err(error) => {
                    let result = Some(Err(Clean::new(error.to_string())));
                    let used = ToolUse { call: "more tools".into(), result };
                    self.tell(Advice::Tool(calls, used)).await;
                    return Ok(());
                }
            };
            self.count(&reply);
            let mut results = Vec::new();
            for call in &reply.calls {
                let text = if calls >= tools::CALLS {
                    format!("not done: at most {} calls", tools::CALLS)
                } else {
                    calls += 1;
                    self.call(tools, share, call, calls - 1, until, &mut done).await
                };
                results.push(Message::ToolResult { id: call.id.clone(), text });
            }
            ask.messages.push(Message::Assistant { text: String::new(), calls: reply.calls });
            ask.messages.extend(results);
        }
        Ok(())
    }

    /// One call: shown when it begins and when it is over. Returns what the model is told.
    async fn call(
        &mut self,
        tools: &dyn Perform,
        share: Share,
        call: &ToolCall,
        place: usize,
        until: Instant,
        done: &mut Vec<Tool>,
    ) -> String {
        let parsed = tools::parse(&call.name, &call.arguments, &self.brief, share);
        let words = parsed.as_ref().map_or_else(|_| "a tool that is not offered".into(), Tool::words);
        let mut used = ToolUse { call: words, result: None };
        self.tell(Advice::Tool(place, used.clone())).await;
        let found = match &parsed {
            Err(why) => Err(why.clone()),
            Ok(tool) if done.contains(tool) => Err("it was asked for already".into()),
            Ok(tool) => {
                done.push(tool.clone());
                let late =
                    |_| Err(Clean::new(format!("no answer within {} s in all", tools::TIME.as_secs())));
                tokio::time::timeout_at(until, tools.perform(tool)).await.unwrap_or_else(late)
            }
        };
        let (result, told) = match found {
            Err(why) => (Err(why.clone()), format!("refused: {why}")),
            Ok(items) => {
                let first = self.brief.items.len();
                let mut ids = Vec::new();
                for mut item in items {
                    item.id = format!("E{}", self.brief.items.len() + 1);
                    ids.push(item.id.clone());
                    self.brief.items.push(item.clone());
                    self.brief.found += 1;
                    self.tell(Advice::Found(item)).await;
                }
                let told = prompt::found(&self.brief, first);
                (Ok(ids), told)
            }
        };
        used.result = Some(result);
        self.tell(Advice::Tool(place, used)).await;
        told
    }

    /// The first answer if it holds, else the repaired one, else why there is none.
    async fn answer(&mut self, ask: &Ask) -> Result<Answer, Clean> {
        let reply = self.listen(ask).await.map_err(|error| Clean::new(error.to_string()))?;
        let (faults, first) = match parse::answer(&reply, &self.brief) {
            Ok(answer) => match untrue(&answer) {
                Some(faults) => (faults, Some(answer)),
                None => return Ok(answer),
            },
            Err(faults) => (faults, None),
        };
        let why = faults.first().cloned().unwrap_or_default();
        let hopeless = reply.cut.is_some() || matches!(reply.finish, Finish::Refused(_) | Finish::Filtered);
        if hopeless || self.deadline.saturating_duration_since(Instant::now()) < REPAIR_NEEDS {
            return first.ok_or_else(|| Clean::new(format!("{why}; the computed rationale stands")));
        }
        self.repaired = Some(why.clone());
        self.tell(Advice::Repair(why)).await;
        let repair = prompt::repair(ask, &reply.text, &faults);
        self.tell(sent(self.client, &repair)).await;
        let again = self.listen(&repair).await;
        let second = again.map_err(|error| Clean::new(error.to_string())).and_then(|reply| {
            parse::answer(&reply, &self.brief).map_err(|faults| faults.into_iter().next().unwrap_or_default())
        });
        match (first, second) {
            (_, Ok(answer)) => Ok(answer),
            // Its shape held: it is shown with its marks.
            (Some(first), Err(_)) => Ok(first),
            (None, Err(why)) => Err(Clean::new(format!(
                "the answer did not hold, twice: {why}; the computed rationale stands"
            ))),
        }
    }

    /// One call; what is heard is told while it comes.
    async fn listen(&mut self, ask: &Ask) -> Result<Reply, AdvisorError> {
        let (tx, mut rx) = mpsc::unbounded_channel();
        let first = OnceLock::new();
        let mut on = |heard: Heard| {
            if let Heard::Text(_) = heard {
                first.get_or_init(Instant::now);
            }
            let _ = tx.send(heard);
        };
        let (client, deadline) = (self.client, self.deadline);
        let call = exchange::ask(client, ask, deadline, &mut on);
        tokio::pin!(call);
        // A server may not keep to what it was asked for; the cut is on the safe side of any language.
        let longest = ask.max_tokens as usize * BYTES;
        let mut text = String::new();
        let mut told = Instant::now() - DRAFT_EVERY;
        let mut draft: Vec<Said> = Vec::new();
        let reply = loop {
            tokio::select! {
                biased;
                Some(heard) = rx.recv() => match heard {
                    Heard::Text(more) => {
                        text.push_str(&more);
                        if text.len() > longest {
                            break Ok(too_long(&text, longest));
                        }
                        if told.elapsed() >= DRAFT_EVERY {
                            told = Instant::now();
                            self.draft(&text, &mut draft).await;
                        }
                    }
                    Heard::Retrying { why, after } => self.again(&why, after).await,
                },
                reply = &mut call => break reply,
            }
        };
        // The last pieces may have come together with the end.
        while let Ok(heard) = rx.try_recv() {
            if let Heard::Retrying { why, after } = heard {
                self.again(&why, after).await;
            }
        }
        if let Some(first) = first.get() {
            self.first_word.get_or_insert(first.duration_since(self.begun));
        }
        let reply = reply?;
        if reply.text.len() <= longest {
            self.draft(&reply.text, &mut draft).await;
        }
        self.count(&reply);
        self.raw.push(raw(&reply.text));
        Ok(reply)
    }

    fn count(&mut self, reply: &Reply) {
        self.usage.prompt = sum(self.usage.prompt, reply.usage.prompt);
        self.usage.answer = sum(self.usage.answer, reply.usage.answer);
        self.model.clone_from(&reply.model);
    }

    async fn again(&self, why: &Clean, after: Duration) {
        let words = format!("{why}; in {:.1} s", after.as_secs_f32());
        self.tell(Advice::Again(Clean::new(words))).await;
    }

    async fn draft(&self, text: &str, last: &mut Vec<Said>) {
        let draft = parse::so_far(text, &self.brief);
        if !draft.is_empty() && draft != *last {
            last.clone_from(&draft);
            self.tell(Advice::Draft(draft)).await;
        }
    }

    fn ending(&self, answer: Result<Answer, Clean>) -> Ending {
        let delta = |d: Duration| TimeDelta::from_std(d).unwrap_or_default();
        let configured = &self.client.settings().model;
        Ending {
            answer,
            raw: self.raw.join("\n"),
            repaired: self.repaired.clone(),
            model: Clean::new(if self.model.is_empty() { configured } else { &self.model }),
            usage: self.usage,
            first_word: self.first_word.map(delta),
            stopped: false,
            took: delta(self.begun.elapsed()),
        }
    }
}

/// An answer that goes on and on, as far as it is kept.
fn too_long(text: &str, longest: usize) -> Reply {
    let mut end = longest.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    Reply {
        text: text[..end].to_owned(),
        calls: Vec::new(),
        finish: Finish::Length,
        usage: Usage::default(),
        model: String::new(),
        cut: Some("it is longer than what was allowed".into()),
    }
}

/// What was received, printable, and no more of it than an answer of the allowed length could have.
fn raw(text: &str) -> String {
    let mut kept: String = text.chars().take(LONGEST_RAW).collect();
    let all = text.chars().count();
    if all > LONGEST_RAW {
        kept.push_str(&format!(" +{} characters", all - LONGEST_RAW));
    }
    clean::printable_json(&kept)
}

fn sum(a: Option<u64>, b: Option<u64>) -> Option<u64> {
    match (a, b) {
        (None, None) => None,
        (a, b) => Some(a.unwrap_or(0).saturating_add(b.unwrap_or(0))),
    }
}

/// An answer of which most claims do not hold gets the chance to be put right: what is wrong, for the repair call.
fn untrue(answer: &Answer) -> Option<Vec<Clean>> {
    let tally = answer.tally();
    if tally.confirmed * 2 >= tally.all() {
        return None;
    }
    let mut faults = vec![Clean::new(tally.words())];
    for claim in answer.said().flat_map(|said| &said.claims) {
        match &claim.mark {
            Mark::Confirmed => {}
            Mark::Contradicted { truth: Some(truth) } => {
                faults.push(Clean::new(format!("\"{}\" is wrong: the evidence says {truth}", claim.text)));
            }
            Mark::Contradicted { truth: None } => {
                faults.push(Clean::new(format!("\"{}\" is not what the cited evidence says", claim.text)));
            }
            Mark::NotFound => {
                faults.push(Clean::new(format!("\"{}\" is not in the evidence that is cited", claim.text)));
            }
        }
    }
    faults.truncate(8);
    Some(faults)
}

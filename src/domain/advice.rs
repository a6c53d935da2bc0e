//! What a model is asked, and what it may say. Its words are a text beside the card: nothing of these types can become
//! a target, a plan, a token or a decision.

use chrono::TimeDelta;

use serde::{Deserialize, Serialize};

use super::Time;
use super::claims::{Claim, Mark};
use super::clean::Clean;
use super::cluster::{ContentDigest, Key};
use super::evidence::Evidence;
use super::slo::SloId;
use super::verdict::{Offer, Verdict};

/// Number of a question within this process, rising; what is said in answer to an older one is dropped.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
pub struct BriefId(pub u64);

/// What may leave this machine: `[advisor] share`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
pub enum Share {
    /// Nothing: no request is made.
    None,
    /// Evidence items and the differences of revisions.
    #[default]
    Facts,
    /// Log lines and event messages as well.
    FactsAndLogs,
}

impl Share {
    /// The word in the configuration.
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Facts => "facts",
            Self::FactsAndLogs => "facts+logs",
        }
    }
}

/// Why the model is asked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Purpose {
    /// To explain the decision of a card.
    Rationale,
    /// To answer a person's question about it.
    Question(Clean),
}

/// A revision that an answer may name: its number and how the screen calls it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Candidate {
    /// `deployment.kubernetes.io/revision`.
    pub number: i64,
    /// `5d9c 4.11`.
    pub title: Clean,
}

/// A text that somebody else wrote: quoted, capped and labelled wherever it is shown to a model.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Quote {
    /// What it is: `change-cause of revision 7`, `reason of a rejection`.
    pub label: Clean,
    /// The text.
    pub text: Clean,
}

/// Everything that a request is made of. What is not in here does not leave the machine.
#[derive(Clone, PartialEq, Debug)]
pub struct Brief {
    /// Which question.
    pub id: BriefId,
    /// When it is asked: ages of items are told from here.
    pub now: Time,
    /// Why.
    pub purpose: Purpose,
    /// What it is about.
    pub workload: Key,
    /// The computed verdict.
    pub verdict: Verdict,
    /// What is offered.
    pub offer: Offer,
    /// The revision that would serve, where a rollback is offered.
    pub target: Option<i64>,
    /// The revision that serves now.
    pub current: Option<i64>,
    /// The computed reason, one sentence.
    pub decided: Clean,
    /// Revisions of the live history that an answer may name as its target; never the one that serves now.
    pub candidates: Vec<Candidate>,
    /// Evidence, by which every claim of the answer is checked.
    pub items: Vec<Evidence>,
    /// How many of them, the last ones, were found by tools for this question.
    pub found: usize,
    /// Texts of others.
    pub quotes: Vec<Quote>,
    /// Pods of the workload, for tools to choose from.
    pub pods: Vec<Clean>,
    /// The SLO in question.
    pub slo: Option<SloId>,
}

/// How sure a model says that it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum Confidence {
    /// Low.
    Low,
    /// Medium.
    Medium,
    /// High.
    High,
}

impl Confidence {
    /// All.
    pub const ALL: [Self; 3] = [Self::Low, Self::Medium, Self::High];

    /// The word in an answer.
    pub fn word(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// A sentence of an answer, with the items that it cites and what they say of each of its claims.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Said {
    /// The words.
    pub text: Clean,
    /// Cited ids.
    pub evidence: Vec<String>,
    /// Its claims, marked; spans are bytes of `text`.
    pub claims: Vec<Claim>,
}

/// An answer that has the shape that was asked for.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Answer {
    /// What it takes for the cause.
    pub cause: Verdict,
    /// What it would do.
    pub action: Offer,
    /// The revision to which it would go back.
    pub target: Option<i64>,
    /// Why.
    pub sentences: Vec<Said>,
    /// What speaks against it.
    pub counter: Vec<Said>,
    /// What it does not know.
    pub unknown: Vec<Said>,
    /// How sure it says that it is.
    pub confidence: Confidence,
}

impl Answer {
    /// All sentences in the order in which they are shown.
    pub fn said(&self) -> impl Iterator<Item = &Said> {
        self.sentences.iter().chain(&self.counter).chain(&self.unknown)
    }

    /// How its claims stand.
    pub fn tally(&self) -> Tally {
        Tally::of(self.said().flat_map(|said| &said.claims).map(|claim| &claim.mark))
    }
}

/// Claims, counted by mark.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Tally {
    /// The cited evidence says so.
    pub confirmed: usize,
    /// It says otherwise.
    pub contradicted: usize,
    /// It does not speak of it.
    pub not_found: usize,
}

impl Tally {
    /// Counts marks.
    pub fn of<'a>(marks: impl Iterator<Item = &'a Mark>) -> Self {
        let mut tally = Self::default();
        for mark in marks {
            match mark {
                Mark::Confirmed => tally.confirmed += 1,
                Mark::Contradicted { .. } => tally.contradicted += 1,
                Mark::NotFound => tally.not_found += 1,
            }
        }
        tally
    }

    /// All claims.
    pub fn all(self) -> usize {
        self.confirmed + self.contradicted + self.not_found
    }

    /// `7 of 9 claims confirmed, 1 wrong, 1 not in the evidence`.
    pub fn words(self) -> String {
        if self.all() == 0 {
            return "no claim that could be checked".into();
        }
        let mut words = format!("{} of {} claims confirmed", self.confirmed, self.all());
        if self.contradicted > 0 {
            words.push_str(&format!(", {} wrong", self.contradicted));
        }
        if self.not_found > 0 {
            words.push_str(&format!(", {} not in the evidence", self.not_found));
        }
        words
    }
}

/// Tokens as the server counted them; `None` where it did not say.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens of the prompt.
    pub prompt: Option<u64>,
    /// Tokens of the answer.
    pub answer: Option<u64>,
}

/// One call of a read-only tool, as it is shown and recorded.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ToolUse {
    /// The call in words: `events of pod cart-7f9c-x2x`.
    pub call: Clean,
    /// What came of it: the ids of new items, or why there are none. `None`: under way.
    pub result: Option<Result<Vec<String>, Clean>>,
}

/// What is heard of a question, in order: `Sent`, then anything, at last `Ended`, and nothing after it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum Advice {
    /// A request is on its way; a question may take several, for tools and for a repair.
    Sent {
        /// Name of the model, as configured.
        model: Clean,
        /// Digest of the prompt.
        prompt: ContentDigest,
        /// Its length in tokens, estimated.
        tokens: u64,
        /// The request as it goes out, line by line, without the key.
        request: Vec<Clean>,
    },
    /// It is tried again: why.
    Again(Clean),
    /// What was heard of the answer so far; replaces what was told before.
    Draft(Vec<Said>),
    /// A tool is used, or has answered: by place in the order of calls.
    Tool(usize, ToolUse),
    /// An item that a tool has found.
    Found(Evidence),
    /// The answer did not hold, the one repair call is made: why.
    Repair(Clean),
    /// The end.
    Ended(Box<Ending>),
}

impl Advice {
    /// The end of a question that could not be asked: why.
    pub fn failed(why: Clean) -> Self {
        Self::Ended(Box::new(Ending {
            answer: Err(why),
            raw: String::new(),
            repaired: None,
            model: Clean::default(),
            usage: Usage::default(),
            stopped: false,
            first_word: None,
            took: TimeDelta::zero(),
        }))
    }
}

/// How a question ended.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Ending {
    /// The answer, or in one sentence why there is none, with what to do.
    pub answer: Result<Answer, Clean>,
    /// All that was received, whole; what could move a cursor is escaped. A repair call's answer stands on a line of its
    /// own.
    pub raw: String,
    /// What was wrong with the first answer, where it was repaired.
    pub repaired: Option<Clean>,
    /// Name of the model, as the server says it.
    pub model: Clean,
    /// Tokens of all calls.
    pub usage: Usage,
    /// Nobody waited for its end: a person stopped it, or its card was gone.
    pub stopped: bool,
    /// Until the first word; real time, not the world's.
    pub first_word: Option<TimeDelta>,
    /// Until the end; real time.
    pub took: TimeDelta,
}

/// Where an answer differs from what was computed. A word, never a text: the gate knows no more of a model than this.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Dissent {
    /// In the cause.
    Cause,
    /// In what to do.
    Action,
    /// In both.
    Both,
}

impl Dissent {
    /// The word that a reason must contain where a model dissents.
    pub const NAME: &'static str = "DISSENT";

    /// The word in a record.
    pub fn word(self) -> &'static str {
        match self {
            Self::Cause => "cause",
            Self::Action => "action",
            Self::Both => "cause and action",
        }
    }

    /// Compares an answer with what was computed.
    pub fn of(answer: &Answer, verdict: Verdict, offer: Offer, target: Option<i64>) -> Option<Self> {
        let cause = answer.cause != verdict;
        let action = answer.action != offer || (offer == Offer::Rollback && answer.target != target);
        match (cause, action) {
            (false, false) => None,
            (true, false) => Some(Self::Cause),
            (false, true) => Some(Self::Action),
            (true, true) => Some(Self::Both),
        }
    }
}

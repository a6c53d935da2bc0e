//! The polling of Prometheus: cycles of at most eight requests, at most four under way, that keep all SLOs current. A
//! cycle that fails leaves what is known as it is, with its age; nothing is ever filled in.
//!
//! ```text
//! schedule -> questions -> Client -> known, declared -> assemble -> Signal::Slos
//!                            errors -> Signal::Health, Signal::Warnings
//! ```
//!
//! A broken connection is asked once more by the client. So that this does not make a cycle longer than eight requests,
//! the first failure of the connection ends it, and the next one begins with a single question. What refuses one
//! question (a gateway that lets queries through and `/rules` not) is a note of that question; what refuses every
//! question is the health of the source.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::StreamExt;
use tokio::sync::mpsc::Sender;
use tokio_util::sync::CancellationToken;

use super::answer::{Answer, RuleGroup, Series};
use super::assemble::{Parsed, slos};
use super::client::Client;
use super::declared::{self, DeclaredSlos};
use super::error::PromError;
use super::known::{Known, OfId};
use super::rules::Rules;
use super::schedule::{Question, Schedule, Wanted};
use crate::domain::Time;
use crate::domain::clean::Clean;
use crate::domain::signal::{Health, Signal, Source};
use crate::domain::sloth::Declared;

/// Requests under way at a time.
const IN_FLIGHT: usize = 4;
/// Between two comparisons of the clocks, in seconds.
const CLOCK_S: i64 = 60;

/// How to poll.
#[derive(Clone)]
pub struct Options {
    /// From the begin of one cycle to the begin of the next, in real time.
    pub period: Duration,
    /// The time of the world: intervals between questions and the age of readings are measured by it.
    pub clock: Arc<dyn Fn() -> Time + Send + Sync>,
}

/// Nobody listens any more.
struct Closed;

/// Polls until `cancel` is cancelled or nobody listens. `declared` are SLOs of the configuration, each with its file;
/// of those that the server does not record, the first 20 are evaluated.
pub async fn run(
    client: impl Into<Arc<Client>>,
    declared: Vec<(Clean, Declared)>,
    options: Options,
    tx: Sender<Signal>,
    cancel: CancellationToken,
) {
    let cycle = Cycle {
        client: client.into(),
        options,
        tx,
        schedule: Schedule::default(),
        known: Known::default(),
        declared: DeclaredSlos::new(declared),
        parsed: Parsed::default(),
        health: Health::Starting,
        notes: BTreeMap::new(),
        warned: Vec::new(),
        compared: None,
        synced: false,
    };
    tokio::select! {
        () = cancel.cancelled() => {}
        _ = cycle.poll() => {}
    }
}

struct Cycle {
    client: Arc<Client>,
    options: Options,
    tx: Sender<Signal>,
    schedule: Schedule,
    known: Known,
    declared: DeclaredSlos,
    parsed: Parsed,
    health: Health,
    /// Warnings and errors by what was asked.
    notes: BTreeMap<Question, Vec<Clean>>,
    /// Those that were reported last.
    warned: Vec<Clean>,
    /// When the clocks were compared.
    compared: Option<Time>,
    synced: bool,
}

/// What a question brought.
enum Got {
    Series(Answer<Vec<Series>>),
    Rules(Answer<Vec<RuleGroup>>),
}

struct Reply {
    question: Question,
    got: Result<Got, PromError>,
    /// Our time when it was asked, and when it was answered.
    between: (Time, Time),
    /// How long that took; the clock of `between` may be scaled.
    took: std::time::Duration,
}

impl Cycle {
    async fn poll(mut self) -> Result<(), Closed> {
        loop {
            let begun = tokio::time::Instant::now();
            let told = self.cycle().await?;
            // At first everything is wanted at once; but a server that is down is not asked without a pause.
            if !told || self.synced {
                tokio::time::sleep_until(begun + self.options.period).await;
            }
        }
    }

    /// One cycle; false when nothing could be told.
    async fn cycle(&mut self) -> Result<bool, Closed> {
        let now = (self.options.clock)();
        let questions = self.schedule.next(&self.wanted(), now);
        let replies = self.ask(questions).await;
        let mut trouble: Option<Health> = None;
        // A login page, a 403 or a 503 says something of one question only where another one was answered.
        let answered = replies.iter().any(|r| r.got.as_ref().err().is_none_or(is_of_the_question));
        let mut reached = true;
        let mut essential = Vec::new();
        let mut compared = None;
        // The quickest answer tells most about the line.
        let took = replies.iter().filter(|r| r.got.is_ok()).map(|r| r.took.as_millis()).min();
        for reply in replies {
            if let Err(error) = &reply.got
                && !is_of_the_question(error)
                && (!answered || !may_be_of_the_question(error))
            {
                reached = false;
                trouble.get_or_insert(health(error));
                continue;
            }
            if self.schedule.is_essential(&reply.question) {
                essential.push(reply.got.is_ok());
                trouble = trouble.or(reply.got.as_ref().err().map(health));
            }
            compared = compared.or_else(|| self.compare_clocks(&reply));
            self.take(reply, now);
        }
        if reached {
            self.known.forget();
            let known = &self.known;
            self.declared.without(|id| known.by_id.get(id).is_some_and(OfId::is_recorded));
            let wanted = wanted(&self.known, &self.declared);
            self.schedule.settle(&wanted);
        }
        if let Some(ms) = compared {
            self.emit(Signal::Clock(Source::Prometheus, ms)).await?;
        }
        if let Some(ms) = took.and_then(|ms| u32::try_from(ms).ok()) {
            self.emit(Signal::RoundTrip(Source::Prometheus, ms)).await?;
        }
        // Whoever hears of SLOs takes them as heard of now: without an answer about now there is nothing to tell.
        let told = reached && (essential.is_empty() || essential.contains(&true));
        self.report(trouble.unwrap_or(Health::Live), told).await?;
        Ok(told)
    }

    fn wanted(&self) -> Wanted<'_> {
        wanted(&self.known, &self.declared)
    }

    /// Puts the questions; those after a failed connection are not sent and have no reply.
    async fn ask(&self, questions: Vec<Question>) -> Vec<Reply> {
        let broken = AtomicBool::new(false);
        let sound = matches!(self.health, Health::Starting | Health::Live);
        let (alone, rest) = questions.split_at(if sound { 0 } else { questions.len().min(1) });
        let mut replies = Vec::new();
        for part in [alone, rest] {
            // Collected first: a lazy iterator would make the future of the whole source not `Send`.
            let asking: Vec<_> = part.iter().map(|question| self.one(question, &broken)).collect();
            let asked: Vec<Option<Reply>> =
                futures_util::stream::iter(asking).buffered(IN_FLIGHT).collect().await;
            replies.extend(asked.into_iter().flatten());
        }
        replies
    }

    async fn one(&self, question: &Question, broken: &AtomicBool) -> Option<Reply> {
        if broken.load(Ordering::Relaxed) {
            return None;
        }
        let (begun, sent) = ((self.options.clock)(), tokio::time::Instant::now());
        let promql = match question {
            Question::Declared(batch) => self.declared.promql(*batch),
            other => other.promql(),
        };
        let got = match promql {
            Some(promql) => self.client.query(&promql, None).await.map(Got::Series),
            None => self.client.rules().await.map(Got::Rules),
        };
        if got.as_ref().is_err_and(ends_the_cycle) {
            broken.store(true, Ordering::Relaxed);
        }
        let (between, took) = ((begun, (self.options.clock)()), sent.elapsed());
        Some(Reply { question: question.clone(), got, between, took })
    }

    /// Takes a reply in, be it a refusal.
    fn take(&mut self, Reply { question, got, .. }: Reply, now: Time) {
        self.schedule.asked(&question, got.is_err(), now);
        let mut notes = Vec::new();
        match got {
            Ok(Got::Series(answer)) => {
                notes = answer.warnings;
                self.series(&question, answer.data);
            }
            Ok(Got::Rules(answer)) => {
                notes = answer.warnings;
                self.known.rules = Some(Rules::read(answer.data));
            }
            Err(error) => {
                let without = match question {
                    Question::Rules if self.known.rules.is_none() => {
                        "; without the rules the usual windows are assumed and no request can be counted"
                    }
                    _ => "",
                };
                let why = Clean::new(format!("{}: {error}{without}", question.about()));
                let halved = match question {
                    Question::Declared(batch) => self.declared.refused(batch, &why),
                    _ => false,
                };
                if !halved {
                    notes.push(why);
                }
            }
        }
        self.notes.insert(question, notes);
    }

    fn series(&mut self, question: &Question, series: Vec<Series>) {
        let known = &mut self.known;
        match question {
            Question::Info => known.info(series),
            Question::Objective => known.objective(series),
            Question::Period => known.period(series),
            Question::Ratio(window) => known.ratios(window, series),
            Question::Remaining => known.remaining(series),
            Question::Alerts => known.alerts(series),
            Question::Freshness(_) => known.freshness(series),
            Question::Declared(batch) => self.declared.take(*batch, series),
            Question::Rules => {}
        }
    }

    /// Their clock minus ours in milliseconds, when it is time to compare. An instant query is evaluated at the
    /// server's own time: that is its clock, without a question of its own.
    fn compare_clocks(&mut self, reply: &Reply) -> Option<i64> {
        let Ok(Got::Series(answer)) = &reply.got else {
            return None;
        };
        let (begun, ended) = reply.between;
        let recent = |at: Time| ended >= at && (ended - at).num_seconds() < CLOCK_S;
        let theirs = answer.data.first()?.at;
        if self.compared.is_some_and(recent) {
            return None;
        }
        self.compared = Some(ended);
        let ours = begun + (ended - begun) / 2;
        Some((theirs - ours).num_milliseconds())
    }

    async fn report(&mut self, health: Health, told: bool) -> Result<(), Closed> {
        if health != self.health {
            self.health = health.clone();
            self.emit(Signal::Health(Source::Prometheus, health)).await?;
        }
        let warnings = self.warnings();
        if warnings != self.warned {
            self.warned.clone_from(&warnings);
            self.emit(Signal::Warnings(warnings)).await?;
        }
        if !told {
            return Ok(());
        }
        let now = (self.options.clock)();
        let evaluated = self.known.evaluated.unwrap_or(now);
        let slos = slos(&mut self.known, &mut self.declared, &mut self.parsed, evaluated);
        self.emit(Signal::Slos(slos)).await?;
        if !self.synced && self.schedule.is_complete() {
            self.synced = true;
            self.emit(Signal::Synced(Source::Prometheus, now)).await?;
        }
        Ok(())
    }

    fn warnings(&mut self) -> Vec<Clean> {
        // Batches that were halved or joined do not come again.
        let batches: BTreeSet<u32> = self.declared.batches().into_iter().map(|(batch, _)| batch).collect();
        self.notes.retain(|question, _| !matches!(question, Question::Declared(n) if !batches.contains(n)));
        let known = &self.known;
        let too_many = self.declared.too_many(|id| known.by_id.get(id).is_some_and(OfId::is_recorded));
        let mut warnings: BTreeSet<Clean> = self.notes.values().flatten().cloned().collect();
        if too_many > 0 {
            warnings.insert(Clean::new(format!(
                "{too_many} declared SLOs beyond the first {} are not evaluated; hint: record them by rules",
                declared::MOST
            )));
        }
        warnings.into_iter().collect()
    }

    async fn emit(&self, signal: Signal) -> Result<(), Closed> {
        self.tx.send(signal).await.map_err(|_| Closed)
    }
}

fn wanted<'a>(known: &'a Known, declared: &DeclaredSlos) -> Wanted<'a> {
    Wanted {
        windows: known.rules.as_ref().map(|rules| &rules.windows),
        alerted: known.by_id.values().any(|of| !of.alerts.is_empty()),
        declared: declared.batches(),
        halved: declared.halved,
    }
}

/// The server was reached and did not answer this question.
fn is_of_the_question(error: &PromError) -> bool {
    matches!(
        error,
        PromError::BadData { .. }
            | PromError::Execution { .. }
            | PromError::Status { .. }
            | PromError::TooLarge { .. }
            | PromError::Shape { .. }
            | PromError::Timeout { .. }
    )
}

/// Whoever stands before the server, or the part of it that answers this question, said no: whether to this question or
/// to all of them the others tell.
fn may_be_of_the_question(error: &PromError) -> bool {
    matches!(
        error,
        PromError::Unauthorized { .. }
            | PromError::Forbidden { .. }
            | PromError::Redirect { .. }
            | PromError::Html { .. }
            | PromError::Unavailable { .. }
    )
}

/// Asking on would only load a server that is down, or cost a retry for each question.
fn ends_the_cycle(error: &PromError) -> bool {
    let refused = may_be_of_the_question(error) && !matches!(error, PromError::Unavailable { .. });
    !is_of_the_question(error) && !refused
}

fn health(error: &PromError) -> Health {
    let why = Clean::new(error.to_string());
    match error {
        PromError::Unauthorized { .. } | PromError::Forbidden { .. } | PromError::ProxyForbidden { .. } => {
            Health::Forbidden(why)
        }
        _ => Health::Down(why),
    }
}

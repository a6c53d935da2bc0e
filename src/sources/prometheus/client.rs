//! Questions to one Prometheus. All of them are reads; a broken connection or a full server is asked once more, and
//! everything else is an error that says what to do. The time limit covers both attempts.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use super::answer::{Answer, BuildInfo, Range, RuleGroup, RuntimeInfo, Series};
use super::decode;
use super::error::PromError;
use super::transport::{Direct, Reply, Request, ServiceProxy, Transport};
use crate::domain::Time;
use crate::domain::clean::Clean;
use crate::domain::window::Window;

/// How long a request may take.
pub const TIMEOUT: Duration = Duration::from_secs(10);
/// How much of an answer is read, in bytes.
pub const CAP: usize = 32 * 1024 * 1024;

/// A connection to one Prometheus.
pub struct Client {
    transport: Transport,
    timeout: Duration,
    cap: usize,
    sent: AtomicU64,
}

impl Client {
    /// A client for a URL. Proxies come from the environment.
    ///
    /// # Errors
    /// [`PromError::Setting`] when the URL, a header or the authority's file cannot be used.
    pub async fn direct(direct: Direct) -> Result<Self, PromError> {
        Transport::by_url(direct).await.map(Self::over)
    }

    /// A client for a Service, through the API server. `client` should not retry by itself: a retry here is counted.
    pub fn service_proxy(client: kube::Client, service: ServiceProxy) -> Self {
        Self::over(Transport::by_service(client, service))
    }

    fn over(transport: Transport) -> Self {
        Self { transport, timeout: TIMEOUT, cap: CAP, sent: AtomicU64::new(0) }
    }

    /// With another time limit per question.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// With another cap on the answer, in bytes.
    #[must_use]
    pub fn with_cap(mut self, cap: usize) -> Self {
        self.cap = cap;
        self
    }

    /// The server without its user part, for messages.
    pub fn name(&self) -> Clean {
        self.transport.name()
    }

    /// Requests sent so far, retries included.
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// The value of `promql` at `at`, or at the server's own time. A scalar is one series without labels.
    ///
    /// # Errors
    /// See [`PromError`].
    pub async fn query(&self, promql: &str, at: Option<Time>) -> Result<Answer<Vec<Series>>, PromError> {
        let mut parameters = vec![("query", promql.to_owned()), ("timeout", self.server_timeout())];
        parameters.extend(at.map(|at| ("time", seconds(at))));
        self.get("/api/v1/query", &parameters, decode::query).await
    }

    /// The values of `promql` from `start` to `end`, both included, every `step`. At most 11,000 points are given.
    ///
    /// # Errors
    /// See [`PromError`].
    pub async fn query_range(
        &self,
        promql: &str,
        start: Time,
        end: Time,
        step: Window,
    ) -> Result<Answer<Vec<Range>>, PromError> {
        let parameters = [
            ("query", promql.to_owned()),
            ("timeout", self.server_timeout()),
            ("start", seconds(start)),
            ("end", seconds(end)),
            ("step", step.secs().to_string()),
        ];
        self.get("/api/v1/query_range", &parameters, decode::query_range).await
    }

    /// All rules with their health, and the alerts of those that fire.
    ///
    /// # Errors
    /// See [`PromError`].
    pub async fn rules(&self) -> Result<Answer<Vec<RuleGroup>>, PromError> {
        self.get("/api/v1/rules", &[], decode::rules).await
    }

    /// What the server is.
    ///
    /// # Errors
    /// See [`PromError`].
    pub async fn buildinfo(&self) -> Result<Answer<BuildInfo>, PromError> {
        self.get("/api/v1/status/buildinfo", &[], decode::buildinfo).await
    }

    /// How far back the server remembers.
    ///
    /// # Errors
    /// See [`PromError`].
    pub async fn runtimeinfo(&self) -> Result<Answer<RuntimeInfo>, PromError> {
        self.get("/api/v1/status/runtimeinfo", &[], decode::runtimeinfo).await
    }

    /// So that the server stops working on what nobody waits for any more.
    fn server_timeout(&self) -> String {
        format!("{}ms", self.timeout.as_millis().max(1))
    }

    async fn get<T>(
        &self,
        path: &str,
        parameters: &[(&str, String)],
        read: Read<T>,
    ) -> Result<Answer<T>, PromError> {
        let request = Request::new(path, parameters);
        let begun = Instant::now();
        let asked = tokio::time::timeout(self.timeout, self.ask(&request, read)).await;
        let mut answer = asked.unwrap_or_else(|_| {
            Err(PromError::Timeout {
                at: self.name(),
                milliseconds: u64::try_from(self.timeout.as_millis()).unwrap_or(u64::MAX),
            })
        })?;
        answer.took = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        Ok(answer)
    }

    /// Asks, and asks once more where that may help.
    async fn ask<T>(&self, request: &Request<'_>, read: Read<T>) -> Result<Answer<T>, PromError> {
        match self.ask_once(request, read).await {
            Err(error) if error.is_worth_a_retry() => self.ask_once(request, read).await,
            other => other,
        }
    }

    async fn ask_once<T>(&self, request: &Request<'_>, read: Read<T>) -> Result<Answer<T>, PromError> {
        self.sent.fetch_add(1, Ordering::Relaxed);
        read(self.transport.send(request, self.cap).await?)
    }
}

/// What makes an answer of a reply.
type Read<T> = fn(Reply) -> Result<Answer<T>, PromError>;

/// Seconds since 1970 with milliseconds, as the API takes them.
fn seconds(at: Time) -> String {
    let ms = at.timestamp_millis();
    format!("{}.{:03}", ms.div_euclid(1_000), ms.rem_euclid(1_000))
}

//! Effects of the pages on which somebody looks closer: one pod, one log stream at a time, the rules of one alert. Each
//! ends in events; a stream ends with its page.

use tokio::sync::mpsc;

use crate::domain::clean::Clean;
use crate::domain::cluster::{Key, Uid};
use crate::domain::pod::{LogNews, LogRequest};
use crate::domain::slo::{Slo, SloId};
use crate::engine::Event;
use crate::sources::{kubernetes, prometheus};

use super::perform::Performer;

/// News of a log that wait to be taken: a pod that writes faster than that waits for us, not the other way round.
const WAITING: usize = 4;

impl Performer {
    /// Reads one pod.
    pub(super) async fn read_pod(self, key: Key, uid: Uid, owners: Vec<(&'static str, Clean)>) {
        let page = match self.cluster().await {
            Some(cluster) => kubernetes::pod_page(cluster, &key, &uid, &owners)
                .await
                .map_err(|error| Clean::new(error.to_string())),
            None => Err("no cluster".into()),
        };
        self.tell(Event::Pod(uid, Box::new(page))).await;
    }

    /// Reads the alert rules of one SLO.
    pub(super) async fn read_alerts(self, id: SloId, slo: Option<Slo>) {
        let rules = match (self.prometheus.get(), &slo) {
            (Some(client), Some(slo)) => {
                prometheus::alert_rules(client, slo).await.map_err(|error| Clean::new(error.to_string()))
            }
            (None, _) => Err("no Prometheus was found yet".into()),
            (_, None) => Err("the SLO is not there any more".into()),
        };
        self.tell(Event::Alerts(id, Box::new(rules))).await;
    }

    /// Follows a log, in a task that can be stopped: stopping it closes its connection.
    pub(super) fn follow_log(&self, request: LogRequest) {
        let (this, stream) = (self.clone(), request.stream);
        let task = self.tasks.spawn(async move {
            let Some(cluster) = this.cluster().await.cloned() else {
                return this.tell(Event::PodLog(stream, LogNews::Ended("no cluster".into()))).await;
            };
            let (tx, mut news) = mpsc::channel(WAITING);
            let told = async {
                while let Some(news) = news.recv().await {
                    this.tell(Event::PodLog(stream, news)).await;
                }
            };
            let read = kubernetes::follow_log(&cluster, &request, tx);
            let _ = this.cancel.run_until_cancelled(async { tokio::join!(read, told) }).await;
        });
        let before = self.log_stream().replace((stream, task.abort_handle()));
        if let Some((_, before)) = before {
            before.abort();
        }
    }

    /// Stops the stream of this number, if it is the one that is open.
    pub(super) fn stop_log(&self, stream: u64) {
        let mut open = self.log_stream();
        if let Some((_, task)) = open.take_if(|(number, _)| *number == stream) {
            task.abort();
        }
    }
}

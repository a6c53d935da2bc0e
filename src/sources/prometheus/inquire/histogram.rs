//! How long requests take: which histogram tells it, found by the labels by which the SLI's own counters name their
//! service, and its buckets over time. A metric that does not say that it is a time is never taken for one.

use std::collections::BTreeMap;

use super::{Asking, Ends, Found};
use crate::domain::Time;
use crate::domain::clean::Clean;
use crate::domain::inquiry::Finding;
use crate::domain::latency::{self, Durations, Histogram, Step};
use crate::domain::sli::{Matcher, Op, Selector, SliExpression};
use crate::domain::window::Window;

const NAME: &str = "__name__";
const SUFFIX: &str = "_bucket";
/// Labels that name a service rather than an outcome or a route.
const IDENTITY: [&str; 22] = [
    "namespace",
    "exported_namespace",
    "service",
    "exported_service",
    "job",
    "deployment",
    "app",
    "app_kubernetes_io_name",
    "workload",
    "container",
    "ingress",
    "host",
    "backend",
    "route_name",
    "destination_namespace",
    "destination_workload",
    "destination_workload_namespace",
    "destination_service",
    "destination_service_name",
    "destination_service_namespace",
    "envoy_cluster_name",
    "cluster",
];
/// Labels that say where a service runs, but not which one it is.
const PLACES: [&str; 4] = ["namespace", "exported_namespace", "destination_namespace", "cluster"];

/// Native histograms need another way to be read.
const NATIVE: &str = "its durations are a native histogram, which goaround does not read; hint: \
                      always_scrape_classic_histograms keeps classic buckets as well";

impl Asking<'_> {
    /// The histogram of the SLI's service; asked a second time, whether there is a native one.
    pub(super) async fn histogram(&self, sli: &SliExpression, native: bool) -> Found {
        let Some(search) = Search::of(sli) else {
            let why = "no label of the SLI's counters names one service, so no histogram can be looked for";
            return Ok(nothing(why));
        };
        if native {
            let promql = format!("count(histogram_count({}))", search.selector(".+"));
            // A server of before native histograms refuses the function: then there are none.
            let found = self.query(&promql, self.now).await.is_ok_and(|rows| !rows.is_empty());
            return Ok(nothing(if found {
                NATIVE
            } else {
                "no histogram of durations has the labels of the SLI's counters"
            }));
        }
        let promql = format!("count by ({NAME}) ({})", search.selector(".+_bucket"));
        let rows = self.query(&promql, self.now).await?;
        let names = rows.iter().filter_map(|row| row.labels.get(NAME)).map(Clean::as_str);
        let best = search.best(names);
        Ok(Finding::Histogram(best.map_or(latency::Found::NotClassic, latency::Found::Classic)))
    }

    /// Its buckets over time.
    pub(super) async fn durations(&self, histogram: &Histogram, from: Time, to: Time, step: Window) -> Found {
        let Some(ends) = Ends::within(from, to.min(self.now), step) else {
            return Ok(Finding::Durations(Durations::default()));
        };
        let promql = format!("sum by (le) (increase({}[{step}]))", histogram.selector);
        let mut bounds: Vec<f64> = Vec::new();
        let mut rows: BTreeMap<Time, BTreeMap<usize, f64>> = BTreeMap::new();
        let mut ranges: Vec<(f64, _)> = self
            .range(&promql, ends)
            .await?
            .into_iter()
            .filter_map(|range| {
                let le = range.labels.get("le")?.as_str().parse::<f64>().ok().filter(|le| !le.is_nan())?;
                Some((le, range.samples))
            })
            .collect();
        ranges.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        for (le, samples) in ranges {
            // "0.2" and "2e-1" are one bound.
            if bounds.last() != Some(&le) {
                bounds.push(le);
            }
            for sample in samples {
                if let Some(count) = sample.value.number() {
                    *rows.entry(sample.at).or_default().entry(bounds.len() - 1).or_insert(0.0) += count;
                }
            }
        }
        let steps = rows.into_iter().filter(|(_, row)| row.contains_key(&(bounds.len() - 1)));
        let steps = steps.map(|(end, row)| Step {
            end,
            within: (0..bounds.len()).map(|n| row.get(&n).copied().unwrap_or(f64::NAN)).collect(),
        });
        let steps = steps.collect();
        let seconds = bounds.into_iter().map(|bound| bound * histogram.unit).collect();
        Ok(Finding::Durations(Durations::of(seconds, steps)))
    }
}

fn nothing(why: &str) -> Finding {
    Finding::Histogram(latency::Found::Nothing(Clean::new(why)))
}

/// By what a histogram is looked for.
struct Search {
    matchers: Vec<Matcher>,
    /// Name of the SLI's counter.
    counter: String,
}

impl Search {
    /// From the counter of all requests. `None` when its labels name no service.
    fn of(sli: &SliExpression) -> Option<Self> {
        let selector = &sli.total.leaves.first()?.selector;
        let counter = selector.name.clone().unwrap_or_default();
        let own = base(&counter).is_some();
        let kept = |m: &&Matcher| m.label != "le" && (own || IDENTITY.contains(&m.label.as_str()));
        let matchers: Vec<Matcher> = selector.matchers.iter().filter(kept).cloned().collect();
        let names = |m: &Matcher| {
            !PLACES.contains(&m.label.as_str())
                && matches!(m.op, Op::Equal | Op::Matches)
                && !m.value.is_empty()
        };
        (own || matchers.iter().any(names)).then_some(Self { matchers, counter })
    }

    /// All series with these labels whose name matches.
    fn selector(&self, names: &str) -> Selector {
        let mut matchers = vec![Matcher { label: NAME.to_owned(), op: Op::Matches, value: names.to_owned() }];
        matchers.extend(self.matchers.iter().cloned());
        Selector { name: None, matchers }
    }

    /// Of those found, the one that most likely times what the SLI counts.
    fn best<'n>(&self, names: impl Iterator<Item = &'n str>) -> Option<Histogram> {
        let score = |name: &str| {
            let own = base(&self.counter).is_some_and(|base| base == name.trim_end_matches(SUFFIX));
            let requests = ["request", "http", "grpc", "rpc", "response"].iter().any(|w| name.contains(w));
            let alike = self.counter.bytes().zip(name.bytes()).take_while(|(a, b)| a == b).count();
            (own, requests, !name.contains("client"), alike)
        };
        let timed = names.filter_map(|name| Some((name, unit(name)?)));
        let (name, unit) = timed.max_by(|(a, _), (b, _)| score(a).cmp(&score(b)).then_with(|| b.cmp(a)))?;
        let selector = Selector { name: Some(name.to_owned()), matchers: self.matchers.clone() };
        Some(Histogram { metric: Clean::new(name), selector, unit })
    }
}

/// The histogram that a counter belongs to, if it belongs to one.
fn base(counter: &str) -> Option<&str> {
    counter.strip_suffix("_count").or_else(|| counter.strip_suffix(SUFFIX))
}

/// Seconds of one of its units, where the name of a metric says that it is a time. A name without a unit is taken for
/// seconds, which is the convention (prometheus.io/docs/practices/naming).
fn unit(metric: &str) -> Option<f64> {
    let name = metric.strip_suffix(SUFFIX)?;
    let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
    if has(&["milliseconds", "_millis", "rq_time"]) || name.ends_with("_ms") {
        Some(1e-3)
    } else if has(&["microseconds"]) || name.ends_with("_us") {
        Some(1e-6)
    } else if has(&["nanoseconds"]) || name.ends_with("_ns") {
        Some(1e-9)
    } else if has(&["seconds", "duration", "latency"]) {
        Some(1.0)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::sli::understand;

    fn search(selector: &str) -> Option<Search> {
        let sli = format!("sum(rate(bad{selector}[5m])) / sum(rate({selector}[5m]))").replacen("bad", "", 1);
        Search::of(&understand(&sli).expect("an SLI"))
    }

    #[test]
    fn it_is_looked_for_by_what_names_the_service_and_by_nothing_else() {
        let found = search(r#"http_requests_total{namespace="shop",service="api",code!~"4..",route="/x"}"#);
        assert_eq!(
            found.expect("a service").selector(".+_bucket").to_string(),
            r#"{__name__=~".+_bucket",namespace="shop",service="api"}"#
        );
        assert!(search(r#"http_requests_total{namespace="shop",code!="0"}"#).is_none(), "that is everybody");
        let own = search(r#"api_latency_seconds_count{route="/x"}"#).expect("a histogram's own count");
        assert_eq!(own.selector(".+").to_string(), r#"{__name__=~".+",route="/x"}"#);
    }

    #[test]
    fn of_several_the_one_that_times_what_is_counted_is_taken() {
        let search = search(r#"http_requests_total{service="api"}"#).expect("a service");
        let names = [
            "go_gc_duration_seconds_bucket",
            "http_client_request_duration_seconds_bucket",
            "http_request_duration_seconds_bucket",
            "http_response_size_bytes_bucket",
        ];
        let best = search.best(names.into_iter()).expect("one");
        assert_eq!(best.metric, "http_request_duration_seconds_bucket");
        assert_eq!(best.selector.to_string(), r#"http_request_duration_seconds_bucket{service="api"}"#);
        assert!(search.best(["http_response_size_bytes_bucket"].into_iter()).is_none());
    }

    #[test]
    fn the_unit_is_what_the_name_says() {
        for (name, wanted) in [
            ("istio_request_duration_milliseconds_bucket", Some(1e-3)),
            ("response_latency_ms_bucket", Some(1e-3)),
            ("envoy_cluster_upstream_rq_time_bucket", Some(1e-3)),
            ("grpc_server_handling_seconds_bucket", Some(1.0)),
            ("request_latency_bucket", Some(1.0)),
            ("queue_length_bucket", None),
            ("seconds", None),
        ] {
            assert_eq!(unit(name), wanted, "{name}");
        }
    }
}

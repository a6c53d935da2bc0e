//! Which Service of a cluster is its Prometheus. Services are recognised by the labels and names that the usual
//! installations give them, then asked; the one with the most SLOs is taken and all others are listed with what they
//! said, so that nobody has to guess which numbers are on the screen.

use std::collections::BTreeMap;
use std::fmt;

use futures_util::StreamExt;

use super::client::Client;
use super::error::PromError;
use super::transport::ServiceProxy;
use crate::domain::clean::Clean;

/// The most Services asked; beyond it, somebody has to say which one.
const MOST: usize = 12;
/// Services asked at the same time.
const IN_FLIGHT: usize = 4;
/// Names of HTTP ports, best first.
const PORTS: [&str; 5] = ["web", "http-web", "http", "tcp-http", "https"];
/// Parts of names that look like Prometheus and are not.
const NEIGHBOURS: [&str; 9] = [
    "alertmanager",
    "node-exporter",
    "kube-state-metrics",
    "pushgateway",
    "adapter",
    "operator",
    "thanos-discovery",
    "grafana",
    "blackbox",
];

/// A Service, as far as it matters here.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ServiceSeen {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its ports, in order.
    pub ports: Vec<PortSeen>,
}

/// A port of a Service.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PortSeen {
    /// Its name, where it has one.
    pub name: Option<String>,
    /// Its number.
    pub port: u16,
}

/// A Service that may be Prometheus.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Candidate {
    /// How to reach it.
    pub service: ServiceProxy,
    /// By what it was recognised.
    pub why: &'static str,
}

impl fmt::Display for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.service, self.why)
    }
}

/// What a server said about itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Probe {
    /// Its version.
    pub version: Clean,
    /// Its name where it is not Prometheus itself.
    pub application: Option<Clean>,
    /// How many SLOs it has recorded.
    pub slos: u64,
}

/// A candidate and what came of asking it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Asked {
    /// Who was asked.
    pub candidate: Candidate,
    /// The answer.
    pub said: Result<Probe, PromError>,
}

/// The Prometheus of a cluster.
pub struct Found {
    /// A client for it, which has sent the probe's requests.
    pub client: Client,
    /// Which one it is.
    pub taken: Candidate,
    /// What it said.
    pub probe: Probe,
    /// Why this one, in words.
    pub why: Clean,
    /// The others, in the order of the candidates.
    pub others: Vec<Asked>,
}

/// No Prometheus in the cluster that answers.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NotFound {
    /// No Service looks like one.
    #[error("no Service among {services} looks like Prometheus; hint: pass `--prometheus URL`")]
    NoCandidate {
        /// How many were looked at.
        services: usize,
    },
    /// Those that look like one did not answer.
    #[error("{}", nobody(asked))]
    NoAnswer {
        /// All that were asked.
        asked: Vec<Asked>,
    },
}

fn nobody(asked: &[Asked]) -> String {
    let Some(Asked { said: Err(first), .. }) = asked.first() else {
        return "no Prometheus answers; hint: pass `--prometheus URL`".to_owned();
    };
    let others: Vec<String> = asked.iter().skip(1).map(|asked| asked.candidate.to_string()).collect();
    if others.is_empty() {
        first.to_string()
    } else {
        format!("{first}; nor do answer: {}", others.join(", "))
    }
}

/// Services that look like Prometheus, the likeliest first.
pub fn candidates(services: &[ServiceSeen]) -> Vec<Candidate> {
    let mut found: Vec<(usize, Candidate)> = services
        .iter()
        .filter_map(|service| {
            let (rank, known) = KNOWN.iter().enumerate().find(|(_, known)| (known.is)(service))?;
            let (scheme, port) = port(service)?;
            let service = ServiceProxy {
                namespace: service.namespace.clone(),
                scheme: scheme.to_owned(),
                name: service.name.clone(),
                port: port.to_string(),
                prefix: known.prefix.to_owned(),
            };
            Some((rank, Candidate { service, why: known.why }))
        })
        .collect();
    found.sort_by(|(rank, a), (other, b)| (rank, &a.service).cmp(&(other, &b.service)));
    found.into_iter().map(|(_, candidate)| candidate).collect()
}

/// An installation and how its Service is recognised.
struct Known {
    why: &'static str,
    prefix: &'static str,
    is: fn(&ServiceSeen) -> bool,
}

/// From the most to the least certain.
const KNOWN: [Known; 10] = [
    Known {
        why: "kube-prometheus-stack",
        prefix: "",
        is: |s| {
            s.has("app", "kube-prometheus-stack-prometheus")
                || s.name.ends_with("kube-prometheus-prometheus")
                || s.name.ends_with("kube-prometheus-stack-prometheus")
        },
    },
    Known { why: "kube-prometheus", prefix: "", is: |s| s.name == "prometheus-k8s" },
    Known {
        why: "Prometheus Operator's headless service",
        prefix: "",
        is: |s| s.name == "prometheus-operated" || s.has("operated-prometheus", "true"),
    },
    Known {
        why: "label app.kubernetes.io/name=prometheus",
        prefix: "",
        is: |s| s.has("app.kubernetes.io/name", "prometheus") && !s.is_neighbour(),
    },
    Known {
        why: "the prometheus chart's server",
        prefix: "",
        is: |s| s.name == "prometheus-server" || s.name.ends_with("-prometheus-server"),
    },
    Known {
        why: "label app=prometheus",
        prefix: "",
        is: |s| s.has("app", "prometheus") && !s.is_neighbour(),
    },
    Known { why: "the name prometheus", prefix: "", is: |s| s.name == "prometheus" },
    Known {
        why: "Thanos Query",
        prefix: "",
        is: |s| {
            let part = |name: &str| s.labels.get("app.kubernetes.io/component").is_some_and(|v| v == name);
            s.has("app.kubernetes.io/name", "thanos-query")
                || (s.has("app.kubernetes.io/name", "thanos") && (part("query") || part("query-frontend")))
                || s.name.contains("thanos-query")
        },
    },
    Known {
        why: "VictoriaMetrics",
        prefix: "",
        is: |s| {
            s.has("app.kubernetes.io/name", "vmsingle")
                || s.has("app.kubernetes.io/name", "victoria-metrics-single")
                || s.name.starts_with("vmsingle")
                || s.name.contains("victoria-metrics-single")
        },
    },
    Known {
        why: "VictoriaMetrics cluster",
        prefix: "/select/0/prometheus",
        is: |s| s.has("app.kubernetes.io/name", "vmselect") || s.name.contains("vmselect"),
    },
];

impl ServiceSeen {
    fn has(&self, label: &str, value: &str) -> bool {
        self.labels.get(label).is_some_and(|found| found == value)
    }

    /// True for what is installed beside Prometheus under its labels.
    fn is_neighbour(&self) -> bool {
        let component = self.labels.get("app.kubernetes.io/component").map_or("", String::as_str);
        NEIGHBOURS.iter().any(|word| self.name.contains(word) || component.contains(word))
    }
}

/// Scheme and number of the port that speaks the API: by name, else 9090, else the only one.
fn port(service: &ServiceSeen) -> Option<(&'static str, u16)> {
    let ports = &service.ports;
    let named = |name: &str| ports.iter().find(|port| port.name.as_deref() == Some(name));
    let found = PORTS
        .iter()
        .find_map(|name| named(name))
        .or_else(|| ports.iter().find(|port| port.port == 9_090))
        .or(match &ports[..] {
            [only] if only.name.as_deref() != Some("grpc") => Some(only),
            _ => None,
        })?;
    let tls = found.name.as_deref() == Some("https") || found.port == 443;
    Some((if tls { "https" } else { "http" }, found.port))
}

/// Asks a server what it is and how many SLOs it has.
///
/// # Errors
/// See [`PromError`].
pub async fn probe(client: &Client) -> Result<Probe, PromError> {
    let build = client.buildinfo().await?.data;
    let counted = client.query("count(slo:objective:ratio)", None).await?.data;
    // No row means that there is no such series; a count is whole and not negative.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates")]
    let slos = counted.first().and_then(|row| row.value.number()).unwrap_or_default() as u64;
    Ok(Probe { version: build.version, application: build.application, slos })
}

/// Finds the Prometheus of a cluster: asks the candidates, and takes the one with the most SLOs, the likelier of
/// equals. `kube` should not retry by itself.
///
/// # Errors
/// [`NotFound`], with all that was asked and what came of it.
pub async fn discover(kube: &kube::Client, services: &[ServiceSeen]) -> Result<Found, NotFound> {
    let candidates = candidates(services);
    if candidates.is_empty() {
        return Err(NotFound::NoCandidate { services: services.len() });
    }
    let asked: Vec<(Client, Asked)> = futures_util::stream::iter(candidates.into_iter().take(MOST))
        .map(|candidate| async move {
            let client = Client::service_proxy(kube.clone(), candidate.service.clone());
            let said = probe(&client).await;
            (client, Asked { candidate, said })
        })
        .buffered(IN_FLIGHT)
        .collect()
        .await;
    take(asked)
}

/// Takes the answer with the most SLOs, the first of equals.
fn take(mut asked: Vec<(Client, Asked)>) -> Result<Found, NotFound> {
    let mut best: Option<(usize, Probe)> = None;
    for (n, (_, Asked { said, .. })) in asked.iter().enumerate() {
        if let Ok(probe) = said
            && best.as_ref().is_none_or(|(_, best)| probe.slos > best.slos)
        {
            best = Some((n, probe.clone()));
        }
    }
    let Some((n, probe)) = best else {
        return Err(NotFound::NoAnswer { asked: asked.into_iter().map(|(_, asked)| asked).collect() });
    };
    let (client, Asked { candidate: taken, .. }) = asked.remove(n);
    let others: Vec<Asked> = asked.into_iter().map(|(_, asked)| asked).collect();
    let why = Clean::new(why(probe.slos, &others));
    Ok(Found { client, taken, probe, why, others })
}

/// Why the one with `most` SLOs was taken.
fn why(most: u64, others: &[Asked]) -> String {
    let next = others.iter().filter_map(|asked| Some(asked.said.as_ref().ok()?.slos)).max();
    match next {
        None if others.is_empty() => format!("the only candidate; it has {most} SLOs"),
        None => format!("the only one of {} that answers; it has {most} SLOs", others.len() + 1),
        Some(next) if next == most => format!("{most} SLOs, as another has, and the likelier of them"),
        Some(next) => format!("most SLOs: {most}, the next has {next}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(namespace: &str, name: &str, labels: &[(&str, &str)], ports: &[(&str, u16)]) -> ServiceSeen {
        ServiceSeen {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            labels: labels.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
            ports: ports
                .iter()
                .map(|(name, port)| PortSeen {
                    name: (!name.is_empty()).then(|| (*name).to_owned()),
                    port: *port,
                })
                .collect(),
        }
    }

    fn named(services: &[ServiceSeen]) -> Vec<String> {
        candidates(services).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_usual_installations_are_found_the_likeliest_first() {
        let found = named(&[
            service("vm", "vmselect-main", &[], &[("http", 8481)]),
            service("vm", "vmsingle-main", &[], &[("http", 8429)]),
            service("obs", "thanos-query", &[], &[("grpc", 10901), ("http", 9090)]),
            service("a", "prometheus", &[], &[("", 9090)]),
            service("b", "web", &[("app", "prometheus")], &[("", 80)]),
            service("c", "prom-prometheus-server", &[("app", "x")], &[("http", 80)]),
            service("rig", "prometheus", &[("app.kubernetes.io/name", "prometheus")], &[("tcp-http", 9090)]),
            service("m", "prometheus-operated", &[], &[("http-web", 9090), ("grpc", 10901)]),
            service("m", "prometheus-k8s", &[], &[("reloader-web", 8080), ("web", 9090)]),
            service(
                "m",
                "stack-kube-prometheus-prometheus",
                &[],
                &[("http-web", 9090), ("reloader-web", 8080)],
            ),
        ]);
        assert_eq!(
            found,
            [
                "http:stack-kube-prometheus-prometheus:9090 in namespace m (kube-prometheus-stack)",
                "http:prometheus-k8s:9090 in namespace m (kube-prometheus)",
                "http:prometheus-operated:9090 in namespace m (Prometheus Operator's headless service)",
                "http:prometheus:9090 in namespace rig (label app.kubernetes.io/name=prometheus)",
                "http:prom-prometheus-server:80 in namespace c (the prometheus chart's server)",
                "http:web:80 in namespace b (label app=prometheus)",
                "http:prometheus:9090 in namespace a (the name prometheus)",
                "http:thanos-query:9090 in namespace obs (Thanos Query)",
                "http:vmsingle-main:8429 in namespace vm (VictoriaMetrics)",
                "http:vmselect-main:8481/select/0/prometheus in namespace vm (VictoriaMetrics cluster)",
            ]
        );
    }

    #[test]
    fn what_stands_beside_prometheus_is_no_candidate() {
        let label = ("app.kubernetes.io/name", "prometheus");
        assert_eq!(
            named(&[
                service("m", "alertmanager", &[("app.kubernetes.io/name", "alertmanager")], &[("", 9093)]),
                service("m", "x-prometheus-node-exporter", &[label], &[("", 9100)]),
                service("m", "x", &[label, ("app.kubernetes.io/component", "pushgateway")], &[("", 9091)]),
                service(
                    "m",
                    "stack-kube-prometheus-thanos-discovery",
                    &[("app", "prometheus")],
                    &[("grpc", 10901)]
                ),
                service("m", "prometheus-operator", &[("app", "prometheus")], &[("https", 443)]),
                service("m", "prometheus", &[label], &[("a", 1), ("b", 2)]),
                service("m", "prometheus", &[label], &[("grpc", 10901)]),
                service("m", "prometheus", &[label], &[]),
                service("default", "kubernetes", &[], &[("https", 443)]),
            ]),
            Vec::<String>::new()
        );
    }

    #[test]
    fn a_port_is_taken_by_name_then_by_number_then_because_it_is_the_only_one() {
        let label = [("app", "prometheus")];
        let found = |ports: &[(&str, u16)]| named(&[service("m", "p", &label, ports)]).remove(0);
        assert!(found(&[("x", 9090), ("http", 80)]).starts_with("http:p:80 "));
        assert!(found(&[("x", 1), ("y", 9090)]).starts_with("http:p:9090 "));
        assert!(found(&[("x", 1)]).starts_with("http:p:1 "));
        assert!(found(&[("https", 9091)]).starts_with("https:p:9091 "));
        assert!(found(&[("", 443)]).starts_with("https:p:443 "));
    }
}

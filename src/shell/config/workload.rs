//! Names of workloads and of what they depend on, as the configuration writes them: `namespace/Deployment/name` and
//! `namespace/service-name`. Names that Kubernetes would refuse are refused here, with their place.

use std::fmt;

use crate::domain::cluster::Key;
use crate::domain::document::Entry;
use crate::domain::text_error::TextError;

/// A Deployment by name. Both names are valid Kubernetes names, so they are safe to show.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct WorkloadName {
    /// The namespace.
    pub namespace: String,
    /// The name of the Deployment.
    pub name: String,
}

impl WorkloadName {
    /// The same as the domain has it.
    pub fn key(&self) -> Key {
        Key::new(&self.namespace, &self.name)
    }
}

impl fmt::Display for WorkloadName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/Deployment/{}", self.namespace, self.name)
    }
}

/// What a workload calls.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Dependency {
    /// A Deployment.
    Deployment(WorkloadName),
    /// A Service, whatever stands behind it.
    Service {
        /// The namespace.
        namespace: String,
        /// The name of the Service.
        name: String,
    },
}

impl Dependency {
    /// Namespace and name, whichever of both kinds it is.
    pub fn key(&self) -> Key {
        match self {
            Self::Deployment(workload) => workload.key(),
            Self::Service { namespace, name } => Key::new(namespace, name),
        }
    }
}

impl fmt::Display for Dependency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deployment(workload) => workload.fmt(f),
            Self::Service { namespace, name } => write!(f, "{namespace}/{name}"),
        }
    }
}

const WORKLOAD: &str = "\"namespace/Deployment/name\"";

/// Reads `namespace/Deployment/name`.
pub(super) fn workload(entry: &Entry<'_>) -> Result<WorkloadName, TextError> {
    let text = entry.text()?;
    let parts: Vec<&str> = text.split('/').collect();
    let [namespace, kind, name] = parts[..] else {
        let hint = match parts[..] {
            [namespace, name] => format!("write \"{namespace}/Deployment/{name}\""),
            _ => "as in \"shop/Deployment/checkout\"".to_owned(),
        };
        return Err(entry.error(format!("\"{text}\" is no workload, expected {WORKLOAD}")).hint(hint));
    };
    if kind != "Deployment" {
        let message = format!("the kind is \"{kind}\", expected Deployment, as in {WORKLOAD}");
        let hint = match kind.to_lowercase().as_str() {
            "deployment" | "deployments" | "deploy" => format!("write \"{namespace}/Deployment/{name}\""),
            _ => "goaround rolls back Deployments only".to_owned(),
        };
        return Err(entry.error(message).hint(hint));
    }
    check_label(entry, "namespace", namespace)?;
    check_name(entry, name)?;
    Ok(WorkloadName { namespace: namespace.to_owned(), name: name.to_owned() })
}

/// Reads `namespace/Deployment/name` or `namespace/service-name`.
pub(super) fn dependency(entry: &Entry<'_>) -> Result<Dependency, TextError> {
    let text = entry.text()?;
    let parts: Vec<&str> = text.split('/').collect();
    match parts[..] {
        [namespace, name] => {
            check_label(entry, "namespace", namespace)?;
            check_label(entry, "service", name)?;
            Ok(Dependency::Service { namespace: namespace.to_owned(), name: name.to_owned() })
        }
        [_, _, _] => workload(entry).map(Dependency::Deployment),
        _ => Err(entry.error(format!(
            "\"{text}\" is no dependency, expected {WORKLOAD} or \"namespace/service-name\""
        ))),
    }
}

/// A DNS label (RFC 1123): what namespaces and Services are called.
fn check_label(entry: &Entry<'_>, what: &str, text: &str) -> Result<(), TextError> {
    if is_label(text) {
        return Ok(());
    }
    Err(entry.error(format!(
        "the {what} \"{text}\" is no Kubernetes name, expected at most 63 of a-z, 0-9 and `-`, \
         a letter or digit at both ends"
    )))
}

/// A DNS subdomain (RFC 1123): what Deployments are called.
fn check_name(entry: &Entry<'_>, text: &str) -> Result<(), TextError> {
    // Every part of a subdomain is checked; 253 is the length of the whole.
    if text.len() <= 253 && text.split('.').all(is_label) {
        return Ok(());
    }
    Err(entry.error(format!(
        "the name \"{text}\" is no Kubernetes name, expected a-z, 0-9, `-` and `.`, a letter or digit at both ends"
    )))
}

fn is_label(text: &str) -> bool {
    let inside = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    (1..=63).contains(&text.len()) && inside && !text.starts_with('-') && !text.ends_with('-')
}

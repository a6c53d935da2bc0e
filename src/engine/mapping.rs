//! Which workload does an SLO judge? In a fixed order, the first answer counts, and the card says which it was.
//! Several answers are no answer: then nothing is proposed, and the screen says how to decide it in the config.

use std::collections::BTreeSet;

use crate::domain::clean::Clean;
use crate::domain::cluster::{Key, Service};
use crate::domain::slo::{Sli, Slo, SloId};

use super::world::World;

/// How a workload was found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum How {
    /// `[[slo]]` in the config.
    Config,
    /// Labels of its series or of its alert rule; which.
    Labels(Clean),
    /// Equality matchers of the SLI expression; which.
    Matchers(Clean),
    /// `sloth_service` is the name of one Deployment or Service.
    ServiceName(Clean),
}

impl How {
    /// The words on the card.
    pub fn words(&self) -> String {
        match self {
            Self::Config => "by the config".into(),
            Self::Labels(which) => format!("by label {which}"),
            Self::Matchers(which) => format!("by the SLI's {which}"),
            Self::ServiceName(which) => format!("by sloth_service {which}"),
        }
    }
}

/// Why no workload can be named.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Unmapped {
    /// None found.
    None,
    /// Several.
    Ambiguous(Vec<Key>),
    /// The config names one that does not exist.
    Missing(Key),
}

impl Unmapped {
    /// What to write into the config.
    pub fn words(&self, slo: &SloId) -> String {
        let how =
            format!("hint: [[slo]] id = \"{slo}\", workload = \"namespace/Deployment/name\" in the config");
        match self {
            Self::None => format!("no workload found for {slo}; {how}"),
            Self::Ambiguous(keys) => {
                let keys: Vec<String> = keys.iter().map(Key::to_string).collect();
                format!("{slo} could be {}; {how}", keys.join(" or "))
            }
            Self::Missing(key) => format!("the config maps {slo} to Deployment {key}, which does not exist"),
        }
    }
}

/// What [`workload`] looks at is another than before: the rules, or a label, were not known when it was mapped.
pub fn is_another(old: &Slo, new: &Slo) -> bool {
    old.labels != new.labels
        || old.rule_labels != new.rule_labels
        || old.service != new.service
        || old.sli != new.sli
}

/// Finds the Deployment that `slo` judges. `configured` is what the config says of this SLO.
pub fn workload(world: &World, slo: &Slo, configured: Option<&Key>) -> Result<(Key, How), Unmapped> {
    if let Some(key) = configured {
        let found = world.deployments.contains_key(key);
        return if found { Ok((key.clone(), How::Config)) } else { Err(Unmapped::Missing(key.clone())) };
    }
    let label = |name: &str| slo.labels.get(name).or_else(|| slo.rule_labels.get(name)).cloned();
    let matchers = match &slo.sli {
        Sli::Understood(sli) => sli.equality_matchers(),
        _ => Default::default(),
    };
    let matcher = |name: &str| matchers.get(name).map(Clean::new);
    let namespace = label("namespace").or_else(|| matcher("namespace"));
    let namespace = namespace.as_ref();

    let mut steps: Vec<(How, BTreeSet<Key>)> = Vec::new();
    for name in ["deployment", "workload", "service"] {
        if let Some(value) = label(name) {
            let found = if name == "service" {
                by_service(world, namespace, &value)
            } else {
                by_name(world, namespace, &value)
            };
            steps.push((How::Labels(Clean::new(format!("{name}={value}"))), found));
        }
    }
    for name in ["deployment", "service", "app", "job"] {
        if let Some(value) = matcher(name) {
            let mut found = by_name(world, namespace, &value);
            if found.is_empty() {
                found = by_service(world, namespace, &value);
            }
            if found.is_empty() && name == "app" {
                found = by_app(world, namespace, &value);
            }
            steps.push((How::Matchers(Clean::new(format!("{name}={value}"))), found));
        }
    }
    let mut named = by_name(world, namespace, &slo.service);
    if named.is_empty() {
        named = by_service(world, namespace, &slo.service);
    }
    steps.push((How::ServiceName(slo.service.clone()), named));

    for (how, found) in steps {
        match found.len() {
            0 => {}
            1 => {
                return found.into_iter().next().map(|key| (key, how)).ok_or(Unmapped::None);
            }
            _ => return Err(Unmapped::Ambiguous(found.into_iter().collect())),
        }
    }
    Err(Unmapped::None)
}

fn in_namespace(namespace: Option<&Clean>, key: &Key) -> bool {
    namespace.is_none_or(|n| *n == key.namespace)
}

fn by_name(world: &World, namespace: Option<&Clean>, name: &Clean) -> BTreeSet<Key> {
    world.deployments.keys().filter(|k| k.name == *name && in_namespace(namespace, k)).cloned().collect()
}

fn by_app(world: &World, namespace: Option<&Clean>, app: &Clean) -> BTreeSet<Key> {
    let has = |labels: &std::collections::BTreeMap<Clean, Clean>| {
        ["app", "app.kubernetes.io/name"].iter().any(|label| labels.get(*label) == Some(app))
    };
    world
        .deployments
        .values()
        .filter(|d| in_namespace(namespace, &d.meta.key) && has(&d.template.labels))
        .map(|d| d.meta.key.clone())
        .collect()
}

/// The Deployments whose pods the Service of this name selects.
fn by_service(world: &World, namespace: Option<&Clean>, name: &Clean) -> BTreeSet<Key> {
    let services: Vec<&Service> =
        world.services.values().filter(|s| s.key.name == *name && in_namespace(namespace, &s.key)).collect();
    services.into_iter().flat_map(|service| behind(world, service)).collect()
}

/// The Deployments behind a Service.
pub fn behind(world: &World, service: &Service) -> BTreeSet<Key> {
    world
        .deployments
        .values()
        .filter(|d| d.meta.key.namespace == service.key.namespace && service.selects(&d.template.labels))
        .map(|d| d.meta.key.clone())
        .collect()
}

/// The Deployments that `workload` calls: `depends_on` of the config, then DNS names of Services in the texts of its
/// template and in the ConfigMaps that the template refers to.
pub fn callees(world: &World, workload: &Key, depends_on: &[Key]) -> BTreeSet<Key> {
    let mut found: BTreeSet<Key> = BTreeSet::new();
    for key in depends_on {
        match world.services.get(key) {
            Some(service) if !world.deployments.contains_key(key) => found.extend(behind(world, service)),
            _ => {
                found.insert(key.clone());
            }
        }
    }
    let Some(deployment) = world.deployments.get(workload) else {
        return found;
    };
    let mut texts: Vec<String> = deployment.template.texts.iter().map(Clean::to_string).collect();
    for reference in &deployment.template.references {
        let key = Key { namespace: workload.namespace.clone(), name: reference.name.clone() };
        if let Some(Some(content)) = world.contents.get(&key) {
            let data = content.data.value();
            texts.extend(
                data.as_object().into_iter().flatten().filter_map(|(_, v)| v.as_str().map(str::to_owned)),
            );
        }
    }
    for service in world.services.values() {
        if texts.iter().any(|text| names(text, &service.key, &workload.namespace)) {
            found.extend(behind(world, service));
        }
    }
    found.remove(workload);
    found
}

/// Does `text` contain the DNS name of this Service as a whole name, as a pod in `from` would write it? A bare name
/// counts only as the host of a URL: as a plain word it may mean anything.
fn names(text: &str, service: &Key, from: &Clean) -> bool {
    let (name, namespace) = (service.name.as_str(), service.namespace.as_str());
    let qualified = format!("{name}.{namespace}");
    let bare = format!("//{name}");
    whole(text, &qualified) || (from == namespace && whole(text, &bare))
}

fn whole(text: &str, needle: &str) -> bool {
    let part_of_name = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    text.match_indices(needle).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + needle.len()..].chars().next();
        let starts = needle.starts_with('/') || before.is_none_or(|c| !part_of_name(c) && c != '.');
        let rest = &text[at + needle.len()..];
        let ends = after.is_none_or(|c| !part_of_name(c))
            && (!rest.starts_with('.') || rest.starts_with(".svc") || needle.contains('.'));
        starts && ends
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_recognised_by_its_whole_dns_name_only() {
        let reporting = Key::new("demo", "reporting");
        let here = Clean::new("demo");
        let elsewhere = Clean::new("other");
        for (text, from, expected) in [
            ("http://reporting.demo.svc/api", &elsewhere, true),
            ("http://reporting.demo:8080", &elsewhere, true),
            ("reporting.demo.svc.cluster.local", &elsewhere, true),
            ("http://reporting/api", &here, true),
            ("http://reporting/api", &elsewhere, false),
            ("http://reporting-v2.demo.svc", &here, false),
            ("http://x-reporting.demo.svc", &here, false),
            ("reporting", &here, false),
            ("http://reporting.other.svc/", &here, false),
        ] {
            assert_eq!(names(text, &reporting, from), expected, "{text}");
        }
    }
}

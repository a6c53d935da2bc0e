//! What operators tell one another through the cluster: who is deciding (a Lease, a courtesy that holds nobody up), and
//! who approved what (a ConfigMap, where a quorum is wanted). A notice is no action: it names no Deployment's path, and
//! nothing that is made of it can reach one.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::Time;
use super::clean::Clean;
use super::cluster::{ContentDigest, Key};
use crate::sabotage::{self, Design};

/// Label of every notice; its value is the kind.
pub const NOTICE: &str = "goaround.dev/notice";
/// Annotation of a Lease: the name of the Deployment, which can be longer than a label's value.
pub const WORKLOAD: &str = "goaround.dev/workload";
/// Annotation of a Lease: what its holder does.
pub const DOING: &str = "goaround.dev/doing";
/// A Lease that was not renewed for this long has lapsed, in seconds.
pub const LEASE: u64 = 45;
/// How far the clocks of two hosts may differ before a Lease that is held looks lapsed.
const CLOCKS: TimeDelta = TimeDelta::seconds(60);
/// Longest name that is taken of a workload: an object's name has 253 characters at most.
const LONGEST: usize = 200;

/// What the gate itself writes, beside approved actions and never instead of one.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Notice {
    /// Who is deciding, or acts.
    Lease(Lease),
    /// What one person says to a plan.
    Ruling(Ruling),
}

/// What the holder of a Lease does.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum Doing {
    /// A card is armed, edited or being rejected.
    #[default]
    Deciding,
    /// An approved action goes on: it is sent, rolls out or is verified.
    Acting,
    /// Neither any more: the Lease is let go.
    Nothing,
}

impl Doing {
    /// As it stands in the annotation.
    pub fn word(self) -> &'static str {
        match self {
            Self::Deciding => "deciding",
            Self::Acting => "acting",
            Self::Nothing => "nothing",
        }
    }

    /// From the annotation; what is not known is deciding, which is the least.
    pub fn of(word: &str) -> Self {
        match word {
            "acting" => Self::Acting,
            "nothing" => Self::Nothing,
            _ => Self::Deciding,
        }
    }
}

/// That somebody is deciding about a workload.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Lease {
    /// The Deployment.
    pub workload: Key,
    /// Who, as the API server names them; empty: nobody any more.
    pub holder: Clean,
    /// What they do.
    pub doing: Doing,
    /// Since when.
    pub since: Time,
    /// When they last said so.
    pub renewed: Time,
    /// How long that holds, in seconds.
    pub seconds: u64,
}

impl Lease {
    /// Name of the object: one for each workload and person, so that nobody takes another's.
    pub fn name(workload: &Key, holder: &Clean) -> String {
        let name: String = workload.name.as_str().chars().take(LONGEST).collect();
        format!("goaround-{name}-{}", person(holder))
    }

    /// It is held at `now`, having first been seen like this at `seen`. Clocks of two hosts differ, so it is this host's
    /// clock since then that counts, unless the Lease is clearly an old one.
    pub fn held(&self, seen: Time, now: Time) -> bool {
        let holds = TimeDelta::seconds(i64::try_from(self.seconds.min(3_600)).unwrap_or(3_600));
        let let_go = self.holder.is_empty() || self.doing == Doing::Nothing;
        !let_go && now - seen < holds && now - self.renewed < holds + CLOCKS
    }
}

/// What a person said to a plan.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum Said {
    /// Do it.
    Approves,
    /// Do not; it wins over approvals.
    Rejects,
    /// Neither any more. What is not understood is taken for this, too.
    #[default]
    Nothing,
}

impl Said {
    /// As it stands in the object.
    pub fn word(self) -> &'static str {
        match self {
            Self::Approves => "approved",
            Self::Rejects => "rejected",
            Self::Nothing => "withdrawn",
        }
    }

    /// From the object.
    pub fn of(word: &str) -> Self {
        match word {
            "approved" => Self::Approves,
            "rejected" => Self::Rejects,
            _ => Self::Nothing,
        }
    }
}

/// What one person says to one plan, where a quorum is wanted: `goaround-approval-<digest>-<person>`. That `by` is who
/// wrote it is held by an admission policy of the cluster, which is tried before anything is counted.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Ruling {
    /// The Deployment.
    pub workload: Key,
    /// Digest of the plan.
    pub digest: ContentDigest,
    /// Who, as the API server names them.
    pub by: Clean,
    /// What.
    pub said: Said,
    /// When, by the clock of whoever said it.
    pub at: Time,
    /// Void from then on.
    pub expires: Time,
    /// What fixes the times that are under the digest: whoever wants the same plan plans with it.
    pub planned: Time,
}

impl Ruling {
    /// Who is counted: a person is one person, from however many shells and by however many kubeconfigs.
    pub fn person(&self) -> Clean {
        if sabotage::is(Design::QuorumByKubeconfig) {
            return Clean::new(format!("{} {}", self.by, self.at));
        }
        self.by.clone()
    }

    /// Name of the object: one for each plan and person.
    pub fn name(&self) -> String {
        format!("goaround-approval-{}-{}", self.digest.short(), person(&self.person()))
    }
}

/// A name that the API server gives to programs and to nobody: such a one is not counted, and may be impersonated by
/// people who are.
pub fn nobody(user: &Clean) -> bool {
    let user = user.as_str();
    user.is_empty()
        || ["system:serviceaccount:", "system:node:", "system:anonymous"].iter().any(|p| user.starts_with(p))
}

/// Eight digits of a person's name: names hold characters that names of objects may not.
fn person(name: &Clean) -> String {
    ContentDigest::of_bytes(name.as_str().as_bytes()).0.chars().take(8).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(clock: &str) -> Time {
        format!("2026-11-20T{clock}Z").parse().expect("a time")
    }

    fn lease() -> Lease {
        Lease {
            workload: Key::new("shop", "api"),
            holder: "ana".into(),
            doing: Doing::Deciding,
            since: at("12:00:00"),
            renewed: at("12:00:30"),
            seconds: LEASE,
        }
    }

    #[test]
    fn two_people_have_two_leases_on_one_workload_and_one_person_has_one() {
        let (api, web) = (Key::new("shop", "api"), Key::new("shop", "web"));
        let name = Lease::name(&api, &"ana".into());
        assert!(name.starts_with("goaround-api-") && name.len() == "goaround-api-".len() + 8, "{name}");
        assert_eq!(name, Lease::name(&api, &"ana".into()));
        assert_ne!(name, Lease::name(&api, &"system:serviceaccount:a:b".into()));
        assert_ne!(name, Lease::name(&web, &"ana".into()));
        let long = Key::new("shop", "a".repeat(253));
        assert!(Lease::name(&long, &"ana".into()).len() <= 253);
    }

    #[test]
    fn one_person_has_one_ruling_on_a_plan_and_programs_are_nobody() {
        let ruling = |by: &str, digest: &str| Ruling {
            by: by.into(),
            digest: ContentDigest::of_bytes(digest.as_bytes()),
            ..Ruling::default()
        };
        assert_eq!(ruling("ana", "1").name(), Ruling { at: at("12:00:00"), ..ruling("ana", "1") }.name());
        assert_ne!(ruling("ana", "1").name(), ruling("ben", "1").name());
        assert_ne!(ruling("ana", "1").name(), ruling("ana", "2").name());
        assert!(ruling("ana", "1").name().starts_with("goaround-approval-6b86b273ff34-"));
        assert!(nobody(&"system:serviceaccount:shop:default".into()) && nobody(&Clean::default()));
        assert!(!nobody(&"system:admin".into()) && !nobody(&"ana@example.com".into()));
    }

    #[test]
    fn a_lease_lapses_by_the_clock_of_who_looks_and_an_old_one_was_never_held() {
        let seen = at("12:00:31");
        assert!(lease().held(seen, at("12:00:32")));
        assert!(!lease().held(seen, at("12:01:16")), "nothing was heard for 45 s");
        assert!(lease().held(at("12:01:20"), at("12:01:21")), "a host whose clock is behind by 50 s");
        assert!(!lease().held(at("13:00:00"), at("13:00:01")), "left behind an hour ago");
        assert!(!Lease { doing: Doing::Nothing, ..lease() }.held(seen, seen));
        assert!(!Lease { holder: Clean::default(), ..lease() }.held(seen, seen));
    }
}

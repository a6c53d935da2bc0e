//! The fixed words of a decision: verdicts, gates and their states, what is offered, how an action ended.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::clean::Clean;

/// What burns the budget, decided by counts and times alone.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum Verdict {
    /// The template changed, in whatever way, and the errors began with it.
    BadDeploy,
    /// The template is equal but for a restart; content that it refers to changed.
    ConfigChange,
    /// A service that this one calls burns too, and began to no later.
    Dependency,
    /// More traffic than before.
    Traffic,
    /// Nodes, evictions.
    Infrastructure,
    /// No new errors any more; the windows only remember.
    Recovering,
    /// The burn began before the rollout.
    Preexisting,
    /// Too few events to say anything.
    NotEnoughData,
    /// None of these.
    Unknown,
}

impl Verdict {
    /// The word, as in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::BadDeploy => "bad_deploy",
            Self::ConfigChange => "config_change",
            Self::Dependency => "dependency",
            Self::Traffic => "traffic",
            Self::Infrastructure => "infrastructure",
            Self::Recovering => "recovering",
            Self::Preexisting => "preexisting",
            Self::NotEnoughData => "not_enough_data",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// The seven gates, in the order in which they are read out.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Gate {
    /// Does the budget really burn?
    Real,
    /// Is it our change?
    Ours,
    /// Is nothing else the matter?
    OnlyUs,
    /// Did the target keep the SLO?
    TargetGood,
    /// Does the plan restore all that changed?
    Reversible,
    /// May it be done now?
    SafeNow,
    /// Is everything as it was when the card was drawn?
    StillTrue,
}

impl Gate {
    /// All seven.
    pub const ALL: [Self; 7] = [
        Self::Real,
        Self::Ours,
        Self::OnlyUs,
        Self::TargetGood,
        Self::Reversible,
        Self::SafeNow,
        Self::StillTrue,
    ];

    /// The name on the card, which a reason must contain when the gate is not `pass`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Real => "REAL",
            Self::Ours => "OURS",
            Self::OnlyUs => "ONLY US",
            Self::TargetGood => "TARGET GOOD",
            Self::Reversible => "REVERSIBLE",
            Self::SafeNow => "SAFE NOW",
            Self::StillTrue => "STILL TRUE",
        }
    }

    /// The key in JSON.
    pub fn key(self) -> &'static str {
        match self {
            Self::Real => "real",
            Self::Ours => "ours",
            Self::OnlyUs => "only_us",
            Self::TargetGood => "target_good",
            Self::Reversible => "reversible",
            Self::SafeNow => "safe_now",
            Self::StillTrue => "still_true",
        }
    }
}

/// State of a gate. `Unknown` is never `Pass`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum GateState {
    /// It holds.
    Pass,
    /// It does not.
    Fail,
    /// It cannot be said.
    Unknown,
}

impl GateState {
    /// The word, as in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Unknown => "unknown",
        }
    }
}

/// A gate as computed: its state, the sentence beside it, the evidence that it used.
#[derive(Clone, PartialEq, Debug)]
pub struct GateResult {
    /// Which one.
    pub gate: Gate,
    /// Its state.
    pub state: GateState,
    /// One line for the card.
    pub line: Clean,
    /// Ids of evidence items.
    pub evidence: Vec<String>,
}

/// What is offered.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum Offer {
    /// Roll back the template.
    Rollback,
    /// Restore the content of a ConfigMap, and restart.
    RestoreConfig,
    /// Look again later.
    Wait,
    /// Nothing that goaround could do would be a cure.
    None,
}

impl Offer {
    /// The word, as in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Rollback => "rollback",
            Self::RestoreConfig => "restore_config",
            Self::Wait => "wait",
            Self::None => "none",
        }
    }

    /// True for the two that write.
    pub fn acts(self) -> bool {
        matches!(self, Self::Rollback | Self::RestoreConfig)
    }
}

/// How the pods of a difference were told apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Method {
    /// By pod or by revision label, at the same time where both served.
    ByPod,
    /// Before against after.
    ByTime,
}

impl Method {
    /// The words on the card.
    pub fn words(self) -> &'static str {
        match self {
            Self::ByPod => "by pod",
            Self::ByTime => "by time",
        }
    }
}

/// How an action or a decision ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// The SLI is back, clearly better than in the incident.
    Helped,
    /// No clear difference.
    NotHelped,
    /// Clearly worse than in the incident.
    Worse,
    /// Somebody or something put it back; who.
    RevertedBy(Clean),
    /// Too little or too old data.
    Inconclusive(Clean),
}

impl Outcome {
    /// The word in JSON.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Helped => "helped",
            Self::NotHelped => "not_helped",
            Self::Worse => "worse",
            Self::RevertedBy(_) => "reverted",
            Self::Inconclusive(_) => "inconclusive",
        }
    }

    /// The words on the screen.
    pub fn title(&self) -> String {
        match self {
            Self::Helped => "HELPED".into(),
            Self::NotHelped => "NOT HELPED".into(),
            Self::Worse => "WORSE".into(),
            Self::RevertedBy(who) => format!("REVERTED BY {who}"),
            Self::Inconclusive(why) => format!("INCONCLUSIVE: {why}"),
        }
    }
}

/// The stages of an incident, as the pipeline strip shows them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Stage {
    /// The burn is seen.
    Detect,
    /// Facts are gathered.
    Enrich,
    /// The verdict is computed.
    Analyse,
    /// A plan is made and dry-run.
    Propose,
    /// A person decides.
    Gate,
    /// The write is sent.
    Execute,
    /// The rollout settles.
    Stabilise,
    /// The SLI tells.
    Verify,
    /// The record is complete.
    Close,
}

impl Stage {
    /// All, in order.
    pub const ALL: [Self; 9] = [
        Self::Detect,
        Self::Enrich,
        Self::Analyse,
        Self::Propose,
        Self::Gate,
        Self::Execute,
        Self::Stabilise,
        Self::Verify,
        Self::Close,
    ];

    /// The name on the strip.
    pub fn name(self) -> &'static str {
        match self {
            Self::Detect => "Detect",
            Self::Enrich => "Enrich",
            Self::Analyse => "Analyse",
            Self::Propose => "Propose",
            Self::Gate => "Gate",
            Self::Execute => "Execute",
            Self::Stabilise => "Stabilise",
            Self::Verify => "Verify",
            Self::Close => "Close",
        }
    }
}

//! The `[drill]` table of a scenario: when a person sits down in front of it, what would be right to answer, and the one
//! sentence that says why. A scenario without it is no drill.

use serde::Deserialize;

use super::{Duration, Expectation};

/// A question to a person.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Drill {
    /// How much of the run has passed when the person sits down: nobody waits for an alert.
    pub begin: Duration,
    /// What is right.
    pub answer: Answer,
    /// What decides it, in one sentence that is shown afterwards.
    pub why: String,
}

/// What can be answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Back to an earlier revision.
    RollBack,
    /// Nothing.
    DoNot,
    /// The earlier content of a ConfigMap.
    RestoreConfig,
}

impl Answer {
    /// The offer that leads to it.
    fn offers(self) -> &'static [&'static str] {
        match self {
            Self::RollBack => &["rollback"],
            Self::DoNot => &["wait", "none"],
            Self::RestoreConfig => &["restore_config"],
        }
    }
}

impl Drill {
    /// What does not fit together.
    pub(super) fn nonsense(&self, expect: &Expectation) -> Option<String> {
        if self.why.trim().is_empty() {
            return Some("the drill does not say why".to_owned());
        }
        match expect.offer.as_deref() {
            Some(offer) if self.answer.offers().contains(&offer) => None,
            Some(offer) => Some(format!("the right answer of the drill does not fit the offer `{offer}`")),
            None => Some("a drill needs the `offer` in [expect]".to_owned()),
        }
    }
}

//! The `[model]` table of a scenario: how the imitated language model calls itself, how fast it speaks, and in which
//! ways it lies, dissents or breaks. Without the table it is honest.

use serde::Deserialize;

use super::Duration;

/// The imitated language model.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Model {
    /// How it calls itself; short, since it labels what it says on the card.
    pub name: String,
    /// What it gets wrong on purpose; each changes one sentence, where there is one that it can change.
    pub lies: Vec<Lie>,
    /// The cause that it believes in, whatever was computed.
    pub dissents: Option<Cause>,
    /// How fast it speaks, in world time; a token is about four characters.
    pub tokens_per_second: f64,
    /// How long it thinks before it speaks, in world time.
    pub first_word: Duration,
    /// How it fails instead of answering.
    pub error: Option<Failure>,
}

impl Default for Model {
    fn default() -> Self {
        Self {
            name: "imitation".to_owned(),
            lies: Vec::new(),
            dissents: None,
            tokens_per_second: 80.0,
            first_word: Duration(400),
            error: None,
        }
    }
}

impl Model {
    /// What does not fit together.
    pub(super) fn nonsense(&self) -> Option<String> {
        if self.name.trim().is_empty() {
            return Some("the model has no name".to_owned());
        }
        let speaks = self.tokens_per_second.is_finite() && self.tokens_per_second >= 0.1;
        (!speaks).then(|| "tokens_per_second of the model must be at least 0.1".to_owned())
    }
}

/// One way of being wrong about evidence.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lie {
    /// A value is wrong by a factor of ten.
    Value,
    /// A number is said of another window.
    Window,
    /// What rose fell.
    Direction,
    /// Another revision.
    Revision,
    /// An item is cited that does not exist; left out when the answer is asked for again.
    Citation,
}

/// A cause, by its word.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// `bad_deploy`
    BadDeploy,
    /// `config_change`
    ConfigChange,
    /// `dependency`
    Dependency,
    /// `traffic`
    Traffic,
    /// `infrastructure`
    Infrastructure,
    /// `recovering`
    Recovering,
    /// `preexisting`
    Preexisting,
    /// `not_enough_data`
    NotEnoughData,
    /// `unknown`
    Unknown,
}

impl Cause {
    /// All.
    pub const ALL: [Self; 9] = [
        Self::BadDeploy,
        Self::ConfigChange,
        Self::Dependency,
        Self::Traffic,
        Self::Infrastructure,
        Self::Recovering,
        Self::Preexisting,
        Self::NotEnoughData,
        Self::Unknown,
    ];

    /// The word.
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

/// A way in which the endpoint fails.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
pub enum Failure {
    /// The key is refused.
    #[serde(rename = "401")]
    Unauthorized,
    /// Too many requests.
    #[serde(rename = "429")]
    TooMany,
    /// The model is still being loaded.
    #[serde(rename = "503")]
    Loading,
    /// 200 and the page of a proxy that wants a login.
    #[serde(rename = "html")]
    Html,
    /// An answer without a word.
    #[serde(rename = "empty")]
    Empty,
    /// It begins, and says nothing more, for as long as the world lasts.
    #[serde(rename = "hang")]
    Hang,
    /// The connection breaks in the middle of the answer.
    #[serde(rename = "cut")]
    Cut,
}

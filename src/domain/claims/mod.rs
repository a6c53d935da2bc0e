//! The claim checker: every number, name, time, direction, comparison and citation in a sentence is looked up in the
//! evidence that the sentence cites, and marked. It computes nothing new, believes nothing that is not cited, and never
//! rewrites a sentence.
//!
//! `Item`s and `Sentence`s in, `Claim`s out; what is no claim ("roll back", "this suggests") is not mentioned.

mod amount;
mod attribute;
mod check;
mod direction;
mod extract;
mod facts;
mod identity;
mod item;
mod motion;
mod names;
mod number;
mod order;
mod place;
mod quantity;
mod token;
mod words;

use std::ops::Range;

use serde::{Deserialize, Serialize};

pub use check::{LONGEST_SENTENCE, MOST_SENTENCES, check};
pub use item::{Given, Item, Sentence};

/// What the cited evidence says of a claim.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Mark {
    /// A cited item says so.
    Confirmed,
    /// A cited item speaks of the same thing and says otherwise.
    Contradicted {
        /// What it says, as the screen writes it, where that is one value.
        truth: Option<String>,
    },
    /// Nothing that the sentence cites speaks of it, or another item does that is not cited.
    NotFound,
}

impl Mark {
    /// The word for it: `confirmed`, `contradicted`, `not_found`.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::Contradicted { .. } => "contradicted",
            Self::NotFound => "not_found",
        }
    }
}

/// One claim of a sentence, marked.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Claim {
    /// Index of the sentence.
    pub sentence: usize,
    /// Where it stands in the sentence, bytes; empty for an id that is cited beside the text.
    pub span: Range<usize>,
    /// Its words.
    pub text: String,
    /// What the evidence says.
    pub mark: Mark,
}

//! A sentence of a model with its claims marked: what is confirmed stands out, what is contradicted is struck through
//! with the true value behind it, what the evidence does not tell has a question mark. Never told by style alone.

use ratatui::style::Modifier;

use crate::domain::advice::Said;
use crate::domain::claims::Mark;
use crate::domain::clean::Clean;
use crate::ui::look::{Look, bold};

use super::words::Words;

/// Words that were not looked up yet, or never will be.
pub fn unchecked(look: &Look, said: &Said) -> Words {
    Words::of(look.dim(), said.text.as_str())
}

/// Behind what the evidence does not tell.
pub const NOT_FOUND: &str = "(?)";

/// The words of `said`, then the ids that it cites.
pub fn words(look: &Look, said: &Said) -> Words {
    let text = said.text.as_str();
    let mut claims: Vec<_> = said.claims.iter().filter(|c| !c.span.is_empty()).collect();
    claims.sort_by_key(|c| (c.span.start, c.span.end));
    let mut words = Words::new();
    let mut at = 0;
    for claim in claims {
        let span = claim.span.clone();
        // Claims may overlap ("rose to 20 %"): what was drawn keeps its mark.
        let (Some(before), Some(claimed)) = (text.get(at..span.start), text.get(span.clone())) else {
            continue;
        };
        words.push(look.text(), before);
        match &claim.mark {
            Mark::Confirmed => words.push(look.confirmed(), claimed),
            Mark::Contradicted { truth } => {
                words.push(look.bad().add_modifier(Modifier::CROSSED_OUT), claimed);
                let truth =
                    truth.as_ref().map_or(" (wrong)".to_owned(), |t| format!(" (is {})", Clean::new(t)));
                words.push(bold(look.attention()), truth);
            }
            Mark::NotFound => {
                words.push(look.attention(), claimed);
                words.push(look.attention(), NOT_FOUND);
            }
        }
        at = span.end;
    }
    words.push(look.text(), text.get(at..).unwrap_or_default());
    cited(look, said, &mut words);
    words
}

/// Cited ids that the sentence does not name itself, each with its mark.
fn cited(look: &Look, said: &Said, words: &mut Words) {
    let beside: Vec<&String> =
        said.evidence.iter().filter(|id| !said.text.as_str().contains(id.as_str())).collect();
    if beside.is_empty() {
        return;
    }
    words.push(look.dim(), " [");
    for (n, id) in beside.iter().enumerate() {
        if n > 0 {
            words.push(look.dim(), " ");
        }
        let invented =
            said.claims.iter().any(|c| c.span.is_empty() && c.text == **id && c.mark != Mark::Confirmed);
        words.push(look.dim(), Clean::new(id).as_str());
        if invented {
            words.push(look.attention(), NOT_FOUND);
        }
    }
    words.push(look.dim(), "]");
}

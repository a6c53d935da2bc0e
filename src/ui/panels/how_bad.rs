//! How bad it is and what waiting costs, in sentences: nobody multiplies at night.

use crate::domain::format;
use crate::domain::slo::Slo;
use crate::domain::statistics::Counts;
use crate::domain::value::Value;
use crate::domain::verdict::Verdict;
use crate::engine::analysis::Analysis;
use crate::engine::state::State;
use crate::ui::look::{Look, bold};
use crate::ui::widgets::words::Words;

/// The most urgent SLO of an analysis.
pub fn slo<'a>(state: &'a State, analysis: &Analysis) -> Option<&'a Slo> {
    analysis.slos.first().and_then(|id| state.world.slos.get(id))
}

/// How many failed, against what is allowed, and whether it goes on.
pub fn failed(look: &Look, state: &State, analysis: &Analysis) -> Words {
    let Some(slo) = slo(state, analysis) else {
        return Words::of(look.dim(), "No SLO judges this workload: nothing is measured.");
    };
    let Some(onset) = &analysis.attribution.onset else {
        let words = match analysis.verdict() {
            Verdict::Recovering => "No errors stand out in the counts.",
            Verdict::NotEnoughData => "Too few requests to tell.",
            _ => "No counts: the SLI cannot be split, or no data came.",
        };
        return Words::of(look.text(), words);
    };
    let during = onset.during;
    // Increases are no whole numbers: "5,780 of 5,780" is 100 %, whatever their fractions say.
    let whole = Counts::new(during.bad.round(), during.total.round());
    let mut words = Words::of(bold(look.bad()), format::bad_of(during.bad, during.total))
        .and(look.text(), format!(" failed since {}, ", format::minute(onset.began)))
        .and(look.strong(), whole.ratio().map_or("no traffic".into(), format::percent));
    if let Some(budget) = slo.budget() {
        words.push(look.text(), format!(" ({} allowed)", format::percent(budget)));
    }
    let going = match onset.ended {
        Some(ended) => Words::of(look.good(), format!("   over since {}", format::minute(ended))),
        None => Words::of(look.bad(), "   not recovering"),
    };
    words.append(going);
    words
}

/// What it has cost and what a minute more costs, as shares of the budget; what is left, and for how long.
pub fn cost(look: &Look, state: &State, analysis: &Analysis) -> Words {
    let Some(slo) = slo(state, analysis) else {
        return Words::new();
    };
    let cost = &analysis.cost;
    let over = analysis.attribution.onset.as_ref().is_none_or(|o| o.ended.is_some());
    let mut text = match (cost.share, cost.share_per_minute) {
        (Some(share), Some(minute)) if !over => {
            let (share, minute) = (format::percent(share), format::percent(minute));
            format!("So far {share} of the budget, a minute more {minute}. ")
        }
        (Some(share), _) => format!("It cost {} of the budget. ", format::percent(share)),
        (None, _) if slo.remaining.number().is_some_and(|left| left >= 0.0) => "Budget: ".into(),
        (None, _) => String::new(),
    };
    text.push_str(&match (slo.remaining, cost.gone_in) {
        (Value::Number(left), _) if left < 0.0 => format!("Budget {}.", format::remaining(slo.remaining)),
        (Value::Number(_), Some((_, fast))) if !over => {
            format!("{} left, gone in {}.", format::remaining(slo.remaining), format::span(fast))
        }
        (Value::Number(_), _) => format!("{} left.", format::remaining(slo.remaining)),
        (other, _) => format!("Budget: {}.", format::percent_value(other)),
    });
    Words::of(look.text(), text)
}

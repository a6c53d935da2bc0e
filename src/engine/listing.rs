//! The list of the main screen in its order, kept in the state and made anew only when something that it is made of
//! has changed: a frame touches the rows that it shows and no others. Also kept here: what a row must know of all the
//! others, and the timeline of the selected workload. It holds copies of facts, never a decision.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::domain::clean::Clean;
use crate::domain::cluster::Key;
use crate::domain::slo::{Slo, SloId};
use crate::domain::window::Window;

use super::filter::Filter;
use super::revisions::RevisionRow;
use super::state::State;
use super::view::{self, Row};

/// What comes and goes in quick succession makes a new list at most this often.
const CALM: Duration = Duration::from_millis(100);

/// How many SLOs are not well.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Tally {
    /// A page fires.
    pub paging: usize,
    /// A ticket fires, the budget is gone, or it burns faster than it may.
    pub at_risk: usize,
    /// Nobody knows.
    pub unknown: usize,
}

/// The list.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Listing {
    /// The rows that pass the filter, most urgent first.
    rows: Vec<Row>,
    /// Places in `rows`, in the order of the rows' identities: to find one by identity.
    places: Vec<u32>,
    /// SLOs of each service.
    services: BTreeMap<Clean, u32>,
    /// Deployments of each name.
    names: BTreeMap<Clean, u32>,
    /// The first SLO of each workload that one judges.
    judged: BTreeMap<Key, SloId>,
    tally: Tally,
    period: Option<Window>,
    /// How many rows there would be without the filter.
    unfiltered: usize,
    /// The filter that it was made with.
    filter: String,
    stale: bool,
    made: Option<Duration>,
    /// How often it was made: for tests, which count work instead of timing it.
    renewals: u64,
    timeline: Option<(Key, Vec<RevisionRow>)>,
}

impl Listing {
    /// All rows, in order.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Where a row stands; `None` when it is not in the list.
    pub fn place(&self, row: &Row) -> Option<usize> {
        let found = self.places.binary_search_by(|at| self.rows[*at as usize].cmp(row)).ok()?;
        Some(self.places[found] as usize)
    }

    /// The service has more than one SLO: a row needs the SLO's name as well.
    pub fn several(&self, service: &Clean) -> bool {
        self.services.get(service).is_some_and(|n| *n > 1)
    }

    /// More than one Deployment has this name: a row needs the namespace as well.
    pub fn shares_name(&self, workload: &Key) -> bool {
        self.names.get(&workload.name).is_some_and(|n| *n > 1)
    }

    /// The first SLO that judges this workload.
    pub fn slo_of(&self, workload: &Key) -> Option<&SloId> {
        self.judged.get(workload)
    }

    /// How many SLOs are not well.
    pub fn tally(&self) -> Tally {
        self.tally
    }

    /// The period of the budgets.
    pub fn period(&self) -> Option<Window> {
        self.period
    }

    /// How many rows there would be without a filter.
    pub fn unfiltered(&self) -> usize {
        self.unfiltered
    }

    /// The timeline that is kept, if it is this workload's.
    pub fn timeline(&self, workload: &Key) -> Option<&[RevisionRow]> {
        self.timeline.as_ref().filter(|(key, _)| key == workload).map(|(_, rows)| rows.as_slice())
    }

    /// How often the list was made anew.
    pub fn renewals(&self) -> u64 {
        self.renewals
    }

    /// Something that it is made of has changed; seen with the next event, or after a pause where much changes.
    pub fn outdated(&mut self) {
        self.stale = true;
    }

    /// The same, and somebody looks: it is made anew with this event.
    pub fn outdated_now(&mut self) {
        self.stale = true;
        self.made = None;
    }
}

/// Before a command, which must act on what is there.
pub fn before_command(state: &mut State) {
    if state.listing.stale {
        relist(state);
    }
}

/// After an event: the list where it is outdated, the timeline where the selection moved or a review has looked.
pub fn keep(state: &mut State, reviewed: bool) {
    let listing = &state.listing;
    let calm = listing.made.is_none_or(|made| state.mono.saturating_sub(made) >= CALM);
    let relisted = listing.filter != state.view.filter || (listing.stale && calm);
    if relisted {
        relist(state);
    }
    let of = state.listing.timeline.as_ref().map(|(key, _)| key);
    let wanted = view::selected_key(state).filter(|key| !view::analysed(state, key));
    if of != wanted || reviewed || relisted {
        let timeline = wanted.map(|key| (key.clone(), view::told_timeline(state, key)));
        state.listing.timeline = timeline;
    }
}

fn relist(state: &mut State) {
    let mut new = Listing { made: Some(state.mono), filter: state.view.filter.clone(), ..Listing::default() };
    let filter = Filter::parse(&state.view.filter);
    let judged: BTreeSet<&Key> = state.mapped.values().flatten().map(|(key, _)| key).collect();
    let mut slos: Vec<(&Slo, (u8, i64))> = Vec::with_capacity(state.world.slos.len());
    new.unfiltered = state.world.slos.len();
    for slo in state.world.slos.values() {
        *new.services.entry(slo.service.clone()).or_insert(0) += 1;
        match view::state_word(slo) {
            "paging" => new.tally.paging += 1,
            "ticket" | "exhausted" | "at risk" => new.tally.at_risk += 1,
            "unknown" => new.tally.unknown += 1,
            _ => {}
        }
        new.period = new.period.or(slo.period);
        if view::admits(&filter, state, slo) {
            slos.push((slo, view::urgency(slo)));
        }
    }
    slos.sort_by(|(a, ua), (b, ub)| ua.cmp(ub).then_with(|| a.id.cmp(&b.id)));
    new.rows = slos.into_iter().map(|(slo, _)| Row::Slo(slo.id.clone())).collect();
    for key in state.world.deployments.keys() {
        *new.names.entry(key.name.clone()).or_insert(0) += 1;
        if judged.contains(key) {
            continue;
        }
        new.unfiltered += 1;
        if view::admits_workload(&filter, key) {
            new.rows.push(Row::Workload(key.clone()));
        }
    }
    for (id, found) in &state.mapped {
        if let Ok((key, _)) = found {
            new.judged.entry(key.clone()).or_insert_with(|| id.clone());
        }
    }
    new.places = (0..new.rows.len() as u32).collect();
    new.places.sort_by(|a, b| new.rows[*a as usize].cmp(&new.rows[*b as usize]));
    new.renewals = state.listing.renewals + 1;
    new.timeline = state.listing.timeline.take();
    state.listing = new;
}

//! SLOs that a file declares and no rule records: their expressions are evaluated here, many joined in one request.
//! When the server refuses a request, it is halved until the faulty expression stands alone and harms nobody else.

use std::collections::{BTreeMap, BTreeSet};

use super::answer::{Labels, Series};
use super::known::{Kept, refresh};
use crate::domain::Time;
use crate::domain::clean::Clean;
use crate::domain::sloth::Declared;
use crate::domain::value::Value;
use crate::domain::window::Window;

/// SLOs evaluated at the most; each costs the server as much as its rules would.
pub const MOST: usize = 20;
/// The label by which the rows of joined expressions are told apart.
const MARK: &str = "goaround_slo";
/// Windows asked for in every cycle.
const ALWAYS: [Window; 2] = [Window::minutes(5), Window::hours(1)];
/// Windows asked for now and then; those of one line are one request.
const LATER: [[Window; 3]; 2] =
    [[Window::minutes(30), Window::hours(2), Window::hours(6)], [Window::days(1), Window::days(3), PERIOD]];
/// The period of a declared SLO.
pub(super) const PERIOD: Window = Window::days(30);

/// A declared SLO and what was answered about it.
pub(super) struct Member {
    /// The file.
    pub file: Clean,
    /// What it declares.
    pub slo: Declared,
    /// Readings by group and window.
    pub ratios: BTreeMap<(Labels, Window), Kept>,
    /// Labels by which its groups differ; see `known`.
    pub varying: BTreeSet<String>,
    /// What the server said against its expression.
    pub refused: Option<Clean>,
}

/// A group of an SLO, its error ratio, and when.
type Row = (Labels, Value, Time);

struct Batch {
    /// SLO and window.
    items: Vec<(usize, Window)>,
    /// It belongs to every cycle.
    always: bool,
    /// It holds one SLO that the server refuses.
    aside: bool,
}

/// All declared SLOs.
#[derive(Default)]
pub(super) struct DeclaredSlos {
    pub members: Vec<Member>,
    batches: BTreeMap<u32, Batch>,
    /// Those that are evaluated.
    evaluated: Vec<usize>,
    next: u32,
    /// A request was refused, and what is at fault is being looked for.
    pub halved: bool,
}

impl DeclaredSlos {
    pub fn new(declared: Vec<(Clean, Declared)>) -> Self {
        let mut seen = BTreeSet::new();
        let members =
            declared.into_iter().filter(|(_, slo)| seen.insert(slo.id.clone())).map(|(file, slo)| Member {
                file,
                slo,
                ratios: BTreeMap::new(),
                varying: BTreeSet::new(),
                refused: None,
            });
        Self { members: members.collect(), ..Self::default() }
    }

    /// Takes note of which SLOs are recorded: these are not evaluated here.
    pub fn without(&mut self, is_recorded: impl Fn(&Clean) -> bool) {
        let members = self.members.iter().enumerate();
        let evaluated: Vec<usize> =
            members.filter(|(_, member)| !is_recorded(&member.slo.id)).map(|(n, _)| n).take(MOST).collect();
        if evaluated == self.evaluated {
            return;
        }
        self.batches.clear();
        self.evaluated = evaluated;
        self.add(&ALWAYS, true);
        for windows in &LATER {
            self.add(windows, false);
        }
    }

    fn add(&mut self, windows: &[Window], always: bool) {
        // By SLO, so that halves part one SLO from another before they part windows.
        let of = |n: &usize| windows.iter().map(|window| (*n, *window)).collect::<Vec<_>>();
        let items = self.evaluated.iter().flat_map(of).collect();
        self.insert(items, always);
    }

    /// What was halved to find a faulty expression is one request again.
    fn join(&mut self) {
        let halves: Vec<u32> = self.batches.iter().filter(|(_, b)| b.always).map(|(n, _)| *n).collect();
        if halves.len() > 1 {
            let parts = halves.into_iter().filter_map(|n| self.batches.remove(&n));
            let items = parts.flat_map(|batch| batch.items).collect();
            self.insert(items, true);
        }
    }

    fn insert(&mut self, items: Vec<(usize, Window)>, always: bool) {
        if !items.is_empty() {
            let batch = Batch { items, always, aside: false };
            self.batches.insert(self.next, batch);
            self.next += 1;
        }
    }

    /// SLOs beyond [`MOST`].
    pub fn too_many(&self, is_recorded: impl Fn(&Clean) -> bool) -> usize {
        let wanted = self.members.iter().filter(|m| !is_recorded(&m.slo.id)).count();
        wanted.saturating_sub(MOST)
    }

    /// Requests, and which of them belong to every cycle.
    pub fn batches(&self) -> Vec<(u32, bool)> {
        self.batches.iter().map(|(n, batch)| (*n, batch.always)).collect()
    }

    /// The query of a batch.
    pub fn promql(&self, batch: u32) -> Option<String> {
        let terms = self.batches.get(&batch)?.items.iter().filter_map(|(n, window)| {
            let expr = self.members.get(*n)?.slo.query(*window);
            // The line break ends a comment that the expression may end in.
            Some(format!("label_replace({expr}\n, \"{MARK}\", \"{n}:{window}\", \"\", \"\")"))
        });
        Some(terms.collect::<Vec<_>>().join("\nor\n"))
    }

    /// Takes an answer in.
    pub fn take(&mut self, batch: u32, series: Vec<Series>) {
        let Some(answered) = self.batches.get(&batch) else {
            return;
        };
        let aside = answered.aside;
        let mut rows: BTreeMap<(usize, Window), Vec<Row>> =
            answered.items.iter().map(|item| (*item, Vec::new())).collect();
        for mut row in series {
            let item = row.labels.remove(MARK).and_then(|mark| item(mark.as_str()));
            if let Some(rows) = item.and_then(|item| rows.get_mut(&item)) {
                row.labels.remove("__name__");
                rows.push((row.labels, row.value, row.at));
            }
        }
        for ((n, window), rows) in rows {
            if let Some(member) = self.members.get_mut(n) {
                member.refused = None;
                let rows = rows.into_iter().map(|(labels, value, at)| ((labels, window), value, at));
                refresh(&mut member.ratios, |(_, of)| *of == window, rows);
            }
        }
        if aside && let Some(back) = self.batches.remove(&batch) {
            // It answers again: it goes back to where it was.
            let (always, later) = back.items.into_iter().partition(|(_, window)| ALWAYS.contains(window));
            self.insert(always, true);
            self.insert(later, false);
            self.join();
        }
    }

    /// The server refused a batch: halves it, or lays the SLO that is at fault aside. True when it was halved.
    pub fn refused(&mut self, batch: u32, why: &Clean) -> bool {
        let Some(mut whole) = self.batches.remove(&batch) else {
            return true;
        };
        self.halved = true;
        let Some((n, _)) = whole.items.first().copied() else {
            return true;
        };
        let one = whole.items.iter().all(|(other, _)| *other == n);
        if !(one && (whole.always || whole.aside) || whole.items.len() == 1) {
            let half = whole.items.split_off(whole.items.len() / 2);
            self.insert(whole.items, whole.always);
            self.insert(half, whole.always);
            return true;
        }
        if let Some(member) = self.members.get_mut(n) {
            member.refused = Some(why.clone());
        }
        if whole.always {
            // What is refused over five minutes is refused over a month.
            for other in self.batches.values_mut() {
                let (own, others) = other.items.drain(..).partition(|(other, _)| *other == n);
                other.items = others;
                whole.items.extend::<Vec<_>>(own);
            }
            self.batches.retain(|_, batch| !batch.items.is_empty());
        }
        whole.always = false;
        whole.aside = true;
        // Under its old number, so that it is not asked anew at once.
        self.batches.insert(batch, whole);
        self.join();
        false
    }
}

/// From the mark of a row.
fn item(mark: &str) -> Option<(usize, Window)> {
    let (n, window) = mark.split_once(':')?;
    Some((n.parse().ok()?, window.parse().ok()?))
}

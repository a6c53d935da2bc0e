//! What belongs to whom, and texts that many objects share: so that a question about one workload does not look at
//! every object of the cluster, and a node's name is in memory once. It is derived from the facts and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::clean::Clean;
use crate::domain::cluster::Uid;

/// Objects by their owner.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Owners(BTreeMap<Uid, BTreeSet<Uid>>);

impl Owners {
    /// Of these pairs of owner and owned.
    pub fn of(pairs: impl Iterator<Item = (Uid, Uid)>) -> Self {
        let mut new = Self::default();
        pairs.for_each(|(owner, owned)| new.add(owner, owned));
        new
    }

    /// `owned` belongs to `owner`.
    pub fn add(&mut self, owner: Uid, owned: Uid) {
        self.0.entry(owner).or_default().insert(owned);
    }

    /// It does not any more.
    pub fn remove(&mut self, owner: &Uid, owned: &Uid) {
        if let Some(all) = self.0.get_mut(owner) {
            all.remove(owned);
            if all.is_empty() {
                self.0.remove(owner);
            }
        }
    }

    /// What belongs to `owner`, in the order of uids.
    pub fn owned(&self, owner: &Uid) -> impl Iterator<Item = &Uid> {
        self.0.get(owner).into_iter().flatten()
    }

    /// How many owners there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Nobody owns anything.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Texts that are kept once.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Shared(BTreeSet<Clean>);

impl Shared {
    /// Puts the one that is kept in the place of `text`.
    pub fn one(&mut self, text: &mut Clean) {
        match self.0.get(text.as_str()) {
            Some(kept) => *text = kept.clone(),
            None => drop(self.0.insert(text.clone())),
        }
    }

    /// Forgets all when there are more than `most`: names of nodes and ReplicaSets come and go. What is in use stays
    /// in use, and is shared anew from here on.
    pub fn bound(&mut self, most: usize) {
        if self.0.len() > most {
            self.0.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_are_the_same_are_in_memory_once() {
        let mut shared = Shared::default();
        let (mut first, mut second) = (Clean::new("node-1"), Clean::new("node-1"));
        shared.one(&mut first);
        assert!(!std::ptr::eq(first.as_str(), second.as_str()));
        shared.one(&mut second);
        assert!(std::ptr::eq(first.as_str(), second.as_str()));
        // At the bound they are kept, above it forgotten, and what is in use stays.
        shared.bound(1);
        assert_eq!(shared.0.len(), 1);
        shared.bound(0);
        assert!(shared.0.is_empty() && second == first);
    }
}

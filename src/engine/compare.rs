//! Two revisions side by side: their templates, and the contents of the ConfigMaps that they refer to, as far as it is
//! known what those held when each of them served. A content that nobody saw is said to be unknown, never guessed.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::domain::Time;
use crate::domain::clean::Clean;
use crate::domain::cluster::{ConfigVersion, Json, Key, KnownFrom, RefKind, Referenced, ReplicaSet, Uid};
use crate::domain::format;

use super::revisions::{Mark, RevisionRow};
use super::state::State;
use super::view;

/// One side of an object.
#[derive(Clone, PartialEq, Debug)]
pub enum Side {
    /// What it was, and how that is known; nothing to say of what is certain.
    Known(Value, String),
    /// It was not there, or not referred to.
    Absent,
    /// Not known, in words.
    Unknown(String),
}

/// One object on both sides.
#[derive(Clone, PartialEq, Debug)]
pub struct Object {
    /// Its kind and name.
    pub title: String,
    /// At the older revision.
    pub before: Side,
    /// At the newer one.
    pub after: Side,
}

/// The objects of two revisions of `workload`; the template first. Empty where one of them is gone.
pub fn revisions(state: &State, workload: &Key, older: &Uid, newer: &Uid) -> Vec<Object> {
    let sets = &state.world.replica_sets;
    let (Some(before), Some(after)) = (sets.get(older), sets.get(newer)) else { return Vec::new() };
    let timeline = view::timeline(state, workload);
    let template = |set: &ReplicaSet| Side::Known(set.template.json.value(), String::new());
    let mut objects = vec![Object {
        title: format!("Deployment {}, pod template", workload.name),
        before: template(before),
        after: template(after),
    }];
    let names = |set: &ReplicaSet| -> BTreeSet<Clean> {
        let references = set.template.references.iter().filter(|r| r.kind == RefKind::ConfigMap);
        references.map(|r| r.name.clone()).collect()
    };
    let (of_before, of_after) = (names(before), names(after));
    for name in of_before.union(&of_after) {
        let key = Key { namespace: workload.namespace.clone(), name: name.clone() };
        let side = |refers: bool, uid: &Uid| {
            if !refers {
                return Side::Absent;
            }
            match timeline.iter().find(|row| row.uid == *uid) {
                Some(row) => served_with(state, &key, row),
                None => Side::Unknown("when it served is not known".into()),
            }
        };
        objects.push(Object {
            title: format!("ConfigMap {name}"),
            before: side(of_before.contains(name), older),
            after: side(of_after.contains(name), newer),
        });
    }
    objects
}

/// What a ConfigMap held when a revision served last.
pub fn served_with(state: &State, key: &Key, row: &RevisionRow) -> Side {
    let moment = if row.mark == Mark::Current { Some(state.now) } else { row.served.until() };
    match moment {
        Some(moment) => content_at(state, key, moment, row.mark == Mark::Current),
        None => Side::Unknown("when it served is not known".into()),
    }
}

fn content_at(state: &State, key: &Key, moment: Time, now: bool) -> Side {
    let world = &state.world;
    let live = match world.contents.get(key) {
        None => return Side::Unknown("its content was not read yet, or may not be read".into()),
        Some(live) => live.as_ref(),
    };
    if now {
        return match live {
            Some(live) => Side::Known(shape(&live.data, &live.binary_data), String::new()),
            None => Side::Absent,
        };
    }
    let edited = world.referenced.get(&(RefKind::ConfigMap, key.clone())).and_then(Referenced::data_changed);
    if let (Some(live), Some((at, _))) = (live, &edited)
        && *at <= moment
    {
        return Side::Known(shape(&live.data, &live.binary_data), "unchanged since then".into());
    }
    let seen = world.known.get(key).into_iter().flatten().filter(|k| k.source == KnownFrom::Seen);
    let seen: Vec<((Time, Time), &ConfigVersion)> =
        seen.filter_map(|known| Some((known.seen?, &known.version))).collect();
    if let Some((_, version)) = seen.iter().find(|((first, last), _)| *first <= moment && moment <= *last) {
        return Side::Known(shape(&version.data, &version.binary_data), "as seen then".into());
    }
    let before = seen.iter().filter(|((_, last), _)| *last < moment).max_by_key(|((_, last), _)| *last);
    match before {
        Some(((_, last), version)) => Side::Known(
            shape(&version.data, &version.binary_data),
            format!("as last seen {}, not surely the same then", format::since(*last, state.now)),
        ),
        None => Side::Unknown("content at that time not known".into()),
    }
}

fn shape(data: &Json, binary: &Json) -> Value {
    match (data.value(), binary.value()) {
        (data, Value::Null) => data,
        (Value::Null, binary) => json!({"binaryData": binary}),
        (data, binary) => json!({"data": data, "binaryData": binary}),
    }
}

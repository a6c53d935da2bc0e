//! What a ConfigMap held when: its edits, as far as managedFields and earlier looks tell, and the content that was
//! served at a moment. A content that was only seen passing by is never taken for one that served.

use chrono::TimeDelta;

use crate::domain::Time;
use crate::domain::clean::Clean;
use crate::domain::cluster::{
    ConfigContent, ConfigVersion, ContentDigest, Key, KnownContent, KnownFrom, Reach, RefKind, Reference,
    Referenced,
};
use crate::domain::format;

use super::analysis::Look;

/// An edit of something that a template refers to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Edit {
    /// The reference through which it reaches pods.
    pub reference: Reference,
    /// What was edited.
    pub key: Key,
    /// It came after this: the last time that the content before it was seen.
    pub after: Time,
    /// When, at the latest.
    pub at: Time,
    /// By which client; managedFields tell of the newest edit only.
    pub client: Option<Clean>,
}

impl Edit {
    /// The last moment that the content before it was surely there.
    pub fn before(&self) -> Time {
        // managedFields tell whole seconds.
        if self.after < self.at { self.after } else { self.at - TimeDelta::seconds(1) }
    }

    /// As a person reads it: `ConfigMap api-config`.
    pub fn name(&self) -> String {
        format!("{} {}", self.reference.kind.kind(), self.key.name)
    }
}

/// An earlier content that a ConfigMap could get back, and where it is known from.
pub struct Earlier<'a> {
    /// As it is.
    pub live: &'a ConfigContent,
    /// As it was.
    pub version: ConfigVersion,
    /// Where it is known from, in words.
    pub source: String,
    /// It was there at the moment that was asked for.
    pub sure: bool,
}

/// The contents that are still to be restored, of a plan that was done in part.
pub fn still_to_restore<'a>(look: &'a Look<'_>, wanted: &[(Key, ContentDigest)]) -> Vec<Earlier<'a>> {
    let one = |(key, digest): &(Key, ContentDigest)| {
        let live = look.world.contents.get(key)?.as_ref().filter(|live| live.digest != *digest)?;
        let known = look.world.known.get(key).into_iter().flatten().map(|k| &k.version);
        let version = known.chain(live.last_applied.as_ref()).find(|version| version.digest == *digest)?;
        Some(Earlier { live, version: version.clone(), source: "as approved".into(), sure: true })
    };
    wanted.iter().filter_map(one).collect()
}

/// The edits of what `reference` names, oldest first: the newest one by managedFields, those before it by when each
/// content was first seen. What was there when anybody looked first was not edited then.
pub fn edits(look: &Look<'_>, reference: &Reference) -> Vec<Edit> {
    let key = Key { namespace: look.deployment.meta.key.namespace.clone(), name: reference.name.clone() };
    let edit = |after, at, client| Edit { reference: reference.clone(), key: key.clone(), after, at, client };
    let object = look.world.referenced.get(&(reference.kind, key.clone()));
    let mut found = Vec::new();
    if reference.kind == RefKind::ConfigMap {
        let live = look.world.contents.get(&key).and_then(|c| c.as_ref()).map(|c| &c.digest);
        let known = look.world.known.get(&key).map(Vec::as_slice).unwrap_or_default();
        let mut seen: Vec<_> = known.iter().filter_map(|k| Some((k.seen?, &k.version.digest))).collect();
        seen.sort();
        // When the live content came is known better, if it is known at all.
        let dated = object.and_then(Referenced::data_changed).is_some();
        for pair in seen.windows(2) {
            let ((_, last), ((first, _), digest)) = (pair[0].0, pair[1]);
            if !dated || Some(digest) != live {
                found.push(edit(last.min(first), first, None));
            }
        }
    }
    if let Some((at, client)) = object.and_then(Referenced::data_changed) {
        found.push(edit(at, at, Some(client)));
    }
    found.sort_by_key(|e| e.at);
    found
}

/// The moment whose content served last before these edits of one object, oldest first. Pods that read it when they
/// start never saw what came between; files that are renewed in place served what stayed for a while.
pub fn moment_before(edits: &[&Edit], look: &Look<'_>) -> Option<Time> {
    let mut rest = edits.iter().rev();
    let mut first = rest.next()?;
    let while_served = look.setup.policy.min_served.delta();
    for edit in rest {
        if edit.reference.reach == Reach::Running && first.before() - edit.at >= while_served {
            break;
        }
        first = edit;
    }
    Some(first.before())
}

/// The content of a ConfigMap at `moment`, where it is another one than now. Not known for sure: the nearest one that
/// was seen before it, else last-applied.
pub fn held_at<'a>(look: &'a Look<'_>, key: &Key, moment: Time) -> Option<Earlier<'a>> {
    let live = look.world.contents.get(key)?.as_ref()?;
    // What was seen for less, or by nobody between two looks, served too briefly to be judged.
    let unseen = look.setup.policy.min_served.delta();
    let known = look.world.known.get(key).into_iter().flatten();
    let seen_ever = known.filter(|k| k.source == KnownFrom::Seen).filter_map(|k| Some((k.seen?, k)));
    let (mut before, after): (Vec<_>, Vec<_>) = seen_ever.partition(|((first, _), _)| *first <= moment);
    before.sort_by_key(|((first, last), _)| (*last >= moment, *first));
    if let Some(((first, last), known)) = before.last()
        && *last >= moment - unseen
        && *first <= moment - unseen
    {
        // It has that content again: there is nothing to put back.
        let other = known.version.digest != live.digest;
        return other.then(|| Earlier {
            live,
            version: known.version.clone(),
            source: seen(look, *last),
            sure: true,
        });
    }
    let other = |(_, k): &&((Time, Time), &KnownContent)| k.version.digest != live.digest;
    // Seen first within the second of the edit, or by another clock: then the earliest that is not the live one.
    let nearest = before.iter().filter(other).max_by_key(|((_, last), _)| *last);
    let nearest = nearest.or_else(|| after.iter().filter(other).min_by_key(|((first, _), _)| *first));
    if let Some(((_, last), known)) = nearest {
        return Some(Earlier {
            live,
            version: known.version.clone(),
            source: seen(look, *last),
            sure: false,
        });
    }
    // A manifest may never have been applied.
    let applied = live.last_applied.as_ref().filter(|v| v.digest != live.digest)?;
    let source = "from last-applied-configuration".into();
    Some(Earlier { live, version: applied.clone(), source, sure: false })
}

fn seen(look: &Look<'_>, last: Time) -> String {
    format!("as seen at {}", format::since(last, look.now))
}

//! After an unknown outcome: was it done? Our mark says yes, wherever it stands; that it was not done is said only where
//! the objects prove it. A mark that is missing is no proof: a later rollout may have taken it away. Nor is a content that
//! is there: another action may have written the same.

use crate::domain::clean::Clean;
use crate::domain::cluster::{ConfigContent, Deployment, ReplicaSet};
use crate::domain::plan::{ACTION, ConfigBefore, is_mark_of};
use crate::engine::effect::Trace;

/// What the objects say about the action's last call, which wrote the Deployment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ReadBack {
    /// The Deployment or one of its ReplicaSets carries the action: the call was done.
    Applied,
    /// The call was not done *so far*: one that is still on its way may land, until something that it tests has changed.
    NotApplied,
    /// It may have been done or not; why nobody can tell.
    Unknown(Clean),
}

/// Looks for `action` on the Deployment as it is now (`None`: there is none) and on its ReplicaSets, to which the
/// controller copies the annotations of each rollout, and where they outlive it.
pub fn read_back(
    action: &str,
    trace: &Trace,
    deployment: Option<&Deployment>,
    replica_sets: &[ReplicaSet],
) -> ReadBack {
    let unknown = |why: &str| ReadBack::Unknown(Clean::new(why));
    let Some(deployment) = deployment else {
        return unknown("the Deployment is gone, and with it what would tell whether the write was done");
    };
    let ours = |mark: &Clean| is_mark_of(action, mark.as_str());
    if deployment.annotation(ACTION).as_ref().is_some_and(ours)
        || replica_sets.iter().filter_map(|r| r.action.as_ref()).any(ours)
    {
        return ReadBack::Applied;
    }
    if !trace.uid.0.is_empty() && deployment.meta.uid != trace.uid {
        return unknown(
            "the Deployment was re-created, and nothing is left of the one that was to be written",
        );
    }
    let unmarked = |r: &ReplicaSet| r.template.digest == trace.written && r.action.is_none();
    // The controller would have marked it, and nothing that comes later takes a mark off a ReplicaSet.
    let never_served = !trace.written.0.is_empty() && replica_sets.iter().any(unmarked);
    if deployment.template.digest == trace.left || never_served {
        return ReadBack::NotApplied;
    }
    unknown(
        "no object carries its mark, but the template is not the one that it was to replace: somebody else changed \
         it since, and the write may have been done before that",
    )
}

/// How many of the action's ConfigMaps, in order, were written; `contents`: what each is now, `None` where it is gone. One
/// that bears no mark of the action was not written where it is as it was before, and proves nothing otherwise.
///
/// # Errors
/// Why nobody can tell.
pub fn restored(action: &str, trace: &Trace, contents: &[Option<ConfigContent>]) -> Result<usize, Clean> {
    for (n, ((key, written), now)) in trace.configs.iter().zip(contents).enumerate() {
        let name = &key.name;
        let Some(now) = now else {
            let why = format!("ConfigMap {name} is gone, and with it what would tell whether it was written");
            return Err(Clean::new(why));
        };
        let mark = now.action.as_ref().map_or("", Clean::as_str);
        if is_mark_of(action, mark) {
            continue;
        }
        if trace.configs_left.get(n).is_some_and(|left| as_it_was(now, left)) {
            return Ok(n);
        }
        let by =
            mark.split_once(':').map_or("somebody else".to_owned(), |(other, _)| format!("action {other}"));
        return Err(Clean::new(if now.digest == *written {
            format!("{by} wrote ConfigMap {name}")
        } else {
            format!(
                "ConfigMap {name} is not as it was: it was changed since, maybe after it had been written"
            )
        }));
    }
    Ok(trace.configs.len())
}

/// Nobody wrote it since: what is put back in another way leaves another mark, or has another identity.
fn as_it_was(now: &ConfigContent, left: &ConfigBefore) -> bool {
    now.uid == left.uid && now.digest == left.version.digest && now.action == left.mark
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::cluster::{ConfigVersion, ContentDigest, Json, Key, Meta, Template, Uid};
    use serde_json::json;

    const ID: &str = "01JDX";

    fn digest(text: &str) -> ContentDigest {
        ContentDigest(text.into())
    }

    fn trace() -> Trace {
        Trace {
            workload: Key::new("demo", "api"),
            configs: Vec::new(),
            configs_left: Vec::new(),
            left: digest("bad"),
            uid: Uid("d".into()),
            written: digest("good"),
        }
    }

    fn deployment(template: &str, mark: Option<&str>) -> Deployment {
        let annotations = mark.map_or(json!(null), |mark| json!({ ACTION: mark }));
        let template = Template { digest: digest(template), ..Template::default() };
        let meta = Meta { uid: Uid("d".into()), ..Meta::default() };
        Deployment { meta, annotations: Json::of(&annotations), template, ..Deployment::default() }
    }

    fn set(name: &str, mark: Option<&str>) -> ReplicaSet {
        ReplicaSet {
            meta: Meta { uid: Uid(format!("rs-{name}").into()), ..Meta::default() },
            template: Template { digest: digest(name), ..Template::default() },
            action: mark.map(Clean::new),
            ..ReplicaSet::default()
        }
    }

    fn looked(deployment: Option<&Deployment>, sets: &[ReplicaSet]) -> ReadBack {
        read_back(ID, &trace(), deployment, sets)
    }

    #[test]
    fn a_mark_on_the_deployment_is_the_action_whole_or_before_the_colon_and_nothing_else() {
        let sets = [set("bad", None), set("good", None)];
        for (mark, found) in [
            ("01JDX", ReadBack::Applied),
            ("01JDX:0123456789ab", ReadBack::Applied),
            ("01JDXY:0123456789ab", ReadBack::NotApplied),
            ("01JD", ReadBack::NotApplied),
        ] {
            assert_eq!(looked(Some(&deployment("bad", Some(mark))), &sets), found, "{mark}");
        }
        let nameless = read_back("", &trace(), Some(&deployment("bad", Some(":0123"))), &sets);
        assert_eq!(nameless, ReadBack::NotApplied);
    }

    #[test]
    fn an_action_whose_mark_a_rollout_undo_took_off_the_deployment_is_found_on_its_replica_set() {
        // `kubectl rollout undo` put the bad template back, with the annotations of that revision.
        let sets = [set("bad", None), set("good", Some("01JDX:0123456789ab"))];
        assert_eq!(looked(Some(&deployment("bad", None)), &sets), ReadBack::Applied);
    }

    #[test]
    fn an_object_that_is_as_before_and_bears_no_mark_was_not_written() {
        assert_eq!(looked(Some(&deployment("bad", None)), &[set("bad", None)]), ReadBack::NotApplied);
    }

    #[test]
    fn a_revision_that_would_bear_the_mark_and_does_not_proves_that_nothing_was_written() {
        let sets = [set("bad", None), set("good", None), set("other", None)];
        assert_eq!(looked(Some(&deployment("other", None)), &sets), ReadBack::NotApplied);
        // The mark of another action may stand where ours stood.
        let sets = [set("bad", None), set("good", Some("01JOTHER:0")), set("other", None)];
        assert!(matches!(looked(Some(&deployment("other", None)), &sets), ReadBack::Unknown(_)));
    }

    #[test]
    fn what_was_changed_deleted_or_recreated_since_stays_unknown_and_says_why() {
        let says = |found: ReadBack, words: &str| match found {
            ReadBack::Unknown(why) => assert!(why.as_str().contains(words), "{why}"),
            other => panic!("{other:?}"),
        };
        says(looked(Some(&deployment("other", None)), &[set("bad", None)]), "changed it since");
        says(looked(None, &[]), "the Deployment is gone");
        // The same template under the same name.
        let again = Deployment { meta: Meta::default(), ..deployment("bad", None) };
        says(looked(Some(&again), &[set("bad", None)]), "re-created");
    }

    fn two_config_maps() -> Trace {
        let before = |name, mark: Option<&str>| ConfigBefore {
            uid: Uid("c".into()),
            mark: mark.map(Clean::new),
            version: ConfigVersion { digest: digest(name), ..ConfigVersion::default() },
            ..ConfigBefore::default()
        };
        Trace {
            configs: vec![(Key::new("demo", "a"), digest("new a")), (Key::new("demo", "b"), digest("new b"))],
            configs_left: vec![before("old a", None), before("old b", Some("01JOLD:0"))],
            ..trace()
        }
    }

    fn holds(name: &str, mark: Option<&str>) -> Option<ConfigContent> {
        Some(ConfigContent {
            uid: Uid("c".into()),
            digest: digest(name),
            action: mark.map(Clean::new),
            ..ConfigContent::default()
        })
    }

    const OURS: Option<&str> = Some("01JDX:0123456789ab");

    #[test]
    fn a_config_map_that_bears_the_mark_was_written_whatever_it_holds_now() {
        let looked = |a, b| restored(ID, &two_config_maps(), &[a, b]);
        let (old_a, old_b) = (holds("old a", None), holds("old b", Some("01JOLD:0")));
        assert_eq!(looked(old_a, old_b.clone()), Ok(0));
        assert_eq!(looked(holds("new a", OURS), old_b), Ok(1));
        assert_eq!(looked(holds("new a", OURS), holds("new b", OURS)), Ok(2));
        // Put back, or changed, by somebody who left the annotations as they were.
        assert_eq!(looked(holds("old a", OURS), holds("other", OURS)), Ok(2));
    }

    #[test]
    fn a_config_map_that_is_neither_marked_nor_as_it_was_proves_nothing() {
        let again = holds("old a", None).map(|c| ConfigContent { uid: Uid("again".into()), ..c });
        for (now, words) in [
            (holds("other", None), "ConfigMap a is not as it was: it was changed since"),
            // Put back by an action, and re-created from the manifest.
            (holds("old a", Some("01JOTHER:0")), "is not as it was"),
            (again, "is not as it was"),
            (None, "ConfigMap a is gone"),
            (holds("new a", Some("01JOTHER:0123456789ab")), "action 01JOTHER wrote ConfigMap a"),
            (holds("new a", Some("by hand")), "somebody else wrote ConfigMap a"),
            (holds("new a", None), "somebody else wrote ConfigMap a"),
        ] {
            let found = restored(ID, &two_config_maps(), &[now.clone(), holds("old b", None)]);
            assert!(found.as_ref().is_err_and(|why| why.as_str().contains(words)), "{now:?}: {found:?}");
        }
        let second = restored(ID, &two_config_maps(), &[holds("new a", OURS), holds("old b", None)]);
        assert!(second.is_err_and(|why| why.as_str().contains("ConfigMap b is not as it was")));
    }
}

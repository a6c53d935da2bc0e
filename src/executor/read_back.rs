//! After an unknown outcome: was it done? Our mark says yes, wherever it stands; that it was not done is said only where
//! the objects prove it. A mark that is missing is no proof: a later rollout may have taken it away.

use crate::domain::clean::Clean;
use crate::domain::cluster::{ContentDigest, Deployment, ReplicaSet};
use crate::domain::plan::ACTION;
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
    let ours = |mark: &Clean| {
        let mark = mark.as_str();
        !action.is_empty() && (mark == action || mark.split_once(':').is_some_and(|(id, _)| id == action))
    };
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

/// How many of the action's ConfigMaps, in order, hold what was to be restored; `contents`: what each holds now, `None`
/// where it is gone. One that holds neither that nor what it held before was changed since, and proves nothing.
///
/// # Errors
/// Why nobody can tell.
pub fn restored(trace: &Trace, contents: &[Option<ContentDigest>]) -> Result<usize, Clean> {
    for (n, ((key, written), now)) in trace.configs.iter().zip(contents).enumerate() {
        if now.as_ref() == Some(written) {
            continue;
        }
        // Records of earlier versions do not tell what was there.
        let as_before = trace.configs_left.get(n).is_none_or(|left| now.as_ref() == Some(left));
        return if as_before {
            Ok(n)
        } else {
            Err(Clean::new(format!(
                "ConfigMap {} holds neither what was to be written nor what was there: somebody else changed it \
                 since, and the write may have been done before that",
                key.name
            )))
        };
    }
    Ok(trace.configs.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::cluster::{Json, Key, Meta, Template, Uid};
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

    #[test]
    fn a_config_map_that_somebody_changed_since_proves_nothing() {
        let configs =
            vec![(Key::new("demo", "a"), digest("new a")), (Key::new("demo", "b"), digest("new b"))];
        let trace = Trace { configs, configs_left: vec![digest("old a"), digest("old b")], ..trace() };
        let looked = |a: Option<&str>, b: Option<&str>| restored(&trace, &[a.map(digest), b.map(digest)]);
        assert_eq!(looked(Some("old a"), Some("old b")), Ok(0));
        assert_eq!(looked(Some("new a"), Some("old b")), Ok(1));
        assert_eq!(looked(Some("new a"), Some("new b")), Ok(2));
        for (a, b) in [(Some("other"), Some("old b")), (None, Some("old b")), (Some("new a"), None)] {
            assert!(looked(a, b).is_err_and(|why| why.as_str().contains("changed it since")), "{a:?} {b:?}");
        }
    }
}

//! RFC 6902 as the API server has it. Measured on Kubernetes 1.36: a `test` against null passes when the path is absent,
//! and any operation that does not apply, a failed `test` included, is one and the same 422.

use json_patch::{Patch, PatchOperation};
use serde_json::Value;

/// Why a patch was not applied.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Unpatched {
    /// The body is not a JSON patch: 400.
    Malformed(String),
    /// A `test` failed or a path does not exist: 422.
    DoesNotApply,
}

/// `document` with `patch` applied, all or nothing.
///
/// # Errors
/// [`Unpatched`], and `document` is as it was.
pub fn apply(document: &Value, patch: &[u8]) -> Result<Value, Unpatched> {
    let Patch(operations) = serde_json::from_slice(patch)
        .map_err(|why| Unpatched::Malformed(format!("error decoding patch: {why}")))?;
    let mut patched = document.clone();
    for operation in operations {
        if let PatchOperation::Test(test) = &operation
            && test.value.is_null()
            && test.path.resolve(&patched).is_err()
        {
            continue;
        }
        json_patch::patch(&mut patched, &[operation]).map_err(|_| Unpatched::DoesNotApply)?;
    }
    Ok(patched)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_test_against_null_passes_on_an_absent_path_and_fails_on_a_present_one() {
        let patch =
            br#"[{"op":"test","path":"/spec/paused","value":null},{"op":"replace","path":"/a","value":2}]"#;
        assert_eq!(apply(&json!({"a": 1, "spec": {}}), patch), Ok(json!({"a": 2, "spec": {}})));
        let paused = json!({"a": 1, "spec": {"paused": true}});
        assert_eq!(apply(&paused, patch), Err(Unpatched::DoesNotApply));
    }

    #[test]
    fn nothing_is_half_applied() {
        let patch = br#"[{"op":"replace","path":"/a","value":2},{"op":"test","path":"/b","value":9}]"#;
        assert_eq!(apply(&json!({"a": 1, "b": 1}), patch), Err(Unpatched::DoesNotApply));
        assert!(matches!(apply(&json!({}), b"\"x\""), Err(Unpatched::Malformed(_))));
    }
}

//! Who one is and what one may do: the two reviews, and the check that every request goes through.

use axum::body::Bytes;
use axum::response::Response;
use http::{StatusCode, header};
use serde_json::{Value, json};

use super::Call;
use super::refused::{Refused, unknown_format};
use crate::demo::Shared;
use crate::demo::http::json_response;
use crate::demo::world::World;

/// Whether the user may do it; a real API server answers 403 otherwise.
pub(super) fn allowed(world: &World, verb: &str, group: &str, plural: &str) -> Result<(), Refused> {
    if !denied(world, verb, plural) {
        return Ok(());
    }
    let user = &world.scenario.user;
    Err(Refused::new(
        StatusCode::FORBIDDEN,
        "Forbidden",
        format!(
            "{plural} is forbidden: User \"{user}\" cannot {verb} resource \"{plural}\" in API group \"{group}\""
        ),
    ))
}

fn denied(world: &World, verb: &str, plural: &str) -> bool {
    world.scenario.deny.iter().any(|rule| rule.split_once(' ') == Some((verb, plural)))
}

#[derive(Clone, Copy)]
pub(super) enum Review {
    Access,
    User,
}

pub(super) fn review(path: &str) -> Option<Review> {
    Some(match path {
        "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews" => Review::Access,
        "/apis/authentication.k8s.io/v1/selfsubjectreviews" => Review::User,
        _ => return None,
    })
}

pub(super) async fn reviewed(
    shared: &Shared,
    call: &Call,
    kind: Review,
    body: &Bytes,
) -> Result<Response, Refused> {
    let content_type = call.header(header::CONTENT_TYPE);
    if !content_type.is_empty() && !content_type.starts_with("application/json") {
        return Err(unknown_format("application/json"));
    }
    let mut object: Value =
        serde_json::from_slice(body).map_err(|why| Refused::bad_request(why.to_string()))?;
    let world = shared.world().await;
    match kind {
        Review::Access => {
            let asked = &object["spec"]["resourceAttributes"];
            let text = |name: &str| asked[name].as_str().unwrap_or_default().to_owned();
            let resource = match text("subresource").as_str() {
                "" => text("resource"),
                sub => format!("{}/{sub}", text("resource")),
            };
            let denied = denied(&world, &text("verb"), &resource);
            object["status"] = if denied {
                json!({"allowed": false, "reason": ""})
            } else {
                json!({"allowed": true, "reason": "RBAC: allowed by RoleBinding \"oncall\""})
            };
        }
        Review::User => {
            object["status"] = json!({"userInfo": {"username": world.scenario.user,
                "groups": ["shop:oncall", "system:authenticated"]}});
        }
    }
    Ok(json_response(StatusCode::CREATED, &object))
}

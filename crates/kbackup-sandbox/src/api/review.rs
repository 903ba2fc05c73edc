//! Reviews: questions about who may do what. In a sandbox everybody may do everything.

use http::{Response, StatusCode};
use kbackup_core::model::Gvr;
use serde_json::{Value, json};

use super::Call;
use crate::wire::{self, ApiError, ApiResult, Body};

/// The name of every user.
const USER: &str = "sandbox";

/// Whether a type is asked and never kept.
pub(super) fn is_review(gvr: &Gvr) -> bool {
    status(&gvr.group_resource()).is_some()
}

/// Answers a review.
///
/// # Errors
/// 400 where the body is none.
pub(super) fn answer(call: &Call, gvr: &Gvr) -> ApiResult<Response<Body>> {
    let mut review = call.object()?;
    let (Some(status), Some(fields)) = (status(&gvr.group_resource()), review.as_object_mut()) else {
        return Err(ApiError::bad_request("a review was expected"));
    };
    fields.insert("status".to_owned(), status);
    Ok(wire::json(StatusCode::CREATED, &review))
}

fn status(group_resource: &str) -> Option<Value> {
    Some(match group_resource {
        "selfsubjectaccessreviews.authorization.k8s.io"
        | "subjectaccessreviews.authorization.k8s.io"
        | "localsubjectaccessreviews.authorization.k8s.io" => {
            json!({"allowed": true, "reason": "a sandbox allows everything"})
        }
        "selfsubjectrulesreviews.authorization.k8s.io" => json!({
            "incomplete": false,
            "resourceRules": [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}],
            "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}],
        }),
        "selfsubjectreviews.authentication.k8s.io" => {
            json!({"userInfo": {"username": USER, "groups": ["system:masters", "system:authenticated"]}})
        }
        "tokenreviews.authentication.k8s.io" => json!({"authenticated": false}),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reviews_are_known_by_group_and_name() {
        for (gvr, expect) in [
            ("authorization.k8s.io/v1/selfsubjectaccessreviews", true),
            ("authentication.k8s.io/v1/selfsubjectreviews", true),
            ("example.com/v1/selfsubjectaccessreviews", false),
            ("v1/pods", false),
        ] {
            assert_eq!(is_review(&gvr.parse().expect("a type")), expect, "{gvr}");
        }
    }
}

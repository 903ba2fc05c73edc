//! Errors as a Kubernetes API server tells them: a `Status`
//! (<https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/>).

use std::time::Duration;

use http::header::RETRY_AFTER;
use http::{HeaderValue, Response, StatusCode};
use kbackup_core::cluster::{ClusterError, ClusterErrorKind as Kind, FieldError};
use kbackup_core::model::Gvr;
use serde_json::{Value, json};

use super::{Body, response};

/// The result of a request.
pub(crate) type ApiResult<T> = Result<T, ApiError>;

/// A request that failed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ApiError {
    status: StatusCode,
    reason: &'static str,
    message: String,
    /// In a box, so that results stay small.
    details: Box<Details>,
}

#[derive(Debug, Clone, PartialEq, Default)]
struct Details {
    /// Which object, or which collection, it is about.
    about: Option<(Gvr, Option<String>)>,
    causes: Vec<FieldError>,
    retry_after: Option<Duration>,
}

impl ApiError {
    pub(crate) fn new(status: StatusCode, reason: &'static str, message: impl Into<String>) -> Self {
        Self { status, reason, message: message.into(), details: Box::default() }
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "BadRequest", message)
    }

    /// A value of the request's options that is not allowed (422).
    pub(crate) fn invalid_option(option: &str, why: &str) -> Self {
        let cause =
            FieldError { field: option.to_owned(), reason: "FieldValueInvalid".to_owned(), message: why.to_owned() };
        let message = format!("ListOptions.meta.k8s.io \"\" is invalid: {option}: {why}");
        let mut error = Self::new(StatusCode::UNPROCESSABLE_ENTITY, "Invalid", message);
        error.details.causes.push(cause);
        error
    }

    /// A path that this server does not have.
    pub(crate) fn no_such_path() -> Self {
        Self::new(StatusCode::NOT_FOUND, "NotFound", "the server could not find the requested resource")
    }

    pub(crate) fn method_not_allowed() -> Self {
        let message = "the server does not allow this method on the requested resource";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", message)
    }

    pub(crate) fn not_acceptable(message: String) -> Self {
        Self::new(StatusCode::NOT_ACCEPTABLE, "NotAcceptable", message)
    }

    pub(crate) fn unsupported_media_type(found: &str, accepted: &[&str]) -> Self {
        let message = format!(
            "the body of the request was in an unknown format ({found:?}) - accepted media types include: {}",
            accepted.join(", ")
        );
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UnsupportedMediaType", message)
    }

    pub(crate) fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "Unauthorized", "Unauthorized")
    }

    pub(crate) fn too_many_requests(retry_after: Duration) -> Self {
        let message = "the server has received too many requests and has asked us to try again later";
        let mut error = Self::new(StatusCode::TOO_MANY_REQUESTS, "TooManyRequests", message);
        error.details.retry_after = Some(retry_after);
        error
    }

    pub(crate) fn unavailable() -> Self {
        let message = "the server is currently unable to handle the request";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable", message)
    }

    /// The same error, about an object or a collection; what it is about already stays.
    pub(crate) fn about(mut self, gvr: &Gvr, name: Option<&str>) -> Self {
        self.details.about.get_or_insert_with(|| (gvr.clone(), name.map(str::to_owned)));
        self
    }

    /// The HTTP status code.
    pub(crate) fn code(&self) -> u16 {
        self.status.as_u16()
    }

    /// The `Status` object.
    pub(crate) fn to_value(&self) -> Value {
        let mut status = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {},
            "status": "Failure", "message": self.message, "reason": self.reason, "code": self.code(),
        });
        let details = self.details.to_map();
        if !details.is_empty() {
            status["details"] = Value::Object(details);
        }
        status
    }

    /// The whole answer.
    pub(crate) fn to_response(&self) -> Response<Body> {
        let mut answer = response::json(self.status, &self.to_value());
        if let Some(after) = self.details.retry_after {
            answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from(after.as_secs()));
        }
        answer
    }
}

impl Details {
    fn to_map(&self) -> serde_json::Map<String, Value> {
        let mut details = serde_json::Map::new();
        if let Some((gvr, name)) = &self.about {
            details.extend(name.as_ref().map(|name| ("name".to_owned(), name.as_str().into())));
            details.extend((!gvr.group.is_empty()).then(|| ("group".to_owned(), gvr.group.as_str().into())));
            details.insert("kind".to_owned(), gvr.plural.as_str().into());
        }
        if !self.causes.is_empty() {
            let cause =
                |cause: &FieldError| json!({"reason": cause.reason, "message": cause.message, "field": cause.field});
            details.insert("causes".to_owned(), self.causes.iter().map(cause).collect());
        }
        details.extend(self.retry_after.map(|after| ("retryAfterSeconds".to_owned(), after.as_secs().into())));
        details
    }
}

impl From<ClusterError> for ApiError {
    fn from(error: ClusterError) -> Self {
        let (status, reason) = status_of(&error);
        let mut answer = Self::new(status, reason, error.to_string());
        answer.details.causes = error.fields().to_vec();
        answer.details.retry_after = error.retry_after();
        answer
    }
}

fn status_of(error: &ClusterError) -> (StatusCode, &'static str) {
    match error.kind() {
        Kind::NotFound => (StatusCode::NOT_FOUND, "NotFound"),
        Kind::AlreadyExists => (StatusCode::CONFLICT, "AlreadyExists"),
        Kind::Conflict => (StatusCode::CONFLICT, "Conflict"),
        Kind::Expired => (StatusCode::GONE, "Expired"),
        // A request that cannot be understood names no field; an object that breaks a rule does.
        Kind::Invalid if error.fields().is_empty() => (StatusCode::BAD_REQUEST, "BadRequest"),
        Kind::Invalid => (StatusCode::UNPROCESSABLE_ENTITY, "Invalid"),
        Kind::Unauthenticated => (StatusCode::UNAUTHORIZED, "Unauthorized"),
        Kind::Forbidden => (StatusCode::FORBIDDEN, "Forbidden"),
        Kind::Unsupported => (StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed"),
        Kind::Throttled => (StatusCode::TOO_MANY_REQUESTS, "TooManyRequests"),
        Kind::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable"),
        Kind::Timeout => (StatusCode::GATEWAY_TIMEOUT, "Timeout"),
        _ => (StatusCode::INTERNAL_SERVER_ERROR, "InternalError"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_code_and_reason() {
        for (kind, code, reason) in [
            (Kind::NotFound, 404, "NotFound"),
            (Kind::AlreadyExists, 409, "AlreadyExists"),
            (Kind::Conflict, 409, "Conflict"),
            (Kind::Expired, 410, "Expired"),
            (Kind::Invalid, 400, "BadRequest"),
            (Kind::Forbidden, 403, "Forbidden"),
            (Kind::Unsupported, 405, "MethodNotAllowed"),
            (Kind::Timeout, 504, "Timeout"),
        ] {
            let status = ApiError::from(ClusterError::new(kind, "why")).to_value();
            assert_eq!((status["code"].as_u64(), status["reason"].as_str()), (Some(code), Some(reason)), "{kind:?}");
        }
    }

    #[test]
    fn a_field_makes_a_cause_and_422() {
        let field = FieldError {
            field: "spec.replicas".to_owned(),
            reason: "FieldValueInvalid".to_owned(),
            message: "must be at least 0".to_owned(),
        };
        let error: ApiError = ClusterError::new(Kind::Invalid, "no").with_fields(vec![field]).into();
        let status = error.about(&Gvr::new("apps", "v1", "deployments"), Some("web")).to_value();
        assert_eq!(status["code"], 422);
        assert_eq!(
            status["details"],
            json!({
                "name": "web", "group": "apps", "kind": "deployments",
                "causes": [{"reason": "FieldValueInvalid", "message": "must be at least 0", "field": "spec.replicas"}],
            })
        );
    }

    #[test]
    fn throttling_says_when_to_come_back() {
        let answer = ApiError::too_many_requests(Duration::from_secs(7)).to_response();
        assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(answer.headers()[RETRY_AFTER], "7");
    }
}

//! The one place where what the API server, the client and the network say becomes a [`ClusterError`].

use std::error::Error;
use std::io;
use std::time::Duration;

use http::{HeaderMap, StatusCode, header};
use hyper_util::client::legacy;
use kbackup_core::cluster::{ClusterError, ClusterErrorKind, FieldError};
use serde::Deserialize;

use crate::retry::Fault;

/// Of a message: the rest is cut off. A server may quote a whole object in it.
const MESSAGE_CHARS_MAX: usize = 2_000;

/// A failed attempt: what the caller is told, and what the retries need to know.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) error: ClusterError,
    pub(crate) fault: Fault,
}

/// The parts of a `Status` that say what went wrong
/// (<https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/>).
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Status {
    pub(crate) kind: String,
    pub(crate) message: Option<String>,
    pub(crate) reason: Option<String>,
    pub(crate) details: Option<StatusDetails>,
}

/// The details of a [`Status`].
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct StatusDetails {
    pub(crate) causes: Option<Vec<StatusCause>>,
    pub(crate) retry_after_seconds: Option<u64>,
}

/// One cause among the details of a [`Status`].
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct StatusCause {
    pub(crate) reason: Option<String>,
    pub(crate) message: Option<String>,
    pub(crate) field: Option<String>,
}

/// What an answer other than 2xx means. `body` is a `Status`, or whatever stands between us and the server says.
pub(crate) fn from_answer(code: StatusCode, headers: &HeaderMap, body: &[u8]) -> Failure {
    let status = serde_json::from_slice::<Status>(body).ok().filter(|status| status.kind == "Status");
    let Some(status) = status else {
        let message = format!("the server answered {code}, and not as a Kubernetes API does");
        return failure(code, ClusterError::new(kind_of(code, ""), message), retry_after(headers, None));
    };
    let after = retry_after(headers, status.details.as_ref());
    failure(code, from_status(code, status), after)
}

/// What a `Status` means that came with the HTTP code `code`.
pub(crate) fn from_status(code: StatusCode, status: Status) -> ClusterError {
    let kind = kind_of(code, status.reason.as_deref().unwrap_or_default());
    let message =
        status.message.filter(|message| !message.is_empty()).unwrap_or_else(|| format!("the server answered {code}"));
    let causes = status.details.and_then(|details| details.causes).unwrap_or_default();
    ClusterError::new(kind, presentable(&message)).with_fields(causes.into_iter().map(field_error).collect())
}

/// What the client says of a request that got no answer.
pub(crate) fn from_client(error: kube::Error, server: &str) -> Failure {
    let root = root_cause(&error);
    let timed_out = io_error(&error).is_some_and(|error| error.kind() == io::ErrorKind::TimedOut);
    if let Some(message) = credentials_message(&error) {
        return Failure { error: ClusterError::new(ClusterErrorKind::Unauthenticated, message), fault: Fault::Final };
    }
    if is_connect(&error) {
        let kind = if timed_out { ClusterErrorKind::Timeout } else { ClusterErrorKind::Unavailable };
        let fault = if is_tls(&error) { Fault::Final } else { Fault::NotSent };
        return Failure { error: ClusterError::new(kind, format!("{server} cannot be reached: {root}")), fault };
    }
    match error {
        kube::Error::Api(status) => {
            let code = StatusCode::from_u16(status.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let kind = kind_of(code, &status.reason);
            failure(code, ClusterError::new(kind, presentable(&status.message)), None)
        }
        kube::Error::SerdeError(_) | kube::Error::FromUtf8(_) | kube::Error::UpgradeConnection(_) => {
            let message = format!("the answer of {server} is not what a Kubernetes API says: {root}");
            Failure { error: ClusterError::new(ClusterErrorKind::BadResponse, message), fault: Fault::Final }
        }
        _ => broken(server, &root),
    }
}

/// The connection broke before the answer was complete.
pub(crate) fn broken(server: &str, cause: &str) -> Failure {
    let message = format!("the connection to {server} broke: {cause}");
    Failure { error: ClusterError::new(ClusterErrorKind::Unavailable, message), fault: Fault::Unknown }
}

/// The answer did not begin, or paused, for longer than it may.
pub(crate) fn too_slow(server: &str, limit: Duration) -> Failure {
    let message = format!("{server} sent nothing for {} s", limit.as_secs());
    Failure { error: ClusterError::new(ClusterErrorKind::Timeout, message), fault: Fault::Final }
}

/// An answer that is not what a Kubernetes API server says.
pub(crate) fn bad_response(message: impl Into<String>) -> ClusterError {
    ClusterError::new(ClusterErrorKind::BadResponse, message)
}

/// The text of the innermost cause. The layers above it say less ("client error (Connect)").
pub(crate) fn root_cause(error: &(dyn Error + 'static)) -> String {
    presentable(&causes(error).last().map(ToString::to_string).unwrap_or_default())
}

fn failure(code: StatusCode, error: ClusterError, retry_after: Option<Duration>) -> Failure {
    let fault = match code.as_u16() {
        429 => Fault::Throttled,
        502..=504 => Fault::Unknown,
        _ => Fault::Final,
    };
    let error = match retry_after {
        Some(after) => error.with_retry_after(after),
        None => error,
    };
    Failure { error, fault }
}

fn kind_of(code: StatusCode, reason: &str) -> ClusterErrorKind {
    match code.as_u16() {
        401 => ClusterErrorKind::Unauthenticated,
        403 => ClusterErrorKind::Forbidden,
        404 => ClusterErrorKind::NotFound,
        405 | 406 | 415 => ClusterErrorKind::Unsupported,
        408 | 504 => ClusterErrorKind::Timeout,
        409 if reason == "AlreadyExists" => ClusterErrorKind::AlreadyExists,
        409 => ClusterErrorKind::Conflict,
        410 => ClusterErrorKind::Expired,
        400 | 413 | 422 => ClusterErrorKind::Invalid,
        429 => ClusterErrorKind::Throttled,
        500..=599 => ClusterErrorKind::Unavailable,
        _ => ClusterErrorKind::BadResponse,
    }
}

fn retry_after(headers: &HeaderMap, details: Option<&StatusDetails>) -> Option<Duration> {
    let header = headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    let body = details.and_then(|details| details.retry_after_seconds).filter(|seconds| *seconds > 0);
    header.or(body).map(Duration::from_secs)
}

fn field_error(cause: StatusCause) -> FieldError {
    FieldError {
        field: cause.field.unwrap_or_default(),
        reason: cause.reason.unwrap_or_default(),
        message: presentable(&cause.message.unwrap_or_default()),
    }
}

/// A server's message in one line, without the piece of the object that Go's JSON decoder quotes: it may be of a Secret.
fn presentable(message: &str) -> String {
    let quoted = message.find(", error found in #").unwrap_or(message.len());
    let words: Vec<&str> = message[..quoted].split_whitespace().collect();
    let line = words.join(" ");
    match line.char_indices().nth(MESSAGE_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// What to say where the credentials could not be had. An exec plugin prints them on its standard output, which kube
/// puts into its message: so it is not shown.
fn credentials_message(error: &(dyn Error + 'static)) -> Option<String> {
    let auth = causes(error).find_map(|cause| cause.downcast_ref::<kube::client::AuthError>())?;
    Some(match auth {
        kube::client::AuthError::AuthExecRun { cmd, out } => {
            let program = cmd.split_whitespace().next().unwrap_or_default().trim_matches('"');
            let said = presentable(&String::from_utf8_lossy(&out.stderr));
            format!("the credential plugin {program} failed ({}): {said}", out.status)
        }
        kube::client::AuthError::AuthExecParse(_) => {
            "what the credential plugin printed is not an ExecCredential".to_owned()
        }
        other => format!("the credentials could not be had: {}", presentable(&other.to_string())),
    })
}

fn is_connect(error: &(dyn Error + 'static)) -> bool {
    causes(error).any(|cause| cause.downcast_ref::<legacy::Error>().is_some_and(legacy::Error::is_connect))
}

/// A certificate that was refused once is refused again.
fn is_tls(error: &(dyn Error + 'static)) -> bool {
    let tls = |cause: &(dyn Error + 'static)| cause.is::<rustls::Error>();
    causes(error).any(tls)
        || io_error(error)
            .and_then(io::Error::get_ref)
            .is_some_and(|inner| inner.downcast_ref::<rustls::Error>().is_some())
}

fn io_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a io::Error> {
    causes(error).filter_map(|cause| cause.downcast_ref::<io::Error>()).last()
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(code: u16, headers: &[(&'static str, &str)], body: &str) -> Failure {
        let headers = headers.iter().map(|(name, value)| (name.parse().expect("name"), value.parse().expect("value")));
        from_answer(StatusCode::from_u16(code).expect("code"), &headers.collect(), body.as_bytes())
    }

    #[test]
    fn codes_and_reasons_decide_the_kind() {
        use ClusterErrorKind as K;
        let check = |code: u16, reason: &str, kind: K, fault: Fault| {
            let got = answer(code, &[], &format!(r#"{{"kind":"Status","reason":"{reason}","message":"no"}}"#));
            assert_eq!((got.error.kind(), got.fault), (kind, fault), "{code} {reason}");
        };
        check(400, "BadRequest", K::Invalid, Fault::Final);
        check(401, "Unauthorized", K::Unauthenticated, Fault::Final);
        check(403, "Forbidden", K::Forbidden, Fault::Final);
        check(404, "NotFound", K::NotFound, Fault::Final);
        check(405, "MethodNotAllowed", K::Unsupported, Fault::Final);
        check(409, "AlreadyExists", K::AlreadyExists, Fault::Final);
        check(409, "Conflict", K::Conflict, Fault::Final);
        check(410, "Expired", K::Expired, Fault::Final);
        check(422, "Invalid", K::Invalid, Fault::Final);
        check(429, "TooManyRequests", K::Throttled, Fault::Throttled);
        check(500, "InternalError", K::Unavailable, Fault::Final);
        check(503, "ServiceUnavailable", K::Unavailable, Fault::Unknown);
        check(504, "Timeout", K::Timeout, Fault::Unknown);
        check(302, "", K::BadResponse, Fault::Final);
    }

    #[test]
    fn fields_and_waits_are_taken_over() {
        let body = r#"{"kind":"Status","message":"Service \"web\" is invalid:\n spec.ports","reason":"Invalid","details":
            {"retryAfterSeconds":0,"causes":[{"reason":"FieldValueInvalid","message":"taken","field":"spec.ports[0].nodePort"}]}}"#;
        let error = answer(422, &[], body).error;
        assert_eq!(error.to_string(), r#"Service "web" is invalid: spec.ports"#);
        let field = |field: &str, reason: &str, message: &str| FieldError {
            field: field.into(),
            reason: reason.into(),
            message: message.into(),
        };
        assert_eq!(error.fields(), [field("spec.ports[0].nodePort", "FieldValueInvalid", "taken")]);
        assert_eq!(error.retry_after(), None);

        let after = |headers: &[_], body: &str| answer(429, headers, body).error.retry_after();
        let body = r#"{"kind":"Status","details":{"retryAfterSeconds":9}}"#;
        assert_eq!(after(&[("retry-after", "3")], body), Some(Duration::from_secs(3)));
        assert_eq!(after(&[], body), Some(Duration::from_secs(9)));
        assert_eq!(after(&[("retry-after", "Wed, 21 Oct 2026 07:28:00 GMT")], "{}"), None);
    }

    #[test]
    fn what_is_no_status_is_named() {
        let error = answer(502, &[], "<html>Bad Gateway</html>").error;
        assert_eq!(error.to_string(), "the server answered 502 Bad Gateway, and not as a Kubernetes API does");
        assert_eq!(error.kind(), ClusterErrorKind::Unavailable);
    }

    #[test]
    fn messages_are_one_line_and_quote_no_object() {
        let check = |message: &str, expect: &str| assert_eq!(presentable(message), expect);
        check("a\n\tb  c", "a b c");
        check(
            "cannot handle: ReadString, error found in #10 byte of ...|\"pw\":\"s3cr|...",
            "cannot handle: ReadString",
        );
        assert_eq!(presentable(&"é".repeat(5_000)).chars().count(), MESSAGE_CHARS_MAX + 1);
    }
}

//! Object retention: whether a bucket has it, and how an object is written with it.
//!
//! Google's crate for this speaks another API than `object_store` does, so that every object would be written by another
//! client. The XML API takes the retention with the write itself, as two headers.

use http::Request;
use http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use kbackup_core::model::{Lock, LockMode};
use kbackup_core::store::{StoreErrorKind, StoreResult};
use object_store::client::HttpRequestBody;
use object_store::gcp::GcpCredential;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::cloud::{Attempt, Transport};

const MODE: HeaderName = HeaderName::from_static("x-goog-object-lock-mode");
const UNTIL: HeaderName = HeaderName::from_static("x-goog-object-lock-retain-until-date");

/// Asks the bucket, by the JSON API, whether objects can be retained in it.
///
/// # Errors
/// `Unsupported` where they can't.
pub(super) async fn check(
    (endpoint, bucket): (&str, &str),
    credential: Option<&GcpCredential>,
    transport: &Transport,
    attempt: &Attempt<'_>,
) -> StoreResult<()> {
    let bucket = utf8_percent_encode(bucket, NON_ALPHANUMERIC);
    let url = format!("{}/storage/v1/b/{bucket}?fields=objectRetention", endpoint.trim_end_matches('/'));
    let mut question = Request::get(url);
    if let Some(credential) = credential {
        question = question.header(AUTHORIZATION, format!("Bearer {}", credential.bearer));
    }
    let question = question.body(HttpRequestBody::empty());
    let question = question.map_err(|error| attempt.error(StoreErrorKind::Invalid, &error))?;
    let (_, answer) = transport.ask(question).await.map_err(|error| attempt.failed(&error))?;
    if is_enabled(&answer) {
        return Ok(());
    }
    Err(attempt.error(
        StoreErrorKind::Unsupported,
        &"the bucket has no object retention; use one where it is enabled, or do without a lock",
    ))
}

fn is_enabled(bucket: &str) -> bool {
    let bucket: Option<Value> = serde_json::from_str(bucket).ok();
    bucket.is_some_and(|bucket| bucket.pointer("/objectRetention/mode").is_some_and(|mode| mode == "Enabled"))
}

/// What retains an object that is written, or whose upload is begun, with it.
pub(super) fn headers(lock: Lock) -> HeaderMap {
    let mode = match lock.mode {
        LockMode::Governance => "GOVERNANCE",
        LockMode::Compliance => "COMPLIANCE",
    };
    // A time is ASCII, so this is all of it.
    let until = HeaderValue::from_str(&lock.until.to_string()).into_iter().map(|until| (UNTIL, until));
    until.chain([(MODE, HeaderValue::from_static(mode))]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_says_whether_it_retains() {
        for (answer, enabled) in [
            (r#"{"objectRetention":{"mode":"Enabled"}}"#, true),
            (r#"{"objectRetention":{"mode":"Disabled"}}"#, false),
            ("{}", false),
            ("", false),
        ] {
            assert_eq!(is_enabled(answer), enabled, "{answer}");
        }
    }

    #[test]
    fn a_lock_is_two_headers() {
        let lock = Lock { mode: LockMode::Governance, until: "2026-12-25T00:01:00Z".parse().expect("a time") };
        let headers = headers(lock);
        assert_eq!((headers.len(), &headers[MODE]), (2, &HeaderValue::from_static("GOVERNANCE")));
        assert_eq!(headers[UNTIL], "2026-12-25T00:01:00Z");
    }
}

//! Object lock: whether a bucket has it, and how an object is written with it.
//!
//! `object_store` knows nothing of it. Its signer makes the question possible, and headers that it sends and signs with
//! every request make the lock.

use std::time::Duration;

use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request};
use kbackup_core::model::{Lock, LockMode};
use kbackup_core::store::{StoreErrorKind, StoreResult};
use object_store::aws::AmazonS3;
use object_store::client::HttpRequestBody;
use object_store::path::Path;
use object_store::signer::{SignedUrlOptions, Signer};

use crate::cloud::{Attempt, Transport};

/// How long the question may be on its way.
const QUESTION_MAX: Duration = Duration::from_secs(300);
const MODE: HeaderName = HeaderName::from_static("x-amz-object-lock-mode");
const CHECKSUM: HeaderName = HeaderName::from_static("x-amz-sdk-checksum-algorithm");
const UNTIL: HeaderName = HeaderName::from_static("x-amz-object-lock-retain-until-date");

/// Asks the bucket whether it can lock.
///
/// # Errors
/// `Unsupported` where it can't.
pub(super) async fn check(bucket: &AmazonS3, transport: &Transport, attempt: &Attempt<'_>) -> StoreResult<()> {
    let question = SignedUrlOptions::default().with_query([("object-lock", "")]);
    let url = bucket.signed_url_opts(Method::GET, &Path::default(), QUESTION_MAX, &question).await;
    let url = url.map_err(|error| attempt.failed(&error))?;
    let question = Request::get(url.as_str()).body(HttpRequestBody::empty());
    let question = question.map_err(|error| attempt.error(StoreErrorKind::Invalid, &error))?;
    match transport.ask(question).await.map_err(|error| attempt.failed(&error)) {
        Ok((_, answer)) if answer.contains("<ObjectLockEnabled>Enabled</ObjectLockEnabled>") => Ok(()),
        Err(error) if !matches!(error.kind(), StoreErrorKind::NotFound | StoreErrorKind::Unsupported) => Err(error),
        _ => Err(attempt.error(
            StoreErrorKind::Unsupported,
            &"the bucket has no object lock; use one that was made with it, or do without a lock",
        )),
    }
}

/// What locks an object that is written with it at once. Its request must say which checksum it carries.
pub(super) fn headers_with_checksum(lock: Lock, checksum: &'static str) -> HeaderMap {
    let mut headers = headers(lock);
    headers.insert(CHECKSUM, HeaderValue::from_static(checksum));
    headers
}

/// What locks an object whose upload is begun with it.
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
    fn a_lock_is_two_headers() {
        let lock = Lock { mode: LockMode::Compliance, until: "2026-12-25T00:01:00Z".parse().expect("a time") };
        let headers = headers(lock);
        assert_eq!(headers.len(), 2);
        assert_eq!(headers[MODE], "COMPLIANCE");
        assert_eq!(headers[UNTIL], "2026-12-25T00:01:00Z");
        let headers = headers_with_checksum(lock, "SHA256");
        assert_eq!((headers.len(), &headers[CHECKSUM]), (3, &HeaderValue::from_static("SHA256")));
    }
}

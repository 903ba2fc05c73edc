//! Version-level immutability: whether a container has it, and how a blob is written with it.
//!
//! The policy is part of the write itself, as two headers. `object_store` signs a request before they are added, so where
//! the key of the account signs, it signs once more. Azure's own crate for blobs takes no such key, and would be a second
//! client beside the one that writes.

use std::sync::Arc;

use http::Request;
use http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use kbackup_core::model::{Lock, LockMode};
use kbackup_core::store::{StoreErrorKind, StoreResult};
use object_store::azure::{AzureAuthorizer, AzureCredential};
use object_store::client::{HttpError, HttpErrorKind, HttpRequest, HttpRequestBody};

use crate::cloud::{Attempt, SignAgain, Transport};

const MODE: HeaderName = HeaderName::from_static("x-ms-immutability-policy-mode");
const UNTIL: HeaderName = HeaderName::from_static("x-ms-immutability-policy-until-date");
/// How a container says that its blobs can have policies of their own.
const ENABLED: HeaderName = HeaderName::from_static("x-ms-immutable-storage-with-versioning-enabled");

/// Asks the container whether blobs can have immutability policies in it.
///
/// # Errors
/// `Unsupported` where they can't.
pub(super) async fn check(
    container: &str,
    account: &str,
    credential: Option<&AzureCredential>,
    transport: &Transport,
    attempt: &Attempt<'_>,
) -> StoreResult<()> {
    let question = Request::get(format!("{container}?restype=container")).body(HttpRequestBody::empty());
    let mut question = question.map_err(|error| attempt.error(StoreErrorKind::Invalid, &error))?;
    if let Some(credential) = credential {
        let signed = AzureAuthorizer::new(credential, account).try_authorize(&mut question);
        signed.map_err(|error| attempt.failed(&error))?;
    }
    let (headers, _) = transport.ask(question).await.map_err(|error| attempt.failed(&error))?;
    if headers.get(ENABLED).is_some_and(|enabled| enabled == "true") {
        return Ok(());
    }
    Err(attempt.error(
        StoreErrorKind::Unsupported,
        &"the container has no version-level immutability; use one where it is enabled, or do without a lock",
    ))
}

/// What locks a blob that is written with it, at once or as a list of blocks.
pub(super) fn headers(lock: Lock) -> HeaderMap {
    let mode = match lock.mode {
        LockMode::Governance => "unlocked",
        LockMode::Compliance => "locked",
    };
    let until = lock.until.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    // A time is ASCII, so this is all of it.
    let until = HeaderValue::from_str(&until).into_iter().map(|until| (UNTIL, until));
    until.chain([(MODE, HeaderValue::from_static(mode))]).collect()
}

/// The key of an account. What tokens and shared access signatures allow does not depend on headers.
#[derive(Debug)]
pub(super) struct AccountKey {
    pub(super) account: String,
    pub(super) credential: Arc<AzureCredential>,
}

impl SignAgain for AccountKey {
    fn sign(&self, request: &mut HttpRequest) -> Result<(), HttpError> {
        request.headers_mut().remove(AUTHORIZATION);
        let signed = AzureAuthorizer::new(&self.credential, &self.account).try_authorize(request);
        signed.map_err(|error| HttpError::new(HttpErrorKind::Unknown, error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_two_headers() {
        let lock = Lock { mode: LockMode::Compliance, until: "2026-12-25T00:01:00Z".parse().expect("a time") };
        let headers = headers(lock);
        assert_eq!((headers.len(), &headers[MODE]), (2, &HeaderValue::from_static("locked")));
        assert_eq!(headers[UNTIL], "Fri, 25 Dec 2026 00:01:00 GMT");
    }
}

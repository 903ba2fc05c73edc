//! What a store refuses, and what goes wrong on the way, as the port's errors.

use std::error::Error;
use std::fmt::{self, Display};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::StatusCode;
use kbackup_core::store::{StoreError, StoreErrorKind};

/// An answer that is no success.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    /// The store's own word for it: `NoSuchBucket`.
    pub(crate) code: String,
    /// The store's explanation, in one line.
    pub(crate) message: String,
    pub(crate) retry_after: Option<Duration>,
    /// Where the bucket is, if the store says that it is elsewhere.
    pub(crate) region: Option<String>,
}

/// That no credentials could be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct CredentialFailure(pub(crate) String);

/// Where the credentials came from that were used last: for errors. Clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Source(Arc<Mutex<String>>);

/// What was tried: `write`, `a/b`, in which store, with whose credentials.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attempt<'a> {
    pub(crate) verb: &'a str,
    pub(crate) object: &'a str,
    pub(crate) store: &'a dyn StoreName,
    pub(crate) source: &'a Source,
}

/// The name of a store for errors.
pub(crate) trait StoreName: Display + fmt::Debug + Sync {}
impl<T: Display + fmt::Debug + Sync> StoreName for T {}

/// An explanation of the store is cut here: it is for people.
const MESSAGE_CHARS_MAX: usize = 240;

impl Refusal {
    /// What an answer says in XML, as all three clouds do, or plainly.
    pub(crate) fn read(status: StatusCode, body: &str) -> Self {
        let element = |name: &str| {
            let (_, rest) = body.split_once(&format!("<{name}>"))?;
            rest.split_once(&format!("</{name}>")).map(|(text, _)| unescaped(text))
        };
        // What Azure says goes on with ids and the time on further lines.
        let message = element("Message").map(|text| text.lines().next().unwrap_or_default().to_owned());
        Self {
            status,
            code: element("Code").unwrap_or_default(),
            message: one_line(&message.unwrap_or_default()),
            retry_after: None,
            region: element("Region"),
        }
    }

    fn kind(&self) -> StoreErrorKind {
        kind_of_code(&self.code).unwrap_or_else(|| kind_of_status(self.status))
    }

    /// What to do about it; nothing where the explanation says it.
    fn advice(&self) -> Option<String> {
        let advice = match self.code.as_str() {
            "NoSuchBucket" | "ContainerNotFound" => "create it, or check its name",
            "RequestTimeTooSkewed" => "the clock of this machine is wrong: set it",
            "ExpiredToken" | "TokenRefreshRequired" => "get new credentials",
            "KMS.NotFoundException" | "KMS.DisabledException" => "check the encryption key",
            "NotImplemented" => "the store lacks this: docs/providers lists the options for stores like it",
            _ if matches!(self.status.as_u16(), 301 | 307 | 400) => {
                return self.region.as_ref().map(|region| format!("the bucket is elsewhere: add region={region}"));
            }
            _ if self.status == StatusCode::FORBIDDEN => "docs/providers lists the permissions that are needed",
            _ => return None,
        };
        Some(advice.to_owned())
    }
}

impl Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the store answers {}", self.status.as_u16())?;
        if !self.code.is_empty() {
            write!(f, " {}", self.code)?;
        }
        if !self.message.is_empty() {
            write!(f, " ({})", self.message)?;
        }
        Ok(())
    }
}

impl Error for Refusal {}

impl Source {
    /// Remembers where credentials came from: "the profile backup".
    pub(crate) fn set(&self, source: impl Into<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = source.into();
    }

    fn get(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Attempt<'_> {
    /// The error that `object_store` gave, as the port's.
    pub(crate) fn failed(&self, error: &(dyn Error + 'static)) -> StoreError {
        if let Some(refusal) = find::<Refusal>(error) {
            return self.refused(refusal);
        }
        if let Some(failure) = find::<CredentialFailure>(error) {
            return self.error(StoreErrorKind::Unauthenticated, failure);
        }
        match find::<object_store::Error>(error) {
            Some(object_store::Error::NotFound { .. }) => self.error(StoreErrorKind::NotFound, &"it does not exist"),
            Some(object_store::Error::InvalidPath { source }) => {
                self.error(StoreErrorKind::Invalid, &one_line(&source.to_string()))
            }
            Some(object_store::Error::NotImplemented { .. } | object_store::Error::NotSupported { .. }) => {
                self.error(StoreErrorKind::Unsupported, &"the store can't do it")
            }
            _ => self.broken(error),
        }
    }

    /// An error of `kind`, for this reason.
    pub(crate) fn error(&self, kind: StoreErrorKind, why: &dyn Display) -> StoreError {
        let Self { verb, object, store, .. } = self;
        let of = if object.is_empty() { String::new() } else { format!(" {object} in") };
        StoreError::new(kind, format!("cannot {verb}{of} {store}: {why}"))
    }

    fn refused(&self, refusal: &Refusal) -> StoreError {
        let kind = refusal.kind();
        let mut why = refusal.to_string();
        let source = self.source.get();
        let denied = matches!(kind, StoreErrorKind::Unauthenticated | StoreErrorKind::PermissionDenied);
        if denied && !source.is_empty() {
            why.push_str(&format!(" to the credentials of {source}"));
        }
        if let Some(advice) = refusal.advice() {
            why.push_str(&format!("; {advice}"));
        }
        let error = self.error(kind, &why);
        match refusal.retry_after {
            Some(after) => error.with_retry_after(after),
            None => error,
        }
    }

    /// A connection that could not be made or broke, or an answer that makes no sense.
    fn broken(&self, error: &(dyn Error + 'static)) -> StoreError {
        let deepest = chain(error).last().unwrap_or(error).to_string();
        let code = deepest.split("(code: ").nth(1).and_then(|rest| rest.split(')').next()).unwrap_or_default();
        if let Some(kind) = kind_of_code(code) {
            return self.error(kind, &one_line(&deepest));
        }
        let on_the_way = find::<object_store::client::HttpError>(error).is_some();
        let kind = if on_the_way { StoreErrorKind::Unavailable } else { StoreErrorKind::Other };
        self.error(kind, &one_line(&deepest))
    }
}

/// The text in one line, cut where it gets long.
pub(crate) fn one_line(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(MESSAGE_CHARS_MAX) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line,
    }
}

fn kind_of_code(code: &str) -> Option<StoreErrorKind> {
    Some(match code {
        "NoSuchKey" | "BlobNotFound" => StoreErrorKind::NotFound,
        // That the bucket is missing is not that the object is.
        "NoSuchBucket" | "ContainerNotFound" => StoreErrorKind::Other,
        "InvalidAccessKeyId"
        | "SignatureDoesNotMatch"
        | "ExpiredToken"
        | "InvalidToken"
        | "TokenRefreshRequired"
        | "RequestTimeTooSkewed"
        | "AuthenticationFailed"
        | "InvalidAuthenticationInfo"
        | "NoAuthenticationInformation"
        | "AuthenticationRequired" => StoreErrorKind::Unauthenticated,
        "SlowDown" | "RequestLimitExceeded" | "TooManyRequests" | "ServerBusy" | "SlowDownRead" | "SlowDownWrite" => {
            StoreErrorKind::Throttled
        }
        // Two writers met: which of them came first shows when it is tried again.
        "ConditionalRequestConflict"
        | "OperationAborted"
        | "InternalError"
        | "RequestTimeout"
        | "ServiceUnavailable"
        | "OperationTimedOut" => StoreErrorKind::Unavailable,
        "BlobAlreadyExists" | "PreconditionFailed" | "ConditionNotMet" => StoreErrorKind::AlreadyExists,
        "BlobImmutableDueToPolicy" | "ObjectUnderActiveHold" => StoreErrorKind::PermissionDenied,
        "InvalidRange" | "KeyTooLongError" => StoreErrorKind::Invalid,
        "QuotaExceeded" | "XMinioStorageFull" => StoreErrorKind::Full,
        _ => return None,
    })
}

fn kind_of_status(status: StatusCode) -> StoreErrorKind {
    match status.as_u16() {
        401 => StoreErrorKind::Unauthenticated,
        403 => StoreErrorKind::PermissionDenied,
        404 => StoreErrorKind::NotFound,
        412 => StoreErrorKind::AlreadyExists,
        416 => StoreErrorKind::Invalid,
        429 | 503 => StoreErrorKind::Throttled,
        501 => StoreErrorKind::Unsupported,
        507 => StoreErrorKind::Full,
        408 | 500 | 502 | 504 => StoreErrorKind::Unavailable,
        _ => StoreErrorKind::Other,
    }
}

fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&apos;", "'").replace("&amp;", "&")
}

/// An error and all that caused it, each said once, in one line.
pub(crate) fn reasons(error: &(dyn Error + 'static)) -> String {
    let mut reasons: Vec<String> = Vec::new();
    for reason in chain(error).map(ToString::to_string) {
        if !reasons.iter().any(|known| known.contains(&reason)) {
            reasons.push(reason);
        }
    }
    one_line(&reasons.join(": "))
}

fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    let mut next = Some(error);
    std::iter::from_fn(move || {
        let error = next?;
        next = error.source();
        Some(error)
    })
}

fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    chain(error).find_map(|error| error.downcast_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    const XML: &str = "<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>It is &quot;so&quot;.\nRequestId: 1</Message></Error>";

    fn refusal(status: u16, code: &str) -> Refusal {
        let status = StatusCode::from_u16(status).expect("a status");
        Refusal::read(status, &if code.is_empty() { String::new() } else { XML.replace("{code}", code) })
    }

    #[test]
    fn refusals_are_decisions() {
        use StoreErrorKind::*;
        for (status, code, expect) in [
            (404, "NoSuchKey", NotFound),
            (404, "", NotFound),
            (404, "NoSuchBucket", Other),
            (404, "ContainerNotFound", Other),
            (403, "AccessDenied", PermissionDenied),
            (403, "", PermissionDenied),
            (403, "SignatureDoesNotMatch", Unauthenticated),
            (403, "RequestTimeTooSkewed", Unauthenticated),
            (400, "ExpiredToken", Unauthenticated),
            (401, "", Unauthenticated),
            (409, "ConditionalRequestConflict", Unavailable),
            (409, "BlobAlreadyExists", AlreadyExists),
            (409, "BlobImmutableDueToPolicy", PermissionDenied),
            (412, "PreconditionFailed", AlreadyExists),
            (412, "", AlreadyExists),
            (416, "InvalidRange", Invalid),
            (429, "", Throttled),
            (503, "SlowDown", Throttled),
            (503, "", Throttled),
            (500, "InternalError", Unavailable),
            (400, "RequestTimeout", Unavailable),
            (502, "", Unavailable),
            (507, "", Full),
            (501, "NotImplemented", Unsupported),
            (400, "MalformedXML", Other),
        ] {
            assert_eq!(refusal(status, code).kind(), expect, "{status} {code}");
        }
    }

    #[test]
    fn an_error_says_what_why_and_whose_credentials() {
        let source = Source::default();
        source.set("the profile backup");
        let attempt = Attempt { verb: "write", object: "a/b", store: &"s3://bucket", source: &source };
        let denied = attempt.failed(&refusal(403, "AccessDenied"));
        assert_eq!(
            denied.to_string(),
            "cannot write a/b in s3://bucket: the store answers 403 AccessDenied (It is \"so\".) to the credentials of the \
             profile backup; docs/providers lists the permissions that are needed"
        );
        let missing = Attempt { object: "", verb: "list", ..attempt }.failed(&refusal(404, "NoSuchBucket"));
        assert_eq!(
            missing.to_string(),
            "cannot list s3://bucket: the store answers 404 NoSuchBucket (It is \"so\".); create it, or check its name"
        );
        let skewed = attempt.failed(&refusal(403, "RequestTimeTooSkewed"));
        assert!(skewed.to_string().contains("the clock of this machine is wrong"), "{skewed}");
        let elsewhere = Refusal { region: Some("eu-west-1".to_owned()), ..refusal(301, "PermanentRedirect") };
        assert!(attempt.failed(&elsewhere).to_string().ends_with("add region=eu-west-1"));
    }

    #[test]
    fn the_refusal_is_found_behind_what_others_put_around_it() {
        let http = object_store::client::HttpError::new(
            object_store::client::HttpErrorKind::Unknown,
            refusal(503, "SlowDown"),
        );
        let error = object_store::Error::Generic { store: "S3", source: Box::new(http) };
        let source = Source::default();
        let attempt = Attempt { verb: "read", object: "a", store: &"s3://b", source: &source };
        assert_eq!(attempt.failed(&error).kind(), StoreErrorKind::Throttled);
        let io = std::io::Error::other("connection reset");
        let http = object_store::client::HttpError::new(object_store::client::HttpErrorKind::Request, io);
        let broken = attempt.failed(&http);
        assert_eq!(
            (broken.kind(), broken.to_string().as_str()),
            (StoreErrorKind::Unavailable, "cannot read a in s3://b: connection reset")
        );
        let none =
            object_store::Error::Generic { store: "S3", source: Box::new(CredentialFailure("none found".to_owned())) };
        assert_eq!(attempt.failed(&none).kind(), StoreErrorKind::Unauthenticated);
    }

    #[test]
    fn explanations_stay_short() {
        assert_eq!(one_line(" a\n b\t"), "a b");
        assert_eq!(one_line(&"x".repeat(1_000)).chars().count(), MESSAGE_CHARS_MAX + 1);
    }
}

//! What goes wrong on purpose: for tests of clients.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt, stream};
use http::{Method, Response};

use crate::wire::{ApiError, Body, Chunks};

/// How a request fails.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// 429 with this `Retry-After`; nothing is done.
    TooManyRequests {
        /// When to come back; whole seconds.
        retry_after: Duration,
    },
    /// 503; nothing is done.
    Unavailable,
    /// The request is done, and the connection breaks after so many bytes of the answer's body.
    Cut {
        /// Bytes that still arrive.
        after_bytes: usize,
    },
}

/// Which requests fail, how, and how often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultRule {
    /// Only requests of this method; `None`: of any.
    pub method: Option<Method>,
    /// Only requests whose path begins so.
    pub path_prefix: String,
    /// So many of the next requests.
    pub times: usize,
    /// How they fail.
    pub fault: Fault,
}

/// The faults of a sandbox. A clone is the same set.
#[derive(Debug, Clone, Default)]
pub struct Faults(Arc<Mutex<Vec<FaultRule>>>);

impl Faults {
    /// Adds a rule. The first rule that a request matches counts.
    pub fn add(&self, rule: FaultRule) {
        self.rules().push(rule);
    }

    /// Forgets all rules.
    pub fn clear(&self) {
        self.rules().clear();
    }

    /// How many faults have not happened yet.
    #[must_use]
    pub fn left(&self) -> usize {
        self.rules().iter().map(|rule| rule.times).sum()
    }

    /// The fault of this request, if any; it is used up by that.
    pub(crate) fn take(&self, method: &Method, path: &str) -> Option<Fault> {
        let mut rules = self.rules();
        let rule = rules.iter_mut().find(|rule| rule.times > 0 && rule.matches(method, path))?;
        rule.times -= 1;
        Some(rule.fault.clone())
    }

    // The rules are whole at any moment, so a panic elsewhere while the lock was held does no harm.
    fn rules(&self) -> MutexGuard<'_, Vec<FaultRule>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FaultRule {
    fn matches(&self, method: &Method, path: &str) -> bool {
        self.method.as_ref().is_none_or(|wanted| wanted == method) && path.starts_with(&self.path_prefix)
    }
}

/// The error that is answered instead of doing anything.
pub(crate) fn refusal(fault: &Fault) -> Option<ApiError> {
    match fault {
        Fault::TooManyRequests { retry_after } => Some(ApiError::too_many_requests(*retry_after)),
        Fault::Unavailable => Some(ApiError::unavailable()),
        Fault::Cut { .. } => None,
    }
}

/// The answer, as it arrives after this fault.
pub(crate) fn spoil(fault: &Fault, answer: Response<Body>) -> Response<Body> {
    match *fault {
        Fault::Cut { after_bytes } => answer.map(|body| cut(body, after_bytes)),
        Fault::TooManyRequests { .. } | Fault::Unavailable => answer,
    }
}

fn cut(body: Body, after_bytes: usize) -> Body {
    let chunks = match body.into_chunks() {
        Chunks::Whole(bytes) => stream::iter(bytes.map(Ok)).boxed(),
        Chunks::Stream(stream) => stream,
    };
    let mut left = after_bytes;
    let shortened = chunks.map(move |chunk| {
        let chunk = chunk?;
        if left == 0 {
            return Err(broken());
        }
        let part: Bytes = chunk.slice(..left.min(chunk.len()));
        left -= part.len();
        Ok(part)
    });
    // Also a body that was shorter than the cut must not look whole.
    Body::stream(shortened.chain(stream::iter([Err(broken())])).boxed())
}

fn broken() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionReset, "the connection was cut on purpose")
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    #[test]
    fn rules_are_used_up_in_order() {
        let faults = Faults::default();
        let rule = |method, times, fault| FaultRule { method, path_prefix: "/api/v1/pods".to_owned(), times, fault };
        faults.add(rule(Some(Method::POST), 1, Fault::Unavailable));
        faults.add(rule(None, 2, Fault::Cut { after_bytes: 1 }));
        assert_eq!(faults.take(&Method::GET, "/api/v1/nodes"), None);
        assert_eq!(faults.take(&Method::GET, "/api/v1/pods"), Some(Fault::Cut { after_bytes: 1 }));
        assert_eq!(faults.take(&Method::POST, "/api/v1/pods"), Some(Fault::Unavailable));
        assert_eq!(faults.left(), 1);
        assert_eq!(faults.take(&Method::POST, "/api/v1/pods"), Some(Fault::Cut { after_bytes: 1 }));
        assert_eq!(faults.take(&Method::POST, "/api/v1/pods"), None);
    }

    #[tokio::test]
    async fn a_cut_body_breaks_after_its_bytes() {
        let mut body = cut(Body::whole("abcdef"), 4);
        let first = body.frame().await.expect("a frame").expect("bytes").into_data().expect("data");
        assert_eq!(first, "abcd");
        assert!(body.frame().await.expect("a frame").is_err());
    }
}

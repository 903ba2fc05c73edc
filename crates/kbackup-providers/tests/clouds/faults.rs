//! What a network and a store in trouble do, played by a server that does it where the test wants.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{Request, Response, StatusCode};
use futures::{StreamExt, TryStreamExt, stream};
use kbackup_core::clock::ManualClock;
use kbackup_core::limits::Limits;
use kbackup_core::store::{
    Key, ObjectStore, ObjectStoreExt, PutMode, RetryPolicy, RetryStore, StoreErrorKind, StoreResult,
};
use kbackup_providers::registry::{OpenOptions, open};

use super::emulators::aws_credentials;
use super::server::Server;

const SIZE: usize = 1 << 20;

/// What the server does with a request.
#[derive(Clone)]
enum Act {
    /// It gives the object, or the range that was asked for.
    Give,
    /// It gives so many bytes and breaks off.
    Break(usize),
    /// It gives so many bytes, and says that this is all there is of what was asked for.
    Shorten(usize),
    /// It refuses.
    Refuse(StatusCode, &'static str, Option<&'static str>),
    /// It gives the object with another ETag and size: somebody replaced it.
    Replaced,
}

#[derive(Clone)]
struct Play(Arc<Mutex<(VecDeque<Act>, Vec<String>)>>);

impl Play {
    fn of(acts: impl IntoIterator<Item = Act>) -> Self {
        Self(Arc::new(Mutex::new((acts.into_iter().collect(), Vec::new()))))
    }

    /// The ranges that were asked for.
    fn ranges(&self) -> Vec<String> {
        self.0.lock().unwrap().1.clone()
    }

    async fn server(&self) -> Server {
        Server::start(Router::new().fallback(act).with_state(self.clone())).await
    }
}

fn content() -> Bytes {
    (0..SIZE).map(|at| (at % 251) as u8).collect::<Vec<u8>>().into()
}

async fn act(State(play): State<Play>, request: Request<Body>) -> Response<Body> {
    let range = request.headers().get("range").map(|range| range.to_str().unwrap().to_owned());
    let act = {
        let mut play = play.0.lock().unwrap();
        play.1.push(range.clone().unwrap_or_default());
        play.0.pop_front().unwrap_or(Act::Give)
    };
    let start = range.as_deref().and_then(|range| range.trim_start_matches("bytes=").split('-').next()?.parse().ok());
    let body = content().slice(start.unwrap_or(0)..);
    let response =
        Response::builder().header("Last-Modified", "Wed, 25 Nov 2026 01:02:03 GMT").header("ETag", "\"one\"");
    let response = match start {
        Some(start) => response.status(206).header("Content-Range", format!("bytes {start}-{}/{SIZE}", SIZE - 1)),
        None => response,
    };
    match act {
        Act::Give => response.body(body.into()),
        Act::Break(after) => {
            // What is given must be on its way before the end: a server sends when it has to wait for more.
            let cut = stream::once(async {
                tokio::task::yield_now().await;
                Err(std::io::Error::other("the cable is cut"))
            });
            let pieces = stream::iter([Ok(body.slice(..after))]).chain(cut);
            response.header("Content-Length", body.len()).body(Body::from_stream(pieces))
        }
        Act::Shorten(after) => response.header("Content-Length", after).body(body.slice(..after).into()),
        Act::Refuse(status, code, after) => {
            let text = format!("<Error><Code>{code}</Code><Message>Not now.</Message></Error>");
            let response = Response::builder().status(status);
            let response = after.into_iter().fold(response, |response, after| response.header("Retry-After", after));
            response.body(text.into())
        }
        Act::Replaced => Response::builder()
            .status(206)
            .header("Last-Modified", "Wed, 25 Nov 2026 09:09:09 GMT")
            .header("ETag", "\"two\"")
            .header("Content-Range", format!("bytes {}-{}/{}", start.unwrap_or(0), SIZE - 1, SIZE))
            .body(body.into()),
    }
    .unwrap()
}

/// The bucket of a server, asked once.
fn bare(server: &Server) -> Arc<dyn ObjectStore> {
    let limits = Limits { store_attempts_max: 1, ..Limits::default() };
    let url = format!("s3://bucket?anonymous=true&endpoint={}", server.address);
    open(&url, OpenOptions::default().limits(limits)).expect("a store")
}

/// The same, asked again at once where that can help.
fn stubborn(server: &Server) -> RetryStore {
    let clock = ManualClock::at("2026-11-25T00:00:00Z".parse().unwrap());
    RetryStore::new(bare(server), RetryPolicy::default(), Arc::new(clock))
}

fn key() -> Key {
    "folder/object".parse().unwrap()
}

async fn read(store: &dyn ObjectStore) -> StoreResult<Bytes> {
    store.get_bytes(&key(), u64::MAX).await
}

#[tokio::test]
async fn a_body_that_breaks_is_an_error_and_is_resumed_where_it_broke() {
    let play = Play::of([Act::Break(300_000)]);
    let error = read(&*bare(&play.server().await)).await.expect_err("half a body");
    assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{error}");

    let play = Play::of([Act::Break(300_000), Act::Break(400_000), Act::Give]);
    let server = play.server().await;
    assert!(read(&stubborn(&server)).await.expect("a whole body") == content());
    let ranges = play.ranges();
    assert_eq!((ranges.len(), ranges[0].as_str()), (3, ""), "{ranges:?}");
    assert!(ranges[1..].iter().all(|range| range.starts_with("bytes=")), "only the rest is asked for: {ranges:?}");
}

#[tokio::test]
async fn a_short_range_is_never_taken_for_a_whole_one() {
    let play = Play::of([Act::Shorten(1_000)]);
    let server = play.server().await;
    let download = bare(&server).get(&key(), Some(10..SIZE as u64)).await;
    let error = match download {
        Ok(download) => download.body.try_collect::<Vec<_>>().await.expect_err("a short body"),
        Err(error) => error,
    };
    assert!(matches!(error.kind(), StoreErrorKind::Unavailable | StoreErrorKind::Other), "{error}");
}

#[tokio::test]
async fn an_object_that_is_replaced_while_it_is_read_is_an_error() {
    let play = Play::of([Act::Break(300_000), Act::Replaced]);
    let server = play.server().await;
    let error = read(&stubborn(&server)).await.expect_err("two objects");
    assert!(error.to_string().contains("was replaced while it was read"), "{error}");
}

#[tokio::test]
async fn a_store_that_asks_to_slow_down_is_asked_later() {
    for (status, code) in [(StatusCode::SERVICE_UNAVAILABLE, "SlowDown"), (StatusCode::TOO_MANY_REQUESTS, "")] {
        let play = Play::of([Act::Refuse(status, code, Some("7"))]);
        let server = play.server().await;
        let error = bare(&server).head(&key()).await.expect_err("not now");
        assert_eq!(error.kind(), StoreErrorKind::Throttled, "{error}");
        assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
        let play = Play::of(vec![Act::Refuse(status, code, Some("7")); 5]);
        let server = play.server().await;
        assert_eq!(stubborn(&server).head(&key()).await.expect("the sixth answer").size, SIZE as u64);
        assert_eq!(play.ranges().len(), 6, "nobody but the retry store tries again");
    }
}

#[tokio::test]
async fn a_clock_that_is_wrong_is_named() {
    let play = Play::of([Act::Refuse(StatusCode::FORBIDDEN, "RequestTimeTooSkewed", None)]);
    let error = bare(&play.server().await).get(&key(), None).await.map(|_| ()).expect_err("a skewed clock");
    assert_eq!(error.kind(), StoreErrorKind::Unauthenticated, "{error}");
    assert!(error.to_string().contains("the clock of this machine is wrong"), "{error}");
}

#[tokio::test]
async fn wrong_credentials_are_told_with_their_source() {
    for (code, kind) in [
        ("InvalidAccessKeyId", StoreErrorKind::Unauthenticated),
        ("SignatureDoesNotMatch", StoreErrorKind::Unauthenticated),
        ("ExpiredToken", StoreErrorKind::Unauthenticated),
        ("AccessDenied", StoreErrorKind::PermissionDenied),
    ] {
        let play = Play::of([Act::Refuse(StatusCode::FORBIDDEN, code, None)]);
        let server = play.server().await;
        let file = aws_credentials();
        let file = file.path().display();
        let url = format!("s3://bucket?endpoint={}&profile=test&credentials-file={file}", server.address);
        let error = open(&url, OpenOptions::default()).unwrap().put(&key(), "x".into(), PutMode::Create).await;
        let error = error.expect_err("refused");
        assert_eq!(error.kind(), kind, "{error}");
        assert!(
            error.to_string().contains(&format!("{code} (Not now.) to the credentials of the profile \"test\"")),
            "{error}"
        );
        assert!(!error.to_string().contains("kbackup-test-secret"), "{error}");
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable() {
    let server = Play::of([]).server().await;
    let address = server.address.clone();
    drop(server);
    let limits = Limits { store_attempts_max: 1, ..Limits::default() };
    let url = format!("s3://bucket?anonymous=true&endpoint={}", address.replace("127.0.0.1", "127.0.0.9"));
    let store = open(&url, OpenOptions::default().limits(limits)).unwrap();
    let error = store.head(&key()).await.expect_err("nobody listens");
    assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{error}");
    assert!(!error.to_string().contains('\n'), "{error}");
}

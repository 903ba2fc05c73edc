use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use futures::stream::{self, StreamExt, TryStreamExt};
use http_body::Frame;
use kbackup_core::cluster::{At, ClusterErrorKind, ClusterReader, ListQuery, Page, PageSize};
use kbackup_core::model::{Gvr, LabelSelector, ResourceType, Revision, Verb};
use serde_json::json;

use super::{Answer, asked, scripted};

fn query(at: At) -> ListQuery {
    let ty = ResourceType {
        gvr: Gvr::new("", "v1", "configmaps"),
        kind: "ConfigMap".into(),
        singular: "configmap".into(),
        short_names: Vec::new(),
        categories: Vec::new(),
        namespaced: true,
        verbs: vec![Verb::List],
        has_status: false,
        preferred: true,
    };
    ListQuery {
        ty: Arc::new(ty),
        namespace: None,
        labels: LabelSelector::default(),
        name: None,
        at,
        page: PageSize { objects_max: 5_000, bytes_target: 16 << 20 },
        metadata_only: false,
    }
}

const EXACT: At = At::Exact(Revision(7));

fn item(name: &str) -> String {
    json!({"metadata": {"name": name, "namespace": "shop"}}).to_string()
}

/// A page at revision 7 of these items.
fn page(token: &str, items: &[&str]) -> String {
    format!("{}{}]}}", head(token), items.iter().map(|name| item(name)).collect::<Vec<_>>().join(","))
}

/// The beginning of a page, up to its items.
fn head(token: &str) -> String {
    format!(r#"{{"kind":"ConfigMapList","metadata":{{"resourceVersion":"7","continue":"{token}"}},"items":["#)
}

fn names(pages: &[Page]) -> Vec<String> {
    pages.iter().flat_map(|page| &page.objects).map(|object| object.meta().name.clone()).collect()
}

#[tokio::test(start_paused = true)]
async fn pages_follow_their_tokens_at_one_revision() {
    let (cluster, log) = scripted([
        Answer::json(200, &page("next", &["a", "b"])),
        Answer::json(200, &page("last", &[])),
        Answer::json(200, &page("", &["c"])),
    ]);
    let pages: Vec<Page> = cluster.list(&query(EXACT)).try_collect().await.expect("a list");
    assert_eq!(names(&pages), ["a", "b", "c"]);
    assert!(pages.iter().all(|page| page.revision == Revision(7)));
    let list = "GET /api/v1/configmaps?limit=";
    let first = format!("{list}500&resourceVersion=7&resourceVersionMatch=Exact");
    assert_eq!(asked(&log), [first, format!("{list}5000&continue=next"), format!("{list}5000&continue=last")]);
}

#[tokio::test(start_paused = true)]
async fn a_page_that_breaks_is_read_again_without_what_was_taken() {
    let broken = || Answer::pieces(200, [Some(format!("{}{},{},", head(""), item("a"), item("b"))), None]);
    let more = format!("{}{},{},{},", head(""), item("a"), item("b"), item("c"));
    let (cluster, log) = scripted([
        broken(),
        broken(),
        Answer::pieces(200, [Some(more), None]),
        Answer::json(200, &page("", &["a", "b", "c", "d"])),
    ]);
    let pages: Vec<Page> = cluster.list(&query(EXACT)).try_collect().await.expect("a list");
    assert_eq!(names(&pages), ["a", "b", "c", "d"]);
    assert_eq!(asked(&log).len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_page_that_cannot_be_had_again_is_an_error() {
    let broken = || Answer::pieces(200, [Some(format!("{}{},", head(""), item("a"))), None]);
    let check = async |at: At, answers: Vec<Answer>, requests: usize| {
        let (cluster, log) = scripted(answers);
        let error = cluster.list(&query(at)).try_collect::<Vec<Page>>().await.expect_err("it broke");
        assert_eq!(error.kind(), ClusterErrorKind::Unavailable, "{error}");
        assert_eq!(asked(&log).len(), requests, "{error}");
    };
    // The newest objects may be others by now.
    check(At::Newest, vec![broken()], 1).await;
    // Five times, and only the first had a new object.
    check(EXACT, (0..9).map(|_| broken()).collect(), 5).await;
    // An API that gives another revision than the one asked for.
    check(At::Exact(Revision(6)), vec![broken()], 1).await;
}

#[tokio::test(start_paused = true)]
async fn what_broke_before_its_first_object_can_always_be_had_again() {
    let (cluster, _) = scripted([Answer::pieces(200, [Some(head("")), None]), Answer::json(200, &page("", &["a"]))]);
    let pages: Vec<Page> = cluster.list(&query(At::Newest)).try_collect().await.expect("a list");
    assert_eq!(names(&pages), ["a"]);
}

#[tokio::test(start_paused = true)]
async fn a_compacted_revision_is_expired_wherever_it_happens() {
    let gone = || Answer::json(410, &json!({"kind": "Status", "reason": "Expired", "message": "too old", "code": 410}));
    let check = async |answers: Vec<Answer>, pages: usize| {
        let (cluster, _) = scripted(answers);
        let items: Vec<_> = cluster.list(&query(EXACT)).collect().await;
        assert_eq!(items.len(), pages + 1);
        let last = items.into_iter().last().expect("an error").expect_err("an error");
        assert_eq!(last.kind(), ClusterErrorKind::Expired);
    };
    check(vec![gone()], 0).await;
    check(vec![Answer::json(200, &page("next", &["a"])), gone()], 1).await;
}

/// A page as of custom resources: its metadata comes last. It is of `objects` objects of 64 KiB.
fn backwards(token: &str, objects: usize) -> Answer {
    let item = json!({"metadata": {"name": "big"}, "spec": "x".repeat(64 << 10)}).to_string();
    let items = vec![item; objects].join(",");
    let metadata = json!({"resourceVersion": "7", "continue": token, "remainingItemCount": 40});
    let body = format!(r#"{{"apiVersion":"v1","items":[{items}],"kind":"List","metadata":{metadata}}}"#);
    let pieces = body.as_bytes().chunks(16 << 10).map(|piece| String::from_utf8(piece.to_vec()).ok());
    Answer::pieces(200, pieces)
}

#[tokio::test(start_paused = true)]
async fn metadata_may_come_last() {
    let check = async |at: At, expect: &[(usize, Option<u64>)]| {
        let (cluster, _) = scripted([backwards("next", 20), backwards("", 40)]);
        let pages: Vec<Page> = cluster.list(&query(at)).try_collect().await.expect("a list");
        let got: Vec<_> = pages.iter().map(|page| (page.objects.len(), page.remaining)).collect();
        assert_eq!(got, expect);
        assert!(pages.iter().all(|page| page.revision == Revision(7)));
    };
    let rest = [(16, Some(24)), (16, Some(8)), (8, Some(0))];
    // The revision is known from the beginning, or when the first page is over.
    check(EXACT, &[[(16, None), (4, Some(40))].as_slice(), &rest].concat()).await;
    check(At::Newest, &[[(20, None)].as_slice(), &rest].concat()).await;
}

#[tokio::test(start_paused = true)]
async fn what_may_have_to_be_held_is_a_small_page() {
    let (cluster, log) = scripted([Answer::json(200, &page("", &[]))]);
    cluster.list(&query(At::Newest)).try_collect::<Vec<Page>>().await.expect("a list");
    assert_eq!(asked(&log), ["GET /api/v1/configmaps?limit=50"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_a_list_is_a_bad_response() {
    let check = async |body: &str, expect: &str| {
        let (cluster, _) = scripted([Answer::json(200, body)]);
        let error = cluster.list(&query(EXACT)).try_collect::<Vec<Page>>().await.expect_err("no list");
        assert_eq!((error.kind(), error.to_string().as_str()), (ClusterErrorKind::BadResponse, expect));
    };
    check("<html>", "the list of configmaps is not understood: it is not a JSON object at byte 0").await;
    check(&head(""), "the list of configmaps is not understood: it ended too early").await;
    let nameless = format!("{}{{}}]}}", head(""));
    check(&nameless, "item 1 of the list of configmaps is not an object of Kubernetes").await;
    check(
        r#"{"metadata":{"resourceVersion":"x"},"items":[]}"#,
        "the list of configmaps has no revision: \"x\" is not a resourceVersion: a decimal number was expected",
    )
    .await;
}

/// A page that would never end, in pieces of 64 KiB, and how many of them were read.
fn endless() -> (Answer, Arc<AtomicUsize>) {
    let read = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&read);
    let piece = format!("{},", json!({"metadata": {"name": "big"}, "data": "x".repeat(64 << 10)}));
    let pieces = std::iter::once(head("")).chain(std::iter::repeat(piece));
    let body = stream::iter(pieces.map(move |piece| {
        count.fetch_add(1, Ordering::Relaxed);
        Ok(Frame::data(Bytes::from(piece)))
    }));
    (Answer::stream(200, body.boxed()), read)
}

#[tokio::test(start_paused = true)]
async fn who_does_not_poll_stops_the_reading() {
    let (answer, read) = endless();
    let (cluster, _) = scripted([answer]);
    let mut pages = cluster.list(&query(EXACT));
    let page = pages.next().await.expect("a page").expect("a page");
    let bytes: usize = page.objects.iter().map(|object| object.raw().len()).sum();
    assert!((1 << 20..2 << 20).contains(&bytes), "{bytes} bytes");
    assert!(read.load(Ordering::Relaxed) < 20, "{read:?} pieces");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_pauses_too_long_is_given_up() {
    let pieces = stream::iter([Ok(Frame::data(Bytes::from(head(""))))]).chain(stream::pending());
    let (cluster, _) = scripted([Answer::stream(200, pieces.boxed())]);
    let error = cluster.list(&query(EXACT)).try_collect::<Vec<Page>>().await.expect_err("it pauses");
    assert_eq!(error.kind(), ClusterErrorKind::Timeout);
    assert_eq!(error.to_string(), "https://scripted sent nothing for 60 s");
}

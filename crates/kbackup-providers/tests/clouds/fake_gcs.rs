//! The part of the XML API of Google Cloud Storage that is used, in memory, with a bucket called `bucket`, and one called
//! `retaining`, whose objects can be retained. No public emulator speaks it.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, Request, Response, StatusCode};
use jiff::Timestamp;
use percent_encoding::percent_decode_str;

use super::server::Server;

const PAGE: usize = 1_000;

#[derive(Default)]
struct Bucket {
    objects: BTreeMap<String, Object>,
    uploads: HashMap<String, Upload>,
    generation: u64,
    /// Whether objects can be retained in it.
    retains: bool,
}

#[derive(Default)]
struct Upload {
    parts: BTreeMap<u32, Bytes>,
    retention: Option<Retention>,
}

#[derive(Clone)]
struct Retention {
    mode: String,
    until: Timestamp,
}

#[derive(Clone)]
struct Object {
    body: Bytes,
    generation: u64,
    modified: Timestamp,
    retention: Option<Retention>,
}

type Shared = Arc<Mutex<HashMap<&'static str, Bucket>>>;
type Answer = Result<Response<Body>, (StatusCode, &'static str)>;

const MISSING: (StatusCode, &str) = (StatusCode::NOT_FOUND, "NoSuchKey");
const RETAINED: (StatusCode, &str) = (StatusCode::FORBIDDEN, "AccessDenied");
const TAKEN: (StatusCode, &str) = (StatusCode::PRECONDITION_FAILED, "PreconditionFailed");

pub(crate) async fn start() -> Server {
    let retaining = Bucket { retains: true, ..Bucket::default() };
    let buckets = HashMap::from([("bucket", Bucket::default()), ("retaining", retaining)]);
    Server::start(Router::new().fallback(answer).with_state(Arc::new(Mutex::new(buckets)))).await
}

async fn answer(State(buckets): State<Shared>, request: Request<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 64 << 20).await.expect("a body");
    let path = parts.uri.path().trim_start_matches('/');
    let (name, key) = path.split_once('/').unwrap_or((path, ""));
    let key = percent_decode_str(key).decode_utf8().expect("UTF-8").into_owned();
    let query: HashMap<String, String> =
        url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
    let mut buckets = buckets.lock().expect("no test panics in here");
    let described = key.strip_prefix("v1/b/").filter(|_| name == "storage");
    let answer = match (described, buckets.get_mut(described.unwrap_or(name))) {
        (_, None) => Err((StatusCode::NOT_FOUND, "NoSuchBucket")),
        (Some(_), Some(bucket)) => Ok(bucket.describe()),
        (None, Some(bucket)) if key.is_empty() => bucket.list(&query),
        (None, Some(bucket)) => bucket.object(&parts.method, &key, &query, &parts.headers, body),
    };
    answer.unwrap_or_else(|(status, code)| {
        let text = format!("<?xml version='1.0'?><Error><Code>{code}</Code><Message>It is so.</Message></Error>");
        Response::builder().status(status).body(text.into()).expect("a response")
    })
}

impl Bucket {
    fn object(
        &mut self,
        method: &Method,
        key: &str,
        query: &HashMap<String, String>,
        headers: &HeaderMap,
        body: Bytes,
    ) -> Answer {
        let upload = query.get("uploadId");
        let retention = self.retention(headers)?;
        let found = self.objects.get(key);
        if query.contains_key("retention") {
            return found.and_then(|object| object.retention.as_ref()).ok_or(MISSING)?.tell();
        }
        let is_retained = found.is_some_and(Object::is_retained);
        match (method.as_str(), upload) {
            ("PUT", Some(id)) => {
                let number = query["partNumber"].parse().expect("a number");
                self.uploads.get_mut(id).ok_or(MISSING)?.parts.insert(number, body);
                Ok(Response::builder().header("ETag", format!("\"part-{number}\"")).body(Body::empty()).expect("valid"))
            }
            ("PUT", None) => {
                if headers.get("x-goog-if-generation-match").is_some_and(|value| value == "0")
                    && self.objects.contains_key(key)
                {
                    return Err(TAKEN);
                }
                if is_retained {
                    return Err(RETAINED);
                }
                Ok(self.store(key, body, retention))
            }
            ("POST", None) => {
                self.generation += 1;
                let id = format!("upload-{}", self.generation);
                self.uploads.insert(id.clone(), Upload { retention, ..Upload::default() });
                xml(&format!(
                    "<InitiateMultipartUploadResult><UploadId>{id}</UploadId></InitiateMultipartUploadResult>"
                ))
            }
            ("POST", Some(id)) => {
                if is_retained {
                    return Err(RETAINED);
                }
                let Upload { parts, retention } = self.uploads.remove(id).ok_or(MISSING)?;
                self.store(key, parts.into_values().collect::<Vec<_>>().concat().into(), retention);
                xml("<CompleteMultipartUploadResult><ETag>\"x\"</ETag></CompleteMultipartUploadResult>")
            }
            ("DELETE", Some(id)) => self.uploads.remove(id).map(|_| empty()).ok_or(MISSING),
            ("DELETE", None) if is_retained => Err(RETAINED),
            ("DELETE", None) => self.objects.remove(key).map(|_| empty()).ok_or(MISSING),
            _ => self.objects.get(key).ok_or(MISSING)?.read(method, headers),
        }
    }

    /// What a request asks an object to be retained by.
    fn retention(&self, headers: &HeaderMap) -> Result<Option<Retention>, (StatusCode, &'static str)> {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let asked = (text("x-goog-object-lock-mode"), text("x-goog-object-lock-retain-until-date"));
        let (mode, until) = match asked {
            (Some(mode), Some(until)) if self.retains => (mode, until.parse()),
            (None, None) => return Ok(None),
            _ => return Err((StatusCode::BAD_REQUEST, "InvalidArgument")),
        };
        let until = until.map_err(|_| (StatusCode::BAD_REQUEST, "InvalidArgument"))?;
        Ok(Some(Retention { mode: mode.to_owned(), until }))
    }

    /// The bucket, as the JSON API describes it.
    fn describe(&self) -> Response<Body> {
        let text = if self.retains { r#"{"objectRetention":{"mode":"Enabled"}}"# } else { "{}" };
        Response::builder().header("Content-Type", "application/json").body(text.into()).expect("valid")
    }

    fn store(&mut self, key: &str, body: Bytes, retention: Option<Retention>) -> Response<Body> {
        self.generation += 1;
        let object = Object { body, generation: self.generation, modified: Timestamp::now(), retention };
        let answer = object.describe(Response::builder()).body(Body::empty()).expect("valid");
        self.objects.insert(key.to_owned(), object);
        answer
    }

    fn list(&self, query: &HashMap<String, String>) -> Answer {
        let text = |name: &str| query.get(name).map(String::as_str).unwrap_or_default();
        let (prefix, delimiter, after) = (text("prefix"), text("delimiter"), text("continuation-token"));
        let mut answer = String::from("<ListBucketResult>");
        let mut last = String::new();
        let mut count = 0;
        for (key, object) in self.objects.iter().filter(|(key, _)| key.starts_with(prefix)) {
            let rest = &key[prefix.len()..];
            let common = if delimiter.is_empty() { None } else { rest.find(delimiter) };
            let entry = common.map_or(key.as_str(), |at| &key[..prefix.len() + at + 1]);
            if entry <= after || entry == last {
                continue;
            }
            if count == PAGE {
                write!(answer, "<NextContinuationToken>{}</NextContinuationToken>", escaped(&last)).expect("a text");
                break;
            }
            match common {
                Some(_) => write!(answer, "<CommonPrefixes><Prefix>{}</Prefix></CommonPrefixes>", escaped(entry)),
                None => write!(
                    answer,
                    "<Contents><Key>{}</Key><Size>{}</Size><LastModified>{}</LastModified><ETag>\"{}\"</ETag></Contents>",
                    escaped(key),
                    object.body.len(),
                    object.modified.strftime("%Y-%m-%dT%H:%M:%S%.3fZ"),
                    object.generation
                ),
            }
            .expect("a text");
            last = entry.to_owned();
            count += 1;
        }
        answer.push_str("</ListBucketResult>");
        xml(&answer)
    }
}

impl Retention {
    fn tell(&self) -> Answer {
        let Self { mode, until } = self;
        xml(&format!("<Retention><Mode>{mode}</Mode><RetainUntilDate>{until}</RetainUntilDate></Retention>"))
    }
}

impl Object {
    fn is_retained(&self) -> bool {
        self.retention.as_ref().is_some_and(|retention| Timestamp::now() < retention.until)
    }

    fn describe(&self, response: axum::http::response::Builder) -> axum::http::response::Builder {
        response
            .header("ETag", format!("\"{}\"", self.generation))
            .header("x-goog-generation", self.generation)
            .header("Last-Modified", self.modified.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string())
    }

    fn read(&self, method: &Method, headers: &HeaderMap) -> Answer {
        let size = self.body.len();
        let response = self.describe(Response::builder());
        if method == Method::HEAD {
            return Ok(response.header("Content-Length", size).body(Body::empty()).expect("valid"));
        }
        let Some(range) = headers.get("Range") else {
            return Ok(response.body(self.body.clone().into()).expect("valid"));
        };
        let range = range.to_str().expect("a range").trim_start_matches("bytes=");
        let (start, end) = range.split_once('-').expect("a range");
        let start: usize = start.parse().expect("a number");
        let end = end.parse::<usize>().map_or(size, |end| size.min(end.saturating_add(1)));
        if start >= size {
            return Err((StatusCode::RANGE_NOT_SATISFIABLE, "InvalidRange"));
        }
        let response = response.status(StatusCode::PARTIAL_CONTENT);
        let response = response.header("Content-Range", format!("bytes {start}-{}/{size}", end - 1));
        Ok(response.body(self.body.slice(start..end).into()).expect("valid"))
    }
}

fn xml(text: &str) -> Answer {
    Ok(Response::builder().body(format!("<?xml version='1.0' encoding='UTF-8'?>{text}").into()).expect("valid"))
}

fn empty() -> Response<Body> {
    Response::builder().status(StatusCode::NO_CONTENT).body(Body::empty()).expect("valid")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

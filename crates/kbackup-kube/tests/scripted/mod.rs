//! Against a server that answers from a script: what a real one does rarely, or not at all.

mod answers;
mod lists;

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt};
use http::{Request, Response};
use http_body::Frame;
use http_body_util::StreamBody;
use kbackup_kube::{CallLimits, KubeCluster};
use kube::client::Body;
use tower::service_fn;

/// An answer of the server.
struct Answer {
    status: u16,
    headers: Vec<(&'static str, &'static str)>,
    body: BoxStream<'static, io::Result<Frame<Bytes>>>,
}

/// What the server was asked: `GET /api/v1/pods?limit=1`.
type Asked = Arc<Mutex<Vec<String>>>;

impl Answer {
    fn json(status: u16, body: &(impl ToString + ?Sized)) -> Self {
        Self::pieces(status, [Some(body.to_string())])
    }

    /// An answer in pieces; where one is `None`, the connection breaks.
    fn pieces(status: u16, pieces: impl IntoIterator<Item = Option<String>>) -> Self {
        let piece = |piece: Option<String>| match piece {
            Some(text) => Ok(Frame::data(Bytes::from(text))),
            None => Err(io::Error::from(io::ErrorKind::ConnectionReset)),
        };
        let pieces: Vec<_> = pieces.into_iter().map(piece).collect();
        Self::stream(status, stream::iter(pieces).boxed())
    }

    fn stream(status: u16, body: BoxStream<'static, io::Result<Frame<Bytes>>>) -> Self {
        Self { status, headers: Vec::new(), body }
    }

    fn header(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.push((name, value));
        self
    }
}

/// A cluster that gives these answers one after the other, then 418, and what it is asked meanwhile.
fn scripted(answers: impl IntoIterator<Item = Answer>) -> (KubeCluster, Asked) {
    let answers = Arc::new(Mutex::new(answers.into_iter().collect::<VecDeque<_>>()));
    answering(move |_| answers.lock().expect("no panic").pop_front().unwrap_or_else(|| Answer::json(418, "no more")))
}

/// A cluster that answers as `answer` says, and what it is asked meanwhile.
fn answering(answer: impl Fn(&str) -> Answer + Send + Sync + 'static) -> (KubeCluster, Asked) {
    let asked = Asked::default();
    let (log, answer) = (Arc::clone(&asked), Arc::new(answer));
    let service = service_fn(move |request: Request<Body>| {
        let (log, answer) = (Arc::clone(&log), Arc::clone(&answer));
        async move {
            let line = format!("{} {}", request.method(), request.uri());
            let Answer { status, headers, body } = answer(&line);
            log.lock().expect("no panic").push(line);
            let mut response = Response::builder().status(status);
            for (name, value) in headers {
                response = response.header(name, value);
            }
            Ok::<_, Infallible>(response.body(StreamBody::new(body)).expect("a response"))
        }
    });
    let client = kube::Client::new(service, "default");
    (KubeCluster::new(client, "https://scripted", CallLimits::default()), asked)
}

fn asked(asked: &Asked) -> Vec<String> {
    asked.lock().expect("no panic").clone()
}

//! Commands in containers over a WebSocket
//! (<https://github.com/kubernetes/enhancements/tree/master/keps/sig-api-machinery/4006-transition-spdy-to-websockets>).
//!
//! Each message begins with the number of its channel: 1 standard output, 2 standard error, 3 how the command ended.
//! Standard input is not read: a scripted command has none.

use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use futures::{SinkExt, StreamExt};
use http::header::{CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, UPGRADE};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use kbackup_core::cluster::{ClusterResult, ExecCommand, ExecOutput, MemoryCluster, PodExec};
use kbackup_core::model::ObjectRef;
use serde_json::{Value, json};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role};
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};

use super::Call;
use crate::wire::{ApiError, ApiResult, Body, Query};

/// The protocols that are spoken, the best first. They differ in closing standard input only, which is not read.
const PROTOCOLS: [&str; 2] = ["v5.channel.k8s.io", "v4.channel.k8s.io"];
/// How long a command may run.
const RUN_FOR_MAX: Duration = Duration::from_secs(3600);
/// How long a client may take to close its end.
const CLOSE_WITHIN: Duration = Duration::from_secs(5);

type Socket = WebSocketStream<TokioIo<Upgraded>>;

const STDOUT: u8 = 1;
const STDERR: u8 = 2;
const END: u8 = 3;

/// Answers a command: by changing the protocol, on which the command's output then comes.
///
/// # Errors
/// What the server answers instead: 404 for the pod, 400 where no WebSocket is asked for or can be had.
pub(super) fn exec(cluster: &MemoryCluster, call: Call, pod: ObjectRef) -> ApiResult<Response<Body>> {
    let run = command(&call.query)?;
    cluster.check_exec(&pod, &run)?;
    let (key, protocol) = handshake(&call.headers)?;
    let upgrade = call.upgrade.ok_or_else(|| ApiError::bad_request("commands need a connection over a socket"))?;
    upgrade.sessions.leave(Box::pin(session(upgrade.on_upgrade, cluster.clone(), pod, run)));

    let mut answer = Response::new(Body::whole(Bytes::new()));
    *answer.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = answer.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(protocol));
    headers.insert(SEC_WEBSOCKET_ACCEPT, key);
    Ok(answer)
}

fn command(query: &Query) -> ApiResult<ExecCommand> {
    let command: Vec<String> = query.all("command").map(str::to_owned).collect();
    if command.is_empty() {
        return Err(ApiError::bad_request("you must specify at least 1 command for the container"));
    }
    Ok(ExecCommand { container: query.get("container").map(str::to_owned), command, timeout: RUN_FOR_MAX })
}

/// The key that accepts the handshake, and the protocol that both speak (RFC 6455 §4.2.2).
fn handshake(headers: &HeaderMap) -> ApiResult<(HeaderValue, &'static str)> {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let key = text(SEC_WEBSOCKET_KEY).filter(|_| text(UPGRADE).is_some_and(|to| to.eq_ignore_ascii_case("websocket")));
    let Some(key) = key else { return Err(ApiError::bad_request("Upgrade request required")) };
    let asked: Vec<&str> = text(SEC_WEBSOCKET_PROTOCOL).unwrap_or_default().split(',').map(str::trim).collect();
    let protocol = PROTOCOLS.into_iter().find(|protocol| asked.contains(protocol)).ok_or_else(|| {
        ApiError::bad_request(format!("none of the protocols is spoken here; use one of {}", PROTOCOLS.join(", ")))
    })?;
    let accept = HeaderValue::try_from(derive_accept_key(key.as_bytes()));
    Ok((accept.map_err(|_| ApiError::bad_request("Sec-WebSocket-Key is not one"))?, protocol))
}

async fn session(on_upgrade: OnUpgrade, cluster: MemoryCluster, pod: ObjectRef, run: ExecCommand) {
    let Ok(upgraded) = on_upgrade.await else {
        tracing::debug!("a client went before its command ran");
        return;
    };
    let mut socket = WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, None).await;
    let result = tokio::select! {
        biased;
        result = PodExec::exec(&cluster, &pod, &run) => result,
        () = gone(&mut socket) => {
            tracing::debug!(%pod, "a client went before its command ended");
            return;
        }
    };
    let sent = async {
        for message in messages(&result) {
            socket.send(message).await?;
        }
        socket.close(Some(CloseFrame { code: CloseCode::Normal, reason: Utf8Bytes::default() })).await?;
        // What the client still says does not matter, but its end of the closing does.
        while socket.next().await.transpose()?.is_some() {}
        Ok::<(), Error>(())
    };
    if !matches!(tokio::time::timeout(CLOSE_WITHIN, sent).await, Ok(Ok(()))) {
        tracing::debug!(%pod, "a client did not wait for the end of its command");
    }
}

/// Waits until the client has closed the connection; what it says before does not matter.
async fn gone(socket: &mut Socket) {
    while let Some(Ok(_)) = socket.next().await {}
}

fn messages(result: &ClusterResult<ExecOutput>) -> Vec<Message> {
    let nothing = ExecOutput::default();
    let output = result.as_ref().unwrap_or(&nothing);
    let status = match result {
        Ok(output) => end_status(output.exit_code),
        Err(error) => {
            json!({"metadata": {}, "status": "Failure", "message": error.to_string(), "reason": "InternalError", "code": 500})
        }
    };
    let outputs = [(STDOUT, output.stdout.clone()), (STDERR, output.stderr.clone())];
    let told = outputs.into_iter().filter(|(_, bytes)| !bytes.is_empty());
    told.chain([(END, status.to_string().into())]).map(|(channel, bytes)| message(channel, &bytes)).collect()
}

fn message(channel: u8, bytes: &[u8]) -> Message {
    let mut message = BytesMut::with_capacity(bytes.len() + 1);
    message.put_u8(channel);
    message.put_slice(bytes);
    Message::Binary(message.freeze())
}

/// How a command ended, as a kubelet tells it.
fn end_status(exit_code: i32) -> Value {
    if exit_code == 0 {
        return json!({"metadata": {}, "status": "Success"});
    }
    json!({
        "metadata": {}, "status": "Failure", "reason": "NonZeroExitCode",
        "message": format!("command terminated with non-zero exit code: exit status {exit_code}"),
        "details": {"causes": [{"reason": "ExitCode", "message": exit_code.to_string()}]},
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handshakes() {
        let headers = |pairs: &[(&'static str, &str)]| -> HeaderMap {
            pairs.iter().map(|(name, value)| (name.parse().expect("a name"), value.parse().expect("a value"))).collect()
        };
        let good = [
            ("upgrade", "WebSocket"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ("sec-websocket-protocol", "v4.channel.k8s.io, v5.channel.k8s.io"),
        ];
        let (key, protocol) = handshake(&headers(&good)).expect("a handshake");
        // The example of RFC 6455 §1.3.
        assert_eq!((key.to_str().ok(), protocol), (Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "v5.channel.k8s.io"));
        assert_eq!(handshake(&headers(&good[..1])).expect_err("no key").code(), 400);
        assert_eq!(handshake(&headers(&good[..2])).expect_err("no protocol").code(), 400);
    }

    #[test]
    fn an_exit_code_is_told_at_the_end() {
        let output = ExecOutput { exit_code: 3, stdout: "out".into(), stderr: Bytes::new() };
        let messages: Vec<_> = messages(&Ok(output)).into_iter().map(Message::into_data).collect();
        assert_eq!(messages[0], "\x01out");
        let status: Value = serde_json::from_slice(&messages[1][1..]).expect("a status");
        assert_eq!((messages[1][0], &status["details"]["causes"][0]["message"]), (3, &json!("3")));
    }
}

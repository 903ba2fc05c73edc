//! Commands in containers, against a socket that speaks as a kubelet does behind the API server.

use std::time::Duration;

use futures::{SinkExt, StreamExt};
use kbackup_core::cluster::{ClusterErrorKind, ClusterResult, ExecCommand, ExecOutput, PodExec};
use kbackup_core::model::{Gvr, ObjectRef};
use kbackup_kube::{CallLimits, KubeCluster};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};

/// What the server sends over one connection: the channel (1 stdout, 2 stderr, 3 status) and its bytes.
type Frames = Vec<(u8, Vec<u8>)>;

const PROTOCOL: &str = "v5.channel.k8s.io";

/// Runs a command in a pod whose kubelet sends `frames`, then waits where it should. Returns what it was asked, too.
async fn exec(frames: Frames, stays_open: bool) -> (String, ClusterResult<ExecOutput>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a socket");
    let server = format!("http://{}", listener.local_addr().expect("an address"));
    let mut config = kube::Config::new(server.parse().expect("a url"));
    config.default_retry = false;
    let client = kube::Client::try_from(config).expect("a client");
    let cluster = KubeCluster::new(client, &server, CallLimits::default());
    let pod = ObjectRef::namespaced(Gvr::new("", "v1", "pods"), "shop", "db-0");
    let command = ExecCommand {
        container: Some("db".into()),
        command: vec!["fsfreeze".into(), "--freeze".into(), "/var lib".into()],
        timeout: Duration::from_millis(if stays_open { 300 } else { 60_000 }),
    };
    tokio::join!(serve(listener, frames, stays_open), cluster.exec(&pod, &command))
}

async fn serve(listener: TcpListener, frames: Frames, stays_open: bool) -> String {
    let (socket, _) = listener.accept().await.expect("a connection");
    let mut asked = String::new();
    #[allow(clippy::result_large_err, reason = "the signature is tungstenite's")]
    let take = |request: &Request, mut response: Response| -> Result<Response, ErrorResponse> {
        asked = request.uri().to_string();
        response.headers_mut().insert("sec-websocket-protocol", PROTOCOL.parse().expect("a header"));
        Ok(response)
    };
    let mut socket = tokio_tungstenite::accept_hdr_async(socket, take).await.expect("a handshake");
    for (channel, bytes) in frames {
        let frame = [&[channel][..], &bytes].concat();
        socket.send(Message::binary(frame)).await.expect("sent");
    }
    if stays_open {
        // Until the client hangs up.
        while let Some(Ok(_)) = socket.next().await {}
    }
    asked
}

fn status(status: &Value) -> (u8, Vec<u8>) {
    (3, status.to_string().into_bytes())
}

#[tokio::test]
async fn outputs_and_exit_code_come_back() {
    let success = json!({"metadata": {}, "status": "Success"});
    let frames = vec![(1, b"frozen".to_vec()), (2, b"careful".to_vec()), (1, b"!\n".to_vec()), status(&success)];
    let (asked, output) = exec(frames, false).await;
    let expect = ExecOutput { exit_code: 0, stdout: "frozen!\n".into(), stderr: "careful".into() };
    assert_eq!(output.expect("it ran"), expect);
    let path = "/api/v1/namespaces/shop/pods/db-0/exec?";
    let command = "command=fsfreeze&command=--freeze&command=%2Fvar+lib";
    assert!(asked.starts_with(path) && asked.contains(command) && asked.contains("container=db"), "{asked}");
}

#[tokio::test]
async fn a_command_that_fails_is_no_error() {
    let failed = json!({"status": "Failure", "reason": "NonZeroExitCode", "message": "command terminated with exit code 3",
        "details": {"causes": [{"reason": "ExitCode", "message": "3"}]}});
    let (_, output) = exec(vec![status(&failed)], false).await;
    assert_eq!(output.expect("it ran").exit_code, 3);
}

#[tokio::test]
async fn a_long_output_is_cut() {
    let mut frames: Frames = (0..40).map(|_| (1, vec![b'x'; 8 << 10])).collect();
    frames.push(status(&json!({"status": "Success"})));
    let (_, output) = exec(frames, false).await;
    assert_eq!(output.expect("it ran").stdout.len(), 64 << 10);
}

#[tokio::test]
async fn a_command_that_does_not_end_is_over_in_time() {
    let (_, output) = exec(vec![(1, b"still here".to_vec())], true).await;
    let error = output.expect_err("it does not end");
    assert_eq!(error.kind(), ClusterErrorKind::Timeout);
    assert_eq!(error.to_string(), "the command in pods/shop/db-0 did not end within 0.3 s");
}

#[tokio::test]
async fn an_end_that_is_not_reported_is_an_error() {
    let (_, output) = exec(vec![(1, b"half".to_vec())], false).await;
    assert_eq!(output.expect_err("who knows").kind(), ClusterErrorKind::Unavailable);
}

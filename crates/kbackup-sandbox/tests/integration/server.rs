//! The sandbox on a socket.

use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use k8s_openapi::api::core::v1::Pod;
use kbackup_core::cluster::{ExecOutput, MemoryCluster};
use kbackup_core::model::ObjectRef;
use kbackup_sandbox::{RunningServer, Sandbox, Server, Transport};
use kube::api::{Api, AttachParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use super::service::shop;

/// A server on a free port of the loopback interface.
pub(crate) async fn start(sandbox: Sandbox, transport: Transport) -> RunningServer {
    Server::bind(sandbox, ([127, 0, 0, 1], 0).into(), transport).await.expect("a free port").start()
}

async fn client(server: &RunningServer) -> Client {
    let kubeconfig = Kubeconfig::from_yaml(server.kubeconfig()).expect("a kubeconfig");
    let options = KubeConfigOptions::default();
    let config = Config::from_custom_kubeconfig(kubeconfig, &options).await.expect("a configuration");
    Client::try_from(config).expect("a client")
}

/// The code of an answer to a bare GET over plain HTTP.
async fn get(url: &str, path: &str) -> Option<u16> {
    let stream = TcpStream::connect(url.trim_start_matches("http://")).await.ok()?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.ok()?;
    let connection = tokio::spawn(connection);
    let request = http::Request::get(path).header("host", "sandbox").body(Full::<bytes::Bytes>::default()).ok()?;
    let answer = sender.send_request(request).await.ok()?;
    let code = answer.status().as_u16();
    answer.into_body().collect().await.ok()?;
    connection.abort();
    Some(code)
}

#[tokio::test]
async fn https_needs_the_token() {
    let server = start(shop().await, Transport::Https).await;
    let version = client(&server).await.apiserver_version().await.expect("the kubeconfig opens it");
    assert_eq!(version.git_version, MemoryCluster::new().version());

    let mut kubeconfig = Kubeconfig::from_yaml(server.kubeconfig()).expect("a kubeconfig");
    for user in &mut kubeconfig.auth_infos {
        user.auth_info = None;
    }
    let config =
        Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.expect("a configuration");
    let refused = Client::try_from(config).expect("a client").apiserver_version().await.expect_err("no token");
    assert!(matches!(&refused, kube::Error::Api(status) if status.code == 401), "{refused}");
}

#[tokio::test]
async fn http_is_open_until_the_server_stops() {
    let server = start(Sandbox::default(), Transport::Http).await;
    let url = server.url().to_owned();
    assert_eq!(get(&url, "/readyz").await, Some(200));
    assert_eq!(get(&url, "/api/v1/pods").await, Some(200));
    server.stop().await;
    assert_eq!(get(&url, "/readyz").await, None);
}

#[tokio::test]
async fn a_server_stops_although_somebody_watches() {
    let server = start(Sandbox::default(), Transport::Http).await;
    let url = server.url().to_owned();
    let watching = tokio::spawn(async move { get(&url, "/api/v1/pods?watch=1").await });
    server.stop().await;
    // The watch was cut off, or came too late to begin.
    assert_eq!(watching.await.expect("no panic"), None);
}

#[tokio::test]
async fn commands_run_over_a_web_socket() {
    let sandbox = shop().await;
    let pod = ObjectRef::namespaced("v1/pods".parse().expect("a type"), "shop", "toolbox");
    sandbox.cluster().script_exec(&pod, |run| {
        Ok(ExecOutput { exit_code: 7, stdout: run.command.join(" ").into(), stderr: "oh".into() })
    });
    let server = start(sandbox.clone(), Transport::Https).await;
    let pods: Api<Pod> = Api::namespaced(client(&server).await, "shop");
    let mut process = pods.exec("toolbox", ["echo", "a b"], &AttachParams::default()).await.expect("it runs");
    let (mut out, mut err) = (process.stdout().expect("output"), process.stderr().expect("errors"));
    let status = process.take_status().expect("a status");
    let (mut told_out, mut told_err) = (String::new(), String::new());
    let (out, err, status) = tokio::join!(out.read_to_string(&mut told_out), err.read_to_string(&mut told_err), status);
    assert!(out.is_ok() && err.is_ok());
    assert_eq!((told_out.as_str(), told_err.as_str()), ("echo a b", "oh"));
    let causes = status.and_then(|status| status.details).and_then(|details| details.causes).expect("causes");
    assert_eq!((causes[0].reason.as_deref(), causes[0].message.as_deref()), (Some("ExitCode"), Some("7")));
    assert_eq!(sandbox.cluster().exec_calls().len(), 1);
    process.join().await.expect("it closes well");
}

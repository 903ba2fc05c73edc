//! Ctrl-C, and the SIGTERM of Kubernetes, are a clean end.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::time::Duration;

use kbackup_sandbox::{Fault, FaultRule, RunningServer, Sandbox as Api, Server, Transport};

use crate::program::{Home, Sandbox, send};

#[test]
fn a_sandbox_ends() {
    for signal in ["INT", "TERM"] {
        let home = Home::new();
        assert_eq!(Sandbox::start(&home).end(signal), Some(0), "{signal}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_is_cancelled_and_cleans_up() {
    for signal in ["INT", "TERM"] {
        let home = Home::new();
        let _server = busy_server(&home).await;
        let (mut child, mut lines) = begin(&home);
        send(signal, child.id());
        assert_eq!(child.wait().expect("it ends").code(), Some(130), "{signal}");
        assert!(lines.any(|line| line == "error: the backup was cancelled"), "{signal}");
        assert_eq!(home.ok("backup get -o name"), "");
        let left = std::fs::read_dir(home.path("store/backups")).map_or(0, Iterator::count);
        assert_eq!(left, 0, "nothing of it is left");
    }
}

/// A server that is too busy for one type, and asks to come back when nobody waits for it any more.
async fn busy_server(home: &Home) -> RunningServer {
    let api = Api::default();
    let fault = Fault::TooManyRequests { retry_after: Duration::from_secs(50) };
    let path_prefix = "/api/v1/configmaps".to_owned();
    api.faults().add(FaultRule { method: None, path_prefix, times: 1, fault });
    let server = Server::bind(api, ([127, 0, 0, 1], 0).into(), Transport::Https).await.expect("a port is free").start();
    std::fs::write(home.path("kubeconfig"), server.kubeconfig()).expect("a file");
    server
}

/// A backup that has begun to read, and what it says from then on.
fn begin(home: &Home) -> (Child, impl Iterator<Item = String> + use<>) {
    let mut child = home.command("backup create x").stderr(Stdio::piped()).spawn().expect("it starts");
    let mut lines = BufReader::new(child.stderr.take().expect("its errors are piped")).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.starts_with("reading ")), "it begins");
    (child, lines)
}

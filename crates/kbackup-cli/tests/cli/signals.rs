//! Ctrl-C is a clean end.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::Duration;

use kbackup_sandbox::{Fault, FaultRule, Sandbox as Api, Server, Transport};

use crate::program::{Home, Sandbox, interrupt};

#[test]
fn a_sandbox_ends() {
    let home = Home::new();
    assert_eq!(Sandbox::start(&home).interrupt(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_is_cancelled_and_cleans_up() {
    let home = Home::new();
    // The server is too busy for one type, and asks to come back when nobody waits for it any more.
    let api = Api::default();
    let fault = Fault::TooManyRequests { retry_after: Duration::from_secs(50) };
    let path_prefix = "/api/v1/configmaps".to_owned();
    api.faults().add(FaultRule { method: None, path_prefix, times: 1, fault });
    let server = Server::bind(api, ([127, 0, 0, 1], 0).into(), Transport::Https).await.expect("a port is free").start();
    std::fs::write(home.path("kubeconfig"), server.kubeconfig()).expect("a file");

    let mut child = home.command("backup create x").stderr(Stdio::piped()).spawn().expect("it starts");
    let mut lines = BufReader::new(child.stderr.take().expect("its errors are piped")).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.starts_with("reading ")), "it begins");
    interrupt(child.id());
    assert_eq!(child.wait().expect("it ends").code(), Some(130));
    assert!(lines.any(|line| line == "error: the backup was cancelled"));
    assert_eq!(home.ok("backup get -o name"), "");
    assert_eq!(std::fs::read_dir(home.path("store/backups")).map_or(0, Iterator::count), 0, "nothing of it is left");
}

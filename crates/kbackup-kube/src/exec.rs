//! Running commands in containers, over a WebSocket
//! (<https://kubernetes.io/docs/reference/using-api/api-concepts/>: the `exec` subresource of pods).

use async_trait::async_trait;
use bytes::Bytes;
use http::StatusCode;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1 as meta;
use kbackup_core::cluster::{
    ClusterError, ClusterErrorKind, ClusterReader, ClusterResult, ExecCommand, ExecOutput, PodExec,
};
use kbackup_core::model::{Object, ObjectRef};
use kube::Api;
use kube::api::AttachParams;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::error::{self, Status};
use crate::{KubeCluster, http::Http};

/// Of each of the two outputs: the rest is read and thrown away, so that the command does not wait for us.
const OUTPUT_BYTES_MAX: usize = 64 << 10;

/// The annotation by which a pod says which of its containers commands are meant for.
const DEFAULT_CONTAINER: &str = "kubectl.kubernetes.io/default-container";

#[async_trait]
impl PodExec for KubeCluster {
    /// A command that is over its time may go on in its container: Kubernetes has no way to end it.
    async fn exec(&self, pod: &ObjectRef, run: &ExecCommand) -> ClusterResult<ExecOutput> {
        let ended = tokio::time::timeout(run.timeout, async {
            let container = match &run.container {
                Some(container) => container.clone(),
                None => default_container(self, pod).await?,
            };
            run_in(&self.http, pod, container, &run.command).await
        });
        ended.await.unwrap_or_else(|_| {
            let message = format!("the command in {pod} did not end within {} s", run.timeout.as_secs_f64());
            Err(ClusterError::new(ClusterErrorKind::Timeout, message))
        })
    }
}

async fn default_container(cluster: &KubeCluster, pod: &ObjectRef) -> ClusterResult<String> {
    let object = cluster.get(pod).await?;
    let object =
        object.ok_or_else(|| ClusterError::new(ClusterErrorKind::NotFound, format!("{pod} does not exist")))?;
    container_of(&object).ok_or_else(|| error::bad_response(format!("{pod} has no containers")))
}

/// The container that the pod's annotation names, else its first one: as kubectl does.
fn container_of(pod: &Object) -> Option<String> {
    let pod = pod.to_value();
    let named = pod["metadata"]["annotations"][DEFAULT_CONTAINER].as_str();
    let first = pod.pointer("/spec/containers/0/name").and_then(Value::as_str);
    named.or(first).map(str::to_owned)
}

async fn run_in(http: &Http, pod: &ObjectRef, container: String, command: &[String]) -> ClusterResult<ExecOutput> {
    let namespace = pod.namespace.as_deref().unwrap_or_default();
    let pods: Api<Pod> = Api::namespaced(http.client().clone(), namespace);
    let params = AttachParams::default().container(container).stdin(false).stdout(true).stderr(true);
    let attached = pods.exec(&pod.name, command, &params).await;
    let mut process = attached.map_err(|error| error::from_client(error, http.server()).error)?;
    let (stdout, stderr, status) = (process.stdout(), process.stderr(), process.take_status());
    let status = async {
        let status = match status {
            Some(status) => status.await,
            None => None,
        };
        status.ok_or_else(|| error::broken(http.server(), "the command's end was not reported").error)
    };
    // Where the connection breaks, the outputs never end: what ends the wait then is the status that does not come.
    let (stdout, stderr, status) = futures::try_join!(start_of(stdout), start_of(stderr), status)?;
    Ok(ExecOutput { exit_code: exit_code(status)?, stdout, stderr })
}

/// The first bytes of an output that is read to its end. One that breaks ends there: the status tells.
async fn start_of(output: Option<impl AsyncRead + Unpin>) -> ClusterResult<Bytes> {
    let (mut start, mut piece) = (Vec::new(), vec![0; 8 << 10]);
    let Some(mut output) = output else { return Ok(Bytes::new()) };
    while let Ok(read @ 1..) = output.read(&mut piece).await {
        let wanted = read.min(OUTPUT_BYTES_MAX - start.len());
        start.extend_from_slice(&piece[..wanted]);
    }
    Ok(start.into())
}

/// The exit code that the status at the end of a command tells.
///
/// # Errors
/// What the server says where the command could not be run.
fn exit_code(status: meta::Status) -> ClusterResult<i32> {
    if status.status.as_deref() == Some("Success") {
        return Ok(0);
    }
    let causes = status.details.and_then(|details| details.causes).unwrap_or_default();
    let code = causes.iter().find(|cause| cause.reason.as_deref() == Some("ExitCode"));
    if let Some(code) = code.and_then(|cause| cause.message.as_deref()?.parse().ok()) {
        return Ok(code);
    }
    let code = status.code.and_then(|code| StatusCode::from_u16(u16::try_from(code).ok()?).ok());
    let said = Status { message: status.message, reason: status.reason, ..Status::default() };
    Err(error::from_status(code.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), said))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_status_tells_the_exit_code() {
        let check = |status: Value, expect: Result<i32, &str>| {
            let got = exit_code(serde_json::from_value(status).expect("a status"));
            assert_eq!(got.map_err(|error| error.to_string()), expect.map_err(str::to_owned));
        };
        check(json!({"status": "Success"}), Ok(0));
        let failed = |causes| json!({"status": "Failure", "reason": "NonZeroExitCode", "message": "no", "details": {"causes": causes}});
        check(failed(json!([{"reason": "ExitCode", "message": "137"}])), Ok(137));
        check(failed(json!([])), Err("no"));
        let internal = json!({"status": "Failure", "code": 500, "reason": "InternalError", "message": "no such\nfile"});
        check(internal, Err("no such file"));
    }

    #[test]
    fn a_pod_has_a_default_container() {
        let check = |annotations: Value, expect: &str| {
            let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "annotations": annotations},
                "spec": {"containers": [{"name": "app"}, {"name": "proxy"}]}});
            assert_eq!(container_of(&Object::from_value(&pod).expect("a pod")).as_deref(), Some(expect));
        };
        check(json!({}), "app");
        check(json!({DEFAULT_CONTAINER: "proxy"}), "proxy");
    }

    #[tokio::test]
    async fn long_outputs_are_read_to_the_end_and_cut() {
        let long = vec![b'x'; OUTPUT_BYTES_MAX + 10_000];
        let mut output = &long[..];
        let start = start_of(Some(&mut output)).await.expect("it is read");
        assert_eq!(start.len(), OUTPUT_BYTES_MAX);
        assert!(output.is_empty());
    }
}

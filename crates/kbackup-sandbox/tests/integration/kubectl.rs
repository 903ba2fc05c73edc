//! The sandbox through kubectl, the client that everybody has.
//!
//! Where there is no kubectl these tests say that they were skipped; with `KBACKUP_TEST_REQUIRE=1` they fail then.

use std::path::Path;
use std::process::{Output, Stdio};

use kbackup_core::cluster::ExecOutput;
use kbackup_core::model::ObjectRef;
use kbackup_sandbox::{RunningServer, Sandbox, Transport};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::Command;

use super::server::start;
use super::service::shop;

/// kubectl, and a server that it talks to.
struct Kubectl {
    sandbox: Sandbox,
    home: TempDir,
    _server: RunningServer,
}

impl Kubectl {
    /// `None` where there is no kubectl.
    async fn with_shop() -> Option<Self> {
        if Command::new("kubectl").arg("help").output().await.is_err() {
            assert!(
                std::env::var_os("KBACKUP_TEST_REQUIRE").is_none_or(|value| value != "1"),
                "KBACKUP_TEST_REQUIRE=1, and there is no kubectl"
            );
            eprintln!("skipped: no kubectl");
            return None;
        }
        let sandbox = shop().await;
        let server = start(sandbox.clone(), Transport::Https).await;
        let home = tempfile::tempdir().expect("a folder");
        std::fs::write(home.path().join("kubeconfig"), server.kubeconfig()).expect("a file");
        Some(Self { sandbox, home, _server: server })
    }

    fn command(&self, line: &[&str]) -> Command {
        let mut command = Command::new("kubectl");
        command.args(line).env("HOME", self.home.path()).env("KUBECONFIG", self.home.path().join("kubeconfig"));
        command.stdin(Stdio::null()).kill_on_drop(true);
        command
    }

    async fn output(&self, line: &[&str], input: &str) -> Output {
        let mut command = self.command(line);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
        let mut stdin = child.stdin.take().expect("an input");
        // A kubectl that fails early does not read all of it.
        _ = stdin.write_all(input.as_bytes()).await;
        drop(stdin);
        child.wait_with_output().await.expect("it ends")
    }

    /// What a command prints, which must go well.
    async fn run(&self, line: &str) -> String {
        self.feed(line, "").await
    }

    /// The same for a command that reads manifests.
    async fn feed(&self, line: &str, input: &str) -> String {
        self.words(&line.split(' ').collect::<Vec<_>>(), input).await
    }

    async fn words(&self, line: &[&str], input: &str) -> String {
        let output = self.output(line, input).await;
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "kubectl {}: {error}", line.join(" "));
        String::from_utf8(output.stdout).expect("text").trim_end().to_owned()
    }

    /// What a command complains of, which must go wrong.
    async fn refused(&self, line: &str) -> String {
        let output = self.output(&line.split(' ').collect::<Vec<_>>(), "").await;
        assert!(!output.status.success(), "kubectl {line}");
        String::from_utf8(output.stderr).expect("text").trim_end().to_owned()
    }

    async fn json(&self, line: &str) -> Value {
        serde_json::from_str(&self.run(&format!("{line} -o json")).await).expect("JSON")
    }
}

/// The words of a line of a table.
fn words(line: &str) -> Vec<&str> {
    line.split("  ").map(str::trim).filter(|word| !word.is_empty()).collect()
}

fn config_map(data: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: new, namespace: shop}}\ndata: {{{data}}}\n")
}

#[tokio::test]
async fn get_shows_tables() {
    let Some(kubectl) = Kubectl::with_shop().await else { return };
    let deployments = kubectl.run("get deploy -n shop").await;
    let lines: Vec<_> = deployments.lines().map(words).collect();
    assert_eq!(lines[0], ["NAME", "READY", "UP-TO-DATE", "AVAILABLE", "AGE"]);
    assert_eq!(lines[1][..4], ["cart", "0/2", "0", "0"]);

    let services = kubectl.run("get services -A").await;
    assert_eq!(words(services.lines().next().unwrap())[..3], ["NAMESPACE", "NAME", "TYPE"]);
    assert!(services.lines().any(|line| words(line)[..3] == ["shop", "payments", "ExternalName"]), "{services}");

    let all = kubectl.run("get all -n shop -o name").await;
    assert!(all.contains("statefulset.apps/db") && all.contains("pod/toolbox"), "{all}");
    assert_eq!(kubectl.run("get cp -n shop -l season=winter -o name").await, "coupon.shop.example.com/winter");
    assert_eq!(
        kubectl.run("get secrets -n shop --field-selector type=kubernetes.io/tls -o name").await,
        "secret/web-tls"
    );
    assert!(kubectl.run("get deploy web -n shop -o yaml").await.contains("\n  replicas: 3\n"));
    assert!(kubectl.run("describe deploy web -n shop").await.contains("nginx:1.29"));
    assert!(kubectl.refused("get cm none -n shop").await.contains("configmaps \"none\" not found"));
    assert_eq!(kubectl.run("get --raw /readyz").await, "ok");
}

#[tokio::test]
async fn discovery_is_told() {
    let Some(kubectl) = Kubectl::with_shop().await else { return };
    let resources = kubectl.run("api-resources --no-headers").await;
    let coupons = resources.lines().find(|line| line.starts_with("coupons")).expect("coupons");
    assert_eq!(words(coupons), ["coupons", "cp", "shop.example.com/v1", "true", "Coupon"]);
    let versions = kubectl.run("api-versions").await;
    assert!(["v1", "apps/v1", "shop.example.com/v1"].iter().all(|wanted| versions.lines().any(|line| line == *wanted)));
    assert_eq!(kubectl.run("auth can-i delete pods").await, "yes");
}

#[tokio::test]
async fn objects_are_created_and_deleted() {
    let Some(kubectl) = Kubectl::with_shop().await else { return };
    // These come as protobuf, those as JSON.
    for (line, expect) in [
        ("create namespace other", "namespace/other created"),
        ("create configmap a -n other --from-literal=b=c", "configmap/a created"),
        ("create secret generic s -n other --from-literal=b=c", "secret/s created"),
        ("create deployment d -n other --image=nginx --replicas=0", "deployment.apps/d created"),
        ("create service nodeport n -n other --tcp=80:8080", "service/n created"),
        ("create cronjob c -n other --image=busybox --schedule=@daily", "cronjob.batch/c created"),
        ("create role r -n other --verb=get --resource=pods", "role.rbac.authorization.k8s.io/r created"),
    ] {
        assert_eq!(kubectl.run(line).await, expect);
    }
    assert_eq!(kubectl.json("get secret s -n other").await["data"]["b"], "Yw==");
    assert_eq!(kubectl.json("get deploy d -n other").await["spec"]["replicas"], 0);
    assert_eq!(kubectl.feed("create -f -", &config_map("a: '1'")).await, "configmap/new created");
    assert_eq!(kubectl.run("delete cm new -n shop").await, "configmap \"new\" deleted");
    assert_eq!(kubectl.run("delete namespace other").await, "namespace \"other\" deleted");
    assert!(kubectl.refused("get namespace other").await.contains("NotFound"));
    assert_eq!(kubectl.run("delete cp --all -n shop").await.lines().count(), 3);
}

#[tokio::test]
async fn apply_creates_changes_and_removes() {
    let Some(kubectl) = Kubectl::with_shop().await else { return };
    for (flags, told) in [("", ["created", "unchanged", "configured"]), ("--server-side ", ["serverside-applied"; 3])] {
        let apply = format!("apply {flags}-f -");
        let first = config_map("a: '1', b: '2'");
        assert_eq!(kubectl.feed(&apply, &first).await, format!("configmap/new {}", told[0]));
        assert_eq!(kubectl.feed(&apply, &first).await, format!("configmap/new {}", told[1]));
        assert_eq!(kubectl.feed(&apply, &config_map("a: '3'")).await, format!("configmap/new {}", told[2]));
        // What is no longer in the manifest is no longer in the object.
        assert_eq!(kubectl.json("get cm new -n shop").await["data"], serde_json::json!({"a": "3"}));
        kubectl.run("delete cm new -n shop").await;
    }
    let coupon =
        "apiVersion: shop.example.com/v1\nkind: Coupon\nmetadata: {name: new, namespace: shop}\nspec: {percent: 5}\n";
    assert_eq!(kubectl.feed("apply -f -", coupon).await, "coupon.shop.example.com/new created");
    let more = coupon.replace("percent: 5", "percent: 6");
    assert_eq!(kubectl.feed("apply -f -", &more).await, "coupon.shop.example.com/new configured");
    assert_eq!(kubectl.json("get cp new -n shop").await["spec"]["percent"], 6);
}

#[tokio::test]
async fn the_two_kinds_of_apply_take_turns() {
    let Some(kubectl) = Kubectl::with_shop().await else { return };
    kubectl.feed("apply -f -", &config_map("a: '1', b: '2'")).await;
    // What neither of them has written is not taken over.
    kubectl.run("patch cm new -n shop -p {\"data\":{\"other\":\"1\"}}").await;
    let manifest = kubectl.home.path().join("cm.yaml");
    std::fs::write(&manifest, config_map("a: '1', other: '2'")).expect("a file");
    let refused = kubectl.refused(&format!("apply --server-side -f {}", manifest.display())).await;
    assert!(refused.contains("1 conflict") && refused.contains(".data.other"), "{refused}");

    // Nobody has to say --force-conflicts.
    for (flags, data, expect) in [
        ("--server-side ", "a: '3', c: '4'", serde_json::json!({"a": "3", "c": "4", "other": "1"})),
        ("", "a: '5'", serde_json::json!({"a": "5", "other": "1"})),
        ("--server-side ", "a: '6'", serde_json::json!({"a": "6", "other": "1"})),
    ] {
        kubectl.feed(&format!("apply {flags}-f -"), &config_map(data)).await;
        assert_eq!(kubectl.json("get cm new -n shop").await["data"], expect);
    }
}

#[tokio::test]
async fn objects_are_patched_and_labelled() {
    let Some(kubectl) = Kubectl::with_shop().await else { return };
    let patch = ["patch", "deploy", "web", "-n", "shop", "--type"];
    for (kind, body) in [
        ("strategic", r#"{"spec":{"template":{"spec":{"containers":[{"name":"nginx","image":"nginx:2"}]}}}}"#),
        ("merge", r#"{"spec":{"replicas":4}}"#),
        ("json", r#"[{"op":"replace","path":"/spec/paused","value":true}]"#),
    ] {
        let body = body.replace("replace", "add");
        let line: Vec<_> = patch.into_iter().chain([kind, "-p", &body]).collect();
        assert_eq!(kubectl.words(&line, "").await, "deployment.apps/web patched");
    }
    let spec = kubectl.json("get deploy web -n shop").await["spec"].clone();
    assert_eq!((&spec["replicas"], &spec["paused"]), (&4.into(), &true.into()));
    let container = &spec["template"]["spec"]["containers"][0];
    // A strategic merge patch finds the container by its name, and leaves its other fields.
    assert_eq!((&container["image"], &container["ports"][0]["name"]), (&"nginx:2".into(), &"http".into()));

    assert_eq!(kubectl.run("scale deploy web -n shop --replicas=0").await, "deployment.apps/web scaled");
    assert_eq!(kubectl.json("get deploy web -n shop").await["spec"]["replicas"], 0);
    assert_eq!(
        kubectl.run("scale deploy web -n shop --current-replicas=0 --replicas=2").await,
        "deployment.apps/web scaled"
    );
    assert_eq!(kubectl.run("label cm web -n shop a=b").await, "configmap/web labeled");
    assert_eq!(kubectl.run("annotate cm web -n shop c=d").await, "configmap/web annotated");
    let metadata = kubectl.json("get cm web -n shop").await["metadata"].clone();
    assert_eq!((&metadata["labels"]["a"], &metadata["annotations"]["c"]), (&"b".into(), &"d".into()));
}

#[tokio::test]
async fn watches_print_what_changes() {
    let Some(kubectl) = Kubectl::with_shop().await else { return };
    let mut child = kubectl
        .command(&["get", "cm", "-n", "shop", "-w", "--no-headers"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut lines = BufReader::new(child.stdout.take().expect("an output")).lines();
    for name in ["cart", "kube-root-ca.crt", "logo", "web"] {
        let line = lines.next_line().await.expect("text").expect("a line");
        assert_eq!(words(&line)[0], name);
    }
    kubectl.run("create cm zebra -n shop --from-literal=a=b").await;
    let line = lines.next_line().await.expect("text").expect("a line");
    assert_eq!(words(&line)[..2], ["zebra", "1"]);
    child.kill().await.expect("it ends");
}

#[tokio::test]
async fn commands_run_in_pods() {
    let Some(kubectl) = Kubectl::with_shop().await else { return };
    let pod = ObjectRef::namespaced("v1/pods".parse().expect("a type"), "shop", "toolbox");
    kubectl.sandbox.cluster().script_exec(&pod, |run| {
        let exit_code = if run.command == ["false"] { 3 } else { 0 };
        Ok(ExecOutput { exit_code, stdout: run.command.join(" ").into(), ..ExecOutput::default() })
    });
    assert_eq!(kubectl.run("exec -n shop toolbox -- echo hello").await, "echo hello");
    assert!(kubectl.refused("exec -n shop toolbox -- false").await.contains("exit code 3"));
}

#[tokio::test]
async fn lists_are_applied_item_by_item() {
    let Some(kubectl) = Kubectl::with_shop().await else { return };
    let item = |name: &str| format!("{{apiVersion: v1, kind: ConfigMap, metadata: {{name: {name}, namespace: shop}}}}");
    let list = format!("apiVersion: v1\nkind: ConfigMapList\nitems: [{}, {}]\n", item("a"), item("b"));
    assert_eq!(kubectl.feed("apply -f -", &list).await, "configmap/a created\nconfigmap/b created");
}

#[tokio::test]
async fn a_folder_is_loaded_as_kubectl_loads_it() {
    let Some(kubectl) = Kubectl::with_shop().await else { return };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/shop");
    let told = kubectl.run(&format!("apply -R -f {}", folder.display())).await;
    assert!(told.lines().count() >= 40 && !told.contains(" created"), "{told}");
}

//! The clusters that a scenario runs on.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use kbackup_core::cluster::{ClusterWriter, Condition, DeleteOptions, PodExec, Waited, WriteOptions};
use kbackup_core::compare::{Comparison, Snapshot, compare};
use kbackup_core::model::{Discovery, Gvr, Object, ObjectRef};
use kbackup_kube::{CallLimits, ConnectOptions, KubeCluster};
use kbackup_sandbox::manifest::{self, Manifest};
use kbackup_sandbox::{RunningServer, Sandbox, Server, Transport};
use kube::config::{KubeConfigOptions, Kubeconfig};
use serde_json::json;
use tokio::sync::{Mutex, MutexGuard};

use crate::forgetful::History;

/// How long controllers may take to come to rest, and objects to go.
const REST_MAX: Duration = Duration::from_secs(90);
/// How often a cluster is looked at meanwhile, and how many equal looks in a row are rest.
const LOOK_EVERY: Duration = Duration::from_millis(500);
const EQUAL_LOOKS: usize = 6;

/// Scenarios on a real API server wipe what is shared by the whole cluster: one at a time.
static REAL: Mutex<()> = Mutex::const_new(());
static FORGETFUL: Mutex<()> = Mutex::const_new(());

/// A cluster that a scenario may fill and empty.
pub struct Target {
    /// The cluster, over the Kubernetes API.
    pub cluster: Arc<dyn ClusterWriter>,
    /// The client that it is reached by.
    pub client: kube::Client,
    /// What runs commands in its containers.
    pub exec: Arc<dyn PodExec>,
    history: History,
    has_controllers: bool,
    _server: Option<RunningServer>,
    _alone: Option<MutexGuard<'static, ()>>,
}

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Target").field("cluster", &self.cluster).finish_non_exhaustive()
    }
}

impl Target {
    /// A fresh sandbox, asked over its API in this process.
    #[must_use]
    pub fn sandbox() -> Self {
        let sandbox = Sandbox::default();
        let history = History::Memory(sandbox.cluster().clone());
        let client = kube::Client::new(sandbox, "default");
        let cluster = KubeCluster::new(client.clone(), "sandbox", CallLimits::default());
        Self::new(cluster, client, history, false)
    }

    /// A fresh sandbox, asked over a socket: commands in containers need one.
    ///
    /// # Panics
    /// Where no port is free.
    pub async fn served_sandbox() -> Self {
        let sandbox = Sandbox::default();
        let history = History::Memory(sandbox.cluster().clone());
        let server = Server::bind(sandbox, ([127, 0, 0, 1], 0).into(), Transport::Https).await;
        let server = server.expect("a free port").start();
        let folder = tempfile::tempdir().expect("a folder for the kubeconfig");
        let kubeconfig = folder.path().join("kubeconfig");
        tokio::fs::write(&kubeconfig, server.kubeconfig()).await.expect("it can be written");
        let options = ConnectOptions { kubeconfig: Some(kubeconfig.clone()), ..ConnectOptions::default() };
        let cluster = KubeCluster::connect(&options).await.expect("the sandbox answers");
        let client = client(&kubeconfig, None).await;
        Self { _server: Some(server), ..Self::new(cluster, client, history, false) }
    }

    fn new(cluster: KubeCluster, client: kube::Client, history: History, has_controllers: bool) -> Self {
        let cluster = Arc::new(cluster);
        let exec: Arc<dyn PodExec> = Arc::<KubeCluster>::clone(&cluster);
        Self { cluster, client, exec, history, has_controllers, _server: None, _alone: None }
    }

    /// The API server that `KBACKUP_TEST_KUBECONFIG` names, for this scenario alone; `None` where it names none.
    ///
    /// # Panics
    /// Where it can't be reached, and where there is none although `KBACKUP_TEST_REQUIRE=1`.
    pub async fn real() -> Option<Self> {
        Self::named("KBACKUP_TEST_KUBECONFIG", "a cluster", &REAL).await
    }

    /// The API server that `KBACKUP_TEST_FORGETFUL_KUBECONFIG` names, which forgets its history within half a minute
    /// (`--etcd-compaction-interval=15s`), for this scenario alone; `None` where it names none.
    ///
    /// # Panics
    /// As [`Target::real`].
    pub async fn forgetful() -> Option<Self> {
        Self::named("KBACKUP_TEST_FORGETFUL_KUBECONFIG", "a cluster that soon forgets its history", &FORGETFUL).await
    }

    async fn named(variable: &str, what: &str, lock: &'static Mutex<()>) -> Option<Self> {
        let kubeconfig = required(variable, what)?;
        let alone = lock.lock().await;
        let options = ConnectOptions { kubeconfig: Some(kubeconfig.clone()), ..ConnectOptions::default() };
        let connected = KubeCluster::connect(&options).await;
        let cluster = connected.unwrap_or_else(|error| panic!("{variable} names a cluster that answers: {error}"));
        let client = client(&kubeconfig, None).await;
        Some(Self { _alone: Some(alone), ..Self::new(cluster, client, History::Server, true) })
    }

    /// Whether it is a real API server, with controllers and rights.
    #[must_use]
    pub fn is_real(&self) -> bool {
        self.has_controllers
    }

    /// The real API server as another user sees it.
    ///
    /// # Panics
    /// On the sandbox, which knows no users.
    pub async fn as_user(&self, user: &str) -> KubeCluster {
        let kubeconfig = required("KBACKUP_TEST_KUBECONFIG", "a cluster").expect("it is a real API server");
        KubeCluster::new(client(&kubeconfig, Some(user)).await, "the real API server", CallLimits::default())
    }

    /// How its past is forgotten.
    #[must_use]
    pub fn history(&self) -> History {
        self.history.clone()
    }

    /// Registers an API group whose server is not there, and waits until the cluster knows that it does not answer.
    ///
    /// # Panics
    /// Where the cluster does not get to know it.
    pub async fn break_api(&self, group: &str) {
        if let History::Memory(memory) = &self.history {
            memory.break_group(&format!("{group}/v1"), "the service is not there");
        } else {
            self.mend_api(group).await;
            self.register(group).await;
        }
        let mut looks = tokio::time::interval(LOOK_EVERY);
        let begun = tokio::time::Instant::now();
        let is_broken = |discovery: &Discovery| discovery.broken().iter().any(|api| api.group_version.contains(group));
        while !is_broken(&self.cluster.discover().await.expect("the cluster can be discovered")) {
            assert!(begun.elapsed() < REST_MAX, "{group} is not known to be broken within {REST_MAX:?}");
            looks.tick().await;
        }
    }

    /// Takes back what [`Target::break_api`] did.
    ///
    /// # Panics
    /// Where the registration does not go.
    pub async fn mend_api(&self, group: &str) {
        if let History::Memory(memory) = &self.history {
            return memory.mend_group(&format!("{group}/v1"));
        }
        let at = ObjectRef::cluster(services(), &format!("v1.{group}"));
        self.cluster.delete(&at, &DeleteOptions::default()).await.expect("it can be deleted");
        assert_eq!(self.cluster.wait(&at, &Condition::Gone, REST_MAX).await.expect("it can be watched"), Waited::Met);
    }

    async fn register(&self, group: &str) {
        let body = json!({
            "apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": {"name": format!("v1.{group}")},
            "spec": {
                "group": group, "version": "v1", "groupPriorityMinimum": 1000, "versionPriority": 15,
                "insecureSkipTLSVerify": true, "service": {"namespace": "default", "name": "nobody"},
            },
        });
        let discovery = self.cluster.discover().await.expect("the cluster can be discovered");
        let ty = discovery.get(&services()).expect("APIs can be registered");
        let service = Object::from_value(&body).expect("an object");
        self.cluster.create(ty, &service, &WriteOptions::default()).await.expect("the API is registered");
    }

    /// Loads manifests and waits until the controllers have done their part.
    ///
    /// # Panics
    /// Where one is refused.
    pub async fn load(&self, manifests: &[Manifest]) {
        let loaded = manifest::load(&*self.cluster, manifests.to_vec(), "kbackup-e2e").await;
        let loaded = loaded.expect("every manifest is accepted");
        assert_eq!(loaded.total(), manifests.len(), "every manifest is loaded once");
        if self.has_controllers {
            self.rest().await;
        }
    }

    /// All objects of the cluster.
    ///
    /// # Panics
    /// Where it can't be read.
    pub async fn snapshot(&self) -> Snapshot {
        Snapshot::take(&*self.cluster).await.expect("every type can be listed")
    }

    /// Compares the cluster with what it should be, until it is or the controllers have had their time.
    pub async fn becomes(&self, expected: &Snapshot) -> Comparison {
        self.until_equal(expected, |snapshot| snapshot).await
    }

    /// The same for the part of the cluster in these namespaces.
    pub async fn becomes_within(&self, expected: &Snapshot, namespaces: &[&str]) -> Comparison {
        self.until_equal(expected, |snapshot| snapshot.within(namespaces)).await
    }

    async fn until_equal(&self, expected: &Snapshot, part: impl Fn(Snapshot) -> Snapshot + Send + Sync) -> Comparison {
        let mut looks = tokio::time::interval(LOOK_EVERY);
        let begun = tokio::time::Instant::now();
        loop {
            looks.tick().await;
            let comparison = compare(expected, &part(self.snapshot().await));
            if comparison.differences.is_empty() || !self.has_controllers || begun.elapsed() > REST_MAX {
                return comparison;
            }
        }
    }

    /// As [`Target::becomes`], of these objects alone, each as `settled` makes it: whatever else is in the cluster is not
    /// looked at.
    pub async fn becomes_among(&self, expected: &Snapshot, settled: impl Fn(&Object) -> Object) -> Comparison {
        let mut looks = tokio::time::interval(LOOK_EVERY);
        let begun = tokio::time::Instant::now();
        loop {
            looks.tick().await;
            let mut found = self.snapshot().await;
            found.objects.retain(|at, _| expected.objects.contains_key(at));
            found.objects.values_mut().for_each(|object| *object = settled(object));
            let comparison = compare(expected, &found);
            if comparison.differences.is_empty() || !self.has_controllers || begun.elapsed() > REST_MAX {
                return comparison;
            }
        }
    }

    /// Deletes everything that the manifests name, and these namespaces, and waits until all of it is gone.
    ///
    /// # Panics
    /// Where something does not go.
    pub async fn wipe(&self, manifests: &[Manifest], namespaces: &[&str]) {
        let discovery = self.cluster.discover().await.expect("the cluster can be discovered");
        let mut doomed: Vec<ObjectRef> = manifests.iter().filter_map(|manifest| place(manifest, &discovery)).collect();
        let namespace = |name: &&str| ObjectRef::cluster(Gvr::new("", "v1", "namespaces"), name);
        doomed.extend(namespaces.iter().map(namespace));
        // An aggregated API without a server keeps every namespace from ending, and a definition must outlive its objects.
        doomed.sort_by_key(|at| match at.gvr.plural.as_str() {
            "apiservices" => 0,
            "namespaces" => 2,
            "customresourcedefinitions" => 3,
            _ => 1,
        });
        for at in &doomed {
            self.cluster.delete(at, &DeleteOptions::default()).await.unwrap_or_else(|error| panic!("{at}: {error}"));
        }
        for at in &doomed {
            let waited = self.cluster.wait(at, &Condition::Gone, REST_MAX).await;
            assert_eq!(waited.unwrap_or_else(|error| panic!("{at}: {error}")), Waited::Met, "{at} does not go");
        }
    }

    /// Waits until nobody writes any more.
    async fn rest(&self) {
        let mut looks = tokio::time::interval(LOOK_EVERY);
        let begun = tokio::time::Instant::now();
        let (mut last, mut equal) = (None, 0);
        while equal < EQUAL_LOOKS {
            looks.tick().await;
            let snapshot = self.snapshot().await;
            let look = Some(snapshot.fingerprint());
            equal = if look == last && !snapshot.has_unbound_claims() { equal + 1 } else { 0 };
            last = look;
            assert!(begun.elapsed() < REST_MAX, "the cluster does not come to rest within {REST_MAX:?}");
        }
    }
}

fn services() -> Gvr {
    Gvr::new("apiregistration.k8s.io", "v1", "apiservices")
}

async fn client(kubeconfig: &Path, user: Option<&str>) -> kube::Client {
    let kubeconfig = Kubeconfig::read_from(kubeconfig).expect("a kubeconfig");
    let config = kube::Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await;
    let mut config = config.expect("a kubeconfig");
    config.auth_info.impersonate = user.map(str::to_owned);
    kube::Client::try_from(config).expect("a client")
}

/// Where a manifest's object is in the cluster; `None` where its type is not served.
fn place(manifest: &Manifest, discovery: &Discovery) -> Option<ObjectRef> {
    let ty = discovery.by_kind(&manifest.object.gvk())?;
    let mut at = manifest.object.at(&ty.gvr);
    if ty.namespaced && at.namespace.is_none() {
        at.namespace = Some("default".to_owned());
    }
    Some(at)
}

/// The path in an environment variable; `None` where it is not set.
///
/// # Panics
/// Where it is not set although `KBACKUP_TEST_REQUIRE=1`: what was skipped must not look green.
pub fn required(variable: &str, what: &str) -> Option<PathBuf> {
    let value = std::env::var_os(variable).map(PathBuf::from);
    if value.is_none() {
        let demanded = std::env::var_os("KBACKUP_TEST_REQUIRE").is_some_and(|value| value == "1");
        assert!(!demanded, "KBACKUP_TEST_REQUIRE=1, and {variable} does not name {what}");
        eprintln!("skipped: {variable} does not name {what}");
    }
    value
}

//! One measurement of writes, in a process of its own: a bare loop of creates, or a restore.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use bytes::Bytes;
use clap::{Args as ClapArgs, ValueEnum};
use http::Request;
use http_body_util::BodyExt;
use kbackup_core::engine::Engine;
use kbackup_core::model::BackupName;
use kbackup_core::run::Run;
use kbackup_core::spec::{ExistingPolicy, RestoreSpec};
use kbackup_providers::fs::FolderStore;
use kube::client::Body;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::measure::Figures;
use crate::objects::{self, NAMESPACES};
use crate::restores::BACKUP;
use crate::{Args, Failed, bare, process};

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// A loop of creates with nothing around it.
    Bare,
    /// A restore into namespaces that are not there.
    Restore,
    /// A restore of all that an earlier one has made: other objects, all equal.
    Unchanged,
    /// A restore of all that was backed up, and not written since.
    Untouched,
}

#[derive(Debug, Clone, ClapArgs)]
pub(crate) struct Once {
    pub(crate) kind: Kind,
    /// What the names of the namespaces begin with; empty: their own names.
    #[arg(long, default_value = "")]
    pub(crate) prefix: String,
    /// Connections of the bare loop, and writers at the most of a restore.
    #[arg(long, default_value_t = 32)]
    pub(crate) connections: usize,
    /// Objects that the bare loop creates; not given: as many as the backup holds.
    #[arg(long)]
    pub(crate) objects: Option<usize>,
    /// Where the backup is.
    #[arg(long)]
    pub(crate) folder: PathBuf,
}

impl Once {
    /// The command line that asks for it.
    pub(crate) fn words(&self) -> Vec<String> {
        let kind = self.kind.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned());
        let mut words = vec![kind, format!("--prefix={}", self.prefix), format!("--connections={}", self.connections)];
        words.extend(self.objects.map(|objects| format!("--objects={objects}")));
        words.push(format!("--folder={}", self.folder.display()));
        words
    }

    fn space(&self, number: usize) -> String {
        format!("{}-{number:02}", self.prefix)
    }
}

/// Measures once and prints the figures as JSON.
pub(crate) async fn once(args: &Args, once: &Once) -> Result<(), Failed> {
    let (args, once) = (args.clone(), once.clone());
    let (seconds, objects) = tokio::spawn(async move {
        match once.kind {
            Kind::Bare => create_all(&args, &once).await,
            _ => restore(&args, &once).await,
        }
    })
    .await??;
    let (peak_memory_bytes, cpu_seconds) = process::cost()?;
    let figures = Figures { seconds, cpu_seconds, peak_memory_bytes, bytes_read: 0, bytes_stored: 0, objects };
    println!("{}", serde_json::to_string(&figures)?);
    Ok(())
}

/// A create as it is sent: made before the clock runs.
struct Create {
    path: String,
    body: Bytes,
}

/// Creates the objects with so many connections, each of which sends one after the other.
async fn create_all(args: &Args, once: &Once) -> Result<(f64, u64), Failed> {
    let client = bare::client(args).await?;
    let count = match once.objects {
        Some(count) => count,
        None => filled(once).await?,
    };
    for number in 0..NAMESPACES {
        let space = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": once.space(number)}});
        send(&client, &Create { path: "/api/v1/namespaces".to_owned(), body: space.to_string().into() }).await?;
    }
    let creates: Arc<Vec<Create>> = Arc::new((0..count).map(|number| create(once, number)).collect());
    let next = Arc::new(AtomicUsize::new(0));
    let begun = Instant::now();
    let mut workers = Vec::new();
    for _ in 0..once.connections.max(1) {
        let (client, creates, next) = (client.clone(), Arc::clone(&creates), Arc::clone(&next));
        workers.push(tokio::spawn(async move {
            while let Some(create) = creates.get(next.fetch_add(1, Ordering::Relaxed)) {
                send(&client, create).await?;
            }
            Ok::<(), Failed>(())
        }));
    }
    for worker in workers {
        worker.await??;
    }
    Ok((begun.elapsed().as_secs_f64(), count as u64))
}

/// How many objects of `fill` the backup holds.
async fn filled(once: &Once) -> Result<usize, Failed> {
    let store = FolderStore::open(&once.folder)?;
    let manifest = kbackup_core::format::read_manifest(&store, &BACKUP.parse::<BackupName>()?).await?;
    let index = manifest.read_index(&store).await?;
    Ok(index.iter().filter(|line| line.ns.is_some() && line.name.starts_with("object-")).count())
}

fn create(once: &Once, number: usize) -> Create {
    let made = objects::object(number);
    let mut object: Value = made.object;
    let space = object["metadata"]["namespace"].as_str().and_then(|space| space.rsplit('-').next()?.parse().ok());
    let space = once.space(space.unwrap_or(0));
    object["metadata"]["namespace"] = Value::from(space.as_str());
    let (version, plural) = made.gvr.rsplit_once('/').unwrap_or(("v1", made.gvr));
    let root = if version.contains('/') { "apis" } else { "api" };
    let path = format!("/{root}/{version}/namespaces/{space}/{plural}?fieldManager=kbackup&fieldValidation=Ignore");
    Create { path, body: object.to_string().into() }
}

async fn send(client: &kube::Client, create: &Create) -> Result<(), Failed> {
    let request =
        Request::post(&create.path).header("content-type", "application/json").header("accept", "application/json");
    let response = client.send(request.body(Body::from(create.body.clone()))?).await?;
    let status = response.status();
    let body = response.into_body().collect().await?.to_bytes();
    if status.is_success() {
        return Ok(());
    }
    Err(format!("{} was answered {status}: {}", create.path, String::from_utf8_lossy(&body)).into())
}

async fn restore(args: &Args, once: &Once) -> Result<(f64, u64), Failed> {
    let engine = Engine::new(args.connect().await?, FolderStore::open(&once.folder)?);
    let mut spec = RestoreSpec::from_backup(BACKUP.parse()?).existing(ExistingPolicy::Update);
    if !once.prefix.is_empty() {
        let mapped = (0..NAMESPACES).map(|number| (format!("scale-{number:02}"), once.space(number)));
        spec.namespace_mapping = mapped.collect::<BTreeMap<_, _>>();
    }
    let name: BackupName = format!("{:?}-{}", once.kind, std::process::id()).to_lowercase().parse()?;
    let begun = Instant::now();
    let plan = engine.plan_restore(&name, &spec, &Run::default()).await?;
    let report = engine.apply(&plan, &Run::default()).await?;
    let seconds = begun.elapsed().as_secs_f64();
    let counts = report.counts;
    if counts.failed > 0 {
        return Err(format!("{} objects failed, the first: {:?}", counts.failed, report.issues.first()).into());
    }
    let objects = match once.kind {
        Kind::Restore | Kind::Bare => counts.created,
        Kind::Unchanged | Kind::Untouched if counts.created + counts.updated > 0 => {
            return Err(format!("something was written: {counts:?}\n{}", plan.diff()).into());
        }
        Kind::Unchanged | Kind::Untouched => counts.unchanged,
    };
    Ok((seconds, objects))
}

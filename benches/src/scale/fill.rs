//! Fills the cluster.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args as ClapArgs;
use futures::stream::{self, StreamExt, TryStreamExt};
use kbackup_core::cluster::{ClusterReader, ClusterWriter, Condition, Created, Waited, WriteOptions};
use kbackup_core::model::{Gvr, Object, ObjectRef, ResourceType};
use kbackup_kube::KubeCluster;

use crate::objects::{self, GROUP, Made};
use crate::{Args, Failed};

/// How much to fill in.
#[derive(Debug, Clone, ClapArgs)]
pub(crate) struct Fill {
    /// How many objects there are to be in the end.
    #[arg(long, default_value_t = 10_000)]
    objects: usize,
    /// How many ConfigMaps of 900 KiB there are to be besides.
    #[arg(long, default_value_t = 0)]
    large: usize,
    /// Creates at the same time.
    #[arg(long, default_value_t = 32)]
    writers: usize,
}

/// The types to create objects as, by `group/version/plural`.
type Types = HashMap<String, Arc<ResourceType>>;

pub(crate) async fn fill(args: &Args, fill: &Fill) -> Result<(), Failed> {
    let cluster = args.connect().await?;
    let begun = Instant::now();
    let types = types(&cluster).await?;
    for made in objects::foundations() {
        create(&cluster, &types, made).await?;
    }
    let definition = Gvr::new("apiextensions.k8s.io", "v1", "customresourcedefinitions");
    let definition = ObjectRef::cluster(definition, &format!("carts.{GROUP}"));
    let established = Condition::True("Established".to_owned());
    if cluster.wait(&definition, &established, Duration::from_secs(60)).await? == Waited::TimedOut {
        return Err(format!("{definition} was not established within a minute").into());
    }
    let types = self::types(&cluster).await?;
    let wanted = (0..fill.objects).map(objects::object).chain((0..fill.large).map(objects::large));
    let new = stream::iter(wanted)
        .map(|made| create(&cluster, &types, made))
        .buffer_unordered(fill.writers)
        .try_fold(0, async |new, created| Ok(new + usize::from(created)))
        .await?;
    let seconds = begun.elapsed().as_secs_f64();
    println!("{new} objects created in {seconds:.1} s, {} were there", fill.objects + fill.large - new);
    Ok(())
}

async fn types(cluster: &KubeCluster) -> Result<Types, Failed> {
    let discovery = cluster.discover().await?;
    Ok(discovery.types().iter().map(|ty| (ty.gvr.to_string(), Arc::clone(ty))).collect())
}

/// Whether the object is new.
async fn create(cluster: &KubeCluster, types: &Types, made: Made) -> Result<bool, Failed> {
    let ty = types.get(made.gvr).ok_or_else(|| format!("the cluster does not serve {}", made.gvr))?;
    let object = Object::from_value(&made.object)?;
    let created = cluster.create(ty, &object, &WriteOptions::default()).await?;
    Ok(matches!(created, Created::New(_)))
}

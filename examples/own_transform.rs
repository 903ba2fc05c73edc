//! Changes objects on their way back: the images of restored workloads come from a mirror.

use std::error::Error;

use kbackup_core::action::{Decision, RestoreTransform, TransformContext, TransformError, Transforms};
use kbackup_core::cluster::MemoryCluster;
use kbackup_core::engine::Engine;
use kbackup_core::model::{Gvr, ObjectRef};
use kbackup_core::run::Run;
use kbackup_core::spec::{BackupSpec, RestoreSpec};
use kbackup_core::store::MemoryStore;
use kbackup_sandbox::{manifest, shop};
use serde_json::Value;

/// Pulls images of one registry from another one.
#[derive(Debug)]
struct FromMirror {
    registry: &'static str,
    mirror: &'static str,
}

impl RestoreTransform for FromMirror {
    fn name(&self) -> &'static str {
        "from-mirror"
    }

    fn applies_to(&self, ty: &Gvr) -> bool {
        matches!(ty.group_resource().as_str(), "deployments.apps" | "statefulsets.apps" | "daemonsets.apps")
    }

    // Pure and idempotent: a plan and its apply must come to the same object.
    fn transform(&self, object: &mut Value, _: &mut TransformContext<'_>) -> Result<Decision, TransformError> {
        let containers = object.pointer_mut("/spec/template/spec/containers").and_then(Value::as_array_mut);
        for container in containers.into_iter().flatten() {
            let Some(image) = container["image"].as_str() else { continue };
            if let Some(path) = image.strip_prefix(self.registry) {
                container["image"] = format!("{}{path}", self.mirror).into();
            }
        }
        Ok(Decision::Keep)
    }
}

#[tokio::main]
pub async fn main() -> Result<(), Box<dyn Error>> {
    let cluster = MemoryCluster::new();
    manifest::load(&cluster, shop::manifests()?, "example").await?;
    let mirrored = FromMirror { registry: "registry.example.com/", mirror: "mirror.internal/" };
    let engine = Engine::new(cluster.clone(), MemoryStore::new()).transforms(Transforms::builtin().with(mirrored));
    let run = Run::default();
    engine.backup(&"nightly".parse()?, &BackupSpec::default(), &run).await?;

    let spec = RestoreSpec::from_backup("nightly".parse()?).namespaces(["shop"]).map_namespace("shop", "shop-mirrored");
    let plan = engine.plan_restore(&"mirrored".parse()?, &spec, &run).await?;
    engine.apply(&plan, &run).await?;

    let cart = ObjectRef::namespaced(Gvr::new("apps", "v1", "deployments"), "shop-mirrored", "cart");
    let cart = cluster.get(&cart)?.to_value();
    let image = cart.pointer("/spec/template/spec/containers/0/image");
    println!("{image:?}");
    assert_eq!(image.and_then(Value::as_str), Some("mirror.internal/shop/cart:4.2"));
    Ok(())
}

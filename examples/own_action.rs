//! Tells what objects of an own kind need: a backup of some Coupons comes with the Secret that signs them.

use std::error::Error;

use kbackup_core::action::{ActionError, BackupAction, BackupActions, Related};
use kbackup_core::cluster::MemoryCluster;
use kbackup_core::engine::Engine;
use kbackup_core::model::{Gvr, ObjectRef};
use kbackup_core::run::Run;
use kbackup_core::spec::BackupSpec;
use kbackup_core::store::MemoryStore;
use kbackup_sandbox::{manifest, shop};
use serde_json::{Value, json};

/// A Coupon is signed with the key in a Secret of its namespace.
#[derive(Debug)]
struct CouponKey;

impl BackupAction for CouponKey {
    fn name(&self) -> &'static str {
        "coupon-key"
    }

    fn applies_to(&self, ty: &Gvr) -> bool {
        ty.group_resource() == "coupons.shop.example.com"
    }

    fn targets(&self) -> &'static [&'static str] {
        &["secrets"]
    }

    fn related(&self, at: &ObjectRef, _: &Value, related: &mut Related) -> Result<(), ActionError> {
        related.in_namespace("secrets", at, &"coupon-key".into());
        Ok(())
    }
}

#[tokio::main]
pub async fn main() -> Result<(), Box<dyn Error>> {
    let cluster = MemoryCluster::new();
    manifest::load(&cluster, shop::manifests()?, "example").await?;
    cluster.load([json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"namespace": "shop", "name": "coupon-key"}, "data": {}
    })])?;

    let engine = Engine::new(cluster, MemoryStore::new()).actions(BackupActions::builtin().with(CouponKey));
    let spec = BackupSpec::default().selector("season=winter".parse()?);
    let report = engine.backup(&"winter".parse()?, &spec, &Run::default()).await?;
    println!("{:?}", report.manifest.counts.by_type);
    assert_eq!(report.manifest.counts.by_type.get(&Gvr::new("", "v1", "secrets")), Some(&1));
    Ok(())
}

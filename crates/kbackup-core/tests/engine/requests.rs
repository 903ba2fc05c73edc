//! What a backup asks of the API server: as much as its selection costs, whatever else the cluster holds.

use kbackup_core::cluster::memory::Request;
use kbackup_core::run::Run;
use kbackup_core::spec::BackupSpec;
use serde_json::{Value, json};

use crate::world::{World, configmap, name};

fn crowd(namespaces: usize) -> impl Iterator<Item = Value> {
    (0..namespaces).flat_map(|number| {
        let namespace = format!("n{number:04}");
        let object = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": namespace } });
        [object, configmap(&namespace, "a", "1")]
    })
}

/// Backs up, and counts the requests and what came of them.
async fn cost(world: &World, spec: &BackupSpec) -> (u64, u64) {
    world.cluster.reset_requests();
    let report = world.engine().backup(&name("b"), spec, &Run::default()).await.expect("the backup is made");
    world.engine().delete(&name("b"), &Run::default()).await.expect("it is deleted");
    (world.cluster.requests().of(Request::List), report.manifest.counts.objects)
}

#[tokio::test]
async fn thousands_of_namespaces_cost_one_list_a_type() {
    let (few, many) = (World::new(crowd(10)), World::new(crowd(5_000)));
    let (lists_of_few, _) = cost(&few, &BackupSpec::default()).await;
    let (lists, objects) = cost(&many, &BackupSpec::default()).await;
    assert!(objects > 10_000, "{objects}");
    // The same lists, of which three have a page or two more.
    assert!(lists <= lists_of_few + 6, "{lists} for 5,000 namespaces, {lists_of_few} for ten");
    // Nearly all of them: what is left out is cheaper to read than to go around.
    let (lists, _) = cost(&many, &BackupSpec::default().namespaces(["n0*", "n1*", "n2*", "n3*"])).await;
    assert!(lists <= lists_of_few + 6, "{lists} for 4,000 of 5,000 namespaces, {lists_of_few} for ten");
}

#[tokio::test]
async fn one_namespace_of_a_thousand_costs_what_it_holds() {
    let (small, large) = (World::new(crowd(2)), World::new(crowd(1_000)));
    let spec = BackupSpec::default().namespaces(["n0001"]);
    let (alone, among_many) = (cost(&small, &spec).await, cost(&large, &spec).await);
    assert_eq!(among_many, alone, "the same lists, and the same objects");
}

//! Manifests to a cluster, as `kubectl apply -R -f` would.

use std::collections::BTreeSet;
use std::time::Duration;

use kbackup_core::cluster::{ClusterResult, ClusterWriter, Condition, Created, Part, Patch, Waited, WriteOptions};
use kbackup_core::model::{Discovery, Gvk, Object, ObjectRef, ResourceType};

use super::order::steps;
use super::{LoadError, Manifest};

/// How long a CustomResourceDefinition may take until it is established.
const ESTABLISHED_WITHIN: Duration = Duration::from_secs(30);
/// Types are asked for again so often, where one is missing right after its definition was established: discovery of a real
/// API server follows a moment later.
const DISCOVERIES_MAX: usize = 20;
/// The pause between two of them.
const DISCOVERY_PAUSE: Duration = Duration::from_millis(250);

/// How many objects were loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Loaded {
    /// Objects that were not there before.
    pub created: usize,
    /// Objects that were there and were applied to.
    pub updated: usize,
}

impl Loaded {
    /// All of them.
    #[must_use]
    pub fn total(&self) -> usize {
        self.created + self.updated
    }
}

/// Loads manifests into a cluster: first CustomResourceDefinitions, and waits for them to be established; then namespaces;
/// then the rest in the order given. An object that exists is changed by a server-side apply as `manager`. An object of a
/// namespaced type without a namespace goes to `default`.
///
/// # Errors
/// The first object that could not be loaded; those before it stay.
pub async fn load(cluster: &dyn ClusterWriter, manifests: Vec<Manifest>, manager: &str) -> Result<Loaded, LoadError> {
    let steps = steps(manifests);
    let mut loading = Loading {
        cluster,
        discovery: cluster.discover().await.map_err(LoadError::Discovery)?,
        new_groups: BTreeSet::new(),
        options: WriteOptions { dry_run: false, field_manager: Some(manager.to_owned()) },
        loaded: Loaded::default(),
    };
    let mut definitions = Vec::new();
    for manifest in steps.definitions {
        loading.new_groups.insert(group_of_definition(&manifest.object));
        definitions.push((loading.one(&manifest).await?, manifest));
    }
    for (definition, manifest) in &definitions {
        established(cluster, definition, manifest).await?;
    }
    for manifest in steps.namespaces.iter().chain(&steps.rest) {
        loading.one(manifest).await?;
    }
    Ok(loading.loaded)
}

struct Loading<'a> {
    cluster: &'a dyn ClusterWriter,
    discovery: Discovery,
    /// The groups of the definitions that are loaded with the rest.
    new_groups: BTreeSet<String>,
    options: WriteOptions,
    loaded: Loaded,
}

impl Loading<'_> {
    async fn one(&mut self, manifest: &Manifest) -> Result<ObjectRef, LoadError> {
        let ty = self.type_of(manifest).await?;
        let object = placed(&manifest.object, &ty);
        let at = object.at(&ty.gvr);
        let refused =
            |source| LoadError::Refused { origin: manifest.origin.clone(), object: object.to_string(), source };
        // Looking first is not only what kubectl does: a server that is asked to create a Service which exists may complain
        // of its node port instead.
        let exists = !at.name.is_empty() && self.cluster.get(&at).await.map_err(refused)?.is_some();
        if !exists && self.create(&ty, &object).await.map_err(refused)? {
            self.loaded.created += 1;
        } else {
            let apply = Patch::Apply { body: object.to_value(), force: true };
            self.cluster.patch(&at, &apply, Part::Main, &self.options).await.map_err(refused)?;
            self.loaded.updated += 1;
        }
        Ok(at)
    }

    /// Whether there was no such object, so that it was created.
    async fn create(&self, ty: &ResourceType, object: &Object) -> ClusterResult<bool> {
        let created = self.cluster.create(ty, object, &self.options).await?;
        Ok(matches!(created, Created::New(_)))
    }

    /// The type of a manifest's object. Where it is missing and its definition was just loaded, discovery is asked again
    /// for some seconds.
    async fn type_of(&mut self, manifest: &Manifest) -> Result<ResourceType, LoadError> {
        let meta = manifest.object.meta();
        let kind = Gvk::new(&meta.api_version, &meta.kind);
        let mut discoveries = 0;
        loop {
            if let Some(ty) = self.discovery.by_kind(&kind) {
                return Ok(ResourceType::clone(ty));
            }
            if discoveries == DISCOVERIES_MAX || !self.new_groups.contains(&kind.group) {
                let (api_version, kind) = (meta.api_version.clone(), meta.kind.clone());
                return Err(LoadError::UnknownType { origin: manifest.origin.clone(), api_version, kind });
            }
            if discoveries > 0 {
                tokio::time::sleep(DISCOVERY_PAUSE).await;
            }
            self.discovery = self.cluster.discover().await.map_err(LoadError::Discovery)?;
            discoveries += 1;
        }
    }
}

fn group_of_definition(definition: &Object) -> String {
    definition.to_value()["spec"]["group"].as_str().unwrap_or_default().to_owned()
}

async fn established(cluster: &dyn ClusterWriter, at: &ObjectRef, manifest: &Manifest) -> Result<(), LoadError> {
    let condition = Condition::True("Established".to_owned());
    let refused = |source| LoadError::Refused { origin: manifest.origin.clone(), object: at.to_string(), source };
    match cluster.wait(at, &condition, ESTABLISHED_WITHIN).await.map_err(refused)? {
        Waited::Met => Ok(()),
        Waited::TimedOut => Err(LoadError::NotEstablished {
            origin: manifest.origin.clone(),
            name: at.name.clone(),
            seconds: ESTABLISHED_WITHIN.as_secs(),
        }),
    }
}

/// The object with the namespace that it goes to.
fn placed(object: &Object, ty: &ResourceType) -> Object {
    if !ty.namespaced || object.meta().namespace.is_some() {
        return object.clone();
    }
    let mut value = object.to_value();
    value["metadata"]["namespace"] = "default".into();
    // A tree that came from an object is one; the other case cannot be.
    Object::from_value(&value).unwrap_or_else(|_| object.clone())
}

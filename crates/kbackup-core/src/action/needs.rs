//! What objects need of others, so that a backup of some is complete: the extension point, and the list of those that know.

mod gateway;
mod ingress;
mod persistent_volume;
mod persistent_volume_claim;
mod pod;
mod role_binding;
mod service_account;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::sync::Arc;

use serde_json::Value;

use crate::issue::{Code, Issue, Stage};
use crate::model::{Gvr, ObjectRef};

/// Knows what the objects of a type need of others. What they need is taken with them, where the spec leaves it open: a
/// PersistentVolume comes with its claim, whatever labels were asked for, but never where its type is excluded.
///
/// # Contract
/// - **Pure**: the answer depends on the object alone.
/// - A field of another shape than expected names nothing.
/// - Naming what does not exist is fine: nothing is taken for it.
///
/// ```
/// use kbackup_core::action::{ActionError, BackupAction, BackupActions, Related};
/// use kbackup_core::model::{Gvr, ObjectRef};
/// use serde_json::Value;
///
/// /// A Database keeps its password in a Secret.
/// #[derive(Debug)]
/// struct DatabaseSecret;
///
/// impl BackupAction for DatabaseSecret {
///     fn name(&self) -> &'static str { "database-secret" }
///     fn applies_to(&self, ty: &Gvr) -> bool { ty.group_resource() == "databases.example.com" }
///     fn targets(&self) -> &'static [&'static str] { &["secrets"] }
///     fn related(&self, at: &ObjectRef, object: &Value, related: &mut Related) -> Result<(), ActionError> {
///         related.in_namespace("secrets", at, &object["spec"]["secretName"]);
///         Ok(())
///     }
/// }
///
/// let actions = BackupActions::builtin().with(DatabaseSecret);
/// assert_eq!(actions.names().last(), Some("database-secret"));
/// ```
pub trait BackupAction: Debug + Send + Sync + 'static {
    /// Its name in messages and in [`BackupActions::without`]: lower case, unique.
    fn name(&self) -> &'static str;

    /// Whether it knows something about objects of this type.
    fn applies_to(&self, ty: &Gvr) -> bool;

    /// The types that it may name, as `plural.group`. It is not asked in a backup that takes all of these anyway.
    fn targets(&self) -> &'static [&'static str];

    /// Names what the object needs, or what it is needed for by being mentioned.
    ///
    /// # Errors
    /// Where the object can't be understood: it is in the backup all the same, and an issue says so.
    fn related(&self, at: &ObjectRef, object: &Value, related: &mut Related) -> Result<(), ActionError>;
}

/// Why an action could not tell what an object needs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ActionError(String);

/// What one object needs of others.
///
/// ```
/// use kbackup_core::action::Related;
///
/// let mut related = Related::default();
/// related.object("persistentvolumes", None, "disk-1");
/// assert_eq!(related.objects().next(), Some(("persistentvolumes", None, "disk-1")));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Related {
    objects: Vec<(&'static str, Option<String>, String)>,
    mentioned_by: Vec<(&'static str, String)>,
    mentions: Vec<String>,
}

/// The actions of a backup, in the order in which they are asked. Cheap to clone.
#[derive(Debug, Clone)]
pub struct BackupActions(Vec<Arc<dyn BackupAction>>);

impl ActionError {
    /// For this reason, in one line and without data of the object.
    #[must_use]
    pub fn new(why: impl Into<String>) -> Self {
        Self(why.into())
    }
}

impl Related {
    /// The object needs the one of this type (`plural.group`), namespace and name.
    pub fn object(&mut self, ty: &'static str, namespace: Option<&str>, name: &str) {
        if !name.is_empty() {
            self.objects.push((ty, namespace.map(str::to_owned), name.to_owned()));
        }
    }

    /// The object needs the one of the cluster that this field names; nothing where it is not a text.
    pub fn of_cluster(&mut self, ty: &'static str, name: &Value) {
        self.object(ty, None, name.as_str().unwrap_or_default());
    }

    /// The object needs the one in its own namespace that this field names; nothing where it is not a text.
    pub fn in_namespace(&mut self, ty: &'static str, at: &ObjectRef, name: &Value) {
        self.object(ty, at.namespace.as_deref(), name.as_str().unwrap_or_default());
    }

    /// The object needs every one of this type that [mentions](Related::mentions) `what`: a reference that points back.
    pub fn mentioned_by(&mut self, ty: &'static str, what: String) {
        self.mentioned_by.push((ty, what));
    }

    /// The object is needed by whoever needs what mentions `what`.
    pub fn mentions(&mut self, what: String) {
        self.mentions.push(what);
    }

    /// The objects that are needed: type, namespace and name.
    pub fn objects(&self) -> impl Iterator<Item = (&'static str, Option<&str>, &str)> {
        self.objects.iter().map(|(ty, namespace, name)| (*ty, namespace.as_deref(), name.as_str()))
    }

    /// What must be mentioned by objects of a type to be needed: type and mention.
    pub fn needed_mentions(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.mentioned_by.iter().map(|(ty, what)| (*ty, what.as_str()))
    }

    /// What the object mentions.
    pub fn own_mentions(&self) -> impl Iterator<Item = &str> {
        self.mentions.iter().map(String::as_str)
    }
}

impl BackupActions {
    /// What kbackup knows about the kinds of Kubernetes: what Pods, claims and volumes, ServiceAccounts and bindings,
    /// Ingresses and routes name. Namespaces and CustomResourceDefinitions come with their objects without an action.
    #[must_use]
    pub fn builtin() -> Self {
        Self(vec![
            Arc::new(pod::Pod),
            Arc::new(pod::PodTemplate),
            Arc::new(persistent_volume_claim::PersistentVolumeClaim),
            Arc::new(persistent_volume::PersistentVolume),
            Arc::new(service_account::ServiceAccount),
            Arc::new(role_binding::RoleBinding),
            Arc::new(role_binding::ClusterRoleBinding),
            Arc::new(ingress::Ingress),
            Arc::new(gateway::Gateway),
        ])
    }

    /// No action at all.
    #[must_use]
    pub fn none() -> Self {
        Self(Vec::new())
    }

    /// With one more, after all others.
    #[must_use]
    pub fn with(mut self, action: impl BackupAction) -> Self {
        self.0.push(Arc::new(action));
        self
    }

    /// Without the one of that name; where there is none, nothing changes.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.0.retain(|action| action.name() != name);
        self
    }

    /// The names, in order.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().map(|action| action.name())
    }

    /// Those that know something about objects of a type.
    pub fn about(&self, ty: &Gvr) -> impl Iterator<Item = &dyn BackupAction> {
        self.0.iter().filter(|action| action.applies_to(ty)).map(AsRef::as_ref)
    }

    /// Those of them that may name objects of the `open` types.
    pub(crate) fn naming<'a>(
        &'a self,
        ty: &'a Gvr,
        open: &'a BTreeSet<String>,
    ) -> impl Iterator<Item = &'a dyn BackupAction> {
        self.about(ty).filter(|action| action.targets().iter().any(|target| open.contains(*target)))
    }

    /// What an object mentions. What can't be understood mentions nothing.
    pub(crate) fn mentions(&self, at: &ObjectRef, object: &Value) -> BTreeSet<String> {
        let mut related = Related::default();
        for action in self.about(&at.gvr) {
            _ = action.related(at, object, &mut related);
        }
        related.own_mentions().map(str::to_owned).collect()
    }
}

/// What an action tells of an object, and an issue where that is not all.
pub(crate) fn ask(action: &dyn BackupAction, at: &ObjectRef, object: &Value) -> (Related, Option<Issue>) {
    let mut related = Related::default();
    let untold = action.related(at, object, &mut related).err().map(|error| {
        let message = format!("what it needs could not be told by \"{}\": {error}", action.name());
        Issue::error(Stage::Action, Code::ActionFailed, message).about(at.clone())
    });
    (related, untold)
}

impl Default for BackupActions {
    fn default() -> Self {
        Self::builtin()
    }
}

/// Whether the type is this one, in whatever version.
fn is(ty: &Gvr, plural: &str, group: &str) -> bool {
    ty.plural == plural && ty.group == group
}

/// The items of a list; none where it is no list.
fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

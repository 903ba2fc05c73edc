//! What is in a backup, by its index alone: no part is fetched.

use crate::format::{Access, FormatError, IndexLine, read_manifest};
use crate::model::{BackupName, Glob, LabelSelector};

/// Which objects of a backup are asked for. The default is all.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    namespaces: Vec<Glob>,
    types: Vec<Glob>,
    selector: Option<LabelSelector>,
}

impl Wanted {
    /// Objects in one of `namespaces`, of one of `types` (`deployments`, `deployments.apps`) and with labels that
    /// match; names and types may be globs, and an empty list is no condition.
    #[must_use]
    pub fn new(namespaces: &[String], types: &[String], selector: Option<LabelSelector>) -> Self {
        let globs = |words: &[String]| words.iter().map(|word| Glob::new(word)).collect();
        Self { namespaces: globs(namespaces), types: globs(types), selector }
    }

    fn takes(&self, line: &IndexLine) -> bool {
        let any = |globs: &[Glob], words: &[&str]| {
            globs.is_empty() || globs.iter().any(|glob| words.iter().any(|word| glob.matches(word)))
        };
        let namespace: Vec<&str> = line.ns.as_deref().into_iter().collect();
        any(&self.namespaces, &namespace)
            && any(&self.types, &[&line.gvr.plural, &line.gvr.group_resource()])
            && self.selector.as_ref().is_none_or(|selector| selector.matches(&line.labels))
    }
}

/// The objects that a backup holds and `wanted` asks for, by type, namespace and name.
///
/// # Errors
/// `NotFound`; `Damaged` where the manifest or the index is; `Encrypted` where nothing opens the index; `Untrusted`.
pub async fn contents<'a>(
    from: impl Into<Access<'a>> + Send,
    name: &BackupName,
    wanted: &Wanted,
) -> Result<Vec<IndexLine>, FormatError> {
    let access = from.into();
    let manifest = read_manifest(access, name).await?;
    let mut lines = manifest.read_index(access).await?;
    lines.retain(|line| wanted.takes(line));
    Ok(lines)
}

//! What can be checked of a backup of Velero's without a digest: that its tarball is whole, that it holds what Velero says
//! it holds, and that the files beside it can be read.

use std::collections::BTreeMap;

use serde_json::Value;

use super::VeleroLayout;
use super::read::{read_index, read_issues, read_small};
use crate::format::{FormatError, IndexLine, Manifest};
use crate::store::{Key, ObjectStore};

/// Files that hold a list, or nothing.
const LISTS: [&str; 7] = [
    "volumeinfo.json.gz",
    "podvolumebackups.json.gz",
    "volumesnapshots.json.gz",
    "itemoperations.json.gz",
    "csi-volumesnapshots.json.gz",
    "csi-volumesnapshotcontents.json.gz",
    "csi-volumesnapshotclasses.json.gz",
];
/// What Velero says it has archived.
const RESOURCES: &str = "resource-list.json.gz";
/// What went wrong.
const RESULTS: &str = "results.gz";
/// Differences that are told one by one; the rest is counted.
const TOLD_MAX: usize = 20;

/// What can be told of a backup of Velero's whose tarball is whole.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Checked {
    /// The objects in it.
    pub index: Vec<IndexLine>,
    /// Files beside the tarball that can't be read, and why. No object depends on them.
    pub damages: Vec<(Key, String)>,
    /// Objects that are in one of the tarball and the list of resources only. Velero lists objects too that it could not
    /// archive, so this is not damage.
    pub notes: Vec<String>,
}

/// Checks a backup of Velero's as far as that can be: the gzip and its checksum, the archive, every object in it, the list
/// of what should be in it, and the files beside it. A missing file is nothing bad: old versions wrote fewer.
///
/// # Errors
/// `Damaged` where the tarball is: nothing of it can be restored then.
pub async fn check(store: &dyn ObjectStore, manifest: &Manifest) -> Result<Checked, FormatError> {
    let mut checked = Checked { index: read_index(store.into(), manifest).await?, ..Checked::default() };
    let layout = VeleroLayout::new(&manifest.name);
    match resources(store, manifest, &layout.file(RESOURCES)).await {
        Ok(Some(resources)) => checked.notes = compare(&checked.index, &resources),
        Ok(None) => {}
        Err(error) => checked.damaged(layout.file(RESOURCES), error)?,
    }
    for file in LISTS {
        let key = layout.file(file);
        if let Err(error) = check_list(store, manifest, &key).await {
            checked.damaged(key, error)?;
        }
    }
    if let Err(error) = read_issues(store, manifest).await {
        checked.damaged(layout.file(RESULTS), error)?;
    }
    Ok(checked)
}

impl Checked {
    /// Notes a damaged file; what is no damage is an error.
    fn damaged(&mut self, file: Key, error: FormatError) -> Result<(), FormatError> {
        match error {
            FormatError::Damaged { what, .. } => self.damages.push((file, what)),
            error => return Err(error),
        }
        Ok(())
    }
}

/// What Velero says is in the backup: `group/version/Kind` and places; `None` where it does not say so.
type Resources = BTreeMap<String, Vec<String>>;

async fn resources(store: &dyn ObjectStore, manifest: &Manifest, key: &Key) -> Result<Option<Resources>, FormatError> {
    let Some(json) = read_small(store, &manifest.name, key).await? else { return Ok(None) };
    let damaged = |error| FormatError::damaged(&manifest.name, format!("{key}: {error}"));
    serde_json::from_slice(&json).map(Some).map_err(damaged)
}

fn compare(index: &[IndexLine], resources: &Resources) -> Vec<String> {
    // The list has kinds and the tarball has plurals: what both have is the version, and the place.
    let mut balance: BTreeMap<(String, String), i64> = BTreeMap::new();
    for (kind, places) in resources {
        let version = kind.rsplit_once('/').map_or("", |(version, _)| version);
        for place in places {
            *balance.entry((version.to_owned(), place.clone())).or_default() += 1;
        }
    }
    for line in index {
        let place = line.ns.iter().map(String::as_str).chain([line.name.as_str()]).collect::<Vec<_>>().join("/");
        *balance.entry((line.gvr.api_version(), place)).or_default() -= 1;
    }
    let differing: Vec<_> = balance.into_iter().filter(|(_, balance)| *balance != 0).collect();
    let mut notes: Vec<String> = differing.iter().take(TOLD_MAX).map(difference).collect();
    if differing.len() > TOLD_MAX {
        notes.push(format!(
            "{} more objects are in one of the list of resources and the tarball only",
            differing.len() - TOLD_MAX
        ));
    }
    notes
}

fn difference(((version, place), balance): &((String, String), i64)) -> String {
    if *balance > 0 {
        return format!("{place} of {version} is in the list of resources, and not in the tarball");
    }
    format!("{place} of {version} is in the tarball, and not in the list of resources")
}

async fn check_list(store: &dyn ObjectStore, manifest: &Manifest, key: &Key) -> Result<(), FormatError> {
    let Some(json) = read_small(store, &manifest.name, key).await? else { return Ok(()) };
    parse_list(&json).map_err(|why| FormatError::damaged(&manifest.name, format!("{key}: {why}")))
}

/// A list, or `null`, which Go writes for an empty one.
fn parse_list(json: &[u8]) -> Result<(), String> {
    match serde_json::from_slice(json) {
        Ok(Value::Array(_) | Value::Null) => Ok(()),
        Ok(_) => Err("it is not a list".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

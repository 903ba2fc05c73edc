//! What can be checked of a backup of Velero's without a digest: that its tarball is whole, that it holds what Velero says
//! it holds, and that the files beside it can be read.

use std::collections::BTreeMap;

use serde_json::Value;

use super::VeleroLayout;
use super::read::{read_index, read_issues, read_small};
use crate::format::{FormatError, IndexLine, Manifest};
use crate::issue::{Code, Issue, Stage};
use crate::store::ObjectStore;

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
/// Differences that are told one by one; the rest is counted.
const TOLD_MAX: usize = 20;

/// Checks a backup of Velero's as far as that can be: the gzip and its checksum, the archive, every object in it, the list
/// of what should be in it, and the files beside it. A missing file is nothing bad: old versions wrote fewer.
///
/// Gives the objects of the backup, and what is wrong beside them.
///
/// # Errors
/// `Damaged` where the tarball is: nothing of it can be restored then.
pub async fn check(store: &dyn ObjectStore, manifest: &Manifest) -> Result<(Vec<IndexLine>, Vec<Issue>), FormatError> {
    let index = read_index(store.into(), manifest).await?;
    let mut issues = compare(&index, &resources(store, manifest).await?);
    for file in LISTS {
        let key = VeleroLayout::new(&manifest.name).file(file);
        match read_small(store, &manifest.name, &key).await {
            Ok(Some(json)) => issues.extend(parse_list(&json).err().map(|why| damaged(format!("{key}: {why}")))),
            Ok(None) => {}
            Err(FormatError::Damaged { what, .. }) => issues.push(damaged(what)),
            Err(error) => return Err(error),
        }
    }
    match read_issues(store, manifest).await {
        Err(FormatError::Damaged { what, .. }) => issues.push(damaged(what)),
        Err(error) => return Err(error),
        Ok(_) => {}
    }
    Ok((index, issues))
}

/// What Velero says is in the backup: `group/version/Kind` and places; `None` where it does not say so.
type Resources = BTreeMap<String, Vec<String>>;

async fn resources(
    store: &dyn ObjectStore,
    manifest: &Manifest,
) -> Result<Result<Option<Resources>, Issue>, FormatError> {
    let key = VeleroLayout::new(&manifest.name).file("resource-list.json.gz");
    match read_small(store, &manifest.name, &key).await {
        Ok(None) => Ok(Ok(None)),
        Ok(Some(json)) => Ok(serde_json::from_slice(&json).map_err(|error| damaged(format!("{key}: {error}")))),
        Err(FormatError::Damaged { what, .. }) => Ok(Err(damaged(what))),
        Err(error) => Err(error),
    }
}

fn compare(index: &[IndexLine], resources: &Result<Option<Resources>, Issue>) -> Vec<Issue> {
    let resources = match resources {
        Ok(Some(resources)) => resources,
        Ok(None) => return Vec::new(),
        Err(issue) => return vec![issue.clone()],
    };
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
    let mut issues: Vec<Issue> = differing.iter().take(TOLD_MAX).map(difference).collect();
    if differing.len() > TOLD_MAX {
        issues.push(noted(format!(
            "{} more objects are in one of the list of resources and the tarball only",
            differing.len() - TOLD_MAX
        )));
    }
    issues
}

/// Velero lists objects too that it could not archive, so a difference is not damage.
fn difference(((version, place), balance): &((String, String), i64)) -> Issue {
    if *balance > 0 {
        return noted(format!("{place} of {version} is in the list of resources, and not in the tarball"));
    }
    noted(format!("{place} of {version} is in the tarball, and not in the list of resources"))
}

/// A list, or `null`, which Go writes for an empty one.
fn parse_list(json: &[u8]) -> Result<(), String> {
    match serde_json::from_slice(json) {
        Ok(Value::Array(_) | Value::Null) => Ok(()),
        Ok(_) => Err("it is not a list".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

fn damaged(what: String) -> Issue {
    Issue::error(Stage::Fetch, Code::Damaged, what)
}

fn noted(what: String) -> Issue {
    Issue::warning(Stage::Fetch, Code::Recorded, what)
}

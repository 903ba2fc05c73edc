//! Reads a backup of Velero's.

use std::io::Write;

use serde::Deserialize;

use super::VeleroLayout;
use super::manifest::{check_version, manifest};
use super::tarball::Scan;
use crate::format::body::Body;
use crate::format::inflate::Inflater;
use crate::format::{Access, FormatError, IndexLine, Manifest};
use crate::issue::{Code, Issue, Outcome, Stage};
use crate::model::BackupName;
use crate::store::{Key, ObjectStore, ObjectStoreExt, StoreErrorKind, StoreResult};

/// A Backup object is a Kubernetes object: etcd holds it to some MiB.
const MARKER_BYTES_MAX: u64 = 16 << 20;
/// The small files are lists of names and messages.
const FILE_BYTES_MAX: u64 = 64 << 20;
/// What one of them may decompress to.
const FILE_RAW_BYTES_MAX: usize = 256 << 20;

/// The manifest of a backup of Velero's; `None` where Velero has none of that name.
pub(in crate::format) async fn read_manifest(
    store: &dyn ObjectStore,
    name: &BackupName,
) -> Result<Option<Manifest>, FormatError> {
    let failed = |error| FormatError::store(name, error);
    let layout = VeleroLayout::new(name);
    let Some(marker) = found(store.get_bytes(&layout.marker(), MARKER_BYTES_MAX).await).map_err(failed)? else {
        return Ok(None);
    };
    let tarball = found(store.head(&layout.tarball()).await).map_err(failed)?;
    manifest(name, &marker, tarball.map(|stored| stored.size)).map(Some)
}

/// The index of a backup of Velero's, by reading all of its tarball: each object's place and digest.
pub(in crate::format) async fn read_index(
    access: Access<'_>,
    manifest: &Manifest,
) -> Result<Vec<IndexLine>, FormatError> {
    let name = &manifest.name;
    let Some(part) = manifest.parts.first() else {
        let key = VeleroLayout::new(name).tarball();
        return Err(FormatError::damaged(
            name,
            format!("{key} is missing: Velero's backup has no objects yet, or no more"),
        ));
    };
    let damaged = |error: std::io::Error| FormatError::damaged(name, format!("{}: {error}", part.file.key));
    let mut inflater = Inflater::of(&part.file.key, Scan::new(part.file.raw_bytes)).map_err(damaged)?;
    let mut body = Body::open(access, name, &part.file).await?;
    while let Some(piece) = body.next().await? {
        inflater.write_all(&piece).map_err(damaged)?;
    }
    inflater.end().map_err(damaged)?;
    let scanned = std::mem::take(inflater.get_mut()).finish().map_err(damaged)?;
    check_version(name, scanned.version.as_deref().unwrap_or("1"))?;
    scanned
        .index
        .finish()
        .map_err(|object| FormatError::damaged(name, format!("{} holds {object} twice", part.file.key)))
}

/// What Velero noted while it made the backup, and that it has not finished it.
pub(in crate::format) async fn read_issues(
    store: &dyn ObjectStore,
    manifest: &Manifest,
) -> Result<Vec<Issue>, FormatError> {
    let key = VeleroLayout::new(&manifest.name).file("results.gz");
    let mut issues: Vec<Issue> = unfinished(manifest).into_iter().collect();
    if let Some(json) = read_small(store, &manifest.name, &key).await? {
        let results: Option<Results> = serde_json::from_slice(&json)
            .map_err(|error| FormatError::damaged(&manifest.name, format!("{key}: {error}")))?;
        let Results { errors, warnings } = results.unwrap_or_default();
        issues.extend(errors.messages().map(|text| Issue::error(Stage::List, Code::Recorded, text)));
        issues.extend(warnings.messages().map(|text| Issue::warning(Stage::List, Code::Recorded, text)));
    }
    Ok(issues)
}

fn unfinished(manifest: &Manifest) -> Option<Issue> {
    let phase = manifest.unknown.get("velero")?.get("phase")?.as_str()?;
    let why = format!("Velero left the backup in the phase {phase:?}: it may not be all that was asked for");
    (manifest.outcome == Outcome::Failed).then(|| Issue::error(Stage::List, Code::Recorded, why))
}

/// One of the small files, decompressed; `None` where it is not there.
pub(super) async fn read_small(
    store: &dyn ObjectStore,
    name: &BackupName,
    key: &Key,
) -> Result<Option<Vec<u8>>, FormatError> {
    let stored = found(store.get_bytes(key, FILE_BYTES_MAX).await).map_err(|error| FormatError::store(name, error))?;
    let Some(bytes) = stored else { return Ok(None) };
    let inflated = inflate(key, &bytes).map_err(|error| FormatError::damaged(name, format!("{key}: {error}")));
    inflated.map(Some)
}

fn inflate(key: &Key, bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut inflater = Inflater::of(key, Bounded(Vec::new()))?;
    inflater.write_all(bytes)?;
    inflater.end()?;
    Ok(std::mem::take(&mut inflater.get_mut().0))
}

fn found<T>(answer: StoreResult<T>) -> StoreResult<Option<T>> {
    match answer {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == StoreErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Bytes in memory, up to a bound.
struct Bounded(Vec<u8>);

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.0.len() + bytes.len() > FILE_RAW_BYTES_MAX {
            return Err(std::io::Error::other("it decompresses to more than 256 MiB"));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// `<name>-results.gz`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Results {
    errors: Messages,
    warnings: Messages,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Messages {
    velero: Option<Vec<String>>,
    cluster: Option<Vec<String>>,
    namespaces: Option<std::collections::BTreeMap<String, Vec<String>>>,
}

impl Messages {
    fn messages(self) -> impl Iterator<Item = String> {
        let one_line = |text: String| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let of_namespaces = self.namespaces.unwrap_or_default().into_iter();
        let of_namespaces = of_namespaces
            .flat_map(|(namespace, texts)| texts.into_iter().map(move |text| format!("namespace {namespace}: {text}")));
        let general = self.velero.into_iter().chain(self.cluster).flatten();
        general.chain(of_namespaces).map(one_line)
    }
}

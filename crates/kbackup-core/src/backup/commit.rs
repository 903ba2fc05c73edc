//! Ends a backup: the last files, then the manifest, by which it exists.

use std::collections::BTreeMap;

use serde::Serialize;

use super::BackupError;
use super::archive::Archive;
use super::claim::{Held, json};
use super::collect::{Collected, Tally};
use crate::cluster::ClusterInfo;
use crate::format::{
    Caps, ClusterRecord, ConsistencyRecord, Counts, FileRecord, FileWriter, FormatError, FormatVersion, Manifest,
    Resolved, Writer, read_manifest,
};
use crate::hook::HookCounts;
use crate::issue::{Issue, Outcome, Severity};
use crate::limits::Limits;
use crate::model::{BackupName, Gvr, Revision};
use crate::run::Run;
use crate::spec::BackupSpec;
use crate::store::{Key, ObjectStore, PutMode, StoreErrorKind, StoreResult};
use crate::volume::{VolumeCounts, VolumeRecord};

/// What a manifest is made of, beside what was collected.
#[derive(Debug)]
pub(super) struct Facts<'a> {
    pub(super) name: &'a BackupName,
    pub(super) spec: &'a BackupSpec,
    pub(super) cluster: ClusterInfo,
    pub(super) resolved: Resolved,
    pub(super) revision: Revision,
    pub(super) hooks: HookCounts,
    pub(super) volumes: Vec<VolumeRecord>,
}

/// Writes the index and the issues; gives the manifest that would commit the backup.
pub(super) async fn close(
    store: &dyn ObjectStore,
    held: &Held<'_>,
    facts: Facts<'_>,
    archive: Archive<'_>,
    collected: Collected,
    run: &Run,
) -> StoreResult<Manifest> {
    let mut files = archive.finish().await?;
    files.insert("volumes".to_owned(), write_lines(store, held.layout.volumes(), &facts.volumes, run).await?);
    files.insert("issues".to_owned(), write_lines(store, held.layout.issues(), &collected.issues, run).await?);
    Ok(manifest(held, facts, collected, files, run))
}

/// Writes a file of one record a line.
async fn write_lines(
    store: &dyn ObjectStore,
    key: Key,
    records: &[impl Serialize + Sync],
    run: &Run,
) -> StoreResult<FileRecord> {
    let limits = run.bounds();
    let mut file = FileWriter::new(store, key, limits.compression_level, limits.upload_piece_bytes)?;
    for record in records {
        let mut line = serde_json::to_vec(record).unwrap_or_default();
        line.push(b'\n');
        file.write(&line).await?;
    }
    file.finish().await
}

fn manifest(
    held: &Held<'_>,
    facts: Facts<'_>,
    mut collected: Collected,
    files: BTreeMap<String, FileRecord>,
    run: &Run,
) -> Manifest {
    collected.parts.sort_by_key(|part| part.number);
    collected.exceptions.sort();
    let by_type = collected.by_type();
    let ttl = facts.spec.ttl.duration();
    Manifest {
        format: Manifest::FORMAT.to_owned(),
        version: FormatVersion::CURRENT,
        name: facts.name.clone(),
        run_id: held.run_id,
        spec: facts.spec.clone(),
        resolved: facts.resolved,
        cluster: ClusterRecord { uid: facts.cluster.uid, version: facts.cluster.version, name: facts.cluster.name },
        consistency: ConsistencyRecord {
            mode: facts.spec.consistency,
            revision: facts.revision,
            exceptions: collected.exceptions,
        },
        started_at: held.started_at,
        completed_at: run.now(),
        expires_at: held.started_at.saturating_add(ttl).unwrap_or(jiff::Timestamp::MAX),
        outcome: Outcome::of(&collected.issues),
        counts: Counts {
            objects: by_type.values().map(|tally| tally.objects).sum(),
            bytes_raw: by_type.values().map(|tally| tally.bytes).sum(),
            by_type: objects_by_type(&by_type),
            bytes_stored: collected.parts.iter().map(|part| part.file.bytes).sum::<u64>()
                + files.values().map(|file| file.bytes).sum::<u64>(),
            hooks: facts.hooks,
            volumes: VolumeCounts::of(&facts.volumes),
            warnings: count(&collected.issues, Severity::Warning),
            errors: count(&collected.issues, Severity::Error),
        },
        caps: caps(run.bounds()),
        parts: collected.parts,
        files,
        snapshots: Vec::new(),
        writer: Writer::default(),
        unknown: BTreeMap::new(),
    }
}

fn caps(limits: &Limits) -> Caps {
    Caps {
        requests_in_flight: limits.lists_max,
        page_objects: limits.page_objects_max,
        bytes_per_second: limits.bytes_per_second_max,
    }
}

fn objects_by_type(tallies: &BTreeMap<Gvr, Tally>) -> BTreeMap<Gvr, u64> {
    tallies.iter().filter(|(_, tally)| tally.objects > 0).map(|(gvr, tally)| (gvr.clone(), tally.objects)).collect()
}

fn count(issues: &[Issue], severity: Severity) -> u64 {
    issues.iter().filter(|issue| issue.severity == severity).count() as u64
}

/// Puts the manifest. An answer that was lost on the way back is looked up: a backup that exists is not an error.
pub(super) async fn commit(store: &dyn ObjectStore, held: &Held<'_>, manifest: &Manifest) -> Result<(), BackupError> {
    let key = held.layout.manifest();
    let Err(error) = store.put(&key, json(manifest), PutMode::Create).await else { return Ok(()) };
    match read_manifest(store, &manifest.name).await {
        Ok(found) if found.run_id == manifest.run_id => Ok(()),
        Ok(_) => Err(BackupError::NameTaken { name: manifest.name.clone(), store: store.to_string() }),
        Err(FormatError::NotFound { .. }) if error.kind() != StoreErrorKind::AlreadyExists => {
            Err(BackupError::Store { during: "writing the manifest", source: error })
        }
        Err(_) => Err(BackupError::Uncertain { name: manifest.name.clone(), source: error }),
    }
}

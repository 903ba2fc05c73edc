//! Ends a backup: the last files, then the manifest, by which it exists.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::Serialize;

use super::BackupError;
use super::archive::Archive;
use super::claim::{Held, json};
use super::collect::{Collected, Tally};
use crate::cluster::ClusterInfo;
use crate::crypt::{SignatureRecord, SigningKey};
use crate::event::LogLine;
use crate::format::{
    Caps, ClusterRecord, ConsistencyRecord, Counts, FileRecord, FileWriter, FormatError, FormatVersion, Manifest,
    Resolved, Writer, digest_of, read_manifest,
};
use crate::hook::HookCounts;
use crate::issue::{Issue, Outcome, Severity};
use crate::limits::Limits;
use crate::model::{BackupName, Gvr, Lock, Revision};
use crate::run::Run;
use crate::spec::BackupSpec;
use crate::store::{Key, ObjectStore, ObjectStoreExt, PutMode, StoreError, StoreErrorKind, StoreResult};
use crate::volume::{VolumeCounts, VolumeRecord};

/// A signature has four short lines.
const SIGNATURE_BYTES_MAX: u64 = 16 << 10;

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
    pub(super) log: Vec<LogLine>,
    pub(super) signer: Option<&'a SigningKey>,
    pub(super) lock: Option<Lock>,
}

/// Writes the index, the issues and the log; gives the manifest that would commit the backup.
pub(super) async fn close(
    store: &dyn ObjectStore,
    held: &Held<'_>,
    facts: Facts<'_>,
    archive: Archive<'_>,
    collected: Collected,
    run: &Run,
) -> StoreResult<Manifest> {
    let mut files = archive.finish().await?;
    files.insert("volumes".to_owned(), write_lines(store, held, held.layout.volumes(), &facts.volumes, run).await?);
    files.insert("issues".to_owned(), write_lines(store, held, held.layout.issues(), &collected.issues, run).await?);
    files.insert("log".to_owned(), write_lines(store, held, held.layout.log(), &facts.log, run).await?);
    if let Some(identity) = held.seal.identity_file() {
        files.insert("identity".to_owned(), write_identity(store, held, identity).await?);
    }
    Ok(manifest(held, facts, collected, files, run))
}

/// Writes a file of one record a line.
async fn write_lines(
    store: &dyn ObjectStore,
    held: &Held<'_>,
    key: Key,
    records: &[impl Serialize + Sync],
    run: &Run,
) -> StoreResult<FileRecord> {
    let mut file = FileWriter::new(store, key, run.bounds(), &held.seal)?;
    for record in records {
        let mut line = serde_json::to_vec(record).unwrap_or_default();
        line.push(b'\n');
        file.write(&line).await?;
    }
    file.finish().await
}

async fn write_identity(store: &dyn ObjectStore, held: &Held<'_>, identity: &Bytes) -> StoreResult<FileRecord> {
    let (key, bytes) = (held.layout.identity(), identity.len() as u64);
    store.put(&key, identity.clone(), PutMode::Overwrite).await?;
    Ok(FileRecord { key, sha256: digest_of(identity), bytes, raw_bytes: bytes })
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
    let over = held.started_at.saturating_add(ttl).unwrap_or(jiff::Timestamp::MAX);
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
        // Before its lock is over, a backup can't be deleted.
        expires_at: facts.lock.map_or(over, |lock| lock.until.max(over)),
        lock: facts.lock,
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
        encryption: held.seal.record().cloned(),
        signature: facts
            .signer
            .map(|signer| SignatureRecord { scheme: SignatureRecord::SCHEME.to_owned(), key_id: signer.id() }),
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

/// Puts the signature, where somebody signs, then the manifest: a signed backup never exists without its signature. An
/// answer that was lost on the way back is looked up: a backup that exists is not an error.
pub(super) async fn commit(
    store: &dyn ObjectStore,
    held: &Held<'_>,
    manifest: &Manifest,
    signer: Option<&SigningKey>,
) -> Result<(), BackupError> {
    held.check().await.map_err(BackupError::store("looking whether the name is still this run's"))?;
    let (key, bytes) = (held.layout.manifest(), json(manifest));
    if let Some(signer) = signer {
        sign(store, held, manifest, signer, &bytes).await?;
    }
    let Err(error) = store.put(&key, bytes, PutMode::Create).await else { return Ok(()) };
    if is_unlocked(&error) {
        return Err(BackupError::Store { during: "writing the manifest", source: error });
    }
    match read_manifest(store, &manifest.name).await {
        Ok(found) if found.run_id == manifest.run_id => Ok(()),
        Ok(_) => Err(BackupError::NameTaken { name: manifest.name.clone(), store: store.to_string() }),
        Err(FormatError::NotFound { .. }) if error.kind() != StoreErrorKind::AlreadyExists => {
            Err(BackupError::Store { during: "writing the manifest", source: error })
        }
        Err(_) => Err(BackupError::Uncertain { name: manifest.name.clone(), source: error }),
    }
}

/// Puts the signature of the manifest, if absent: one that is there belongs to a backup of somebody else.
async fn sign(
    store: &dyn ObjectStore,
    held: &Held<'_>,
    manifest: &Manifest,
    signer: &SigningKey,
    bytes: &[u8],
) -> Result<(), BackupError> {
    let comment = format!("kbackup backup {}, run {}", manifest.name, manifest.run_id);
    let signature: Bytes = signer.sign(bytes, &comment).map_err(BackupError::Protection)?.into();
    let key = held.layout.signature();
    let Err(error) = store.put(&key, signature.clone(), PutMode::Create).await else { return Ok(()) };
    match store.get_bytes(&key, SIGNATURE_BYTES_MAX).await {
        Ok(found) if found == signature && !is_unlocked(&error) => Ok(()),
        Ok(found) if found != signature => {
            Err(BackupError::NameTaken { name: manifest.name.clone(), store: store.to_string() })
        }
        _ => Err(BackupError::Store { during: "writing the signature", source: error }),
    }
}

/// Whether a store that was to lock an object says that it holds it without a lock: then it being there is no success.
fn is_unlocked(error: &StoreError) -> bool {
    error.kind() == StoreErrorKind::Unsupported
}

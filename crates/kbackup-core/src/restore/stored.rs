//! Plans in the store: what an interrupted apply goes on from. One line for what is of the whole plan, then one a step. The
//! values of fields that change are left out: they are data of objects, and the backup may be encrypted.

use std::io::{self, Write};

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use zstd::stream::write::Decoder;

use super::RestoreError;
use super::plan::{Action, PlannedWave, RestorePlan, Step};
use super::record::{backup_of, not_kept, seal};
use crate::action::Wave;
use crate::crypt::{OpenError, Opener, Seal, Step as Opening};
use crate::format::{Access, FileWriter, FormatError, Manifest, RestoreLayout, read_manifest, sealed};
use crate::limits::Limits;
use crate::model::BackupName;
use crate::store::{Key, ObjectStore, ObjectStoreExt, StoreError, StoreErrorKind, StoreResult};

/// What is written before the compressor gets it.
const PIECE_BYTES: usize = 64 << 10;
/// A line names one object; a plan of a million objects has a few hundred MiB.
const FILE_BYTES_MAX: u64 = 1 << 30;

#[derive(Serialize)]
struct PlannedStep<'a> {
    wave: Wave,
    step: &'a Step,
}

#[derive(Deserialize)]
#[serde(untagged)]
#[expect(clippy::large_enum_variant, reason = "nearly all are steps")]
enum PlanLine {
    Step { wave: Wave, step: Step },
    Head(Box<RestorePlan>),
}

/// Keeps a plan under the name of its restore.
pub(super) async fn keep_plan(
    store: &dyn ObjectStore,
    plan: &RestorePlan,
    limits: &Limits,
    seal: &Seal,
) -> StoreResult<()> {
    let key = RestoreLayout::new(&plan.name).plan();
    let mut file = FileWriter::new(store, key, limits, seal)?;
    let mut text = Vec::new();
    append_line(&mut text, &plan.without_steps());
    for planned in &plan.waves {
        for step in &planned.steps {
            let told = (!step.action.changes().is_empty()).then(|| without_changes(step));
            append_line(&mut text, &PlannedStep { wave: planned.wave, step: told.as_ref().unwrap_or(step) });
            if text.len() >= PIECE_BYTES {
                file.write(&text).await?;
                text.clear();
            }
        }
    }
    file.write(&text).await?;
    file.finish().await.map(|_| ())
}

/// The plan of a restore that was begun.
///
/// # Errors
/// `NoPlan` where none was kept under that name; `Backup` where the backup is encrypted and nothing that was given opens
/// it; the store's.
pub async fn stored_plan<'a>(
    from: impl Into<Access<'a>> + Send,
    name: &BackupName,
) -> Result<RestorePlan, RestoreError> {
    let access = from.into();
    let store = access.store();
    let manifest = read_manifest(access, &backup_of(store, name).await?).await?;
    let seal = seal(&manifest)?;
    let key = sealed(RestoreLayout::new(name).plan(), &seal);
    let lines = match read_lines::<PlanLine>(access, &manifest, &key, "reading the plan").await {
        Err(RestoreError::Store { source, .. }) if source.kind() == StoreErrorKind::NotFound => {
            return Err(not_kept(name, store));
        }
        other => other?,
    };
    let mut lines = lines.into_iter();
    let Some(PlanLine::Head(plan)) = lines.next() else { return Err(not_kept(name, store)) };
    let mut plan = *plan;
    for line in lines {
        if let PlanLine::Step { wave, step } = line {
            match plan.waves.last_mut() {
                Some(last) if last.wave == wave => last.steps.push(step),
                _ => plan.waves.push(PlannedWave { wave, steps: vec![step] }),
            }
        }
    }
    Ok(plan)
}

/// The lines of a small compressed file of ours.
pub(super) async fn read_lines<T: DeserializeOwned + Send>(
    access: Access<'_>,
    manifest: &Manifest,
    key: &Key,
    during: &'static str,
) -> Result<Vec<T>, RestoreError> {
    let failed = |source| RestoreError::Store { during, source };
    let bytes = access.store().get_bytes(key, FILE_BYTES_MAX).await.map_err(failed)?;
    let bytes = opened(access, manifest, key, bytes).await?;
    parse(key, &bytes).map_err(failed)
}

/// The bytes of a file of ours, decrypted where the backup is encrypted.
async fn opened(access: Access<'_>, manifest: &Manifest, key: &Key, bytes: Bytes) -> Result<Bytes, FormatError> {
    let Some(identities) = access.identities(manifest).await? else { return Ok(bytes) };
    let refused = |error| match error {
        OpenError::Damaged(what) => FormatError::damaged(&manifest.name, format!("{key}: {what}")),
        OpenError::NoKey => {
            let recipients = manifest.encryption.as_ref().map(ToString::to_string).unwrap_or_default();
            FormatError::Encrypted { name: manifest.name.clone(), recipients }
        }
    };
    let (mut opener, mut plain) = (Opener::new(identities), Vec::new());
    opener.feed(bytes);
    loop {
        match opener.read(PIECE_BYTES).map_err(refused)? {
            Opening::Bytes(piece) => plain.extend_from_slice(&piece),
            Opening::End => return Ok(plain.into()),
            Opening::Hungry => opener.end(),
        }
    }
}

fn parse<T: DeserializeOwned>(key: &Key, bytes: &[u8]) -> StoreResult<Vec<T>> {
    let broken = |error: io::Error| {
        StoreError::new(StoreErrorKind::Other, format!("{key} is not what was written")).with_source(error)
    };
    let mut text = Decoder::new(Bounded(Vec::new())).map_err(broken)?;
    text.write_all(bytes).and_then(|()| text.flush()).map_err(broken)?;
    let text = text.into_inner().0;
    let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_slice(line).map_err(|error| broken(error.into()))).collect()
}

/// What a hostile file can't blow up.
struct Bounded(Vec<u8>);

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if (self.0.len() + bytes.len()) as u64 > FILE_BYTES_MAX {
            return Err(io::Error::other("it is larger than any that was written"));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Adds a value as one line of JSON.
pub(super) fn append_line(text: &mut Vec<u8>, value: &impl Serialize) {
    // Text keys and plain values always serialise.
    _ = serde_json::to_writer(&mut *text, value);
    text.push(b'\n');
}

fn without_changes(step: &Step) -> Step {
    let none = Vec::new;
    let action = match &step.action {
        Action::Update { .. } => Action::Update { changes: none() },
        Action::Replace { .. } => Action::Replace { changes: none() },
        Action::Recreate { .. } => Action::Recreate { changes: none() },
        Action::Skip { why, .. } => Action::skip(why.clone()),
        other => other.clone(),
    };
    Step { object: step.object.clone(), action, source: step.source.clone() }
}

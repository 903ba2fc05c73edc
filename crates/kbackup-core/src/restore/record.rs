//! Stores what became of a restore beside the backup it was made from.

use super::RestoreError;
use crate::format::{FileWriter, RestoreLayout};
use crate::model::BackupName;
use crate::report::{ObjectResult, RestoreReport};
use crate::run::Run;
use crate::store::{ObjectStore, ObjectStoreExt, PutMode, StoreErrorKind, StoreResult};

/// Refuses a name that another restore has.
pub(super) async fn refuse_taken(store: &dyn ObjectStore, name: &BackupName) -> Result<(), RestoreError> {
    match store.exists(&RestoreLayout::new(name).report()).await {
        Ok(false) => Ok(()),
        Ok(true) => Err(RestoreError::NameTaken { name: name.clone(), store: store.to_string() }),
        Err(source) => Err(RestoreError::Store { during: "looking for a restore of that name", source }),
    }
}

/// Stores the results and then the report, by which the restore exists. In a read-only store nothing is kept: restoring
/// from it must work.
pub(super) async fn keep(
    store: &dyn ObjectStore,
    report: &RestoreReport,
    results: &[ObjectResult],
    run: &Run,
) -> Result<(), RestoreError> {
    if !store.capabilities().writable {
        return Ok(());
    }
    match write(store, report, results, run).await {
        Err(error) if error.kind() == StoreErrorKind::AlreadyExists => {
            Err(RestoreError::NameTaken { name: report.name.clone(), store: store.to_string() })
        }
        Err(source) => Err(RestoreError::Store { during: "storing the restore's report", source }),
        Ok(()) => Ok(()),
    }
}

async fn write(
    store: &dyn ObjectStore,
    report: &RestoreReport,
    results: &[ObjectResult],
    run: &Run,
) -> StoreResult<()> {
    let (layout, limits) = (RestoreLayout::new(&report.name), run.bounds());
    let mut file = FileWriter::new(store, layout.results(), limits.compression_level, limits.upload_piece_bytes)?;
    for result in results {
        let mut line = serde_json::to_vec(result).unwrap_or_default();
        line.push(b'\n');
        file.write(&line).await?;
    }
    file.finish().await?;
    let json = serde_json::to_vec_pretty(report).unwrap_or_default();
    store.put(&layout.report(), json.into(), PutMode::Create).await.map(|_| ())
}

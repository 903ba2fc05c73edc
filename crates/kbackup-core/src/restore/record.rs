//! Stores what became of a restore beside the backup it was made from.

use serde::Serialize;

use super::RestoreError;
use crate::crypt::Seal;
use crate::format::{FileWriter, RestoreLayout};
use crate::model::BackupName;
use crate::report::{ObjectResult, RestoreReport};
use crate::run::Run;
use crate::store::{Key, ObjectStore, ObjectStoreExt, PutMode, StoreErrorKind, StoreResult};

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
    seal: &Seal,
    run: &Run,
) -> Result<(), RestoreError> {
    if !store.capabilities().writable {
        return Ok(());
    }
    match write(store, report, results, seal, run).await {
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
    seal: &Seal,
    run: &Run,
) -> StoreResult<()> {
    let layout = RestoreLayout::new(&report.name);
    write_lines(store, layout.results(), results, seal, run).await?;
    let mut report = report.clone();
    if seal.record().is_some() {
        // The report is not encrypted, so it must not name the objects of one that is.
        write_lines(store, layout.issues(), &report.issues, seal, run).await?;
        report.issues.clear();
    }
    let json = serde_json::to_vec_pretty(&report).unwrap_or_default();
    store.put(&layout.report(), json.into(), PutMode::Create).await.map(|_| ())
}

async fn write_lines(
    store: &dyn ObjectStore,
    key: Key,
    lines: &[impl Serialize + Sync],
    seal: &Seal,
    run: &Run,
) -> StoreResult<()> {
    let mut file = FileWriter::new(store, key, run.bounds(), seal)?;
    for line in lines {
        let mut line = serde_json::to_vec(line).unwrap_or_default();
        line.push(b'\n');
        file.write(&line).await?;
    }
    file.finish().await.map(|_| ())
}

//! `kbackup backup export`.

use kbackup_core::catalog::export_velero;
use kbackup_core::format::Access;

use super::failure::of_export;
use super::run::run;
use crate::args::{BackupExport, ExportFormat, Global};
use crate::connect;
use crate::error::{Code, Failure};
use crate::keys;
use crate::view;

pub(super) async fn export(global: &Global, export: &BackupExport) -> Result<Code, Failure> {
    let (from, (to, _)) = (connect::store(global)?, connect::other_store(global, &export.to)?);
    let keyring = keys::keyring(global)?;
    let (run, _signal) = run(global);
    let exported = match export.format {
        ExportFormat::Velero => export_velero(Access::new(&*from, &keyring), &export.name, &*to, &run).await,
    };
    drop(run);
    match exported {
        Ok(exported) => view::exported(global, &exported, &*to)?,
        Err(error) => return Err(of_export(&error, &*from).await),
    }
    Ok(Code::Completed)
}

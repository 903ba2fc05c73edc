//! What each error of the engines means to who typed the command: the exit code and the next step.

use kbackup_core::backup::BackupError;
use kbackup_core::catalog::{self, CatalogError, ExportError};
use kbackup_core::format::{FormatError, LocationError};
use kbackup_core::model::{BackupName, nearest};
use kbackup_core::restore::RestoreError;
use kbackup_core::spec::Violations;
use kbackup_core::store::ObjectStore;

use crate::error::{Code, Failure};
use crate::view;

/// Why a backup could not be made.
pub(super) fn of_backup(error: &BackupError) -> Failure {
    let failure = |code| Failure::from_error(code, error);
    match error {
        BackupError::Invalid(violations) => of_spec("the request is not valid", violations),
        BackupError::NameTaken { .. } => failure(Code::Usage).next("choose another name, or delete that backup first"),
        BackupError::InProgress { name, .. } => failure(Code::Usage).next(format!(
            "wait for it, or choose another name; if that run is dead, remove what it left: kbackup backup delete {name}"
        )),
        BackupError::ReadOnly { .. } => failure(Code::Failed).next("choose a location that is read-write"),
        BackupError::Deleting { .. } => failure(Code::Usage)
            .next("choose another name, or finish the deletion first: kbackup backup sweep"),
        BackupError::ForeignLocation { .. } => failure(Code::Usage).next("choose another prefix for --store"),
        BackupError::Inconsistent { .. } => {
            failure(Code::Failed).next("run it again, or with --consistency revision, which names what differs")
        }
        BackupError::Uncertain { name, .. } => {
            failure(Code::Failed).next(format!("look whether it exists: kbackup backup describe {name}"))
        }
        BackupError::Protection(_) => failure(Code::Usage).next("make a key with kbackup keygen"),
        BackupError::Cancelled => failure(Code::Cancelled),
        _ => failure(Code::Failed).next("nothing lists as a backup of that name; mend the cause and run it again"),
    }
}

/// Why a restore could not be made.
pub(super) async fn of_restore(error: &RestoreError, store: &dyn ObjectStore) -> Failure {
    let failure = |code| Failure::from_error(code, error);
    match error {
        RestoreError::Invalid(violations) => of_spec("the request is not valid", violations),
        RestoreError::Backup(error) => of_format(error, store).await,
        RestoreError::NameTaken { name, .. } => failure(Code::Usage).next(format!(
            "choose another name for the restore; one that was interrupted goes on with: kbackup restore apply {name}"
        )),
        RestoreError::NoPlan { .. } => failure(Code::Usage)
            .next("give a file that kbackup restore create --plan-out wrote, or the name of a restore"),
        RestoreError::Exists { .. } => {
            failure(Code::Failed).next("look at them with --dry-run -o wide, and choose another --existing")
        }
        RestoreError::Cancelled => failure(Code::Cancelled),
        _ => failure(Code::Failed).next("go on with it by its name: kbackup restore apply NAME"),
    }
}

/// Why something could not be done with the backups of a store.
pub(super) async fn of_catalog(error: &CatalogError, store: &dyn ObjectStore) -> Failure {
    let failure = |code| Failure::from_error(code, error);
    match error {
        CatalogError::Backup(error) => of_format(error, store).await,
        CatalogError::Locked { .. } => {
            failure(Code::Failed).next("wait until then; nothing was deleted, and the store would refuse it too")
        }
        CatalogError::NameTaken { name, store } => failure(Code::Usage).next(format!(
            "compare the two: kbackup backup describe {name} --store {store}; delete one, or copy elsewhere"
        )),
        CatalogError::OtherCopy { name, store } => failure(Code::Usage).next(format!(
            "delete that copy first, or copy elsewhere: kbackup backup delete {name} --store {store}"
        )),
        CatalogError::NotTrusted { .. } => failure(Code::Failed).next(
            "nothing was copied; encrypt and sign it anew with --recipient and --sign-key, if you trust it, or copy elsewhere",
        ),
        CatalogError::Protection(_) => {
            failure(Code::Usage).next("sign with --sign-key and a key that the other location trusts")
        }
        CatalogError::NotOurs { .. } => {
            failure(Code::Usage).next("copy its bucket with the tools of its store, and name the copy with --store")
        }
        CatalogError::Unfinished { name, store } => failure(Code::Failed)
            .next(format!("remove it when its run is dead: kbackup backup delete {name} --store {store}")),
        CatalogError::Location(LocationError::Foreign { .. }) => failure(Code::Usage).next("choose another prefix"),
        CatalogError::NoProvider { .. } => failure(Code::Failed)
            .why("a backup goes with its snapshots, so that none is left that nobody knows of")
            .next("run it where that disk service is set up"),
        CatalogError::Snapshot { .. } => {
            failure(Code::Failed).next("the backup stays until its snapshots are gone: mend the cause and run it again")
        }
        CatalogError::ReadOnly { .. } => {
            failure(Code::Failed).next("use the location read-write, or do it from where it is")
        }
        CatalogError::Cancelled => failure(Code::Cancelled),
        CatalogError::InProgress { .. } => {
            failure(Code::Failed).next("wait for it; a run that is dead is taken for dead five minutes after its last sign of life")
        }
        CatalogError::Velero { name } => failure(Code::Failed).next(format!("velero backup delete {name}")),
        _ => failure(Code::Failed),
    }
}

/// Why a backup could not be exported from `store`.
pub(super) async fn of_export(error: &ExportError, store: &dyn ObjectStore) -> Failure {
    let failure = |code| Failure::from_error(code, error);
    match error {
        ExportError::Backup(error) => of_format(error, store).await,
        ExportError::NameTaken { name, store } => failure(Code::Usage).next(format!(
            "choose another place for --to; what an export has left goes with: kbackup backup delete {name} --store {store}"
        )),
        ExportError::Unfit { .. } => failure(Code::Usage).next("choose another prefix for --to"),
        ExportError::Cancelled => failure(Code::Cancelled),
        _ => failure(Code::Failed).next("nothing lists as a backup of that name there; mend the cause and run it again"),
    }
}

/// Why a backup could not be read; for one that does not exist, which names are near.
pub(super) async fn of_format(error: &FormatError, store: &dyn ObjectStore) -> Failure {
    let failure = |code| Failure::from_error(code, error);
    match error {
        FormatError::NotFound { name, .. } => {
            let failure = failure(Code::Usage);
            let failure = match catalog::unfinished(store, name).await {
                Ok(Some(unfinished)) => failure.why(view::unfinished(&unfinished)),
                _ => failure.why(near(name, store).await),
            };
            failure.next(format!("kbackup backup get --store {store}"))
        }
        FormatError::Damaged { .. } => {
            failure(Code::Failed).next("nothing was restored from it; take another backup, or a copy of this one")
        }
        FormatError::VeleroTooNew { .. } => {
            failure(Code::Failed).next("use a newer kbackup, or restore it with Velero")
        }
        FormatError::Encrypted { .. } => failure(Code::Failed)
            .next("give the identity of one of them: -i FILE; or the passphrase: --passphrase-file FILE"),
        FormatError::Untrusted { .. } => failure(Code::Failed).next(
            "nothing was restored from it; give the public key that signed it with --trusted-key, if you trust it",
        ),
        FormatError::TooNew { .. } => failure(Code::Failed).next("use the kbackup that wrote it, or a newer one"),
        _ => failure(Code::Failed),
    }
}

pub(super) fn of_spec(what: &str, violations: &Violations) -> Failure {
    let failure = Failure::usage(what).next("change what is named above and run it again; nothing was touched");
    violations.0.iter().fold(failure, Failure::why)
}

async fn near(name: &BackupName, store: &dyn ObjectStore) -> String {
    let names = catalog::names(store).await.unwrap_or_default();
    let near = nearest(name.as_str(), names.iter().map(BackupName::as_str));
    match (&near[..], names.len()) {
        ([], 0) => "there are no backups there".to_owned(),
        ([], count) => format!("none of the {count} names there is near it"),
        ([near], _) => format!("the nearest name is \"{near}\""),
        (near, _) => format!(
            "the nearest names are {}",
            near.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ")
        ),
    }
}

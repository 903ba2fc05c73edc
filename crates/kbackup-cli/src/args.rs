//! What was typed. Flags are checked here; what they mean is decided by the commands.

mod backup;
mod global;
mod keygen;
mod location;
mod protection;
mod restore;
mod sandbox;
mod schedule;
mod scoped;
mod selection;
mod words;

use std::ffi::OsString;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

pub(crate) use backup::{
    BackupArgs, BackupContents, BackupCopy, BackupCreate, BackupDelete, BackupDescribe, BackupExport, BackupGet,
    BackupLogs, BackupPrune, BackupSweep, BackupVerb, BackupVerify, ExportFormat,
};
pub(crate) use global::{Global, LogFormat, Output};
pub(crate) use keygen::KeygenArgs;
pub(crate) use location::{
    LocationAdd, LocationArgs, LocationField, LocationGet, LocationName, LocationSet, LocationSettings, LocationVerb,
};
pub(crate) use protection::{Pace, ProtectionArgs};
pub(crate) use restore::{DryRun, RestoreApply, RestoreArgs, RestoreCreate, RestoreVerb};
pub(crate) use sandbox::{DemoArgs, SandboxArgs};
pub(crate) use schedule::{ScheduleArgs, ScheduleCreate, ScheduleGet, ScheduleName, ScheduleRun, ScheduleVerb};

/// Back up, restore and migrate Kubernetes clusters.
#[derive(Debug, Parser)]
#[command(name = "kbackup", version, about, propagate_version = true, disable_help_subcommand = true)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) noun: Noun,
}

#[derive(Debug, Subcommand)]
#[allow(clippy::large_enum_variant, reason = "there is one in a program's life")]
pub(crate) enum Noun {
    /// Show the whole road on an in-memory cluster: back up, delete, restore twice, compare.
    Demo(DemoArgs),
    /// Serve a small Kubernetes API server in memory, for trying things out with kubectl.
    Sandbox(SandboxArgs),
    /// Make, list, describe and delete backups.
    #[command(visible_alias = "backups")]
    Backup(BackupArgs),
    /// Restore a backup, whole or in part, under the same names or others.
    #[command(visible_alias = "restores")]
    Restore(RestoreArgs),
    /// Back up again and again: write schedules down, and run them.
    #[command(visible_alias = "schedules")]
    Schedule(ScheduleArgs),
    /// Name the object stores that backups are kept in, and try them out.
    #[command(visible_alias = "locations")]
    Location(LocationArgs),
    /// Make a key: an identity that opens encrypted backups, or with --signing a key that signs them.
    Keygen(KeygenArgs),
    /// Print the version.
    Version,
}

/// Parses the command line; verb-first forms (`get backups`) are accepted too.
pub(crate) fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Args, clap::Error> {
    let matches =
        Args::command().try_get_matches_from(words::keygen_out(words::noun_first(words.into_iter().collect())))?;
    let mut args = Args::from_arg_matches(&matches)?;
    args.global.one_store(&matches)?;
    Ok(args)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_is_consistent() {
        Args::command().debug_assert();
    }

    fn check(line: &str) -> Result<Args, clap::Error> {
        parse(line.split_whitespace().map(OsString::from))
    }

    #[test]
    fn lines_of_the_documentation_parse() {
        for line in [
            "kbackup demo --dir /tmp/x",
            "kbackup sandbox --load a.yaml --load dir --write-kubeconfig /tmp/k --listen 127.0.0.1:0",
            "kbackup backup create nightly --include-namespaces shop,web --store file:///srv/backups",
            "kbackup backup create --store memory:// -o json --ttl 720h0m0s --consistency strict",
            "kbackup backup create x --include-cluster-resources=false -l app=web",
            "kbackup backup create x --include-cluster-resources",
            "kbackup backup export nightly --format velero --to file:///srv/velero",
            "kbackup get backups --store file:///srv/backups",
            "kbackup create backup nightly",
            "kbackup backup create nightly --labels team=shop,tier=gold",
            "kbackup backup get -l team=shop -o json",
            "kbackup backup verify nightly weekly --deep",
            "kbackup backup copy nightly --to file:///mnt/other",
            "kbackup backup prune --dry-run --keep-last 3 --keep-daily 7 -o json",
            "kbackup backup sweep --grace 48h",
            "kbackup backup copy nightly --location main --to other",
            "kbackup location add main file:///srv/backups --read-only --ttl 30d --default",
            "kbackup location set main -r age1abc --trusted-key RWabc --clear ttl,options",
            "kbackup backup copy nightly --to vault -r age1abc --sign-key backup.key -i key.txt",
            "kbackup backup create x --lists-in-flight 2 --bytes-per-second 10MiB",
            "kbackup location set main --read-only=false --option region=eu",
            "kbackup get locations",
            "kbackup location check main",
            "kbackup schedule create nightly --schedule @daily --keep-daily 7 --include-namespaces shop --ttl 48h",
            "kbackup create schedule nightly --schedule=@hourly --time-zone Europe/Berlin --jitter 10m",
            "kbackup schedule run nightly --once",
            "kbackup schedule pause nightly",
            "kbackup backup contents nightly -n shop --include-resources secrets -o name",
            "kbackup describe backup nightly -o yaml",
            "kbackup --store file:///x backup delete a b --yes",
            "kbackup restore create --from-backup nightly --namespace-mappings a:b,c:d --dry-run",
            "kbackup restore create --from-backup b --names configmaps/a,deployments/shop/web-* --existing replace",
            "kbackup restore create --from-backup b --existing-resource-policy none --skip-damaged",
            "kbackup restore create --from-backup b --dry-run=server --plan-out plan.json",
            "kbackup restore plan --from-backup b",
            "kbackup restore apply plan.json",
            "kbackup create restore again --from-backup nightly --owned include",
            "kbackup backup logs nightly -o json",
            "kbackup version",
            "kbackup keygen -o key.txt",
            "kbackup -q keygen --signing -obackup.key",
            "kbackup backup create x -r age1abc --recipient age1def --recipients-file team.txt --passphrase-file p",
            "kbackup backup create x --sign-key backup.key --compression-level 9",
            "kbackup restore create --from-backup x -i key.txt -i other.txt --trusted-key backup.key.pub",
        ] {
            assert!(check(line).is_ok(), "{line}: {:?}", check(line).err());
        }
    }

    #[test]
    fn nonsense_is_refused_with_a_hint() {
        for (line, hint) in [
            ("kbackup backup creat x", "create"),
            ("kbackup backup create x --include-namespace a", "--include-namespaces"),
            ("kbackup restore create", "--from-backup"),
            ("kbackup backup get --store memory:// --location main", "cannot be used with"),
            ("kbackup schedule create nightly --schedule 99x", "fields"),
            ("kbackup schedule create nightly", "--schedule"),
            ("kbackup backup create x --ttl 3x", "units"),
            ("kbackup restore create --from-backup b --namespace-mappings a", "from:to"),
            ("kbackup restore create --from-backup b --existing none", "skip"),
            ("kbackup restore create --from-backup b --existing skip --existing-resource-policy none", "--existing"),
            ("kbackup backup create ../x", "name"),
            ("kbackup backup export x --to memory://", "--format"),
            ("kbackup backup export x --format valero --to memory://", "velero"),
            ("kbackup backup create x --compression-level 23", "1..=22"),
            ("kbackup backup create x --lists-in-flight 0", "at least 1"),
            ("kbackup backup create x --bytes-per-second fast", "10MiB"),
            ("kbackup backup create x -l a=b=", "selector"),
            ("kbackup backup create x --labels team", "key=value"),
        ] {
            let error = check(line).err().map(|error| error.to_string()).unwrap_or_default();
            assert!(error.contains(hint), "{line}: {error}");
        }
    }
}

//! Flags that every command takes.

use std::path::PathBuf;

use clap::parser::ValueSource;
use clap::{ArgAction, ArgMatches, ValueEnum};

#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Global {
    /// The kubeconfig file; not given: as kubectl finds it, the cluster that this runs in last.
    #[arg(long, global = true, env = "KUBECONFIG", value_name = "FILE", help_heading = "Global options")]
    pub(crate) kubeconfig: Option<PathBuf>,
    /// The context of the kubeconfig; not given: its current one.
    #[arg(long, alias = "kubecontext", global = true, value_name = "NAME", help_heading = "Global options")]
    pub(crate) context: Option<String>,
    /// The object store with its prefix: file:///srv/backups, s3://bucket/prefix?region=…, gs://…, az://…, memory://.
    #[arg(long, global = true, env = "KBACKUP_STORE", value_name = "URL", help_heading = "Global options")]
    pub(crate) store: Option<String>,
    /// A location of the configuration file, instead of --store.
    #[arg(
        long,
        alias = "storage-location",
        global = true,
        env = "KBACKUP_LOCATION",
        value_name = "NAME",
        help_heading = "Global options"
    )]
    pub(crate) location: Option<String>,
    /// The configuration file; not given: ~/.config/kbackup/config.toml.
    #[arg(long, global = true, env = "KBACKUP_CONFIG", value_name = "FILE", help_heading = "Global options")]
    pub(crate) config: Option<PathBuf>,
    /// A file of age identities, or an SSH private key, that opens encrypted backups (repeatable).
    #[arg(short, long, global = true, env = "KBACKUP_IDENTITY", value_name = "FILE", help_heading = "Global options")]
    pub(crate) identity: Vec<PathBuf>,
    /// A file whose first line is the passphrase that encrypts a new backup, or opens what is under one.
    #[arg(long, global = true, value_name = "FILE", help_heading = "Global options")]
    pub(crate) passphrase_file: Option<PathBuf>,
    /// A public key of minisign, or its file (repeatable). Given, a backup that none of them has signed is refused.
    #[arg(long, global = true, value_name = "FILE|KEY", help_heading = "Global options")]
    pub(crate) trusted_key: Vec<String>,
    /// How the result is printed to standard output.
    #[arg(
        short,
        long,
        global = true,
        value_enum,
        default_value_t,
        value_name = "FORMAT",
        help_heading = "Global options"
    )]
    pub(crate) output: Output,
    /// No progress and no warnings on standard error.
    #[arg(short, long, global = true, help_heading = "Global options")]
    pub(crate) quiet: bool,
    /// More of what happens, on standard error; twice for all.
    #[arg(short, long, global = true, action = ArgAction::Count, help_heading = "Global options")]
    pub(crate) verbose: u8,
    /// How the log is written to standard error.
    #[arg(long, global = true, value_enum, default_value_t, value_name = "FORMAT", help_heading = "Global options")]
    pub(crate) log_format: LogFormat,
    /// No colours.
    #[arg(long, global = true, help_heading = "Global options")]
    pub(crate) no_color: bool,
    /// Answer the question of a destructive command with yes.
    #[arg(short, long, alias = "confirm", global = true, help_heading = "Global options")]
    pub(crate) yes: bool,
}

impl Global {
    /// Leaves at most one of `--store` and `--location`: what was typed wins over the environment, and of two that were
    /// typed nobody knows which was meant.
    pub(super) fn one_store(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        let is_empty = |text: &Option<String>| text.as_ref().is_some_and(String::is_empty);
        if is_empty(&self.store) {
            self.store = None;
        }
        if is_empty(&self.location) {
            self.location = None;
        }
        if self.store.is_none() || self.location.is_none() {
            return Ok(());
        }
        let deepest = std::iter::successors(Some(matches), |matches| matches.subcommand().map(|(_, sub)| sub)).last();
        let is_typed = |id| deepest.and_then(|it| it.value_source(id)) == Some(ValueSource::CommandLine);
        match (is_typed("store"), is_typed("location")) {
            (true, false) => self.location = None,
            (false, true) => self.store = None,
            _ => {
                let message = "the store (--store, KBACKUP_STORE) cannot be used with a location (--location, \
                               KBACKUP_LOCATION): name one of them\n";
                return Err(clap::Error::raw(clap::error::ErrorKind::ArgumentConflict, message));
            }
        }
        Ok(())
    }
}

/// How a result is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Output {
    /// For people.
    #[default]
    Table,
    /// For people with wide terminals.
    Wide,
    /// For programs.
    Json,
    /// For programs and people.
    Yaml,
    /// Names only.
    Name,
}

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// A JSON object a line.
    Json,
}

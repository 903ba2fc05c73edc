//! Flags that every command takes.

use std::path::PathBuf;

use clap::{ArgAction, ValueEnum};

#[derive(Debug, clap::Args)]
pub(crate) struct Global {
    /// The kubeconfig file; not given: as kubectl finds it, the cluster that this runs in last.
    #[arg(long, global = true, env = "KUBECONFIG", value_name = "FILE", help_heading = "Global options")]
    pub(crate) kubeconfig: Option<PathBuf>,
    /// The context of the kubeconfig; not given: its current one.
    #[arg(long, global = true, value_name = "NAME", help_heading = "Global options")]
    pub(crate) context: Option<String>,
    /// The object store with its prefix: file:///srv/backups, memory://.
    #[arg(long, global = true, env = "KBACKUP_STORE", value_name = "URL", help_heading = "Global options")]
    pub(crate) store: Option<String>,
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
    #[arg(short, long, global = true, help_heading = "Global options")]
    pub(crate) yes: bool,
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

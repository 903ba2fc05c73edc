//! `kbackup location …`.

use clap::{Subcommand, ValueEnum};
use kbackup_core::spec::Ttl;

#[derive(Debug, clap::Args)]
pub(crate) struct LocationArgs {
    #[command(subcommand)]
    pub(crate) verb: LocationVerb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LocationVerb {
    /// Name an object store in the configuration file.
    Add(LocationAdd),
    /// List the locations.
    Get(LocationGet),
    /// Try out whether a location can be written, read, listed and deleted from.
    Check(LocationName),
    /// Change a location.
    Set(LocationSet),
    /// Forget a location. Its backups stay where they are.
    Remove(LocationName),
}

#[derive(Debug, clap::Args)]
pub(crate) struct LocationAdd {
    /// The location's name.
    pub(crate) name: String,
    /// The store's URL with its prefix.
    pub(crate) url: String,
    #[command(flatten)]
    pub(crate) settings: LocationSettings,
}

#[derive(Debug, clap::Args)]
pub(crate) struct LocationSet {
    /// The location's name.
    pub(crate) name: String,
    /// Another URL.
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<String>,
    #[command(flatten)]
    pub(crate) settings: LocationSettings,
}

/// What a location may say nothing about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LocationField {
    /// The time to live.
    Ttl,
    /// The options of the store.
    Options,
    /// For whom backups are encrypted.
    Recipients,
    /// Whose signatures count.
    TrustedKeys,
}

/// How a location is used. Whose signatures count there is said by --trusted-key.
#[derive(Debug, clap::Args)]
pub(crate) struct LocationSettings {
    /// Whether nothing may be made or deleted there; restores work.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub(crate) read_only: Option<bool>,
    /// How long backups that are made there are kept, where nothing else is said.
    #[arg(long, value_name = "DURATION")]
    pub(crate) ttl: Option<Ttl>,
    /// An option of the store, key=value (repeatable).
    #[arg(long = "option", value_name = "KEY=VALUE", value_parser = super::backup::label)]
    pub(crate) options: Vec<(String, String)>,
    /// For whom backups that are made there are encrypted, where nothing else is said: age1…, ssh-… (repeatable).
    #[arg(short, long = "recipient", alias = "default-recipient", value_name = "KEY")]
    pub(crate) recipients: Vec<String>,
    /// Forget what the location says of these; what is given beside it is set anew.
    #[arg(long, value_enum, value_name = "FIELDS", value_delimiter = ',')]
    pub(crate) clear: Vec<LocationField>,
    /// Whether this is the location that is meant where a command names none.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub(crate) default: Option<bool>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct LocationGet {
    /// Names to show; not given: all.
    pub(crate) names: Vec<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct LocationName {
    /// The location's name.
    pub(crate) name: String,
}

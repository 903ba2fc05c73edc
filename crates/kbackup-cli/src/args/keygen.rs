//! `kbackup keygen`.

use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(crate) struct KeygenArgs {
    /// Make a key that signs backups (minisign's format) instead of an identity that opens them (age's).
    #[arg(long)]
    pub(crate) signing: bool,
    /// Where the secret half goes, for its owner alone (here -o FILE means the same); the public half of a signing key goes
    /// to FILE.pub. Not given: the secret half is printed.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

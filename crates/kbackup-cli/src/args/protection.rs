//! The flags that encrypt and sign a backup.

use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(crate) struct ProtectionArgs {
    /// Encrypt for this public key (repeatable): age1…, ssh-ed25519 …, ssh-rsa …. Each of them opens the backup alone.
    #[arg(short, long, value_name = "KEY")]
    pub(crate) recipient: Vec<String>,
    /// Encrypt for the public keys in this file, one a line (repeatable).
    #[arg(long, value_name = "FILE")]
    pub(crate) recipients_file: Vec<PathBuf>,
    /// Sign the manifest with this key of minisign's format, which has no password (kbackup keygen --signing).
    #[arg(long, value_name = "FILE")]
    pub(crate) sign_key: Option<PathBuf>,
    /// How hard the archive is compressed.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(1..=22))]
    pub(crate) compression_level: Option<i32>,
}

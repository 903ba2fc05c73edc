//! What a manifest says of encryption and signature: public halves only.

use serde::{Deserialize, Serialize};

/// For whom the files of a backup are encrypted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EncryptionRecord {
    /// How: `age-encryption.org/v1`.
    pub scheme: String,
    /// The recipients: `age1…`, `ssh-ed25519 …`, `ssh-rsa …`. Each opens every file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recipients: Vec<String>,
    /// The public half of the backup's own identity, which is in the file `identity` under a passphrase; it opens every
    /// file too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passphrase_recipient: Option<String>,
}

impl EncryptionRecord {
    /// What stands in `scheme`.
    pub const SCHEME: &'static str = "age-encryption.org/v1";

    /// Every public key that the files are encrypted for.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.recipients.iter().chain(&self.passphrase_recipient).map(String::as_str)
    }
}

impl std::fmt::Display for EncryptionRecord {
    /// Who can open it, for people.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let passphrase = self.passphrase_recipient.iter().map(|_| "a passphrase");
        let all: Vec<&str> = self.recipients.iter().map(String::as_str).chain(passphrase).collect();
        f.write_str(&all.join(", "))
    }
}

/// Who signed a manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SignatureRecord {
    /// How: `minisign`.
    pub scheme: String,
    /// The id of the key, as minisign prints it. It says which key to look for, and proves nothing.
    pub key_id: String,
}

impl SignatureRecord {
    /// What stands in `scheme`.
    pub const SCHEME: &'static str = "minisign";
}

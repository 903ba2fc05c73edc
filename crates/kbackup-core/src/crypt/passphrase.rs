//! What somebody knows by heart, or keeps in a file.

use std::fmt;
use std::sync::Arc;

use super::InvalidKey;

/// A passphrase. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Passphrase(Arc<str>);

impl Passphrase {
    /// This passphrase.
    ///
    /// # Errors
    /// Where it is empty.
    ///
    /// ```
    /// use kbackup_core::crypt::Passphrase;
    ///
    /// let passphrase = Passphrase::new("correct horse battery staple")?;
    /// assert_eq!(format!("{passphrase:?}"), "Passphrase(…)");
    /// assert!(Passphrase::new("").is_err());
    /// # Ok::<(), kbackup_core::crypt::InvalidKey>(())
    /// ```
    pub fn new(text: &str) -> Result<Self, InvalidKey> {
        if text.is_empty() {
            return Err(InvalidKey::new("the passphrase", "it is empty"));
        }
        Ok(Self(text.into()))
    }

    /// The passphrase in a file: its first line.
    ///
    /// # Errors
    /// Where that is empty.
    pub fn of_file(text: &str) -> Result<Self, InvalidKey> {
        let line = text.lines().next().unwrap_or_default();
        if line.is_empty() {
            return Err(InvalidKey::new("the passphrase file", "its first line, which is the passphrase, is empty"));
        }
        Self::new(line)
    }

    #[cfg(feature = "encryption")]
    pub(super) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase(…)")
    }
}

//! Keys: whom backups are encrypted for, who signs them, and who can read and trust them. Bytes in, bytes out; where these
//! come from and go to is the business of others.
//!
//! Files are encrypted as age files (<https://age-encryption.org/v1>) and manifests are signed as minisign does it, so the
//! tools of the same names read them. Both are behind the feature `encryption`; without it the types of keys have no
//! values, and an encrypted backup is refused with an error that says so.

#[cfg(not(feature = "encryption"))]
mod absent;
#[cfg(feature = "encryption")]
mod age;
mod error;
mod keyring;
#[cfg(feature = "encryption")]
mod minisign;
mod passphrase;
mod protection;
mod record;
#[cfg(all(test, feature = "encryption"))]
mod tests;

#[cfg(not(feature = "encryption"))]
pub use absent::{Identities, Recipients, SigningKey, TrustedKey};
#[cfg(not(feature = "encryption"))]
pub(crate) use absent::{Opener, verify};
#[cfg(feature = "encryption")]
pub(crate) use age::Opener;
#[cfg(feature = "encryption")]
pub use age::{Identities, NewIdentity, Recipients};
pub use error::InvalidKey;
pub(crate) use error::OpenError;
pub use keyring::Keyring;
pub(crate) use keyring::Unlocked;
#[cfg(feature = "encryption")]
pub(crate) use minisign::verify;
#[cfg(feature = "encryption")]
pub use minisign::{SigningKey, TrustedKey};
pub use passphrase::Passphrase;
pub use protection::{Protection, Seal};
pub(crate) use protection::{Sealer, Step};
pub use record::{EncryptionRecord, SignatureRecord};

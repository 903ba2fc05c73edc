//! Encryption as age does it: for recipients by their public keys, or under a passphrase.

mod identities;
mod lock;
mod open;
mod recipients;
mod seal;

pub use identities::{Identities, NewIdentity};
pub(crate) use open::Opener;
pub use recipients::Recipients;
pub(crate) use seal::AgeSealer;
pub(super) use seal::Sealing;

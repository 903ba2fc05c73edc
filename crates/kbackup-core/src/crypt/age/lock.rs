//! What is under a passphrase, and how much work that costs.

use age::secrecy::SecretString;

use super::super::Passphrase;

/// How much work a passphrase costs, as the logarithm of scrypt's N: 128 MiB and half a second of a core.
pub(super) const WORK: u8 = 17;
/// The most that a file may ask a reader for: 1 GiB and some seconds. age itself writes 18.
pub(super) const WORK_MAX: u8 = 20;

pub(super) fn secret(passphrase: &Passphrase) -> SecretString {
    SecretString::from(passphrase.expose().to_owned())
}

/// Opens a small file under a passphrase.
pub(super) fn open_with_passphrase(file: &[u8], passphrase: &Passphrase) -> Result<Vec<u8>, age::DecryptError> {
    let mut identity = age::scrypt::Identity::new(secret(passphrase));
    identity.set_max_work_factor(WORK_MAX);
    let plain = age::armor::ArmoredReader::new(file);
    let decryptor = age::Decryptor::new_buffered(plain)?;
    let mut reader = decryptor.decrypt(std::iter::once(&identity as &dyn age::Identity))?;
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut reader, &mut bytes)?;
    Ok(bytes)
}

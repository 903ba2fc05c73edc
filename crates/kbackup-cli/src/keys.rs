//! Keys out of the files that the flags name.

use std::fs;
use std::path::Path;

use kbackup_core::crypt::{
    Identities, InvalidKey, Keyring, Passphrase, Protection, Recipients, SigningKey, TrustedKey,
};

use crate::args::{Global, ProtectionArgs};
use crate::error::Failure;

/// How a new backup is protected.
pub(crate) fn protection(global: &Global, args: &ProtectionArgs) -> Result<Protection, Failure> {
    let mut recipients: Option<Recipients> = None;
    let mut add = |more: Recipients| recipients = Some(recipients.take().map_or(more.clone(), |known| known.and(more)));
    if !args.recipient.is_empty() {
        add(Recipients::of(&args.recipient).map_err(|error| invalid("--recipient", &error))?);
    }
    for path in &args.recipients_file {
        let flag = format!("--recipients-file {}", path.display());
        add(Recipients::of_file(&text(&flag, path)?).map_err(|error| invalid(&flag, &error))?);
    }
    if let Some(passphrase) = passphrase(global)? {
        add(Recipients::of_passphrase(passphrase));
    }
    let mut protection = Protection::default();
    if let Some(recipients) = recipients {
        protection = protection.encrypt(recipients);
    }
    if let Some(path) = &args.sign_key {
        let flag = format!("--sign-key {}", path.display());
        protection = protection.sign(SigningKey::parse(&text(&flag, path)?).map_err(|error| invalid(&flag, &error))?);
    }
    Ok(protection)
}

/// What opens backups, and whose signatures count.
pub(crate) fn keyring(global: &Global) -> Result<Keyring, Failure> {
    let mut keyring = Keyring::default();
    let passphrase = passphrase(global)?;
    // An empty variable of the environment names no file.
    for path in global.identity.iter().filter(|path| !path.as_os_str().is_empty()) {
        let flag = format!("--identity {}", path.display());
        let bytes = fs::read(path).map_err(|error| unreadable(&flag, &error))?;
        let identities = Identities::parse(&bytes, passphrase.as_ref()).map_err(|error| invalid(&flag, &error))?;
        keyring = keyring.identities(identities);
    }
    if let Some(passphrase) = passphrase {
        keyring = keyring.passphrase(passphrase);
    }
    for key in &global.trusted_key {
        let flag = format!("--trusted-key {key}");
        let path = Path::new(key);
        let found = if path.exists() { text(&flag, path)? } else { key.clone() };
        keyring = keyring.trust(TrustedKey::parse(&found).map_err(|error| {
            let failure = invalid(&flag, &error);
            if path.exists() { failure } else { failure.why("there is no file of that name either") }
        })?);
    }
    Ok(keyring)
}

fn passphrase(global: &Global) -> Result<Option<Passphrase>, Failure> {
    let Some(path) = &global.passphrase_file else { return Ok(None) };
    let flag = format!("--passphrase-file {}", path.display());
    Passphrase::of_file(&text(&flag, path)?).map(Some).map_err(|error| invalid(&flag, &error))
}

fn text(flag: &str, path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|error| unreadable(flag, &error))
}

fn unreadable(flag: &str, error: &std::io::Error) -> Failure {
    Failure::usage(format!("{flag} can't be read")).why(error).next("name a file that exists and that you may read")
}

fn invalid(flag: &str, error: &InvalidKey) -> Failure {
    Failure::usage(format!("{flag} is not valid"))
        .why(error)
        .next("make keys with kbackup keygen, and give the half that the flag asks for")
}

//! Keys: out of the files that the flags name, and of the location that is meant.

use std::fs;
use std::path::Path;

use kbackup_core::catalog::Reseal;
use kbackup_core::crypt::{
    Identities, InvalidKey, Keyring, Passphrase, Protection, Recipients, SigningKey, TrustedKey,
};
use kbackup_providers::location::Location;

use crate::args::{Global, ProtectionArgs};
use crate::connect;
use crate::error::Failure;

/// How a new backup is protected: as the flags say, and where they name nobody to encrypt for, as the location does.
///
/// # Errors
/// Where a key can't be used, or the location would not believe the backup.
pub(crate) fn protection(
    global: &Global,
    args: &ProtectionArgs,
    location: Option<&Location>,
) -> Result<Protection, Failure> {
    let passphrase = passphrase(global)?.map(Recipients::of_passphrase);
    let typed = match (recipients("--recipient", &typed(args)?)?, passphrase) {
        (Some(keys), Some(passphrase)) => Some(keys.and(passphrase)),
        (keys, passphrase) => keys.or(passphrase),
    };
    let protection = protect(typed.map_or_else(|| recipients_of(location), |typed| Ok(Some(typed)))?, args)?;
    protection.check_trusted_by(&trust(location)?).map_err(|error| {
        let failure = Failure::usage("the location takes no such backup").why(error);
        failure.next("sign with --sign-key and a key that the location trusts: kbackup location get -o yaml")
    })?;
    Ok(protection)
}

/// How a copy is protected: anew where somebody is named to encrypt it for; what is not encrypted yet, as its new location
/// says.
pub(crate) fn reseal(args: &ProtectionArgs, to: Option<&Location>) -> Result<Reseal, Failure> {
    let typed = recipients("--recipient", &typed(args)?)?;
    let anew = typed.is_some() || args.sign_key.is_some();
    match typed.map_or_else(|| recipients_of(to), |typed| Ok(Some(typed)))? {
        None if anew => Err(Failure::usage("a copy is signed anew only where it is encrypted anew")
            .why("byte for byte, it keeps the signature of the original")
            .next("add --recipient, or leave --sign-key out")),
        None => Ok(Reseal::Never),
        Some(recipients) if anew => Ok(Reseal::Always(protect(Some(recipients), args)?)),
        Some(recipients) => Ok(Reseal::IfOpen(protect(Some(recipients), args)?)),
    }
}

fn protect(recipients: Option<Recipients>, args: &ProtectionArgs) -> Result<Protection, Failure> {
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

/// The public keys that were typed, and those of the files that were.
pub(crate) fn typed(args: &ProtectionArgs) -> Result<Vec<String>, Failure> {
    let mut keys = args.recipient.clone();
    recipients("--recipient", &keys)?;
    for path in &args.recipients_file {
        let flag = format!("--recipients-file {}", path.display());
        let text = text(&flag, path)?;
        Recipients::of_file(&text).map_err(|error| invalid(&flag, &error))?;
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        keys.extend(lines.map(str::to_owned));
    }
    Ok(keys)
}

fn recipients(flag: &str, keys: &[String]) -> Result<Option<Recipients>, Failure> {
    if keys.is_empty() {
        return Ok(None);
    }
    Recipients::of(keys).map(Some).map_err(|error| invalid(flag, &error))
}

/// For whom a location has backups encrypted.
pub(crate) fn recipients_of(location: Option<&Location>) -> Result<Option<Recipients>, Failure> {
    location.map_or(Ok(None), |location| recipients("a recipient of the location", &location.recipients))
}

/// Whose signatures count at a location.
pub(crate) fn trust(location: Option<&Location>) -> Result<Keyring, Failure> {
    let keys = location.into_iter().flat_map(|location| &location.trusted_keys);
    keys.map(|key| TrustedKey::parse(key).map_err(|error| invalid("a trusted key of the location", &error)))
        .try_fold(Keyring::default(), |keyring, key| Ok(keyring.trust(key?)))
}

/// What opens the backups of the store that is meant, and whose signatures count there.
pub(crate) fn keyring(global: &Global) -> Result<Keyring, Failure> {
    keyring_of(global, connect::location(global)?.as_ref())
}

/// The same, of the store of a location: its trusted keys count where none were typed.
pub(crate) fn keyring_of(global: &Global, location: Option<&Location>) -> Result<Keyring, Failure> {
    let mut keyring = if global.trusted_key.is_empty() { trust(location)? } else { Keyring::default() };
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
    Ok(trusted(global)?.into_iter().fold(keyring, Keyring::trust))
}

/// The trusted keys that were typed.
pub(crate) fn trusted(global: &Global) -> Result<Vec<TrustedKey>, Failure> {
    let parse = |key: &String| {
        let flag = format!("--trusted-key {key}");
        let path = Path::new(key);
        let found = if path.exists() { text(&flag, path)? } else { key.clone() };
        TrustedKey::parse(&found).map_err(|error| {
            let failure = invalid(&flag, &error);
            if path.exists() { failure } else { failure.why("there is no file of that name either") }
        })
    };
    global.trusted_key.iter().map(parse).collect()
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

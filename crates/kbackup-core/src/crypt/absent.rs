//! What stands for keys in a build without the feature `encryption`: types without values.

use std::io::{self, Write};

use bytes::Bytes;

use super::{EncryptionRecord, InvalidKey, OpenError, Passphrase, Step};

/// Whom a backup is encrypted for. There is none in a build without the feature `encryption`.
#[derive(Debug, Clone)]
pub enum Recipients {}

/// What signs manifests. There is none in a build without the feature `encryption`.
#[derive(Debug, Clone)]
pub enum SigningKey {}

/// Whose signatures are trusted. There is none in a build without the feature `encryption`.
#[derive(Debug, Clone)]
pub enum TrustedKey {}

/// What opens encrypted backups: nothing, in a build without the feature `encryption`.
#[derive(Debug, Clone, Default)]
pub struct Identities;

impl Identities {
    pub(crate) const NONE: Self = Self;

    pub(crate) fn extend(&mut self, Self: Self) {}

    pub(crate) fn is_of_any<'a>(&self, _keys: impl Iterator<Item = &'a str>) -> bool {
        false
    }

    pub(crate) fn unlock(_file: &[u8], _passphrase: &Passphrase) -> Result<Self, OpenError> {
        Err(OpenError::NoKey)
    }
}

impl SigningKey {
    pub(crate) fn id(&self) -> String {
        match *self {}
    }

    pub(crate) fn is_half_of(&self, _key: &TrustedKey) -> bool {
        match *self {}
    }

    pub(crate) fn has_signed(&self, _bytes: &[u8], _signature: &str) -> bool {
        match *self {}
    }

    pub(crate) fn sign(&self, _bytes: &[u8], _comment: &str) -> Result<String, InvalidKey> {
        match *self {}
    }
}

pub(crate) fn verify(_trusted: &[TrustedKey], _signature: &[u8], _signed: &[u8]) -> Result<(), String> {
    Ok(())
}

pub(super) enum Sealing {}

impl Sealing {
    pub(super) fn new(recipients: &Recipients) -> Result<Self, InvalidKey> {
        match *recipients {}
    }

    pub(super) fn again(recipients: &Recipients, _file: Bytes) -> Option<Self> {
        match *recipients {}
    }

    pub(super) fn like(_record: &EncryptionRecord) -> Result<Self, InvalidKey> {
        Err(InvalidKey::new("the backup's recipients", "this kbackup was built without the feature `encryption`"))
    }

    pub(super) fn record(&self) -> &EncryptionRecord {
        match *self {}
    }

    pub(super) fn identity_file(&self) -> Option<&Bytes> {
        match *self {}
    }

    pub(super) fn sealer(&self) -> io::Result<AgeSealer> {
        match *self {}
    }
}

pub(crate) enum AgeSealer {}

impl AgeSealer {
    pub(super) fn waiting(&self) -> usize {
        match *self {}
    }

    pub(super) fn reserve(&mut self, _bytes: usize) {
        match *self {}
    }

    pub(super) fn take(&mut self) -> Vec<u8> {
        match *self {}
    }

    pub(super) fn end(&mut self) -> io::Result<()> {
        match *self {}
    }
}

impl Write for AgeSealer {
    fn write(&mut self, _bytes: &[u8]) -> io::Result<usize> {
        match *self {}
    }

    fn flush(&mut self) -> io::Result<()> {
        match *self {}
    }
}

/// Opens no file.
pub(crate) struct Opener;

impl Opener {
    pub(crate) fn new(_identities: Identities) -> Self {
        Self
    }

    pub(crate) fn feed(&mut self, _piece: Bytes) {}

    pub(crate) fn end(&mut self) {}

    pub(crate) fn read(&mut self, _bytes_max: usize) -> Result<Step, OpenError> {
        Err(OpenError::NoKey)
    }
}

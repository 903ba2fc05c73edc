//! Writing encrypted files.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use age::secrecy::ExposeSecret;
use age::stream::StreamWriter;
use bytes::Bytes;

use super::super::protection::emptied;
use super::super::{EncryptionRecord, InvalidKey};
use super::lock::{open_with_passphrase, secret};
use super::recipients::{Recipient, Recipients};

/// What one backup is encrypted with.
pub(in super::super) struct Sealing {
    keys: Vec<Recipient>,
    record: EncryptionRecord,
    identity_file: Option<Bytes>,
}

impl Sealing {
    /// A passphrase opens an identity that is made for this backup alone, and that identity opens the files: so only one
    /// file costs the work that a passphrase costs, and passphrases and public keys can be recipients of the same backup.
    pub(in super::super) fn new(recipients: &Recipients) -> Result<Self, InvalidKey> {
        let Some(passphrase) = &recipients.passphrase else { return Ok(Self::of(recipients, None)) };
        let own = age::x25519::Identity::generate();
        let mut lock = age::scrypt::Recipient::new(secret(passphrase));
        lock.set_work_factor(recipients.work);
        let line = format!("{}\n", own.to_string().expose_secret());
        let file = age::encrypt(&lock, line.as_bytes());
        let file = file.map_err(|error| InvalidKey::new("the passphrase", error.to_string()))?;
        Ok(Self::of(recipients, Some((own.to_public(), file.into()))))
    }

    /// The seal of what was begun for the same recipients: with the identity in `file`, if their passphrase opens it.
    pub(in super::super) fn again(recipients: &Recipients, file: Bytes) -> Option<Self> {
        let plain = open_with_passphrase(&file, recipients.passphrase.as_ref()?).ok()?;
        let own: age::x25519::Identity = std::str::from_utf8(&plain).ok()?.trim().parse().ok()?;
        Some(Self::of(recipients, Some((own.to_public(), file))))
    }

    fn of(recipients: &Recipients, own: Option<(age::x25519::Recipient, Bytes)>) -> Self {
        let mut keys = recipients.keys.clone();
        let scheme = EncryptionRecord::SCHEME.to_owned();
        let named = keys.iter().map(ToString::to_string).collect();
        let passphrase_recipient = own.as_ref().map(|(own, _)| own.to_string());
        let record = EncryptionRecord { scheme, recipients: named, passphrase_recipient };
        let identity_file = own.map(|(own, file)| {
            keys.push(Recipient::X25519(own));
            file
        });
        Self { keys, record, identity_file }
    }

    pub(in super::super) fn like(record: &EncryptionRecord) -> Result<Self, InvalidKey> {
        if record.scheme != EncryptionRecord::SCHEME {
            return Err(InvalidKey::new(format!("the scheme \"{}\"", record.scheme), "it is of another kbackup"));
        }
        let keys = Recipients::of(record.keys())?.keys;
        Ok(Self { keys, record: record.clone(), identity_file: None })
    }

    pub(in super::super) fn record(&self) -> &EncryptionRecord {
        &self.record
    }

    pub(in super::super) fn identity_file(&self) -> Option<&Bytes> {
        self.identity_file.as_ref()
    }

    pub(in super::super) fn sealer(&self) -> io::Result<AgeSealer> {
        let encryptor = age::Encryptor::with_recipients(self.keys.iter().map(Recipient::as_age));
        let outlet = Outlet::default();
        let stream = encryptor.map_err(io::Error::other)?.wrap_output(outlet.clone())?;
        Ok(AgeSealer { stream: Some(stream), outlet })
    }
}

/// Encrypts what is written to it, 64 KiB at a time.
pub(crate) struct AgeSealer {
    /// Gone when the file has ended.
    stream: Option<StreamWriter<Outlet>>,
    outlet: Outlet,
}

impl AgeSealer {
    pub(in super::super) fn waiting(&self) -> usize {
        self.outlet.with(|bytes| bytes.len())
    }

    pub(in super::super) fn reserve(&mut self, bytes: usize) {
        self.outlet.with(|buffer| buffer.reserve(bytes));
    }

    pub(in super::super) fn take(&mut self) -> Vec<u8> {
        self.outlet.with(emptied)
    }

    pub(in super::super) fn end(&mut self) -> io::Result<()> {
        self.stream.take().map_or(Ok(()), |stream| stream.finish().map(drop))
    }
}

impl Write for AgeSealer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.stream {
            Some(stream) => stream.write(bytes),
            None => Err(io::Error::other("the file has ended")),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Where the encrypted bytes wait. The stream owns its end of it and does not lend it, so the other end is shared.
#[derive(Clone, Default)]
struct Outlet(Arc<Mutex<Vec<u8>>>);

impl Outlet {
    fn with<T>(&self, act: impl FnOnce(&mut Vec<u8>) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Write for Outlet {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.with(|buffer| buffer.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

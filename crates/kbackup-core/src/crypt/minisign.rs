//! Signatures of manifests, as minisign makes and checks them.

use std::fmt;
use std::io::Cursor;
use std::sync::Arc;

use minisign::{KeyPair, PublicKey, SecretKey, SecretKeyBox, SignatureBox};

use super::InvalidKey;

/// A signature's file has four short lines.
const SIGNATURE_BYTES_MAX: usize = 4 << 10;
/// How long an Ed25519 signature is in Base64.
const SIGNATURE_CHARS: usize = 88;

/// What signs manifests: the secret half of an Ed25519 key in minisign's format. `Debug` shows its id only.
#[derive(Clone)]
pub struct SigningKey(Arc<SecretKey>);

/// Whose signatures are trusted: the public half of an Ed25519 key in minisign's format.
#[derive(Debug, Clone)]
pub struct TrustedKey(PublicKey);

impl SigningKey {
    /// Makes a new key, without a password.
    ///
    /// # Errors
    /// Where the system has no randomness.
    pub fn generate() -> Result<Self, InvalidKey> {
        let pair = KeyPair::generate_unencrypted_keypair();
        let pair = pair.map_err(|error| InvalidKey::new("a new signing key", error.to_string()))?;
        Ok(Self(Arc::new(pair.sk)))
    }

    /// The key in a file that `kbackup keygen --signing` or `minisign -G -W` has made.
    ///
    /// # Errors
    /// Where it is not such a file, or a password protects the key.
    pub fn parse(file: &str) -> Result<Self, InvalidKey> {
        let invalid = |why: &str| InvalidKey::new("the signing key", why);
        if TrustedKey::parse(file).is_ok() {
            return Err(invalid("it is the public half; the secret half signs"));
        }
        let (_, encoded) = file
            .trim()
            .split_once('\n')
            .ok_or_else(|| invalid("it is not a secret key of minisign, which has two lines: a comment and the key"))?;
        let boxed = SecretKeyBox::from_string(file.trim());
        match boxed.and_then(SecretKeyBox::into_unencrypted_secret_key) {
            Ok(key) => Ok(Self(Arc::new(key))),
            // Algorithms "Ed" and "Sc": a key under a password.
            Err(_) if encoded.starts_with("RWRTY") => Err(invalid(
                "a password protects it, and nobody is there to type it: make a key without one with kbackup keygen --signing or minisign -G -W, and protect its file",
            )),
            Err(_) => Err(invalid("it is not a secret key of minisign, or a damaged one")),
        }
    }

    /// The file of the secret half. It is a secret without further protection: keep it so.
    #[must_use]
    pub fn file(&self) -> String {
        let boxed = self.0.to_box(Some("kbackup signing key, without a password"));
        // Writing to a text in memory does not fail.
        boxed.map(SecretKeyBox::into_string).unwrap_or_default()
    }

    /// The public half.
    ///
    /// # Errors
    /// Where the secret half is damaged.
    pub fn public(&self) -> Result<TrustedKey, InvalidKey> {
        let public = PublicKey::from_secret_key(&self.0);
        public.map(TrustedKey).map_err(|error| InvalidKey::new("the signing key", error.to_string()))
    }

    /// Its id, as minisign prints it.
    #[must_use]
    pub fn id(&self) -> String {
        id(self.0.keynum())
    }

    /// Whether `key` is its public half.
    pub(crate) fn is_half_of(&self, key: &TrustedKey) -> bool {
        self.public().is_ok_and(|public| public.0.to_bytes() == key.0.to_bytes())
    }

    /// Whether `signature` is one that it has made of `bytes`.
    pub(crate) fn has_signed(&self, bytes: &[u8], signature: &str) -> bool {
        self.public().is_ok_and(|public| verify(&[public], signature.as_bytes(), bytes).is_ok())
    }

    /// The file of the signature. `comment` is signed too.
    pub(crate) fn sign(&self, bytes: &[u8], comment: &str) -> Result<String, InvalidKey> {
        let untrusted = format!("signature by kbackup with the key {}", self.id());
        let signed = minisign::sign(None, &self.0, bytes, Some(comment), Some(&untrusted));
        signed.map(SignatureBox::into_string).map_err(|error| InvalidKey::new("the signing key", error.to_string()))
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.id())
    }
}

impl TrustedKey {
    /// The key in a file that minisign calls `….pub`, or its one line of Base64.
    ///
    /// # Errors
    /// Where it is neither.
    ///
    /// ```
    /// use kbackup_core::crypt::{SigningKey, TrustedKey};
    ///
    /// let signer = SigningKey::generate()?;
    /// let trusted = TrustedKey::parse(&signer.public()?.to_string())?;
    /// assert_eq!(trusted.id(), signer.id());
    /// # Ok::<(), kbackup_core::crypt::InvalidKey>(())
    /// ```
    pub fn parse(text: &str) -> Result<Self, InvalidKey> {
        let invalid = |why: &str| InvalidKey::new("the trusted key", why);
        let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let line = match &lines[..] {
            [line] => line,
            [comment, line] if comment.starts_with("untrusted comment:") => line,
            _ => return Err(invalid("it is not a public key of minisign, which is one line that begins with RW")),
        };
        let key = PublicKey::from_base64(line).ok().filter(|key| key.to_bytes().starts_with(b"Ed"));
        key.map(Self).ok_or_else(|| {
            invalid(if line.len() > 100 {
                "it is a secret key: give its public half, which is in the file that ends in .pub"
            } else {
                "it is not a public key of minisign, which is 56 characters that begin with RW"
            })
        })
    }

    /// Its id, as minisign prints it.
    #[must_use]
    pub fn id(&self) -> String {
        id(self.0.keynum())
    }

    /// The file of it, as minisign writes it.
    #[must_use]
    pub fn file(&self) -> String {
        format!("untrusted comment: minisign public key {}\n{self}\n", self.id())
    }
}

impl fmt::Display for TrustedKey {
    /// One line of Base64.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_base64())
    }
}

/// Whether one of the trusted keys has signed these bytes; otherwise why that is not so.
pub(crate) fn verify(trusted: &[TrustedKey], signature: &[u8], signed: &[u8]) -> Result<(), String> {
    let unreadable = || "its signature is not one of minisign's".to_owned();
    let text = std::str::from_utf8(signature).ok().filter(|text| text.len() <= SIGNATURE_BYTES_MAX);
    let text = text.ok_or_else(unreadable)?;
    // The library takes the length of the second signature for granted.
    if text.lines().nth(3).is_none_or(|line| line.trim().len() != SIGNATURE_CHARS) {
        return Err(unreadable());
    }
    let signature = SignatureBox::from_string(text).map_err(|_| unreadable())?;
    let found = id(signature.keynum());
    let Some(key) = trusted.iter().find(|key| key.0.keynum() == signature.keynum()) else {
        let known: Vec<String> = trusted.iter().map(TrustedKey::id).collect();
        return Err(format!("the key {found} has signed it, and the trusted ones are {}", known.join(", ")));
    };
    minisign::verify(&key.0, &signature, Cursor::new(signed), true, false, true)
        .map_err(|_| format!("its manifest is not what the key {found} has signed"))
}

fn id(keynum: &[u8]) -> String {
    keynum.iter().rev().fold(String::new(), |text, byte| text + &format!("{byte:02X}"))
}

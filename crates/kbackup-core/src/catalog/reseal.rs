//! Copies a backup and encrypts it for others on the way: checked, resumable, and there only when it is whole.

use std::collections::BTreeMap;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::CatalogError;
use super::copy::{Copied, Place, commit, compare, files, find_place, not_held, note_origin};
use super::delete::keys_of;
use super::incoming::Sealing;
use crate::crypt::{EncryptionRecord, Protection, Seal, SignatureRecord, SigningKey};
use crate::format::{
    Access, BackupLayout, Claim, Contents, FileRecord, Hold, Manifest, TakeOver, digest_of, sealed_again, sealed_anew,
    verify_file,
};
use crate::run::Run;
use crate::store::{Key, ObjectStore, ObjectStoreExt, PutMode, StoreErrorKind};

/// The role of the file that a passphrase opens: the copy has its own, or none.
const IDENTITY: &str = "identity";
/// After so many files what was done is written down: what a copy that is killed has to do again.
const NOTE_EVERY: usize = 8;
/// An identity under a passphrase has some hundred bytes.
const IDENTITY_BYTES_MAX: u64 = 64 << 10;
/// Makes the id of a claim out of that of the run that made the original.
const RESEALED: u128 = u128::from_be_bytes(*b"kbackup resealed");
/// A hundred thousand parts fit.
const NOTES_BYTES_MAX: u64 = 64 << 20;

/// What was brought over: written beside the copy while it is made, so that it goes on where it broke off. What is there
/// can't be opened by who writes it, so only this says which file of the original it is.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Notes {
    /// The run that made the original.
    run_id: Uuid,
    encryption: Option<EncryptionRecord>,
    /// By the key of the original's file.
    files: BTreeMap<String, FileRecord>,
}

/// Notes as they are stored. What is signed in the end must not go on with what somebody else has put there.
#[derive(Debug, Serialize, Deserialize)]
struct Noted {
    /// JSON of [`Notes`], as it was signed.
    notes: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    signature: Option<String>,
}

/// What one copy works with.
struct Work<'a> {
    from: Access<'a>,
    to: &'a dyn ObjectStore,
    /// The same store, which locks what is written where that is asked for.
    files_to: &'a dyn ObjectStore,
    layout: BackupLayout,
    manifest: &'a Manifest,
    hold: Hold<'a>,
    seal: Seal,
    signer: Option<&'a SigningKey>,
    run: &'a Run,
}

/// A file of the original under the new seal.
struct Resealed {
    from: Key,
    file: FileRecord,
    reused: bool,
}

pub(super) async fn reseal(
    from: Access<'_>,
    to: Access<'_>,
    manifest: &Manifest,
    protection: &Protection,
    run: &Run,
) -> Result<Copied, CatalogError> {
    protection.check_trusted_by(to.keys()).map_err(CatalogError::Protection)?;
    let seal = protection.seal().await.map_err(CatalogError::Protection)?;
    let wanted = |there: &Manifest| is_protected_so(there, &seal, protection.signer());
    let locked = match find_place(to, manifest, wanted, run).await? {
        Place::There(there) => return compare(to.store(), &there, run).await,
        Place::Free(locked) => locked,
    };
    let (to, layout) = (to.store(), BackupLayout::new(&manifest.name));
    // Its id is neither that of the original, whose copies byte for byte share what they find, nor one of its own: the next
    // copy knows it.
    let claim = Claim::new(Uuid::from_u128(manifest.run_id.as_u128() ^ RESEALED), run.now());
    let hold = Hold::take(to, &layout, claim, TakeOver::WhenSilent, run).await;
    let hold = hold.map_err(|error| not_held(to, &manifest.name, error))?;
    let files_to = locked.as_deref().unwrap_or(to);
    let mut work = Work { from, to, files_to, layout, manifest, hold, seal, signer: protection.signer(), run };
    let mut notes = work.resume(protection).await?;
    let copied = work.copy(&mut notes).await;
    if copied.is_err() {
        work.withdraw(&notes).await;
    }
    copied
}

/// Whether a copy that is there is for whom, and signed by whom, it should be.
fn is_protected_so(there: &Manifest, seal: &Seal, signer: Option<&SigningKey>) -> bool {
    let whom = |record: Option<&EncryptionRecord>| {
        record.map(|record| (record.recipients.clone(), record.passphrase_recipient.is_some()))
    };
    let signed = there.signature.as_ref().map(|signature| signature.key_id.clone());
    whom(there.encryption.as_ref()) == whom(seal.record()) && signed == signer.map(SigningKey::id)
}

impl Work<'_> {
    /// Gives what an earlier copy has noted, and goes on with the identity that it made for the passphrase.
    async fn resume(&mut self, protection: &Protection) -> Result<Notes, CatalogError> {
        let run_id = self.manifest.run_id;
        let found = self.read_notes().await?.filter(|notes| notes.run_id == run_id);
        if self.seal.identity_file().is_some() && found.is_some() {
            let identity = self.to.get_bytes(&self.layout.identity(), IDENTITY_BYTES_MAX).await.ok();
            if let Some(file) = identity
                && let Some(seal) = protection.seal_again(file).await
            {
                self.seal = seal;
            }
        }
        let encryption = self.seal.record().cloned();
        match found.filter(|notes| notes.encryption == encryption) {
            Some(notes) => Ok(notes),
            None => Ok(Notes { run_id, encryption, files: BTreeMap::new() }),
        }
    }

    async fn copy(&self, notes: &mut Notes) -> Result<Copied, CatalogError> {
        let identity = self.put_identity().await?;
        let copied = self.copy_files(notes).await?;
        let manifest = self.manifest_of(notes, identity);
        let bytes: Bytes = serde_json::to_vec_pretty(&manifest).unwrap_or_default().into();
        self.hold.check().await.map_err(CatalogError::store("looking whether the name is still this copy's"))?;
        self.sign(&bytes).await?;
        note_origin(self.from.store(), self.to, &self.layout).await?;
        commit(self.files_to, &self.layout, &manifest, bytes, self.run).await?;
        self.remove_leftovers(&manifest).await;
        let dropped = self.to.delete(&[self.layout.copying()]).await.and(self.hold.release().await);
        dropped.map_err(CatalogError::store("dropping the claim of the copy"))?;
        Ok(copied)
    }

    /// Removes what copies that broke off have left beside what this one is made of. Best effort: nothing reads it.
    async fn remove_leftovers(&self, manifest: &Manifest) {
        let layout = &self.layout;
        let own = [layout.manifest(), layout.signature(), layout.copied(), layout.copying(), layout.claim()];
        let removed = async {
            let mut keys = keys_of(self.to, layout).await?;
            keys.retain(|key| !own.contains(key) && !files(manifest).any(|file| file.key == *key));
            self.to.delete(&keys).await.map_err(CatalogError::store("removing what is left of earlier copies"))
        };
        if let Err(error) = removed.await {
            tracing::warn!(%error, "what is left of earlier copies could not be removed");
        }
    }

    async fn copy_files(&self, notes: &mut Notes) -> Result<Copied, CatalogError> {
        let files: Vec<&FileRecord> = self.originals().collect();
        let jobs: Vec<_> =
            files.into_iter().map(|file| self.copy_file(file, notes.files.get(file.key.as_str()).cloned())).collect();
        let mut jobs = stream::iter(jobs).buffer_unordered(self.run.bounds().fetches_max.max(1));
        let (mut copied, mut unnoted) = (Copied::default(), 0);
        while let Some(Resealed { from, file, reused }) = jobs.try_next().await? {
            if reused {
                copied.reused += 1;
            } else {
                copied.files += 1;
                copied.bytes += file.bytes;
                unnoted += 1;
            }
            notes.files.insert(from.to_string(), file);
            if unnoted >= NOTE_EVERY {
                self.write_notes(notes).await?;
                unnoted = 0;
            }
            self.hold.beat(self.run.now()).await.map_err(CatalogError::store("renewing the claim of the copy"))?;
        }
        Ok(copied)
    }

    /// The files of the original that the copy has too.
    fn originals(&self) -> impl Iterator<Item = &FileRecord> {
        let others = self.manifest.files.iter().filter(|(role, _)| *role != IDENTITY).map(|(_, file)| file);
        self.manifest.parts.iter().map(|part| &part.file).chain(others)
    }

    async fn copy_file(&self, file: &FileRecord, done: Option<FileRecord>) -> Result<Resealed, CatalogError> {
        if self.run.is_cancelled() {
            return Err(CatalogError::Cancelled);
        }
        if let Some(done) = done
            && verify_file(self.to, &self.manifest.name, &done).await.is_ok()
        {
            return Ok(Resealed { from: file.key.clone(), file: done, reused: true });
        }
        let during = CatalogError::store("writing the copy");
        let key = self.key_of(&file.key);
        let mut contents = Contents::open(self.from, self.manifest, file).await?;
        let sealing = Sealing::new(self.files_to, &key, &self.seal, self.run.bounds().upload_piece_bytes);
        let mut sealing = sealing.map_err(&during)?;
        while let Some(piece) = contents.next().await? {
            sealing.write(&piece).await.map_err(&during)?;
        }
        match contents.check() {
            Ok(()) => {
                let written = sealing.finish(file.raw_bytes).await.map_err(&during)?;
                Ok(Resealed { from: file.key.clone(), file: written, reused: false })
            }
            Err(error) => {
                sealing.abort().await;
                Err(error.into())
            }
        }
    }

    /// Where the copy of a file goes. Who was taken for dead may wake up and write on, so its keys are not used again.
    fn key_of(&self, original: &Key) -> Key {
        if self.hold.is_seized() {
            let attempt = format!("{:x}", self.hold.claim().started_at.as_millisecond());
            return sealed_again(original, &self.seal, &attempt);
        }
        sealed_anew(original, &self.seal)
    }

    /// The identity of the copy, under the passphrase, where there is one.
    async fn put_identity(&self) -> Result<Option<FileRecord>, CatalogError> {
        let Some(identity) = self.seal.identity_file() else { return Ok(None) };
        let (key, bytes) = (self.layout.identity(), identity.len() as u64);
        let put = self.files_to.put(&key, identity.clone(), PutMode::Overwrite).await;
        put.map_err(CatalogError::store("writing the identity of the copy"))?;
        Ok(Some(FileRecord { key, sha256: digest_of(identity), bytes, raw_bytes: bytes }))
    }

    /// That of the original, with the files of the copy. What is not about files, seal and signature stays as it is.
    fn manifest_of(&self, notes: &Notes, identity: Option<FileRecord>) -> Manifest {
        let mut manifest = self.manifest.clone();
        let anew = |file: &mut FileRecord| {
            if let Some(resealed) = notes.files.get(file.key.as_str()) {
                file.clone_from(resealed);
            }
        };
        manifest.files.remove(IDENTITY);
        manifest.parts.iter_mut().map(|part| &mut part.file).chain(manifest.files.values_mut()).for_each(anew);
        manifest.files.extend(identity.map(|file| (IDENTITY.to_owned(), file)));
        let files = manifest.parts.iter().map(|part| &part.file).chain(manifest.files.values());
        manifest.counts.bytes_stored = files.map(|file| file.bytes).sum();
        manifest.encryption = self.seal.record().cloned();
        manifest.signature = self
            .signer
            .map(|signer| SignatureRecord { scheme: SignatureRecord::SCHEME.to_owned(), key_id: signer.id() });
        manifest
    }

    async fn sign(&self, manifest: &[u8]) -> Result<(), CatalogError> {
        let Some(signer) = self.signer else { return Ok(()) };
        let comment = format!("kbackup backup {}, run {}", self.manifest.name, self.manifest.run_id);
        let signature = signer.sign(manifest, &comment).map_err(CatalogError::Protection)?;
        let put = self.files_to.put(&self.layout.signature(), signature.into(), PutMode::Overwrite).await;
        put.map(|_| ()).map_err(CatalogError::store("writing the signature of the copy"))
    }

    /// `None` where there are none that can be believed.
    async fn read_notes(&self) -> Result<Option<Notes>, CatalogError> {
        let bytes = match self.to.get_bytes(&self.layout.copying(), NOTES_BYTES_MAX).await {
            Ok(bytes) => bytes,
            Err(error) if matches!(error.kind(), StoreErrorKind::NotFound | StoreErrorKind::Corrupt) => {
                return Ok(None);
            }
            Err(error) => return Err(CatalogError::store("reading what was copied before")(error)),
        };
        let Ok(Noted { notes, signature }) = serde_json::from_slice(&bytes) else { return Ok(None) };
        let is_believed = match (self.signer, signature) {
            (None, _) => true,
            (Some(signer), Some(signature)) => signer.has_signed(notes.as_bytes(), &signature),
            (Some(_), None) => false,
        };
        Ok(serde_json::from_str(&notes).ok().filter(|_| is_believed))
    }

    async fn write_notes(&self, notes: &Notes) -> Result<(), CatalogError> {
        let notes = serde_json::to_string(notes).unwrap_or_default();
        let comment = format!("kbackup copy of {}", self.manifest.name);
        let signature = self.signer.map(|signer| signer.sign(notes.as_bytes(), &comment)).transpose();
        let noted = Noted { signature: signature.map_err(CatalogError::Protection)?, notes };
        let body = serde_json::to_vec(&noted).unwrap_or_default();
        let put = self.to.put(&self.layout.copying(), body.into(), PutMode::Overwrite).await;
        put.map(|_| ()).map_err(CatalogError::store("noting what was copied"))
    }

    /// Best effort: the next copy goes on with what is noted, and at once where the claim is gone.
    async fn withdraw(&self, notes: &Notes) {
        let left = async {
            // Where the name is another copy's by now, so is what is noted.
            self.hold.check().await.map_err(CatalogError::store("looking whether the name is still this copy's"))?;
            self.write_notes(notes).await?;
            self.hold.release().await.map_err(CatalogError::store("dropping the claim"))
        };
        if let Err(error) = left.await {
            tracing::warn!(%error, "a copy that broke off could not be left so that it goes on at once");
        }
    }
}

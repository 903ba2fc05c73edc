//! Copies a backup and encrypts it for others on the way: checked, resumable, and there only when it is whole.

use std::collections::BTreeMap;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::CatalogError;
use super::copy::{Copied, Place, commit, compare, find_place, note_origin};
use super::incoming::Sealing;
use super::list::{is_alive, read_claim};
use crate::crypt::{EncryptionRecord, Protection, Seal, SignatureRecord, SigningKey};
use crate::format::{Access, BackupLayout, Claim, Contents, FileRecord, Manifest, digest_of, sealed_anew, verify_file};
use crate::run::Run;
use crate::store::{Key, ObjectStore, ObjectStoreExt, PutMode, StoreErrorKind};

/// The role of the file that a passphrase opens: the copy has its own, or none.
const IDENTITY: &str = "identity";
/// After so many files what was done is written down: what a copy that is killed has to do again.
const NOTE_EVERY: usize = 8;
/// How often the copy says that it is alive.
const HEARTBEAT_SECONDS: i64 = 30;
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

/// What one copy works with.
struct Work<'a> {
    from: Access<'a>,
    to: &'a dyn ObjectStore,
    /// The same store, which locks what is written where that is asked for.
    files_to: &'a dyn ObjectStore,
    layout: BackupLayout,
    manifest: &'a Manifest,
    seal: &'a Seal,
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
    let files_to = locked.as_deref().unwrap_or(to);
    let signer = protection.signer();
    let work = Work { from, to, files_to, layout, manifest, seal: &seal, signer, run };
    let mut notes = work.take().await?;
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
    /// Takes the name for this copy, and gives what an earlier one has noted.
    async fn take(&self) -> Result<Notes, CatalogError> {
        let name = &self.manifest.name;
        let claim = self.claim();
        if let Err(error) = self.put_claim(&claim, PutMode::Create).await {
            let found = read_claim(self.to, &self.layout).await;
            match found.map_err(CatalogError::store("claiming the name for the copy"))? {
                // The answer was lost on its way back.
                Some(found) if found == claim => {}
                Some(found) if is_alive(&found, self.run.now()) => {
                    return Err(CatalogError::InProgress { name: name.clone(), heartbeat_at: found.heartbeat_at });
                }
                Some(found) if found.run_id == claim.run_id => self.put_claim(&claim, PutMode::Overwrite).await?,
                Some(_) => return Err(CatalogError::Unfinished { name: name.clone(), store: self.to.to_string() }),
                None => return Err(error),
            }
        }
        let (run_id, encryption) = (self.manifest.run_id, self.seal.record().cloned());
        let same = |notes: &Notes| notes.run_id == run_id && notes.encryption == encryption;
        let files = self.read_notes().await?.filter(same).map(|notes| notes.files).unwrap_or_default();
        Ok(Notes { run_id, encryption, files })
    }

    async fn copy(&self, notes: &mut Notes) -> Result<Copied, CatalogError> {
        let copied = self.copy_files(notes).await?;
        let identity = self.put_identity().await?;
        let manifest = self.manifest_of(notes, identity);
        let bytes: Bytes = serde_json::to_vec_pretty(&manifest).unwrap_or_default().into();
        self.sign(&bytes).await?;
        note_origin(self.from.store(), self.to, &self.layout).await?;
        commit(self.files_to, &self.layout, &manifest, bytes, self.run).await?;
        let done = [self.layout.claim(), self.layout.copying()];
        self.to.delete(&done).await.map_err(CatalogError::store("dropping the claim of the copy"))?;
        Ok(copied)
    }

    async fn copy_files(&self, notes: &mut Notes) -> Result<Copied, CatalogError> {
        let files: Vec<&FileRecord> = self.files().collect();
        let jobs: Vec<_> =
            files.into_iter().map(|file| self.copy_file(file, notes.files.get(file.key.as_str()).cloned())).collect();
        let mut jobs = stream::iter(jobs).buffer_unordered(self.run.bounds().fetches_max.max(1));
        let (mut copied, mut unnoted, mut beat_at) = (Copied::default(), 0, self.run.now());
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
            beat_at = self.beat(beat_at).await?;
        }
        Ok(copied)
    }

    /// The files of the original that the copy has too.
    fn files(&self) -> impl Iterator<Item = &FileRecord> {
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
        let key = sealed_anew(&file.key, self.seal);
        let mut contents = Contents::open(self.from, self.manifest, file).await?;
        let sealing = Sealing::new(self.files_to, &key, self.seal, self.run.bounds().upload_piece_bytes);
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

    /// Its id is neither that of the original, whose copies byte for byte go on with what they find, nor one of its own: the
    /// next copy knows it.
    fn claim(&self) -> Claim {
        let (now, original) = (self.run.now(), self.manifest.run_id);
        let run_id = Uuid::from_u128(original.as_u128() ^ RESEALED);
        Claim { run_id, started_at: now, heartbeat_at: now }
    }

    async fn put_claim(&self, claim: &Claim, mode: PutMode) -> Result<(), CatalogError> {
        let body = serde_json::to_vec_pretty(claim).unwrap_or_default();
        let put = self.to.put(&self.layout.claim(), body.into(), mode).await;
        put.map(|_| ()).map_err(CatalogError::store("claiming the name for the copy"))
    }

    /// Says that the copy is alive, where it has not for a while; gives when it last did.
    async fn beat(&self, last: Timestamp) -> Result<Timestamp, CatalogError> {
        let now = self.run.now();
        if now.as_second() - last.as_second() < HEARTBEAT_SECONDS {
            return Ok(last);
        }
        self.put_claim(&self.claim(), PutMode::Overwrite).await?;
        Ok(now)
    }

    async fn read_notes(&self) -> Result<Option<Notes>, CatalogError> {
        match self.to.get_bytes(&self.layout.copying(), NOTES_BYTES_MAX).await {
            Ok(bytes) => Ok(serde_json::from_slice(&bytes).ok()),
            Err(error) if matches!(error.kind(), StoreErrorKind::NotFound | StoreErrorKind::Corrupt) => Ok(None),
            Err(error) => Err(CatalogError::store("reading what was copied before")(error)),
        }
    }

    async fn write_notes(&self, notes: &Notes) -> Result<(), CatalogError> {
        let body = serde_json::to_vec(notes).unwrap_or_default();
        let put = self.to.put(&self.layout.copying(), body.into(), PutMode::Overwrite).await;
        put.map(|_| ()).map_err(CatalogError::store("noting what was copied"))
    }

    /// Best effort: the next copy goes on with what is noted, and at once where the claim is gone.
    async fn withdraw(&self, notes: &Notes) {
        let noted = self.write_notes(notes).await;
        let dropped = self.to.delete(&[self.layout.claim()]).await.map_err(CatalogError::store("dropping the claim"));
        if let Err(error) = noted.and(dropped) {
            tracing::warn!(%error, "a copy that broke off could not be left so that it goes on at once");
        }
    }
}

//! Uploads in parts.
//!
//! What is smaller than a part is written at once when it is complete. From there on, whole parts are sent; one that fails
//! is sent again under its number, and nothing is visible before the cloud puts them together.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures::future::try_join_all;
use kbackup_core::store::{Key, ObjectStoreExt, PutMode, StoreError, StoreErrorKind, StoreResult, Stored, Upload};
use object_store::multipart::PartId;
use object_store::path::Path;
use object_store::{Attribute, Attributes, GetOptions, PutMultipartOptions, PutPayload};
use uuid::Uuid;

use super::bridge::{Backend, CloudStore, Parts};

/// What S3 and its kin put together at most.
const PARTS_MAX: usize = 10_000;
/// The metadata of an object that says which upload made it.
const MARK: &str = "kbackup-upload";

/// An object on its way to a cloud.
pub(super) struct CloudUpload {
    parts: Arc<Parts>,
    key: Key,
    mode: PutMode,
    state: State,
    /// Bytes that don't fill a part yet.
    rest: BytesMut,
    /// Whether a completion failed in a way that may have taken effect.
    doubt: bool,
}

enum State {
    /// Nothing was sent.
    Small,
    Parts(Sent),
    Completed(Stored),
    Aborted,
}

#[derive(Clone)]
struct Sent {
    id: String,
    parts: Vec<PartId>,
    bytes: u64,
    /// What tells an object that this upload made from another one, where that may be asked.
    mark: String,
}

impl CloudUpload {
    pub(super) fn new(parts: Arc<Parts>, key: Key, mode: PutMode) -> Self {
        Self { parts, key, mode, state: State::Small, rest: BytesMut::new(), doubt: false }
    }

    fn gone(&self) -> StoreError {
        StoreError::new(StoreErrorKind::Invalid, format!("the upload of {} is over", self.key))
    }

    fn failed(&self, verb: &str, error: &object_store::Error) -> StoreError {
        self.parts.attempt(verb, self.key.as_str()).failed(error)
    }

    /// Whole parts of what is kept and `piece`, and what is left.
    fn split(&self, piece: &Bytes) -> (Vec<Bytes>, BytesMut) {
        let size = self.parts.part_bytes;
        let mut all = self.rest.clone();
        all.extend_from_slice(piece);
        let mut whole = Vec::new();
        while all.len() >= size {
            whole.push(all.split_to(size).freeze());
        }
        (whole, all)
    }

    /// The upload in parts, begun where it was not.
    async fn begun(&mut self, backend: &Backend, path: &Path) -> StoreResult<Sent> {
        match &self.state {
            State::Parts(sent) => Ok(sent.clone()),
            State::Small if self.mode == PutMode::Create && backend.creator.is_none() => Err(StoreError::new(
                StoreErrorKind::Unsupported,
                format!(
                    "{} in {} is larger than one part, and this kind of store can't make sure then that it is the first at \
                     its key; raise the option part-size",
                    self.key, self.parts.url
                ),
            )),
            State::Small => {
                let mark = Uuid::new_v4().to_string();
                let id = backend.beginner.create_multipart_opts(path, self.options(&mark)).await;
                let id = id.map_err(|error| self.failed("write", &error))?;
                let sent = Sent { id, parts: Vec::new(), bytes: 0, mark };
                self.state = State::Parts(sent.clone());
                Ok(sent)
            }
            State::Completed(_) | State::Aborted => Err(self.gone()),
        }
    }

    /// Whoever replaces an object need not know whose it is; and not every cloud takes a mark.
    fn options(&self, mark: &str) -> PutMultipartOptions {
        match self.mode {
            PutMode::Create => Attributes::from_iter([(Attribute::Metadata(MARK.into()), mark.to_owned())]).into(),
            PutMode::Overwrite => PutMultipartOptions::default(),
        }
    }

    /// Sends parts, all at the same time. Where one fails, none counts as sent.
    async fn send(&self, backend: &Backend, path: &Path, mut sent: Sent, whole: Vec<Bytes>) -> StoreResult<Sent> {
        let first = sent.parts.len();
        if first + whole.len() > PARTS_MAX {
            let why = format!("it has more than {PARTS_MAX} parts; raise the option part-size");
            return Err(self.parts.attempt("write", self.key.as_str()).error(StoreErrorKind::Invalid, &why));
        }
        sent.bytes += whole.iter().map(|part| part.len() as u64).sum::<u64>();
        let puts = whole
            .into_iter()
            .enumerate()
            .map(|(number, part)| backend.main.put_part(path, &sent.id, first + number, PutPayload::from_bytes(part)));
        sent.parts.extend(try_join_all(puts).await.map_err(|error| self.failed("write", &error))?);
        Ok(sent)
    }

    async fn complete_small(&mut self) -> StoreResult<Stored> {
        let body = self.rest.clone().freeze();
        let held = match self.mode {
            PutMode::Create => StoreErrorKind::AlreadyExists,
            PutMode::Overwrite => StoreErrorKind::PermissionDenied,
        };
        match self.parts.put(&self.key, body.clone(), self.mode).await {
            // An earlier attempt may have been the one who took the key, or whose object is locked now.
            Err(error) if self.doubt && error.kind() == held => self.own(&body, error).await,
            put => put,
        }
    }

    async fn own(&self, body: &Bytes, taken: StoreError) -> StoreResult<Stored> {
        let store = CloudStore::of(&self.parts);
        let stored = self.parts.look(&self.parts.path(&self.key)?, &self.key).await?;
        if stored.size != body.len() as u64 {
            return Err(taken);
        }
        let found = store.get_bytes(&self.key, stored.size).await?;
        if found == *body { Ok(stored) } else { Err(taken) }
    }

    async fn complete_parts(&mut self, sent: Sent) -> StoreResult<Stored> {
        let path = self.parts.path(&self.key)?;
        let backend = self.parts.backend().await?.clone();
        let last = self.rest.clone().freeze();
        let sent = if last.is_empty() { sent } else { self.send(&backend, &path, sent, vec![last]).await? };
        let native = match self.mode {
            PutMode::Create => backend.creator.as_ref().ok_or_else(|| self.gone())?,
            PutMode::Overwrite => &backend.main,
        };
        let completed = native.complete_multipart(&path, &sent.id, sent.parts.clone()).await;
        match completed.map_err(|error| self.failed("write", &error)) {
            Ok(_) => self.parts.written(&path, &self.key, sent.bytes).await,
            Err(error) if self.doubt && !error.is_retryable() => match self.made(&path, &sent).await {
                true => self.parts.written(&path, &self.key, sent.bytes).await,
                false => Err(error),
            },
            Err(error) => Err(error),
        }
    }

    /// Whether an attempt whose answer was lost has made the object. Its parts are gone then, or its key is taken.
    async fn made(&self, path: &Path, sent: &Sent) -> bool {
        let options = GetOptions { head: true, ..GetOptions::default() };
        let Ok(backend) = self.parts.backend().await else { return false };
        let Ok(found) = backend.main.get_opts(path, options).await else { return false };
        let mark = found.attributes.get(&Attribute::Metadata(MARK.into()));
        let own = self.mode == PutMode::Overwrite || mark.is_some_and(|mark| mark.as_ref() == sent.mark);
        own && found.meta.size == sent.bytes
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Upload for CloudUpload {
    async fn write(&mut self, piece: Bytes) -> StoreResult<()> {
        if matches!(self.state, State::Completed(_) | State::Aborted) {
            return Err(self.gone());
        }
        if self.rest.len() + piece.len() < self.parts.part_bytes {
            self.rest.extend_from_slice(&piece);
            return Ok(());
        }
        let path = self.parts.path(&self.key)?;
        let backend = self.parts.backend().await?.clone();
        let begun = self.begun(&backend, &path).await?;
        let (whole, rest) = self.split(&piece);
        let sent = self.send(&backend, &path, begun, whole).await?;
        self.state = State::Parts(sent);
        self.rest = rest;
        Ok(())
    }

    async fn complete(&mut self) -> StoreResult<Stored> {
        let completed = match &self.state {
            State::Completed(stored) => return Ok(stored.clone()),
            State::Aborted => return Err(self.gone()),
            State::Small => self.complete_small().await,
            State::Parts(sent) => {
                let sent = sent.clone();
                self.complete_parts(sent).await
            }
        };
        self.doubt |= completed.as_ref().is_err_and(StoreError::is_retryable);
        let stored = completed?;
        self.state = State::Completed(stored.clone());
        self.rest = BytesMut::new();
        Ok(stored)
    }

    async fn abort(&mut self) -> StoreResult<()> {
        if let State::Parts(Sent { id, .. }) = &self.state {
            let path = self.parts.path(&self.key)?;
            let aborted = self.parts.backend().await?.main.abort_multipart(&path, id).await;
            match aborted.map_err(|error| self.failed("give up the upload of", &error)) {
                Err(error) if error.kind() != StoreErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        if !matches!(self.state, State::Completed(_)) {
            self.state = State::Aborted;
            self.rest = BytesMut::new();
        }
        Ok(())
    }
}

//! A disk service in memory.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use serde_json::{Value, json};

use super::{
    SnapshotError, SnapshotErrorKind, SnapshotId, SnapshotProvider, SnapshotResult, SnapshotSpec, SnapshotStatus,
    VolumeId, VolumeTarget,
};
use crate::model::Object;

/// A disk service in memory, whose volumes hold bytes, so that a test can prove what a snapshot shows.
///
/// It claims PersistentVolumes whose `spec.csi.driver` is [`MemorySnapshots::DRIVER`]; the volume is their
/// `spec.csi.volumeHandle`. Clones share one service.
///
/// ```
/// use std::sync::Arc;
/// use kbackup_core::snapshot::{MemorySnapshots, SnapshotProvider, SnapshotSpec, VolumeTarget};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let disks = MemorySnapshots::new();
/// let volume = disks.make_volume("before");
/// let spec = SnapshotSpec { client_token: "backup-1/pv-1".into(), tags: [].into() };
/// let snapshot = disks.create(&volume, &spec).await?;
/// disks.write_volume(&volume, "after");
/// let restored = disks.restore(&snapshot, &VolumeTarget::default()).await?;
/// assert_eq!(disks.volume(&restored).unwrap().content, "before");
/// # Ok::<(), kbackup_core::snapshot::SnapshotError>(())
/// # }).unwrap();
/// ```
#[derive(Clone)]
pub struct MemorySnapshots {
    name: &'static str,
    copying: Copying,
    state: Arc<Mutex<State>>,
}

/// A volume of [`MemorySnapshots`].
#[derive(Clone, PartialEq, Eq, Default)]
pub struct MemoryVolume {
    /// Its bytes.
    pub content: Bytes,
    /// Its zone, where one was asked for.
    pub zone: Option<String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

/// A call to [`MemorySnapshots`] that can be made to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is the method of that name")]
pub enum SnapshotCall {
    Create,
    Status,
    Restore,
    Delete,
}

/// How a call to [`MemorySnapshots`] fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SnapshotFault {
    /// Nothing happens, and the answer is an error of this kind.
    Refused(SnapshotErrorKind),
    /// It takes effect, and the answer is lost: the error is `Unavailable`.
    AnswerLost,
    /// The call succeeds, and the snapshot that it makes will never be ready. Of calls other than `create`: as
    /// `AnswerLost`.
    CopyFails,
}

/// When a snapshot's bytes are copied.
#[derive(Debug, Clone, Copy)]
enum Copying {
    AfterPolls(u32),
    ByHand,
}

#[derive(Default)]
struct State {
    made: u64,
    volumes: BTreeMap<VolumeId, MemoryVolume>,
    snapshots: BTreeMap<SnapshotId, Snapshot>,
    tokens: BTreeMap<String, (VolumeId, SnapshotId)>,
    restored: BTreeMap<String, (SnapshotId, VolumeId)>,
    faults: VecDeque<(SnapshotCall, SnapshotFault)>,
}

struct Snapshot {
    shows: MemoryVolume,
    tags: BTreeMap<String, String>,
    /// How many answers it is still pending for, or until when.
    copying: Copying,
    copy: Copy,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Copy {
    Running,
    Done,
    Failed,
}

impl MemorySnapshots {
    /// The CSI driver of the PersistentVolumes that are claimed.
    pub const DRIVER: &'static str = "memory.kbackup.dev";

    /// A service without volumes, whose snapshots are ready at once, with the name `memory`.
    #[must_use]
    pub fn new() -> Self {
        Self { name: "memory", copying: Copying::AfterPolls(0), state: Arc::default() }
    }

    /// The same under another name.
    #[must_use]
    pub fn with_name(self, name: &'static str) -> Self {
        Self { name, ..self }
    }

    /// Snapshots are pending for the first `polls` answers of `status`.
    #[must_use]
    pub fn ready_after_polls(self, polls: u32) -> Self {
        Self { copying: Copying::AfterPolls(polls), ..self }
    }

    /// Snapshots are pending until [`finish`](Self::finish).
    #[must_use]
    pub fn ready_by_hand(self) -> Self {
        Self { copying: Copying::ByHand, ..self }
    }

    /// The snapshot's bytes are copied now. Without effect where there is none, or its copy failed.
    pub fn finish(&self, snapshot: &SnapshotId) {
        if let Some(snapshot) =
            self.state().snapshots.get_mut(snapshot).filter(|snapshot| snapshot.copy == Copy::Running)
        {
            snapshot.copy = Copy::Done;
        }
    }

    /// The next call of that name that no earlier plan is for fails so.
    pub fn fail_next(&self, call: SnapshotCall, fault: SnapshotFault) {
        self.state().faults.push_back((call, fault));
    }

    /// Makes a volume that holds these bytes.
    pub fn make_volume(&self, content: impl Into<Bytes>) -> VolumeId {
        let volume = MemoryVolume { content: content.into(), ..MemoryVolume::default() };
        self.state().add_volume(volume)
    }

    /// Replaces the bytes of a volume; makes it where there is none.
    pub fn write_volume(&self, volume: &VolumeId, content: impl Into<Bytes>) {
        self.state().volumes.entry(volume.clone()).or_default().content = content.into();
    }

    /// Deletes a volume. Its snapshots stay.
    pub fn delete_volume(&self, volume: &VolumeId) {
        self.state().volumes.remove(volume);
    }

    /// The volume, where there is one.
    #[must_use]
    pub fn volume(&self, volume: &VolumeId) -> Option<MemoryVolume> {
        self.state().volumes.get(volume).cloned()
    }

    /// All volumes.
    #[must_use]
    pub fn volumes(&self) -> Vec<VolumeId> {
        self.state().volumes.keys().cloned().collect()
    }

    /// All snapshots, with their tags.
    #[must_use]
    pub fn snapshots(&self) -> BTreeMap<SnapshotId, BTreeMap<String, String>> {
        self.state().snapshots.iter().map(|(id, snapshot)| (id.clone(), snapshot.tags.clone())).collect()
    }

    /// A PersistentVolume that stands for `volume`: enough of one to be claimed.
    #[must_use]
    pub fn persistent_volume(name: &str, volume: &VolumeId) -> Object {
        let value = json!({
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "metadata": {"name": name},
            "spec": {
                "accessModes": ["ReadWriteOnce"],
                "capacity": {"storage": "1Gi"},
                "csi": {"driver": Self::DRIVER, "volumeHandle": volume.0},
            },
        });
        Object::from_value(&value).expect("a tree with metadata is an object")
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a call, failing as planned. The state is changed by `call` alone, and only where the fault lets it.
    fn call<T>(
        &self,
        name: SnapshotCall,
        call: impl FnOnce(&mut State, bool) -> SnapshotResult<T>,
    ) -> SnapshotResult<T> {
        let mut state = self.state();
        match state.take_fault(name) {
            None => call(&mut state, false),
            Some(SnapshotFault::CopyFails) if name == SnapshotCall::Create => call(&mut state, true),
            Some(SnapshotFault::Refused(kind)) => {
                Err(SnapshotError::new(kind, format!("{name:?} was refused, as planned")))
            }
            Some(_) => {
                call(&mut state, false)?;
                let lost = format!("the answer of {name:?} was lost, as planned");
                Err(SnapshotError::new(SnapshotErrorKind::Unavailable, lost))
            }
        }
    }
}

impl Default for MemorySnapshots {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemorySnapshots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        write!(f, "MemorySnapshots({} volumes, {} snapshots)", state.volumes.len(), state.snapshots.len())
    }
}

impl fmt::Debug for MemoryVolume {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MemoryVolume({} bytes, zone {:?}, tags {:?})", self.content.len(), self.zone, self.tags)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl SnapshotProvider for MemorySnapshots {
    fn name(&self) -> &'static str {
        self.name
    }

    fn claim(&self, volume: &Object) -> Option<VolumeId> {
        if volume.meta().kind != "PersistentVolume" || volume.meta().api_version != "v1" {
            return None;
        }
        let value = volume.to_value();
        let csi = value.pointer("/spec/csi").filter(|csi| csi["driver"] == Self::DRIVER)?;
        csi["volumeHandle"].as_str().filter(|handle| !handle.is_empty()).map(|handle| VolumeId(handle.to_owned()))
    }

    fn rebind(&self, persistent_volume: &Object, volume: &VolumeId) -> SnapshotResult<Object> {
        let invalid = |why: &str| {
            let message = format!("{persistent_volume} cannot be bound to {volume}: {why}");
            SnapshotError::new(SnapshotErrorKind::Invalid, message)
        };
        if self.claim(persistent_volume).is_none() {
            return Err(invalid("its driver is not that of this disk service"));
        }
        let mut value = persistent_volume.to_value();
        value["spec"]["csi"]["volumeHandle"] = Value::String(volume.0.clone());
        Object::from_value(&value).map_err(|error| invalid("it is not an object").with_source(error))
    }

    async fn create(&self, volume: &VolumeId, spec: &SnapshotSpec) -> SnapshotResult<SnapshotId> {
        let copying = self.copying;
        self.call(SnapshotCall::Create, |state, copy_fails| state.create(volume, spec, copying, copy_fails))
    }

    async fn status(&self, snapshot: &SnapshotId) -> SnapshotResult<SnapshotStatus> {
        self.call(SnapshotCall::Status, |state, _| state.status(snapshot))
    }

    async fn restore(&self, snapshot: &SnapshotId, target: &VolumeTarget) -> SnapshotResult<VolumeId> {
        self.call(SnapshotCall::Restore, |state, _| state.restore(snapshot, target))
    }

    async fn delete(&self, snapshot: &SnapshotId) -> SnapshotResult<()> {
        self.call(SnapshotCall::Delete, |state, _| {
            state.snapshots.remove(snapshot);
            Ok(())
        })
    }
}

impl State {
    fn take_fault(&mut self, call: SnapshotCall) -> Option<SnapshotFault> {
        let at = self.faults.iter().position(|(planned, _)| *planned == call)?;
        self.faults.remove(at).map(|(_, fault)| fault)
    }

    fn number(&mut self) -> u64 {
        self.made += 1;
        self.made
    }

    fn add_volume(&mut self, volume: MemoryVolume) -> VolumeId {
        let id = VolumeId(format!("vol-{:04}", self.number()));
        self.volumes.insert(id.clone(), volume);
        id
    }

    fn create(
        &mut self,
        volume: &VolumeId,
        spec: &SnapshotSpec,
        copying: Copying,
        copy_fails: bool,
    ) -> SnapshotResult<SnapshotId> {
        if let Some((earlier, snapshot)) = self.tokens.get(&spec.client_token) {
            return same(earlier, volume, snapshot, &spec.client_token);
        }
        let shows = self.volumes.get(volume).cloned().ok_or_else(|| missing("volume", volume))?;
        let copy = match copying {
            _ if copy_fails => Copy::Failed,
            Copying::AfterPolls(0) => Copy::Done,
            _ => Copy::Running,
        };
        let id = SnapshotId(format!("snap-{:04}", self.number()));
        self.snapshots.insert(id.clone(), Snapshot { shows, tags: spec.tags.clone(), copying, copy });
        self.tokens.insert(spec.client_token.clone(), (volume.clone(), id.clone()));
        Ok(id)
    }

    fn status(&mut self, id: &SnapshotId) -> SnapshotResult<SnapshotStatus> {
        let snapshot = self.snapshots.get_mut(id).ok_or_else(|| missing("snapshot", id))?;
        match snapshot.copy {
            Copy::Done => Ok(SnapshotStatus::Ready),
            Copy::Failed => Ok(SnapshotStatus::Failed { message: "the copy failed, as planned".to_owned() }),
            Copy::Running => {
                if let Copying::AfterPolls(left) = &mut snapshot.copying {
                    *left = left.saturating_sub(1);
                    if *left == 0 {
                        snapshot.copy = Copy::Done;
                    }
                }
                Ok(SnapshotStatus::Pending { percent: None })
            }
        }
    }

    fn restore(&mut self, id: &SnapshotId, target: &VolumeTarget) -> SnapshotResult<VolumeId> {
        if let Some((earlier, volume)) = self.restored.get(&target.client_token) {
            return same(earlier, id, volume, &target.client_token);
        }
        let snapshot = self.snapshots.get(id).ok_or_else(|| missing("snapshot", id))?;
        match snapshot.copy {
            Copy::Done => {}
            Copy::Running => {
                let message = format!("{id} is still being copied: try again when it is ready");
                return Err(SnapshotError::new(SnapshotErrorKind::NotReady, message));
            }
            Copy::Failed => {
                let message = format!("{id} failed, and cannot be restored");
                return Err(SnapshotError::new(SnapshotErrorKind::Invalid, message));
            }
        }
        let zone = target.zone.clone().or_else(|| snapshot.shows.zone.clone());
        let content = snapshot.shows.content.clone();
        let volume = self.add_volume(MemoryVolume { content, zone, tags: target.tags.clone() });
        if !target.client_token.is_empty() {
            self.restored.insert(target.client_token.clone(), (id.clone(), volume.clone()));
        }
        Ok(volume)
    }
}

/// The answer to a token that was used before: the same, if the question was the same.
fn same<Q: PartialEq + fmt::Display, A: Clone>(earlier: &Q, now: &Q, answer: &A, token: &str) -> SnapshotResult<A> {
    if earlier == now {
        return Ok(answer.clone());
    }
    let message = format!("the token {token} was used for {earlier} before: {now} needs another");
    Err(SnapshotError::new(SnapshotErrorKind::Invalid, message))
}

fn missing(what: &str, id: &dyn fmt::Display) -> SnapshotError {
    SnapshotError::new(SnapshotErrorKind::NotFound, format!("there is no {what} {id}"))
}

#[cfg(test)]
mod tests;

//! Where the data of the volumes of a restore comes from: decided before anything else of them is.

use std::collections::BTreeMap;

use futures::StreamExt;
use uuid::Uuid;

use super::RestoreError;
use super::fetch::fetch;
use super::observe::Live;
use super::plan::{RestorePlan, Step, uuid_of};
use crate::format::{Access, FormatError, Manifest};
use crate::issue::{Code, Issue, Stage};
use crate::model::Object;
use crate::report::{RestoredVolume, VolumeOrigin};
use crate::run::Run;
use crate::spec::RestoreSpec;
use crate::volume::{VolumeCase, VolumeFate, VolumeFates, VolumeRecord, is_volume, volume_fate};

/// What decides over the volumes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Volumes<'a> {
    pub(super) access: Access<'a>,
    pub(super) manifest: &'a Manifest,
    pub(super) spec: &'a RestoreSpec,
    /// The plan's id: what makes new names unique.
    pub(super) id: Uuid,
    pub(super) run: &'a Run,
}

impl Volumes<'_> {
    /// Decides over each PersistentVolume that may have to be written, and gives its step the name that it gets.
    pub(super) async fn decide(
        self,
        steps: &mut [Step],
        live: &mut Live,
        issues: &mut Vec<Issue>,
    ) -> Result<VolumeFates, RestoreError> {
        let mut fates = VolumeFates::new();
        let volumes = self.read(steps).await?;
        if volumes.is_empty() {
            return Ok(fates);
        }
        let records: BTreeMap<String, VolumeRecord> = self.records().await?;
        for (number, volume) in volumes {
            let step = &mut steps[number];
            let name = &volume.meta().name;
            let case = VolumeCase {
                spec: self.spec,
                volume: &volume,
                record: records.get(name),
                is_live: live.uid(number, step).is_some(),
                other_name: &self.other_name(name),
            };
            let fate = volume_fate(&case);
            match &fate {
                VolumeFate::Nowhere { why } => issues.push(empty(step, why)),
                VolumeFate::Snapshot { name: new, .. } if new != name => {
                    step.object.name.clone_from(new);
                    live.forget(number);
                }
                VolumeFate::Snapshot { .. } | VolumeFate::Disk => {}
            }
            fates.insert(name.clone(), fate);
        }
        Ok(fates)
    }

    /// The volumes with the numbers of their steps. One that is damaged is told of when all objects are read.
    async fn read(self, steps: &[Step]) -> Result<BTreeMap<usize, Object>, RestoreError> {
        let volumes = steps.iter().enumerate().filter(|(_, step)| step.is_write() && is_volume(&step.object.gvr));
        let sources = volumes.filter_map(|(number, step)| step.source.as_ref().map(|source| (number, source)));
        let mut fetched = fetch(self.access, self.manifest, sources, self.run.bounds());
        let mut read = BTreeMap::new();
        while let Some(fetched) = fetched.next().await {
            if let Ok((number, bytes)) = fetched
                && let Ok(volume) = Object::parse(bytes)
            {
                read.insert(number, volume);
            }
        }
        Ok(read)
    }

    /// What the backup says of its volumes. A backup of Velero's says it elsewhere, about disks that no provider here knows.
    async fn records(self) -> Result<BTreeMap<String, VolumeRecord>, FormatError> {
        let records = self.manifest.read_volumes(self.access).await?;
        Ok(records.into_iter().filter_map(|record| Some((record.volume.clone()?, record))).collect())
    }

    fn other_name(self, name: &str) -> String {
        format!("kbackup-{}", uuid_of(format!("{}/{name}", self.id).as_bytes()))
    }
}

/// What the report says of the volumes.
pub(super) fn restored_volumes(plan: &RestorePlan) -> Vec<RestoredVolume> {
    plan.volumes.iter().map(|(name, fate)| restored(name, fate)).collect()
}

fn restored(volume: &str, fate: &VolumeFate) -> RestoredVolume {
    let told = |from| RestoredVolume { volume: volume.to_owned(), from, snapshot: None, renamed_to: None, why: None };
    match fate {
        VolumeFate::Disk => told(VolumeOrigin::Disk),
        VolumeFate::Snapshot { snapshot, name } => RestoredVolume {
            snapshot: Some(snapshot.id.to_string()),
            renamed_to: Some(name.clone()).filter(|name| name != volume),
            ..told(VolumeOrigin::Snapshot)
        },
        VolumeFate::Nowhere { why } => RestoredVolume { why: Some(why.clone()), ..told(VolumeOrigin::Nowhere) },
    }
}

fn empty(step: &Step, why: &str) -> Issue {
    let message = format!("it is not restored, and its claims get a new, empty volume: {why}");
    Issue::warning(Stage::Plan, Code::VolumeEmpty, message).about(step.object.clone())
}

//! What happens to the bytes of volumes: which would be snapshotted, copied as files or skipped, and why.
//!
//! All of it is pure. [`VolumeSurvey`] keeps of the objects of a backup what the decisions need, and [`VolumeSurvey::plan`]
//! makes them: one [`VolumeRecord`] a volume. Policies come first (the first that fits), then what pods ask for, then what
//! the spec says for all.

mod candidate;
mod decide;
mod facts;
mod fate;
mod plan;
mod record;
mod source;
mod survey;

pub use fate::{VolumeCase, VolumeFate, VolumeFates, is_volume, volume_fate};
pub use plan::VolumePlan;
pub use record::{VolumeCounts, VolumeRecord, VolumeResult, VolumeSnapshot};
pub use survey::{VolumeRules, VolumeSurvey};

#[cfg(test)]
mod tests;

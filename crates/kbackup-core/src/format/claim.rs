//! Who is writing a backup, and whose a location is, as both are written down.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::FormatVersion;

/// `claim.json`: a run is writing the backup of this folder. Created if absent, so that two runs can't take one name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Claim {
    /// The run.
    pub run_id: Uuid,
    /// When it began.
    pub started_at: Timestamp,
    /// When it last said that it is alive.
    pub heartbeat_at: Timestamp,
}

/// A claim without a sign of life for so long is one of a run that is dead: a live one renews it twice a minute.
const STALE_SECONDS: i64 = 300;

impl Claim {
    /// The claim of a run that begins.
    #[must_use]
    pub fn new(run_id: Uuid, now: Timestamp) -> Self {
        Self { run_id, started_at: now, heartbeat_at: now }
    }

    /// Whether the run has given a sign of life in the last five minutes, if its clock and ours agree.
    #[must_use]
    pub fn is_alive(&self, now: Timestamp) -> bool {
        now.as_second() - self.heartbeat_at.as_second() < STALE_SECONDS
    }

    /// Whether it is of the same run, whenever that has renewed it.
    #[must_use]
    pub fn is_of_the_run_of(&self, other: &Self) -> bool {
        (self.run_id, self.started_at) == (other.run_id, other.started_at)
    }
}

/// `kbackup.json`: the prefix of the store is a location of kbackup's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Location {
    /// Always `kbackup`.
    pub format: String,
    /// The version of the store format that its backups have at most.
    pub version: FormatVersion,
    /// What identifies the location, wherever it is mounted.
    pub id: Uuid,
    /// When it was first written to.
    pub created_at: Timestamp,
}

impl Location {
    /// What stands in `format`.
    pub const FORMAT: &'static str = "kbackup";

    /// A new location.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self { format: Self::FORMAT.to_owned(), version: FormatVersion::CURRENT, id: Uuid::new_v4(), created_at: now }
    }
}

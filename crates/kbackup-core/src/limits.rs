//! Every bound that a run keeps, by name and with its reason.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The bounds of a run. Each has a default that suits a shared cluster; none is unlimited.
///
/// ```
/// use kbackup_core::limits::Limits;
///
/// let gentle = Limits { lists_max: 1, writers_max: 4, ..Limits::default() };
/// assert_eq!(gentle.part_bytes_raw, Limits::default().part_bytes_raw);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Types that are listed, compressed and uploaded at the same time. Each costs a few MiB of memory.
    pub lists_max: usize,
    /// Objects asked for in the first page of a type, and the most in any. Big pages are cheap for small objects: an API
    /// server pays for the rest of the list with every page.
    pub page_objects_max: usize,
    /// Bytes of JSON that a backup reads of the cluster in a second, all its lists together. Not given: as fast as it gets.
    pub bytes_per_second_max: Option<u64>,
    /// What a page should weigh at most: the number of objects in the next one is learned from the weight of the last.
    pub page_bytes_target: usize,
    /// How hard the archive is compressed, as zstd counts (1 to 22). 2 keeps up with an API server on a third of a core; 3
    /// takes twice as long for a tenth less.
    pub compression_level: i32,
    /// JSON in a part of the archive: what is fetched to restore one object of a large type.
    pub part_bytes_raw: u64,
    /// What a file gathers before it hands a piece to the object store, which makes parts of the size that it likes of them:
    /// each lane keeps one.
    pub upload_piece_bytes: usize,
    /// An entry of the archive that a reader accepts: an object is at most a few MiB in etcd.
    pub object_bytes_max: u64,
    /// Objects that are written to the cluster at the same time during a restore.
    pub writers_max: usize,
    /// Parts that are fetched at the same time during a restore.
    pub fetches_max: usize,
    /// Small files that are read at the same time while backups are listed.
    pub looks_max: usize,
    /// Pods in which hooks run at the same time during a backup; those that share a volume, or are in one order, count as
    /// one.
    pub hooks_max: usize,
    /// How long a restore waits for a condition between two waves: a CustomResourceDefinition to be served, a
    /// terminating namespace to go.
    pub wait_max: Duration,
    /// Requests to an object store that are in flight at the same time, over all lanes, fetches and lists: enough to hide
    /// the latency of a store, and few enough not to be asked to slow down.
    pub store_requests_max: usize,
    /// How often a request to an object store is tried in all: six attempts outlast half a minute of trouble.
    pub store_attempts_max: u32,
    /// How long a connection to an object store may take to be made. One that takes longer goes nowhere.
    pub store_connect_max: Duration,
    /// How long an object store may be silent within a request, the sending of one piece included: it ends what hangs
    /// without ending what is slow.
    pub store_silence_max: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            lists_max: 4,
            page_objects_max: 5_000,
            bytes_per_second_max: None,
            page_bytes_target: 16 << 20,
            compression_level: 2,
            part_bytes_raw: 32 << 20,
            upload_piece_bytes: 1 << 20,
            object_bytes_max: 64 << 20,
            writers_max: 32,
            fetches_max: 4,
            looks_max: 64,
            hooks_max: 8,
            wait_max: Duration::from_secs(600),
            store_requests_max: 32,
            store_attempts_max: 6,
            store_connect_max: Duration::from_secs(10),
            store_silence_max: Duration::from_secs(120),
        }
    }
}

//! The files of a backup that hold one record a line.

use super::read::read_lines;
use super::{FormatError, Manifest};
use crate::store::ObjectStore;
use crate::volume::VolumeRecord;

impl Manifest {
    /// Reads and checks what was decided for each volume; nothing where the backup has no such file.
    ///
    /// # Errors
    /// `Damaged` where a byte differs from what was written.
    pub async fn read_volumes(&self, store: &dyn ObjectStore) -> Result<Vec<VolumeRecord>, FormatError> {
        let Some(file) = self.file("volumes") else { return Ok(Vec::new()) };
        let mut records = Vec::new();
        let take = |line: &[u8]| serde_json::from_slice(line).map(|record| records.push(record));
        read_lines(store, &self.name, file, take).await?;
        Ok(records)
    }
}

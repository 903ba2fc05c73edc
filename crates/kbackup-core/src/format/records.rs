//! The files of a backup that hold one record a line.

use super::read::read_lines;
use super::{Access, FormatError, Manifest};
use crate::volume::VolumeRecord;

impl Manifest {
    /// Reads and checks what was decided for each volume; nothing where the backup has no such file.
    ///
    /// # Errors
    /// `Damaged` where a byte differs from what was written.
    pub async fn read_volumes<'a>(&self, from: impl Into<Access<'a>> + Send) -> Result<Vec<VolumeRecord>, FormatError> {
        let access = from.into();
        let Some(file) = self.file("volumes") else { return Ok(Vec::new()) };
        let mut records = Vec::new();
        let take = |line: &[u8]| serde_json::from_slice(line).map(|record| records.push(record));
        read_lines(access, self, file, take).await?;
        Ok(records)
    }
}

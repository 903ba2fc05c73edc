//! The files of a backup that hold one record a line.

use super::read::read_lines;
use super::{Access, FormatError, Manifest, velero};
use crate::event::LogLine;
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

    /// Reads and checks the log of the run that made the backup; nothing where none was kept.
    ///
    /// # Errors
    /// `Damaged` where a byte differs from what was written; `Encrypted` where nothing opens it.
    pub async fn read_log<'a>(&self, from: impl Into<Access<'a>> + Send) -> Result<Vec<LogLine>, FormatError> {
        let access = from.into();
        if self.is_velero() {
            return velero::read_log(access.store(), self).await;
        }
        let Some(file) = self.file("log") else { return Ok(Vec::new()) };
        let mut lines = Vec::new();
        let take = |line: &[u8]| serde_json::from_slice(line).map(|line| lines.push(line));
        read_lines(access, self, file, take).await?;
        Ok(lines)
    }
}

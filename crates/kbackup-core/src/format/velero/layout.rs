//! Where Velero keeps each file of a backup.

use crate::format::BackupLayout;
use crate::model::BackupName;
use crate::store::Key;

/// The keys of one backup of Velero's.
///
/// ```
/// use kbackup_core::format::velero::VeleroLayout;
///
/// let layout = VeleroLayout::new(&"nightly".parse()?);
/// assert_eq!(layout.marker().as_str(), "backups/nightly/velero-backup.json");
/// assert_eq!(layout.tarball().as_str(), "backups/nightly/nightly.tar.gz");
/// assert_eq!(layout.file("results.gz").as_str(), "backups/nightly/nightly-results.gz");
/// # Ok::<(), kbackup_core::model::NameError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VeleroLayout {
    name: BackupName,
}

impl VeleroLayout {
    /// The keys of the backup `name`.
    #[must_use]
    pub fn new(name: &BackupName) -> Self {
        Self { name: name.clone() }
    }

    /// The Backup object: the backup exists if this does.
    #[must_use]
    pub fn marker(&self) -> Key {
        self.key("velero-backup.json")
    }

    /// All objects.
    #[must_use]
    pub fn tarball(&self) -> Key {
        self.key(&format!("{}.tar.gz", self.name))
    }

    /// One of the files beside the tarball: `results.gz`, `logs.gz`, `resource-list.json.gz`…
    #[must_use]
    pub fn file(&self, name: &str) -> Key {
        self.key(&format!("{}-{name}", self.name))
    }

    fn key(&self, file: &str) -> Key {
        BackupLayout::new(&self.name).file(file)
    }
}

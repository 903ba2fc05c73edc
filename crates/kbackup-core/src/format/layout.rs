//! Where each file of a backup is: the only place that builds keys.

use uuid::Uuid;

use crate::crypt::Seal;
use crate::model::BackupName;
use crate::store::{Key, Prefix};

/// The marker of a location: says that the prefix is kbackup's.
#[must_use]
pub fn location() -> Key {
    key("kbackup.json".to_owned())
}

/// Below this are the folders of all backups.
#[must_use]
pub fn backups() -> Prefix {
    prefix("backups")
}

/// Below this are the folders of all restores.
#[must_use]
pub fn restores() -> Prefix {
    prefix("restores")
}

/// Below this are objects that were written to see whether they can be. Readers never look there.
#[must_use]
pub fn probes() -> Prefix {
    prefix("probes")
}

/// The key of a probe.
#[must_use]
pub fn probe(id: Uuid) -> Key {
    key(format!("probes/{id}"))
}

/// The keys of one backup.
///
/// ```
/// use kbackup_core::format::BackupLayout;
///
/// let layout = BackupLayout::new(&"nightly".parse()?);
/// assert_eq!(layout.manifest().as_str(), "backups/nightly/manifest.json");
/// assert_eq!(layout.part(3).as_str(), "backups/nightly/resources/00003.tar.zst");
/// # Ok::<(), kbackup_core::model::NameError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupLayout {
    name: BackupName,
}

impl BackupLayout {
    /// The keys of the backup `name`.
    #[must_use]
    pub fn new(name: &BackupName) -> Self {
        Self { name: name.clone() }
    }

    /// The folder of the backup.
    #[must_use]
    pub fn folder(&self) -> Prefix {
        prefix(&format!("backups/{}", self.name))
    }

    /// The commit record: the backup exists if and only if this does.
    #[must_use]
    pub fn manifest(&self) -> Key {
        self.file("manifest.json")
    }

    /// The signature of the manifest, where there is one. Written before it.
    #[must_use]
    pub fn signature(&self) -> Key {
        self.file("manifest.json.minisig")
    }

    /// The identity of the backup, under a passphrase, where one opens it.
    #[must_use]
    pub fn identity(&self) -> Key {
        self.file("identity.age")
    }

    /// Who is writing the backup. Removed at the end.
    #[must_use]
    pub fn claim(&self) -> Key {
        self.file("claim.json")
    }

    /// Says that the backup is being deleted. Written before the first delete.
    #[must_use]
    pub fn deleting(&self) -> Key {
        self.file("deleting.json")
    }

    /// Says that the backup was copied here from another store: the snapshots that it names belong to the original.
    #[must_use]
    pub fn copied(&self) -> Key {
        self.file("copied.json")
    }

    /// What of a copy that is encrypted anew has been brought over: gone when it is whole.
    #[must_use]
    pub fn copying(&self) -> Key {
        self.file("copying.json")
    }

    /// One line an object.
    #[must_use]
    pub fn index(&self) -> Key {
        self.file("index.jsonl.zst")
    }

    /// The issues of the run that made it, one a line.
    #[must_use]
    pub fn issues(&self) -> Key {
        self.file("issues.jsonl.zst")
    }

    /// What the run that made it told and when, one a line.
    #[must_use]
    pub fn log(&self) -> Key {
        self.file("log.jsonl.zst")
    }

    /// What was done with each volume, one a line.
    #[must_use]
    pub fn volumes(&self) -> Key {
        self.file("volumes.jsonl.zst")
    }

    /// A part of the archive.
    #[must_use]
    pub fn part(&self, number: u32) -> Key {
        self.file(&format!("resources/{number:05}.tar.zst"))
    }

    pub(super) fn file(&self, name: &str) -> Key {
        key(format!("backups/{}/{name}", self.name))
    }
}

/// The keys of one restore.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestoreLayout {
    name: BackupName,
}

impl RestoreLayout {
    /// The keys of the restore `name`.
    #[must_use]
    pub fn new(name: &BackupName) -> Self {
        Self { name: name.clone() }
    }

    /// What became of the restore as a whole.
    #[must_use]
    pub fn report(&self) -> Key {
        key(format!("restores/{}/report.json", self.name))
    }

    /// What went wrong with single objects, one a line: of an encrypted backup, whose report must name none.
    #[must_use]
    pub fn issues(&self) -> Key {
        key(format!("restores/{}/issues.jsonl.zst", self.name))
    }

    /// The folder of the restore.
    #[must_use]
    pub fn folder(&self) -> Prefix {
        prefix(&format!("restores/{}", self.name))
    }

    /// Who applies its plan. Removed at the end.
    #[must_use]
    pub fn claim(&self) -> Key {
        key(format!("restores/{}/claim.json", self.name))
    }

    /// Its plan, one step a line.
    #[must_use]
    pub fn plan(&self) -> Key {
        key(format!("restores/{}/plan.jsonl.zst", self.name))
    }

    /// Below this is what became of each object that a plan was to write, in batches. A plan has its own folder: what is left
    /// of another one says nothing of it.
    #[must_use]
    pub fn results(&self, plan: Uuid) -> Prefix {
        prefix(&format!("restores/{}/results/{plan}", self.name))
    }

    /// A batch of results of a plan, one a line.
    #[must_use]
    pub fn batch(&self, plan: Uuid, number: u32) -> Key {
        key(format!("restores/{}/results/{plan}/{number:05}.jsonl.zst", self.name))
    }
}

/// The key of a file as it is stored: encrypted ones end in `.age`.
pub(crate) fn sealed(plain: Key, seal: &Seal) -> Key {
    if seal.record().is_some() { key(format!("{plain}.age")) } else { plain }
}

/// The key that a file has once it is under another seal.
pub(crate) fn sealed_anew(stored: &Key, seal: &Seal) -> Key {
    let plain = stored.as_str().strip_suffix(".age");
    sealed(plain.map_or_else(|| stored.clone(), |plain| key(plain.to_owned())), seal)
}

/// The same for a writer whose files are not to be mixed up with those of another: `attempt` comes before the endings.
pub(crate) fn sealed_again(stored: &Key, seal: &Seal, attempt: &str) -> Key {
    let anew = sealed_anew(stored, seal);
    let (folder, name) = anew.as_str().rsplit_once('/').unwrap_or(("", anew.as_str()));
    let (stem, endings) = name.split_once('.').unwrap_or((name, ""));
    key(format!("{folder}/{stem}-{attempt}.{endings}"))
}

/// A backup's name is a DNS subdomain, so a key made of it is always one.
#[expect(
    clippy::expect_used,
    reason = "a valid name can't make an invalid key: tested below for the longest and oddest names"
)]
fn key(text: String) -> Key {
    Key::try_from(text).expect("a valid name makes a valid key")
}

#[expect(clippy::expect_used, reason = "as for keys")]
fn prefix(text: &str) -> Prefix {
    text.parse().expect("a valid name makes a valid prefix")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_valid_name_makes_valid_keys() {
        for name in ["a".to_owned(), "0-0.a".to_owned(), format!("{}.b", "a".repeat(251))] {
            let name: BackupName = name.parse().expect("valid");
            let layout = BackupLayout::new(&name);
            assert!(layout.folder().contains(&layout.part(99_999)));
            assert!(layout.folder().contains(&layout.claim()));
            assert!(layout.folder().contains(&layout.signature()) && layout.folder().contains(&layout.identity()));
            assert!(restores().contains(&RestoreLayout::new(&name).batch(Uuid::max(), 99_999)));
        }
    }
}

//! The objects of a backup, read back.

use std::collections::BTreeMap;

use kbackup_core::format::{Access, FormatError, IndexLine, Manifest, ObjectCut, PartReader};
use kbackup_core::limits::Limits;
use kbackup_core::model::{Object, ObjectRef};

/// Every object of a backup, by its place; each digest was checked.
///
/// # Errors
/// As [`PartReader`].
///
/// # Panics
/// Where an entry is not an object.
pub async fn objects<'a>(
    from: impl Into<Access<'a>> + Send,
    manifest: &Manifest,
) -> Result<BTreeMap<ObjectRef, Object>, FormatError> {
    let access = from.into();
    let index = manifest.read_index(access).await?;
    let mut objects = BTreeMap::new();
    for part in &manifest.parts {
        let mut lines: Vec<&IndexLine> = index.iter().filter(|line| line.part == part.number).collect();
        lines.sort_by_key(|line| line.off);
        let cuts = lines.iter().map(|line| ObjectCut::from(*line)).collect();
        let mut reader = PartReader::open(access, manifest, part, cuts, &Limits::default()).await?;
        for line in lines {
            let bytes = reader.next().await?.unwrap_or_else(|| panic!("{} is not in its part", line.object()));
            let object = Object::parse(bytes).unwrap_or_else(|error| panic!("{}: {error}", line.object()));
            objects.insert(line.object(), object);
        }
    }
    Ok(objects)
}

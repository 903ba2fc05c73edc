//! Listing a folder and those below it, in the order of keys.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use futures::stream::{self, BoxStream, StreamExt};
use kbackup_core::store::{Children, Key, Prefix, StoreResult, Stored};

use super::error::{blocking, failed, is_missing};
use super::read::stored;
use super::root::Root;

enum Entry {
    Object(Stored),
    Folder(Prefix),
}

/// Every object below `prefix`. The names of one folder, and of those above it, are in memory at a time.
pub(super) fn walk(root: Arc<Root>, prefix: &Prefix) -> BoxStream<'static, StoreResult<Stored>> {
    let stack = vec![vec![Entry::Folder(prefix.clone())].into_iter()];
    stream::try_unfold(stack, move |mut stack| {
        let root = Arc::clone(&root);
        async move {
            while let Some(folder) = stack.last_mut() {
                match folder.next() {
                    None => _ = stack.pop(),
                    Some(Entry::Object(stored)) => return Ok(Some((stored, stack))),
                    Some(Entry::Folder(below)) => {
                        let root = Arc::clone(&root);
                        stack.push(blocking(move || entries(&root, &below)).await?.into_iter());
                    }
                }
            }
            Ok(None)
        }
    })
    .boxed()
}

/// What stands directly below `prefix`.
pub(super) fn children(root: &Root, prefix: &Prefix) -> StoreResult<Children> {
    let mut children = Children::default();
    for entry in entries(root, prefix)? {
        match entry {
            Entry::Object(stored) => children.objects.push(stored),
            Entry::Folder(below) if has_object(root, &below)? => children.prefixes.push(below),
            Entry::Folder(_) => {}
        }
    }
    children.prefixes.sort_unstable();
    Ok(children)
}

/// Whether there is any object below `prefix`: a folder without one is nothing to a store.
fn has_object(root: &Root, prefix: &Prefix) -> StoreResult<bool> {
    let mut open = vec![prefix.clone()];
    while let Some(folder) = open.pop() {
        for entry in entries(root, &folder)? {
            match entry {
                Entry::Object(_) => return Ok(true),
                Entry::Folder(below) => open.push(below),
            }
        }
    }
    Ok(false)
}

/// The objects and folders directly in the folder of `prefix`, in the order of the keys that they begin.
fn entries(root: &Root, prefix: &Prefix) -> StoreResult<Vec<Entry>> {
    let path = root.folder(prefix)?;
    let listing = match fs::read_dir(&path) {
        Err(error) if is_missing(&error) => return Ok(Vec::new()),
        listing => listing.map_err(|error| failed("list", &path, error))?,
    };
    let mut entries = Vec::new();
    for file in listing {
        let file = file.map_err(|error| failed("list", &path, error))?;
        entries.extend(entry(&file, prefix, &path)?);
    }
    // A folder `a` begins the key `a/…`, which stands behind `a-b` and before `a0`.
    entries.sort_by_cached_key(Entry::beginning);
    Ok(entries)
}

/// What a file is to the store; `None` for a link, a pipe, a name that is no key, and what has just been deleted.
fn entry(file: &fs::DirEntry, prefix: &Prefix, folder: &Path) -> StoreResult<Option<Entry>> {
    let name = file.file_name();
    let Some(name) = name.to_str().filter(|name| !(prefix.is_empty() && Root::is_reserved(name))) else {
        return Ok(None);
    };
    let Ok(key) = prefix.key(name) else { return Ok(None) };
    match file.metadata() {
        Ok(metadata) if metadata.is_file() => Ok(Some(Entry::Object(stored(&key, &metadata)))),
        Ok(metadata) if metadata.is_dir() => Ok(prefix.child(name).ok().map(Entry::Folder)),
        Err(error) if !is_missing(&error) => Err(failed("look into", folder, error)),
        _ => Ok(None),
    }
}

impl Entry {
    fn beginning(&self) -> String {
        match self {
            Self::Object(Stored { key, .. }) => Key::as_str(key).to_owned(),
            Self::Folder(prefix) => format!("{prefix}/"),
        }
    }
}

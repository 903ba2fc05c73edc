//! From keys to paths: never out of the root, and never through a link.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Once;

use kbackup_core::store::{Key, Prefix, StoreError, StoreErrorKind, StoreResult};

use super::error::{failed, is_missing};

/// Where files stand before they have their names. No key begins with it.
pub(super) const TEMP: &str = ".kbackup-tmp";
/// What ext4 puts into the root of a file system, for root's eyes only.
const LOST_AND_FOUND: &str = "lost+found";
/// What Linux, macOS and Windows take as one name.
const SEGMENT_BYTES_MAX: usize = 255;

/// The folder of a store.
#[derive(Debug)]
pub(super) struct Root {
    pub(super) path: PathBuf,
    /// Temporary files of crashed writers are looked for once.
    pub(super) swept: Once,
}

impl Root {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, swept: Once::new() }
    }

    /// The folder of temporary files.
    pub(super) fn temp(&self) -> PathBuf {
        self.path.join(TEMP)
    }

    /// The path of `key`.
    ///
    /// # Errors
    /// `Invalid` where a file system cannot hold it, where it is reserved, or where a symbolic link is on the way.
    pub(super) fn file(&self, key: &Key) -> StoreResult<PathBuf> {
        self.resolve(key.as_str())
    }

    /// The path of the folder that `prefix` is.
    ///
    /// # Errors
    /// As [`Root::file`].
    pub(super) fn folder(&self, prefix: &Prefix) -> StoreResult<PathBuf> {
        if prefix.is_empty() { Ok(self.path.clone()) } else { self.resolve(prefix.as_str()) }
    }

    /// Whether `name` directly below the root is not a part of the store.
    pub(super) fn is_reserved(name: &str) -> bool {
        name == TEMP || name == LOST_AND_FOUND
    }

    fn resolve(&self, key: &str) -> StoreResult<PathBuf> {
        let mut path = self.path.clone();
        for (depth, segment) in key.split('/').enumerate() {
            if let Some(why) = unfit(depth, segment) {
                return Err(StoreError::new(
                    StoreErrorKind::Invalid,
                    format!("{} cannot hold {key}: {why}", self.path.display()),
                ));
            }
            path.push(segment);
        }
        self.refuse_links(&path)?;
        Ok(path)
    }

    fn refuse_links(&self, path: &Path) -> StoreResult<()> {
        let below_root = path.ancestors().take_while(|step| *step != self.path);
        for step in below_root {
            match fs::symlink_metadata(step) {
                Ok(metadata) if metadata.is_symlink() => {
                    return Err(StoreError::new(
                        StoreErrorKind::Invalid,
                        format!(
                            "{} is a symbolic link, and kbackup follows none below {}: make it a folder, or mount there what it points to",
                            step.display(),
                            self.path.display()
                        ),
                    ));
                }
                Err(error) if !is_missing(&error) => return Err(failed("look at", step, error)),
                _ => {}
            }
        }
        Ok(())
    }
}

/// Why a segment cannot be the name of a file or a folder, if so.
fn unfit(depth: usize, segment: &str) -> Option<String> {
    if segment.len() > SEGMENT_BYTES_MAX {
        return Some(format!(
            "the part \"{}…\" has {} bytes, and a file name has at most {SEGMENT_BYTES_MAX}",
            segment.chars().take(20).collect::<String>(),
            segment.len()
        ));
    }
    (depth == 0 && Root::is_reserved(segment)).then(|| format!("\"{segment}\" is reserved"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_paths_below_the_root() {
        let root = Root::new(PathBuf::from("/nowhere/at all"));
        let long = "x".repeat(256);
        for (key, expect) in [
            ("a/b.json", Some("/nowhere/at all/a/b.json")),
            ("..a/b..", Some("/nowhere/at all/..a/b..")),
            ("a/.kbackup-tmp", Some("/nowhere/at all/a/.kbackup-tmp")),
            (".kbackup-tmp/a", None),
            (".kbackup-tmp", None),
            ("lost+found", None),
            (&long, None),
        ] {
            let path = root.file(&key.parse().expect("a key"));
            assert_eq!(path.as_deref().ok(), expect.map(Path::new), "{key}");
            if let Err(error) = path {
                assert_eq!(error.kind(), StoreErrorKind::Invalid, "{error}");
            }
        }
    }

    #[cfg(unix)]
    #[test]
    fn links_below_the_root_are_refused() {
        let outside = tempfile::tempdir().expect("a folder");
        fs::write(outside.path().join("secret"), "x").expect("a file");
        let folder = tempfile::tempdir().expect("a folder");
        std::os::unix::fs::symlink(outside.path(), folder.path().join("out")).expect("a link");
        std::os::unix::fs::symlink(outside.path().join("secret"), folder.path().join("file")).expect("a link");
        let root = Root::new(folder.path().to_owned());
        for key in ["out", "out/secret", "out/new/deeper", "file"] {
            let error = root.file(&key.parse().expect("a key")).expect_err(key);
            assert_eq!(error.kind(), StoreErrorKind::Invalid);
            assert!(error.to_string().contains("symbolic link"), "{error}");
        }
    }
}

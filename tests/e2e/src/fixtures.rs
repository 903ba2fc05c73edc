//! The manifests that scenarios load.

use std::path::{Path, PathBuf};

use kbackup_sandbox::manifest::{Manifest, read_path};
use kbackup_sandbox::shop;

use crate::target::required;

/// The small shop application that comes with the sandbox.
///
/// # Panics
/// Where it can't be read, which its own tests rule out.
#[must_use]
pub fn shop() -> Vec<Manifest> {
    shop::manifests().expect("the shop's manifests are valid")
}

/// kube-prometheus and a shop with volumes, jobs and node ports, from the folder that `KBACKUP_TEST_FIXTURES` names; `None`
/// where it names none.
///
/// # Panics
/// Where it is not set although `KBACKUP_TEST_REQUIRE=1`, or a file is not valid.
#[must_use]
pub fn monitoring_and_shop() -> Option<Vec<Manifest>> {
    let folder = required("KBACKUP_TEST_FIXTURES", "a folder with kube-prometheus/ and shop.yaml")?;
    let read = |name: &str| read(&folder.join(name));
    Some([read("kube-prometheus"), read("shop.yaml")].concat())
}

/// A bucket that Velero wrote: a backup of a shop and of kube-prometheus, from the folder that `KBACKUP_TEST_FIXTURES` names;
/// `None` where it names none.
///
/// # Panics
/// Where it is not set although `KBACKUP_TEST_REQUIRE=1`.
#[must_use]
pub fn velero_bucket() -> Option<PathBuf> {
    required("KBACKUP_TEST_FIXTURES", "a folder with velero-bucket/").map(|folder| folder.join("velero-bucket"))
}

/// The shop in that bucket alone, which is part of the sources.
#[must_use]
pub fn small_velero_bucket() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../crates/kbackup-core/tests/data/velero-bucket")
}

fn read(path: &Path) -> Vec<Manifest> {
    read_path(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

//! What later stages of a backup need of the objects that it takes: looked at once, while the bytes are at hand.

use std::fmt::Debug;

use crate::model::{Gvr, Object};

/// Sees the objects that a backup takes, and keeps of them what a later stage needs.
///
/// Lanes call it at the same time. A list that breaks off is read again: then [`Witness::forget`] takes back what was
/// seen of it, and its objects are seen anew.
pub(super) trait Witness: Debug + Send + Sync {
    /// Whether it wants to see objects of this type. Asked once a list.
    fn wants(&self, ty: &Gvr) -> bool;

    /// Whether it looks at more of objects of this type than their metadata. Only asked where it wants to see them.
    fn reads(&self, ty: &Gvr) -> bool;

    /// An object of that type is in the archive.
    fn see(&self, ty: &Gvr, object: &Object);

    /// What was seen of that type (in that namespace, where one is given) does not count.
    fn forget(&self, ty: &Gvr, namespace: Option<&str>);
}

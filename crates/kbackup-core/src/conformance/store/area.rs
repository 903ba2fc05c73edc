//! The part of a store that one function of the suite has for itself.

use std::sync::Arc;

use bytes::Bytes;
use futures::TryStreamExt;

use crate::store::{Key, ObjectStore, ObjectStoreExt, Prefix, PutMode, StoreErrorKind, StoreResult, Stored};

/// More than any object of the suite has.
const BYTES_MAX: u64 = 64 << 20;

pub(super) struct Area<'a> {
    pub(super) store: &'a Arc<dyn ObjectStore>,
    pub(super) prefix: Prefix,
}

impl<'a> Area<'a> {
    pub(super) fn new(store: &'a Arc<dyn ObjectStore>, name: &str) -> Self {
        Self { store, prefix: format!("conformance/{name}").parse().expect("a prefix") }
    }

    pub(super) fn key(&self, name: &str) -> Key {
        self.prefix.key(name).expect("a key")
    }

    pub(super) fn prefix(&self, name: &str) -> Prefix {
        self.prefix.child(name).expect("a prefix")
    }

    pub(super) async fn put(&self, name: &str, body: impl Into<Bytes>) -> Stored {
        let stored = self.store.put(&self.key(name), body.into(), PutMode::Overwrite).await;
        stored.unwrap_or_else(|error| panic!("{name} cannot be written: {error}"))
    }

    pub(super) async fn read(&self, name: &str) -> Bytes {
        let body = self.store.get_bytes(&self.key(name), BYTES_MAX).await;
        body.unwrap_or_else(|error| panic!("{name} cannot be read: {error}"))
    }

    /// The names of all objects below `prefix`, as the store lists them.
    pub(super) async fn names(&self, prefix: &Prefix) -> Vec<String> {
        let listed: Vec<Stored> = self.store.list(prefix).try_collect().await.expect("a list");
        listed.iter().map(|stored| self.name(&stored.key)).collect()
    }

    /// The name of a key of this area.
    pub(super) fn name(&self, key: &Key) -> String {
        key.relative_to(&self.prefix).unwrap_or_else(|| panic!("{key} is not below {}", self.prefix)).to_string()
    }
}

/// That a call failed, and as what.
pub(super) fn assert_kind<T>(result: StoreResult<T>, expect: StoreErrorKind, what: &str) {
    match result {
        Ok(_) => panic!("{what} succeeded instead of failing as {expect:?}"),
        Err(error) => {
            assert_eq!(error.kind(), expect, "{what}: {error}");
            assert!(!error.to_string().contains('\n'), "{what}: the message is not one line: {error}");
        }
    }
}

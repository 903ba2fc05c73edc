//! A location: an object store and how it is used, as a configuration file or an object of a cluster describes it.

use std::collections::BTreeMap;
use std::sync::Arc;

use kbackup_core::catalog::Probed;
use kbackup_core::spec::Ttl;
use kbackup_core::store::ObjectStore;
use serde::{Deserialize, Serialize};

use crate::registry::{Access, OpenError, OpenOptions, Registry};

/// Where backups are kept, and how.
///
/// ```
/// use kbackup_providers::location::Location;
/// use kbackup_providers::registry::Registry;
///
/// let location = Location::new("memory://main").read_only();
/// let store = location.open(&Registry::default())?;
/// assert!(!store.capabilities().writable, "nothing can be made or deleted there, and all can be restored");
/// # Ok::<(), kbackup_providers::registry::OpenError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Location {
    /// The store's URL, with its prefix.
    pub url: String,
    /// Options of the store, in addition to those in the URL.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub options: BTreeMap<String, String>,
    /// What may be done there.
    #[serde(default)]
    pub access: Access,
    /// How long a backup that is made there is kept, where nothing else is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<Ttl>,
    /// For whom a backup that is made there is encrypted, where nothing else is said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recipients: Vec<String>,
    /// The keys by one of which a backup must be signed to be restored from there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trusted_keys: Vec<String>,
}

impl Location {
    /// The location of this URL, for reading and writing.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            options: BTreeMap::new(),
            access: Access::default(),
            ttl: None,
            recipients: Vec::new(),
            trusted_keys: Vec::new(),
        }
    }

    /// The same, and nothing is made or deleted there.
    #[must_use]
    pub fn read_only(self) -> Self {
        Self { access: Access::ReadOnly, ..self }
    }

    /// Opens its store. A location that is read-only refuses every write before it reaches the store.
    ///
    /// # Errors
    /// As [`Registry::open`].
    pub fn open(&self, registry: &Registry) -> Result<Arc<dyn ObjectStore>, OpenError> {
        let options = match self.access {
            Access::ReadWrite => OpenOptions::default(),
            Access::ReadOnly => OpenOptions::default().read_only(),
        };
        registry.open(&self.full_url(), options)
    }

    /// The URL with the options behind it.
    fn full_url(&self) -> String {
        let mut url = self.url.clone();
        for (key, value) in &self.options {
            let separator = if url.contains('?') { '&' } else { '?' };
            let pair = url::form_urlencoded::Serializer::new(String::new()).append_pair(key, value).finish();
            url = format!("{url}{separator}{pair}");
        }
        url
    }

    /// What somebody who manages the store has to allow so that `action` works, in the words of its provider.
    #[must_use]
    pub fn permission(&self, action: Probed) -> &'static str {
        let scheme = self.url.split("://").next().unwrap_or_default();
        let row = PERMISSIONS.iter().find(|(known, _)| *known == scheme);
        let [read, list, write, delete] = row.map_or(OTHER, |(_, words)| *words);
        match action {
            Probed::Marker | Probed::Read => read,
            Probed::List => list,
            Probed::Write | Probed::CreateOnce => write,
            Probed::Delete => delete,
        }
    }
}

/// Permissions to read, list, write and delete.
type Words = [&'static str; 4];

const OTHER: Words = ["reading", "listing", "writing", "deleting"];
const PERMISSIONS: [(&str, Words); 4] = [
    (
        "file",
        [
            "r on the files",
            "r and x on the folders",
            "w and x on the folder",
            "w and x on the folders that hold the files",
        ],
    ),
    ("s3", ["s3:GetObject", "s3:ListBucket", "s3:PutObject", "s3:DeleteObject"]),
    ("gs", ["storage.objects.get", "storage.objects.list", "storage.objects.create", "storage.objects.delete"]),
    (
        "az",
        [
            "…/containers/blobs/read",
            "…/containers/blobs/read (List)",
            "…/containers/blobs/write",
            "…/containers/blobs/delete (all of them: the role Storage Blob Data Contributor)",
        ],
    ),
];

#[cfg(test)]
mod tests {
    use kbackup_core::catalog::probe;

    use super::*;

    #[test]
    fn a_location_is_read_as_it_was_written() {
        let location: Location = serde_json::from_str(
            r#"{"url":"memory://a/b","access":"readOnly","ttl":"48h","recipients":["age1x"],"trustedKeys":["RWx"]}"#,
        )
        .expect("it is a location");
        assert_eq!((location.access, location.ttl), (Access::ReadOnly, Some(Ttl::hours(48))));
        let again = serde_json::to_string(&location).expect("plain data");
        assert_eq!(serde_json::from_str::<Location>(&again).expect("its own text"), location);
        let typo = serde_json::from_str::<Location>(r#"{"url":"memory://","acces":"readOnly"}"#).expect_err("a typo");
        assert!(typo.to_string().contains("access"), "{typo}");
    }

    #[test]
    fn options_stand_behind_the_url() {
        let with = |url: &str| Location {
            options: [("a b".to_owned(), "c&d".to_owned()), ("e".to_owned(), "f".to_owned())].into(),
            ..Location::new(url)
        };
        assert_eq!(with("s3://bucket/x").full_url(), "s3://bucket/x?a+b=c%26d&e=f");
        assert_eq!(with("s3://bucket/x?g=h").full_url(), "s3://bucket/x?g=h&a+b=c%26d&e=f");
        assert_eq!(Location::new("memory://").full_url(), "memory://");
    }

    #[tokio::test]
    async fn a_read_only_location_is_tried_out_without_a_write() {
        let registry = Registry::default();
        let location = Location::new("memory://a");
        let writable = location.open(&registry).expect("a store");
        assert_eq!(probe(&*writable).await.steps.len(), 6);
        let read_only = location.read_only().open(&registry).expect("a store");
        assert_eq!(probe(&*read_only).await.steps.len(), 2);
    }

    #[test]
    fn permissions_are_those_of_the_provider() {
        for (url, action, expect) in [
            ("s3://bucket", Probed::CreateOnce, "s3:PutObject"),
            ("gs://bucket", Probed::List, "storage.objects.list"),
            ("file:///srv", Probed::Marker, "r on the files"),
            ("memory://", Probed::Delete, "deleting"),
        ] {
            assert_eq!(Location::new(url).permission(action), expect);
        }
    }
}

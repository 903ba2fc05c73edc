//! From a URL to an object store: the only place that knows all kinds of stores by name.

mod error;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use kbackup_core::limits::Limits;
use kbackup_core::store::{MemoryStore, ObjectStore, Prefix, PrefixStore, ReadOnlyStore};
use serde::{Deserialize, Serialize};
use url::Url;

pub use error::{OpenError, OpenErrorKind};

/// Opens object stores, and remembers those in memory by name.
///
/// ```
/// use kbackup_providers::registry::{OpenOptions, Registry};
///
/// let registry = Registry::default();
/// let store = registry.open("memory://demo/backups", OpenOptions::default())?;
/// assert_eq!(store.to_string(), "memory://demo/backups");
/// let error = registry.open("srv/backups", OpenOptions::default()).unwrap_err();
/// assert_eq!(error.next_step(), "write the whole path, as in file:///srv/backups");
/// # Ok::<(), kbackup_providers::registry::OpenError>(())
/// ```
#[derive(Debug, Default)]
pub struct Registry {
    memory: Mutex<BTreeMap<String, MemoryStore>>,
}

/// How a store is opened.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct OpenOptions {
    /// What may be done with it.
    pub access: Access,
    /// How often, how many at a time and how long a cloud is asked.
    pub limits: Limits,
}

/// What may be done with a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Access {
    /// Everything.
    #[default]
    ReadWrite,
    /// Reading: every write and deletion is refused before it reaches the store.
    ReadOnly,
}

/// Opens the store that `url` names, with a registry of its own: `memory://` is empty each time.
///
/// # Errors
/// As [`Registry::open`].
pub fn open(url: &str, options: OpenOptions) -> Result<Arc<dyn ObjectStore>, OpenError> {
    Registry::default().open(url, options)
}

impl Registry {
    /// Opens the store that `url` names: `file:///absolute/path`, `s3://bucket/prefix?region=…`, `gs://bucket/prefix`,
    /// `az://container/prefix?account=…`, or `memory://name/prefix`, which is the same store each time for this registry.
    /// Nothing is asked of it before it is used. A folder need not exist; the first write makes it.
    ///
    /// What a cloud does not answer is tried again, as [`OpenOptions::limits`] say.
    ///
    /// # Errors
    /// Where the URL names no store, one that this build cannot open, or something that cannot be a store; and where its
    /// options make no sense.
    pub fn open(&self, url: &str, options: OpenOptions) -> Result<Arc<dyn ObjectStore>, OpenError> {
        #[cfg_attr(
            not(any(feature = "s3", feature = "gcs", feature = "azure")),
            expect(unused_variables, reason = "only clouds have calls to bound")
        )]
        let OpenOptions { access, limits } = options;
        let parsed = parse(url)?;
        let store = match parsed.scheme() {
            "file" => open_folder(&parsed)?,
            "memory" => self.open_memory(&parsed)?,
            #[cfg(feature = "s3")]
            "s3" => open_cloud(&parsed, &limits, crate::s3::open)?,
            #[cfg(feature = "gcs")]
            "gs" => open_cloud(&parsed, &limits, crate::gcs::open)?,
            #[cfg(feature = "azure")]
            "az" => open_cloud(&parsed, &limits, crate::azure::open)?,
            other => return Err(not_built_in(other)),
        };
        Ok(match access {
            Access::ReadWrite => store,
            Access::ReadOnly => Arc::new(ReadOnlyStore::new(store)),
        })
    }

    fn open_memory(&self, url: &Url) -> Result<Arc<dyn ObjectStore>, OpenError> {
        let invalid = |why: &str| {
            let next = "write memory://name, or memory://name/prefix";
            OpenError::new(OpenErrorKind::InvalidUrl, format!("cannot open {url}"), why, next)
        };
        let name = url.host_str().unwrap_or_default();
        let prefix: Prefix = url.path().parse().map_err(|_| invalid("its path is not a prefix of keys"))?;
        let mut stores = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        let store = stores.entry(name.to_owned()).or_insert_with(|| MemoryStore::named(name)).clone();
        if prefix.is_empty() {
            return Ok(Arc::new(store));
        }
        Ok(Arc::new(PrefixStore::new(Arc::new(store), prefix)))
    }
}

impl OpenOptions {
    /// Refuses every write and deletion.
    #[must_use]
    pub fn read_only(self) -> Self {
        Self { access: Access::ReadOnly, ..self }
    }

    /// The same, with these bounds.
    #[must_use]
    pub fn limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }
}

/// A bucket of a cloud: asked a bounded number of things at a time, and again where that helps.
#[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
fn open_cloud(
    url: &Url,
    limits: &Limits,
    open: impl FnOnce(crate::cloud::Place, &Limits) -> Result<crate::cloud::CloudStore, crate::cloud::OptionError>,
) -> Result<Arc<dyn ObjectStore>, OpenError> {
    use kbackup_core::clock::SystemClock;
    use kbackup_core::store::{LimitStore, RetryPolicy, RetryStore};

    let opened = crate::cloud::Place::of(url).and_then(|place| open(place, limits));
    let store = opened.map_err(|error| {
        let what = format!("cannot open {}", shown(url.as_str()));
        OpenError::new(OpenErrorKind::InvalidUrl, what, error.why(), error.next_step())
    })?;
    let requests_max = std::num::NonZeroUsize::new(limits.store_requests_max).unwrap_or(std::num::NonZeroUsize::MIN);
    let limited = LimitStore::new(Arc::new(store), requests_max);
    // Clients that fail together must not come back together.
    let policy = RetryPolicy::of(limits, uuid::Uuid::new_v4().as_u64_pair().0);
    Ok(Arc::new(RetryStore::new(Arc::new(limited), policy, Arc::new(SystemClock))))
}

#[cfg(feature = "fs")]
fn open_folder(url: &Url) -> Result<Arc<dyn ObjectStore>, OpenError> {
    let what = || format!("cannot open {url}");
    let invalid = |why: String, next: String| OpenError::new(OpenErrorKind::InvalidUrl, what(), why, next);
    if let Some(host) = url.host_str().filter(|host| *host != "localhost") {
        let why = format!("it names the host \"{host}\", and a folder is on this machine");
        return Err(invalid(why, format!("write file:///{host}{} if a path was meant", url.path())));
    }
    let path = url
        .to_file_path()
        .map_err(|()| invalid("it has no path of this system".to_owned(), "write file:///absolute/path".to_owned()))?;
    let store = crate::fs::FolderStore::open(path).map_err(|error| {
        OpenError::new(OpenErrorKind::Unusable, what(), error.to_string(), "name another folder".to_owned())
    })?;
    Ok(Arc::new(store))
}

#[cfg(not(feature = "fs"))]
fn open_folder(_url: &Url) -> Result<Arc<dyn ObjectStore>, OpenError> {
    Err(OpenError::new(
        OpenErrorKind::NotBuiltIn,
        "cannot open a file:// store",
        "this kbackup was built without it",
        "build it with the feature \"fs\" of kbackup-providers",
    ))
}

fn parse(text: &str) -> Result<Url, OpenError> {
    let invalid = |why: &str, next: String| {
        OpenError::new(OpenErrorKind::InvalidUrl, format!("\"{}\" is not the URL of a store", shown(text)), why, next)
    };
    let has_scheme = text.split_once("://").is_some_and(|(scheme, _)| !scheme.is_empty());
    if !has_scheme {
        let path = shown(text.trim_start_matches("file:").trim_start_matches("./").trim_start_matches('/'));
        let path = if path.is_empty() { "srv/backups" } else { path };
        let (why, next) = match text.starts_with('/') {
            true => ("it is a path", format!("write file:///{path}")),
            false => ("it has no scheme like file://", format!("write the whole path, as in file:///{path}")),
        };
        return Err(invalid(why, next));
    }
    let url = Url::parse(text)
        .map_err(|error| invalid(&error.to_string(), "write it like file:///srv/backups".to_owned()))?;
    if matches!(url.scheme(), "file" | "memory") && (url.query().is_some() || url.fragment().is_some()) {
        let next = "leave it out; in a name, write %3F for \"?\" and %23 for \"#\"".to_owned();
        return Err(invalid("what follows \"?\" or \"#\" means nothing to this kind of store", next));
    }
    Ok(url)
}

/// The text as it may be printed: whatever has an `@` may hold a password, and a query may hold a key.
fn shown(text: &str) -> &str {
    let text = text.split('?').next().unwrap_or_default();
    if text.contains('@') { "…" } else { text }
}

fn not_built_in(scheme: &str) -> OpenError {
    let feature = match scheme {
        "s3" => Some(("Amazon S3 and its kin", "s3")),
        "gs" => Some(("Google Cloud Storage", "gcs")),
        "az" => Some(("Azure Blob Storage", "azure")),
        _ => None,
    };
    let what = format!("cannot open a {scheme}:// store");
    match feature {
        Some((name, feature)) => OpenError::new(
            OpenErrorKind::NotBuiltIn,
            what,
            format!("this kbackup was built without {name}"),
            format!("build it with the feature \"{feature}\" of kbackup-providers"),
        ),
        None => {
            let known = [
                (cfg!(feature = "fs"), "file:///path"),
                (cfg!(feature = "s3"), "s3://bucket/prefix"),
                (cfg!(feature = "gcs"), "gs://bucket/prefix"),
                (cfg!(feature = "azure"), "az://container/prefix"),
                (true, "memory://name"),
            ];
            let known: Vec<&str> = known.into_iter().filter(|(built, _)| *built).map(|(_, url)| url).collect();
            let next = format!("use one that this build opens: {}", known.join(", "));
            OpenError::new(OpenErrorKind::InvalidUrl, what, "no kind of store has that scheme", next)
        }
    }
}

#[cfg(test)]
mod tests {
    use kbackup_core::conformance;
    use kbackup_core::store::{Key, PutMode};

    use super::*;

    fn check(url: &str, kind: OpenErrorKind, parts: &[&str]) {
        let error = open(url, OpenOptions::default()).expect_err(url);
        assert_eq!(error.kind(), kind, "{url}");
        for part in parts {
            assert!(error.to_string().contains(part), "{url}: {error}");
        }
        assert!(!error.to_string().contains("hunter2"), "{url}: a password is shown in {error}");
    }

    #[test]
    fn what_is_not_a_store_is_explained() {
        use OpenErrorKind::InvalidUrl;
        check("/srv/backups", InvalidUrl, &["it is a path; write file:///srv/backups"]);
        check("./backups", InvalidUrl, &["write the whole path, as in file:///backups"]);
        check("backups", InvalidUrl, &["file:///backups"]);
        check("", InvalidUrl, &["file:///srv/backups"]);
        check("file:backups", InvalidUrl, &["file:///backups"]);
        check("ftp://user:hunter2@host/x", InvalidUrl, &["ftp://", "no kind of store", "memory://name"]);
        check("://user:hunter2@host", InvalidUrl, &["no scheme"]);
        check("http://user:hunter2@[x/", InvalidUrl, &["…"]);
        check("memory://a?x=hunter2", InvalidUrl, &["\"?\""]);
        check("memory://a/b//c", InvalidUrl, &["not a prefix"]);
    }

    #[test]
    #[cfg(not(any(feature = "s3", feature = "gcs", feature = "azure")))]
    fn clouds_may_be_left_out() {
        for (url, name) in [("s3://bucket/x", "Amazon S3"), ("gs://bucket", "Google"), ("az://container", "Azure")] {
            check(url, OpenErrorKind::NotBuiltIn, &[name, "the feature"]);
        }
    }

    #[test]
    #[cfg(all(feature = "s3", feature = "gcs", feature = "azure"))]
    fn options_of_clouds_are_checked() {
        use OpenErrorKind::InvalidUrl;
        check("s3://key:hunter2@bucket", InvalidUrl, &["holds credentials"]);
        check("s3://", InvalidUrl, &["cannot open s3://: it names no bucket; write s3://bucket"]);
        check(
            "s3://bucket?regoin=x",
            InvalidUrl,
            &["cannot open s3://bucket: there is no option", "did you mean region?"],
        );
        check("s3://bucket?secret_access_key=hunter2", InvalidUrl, &["a secret into a URL"]);
        check("gs://bucket?endpoint=http://gcs.example", InvalidUrl, &["not encrypted"]);
        check("az://container?acount=x", InvalidUrl, &["did you mean account?"]);
        check("az://container?account=a&credentials=magic", InvalidUrl, &["shared-key"]);
        for url in ["s3://bucket/a/b?region=eu-west-1", "gs://bucket?anonymous=true", "az://container/x?account=a"] {
            assert_eq!(open(url, OpenOptions::default()).expect(url).to_string(), url);
        }
    }

    #[cfg(feature = "fs")]
    #[test]
    fn folders_are_absolute_and_on_this_machine() {
        check("file://srv/backups", OpenErrorKind::InvalidUrl, &["\"srv\"", "write file:///srv/backups"]);
        check("file:///srv?region=x", OpenErrorKind::InvalidUrl, &["\"?\""]);
        let file = tempfile::NamedTempFile::new().expect("a file");
        check(&format!("file://{}", file.path().display()), OpenErrorKind::Unusable, &["is a file"]);
        let store = open("file:///srv/my%20backups/", OpenOptions::default()).expect("a path");
        assert_eq!(store.to_string(), "file:///srv/my%20backups");
    }

    #[tokio::test]
    async fn memory_is_remembered_by_name() {
        let registry = Registry::default();
        let open = |url: &str| registry.open(url, OpenOptions::default()).expect("a store in memory");
        let key: Key = "below/object".parse().expect("a key");
        open("memory://a").put(&key, "x".into(), PutMode::Create).await.expect("the key is free");
        open("memory://a/below")
            .head(&"object".parse().expect("a key"))
            .await
            .expect("it is in the store of that name");
        for other in ["memory://b", "memory://"] {
            open(other).head(&key).await.expect_err("another name is another store");
        }
    }

    #[tokio::test]
    async fn read_only_stores_refuse_writes() {
        let registry = Registry::default();
        let key: Key = "object".parse().expect("a key");
        let writable = registry.open("memory://", OpenOptions::default()).expect("a store in memory");
        writable.put(&key, "x".into(), PutMode::Create).await.expect("the key is free");
        let store = registry.open("memory://", OpenOptions::default().read_only()).expect("a store in memory");
        conformance::store::writes_are_refused(store, &key).await;
    }
}

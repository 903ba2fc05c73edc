//! Which bucket a URL names, and what below it.

use kbackup_core::store::Prefix;
use percent_encoding::percent_decode_str;
use url::Url;

use super::options::OptionError;

/// A bucket, and a prefix in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) bucket: String,
    pub(crate) prefix: Prefix,
    /// What stands behind the `?`.
    pub(crate) query: String,
    /// The URL as a whole. Options that hold secrets are refused, so that it can be shown.
    pub(crate) url: String,
}

impl Place {
    /// The place of `url`, whose host is the bucket.
    pub(crate) fn of(url: &Url) -> Result<Self, OptionError> {
        let scheme = url.scheme();
        let shape = format!("write {scheme}://bucket, or {scheme}://bucket/prefix");
        let wrong = |why: &str| OptionError::new(why, shape.clone());
        if !url.username().is_empty() || url.password().is_some() {
            let next = "give credentials by the environment or a file: docs/providers says how for each store";
            return Err(OptionError::new("it holds credentials, and a URL is shown and logged", next));
        }
        if url.port().is_some() {
            return Err(OptionError::new(
                "it holds a port",
                format!("{shape}, and the address as endpoint=http://host:port"),
            ));
        }
        if url.fragment().is_some() {
            return Err(wrong("what follows \"#\" means nothing; in a name, write %23 for it"));
        }
        let bucket = url.host_str().unwrap_or_default();
        if !is_bucket(bucket) {
            return Err(wrong(if bucket.is_empty() { "it names no bucket" } else { "its bucket has no valid name" }));
        }
        let path = percent_decode_str(url.path()).decode_utf8().map_err(|_| wrong("its path is not UTF-8"))?;
        let prefix = path.parse().map_err(|_| wrong("its path is not a prefix of keys"))?;
        let mut shown = url.clone();
        shown.set_path(url.path().trim_end_matches('/'));
        if shown.query().is_some_and(str::is_empty) {
            shown.set_query(None);
        }
        let query = shown.query().unwrap_or_default().to_owned();
        Ok(Self { bucket: bucket.to_owned(), prefix, query, url: shown.to_string() })
    }
}

/// What the clouds allow between them: each is stricter, and says so itself.
fn is_bucket(name: &str) -> bool {
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    (3..=222).contains(&name.len())
        && name.chars().all(inner)
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && !name.contains("..")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(url: &str) -> Result<Place, OptionError> {
        Place::of(&Url::parse(url).expect(url))
    }

    #[test]
    fn urls_name_a_bucket_and_a_prefix() {
        for (url, bucket, prefix, query, shown) in [
            ("s3://bucket", "bucket", "", "", "s3://bucket"),
            ("s3://bucket/", "bucket", "", "", "s3://bucket"),
            (
                "s3://my-bucket.x/a/b%20c/?region=x",
                "my-bucket.x",
                "a/b c",
                "region=x",
                "s3://my-bucket.x/a/b%20c?region=x",
            ),
            ("gs://under_score?", "under_score", "", "", "gs://under_score"),
        ] {
            let place = place(url).expect(url);
            assert_eq!((place.bucket.as_str(), place.prefix.as_str()), (bucket, prefix), "{url}");
            assert_eq!((place.query.as_str(), place.url.as_str()), (query, shown), "{url}");
        }
    }

    #[test]
    fn what_names_none_is_explained() {
        for (url, part) in [
            ("s3://", "names no bucket"),
            ("s3:///prefix", "names no bucket"),
            ("s3://key:hunter2@bucket", "holds credentials"),
            ("s3://bucket:9000/x", "endpoint="),
            ("s3://b", "no valid name"),
            ("s3://bucket/a//b", "not a prefix"),
            ("s3://bucket/a#b", "%23"),
        ] {
            let error = place(url).expect_err(url).to_string();
            assert!(error.contains(part) && !error.contains("hunter2"), "{url}: {error}");
        }
    }
}

//! Names of things in an object store.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The name of one object in a store: segments between slashes, none of them empty, `.` or `..`.
///
/// A key that exists as a value can't escape from a folder, can't collide with a folder, and means the same in every
/// store.
///
/// ```
/// use kbackup_core::store::Key;
///
/// let key: Key = "backups/nightly/manifest.json".parse()?;
/// assert_eq!(key.segments().last(), Some("manifest.json"));
/// assert!("backups/../secret".parse::<Key>().is_err());
/// # Ok::<(), kbackup_core::store::KeyError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Key(String);

/// The beginning of keys: all whose first segments are these. The empty prefix is the beginning of every key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Prefix(String);

/// Text that is not a key or a prefix.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{key}\" is not a key: {why}")]
pub struct KeyError {
    key: String,
    why: &'static str,
}

const LEN_MAX: usize = 1_024;

fn check(key: &str) -> Result<(), KeyError> {
    let why = if key.len() > LEN_MAX {
        "it is longer than 1024 bytes"
    } else if key.chars().any(|c| c.is_control() || c == '\\') {
        "it has a control character or a backslash"
    } else if key.split('/').any(str::is_empty) {
        "there is an empty segment"
    } else if key.split('/').any(|segment| segment == "." || segment == "..") {
        "\".\" and \"..\" are not allowed"
    } else {
        return Ok(());
    };
    Err(KeyError { key: key.to_owned(), why })
}

impl Key {
    /// The key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its segments, first to last.
    pub fn segments(&self) -> impl Iterator<Item = &str> {
        self.0.split('/')
    }

    /// What stands behind `prefix`; `None` where the key does not begin with it.
    #[must_use]
    pub fn relative_to(&self, prefix: &Prefix) -> Option<Self> {
        if prefix.is_empty() {
            return Some(self.clone());
        }
        self.0.strip_prefix(&prefix.0)?.strip_prefix('/').map(|rest| Self(rest.to_owned()))
    }
}

impl Prefix {
    /// The beginning of every key.
    #[must_use]
    pub fn root() -> Self {
        Self::default()
    }

    /// Whether this is the beginning of every key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The prefix as text, without a slash at its end.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `key` begins with this, segment by segment: `a/b` is not the beginning of `a/bc`.
    #[must_use]
    pub fn contains(&self, key: &Key) -> bool {
        key.relative_to(self).is_some()
    }

    /// The key `name` (one or more segments) below this.
    ///
    /// # Errors
    /// Where the result is not a key.
    pub fn key(&self, name: &str) -> Result<Key, KeyError> {
        self.join(name).parse()
    }

    /// The prefix `name` (one or more segments) below this.
    ///
    /// # Errors
    /// Where the result is not a prefix.
    pub fn child(&self, name: &str) -> Result<Self, KeyError> {
        self.join(name).parse()
    }

    /// What stands behind `beginning`: empty where both are the same; `None` where this does not begin with it.
    #[must_use]
    pub fn relative_to(&self, beginning: &Self) -> Option<Self> {
        if beginning.is_empty() {
            return Some(self.clone());
        }
        match self.0.strip_prefix(&beginning.0)? {
            "" => Some(Self::root()),
            rest => rest.strip_prefix('/').map(|rest| Self(rest.to_owned())),
        }
    }

    fn join(&self, name: &str) -> String {
        if self.is_empty() { name.to_owned() } else { format!("{}/{name}", self.0) }
    }
}

impl FromStr for Key {
    type Err = KeyError;

    fn from_str(key: &str) -> Result<Self, Self::Err> {
        check(key).map(|()| Self(key.to_owned()))
    }
}

impl FromStr for Prefix {
    type Err = KeyError;

    fn from_str(prefix: &str) -> Result<Self, Self::Err> {
        let prefix = prefix.trim_matches('/');
        if prefix.is_empty() {
            return Ok(Self::root());
        }
        check(prefix).map(|()| Self(prefix.to_owned()))
    }
}

/// A key is ordered, compared and hashed as its text, so that ordered maps of keys can be searched by text.
impl Borrow<str> for Key {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Key {
    type Error = KeyError;

    fn try_from(key: String) -> Result<Self, Self::Error> {
        key.parse()
    }
}

impl From<Key> for String {
    fn from(key: Key) -> Self {
        key.0
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_cannot_escape() {
        for (key, valid) in [
            ("a", true),
            ("a/b.json", true),
            ("a/..b", true),
            ("", false),
            ("/a", false),
            ("a/", false),
            ("a//b", false),
            ("..", false),
            ("a/../b", false),
            ("a/./b", false),
            ("a\\b", false),
            ("a\0b", false),
        ] {
            assert_eq!(key.parse::<Key>().is_ok(), valid, "{key:?}");
        }
    }

    #[test]
    fn prefixes_end_at_segments() {
        let prefix: Prefix = "/a/b/".parse().expect("slashes at the ends are trimmed");
        let key = |key: &str| key.parse::<Key>().expect(key);
        assert!(prefix.contains(&key("a/b/c")));
        assert!(!prefix.contains(&key("a/bc")));
        assert!(!prefix.contains(&key("a/b")));
        assert_eq!(prefix.key("c/d").expect("a key"), key("a/b/c/d"));
        assert_eq!(Prefix::root().key("x").expect("a key"), key("x"));
    }
}

//! The options behind the `?` of a store's URL.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use kbackup_core::model::nearest;

/// Why the options of a URL make no sense. `Display` is one line, and repeats no value that could be a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}; {next}")]
pub struct OptionError {
    why: String,
    next: String,
}

/// How a cloud is reached over the network: what every kind of store takes as options.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct TransportOptions {
    /// `endpoint`: the address of the service, where it is not the cloud's own: `https://minio.example:9000`.
    pub endpoint: Option<String>,
    /// `allow-http`: whether a connection to another machine may be without encryption. To this machine it always may.
    pub allow_http: bool,
    /// `ca-file`: certificates in PEM that are trusted besides those of the system.
    pub ca_file: Option<PathBuf>,
    /// `insecure-skip-tls-verify`: whether any certificate is taken. Whoever is on the way can read and change all.
    pub insecure_skip_tls_verify: bool,
    /// `proxy`: the proxy, instead of that of `HTTPS_PROXY` and its kin.
    pub proxy: Option<String>,
    /// `part-size`: how much of a large object is sent at a time; a store takes at most 10,000 parts.
    pub part_size: ByteSize,
}

/// A number of bytes: `8388608`, `8MiB`, `1GiB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByteSize(pub u64);

/// The least that S3 and its kin take as a part that is not the last.
const PART_BYTES_MIN: u64 = 5 << 20;
/// A part is held in memory, once for each upload.
const PART_BYTES_MAX: u64 = 1 << 30;

/// The options of a URL that nobody has asked for yet.
#[derive(Debug, Default)]
pub(crate) struct Pairs {
    pairs: BTreeMap<String, String>,
    known: Vec<&'static str>,
}

impl Pairs {
    /// The options of `query`, which is what stands behind the `?`, percent-encoded.
    pub(crate) fn parse(query: &str) -> Result<Self, OptionError> {
        let mut pairs = BTreeMap::new();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            refuse_secrets(&name)?;
            if pairs.insert(name.to_string(), value.into_owned()).is_some() {
                return Err(OptionError::new(format!("the option \"{name}\" is given twice"), "give it once"));
            }
        }
        Ok(Self { pairs, known: Vec::new() })
    }

    /// The option `name`, if it is given.
    pub(crate) fn take<T: FromStr>(&mut self, name: &'static str, expect: &str) -> Result<Option<T>, OptionError> {
        self.known.push(name);
        let Some(value) = self.pairs.remove(name) else { return Ok(None) };
        let wrong = |_| OptionError::new(format!("the option {name}={value} makes no sense"), format!("give {expect}"));
        value.parse().map(Some).map_err(wrong)
    }

    /// The option `name`, where it is text.
    pub(crate) fn text(&mut self, name: &'static str) -> Result<Option<String>, OptionError> {
        match self.take::<String>(name, "a text")? {
            Some(text) if text.is_empty() => {
                Err(OptionError::new(format!("the option {name} is empty"), "give it a value, or leave it out"))
            }
            text => Ok(text),
        }
    }

    /// The option `name`, where it is true or false.
    pub(crate) fn flag(&mut self, name: &'static str) -> Result<Option<bool>, OptionError> {
        self.take(name, "true or false")
    }

    /// That every option was asked for.
    ///
    /// # Errors
    /// Names the first that nobody knows, and those that it may have meant.
    pub(crate) fn finish(self) -> Result<(), OptionError> {
        let Some(unknown) = self.pairs.keys().next() else { return Ok(()) };
        let near = nearest(&unknown.replace('_', "-"), self.known.iter().copied());
        let next = match &near[..] {
            [] => format!("the options are {}", self.known.join(", ")),
            near => format!("did you mean {}?", near.join(" or ")),
        };
        Err(OptionError::new(format!("there is no option \"{unknown}\""), next))
    }
}

impl TransportOptions {
    pub(crate) fn take(pairs: &mut Pairs) -> Result<Self, OptionError> {
        let options = Self {
            endpoint: pairs.text("endpoint")?.map(|text| address("endpoint", &text)).transpose()?,
            allow_http: pairs.flag("allow-http")?.unwrap_or_default(),
            ca_file: pairs.text("ca-file")?.map(PathBuf::from),
            insecure_skip_tls_verify: pairs.flag("insecure-skip-tls-verify")?.unwrap_or_default(),
            proxy: pairs.text("proxy")?.map(|text| address("proxy", &text)).transpose()?,
            part_size: pairs.take("part-size", "a number of bytes, as 16MiB")?.unwrap_or_default(),
        };
        options.check()?;
        Ok(options)
    }

    fn check(&self) -> Result<(), OptionError> {
        if !(PART_BYTES_MIN..=PART_BYTES_MAX).contains(&self.part_size.0) {
            return Err(OptionError::new("the option part-size is out of bounds", "give 5MiB to 1GiB"));
        }
        match &self.endpoint {
            Some(endpoint) if endpoint.starts_with("http://") && !self.allow_http && !is_loopback(endpoint) => {
                Err(OptionError::new(
                    format!("the endpoint {endpoint} is not encrypted"),
                    "write https://, or add allow-http=true where the network between is your own",
                ))
            }
            _ => Ok(()),
        }
    }
}

/// An address without credentials in it, and without a slash at its end.
fn address(name: &str, text: &str) -> Result<String, OptionError> {
    let wrong = |why: &str, next: &str| Err(OptionError::new(format!("the option {name} {why}"), next));
    match url::Url::parse(text) {
        Ok(url) if !url.username().is_empty() || url.password().is_some() => wrong(
            "holds credentials, which don't belong into a URL that is shown and logged",
            "leave them out; for a proxy, set HTTPS_PROXY instead",
        ),
        Ok(url) if matches!(url.scheme(), "http" | "https" | "socks5" | "socks5h") && url.host().is_some() => {
            Ok(text.trim_end_matches('/').to_owned())
        }
        _ => wrong("is not an address", "write it like https://host:9000"),
    }
}

fn is_loopback(endpoint: &str) -> bool {
    match url::Url::parse(endpoint).ok().as_ref().and_then(url::Url::host) {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// A URL is shown and logged, so no secret may be in it, however it is called.
fn refuse_secrets(name: &str) -> Result<(), OptionError> {
    let plain: String = name.to_ascii_lowercase().chars().filter(char::is_ascii_alphanumeric).collect();
    let secret =
        ["secret", "password", "sessiontoken", "sastoken", "accountkey", "accesskey", "sharedkey", "signature"];
    let is_file = plain.ends_with("file");
    if is_file || !secret.iter().any(|word| plain.contains(word)) {
        return Ok(());
    }
    Err(OptionError::new(
        format!("the option \"{name}\" would put a secret into a URL, which is shown and logged"),
        "give credentials by the environment or a file: docs/providers says how for each store",
    ))
}

impl OptionError {
    pub(crate) fn new(why: impl Into<String>, next: impl Into<String>) -> Self {
        Self { why: why.into(), next: next.into() }
    }

    /// What is wrong.
    #[must_use]
    pub fn why(&self) -> &str {
        &self.why
    }

    /// What to do next.
    #[must_use]
    pub fn next_step(&self) -> &str {
        &self.next
    }
}

impl Default for ByteSize {
    /// 8 MiB: what the engines send at a time.
    fn default() -> Self {
        Self(8 << 20)
    }
}

impl FromStr for ByteSize {
    type Err = OptionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (number, shift) = [("KiB", 10), ("MiB", 20), ("GiB", 30)]
            .into_iter()
            .find_map(|(unit, shift)| text.strip_suffix(unit).map(|number| (number, shift)))
            .unwrap_or((text, 0));
        let bytes = number.trim().parse::<u64>().ok().and_then(|number| number.checked_mul(1 << shift));
        bytes.map(Self).ok_or_else(|| {
            OptionError::new("it is not a number of bytes", "write a number, or one with KiB, MiB or GiB")
        })
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (unit, shift) in [("GiB", 30), ("MiB", 20), ("KiB", 10)] {
            if self.0 > 0 && self.0.is_multiple_of(1 << shift) {
                return write!(f, "{}{unit}", self.0 >> shift);
            }
        }
        write!(f, "{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(query: &str) -> Result<TransportOptions, OptionError> {
        let mut pairs = Pairs::parse(query)?;
        let options = TransportOptions::take(&mut pairs)?;
        pairs.finish()?;
        Ok(options)
    }

    #[test]
    fn options_are_read() {
        let read =
            options("endpoint=https%3A%2F%2Fminio%3A9000%2F&ca-file=/etc/ca%20s.pem&part-size=16MiB").expect("valid");
        assert_eq!(read.endpoint.as_deref(), Some("https://minio:9000"));
        assert_eq!(read.ca_file, Some(PathBuf::from("/etc/ca s.pem")));
        assert_eq!(read.part_size, ByteSize(16 << 20));
        assert_eq!(options("").expect("none"), TransportOptions::default());
        assert_eq!(
            options("endpoint=http://127.0.0.1:9000").expect("loopback").endpoint.as_deref(),
            Some("http://127.0.0.1:9000")
        );
        options("endpoint=http://minio:9000&allow-http=true").expect("asked for");
    }

    #[test]
    fn what_makes_no_sense_is_explained() {
        for (query, parts) in [
            ("endpont=https://x", &["no option \"endpont\"", "did you mean endpoint?"][..]),
            ("ca_file=/x", &["did you mean ca-file?"]),
            ("zzz=1", &["the options are endpoint, allow-http"]),
            ("proxy=http://user:hunter2@proxy:3128", &["holds credentials", "HTTPS_PROXY"]),
            ("endpoint=minio:9000", &["is not an address"]),
            ("endpoint=http://minio:9000", &["not encrypted", "allow-http=true"]),
            ("allow-http=maybe", &["allow-http=maybe", "true or false"]),
            ("part-size=1KiB", &["out of bounds", "5MiB"]),
            ("part-size=lots", &["a number of bytes"]),
            ("ca-file=", &["empty"]),
            ("ca-file=a&ca-file=b", &["given twice"]),
            ("secret_access_key=hunter2", &["would put a secret into a URL"]),
            ("sas-token=hunter2", &["would put a secret into a URL"]),
            ("AccountKey=hunter2", &["would put a secret into a URL"]),
        ] {
            let error = options(query).expect_err(query).to_string();
            for part in parts {
                assert!(error.contains(part), "{query}: {error}");
            }
            assert!(!error.contains("hunter2"), "{query}: {error}");
        }
    }

    #[test]
    fn sizes_are_read_as_they_are_shown() {
        for (text, bytes) in [("8MiB", 8 << 20), ("1GiB", 1 << 30), ("5KiB", 5 << 10), ("1025", 1_025), ("0", 0)] {
            let size: ByteSize = text.parse().expect(text);
            assert_eq!((size.0, size.to_string().as_str()), (bytes, text));
        }
        for text in ["", "MiB", "-1", "1.5GiB", "99999999999GiB", "8MB"] {
            assert!(text.parse::<ByteSize>().is_err(), "{text}");
        }
    }
}

//! How long a backup is kept.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A time to live, as Velero and Go write durations: `720h0m0s`, `1h30m`, `90s`; also `30d` and `2w`.
///
/// ```
/// use kbackup_core::spec::Ttl;
///
/// let ttl: Ttl = "30d".parse()?;
/// assert_eq!(ttl.to_string(), "720h0m0s");
/// assert_eq!(ttl, Ttl::default());
/// # Ok::<(), kbackup_core::spec::TtlError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Ttl(Duration);

/// Text that is not a time to live.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{text}\" is not a duration: {why} (write it like 720h0m0s, 30d or 2w)")]
pub struct TtlError {
    text: String,
    why: &'static str,
}

const UNITS: [(&str, u64); 5] = [("w", 7 * 86_400), ("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)];
/// A hundred years: enough for any law, and far from the end of the calendar.
const SECONDS_MAX: u64 = 100 * 366 * 86_400;

impl Ttl {
    /// So many hours; at least one.
    #[must_use]
    pub const fn hours(hours: u32) -> Self {
        let hours = if hours == 0 { 1 } else { hours };
        Self(Duration::from_secs(hours as u64 * 3_600))
    }

    /// The length.
    #[must_use]
    pub fn duration(self) -> Duration {
        self.0
    }
}

impl Default for Ttl {
    /// 30 days, as Velero's.
    fn default() -> Self {
        Self(Duration::from_secs(30 * 86_400))
    }
}

impl FromStr for Ttl {
    type Err = TtlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = |why| TtlError { text: text.to_owned(), why };
        let mut rest = text.trim();
        let mut seconds = 0_u64;
        if rest.is_empty() {
            return Err(error("it is empty"));
        }
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(|| error("a unit is missing"))?;
            let count: u64 = rest[..digits].parse().map_err(|_| error("a number and a unit were expected"))?;
            let (unit, scale) = UNITS
                .into_iter()
                .find(|(unit, _)| rest[digits..].starts_with(unit))
                .ok_or_else(|| error("the units are w, d, h, m and s"))?;
            seconds = count
                .checked_mul(scale)
                .and_then(|more| seconds.checked_add(more))
                .filter(|seconds| *seconds <= SECONDS_MAX)
                .ok_or_else(|| error("it is longer than a hundred years"))?;
            rest = &rest[digits + unit.len()..];
        }
        match seconds {
            0 => Err(error("it must be longer than zero")),
            seconds => Ok(Self(Duration::from_secs(seconds))),
        }
    }
}

impl fmt::Display for Ttl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        write!(f, "{}h{}m{}s", seconds / 3_600, seconds / 60 % 60, seconds % 60)
    }
}

impl TryFrom<String> for Ttl {
    type Error = TtlError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Ttl> for String {
    fn from(ttl: Ttl) -> Self {
        ttl.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_and_print_as_go_does() {
        for (text, expect) in
            [("720h0m0s", "720h0m0s"), ("24h", "24h0m0s"), ("90m", "1h30m0s"), ("1w2d", "216h0m0s"), ("61s", "0h1m1s")]
        {
            assert_eq!(text.parse::<Ttl>().expect(text).to_string(), expect, "{text}");
        }
        for text in ["", "0s", "h", "10", "-1h", "1.5h", "1x", "99999999999999h", "200000w"] {
            assert!(text.parse::<Ttl>().is_err(), "{text:?}");
        }
    }
}

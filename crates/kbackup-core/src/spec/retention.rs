//! Which backups are kept beyond their time to live.

use serde::{Deserialize, Serialize};

/// How many backups are kept by their age, beside those whose time to live is not over: what either keeps, stays.
///
/// `keepDaily: 7` keeps the newest backup of each of the last seven days *that have one*; the other periods likewise. The
/// rules are about the backups of one schedule (or those of none), never about several together.
///
/// ```
/// use kbackup_core::spec::Retention;
///
/// let retention: Retention = serde_json::from_str(r#"{"keepLast": 3, "keepDaily": 7}"#)?;
/// assert!(!retention.is_empty());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Retention {
    /// The newest backups, whenever they were made.
    #[serde(skip_serializing_if = "is_zero")]
    pub keep_last: u32,
    /// Hours of which the newest backup is kept.
    #[serde(skip_serializing_if = "is_zero")]
    pub keep_hourly: u32,
    /// Days of which the newest backup is kept.
    #[serde(skip_serializing_if = "is_zero")]
    pub keep_daily: u32,
    /// Weeks, from Monday on, of which the newest backup is kept.
    #[serde(skip_serializing_if = "is_zero")]
    pub keep_weekly: u32,
    /// Months of which the newest backup is kept.
    #[serde(skip_serializing_if = "is_zero")]
    pub keep_monthly: u32,
    /// Years of which the newest backup is kept.
    #[serde(skip_serializing_if = "is_zero")]
    pub keep_yearly: u32,
}

impl Retention {
    /// Whether it keeps nothing: only the time to live decides then.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

fn is_zero(count: &u32) -> bool {
    *count == 0
}

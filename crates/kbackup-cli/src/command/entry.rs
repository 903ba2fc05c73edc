//! A schedule as the configuration file has it: its spec, and what is said beside it.

use std::path::PathBuf;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use kbackup_core::model::BackupName;
use kbackup_core::spec::{ScheduleSpec, Violations};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::failure::of_spec;
use crate::args::{Global, Pace};
use crate::config::Config;
use crate::error::Failure;

/// A schedule of the configuration file.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) name: BackupName,
    pub(crate) settings: Settings,
    pub(crate) spec: ScheduleSpec,
    pub(crate) zone: TimeZone,
}

/// What is said of a schedule beside its spec: it is about this machine.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Settings {
    /// Where its backups go; not given: where the command says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) location: Option<String>,
    /// When it was written down; not given: when it is first run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) created_at: Option<Timestamp>,
    /// For whom its backups are encrypted; none: for those of the location.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) recipients: Vec<String>,
    /// The file of the key that signs them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sign_key: Option<PathBuf>,
    /// A file whose first line is a passphrase that opens them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) passphrase_file: Option<PathBuf>,
    /// How hard they work.
    #[serde(skip_serializing_if = "is_usual")]
    pub(crate) limits: Pace,
}

/// The words of [`Settings`]: every other one is of the spec.
const WORDS: [&str; 6] = ["location", "createdAt", "recipients", "signKey", "passphraseFile", "limits"];

fn is_usual(pace: &Pace) -> bool {
    *pace == Pace::default()
}

impl Entry {
    /// The schedule of that name.
    pub(super) fn of(global: &Global, name: &str) -> Result<Self, Failure> {
        Self::read(name, Config::load(global)?.schedule(name)?)
    }

    /// The schedule of that name, as it stands in the file.
    pub(super) fn read(name: &str, value: &Value) -> Result<Self, Failure> {
        let wrong =
            |why: &dyn std::fmt::Display| Failure::usage(format!("the schedule \"{name}\" is not valid")).why(why);
        let table = value.as_object().cloned().unwrap_or_default();
        let (settings, spec): (Map<_, _>, Map<_, _>) =
            table.into_iter().partition(|(word, _)| WORDS.contains(&word.as_str()));
        let spec: ScheduleSpec = serde_json::from_value(Value::Object(spec)).map_err(|error| wrong(&error))?;
        spec.validate().map_err(|error| of_spec(&format!("the schedule \"{name}\" is not valid"), &error))?;
        Ok(Self {
            name: name.parse().map_err(|error| wrong(&error))?,
            settings: serde_json::from_value(Value::Object(settings)).map_err(|error| wrong(&error))?,
            zone: zone(&spec)?,
            spec,
        })
    }

    /// The schedule as it goes into the file.
    pub(super) fn write(&self) -> Result<Value, Failure> {
        let unwritable = |error| Failure::failed(format!("the schedule \"{}\" can't be written", self.name)).why(error);
        let mut value = serde_json::to_value(&self.spec).map_err(unwritable)?;
        let settings = serde_json::to_value(&self.settings).map_err(unwritable)?;
        if let (Some(table), Value::Object(settings)) = (value.as_object_mut(), settings) {
            table.extend(settings);
        }
        Ok(value)
    }
}

/// The zone whose clock a schedule is about.
pub(super) fn zone(spec: &ScheduleSpec) -> Result<TimeZone, Failure> {
    // That of the system, where it has one; otherwise the one that was built in.
    spec.zone(jiff::tz::db()).map_err(|error: Violations| of_spec("the schedule is not valid", &error))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_entry_is_read_as_it_was_written() {
        let value = json!({
            "schedule": "@daily", "location": "main", "createdAt": "2026-11-25T00:00:00Z", "recipients": ["age1x"],
            "signKey": "/k", "passphraseFile": "/p", "limits": { "listsInFlight": 2, "bytesPerSecond": 1000 },
        });
        let entry = Entry::read("nightly", &value).expect("it is valid");
        assert_eq!(entry.settings.limits.limits().lists_max, 2);
        let written = entry.write().expect("plain data");
        assert_eq!(Entry::read("nightly", &written).expect("its own words").settings, entry.settings);
        for (word, known) in [("limit", "limits"), ("signkey", "signKey")] {
            let error = Entry::read("nightly", &json!({ "schedule": "@daily", word: 1 })).expect_err(known);
            assert!(error.why[0].contains(word), "{error:?}");
        }
    }
}

//! Locations, and what trying one out has shown.

use std::collections::BTreeMap;

use kbackup_core::catalog::{Probe, ProbeStep};
use kbackup_providers::location::Location;
use kbackup_providers::registry::{Access, Registry};
use serde_json::{Value, json};

use super::causes;
use super::out::result;
use super::tables::table;
use crate::args::Global;
use crate::error::Failure;

/// The locations of the configuration file. Values of options may be keys, and are not shown.
pub(crate) fn locations(
    global: &Global,
    locations: &BTreeMap<String, Location>,
    default: Option<&str>,
) -> Result<(), Failure> {
    let items: Vec<Value> = locations.iter().map(|(name, location)| item(name, location, default)).collect();
    let names = || locations.keys().cloned().collect();
    let row = |(name, location): (&String, &Location)| {
        let mark = if default == Some(name.as_str()) { "*" } else { "" };
        let ttl = location.ttl.map(|ttl| ttl.to_string()).unwrap_or_default();
        vec![format!("{name}{mark}"), shown(location), access(location).to_owned(), ttl]
    };
    let text = |_| match locations.is_empty() {
        true => "No locations found.".to_owned(),
        false => table(&["NAME", "URL", "ACCESS", "TTL"], locations.iter().map(row).collect()),
    };
    result(global, &json!({ "items": items }), names, text)
}

fn item(name: &str, location: &Location, default: Option<&str>) -> Value {
    json!({
        "name": name,
        "url": shown(location),
        "options": location.options.keys().collect::<Vec<_>>(),
        "access": access(location),
        "ttl": location.ttl,
        "recipients": location.recipients,
        "trustedKeys": location.trusted_keys,
        "default": default == Some(name),
    })
}

/// A store shows its URL without credentials; one that can't be opened shows nothing but that.
fn shown(location: &Location) -> String {
    location.open(&Registry::default()).map_or_else(|error| error.what().to_owned(), |store| store.to_string())
}

fn access(location: &Location) -> &'static str {
    match location.access {
        Access::ReadWrite => "readWrite",
        Access::ReadOnly => "readOnly",
    }
}

/// What trying out a location has shown.
pub(crate) fn probe(global: &Global, name: &str, location: &Location, probe: &Probe) -> Result<(), Failure> {
    let step = |step: &ProbeStep| {
        let error = step.result.as_ref().err().map(|error| causes(error));
        let missing = error.as_ref().map(|_| location.permission(step.action));
        json!({ "step": step.action.to_string(), "ok": error.is_none(), "error": error, "needs": missing })
    };
    let steps: Vec<Value> = probe.steps.iter().map(step).collect();
    let good = probe.is_good();
    let row = |step: &ProbeStep| match &step.result {
        Ok(()) => vec![step.action.to_string(), "ok".to_owned()],
        Err(error) => {
            vec![
                step.action.to_string(),
                format!("FAILED: {}; needs {}", causes(error), location.permission(step.action)),
            ]
        }
    };
    let text = |_| {
        let end = if good { "can be used" } else { "can't be used as it is" };
        let rows = table(&["STEP", "RESULT"], probe.steps.iter().map(row).collect());
        format!("{rows}\nLocation {name} {end} ({}).", access(location))
    };
    let failed = || probe.steps.iter().filter(|it| it.result.is_err()).map(|it| it.action.to_string()).collect();
    result(global, &json!({ "name": name, "ok": good, "access": access(location), "steps": steps }), failed, text)
}

/// Something that the configuration file no longer names.
pub(crate) fn forgotten(global: &Global, what: &str, name: &str) -> Result<(), Failure> {
    let value = json!({ "name": name, "removed": true });
    let sentence = |_| format!("{what} {name} removed from the configuration; backups stay where they are.");
    result(global, &value, || vec![name.to_owned()], sentence)
}

//! `kbackup location add | get | check | set | remove`.

use std::collections::BTreeMap;

use kbackup_core::catalog::probe;
use kbackup_core::model::BackupName;
use kbackup_providers::location::Location;
use kbackup_providers::registry::{Access, Registry};

use crate::args::{Global, LocationAdd, LocationField, LocationGet, LocationName, LocationSet, LocationSettings};
use crate::config::{Config, ConfigFile, Section};
use crate::connect::refused;
use crate::error::{Code, Failure};
use crate::keys;
use crate::view;

pub(super) fn add(global: &Global, add: &LocationAdd) -> Result<Code, Failure> {
    let config = Config::load(global)?;
    // The rule of names is that of backups: it goes into files, labels and command lines.
    add.name.parse::<BackupName>().map_err(|error| Failure::usage(error).next("choose another name"))?;
    if config.locations.contains_key(&add.name) {
        let failure = Failure::usage(format!("there is a location \"{}\" already", add.name));
        return Err(failure.next(format!("change it with: kbackup location set {}", add.name)));
    }
    save(global, &add.name, Location::new(&add.url), &add.settings)
}

pub(super) fn set(global: &Global, set: &LocationSet) -> Result<Code, Failure> {
    let config = Config::load(global)?;
    let mut location = config.location(&set.name)?.clone();
    if let Some(url) = &set.url {
        location.url.clone_from(url);
    }
    save(global, &set.name, location, &set.settings)
}

fn save(global: &Global, name: &str, mut location: Location, settings: &LocationSettings) -> Result<Code, Failure> {
    match settings.read_only {
        Some(true) => location.access = Access::ReadOnly,
        Some(false) => location.access = Access::ReadWrite,
        None => {}
    }
    for field in &settings.clear {
        match field {
            LocationField::Ttl => location.ttl = None,
            LocationField::Options => location.options.clear(),
            LocationField::Recipients => location.recipients.clear(),
            LocationField::TrustedKeys => location.trusted_keys.clear(),
        }
    }
    location.ttl = settings.ttl.or(location.ttl);
    location.options.extend(settings.options.iter().cloned());
    if !settings.recipients.is_empty() {
        location.recipients.clone_from(&settings.recipients);
    }
    let trusted = keys::trusted(global)?;
    if !trusted.is_empty() {
        location.trusted_keys = trusted.iter().map(ToString::to_string).collect();
    }
    keys::recipients_of(Some(&location))?;
    // A location that can't be opened is a typing error: better now than at night.
    location.open(&Registry::default()).map_err(|error| refused(&error))?;
    let mut file = ConfigFile::open(global)?;
    file.set(Section::Locations, name, &location)?;
    match settings.default {
        Some(true) => file.set_default_location(Some(name)),
        Some(false) if Config::load(global)?.default_location.as_deref() == Some(name) => {
            file.set_default_location(None);
        }
        _ => {}
    }
    file.save()?;
    let default = Config::load(global)?.default_location;
    view::locations(global, &BTreeMap::from([(name.to_owned(), location)]), default.as_deref())?;
    Ok(Code::Completed)
}

pub(super) fn get(global: &Global, get: &LocationGet) -> Result<Code, Failure> {
    let mut config = Config::load(global)?;
    for name in &get.names {
        config.location(name)?;
    }
    config.locations.retain(|name, _| get.names.is_empty() || get.names.contains(name));
    view::locations(global, &config.locations, config.default_location.as_deref())?;
    Ok(Code::Completed)
}

pub(super) async fn check(global: &Global, check: &LocationName) -> Result<Code, Failure> {
    let config = Config::load(global)?;
    let location = config.location(&check.name)?;
    let store = location.open(&Registry::default()).map_err(|error| refused(&error))?;
    let probe = probe(&*store).await;
    view::probe(global, &check.name, location, &probe)?;
    Ok(if probe.is_good() { Code::Completed } else { Code::Failed })
}

pub(super) fn remove(global: &Global, remove: &LocationName) -> Result<Code, Failure> {
    let config = Config::load(global)?;
    config.location(&remove.name)?;
    let mut file = ConfigFile::open(global)?;
    file.remove(Section::Locations, &remove.name);
    if config.default_location.as_deref() == Some(remove.name.as_str()) {
        file.set_default_location(None);
    }
    file.save()?;
    view::forgotten(global, "Location", &remove.name)?;
    Ok(Code::Completed)
}
